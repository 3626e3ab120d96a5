/*
 * test_discount.c - discount codes: what they take off, which of several count, who may use them
 * when and how often, and that uses come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop.h"
#include "shop/shop_json.h"

#define MINUTE_US ((tg_us)60 * TG_US_PER_S)
#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

/* --- the value --- */

static struct tg_discount percent(const char *code, int32_t bp, bool combinable)
{
    struct tg_discount d = {.kind = TG_DISCOUNT_PERCENT,
                            .bp = bp,
                            .show = UINT16_MAX,
                            .from_wall = -1,
                            .until_wall = -1,
                            .combinable = combinable};

    tg_str_cut(d.code, sizeof(d.code), code);
    return d;
}

static struct tg_discount amount_off(const char *code, int64_t amount, bool combinable)
{
    struct tg_discount d = percent(code, 0, combinable);

    d.kind = TG_DISCOUNT_AMOUNT;
    d.amount = amount;
    tg_str_cut(d.currency, sizeof(d.currency), "NOK");
    return d;
}

static void test_codes_are_found_however_they_are_typed(void **state)
{
    char codes[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    char code[TG_DISCOUNT_CODE_SIZE];

    (void)state;
    assert_true(tg_code_canon(code, "Summer-10_x", 11));
    assert_string_equal(code, "SUMMER-10_X");
    assert_false(tg_code_canon(code, "", 0));
    assert_false(tg_code_canon(code, "a b", 3));
    assert_false(tg_code_canon(code, "\xc3\xa6", 2));
    assert_false(tg_code_canon(code, "123456789012345678901234567890123", 33));
    assert_int_equal(tg_codes_split(codes, ""), 0);
    assert_int_equal(tg_codes_split(codes, " summer ,VIP,, Summer,"), 2);
    assert_string_equal(codes[0], "SUMMER");
    assert_string_equal(codes[1], "VIP");
    assert_int_equal(tg_codes_split(codes, "a b,c"), 2);
    assert_string_equal(codes[0], "?");
    assert_int_equal(tg_codes_split(codes, "a,b,c"), 3);
    assert_int_equal(tg_codes_split(codes, "a,b,c,d"), -1);
}

static void test_flaws_are_named(void **state)
{
    struct tg_discount d = percent("OK", 1000, false);

    (void)state;
    assert_null(tg_discount_flaw(&d));
    d = percent("ok", 1000, false);
    assert_non_null(strstr(tg_discount_flaw(&d), "code must"));
    d = percent("OK", 10001, false);
    assert_non_null(strstr(tg_discount_flaw(&d), "percent_bp must"));
    d = amount_off("OK", 0, false);
    assert_non_null(strstr(tg_discount_flaw(&d), "amount must"));
    d = amount_off("OK", 100, false);
    d.currency[0] = '\0';
    assert_non_null(strstr(tg_discount_flaw(&d), "currency must"));
    d = percent("OK", 1000, false);
    d.minimum = 100; /* of which currency? */
    assert_non_null(strstr(tg_discount_flaw(&d), "currency must"));
    d.minimum = 0;
    d.from_wall = 5;
    d.until_wall = 5;
    assert_non_null(strstr(tg_discount_flaw(&d), "until must"));
    d.until_wall = -1;
    d.person_max = -1;
    assert_non_null(strstr(tg_discount_flaw(&d), "person_max"));
}

static void test_best_single_or_all_combinable(void **state)
{
    struct tg_discount ten = percent("TEN", 1000, true);
    struct tg_discount half = percent("HALF", 5000, false);
    struct tg_discount fifty = amount_off("FIFTY", 5000, true);
    const struct tg_discount *codes[] = {&fifty, &ten, &half};
    struct tg_discount_line lines[] = {{.sku = "A", .sum = 20000}, {.sku = "B", .sum = 10001}};

    (void)state;
    /* 300.01: half is 150.01, both others together are 30.00 + 50.00. */
    assert_int_equal(tg_discount_best(lines, 2, codes, 3), 4);
    assert_int_equal(lines[0].discount, 10000);
    assert_int_equal(lines[1].discount, 5001 - 1); /* what is left is rounded up: 50.005 -> 50.01 */
    half.bp = 2000;                                /* 60.00 < 80.00 */
    assert_int_equal(tg_discount_best(lines, 2, codes, 3), 3);
    /* percent first, then the amount over what is left: 180.00 and 90.01 */
    assert_int_equal(lines[0].discount + lines[1].discount, 2000 + 1000 + 5000);
    assert_int_equal(lines[0].discount, 2000 + 3333);
    /* An amount above all takes all, and nothing below zero. */
    fifty.amount = 1000000;
    assert_int_equal(tg_discount_best(lines, 2, codes, 1), 1);
    assert_int_equal(lines[0].discount, 20000);
    assert_int_equal(lines[1].discount, 10001);
}

static void test_property_discounts_never_exceed_their_lines(void **state)
{
    struct tg_rng rng = tg_rng_seeded(7);

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct tg_discount d[3];
        const struct tg_discount *codes[3] = {&d[0], &d[1], &d[2]};
        struct tg_discount_line lines[8];
        size_t count = 1 + tg_rng_below(&rng, 8);
        int64_t most = 0;
        int64_t off = 0;

        for (size_t c = 0; c < 3; c++) {
            d[c] = tg_rng_below(&rng, 2) == 0
                       ? percent("P", 1 + (int32_t)tg_rng_below(&rng, TG_BP_ALL),
                                 tg_rng_below(&rng, 2) == 0)
                       : amount_off("A", 1 + (int64_t)tg_rng_below(&rng, 200000),
                                    tg_rng_below(&rng, 2) == 0);
        }
        for (size_t l = 0; l < count; l++)
            lines[l] =
                (struct tg_discount_line){.sku = "X", .sum = (int64_t)tg_rng_below(&rng, 100000)};
        for (size_t c = 0; c < 3; c++) { /* no single code beats the choice */
            int64_t alone = 0;

            (void)tg_discount_best(lines, count, &codes[c], 1);
            for (size_t l = 0; l < count; l++)
                alone += lines[l].discount;
            most = TG_MAX(most, alone);
        }
        (void)tg_discount_best(lines, count, codes, 3);
        for (size_t l = 0; l < count; l++) {
            assert_in_range(lines[l].discount, 0, lines[l].sum);
            off += lines[l].discount;
        }
        assert_true(off >= most);
    }
}

