/* DTLS sessions. The retransmission timer runs on OpenSSL's own clock; all else is handed in. */
#include "proto/dtls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/time.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/str.h"
#include "proto/dtls_priv.h"

enum {
    RETRANSMIT_US_MIN = 200 * TG_US_PER_MS, /* first timer; a lost flight must not cost a second */
    RETRANSMIT_US_MAX = 2 * TG_US_PER_S,
    TYPE_CCS = 20,
    TYPE_HANDSHAKE = 22,
};

struct datagram {
    struct datagram *next;
    size_t len;
    uint8_t data[];
};

struct tg_dtls {
    SSL *ssl; /* owns the BIO; NULL when parked */
    struct tg_dtls_park *park;
    struct tg_dtls_ctx *ctx;
    enum tg_dtls_state state;
    bool established; /* keys may be exported, also after close */
    bool auth_failed;
    uint8_t peer_sha256[TG_FINGERPRINT_LEN];
    struct tg_span in; /* the datagram being input; empty otherwise */
    unsigned input_count;
    struct datagram *out_head;
    struct datagram **out_tail;
    size_t out_count;
    struct datagram *out_taken; /* what poll returned last */
    /* Of a server, for parking: its last flight and what its next record must not repeat. */
    uint64_t next_seq;
    uint64_t next_nonce;
    size_t flight_len; /* beyond TG_DTLS_PARK_FLIGHT_MAX: it did not fit */
    uint8_t flight[TG_DTLS_PARK_FLIGHT_MAX];
};

/* --- output ----------------------------------------------------------------------------------- */

/* Full queue or no memory is like loss on the wire: the retransmission timer repairs it. */
static void enqueue(struct tg_dtls *d, const void *data, size_t len)
{
    struct datagram *g = d->out_count == TG_DTLS_OUT_MAX ? NULL : tg_calloc(1, sizeof(*g) + len);

    if (g == NULL)
        return;
    g->len = len;
    memcpy(g->data, data, len);
    *d->out_tail = g;
    d->out_tail = &g->next;
    d->out_count++;
}

/* A record of our last flight: ChangeCipherSpec begins it, all of epoch 1 until then is Finished.
 */
static void note_flight(struct tg_dtls *d, uint8_t type, struct tg_span record)
{
    if (type == TYPE_CCS)
        d->flight_len = 0;
    if (d->flight_len + record.len <= TG_DTLS_PARK_FLIGHT_MAX)
        memcpy(d->flight + d->flight_len, record.data, record.len);
    d->flight_len += record.len;
}

static void note_written(struct tg_dtls *d, const void *data, size_t len)
{
    struct tg_rd r = tg_rd(data, len);

    while (tg_rd_left(&r) > 0) {
        const struct tg_rd start = r;
        const uint8_t type = tg_rd_u8(&r);

        tg_rd_skip(&r, 2); /* version */
        const uint64_t epoch_seq = tg_rd_u64(&r);
        struct tg_rd body = tg_rd_sub(&r, tg_rd_u16(&r));

        if (r.bad)
            return; /* never: OpenSSL writes whole records */
        if (epoch_seq >> 48 == 1) {
            d->next_seq = (epoch_seq & 0xffffffffffffU) + 1;
            d->next_nonce = tg_rd_u64(&body) + 1; /* of AES-GCM; else nobody asks */
        }
        if (type == TYPE_CCS || (type == TYPE_HANDSHAKE && epoch_seq >> 48 == 1))
            note_flight(d, type, tg_span(start.at, (size_t)(r.at - start.at)));
    }
}

/* --- the BIO: one read or write is one datagram ---------------------------------------------- */

int tg_dtls_bio_write(BIO *bio, const char *data, int len)
{
    struct tg_dtls *d = BIO_get_data(bio);
    size_t size = len > 0 ? (size_t)len : 0;

    BIO_clear_retry_flags(bio);
    if (size == 0)
        return len;
    note_written(d, data, size);
    enqueue(d, data, size);
    return len;
}

