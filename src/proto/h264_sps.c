/*
 * h264_sps.c - the sequence parameter set (ITU-T H.264 s7.3.2.1.1, Annex E) and its bit reader.
 */
#include "proto/h264.h"
#include "proto/h264_priv.h"

struct tg_h264_bits tg_h264_bits(struct tg_span nal)
{
    struct tg_h264_bits b = {.rd = tg_rd(nal.data, nal.len)};

    tg_rd_skip(&b.rd, 1);
    b.bad = b.rd.bad;
    return b;
}

static void load_byte(struct tg_h264_bits *b)
{
    uint8_t byte = tg_rd_u8(&b->rd);

    if (b->zeros >= 2 && byte == 3 && !b->rd.bad) {
        b->zeros = 0;
        byte = tg_rd_u8(&b->rd);
    }
    b->zeros = byte == 0 ? b->zeros + 1 : 0;
    b->bad = b->bad || b->rd.bad;
    b->byte = byte;
    b->left = 8;
}

uint32_t tg_h264_u(struct tg_h264_bits *b, unsigned count)
{
    uint32_t value = 0;

    while (count > 0 && !b->bad) {
        unsigned take;

        if (b->left == 0)
            load_byte(b);
        take = count < b->left ? count : b->left;
        value = (value << take) | ((uint32_t)(b->byte >> (b->left - take)) & ((1U << take) - 1));
        b->left -= take;
        count -= take;
    }
    return b->bad ? 0 : value;
}

uint32_t tg_h264_ue(struct tg_h264_bits *b)
{
    unsigned zeros = 0;

    while (!b->bad && tg_h264_u(b, 1) == 0) {
        if (++zeros > 31) {
            b->bad = true;
            return 0;
        }
    }
    if (b->bad)
        return 0;
    return ((1U << zeros) - 1) + tg_h264_u(b, zeros);
}

int32_t tg_h264_se(struct tg_h264_bits *b)
{
    uint32_t code = tg_h264_ue(b);

    /* s9.1.1: 1, -1, 2, -2, ...; code <= 2^32 - 2, so the halves fit. */
    return (code & 1) != 0 ? (int32_t)(code / 2 + 1) : -(int32_t)(code / 2);
}

static void skip_scaling_list(struct tg_h264_bits *b, unsigned size)
{
    int32_t last = 8;
    int32_t next = 8;

    for (unsigned i = 0; i < size && !b->bad; i++) {
        if (next != 0) {
            int32_t delta = tg_h264_se(b);

            if (delta < -128 || delta > 127) {
                b->bad = true;
                return;
            }
            next = (last + delta + 256) % 256;
        }
        last = next == 0 ? last : next;
    }
}

static bool has_chroma_info(uint8_t profile)
{
    static const uint8_t profiles[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};

    for (size_t i = 0; i < sizeof(profiles); i++)
        if (profiles[i] == profile)
            return true;
    return false;
}

static tg_err read_chroma_info(struct tg_h264_bits *b, struct tg_h264_sps *sps)
{
    uint32_t chroma = tg_h264_ue(b);
    uint32_t depth_luma;
    uint32_t depth_chroma;

    if (chroma > 3)
        return TG_ERR_MALFORMED;
    if (chroma == 3)
        (void)tg_h264_u(b, 1); /* separate_colour_plane_flag */
    depth_luma = tg_h264_ue(b);
    depth_chroma = tg_h264_ue(b);
    if (depth_luma > 6 || depth_chroma > 6)
        return TG_ERR_MALFORMED;
    sps->chroma_format = (uint8_t)chroma;
    sps->bit_depth_luma = (uint8_t)(8 + depth_luma);
    (void)tg_h264_u(b, 1); /* qpprime_y_zero_transform_bypass_flag */
    if (tg_h264_u(b, 1) != 0)
        for (unsigned i = 0; i < (chroma == 3 ? 12U : 8U); i++)
            if (tg_h264_u(b, 1) != 0)
                skip_scaling_list(b, i < 6 ? 16 : 64);
    return b->bad ? TG_ERR_TRUNCATED : TG_OK;
}

static tg_err read_poc(struct tg_h264_bits *b, struct tg_h264_sps *sps)
{
    uint32_t type = tg_h264_ue(b);

    if (type > 2)
        return TG_ERR_MALFORMED;
    sps->poc_type = (uint8_t)type;
    if (type == 0) {
        if (tg_h264_ue(b) > 12)
            return TG_ERR_MALFORMED;
    } else if (type == 1) {
        uint32_t cycle;

        (void)tg_h264_u(b, 1);
        (void)tg_h264_se(b);
        (void)tg_h264_se(b);
        cycle = tg_h264_ue(b);
        if (cycle > 255)
            return TG_ERR_MALFORMED;
        for (uint32_t i = 0; i < cycle; i++)
            (void)tg_h264_se(b);
    }
    return b->bad ? TG_ERR_TRUNCATED : TG_OK;
}

