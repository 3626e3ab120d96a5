/* SRTCP without libsrtp: RFC 7714 s17's vector, then both ways against libsrtp, then bad input. */
#include "proto/srtp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/rng.h"
#include "proto/srtp_priv.h"

enum { CAP = 1400, RTCP_MAX = 1200 };

static struct tg_srtp_keys random_keys(struct tg_rng *rng, enum tg_srtp_profile profile)
{
    struct tg_srtp_keys keys = {.profile = profile};

    tg_rng_bytes(rng, keys.client_key, sizeof(keys.client_key));
    tg_rng_bytes(rng, keys.server_key, sizeof(keys.server_key));
    tg_rng_bytes(rng, keys.client_salt, sizeof(keys.client_salt));
    tg_rng_bytes(rng, keys.server_salt, sizeof(keys.server_salt));
    return keys;
}

static void for_each_engine(void (*check)(enum tg_srtp_profile profile))
{
    static const enum tg_srtp_tx_engine engines[] = {TG_SRTP_TX_EVP, TG_SRTP_TX_IPSEC_MB};

    for (size_t i = 0; i < TG_ARRAY_LEN(engines); i++) {
        if (tg_srtp_tx_engine(engines[i]) == TG_ERR_UNSUPPORTED)
            continue;
        check(TG_SRTP_AEAD_AES_128_GCM);
        check(TG_SRTP_AES128_CM_SHA1_80);
    }
    assert_int_equal(tg_srtp_tx_engine(TG_SRTP_TX_BEST), TG_OK);
}

/* One end of ours and one of libsrtp's, and our receiver of our own sender. */
struct ends {
    struct tg_srtp_tx *tx;     /* server */
    struct tg_srtcp_rx *rx;    /* server: hears the client */
    struct tg_srtcp_rx *own;   /* client: hears the server */
    struct tg_srtp *reference; /* client */
    struct tg_srtp *server;    /* libsrtp as the server, to compare with */
};

static void ends_open(struct ends *e, struct tg_rng *rng, enum tg_srtp_profile profile)
{
    const struct tg_srtp_keys keys = random_keys(rng, profile);

    assert_int_equal(tg_srtp_tx_new(&e->tx, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtcp_rx_new(&e->rx, &keys, TG_SRTP_SERVER), TG_OK);
    assert_int_equal(tg_srtcp_rx_new(&e->own, &keys, TG_SRTP_CLIENT), TG_OK);
    assert_int_equal(tg_srtp_new(&e->reference, &keys, TG_SRTP_CLIENT), TG_OK);
    assert_int_equal(tg_srtp_new(&e->server, &keys, TG_SRTP_SERVER), TG_OK);
}

static void ends_close(struct ends *e)
{
    tg_srtp_tx_free(e->tx);
    tg_srtcp_rx_free(e->rx);
    tg_srtcp_rx_free(e->own);
    tg_srtp_free(e->reference);
    tg_srtp_free(e->server);
}

struct packet {
    _Alignas(4) uint8_t bytes[CAP]; /* libsrtp reads words */
    size_t len;
};

/* The shape of a receiver report of some SSRC; SRTCP looks at no more. */
static struct packet plain_of(struct tg_rng *rng, uint32_t ssrc)
{
    struct packet p = {.len = 8 + 4 * tg_rng_below(rng, RTCP_MAX / 4 - 1)};
    struct tg_wr w = tg_wr(p.bytes, p.len);

    tg_rng_bytes(rng, p.bytes, p.len);
    tg_wr_u8(&w, 0x80);
    tg_wr_u8(&w, 201);
    tg_wr_u16(&w, (uint16_t)(p.len / 4 - 1));
    tg_wr_u32(&w, ssrc);
    return p;
}

static struct packet ours(struct ends *e, const struct packet *plain)
{
    struct packet p = *plain;

    assert_int_equal(tg_srtp_tx_protect_rtcp(e->tx, p.bytes, p.len, sizeof(p.bytes), &p.len),
                     TG_OK);
    assert_true(p.len <= plain->len + TG_SRTP_RTCP_TRAILER);
    return p;
}

static struct packet theirs(struct tg_srtp *srtp, const struct packet *plain)
{
    struct packet p = *plain;

    assert_int_equal(tg_srtp_protect_rtcp(srtp, p.bytes, p.len, sizeof(p.bytes), &p.len), TG_OK);
    return p;
}

static tg_err receive(struct tg_srtcp_rx *rx, const struct packet *sealed, struct packet *ret)
{
    *ret = *sealed;
    return tg_srtcp_rx_unprotect(rx, ret->bytes, sealed->len, &ret->len);
}

static void assert_same(const struct packet *a, const struct packet *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->bytes, b->bytes, a->len);
}

