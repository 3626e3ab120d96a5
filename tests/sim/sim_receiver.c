/*
 * sim_receiver.c - the real receiver of a WHIP publisher under a virtual clock, fed by a model of a
 * browser: paced H.264 and Opus, RTX, keyframes on request, simulcast by rid, an encoder that
 * starts anew. Both directions cross a seeded bad network, RTCP included.
 *
 *     sim_receiver [--seeds N] [--seed N] [--verbose 1]     N seeds of every line, or one again
 *
 * Always: every frame that comes out is bit by bit one that went in, in order, whole, and preceded
 * by all others since the last keyframe or marked as a gap; keyframe requests keep their distance.
 * Per line: the share of frames that come out, and the longest pause.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/seq.h"
#include "base/str.h"
#include "proto/h264.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "rtc/receiver.h"
#include "support/lib/link.h"

enum {
    MS = TG_US_PER_MS,
    SEEDS_DEFAULT = 6,
    SECONDS = 30,
    FRAME_US = 33333,
    TS_STEP = 3000,
    AUDIO_US = 20 * MS,
    AUDIO_TS_STEP = 960,
    PAYLOAD = 1150,
    FRAME_BYTES_MAX = 61 * PAYLOAD,
    FRAMES_MAX = SECONDS * 31,
    HISTORY = 4096,
    QUEUE = 8192,
    ENCODINGS = 3,
    AUDIO = TG_RECEIVER_AUDIO,
    PT_VIDEO = 102,
    PT_RTX = 103,
    PT_AUDIO = 111,
    EXT_RID = 3,
    EXT_REPAIRED_RID = 4,
    EXT_TWCC = 5
};

struct line {
    const char *name;
    double loss; /* both ways */
    tg_us rtt_us;
    tg_us jitter_us;
    double reorder;
    double dup;
    tg_us outage_us;    /* all is lost for so long, every 5 s */
    bool simulcast;     /* 3 rids */
    bool no_rtx;        /* repairs on the media's own SSRC */
    bool restart;       /* a new SSRC in the middle */
    unsigned frames_pm; /* at least so many of 1000 frames come out */
    tg_us pause_max_us; /* between two frames */
};

static const struct line lines[] = {
    {"clean", 0, 20 * MS, 0, 0, 0, 0, false, false, false, 1000, 120 * MS},
    {"3 %, 100 ms", 0.03, 100 * MS, 5 * MS, 0.002, 0.002, 0, false, false, false, 950, 1000 * MS},
    {"10 %, 100 ms", 0.10, 100 * MS, 5 * MS, 0.002, 0.002, 0, false, false, false, 800, 1000 * MS},
    {"3 %, 100 ms, no RTX", 0.03, 100 * MS, 5 * MS, 0, 0, 0, false, true, false, 950, 1000 * MS},
    {"3 %, 400 ms", 0.03, 400 * MS, 10 * MS, 0, 0, 0, false, false, false, 750, 3000 * MS},
    {"5 %, 10 ms", 0.05, 10 * MS, 1 * MS, 0.002, 0, 0, false, false, false, 980, 500 * MS},
    {"reordering", 0, 60 * MS, 20 * MS, 0.05, 0.05, 0, false, false, false, 990, 250 * MS},
    {"outages", 0.005, 80 * MS, 5 * MS, 0, 0, 300 * MS, false, false, false, 850, 1200 * MS},
    {"long outages", 0.005, 80 * MS, 5 * MS, 0, 0, 2000 * MS, false, false, false, 620, 2500 * MS},
    {"simulcast", 0.03, 100 * MS, 5 * MS, 0.002, 0.002, 0, true, false, false, 950, 1000 * MS},
    {"restart", 0.01, 60 * MS, 5 * MS, 0, 0, 0, true, false, true, 930, 1200 * MS},
};

/* --- the browser --------------------------------------------------------------------------------
 */

struct sent {
    uint8_t bytes[TG_UDP_PACKET_MAX];
    uint16_t len;
    uint16_t seq;
    uint8_t encoding; /* AUDIO for audio */
    bool rtx;
    tg_us resent_at;
};

