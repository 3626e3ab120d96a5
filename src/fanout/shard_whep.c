/* A WHEP offer becomes a session with a viewer, or a clear refusal. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "base/str.h"
#include "fanout/fanout_priv.h"
#include "proto/sdp.h"

struct offer {
    struct tg_fanout_show *show;
    struct tg_sdp_whep pick;
    struct tg_sdp_local local;
    struct tg_viewer_cfg viewer;
    struct tg_admission_answer room;
};

/* What can be said without reading the offer. */
static tg_err offer_check(struct tg_shard *s, const struct tg_rtc_req *req, struct offer *o,
                          const char **reterr_reason)
{
    o->show = tg_fanout_show_get(s->fanout, req->show);
    if (o->show == NULL) {
        *reterr_reason = "there is no such show";
        return TG_ERR_NOTFOUND;
    }
    if (s->rehearsing[req->show] && !req->staff) {
        *reterr_reason = "This show is being rehearsed. It starts soon.";
        return TG_ERR_AUTH;
    }
    if (req->sdp == NULL || req->sdp->len == 0 || req->sdp->len > TG_SDP_MAX) {
        *reterr_reason = "the request has no session description";
        return TG_ERR_MALFORMED;
    }
    return TG_OK;
}

static tg_err offer_read(struct tg_shard *s, const struct tg_rtc_req *req, struct offer *o,
                         const char **reterr_reason)
{
    tg_err err = tg_sdp_parse(s->offer, (const char *)req->sdp->data, req->sdp->len, reterr_reason);

    if (err == TG_ERR_LIMIT)
        return TG_ERR_MALFORMED; /* LIMIT would read as "come back later" */
    return err != TG_OK ? err : tg_sdp_whep_pick(&o->pick, s->offer, reterr_reason);
}

/* Nonzero and different from the others (video, rtx, audio are few). */
static uint32_t ssrc_make(struct tg_rng *rng, uint32_t other1, uint32_t other2)
{
    uint32_t ssrc;

    do
        ssrc = tg_rng_u32(rng);
    while (ssrc == 0 || ssrc == other1 || ssrc == other2);
    return ssrc;
}

/* pt -1 = the answer does not carry it. */
static struct tg_viewer_codec codec_make(enum tg_codec codec, int16_t pt, int16_t rtx_pt)
{
    return (struct tg_viewer_codec){
        .codec = (uint8_t)(pt >= 0 ? codec : TG_CODEC_NONE), .pt = (uint8_t)pt, .rtx_pt = rtx_pt};
}

static struct tg_viewer_track_cfg track_make(struct tg_rng *rng, const struct tg_sdp_track *t)
{
    return (struct tg_viewer_track_cfg){
        .on = t->media >= 0,
        .ext_playout_delay = t->ext_playout_delay,
        .ext_abs_capture_time = t->ext_abs_capture_time,
        .ext_twcc = t->ext_twcc,
        .seq_first = (uint16_t)(tg_rng_u32(rng) & 0x7fff),
        .rtx_seq_first = (uint16_t)(tg_rng_u32(rng) & 0x7fff),
    };
}

static void offer_plan(struct tg_shard *s, struct offer *o)
{
    struct tg_rng *rng = tg_rtc_rng(atomic_load_explicit(&s->worker, memory_order_relaxed));
    struct tg_viewer_track_cfg *video = &o->viewer.tracks[TG_TRACK_VIDEO];
    struct tg_viewer_track_cfg *audio = &o->viewer.tracks[TG_TRACK_AUDIO];
    uint8_t name[(TG_VIEWER_CNAME_SIZE - 1) * 3 / 4];

    tg_rng_bytes(rng, name, sizeof(name));
    tg_b64url_encode(o->viewer.cname, sizeof(o->viewer.cname), name, sizeof(name));
    *video = track_make(rng, &o->pick.video);
    video->codecs[0] = codec_make(TG_CODEC_H264, o->pick.video.pt, o->pick.video.rtx_pt);
    video->codecs[1] = codec_make(TG_CODEC_VP8, o->pick.video.vp8_pt, o->pick.video.vp8_rtx_pt);
    *audio = track_make(rng, &o->pick.audio);
    /* The answer offers RTX for video only. */
    audio->codecs[0] = codec_make(TG_CODEC_OPUS, o->pick.audio.pt, -1);
    video->ssrc = ssrc_make(rng, 0, 0);
    video->rtx_ssrc = ssrc_make(rng, video->ssrc, 0);
    audio->ssrc = ssrc_make(rng, video->ssrc, video->rtx_ssrc);
    o->viewer.epoch_us = o->show->epoch_us;
    o->viewer.wall_offset_us = s->fanout->wall_offset_us;
    o->viewer.pace_bps = s->fanout->cfg.pace_bps;
    o->viewer.best_allowed = o->room.grant.best;
    o->local.video_ssrc = video->ssrc;
    o->local.rtx_ssrc = video->rtx_ssrc;
    o->local.audio_ssrc = audio->ssrc;
    o->local.cname = o->viewer.cname;
    o->local.stream_id = "torg";
}

