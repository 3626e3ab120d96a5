/*
 * fuzz_rtmp_chunk.c - any bytes as chunks; the first byte chooses the size of the pieces. What the
 * reader gives out, written again, is read as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "proto/rtmp_chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct tg_rtmp_msg *msg, uint32_t chunk_size)
{
    struct tg_rtmp_reader r;
    struct tg_rtmp_msg back;
    struct tg_buf out;
    struct tg_rd in;

    if (msg->payload.len > 8192 || msg->type == TG_RTMP_SET_CHUNK_SIZE ||
        msg->type == TG_RTMP_ABORT || msg->csid < 2)
        return;
    tg_buf_init(&out, 1 << 20);
    tg_rtmp_reader_init(&r);
    r.chunk_size = chunk_size;
    tg_rtmp_write(&out, msg, chunk_size);
    if (out.err == TG_OK) {
        in = tg_rd(out.data, out.len);
        if (tg_rtmp_reader_next(&r, &in, &back) != TG_OK || back.csid != msg->csid ||
            back.timestamp != msg->timestamp || back.payload.len != msg->payload.len ||
            (back.payload.len > 0 &&
             memcmp(back.payload.data, msg->payload.data, back.payload.len) != 0))
            abort();
    }
    tg_rtmp_reader_done(&r);
    tg_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rtmp_reader r;
    struct tg_rtmp_msg msg;
    size_t piece;
    tg_err err = TG_ERR_AGAIN;

    if (size == 0)
        return 0;
    piece = 1 + data[0];
    tg_rtmp_reader_init(&r);
    for (size_t at = 1; at < size && err == TG_ERR_AGAIN; at += piece) {
        struct tg_rd in = tg_rd(data + at, TG_MIN(piece, size - at));

        while ((err = tg_rtmp_reader_next(&r, &in, &msg)) == TG_OK)
            check_round_trip(&msg, 1 + data[0]);
        if (err == TG_ERR_AGAIN && tg_rd_left(&in) != 0)
            abort();
    }
    tg_rtmp_reader_done(&r);
    return 0;
}