struct encoder {
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    uint16_t seq;
    uint16_t rtx_seq;
    uint32_t ts_first;
    bool key_wanted;
    bool acked; /* a report came: the rid is not repeated */
    tg_us key_at;
    uint32_t frames;           /* sent */
    uint32_t size[FRAMES_MAX]; /* of each; 0 = key bit below */
    bool key[FRAMES_MAX];
    struct sent history[HISTORY];
    /* at the receiver */
    int64_t last;
    uint32_t out;
    tg_us out_at;
    tg_us pause_us;
    tg_us pli_at;
    uint32_t plis;
    uint32_t rtx_sent;
};

struct sim {
    uint64_t seed;
    const struct line *line;
    struct tg_rng rng;
    tg_us now;
    struct tg_receiver *receiver;
    struct link up;
    struct link down;
    struct encoder *encoders; /* ENCODINGS of video, then audio */
    unsigned encodings;
    struct sent *queue; /* the pacer */
    size_t queue_head;
    size_t queue_len;
    uint16_t twcc_seq;
    bool twcc_sent[UINT16_MAX + 1];
    uint32_t twcc_told;
    tg_us frame_at;
    tg_us audio_at;
    tg_us send_at;
    tg_us report_at;
    bool restarted;
};

static const struct sim *running;

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "sim_receiver: %s, seed %llu, at %.3f s: ", running->line->name,       \
                    (unsigned long long)running->seed, (double)running->now / 1e6);                \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n  (" #cond ", line %d)\n", __LINE__);                               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const char rids[ENCODINGS][2] = {"h", "m", "l"};

/* The bytes of a frame follow from its number: nothing needs to be kept to check it. */
static size_t frame_make(const struct sim *s, unsigned encoding, uint32_t number,
                         uint8_t out[FRAME_BYTES_MAX + 64], struct tg_span nals[4])
{
    const struct encoder *e = &s->encoders[encoding];
    struct tg_rng rng = tg_rng_seeded(s->seed * 1000003 + number * 8 + encoding);
    struct tg_wr w = tg_wr(out, FRAME_BYTES_MAX + 64);
    const bool key = e->key[number];
    size_t count = 0;

    if (key) {
        nals[count++] = tg_span(w.at, 12);
        tg_rng_bytes(&rng, w.at, 16);
        *w.at = 0x67;
        w.at += 12;
        nals[count++] = tg_span(w.at, 4);
        *w.at = 0x68;
        w.at += 4;
    }
    /* One slice, now and then two. */
    for (uint32_t left = e->size[number], i = 0; left > 0; i++) {
        uint32_t len = i == 0 && number % 5 == 0 ? (left + 1) / 2 : left;

        nals[count++] = tg_span(w.at, len);
        tg_rng_bytes(&rng, w.at, len);
        *w.at = key ? 0x65 : 0x41;
        w.at += len;
        left -= len;
    }
    return count;
}

static void enqueue(struct sim *s, const struct sent *p)
{
    CHECK(s->queue_len < QUEUE, "the pacer is full");
    s->queue[(s->queue_head + s->queue_len++) % QUEUE] = *p;
}

/* What goes on the wire: header with extensions; RTX puts the original number in front. */
static void send_now(struct sim *s, const struct sent *p)
{
    struct encoder *e = &s->encoders[p->encoding];
    struct tg_rtp media;
    uint8_t bytes[TG_UDP_PACKET_MAX + 64];
    uint8_t seq[2] = {(uint8_t)(s->twcc_seq >> 8), (uint8_t)s->twcc_seq};
    struct tg_rtp_ext exts[2] = {{.id = EXT_TWCC, .len = 2, .data = seq}};
    size_t ext_count = 1;
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    tg_err err = tg_rtp_parse(&media, p->bytes, p->len);
    const bool outage = s->line->outage_us > 0 && s->now > 3 * (tg_us)TG_US_PER_S &&
                        s->now % (5 * (tg_us)TG_US_PER_S) < s->line->outage_us;

    CHECK(err == TG_OK, "own packet");
    if (s->line->simulcast && p->encoding != AUDIO && (p->rtx || !e->acked)) {
        exts[1] = (struct tg_rtp_ext){.id = p->rtx ? EXT_REPAIRED_RID : EXT_RID,
                                      .len = 1,
                                      .data = (const uint8_t *)rids[p->encoding]};
        ext_count = 2;
    }
    struct tg_rtp head = media;

    if (p->rtx && !s->line->no_rtx) {
        head.ssrc = e->rtx_ssrc;
        head.pt = PT_RTX;
        head.seq = e->rtx_seq++;
    }
    tg_rtp_write_header(&w, &head, exts, ext_count);
    if (p->rtx && !s->line->no_rtx)
        tg_wr_u16(&w, media.seq);
    tg_wr_bytes(&w, media.payload.data, media.payload.len);
    CHECK(!w.bad, "packet size");
    s->twcc_sent[s->twcc_seq++] = true;
    if (!outage)
        link_push(&s->up, s->now, 0, bytes, tg_wr_len(&w));
}

