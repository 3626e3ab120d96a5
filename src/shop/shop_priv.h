/* shop_priv.h - what the files of this room share. */
#ifndef TG_SHOP_SHOP_PRIV_H
#define TG_SHOP_SHOP_PRIV_H

#include "shop/rules.h"
#include "shop/shop.h"
#include "shop/waiting.h"

enum { TG_UNITS_KEY_SIZE = TG_PERSON_ID_SIZE + TG_SKU_MAX + 2 + 2 };

struct tg_units {
    char key[TG_UNITS_KEY_SIZE]; /* person, NUL, SKU, NUL, show */
    size_t key_len;
    int32_t units;
    struct tg_units *later; /* the one that was loaded next */
};

/*
 * What a claim asks for while it is decided. Every variant stands once, so that demand is summed
 * before it is judged. Each stage fills its part: wish.c variants and quantities, price.c the
 * money, stock.c the takes. No stage changes the shop: all or nothing.
 */
struct tg_want {
    struct tg_variant *variant;
    int32_t qty;
    int32_t on_turn;                /* units of qty that were held for the person's turn */
    uint16_t turn_at;               /* ... at this place */
    int64_t shown;                  /* price of one that the page showed, -1 = not known */
    bool said;                      /* ... by the page itself */
    int64_t price;                  /* ... and that counts */
    bool flash;                     /* ... which is the running flash price */
    struct tg_price_past *honoured; /* ... or this one, which is over; NULL = none */
    int64_t discount;               /* off the line */
    int32_t tax_bp;
    int64_t tax;
};

struct tg_take {
    uint32_t want;              /* index in wants */
    struct tg_variant *variant; /* the inventory item: the want's own, or a bundle's part */
    const struct tg_location *at;
    int32_t each; /* units of it in one of the want */
    int32_t qty;
};

struct tg_wish {
    struct tg_want wants[TG_CART_LINES_MAX];
    uint32_t count;
    struct tg_take takes[TG_TAKES_MAX];
    uint32_t take_count;
    char currency[4];
    char codes[TG_CODES_SIZE]; /* the codes that counted */
};

/* --- prices that are over, or will come: price_past.c --- */

enum { TG_PRICE_PAST_MAX = 8 };
#define TG_PRICE_PAST_US ((tg_us)TG_PRICE_PAST_DAYS * 24 * 3600 * TG_US_PER_S)

struct tg_price_past {
    tg_us until_wall; /* it held from the one before it until then */
    int64_t amount;
    int32_t left; /* units that may still be had at it by who tapped in time; -1 = no limit */
    bool less;    /* ... and this batch took some */
};

struct tg_price_book_state {
    uint32_t count;
    struct tg_price_past past[TG_PRICE_PAST_MAX]; /* oldest first */
    struct tg_flash_plan plan;
};

/* Of a SKU whose price changed lately or will change; by SKU in shop->books. */
struct tg_price_book {
    char sku[TG_SKU_MAX + 1];
    struct tg_price_book_state now;
    struct tg_price_book_state before;
    struct tg_heap_node start; /* of the plan */
    bool in_batch;
    bool before_timed;
    tg_us before_at;
    struct tg_price_book *batch_next;
};

struct tg_currency_price {
    char key[TG_SKU_MAX + TG_CURRENCY_SIZE + 1]; /* SKU, NUL, currency */
    size_t key_len;
    int64_t price; /* -1 = none any more */
    int64_t before;
    bool in_batch;
    struct tg_currency_price *batch_next;
};

/* A discount code; by code in shop->codes. */
struct tg_code_entry {
    char code[TG_DISCOUNT_CODE_SIZE];
    struct tg_discount *now;
    struct tg_discount *before; /* what it meant before the batch; NULL = as now */
    int32_t before_uses;
    bool in_batch;
    bool fresh;
    struct tg_code_entry *batch_next;
};

struct tg_code_person {
    char key[TG_DISCOUNT_CODE_SIZE + TG_PERSON_ID_SIZE + 1]; /* code, NUL, person */
    size_t key_len;
    int32_t uses;
};

