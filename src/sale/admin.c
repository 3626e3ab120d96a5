/* Shows, tokens and the audit: no stock moves here, but the same batch and the same commit. */
#include <string.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/str.h"
#include "sale/sale_priv.h"
#include "store/audit.h"

static void refuse(struct tg_sale *sale, struct tg_item *item, enum tg_code code, const char *text)
{
    struct tg_verdict v = {.code = code};

    tg_str_cut(v.message, sizeof(v.message), text);
    tg_answer_refusal(sale, item, &v);
}

static struct tg_admin *admin_new(struct tg_sale *sale, struct tg_item *item,
                                  enum tg_admin_kind kind)
{
    struct tg_admin *a = tg_calloc(1, sizeof(*a));

    if (a == NULL) {
        sale->failed = TG_ERR_NOMEM;
        return NULL;
    }
    a->kind = kind;
    tg_str_cut(a->actor, sizeof(a->actor), item->req->who.id);
    item->admin = a;
    return a;
}

/* A show of this id in the batch, before `item`. */
static bool show_in_batch(const struct tg_sale *sale, const struct tg_item *item, const char *id)
{
    for (const struct tg_item *i = sale->items; i < item; i++)
        if (i->admin != NULL && i->admin->kind == TG_ADMIN_SHOW &&
            strcmp(i->admin->show.id, id) == 0)
            return true;
    return false;
}

static bool revoked_in_batch(const struct tg_sale *sale, const struct tg_item *item, const char *id)
{
    for (const struct tg_item *i = sale->items; i < item; i++)
        if (i->admin != NULL && i->admin->kind == TG_ADMIN_REVOKE &&
            strcmp(i->admin->token.id, id) == 0)
            return true;
    return false;
}

static bool show_id_ok(const char *id)
{
    if (id[0] == '\0' || strlen(id) > TG_SHOW_ID_MAX)
        return false;
    for (const char *c = id; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-'))
            return false;
    return id[0] != '-';
}

static void fill_show(const struct tg_sale *sale, struct tg_shop_now now, struct tg_show_info *show,
                      const char *id, const char *title)
{
    *show = (struct tg_show_info){.ord = sale->next_show,
                                  .state = TG_SHOW_SCHEDULED,
                                  .epoch_us = now.mono,
                                  .created_wall_us = now.wall};
    tg_str_cut(show->id, sizeof(show->id), id);
    tg_str_cut(show->title, sizeof(show->title), title[0] == '\0' ? id : title);
}

static void when(struct tg_jo *j, const char *key, tg_us wall)
{
    char text[TG_RFC3339_SIZE];

    if (wall == TG_US_NEVER) {
        tg_jo_null(j, key);
        return;
    }
    tg_rfc3339(text, wall);
    tg_jo_str(j, key, text);
}

static void answer_show(struct tg_sale *sale, struct tg_item *item, const struct tg_show_info *show)
{
    struct tg_jo j = tg_jo(&sale->buf);

    item->code = TG_CODE_OK;
    item->status = 201;
    tg_str_printf(item->location, sizeof(item->location), "/api/v1/shows/%s", show->id);
    tg_buf_clear(&sale->buf);
    tg_show_info_write(&j, NULL, show);
    item->reply = tg_answer_slab(sale);
}

static void decide_show(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item)
{
    const struct tg_sale_req *req = item->req;
    struct tg_show_info taken;
    struct tg_admin *a;

    if (!show_id_ok(req->key)) {
        refuse(sale, item, TG_CODE_BAD_REQUEST,
               "id must be 1 to 64 of a-z, 0-9 and -, and not begin with -.");
        return;
    }
    if (show_in_batch(sale, item, req->key) ||
        tg_registry_show_get(sale->cfg.registry, req->key, strlen(req->key), &taken) == TG_OK) {
        refuse(sale, item, TG_CODE_CONFLICT, "There is a show with this id already.");
        return;
    }
    if (sale->next_show >= TG_SHOWS_MAX) {
        refuse(sale, item, TG_CODE_LIMIT, "This server has as many shows as it can hold.");
        return;
    }
    a = admin_new(sale, item, TG_ADMIN_SHOW);
    if (a == NULL)
        return;
    fill_show(sale, now, &a->show, req->key, req->text);
    sale->next_show++;
    answer_show(sale, item, &a->show);
}

static void decide_state(struct tg_sale *sale, struct tg_item *item)
{
    const struct tg_sale_req *req = item->req;
    struct tg_show_info show;
    struct tg_admin *a;

    if (req->number < TG_SHOW_SCHEDULED || req->number > TG_SHOW_REHEARSAL ||
        tg_registry_show_at(sale->cfg.registry, req->show, &show) != TG_OK)
        return; /* a show made in this very batch cannot have started */
    a = admin_new(sale, item, TG_ADMIN_STATE);
    if (a == NULL)
        return;
    a->show.ord = req->show;
    a->show.state = (enum tg_show_state)req->number;
}

/* With the secret for the one who asked; without it for the disk. */
static struct tg_slab *token_json(struct tg_sale *sale, const struct tg_admin *a, const char *show,
                                  const char *secret)
{
    struct tg_jo j = tg_jo(&sale->buf);

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "id", a->token.id);
    tg_jo_str(&j, "token", secret);
    tg_jo_arr(&j, "roles");
    for (uint32_t role = 1; role < TG_ROLE_ALL; role <<= 1)
        if ((a->token.roles & role) != 0)
            tg_jo_str(&j, NULL, tg_role_name(role));
    tg_jo_end_arr(&j);
    tg_jo_str(&j, "show", show[0] == '\0' ? NULL : show);
    tg_jo_bool(&j, "publish_only", a->token.publish_only);
    when(&j, "expires", a->token.expires_wall_us);
    tg_jo_str(&j, "label", a->token.label);
    tg_jo_end_obj(&j);
    return tg_answer_slab(sale);
}

