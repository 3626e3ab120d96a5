/*
 * sim_bwe.c - the real viewer core and bandwidth estimator under a virtual clock: three layers of a
 * show, one viewer behind a seeded bad network, and a model of its browser that answers with
 * transport-wide feedback (the real writer), receiver reports, NACK, PLI, or only REMB.
 *
 *     sim_bwe [--seeds N] [--seed N] [--line N] [--verbose 1]
 *
 * Per line: which layer is sent when, how often it changes, the longest pause of the picture, the
 * share of frames that are whole in the end, and the sound.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/seq.h"
#include "base/str.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "sim/lib/bwe_sim.h"

static const struct sim *running;
static bool verbose;

#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "sim_bwe: %s, seed %llu, phase %u, at %.3f s: ", running->line->name,  \
                    (unsigned long long)running->seed, running->phase,                             \
                    (double)(running->now - running->begin) / 1e6);                                \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n  (" #cond ", line %d)\n", __LINE__);                               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static const struct phase *phase_of(const struct sim *s)
{
    return &s->line->phases[s->phase];
}

/* --- the show -----------------------------------------------------------------------------------
 */

static struct tg_frame *frame_make(enum tg_track track, unsigned layer, size_t bytes, bool key,
                                   tg_us media_us)
{
    const size_t packets = (bytes + PAYLOAD - 1) / PAYLOAD;
    struct tg_frame *f = tg_frame_new(packets, bytes);

    if (f == NULL)
        exit(1);
    f->track = (uint8_t)track;
    f->layer = (uint8_t)layer;
    f->codec = track == TG_TRACK_VIDEO ? TG_CODEC_H264 : TG_CODEC_OPUS;
    f->flags = key ? TG_FRAME_KEY : 0;
    f->generation = 1;
    f->media_us = media_us;
    f->rtp_ts = tg_media_to_rtp(media_us, track);
    f->bytes_len = (uint32_t)bytes;
    memset(f->bytes, 0x5a, bytes);
    for (size_t i = 0; i < packets; i++) {
        const size_t at = i * PAYLOAD;

        f->packets[i] = (struct tg_frame_packet){.offset = (uint32_t)at,
                                                 .len = (uint16_t)TG_MIN(bytes - at, PAYLOAD + 0UL),
                                                 .marker = i + 1 == packets};
    }
    return f;
}

/* As the shard measures it. */
static void rate_note(struct sim *s, unsigned layer, size_t bytes)
{
    struct source *e = &s->sources[layer];

    e->rate_bytes += bytes;
    if (s->now - e->rate_since < TG_US_PER_S)
        return;
    s->src.video[layer].bps =
        (uint32_t)(e->rate_bytes * 8 * TG_US_PER_S / (uint64_t)(s->now - e->rate_since));
    e->rate_bytes = 0;
    e->rate_since = s->now;
}

static void encode(struct sim *s, unsigned layer)
{
    struct source *e = &s->sources[layer];
    const bool key = e->frames_to_key == 0 || (e->key_asked && s->now >= e->key_due);
    /* Keyframes take their share from the others. */
    const double mean = layer_bps[layer] / 8.0 / 30 * KEY_EVERY / (KEY_EVERY - 1 + KEY_FACTOR);
    const double vary = 0.6 + (double)tg_rng_below(&s->rng, 800) / 1000;
    const size_t bytes = (size_t)(mean * vary * (key ? KEY_FACTOR : 1)) + 100;
    const tg_us media_us = (tg_us)e->number * FRAME_US;

    if (key) {
        e->key_at = s->now;
        e->frames_to_key = KEY_EVERY;
        e->key_asked = false;
    }
    e->frames_to_key--;
    e->number++;
    /* Larger pictures take longer; what is made of another picture takes longest. */
    e->frame_at = s->begin + (tg_us)e->number * FRAME_US +
                  (tg_us)tg_rng_below(&s->rng, 3000 + (LAYERS - layer) * 3000) +
                  (s->line->ladder && layer > 0 ? LADDER_LATE_US : 0);
    rate_note(s, layer, bytes);
    (void)tg_history_push(e->history, frame_make(TG_TRACK_VIDEO, layer, bytes, key, media_us),
                          s->now);
    s->src.video[layer].history = e->history;
}

static void show_tick(struct sim *s)
{
    for (unsigned i = 0; i < LAYERS; i++) {
        if (s->now >= s->sources[i].frame_at)
            encode(s, i);
    }
    if (s->now < s->audio_at)
        return;
    (void)tg_history_push(
        s->audio, frame_make(TG_TRACK_AUDIO, 0, AUDIO_BYTES, true, s->audio_at - s->begin), s->now);
    s->audio_at += AUDIO_US;
}

