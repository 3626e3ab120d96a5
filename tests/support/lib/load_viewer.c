/*
 * load_viewer.c - see load.h: one viewer's life.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "support/lib/load.h"

enum {
    REPORT_US = TG_US_PER_S,
    LOOK_US = 50 * TG_US_PER_MS, /* a watching viewer's clock may be this late */
    PT_VIDEO = 102,              /* as tg_sdp_write_whep_offer says */
    EXT_TWCC = 6                 /* an id that it does not use */
};

/* --- everything ------------------------------------------------------------------------------- */

tg_err load_init(struct load *l)
{
    l->viewers = tg_calloc(l->viewers_max, sizeof(*l->viewers));
    l->slots = tg_calloc(LOAD_SLOTS, sizeof(struct viewer *));
    l->sdp = tg_calloc(1, sizeof(*l->sdp));
    if (l->viewers == NULL || l->slots == NULL || l->sdp == NULL)
        return TG_ERR_NOMEM;
    if (tg_loop_new(&l->loop) != TG_OK || many_udp_new(&l->udp, l->first_ip, l->gro) != TG_OK ||
        tg_dtls_ctx_new(&l->dtls) != TG_OK)
        return TG_ERR_IO;
    return TG_OK;
}

void load_done(struct load *l)
{
    tg_loop_free(l->loop);
    many_udp_free(l->udp);
    tg_dtls_ctx_free(l->dtls);
    tg_free(l->viewers);
    tg_free(l->slots);
    tg_free(l->sdp);
}