struct tg_kept_location {
    struct tg_location now;

    struct tg_kept_location *batch_next;
    struct tg_location before;
    bool in_batch;
    bool fresh; /* made in this batch */
};

/* An order that the disk could not give. */
struct tg_damaged {
    struct tg_damaged *next;
    char key[TG_SKU_MAX + 1];
};

struct tg_shop {
    struct tg_shop_cfg cfg;
    struct tg_product **products; /* by number */
    size_t product_count;
    uint64_t product_moves;
    size_t product_cap;
    struct tg_map product_by_id;
    struct tg_map variant_by_sku;
    struct tg_map order_by_id; /* owns the orders */
    struct tg_map order_by_payment;
    struct tg_map cart_by_person; /* owns the carts */
    struct tg_map units;          /* owns struct tg_units */
    struct tg_units *units_first; /* the longest in memory; the last one: units_last */
    struct tg_units *units_last;
    struct tg_map show_sales;             /* owns struct tg_show_sales */
    struct tg_map rules;                  /* by show; owns struct tg_show_rules */
    struct tg_map show_items;             /* owns what rules.c keeps */
    uint16_t item_shows;                  /* above the highest show that says anything of a SKU */
    struct tg_map books;                  /* by SKU; owns struct tg_price_book */
    struct tg_map currency_prices;        /* owns struct tg_currency_price */
    char (*currencies)[TG_CURRENCY_SIZE]; /* all that they are in */
    size_t currency_count;
    struct tg_map codes;        /* owns struct tg_code_entry and their discounts */
    struct tg_map code_persons; /* owns struct tg_code_person */
    struct tg_map show_numbers; /* short numbers of shows; ... */
    struct tg_map lines;        /* of people who wait, by SKU; waiting.c's */
    struct tg_map queuers;      /* by person; ... */
    struct tg_heap turns;       /* of waiters */
    struct tg_line *due_lines;  /* somebody in them may be next */
    size_t waiter_count;
    struct tg_heap expiries;                              /* of orders */
    struct tg_heap flash_ends;                            /* of variants */
    struct tg_heap flash_starts;                          /* of books */
    struct tg_kept_location *locations[TG_LOCATIONS_MAX]; /* by ordinal, no gaps; owned */
    uint32_t location_count;
    struct tg_price_now changes[TG_CART_LINES_MAX]; /* of the last verdict */
    int64_t next_number;
    int64_t last_ticket;

    /* The batch. */
    struct tg_effect *effects;
    size_t effect_count;
    size_t effect_cap;
    bool sealed; /* the closing effects (stock, cart, sales) are in */
    int64_t before_number;
    bool numbered; /* before_number is set */
    int64_t before_ticket;
    bool ticketed; /* before_ticket is set */
    struct tg_kept_location *batch_locations;
    struct tg_variant *batch_variants;
    struct tg_order *batch_orders;
    struct tg_event_detail *batch_details; /* owned */
    struct tg_damaged *batch_damaged;      /* owned */
    const struct tg_claim *by; /* whose deed the movements are; NULL = the buyer's, the clock's */
    struct tg_cart *batch_carts;
    struct tg_show_sales *batch_sales;
    struct tg_price_book *batch_books;
    struct tg_currency_price *batch_currency_prices;
    struct tg_code_entry *batch_codes;
    struct tg_waiter *batch_waiters;
    struct tg_line *batch_lines;
    struct kept_rules *batch_rules;
    struct kept_item *batch_items;
    struct tg_shelved *batch_shelved; /* shelf.c's, owned */
};

enum { TG_PRICE_MAX_MINOR = 1000000000 }; /* ten million kroner for one unit */

