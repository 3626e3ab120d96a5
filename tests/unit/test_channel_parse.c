/*
 * test_channel_parse.c - frames of the show channel: every operation, and every way to be wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/channel_parse.h"

static struct tg_op op;
static struct tg_channel_error error;

static void parse_ok(const char *text)
{
    memset(&op, 0, sizeof(op));
    memset(&error, 0, sizeof(error));
    if (tg_channel_parse(&op, text, strlen(text), &error) != TG_OK)
        fail_msg("%s: field \"%s\": %s", text, error.field, error.message);
}

static void parse_bad(const char *text, size_t len, tg_err want, const char *field)
{
    memset(&op, 0xee, sizeof(op));
    memset(&error, 0, sizeof(error));
    assert_int_equal(tg_channel_parse(&op, text, len, &error), want);
    assert_string_equal(error.code, "bad_request");
    if (strcmp(error.field, field) != 0)
        fail_msg("%s: complains about \"%s\" (%s)", text, error.field, error.message);
    assert_true(strlen(error.message) > 10);
    assert_int_equal(*(const uint8_t *)&op, 0xee); /* written only on success */
}

static void refuse(const char *text, const char *field)
{
    parse_bad(text, strlen(text), TG_ERR_MALFORMED, field);
}

static void test_channel_join_reads_all_fields(void **state)
{
    (void)state;
    parse_ok("{\"op\":\"join\",\"name\":\"Kari\",\"token\":\"tp_x\",\"since\":41,\"since_epoch\":"
             "\"e-1_A\","
             "\"source\":\"ig\",\"later\":{\"x\":[1]}}");
    assert_int_equal(op.kind, TG_OP_JOIN);
    assert_string_equal(op.u.join.name, "Kari");
    assert_string_equal(op.u.join.token, "tp_x");
    assert_string_equal(op.u.join.source, "ig");
    assert_int_equal(op.u.join.since, 41);
    assert_string_equal(op.u.join.since_epoch, "e-1_A");
    parse_ok("{\"op\":\"join\",\"name\":null}");
    assert_int_equal(op.u.join.since, -1);
    assert_string_equal(op.u.join.name, "");
}

static void test_channel_chat_counts_characters_not_bytes(void **state)
{
    char frame[2400];
    size_t at = (size_t)snprintf(frame, sizeof(frame), "{\"op\":\"chat\",\"id\":\"a\",\"text\":\"");

    (void)state;
    for (int i = 0; i < TG_CHAT_MAX; i++, at += 4)
        memcpy(frame + at, "\xf0\x9f\x9b\x92", 5);
    memcpy(frame + at, "\"}", 3);
    parse_ok(frame);
    assert_int_equal(strlen(op.u.chat.text), 2000);
    memcpy(frame + at, "x\"}", 4);
    refuse(frame, "text");
    assert_string_equal(error.id, "a");
    parse_ok("{\"op\":\"chat\",\"id\":\"a\",\"text\":\"hi\",\"reply_to\":\"c12\"}");
    assert_string_equal(op.u.chat.reply_to, "c12");
    refuse("{\"op\":\"chat\",\"id\":\"a\",\"text\":\"hi\",\"reply_to\":\"c012\"}", "reply_to");
    refuse("{\"op\":\"chat\",\"id\":\"a\",\"text\":\"\"}", "text");
    refuse("{\"op\":\"chat\",\"id\":\"a\",\"text\":7}", "text");
    refuse("{\"op\":\"chat\",\"id\":\"a\"}", "text");
}

