/*
 * store_box.h - a shop on a real database, for the tests of the store: opened, closed, opened
 * again; one claim loaded, decided and written at a time. SQLite in a file of its own, or
 * PostgreSQL in a schema of its own when `postgres` is set.
 */
#ifndef TESTS_SUPPORT_STORE_BOX_H
#define TESTS_SUPPORT_STORE_BOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/store.h"
#include "support/lib/postgres_server.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

static struct tg_pg_server *postgres; /* NULL = the tests run on SQLite */

struct box {
    char dir[64];
    char path[96];
    char url[256]; /* the path, or a schema of the server's */
    struct tg_rng rng;
    struct tg_store *store;
    struct tg_shop *shop;
    struct tg_idem *idem;
    struct tg_shop_now now;
    const struct tg_provider *provider;
};

static inline void open_all(struct box *b)
{
    struct tg_db_cfg cfg = {.url = b->url, .fast = true};
    struct tg_shop_cfg shop = {.rng = &b->rng,
                               .currency = "NOK",
                               .hold_us = (tg_us)600 * TG_US_PER_S,
                               .person_units_max = 50,
                               .provider = b->provider};
    char why[256] = "";

    assert_int_equal(tg_store_new(&b->store, &cfg, why), TG_OK);
    assert_int_equal(tg_demo_seed(b->store, b->now.wall), TG_OK);
    assert_int_equal(tg_shop_new(&b->shop, &shop), TG_OK);
    assert_int_equal(tg_idem_new(&b->idem, 1024, &b->rng), TG_OK);
    assert_int_equal(b->store->ops->load_shop(b->store, b->now, b->shop), TG_OK);
}

static inline void close_all(struct box *b)
{
    tg_idem_free(b->idem);
    tg_shop_free(b->shop);
    tg_store_free(b->store);
}

static inline struct box *box_new(void)
{
    struct box *b = tg_calloc(1, sizeof(*b));

    assert_non_null(b);
    b->now = (struct tg_shop_now){.mono = 1, .wall = WALL_US};
    b->rng = tg_rng_seeded(7);
    tg_str_printf(b->dir, sizeof(b->dir), "/tmp/torg-store-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    tg_str_printf(b->path, sizeof(b->path), "%s/shop.db", b->dir);
    if (postgres == NULL)
        tg_str_cut(b->url, sizeof(b->url), b->path);
    else
        assert_true(tg_pg_server_url(postgres, b->url, sizeof(b->url)));
    return b;
}

static inline void box_free(struct box *b)
{
    static const char *const tails[] = {"shop.db", "shop.db-wal", "shop.db-shm", "lock"};
    char path[128];

    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s/%s", b->dir, tails[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(b->dir), 0);
    tg_free(b);
}

static inline struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, const char *sku)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "Kari <Nordmann>",
                             .source = "instagram",
                             .show = 2,
                             .op = "buy",
                             .id = "",
                             .sku = sku,
                             .qty = 1,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = ""};
}

static inline void load(struct box *b, const struct tg_claim *c)
{
    assert_int_equal(b->store->ops->load(b->store, b->now, c, 1, b->shop, b->idem), TG_OK);
}

/* load, decide, write, commit */
static inline struct tg_verdict one(struct box *b, const struct tg_claim *c,
                                    char ret_order[TG_UUID_SIZE],
                                    char ret_payment[TG_PAYMENT_ID_SIZE])
{
    const struct tg_effect *effects = NULL;
    struct tg_verdict v;
    size_t count = 0;

    load(b, c);
    tg_shop_decide(b->shop, b->now, c, &v);
    assert_int_equal(tg_shop_effects(b->shop, b->now.wall, &effects, &count), TG_OK);
    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(b->store->ops->write(b->store, &effects[i]), TG_OK);
    assert_int_equal(b->store->ops->commit(b->store), TG_OK);
    if (v.order != NULL && ret_order != NULL) {
        memcpy(ret_order, v.order->id, TG_UUID_SIZE);
        memcpy(ret_payment, v.order->payment, TG_PAYMENT_ID_SIZE);
    }
    tg_shop_commit(b->shop);
    return v;
}

static inline tg_err audit_row(void *ctx, const struct tg_audit_row *row)
{
    const struct box *b = ctx;
    char why[160] = "";

    if (!tg_shop_audit(b->shop, row, why))
        fail_msg("%s: %s", row->sku, why);
    return TG_OK;
}

static inline void audit(struct box *b)
{
    assert_int_equal(b->store->ops->audit(b->store, audit_row, b), TG_OK);
}

static inline int sql(struct box *b, const char *text)
{
    sqlite3 *raw = NULL;
    int rc;

    if (postgres != NULL)
        return tg_pg_server_sql(b->url, text) ? SQLITE_OK : SQLITE_CONSTRAINT;
    rc = sqlite3_open(b->path, &raw);

    if (rc == SQLITE_OK)
        rc = sqlite3_exec(raw, text, NULL, NULL, NULL);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
    return rc;
}

#endif
