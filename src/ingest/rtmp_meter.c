/*
 * rtmp_meter.c - one second of an RTMP publisher's line in figures. TCP repairs what gets lost, so
 * there is no loss to tell, and no round trip that we could see; what hurts shows as jitter.
 */
#include <stdlib.h>

#include "base/seq.h"
#include "base/str.h"
#include "ingest/rtmp_priv.h"

enum { JITTER_SHARE = 16 }; /* RFC 3550 s6.4.1 */
/* More than this is another time line, or a line that was gone: FROZEN says it. */
#define OFF_MAX_US (5 * (tg_us)TG_US_PER_S)

void tg_rtmp_meter_init(struct tg_rtmp_meter *meter, tg_us now)
{
    *meter = (struct tg_rtmp_meter){.since = now};
    tg_uplink_health_init(&meter->health);
}

void tg_rtmp_meter_tag(struct tg_rtmp_meter *meter, enum tg_track track, size_t bytes,
                       uint32_t ts_ms, tg_us now)
{
    struct tg_rtmp_meter_track *t = &meter->tracks[track];

    t->bytes += bytes;
    t->frames++;
    if (t->started) {
        tg_us step = (tg_us)tg_ts_diff(ts_ms, t->ts_ms) * TG_US_PER_MS;
        tg_us off = llabs(now - t->arrival - step);

        /* Set-up tags, and an encoder that starts anew, are no jitter. */
        if (step > 0 && off < OFF_MAX_US)
            t->jitter_us += (off - t->jitter_us) / JITTER_SHARE;
    }
    t->started = true;
    t->ts_ms = ts_ms;
    t->arrival = now;
}

static uint32_t rate(uint64_t bytes, tg_us elapsed)
{
    return (uint32_t)TG_MIN(bytes * 8 * TG_US_PER_S / (uint64_t)elapsed, (uint64_t)UINT32_MAX);
}

struct tg_live_uplink tg_rtmp_meter_take(struct tg_rtmp_meter *meter,
                                         const struct tg_rtmp_media *media, tg_us now)
{
    struct tg_rtmp_meter_track *video = &meter->tracks[TG_TRACK_VIDEO];
    struct tg_rtmp_meter_track *audio = &meter->tracks[TG_TRACK_AUDIO];
    const struct tg_rtmp_meter_track *beat = video->started ? video : audio;
    tg_us elapsed = TG_MAX(now - meter->since, 1);
    struct tg_live_uplink u = {
        .show = media->show,
        .kind = TG_SOURCE_RTMP,
        .video_bps = rate(video->bytes, elapsed),
        .audio_bps = rate(audio->bytes, elapsed),
        .width = media->width,
        .height = media->height,
        .frames = (uint16_t)TG_MIN(video->frames, (uint32_t)UINT16_MAX),
        .jitter_ms = beat->started ? (int32_t)(beat->jitter_us / TG_US_PER_MS) : -1,
        .rtt_ms = -1,
        .audio_dbov = 1,
    };

    tg_str_printf(u.publisher, sizeof(u.publisher), "%s", media->publisher);
    u.troubles = tg_uplink_health_second(&meter->health, &u, media->nal_len_size != 0);
    video->bytes = audio->bytes = 0;
    video->frames = audio->frames = 0;
    meter->since = now;
    return u;
}
