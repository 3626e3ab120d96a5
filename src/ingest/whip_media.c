/*
 * whip_media.c - a publisher's frames become access units on the show's media clock.
 */
#include "base/bytes.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "ingest/whip_priv.h"
#include "proto/h264.h"
#include "proto/vp8.h"

/* A publisher that offered video and sends sound only goes on air with that after a while. */
#define AUDIO_ALONE_US (3 * (tg_us)TG_US_PER_S)

/*
 * A stream's times only grow, so thousands of frames a second would run away from the clock, and
 * who takes the show over would have to stand still until it catches up. Real publishers are ahead
 * by some milliseconds at most (rtp_clock.h).
 */
#define AHEAD_MAX_US (250 * (tg_us)TG_US_PER_MS)

enum { AVCC_MAX = 2048 }; /* parameter sets of browsers and phones take 40 bytes */

static const char bframes_reason[] =
    "Your encoder sends B-frames, which browsers cannot play over WebRTC. Turn B-frames off "
    "(bframes=0, tune zerolatency, or profile baseline) and start again.";
static const char colour_reason[] =
    "Your encoder sends 4:2:2, 4:4:4 or 10-bit video, which browsers cannot play over WebRTC. "
    "Choose 8 bit 4:2:0 (NV12, I420) and start again.";

void tg_whip_media_init(struct tg_whip_media *m, const struct tg_source_ops *ops,
                        const struct tg_source_info *info, const struct tg_sdp_whip *pick,
                        tg_us epoch_us)
{
    *m = (struct tg_whip_media){
        .ops = ops,
        .info = *info,
        .epoch_us = epoch_us,
        .has_video = pick->video.media >= 0,
        .vp8 = pick->video.vp8,
    };
    m->info.encodings = pick->video.rid_count;
    tg_rtp_clock_init(&m->clock);
    tg_layers_init(&m->layers);
    for (unsigned i = 0; i < TG_WHIP_RIDS_MAX; i++)
        m->layer_out[i] = -1;
}

void tg_whip_media_done(struct tg_whip_media *m)
{
    if (m->source != NULL)
        m->ops->close(m->source);
    m->source = NULL;
    for (unsigned i = 0; i < TG_WHIP_RIDS_MAX; i++) {
        tg_slab_unref(m->params[i]);
        tg_slab_unref(m->told[i]);
        m->params[i] = m->told[i] = NULL;
    }
    tg_metric_add(TG_M_ingest_clock_jumps_total, m->clock.jumps);
    tg_metric_add(TG_M_whip_layer_changes_total, m->layers.changes);
}

/* --- what a picture says of itself ------------------------------------------------------------ */

struct picture {
    bool key;
    unsigned width; /* keyframes; 0 = not known */
    unsigned height;
    bool b_slice;
};

static bool same_bytes(const struct tg_slab *slab, const uint8_t *bytes, size_t len)
{
    return slab != NULL && slab->len == len && memcmp(slab->data, bytes, len) == 0;
}

/* The encoding's parameter sets, when the frame brought whole new ones. NOMEM; else OK. */
static tg_err params_keep(struct tg_whip_media *m, unsigned encoding, const struct tg_avcc *avcc)
{
    uint8_t bytes[AVCC_MAX];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    struct tg_slab *slab;

    if (avcc->sps_count == 0 || avcc->pps_count == 0)
        return TG_OK;
    tg_avcc_write(&w, avcc);
    if (w.bad || same_bytes(m->params[encoding], bytes, tg_wr_len(&w)))
        return TG_OK; /* sets larger than any real ones: the frame goes without */
    slab = tg_slab_copy(bytes, tg_wr_len(&w));
    if (slab == NULL)
        return TG_ERR_NOMEM;
    tg_slab_unref(m->params[encoding]);
    m->params[encoding] = slab;
    return TG_OK;
}

