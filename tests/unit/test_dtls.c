/*
 * test_dtls.c - DTLS sessions of our own talking to each other over a list of datagrams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "proto/dtls.h"
#include "proto/dtls_park.h"

struct pair {
    struct tg_dtls_ctx *server_ctx;
    struct tg_dtls_ctx *client_ctx;
    struct tg_dtls *server;
    struct tg_dtls *client;
};

static void pair_init(struct pair *p)
{
    struct tg_dtls_cfg cfg = {.role = TG_SRTP_SERVER};

    assert_int_equal(tg_dtls_ctx_new(&p->server_ctx), TG_OK);
    assert_int_equal(tg_dtls_ctx_new(&p->client_ctx), TG_OK);
    memcpy(cfg.peer_sha256, tg_dtls_ctx_fingerprint(p->client_ctx), TG_FINGERPRINT_LEN);
    assert_int_equal(tg_dtls_new(&p->server, p->server_ctx, &cfg), TG_OK);
    cfg.role = TG_SRTP_CLIENT;
    memcpy(cfg.peer_sha256, tg_dtls_ctx_fingerprint(p->server_ctx), TG_FINGERPRINT_LEN);
    assert_int_equal(tg_dtls_new(&p->client, p->client_ctx, &cfg), TG_OK);
}

static void pair_done(struct pair *p)
{
    tg_dtls_free(p->server);
    tg_dtls_free(p->client);
    tg_dtls_ctx_free(p->server_ctx);
    tg_dtls_ctx_free(p->client_ctx);
}

/* Carries everything queued on one side to the other; the last error is what counts. */
static tg_err carry(struct tg_dtls *from, struct tg_dtls *to, size_t *inout_count)
{
    struct tg_span g;
    tg_err last = TG_OK;

    while ((g = tg_dtls_poll(from)).data != NULL) {
        assert_true(tg_dtls_is_record(g.data, g.len));
        assert_true(g.len <= TG_DTLS_MTU);
        tg_err err = tg_dtls_input(to, 0, g.data, g.len);

        last = err == TG_OK ? last : err;
        (*inout_count)++;
    }
    return last;
}

static void pair_connect(struct pair *p)
{
    size_t count = 1;

    assert_int_equal(tg_dtls_start(p->client), TG_OK);
    assert_int_equal(tg_dtls_start(p->server), TG_OK);
    while (count > 0) {
        count = 0;
        assert_int_equal(carry(p->client, p->server, &count), TG_OK);
        assert_int_equal(carry(p->server, p->client, &count), TG_OK);
    }
}

static void test_handshake_gives_both_the_same_keys(void **state)
{
    struct pair p;
    struct tg_srtp_keys a;
    struct tg_srtp_keys b;

    (void)state;
    pair_init(&p);
    assert_int_equal(tg_dtls_export(p.server, &a), TG_ERR_AGAIN);
    pair_connect(&p);
    assert_int_equal(tg_dtls_state(p.client), TG_DTLS_CONNECTED);
    assert_int_equal(tg_dtls_state(p.server), TG_DTLS_CONNECTED);
    assert_int_equal(tg_dtls_export(p.server, &a), TG_OK);
    assert_int_equal(tg_dtls_export(p.client, &b), TG_OK);
    assert_int_equal(a.profile, TG_SRTP_AEAD_AES_128_GCM);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_memory_not_equal(a.client_key, a.server_key, TG_SRTP_KEY_LEN);
    assert_true(tg_dtls_deadline(p.server, 5) == TG_US_NEVER);
    pair_done(&p);
}

static void test_close_notify_ends_the_other_side(void **state)
{
    struct pair p;
    size_t count = 0;

    (void)state;
    pair_init(&p);
    pair_connect(&p);
    tg_dtls_close(p.client);
    assert_int_equal(tg_dtls_state(p.client), TG_DTLS_CLOSED);
    assert_int_equal(carry(p.client, p.server, &count), TG_OK);
    assert_int_equal(count, 1);
    assert_int_equal(tg_dtls_state(p.server), TG_DTLS_CLOSED);
    assert_int_equal(tg_dtls_input(p.server, 0, "x", 1), TG_ERR_CLOSED);
    tg_dtls_close(p.server); /* twice is legal */
    pair_done(&p);
}

