/* Shows and tokens, at the start and what another node changed. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/changes.h"
#include "store/rows_priv.h"

static tg_err end(struct tg_q *q, tg_err err)
{
    tg_err ended = tg_q_end(q);

    return err != TG_OK ? err : ended;
}

static tg_err take_show(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    struct tg_show_info show = {.ord = (uint16_t)tg_q_get_int(q, 0),
                                .state = (enum tg_show_state)tg_q_get_int(q, 3),
                                .demo = tg_q_get_int(q, 4) != 0,
                                .created_wall_us = tg_q_get_int(q, 5)};
    struct tg_show_info have;

    (void)i;
    tg_q_copy_text(q, 1, show.id, sizeof(show.id));
    tg_q_copy_text(q, 2, show.title, sizeof(show.title));
    /* The media clock goes on over restarts: it started when the show was made. */
    show.epoch_us = r->now.mono - (r->now.wall - show.created_wall_us);
    if (tg_q_get_int(q, 3) < TG_SHOW_SCHEDULED || tg_q_get_int(q, 3) > TG_SHOW_REHEARSAL)
        return tg_row_err(r->db, "show", show.id, TG_ERR_MALFORMED);
    if (tg_registry_show_at(r->store->registry, show.ord, &have) == TG_OK) {
        tg_registry_show_set_state(r->store->registry, show.ord, show.state);
        return TG_OK;
    }
    return tg_reload_told(
        r, TG_CHANGE_SHOW, show.id,
        tg_row_err(r->db, "show", show.id, tg_registry_show_put(r->store->registry, &show)));
}

tg_err tg_reload_shows(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = tg_reload_ask_number, .row = take_show, .ctx = &ctx};

    return tg_reload_walk(r, TG_SQL_SHOWS, TG_SQL_SHOW_BY_ORD, &many);
}

/* --- tokens --- */

static tg_err row_token(struct tg_db *db, const struct tg_q *q, struct tg_token_info *ret)
{
    size_t len = 0;
    const void *hash = tg_q_get_blob(q, 1, &len);

    *ret = (struct tg_token_info){.ordinal = (uint32_t)tg_q_get_int(q, 0),
                                  .roles = (uint32_t)tg_q_get_int(q, 2),
                                  .publish_only = tg_q_get_int(q, 3) != 0,
                                  .one_show = !tg_q_is_null(q, 4),
                                  .show = (uint16_t)tg_q_get_int(q, 4),
                                  .expires_wall_us = tg_q_get_int(q, 5)};
    tg_str_printf(ret->id, sizeof(ret->id), "t%u", ret->ordinal);
    tg_q_copy_text(q, 6, ret->label, sizeof(ret->label));
    if (len != sizeof(ret->hash))
        return tg_row_err(db, "token", ret->id, TG_ERR_MALFORMED);
    memcpy(ret->hash, hash, sizeof(ret->hash));
    return TG_OK;
}

static tg_err put_token(const struct tg_reload *r, const struct tg_token_info *t)
{
    struct tg_registry *registry = r->store->registry;
    struct tg_token_info have;
    tg_err err;

    if (tg_registry_token_get(registry, t->id, &have) == TG_OK)
        return TG_OK;
    /* Whoever made it saw that there was room; expired ones may have it here. */
    if (tg_registry_token_room(registry, r->now.wall) == 0)
        return TG_OK;
    err = tg_registry_token_put(registry, t);
    return tg_reload_told(r, TG_CHANGE_TOKEN, t->id, tg_row_err(r->db, "token", t->id, err));
}

static tg_err take_token(void *ctx, size_t i, const struct tg_q *q)
{
    const struct tg_reload *r = ctx;
    struct tg_token_info t;
    tg_err err = row_token(r->db, q, &t);

    (void)i;
    if (err != TG_OK)
        return err;
    if (tg_q_is_null(q, 7))
        return put_token(r, &t);
    /* Revoked: it may never have been known here. */
    err = tg_registry_token_del(r->store->registry, t.id);
    return tg_reload_told(r, TG_CHANGE_TOKEN, t.id, err == TG_ERR_NOMEM ? err : TG_OK);
}

/* All of them, at once: whoever asks meanwhile finds those of before. */
static tg_err all_tokens(const struct tg_reload *r)
{
    struct tg_token_info *tokens = tg_calloc(TG_TOKENS_MAX, sizeof(*tokens));
    struct tg_q q = tg_q(r->db, TG_SQL_VALID_TOKENS);
    size_t count = 0;
    tg_err err = tokens == NULL ? TG_ERR_NOMEM : TG_OK;

    tg_q_int(&q, r->now.wall);
    /* The newest first; more than fit were made by nobody who asked for room. */
    while (err == TG_OK && count < TG_TOKENS_MAX && tg_q_row(&q))
        err = row_token(r->db, &q, &tokens[count++]);
    err = end(&q, err);
    if (err == TG_OK)
        err = tg_row_err(r->db, "tokens", "",
                         tg_registry_tokens_replace(r->store->registry, tokens, count));
    tg_free(tokens);
    return err;
}

tg_err tg_reload_tokens(const struct tg_reload *r)
{
    struct tg_reload ctx = *r;
    const struct tg_q_many many = {.bind = tg_reload_ask_number, .row = take_token, .ctx = &ctx};

    return r->keys == NULL ? all_tokens(r)
                           : tg_q_each(r->db, TG_SQL_TOKEN_BY_ORDINAL, r->count, &many);
}

tg_err tg_store_load_registry(struct tg_store *store, struct tg_shop_now now,
                              struct tg_registry *registry)
{
    struct tg_store_db *s = tg_store_db(store);
    const struct tg_reload r = {.store = s, .db = &s->db, .now = now};
    tg_err err;

    s->registry = registry;
    err = tg_reload_shows(&r);
    return err == TG_OK ? tg_reload_tokens(&r) : err;
}
