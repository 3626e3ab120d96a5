#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/metrics.h"
#include "base/str.h"
#include "live/journal.h"
#include "live/live_priv.h"
#include "msg/role.h"
#include "msg/sale.h"

_Static_assert(TG_SHOW_PHASE_SCHEDULED == (int)TG_SHOW_SCHEDULED, "one meaning");
_Static_assert(TG_SHOW_PHASE_LIVE == (int)TG_SHOW_LIVE, "one meaning");
_Static_assert(TG_SHOW_PHASE_ENDED == (int)TG_SHOW_ENDED, "one meaning");
_Static_assert(TG_SHOW_PHASE_REHEARSAL == (int)TG_SHOW_REHEARSAL, "one meaning");

enum { ROLES_SIZE = 96 };

/* --- out -----------------------------------------------------------------------------------------
 */

struct cast {
    uint16_t show;
    enum tg_audience audience;
    bool must; /* goes in even when the box is full: there are few, and none may be missing */
};

static void post_cast(struct tg_live *live, struct tg_mailbox *web, const struct cast *cast,
                      struct tg_slab *slab)
{
    struct tg_web_cast *msg = tg_msg_new(TG_MSG_WEB_CAST, sizeof(*msg));
    uint64_t count;
    tg_err err = TG_ERR_NOMEM;

    if (msg != NULL) {
        msg->show = cast->show;
        msg->audience = cast->audience;
        msg->json = tg_slab_ref(slab);
        err = cast->must ? tg_mailbox_post_reply(web, msg) : tg_mailbox_post(web, msg);
    }
    if (err == TG_OK)
        return;
    TG_COUNT(live_casts_dropped_total);
    count = tg_log_burst(&live->drops, live->now, 10 * (tg_us)TG_US_PER_S);
    if (count > 0)
        tg_log_warn("live", "cast-dropped", "show=%u count=%llu", cast->show,
                    (unsigned long long)count);
}

static void cast(struct tg_live *live, const struct room *room, const struct cast *how,
                 const char *json, size_t len)
{
    enum tg_audience audience = how->audience;
    uint32_t readers = (audience == TG_AUDIENCE_STAFF ? 0 : room->viewers) +
                       (audience == TG_AUDIENCE_VIEWERS ? 0 : room->staff);
    struct tg_slab *slab;

    if (readers == 0)
        return;
    slab = tg_slab_copy(json, len);
    if (slab == NULL) {
        TG_COUNT(live_casts_dropped_total);
        return;
    }
    for (size_t i = 0; i < live->web_count; i++)
        post_cast(live, live->webs[i], how, slab);
    tg_slab_unref(slab);
}

void room_cast(struct tg_live *live, const struct room *room, enum tg_audience audience,
               const char *json, size_t len)
{
    const struct cast how = {.show = room->ord, .audience = audience};

    cast(live, room, &how, json, len);
}

void room_cast_must(struct tg_live *live, const struct room *room, const char *json, size_t len)
{
    const struct cast how = {.show = room->ord, .audience = TG_AUDIENCE_ALL, .must = true};

    cast(live, room, &how, json, len);
}

/* Answers were admitted with their requests, so they always go in. */
void room_send(const struct tg_conn *conn, const char *json, size_t len, bool joined)
{
    struct tg_web_send *msg;

    if (conn->mb == NULL)
        return;
    msg = tg_msg_new(TG_MSG_WEB_SEND, sizeof(*msg));
    if (msg == NULL)
        return;
    msg->conn = *conn;
    msg->joined = joined;
    msg->json = tg_slab_copy(json, len);
    if (msg->json == NULL)
        tg_msg_free(msg);
    else
        (void)tg_mailbox_post_reply(conn->mb, msg); /* a worker that ended has no sockets */
}

static void cut(const struct tg_conn *conn, uint16_t code)
{
    struct tg_web_cut *msg = conn->mb == NULL ? NULL : tg_msg_new(TG_MSG_WEB_CUT, sizeof(*msg));

    if (msg == NULL)
        return;
    msg->conn = *conn;
    msg->code = code;
    (void)tg_mailbox_post_reply(conn->mb, msg); /* as above */
}

static void post_journal(struct tg_live *live, uint16_t show, const char *json, size_t len)
{
    struct tg_journal_append *msg;

    if (live->journal == NULL)
        return;
    msg = tg_msg_new(TG_MSG_JOURNAL, sizeof(*msg));
    if (msg != NULL) {
        msg->show = show;
        msg->line = tg_slab_copy(json, len);
    }
    if (msg == NULL || msg->line == NULL) {
        tg_msg_free(msg);
        TG_COUNT(journal_lost_lines_total);
    } else if (tg_mailbox_post(live->journal, msg) != TG_OK) {
        TG_COUNT(journal_lost_lines_total);
    }
}

