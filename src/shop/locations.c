/* Places: warehouses, stores, allotments of shows, promises. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

enum { PRIORITY_MAX = 1000 };

const char *tg_location_kind_name(enum tg_location_kind kind)
{
    static const char *const names[] = {"warehouse", "store", "allotment", "promise"};

    return (size_t)kind < TG_ARRAY_LEN(names) ? names[kind] : NULL;
}

static struct tg_kept_location *find(const struct tg_shop *shop, const char *id)
{
    for (uint32_t i = 0; i < shop->location_count; i++)
        if (strcmp(shop->locations[i]->now.id, id) == 0)
            return shop->locations[i];
    return NULL;
}

const struct tg_location *tg_shop_location(const struct tg_shop *shop, const char *id)
{
    const struct tg_kept_location *kept = find(shop, id);

    return kept == NULL ? NULL : &kept->now;
}

const struct tg_location *tg_shop_location_at(const struct tg_shop *shop, uint16_t ord)
{
    return ord < shop->location_count ? &shop->locations[ord]->now : NULL;
}

static bool id_ok(const char *id)
{
    size_t len = strnlen(id, TG_LOCATION_SIZE);

    if (len == 0 || len == TG_LOCATION_SIZE || id[0] == '-')
        return false;
    for (size_t i = 0; i < len; i++)
        if ((id[i] < 'a' || id[i] > 'z') && (id[i] < '0' || id[i] > '9') && id[i] != '-')
            return false;
    return true;
}

static bool location_ok(const struct tg_location *l)
{
    if (!id_ok(l->id) || tg_location_kind_name(l->kind) == NULL || l->priority < 0 ||
        l->priority > PRIORITY_MAX || l->name[0] == '\0')
        return false;
    if ((l->kind == TG_LOCATION_ALLOTMENT) != (l->show != UINT16_MAX))
        return false;
    return l->kind == TG_LOCATION_PROMISE || l->ships_from_wall == -1;
}

/* At the end: ordinals are given in a row. */
static tg_err add(struct tg_shop *shop, const struct tg_location *l, bool fresh)
{
    struct tg_kept_location *kept;

    if (shop->location_count == TG_LOCATIONS_MAX)
        return TG_ERR_LIMIT;
    kept = tg_calloc(1, sizeof(*kept));
    if (kept == NULL)
        return TG_ERR_NOMEM;
    kept->now = *l;
    kept->fresh = fresh;
    shop->locations[shop->location_count++] = kept;
    return TG_OK;
}

tg_err tg_shop_put_location(struct tg_shop *shop, const struct tg_location *l)
{
    struct tg_kept_location *kept = find(shop, l->id);

    if (!location_ok(l) || l->ord > shop->location_count)
        return TG_ERR_LIMIT;
    if (kept != NULL ? kept->now.ord != l->ord : l->ord < shop->location_count)
        return TG_ERR_CONFLICT;
    if (kept == NULL)
        return add(shop, l, false);
    kept->now = *l;
    return TG_OK;
}

void tg_locations_free(struct tg_shop *shop)
{
    for (uint32_t i = 0; i < shop->location_count; i++)
        tg_free(shop->locations[i]);
    shop->location_count = 0;
}

void tg_locations_commit(struct tg_shop *shop)
{
    for (struct tg_kept_location *l = shop->batch_locations; l != NULL; l = l->batch_next) {
        l->in_batch = false;
        l->fresh = false;
    }
    shop->batch_locations = NULL;
}

/* Items may have got a place at a location that goes, without units by now. */
static void forget_places(struct tg_shop *shop)
{
    size_t cursor = 0;
    struct tg_variant *v;

    while ((v = tg_map_each(&shop->variant_by_sku, &cursor)) != NULL) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < v->place_count; i++)
            if (!shop->locations[v->places[i].at->ord]->fresh)
                v->places[kept++] = v->places[i];
        v->place_count = kept;
    }
}

void tg_locations_rollback(struct tg_shop *shop)
{
    for (struct tg_kept_location *l = shop->batch_locations; l != NULL; l = l->batch_next) {
        if (!l->fresh)
            l->now = l->before;
        l->in_batch = false;
    }
    shop->batch_locations = NULL;
    /* New ones stand at the end. */
    if (shop->location_count == 0 || !shop->locations[shop->location_count - 1]->fresh)
        return;
    forget_places(shop);
    while (shop->location_count > 0 && shop->locations[shop->location_count - 1]->fresh)
        tg_free(shop->locations[--shop->location_count]);
}