static void test_channel_buy_and_cart_bounds(void **state)
{
    (void)state;
    parse_ok("{\"op\":\"buy\",\"id\":\"b-1\",\"sku\":\"MUG-1\",\"qty\":2,\"price\":19900,"
             "\"at\":12345,\"code\":\"X\",\"location\":\"oslo\"}");
    assert_string_equal(op.id, "b-1");
    assert_string_equal(op.u.line.sku, "MUG-1");
    assert_int_equal(op.u.line.qty, 2);
    assert_int_equal(op.u.line.price, 19900);
    assert_int_equal(op.u.line.at, 12345);
    assert_string_equal(op.u.line.location, "oslo");
    parse_ok("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":1}");
    assert_int_equal(op.u.line.price, -1);
    assert_int_equal(op.u.line.at, -1);
    assert_false(op.u.line.total_shown);
    parse_ok("{\"op\":\"cart.set\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":0}");
    assert_int_equal(op.kind, TG_OP_CART_SET);
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":0}", "qty");
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":101}", "qty");
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":1.0}", "qty");
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":\"1\"}", "qty");
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":1,\"price\":-1}", "price");
    parse_ok("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":1,\"total\":0}");
    assert_true(op.u.line.total_shown);
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"MUG-1\",\"qty\":1,\"total\":-1}", "total");
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"sku\":\"a\\u0007b\",\"qty\":1}", "sku");
    refuse("{\"op\":\"buy\",\"id\":\"b\",\"qty\":1}", "sku");
}

static void test_channel_checkout_reads_prices(void **state)
{
    char frame[4096];
    size_t at;

    (void)state;
    parse_ok("{\"op\":\"checkout\",\"id\":\"k\",\"prices\":[{\"sku\":\"A\",\"amount\":5},"
             "{\"sku\":\"B\",\"amount\":0}]}");
    assert_int_equal(op.u.checkout.price_count, 2);
    assert_string_equal(op.u.checkout.prices[1].sku, "B");
    assert_int_equal(op.u.checkout.prices[0].amount, 5);
    parse_ok("{\"op\":\"checkout\",\"id\":\"k\"}");
    assert_int_equal(op.u.checkout.price_count, 0);
    assert_false(op.u.checkout.total_shown);
    parse_ok("{\"op\":\"checkout\",\"id\":\"k\",\"total\":24900}");
    assert_true(op.u.checkout.total_shown);
    assert_int_equal(op.u.checkout.total, 24900);
    refuse("{\"op\":\"checkout\",\"id\":\"k\",\"total\":\"24900\"}", "total");
    refuse("{\"op\":\"checkout\",\"id\":\"k\",\"prices\":{\"A\":5}}", "prices");
    refuse("{\"op\":\"checkout\",\"id\":\"k\",\"prices\":[5]}", "prices");
    refuse("{\"op\":\"checkout\",\"id\":\"k\",\"prices\":[{\"sku\":\"A\"}]}", "amount");
    at = (size_t)snprintf(frame, sizeof(frame), "{\"op\":\"checkout\",\"id\":\"k\",\"prices\":[");
    for (int i = 0; i <= TG_CART_LINES_MAX; i++)
        at += (size_t)snprintf(frame + at, sizeof(frame) - at, "%s{\"sku\":\"A\",\"amount\":1}",
                               i == 0 ? "" : ",");
    (void)snprintf(frame + at, sizeof(frame) - at, "]}");
    refuse(frame, "prices");
}

static void test_channel_price_reads_times(void **state)
{
    (void)state;
    parse_ok("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"amount\":100,"
             "\"until\":\"2026-11-22T10:20:30.25Z\"}");
    assert_int_equal(op.u.price.amount, 100);
    assert_true(op.u.price.until_wall_us == INT64_C(1795342830250000));
    parse_ok(
        "{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"until\":\"2024-02-29T01:00:00+02:00\"}");
    assert_true(op.u.price.until_wall_us == INT64_C(1709161200000000));
    assert_int_equal(op.u.price.amount, -1);
    parse_ok("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\"}");
    assert_int_equal(op.u.price.until_wall_us, -1);
    refuse("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"until\":\"2023-02-29T01:00:00Z\"}",
           "until");
    refuse("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"until\":\"2024-02-20T24:00:00Z\"}",
           "until");
    refuse("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"until\":\"2024-02-20T20:00:00\"}",
           "until");
    refuse("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"until\":\"tomorrow at noon, ok?\"}",
           "until");
    refuse("{\"op\":\"price\",\"id\":\"p\",\"sku\":\"A\",\"until\":1795342830}", "until");
}

