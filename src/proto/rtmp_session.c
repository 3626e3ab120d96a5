/*
 * rtmp_session.c - the publish state machine; see rtmp_session.h.
 */
#include "proto/rtmp_session.h"

#include <math.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/str.h"
#include "proto/amf.h"
#include "proto/rtmp_chunk.h"
#include "proto/rtmp_handshake.h"
#include "proto/rtmp_session_priv.h"

enum { PING_REQUEST = 6, PING_RESPONSE = 7, STREAM_BEGIN = 0 };
enum { APP_SIZE = 64 };

struct tg_rtmp_session {
    enum tg_rtmp_phase phase;
    struct tg_rng *rng;
    struct tg_rd in;
    struct tg_buf out;
    struct tg_rtmp_reader reader;
    uint64_t ack_window; /* the peer wants an Acknowledgement each so many bytes */
    uint64_t acked;
    uint32_t stream_id;
    char app[APP_SIZE];
    char key[TG_RTMP_KEY_SIZE];
    struct tg_rtmp_meta meta;
    struct tg_rtmp_handshake handshake; /* last: large */
};

tg_err tg_rtmp_session_new(struct tg_rtmp_session **ret, struct tg_rng *rng)
{
    struct tg_rtmp_session *s = tg_calloc(1, sizeof(*s));

    if (s == NULL)
        return TG_ERR_NOMEM;
    s->rng = rng;
    s->ack_window = TG_RTMP_WINDOW;
    tg_buf_init(&s->out, TG_RTMP_OUT_MAX);
    tg_rtmp_reader_init(&s->reader);
    tg_rtmp_handshake_init(&s->handshake);
    *ret = s;
    return TG_OK;
}

void tg_rtmp_session_free(struct tg_rtmp_session *s)
{
    if (s == NULL)
        return;
    tg_rtmp_reader_done(&s->reader);
    tg_buf_done(&s->out);
    tg_free(s);
}

void tg_rtmp_session_input(struct tg_rtmp_session *s, const void *data, size_t len)
{
    TG_ASSERT(tg_rd_left(&s->in) == 0);
    s->in = tg_rd(data, len);
}

struct tg_buf *tg_rtmp_session_output(struct tg_rtmp_session *s)
{
    return &s->out;
}

enum tg_rtmp_phase tg_rtmp_session_phase(const struct tg_rtmp_session *s)
{
    return s->phase;
}

/* --- commands --------------------------------------------------------------------------------- */

/* Text with a NUL inside would read differently here than at the encoder: refuse it. */
static tg_err copy_text(char *out, size_t size, struct tg_span text)
{
    if (text.len > 0 && memchr(text.data, 0, text.len) != NULL)
        return TG_ERR_MALFORMED;
    return tg_str_copy(out, size, (const char *)text.data, text.len);
}

/* "live", "live/" and "live?x=y" are one app. */
static void trim_app(char *app)
{
    size_t len = strcspn(app, "?");

    while (len > 0 && app[len - 1] == '/')
        len--;
    app[len] = '\0';
}

/* connect(txn, {app, fourCcList, ...}) */
static tg_err on_connect(struct tg_rtmp_session *s, double txn, struct tg_amf_rd *r)
{
    struct tg_amf_token t;
    bool enhanced = false;
    tg_err err = tg_amf_next(r, &t);

    if (err != TG_OK || t.type != TG_AMF_OBJECT || s->phase != TG_RTMP_CONNECT)
        return TG_ERR_MALFORMED;
    for (;;) {
        err = tg_amf_next(r, &t);
        if (err != TG_OK)
            return err;
        if (t.type == TG_AMF_END)
            break;
        if (tg_amf_key_is(&t, "app") && t.type == TG_AMF_STRING) {
            err = copy_text(s->app, sizeof(s->app), t.text);
            if (err != TG_OK)
                return err;
            trim_app(s->app);
        }
        enhanced = enhanced || tg_amf_key_is(&t, "fourCcList");
        err = tg_amf_skip(r, &t);
        if (err != TG_OK)
            return err;
    }
    s->phase = TG_RTMP_CONNECTED;
    tg_rtmp_write_connected(&s->out, txn, enhanced);
    return s->out.err;
}

