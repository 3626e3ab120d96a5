/* What a client asks for on the show channel: who may, how often, and which thread does it. */
#include <string.h>

#include "api/ws_priv.h"

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/str.h"
#include "msg/live.h"
#include "msg/sale.h"

enum { BUSY_RETRY_MS = 500, SALE_WAKE_AT = 64 };

enum target { TO_NOBODY, TO_LIVE, TO_SALE };

static const struct {
    uint32_t roles; /* any of these; 0 = everybody */
    enum target target;
    enum tg_rate_class rate;
} rules[TG_OP_COUNT] = {
    [TG_OP_JOIN] = {0, TO_NOBODY, TG_RATE_CART},
    [TG_OP_CHAT] = {0, TO_LIVE, TG_RATE_CHAT},
    [TG_OP_REACT] = {0, TO_LIVE, TG_RATE_REACT},
    [TG_OP_BUY] = {0, TO_SALE, TG_RATE_BUY},
    [TG_OP_CART_SET] = {0, TO_SALE, TG_RATE_CART},
    [TG_OP_CHECKOUT] = {0, TO_SALE, TG_RATE_BUY},
    [TG_OP_PIN] = {TG_ROLE_MAY_PIN, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_UNPIN] = {TG_ROLE_MAY_PIN, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_PRICE] = {TG_ROLE_MAY_PRICE, TO_SALE, TG_RATE_STAFF},
    [TG_OP_STOCK] = {TG_ROLE_MAY_PRICE, TO_SALE, TG_RATE_STAFF},
    [TG_OP_HIDE] = {TG_ROLE_MAY_MODERATE, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_MUTE] = {TG_ROLE_MAY_MODERATE, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_SHOW_START] = {TG_ROLE_MAY_RUN, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_SHOW_END] = {TG_ROLE_MAY_RUN, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_SHOW_REHEARSE] = {TG_ROLE_MAY_RUN, TO_LIVE, TG_RATE_STAFF},
    [TG_OP_WAIT] = {0, TO_SALE, TG_RATE_BUY},
    [TG_OP_WINDOW] = {TG_ROLE_MAY_RUN, TO_SALE, TG_RATE_STAFF},
    [TG_OP_SELL] = {TG_ROLE_MAY_PRICE, TO_SALE, TG_RATE_STAFF},
    [TG_OP_RULES] = {TG_ROLE_MAY_RUN, TO_NOBODY, TG_RATE_STAFF}, /* HTTP only */
    [TG_OP_ITEM] = {TG_ROLE_MAY_RUN, TO_NOBODY, TG_RATE_STAFF},
    [TG_OP_SHOW_LOOK] = {TG_ROLE_MAY_RUN, TO_NOBODY, TG_RATE_STAFF},
    [TG_OP_PING] = {0, TO_NOBODY, TG_RATE_CART},
    [TG_OP_LATER] = {0, TO_NOBODY, TG_RATE_CART},
};

static const struct tg_rate_rule socket_rate = {.per_min = 1200, .burst = 120};

/* A reply of a few hundred bytes at most; without memory the socket is cut by tick.h. */
static void send_object(struct tg_sock *s, struct tg_buf *b)
{
    if (b->err == TG_OK)
        tg_tick_send(&s->w->tick, &s->member, b->data, b->len);
    tg_buf_done(b);
}

void tg_sock_refuse(struct tg_sock *s, const char *id, const char *code, const char *field,
                    const char *message, uint32_t retry_ms)
{
    struct tg_buf b;
    struct tg_jo j = tg_jo(&b);

    tg_buf_init(&b, 4096);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "re", id[0] == '\0' ? NULL : id);
    tg_jo_bool(&j, "ok", false);
    tg_jo_str(&j, "code", code);
    if (field != NULL && field[0] != '\0')
        tg_jo_str(&j, "field", field);
    tg_jo_str(&j, "message", message);
    if (retry_ms > 0)
        tg_jo_int(&j, "retry_ms", retry_ms);
    tg_jo_end_obj(&j);
    send_object(s, &b);
}

static void send_ok(struct tg_sock *s, const char *id)
{
    struct tg_buf b;
    struct tg_jo j = tg_jo(&b);

    tg_buf_init(&b, 256);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "re", id);
    tg_jo_bool(&j, "ok", true);
    tg_jo_end_obj(&j);
    send_object(s, &b);
}

void tg_sock_bad(struct tg_sock *s, const char *id, const char *field, const char *message)
{
    TG_COUNT(ws_bad_frames_total);
    tg_sock_refuse(s, id, "bad_request", field, message, 0);
    if (s->bad_count == 0 || s->w->now - s->bad_since >= (tg_us)60 * TG_US_PER_S) {
        s->bad_count = 0;
        s->bad_since = s->w->now;
    }
    if (++s->bad_count >= TG_WS_BAD_MAX)
        tg_sock_close(s, LWS_CLOSE_STATUS_POLICY_VIOLATION);
}

