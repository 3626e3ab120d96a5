/*
 * rtmp_conn.c - one encoder's connection: bytes in, answers out, deadlines, authentication.
 *
 * A connection that is told it is over stays open for a moment, reading into the void, so that the
 * encoder gets to read why: closing with unread input would reset the line and lose the message.
 */
#include <openssl/crypto.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "ingest/rtmp_priv.h"

#define LINGER_US (500 * (tg_us)TG_US_PER_MS)
#define FLUSH_US (500 * (tg_us)TG_US_PER_MS)
#define RECHECK_US (5 * (tg_us)TG_US_PER_S)
#define SECOND_US ((tg_us)TG_US_PER_S)
#define POLL_US (100 * (tg_us)TG_US_PER_MS)

struct tg_rtmp_conn {
    struct tg_rtmp *rtmp;
    struct tg_tcp *tcp;
    struct tg_rtmp_session *session;
    struct tg_addr from;
    struct tg_timer timer;
    unsigned ordinal;
    bool over;     /* told why; reads into the void until the timer closes */
    bool finished; /* tg_tcp_finish was called */
    tg_us last_data;
    tg_us second_at;
    tg_us recheck_at;
    struct tg_stream_key key; /* kept for the re-check; cleansed at the end */
    struct tg_rtmp_media media;
};

bool tg_rtmp_conn_is_from(const struct tg_rtmp_conn *c, const struct tg_addr *from)
{
    return memcmp(c->from.ip, from->ip, sizeof(from->ip)) == 0;
}

static void conn_free(struct tg_rtmp_conn *c)
{
    struct tg_rtmp *rtmp = c->rtmp;

    if (c->media.source != NULL)
        tg_log_info("rtmp", "publish_end", "sess=%u show=%u frames=%llu", c->ordinal, c->media.show,
                    (unsigned long long)c->media.frames);
    tg_rtmp_media_close(&c->media);
    tg_loop_timer_clear(rtmp->loop, &c->timer);
    tg_tcp_free(c->tcp);
    tg_rtmp_session_free(c->session);
    for (unsigned i = 0; i < rtmp->conn_count; i++) {
        if (rtmp->conns[i] == c) {
            rtmp->conns[i] = rtmp->conns[--rtmp->conn_count];
            break;
        }
    }
    tg_metric_set(TG_M_rtmp_sessions, rtmp->conn_count);
    OPENSSL_cleanse(&c->key, sizeof(c->key));
    tg_free(c);
}

/* False: the peer does not take its answers; the connection is of no more use. */
static bool send_output(struct tg_rtmp_conn *c)
{
    struct tg_buf *out = tg_rtmp_session_output(c->session);
    bool sent = true;

    if (out->len > 0)
        sent = tg_tcp_send(c->tcp, out->data, out->len) == TG_OK;
    tg_buf_clear(out);
    return sent;
}

static void on_timer(void *ctx, tg_us now);

static bool set_timer(struct tg_rtmp_conn *c, tg_us at)
{
    return tg_loop_timer_set(c->rtmp->loop, &c->timer, at, on_timer, c) == TG_OK;
}

/* Say why, end the source at once, close in a moment. False: free the connection now. */
static bool refuse(struct tg_rtmp_conn *c, enum tg_rtmp_refusal why, const char *text, tg_us now)
{
    tg_log_info("rtmp", "refused", "sess=%u reason=%s", c->ordinal, TG_LOG_Q(text));
    tg_rtmp_session_refuse(c->session, why, text);
    tg_rtmp_media_close(&c->media);
    c->over = true;
    return send_output(c) && set_timer(c, now + LINGER_US);
}

static void notify(const struct tg_rtmp_conn *c, const char *text)
{
    if (c->rtmp->cfg.notice != NULL)
        c->rtmp->cfg.notice(c->rtmp->cfg.ctx, c->media.show, text);
}

static bool refuse_key(struct tg_rtmp_conn *c, tg_us now)
{
    TG_COUNT(rtmp_auth_failures_total);
    tg_failures_note(&c->rtmp->failures, &c->from, now);
    return refuse(c, TG_RTMP_BAD_NAME,
                  "Wrong show or stream key. Copy the stream key from the studio page again.", now);
}

