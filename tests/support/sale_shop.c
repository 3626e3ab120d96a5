/*
 * sale_shop.c - a shop with any number of SKUs, for benchmarks and whole-server tests: made before
 * the server starts, by the server's own store.
 *
 *   sale_shop --url DIR/torg.db --skus 1000 --units 1000000     SKU-0, SKU-1 ... in products of 50
 *   sale_shop --url postgresql://...
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "store/store.h"

enum { OF_PRODUCT = 50, PRICE = 19900, COST = 7500 };

static tg_err add_product(struct tg_store *store, int64_t first, int64_t count, int32_t units)
{
    struct tg_variant *v = tg_calloc((size_t)count, sizeof(*v));
    struct tg_product_import product = {.variants = v, .variant_count = (size_t)count};
    tg_err err;

    if (v == NULL)
        return TG_ERR_NOMEM;
    product.product.number = (uint32_t)(first / OF_PRODUCT + 1);
    tg_str_printf(product.product.id, sizeof(product.product.id), "p%u", product.product.number);
    tg_str_printf(product.product.title, sizeof(product.product.title), "Thing no. %u",
                  product.product.number);
    for (int64_t i = 0; i < count; i++) {
        v[i] = (struct tg_variant){.price = PRICE,
                                   .compare_at = -1,
                                   .cost = COST,
                                   .flash = -1,
                                   .flash_until_wall = -1,
                                   .stock = {.on_hand = units},
                                   .options = "{}"};
        tg_str_printf(v[i].sku, sizeof(v[i].sku), "SKU-%lld", (long long)(first + i));
    }
    err = store->ops->write_product(store, &product, tg_clock_wall(), "bench");
    tg_free(v);
    return err;
}

static tg_err fill(struct tg_store *store, int64_t skus, int32_t units)
{
    tg_err err = store->ops->begin(store);

    for (int64_t first = 0; err == TG_OK && first < skus; first += OF_PRODUCT)
        err = add_product(store, first, TG_MIN(skus - first, (int64_t)OF_PRODUCT), units);
    return err == TG_OK ? store->ops->commit(store) : err;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"url", 1, NULL, 'p'}, {"skus", 1, NULL, 's'}, {"units", 1, NULL, 'u'}, {NULL, 0, NULL, 0}};
    struct tg_db_cfg cfg = {.url = NULL};
    struct tg_store *store = NULL;
    int64_t skus = 1;
    int64_t units = 1000000;
    char why[256] = "";
    tg_err err = TG_OK;
    int opt;

    tg_log_set_level(TG_LOG_ERROR);
    while (err == TG_OK && (opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (opt == 'p')
            cfg.url = optarg;
        else if (opt == 's')
            err = tg_parse_i64(&skus, optarg, strlen(optarg), 1, TG_VARIANTS_MAX);
        else if (opt == 'u')
            err = tg_parse_i64(&units, optarg, strlen(optarg), 0, TG_STOCK_MAX);
        else
            err = TG_ERR_MALFORMED;
    }
    if (err != TG_OK || cfg.url == NULL) {
        (void)fprintf(stderr, "sale_shop --url URL --skus N --units N\n");
        return 2;
    }
    err = tg_store_new(&store, &cfg, why);
    if (err == TG_OK)
        err = fill(store, skus, (int32_t)units);
    if (err != TG_OK)
        (void)fprintf(stderr, "sale_shop: %s: %s\n", tg_err_name(err),
                      store != NULL ? store->ops->error(store) : why);
    tg_store_free(store);
    return err == TG_OK ? 0 : 1;
}
