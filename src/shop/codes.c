/* Discount codes of the shop: who may use which now, and how often they were used. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

static struct tg_code_entry *find(const struct tg_shop *shop, const char *code)
{
    return tg_map_get_str(&shop->codes, code);
}

const struct tg_discount *tg_shop_discount(const struct tg_shop *shop, const char *code)
{
    const struct tg_code_entry *entry = find(shop, code);

    return entry == NULL ? NULL : entry->now;
}

static void entry_free(struct tg_code_entry *entry)
{
    tg_discount_free(entry->now);
    tg_discount_free(entry->before);
    tg_free(entry);
}

void tg_codes_free(struct tg_shop *shop)
{
    struct tg_code_entry *entry;
    size_t cursor = 0;

    while ((entry = tg_map_each(&shop->codes, &cursor)) != NULL)
        entry_free(entry);
    tg_map_done(&shop->codes);
}

/* A new entry that owns take_discount. */
static tg_err add(struct tg_shop *shop, struct tg_discount *take_discount,
                  struct tg_code_entry **ret)
{
    struct tg_code_entry *entry = NULL;
    tg_err err = shop->codes.count >= TG_DISCOUNTS_MAX ? TG_ERR_LIMIT : TG_OK;

    if (err == TG_OK) {
        entry = tg_calloc(1, sizeof(*entry));
        err = entry == NULL ? TG_ERR_NOMEM : TG_OK;
    }
    if (err == TG_OK) {
        memcpy(entry->code, take_discount->code, sizeof(entry->code));
        err = tg_map_put(&shop->codes, entry->code, strlen(entry->code), entry);
    }
    if (err != TG_OK) {
        tg_free(entry);
        tg_discount_free(take_discount);
        return err;
    }
    entry->now = take_discount;
    *ret = entry;
    return TG_OK;
}

tg_err tg_shop_put_discount(struct tg_shop *shop, const struct tg_discount *discount)
{
    struct tg_code_entry *entry = find(shop, discount->code);
    struct tg_discount *copy = NULL;
    tg_err err;

    if (tg_discount_flaw(discount) != NULL || discount->uses < 0)
        return TG_ERR_LIMIT;
    err = tg_discount_copy(&copy, discount);
    if (err != TG_OK)
        return err;
    if (entry == NULL)
        return add(shop, copy, &entry);
    TG_ASSERT(!entry->in_batch);
    tg_discount_free(entry->now);
    entry->now = copy;
    return TG_OK;
}

static void touch(struct tg_shop *shop, struct tg_code_entry *entry)
{
    if (entry->in_batch)
        return;
    entry->in_batch = true;
    entry->before_uses = entry->now->uses;
    entry->batch_next = shop->batch_codes;
    shop->batch_codes = entry;
}

/* --- uses of one person --- */

static size_t person_key(char out[TG_DISCOUNT_CODE_SIZE + TG_PERSON_ID_SIZE + 1], const char *code,
                         const char *person)
{
    size_t code_len = strnlen(code, TG_DISCOUNT_CODE_SIZE - 1);
    size_t person_len = strnlen(person, TG_PERSON_ID_SIZE - 1);

    memcpy(out, code, code_len);
    out[code_len] = '\0';
    memcpy(out + code_len + 1, person, person_len);
    return code_len + 1 + person_len;
}

static struct tg_code_person *person_find(const struct tg_shop *shop, const char *code,
                                          const char *person)
{
    char key[TG_DISCOUNT_CODE_SIZE + TG_PERSON_ID_SIZE + 1];
    size_t len = person_key(key, code, person);

    return tg_map_get(&shop->code_persons, key, len);
}

bool tg_shop_needs_code_uses(const struct tg_shop *shop, const char *code, const char *person)
{
    return find(shop, code) != NULL && person_find(shop, code, person) == NULL;
}

tg_err tg_shop_load_code_uses(struct tg_shop *shop, const char *code, const char *person,
                              int32_t uses)
{
    struct tg_code_person *p = person_find(shop, code, person);
    tg_err err;

    if (p != NULL) {
        p->uses = uses;
        return TG_OK;
    }
    p = tg_calloc(1, sizeof(*p));
    if (p == NULL)
        return TG_ERR_NOMEM;
    p->key_len = person_key(p->key, code, person);
    p->uses = uses;
    err = tg_map_put(&shop->code_persons, p->key, p->key_len, p);
    if (err != TG_OK)
        tg_free(p);
    return err;
}

void tg_codes_forget_persons(struct tg_shop *shop)
{
    struct tg_code_person *p;
    size_t cursor = 0;

    while ((p = tg_map_each(&shop->code_persons, &cursor)) != NULL)
        tg_free(p);
    tg_map_done(&shop->code_persons);
    tg_map_init(&shop->code_persons, shop->cfg.rng);
}

/* --- the batch --- */

