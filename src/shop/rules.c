/* Rules of shows, kept by show and by (show, SKU). */
#include "shop/rules.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/comment.h"
#include "shop/shop_priv.h"

struct kept_rules {
    struct tg_show_rules rules; /* first: tg_shop_rules() hands it out */
    struct kept_rules *batch_next;
    bool in_batch;
    struct tg_show_rules before;
};

struct item_key {
    char sku[TG_SKU_MAX + 1]; /* zero-padded: the key is these bytes */
    uint16_t show;
};

struct number_key {
    uint32_t number;
    uint32_t show; /* as wide as the number: no padding, the key is these bytes */
};

/* The items that share a number in a show: SKUs of one product. */
struct number {
    struct number_key key;
    struct kept_item *first;
};

struct kept_item {
    struct tg_show_item item; /* first: tg_shop_show_item() hands it out */
    struct item_key key;
    struct number *number; /* NULL = none */
    struct kept_item *number_next;
    struct kept_item *batch_next;
    bool in_batch;
    struct tg_show_item before;
};

static struct item_key key_of(uint16_t show, const char *sku)
{
    struct item_key key;

    memset(&key, 0, sizeof(key));
    tg_str_cut(key.sku, sizeof(key.sku), sku);
    key.show = show;
    return key;
}

/* --- looking --- */

const struct tg_show_rules *tg_shop_rules(const struct tg_shop *shop, uint16_t show)
{
    static const struct tg_show_rules none = {.show = UINT16_MAX};
    const struct kept_rules *kept = tg_map_get(&shop->rules, &show, sizeof(show));

    return kept == NULL ? &none : &kept->rules;
}

static struct kept_item *item_of(const struct tg_shop *shop, uint16_t show, const char *sku)
{
    struct item_key key = key_of(show, sku);

    return tg_map_get(&shop->show_items, &key, sizeof(key));
}

bool tg_show_item_plain(const struct tg_show_item *item)
{
    return item->number == 0 && item->units_max == 0 && item->person_max == 0 &&
           item->from_ms < 0 && item->until_ms < 0 && !item->show_only;
}

const struct tg_show_item *tg_shop_show_item(const struct tg_shop *shop, uint16_t show,
                                             const char *sku)
{
    const struct kept_item *kept = shop->show_items.count == 0 ? NULL : item_of(shop, show, sku);

    return kept == NULL || tg_show_item_plain(&kept->item) ? NULL : &kept->item;
}

static struct number *number_of(const struct tg_shop *shop, uint16_t show, uint32_t number)
{
    struct number_key key = {.number = number, .show = show};

    return tg_map_get(&shop->show_numbers, &key, sizeof(key));
}

const struct tg_variant *tg_show_numbered(const struct tg_shop *shop, uint16_t show,
                                          uint32_t number)
{
    const struct number *n = number_of(shop, show, number);

    return n == NULL || n->first == NULL ? NULL : tg_shop_variant(shop, n->first->item.sku);
}

const struct tg_show_rules *tg_shop_each_rules(const struct tg_shop *shop,
                                               const struct tg_show_rules **cursor)
{
    const struct kept_rules *at = shop->batch_rules;

    if (*cursor != NULL)
        at = ((const struct kept_rules *)(const void *)*cursor)->batch_next;
    *cursor = at == NULL ? NULL : &at->rules;
    return *cursor;
}

const struct tg_show_item *tg_shop_each_show_item(const struct tg_shop *shop,
                                                  const struct tg_show_item **cursor)
{
    const struct kept_item *at = shop->batch_items;

    if (*cursor != NULL)
        at = ((const struct kept_item *)(const void *)*cursor)->batch_next;
    *cursor = at == NULL ? NULL : &at->item;
    return *cursor;
}

const struct tg_show_item *tg_shop_show_item_each(const struct tg_shop *shop, uint16_t show,
                                                  size_t *cursor)
{
    const struct kept_item *kept;

    while ((kept = tg_map_each(&shop->show_items, cursor)) != NULL)
        if (kept->item.show == show && !tg_show_item_plain(&kept->item))
            return &kept->item;
    return NULL;
}

/* --- what may be set --- */