/* Frees what the map owns and the map. */
void tg_shop_free_all(struct tg_map *map);
/* What the batch's events say beside their order. */
void tg_shop_free_details(struct tg_shop *shop);
/* order_batch.c: out of memory; the disk knows it. */
void tg_order_forget(struct tg_shop *shop, struct tg_order *order);
/* As it was before the batch; what was not there, or had left memory, is forgotten. */
void tg_order_undo(struct tg_shop *shop, struct tg_order *order);
void tg_shop_free_damaged(struct tg_shop *shop);
void tg_shop_free_orders(struct tg_shop *shop);
/* Room for `more` further effects. */
TG_MUST_CHECK tg_err tg_shop_reserve(struct tg_shop *shop, size_t more);
/* After a reserve that covers it. */
struct tg_effect *tg_shop_effect(struct tg_shop *shop, enum tg_effect_kind kind, tg_us wall);
/* Remember the object as it is before its first change in the batch. */
void tg_shop_touch_variant(struct tg_shop *shop, struct tg_variant *v);
void tg_shop_touch_order(struct tg_shop *shop, struct tg_order *order);
/* Before it changes from its line `from` on: of those all are written, of others what the caller
 * adds to cart->changed. */
void tg_shop_touch_cart(struct tg_shop *shop, struct tg_cart *cart, const struct tg_claim *c,
                        uint32_t from);
void tg_shop_touch_sales(struct tg_shop *shop, struct tg_show_sales *sales);

/* shelf.c: the products and variants that the batch put in stay, or are as before it. Last of all:
 * nothing of the batch may point to them any more. */
void tg_shelf_end_batch(struct tg_shop *shop, bool undone);

/* stock.c: change the counts at movement->location, where the item has a place (tg_place_ready),
 * and note the movement (reserved by the caller). The caller has made sure that the counts allow
 * it. */
void tg_stock_move(struct tg_shop *shop, struct tg_variant *v, const struct tg_effect *movement);
/* What a movement adds to on hand. */
int32_t tg_move_on_hand(enum tg_movement movement, int32_t qty);
/* The opposite, within the batch that made the movement, which the caller drops. */
void tg_stock_unmove(struct tg_shop *shop, const struct tg_effect *movement);
/* A variant that was just copied from outside: its count at `main` as a place, and nothing else of
 * stock. NOMEM. */
TG_MUST_CHECK tg_err tg_place_first(const struct tg_shop *shop, struct tg_variant *v);
/* The item's place there, made when it has none. NOMEM. */
TG_MUST_CHECK tg_err tg_place_ready(struct tg_shop *shop, struct tg_variant *v, uint16_t location);
/* Goods came back into a warehouse or store and can be sold again. Does nothing when the master
 * counts (TG_STOCK_ALLOTMENT): it grants them anew. NOTFOUND: no such place, or not one with
 * shelves. LIMIT: more than TG_STOCK_MAX. NOMEM. Reserves its effect itself. */
TG_MUST_CHECK tg_err tg_stock_return(struct tg_shop *shop, struct tg_variant *v, uint16_t location,
                                     int32_t qty, const struct tg_order *order, tg_us wall);

/* A warehouse or store: goods are there, and can come back there. */
static inline bool tg_on_shelves(const struct tg_location *l)
{
    return l->kind == TG_LOCATION_WAREHOUSE || l->kind == TG_LOCATION_STORE;
}

/*
 * takes.c: what an order's units are promised from. The caller has reserved one effect for each of
 * the order's takes (TG_TAKES_MAX is enough, and is what tg_shop_decide and tg_shop_tick reserve),
 * has touched the order, and changes line->cancelled and line->fulfilled only afterwards.
 * Changed takes reach the disk with the batch (TG_EFFECT_TAKES).
 */
/* The takes of a wish that passed, into an order that was made with room for them. */
void tg_takes_fill(struct tg_order *order, const struct tg_wish *wish);
/* A placed order: hold everything. */
void tg_takes_hold(struct tg_shop *shop, struct tg_order *order, tg_us wall);
/* Units of the item that one place can give, up to `want`: from where a claim in this show would
 * take first, or from `only`. 0 = none. */
int32_t tg_stock_one_place(const struct tg_shop *shop, const struct tg_variant *v, uint16_t show,
                           int32_t want, const uint16_t *only, uint16_t *ret_location);
