/*
 * test_fanout.c - the fan-out on a real rtc worker over loopback: offers, media, feedback, ends.
 * The player is a tg_peer of our own; waiting is always for a datagram, with a deadline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "base/str.h"
#include "fanout/fanout.h"
#include "net/udp.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

enum { SHOW = 3, PAYLOAD = 1000 };

struct world {
    struct tg_fanout *fanout;
    struct tg_rtc_worker *worker;
    struct tg_mailbox *replies;
    struct tg_rng rng;
    tg_us epoch_us;
    uint32_t generation;
    enum tg_codec codec; /* of the video */
    atomic_uint keys_asked;
    atomic_uint viewers;
};

struct player {
    struct tg_dtls_ctx *dtls;
    struct tg_peer *peer;
    struct tg_udp *udp;
    char ufrag[TG_ICE_LOCAL_UFRAG + 1];
    char pwd[TG_ICE_LOCAL_PWD + 1];
    char session[TG_RTC_SESSION_SIZE];
    bool connected;
    bool closed;
    unsigned video;
    unsigned rtx; /* of H.264 */
    unsigned vp8; /* of `video` */
    unsigned vp8_rtx;
    unsigned audio;
    unsigned reports;
    unsigned gaps;
    uint32_t video_ssrc;
    uint16_t video_seq;
    uint32_t first_ts;
    uint32_t last_ts;
};

static void on_key(void *ctx, uint16_t show, unsigned layer)
{
    (void)layer;
    struct world *w = ctx;

    TG_ASSERT(show == SHOW);
    atomic_fetch_add(&w->keys_asked, 1);
}

static void on_viewers(void *ctx, uint16_t show, uint32_t count)
{
    struct world *w = ctx;

    TG_ASSERT(show == SHOW);
    atomic_store(&w->viewers, count);
}

static void world_start_limited(struct world *w, uint64_t egress_bps)
{
    const struct tg_fanout_cfg cfg = {.workers = 1,
                                      .ctx = w,
                                      .request_keyframe = on_key,
                                      .viewers = on_viewers,
                                      .waiting_max = 2,
                                      .guess_bps = 1000 * 1000,
                                      .limits = {.egress_bps = egress_bps}};
    struct tg_rtc_worker_cfg worker = {.listen = tg_addr_v4(127, 0, 0, 1, 0), .handler_count = 1};

    memset(w, 0, sizeof(*w));
    w->rng = tg_rng_os();
    w->generation = 1;
    w->codec = TG_CODEC_H264;
    w->epoch_us = tg_clock_mono() - 100 * (tg_us)TG_US_PER_S;
    assert_int_equal(tg_fanout_new(&w->fanout, &cfg), TG_OK);
    worker.handlers[0] = tg_fanout_handler(w->fanout, 0);
    assert_int_equal(tg_rtc_worker_start(&w->worker, &worker), TG_OK);
    assert_int_equal(tg_mailbox_new(&w->replies, 64, tg_msg_free), TG_OK);
    assert_int_equal(tg_fanout_show_add(w->fanout, SHOW, w->epoch_us), TG_OK);
    assert_int_equal(tg_fanout_show_add(w->fanout, SHOW, w->epoch_us), TG_ERR_CONFLICT);
    assert_int_equal(tg_fanout_show_add(w->fanout, TG_SHOWS_MAX, 0), TG_ERR_LIMIT);
}

static void world_start(struct world *w)
{
    world_start_limited(w, 0);
}

static void world_stop(struct world *w)
{
    tg_rtc_worker_stop(w->worker);
    assert_int_equal(atomic_load(&w->viewers), 0);
    tg_fanout_free(w->fanout);
    tg_mailbox_free(w->replies);
}

static void emit_layer(struct world *w, enum tg_track track, unsigned layer, size_t packets,
                       bool key)
{
    struct tg_frame *f = tg_frame_new(packets, packets * PAYLOAD);

    assert_non_null(f);
    f->show = SHOW;
    f->track = (uint8_t)track;
    f->layer = (uint8_t)layer;
    f->codec = (uint8_t)(track == TG_TRACK_VIDEO ? w->codec : TG_CODEC_OPUS);
    f->flags = key ? TG_FRAME_KEY : 0;
    f->generation = w->generation;
    f->media_us = tg_clock_mono() - w->epoch_us;
    f->rtp_ts = tg_media_to_rtp(f->media_us, track);
    f->bytes_len = (uint32_t)(packets * PAYLOAD);
    for (size_t i = 0; i < packets; i++)
        f->packets[i] = (struct tg_frame_packet){
            .offset = (uint32_t)(i * PAYLOAD), .len = PAYLOAD, .marker = i + 1 == packets};
    tg_fanout_emit(w->fanout, f);
}

