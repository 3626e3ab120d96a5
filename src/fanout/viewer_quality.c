/* A viewer's quality: what the estimate says is carried out here. */
#include "fanout/viewer_priv.h"

/* A layer without frames for so long is off; ... */
#define SILENCE_US (1500 * (tg_us)TG_US_PER_MS)
/* ... when other layers are a newer publisher's, much sooner. */
#define SILENCE_OLD_US (300 * (tg_us)TG_US_PER_MS)
/* Layers of one picture come within so long of each other. */
#define SKEW_US (60 * (tg_us)TG_US_PER_MS)
/* For so long nothing is sent into a long queue when a lower layer's keyframe is to come. */
#define HOLD_DOWN_US (400 * (tg_us)TG_US_PER_MS)
/* With such a queue in the way nothing is sent but what must be. */
#define QUEUED_US (150 * (tg_us)TG_US_PER_MS)
/* For so long a keyframe is not asked for, because it would come too late. */
#define KEY_WAIT_US (100 * (tg_us)TG_US_PER_MS)
#define KEY_RETRY_US (500 * (tg_us)TG_US_PER_MS)
/* So far behind for so long, with no keyframe to jump to: one is asked for. */
#define BEHIND_US ((tg_us)TG_US_PER_S)

enum {
    START_BPS = 3 * 1000 * 1000, /* hope: most ways carry more, and the first feedback tells */
    START_PCT = 120,
    PACE_PCT = 250,       /* of the estimate: a keyframe should not wait */
    PACE_LAYER_PCT = 150, /* of the layer's rate, at least */
    STAY_PCT = 95,
    RATE_UNKNOWN_BPS = 3 * 1000 * 1000,
    BURST_PARTS = 15, /* of a second: two frames leave at once, a keyframe does not */
    AUDIO_BPS = 64 * 1000,
    RESEND_BURST_MIN = 16 * 1024,
    PROBE_PICKS = 8,  /* packets looked at for one that can be sent again */
    PROBE_LAST = 64,  /* the newest so many are sent again in turn */
    PROBE_LEAD = 2400 /* bytes that may be ahead of the rate */
};

/* --- inputs --------------------------------------------------------------------------------- */

static void layers_read(struct tg_quality_in *in, const struct tg_viewer_source *src, tg_us now)
{
    bool any = false;
    uint32_t newest = 0;

    for (size_t i = 0; i < TG_LAYERS_MAX; i++) {
        const struct tg_history *h = src->video[i].history;

        if (h != NULL && h->has_generation && (!any || (int32_t)(h->generation - newest) > 0)) {
            newest = h->generation;
            any = true;
        }
    }
    for (size_t i = 0; i < TG_LAYERS_MAX; i++) {
        const struct tg_history *h = src->video[i].history;

        if (h == NULL || h->head == 0)
            continue;
        in->layers[i].on =
            now - h->head_at < (h->generation == newest ? SILENCE_US : SILENCE_OLD_US);
        in->layers[i].bps = in->layers[i].on ? src->video[i].bps : 0;
    }
}

static struct tg_quality_in input_make(const struct tg_viewer *v,
                                       const struct tg_viewer_source *src, tg_us now)
{
    struct tg_quality_in in = {
        .estimate_bps = v->bwe.estimate_bps,
        .proves = v->twcc_on && (!v->quality.starved || v->probe_frame.frame != NULL),
        .hard = v->bwe.hard,
        .loss_pm = v->bwe.loss_pm,
        /* Transport-wide numbers are video's alone: that estimate is of what sound leaves over. */
        .audio_bps = !v->twcc_on && v->tracks[TG_TRACK_AUDIO].cfg.on ? AUDIO_BPS : 0,
    };

    layers_read(&in, src, now);
    return in;
}