static void packet_add(struct sim *s, unsigned encoding, uint32_t ts, bool marker, uint8_t pt,
                       struct tg_span payload)
{
    struct encoder *e = &s->encoders[encoding];
    struct sent p = {.encoding = (uint8_t)encoding, .seq = e->seq};
    const struct tg_rtp head = {
        .marker = marker, .pt = pt, .seq = e->seq++, .ts = ts, .ssrc = e->ssrc};
    struct tg_wr w = tg_wr(p.bytes, sizeof(p.bytes));

    tg_rtp_write_header(&w, &head, NULL, 0);
    tg_wr_bytes(&w, payload.data, payload.len);
    p.len = (uint16_t)tg_wr_len(&w);
    e->history[p.seq % HISTORY] = p;
    enqueue(s, &p);
}

static void frame_send(struct sim *s, unsigned encoding)
{
    static uint8_t bytes[FRAME_BYTES_MAX + 64];
    static struct tg_h264_pack pack;
    struct encoder *e = &s->encoders[encoding];
    const uint32_t number = e->frames++;
    const uint32_t share = 1U << encoding; /* lower layers are smaller */
    struct tg_span nals[4];
    uint8_t payload[PAYLOAD];
    bool marker = false;

    CHECK(number < FRAMES_MAX, "too many frames");
    e->key[number] = number == 0 || e->key_wanted;
    e->key_wanted = false;
    e->size[number] =
        (uint32_t)((e->key[number] ? 40 * PAYLOAD + tg_rng_below(&s->rng, 20 * PAYLOAD)
                                   : 5 * PAYLOAD + tg_rng_below(&s->rng, 10 * PAYLOAD)) /
                   share) +
        2;
    size_t count = frame_make(s, encoding, number, bytes, nals);

    CHECK(tg_h264_pack_init(&pack, nals, count, NULL, PAYLOAD) == TG_OK, "pack");
    for (struct tg_wr w = tg_wr(payload, PAYLOAD); tg_h264_pack_next(&pack, &w, &marker);
         w = tg_wr(payload, PAYLOAD))
        packet_add(s, encoding, e->ts_first + number * TS_STEP, marker, PT_VIDEO,
                   tg_span(payload, tg_wr_len(&w)));
    /* Now and then padding that only takes a number, as browsers send it to probe. */
    if (s->line->loss == 0 && number % 7 == 0)
        packet_add(s, encoding, e->ts_first + number * TS_STEP, false, PT_VIDEO, tg_span(NULL, 0));
}

static void audio_send(struct sim *s)
{
    struct encoder *e = &s->encoders[AUDIO];
    uint8_t payload[8];
    struct tg_wr w = tg_wr(payload, sizeof(payload));

    tg_wr_u32(&w, 0x0a0d10);
    tg_wr_u32(&w, e->frames);
    packet_add(s, AUDIO, e->ts_first + e->frames++ * AUDIO_TS_STEP, false, PT_AUDIO,
               tg_span(payload, sizeof(payload)));
}

