#include "media/air.h"

#include <glib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "proto/opus.h"

enum {
    VIDEO_STEP_US = TG_US_PER_MS,
    STALL_VIDEO_FACTOR = 3,
    WISH_PAUSE_US = 500 * TG_US_PER_MS,
    AHEAD_MAX_US = TG_US_PER_S, /* clocks and encoders are off by less */
    LAYER_SILENT_US = 1500 * TG_US_PER_MS,
};

struct tg_feeder {
    struct tg_air_switch *air;
    atomic_uint *key_wishes;

    /* the switch's lock */
    bool armed;
    bool rescue;
    tg_us armed_us;
    tg_us last_us[TG_TRACK_COUNT]; /* mono; 0 = no frame yet */
    tg_us layer_us[TG_LAYERS_MAX]; /* the same of each video layer */
    tg_us wished_us[TG_LAYERS_MAX];
};

struct line {
    tg_us last_us; /* media time of the last frame sent; -1 = none */
    bool keyed;    /* video: a keyframe of this generation was sent */
};

struct tg_air_switch {
    struct tg_air_cfg cfg;
    /*
     * Held over the decision and frame_out together, or frames of two feeders could swap places
     * behind it. frame_out is the fan-out's ring: it never blocks and never calls back.
     */
    struct tg_mutex lock;
    struct tg_feeder *current;
    uint32_t generation;
    bool stalled;
    struct line lines[TG_TRACK_COUNT][TG_LAYERS_MAX];
    tg_us sound_end_us; /* media time where the sound sent so far ends */
    bool sound_new;     /* no sound of this generation was sent yet */
};

struct tg_air_switch *tg_air_switch_new(const struct tg_air_cfg *cfg)
{
    struct tg_air_switch *air = g_new0(struct tg_air_switch, 1);

    air->cfg = *cfg;
    tg_mutex_init(&air->lock);
    for (size_t t = 0; t < TG_TRACK_COUNT; t++)
        for (size_t l = 0; l < TG_LAYERS_MAX; l++)
            air->lines[t][l].last_us = -1;
    return air;
}

void tg_air_switch_free(struct tg_air_switch *air)
{
    if (air == NULL)
        return;
    TG_ASSERT(air->current == NULL);
    tg_mutex_done(&air->lock);
    g_free(air);
}

/* --- who is current: lock held --------------------------------------------------------------- */

/* Viewers of every layer may have seen the feeder before on any: nobody's time goes back. */
static void level_lines(struct tg_air_switch *air)
{
    tg_us last = -1;

    for (size_t l = 0; l < TG_LAYERS_MAX; l++)
        last = TG_MAX(last, air->lines[TG_TRACK_VIDEO][l].last_us);
    for (size_t l = 0; l < TG_LAYERS_MAX; l++)
        air->lines[TG_TRACK_VIDEO][l] = (struct line){.last_us = last};
}

static void make_current(struct tg_air_switch *air, struct tg_feeder *feeder, tg_us now)
{
    if (air->current == feeder)
        return;
    if (feeder->rescue && air->current != NULL) {
        air->current->armed = true; /* its next keyframe brings it back, or sound alone later */
        air->current->armed_us = now;
        air->current->last_us[TG_TRACK_VIDEO] = 0;
    }
    feeder->armed = false;
    air->current = feeder;
    air->generation++;
    air->stalled = false;
    air->sound_new = true;
    level_lines(air);
}

/*
 * The best of the layers that the feeder sends now. A phone that comes back on a thin line may not
 * send its best encoding for minutes; who has just been armed gets the time to begin with it.
 */
static bool is_best(const struct tg_feeder *feeder, unsigned layer, tg_us now)
{
    for (unsigned l = 0; l < layer; l++)
        if (feeder->layer_us[l] != 0 && now - feeder->layer_us[l] <= LAYER_SILENT_US)
            return false;
    return layer == 0 || now - feeder->armed_us >= LAYER_SILENT_US;
}

