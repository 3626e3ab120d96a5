/*
 * test_whip.c - WHIP publishers end to end on loopback: a client peer sends RTP over DTLS-SRTP to a
 * real rtc worker with the WHIP handler; a recorder stands where the show is.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "base/str.h"
#include "ingest/whip.h"
#include "net/udp.h"
#include "proto/h264.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

#define MS (tg_us) TG_US_PER_MS
#define S (tg_us) TG_US_PER_S

enum { PATIENCE_MS = 8000, SHOW = 5, AUS_MAX = 4096, PT_VIDEO = 96, PT_AUDIO = 111 };

static const struct tg_addr localhost = {
    .ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}};

/* --- the show --------------------------------------------------------------------------------- */

struct recorder {
    pthread_mutex_t lock;
    unsigned opened;
    unsigned closed;
    unsigned count;
    struct tg_au aus[AUS_MAX]; /* hold their data */
    bool taken_over;
    bool refuse_open;
    bool behind; /* push answers LIMIT to video */
    uint32_t key_layers;
    char publisher[TG_PUBLISHER_SIZE];
    unsigned encodings; /* of the last open */
    bool revoked;
    unsigned asked;
    unsigned uplinks;
    struct tg_live_uplink uplink;
    char notice[256];
};

struct tg_source {
    struct recorder *rec;
};

static tg_err rec_open(void *ctx, const struct tg_source_info *info, struct tg_source **ret)
{
    struct recorder *rec = ctx;
    struct tg_source *source;

    if (info->show != SHOW || info->kind != TG_SOURCE_WHIP)
        abort();
    (void)pthread_mutex_lock(&rec->lock);
    bool refuse = rec->refuse_open;
    rec->opened += refuse ? 0 : 1;
    memcpy(rec->publisher, info->publisher, sizeof(rec->publisher));
    rec->encodings = info->encodings;
    (void)pthread_mutex_unlock(&rec->lock);
    if (refuse)
        return TG_ERR_NOTFOUND;
    source = tg_calloc(1, sizeof(*source));
    if (source == NULL)
        return TG_ERR_NOMEM;
    source->rec = rec;
    *ret = source;
    return TG_OK;
}

static tg_err rec_push(struct tg_source *source, const struct tg_au *take_au,
                       const char **reterr_reason)
{
    struct recorder *rec = source->rec;
    tg_err err = TG_OK;

    (void)reterr_reason;
    (void)pthread_mutex_lock(&rec->lock);
    if (rec->taken_over)
        err = TG_ERR_CLOSED;
    else if ((rec->behind && take_au->track == TG_TRACK_VIDEO) || rec->count == AUS_MAX)
        err = TG_ERR_LIMIT;
    else
        rec->aus[rec->count++] = *take_au;
    (void)pthread_mutex_unlock(&rec->lock);
    if (err != TG_OK)
        tg_slab_unref(take_au->data);
    return err;
}

static tg_err rec_poll(struct tg_source *source, uint32_t *ret_key_layers,
                       const char **reterr_reason)
{
    struct recorder *rec = source->rec;
    tg_err err;

    (void)pthread_mutex_lock(&rec->lock);
    *ret_key_layers = rec->key_layers;
    rec->key_layers = 0;
    err = rec->taken_over ? TG_ERR_CLOSED : TG_OK;
    *reterr_reason = err == TG_OK ? NULL : "a newer one has the show";
    (void)pthread_mutex_unlock(&rec->lock);
    return err;
}

static void rec_close(struct tg_source *source)
{
    (void)pthread_mutex_lock(&source->rec->lock);
    source->rec->closed++;
    (void)pthread_mutex_unlock(&source->rec->lock);
    tg_free(source);
}

static bool still_valid(void *ctx, const char *token, uint16_t show)
{
    struct recorder *rec = ctx;

    if (strcmp(token, "t9") != 0 || show != SHOW)
        abort();
    (void)pthread_mutex_lock(&rec->lock);
    bool valid = !rec->revoked;
    rec->asked++;
    (void)pthread_mutex_unlock(&rec->lock);
    return valid;
}

static void on_uplink(void *ctx, const struct tg_live_uplink *uplink)
{
    struct recorder *rec = ctx;

    (void)pthread_mutex_lock(&rec->lock);
    rec->uplink = *uplink;
    rec->uplinks++;
    (void)pthread_mutex_unlock(&rec->lock);
}

static void on_notice(void *ctx, uint16_t show, const char *text)
{
    struct recorder *rec = ctx;

    (void)pthread_mutex_lock(&rec->lock);
    (void)snprintf(rec->notice, sizeof(rec->notice), "%u %s", show, text);
    (void)pthread_mutex_unlock(&rec->lock);
}

static unsigned locked(struct recorder *rec, const unsigned *value)
{
    (void)pthread_mutex_lock(&rec->lock);
    unsigned got = *value;
    (void)pthread_mutex_unlock(&rec->lock);
    return got;
}

static void set(struct recorder *rec, bool *flag)
{
    (void)pthread_mutex_lock(&rec->lock);
    *flag = true;
    (void)pthread_mutex_unlock(&rec->lock);
}

/* --- the server ------------------------------------------------------------------------------- */

struct world {
    struct recorder rec;
    struct tg_whip *whip;
    struct tg_rtc_worker *worker;
    struct tg_mailbox *replies;
    tg_us epoch_us;
};

