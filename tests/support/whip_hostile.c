/*
 * whip_hostile.c - a WHIP publisher that means harm: it gets a session in good order and then sends
 * what no publisher should.
 *
 *   whip_hostile --http 127.0.0.1:8080 --show hostile --token T --mode gaps [--seconds 3]
 *                [--rate 2000] [--posts 100] [--seed 7] [--no-delete]
 *
 * --mode is a name of the table below. --rate is packets a second. One JSON line at the end. Exit
 * code 0 when the attack was made as told: the session came to be (but for the modes that never
 * want one) and packets were sent. What the server did about it is for the caller to judge.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/str.h"
#include "net/loop.h"
#include "proto/ice_lite.h"
#include "proto/rtcp.h"
#include "proto/sdp.h"
#include "rtc/peer.h"
#include "support/lib/http_once.h"
#include "support/lib/many_udp.h"

enum {
    TICK_US = 5 * TG_US_PER_MS,
    PACKET_MAX = 1400,
    PT_AUDIO = 111,
    PT_VIDEO = 102,
    PT_RTX = 103,
    EXT_MID = 4, /* ids of the offer below */
    EXT_RID = 10,
    EXT_TWCC = 3,
    SSRC_AUDIO = 0x0a0a0a0a,
    SSRC_VIDEO = 0x0b0b0b0b,
    SSRC_RTX = 0x0c0c0c0c,
    JOIN_US_MAX = 10 * TG_US_PER_S,
};

struct attack {
    /* from the command line */
    struct tg_addr http;
    char show[TG_SHOW_ID_MAX + 1];
    char token[128];
    const struct mode *mode;
    tg_us seconds_us;
    unsigned rate;
    unsigned posts;
    bool send_delete;

    struct tg_loop *loop;
    struct tg_watch watch;
    struct tg_timer timer;
    struct many_udp *udp;
    struct tg_dtls_ctx *dtls;
    struct tg_rng rng;
    struct tg_sdp *sdp;
    struct tg_peer *peer;
    char ufrag[TG_ICE_LOCAL_UFRAG + 1];
    char pwd[TG_ICE_LOCAL_PWD + 1];
    char location[256];
    unsigned http_open;
    tg_us began;
    tg_us connected_at; /* 0 = not yet */
    tg_us now;
    uint64_t n; /* packets made: modes count with it */
    uint64_t credit_us;
    uint16_t seq;
    uint16_t twcc;
    uint32_t ts;
    /* the result */
    unsigned posted;
    unsigned created;
    unsigned refused;
    int last_status;
    int deleted;
    uint64_t sent;
    uint64_t not_sent;
    uint64_t rtcp_got;
    const char *closed; /* why the peer ended, "" = it did not */
};

struct mode {
    const char *name;
    void (*make)(struct attack *a); /* one packet; NULL: none is sent */
    bool stop_at_dtls;              /* never a ClientHello */
    bool posts_only;                /* --posts offers, nobody connects */
};

static struct attack the_attack;

/* --- packets ---------------------------------------------------------------------------------- */

static void send_rtp(struct attack *a, uint8_t *packet, size_t len)
{
    size_t out = 0;

    if (tg_srtp_protect_rtp(tg_peer_srtp(a->peer), packet, len, PACKET_MAX + 64, &out) == TG_OK &&
        many_udp_send(a->udp, 1, tg_peer_remote(a->peer), packet, out))
        a->sent++;
    else
        a->not_sent++;
}

static void send_rtcp(struct attack *a, uint8_t *packet, size_t len)
{
    size_t out = 0;

    if (tg_srtp_tx_protect_rtcp(tg_peer_tx(a->peer), packet, len, PACKET_MAX + 64, &out) == TG_OK &&
        many_udp_send(a->udp, 1, tg_peer_remote(a->peer), packet, out))
        a->sent++;
    else
        a->not_sent++;
}

struct rtp_like {
    uint8_t pt;
    bool marker;
    uint16_t seq;
    uint32_t ts;
    uint32_t ssrc;
    const char *rid; /* NULL = no such extension */
};