int tg_dtls_bio_read(BIO *bio, char *out, int cap)
{
    struct tg_dtls *d = BIO_get_data(bio);
    size_t len = TG_MIN(d->in.len, cap > 0 ? (size_t)cap : 0);

    BIO_clear_retry_flags(bio);
    if (len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, d->in.data, len);
    d->in = tg_span(NULL, 0); /* what did not fit is cut off, as with a socket */
    return (int)len;
}

long tg_dtls_bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)bio;
    (void)num;
    (void)ptr;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return TG_DTLS_MTU;
    case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
        return 28; /* IPv4 and UDP */
    default:
        return 0;
    }
}

/* --- session -------------------------------------------------------------------------------- */

static tg_err fail(struct tg_dtls *d, tg_err err)
{
    d->state = TG_DTLS_FAILED;
    return err;
}

/* Called by OpenSSL in place of its chain check: the SDP's fingerprint is the only authority. */
int tg_dtls_verify(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tg_dtls *d = SSL_get_app_data(ssl);
    X509 *cert = X509_STORE_CTX_get0_cert(store);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;

    (void)arg;
    if (cert != NULL && X509_digest(cert, EVP_sha256(), digest, &digest_len) == 1 &&
        tg_secret_equal(digest, digest_len, d->peer_sha256, TG_FINGERPRINT_LEN))
        return 1;
    d->auth_failed = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
}

static unsigned timer_next(SSL *ssl, unsigned timer_us)
{
    (void)ssl;
    if (timer_us == 0)
        return RETRANSMIT_US_MIN;
    return TG_MIN(timer_us * 2, (unsigned)RETRANSMIT_US_MAX);
}

static tg_err ssl_new(struct tg_dtls *d, struct tg_dtls_ctx *ctx, enum tg_srtp_side role)
{
    BIO *bio = BIO_new(tg_dtls_ctx_bio(ctx));

    d->ssl = SSL_new(tg_dtls_ctx_ssl(ctx));
    if (bio == NULL || d->ssl == NULL) {
        BIO_free(bio);
        return TG_ERR_NOMEM;
    }
    BIO_set_data(bio, d);
    BIO_set_init(bio, 1);
    SSL_set_bio(d->ssl, bio, bio); /* takes the one reference: read and write are the same */
    SSL_set_app_data(d->ssl, d);
    DTLS_set_timer_cb(d->ssl, timer_next);
    if (SSL_set_mtu(d->ssl, TG_DTLS_MTU) != TG_DTLS_MTU)
        return TG_ERR_IO;
    if (role == TG_SRTP_CLIENT)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    return TG_OK;
}

tg_err tg_dtls_new(struct tg_dtls **ret, struct tg_dtls_ctx *ctx, const struct tg_dtls_cfg *cfg)
{
    struct tg_dtls *d = tg_calloc(1, sizeof(*d));

    if (d == NULL)
        return TG_ERR_NOMEM;
    d->ctx = ctx;
    d->out_tail = &d->out_head;
    memcpy(d->peer_sha256, cfg->peer_sha256, sizeof(d->peer_sha256));
    ERR_clear_error();
    tg_err err = ssl_new(d, ctx, cfg->role);

    if (err != TG_OK) {
        tg_dtls_free(d);
        return err;
    }
    *ret = d;
    return TG_OK;
}

void tg_dtls_free(struct tg_dtls *d)
{
    if (d == NULL)
        return;
    SSL_free(d->ssl);
    tg_dtls_park_free(d->park);
    tg_free(d->out_taken);
    while (d->out_head != NULL) {
        struct datagram *g = d->out_head;

        d->out_head = g->next;
        tg_free(g);
    }
    tg_free(d);
}

