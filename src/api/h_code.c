/*
 * One-time codes: a desk shows a QR code, a phone opens the studio with it and is logged in. The
 * code travels in the URL's fragment, which browsers send to nobody, and is exchanged once for a
 * token of the phone's own, which stands in the list of tokens and can be revoked there.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "api/h_session.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"

enum { PHONE_S = 12 * 3600 }; /* a day's work */

/* How the asking page's browser sees us, which is how the phone will. */
static void write_studio_url(const struct tg_req *q, char *out, size_t size, const char *show,
                             const char *code)
{
    const struct tg_web *web = q->w->web;
    char origin[TG_HOST_SIZE + 16] = "";

    if (web->origins.own != NULL)
        tg_str_printf(origin, sizeof(origin), "%.270s", web->origins.own);
    else if (q->origin_class == TG_ORIGIN_OWN)
        tg_str_printf(origin, sizeof(origin), "%s", q->origin);
    else if (q->host[0] != '\0')
        tg_str_printf(origin, sizeof(origin), "%s://%s", web->tls ? "https" : "http", q->host);
    tg_str_printf(out, size, "%s/studio/%s#code=%s", origin, show, code);
}

static void answer_code(struct tg_req *q, const struct tg_show_info *show, const char *code,
                        tg_us expires_wall_us)
{
    struct tg_jo j = tg_jo(&q->out);
    char url[TG_HOST_SIZE + 16 + TG_SHOW_ID_MAX + TG_CODE_SIZE + 32];
    char expires[TG_RFC3339_SIZE];

    write_studio_url(q, url, sizeof(url), show->id, code);
    tg_rfc3339(expires, expires_wall_us);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "code", code);
    tg_jo_str(&j, "url", url);
    tg_jo_str(&j, "expires", expires);
    tg_jo_end_obj(&j);
    tg_reply_json(q, 201);
}

static void make_code(struct tg_req *q, const struct tg_show_info *show)
{
    const struct tg_auth *auth = &q->auth;
    struct tg_code_grant grant = {.show = show->ord, .until_wall_us = auth->expires_wall_us};
    const tg_us until = q->w->now_wall + (tg_us)PHONE_S * TG_US_PER_S;
    char code[TG_CODE_SIZE];

    grant.roles = TG_ROLE_HOST | (auth->who.roles & (TG_ROLE_MERCHANDISER | TG_ROLE_MODERATOR));
    grant.until_wall_us = TG_MIN(grant.until_wall_us, until); /* not longer than who lets it in */
    tg_str_printf(grant.maker, sizeof(grant.maker), "%s", auth->token);
    if (tg_registry_code_make(q->w->web->cfg.registry, q->w->now_wall, &grant, code) != TG_OK) {
        tg_reply_retry(q, 503, 30000, "Too many codes are open. Wait until some have run out.");
        return;
    }
    answer_code(q, show, code, q->w->now_wall + TG_CODE_VALID_US);
    OPENSSL_cleanse(code, sizeof(code));
}

void tg_h_session_code(struct tg_req *q)
{
    json_t *body = tg_req_json(q);
    struct tg_show_info show;
    char id[TG_SHOW_ID_MAX + 1];
    bool ok;

    if (body == NULL)
        return;
    ok = tg_req_text(q, body, "show", id, sizeof(id), true);
    json_decref(body);
    if (!ok)
        return;
    if (tg_registry_show_get(q->w->web->cfg.registry, id, strlen(id), &show) != TG_OK)
        tg_reply_problem(q, 404, "show", "There is no show with this id.");
    else if (!tg_auth_may(&q->auth, show.ord, TG_ROLE_MAY_RUN))
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
    else
        make_code(q, &show);
}

/* Sale made the token and told the registry: log its bearer in. */
static void token_made(struct tg_req *q, struct tg_web_reply *reply)
{
    json_t *made = reply->json == NULL
                       ? NULL
                       : json_loadb((const char *)reply->json->data, reply->json->len, 0, NULL);
    const char *token = json_string_value(json_object_get(made, "token"));
    struct tg_auth auth;

    if (reply->status == 201 && token != NULL &&
        tg_auth_token(&auth, q->w->web->cfg.registry, q->w->now_wall, token, strlen(token)) ==
            TG_OK)
        tg_session_answer(q, &auth, token);
    else
        tg_reply_retry(q, 503, 1000, "The login could not be made. Ask for a new code.");
    json_decref(made);
}

void tg_session_with_code(struct tg_req *q, const char *code)
{
    struct tg_registry *reg = q->w->web->cfg.registry;
    struct tg_code_grant grant;
    struct tg_show_info show;
    struct tg_token_info maker;
    struct tg_sale_req *msg;

    if (tg_registry_code_take(reg, q->w->now_wall, code, strlen(code), &grant) != TG_OK ||
        tg_registry_show_at(reg, grant.show, &show) != TG_OK ||
        tg_registry_token_get(reg, grant.maker, &maker) != TG_OK) {
        TG_COUNT(http_auth_refused_total);
        tg_reply_problem(q, 401, "code",
                         "This code was used, has run out or never was. Show a new one.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_TOKEN_CREATE);
    if (msg == NULL)
        return;
    /* The maker's deed in the shop's books; a key of the phone's would be one of the maker's. */
    tg_str_printf(msg->who.id, sizeof(msg->who.id), "s%u", maker.ordinal);
    msg->who.roles = TG_ROLE_ADMIN; /* sale asks for it; the code was the permission */
    msg->who.one_show = false;      /* as it is where the phone has a login already */
    msg->show = UINT16_MAX;
    msg->idempotency[0] = '\0';
    msg->number = grant.roles;
    msg->until_wall_us = grant.until_wall_us;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", show.id);
    tg_str_printf(msg->text, sizeof(msg->text), "phone");
    q->finish = token_made;
    tg_req_ask_sale(q, msg);
}