static void emit(struct world *w, enum tg_track track, size_t packets, bool key)
{
    emit_layer(w, track, 0, packets, key);
}

static struct tg_rtc_reply *ask_req(struct world *w, struct tg_rtc_req *req,
                                    const struct tg_buf *sdp)
{
    void *reply = NULL;

    req->conn.mb = w->replies;
    if (sdp != NULL) {
        req->sdp = tg_slab_copy(sdp->data, sdp->len);
        assert_non_null(req->sdp);
    }
    assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(w->worker), req), TG_OK);
    tg_mailbox_wait(w->replies, 5 * (tg_us)TG_US_PER_S);
    assert_int_equal(tg_mailbox_take(w->replies, &reply, 1), 1);
    return reply;
}

static struct tg_rtc_reply *ask_as(struct world *w, enum tg_rtc_what what, uint16_t show,
                                   const char *session, const struct tg_buf *sdp, bool staff)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->show = show;
    req->staff = staff;
    if (session != NULL)
        memcpy(req->session, session, sizeof(req->session));
    return ask_req(w, req, sdp);
}

static struct tg_rtc_reply *ask(struct world *w, enum tg_rtc_what what, uint16_t show,
                                const char *session, const struct tg_buf *sdp)
{
    return ask_as(w, what, show, session, sdp, false);
}

static void rehearse(struct world *w, uint16_t show, bool on)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = TG_RTC_REHEARSE;
    req->show = show;
    req->on = on;
    assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(w->worker), req), TG_OK);
}

static void player_answer(struct player *p, struct world *w, const struct tg_rtc_reply *reply)
{
    static struct tg_sdp sdp; /* 45 KB */
    const char *reason = NULL;
    struct tg_peer_cfg cfg = {.client = true,
                              .receives = true,
                              .local_ufrag = p->ufrag,
                              .local_pwd = p->pwd,
                              .dtls_ctx = p->dtls,
                              .rng = &w->rng};
    const struct tg_addr server = tg_rtc_worker_addr(w->worker);

    assert_int_equal(tg_sdp_parse(&sdp, (const char *)reply->sdp->data, reply->sdp->len, &reason),
                     TG_OK);
    assert_int_equal(sdp.media_count, 2);
    cfg.remote_ufrag = sdp.media[0].ice_ufrag;
    cfg.remote_pwd = sdp.media[0].ice_pwd;
    memcpy(cfg.remote_sha256, sdp.media[0].fingerprint, sizeof(cfg.remote_sha256));
    p->video_ssrc = sdp.media[1].pairs[0].media;
    assert_int_not_equal(p->video_ssrc, 0);
    memcpy(p->session, reply->session, sizeof(p->session));
    assert_int_equal(tg_peer_new(&p->peer, &cfg, tg_clock_mono()), TG_OK);
    tg_peer_connect(p->peer, tg_clock_mono(), &server);
}

static void player_offer(struct player *p, struct world *w, struct tg_buf *out)
{
    const struct tg_addr any = tg_addr_v4(127, 0, 0, 1, 0);
    struct tg_sdp_local local = {.ice_ufrag = p->ufrag, .ice_pwd = p->pwd, .session_id = 1};

    memset(p, 0, sizeof(*p));
    tg_ice_credentials(&w->rng, p->ufrag, p->pwd);
    assert_int_equal(tg_dtls_ctx_new(&p->dtls), TG_OK);
    assert_int_equal(tg_udp_new(&p->udp, &any), TG_OK);
    memcpy(local.fingerprint, tg_dtls_ctx_fingerprint(p->dtls), sizeof(local.fingerprint));
    tg_buf_init(out, TG_SDP_MAX);
    assert_int_equal(tg_sdp_write_whep_offer(out, &local), TG_OK);
}