static void wrong_fingerprint(bool at_server)
{
    struct pair p;
    struct tg_dtls_cfg cfg = {.role = at_server ? TG_SRTP_SERVER : TG_SRTP_CLIENT};
    struct tg_dtls **victim = at_server ? &p.server : &p.client;
    struct tg_srtp_keys keys;
    bool auth = false;

    pair_init(&p);
    tg_dtls_free(*victim);
    assert_int_equal(tg_dtls_new(victim, at_server ? p.server_ctx : p.client_ctx, &cfg), TG_OK);
    assert_int_equal(tg_dtls_start(p.client), TG_OK);
    for (int i = 0; i < 4; i++) {
        size_t count = 0;
        tg_err server = carry(p.client, p.server, &count);
        tg_err client = carry(p.server, p.client, &count);

        auth = auth || (at_server ? server : client) == TG_ERR_AUTH;
    }
    assert_true(auth);
    assert_int_equal(tg_dtls_state(*victim), TG_DTLS_FAILED);
    assert_int_equal(tg_dtls_export(*victim, &keys), TG_ERR_AGAIN);
    assert_int_equal(tg_dtls_state(at_server ? p.client : p.server), TG_DTLS_FAILED);
    pair_done(&p);
}

static void test_wrong_fingerprint_is_refused_by_either_side(void **state)
{
    (void)state;
    wrong_fingerprint(true);
    wrong_fingerprint(false);
}

/* What a browser's post-quantum hello does: one handshake message in two datagrams (RFC 6347
 * s4.2.3). The hello is taken apart and put into two fragments here. */
static void test_client_hello_in_two_fragments_is_reassembled(void **state)
{
    struct pair p;
    uint8_t part[2][TG_DTLS_MTU];
    size_t count = 0;

    (void)state;
    pair_init(&p);
    assert_int_equal(tg_dtls_start(p.client), TG_OK);
    struct tg_span hello = tg_dtls_poll(p.client);
    struct tg_rd r = tg_rd(hello.data, hello.len);
    struct tg_span record = tg_rd_span(&r, 11); /* type, version, epoch, sequence number */

    tg_rd_skip(&r, 2);
    struct tg_span message = tg_rd_span(&r, 6); /* type, length, message_seq */

    tg_rd_skip(&r, 6);
    size_t body_len = tg_rd_left(&r);
    size_t half[2] = {body_len / 2, body_len - body_len / 2};

    for (size_t i = 0; i < 2; i++) {
        struct tg_wr w = tg_wr(part[i], sizeof(part[i]));

        tg_wr_bytes(&w, record.data, record.len - 1);
        tg_wr_u8(&w, (uint8_t)i);
        tg_wr_u16(&w, (uint16_t)(12 + half[i]));
        tg_wr_bytes(&w, message.data, message.len);
        tg_wr_u24(&w, i == 0 ? 0 : (uint32_t)half[0]);
        tg_wr_u24(&w, (uint32_t)half[i]);
        struct tg_span body = tg_rd_span(&r, half[i]);

        tg_wr_bytes(&w, body.data, body.len);
        assert_false(w.bad || r.bad);
        assert_int_equal(tg_dtls_input(p.server, 0, part[i], tg_wr_len(&w)), TG_OK);
        if (i == 0)
            assert_null(tg_dtls_poll(p.server).data);
    }
    assert_int_equal(carry(p.server, p.client, &count), TG_OK);
    assert_true(count > 0);
    pair_done(&p);
}

static void test_junk_is_survived_and_bounded(void **state)
{
    struct pair p;
    uint8_t junk[64];
    tg_err err = TG_OK;
    unsigned inputs = 0;

    (void)state;
    pair_init(&p);
    memset(junk, 0x17, sizeof(junk));
    assert_int_equal(tg_dtls_input(p.server, 0, junk, sizeof(junk)), TG_OK);
    assert_int_equal(tg_dtls_input(p.server, 0, "", 0), TG_OK);
    pair_connect(&p); /* the handshake goes on as if nothing had come */
    assert_int_equal(tg_dtls_state(p.server), TG_DTLS_CONNECTED);
    for (; inputs < TG_DTLS_INPUT_MAX && err == TG_OK; inputs++)
        err = tg_dtls_input(p.server, 0, junk, sizeof(junk));
    assert_int_equal(err, TG_ERR_LIMIT);
    assert_int_equal(tg_dtls_state(p.server), TG_DTLS_FAILED);
    pair_done(&p);
}

