/* Outbound SRTP on kept OpenSSL contexts: RFC 3711 s4 (AES-CM, HMAC-SHA1), RFC 7714 (GCM). */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/seq.h"
#include "proto/rtp.h"
#include "proto/srtp_priv.h"

enum {
    TAG_LEN_GCM = 16,
    TAG_LEN_CM = 10,
    IV_LEN_GCM = 12,
    IV_LEN_CM = 16,
};

struct stream {
    uint32_t ssrc;
    uint64_t index; /* newest packet: ROC << 16 | seq */
};

struct tg_srtp_tx {
    bool gcm;
    EVP_CIPHER_CTX *cipher; /* holds the key; every packet sets its IV only */
    EVP_MAC_CTX *mac;       /* CM only */
    uint8_t salt[TG_SRTP_SALT_MAX];
    size_t stream_count;
    struct stream streams[TG_SRTP_TX_STREAMS_MAX];
};

/* RFC 3711 s4.3.1 with key derivation rate 0: the AES-CM key stream at (label << 48) xor salt. */
tg_err tg_srtp_derive(uint8_t *out, size_t len, enum tg_srtp_label label,
                      const uint8_t key[TG_SRTP_KEY_LEN], const uint8_t salt[TG_SRTP_SALT_MAX])
{
    static const uint8_t zero[32];
    uint8_t iv[IV_LEN_CM] = {0};
    int done = 0;

    TG_ASSERT(len <= sizeof(zero));
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    if (ctx == NULL)
        return TG_ERR_NOMEM;
    memcpy(iv, salt, TG_SRTP_SALT_MAX);
    iv[7] ^= (uint8_t)label;
    bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, key, iv) == 1 &&
              EVP_EncryptUpdate(ctx, out, &done, zero, (int)len) == 1 && (size_t)done == len;

    EVP_CIPHER_CTX_free(ctx);
    return ok ? TG_OK : TG_ERR_IO;
}

static tg_err mac_new(struct tg_srtp_tx *tx, const uint8_t *auth_key)
{
    char digest[] = "SHA1";
    OSSL_PARAM params[2] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    tx->mac = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac); /* the context keeps its own reference */
    if (tx->mac == NULL)
        return TG_ERR_NOMEM;
    return EVP_MAC_init(tx->mac, auth_key, TG_SRTP_AUTH_KEY_LEN, params) == 1 ? TG_OK : TG_ERR_IO;
}

static tg_err contexts_new(struct tg_srtp_tx *tx, const struct tg_srtp_session_keys *keys)
{
    tx->gcm = keys->profile == TG_SRTP_AEAD_AES_128_GCM;
    memcpy(tx->salt, keys->salt, sizeof(tx->salt));
    tx->cipher = EVP_CIPHER_CTX_new();
    if (tx->cipher == NULL)
        return TG_ERR_NOMEM;
    if (EVP_EncryptInit_ex(tx->cipher, tx->gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(), NULL,
                           keys->cipher, NULL) != 1)
        return TG_ERR_IO;
    return tx->gcm ? TG_OK : mac_new(tx, keys->auth);
}

tg_err tg_srtp_tx_new_session(struct tg_srtp_tx **ret, const struct tg_srtp_session_keys *keys)
{
    struct tg_srtp_tx *tx = tg_calloc(1, sizeof(*tx));

    if (tx == NULL)
        return TG_ERR_NOMEM;
    ERR_clear_error();
    tg_err err = contexts_new(tx, keys);

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
    const uint8_t *key = side == TG_SRTP_CLIENT ? keys->client_key : keys->server_key;
    uint8_t salt[TG_SRTP_SALT_MAX] = {0}; /* GCM's 12 bytes stand left (RFC 7714 s11) */
    struct tg_srtp_session_keys session = {.profile = keys->profile};

    if (keys->profile != TG_SRTP_AEAD_AES_128_GCM && keys->profile != TG_SRTP_AES128_CM_SHA1_80)
        return TG_ERR_UNSUPPORTED;
    memcpy(salt, side == TG_SRTP_CLIENT ? keys->client_salt : keys->server_salt,
           tg_srtp_salt_len(keys->profile));
    ERR_clear_error();
    tg_err err =
        tg_srtp_derive(session.cipher, sizeof(session.cipher), TG_SRTP_LABEL_CIPHER, key, salt);

    if (err == TG_OK)
        err = tg_srtp_derive(session.auth, sizeof(session.auth), TG_SRTP_LABEL_AUTH, key, salt);
    if (err == TG_OK)
        err = tg_srtp_derive(session.salt, sizeof(session.salt), TG_SRTP_LABEL_SALT, key, salt);
    if (err == TG_OK)
        err = tg_srtp_tx_new_session(ret, &session);
    OPENSSL_cleanse(&session, sizeof(session));
    OPENSSL_cleanse(salt, sizeof(salt));
    return err;
}

void tg_srtp_tx_free(struct tg_srtp_tx *tx)
{
    if (tx == NULL)
        return;
    EVP_CIPHER_CTX_free(tx->cipher);
    EVP_MAC_CTX_free(tx->mac);
    OPENSSL_cleanse(tx, sizeof(*tx));
    tg_free(tx);
}

size_t tg_srtp_tx_trailer(const struct tg_srtp_tx *tx)
{
    return tx->gcm ? TAG_LEN_GCM : TAG_LEN_CM;
}