/* When the token ends; -1 = never. */
static tg_us token_end(const struct tg_sale_req *req, struct tg_shop_now now)
{
    return req->lasts_s > 0 ? now.wall + req->lasts_s * TG_US_PER_S : req->until_wall_us;
}

static bool token_request_ok(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item,
                             struct tg_show_info *ret_show)
{
    const struct tg_sale_req *req = item->req;
    tg_us end = token_end(req, now);

    if (req->number < (req->flag ? 0 : 1) || req->number > TG_ROLE_ALL) {
        refuse(sale, item, TG_CODE_BAD_REQUEST, "roles must name at least one role.");
        return false;
    }
    if (req->flag && req->key[0] == '\0') {
        refuse(sale, item, TG_CODE_BAD_REQUEST, "A publish-only token needs its show.");
        return false;
    }
    if (end >= 0 && end <= now.wall) {
        refuse(sale, item, TG_CODE_BAD_REQUEST, "expires must lie in the future.");
        return false;
    }
    *ret_show = (struct tg_show_info){.ord = UINT16_MAX};
    if (req->key[0] != '\0' &&
        tg_registry_show_get(sale->cfg.registry, req->key, strlen(req->key), ret_show) != TG_OK) {
        refuse(sale, item, TG_CODE_NOT_FOUND, "There is no such show.");
        return false;
    }
    return true;
}

/* Made in the batch before `item`, or the registry's. */
static bool room_for_token(const struct tg_sale *sale, struct tg_shop_now now,
                           const struct tg_item *item)
{
    size_t room = tg_registry_token_room(sale->cfg.registry, now.wall);

    for (const struct tg_item *i = sale->items; room > 0 && i < item; i++)
        room -= i->admin != NULL && i->admin->kind == TG_ADMIN_TOKEN;
    return room > 0;
}

static void decide_token(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item)
{
    const struct tg_sale_req *req = item->req;
    struct tg_show_info show;
    struct tg_admin *a;

    if (!token_request_ok(sale, now, item, &show))
        return;
    if (!room_for_token(sale, now, item)) {
        refuse(sale, item, TG_CODE_LIMIT,
               "There are as many tokens as a shop can have: revoke some that nobody uses.");
        return;
    }
    a = admin_new(sale, item, TG_ADMIN_TOKEN);
    if (a == NULL)
        return;
    a->token = (struct tg_token_info){
        .ordinal = sale->next_token++,
        .roles = (uint32_t)req->number,
        .publish_only = req->flag,
        .one_show = req->key[0] != '\0',
        .show = show.ord,
        .expires_wall_us = token_end(req, now) < 0 ? TG_US_NEVER : token_end(req, now),
    };
    tg_str_printf(a->token.id, sizeof(a->token.id), "t%u", a->token.ordinal);
    tg_str_cut(a->token.label, sizeof(a->token.label), req->text);
    tg_token_mint(a->text, a->token.hash);
    item->code = TG_CODE_OK;
    item->status = 201;
    tg_str_printf(item->location, sizeof(item->location), "/api/v1/tokens/%s", a->token.id);
    item->reply = token_json(sale, a, req->key, NULL);
}