double load_cpu_s(void)
{
    struct rusage use;

    (void)getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* --- leaving ---------------------------------------------------------------------------------- */

static void on_deleted(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct load *l = ctx;

    (void)now;
    l->http_open--;
    /* 404: the server had freed the session at close_notify already. */
    if (reply->err != TG_OK ||
        (reply->status != 200 && reply->status != 204 && reply->status != 404))
        l->t.http_errors++;
}

static void send_delete(struct load *l, const struct viewer *v)
{
    struct tg_buf request;
    struct http_once *h;

    tg_buf_init(&request, 1024);
    tg_buf_printf(&request,
                  "DELETE %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                  "Content-Length: 0\r\n\r\n",
                  v->location);
    if (request.err == TG_OK &&
        http_once_start(&h, l->loop, &l->http, &request, on_deleted, l) == TG_OK)
        l->http_open++;
    else
        l->t.http_errors++;
    tg_buf_done(&request);
}

static void forget(struct load *l, struct viewer *v)
{
    uint64_t lost = rx_meter_lost(&v->meter);

    http_once_free(v->http);
    tg_peer_free(v->peer);
    tg_free(v->twcc);
    if (l->slots[v->serial % LOAD_SLOTS] == v)
        l->slots[v->serial % LOAD_SLOTS] = NULL;
    l->t.lost += lost;
    if (v->verify)
        l->t.verified_lost += lost;
    *v = (struct viewer){.state = IDLE};
}

static void fail(struct load *l, struct viewer *v, const char *why, int detail)
{
    (void)fprintf(stderr, "viewer %u failed: %s %d\n", v->serial, why, detail);
    l->t.failed++;
    forget(l, v);
}

/* --- what arrives ----------------------------------------------------------------------------- */

static void on_first_packet(struct load *l, struct viewer *v, tg_us now)
{
    v->first_packet = now;
    v->state = WATCHING;
    l->t.joined++;
    histogram_add(&l->join, now - v->began);
    histogram_add(&l->joins.packet, now - v->began);
}

static void note_latency(struct load *l, const struct viewer *v, tg_us wall_us, tg_us from_wall_us)
{
    if (l->window.on && v->meter.marked)
        histogram_add(&l->window.latency, wall_us - from_wall_us);
}

static void count_rtp(struct load *l, struct viewer *v, const uint8_t *bytes, size_t len,
                      tg_us wall_us, tg_us now)
{
    struct rx_seen seen;

    if (!rx_meter_packet(&v->meter, bytes, len, &seen))
        return;
    l->t.packets++;
    l->t.bytes += len;
    v->last_packet = now;
    if (seen.video && v->first_packet == 0)
        on_first_packet(l, v, now);
    if (seen.frame_done)
        histogram_add(&l->joins.frame, now - v->began);
    if (seen.video && seen.has_capture && wall_us != 0)
        note_latency(l, v, wall_us, seen.capture_wall_us);
    if (seen.has_twcc && v->twcc != NULL) {
        v->twcc_ssrc = seen.ssrc;
        tg_twcc_rx_input(v->twcc, now, seen.twcc);
    }
}

static void on_plain(struct load *l, struct viewer *v, struct tg_span packet, tg_us wall_us,
                     tg_us now)
{
    tg_us sent_us;
    bool key;

    l->t.verified++;
    rx_meter_plain(&v->meter, packet.data, packet.len, &key, &sent_us);
    if (key)
        histogram_add(&l->joins.key, now - v->began);
    if (sent_us != 0 && wall_us != 0)
        note_latency(l, v, wall_us, sent_us);
}

static void on_peer_closed(struct load *l, struct viewer *v, enum tg_peer_reason reason)
{
    if (reason != TG_PEER_LOCAL_CLOSED) {
        if (v->first_packet == 0)
            l->t.failed++;
        else
            l->t.ended_by_server++;
        (void)fprintf(stderr, "viewer %u ended: %s\n", v->serial, tg_peer_reason_name(reason));
    }
    forget(l, v);
}

/* False: the viewer is gone. wall_us: of the datagram that was put in, 0 = it was the clock. */
static bool drain(struct load *l, struct viewer *v, tg_us wall_us, tg_us now)
{
    struct tg_peer_out out;

    while (tg_peer_poll(v->peer, &out)) {
        if (out.kind == TG_PEER_OUT_SEND) {
            (void)many_udp_send(l->udp, v->serial, &out.addr, out.bytes.data, out.bytes.len);
        } else if (out.kind == TG_PEER_OUT_RTP) {
            on_plain(l, v, out.bytes, wall_us, now);
        } else if (out.kind == TG_PEER_OUT_CONNECTED) {
            /* Spread over the second, as people come. */
            v->next_report = now + REPORT_US / 2 + (tg_us)(v->serial % 64) * REPORT_US / 128;
        } else if (out.kind == TG_PEER_OUT_CLOSED) {
            on_peer_closed(l, v, out.reason);
            return false;
        }
    }
    return true;
}

static void on_datagram(void *ctx, uint32_t endpoint, const struct tg_addr *from, uint8_t *bytes,
                        size_t len, tg_us wall_us)
{
    struct load *l = ctx;
    struct viewer *v = l->slots[endpoint % LOAD_SLOTS];
    enum tg_peer_class class = tg_peer_classify(bytes, len);

    if (v == NULL || v->serial != endpoint || v->peer == NULL)
        return;
    if (class == TG_PEER_RTP) {
        count_rtp(l, v, bytes, len, wall_us, l->now);
        if (!v->verify)
            return;
        if (tg_peer_input(v->peer, l->now, from, bytes, len) != TG_OK) {
            l->t.decrypt_errors++;
            return;
        }
    } else if (class != TG_PEER_RTCP || v->verify) {
        (void)tg_peer_input(v->peer, l->now, from, bytes, len); /* of no use: nothing follows */
    }
    (void)drain(l, v, wall_us, l->now);
}

void load_receive(struct load *l, tg_us now)
{
    l->now = now;
    many_udp_receive(l->udp, on_datagram, l);
}

/* --- joining ---------------------------------------------------------------------------------- */

/* A new viewer: who it is, and whether it decrypts. */
static void begin(struct load *l, struct viewer *v, tg_us now, struct tg_sdp_local *ret_local)
{
    v->load = l;
    v->serial = l->serial++ % MANY_UDP_ENDPOINTS;
    v->state = POSTING;
    v->began = now;
    v->verify = l->verify_every > 0 && v->serial % l->verify_every == 0;
    v->meter.video_pt = PT_VIDEO;
    l->slots[v->serial % LOAD_SLOTS] = v;
    l->t.joins++;
    if (l->joins.asked_first == 0)
        l->joins.asked_first = now;
    l->joins.asked_last = now;
    tg_ice_credentials(&l->rng, v->ufrag, v->pwd);
    *ret_local = (struct tg_sdp_local){
        .ice_ufrag = v->ufrag, .ice_pwd = v->pwd, .session_id = tg_rng_u64(&l->rng) >> 2};
    memcpy(ret_local->fingerprint, tg_dtls_ctx_fingerprint(l->dtls),
           sizeof(ret_local->fingerprint));
}

/* The other side's description is in l->sdp. */
static tg_err connect_peer(struct load *l, struct viewer *v, const struct tg_addr *to, tg_us now)
{
    struct tg_peer_cfg cfg = {.client = true,
                              .receives = v->verify,
                              .local_ufrag = v->ufrag,
                              .local_pwd = v->pwd,
                              .dtls_ctx = l->dtls,
                              .rng = &l->rng};
    const struct tg_sdp_media *m = &l->sdp->media[0];
    tg_err err;

    cfg.remote_ufrag = m->ice_ufrag;
    cfg.remote_pwd = m->ice_pwd;
    memcpy(cfg.remote_sha256, m->fingerprint, sizeof(cfg.remote_sha256));
    err = tg_peer_new(&v->peer, &cfg, now);
    if (err == TG_OK)
        tg_peer_connect(v->peer, now, to);
    return err;
}

/* UDP and IPv4, which is all that many_udp has. */
static const struct tg_addr *candidate_of(const struct tg_sdp *sdp)
{
    for (size_t i = 0; sdp->media_count > 0 && i < sdp->media[0].candidate_count; i++) {
        const struct tg_addr *c = &sdp->media[0].candidates[i];

        if (tg_addr_is_v4(c) && c->tcp == 0)
            return c;
    }
    return NULL;
}

/* What the answer says of the packets that will come. Errors: NOMEM. */
static tg_err read_answer(struct load *l, struct viewer *v)
{
    for (size_t i = 0; i < l->sdp->media_count; i++) {
        const struct tg_sdp_media *m = &l->sdp->media[i];

        if (m->kind != TG_SDP_VIDEO)
            continue;
        v->meter.ext_capture = m->ext_id[TG_SDP_EXT_ABS_CAPTURE_TIME];
        v->meter.ext_twcc = m->ext_id[TG_SDP_EXT_TWCC];
    }
    if (!l->twcc || v->meter.ext_twcc == 0)
        return TG_OK;
    v->twcc = tg_calloc(1, sizeof(*v->twcc));
    if (v->twcc == NULL)
        return TG_ERR_NOMEM;
    tg_twcc_rx_init(v->twcc);
    return TG_OK;
}

static tg_err accept_answer(struct load *l, struct viewer *v, const struct http_reply *reply,
                            tg_us now)
{
    const struct tg_addr *candidate;
    const char *reason = "";
    struct tg_addr to;
    tg_err err = tg_sdp_parse(l->sdp, reply->body, reply->body_len, &reason);

    if (err != TG_OK)
        return err;
    candidate = candidate_of(l->sdp);
    if (candidate == NULL || !l->sdp->media[0].has_fingerprint)
        return TG_ERR_MALFORMED;
    /* Our addresses are loopback's: so must be the server's; the port is what counts. */
    to = tg_addr_v4(127, 0, 0, 1, candidate->port);
    err = read_answer(l, v);
    return err == TG_OK ? connect_peer(l, v, &to, now) : err;
}

static void on_answer(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct viewer *v = ctx;
    struct load *l = v->load;
    tg_err err;

    v->http = NULL; /* freed after this call */
    if (reply->err != TG_OK || reply->status != 201) {
        l->t.http_errors++;
        fail(l, v, "POST answered", reply->err != TG_OK ? -(int)reply->err : reply->status);
        return;
    }
    memcpy(v->location, reply->location, sizeof(v->location));
    err = accept_answer(l, v, reply, now);
    if (err != TG_OK) {
        fail(l, v, "answer", (int)err);
        return;
    }
    v->state = JOINING;
    (void)drain(l, v, 0, now);
}

void viewer_join(struct load *l, struct viewer *v, tg_us now)
{
    struct tg_sdp_local local;
    struct tg_buf offer;
    struct tg_buf request;

    tg_buf_init(&offer, TG_SDP_MAX);
    tg_buf_init(&request, 2 * TG_SDP_MAX);
    begin(l, v, now, &local);
    if (tg_sdp_write_whep_offer(&offer, &local) == TG_OK) {
        if (l->twcc) /* the video m-line is the last */
            tg_buf_printf(&offer, "a=extmap:%d %s\r\na=rtcp-fb:%d transport-cc\r\n", EXT_TWCC,
                          TG_RTP_EXT_URI_TWCC, PT_VIDEO);
        tg_buf_printf(&request,
                      "POST /whep/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                      "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n",
                      l->show, offer.len);
        tg_buf_add(&request, offer.data, offer.len);
    }
    if (offer.err != TG_OK || request.err != TG_OK ||
        http_once_start(&v->http, l->loop, &l->http, &request, on_answer, v) != TG_OK)
        fail(l, v, "POST", 0);
    tg_buf_done(&offer);
    tg_buf_done(&request);
}

static tg_err accept_offer(struct load *l, struct viewer *v, const struct tg_sdp_local *local,
                           tg_us now, struct tg_buf *answer)
{
    const struct tg_sdp_media *m = &l->sdp->media[0];
    const struct tg_addr *candidate = candidate_of(l->sdp);
    tg_err err;

    if (candidate == NULL || !m->has_fingerprint || m->codec_count == 0)
        return TG_ERR_MALFORMED;
    v->meter.video_pt = m->codecs[0].pt;
    for (size_t i = m->codec_count; i-- > 0;)
        if (tg_sdp_codec_is(&m->codecs[i], "H264"))
            v->meter.video_pt = m->codecs[i].pt;
    err = load_write_answer(answer, m, local, tg_dtls_ctx_fingerprint_text(l->dtls));
    return err == TG_OK ? connect_peer(l, v, candidate, now) : err;
}

tg_err viewer_answer(struct load *l, struct viewer *v, tg_us now, const char *offer,
                     size_t offer_len, struct tg_buf *answer)
{
    const char *reason = "";
    struct tg_sdp_local local;
    struct tg_addr at;
    tg_err err = tg_sdp_parse(l->sdp, offer, offer_len, &reason);

    if (err != TG_OK || l->sdp->media_count == 0)
        return TG_ERR_MALFORMED;
    begin(l, v, now, &local);
    at = many_udp_addr(l->udp, v->serial);
    local.candidates = &at;
    local.candidate_count = 1;
    err = accept_offer(l, v, &local, now, answer);
    if (err != TG_OK) {
        fail(l, v, "offer", (int)err);
        return err;
    }
    v->state = JOINING;
    (void)drain(l, v, 0, now);
    return TG_OK;
}

void viewer_leave(struct load *l, struct viewer *v, tg_us now)
{
    l->t.leaves++;
    if (l->send_delete && v->location[0] != '\0')
        send_delete(l, v);
    if (v->peer == NULL) {
        forget(l, v);
        return;
    }
    tg_peer_close(v->peer, now);
    if (drain(l, v, 0, now))
        forget(l, v);
}

/* --- by the clock ----------------------------------------------------------------------------- */

static void send_rtcp(struct load *l, struct viewer *v, uint8_t *packet, size_t len, size_t cap)
{
    size_t sealed;

    if (tg_srtp_tx_protect_rtcp(tg_peer_tx(v->peer), packet, len, cap, &sealed) == TG_OK)
        (void)many_udp_send(l->udp, v->serial, tg_peer_remote(v->peer), packet, sealed);
}

/* RFC 3550 s6.4.2 receiver report for what this viewer gets. */
static void send_report(struct load *l, struct viewer *v)
{
    struct tg_rtcp_report reports[RX_STREAMS];
    uint8_t packet[512];
    struct tg_wr w = tg_wr(packet, sizeof(packet));
    uint32_t lost = (uint32_t)TG_MIN(rx_meter_lost(&v->meter), 0x7fffffU);
    size_t count = 0;

    for (size_t i = 0; i < RX_STREAMS; i++)
        if (v->meter.streams[i].on)
            reports[count++] =
                (struct tg_rtcp_report){.ssrc = v->meter.streams[i].ssrc,
                                        .lost_total = (int32_t)lost,
                                        .seq_max = (uint32_t)v->meter.streams[i].newest};
    tg_rtcp_write_rr(&w, 1, reports, count);
    tg_rtcp_write_cname(&w, 1, "load");
    if (!w.bad)
        send_rtcp(l, v, packet, tg_wr_len(&w), sizeof(packet));
}

static void send_feedback(struct load *l, struct viewer *v)
{
    bool more = true;

    while (more) {
        uint8_t packet[TG_RTP_MTU + TG_SRTP_RTCP_TRAILER];
        struct tg_wr w = tg_wr(packet, TG_RTP_MTU);

        more = tg_twcc_rx_write(v->twcc, &w, 1, v->twcc_ssrc);
        if (w.bad || tg_wr_len(&w) == 0)
            return;
        send_rtcp(l, v, packet, tg_wr_len(&w), sizeof(packet));
    }
}

void viewer_tick(struct load *l, struct viewer *v, tg_us now)
{
    if (v->state == IDLE || now < v->due)
        return;
    if (v->state == WATCHING && v->twcc == NULL)
        v->due = now + LOOK_US;
    if (v->first_packet == 0 && now - v->began > LOAD_JOIN_US_MAX) {
        fail(l, v, "no picture in 15 s, state", (int)v->state);
        return;
    }
    if (v->peer == NULL)
        return;
    if (l->hold_us > 0 && v->first_packet != 0 && now - v->first_packet >= l->hold_us) {
        viewer_leave(l, v, now);
        return;
    }
    if (tg_peer_deadline(v->peer, now) <= now) {
        tg_peer_tick(v->peer, now);
        if (!drain(l, v, 0, now))
            return;
    }
    if (!tg_peer_connected(v->peer))
        return;
    if (now >= v->next_report) {
        v->next_report = now + REPORT_US;
        send_report(l, v);
    }
    if (v->twcc != NULL && now >= tg_twcc_rx_deadline(v->twcc))
        send_feedback(l, v);
}