/* RFC 7714 s17.1: the packet has the SRTCP index 0x5d4, so as many go before it. */
static void check_rfc7714_17(void)
{
    static const struct tg_srtp_session_keys keys = {
        .profile = TG_SRTP_AEAD_AES_128_GCM,
        .cipher = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        .salt = {0x51, 0x75, 0x69, 0x64, 0x20, 0x70, 0x72, 0x6f, 0x20, 0x71, 0x75, 0x6f},
    };
    static const uint8_t plain[] = {
        0x81, 0xc8, 0x00, 0x0d, 0x4d, 0x61, 0x72, 0x73, 0x4e, 0x54, 0x50, 0x31, 0x4e,
        0x54, 0x50, 0x32, 0x52, 0x54, 0x50, 0x20, 0x00, 0x00, 0x04, 0x2a, 0x00, 0x00,
        0xe9, 0x30, 0x4c, 0x75, 0x6e, 0x61, 0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe,
        0xef, 0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe, 0xef, 0xde, 0xad, 0xbe, 0xef};
    static const uint8_t sealed[] = {
        0x81, 0xc8, 0x00, 0x0d, 0x4d, 0x61, 0x72, 0x73, 0x63, 0xe9, 0x48, 0x85, 0xdc, 0xda, 0xb6,
        0x7c, 0xa7, 0x27, 0xd7, 0x66, 0x2f, 0x6b, 0x7e, 0x99, 0x7f, 0xf5, 0xc0, 0xf7, 0x6c, 0x06,
        0xf3, 0x2d, 0xc6, 0x76, 0xa5, 0xf1, 0x73, 0x0d, 0x6f, 0xda, 0x4c, 0xe0, 0x9b, 0x46, 0x86,
        0x30, 0x3d, 0xed, 0x0b, 0xb9, 0x27, 0x5b, 0xc8, 0x4a, 0xa4, 0x58, 0x96, 0xcf, 0x4d, 0x2f,
        0xc5, 0xab, 0xf8, 0x72, 0x45, 0xd9, 0xea, 0xde, 0x80, 0x00, 0x05, 0xd4};
    struct tg_srtp_tx *tx = NULL;
    struct tg_srtcp_rx *rx = NULL;
    uint8_t out[100];
    size_t len = 0;

    assert_int_equal(tg_srtp_tx_new_session(&tx, &keys, &keys), TG_OK);
    assert_int_equal(tg_srtcp_rx_new_session(&rx, &keys), TG_OK);
    for (int i = 0; i <= 0x5d4; i++) {
        memcpy(out, plain, sizeof(plain));
        assert_int_equal(tg_srtp_tx_protect_rtcp(tx, out, sizeof(plain), sizeof(out), &len), TG_OK);
    }
    assert_int_equal(len, sizeof(sealed));
    assert_memory_equal(out, sealed, sizeof(sealed));
    assert_int_equal(tg_srtcp_rx_unprotect(rx, out, len, &len), TG_OK);
    assert_int_equal(len, sizeof(plain));
    assert_memory_equal(out, plain, sizeof(plain));
    tg_srtp_tx_free(tx);
    tg_srtcp_rx_free(rx);
}

static void check_rfc7714_17_gcm_only(enum tg_srtp_profile profile)
{
    if (profile == TG_SRTP_AEAD_AES_128_GCM)
        check_rfc7714_17();
}