static void player_join_with(struct player *p, struct world *w, struct tg_buf *take_offer,
                             bool staff)
{
    struct tg_rtc_reply *reply = ask_as(w, TG_RTC_WHEP_OFFER, SHOW, NULL, take_offer, staff);

    assert_int_equal(reply->err, TG_OK);
    assert_true(strncmp(reply->session, "0.", 2) == 0);
    assert_int_equal(strlen(reply->session), 24);
    assert_true(reply->etag[0] != '\0');
    player_answer(p, w, reply);
    tg_msg_free(reply);
    tg_buf_done(take_offer);
}

static void player_join_as(struct player *p, struct world *w, bool staff)
{
    struct tg_buf offer;

    player_offer(p, w, &offer);
    player_join_with(p, w, &offer, staff);
}

/* As a browser's: H.264 (102, RTX 103) and VP8 (96, RTX 97). */
static void player_join_both(struct player *p, struct world *w)
{
    static const char types[] = "SAVPF 102 103";
    struct tg_buf offer;
    struct tg_buf both;

    player_offer(p, w, &offer);
    const char *text = tg_buf_cstr(&offer);
    const char *at = strstr(text, types);

    assert_non_null(at);
    at += strlen(types);
    tg_buf_init(&both, TG_SDP_MAX);
    tg_buf_add(&both, text, (size_t)(at - text));
    tg_buf_add_str(&both, " 96 97");
    tg_buf_add_str(&both, at); /* the video is the last m-line */
    tg_buf_add_str(&both, "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
                          "a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\n"
                          "a=fmtp:97 apt=96\r\n");
    assert_int_equal(both.err, TG_OK);
    tg_buf_done(&offer);
    player_join_with(p, w, &both, false);
}

static void player_join(struct player *p, struct world *w)
{
    player_join_as(p, w, false);
}

static void player_done(struct player *p)
{
    tg_peer_free(p->peer);
    tg_udp_free(p->udp);
    tg_dtls_ctx_free(p->dtls);
}

static void on_media(struct player *p, struct tg_span bytes)
{
    struct tg_rtp rtp;

    assert_int_equal(tg_rtp_parse(&rtp, bytes.data, bytes.len), TG_OK);
    if (rtp.pt == 111) {
        p->audio++;
        return;
    }
    if (rtp.pt == 103) {
        p->rtx++;
        return;
    }
    if (rtp.pt == 97) {
        p->vp8_rtx++;
        return;
    }
    assert_true(rtp.pt == 102 || rtp.pt == 96);
    p->vp8 += rtp.pt == 96;
    assert_int_equal(rtp.ssrc, p->video_ssrc);
    if (p->video == 0)
        p->first_ts = rtp.ts;
    else if (rtp.seq != (uint16_t)(p->video_seq + 1))
        p->gaps++;
    p->video_seq = rtp.seq;
    p->last_ts = rtp.ts;
    p->video++;
}

static void player_drain(struct player *p)
{
    struct tg_peer_out out;

    while (tg_peer_poll(p->peer, &out)) {
        if (out.kind == TG_PEER_OUT_SEND)
            (void)tg_udp_send(p->udp, &out.addr, out.bytes.data, out.bytes.len);
        else if (out.kind == TG_PEER_OUT_RTP)
            on_media(p, out.bytes);
        else if (out.kind == TG_PEER_OUT_RTCP)
            p->reports++;
        else if (out.kind == TG_PEER_OUT_CONNECTED)
            p->connected = true;
        else if (out.kind == TG_PEER_OUT_CLOSED)
            p->closed = true;
    }
    (void)tg_udp_flush(p->udp);
}

/* What came within 10 ms. */
static void player_turn(struct player *p)
{
    const struct tg_udp_packet *packets = NULL;
    struct pollfd fd = {.fd = tg_udp_fd(p->udp), .events = POLLIN};

    player_drain(p);
    (void)poll(&fd, 1, 10);
    tg_us now = tg_clock_mono();
    size_t count = tg_udp_receive(p->udp, &packets);

    for (size_t i = 0; i < count; i++) {
        (void)tg_peer_input(p->peer, now, &packets[i].from, packets[i].bytes, packets[i].len);
        player_drain(p);
    }
    tg_peer_tick(p->peer, now);
    player_drain(p);
}

/* Runs the player until *what is at least n, for at most 5 s. */
static void player_until(struct player *p, const unsigned *what, unsigned n)
{
    const tg_us end = tg_clock_mono() + 5 * (tg_us)TG_US_PER_S;

    while (*what < n && !p->closed && tg_clock_mono() < end)
        player_turn(p);
    assert_true(*what >= n);
}