static bool open_source(struct tg_rtmp_conn *c, uint16_t show, tg_us epoch_us, tg_us now)
{
    tg_err err = tg_rtmp_media_open(&c->media, &c->rtmp->cfg, show, epoch_us, c->ordinal, now);

    if (err == TG_ERR_NOTFOUND)
        return refuse(c, TG_RTMP_BAD_NAME, "This show does not exist any more.", now);
    if (err != TG_OK)
        return refuse(c, TG_RTMP_DENIED, "The server has no room for this stream now.", now);
    if (tg_rtmp_session_accept(c->session) != TG_OK)
        return false;
    tg_log_info("rtmp", "publish_start", "sess=%u show=%u", c->ordinal, show);
    TG_COUNT(rtmp_publishes_total);
    c->second_at = now + SECOND_US;
    c->recheck_at = now + RECHECK_US;
    return send_output(c) && set_timer(c, now + POLL_US);
}

static bool on_publish(struct tg_rtmp_conn *c, const struct tg_rtmp_event *ev, tg_us now)
{
    const struct tg_rtmp_cfg *cfg = &c->rtmp->cfg;
    uint16_t show = 0;
    tg_us epoch_us = 0;
    tg_err err;

    if (strcmp(ev->app, "live") != 0)
        return refuse(c, TG_RTMP_BAD_NAME, "Unknown application. The server address ends in /live.",
                      now);
    if (tg_stream_key_parse(&c->key, ev->key) != TG_OK || c->key.key[0] == '\0')
        return refuse_key(c, now);
    err = cfg->check_key(cfg->ctx, c->key.show, c->key.key, &show, &epoch_us);
    if (err == TG_ERR_AUTH || err == TG_ERR_NOTFOUND)
        return refuse_key(c, now);
    if (err != TG_OK)
        return refuse(c, TG_RTMP_DENIED, "The server cannot check keys now. Try again.", now);
    return open_source(c, show, epoch_us, now);
}

/* The show said no. */
static bool refused_by_show(struct tg_rtmp_conn *c, tg_err err, const char *reason, tg_us now)
{
    if (err == TG_ERR_CLOSED) {
        TG_COUNT(rtmp_taken_over_total);
        return refuse(c, TG_RTMP_TAKEN_OVER, "Another encoder has taken this show over.", now);
    }
    if (err == TG_ERR_UNSUPPORTED && reason != NULL) {
        TG_COUNT(rtmp_unsupported_total);
        notify(c, reason);
        return refuse(c, TG_RTMP_BAD_CODEC, reason, now);
    }
    return refuse(c, TG_RTMP_DENIED, "The server had to end this stream. Start again.", now);
}

static bool on_media(struct tg_rtmp_conn *c, const struct tg_rtmp_event *ev, tg_us now)
{
    const char *reason = NULL;
    tg_err err = tg_rtmp_media_input(&c->media, ev, now, &reason);

    return err == TG_OK || refused_by_show(c, err, reason, now);
}

/* False: free the connection. */
static bool on_event(struct tg_rtmp_conn *c, const struct tg_rtmp_event *ev, tg_us now)
{
    switch (ev->kind) {
    case TG_RTMP_EV_PUBLISH:
        return on_publish(c, ev, now);
    case TG_RTMP_EV_META:
        tg_log_info("rtmp", "metadata", "sess=%u width=%u height=%u video_kbps=%u encoder=%s",
                    c->ordinal, ev->meta->width, ev->meta->height, ev->meta->video_kbps,
                    TG_LOG_Q(ev->meta->encoder));
        return true;
    case TG_RTMP_EV_AUDIO:
    case TG_RTMP_EV_VIDEO:
        return on_media(c, ev, now);
    case TG_RTMP_EV_CLOSED:
    default:
        return false;
    }
}

static void on_data(void *ctx, const uint8_t *bytes, size_t len, tg_us now)
{
    struct tg_rtmp_conn *c = ctx;
    struct tg_rtmp_event ev;
    tg_err err;

    tg_metric_add(TG_M_rtmp_bytes_total, (int64_t)len);
    c->last_data = now;
    if (c->over)
        return;
    tg_rtmp_session_input(c->session, bytes, len);
    while ((err = tg_rtmp_session_next(c->session, &ev)) == TG_OK) {
        if (!on_event(c, &ev, now)) {
            conn_free(c);
            return;
        }
        if (c->over)
            return;
    }
    if (err != TG_ERR_AGAIN) {
        TG_COUNT(rtmp_protocol_errors_total);
        tg_log_info("rtmp", "protocol_error", "sess=%u err=%s", c->ordinal, tg_err_name(err));
        conn_free(c);
        return;
    }
    if (!send_output(c))
        conn_free(c);
}

static void on_closed(void *ctx, tg_err why, tg_us now)
{
    (void)why;
    (void)now;
    conn_free(ctx);
}

