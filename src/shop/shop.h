/*
 * shop.h - products, prices, stock, carts and orders of one shop, and the one function that decides
 * about them.
 *
 * Pure: time, randomness and disk are the caller's. Owner: the sale thread. One batch goes
 *
 *     tg_shop_tick(), then tg_shop_decide() for each claim in arrival order
 *     tg_shop_effects() -> the store writes them in one transaction
 *     answers and events are made from verdicts, tg_shop_each_*()
 *     tg_shop_commit() after the transaction, or tg_shop_rollback() when it failed
 *
 * Stock is on hand - held - sold of each item and place, never below zero (stock.h). Each change is
 * a movement; movements are only ever appended.
 *
 * What is not in memory (carts, other people's old orders, per-person sums) is put in by the store
 * before the batch is decided: tg_shop_needs_*() says what is missing, tg_shop_load_*() brings it.
 */
#ifndef TG_SHOP_SHOP_H
#define TG_SHOP_SHOP_H

#include "base/map.h"
#include "base/texts.h"
#include "shop/claim.h"
#include "shop/event.h"
#include "shop/money.h"
#include "shop/payment.h"
#include "shop/stock.h"

struct tg_shop;

struct tg_shop_now {
    tg_us mono; /* never goes back; deadlines */
    tg_us wall; /* for people, and kept on disk */
};

struct tg_shop_cfg {
    struct tg_rng *rng;       /* order and payment ids; kept, must outlive the shop */
    char currency[4];         /* ISO 4217 */
    tg_us hold_us;            /* time to pay, > 0 */
    int32_t person_units_max; /* units of one SKU for one person in all; 0 = no such limit */
    struct tg_taxes taxes;    /* no class = no tax */
    enum tg_stock_owner stock_owner;
    int64_t first_number;               /* of the first order ever; 0 = 1001 */
    const struct tg_provider *provider; /* NULL = one beyond the network: it answers by news */
};

/* --- what is sold --- */

struct tg_product {
    char id[40];
    char title[TG_TITLE_SIZE];
    char description[512];
    char image[TG_URL_SIZE];
    char image_alt[TG_TITLE_SIZE];
    uint32_t number; /* what people write to buy it; unique, > 0 */
    bool archived;   /* kept for its history, no longer sold */
    uint32_t variant_count;
    struct tg_variant *first; /* the shop's own list */
    struct tg_variant *last;
    struct tg_langs *texts; /* the shop keeps a reference; NULL = in one language only */
};

struct tg_stock_count {
    int32_t on_hand;
    int32_t held;
    int32_t sold;
};

/* An item at one place. */
struct tg_place {
    const struct tg_location *at;
    struct tg_stock_count count;
    int64_t version; /* rises with each change */

    /* The shop's own. */
    struct tg_stock_count before;
    int64_t before_version;
};

/* One part of a bundle. */
struct tg_part {
    struct tg_variant *item;
    int32_t qty;
    struct tg_variant *bundle;
    struct tg_part *next_of_item; /* the next bundle with the same item */
};

struct tg_variant {
    char sku[TG_SKU_MAX + 1];
    char options[TG_OPTIONS_SIZE]; /* JSON object */
    int64_t price;                 /* ordinary price */
    int64_t compare_at;            /* price before, -1 = none */
    int64_t cost;                  /* cost price, -1 = unknown */
    int64_t flash;                 /* flash price, -1 = none runs */
    tg_us flash_until_wall;        /* -1 = until ended by hand */
    tg_us flash_since_wall;        /* when the running one began, or the last one; 0 = never */
    int32_t flash_limit;           /* units at that price; 0 = all there are */
    int32_t flash_used;            /* ... of them sold */
    /* The lowest price of the 30 days before the reduction began (Directive 98/6/EC art. 6a),
     * 0 = not known, or nothing is reduced: of compare_at, and of the flash price. */
    int64_t lowest;
    int64_t flash_lowest;
    char tax_class[TG_TAX_CLASS_SIZE]; /* "" = the shop's default */
    bool archived;                     /* kept for its history, no longer sold */
    struct tg_stock_count stock;       /* of all places; loading: of `main` */
    int64_t stock_version;             /* loading only: of `main` */
    struct tg_stock_rules rules;
    struct tg_product *product;
    struct tg_place *places;
    uint32_t place_count;
    struct tg_part *parts; /* of a bundle */
    uint32_t part_count;