/* A choice is there: two layers with a rate, or, before anything was measured, two at all. */
static bool choice_is(const struct tg_quality_in *in)
{
    unsigned on = 0;
    unsigned measured = 0;

    for (size_t i = 0; i < TG_LAYERS_MAX; i++) {
        on += in->layers[i].on ? 1 : 0;
        measured += in->layers[i].bps > 0 ? 1 : 0;
    }
    return measured >= 2 || (measured == 0 && on >= 2);
}

static bool rtx_everywhere(const struct tg_viewer_track *t)
{
    bool any = false;

    for (size_t i = 0; i < TG_VIEWER_CODECS; i++) {
        if (t->cfg.codecs[i].codec == TG_CODEC_NONE)
            continue;
        if (t->cfg.codecs[i].rtx_pt < 0)
            return false;
        any = true;
    }
    return any;
}

static uint32_t percent(uint32_t bps, uint32_t pct)
{
    return (uint32_t)TG_MIN((uint64_t)bps * pct / 100, (uint64_t)UINT32_MAX);
}

/* Where layers can be chosen from, a start that fills the way with the best one's past is rude. */
static uint32_t hope_of(const struct tg_viewer *v)
{
    return TG_MAX(percent(v->rate_bps, START_PCT), (uint32_t)START_BPS);
}

static void twcc_consider(struct tg_viewer *v, const struct tg_quality_in *in, tg_us now)
{
    const struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];

    if (v->twcc_on || v->stream.on || !t->cfg.on || t->cfg.ext_twcc == 0 || !choice_is(in) ||
        !rtx_everywhere(t))
        return;
    /* Without memory it goes on as a client without such feedback would, and asks again. */
    v->twcc_on = tg_bwe_twcc_on(&v->bwe, now, hope_of(v)) == TG_OK;
}

/* --- pace ----------------------------------------------------------------------------------- */

bool tg_viewer_congested(const struct tg_viewer *v)
{
    return tg_bwe_queue_us(&v->bwe) >= QUEUED_US;
}

/*
 * When the way is narrower than the layer, what is sent until the change must not pile up: no more
 * than the estimate, and no more than arrives while a queue grows.
 */
static uint32_t pace_tight(const struct tg_viewer *v)
{
    uint32_t bps = v->bwe.estimate_bps;

    if (tg_bwe_rising(&v->bwe) && v->bwe.through_bps > 0)
        bps = TG_MIN(bps, v->bwe.through_bps);
    return bps;
}

static void resend_set(struct tg_viewer *v)
{
    const uint32_t rate = v->rate_bps > 0 ? v->rate_bps : RATE_UNKNOWN_BPS;

    v->resend_bps = percent(rate, TG_RESEND_PCT);
    /* A third of a second of the layer; more than one frame all the same. */
    v->resend_burst =
        (int32_t)TG_MIN(TG_MAX(rate / 24, RESEND_BURST_MIN + 0U), (uint32_t)TG_RESEND_BURST);
    v->resend_credit = TG_MIN(v->resend_credit, v->resend_burst);
}

static void pace_set(struct tg_viewer *v, const struct tg_quality_in *in)
{
    const uint32_t known = v->bwe.estimate_bps;
    const uint32_t estimate = known == 0 && choice_is(in) ? hope_of(v) : known;
    const bool tight = v->twcc_on && !v->stream.on &&
                       (estimate < percent(v->rate_bps, STAY_PCT) || tg_viewer_congested(v) ||
                        tg_bwe_rising(&v->bwe));

    if (in->layers[v->layer].bps > 0)
        v->rate_bps = in->layers[v->layer].bps;
    resend_set(v);
    v->pace_bps = v->pace_max_bps;
    v->pace_burst = TG_PACE_BURST;
    if (estimate == 0)
        return;
    v->pace_bps = tight ? pace_tight(v)
                        : TG_MAX(percent(estimate, PACE_PCT), percent(v->rate_bps, PACE_LAYER_PCT));
    v->pace_bps = TG_MIN(v->pace_bps, v->pace_max_bps);
    if (v->twcc_on)
        v->pace_burst = (int32_t)TG_MIN(
            TG_MAX(tight ? 0 : v->rate_bps / 8 / BURST_PARTS, (uint32_t)TG_PACE_BURST_MIN),
            (uint32_t)TG_PACE_BURST);
    v->credit = TG_MIN(v->credit, v->pace_burst);
}