/* Header with one-byte extensions (RFC 8285 s4.2): transport-wide sequence and, perhaps, rid. */
static void write_header(struct attack *a, struct tg_wr *w, const struct rtp_like *h)
{
    size_t rid = h->rid != NULL ? strlen(h->rid) : 0;
    size_t used = 3 + (rid > 0 ? 1 + rid : 0);

    tg_wr_u8(w, 0x90);
    tg_wr_u8(w, (uint8_t)(h->pt | (h->marker ? 0x80 : 0)));
    tg_wr_u16(w, h->seq);
    tg_wr_u32(w, h->ts);
    tg_wr_u32(w, h->ssrc);
    tg_wr_u16(w, 0xbede);
    tg_wr_u16(w, (uint16_t)((used + 3) / 4));
    tg_wr_u8(w, EXT_TWCC << 4 | 1);
    tg_wr_u16(w, a->twcc++);
    if (rid > 0) {
        tg_wr_u8(w, (uint8_t)(EXT_RID << 4 | (rid - 1)));
        tg_wr_bytes(w, h->rid, rid);
    }
    for (; used % 4 != 0; used++)
        tg_wr_u8(w, 0);
}

static void send_like(struct attack *a, const struct rtp_like *h, const uint8_t *payload,
                      size_t len)
{
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);

    write_header(a, &w, h);
    tg_wr_bytes(&w, payload, len);
    if (!w.bad)
        send_rtp(a, packet, tg_wr_len(&w));
}

static void send_video(struct attack *a, uint16_t seq, bool marker, const uint8_t *payload,
                       size_t len)
{
    const struct rtp_like h = {
        .pt = PT_VIDEO, .marker = marker, .seq = seq, .ts = a->ts, .ssrc = SSRC_VIDEO};

    send_like(a, &h, payload, len);
}

/* --- the modes -------------------------------------------------------------------------------- */

static void make_random(struct attack *a)
{
    uint8_t bytes[1000];
    const struct rtp_like h = {.pt = (uint8_t)(tg_rng_u32(&a->rng) & 0x7f),
                               .marker = (a->n & 1) != 0,
                               .seq = (uint16_t)tg_rng_u32(&a->rng),
                               .ts = tg_rng_u32(&a->rng),
                               .ssrc = a->n % 3 == 0 ? SSRC_VIDEO : SSRC_AUDIO};

    if (h.pt >= 64 && h.pt <= 95)
        return; /* would be RTCP */
    tg_rng_bytes(&a->rng, bytes, sizeof(bytes));
    send_like(a, &h, bytes, (size_t)tg_rng_below(&a->rng, sizeof(bytes)));
}

/* The right stream with holes up to half the sequence space: each would be asked for again. */
static void make_gaps(struct attack *a)
{
    static const uint8_t slice[] = {0x41, 0x9a, 0x02, 0x03, 0x04};

    a->seq = (uint16_t)(a->seq + 1 + tg_rng_below(&a->rng, a->n % 4 == 0 ? 30000 : 400));
    a->twcc = (uint16_t)(a->twcc + tg_rng_below(&a->rng, 20000));
    a->ts += 3000;
    send_video(a, a->seq, true, slice, sizeof(slice));
}

/* A stream of its own for each packet. */
static void make_ssrcs(struct attack *a)
{
    static const uint8_t slice[] = {0x65, 0x88, 0x84};
    const struct rtp_like h = {.pt = a->n % 2 == 0 ? PT_VIDEO : PT_AUDIO,
                               .marker = true,
                               .seq = 1,
                               .ts = a->ts,
                               .ssrc = 0x10000000U + (uint32_t)a->n};

    send_like(a, &h, slice, sizeof(slice));
}

static void make_rids(struct attack *a)
{
    static const uint8_t slice[] = {0x65, 0x88, 0x84};
    char rid[12];
    const struct rtp_like h = {.pt = PT_VIDEO,
                               .marker = true,
                               .seq = 1,
                               .ts = a->ts,
                               .ssrc = 0x20000000U + (uint32_t)a->n,
                               .rid = rid};

    tg_str_printf(rid, sizeof(rid), "r%x", (unsigned)a->n);
    send_like(a, &h, slice, sizeof(slice));
}

