/*
 * sale.h - the thread that decides: every change of shop data, in arrival order, a batch at a time,
 * one transaction a batch, answers only after the commit.
 *
 * Receives struct tg_sale_req through tg_sale_mailbox(). Answers WEB_SEND / WEB_REPLY to the
 * request's conn, `order` and `cart` events to every web worker, stock, price and `sold` to live.
 * Refusals cost no disk write. When the disk refuses, the whole batch is answered `busy`, memory is
 * rolled back and the thread goes on.
 */
#ifndef TG_SALE_SALE_H
#define TG_SALE_SALE_H

#include "msg/live.h"
#include "msg/sale.h"
#include "shop/rules.h"
#include "shop/shop.h"
#include "store/store.h"

struct tg_sale;

/* Of a configuration: 0 = 10, -1 = never a number but 0. */
static inline int32_t tg_stock_band(int32_t said)
{
    return said == 0 ? 10 : said < 0 ? 0 : said;
}

struct tg_sale_cfg {
    struct tg_store *store;        /* borrowed; the thread's alone from start to stop */
    struct tg_registry *registry;  /* borrowed; filled by tg_sale_new */
    struct tg_mailbox *live;       /* NULL = nobody listens */
    struct tg_mailbox *const *web; /* every web worker's; borrowed, lives as long as the sale */
    size_t web_count;
    const char *sandbox_base; /* NULL = "/pay/sandbox/" */
    bool allow_sandbox;       /* without it orders have no pay_url and TG_SALE_PAY is forbidden */
    const struct tg_provider *provider; /* who moves the money; NULL = the sandbox, if allowed */
    tg_us hold_us;                      /* 0 = 10 minutes */
    int32_t person_units_max;           /* 0 = no limit per person */
    int64_t first_number;               /* of the first order ever; 0 = 1001 */
    enum tg_stock_owner stock_owner;
    size_t batch_max;      /* requests of one turn of the thread; 0 = TG_SALE_BATCH_MAX */
    tg_us purge_us;        /* what is old is looked for so often; 0 = a minute */
    int32_t stock_band;    /* for the catalogue snapshot; 0 = 10, -1 = never a number but 0 */
    char currency[4];      /* "" = NOK */
    struct tg_taxes taxes; /* no class = no tax */
    struct tg_rng *rng;    /* NULL = the kernel's; borrowed */
    /* A show was made, after its commit; on the sale thread. May be NULL. */
    void (*on_show_added)(void *ctx, const struct tg_show_info *show);
    void *ctx;
};

/*
 * Loads everything from the store into memory and the registry. Errors: those of the store (its
 * error text says more), NOMEM, LIMIT (cfg out of range).
 */
TG_MUST_CHECK tg_err tg_sale_new(struct tg_sale **ret, const struct tg_sale_cfg *cfg,
                                 struct tg_shop_now now);
void tg_sale_free(struct tg_sale *sale);
/* Web workers, live and main post tg_sale_req here. Capacity TG_MB_SALE; full = busy. */
struct tg_mailbox *tg_sale_mailbox(struct tg_sale *sale);

/*
 * Tell live the catalogue and, for every show, live (LIVE_SHOW) and on_show_added; then start the
 * thread. Errors: NOMEM, IO.
 */
TG_MUST_CHECK tg_err tg_sale_start(struct tg_sale *sale);
/* Decides and answers what is in the mailbox, then ends and joins. Legal without a start. */
void tg_sale_stop(struct tg_sale *sale);

/* --- for main, on its own thread, before tg_sale_start --- */

/* CONFLICT: exists. LIMIT: TG_SHOWS_MAX. */
TG_MUST_CHECK tg_err tg_sale_boot_show(struct tg_sale *sale, struct tg_shop_now now, const char *id,
                                       const char *title, bool demo, struct tg_show_info *ret);
/* How the show sells from now on. LIMIT: out of range. */
TG_MUST_CHECK tg_err tg_sale_boot_rules(struct tg_sale *sale, struct tg_shop_now now,
                                        const struct tg_show_rules *rules);
struct tg_boot_token {
    uint32_t roles;
    bool publish_only;
    uint16_t show;         /* UINT16_MAX = all shows */
    tg_us expires_wall_us; /* TG_US_NEVER = never */
    const char *label;
};
TG_MUST_CHECK tg_err tg_sale_boot_token(struct tg_sale *sale, struct tg_shop_now now,
                                        const struct tg_boot_token *token,
                                        char ret_text[TG_TOKEN_SIZE]);
/* Revoke every token with this label (the demo's logins of the last start). */
TG_MUST_CHECK tg_err tg_sale_boot_revoke(struct tg_sale *sale, struct tg_shop_now now,
                                         const char *label);

/* --- one turn, for the thread and for simulations --- */

/* Decide, commit and answer these messages (TG_MSG_SALE_REQ), which are taken. count 0 = only what
 * is due by the clock. count <= TG_SALE_BATCH_MAX. */
void tg_sale_turn(struct tg_sale *sale, struct tg_shop_now now, void *const *take_msgs,
                  size_t count);
/* Monotonic time of the next turn that the clock asks for. */
tg_us tg_sale_deadline(const struct tg_sale *sale);
/* Does the database answer? Any thread; for /readyz. SQLite: always. */
bool tg_sale_ready(const struct tg_sale *sale);
/* The memory that decides; for tests, never while the thread runs. */
const struct tg_shop *tg_sale_shop(const struct tg_sale *sale);

#endif
