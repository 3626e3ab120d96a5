/*
 * test_srtp.c - SRTP: the RFCs' vectors first, then the fast path against libsrtp.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/rng.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/srtp_priv.h"

/* RFC 3711 B.3: master key and salt of the key derivation vectors. */
static const uint8_t b3_key[16] = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0,
                                   0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39};
static const uint8_t b3_salt[14] = {0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe,
                                    0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6};

static void test_rfc3711_b3_key_derivation(void **state)
{
    static const uint8_t cipher[16] = {0xc6, 0x1e, 0x7a, 0x93, 0x74, 0x4f, 0x39, 0xee,
                                       0x10, 0x73, 0x4a, 0xfe, 0x3f, 0xf7, 0xa0, 0x87};
    static const uint8_t salt[14] = {0x30, 0xcb, 0xbc, 0x08, 0x86, 0x3d, 0x8c,
                                     0x85, 0xd4, 0x9d, 0xb3, 0x4a, 0x9a, 0xe1};
    static const uint8_t auth[20] = {0xce, 0xbe, 0x32, 0x1f, 0x6f, 0xf7, 0x71, 0x6b, 0x6f, 0xd4,
                                     0xab, 0x49, 0xaf, 0x25, 0x6a, 0x15, 0x6d, 0x38, 0xba, 0xa4};
    uint8_t out[20];

    (void)state;
    assert_int_equal(tg_srtp_derive(out, 16, TG_SRTP_LABEL_CIPHER, b3_key, b3_salt), TG_OK);
    assert_memory_equal(out, cipher, 16);
    assert_int_equal(tg_srtp_derive(out, 14, TG_SRTP_LABEL_SALT, b3_key, b3_salt), TG_OK);
    assert_memory_equal(out, salt, 14);
    assert_int_equal(tg_srtp_derive(out, 20, TG_SRTP_LABEL_AUTH, b3_key, b3_salt), TG_OK);
    assert_memory_equal(out, auth, 20);
}

/* SSRC and index 0, a payload of zeros: the ciphertext is the key stream. */
static void test_rfc3711_b2_aes_cm_key_stream(void **state)
{
    static const struct tg_srtp_session_keys keys = {
        .profile = TG_SRTP_AES128_CM_SHA1_80,
        .cipher = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09,
                   0xcf, 0x4f, 0x3c},
        .salt = {0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc,
                 0xfd},
    };
    static const uint8_t stream[48] = {0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66,
                                       0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4, 0xd2, 0x35, 0x13, 0x16,
                                       0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f,
                                       0x97, 0xab, 0x41, 0xe9, 0x5b, 0x3b, 0xb0, 0xa2, 0xe8, 0xdd,
                                       0x47, 0x79, 0x01, 0xe4, 0xfc, 0xa8, 0x94, 0xc0};
    const uint8_t header[12] = {0x80, 96};
    const uint8_t zero[48] = {0};
    const struct tg_srtp_plain in = {.header = {header, 12}, .payload = {zero, 48}};
    struct tg_srtp_tx *tx = NULL;
    uint8_t out[100];
    size_t len = 0;

    (void)state;
    assert_int_equal(tg_srtp_tx_new_session(&tx, &keys, &keys), TG_OK);
    assert_int_equal(tg_srtp_tx_protect(tx, &in, out, sizeof(out), &len), TG_OK);
    assert_int_equal(len, 12 + 48 + 10);
    assert_memory_equal(out + 12, stream, 48);
    tg_srtp_tx_free(tx);
}