static tg_err sps_look(struct tg_avcc *avcc, struct tg_span nal, struct picture *p,
                       const char **reterr_reason)
{
    struct tg_h264_sps sps;

    if (avcc->sps_count == TG_H264_SPS_MAX || tg_h264_sps_parse(&sps, nal) != TG_OK)
        return TG_OK; /* without its sets the frame does not count as a keyframe */
    if (sps.chroma_format != 1 || sps.bit_depth_luma != 8) {
        *reterr_reason = colour_reason;
        return TG_ERR_UNSUPPORTED;
    }
    if (avcc->sps_count == 0) {
        avcc->profile = sps.profile;
        avcc->constraints = sps.constraints;
        avcc->level = sps.level;
    }
    avcc->sps[avcc->sps_count++] = nal;
    p->width = sps.width;
    p->height = sps.height;
    return TG_OK;
}

static tg_err look_h264(struct tg_whip_media *m, const struct tg_receiver_out *out,
                        struct picture *p, const char **reterr_reason)
{
    struct tg_h264_iter it = tg_h264_iter(out->bytes.data, out->bytes.len, 4);
    struct tg_avcc avcc = {.nal_len_size = 4};
    struct tg_span nal;
    tg_err err = TG_OK;

    while (err == TG_OK && tg_h264_iter_next(&it, &nal)) {
        unsigned type = tg_h264_type(nal);

        if (type == TG_H264_SPS)
            err = sps_look(&avcc, nal, p, reterr_reason);
        else if (type == TG_H264_PPS && avcc.pps_count < TG_H264_PPS_MAX)
            avcc.pps[avcc.pps_count++] = nal;
        else if (type == TG_H264_SLICE)
            p->b_slice = p->b_slice || tg_h264_has_b(&nal, 1);
        p->key = p->key || type == TG_H264_IDR;
    }
    if (err == TG_OK)
        err = params_keep(m, out->encoding, &avcc);
    if (err == TG_OK && p->b_slice) {
        *reterr_reason = bframes_reason;
        return TG_ERR_UNSUPPORTED;
    }
    p->key = p->key && m->params[out->encoding] != NULL;
    return err;
}

static tg_err look(struct tg_whip_media *m, const struct tg_receiver_out *out, struct picture *p,
                   const char **reterr_reason)
{
    struct tg_vp8_info info;

    *p = (struct picture){0};
    if (!m->vp8)
        return look_h264(m, out, p, reterr_reason);
    if (tg_vp8_info_parse(&info, out->bytes) == TG_OK)
        *p = (struct picture){.key = info.key, .width = info.width, .height = info.height};
    return TG_OK;
}

/* --- to the show ------------------------------------------------------------------------------ */

static tg_err push(struct tg_whip_media *m, struct tg_au *au, struct tg_span bytes,
                   const char **reterr_reason)
{
    au->data = tg_slab_copy(bytes.data, bytes.len);
    if (au->data == NULL)
        return TG_ERR_LIMIT; /* the frame is dropped, as when the pipeline is behind */
    tg_err err = m->ops->push(m->source, au, reterr_reason);

    if (err == TG_OK && !au->config) {
        m->frames++;
        TG_COUNT(whip_frames_total);
    }
    return err == TG_ERR_NOMEM ? TG_ERR_LIMIT : err;
}

static tg_err open_source(struct tg_whip_media *m)
{
    return m->source != NULL ? TG_OK : m->ops->open(m->ops->ctx, &m->info, &m->source);
}

/* Before a keyframe: the layer's parameter sets, when they are news to it. */
static tg_err tell_params(struct tg_whip_media *m, unsigned encoding, const struct tg_au *frame,
                          const char **reterr_reason)
{
    struct tg_slab *params = m->params[encoding];
    struct tg_au au = *frame;
    tg_err err;

    if (m->vp8 || same_bytes(m->told[frame->layer], params->data, params->len))
        return TG_OK;
    au.config = true;
    au.key = false;
    err = push(m, &au, tg_span(params->data, params->len), reterr_reason);
    if (err != TG_OK)
        return err;
    tg_slab_unref(m->told[frame->layer]);
    m->told[frame->layer] = tg_slab_ref(params);
    return TG_OK;
}

static void drop(void)
{
    TG_COUNT(whip_dropped_total);
}

