/*
 * h264.c - NAL unit walking, avcC, slice headers.
 */
#include "proto/h264.h"

#include "proto/h264_priv.h"

const char *tg_h264_type_name(unsigned type)
{
    static const char *const names[] = {
        [TG_H264_SLICE] = "slice",
        [TG_H264_SLICE_A] = "slice-a",
        [TG_H264_IDR] = "idr",
        [TG_H264_SEI] = "sei",
        [TG_H264_SPS] = "sps",
        [TG_H264_PPS] = "pps",
        [TG_H264_AUD] = "aud",
        [TG_H264_END_SEQ] = "end-seq",
        [TG_H264_END_STREAM] = "end-str",
        [TG_H264_FILLER] = "filler",
        [TG_H264_STAP_A] = "stap-a",
        [TG_H264_FU_A] = "fu-a",
    };

    if (type >= sizeof(names) / sizeof(names[0]) || names[type] == NULL)
        return "other";
    return names[type];
}

struct tg_h264_iter tg_h264_iter(const void *data, size_t len, unsigned nal_len_size)
{
    return (struct tg_h264_iter){.rd = tg_rd(data, len), .nal_len_size = (uint8_t)nal_len_size};
}

/* Index of the next 00 00 01 at or after `from`; len when there is none. */
static size_t find_start(const uint8_t *data, size_t len, size_t from)
{
    for (size_t i = from; i + 3 <= len; i++)
        if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1)
            return i;
    return len;
}

/* H.264 Annex B: units between start codes; zero bytes before a start code are padding. */
static bool next_annexb(struct tg_h264_iter *it, struct tg_span *ret_nal)
{
    for (;;) {
        size_t start = find_start(it->rd.at, tg_rd_left(&it->rd), 0);
        struct tg_span nal;

        tg_rd_skip(&it->rd, start);
        if (tg_rd_left(&it->rd) < 3)
            return false;
        tg_rd_skip(&it->rd, 3);
        nal = tg_rd_span(&it->rd, find_start(it->rd.at, tg_rd_left(&it->rd), 0));
        while (nal.len > 0 && nal.data[nal.len - 1] == 0)
            nal.len--;
        if (nal.len > 0) {
            *ret_nal = nal;
            return true;
        }
    }
}

static bool next_prefixed(struct tg_h264_iter *it, struct tg_span *ret_nal)
{
    while (tg_rd_left(&it->rd) > 0) {
        uint32_t len = 0;
        struct tg_span nal;

        for (unsigned i = 0; i < it->nal_len_size; i++)
            len = len << 8 | tg_rd_u8(&it->rd);
        nal = tg_rd_span(&it->rd, len);
        if (it->rd.bad) {
            it->bad = true;
            return false;
        }
        if (nal.len > 0) {
            *ret_nal = nal;
            return true;
        }
    }
    return false;
}

bool tg_h264_iter_next(struct tg_h264_iter *it, struct tg_span *ret_nal)
{
    if (it->bad)
        return false;
    return it->nal_len_size == 0 ? next_annexb(it, ret_nal) : next_prefixed(it, ret_nal);
}

tg_err tg_h264_split(struct tg_span out[TG_H264_NALS_MAX], size_t *ret_count, const void *data,
                     size_t len, unsigned nal_len_size)
{
    struct tg_h264_iter it = tg_h264_iter(data, len, nal_len_size);
    struct tg_span nal;

    *ret_count = 0;
    while (tg_h264_iter_next(&it, &nal)) {
        if (*ret_count == TG_H264_NALS_MAX)
            return TG_ERR_LIMIT;
        out[(*ret_count)++] = nal;
    }
    return it.bad ? TG_ERR_MALFORMED : TG_OK;
}