static void player_until_closed(struct player *p)
{
    const tg_us end = tg_clock_mono() + 5 * (tg_us)TG_US_PER_S;

    while (!p->closed && tg_clock_mono() < end)
        player_turn(p);
    assert_true(p->closed);
}

static void player_rtcp(struct player *p, const struct tg_wr *w)
{
    uint32_t aligned[64];
    uint8_t *bytes = (uint8_t *)aligned;
    size_t len = 0;

    assert_false(w->bad);
    memcpy(bytes, w->start, tg_wr_len(w));
    assert_int_equal(
        tg_srtp_tx_protect_rtcp(tg_peer_tx(p->peer), bytes, tg_wr_len(w), sizeof(aligned), &len),
        TG_OK);
    assert_true(tg_udp_send(p->udp, tg_peer_remote(p->peer), bytes, len));
    (void)tg_udp_flush(p->udp);
}

/* Runs the player until the worker's own count says so; the player keeps answering meanwhile. */
static void world_until(struct player *p, const atomic_uint *what, unsigned n)
{
    const tg_us end = tg_clock_mono() + 5 * (tg_us)TG_US_PER_S;

    while (atomic_load(what) != n && tg_clock_mono() < end) {
        struct pollfd fd = {.fd = tg_udp_fd(p->udp), .events = POLLIN};
        const struct tg_udp_packet *packets = NULL;

        (void)poll(&fd, 1, 5);
        size_t count = tg_udp_receive(p->udp, &packets);

        for (size_t i = 0; i < count; i++) {
            (void)tg_peer_input(p->peer, tg_clock_mono(), &packets[i].from, packets[i].bytes,
                                packets[i].len);
            player_drain(p);
        }
    }
    assert_int_equal(atomic_load(what), n);
}

static void test_viewer_gets_cached_picture_then_live(void **state)
{
    struct world w;
    struct player p;

    (void)state;
    world_start(&w);
    emit(&w, TG_TRACK_VIDEO, 100, true); /* above the burst: paced */
    emit(&w, TG_TRACK_VIDEO, 5, false);
    player_join(&p, &w);
    assert_int_equal(atomic_load(&w.viewers), 1);
    player_until(&p, &p.video, 105);
    uint32_t cached = p.first_ts;

    emit(&w, TG_TRACK_VIDEO, 7, false);
    emit(&w, TG_TRACK_AUDIO, 1, false);
    player_until(&p, &p.video, 112);
    player_until(&p, &p.audio, 1);
    player_until(&p, &p.reports, 1);
    assert_int_equal(p.gaps, 0);
    assert_true((int32_t)(p.last_ts - cached) > 0);
    assert_int_equal(atomic_load(&w.keys_asked), 0);
    tg_peer_close(p.peer, tg_clock_mono());
    player_drain(&p);
    world_until(&p, &w.viewers, 0); /* close_notify frees the session at once */
    player_done(&p);
    world_stop(&w);
}

/* Rings that nobody empties fill up, and the first viewer would start from a picture of long ago.
 */
static void test_frames_are_taken_while_nobody_watches(void **state)
{
    const tg_us end = tg_clock_mono() + 5 * (tg_us)TG_US_PER_S;
    const int64_t before = tg_metric_get(TG_M_fanout_frames_in_total);
    const int64_t dropped = tg_metric_get(TG_M_fanout_frames_dropped_total);
    struct world w;

    (void)state;
    world_start(&w);
    for (int i = 0; i < 2 * TG_FRAME_RING; i++) {
        emit(&w, TG_TRACK_VIDEO, 1, i == 0);
        while (i % (TG_FRAME_RING / 2) == 0 && tg_clock_mono() < end &&
               tg_metric_get(TG_M_fanout_frames_in_total) - before <= i)
            (void)poll(NULL, 0, 1);
    }
    assert_true(tg_clock_mono() < end);
    assert_int_equal(tg_metric_get(TG_M_fanout_frames_dropped_total), dropped);
    world_stop(&w);
}

