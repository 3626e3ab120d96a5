/*
 * bench_sale.c - how fast the real sale thread decides and commits on the real database with fsync.
 *
 *     bench_sale [--intents N] [--runs N] [--dir DIR] [--engine sqlite|postgres]
 *
 * Three loads as in the peers' table: "500" one SKU with 500 units, "all" every intent sells,
 * "skus" 1,000 SKUs that all sell. Intents are posted at once; the time is from the first post to
 * the last answer. Then one load paced at 25,000 intents/s (PostgreSQL: 5,000) for the answer
 * times. Median and spread of the runs. PostgreSQL is a server of its own, with fsync, on a Unix
 * socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale.h"
#include "support/lib/postgres_server.h"

enum { RUNS_MAX = 25, MANY_SKUS = 1000, PACE_PER_S = 25000, PACE_POSTGRES = 5000 };

struct bench {
    char dir[128];
    char path[160];
    char url[256];                 /* the path, or a new schema of the server's */
    struct tg_pg_server *postgres; /* NULL = SQLite */
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *web;
    struct tg_sale *sale;
    size_t intents;
    tg_us *sent; /* by slot */
    tg_us *took;
    size_t answered;
    size_t sold;
    tg_us cpu; /* of the last burst */
};

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "bench_sale: %s failed (line %d)\n", #cond, __LINE__);                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void import(struct bench *b, int skus, int32_t units)
{
    struct tg_variant *v = tg_calloc((size_t)skus, sizeof(*v));
    struct tg_product_import product = {.product = {.id = "p", .number = 1, .title = "Thing"},
                                        .variants = v,
                                        .variant_count = (size_t)skus};

    MUST(v != NULL);
    for (int i = 0; i < skus; i++) {
        v[i] = (struct tg_variant){.price = 100,
                                   .compare_at = -1,
                                   .cost = 50,
                                   .flash = -1,
                                   .flash_until_wall = -1,
                                   .stock = {.on_hand = units},
                                   .options = "{}"};
        tg_str_printf(v[i].sku, sizeof(v[i].sku), "SKU-%d", i);
    }
    MUST(b->store->ops->begin(b->store) == TG_OK);
    MUST(b->store->ops->write_product(b->store, &product, 1, "bench") == TG_OK);
    MUST(b->store->ops->commit(b->store) == TG_OK);
    tg_free(v);
}

static void files_gone(const struct bench *b)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[200];

    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s%s", b->path, tails[i]);
        (void)unlink(path); /* some of them may not exist */
    }
}

static void setup(struct bench *b, int skus, int32_t units)
{
    struct tg_db_cfg store = {.url = b->url};
    struct tg_sale_cfg cfg = {.web = &b->web, .web_count = 1, .allow_sandbox = true};
    struct tg_shop_now now = {.mono = tg_clock_mono(), .wall = tg_clock_wall()};
    char why[256];

    files_gone(b);
    if (b->postgres != NULL)
        MUST(tg_pg_server_url(b->postgres, b->url, sizeof(b->url)));
    MUST(tg_store_new(&b->store, &store, why) == TG_OK);
    import(b, skus, units);
    MUST(tg_registry_new(&b->registry) == TG_OK);
    MUST(tg_mailbox_new(&b->web, TG_MB_WEB, tg_msg_free) == TG_OK);
    cfg.store = b->store;
    cfg.registry = b->registry;
    MUST(tg_sale_new(&b->sale, &cfg, now) == TG_OK);
    b->answered = 0;
    b->sold = 0;
}

static void teardown(struct bench *b)
{
    tg_sale_stop(b->sale);
    tg_sale_free(b->sale);
    tg_registry_free(b->registry);
    tg_store_free(b->store);
    tg_mailbox_free(b->web);
    files_gone(b);
}

static struct tg_sale_req *intent(struct bench *b, size_t i, int skus)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    MUST(req != NULL);
    req->what = TG_SALE_OP;
    req->conn = (struct tg_conn){.mb = b->web, .slot = (uint32_t)i};
    req->show = 1;
    req->who.roles = TG_ROLE_VIEWER;
    tg_str_printf(req->who.id, sizeof(req->who.id), "p%zu", i % 5000);
    tg_str_printf(req->who.name, sizeof(req->who.name), "Buyer %zu", i % 5000);
    req->op.kind = TG_OP_BUY;
    tg_str_printf(req->op.id, sizeof(req->op.id), "b%zu", i);
    tg_str_printf(req->op.u.line.sku, sizeof(req->op.u.line.sku), "SKU-%zu", i % (size_t)skus);
    req->op.u.line.qty = 1;
    req->op.u.line.price = 100;
    return req;
}

static void collect(struct bench *b)
{
    void *msgs[256];
    size_t count;

    while ((count = tg_mailbox_take(b->web, msgs, TG_ARRAY_LEN(msgs))) > 0) {
        tg_us now = tg_clock_mono();

        for (size_t i = 0; i < count; i++) {
            const struct tg_web_send *send = msgs[i];

            if (send->head.kind == TG_MSG_WEB_SEND) {
                b->took[send->conn.slot] = now - b->sent[send->conn.slot];
                b->answered++;
                b->sold += memmem(send->json->data, send->json->len, "\"ok\":true", 9) != NULL;
            }
            tg_msg_free(msgs[i]);
        }
    }
}

/* Of all threads of this process: less at the mercy of what else the machine does than the clock.
 */