static void test_rfc7714_16_1_gcm_packet(void **state)
{
    static const struct tg_srtp_session_keys keys = {
        .profile = TG_SRTP_AEAD_AES_128_GCM,
        .cipher = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        .salt = {0x51, 0x75, 0x69, 0x64, 0x20, 0x70, 0x72, 0x6f, 0x20, 0x71, 0x75, 0x6f},
    };
    static const uint8_t header[12] = {0x80, 0x40, 0xf1, 0x7b, 0x80, 0x41,
                                       0xf8, 0xd3, 0x55, 0x01, 0xa0, 0xb2};
    static const char plain[] = "Gallia est omnis divisa in partes tres";
    static const uint8_t sealed[] = {
        0xf2, 0x4d, 0xe3, 0xa3, 0xfb, 0x34, 0xde, 0x6c, 0xac, 0xba, 0x86, 0x1c, 0x9d, 0x7e,
        0x4b, 0xca, 0xbe, 0x63, 0x3b, 0xd5, 0x0d, 0x29, 0x4e, 0x6f, 0x42, 0xa5, 0xf4, 0x7a,
        0x51, 0xc7, 0xd1, 0x9b, 0x36, 0xde, 0x3a, 0xdf, 0x88, 0x33, 0x89, 0x9d, 0x7f, 0x27,
        0xbe, 0xb1, 0x6a, 0x91, 0x52, 0xcf, 0x76, 0x5e, 0xe4, 0x39, 0x0c, 0xce};
    /* Cut into prefix and payload: the seam must not show. */
    const struct tg_srtp_plain in = {
        .header = {header, 12},
        .prefix = tg_span(plain, 2),
        .payload = tg_span(plain + 2, sizeof(plain) - 3),
    };
    struct tg_srtp_tx *tx = NULL;
    uint8_t out[100];
    size_t len = 0;

    (void)state;
    for (int engine = TG_SRTP_TX_IPSEC_MB; engine >= TG_SRTP_TX_BEST; engine--) {
        if (tg_srtp_tx_engine((enum tg_srtp_tx_engine)engine) != TG_OK)
            continue;
        assert_int_equal(tg_srtp_tx_new_session(&tx, &keys, &keys), TG_OK);
        assert_int_equal(tg_srtp_tx_protect(tx, &in, out, sizeof(out), &len), TG_OK);
        assert_int_equal(len, 12 + sizeof(sealed));
        assert_memory_equal(out, header, 12);
        assert_memory_equal(out + 12, sealed, sizeof(sealed));
        tg_srtp_tx_free(tx);
    }
}

static struct tg_srtp_keys random_keys(struct tg_rng *rng, enum tg_srtp_profile profile)
{
    struct tg_srtp_keys keys = {.profile = profile};

    tg_rng_bytes(rng, keys.client_key, sizeof(keys.client_key));
    tg_rng_bytes(rng, keys.server_key, sizeof(keys.server_key));
    tg_rng_bytes(rng, keys.client_salt, sizeof(keys.client_salt));
    tg_rng_bytes(rng, keys.server_salt, sizeof(keys.server_salt));
    return keys;
}

enum { BODY_MAX = 1400, PREFIX_LEN = 2 };

struct plain_packet {
    uint8_t bytes[12 + 15 * 4 + 4 + 64 + BODY_MAX];
    size_t header_len;
    size_t prefix_len;
    size_t len;
};

/* Any legal shape: CSRCs, an extension, an OSN in front, an empty body. */
static void packet_make(struct plain_packet *p, struct tg_rng *rng, uint32_t ssrc, uint16_t seq)
{
    struct tg_wr w = tg_wr(p->bytes, sizeof(p->bytes));
    const size_t csrcs = tg_rng_below(rng, 4) == 0 ? tg_rng_below(rng, 16) : 0;
    const bool has_ext = tg_rng_below(rng, 2) == 0;
    const size_t ext_words = tg_rng_below(rng, 17);

    tg_wr_u8(&w, (uint8_t)(0x80 | (has_ext ? 0x10 : 0) | (unsigned)csrcs));
    tg_wr_u8(&w, (uint8_t)tg_rng_below(rng, 256));
    tg_wr_u16(&w, seq);
    tg_wr_u32(&w, tg_rng_u32(rng));
    tg_wr_u32(&w, ssrc);
    tg_rng_bytes(rng, tg_wr_skip(&w, csrcs * 4), csrcs * 4);
    if (has_ext) {
        tg_wr_u16(&w, 0xbede);
        tg_wr_u16(&w, (uint16_t)ext_words);
        tg_rng_bytes(rng, tg_wr_skip(&w, ext_words * 4), ext_words * 4);
    }
    p->header_len = tg_wr_len(&w);
    const size_t body = tg_rng_below(rng, 8) == 0 ? 0 : tg_rng_below(rng, BODY_MAX + 1);

    tg_rng_bytes(rng, tg_wr_skip(&w, body), body);
    assert_false(w.bad);
    p->prefix_len = body >= PREFIX_LEN && tg_rng_below(rng, 4) == 0 ? PREFIX_LEN : 0;
    p->len = tg_wr_len(&w);
}

