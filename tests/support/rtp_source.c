/*
 * rtp_source.c - an H.264 file sent as RTP at its own pace, over and over: the source of servers
 * that take RTP.
 *
 *   rtp_source --describe FILE                  one JSON line: frames, packets, packets a second
 *   rtp_source --port P [--pt 96] FILE          sends to 127.0.0.1:P until it is killed
 *
 * FILE is an Annex B elementary stream of 30 frames a second without B-frames. Packets are cut as
 * torg's own pipelines cut them (RFC 6184, 1,200 bytes), a frame leaves in one go. The first packet
 * of each frame carries the sender's wall clock in its RTP padding (rx_meter.h), so that a load
 * generator can tell the latency without a word from the server.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/str.h"
#include "proto/h264.h"
#include "proto/rtp.h"
#include "support/lib/rx_meter.h"

enum {
    FPS = 30,
    FILE_MAX = 64 * 1024 * 1024,
    FRAMES_MAX = 30 * 600,
    SSRC = 0x746f7267,
    PAYLOAD_MAX = TG_RTP_MTU - TG_RTP_HEADER_LEN
};

/* NAL units [first, first + count) of film.nals. */
struct picture {
    size_t first;
    size_t count;
};

struct film {
    uint8_t *bytes;
    size_t len;
    struct tg_span *nals;
    size_t nal_count;
    struct picture pictures[FRAMES_MAX];
    size_t picture_count;
};

struct sender {
    int fd;
    struct sockaddr_in to;
    uint8_t pt;
    uint16_t seq;
    uint64_t frame; /* since the start */
};

static struct film the_film;
static struct tg_h264_pack pack;

_Noreturn static void die(const char *why)
{
    (void)fprintf(stderr, "rtp_source: %s\nusage: rtp_source --describe | --port P [--pt N] FILE\n",
                  why);
    exit(2);
}

static void load_file(struct film *f, const char *path)
{
    FILE *file = fopen(path, "rb");

    f->bytes = tg_calloc(1, FILE_MAX);
    if (file == NULL || f->bytes == NULL)
        die("cannot read the file");
    f->len = fread(f->bytes, 1, FILE_MAX, file);
    (void)fclose(file);
}

static bool is_slice(struct tg_span nal)
{
    return tg_h264_type(nal) == TG_H264_SLICE || tg_h264_type(nal) == TG_H264_IDR;
}

/* A picture begins with what stands before its first slice (H.264 s7.4.1.2.3). */
static bool begins_picture(struct tg_span nal)
{
    struct tg_h264_slice slice;

    if (is_slice(nal))
        return tg_h264_slice_parse(&slice, nal) == TG_OK && slice.first_mb == 0;
    return tg_h264_type(nal) >= TG_H264_SEI && tg_h264_type(nal) <= TG_H264_AUD;
}

static void add_nal(struct film *f, struct tg_span nal, bool *has_slice)
{
    if (f->picture_count == 0 || (*has_slice && begins_picture(nal))) {
        if (f->picture_count == FRAMES_MAX)
            die("the film is too long");
        f->pictures[f->picture_count++] = (struct picture){.first = f->nal_count};
        *has_slice = false;
    }
    *has_slice = *has_slice || is_slice(nal);
    f->nals[f->nal_count++] = nal;
    f->pictures[f->picture_count - 1].count++;
}

static void split(struct film *f)
{
    struct tg_h264_iter it = tg_h264_iter(f->bytes, f->len, 0);
    size_t max = FRAMES_MAX * 4;
    struct tg_span nal;
    bool has_slice = false;

    f->nals = tg_calloc(max, sizeof(*f->nals));
    if (f->nals == NULL)
        die("no memory");
    while (tg_h264_iter_next(&it, &nal) && f->nal_count < max)
        add_nal(f, nal, &has_slice);
    if (f->picture_count == 0 || !has_slice)
        die("no H.264 pictures in the file");
}

static size_t begin_picture(const struct film *f, size_t i)
{
    const struct picture *p = &f->pictures[i];

    if (tg_h264_pack_init(&pack, f->nals + p->first, p->count, NULL, PAYLOAD_MAX) != TG_OK)
        die("a picture cannot be packed");
    return pack.packet_count;
}

