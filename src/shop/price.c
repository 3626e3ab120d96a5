/* Prices: what one unit costs at this instant, and who may change it. */
#include "shop/shop_priv.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

int64_t tg_variant_price(const struct tg_variant *v)
{
    return v->flash >= 0 ? v->flash : v->price;
}

bool tg_flash_covers(const struct tg_variant *v, int32_t qty)
{
    int32_t left = tg_variant_flash_left(v);

    return v->flash >= 0 && (left < 0 || left >= qty);
}

int64_t tg_variant_price_of(const struct tg_variant *v, int32_t qty)
{
    return tg_flash_covers(v, qty) ? v->flash : v->price;
}

int64_t tg_variant_compare_at(const struct tg_variant *v)
{
    /* During a flash price the honest "before" is the ordinary price, and only when it is higher.
     */
    if (v->flash >= 0)
        return v->price > v->flash ? v->price : -1;
    return v->compare_at > v->price ? v->compare_at : -1;
}

int64_t tg_variant_lowest(const struct tg_variant *v)
{
    if (tg_variant_compare_at(v) < 0)
        return 0;
    return v->flash >= 0 ? v->flash_lowest : v->lowest;
}

int32_t tg_variant_flash_left(const struct tg_variant *v)
{
    if (v->flash < 0 || v->flash_limit == 0)
        return -1;
    return TG_MAX(v->flash_limit - v->flash_used, 0);
}

void tg_variant_price_tag(char out[TG_PRICE_TAG_SIZE], const struct tg_variant *v)
{
    tg_str_printf(out, TG_PRICE_TAG_SIZE, "\"p%lld_%lld\"", (long long)v->price,
                  (long long)v->compare_at);
}

int32_t tg_shop_tax_bp(const struct tg_shop *shop, const struct tg_variant *v)
{
    return tg_tax_rate(&shop->cfg.taxes, v->tax_class);
}

/* Monotonic moment of a wall time that lies ahead; due at once when it has passed. */
tg_us tg_mono_of(struct tg_shop_now now, tg_us wall)
{
    return now.mono + TG_MAX(wall - now.wall, (tg_us)0);
}

bool tg_price_ok(int64_t amount, int64_t min)
{
    return amount >= min && amount <= TG_PRICE_MAX_MINOR;
}

void tg_price_keep(struct tg_variant *v)
{
    v->before_price = v->price;
    v->before_compare_at = v->compare_at;
    v->before_flash = v->flash;
    v->before_until_wall = v->flash_until_wall;
    v->before_since_wall = v->flash_since_wall;
    v->before_flash_limit = v->flash_limit;
    v->before_flash_used = v->flash_used;
    v->before_lowest = v->lowest;
    v->before_flash_lowest = v->flash_lowest;
}

void tg_price_undo(struct tg_variant *v)
{
    v->price = v->before_price;
    v->compare_at = v->before_compare_at;
    v->flash = v->before_flash;
    v->flash_until_wall = v->before_until_wall;
    v->flash_since_wall = v->before_since_wall;
    v->flash_limit = v->before_flash_limit;
    v->flash_used = v->before_flash_used;
    v->lowest = v->before_lowest;
    v->flash_lowest = v->before_flash_lowest;
}

/* --- changing --- */

/* One row of history: `was` until now, the variant as it is from now on. */
static void note(struct tg_shop *shop, const struct tg_variant *v, tg_us wall, const char *actor,
                 int64_t was, int32_t left)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_PRICE, wall);
    struct tg_price_book *book = tg_price_book(shop, v->sku);

    e->variant = v;
    e->price = (struct tg_price_change){.price = v->price,
                                        .compare_at = v->compare_at,
                                        .flash = v->flash,
                                        .until_wall = v->flash_until_wall,
                                        .was = was,
                                        .amount = tg_variant_price(v),
                                        .left = left};
    memcpy(e->price.currency, shop->cfg.currency, sizeof(e->price.currency));
    tg_str_cut(e->actor, sizeof(e->actor), actor);
    if (book == NULL || (was == e->price.amount && left == 0))
        return;
    tg_price_book_touch(shop, book);
    tg_price_past_add(book, wall, was, left);
}

/* flash_since_wall and flash_used stay: orders made at it may still come back. */
static void flash_clear(struct tg_shop *shop, struct tg_variant *v)
{
    tg_heap_remove(&shop->flash_ends, &v->flash_end);
    v->flash = -1;
    v->flash_until_wall = -1;
}

void tg_flash_end(struct tg_shop *shop, struct tg_variant *v, tg_us wall, bool spent)
{
    int64_t was = tg_variant_price(v);
    int32_t left = tg_variant_flash_left(v);

    tg_shop_touch_variant(shop, v);
    flash_clear(shop, v);
    /* What is reduced now begins anew: the price rose to it, or nothing was reduced meanwhile. */
    if (v->compare_at > v->price && v->price != was)
        v->lowest = tg_price_lowest(tg_price_book(shop, v->sku), wall, was);
    note(shop, v, wall, "", was, spent ? 0 : left);
}

