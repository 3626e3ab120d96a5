#include "store/changes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "shop/rules.h"
#include "shop/waiting.h"
#include "store/migrations.h"

enum {
    KEYS_MAX = 8 * 1024 * 1024,
    FEED_MAX = 16 * 1024 * 1024, /* half a million keys: asking for all of them costs more than
                                    reading everything anew */
};
#define RELOAD_AGAIN_US ((tg_us)2 * TG_US_PER_S)
/* Clocks that are kept differ by a few milliseconds; one that is not drifts by some a minute. */
#define CLOCK_EVERY_US ((tg_us)10 * TG_US_PER_S)
#define CLOCK_FINE_US ((tg_us)50 * 1000)
#define CLOCK_TRIP_US ((tg_us)200 * 1000)

static tg_err tell_each(const struct tg_reload *r, enum tg_change kind)
{
    tg_err err = TG_OK;

    for (size_t i = 0; r->keys != NULL && i < r->count; i++)
        err = tg_reload_told(r, kind, r->keys[i], err);
    return err;
}

static tg_err tell_new(const struct tg_reload *r)
{
    return tell_each(r, TG_CHANGE_NEW);
}

static tg_err tell_gone(const struct tg_reload *r)
{
    return tell_each(r, TG_CHANGE_GONE);
}

static tg_err tell_carts(const struct tg_reload *r)
{
    return tell_each(r, TG_CHANGE_CART);
}

static tg_err forget_names(const struct tg_reload *r)
{
    if (r->keys == NULL)
        memset(r->store->names, 0, sizeof(r->store->names));
    for (size_t i = 0; r->keys != NULL && i < r->count; i++)
        *tg_store_name_of(r->store, r->keys[i]) = 0;
    return TG_OK;
}

/* In this order: what is referred to first. */
static const struct {
    char kind;
    tg_err (*reload)(const struct tg_reload *r);
} kinds[] = {
    {TG_CHANGE_LOCATION, tg_reload_locations},
    {TG_CHANGE_PRODUCT, tg_reload_products},
    {TG_CHANGE_VARIANT, tg_reload_variants},
    {TG_CHANGE_VARIANT, tg_reload_stock},
    {TG_CHANGE_PRICE, tg_reload_prices},
    {TG_CHANGE_CODE, tg_reload_codes},
    {TG_CHANGE_SALES, tg_reload_sales},
    {TG_CHANGE_SHOW, tg_reload_shows},
    {TG_CHANGE_TOKEN, tg_reload_tokens},
    {TG_CHANGE_ORDER, tg_reload_orders},
    {TG_CHANGE_RULES, tg_reload_rules},
    {TG_CHANGE_LINE, tg_reload_lines},
    {TG_CHANGE_PRODUCT, tg_reload_texts},
    {TG_CHANGE_NEW, tell_new},
    {TG_CHANGE_GONE, tell_gone},
    {TG_CHANGE_CART, tell_carts},
    {TG_CHANGE_NAME, forget_names},
};

/* --- telling --- */

void tg_changes_note(struct tg_store_db *s, enum tg_change kind, const char *key)
{
    char letter = (char)kind;

    if (!s->shared)
        return;
    if (s->keys.max == 0)
        tg_buf_init(&s->keys, KEYS_MAX);
    tg_buf_add(&s->keys, &letter, 1);
    tg_buf_add_str(&s->keys, key);
    tg_buf_add(&s->keys, "\n", 1);
}

static void note_order(struct tg_store_db *s, enum tg_change kind, const struct tg_order *order)
{
    char key[TG_UUID_SIZE + TG_PERSON_ID_SIZE + 1];

    tg_str_printf(key, sizeof(key), "%s %s", order->id, order->person);
    tg_changes_note(s, kind, key);
}