/* --- the viewer ---------------------------------------------------------------------------------
 */

static uint32_t frame_of(struct sim *s, const struct tg_viewer_packet *p, uint64_t seq)
{
    const struct tg_frame *f = p->entry->frame;
    const struct tg_history *h = s->sources[p->layer].history;
    const struct sent_frame *last = &s->frames[(s->frame_count + FRAMES_MAX - 1) % FRAMES_MAX];

    if (p->index == 0) {
        uint64_t frame_no = s->v.tracks[TG_TRACK_VIDEO].frame_no;

        if (frame_no > h->tail && tg_history_at(h, frame_no) != p->entry)
            frame_no--; /* a frame of one packet: the cursor went on */
        CHECK(s->frame_count == 0 || f->media_us > last->media_us, "media time went back");
        CHECK(s->frame_count < FRAMES_MAX, "too many frames");
        s->frames[s->frame_count++] = (struct sent_frame){.layer = p->layer,
                                                          .key = (f->flags & TG_FRAME_KEY) != 0,
                                                          .frame_no = frame_no,
                                                          .media_us = f->media_us,
                                                          .packets = f->packet_count,
                                                          .seq_first = seq};
    }
    return s->frame_count - 1;
}

static uint32_t frame_of_seq(const struct sim *s, uint64_t seq)
{
    uint32_t i = s->frame_count;

    while (i > 0 && s->frames[i - 1].seq_first > seq)
        i--;
    return i - 1;
}

static unsigned audio_phase(const struct sim *s)
{
    return s->phase;
}

static void packet_out(struct sim *s, const struct tg_viewer_packet *p, const uint8_t *out,
                       size_t len)
{
    const uint32_t tag = s->meta_next++ % METAS;
    struct meta *m = &s->metas[tag];
    struct tg_rtp rtp;
    struct tg_rtp_ext ext;

    CHECK(tg_rtp_parse(&rtp, out, len - 16) == TG_OK, "not RTP");
    *m = (struct meta){.ssrc = rtp.ssrc, .twcc = -1, .sent_at = s->now};
    if (tg_rtp_ext_find(&rtp, EXT_TWCC, &ext))
        m->twcc = ext.data[0] << 8 | ext.data[1];
    if (p->track == TG_TRACK_VIDEO) {
        m->seq = p->resend ? p->seq : s->v.tracks[TG_TRACK_VIDEO].seq_next - 1;
        if (!p->resend) {
            CHECK(m->seq == s->video_next && rtp.seq == (uint16_t)m->seq, "numbers are not whole");
            s->video_next++;
        }
        m->frame = p->resend ? frame_of_seq(s, m->seq) : frame_of(s, p, m->seq);
    } else {
        m->frame = audio_phase(s);
        if (s->now - s->phase_at > 3 * (tg_us)TG_US_PER_S)
            s->audio_sent[s->phase]++;
        else
            m->frame = PHASES;
    }
    link_push(&s->down, s->now, tag, out, len);
}

static void pump(struct sim *s)
{
    struct tg_viewer_packet p;
    uint8_t out[TG_VIEWER_PACKET_MAX];
    size_t len = 0;

    while (tg_viewer_next(&s->v, &s->src, s->now, &p) == TG_VIEWER_SEND) {
        CHECK(tg_viewer_write(&s->v, &p, s->tx, s->now, out, sizeof(out), &len) == TG_OK, "write");
        packet_out(s, &p, out, len);
    }
    len = tg_viewer_report(&s->v, s->now, out, sizeof(out));
    if (len > 0)
        link_push(&s->down, s->now, TAG_REPORT, out, len);
    for (unsigned i = 0; i < LAYERS; i++) {
        struct source *e = &s->sources[i];

        if ((s->v.wants_key & 1U << i) == 0 || e->key_asked ||
            (e->key_told_at != 0 && s->now - e->key_told_at < 500 * MS))
            continue;
        s->v.wants_key &= (uint8_t) ~(1U << i);
        if (i == 0 && s->line->ladder)
            continue;
        e->key_asked = true;
        e->key_told_at = s->now;
        e->key_due = s->now + 30 * MS + (tg_us)tg_rng_below(&s->rng, 50 * MS);
    }
}

/* --- the browser --------------------------------------------------------------------------------
 */