static void tell_sale(struct tg_live *live, const struct room *room)
{
    struct tg_sale_req *msg;

    if (live->sale == NULL)
        return;
    msg = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*msg));
    if (msg == NULL) {
        tg_log_error("live", "state-not-saved", "show=%u", room->ord);
        return;
    }
    msg->what = TG_SALE_SHOW_STATE;
    msg->show = room->ord;
    msg->number = (int64_t)tg_show_phase(room->show);
    /* Few and important: they go in even when the box is full of claims. */
    if (tg_mailbox_post_reply(live->sale, msg) != TG_OK)
        tg_log_error("live", "state-not-saved", "show=%u", room->ord);
}

/* Those outside who act on a show's state learn of it once. */
static void tell_state(struct tg_live *live, struct room *room)
{
    const enum tg_show_state state = (enum tg_show_state)tg_show_phase(room->show);

    if (state == room->told)
        return;
    room->told = state;
    if (live->state_changed != NULL)
        live->state_changed(live->state_ctx, room->ord, state);
}

/* Does the reply say that the operation was done? */
static bool is_ok(const struct tg_show_out *out, const char *id)
{
    char head[TG_OP_ID_MAX + 32];

    tg_str_printf(head, sizeof(head), "{\"re\":\"%s\",\"ok\":true", id);
    return out->len >= strlen(head) && memcmp(out->json, head, strlen(head)) == 0;
}

void room_drain(struct tg_live *live, struct room *room, const struct tg_live_op *op)
{
    struct cast to_all = {.show = room->ord, .audience = TG_AUDIENCE_ALL};
    struct tg_show_out out;

    /* Before the event: a page that comes to watch because of it must find the doors open. */
    tell_state(live, room);
    while (tg_show_poll(room->show, &out)) {
        switch (out.kind) {
        case TG_SHOW_OUT_ALL:
            to_all.must = out.must;
            cast(live, room, &to_all, out.json, out.len);
            break;
        case TG_SHOW_OUT_VIEWERS:
            room_cast(live, room, TG_AUDIENCE_VIEWERS, out.json, out.len);
            break;
        case TG_SHOW_OUT_STAFF:
            room_cast(live, room, TG_AUDIENCE_STAFF, out.json, out.len);
            break;
        case TG_SHOW_OUT_REPLY:
            if (op == NULL)
                break;
            room_send(&op->conn, out.json, out.len, false);
            /* Also when it was taken before: its first claim may be lost, and has a key. */
            if (op->op.kind == TG_OP_CHAT && room->comments && is_ok(&out, op->op.id))
                room_comment(live, room, op);
            break;
        case TG_SHOW_OUT_JOURNAL:
            post_journal(live, room->ord, out.json, out.len);
            /* A line that was refused, or sent before, is not written. */
            if (op != NULL && op->op.kind == TG_OP_CHAT)
                TG_COUNT(live_chat_lines_total);
            break;
        case TG_SHOW_OUT_PHASE:
            tell_sale(live, room);
            break;
        }
    }
}

/* --- rooms come ----------------------------------------------------------------------------------
 */

static bool sku_known(void *ctx, const char *sku)
{
    const struct tg_live *live = ctx;

    return tg_board_has(&live->board, sku);
}

struct restore {
    struct tg_live *live;
    struct room *room;
};

static tg_err on_record(void *ctx, const struct tg_show_record *rec)
{
    const struct restore *restore = ctx;
    struct tg_show_record named = *rec;

    if (rec->kind == TG_SHOW_RECORD_CHAT)
        named.name = tg_names_get(&restore->live->names, rec->by);
    return tg_show_restore(restore->room->show, &named);
}

