#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

struct tg_variant *tg_shop_find(const struct tg_shop *shop, const char *sku)
{
    return tg_map_get_str(&shop->variant_by_sku, sku);
}

bool tg_variant_sold(const struct tg_variant *v)
{
    return !v->archived && !v->product->archived;
}

struct tg_variant *tg_shop_find_sold(const struct tg_shop *shop, const char *sku)
{
    struct tg_variant *v = tg_shop_find(shop, sku);

    return v != NULL && tg_variant_sold(v) ? v : NULL;
}

const struct tg_variant *tg_shop_variant(const struct tg_shop *shop, const char *sku)
{
    return tg_shop_find(shop, sku);
}

const struct tg_product *tg_shop_product_at(const struct tg_shop *shop, size_t index)
{
    return index < shop->product_count ? shop->products[index] : NULL;
}

size_t tg_shop_product_count(const struct tg_shop *shop)
{
    return shop->product_count;
}

size_t tg_shop_variant_count(const struct tg_shop *shop)
{
    return shop->variant_by_sku.count;
}

static tg_err room_for_product(struct tg_shop *shop)
{
    size_t cap = shop->product_cap == 0 ? 16 : shop->product_cap * 2;
    struct tg_product **grown;

    if (shop->product_count >= TG_VARIANTS_MAX)
        return TG_ERR_LIMIT;
    if (shop->product_count < shop->product_cap)
        return TG_OK;
    grown = tg_realloc(shop->products, cap, sizeof(struct tg_product *));
    if (grown == NULL)
        return TG_ERR_NOMEM;
    shop->products = grown;
    shop->product_cap = cap;
    return TG_OK;
}

