/* Rules of shows and the waiting list: rows in and out. */
#include "base/str.h"
#include "shop/rules.h"
#include "shop/waiting.h"
#include "store/changes.h"
#include "store/store_priv.h"

/* A row that the shop refuses cannot have come from us. */
static tg_err row_err(struct tg_db *db, const char *what, const char *id, tg_err err)
{
    if (err == TG_OK || err == TG_ERR_NOMEM)
        return err;
    tg_str_printf(db->error, sizeof(db->error), "%s %.64s: %s", what, id, tg_err_name(err));
    return TG_ERR_MALFORMED;
}

static tg_err end(struct tg_q *q, tg_err err)
{
    tg_err ended = tg_q_end(q);

    return err != TG_OK ? err : ended;
}

static tg_err take_rules(struct tg_db *db, struct tg_shop *shop, const struct tg_q *q)
{
    struct tg_show_rules r = {.show = (uint16_t)tg_q_get_int(q, 0),
                              .first_paid = tg_q_get_int(q, 1) != 0,
                              .waiting = tg_q_get_int(q, 2) != 0,
                              .comments = tg_q_get_int(q, 3) != 0,
                              .comment_bare = tg_q_get_int(q, 4) != 0,
                              .hold_us = tg_q_get_int(q, 6),
                              .turn_us = tg_q_get_int(q, 7),
                              .person_units = (int32_t)tg_q_get_int(q, 8),
                              .lag_ms = (int32_t)tg_q_get_int(q, 9)};

    tg_q_copy_text(q, 5, r.comment_word, sizeof(r.comment_word));
    return row_err(db, "rules of", "a show", tg_shop_put_rules(shop, &r));
}

static tg_err take_item(struct tg_db *db, struct tg_shop *shop, const struct tg_q *q)
{
    struct tg_show_item i = {.show = (uint16_t)tg_q_get_int(q, 0),
                             .number = (uint32_t)tg_q_get_int(q, 2),
                             .units_max = (int32_t)tg_q_get_int(q, 3),
                             .person_max = (int32_t)tg_q_get_int(q, 4),
                             .from_ms = tg_q_get_int(q, 5),
                             .until_ms = tg_q_get_int(q, 6),
                             .show_only = tg_q_get_int(q, 7) != 0};

    tg_q_copy_text(q, 1, i.sku, sizeof(i.sku));
    return row_err(db, "rule of", i.sku, tg_shop_put_show_item(shop, &i));
}

/* Changes of rules are rare, and the rows few: all of them. */
tg_err tg_reload_rules(const struct tg_reload *r)
{
    struct tg_q q = tg_q(r->db, TG_SQL_SHOW_RULES);
    tg_err err = TG_OK;

    while (err == TG_OK && tg_q_row(&q))
        err = take_rules(r->db, r->shop, &q);
    err = end(&q, err);
    if (err != TG_OK)
        return err;
    tg_shop_forget_show_items(r->shop);
    q = tg_q(r->db, TG_SQL_SHOW_ITEMS);
    while (err == TG_OK && tg_q_row(&q))
        err = take_item(r->db, r->shop, &q);
    err = end(&q, err);
    for (size_t i = 0; r->keys != NULL && err == TG_OK && i < r->count; i++)
        err = tg_reload_told(r, TG_CHANGE_RULES, r->keys[i], err);
    return err;
}

static tg_err take_waiter(struct tg_db *db, struct tg_shop_now now, const struct tg_q *q,
                          struct tg_shop *shop)
{
    struct tg_waiter w = {.show = (uint16_t)tg_q_get_int(q, 2),
                          .ticket = tg_q_get_int(q, 3),
                          .qty = (int32_t)tg_q_get_int(q, 4),
                          .offered = (int32_t)tg_q_get_int(q, 5),
                          .location = (uint16_t)tg_q_get_int(q, 6),
                          .since_wall = tg_q_get_int(q, 7),
                          .until_wall = tg_q_get_int(q, 8)};

