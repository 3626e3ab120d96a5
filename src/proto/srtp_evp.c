/* SRTP's two suites on OpenSSL: RFC 7714 (GCM), RFC 3711 s4 (AES-CM with HMAC-SHA1). */
/*
 * The HMAC keeps its two SHA-1 states by OpenSSL's low-level calls, deprecated in 3.0 but there in
 * all of 3.x: 200 bytes a key and 0.65 us for 1200 bytes, where an EVP_MAC_CTX takes 2 KB and
 * 0.75 us, and none of it can fail.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/macros.h"
#include "proto/srtp_priv.h"

enum { TAG_LEN_GCM = 16, TAG_LEN_CM = 10 };

static tg_err cipher_new(EVP_CIPHER_CTX **ret, const EVP_CIPHER *cipher, const uint8_t *key)
{
    ERR_clear_error();
    *ret = EVP_CIPHER_CTX_new(); /* freed by the suite's done, also after an error */
    if (*ret == NULL)
        return TG_ERR_NOMEM;
    return EVP_EncryptInit_ex(*ret, cipher, NULL, key, NULL) == 1 ? TG_OK : TG_ERR_IO;
}

/* --- GCM -------------------------------------------------------------------------------------- */

struct gcm {
    EVP_CIPHER_CTX *cipher; /* holds the key; every packet sets its nonce only */
};

static tg_err gcm_init(void *state, const struct tg_srtp_session_keys *keys)
{
    struct gcm *g = state;

    return cipher_new(&g->cipher, EVP_aes_128_gcm(), keys->cipher);
}

static void gcm_done(void *state)
{
    struct gcm *g = state;

    EVP_CIPHER_CTX_free(g->cipher);
}

static bool gcm_run(const struct gcm *g, const struct tg_srtp_box *box, int encrypt)
{
    int done = 0;

    return EVP_CipherInit_ex(g->cipher, NULL, NULL, NULL, box->iv, encrypt) == 1 &&
           EVP_CipherUpdate(g->cipher, NULL, &done, box->clear.data, (int)box->clear.len) == 1 &&
           (box->len == 0 ||
            EVP_CipherUpdate(g->cipher, box->out, &done, box->in, (int)box->len) == 1);
}

static bool gcm_seal(void *state, const struct tg_srtp_box *box)
{
    const struct gcm *g = state;
    int done = 0;

    return gcm_run(g, box, 1) && EVP_EncryptFinal_ex(g->cipher, box->tag, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(g->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN_GCM, box->tag) == 1;
}

static bool gcm_open(void *state, const struct tg_srtp_box *box)
{
    const struct gcm *g = state;
    int done = 0;

    return gcm_run(g, box, 0) &&
           EVP_CIPHER_CTX_ctrl(g->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_LEN_GCM, box->tag) == 1 &&
           EVP_DecryptFinal_ex(g->cipher, box->tag, &done) == 1;
}

static const struct tg_srtp_suite suite_gcm = {
    .gcm = true,
    .tag_len = TAG_LEN_GCM,
    .state_size = sizeof(struct gcm),
    .init = gcm_init,
    .done = gcm_done,
    .seal = gcm_seal,
    .unseal = gcm_open,
};

const struct tg_srtp_engine tg_srtp_engine_evp = {
    .name = "evp", .gcm_rtp = &suite_gcm, .gcm_rtcp = &suite_gcm};

/* --- AES-CM and HMAC-SHA1 --------------------------------------------------------------------- */

struct cm {
    EVP_CIPHER_CTX *cipher;
    SHA_CTX inner; /* after the key's block xor ipad, RFC 2104 */
    SHA_CTX outer; /* ... opad */
};

/* SHA1_*: 1 always; they check nothing. */
static void pad_init(SHA_CTX *ret, const uint8_t key[TG_SRTP_AUTH_KEY_LEN], uint8_t pad)
{
    uint8_t block[SHA_CBLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < TG_SRTP_AUTH_KEY_LEN; i++)
        block[i] ^= key[i];
    (void)SHA1_Init(ret);
    (void)SHA1_Update(ret, block, sizeof(block));
    OPENSSL_cleanse(block, sizeof(block));
}

static tg_err cm_init(void *state, const struct tg_srtp_session_keys *keys)
{
    struct cm *c = state;

    pad_init(&c->inner, keys->auth, 0x36);
    pad_init(&c->outer, keys->auth, 0x5c);
    return cipher_new(&c->cipher, EVP_aes_128_ctr(), keys->cipher);
}

static void cm_done(void *state)
{
    struct cm *c = state;

    EVP_CIPHER_CTX_free(c->cipher);
}

static bool cm_crypt(const struct cm *c, const struct tg_srtp_box *box)
{
    int done = 0;

    return box->len == 0 ||
           (EVP_EncryptInit_ex(c->cipher, NULL, NULL, NULL, box->iv) == 1 &&
            EVP_EncryptUpdate(c->cipher, box->out, &done, box->in, (int)box->len) == 1);
}

/* Over the clear part, the encrypted body and the tail (RFC 3711 s4.2). */
static void cm_sign(const struct cm *c, const struct tg_srtp_box *box, const uint8_t *body,
                    uint8_t digest[SHA_DIGEST_LENGTH])
{
    SHA_CTX sha = c->inner;
    uint8_t tail[sizeof(box->tail)];
    struct tg_wr w = tg_wr(tail, sizeof(tail));

    tg_wr_u32(&w, box->tail);
    if (body == box->clear.data + box->clear.len) {
        /* One piece, as on the wire: SHA-1 need not shift its blocks. */
        (void)SHA1_Update(&sha, box->clear.data, box->clear.len + box->len);
    } else {
        (void)SHA1_Update(&sha, box->clear.data, box->clear.len);
        (void)SHA1_Update(&sha, body, box->len);
    }
    (void)SHA1_Update(&sha, tail, sizeof(tail));
    (void)SHA1_Final(digest, &sha);
    sha = c->outer;
    (void)SHA1_Update(&sha, digest, SHA_DIGEST_LENGTH);
    (void)SHA1_Final(digest, &sha);
}

static bool cm_seal(void *state, const struct tg_srtp_box *box)
{
    const struct cm *c = state;
    uint8_t digest[SHA_DIGEST_LENGTH];

    if (!cm_crypt(c, box))
        return false;
    cm_sign(c, box, box->out, digest);
    memcpy(box->tag, digest, TAG_LEN_CM);
    return true;
}

static bool cm_open(void *state, const struct tg_srtp_box *box)
{
    const struct cm *c = state;
    uint8_t digest[SHA_DIGEST_LENGTH];

    cm_sign(c, box, box->in, digest);
    return CRYPTO_memcmp(digest, box->tag, TAG_LEN_CM) == 0 && cm_crypt(c, box);
}

const struct tg_srtp_suite tg_srtp_suite_cm = {
    .gcm = false,
    .tag_len = TAG_LEN_CM,
    .state_size = sizeof(struct cm),
    .init = cm_init,
    .done = cm_done,
    .seal = cm_seal,
    .unseal = cm_open,
};
