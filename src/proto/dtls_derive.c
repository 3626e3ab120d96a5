/* The record keys of a connected session, made anew from its master secret (RFC 5246 s6.3). */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "proto/dtls_priv.h"

enum {
    MASTER_LEN = 48,
    RANDOM_LEN = 32,
    BLOCK_MAX = 2 * (TG_DTLS_PARK_KEY_MAX + TG_DTLS_PARK_SALT_LEN),
};

static const char label[] = "key expansion";

/* 16 or 32 for a suite that a parked session can speak, else 0. */
static size_t suite_key_len(const SSL_CIPHER *suite)
{
    switch (suite == NULL ? NID_undef : SSL_CIPHER_get_cipher_nid(suite)) {
    case NID_aes_128_gcm:
        return 16;
    case NID_aes_256_gcm:
        return 32;
    default:
        return 0;
    }
}

/* label, server random, client random: in this order, unlike everywhere else. */
static bool write_seed(SSL *ssl, uint8_t *out, size_t cap)
{
    struct tg_wr w = tg_wr(out, cap);
    uint8_t *server;
    uint8_t *client;

    tg_wr_bytes(&w, label, sizeof(label) - 1);
    server = tg_wr_skip(&w, RANDOM_LEN);
    client = tg_wr_skip(&w, RANDOM_LEN);
    return !w.bad && SSL_get_server_random(ssl, server, RANDOM_LEN) == RANDOM_LEN &&
           SSL_get_client_random(ssl, client, RANDOM_LEN) == RANDOM_LEN;
}

static bool prf(SSL *ssl, EVP_KDF *kdf, const EVP_MD *md, uint8_t *out, size_t len)
{
    uint8_t seed[sizeof(label) - 1 + 2 * RANDOM_LEN];
    uint8_t master[MASTER_LEN];
    char digest[32];
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    bool ok = ctx != NULL && write_seed(ssl, seed, sizeof(seed)) &&
              SSL_SESSION_get_master_key(SSL_get_session(ssl), master, MASTER_LEN) == MASTER_LEN &&
              OPENSSL_strlcpy(digest, EVP_MD_get0_name(md), sizeof(digest)) < sizeof(digest);

    if (ok) {
        const OSSL_PARAM params[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, MASTER_LEN),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
            OSSL_PARAM_construct_end(),
        };

        ok = EVP_KDF_derive(ctx, out, len, params) == 1;
    }
    EVP_KDF_CTX_free(ctx);
    OPENSSL_cleanse(master, sizeof(master));
    return ok;
}

tg_err tg_dtls_derive(struct tg_dtls_park_cfg *ret, SSL *ssl, EVP_KDF *kdf)
{
    const SSL_CIPHER *suite = SSL_get_current_cipher(ssl);
    const size_t key_len = suite_key_len(suite);
    const EVP_MD *md = suite == NULL ? NULL : SSL_CIPHER_get_handshake_digest(suite);
    const size_t len = 2 * (key_len + TG_DTLS_PARK_SALT_LEN);
    uint8_t block[BLOCK_MAX];

    if (key_len == 0 || md == NULL || SSL_version(ssl) != DTLS1_2_VERSION ||
        SSL_session_reused(ssl) != 0)
        return TG_ERR_UNSUPPORTED;
    ERR_clear_error();
    if (!prf(ssl, kdf, md, block, len))
        return TG_ERR_IO;
    struct tg_rd r = tg_rd(block, len);

    ret->key_len = key_len;
    tg_rd_copy(&r, ret->read.key, key_len); /* the client's, then the server's */
    tg_rd_copy(&r, ret->write.key, key_len);
    tg_rd_copy(&r, ret->read.salt, TG_DTLS_PARK_SALT_LEN);
    tg_rd_copy(&r, ret->write.salt, TG_DTLS_PARK_SALT_LEN);
    OPENSSL_cleanse(block, sizeof(block));
    return TG_OK;
}
