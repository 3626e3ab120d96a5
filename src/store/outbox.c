/*
 * Messages to the world: written with what they tell of, one delivery for each endpoint that wants
 * them; what outbound leased, and what came of it.
 */
#include "base/json_out.h"
#include "store/store_priv.h"

int64_t tg_outbox_first(tg_us wall)
{
    return (int64_t)((uint64_t)TG_MAX(wall, (tg_us)0) << TG_MESSAGE_SALT_BITS);
}

/* Rising within this process; the salt keeps two nodes apart in the same microsecond. */
int64_t tg_outbox_next(struct tg_store_db *s, tg_us wall)
{
    int64_t step = (int64_t)1 << TG_MESSAGE_SALT_BITS;

    s->last_message = TG_MAX(tg_outbox_first(wall) + s->salt, s->last_message + step);
    return s->last_message;
}

/* The endpoints may have been changed by another node: each transaction looks. */
tg_err tg_outbox_begin(struct tg_store_db *s)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_HOOK_ROUTES);

    s->route_count = 0;
    tg_q_int(&q, TG_WEBHOOKS_MAX);
    while (s->route_count < TG_WEBHOOKS_MAX && tg_q_row(&q)) {
        s->routes[s->route_count].hook = tg_q_get_int(&q, 0);
        tg_q_copy_text(&q, 1, s->routes[s->route_count].topics,
                       sizeof(s->routes[s->route_count].topics));
        s->route_count++;
    }
    return tg_q_end(&q);
}

bool tg_outbox_wanted(const struct tg_store_db *s, const char *topic)
{
    for (size_t i = 0; i < s->route_count; i++)
        if (tg_hook_wants(s->routes[i].topics, topic))
            return true;
    return false;
}

tg_err tg_outbox_row(struct tg_store_db *s, int64_t id, const char *topic, int64_t order_number,
                     const char *payload, tg_us wall)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_ADD_OUTBOX);

    tg_q_int(&q, id);
    tg_q_text(&q, topic);
    if (order_number == 0)
        tg_q_null(&q);
    else
        tg_q_int(&q, order_number);
    tg_q_text(&q, payload);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

tg_err tg_outbox_delivery(struct tg_store_db *s, int64_t hook, int64_t message, tg_us wall)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_ADD_DELIVERY);

    tg_q_int(&q, hook);
    tg_q_int(&q, message);
    tg_q_int(&q, wall);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

tg_err tg_outbox_add(struct tg_store_db *s, const char *topic, int64_t order_number,
                     const char *payload, tg_us wall)
{
    int64_t id;
    tg_err err;

    if (!tg_outbox_wanted(s, topic))
        return TG_OK;
    id = tg_outbox_next(s, wall);
    err = tg_outbox_row(s, id, topic, order_number, payload, wall);
    for (size_t i = 0; err == TG_OK && i < s->route_count; i++)
        if (tg_hook_wants(s->routes[i].topics, topic))
            err = tg_outbox_delivery(s, s->routes[i].hook, id, wall);
    return err;
}

/* --- what outbound leased, and what came of it --- */

static tg_err lease(struct tg_db *db, const struct tg_hook_work *work,
                    const struct tg_hook_key *key, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_HOOK_LEASE);

    tg_q_text(&q, work->node);
    tg_q_int(&q, work->until_wall);
    tg_q_int(&q, key->hook);
    tg_q_int(&q, key->message);
    tg_q_int(&q, wall);
    return tg_q_run(&q);
}

static tg_err unlease(struct tg_db *db, const struct tg_hook_work *work,
                      const struct tg_hook_key *key)
{
    struct tg_q q = tg_q(db, TG_SQL_HOOK_UNLEASE);

    tg_q_int(&q, key->hook);
    tg_q_int(&q, key->message);
    tg_q_text(&q, work->node);
    return tg_q_run(&q);
}