static tg_err read_back(struct tg_live *live, struct room *room)
{
    struct restore restore = {.live = live, .room = room};
    struct tg_journal_report report = {0};
    tg_err err;

    if (live->journal_dir == NULL)
        return TG_OK;
    err = tg_journal_read(live->journal_dir, room->id, &report, on_record, &restore);
    if (err != TG_OK) {
        tg_log_error("live", "journal-unreadable", "show=%u err=%s", room->ord, tg_err_name(err));
        /* A show without its past is better than none; what is there stays on disk. */
        return err == TG_ERR_NOMEM ? err : TG_OK;
    }
    if (report.bad > 0 || report.torn_bytes > 0)
        tg_log_warn("live", "journal-damaged", "show=%u lines=%llu bad=%llu torn_bytes=%lld",
                    room->ord, (unsigned long long)report.lines, (unsigned long long)report.bad,
                    (long long)report.torn_bytes);
    else
        tg_log_info("live", "journal-read", "show=%u lines=%llu seq=%lld", room->ord,
                    (unsigned long long)report.lines, (long long)tg_show_seq(room->show));
    return TG_OK;
}

void room_free(struct room *room)
{
    if (room == NULL)
        return;
    tg_show_free(room->show);
    tg_slab_unref(room->selling);
    tg_free(room);
}

tg_err room_new(struct tg_live *live, const struct tg_live_show *msg)
{
    struct tg_rng rng = tg_rng_os();
    struct tg_show_cfg cfg = tg_show_cfg_default();
    struct room *room = tg_calloc(1, sizeof(*room));
    tg_err err;

    if (room == NULL)
        return TG_ERR_NOMEM;
    room->ord = msg->show;
    tg_str_printf(room->id, sizeof(room->id), "%s", msg->id);
    tg_str_printf(room->title, sizeof(room->title), "%s", msg->title);
    cfg.id = room->id;
    cfg.title = room->title;
    cfg.epoch_us = msg->epoch_us;
    cfg.epoch = live->epoch;
    cfg.phase = (enum tg_show_phase)msg->state;
    cfg.slow_ms = live->chat_slow_ms;
    cfg.rng = &rng;
    cfg.sku_known = sku_known;
    cfg.ctx = live;
    err = tg_show_new(&room->show, &cfg);
    if (err == TG_OK)
        err = read_back(live, room);
    if (err != TG_OK) {
        room_free(room);
        return err;
    }
    live->rooms[msg->show] = room;
    live->list[live->room_count++] = room;
    /* Only a rehearsal that goes on over a restart has to be said: the rest is as it was. */
    room->told = msg->state == TG_SHOW_REHEARSAL ? TG_SHOW_SCHEDULED : msg->state;
    tell_state(live, room);
    return TG_OK;
}

/* --- people --------------------------------------------------------------------------------------
 */

/* ["viewer","customer"]: names are fixed words, so plain printing is JSON. */
static void write_roles(char out[ROLES_SIZE], uint32_t roles)
{
    size_t at = 0;

    out[at++] = '[';
    for (uint32_t role = 1; role <= TG_ROLE_ALL; role <<= 1) {
        const char *name = (roles & role) != 0 ? tg_role_name(role) : NULL;

        if (name == NULL)
            continue;
        tg_str_printf(out + at, ROLES_SIZE - at, "%s\"%s\"", at == 1 ? "" : ",", name);
        at += strlen(out + at);
    }
    tg_str_printf(out + at, ROLES_SIZE - at, "]");
}

static struct tg_show_person person_of(const struct tg_person *who, const char *roles_json)
{
    return (struct tg_show_person){.id = who->id,
                                   .name = who->name,
                                   .roles_json = roles_json,
                                   .staff = (who->roles & TG_ROLE_STAFF) != 0};
}

static void count_member(struct tg_live *live, const struct member *member, bool in)
{
    struct room *room = live->rooms[member->show];
    uint32_t *count;

    TG_ASSERT(room != NULL);
    count = member->staff ? &room->staff : &room->viewers;
    TG_ASSERT(in || *count > 0);
    *count += in ? 1 : UINT32_MAX; /* minus one */
    room->count_changed = true;
    tg_metric_add(TG_M_live_members, in ? 1 : -1);
    tg_show_set_viewers(room->show, live->now, room->viewers);
    tg_show_set_audience(room->show, live->now, room->viewers + room->staff > 0);
}

static void drop_member(struct tg_live *live, struct member *member)
{
    if (member == NULL)
        return;
    count_member(live, member, false);
    tg_free(member);
}

static void send_missed(const struct room *room, const struct tg_live_join *msg)
{
    for (int64_t seq = msg->since + 1; seq <= tg_show_seq(room->show); seq++) {
        size_t len;
        const char *json = tg_show_missed(room->show, seq, &len);

        room_send(&msg->conn, json, len, false);
    }
}