static void packet_protect(struct tg_srtp_tx *tx, const struct plain_packet *p, uint8_t *out,
                           size_t cap, size_t *ret_len)
{
    const size_t body_at = p->header_len + p->prefix_len;
    const struct tg_srtp_plain in = {
        /* As the write path does: the header already stands in the output. */
        .header = tg_span(out, p->header_len),
        .prefix = tg_span(p->bytes + p->header_len, p->prefix_len),
        .payload = tg_span(p->bytes + body_at, p->len - body_at),
    };

    memset(out, 0xaa, cap);
    memcpy(out, p->bytes, p->header_len);
    assert_int_equal(tg_srtp_tx_protect(tx, &in, out, cap, ret_len), TG_OK);
    assert_int_equal(*ret_len, p->len + tg_srtp_tx_trailer(tx));
    for (size_t i = *ret_len; i < cap; i++)
        assert_int_equal(out[i], 0xaa);
}

/* Ours, libsrtp as the sender to compare with, libsrtp as the receiver. */
struct trio {
    struct tg_srtp_tx *tx;
    struct tg_srtp *server;
    struct tg_srtp *client;
};

static void trio_open(struct trio *t, struct tg_rng *rng, enum tg_srtp_profile profile)
{
    const struct tg_srtp_keys keys = random_keys(rng, profile);

    assert_int_equal(tg_srtp_new(&t->server, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtp_new(&t->client, &keys, TG_SRTP_CLIENT), TG_OK);
    assert_int_equal(tg_srtp_tx_new(&t->tx, &keys, TG_SRTP_SERVER), TG_OK);
}

static void trio_close(struct trio *t)
{
    tg_srtp_tx_free(t->tx);
    tg_srtp_free(t->server);
    tg_srtp_free(t->client);
}

/* The fast path's packet equals libsrtp's, and libsrtp's receiver opens it, once. */
static void check_one(struct trio *t, const struct plain_packet *p, bool again)
{
    uint8_t fast[sizeof(p->bytes) + 32];
    _Alignas(4) uint8_t reference[sizeof(p->bytes) + 32];
    size_t fast_len = 0;
    size_t reference_len = 0;

    memcpy(reference, p->bytes, p->len);
    assert_int_equal(
        tg_srtp_protect_rtp(t->server, reference, p->len, sizeof(reference), &reference_len),
        TG_OK);
    packet_protect(t->tx, p, fast, sizeof(fast), &fast_len);
    assert_int_equal(fast_len, reference_len);
    assert_memory_equal(fast, reference, fast_len);
    if (!again) {
        assert_int_equal(tg_srtp_unprotect_rtp(t->client, fast, fast_len, &fast_len), TG_OK);
        assert_int_equal(fast_len, p->len);
        assert_memory_equal(fast, p->bytes, p->len);
    }
    assert_int_equal(tg_srtp_unprotect_rtp(t->client, reference, reference_len, &reference_len),
                     TG_ERR_CONFLICT);
}

/* Three SSRCs, steps of up to 100 over several wraps; one packet in four is an old one again. */
static void check_against_libsrtp(enum tg_srtp_profile profile, uint64_t seed)
{
    enum { SSRCS = 3, KEPT = 8, ROUNDS = 4500 };
    static struct plain_packet kept[SSRCS][KEPT];
    size_t sent[SSRCS] = {0};
    uint16_t seqs[SSRCS] = {30000, 65535, 0};
    struct tg_rng rng = tg_rng_seeded(seed);
    struct trio t;

    trio_open(&t, &rng, profile);
    for (int i = 0; i < ROUNDS; i++) {
        const size_t k = tg_rng_below(&rng, SSRCS);

        if (sent[k] >= KEPT && tg_rng_below(&rng, 4) == 0) {
            check_one(&t, &kept[k][tg_rng_below(&rng, KEPT)], true);
            continue;
        }
        struct plain_packet *p = &kept[k][sent[k]++ % KEPT];

        packet_make(p, &rng, 1000 + (uint32_t)k, seqs[k]);
        seqs[k] = (uint16_t)(seqs[k] + 1 + tg_rng_below(&rng, 100));
        check_one(&t, p, false);
    }
    trio_close(&t);
}

/* Workers start together: the first session of each finds the same engine, whole. */
static void *worker(void *ctx)
{
    const struct tg_srtp_keys *keys = ctx;
    static const uint8_t header[12] = {0x80, 96};
    const struct tg_srtp_plain in = {.header = tg_span(header, 12), .payload = tg_span("torg", 4)};
    uint8_t *out = tg_calloc(1, 64);
    struct tg_srtp_tx *tx = NULL;
    size_t len = 0;

    if (out != NULL && tg_srtp_tx_new(&tx, keys, TG_SRTP_SERVER) == TG_OK)
        (void)!tg_srtp_tx_protect(tx, &in, out, 64, &len); /* the bytes tell */
    tg_srtp_tx_free(tx);
    return out;
}

static void test_engine_is_chosen_once_by_many_threads(void **state)
{
    enum { THREADS = 4 };
    struct tg_rng rng = tg_rng_seeded(8);
    struct tg_srtp_keys keys = random_keys(&rng, TG_SRTP_AEAD_AES_128_GCM);
    pthread_t threads[THREADS];
    void *outs[THREADS] = {NULL};

    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, worker, &keys), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], &outs[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_non_null(outs[i]);
        assert_memory_equal(outs[i], outs[0], 32);
    }
    assert_memory_not_equal((uint8_t *)outs[0] + 12, "torg", 4);
    assert_int_equal(((uint8_t *)outs[0])[0], 0x80);
    for (size_t i = 0; i < THREADS; i++)
        tg_free(outs[i]);
}

