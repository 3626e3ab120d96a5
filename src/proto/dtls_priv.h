/*
 * dtls_priv.h - what dtls_ctx.c (certificate, SSL_CTX), dtls.c (sessions) and dtls_derive.c (the
 * record keys of a session that is parked) share.
 */
#ifndef TG_PROTO_DTLS_PRIV_H
#define TG_PROTO_DTLS_PRIV_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "proto/dtls.h"
#include "proto/dtls_park.h"

SSL_CTX *tg_dtls_ctx_ssl(struct tg_dtls_ctx *ctx);
BIO_METHOD *tg_dtls_ctx_bio(struct tg_dtls_ctx *ctx);
EVP_KDF *tg_dtls_ctx_kdf(struct tg_dtls_ctx *ctx); /* the PRF of TLS 1.2 */

/*
 * The record keys of a connected server session, in ret->read, ret->write and ret->key_len; wipe
 * them. Errors: UNSUPPORTED (not DTLS 1.2 with AES-GCM, a full handshake), IO.
 */
TG_MUST_CHECK tg_err tg_dtls_derive(struct tg_dtls_park_cfg *ret, SSL *ssl, EVP_KDF *kdf);

/* Called by OpenSSL through the context. */
int tg_dtls_verify(X509_STORE_CTX *store, void *arg);
int tg_dtls_bio_write(BIO *bio, const char *data, int len);
int tg_dtls_bio_read(BIO *bio, char *out, int cap);
long tg_dtls_bio_ctrl(BIO *bio, int cmd, long num, void *ptr);

#endif