/* Used until sale has filled in the cart, e.g. when the shop has none for this person. */
static void write_empty_cart(const struct tg_live *live, struct tg_buf *out)
{
    struct tg_jo j = tg_jo(out);

    tg_jo_obj(&j, NULL);
    tg_jo_arr(&j, "lines");
    tg_jo_end_arr(&j);
    tg_jo_obj(&j, "total");
    tg_jo_int(&j, "amount", 0);
    tg_jo_str(&j, "currency", tg_board_currency(&live->board));
    tg_jo_end_obj(&j);
    tg_jo_obj(&j, "tax");
    tg_jo_int(&j, "amount", 0);
    tg_jo_str(&j, "currency", tg_board_currency(&live->board));
    tg_jo_end_obj(&j);
    tg_jo_end_obj(&j);
}

static tg_err write_joined(struct tg_live *live, struct room *room, const struct tg_live_join *msg,
                           bool *ret_resumed)
{
    char roles[ROLES_SIZE];
    struct tg_show_person who;
    struct tg_show_join in = {.now = live->now,
                              .wall = live->wall,
                              .who = &who,
                              .token = msg->resume,
                              .notice = room->notice,
                              .since = msg->since,
                              .since_epoch = msg->since_epoch};
    struct tg_buf cart;
    tg_err err;

    write_roles(roles, msg->who.roles);
    who = person_of(&msg->who, roles);
    err = tg_board_products(&live->board, who.staff, msg->who.lang, &in.products, &in.products_len,
                            &in.products_more);
    if (err != TG_OK)
        return err;
    tg_buf_init(&cart, 256);
    write_empty_cart(live, &cart);
    in.cart = msg->cart_json == NULL ? tg_buf_cstr(&cart) : (const char *)msg->cart_json->data;
    in.cart_len = msg->cart_json == NULL ? cart.len : msg->cart_json->len;
    if (msg->waiting_json != NULL) {
        in.waiting = (const char *)msg->waiting_json->data;
        in.waiting_len = msg->waiting_json->len;
    }
    if (room->selling != NULL) {
        in.selling = (const char *)room->selling->data;
        in.selling_len = room->selling->len;
    }
    tg_buf_clear(&live->scratch);
    err = cart.err == TG_OK ? tg_show_write_joined(room->show, &in, &live->scratch, ret_resumed)
                            : TG_ERR_NOMEM;
    tg_buf_done(&cart);
    return err;
}

void room_join(struct tg_live *live, const struct tg_live_join *msg)
{
    struct room *room = msg->show < TG_SHOWS_MAX ? live->rooms[msg->show] : NULL;
    bool staff = (msg->who.roles & TG_ROLE_STAFF) != 0;
    struct member *old = NULL;
    bool resumed = false;
    tg_err err;

    if (room == NULL) {
        cut(&msg->conn, 1011); /* the worker knew the show, we do not: internal error */
        return;
    }
    err = members_join(&live->members, &msg->conn, msg->show, staff, &old);
    if (err == TG_ERR_CLOSED)
        return;
    drop_member(live, old);
    if (err == TG_OK) {
        count_member(live, &(struct member){.show = msg->show, .staff = staff}, true);
        err = write_joined(live, room, msg, &resumed);
    }
    if (err != TG_OK) {
        /* Try again later. No leave comes of a socket that was never told `joined`. */
        room_leave(live, &(struct tg_live_leave){.conn = msg->conn, .show = msg->show});
        cut(&msg->conn, 1013);
        return;
    }
    TG_COUNT(live_joins_total);
    room_send(&msg->conn, (const char *)live->scratch.data, live->scratch.len, true);
    if (staff)
        room_send_source(live, room, &msg->conn);
    if (resumed) {
        TG_COUNT(live_resumes_total);
        send_missed(room, msg);
    }
}

void room_leave(struct tg_live *live, const struct tg_live_leave *msg)
{
    drop_member(live, members_leave(&live->members, &msg->conn, live->now));
}

/* --- operations ----------------------------------------------------------------------------------
 */

/* The roles that may do it; 0 = not an operation of a room. */
static uint32_t rights(enum tg_op_kind kind)
{
    switch (kind) {
    case TG_OP_CHAT:
    case TG_OP_REACT:
    case TG_OP_PING:
        return TG_ROLE_ALL;
    case TG_OP_PIN:
    case TG_OP_UNPIN:
        return TG_ROLE_MAY_PIN;
    case TG_OP_HIDE:
    case TG_OP_MUTE:
        return TG_ROLE_MAY_MODERATE;
    case TG_OP_SHOW_START:
    case TG_OP_SHOW_END:
    case TG_OP_SHOW_REHEARSE:
        return TG_ROLE_MAY_RUN;
    default:
        return 0;
    }
}