void tg_codes_commit(struct tg_shop *shop)
{
    for (struct tg_code_entry *e = shop->batch_codes; e != NULL; e = e->batch_next) {
        tg_discount_free(e->before);
        e->before = NULL;
        e->fresh = false;
        e->in_batch = false;
    }
    shop->batch_codes = NULL;
    if (shop->code_persons.count > TG_LIMITS_CACHED)
        tg_codes_forget_persons(shop);
}

void tg_codes_rollback(struct tg_shop *shop)
{
    struct tg_code_entry *next;

    for (struct tg_code_entry *e = shop->batch_codes; e != NULL; e = next) {
        next = e->batch_next;
        if (e->fresh) {
            (void)tg_map_del(&shop->codes, e->code, strlen(e->code)); /* put when it was made */
            entry_free(e);
            continue;
        }
        if (e->before != NULL) {
            tg_discount_free(e->now);
            e->now = e->before;
            e->before = NULL;
        }
        e->now->uses = e->before_uses;
        e->in_batch = false;
    }
    shop->batch_codes = NULL;
    tg_codes_forget_persons(shop); /* read again from disk when somebody needs them */
}

/* --- staff --- */

static void refuse_err(struct tg_verdict *out, tg_err err)
{
    if (err == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_LIMIT, "The shop has as many codes as it can hold.");
    else
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
}

static void code_new(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    struct tg_code_entry *entry = NULL;
    struct tg_discount *copy = NULL;
    tg_err err = tg_discount_copy(&copy, c->discount);

    if (err == TG_OK) {
        copy->uses = 0;
        copy->ended = false;
        err = add(shop, copy, &entry);
    }
    if (err != TG_OK) {
        refuse_err(out, err);
        return;
    }
    touch(shop, entry);
    entry->fresh = true;
    out->discount = entry->now;
}

/* What it means now instead; uses go on. ended: the same, but over. */
static void code_replace(struct tg_shop *shop, struct tg_code_entry *entry,
                         const struct tg_discount *meaning, bool ended, struct tg_verdict *out)
{
    struct tg_discount *copy = NULL;
    tg_err err = tg_discount_copy(&copy, meaning);

    if (err != TG_OK) {
        refuse_err(out, err);
        return;
    }
    touch(shop, entry);
    copy->uses = entry->now->uses;
    copy->ended = ended;
    if (entry->before == NULL && !entry->fresh)
        entry->before = entry->now;
    else
        tg_discount_free(entry->now);
    entry->now = copy;
    out->discount = copy;
}

void tg_decide_code(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    bool end = c->kind == TG_CLAIM_CODE_END;
    char code[TG_DISCOUNT_CODE_SIZE] = "?";
    struct tg_code_entry *entry;
    const char *flaw = end ? NULL : tg_discount_flaw(c->discount);

    if (flaw != NULL) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "%s", flaw);
        return;
    }
    if (end)
        (void)tg_code_canon(code, c->key, strlen(c->key)); /* "?" is found nowhere */
    entry = find(shop, end ? code : c->discount->code);
    if (c->kind == TG_CLAIM_CODE_NEW) {
        if (entry == NULL)
            code_new(shop, c, out);
        else
            tg_refuse(out, TG_CODE_CONFLICT,
                      entry->now->ended ? "This code was used before; take another."
                                        : "There is this code already.");
        return;
    }
    if (entry == NULL || entry->now->ended)
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such code.");
    else
        code_replace(shop, entry, end ? entry->now : c->discount, end, out);
}

/* --- the stage of a claim --- */

/* Of the goods it is for; -1 = it is for none of them. */
static int64_t sum_for(const struct tg_discount *d, const struct tg_wish *wish)
{
    int64_t sum = -1;

    for (uint32_t i = 0; i < wish->count; i++) {
        const struct tg_want *w = &wish->wants[i];

        if (tg_discount_for_sku(d, w->variant->sku))
            sum = TG_MAX(sum, (int64_t)0) + w->price * w->qty; /* 50 lines of at most 10^13 */
    }
    return sum;
}

static bool in_window(const struct tg_discount *d, tg_us wall, struct tg_verdict *out)
{
    if (d->from_wall >= 0 && wall < d->from_wall)
        tg_refuse(out, TG_CODE_CLOSED, "The code %s is not valid yet.", d->code);
    else if (d->until_wall >= 0 && wall >= d->until_wall)
        tg_refuse(out, TG_CODE_CLOSED, "The code %s is over.", d->code);
    return out->code == TG_CODE_OK;
}

static bool uses_left(const struct tg_shop *shop, const struct tg_discount *d, const char *person,
                      struct tg_verdict *out)
{
    const struct tg_code_person *p = person_find(shop, d->code, person);

    if (d->uses_max > 0 && d->uses >= d->uses_max)
        tg_refuse(out, TG_CODE_LIMIT, "The code %s is used up.", d->code);
    else if (d->person_max > 0 && p != NULL && p->uses >= d->person_max)
        tg_refuse(out, TG_CODE_LIMIT, "You have used the code %s already.", d->code);
    return out->code == TG_CODE_OK;
}