static void test_lost_hello_has_a_deadline_and_output_is_bounded(void **state)
{
    struct pair p;

    (void)state;
    pair_init(&p);
    assert_true(tg_dtls_deadline(p.server, 0) == TG_US_NEVER); /* a server waits for the client */
    assert_int_equal(tg_dtls_start(p.client), TG_OK);
    tg_us at = tg_dtls_deadline(p.client, 1000);

    assert_in_range(at, 1000, 1000 + 200 * TG_US_PER_MS);
    assert_int_equal(tg_dtls_tick(p.client, 1000), TG_OK);
    assert_non_null(tg_dtls_poll(p.client).data); /* the hello; nothing was due yet */
    assert_null(tg_dtls_poll(p.client).data);
    pair_done(&p);
}

static void test_is_record_looks_at_type_version_and_length(void **state)
{
    uint8_t r[16] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 1, 2, 3};

    (void)state;
    assert_true(tg_dtls_is_record(r, sizeof(r)));
    for (size_t len = 0; len < sizeof(r); len++)
        assert_false(tg_dtls_is_record(r, len));
    r[2] = 0xff;
    assert_true(tg_dtls_is_record(r, sizeof(r)));
    r[1] = 3;
    assert_false(tg_dtls_is_record(r, sizeof(r))); /* TLS */
    r[1] = 0xfe;
    r[0] = 0x80;
    assert_false(tg_dtls_is_record(r, sizeof(r)));
}

static void test_fingerprint_text_round_trip(void **state)
{
    uint8_t in[TG_FINGERPRINT_LEN];
    uint8_t out[TG_FINGERPRINT_LEN];
    char text[TG_FINGERPRINT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 37);
    tg_fingerprint_write(text, in);
    assert_int_equal(strlen(text), 95);
    assert_int_equal(tg_fingerprint_parse(out, text, 95), TG_OK);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(tg_fingerprint_parse(out, text, 94), TG_ERR_MALFORMED);
    text[2] = '-';
    assert_int_equal(tg_fingerprint_parse(out, text, 95), TG_ERR_MALFORMED);
    text[2] = ':';
    text[0] = 'G';
    assert_int_equal(tg_fingerprint_parse(out, text, 95), TG_ERR_MALFORMED);
}

/* --- parked, against OpenSSL's own client -------------------------------------------------------
 */

struct foreign {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *in;
    BIO *out;
    struct tg_dtls_ctx *server_ctx;
    struct tg_dtls *server;
    tg_us now;
};

/* The client's timer: none of it unless a test wants a retransmission, and does not wait for it. */
static unsigned timer_us;

static unsigned next_timer(SSL *ssl, unsigned last_us)
{
    (void)ssl;
    (void)last_us;
    return timer_us;
}