/* What an OpenSSL call that did not succeed means for the session. */
static tg_err ssl_verdict(struct tg_dtls *d, int result)
{
    switch (SSL_get_error(d->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return TG_OK;
    case SSL_ERROR_ZERO_RETURN:
        d->state = TG_DTLS_CLOSED;
        return TG_OK;
    default:
        return fail(d, d->auth_failed ? TG_ERR_AUTH : TG_ERR_IO);
    }
}

static tg_err handshake(struct tg_dtls *d)
{
    ERR_clear_error();
    int result = SSL_do_handshake(d->ssl);

    if (result != 1)
        return ssl_verdict(d, result);
    if (SSL_get_selected_srtp_profile(d->ssl) == NULL)
        return fail(d, TG_ERR_AUTH);
    d->state = TG_DTLS_CONNECTED;
    d->established = true;
    return TG_OK;
}

/* Alerts, and retransmissions of the peer's last flight that OpenSSL answers. */
static tg_err drain(struct tg_dtls *d)
{
    uint8_t discard[256]; /* no application data is expected: data channels are not offered */

    while (d->state == TG_DTLS_CONNECTED) {
        ERR_clear_error();
        int result = SSL_read(d->ssl, discard, sizeof(discard));

        if (result > 0)
            continue;
        if (SSL_get_error(d->ssl, result) == SSL_ERROR_WANT_READ)
            return TG_OK;
        return ssl_verdict(d, result);
    }
    return TG_OK;
}

tg_err tg_dtls_start(struct tg_dtls *d)
{
    if (d->state != TG_DTLS_HANDSHAKE)
        return TG_ERR_CLOSED;
    return SSL_is_server(d->ssl) ? TG_OK : handshake(d);
}

/* Nothing counts the datagrams here: what does not authenticate must not end the session. */
static tg_err input_parked(struct tg_dtls *d, tg_us now, const void *datagram, size_t len)
{
    switch (tg_dtls_park_input(d->park, now, datagram, len)) {
    case TG_DTLS_PARK_NOTHING:
        break;
    case TG_DTLS_PARK_RESEND: {
        const struct tg_span flight = tg_dtls_park_flight(d->park);

        enqueue(d, flight.data, flight.len);
        break;
    }
    case TG_DTLS_PARK_CLOSED:
        d->state = TG_DTLS_CLOSED;
        break;
    case TG_DTLS_PARK_FATAL:
        return fail(d, TG_ERR_IO);
    }
    return TG_OK;
}

tg_err tg_dtls_input(struct tg_dtls *d, tg_us now, const void *datagram, size_t len)
{
    if (d->state == TG_DTLS_CLOSED || d->state == TG_DTLS_FAILED)
        return TG_ERR_CLOSED;
    if (d->park != NULL)
        return input_parked(d, now, datagram, len);
    if (len > TG_UDP_PACKET_MAX || ++d->input_count > TG_DTLS_INPUT_MAX)
        return fail(d, TG_ERR_LIMIT);
    d->in = tg_span(datagram, len);
    tg_err err = d->state == TG_DTLS_HANDSHAKE ? handshake(d) : TG_OK;

    if (err == TG_OK)
        err = drain(d);
    d->in = tg_span(NULL, 0);
    return err;
}

tg_err tg_dtls_tick(struct tg_dtls *d, tg_us now)
{
    (void)now; /* the known hole: OpenSSL looks at its own clock */
    if (d->state != TG_DTLS_HANDSHAKE)
        return TG_OK;
    ERR_clear_error();
    return DTLSv1_handle_timeout(d->ssl) < 0 ? fail(d, TG_ERR_TIMEOUT) : TG_OK;
}

tg_us tg_dtls_deadline(const struct tg_dtls *d, tg_us now)
{
    struct timeval left = {0};

    if (d->state != TG_DTLS_HANDSHAKE || DTLSv1_get_timeout(d->ssl, &left) != 1)
        return TG_US_NEVER;
    return now + (tg_us)left.tv_sec * TG_US_PER_S + left.tv_usec;
}

struct tg_span tg_dtls_poll(struct tg_dtls *d)
{
    struct datagram *g = d->out_head;

    tg_free(d->out_taken);
    d->out_taken = g;
    if (g == NULL)
        return tg_span(NULL, 0);
    d->out_head = g->next;
    if (d->out_head == NULL)
        d->out_tail = &d->out_head;
    d->out_count--;
    return tg_span(g->data, g->len);
}

size_t tg_dtls_next_len(const struct tg_dtls *d)
{
    return d->out_head == NULL ? 0 : d->out_head->len;
}

void tg_dtls_close(struct tg_dtls *d)
{
    if (d->state == TG_DTLS_CONNECTED && d->park != NULL) {
        uint8_t alert[TG_DTLS_PARK_CLOSE_LEN];

        if (tg_dtls_park_close(d->park, alert) == TG_OK) /* else as if lost */
            enqueue(d, alert, sizeof(alert));
    } else if (d->state == TG_DTLS_CONNECTED) {
        ERR_clear_error();
        (void)SSL_shutdown(d->ssl); /* queues the alert; whether the peer answers is its matter */
    }
    if (d->state != TG_DTLS_FAILED)
        d->state = TG_DTLS_CLOSED;
}

enum tg_dtls_state tg_dtls_state(const struct tg_dtls *d)
{
    return d->state;
}

tg_err tg_dtls_export(struct tg_dtls *d, struct tg_srtp_keys *ret)
{
    static const char label[] = "EXTRACTOR-dtls_srtp";
    uint8_t block[2 * (TG_SRTP_KEY_LEN + TG_SRTP_SALT_MAX)];

    if (!d->established)
        return TG_ERR_AGAIN;
    if (d->park != NULL)
        return TG_ERR_CLOSED;
    ERR_clear_error();
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
    struct tg_srtp_keys keys = {.profile = profile->id == SRTP_AEAD_AES_128_GCM
                                               ? TG_SRTP_AEAD_AES_128_GCM
                                               : TG_SRTP_AES128_CM_SHA1_80};
    size_t salt_len = tg_srtp_salt_len(keys.profile);
    size_t len = 2 * (TG_SRTP_KEY_LEN + salt_len);

    if (SSL_export_keying_material(d->ssl, block, len, label, sizeof(label) - 1, NULL, 0, 0) != 1)
        return TG_ERR_IO;
    struct tg_rd r = tg_rd(block, len); /* RFC 5764 s4.2 */

    tg_rd_copy(&r, keys.client_key, TG_SRTP_KEY_LEN);
    tg_rd_copy(&r, keys.server_key, TG_SRTP_KEY_LEN);
    tg_rd_copy(&r, keys.client_salt, salt_len);
    tg_rd_copy(&r, keys.server_salt, salt_len);
    *ret = keys;
    OPENSSL_cleanse(block, sizeof(block));
    tg_srtp_keys_wipe(&keys);
    return TG_OK;
}

/* --- parking ---------------------------------------------------------------------------------- */

tg_err tg_dtls_park(struct tg_dtls *d)
{
    struct tg_dtls_park_cfg cfg = {.next_seq = d->next_seq, .next_nonce = d->next_nonce};
    tg_err err;

    if (d->state != TG_DTLS_CONNECTED || d->park != NULL)
        return TG_ERR_AGAIN;
    if (!SSL_is_server(d->ssl) || d->flight_len > TG_DTLS_PARK_FLIGHT_MAX)
        return TG_ERR_UNSUPPORTED;
    cfg.flight = tg_span(d->flight, d->flight_len);
    err = tg_dtls_derive(&cfg, d->ssl, tg_dtls_ctx_kdf(d->ctx));
    if (err == TG_OK)
        err = tg_dtls_park_new(&d->park, &cfg);
    OPENSSL_cleanse(&cfg, sizeof(cfg));
    if (err != TG_OK)
        return err;
    SSL_free(d->ssl); /* wipes what it knows, too */
    d->ssl = NULL;
    return TG_OK;
}

bool tg_dtls_parked(const struct tg_dtls *d)
{
    return d->park != NULL;
}