static bool may_take(const struct tg_air_switch *air, const struct tg_feeder *feeder,
                     const struct tg_frame *frame, tg_us now)
{
    if (!feeder->armed || (feeder->rescue && !air->stalled))
        return false;
    if (frame->track == TG_TRACK_VIDEO)
        return (frame->flags & TG_FRAME_KEY) != 0 && is_best(feeder, frame->layer, now);
    if (air->current == NULL)
        return true; /* nothing to lose */
    return feeder->last_us[TG_TRACK_VIDEO] == 0 && now - feeder->armed_us >= air->cfg.audio_only_us;
}

/* true: the stall is over. */
static bool notice_life(struct tg_air_switch *air, struct tg_feeder *feeder,
                        const struct tg_frame *frame, tg_us now)
{
    const enum tg_track track = (enum tg_track)frame->track;
    const bool counts = track == TG_TRACK_VIDEO || feeder->last_us[TG_TRACK_VIDEO] == 0;

    feeder->last_us[track] = now;
    if (track == TG_TRACK_VIDEO)
        feeder->layer_us[frame->layer] = now;
    if (feeder != air->current || !air->stalled || !counts)
        return false;
    air->stalled = false;
    return true;
}

/* --- frames: lock held ------------------------------------------------------------------------ */

static void wish_keyframe(struct tg_feeder *feeder, unsigned layer, tg_us now)
{
    if (feeder->key_wishes == NULL || now - feeder->wished_us[layer] < WISH_PAUSE_US)
        return;
    feeder->wished_us[layer] = now;
    (void)atomic_fetch_or(feeder->key_wishes, 1U << layer);
}

static bool is_ahead(const struct tg_air_switch *air, tg_us media_us, tg_us now)
{
    return media_us > now - air->cfg.epoch_us + AHEAD_MAX_US;
}

static bool admit_video(struct tg_air_switch *air, struct tg_frame *frame, tg_us now)
{
    struct line *line = &air->lines[TG_TRACK_VIDEO][frame->layer];

    if (!line->keyed && (frame->flags & TG_FRAME_KEY) == 0) {
        wish_keyframe(air->current, frame->layer, now);
        return false;
    }
    if (line->last_us >= 0 && frame->media_us <= line->last_us)
        frame->media_us = line->last_us + VIDEO_STEP_US;
    line->keyed = !is_ahead(air, frame->media_us, now); /* a flood, a millisecond each */
    if (line->keyed)
        line->last_us = frame->media_us;
    return line->keyed;
}

static bool admit_audio(struct tg_air_switch *air, struct tg_frame *frame)
{
    struct line *line = &air->lines[TG_TRACK_AUDIO][frame->layer];
    tg_us sounds_us;

    if (line->last_us >= 0 && frame->media_us <= line->last_us)
        return false;
    if (air->sound_new && frame->media_us < air->sound_end_us)
        return false;
    /* The marker lets a player begin anew at once (RFC 7587 s4.1). */
    if (air->sound_new || frame->media_us > air->sound_end_us + TG_OPUS_PACKET_US_MAX) {
        frame->flags |= TG_FRAME_AUDIO_GAP;
        frame->packets[0].marker = true;
    }
    if (tg_opus_duration(&sounds_us, tg_frame_payload(frame, 0)) != TG_OK)
        sounds_us = 20 * TG_US_PER_MS; /* the decoder's to refuse; here any length will do */
    air->sound_new = false;
    line->last_us = frame->media_us;
    air->sound_end_us = frame->media_us + sounds_us;
    return true;
}

/* The frame as it goes on; false: it does not. */
static bool admit(struct tg_air_switch *air, struct tg_frame *frame, tg_us now)
{
    bool good =
        frame->track == TG_TRACK_VIDEO ? admit_video(air, frame, now) : admit_audio(air, frame);

    frame->generation = air->generation;
    frame->rtp_ts = tg_media_to_rtp(frame->media_us, (enum tg_track)frame->track);
    return good;
}

/* Who has the air after this frame, and does it go on? Lock held. */
static bool judge(struct tg_air_switch *air, struct tg_feeder *feeder, struct tg_frame *frame,
                  tg_us now, bool *ret_changed)
{
    *ret_changed = false;
    if (is_ahead(air, frame->media_us, now)) {
        if (feeder == air->current)
            air->lines[frame->track][frame->layer].keyed = false;
        return false;
    }
    *ret_changed = notice_life(air, feeder, frame, now);
    if (may_take(air, feeder, frame, now)) {
        make_current(air, feeder, now);
        *ret_changed = true;
    }
    if (feeder == air->current)
        return admit(air, frame, now);
    if (feeder->armed && frame->track == TG_TRACK_VIDEO)
        wish_keyframe(feeder, is_best(feeder, frame->layer, now) ? frame->layer : 0, now);
    return false;
}