static void world_start(struct world *w, unsigned publishers_max, tg_us grace_us)
{
    struct tg_whip_cfg cfg = {.workers = 1,
                              .publishers_max = publishers_max,
                              .grace_us = grace_us,
                              .start_kbps = 2500,
                              .still_valid = still_valid,
                              .uplink = on_uplink,
                              .notice = on_notice,
                              .ctx = &w->rec};
    struct tg_rtc_worker_cfg rtc = {.listen = localhost, .handler_count = 1};

    memset(w, 0, sizeof(*w));
    (void)pthread_mutex_init(&w->rec.lock, NULL);
    w->epoch_us = tg_clock_mono() - 100 * S;
    cfg.ops = (struct tg_source_ops){
        .ctx = &w->rec, .open = rec_open, .push = rec_push, .poll = rec_poll, .close = rec_close};
    assert_int_equal(tg_mailbox_new(&w->replies, 16, tg_msg_free), TG_OK);
    assert_int_equal(tg_whip_new(&w->whip, &cfg), TG_OK);
    rtc.handlers[0] = tg_whip_handler(w->whip, 0);
    assert_int_equal(tg_rtc_worker_start(&w->worker, &rtc), TG_OK);
}

static void world_stop(struct world *w)
{
    tg_rtc_worker_stop(w->worker);
    assert_int_equal(tg_whip_publishers(w->whip), 0);
    assert_int_equal(w->rec.opened, w->rec.closed);
    tg_whip_free(w->whip);
    tg_mailbox_free(w->replies);
    for (unsigned i = 0; i < w->rec.count; i++)
        tg_slab_unref(w->rec.aus[i].data);
    (void)pthread_mutex_destroy(&w->rec.lock);
}

static struct tg_rtc_reply *ask(struct world *w, struct tg_rtc_req *req)
{
    void *reply = NULL;

    req->conn.mb = w->replies;
    assert_int_equal(tg_mailbox_post(tg_rtc_worker_mailbox(w->worker), req), TG_OK);
    tg_mailbox_wait(w->replies, PATIENCE_MS * MS);
    assert_int_equal(tg_mailbox_take(w->replies, &reply, 1), 1);
    return reply;
}

static struct tg_rtc_req *new_req(const struct world *w, enum tg_rtc_what what)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->show = SHOW;
    req->publisher = true;
    req->epoch_us = w->epoch_us;
    tg_str_printf(req->token, sizeof(req->token), "t9");
    return req;
}

/* --- the host --------------------------------------------------------------------------------- */

struct encoding {
    const char *rid; /* NULL = no simulcast */
    uint32_t ssrc;
    uint32_t ts_base;
    uint16_t seq;
    unsigned mbs_wide; /* width / 16 */
    unsigned mbs_high;
};

struct host {
    struct world *world;
    struct tg_rng rng;
    struct tg_dtls_ctx *ctx;
    struct tg_peer *peer;
    struct tg_udp *udp;
    char session[TG_RTC_SESSION_SIZE];
    char publisher[TG_PUBLISHER_SIZE];
    char answer[8192];
    bool connected;
    bool closed;
    unsigned plis[4]; /* by index of encodings; audio is never asked */
    uint32_t pli_total;
    struct encoding encodings[4]; /* 3 = audio */
};

static struct encoding encoding(struct tg_rng *rng, const char *rid, unsigned wide, unsigned high)
{
    return (struct encoding){.rid = rid,
                             .ssrc = tg_rng_u32(rng) | 1U,
                             .ts_base = tg_rng_u32(rng),
                             .seq = (uint16_t)tg_rng_u32(rng),
                             .mbs_wide = wide,
                             .mbs_high = high};
}

struct offer {
    bool video;
    bool audio;
    bool simulcast;
};

static void add_transport(struct tg_buf *b, const struct host *h)
{
    const uint8_t *fp = tg_dtls_ctx_fingerprint(h->ctx);

    tg_buf_printf(b, "a=ice-ufrag:HOST\r\na=ice-pwd:hostPasswordOf24charsss+\r\na=setup:actpass\r\n"
                     "a=fingerprint:sha-256 ");
    for (unsigned i = 0; i < TG_FINGERPRINT_LEN; i++)
        tg_buf_printf(b, "%s%02X", i == 0 ? "" : ":", fp[i]);
    tg_buf_printf(b, "\r\na=rtcp-mux\r\na=sendonly\r\n");
}

static void write_offer(struct tg_buf *b, const struct host *h, const struct offer *o)
{
    tg_buf_printf(b, "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE%s%s\r\n",
                  o->audio ? " 0" : "", o->video ? " 1" : "");
    if (o->audio) {
        tg_buf_printf(b, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n",
                      PT_AUDIO);
        add_transport(b, h);
        tg_buf_printf(b,
                      "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                      "a=rtpmap:%d opus/48000/2\r\na=ssrc:%u cname:h\r\n",
                      PT_AUDIO, h->encodings[3].ssrc);
    }
    if (o->video) {
        tg_buf_printf(b, "m=video 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\n",
                      PT_VIDEO);
        add_transport(b, h);
        tg_buf_printf(b,
                      "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
                      "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                      "a=rtpmap:%d H264/90000\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\n"
                      "a=fmtp:%d level-asymmetry-allowed=1;packetization-mode=1;"
                      "profile-level-id=42e01f\r\n",
                      PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_VIDEO);
        if (o->simulcast)
            tg_buf_printf(b, "a=rid:l send\r\na=rid:m send\r\na=rid:h send\r\n"
                             "a=simulcast:send l;m;h\r\n");
        else
            tg_buf_printf(b, "a=ssrc:%u cname:h\r\n", h->encodings[0].ssrc);
    }
}