/* publish(txn, null, key, "live") */
static tg_err on_publish(struct tg_rtmp_session *s, const struct tg_rtmp_msg *msg,
                         struct tg_amf_rd *r, struct tg_rtmp_event *ret)
{
    struct tg_amf_token t;
    tg_err err = tg_amf_next(r, &t);

    if (s->phase != TG_RTMP_CONNECTED)
        return TG_ERR_MALFORMED;
    if (err == TG_OK)
        err = tg_amf_skip(r, &t); /* the command object: null by the standard */
    if (err == TG_OK)
        err = tg_amf_next(r, &t);
    if (err != TG_OK)
        return err == TG_ERR_CLOSED ? TG_ERR_MALFORMED : err;
    if (t.type != TG_AMF_STRING)
        return TG_ERR_MALFORMED;
    err = copy_text(s->key, sizeof(s->key), t.text);
    if (err != TG_OK)
        return err;
    s->stream_id = msg->stream_id;
    s->phase = TG_RTMP_ASKED;
    *ret = (struct tg_rtmp_event){.kind = TG_RTMP_EV_PUBLISH, .app = s->app, .key = s->key};
    return TG_OK;
}

static tg_err on_end(struct tg_rtmp_session *s, struct tg_rtmp_event *ret)
{
    if (s->phase != TG_RTMP_PUBLISHING)
        return TG_ERR_AGAIN;
    s->phase = TG_RTMP_OVER;
    *ret = (struct tg_rtmp_event){.kind = TG_RTMP_EV_CLOSED};
    return TG_OK;
}

/* OK: an event. AGAIN: nothing for the caller. */
static tg_err on_command(struct tg_rtmp_session *s, const struct tg_rtmp_msg *msg,
                         struct tg_span body, struct tg_rtmp_event *ret)
{
    struct tg_amf_rd r = tg_amf_rd(body.data, body.len);
    struct tg_amf_token name;
    struct tg_amf_token txn;
    tg_err err = tg_amf_next(&r, &name);

    if (err == TG_OK)
        err = tg_amf_next(&r, &txn);
    if (err != TG_OK)
        return err == TG_ERR_CLOSED ? TG_ERR_MALFORMED : err;
    if (name.type != TG_AMF_STRING || txn.type != TG_AMF_NUMBER)
        return TG_ERR_MALFORMED;
    if (tg_amf_text_is(&name, "connect")) {
        err = on_connect(s, txn.number, &r);
        return err == TG_OK ? TG_ERR_AGAIN : err;
    }
    if (s->phase < TG_RTMP_CONNECTED)
        return TG_ERR_MALFORMED;
    if (tg_amf_text_is(&name, "createStream")) {
        tg_rtmp_write_created(&s->out, txn.number);
        return s->out.err == TG_OK ? TG_ERR_AGAIN : s->out.err;
    }
    if (tg_amf_text_is(&name, "publish"))
        return on_publish(s, msg, &r, ret);
    if (tg_amf_text_is(&name, "FCUnpublish") || tg_amf_text_is(&name, "deleteStream") ||
        tg_amf_text_is(&name, "closeStream"))
        return on_end(s, ret);
    if (tg_amf_text_is(&name, "play"))
        return TG_ERR_UNSUPPORTED;
    return TG_ERR_AGAIN; /* releaseStream, FCPublish, _checkbw, ...: no answer needed */
}

/* --- metadata --------------------------------------------------------------------------------- */

static uint32_t bounded(double value, double scale)
{
    double scaled = value * scale;

    if (!isfinite(scaled) || scaled < 0 || scaled > 1e9)
        return 0;
    return (uint32_t)scaled;
}