static void test_nack_gives_rtx_and_pli_asks_upstream_once(void **state)
{
    struct world w;
    struct player p;
    uint8_t out[128];
    struct tg_wr wr = tg_wr(out, sizeof(out));

    (void)state;
    world_start(&w);
    emit(&w, TG_TRACK_VIDEO, 10, true);
    player_join(&p, &w);
    player_until(&p, &p.video, 10);
    const uint16_t seqs[2] = {(uint16_t)(p.video_seq - 5), (uint16_t)(p.video_seq - 1)};

    tg_rtcp_write_nack(&wr, 1, p.video_ssrc, seqs, 2);
    player_rtcp(&p, &wr);
    player_until(&p, &p.rtx, 2);
    w.generation++; /* another publisher whose keyframe does not come */
    emit(&w, TG_TRACK_VIDEO, 2, false);
    world_until(&p, &w.keys_asked, 1);
    emit(&w, TG_TRACK_VIDEO, 2, false); /* within 500 ms: remembered, then asked by the clock */
    world_until(&p, &w.keys_asked, 2);
    emit(&w, TG_TRACK_VIDEO, 2, true);
    player_until(&p, &p.video, 12);
    assert_int_equal(p.gaps, 0);
    player_done(&p);
    world_stop(&w);
}

static void test_bye_and_delete_end_sessions(void **state)
{
    struct world w;
    struct player a;
    struct player b;
    uint8_t out[64];
    struct tg_wr wr = tg_wr(out, sizeof(out));
    const uint32_t ssrc = 1;

    (void)state;
    world_start(&w);
    player_join(&a, &w);
    player_join(&b, &w); /* a show without any source is legal */
    assert_int_equal(atomic_load(&w.viewers), 2);
    emit(&w, TG_TRACK_AUDIO, 1, false);
    emit(&w, TG_TRACK_VIDEO, 3, true);
    player_until(&a, &a.video, 3);
    tg_rtcp_write_bye(&wr, &ssrc, 1);
    player_rtcp(&a, &wr);
    world_until(&a, &w.viewers, 1);
    struct tg_rtc_reply *reply = ask(&w, TG_RTC_DELETE, SHOW, b.session, NULL);

    assert_int_equal(reply->err, TG_OK);
    tg_msg_free(reply);
    world_until(&b, &w.viewers, 0);
    reply = ask(&w, TG_RTC_DELETE, SHOW, b.session, NULL);
    assert_int_equal(reply->err, TG_ERR_NOTFOUND);
    tg_msg_free(reply);
    player_done(&a);
    player_done(&b);
    world_stop(&w);
}

/* A phone with VP8 takes over from an encoder with H.264: the session goes on. */
static void test_takeover_by_another_codec_goes_on(void **state)
{
    struct world w;
    struct player both;
    struct player one; /* H.264 only */
    uint8_t out[128];
    struct tg_wr wr = tg_wr(out, sizeof(out));

    (void)state;
    world_start(&w);
    emit(&w, TG_TRACK_VIDEO, 4, true);
    player_join_both(&both, &w);
    player_join(&one, &w);
    player_until(&both, &both.video, 4);
    player_until(&one, &one.video, 4);
    assert_int_equal(both.vp8, 0);
    w.generation++;
    w.codec = TG_CODEC_VP8;
    emit(&w, TG_TRACK_VIDEO, 6, true);
    emit(&w, TG_TRACK_AUDIO, 1, true);
    player_until(&both, &both.vp8, 6);
    player_until(&one, &one.audio, 1);
    assert_int_equal(both.video, 10);
    assert_int_equal(both.gaps, 0);
    assert_int_equal(one.video, 4);
    assert_int_equal(one.vp8, 0);
    const uint16_t seqs[2] = {(uint16_t)(both.video_seq - 7), (uint16_t)(both.video_seq - 1)};

    tg_rtcp_write_nack(&wr, 1, both.video_ssrc, seqs, 2);
    player_rtcp(&both, &wr);
    player_until(&both, &both.vp8_rtx, 1);
    player_until(&both, &both.rtx, 1);
    assert_int_equal(atomic_load(&w.keys_asked), 0);
    player_done(&both);
    player_done(&one);
    world_stop(&w);
}