static void connect_host(struct host *h, const struct tg_rtc_reply *reply)
{
    static struct tg_sdp answer;
    struct tg_peer_cfg cfg = {.client = true,
                              .rng = &h->rng,
                              .dtls_ctx = h->ctx,
                              .local_ufrag = "HOST",
                              .local_pwd = "hostPasswordOf24charsss+"};
    const char *reason = "";

    memcpy(h->session, reply->session, sizeof(h->session));
    memcpy(h->publisher, reply->publisher, sizeof(h->publisher));
    (void)snprintf(h->answer, sizeof(h->answer), "%.*s", (int)reply->sdp->len, reply->sdp->data);
    assert_int_equal(
        tg_sdp_parse(&answer, (const char *)reply->sdp->data, reply->sdp->len, &reason), TG_OK);
    cfg.remote_ufrag = answer.media[0].ice_ufrag;
    cfg.remote_pwd = answer.media[0].ice_pwd;
    memcpy(cfg.remote_sha256, answer.media[0].fingerprint, sizeof(cfg.remote_sha256));
    assert_int_equal(tg_peer_new(&h->peer, &cfg, tg_clock_mono()), TG_OK);
    tg_peer_connect(h->peer, tg_clock_mono(), &answer.media[0].candidates[0]);
}

static void host_prepare(struct host *h, struct world *w)
{
    memset(h, 0, sizeof(*h));
    h->world = w;
    h->rng = tg_rng_os();
    assert_int_equal(tg_udp_new(&h->udp, &localhost), TG_OK);
    assert_int_equal(tg_dtls_ctx_new(&h->ctx), TG_OK);
    h->encodings[0] = encoding(&h->rng, NULL, 80, 45);
    h->encodings[3] = encoding(&h->rng, NULL, 0, 0);
}

static void host_post(struct host *h, const struct offer *o)
{
    struct tg_rtc_req *req = new_req(h->world, TG_RTC_WHIP_OFFER);
    struct tg_rtc_reply *reply;
    struct tg_buf text;

    tg_buf_init(&text, TG_SDP_MAX);
    write_offer(&text, h, o);
    req->sdp = tg_slab_copy(text.data, text.len);
    tg_buf_done(&text);
    reply = ask(h->world, req);
    if (reply->err != TG_OK)
        print_error("refused: %s %s\n", tg_err_name(reply->err), reply->detail);
    assert_int_equal(reply->err, TG_OK);
    connect_host(h, reply);
    tg_msg_free(reply);
}

static void note_rtcp(struct host *h, struct tg_span packet)
{
    struct tg_rd r = tg_rd(packet.data, packet.len);
    struct tg_rtcp p;

    while (tg_rtcp_next(&r, &p) == TG_OK) {
        for (unsigned i = 0; i < 4 && p.kind == TG_RTCP_PLI; i++)
            h->plis[i] += h->encodings[i].ssrc == p.media_ssrc ? 1 : 0;
        h->pli_total += p.kind == TG_RTCP_PLI ? 1 : 0;
    }
}

static void host_drain(struct host *h)
{
    struct tg_peer_out out;

    while (tg_peer_poll(h->peer, &out)) {
        h->connected = h->connected || out.kind == TG_PEER_OUT_CONNECTED;
        h->closed = h->closed || out.kind == TG_PEER_OUT_CLOSED;
        if (out.kind == TG_PEER_OUT_SEND)
            (void)tg_udp_send(h->udp, &out.addr, out.bytes.data, out.bytes.len);
        if (out.kind == TG_PEER_OUT_RTCP)
            note_rtcp(h, out.bytes);
    }
    (void)tg_udp_flush(h->udp);
}

/* Takes what came, within wait_ms. */
static void host_turn(struct host *h, int wait_ms)
{
    struct pollfd p = {.fd = tg_udp_fd(h->udp), .events = POLLIN};
    const struct tg_udp_packet *packets;
    size_t n;

    host_drain(h);
    (void)poll(&p, 1, wait_ms);
    n = tg_udp_receive(h->udp, &packets);
    for (size_t i = 0; i < n; i++) {
        (void)tg_peer_input(h->peer, tg_clock_mono(), &packets[i].from, packets[i].bytes,
                            packets[i].len);
        host_drain(h);
    }
    tg_peer_tick(h->peer, tg_clock_mono());
    host_drain(h);
}

static void host_until(struct host *h, const bool *flag)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * MS;

    while (!*flag && tg_clock_mono() < end)
        host_turn(h, 5);
    assert_true(*flag);
}

/* Until the show's number is at least so much. */
static void host_until_count(struct host *h, const unsigned *value, unsigned want)
{
    const tg_us end = tg_clock_mono() + PATIENCE_MS * MS;

    while (locked(&h->world->rec, value) < want && tg_clock_mono() < end)
        host_turn(h, 5);
    assert_in_range(locked(&h->world->rec, value), want, UINT32_MAX);
}

static void host_open(struct host *h, struct world *w, const struct offer *o)
{
    host_prepare(h, w);
    host_post(h, o);
    host_until(h, &h->connected);
}

static void host_free(struct host *h)
{
    tg_peer_free(h->peer);
    tg_dtls_ctx_free(h->ctx);
    tg_udp_free(h->udp);
}

/* --- what the host sends ---------------------------------------------------------------------- */

static tg_us media_now(const struct host *h)
{
    return tg_clock_mono() - h->world->epoch_us;
}

static uint32_t rtp_time(const struct encoding *e, bool audio, tg_us media_us)
{
    return e->ts_base + (uint32_t)(audio ? media_us * 6 / 125 : media_us * 9 / 100);
}

