/*
 * fuzz_srtcp.c - what claims to be SRTCP: raw bytes, and sealed packets with changes.
 *
 * Input: one byte of choices (profile, engine), then records: a kind byte, a length byte, bytes.
 *   raw       the bytes go to the receiver as they are
 *   sealed    the bytes become a packet, are sealed, and must come out as they went in, once
 *   changed   ... with one bit changed at a place of the input's choice: must be refused
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/macros.h"
#include "proto/srtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KIND_RAW, KIND_SEALED, KIND_CHANGED, KINDS, PLAIN_MAX = 8 + 255 };

struct pair {
    struct tg_srtp_tx *tx;
    struct tg_srtcp_rx *rx;
};

/* The bytes as the body of a report; the kind byte's upper bits choose among 32 senders. */
static size_t plain_make(uint8_t *out, size_t cap, struct tg_span body, uint8_t sender)
{
    struct tg_wr w = tg_wr(out, cap);

    tg_wr_u32(&w, 0x80c90001);
    tg_wr_u32(&w, sender);
    tg_wr_bytes(&w, body.data, body.len / 4 * 4);
    TG_ASSERT(!w.bad);
    return tg_wr_len(&w);
}

static void raw(struct pair *p, struct tg_span body)
{
    uint8_t packet[256];
    size_t len = 0;

    memcpy(packet, body.data, body.len);
    if (tg_srtcp_rx_unprotect(p->rx, packet, body.len, &len) == TG_OK)
        TG_ASSERT(len >= 8 && len < body.len);
}

static void sealed(struct pair *p, struct tg_span body, uint8_t sender, bool change)
{
    uint8_t plain[PLAIN_MAX];
    uint8_t packet[PLAIN_MAX + TG_SRTP_RTCP_TRAILER];
    const size_t plain_len = plain_make(plain, sizeof(plain), body, sender);
    size_t len = 0;
    size_t again_len = 0;

    memcpy(packet, plain, plain_len);
    TG_ASSERT(tg_srtp_tx_protect_rtcp(p->tx, packet, plain_len, sizeof(packet), &len) == TG_OK);
    if (change) {
        const size_t at = body.len < 2 ? 0 : (size_t)(body.data[0] << 8 | body.data[1]);

        packet[at / 8 % len] ^= (uint8_t)(1U << (at % 8));
        TG_ASSERT(tg_srtcp_rx_unprotect(p->rx, packet, len, &again_len) != TG_OK);
        return;
    }
    uint8_t again[sizeof(packet)];

    memcpy(again, packet, len);
    const tg_err err = tg_srtcp_rx_unprotect(p->rx, packet, len, &len);

    TG_ASSERT(err == TG_OK || err == TG_ERR_LIMIT);
    if (err == TG_OK) {
        TG_ASSERT(len == plain_len && memcmp(packet, plain, len) == 0);
        len += tg_srtp_tx_trailer(p->tx) + 4;
        TG_ASSERT(tg_srtcp_rx_unprotect(p->rx, again, len, &again_len) == TG_ERR_CONFLICT);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd r = tg_rd(data, size);
    const uint8_t choices = tg_rd_u8(&r);
    const struct tg_srtp_keys keys = {.profile = (choices & 1) != 0 ? TG_SRTP_AES128_CM_SHA1_80
                                                                    : TG_SRTP_AEAD_AES_128_GCM,
                                      .client_key = "a client's key.",
                                      .server_key = "a server's key.",
                                      .client_salt = "client's salt",
                                      .server_salt = "server's salt"};
    struct pair p = {0};

    TG_ASSERT(tg_srtp_tx_engine((choices & 2) != 0 ? TG_SRTP_TX_EVP : TG_SRTP_TX_BEST) == TG_OK);
    TG_ASSERT(tg_srtp_tx_new(&p.tx, &keys, TG_SRTP_SERVER) == TG_OK);
    TG_ASSERT(tg_srtcp_rx_new(&p.rx, &keys, TG_SRTP_CLIENT) == TG_OK);
    while (tg_rd_left(&r) > 0) {
        const uint8_t kind = tg_rd_u8(&r);
        const uint8_t want = tg_rd_u8(&r);
        const struct tg_span body = tg_rd_span(&r, TG_MIN((size_t)want, tg_rd_left(&r)));

        if (r.bad)
            break;
        if (kind % KINDS == KIND_RAW)
            raw(&p, body);
        else
            sealed(&p, body, kind / KINDS % 32, kind % KINDS == KIND_CHANGED);
    }
    tg_srtp_tx_free(p.tx);
    tg_srtcp_rx_free(p.rx);
    return 0;
}
