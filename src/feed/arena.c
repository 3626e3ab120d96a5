#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "feed/product.h"

enum { BLOCK_SIZE = 16 * 1024 };

struct tg_feed_block {
    struct tg_feed_block *next;
    size_t used;
    size_t size;
    _Alignas(16) unsigned char data[];
};

void tg_feed_arena_clear(struct tg_feed_arena *a)
{
    struct tg_feed_block *keep = NULL;

    while (a->blocks != NULL) {
        struct tg_feed_block *b = a->blocks;

        a->blocks = b->next;
        if (keep == NULL && b->size == BLOCK_SIZE) {
            keep = b;
            /* What is handed out is zeroed: so only what was used needs it. */
            memset(b->data, 0, b->used);
            b->used = 0;
            b->next = NULL;
        } else {
            tg_free(b);
        }
    }
    *a = (struct tg_feed_arena){.blocks = keep};
}

void tg_feed_arena_done(struct tg_feed_arena *a)
{
    while (a->blocks != NULL) {
        struct tg_feed_block *b = a->blocks;

        a->blocks = b->next;
        tg_free(b);
    }
    *a = (struct tg_feed_arena){0};
}

static struct tg_feed_block *room_for(struct tg_feed_arena *a, size_t size)
{
    struct tg_feed_block *b = a->blocks;
    size_t want = size > BLOCK_SIZE ? size : BLOCK_SIZE;

    if (b != NULL && b->size - b->used >= size)
        return b;
    b = tg_calloc(1, sizeof(*b) + want);
    if (b == NULL) {
        a->err = TG_ERR_NOMEM;
        return NULL;
    }
    b->size = want;
    b->next = a->blocks;
    a->blocks = b;
    return b;
}

void *tg_feed_alloc(struct tg_feed_arena *a, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    struct tg_feed_block *b;
    void *at;

    if (a->err != TG_OK)
        return NULL;
    if (size > TG_FEED_PRODUCT_MAX || a->used + rounded > TG_FEED_PRODUCT_MAX) {
        a->err = TG_ERR_LIMIT;
        return NULL;
    }
    b = room_for(a, rounded);
    if (b == NULL)
        return NULL;
    at = b->data + b->used;
    b->used += rounded;
    a->used += rounded;
    return at;
}

const char *tg_feed_text(struct tg_feed_arena *a, const char *text, size_t len)
{
    char *copy = tg_feed_alloc(a, len + 1);

    if (copy == NULL)
        return "";
    memcpy(copy, text, len);
    return copy;
}

void *tg_feed_grow(struct tg_feed_arena *a, void *at, uint32_t *count, size_t size, uint32_t max)
{
    unsigned char *list;
    unsigned char *grown;

    if (*count >= max)
        return NULL;
    memcpy(&list, at, sizeof(list)); /* `at` points to a pointer of any object type */
    /* Full at every power of two: then twice the room. */
    if ((*count & (*count - 1)) == 0) {
        size_t cap = *count == 0 ? 1 : (size_t)*count * 2;

        grown = tg_feed_alloc(a, cap * size);
        if (grown == NULL)
            return NULL;
        if (*count > 0)
            memcpy(grown, list, (size_t)*count * size);
        list = grown;
        memcpy(at, &list, sizeof(list));
    }
    return list + (size_t)(*count)++ * size;
}

void tg_feed_product_init(struct tg_feed_product *p)
{
    *p = (struct tg_feed_product){.number = TG_FEED_KEEP, .archived = TG_FEED_KEEP};
}

void tg_feed_variant_init(struct tg_feed_variant *v)
{
    *v = (struct tg_feed_variant){.price = TG_FEED_KEEP,
                                  .compare_at = TG_FEED_KEEP,
                                  .cost = TG_FEED_KEEP,
                                  .weight_g = TG_FEED_KEEP,
                                  .stock = TG_FEED_KEEP,
                                  .archived = TG_FEED_KEEP};
}

#define MERGE_TEXT(field) base->field = given->field != NULL ? given->field : base->field
#define MERGE_NUMBER(field) base->field = given->field != TG_FEED_KEEP ? given->field : base->field
#define MERGE_LIST(field)                                                                          \
    do {                                                                                           \
        if (given->field.given)                                                                    \
            base->field = given->field;                                                            \
    } while (0)

void tg_feed_merge_product(struct tg_feed_product *base, const struct tg_feed_product *given)
{
    MERGE_NUMBER(number);
    MERGE_NUMBER(archived);
    MERGE_TEXT(title);
    MERGE_TEXT(description);
    MERGE_TEXT(brand);
    MERGE_LIST(texts);
    MERGE_LIST(pictures);
    MERGE_LIST(categories);
    MERGE_LIST(attributes);
    MERGE_LIST(accessories);
    MERGE_LIST(related);
}

void tg_feed_merge_variant(struct tg_feed_variant *base, const struct tg_feed_variant *given)
{
    MERGE_TEXT(barcode);
    MERGE_TEXT(tax_class);
    MERGE_NUMBER(price);
    MERGE_NUMBER(compare_at);
    MERGE_NUMBER(cost);
    MERGE_NUMBER(weight_g);
    MERGE_NUMBER(archived);
    MERGE_LIST(options);
    MERGE_LIST(prices);
    MERGE_LIST(pictures);
    MERGE_LIST(parts);
}
