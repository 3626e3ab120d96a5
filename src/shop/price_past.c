/*
 * Prices that are over, and flash prices that will begin. A book is kept of every SKU whose price
 * changed within 30 days: it answers what a page may have shown a moment ago, and what the lowest
 * price before a reduction was. It is short: when it is full, its two oldest prices become one,
 * with the lower amount, so that a lowest price is never stated too high.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

struct tg_price_book *tg_price_book(const struct tg_shop *shop, const char *sku)
{
    return tg_map_get_str(&shop->books, sku);
}

tg_err tg_price_book_ready(struct tg_shop *shop, const char *sku, struct tg_price_book **ret)
{
    struct tg_price_book *book = tg_price_book(shop, sku);
    tg_err err;

    if (book != NULL) {
        *ret = book;
        return TG_OK;
    }
    book = tg_calloc(1, sizeof(*book));
    if (book == NULL)
        return TG_ERR_NOMEM;
    tg_str_cut(book->sku, sizeof(book->sku), sku);
    book->now.plan.amount = -1;
    err = tg_map_put(&shop->books, book->sku, strlen(book->sku), book);
    if (err != TG_OK) {
        tg_free(book);
        return err;
    }
    *ret = book;
    return TG_OK;
}

void tg_price_book_touch(struct tg_shop *shop, struct tg_price_book *book)
{
    if (book->in_batch)
        return;
    book->in_batch = true;
    book->before = book->now;
    book->before_timed = book->start.place != 0;
    book->before_at = book->start.at;
    book->batch_next = shop->batch_books;
    shop->batch_books = book;
}

void tg_price_past_add(struct tg_price_book *book, tg_us wall, int64_t amount, int32_t left)
{
    struct tg_price_book_state *s = &book->now;
    struct tg_price_past *last = s->count == 0 ? NULL : &s->past[s->count - 1];

    if (last != NULL && last->until_wall >= wall && last->amount == amount)
        return; /* a change and its end in one instant; nobody saw it */
    if (s->count == TG_PRICE_PAST_MAX) {
        s->past[1].amount = TG_MIN(s->past[0].amount, s->past[1].amount);
        s->past[1].left = 0; /* nobody taps so late */
        s->count--;
        memmove(&s->past[0], &s->past[1], s->count * sizeof(s->past[0]));
    }
    s->past[s->count++] =
        (struct tg_price_past){.until_wall = wall, .amount = amount, .left = left};
}

int64_t tg_price_lowest(const struct tg_price_book *book, tg_us wall, int64_t now)
{
    int64_t lowest = now;

    for (uint32_t i = 0; book != NULL && i < book->now.count; i++)
        if (book->now.past[i].until_wall > wall - TG_PRICE_PAST_US)
            lowest = TG_MIN(lowest, book->now.past[i].amount);
    return lowest;
}

struct tg_price_past *tg_price_at(struct tg_price_book *book, tg_us instant)
{
    for (uint32_t i = 0; book != NULL && i < book->now.count; i++)
        if (book->now.past[i].until_wall > instant)
            return &book->now.past[i];
    return NULL;
}

size_t tg_price_left_count(const struct tg_shop *shop)
{
    size_t count = 0;

    for (const struct tg_price_book *b = shop->batch_books; b != NULL; b = b->batch_next)
        for (uint32_t i = 0; i < b->now.count; i++)
            count += b->now.past[i].less;
    return count;
}

void tg_price_left_effects(struct tg_shop *shop, tg_us wall)
{
    for (const struct tg_price_book *b = shop->batch_books; b != NULL; b = b->batch_next)
        for (uint32_t i = 0; i < b->now.count; i++) {
            const struct tg_price_past *past = &b->now.past[i];
            struct tg_effect *e;

            if (!past->less)
                continue;
            e = tg_shop_effect(shop, TG_EFFECT_PRICE_LEFT, wall);
            e->variant = tg_shop_variant(shop, b->sku);
            e->as_of_wall = past->until_wall;
            e->amount = past->amount;
            e->qty = past->left;
        }
}

void tg_price_books_commit(struct tg_shop *shop)
{
    for (struct tg_price_book *b = shop->batch_books; b != NULL; b = b->batch_next) {
        b->in_batch = false;
        for (uint32_t i = 0; i < b->now.count; i++)
            b->now.past[i].less = false;
    }
    for (struct tg_currency_price *p = shop->batch_currency_prices; p != NULL; p = p->batch_next)
        p->in_batch = false;
    shop->batch_books = NULL;
    shop->batch_currency_prices = NULL;
}

void tg_price_books_rollback(struct tg_shop *shop)
{
    for (struct tg_price_book *b = shop->batch_books; b != NULL; b = b->batch_next) {
        b->now = b->before;
        if (!b->before_timed)
            tg_heap_remove(&shop->flash_starts, &b->start);
    }
    for (struct tg_price_book *b = shop->batch_books; b != NULL; b = b->batch_next)
        if (b->before_timed) /* it had a place before, and heaps never shrink: there is room */
            TG_ASSERT(tg_heap_set(&shop->flash_starts, &b->start, b->before_at) == TG_OK);
    for (struct tg_currency_price *p = shop->batch_currency_prices; p != NULL; p = p->batch_next)
        p->price = p->before;
    tg_price_books_commit(shop);
}

/* --- loading --- */

tg_err tg_shop_load_price_past(struct tg_shop *shop, const char *sku, tg_us until_wall,
                               int64_t amount, int32_t left)
{
    struct tg_price_book *book = NULL;
    tg_err err;

    if (tg_shop_find(shop, sku) == NULL)
        return TG_ERR_NOTFOUND;
    if (!tg_price_ok(amount, 0) || left < -1)
        return TG_ERR_LIMIT;
    err = tg_price_book_ready(shop, sku, &book);
    if (err == TG_OK)
        tg_price_past_add(book, until_wall, amount, left);
    return err;
}

void tg_shop_forget_price_past(struct tg_shop *shop, const char *sku)
{
    struct tg_price_book *book = tg_price_book(shop, sku);

    if (book == NULL)
        return;
    TG_ASSERT(!book->in_batch);
    book->now.count = 0;
}

tg_err tg_shop_put_flash_plan(struct tg_shop *shop, struct tg_shop_now now, const char *sku,
                              const struct tg_flash_plan *plan)
{
    struct tg_price_book *book = NULL;
    tg_err err;

    if (tg_shop_find(shop, sku) == NULL)
        return TG_ERR_NOTFOUND;
    if (plan->amount != -1 && (!tg_price_ok(plan->amount, 1) || plan->limit < 0))
        return TG_ERR_LIMIT;
    if (plan->amount == -1 && tg_price_book(shop, sku) == NULL)
        return TG_OK;
    err = tg_price_book_ready(shop, sku, &book);
    if (err != TG_OK)
        return err;
    TG_ASSERT(!book->in_batch);
    if (plan->amount == -1)
        tg_heap_remove(&shop->flash_starts, &book->start);
    else
        err = tg_heap_set(&shop->flash_starts, &book->start, tg_mono_of(now, plan->from_wall));
    if (err == TG_OK)
        book->now.plan = *plan;
    return err;
}

struct tg_flash_plan tg_shop_flash_plan(const struct tg_shop *shop, const char *sku)
{
    const struct tg_price_book *book = tg_price_book(shop, sku);

    return book == NULL ? (struct tg_flash_plan){.amount = -1} : book->now.plan;
}