static void to_viewer(struct sim *s, const struct tg_wr *w, const uint8_t *bytes)
{
    if (tg_wr_len(w) > 0)
        link_push(&s->up, s->now, 0, bytes, tg_wr_len(w));
}

static struct browser_seq *seq_slot(struct sim *s, uint64_t seq)
{
    struct browser_seq *q = &s->seqs[seq % SEQS];

    if (q->seq != seq)
        *q = (struct browser_seq){.seq = seq};
    return q;
}

static void video_came(struct sim *s, const struct meta *m)
{
    struct browser_seq *q;

    for (; s->seq_max < m->seq; s->seq_max++)
        seq_slot(s, s->seq_max + 1)->missing_at = s->now;
    q = seq_slot(s, m->seq);
    if (m->ssrc == VIDEO_SSRC)
        s->rr_came_now++;
    if (q->came)
        return;
    q->came = true;
    s->frames[m->frame].came++;
    CHECK(s->frames[m->frame].came <= s->frames[m->frame].packets, "a frame has too many packets");
}

static bool frame_shows(const struct sim *s, uint32_t i)
{
    const struct sent_frame *f = &s->frames[i];

    if (f->came < f->packets)
        return false;
    return f->key || (i == s->shown && s->chain && i > 0 && s->frames[i - 1].layer == f->layer &&
                      s->frames[i - 1].frame_no + 1 == f->frame_no);
}

/* Shows what can be decoded in order; a whole keyframe goes ahead of what is missing. */
static void frames_show(struct sim *s)
{
    for (;;) {
        uint32_t next = s->shown;

        while (next < s->frame_count && !frame_shows(s, next))
            next++;
        if (next >= s->frame_count)
            return;
        if (next > s->shown && !s->frames[next].key)
            return;
        if (s->shown_at != 0)
            s->pause_us = TG_MAX(s->pause_us, s->now - s->shown_at);
        s->shown = next + 1;
        s->chain = true;
        s->shown_count++;
        s->shown_at = s->now;
    }
}

static void nacks_send(struct sim *s)
{
    uint16_t list[64];
    size_t count = 0;
    uint8_t out[512];
    struct tg_wr w = tg_wr(out, sizeof(out));
    const uint64_t oldest = s->seq_max > 1000 ? s->seq_max - 1000 : 0;

    s->nack_from = TG_MAX(TG_MAX(s->nack_from, oldest), (uint64_t)SEQ0);
    for (uint64_t q = s->nack_from; q <= s->seq_max && count < TG_ARRAY_LEN(list); q++) {
        struct browser_seq *b = seq_slot(s, q);

        if (b->came || b->tries >= NACK_TRIES) {
            s->nack_from += q == s->nack_from ? 1 : 0;
            continue;
        }
        if (s->shown > 0 && s->frames[s->shown - 1].seq_first > q)
            continue; /* of no use any more */
        if (s->now - b->missing_at < 10 * MS || (b->tries > 0 && s->now - b->asked_at < 80 * MS))
            continue;
        b->tries++;
        b->asked_at = s->now;
        list[count++] = (uint16_t)q;
    }
    if (count > 0)
        tg_rtcp_write_nack(&w, 1, VIDEO_SSRC, list, count);
    to_viewer(s, &w, out);
}

/* What Chromium's receiving estimator comes to, roughly. */
static void remb_write(struct sim *s, struct tg_wr *w)
{
    const double came = (double)s->came_bytes * 8;
    const uint32_t ssrc = VIDEO_SSRC;
    const bool early = s->now - s->begin < 10 * (tg_us)TG_US_PER_S; /* it begins with what comes */

    s->came_bytes = 0;
    if (early)
        s->remb = TG_MAX(came * 1.5, 300000.0);
    else if (s->owd_low - s->owd_min > 100 * MS)
        s->remb = came * 0.85;
    else
        s->remb = TG_MIN(s->remb * 1.08 + 10000, TG_MAX(came * 1.5, s->remb));
    s->remb = TG_MAX(s->remb, 30000.0);
    if (!early)
        tg_rtcp_write_remb(w, 1, (uint64_t)s->remb, &ssrc, 1);
}