/* --- what probes send ----------------------------------------------------------------------- */

static bool sent_find(const struct tg_viewer *v, const struct tg_viewer_source *src,
                      struct tg_viewer_packet *p)
{
    const struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    uint64_t packet = 0;

    if (!tg_viewer_packet_of(t, p->seq, &packet, &p->layer) || src->video[p->layer].history == NULL)
        return false;
    p->entry = tg_history_find(src->video[p->layer].history, packet, &p->index);
    return p->entry != NULL;
}

void tg_viewer_probe_drop(struct tg_viewer *v)
{
    tg_frame_unref(v->probe_frame.frame);
    v->probe_frame.frame = NULL;
}

static void probe_keep(struct tg_viewer *v, const struct tg_viewer_source *src)
{
    const struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    struct tg_viewer_packet p = {.seq = t->seq_next - 1};

    tg_viewer_probe_drop(v);
    if (!t->started || !sent_find(v, src, &p))
        return;
    v->probe_frame = *p.entry;
    (void)tg_frame_ref(v->probe_frame.frame);
    v->probe_layer = p.layer;
    v->probe_count = (uint32_t)TG_MIN(p.index + (uint64_t)1, t->seq_next - t->seq_first);
    v->probe_seq = p.seq + 1 - v->probe_count;
    if (v->probe_count != p.index + 1)
        tg_viewer_probe_drop(v); /* cannot be: a frame is begun with its first packet */
}

/* --- decisions ------------------------------------------------------------------------------ */

static void key_ask(struct tg_viewer *v, unsigned layer, tg_us now)
{
    v->wants_key |= (uint8_t)(1U << layer);
    v->key_asked_at = now;
}

/* The picture goes on where it is now, not where it stopped. */
static void resume(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    const struct tg_history *h;

    v->layer = v->layer_to;
    h = src->video[v->layer].history;
    t->need_key = true;
    t->packet_at = 0;
    t->frame_no = h != NULL ? h->head : 0;
    key_ask(v, v->layer, now);
}

/*
 * Has the wanted layer come as far as what was sent? A layer that is made of another one comes
 * later: its next frame may be of a time that is past here, and so would be a keyframe asked for
 * now.
 */
static bool target_near(const struct tg_viewer *v, const struct tg_viewer_source *src)
{
    const struct tg_history *to = src->video[v->layer_to].history;
    const struct tg_history_entry *newest =
        to != NULL && to->head > 0 ? tg_history_at(to, to->head - 1) : NULL;

    return newest == NULL || newest->frame->media_us >= v->video_media_us ||
           newest->frame->generation != v->tracks[TG_TRACK_VIDEO].generation;
}

static bool key_due(const struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    if (v->key_asked_at != 0)
        return now - v->key_asked_at >= KEY_RETRY_US;
    return target_near(v, src) || now - v->quality.changed_at >= KEY_WAIT_US;
}

static void layer_apply(struct tg_viewer *v, const struct tg_viewer_source *src, bool was_starved,
                        tg_us now)
{
    if (v->quality.layer != v->layer_to) {
        v->layer_to = v->quality.layer;
        v->key_asked_at = 0;
        v->hold_at = 0;
    }
    if (v->quality.starved != was_starved)
        v->counts.starved += was_starved ? -1 : 1;
    if (!was_starved && v->quality.starved)
        probe_keep(v, src);
    if (was_starved && !v->quality.starved) {
        tg_viewer_probe_drop(v);
        resume(v, src, now);
    }
    if (!v->quality.starved && v->layer_to != v->layer && key_due(v, src, now))
        key_ask(v, v->layer_to, now);
}