/* Repairs of what was never sent, or for the thousandth time (RFC 4588 s4). */
static void make_rtx(struct attack *a)
{
    uint8_t payload[1100] = {0};
    struct tg_wr w = tg_wr(payload, sizeof(payload));
    const struct rtp_like h = {.pt = PT_RTX, .seq = a->seq++, .ts = a->ts, .ssrc = SSRC_RTX};

    tg_wr_u16(&w, (uint16_t)(a->n % 3 == 0 ? 7 : tg_rng_u32(&a->rng)));
    tg_wr_u8(&w, 0x41);
    send_like(a, &h, payload, a->n % 10 == 0 ? 1 : sizeof(payload));
    if (a->n % 50 == 0)
        send_video(a, (uint16_t)(a->n / 50), true, payload, 20);
}

/* One frame without an end: FU-A fragments (RFC 6184 s5.8) of one time, past TG_FRAME_SIZE_MAX. */
static void make_oversize(struct attack *a)
{
    uint8_t payload[1200] = {0x7c, 0x05};

    if (a->n % 20000 == 0)
        payload[1] = 0x85; /* start */
    send_video(a, a->seq++, false, payload, sizeof(payload));
}

/* Thousands of tiny fragments and aggregates that lie about their lengths. */
static void make_payloads(struct attack *a)
{
    static const uint8_t lies[][8] = {
        {0x78, 0xff, 0xff, 0x65, 0x01},       /* STAP-A: 65,535 bytes in 3 */
        {0x78, 0x00, 0x00, 0x00, 0x00},       /* STAP-A of nothing */
        {0x7c, 0xc5, 0x00, 0x00},             /* FU-A: start and end at once */
        {0x7c, 0x45, 0x00},                   /* FU-A: an end without a start */
        {0x67, 0xff, 0xff, 0xff, 0xff, 0xff}, /* a broken SPS */
        {0x68, 0x00},                         /* a broken PPS */
        {0x65},                               /* an IDR slice of nothing */
        {0x1f, 0x00},                         /* reserved */
    };

    a->ts += a->n % 7 == 0 ? 3000 : 0;
    send_video(a, a->seq++, a->n % 3 == 0, lies[a->n % TG_ARRAY_LEN(lies)], a->n % 8);
}

/* Sender reports whose clock leaps (RFC 3550 s6.4.1), and one frame now and then to map. */
static void make_reports(struct attack *a)
{
    static const uint8_t slice[] = {0x41, 0x9a, 0x02};
    static const uint64_t mad[] = {0, UINT64_MAX, 1, 1ULL << 63, 0x00000000ffffffff};
    const struct tg_rtcp_sr sr = {.ntp = a->n % 6 == 5 ? tg_rng_u64(&a->rng)
                                                       : mad[a->n % TG_ARRAY_LEN(mad)],
                                  .rtp_ts = tg_rng_u32(&a->rng),
                                  .packets = UINT32_MAX,
                                  .bytes = UINT32_MAX};
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);

    tg_rtcp_write_sr(&w, a->n % 2 == 0 ? SSRC_VIDEO : SSRC_AUDIO, &sr, NULL, 0);
    tg_rtcp_write_cname(&w, SSRC_VIDEO, "hostile");
    if (!w.bad)
        send_rtcp(a, packet, tg_wr_len(&w));
    a->ts += tg_rng_u32(&a->rng); /* RTP time leaps as well */
    send_video(a, a->seq++, true, slice, sizeof(slice));
}

/* A publisher that asks for repairs and keyframes of what it does not receive. */
static void make_feedback(struct attack *a)
{
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);
    uint16_t seqs[200];

    for (size_t i = 0; i < TG_ARRAY_LEN(seqs); i++)
        seqs[i] = (uint16_t)(i * 17 + a->n);
    tg_rtcp_write_rr(&w, SSRC_VIDEO, NULL, 0);
    tg_rtcp_write_nack(&w, SSRC_VIDEO, tg_rng_u32(&a->rng), seqs, TG_ARRAY_LEN(seqs));
    for (unsigned i = 0; i < 20; i++)
        tg_rtcp_write_pli(&w, SSRC_VIDEO, tg_rng_u32(&a->rng));
    tg_rtcp_write_fir(&w, SSRC_VIDEO, SSRC_VIDEO, (uint8_t)a->n);
    tg_rtcp_write_rrtr(&w, SSRC_VIDEO, tg_rng_u64(&a->rng));
    if (!w.bad)
        send_rtcp(a, packet, tg_wr_len(&w));
}

