/*
 * frame.h - everything that becomes media for a viewer: one encoded frame as RTP payloads.
 *
 * Made once (by torgfanoutsink, later by WHIP publishers), immutable after that, ref-counted; any
 * thread may hold a reference, the last unref frees. No GLib object owns any of it.
 *
 *   struct tg_frame | packets[packet_count] | payload bytes
 *
 * Layers. A picture has the same media_us on every layer that has it. A layer may fall silent (a
 * publisher on a thin line stops its best encoding, a rendition ends) and keeps its number. The
 * first video frame of a generation is a keyframe, of layer 0 unless that one is silent. Layers of
 * the older generation that have no frame in the newer one are over: a slate has layer 0 only, so
 * who watches another layer goes on with the new generation's best one at once.
 */
#ifndef TG_MSG_FRAME_H
#define TG_MSG_FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"

enum { TG_SHOWS_MAX = 256 }; /* shows known to one node; a show's ordinal is below it */

enum tg_track { TG_TRACK_VIDEO, TG_TRACK_AUDIO, TG_TRACK_COUNT };
enum tg_codec { TG_CODEC_NONE, TG_CODEC_H264, TG_CODEC_VP8, TG_CODEC_OPUS, TG_CODEC_AAC };

enum tg_frame_flag {
    TG_FRAME_KEY = 1 << 0,       /* decodable by itself; for H.264 SPS and PPS come with it */
    TG_FRAME_AUDIO_GAP = 1 << 1, /* RFC 3550 marker: first audio after a silence */
};

struct tg_frame_packet {
    uint32_t offset; /* of the RTP payload in the frame's bytes */
    uint16_t len;    /* <= TG_RTP_MTU - 12 */
    bool marker;
};

struct tg_frame {
    atomic_uint refs;
    uint16_t show;       /* ordinal */
    uint8_t track;       /* enum tg_track */
    uint8_t layer;       /* simulcast layer or rendition; 0 = the only or highest one */
    uint8_t codec;       /* enum tg_codec */
    uint8_t flags;       /* enum tg_frame_flag */
    uint32_t generation; /* grows with every publisher change of the show */
    tg_us media_us;      /* capture time on the show's media clock */
    uint32_t rtp_ts;     /* contract: video media_ms * 90, audio media_ms * 48, mod 2^32 */
    uint16_t width;      /* of the picture, from the codec's headers; 0 = sound, or not known */
    uint16_t height;
    uint32_t packet_count;
    uint32_t bytes_len;
    uint8_t *bytes; /* inside this block */
    struct tg_frame_packet packets[];
};

/* Room for packet_count packets and bytes_cap payload bytes; refs = 1. NULL: NOMEM or over
 * limits.h. */
TG_MUST_CHECK struct tg_frame *tg_frame_new(size_t packet_count, size_t bytes_cap);
struct tg_frame *tg_frame_ref(struct tg_frame *frame);
/* NULL is legal. */
void tg_frame_unref(struct tg_frame *frame);

/* RTP timestamp of a media time: microseconds to 90 kHz (video) or 48 kHz (audio), mod 2^32. */
static inline uint32_t tg_media_to_rtp(tg_us media_us, enum tg_track track)
{
    /* 9/100 and 48/1000 of a microsecond; media_us is far below 2^57. */
    return track == TG_TRACK_VIDEO ? (uint32_t)(media_us * 9 / 100)
                                   : (uint32_t)(media_us * 6 / 125);
}

static inline struct tg_span tg_frame_payload(const struct tg_frame *f, size_t index)
{
    return tg_span(f->bytes + f->packets[index].offset, f->packets[index].len);
}

#endif