/* --- the shop --- */

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
};

static tg_err open_world(struct world *w)
{
    struct tg_shop_cfg cfg = {
        .rng = &w->rng, .currency = "NOK", .hold_us = 10 * MINUTE_US, .taxes = tg_taxes_norway};
    struct tg_product p = {.id = "p1", .number = 1, .title = "Mug"};
    struct tg_variant v = {.sku = "MUG",
                           .options = "{}",
                           .price = 14900,
                           .compare_at = -1,
                           .cost = -1,
                           .flash = -1,
                           .flash_until_wall = -1,
                           .stock = {.on_hand = 100}};
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = tg_shop_load_product(w->shop, &p);
    if (err == TG_OK)
        err = tg_shop_load_variant(w->shop, w->now, "p1", &v);
    tg_str_cut(v.sku, sizeof(v.sku), "CUP");
    v.price = 9900;
    return err == TG_OK ? tg_shop_load_variant(w->shop, w->now, "p1", &v) : err;
}

static struct world *world_new(void)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w), TG_OK);
    return w;
}

static void world_free(struct world *w)
{
    tg_shop_rollback(w->shop);
    tg_shop_free(w->shop);
    tg_free(w);
}

static struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, const char *sku)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "",
                             .source = "",
                             .show = 3,
                             .op = "",
                             .id = "",
                             .sku = sku,
                             .qty = 1,
                             .price = -1,
                             .at_ms = -1,
                             .media_ms = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = "",
                             .currency = ""};
}

static enum tg_code decide(struct world *w, const struct tg_claim *c)
{
    tg_shop_decide(w->shop, w->now, c, &w->v);
    return w->v.code;
}

static enum tg_code make(struct world *w, const struct tg_discount *d)
{
    struct tg_claim c = claim_of(TG_CLAIM_CODE_NEW, "s1", "");

    c.discount = d;
    return decide(w, &c);
}

