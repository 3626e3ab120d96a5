/* Inbound SRTCP: RFC 3711 s3.4, RFC 7714 s9. */
#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "proto/srtp_priv.h"

enum { PACKET_MAX = 65535, WINDOW = 64 };

struct source {
    uint32_t ssrc;
    uint32_t newest; /* SRTCP index */
    uint64_t seen;   /* bit n: newest - n has come */
};

struct tg_srtcp_rx {
    const struct tg_srtp_suite *suite;
    struct tg_srtp_salt salt;
    size_t source_count;
    struct source sources[TG_SRTCP_RX_SOURCES_MAX];
    /* No expanded GCM key among the RTCP suites, so malloc's alignment will do. */
    _Alignas(max_align_t) uint8_t state[];
};

tg_err tg_srtcp_rx_new_session(struct tg_srtcp_rx **ret, const struct tg_srtp_session_keys *rtcp)
{
    const struct tg_srtp_suite *suite = tg_srtp_suite_of(rtcp->profile, true);
    struct tg_srtcp_rx *rx = tg_calloc(1, sizeof(*rx) + suite->state_size);

    if (rx == NULL)
        return TG_ERR_NOMEM;
    rx->suite = suite;
    rx->salt = tg_srtp_salt(rtcp->salt);
    tg_err err = suite->init(rx->state, rtcp);

    if (err != TG_OK) {
        tg_srtcp_rx_free(rx);
        return err;
    }
    *ret = rx;
    return TG_OK;
}

tg_err tg_srtcp_rx_new(struct tg_srtcp_rx **ret, const struct tg_srtp_keys *keys,
                       enum tg_srtp_side side)
{
    struct tg_srtp_session_keys rtcp;
    tg_err err =
        tg_srtp_session_keys(&rtcp, keys, side == TG_SRTP_SERVER, TG_SRTP_LABEL_RTCP_CIPHER);

    if (err != TG_OK)
        return err;
    err = tg_srtcp_rx_new_session(ret, &rtcp);
    OPENSSL_cleanse(&rtcp, sizeof(rtcp));
    return err;
}

void tg_srtcp_rx_free(struct tg_srtcp_rx *rx)
{
    if (rx == NULL)
        return;
    rx->suite->done(rx->state);
    OPENSSL_cleanse(rx, sizeof(*rx) + rx->suite->state_size);
    tg_free(rx);
}

/* --- replay ----------------------------------------------------------------------------------- */

static struct source *source_find(struct tg_srtcp_rx *rx, uint32_t ssrc)
{
    for (size_t i = 0; i < rx->source_count; i++) {
        if (rx->sources[i].ssrc == ssrc)
            return &rx->sources[i];
    }
    return NULL;
}

static bool is_replay(const struct source *s, uint32_t index)
{
    if (index > s->newest)
        return false;
    const uint32_t behind = s->newest - index;

    return behind >= WINDOW || (s->seen >> behind & 1) != 0;
}

/* Only for an authentic packet that is no replay. */
static void note(struct source *s, uint32_t index)
{
    if (index <= s->newest) {
        s->seen |= (uint64_t)1 << (s->newest - index);
        return;
    }
    const uint32_t ahead = index - s->newest;

    s->seen = (ahead >= WINDOW ? 0 : s->seen << ahead) | 1;
    s->newest = index;
}

/* --- packets ---------------------------------------------------------------------------------- */

/* The fixed places of a packet that is long enough. */
struct frame {
    uint32_t ssrc;
    uint32_t index;
    uint8_t *body;
    size_t body_len;
    uint8_t *tag;
    uint8_t clear[TG_SRTP_RTCP_CLEAR + TG_SRTP_RTCP_INDEX_LEN];
};

static tg_err frame_parse(struct frame *ret, const struct tg_srtp_suite *suite, uint8_t *packet,
                          size_t len)
{
    const size_t trailer = (size_t)suite->tag_len + TG_SRTP_RTCP_INDEX_LEN;
    struct tg_rd r = tg_rd(packet, len);
    struct tg_wr w = tg_wr(ret->clear, sizeof(ret->clear));

    if (len < TG_SRTP_RTCP_CLEAR + trailer || len > PACKET_MAX || packet[0] >> 6 != 2)
        return TG_ERR_MALFORMED;
    tg_rd_skip(&r, 4);
    ret->ssrc = tg_rd_u32(&r);
    ret->body_len = len - TG_SRTP_RTCP_CLEAR - trailer;
    ret->body = packet + TG_SRTP_RTCP_CLEAR;
    tg_rd_skip(&r, ret->body_len + (suite->gcm ? suite->tag_len : 0));
    ret->tag = ret->body + ret->body_len + (suite->gcm ? 0 : TG_SRTP_RTCP_INDEX_LEN);
    const uint32_t word = tg_rd_u32(&r);

    /* RTCP in the clear was not agreed upon: both profiles of use_srtp encrypt (RFC 5764 s4.1.2) */
    if (word >> 31 == 0)
        return TG_ERR_MALFORMED;
    ret->index = word & 0x7fffffff;
    tg_wr_bytes(&w, packet, TG_SRTP_RTCP_CLEAR);
    tg_wr_u32(&w, word);
    return TG_OK;
}

tg_err tg_srtcp_rx_unprotect(struct tg_srtcp_rx *rx, uint8_t *packet, size_t len, size_t *ret_len)
{
    const bool gcm = rx->suite->gcm;
    struct frame f = {0};
    tg_err err = frame_parse(&f, rx->suite, packet, len);

    if (err != TG_OK)
        return err;
    struct source *s = source_find(rx, f.ssrc);

    if (s != NULL && is_replay(s, f.index))
        return TG_ERR_CONFLICT;
    struct tg_srtp_box box = {
        .clear = tg_span(f.clear, gcm ? sizeof(f.clear) : TG_SRTP_RTCP_CLEAR),
        .in = f.body,
        .out = f.body,
        .len = f.body_len,
        .tag = f.tag,
        .tail = f.index | 1U << 31,
    };

    tg_srtp_iv(box.iv, gcm, &rx->salt, f.ssrc, f.index);
    if (!rx->suite->unseal(rx->state, &box))
        return TG_ERR_AUTH;
    if (s == NULL) {
        if (rx->source_count == TG_SRTCP_RX_SOURCES_MAX)
            return TG_ERR_LIMIT;
        s = &rx->sources[rx->source_count++];
        *s = (struct source){.ssrc = f.ssrc, .newest = f.index};
    }
    note(s, f.index);
    *ret_len = TG_SRTP_RTCP_CLEAR + f.body_len;
    return TG_OK;
}