static bool term_ok(tg_us term)
{
    return term == 0 || (term >= TG_TERM_MIN_US && term <= TG_TERM_MAX_US);
}

static bool rules_ok(const struct tg_show_rules *r)
{
    return r->show != UINT16_MAX && term_ok(r->hold_us) && term_ok(r->turn_us) &&
           r->person_units >= 0 && r->person_units <= TG_STOCK_MAX && r->lag_ms >= 0 &&
           r->lag_ms <= TG_LAG_MS_MAX &&
           (r->comment_word[0] == '\0' || tg_comment_word_ok(r->comment_word));
}

static bool item_ok(const struct tg_show_item *i)
{
    return i->show != UINT16_MAX && i->sku[0] != '\0' && i->number <= TG_NUMBER_MAX &&
           i->units_max >= 0 && i->units_max <= TG_STOCK_MAX && i->person_max >= 0 &&
           i->person_max <= TG_STOCK_MAX && i->from_ms >= -1 && i->until_ms >= -1;
}

/* Is it another product's in this show? */
static bool number_taken(const struct tg_shop *shop, const struct tg_show_item *item)
{
    const struct tg_variant *mine = tg_shop_variant(shop, item->sku);
    const struct number *n = item->number == 0 ? NULL : number_of(shop, item->show, item->number);

    for (const struct kept_item *other = n == NULL ? NULL : n->first; other != NULL;
         other = other->number_next) {
        const struct tg_variant *v = tg_shop_variant(shop, other->item.sku);

        if (v != NULL && mine != NULL && v->product != mine->product)
            return true;
    }
    return false;
}

/* --- putting --- */

static void leave_number(struct kept_item *kept)
{
    struct kept_item **at;

    if (kept->number == NULL)
        return;
    for (at = &kept->number->first; *at != kept; at = &(*at)->number_next)
        continue;
    *at = kept->number_next;
    kept->number = NULL;
    kept->number_next = NULL;
}

static void enter_number(struct kept_item *kept, struct number *n)
{
    leave_number(kept);
    if (n == NULL)
        return;
    kept->number = n;
    kept->number_next = n->first;
    n->first = kept;
}

static tg_err number_ready(struct tg_shop *shop, const struct tg_show_item *item)
{
    struct number *n;
    tg_err err;

    if (item->number == 0 || number_of(shop, item->show, item->number) != NULL)
        return TG_OK;
    if (shop->show_numbers.count >= TG_SHOW_ITEMS_MAX)
        return TG_ERR_LIMIT;
    n = tg_calloc(1, sizeof(*n));
    if (n == NULL)
        return TG_ERR_NOMEM;
    n->key = (struct number_key){.number = item->number, .show = item->show};
    err = tg_map_put(&shop->show_numbers, &n->key, sizeof(n->key), n);
    if (err != TG_OK)
        tg_free(n);
    return err;
}

/* Not inside a batch: its undo may need the entry. */
static void drop_number(struct tg_shop *shop, uint16_t show, uint32_t number)
{
    struct number *n = number == 0 ? NULL : number_of(shop, show, number);

    if (n == NULL || n->first != NULL)
        return;
    (void)tg_map_del(&shop->show_numbers, &n->key, sizeof(n->key)); /* it was found */
    tg_free(n);
}

static tg_err rules_ready(struct tg_shop *shop, uint16_t show, struct kept_rules **ret)
{
    struct kept_rules *kept = tg_map_get(&shop->rules, &show, sizeof(show));
    tg_err err;

    if (kept == NULL) {
        kept = tg_calloc(1, sizeof(*kept));
        if (kept == NULL)
            return TG_ERR_NOMEM;
        kept->rules.show = show;
        err = tg_map_put(&shop->rules, &kept->rules.show, sizeof(kept->rules.show), kept);
        if (err != TG_OK) {
            tg_free(kept);
            return err;
        }
    }
    *ret = kept;
    return TG_OK;
}

static tg_err item_ready(struct tg_shop *shop, const struct tg_show_item *item,
                         struct kept_item **ret)
{
    struct kept_item *kept = item_of(shop, item->show, item->sku);
    tg_err err = number_ready(shop, item);