static void report_send(struct sim *s)
{
    uint8_t out[256];
    struct tg_wr w = tg_wr(out, sizeof(out));
    const uint32_t expected = (uint32_t)(s->seq_max + 1 - SEQ0);
    const uint32_t want = expected - s->rr_expected;
    const uint32_t came = s->rr_came_now - s->rr_came;
    const uint32_t lost = want > came ? want - came : 0;
    const struct tg_rtcp_report r = {.ssrc = VIDEO_SSRC,
                                     .lost_fraction =
                                         (uint8_t)(want > 0 ? TG_MIN(lost * 256 / want, 255U) : 0),
                                     .seq_max = (uint32_t)s->seq_max,
                                     .lsr = s->lsr,
                                     .dlsr = tg_ntp_delay(s->now - s->lsr_at)};

    s->rr_expected = expected;
    s->rr_came = s->rr_came_now;
    tg_rtcp_write_rr(&w, 1, &r, 1);
    if (s->line->remb)
        remb_write(s, &w);
    to_viewer(s, &w, out);
}

/* Chromium fills its feedback up to whole words by RTCP padding of one to three bytes. */
static void feedback_pad(uint8_t *bytes, size_t len)
{
    struct tg_twcc fb;
    struct tg_twcc_status status;

    CHECK(len > 12 && tg_twcc_parse(&fb, tg_span(bytes + 12, len - 12)) == TG_OK, "feedback");
    while (tg_twcc_next(&fb, &status)) {
    }
    if (tg_rd_left(&fb.deltas) == 0)
        return;
    bytes[0] |= 0x20;
    bytes[len - 1] = (uint8_t)tg_rd_left(&fb.deltas);
}

static void browser_tick(struct sim *s)
{
    uint8_t out[1200];

    if (s->now >= tg_twcc_rx_deadline(&s->twcc)) {
        bool more = true;

        while (more) {
            struct tg_wr w = tg_wr(out, sizeof(out));

            more = tg_twcc_rx_write(&s->twcc, &w, 1, VIDEO_SSRC);
            if (tg_wr_len(&w) > 0)
                feedback_pad(out, tg_wr_len(&w));
            to_viewer(s, &w, out);
        }
    }
    if (s->now >= s->nack_at) {
        s->nack_at = s->now + 20 * MS;
        nacks_send(s);
    }
    if (s->now >= s->rr_at && s->seq_max >= SEQ0) {
        s->rr_at = s->now + TG_US_PER_S;
        report_send(s);
    }
    if (s->shown_at != 0 && s->frame_count > s->shown && s->now - s->shown_at > 1000 * MS &&
        s->now - s->pli_at > 500 * MS) {
        struct tg_wr w = tg_wr(out, sizeof(out));

        s->pli_at = s->now;
        tg_rtcp_write_pli(&w, 1, VIDEO_SSRC);
        to_viewer(s, &w, out);
    }
}

static void report_came(struct sim *s, const struct link_packet *p)
{
    struct tg_rd r = tg_rd(p->bytes, p->len);
    struct tg_rtcp rtcp;

    while (tg_rtcp_next(&r, &rtcp) == TG_OK) {
        if (rtcp.kind == TG_RTCP_SR && rtcp.ssrc == VIDEO_SSRC) {
            s->lsr = tg_ntp_mid(rtcp.sr.ntp);
            s->lsr_at = s->now;
        }
    }
}

static void packet_in(struct sim *s, const struct link_packet *p)
{
    const struct meta *m = &s->metas[p->tag % METAS];
    tg_us owd;

    if (p->tag == TAG_REPORT)
        report_came(s, p);
    if (p->tag >= METAS)
        return;
    s->came_bytes += p->len;
    owd = s->now - m->sent_at;
    s->owd_low = s->owd_low == 0 || s->now < s->rr_at - 300 * MS ? owd : TG_MIN(s->owd_low, owd);
    s->owd_min = s->owd_min == 0 ? owd : TG_MIN(s->owd_min, owd);
    if (m->twcc >= 0)
        tg_twcc_rx_input(&s->twcc, s->now, (uint16_t)m->twcc);
    if (m->ssrc == AUDIO_SSRC) {
        if (m->frame < PHASES)
            s->audio_came[m->frame]++;
    } else {
        video_came(s, m);
    }
}