static void foreign_cert(SSL_CTX *ctx, uint8_t ret_sha256[TG_FINGERPRINT_LEN])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    unsigned len = 0;

    assert_true(X509_gmtime_adj(X509_getm_notBefore(cert), 0) != NULL);
    assert_true(X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    assert_int_equal(X509_digest(cert, EVP_sha256(), ret_sha256, &len), 1);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void foreign_init(struct foreign *f, const char *suites)
{
    struct tg_dtls_cfg cfg = {.role = TG_SRTP_SERVER};

    *f = (struct foreign){.now = TG_US_PER_S};
    f->ctx = SSL_CTX_new(DTLS_client_method());
    assert_int_equal(SSL_CTX_set_cipher_list(f->ctx, suites), 1);
    assert_int_equal(SSL_CTX_set_tlsext_use_srtp(f->ctx, "SRTP_AEAD_AES_128_GCM"), 0);
    (void)SSL_CTX_set_options(f->ctx, SSL_OP_NO_QUERY_MTU);
    foreign_cert(f->ctx, cfg.peer_sha256);
    f->ssl = SSL_new(f->ctx);
    f->in = BIO_new(BIO_s_mem());
    f->out = BIO_new(BIO_s_mem());
    (void)BIO_set_mem_eof_return(f->in, -1);
    SSL_set_bio(f->ssl, f->in, f->out);
    SSL_set_connect_state(f->ssl);
    (void)SSL_set_mtu(f->ssl, TG_DTLS_MTU);
    timer_us = 60U * TG_US_PER_S;
    DTLS_set_timer_cb(f->ssl, next_timer);
    assert_int_equal(tg_dtls_ctx_new(&f->server_ctx), TG_OK);
    assert_int_equal(tg_dtls_new(&f->server, f->server_ctx, &cfg), TG_OK);
}

static void foreign_done(struct foreign *f)
{
    SSL_free(f->ssl);
    SSL_CTX_free(f->ctx);
    tg_dtls_free(f->server);
    tg_dtls_ctx_free(f->server_ctx);
}

/* What the client wrote, record by record, each as a datagram of its own; the last one is kept. */
static size_t foreign_send(struct foreign *f, uint8_t last[TG_DTLS_MTU])
{
    static uint8_t all[16384];
    const int len = BIO_read(f->out, all, sizeof(all));
    struct tg_rd r = tg_rd(all, len > 0 ? (size_t)len : 0);
    size_t record_len = 0;

    while (tg_rd_left(&r) > 0) {
        const struct tg_rd start = r;

        tg_rd_skip(&r, 11);
        tg_rd_skip(&r, tg_rd_u16(&r));
        assert_false(r.bad);
        record_len = (size_t)(r.at - start.at);
        (void)!tg_dtls_input(f->server, f->now, start.at, record_len);
        if (last != NULL)
            memcpy(last, start.at, record_len);
    }
    return record_len;
}

static size_t foreign_receive(struct foreign *f, bool lost)
{
    struct tg_span g;
    size_t count = 0;

    while ((g = tg_dtls_poll(f->server)).data != NULL) {
        count++;
        if (!lost)
            assert_int_equal(BIO_write(f->in, g.data, (int)g.len), (int)g.len);
    }
    return count;
}

/* All but the client's last flight, which its next call makes. */
static void foreign_flights(struct foreign *f)
{
    ERR_clear_error();
    (void)SSL_do_handshake(f->ssl);
    (void)foreign_send(f, NULL);
    (void)foreign_receive(f, false);
}

/* Until the server has its keys; its last flight waits in poll. */
static void foreign_handshake(struct foreign *f)
{
    foreign_flights(f);
    (void)SSL_do_handshake(f->ssl);
    (void)foreign_send(f, NULL);
    assert_int_equal(tg_dtls_state(f->server), TG_DTLS_CONNECTED);
}

static void foreign_connect(struct foreign *f)
{
    foreign_handshake(f);
    assert_int_equal(tg_dtls_park(f->server), TG_OK);
    assert_true(foreign_receive(f, false) > 0); /* also what was queued before is still there */
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(f->ssl), 1);
}

static const char aes128[] = "ECDHE-ECDSA-AES128-GCM-SHA256";
static const char aes256[] = "ECDHE-ECDSA-AES256-GCM-SHA384";
static const char chacha[] = "ECDHE-ECDSA-CHACHA20-POLY1305";

static void parked_says_goodbye(const char *suites)
{
    struct foreign f;
    struct tg_srtp_keys keys;
    char byte;

    foreign_init(&f, suites);
    assert_int_equal(tg_dtls_park(f.server), TG_ERR_AGAIN);
    foreign_connect(&f);
    assert_string_equal(SSL_get_cipher_name(f.ssl), suites);
    assert_true(tg_dtls_parked(f.server));
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CONNECTED);
    assert_true(tg_dtls_deadline(f.server, 5) == TG_US_NEVER);
    assert_int_equal(tg_dtls_tick(f.server, 5), TG_OK);
    assert_int_equal(tg_dtls_export(f.server, &keys), TG_ERR_CLOSED);
    assert_int_equal(tg_dtls_park(f.server), TG_ERR_AGAIN);
    tg_dtls_close(f.server);
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CLOSED);
    assert_int_equal(foreign_receive(&f, false), 1);
    const int result = SSL_read(f.ssl, &byte, 1);

    assert_int_equal(SSL_get_error(f.ssl, result), SSL_ERROR_ZERO_RETURN);
    foreign_done(&f);
}

static void parked_hears_goodbye(const char *suites)
{
    struct foreign f;

    foreign_init(&f, suites);
    foreign_connect(&f);
    assert_int_equal(SSL_shutdown(f.ssl), 0);
    assert_true(foreign_send(&f, NULL) > 0);
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CLOSED);
    assert_int_equal(tg_dtls_input(f.server, f.now, "x", 1), TG_ERR_CLOSED);
    foreign_done(&f);
}

