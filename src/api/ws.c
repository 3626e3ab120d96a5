/* The show channel's sockets: handshake, frames in and out, and what other threads send them. */
#include "api/ws_priv.h"

#include <string.h>

#include "api/req.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "msg/live.h"
#include "msg/web.h"

struct pss {
    struct tg_sock *s; /* NULL before ESTABLISHED and once it is gone */
};

enum {
    FRAMES_PER_TURN = 16,
    CLOSE_TIMEOUT_S = 10, /* for a client that must be cut and does not read */
    JOINING_S = 15,       /* for live's answer to a join */
    LEAVING_S = 60,       /* a closed socket whose join nobody answered */
};

_Static_assert(LWS_PRE <= TG_WIRE_HEAD, "libwebsockets writes its header into the headroom");
_Static_assert(sizeof(struct pss) <= TG_WS_PSS_SIZE, "libwebsockets allocates it");

/* --- handshake --- */

static int refuse_upgrade(struct tg_worker *w, struct lws *wsi, int status, const char *header,
                          const char *detail)
{
    struct tg_buf text;
    uint8_t *at = w->scratch + LWS_PRE;
    int len = -1;

    TG_COUNT(ws_refused_total);
    tg_buf_init(&text, 1024);
    tg_problem_text(&text, status, detail);
    if (text.err == TG_OK)
        len = snprintf((char *)at, TG_WEB_CHUNK,
                       "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n%s"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       status, tg_status_text(status), header, text.len, tg_buf_cstr(&text));
    tg_buf_done(&text);
    if (len > 0 && len < TG_WEB_CHUNK)
        (void)lws_write(wsi, at, (size_t)len, LWS_WRITE_HTTP); /* it is closed either way */
    return -1;
}

/* Is "torg.v1" among the client's subprotocols? */
static bool offers_protocol(struct lws *wsi)
{
    char list[128];
    const char *at = list;

    tg_header(wsi, WSI_TOKEN_PROTOCOL, list, sizeof(list));
    while (*at != '\0') {
        size_t len;

        at += strspn(at, ", \t");
        len = strcspn(at, ", \t");
        if (len == 7 && memcmp(at, "torg.v1", 7) == 0)
            return true;
        at += len;
    }
    return false;
}

static bool find_show(struct tg_worker *w, struct lws *wsi, uint16_t *ret)
{
    char *uri = NULL;
    int len = 0;
    struct tg_show_info show;

    if (lws_http_get_uri_and_method(wsi, &uri, &len) != LWSHUMETH_GET || len <= 4 ||
        memcmp(uri, "/ws/", 4) != 0 ||
        tg_registry_show_get(w->web->cfg.registry, uri + 4, (size_t)len - 4, &show) != TG_OK)
        return false;
    *ret = show.ord;
    return true;
}

static enum tg_origin origin_of(struct tg_worker *w, struct lws *wsi)
{
    char origin[TG_HOST_SIZE];
    char host[TG_HOST_SIZE];

    tg_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
    tg_header(wsi, WSI_TOKEN_HOST, host, sizeof(host));
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0 && origin[0] == '\0')
        return TG_ORIGIN_FOREIGN; /* too long to be anybody's */
    return tg_origin_class(&w->web->origins, origin, host);
}

int tg_ws_upgrade(struct tg_worker *w, struct lws *wsi, const char *protocol)
{
    uint32_t wait_ms = 0;
    uint16_t show;
    bool certain;
    struct tg_addr peer = tg_peer_addr(w, wsi, &certain);
    char version[8];

    tg_worker_clock(w);
    tg_header(wsi, WSI_TOKEN_VERSION, version, sizeof(version));
    if (strcasecmp(protocol, "websocket") != 0)
        return refuse_upgrade(w, wsi, 400, "", "Only Upgrade: websocket is offered; use HTTP/1.1.");
    if (w->stopping)
        return refuse_upgrade(w, wsi, 503, "Retry-After: 2\r\n", "The server is stopping.");
    if (!tg_rate_addr(w, &peer, TG_RATE_SOCKET, &wait_ms))
        return refuse_upgrade(w, wsi, 429, "Retry-After: 2\r\n",
                              "Too many sockets from this address. Wait and try again.");
    if (!find_show(w, wsi, &show))
        return refuse_upgrade(w, wsi, 404, "", "There is no show with this id; use /ws/{show}.");
    if (strcmp(version, "13") != 0)
        return refuse_upgrade(w, wsi, 426, "Sec-WebSocket-Version: 13\r\n",
                              "Use WebSocket version 13 (RFC 6455).");
    if (!offers_protocol(wsi))
        return refuse_upgrade(w, wsi, 400, "Sec-WebSocket-Protocol: torg.v1\r\n",
                              "Ask for the subprotocol torg.v1.");
    if (origin_of(w, wsi) == TG_ORIGIN_FOREIGN) {
        TG_COUNT(http_origin_refused_total);
        return refuse_upgrade(w, wsi, 403, "",
                              "This site may not connect. Its operator can list it in "
                              "embed.origins.");
    }
    return 0;
}