static const enum tg_srtp_tx_engine engines[] = {TG_SRTP_TX_EVP, TG_SRTP_TX_IPSEC_MB};

static void for_each_engine(void (*check)(enum tg_srtp_profile profile))
{
    for (size_t i = 0; i < TG_ARRAY_LEN(engines); i++) {
        /* A machine without the other engine has nothing more to test. */
        if (tg_srtp_tx_engine(engines[i]) == TG_ERR_UNSUPPORTED)
            continue;
        check(TG_SRTP_AEAD_AES_128_GCM);
        check(TG_SRTP_AES128_CM_SHA1_80);
    }
    assert_int_equal(tg_srtp_tx_engine(TG_SRTP_TX_BEST), TG_OK);
}

static void check_random(enum tg_srtp_profile profile)
{
    check_against_libsrtp(profile, 3711);
}

static void test_tx_equals_libsrtp_in_every_engine_and_profile(void **state)
{
    (void)state;
    for_each_engine(check_random);
}

/* Every length around the engines' block sizes. */
static void check_lengths(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(7);
    struct trio t;

    trio_open(&t, &rng, profile);
    for (size_t len = 0; len <= BODY_MAX; len++) {
        struct plain_packet p = {.header_len = 12, .len = 12 + len};

        tg_rng_bytes(&rng, p.bytes, p.len);
        p.bytes[0] = 0x80;
        memcpy(p.bytes + 8, "ssrc", 4);
        p.bytes[2] = (uint8_t)(len >> 8);
        p.bytes[3] = (uint8_t)len;
        p.prefix_len = len >= PREFIX_LEN && len % 2 == 0 ? PREFIX_LEN : 0;
        check_one(&t, &p, false);
    }
    trio_close(&t);
}

static void test_tx_every_payload_length_equals_libsrtp(void **state)
{
    (void)state;
    for_each_engine(check_lengths);
}