    /* The shop's own. */
    struct tg_variant *next; /* of the product */
    struct tg_variant *batch_next;
    struct tg_heap_node flash_end;
    bool in_batch;
    bool before_flash_timed;
    struct tg_part *part_of; /* bundles that it is in */
    uint32_t show_only;      /* shows that have it for themselves */
    struct tg_stock_count before_stock;
    int64_t before_price;
    int64_t before_compare_at;
    int32_t before_available;
    struct tg_stock_rules before_rules;
    struct tg_part *before_parts; /* when parts_changed: owned */
    uint32_t before_part_count;
    bool parts_changed;
    int64_t before_flash;
    tg_us before_until_wall;
    tg_us before_since_wall;
    int32_t before_flash_limit;
    int32_t before_flash_used;
    int64_t before_lowest;
    int64_t before_flash_lowest;
    tg_us before_flash_at;
};

/* What a shopper pays for one now, and the struck-out price beside it (-1 = none). */
int64_t tg_variant_price(const struct tg_variant *v);
int64_t tg_variant_compare_at(const struct tg_variant *v);
/* ... for each of so many: the flash price only while it has units for all of them. */
int64_t tg_variant_price_of(const struct tg_variant *v, int32_t qty);
/* Beside a struck-out price: the lowest of the 30 days before; 0 = not known. */
int64_t tg_variant_lowest(const struct tg_variant *v);
/* Units left at the running flash price; -1 = no limit, or none runs. */
int32_t tg_variant_flash_left(const struct tg_variant *v);
/* An entity tag, in its quotes, of the ordinary price and compare_at as they are: who changes them
 * says what they saw. */
enum { TG_PRICE_TAG_SIZE = 32 };
void tg_variant_price_tag(char out[TG_PRICE_TAG_SIZE], const struct tg_variant *v);
/* NULL: it never had any there. */
const struct tg_place *tg_variant_place(const struct tg_variant *v, uint16_t location);

/* --- carts --- */

struct tg_cart_line {
    char sku[TG_SKU_MAX + 1];
    int32_t qty;
    int64_t price; /* of one when it was put in, -1 = unknown: only to say that it changed */
};

struct tg_cart {
    char person[TG_PERSON_ID_SIZE];
    uint32_t line_count;
    struct tg_cart_line lines[TG_CART_LINES_MAX];
    bool gaps; /* the rows on the disk are not numbered 0, 1, 2 ...: write all of it */

    /* The shop's own; of the batch. */
    struct tg_cart *batch_next;
    bool in_batch;
    uint32_t changed_by; /* ref of the last claim that changed it */
    uint64_t changed;    /* bit i: line i is to be written */
    bool shorter;        /* rows behind the last line are to go */
};
_Static_assert(TG_CART_LINES_MAX <= 64, "tg_cart.changed");

/* --- effects: what the store must write --- */

/* The values are kept on disk: never renumber. */
enum tg_movement {
    TG_MOVE_RECEIVE = 1,      /* on hand + qty: first count, delivery */
    TG_MOVE_ADJUST = 2,       /* on hand + qty (may be negative): counted, or corrected by hand */
    TG_MOVE_HOLD = 3,         /* held + qty: an order waits for payment */
    TG_MOVE_RELEASE = 4,      /* held - qty: expired or cancelled */
    TG_MOVE_SELL = 5,         /* held - qty, sold + qty: paid */
    TG_MOVE_UNSELL = 6,       /* sold - qty: a paid line was cancelled */
    TG_MOVE_SHIP = 7,         /* on hand - qty, sold - qty: left the house */
    TG_MOVE_RETURN = 8,       /* on hand + qty: came back and can be sold again */
    TG_MOVE_TRANSFER_OUT = 9, /* on hand - qty: to another place */
    TG_MOVE_TRANSFER_IN = 10, /* on hand + qty: from another place */
    TG_MOVE_GRANT = 11,       /* on hand + qty: the master granted more */
    TG_MOVE_TAKE_BACK = 12,   /* on hand - qty: the master took back */
    TG_MOVE_COUNT = 13,       /* on hand + qty (0, negative): what a count found more than we had */
};

/* "receive", "adjust", "hold" ...; NULL beyond. */
const char *tg_movement_name(enum tg_movement movement);

