/*
 * dtls_priv.h - what dtls_ctx.c (certificate, SSL_CTX) and dtls.c (sessions) share.
 */
#ifndef TG_PROTO_DTLS_PRIV_H
#define TG_PROTO_DTLS_PRIV_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "proto/dtls.h"

SSL_CTX *tg_dtls_ctx_ssl(struct tg_dtls_ctx *ctx);
BIO_METHOD *tg_dtls_ctx_bio(struct tg_dtls_ctx *ctx);

/* Called by OpenSSL through the context. */
int tg_dtls_verify(X509_STORE_CTX *store, void *arg);
int tg_dtls_bio_write(BIO *bio, const char *data, int len);
int tg_dtls_bio_read(BIO *bio, char *out, int cap);
long tg_dtls_bio_ctrl(BIO *bio, int cmd, long num, void *ptr);

#endif
