/*
 * read.h - what pages ask of the database: a read-only connection, apart from the sale thread's.
 *
 * It sees what was committed. Owner: one read thread each.
 */
#ifndef TG_STORE_READ_H
#define TG_STORE_READ_H

#include "msg/catalog.h"
#include "shop/discount.h"
#include "shop/event.h"
#include "shop/payment.h"
#include "shop/rules.h"
#include "shop/shop.h"
#include "shop/waiting.h"
#include "store/db.h"
#include "store/registry.h"

struct tg_read_db;

/* The database must exist (tg_store_new came first). cfg is copied with its texts. reterr and
 * errors: see store.h. */
TG_MUST_CHECK tg_err tg_read_db_new(struct tg_read_db **ret, const struct tg_db_cfg *cfg,
                                    char reterr[256]);
void tg_read_db_free(struct tg_read_db *db);
/* Now by the database's clock, which all nodes share, as far as it was looked at: by the other one,
 * which may wait for the database. */
tg_us tg_read_wall(const struct tg_read_db *db);
void tg_read_look_at_clock(struct tg_read_db *db);
/* The shop's tax classes, copied; none until then. */
void tg_read_db_taxes(struct tg_read_db *db, const struct tg_taxes *taxes);

/* Return anything but TG_OK to stop; that is the answer then. Borrowed for the call. */
typedef tg_err (*tg_read_order_fn)(void *ctx, const struct tg_order *order);

struct tg_order_filter {
    const char *person; /* "" = everybody's */
    uint16_t show;      /* UINT16_MAX = any or none */
    int state;          /* enum tg_order_state; -1 = any */
    tg_us since_wall;   /* made then or later; 0 = any */
    int64_t below;      /* number < below; INT64_MAX = from the newest */
    uint32_t limit;
};
/* Newest first. Without their payment intents. One request looks at a bounded part of a show's
 * orders: *ret_left = go on below this number, also when there were less than `limit`; 0 = no more
 * but what the limit left out. So do the lists below. */
TG_MUST_CHECK tg_err tg_read_orders_by(struct tg_read_db *db, const struct tg_order_filter *filter,
                                       tg_read_order_fn each, void *ctx, int64_t *ret_left);
/* The same, orders with number < below; person NULL = everybody's. */
TG_MUST_CHECK tg_err tg_read_orders(struct tg_read_db *db, const char *person, int64_t below,
                                    uint32_t limit, tg_read_order_fn each, void *ctx);
/* An order's place in history: events and intents are numbered within their orders. Texts are
 * borrowed for the call. */
struct tg_event_row {
    int64_t order_number;
    uint32_t seq;
    enum tg_order_event kind;
    const char *actor;
    int64_t amount;
    const char *data;   /* JSON object, or "" */
    const char *reason; /* the shop's own words */
    tg_us at_wall;
    const char *order_id; /* lists over all orders; else "" */
    const char *currency; /* ... */
};
typedef tg_err (*tg_read_event_fn)(void *ctx, const struct tg_event_row *row);
/* What happened to an order, oldest first; that it was made is not among it. */
TG_MUST_CHECK tg_err tg_read_events(struct tg_read_db *db, int64_t order_number,
                                    tg_read_event_fn each, void *ctx);
struct tg_history_page {
    int64_t order_number; /* before this place, newest first; INT64_MAX = from the newest */
    int64_t number;
    int state;     /* of intents; -1 = any */
    uint16_t show; /* UINT16_MAX = any or none */
    uint32_t limit;
};
TG_MUST_CHECK tg_err tg_read_returns(struct tg_read_db *db, const struct tg_history_page *page,
                                     tg_read_event_fn each, void *ctx, int64_t *ret_left);
struct tg_intent_row {
    int64_t order_number;
    const char *order_id;
    const char *payment;
    const char *currency;
    struct tg_intent intent;
};
typedef tg_err (*tg_read_intent_fn)(void *ctx, const struct tg_intent_row *row);
TG_MUST_CHECK tg_err tg_read_intents(struct tg_read_db *db, const struct tg_history_page *page,
                                     tg_read_intent_fn each, void *ctx, int64_t *ret_left);
/* By id, or by number in decimal. NOTFOUND. The caller frees with tg_order_free. */
TG_MUST_CHECK tg_err tg_read_order(struct tg_read_db *db, const char *id, struct tg_order **ret);
TG_MUST_CHECK tg_err tg_read_payment(struct tg_read_db *db, const char *payment,
                                     struct tg_order **ret);
/* Stock, SKU by SKU above `above`: a row for each place that has or had any; location "" = the item
 * has none anywhere. */