static void make_rtcp_noise(struct attack *a)
{
    uint8_t packet[PACKET_MAX + 64];
    size_t len = 8 + 4 * (size_t)tg_rng_below(&a->rng, 200);
    static const uint8_t kinds[] = {200, 201, 202, 203, 204, 205, 206, 207};

    tg_rng_bytes(&a->rng, packet, len);
    packet[0] = (uint8_t)(0x80 | (packet[0] & 0x1f));
    packet[1] = kinds[a->n % TG_ARRAY_LEN(kinds)];
    if (a->n % 2 == 0) { /* half of them with a length that is right */
        packet[2] = (uint8_t)((len / 4 - 1) >> 8);
        packet[3] = (uint8_t)(len / 4 - 1);
    }
    send_rtcp(a, packet, len);
}

/* "The stream ends", between its packets. */
static void make_byes(struct attack *a)
{
    static const uint8_t slice[] = {0x41, 0x9a, 0x02};
    const uint32_t ssrcs[] = {SSRC_VIDEO, SSRC_AUDIO};
    uint8_t packet[PACKET_MAX + 64];
    struct tg_wr w = tg_wr(packet, PACKET_MAX);

    tg_rtcp_write_rr(&w, SSRC_VIDEO, NULL, 0);
    tg_rtcp_write_bye(&w, ssrcs, TG_ARRAY_LEN(ssrcs));
    if (!w.bad)
        send_rtcp(a, packet, tg_wr_len(&w));
    a->ts += 3000;
    send_video(a, a->seq++, true, slice, sizeof(slice));
}

static const struct mode modes[] = {
    {"random", make_random, false, false},
    {"gaps", make_gaps, false, false},
    {"ssrcs", make_ssrcs, false, false},
    {"rids", make_rids, false, false},
    {"rtx", make_rtx, false, false},
    {"oversize", make_oversize, false, false},
    {"payloads", make_payloads, false, false},
    {"reports", make_reports, false, false},
    {"feedback", make_feedback, false, false},
    {"rtcp-noise", make_rtcp_noise, false, false},
    {"byes", make_byes, false, false},
    {"silent", NULL, false, false},
    {"no-dtls", NULL, true, false},
    {"posts", NULL, false, true},
};

/* --- the session ------------------------------------------------------------------------------ */

static void drain(struct attack *a, tg_us now)
{
    struct tg_peer_out out;

    while (a->peer != NULL && tg_peer_poll(a->peer, &out)) {
        switch (out.kind) {
        case TG_PEER_OUT_SEND:
            if (!a->mode->stop_at_dtls ||
                tg_peer_classify(out.bytes.data, out.bytes.len) != TG_PEER_DTLS)
                (void)many_udp_send(a->udp, 1, &out.addr, out.bytes.data, out.bytes.len);
            break;
        case TG_PEER_OUT_CONNECTED:
            a->connected_at = now;
            break;
        case TG_PEER_OUT_RTCP:
            a->rtcp_got++;
            break;
        case TG_PEER_OUT_CLOSED:
            a->closed = tg_peer_reason_name(out.reason);
            tg_peer_free(a->peer);
            a->peer = NULL;
            return;
        default:
            break;
        }
    }
}

static tg_err connect_peer(struct attack *a, const struct http_reply *reply, tg_us now)
{
    struct tg_peer_cfg cfg = {.client = true,
                              .receives =
                                  true, /* for libsrtp's session: it protects nonsense too */
                              .local_ufrag = a->ufrag,
                              .local_pwd = a->pwd,
                              .dtls_ctx = a->dtls,
                              .rng = &a->rng};
    const struct tg_sdp_media *m = &a->sdp->media[0];
    const char *reason = "";
    struct tg_addr to;
    tg_err err = tg_sdp_parse(a->sdp, reply->body, reply->body_len, &reason);

    if (err != TG_OK)
        return err;
    if (a->sdp->media_count == 0 || m->candidate_count == 0 || !m->has_fingerprint)
        return TG_ERR_MALFORMED;
    cfg.remote_ufrag = m->ice_ufrag;
    cfg.remote_pwd = m->ice_pwd;
    memcpy(cfg.remote_sha256, m->fingerprint, sizeof(cfg.remote_sha256));
    to = tg_addr_v4(127, 0, 0, 1, m->candidates[0].port);
    err = tg_peer_new(&a->peer, &cfg, now);
    if (err == TG_OK)
        tg_peer_connect(a->peer, now, &to);
    return err;
}