/* Paid: what was held is sold. */
void tg_takes_sell(struct tg_shop *shop, struct tg_order *order, tg_us wall);
/* Give back `qty` units of the line: held ones, or sold ones once tg_takes_sell was called.
 * qty <= its units still promised. */
void tg_takes_release(struct tg_shop *shop, struct tg_order *order, uint32_t line, int32_t qty,
                      tg_us wall);
/* Everything that is still promised. */
void tg_takes_release_all(struct tg_shop *shop, struct tg_order *order, tg_us wall);
/* `qty` sold units of the line left the house. */
void tg_takes_ship(struct tg_shop *shop, struct tg_order *order, uint32_t line, int32_t qty,
                   tg_us wall);
/* `qty` shipped units of the line came back to a place: of a bundle all its parts. Errors: those of
 * tg_stock_return; nothing changed then. */
TG_MUST_CHECK tg_err tg_takes_return(struct tg_shop *shop, const struct tg_order *order,
                                     uint32_t line, uint16_t location, int32_t qty, tg_us wall);
/* First paid: find the units that nothing held. NOTFOUND: not enough is left; nothing changed.
 * LIMIT, NOMEM. Hold and sell them next. */
TG_MUST_CHECK tg_err tg_takes_find(struct tg_shop *shop, struct tg_order *order);

/* locations.c */
void tg_locations_free(struct tg_shop *shop);
void tg_locations_commit(struct tg_shop *shop);
void tg_locations_rollback(struct tg_shop *shop);
void tg_decide_location(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out);
/* bundles.c */
void tg_parts_free(struct tg_variant *v);
void tg_parts_commit(struct tg_variant *v);
void tg_parts_rollback(struct tg_variant *v);
void tg_decide_stock_rules(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                           struct tg_verdict *out);
/* counts.c */
void tg_decide_stock_rows(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                          struct tg_verdict *out);
/* What one claim adds to the order of decisions. */
int64_t tg_ticket_next(struct tg_shop *shop, struct tg_shop_now now);
struct tg_variant *tg_shop_find(const struct tg_shop *shop, const char *sku);
/* Neither it nor its product is archived. */
bool tg_variant_sold(const struct tg_variant *v);
/* ... that is sold. */
struct tg_variant *tg_shop_find_sold(const struct tg_shop *shop, const char *sku);

/* The verdict's code, message and nothing else. */
void tg_refuse(struct tg_verdict *out, enum tg_code code, const char *fmt, ...) TG_PRINTF(3, 4);
/* ... and which field of the request it is about. Static text. */
void tg_refuse_field(struct tg_verdict *out, const char *field, enum tg_code code, const char *fmt,
                     ...) TG_PRINTF(4, 5);

/* The stages of a claim, in this order; false = refused, and the verdict says why. */
bool tg_wish_window(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out); /* rules.c */
bool tg_wish_limits(const struct tg_shop *shop, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out); /* limits.c */
bool tg_wish_stock(const struct tg_shop *shop, const struct tg_claim *c, struct tg_wish *wish,
                   struct tg_verdict *out); /* plan.c: fills takes */
bool tg_wish_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_wish *wish, struct tg_verdict *out); /* charge.c: fills the money */
/* orders.c: the order of a wish that passed; holds its stock. */
void tg_order_place(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    const struct tg_wish *wish, struct tg_verdict *out);
bool tg_price_ok(int64_t amount, int64_t min); /* min..TG_PRICE_MAX_MINOR */
/* Prices of the shop's own currency alone are remembered. charge.c */
bool tg_claim_in_own_currency(const struct tg_shop *shop, const struct tg_claim *c);
/* price.c: a heap deadline for a wall time that lies ahead; due at once when it has passed. */
tg_us tg_mono_of(struct tg_shop_now now, tg_us wall);

