#include "store/hooks.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/rows_priv.h"

/* Far above what outbound sends; the payload comes from our own tables. */
enum { PAYLOAD_MAX = 256 * 1024 };

void tg_hook_message_done(struct tg_hook_message *m)
{
    tg_free(m->payload);
    m->payload = NULL;
    OPENSSL_cleanse(m->secrets, sizeof(m->secrets));
    m->secret_count = 0;
}

tg_err tg_read_hooks(struct tg_read_db *db, struct tg_hook *ret, size_t cap, size_t *ret_count)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_HOOKS);
    size_t count = 0;
    tg_err err;

    tg_q_int(&q, (int64_t)cap);
    while (count < cap && tg_q_row(&q))
        tg_row_hook(&q, &ret[count++]);
    err = tg_q_end(&q);
    if (err == TG_OK)
        *ret_count = count;
    return err;
}

tg_err tg_read_hook(struct tg_read_db *db, const char *id, struct tg_hook *ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_HOOK_BY_ID);
    bool found;
    tg_err err;

    tg_q_text(&q, id);
    found = tg_q_row(&q);
    if (found)
        tg_row_hook(&q, ret);
    err = tg_q_end(&q);
    return err == TG_OK && !found ? TG_ERR_NOTFOUND : err;
}

tg_err tg_read_hook_due(struct tg_read_db *db, int64_t hook, const char *node, tg_us wall,
                        int64_t *ret, size_t cap, size_t *ret_count)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_HOOK_DUE);
    size_t count = 0;
    tg_err err;

    tg_q_int(&q, hook);
    tg_q_int(&q, wall);
    tg_q_text(&q, node);
    tg_q_int(&q, (int64_t)cap);
    while (count < cap && tg_q_row(&q))
        ret[count++] = tg_q_get_int(&q, 0);
    err = tg_q_end(&q);
    if (err == TG_OK)
        *ret_count = count;
    return err;
}

static tg_err read_secrets(struct tg_read_db *db, int64_t hook, tg_us wall,
                           struct tg_hook_message *ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_HOOK_SECRETS);

    tg_q_int(&q, hook);
    tg_q_int(&q, wall);
    tg_q_int(&q, TG_HOOK_SECRETS_MAX);
    while (ret->secret_count < TG_HOOK_SECRETS_MAX && tg_q_row(&q))
        tg_q_copy_text(&q, 0, ret->secrets[ret->secret_count++], TG_HOOK_SECRET_SIZE);
    return tg_q_end(&q);
}

static tg_err take_message(const struct tg_q *q, struct tg_hook_message *ret)
{
    const char *payload = tg_q_get_text(q, 1);
    size_t len = strlen(payload);

    tg_q_copy_text(q, 0, ret->topic, sizeof(ret->topic));
    ret->created_wall = tg_q_get_int(q, 2);
    ret->tries = (uint32_t)tg_q_get_int(q, 3);
    ret->base = (uint32_t)tg_q_get_int(q, 4);
    if (len > PAYLOAD_MAX)
        return TG_ERR_LIMIT;
    ret->payload = tg_strndup(payload, len);
    return ret->payload == NULL ? TG_ERR_NOMEM : TG_OK;
}

tg_err tg_read_hook_message(struct tg_read_db *db, const struct tg_hook_key *key, const char *node,
                            tg_us wall, struct tg_hook_message *ret)
{
    struct tg_hook_message m = {.secret_count = 0};
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_HOOK_MESSAGE);
    tg_err err = TG_ERR_NOTFOUND;
    tg_err ended;

    tg_q_int(&q, key->hook);
    tg_q_int(&q, key->message);
    tg_q_text(&q, node);
    tg_q_int(&q, wall);
    if (tg_q_row(&q))
        err = take_message(&q, &m);
    ended = tg_q_end(&q);
    if (ended != TG_OK)
        err = ended;
    if (err == TG_OK)
        err = read_secrets(db, key->hook, wall, &m);
    if (err != TG_OK) {
        tg_hook_message_done(&m);
        return err;
    }
    *ret = m;
    OPENSSL_cleanse(m.secrets, sizeof(m.secrets));
    return TG_OK;
}

/* --- pages --- */

static void take_delivery(const struct tg_q *q, struct tg_delivery *ret)
{
    *ret = (struct tg_delivery){.message = tg_q_get_int(q, 0),
                                .created_wall = tg_q_get_int(q, 2),
                                .state = (int)tg_q_get_int(q, 3),
                                .tries = (uint32_t)tg_q_get_int(q, 4),
                                .due_wall = tg_q_get_int(q, 5),
                                .done_wall = tg_q_get_int(q, 6),
                                .status = (int)tg_q_get_int(q, 7)};
    tg_q_copy_text(q, 1, ret->topic, sizeof(ret->topic));
}

tg_err tg_read_deliveries(struct tg_read_db *db, int64_t hook, int state, int64_t below,
                          uint32_t limit, tg_read_delivery_fn each, void *ctx)
{
    struct tg_q q =
        tg_q(tg_read_conn(db), state < 0 ? TG_SQL_DELIVERIES : TG_SQL_DELIVERIES_OF_STATE);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, hook);
    tg_q_int(&q, below);
    if (state >= 0)
        tg_q_int(&q, state);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_delivery d;

        take_delivery(&q, &d);
        err = each(ctx, &d);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_delivery(struct tg_read_db *db, const struct tg_hook_key *key,
                        struct tg_delivery *ret)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_DELIVERY);
    bool found;
    tg_err err;

    tg_q_int(&q, key->hook);
    tg_q_int(&q, key->message);
    found = tg_q_row(&q);
    if (found)
        take_delivery(&q, ret);
    err = tg_q_end(&q);
    return err == TG_OK && !found ? TG_ERR_NOTFOUND : err;
}

tg_err tg_read_attempts(struct tg_read_db *db, const struct tg_hook_key *key,
                        tg_read_attempt_fn each, void *ctx)
{
    struct tg_q q = tg_q(tg_read_conn(db), TG_SQL_ATTEMPTS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, key->hook);
    tg_q_int(&q, key->message);
    tg_q_int(&q, TG_HOOK_ATTEMPTS_SHOWN);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_attempt a = {.n = (uint32_t)tg_q_get_int(&q, 0),
                               .at_wall = tg_q_get_int(&q, 1),
                               .status = (int)tg_q_get_int(&q, 2),
                               .duration_ms = (int32_t)tg_q_get_int(&q, 3)};

        tg_q_copy_text(&q, 4, a.error, sizeof(a.error));
        tg_q_copy_text(&q, 5, a.answer, sizeof(a.answer));
        err = each(ctx, &a);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}