enum tg_effect_kind {
    TG_EFFECT_ORDER_NEW, /* order as it is now, with its lines, hold and outbox row */
    TG_EFFECT_ORDER,    /* order's row as it is now; its lines too when lines_dirty; once a batch */
    TG_EFFECT_EVENT,    /* order, event, amount (-1 = none), actor, detail (may be NULL), wall */
    TG_EFFECT_INTENT,   /* order, intent: the index of the intent that is new or has changed */
    TG_EFFECT_MOVEMENT, /* variant, location, movement, qty, order (NULL = by hand), actor,
                           cause */
    TG_EFFECT_PRICE,    /* variant's prices as they are now, `price`, actor */
    TG_EFFECT_CURRENCY_PRICE, /* variant's price in another currency: `price`, actor */
    TG_EFFECT_PRICE_LEFT,     /* variant's price `amount`, over since as_of_wall: qty units left */
    TG_EFFECT_PLAN,           /* variant: plan, the flash price that will begin */
    TG_EFFECT_FLASH_USED,     /* variant: flash_used as it is now */
    TG_EFFECT_CODE,           /* discount's uses as they are now; qty 1: all of it */
    TG_EFFECT_CODE_USE,       /* code, order: its person used it (qty 1), or not after all (-1) */
    TG_EFFECT_STOCK,          /* variant's counts at the location as they are now */
    TG_EFFECT_TAKES,          /* order: the units of its takes as they are now */
    TG_EFFECT_LOCATION,       /* at: a location as it is now */
    TG_EFFECT_STOCK_RULES,    /* variant's stock rules as they are now */
    TG_EFFECT_PARTS,          /* variant's parts as they are now */
    TG_EFFECT_CART,           /* cart as it is now */
    TG_EFFECT_SHOW_SALES,     /* show, variant: units now */
    TG_EFFECT_RULES,          /* rules as they are now */
    TG_EFFECT_SHOW_ITEM,      /* item as it is now; a plain one is kept nowhere */
    TG_EFFECT_WAITER,         /* waiter as it is now */
    TG_EFFECT_WAITER_GONE,    /* waiter left its line */
    TG_EFFECT_TELL,           /* variant: the world is told how it is now; qty: enum tg_tell */
};

/* What of a variant is not as it was before the batch. */
enum tg_tell {
    TG_TELL_STOCK = 1, /* counts, what is left, its stock rules; of a bundle also its parts */
    TG_TELL_PRICE = 2, /* in the shop's currency, price.currency */
};

/* One row of a price's history, as it was at that moment. */
struct tg_price_change {
    char currency[4];
    int64_t price; /* ordinary price after it; -1 = none in this currency any more */
    int64_t compare_at;
    int64_t flash; /* -1 = none */
    tg_us until_wall;
    int64_t was;    /* what one unit cost before */
    int64_t amount; /* ... and after */
    int32_t left;   /* units that may still be had at `was`; -1 = no limit */
};

/* A flash price that will begin; amount -1 = none. */
struct tg_flash_plan {
    int64_t amount;
    tg_us from_wall;
    tg_us until_wall; /* -1 = open */
    int32_t limit;    /* 0 = none */
};

struct tg_effect {
    enum tg_effect_kind kind;
    enum tg_movement movement;
    int32_t qty;
    uint16_t show;
    uint16_t location;
    tg_us wall;
    tg_us as_of_wall; /* movement: the moment that it speaks of: a count may arrive late */
    const struct tg_order *order;
    enum tg_order_event event;
    uint32_t seq; /* of the event in its order, 1.. */
    uint32_t intent;
    int64_t amount;
    const struct tg_event_detail *detail;
    const struct tg_variant *variant;
    const struct tg_cart *cart;
    const struct tg_discount *discount;
    const char *code;
    struct tg_price_change price;
    struct tg_flash_plan plan;
    const struct tg_show_rules *rules;
    const struct tg_show_item *item;
    const struct tg_waiter *waiter;
    const struct tg_location *at;
    char actor[TG_PERSON_ID_SIZE]; /* who did it by hand; "" = the clock, or the order's buyer */
    char cause[TG_CAUSE_SIZE];     /* why, in words; "" = the movement says it */
};

/* Units of one SKU sold in one show: orders placed there, without expired and cancelled ones. */
struct tg_show_sales {
    struct {
        char sku[TG_SKU_MAX + 1]; /* zero-padded: the key is these bytes */
        uint16_t show;
    } key;
    int32_t units;
    const struct tg_variant *variant;

    /* The shop's own. */
    struct tg_show_sales *batch_next;
    bool in_batch;
    int32_t before_units;
};

/* --- life --- */