static void decide_revoke(struct tg_sale *sale, struct tg_item *item)
{
    struct tg_token_info token;
    struct tg_admin *a;

    if (revoked_in_batch(sale, item, item->req->key) ||
        tg_registry_token_get(sale->cfg.registry, item->req->key, &token) != TG_OK) {
        refuse(sale, item, TG_CODE_NOT_FOUND, "There is no such token.");
        return;
    }
    a = admin_new(sale, item, TG_ADMIN_REVOKE);
    if (a == NULL)
        return;
    a->token = token;
    item->code = TG_CODE_OK;
    item->status = 204;
}

void tg_admin_decide(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item)
{
    switch (item->req->what) {
    case TG_SALE_SHOW_CREATE:
        decide_show(sale, now, item);
        break;
    case TG_SALE_SHOW_STATE:
        decide_state(sale, item);
        break;
    case TG_SALE_TOKEN_CREATE:
        decide_token(sale, now, item);
        break;
    case TG_SALE_TOKEN_REVOKE:
        decide_revoke(sale, item);
        break;
    case TG_SALE_HOOK:
        tg_hooks_decide(sale, now, item);
        break;
    case TG_SALE_OP:
    case TG_SALE_JOIN:
    case TG_SALE_PAY:
    case TG_SALE_CANCEL:
    case TG_SALE_CART:
    case TG_SALE_LIST_PRICE:
    case TG_SALE_CODE_NEW:
    case TG_SALE_CODE_SET:
    case TG_SALE_CODE_END:
    case TG_SALE_CART_MERGE:
    case TG_SALE_COMMENT:
    case TG_SALE_HOOK_WORK:
    case TG_SALE_NEWS:
    case TG_SALE_RETRY:
    case TG_SALE_ASK_AGAIN:
    case TG_SALE_GIVE_UP:
    case TG_SALE_FULFIL:
    case TG_SALE_RETURN:
    case TG_SALE_REFUND:
    case TG_SALE_NOTE:
    case TG_SALE_IMPORT:
    case TG_SALE_IMPORT_UNDO:
    case TG_SALE_IMPORT_CANCEL:
    case TG_SALE_PRODUCT_NEW:
    case TG_SALE_PRODUCT_SET:
    case TG_SALE_VARIANT_NEW:
    case TG_SALE_VARIANT_SET:
    case TG_SALE_STOCK_LOOK:
    case TG_SALE_STOCK_ROWS:
    case TG_SALE_STOCK_RULES:
    case TG_SALE_PLACE:
    case TG_SALE_STOCK_AUDIT:
        break;
    }
}

tg_err tg_admin_write(struct tg_sale *sale, tg_us wall, const struct tg_admin *a)
{
    struct tg_store *store = sale->cfg.store;

    switch (a->kind) {
    case TG_ADMIN_SHOW:
        return store->ops->write_show(store, &a->show, a->actor);
    case TG_ADMIN_STATE:
        return store->ops->write_show_state(store, a->show.ord, a->show.state, wall);
    case TG_ADMIN_TOKEN:
        return store->ops->write_token(store, &a->token, wall, a->actor);
    case TG_ADMIN_REVOKE:
        return store->ops->write_revoke(store, a->token.id, wall, a->actor);
    }
    return TG_ERR_BUG;
}

void tg_admin_tell_show(struct tg_sale *sale, const struct tg_show_info *show)
{
    struct tg_live_show *msg =
        sale->cfg.live == NULL ? NULL : tg_msg_new(TG_MSG_LIVE_SHOW, sizeof(*msg));

    if (msg != NULL) {
        msg->show = show->ord;
        memcpy(msg->id, show->id, sizeof(msg->id));
        memcpy(msg->title, show->title, sizeof(msg->title));
        msg->state = (uint8_t)show->state;
        msg->epoch_us = show->epoch_us;
        (void)tg_mailbox_post_reply(sale->cfg.live, msg); /* closed: live is stopping */
        tg_selling_announce_show(sale, show->ord);
    }
    if (sale->cfg.on_show_added != NULL)
        sale->cfg.on_show_added(sale->cfg.ctx, show);
}

