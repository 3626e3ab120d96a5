/*
 * test_money.c - rounding, percentages, tax, splitting, currencies: examples by hand, then
 * properties over thousands of seeded cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/rng.h"
#include "shop/money.h"

enum { CASES = 20000 };

static const int32_t rates[] = {0, 500, 600, 700, 1000, 1200, 1500, 1900, 2000, 2500, 2700, 10000};

static void test_percent_rounds_halves_away_from_zero(void **state)
{
    (void)state;
    assert_int_equal(tg_money_percent(1000, 1000), 100);
    assert_int_equal(tg_money_percent(5, 1000), 1);   /* 0.5 */
    assert_int_equal(tg_money_percent(4, 1000), 0);   /* 0.4 */
    assert_int_equal(tg_money_percent(15, 1000), 2);  /* 1.5 */
    assert_int_equal(tg_money_percent(-5, 1000), -1); /* -0.5 */
    assert_int_equal(tg_money_percent(-15, 1000), -2);
    assert_int_equal(tg_money_percent(1, 5000), 1);
    assert_int_equal(tg_money_percent(33333, 10000), 33333);
    assert_int_equal(tg_money_percent(INT64_MAX, 10000), INT64_MAX);
    assert_int_equal(tg_money_percent(INT64_MAX, 0), 0);
}

static void test_percentages_together_are_rounded_once(void **state)
{
    static const int32_t ten_and_ten[] = {1000, 1000};
    static const int32_t mixed[] = {3333, 1, 2500};
    static const int32_t turned[] = {2500, 3333, 1};

    (void)state;
    assert_int_equal(tg_money_after(10000, NULL, 0), 10000);
    assert_int_equal(tg_money_after(10000, ten_and_ten, 2), 8100);
    /* 5 * 0.9 * 0.9 = 4.05; rounded twice it would be 5 * 0.9 = 5 (4.5 up), then 4.5 up again: 5.
     */
    assert_int_equal(tg_money_after(5, ten_and_ten, 2), 4);
    assert_int_equal(tg_money_after(987654321, mixed, 3), tg_money_after(987654321, turned, 3));
}

static void test_tax_is_within_the_price(void **state)
{
    (void)state;
    assert_int_equal(tg_money_tax(12500, 2500), 2500);
    assert_int_equal(tg_money_tax(11500, 1500), 1500);
    assert_int_equal(tg_money_tax(11200, 1200), 1200);
    assert_int_equal(tg_money_tax(19900, 2500), 3980);
    assert_int_equal(tg_money_tax(9900, 1500), 1291); /* 1291.30 */
    assert_int_equal(tg_money_tax(14, 1200), 2);      /* 1.5: a half, away from zero */
    assert_int_equal(tg_money_tax(-14, 1200), -2);
    assert_int_equal(tg_money_tax(19900, 0), 0);
    assert_int_equal(tg_money_tax(0, 2500), 0);
    assert_int_equal(tg_money_tax(200, 10000), 100);
}

static void test_currencies_have_their_decimals(void **state)
{
    char text[TG_MONEY_SIZE];

    (void)state;
    assert_int_equal(tg_currency_digits("NOK"), 2);
    assert_int_equal(tg_currency_digits("JPY"), 0);
    assert_int_equal(tg_currency_digits("ISK"), 0);
    assert_int_equal(tg_currency_digits("KWD"), 3);
    tg_money_text(text, 34900, "NOK");
    assert_string_equal(text, "349.00 NOK");
    tg_money_text(text, 5, "NOK");
    assert_string_equal(text, "0.05 NOK");
    tg_money_text(text, -500, "NOK");
    assert_string_equal(text, "-5.00 NOK");
    tg_money_text(text, 1200, "JPY");
    assert_string_equal(text, "1200 JPY");
    tg_money_text(text, 1250, "KWD");
    assert_string_equal(text, "1.250 KWD");
    tg_money_text(text, INT64_MIN, "KWD");
    assert_string_equal(text, "-9223372036854775.808 KWD");
    assert_true(tg_currency_ok("SEK"));
    assert_false(tg_currency_ok("sek"));
    assert_false(tg_currency_ok("SE"));
    assert_false(tg_currency_ok("SEKK"));
    assert_false(tg_currency_ok(""));
}