static tg_err run_op(struct tg_show *show, const struct tg_show_req *rq, const struct tg_op *op)
{
    switch (op->kind) {
    case TG_OP_CHAT:
        return tg_show_chat(show, rq, op->u.chat.text, op->u.chat.reply_to);
    case TG_OP_REACT:
        return tg_show_react(show, rq->now, rq->who, (unsigned)op->u.react.kind, op->u.react.n);
    case TG_OP_PIN:
        return tg_show_pin(show, rq, op->u.pin.sku);
    case TG_OP_UNPIN:
        return tg_show_unpin(show, rq, op->u.pin.sku);
    case TG_OP_HIDE:
        return tg_show_hide(show, rq, op->u.moderate.message, op->u.moderate.undo);
    case TG_OP_MUTE:
        return tg_show_mute(show, rq, op->u.moderate.person,
                            op->u.moderate.undo ? 0 : op->u.moderate.seconds);
    case TG_OP_SHOW_START:
        return tg_show_run(show, rq, TG_SHOW_PHASE_LIVE);
    case TG_OP_SHOW_END:
        return tg_show_run(show, rq, TG_SHOW_PHASE_ENDED);
    case TG_OP_SHOW_REHEARSE:
        return tg_show_rehearse(show, rq, op->u.rehearse.on);
    case TG_OP_PING:
        return tg_show_accept(show, rq);
    default:
        return tg_show_refuse(show, rq, "bad_request", "This is not an operation of the show.");
    }
}

/* Names go to their own file, before the line that first needs them. */
static void note_name(struct tg_live *live, const struct tg_person *who)
{
    struct tg_jo j = tg_jo(&live->scratch);

    if (who->name[0] == '\0' || !tg_names_note(&live->names, who->id, who->name))
        return;
    tg_buf_clear(&live->scratch);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "person", who->id);
    tg_jo_str(&j, "name", who->name);
    tg_jo_end_obj(&j);
    if (live->scratch.err == TG_OK)
        post_journal(live, TG_JOURNAL_NAMES, (const char *)live->scratch.data, live->scratch.len);
}

static void answer_failure(struct tg_live *live, const struct tg_live_op *msg, const char *code,
                           const char *message)
{
    struct tg_jo j = tg_jo(&live->scratch);

    tg_buf_clear(&live->scratch);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "re", msg->op.id);
    tg_jo_bool(&j, "ok", false);
    tg_jo_str(&j, "code", code);
    tg_jo_str(&j, "message", message);
    tg_jo_end_obj(&j);
    if (live->scratch.err == TG_OK)
        room_send(&msg->conn, (const char *)live->scratch.data, live->scratch.len, false);
}

void room_op(struct tg_live *live, const struct tg_live_op *msg)
{
    struct room *room = msg->show < TG_SHOWS_MAX ? live->rooms[msg->show] : NULL;
    uint32_t may = rights(msg->op.kind);
    char roles[ROLES_SIZE];
    struct tg_show_person who;
    struct tg_show_req rq = {.now = live->now, .who = &who, .id = msg->op.id};
    tg_err err;

    if (room == NULL) {
        answer_failure(live, msg, "not_found", "There is no such show.");
        return;
    }
    write_roles(roles, msg->who.roles);
    who = person_of(&msg->who, roles);
    if (may != 0 && may != TG_ROLE_ALL && (msg->who.roles & may) == 0) {
        TG_COUNT(live_ops_refused_total);
        err = tg_show_refuse(room->show, &rq, "forbidden", "Your role does not allow this.");
    } else {
        if (msg->op.kind == TG_OP_CHAT)
            note_name(live, &msg->who);
        err = run_op(room->show, &rq, &msg->op);
    }
    if (err != TG_OK && msg->op.kind != TG_OP_REACT)
        answer_failure(live, msg, "internal", "The server is short of memory. Try again.");
    else
        room_drain(live, room, msg);
}

/* --- time ----------------------------------------------------------------------------------------
 */

void room_tick(struct tg_live *live, struct room *room)
{
    if (tg_show_deadline(room->show) <= live->now &&
        tg_show_tick(room->show, live->now, live->wall) == TG_OK)
        room_drain(live, room, NULL);
    if (room->count_changed) {
        tg_registry_show_set_viewers(live->registry, room->ord, room->viewers);
        room->count_changed = false;
    }
}