static void links_tick(struct sim *s)
{
    struct link_packet *p;

    while (phase_of(s)->cross_kbit > 0 && s->now >= s->cross_at) {
        static const uint8_t junk[1200];

        link_push(&s->down, s->now, TAG_CROSS, junk, sizeof(junk));
        s->cross_at = TG_MAX(s->cross_at, s->now - 10 * MS) +
                      (tg_us)(sizeof(junk) * 8000 / phase_of(s)->cross_kbit);
    }
    if (s->line->stall_us > 0 && s->now >= s->stall_at) {
        s->stall_until = s->now + s->line->stall_us;
        s->stall_at = s->now + 2000 * MS + (tg_us)tg_rng_below(&s->rng, 4000 * MS);
    }
    while (s->now >= s->stall_until && (p = link_pop(&s->down, s->now)) != NULL) {
        packet_in(s, p);
        link_packet_free(p);
    }
    frames_show(s);
    while ((p = link_pop(&s->up, s->now)) != NULL) {
        tg_viewer_rtcp(&s->v, s->now, tg_span(p->bytes, p->len));
        link_packet_free(p);
    }
}

/* --- a run --------------------------------------------------------------------------------------
 */

static void phase_begin(struct sim *s, unsigned phase)
{
    s->phase = phase;
    s->phase_at = s->now;
    s->down.cfg.rate_kbit = phase_of(s)->rate_kbit;
    s->down.cfg.delay_us = phase_of(s)->delay_us;
    s->down.last_due = 0; /* a shorter way does not wait for the longer one */
    s->up.cfg.delay_us = phase_of(s)->delay_us;
    s->cross_at = s->now;
    s->pause_us = 0;
    s->changes = 0;
    s->ticks = 0;
    s->ticks_right = 0;
    if (phase_of(s)->pause_ms == 0)
        s->shown_at = 0;
    /* A keyframe that is on the line when the line becomes slow takes its time, whoever sends it.
     */
    s->pause_more = 0;
    if (s->now - s->sources[0].key_at < 200 * MS || s->now - s->sources[0].key_at > 1800 * MS)
        s->pause_more =
            (tg_us)((uint64_t)layer_bps[0] / 30 * KEY_FACTOR * 1000 / phase_of(s)->rate_kbit);
}

static void phase_end(struct sim *s)
{
    const struct phase *p = phase_of(s);
    const unsigned right = s->ticks > 0 ? s->ticks_right * 100 / s->ticks : 100;

    if (verbose)
        printf("  %s phase %u: right %u %%, %u changes, pause %d ms, sound %u/%u, estimate %u, "
               "probes %u\n",
               s->line->name, s->phase, right, s->changes, (int)(s->pause_us / MS),
               s->audio_came[s->phase], s->audio_sent[s->phase], s->v.bwe.estimate_bps,
               s->v.counts.probes);
    CHECK(right >= p->share_pct, "layer %d is sent only %u %% of the time", p->layer, right);
    CHECK(s->changes <= p->changes, "%u changes of layer", s->changes);
    CHECK(p->pause_ms == 0 || s->pause_us <= (tg_us)p->pause_ms * MS + s->pause_more,
          "the picture stood for %d ms", (int)(s->pause_us / MS));
    CHECK(s->line->loss > 0 || s->audio_came[s->phase] + 50 >= s->audio_sent[s->phase] / 100 * 99,
          "sound: %u of %u", s->audio_came[s->phase], s->audio_sent[s->phase]);
}

static void figures_tick(struct sim *s)
{
    const struct phase *p = phase_of(s);
    const int layer = s->v.quality.starved ? PAUSED : s->v.layer;

    if (verbose && layer != s->layer_last)
        printf("  %.2f s: layer %d, estimate %u, acked %u, queue %d ms, loss %u, fails %u\n",
               (double)(s->now - s->begin) / 1e6, layer, s->v.bwe.estimate_bps, s->v.bwe.acked_bps,
               (int)(tg_bwe_queue_us(&s->v.bwe) / MS), s->v.bwe.loss_pm, s->v.bwe.probe_failures);
    if (s->now - s->phase_at >= (tg_us)p->settle_s * TG_US_PER_S) {
        s->changes += layer != s->layer_last ? 1 : 0;
        s->ticks++;
        s->ticks_right += p->layer == ANY || layer == p->layer ? 1 : 0;
    }
    s->layer_last = layer;
}

static void whole_check(const struct sim *s)
{
    unsigned whole = 0;
    unsigned count = 0;

    for (uint32_t i = 0; i < s->frame_count; i++) {
        if (s->frames[i].media_us > s->now - s->begin - TG_US_PER_S)
            break;
        count++;
        whole += s->frames[i].came == s->frames[i].packets ? 1 : 0;
    }
    if (verbose)
        printf("  %s: %u of %u frames whole, %u shown\n", s->line->name, whole, count,
               s->shown_count);
    CHECK(whole * 1000 >= s->line->whole_pm * count, "%u of %u frames are whole", whole, count);
}

