/*
 * rtmp_chunk.c - chunks to messages and back.
 *
 * A chunk header is collected byte by byte in `head` until it is complete (its size is known from
 * its own first bytes and the lane's state), so input may be cut anywhere. Bodies are appended to
 * the lane's buffer in one piece per input.
 */
#include "proto/rtmp_chunk.h"

#include "base/alloc.h"
#include "base/macros.h"

enum { EXTENDED = 0xffffff };

struct tg_rtmp_lane {
    uint32_t csid;
    uint32_t timestamp;
    uint32_t delta; /* of fmt 1 and 2; after fmt 0 its timestamp (s5.3.1.2.4) */
    uint32_t len;
    uint32_t stream_id;
    uint8_t type;
    bool extended; /* the last 24-bit field was ffffff */
    bool partial;  /* in the middle of a message */
    struct tg_buf body;
};

void tg_rtmp_reader_init(struct tg_rtmp_reader *r)
{
    *r = (struct tg_rtmp_reader){.chunk_size = TG_RTMP_CHUNK_SIZE_DEFAULT};
}

void tg_rtmp_reader_done(struct tg_rtmp_reader *r)
{
    for (unsigned i = 0; i < r->lane_count; i++) {
        tg_buf_done(&r->lanes[i]->body);
        tg_free(r->lanes[i]);
    }
    r->lane_count = 0;
    r->lane = NULL;
}

static struct tg_rtmp_lane *find_lane(const struct tg_rtmp_reader *r, uint32_t csid)
{
    for (unsigned i = 0; i < r->lane_count; i++)
        if (r->lanes[i]->csid == csid)
            return r->lanes[i];
    return NULL;
}

static tg_err add_lane(struct tg_rtmp_reader *r, uint32_t csid, struct tg_rtmp_lane **ret)
{
    struct tg_rtmp_lane *lane;

    if (r->lane_count == TG_RTMP_CSIDS_MAX)
        return TG_ERR_LIMIT;
    lane = tg_calloc(1, sizeof(*lane));
    if (lane == NULL)
        return TG_ERR_NOMEM;
    lane->csid = csid;
    tg_buf_init(&lane->body, TG_RTMP_MSG_MAX);
    r->lanes[r->lane_count++] = lane;
    *ret = lane;
    return TG_OK;
}

/* Length of the basic header, told by its first byte. */
static size_t basic_len(uint8_t first)
{
    unsigned low = first & 0x3fU;

    return low == 0 ? 2 : low == 1 ? 3 : 1;
}

static uint32_t read_csid(struct tg_rd *r)
{
    unsigned low = tg_rd_u8(r) & 0x3fU;
    uint32_t csid;

    if (low >= 2)
        return low;
    csid = 64U + tg_rd_u8(r);
    if (low == 1)
        csid += 256U * tg_rd_u8(r);
    return csid;
}

/* Bytes that the header being collected has in all, as far as can be told by now. */
static size_t header_need(const struct tg_rtmp_reader *r)
{
    static const uint8_t field_len[4] = {11, 7, 3, 0};
    struct tg_rd rd = tg_rd(r->head, r->head_len);
    unsigned fmt = r->head[0] >> 6;
    size_t basic;
    uint32_t csid;

    if (r->head_len == 0)
        return 1;
    basic = basic_len(r->head[0]);
    if (r->head_len < basic)
        return basic;
    csid = read_csid(&rd);
    if (fmt == 3) {
        const struct tg_rtmp_lane *lane = find_lane(r, csid);

        return basic + (lane != NULL && lane->extended ? 4 : 0);
    }
    if (r->head_len < basic + 3)
        return basic + field_len[fmt];
    return basic + field_len[fmt] + (tg_rd_u24(&rd) == EXTENDED ? 4 : 0);
}

static bool is_control(uint8_t type)
{
    return type == TG_RTMP_SET_CHUNK_SIZE || type == TG_RTMP_ABORT || type == TG_RTMP_ACK ||
           type == TG_RTMP_WINDOW_ACK_SIZE || type == TG_RTMP_SET_PEER_BANDWIDTH ||
           type == TG_RTMP_USER_CONTROL;
}

