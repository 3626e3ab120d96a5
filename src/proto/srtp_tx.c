/* Outbound SRTP and SRTCP: RFC 3711 s3.3 s3.4, RFC 7714 s8 s9. The ciphers are the suites'. */
#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/seq.h"
#include "proto/rtp.h"
#include "proto/srtp_priv.h"

enum {
    PACKET_MAX = 65535,
    WARM_BYTES = 1472, /* the struct and an expanded key */
};

struct stream {
    uint64_t index; /* newest packet: ROC << 16 | seq */
    uint32_t ssrc;
};

struct tg_srtp_tx {
    /* The first cache line has all that a packet of the first stream needs. */
    const struct tg_srtp_suite *rtp;
    void *rtp_state;
    struct stream *last; /* of the previous packet */
    struct tg_srtp_salt salt;
    struct stream streams[TG_SRTP_TX_STREAMS_MAX];
    size_t stream_count;
    const struct tg_srtp_suite *rtcp;
    void *rtcp_state;
    struct tg_srtp_salt rtcp_salt;
    uint32_t rtcp_next; /* SRTCP index, one for all SSRCs */
    void *block;        /* the allocation; this struct and both states stand in it, aligned */
    size_t block_size;
};

/* --- life ------------------------------------------------------------------------------------- */

static size_t aligned(size_t size)
{
    return (size + TG_SRTP_STATE_ALIGN - 1) / TG_SRTP_STATE_ALIGN * TG_SRTP_STATE_ALIGN;
}

/* [ struct | RTCP state ] [ RTP state ]: one block, so that one wipe reaches everything. */
static struct tg_srtp_tx *block_new(const struct tg_srtp_suite *rtp,
                                    const struct tg_srtp_suite *rtcp)
{
    const size_t rtcp_at = aligned(sizeof(struct tg_srtp_tx));
    const size_t rtp_at = rtcp_at + aligned(rtcp->state_size);
    const size_t size = rtp_at + aligned(rtp->state_size) + TG_SRTP_STATE_ALIGN;
    uint8_t *block = tg_calloc(1, size);

    if (block == NULL)
        return NULL;
    uint8_t *start = block + (TG_SRTP_STATE_ALIGN - (uintptr_t)block % TG_SRTP_STATE_ALIGN);
    struct tg_srtp_tx *tx = (void *)start;

    tx->block = block;
    tx->block_size = size;
    tx->rtp = rtp;
    tx->rtcp = rtcp;
    tx->rtp_state = start + rtp_at;
    tx->rtcp_state = start + rtcp_at;
    return tx;
}

tg_err tg_srtp_tx_new_session(struct tg_srtp_tx **ret, const struct tg_srtp_session_keys *rtp,
                              const struct tg_srtp_session_keys *rtcp)
{
    struct tg_srtp_tx *tx =
        block_new(tg_srtp_suite_of(rtp->profile, false), tg_srtp_suite_of(rtcp->profile, true));

    if (tx == NULL)
        return TG_ERR_NOMEM;
    tx->salt = tg_srtp_salt(rtp->salt);
    tx->rtcp_salt = tg_srtp_salt(rtcp->salt);
    tg_err err = tx->rtp->init(tx->rtp_state, rtp);

    if (err == TG_OK)
        err = tx->rtcp->init(tx->rtcp_state, rtcp);
    if (err != TG_OK) {
        tg_srtp_tx_free(tx);
        return err;
    }
    *ret = tx;
    return TG_OK;
}

tg_err tg_srtp_tx_new(struct tg_srtp_tx **ret, const struct tg_srtp_keys *keys,
                      enum tg_srtp_side side)
{
    const bool client = side == TG_SRTP_CLIENT;
    struct tg_srtp_session_keys rtp;
    struct tg_srtp_session_keys rtcp;
    tg_err err = tg_srtp_session_keys(&rtp, keys, client, TG_SRTP_LABEL_CIPHER);

    if (err != TG_OK)
        return err;
    err = tg_srtp_session_keys(&rtcp, keys, client, TG_SRTP_LABEL_RTCP_CIPHER);
    if (err == TG_OK) {
        err = tg_srtp_tx_new_session(ret, &rtp, &rtcp);
        OPENSSL_cleanse(&rtcp, sizeof(rtcp));
    }
    OPENSSL_cleanse(&rtp, sizeof(rtp));
    return err;
}

void tg_srtp_tx_free(struct tg_srtp_tx *tx)
{
    if (tx == NULL)
        return;
    void *block = tx->block;
    const size_t size = tx->block_size;

    tx->rtp->done(tx->rtp_state);
    tx->rtcp->done(tx->rtcp_state);
    OPENSSL_cleanse(block, size);
    tg_free(block);
}

size_t tg_srtp_tx_trailer(const struct tg_srtp_tx *tx)
{
    return tx->rtp->tag_len;
}

void tg_srtp_tx_warm(const struct tg_srtp_tx *tx)
{
    const char *at = (const char *)tx;

    /* The keys stand behind the struct; for EVP they do not, and little more is fetched. */
    for (size_t i = 0; i < WARM_BYTES; i += TG_SRTP_STATE_ALIGN)
        __builtin_prefetch(at + i);
}

/* --- RTP -------------------------------------------------------------------------------------- */