static void report_send(struct sim *s)
{
    for (unsigned i = 0; i < s->encodings; i++) {
        struct encoder *e = &s->encoders[i];
        const struct tg_rtcp_sr sr = {.ntp = tg_ntp_from_wall(s->now),
                                      .rtp_ts = e->ts_first + e->frames * TS_STEP};
        uint8_t bytes[64];
        struct tg_wr w = tg_wr(bytes, sizeof(bytes));

        tg_rtcp_write_sr(&w, e->ssrc, &sr, NULL, 0);
        link_push(&s->up, s->now, 1, bytes, tg_wr_len(&w));
    }
}

static void resend(struct sim *s, struct encoder *e, uint16_t seq)
{
    struct sent *p = &e->history[seq % HISTORY];

    /* As Chromium: not twice within a round trip. */
    if (p->len == 0 || p->seq != seq ||
        (p->resent_at != 0 && s->now - p->resent_at < s->line->rtt_us))
        return;
    p->resent_at = s->now;
    p->rtx = true;
    e->rtx_sent++;
    enqueue(s, p);
}

static struct encoder *encoder_of(struct sim *s, uint32_t ssrc)
{
    for (unsigned i = 0; i <= ENCODINGS; i++)
        if (s->encoders[i].ssrc == ssrc)
            return &s->encoders[i];
    return NULL;
}

static void on_feedback(struct sim *s, struct tg_span bytes)
{
    struct tg_rd r = tg_rd(bytes.data, bytes.len);
    struct tg_rtcp p;
    tg_err err;

    while ((err = tg_rtcp_next(&r, &p)) == TG_OK) {
        struct encoder *e = encoder_of(s, p.media_ssrc);
        struct tg_rd fci = tg_rd(p.fci.data, p.fci.len);
        uint16_t pid = 0;
        uint16_t blp = 0;

        for (size_t i = 0; i < p.report_count; i++) {
            struct tg_rtcp_report report = tg_rtcp_report_at(&p, i);

            if (encoder_of(s, report.ssrc) != NULL)
                encoder_of(s, report.ssrc)->acked = true;
        }
        while (p.kind == TG_RTCP_NACK && e != NULL && tg_rtcp_nack_next(&fci, &pid, &blp)) {
            resend(s, e, pid);
            for (unsigned bit = 0; bit < 16; bit++)
                if ((blp >> bit & 1) != 0)
                    resend(s, e, (uint16_t)(pid + bit + 1));
        }
        if (p.kind == TG_RTCP_PLI && e != NULL &&
            (e->key_at == 0 || s->now - e->key_at > 300 * MS)) {
            e->key_wanted = true;
            e->key_at = s->now;
        }
        if (p.kind == TG_RTCP_TWCC) {
            struct tg_twcc t;
            struct tg_twcc_status status;

            CHECK(tg_twcc_parse(&t, p.fci) == TG_OK, "broken transport-wide feedback");
            while (tg_twcc_next(&t, &status)) {
                CHECK(!status.received || s->twcc_sent[status.seq], "told of a packet never sent");
                s->twcc_told += status.received;
            }
            CHECK(!t.deltas.bad, "short transport-wide feedback");
        }
    }
    CHECK(err == TG_ERR_AGAIN, "malformed RTCP: %s", tg_err_name(err));
}

/* --- what comes out -----------------------------------------------------------------------------
 */

