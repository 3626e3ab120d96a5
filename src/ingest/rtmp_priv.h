/*
 * rtmp_priv.h - shared between the listener (rtmp.c), one connection (rtmp_conn.c), what it
 * publishes (rtmp_media.c) and its figures (rtmp_meter.c). All of it runs on the rtmp thread.
 */
#ifndef TG_INGEST_RTMP_PRIV_H
#define TG_INGEST_RTMP_PRIV_H

#include "base/limits.h"
#include "base/rng.h"
#include "base/thread.h"
#include "ingest/clock_map.h"
#include "ingest/failures.h"
#include "ingest/rtmp.h"
#include "ingest/stream_key.h"
#include "ingest/uplink_health.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "proto/rtmp_session.h"

struct tg_rtmp_conn;

struct tg_rtmp {
    struct tg_rtmp_cfg cfg;
    struct tg_loop *loop;
    struct tg_tcp_listener *listener;
    struct tg_thread *thread;
    struct tg_rng rng;
    struct tg_failures failures;
    unsigned ordinal; /* of the last session, for the log */
    unsigned conn_count;
    struct tg_rtmp_conn *conns[TG_RTMP_SESSIONS_MAX];
};

/* One second of a line, for tg_live_uplink. */
struct tg_rtmp_meter {
    struct tg_uplink_health health;
    tg_us since;
    struct tg_rtmp_meter_track {
        bool started;
        uint64_t bytes; /* this second */
        uint32_t frames;
        uint32_t ts_ms; /* of the last tag */
        tg_us arrival;
        tg_us jitter_us;
    } tracks[TG_TRACK_COUNT];
};

/* What one publisher sends, from accept on. */
struct tg_rtmp_media {
    const struct tg_rtmp_cfg *cfg;
    struct tg_source *source; /* NULL = not publishing */
    uint16_t show;
    char publisher[TG_PUBLISHER_SIZE];
    tg_us epoch_us;
    struct tg_clock_map map;
    struct tg_rtmp_meter meter;
    uint16_t width; /* by the set-up data; 0 = not known */
    uint16_t height;
    uint8_t nal_len_size; /* 0 = no H.264 set-up yet */
    bool may_reorder;
    bool wait_key; /* video is dropped until the next IDR */
    bool cts_seen;
    int32_t cts_ms; /* of the first frame; another value means reordered frames */
    bool aac_ready;
    uint64_t frames;
};

void tg_rtmp_meter_init(struct tg_rtmp_meter *meter, tg_us now);
/* One frame's bytes. */
void tg_rtmp_meter_tag(struct tg_rtmp_meter *meter, enum tg_track track, size_t bytes,
                       uint32_t ts_ms, tg_us now);
/* What happened since the last call. */
struct tg_live_uplink tg_rtmp_meter_take(struct tg_rtmp_meter *meter,
                                         const struct tg_rtmp_media *media, tg_us now);

/* The publisher's name becomes "r-<ordinal>". Errors of ops.open. */
TG_MUST_CHECK tg_err tg_rtmp_media_open(struct tg_rtmp_media *m, const struct tg_rtmp_cfg *cfg,
                                        uint16_t show, tg_us epoch_us, unsigned ordinal, tg_us now);
/* Not being open is legal. */
void tg_rtmp_media_close(struct tg_rtmp_media *m);
/*
 * One AUDIO or VIDEO event. OK also when the frame was dropped (counted). CLOSED: another publisher
 * has the show. UNSUPPORTED: *reterr_reason tells the host why, static text.
 */
TG_MUST_CHECK tg_err tg_rtmp_media_input(struct tg_rtmp_media *m, const struct tg_rtmp_event *ev,
                                         tg_us now, const char **reterr_reason);

/* The descriptor is taken in every case. */
void tg_rtmp_conn_accept(struct tg_rtmp *rtmp, int take_fd, const struct tg_addr *from, tg_us now);
/* Server stop: tell the encoder, close, free. */
void tg_rtmp_conn_end(struct tg_rtmp_conn *c);
bool tg_rtmp_conn_is_from(const struct tg_rtmp_conn *c, const struct tg_addr *from);

#endif