/* Who joins? False: a refusal was sent. `resume` is what the client keeps; "" for staff. */
static bool identify(struct tg_sock *s, const struct tg_op *op, char resume[TG_TOKEN_SIZE])
{
    struct tg_registry *reg = s->w->web->cfg.registry;
    const char *token = op->u.join.token;
    struct tg_auth auth;

    tg_auth_nobody(&auth);
    if (token[0] != '\0' &&
        tg_auth_token(&auth, reg, s->w->now_wall, token, strlen(token)) != TG_OK) {
        tg_sock_refuse(s, op->id, "unauthorized", "token",
                       "The token is unknown, revoked or expired. Log in again.", 0);
        return false;
    }
    if (token[0] == '\0' && s->token[0] != '\0') {
        token = s->token;
        /* A stale cookie is no error: the page's owner is a viewer then. */
        if (tg_auth_token(&auth, reg, s->w->now_wall, token, strlen(token)) != TG_OK)
            tg_auth_nobody(&auth);
    }
    if (!tg_auth_may(&auth, s->show, 0)) {
        tg_sock_refuse(s, op->id, "forbidden", "token",
                       auth.publish_only ? "A stream key sends video and cannot join."
                                         : "Your token is for another show.",
                       0);
        return false;
    }
    resume[0] = '\0';
    if (auth.kind == TG_AUTH_RESUME)
        tg_str_printf(resume, TG_TOKEN_SIZE, "%s", token);
    if (auth.kind == TG_AUTH_NONE) {
        tg_err err;

        tg_resume_mint(resume);
        err = tg_resume_person(auth.who.id, resume, strlen(resume));
        TG_ASSERT(err == TG_OK); /* a minted secret is well formed */
    }
    s->who = auth.who;
    s->staff_token[0] = '\0';
    if (auth.kind == TG_AUTH_STAFF) /* "s17" is the person of the token "t17" */
        tg_str_printf(s->staff_token, sizeof(s->staff_token), "t%s", auth.who.id + 1);
    tg_str_cut(s->who.lang, sizeof(s->who.lang), op->u.join.lang);
    if (op->u.join.name[0] != '\0')
        tg_str_printf(s->who.name, sizeof(s->who.name), "%s", op->u.join.name);
    return true;
}

static struct tg_sale_req *join_message(const struct tg_sock *s, const struct tg_op *op,
                                        const char *resume)
{
    struct tg_sale_req *msg = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*msg));
    struct tg_live_join *join = tg_msg_new(TG_MSG_LIVE_JOIN, sizeof(*join));

    if (msg == NULL || join == NULL) {
        tg_msg_free(msg);
        tg_msg_free(join);
        return NULL;
    }
    join->conn = (struct tg_conn){.mb = s->w->mb, .slot = s->slot, .generation = s->generation};
    join->show = s->show;
    join->who = s->who;
    tg_str_printf(join->resume, sizeof(join->resume), "%s", resume);
    tg_str_printf(join->source, sizeof(join->source), "%s", op->u.join.source);
    join->since = op->u.join.since;
    tg_str_printf(join->since_epoch, sizeof(join->since_epoch), "%s", op->u.join.since_epoch);
    msg->what = TG_SALE_JOIN;
    msg->conn = join->conn;
    msg->show = s->show;
    msg->who = s->who;
    tg_str_printf(msg->source, sizeof(msg->source), "%s", op->u.join.source);
    msg->until_wall_us = -1;
    msg->join = join;
    return msg;
}

static void refuse_busy(struct tg_sock *s, const struct tg_op *op)
{
    TG_COUNT(web_busy_total);
    if (op->kind != TG_OP_REACT)
        tg_sock_refuse(s, op->id, "busy", NULL, "The server is busy. Try again in a moment.",
                       BUSY_RETRY_MS);
}

static void do_join(struct tg_sock *s, const struct tg_op *op)
{
    char resume[TG_TOKEN_SIZE];
    struct tg_sale_req *msg;

    if (!identify(s, op, resume))
        return;
    if (op->u.join.source[0] != '\0' && s->source == NULL)
        s->source = tg_strdup(op->u.join.source); /* without memory: not attributed */
    msg = join_message(s, op, resume);
    if (msg == NULL || tg_mailbox_post(s->w->web->peers.sale, msg) != TG_OK) {
        refuse_busy(s, op);
        return;
    }
    s->state = TG_SOCK_JOINING;
    s->since = s->w->now;
    /* What the client sends next must not overtake its join; TCP keeps it. */
    (void)lws_rx_flow_control(s->wsi, 0);
}