static void on_video(struct sim *s, const struct tg_receiver_out *out)
{
    static uint8_t bytes[FRAME_BYTES_MAX + 64];
    static uint8_t want[FRAME_BYTES_MAX + 128];
    struct encoder *e = &s->encoders[out->encoding];
    const uint32_t number = (out->rtp_ts - e->ts_first) / TS_STEP;
    struct tg_wr w = tg_wr(want, sizeof(want));
    struct tg_span nals[4];

    CHECK(number < e->frames, "a frame of the future: %u", number);
    CHECK((int64_t)number > e->last, "frame %u after %lld", number, (long long)e->last);
    /* That a new SSRC goes on where the old one ended is more than the receiver can know. */
    CHECK(out->gap == ((int64_t)number != e->last + 1) || (out->gap && s->restarted),
          "gap %d: %u after %lld", out->gap, number, (long long)e->last);
    CHECK(!out->gap || out->key, "no keyframe after a gap");
    CHECK(out->key == e->key[number], "keyframe or not?");
    for (size_t i = 0, count = frame_make(s, out->encoding, number, bytes, nals); i < count; i++) {
        tg_wr_u32(&w, (uint32_t)nals[i].len);
        tg_wr_bytes(&w, nals[i].data, nals[i].len);
    }
    CHECK(out->bytes.len == tg_wr_len(&w) && memcmp(out->bytes.data, want, tg_wr_len(&w)) == 0,
          "frame %u of encoding %u is not what was sent", number, out->encoding);
    CHECK(out->arrival <= s->now && out->arrival > s->now - 3 * (tg_us)TG_US_PER_S, "arrival");
    if (e->out > 0)
        e->pause_us = TG_MAX(e->pause_us, s->now - e->out_at);
    e->last = number;
    e->out++;
    e->out_at = s->now;
}

static void on_audio(struct sim *s, const struct tg_receiver_out *out)
{
    struct encoder *e = &s->encoders[AUDIO];
    const uint32_t number = (out->rtp_ts - e->ts_first) / AUDIO_TS_STEP;
    struct tg_rd r = tg_rd(out->bytes.data, out->bytes.len);

    tg_rd_skip(&r, 4);
    CHECK(tg_rd_u32(&r) == number && !r.bad, "audio bytes");
    CHECK((int64_t)number > e->last, "audio out of order");
    CHECK(e->out == 0 || out->gap == ((int64_t)number != e->last + 1), "audio gap");
    e->last = number;
    e->out++;
}

/* The receiver's requests on their way out: not more than agreed. */
static void on_rtcp(struct sim *s, struct tg_span bytes)
{
    struct tg_rd r = tg_rd(bytes.data, bytes.len);
    struct tg_rtcp p;

    while (tg_rtcp_next(&r, &p) == TG_OK) {
        struct encoder *e = encoder_of(s, p.media_ssrc);

        if (p.kind == TG_RTCP_NACK)
            CHECK(p.media_ssrc != s->encoders[AUDIO].ssrc, "audio has no NACK");
        if (p.kind != TG_RTCP_PLI || e == NULL)
            continue;
        CHECK(e->plis == 0 || s->now - e->pli_at >= TG_RECEIVER_PLI_US, "PLI after %lld us",
              (long long)(s->now - e->pli_at));
        e->pli_at = s->now;
        e->plis++;
    }
    CHECK(bytes.len <= TG_RTP_MTU, "RTCP of %zu bytes", bytes.len);
    link_push(&s->down, s->now, 0, bytes.data, bytes.len);
}

static void drain(struct sim *s)
{
    struct tg_receiver_out out;

    for (int turns = 0; tg_receiver_poll(s->receiver, &out); turns++) {
        CHECK(turns < 10000, "no end of outputs");
        if (out.kind == TG_RECEIVER_RTCP)
            on_rtcp(s, out.bytes);
        else if (out.kind == TG_RECEIVER_FRAME && out.encoding == AUDIO)
            on_audio(s, &out);
        else if (out.kind == TG_RECEIVER_FRAME)
            on_video(s, &out);
    }
    CHECK(tg_receiver_deadline(s->receiver) > s->now, "a deadline that does not pass");
}

/* --- the run ------------------------------------------------------------------------------------
 */

static void deliver(struct sim *s)
{
    struct link_packet *p;

    while ((p = link_pop(&s->up, s->now)) != NULL) {
        tg_err err = p->tag == 1 ? tg_receiver_rtcp(s->receiver, s->now, tg_span(p->bytes, p->len))
                                 : tg_receiver_rtp(s->receiver, s->now, tg_span(p->bytes, p->len));

        CHECK(err == TG_OK || s->line->simulcast, "refused: %s", tg_err_name(err));
        link_packet_free(p);
        drain(s);
    }
    while ((p = link_pop(&s->down, s->now)) != NULL) {
        on_feedback(s, tg_span(p->bytes, p->len));
        link_packet_free(p);
    }
    tg_receiver_tick(s->receiver, s->now);
    drain(s);
}

