/* Session keys from the master keys of a handshake: RFC 3711 s4.3. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/macros.h"
#include "proto/srtp_priv.h"

/* With key derivation rate 0: the AES-CM key stream at (label << 48) xor salt. */
tg_err tg_srtp_derive(uint8_t *out, size_t len, enum tg_srtp_label label,
                      const uint8_t key[TG_SRTP_KEY_LEN], const uint8_t salt[TG_SRTP_SALT_MAX])
{
    static const uint8_t zero[32];
    uint8_t iv[TG_SRTP_IV_LEN] = {0};
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

tg_err tg_srtp_session_keys(struct tg_srtp_session_keys *ret, const struct tg_srtp_keys *keys,
                            bool client, enum tg_srtp_label first)
{
    const uint8_t *key = client ? keys->client_key : keys->server_key;
    uint8_t salt[TG_SRTP_SALT_MAX] = {0}; /* GCM's 12 bytes stand left (RFC 7714 s11) */
    struct tg_srtp_session_keys out = {.profile = keys->profile};

    if (keys->profile != TG_SRTP_AEAD_AES_128_GCM && keys->profile != TG_SRTP_AES128_CM_SHA1_80)
        return TG_ERR_UNSUPPORTED;
    memcpy(salt, client ? keys->client_salt : keys->server_salt, tg_srtp_salt_len(keys->profile));
    ERR_clear_error();
    tg_err err = tg_srtp_derive(out.cipher, sizeof(out.cipher), first, key, salt);

    if (err == TG_OK)
        err = tg_srtp_derive(out.auth, sizeof(out.auth), first + TG_SRTP_LABEL_AUTH, key, salt);
    if (err == TG_OK)
        err = tg_srtp_derive(out.salt, sizeof(out.salt), first + TG_SRTP_LABEL_SALT, key, salt);
    if (err == TG_OK)
        *ret = out;
    OPENSSL_cleanse(&out, sizeof(out));
    OPENSSL_cleanse(salt, sizeof(salt));
    return err;
}

struct tg_srtp_salt tg_srtp_salt(const uint8_t salt[TG_SRTP_SALT_MAX])
{
    uint8_t padded[TG_SRTP_IV_LEN] = {0};
    struct tg_rd r = tg_rd(padded, sizeof(padded));

    memcpy(padded, salt, TG_SRTP_SALT_MAX);
    const uint64_t high = tg_rd_u64(&r);
    const uint64_t low = tg_rd_u64(&r);

    OPENSSL_cleanse(padded, sizeof(padded));
    return (struct tg_srtp_salt){.high = high, .low = low};
}