static void test_split_gives_the_rest_to_the_largest_fractions(void **state)
{
    static const int64_t equal[] = {1, 1, 1};
    static const int64_t skewed[] = {100, 10, 1};
    static const int64_t none[] = {0, 0};
    int64_t parts[3];

    (void)state;
    tg_money_split(parts, 100, equal, 3);
    assert_int_equal(parts[0], 34); /* a tie: the earlier line */
    assert_int_equal(parts[1], 33);
    assert_int_equal(parts[2], 33);
    tg_money_split(parts, 10, skewed, 3); /* 9.009 0.900 0.090 */
    assert_int_equal(parts[0], 9);
    assert_int_equal(parts[1], 1);
    assert_int_equal(parts[2], 0);
    tg_money_split(parts, 7, none, 2);
    assert_int_equal(parts[0], 7);
    assert_int_equal(parts[1], 0);
}

static void test_tax_classes_are_parsed(void **state)
{
    struct tg_taxes taxes = {.count = 0};

    (void)state;
    assert_int_equal(tg_taxes_parse(&taxes, "standard=2500, food=1500 zero=0", "food"), TG_OK);
    assert_int_equal(taxes.count, 3);
    assert_int_equal(tg_tax_rate(&taxes, "standard"), 2500);
    assert_int_equal(tg_tax_rate(&taxes, "zero"), 0);
    assert_int_equal(tg_tax_rate(&taxes, ""), 1500);
    assert_int_equal(tg_tax_rate(&taxes, "books"), 1500);
    assert_int_equal(tg_taxes_parse(&taxes, "a=1", ""), TG_OK);
    assert_int_equal(tg_tax_rate(&taxes, ""), 1);
    assert_int_equal(tg_tax_rate(&(struct tg_taxes){.count = 0}, ""), 0);
    assert_int_equal(tg_taxes_parse(&taxes, "", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "a", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "=5", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "a=", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "a=10001", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "a=-1", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "a=1 a=2", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "A=1", ""), TG_ERR_MALFORMED);
    assert_int_equal(tg_taxes_parse(&taxes, "a=1", "b"), TG_ERR_NOTFOUND);
    assert_int_equal(tg_taxes_parse(&taxes, "a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", ""),
                     TG_ERR_LIMIT);
    assert_int_equal(tg_taxes_parse(&taxes, "abcdefghijklmnopq=1", ""), TG_ERR_LIMIT);
    assert_int_equal(taxes.count, 1); /* unchanged by what was refused */
}

/* --- properties --- */

static int64_t some_amount(struct tg_rng *rng)
{
    static const uint64_t bounds[] = {10, 1000, 100000, 10000000, UINT64_C(100000000000000)};

    return (int64_t)tg_rng_below(rng, bounds[tg_rng_below(rng, 5)]);
}

static int32_t some_rate(struct tg_rng *rng)
{
    return tg_rng_below(rng, 2) == 0 ? rates[tg_rng_below(rng, TG_ARRAY_LEN(rates))]
                                     : (int32_t)tg_rng_below(rng, TG_BP_ALL + 1);
}

static void test_property_percent_is_the_nearest(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);

    (void)state;
    for (int i = 0; i < CASES; i++) {
        int64_t amount = some_amount(&rng);
        int32_t bp = some_rate(&rng);
        int64_t part = tg_money_percent(amount, bp);

        assert_in_range(part, 0, amount);
        /* |part - amount * bp / 10000| <= 1/2, and a half only upwards */
        assert_true(2 * (part * TG_BP_ALL - amount * bp) <= TG_BP_ALL);
        assert_true(2 * (part * TG_BP_ALL - amount * bp) > -TG_BP_ALL);
        assert_int_equal(tg_money_percent(-amount, bp), -part);
        assert_int_equal(part + tg_money_after(amount, &bp, 1) >= amount, true);
        assert_in_range(part + tg_money_after(amount, &bp, 1) - amount, 0, 1);
    }
}

static void test_property_tax_is_the_nearest_and_grows(void **state)
{
    struct tg_rng rng = tg_rng_seeded(2);

    (void)state;
    for (int i = 0; i < CASES; i++) {
        int64_t gross = some_amount(&rng);
        int32_t bp = some_rate(&rng);
        int64_t tax = tg_money_tax(gross, bp);
        int64_t whole = TG_BP_ALL + bp;

        assert_in_range(tax, 0, gross);
        assert_true(2 * (tax * whole - gross * bp) <= whole);
        assert_true(2 * (tax * whole - gross * bp) > -whole);
        assert_true(tg_money_tax(gross + 1, bp) >= tax);
        assert_int_equal(tg_money_tax(-gross, bp), -tax);
    }
}