/* False: the key was revoked. */
static bool key_still_good(const struct tg_rtmp_conn *c)
{
    const struct tg_rtmp_cfg *cfg = &c->rtmp->cfg;
    uint16_t show = 0;
    tg_us epoch_us = 0;
    tg_err err = cfg->check_key(cfg->ctx, c->key.show, c->key.key, &show, &epoch_us);

    return err != TG_ERR_AUTH && err != TG_ERR_NOTFOUND;
}

static void tell_uplink(struct tg_rtmp_conn *c, tg_us now)
{
    const struct tg_rtmp_cfg *cfg = &c->rtmp->cfg;
    struct tg_live_uplink uplink = tg_rtmp_meter_take(&c->media.meter, &c->media, now);

    c->second_at += SECOND_US;
    if (c->second_at <= now)
        c->second_at = now + SECOND_US; /* the thread was held up */
    if (cfg->uplink != NULL)
        cfg->uplink(cfg->ctx, &uplink);
}

/* What is due while publishing. False: free the connection. */
static bool publishing_turn(struct tg_rtmp_conn *c, tg_us now)
{
    const struct tg_source_ops *ops = &c->rtmp->cfg.ops;
    const char *reason = NULL;
    uint32_t key_layers = 0; /* RTMP has no way to ask for a keyframe */
    tg_err err = ops->poll(c->media.source, &key_layers, &reason);

    if (err != TG_OK)
        return refused_by_show(c, err, reason, now);
    if (now >= c->recheck_at) {
        c->recheck_at = now + RECHECK_US;
        if (!key_still_good(c))
            return refuse(c, TG_RTMP_DENIED, "This stream key was revoked.", now);
    }
    if (now >= c->second_at)
        tell_uplink(c, now);
    return set_timer(c, now + POLL_US);
}

static void on_timer(void *ctx, tg_us now)
{
    struct tg_rtmp_conn *c = ctx;
    const struct tg_rtmp_cfg *cfg = &c->rtmp->cfg;
    tg_us idle_at = c->last_data + cfg->idle_us_max;

    if (c->finished) {
        conn_free(c);
        return;
    }
    if (c->over) { /* on_closed follows; the timer is the belt to its braces */
        c->finished = true;
        if (set_timer(c, now + 2 * FLUSH_US))
            tg_tcp_finish(c->tcp, now, FLUSH_US);
        else
            conn_free(c);
        return;
    }
    if (c->media.source == NULL || now >= idle_at) {
        TG_COUNT(rtmp_timeouts_total);
        tg_log_info("rtmp", "timeout", "sess=%u publishing=%d", c->ordinal,
                    c->media.source != NULL);
        conn_free(c);
        return;
    }
    if (!publishing_turn(c, now))
        conn_free(c);
}

void tg_rtmp_conn_accept(struct tg_rtmp *rtmp, int take_fd, const struct tg_addr *from, tg_us now)
{
    struct tg_tcp_cfg tcp = {
        .on_data = on_data, .on_closed = on_closed, .out_max = 2 * TG_RTMP_OUT_MAX};
    struct tg_rtmp_conn *c = tg_calloc(1, sizeof(*c));

    if (c == NULL) {
        TG_COUNT(rtmp_limited_total);
        (void)close(take_fd); /* nothing can be done about a failing close */
        return;
    }
    c->rtmp = rtmp;
    c->from = *from;
    c->ordinal = ++rtmp->ordinal;
    c->last_data = now;
    TG_ASSERT(rtmp->conn_count < TG_RTMP_SESSIONS_MAX); /* on_accept counts */
    rtmp->conns[rtmp->conn_count++] = c;
    tg_metric_set(TG_M_rtmp_sessions, rtmp->conn_count);
    tcp.ctx = c;
    if (tg_tcp_new(&c->tcp, rtmp->loop, take_fd, &tcp) != TG_OK ||
        tg_rtmp_session_new(&c->session, &rtmp->rng) != TG_OK ||
        !set_timer(c, now + rtmp->cfg.start_us_max)) {
        TG_COUNT(rtmp_limited_total);
        conn_free(c);
    }
}

void tg_rtmp_conn_end(struct tg_rtmp_conn *c)
{
    if (!c->over && c->media.source != NULL) {
        tg_rtmp_session_refuse(c->session, TG_RTMP_SHUTTING_DOWN, "The server is going down.");
        (void)send_output(c); /* best effort: the connection is freed next */
    }
    conn_free(c);
}