static void on_answer(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct attack *a = ctx;

    a->http_open--;
    a->last_status = reply->err == TG_OK ? reply->status : -(int)reply->err;
    if (reply->err != TG_OK || reply->status != 201) {
        a->refused++;
        return;
    }
    a->created++;
    if (a->mode->posts_only)
        return;
    memcpy(a->location, reply->location, sizeof(a->location));
    if (connect_peer(a, reply, now) != TG_OK)
        a->closed = "bad_answer";
    drain(a, now);
}

static void write_media(struct attack *a, struct tg_buf *out, const char *mid)
{
    const uint8_t *sha = tg_dtls_ctx_fingerprint(a->dtls);

    tg_buf_printf(out,
                  "c=IN IP4 0.0.0.0\r\na=mid:%s\r\na=sendonly\r\na=msid:h t%s\r\na=rtcp-mux\r\n"
                  "a=rtcp-rsize\r\na=setup:actpass\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
                  "a=extmap:%d http://www.ietf.org/id/"
                  "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
                  "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\na=fingerprint:sha-256 ",
                  mid, mid, a->ufrag, a->pwd, EXT_TWCC, EXT_MID);
    for (size_t i = 0; i < TG_SDP_FINGERPRINT_SIZE; i++)
        tg_buf_printf(out, "%s%02X", i > 0 ? ":" : "", sha[i]);
    tg_buf_add_str(out, "\r\n");
}

static void write_offer(struct attack *a, struct tg_buf *out)
{
    tg_buf_printf(out,
                  "v=0\r\no=- %llu 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n",
                  (unsigned long long)(tg_rng_u64(&a->rng) >> 2));
    tg_buf_printf(out, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", PT_AUDIO);
    write_media(a, out, "0");
    tg_buf_printf(out, "a=rtpmap:%d opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n",
                  PT_AUDIO, PT_VIDEO, PT_RTX);
    write_media(a, out, "1");
    tg_buf_printf(out,
                  "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                  "a=rtpmap:%d H264/90000\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\n"
                  "a=rtcp-fb:%d transport-cc\r\na=fmtp:%d level-asymmetry-allowed=1;"
                  "packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:%d rtx/90000\r\n"
                  "a=fmtp:%d apt=%d\r\n",
                  EXT_RID, PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_RTX, PT_RTX,
                  PT_VIDEO);
    if (strcmp(a->mode->name, "rids") == 0)
        tg_buf_add_str(out, "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n"
                            "a=simulcast:send q;h;f\r\n");
    else
        tg_buf_printf(out, "a=ssrc-group:FID %u %u\r\na=ssrc:%u cname:h\r\na=ssrc:%u cname:h\r\n",
                      (unsigned)SSRC_VIDEO, (unsigned)SSRC_RTX, (unsigned)SSRC_VIDEO,
                      (unsigned)SSRC_RTX);
}

static void request(struct attack *a, const char *method, const char *path,
                    const struct tg_buf *body, http_once_fn fn)
{
    struct tg_buf text;
    struct http_once *h;

    tg_buf_init(&text, 2 * TG_SDP_MAX);
    tg_buf_printf(&text,
                  "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                  "Authorization: Bearer %s\r\n%sContent-Length: %zu\r\n\r\n",
                  method, path, a->token, body != NULL ? "Content-Type: application/sdp\r\n" : "",
                  body != NULL ? body->len : 0);
    if (body != NULL)
        tg_buf_add(&text, body->data, body->len);
    if (text.err == TG_OK && http_once_start(&h, a->loop, &a->http, &text, fn, a) == TG_OK)
        a->http_open++;
    tg_buf_done(&text);
}

static void post(struct attack *a)
{
    char path[TG_SHOW_ID_MAX + 16];
    struct tg_buf offer;

    tg_buf_init(&offer, TG_SDP_MAX);
    tg_ice_credentials(&a->rng, a->ufrag, a->pwd);
    write_offer(a, &offer);
    tg_str_printf(path, sizeof(path), "/whip/%s", a->show);
    a->posted++;
    if (offer.err == TG_OK)
        request(a, "POST", path, &offer, on_answer);
    tg_buf_done(&offer);
}

static void on_deleted(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct attack *a = ctx;

    (void)now;
    a->http_open--;
    a->deleted = reply->err == TG_OK ? reply->status : -(int)reply->err;
}

/* --- the run ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void on_datagram(void *ctx, uint32_t endpoint, const struct tg_addr *from, uint8_t *bytes,
                        size_t len, tg_us wall_us)
{
    struct attack *a = ctx;

    (void)endpoint;
    (void)wall_us;
    if (a->peer == NULL)
        return;
    (void)tg_peer_input(a->peer, a->now, from, bytes, len); /* of no use: nothing follows */
    drain(a, a->now);
}

