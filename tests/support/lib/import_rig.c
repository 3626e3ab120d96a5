#include "support/lib/import_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/export.h"

struct tg_pg_server tg_rig_postgres;

struct tg_rig *tg_rig_open(void)
{
    struct tg_rig *r = tg_calloc(1, sizeof(*r));
    struct tg_db_cfg cfg = {.fast = true};
    struct tg_sale_cfg sale = {.web_count = 1};
    struct tg_store *inner = NULL;
    char why[256] = "";

    assert_non_null(r);
    tg_log_set_level(TG_LOG_ERROR);
    r->now = (struct tg_shop_now){.mono = tg_clock_mono(), .wall = TG_RIG_WALL_US};
    tg_str_printf(r->dir, sizeof(r->dir), "/tmp/torg-import-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    tg_str_printf(r->path, sizeof(r->path), "%s/shop.db", r->dir);
    tg_str_printf(r->file, sizeof(r->file), "%s/feed", r->dir);
    if (tg_rig_postgres.pid != 0) {
        assert_true(tg_pg_server_url(&tg_rig_postgres, r->url, sizeof(r->url)));
    } else {
        tg_str_cut(r->url, sizeof(r->url), r->path);
    }
    cfg.url = r->url;
    assert_int_equal(tg_store_new(&inner, &cfg, why), TG_OK);
    r->store = tg_faulty_store_init(&r->faulty, inner);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->live, TG_MB_LIVE, tg_msg_free), TG_OK);
    assert_int_equal(tg_mailbox_new(&r->web, TG_MB_WEB, tg_msg_free), TG_OK);
    sale.store = r->store;
    sale.registry = r->registry;
    sale.live = r->live;
    sale.web = &r->web;
    assert_int_equal(tg_sale_new(&r->sale, &sale, r->now), TG_OK);
    assert_int_equal(tg_read_db_new(&r->db, &cfg, why), TG_OK);
    return r;
}

void tg_rig_close(struct tg_rig *r)
{
    static const char *const tails[] = {"shop.db", "shop.db-wal", "shop.db-shm", "feed", "out"};
    char path[128];

    tg_read_db_free(r->db);
    tg_sale_free(r->sale);
    tg_registry_free(r->registry);
    tg_store_free(r->store);
    tg_mailbox_free(r->live);
    tg_mailbox_free(r->web);
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s/%s", r->dir, tails[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(r->dir), 0);
    tg_free(r);
}

void tg_rig_restart(struct tg_rig *r)
{
    struct tg_sale_cfg sale = {.web_count = 1};

    tg_sale_free(r->sale);
    r->sale = NULL;
    tg_registry_free(r->registry);
    assert_int_equal(tg_registry_new(&r->registry), TG_OK);
    sale.store = r->store;
    sale.registry = r->registry;
    sale.web = &r->web;
    assert_int_equal(tg_sale_new(&r->sale, &sale, r->now), TG_OK);
}

struct tg_sale_req *tg_rig_req(struct tg_rig *r, enum tg_sale_what what, const char *body,
                               size_t len)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web, .slot = 1, .generation = 1};
    req->http = true;
    req->show = UINT16_MAX;
    req->until_wall_us = -1;
    req->who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(req->who.id, sizeof(req->who.id), "pM");
    if (body != NULL)
        req->body = tg_slab_copy(body, len);
    return req;
}

static void take_answers(struct tg_rig *r)
{
    void *msg;

    while (tg_mailbox_take(r->web, &msg, 1) == 1) {
        const struct tg_web_reply *reply = msg;

        if (reply->head.kind == TG_MSG_WEB_REPLY) {
            r->status = reply->status;
            memcpy(r->location, reply->location, sizeof(r->location));
            r->text[0] = '\0';
            if (reply->json != NULL)
                tg_str_printf(r->text, sizeof(r->text), "%.*s", (int)reply->json->len,
                              (const char *)reply->json->data);
        }
        tg_msg_free(msg);
    }
    while (tg_mailbox_take(r->live, &msg, 1) == 1)
        tg_msg_free(msg);
}

void tg_rig_ask(struct tg_rig *r, struct tg_sale_req *req)
{
    void *msgs[1] = {req};

    r->status = -1;
    tg_sale_turn(r->sale, r->now, msgs, 1);
    take_answers(r);
}

static tg_err keep_first(void *ctx, const struct tg_import *import)
{
    struct tg_rig *r = ctx;

    if (r->import.id == 0)
        r->import = *import;
    return TG_OK;
}

void tg_rig_look(struct tg_rig *r)
{
    r->import.id = 0;
    assert_int_equal(tg_read_imports(r->db, INT64_MAX, 1, keep_first, r), TG_OK);
}