static bool goods_fit(const struct tg_discount *d, const struct tg_wish *wish,
                      struct tg_verdict *out)
{
    char text[TG_MONEY_SIZE];
    int64_t sum = sum_for(d, wish);

    if (sum < 0) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "The code %s is not for these products.", d->code);
    } else if (d->currency[0] != '\0' && strcmp(d->currency, wish->currency) != 0) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "The code %s is for purchases in %s.", d->code,
                  d->currency);
    } else if (sum < d->minimum) {
        tg_money_text(text, d->minimum, d->currency);
        tg_refuse(out, TG_CODE_LIMIT, "The code %s is for purchases from %s.", d->code, text);
    }
    return out->code == TG_CODE_OK;
}

static bool may_use(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    const struct tg_wish *wish, const struct tg_discount *d, struct tg_verdict *out)
{
    /* A code for others, or for another show, does not exist here. */
    if (d == NULL || d->ended || (d->show != UINT16_MAX && d->show != c->show) ||
        !tg_discount_for_person(d, c->person)) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such code.");
        return false;
    }
    return in_window(d, now.wall, out) && uses_left(shop, d, c->person, out) &&
           goods_fit(d, wish, out);
}

static void join_codes(char out[TG_CODES_SIZE], const struct tg_discount *const *codes,
                       unsigned set)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t c = 0; c < TG_ORDER_CODES_MAX; c++) {
        if ((set & 1U << c) == 0)
            continue;
        /* Three codes of 32 and two commas fit. */
        tg_str_printf(out + len, TG_CODES_SIZE - len, "%s%s", len == 0 ? "" : ",", codes[c]->code);
        len = strlen(out);
    }
}

bool tg_codes_apply(const struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_wish *wish, struct tg_verdict *out)
{
    char texts[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    const struct tg_discount *codes[TG_ORDER_CODES_MAX] = {NULL};
    struct tg_discount_line lines[TG_CART_LINES_MAX];
    int count = tg_codes_split(texts, c->code);

    wish->codes[0] = '\0';
    if (count < 0) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "At most %d codes at once.", (int)TG_ORDER_CODES_MAX);
        return false;
    }
    for (int i = 0; i < count; i++) {
        codes[i] = tg_shop_discount(shop, texts[i]);
        if (!may_use(shop, now, c, wish, codes[i], out))
            return false;
    }
    if (count == 0)
        return true;
    for (uint32_t i = 0; i < wish->count; i++)
        lines[i] = (struct tg_discount_line){.sku = wish->wants[i].variant->sku,
                                             .sum = wish->wants[i].price * wish->wants[i].qty};
    join_codes(wish->codes, codes, tg_discount_best(lines, wish->count, codes, (size_t)count));
    for (uint32_t i = 0; i < wish->count; i++)
        wish->wants[i].discount = lines[i].discount;
    return true;
}

/* --- counting --- */

tg_err tg_codes_ready(struct tg_shop *shop, const char *codes, const char *person)
{
    char texts[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    int count = codes[0] == '\0' ? 0 : tg_codes_split(texts, codes);
    tg_err err = TG_OK;

    for (int i = 0; err == TG_OK && i < count; i++)
        if (tg_shop_needs_code_uses(shop, texts[i], person))
            err = tg_shop_load_code_uses(shop, texts[i], person, 0);
    return err;
}

bool tg_codes_left(const struct tg_shop *shop, const struct tg_order *order)
{
    char texts[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    int count = order->codes[0] == '\0' ? 0 : tg_codes_split(texts, order->codes);

    for (int i = 0; i < count; i++) {
        const struct tg_code_entry *entry = find(shop, texts[i]);
        const struct tg_code_person *p = person_find(shop, texts[i], order->person);

        if (entry == NULL)
            continue;
        if (entry->now->uses_max > 0 && entry->now->uses >= entry->now->uses_max)
            return false;
        if (entry->now->person_max > 0 && (p == NULL || p->uses >= entry->now->person_max))
            return false;
    }
    return true;
}

void tg_codes_count(struct tg_shop *shop, const struct tg_order *order, int32_t uses, tg_us wall)
{
    char texts[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    int count = order->codes[0] == '\0' ? 0 : tg_codes_split(texts, order->codes);

    for (int i = 0; i < count; i++) {
        struct tg_code_entry *entry = find(shop, texts[i]);
        struct tg_code_person *p = person_find(shop, texts[i], order->person);
        struct tg_effect *e;

        if (entry == NULL)
            continue; /* codes are never taken out of the shop; a damaged row may name one */
        touch(shop, entry);
        entry->now->uses = TG_MAX(entry->now->uses + uses, 0);
        if (p != NULL)
            p->uses = TG_MAX(p->uses + uses, 0);
        e = tg_shop_effect(shop, TG_EFFECT_CODE_USE, wall);
        e->code = entry->code;
        e->order = order;
        e->qty = uses;
    }
}