static void on_readable(void *ctx, uint32_t events, tg_us now)
{
    struct attack *a = ctx;

    (void)events;
    a->now = now;
    many_udp_receive(a->udp, on_datagram, a);
}

/* As many as the rate owes since the last tick. */
static void make_packets(struct attack *a)
{
    a->credit_us += TICK_US;
    while (a->peer != NULL && a->credit_us * a->rate >= TG_US_PER_S) {
        a->credit_us -= TG_US_PER_S / a->rate;
        a->mode->make(a);
        a->n++;
    }
}

static bool over(const struct attack *a, tg_us now)
{
    tg_us from = a->mode->posts_only || a->mode->stop_at_dtls ? a->began : a->connected_at;

    if (stop_asked != 0 || (a->closed[0] != '\0' && a->peer == NULL))
        return true;
    if (a->mode->posts_only && a->posted >= a->posts && a->http_open == 0)
        return true;
    if (from == 0)
        return now - a->began > JOIN_US_MAX || (a->refused > 0 && !a->mode->posts_only);
    return now - from >= a->seconds_us;
}

static void on_tick(void *ctx, tg_us now)
{
    struct attack *a = ctx;

    a->now = now;
    if (over(a, now)) {
        tg_loop_stop(a->loop);
        return;
    }
    if (a->mode->posts_only && a->posted < a->posts && a->http_open < 4)
        post(a);
    if (a->peer != NULL && tg_peer_deadline(a->peer, now) <= now) {
        tg_peer_tick(a->peer, now);
        drain(a, now);
    }
    if (a->peer != NULL && a->connected_at != 0 && a->mode->make != NULL)
        make_packets(a);
    if (tg_loop_timer_set(a->loop, &a->timer, now + TICK_US, on_tick, a) != TG_OK)
        tg_loop_stop(a->loop);
}

static int run(struct attack *a)
{
    tg_us now;

    a->began = tg_clock_mono();
    a->now = a->began;
    if (!a->mode->posts_only)
        post(a);
    on_tick(a, a->began);
    tg_loop_run(a->loop);
    if (a->send_delete && a->location[0] != '\0')
        request(a, "DELETE", a->location, NULL, on_deleted);
    for (now = tg_clock_mono(); a->http_open > 0 && tg_clock_mono() - now < 5 * TG_US_PER_S;)
        tg_loop_once(a->loop, 100 * TG_US_PER_MS);
    (void)printf("{\"mode\":\"%s\",\"posted\":%u,\"created\":%u,\"refused\":%u,\"status\":%d,"
                 "\"connected\":%s,\"sent\":%llu,\"not_sent\":%llu,\"rtcp_got\":%llu,"
                 "\"closed\":\"%s\",\"deleted\":%d}\n",
                 a->mode->name, a->posted, a->created, a->refused, a->last_status,
                 a->connected_at != 0 ? "true" : "false", (unsigned long long)a->sent,
                 (unsigned long long)a->not_sent, (unsigned long long)a->rtcp_got, a->closed,
                 a->deleted);
    if (a->mode->posts_only)
        return a->created > 0 ? 0 : 1;
    if (a->mode->stop_at_dtls)
        return a->created == 1 && a->connected_at == 0 ? 0 : 1;
    return a->connected_at != 0 && (a->mode->make == NULL || a->sent > 0) ? 0 : 1;
}

