#include "store/store.h"

static tg_err write_all(struct tg_store *store, tg_us wall)
{
    size_t count = 0;
    const struct tg_product_import *catalogue = tg_demo_catalogue(&count);
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = store->ops->write_product(store, &catalogue[i], wall, "demo");
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
