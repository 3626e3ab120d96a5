/*
 * sim_shop.c - thousands of histories of the shop; support/lib/shop_sim.h says what happens in one.
 *
 *     sim_shop [--seeds N | --seeds A-B | --seed N] [--jobs N] [--engine sqlite|postgres]
 *
 * Without a seed: those of seeds.txt, which failed once, and the first 80. After every death, now
 * and then, and at the end: never oversold, no acknowledged order lost, no request made two orders,
 * nothing paid without being sold, money adds up to the øre, no hold outlives its term, no limit
 * of a show or a person is passed, nobody buys outside of a window or is charged more than they
 * saw, audit clean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "support/lib/shop_sim.h"

enum { SEEDS_DEFAULT = 80, JOBS_MAX = 64, KEPT_MAX = 1000 };

struct task {
    uint64_t first;
    uint64_t last;
    unsigned jobs;
    uint64_t kept[KEPT_MAX]; /* seeds.txt */
    size_t kept_count;
};

/* "12" or "1-10000"; a lone number of --seeds is how many. */
static bool range(struct task *t, const char *text, bool one)
{
    const char *dash = strchr(text, '-');
    size_t len = dash == NULL ? strlen(text) : (size_t)(dash - text);
    int64_t a = 0;
    int64_t b = 0;

    if (tg_parse_i64(&a, text, len, 1, INT64_MAX) != TG_OK)
        return false;
    b = a;
    if (dash != NULL && tg_parse_i64(&b, dash + 1, strlen(dash + 1), a, INT64_MAX) != TG_OK)
        return false;
    t->first = dash == NULL && !one ? 1 : (uint64_t)a;
    t->last = (uint64_t)b;
    t->kept_count = one ? 0 : t->kept_count;
    return true;
}

/* A number a line; what follows "#" says what it found. */
static void read_kept(struct task *t)
{
    FILE *f = fopen(TG_SOURCE_DIR "/tests/sim/seeds.txt", "re");
    char line[256];

    while (f != NULL && t->kept_count < KEPT_MAX && fgets(line, sizeof(line), f) != NULL) {
        int64_t seed = 0;

        if (tg_parse_i64(&seed, line, strcspn(line, " #\r\n"), 1, INT64_MAX) == TG_OK)
            t->kept[t->kept_count++] = (uint64_t)seed;
    }
    if (f != NULL)
        (void)fclose(f);
}

static void run_share(const struct task *t, unsigned job, struct sim_totals *totals)
{
    for (size_t i = job; i < t->kept_count; i += t->jobs)
        sim_run(t->kept[i], totals);
    for (uint64_t seed = t->first + job; seed <= t->last; seed += t->jobs)
        sim_run(seed, totals);
}

/* Every job is a process of its own; false = one of them found something, and has said what. */
static bool run_jobs(const struct task *t, struct sim_totals *totals)
{
    size_t size = t->jobs * sizeof(*totals);
    struct sim_totals *shared =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bool good = shared != MAP_FAILED;
    int status = 0;

    if (!good)
        return false;
    for (unsigned job = 0; job < t->jobs; job++) {
        pid_t pid = fork();

        if (pid == 0) {
            run_share(t, job, &shared[job]);
            _exit(0); /* leaks are looked for in a single process */
        }
        good = good && pid > 0;
    }
    while (wait(&status) > 0)
        good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    for (unsigned job = 0; job < t->jobs; job++) {
        const unsigned long *from = (const unsigned long *)&shared[job];
        unsigned long *to = (unsigned long *)totals;

        for (size_t i = 0; i < sizeof(*totals) / sizeof(*to); i++)
            to[i] += from[i];
    }
    (void)munmap(shared, size);
    return good;
}

static bool all_happened(const struct sim_totals *t)
{
    const unsigned long *counts = (const unsigned long *)t;

    for (size_t i = 0; i < sizeof(*t) / sizeof(*counts); i++)
        if (counts[i] == 0 && (sim_postgres == NULL || &counts[i] != &t->off_clocks))
            return false; /* on PostgreSQL the clocks go right: see shop_sim_pair.c */
    return true;
}