static void test_channel_stock_takes_one_of_set_and_delta(void **state)
{
    (void)state;
    parse_ok("{\"op\":\"stock\",\"id\":\"s\",\"sku\":\"A\",\"delta\":-3}");
    assert_false(op.u.stock.absolute);
    assert_int_equal(op.u.stock.value, -3);
    parse_ok("{\"op\":\"stock\",\"id\":\"s\",\"sku\":\"A\",\"set\":0}");
    assert_true(op.u.stock.absolute);
    refuse("{\"op\":\"stock\",\"id\":\"s\",\"sku\":\"A\"}", "delta");
    refuse("{\"op\":\"stock\",\"id\":\"s\",\"sku\":\"A\",\"set\":1,\"delta\":1}", "delta");
    refuse("{\"op\":\"stock\",\"id\":\"s\",\"sku\":\"A\",\"set\":-1}", "set");
}

static void test_channel_moderation_and_small_ops(void **state)
{
    (void)state;
    parse_ok("{\"op\":\"hide\",\"id\":\"h\",\"message\":\"c5\",\"undo\":true}");
    assert_string_equal(op.u.moderate.message, "c5");
    assert_true(op.u.moderate.undo);
    parse_ok("{\"op\":\"mute\",\"id\":\"h\",\"person\":\"pabc\"}");
    assert_int_equal(op.u.moderate.seconds, 600);
    refuse("{\"op\":\"mute\",\"id\":\"h\",\"person\":\"pabc\",\"seconds\":0}", "seconds");
    refuse("{\"op\":\"hide\",\"id\":\"h\",\"message\":\"5\"}", "message");
    refuse("{\"op\":\"hide\",\"id\":\"h\",\"message\":\"c5\",\"undo\":1}", "undo");
    parse_ok("{\"op\":\"react\",\"kind\":\"fire\",\"n\":50}");
    assert_int_equal(op.u.react.kind, TG_REACT_FIRE);
    refuse("{\"op\":\"react\",\"kind\":\"poop\",\"n\":1}", "kind");
    refuse("{\"op\":\"react\",\"kind\":\"fire\",\"n\":51}", "n");
    parse_ok("{\"op\":\"show.start\",\"id\":\"1\"}");
    assert_int_equal(op.kind, TG_OP_SHOW_START);
    parse_ok("{\"op\":\"show.end\",\"id\":\"1\"}");
    assert_int_equal(op.kind, TG_OP_SHOW_END);
    parse_ok("{\"op\":\"show.rehearse\",\"id\":\"1\",\"on\":true}");
    assert_int_equal(op.kind, TG_OP_SHOW_REHEARSE);
    assert_true(op.u.rehearse.on);
    parse_ok("{\"op\":\"show.rehearse\",\"id\":\"1\",\"on\":false}");
    assert_false(op.u.rehearse.on);
    refuse("{\"op\":\"show.rehearse\",\"id\":\"1\"}", "on");
    refuse("{\"op\":\"show.rehearse\",\"id\":\"1\",\"on\":null}", "on");
    refuse("{\"op\":\"show.rehearse\",\"id\":\"1\",\"on\":1}", "on");
    parse_ok("{\"op\":\"ping\",\"id\":\"1\"}");
    parse_ok("{\"op\":\"pin\",\"id\":\"1\",\"sku\":\"A\"}");
    assert_string_equal(op.u.pin.sku, "A");
    parse_ok("{\"op\":\"poll.open\",\"id\":\"1\",\"question\":\"?\"}");
    assert_int_equal(op.kind, TG_OP_LATER);
    assert_string_equal(op.u.later, "poll.open");
}

static void test_channel_broken_frames_are_named(void **state)
{
    static const char nul[] = "{\"op\":\"chat\",\"id\":\"a\",\"text\":\"a\\u0000b\"}";
    char deep[64];
    static char big[TG_WS_FRAME_MAX + 2];

    (void)state;
    refuse("", "");
    refuse("[]", "");
    refuse("{\"op\":\"ping\",\"id\":\"1\"} x", "");
    refuse("{\"op\":\"ping\",\"op\":\"ping\",\"id\":\"1\"}", "");
    refuse("{\"op\":\"ping\",\"id\":\"\xff\"}", "");
    refuse(nul, "");
    parse_bad("{\"op\":7}", 8, TG_ERR_UNSUPPORTED, "op");
    memset(deep, '[', sizeof(deep));
    parse_bad(deep, sizeof(deep), TG_ERR_LIMIT, "");
    memset(big, ' ', sizeof(big));
    parse_bad(big, TG_WS_FRAME_MAX + 1, TG_ERR_LIMIT, "");
}

