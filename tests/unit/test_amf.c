/*
 * test_amf.c - AMF0 values: the standard's shapes, every cut, the limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "proto/amf.h"

static void test_amf_number_one_is_the_standards_bytes(void **state)
{
    const uint8_t want[] = {0x00, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0};
    uint8_t out[16];
    struct tg_wr w = tg_wr(out, sizeof(out));

    (void)state;
    tg_amf_write_number(&w, 1);
    assert_int_equal(tg_wr_len(&w), sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
}

static size_t write_all(uint8_t *out, size_t cap)
{
    struct tg_wr w = tg_wr(out, cap);

    tg_amf_write_str(&w, "connect");
    tg_amf_write_number(&w, -2.5);
    tg_amf_write_object(&w);
    tg_amf_write_key(&w, "app");
    tg_amf_write_str(&w, "live");
    tg_amf_write_key(&w, "list");
    tg_amf_write_array(&w, 2);
    tg_amf_write_bool(&w, true);
    tg_amf_write_undefined(&w);
    tg_amf_write_key(&w, "none");
    tg_amf_write_null(&w);
    tg_amf_write_end(&w);
    tg_amf_write_ecma_array(&w, 1);
    tg_amf_write_key(&w, "when");
    tg_amf_write_date(&w, 1000);
    tg_amf_write_end(&w);
    assert_false(w.bad);
    return tg_wr_len(&w);
}

static void test_amf_nested_values_come_as_tokens(void **state)
{
    static const struct {
        enum tg_amf_type type;
        unsigned depth;
        const char *key;
    } want[] = {{TG_AMF_STRING, 0, NULL},    {TG_AMF_NUMBER, 0, NULL},  {TG_AMF_OBJECT, 0, NULL},
                {TG_AMF_STRING, 1, "app"},   {TG_AMF_ARRAY, 1, "list"}, {TG_AMF_BOOL, 2, NULL},
                {TG_AMF_UNDEFINED, 2, NULL}, {TG_AMF_END, 1, NULL},     {TG_AMF_NULL, 1, "none"},
                {TG_AMF_END, 0, NULL},       {TG_AMF_OBJECT, 0, NULL},  {TG_AMF_DATE, 1, "when"},
                {TG_AMF_END, 0, NULL}};
    uint8_t bytes[256];
    struct tg_amf_rd r = tg_amf_rd(bytes, write_all(bytes, sizeof(bytes)));
    struct tg_amf_token t;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(want); i++) {
        assert_int_equal(tg_amf_next(&r, &t), TG_OK);
        assert_int_equal(t.type, want[i].type);
        assert_int_equal(t.depth, want[i].depth);
        if (want[i].key != NULL)
            assert_true(tg_amf_key_is(&t, want[i].key));
        if (i == 3)
            assert_true(tg_amf_text_is(&t, "live"));
    }
    assert_int_equal(tg_amf_next(&r, &t), TG_ERR_CLOSED);
}

static void test_amf_skip_passes_a_nested_value(void **state)
{
    uint8_t bytes[256];
    struct tg_amf_rd r = tg_amf_rd(bytes, write_all(bytes, sizeof(bytes)));
    struct tg_amf_token t;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(tg_amf_next(&r, &t), TG_OK);
    assert_int_equal(tg_amf_skip(&r, &t), TG_OK);
    assert_int_equal(tg_amf_next(&r, &t), TG_OK);
    assert_int_equal(t.type, TG_AMF_OBJECT);
    assert_int_equal(t.depth, 0);
}

static void test_amf_every_cut_is_truncated_or_ends_between_values(void **state)
{
    uint8_t bytes[256];
    size_t len = write_all(bytes, sizeof(bytes));
    unsigned closed = 0;

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        struct tg_amf_rd r = tg_amf_rd(bytes, cut);
        struct tg_amf_token t;
        tg_err err;

        while ((err = tg_amf_next(&r, &t)) == TG_OK)
            continue;
        assert_true(err == TG_ERR_CLOSED || err == TG_ERR_TRUNCATED);
        closed += err == TG_ERR_CLOSED;
    }
    assert_int_equal(closed, 4); /* nothing, and after each top-level value but the last */
}

static void test_amf_deeper_than_limit_is_limit(void **state)
{
    uint8_t bytes[64];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    struct tg_amf_token t;
    struct tg_amf_rd r;

    (void)state;
    for (unsigned i = 0; i <= TG_AMF_DEPTH_MAX; i++)
        tg_amf_write_array(&w, 1);
    r = tg_amf_rd(bytes, tg_wr_len(&w));
    for (unsigned i = 0; i < TG_AMF_DEPTH_MAX; i++)
        assert_int_equal(tg_amf_next(&r, &t), TG_OK);
    assert_int_equal(tg_amf_next(&r, &t), TG_ERR_LIMIT);
    assert_int_equal(tg_amf_next(&r, &t), TG_ERR_TRUNCATED); /* and stays broken */
}

static void test_amf_array_that_claims_billions_is_limit_or_cut(void **state)
{
    uint8_t bytes[2048];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    struct tg_amf_token t;
    struct tg_amf_rd r;
    tg_err err;

    (void)state;
    tg_amf_write_array(&w, UINT32_MAX);
    for (unsigned i = 0; i < TG_AMF_VALUES_MAX; i++)
        tg_amf_write_null(&w);
    r = tg_amf_rd(bytes, tg_wr_len(&w));
    while ((err = tg_amf_next(&r, &t)) == TG_OK)
        continue;
    assert_int_equal(err, TG_ERR_LIMIT);
}

static void test_amf_long_string_round_trips(void **state)
{
    static uint8_t text[70000];
    static uint8_t bytes[70010];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    struct tg_amf_token t;
    struct tg_amf_rd r;

    (void)state;
    tg_amf_write_text(&w, text, sizeof(text));
    assert_false(w.bad);
    r = tg_amf_rd(bytes, tg_wr_len(&w));
    assert_int_equal(tg_amf_next(&r, &t), TG_OK);
    assert_int_equal(t.type, TG_AMF_STRING);
    assert_int_equal(t.text.len, sizeof(text));
}

static void test_amf3_and_unknown_markers_are_refused(void **state)
{
    const uint8_t amf3[] = {0x11, 0x0a};
    const uint8_t movie[] = {0x04};
    struct tg_amf_rd r = tg_amf_rd(amf3, sizeof(amf3));
    struct tg_amf_token t;

    (void)state;
    assert_int_equal(tg_amf_next(&r, &t), TG_ERR_UNSUPPORTED);
    r = tg_amf_rd(movie, sizeof(movie));
    assert_int_equal(tg_amf_next(&r, &t), TG_ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amf_number_one_is_the_standards_bytes),
        cmocka_unit_test(test_amf_nested_values_come_as_tokens),
        cmocka_unit_test(test_amf_skip_passes_a_nested_value),
        cmocka_unit_test(test_amf_every_cut_is_truncated_or_ends_between_values),
        cmocka_unit_test(test_amf_deeper_than_limit_is_limit),
        cmocka_unit_test(test_amf_array_that_claims_billions_is_limit_or_cut),
        cmocka_unit_test(test_amf_long_string_round_trips),
        cmocka_unit_test(test_amf3_and_unknown_markers_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