static int describe(const struct film *f)
{
    size_t packets = 0;
    size_t key_max = 0;
    size_t keys = 0;

    for (size_t i = 0; i < f->picture_count; i++) {
        size_t count = begin_picture(f, i);

        packets += count;
        keys += pack.key;
        if (pack.key)
            key_max = TG_MAX(key_max, count);
    }
    (void)printf("{\"frames\":%zu,\"keyframes\":%zu,\"bytes\":%zu,\"packets\":%zu,"
                 "\"key_packets_max\":%zu,\"seconds\":%.3f,\"packets_per_s\":%.2f,"
                 "\"mbit_per_s\":%.3f}\n",
                 f->picture_count, keys, f->len, packets, key_max, (double)f->picture_count / FPS,
                 (double)packets * FPS / (double)f->picture_count,
                 (double)f->len * 8 * FPS / (double)f->picture_count / 1e6);
    return 0;
}

/* RFC 3550 s5.1 padding, with the clock in it. */
static void write_clock(struct tg_wr *w)
{
    tg_wr_u64(w, (uint64_t)tg_clock_wall());
    tg_wr_bytes(w, "tgC", 3);
    tg_wr_u8(w, RX_CLOCK_LEN);
}

static void send_picture(struct sender *s, const struct film *f)
{
    bool marker = false;
    bool first = true;

    (void)begin_picture(f, (size_t)(s->frame % f->picture_count));
    for (;;) {
        uint8_t payload[PAYLOAD_MAX];
        uint8_t packet[TG_RTP_MTU + RX_CLOCK_LEN];
        struct tg_wr body = tg_wr(payload, sizeof(payload));
        struct tg_wr w = tg_wr(packet, sizeof(packet));
        struct tg_rtp rtp = {.pt = s->pt, .ts = (uint32_t)(s->frame * (90000 / FPS)), .ssrc = SSRC};

        if (!tg_h264_pack_next(&pack, &body, &marker))
            return;
        rtp.marker = marker;
        rtp.seq = s->seq++;
        tg_rtp_write_header(&w, &rtp, NULL, 0);
        tg_wr_bytes(&w, payload, tg_wr_len(&body));
        if (first) {
            packet[0] |= 0x20;
            write_clock(&w);
        }
        first = false;
        if (w.bad ||
            sendto(s->fd, packet, tg_wr_len(&w), 0, (struct sockaddr *)&s->to, sizeof(s->to)) < 0)
            (void)fprintf(stderr, "rtp_source: not sent\n");
    }
}

_Noreturn static void send_for_ever(struct sender *s, const struct film *f)
{
    struct timespec at;

    s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        die("no socket");
    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    for (;; s->frame++) {
        send_picture(s, f);
        at.tv_nsec += 1000000000 / FPS;
        if (at.tv_nsec >= 1000000000) {
            at.tv_nsec -= 1000000000;
            at.tv_sec++;
        }
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
            continue;
    }
}

static uint16_t number(const char *text, int64_t max)
{
    int64_t value = 0;

    if (tg_parse_i64(&value, text, strlen(text), 1, max) != TG_OK)
        die("a number is out of range");
    return (uint16_t)value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"describe", 0, NULL, 'd'},
                                            {"port", 1, NULL, 'p'},
                                            {"pt", 1, NULL, 't'},
                                            {NULL, 0, NULL, 0}};
    struct sender s = {.to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
                       .pt = 96};
    bool only_describe = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            only_describe = true;
        else if (option == 'p')
            s.to.sin_port = htons(number(optarg, UINT16_MAX));
        else if (option == 't')
            s.pt = (uint8_t)number(optarg, 127);
        else
            die("unknown option");
    }
    if (optind != argc - 1 || (!only_describe && s.to.sin_port == 0))
        die("what to do?");
    load_file(&the_film, argv[optind]);
    split(&the_film);
    if (only_describe)
        return describe(&the_film);
    send_for_ever(&s, &the_film);
}
