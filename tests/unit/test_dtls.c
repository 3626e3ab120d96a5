/*
 * test_dtls.c - DTLS sessions of our own talking to each other over a list of datagrams.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "proto/dtls.h"

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
        tg_err err = tg_dtls_input(to, g.data, g.len);

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
    assert_int_equal(tg_dtls_input(p.server, "x", 1), TG_ERR_CLOSED);
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
        assert_int_equal(tg_dtls_input(p.server, part[i], tg_wr_len(&w)), TG_OK);
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
    assert_int_equal(tg_dtls_input(p.server, junk, sizeof(junk)), TG_OK);
    assert_int_equal(tg_dtls_input(p.server, "", 0), TG_OK);
    pair_connect(&p); /* the handshake goes on as if nothing had come */
    assert_int_equal(tg_dtls_state(p.server), TG_DTLS_CONNECTED);
    for (; inputs < TG_DTLS_INPUT_MAX && err == TG_OK; inputs++)
        err = tg_dtls_input(p.server, junk, sizeof(junk));
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
        cmocka_unit_test(test_new_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