_Noreturn static void usage(const char *why)
{
    (void)fprintf(
        stderr,
        "whip_hostile: %s\nusage: whip_hostile --http HOST:PORT --show ID --token T "
        "--mode NAME [--seconds S] [--rate N] [--posts N] [--seed N] [--no-delete]\nmodes:",
        why);
    for (size_t i = 0; i < TG_ARRAY_LEN(modes); i++)
        (void)fprintf(stderr, " %s", modes[i].name);
    (void)fprintf(stderr, "\n");
    exit(2);
}

static int64_t number(const char *text, int64_t min, int64_t max)
{
    int64_t value = 0;

    if (tg_parse_i64(&value, text, strlen(text), min, max) != TG_OK)
        usage("a number is missing or out of range");
    return value;
}

static void parse_http(struct attack *a, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint8_t ip[4];
    char host[64];

    if (colon == NULL || tg_str_copy(host, sizeof(host), text, (size_t)(colon - text)) != TG_OK ||
        inet_pton(AF_INET, host, ip) != 1)
        usage("--http needs an IPv4 address and a port");
    a->http = tg_addr_v4(ip[0], ip[1], ip[2], ip[3], (uint16_t)number(colon + 1, 1, UINT16_MAX));
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(modes); i++)
        if (strcmp(modes[i].name, name) == 0)
            return &modes[i];
    usage("no such mode");
}

static void parse_args(int argc, char **argv, struct attack *a)
{
    static const struct option options[] = {{"http", 1, NULL, 'h'},      {"show", 1, NULL, 's'},
                                            {"token", 1, NULL, 'k'},     {"mode", 1, NULL, 'm'},
                                            {"rate", 1, NULL, 'r'},      {"posts", 1, NULL, 'p'},
                                            {"seconds", 1, NULL, 't'},   {"seed", 1, NULL, 'e'},
                                            {"no-delete", 0, NULL, 'n'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            parse_http(a, optarg);
            break;
        case 's':
            if (tg_str_copy(a->show, sizeof(a->show), optarg, strlen(optarg)) != TG_OK)
                usage("--show is too long");
            break;
        case 'k':
            if (tg_str_copy(a->token, sizeof(a->token), optarg, strlen(optarg)) != TG_OK)
                usage("--token is too long");
            break;
        case 'm':
            a->mode = find_mode(optarg);
            break;
        case 'r':
            a->rate = (unsigned)number(optarg, 1, 100000);
            break;
        case 'p':
            a->posts = (unsigned)number(optarg, 1, 100000);
            break;
        case 't':
            a->seconds_us = number(optarg, 1, 3600) * TG_US_PER_S;
            break;
        case 'e':
            a->rng = tg_rng_seeded((uint64_t)number(optarg, 0, INT64_MAX));
            break;
        case 'n':
            a->send_delete = false;
            break;
        default:
            usage("unknown option");
        }
    }
    if (a->http.port == 0 || a->show[0] == '\0' || a->mode == NULL)
        usage("--http, --show and --mode are needed");
}

int main(int argc, char **argv)
{
    struct attack *a = &the_attack;
    struct sigaction act = {.sa_handler = on_signal};
    int rc;

    *a = (struct attack){.seconds_us = 3 * (tg_us)TG_US_PER_S,
                         .rate = 2000,
                         .posts = 100,
                         .send_delete = true,
                         .closed = "",
                         .rng = tg_rng_os()};
    parse_args(argc, argv, a);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    a->sdp = tg_calloc(1, sizeof(*a->sdp));
    if (a->sdp == NULL || tg_loop_new(&a->loop) != TG_OK ||
        many_udp_new(&a->udp, 0, true) != TG_OK || tg_dtls_ctx_new(&a->dtls) != TG_OK ||
        tg_loop_watch(a->loop, &a->watch, many_udp_fd(a->udp), EPOLLIN, on_readable, a) != TG_OK) {
        (void)fprintf(stderr, "whip_hostile: cannot start\n");
        return 1;
    }
    rc = run(a);
    tg_peer_free(a->peer);
    tg_loop_unwatch(a->loop, &a->watch);
    tg_loop_free(a->loop);
    many_udp_free(a->udp);
    tg_dtls_ctx_free(a->dtls);
    tg_free(a->sdp);
    return rc;
}