void tg_admin_apply(struct tg_sale *sale, const struct tg_admin *a)
{
    struct tg_registry *reg = sale->cfg.registry;
    tg_err err = TG_OK;

    switch (a->kind) {
    case TG_ADMIN_SHOW:
        err = tg_registry_show_put(reg, &a->show);
        if (err == TG_OK)
            tg_admin_tell_show(sale, &a->show);
        break;
    case TG_ADMIN_STATE:
        tg_registry_show_set_state(reg, a->show.ord, a->show.state);
        tg_sale_state_saved(sale, a->show.ord);
        break;
    case TG_ADMIN_TOKEN:
        err = tg_registry_token_put(reg, &a->token);
        break;
    case TG_ADMIN_REVOKE:
        err = tg_registry_token_del(reg, a->token.id);
        break;
    }
    if (err != TG_OK) /* it is on disk; a restart brings it into memory */
        tg_log_error("sale", "registry-behind", "err=%s", tg_err_name(err));
}

/* --- audit: memory against the disk, some SKUs a turn --- */

enum { AUDIT_PAGE = 500 };

struct audit {
    struct tg_sale *sale;
    struct tg_jo j;
    char sku[TG_SKU_MAX + 1]; /* the last one */
    size_t skus;
    size_t differences;
};

static tg_err audit_row(void *ctx, const struct tg_audit_row *row)
{
    struct audit *a = ctx;
    char why[160];

    if (strcmp(a->sku, row->sku) != 0)
        a->skus++;
    memcpy(a->sku, row->sku, sizeof(a->sku));
    if (tg_shop_audit_memory(a->sale->shop, row, why))
        return TG_OK;
    a->differences++;
    tg_jo_obj(&a->j, NULL);
    tg_jo_str(&a->j, "sku", row->sku);
    tg_jo_str(&a->j, "problem", why);
    tg_jo_end_obj(&a->j);
    return TG_OK;
}

void tg_admin_audit(struct tg_sale *sale, struct tg_item *item)
{
    struct tg_store *store = sale->cfg.store;
    struct audit a = {.sale = sale, .j = tg_jo(&sale->buf)};
    /* Memory and disk must be of one moment: other nodes stand still meanwhile. */
    tg_err err;

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&a.j, NULL);
    tg_jo_arr(&a.j, "differences");
    err = store->ops->load(store, sale->now, NULL, 0, sale->shop, sale->idem);
    if (err == TG_OK)
        err =
            tg_store_audit_page(store->ops->real(store), item->req->key, AUDIT_PAGE, audit_row, &a);
    store->ops->rollback(store);
    if (err != TG_OK) {
        tg_log_error("sale", "audit-failed", "err=%s reason=%s", tg_err_name(err),
                     TG_LOG_Q(store->ops->error(store)));
        refuse(sale, item, TG_CODE_INTERNAL, "The database could not be read.");
        return;
    }
    tg_jo_end_arr(&a.j);
    tg_jo_bool(&a.j, "ok", a.differences == 0);
    tg_jo_int(&a.j, "difference_count", (int64_t)a.differences);
    if (a.skus == AUDIT_PAGE)
        tg_jo_str(&a.j, "next", a.sku);
    tg_jo_end_obj(&a.j);
    item->code = TG_CODE_OK;
    item->status = 200;
    item->reply = tg_answer_slab(sale);
    if (a.differences > 0)
        tg_log_error("sale", "audit-differs", "differences=%zu", a.differences);
}

/* --- boot: the same changes, one at a time, before the thread runs --- */

static tg_err boot(struct tg_sale *sale, struct tg_shop_now now, const struct tg_admin *a)
{
    struct tg_store *store = sale->cfg.store;
    tg_err err = store->ops->begin(store);

    if (err == TG_OK)
        err = tg_admin_write(sale, now.wall, a);
    if (err == TG_OK)
        err = store->ops->commit(store);
    if (err != TG_OK)
        store->ops->rollback(store);
    return err;
}

/* On a database of several nodes: takes the lock and learns what the others did first. */
static tg_err boot_lock(struct tg_sale *sale, struct tg_shop_now now)
{
    struct tg_store *store = sale->cfg.store;
    tg_err err = store->ops->load(store, now, NULL, 0, sale->shop, sale->idem);

    if (err != TG_OK)
        store->ops->rollback(store);
    return err;
}

