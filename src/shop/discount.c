#include "shop/discount.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

enum { PRICE_MAX = 1000000000 };

tg_err tg_discount_new(struct tg_discount **ret, size_t skus, size_t persons)
{
    struct tg_discount *d;

    if (skus > TG_CODE_LIST_MAX || persons > TG_CODE_LIST_MAX)
        return TG_ERR_LIMIT;
    d = tg_calloc(1, sizeof(*d) + skus * sizeof(d->skus[0]) + persons * sizeof(d->persons[0]));
    if (d == NULL)
        return TG_ERR_NOMEM;
    d->show = UINT16_MAX;
    d->from_wall = -1;
    d->until_wall = -1;
    d->sku_count = (uint32_t)skus;
    d->person_count = (uint32_t)persons;
    d->skus = (char(*)[TG_SKU_MAX + 1])(void *)&d[1];
    d->persons = (char(*)[TG_PERSON_ID_SIZE])(void *)&d->skus[skus];
    *ret = d;
    return TG_OK;
}

tg_err tg_discount_copy(struct tg_discount **ret, const struct tg_discount *from)
{
    struct tg_discount *d = NULL;
    tg_err err = tg_discount_new(&d, from->sku_count, from->person_count);
    char(*skus)[TG_SKU_MAX + 1];
    char(*persons)[TG_PERSON_ID_SIZE];

    if (err != TG_OK)
        return err;
    skus = d->skus;
    persons = d->persons;
    *d = *from;
    d->skus = skus;
    d->persons = persons;
    if (d->sku_count > 0)
        memcpy(d->skus, from->skus, d->sku_count * sizeof(d->skus[0]));
    if (d->person_count > 0)
        memcpy(d->persons, from->persons, d->person_count * sizeof(d->persons[0]));
    *ret = d;
    return TG_OK;
}

void tg_discount_free(struct tg_discount *discount)
{
    tg_free(discount);
}

const char *tg_discount_flaw(const struct tg_discount *d)
{
    char code[TG_DISCOUNT_CODE_SIZE];

    if (!tg_code_canon(code, d->code, strlen(d->code)) || strcmp(code, d->code) != 0)
        return "code must be 1 to 32 of A-Z, 0-9, - and _.";
    if (d->kind == TG_DISCOUNT_PERCENT && (d->bp < 1 || d->bp > TG_BP_ALL))
        return "percent_bp must be 1 to 10000.";
    if (d->kind == TG_DISCOUNT_AMOUNT && (d->amount < 1 || d->amount > PRICE_MAX))
        return "amount must be 1 to 1000000000.";
    if (d->minimum < 0 || d->minimum > PRICE_MAX)
        return "minimum must be 0 to 1000000000.";
    if (d->currency[0] != '\0' ? !tg_currency_ok(d->currency)
                               : d->kind == TG_DISCOUNT_AMOUNT || d->minimum > 0)
        return "currency must be an ISO 4217 code, like NOK.";
    if (d->person_max < 0 || d->uses_max < 0)
        return "person_max and uses_max must not be negative.";
    if (d->until_wall >= 0 && d->from_wall >= d->until_wall)
        return "until must lie after from.";
    return NULL;
}

/* --- codes as texts --- */

bool tg_code_canon(char out[TG_DISCOUNT_CODE_SIZE], const char *text, size_t len)
{
    if (len < 1 || len >= TG_DISCOUNT_CODE_SIZE)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return false;
        out[i] = c;
    }
    out[len] = '\0';
    return true;
}