static void test_engine_choice_is_by_name_and_may_be_refused(void **state)
{
    (void)state;
    assert_int_equal(tg_srtp_tx_engine(TG_SRTP_TX_EVP), TG_OK);
    assert_string_equal(tg_srtp_tx_engine_name(), "evp");
    if (tg_srtp_tx_engine(TG_SRTP_TX_IPSEC_MB) == TG_OK)
        assert_memory_equal(tg_srtp_tx_engine_name(), "ipsec-mb", 8);
    else
        assert_string_equal(tg_srtp_tx_engine_name(), "evp");
    assert_int_equal(tg_srtp_tx_engine(TG_SRTP_TX_BEST), TG_OK);
}

/* A packet sent again after the wrap keeps its old roll-over counter. */
static void check_resend_across_wrap(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct plain_packet old;
    struct plain_packet next;
    uint8_t first[sizeof(old.bytes) + 32];
    uint8_t again[sizeof(old.bytes) + 32];
    struct trio t;
    size_t len = 0;

    trio_open(&t, &rng, profile);
    packet_make(&old, &rng, 5, 65535);
    packet_make(&next, &rng, 5, 0);
    packet_protect(t.tx, &old, first, sizeof(first), &len);
    memcpy(again, first, len);
    assert_int_equal(tg_srtp_unprotect_rtp(t.client, again, len, &len), TG_OK);
    packet_protect(t.tx, &next, again, sizeof(again), &len);
    assert_int_equal(tg_srtp_unprotect_rtp(t.client, again, len, &len), TG_OK);
    packet_protect(t.tx, &old, again, sizeof(again), &len);
    assert_memory_equal(first, again, len);
    trio_close(&t);
}

static void test_tx_resend_across_the_wrap_is_identical(void **state)
{
    (void)state;
    for_each_engine(check_resend_across_wrap);
}