tg_err tg_sale_boot_show(struct tg_sale *sale, struct tg_shop_now now, const char *id,
                         const char *title, bool demo, struct tg_show_info *ret)
{
    struct tg_admin a = {.kind = TG_ADMIN_SHOW, .actor = "boot"};
    struct tg_show_info taken;
    tg_err err;

    if (!show_id_ok(id))
        return TG_ERR_MALFORMED;
    now = tg_sale_shop_time(sale, now);
    err = boot_lock(sale, now);
    if (err == TG_OK && tg_registry_show_get(sale->cfg.registry, id, strlen(id), &taken) == TG_OK)
        err = TG_ERR_CONFLICT;
    else if (err == TG_OK && sale->next_show >= TG_SHOWS_MAX)
        err = TG_ERR_LIMIT;
    if (err != TG_OK) {
        sale->cfg.store->ops->rollback(sale->cfg.store);
        return err;
    }
    fill_show(sale, now, &a.show, id, title);
    a.show.demo = demo;
    err = boot(sale, now, &a);
    if (err == TG_OK)
        err = tg_registry_show_put(sale->cfg.registry, &a.show);
    if (err != TG_OK)
        return err;
    sale->next_show++;
    *ret = a.show;
    return TG_OK;
}

tg_err tg_sale_boot_rules(struct tg_sale *sale, struct tg_shop_now now,
                          const struct tg_show_rules *rules)
{
    struct tg_effect effect = {.kind = TG_EFFECT_RULES, .rules = rules};
    struct tg_store *store = sale->cfg.store;
    tg_err err;

    now = tg_sale_shop_time(sale, now);
    effect.wall = now.wall;
    err = boot_lock(sale, now);
    if (err != TG_OK)
        return err;
    err = store->ops->begin(store);
    if (err == TG_OK)
        err = store->ops->write(store, &effect);
    if (err == TG_OK)
        err = store->ops->commit(store);
    if (err == TG_OK)
        return tg_shop_put_rules(sale->shop, rules);
    store->ops->rollback(store);
    return err;
}

tg_err tg_sale_boot_token(struct tg_sale *sale, struct tg_shop_now now,
                          const struct tg_boot_token *token, char ret_text[TG_TOKEN_SIZE])
{
    struct tg_admin a = {.kind = TG_ADMIN_TOKEN, .actor = "boot"};
    tg_err err;

    now = tg_sale_shop_time(sale, now);
    err = boot_lock(sale, now);
    if (err != TG_OK)
        return err;
    if (tg_registry_token_room(sale->cfg.registry, now.wall) == 0) {
        sale->cfg.store->ops->rollback(sale->cfg.store);
        return TG_ERR_LIMIT;
    }
    a.token = (struct tg_token_info){.ordinal = sale->next_token,
                                     .roles = token->roles,
                                     .publish_only = token->publish_only,
                                     .one_show = token->show != UINT16_MAX,
                                     .show = token->show,
                                     .expires_wall_us = token->expires_wall_us};
    tg_str_printf(a.token.id, sizeof(a.token.id), "t%u", a.token.ordinal);
    tg_str_cut(a.token.label, sizeof(a.token.label), token->label);
    tg_token_mint(a.text, a.token.hash);
    err = boot(sale, now, &a);
    if (err == TG_OK)
        err = tg_registry_token_put(sale->cfg.registry, &a.token);
    if (err != TG_OK)
        return err;
    sale->next_token++;
    memcpy(ret_text, a.text, TG_TOKEN_SIZE);
    return TG_OK;
}

tg_err tg_sale_boot_revoke(struct tg_sale *sale, struct tg_shop_now now, const char *label)
{
    struct tg_token_info *tokens = tg_calloc(TG_TOKENS_MAX, sizeof(*tokens));
    tg_err err = TG_OK;
    size_t count;

    if (tokens == NULL)
        return TG_ERR_NOMEM;
    now = tg_sale_shop_time(sale, now);
    count = tg_registry_tokens(sale->cfg.registry, tokens, TG_TOKENS_MAX);
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        struct tg_admin a = {.kind = TG_ADMIN_REVOKE, .token = tokens[i], .actor = "boot"};

        if (strcmp(tokens[i].label, label) != 0)
            continue;
        err = boot(sale, now, &a);
        if (err == TG_OK)
            err = tg_registry_token_del(sale->cfg.registry, tokens[i].id);
    }
    tg_free(tokens);
    return err;
}
