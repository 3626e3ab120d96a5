#include "shop/money.h"

#include <string.h>

#include "base/limits.h"
#include "base/str.h"

/* Wide enough for an amount of 63 bits times three rates of 14 bits. */
__extension__ typedef unsigned __int128 tg_wide;

_Static_assert(TG_BP_ALL == 10000, "the widths below are reckoned with it");

int tg_currency_digits(const char *currency)
{
    static const struct {
        char code[TG_CURRENCY_SIZE];
        int digits;
    } others[] = {
        {"BIF", 0}, {"CLP", 0}, {"DJF", 0}, {"GNF", 0}, {"ISK", 0}, {"JPY", 0}, {"KMF", 0},
        {"KRW", 0}, {"PYG", 0}, {"RWF", 0}, {"UGX", 0}, {"UYI", 0}, {"VND", 0}, {"VUV", 0},
        {"XAF", 0}, {"XOF", 0}, {"XPF", 0}, {"BHD", 3}, {"IQD", 3}, {"JOD", 3}, {"KWD", 3},
        {"LYD", 3}, {"OMR", 3}, {"TND", 3}, {"CLF", 4}, {"UYW", 4},
    };

    for (size_t i = 0; i < TG_ARRAY_LEN(others); i++)
        if (strcmp(others[i].code, currency) == 0)
            return others[i].digits;
    return 2;
}

bool tg_currency_ok(const char *currency)
{
    for (size_t i = 0; i < 3; i++)
        if (currency[i] < 'A' || currency[i] > 'Z')
            return false;
    return currency[3] == '\0';
}

void tg_money_text(char out[TG_MONEY_SIZE], int64_t amount, const char *currency)
{
    static const uint64_t units[] = {1, 10, 100, 1000, 10000};
    int digits = tg_currency_digits(currency);
    uint64_t whole = amount < 0 ? UINT64_C(0) - (uint64_t)amount : (uint64_t)amount;
    const char *sign = amount < 0 ? "-" : "";

    if (digits == 0)
        tg_str_printf(out, TG_MONEY_SIZE, "%s%llu %.3s", sign, (unsigned long long)whole, currency);
    else
        tg_str_printf(out, TG_MONEY_SIZE, "%s%llu.%0*llu %.3s", sign,
                      (unsigned long long)(whole / units[digits]), digits,
                      (unsigned long long)(whole % units[digits]), currency);
}

/* a / b with halves away from zero; both >= 0, the result fits 63 bits by what the callers pass. */
static int64_t divide(tg_wide a, tg_wide b)
{
    return (int64_t)((a + b / 2) / b);
}

static int64_t signed_divide(int64_t amount, uint32_t factor, uint32_t by)
{
    uint64_t whole = amount < 0 ? UINT64_C(0) - (uint64_t)amount : (uint64_t)amount;
    /* An odd divisor has no exact half, and b / 2 rounded down then leaves every fraction below a
     * half below it. */
    int64_t part = divide((tg_wide)whole * factor, by);

    return amount < 0 ? -part : part;
}

int64_t tg_money_percent(int64_t amount, int32_t bp)
{
    TG_ASSERT(bp >= 0 && bp <= TG_BP_ALL);
    return signed_divide(amount, (uint32_t)bp, TG_BP_ALL);
}

int64_t tg_money_after(int64_t amount, const int32_t *bps, size_t count)
{
    tg_wide top = (tg_wide)(uint64_t)amount;
    tg_wide bottom = 1;

    TG_ASSERT(amount >= 0);
    TG_ASSERT(count <= 3);
    for (size_t i = 0; i < count; i++) {
        TG_ASSERT(bps[i] >= 0 && bps[i] <= TG_BP_ALL);
        top *= (uint32_t)(TG_BP_ALL - bps[i]); /* 63 + 3 * 14 bits < 128 */
        bottom *= (uint32_t)TG_BP_ALL;
    }
    return divide(top, bottom);
}

int64_t tg_money_tax(int64_t gross, int32_t bp)
{
    TG_ASSERT(bp >= 0 && bp <= TG_BP_ALL);
    return signed_divide(gross, (uint32_t)bp, TG_BP_ALL + (uint32_t)bp);
}

