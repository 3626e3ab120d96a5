/*
 * rtmp_handshake.c - C0 C1 in, S0 S1 S2 out, C2 in.
 */
#include "proto/rtmp_handshake.h"

#include "base/macros.h"

enum { RTMP_VERSION = 3, C0_LEN = 1, C1_END = C0_LEN + TG_RTMP_HELLO_LEN };
enum { ALL_LEN = C1_END + TG_RTMP_HELLO_LEN };

void tg_rtmp_handshake_init(struct tg_rtmp_handshake *h)
{
    h->got = 0;
}

static tg_err answer(const struct tg_rtmp_handshake *h, struct tg_rng *rng, struct tg_buf *out)
{
    uint8_t s0s1[C1_END] = {RTMP_VERSION}; /* time and version stay zero */

    tg_rng_bytes(rng, s0s1 + C0_LEN + 8, TG_RTMP_HELLO_LEN - 8);
    tg_buf_add(out, s0s1, sizeof(s0s1));
    tg_buf_add(out, h->c1, sizeof(h->c1));
    return out->err;
}

tg_err tg_rtmp_handshake_input(struct tg_rtmp_handshake *h, struct tg_rd *in, struct tg_rng *rng,
                               struct tg_buf *out)
{
    if (h->got == 0 && tg_rd_left(in) > 0) {
        if (tg_rd_u8(in) != RTMP_VERSION)
            return TG_ERR_UNSUPPORTED;
        h->got = C0_LEN;
    }
    if (h->got >= C0_LEN && h->got < C1_END) {
        size_t take = TG_MIN(tg_rd_left(in), C1_END - h->got);
        tg_err err;

        tg_rd_copy(in, h->c1 + (h->got - C0_LEN), take);
        h->got += take;
        if (h->got < C1_END)
            return TG_ERR_AGAIN;
        err = answer(h, rng, out);
        if (err != TG_OK)
            return err;
    }
    if (h->got >= C1_END && h->got < ALL_LEN) {
        size_t take = TG_MIN(tg_rd_left(in), ALL_LEN - h->got);

        tg_rd_skip(in, take);
        h->got += take;
    }
    return h->got == ALL_LEN ? TG_OK : TG_ERR_AGAIN;
}
