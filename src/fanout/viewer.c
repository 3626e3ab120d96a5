#include "fanout/viewer.h"

#include "base/seq.h"
#include "fanout/viewer_priv.h"

void tg_viewer_init(struct tg_viewer *v, const struct tg_viewer_cfg *cfg)
{
    const uint32_t pace_bps = cfg->pace_bps > 0 ? cfg->pace_bps : (uint32_t)TG_PACE_BPS;

    *v = (struct tg_viewer){
        .epoch_us = cfg->epoch_us,
        .wall_offset_us = cfg->wall_offset_us,
        .rtt_us = -1,
        .report_at = TG_US_NEVER,
        .resend_credit = TG_RESEND_BURST,
        .resend_burst = TG_RESEND_BURST,
        .pace_max_bps = pace_bps,
        .pace_bps = pace_bps,
        .pace_burst = TG_PACE_BURST,
        .credit = TG_PACE_BURST,
    };
    tg_bwe_init(&v->bwe);
    tg_quality_init(&v->quality);
    v->quality.best_allowed = TG_MIN(cfg->best_allowed, (uint8_t)(TG_LAYERS_MAX - 1));
    memcpy(v->cname, cfg->cname, sizeof(v->cname));
    for (size_t i = 0; i < TG_TRACK_COUNT; i++) {
        struct tg_viewer_track *t = &v->tracks[i];

        t->cfg = cfg->tracks[i];
        t->seq_first = t->cfg.seq_first;
        t->seq_next = t->cfg.seq_first;
        t->rtx_seq_next = t->cfg.rtx_seq_first;
    }
}

void tg_viewer_done(struct tg_viewer *v)
{
    tg_bwe_done(&v->bwe);
    tg_viewer_probe_drop(v);
    v->twcc_on = false;
    if (v->quality.starved)
        v->counts.starved--;
    v->quality.starved = false;
}

void tg_viewer_start(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    struct tg_viewer_track *video = &v->tracks[TG_TRACK_VIDEO];
    const struct tg_history *h;

    TG_ASSERT(!v->running);
    v->running = true;
    v->credit_at = now;
    v->resend_credit_at = now;
    tg_viewer_quality_start(v, src, now);
    h = src->video[v->layer].history;
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
    /* Cannot overflow: a second at most, and rates are 32 bits. */
    tg_us passed = TG_MIN(now - v->credit_at, (tg_us)TG_US_PER_S);
    int64_t bytes = passed * v->pace_bps / (8 * (tg_us)TG_US_PER_S);

    if (bytes <= 0)
        return;
    v->credit_at = now;
    v->credit = (int32_t)TG_MIN((int64_t)v->pace_burst, v->credit + bytes);
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
        if (video && !h->has_key && !t->foreign)
            v->wants_key |= (uint8_t)(1U << v->layer);
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
    v->wants_key |= (uint8_t)(1U << v->layer);
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
        *ret = (struct tg_viewer_packet){
            .track = track, .layer = video ? v->layer : 0, .index = t->packet_at, .entry = e};
        return true;
    }
    return false;
}

bool tg_viewer_packet_of(const struct tg_viewer_track *t, uint64_t seq, uint64_t *ret_packet,
                         uint8_t *ret_layer)
{
    uint64_t oldest = t->run_count > TG_VIEWER_RUNS ? t->run_count - TG_VIEWER_RUNS : 0;

    for (uint64_t i = t->run_count; i > oldest; i--) {
        const struct tg_viewer_run *run = &t->runs[(i - 1) % TG_VIEWER_RUNS];

        if (run->seq_first <= seq) {
            *ret_packet = run->packet_first + (seq - run->seq_first);
            *ret_layer = run->layer;
            return true;
        }
    }
    return false;
}

/* Without credit what was asked for is dropped: the viewer asks again after a round trip. */
static bool resend_allowed(struct tg_viewer *v, tg_us now)
{
    tg_us passed = TG_MIN(now - v->resend_credit_at, (tg_us)TG_US_PER_S);
    int64_t bytes = passed * v->resend_bps / (8 * (tg_us)TG_US_PER_S);

    if (bytes > 0) {
        v->resend_credit_at = now;
        v->resend_credit = (int32_t)TG_MIN((int64_t)TG_RESEND_BURST, v->resend_credit + bytes);
    }
    return v->resend_credit > 0;
}

/* What a key of tg_viewer_nack stands for. */
static uint64_t resend_seq(const struct tg_viewer *v, uint32_t key, enum tg_track *ret_track)
{
    *ret_track = (key & 1) != 0 ? TG_TRACK_AUDIO : TG_TRACK_VIDEO;
    const uint64_t last = v->tracks[*ret_track].seq_next - 1;
    const uint32_t age = (uint32_t)((uint32_t)last - (key >> 1)) & 0x7fffffff;

    return last - age;
}

static bool resend_find(const struct tg_viewer *v, const struct tg_viewer_source *src,
                        struct tg_viewer_packet *ret)
{
    uint64_t packet = 0;
    uint8_t layer = 0;
    const struct tg_history *h;

