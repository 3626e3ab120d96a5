/* A worker's certificate and OpenSSL context; fingerprints as text; telling DTLS from junk. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "proto/dtls_priv.h"

enum {
    CERT_DAYS =
        30, /* a worker's certificate lives as long as its process; restarts make new ones */
    RECORD_HEADER_LEN = 13,
    CONTENT_FIRST = 20, /* change_cipher_spec */
    CONTENT_LAST = 23,  /* application_data */
};

struct tg_dtls_ctx {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
    EVP_KDF *kdf; /* fetched once: a look-up under a lock otherwise, at each handshake */
    uint8_t sha256[TG_FINGERPRINT_LEN];
    char text[TG_FINGERPRINT_TEXT_SIZE];
};

bool tg_dtls_is_record(const void *datagram, size_t len)
{
    struct tg_rd r = tg_rd(datagram, len);
    uint8_t type = tg_rd_u8(&r);
    uint16_t version = tg_rd_u16(&r);

    tg_rd_skip(&r, RECORD_HEADER_LEN - 5); /* epoch and sequence number */
    uint16_t body_len = tg_rd_u16(&r);

    tg_rd_skip(&r, body_len);
    return !r.bad && type >= CONTENT_FIRST && type <= CONTENT_LAST &&
           (version == 0xfeff || version == 0xfefd);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

tg_err tg_fingerprint_parse(uint8_t ret_sha256[TG_FINGERPRINT_LEN], const char *text, size_t len)
{
    uint8_t out[TG_FINGERPRINT_LEN];

    if (len != (size_t)TG_FINGERPRINT_LEN * 3 - 1)
        return TG_ERR_MALFORMED;
    for (size_t i = 0; i < TG_FINGERPRINT_LEN; i++) {
        int high = hex_digit(text[i * 3]);
        int low = hex_digit(text[i * 3 + 1]);

        if (high < 0 || low < 0 || (i + 1 < TG_FINGERPRINT_LEN && text[i * 3 + 2] != ':'))
            return TG_ERR_MALFORMED;
        out[i] = (uint8_t)(high * 16 + low);
    }
    memcpy(ret_sha256, out, sizeof(out));
    return TG_OK;
}

void tg_fingerprint_write(char out[TG_FINGERPRINT_TEXT_SIZE],
                          const uint8_t sha256[TG_FINGERPRINT_LEN])
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < TG_FINGERPRINT_LEN; i++) {
        out[i * 3] = digits[sha256[i] >> 4];
        out[i * 3 + 1] = digits[sha256[i] & 15];
        out[i * 3 + 2] = i + 1 < TG_FINGERPRINT_LEN ? ':' : '\0';
    }
}

/* RFC 8827 s6.5 wants a common name that says nothing; random serial, as browsers do. */
static bool cert_fill(X509 *cert, EVP_PKEY *key)
{
    X509_NAME *name = X509_get_subject_name(cert);
    uint8_t serial[8];
    uint64_t number = 0;

    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    for (size_t i = 0; i < sizeof(serial); i++)
        number = number << 8 | serial[i];
    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), number >> 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -24L * 3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), CERT_DAYS * 24L * 3600) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"torg", -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static tg_err cert_install(struct tg_dtls_ctx *ctx)
{
    unsigned len = 0;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key != NULL && cert != NULL && cert_fill(cert, key) &&
              X509_digest(cert, EVP_sha256(), ctx->sha256, &len) == 1 &&
              len == TG_FINGERPRINT_LEN && SSL_CTX_use_certificate(ctx->ssl, cert) == 1 &&
              SSL_CTX_use_PrivateKey(ctx->ssl, key) == 1;

    X509_free(cert); /* the context holds its own references */
    EVP_PKEY_free(key);
    if (ok)
        tg_fingerprint_write(ctx->text, ctx->sha256);
    return ok ? TG_OK : TG_ERR_IO;
}

static tg_err ssl_ctx_setup(struct tg_dtls_ctx *ctx)
{
    char groups[] = "X25519:P-256:P-384"; /* the macro casts const away */

    ctx->ssl = SSL_CTX_new(DTLS_method());
    if (ctx->ssl == NULL)
        return TG_ERR_NOMEM;
    (void)SSL_CTX_set_options(ctx->ssl, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET |
                                            SSL_OP_NO_RENEGOTIATION |
                                            SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ctx->ssl, SSL_MODE_RELEASE_BUFFERS); /* idle for hours after the start */
    (void)SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx->ssl, tg_dtls_verify, NULL);
    if (SSL_CTX_set_min_proto_version(ctx->ssl, DTLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx->ssl, DTLS1_2_VERSION) != 1 ||
        /* AES-GCM before ChaCha20: only such a session can be parked (dtls_park.h). */
        SSL_CTX_set_cipher_list(ctx->ssl, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1 ||
        SSL_CTX_set1_groups_list(ctx->ssl, groups) != 1 ||
        /* GCM first: half the cost of SHA1_80. This call answers 0 for success. */
        SSL_CTX_set_tlsext_use_srtp(ctx->ssl, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") != 0)
        return TG_ERR_IO;
    return cert_install(ctx);
}

static tg_err bio_setup(struct tg_dtls_ctx *ctx)
{
    int index = BIO_get_new_index();

    if (index == -1)
        return TG_ERR_IO;
    ctx->bio = BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "torg datagrams");
    if (ctx->bio == NULL)
        return TG_ERR_NOMEM;
    if (BIO_meth_set_write(ctx->bio, tg_dtls_bio_write) != 1 ||
        BIO_meth_set_read(ctx->bio, tg_dtls_bio_read) != 1 ||
        BIO_meth_set_ctrl(ctx->bio, tg_dtls_bio_ctrl) != 1)
        return TG_ERR_IO;
    return TG_OK;
}

tg_err tg_dtls_ctx_new(struct tg_dtls_ctx **ret)
{
    struct tg_dtls_ctx *ctx = tg_calloc(1, sizeof(*ctx));

    if (ctx == NULL)
        return TG_ERR_NOMEM;
    ERR_clear_error();
    tg_err err = bio_setup(ctx);

    ctx->kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    if (err == TG_OK && ctx->kdf == NULL)
        err = TG_ERR_IO;
    if (err == TG_OK)
        err = ssl_ctx_setup(ctx);
    if (err != TG_OK) {
        tg_dtls_ctx_free(ctx);
        return err;
    }
    *ret = ctx;
    return TG_OK;
}

void tg_dtls_ctx_free(struct tg_dtls_ctx *ctx)
{
    if (ctx == NULL)
        return;
    SSL_CTX_free(ctx->ssl);
    BIO_meth_free(ctx->bio);
    EVP_KDF_free(ctx->kdf);
    tg_free(ctx);
}

const uint8_t *tg_dtls_ctx_fingerprint(const struct tg_dtls_ctx *ctx)
{
    return ctx->sha256;
}

const char *tg_dtls_ctx_fingerprint_text(const struct tg_dtls_ctx *ctx)
{
    return ctx->text;
}

SSL_CTX *tg_dtls_ctx_ssl(struct tg_dtls_ctx *ctx)
{
    return ctx->ssl;
}

BIO_METHOD *tg_dtls_ctx_bio(struct tg_dtls_ctx *ctx)
{
    return ctx->bio;
}

EVP_KDF *tg_dtls_ctx_kdf(struct tg_dtls_ctx *ctx)
{
    return ctx->kdf;
}