/* The first product with this number or a higher one. */
static size_t first_from(const struct tg_shop *shop, uint32_t number)
{
    size_t low = 0;
    size_t high = shop->product_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (shop->products[middle]->number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where a product with this number belongs; CONFLICT when the number is taken. */
static tg_err place_of(const struct tg_shop *shop, uint32_t number, size_t *ret)
{
    size_t at = first_from(shop, number);

    if (at < shop->product_count && shop->products[at]->number == number)
        return TG_ERR_CONFLICT;
    *ret = at;
    return TG_OK;
}

tg_err tg_shop_load_product(struct tg_shop *shop, const struct tg_product *p)
{
    struct tg_product *copy;
    size_t place;
    tg_err err;

    if (p->number == 0 || p->id[0] == '\0')
        return TG_ERR_LIMIT;
    err = place_of(shop, p->number, &place);
    if (err == TG_OK)
        err = room_for_product(shop);
    if (err != TG_OK)
        return err;
    copy = tg_calloc(1, sizeof(*copy));
    if (copy == NULL)
        return TG_ERR_NOMEM;
    *copy = *p;
    copy->texts = tg_langs_ref(p->texts);
    copy->variant_count = 0;
    copy->first = NULL;
    copy->last = NULL;
    err = tg_map_put(&shop->product_by_id, copy->id, strlen(copy->id), copy);
    if (err != TG_OK) {
        tg_langs_unref(copy->texts);
        tg_free(copy);
        return err;
    }
    memmove(&shop->products[place + 1], &shop->products[place],
            (shop->product_count - place) * sizeof(struct tg_product *));
    shop->products[place] = copy;
    shop->product_count++;
    return TG_OK;
}

/* Give it another number: the list is in the order of numbers. */
static tg_err move_product(struct tg_shop *shop, struct tg_product *p, uint32_t number)
{
    size_t from;
    size_t to;
    tg_err err = place_of(shop, number, &to);

    if (err != TG_OK || number == 0)
        return err != TG_OK ? err : TG_ERR_LIMIT;
    for (from = 0; from < shop->product_count && shop->products[from] != p; from++)
        ;
    TG_ASSERT(from < shop->product_count);
    if (to > from) {
        to--;
        memmove(&shop->products[from], &shop->products[from + 1],
                (to - from) * sizeof(struct tg_product *));
    } else {
        memmove(&shop->products[to + 1], &shop->products[to],
                (from - to) * sizeof(struct tg_product *));
    }
    shop->products[to] = p;
    p->number = number;
    shop->product_moves++;
    return TG_OK;
}

uint64_t tg_shop_product_moves(const struct tg_shop *shop)
{
    return shop->product_moves;
}

const struct tg_product *tg_shop_product(const struct tg_shop *shop, const char *id)
{
    return tg_map_get_str(&shop->product_by_id, id);
}

const struct tg_product *tg_shop_product_numbered(const struct tg_shop *shop, uint32_t number)
{
    size_t at = first_from(shop, number);

    return at < shop->product_count && shop->products[at]->number == number ? shop->products[at]
                                                                            : NULL;
}

uint32_t tg_shop_free_number(const struct tg_shop *shop, uint32_t from)
{
    size_t low = first_from(shop, from);
    size_t high;

    /* The end of its run without a gap: numbers rise, so number - index never falls. */
    if (low == shop->product_count || shop->products[low]->number != from)
        return from;
    high = shop->product_count;
    for (size_t first = low; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (shop->products[middle]->number - from == middle - first)
            low = middle + 1;
        else
            high = middle;
    }
    return shop->products[low - 1]->number + 1;
}

/* To the front of the list, where those without a number are. */
static void lose_number(struct tg_shop *shop, size_t at)
{
    struct tg_product *p = shop->products[at];

    memmove(&shop->products[1], &shop->products[0], at * sizeof(struct tg_product *));
    shop->products[0] = p;
    p->number = 0;
}

tg_err tg_shop_take_product(struct tg_shop *shop, const struct tg_product *p)
{
    const struct tg_product *has = tg_shop_product_numbered(shop, p->number);

    if (has != NULL && strcmp(has->id, p->id) != 0)
        lose_number(shop, first_from(shop, p->number));
    return tg_shop_put_product(shop, p);
}

tg_err tg_shop_put_product(struct tg_shop *shop, const struct tg_product *p)
{
    struct tg_product *have = tg_map_get_str(&shop->product_by_id, p->id);

    if (have == NULL)
        return tg_shop_load_product(shop, p);
    if (have->number != p->number) {
        tg_err err = move_product(shop, have, p->number);

        if (err != TG_OK)
            return err;
    }
    have->archived = p->archived;
    for (struct tg_variant *v = have->first; v != NULL; v = v->next)
        tg_line_freed(shop, v); /* who waits may be served again */
    memcpy(have->title, p->title, sizeof(have->title));
    memcpy(have->description, p->description, sizeof(have->description));
    memcpy(have->image, p->image, sizeof(have->image));
    memcpy(have->image_alt, p->image_alt, sizeof(have->image_alt));
    tg_shop_put_texts(shop, p->id, tg_langs_ref(p->texts));
    return TG_OK;
}

void tg_shop_put_texts(struct tg_shop *shop, const char *id, struct tg_langs *take_texts)
{
    struct tg_product *p = tg_map_get_str(&shop->product_by_id, id);

    tg_langs_unref(p == NULL ? take_texts : p->texts);
    if (p != NULL)
        p->texts = take_texts;
}

static bool variant_ok(const struct tg_variant *v)
{
    const struct tg_stock_count *s = &v->stock;

    if (v->sku[0] == '\0' || !tg_price_ok(v->price, 0) || !tg_price_ok(v->compare_at, -1) ||
        !tg_price_ok(v->cost, -1) || !tg_price_ok(v->flash, -1))
        return false;
    if (s->on_hand < 0 || s->held < 0 || s->sold < 0 || s->on_hand > TG_STOCK_MAX)
        return false;
    return (int64_t)s->held + s->sold <= s->on_hand;
}

tg_err tg_shop_load_variant(struct tg_shop *shop, struct tg_shop_now now, const char *product_id,
                            const struct tg_variant *v)
{
    struct tg_product *product = tg_map_get_str(&shop->product_by_id, product_id);
    struct tg_price_book *book = NULL; /* its end must find room to be remembered */
    struct tg_variant *copy;
    tg_err err;

    if (product == NULL)
        return TG_ERR_NOTFOUND;
    if (!variant_ok(v) || shop->variant_by_sku.count >= TG_VARIANTS_MAX)
        return TG_ERR_LIMIT;
    copy = tg_calloc(1, sizeof(*copy));
    if (copy == NULL)
        return TG_ERR_NOMEM;
    *copy = *v;
    copy->product = product;
    copy->next = NULL;
    copy->batch_next = NULL;
    copy->in_batch = false;
    copy->show_only = tg_show_only_count(shop, copy->sku);
    copy->flash_end = (struct tg_heap_node){0};
    err = copy->flash >= 0 ? tg_price_book_ready(shop, copy->sku, &book) : TG_OK;
    if (err == TG_OK)
        err = tg_place_first(shop, copy);
    if (err != TG_OK) {
        tg_free(copy);
        return err;
    }
    err = tg_map_put(&shop->variant_by_sku, copy->sku, strlen(copy->sku), copy);
    if (err == TG_OK && copy->flash >= 0 && copy->flash_until_wall >= 0) {
        err =
            tg_heap_set(&shop->flash_ends, &copy->flash_end, tg_mono_of(now, v->flash_until_wall));
        if (err != TG_OK)
            (void)tg_map_del(&shop->variant_by_sku, copy->sku, strlen(copy->sku)); /* put above */
    }
    if (err != TG_OK) {
        tg_free(copy->places);
        tg_free(copy);
        return err;
    }
    if (product->last == NULL)
        product->first = copy;
    else
        product->last->next = copy;
    product->last = copy;
    product->variant_count++;
    return TG_OK;
}

tg_err tg_shop_describe(struct tg_shop *shop, const struct tg_variant *v)
{
    struct tg_variant *have = tg_shop_find(shop, v->sku);

    if (have == NULL)
        return TG_ERR_NOTFOUND;
    memcpy(have->options, v->options, sizeof(have->options));
    memcpy(have->tax_class, v->tax_class, sizeof(have->tax_class));
    have->cost = v->cost;
    have->archived = v->archived;
    tg_line_freed(shop, have); /* who waits may be served again */
    return TG_OK;
}

tg_err tg_shop_put_variant(struct tg_shop *shop, struct tg_shop_now now, const char *product_id,
                           const struct tg_variant *v)
{
    struct tg_variant *have = tg_shop_find(shop, v->sku);
    struct tg_price_book *book = NULL;
    const struct tg_place_row main_place = {.sku = v->sku,
                                            .on_hand = v->stock.on_hand,
                                            .held = v->stock.held,
                                            .sold = v->stock.sold,
                                            .version = v->stock_version};
    tg_err err = TG_OK;

    if (have == NULL)
        return tg_shop_load_variant(shop, now, product_id, v);
    if (!variant_ok(v))
        return TG_ERR_LIMIT;
    TG_ASSERT(!have->in_batch);
    if (v->flash >= 0)
        err = tg_price_book_ready(shop, have->sku, &book);
    if (err != TG_OK)
        return err;
    if (v->flash >= 0 && v->flash_until_wall >= 0)
        err =
            tg_heap_set(&shop->flash_ends, &have->flash_end, tg_mono_of(now, v->flash_until_wall));
    else
        tg_heap_remove(&shop->flash_ends, &have->flash_end);
    if (err != TG_OK)
        return err;
    have->archived = v->archived;
    tg_line_freed(shop, have);
    memcpy(have->options, v->options, sizeof(have->options));
    have->price = v->price;
    have->compare_at = v->compare_at;
    have->cost = v->cost;
    have->flash = v->flash;
    have->flash_until_wall = v->flash_until_wall;
    have->flash_since_wall = v->flash_since_wall;
    have->flash_limit = v->flash_limit;
    have->flash_used = v->flash_used;
    have->lowest = v->lowest;
    have->flash_lowest = v->flash_lowest;
    memcpy(have->tax_class, v->tax_class, sizeof(have->tax_class));
    return tg_shop_put_place(shop, &main_place);
}