static void test_rehearsal_is_for_staff(void **state)
{
    struct world w;
    struct player staff;
    struct player viewer;
    struct player late;
    struct tg_buf offer;
    struct tg_rtc_reply *reply;

    (void)state;
    world_start(&w);
    emit(&w, TG_TRACK_VIDEO, 3, true);
    player_join(&viewer, &w);
    player_join_as(&staff, &w, true);
    player_until(&viewer, &viewer.video, 3);
    rehearse(&w, UINT16_MAX, true); /* no such show: nothing happens */
    rehearse(&w, SHOW + 1, true);   /* one that is not there yet */
    rehearse(&w, SHOW, true);
    world_until(&viewer, &w.viewers, 1);
    player_until_closed(&viewer); /* close_notify: the page knows at once */
    player_until(&staff, &staff.video, 3);
    emit(&w, TG_TRACK_VIDEO, 2, false);
    player_until(&staff, &staff.video, 5);

    player_offer(&late, &w, &offer);
    reply = ask(&w, TG_RTC_WHEP_OFFER, SHOW, NULL, &offer);
    assert_int_equal(reply->err, TG_ERR_AUTH);
    assert_string_equal(reply->detail, "This show is being rehearsed. It starts soon.");
    tg_msg_free(reply);
    rehearse(&w, SHOW, false);
    reply = ask(&w, TG_RTC_WHEP_OFFER, SHOW, NULL, &offer);
    assert_int_equal(reply->err, TG_OK);
    assert_int_equal(atomic_load(&w.viewers), 2);
    tg_msg_free(reply);
    tg_buf_done(&offer);
    player_done(&late);
    player_done(&viewer);
    player_done(&staff);
    world_stop(&w);
}

static void check_refused(struct world *w, uint16_t show, const struct tg_buf *sdp, tg_err err)
{
    struct tg_rtc_reply *reply = ask(w, TG_RTC_WHEP_OFFER, show, NULL, sdp);

    assert_int_equal(reply->err, err);
    assert_true(reply->detail[0] != '\0');
    assert_null(reply->sdp);
    tg_msg_free(reply);
    assert_int_equal(atomic_load(&w->viewers), 0);
}

static void test_bad_offers_get_clear_refusals(void **state)
{
    struct world w;
    struct player p;
    struct tg_buf good;
    struct tg_buf bad;

    (void)state;
    world_start(&w);
    player_offer(&p, &w, &good);
    tg_buf_init(&bad, 100);
    tg_buf_add_str(&bad, "hello");
    check_refused(&w, SHOW + 1, &good, TG_ERR_NOTFOUND);
    check_refused(&w, UINT16_MAX, &good, TG_ERR_NOTFOUND);
    check_refused(&w, SHOW, &bad, TG_ERR_MALFORMED);
    check_refused(&w, SHOW, NULL, TG_ERR_MALFORMED);
    tg_buf_done(&bad);
    tg_buf_done(&good);
    player_done(&p);
    world_stop(&w);
}

static struct tg_rtc_reply *offer_with(struct world *w, const struct tg_buf *sdp,
                                       const char *ticket)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = TG_RTC_WHEP_OFFER;
    req->show = SHOW;
    tg_str_printf(req->ticket, sizeof(req->ticket), "%s", ticket);
    return ask_req(w, req, sdp);
}

static void check_waits(struct world *w, const struct tg_buf *sdp, char *inout_ticket,
                        unsigned position)
{
    struct tg_rtc_reply *reply = offer_with(w, sdp, inout_ticket);

    assert_int_equal(reply->err, TG_ERR_LIMIT);
    assert_int_equal(reply->position, position);
    assert_true(reply->detail[0] != '\0');
    assert_null(reply->sdp);
    if (inout_ticket[0] != '\0')
        assert_string_equal(reply->ticket, inout_ticket);
    if (position > 0)
        assert_in_range(reply->retry_s, 2, 3);
    else
        assert_int_equal(reply->retry_s, 30);
    tg_str_printf(inout_ticket, TG_RTC_TICKET_SIZE, "%s", reply->ticket);
    tg_msg_free(reply);
}

static void check_enters(struct world *w, const struct tg_buf *sdp, const char *ticket,
                         char *ret_session)
{
    struct tg_rtc_reply *reply = offer_with(w, sdp, ticket);

    assert_int_equal(reply->err, TG_OK);
    assert_int_equal(reply->position, 0);
    memcpy(ret_session, reply->session, TG_RTC_SESSION_SIZE);
    tg_msg_free(reply);
}