static tg_err viewer_open(struct tg_shard *s, struct offer *o, bool staff, tg_us now,
                          struct tg_rtc_session **ret)
{
    struct tg_shard_viewer *v = tg_calloc(1, sizeof(*v));
    const struct tg_rtc_open open = {
        .remote_ufrag = o->pick.ice_ufrag,
        .remote_pwd = o->pick.ice_pwd,
        .remote_sha256 = o->pick.fingerprint,
        .show = o->show->ordinal,
        .user = v,
    };

    if (v == NULL)
        return TG_ERR_NOMEM;
    v->staff = staff;
    tg_viewer_init(&v->core, &o->viewer);
    tg_err err = tg_shard_join(s, o->show, v);

    if (err != TG_OK) {
        tg_free(v);
        return err;
    }
    err = tg_rtc_open(atomic_load_explicit(&s->worker, memory_order_relaxed), &s->handler, &open,
                      now, &v->session);
    if (err != TG_OK) {
        tg_shard_leave(s, v);
        return err;
    }
    tg_guard_took(s, v, &o->room.grant);
    o->room.grant.given = false; /* it is the viewer's, who gives it back */
    *ret = v->session;
    return TG_OK;
}

static tg_err offer_accept(struct tg_shard *s, const struct tg_rtc_req *req, struct offer *o,
                           tg_us now)
{
    struct tg_rtc_worker *w = atomic_load_explicit(&s->worker, memory_order_relaxed);
    struct tg_rtc_session *session = NULL;
    struct tg_buf answer;

    offer_plan(s, o);
    tg_err err = viewer_open(s, o, req->staff, now, &session);

    if (err != TG_OK)
        return err;
    tg_buf_init(&answer, TG_SDP_MAX);
    tg_rtc_local(w, session, &o->local);
    err = tg_sdp_write_whep_answer(&answer, s->offer, &o->pick, &o->local);
    if (err == TG_OK)
        tg_rtc_reply(req, TG_OK, NULL, session, &answer);
    else
        tg_rtc_close(w, session, now); /* on_closed frees the viewer */
    tg_buf_done(&answer);
    return err;
}

static void reply_wait(const struct tg_rtc_req *req, const struct tg_admission_answer *room)
{
    char detail[128] = "There is no room now, and the waiting room is full too.";

    if (room->position > 0)
        tg_str_printf(detail, sizeof(detail), "There is no room now. You are number %u in line.",
                      room->position);
    tg_rtc_reply_wait(req, detail, room->position, room->retry_s, room->ticket);
}

/* The one who asks has room: o->room.grant, which is given back or passed on. */
static tg_err offer_admit(struct tg_shard *s, const struct tg_rtc_req *req, struct offer *o,
                          tg_us now, const char **reterr_reason)
{
    tg_err err = offer_read(s, req, o, reterr_reason);

    if (err == TG_OK) {
        err = offer_accept(s, req, o, now);
        /* Out of memory, too many handshakes, a library that refused: all of them pass. */
        if (err != TG_OK && err != TG_ERR_MALFORMED) {
            tg_guard_undo(s, &o->room.grant, now, &o->room);
            return TG_ERR_LIMIT;
        }
    }
    tg_guard_drop(s, &o->room.grant); /* passed on: nothing to give back */
    return err;
}

void tg_shard_offer(struct tg_shard *s, const struct tg_rtc_req *req, tg_us now)
{
    struct offer o = {0};
    const char *reason = NULL;
    tg_err err = offer_check(s, req, &o, &reason);

    if (err == TG_OK) {
        tg_guard_ask(s, req, now, s->viewer_count >= TG_VIEWERS_MAX, &o.room);
        if (!o.room.admitted) {
            reply_wait(req, &o.room);
            return;
        }
        err = offer_admit(s, req, &o, now, &reason);
    }
    if (err == TG_OK) {
        TG_COUNT(fanout_joins_total);
        return;
    }
    TG_COUNT(fanout_joins_refused_total);
    if (err == TG_ERR_LIMIT)
        reply_wait(req, &o.room);
    else
        tg_rtc_reply(req, err, reason, NULL, NULL);
}