static void send_packet(struct host *h, unsigned index, bool marker, tg_us media_us,
                        struct tg_span payload)
{
    struct encoding *e = &h->encodings[index];
    bool audio = index == 3;
    const uint8_t level = 0x80 | 20; /* voice, -20 dBov */
    const struct tg_rtp rtp = {.pt = audio ? PT_AUDIO : PT_VIDEO,
                               .marker = marker,
                               .seq = e->seq++,
                               .ts = rtp_time(e, audio, media_us),
                               .ssrc = e->ssrc};
    struct tg_rtp_ext ext = {.id = 1, .len = 1, .data = &level};
    uint8_t header[TG_RTP_HEADER_MAX];
    struct tg_wr w = tg_wr(header, sizeof(header));
    uint8_t out[1500];
    size_t len = 0;

    if (e->rid != NULL)
        ext = (struct tg_rtp_ext){10, (uint8_t)strlen(e->rid), (const uint8_t *)e->rid};
    tg_rtp_write_header(&w, &rtp, &ext, audio || e->rid != NULL ? 1 : 0);
    const struct tg_srtp_plain in = {.header = tg_span(header, tg_wr_len(&w)), .payload = payload};

    assert_false(w.bad);
    assert_int_equal(tg_srtp_tx_protect(tg_peer_tx(h->peer), &in, out, sizeof(out), &len), TG_OK);
    assert_true(tg_udp_send(h->udp, tg_peer_remote(h->peer), out, len));
    assert_true(tg_udp_flush(h->udp));
}

static void put_bits(uint8_t *out, unsigned *at, uint32_t value, unsigned bits)
{
    for (unsigned i = bits; i > 0; i--, (*at)++)
        out[*at / 8] |= (uint8_t)((value >> (i - 1) & 1U) << (7 - *at % 8));
}

static void put_ue(uint8_t *out, unsigned *at, uint32_t value)
{
    unsigned bits = 0;

    while ((value + 1) >> (bits + 1) != 0)
        bits++;
    put_bits(out, at, 0, bits);
    put_bits(out, at, value + 1, bits + 1);
}

/* A baseline SPS of that size; too small to need emulation prevention. */
static size_t make_sps(uint8_t out[32], unsigned mbs_wide, unsigned mbs_high)
{
    unsigned at = 32;

    memset(out, 0, 32);
    out[0] = 0x67;
    out[1] = 66;
    out[2] = 0xe0;
    out[3] = 31;
    put_ue(out, &at, 0); /* id */
    put_ue(out, &at, 0); /* log2_max_frame_num - 4 */
    put_ue(out, &at, 2); /* picture order = decoding order */
    put_ue(out, &at, 1); /* reference frames */
    put_bits(out, &at, 0, 1);
    put_ue(out, &at, mbs_wide - 1);
    put_ue(out, &at, mbs_high - 1);
    put_bits(out, &at, 1, 1); /* frame_mbs_only */
    put_bits(out, &at, 1, 1);
    put_bits(out, &at, 0, 2); /* no cropping, no VUI */
    put_bits(out, &at, 1, 1);
    return (at + 7) / 8;
}

struct picture {
    uint8_t sps[32];
    uint8_t slice[3000];
    struct tg_span nals[3];
    size_t count;
    uint8_t au[4096]; /* as the show must get it */
    size_t au_len;
};

static const uint8_t pps[] = {0x68, 0xce, 0x3c, 0x80};

static void make_picture(struct picture *p, struct tg_rng *rng, const struct encoding *e, bool key,
                         bool b_slice)
{
    struct tg_wr w = tg_wr(p->au, sizeof(p->au));
    size_t slice_len = key ? sizeof(p->slice) : 400;

    p->count = 0;
    if (key) {
        p->nals[p->count++] = tg_span(p->sps, make_sps(p->sps, e->mbs_wide, e->mbs_high));
        p->nals[p->count++] = tg_span(pps, sizeof(pps));
    }
    tg_rng_bytes(rng, p->slice, slice_len);
    p->slice[0] = key ? 0x65 : 0x41;
    p->slice[1] = key ? 0x88 : b_slice ? 0xa0 : 0xe0; /* first_mb 0, then I, B or P */
    p->nals[p->count++] = tg_span(p->slice, slice_len);
    for (size_t i = 0; i < p->count; i++) {
        tg_wr_u32(&w, (uint32_t)p->nals[i].len);
        tg_wr_bytes(&w, p->nals[i].data, p->nals[i].len);
    }
    p->au_len = tg_wr_len(&w);
}

static void send_picture(struct host *h, unsigned index, tg_us media_us, struct picture *p)
{
    static struct tg_h264_pack pack;
    uint8_t payload[1200];
    bool marker = false;
    struct tg_wr w = tg_wr(payload, sizeof(payload));

    assert_int_equal(tg_h264_pack_init(&pack, p->nals, p->count, NULL, 1100), TG_OK);
    while (tg_h264_pack_next(&pack, &w, &marker)) {
        send_packet(h, index, marker, media_us, tg_span(payload, tg_wr_len(&w)));
        w = tg_wr(payload, sizeof(payload));
    }
}

static void send_frame(struct host *h, unsigned index, bool key, tg_us media_us)
{
    static struct picture p;

    make_picture(&p, &h->rng, &h->encodings[index], key, false);
    send_picture(h, index, media_us, &p);
}

/* A sender report whose wall clock is what the media clock says and a constant. */
static void send_report(struct host *h, unsigned index, tg_us media_us)
{
    const struct encoding *e = &h->encodings[index];
    const struct tg_rtcp_sr sr = {.ntp = tg_ntp_from_wall(1790000000 * S + media_us),
                                  .rtp_ts = rtp_time(e, index == 3, media_us)};
    uint8_t packet[256];
    struct tg_wr w = tg_wr(packet, sizeof(packet));
    size_t len = 0;

    tg_rtcp_write_sr(&w, e->ssrc, &sr, NULL, 0);
    tg_rtcp_write_cname(&w, e->ssrc, "h");
    assert_false(w.bad);
    assert_int_equal(
        tg_srtp_tx_protect_rtcp(tg_peer_tx(h->peer), packet, tg_wr_len(&w), sizeof(packet), &len),
        TG_OK);
    assert_true(tg_udp_send(h->udp, tg_peer_remote(h->peer), packet, len));
    assert_true(tg_udp_flush(h->udp));
}