/* A reduction from `was` to `now`; `kept` is the lowest price stated with one that runs already: as
 * long as a price only falls it is one reduction (art. 6a, 5), and what stood before it counts. */
static int64_t lowest_of(const struct tg_shop *shop, const struct tg_variant *v, tg_us wall,
                         int64_t kept, int64_t now)
{
    int64_t was = tg_variant_price(v);

    return kept > 0 && now <= was ? kept : tg_price_lowest(tg_price_book(shop, v->sku), wall, was);
}

/* The variant's flash price from now on; its end has a place in the heap, its book is there.
 * `anew`: its units count from here, also when the amount is the running one's. */
static void flash_set(struct tg_shop *shop, struct tg_variant *v, tg_us wall, const char *actor,
                      const struct tg_flash_plan *plan, bool anew)
{
    int64_t was = tg_variant_price(v);
    int32_t left = tg_variant_flash_left(v);
    bool same = v->flash == plan->amount && !anew;
    int64_t kept = tg_variant_lowest(v);

    if (!same) {
        v->flash_lowest =
            plan->amount < v->price ? lowest_of(shop, v, wall, kept, plan->amount) : 0;
        v->flash_since_wall = TG_MAX(wall, v->flash_since_wall + 1); /* its name: never twice */
        v->flash_used = 0;
    }
    v->flash = plan->amount;
    v->flash_until_wall = plan->until_wall;
    v->flash_limit = plan->limit;
    note(shop, v, wall, actor, was, same ? 0 : left);
}

bool tg_flash_begin(struct tg_shop *shop, struct tg_shop_now now, struct tg_price_book *book)
{
    struct tg_variant *v = tg_shop_find(shop, book->sku);
    struct tg_flash_plan plan = book->now.plan;
    bool over = v == NULL || (plan.until_wall >= 0 && plan.until_wall <= now.wall);

    if (v != NULL) /* before its end gets a place that a rollback must find free */
        tg_shop_touch_variant(shop, v);
    if (!over && plan.until_wall >= 0 &&
        tg_heap_set(&shop->flash_ends, &v->flash_end, tg_mono_of(now, plan.until_wall)) != TG_OK)
        return false;
    tg_price_book_touch(shop, book);
    tg_heap_remove(&shop->flash_starts, &book->start);
    book->now.plan = (struct tg_flash_plan){.amount = -1};
    if (v != NULL) {
        struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_PLAN, now.wall);

        e->variant = v;
        e->plan = book->now.plan;
    }
    if (over) /* the server was down for all of its time */
        return true;
    if (plan.until_wall < 0)
        tg_heap_remove(&shop->flash_ends, &v->flash_end);
    flash_set(shop, v, now.wall, "", &plan, true);
    return true;
}

static bool price_claim_ok(const struct tg_claim *c, tg_us wall, struct tg_verdict *out)
{
    if (c->amount == -1)
        return true;
    if (!tg_price_ok(c->amount, 1)) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "amount must be 1 to %d.", (int)TG_PRICE_MAX_MINOR);
        return false;
    }
    if (c->until_wall != -1 && c->until_wall <= TG_MAX(wall, c->from_wall)) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "until must lie in the future%s.",
                  c->from_wall > wall ? ", after from" : "");
        return false;
    }
    if (c->limit < 0 || c->limit > TG_STOCK_MAX) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "limit must be 1 to %d.", (int)TG_STOCK_MAX);
        return false;
    }
    return true;
}

static void note_plan(struct tg_shop *shop, const struct tg_variant *v,
                      const struct tg_price_book *book, tg_us wall, const char *actor)
{
    struct tg_effect *e = tg_shop_effect(shop, TG_EFFECT_PLAN, wall);

    e->variant = v;
    e->plan = book->now.plan;
    tg_str_cut(e->actor, sizeof(e->actor), actor);
}

/* It will begin later; the one that runs goes on. */
static bool plan_flash(struct tg_shop *shop, struct tg_shop_now now, struct tg_variant *v,
                       struct tg_price_book *book, const struct tg_claim *c)
{
    tg_price_book_touch(shop, book);
    if (tg_heap_set(&shop->flash_starts, &book->start, tg_mono_of(now, c->from_wall)) != TG_OK)
        return false;
    book->now.plan = (struct tg_flash_plan){.amount = c->amount,
                                            .from_wall = c->from_wall,
                                            .until_wall = c->until_wall,
                                            .limit = c->limit};
    note_plan(shop, v, book, now.wall, c->person);
    return true;
}

static bool start_flash(struct tg_shop *shop, struct tg_shop_now now, struct tg_variant *v,
                        const struct tg_claim *c)
{
    struct tg_flash_plan plan = {
        .amount = c->amount, .until_wall = c->until_wall, .limit = c->limit};

    tg_shop_touch_variant(shop, v);
    if (plan.until_wall < 0)
        tg_heap_remove(&shop->flash_ends, &v->flash_end);
    else if (tg_heap_set(&shop->flash_ends, &v->flash_end, tg_mono_of(now, plan.until_wall)) !=
             TG_OK)
        return false;
    flash_set(shop, v, now.wall, c->person, &plan, false);
    return true;
}