static void test_rfc7714_17_1_srtcp_packet(void **state)
{
    (void)state;
    for_each_engine(check_rfc7714_17_gcm_only);
}

/* libsrtp begins at index 1: one packet of ours goes before, then they are equal byte for byte. */
static void check_protect(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(17);
    struct ends e;
    struct packet plain = plain_of(&rng, 77);
    struct packet sealed;
    struct packet opened;

    ends_open(&e, &rng, profile);
    sealed = ours(&e, &plain);
    for (int i = 0; i < 500; i++) {
        plain = plain_of(&rng, 77);
        sealed = ours(&e, &plain);
        const struct packet reference = theirs(e.server, &plain);

        assert_same(&sealed, &reference);
        assert_int_equal(receive(e.own, &sealed, &opened), TG_OK);
        assert_same(&opened, &plain);
        assert_int_equal(tg_srtp_unprotect_rtcp(e.reference, sealed.bytes, sealed.len, &sealed.len),
                         TG_OK);
        assert_same(&sealed, &plain);
    }
    ends_close(&e);
}

static void test_protect_equals_libsrtp_and_opens_there(void **state)
{
    (void)state;
    for_each_engine(check_protect);
}

/* One index runs for all SSRCs of ours: for each of them it grows, with gaps. */
static void check_index(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(18);
    struct ends e;

    ends_open(&e, &rng, profile);
    for (uint32_t i = 0; i < 300; i++) {
        const struct packet plain = plain_of(&rng, i % 3);
        struct packet sealed = ours(&e, &plain);
        const size_t at = sealed.len - (profile == TG_SRTP_AEAD_AES_128_GCM ? 4 : 14);
        struct tg_rd r = tg_rd(sealed.bytes + at, 4);

        assert_int_equal(tg_rd_u32(&r), 0x80000000U + i);
        assert_int_equal(tg_srtp_unprotect_rtcp(e.reference, sealed.bytes, sealed.len, &sealed.len),
                         TG_OK);
    }
    ends_close(&e);
}

static void test_index_grows_over_all_ssrcs(void **state)
{
    (void)state;
    for_each_engine(check_index);
}

/* libsrtp counts for each SSRC apart. */
static void check_unprotect(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(19);
    struct ends e;
    struct packet opened;

    ends_open(&e, &rng, profile);
    for (uint32_t i = 0; i < 1000; i++) {
        const struct packet plain = plain_of(&rng, i % TG_SRTCP_RX_SOURCES_MAX);
        const struct packet sealed = theirs(e.reference, &plain);

        assert_int_equal(receive(e.rx, &sealed, &opened), TG_OK);
        assert_same(&opened, &plain);
        assert_int_equal(receive(e.rx, &sealed, &opened), TG_ERR_CONFLICT);
    }
    ends_close(&e);
}

static void test_unprotect_opens_libsrtps_once(void **state)
{
    (void)state;
    for_each_engine(check_unprotect);
}

static void check_window(enum tg_srtp_profile profile)
{
    enum { COUNT = 200, WINDOW = 64 };
    static struct packet sealed[COUNT];
    struct tg_rng rng = tg_rng_seeded(20);
    struct packet opened;
    struct ends e;

    ends_open(&e, &rng, profile);
    for (int i = 0; i < COUNT; i++) {
        const struct packet plain = plain_of(&rng, 5);

        sealed[i] = theirs(e.reference, &plain);
    }
    assert_int_equal(receive(e.rx, &sealed[100], &opened), TG_OK);
    for (int i = 0; i <= 100; i++) /* 63 behind is in the window, 64 is not */
        assert_int_equal(receive(e.rx, &sealed[i], &opened),
                         i > 100 - WINDOW && i < 100 ? TG_OK : TG_ERR_CONFLICT);
    assert_int_equal(receive(e.rx, &sealed[130], &opened), TG_OK);
    assert_int_equal(receive(e.rx, &sealed[100], &opened), TG_ERR_CONFLICT); /* moved, not lost */
    assert_int_equal(receive(e.rx, &sealed[101], &opened), TG_OK);
    assert_int_equal(receive(e.rx, &sealed[199], &opened), TG_OK); /* a jump beyond the window */
    assert_int_equal(receive(e.rx, &sealed[198], &opened), TG_OK);
    assert_int_equal(receive(e.rx, &sealed[135], &opened), TG_ERR_CONFLICT);
    assert_int_equal(receive(e.rx, &sealed[136], &opened), TG_OK);
    ends_close(&e);
}

