/*
 * test_base.c - the foundations: bytes, buffers, JSON, text, maps, heaps, rings, mailboxes.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/map.h"
#include "base/ring.h"
#include "base/seq.h"
#include "base/slab.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/uuid.h"

static void test_rd_past_end_yields_zero_and_sticks(void **state)
{
    const uint8_t bytes[] = {1, 2, 3};
    struct tg_rd r = tg_rd(bytes, sizeof(bytes));

    (void)state;
    assert_int_equal(tg_rd_u16(&r), 0x0102);
    assert_false(r.bad);
    assert_int_equal(tg_rd_u16(&r), 0);
    assert_true(r.bad);
    assert_int_equal(tg_rd_u8(&r), 0); /* the third byte is not given out after a failure */
}

static void test_wr_past_end_drops_and_sticks(void **state)
{
    uint8_t out[3] = {0};
    struct tg_wr w = tg_wr(out, sizeof(out));

    (void)state;
    tg_wr_u16(&w, 0x0a0b);
    tg_wr_u16(&w, 0x0c0d);
    assert_true(w.bad);
    assert_int_equal(tg_wr_len(&w), 2);
    assert_int_equal(out[2], 0);
}

static void test_rd_wr_round_trip(void **state)
{
    uint8_t out[32];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct tg_rd r;

    (void)state;
    tg_wr_u8(&w, 0xfe);
    tg_wr_u24(&w, 0x123456);
    tg_wr_u32(&w, 0xdeadbeef);
    tg_wr_u32le(&w, 0x01020304);
    tg_wr_u64(&w, UINT64_C(0x1122334455667788));
    tg_wr_patch_u16(&w, 0, 0xabcd);
    assert_false(w.bad);
    r = tg_rd(out, tg_wr_len(&w));
    assert_int_equal(tg_rd_u16(&r), 0xabcd);
    tg_rd_skip(&r, 2);
    assert_int_equal(tg_rd_u32(&r), 0xdeadbeef);
    assert_int_equal(tg_rd_u32le(&r), 0x01020304);
    assert_true(tg_rd_u64(&r) == UINT64_C(0x1122334455667788));
    assert_false(r.bad);
    assert_int_equal(tg_rd_left(&r), 0);
}

static void test_buf_beyond_max_keeps_what_was_there(void **state)
{
    struct tg_buf b;

    (void)state;
    tg_buf_init(&b, 8);
    tg_buf_add_str(&b, "12345");
    tg_buf_add_str(&b, "6789");
    assert_int_equal(b.err, TG_ERR_LIMIT);
    assert_string_equal(tg_buf_cstr(&b), "12345");
    tg_buf_clear(&b);
    tg_buf_printf(&b, "%s", "12345678");
    assert_int_equal(b.err, TG_OK);
    tg_buf_consume(&b, 6);
    assert_string_equal(tg_buf_cstr(&b), "78");
    tg_buf_done(&b);
}

static void test_json_out_escapes_and_separates(void **state)
{
    struct tg_buf b;
    struct tg_jo j;

    (void)state;
    tg_buf_init(&b, 1024);
    j = tg_jo(&b);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "a", "q\"\\\n\x01<\xc3\xa6\xe2\x80\xa9\xff");
    tg_jo_arr(&j, "l");
    tg_jo_int(&j, NULL, -5);
    tg_jo_bool(&j, NULL, true);
    tg_jo_str(&j, NULL, NULL);
    tg_jo_end_arr(&j);
    tg_jo_obj(&j, "o");
    tg_jo_end_obj(&j);
    tg_jo_end_obj(&j);
    assert_int_equal(b.err, TG_OK);
    assert_string_equal(tg_buf_cstr(&b),
                        "{\"a\":\"q\\\"\\\\\\n\\u0001\\u003c\xc3\xa6\\u2029\\ufffd\","
                        "\"l\":[-5,true,null],\"o\":{}}");
    tg_buf_done(&b);
}