    tg_q_copy_text(q, 0, w.sku, sizeof(w.sku));
    tg_q_copy_text(q, 1, w.person, sizeof(w.person));
    if (!tg_row_kept(shop, w.sku))
        return TG_OK;
    return row_err(db, "line of", w.sku, tg_shop_load_waiter(shop, now, &w));
}

static tg_err reload_line(const struct tg_reload *r, const char *sku)
{
    struct tg_q q = tg_q(r->db, TG_SQL_WAITING_FOR);
    tg_err err = TG_OK;

    tg_shop_forget_line(r->shop, sku);
    tg_q_text(&q, sku);
    while (err == TG_OK && tg_q_row(&q))
        err = take_waiter(r->db, r->now, &q, r->shop);
    return end(&q, err);
}

tg_err tg_reload_lines(const struct tg_reload *r)
{
    struct tg_q q;
    tg_err err = TG_OK;

    for (size_t i = 0; r->keys != NULL && err == TG_OK && i < r->count; i++)
        err = reload_line(r, r->keys[i]);
    if (r->keys != NULL)
        return err;
    tg_shop_forget_lines(r->shop);
    q = tg_q(r->db, TG_SQL_WAITING);
    while (err == TG_OK && tg_q_row(&q))
        err = take_waiter(r->db, r->now, &q, r->shop);
    return end(&q, err);
}

static tg_err put_rules(struct tg_db *db, const struct tg_show_rules *r, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_PUT_RULES);

    tg_q_int(&q, r->show);
    tg_q_int(&q, r->first_paid);
    tg_q_int(&q, r->waiting);
    tg_q_int(&q, r->comments);
    tg_q_int(&q, r->comment_bare);
    tg_q_text(&q, r->comment_word);
    tg_q_int(&q, r->hold_us);
    tg_q_int(&q, r->turn_us);
    tg_q_int(&q, r->person_units);
    tg_q_int(&q, r->lag_ms);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

static tg_err put_item(struct tg_db *db, const struct tg_show_item *i, tg_us wall)
{
    bool plain = tg_show_item_plain(i);
    struct tg_q q = tg_q(db, plain ? TG_SQL_DROP_SHOW_ITEM : TG_SQL_PUT_SHOW_ITEM);

    tg_q_int(&q, i->show);
    tg_q_text(&q, i->sku);
    if (plain)
        return tg_q_run(&q);
    tg_q_int(&q, i->number);
    tg_q_int(&q, i->units_max);
    tg_q_int(&q, i->person_max);
    tg_q_int(&q, i->from_ms);
    tg_q_int(&q, i->until_ms);
    tg_q_int(&q, i->show_only);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

static tg_err put_waiter(struct tg_db *db, const struct tg_waiter *w)
{
    struct tg_q q = tg_q(db, TG_SQL_PUT_WAITER);

    tg_q_text(&q, w->sku);
    tg_q_text(&q, w->person);
    tg_q_int(&q, w->show);
    tg_q_int(&q, w->ticket);
    tg_q_int(&q, w->qty);
    tg_q_int(&q, w->offered);
    tg_q_int(&q, w->location);
    tg_q_int(&q, w->since_wall);
    tg_q_int(&q, w->until_wall);
    return tg_q_run(&q);
}

static tg_err drop_waiter(struct tg_db *db, const struct tg_waiter *w)
{
    struct tg_q q = tg_q(db, TG_SQL_DROP_WAITER);

    tg_q_text(&q, w->sku);
    tg_q_text(&q, w->person);
    return tg_q_run(&q);
}

tg_err tg_store_write_rule(struct tg_db *db, const struct tg_effect *e)
{
    if (e->kind == TG_EFFECT_RULES)
        return put_rules(db, e->rules, e->wall);
    if (e->kind == TG_EFFECT_SHOW_ITEM)
        return put_item(db, e->item, e->wall);
    return e->kind == TG_EFFECT_WAITER ? put_waiter(db, e->waiter) : drop_waiter(db, e->waiter);
}