/* What runs, and what was planned. */
static void stop_flash(struct tg_shop *shop, struct tg_shop_now now, struct tg_variant *v,
                       struct tg_price_book *book, const struct tg_claim *c)
{
    if (book->now.plan.amount >= 0) {
        tg_price_book_touch(shop, book);
        tg_heap_remove(&shop->flash_starts, &book->start);
        book->now.plan = (struct tg_flash_plan){.amount = -1};
        note_plan(shop, v, book, now.wall, c->person);
    }
    if (v->flash < 0)
        return;
    tg_flash_end(shop, v, now.wall, false);
    tg_str_cut(shop->effects[shop->effect_count - 1].actor, TG_PERSON_ID_SIZE, c->person);
}

void tg_decide_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                     struct tg_verdict *out)
{
    struct tg_variant *v = tg_shop_find(shop, c->sku);
    struct tg_price_book *book = NULL;
    bool ok = true;

    out->variant = v;
    if (v == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (!price_claim_ok(c, now.wall, out))
        return;
    if (c->amount >= 0 && c->limit > 0 && c->amount == v->flash && c->from_wall <= now.wall &&
        c->limit <= v->flash_used) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "limit must be above %d: so many are sold at it.",
                  (int)v->flash_used);
        return;
    }
    if (tg_price_book_ready(shop, v->sku, &book) != TG_OK)
        ok = false;
    else if (c->amount == -1)
        stop_flash(shop, now, v, book, c);
    else if (c->from_wall > now.wall)
        ok = plan_flash(shop, now, v, book, c);
    else
        ok = start_flash(shop, now, v, c);
    if (!ok)
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
}

/* --- ordinary prices --- */

static void set_list_price(struct tg_shop *shop, struct tg_shop_now now, struct tg_variant *v,
                           const struct tg_claim *c, int64_t price, int64_t compare_at)
{
    int64_t was = tg_variant_price(v);
    int32_t left = tg_variant_flash_left(v);
    bool lower = price < v->price;

    tg_shop_touch_variant(shop, v);
    v->lowest = compare_at > price ? lowest_of(shop, v, now.wall, tg_variant_lowest(v), price) : 0;
    v->price = price;
    v->compare_at = compare_at;
    if (lower && v->flash >= price)
        flash_clear(shop, v); /* nobody pays the dearer of the two */
    if (v->flash >= price)
        v->flash_lowest = 0;                        /* it is no reduction */
    else if (v->flash >= 0 && v->flash_lowest == 0) /* it became one */
        v->flash_lowest = tg_price_lowest(tg_price_book(shop, v->sku), now.wall, was);
    note(shop, v, now.wall, c->person, was, was == tg_variant_price(v) ? 0 : left);
}

static bool list_claim_ok(const struct tg_shop *shop, const struct tg_claim *c,
                          const struct tg_variant *v, bool base, struct tg_verdict *out)
{
    char tag[TG_PRICE_TAG_SIZE];

    if (!tg_currency_ok(base ? shop->cfg.currency : c->currency))
        tg_refuse(out, TG_CODE_BAD_REQUEST, "currency must be an ISO 4217 code, like NOK.");
    else if (c->amount != TG_AS_IS && !tg_price_ok(c->amount, base ? 0 : -1))
        tg_refuse(out, TG_CODE_BAD_REQUEST, "price must be 0 to %d.", (int)TG_PRICE_MAX_MINOR);
    else if (c->compare_at != TG_AS_IS && (!tg_price_ok(c->compare_at, -1) || !base))
        tg_refuse(out, TG_CODE_BAD_REQUEST,
                  "compare_at must be 0 to %d, in the shop's own currency.",
                  (int)TG_PRICE_MAX_MINOR);
    else if (c->if_match != NULL && c->if_match[0] != '\0') {
        tg_variant_price_tag(tag, v);
        if (strstr(c->if_match, tag) == NULL && strcmp(c->if_match, "*") != 0)
            tg_refuse(out, TG_CODE_STALE, "The price was changed meanwhile; look at it again.");
    }
    return out->code == TG_CODE_OK;
}

void tg_decide_list_price(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                          struct tg_verdict *out)
{
    struct tg_variant *v = tg_shop_find(shop, c->sku);
    bool base = c->currency == NULL || c->currency[0] == '\0' ||
                strcmp(c->currency, shop->cfg.currency) == 0;
    struct tg_price_book *book = NULL;
    int64_t price;
    int64_t compare_at;

    out->variant = v;
    if (v == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (!list_claim_ok(shop, c, v, base, out))
        return;
    if (!base) {
        if (c->amount != TG_AS_IS)
            tg_decide_currency_price(shop, now, v, c, out);
        return;
    }
    price = c->amount == TG_AS_IS ? v->price : c->amount;
    compare_at = c->compare_at == TG_AS_IS ? v->compare_at : c->compare_at;
    if (price == v->price && compare_at == v->compare_at)
        return; /* as it is already: nothing to write */
    if (tg_price_book_ready(shop, v->sku, &book) != TG_OK)
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
    else
        set_list_price(shop, now, v, c, price, compare_at);
}