    if (!tg_viewer_packet_of(&v->tracks[ret->track], ret->seq, &packet, &layer))
        return false;
    h = ret->track == TG_TRACK_VIDEO ? src->video[layer].history : src->audio;
    ret->layer = layer;
    ret->entry = h != NULL ? tg_history_find(h, packet, &ret->index) : NULL;
    return ret->entry != NULL;
}

static bool resend_next(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now,
                        struct tg_viewer_packet *ret)
{
    for (; v->resend_head != v->resend_tail; v->resend_head++) {
        struct tg_viewer_packet p = {.resend = true};

        p.seq = resend_seq(v, v->resends[v->resend_head % TG_RESEND_QUEUE], &p.track);
        if (!resend_allowed(v, now) || (p.track == TG_TRACK_VIDEO && v->quality.starved))
            v->counts.nack_held++;
        else if (!resend_find(v, src, &p))
            v->counts.nack_gone++;
        else if (p.track == TG_TRACK_VIDEO && p.layer < v->layer_to && v->quality.pin < 0)
            v->counts.nack_held++; /* it did not fit; a lower layer's keyframe comes instead */
        else {
            *ret = p;
            return true;
        }
    }
    return false;
}

/* The next packet of video; false = none, or not now. */
static bool video_next(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now,
                       struct tg_viewer_packet *ret)
{
    if (v->quality.starved)
        return false;
    if (v->layer != v->layer_to && tg_viewer_switch(v, src, now))
        return false;
    return track_next(v, TG_TRACK_VIDEO, src->video[v->layer].history, ret);
}

enum tg_viewer_step tg_viewer_next(struct tg_viewer *v, const struct tg_viewer_source *src,
                                   tg_us now, struct tg_viewer_packet *ret)
{
    if (!v->running)
        return TG_VIEWER_IDLE;
    if (now >= v->quality_at)
        tg_viewer_quality_run(v, src, now);
    if (track_next(v, TG_TRACK_AUDIO, src->audio, ret))
        return TG_VIEWER_SEND;
    if (!resend_next(v, src, now, ret) && !video_next(v, src, now, ret))
        return v->probing ? tg_viewer_probe_next(v, src, now, ret) : TG_VIEWER_IDLE;
    if (v->credit <= 0 || ret->index == 0)
        credit_refill(v, now);
    if (v->credit <= 0)
        return TG_VIEWER_PACED;
    if (ret->track == TG_TRACK_VIDEO && !ret->resend && (ret->entry->frame->flags & TG_FRAME_KEY))
        v->key_sent_at = now;
    return TG_VIEWER_SEND;
}

/* --- retransmission requests ---------------------------------------------------------------- */

void tg_viewer_nack(struct tg_viewer *v, tg_us now, enum tg_track track, uint16_t seq)
{
    const tg_us rtt_us_unknown = 50 * (tg_us)TG_US_PER_MS;
    const tg_us rtt_us_min = 10 * (tg_us)TG_US_PER_MS;
    struct tg_viewer_track *t = &v->tracks[track];
    tg_us wait = v->rtt_us < 0 ? rtt_us_unknown : TG_MAX(v->rtt_us, rtt_us_min);
    const uint32_t now_ms = (uint32_t)(now / TG_US_PER_MS) + 1; /* 0 = never */

    v->counts.nacked++;
    if (t->seq_next == t->seq_first)
        return;
    uint64_t full = tg_seq_unwrap(t->seq_next - 1, seq);

    if (full < t->seq_first || full >= t->seq_next)
        return; /* never sent */
    /* Audio and video share queue and slots; the track is the lowest bit. 31 bits of the number
     * are enough: what can be asked for is at most 2^15 old. */
    const uint32_t key = (uint32_t)full << 1 | (track == TG_TRACK_AUDIO ? 1U : 0U);
    const size_t slot = key % TG_VIEWER_SLOTS;

    if ((v->slots[slot].at != 0 && v->slots[slot].key == key &&
         (tg_us)(now_ms - v->slots[slot].at) * TG_US_PER_MS < wait) ||
        v->resend_tail - v->resend_head == TG_RESEND_QUEUE) {
        v->counts.nack_held++;
        return;
    }
    v->slots[slot].key = key;
    v->slots[slot].at = now_ms;
    v->resends[v->resend_tail % TG_RESEND_QUEUE] = key;
    v->resend_tail++;
}

/* --- for the service ------------------------------------------------------------------------ */

int tg_viewer_layer(const struct tg_viewer *v)
{
    return v->tracks[TG_TRACK_VIDEO].started && !v->quality.starved ? v->layer : -1;
}

void tg_viewer_pin(struct tg_viewer *v, int layer)
{
    v->quality.pin = (int8_t)TG_MIN(TG_MAX(layer, TG_QUALITY_AUTO), TG_LAYERS_MAX - 1);
    v->quality_at = 0;
}