static void test_window_takes_each_late_packet_once(void **state)
{
    (void)state;
    for_each_engine(check_window);
}

/* A forged index far ahead must not move the window. */
static void check_refusals(enum tg_srtp_profile profile)
{
    const bool gcm = profile == TG_SRTP_AEAD_AES_128_GCM;
    struct tg_rng rng = tg_rng_seeded(21);
    struct ends e;
    struct packet plain = plain_of(&rng, 9);
    struct packet out;

    ends_open(&e, &rng, profile);
    plain.len = 64;
    const struct packet sealed = theirs(e.reference, &plain);
    const size_t word_at = sealed.len - (gcm ? 4 : 14);

    for (size_t i = 0; i < sealed.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct packet bad = sealed;

            bad.bytes[i] ^= (uint8_t)(1U << bit);
            const bool shape = (i == 0 && bit >= 6) || (i == word_at && bit == 7);

            assert_int_equal(receive(e.rx, &bad, &out), shape ? TG_ERR_MALFORMED : TG_ERR_AUTH);
        }
    }
    for (size_t cut = 0; cut < sealed.len; cut++) {
        struct packet bad = sealed;

        bad.len = cut;
        const tg_err err = receive(e.rx, &bad, &out);

        assert_true(cut < (gcm ? 28U : 22U) ? err == TG_ERR_MALFORMED
                                            : err == TG_ERR_AUTH || err == TG_ERR_MALFORMED);
    }
    assert_int_equal(receive(e.rx, &sealed, &out), TG_OK);
    ends_close(&e);
}

static void test_unprotect_refuses_changed_and_cut(void **state)
{
    (void)state;
    for_each_engine(check_refusals);
}

/* The other direction's key, or another session's, opens nothing. */
static void check_foreign(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(22);
    struct ends e;
    struct ends other;
    const struct packet plain = plain_of(&rng, 9);
    struct packet out;

    ends_open(&e, &rng, profile);
    ends_open(&other, &rng, profile);
    const struct packet sealed = ours(&e, &plain);

    assert_int_equal(receive(e.rx, &sealed, &out), TG_ERR_AUTH);
    assert_int_equal(receive(other.own, &sealed, &out), TG_ERR_AUTH);
    assert_int_equal(receive(e.own, &sealed, &out), TG_OK);
    ends_close(&e);
    ends_close(&other);
}

static void test_unprotect_refuses_foreign_keys(void **state)
{
    (void)state;
    for_each_engine(check_foreign);
}

static void test_sources_are_bounded_and_none_is_forgotten(void **state)
{
    struct tg_rng rng = tg_rng_seeded(23);
    struct ends e;
    struct packet first = {0};
    struct packet out;

    (void)state;
    ends_open(&e, &rng, TG_SRTP_AEAD_AES_128_GCM);
    for (uint32_t i = 0; i <= TG_SRTCP_RX_SOURCES_MAX; i++) {
        const struct packet plain = plain_of(&rng, i);
        const struct packet sealed = theirs(e.reference, &plain);

        if (i == 0)
            first = sealed;
        assert_int_equal(receive(e.rx, &sealed, &out),
                         i < TG_SRTCP_RX_SOURCES_MAX ? TG_OK : TG_ERR_LIMIT);
    }
    assert_int_equal(receive(e.rx, &first, &out), TG_ERR_CONFLICT);
    ends_close(&e);
}