static tg_err check_len(const struct tg_rtmp_lane *lane)
{
    uint32_t max = TG_RTMP_COMMAND_MAX;

    if (is_control(lane->type))
        max = 64;
    else if (lane->type == TG_RTMP_VIDEO || lane->type == TG_RTMP_AUDIO)
        max = TG_RTMP_MSG_MAX;
    return lane->len <= max ? TG_OK : TG_ERR_LIMIT;
}

/* The lane's new message takes the header's values (s5.3.1.2). */
static void begin_message(struct tg_rtmp_lane *lane, unsigned fmt, struct tg_rd *rd)
{
    uint32_t field = fmt == 3 ? 0 : tg_rd_u24(rd);

    if (fmt <= 1) {
        lane->len = tg_rd_u24(rd);
        lane->type = tg_rd_u8(rd);
    }
    if (fmt == 0)
        lane->stream_id = tg_rd_u32le(rd);
    if (fmt == 3) {
        /* The extended field of fmt 3 repeats the last one; `delta` has it already. */
        lane->timestamp += lane->delta;
    } else {
        lane->extended = field == EXTENDED;
        lane->delta = lane->extended ? tg_rd_u32(rd) : field;
        lane->timestamp = fmt == 0 ? lane->delta : lane->timestamp + lane->delta;
    }
    tg_buf_clear(&lane->body);
    lane->partial = true;
}

/* A complete header: find or make its lane and see how long this chunk's body is. */
static tg_err take_header(struct tg_rtmp_reader *r)
{
    struct tg_rd rd = tg_rd(r->head, r->head_len);
    unsigned fmt = r->head[0] >> 6;
    uint32_t csid = read_csid(&rd);
    struct tg_rtmp_lane *lane = find_lane(r, csid);
    tg_err err;

    r->head_len = 0;
    if (lane == NULL) {
        /* Nothing to repeat yet. fmt 1 as the first chunk is seen from old librtmp clients. */
        if (fmt > 1)
            return TG_ERR_MALFORMED;
        err = add_lane(r, csid, &lane);
        if (err != TG_OK)
            return err;
    }
    if (!lane->partial) {
        begin_message(lane, fmt, &rd);
        err = check_len(lane);
        if (err != TG_OK)
            return err;
    } else if (fmt != 3) {
        return TG_ERR_MALFORMED; /* a new header in the middle of a message */
    }
    TG_ASSERT(!rd.bad);
    r->lane = lane;
    r->body_left = (uint32_t)TG_MIN(lane->len - lane->body.len, r->chunk_size);
    return TG_OK;
}

/* All lanes' memory together; idle lanes give theirs back when that helps. */
static tg_err bound_memory(struct tg_rtmp_reader *r)
{
    size_t total = 0;

    for (unsigned i = 0; i < r->lane_count; i++)
        total += r->lanes[i]->body.cap;
    for (unsigned i = 0; i < r->lane_count && total > TG_RTMP_BUFFER_MAX; i++) {
        struct tg_rtmp_lane *lane = r->lanes[i];

        if (!lane->partial) {
            total -= lane->body.cap;
            tg_buf_done(&lane->body);
            tg_buf_init(&lane->body, TG_RTMP_MSG_MAX);
        }
    }
    return total <= TG_RTMP_BUFFER_MAX ? TG_OK : TG_ERR_LIMIT;
}

/* true: handled here, not for the caller. */
static bool obey(struct tg_rtmp_reader *r, const struct tg_rtmp_msg *msg, tg_err *reterr)
{
    struct tg_rd rd = tg_rd(msg->payload.data, msg->payload.len);
    uint32_t value;

    if (msg->type != TG_RTMP_SET_CHUNK_SIZE && msg->type != TG_RTMP_ABORT)
        return false;
    value = tg_rd_u32(&rd);
    *reterr = TG_OK;
    if (rd.bad) {
        *reterr = TG_ERR_MALFORMED;
    } else if (msg->type == TG_RTMP_SET_CHUNK_SIZE) {
        /* 1..2^31-1 (s5.4.1); beyond the longest message it makes no difference. */
        if (value == 0 || value > INT32_MAX)
            *reterr = TG_ERR_MALFORMED;
        else
            r->chunk_size = value;
    } else {
        struct tg_rtmp_lane *lane = find_lane(r, value);

        if (lane != NULL)
            lane->partial = false;
    }
    return true;
}