static enum tg_code buy(struct world *w, const char *person, const char *code)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, person, "MUG");

    c.code = code;
    return decide(w, &c);
}

static enum tg_code cancel(struct world *w, const char *person, const char *order)
{
    struct tg_claim c = claim_of(TG_CLAIM_CANCEL, person, "");

    c.key = order;
    return decide(w, &c);
}

static int32_t uses_of(const struct world *w, const char *code)
{
    return tg_shop_discount(w->shop, code)->uses;
}

static size_t effects_of(struct world *w, enum tg_effect_kind kind)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        found += effects[i].kind == kind;
    return found;
}

static void test_code_takes_off_and_counts(void **state)
{
    struct world *w = world_new();
    struct tg_discount d = percent("SUMMER", 1000, false);

    (void)state;
    assert_int_equal(buy(w, "pA", "summer"), TG_CODE_NOT_FOUND);
    assert_int_equal(make(w, &d), TG_CODE_OK);
    assert_int_equal(make(w, &d), TG_CODE_CONFLICT);
    assert_int_equal(effects_of(w, TG_EFFECT_CODE), 1);
    tg_shop_commit(w->shop);
    assert_int_equal(buy(w, "pA", "Summer"), TG_CODE_OK);
    assert_int_equal(w->v.order->lines[0].discount, 1490);
    assert_int_equal(w->v.order->total, 13410);
    assert_int_equal(w->v.order->discount, 1490);
    assert_int_equal(w->v.order->tax, 2682);
    assert_string_equal(w->v.order->codes, "SUMMER");
    assert_int_equal(uses_of(w, "SUMMER"), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_CODE), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_CODE_USE), 1);
    tg_shop_rollback(w->shop);
    assert_int_equal(uses_of(w, "SUMMER"), 0);
    assert_int_equal(buy(w, "pA", "SUMMER,OTHER"), TG_CODE_NOT_FOUND);
    assert_int_equal(buy(w, "pA", "a,b,c,d"), TG_CODE_BAD_REQUEST);
    world_free(w);
}

/* Staff make a code worth less while somebody looks at what it gives. */
static void test_total_that_was_shown_is_honoured_or_asked_again(void **state)
{
    struct world *w = world_new();
    struct tg_discount d = percent("HALF", 5000, false);
    struct tg_claim change = claim_of(TG_CLAIM_CODE_SET, "s1", "");
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG");

    (void)state;
    assert_int_equal(make(w, &d), TG_CODE_OK);
    c.code = "HALF";
    c.price = 14900;
    c.amount = 7450;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    d.bp = 1000;
    change.discount = &d;
    assert_int_equal(decide(w, &change), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    assert_int_equal(w->v.total, 13410);
    assert_string_equal(w->v.currency, "NOK");
    assert_int_equal(uses_of(w, "HALF"), 1);
    c.amount = 13410;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    d.bp = 9000; /* more is welcome */
    assert_int_equal(decide(w, &change), TG_CODE_OK);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.order->total, 1490);
    world_free(w);
}

static void test_total_limit_is_never_passed_and_comes_back(void **state)
{
    struct world *w = world_new();
    struct tg_discount d = percent("TWO", 1000, false);
    char id[TG_UUID_SIZE];

    (void)state;
    d.uses_max = 2;
    assert_int_equal(make(w, &d), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", "TWO"), TG_CODE_OK);
    memcpy(id, w->v.order->id, sizeof(id));
    assert_int_equal(buy(w, "pB", "TWO"), TG_CODE_OK);
    assert_int_equal(buy(w, "pC", "TWO"), TG_CODE_LIMIT); /* in one batch */
    tg_shop_commit(w->shop);
    assert_int_equal(buy(w, "pC", "TWO"), TG_CODE_LIMIT);
    assert_int_equal(cancel(w, "pA", id), TG_CODE_OK);
    assert_int_equal(buy(w, "pC", "TWO"), TG_CODE_OK);
    tg_shop_commit(w->shop);
    assert_int_equal(uses_of(w, "TWO"), 2);
    w->now.mono += 11 * MINUTE_US;
    w->now.wall += 11 * MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 2);
    assert_int_equal(uses_of(w, "TWO"), 0);
    assert_int_equal(effects_of(w, TG_EFFECT_CODE_USE), 2);
    world_free(w);
}