struct tg_stock_read {
    const char *sku;
    int32_t available;
    struct tg_stock_rules rules;
    const char *location;
    struct tg_stock_count count;
    int64_t version;
};
typedef tg_err (*tg_read_stock_fn)(void *ctx, const struct tg_stock_read *row);
struct tg_stock_page {
    const char *above;   /* SKU; "" = from the start */
    uint32_t limit;      /* SKUs */
    int64_t moved_after; /* only those that moved after this position; 0 = all */
};
/* *ret_position: what moves from now on moves after it. Of moved_after it may lie before the newest
 * movement when there are very many: those after it are for the next time. */
TG_MUST_CHECK tg_err tg_read_stock(struct tg_read_db *db, const struct tg_stock_page *page,
                                   tg_read_stock_fn each, void *ctx, int64_t *ret_position);

struct tg_movement_read {
    int64_t id;
    const char *location;
    enum tg_movement movement;
    int32_t qty;
    int64_t order; /* number; 0 = by hand */
    const char *actor;
    const char *cause;
    tg_us at_wall;
    tg_us as_of_wall;
};
typedef tg_err (*tg_read_movement_fn)(void *ctx, const struct tg_movement_read *row);
/* By the moment they speak of, the newest first, before (as_of, id). */
TG_MUST_CHECK tg_err tg_read_movements(struct tg_read_db *db, const char *sku, tg_us as_of,
                                       int64_t id, uint32_t limit, tg_read_movement_fn each,
                                       void *ctx);

/* Every place, by ordinal; left: free units of `sku` there, -1 = sku is "". */
typedef tg_err (*tg_read_location_fn)(void *ctx, const struct tg_location *l, int32_t left);
TG_MUST_CHECK tg_err tg_read_locations(struct tg_read_db *db, const char *sku,
                                       tg_read_location_fn each, void *ctx);

/* Discount codes above `above` ("" = from the first); show is a public id, "" = every show. */
typedef tg_err (*tg_read_code_fn)(void *ctx, const struct tg_discount *discount, const char *show);
TG_MUST_CHECK tg_err tg_read_codes(struct tg_read_db *db, const char *above, uint32_t limit,
                                   tg_read_code_fn each, void *ctx);
/* NOTFOUND. */
TG_MUST_CHECK tg_err tg_read_code(struct tg_read_db *db, const char *code, tg_read_code_fn each,
                                  void *ctx);

struct tg_token_row {
    uint32_t ordinal;
    uint32_t roles;
    bool publish_only;
    char show[TG_SHOW_ID_MAX + 1]; /* "" = all */
    tg_us expires_wall;
    char label[TG_TITLE_SIZE];
    tg_us created_wall;
    tg_us revoked_wall; /* -1 = valid */
};
typedef tg_err (*tg_read_token_fn)(void *ctx, const struct tg_token_row *row);
/* Ordinals above `above`, rising. */
TG_MUST_CHECK tg_err tg_read_tokens(struct tg_read_db *db, uint32_t above, uint32_t limit,
                                    tg_read_token_fn each, void *ctx);

struct tg_report_sum {
    char currency[4];
    int64_t orders;
    int64_t amount;   /* what the orders come to, less discounts and cancelled parts */
    int64_t refunded; /* of it, so far */
};
struct tg_report_part {
    int64_t orders;
    int64_t units; /* less what was cancelled */
    int64_t returned;
    int64_t cost; /* of the lines whose cost price is known; in the shop's currency */
    int64_t buyers;
    uint32_t sum_count;
    struct tg_report_sum sums[TG_FURTHER_CURRENCIES_MAX + 1]; /* by currency */
};
struct tg_report {
    struct tg_report_part by_state[TG_ORDER_STATE_COUNT];
    uint32_t source_count;
    struct {
        char source[TG_SOURCE_SIZE]; /* "" = none given */
        char currency[4];
        int64_t orders;
        int64_t amount;
        int64_t refunded;
    } sources[50]; /* orders that were paid, the biggest first */
};
TG_MUST_CHECK tg_err tg_read_report(struct tg_read_db *db, uint16_t show, struct tg_report *ret);

/* Somebody's place in a SKU's line: sku, state, qty, offered and until of *ret; *ret_place 0 = not
 * in it. *ret_count: how many stand there. */
TG_MUST_CHECK tg_err tg_read_waiting(struct tg_read_db *db, const char *sku, const char *person,
                                     struct tg_waiter *ret, uint32_t *ret_place,
                                     int64_t *ret_count);

/* What a show says of SKUs above `above`, by SKU. */
typedef tg_err (*tg_read_show_item_fn)(void *ctx, const struct tg_show_item *item);
TG_MUST_CHECK tg_err tg_read_show_items(struct tg_read_db *db, uint16_t show, const char *above,
                                        uint32_t limit, tg_read_show_item_fn each, void *ctx);

#endif