static void touch(struct tg_shop *shop, struct tg_kept_location *l)
{
    if (l->in_batch)
        return;
    l->in_batch = true;
    l->before = l->now;
    l->batch_next = shop->batch_locations;
    shop->batch_locations = l;
}

/* --- changing one --- */

/* What it has is sold from now on, or no longer: viewers see that, and who waits may be served. */
static void turn_items(struct tg_shop *shop, const struct tg_location *l)
{
    size_t cursor = 0;
    struct tg_variant *v;

    while ((v = tg_map_each(&shop->variant_by_sku, &cursor)) != NULL)
        if (tg_variant_place(v, l->ord) != NULL) {
            tg_shop_touch_variant(shop, v);
            tg_line_freed(shop, v);
        }
}

static bool change_ok(const struct tg_location *l, struct tg_verdict *out)
{
    if (!id_ok(l->id))
        tg_refuse(out, TG_CODE_BAD_REQUEST,
                  "id must be 1 to 32 of a-z, 0-9 and -, and not begin with -.");
    else if (l->kind == TG_LOCATION_ALLOTMENT && l->show == UINT16_MAX)
        tg_refuse(out, TG_CODE_BAD_REQUEST, "An allotment needs its show.");
    else if (l->kind != TG_LOCATION_ALLOTMENT && l->show != UINT16_MAX)
        tg_refuse(out, TG_CODE_BAD_REQUEST, "Only an allotment has a show.");
    else if (l->kind != TG_LOCATION_PROMISE && l->ships_from_wall != -1)
        tg_refuse(out, TG_CODE_BAD_REQUEST, "Only a promise has a date from which it ships.");
    else if (!location_ok(l))
        tg_refuse(out, TG_CODE_BAD_REQUEST, "name, kind or priority is out of range.");
    return out->code == TG_CODE_OK;
}

static struct tg_kept_location *make(struct tg_shop *shop, const struct tg_location *wanted,
                                     struct tg_verdict *out)
{
    struct tg_location l = *wanted;
    tg_err err;

    l.ord = (uint16_t)shop->location_count;
    err = add(shop, &l, true);
    if (err == TG_ERR_LIMIT)
        tg_refuse(out, TG_CODE_LIMIT, "A shop has at most %d places.", (int)TG_LOCATIONS_MAX);
    else if (err != TG_OK)
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
    return err == TG_OK ? shop->locations[l.ord] : NULL;
}

void tg_decide_location(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                        struct tg_verdict *out)
{
    const struct tg_location_change *change = c->location_change;
    const struct tg_location *l = &change->location;
    struct tg_kept_location *kept = find(shop, l->id);
    struct tg_effect *e;
    uint16_t ord;

    if (!change_ok(l, out))
        return;
    if (change->make == (kept != NULL)) {
        tg_refuse(out, change->make ? TG_CODE_CONFLICT : TG_CODE_NOT_FOUND,
                  change->make ? "There is a place with this id already."
                               : "There is no such place.");
        return;
    }
    if (kept != NULL && (kept->now.kind != l->kind || kept->now.show != l->show)) {
        tg_refuse(out, TG_CODE_CONFLICT,
                  "What a place is for never changes: close it and make another.");
        return;
    }
    if (kept != NULL && kept->now.ord == 0 && l->closed) {
        tg_refuse(out, TG_CODE_CONFLICT, "The first place cannot be closed.");
        return;
    }
    if (kept == NULL)
        kept = make(shop, l, out);
    if (kept == NULL)
        return;
    ord = kept->now.ord;
    touch(shop, kept);
    if (kept->now.closed != l->closed)
        turn_items(shop, &kept->now);
    kept->now = *l;
    kept->now.ord = ord;
    e = tg_shop_effect(shop, TG_EFFECT_LOCATION, now.wall);
    e->at = &kept->now;
    tg_str_cut(e->actor, sizeof(e->actor), c->person);
    out->location = &kept->now;
}
