#include "proto/srtp.h"

#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/macros.h"
#include "proto/rtp.h"

enum {
    TAG_LEN_GCM = 16,
    TAG_LEN_CM = 10,
    RTCP_HEADER_LEN = 8,
    SRTCP_INDEX_LEN = 4,
    REPLAY_WINDOW = 1024,
    PACKET_MAX = 65535,
};

_Static_assert((int)TG_SRTP_RTP_TRAILER >= (int)TAG_LEN_GCM, "room for the tag");
_Static_assert((int)TG_SRTP_RTCP_TRAILER >= (int)TAG_LEN_GCM + (int)SRTCP_INDEX_LEN,
               "room for tag and index");

struct tg_srtp {
    srtp_t rx;
    srtp_t tx;
    size_t tag_len;
};

size_t tg_srtp_salt_len(enum tg_srtp_profile profile)
{
    return profile == TG_SRTP_AEAD_AES_128_GCM ? 12 : 14;
}

void tg_srtp_keys_wipe(struct tg_srtp_keys *keys)
{
    OPENSSL_cleanse(keys, sizeof(*keys));
}

static tg_err err_from_status(srtp_err_status_t status)
{
    switch (status) {
    case srtp_err_status_ok:
        return TG_OK;
    case srtp_err_status_alloc_fail:
        return TG_ERR_NOMEM;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return TG_ERR_CONFLICT;
    case srtp_err_status_auth_fail:
    case srtp_err_status_cipher_fail: /* GCM: short of a tag */
        return TG_ERR_AUTH;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
        return TG_ERR_MALFORMED;
    default:
        return TG_ERR_IO;
    }
}

/* libsrtp has one crypto kernel per process. It stays up until exit: sessions come and go. */
static tg_err library_init(void)
{
    enum { COLD, WARMING, READY, BROKEN };
    static atomic_int state = COLD;
    int seen = COLD;

    if (atomic_compare_exchange_strong(&state, &seen, WARMING)) {
        seen = srtp_init() == srtp_err_status_ok ? READY : BROKEN;
        atomic_store(&state, seen);
    }
    /* Another worker is in srtp_init() at this instant (once per process, a millisecond). */
    while (seen == WARMING)
        seen = atomic_load(&state);
    return seen == READY ? TG_OK : TG_ERR_IO;
}

static tg_err half_new(srtp_t *ret, const struct tg_srtp_keys *keys, bool client_key,
                       srtp_ssrc_type_t direction)
{
    uint8_t key[TG_SRTP_KEY_LEN + TG_SRTP_SALT_MAX] = {0};
    srtp_policy_t policy = {0};
    struct tg_wr w = tg_wr(key, sizeof(key));

    tg_wr_bytes(&w, client_key ? keys->client_key : keys->server_key, TG_SRTP_KEY_LEN);
    tg_wr_bytes(&w, client_key ? keys->client_salt : keys->server_salt,
                tg_srtp_salt_len(keys->profile));
    if (keys->profile == TG_SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = REPLAY_WINDOW;
    policy.allow_repeat_tx = 1;
    srtp_err_status_t status = srtp_create(ret, &policy);

    OPENSSL_cleanse(key, sizeof(key));
    return err_from_status(status);
}

tg_err tg_srtp_new(struct tg_srtp **ret, const struct tg_srtp_keys *keys, enum tg_srtp_side side)
{
    if (keys->profile != TG_SRTP_AEAD_AES_128_GCM && keys->profile != TG_SRTP_AES128_CM_SHA1_80)
        return TG_ERR_UNSUPPORTED;
    tg_err err = library_init();

    if (err != TG_OK)
        return err;
    struct tg_srtp *srtp = tg_calloc(1, sizeof(*srtp));

    if (srtp == NULL)
        return TG_ERR_NOMEM;
    srtp->tag_len = keys->profile == TG_SRTP_AEAD_AES_128_GCM ? TAG_LEN_GCM : TAG_LEN_CM;
    err = half_new(&srtp->rx, keys, side == TG_SRTP_SERVER, ssrc_any_inbound);
    if (err == TG_OK)
        err = half_new(&srtp->tx, keys, side == TG_SRTP_CLIENT, ssrc_any_outbound);
    if (err != TG_OK) {
        tg_srtp_free(srtp);
        return err;
    }
    *ret = srtp;
    return TG_OK;
}

void tg_srtp_free(struct tg_srtp *srtp)
{
    if (srtp == NULL)
        return;
    if (srtp->rx != NULL)
        (void)srtp_dealloc(srtp->rx); /* can only refuse a NULL session */
    if (srtp->tx != NULL)
        (void)srtp_dealloc(srtp->tx);
    tg_free(srtp);
}

tg_err tg_srtp_unprotect_rtp(struct tg_srtp *srtp, uint8_t *packet, size_t len, size_t *ret_len)
{
    struct tg_rd r = tg_rd(packet, len);
    uint8_t first = tg_rd_u8(&r);
    size_t header_len = TG_RTP_HEADER_LEN + (first & 15) * 4U;

    /* The padding bit speaks of plaintext, so only the header's own lengths can be checked here. */
    tg_rd_skip(&r, header_len - 1);
    if ((first & 0x10) != 0) {
        tg_rd_skip(&r, 2);
        uint16_t words = tg_rd_u16(&r);

        tg_rd_skip(&r, (size_t)words * 4);
    }
    tg_rd_skip(&r, srtp->tag_len);
    if (r.bad || first >> 6 != 2 || len > PACKET_MAX)
        return TG_ERR_MALFORMED;
    int size = (int)len;
    tg_err err = err_from_status(srtp_unprotect(srtp->rx, packet, &size));

    if (err == TG_OK)
        *ret_len = (size_t)size;
    return err;
}

tg_err tg_srtp_unprotect_rtcp(struct tg_srtp *srtp, uint8_t *packet, size_t len, size_t *ret_len)
{
    if (len < RTCP_HEADER_LEN + SRTCP_INDEX_LEN + srtp->tag_len || len > PACKET_MAX ||
        packet[0] >> 6 != 2)
        return TG_ERR_MALFORMED;
    int size = (int)len;
    tg_err err = err_from_status(srtp_unprotect_rtcp(srtp->rx, packet, &size));

    if (err == TG_OK)
        *ret_len = (size_t)size;
    return err;
}

tg_err tg_srtp_protect_rtcp(struct tg_srtp *srtp, uint8_t *packet, size_t len, size_t cap,
                            size_t *ret_len)
{
    if (len < RTCP_HEADER_LEN || len % 4 != 0 || len > PACKET_MAX)
        return TG_ERR_MALFORMED;
    if (cap < len + TG_SRTP_RTCP_TRAILER)
        return TG_ERR_LIMIT;
    int size = (int)len;
    tg_err err = err_from_status(srtp_protect_rtcp(srtp->tx, packet, &size));

    if (err == TG_OK)
        *ret_len = (size_t)size;
    return err;
}

tg_err tg_srtp_protect_rtp(struct tg_srtp *srtp, uint8_t *packet, size_t len, size_t cap,
                           size_t *ret_len)
{
    if (len < TG_RTP_HEADER_LEN || len > PACKET_MAX)
        return TG_ERR_MALFORMED;
    if (cap < len + TG_SRTP_RTP_TRAILER)
        return TG_ERR_LIMIT;
    int size = (int)len;
    tg_err err = err_from_status(srtp_protect(srtp->tx, packet, &size));

    if (err == TG_OK)
        *ret_len = (size_t)size;
    return err;
}