/* A bearer token, or our own page's cookie; judged at the join. */
static void read_token(struct tg_sock *s)
{
    char text[2048];
    char fetch_site[24];

    tg_header(s->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, sizeof(text));
    if (strncasecmp(text, "Bearer ", 7) == 0) {
        if (tg_str_copy(s->token, sizeof(s->token), text + 7, strlen(text + 7)) != TG_OK)
            s->token[0] = '\0';
        return;
    }
    tg_header_custom(s->wsi, "sec-fetch-site:", fetch_site, sizeof(fetch_site));
    if (!tg_cookie_allowed(origin_of(s->w, s->wsi), fetch_site))
        return;
    tg_header(s->wsi, WSI_TOKEN_HTTP_COOKIE, text, sizeof(text));
    if (tg_cookie_get(s->token, sizeof(s->token), text, "torg_session") != TG_OK)
        s->token[0] = '\0';
}

static int on_established(struct tg_worker *w, struct lws *wsi, struct pss *pss)
{
    struct tg_sock *s = tg_calloc(1, sizeof(*s));
    struct tg_addr peer;
    bool certain;

    tg_worker_clock(w);
    if (s == NULL || !find_show(w, wsi, &s->show) ||
        tg_slots_put(&w->slots, TG_SLOT_SOCK, s, &s->slot, &s->generation) != TG_OK) {
        tg_free(s);
        return -1;
    }
    s->w = w;
    s->wsi = wsi;
    s->since = w->now;
    s->heard = w->now;
    s->pinged = w->now;
    peer = tg_peer_addr(w, wsi, &certain);
    s->trusted = tg_cidr_list_match(&w->web->trusted, &peer);
    tg_buf_init(&s->in, TG_WS_FRAME_MAX);
    read_token(s);
    tg_dlist_add(&w->socks, &s->in_socks);
    pss->s = s;
    tg_metric_add(TG_M_ws_sockets, 1);
    return 0;
}

/* --- the end of a socket --- */

static void sock_free(struct tg_sock *s)
{
    tg_dlist_del(&s->in_socks);
    tg_slots_del(&s->w->slots, s->slot);
    tg_free(s->source);
    tg_free(s);
}

static void leave_person(struct tg_sock *s)
{
    struct tg_wperson *person = s->person;

    if (person == NULL)
        return;
    s->person = NULL;
    tg_dlist_del(&s->in_person);
    if (tg_dlist_empty(&person->socks)) {
        (void)tg_map_del(&s->w->people, person->id, strlen(person->id));
        tg_registry_person_left(s->w->web->cfg.registry, person->id);
        tg_free(person);
    }
}

static void post_leave(struct tg_sock *s)
{
    struct tg_live_leave *msg;

    if (s->w->web->peers.live == NULL)
        return; /* stopped: live ends all shows by itself */
    msg = tg_msg_new(TG_MSG_LIVE_LEAVE, sizeof(*msg));
    if (msg == NULL) {
        tg_log_warn("api", "leave_lost", "err=%s", tg_err_name(TG_ERR_NOMEM));
        return;
    }
    msg->conn = (struct tg_conn){.mb = s->w->mb, .slot = s->slot, .generation = s->generation};
    msg->show = s->show;
    /* As many as joins, which were bounded. CLOSED: live has ended, and with it its viewers. */
    (void)tg_mailbox_post_reply(s->w->web->peers.live, msg);
}