    if (err != TG_OK)
        return err;
    if (kept == NULL) {
        if (shop->show_items.count >= TG_SHOW_ITEMS_MAX)
            return TG_ERR_LIMIT;
        kept = tg_calloc(1, sizeof(*kept));
        if (kept == NULL)
            return TG_ERR_NOMEM;
        kept->key = key_of(item->show, item->sku);
        kept->item = (struct tg_show_item){.show = item->show, .from_ms = -1, .until_ms = -1};
        tg_str_cut(kept->item.sku, sizeof(kept->item.sku), item->sku);
        err = tg_map_put(&shop->show_items, &kept->key, sizeof(kept->key), kept);
        if (err != TG_OK) {
            tg_free(kept);
            return err;
        }
    }
    shop->item_shows = (uint16_t)TG_MAX(shop->item_shows, item->show + 1);
    *ret = kept;
    return TG_OK;
}

/* The variant counts the shows that have it for themselves: a claim from elsewhere sees it there.
 */
static void count_only(const struct tg_shop *shop, const struct tg_show_item *item, bool more)
{
    struct tg_variant *v = item->show_only ? tg_shop_find(shop, item->sku) : NULL;

    if (v == NULL)
        return;
    TG_ASSERT(more || v->show_only > 0); /* who comes later is counted by tg_show_only_count() */
    v->show_only = more ? v->show_only + 1 : v->show_only - 1;
}

uint32_t tg_show_only_count(const struct tg_shop *shop, const char *sku)
{
    uint32_t count = 0;

    /* At the start rules come after the goods. */
    for (uint16_t show = 0; shop->show_items.count > 0 && show < shop->item_shows; show++) {
        const struct kept_item *kept = item_of(shop, show, sku);

        count += kept != NULL && kept->item.show_only;
    }
    return count;
}

static void set_item(const struct tg_shop *shop, struct kept_item *kept,
                     const struct tg_show_item *item)
{
    count_only(shop, &kept->item, false);
    count_only(shop, item, true);
    enter_number(kept, item->number == 0 ? NULL : number_of(shop, item->show, item->number));
    kept->item = *item;
}

tg_err tg_shop_put_rules(struct tg_shop *shop, const struct tg_show_rules *rules)
{
    struct kept_rules *kept = NULL;
    tg_err err = rules_ok(rules) ? rules_ready(shop, rules->show, &kept) : TG_ERR_LIMIT;

    if (err == TG_OK)
        kept->rules = *rules;
    return err;
}

tg_err tg_shop_put_show_item(struct tg_shop *shop, const struct tg_show_item *item)
{
    struct kept_item *kept = NULL;
    uint32_t before;
    tg_err err;

    if (!item_ok(item))
        return TG_ERR_LIMIT;
    if (number_taken(shop, item))
        return TG_ERR_CONFLICT;
    err = item_ready(shop, item, &kept);
    if (err != TG_OK)
        return err;
    before = kept->item.number;
    set_item(shop, kept, item);
    drop_number(shop, item->show, before);
    return TG_OK;
}

void tg_shop_forget_show_items(struct tg_shop *shop)
{
    struct kept_item *kept;
    struct number *n;

    TG_ASSERT(shop->batch_items == NULL);
    for (size_t cursor = 0; (kept = tg_map_each(&shop->show_items, &cursor)) != NULL;) {
        count_only(shop, &kept->item, false);
        tg_free(kept);
    }
    for (size_t cursor = 0; (n = tg_map_each(&shop->show_numbers, &cursor)) != NULL;)
        tg_free(n);
    tg_map_done(&shop->show_items);
    tg_map_done(&shop->show_numbers);
    tg_map_init(&shop->show_items, shop->cfg.rng);
    tg_map_init(&shop->show_numbers, shop->cfg.rng);
}

/* --- the batch --- */

static void touch_rules(struct tg_shop *shop, struct kept_rules *kept)
{
    if (kept->in_batch)
        return;
    kept->in_batch = true;
    kept->before = kept->rules;
    kept->batch_next = shop->batch_rules;
    shop->batch_rules = kept;
}

