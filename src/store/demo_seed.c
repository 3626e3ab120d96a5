#include <string.h>

#include "store/catalogue.h"
#include "store/demo_priv.h"
#include "store/store.h"

/* The way that any change of a product goes: document, search and texts agree. */
static tg_err write_texts(struct tg_store *store, struct tg_feed_arena *a,
                          const struct tg_demo_texts *texts, tg_us wall)
{
    struct tg_feed_product product;
    struct tg_feed_product given;
    int64_t version;
    tg_err err = tg_cat_product(store, a, texts->product, &product, &version);

    if (err == TG_OK)
        err = tg_feed_product_read(a, &given, texts->json, strlen(texts->json), NULL, NULL);
    if (err != TG_OK)
        return err;
    tg_feed_merge_product(&product, &given);
    return tg_cat_put_product(store, &product, version + 1, wall);
}

static tg_err write_all_texts(struct tg_store *store, tg_us wall)
{
    struct tg_feed_arena arena = {.err = TG_OK};
    size_t count = 0;
    const struct tg_demo_texts *texts = tg_demo_texts(&count);
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++) {
        err = write_texts(store, &arena, &texts[i], wall);
        tg_feed_arena_clear(&arena);
    }
    tg_feed_arena_done(&arena);
    return err;
}

static tg_err write_all(struct tg_store *store, tg_us wall)
{
    size_t count = 0;
    const struct tg_product_import *catalogue = tg_demo_catalogue(&count);
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = store->ops->write_product(store, &catalogue[i], wall, "demo");
    if (err == TG_OK)
        err = write_all_texts(store, wall);
    return err == TG_OK ? store->ops->commit(store) : err;
}

tg_err tg_demo_seed(struct tg_store *store, tg_us wall)
{
    bool any = false;
    tg_err err = store->ops->begin(store);

    /* Inside the transaction: another node may do the same. */
    if (err == TG_OK)
        err = store->ops->has_products(store, &any);
    if (err == TG_OK && !any)
        err = write_all(store, wall);
    if (err != TG_OK || any)
        store->ops->rollback(store);
    return err;
}
