/*
 * rtmp_media.c - FLV tags become access units on the show's media clock.
 */
#include "base/log.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "base/str.h"
#include "ingest/rtmp_priv.h"
#include "proto/aac.h"
#include "proto/flv.h"
#include "proto/h264.h"

/* A constant offset is harmless; a second of it would date frames into the future. */
enum { CTS_MS_MAX = 500 };

static const char bframes_reason[] =
    "Your encoder sends B-frames, which browsers cannot play over WebRTC. Turn B-frames off "
    "(OBS: Settings > Output > x264 options bframes=0, or profile baseline) and start again.";
static const char colour_reason[] =
    "Your encoder sends 4:2:2, 4:4:4 or 10-bit video, which browsers cannot play over WebRTC. "
    "Choose the colour format NV12 (8 bit, 4:2:0) and start again.";
static const char h264_reason[] = "The H.264 set-up data of your encoder cannot be read.";
static const char aac_reason[] = "The AAC set-up data of your encoder cannot be read.";

tg_err tg_rtmp_media_open(struct tg_rtmp_media *m, const struct tg_rtmp_cfg *cfg, uint16_t show,
                          tg_us epoch_us, unsigned ordinal, tg_us now)
{
    *m = (struct tg_rtmp_media){.cfg = cfg, .show = show, .epoch_us = epoch_us, .wait_key = true};
    tg_clock_map_init(&m->map);
    tg_rtmp_meter_init(&m->meter, now);
    tg_str_printf(m->publisher, sizeof(m->publisher), "r-%u", ordinal);
    struct tg_source_info info = {.show = show, .kind = TG_SOURCE_RTMP};

    tg_str_printf(info.publisher, sizeof(info.publisher), "%s", m->publisher);
    return cfg->ops.open(cfg->ops.ctx, &info, &m->source);
}

void tg_rtmp_media_close(struct tg_rtmp_media *m)
{
    if (m->source == NULL)
        return;
    m->cfg->ops.close(m->source);
    m->source = NULL;
    tg_metric_add(TG_M_ingest_clock_jumps_total, m->map.jumps);
}

/* au without its data. A frame that cannot be taken is dropped; the next IDR starts anew. */
static tg_err push(struct tg_rtmp_media *m, struct tg_au *au, struct tg_span data,
                   const char **reterr_reason)
{
    tg_err err = TG_ERR_NOMEM;

    au->data = tg_slab_copy(data.data, data.len);
    if (au->data != NULL)
        err = m->cfg->ops.push(m->source, au, reterr_reason);
    if (err == TG_OK) {
        m->frames++;
        TG_COUNT(rtmp_frames_total);
        return TG_OK;
    }
    if (err != TG_ERR_LIMIT && err != TG_ERR_NOMEM)
        return err;
    TG_COUNT(rtmp_dropped_total);
    if (au->track == TG_TRACK_VIDEO)
        m->wait_key = true;
    return TG_OK;
}

static tg_us arrival_of(const struct tg_rtmp_media *m, tg_us now)
{
    return now - m->epoch_us - m->cfg->latency_us;
}

/* Set-up data has no time of its own: encoders stamp it 0 whenever they send it. */
static tg_us config_time(const struct tg_rtmp_media *m, enum tg_track track, tg_us now)
{
    tg_us last = m->map.out_us[track];

    return last >= 0 ? last : TG_MAX(arrival_of(m, now), 0);
}

static tg_err video_config(struct tg_rtmp_media *m, struct tg_span data, tg_us now,
                           const char **reterr_reason)
{
    struct tg_au au = {.track = TG_TRACK_VIDEO, .codec = TG_CODEC_H264, .config = true};
    struct tg_avcc avcc;
    struct tg_h264_sps sps;

    if (tg_avcc_parse(&avcc, data.data, data.len) != TG_OK ||
        tg_h264_sps_parse(&sps, avcc.sps[0]) != TG_OK) {
        *reterr_reason = h264_reason;
        return TG_ERR_UNSUPPORTED;
    }
    if (sps.chroma_format != 1 || sps.bit_depth_luma != 8) {
        *reterr_reason = colour_reason;
        return TG_ERR_UNSUPPORTED;
    }
    m->nal_len_size = avcc.nal_len_size;
    m->width = sps.width;
    m->height = sps.height;
    m->may_reorder = tg_h264_sps_may_reorder(&sps);
    m->wait_key = true;
    m->cts_seen = false;
    au.dts_us = config_time(m, TG_TRACK_VIDEO, now);
    au.pts_us = au.dts_us;
    return push(m, &au, data, reterr_reason);
}