static void check_bounds(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(24);
    struct ends e;
    struct packet p = plain_of(&rng, 1);
    size_t len = 0;

    ends_open(&e, &rng, profile);
    p.len = 12;
    assert_int_equal(tg_srtp_tx_protect_rtcp(e.tx, p.bytes, 4, CAP, &len), TG_ERR_MALFORMED);
    assert_int_equal(tg_srtp_tx_protect_rtcp(e.tx, p.bytes, 10, CAP, &len), TG_ERR_MALFORMED);
    assert_int_equal(
        tg_srtp_tx_protect_rtcp(e.tx, p.bytes, 12, 12 + TG_SRTP_RTCP_TRAILER - 1, &len),
        TG_ERR_LIMIT);
    assert_int_equal(tg_srtp_tx_protect_rtcp(e.tx, p.bytes, 12, 12 + TG_SRTP_RTCP_TRAILER, &len),
                     TG_OK);
    ends_close(&e);
}

static void test_protect_bounds(void **state)
{
    (void)state;
    for_each_engine(check_bounds);
}

/* RTP and RTCP have keys and numbers of their own: neither disturbs the other. */
static void check_mixed(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(25);
    struct ends e;
    uint8_t header[12] = {0x80, 96};
    uint8_t out[64];
    size_t len = 0;

    ends_open(&e, &rng, profile);
    for (uint8_t i = 0; i < 100; i++) {
        const struct packet plain = plain_of(&rng, 0);
        struct packet sealed = ours(&e, &plain);
        const struct tg_srtp_plain in = {.header = tg_span(header, 12),
                                         .payload = tg_span("torg", 4)};

        header[3] = i;
        assert_int_equal(tg_srtp_tx_protect(e.tx, &in, out, sizeof(out), &len), TG_OK);
        assert_int_equal(tg_srtp_unprotect_rtp(e.reference, out, len, &len), TG_OK);
        assert_memory_equal(out + 12, "torg", 4);
        assert_int_equal(tg_srtp_unprotect_rtcp(e.reference, sealed.bytes, sealed.len, &sealed.len),
                         TG_OK);
        assert_same(&sealed, &plain);
    }
    ends_close(&e);
}

static void test_rtp_and_rtcp_do_not_disturb_each_other(void **state)
{
    (void)state;
    for_each_engine(check_mixed);
}

static void check_allocations(enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(26);
    const struct tg_srtp_keys keys = random_keys(&rng, profile);
    long n = 0;

    for (;; n++) {
        struct tg_srtp_tx *tx = NULL;
        struct tg_srtcp_rx *rx = NULL;

        tg_alloc_fail_nth(n);
        tg_err err = tg_srtp_tx_new(&tx, &keys, TG_SRTP_SERVER);

        if (err == TG_OK)
            err = tg_srtcp_rx_new(&rx, &keys, TG_SRTP_SERVER);
        const bool failed = tg_alloc_failed();

        tg_alloc_fail_nth(-1);
        tg_srtp_tx_free(tx);
        tg_srtcp_rx_free(rx);
        assert_int_equal(err, failed ? TG_ERR_NOMEM : TG_OK);
        if (!failed)
            break;
    }
    assert_int_equal(n, 2);
}

static void test_new_survives_every_failed_allocation(void **state)
{
    struct tg_srtp_keys unknown = {.profile = (enum tg_srtp_profile)2};
    struct tg_srtcp_rx *rx = NULL;

    (void)state;
    for_each_engine(check_allocations);
    assert_int_equal(tg_srtcp_rx_new(&rx, &unknown, TG_SRTP_SERVER), TG_ERR_UNSUPPORTED);
    assert_null(rx);
    tg_srtcp_rx_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc7714_17_1_srtcp_packet),
        cmocka_unit_test(test_protect_equals_libsrtp_and_opens_there),
        cmocka_unit_test(test_index_grows_over_all_ssrcs),
        cmocka_unit_test(test_unprotect_opens_libsrtps_once),
        cmocka_unit_test(test_window_takes_each_late_packet_once),
        cmocka_unit_test(test_unprotect_refuses_changed_and_cut),
        cmocka_unit_test(test_unprotect_refuses_foreign_keys),
        cmocka_unit_test(test_sources_are_bounded_and_none_is_forgotten),
        cmocka_unit_test(test_protect_bounds),
        cmocka_unit_test(test_rtp_and_rtcp_do_not_disturb_each_other),
        cmocka_unit_test(test_new_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
