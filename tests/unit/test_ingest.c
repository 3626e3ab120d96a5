/*
 * test_ingest.c - stream keys and the memory of wrong ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/failures.h"
#include "ingest/stream_key.h"

#define KEY "tg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SECOND (tg_us) TG_US_PER_S

static void expect_key(const char *text, const char *show, const char *key)
{
    struct tg_stream_key parsed;

    assert_int_equal(tg_stream_key_parse(&parsed, text), TG_OK);
    assert_string_equal(parsed.show, show);
    assert_string_equal(parsed.key, key);
}

static void test_stream_key_forms(void **state)
{
    (void)state;
    expect_key("demo?key=" KEY, "demo", KEY);
    expect_key(" /demo?a=b&key=" KEY "&c=d \n", "demo", KEY);
    expect_key(KEY, "", KEY);
    expect_key("demo", "demo", "");
    expect_key("demo?keys=x", "demo", "");
    expect_key("", "", "");
}

static void test_stream_key_bad_ones(void **state)
{
    struct tg_stream_key parsed;
    char longest[200];

    (void)state;
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(tg_stream_key_parse(&parsed, longest), TG_ERR_LIMIT);
    assert_int_equal(tg_stream_key_parse(&parsed, KEY KEY), TG_ERR_LIMIT);
    assert_int_equal(tg_stream_key_parse(&parsed, "Demo?key=" KEY), TG_ERR_MALFORMED);
    assert_int_equal(tg_stream_key_parse(&parsed, "demo?key=tg_%20"), TG_ERR_MALFORMED);
    assert_int_equal(tg_stream_key_parse(&parsed, "de/mo?key=" KEY), TG_ERR_MALFORMED);
}

static void test_failures_block_one_address_for_a_minute(void **state)
{
    struct tg_addr bad = tg_addr_v4(192, 0, 2, 1, 1000);
    struct tg_addr good = tg_addr_v4(192, 0, 2, 2, 1000);
    static struct tg_failures f;

    (void)state;
    tg_failures_init(&f);
    for (unsigned i = 0; i < TG_RTMP_FAILURES_MAX; i++) {
        assert_false(tg_failures_blocked(&f, &bad, SECOND));
        bad.port++;
        tg_failures_note(&f, &bad, SECOND);
    }
    assert_true(tg_failures_blocked(&f, &bad, 30 * SECOND));
    assert_false(tg_failures_blocked(&f, &good, 30 * SECOND));
    assert_false(tg_failures_blocked(&f, &bad, 62 * SECOND));
    tg_failures_note(&f, &bad, 62 * SECOND); /* begins to count anew */
    assert_false(tg_failures_blocked(&f, &bad, 62 * SECOND));
}

static void test_failures_of_one_v6_network_count_together(void **state)
{
    struct tg_addr a = {.ip = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1}};
    static struct tg_failures f;

    (void)state;
    tg_failures_init(&f);
    for (unsigned i = 0; i < TG_RTMP_FAILURES_MAX; i++) {
        a.ip[15] = (uint8_t)i;
        tg_failures_note(&f, &a, SECOND);
    }
    a.ip[15] = 99;
    assert_true(tg_failures_blocked(&f, &a, SECOND));
    a.ip[7] = 2;
    assert_false(tg_failures_blocked(&f, &a, SECOND));
}

static void test_failures_table_forgets_the_oldest(void **state)
{
    static struct tg_failures f;

    (void)state;
    tg_failures_init(&f);
    for (unsigned n = 0; n < TG_RTMP_FAILURES_MAX; n++)
        for (unsigned i = 0; i <= TG_RTMP_FAILURE_ADDRS; i++) {
            struct tg_addr a = tg_addr_v4(10, 0, (uint8_t)(i >> 8), (uint8_t)i, 1);

            /* the last address comes only in the last round and pushes out the first */
            if (i < TG_RTMP_FAILURE_ADDRS || n == TG_RTMP_FAILURES_MAX - 1)
                tg_failures_note(&f, &a, SECOND + (tg_us)i);
        }
    {
        struct tg_addr first = tg_addr_v4(10, 0, 0, 0, 1);
        struct tg_addr next = tg_addr_v4(10, 0, 0, 1, 1);

        assert_false(tg_failures_blocked(&f, &first, 2 * SECOND));
        assert_true(tg_failures_blocked(&f, &next, 2 * SECOND));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_key_forms),
        cmocka_unit_test(test_stream_key_bad_ones),
        cmocka_unit_test(test_failures_block_one_address_for_a_minute),
        cmocka_unit_test(test_failures_of_one_v6_network_count_together),
        cmocka_unit_test(test_failures_table_forgets_the_oldest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
