/*
 * clip.h - short H.264 + AAC clips as an RTMP host sends them, or VP8 + Opus as a browser does,
 * encoded when the test runs.
 */
#ifndef TG_TESTS_SUPPORT_CLIP_H
#define TG_TESTS_SUPPORT_CLIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slab.h"
#include "msg/media.h"

enum { TG_CLIP_UNITS_MAX = 4096 };

struct tg_clip_unit {
    struct tg_slab *data;
    bool key;
    tg_us pts_us;
    tg_us dts_us;
};

struct tg_clip {
    enum tg_codec video_codec;
    enum tg_codec audio_codec;
    struct tg_slab *video_config; /* avcC; NULL for VP8 */
    struct tg_slab *audio_config; /* AudioSpecificConfig; NULL for Opus */
    struct tg_clip_unit *video;
    size_t video_count;
    struct tg_clip_unit *audio;
    size_t audio_count;
};

struct tg_clip_cfg {
    int width;
    int height;
    int frames; /* 0 = no video; 30 a second, a keyframe each 15 */
    int bframes;
    const char *pattern; /* of videotestsrc; NULL = a ball */
    int audio_frames;    /* AAC frames of 1024 samples; 0 = no audio */
    int audio_rate;      /* 0 = 44100 */
    bool vp8;
    int opus_ms; /* audio_frames are Opus packets of so long (20, 60, ...); 0 = AAC */
};

/* After gst_init. Asserts on trouble: an encoder is missing. */
void tg_clip_make(struct tg_clip *ret, const struct tg_clip_cfg *cfg);
void tg_clip_done(struct tg_clip *clip);
/* Unit `index` (or the set-up bytes: index SIZE_MAX) as a push wants it, with a reference to give.
 */
struct tg_au tg_clip_au(const struct tg_clip *clip, enum tg_track track, size_t index);

#endif