static tg_err read_size(struct tg_h264_bits *b, struct tg_h264_sps *sps)
{
    uint64_t width = ((uint64_t)tg_h264_ue(b) + 1) * 16;
    uint64_t height = ((uint64_t)tg_h264_ue(b) + 1) * 16;
    uint64_t crop_x = 0;
    uint64_t crop_y = 0;

    sps->frame_mbs_only = tg_h264_u(b, 1) != 0;
    if (!sps->frame_mbs_only) {
        height *= 2;
        (void)tg_h264_u(b, 1); /* mb_adaptive_frame_field_flag */
    }
    (void)tg_h264_u(b, 1);      /* direct_8x8_inference_flag */
    if (tg_h264_u(b, 1) != 0) { /* left, right, top, bottom in crop units (s7.4.2.1.1) */
        uint64_t unit_x = sps->chroma_format == 1 || sps->chroma_format == 2 ? 2 : 1;
        uint64_t unit_y = (sps->chroma_format == 1 ? 2U : 1U) * (sps->frame_mbs_only ? 1U : 2U);

        crop_x = tg_h264_ue(b);
        crop_x = (crop_x + tg_h264_ue(b)) * unit_x;
        crop_y = tg_h264_ue(b);
        crop_y = (crop_y + tg_h264_ue(b)) * unit_y;
    }
    if (b->bad)
        return TG_ERR_TRUNCATED;
    if (width > TG_H264_SIDE_MAX || height > TG_H264_SIDE_MAX)
        return TG_ERR_LIMIT;
    if (crop_x >= width || crop_y >= height)
        return TG_ERR_MALFORMED;
    sps->width = (uint16_t)(width - crop_x);
    sps->height = (uint16_t)(height - crop_y);
    return TG_OK;
}

static void skip_hrd(struct tg_h264_bits *b)
{
    uint32_t cpbs = tg_h264_ue(b);

    if (cpbs > 31) {
        b->bad = true;
        return;
    }
    (void)tg_h264_u(b, 8);
    for (uint32_t i = 0; i <= cpbs; i++) {
        (void)tg_h264_ue(b);
        (void)tg_h264_ue(b);
        (void)tg_h264_u(b, 1);
    }
    (void)tg_h264_u(b, 20);
}

/* Annex E up to bitstream_restriction, the only part that matters here. */
static void read_vui(struct tg_h264_bits *b, struct tg_h264_sps *sps)
{
    bool hrd = false;

    if (tg_h264_u(b, 1) != 0 && tg_h264_u(b, 8) == 255) /* aspect_ratio_idc: Extended_SAR */
        (void)tg_h264_u(b, 32);
    if (tg_h264_u(b, 1) != 0) /* overscan */
        (void)tg_h264_u(b, 1);
    if (tg_h264_u(b, 1) != 0) { /* video_signal_type */
        (void)tg_h264_u(b, 4);
        if (tg_h264_u(b, 1) != 0)
            (void)tg_h264_u(b, 24);
    }
    if (tg_h264_u(b, 1) != 0) { /* chroma_loc */
        (void)tg_h264_ue(b);
        (void)tg_h264_ue(b);
    }
    if (tg_h264_u(b, 1) != 0) { /* timing_info */
        (void)tg_h264_u(b, 32);
        (void)tg_h264_u(b, 32);
        (void)tg_h264_u(b, 1);
    }
    for (unsigned i = 0; i < 2; i++) { /* nal_hrd, vcl_hrd */
        if (tg_h264_u(b, 1) != 0) {
            hrd = true;
            skip_hrd(b);
        }
    }
    (void)tg_h264_u(b, hrd ? 2 : 1); /* low_delay_hrd_flag, pic_struct_present_flag */
    if (tg_h264_u(b, 1) != 0) {      /* bitstream_restriction */
        uint32_t reorder;

        (void)tg_h264_u(b, 1);
        for (unsigned i = 0; i < 4; i++)
            (void)tg_h264_ue(b);
        reorder = tg_h264_ue(b);
        if (!b->bad && reorder <= 16)
            sps->reorder_frames = (int8_t)reorder;
    }
}

tg_err tg_h264_sps_parse(struct tg_h264_sps *ret, struct tg_span nal)
{
    struct tg_h264_bits b = tg_h264_bits(nal);
    struct tg_h264_sps sps = {.chroma_format = 1, .bit_depth_luma = 8, .reorder_frames = -1};
    uint32_t refs;
    tg_err err;

    if (tg_h264_type(nal) != TG_H264_SPS)
        return TG_ERR_MALFORMED;
    sps.profile = (uint8_t)tg_h264_u(&b, 8);
    sps.constraints = (uint8_t)tg_h264_u(&b, 8);
    sps.level = (uint8_t)tg_h264_u(&b, 8);
    if (tg_h264_ue(&b) > 31) /* seq_parameter_set_id */
        return TG_ERR_MALFORMED;
    err = has_chroma_info(sps.profile) ? read_chroma_info(&b, &sps) : TG_OK;
    if (err != TG_OK)
        return err;
    if (tg_h264_ue(&b) > 12) /* log2_max_frame_num_minus4 */
        return TG_ERR_MALFORMED;
    err = read_poc(&b, &sps);
    if (err != TG_OK)
        return err;
    refs = tg_h264_ue(&b);
    if (refs > 16)
        return TG_ERR_MALFORMED;
    sps.ref_frames_max = (uint8_t)refs;
    (void)tg_h264_u(&b, 1); /* gaps_in_frame_num_value_allowed_flag */
    err = read_size(&b, &sps);
    if (err != TG_OK)
        return err;
    /* Cut or odd VUI is met in the wild and costs only the hint: the picture is known by here. */
    if (tg_h264_u(&b, 1) != 0)
        read_vui(&b, &sps);
    *ret = sps;
    return TG_OK;
}

bool tg_h264_sps_may_reorder(const struct tg_h264_sps *sps)
{
    return sps->profile != TG_H264_PROFILE_BASELINE && sps->poc_type != 2 &&
           sps->reorder_frames != 0;
}
