/*
 * test_link.c - the bad network of the tests does what it says, and the same for the same seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/lib/link.h"

#define MS (tg_us) TG_US_PER_MS
enum { COUNT = 10000 };

/* Pushes COUNT numbered packets, 1 ms apart, and pops all; returns a fingerprint of the output. */
static uint64_t run(struct link *l, const struct link_cfg *cfg, unsigned *ret_inversions)
{
    uint64_t hash = 14695981039346656037U;
    uint32_t last = 0;

    link_init(l, cfg);
    *ret_inversions = 0;
    for (uint32_t i = 0; i < COUNT + 2000; i++) {
        tg_us now = (tg_us)i * MS;
        struct link_packet *p;

        if (i < COUNT)
            link_push(l, now, 7, &i, sizeof(i));
        while ((p = link_pop(l, now)) != NULL) {
            uint32_t n;

            assert_int_equal(p->len, sizeof(n));
            assert_int_equal(p->tag, 7);
            assert_true(p->node.at <= now);
            memcpy(&n, p->bytes, sizeof(n));
            *ret_inversions += n < last;
            last = n;
            hash = (hash ^ n ^ (uint64_t)p->node.at << 20) * 1099511628211U;
            link_packet_free(p);
        }
    }
    assert_int_equal(link_deadline(l), TG_US_NEVER);
    return hash;
}

static void test_link_without_faults_passes_everything_in_order(void **state)
{
    struct link_cfg cfg = {.delay_us = 40 * MS, .jitter_us = 30 * MS, .seed = 5};
    unsigned inversions;
    struct link l;

    (void)state;
    (void)run(&l, &cfg, &inversions);
    assert_int_equal(l.stats.out, COUNT);
    assert_int_equal(inversions, 0);
    link_done(&l);
}

static void test_link_loses_duplicates_and_reorders_as_told(void **state)
{
    struct link_cfg cfg = {.loss = 0.1, .dup = 0.05, .reorder = 0.02, .seed = 9};
    unsigned inversions;
    struct link l;

    (void)state;
    (void)run(&l, &cfg, &inversions);
    assert_in_range(l.stats.lost, COUNT * 9 / 100, COUNT * 11 / 100);
    assert_in_range(l.stats.duplicated, COUNT * 35 / 1000, COUNT * 55 / 1000);
    assert_in_range(inversions, COUNT * 14 / 1000, COUNT * 22 / 1000);
    assert_int_equal(l.stats.out, COUNT - l.stats.lost + l.stats.duplicated);
    link_done(&l);
}

static void test_link_same_seed_same_faults(void **state)
{
    struct link_cfg cfg = {.loss = 0.1, .dup = 0.1, .reorder = 0.1, .jitter_us = 9 * MS, .seed = 1};
    unsigned inversions;
    struct link l;
    uint64_t first;

    (void)state;
    first = run(&l, &cfg, &inversions);
    link_done(&l);
    assert_true(run(&l, &cfg, &inversions) == first);
    link_done(&l);
    cfg.seed = 2;
    assert_true(run(&l, &cfg, &inversions) != first);
    link_done(&l);
}

static void test_link_rate_limit_queues_then_drops(void **state)
{
    struct link_cfg cfg = {.rate_kbit = 800, .seed = 1}; /* 1,000 bytes take 10 ms */
    uint8_t bytes[1000] = {0};
    struct link_packet *p;
    struct link l;

    (void)state;
    link_init(&l, &cfg);
    for (unsigned i = 0; i < 100; i++)
        link_push(&l, 0, 0, bytes, sizeof(bytes));
    assert_int_equal(l.stats.queue_drops, 100 - 51); /* half a second of queue */
    assert_null(link_pop(&l, 9 * MS));
    p = link_pop(&l, 10 * MS);
    assert_non_null(p);
    link_packet_free(p);
    assert_null(link_pop(&l, 19 * MS));
    link_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_without_faults_passes_everything_in_order),
        cmocka_unit_test(test_link_loses_duplicates_and_reorders_as_told),
        cmocka_unit_test(test_link_same_seed_same_faults),
        cmocka_unit_test(test_link_rate_limit_queues_then_drops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