/* The tax of a sum and the sum of the taxes differ by at most half a unit a line. */
static void test_property_tax_of_sum_and_sum_of_taxes_are_near(void **state)
{
    struct tg_rng rng = tg_rng_seeded(3);

    (void)state;
    for (int i = 0; i < CASES / 10; i++) {
        size_t lines = 1 + tg_rng_below(&rng, TG_CART_LINES_MAX);
        int32_t bp = some_rate(&rng);
        int64_t gross = 0;
        int64_t taxes = 0;
        int64_t apart;

        for (size_t l = 0; l < lines; l++) {
            int64_t sum = some_amount(&rng);

            gross += sum;
            taxes += tg_money_tax(sum, bp);
        }
        apart = taxes - tg_money_tax(gross, bp);
        assert_true(2 * (apart < 0 ? -apart : apart) <= (int64_t)lines + 1);
    }
}

static void test_property_split_adds_up(void **state)
{
    struct tg_rng rng = tg_rng_seeded(4);

    (void)state;
    for (int i = 0; i < CASES; i++) {
        int64_t weights[TG_CART_LINES_MAX];
        int64_t parts[TG_CART_LINES_MAX];
        size_t lines = 1 + tg_rng_below(&rng, TG_CART_LINES_MAX);
        int64_t sum = 0;
        int64_t given = 0;
        int64_t amount;

        for (size_t l = 0; l < lines; l++) {
            weights[l] = tg_rng_below(&rng, 5) == 0 ? 0 : some_amount(&rng);
            sum += weights[l];
        }
        amount = sum == 0 ? 5 : (int64_t)tg_rng_below(&rng, (uint64_t)sum + 1);
        tg_money_split(parts, amount, weights, lines);
        for (size_t l = 0; l < lines; l++) {
            assert_true(parts[l] >= 0);
            /* Less than one unit from its share, and never more than the line has. */
            if (sum > 0) {
                long double share =
                    (long double)amount * (long double)weights[l] / (long double)sum;

                assert_true((long double)parts[l] > share - 1.001L);
                assert_true((long double)parts[l] < share + 1.001L);
                assert_true(parts[l] <= weights[l]);
            }
            given += parts[l];
        }
        assert_int_equal(given, amount);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The same lines in another order get the same parts, but for who of equals has the odd unit. */
static void test_property_split_does_not_depend_on_the_order(void **state)
{
    struct tg_rng rng = tg_rng_seeded(5);

    (void)state;
    for (int i = 0; i < CASES / 4; i++) {
        int64_t weights[20];
        int64_t turned[20];
        int64_t parts[20];
        int64_t others[20];
        size_t lines = 1 + tg_rng_below(&rng, 20);
        int64_t sum = 0;
        int64_t amount;

        for (size_t l = 0; l < lines; l++) {
            weights[l] = 1 + some_amount(&rng);
            turned[lines - 1 - l] = weights[l];
            sum += weights[l];
        }
        amount = (int64_t)tg_rng_below(&rng, (uint64_t)sum + 1);
        tg_money_split(parts, amount, weights, lines);
        tg_money_split(others, amount, turned, lines);
        qsort(parts, lines, sizeof(parts[0]), compare);
        qsort(others, lines, sizeof(others[0]), compare);
        for (size_t l = 0; l < lines; l++) {
            int64_t apart = parts[l] - others[l];

            assert_true(apart >= -1 && apart <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percent_rounds_halves_away_from_zero),
        cmocka_unit_test(test_percentages_together_are_rounded_once),
        cmocka_unit_test(test_tax_is_within_the_price),
        cmocka_unit_test(test_currencies_have_their_decimals),
        cmocka_unit_test(test_split_gives_the_rest_to_the_largest_fractions),
        cmocka_unit_test(test_tax_classes_are_parsed),
        cmocka_unit_test(test_property_percent_is_the_nearest),
        cmocka_unit_test(test_property_tax_is_the_nearest_and_grows),
        cmocka_unit_test(test_property_tax_of_sum_and_sum_of_taxes_are_near),
        cmocka_unit_test(test_property_split_adds_up),
        cmocka_unit_test(test_property_split_does_not_depend_on_the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