static void test_parked_session_closes_both_ways_with_either_key_size(void **state)
{
    (void)state;
    parked_says_goodbye(aes128);
    parked_says_goodbye(aes256);
    parked_hears_goodbye(aes128);
    parked_hears_goodbye(aes256);
}

/* OpenSSL looks at its own clock: 20 ms until the flight that it just sent is due again. */
static void foreign_retransmit(struct foreign *f)
{
    int result = 0;

    while (result == 0) {
        ERR_clear_error();
        result = (int)DTLSv1_handle_timeout(f->ssl);
    }
    assert_true(result > 0);
}

static void test_parked_session_answers_a_lost_last_flight(void **state)
{
    struct foreign f;
    uint8_t finished[TG_DTLS_MTU];

    (void)state;
    foreign_init(&f, aes128);
    foreign_flights(&f);
    timer_us = 20U * TG_US_PER_MS;
    ERR_clear_error();
    (void)SSL_do_handshake(f.ssl);
    (void)foreign_send(&f, NULL);
    assert_int_equal(tg_dtls_park(f.server), TG_OK);
    assert_true(foreign_receive(&f, true) > 0);
    foreign_retransmit(&f);
    assert_true(foreign_send(&f, NULL) > 0);
    assert_int_equal(foreign_receive(&f, true), 1); /* lost once more */
    foreign_retransmit(&f);
    assert_true(foreign_send(&f, NULL) > 0);
    assert_int_equal(foreign_receive(&f, true), 0); /* too soon */
    f.now += TG_DTLS_PARK_RESEND_US;
    foreign_retransmit(&f);
    const size_t len = foreign_send(&f, finished);

    timer_us = 60U * TG_US_PER_S;
    assert_int_equal(foreign_receive(&f, false), 1);
    ERR_clear_error();
    assert_int_equal(SSL_do_handshake(f.ssl), 1);
    for (int i = 0; i < 2 * TG_DTLS_PARK_RESENDS_MAX;
         i++) { /* a replay: answered, but not for ever */
        f.now += TG_DTLS_PARK_RESEND_US;
        assert_int_equal(tg_dtls_input(f.server, f.now, finished, len), TG_OK);
    }
    assert_int_equal(foreign_receive(&f, true), TG_DTLS_PARK_RESENDS_MAX - 2);
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CONNECTED);
    foreign_done(&f);
}

static void test_parked_session_ignores_data_and_new_handshakes(void **state)
{
    struct foreign f;
    const uint8_t plain[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};

    (void)state;
    foreign_init(&f, aes128);
    foreign_connect(&f);
    for (unsigned i = 0; i < 2 * TG_DTLS_INPUT_MAX; i++) /* an alert without a key, for ever */
        assert_int_equal(tg_dtls_input(f.server, f.now, plain, sizeof(plain)), TG_OK);
    assert_int_equal(SSL_write(f.ssl, "data", 4), 4);
    assert_true(foreign_send(&f, NULL) > 0);
    ERR_clear_error();
    assert_int_equal(SSL_renegotiate(f.ssl), 1);
    (void)SSL_do_handshake(f.ssl); /* a new ClientHello under the old keys */
    assert_true(foreign_send(&f, NULL) > 0);
    assert_int_equal(foreign_receive(&f, true), 0);
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CONNECTED);
    foreign_done(&f);
}

static void test_parked_session_ignores_an_alert_with_any_byte_changed(void **state)
{
    struct foreign f;
    uint8_t alert[TG_DTLS_MTU];

    (void)state;
    foreign_init(&f, aes128);
    foreign_connect(&f);
    (void)SSL_shutdown(f.ssl);
    const int read = BIO_read(f.out, alert, sizeof(alert));
    const size_t len = read > 0 ? (size_t)read : 0;

    assert_int_equal(len, TG_DTLS_PARK_CLOSE_LEN);
    for (size_t i = 0; i < len; i++) {
        alert[i] ^= 1;
        assert_int_equal(tg_dtls_input(f.server, f.now, alert, len), TG_OK);
        alert[i] ^= 1;
        assert_int_equal(tg_dtls_input(f.server, f.now, alert, i), TG_OK);
        assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CONNECTED);
    }
    assert_int_equal(tg_dtls_input(f.server, f.now, alert, len), TG_OK);
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CLOSED);
    foreign_done(&f);
}