static const struct offer both = {.video = true, .audio = true};
static const struct offer video_only = {.video = true};

/* --- cases ------------------------------------------------------------------------------------ */

static void expect_bytes(const struct tg_au *au, const uint8_t *bytes, size_t len)
{
    assert_int_equal(au->data->len, len);
    assert_memory_equal(au->data->data, bytes, len);
}

static void test_whip_frames_arrive_bit_exact_and_in_step(void **state)
{
    static struct world w;
    static struct host h;
    static struct picture pictures[20];
    static const uint8_t opus[] = {0x78, 1, 2, 3, 4, 5};
    tg_us captured[20];

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &both);
    assert_non_null(strstr(h.answer, "x-google-start-bitrate=2500"));
    assert_string_equal(h.publisher, "w0-1");
    /* Before video: dropped. */
    send_packet(&h, 3, true, media_now(&h) - 70 * MS, tg_span(opus, sizeof(opus)));
    host_turn(&h, 30);
    for (unsigned i = 0; i < 20; i++) {
        tg_us now = media_now(&h);

        captured[i] = now - 70 * MS; /* a camera and an encoder take their time */
        make_picture(&pictures[i], &h.rng, &h.encodings[0], i % 10 == 0, false);
        send_picture(&h, 0, captured[i], &pictures[i]);
        send_packet(&h, 3, false, captured[i], tg_span(opus, sizeof(opus)));
        host_turn(&h, 20);
    }
    host_until_count(&h, &w.rec.count, 41); /* set-up, 20 pictures, 20 sounds */
    assert_string_equal(w.rec.publisher, "w0-1");
    assert_true(w.rec.aus[0].config && w.rec.aus[0].layer == 0);
    struct tg_avcc avcc;
    assert_int_equal(tg_avcc_parse(&avcc, w.rec.aus[0].data->data, w.rec.aus[0].data->len), TG_OK);
    assert_int_equal(avcc.nal_len_size, 4);
    assert_memory_equal(avcc.sps[0].data, pictures[0].sps, avcc.sps[0].len);
    unsigned video = 0;
    unsigned audio = 0;
    tg_us first_shift = w.rec.aus[1].pts_us - captured[0];
    for (unsigned i = 1; i < w.rec.count; i++) {
        const struct tg_au *au = &w.rec.aus[i];

        assert_false(au->config); /* the second keyframe brings the same sets */
        assert_int_equal(au->pts_us, au->dts_us);
        if (au->track == TG_TRACK_VIDEO) {
            assert_int_equal(au->codec, TG_CODEC_H264);
            expect_bytes(au, pictures[video].au, pictures[video].au_len);
            assert_int_equal(au->key, video % 10 == 0);
            /* Without a report only the steps are known. */
            assert_true(llabs(au->pts_us - captured[video] - first_shift) < 5 * MS);
            video++;
        } else {
            assert_int_equal(au->codec, TG_CODEC_OPUS);
            expect_bytes(au, opus, sizeof(opus));
            assert_true(llabs(au->pts_us - captured[audio] - first_shift) < 20 * MS);
            audio++;
        }
    }
    assert_int_equal(video, 20);
    assert_int_equal(audio, 20);
    host_free(&h);
    world_stop(&w);
}

/* The report says when a frame was captured, whatever its own way through the encoder took. */
static void test_whip_media_time_is_capture_time_by_the_report(void **state)
{
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h)); /* the receiver knows the stream from here on */
    host_until_count(&h, &w.rec.count, 2);
    send_report(&h, 0, media_now(&h)); /* says: this RTP time is now */
    host_turn(&h, 30);
    for (unsigned i = 0; i < 60; i++) {
        send_frame(&h, 0, false, media_now(&h) - 90 * MS);
        host_turn(&h, 10);
    }
    host_until_count(&h, &w.rec.count, 62);
    tg_us sent = media_now(&h);
    send_frame(&h, 0, false, sent - 90 * MS);
    host_until_count(&h, &w.rec.count, 63);
    assert_true(llabs(w.rec.aus[62].pts_us - (sent - 90 * MS)) < 60 * MS);
    for (unsigned i = 2; i < 63; i++)
        assert_true(w.rec.aus[i].dts_us > w.rec.aus[i - 1].dts_us);
    host_free(&h);
    world_stop(&w);
}

/* Thousands of frames a second: whoever takes over must not have to wait for real time. */
static void test_whip_flood_of_frames_does_not_run_ahead_of_the_clock(void **state)
{
    static struct world w;
    static struct host h;
    static const uint8_t slice[] = {0x41, 0xe0, 1};
    tg_us ahead = INT64_MIN;
    tg_us from;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    from = media_now(&h);
    send_frame(&h, 0, true, from);
    host_until_count(&h, &w.rec.count, 2);
    for (unsigned i = 1; i <= 3000; i++) {
        send_packet(&h, 0, true, from + i * 100, tg_span(slice, sizeof(slice)));
        if (i % 50 == 0)
            host_turn(&h, 2);
    }
    host_turn(&h, 200);
    (void)pthread_mutex_lock(&w.rec.lock);
    for (unsigned i = 0; i < w.rec.count; i++)
        ahead = TG_MAX(ahead, w.rec.aus[i].dts_us - media_now(&h));
    (void)pthread_mutex_unlock(&w.rec.lock);
    print_message("ahead by %lld us\n", (long long)ahead);
    assert_true(ahead <= 250 * MS);
    host_free(&h);
    world_stop(&w);
}