void tg_changes_note_effect(struct tg_store_db *s, const struct tg_effect *effect)
{
    char key[TG_SKU_MAX + TG_PERSON_ID_SIZE + 16];

    if (!s->shared)
        return;
    switch (effect->kind) {
    case TG_EFFECT_ORDER_NEW: /* others need it only when somebody asks for it, or looks */
        note_order(s, TG_CHANGE_NEW, effect->order);
        return;
    case TG_EFFECT_MOVEMENT: /* its stock is told by itself */
    case TG_EFFECT_EVENT:    /* history; what it tells of is told by itself */
    case TG_EFFECT_TELL:     /* likewise */
    case TG_EFFECT_CODE_USE: /* per person: forgotten by all */
        return;
    case TG_EFFECT_CART: /* likewise; who looks on elsewhere is told */
        tg_changes_note(s, TG_CHANGE_CART, effect->cart->person);
        return;
    case TG_EFFECT_CODE:
        tg_changes_note(s, TG_CHANGE_CODE, effect->discount->code);
        return;
    case TG_EFFECT_PRICE:
    case TG_EFFECT_PRICE_LEFT:
    case TG_EFFECT_CURRENCY_PRICE:
    case TG_EFFECT_PLAN:
        tg_changes_note(s, TG_CHANGE_VARIANT, effect->variant->sku);
        tg_changes_note(s, TG_CHANGE_PRICE, effect->variant->sku);
        return;
    case TG_EFFECT_RULES:
    case TG_EFFECT_SHOW_ITEM:
        tg_str_printf(key, sizeof(key), "%u",
                      effect->rules != NULL ? effect->rules->show : effect->item->show);
        tg_changes_note(s, TG_CHANGE_RULES, key);
        return;
    case TG_EFFECT_WAITER_GONE:
        tg_str_printf(key, sizeof(key), "%d %s %s", (int)effect->waiter->state,
                      effect->waiter->person, effect->waiter->sku);
        tg_changes_note(s, TG_CHANGE_GONE, key);
        tg_changes_note(s, TG_CHANGE_LINE, effect->waiter->sku);
        return;
    case TG_EFFECT_WAITER:
        tg_changes_note(s, TG_CHANGE_LINE, effect->waiter->sku);
        return;
    case TG_EFFECT_SHOW_SALES:
        tg_str_printf(key, sizeof(key), "%u %s", effect->show, effect->variant->sku);
        tg_changes_note(s, TG_CHANGE_SALES, key);
        return;
    case TG_EFFECT_LOCATION:
        tg_str_printf(key, sizeof(key), "%u", effect->at->ord);
        tg_changes_note(s, TG_CHANGE_LOCATION, key);
        return;
    default:
        if (effect->order != NULL)
            note_order(s, TG_CHANGE_ORDER, effect->order);
        if (effect->variant != NULL)
            tg_changes_note(s, TG_CHANGE_VARIANT, effect->variant->sku);
        return;
    }
}

tg_err tg_changes_write(struct tg_store_db *s, tg_us wall, int64_t *ret)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_SET_VERSION);
    tg_err err;

    if (s->keys.err != TG_OK)
        return s->keys.err;
    *ret = s->locked_version + 1;
    tg_q_int(&q, *ret);
    tg_q_int(&q, 1);
    err = tg_q_run(&q);
    if (err != TG_OK)
        return err;
    q = tg_q(&s->db, TG_SQL_ADD_CHANGES);
    tg_q_int(&q, *ret);
    tg_q_text(&q, s->node);
    tg_q_text(&q, s->keys.max == 0 ? "" : tg_buf_cstr(&s->keys));
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

/* --- being told --- */

static tg_err judge_schema(struct tg_store_db *s, int64_t schema)
{
    s->outdated = schema != (int64_t)tg_migration_count;
    if (!s->outdated)
        return TG_OK;
    tg_str_printf(s->db.error, sizeof(s->db.error),
                  "another torg changed the database's schema to %lld and this one knows %u: it"
                  " sells nothing more, update it or stop it",
                  (long long)schema, tg_migration_count);
    return TG_ERR_UNSUPPORTED;
}

/* What the shop's row says: its version and, where there is one, when an order is due. */
static tg_err read_version(struct tg_store_db *s, tg_us due_past, int64_t *ret, tg_us *ret_due)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_SHOP_VERSION);
    int64_t schema = 0;
    tg_err err;

    tg_q_int(&q, due_past);
    if (tg_q_row(&q)) {
        *ret = tg_q_get_int(&q, 0);
        schema = tg_q_is_null(&q, 1) ? tg_migration_count : tg_q_get_int(&q, 1);
        *ret_due = tg_q_is_null(&q, 2) ? TG_US_NEVER : tg_q_get_int(&q, 2);
    }
    err = tg_q_end(&q);
    return err == TG_OK ? judge_schema(s, schema) : err;
}

