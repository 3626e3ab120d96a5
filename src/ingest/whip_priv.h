/*
 * whip_priv.h - shared between the handler (whip.c), offers (whip_offer.c), one session
 * (whip_session.c), its media (whip_media.c) and its figures (whip_meter.c). A worker and its
 * sessions belong to one rtc worker's thread; struct tg_whip is read-only but for the counts.
 */
#ifndef TG_INGEST_WHIP_PRIV_H
#define TG_INGEST_WHIP_PRIV_H

#include <stdatomic.h>

#include "ingest/layers.h"
#include "ingest/rtp_clock.h"
#include "ingest/uplink_health.h"
#include "ingest/whip.h"
#include "rtc/receiver.h"

/* --- whip_media.c: frames become access units --------------------------------------------------
 */

struct tg_whip_media {
    const struct tg_source_ops *ops;
    struct tg_source_info info;
    struct tg_source *source; /* NULL = not opened yet */
    tg_us epoch_us;
    struct tg_rtp_clock clock;
    struct tg_layers layers;
    bool has_video;
    bool vp8;
    uint32_t key_wishes; /* encodings (1 << index) of which the show wants a keyframe */
    tg_us audio_since;   /* first audio; 0 = none yet */
    tg_us layer_out[TG_WHIP_RIDS_MAX];
    struct tg_slab *params[TG_WHIP_RIDS_MAX]; /* H.264: the encoding's avcC, NULL = none came */
    struct tg_slab *told[TG_WHIP_RIDS_MAX];   /* ... and what the layer was given */
    uint64_t frames;                          /* given to the show */
    uint32_t best_frames; /* of the best encoding that flows, since the meter took it */
};

/* Texts of info are copied; ops is borrowed. */
void tg_whip_media_init(struct tg_whip_media *m, const struct tg_source_ops *ops,
                        const struct tg_source_info *info, const struct tg_sdp_whip *pick,
                        tg_us epoch_us);
void tg_whip_media_done(struct tg_whip_media *m);
/*
 * One FRAME of the receiver. OK also when it was dropped (counted). CLOSED: another publisher has
 * the show. UNSUPPORTED: *reterr_reason tells the host why. NOTFOUND, LIMIT, NOMEM: the show did
 * not open.
 */
TG_MUST_CHECK tg_err tg_whip_media_frame(struct tg_whip_media *m, const struct tg_receiver_out *out,
                                         tg_us now, const char **reterr_reason);
/* Asks the show; errors as ops.poll. */
TG_MUST_CHECK tg_err tg_whip_media_poll(struct tg_whip_media *m, const char **reterr_reason);

/* --- whip_meter.c: once a second ----------------------------------------------------------------
 */

struct tg_whip_meter {
    struct tg_uplink_health health;
    struct tg_receiver_stats last[TG_RECEIVER_STREAMS];
    tg_us since;
};

void tg_whip_meter_init(struct tg_whip_meter *meter, tg_us now);
/* What happened since the last call; metrics are counted on the way. */
struct tg_live_uplink tg_whip_meter_take(struct tg_whip_meter *meter, struct tg_receiver *receiver,
                                         struct tg_whip_media *media, tg_us now);

/* --- sessions -----------------------------------------------------------------------------------
 */

struct tg_whip_session {
    struct tg_whip_session *next; /* in the worker's list */
    struct tg_whip_session *prev;
    struct tg_whip_worker *worker;
    struct tg_rtc_session *rtc;
    struct tg_receiver *receiver;
    struct tg_whip_media media;
    struct tg_whip_meter meter;
    char token[24];
    bool ending;    /* tg_rtc_close was called */
    tg_us heard_at; /* last packet that belongs to a stream; at first: connected */
    tg_us poll_at;
    tg_us second_at;
    tg_us recheck_at;
    tg_us asked_at[TG_WHIP_RIDS_MAX]; /* when a keyframe was asked for to fill a layer */
};

struct tg_whip_worker {
    struct tg_whip *whip;
    unsigned index;
    unsigned ordinal; /* of the last publisher's name */
    struct tg_rtc_handler handler;
    struct tg_rtc_worker *rtc;
    struct tg_sdp *offer; /* scratch */
    struct tg_whip_session *sessions;
};

struct tg_whip {
    struct tg_whip_cfg cfg;
    atomic_uint publishers;
    atomic_uint of_show[TG_SHOWS_MAX]; /* ... of each show */
    struct tg_whip_worker workers[];
};

/* whip_offer.c: makes a session and answers, or refuses. */
void tg_whip_offer(struct tg_whip_worker *w, const struct tg_rtc_req *req, tg_us now);

/* whip_session.c */
TG_MUST_CHECK tg_err tg_whip_session_new(struct tg_whip_session **ret, struct tg_whip_worker *w,
                                         const struct tg_rtc_req *req,
                                         const struct tg_sdp_whip *pick, tg_us now);
/* Closes the source. */
void tg_whip_session_free(struct tg_whip_session *s);
void tg_whip_session_connected(struct tg_whip_session *s, tg_us now);
void tg_whip_session_rtp(struct tg_whip_session *s, struct tg_span packet, tg_us now);
void tg_whip_session_rtcp(struct tg_whip_session *s, struct tg_span packet, tg_us now);
/* What is due. */
void tg_whip_session_turn(struct tg_whip_session *s, tg_us now);
tg_us tg_whip_session_deadline(const struct tg_whip_session *s);

#endif