static void test_whip_taken_over_publisher_is_closed_though_it_is_silent(void **state)
{
    static struct world w;
    static struct host h;
    tg_us began;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 2);
    set(&w.rec, &w.rec.taken_over);
    began = tg_clock_mono();
    host_until(&h, &h.closed);
    assert_true(tg_clock_mono() - began < 1 * S);
    host_until_count(&h, &w.rec.closed, 1);
    assert_int_equal(w.rec.notice[0], '\0'); /* the desk knows it from the show */
    host_free(&h);
    world_stop(&w);
}

static void test_whip_key_wish_of_the_show_becomes_a_pli(void **state)
{
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 2);
    assert_int_equal(h.plis[0], 0);
    (void)pthread_mutex_lock(&w.rec.lock);
    w.rec.key_layers = 1U << 0 | 1U << 1; /* of layer 1 there is nothing: no harm */
    (void)pthread_mutex_unlock(&w.rec.lock);
    host_until_count(&h, &h.plis[0], 1);
    assert_int_equal(h.pli_total, h.plis[0]);
    host_free(&h);
    world_stop(&w);
}

/* No picture is better than a torn one: after a frame that the show could not take. */
static void test_whip_dropped_frame_waits_for_the_next_key(void **state)
{
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, false, media_now(&h)); /* before any keyframe: dropped, and asked for */
    host_until_count(&h, &h.plis[0], 1);
    assert_int_equal(locked(&w.rec, &w.rec.opened), 0);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 2);
    set(&w.rec, &w.rec.behind);
    send_frame(&h, 0, false, media_now(&h));
    unsigned before = h.plis[0];
    host_until_count(&h, &h.plis[0], before + 1);
    (void)pthread_mutex_lock(&w.rec.lock);
    w.rec.behind = false;
    (void)pthread_mutex_unlock(&w.rec.lock);
    send_frame(&h, 0, false, media_now(&h));
    host_turn(&h, 50);
    assert_int_equal(locked(&w.rec, &w.rec.count), 2);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 3);
    assert_true(w.rec.aus[2].key);
    host_free(&h);
    world_stop(&w);
}

static void simulcast_open(struct host *h, struct world *w)
{
    const struct offer o = {.video = true, .simulcast = true};

    host_prepare(h, w);
    h->encodings[0] = encoding(&h->rng, "l", 20, 12);
    h->encodings[1] = encoding(&h->rng, "m", 40, 23);
    h->encodings[2] = encoding(&h->rng, "h", 80, 45);
    host_post(h, &o);
    host_until(h, &h->connected);
}

/* Answers every PLI with a keyframe, for so long; encodings below `count` flow. */
static void simulcast_run(struct host *h, unsigned count, tg_us for_us)
{
    unsigned answered[3] = {h->plis[0], h->plis[1], h->plis[2]};
    const tg_us end = tg_clock_mono() + for_us;

    while (tg_clock_mono() < end) {
        tg_us now = media_now(h);

        for (unsigned e = 0; e < count; e++) {
            send_frame(h, e, h->plis[e] != answered[e], now);
            answered[e] = h->plis[e];
        }
        for (unsigned i = 0; i < 4; i++)
            host_turn(h, 8);
    }
}

/* Width of the newest frame's set-up on a layer; 0 = none. */
static unsigned layer_width(struct world *w, unsigned layer, unsigned from)
{
    struct tg_h264_sps sps = {0};
    struct tg_avcc avcc;

    for (unsigned i = from; i < w->rec.count; i++) {
        const struct tg_au *au = &w->rec.aus[i];

        if (au->config && au->layer == layer) {
            assert_int_equal(tg_avcc_parse(&avcc, au->data->data, au->data->len), TG_OK);
            assert_int_equal(tg_h264_sps_parse(&sps, avcc.sps[0]), TG_OK);
        }
    }
    return sps.width;
}

/* Frames of a layer from a record on; in *ret_gap the longest time between two. Lock held. */
static unsigned layer_frames(const struct world *w, unsigned layer, unsigned from, tg_us *ret_gap)
{
    tg_us last = -1;
    unsigned n = 0;

    *ret_gap = 0;
    for (unsigned i = 0; i < w->rec.count; i++) {
        const struct tg_au *au = &w->rec.aus[i];

        if (au->layer != layer || au->config)
            continue;
        assert_true(au->dts_us > last);
        if (i >= from && last >= 0)
            *ret_gap = TG_MAX(*ret_gap, au->dts_us - last);
        n += i >= from;
        last = au->dts_us;
    }
    return n;
}