tg_err tg_changes_start(struct tg_store_db *s)
{
    tg_us due = 0;

    return s->shared ? read_version(s, 0, &s->version, &due) : TG_OK;
}

tg_err tg_changes_fence(struct tg_store_db *s)
{
    int64_t version = 0;
    tg_us due = 0;

    return s->shared ? read_version(s, 0, &version, &due) : TG_OK;
}

tg_err tg_changes_lock(struct tg_store_db *s)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_LOCK_SHOP);
    int64_t schema = 0;
    tg_err err;

    if (tg_q_row(&q)) {
        s->locked_version = tg_q_get_int(&q, 0);
        schema = tg_q_is_null(&q, 1) ? tg_migration_count : tg_q_get_int(&q, 1);
    }
    err = tg_q_end(&q);
    if (err == TG_OK)
        err = judge_schema(s, schema);
    if (err != TG_OK)
        tg_db_rollback(&s->db);
    return err;
}

/* The feed's text since `version`; *ret_gap: some of it was purged, or it is too long. */
static tg_err read_feed(struct tg_store_db *s, struct tg_buf *feed, bool *ret_gap)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_CHANGES_SINCE);
    int64_t expected = s->version + 1;
    bool gap = false;
    tg_err err;

    tg_q_int(&q, s->version);
    while (!gap && tg_q_row(&q)) {
        gap = tg_q_get_int(&q, 0) != expected;
        expected = tg_q_get_int(&q, 0) + 1;
        tg_buf_add_str(feed, tg_q_get_text(&q, 1));
        gap = gap || feed->err == TG_ERR_LIMIT;
    }
    err = tg_q_end(&q);
    *ret_gap = gap || expected != s->locked_version + 1;
    if (err == TG_OK && !*ret_gap)
        err = feed->err;
    return err;
}

/* The feed's lines, each once and in their order; hot ones are in every batch's. */
static tg_err different_lines(struct tg_buf *feed, const char **lines, size_t *ret_count)
{
    struct tg_rng rng = tg_rng_os();
    struct tg_map seen;
    size_t count = 0;
    tg_err err = TG_OK;

    tg_map_init(&seen, &rng);
    for (size_t at = 0; at < feed->len && (err == TG_OK || err == TG_ERR_CONFLICT);) {
        char *line = (char *)feed->data + at;
        size_t len = strcspn(line, "\n");

        line[len] = '\0';
        at += len + 1;
        err = tg_map_put(&seen, line, len, line);
        if (err == TG_OK)
            lines[count++] = line;
    }
    tg_map_done(&seen);
    *ret_count = count;
    return err == TG_ERR_CONFLICT ? TG_OK : err;
}

static size_t keys_of(const char *const *lines, size_t count, char kind, const char **out)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (lines[i][0] == kind)
            out[found++] = lines[i] + 1;
    return found;
}

static tg_err reload_lines(struct tg_reload *r, const char *const *lines, size_t count,
                           const char **keys)
{
    tg_err err = TG_OK;

    r->keys = keys;
    for (size_t i = 0; err == TG_OK && i < TG_ARRAY_LEN(kinds); i++) {
        r->count = keys_of(lines, count, kinds[i].kind, keys);
        if (r->count > 0)
            err = kinds[i].reload(r);
    }
    return err;
}

static tg_err reload_feed(const struct tg_reload *base, struct tg_buf *feed)
{
    struct tg_reload r = *base;
    size_t count = 0;
    const char **lines;
    tg_err err;

    (void)tg_buf_cstr(feed); /* it ends in NUL; its error was looked at */
    for (size_t i = 0; i < feed->len; i++)
        count += feed->data[i] == '\n';
    if (count == 0)
        return feed->err;
    lines = tg_calloc(2 * count, sizeof(*lines));
    if (lines == NULL)
        return TG_ERR_NOMEM;
    err = feed->err != TG_OK ? feed->err : different_lines(feed, lines, &count);
    if (err == TG_OK)
        err = reload_lines(&r, lines, count, lines + count);
    tg_free(lines);
    return err;
}