static void test_client_with_chacha20_alone_is_served_but_not_parked(void **state)
{
    struct foreign f;

    (void)state;
    foreign_init(&f, chacha);
    foreign_handshake(&f);
    assert_int_equal(tg_dtls_park(f.server), TG_ERR_UNSUPPORTED);
    assert_false(tg_dtls_parked(f.server));
    (void)foreign_receive(&f, false);
    assert_int_equal(SSL_do_handshake(f.ssl), 1);
    assert_int_equal(SSL_shutdown(f.ssl), 0);
    (void)foreign_send(&f, NULL);
    assert_int_equal(tg_dtls_state(f.server), TG_DTLS_CLOSED);
    foreign_done(&f);
}

/* Who has both sets of keys can play either side: alerts that OpenSSL would not send. */
static struct tg_dtls_park *park_mirror(struct tg_dtls_park_cfg *cfg, bool other_side)
{
    struct tg_dtls_park *p = NULL;
    const struct tg_dtls_park_dir dir = cfg->read;

    if (other_side) {
        cfg->read = cfg->write;
        cfg->write = dir;
    }
    assert_int_equal(tg_dtls_park_new(&p, cfg), TG_OK);
    return p;
}

static void test_park_takes_an_alert_once_within_the_window(void **state)
{
    struct tg_dtls_park_cfg cfg = {.key_len = 16,
                                   .read = {.key = "client key 16 by", .salt = "cli"},
                                   .write = {.key = "server key 16 by", .salt = "srv"},
                                   .next_seq = 100,
                                   .next_nonce = 7,
                                   .flight = tg_span("flight", 6)};
    struct tg_dtls_park *p = park_mirror(&cfg, false);
    struct tg_dtls_park *peer = park_mirror(&cfg, true);
    uint8_t alert[80][TG_DTLS_PARK_CLOSE_LEN];

    (void)state;
    for (size_t i = 0; i < 80; i++)
        assert_int_equal(tg_dtls_park_close(peer, alert[i]), TG_OK);
    assert_memory_not_equal(alert[0] + 13, alert[1] + 13, 8); /* no nonce twice */
    assert_int_equal(tg_dtls_park_input(p, 0, alert[70], sizeof(alert[0])), TG_DTLS_PARK_CLOSED);
    assert_int_equal(tg_dtls_park_input(p, 0, alert[70], sizeof(alert[0])), TG_DTLS_PARK_NOTHING);
    assert_int_equal(tg_dtls_park_input(p, 0, alert[6], sizeof(alert[0])), TG_DTLS_PARK_NOTHING);
    assert_int_equal(tg_dtls_park_input(p, 0, alert[7], sizeof(alert[0])), TG_DTLS_PARK_CLOSED);
    assert_int_equal(tg_dtls_park_input(p, 0, alert[7], sizeof(alert[0])), TG_DTLS_PARK_NOTHING);
    assert_int_equal(tg_dtls_park_input(p, 0, alert[79], sizeof(alert[0])), TG_DTLS_PARK_CLOSED);
    assert_int_equal(tg_dtls_park_input(p, 0, alert[70], sizeof(alert[0])), TG_DTLS_PARK_NOTHING);
    assert_int_equal(tg_dtls_park_input(peer, 0, alert[1], sizeof(alert[0])), TG_DTLS_PARK_NOTHING);
    tg_dtls_park_free(p);
    tg_dtls_park_free(peer);
    cfg.key_len = 24;
    assert_int_equal(tg_dtls_park_new(&p, &cfg), TG_ERR_LIMIT);
    cfg.key_len = 32;
    cfg.flight.len = 0;
    assert_int_equal(tg_dtls_park_new(&p, &cfg), TG_ERR_LIMIT);
    cfg.flight.len = TG_DTLS_PARK_FLIGHT_MAX + 1;
    assert_int_equal(tg_dtls_park_new(&p, &cfg), TG_ERR_LIMIT);
}