static void probe_consider(struct tg_viewer *v, tg_us now)
{
    const struct tg_bwe_probe *probe = NULL;

    if (v->quality.probe_bps == 0 || v->probing ||
        (v->layer != v->layer_to && !v->quality.starved) || !v->tracks[TG_TRACK_VIDEO].started)
        return;
    if (tg_bwe_probe(&v->bwe, now, v->quality.probe_bps, &probe)) {
        v->probing = true;
        v->probe_at = 0;
        v->counts.probes++;
    }
}

/* Paced or without room for long: the next keyframe is better than ever older pictures. */
static void behind_check(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    const struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    const struct tg_history *h = src->video[v->layer].history;
    const struct tg_history_entry *newest = h != NULL ? tg_history_at(h, h->head - 1) : NULL;

    if (newest == NULL || !t->started || t->need_key || v->quality.starved ||
        t->frame_no >= h->head || newest->frame->generation != t->generation ||
        newest->frame->media_us - v->video_media_us < BEHIND_US) {
        v->behind_at = 0;
        return;
    }
    if (v->behind_at == 0)
        v->behind_at = now;
    if (now - v->behind_at < BEHIND_US || (h->has_key && h->key > t->frame_no))
        return;
    key_ask(v, v->layer, now);
    v->behind_at = now;
}

void tg_viewer_quality_start(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    struct tg_quality_in in = input_make(v, src, now);

    tg_quality_start(&v->quality, now, &in);
    v->layer = v->quality.layer;
    v->layer_to = v->layer;
    v->rate_bps = in.layers[v->layer].bps;
    twcc_consider(v, &in, now);
    pace_set(v, &in);
    v->credit = v->pace_burst;
    v->quality_at = now + TG_QUALITY_EVERY_US;
}

void tg_viewer_quality_run(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    const bool was_starved = v->quality.starved;
    struct tg_quality_in in;

    v->quality_at = now + TG_QUALITY_EVERY_US;
    if (!v->tracks[TG_TRACK_VIDEO].cfg.on)
        return;
    tg_bwe_tick(&v->bwe, now);
    in = input_make(v, src, now);
    twcc_consider(v, &in, now);
    in.proves = in.proves || (v->twcc_on && !v->quality.starved);
    in.estimate_bps = v->bwe.estimate_bps;
    if (v->stream.on) {
        tg_viewer_stream_tick(v, now);
        tg_viewer_stream_input(v, &in);
    }
    tg_quality_tick(&v->quality, now, &in);
    v->bwe.hard = false; /* it was heard */
    layer_apply(v, src, was_starved, now);
    pace_set(v, &in);
    probe_consider(v, now);
    behind_check(v, src, now);
}

/* --- change of layer ------------------------------------------------------------------------ */

/* The keyframe to go on with in the wanted layer; NULL = not there yet. */
static const struct tg_history_entry *target_key(const struct tg_viewer *v,
                                                 const struct tg_history *h)
{
    const struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    const struct tg_history_entry *e = h->has_key ? tg_history_at(h, h->key) : NULL;
    int32_t newer;

    if (e == NULL || tg_viewer_codec_of(t, e->frame->codec) == NULL)
        return NULL;
    if (!t->started || !t->has_generation)
        return e;
    newer = (int32_t)(e->frame->generation - t->generation);
    /* Media time never goes back; another publisher's may begin anywhere. */
    return newer > 0 || (newer == 0 && e->frame->media_us > v->video_media_us) ? e : NULL;
}

/* Has the wanted layer shown what it has for the time of the frame at the cursor? */
static bool target_told(const struct tg_viewer *v, const struct tg_viewer_source *src)
{
    const struct tg_history *h = src->video[v->layer].history;
    const struct tg_history *to = src->video[v->layer_to].history;
    const struct tg_history_entry *at =
        h != NULL ? tg_history_at(h, v->tracks[TG_TRACK_VIDEO].frame_no) : NULL;
    const struct tg_history_entry *newest = tg_history_at(to, to->head - 1);

    return at == NULL || newest == NULL || newest->frame->media_us >= at->frame->media_us;
}