static void touch_item(struct tg_shop *shop, struct kept_item *kept)
{
    if (kept->in_batch)
        return;
    kept->in_batch = true;
    kept->before = kept->item;
    kept->batch_next = shop->batch_items;
    shop->batch_items = kept;
}

size_t tg_rules_effect_count(const struct tg_shop *shop)
{
    size_t count = 0;

    for (const struct kept_rules *r = shop->batch_rules; r != NULL; r = r->batch_next)
        count++;
    for (const struct kept_item *i = shop->batch_items; i != NULL; i = i->batch_next)
        count++;
    return count;
}

void tg_rules_effects(struct tg_shop *shop, tg_us wall)
{
    for (const struct kept_rules *r = shop->batch_rules; r != NULL; r = r->batch_next)
        tg_shop_effect(shop, TG_EFFECT_RULES, wall)->rules = &r->rules;
    for (const struct kept_item *i = shop->batch_items; i != NULL; i = i->batch_next)
        tg_shop_effect(shop, TG_EFFECT_SHOW_ITEM, wall)->item = &i->item;
}

void tg_rules_end_batch(struct tg_shop *shop, bool undo)
{
    struct kept_rules *next_rules;
    struct kept_item *next_item;

    for (struct kept_rules *r = shop->batch_rules; r != NULL; r = next_rules) {
        next_rules = r->batch_next;
        r->in_batch = false;
        if (undo)
            r->rules = r->before; /* one that is new says nothing special then */
    }
    for (struct kept_item *i = shop->batch_items; i != NULL && undo; i = i->batch_next) {
        struct tg_show_item wanted = i->item;

        set_item(shop, i, &i->before);
        i->before = wanted; /* its number may be nobody's now */
    }
    for (struct kept_item *i = shop->batch_items; i != NULL; i = next_item) {
        next_item = i->batch_next;
        i->in_batch = false;
        drop_number(shop, i->before.show, i->before.number);
        if (!tg_show_item_plain(&i->item))
            continue;
        (void)tg_map_del(&shop->show_items, &i->key, sizeof(i->key)); /* it is in */
        tg_free(i);
    }
    shop->batch_rules = NULL;
    shop->batch_items = NULL;
}

static void refuse_err(struct tg_verdict *out, tg_err err)
{
    if (err == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_LIMIT, "The shops' shows have too many rules of their own.");
    else
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
}

void tg_decide_rules(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    struct kept_rules *kept = NULL;
    tg_err err;

    if (!rules_ok(c->rules)) {
        tg_refuse(out, TG_CODE_BAD_REQUEST,
                  c->rules->comment_word[0] != '\0' && !tg_comment_word_ok(c->rules->comment_word)
                      ? "comment_word must be one word that does not begin with a digit."
                      : "A rule is out of range: hold_s and turn_s are 10 to 86400 or 0.");
        return;
    }
    err = rules_ready(shop, c->rules->show, &kept);
    if (err != TG_OK) {
        refuse_err(out, err);
        return;
    }
    out->rules = &kept->rules;
    touch_rules(shop, kept);
    kept->rules = *c->rules;
}

void tg_rules_change_item(struct tg_shop *shop, const struct tg_show_item *item,
                          struct tg_verdict *out)
{
    struct kept_item *kept = NULL;
    tg_err err;

    if (!item_ok(item)) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "A number of the rule is out of range.");
        return;
    }
    if (number_taken(shop, item)) {
        tg_refuse(out, TG_CODE_CONFLICT, "Number %u is another product's in this show.",
                  item->number);
        return;
    }
    err = item_ready(shop, item, &kept);
    if (err != TG_OK) {
        refuse_err(out, err);
        return;
    }
    touch_item(shop, kept);
    set_item(shop, kept, item);
    out->item = &kept->item;
}

void tg_decide_show_item(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    out->variant = tg_shop_variant(shop, c->item->sku);
    if (out->variant == NULL)
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
    else
        tg_rules_change_item(shop, c->item, out);
}

void tg_decide_show_look(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    out->rules = tg_shop_rules(shop, c->show);
    if (c->sku[0] != '\0' && tg_shop_variant(shop, c->sku) == NULL)
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
}
