/*
 * money.h - amounts of money: rounding, percentages, tax, splitting, currencies.
 *
 * Pure. An amount is an integer of the currency's minor units (ISO 4217: two decimals for most,
 * none for JPY and ISK, three for KWD); nothing here or anywhere else in the shop is a floating
 * number.
 *
 * The rules, once for all:
 *   - Halves are rounded away from zero (commercial rounding).
 *   - It is rounded once per line, at the very end: several percentages off one line are multiplied
 *     exactly and rounded once. An order's sum, discount and tax are the sums of its lines; nothing
 *     is rounded there.
 *   - Prices include tax. Tax of an amount with the rate r is amount - amount / (1 + r); the tax is
 *     what is rounded, the net amount is the rest, so both add up to the amount.
 *   - An amount that belongs to several lines is split by their weights with the largest remainder:
 *     each gets its share rounded down, and the units left over go to the largest fractions, the
 *     earlier line first. The parts always add up to the amount.
 *   - Rates are basis points, hundredths of a percent: 2500 is 25 %.
 */
#ifndef TG_SHOP_MONEY_H
#define TG_SHOP_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"

enum {
    TG_CURRENCY_SIZE = 4,
    TG_BP_ALL = 10000, /* 100 % */
    TG_TAX_CLASS_SIZE = 17,
    TG_TAX_CLASSES_MAX = 8, /* the EU allows five rates and zero; and two to spare */
    TG_MONEY_SIZE = 40,
};

/* Decimals of a currency by ISO 4217; 2 for one that is not in the list of exceptions. */
int tg_currency_digits(const char *currency);
/* Three capital letters. */
bool tg_currency_ok(const char *currency);
/* "349.00 NOK", "1200 JPY", "1.250 KWD", "-5.00 NOK". */
void tg_money_text(char out[TG_MONEY_SIZE], int64_t amount, const char *currency);

/* bp of amount, rounded; bp 0..TG_BP_ALL. The result lies between 0 and amount. */
int64_t tg_money_percent(int64_t amount, int32_t bp);
/* What is left of amount >= 0 after every one of these percentages was taken off what the one
 * before it left; rounded once, so that their order does not matter. count <= 3. */
int64_t tg_money_after(int64_t amount, const int32_t *bps, size_t count);
/* The tax within a gross amount; bp 0..TG_BP_ALL. */
int64_t tg_money_tax(int64_t gross, int32_t bp);
/*
 * amount >= 0 over count lines with weights >= 0 whose sum fits 63 bits: ret[i] is weight[i]'s
 * share. The parts add up to amount; when amount is at most the sum of the weights, no part is
 * greater than its weight. All weights zero: everything goes to the first line. count >= 1.
 */
void tg_money_split(int64_t *ret, int64_t amount, const int64_t *weights, size_t count);

/* --- tax classes --- */

struct tg_tax_class {
    char name[TG_TAX_CLASS_SIZE]; /* [a-z0-9_-] */
    int32_t bp;
};

struct tg_taxes {
    uint32_t count;
    uint32_t standard; /* index of the class of what names none, or an unknown one */
    struct tg_tax_class classes[TG_TAX_CLASSES_MAX];
};

/* Norway's: standard 2500, food 1500, low 1200, zero 0. */
extern const struct tg_taxes tg_taxes_norway;
/*
 * "standard=2500 food=1500 zero=0"; commas or blanks between. The first one is the default unless
 * standard names another ("" = the first). MALFORMED: the shape, a rate above 100 %, a name twice.
 * LIMIT: too many, or a name too long. NOTFOUND: `standard` is none of them.
 */
TG_MUST_CHECK tg_err tg_taxes_parse(struct tg_taxes *ret, const char *text, const char *standard);
/* Rate of a class by name; "" or an unknown name: the default class's. No class at all: 0. */
int32_t tg_tax_rate(const struct tg_taxes *taxes, const char *name);
/* NULL = no such class. */
const struct tg_tax_class *tg_tax_class(const struct tg_taxes *taxes, const char *name);

#endif
