/*
 * test_rtc_handshakes.c - the queue of joins' datagrams, with a clock of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "net/rtc_handshakes.h"

static tg_us fake_now;

static tg_us fake_clock(void)
{
    return fake_now;
}

struct taker {
    struct tg_rtc_handshakes *q;
    tg_us cost_us;
    char seen[64];
    const void *last_owner;
    bool put_again;
    const void *forget;
};

static void take(void *ctx, void *owner, const struct tg_addr *from, uint8_t *bytes, size_t len)
{
    struct taker *t = ctx;

    assert_int_equal(from->port, 7);
    assert_int_equal(len, 1);
    strncat(t->seen, (const char *)bytes, 1);
    t->last_owner = owner;
    fake_now += t->cost_us;
    if (t->forget != NULL)
        tg_rtc_handshakes_forget(t->q, t->forget);
    if (t->put_again) {
        t->put_again = false;
        assert_true(tg_rtc_handshakes_put(t->q, owner, from, (const uint8_t *)"+", 1) ||
                    tg_rtc_handshakes_count(t->q) == 4);
    }
    assert_int_equal(strlen(t->seen) > 0 && bytes[0] == (uint8_t)t->seen[strlen(t->seen) - 1], 1);
}

static const struct tg_addr from = {.port = 7};
static int owner_a;
static int owner_b;

static bool put(struct taker *t, void *owner, const char *text)
{
    return tg_rtc_handshakes_put(t->q, owner, &from, (const uint8_t *)text, 1);
}

static size_t run(struct taker *t, tg_us budget_us)
{
    return tg_rtc_handshakes_run(t->q, fake_clock, budget_us, take, t);
}

static struct taker taker_of(size_t capacity)
{
    struct taker t = {0};

    assert_int_equal(tg_rtc_handshakes_new(&t.q, capacity), TG_OK);
    return t;
}

static void test_run_stops_when_the_budget_is_used_up(void **state)
{
    struct taker t = taker_of(8);

    (void)state;
    for (const char *c = "abcdefgh"; *c != '\0'; c++)
        assert_true(put(&t, &owner_a, c));
    t.cost_us = 700;
    assert_int_equal(run(&t, 2000), 3); /* 2100 us */
    assert_string_equal(t.seen, "abc");
    t.cost_us = 5000;
    assert_int_equal(run(&t, 2000), 1); /* one goes in any case, or none ever would */
    t.cost_us = 0;
    assert_int_equal(run(&t, 2000), 4);
    assert_string_equal(t.seen, "abcdefgh");
    assert_int_equal(run(&t, 2000), 0);
    tg_rtc_handshakes_free(t.q);
}

static void test_full_refuses_and_wraps_round(void **state)
{
    struct taker t = taker_of(4);
    uint8_t big[TG_UDP_PACKET_MAX + 1] = {0};

    (void)state;
    t.cost_us = 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            assert_true(put(&t, &owner_a, &"abcd"[i]));
        assert_false(put(&t, &owner_a, "x"));
        t.put_again = true; /* while all are taken: must not write over what is being read */
        assert_int_equal(run(&t, 3), 3);
        assert_int_equal(tg_rtc_handshakes_count(t.q), 1);
        assert_int_equal(run(&t, 1), 1);
    }
    assert_string_equal(t.seen, "abcdabcdabcd");
    assert_false(tg_rtc_handshakes_put(t.q, &owner_a, &from, big, sizeof(big)));
    tg_rtc_handshakes_free(t.q);
}

static void test_forgotten_owners_are_skipped_also_during_a_run(void **state)
{
    struct taker t = taker_of(8);

    (void)state;
    assert_true(put(&t, &owner_a, "a"));
    assert_true(put(&t, &owner_b, "b"));
    assert_true(put(&t, &owner_a, "c"));
    tg_rtc_handshakes_forget(t.q, &owner_b);
    t.forget = &owner_a; /* by the first one's own call */
    assert_int_equal(run(&t, 1000), 1);
    assert_string_equal(t.seen, "a");
    assert_int_equal(tg_rtc_handshakes_count(t.q), 0);
    tg_rtc_handshakes_free(t.q);
}

static void test_new_reports_memory_and_limits(void **state)
{
    struct tg_rtc_handshakes *q = NULL;

    (void)state;
    assert_int_equal(tg_rtc_handshakes_new(&q, 0), TG_ERR_LIMIT);
    assert_int_equal(tg_rtc_handshakes_new(&q, SIZE_MAX / 2), TG_ERR_LIMIT);
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_rtc_handshakes_new(&q, 4), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    tg_rtc_handshakes_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_stops_when_the_budget_is_used_up),
        cmocka_unit_test(test_full_refuses_and_wraps_round),
        cmocka_unit_test(test_forgotten_owners_are_skipped_also_during_a_run),
        cmocka_unit_test(test_new_reports_memory_and_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