static tg_err reload_all(const struct tg_reload *base)
{
    struct tg_reload r = *base;
    tg_err err = TG_OK;

    r.keys = NULL;
    r.count = 0;
    err = tg_reload_locations(&r);
    if (err == TG_OK)
        err = tg_reload_catalogue(&r);
    for (size_t i = 0; err == TG_OK && i < TG_ARRAY_LEN(kinds); i++)
        if (kinds[i].reload != tg_reload_locations && kinds[i].reload != tg_reload_products &&
            kinds[i].reload != tg_reload_variants && kinds[i].reload != tg_reload_texts)
            err = kinds[i].reload(&r);
    if (err == TG_OK && r.store->watch.changed != NULL)
        r.store->watch.changed(r.store->watch.ctx, TG_CHANGE_VARIANT, NULL);
    return err;
}

/* What a key alone does not explain (it cannot be, but it would stop all sales here), everything
 * together may. */
static tg_err take_over(struct tg_store_db *s, const struct tg_reload *r)
{
    struct tg_buf feed;
    bool gap = false;
    tg_err err;

    tg_buf_init(&feed, FEED_MAX);
    err = read_feed(s, &feed, &gap);
    if (err == TG_OK && !gap)
        err = reload_feed(r, &feed);
    tg_buf_done(&feed);
    return gap || err == TG_ERR_MALFORMED ? reload_all(r) : err;
}

static void set_off(struct tg_store_clock *clock, tg_us off)
{
    clock->off = off > CLOCK_FINE_US || off < -CLOCK_FINE_US ? off : 0;
}

void tg_changes_clock(struct tg_db *db, struct tg_store_clock *clock, tg_us mono)
{
    tg_us before;
    tg_us after;
    tg_us off;
    struct tg_q q;

    if (tg_db_engine(db) != TG_DB_POSTGRES) { /* it has no clock but the machine's */
        set_off(clock, -clock->wrong_us);
        return;
    }
    if (mono < clock->look_at)
        return;
    q = tg_q(db, TG_SQL_CLOCK_US);
    before = tg_clock_wall() + clock->wrong_us;
    off = tg_q_row(&q) ? tg_q_get_int(&q, 0) : 0;
    after = tg_clock_wall() + clock->wrong_us;
    if (tg_q_end(&q) != TG_OK || after - before > CLOCK_TRIP_US)
        return;
    off -= before + (after - before) / 2;
    set_off(clock, off);
    clock->look_at = mono + CLOCK_EVERY_US;
}

tg_us tg_changes_wall(const struct tg_store_clock *clock)
{
    return tg_clock_wall() + clock->wrong_us + clock->off;
}

static tg_err follow(struct tg_store_db *s, const struct tg_reload *r)
{
    tg_err err;

    if (s->behind && r->now.mono < s->reload_at)
        return TG_ERR_MALFORMED; /* db.error still says why */
    tg_shop_forget_cached(r->shop);
    err = take_over(s, r);
    if (err == TG_OK)
        err = tg_load_next_number(r);
    if (err == TG_OK)
        s->version = s->locked_version;
    s->behind = err == TG_ERR_MALFORMED;
    s->reload_at = r->now.mono + RELOAD_AGAIN_US;
    return err;
}

tg_err tg_changes_catch_up(struct tg_store_db *s, struct tg_shop_now now, struct tg_shop *shop)
{
    const struct tg_reload r = {.store = s, .db = &s->db, .now = now, .shop = shop};
    tg_err err = tg_db_ready(&s->db, now.mono);

    if (err == TG_OK)
        err = tg_store_begin_batch(s);
    if (err == TG_OK && s->locked_version != s->version)
        err = follow(s, &r);
    /* Each unpaid order of this node stands in its own timers. */
    if (err == TG_OK && now.mono >= s->due_at) {
        s->due_at = now.mono + TG_STORE_POLL_US;
        tg_changes_clock(&s->db, &s->clock, now.mono);
        err = tg_load_due(&r);
    }
    return err;
}

tg_err tg_changes_poll(struct tg_store_db *s, struct tg_shop_now now, bool *ret)
{
    int64_t version = s->version;
    tg_us due = TG_US_NEVER;
    tg_err err = tg_db_ready(&s->db, now.mono);

    if (err == TG_OK)
        err = read_version(s, now.mono >= s->due_again_at ? 0 : s->due_past, &version, &due);
    if (err == TG_OK)
        *ret = version != s->version || due <= now.wall + s->clock.off;
    return err;
}
