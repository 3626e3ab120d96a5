#include "fanout/viewer.h"

#include "base/seq.h"
#include "fanout/viewer_priv.h"

enum { SEND_COST_US = TG_US_PER_S / TG_RESEND_PACKETS_PER_S };

void tg_viewer_init(struct tg_viewer *v, const struct tg_viewer_cfg *cfg)
{
    *v = (struct tg_viewer){
        .epoch_us = cfg->epoch_us,
        .wall_offset_us = cfg->wall_offset_us,
        .rtt_us = -1,
        .report_at = TG_US_NEVER,
        .resend_credit_us = (int64_t)TG_RESEND_BURST * SEND_COST_US,
        .credit = TG_PACE_BURST,
    };
    tg_bwe_init(&v->bwe);
    memcpy(v->cname, cfg->cname, sizeof(v->cname));
    for (size_t i = 0; i < TG_TRACK_COUNT; i++) {
        struct tg_viewer_track *t = &v->tracks[i];

        t->cfg = cfg->tracks[i];
        t->seq_first = t->cfg.seq_first;
        t->seq_next = t->cfg.seq_first;
        t->rtx_seq_next = t->cfg.rtx_seq_first;
    }
}

void tg_viewer_start(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    struct tg_viewer_track *video = &v->tracks[TG_TRACK_VIDEO];
    const struct tg_history *h = src->video[0].history;

    TG_ASSERT(!v->running);
    v->running = true;
    v->credit_at = now;
    v->resend_credit_at = now;
    video->need_key = true;
    if (h != NULL && tg_history_startable(h, now))
        video->frame_no = h->key;
    else if (h != NULL)
        video->frame_no = h->head;
    h = src->audio;
    if (h != NULL)
        v->tracks[TG_TRACK_AUDIO].frame_no = h->head;
}

const struct tg_viewer_codec *tg_viewer_codec_of(const struct tg_viewer_track *t, uint8_t codec)
{
    for (size_t i = 0; i < TG_VIEWER_CODECS; i++) {
        if (t->cfg.codecs[i].codec == codec && codec != TG_CODEC_NONE)
            return &t->cfg.codecs[i];
    }
    return NULL;
}

/* --- choosing the next packet --------------------------------------------------------------- */

static void credit_refill(struct tg_viewer *v, tg_us now)
{
    tg_us passed_ms = (now - v->credit_at) / TG_US_PER_MS;

    if (passed_ms <= 0)
        return;
    v->credit_at += passed_ms * TG_US_PER_MS;
    v->credit =
        (int32_t)TG_MIN((tg_us)TG_PACE_BURST, v->credit + passed_ms * TG_PACE_PACKETS_PER_MS);
}

static void frame_skip(struct tg_viewer *v, struct tg_viewer_track *t)
{
    t->frame_no++;
    t->packet_at = 0;
    v->counts.skipped++;
}

/* Brings the cursor into the history, and forward when a keyframe makes what lies before it stale.
 */
static void cursor_settle(struct tg_viewer *v, struct tg_viewer_track *t, bool video,
                          const struct tg_history *h)
{
    if (t->frame_no < h->tail) {
        /* Late audio is of no use to anybody: on to the live edge. */
        t->frame_no = video && h->has_key ? h->key : h->head;
        t->packet_at = 0;
        t->need_key = video;
        v->wants_key = v->wants_key || (video && !h->has_key && !t->foreign);
        v->counts.sync_lost++;
    }
    if (video && t->packet_at == 0 && h->has_key && h->key > t->frame_no &&
        h->head - t->frame_no > TG_VIEWER_LATE_FRAMES) {
        v->counts.skipped += (uint32_t)(h->key - t->frame_no);
        t->frame_no = h->key;
    }
}

/* False: the frame at the cursor is not for this viewer (now). */
static bool frame_wanted(struct tg_viewer *v, struct tg_viewer_track *t, bool video,
                         const struct tg_frame *f)
{
    /* No keyframe is asked for: more frames of this codec would help nobody. */
    t->foreign = tg_viewer_codec_of(t, f->codec) == NULL;
    if (t->foreign || f->packet_count == 0)
        return false;
    if (!t->has_generation || t->generation != f->generation || t->codec != f->codec) {
        /* Another publisher's frames refer to pictures that this viewer does not have. */
        t->need_key = video;
        t->generation = f->generation;
        t->codec = f->codec;
        t->has_generation = true;
    }
    if (!t->need_key)
        return true;
    if (!video || (f->flags & TG_FRAME_KEY) != 0)
        return true;
    v->wants_key = true;
    return false;
}

static bool track_next(struct tg_viewer *v, enum tg_track track, const struct tg_history *h,
                       struct tg_viewer_packet *ret)
{
    struct tg_viewer_track *t = &v->tracks[track];
    bool video = track == TG_TRACK_VIDEO;