static void note_meta(struct tg_rtmp_meta *meta, const struct tg_amf_token *t)
{
    if (t->type == TG_AMF_NUMBER) {
        if (tg_amf_key_is(t, "width"))
            meta->width = bounded(t->number, 1);
        else if (tg_amf_key_is(t, "height"))
            meta->height = bounded(t->number, 1);
        else if (tg_amf_key_is(t, "framerate"))
            meta->fps_milli = bounded(t->number, 1000);
        else if (tg_amf_key_is(t, "videodatarate"))
            meta->video_kbps = bounded(t->number, 1);
        else if (tg_amf_key_is(t, "audiodatarate"))
            meta->audio_kbps = bounded(t->number, 1);
    } else if (tg_amf_key_is(t, "encoder") && t->type == TG_AMF_STRING &&
               t->text.len < sizeof(meta->encoder) &&
               tg_utf8_printable((const char *)t->text.data, t->text.len)) {
        memcpy(meta->encoder, t->text.data, t->text.len);
        meta->encoder[t->text.len] = '\0';
    }
}

/* ["@setDataFrame",] "onMetaData", {...}. Odd metadata is dropped: nothing depends on it. */
static tg_err on_data(struct tg_rtmp_session *s, struct tg_span body, struct tg_rtmp_event *ret)
{
    struct tg_amf_rd r = tg_amf_rd(body.data, body.len);
    struct tg_rtmp_meta meta = {0};
    struct tg_amf_token t;

    if (s->phase != TG_RTMP_PUBLISHING || tg_amf_next(&r, &t) != TG_OK)
        return TG_ERR_AGAIN;
    if (tg_amf_text_is(&t, "@setDataFrame") && tg_amf_next(&r, &t) != TG_OK)
        return TG_ERR_AGAIN;
    if (!tg_amf_text_is(&t, "onMetaData") || tg_amf_next(&r, &t) != TG_OK ||
        t.type != TG_AMF_OBJECT)
        return TG_ERR_AGAIN;
    for (;;) {
        if (tg_amf_next(&r, &t) != TG_OK)
            return TG_ERR_AGAIN;
        if (t.type == TG_AMF_END)
            break;
        note_meta(&meta, &t);
        if (tg_amf_skip(&r, &t) != TG_OK)
            return TG_ERR_AGAIN;
    }
    s->meta = meta;
    *ret = (struct tg_rtmp_event){.kind = TG_RTMP_EV_META, .meta = &s->meta};
    return TG_OK;
}

/* --- messages --------------------------------------------------------------------------------- */

static tg_err on_user_control(struct tg_rtmp_session *s, struct tg_span body)
{
    struct tg_rd r = tg_rd(body.data, body.len);
    uint16_t event = tg_rd_u16(&r);
    uint32_t value = tg_rd_u32(&r);

    if (r.bad || event != PING_REQUEST)
        return TG_ERR_AGAIN;
    tg_rtmp_write_user_control(&s->out, PING_RESPONSE, value);
    return s->out.err == TG_OK ? TG_ERR_AGAIN : s->out.err;
}

static tg_err on_window(struct tg_rtmp_session *s, struct tg_span body)
{
    struct tg_rd r = tg_rd(body.data, body.len);
    uint32_t window = tg_rd_u32(&r);

    if (r.bad)
        return TG_ERR_MALFORMED;
    /* A tiny window would make us answer every few bytes. */
    s->ack_window = TG_MAX(window, (uint32_t)4096);
    return TG_ERR_AGAIN;
}

static tg_err on_media(struct tg_rtmp_session *s, const struct tg_rtmp_msg *msg,
                       struct tg_rtmp_event *ret)
{
    /* OBS and ffmpeg send an empty video tag now and then; before accept nothing is wanted. */
    if (s->phase != TG_RTMP_PUBLISHING || msg->payload.len == 0)
        return TG_ERR_AGAIN;
    *ret = (struct tg_rtmp_event){.kind = msg->type == TG_RTMP_VIDEO ? TG_RTMP_EV_VIDEO
                                                                     : TG_RTMP_EV_AUDIO,
                                  .timestamp = msg->timestamp,
                                  .body = msg->payload};
    return TG_OK;
}

static tg_err on_message(struct tg_rtmp_session *s, const struct tg_rtmp_msg *msg,
                         struct tg_rtmp_event *ret)
{
    struct tg_span body = msg->payload;

