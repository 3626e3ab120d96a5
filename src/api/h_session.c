/* Logging in with a token, and the tokens themselves. */
#include <string.h>

#include "api/h_session.h"

#include "base/clock.h"
#include "base/str.h"

static void write_you(struct tg_req *q, const struct tg_auth *auth)
{
    struct tg_jo j = tg_jo(&q->out);
    struct tg_show_info show;

    tg_jo_obj(&j, NULL);
    tg_jo_obj(&j, "you");
    tg_jo_str(&j, "id", auth->who.id);
    tg_jo_str(&j, "name", auth->who.name);
    tg_jo_arr(&j, "roles");
    for (uint32_t role = 1; role < TG_ROLE_ALL; role <<= 1) {
        if ((auth->who.roles & role) != 0)
            tg_jo_str(&j, NULL, tg_role_name(role));
    }
    tg_jo_end_arr(&j);
    if (auth->one_show && tg_registry_show_at(q->w->web->cfg.registry, auth->show, &show) == TG_OK)
        tg_jo_str(&j, "show", show.id);
    tg_jo_end_obj(&j);
    tg_jo_end_obj(&j);
}

/* A session lives as long as its token, a browser session when that has no end. */
static void set_cookie(struct tg_req *q, const struct tg_auth *auth, const char *token)
{
    char age[48] = "";

    if (auth->expires_wall_us != TG_US_NEVER)
        tg_str_printf(age, sizeof(age), "; Max-Age=%lld",
                      (long long)((auth->expires_wall_us - q->w->now_wall) / TG_US_PER_S));
    tg_reply_header(q, "Set-Cookie", "torg_session=%s; Path=/; HttpOnly; Secure; SameSite=Strict%s",
                    token, age);
}

void tg_session_answer(struct tg_req *q, const struct tg_auth *auth, const char *token)
{
    write_you(q, auth);
    tg_reply_start(q, 200);
    tg_reply_header(q, "Cache-Control", "no-store");
    set_cookie(q, auth, token);
    tg_reply_send(q, "application/json", tg_span(q->out.data, q->out.len));
}

static void login_with_token(struct tg_req *q, const char *token)
{
    struct tg_auth auth;

    if (tg_auth_token(&auth, q->w->web->cfg.registry, q->w->now_wall, token, strlen(token)) !=
        TG_OK)
        tg_reply_problem(q, 401, "token", "The token is unknown, revoked or expired.");
    else if (auth.publish_only)
        tg_reply_problem(q, 403, "token", "A stream key sends video and cannot log in.");
    else
        tg_session_answer(q, &auth, token);
}

void tg_h_session_post(struct tg_req *q)
{
    char token[TG_TOKEN_SIZE];
    char code[TG_TOKEN_SIZE];
    json_t *body = tg_req_json(q);
    bool ok;

    if (body == NULL)
        return;
    ok = tg_req_text(q, body, "code", code, sizeof(code), false) &&
         tg_req_text(q, body, "token", token, sizeof(token), code[0] == '\0');
    json_decref(body);
    if (!ok)
        return;
    if (q->origin_class == TG_ORIGIN_EMBED)
        tg_reply_problem(q, 403, "Origin", "Embedding sites use bearer tokens, not the cookie.");
    else if (code[0] != '\0' && token[0] != '\0')
        tg_reply_problem(q, 400, "code", "Send a token or a code, not both.");
    else if (code[0] != '\0')
        tg_session_with_code(q, code);
    else
        login_with_token(q, token);
}

void tg_h_session_get(struct tg_req *q)
{
    write_you(q, &q->auth);
    tg_reply_json(q, 200);
}

void tg_h_session_delete(struct tg_req *q)
{
    tg_reply_start(q, 204);
    tg_reply_header(q, "Set-Cookie",
                    "torg_session=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0");
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

void tg_h_tokens(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_TOKENS);

    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

/* "roles": ["host", ...]; false: a problem was answered. */
static bool read_roles(struct tg_req *q, json_t *list, uint32_t *ret)
{
    uint32_t roles = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(item);
        uint32_t role = name == NULL ? 0 : tg_role_parse(name, json_string_length(item));

        if (role == 0) {
            tg_reply_problem(q, 400, "roles",
                             "\"roles\" may hold customer, advisor, moderator, host, merchandiser "
                             "and admin.");
            return false;
        }
        roles |= role;
    }
    *ret = roles;
    return true;
}

/* "expires": seconds from now, 60 to ten years; absent = never. */
static bool read_expires(struct tg_req *q, const json_t *value, int64_t *ret)
{
    json_int_t seconds = json_integer_value(value);

    *ret = 0;
    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_integer(value) || seconds < 60 || seconds > 315360000) {
        tg_reply_problem(q, 400, "expires", "\"expires\" must be seconds, 60 to 315360000.");
        return false;
    }
    *ret = seconds; /* not a time: the same body a moment later is the same request */
    return true;
}

static bool read_token_request(struct tg_req *q, json_t *body, struct tg_sale_req *msg)
{
    const json_t *publish = json_object_get(body, "publish_only");
    struct tg_show_info show;
    uint32_t roles = 0;
    char id[TG_SHOW_ID_MAX + 1];

    if (!read_roles(q, json_object_get(body, "roles"), &roles) ||
        !tg_req_text(q, body, "show", id, sizeof(id), false) ||
        !tg_req_text(q, body, "label", msg->text, sizeof(msg->text), false) ||
        !read_expires(q, json_object_get(body, "expires"), &msg->lasts_s))
        return false;
    msg->flag = json_is_true(publish);
    if (roles == 0 && !msg->flag) {
        tg_reply_problem(q, 400, "roles", "Name at least one role, or set publish_only.");
        return false;
    }
    if (msg->flag && id[0] == '\0') {
        tg_reply_problem(q, 400, "show", "A stream key belongs to one show; name it.");
        return false;
    }
    if (id[0] != '\0' &&
        tg_registry_show_get(q->w->web->cfg.registry, id, strlen(id), &show) != TG_OK) {
        tg_reply_problem(q, 404, "show", "There is no show with this id.");
        return false;
    }
    msg->number = roles;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", id);
    return true;
}

void tg_h_token_create(struct tg_req *q)
{
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg;

    if (body == NULL)
        return;
    msg = tg_req_sale(q, TG_SALE_TOKEN_CREATE);
    if (msg != NULL && read_token_request(q, body, msg))
        tg_req_ask_sale(q, msg);
    else
        tg_msg_free(msg);
    json_decref(body);
}

void tg_h_token_revoke(struct tg_req *q)
{
    struct tg_span id = tg_req_param(q, 0);
    struct tg_sale_req *msg;

    if (id.len > 23) {
        tg_reply_problem(q, 404, "token", "There is no token with this id.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_TOKEN_REVOKE);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%.*s", (int)id.len, (const char *)id.data);
    tg_req_ask_sale(q, msg);
}