/* An encoder begins anew: other SSRCs, other numbers, the same rid. */
static void restart(struct sim *s)
{
    struct encoder *e = &s->encoders[0];

    s->restarted = true;
    e->ssrc++;
    e->rtx_ssrc++;
    e->seq = (uint16_t)tg_rng_u32(&s->rng);
    e->key_wanted = true;
    e->acked = false;
    memset(e->history, 0, sizeof(e->history));
}

static void send_due(struct sim *s)
{
    if (s->now >= s->frame_at) {
        if (s->line->restart && !s->restarted && s->now > SECONDS / 2 * (tg_us)TG_US_PER_S)
            restart(s);
        for (unsigned i = 0; i < s->encodings; i++)
            frame_send(s, i);
        s->frame_at += FRAME_US;
    }
    if (s->now >= s->audio_at) {
        audio_send(s);
        s->audio_at += AUDIO_US;
    }
    if (s->now >= s->report_at) {
        report_send(s);
        s->report_at += TG_US_PER_S;
    }
    if (s->queue_len > 0 && s->now >= s->send_at) {
        send_now(s, &s->queue[s->queue_head]);
        s->queue_head = (s->queue_head + 1) % QUEUE;
        s->queue_len--;
        s->send_at = s->now + (s->encodings > 1 ? 400 : 700);
    }
}

static tg_us next_event(const struct sim *s)
{
    tg_us at = TG_MIN(TG_MIN(s->frame_at, s->audio_at), s->report_at);

    if (s->queue_len > 0)
        at = TG_MIN(at, s->send_at);
    at = TG_MIN(at, TG_MIN(link_deadline(&s->up), link_deadline(&s->down)));
    return TG_MIN(at, tg_receiver_deadline(s->receiver));
}

static void open_receiver(struct sim *s)
{
    struct tg_sdp_whip pick = {.video = {.media = 0,
                                         .pt = PT_VIDEO,
                                         .rtx_pt = s->line->no_rtx ? -1 : PT_RTX,
                                         .fb = TG_SDP_FB_NACK | TG_SDP_FB_PLI | TG_SDP_FB_TWCC,
                                         .packetization_mode = 1,
                                         .rtcp_rsize = s->seed % 2 == 0,
                                         .ext_twcc = EXT_TWCC},
                               .audio = {.media = 1,
                                         .pt = PT_AUDIO,
                                         .rtx_pt = -1,
                                         .fb = TG_SDP_FB_TWCC,
                                         .rtcp_rsize = s->seed % 2 == 0,
                                         .ext_twcc = EXT_TWCC}};
    struct tg_receiver_cfg cfg = {.pick = &pick, .ssrc = 99};

    if (s->line->simulcast) {
        pick.video.ext_rid = EXT_RID;
        pick.video.ext_repaired_rid = EXT_REPAIRED_RID;
        pick.video.rid_count = ENCODINGS;
        for (unsigned i = 0; i < ENCODINGS; i++)
            pick.video.rids[i][0] = rids[i][0];
    }
    CHECK(tg_receiver_new(&s->receiver, &cfg, s->now) == TG_OK, "memory");
}

static void open_sim(struct sim *s)
{
    struct link_cfg cfg = {.loss = s->line->loss,
                           .reorder = s->line->reorder,
                           .dup = s->line->dup,
                           .delay_us = s->line->rtt_us / 2,
                           .jitter_us = s->line->jitter_us,
                           .seed = s->seed * 2 + 1};

    s->encodings = s->line->simulcast ? ENCODINGS : 1;
    s->encoders = tg_calloc(ENCODINGS + 1, sizeof(*s->encoders));
    s->queue = tg_calloc(QUEUE, sizeof(*s->queue));
    CHECK(s->encoders != NULL && s->queue != NULL, "memory");
    for (unsigned i = 0; i <= ENCODINGS; i++) {
        s->encoders[i].ssrc = 1000 + i * 100;
        s->encoders[i].rtx_ssrc = 5000 + i * 100;
        s->encoders[i].seq = (uint16_t)(65000 + tg_rng_below(&s->rng, 1000));
        s->encoders[i].ts_first = tg_rng_u32(&s->rng);
        s->encoders[i].last = -1;
    }
    link_init(&s->up, &cfg);
    cfg.seed++;
    link_init(&s->down, &cfg);
    open_receiver(s);
}