static void test_limit_of_one_person(void **state)
{
    struct world *w = world_new();
    struct tg_discount d = percent("ONCE", 1000, false);
    char id[TG_UUID_SIZE];

    (void)state;
    d.person_max = 1;
    assert_int_equal(make(w, &d), TG_CODE_OK);
    tg_shop_commit(w->shop);
    assert_true(tg_shop_needs_code_uses(w->shop, "ONCE", "pA"));
    assert_false(tg_shop_needs_code_uses(w->shop, "NONE", "pA"));
    assert_int_equal(tg_shop_load_code_uses(w->shop, "ONCE", "pA", 1), TG_OK);
    assert_false(tg_shop_needs_code_uses(w->shop, "ONCE", "pA"));
    assert_int_equal(buy(w, "pA", "ONCE"), TG_CODE_LIMIT);
    assert_int_equal(buy(w, "pB", "ONCE"), TG_CODE_OK);
    memcpy(id, w->v.order->id, sizeof(id));
    assert_int_equal(buy(w, "pB", "ONCE"), TG_CODE_LIMIT);
    tg_shop_commit(w->shop);
    assert_int_equal(cancel(w, "pB", id), TG_CODE_OK);
    assert_int_equal(buy(w, "pB", "ONCE"), TG_CODE_OK);
    world_free(w);
}

static void test_code_is_bound_to_show_people_goods_sum_and_time(void **state)
{
    struct world *w = world_new();
    struct tg_discount *d = NULL;

    (void)state;
    assert_int_equal(tg_discount_new(&d, 1, 1), TG_OK);
    d->bp = 1000;
    tg_str_cut(d->code, sizeof(d->code), "BOUND");
    tg_str_cut(d->skus[0], sizeof(d->skus[0]), "MUG");
    tg_str_cut(d->persons[0], sizeof(d->persons[0]), "pA");
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pB", "BOUND"), TG_CODE_NOT_FOUND);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    tg_str_cut(d->skus[0], sizeof(d->skus[0]), "CUP");
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_NOT_FOUND);
    d->sku_count = 0;
    d->show = 4;
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_NOT_FOUND);
    d->show = 3;
    d->from_wall = WALL_US + 1;
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_CLOSED);
    d->from_wall = -1;
    d->until_wall = WALL_US;
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_CLOSED);
    d->until_wall = -1;
    d->minimum = 14901;
    tg_str_cut(d->currency, sizeof(d->currency), "NOK");
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_LIMIT);
    assert_string_equal(w->v.message, "The code BOUND is for purchases from 149.01 NOK.");
    d->minimum = 14900;
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    tg_str_cut(d->currency, sizeof(d->currency), "EUR");
    assert_int_equal(tg_shop_put_discount(w->shop, d), TG_OK);
    assert_int_equal(buy(w, "pA", "BOUND"), TG_CODE_NOT_FOUND);
    tg_discount_free(d);
    world_free(w);
}

