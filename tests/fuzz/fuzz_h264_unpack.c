/*
 * RTP payloads of one or more access units: u8 length and bytes each; length 0 ends the unit. What
 * comes out must be a well-formed list of NAL units, and key exactly when it holds an IDR picture.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "proto/h264.h"
#include "proto/h264_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tg_h264_unpack *u, struct tg_span au)
{
    static struct tg_span nals[TG_H264_NALS_MAX];
    size_t count = 0;

    TG_ASSERT(tg_h264_split(nals, &count, au.data, au.len, 4) == TG_OK);
    TG_ASSERT(count > 0 && count == u->nal_count);
    TG_ASSERT(tg_h264_is_key(nals, count) == u->key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd r = tg_rd(data, size);
    struct tg_h264_unpack u;
    bool fine = true;

    tg_h264_unpack_init(&u, 600); /* small, so that the bound is met */
    tg_h264_unpack_begin(&u);
    while (tg_rd_left(&r) > 0) {
        const size_t len = tg_rd_u8(&r);
        const struct tg_span payload = tg_rd_span(&r, TG_MIN(len, tg_rd_left(&r)));
        struct tg_span au;

        if (len > 0) {
            (void)tg_h264_peek(payload); /* must stand any bytes */
            fine = tg_h264_unpack_add(&u, payload) == TG_OK && fine;
            continue;
        }
        if (fine && tg_h264_unpack_end(&u, &au) == TG_OK)
            check(&u, au);
        tg_h264_unpack_begin(&u);
        fine = true;
    }
    tg_h264_unpack_done(&u);
    return 0;
}