    if (!t->cfg.on || h == NULL)
        return false;
    cursor_settle(v, t, video, h);
    for (; t->frame_no < h->head; frame_skip(v, t)) {
        const struct tg_history_entry *e = tg_history_at(h, t->frame_no);

        if (t->packet_at == 0 && !frame_wanted(v, t, video, e->frame))
            continue;
        *ret = (struct tg_viewer_packet){.track = track, .index = t->packet_at, .entry = e};
        return true;
    }
    return false;
}

/* The source packet behind a sequence number that was sent; false = forgotten. */
static bool packet_of_seq(const struct tg_viewer_track *t, uint64_t seq, uint64_t *ret_packet)
{
    uint64_t oldest = t->run_count > TG_VIEWER_RUNS ? t->run_count - TG_VIEWER_RUNS : 0;

    for (uint64_t i = t->run_count; i > oldest; i--) {
        const struct tg_viewer_run *run = &t->runs[(i - 1) % TG_VIEWER_RUNS];

        if (run->seq_first <= seq) {
            *ret_packet = run->packet_first + (seq - run->seq_first);
            return true;
        }
    }
    return false;
}

static bool resend_next(struct tg_viewer *v, const struct tg_viewer_source *src,
                        struct tg_viewer_packet *ret)
{
    for (; v->resend_head != v->resend_tail; v->resend_head++) {
        size_t at = v->resend_head % TG_RESEND_QUEUE;
        enum tg_track track = v->resends[at].track;
        const struct tg_history *h = track == TG_TRACK_VIDEO ? src->video[0].history : src->audio;
        uint64_t packet = 0;
        uint32_t index = 0;

        if (h != NULL && packet_of_seq(&v->tracks[track], v->resends[at].seq, &packet)) {
            const struct tg_history_entry *e = tg_history_find(h, packet, &index);

            if (e != NULL) {
                *ret = (struct tg_viewer_packet){.track = track,
                                                 .resend = true,
                                                 .seq = v->resends[at].seq,
                                                 .index = index,
                                                 .entry = e};
                return true;
            }
        }
        v->counts.nack_gone++;
    }
    return false;
}

enum tg_viewer_step tg_viewer_next(struct tg_viewer *v, const struct tg_viewer_source *src,
                                   tg_us now, struct tg_viewer_packet *ret)
{
    if (!v->running)
        return TG_VIEWER_IDLE;
    if (track_next(v, TG_TRACK_AUDIO, src->audio, ret))
        return TG_VIEWER_SEND;
    if (!resend_next(v, src, ret) && !track_next(v, TG_TRACK_VIDEO, src->video[0].history, ret))
        return TG_VIEWER_IDLE;
    credit_refill(v, now);
    if (v->credit <= 0)
        return TG_VIEWER_PACED;
    if (ret->track == TG_TRACK_VIDEO && !ret->resend && (ret->entry->frame->flags & TG_FRAME_KEY))
        v->key_sent_at = now;
    return TG_VIEWER_SEND;
}

/* --- retransmission requests ---------------------------------------------------------------- */

static bool resend_allowed(struct tg_viewer *v, tg_us now)
{
    const int64_t credit_max = (int64_t)TG_RESEND_BURST * SEND_COST_US;

    v->resend_credit_us = TG_MIN(credit_max, v->resend_credit_us + (now - v->resend_credit_at));
    v->resend_credit_at = now;
    if (v->resend_credit_us < SEND_COST_US || v->resend_tail - v->resend_head == TG_RESEND_QUEUE)
        return false;
    v->resend_credit_us -= SEND_COST_US;
    return true;
}

void tg_viewer_nack(struct tg_viewer *v, tg_us now, enum tg_track track, uint16_t seq)
{
    const tg_us rtt_us_unknown = 50 * (tg_us)TG_US_PER_MS;
    const tg_us rtt_us_min = 10 * (tg_us)TG_US_PER_MS;
    struct tg_viewer_track *t = &v->tracks[track];
    tg_us wait = v->rtt_us < 0 ? rtt_us_unknown : TG_MAX(v->rtt_us, rtt_us_min);

    v->counts.nacked++;
    if (t->seq_next == t->seq_first)
        return;
    uint64_t full = tg_seq_unwrap(t->seq_next - 1, seq);

    if (full < t->seq_first || full >= t->seq_next)
        return; /* never sent */
    /* Audio and video share the slots; the track is the lowest bit of the key. */
    uint64_t key = full << 1 | (track == TG_TRACK_AUDIO ? 1U : 0U);
    size_t slot = key % TG_VIEWER_SLOTS;

    if (v->slots[slot].at != 0 && v->slots[slot].seq == key && now - v->slots[slot].at < wait) {
        v->counts.nack_held++;
        return;
    }
    if (!resend_allowed(v, now)) {
        v->counts.nack_held++;
        return;
    }
    v->slots[slot].seq = key;
    v->slots[slot].at = now;
    v->resends[v->resend_tail % TG_RESEND_QUEUE].seq = full;
    v->resends[v->resend_tail % TG_RESEND_QUEUE].track = (uint8_t)track;
    v->resend_tail++;
}