static void test_str_numbers_at_their_edges(void **state)
{
    int64_t v = 7;

    (void)state;
    assert_int_equal(tg_parse_i64(&v, "-9223372036854775808", 20, INT64_MIN, INT64_MAX), TG_OK);
    assert_true(v == INT64_MIN);
    assert_int_equal(tg_parse_i64(&v, "9223372036854775808", 19, INT64_MIN, INT64_MAX),
                     TG_ERR_LIMIT);
    assert_int_equal(tg_parse_i64(&v, "12x", 3, 0, 100), TG_ERR_MALFORMED);
    assert_int_equal(tg_parse_i64(&v, "-", 1, -5, 100), TG_ERR_MALFORMED);
    assert_int_equal(tg_parse_i64(&v, "101", 3, 0, 100), TG_ERR_LIMIT);
    assert_true(v == INT64_MIN);
}

static void test_str_utf8_rejects_what_is_not(void **state)
{
    (void)state;
    assert_int_equal(tg_utf8_len("\xc0\x80", 2), 0);         /* overlong NUL */
    assert_int_equal(tg_utf8_len("\xed\xa0\x80", 3), 0);     /* surrogate */
    assert_int_equal(tg_utf8_len("\xf4\x90\x80\x80", 4), 0); /* beyond U+10FFFF */
    assert_int_equal(tg_utf8_len("\xe2\x82", 2), 0);         /* cut short */
    assert_int_equal(tg_utf8_chars("\xc3\xb8\xf0\x9f\x9b\x92", 6), 2);
    assert_true(tg_utf8_chars("a\0b", 3) == SIZE_MAX);
    assert_false(tg_utf8_printable("a\x1b", 2));
    assert_false(tg_utf8_printable("\xc2\x85", 2));
}

static void test_b64url_round_trip_and_refusals(void **state)
{
    uint8_t data[32];
    uint8_t back[32];
    char text[64];
    size_t len = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 37 + 200);
    for (size_t n = 0; n <= sizeof(data); n++) {
        tg_b64url_encode(text, sizeof(text), data, n);
        assert_int_equal(tg_b64url_decode(back, sizeof(back), &len, text, strlen(text)), TG_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, data, n);
    }
    assert_int_equal(strlen(text), TG_B64_32_BYTES);
    assert_int_equal(tg_b64url_decode(back, 2, &len, "AAAA", 4), TG_ERR_LIMIT);
    assert_int_equal(tg_b64url_decode(back, 32, &len, "A+AA", 4), TG_ERR_MALFORMED);
    assert_int_equal(tg_b64url_decode(back, 32, &len, "AAAAA", 5), TG_ERR_MALFORMED);
    assert_int_equal(tg_b64url_decode(back, 32, &len, "AB", 2), TG_ERR_MALFORMED); /* stray bits */
}

static void test_seq_compares_across_the_wrap(void **state)
{
    (void)state;
    assert_true(tg_seq_newer(0, 65535));
    assert_false(tg_seq_newer(65535, 0));
    assert_int_equal(tg_seq_diff(5, 65530), 11);
    assert_true(tg_seq_unwrap(65535, 0) == 65536);
    assert_true(tg_seq_unwrap(65536, 65535) == 65535);
    assert_true(tg_seq_unwrap(3, 65535) == 65535);
}

static void test_map_keeps_all_through_growth_and_deletion(void **state)
{
    static char keys[500][8];
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_map map;

    (void)state;
    tg_map_init(&map, &rng);
    for (int i = 0; i < 500; i++) {
        tg_str_printf(keys[i], sizeof(keys[i]), "k%d", i);
        assert_int_equal(tg_map_put(&map, keys[i], strlen(keys[i]), keys[i]), TG_OK);
    }
    assert_int_equal(tg_map_put(&map, "k7", 2, keys[7]), TG_ERR_CONFLICT);
    for (int i = 0; i < 500; i += 2)
        assert_ptr_equal(tg_map_del(&map, keys[i], strlen(keys[i])), keys[i]);
    for (int i = 0; i < 500; i++)
        assert_ptr_equal(tg_map_get_str(&map, keys[i]), i % 2 == 0 ? NULL : keys[i]);
    assert_int_equal(map.count, 250);
    tg_map_done(&map);
}

