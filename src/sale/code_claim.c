/* Discount codes as claims. */
#include <string.h>

#include "base/str.h"
#include "sale/sale_priv.h"

static tg_err discount_of(struct tg_discount **ret, const struct tg_code_def *def)
{
    struct tg_discount *d = NULL;
    tg_err err = tg_discount_new(&d, def->sku_count, def->person_count);

    if (err != TG_OK)
        return err;
    if (!tg_code_canon(d->code, def->code, strlen(def->code)))
        d->code[0] = '\0'; /* refused by name */
    d->kind = def->percent ? TG_DISCOUNT_PERCENT : TG_DISCOUNT_AMOUNT;
    d->bp = def->bp;
    d->amount = def->amount;
    tg_str_cut(d->currency, sizeof(d->currency), def->currency);
    d->minimum = def->minimum;
    d->show = def->show;
    d->person_max = def->person_max;
    d->uses_max = def->uses_max;
    d->from_wall = def->from_wall_us;
    d->until_wall = def->until_wall_us;
    d->combinable = def->combinable;
    memcpy(d->skus, def->skus, def->sku_count * sizeof(def->skus[0]));
    memcpy(d->persons, def->persons, def->person_count * sizeof(def->persons[0]));
    *ret = d;
    return TG_OK;
}

_Static_assert(sizeof(((struct tg_discount *)0)->persons[0]) ==
                   sizeof(((struct tg_code_def *)0)->persons[0]),
               "a code's people are copied as they are");

static void digest_code(struct tg_item *item, const struct tg_discount *d)
{
    tg_item_says(item, d->code);
    tg_item_says_int(item, d->kind);
    tg_item_says_int(item, d->bp);
    tg_item_says_int(item, d->amount);
    tg_item_says(item, d->currency);
    tg_item_says_int(item, d->minimum);
    tg_item_says_int(item, d->show);
    tg_item_says_int(item, d->person_max);
    tg_item_says_int(item, d->uses_max);
    tg_item_says_int(item, d->from_wall);
    tg_item_says_int(item, d->until_wall);
    tg_item_says_int(item, d->combinable);
    for (uint32_t i = 0; i < d->sku_count; i++)
        tg_item_says(item, d->skus[i]);
    for (uint32_t i = 0; i < d->person_count; i++)
        tg_item_says(item, d->persons[i]);
}

bool tg_code_claim(struct tg_item *item, struct tg_verdict *out)
{
    bool made = item->req->what == TG_SALE_CODE_NEW;

    item->claim.kind = made ? TG_CLAIM_CODE_NEW : TG_CLAIM_CODE_SET;
    if (discount_of(&item->discount, item->req->code) != TG_OK)
        return tg_request_no_memory(out);
    item->claim.discount = item->discount;
    digest_code(item, item->discount);
    return tg_request_admin(item, out, made ? "http.code.new" : "http.code.set", TG_ROLE_MAY_PRICE);
}