static tg_err take_body(struct tg_rtmp_reader *r, struct tg_rd *in)
{
    struct tg_rtmp_lane *lane = r->lane;
    size_t take = TG_MIN(r->body_left, tg_rd_left(in));
    size_t cap = lane->body.cap;
    struct tg_span part = tg_rd_span(in, take);

    tg_buf_add(&lane->body, part.data, part.len);
    if (lane->body.err != TG_OK)
        return lane->body.err;
    r->bytes += take;
    r->body_left -= (uint32_t)take;
    return lane->body.cap == cap ? TG_OK : bound_memory(r);
}

static tg_err fill_header(struct tg_rtmp_reader *r, struct tg_rd *in)
{
    size_t need;

    while ((need = header_need(r)) > r->head_len) {
        size_t take = TG_MIN(need - r->head_len, tg_rd_left(in));

        if (take == 0)
            return TG_ERR_AGAIN;
        TG_ASSERT(need <= sizeof(r->head));
        tg_rd_copy(in, r->head + r->head_len, take);
        r->head_len += take;
        r->bytes += take;
    }
    return take_header(r);
}

tg_err tg_rtmp_reader_next(struct tg_rtmp_reader *r, struct tg_rd *in, struct tg_rtmp_msg *ret)
{
    for (;;) {
        tg_err err = r->lane == NULL ? fill_header(r, in) : TG_OK;
        struct tg_rtmp_lane *lane = r->lane;
        struct tg_rtmp_msg msg;

        if (err != TG_OK)
            return err;
        if (r->body_left > 0) {
            err = take_body(r, in);
            if (err != TG_OK)
                return err;
            if (r->body_left > 0)
                return TG_ERR_AGAIN;
        }
        r->lane = NULL;
        if (lane->body.len < lane->len)
            continue;
        lane->partial = false;
        msg = (struct tg_rtmp_msg){.csid = lane->csid,
                                   .timestamp = lane->timestamp,
                                   .stream_id = lane->stream_id,
                                   .type = lane->type,
                                   .payload = tg_span(lane->body.data, lane->body.len)};
        if (!obey(r, &msg, &err)) {
            *ret = msg;
            return TG_OK;
        }
        if (err != TG_OK)
            return err;
    }
}

static void write_basic(struct tg_wr *w, unsigned fmt, uint32_t csid)
{
    if (csid < 64) {
        tg_wr_u8(w, (uint8_t)(fmt << 6 | csid));
    } else if (csid < 64 + 256) {
        tg_wr_u8(w, (uint8_t)(fmt << 6));
        tg_wr_u8(w, (uint8_t)(csid - 64));
    } else {
        tg_wr_u8(w, (uint8_t)(fmt << 6 | 1));
        tg_wr_u8(w, (uint8_t)((csid - 64) & 0xff));
        tg_wr_u8(w, (uint8_t)((csid - 64) >> 8));
    }
}

void tg_rtmp_write(struct tg_buf *out, const struct tg_rtmp_msg *msg, uint32_t chunk_size)
{
    struct tg_rd rd = tg_rd(msg->payload.data, msg->payload.len);
    bool extended = msg->timestamp >= EXTENDED;
    unsigned fmt = 0;

    TG_ASSERT(chunk_size > 0);
    if (msg->payload.len > 0xffffff || msg->csid < 2 || msg->csid > 65599) {
        out->err = TG_ERR_LIMIT;
        return;
    }
    do {
        uint8_t head[TG_RTMP_CHUNK_HEADER_MAX];
        struct tg_wr w = tg_wr(head, sizeof(head));
        size_t take = TG_MIN(chunk_size, tg_rd_left(&rd));

        write_basic(&w, fmt, msg->csid);
        if (fmt == 0) {
            tg_wr_u24(&w, extended ? EXTENDED : msg->timestamp);
            tg_wr_u24(&w, (uint32_t)msg->payload.len);
            tg_wr_u8(&w, msg->type);
            tg_wr_u32le(&w, msg->stream_id);
        }
        if (extended)
            tg_wr_u32(&w, msg->timestamp);
        TG_ASSERT(!w.bad);
        tg_buf_add(out, head, tg_wr_len(&w));
        tg_buf_add(out, tg_rd_span(&rd, take).data, take);
        fmt = 3;
    } while (tg_rd_left(&rd) > 0);
}