static bool known(char codes[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE], int count,
                  const char *code)
{
    for (int i = 0; i < count; i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

int tg_codes_split(char out[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE], const char *text)
{
    int count = 0;

    while (*(text += strspn(text, " ,")) != '\0') {
        size_t len = strcspn(text, ",");
        const char *next = text + len;
        char code[TG_DISCOUNT_CODE_SIZE];

        while (len > 0 && text[len - 1] == ' ')
            len--;
        if (!tg_code_canon(code, text, len))
            memcpy(code, "?", 2);
        text = next;
        if (known(out, count, code))
            continue;
        if (count == TG_ORDER_CODES_MAX)
            return -1;
        memcpy(out[count++], code, sizeof(code));
    }
    return count;
}

/* --- one purchase --- */

bool tg_discount_for_sku(const struct tg_discount *d, const char *sku)
{
    for (uint32_t i = 0; i < d->sku_count; i++)
        if (strcmp(d->skus[i], sku) == 0)
            return true;
    return d->sku_count == 0;
}

bool tg_discount_for_person(const struct tg_discount *d, const char *person)
{
    for (uint32_t i = 0; i < d->person_count; i++)
        if (strcmp(d->persons[i], person) == 0)
            return true;
    return d->person_count == 0;
}

/* Lines, what is left of them, and which code is for which. */
struct purchase {
    const struct tg_discount_line *lines;
    size_t line_count;
    const struct tg_discount *const *codes;
    size_t code_count;
    int64_t left[TG_CART_LINES_MAX];
    uint8_t codes_of[TG_CART_LINES_MAX]; /* bits */
};

static void take_percents(struct purchase *p, unsigned set)
{
    for (size_t i = 0; i < p->line_count; i++) {
        int32_t bps[TG_ORDER_CODES_MAX];
        size_t count = 0;

        for (size_t c = 0; c < p->code_count; c++)
            if ((set & p->codes_of[i] & 1U << c) != 0 && p->codes[c]->kind == TG_DISCOUNT_PERCENT)
                bps[count++] = p->codes[c]->bp;
        p->left[i] = tg_money_after(p->lines[i].sum, bps, count);
    }
}

static void take_amount(struct purchase *p, size_t code)
{
    int64_t weights[TG_CART_LINES_MAX];
    int64_t parts[TG_CART_LINES_MAX];
    int64_t sum = 0;

    for (size_t i = 0; i < p->line_count; i++) {
        weights[i] = (p->codes_of[i] & 1U << code) != 0 ? p->left[i] : 0;
        sum += weights[i]; /* 50 lines of at most 10^13 */
    }
    if (sum == 0)
        return;
    tg_money_split(parts, TG_MIN(p->codes[code]->amount, sum), weights, p->line_count);
    for (size_t i = 0; i < p->line_count; i++)
        p->left[i] -= parts[i];
}

/* What a set of codes takes off in all; left has the rest of each line. */
static int64_t take_off(struct purchase *p, unsigned set)
{
    int64_t off = 0;

    take_percents(p, set);
    for (size_t c = 0; c < p->code_count; c++)
        if ((set & 1U << c) != 0 && p->codes[c]->kind == TG_DISCOUNT_AMOUNT)
            take_amount(p, c);
    for (size_t i = 0; i < p->line_count; i++) {
        TG_ASSERT(p->left[i] >= 0);
        TG_ASSERT(p->left[i] <= p->lines[i].sum);
        off += p->lines[i].sum - p->left[i];
    }
    return off;
}

unsigned tg_discount_best(struct tg_discount_line *lines, size_t line_count,
                          const struct tg_discount *const *codes, size_t count)
{
    struct purchase p = {
        .lines = lines, .line_count = line_count, .codes = codes, .code_count = count};
    unsigned together = 0;
    unsigned best = 0;
    int64_t most = 0;

    TG_ASSERT(count <= TG_ORDER_CODES_MAX);
    TG_ASSERT(line_count <= TG_CART_LINES_MAX);
    for (size_t c = 0; c < count; c++) {
        together |= codes[c]->combinable ? 1U << c : 0;
        for (size_t i = 0; i < line_count; i++)
            if (tg_discount_for_sku(codes[c], lines[i].sku))
                p.codes_of[i] |= (uint8_t)(1U << c);
    }
    for (size_t c = 0; c <= count; c++) {
        unsigned set = c < count ? 1U << c : together;
        int64_t off = take_off(&p, set);

        if (off > most) {
            most = off;
            best = set;
        }
    }
    (void)take_off(&p, best); /* once more, for what is left of the lines */
    for (size_t i = 0; i < line_count; i++)
        lines[i].discount = lines[i].sum - p.left[i];
    return best;
}