static void test_only_codes_that_count_are_used_up(void **state)
{
    struct world *w = world_new();
    struct tg_discount ten = percent("TEN", 1000, false);
    struct tg_discount half = percent("HALF", 5000, false);

    (void)state;
    assert_int_equal(make(w, &ten), TG_CODE_OK);
    assert_int_equal(make(w, &half), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", "TEN,HALF"), TG_CODE_OK);
    assert_string_equal(w->v.order->codes, "HALF");
    assert_int_equal(uses_of(w, "TEN"), 0);
    assert_int_equal(uses_of(w, "HALF"), 1);
    world_free(w);
}

static void test_change_and_end_of_a_code_are_undone(void **state)
{
    struct world *w = world_new();
    struct tg_discount d = percent("SUMMER", 1000, false);
    struct tg_claim c = claim_of(TG_CLAIM_CODE_SET, "s1", "");

    (void)state;
    c.discount = &d;
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    assert_int_equal(make(w, &d), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    assert_null(tg_shop_discount(w->shop, "SUMMER"));
    assert_int_equal(make(w, &d), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", "SUMMER"), TG_CODE_OK);
    tg_shop_commit(w->shop);
    d.bp = 2000;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    d.bp = 3000;
    assert_int_equal(decide(w, &c), TG_CODE_OK); /* twice in a batch */
    assert_int_equal(buy(w, "pA", "SUMMER"), TG_CODE_OK);
    assert_int_equal(w->v.order->discount, 4470);
    assert_int_equal(uses_of(w, "SUMMER"), 2);
    tg_shop_rollback(w->shop);
    assert_int_equal(tg_shop_discount(w->shop, "SUMMER")->bp, 1000);
    assert_int_equal(uses_of(w, "SUMMER"), 1);
    c.kind = TG_CLAIM_CODE_END;
    c.key = "summer";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", "SUMMER"), TG_CODE_NOT_FOUND);
    assert_int_equal(make(w, &d), TG_CODE_CONFLICT); /* a code is never given twice */
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    tg_shop_rollback(w->shop);
    assert_int_equal(buy(w, "pA", "SUMMER"), TG_CODE_OK);
    d.bp = 0;
    c.kind = TG_CLAIM_CODE_SET;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static void test_code_json(void **state)
{
    struct tg_discount d = amount_off("SUMMER", 5000, true);
    struct tg_buf buf;
    struct tg_jo j;

    (void)state;
    d.until_wall = WALL_US;
    d.uses = 3;
    tg_buf_init(&buf, 4096);
    j = tg_jo(&buf);
    tg_discount_write(&j, NULL, &d, "demo");
    assert_string_equal(
        tg_buf_cstr(&buf),
        "{\"code\":\"SUMMER\",\"amount\":5000,\"currency\":\"NOK\",\"show\":\"demo\","
        "\"person_max\":0,\"uses_max\":0,\"uses\":3,\"from\":null,"
        "\"until\":\"2026-05-28T20:26:40.000Z\",\"combinable\":true}");
    tg_buf_done(&buf);
}

static void everything(struct world *w, tg_err *ret_err, bool *ret_internal)
{
    struct tg_discount d = percent("SUMMER", 1000, false);
    struct tg_claim c = claim_of(TG_CLAIM_CODE_SET, "s1", "");
    enum tg_code codes[4] = {TG_CODE_OK};

    *ret_internal = false;
    *ret_err = open_world(w);
    if (*ret_err == TG_OK) {
        c.discount = &d;
        codes[0] = make(w, &d);
        codes[1] = codes[0] == TG_CODE_OK ? buy(w, "pA", "SUMMER") : TG_CODE_OK;
        codes[2] = codes[0] == TG_CODE_OK ? decide(w, &c) : TG_CODE_OK;
        for (size_t i = 0; i < 4; i++)
            *ret_internal |= codes[i] == TG_CODE_INTERNAL;
        tg_shop_rollback(w->shop);
        assert_null(tg_shop_discount(w->shop, "SUMMER"));
        assert_int_equal(tg_shop_variant(w->shop, "MUG")->stock.held, 0);
    }
    tg_shop_free(w->shop);
}

static void test_codes_without_memory_refuse_and_stay_whole(void **state)
{
    bool internal = true;
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    for (long n = 0; err != TG_OK || internal; n++) {
        struct world w;

        assert_in_range(n, 0, 500);
        tg_alloc_fail_nth(n);
        everything(&w, &err, &internal);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_are_found_however_they_are_typed),
        cmocka_unit_test(test_flaws_are_named),
        cmocka_unit_test(test_best_single_or_all_combinable),
        cmocka_unit_test(test_property_discounts_never_exceed_their_lines),
        cmocka_unit_test(test_code_takes_off_and_counts),
        cmocka_unit_test(test_total_that_was_shown_is_honoured_or_asked_again),
        cmocka_unit_test(test_total_limit_is_never_passed_and_comes_back),
        cmocka_unit_test(test_limit_of_one_person),
        cmocka_unit_test(test_code_is_bound_to_show_people_goods_sum_and_time),
        cmocka_unit_test(test_only_codes_that_count_are_used_up),
        cmocka_unit_test(test_change_and_end_of_a_code_are_undone),
        cmocka_unit_test(test_code_json),
        cmocka_unit_test(test_codes_without_memory_refuse_and_stay_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