/* A tg_frame_out_fn: from the feeder's torgfanoutsinks. */
static void feed(void *ctx, struct tg_frame *take_frame)
{
    struct tg_feeder *feeder = ctx;
    struct tg_air_switch *air = feeder->air;
    const tg_us now = tg_clock_mono();
    bool changed;
    bool good;

    TG_ASSERT(take_frame->track < TG_TRACK_COUNT && take_frame->layer < TG_LAYERS_MAX);
    tg_mutex_lock(&air->lock);
    good = judge(air, feeder, take_frame, now, &changed);
    if (good)
        air->cfg.frame_out(air->cfg.frame_ctx, take_frame);
    tg_mutex_unlock(&air->lock);
    if (!good) {
        TG_COUNT(media_frames_off_air_total);
        tg_frame_unref(take_frame);
    }
    if (changed)
        air->cfg.on_change(air->cfg.ctx);
}

/* --- feeders ---------------------------------------------------------------------------------- */

struct tg_feeder *tg_feeder_new(struct tg_air_switch *air, atomic_uint *key_wishes)
{
    struct tg_feeder *feeder = g_new0(struct tg_feeder, 1);

    feeder->air = air;
    feeder->key_wishes = key_wishes;
    return feeder;
}

void tg_feeder_free(struct tg_feeder *feeder)
{
    if (feeder == NULL)
        return;
    tg_feeder_leave(feeder);
    g_free(feeder);
}

struct tg_fanout_out tg_feeder_out(struct tg_feeder *feeder, uint8_t layer)
{
    return (struct tg_fanout_out){
        .fn = feed, .ctx = feeder, .show = feeder->air->cfg.show, .layer = layer};
}

static void arm(struct tg_feeder *feeder, bool rescue)
{
    const tg_us now = tg_clock_mono();

    tg_mutex_lock(&feeder->air->lock);
    feeder->rescue = rescue;
    feeder->armed = feeder->air->current != feeder;
    feeder->armed_us = now;
    tg_mutex_unlock(&feeder->air->lock);
}

void tg_feeder_arm(struct tg_feeder *feeder)
{
    arm(feeder, false);
}

void tg_feeder_rescue(struct tg_feeder *feeder)
{
    arm(feeder, true);
}

void tg_feeder_take(struct tg_feeder *feeder)
{
    const tg_us now = tg_clock_mono();

    tg_mutex_lock(&feeder->air->lock);
    make_current(feeder->air, feeder, now);
    tg_mutex_unlock(&feeder->air->lock);
}

void tg_feeder_leave(struct tg_feeder *feeder)
{
    struct tg_air_switch *air = feeder->air;

    tg_mutex_lock(&air->lock);
    feeder->armed = false;
    if (air->current == feeder) {
        air->current = NULL;
        air->stalled = false;
    }
    tg_mutex_unlock(&air->lock);
}

/* --- questions ---------------------------------------------------------------------------------
 */

struct tg_air_now tg_air_now(struct tg_air_switch *air)
{
    struct tg_air_now ret;

    tg_mutex_lock(&air->lock);
    ret = (struct tg_air_now){
        .current = air->current, .generation = air->generation, .stalled = air->stalled};
    tg_mutex_unlock(&air->lock);
    return ret;
}

bool tg_air_check_stall(struct tg_air_switch *air, struct tg_feeder *feeder, tg_us now,
                        tg_us stall_us)
{
    bool stalled;

    tg_mutex_lock(&air->lock);
    if (air->current == feeder && !air->stalled) {
        const tg_us video = feeder->last_us[TG_TRACK_VIDEO];
        const tg_us any = TG_MAX(video, feeder->last_us[TG_TRACK_AUDIO]);

        air->stalled =
            now - any > stall_us || (video != 0 && now - video > STALL_VIDEO_FACTOR * stall_us);
    }
    stalled = air->current == feeder && air->stalled;
    tg_mutex_unlock(&air->lock);
    return stalled;
}
