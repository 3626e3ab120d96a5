/* What an admin does with webhooks: what sale asks before it decides, and what it decided. */
#include "base/json_out.h"
#include "base/str.h"
#include "store/rows_priv.h"
#include "store/store_priv.h"

void tg_row_hook(const struct tg_q *q, struct tg_hook *ret)
{
    *ret = (struct tg_hook){.ord = tg_q_get_int(q, 0),
                            .enabled = tg_q_get_int(q, 5) != 0,
                            .failing_since_wall = tg_q_get_int(q, 7),
                            .created_wall = tg_q_get_int(q, 8)};
    tg_q_copy_text(q, 1, ret->id, sizeof(ret->id));
    tg_q_copy_text(q, 2, ret->url, sizeof(ret->url));
    tg_q_copy_text(q, 3, ret->topics, sizeof(ret->topics));
    tg_q_copy_text(q, 4, ret->description, sizeof(ret->description));
    tg_q_copy_text(q, 6, ret->off, sizeof(ret->off));
}

static tg_err count_of(struct tg_q *q, size_t *ret)
{
    if (tg_q_row(q))
        *ret = (size_t)tg_q_get_int(q, 0);
    return tg_q_end(q);
}

static tg_err look_deeper(struct tg_store_db *s, const struct tg_hook_req *req,
                          struct tg_hook_look *ret)
{
    struct tg_q q;

    if (req->verb == TG_HOOK_REPLAY) {
        q = tg_q(&s->db, TG_SQL_DELIVERY);
        tg_q_int(&q, ret->hook.ord);
        tg_q_int(&q, req->message);
        ret->delivery = tg_q_row(&q);
        return tg_q_end(&q);
    }
    if (req->verb != TG_HOOK_REPLAY_FAILED)
        return TG_OK;
    q = tg_q(&s->db, TG_SQL_COUNT_FAILED);
    tg_q_int(&q, ret->hook.ord);
    tg_q_int(&q, req->since_wall);
    tg_q_int(&q, TG_HOOK_REPLAY_MAX);
    return count_of(&q, &ret->failed);
}

tg_err tg_store_hook_look(struct tg_store *store, const struct tg_hook_req *req, tg_us wall,
                          struct tg_hook_look *ret)
{
    struct tg_store_db *s = tg_store_db(store);
    struct tg_q q = tg_q(&s->db, TG_SQL_HOOK_COUNT);
    tg_err err;

    *ret = (struct tg_hook_look){.next = tg_outbox_next(s, wall)};
    err = count_of(&q, &ret->count);
    if (err != TG_OK || req->verb == TG_HOOK_CREATE)
        return err;
    q = tg_q(&s->db, TG_SQL_HOOK_BY_ID);
    tg_q_text(&q, req->hook.id);
    ret->found = tg_q_row(&q);
    if (ret->found)
        tg_row_hook(&q, &ret->hook);
    err = tg_q_end(&q);
    return err == TG_OK && ret->found ? look_deeper(s, req, ret) : err;
}

static tg_err add_secret(struct tg_db *db, const struct tg_hook_change *c, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_HOOK_SECRET);

    tg_q_text(&q, c->hook.id);
    tg_q_text(&q, c->secret);
    tg_q_int(&q, wall);
    tg_q_int(&q, TG_US_NEVER);
    return tg_q_run(&q);
}

static tg_err create(struct tg_db *db, const struct tg_hook_change *c, tg_us wall,
                     const char *actor)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_HOOK);
    tg_err err;

    tg_q_text(&q, c->hook.id);
    tg_q_text(&q, c->hook.url);
    tg_q_text(&q, c->hook.topics);
    tg_q_text(&q, c->hook.description);
    tg_q_int(&q, c->hook.enabled);
    tg_q_int(&q, wall);
    tg_q_text(&q, actor);
    tg_q_int(&q, wall);
    err = tg_q_run(&q);
    return err == TG_OK ? add_secret(db, c, wall) : err;
}

