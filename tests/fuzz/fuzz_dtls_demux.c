/*
 * fuzz_dtls_demux.c - datagrams (two length bytes each) through the record check into a fresh DTLS
 * server, or a client that waits for the ServerHello (first byte odd).
 */
#include "base/macros.h"
#include "proto/dtls.h"
#include "proto/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_dtls_ctx *ctx;
    struct tg_rd r = tg_rd(data, size);
    struct tg_dtls *d = NULL;
    struct tg_srtp_keys keys;

    if (ctx == NULL)
        TG_ASSERT(tg_dtls_ctx_new(&ctx) == TG_OK);
    const struct tg_dtls_cfg cfg = {.role =
                                        (tg_rd_u8(&r) & 1) != 0 ? TG_SRTP_CLIENT : TG_SRTP_SERVER};

    TG_ASSERT(tg_dtls_new(&d, ctx, &cfg) == TG_OK);
    TG_ASSERT(tg_dtls_start(d) == TG_OK);
    while (!r.bad && tg_rd_left(&r) > 0) {
        uint16_t len = tg_rd_u16(&r);
        struct tg_span g = tg_rd_span(&r, TG_MIN((size_t)len, tg_rd_left(&r)));
        struct tg_span out;

        if (tg_dtls_is_record(g.data, g.len))
            TG_ASSERT(tg_mux_kind(g.data, g.len) == TG_MUX_DTLS);
        (void)!tg_dtls_input(d, 0, g.data, g.len);
        while ((out = tg_dtls_poll(d)).data != NULL)
            TG_ASSERT(out.len <= TG_DTLS_MTU && tg_dtls_is_record(out.data, out.len));
    }
    /* Nobody on this line has a key for the empty fingerprint. */
    TG_ASSERT(tg_dtls_state(d) != TG_DTLS_CONNECTED);
    TG_ASSERT(tg_dtls_export(d, &keys) == TG_ERR_AGAIN);
    tg_dtls_close(d);
    tg_dtls_free(d);
    return 0;
}