static tg_us cpu_us(void)
{
    struct timespec ts = {0};

    MUST(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
    return (tg_us)ts.tv_sec * TG_US_PER_S + ts.tv_nsec / 1000;
}

/* Microseconds from the first post to the last answer. */
static tg_us burst(struct bench *b, int skus, int32_t units)
{
    void **reqs = tg_calloc(b->intents, sizeof(void *));
    tg_us start;
    tg_us took;
    tg_us cpu;

    setup(b, skus, units);
    MUST(reqs != NULL);
    for (size_t i = 0; i < b->intents; i++)
        reqs[i] = intent(b, i, skus);
    MUST(tg_sale_start(b->sale) == TG_OK);
    cpu = cpu_us();
    start = tg_clock_mono();
    for (size_t i = 0; i < b->intents; i++) {
        b->sent[i] = tg_clock_mono();
        MUST(tg_mailbox_post(tg_sale_mailbox(b->sale), reqs[i]) == TG_OK);
    }
    while (b->answered < b->intents) {
        tg_mailbox_wait(b->web, TG_US_PER_S);
        collect(b);
    }
    took = tg_clock_mono() - start;
    b->cpu = cpu_us() - cpu;
    tg_free(reqs);
    teardown(b);
    return took;
}

static int by_value(const void *a, const void *b)
{
    tg_us x = *(const tg_us *)a;
    tg_us y = *(const tg_us *)b;

    return (x > y) - (x < y);
}

static void row(struct bench *b, const char *name, int skus, int32_t units, int runs)
{
    tg_us took[RUNS_MAX];
    size_t sold = 0;

    for (int i = 0; i < runs; i++) {
        took[i] = burst(b, skus, units);
        sold = b->sold;
        MUST(sold == TG_MIN(b->intents, (size_t)units)); /* a refusal is cheaper than an order */
    }
    qsort(took, (size_t)runs, sizeof(took[0]), by_value);
    printf("%-5s %7zu intents %7zu sold   median %8.0f/s   slowest %8.0f/s   fastest %8.0f/s   "
           "%5.1f us CPU each\n",
           name, b->intents, sold, 1e6 * (double)b->intents / (double)took[runs / 2],
           1e6 * (double)b->intents / (double)took[runs - 1],
           1e6 * (double)b->intents / (double)took[0], (double)b->cpu / (double)b->intents);
}

static void paced(struct bench *b)
{
    const tg_us pace = b->postgres == NULL ? PACE_PER_S : PACE_POSTGRES;
    tg_us start;

    setup(b, MANY_SKUS, 1000000);
    MUST(tg_sale_start(b->sale) == TG_OK);
    start = tg_clock_mono();
    for (size_t i = 0; i < b->intents; i++) {
        tg_us due = start + (tg_us)i * TG_US_PER_S / pace;

        while (tg_clock_mono() < due) {
            tg_mailbox_wait(b->web, due - tg_clock_mono());
            collect(b);
        }
        b->sent[i] = tg_clock_mono();
        MUST(tg_mailbox_post(tg_sale_mailbox(b->sale), intent(b, i, MANY_SKUS)) == TG_OK);
    }
    while (b->answered < b->intents) {
        tg_mailbox_wait(b->web, TG_US_PER_S);
        collect(b);
    }
    teardown(b);
    MUST(b->sold == b->intents);
    qsort(b->took, b->intents, sizeof(b->took[0]), by_value);
    printf("paced %7d/s, all sell: answer p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", (int)pace,
           (double)b->took[b->intents / 2] / 1e3, (double)b->took[b->intents * 99 / 100] / 1e3,
           (double)b->took[b->intents - 1] / 1e3);
}

int main(int argc, char **argv)
{
    struct bench b = {.intents = 50000};
    struct utsname host;
    struct tg_pg_server server;
    const char *dir = "/var/tmp";
    int64_t value;
    int runs = 5;

    tg_log_set_level(TG_LOG_ERROR);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--dir") == 0)
            dir = argv[i + 1];
        else if (strcmp(argv[i], "--engine") == 0)
            b.postgres = strcmp(argv[i + 1], "postgres") == 0 ? &server : NULL;
        else if (tg_parse_i64(&value, argv[i + 1], strlen(argv[i + 1]), 1, TG_MB_SALE) != TG_OK)
            return 2;
        else if (strcmp(argv[i], "--intents") == 0)
            b.intents = (size_t)value;
        else if (strcmp(argv[i], "--runs") == 0)
            runs = (int)TG_MIN(value, (int64_t)RUNS_MAX);
    }
    MUST(snprintf(b.dir, sizeof(b.dir), "%s/torg-bench-XXXXXX", dir) < (int)sizeof(b.dir));
    MUST(mkdtemp(b.dir) != NULL);
    tg_str_printf(b.path, sizeof(b.path), "%s/shop.db", b.dir);
    tg_str_cut(b.url, sizeof(b.url), b.path);
    if (b.postgres != NULL)
        MUST(tg_pg_server_start(b.postgres));
    b.sent = tg_calloc(b.intents, sizeof(*b.sent));
    b.took = tg_calloc(b.intents, sizeof(*b.took));
    MUST(b.sent != NULL && b.took != NULL && uname(&host) == 0);
    printf("bench_sale: %s, %s %s, %ld processors, %d runs\n",
           b.postgres == NULL ? "SQLite" : "PostgreSQL", host.machine, host.release,
           sysconf(_SC_NPROCESSORS_ONLN), runs);
    row(&b, "500", 1, 500, runs);
    row(&b, "all", 1, 1000000, runs);
    row(&b, "skus", MANY_SKUS, 1000000, runs);
    paced(&b);
    if (b.postgres != NULL)
        tg_pg_server_stop(b.postgres);
    (void)rmdir(b.dir);
    tg_free(b.sent);
    tg_free(b.took);
    return 0;
}