static void test_heap_gives_deadlines_in_order(void **state)
{
    struct tg_rng rng = tg_rng_seeded(2);
    struct tg_heap heap = {0};
    struct tg_heap_node nodes[200] = {0};
    tg_us last = 0;
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(tg_heap_set(&heap, &nodes[i], (tg_us)tg_rng_below(&rng, 1000)), TG_OK);
    for (size_t i = 0; i < 200; i += 3)
        assert_int_equal(tg_heap_set(&heap, &nodes[i], (tg_us)tg_rng_below(&rng, 1000)), TG_OK);
    for (size_t i = 0; i < 200; i += 5)
        tg_heap_remove(&heap, &nodes[i]);
    assert_null(tg_heap_pop_due(&heap, -1));
    for (struct tg_heap_node *n; (n = tg_heap_pop_due(&heap, 1000)) != NULL; seen++) {
        assert_true(n->at >= last);
        last = n->at;
    }
    assert_int_equal(seen, 160);
    assert_true(tg_heap_deadline(&heap) == TG_US_NEVER);
    tg_heap_done(&heap);
}

enum { RACE_ITEMS = 20000 };

static void push_numbers(void *ctx)
{
    for (uintptr_t i = 1; i <= RACE_ITEMS;)
        if (tg_ring_push(ctx, (void *)i))
            i++;
}

static void test_ring_between_two_threads_keeps_order(void **state)
{
    struct tg_ring *ring;
    struct tg_thread *thread;
    uintptr_t expect = 1;

    (void)state;
    assert_int_equal(tg_ring_new(&ring, 3), TG_ERR_LIMIT);
    assert_int_equal(tg_ring_new(&ring, 64), TG_OK);
    assert_int_equal(tg_thread_start(&thread, "producer", push_numbers, ring), TG_OK);
    while (expect <= RACE_ITEMS) {
        void *item = tg_ring_pop(ring);

        if (item == NULL)
            continue;
        assert_int_equal((uintptr_t)item, expect);
        expect++;
    }
    tg_thread_join(thread);
    tg_ring_free(ring);
}

static void post_numbers(void *ctx)
{
    for (int i = 0; i < 1000; i++) {
        int *msg = tg_calloc(1, sizeof(*msg));

        TG_ASSERT(msg != NULL);
        *msg = i;
        TG_ASSERT(tg_mailbox_post(ctx, msg) == TG_OK);
    }
}

static void test_mailbox_from_two_threads_loses_nothing(void **state)
{
    struct tg_mailbox *mb;
    struct tg_thread *threads[2];
    void *got[64];
    size_t total = 0;

    (void)state;
    assert_int_equal(tg_mailbox_new(&mb, 4096, tg_free), TG_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tg_thread_start(&threads[i], "poster", post_numbers, mb), TG_OK);
    while (total < 2000) {
        size_t n;

        tg_mailbox_wait(mb, TG_US_NEVER);
        n = tg_mailbox_take(mb, got, TG_ARRAY_LEN(got));
        for (size_t i = 0; i < n; i++)
            tg_free(got[i]);
        total += n;
    }
    for (int i = 0; i < 2; i++)
        tg_thread_join(threads[i]);
    tg_mailbox_free(mb);
}

static void test_mailbox_full_and_closed_push_back(void **state)
{
    struct tg_mailbox *mb;

    (void)state;
    assert_int_equal(tg_mailbox_new(&mb, 1, tg_free), TG_OK);
    assert_int_equal(tg_mailbox_post(mb, tg_calloc(1, 1)), TG_OK);
    assert_int_equal(tg_mailbox_post(mb, tg_calloc(1, 1)), TG_ERR_LIMIT);
    assert_int_equal(tg_mailbox_post_reply(mb, tg_calloc(1, 1)), TG_OK);
    tg_mailbox_close(mb);
    assert_int_equal(tg_mailbox_post(mb, tg_calloc(1, 1)), TG_ERR_CLOSED);
    assert_false(tg_mailbox_ended(mb));
    tg_mailbox_free(mb); /* frees the two that nobody took */
}