static struct stream *stream_find(struct tg_srtp_tx *tx, uint32_t ssrc, uint16_t seq)
{
    for (size_t i = 0; i < tx->stream_count; i++) {
        if (tx->streams[i].ssrc == ssrc)
            return &tx->streams[i];
    }
    if (tx->stream_count == TG_SRTP_TX_STREAMS_MAX)
        return NULL;
    struct stream *s = &tx->streams[tx->stream_count++];

    *s = (struct stream){.ssrc = ssrc, .index = seq};
    return s;
}

/* Both IVs are the salt xor the big-endian SSRC and the 48-bit index at fixed places. */
static void iv_make(uint8_t iv[IV_LEN_CM], const struct tg_srtp_tx *tx, uint32_t ssrc,
                    uint64_t index)
{
    struct tg_wr w = tg_wr(iv, IV_LEN_CM);
    size_t salt_len = tx->gcm ? IV_LEN_GCM : TG_SRTP_SALT_MAX;

    if (tx->gcm)
        tg_wr_u16(&w, 0); /* RFC 7714 s8.1: 00 00 | SSRC | ROC | SEQ */
    else
        tg_wr_u32(&w, 0); /* RFC 3711 s4.1.1: 4 zero bytes | SSRC | index | block counter */
    tg_wr_u32(&w, ssrc);
    tg_wr_u32(&w, (uint32_t)(index >> 16));
    tg_wr_u16(&w, (uint16_t)index);
    while (tg_wr_left(&w) > 0)
        tg_wr_u8(&w, 0);
    for (size_t i = 0; i < salt_len; i++)
        iv[i] ^= tx->salt[i];
}

static bool seal_part(struct tg_srtp_tx *tx, uint8_t *out, struct tg_span part)
{
    int done = 0;

    return part.len == 0 ||
           EVP_EncryptUpdate(tx->cipher, out, &done, part.data, (int)part.len) == 1;
}

static bool seal_gcm(struct tg_srtp_tx *tx, const struct tg_srtp_plain *in, uint8_t *out)
{
    uint8_t *body = out + in->header.len;
    uint8_t *tag = body + in->prefix.len + in->payload.len;
    int done = 0;

    return EVP_EncryptUpdate(tx->cipher, NULL, &done, out, (int)in->header.len) == 1 &&
           seal_part(tx, body, in->prefix) && seal_part(tx, body + in->prefix.len, in->payload) &&
           EVP_EncryptFinal_ex(tx->cipher, tag, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(tx->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN_GCM, tag) == 1;
}

static bool seal_cm(struct tg_srtp_tx *tx, const struct tg_srtp_plain *in, uint8_t *out,
                    uint32_t roc)
{
    uint8_t *body = out + in->header.len;
    size_t len = in->header.len + in->prefix.len + in->payload.len;
    uint8_t digest[TG_SRTP_AUTH_KEY_LEN];
    uint8_t roc_bytes[4];
    struct tg_wr w = tg_wr(roc_bytes, sizeof(roc_bytes));
    size_t digest_len = 0;

    TG_ASSERT(out != NULL);
    tg_wr_u32(&w, roc);
    bool ok = seal_part(tx, body, in->prefix) &&
              seal_part(tx, body + in->prefix.len, in->payload) &&
              EVP_MAC_init(tx->mac, NULL, 0, NULL) == 1 && EVP_MAC_update(tx->mac, out, len) == 1 &&
              EVP_MAC_update(tx->mac, roc_bytes, sizeof(roc_bytes)) == 1 &&
              EVP_MAC_final(tx->mac, digest, &digest_len, sizeof(digest)) == 1;

    if (ok)
        memcpy(out + len, digest, TAG_LEN_CM);
    return ok;
}

tg_err tg_srtp_tx_protect(struct tg_srtp_tx *tx, const struct tg_srtp_plain *in, uint8_t *out,
                          size_t cap, size_t *ret_len)
{
    struct tg_rd r = tg_rd(in->header.data, in->header.len);
    size_t total = in->header.len + in->prefix.len + in->payload.len + tg_srtp_tx_trailer(tx);
    uint8_t iv[IV_LEN_CM];

    tg_rd_skip(&r, 2);
    uint16_t seq = tg_rd_u16(&r);

    tg_rd_skip(&r, 4);
    uint32_t ssrc = tg_rd_u32(&r);

    if (r.bad)
        return TG_ERR_MALFORMED;
    if (total > cap || total > UINT16_MAX)
        return TG_ERR_LIMIT;
    struct stream *s = stream_find(tx, ssrc, seq);

    if (s == NULL)
        return TG_ERR_LIMIT;
    uint64_t index = tg_seq_unwrap(s->index, seq);

    if (out != in->header.data)
        memcpy(out, in->header.data, in->header.len);
    iv_make(iv, tx, ssrc, index);
    if (EVP_EncryptInit_ex(tx->cipher, NULL, NULL, NULL, iv) != 1)
        return TG_ERR_IO;
    if (!(tx->gcm ? seal_gcm(tx, in, out) : seal_cm(tx, in, out, (uint32_t)(index >> 16))))
        return TG_ERR_IO;
    if (index > s->index)
        s->index = index;
    *ret_len = total;
    return TG_OK;
}