/*
 * B slices, or presentation that differs from decoding order where the SPS allows it. One constant
 * composition offset is harmless: some encoders always send it.
 */
static bool has_bframes(struct tg_rtmp_media *m, const struct tg_flv_video *v, bool b_slice)
{
    if (!m->cts_seen) {
        m->cts_seen = true;
        m->cts_ms = v->cts_ms;
    }
    return b_slice || (m->may_reorder && v->cts_ms != m->cts_ms);
}

static tg_err video_frame(struct tg_rtmp_media *m, const struct tg_rtmp_event *ev,
                          const struct tg_flv_video *v, tg_us now, const char **reterr_reason)
{
    struct tg_au au = {.track = TG_TRACK_VIDEO, .codec = TG_CODEC_H264};
    struct tg_h264_iter it = tg_h264_iter(v->data.data, v->data.len, m->nal_len_size);
    bool b_slice = false;
    struct tg_span nal;

    if (m->nal_len_size == 0) {
        TG_COUNT(rtmp_dropped_total);
        return TG_OK;
    }
    while (tg_h264_iter_next(&it, &nal)) {
        au.key = au.key || tg_h264_is_key(&nal, 1);
        b_slice = b_slice || tg_h264_has_b(&nal, 1);
    }
    tg_rtmp_meter_tag(&m->meter, TG_TRACK_VIDEO, v->data.len, ev->timestamp, now);
    au.dts_us = tg_clock_map_input(&m->map, TG_TRACK_VIDEO, ev->timestamp, arrival_of(m, now));
    au.pts_us = TG_MAX(au.dts_us + (tg_us)TG_MIN(v->cts_ms, CTS_MS_MAX) * TG_US_PER_MS, 0);
    if (has_bframes(m, v, b_slice)) {
        *reterr_reason = bframes_reason;
        return TG_ERR_UNSUPPORTED;
    }
    if (it.bad || (m->wait_key && !au.key)) {
        TG_COUNT(rtmp_dropped_total);
        m->wait_key = true;
        return TG_OK;
    }
    m->wait_key = false;
    return push(m, &au, v->data, reterr_reason);
}

static tg_err input_video(struct tg_rtmp_media *m, const struct tg_rtmp_event *ev, tg_us now,
                          const char **reterr_reason)
{
    struct tg_flv_video v;
    tg_err err = tg_flv_video_parse(&v, ev->body, reterr_reason);

    if (err == TG_ERR_UNSUPPORTED)
        return err;
    if (err != TG_OK) {
        TG_COUNT(rtmp_dropped_total);
        return TG_OK;
    }
    if (v.what == TG_FLV_CONFIG)
        return video_config(m, v.data, now, reterr_reason);
    if (v.what == TG_FLV_FRAME)
        return video_frame(m, ev, &v, now, reterr_reason);
    return TG_OK;
}

static tg_err input_audio(struct tg_rtmp_media *m, const struct tg_rtmp_event *ev, tg_us now,
                          const char **reterr_reason)
{
    struct tg_au au = {.track = TG_TRACK_AUDIO, .codec = TG_CODEC_AAC, .key = true};
    struct tg_flv_audio a;
    tg_err err = tg_flv_audio_parse(&a, ev->body, reterr_reason);

    if (err == TG_ERR_UNSUPPORTED)
        return err;
    if (err != TG_OK || (a.what == TG_FLV_FRAME && !m->aac_ready)) {
        TG_COUNT(rtmp_dropped_total);
        return TG_OK;
    }
    if (a.what == TG_FLV_CONFIG) {
        struct tg_aac_config config;

        if (tg_aac_config_parse(&config, a.data.data, a.data.len) != TG_OK) {
            *reterr_reason = aac_reason;
            return TG_ERR_UNSUPPORTED;
        }
        m->aac_ready = true;
        au.config = true;
        au.dts_us = config_time(m, TG_TRACK_AUDIO, now);
    } else if (a.what == TG_FLV_FRAME) {
        tg_rtmp_meter_tag(&m->meter, TG_TRACK_AUDIO, a.data.len, ev->timestamp, now);
        au.dts_us = tg_clock_map_input(&m->map, TG_TRACK_AUDIO, ev->timestamp, arrival_of(m, now));
    } else {
        return TG_OK;
    }
    au.pts_us = au.dts_us;
    return push(m, &au, a.data, reterr_reason);
}

tg_err tg_rtmp_media_input(struct tg_rtmp_media *m, const struct tg_rtmp_event *ev, tg_us now,
                           const char **reterr_reason)
{
    return ev->kind == TG_RTMP_EV_VIDEO ? input_video(m, ev, now, reterr_reason)
                                        : input_audio(m, ev, now, reterr_reason);
}