/* The line with the largest fraction that has not got a unit yet; the earlier one on a tie. */
static size_t largest(const uint64_t *rests, size_t count)
{
    size_t best = 0;

    for (size_t i = 1; i < count; i++)
        if (rests[i] > rests[best])
            best = i;
    return best;
}

void tg_money_split(int64_t *ret, int64_t amount, const int64_t *weights, size_t count)
{
    uint64_t rests[TG_CART_LINES_MAX];
    uint64_t sum = 0;
    int64_t given = 0;

    TG_ASSERT(amount >= 0);
    TG_ASSERT(count >= 1 && count <= TG_CART_LINES_MAX);
    for (size_t i = 0; i < count; i++) {
        TG_ASSERT(weights[i] >= 0);
        sum += (uint64_t)weights[i];
    }
    TG_ASSERT(sum <= INT64_MAX);
    for (size_t i = 0; i < count; i++) {
        tg_wide share = (tg_wide)(uint64_t)amount * (uint64_t)weights[i];

        ret[i] = sum == 0 ? 0 : (int64_t)(share / sum);
        rests[i] = sum == 0 ? 0 : (uint64_t)(share % sum);
        given += ret[i];
    }
    if (sum == 0)
        ret[0] = amount;
    /* Fewer units are left than there are lines with a fraction: each gets at most one. */
    for (int64_t left = sum == 0 ? 0 : amount - given; left > 0; left--) {
        size_t at = largest(rests, count);

        TG_ASSERT(rests[at] > 0);
        ret[at]++;
        rests[at] = 0;
    }
}

/* --- tax classes --- */

const struct tg_taxes tg_taxes_norway = {
    .count = 4,
    .classes = {{"standard", 2500}, {"food", 1500}, {"low", 1200}, {"zero", 0}},
};

const struct tg_tax_class *tg_tax_class(const struct tg_taxes *taxes, const char *name)
{
    for (uint32_t i = 0; i < taxes->count; i++)
        if (strcmp(taxes->classes[i].name, name) == 0)
            return &taxes->classes[i];
    return NULL;
}

int32_t tg_tax_rate(const struct tg_taxes *taxes, const char *name)
{
    const struct tg_tax_class *class = name[0] == '\0' ? NULL : tg_tax_class(taxes, name);

    if (class == NULL && taxes->standard < taxes->count)
        class = &taxes->classes[taxes->standard];
    return class == NULL ? 0 : class->bp;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* "name=rate" of len bytes. */
static tg_err parse_class(struct tg_taxes *taxes, const char *text, size_t len)
{
    struct tg_tax_class *class = &taxes->classes[taxes->count];
    struct tg_tax_class parsed = {.bp = 0};
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals == NULL ? 0 : (size_t)(equals - text);
    int64_t bp;

    if (name_len == 0)
        return TG_ERR_MALFORMED;
    if (taxes->count == TG_TAX_CLASSES_MAX || name_len >= TG_TAX_CLASS_SIZE)
        return TG_ERR_LIMIT;
    for (size_t i = 0; i < name_len; i++)
        if (!name_char(text[i]))
            return TG_ERR_MALFORMED;
    memcpy(parsed.name, text, name_len);
    if (tg_tax_class(taxes, parsed.name) != NULL ||
        tg_parse_i64(&bp, equals + 1, len - name_len - 1, 0, TG_BP_ALL) != TG_OK)
        return TG_ERR_MALFORMED;
    parsed.bp = (int32_t)bp;
    *class = parsed;
    taxes->count++;
    return TG_OK;
}

tg_err tg_taxes_parse(struct tg_taxes *ret, const char *text, const char *standard)
{
    struct tg_taxes taxes = {.count = 0};

    for (text += strspn(text, " ,"); *text != '\0'; text += strspn(text, " ,")) {
        size_t len = strcspn(text, " ,");
        tg_err err = parse_class(&taxes, text, len);

        if (err != TG_OK)
            return err;
        text += len;
    }
    if (taxes.count == 0)
        return TG_ERR_MALFORMED;
    if (standard[0] != '\0') {
        const struct tg_tax_class *class = tg_tax_class(&taxes, standard);

        if (class == NULL)
            return TG_ERR_NOTFOUND;
        taxes.standard = (uint32_t)(class - taxes.classes);
    }
    *ret = taxes;
    return TG_OK;
}
