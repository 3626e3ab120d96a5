/*
 * rtmp_session.h - one RTMP publisher as the server sees it, from the handshake to the last tag.
 * Pure. Specs: Adobe RTMP 1.0 s5.2 (handshake), s5.4 (control), s7.2 (commands); AMF0. Playing,
 * shared objects, aggregate messages and AMF3 values are not served.
 *
 *     client                                     server
 *     C0 C1                                      S0 S1 S2
 *     C2, connect(app)                           window, bandwidth, chunk size, _result
 *     releaseStream, FCPublish, createStream     _result(1)
 *     publish(key)              event PUBLISH -> accept: onStatus Publish.Start | refuse: onStatus
 *     @setDataFrame, audio, video                events META, AUDIO, VIDEO
 *     FCUnpublish, deleteStream                  event CLOSED
 *
 * Feed bytes with input, then call next until it answers AGAIN; send what stands in output. A
 * peer's text is kept as it came: check it before use.
 */
#ifndef TG_PROTO_RTMP_SESSION_H
#define TG_PROTO_RTMP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/rng.h"

enum tg_rtmp_event_kind {
    TG_RTMP_EV_PUBLISH, /* answer with accept or refuse before the next call */
    TG_RTMP_EV_META,
    TG_RTMP_EV_AUDIO, /* body = FLV tag body (flv.h); only after accept */
    TG_RTMP_EV_VIDEO,
    TG_RTMP_EV_CLOSED /* the publisher ended its stream */
};

/* onMetaData as far as it is of use; 0 or "" = not told. Claims of the encoder, nothing more. */
struct tg_rtmp_meta {
    uint32_t width;
    uint32_t height;
    uint32_t fps_milli;
    uint32_t video_kbps;
    uint32_t audio_kbps;
    char encoder[64]; /* printable UTF-8 */
};

struct tg_rtmp_event {
    enum tg_rtmp_event_kind kind;
    const char *app; /* PUBLISH: NUL-terminated, until the next call */
    const char *key; /* PUBLISH: what the encoder calls the stream key */
    const struct tg_rtmp_meta *meta;
    uint32_t timestamp; /* ms, wraps: AUDIO, VIDEO */
    struct tg_span body;
};

struct tg_rtmp_session;

/* rng must outlive the session. Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_rtmp_session_new(struct tg_rtmp_session **ret, struct tg_rng *rng);
void tg_rtmp_session_free(struct tg_rtmp_session *s);
/* Borrowed until next has answered AGAIN (or an error). */
void tg_rtmp_session_input(struct tg_rtmp_session *s, const void *data, size_t len);
/*
 * OK: *ret. AGAIN: the input is used up. Any other answer ends the connection: UNSUPPORTED (not
 * RTMP, or a version we do not speak), MALFORMED, TRUNCATED, LIMIT, NOMEM.
 */
TG_MUST_CHECK tg_err tg_rtmp_session_next(struct tg_rtmp_session *s, struct tg_rtmp_event *ret);
/* Bytes to send; tg_buf_consume what was sent. */
struct tg_buf *tg_rtmp_session_output(struct tg_rtmp_session *s);

/* After PUBLISH. Errors: LIMIT, NOMEM (output). */
TG_MUST_CHECK tg_err tg_rtmp_session_accept(struct tg_rtmp_session *s);

enum tg_rtmp_refusal {
    TG_RTMP_BAD_NAME,     /* NetStream.Publish.BadName: no such show, or key */
    TG_RTMP_DENIED,       /* NetStream.Publish.Denied: key is right, but not now */
    TG_RTMP_BAD_CODEC,    /* NetStream.Publish.Rejected: what is sent cannot be used */
    TG_RTMP_TAKEN_OVER,   /* NetStream.Publish.BadName: another publisher has the show */
    TG_RTMP_SHUTTING_DOWN /* NetConnection.Connect.Closed */
};
/*
 * Tell the publisher why it is over, in plain words, at any time after PUBLISH; no events follow.
 * The caller sends the output and closes. Best effort when the output is full.
 */
void tg_rtmp_session_refuse(struct tg_rtmp_session *s, enum tg_rtmp_refusal why, const char *text);

enum tg_rtmp_phase {
    TG_RTMP_HANDSHAKE,
    TG_RTMP_CONNECT,    /* waits for connect */
    TG_RTMP_CONNECTED,  /* waits for publish */
    TG_RTMP_ASKED,      /* PUBLISH waits for accept or refuse */
    TG_RTMP_PUBLISHING, /* media flows */
    TG_RTMP_OVER
};
enum tg_rtmp_phase tg_rtmp_session_phase(const struct tg_rtmp_session *s);

#endif
