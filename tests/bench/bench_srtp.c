/*
 * bench_srtp.c - what protecting one packet costs: engines x profiles, libsrtp beside them.
 *
 *     bench_srtp [--packets N] [--runs N]
 *
 * RTP packets of 12 + 1200 bytes, RTCP of 60; 1,000 sessions in turn, so keys come from the cache
 * that 1,000 viewers' keys come from. Median and spread of the runs, one core.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/rng.h"
#include "base/str.h"
#include "proto/srtp.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>
#define BARE_IMB 1
#else
#define BARE_IMB 0
#endif

enum { SESSIONS = 1000, BODY = 1200, HEADER = 12, RTCP = 60, RUNS_MAX = 25, CAP = 1500 };

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "bench_srtp: %s failed (line %d)\n", #cond, __LINE__);                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static size_t packets = 200000;
static size_t runs = 9;
static uint8_t payload[BODY];
static _Alignas(64) uint8_t out[CAP];
static struct tg_srtp_tx *txs[SESSIONS];
static struct tg_srtcp_rx *rxs[SESSIONS];
static struct tg_srtp *srtps[SESSIONS];

/* CPU time of this thread, so that neighbours on a shared machine count less. */
static double cpu_us(void)
{
    struct timespec t;

    MUST(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* one(i): packet number i of a run. */
static void measure(const char *engine, const char *what, void (*one)(size_t i))
{
    double took[RUNS_MAX];

    for (size_t r = 0; r < runs; r++) {
        const double start = cpu_us();

        for (size_t i = 0; i < packets; i++)
            one(i);
        took[r] = (cpu_us() - start) / (double)packets;
    }
    qsort(took, runs, sizeof(took[0]), by_value);
    printf("%-14s %-28s %8.3f %8.3f %8.3f\n", engine, what, took[runs / 2], took[0],
           took[runs - 1]);
}

static void header_write(struct tg_wr *w, size_t i)
{
    tg_wr_u16(w, 0x8060);
    tg_wr_u16(w, (uint16_t)(i / SESSIONS));
    tg_wr_u32(w, 90000);
    tg_wr_u32(w, 1);
}

static void one_rtp(size_t i)
{
    struct tg_wr w = tg_wr(out, sizeof(out));
    size_t len = 0;

    header_write(&w, i);
    const struct tg_srtp_plain in = {.header = tg_span(out, HEADER),
                                     .payload = tg_span(payload, BODY)};

    MUST(tg_srtp_tx_protect(txs[i % SESSIONS], &in, out, sizeof(out), &len) == TG_OK);
}

static void one_rtp_libsrtp(size_t i)
{
    struct tg_wr w = tg_wr(out, sizeof(out));
    size_t len = 0;

    header_write(&w, i);
    tg_wr_bytes(&w, payload, BODY);
    MUST(tg_srtp_protect_rtp(srtps[i % SESSIONS], out, HEADER + BODY, sizeof(out), &len) == TG_OK);
}

static size_t rtcp_plain(void)
{
    struct tg_wr w = tg_wr(out, sizeof(out));

    tg_wr_u32(&w, 0x80c9000e);
    tg_wr_u32(&w, 1);
    tg_wr_bytes(&w, payload, RTCP - 8);
    return tg_wr_len(&w);
}

/* Out and in again: two peers' work, so half of it is one packet. */
static void one_rtcp(size_t i)
{
    size_t len = rtcp_plain();

    MUST(tg_srtp_tx_protect_rtcp(txs[i % SESSIONS], out, len, sizeof(out), &len) == TG_OK);
    MUST(tg_srtcp_rx_unprotect(rxs[i % SESSIONS], out, len, &len) == TG_OK);
}

static void one_rtcp_libsrtp(size_t i)
{
    size_t len = rtcp_plain();

    MUST(tg_srtp_protect_rtcp(srtps[i % SESSIONS], out, len, sizeof(out), &len) == TG_OK);
}

static void one_session(size_t i)
{
    static struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};
    struct tg_srtp_tx *tx = NULL;
    struct tg_srtcp_rx *rx = NULL;

    keys.client_key[0] = (uint8_t)i;
    if (i % 100 != 0) /* it is slow: one in a hundred, see the label */
        return;
    MUST(tg_srtp_tx_new(&tx, &keys, TG_SRTP_SERVER) == TG_OK);
    MUST(tg_srtcp_rx_new(&rx, &keys, TG_SRTP_SERVER) == TG_OK);
    tg_srtp_tx_free(tx);
    tg_srtcp_rx_free(rx);
}

static struct tg_srtp_keys keys_of(size_t i, enum tg_srtp_profile profile)
{
    struct tg_rng rng = tg_rng_seeded(i);
    struct tg_srtp_keys keys = {.profile = profile};

    tg_rng_bytes(&rng, keys.client_key, sizeof(keys.client_key));
    tg_rng_bytes(&rng, keys.server_key, sizeof(keys.server_key));
    tg_rng_bytes(&rng, keys.client_salt, sizeof(keys.client_salt));
    tg_rng_bytes(&rng, keys.server_salt, sizeof(keys.server_salt));
    return keys;
}

static void bench_engine(const char *profile_name, enum tg_srtp_profile profile)
{
    const char *engine = tg_srtp_tx_engine_name();
    const size_t before = mallinfo2().uordblks;
    char what[64];

    for (size_t i = 0; i < SESSIONS; i++) {
        const struct tg_srtp_keys keys = keys_of(i, profile);

        MUST(tg_srtp_tx_new(&txs[i], &keys, TG_SRTP_SERVER) == TG_OK);
        MUST(tg_srtcp_rx_new(&rxs[i], &keys, TG_SRTP_CLIENT) == TG_OK);
    }
    const size_t bytes = (mallinfo2().uordblks - before) / SESSIONS;

    tg_str_printf(what, sizeof(what), "%s RTP", profile_name);
    measure(engine, what, one_rtp);
    tg_str_printf(what, sizeof(what), "%s RTCP out + in", profile_name);
    measure(engine, what, one_rtcp);
    printf("%-14s %-28s %8zu bytes\n", engine, "  memory of a peer", bytes);
    for (size_t i = 0; i < SESSIONS; i++) {
        tg_srtp_tx_free(txs[i]);
        tg_srtcp_rx_free(rxs[i]);
    }
}

static void bench_libsrtp(const char *profile_name, enum tg_srtp_profile profile)
{
    const size_t before = mallinfo2().uordblks;
    char what[64];

    for (size_t i = 0; i < SESSIONS; i++) {
        const struct tg_srtp_keys keys = keys_of(i, profile);

        MUST(tg_srtp_new(&srtps[i], &keys, TG_SRTP_SERVER) == TG_OK);
    }
    tg_str_printf(what, sizeof(what), "%s RTP", profile_name);
    measure("libsrtp", what, one_rtp_libsrtp);
    tg_str_printf(what, sizeof(what), "%s RTCP out", profile_name);
    measure("libsrtp", what, one_rtcp_libsrtp);
    printf("%-14s %-28s %8zu bytes\n", "libsrtp", "  memory of a peer",
           (mallinfo2().uordblks - before) / SESSIONS);
    for (size_t i = 0; i < SESSIONS; i++)
        tg_srtp_free(srtps[i]);
}

#if BARE_IMB
static IMB_MGR *mgr;
static struct gcm_key_data *expanded;

static void one_bare(size_t i)
{
    static const uint8_t iv[12];
    struct tg_wr w = tg_wr(out, sizeof(out));
    struct gcm_context_data ctx;

    header_write(&w, i);
    IMB_AES128_GCM_ENC(mgr, &expanded[i % SESSIONS], &ctx, out + HEADER, payload, BODY, iv, out,
                       HEADER, out + HEADER + BODY, 16);
}

static void bench_bare(void)
{
    mgr = alloc_mb_mgr(0);
    expanded = tg_calloc(SESSIONS, sizeof(*expanded));
    MUST(mgr != NULL && expanded != NULL);
    init_mb_mgr_auto(mgr, NULL);
    for (size_t i = 0; i < SESSIONS; i++) {
        const struct tg_srtp_keys keys = keys_of(i, TG_SRTP_AEAD_AES_128_GCM);

        IMB_AES128_GCM_PRE(mgr, keys.server_key, &expanded[i]);
    }
    measure("bare ipsec-mb", "GCM call alone", one_bare);
    tg_free(expanded);
    free_mb_mgr(mgr);
}
#endif

static void bench(enum tg_srtp_tx_engine engine)
{
    if (tg_srtp_tx_engine(engine) != TG_OK)
        return;
    bench_engine("GCM", TG_SRTP_AEAD_AES_128_GCM);
    bench_engine("SHA1_80", TG_SRTP_AES128_CM_SHA1_80);
    measure(tg_srtp_tx_engine_name(), "GCM new and free, x 1/100", one_session);
}

int main(int argc, char **argv)
{
    struct utsname name;

    for (int i = 1; i + 1 < argc; i += 2) {
        const size_t value = strtoul(argv[i + 1], NULL, 10);

        if (strcmp(argv[i], "--packets") == 0)
            packets = value;
        else if (strcmp(argv[i], "--runs") == 0)
            runs = TG_MIN(value, (size_t)RUNS_MAX);
    }
    MUST(packets > 0 && runs > 0 && uname(&name) == 0);
    printf("bench_srtp: %s, %d sessions in turn, %d + %d bytes, %zu packets, %zu runs\n",
           name.machine, SESSIONS, HEADER, BODY, packets, runs);
    printf("%-14s %-28s %8s %8s %8s us/packet\n", "engine", "what", "median", "best", "worst");
#if BARE_IMB
    bench_bare();
#endif
    bench(TG_SRTP_TX_IPSEC_MB);
    bench(TG_SRTP_TX_EVP);
    bench_libsrtp("GCM", TG_SRTP_AEAD_AES_128_GCM);
    bench_libsrtp("SHA1_80", TG_SRTP_AES128_CM_SHA1_80);
    return 0;
}