    /* The AMF3 message types hold AMF0 values behind one format byte of 0. */
    if ((msg->type == TG_RTMP_COMMAND_AMF3 || msg->type == TG_RTMP_DATA_AMF3) && body.len > 0) {
        struct tg_rd r = tg_rd(body.data, body.len);

        tg_rd_skip(&r, 1);
        body = tg_rd_span(&r, tg_rd_left(&r));
    }
    switch (msg->type) {
    case TG_RTMP_VIDEO:
    case TG_RTMP_AUDIO:
        return on_media(s, msg, ret);
    case TG_RTMP_COMMAND_AMF0:
    case TG_RTMP_COMMAND_AMF3:
        return on_command(s, msg, body, ret);
    case TG_RTMP_DATA_AMF0:
    case TG_RTMP_DATA_AMF3:
        return on_data(s, body, ret);
    case TG_RTMP_USER_CONTROL:
        return on_user_control(s, body);
    case TG_RTMP_WINDOW_ACK_SIZE:
        return on_window(s, body);
    default:
        return TG_ERR_AGAIN;
    }
}

static tg_err acknowledge(struct tg_rtmp_session *s)
{
    if (s->reader.bytes - s->acked < s->ack_window)
        return TG_OK;
    s->acked = s->reader.bytes;
    tg_rtmp_write_ack(&s->out, (uint32_t)s->acked); /* wraps by definition (s5.4.3) */
    return s->out.err;
}

static tg_err step(struct tg_rtmp_session *s, struct tg_rtmp_event *ret)
{
    struct tg_rtmp_msg msg;
    tg_err err;

    if (s->phase == TG_RTMP_HANDSHAKE) {
        err = tg_rtmp_handshake_input(&s->handshake, &s->in, s->rng, &s->out);
        if (err != TG_OK)
            return err;
        s->phase = TG_RTMP_CONNECT;
    }
    do {
        err = tg_rtmp_reader_next(&s->reader, &s->in, &msg);
        if (err != TG_OK)
            return err;
        err = acknowledge(s);
        if (err != TG_OK)
            return err;
        err = on_message(s, &msg, ret);
    } while (err == TG_ERR_AGAIN && s->phase != TG_RTMP_OVER);
    return err;
}

tg_err tg_rtmp_session_next(struct tg_rtmp_session *s, struct tg_rtmp_event *ret)
{
    tg_err err = TG_ERR_AGAIN;

    TG_ASSERT(s->phase != TG_RTMP_ASKED);
    if (s->phase != TG_RTMP_OVER)
        err = step(s, ret);
    if (err != TG_OK) { /* nothing of this input is used any more */
        s->in = tg_rd(NULL, 0);
        if (err != TG_ERR_AGAIN)
            s->phase = TG_RTMP_OVER;
    }
    return err;
}

tg_err tg_rtmp_session_accept(struct tg_rtmp_session *s)
{
    TG_ASSERT(s->phase == TG_RTMP_ASKED);
    s->phase = TG_RTMP_PUBLISHING;
    tg_rtmp_write_user_control(&s->out, STREAM_BEGIN, s->stream_id);
    tg_rtmp_write_status(&s->out, s->stream_id, "status", "NetStream.Publish.Start",
                         "You are on air.");
    return s->out.err;
}

void tg_rtmp_session_refuse(struct tg_rtmp_session *s, enum tg_rtmp_refusal why, const char *text)
{
    static const char *const codes[] = {
        [TG_RTMP_BAD_NAME] = "NetStream.Publish.BadName",
        [TG_RTMP_DENIED] = "NetStream.Publish.Denied",
        [TG_RTMP_BAD_CODEC] = "NetStream.Publish.Rejected",
        [TG_RTMP_TAKEN_OVER] = "NetStream.Publish.BadName",
        [TG_RTMP_SHUTTING_DOWN] = "NetConnection.Connect.Closed",
    };

    TG_ASSERT(s->phase >= TG_RTMP_ASKED);
    s->phase = TG_RTMP_OVER;
    s->in = tg_rd(NULL, 0);
    tg_rtmp_write_status(&s->out, s->stream_id, "error", codes[why], text);
}