static void test_channel_ops_and_ids_are_checked(void **state)
{
    static const char unknown[] = "{\"op\":\"dance\",\"id\":\"z9\"}";

    (void)state;
    parse_bad(unknown, strlen(unknown), TG_ERR_UNSUPPORTED, "op");
    assert_string_equal(error.id, "z9");
    refuse("{\"op\":\"ping\"}", "id");
    refuse("{\"op\":\"ping\",\"id\":\"a b\"}", "id");
    refuse("{\"op\":\"ping\",\"id\":5}", "id");
    refuse("{\"op\":\"ask\",\"text\":\"?\"}", "id");
    refuse("{\"op\":\"ping\",\"id\":\"0123456789012345678901234567890123456789"
           "0123456789012345678901234\"}",
           "id");
    assert_string_equal(error.id, "");
    for (int kind = 0; kind < TG_OP_LATER; kind++)
        assert_non_null(tg_op_name((enum tg_op_kind)kind));
    assert_null(tg_op_name(TG_OP_LATER));
}

static void test_channel_selling_ops_and_bounds(void **state)
{
    (void)state;
    parse_ok("{\"op\":\"wait\",\"id\":\"w\",\"sku\":\"A\",\"at\":7}");
    assert_int_equal(op.kind, TG_OP_WAIT);
    assert_int_equal(op.u.wait.qty, 1);
    assert_false(op.u.wait.leave);
    assert_int_equal(op.u.wait.at, 7);
    refuse("{\"op\":\"wait\",\"id\":\"w\"}", "sku");
    refuse("{\"op\":\"wait\",\"id\":\"w\",\"sku\":\"A\",\"qty\":0}", "qty");
    refuse("{\"op\":\"wait\",\"id\":\"w\",\"sku\":\"A\",\"leave\":1}", "leave");
    parse_ok("{\"op\":\"window\",\"id\":\"w\",\"sku\":\"A\",\"open\":true,\"for_s\":30}");
    assert_int_equal(op.kind, TG_OP_WINDOW);
    assert_true(op.u.window.open);
    assert_int_equal(op.u.window.for_s, 30);
    refuse("{\"op\":\"window\",\"id\":\"w\",\"sku\":\"A\"}", "open");
    refuse("{\"op\":\"window\",\"id\":\"w\",\"sku\":\"A\",\"open\":true,\"for_s\":86401}", "for_s");
    parse_ok("{\"op\":\"sell\",\"id\":\"s\",\"sku\":\"A\",\"name\":\"Ola\",\"person\":\"pX_-\"}");
    assert_int_equal(op.kind, TG_OP_SELL);
    assert_int_equal(op.u.sell.qty, 1);
    assert_int_equal(op.u.sell.price, -1);
    assert_string_equal(op.u.sell.name, "Ola");
    assert_string_equal(op.u.sell.person, "pX_-");
    refuse("{\"op\":\"sell\",\"id\":\"s\",\"sku\":\"A\"}", "name");
    refuse("{\"op\":\"sell\",\"id\":\"s\",\"sku\":\"A\",\"name\":\"O\",\"person\":\"s1\"}",
           "person");
    refuse("{\"op\":\"sell\",\"id\":\"s\",\"sku\":\"A\",\"name\":\"O\",\"qty\":101}", "qty");
    parse_ok("{\"op\":\"chat\",\"id\":\"c\",\"text\":\"shop 7\",\"at\":12}");
    assert_int_equal(op.u.chat.at, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_channel_join_reads_all_fields),
        cmocka_unit_test(test_channel_chat_counts_characters_not_bytes),
        cmocka_unit_test(test_channel_buy_and_cart_bounds),
        cmocka_unit_test(test_channel_checkout_reads_prices),
        cmocka_unit_test(test_channel_price_reads_times),
        cmocka_unit_test(test_channel_stock_takes_one_of_set_and_delta),
        cmocka_unit_test(test_channel_moderation_and_small_ops),
        cmocka_unit_test(test_channel_selling_ops_and_bounds),
        cmocka_unit_test(test_channel_broken_frames_are_named),
        cmocka_unit_test(test_channel_ops_and_ids_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