static int on_gone(struct pss *pss)
{
    struct tg_sock *s = pss == NULL ? NULL : pss->s;

    if (s == NULL)
        return 0;
    pss->s = NULL;
    s->wsi = NULL;
    tg_metric_add(TG_M_ws_sockets, -1);
    tg_tick_leave(&s->member);
    tg_buf_done(&s->in);
    leave_person(s);
    if (s->state == TG_SOCK_JOINING) {
        s->state = TG_SOCK_LEAVING;
        s->since = s->w->now;
        return 0;
    }
    if (s->state == TG_SOCK_JOINED) {
        tg_metric_add(TG_M_ws_joined, -1);
        post_leave(s);
    }
    sock_free(s);
    return 0;
}

void tg_sock_close(struct tg_sock *s, uint16_t code)
{
    if (s->wsi == NULL || s->close_code != 0)
        return;
    s->close_code = code;
    lws_set_timeout(s->wsi, PENDING_TIMEOUT_CLOSE_SEND, CLOSE_TIMEOUT_S);
    lws_callback_on_writable(s->wsi);
}

/* --- frames --- */

static int on_receive(struct tg_sock *s, const char *data, size_t len)
{
    bool final = lws_is_final_fragment(s->wsi) != 0;

    s->heard = s->w->now;
    if (s->close_code != 0)
        return 0;
    if (s->skipped > 0 || s->in.len + len > TG_WS_FRAME_MAX) {
        s->skipped += s->in.len + len;
        tg_buf_done(&s->in);
        if (s->skipped > TG_WS_SKIP_MAX) {
            tg_sock_close(s, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
        } else if (final) {
            s->skipped = 0;
            tg_sock_bad(s, "", NULL, "The frame is longer than 16384 bytes.");
        }
        return 0;
    }
    if (final && s->in.len == 0) {
        if (lws_frame_is_binary(s->wsi))
            tg_sock_bad(s, "", NULL, "Send text frames.");
        else
            tg_sock_message(s, data, len);
        return 0;
    }
    tg_buf_add(&s->in, data, len);
    if (s->in.err != TG_OK)
        return -1; /* out of memory */
    if (final) {
        tg_sock_message(s, (const char *)s->in.data, s->in.len);
        tg_buf_done(&s->in);
    }
    return 0;
}

static int send_ping(struct tg_sock *s)
{
    s->ping_due = false;
    s->pinged = s->w->now;
    return lws_write(s->wsi, s->w->scratch + LWS_PRE, 0, LWS_WRITE_PING) < 0 ? -1 : 0;
}

/* As many frames as the socket takes; libwebsockets keeps the rest of one it took in part. */
static int send_frames(struct tg_sock *s)
{
    for (int i = 0; i < FRAMES_PER_TURN && !lws_partial_buffered(s->wsi); i++) {
        struct tg_wire *wire = tg_outq_pop(&s->member.q);
        int sent;

        if (wire == NULL)
            break;
        sent = lws_write(s->wsi, wire->bytes + TG_WIRE_HEAD, wire->len, LWS_WRITE_TEXT);
        tg_wire_unref(wire);
        TG_COUNT(ws_frames_out_total);
        if (sent < 0)
            return -1;
    }
    return 0;
}

static int on_writeable(struct tg_sock *s)
{
    if (s->ping_due && s->close_code == 0 && send_ping(s) != 0)
        return -1;
    if (send_frames(s) != 0)
        return -1;
    if (s->member.q.count > 0 || lws_partial_buffered(s->wsi)) {
        lws_callback_on_writable(s->wsi);
        return 0;
    }
    if (s->close_code == 0)
        return 0;
    lws_close_reason(s->wsi, (enum lws_close_status)s->close_code, NULL, 0);
    return -1;
}

int tg_ws_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct pss *pss = user;
    int result;

    switch ((int)reason) { /* libwebsockets knows a hundred more */
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(tg_worker_of(wsi), wsi, pss);
    case LWS_CALLBACK_RECEIVE:
        if (pss->s == NULL)
            return 0;
        tg_worker_clock(pss->s->w);
        result = on_receive(pss->s, in, len);
        tg_worker_flush(tg_worker_of(wsi));
        return result;
    case LWS_CALLBACK_RECEIVE_PONG:
        if (pss->s != NULL) {
            tg_worker_clock(pss->s->w);
            pss->s->heard = pss->s->w->now;
        }
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return pss->s == NULL ? 0 : on_writeable(pss->s);
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED:
        return on_gone(pss);
    default:
        return 0;
    }
}

