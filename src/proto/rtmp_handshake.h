/*
 * rtmp_handshake.h - the server's side of the RTMP handshake.
 * Pure. Spec: Adobe RTMP 1.0 s5.2, the simple form: S2 echoes C1. Clients that try the digest form
 * (non-zero version in C1) fall back to it when S1 carries version 0; C2 is not compared, because
 * several encoders fill it with something of their own.
 */
#ifndef TG_PROTO_RTMP_HANDSHAKE_H
#define TG_PROTO_RTMP_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/rng.h"

enum { TG_RTMP_HELLO_LEN = 1536 };

struct tg_rtmp_handshake {
    size_t got; /* bytes of C0, C1 and C2 seen */
    uint8_t c1[TG_RTMP_HELLO_LEN];
};

void tg_rtmp_handshake_init(struct tg_rtmp_handshake *h);
/*
 * Consumes handshake bytes from `in`, appends S0 S1 S2 to out once C1 is complete. OK: done, the
 * rest of `in` is chunks. AGAIN: all of `in` used, more needed. UNSUPPORTED: C0 asks for another
 * version (RTMPE, or not RTMP at all). NOMEM, LIMIT: out is full.
 */
TG_MUST_CHECK tg_err tg_rtmp_handshake_input(struct tg_rtmp_handshake *h, struct tg_rd *in,
                                             struct tg_rng *rng, struct tg_buf *out);

#endif