static void test_mailbox_quiet_posts_wake_once_and_are_bounded(void **state)
{
    struct tg_mailbox *mb;
    struct pollfd pfd;
    void *got[4];

    (void)state;
    assert_int_equal(tg_mailbox_new(&mb, 2, tg_free), TG_OK);
    pfd = (struct pollfd){.fd = tg_mailbox_fd(mb), .events = POLLIN};
    assert_int_equal(tg_mailbox_post_quiet(mb, tg_calloc(1, 8)), TG_OK);
    assert_int_equal(tg_mailbox_post_quiet(mb, tg_calloc(1, 8)), TG_OK);
    assert_int_equal(tg_mailbox_post_quiet(mb, tg_calloc(1, 8)), TG_ERR_LIMIT);
    assert_int_equal(poll(&pfd, 1, 0), 0);
    tg_mailbox_wake(mb);
    assert_int_equal(poll(&pfd, 1, 0), 1);
    assert_int_equal(tg_mailbox_take(mb, got, 1), 1);
    tg_free(got[0]);
    assert_int_equal(poll(&pfd, 1, 0), 1); /* one is left */
    assert_int_equal(tg_mailbox_take(mb, got, 4), 1);
    tg_free(got[0]);
    assert_int_equal(poll(&pfd, 1, 0), 0);
    tg_mailbox_wake(mb); /* nothing waits */
    assert_int_equal(poll(&pfd, 1, 0), 0);
    tg_mailbox_free(mb);
}

static void test_uuid7_sorts_by_time(void **state)
{
    struct tg_rng rng = tg_rng_seeded(3);
    char a[TG_UUID_SIZE];
    char b[TG_UUID_SIZE];

    (void)state;
    tg_uuid7(a, INT64_C(1700000000000000), &rng);
    tg_uuid7(b, INT64_C(1700000000001000), &rng);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '7');
    assert_non_null(strchr("89ab", a[19]));
    assert_true(strcmp(a, b) < 0);
    assert_memory_equal(a, "018bcfe5-6800-7", 15); /* 1700000000000 ms */
    for (size_t i = 0; i < 36; i++)
        assert_int_equal(a[i] == '-', i == 8 || i == 13 || i == 18 || i == 23);
}

/* Small requests share one read from the kernel; no byte of it is given out twice. */
static void test_random_bytes_of_the_system_never_come_again(void **state)
{
    enum { COUNT = 900 };
    struct tg_rng rng = tg_rng_os();
    struct tg_rng copy = rng;
    uint64_t values[COUNT][2];
    struct tg_map seen;
    uint8_t longer[64] = {0};

    (void)state;
    tg_map_init(&seen, &rng);
    for (size_t i = 0; i < COUNT; i++) {
        tg_rng_bytes(i % 2 == 0 ? &rng : &copy, values[i], i % 3 == 0 ? 16 : 8);
        assert_int_equal(tg_map_put(&seen, &values[i][0], 8, &seen), TG_OK);
    }
    tg_rng_bytes(&rng, longer, sizeof(longer));
    assert_false(memcmp(longer, longer + 32, 32) == 0);
    tg_map_done(&seen);
}

static void test_log_quote_removes_what_could_forge_a_field(void **state)
{
    struct tg_log_q q = tg_log_quote("a\"b\nc\x1b\xff\xc3\xa5", 9);

    (void)state;
    assert_string_equal(q.text, "\"a?b?c??\xc3\xa5\"");
}