static tg_err add_attempt(struct tg_db *db, const struct tg_hook_result *r)
{
    struct tg_q q = tg_q(db, TG_SQL_ADD_ATTEMPT);

    tg_q_int(&q, r->key.hook);
    tg_q_int(&q, r->key.message);
    tg_q_int(&q, r->attempt);
    tg_q_int(&q, r->at_wall);
    tg_q_int(&q, r->status);
    tg_q_int(&q, r->duration_ms);
    tg_q_text(&q, r->error);
    tg_q_text(&q, r->answer);
    return tg_q_run(&q);
}

static tg_err set_delivery(struct tg_db *db, const struct tg_hook_work *work,
                           const struct tg_hook_result *r, tg_us wall)
{
    struct tg_q q = tg_q(db, TG_SQL_HOOK_RESULT);

    tg_q_int(&q, r->state);
    tg_q_int(&q, r->attempt);
    tg_q_int(&q, r->due_wall);
    tg_q_int(&q, r->state == TG_DELIVERY_PENDING ? -1 : wall);
    tg_q_int(&q, r->status);
    tg_q_int(&q, r->key.hook);
    tg_q_int(&q, r->key.message);
    tg_q_text(&q, work->node);
    return tg_q_run(&q);
}

static tg_err set_health(struct tg_db *db, const struct tg_hook_result *r, tg_us wall)
{
    struct tg_q q;

    if (r->error[0] == '\0') {
        q = tg_q(db, TG_SQL_HOOK_WORKS);
        tg_q_int(&q, r->key.hook);
    } else {
        q = tg_q(db, TG_SQL_HOOK_FAILS);
        tg_q_int(&q, wall);
        tg_q_int(&q, r->key.hook);
    }
    return tg_q_run(&q);
}

/* The others are told, so that somebody hears of it even if nobody reads logs. */
static tg_err switch_off(struct tg_store_db *s, const struct tg_hook_result *r, tg_us wall)
{
    struct tg_q q = tg_q(&s->db, TG_SQL_HOOK_BY_ORD);
    struct tg_jo j = tg_jo(&s->payload);
    char id[TG_UUID_SIZE] = "";
    bool on = false;
    tg_err err;

    tg_q_int(&q, r->key.hook);
    if (tg_q_row(&q)) {
        tg_q_copy_text(&q, 1, id, sizeof(id));
        on = tg_q_get_int(&q, 5) != 0;
    }
    err = tg_q_end(&q);
    if (err != TG_OK || !on)
        return err;
    q = tg_q(&s->db, TG_SQL_HOOK_OFF);
    tg_q_text(&q, r->off);
    tg_q_int(&q, wall);
    tg_q_int(&q, r->key.hook);
    err = tg_q_run(&q);
    if (err == TG_OK)
        err = tg_outbox_begin(s);
    tg_buf_clear(&s->payload);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "id", id);
    tg_jo_str(&j, "reason", r->off);
    tg_jo_end_obj(&j);
    if (err == TG_OK)
        err = s->payload.err;
    return err == TG_OK ? tg_outbox_add(s, "webhook.disabled", 0, tg_buf_cstr(&s->payload), wall)
                        : err;
}

tg_err tg_store_write_hook_work(struct tg_store *store, const struct tg_hook_work *work, tg_us wall)
{
    struct tg_store_db *s = tg_store_db(store);
    tg_err err = TG_OK;

    TG_ASSERT(s->in_transaction);
    for (uint32_t i = 0; err == TG_OK && i < work->result_count; i++) {
        const struct tg_hook_result *r = &work->results[i];

        if (r->untried) {
            err = unlease(&s->db, work, &r->key);
            continue;
        }
        err = add_attempt(&s->db, r);
        if (err == TG_OK)
            err = set_delivery(&s->db, work, r, wall);
        if (err == TG_OK)
            err = set_health(&s->db, r, wall);
        if (err == TG_OK && r->off[0] != '\0')
            err = switch_off(s, r, wall);
    }
    for (uint32_t i = 0; err == TG_OK && i < work->lease_count; i++)
        err = lease(&s->db, work, &work->leases[i], wall);
    return err;
}