static int report(const struct sim_totals *t)
{
    printf(
        "sim_shop: %lu seeds (%lu with two nodes), %lu orders acknowledged, %lu repeats answered "
        "alike, %lu sold out, %lu bundles, %lu expired, %lu late requests, %lu turns, %lu deaths, "
        "%lu refused "
        "commits: never oversold, nothing lost, the waiting list served in order\n",
        t->seeds, t->pairs, t->orders_acked, t->duplicates, t->sold_out, t->bundles, t->expired,
        t->late, t->turns, t->crashes, t->refusals);
    printf("sim_shop: %lu lines cancelled in part, %lu orders sent, %lu came back, %lu paid back, "
           "%lu paid first, %lu payments too many, %lu of changing recipes: "
           "money adds up, nothing left without it\n",
           t->part_cancelled, t->sent, t->returned, t->refunded, t->first_paid, t->strays,
           t->combos);
    printf(
        "sim_shop: %lu comments bought, %lu undone, %lu staff sales, %lu carts merged, %lu "
        "refused by limits, %lu by windows, %lu bought late that tapped in time, %lu stock rows, "
        "%lu changes of what is sold: no limit passed, nobody charged more than they saw\n",
        t->comments, t->undone, t->staff_sales, t->merged, t->limits, t->windows, t->late_taps,
        t->counted, t->archived);
    printf("sim_shop: %lu batches by a wrong clock, %lu silences, %lu products edited, %lu "
           "imports, %lu changes of prices, %lu short numbers moved, %lu bought by one: two nodes "
           "agree\n",
           t->off_clocks, t->silences, t->edited, t->imports, t->priced, t->moved, t->by_number);
    printf("sim_shop: %lu changes of places, %lu lines from those that open and close, %lu tokens "
           "made, %lu taken away: nothing taken from a closed place, every node knows\n",
           t->places, t->elsewhere, t->tokens, t->revoked);
    /* A simulation in which nothing happens proves nothing. */
    if (t->seeds < 10 || all_happened(t))
        return 0;
    (void)fprintf(stderr, "sim_shop: too little happened\n");
    return 1;
}

/* One server for all jobs; each history has a schema of its own. */
static bool start_server(void)
{
    static struct tg_pg_server server;

    sim_postgres = &server;
    return tg_pg_server_start(&server);
}

int main(int argc, char **argv)
{
    static struct task t = {.first = 1, .last = SEEDS_DEFAULT, .jobs = 1};
    struct sim_totals totals = {0};
    bool good = true;

    read_kept(&t);
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        int64_t jobs = 1;
        bool ok = false;

        if (strcmp(argv[i], "--seed") == 0)
            ok = range(&t, value, true);
        else if (strcmp(argv[i], "--seeds") == 0)
            ok = range(&t, value, false);
        else if (strcmp(argv[i], "--jobs") == 0)
            ok = tg_parse_i64(&jobs, value, strlen(value), 1, JOBS_MAX) == TG_OK;
        else if (strcmp(argv[i], "--engine") == 0)
            ok = strcmp(value, "sqlite") == 0 || (strcmp(value, "postgres") == 0 && start_server());
        if (!ok) {
            (void)fprintf(stderr, "sim_shop [--seeds N | --seeds A-B | --seed N] [--jobs N] "
                                  "[--engine sqlite|postgres]\n");
            return 2;
        }
        if (strcmp(argv[i], "--jobs") == 0)
            t.jobs = (unsigned)jobs;
    }
    tg_log_set_level(TG_LOG_ERROR);
    if (t.jobs > 1) {
        good = run_jobs(&t, &totals);
    } else {
        run_share(&t, 0, &totals);
    }
    if (sim_postgres != NULL)
        tg_pg_server_stop(sim_postgres);
    return good ? report(&totals) : 1;
}