/* A datagram full of forged records costs two decryptions, not sixteen. */
static void test_park_opens_two_records_of_a_datagram(void **state)
{
    struct tg_dtls_park_cfg cfg = {.key_len = 16,
                                   .read.key = {1},
                                   .write.key = {2},
                                   .next_seq = 1,
                                   .next_nonce = 1,
                                   .flight = tg_span("x", 1)};
    struct tg_dtls_park *p = park_mirror(&cfg, false);
    struct tg_dtls_park *peer = park_mirror(&cfg, true);
    uint8_t datagram[4 * TG_DTLS_PARK_CLOSE_LEN];
    uint8_t *last = datagram + sizeof(datagram) - TG_DTLS_PARK_CLOSE_LEN;

    (void)state;
    assert_int_equal(tg_dtls_park_close(peer, last), TG_OK);
    for (uint8_t *at = datagram; at < last; at += TG_DTLS_PARK_CLOSE_LEN) {
        memcpy(at, last, TG_DTLS_PARK_CLOSE_LEN);
        at[TG_DTLS_PARK_CLOSE_LEN - 1] ^= 1; /* a wrong tag */
    }
    assert_int_equal(tg_dtls_park_input(p, 0, datagram, sizeof(datagram)), TG_DTLS_PARK_NOTHING);
    datagram[0] = 23; /* what is never opened does not count */
    datagram[TG_DTLS_PARK_CLOSE_LEN] = 23;
    assert_int_equal(tg_dtls_park_input(p, 0, datagram, sizeof(datagram)), TG_DTLS_PARK_CLOSED);
    tg_dtls_park_free(p);
    tg_dtls_park_free(peer);
}

static void test_park_without_memory_leaves_the_session_as_it_was(void **state)
{
    struct foreign f;

    (void)state;
    foreign_init(&f, aes256);
    foreign_handshake(&f);
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_dtls_park(f.server), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    (void)foreign_receive(&f, false);
    assert_int_equal(SSL_do_handshake(f.ssl), 1);
    assert_int_equal(tg_dtls_park(f.server), TG_OK);
    tg_dtls_close(f.server);
    assert_int_equal(foreign_receive(&f, false), 1);
    foreign_done(&f);
}

static void test_new_survives_every_failed_allocation(void **state)
{
    struct tg_dtls_ctx *ctx = NULL;
    struct tg_dtls *d = NULL;
    const struct tg_dtls_cfg cfg = {.role = TG_SRTP_CLIENT};

    (void)state;
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_dtls_ctx_new(&ctx), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    assert_int_equal(tg_dtls_ctx_new(&ctx), TG_OK);
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_dtls_new(&d, ctx, &cfg), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    assert_int_equal(tg_dtls_new(&d, ctx, &cfg), TG_OK);
    tg_alloc_fail_nth(0); /* a datagram without memory is a lost datagram */
    assert_int_equal(tg_dtls_start(d), TG_OK);
    assert_true(tg_alloc_failed());
    tg_alloc_fail_nth(-1);
    assert_null(tg_dtls_poll(d).data);
    tg_dtls_free(d);
    tg_dtls_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handshake_gives_both_the_same_keys),
        cmocka_unit_test(test_close_notify_ends_the_other_side),
        cmocka_unit_test(test_wrong_fingerprint_is_refused_by_either_side),
        cmocka_unit_test(test_client_hello_in_two_fragments_is_reassembled),
        cmocka_unit_test(test_junk_is_survived_and_bounded),
        cmocka_unit_test(test_lost_hello_has_a_deadline_and_output_is_bounded),
        cmocka_unit_test(test_is_record_looks_at_type_version_and_length),
        cmocka_unit_test(test_fingerprint_text_round_trip),
        cmocka_unit_test(test_parked_session_closes_both_ways_with_either_key_size),
        cmocka_unit_test(test_parked_session_answers_a_lost_last_flight),
        cmocka_unit_test(test_parked_session_ignores_data_and_new_handshakes),
        cmocka_unit_test(test_parked_session_ignores_an_alert_with_any_byte_changed),
        cmocka_unit_test(test_client_with_chacha20_alone_is_served_but_not_parked),
        cmocka_unit_test(test_park_takes_an_alert_once_within_the_window),
        cmocka_unit_test(test_park_opens_two_records_of_a_datagram),
        cmocka_unit_test(test_park_without_memory_leaves_the_session_as_it_was),
        cmocka_unit_test(test_new_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