/* Errors: NOMEM; LIMIT when cfg is out of range. */
TG_MUST_CHECK tg_err tg_shop_new(struct tg_shop **ret, const struct tg_shop_cfg *cfg);
void tg_shop_free(struct tg_shop *shop);
const struct tg_shop_cfg *tg_shop_config(const struct tg_shop *shop);

/* --- loading: at start, and before a batch --- */

/* The list fields of `p` and `v` are ignored. CONFLICT (id, number or SKU is taken), LIMIT (counts
 * or amounts out of range), NOTFOUND (no such product), NOMEM. */
TG_MUST_CHECK tg_err tg_shop_load_product(struct tg_shop *shop, const struct tg_product *p);
TG_MUST_CHECK tg_err tg_shop_load_variant(struct tg_shop *shop, struct tg_shop_now now,
                                          const char *product_id, const struct tg_variant *v);
/*
 * As it is on disk now, instead of what is in memory (another node or an import changed it); new
 * ones like load. Not inside a batch. Errors: those of load; CONFLICT: another has the number.
 */
/* Options, tax class, cost and `archived` of a variant that is in memory; NOTFOUND. */
TG_MUST_CHECK tg_err tg_shop_describe(struct tg_shop *shop, const struct tg_variant *v);
TG_MUST_CHECK tg_err tg_shop_put_product(struct tg_shop *shop, const struct tg_product *p);
/* The same, but whoever has the number loses it (0, at the front of the list) and must be put next:
 * so a set of products can be put in any order, whatever numbers changed hands. */
TG_MUST_CHECK tg_err tg_shop_take_product(struct tg_shop *shop, const struct tg_product *p);
/* What it is called in further languages, instead of before; an unknown product has none. */
void tg_shop_put_texts(struct tg_shop *shop, const char *id, struct tg_langs *take_texts);
TG_MUST_CHECK tg_err tg_shop_put_variant(struct tg_shop *shop, struct tg_shop_now now,
                                         const char *product_id, const struct tg_variant *v);
/*
 * Inside a batch: put_product, and describe (load_variant for a new one) that the batch's rollback
 * undoes. Claims of the same batch may then be about them. Errors as there.
 */
TG_MUST_CHECK tg_err tg_shop_shelve_product(struct tg_shop *shop, const struct tg_product *p);
TG_MUST_CHECK tg_err tg_shop_shelve_variant(struct tg_shop *shop, struct tg_shop_now now,
                                            const char *product_id, const struct tg_variant *v);
/* What is only a copy of the disk, and what the disk now says otherwise: not inside a batch.
 * order: by id, NULL = all; not being there is legal. */
void tg_shop_forget_order(struct tg_shop *shop, const char *id);
/* What the disk says of the order that claims name by this key makes no sense, or its goods find no
 * room: those of this batch are refused as `internal`. NOMEM. */
TG_MUST_CHECK tg_err tg_shop_note_damaged(struct tg_shop *shop, const char *key);
/* Carts, per-person sums and their like. */
void tg_shop_forget_cached(struct tg_shop *shop);
bool tg_shop_has_order(const struct tg_shop *shop, const char *id);
/* An order as it is on disk; open ones get their timer. CONFLICT, LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_shop_load_order(struct tg_shop *shop, struct tg_shop_now now,
                                        struct tg_order *take_order);
TG_MUST_CHECK tg_err tg_shop_load_cart(struct tg_shop *shop, const struct tg_cart *cart);
/* What one person bought: of a SKU in all, of a SKU in one show, of everything in one show. */
struct tg_units_key {
    const char *person;
    const char *sku; /* "" = every SKU */
    uint16_t show;   /* UINT16_MAX = wherever it was bought */
};
/* The sums that a claim for this SKU touches; how many. */
enum { TG_UNITS_KEYS = 3 };
uint32_t tg_units_keys(struct tg_units_key out[TG_UNITS_KEYS], const char *person, const char *sku,
                       uint16_t show);
/* Some show has limits a person: sums of shows may be needed. */
bool tg_shop_limits_in_shows(const struct tg_shop *shop);
TG_MUST_CHECK tg_err tg_shop_load_units(struct tg_shop *shop, const struct tg_units_key *key,
                                        int32_t units);
/* New or instead of the old count. NOTFOUND: no such SKU any more. */
TG_MUST_CHECK tg_err tg_shop_load_show_sales(struct tg_shop *shop, uint16_t show, const char *sku,
                                             int32_t units);