/* A line with room for one viewer of 1 Mbit/s. */
static void test_no_room_gives_a_ticket_that_keeps_the_place(void **state)
{
    const struct tg_fanout_limits none = {0};
    struct world w;
    struct player p;
    struct tg_buf offer;
    struct tg_buf bad;
    struct tg_rtc_reply *reply;
    char session[TG_RTC_SESSION_SIZE];
    char second[TG_RTC_TICKET_SIZE] = "";
    char third[TG_RTC_TICKET_SIZE] = "";
    char fourth[TG_RTC_TICKET_SIZE] = "";

    (void)state;
    world_start_limited(&w, 2 * 1000 * 1000);
    player_offer(&p, &w, &offer);
    tg_buf_init(&bad, 100);
    tg_buf_add_str(&bad, "hello");
    check_refused(&w, SHOW, &bad, TG_ERR_MALFORMED); /* takes no room */
    check_enters(&w, &offer, "", session);
    check_waits(&w, &offer, second, 1);
    check_waits(&w, &offer, third, 2);
    check_waits(&w, &offer, fourth, 0);
    assert_int_equal(tg_metric_get(TG_M_fanout_waiting), 2);
    reply = ask_as(&w, TG_RTC_WHEP_OFFER, SHOW, NULL, &offer, true); /* staff */
    assert_int_equal(reply->err, TG_OK);
    tg_msg_free(ask(&w, TG_RTC_DELETE, SHOW, reply->session, NULL));
    tg_msg_free(reply);
    check_waits(&w, &offer, second, 1);
    tg_msg_free(ask(&w, TG_RTC_DELETE, SHOW, session, NULL));
    world_until(&p, &w.viewers, 0);
    check_waits(&w, &offer, third, 2); /* the room is the second's */
    check_enters(&w, &offer, second, session);
    check_waits(&w, &offer, third, 1);
    tg_fanout_set_limits(w.fanout, &none);
    check_enters(&w, &offer, third, session);
    assert_int_equal(tg_metric_get(TG_M_fanout_waiting), 0);
    assert_int_equal(atomic_load(&w.viewers), 2);
    tg_buf_done(&bad);
    tg_buf_done(&offer);
    player_done(&p);
    world_stop(&w);
}

/* Above the softer mark a viewer starts on the lower layer: one packet a frame, not eight. */
static void test_little_room_gives_the_lower_layer(void **state)
{
    const int64_t low = tg_metric_get(TG_M_fanout_admitted_low_total);
    const int64_t lifted = tg_metric_get(TG_M_fanout_lifted_total);
    const struct tg_fanout_limits little = {.egress_bps = 3 * 1000 * 1000};
    const struct tg_fanout_limits none = {0};
    struct world w;
    struct player p;

    (void)state;
    world_start(&w);
    /* 3.2 and 0.4 Mbit/s, 20 ms a frame; a worker without viewers measures them within 2 s. */
    for (int i = 0; i < 125; i++) {
        emit_layer(&w, TG_TRACK_VIDEO, 0, 8, i % 10 == 0);
        emit_layer(&w, TG_TRACK_VIDEO, 1, 1, i % 10 == 0);
        (void)poll(NULL, 0, 20);
    }
    tg_fanout_set_limits(w.fanout, &little);
    player_join(&p, &w);
    assert_int_equal(tg_metric_get(TG_M_fanout_admitted_low_total), low + 1);
    player_until(&p, &p.video, 1);
    assert_true(p.video <= 10); /* a group of pictures of layer 1, not of layer 0 */
    tg_fanout_set_limits(w.fanout, &none);
    const tg_us end = tg_clock_mono() + 10 * (tg_us)TG_US_PER_S;

    while (tg_metric_get(TG_M_fanout_lifted_total) == lifted && tg_clock_mono() < end)
        player_turn(&p);
    assert_int_equal(tg_metric_get(TG_M_fanout_lifted_total), lifted + 1);
    player_done(&p);
    world_stop(&w);
}

static struct tg_rtc_reply *ask_layer(struct world *w, const char *session, int8_t layer)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = TG_RTC_LAYER;
    req->show = SHOW;
    req->layer = layer;
    tg_str_printf(req->session, sizeof(req->session), "%s", session);
    return ask_req(w, req, NULL);
}

static void check_layer(struct world *w, const char *session, int8_t layer, tg_err err, int8_t pin)
{
    struct tg_rtc_reply *reply = ask_layer(w, session, layer);

    assert_int_equal(reply->err, err);
    if (err == TG_OK)
        assert_int_equal(reply->layer_pin, pin);
    else
        assert_true(reply->detail[0] != '\0');
    tg_msg_free(reply);
}

