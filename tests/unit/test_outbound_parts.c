/*
 * test_outbound_parts.c - signatures of Standard Webhooks, addresses that may be called, the waits
 * between attempts, what of an answer is kept, topics and ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "msg/webhook.h"
#include "outbound/retry.h"
#include "outbound/sign.h"

/* --- signatures --- */

/* The vector of the Standard Webhooks libraries (standard-webhooks/libraries, every language). */
static const char vector_secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char vector_id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char vector_body[] = "{\"test\": 2432232314}";

static void test_sign_official_vector(void **state)
{
    struct tg_buf out;

    (void)state;
    tg_buf_init(&out, 1024);
    assert_int_equal(
        tg_hook_sign(&out, vector_secret, vector_id, 1614265330, vector_body, strlen(vector_body)),
        TG_OK);
    assert_string_equal(tg_buf_cstr(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    /* While a secret is replaced both sign, separated by a blank. */
    assert_int_equal(
        tg_hook_sign(&out, vector_secret, vector_id, 1614265330, vector_body, strlen(vector_body)),
        TG_OK);
    assert_string_equal(tg_buf_cstr(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                                           "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    tg_buf_done(&out);
}

static void test_sign_refuses_what_is_no_secret(void **state)
{
    static const char *const bad[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",  /* no multiple of four */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-w", /* base64url */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa=w", /* padding inside */
        "whsec_MfKQ=r8GKYqrTwjUPD8ILPZIo2LaLa==",
        "whsec_c2hvcnQ=", /* 5 bytes */
    };
    struct tg_buf out;

    (void)state;
    tg_buf_init(&out, 1024);
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_equal(tg_hook_sign(&out, bad[i], "a", 1, "b", 1), TG_ERR_MALFORMED);
    assert_int_equal(out.len, 0);
    tg_buf_done(&out);
}

static void test_sign_without_memory(void **state)
{
    (void)state;
    for (long nth = 0;; nth++) {
        struct tg_buf out;
        tg_err err;
        bool failed;

        tg_buf_init(&out, 1024);
        tg_alloc_fail_nth(nth);
        err = tg_hook_sign(&out, vector_secret, vector_id, 1, vector_body, strlen(vector_body));
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        tg_buf_done(&out);
        assert_int_equal(err, failed ? TG_ERR_NOMEM : TG_OK);
        if (!failed)
            break;
    }
}

/* --- addresses --- */

static void test_public_addresses(void **state)
{
    static const char *const internal[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.7",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.1",
        "198.51.100.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "8000::1",
    };
    static const char *const public[] = {
        "1.1.1.1",         "9.255.255.255",    "11.0.0.1",    "100.63.255.255",
        "100.128.0.1",     "126.1.1.1",        "128.0.0.1",   "169.253.1.1",
        "172.15.1.1",      "172.32.0.1",       "192.0.1.1",   "192.167.1.1",
        "192.169.0.1",     "198.17.0.1",       "198.20.0.1",  "223.255.255.254",
        "::ffff:1.1.1.1",  "64:ff9b::1.1.1.1", "2001:200::1", "2001:4860:4860::8888",
        "2606:4700::1111", "2a00::1",          "3ffe::1",
    };
    struct tg_addr addr;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(internal); i++) {
        assert_int_equal(tg_addr_parse(&addr, internal[i], strlen(internal[i]), 0), TG_OK);
        if (tg_addr_is_public(&addr))
            fail_msg("%s may be called", internal[i]);
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(public); i++) {
        assert_int_equal(tg_addr_parse(&addr, public[i], strlen(public[i]), 0), TG_OK);
        if (!tg_addr_is_public(&addr))
            fail_msg("%s may not be called", public[i]);
    }
}

static void test_hook_urls(void **state)
{
    static const char *const good[] = {
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/a?b=c",
        "https://1.1.1.1/x",
        "https://[2606:4700::1111]:443/x",
        "https://a-b.example?x",
    };
    static const char *const bad[] = {
        "",
        "shop.example",
        "ftp://shop.example",
        "HTTPS://shop.example",
        "https://",
        "https:///x",
        "https://:443/",
        "http://shop.example/",
        "https://user@shop.example/",
        "https://user:pw@shop.example/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "https://shop.example:x/",
        "https://shop.example/a b",
        "https://shop.example/#x",
        "https://shop.example/\n",
        "https://sh%6fp.example/",
        "https://[::1]/",
        "https://[::1",
        "https://127.0.0.1/",
        "https://10.1.2.3:443/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://shop.example\\@evil.example/",
    };
    struct tg_cidr_list allow = {.count = 0};
    char why[128];

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(good); i++)
        if (!tg_hook_url_ok(good[i], &allow, why))
            fail_msg("%s %s", good[i], why);
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++) {
        why[0] = '\0';
        if (tg_hook_url_ok(bad[i], &allow, why))
            fail_msg("%s is taken", bad[i]);
        assert_true(why[0] != '\0');
    }
    assert_int_equal(tg_cidr_list_add(&allow, "10.0.0.0/8"), TG_OK);
    assert_true(tg_hook_url_ok("http://10.1.2.3:8080/x", &allow, why));
    assert_true(tg_hook_url_ok("http://erp.lan/x", &allow, why)); /* looked at when called */
    assert_false(tg_hook_url_ok("http://192.168.1.1/x", &allow, why));
}

/* --- retries and answers --- */

static void test_retry_waits_grow_and_end_after_three_days(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    unsigned last = tg_retry_attempts();
    tg_us least = 0;

    (void)state;
    assert_int_equal(tg_retry_wait(0, &rng), -1);
    assert_int_equal(tg_retry_wait(last, &rng), -1);
    for (unsigned n = 1; n < last; n++) {
        tg_us wait = tg_retry_wait(n, &rng);

        assert_true(wait >= least);
        assert_true(wait <= 12 * 3600 * (tg_us)TG_US_PER_S);
        if (n < 9)
            least = wait; /* 20 % either way never overlaps until the last step is reached */
    }
    for (int i = 0; i < 1000; i++) {
        tg_us wait = tg_retry_wait(1, &rng);

        assert_in_range(wait, 4 * TG_US_PER_S, 6 * TG_US_PER_S);
    }
    assert_true(tg_retry_span() > 66 * 3600 * (tg_us)TG_US_PER_S);
    assert_true(tg_retry_span() < 78 * 3600 * (tg_us)TG_US_PER_S);
    assert_int_equal(tg_retry_pause(0, &rng), 0);
    for (unsigned n = 1; n < 100; n++)
        assert_in_range(tg_retry_pause(n, &rng), 1, 360 * (tg_us)TG_US_PER_S);
}

static const char *excerpt(const char *text, size_t len, char *out, size_t size)
{
    tg_answer_excerpt(out, size, text, len);
    return out;
}

static void test_answer_excerpt_keeps_nothing_personal(void **state)
{
    char out[64];
    char small[6];

    (void)state;
#define IS(text, expect)                                                                           \
    assert_string_equal(excerpt(text, sizeof(text) - 1, out, sizeof(out)), expect)
    IS("", "");
    IS("ok", "ok");
    IS("  a\r\n\tb  ", "a b");
    IS("no such user kari@example.com here", "no such user ... here");
    IS("call 4790123456 or 12345", "call ... or 12345");
    IS("a\0b\x1b[31mc\xff"
       "d",
       "a b [31mc d");
#undef IS
    assert_string_equal(excerpt("abcdefghij", 10, small, sizeof(small)), "abcde");
    assert_string_equal(excerpt("a@b cdefgh", 10, small, sizeof(small)), "... c");
    assert_string_equal(excerpt("abcd efgh", 9, small, sizeof(small)), "abcd");
}

static void test_topics(void **state)
{
    static const char *const bad[] = {
        "",    ".",          "a.",     ".a",        "a..b",
        "A.b", "a b",        "**",     "a*",        ".*",
        "a",   "order.pay*", "stok.*", "stock.low", "order.authorised"};
    static const char *const good[] = {"*", "order.paid", "order.*", "stock.changed", "product.*"};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        if (tg_hook_topic_ok(bad[i]))
            fail_msg("\"%s\" is taken", bad[i]);
    for (size_t i = 0; i < TG_ARRAY_LEN(good); i++)
        if (!tg_hook_topic_ok(good[i]))
            fail_msg("\"%s\" is refused", good[i]);
    assert_true(tg_hook_wants("", "order.paid"));
    assert_true(tg_hook_wants("*", "order.paid"));
    assert_true(tg_hook_wants("stock.* order.paid", "order.paid"));
    assert_true(tg_hook_wants("order.*", "order.paid"));
    assert_false(tg_hook_wants("order.*", "orders"));
    assert_false(tg_hook_wants("order.paid", "order.paid_back"));
    assert_false(tg_hook_wants("stock.*", "order.paid"));
}

static void test_message_ids_round_trip(void **state)
{
    static const char *const bad[] = {
        "",     "msg_", "msg_x", "msg_ffffffffffffffff", "msg_1 ", "msg_11112222333344445",
        "ms_1", "msg_A"};
    int64_t ids[] = {1, 2048, (int64_t)1780000000000000 << TG_MESSAGE_SALT_BITS, INT64_MAX};
    char text[TG_HOOK_MESSAGE_ID_SIZE];
    int64_t id = 0;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(ids); i++) {
        tg_hook_message_id(text, ids[i]);
        assert_int_equal(tg_hook_message_parse(&id, text), TG_OK);
        assert_true(id == ids[i]);
    }
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_equal(tg_hook_message_parse(&id, bad[i]), TG_ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sign_official_vector),
        cmocka_unit_test(test_sign_refuses_what_is_no_secret),
        cmocka_unit_test(test_sign_without_memory),
        cmocka_unit_test(test_public_addresses),
        cmocka_unit_test(test_hook_urls),
        cmocka_unit_test(test_retry_waits_grow_and_end_after_three_days),
        cmocka_unit_test(test_answer_excerpt_keeps_nothing_personal),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_message_ids_round_trip),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