static void test_whip_simulcast_encodings_keep_their_layers_while_the_best_pauses(void **state)
{
    static struct world w;
    static struct host h;
    unsigned from;
    tg_us gap;

    (void)state;
    world_start(&w, 0, 0);
    simulcast_open(&h, &w);
    for (unsigned e = 0; e < 3; e++)
        send_frame(&h, e, true, media_now(&h));
    simulcast_run(&h, 3, 2500 * MS);
    (void)pthread_mutex_lock(&w.rec.lock);
    assert_int_equal(w.rec.encodings, 3);
    assert_int_equal(layer_width(&w, 0, 0), 1280);
    assert_int_equal(layer_width(&w, 1, 0), 640);
    assert_int_equal(layer_width(&w, 2, 0), 320);
    (void)pthread_mutex_unlock(&w.rec.lock);
    simulcast_run(&h, 2, 100 * MS); /* the best one pauses; what of it was under way arrives */
    (void)pthread_mutex_lock(&w.rec.lock);
    from = w.rec.count;
    (void)pthread_mutex_unlock(&w.rec.lock);
    simulcast_run(&h, 2, 2000 * MS);
    (void)pthread_mutex_lock(&w.rec.lock);
    assert_int_equal(layer_frames(&w, 0, from, &gap), 0);
    for (unsigned layer = 1; layer < 3; layer++) {
        assert_int_equal(layer_width(&w, layer, from), 0); /* nothing new */
        assert_in_range(layer_frames(&w, layer, from, &gap), 20, 100);
        assert_true(gap < 400 * MS);
    }
    from = w.rec.count;
    (void)pthread_mutex_unlock(&w.rec.lock);
    simulcast_run(&h, 3, 2000 * MS); /* it comes back */
    (void)pthread_mutex_lock(&w.rec.lock);
    for (unsigned layer = 0; layer < 3; layer++) {
        assert_int_equal(layer_width(&w, layer, from), 0);
        assert_in_range(layer_frames(&w, layer, from, &gap), 20, 100);
    }
    (void)pthread_mutex_unlock(&w.rec.lock);
    host_free(&h);
    world_stop(&w);
}

static void test_whip_revoked_token_ends_the_session(void **state)
{
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 2);
    set(&w.rec, &w.rec.revoked);
    host_until(&h, &h.closed);
    host_until_count(&h, &w.rec.closed, 1);
    assert_non_null(strstr(w.rec.notice, "revoked"));
    host_free(&h);
    world_stop(&w);
}

static void test_whip_delete_closes_the_source(void **state)
{
    static struct world w;
    static struct host h;
    struct tg_rtc_req *req;
    struct tg_rtc_reply *reply;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 2);
    req = new_req(&w, TG_RTC_DELETE);
    memcpy(req->session, h.session, sizeof(req->session));
    reply = ask(&w, req);
    assert_int_equal(reply->err, TG_OK);
    tg_msg_free(reply);
    host_until_count(&h, &w.rec.closed, 1);
    host_until(&h, &h.closed);
    host_free(&h);
    world_stop(&w);
}

static void test_whip_line_that_is_gone_ends_after_the_grace(void **state)
{
    static struct world w;
    static struct host h;
    tg_us began;

    (void)state;
    world_start(&w, 0, 1500 * MS);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    host_until_count(&h, &w.rec.count, 2);
    began = tg_clock_mono();
    while (locked(&w.rec, &w.rec.closed) == 0 && tg_clock_mono() - began < 6 * S)
        (void)poll(NULL, 0, 10);
    assert_int_equal(locked(&w.rec, &w.rec.closed), 1);
    assert_in_range(tg_clock_mono() - began, 500 * MS, 4 * S);
    host_free(&h);
    world_stop(&w);
}

/* The host's checks go on, but nothing is sent. */
static void test_whip_session_without_media_ends_after_the_grace(void **state)
{
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 4 * S); /* longer than the host's checks are apart */
    host_open(&h, &w, &video_only);
    host_until(&h, &h.closed);
    assert_int_equal(locked(&w.rec, &w.rec.opened), 0);
    host_free(&h);
    world_stop(&w);
}

static void test_whip_sound_alone_opens_the_show(void **state)
{
    static const struct offer o = {.audio = true};
    static const uint8_t opus[] = {0x78, 9, 9};
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &o);
    send_packet(&h, 3, true, media_now(&h), tg_span(opus, sizeof(opus)));
    host_until_count(&h, &w.rec.count, 1);
    assert_int_equal(w.rec.aus[0].track, TG_TRACK_AUDIO);
    host_free(&h);
    world_stop(&w);
}

static void test_whip_bframes_are_refused_in_plain_words(void **state)
{
    static struct world w;
    static struct host h;
    static struct picture p;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    make_picture(&p, &h.rng, &h.encodings[0], false, true);
    send_picture(&h, 0, media_now(&h), &p);
    host_until(&h, &h.closed);
    assert_non_null(strstr(w.rec.notice, "B-frames"));
    host_free(&h);
    world_stop(&w);
}

static void test_whip_show_that_is_gone_ends_the_session(void **state)
{
    static struct world w;
    static struct host h;

    (void)state;
    world_start(&w, 0, 0);
    w.rec.refuse_open = true;
    host_open(&h, &w, &video_only);
    send_frame(&h, 0, true, media_now(&h));
    host_until(&h, &h.closed);
    assert_non_null(strstr(w.rec.notice, "does not exist"));
    host_free(&h);
    world_stop(&w);
}

static void test_whip_uplink_is_told_every_second(void **state)
{
    static const uint8_t opus[] = {0x78, 1, 2, 3, 4, 5};
    static struct world w;
    static struct host h;
    const tg_us end = tg_clock_mono() + 3500 * MS;

    (void)state;
    world_start(&w, 0, 0);
    host_open(&h, &w, &both);
    for (unsigned i = 0; tg_clock_mono() < end; i++) {
        tg_us now = media_now(&h);

        send_frame(&h, 0, i % 25 == 0, now);
        if (i % 20 == 7)
            h.encodings[0].seq++; /* a packet that never existed: lost for good */
        send_packet(&h, 3, i == 0, now, tg_span(opus, sizeof(opus)));
        while (media_now(&h) < now + 40 * MS)
            host_turn(&h, 5);
    }
    (void)pthread_mutex_lock(&w.rec.lock);
    assert_in_range(w.rec.uplinks, 2, 4); /* a busy machine may skip one */
    assert_int_equal(w.rec.uplink.show, SHOW);
    assert_int_equal(w.rec.uplink.kind, TG_SOURCE_WHIP);
    assert_string_equal(w.rec.uplink.publisher, h.publisher);
    assert_int_equal(w.rec.uplink.width, 1280);
    assert_int_equal(w.rec.uplink.height, 720);
    assert_in_range(w.rec.uplink.video_bps, 50000, 1000000);
    assert_in_range(w.rec.uplink.audio_bps, 500, 2500);
    assert_int_equal(w.rec.uplink.audio_dbov, -20);
    assert_in_range(w.rec.uplink.loss_permille, 5, 200);
    (void)pthread_mutex_unlock(&w.rec.lock);
    host_free(&h);
    world_stop(&w);
}