/* A wish for what is not there must not look as if it had worked. */
static void test_pin_to_a_layer_that_is_not_there_is_refused(void **state)
{
    struct world w;
    struct player p;
    struct tg_buf offer;
    char session[TG_RTC_SESSION_SIZE];

    (void)state;
    world_start(&w);
    for (int i = 0; i < 80; i++) { /* 1.6 s: both are measured */
        emit_layer(&w, TG_TRACK_VIDEO, 0, 2, i % 10 == 0);
        emit_layer(&w, TG_TRACK_VIDEO, 1, 1, i % 10 == 0);
        (void)poll(NULL, 0, 20);
    }
    player_offer(&p, &w, &offer);
    check_enters(&w, &offer, "", session);
    check_layer(&w, session, 1, TG_OK, 1);
    check_layer(&w, session, 2, TG_ERR_UNSUPPORTED, 0);
    check_layer(&w, session, TG_LAYERS_MAX, TG_ERR_UNSUPPORTED, 0);
    check_layer(&w, session, TG_RTC_LAYER_ASK, TG_OK, 1); /* as it was */
    check_layer(&w, session, 0, TG_OK, 0);
    check_layer(&w, session, TG_RTC_LAYER_AUTO, TG_OK, TG_RTC_LAYER_AUTO);
    check_layer(&w, "0.nobody", 0, TG_ERR_NOTFOUND, 0);
    tg_buf_done(&offer);
    player_done(&p);
    world_stop(&w);
}

static void test_stop_with_viewers_and_full_rings(void **state)
{
    struct world w;
    struct player p;
    int64_t dropped;

    (void)state;
    world_start(&w);
    player_join(&p, &w);
    emit(&w, TG_TRACK_VIDEO, 3, true);
    player_until(&p, &p.video, 3);
    tg_rtc_worker_stop(w.worker);
    player_until(&p, &p.video, 3);
    /* No worker takes frames any more: the ring fills, then drops, and everything is freed. */
    dropped = tg_metric_get(TG_M_fanout_frames_dropped_total);
    for (int i = 0; i < TG_FRAME_RING * 2; i++)
        emit(&w, TG_TRACK_VIDEO, 1, false);
    assert_true(tg_metric_get(TG_M_fanout_frames_dropped_total) > dropped);
    assert_int_equal(atomic_load(&w.keys_asked), 1);
    w.worker = NULL;
    player_done(&p);
    world_stop(&w);
}

static void test_shows_survive_every_failed_allocation(void **state)
{
    const struct tg_fanout_cfg cfg = {.workers = 2};
    const struct tg_fanout_cfg none = {.workers = 0};
    struct tg_fanout *f = NULL;
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    assert_int_equal(tg_fanout_new(&f, &none), TG_ERR_LIMIT);
    for (long n = 0; err != TG_OK; n++) {
        tg_alloc_fail_nth(n);
        err = tg_fanout_new(&f, &cfg);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
        assert_true(n < 50);
    }
    err = TG_ERR_NOMEM;
    for (long n = 0; err != TG_OK; n++) {
        tg_alloc_fail_nth(n);
        err = tg_fanout_show_add(f, SHOW, 0);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
        assert_true(n < 50);
    }
    tg_fanout_free(f);
    tg_fanout_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_viewer_gets_cached_picture_then_live),
        cmocka_unit_test(test_frames_are_taken_while_nobody_watches),
        cmocka_unit_test(test_nack_gives_rtx_and_pli_asks_upstream_once),
        cmocka_unit_test(test_bye_and_delete_end_sessions),
        cmocka_unit_test(test_takeover_by_another_codec_goes_on),
        cmocka_unit_test(test_rehearsal_is_for_staff),
        cmocka_unit_test(test_bad_offers_get_clear_refusals),
        cmocka_unit_test(test_no_room_gives_a_ticket_that_keeps_the_place),
        cmocka_unit_test(test_little_room_gives_the_lower_layer),
        cmocka_unit_test(test_pin_to_a_layer_that_is_not_there_is_refused),
        cmocka_unit_test(test_stop_with_viewers_and_full_rings),
        cmocka_unit_test(test_shows_survive_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
