/*
 * bench_import.c - a file of many variants into the catalogue through the sale's turns, on a real
 * file with fsync, or on a PostgreSQL server of its own: new, again unchanged, exported in each
 * format, undone. Prints seconds, this process's seconds of CPU, and the longest turn.
 *
 *     bench_import [variants] [postgres]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "sale/export.h"
#include "sale/sale.h"
#include "store/catalogue.h"
#include "support/lib/feeds.h"
#include "support/lib/postgres_server.h"

static struct tg_sale *sale;
static struct tg_shop_now now;

static struct tg_sale_req *req_of(enum tg_sale_what what, const char *path)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    TG_ASSERT(req != NULL);
    req->what = what;
    req->http = true;
    req->show = UINT16_MAX;
    req->until_wall_us = -1;
    req->who.roles = TG_ROLE_ADMIN;
    tg_str_cut(req->who.id, sizeof(req->who.id), "bench");
    tg_str_cut(req->key, sizeof(req->key), "auto");
    if (path != NULL)
        req->body = tg_slab_copy(path, strlen(path) + 1);
    return req;
}

static double cpu_s(void)
{
    struct rusage use;

    TG_ASSERT(getrusage(RUSAGE_SELF, &use) == 0);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void run(const char *what, struct tg_sale_req *take_req, struct tg_read_db *db)
{
    tg_us began = tg_clock_mono();
    double cpu = cpu_s();
    tg_us longest = 0;
    void *msgs[1] = {take_req};
    struct tg_import import;
    int64_t id = 0;
    unsigned turns = 0;

    tg_sale_turn(sale, now, msgs, 1);
    while (tg_sale_deadline(sale) <= now.mono) {
        tg_us start = tg_clock_mono();

        now = (struct tg_shop_now){.mono = start, .wall = tg_clock_wall()};
        tg_sale_turn(sale, now, NULL, 0);
        longest = TG_MAX(longest, tg_clock_mono() - start);
        turns++;
    }
    while (tg_read_import(db, id + 1, &import) == TG_OK)
        id++;
    TG_ASSERT(tg_read_import(db, id, &import) == TG_OK);
    printf("%-10s %7.2f s, CPU %6.2f s, %u turns, longest %.1f ms; variants +%lld ~%lld =%lld, "
           "faults %lld\n",
           what, (double)(tg_clock_mono() - began) / 1e6, cpu_s() - cpu, turns,
           (double)longest / 1e3, (long long)import.variants.added,
           (long long)import.variants.changed, (long long)import.variants.unchanged,
           (long long)import.faults);
}

static void export_all(struct tg_read_db *db, const char *path)
{
    static const char *const names[] = {"torg", "google", "shopify", "woocommerce"};

    for (size_t i = 0; i < TG_ARRAY_LEN(names); i++) {
        struct tg_export x = {.format = tg_export_format_parse(names[i]), .currency = "NOK"};
        tg_us began = tg_clock_mono();
        double cpu = cpu_s();
        FILE *f = fopen(path, "wb");

        TG_ASSERT(f != NULL && tg_catalog_export(db, &x, f) == TG_OK);
        printf("%-11s %6.2f s, CPU %6.2f s, %.1f MB\n", names[i],
               (double)(tg_clock_mono() - began) / 1e6, cpu_s() - cpu, (double)ftell(f) / 1e6);
        TG_ASSERT(fclose(f) == 0);
    }
}

int main(int argc, char **argv)
{
    struct tg_feeds_cfg feeds = {.format = TG_FEED_SHOPIFY, .seed = 1, .variants = 100000};
    char dir[] = "/tmp/torg-bench-XXXXXX";
    char path[64];
    char file[64];
    struct tg_db_cfg cfg = {.url = path};
    struct tg_sale_cfg sale_cfg = {.web_count = 0};
    struct tg_store *store = NULL;
    struct tg_registry *registry = NULL;
    struct tg_read_db *db = NULL;
    struct tg_feeds_made made;
    struct tg_buf text;
    char why[256] = "";
    FILE *f;
    int64_t variants;
    struct tg_pg_server server = {.pid = 0};
    char url[512];

    if (argc > 1 && tg_parse_i64(&variants, argv[1], strlen(argv[1]), 1, 200000) == TG_OK)
        feeds.variants = (uint32_t)variants;
    TG_ASSERT(mkdtemp(dir) != NULL);
    tg_str_printf(path, sizeof(path), "%s/shop.db", dir);
    tg_str_printf(file, sizeof(file), "%s/feed", dir);
    tg_buf_init(&text, TG_IMPORT_SIZE_MAX);
    tg_feeds_make(&text, &feeds, &made);
    f = fopen(file, "wb");
    TG_ASSERT(f != NULL && fwrite(text.data, 1, text.len, f) == text.len && fclose(f) == 0);
    printf("%u variants of %u products, %.1f MB of Shopify CSV\n", made.variants, made.products,
           (double)text.len / 1e6);
    tg_buf_done(&text);
    if (argc > 2 && strcmp(argv[2], "postgres") == 0) {
        TG_ASSERT(tg_pg_server_start(&server) && tg_pg_server_url(&server, url, sizeof(url)));
        cfg.url = url;
    }
    TG_ASSERT(tg_store_new(&store, &cfg, why) == TG_OK);
    TG_ASSERT(tg_registry_new(&registry) == TG_OK);
    now = (struct tg_shop_now){.mono = tg_clock_mono(), .wall = tg_clock_wall()};
    sale_cfg.store = store;
    sale_cfg.registry = registry;
    TG_ASSERT(tg_sale_new(&sale, &sale_cfg, now) == TG_OK);
    TG_ASSERT(tg_read_db_new(&db, &cfg, why) == TG_OK);
    run("import", req_of(TG_SALE_IMPORT, file), db);
    run("again", req_of(TG_SALE_IMPORT, file), db);
    export_all(db, file);
    {
        struct tg_sale_req *undo = req_of(TG_SALE_IMPORT_UNDO, NULL);

        undo->number = 1;
        run("undo", undo, db);
    }
    tg_read_db_free(db);
    tg_sale_free(sale);
    tg_registry_free(registry);
    tg_store_free(store);
    if (server.pid != 0)
        tg_pg_server_stop(&server);
    (void)unlink(file);
    (void)unlink(path);
    (void)rmdir(dir);
    return 0;
}
