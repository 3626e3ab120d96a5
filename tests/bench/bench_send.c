/*
 * bench_send.c - what one packet costs on its way to a viewer, stage by stage, beside the limit.
 *
 *     bench_send [--viewers N] [--frames N] [--warm 0|1]
 *
 * The real viewers, SRTP contexts, arena and socket, one show of 720p30 at 2.5 Mbit/s (a keyframe
 * of 43 packets every 60 frames, others of 10), as fast as it goes, in one thread; a second thread
 * receives (UDP_GRO) and throws away. Times are CPU time of the sending thread, kernel's share
 * included; on loopback that is the receiver's network stack as well.
 *
 *   pick      walking all viewers and their cursors, nothing written
 *   protect   + header and SRTP into one scratch buffer
 *   send      + arena, runs and segmented sends: the whole way
 *   limit     protect and one segmented sendmsg a frame, no viewer, no arena: what is left to win
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/str.h"
#include "fanout/viewer.h"
#include "net/addr.h"
#include "net/udp.h"

enum {
    KEY_PACKETS = 43,
    PACKETS = 10,
    GOP = 60,
    PAYLOAD = 1170,
    LAST_PAYLOAD = 400,
    VIEWERS_MAX = 10000,
};

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "bench_send: %s failed (line %d)\n", #cond, __LINE__);                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct sink {
    int fd;
    atomic_bool stop;
    uint64_t bytes;
    pthread_t thread;
};

struct bench {
    size_t viewers;
    size_t frames;
    bool warm; /* ask the cache one viewer ahead, as the fan-out does */
    struct tg_viewer **v;
    struct tg_srtp_tx **tx;
    struct tg_history *history;
    struct tg_viewer_source source;
    struct tg_udp *udp;
    struct tg_addr to;
    struct sink sink;
    tg_us now;
    tg_us epoch;
};

enum stage { PICK, PROTECT, SEND };

/* --- the receiver ----------------------------------------------------------------------------- */

static void *drain(void *ctx)
{
    static uint8_t buffer[65536];
    struct sink *s = ctx;

    while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
        ssize_t got = recv(s->fd, buffer, sizeof(buffer), 0);

        if (got > 0)
            s->bytes += (uint64_t)got;
    }
    return NULL;
}