static void test_tx_bounds(void **state)
{
    struct tg_rng rng = tg_rng_seeded(2);
    const struct tg_srtp_keys keys = random_keys(&rng, TG_SRTP_AES128_CM_SHA1_80);
    struct tg_srtp_tx *tx = NULL;
    uint8_t header[12] = {0x80};
    uint8_t out[64];
    size_t len = 0;
    struct tg_srtp_plain in = {.header = tg_span(header, 11)};

    (void)state;
    assert_int_equal(tg_srtp_tx_new(&tx, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtp_tx_protect(tx, &in, out, sizeof(out), &len), TG_ERR_MALFORMED);
    in.header.len = 12;
    assert_int_equal(tg_srtp_tx_protect(tx, &in, out, 21, &len), TG_ERR_LIMIT);
    for (uint8_t i = 0; i < TG_SRTP_TX_STREAMS_MAX; i++) {
        header[11] = i;
        assert_int_equal(tg_srtp_tx_protect(tx, &in, out, 22, &len), TG_OK);
    }
    header[11] = TG_SRTP_TX_STREAMS_MAX;
    assert_int_equal(tg_srtp_tx_protect(tx, &in, out, 22, &len), TG_ERR_LIMIT);
    tg_srtp_tx_free(tx);
}

static void check_rtcp(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(7714);
    const struct tg_srtp_keys keys = random_keys(&rng, profile);
    struct tg_srtp *server = NULL;
    struct tg_srtp *client = NULL;
    uint8_t packet[100];
    uint8_t plain[100];
    struct tg_wr w = tg_wr(plain, sizeof(plain));
    size_t len = 0;

    tg_rtcp_write_rr(&w, 1, NULL, 0);
    tg_rtcp_write_pli(&w, 1, 2);
    memcpy(packet, plain, tg_wr_len(&w));
    assert_int_equal(tg_srtp_new(&server, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtp_new(&client, &keys, TG_SRTP_CLIENT), TG_OK);
    assert_int_equal(tg_srtp_protect_rtcp(client, packet, tg_wr_len(&w), tg_wr_len(&w) + 3, &len),
                     TG_ERR_LIMIT);
    assert_int_equal(tg_srtp_protect_rtcp(client, packet, tg_wr_len(&w), sizeof(packet), &len),
                     TG_OK);
    assert_true(len <= tg_wr_len(&w) + TG_SRTP_RTCP_TRAILER);
    assert_int_equal(tg_srtp_unprotect_rtcp(server, packet, len, &len), TG_OK);
    assert_int_equal(len, tg_wr_len(&w));
    assert_memory_equal(packet, plain, len);
    tg_srtp_free(server);
    tg_srtp_free(client);
}

static void test_rtcp_round_trip_in_both_profiles(void **state)
{
    (void)state;
    check_rtcp(TG_SRTP_AEAD_AES_128_GCM);
    check_rtcp(TG_SRTP_AES128_CM_SHA1_80);
}

static void test_unprotect_refuses_changed_cut_and_foreign(void **state)
{
    struct tg_rng rng = tg_rng_seeded(3);
    const struct tg_srtp_keys keys = random_keys(&rng, TG_SRTP_AEAD_AES_128_GCM);
    struct tg_srtp *client = NULL;
    struct tg_srtp_tx *tx = NULL;
    uint8_t header[12] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9};
    uint8_t out[64];
    uint8_t bad[64];
    size_t len = 0;
    size_t bad_len = 0;
    const struct tg_srtp_plain in = {.header = tg_span(header, 12), .payload = tg_span("torg", 4)};

    (void)state;
    assert_int_equal(tg_srtp_new(&client, &keys, TG_SRTP_CLIENT), TG_OK);
    assert_int_equal(tg_srtp_tx_new(&tx, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtp_tx_protect(tx, &in, out, sizeof(out), &len), TG_OK);
    for (size_t i = 1; i < len; i++) { /* byte 0 changes the shape, not only the tag */
        memcpy(bad, out, len);
        bad[i] ^= 1;
        assert_int_equal(tg_srtp_unprotect_rtp(client, bad, len, &bad_len), TG_ERR_AUTH);
    }
    for (size_t cut = 0; cut < len; cut++) {
        memcpy(bad, out, len);
        assert_int_not_equal(tg_srtp_unprotect_rtp(client, bad, cut, &bad_len), TG_OK);
        assert_int_not_equal(tg_srtp_unprotect_rtcp(client, bad, cut, &bad_len), TG_OK);
    }
    assert_int_equal(tg_srtp_unprotect_rtp(client, out, len, &len), TG_OK);
    tg_srtp_tx_free(tx);
    tg_srtp_free(client);
}

static void test_new_survives_every_failed_allocation(void **state)
{
    struct tg_rng rng = tg_rng_seeded(4);
    const struct tg_srtp_keys keys = random_keys(&rng, TG_SRTP_AEAD_AES_128_GCM);
    struct tg_srtp_keys unknown = keys;
    struct tg_srtp *srtp = NULL;
    struct tg_srtp_tx *tx = NULL;

    (void)state;
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_srtp_new(&srtp, &keys, TG_SRTP_SERVER), TG_ERR_NOMEM);
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_srtp_tx_new(&tx, &keys, TG_SRTP_SERVER), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    unknown.profile = (enum tg_srtp_profile)2;
    assert_int_equal(tg_srtp_new(&srtp, &unknown, TG_SRTP_SERVER), TG_ERR_UNSUPPORTED);
    assert_int_equal(tg_srtp_tx_new(&tx, &unknown, TG_SRTP_SERVER), TG_ERR_UNSUPPORTED);
    assert_null(srtp);
    assert_null(tx);
    tg_srtp_free(NULL);
    tg_srtp_tx_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First, while nothing has been chosen. */
        cmocka_unit_test(test_engine_is_chosen_once_by_many_threads),
        cmocka_unit_test(test_rfc3711_b3_key_derivation),
        cmocka_unit_test(test_rfc3711_b2_aes_cm_key_stream),
        cmocka_unit_test(test_rfc7714_16_1_gcm_packet),
        cmocka_unit_test(test_tx_equals_libsrtp_in_every_engine_and_profile),
        cmocka_unit_test(test_tx_every_payload_length_equals_libsrtp),
        cmocka_unit_test(test_engine_choice_is_by_name_and_may_be_refused),
        cmocka_unit_test(test_tx_resend_across_the_wrap_is_identical),
        cmocka_unit_test(test_tx_bounds),
        cmocka_unit_test(test_rtcp_round_trip_in_both_profiles),
        cmocka_unit_test(test_unprotect_refuses_changed_cut_and_foreign),
        cmocka_unit_test(test_new_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