/*
 * Prices in other currencies, planned flash prices, past prices of the last TG_PRICE_PAST_DAYS (in
 * the order of until_wall) and codes: new, or instead of what was known under their key. Not inside
 * a batch. price -1 = none. Errors: NOTFOUND (no such SKU), LIMIT (out of range), NOMEM.
 */
enum { TG_PRICE_PAST_DAYS = 30 };
TG_MUST_CHECK tg_err tg_shop_put_currency_price(struct tg_shop *shop, const char *sku,
                                                const char *currency, int64_t price);
TG_MUST_CHECK tg_err tg_shop_put_flash_plan(struct tg_shop *shop, struct tg_shop_now now,
                                            const char *sku, const struct tg_flash_plan *plan);
TG_MUST_CHECK tg_err tg_shop_load_price_past(struct tg_shop *shop, const char *sku,
                                             tg_us until_wall, int64_t amount, int32_t left);
/* The prices of the past of one SKU, and those in other currencies, to load them anew. Not inside a
 * batch. */
void tg_shop_forget_price_past(struct tg_shop *shop, const char *sku);
void tg_shop_forget_currency_prices(struct tg_shop *shop, const char *sku);
TG_MUST_CHECK tg_err tg_shop_put_discount(struct tg_shop *shop, const struct tg_discount *discount);
TG_MUST_CHECK tg_err tg_shop_load_code_uses(struct tg_shop *shop, const char *code,
                                            const char *person, int32_t uses);
/* The last order's ticket: the next ones are higher, whatever the clock says. */
void tg_shop_load_ticket(struct tg_shop *shop, int64_t last);
/* The number that the next order gets, > 0. */
void tg_shop_load_next_number(struct tg_shop *shop, int64_t number);

bool tg_shop_needs_cart(const struct tg_shop *shop, const struct tg_claim *c);
/* ... and of a merge the other one: the cart of c->key. */
bool tg_shop_needs_other_cart(const struct tg_shop *shop, const struct tg_claim *c);
/* The claim is about an order that is not in memory: c->key is its id, or its payment's. */
bool tg_shop_needs_order(const struct tg_shop *shop, const struct tg_claim *c);
bool tg_claim_by_payment(const struct tg_claim *c);
/* The order in memory that expired and is what the claim is about; NULL = none. When it is paid
 * late, its person's sums and uses of codes count again and must be loaded. */
const struct tg_order *tg_shop_late_order(const struct tg_shop *shop, const struct tg_claim *c);
/* An order by comment that TG_CLAIM_UNDO of its person may be about; false = not in memory. */
bool tg_shop_load_undo(struct tg_shop *shop, const char *id);
bool tg_shop_needs_units(const struct tg_shop *shop, const struct tg_units_key *key);
/* Of a code as tg_codes_split gives it. */
bool tg_shop_needs_code_uses(const struct tg_shop *shop, const char *code, const char *person);

/* --- looking --- */

const struct tg_variant *tg_shop_variant(const struct tg_shop *shop, const char *sku);
const struct tg_cart *tg_shop_cart(const struct tg_shop *shop, const char *person);
/* NULL = no such product. */
const struct tg_product *tg_shop_product(const struct tg_shop *shop, const char *id);
const struct tg_product *tg_shop_product_numbered(const struct tg_shop *shop, uint32_t number);
/* The lowest number >= from that no product has. */
uint32_t tg_shop_free_number(const struct tg_shop *shop, uint32_t from);
/* In the order of their numbers; NULL = end. */
const struct tg_product *tg_shop_product_at(const struct tg_shop *shop, size_t index);
size_t tg_shop_product_count(const struct tg_shop *shop);
/* How often one of them was given another number: who walks by number then looks again. */
uint64_t tg_shop_product_moves(const struct tg_shop *shop);
size_t tg_shop_variant_count(const struct tg_shop *shop);
/* Units of the SKU that the show has sold; 0 also when it is not counted. */
int32_t tg_shop_show_units(const struct tg_shop *shop, uint16_t show, const char *sku);
/* Orders in memory: the unpaid ones. */
size_t tg_shop_order_count(const struct tg_shop *shop);
/* Its price in this currency (the shop's own: what it costs now); -1 = it has none. */
int64_t tg_shop_price_in(const struct tg_shop *shop, const struct tg_variant *v,
                         const char *currency);
/* The flash price that will begin; amount -1 = none. */
struct tg_flash_plan tg_shop_flash_plan(const struct tg_shop *shop, const char *sku);
/* NULL = no such code. Codes that ended are there too. */
const struct tg_discount *tg_shop_discount(const struct tg_shop *shop, const char *code);
int32_t tg_shop_tax_bp(const struct tg_shop *shop, const struct tg_variant *v);
const struct tg_order *tg_shop_order_each(const struct tg_shop *shop, size_t *cursor);