/* The deciders. */
void tg_decide_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out);
void tg_decide_stock(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out);
void tg_decide_cart_set(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_cart_merge(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_buy(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out);
void tg_decide_checkout(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out);
void tg_decide_pay(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_verdict *out);
void tg_decide_cancel(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out);
void tg_decide_news(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out);
void tg_decide_retry(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out);
void tg_decide_ask_again(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                         struct tg_verdict *out);
void tg_decide_give_up(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                       struct tg_verdict *out);
void tg_decide_fulfil(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out);
void tg_decide_return(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out);
void tg_decide_refund(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                      struct tg_verdict *out);
void tg_decide_note(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out);

/* orders.c: one order's life. Effects are reserved by the deciders' caller (CLAIM_EFFECTS_MAX). */
/* The order of a claim that names it by id and that its maker may touch; else the verdict says why
 * not and NULL. */
struct tg_order *tg_order_asked(struct tg_shop *shop, const struct tg_claim *c,
                                struct tg_verdict *out);
/* There is no such order or payment; or there is, and its record is damaged. */
void tg_refuse_missing(const struct tg_shop *shop, const struct tg_claim *c, const char *what,
                       struct tg_verdict *out);
/* Its row has to be written, its buyer hears of it; the state stays. */
void tg_order_change(struct tg_shop *shop, struct tg_order *order, tg_us wall);
/* ... and it is in another state now; the timer of what awaits payment ends. */
void tg_order_enter(struct tg_shop *shop, struct tg_order *order, enum tg_order_state state,
                    tg_us wall);
/* Something happened to it. detail NULL = nothing more to say; actor "" = the clock or provider. */
void tg_order_note(struct tg_shop *shop, struct tg_order *order, enum tg_order_event event,
                   int64_t amount, const char *actor, const struct tg_event_detail *detail,
                   tg_us wall);
/* The words of a claim as an event's detail, with room for `lines`; NULL: no memory, and the
 * verdict says so. The shop frees it with the batch. */
struct tg_event_detail *tg_event_detail_new(struct tg_shop *shop, const struct tg_claim *c,
                                            uint32_t lines, struct tg_verdict *out);
/* Unpaid and out of time. */
void tg_order_expire(struct tg_shop *shop, struct tg_order *order, tg_us wall);

/* order_stock.c: the goods of an order's lines. */
/* For an order that has nothing (late, or first-paid): where its open units come from. Hold and
 * sell them next. NOTFOUND: they are gone. LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_order_goods_find(struct tg_shop *shop, struct tg_order *order);
/* These quantities of the lines come back to a place ("" = main): first everything that can fail.
 * NOTFOUND: there is no such place for goods. LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_order_return_ready(struct tg_shop *shop, const struct tg_order *order,
                                           const int32_t *qty, const char *place);
void tg_order_goods_return(struct tg_shop *shop, const struct tg_order *order, const int32_t *qty,
                           const char *place, tg_us wall);
/* Per-person sums and the show's sales of a line: + units ordered, - units given up. */
void tg_order_count_units(struct tg_shop *shop, struct tg_order *order, uint32_t line,
                          int32_t units);

/* payments*.c */
/* Why nothing more can be done with an order in this state. */
void tg_refuse_over(struct tg_verdict *out, enum tg_order_state state);
enum { TG_INTENTS_ROOM = 6 }; /* the most that one claim asks of the provider, with some to spare */
/* Room for that many intents; a refusal is in the verdict. told: for news of the provider, which
 * may use the last TG_INTENTS_TOLD of an order, too. */
TG_MUST_CHECK bool tg_intents_ready(struct tg_order *order, bool told, struct tg_verdict *out);
/* `worth` of what was paid has been given up: take less, or pay it back. */
void tg_payment_give_back(struct tg_shop *shop, struct tg_order *order, int64_t worth, tg_us wall);
/* All of it: let go of the promise, or pay back what was taken. */
void tg_payment_undo(struct tg_shop *shop, struct tg_order *order, tg_us wall);
/* What of the money that came has not been promised back. */
int64_t tg_payment_left(const struct tg_order *order);
/* All that the order costs was taken of who pays it, so its goods may leave. */
bool tg_payment_came(const struct tg_order *order);
/* ... and all of it is back, or on its way, though the order costs something. */
bool tg_payment_went_back(const struct tg_order *order);
/* Ask for the refunds that are due and not on their way. */
void tg_payment_settle(struct tg_shop *shop, struct tg_order *order, tg_us wall);
/* The order costs nothing, or its money is promised: its goods are its own from now on. */
void tg_order_paid(struct tg_shop *shop, struct tg_order *order, tg_us wall);

/* price.c: the running flash price has units for so many. */
bool tg_flash_covers(const struct tg_variant *v, int32_t qty);
/* The running flash price is over. spent: its units are used up. Reserved by the caller
 * (1). */
void tg_flash_end(struct tg_shop *shop, struct tg_variant *v, tg_us wall, bool spent);
/* The planned one begins; reserved by the caller (2). False: no memory, nothing changed. */
bool tg_flash_begin(struct tg_shop *shop, struct tg_shop_now now, struct tg_price_book *book);
void tg_decide_list_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                          struct tg_verdict *out);
/* price_currency.c: its price in another currency than the shop's own. */
void tg_decide_currency_price(struct tg_shop *shop, struct tg_shop_now now, struct tg_variant *v,
                              const struct tg_claim *c, struct tg_verdict *out);
/* Copies of a variant's prices at its first change in the batch, and back again. */
void tg_price_keep(struct tg_variant *v);
void tg_price_undo(struct tg_variant *v);

/* price_past.c */
TG_MUST_CHECK tg_err tg_price_book_ready(struct tg_shop *shop, const char *sku,
                                         struct tg_price_book **ret);
/* NULL = nothing known. */
struct tg_price_book *tg_price_book(const struct tg_shop *shop, const char *sku);
void tg_price_book_touch(struct tg_shop *shop, struct tg_price_book *book);
/* A price ended; left as in struct tg_price_past. Touch first. */
void tg_price_past_add(struct tg_price_book *book, tg_us wall, int64_t amount, int32_t left);
/* The lowest price of the 30 days before `wall`, with `now` that held just before it. */
int64_t tg_price_lowest(const struct tg_price_book *book, tg_us wall, int64_t now);
/* The price that held at an instant, when it is over; NULL = the one that holds now. */
struct tg_price_past *tg_price_at(struct tg_price_book *book, tg_us instant);
/* Units of past prices that the batch took; their effects, for which there is room. */
size_t tg_price_left_count(const struct tg_shop *shop);
void tg_price_left_effects(struct tg_shop *shop, tg_us wall);
void tg_price_books_commit(struct tg_shop *shop);
void tg_price_books_rollback(struct tg_shop *shop);

/* charge.c: an order took its prices and codes, or gives them back. Reserved by the caller: a
 * flash price that ends for every line, a use for every code. */
void tg_charge_taken(struct tg_shop *shop, struct tg_shop_now now, const struct tg_order *order,
                     const struct tg_wish *wish);
/* units of one line of an order that lives on (part cancelled). */
void tg_charge_return_units(struct tg_shop *shop, const struct tg_order_line *line, int32_t units);
/* All of an order that expired or was cancelled: what `cancelled` of its lines does not count yet,
 * and its codes. */
void tg_charge_return(struct tg_shop *shop, const struct tg_order *order, tg_us wall);

/* An expired order that was paid after all: its price stands, and counts again. */
void tg_charge_again(struct tg_shop *shop, const struct tg_order *order, tg_us wall);

/* codes.c */
void tg_decide_code(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
/* The discounts of a wish whose prices are known; fills discount of the wants, and codes. False:
 * a code may not be used, and why (code and message only). */
bool tg_codes_apply(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_wish *wish, struct tg_verdict *out);
TG_MUST_CHECK tg_err tg_codes_ready(struct tg_shop *shop, const char *codes, const char *person);
/* An expired order could count its codes again. What is not known of a person is taken for used. */
bool tg_codes_left(const struct tg_shop *shop, const struct tg_order *order);
void tg_codes_count(struct tg_shop *shop, const struct tg_order *order, int32_t uses, tg_us wall);
void tg_codes_commit(struct tg_shop *shop);
void tg_codes_rollback(struct tg_shop *shop);
void tg_codes_free(struct tg_shop *shop);

/* limits.c: per-person sums and the shows' sales. */
/* Units that the person may still buy in this show, by what is in memory; -1 = no limit. */
int32_t tg_limit_left(const struct tg_shop *shop, const char *person, uint16_t show,
                      const struct tg_variant *v);
/* An expired order could be counted again. A sum that is not known is taken for too much. */
bool tg_limits_left(const struct tg_shop *shop, const struct tg_order *order);
void tg_units_add(struct tg_shop *shop, const char *person, const char *sku, uint16_t show,
                  int32_t units);
/* After a commit: the oldest beyond TG_LIMITS_CACHED. Not all at once: that would be felt. */
void tg_units_forget(struct tg_shop *shop);
void tg_units_clear(struct tg_shop *shop);
/* codes.c: how often single people used codes. */
void tg_codes_forget_persons(struct tg_shop *shop);
/* OK without an entry when the table is full: such sales are just not counted. */
TG_MUST_CHECK tg_err tg_sales_ready(struct tg_shop *shop, uint16_t show, struct tg_variant *v);
void tg_sales_add(struct tg_shop *shop, uint16_t show, const char *sku, int32_t units);

/* rules.c */
void tg_decide_rules(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_show_item(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_show_look(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
void tg_decide_window(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out);
/* What the show says of one SKU, or why not. */
void tg_rules_change_item(struct tg_shop *shop, const struct tg_show_item *item,
                          struct tg_verdict *out);
/* window.c: no show has it for itself, or this one does. */
bool tg_sold_in(const struct tg_shop *shop, uint16_t show, const struct tg_variant *v);
/* Is it sold in the claim's show, and the window open for it at its tap? */
bool tg_window_ok(const struct tg_shop *shop, const struct tg_claim *c, const struct tg_variant *v,
                  struct tg_verdict *out);
/* A variant that the show gave this number; NULL = none. */
const struct tg_variant *tg_show_numbered(const struct tg_shop *shop, uint16_t show,
                                          uint32_t number);
/* How many shows have the SKU for themselves, for a variant that comes after its rules. */
uint32_t tg_show_only_count(const struct tg_shop *shop, const char *sku);
size_t tg_rules_effect_count(const struct tg_shop *shop);
void tg_rules_effects(struct tg_shop *shop, tg_us wall);
void tg_rules_end_batch(struct tg_shop *shop, bool undo);

/* waiting.c */
void tg_decide_wait(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out);
/* Units of it may have come free: its line is served before the next claim. */
void tg_line_freed(struct tg_shop *shop, const struct tg_variant *v);
/* Offer what is free. What finds no memory stays due. */
void tg_line_serve(struct tg_shop *shop, struct tg_shop_now now);
bool tg_line_due(const struct tg_shop *shop);
/* End one turn that is over; false = there is none. */
bool tg_line_lapse(struct tg_shop *shop, struct tg_shop_now now);
/* End all turns that are over, and serve: what a claim finds is what the line left. */
void tg_line_catch_up(struct tg_shop *shop, struct tg_shop_now now);
/* The person's running turn; NULL = none. */
struct tg_waiter *tg_line_turn(const struct tg_shop *shop, struct tg_shop_now now,
                               const char *person, const char *sku);
/* A claim on a turn: lend it units of the offer; then either it bought (qty in all), or give them
 * back. One movement each, reserved by the caller. */
void tg_line_lend(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty);
void tg_line_unlend(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty);
void tg_line_bought(struct tg_shop *shop, struct tg_shop_now now, struct tg_waiter *w, int32_t qty);
size_t tg_line_effect_count(const struct tg_shop *shop);
void tg_line_effects(struct tg_shop *shop, tg_us wall);
void tg_line_end_batch(struct tg_shop *shop, bool undo);
void tg_line_done(struct tg_shop *shop);

/* comment_undo.c */
void tg_decide_undo(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out);

#endif