static bool runs_away(const struct tg_whip_media *m, tg_us dts_us, tg_us now)
{
    return dts_us > now - m->epoch_us + AHEAD_MAX_US;
}

static tg_err video(struct tg_whip_media *m, const struct tg_receiver_out *out, tg_us media_us,
                    tg_us now, const char **reterr_reason)
{
    struct tg_au au = {.track = TG_TRACK_VIDEO, .codec = m->vp8 ? TG_CODEC_VP8 : TG_CODEC_H264};
    struct picture p;
    int layer;
    tg_err err = look(m, out, &p, reterr_reason);

    if (err == TG_ERR_UNSUPPORTED)
        return err;
    layer = tg_layers_frame(&m->layers, out->encoding, p.key, p.width, p.height, now);
    m->best_frames += tg_layers_best(&m->layers) == (int)out->encoding ? 1 : 0;
    if (layer < 0 || err != TG_OK) {
        drop();
        return TG_OK;
    }
    au.key = p.key;
    au.layer = (uint8_t)layer;
    /* Encodings stand on one line but for noise: what follows on a layer is later. */
    au.dts_us = TG_MAX(media_us, m->layer_out[layer] + TG_RTP_CLOCK_STEP_US);
    au.pts_us = au.dts_us;
    if (runs_away(m, au.dts_us, now)) {
        drop();
        tg_layers_lost(&m->layers, out->encoding);
        return TG_OK;
    }
    err = open_source(m);
    if (err != TG_OK)
        return err;
    if (p.key)
        err = tell_params(m, out->encoding, &au, reterr_reason);
    if (err == TG_OK)
        err = push(m, &au, out->bytes, reterr_reason);
    if (err == TG_OK)
        m->layer_out[layer] = au.dts_us;
    if (err != TG_ERR_LIMIT)
        return err;
    drop();
    tg_layers_lost(&m->layers, out->encoding); /* no picture is better than a torn one */
    return TG_OK;
}

static tg_err audio(struct tg_whip_media *m, const struct tg_receiver_out *out, tg_us media_us,
                    tg_us now, const char **reterr_reason)
{
    struct tg_au au = {.track = TG_TRACK_AUDIO,
                       .codec = TG_CODEC_OPUS,
                       .key = true,
                       .dts_us = media_us,
                       .pts_us = media_us};
    tg_err err;

    if (m->audio_since == 0)
        m->audio_since = now;
    if (runs_away(m, media_us, now) ||
        (m->source == NULL && m->has_video && now - m->audio_since < AUDIO_ALONE_US)) {
        drop();
        return TG_OK;
    }
    err = open_source(m);
    if (err != TG_OK)
        return err;
    err = push(m, &au, out->bytes, reterr_reason);
    if (err != TG_ERR_LIMIT)
        return err;
    drop();
    return TG_OK;
}

tg_err tg_whip_media_frame(struct tg_whip_media *m, const struct tg_receiver_out *out, tg_us now,
                           const char **reterr_reason)
{
    tg_us media_us = tg_rtp_clock_frame(&m->clock, out->encoding, out->rtp_ts,
                                        out->arrival - m->epoch_us, now - m->epoch_us);

    return out->encoding == TG_RECEIVER_AUDIO ? audio(m, out, media_us, now, reterr_reason)
                                              : video(m, out, media_us, now, reterr_reason);
}

tg_err tg_whip_media_poll(struct tg_whip_media *m, const char **reterr_reason)
{
    uint32_t layers = 0;
    tg_err err;

    if (m->source == NULL)
        return TG_OK;
    err = m->ops->poll(m->source, &layers, reterr_reason);
    for (unsigned l = 0; err == TG_OK && l < TG_WHIP_RIDS_MAX; l++) {
        int encoding = (layers >> l & 1U) != 0 ? tg_layers_encoding(&m->layers, l) : -1;

        if (encoding >= 0) {
            m->key_wishes |= 1U << encoding;
            TG_COUNT(whip_key_wishes_total);
        }
    }
    return err;
}