static void sim_init(struct sim *s)
{
    const struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};
    struct tg_viewer_cfg cfg = {.cname = "sim"};
    struct link_cfg net = {
        .loss = s->line->loss, .jitter_us = s->line->jitter_us, .seed = s->seed * 2 + 1};

    s->rng = tg_rng_seeded(s->seed);
    s->begin = 1000 * (tg_us)TG_US_PER_S;
    s->now = s->begin;
    cfg.epoch_us = s->begin;
    cfg.tracks[TG_TRACK_VIDEO] =
        (struct tg_viewer_track_cfg){.on = true,
                                     .codecs = {{TG_CODEC_H264, 102, 103}},
                                     .ssrc = VIDEO_SSRC,
                                     .rtx_ssrc = RTX_SSRC,
                                     .ext_twcc = s->line->remb ? 0 : EXT_TWCC,
                                     .seq_first = SEQ0};
    cfg.tracks[TG_TRACK_AUDIO] = (struct tg_viewer_track_cfg){
        .on = true, .codecs = {{TG_CODEC_OPUS, 111, -1}}, .ssrc = AUDIO_SSRC};
    tg_viewer_init(&s->v, &cfg);
    link_init(&s->down, &net);
    net.loss /= 4;
    net.seed++;
    link_init(&s->up, &net);
    CHECK(tg_srtp_tx_new(&s->tx, &keys, TG_SRTP_SERVER) == TG_OK, "no memory");
    CHECK(tg_history_new(&s->audio, TG_HISTORY_AUDIO) == TG_OK, "no memory");
    for (unsigned i = 0; i < LAYERS; i++) {
        CHECK(tg_history_new(&s->sources[i].history, 256) == TG_OK, "no memory");
        s->sources[i].frame_at = s->now;
        s->sources[i].rate_since = s->now;
        s->src.video[i].history = s->sources[i].history;
    }
    s->src.audio = s->audio;
    s->audio_at = s->now;
    s->stall_at = s->now + 10000 * MS; /* the start is another story */
    tg_twcc_rx_init(&s->twcc);
    s->seq_max = SEQ0 - 1;
    s->video_next = SEQ0;
}

static void sim_done(struct sim *s)
{
    tg_viewer_done(&s->v);
    link_done(&s->down);
    link_done(&s->up);
    tg_srtp_tx_free(s->tx);
    tg_history_free(s->audio);
    for (unsigned i = 0; i < LAYERS; i++)
        tg_history_free(s->sources[i].history);
    tg_free(s);
}

static void run(const struct line *line, uint64_t seed)
{
    struct sim *s = tg_calloc(1, sizeof(*s));
    const tg_us join = 2500 * MS + (tg_us)(seed * 137 % 2000) * MS; /* anywhere in a group */

    if (s == NULL)
        exit(1);
    s->seed = seed;
    s->line = line;
    running = s;
    sim_init(s);
    for (; s->now < s->begin + join; s->now += MS)
        show_tick(s);
    tg_viewer_start(&s->v, &s->src, s->now);
    s->layer_last = s->v.layer;
    for (unsigned i = 0; i < PHASES && line->phases[i].seconds > 0; i++) {
        phase_begin(s, i);
        const tg_us end = s->now + (tg_us)line->phases[i].seconds * TG_US_PER_S;

        for (; s->now < end; s->now += MS) {
            show_tick(s);
            links_tick(s);
            pump(s);
            browser_tick(s);
            figures_tick(s);
        }
        phase_end(s);
    }
    whole_check(s);
    sim_done(s);
}

int main(int argc, char **argv)
{
    uint64_t seeds = SEEDS_DEFAULT;
    uint64_t first = 1;
    uint64_t only = UINT64_MAX;

    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t n = strtoull(argv[i + 1], NULL, 10);

        if (strcmp(argv[i], "--seeds") == 0)
            seeds = n;
        else if (strcmp(argv[i], "--line") == 0)
            only = n;
        else if (strcmp(argv[i], "--verbose") == 0)
            verbose = n != 0;
        else if (strcmp(argv[i], "--seed") == 0) {
            first = n;
            seeds = 1;
        }
    }
    for (size_t l = 0; l < TG_ARRAY_LEN(lines); l++) {
        if (only != UINT64_MAX && only != l)
            continue;
        for (uint64_t seed = first; seed < first + seeds; seed++)
            run(&lines[l], seed);
        printf("sim_bwe: %s: %llu seeds\n", lines[l].name, (unsigned long long)seeds);
    }
    return 0;
}