/* NULL: too many. Makes `last` the stream of this SSRC. */
static struct stream *stream_find(struct tg_srtp_tx *tx, uint32_t ssrc, uint16_t seq)
{
    for (size_t i = 0; i < tx->stream_count; i++) {
        if (tx->streams[i].ssrc == ssrc)
            return tx->last = &tx->streams[i];
    }
    if (tx->stream_count == TG_SRTP_TX_STREAMS_MAX)
        return NULL;
    tx->last = &tx->streams[tx->stream_count++];
    *tx->last = (struct stream){.ssrc = ssrc, .index = seq};
    return tx->last;
}

/* Where the body comes from: the payload's own bytes, or out itself when a prefix leads it. */
static const uint8_t *body_of(const struct tg_srtp_plain *in, uint8_t *body)
{
    if (in->prefix.len == 0)
        return in->payload.data;
    memcpy(body, in->prefix.data, in->prefix.len); /* NOLINT: a prefix has a body */
    if (in->payload.len > 0)
        memcpy(body + in->prefix.len, in->payload.data, in->payload.len);
    return body;
}

tg_err tg_srtp_tx_protect(struct tg_srtp_tx *tx, const struct tg_srtp_plain *in, uint8_t *out,
                          size_t cap, size_t *ret_len)
{
    const size_t body_len = in->prefix.len + in->payload.len;
    const size_t len = in->header.len + body_len;
    const size_t total = len + tx->rtp->tag_len;
    struct tg_rd r = tg_rd(in->header.data, in->header.len);
    struct stream *s = tx->last;

    tg_rd_skip(&r, 2);
    const uint16_t seq = tg_rd_u16(&r);

    tg_rd_skip(&r, 4);
    const uint32_t ssrc = tg_rd_u32(&r);

    if (r.bad)
        return TG_ERR_MALFORMED;
    if (total > cap || total > PACKET_MAX)
        return TG_ERR_LIMIT;
    if (s == NULL || s->ssrc != ssrc)
        s = stream_find(tx, ssrc, seq);
    if (s == NULL)
        return TG_ERR_LIMIT;
    const uint64_t index = tg_seq_unwrap(s->index, seq);

    if (out != in->header.data)
        memcpy(out, in->header.data, in->header.len);
    struct tg_srtp_box box; /* field by field: clearing it first would be a tenth of the work */

    box.clear = tg_span(out, in->header.len);
    box.out = out + in->header.len;
    box.in = body_of(in, box.out);
    box.len = body_len;
    box.tag = out + len;
    box.tail = (uint32_t)(index >> 16);
    tg_srtp_iv(box.iv, tx->rtp->gcm, &tx->salt, ssrc, index);
    if (!tx->rtp->seal(tx->rtp_state, &box))
        return TG_ERR_IO;
    if (index > s->index)
        s->index = index;
    *ret_len = total;
    return TG_OK;
}

/* --- RTCP ------------------------------------------------------------------------------------- */

tg_err tg_srtp_tx_protect_rtcp(struct tg_srtp_tx *tx, uint8_t *packet, size_t len, size_t cap,
                               size_t *ret_len)
{
    const bool gcm = tx->rtcp->gcm;
    struct tg_rd r = tg_rd(packet, len);
    uint8_t clear[TG_SRTP_RTCP_CLEAR + TG_SRTP_RTCP_INDEX_LEN];
    struct tg_wr w = tg_wr(clear, sizeof(clear));

    tg_rd_skip(&r, 4);
    const uint32_t ssrc = tg_rd_u32(&r);

    if (r.bad || len % 4 != 0 || len > PACKET_MAX)
        return TG_ERR_MALFORMED;
    /* After 2^31 packets the keys are used up (RFC 3711 s9.2): three years of 20 a second. */
    if (cap < len + TG_SRTP_RTCP_TRAILER || tx->rtcp_next >> 31 != 0)
        return TG_ERR_LIMIT;
    tg_wr_bytes(&w, packet, TG_SRTP_RTCP_CLEAR);
    tg_wr_u32(&w, tx->rtcp_next | 1U << 31);

    uint8_t *index = packet + len + (gcm ? tx->rtcp->tag_len : 0);
    struct tg_srtp_box box = {
        /* GCM counts the index to the clear part in front (RFC 7714 s9.2), CM signs it last. */
        .clear = tg_span(clear, gcm ? sizeof(clear) : TG_SRTP_RTCP_CLEAR),
        .in = packet + TG_SRTP_RTCP_CLEAR,
        .out = packet + TG_SRTP_RTCP_CLEAR,
        .len = len - TG_SRTP_RTCP_CLEAR,
        .tag = packet + len + (gcm ? 0 : TG_SRTP_RTCP_INDEX_LEN),
        .tail = tx->rtcp_next | 1U << 31,
    };

    tg_srtp_iv(box.iv, gcm, &tx->rtcp_salt, ssrc, tx->rtcp_next);
    if (!tx->rtcp->seal(tx->rtcp_state, &box))
        return TG_ERR_IO;
    memcpy(index, clear + TG_SRTP_RTCP_CLEAR, TG_SRTP_RTCP_INDEX_LEN);
    tx->rtcp_next++;
    *ret_len = len + tx->rtcp->tag_len + TG_SRTP_RTCP_INDEX_LEN;
    return TG_OK;
}