static tg_err read_sets(struct tg_rd *r, struct tg_span *out, unsigned count, unsigned max,
                        unsigned type)
{
    if (count == 0)
        return TG_ERR_MALFORMED;
    if (count > max)
        return TG_ERR_LIMIT;
    for (unsigned i = 0; i < count; i++) {
        uint16_t len = tg_rd_u16(r);

        out[i] = tg_rd_span(r, len);
        if (r->bad)
            return TG_ERR_TRUNCATED;
        if (tg_h264_type(out[i]) != type)
            return TG_ERR_MALFORMED;
    }
    return TG_OK;
}

tg_err tg_avcc_parse(struct tg_avcc *ret, const void *data, size_t len)
{
    struct tg_rd r = tg_rd(data, len);
    struct tg_avcc avcc = {0};
    uint8_t version = tg_rd_u8(&r);
    tg_err err;

    avcc.profile = tg_rd_u8(&r);
    avcc.constraints = tg_rd_u8(&r);
    avcc.level = tg_rd_u8(&r);
    avcc.nal_len_size = (uint8_t)((tg_rd_u8(&r) & 3U) + 1);
    avcc.sps_count = tg_rd_u8(&r) & 0x1f;
    if (r.bad)
        return TG_ERR_TRUNCATED;
    if (version != 1 || avcc.nal_len_size == 3)
        return TG_ERR_MALFORMED;
    err = read_sets(&r, avcc.sps, avcc.sps_count, TG_H264_SPS_MAX, TG_H264_SPS);
    if (err != TG_OK)
        return err;
    avcc.pps_count = tg_rd_u8(&r);
    if (r.bad)
        return TG_ERR_TRUNCATED;
    err = read_sets(&r, avcc.pps, avcc.pps_count, TG_H264_PPS_MAX, TG_H264_PPS);
    if (err != TG_OK)
        return err;
    *ret = avcc;
    return TG_OK;
}

static void write_sets(struct tg_wr *w, const struct tg_span *sets, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (sets[i].len > UINT16_MAX) {
            w->bad = true;
            return;
        }
        tg_wr_u16(w, (uint16_t)sets[i].len);
        tg_wr_bytes(w, sets[i].data, sets[i].len);
    }
}

void tg_avcc_write(struct tg_wr *w, const struct tg_avcc *avcc)
{
    tg_wr_u8(w, 1);
    tg_wr_u8(w, avcc->profile);
    tg_wr_u8(w, avcc->constraints);
    tg_wr_u8(w, avcc->level);
    tg_wr_u8(w, (uint8_t)(0xfcU | (avcc->nal_len_size - 1U)));
    tg_wr_u8(w, 0xe0U | avcc->sps_count);
    write_sets(w, avcc->sps, avcc->sps_count);
    tg_wr_u8(w, avcc->pps_count);
    write_sets(w, avcc->pps, avcc->pps_count);
}

tg_err tg_h264_slice_parse(struct tg_h264_slice *ret, struct tg_span nal)
{
    struct tg_h264_bits bits = tg_h264_bits(nal);
    unsigned type = tg_h264_type(nal);
    uint32_t first_mb;
    uint32_t slice_type;

    if (type != TG_H264_SLICE && type != TG_H264_SLICE_A && type != TG_H264_IDR)
        return TG_ERR_MALFORMED;
    first_mb = tg_h264_ue(&bits);
    slice_type = tg_h264_ue(&bits);
    if (bits.bad)
        return TG_ERR_TRUNCATED;
    if (slice_type > 9) /* 5..9 say "all slices of the picture are of type n - 5" */
        return TG_ERR_MALFORMED;
    *ret = (struct tg_h264_slice){.first_mb = first_mb,
                                  .type = (enum tg_h264_slice_type)(slice_type % 5)};
    return TG_OK;
}

bool tg_h264_is_key(const struct tg_span *nals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tg_h264_type(nals[i]) == TG_H264_IDR)
            return true;
    return false;
}

bool tg_h264_has_b(const struct tg_span *nals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tg_h264_slice slice;

        if (tg_h264_slice_parse(&slice, nals[i]) == TG_OK && slice.type == TG_H264_B)
            return true;
    }
    return false;
}