void tg_ws_wake(void *worker, struct tg_tick_member *member)
{
    struct tg_sock *s = TG_CONTAINER_OF(member, struct tg_sock, member);

    (void)worker;
    if (s->wsi == NULL)
        return;
    if (member->overflow && s->close_code == 0) {
        TG_COUNT(ws_cut_slow_total);
        tg_sock_close(s, 1013); /* try again later */
        return;
    }
    /* At once: a round through poll() for each answer costs more than the answer. What the socket
     * does not take now, and whatever is wrong with it, waits for WRITEABLE. */
    if (s->close_code != 0 || s->ping_due || lws_partial_buffered(s->wsi) || send_frames(s) != 0 ||
        s->member.q.count > 0)
        lws_callback_on_writable(s->wsi);
}

/* --- messages of other threads --- */

static struct tg_wshow *show_of(struct tg_worker *w, uint16_t ord)
{
    struct tg_wshow *show;

    TG_ASSERT(ord < TG_SHOWS_MAX);
    show = w->shows[ord];
    if (show != NULL)
        return show;
    show = tg_calloc(1, sizeof(*show));
    if (show == NULL)
        return NULL;
    for (size_t i = 0; i < TG_WEB_GROUPS; i++)
        tg_tick_group_init(&show->groups[i]);
    w->shows[ord] = show;
    return show;
}

static bool enter_person(struct tg_sock *s)
{
    struct tg_map *people = &s->w->people;
    struct tg_wperson *person = tg_map_get_str(people, s->who.id);

    if (person == NULL) {
        person = tg_calloc(1, sizeof(*person));
        if (person == NULL)
            return false;
        memcpy(person->id, s->who.id, sizeof(person->id));
        tg_dlist_init(&person->socks);
        if (tg_map_put(people, person->id, strlen(person->id), person) != TG_OK) {
            tg_free(person);
            return false;
        }
        tg_registry_person_came(s->w->web->cfg.registry, person->id);
    }
    s->person = person;
    tg_dlist_add(&person->socks, &s->in_person);
    return true;
}

static void on_joined(struct tg_sock *s)
{
    struct tg_wshow *show = show_of(s->w, s->show);
    bool staff = (s->who.roles & TG_ROLE_STAFF) != 0;

    s->state = TG_SOCK_JOINED;
    tg_metric_add(TG_M_ws_joined, 1);
    (void)lws_rx_flow_control(s->wsi, 1); /* fails only for a dead socket, which closes itself */
    if (show == NULL || !enter_person(s)) {
        tg_sock_close(s, 1013);
        return;
    }
    tg_tick_join(&show->groups[staff ? 1 : 0], &s->member);
    tg_look_add(s->w, lws_get_socket_fd(s->wsi));
}

static void on_send(struct tg_worker *w, const struct tg_web_send *msg)
{
    struct tg_sock *s = tg_slots_get(&w->slots, TG_SLOT_SOCK, msg->conn.slot, msg->conn.generation);

    if (s == NULL || (s->state == TG_SOCK_LEAVING && !msg->joined))
        return;
    if (s->state == TG_SOCK_LEAVING) {
        post_leave(s);
        sock_free(s);
        return;
    }
    if (msg->joined && s->state == TG_SOCK_JOINING) {
        on_joined(s);
    } else if (s->state == TG_SOCK_JOINING) {
        s->state = TG_SOCK_NEW; /* the join was refused: it may try again */
        (void)lws_rx_flow_control(s->wsi, 1);
    }
    tg_tick_send(&w->tick, &s->member, msg->json->data, msg->json->len);
}