static tg_err refusal(struct world *w, const char *sdp, char *ret_detail, size_t size)
{
    struct tg_rtc_req *req = new_req(w, TG_RTC_WHIP_OFFER);
    struct tg_rtc_reply *reply;

    req->sdp = sdp == NULL ? NULL : tg_slab_copy(sdp, strlen(sdp));
    reply = ask(w, req);
    const tg_err err = reply->err;
    tg_str_cut(ret_detail, size, reply->detail);
    assert_null(reply->sdp);
    tg_msg_free(reply);
    return err;
}

static void test_whip_offers_are_refused_with_a_reason(void **state)
{
    static struct world w;
    static struct host h;
    static struct host late;
    char detail[128];
    struct tg_buf text;

    (void)state;
    world_start(&w, 1, 0);
    assert_int_equal(refusal(&w, NULL, detail, sizeof(detail)), TG_ERR_MALFORMED);
    assert_int_not_equal(detail[0], '\0');
    assert_int_equal(refusal(&w, "v=0\r\nnonsense", detail, sizeof(detail)), TG_ERR_MALFORMED);
    assert_int_not_equal(detail[0], '\0');
    host_open(&h, &w, &video_only); /* the one place is taken */
    host_prepare(&late, &w);
    tg_buf_init(&text, TG_SDP_MAX);
    write_offer(&text, &late, &both);
    assert_int_equal(refusal(&w, tg_buf_cstr(&text), detail, sizeof(detail)), TG_ERR_LIMIT);
    assert_non_null(strstr(detail, "as many publishers"));
    tg_buf_done(&text);
    host_free(&late);
    host_free(&h);
    world_stop(&w);
}

static void test_whip_one_show_does_not_take_all_places(void **state)
{
    static struct world w;
    static struct host hosts[5];
    char detail[128];
    struct tg_buf text;

    (void)state;
    world_start(&w, 8, 0);
    for (unsigned i = 0; i < 4; i++) {
        host_prepare(&hosts[i], &w);
        host_post(&hosts[i], &video_only);
    }
    host_prepare(&hosts[4], &w);
    tg_buf_init(&text, TG_SDP_MAX);
    write_offer(&text, &hosts[4], &video_only);
    assert_int_equal(refusal(&w, tg_buf_cstr(&text), detail, sizeof(detail)), TG_ERR_LIMIT);
    assert_non_null(strstr(detail, "this show has as many publishers"));
    tg_buf_done(&text);
    for (unsigned i = 0; i < 5; i++)
        host_free(&hosts[i]);
    world_stop(&w);
}

static void test_whip_new_refuses_more_than_it_can_hold(void **state)
{
    struct tg_whip *whip = NULL;
    struct tg_whip_cfg cfg = {.workers = 0};

    (void)state;
    assert_int_equal(tg_whip_new(&whip, &cfg), TG_ERR_LIMIT);
    cfg.workers = TG_WHIP_WORKERS_MAX + 1;
    assert_int_equal(tg_whip_new(&whip, &cfg), TG_ERR_LIMIT);
    cfg.workers = 1;
    cfg.publishers_max = TG_WHIP_PUBLISHERS_MAX + 1;
    assert_int_equal(tg_whip_new(&whip, &cfg), TG_ERR_LIMIT);
    cfg.publishers_max = 0;
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_whip_new(&whip, &cfg), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    tg_whip_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whip_frames_arrive_bit_exact_and_in_step),
        cmocka_unit_test(test_whip_media_time_is_capture_time_by_the_report),
        cmocka_unit_test(test_whip_flood_of_frames_does_not_run_ahead_of_the_clock),
        cmocka_unit_test(test_whip_taken_over_publisher_is_closed_though_it_is_silent),
        cmocka_unit_test(test_whip_key_wish_of_the_show_becomes_a_pli),
        cmocka_unit_test(test_whip_dropped_frame_waits_for_the_next_key),
        cmocka_unit_test(test_whip_simulcast_encodings_keep_their_layers_while_the_best_pauses),
        cmocka_unit_test(test_whip_revoked_token_ends_the_session),
        cmocka_unit_test(test_whip_delete_closes_the_source),
        cmocka_unit_test(test_whip_line_that_is_gone_ends_after_the_grace),
        cmocka_unit_test(test_whip_session_without_media_ends_after_the_grace),
        cmocka_unit_test(test_whip_sound_alone_opens_the_show),
        cmocka_unit_test(test_whip_bframes_are_refused_in_plain_words),
        cmocka_unit_test(test_whip_show_that_is_gone_ends_the_session),
        cmocka_unit_test(test_whip_uplink_is_told_every_second),
        cmocka_unit_test(test_whip_offers_are_refused_with_a_reason),
        cmocka_unit_test(test_whip_one_show_does_not_take_all_places),
        cmocka_unit_test(test_whip_new_refuses_more_than_it_can_hold),
    };

    tg_log_set_level(TG_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