static void to_live(struct tg_sock *s, const struct tg_op *op)
{
    struct tg_live_op *msg = tg_msg_new(TG_MSG_LIVE_OP, sizeof(*msg));

    if (msg != NULL) {
        msg->conn = (struct tg_conn){.mb = s->w->mb, .slot = s->slot, .generation = s->generation};
        msg->show = s->show;
        msg->who = s->who;
        memcpy(&msg->op, op, tg_op_size(op));
    }
    if (msg == NULL || tg_mailbox_post(s->w->web->peers.live, msg) != TG_OK)
        refuse_busy(s, op);
}

static void to_sale(struct tg_sock *s, const struct tg_op *op)
{
    struct tg_sale_req *msg = tg_sale_req_new(TG_SALE_OP, op);

    if (msg != NULL) {
        msg->conn = (struct tg_conn){.mb = s->w->mb, .slot = s->slot, .generation = s->generation};
        msg->show = s->show;
        msg->who = s->who;
        if (s->source != NULL)
            tg_str_printf(msg->source, sizeof(msg->source), "%s", s->source);
    }
    if (msg == NULL || tg_mailbox_post_quiet(s->w->web->peers.sale, msg) != TG_OK) {
        refuse_busy(s, op);
        return;
    }
    /* Sale is woken at the end of this turn, so that it finds all of it and commits once; with a
     * core of its own it need not wait for a long one. */
    if (++s->w->sale_waits >= SALE_WAKE_AT)
        tg_worker_turn_ends(s->w);
}

static bool within_rates(struct tg_sock *s, const struct tg_op *op)
{
    enum tg_rate_class class = rules[op->kind].rate;
    uint32_t wait_ms = 0;

    if (s->trusted || (tg_rate_take_one(&s->bucket, s->w->now, &socket_rate, &wait_ms) &&
                       (s->state != TG_SOCK_JOINED ||
                        tg_rate_take(s->w->rate, s->w->now, s->who.id, strlen(s->who.id), class,
                                     &tg_person_rates[class], &wait_ms))))
        return true;
    TG_COUNT(ws_rate_limited_total);
    if (op->kind != TG_OP_REACT)
        tg_sock_refuse(s, op->id, "rate", NULL, "Too fast. Wait a moment and try again.",
                       wait_ms == 0 ? 1 : wait_ms);
    return false;
}

bool tg_sock_still_staff(struct tg_sock *s)
{
    struct tg_token_info token;

    if (s->staff_token[0] == '\0' ||
        (tg_registry_token_get(s->w->web->cfg.registry, s->staff_token, &token) == TG_OK &&
         token.expires_wall_us > s->w->now_wall))
        return true;
    TG_COUNT(ws_revoked_total);
    tg_sock_close(s, LWS_CLOSE_STATUS_POLICY_VIOLATION);
    return false;
}

static void refuse_later(struct tg_sock *s, const struct tg_op *op)
{
    char message[64];

    tg_str_printf(message, sizeof(message), "\"%.23s\" is not built yet", op->u.later);
    tg_sock_refuse(s, op->id, "bad_request", "op", message, 0);
}

static void dispatch(struct tg_sock *s, const struct tg_op *op)
{
    if (!within_rates(s, op))
        return;
    if (!tg_sock_still_staff(s)) {
        tg_sock_refuse(s, op->id, "unauthorized", NULL, "Your token was revoked or has expired.",
                       0);
        return;
    }
    if (op->kind == TG_OP_PING) {
        send_ok(s, op->id);
    } else if (op->kind == TG_OP_JOIN && s->state == TG_SOCK_NEW) {
        do_join(s, op);
    } else if (op->kind == TG_OP_JOIN) {
        tg_sock_bad(s, op->id, "op", "This socket has joined already.");
    } else if (s->state != TG_SOCK_JOINED) {
        tg_sock_bad(s, op->id, "op", "The first frame must be \"join\".");
    } else if (op->kind == TG_OP_LATER) {
        refuse_later(s, op);
    } else if (rules[op->kind].roles != 0 && (s->who.roles & rules[op->kind].roles) == 0) {
        TG_COUNT(ws_forbidden_total);
        tg_sock_refuse(s, op->id, "forbidden", NULL, "Your role does not allow this.", 0);
    } else if (rules[op->kind].target == TO_LIVE) {
        to_live(s, op);
    } else {
        to_sale(s, op);
    }
}

void tg_sock_message(struct tg_sock *s, const char *text, size_t len)
{
    struct tg_channel_error bad = {.code = ""};
    struct tg_op op;

    TG_COUNT(ws_frames_in_total);
    if (tg_channel_parse(&op, text, len, &bad) != TG_OK)
        tg_sock_bad(s, bad.id, bad.field, bad.message);
    else
        dispatch(s, &op);
}
