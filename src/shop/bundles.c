/* What items allow, and what bundles consist of. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

/* --- the links from items to the bundles that they are in --- */

static void link_parts(struct tg_variant *v)
{
    for (uint32_t i = 0; i < v->part_count; i++) {
        v->parts[i].next_of_item = v->parts[i].item->part_of;
        v->parts[i].item->part_of = &v->parts[i];
    }
}

static void unlink_parts(struct tg_variant *v)
{
    for (uint32_t i = 0; i < v->part_count; i++) {
        struct tg_part **at = &v->parts[i].item->part_of;

        while (*at != &v->parts[i])
            at = &(*at)->next_of_item;
        *at = v->parts[i].next_of_item;
    }
}

void tg_parts_free(struct tg_variant *v)
{
    if (v->parts_changed)
        tg_free(v->before_parts);
    tg_free(v->parts);
}

void tg_parts_commit(struct tg_variant *v)
{
    if (!v->parts_changed)
        return;
    tg_free(v->before_parts);
    v->before_parts = NULL;
    v->parts_changed = false;
}

void tg_parts_rollback(struct tg_variant *v)
{
    if (!v->parts_changed)
        return;
    unlink_parts(v);
    tg_free(v->parts);
    v->parts = v->before_parts;
    v->part_count = v->before_part_count;
    link_parts(v);
    v->before_parts = NULL;
    v->parts_changed = false;
}

/* --- what may be a bundle --- */

static bool has_stock(const struct tg_variant *v)
{
    return v->stock.on_hand > 0 || v->stock.held > 0 || v->stock.sold > 0;
}

/* NULL = legal; otherwise why not. */
static const char *parts_wrong(const struct tg_shop *shop, const struct tg_variant *v,
                               const struct tg_part_row *parts, uint32_t count)
{
    if (count > TG_BUNDLE_PARTS_MAX)
        return "A bundle has too many parts.";
    if (count > 0 && has_stock(v))
        return "It has stock of its own: take that away first.";
    if (count > 0 && v->part_of != NULL)
        return "It is a part of a bundle: no bundle within a bundle.";
    for (uint32_t i = 0; i < count; i++) {
        const struct tg_variant *item = tg_shop_find(shop, parts[i].sku);

        if (item == NULL)
            return "A part of it is not known.";
        if (item == v || item->part_count > 0)
            return "A part of it is a bundle: no bundle within a bundle.";
        if (parts[i].qty < 1 || parts[i].qty > TG_QTY_MAX)
            return "A part's qty is out of range.";
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(parts[k].sku, parts[i].sku) == 0)
                return "A part is named twice.";
    }
    return NULL;
}

static tg_err make_parts(const struct tg_shop *shop, struct tg_variant *v,
                         const struct tg_part_row *rows, uint32_t count, struct tg_part **ret)
{
    struct tg_part *parts = NULL;

    if (count > 0) {
        parts = tg_calloc(count, sizeof(*parts));
        if (parts == NULL)
            return TG_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < count; i++)
        parts[i] = (struct tg_part){
            .item = tg_shop_find(shop, rows[i].sku), .qty = rows[i].qty, .bundle = v};
    *ret = parts;
    return TG_OK;
}

static void set_parts(struct tg_variant *v, struct tg_part *take_parts, uint32_t count)
{
    unlink_parts(v);
    v->parts = take_parts;
    v->part_count = count;
    link_parts(v);
}

tg_err tg_shop_put_parts(struct tg_shop *shop, const char *sku, const struct tg_part_row *rows,
                         uint32_t count)
{
    struct tg_variant *v = tg_shop_find(shop, sku);
    struct tg_part *parts = NULL;
    struct tg_part *old;
    tg_err err;

    if (v == NULL)
        return TG_ERR_NOTFOUND;
    TG_ASSERT(!v->in_batch);
    for (uint32_t i = 0; i < count; i++)
        if (tg_shop_find(shop, rows[i].sku) == NULL)
            return TG_ERR_NOTFOUND;
    if (parts_wrong(shop, v, rows, count) != NULL)
        return TG_ERR_LIMIT;
    err = make_parts(shop, v, rows, count, &parts);
    if (err != TG_OK)
        return err;
    old = v->parts;
    set_parts(v, parts, count);
    tg_free(old);
    return TG_OK;
}

/* --- rules --- */

static bool rules_ok(const struct tg_stock_rules *rules)
{
    return rules->safety >= 0 && rules->safety <= TG_STOCK_MAX && rules->order_max >= 0 &&
           rules->order_max <= TG_QTY_MAX && rules->person_max >= 0 &&
           rules->person_max <= TG_STOCK_MAX;
}

tg_err tg_shop_put_stock_rules(struct tg_shop *shop, const char *sku,
                               const struct tg_stock_rules *rules)
{
    struct tg_variant *v = tg_shop_find(shop, sku);

    if (v == NULL)
        return TG_ERR_NOTFOUND;
    if (!rules_ok(rules))
        return TG_ERR_LIMIT;
    v->rules = *rules;
    return TG_OK;
}

/* OK with *ret_changed; the parts of before stay until the batch ends. */
static tg_err change_parts(struct tg_shop *shop, struct tg_variant *v,
                           const struct tg_rules_change *change)
{
    struct tg_part *parts = NULL;
    tg_err err = make_parts(shop, v, change->parts, change->part_count, &parts);

    if (err != TG_OK)
        return err;
    tg_shop_touch_variant(shop, v);
    if (!v->parts_changed) {
        v->before_parts = v->parts;
        v->before_part_count = v->part_count;
        v->parts_changed = true;
        set_parts(v, parts, change->part_count);
    } else {
        struct tg_part *old = v->parts;

        set_parts(v, parts, change->part_count);
        tg_free(old);
    }
    return TG_OK;
}

static void note(struct tg_shop *shop, enum tg_effect_kind kind, const struct tg_variant *v,
                 tg_us wall, const char *actor)
{
    struct tg_effect *e = tg_shop_effect(shop, kind, wall);

    e->variant = v;
    tg_str_cut(e->actor, sizeof(e->actor), actor);
}

void tg_decide_stock_rules(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                           struct tg_verdict *out)
{
    const struct tg_rules_change *change = c->rules_change;
    struct tg_variant *v = tg_shop_find(shop, change->sku);
    const char *wrong = NULL;

    out->variant = v;
    if (v == NULL) {
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
        return;
    }
    if (!rules_ok(&change->rules)) {
        tg_refuse(out, TG_CODE_BAD_REQUEST, "safety, order_max or person_max is out of range.");
        return;
    }
    if (change->set_parts)
        wrong = parts_wrong(shop, v, change->parts, change->part_count);
    if (wrong == NULL && change->set_parts && change->part_count > 0 &&
        tg_shop_waiting(shop, v->sku) > 0)
        wrong = "People wait for it, and nobody can wait for a bundle.";
    if (wrong != NULL) {
        tg_refuse(out, TG_CODE_CONFLICT, "%s", wrong);
        return;
    }
    if (change->set_parts && change_parts(shop, v, change) != TG_OK) {
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
        return;
    }
    tg_shop_touch_variant(shop, v);
    v->rules = change->rules;
    tg_line_freed(shop, v); /* what staff kept back may be free now */
    note(shop, TG_EFFECT_STOCK_RULES, v, now.wall, c->person);
    if (change->set_parts)
        note(shop, TG_EFFECT_PARTS, v, now.wall, c->person);
}