/* Going down because packets wait long in the way. */
static bool leaves_queue(const struct tg_viewer *v)
{
    return v->layer_to > v->layer && v->quality.pin < 0 && tg_viewer_congested(v);
}

bool tg_viewer_switch(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now)
{
    struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    const struct tg_history *to = src->video[v->layer_to].history;

    if (to == NULL || to->head == 0)
        return false;
    /*
     * A frame that was begun is ended, if it is still there; but not at a time when each packet
     * keeps the keyframe waiting.
     */
    if (t->packet_at > 0 && !leaves_queue(v)) {
        const struct tg_history *h = src->video[v->layer].history;

        if (h != NULL && t->frame_no >= h->tail)
            return false;
    }
    if (target_key(v, to) != NULL) {
        v->layer = v->layer_to;
        t->frame_no = to->key;
        t->packet_at = 0;
        v->hold_at = 0;
        v->rate_bps = src->video[v->layer].bps;
        v->counts.switches++;
        return false;
    }
    if (v->key_asked_at == 0 && target_near(v, src))
        key_ask(v, v->layer_to, now);
    /*
     * Nothing more into a long queue: the player still shows what is in it, and each packet more
     * keeps the keyframe waiting that is on its way.
     */
    const bool queued = leaves_queue(v);
    /*
     * Two frames of one time cannot both be sent. The smaller layer's frames come first, so each
     * keyframe of the larger one would come too late for ever, if nobody waited for it.
     */
    if (!queued && target_told(v, src))
        return false;
    if (v->hold_at == 0)
        v->hold_at = now;
    return now - v->hold_at < (queued ? HOLD_DOWN_US : SKEW_US);
}

/* --- probes --------------------------------------------------------------------------------- */

/* A packet that was sent lately and can be sent again by RTX. */
static bool probe_pick(struct tg_viewer *v, const struct tg_viewer_source *src,
                       struct tg_viewer_packet *ret)
{
    const struct tg_viewer_track *t = &v->tracks[TG_TRACK_VIDEO];
    const uint64_t sent = TG_MIN(t->seq_next - t->seq_first, (uint64_t)PROBE_LAST);

    *ret = (struct tg_viewer_packet){.track = TG_TRACK_VIDEO, .resend = true, .probe = true};
    if (v->probe_frame.frame != NULL) {
        ret->index = v->probe_at++ % v->probe_count;
        ret->seq = v->probe_seq + ret->index;
        ret->layer = v->probe_layer;
        ret->entry = &v->probe_frame;
        return true;
    }
    for (unsigned i = 0; i < PROBE_PICKS && sent > 0; i++) {
        const struct tg_viewer_codec *codec;

        ret->seq = t->seq_next - 1 - v->probe_at++ % sent;
        if (!sent_find(v, src, ret))
            continue;
        codec = tg_viewer_codec_of(t, ret->entry->frame->codec);
        if (codec != NULL && codec->rtx_pt >= 0)
            return true;
    }
    return false;
}

enum tg_viewer_step tg_viewer_probe_next(struct tg_viewer *v, const struct tg_viewer_source *src,
                                         tg_us now, struct tg_viewer_packet *ret)
{
    const struct tg_bwe_probe *probe = tg_bwe_probing(&v->bwe, now);

    if (probe == NULL) {
        v->probing = false;
        return TG_VIEWER_IDLE;
    }
    if ((uint64_t)probe->sent * 8 * TG_US_PER_S >=
        (uint64_t)probe->bps * (uint64_t)(now - probe->started_at) +
            (uint64_t)PROBE_LEAD * 8 * TG_US_PER_S)
        return TG_VIEWER_PACED;
    if (!probe_pick(v, src, ret)) {
        v->probing = false;
        return TG_VIEWER_IDLE;
    }
    return TG_VIEWER_SEND;
}