static void on_cast(struct tg_worker *w, const struct tg_web_cast *msg)
{
    struct tg_wshow *show = msg->show < TG_SHOWS_MAX ? w->shows[msg->show] : NULL;

    if (show == NULL)
        return;
    if (msg->audience != TG_AUDIENCE_STAFF)
        tg_tick_cast(&w->tick, &show->groups[0], w->now, msg->json->data, msg->json->len);
    if (msg->audience != TG_AUDIENCE_VIEWERS)
        tg_tick_cast(&w->tick, &show->groups[1], w->now, msg->json->data, msg->json->len);
}

static void on_person(struct tg_worker *w, const struct tg_web_person *msg)
{
    struct tg_wperson *person = tg_map_get_str(&w->people, msg->person);

    if (person == NULL)
        return;
    TG_DLIST_EACH(node, &person->socks)
    tg_tick_send(&w->tick, &TG_CONTAINER_OF(node, struct tg_sock, in_person)->member,
                 msg->json->data, msg->json->len);
}

static void on_cut(struct tg_worker *w, const struct tg_web_cut *msg)
{
    struct tg_sock *s = tg_slots_get(&w->slots, TG_SLOT_SOCK, msg->conn.slot, msg->conn.generation);

    if (s != NULL)
        tg_sock_close(s, msg->code);
}

bool tg_ws_message(struct tg_worker *w, void *msg)
{
    const struct tg_msg *head = msg;

    if (head->kind == TG_MSG_WEB_CAST)
        on_cast(w, msg);
    else if (head->kind == TG_MSG_WEB_SEND)
        on_send(w, msg);
    else if (head->kind == TG_MSG_WEB_PERSON)
        on_person(w, msg);
    else if (head->kind == TG_MSG_WEB_CUT)
        on_cut(w, msg);
    else
        return false;
    return true;
}

/* --- time --- */

static void check_time(struct tg_sock *s)
{
    tg_us now = s->w->now;
    tg_us aged = now - s->since;

    if (s->state == TG_SOCK_JOINED && s->close_code == 0)
        (void)tg_sock_still_staff(s); /* closes it when not: what staff are told ends, too */

    if (s->state == TG_SOCK_LEAVING) {
        if (aged <= (tg_us)LEAVING_S * TG_US_PER_S)
            return;
        post_leave(s); /* should its join still be on the way, it is void */
        sock_free(s);
    } else if (now - s->heard > (tg_us)TG_WS_DEAD_S * TG_US_PER_S) {
        TG_COUNT(ws_dead_total);
        lws_set_timeout(s->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    } else if (s->state == TG_SOCK_NEW && aged > (tg_us)TG_WS_JOIN_S * TG_US_PER_S) {
        tg_sock_close(s, LWS_CLOSE_STATUS_POLICY_VIOLATION);
    } else if (s->state == TG_SOCK_JOINING && aged > (tg_us)JOINING_S * TG_US_PER_S) {
        tg_sock_close(s, 1013);
    } else if (TG_MIN(now - s->heard, now - s->pinged) > (tg_us)TG_WS_PING_S * TG_US_PER_S) {
        s->ping_due = true;
        lws_callback_on_writable(s->wsi);
    }
}

void tg_ws_second(struct tg_worker *w)
{
    TG_DLIST_EACH(node, &w->socks)
    check_time(TG_CONTAINER_OF(node, struct tg_sock, in_socks));
}

/* Service restart (RFC 6455's registry): clients come back, spread over some seconds. */
void tg_ws_stop(struct tg_worker *w)
{
    TG_DLIST_EACH(node, &w->socks)
    tg_sock_close(TG_CONTAINER_OF(node, struct tg_sock, in_socks), 1012);
}

void tg_ws_done(struct tg_worker *w)
{
    TG_DLIST_EACH(node, &w->socks)
    sock_free(TG_CONTAINER_OF(node, struct tg_sock, in_socks)); /* those that were leaving */
    for (size_t i = 0; i < TG_SHOWS_MAX; i++) {
        if (w->shows[i] == NULL)
            continue;
        for (size_t g = 0; g < TG_WEB_GROUPS; g++)
            tg_tick_group_done(&w->shows[i]->groups[g]);
        tg_free(w->shows[i]);
        w->shows[i] = NULL;
    }
    tg_map_done(&w->people);
}