static tg_err change(struct tg_db *db, const struct tg_hook *hook, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_SET_HOOK);

    tg_q_text(&q, hook->url);
    tg_q_text(&q, hook->topics);
    tg_q_text(&q, hook->description);
    tg_q_int(&q, hook->enabled);
    tg_q_text(&q, hook->off);
    tg_q_int(&q, hook->failing_since_wall);
    tg_q_int(&q, wall);
    tg_q_int(&q, hook->ord);
    return tg_q_run(&q);
}

/* Secrets that end at `until` or before are gone; of the others none lives longer than that. */
static tg_err end_secrets(struct tg_db *db, int64_t hook, tg_us now, tg_us until)
{
    struct tg_q q = tg_q(db, TG_SQL_END_HOOK_SECRETS);
    tg_err err;

    tg_q_int(&q, until);
    tg_q_int(&q, hook);
    err = tg_q_run(&q);
    if (err != TG_OK)
        return err;
    q = tg_q(db, TG_SQL_DROP_HOOK_SECRETS);
    tg_q_int(&q, hook);
    tg_q_int(&q, now);
    return tg_q_run(&q);
}

static tg_err delete (struct tg_db *db, int64_t hook, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_DELETE_HOOK);
    tg_err err;

    tg_q_int(&q, wall);
    tg_q_int(&q, wall);
    tg_q_int(&q, hook);
    err = tg_q_run(&q);
    return err == TG_OK ? end_secrets(db, hook, wall, wall) : err;
}

static tg_err rotate(struct tg_db *db, const struct tg_hook_change *c, tg_us wall)
{
    tg_err err = end_secrets(db, c->hook.ord, wall, wall + TG_HOOK_SECRET_OVERLAP_US);

    return err == TG_OK ? add_secret(db, c, wall) : err;
}

static tg_err ping(struct tg_store_db *s, const struct tg_hook_change *c, tg_us wall)
{
    struct tg_jo j = tg_jo(&s->payload);
    tg_err err;

    tg_buf_clear(&s->payload);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "id", c->hook.id);
    tg_jo_end_obj(&j);
    err = s->payload.err;
    if (err == TG_OK)
        err = tg_outbox_row(s, c->message, "webhook.ping", 0, tg_buf_cstr(&s->payload), wall);
    return err == TG_OK ? tg_outbox_delivery(s, c->hook.ord, c->message, wall) : err;
}

static tg_err replay(struct tg_db *db, const struct tg_hook_change *c, tg_us wall)
{
    bool one = c->verb == TG_HOOK_REPLAY;
    struct tg_q q = tg_q(db, one ? TG_SQL_REPLAY : TG_SQL_REPLAY_FAILED);

    if (one) {
        tg_q_int(&q, wall);
        tg_q_int(&q, c->hook.ord);
        tg_q_int(&q, c->message);
    } else {
        tg_q_int(&q, c->hook.ord);
        tg_q_int(&q, c->since_wall);
        tg_q_int(&q, TG_HOOK_REPLAY_MAX);
        tg_q_int(&q, wall);
    }
    return tg_q_run(&q);
}

tg_err tg_store_write_hook(struct tg_store *store, const struct tg_hook_change *c, tg_us wall,
                           const char *actor)
{
    struct tg_store_db *s = tg_store_db(store);

    TG_ASSERT(s->in_transaction);
    switch (c->verb) {
    case TG_HOOK_CREATE:
        return create(&s->db, c, wall, actor);
    case TG_HOOK_CHANGE:
        return change(&s->db, &c->hook, wall);
    case TG_HOOK_DELETE:
        return delete (&s->db, c->hook.ord, wall);
    case TG_HOOK_ROTATE:
        return rotate(&s->db, c, wall);
    case TG_HOOK_PING:
        return ping(s, c, wall);
    case TG_HOOK_REPLAY:
    case TG_HOOK_REPLAY_FAILED:
        return replay(&s->db, c, wall);
    }
    return TG_ERR_BUG;
}