/* An import that waits for its database: the clock moves on. */
static bool waits(struct tg_rig *r)
{
    tg_us at = tg_sale_deadline(r->sale);

    tg_rig_look(r);
    if (r->import.state != TG_IMPORT_RUNNING && r->import.state != TG_IMPORT_UNDOING)
        return false;
    r->now.wall += at - r->now.mono;
    r->now.mono = at;
    return true;
}

unsigned tg_rig_settle(struct tg_rig *r)
{
    unsigned turns = 0;

    while (tg_sale_deadline(r->sale) <= r->now.mono || waits(r)) {
        tg_sale_turn(r->sale, r->now, NULL, 0);
        take_answers(r);
        assert_true(++turns < 100000);
    }
    return turns;
}

void tg_rig_file(struct tg_rig *r, const void *data, size_t len)
{
    FILE *f = fopen(r->file, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

void tg_rig_import(struct tg_rig *r, uint32_t flags)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT, r->file, strlen(r->file) + 1);

    tg_str_cut(req->key, sizeof(req->key), "auto");
    tg_str_cut(req->text, sizeof(req->text), "feed");
    req->number = flags;
    tg_rig_ask(r, req);
    if (r->status != 202)
        fail_msg("%d %s", r->status, r->text);
    (void)tg_rig_settle(r);
    tg_rig_look(r);
}

void tg_rig_import_text(struct tg_rig *r, const char *text, uint32_t flags)
{
    tg_rig_file(r, text, strlen(text));
    tg_rig_import(r, flags);
}

void tg_rig_undo(struct tg_rig *r, int64_t id)
{
    struct tg_sale_req *req = tg_rig_req(r, TG_SALE_IMPORT_UNDO, NULL, 0);

    req->number = id;
    tg_rig_ask(r, req);
    if (r->status != 202)
        fail_msg("%d %s", r->status, r->text);
    (void)tg_rig_settle(r);
}

/* The export as one text; the caller frees. */
char *tg_rig_export(struct tg_rig *r, enum tg_export_format format)
{
    struct tg_export x = {.format = format, .currency = "NOK"};
    char path[128];
    FILE *f;
    long len;
    char *text;

    tg_str_printf(path, sizeof(path), "%s/out", r->dir);
    f = fopen(path, "w+b");
    assert_non_null(f);
    assert_int_equal(tg_catalog_export(r->db, &x, f), TG_OK);
    len = ftell(f);
    assert_true(len >= 0);
    text = tg_calloc(1, (size_t)len + 1);
    assert_non_null(text);
    rewind(f);
    assert_int_equal(fread(text, 1, (size_t)len, f), (size_t)len);
    assert_int_equal(fclose(f), 0);
    return text;
}

void tg_rig_counts(const struct tg_import *i, int64_t added, int64_t changed, int64_t unchanged,
                   int64_t archived)
{
    if (i->variants.added != added || i->variants.changed != changed ||
        i->variants.unchanged != unchanged || i->variants.archived != archived)
        fail_msg(
            "variants: %lld added, %lld changed, %lld unchanged, %lld archived, %lld faults, %s",
            (long long)i->variants.added, (long long)i->variants.changed,
            (long long)i->variants.unchanged, (long long)i->variants.archived, (long long)i->faults,
            i->reason);
}

static tg_err add_fault(void *ctx, int64_t seq, const struct tg_feed_fault *fault)
{
    (void)seq;
    tg_buf_printf(ctx, "%u %s: %s\n", (unsigned)fault->line, fault->field, fault->reason);
    return TG_OK;
}

void tg_rig_faults(struct tg_rig *r, struct tg_buf *out)
{
    tg_buf_init(out, 8 << 20);
    assert_int_equal(tg_read_import_faults(r->db, r->import.id, 0, 10000, add_fault, out), TG_OK);
}

void tg_rig_make_file(struct tg_rig *r, enum tg_feed_format format, uint64_t seed,
                      uint32_t variants, uint32_t faulty, struct tg_feeds_made *ret)
{
    struct tg_feeds_cfg cfg = {
        .format = format, .seed = seed, .variants = variants, .faulty = faulty};
    struct tg_buf text;

    tg_buf_init(&text, 256 << 20);
    tg_feeds_make(&text, &cfg, ret);
    assert_int_equal(text.err, TG_OK);
    tg_rig_file(r, text.data, text.len);
    tg_buf_done(&text);
}

int tg_rig_on_both(const struct CMUnitTest *tests, size_t count)
{
    int failed = _cmocka_run_group_tests("SQLite", tests, count, NULL, NULL);

    if (!tg_pg_server_start(&tg_rig_postgres))
        return failed + 1;
    failed += _cmocka_run_group_tests("PostgreSQL", tests, count, NULL, NULL);
    tg_pg_server_stop(&tg_rig_postgres);
    return failed;
}