static void close_sim(struct sim *s)
{
    link_done(&s->up);
    link_done(&s->down);
    tg_receiver_free(s->receiver);
    tg_free(s->encoders);
    tg_free(s->queue);
}

static void judge(struct sim *s, bool verbose)
{
    for (unsigned i = 0; i < s->encodings; i++) {
        struct encoder *e = &s->encoders[i];
        struct tg_receiver_stats stats;
        const unsigned out_pm = e->out * 1000 / e->frames;

        tg_receiver_stats(s->receiver, i, &stats);
        e->pause_us = TG_MAX(e->pause_us, s->now - e->out_at);
        if (verbose)
            printf("%-20s seed %3llu enc %u: %4u of %4u frames out, pause %4lld ms, lost %5llu "
                   "repaired %5llu given up %4llu, asked %5llu, rtx %5u, PLI %2u, rtt %lld ms, "
                   "jitter %lld us\n",
                   s->line->name, (unsigned long long)s->seed, i, e->out, e->frames,
                   (long long)e->pause_us / MS, (unsigned long long)stats.lost,
                   (unsigned long long)stats.repaired, (unsigned long long)stats.given_up,
                   (unsigned long long)stats.nacks, e->rtx_sent, e->plis,
                   (long long)tg_receiver_rtt(s->receiver) / MS, (long long)stats.jitter_us);
        /* The last frames are under way still. */
        CHECK((e->out + 1 + s->line->rtt_us / FRAME_US) * 1000 >= e->frames * s->line->frames_pm,
              "only %u of 1000 frames came out", out_pm);
        CHECK(e->pause_us <= s->line->pause_max_us, "a pause of %lld ms",
              (long long)e->pause_us / MS);
        CHECK(stats.frames == e->out && stats.plis == e->plis, "statistics");
        CHECK(stats.repaired <= stats.lost, "repaired more than lost");
    }
    CHECK(s->encoders[AUDIO].out * 100 >=
              s->encoders[AUDIO].frames * (s->line->outage_us > 0 ? 50U : 85U),
          "audio: %u of %u", s->encoders[AUDIO].out, s->encoders[AUDIO].frames);
    CHECK(s->twcc_told > 0, "no transport-wide feedback");
}

static void run(const struct line *line, uint64_t seed, bool verbose)
{
    static struct sim s;

    memset(&s, 0, sizeof(s)); /* no compound literal: 64 KiB on the stack */
    s.seed = seed;
    s.line = line;
    s.rng = tg_rng_seeded(seed);
    s.now = 1;
    s.frame_at = 1;
    s.audio_at = 1;
    s.report_at = 1;
    running = &s;
    open_sim(&s);
    while (s.now < SECONDS * (tg_us)TG_US_PER_S) {
        send_due(&s);
        deliver(&s);
        s.now = TG_MAX(next_event(&s), s.now + 1);
    }
    judge(&s, verbose);
    close_sim(&s);
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t seeds = SEEDS_DEFAULT;
    bool verbose = false;

    for (int i = 1; i + 1 < argc; i += 2) {
        int64_t value = 0;

        if (tg_parse_i64(&value, argv[i + 1], strlen(argv[i + 1]), 1, INT64_MAX) != TG_OK)
            return 2;
        if (strcmp(argv[i], "--seed") == 0) {
            first = (uint64_t)value;
            seeds = 1;
            verbose = true;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            seeds = (uint64_t)value;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            verbose = true;
        }
    }
    for (uint64_t seed = first; seed < first + seeds; seed++)
        for (size_t i = 0; i < TG_ARRAY_LEN(lines); i++)
            run(&lines[i], seed, verbose);
    printf("sim_receiver: %llu seeds of %zu lines, %d s each: whole, in order, soon enough\n",
           (unsigned long long)seeds, TG_ARRAY_LEN(lines), SECONDS);
    return 0;
}