static void test_rfc3339_of_known_instant(void **state)
{
    char out[TG_RFC3339_SIZE];

    (void)state;
    tg_rfc3339(out, INT64_C(1795315245123456));
    assert_string_equal(out, "2026-11-22T02:40:45.123Z");
    tg_rfc3339(out, -1);
    assert_string_equal(out, "1970-01-01T00:00:00.000Z");
    tg_rfc3339(out, INT64_MAX);
    assert_string_equal(out, "9999-12-31T23:59:59.999Z");
}

/* Some four instants of every month, leap days and turns of centuries among them, to the year 2500.
 */
static void test_rfc3339_agrees_with_the_library(void **state)
{
    (void)state;
    for (int64_t second = 0; second < INT64_C(16725225600); second += 86400 * 7 - 4321) {
        time_t at = (time_t)second;
        struct tm tm;
        char out[TG_RFC3339_SIZE];
        char want[TG_RFC3339_SIZE];

        assert_non_null(gmtime_r(&at, &tm));
        assert_int_equal(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.007Z", &tm), 24);
        tg_rfc3339(out, second * TG_US_PER_S + 7999);
        assert_string_equal(out, want);
    }
}

static void test_jo_int_writes_every_digit(void **state)
{
    static const int64_t values[] = {0, 7, -1, 10, 1234567890, INT64_MAX, INT64_MIN};
    struct tg_buf b;
    struct tg_jo j = tg_jo(&b);

    (void)state;
    tg_buf_init(&b, 1024);
    tg_jo_arr(&j, NULL);
    for (size_t i = 0; i < TG_ARRAY_LEN(values); i++)
        tg_jo_int(&j, NULL, values[i]);
    tg_jo_end_arr(&j);
    assert_string_equal(tg_buf_cstr(&b), "[0,7,-1,10,1234567890,9223372036854775807,"
                                         "-9223372036854775808]");
    tg_buf_done(&b);
}

static void test_alloc_nth_failure_happens_once(void **state)
{
    void *p;

    (void)state;
    tg_alloc_fail_nth(1);
    p = tg_calloc(1, 1);
    assert_non_null(p);
    tg_free(p);
    assert_null(tg_calloc(1, 1));
    assert_true(tg_alloc_failed());
    p = tg_calloc(1, 1);
    assert_non_null(p);
    tg_free(p);
    tg_alloc_fail_nth(-1);
    assert_null(tg_realloc(NULL, SIZE_MAX, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rd_past_end_yields_zero_and_sticks),
        cmocka_unit_test(test_wr_past_end_drops_and_sticks),
        cmocka_unit_test(test_rd_wr_round_trip),
        cmocka_unit_test(test_buf_beyond_max_keeps_what_was_there),
        cmocka_unit_test(test_json_out_escapes_and_separates),
        cmocka_unit_test(test_str_numbers_at_their_edges),
        cmocka_unit_test(test_str_utf8_rejects_what_is_not),
        cmocka_unit_test(test_b64url_round_trip_and_refusals),
        cmocka_unit_test(test_seq_compares_across_the_wrap),
        cmocka_unit_test(test_map_keeps_all_through_growth_and_deletion),
        cmocka_unit_test(test_heap_gives_deadlines_in_order),
        cmocka_unit_test(test_ring_between_two_threads_keeps_order),
        cmocka_unit_test(test_mailbox_from_two_threads_loses_nothing),
        cmocka_unit_test(test_mailbox_full_and_closed_push_back),
        cmocka_unit_test(test_mailbox_quiet_posts_wake_once_and_are_bounded),
        cmocka_unit_test(test_uuid7_sorts_by_time),
        cmocka_unit_test(test_random_bytes_of_the_system_never_come_again),
        cmocka_unit_test(test_log_quote_removes_what_could_forge_a_field),
        cmocka_unit_test(test_rfc3339_of_known_instant),
        cmocka_unit_test(test_rfc3339_agrees_with_the_library),
        cmocka_unit_test(test_jo_int_writes_every_digit),
        cmocka_unit_test(test_alloc_nth_failure_happens_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