/* --- what a cart would cost --- */

struct tg_quote_line {
    const struct tg_variant *variant; /* NULL = no longer sold, or not in this currency */
    const char *sku;
    int32_t qty;
    int64_t price;
    int64_t discount;
    int32_t tax_bp;
    int64_t tax;
    const struct tg_cart_line *put; /* the cart's own; NULL = in another currency than the shop's */
    /* As the claim would be judged now, in its show; tg_quote_line_may(). */
    int32_t here;      /* units that are there */
    int32_t available; /* ... with those that are promised */
    int32_t limit;     /* units that the person may still buy; -1 = no limit */
    bool closed;       /* another show has it for itself */
};

/* Pointers are valid until the cart changes. */
struct tg_quote {
    char currency[4];
    int64_t total;
    int64_t discount;
    int64_t tax;
    char codes[TG_CODES_SIZE]; /* those that count */
    enum tg_code code_verdict; /* of the codes asked for; the rest is as without them */
    char message[160];
    uint32_t line_count;
    struct tg_quote_line lines[TG_CART_LINES_MAX];
};

/* The person's cart as `checkout` would charge it at this instant, with the claim's code and
 * currency; needs what a checkout needs to be loaded. Claims nothing, changes nothing. */
void tg_shop_quote(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                   struct tg_quote *ret);

/* How many of the line's variant (NULL: nothing) the person may have, bought in this show. Sums of
 * the person that are not in memory count as nothing here: the checkout knows them. */
void tg_quote_line_may(const struct tg_shop *shop, const char *person, uint16_t show,
                       struct tg_quote_line *line);

/* --- deciding --- */

/* Changes memory only; never fails: without memory the verdict is `internal`, nothing changed. */
void tg_shop_decide(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *ret);
/* Expire holds, begin and end flash prices that are due, at most `max` of them; how many. */
size_t tg_shop_tick(struct tg_shop *shop, struct tg_shop_now now, size_t max);
/* Monotonic time of the next tick, TG_US_NEVER = none. */
tg_us tg_shop_deadline(const struct tg_shop *shop);

/* The batch's effects, in the order in which they must be written. Closes the batch: no tick and no
 * decision until commit or rollback, and as long are they valid.
 * NULL with *ret_count 0: nothing to write. Errors: NOMEM - roll back then. */
TG_MUST_CHECK tg_err tg_shop_effects(struct tg_shop *shop, tg_us wall, const struct tg_effect **ret,
                                     size_t *ret_count);
/* What the batch changed so far; start with *cursor = NULL. NULL = end. */
const struct tg_variant *tg_shop_each_variant(const struct tg_shop *shop,
                                              const struct tg_variant **cursor);
const struct tg_order *tg_shop_each_order(const struct tg_shop *shop,
                                          const struct tg_order **cursor);
const struct tg_show_sales *tg_shop_each_sales(const struct tg_shop *shop,
                                               const struct tg_show_sales **cursor);
/* Carts that the batch changed. */
const struct tg_cart *tg_shop_each_cart(const struct tg_shop *shop, const struct tg_cart **cursor);
void tg_shop_commit(struct tg_shop *shop);
void tg_shop_rollback(struct tg_shop *shop);

/* --- auditing --- */

/* One item's numbers at one place as others derive them: from all movements, from all orders. */
struct tg_audit_row {
    char sku[TG_SKU_MAX + 1];
    uint16_t location;
    int64_t moved_on_hand;
    int64_t moved_held;
    int64_t moved_sold;
    int64_t kept_on_hand; /* the stock table */
    int64_t kept_held;
    int64_t kept_sold;
    int64_t orders_held; /* takes of orders that await payment */
    int64_t orders_sold; /* takes of paid orders */
    int64_t offered;     /* held for turns of the waiting list */
};
/* true = what is on disk agrees with itself; otherwise why is filled. */
bool tg_audit_row_ok(const struct tg_audit_row *row, char why[160]);
/* The same, and with memory: kept_* and offered. Not inside a batch. */
bool tg_shop_audit_memory(const struct tg_shop *shop, const struct tg_audit_row *row,
                          char why[160]);
/* Both. */
bool tg_shop_audit(const struct tg_shop *shop, const struct tg_audit_row *row, char why[160]);

#endif