static void sink_open(struct bench *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_storage got;
    socklen_t len = sizeof(got);
    const struct timeval wait = {.tv_usec = 50000};
    const int on = 1;
    const int size = 64 * 1024 * 1024;

    b->sink.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    MUST(b->sink.fd >= 0 && bind(b->sink.fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    (void)setsockopt(b->sink.fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
    (void)setsockopt(b->sink.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    (void)setsockopt(b->sink.fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    MUST(getsockname(b->sink.fd, (struct sockaddr *)&got, &len) == 0);
    MUST(tg_addr_from_sockaddr(&b->to, (struct sockaddr *)&got, len) == TG_OK);
    MUST(pthread_create(&b->sink.thread, NULL, drain, &b->sink) == 0);
}

/* --- viewers and frames ----------------------------------------------------------------------- */

static void viewers_make(struct bench *b, struct tg_rng *rng)
{
    struct tg_viewer_cfg cfg = {.epoch_us = b->epoch, .cname = "bench"};
    struct tg_srtp_keys keys = {.profile = TG_SRTP_AEAD_AES_128_GCM};

    for (size_t i = 0; i < b->viewers; i++) {
        cfg.tracks[TG_TRACK_VIDEO] =
            (struct tg_viewer_track_cfg){.on = true,
                                         .codecs = {{TG_CODEC_H264, 102, 103}},
                                         .ssrc = (uint32_t)i + 1,
                                         .rtx_ssrc = (uint32_t)i + 100000,
                                         .ext_abs_capture_time = 5};
        tg_rng_bytes(rng, keys.server_key, sizeof(keys.server_key));
        tg_rng_bytes(rng, keys.server_salt, sizeof(keys.server_salt));
        b->v[i] = tg_calloc(1, sizeof(*b->v[i]));
        MUST(b->v[i] != NULL);
        MUST(tg_srtp_tx_new(&b->tx[i], &keys, TG_SRTP_SERVER) == TG_OK);
        tg_viewer_init(b->v[i], &cfg);
        tg_viewer_start(b->v[i], &b->source, b->now);
    }
}

static void frame_push(struct bench *b, size_t number)
{
    const bool key = number % GOP == 0;
    const size_t packets = key ? KEY_PACKETS : PACKETS;
    struct tg_frame *f = tg_frame_new(packets, packets * PAYLOAD);

    MUST(f != NULL);
    f->track = TG_TRACK_VIDEO;
    f->codec = TG_CODEC_H264;
    f->flags = key ? TG_FRAME_KEY : 0;
    f->media_us = b->now - b->epoch;
    f->rtp_ts = tg_media_to_rtp(f->media_us, TG_TRACK_VIDEO);
    f->bytes_len = (uint32_t)(packets * PAYLOAD);
    memset(f->bytes, (int)number, f->bytes_len);
    for (size_t i = 0; i < packets; i++)
        f->packets[i] = (struct tg_frame_packet){.offset = (uint32_t)(i * PAYLOAD),
                                                 .len = i + 1 == packets ? LAST_PAYLOAD : PAYLOAD,
                                                 .marker = i + 1 == packets};
    (void)tg_history_push(b->history, f, b->now);
}

/* Packets that went out. */
static size_t pump(struct bench *b, size_t i, enum stage stage)
{
    static uint8_t scratch[TG_UDP_PACKET_MAX];
    struct tg_viewer_packet p;
    size_t count = 0;

    if (stage == PICK)
        return tg_viewer_next(b->v[i], &b->source, b->now, &p) == TG_VIEWER_SEND ? 1 : 0;
    while (tg_viewer_next(b->v[i], &b->source, b->now, &p) == TG_VIEWER_SEND) {
        uint8_t *out = stage == SEND ? tg_udp_reserve(b->udp, TG_VIEWER_PACKET_MAX) : scratch;
        size_t len = 0;

        MUST(out != NULL);
        MUST(tg_viewer_write(b->v[i], &p, b->tx[i], b->now, out, TG_VIEWER_PACKET_MAX, &len) ==
             TG_OK);
        if (stage == SEND)
            tg_udp_commit(b->udp, &b->to, len);
        count++;
    }
    if (stage == SEND)
        tg_udp_pass(b->udp);
    return count;
}

static double cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* us a packet */
static double run(struct bench *b, enum stage stage)
{
    size_t packets = 0;
    double spent = 0;

    for (size_t n = 0; n < b->frames; n++) {
        frame_push(b, n);
        const double from = cpu_us();

        for (size_t i = 0; i < b->viewers; i++) {
            if (b->warm && i + 1 < b->viewers) {
                tg_viewer_warm(b->v[i + 1]);
                tg_srtp_tx_warm(b->tx[i + 1]);
            }
            packets += pump(b, i, stage);
        }
        if (stage == SEND)
            MUST(tg_udp_flush(b->udp));
        spent += cpu_us() - from;
        b->now += TG_US_PER_S / 30;
    }
    if (stage == PICK) /* once a viewer and frame, in packets of the other stages */
        packets *= (KEY_PACKETS + (GOP - 1) * PACKETS) / GOP;
    return spent / (double)packets;
}

/* --- the limit -------------------------------------------------------------------------------- */

static void limit_send(int fd, const struct sockaddr_in *to, uint8_t *bytes, size_t len,
                       uint16_t seg)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(seg))] = {0};
    struct iovec iov = {.iov_base = bytes, .iov_len = len};
    struct sockaddr_in name = *to;
    struct msghdr msg = {.msg_name = &name,
                         .msg_namelen = sizeof(name),
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(seg));
    memcpy(CMSG_DATA(c), &seg, sizeof(seg));
    MUST(sendmsg(fd, &msg, 0) == (ssize_t)len || errno == EAGAIN || errno == ENOBUFS);
}

static double limit(struct bench *b)
{
    static uint8_t plain[PAYLOAD];
    static uint8_t out[PACKETS * TG_UDP_PACKET_MAX];
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(b->to.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint16_t seq = 1;
    size_t packets = 0;

    MUST(fd >= 0);
    const double from = cpu_us();

    for (size_t n = 0; n < b->frames; n++) {
        for (size_t i = 0; i < b->viewers; i++) {
            size_t at = 0;
            size_t seg = 0;

            for (size_t k = 0; k < PACKETS; k++) {
                uint8_t *header = out + at;
                struct tg_wr w = tg_wr(header, 12);

                tg_wr_u16(&w, 0x8066);
                tg_wr_u16(&w, (uint16_t)(seq + k));
                tg_wr_u32(&w, (uint32_t)n);
                tg_wr_u32(&w, (uint32_t)i + 50000);
                const struct tg_srtp_plain in = {
                    .header = tg_span(header, 12),
                    .payload = tg_span(plain, k + 1 == PACKETS ? LAST_PAYLOAD : PAYLOAD)};

                MUST(tg_srtp_tx_protect(b->tx[i], &in, header, TG_UDP_PACKET_MAX, &seg) == TG_OK);
                at += seg;
            }
            limit_send(fd, &to, out, at, PAYLOAD + 12 + TG_SRTP_RTP_TRAILER);
            packets += PACKETS;
        }
        seq = (uint16_t)(seq + PACKETS);
    }
    const double spent = cpu_us() - from;

    (void)close(fd);
    return spent / (double)packets;
}

/* --- main ------------------------------------------------------------------------------------- */

static void history_again(struct bench *b, struct tg_rng *rng)
{
    for (size_t i = 0; i < b->viewers; i++) {
        tg_srtp_tx_free(b->tx[i]);
        tg_free(b->v[i]);
    }
    tg_history_free(b->history);
    MUST(tg_history_new(&b->history, 256) == TG_OK);
    b->source = (struct tg_viewer_source){.video = {{.history = b->history, .bps = 2500000}}};
    viewers_make(b, rng);
}

int main(int argc, char **argv)
{
    static struct bench b = {.warm = true, .viewers = 1000, .frames = 120, .epoch = TG_US_PER_S};
    struct tg_rng rng = tg_rng_os();
    int64_t n;

    for (int i = 1; i + 1 < argc; i += 2) {
        MUST(tg_parse_i64(&n, argv[i + 1], strlen(argv[i + 1]), 0, 1000000) == TG_OK);
        if (strcmp(argv[i], "--viewers") == 0)
            b.viewers = TG_MIN((size_t)n, (size_t)VIEWERS_MAX);
        else if (strcmp(argv[i], "--frames") == 0)
            b.frames = (size_t)n;
        else if (strcmp(argv[i], "--warm") == 0)
            b.warm = n != 0;
    }
    b.now = 10 * (tg_us)TG_US_PER_S;
    b.v = tg_calloc(b.viewers, sizeof(struct tg_viewer *));
    b.tx = tg_calloc(b.viewers, sizeof(struct tg_srtp_tx *));
    MUST(b.v != NULL && b.tx != NULL);
    const struct tg_addr any = tg_addr_v4(0, 0, 0, 0, 0);

    MUST(tg_udp_new(&b.udp, &any) == TG_OK);
    sink_open(&b);
    printf("%zu viewers, %zu frames; us of CPU a packet\n", b.viewers, b.frames);
    for (int stage = PICK; stage <= SEND; stage++) {
        static const char *const names[] = {"pick", "protect", "send"};

        history_again(&b, &rng);
        printf("  %-8s %.3f\n", names[stage], run(&b, (enum stage)stage));
    }
    printf("  %-8s %.3f\n", "limit", limit(&b));
    const struct tg_udp_stats *s = tg_udp_stats(b.udp);

    printf("%.1f packets a segmented send, dropped %llu\n",
           (double)s->packets_out / (double)s->calls_out, (unsigned long long)s->dropped_out);
    atomic_store(&b.sink.stop, true);
    (void)pthread_join(b.sink.thread, NULL);
    (void)close(b.sink.fd);
    tg_udp_free(b.udp);
    for (size_t i = 0; i < b.viewers; i++) {
        tg_srtp_tx_free(b.tx[i]);
        tg_free(b.v[i]);
    }
    tg_history_free(b.history);
    tg_free(b.v);
    tg_free(b.tx);
    return 0;
}
