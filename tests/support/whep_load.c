/*
 * whep_load.c - many WHEP viewers in one process: POST, ICE, DTLS, then counting packets.
 *
 *   whep_load --http 127.0.0.1:8080 --show demo --viewers 200 --seconds 30 --ramp 50
 *             [--verify-every 10] [--hold-s 5 --joins 1000] [--no-delete] [--cpu 0]
 *
 * Every viewer is a real peer (rtc/peer.h as client): it answers nothing less than a browser needs
 * to stay connected, sends receiver reports each second, and closes with DTLS close_notify and
 * DELETE. Every --verify-every-th viewer decrypts everything; the others count by the clear RTP
 * header, which is cheap. --hold-s makes viewers leave and new ones come (churn), --joins ends
 * after that many joins. One JSON line at the end. Exit 1 when a join failed, a packet did not
 * decrypt or a verified viewer lost packets while nothing overflowed here.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/seq.h"
#include "base/str.h"
#include "net/loop.h"
#include "proto/ice_lite.h"
#include "proto/rtcp.h"
#include "proto/sdp.h"
#include "rtc/peer.h"
#include "support/lib/http_once.h"
#include "support/lib/many_udp.h"

enum {
    STREAMS = 4, /* SSRCs of one viewer: video, its rtx, audio, one to spare */
    TICK_US = 10 * TG_US_PER_MS,
    REPORT_US = TG_US_PER_S,
    JOIN_US_MAX = 15 * TG_US_PER_S,
    SLOTS = 1 << 16,
    SAMPLES_MAX = 1 << 20,
    PT_VIDEO = 102 /* as tg_sdp_write_whep_offer says */
};

struct stream {
    uint32_t ssrc;
    bool on;
    uint64_t first;
    uint64_t newest;
    uint64_t packets;
};

enum state { IDLE, POSTING, JOINING, WATCHING };

struct viewer {
    enum state state;
    uint32_t serial; /* of this join = its endpoint */
    bool verify;
    struct http_once *http;
    struct tg_peer *peer;
    char ufrag[TG_ICE_LOCAL_UFRAG + 1];
    char pwd[TG_ICE_LOCAL_PWD + 1];
    char location[256];
    tg_us began;
    tg_us first_packet; /* of video */
    tg_us last_packet;
    tg_us next_report;
    struct stream streams[STREAMS];
};

struct totals {
    uint64_t joins;
    uint64_t joined;
    uint64_t failed;
    uint64_t leaves;
    uint64_t ended_by_server;
    uint64_t packets;
    uint64_t bytes;
    uint64_t lost;
    uint64_t verified;
    uint64_t verified_lost;
    uint64_t decrypt_errors;
    uint64_t http_errors;
};

struct load {
    /* from the command line */
    struct tg_addr http;
    char show[TG_SHOW_ID_MAX + 1];
    size_t viewers_wanted;
    tg_us seconds_us;
    unsigned ramp;
    unsigned verify_every;
    tg_us hold_us;
    uint64_t joins_max;
    bool send_delete;

    struct tg_loop *loop;
    struct tg_watch watch;
    struct tg_timer timer;
    struct many_udp *udp;
    struct tg_dtls_ctx *dtls;
    struct tg_rng rng;
    struct tg_sdp *sdp;
    struct viewer *viewers;
    struct viewer **slots; /* by endpoint mod SLOTS */
    size_t http_open;      /* DELETE requests under way */
    uint32_t serial;
    tg_us began;
    tg_us next_join;
    tg_us now; /* of the loop's turn */
    struct totals t;
    uint32_t *join_ms;
    size_t join_count;
};

static struct load the_load;

/* --- counting --------------------------------------------------------------------------------- */

static void count_rtp(struct load *l, struct viewer *v, const uint8_t *bytes, size_t len, tg_us now)
{
    struct tg_rd r = tg_rd(bytes, len);
    uint8_t pt;
    uint16_t seq;
    uint32_t ssrc;
    struct stream *s = NULL;

    tg_rd_skip(&r, 1);
    pt = tg_rd_u8(&r) & 0x7f;
    seq = tg_rd_u16(&r);
    tg_rd_skip(&r, 4);
    ssrc = tg_rd_u32(&r);
    if (r.bad)
        return;
    for (size_t i = 0; i < STREAMS && s == NULL; i++)
        if (!v->streams[i].on || v->streams[i].ssrc == ssrc)
            s = &v->streams[i];
    if (s == NULL)
        return;
    if (!s->on)
        *s = (struct stream){
            .ssrc = ssrc, .on = true, .first = 65536U + seq, .newest = 65536U + seq};
    s->newest = TG_MAX(s->newest, tg_seq_unwrap(s->newest, seq));
    s->packets++;
    l->t.packets++;
    l->t.bytes += len;
    v->last_packet = now;
    if (pt == PT_VIDEO && v->first_packet == 0) {
        v->first_packet = now;
        l->t.joined++;
        v->state = WATCHING;
        if (l->join_count < SAMPLES_MAX)
            l->join_ms[l->join_count++] = (uint32_t)((now - v->began) / TG_US_PER_MS);
    }
}

static uint64_t lost_of(const struct viewer *v)
{
    uint64_t lost = 0;

    for (size_t i = 0; i < STREAMS; i++) {
        const struct stream *s = &v->streams[i];
        uint64_t want = s->on ? s->newest - s->first + 1 : 0;

        lost += want > s->packets ? want - s->packets : 0;
    }
    return lost;
}

/* --- one viewer ------------------------------------------------------------------------------- */

static void on_deleted(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct load *l = ctx;

    (void)now;
    l->http_open--;
    /* 404: the server had freed the session at close_notify already. */
    if (reply->err != TG_OK ||
        (reply->status != 200 && reply->status != 204 && reply->status != 404))
        l->t.http_errors++;
}

static void send_delete(struct load *l, const struct viewer *v)
{
    struct tg_buf request;
    struct http_once *h;

    tg_buf_init(&request, 1024);
    tg_buf_printf(&request,
                  "DELETE %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                  "Content-Length: 0\r\n\r\n",
                  v->location);
    if (request.err == TG_OK &&
        http_once_start(&h, l->loop, &l->http, &request, on_deleted, l) == TG_OK)
        l->http_open++;
    else
        l->t.http_errors++;
    tg_buf_done(&request);
}

static void forget(struct load *l, struct viewer *v)
{
    http_once_free(v->http);
    tg_peer_free(v->peer);
    if (l->slots[v->serial % SLOTS] == v)
        l->slots[v->serial % SLOTS] = NULL;
    l->t.lost += lost_of(v);
    if (v->verify)
        l->t.verified_lost += lost_of(v);
    *v = (struct viewer){.state = IDLE};
}

/* False: the viewer is gone. */
static bool drain(struct load *l, struct viewer *v, tg_us now)
{
    struct tg_peer_out out;

    while (tg_peer_poll(v->peer, &out)) {
        switch (out.kind) {
        case TG_PEER_OUT_SEND:
            (void)many_udp_send(l->udp, v->serial, &out.addr, out.bytes.data, out.bytes.len);
            break;
        case TG_PEER_OUT_RTP:
            l->t.verified++;
            break;
        case TG_PEER_OUT_CONNECTED:
            v->next_report = now + REPORT_US;
            break;
        case TG_PEER_OUT_CLOSED:
            if (out.reason != TG_PEER_LOCAL_CLOSED) {
                if (v->first_packet == 0)
                    l->t.failed++;
                else
                    l->t.ended_by_server++;
                (void)fprintf(stderr, "viewer %u ended: %s\n", v->serial,
                              tg_peer_reason_name(out.reason));
            }
            forget(l, v);
            return false;
        case TG_PEER_OUT_ADDR:
        case TG_PEER_OUT_ADDR_OFF:
        case TG_PEER_OUT_MOVED:
        case TG_PEER_OUT_RTCP:
        default:
            break;
        }
    }
    return true;
}

static void leave(struct load *l, struct viewer *v, tg_us now)
{
    l->t.leaves++;
    if (l->send_delete && v->location[0] != '\0')
        send_delete(l, v);
    if (v->peer == NULL) {
        forget(l, v);
        return;
    }
    tg_peer_close(v->peer, now);
    if (drain(l, v, now))
        forget(l, v);
}

static void fail(struct load *l, struct viewer *v, const char *why, int detail)
{
    (void)fprintf(stderr, "viewer %u failed: %s %d\n", v->serial, why, detail);
    l->t.failed++;
    forget(l, v);
}

static tg_err connect_peer(struct load *l, struct viewer *v, const struct http_reply *reply,
                           tg_us now)
{
    struct tg_peer_cfg cfg = {.client = true,
                              .receives = true,
                              .local_ufrag = v->ufrag,
                              .local_pwd = v->pwd,
                              .dtls_ctx = l->dtls,
                              .rng = &l->rng};
    const struct tg_sdp_media *m = &l->sdp->media[0];
    const char *reason = "";
    struct tg_addr to;
    tg_err err = tg_sdp_parse(l->sdp, reply->body, reply->body_len, &reason);

    if (err != TG_OK)
        return err;
    if (l->sdp->media_count == 0 || m->candidate_count == 0 || !m->has_fingerprint)
        return TG_ERR_MALFORMED;
    cfg.remote_ufrag = m->ice_ufrag;
    cfg.remote_pwd = m->ice_pwd;
    memcpy(cfg.remote_sha256, m->fingerprint, sizeof(cfg.remote_sha256));
    /* Our addresses are loopback's: so must be the server's; the port is what counts. */
    to = tg_addr_v4(127, 0, 0, 1, m->candidates[0].port);
    err = tg_peer_new(&v->peer, &cfg, now);
    if (err == TG_OK)
        tg_peer_connect(v->peer, now, &to);
    return err;
}

static void on_answer(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct load *l = &the_load;
    struct viewer *v = ctx;
    tg_err err;

    v->http = NULL; /* freed after this call */
    if (reply->err != TG_OK || reply->status != 201) {
        l->t.http_errors++;
        fail(l, v, "POST answered", reply->err != TG_OK ? -(int)reply->err : reply->status);
        return;
    }
    memcpy(v->location, reply->location, sizeof(v->location));
    err = connect_peer(l, v, reply, now);
    if (err != TG_OK) {
        fail(l, v, "answer", (int)err);
        return;
    }
    v->state = JOINING;
    (void)drain(l, v, now);
}

static void join(struct load *l, struct viewer *v, tg_us now)
{
    struct tg_sdp_local local = {.ice_ufrag = v->ufrag, .ice_pwd = v->pwd};
    struct tg_buf offer;
    struct tg_buf request;

    tg_buf_init(&offer, TG_SDP_MAX);
    tg_buf_init(&request, 2 * TG_SDP_MAX);
    v->serial = l->serial++ % MANY_UDP_ENDPOINTS;
    v->state = POSTING;
    v->began = now;
    v->verify = l->verify_every > 0 && v->serial % l->verify_every == 0;
    l->slots[v->serial % SLOTS] = v;
    l->t.joins++;
    tg_ice_credentials(&l->rng, v->ufrag, v->pwd);
    memcpy(local.fingerprint, tg_dtls_ctx_fingerprint(l->dtls), sizeof(local.fingerprint));
    local.session_id = tg_rng_u64(&l->rng) >> 2;
    if (tg_sdp_write_whep_offer(&offer, &local) == TG_OK) {
        tg_buf_printf(&request,
                      "POST /whep/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                      "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n",
                      l->show, offer.len);
        tg_buf_add(&request, offer.data, offer.len);
    }
    if (offer.err != TG_OK || request.err != TG_OK ||
        http_once_start(&v->http, l->loop, &l->http, &request, on_answer, v) != TG_OK)
        fail(l, v, "POST", 0);
    tg_buf_done(&offer);
    tg_buf_done(&request);
}

/* RFC 3550 s6.4.2 receiver report for what this viewer gets. */
static void send_report(struct load *l, struct viewer *v)
{
    struct tg_rtcp_report reports[STREAMS];
    uint8_t packet[512];
    struct tg_wr w = tg_wr(packet, sizeof(packet));
    size_t count = 0;
    size_t len;

    for (size_t i = 0; i < STREAMS; i++)
        if (v->streams[i].on)
            reports[count++] =
                (struct tg_rtcp_report){.ssrc = v->streams[i].ssrc,
                                        .lost_total = (int32_t)TG_MIN(lost_of(v), 0x7fffffU),
                                        .seq_max = (uint32_t)v->streams[i].newest};
    tg_rtcp_write_rr(&w, 1, reports, count);
    tg_rtcp_write_cname(&w, 1, "load");
    if (!w.bad && tg_srtp_tx_protect_rtcp(tg_peer_tx(v->peer), packet, tg_wr_len(&w), sizeof(packet),
                                       &len) == TG_OK)
        (void)many_udp_send(l->udp, v->serial, tg_peer_remote(v->peer), packet, len);
}

static void on_datagram(void *ctx, uint32_t endpoint, const struct tg_addr *from, uint8_t *bytes,
                        size_t len)
{
    struct load *l = ctx;
    struct viewer *v = l->slots[endpoint % SLOTS];
    tg_us now = l->now;
    enum tg_peer_class class = tg_peer_classify(bytes, len);

    if (v == NULL || v->serial != endpoint || v->peer == NULL)
        return;
    if (class == TG_PEER_RTP) {
        count_rtp(l, v, bytes, len, now);
        if (!v->verify)
            return;
        if (tg_peer_input(v->peer, now, from, bytes, len) != TG_OK) {
            l->t.decrypt_errors++;
            return;
        }
    } else if (class != TG_PEER_RTCP || v->verify) {
        (void)tg_peer_input(v->peer, now, from, bytes, len); /* of no use: nothing follows */
    }
    (void)drain(l, v, now);
}

/* --- the run ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void tick_viewer(struct load *l, struct viewer *v, tg_us now)
{
    if (v->state == IDLE)
        return;
    if (v->first_packet == 0 && now - v->began > JOIN_US_MAX) {
        fail(l, v, "no picture in 15 s, state", (int)v->state);
        return;
    }
    if (v->peer == NULL)
        return;
    if (l->hold_us > 0 && v->first_packet != 0 && now - v->first_packet >= l->hold_us) {
        leave(l, v, now);
        return;
    }
    if (tg_peer_deadline(v->peer, now) <= now) {
        tg_peer_tick(v->peer, now);
        if (!drain(l, v, now))
            return;
    }
    if (tg_peer_connected(v->peer) && now >= v->next_report) {
        v->next_report = now + REPORT_US;
        send_report(l, v);
    }
}

static void start_viewers(struct load *l, tg_us now)
{
    for (size_t i = 0; i < l->viewers_wanted && now >= l->next_join; i++) {
        if (l->viewers[i].state != IDLE || l->t.joins >= l->joins_max)
            continue;
        join(l, &l->viewers[i], now);
        l->next_join = TG_MAX(l->next_join, now - TG_US_PER_S) + TG_US_PER_S / l->ramp;
    }
}

static bool all_idle(const struct load *l)
{
    for (size_t i = 0; i < l->viewers_wanted; i++)
        if (l->viewers[i].state != IDLE)
            return false;
    return l->http_open == 0;
}

static void on_tick(void *ctx, tg_us now)
{
    struct load *l = ctx;

    for (size_t i = 0; i < l->viewers_wanted; i++)
        tick_viewer(l, &l->viewers[i], now);
    if (stop_asked != 0 || now - l->began >= l->seconds_us ||
        (l->t.joins >= l->joins_max && all_idle(l))) {
        tg_loop_stop(l->loop);
        return;
    }
    start_viewers(l, now);
    if (tg_loop_timer_set(l->loop, &l->timer, now + TICK_US, on_tick, l) != TG_OK)
        tg_loop_stop(l->loop);
}

static int by_value(const void *a, const void *b)
{
    uint32_t x;
    uint32_t y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

static uint32_t percentile(const struct load *l, unsigned percent)
{
    return l->join_count == 0 ? 0 : l->join_ms[(l->join_count - 1) * percent / 100];
}

struct at_end {
    size_t watching;
    size_t stalled; /* no packet for the last second */
    uint64_t packets_min;
    double seconds;
};

/* How it stands before the viewers are told to leave. */
static struct at_end look(const struct load *l, tg_us now)
{
    struct at_end e = {.packets_min = UINT64_MAX,
                       .seconds = (double)(now - l->began) / (double)TG_US_PER_S};

    for (size_t i = 0; i < l->viewers_wanted; i++) {
        const struct viewer *v = &l->viewers[i];
        uint64_t packets = 0;

        if (v->state != WATCHING)
            continue;
        for (size_t k = 0; k < STREAMS; k++)
            packets += v->streams[k].packets;
        e.watching++;
        e.stalled += now - v->last_packet > TG_US_PER_S;
        e.packets_min = TG_MIN(e.packets_min, packets);
    }
    if (e.watching == 0)
        e.packets_min = 0;
    return e;
}

static void print_result(struct load *l, const struct at_end *e)
{
    struct rusage use;
    double cpu_s;

    (void)getrusage(RUSAGE_SELF, &use);
    cpu_s = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
            (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    qsort(l->join_ms, l->join_count, sizeof(*l->join_ms), by_value);
    (void)printf(
        "{\"viewers\":%zu,\"joins\":%llu,\"joined\":%llu,\"failed\":%llu,\"leaves\":%llu,"
        "\"ended_by_server\":%llu,\"watching\":%zu,\"stalled\":%zu,\"packets\":%llu,\"bytes\":%llu,"
        "\"lost\":%llu,\"packets_min\":%llu,\"verified\":%llu,\"verified_lost\":%llu,"
        "\"decrypt_errors\":%llu,\"http_errors\":%llu,\"overflows\":%llu,\"join_ms_p50\":%u,"
        "\"join_ms_p99\":%u,\"join_ms_max\":%u,\"seconds\":%.2f,\"packets_per_s\":%.0f,"
        "\"mbit_per_s\":%.1f,\"cpu_s\":%.2f}\n",
        l->viewers_wanted, (unsigned long long)l->t.joins, (unsigned long long)l->t.joined,
        (unsigned long long)l->t.failed, (unsigned long long)l->t.leaves,
        (unsigned long long)l->t.ended_by_server, e->watching, e->stalled,
        (unsigned long long)l->t.packets, (unsigned long long)l->t.bytes,
        (unsigned long long)l->t.lost, (unsigned long long)e->packets_min,
        (unsigned long long)l->t.verified, (unsigned long long)l->t.verified_lost,
        (unsigned long long)l->t.decrypt_errors, (unsigned long long)l->t.http_errors,
        (unsigned long long)many_udp_overflows(l->udp), percentile(l, 50), percentile(l, 99),
        percentile(l, 100), e->seconds, (double)l->t.packets / e->seconds,
        (double)l->t.bytes * 8 / 1e6 / e->seconds, cpu_s);
}

static void on_readable(void *ctx, uint32_t events, tg_us now)
{
    struct load *l = ctx;

    (void)events;
    l->now = now;
    many_udp_receive(l->udp, on_datagram, l);
}

static int run(struct load *l)
{
    struct at_end e;
    tg_us now;
    bool ok;

    l->began = tg_clock_mono();
    l->next_join = l->began;
    on_tick(l, l->began);
    tg_loop_run(l->loop);
    now = tg_clock_mono();
    e = look(l, now);
    for (size_t i = 0; i < l->viewers_wanted; i++)
        if (l->viewers[i].state != IDLE)
            leave(l, &l->viewers[i], tg_clock_mono());
    for (now = tg_clock_mono(); l->http_open > 0 && tg_clock_mono() - now < 5 * TG_US_PER_S;)
        tg_loop_once(l->loop, 100 * TG_US_PER_MS);
    print_result(l, &e);
    ok = l->t.failed == 0 && l->t.decrypt_errors == 0 && l->t.ended_by_server == 0 &&
         (l->t.verified_lost == 0 || many_udp_overflows(l->udp) > 0) && l->t.joined > 0;
    return ok ? 0 : 1;
}

_Noreturn static void usage(const char *why)
{
    (void)fprintf(stderr,
                  "whep_load: %s\nusage: whep_load --http HOST:PORT --show ID [--viewers N] "
                  "[--seconds S] [--ramp PER_S] [--verify-every K] [--hold-s S] [--joins N] "
                  "[--no-delete] [--cpu N]\n",
                  why);
    exit(2);
}

static int64_t number(const char *text, int64_t min, int64_t max)
{
    int64_t value = 0;

    if (tg_parse_i64(&value, text, strlen(text), min, max) != TG_OK)
        usage("a number is missing or out of range");
    return value;
}

static void pin(unsigned cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        usage("no such CPU");
}

static void parse_http(struct load *l, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint8_t ip[4];
    char host[64];

    if (colon == NULL || tg_str_copy(host, sizeof(host), text, (size_t)(colon - text)) != TG_OK ||
        inet_pton(AF_INET, host, ip) != 1)
        usage("--http needs an IPv4 address and a port");
    l->http = tg_addr_v4(ip[0], ip[1], ip[2], ip[3], (uint16_t)number(colon + 1, 1, UINT16_MAX));
}

static void parse_args(int argc, char **argv, struct load *l)
{
    static const struct option options[] = {
        {"http", 1, NULL, 'h'},    {"show", 1, NULL, 's'},  {"viewers", 1, NULL, 'v'},
        {"seconds", 1, NULL, 't'}, {"ramp", 1, NULL, 'r'},  {"verify-every", 1, NULL, 'k'},
        {"hold-s", 1, NULL, 'o'},  {"joins", 1, NULL, 'j'}, {"no-delete", 0, NULL, 'n'},
        {"cpu", 1, NULL, 'c'},     {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            parse_http(l, optarg);
            break;
        case 's':
            if (tg_str_copy(l->show, sizeof(l->show), optarg, strlen(optarg)) != TG_OK)
                usage("--show is too long");
            break;
        case 'v':
            l->viewers_wanted = (size_t)number(optarg, 1, SLOTS / 2);
            break;
        case 't':
            l->seconds_us = number(optarg, 1, 1000000) * TG_US_PER_S;
            break;
        case 'r':
            l->ramp = (unsigned)number(optarg, 1, 100000);
            break;
        case 'k':
            l->verify_every = (unsigned)number(optarg, 0, 1000000);
            break;
        case 'o':
            l->hold_us = number(optarg, 1, 1000000) * TG_US_PER_S;
            break;
        case 'j':
            l->joins_max = (uint64_t)number(optarg, 1, SAMPLES_MAX);
            break;
        case 'n':
            l->send_delete = false;
            break;
        case 'c':
            pin((unsigned)number(optarg, 0, CPU_SETSIZE - 1));
            break;
        default:
            usage("unknown option");
        }
    }
    if (l->http.port == 0 || l->show[0] == '\0')
        usage("--http and --show are needed");
}

int main(int argc, char **argv)
{
    struct load *l = &the_load;
    struct sigaction act = {.sa_handler = on_signal};
    int rc;

    *l = (struct load){.viewers_wanted = 10,
                       .seconds_us = 10 * (tg_us)TG_US_PER_S,
                       .ramp = 50,
                       .verify_every = 10,
                       .joins_max = UINT64_MAX,
                       .send_delete = true,
                       .rng = tg_rng_os()};
    parse_args(argc, argv, l);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    l->viewers = tg_calloc(l->viewers_wanted, sizeof(*l->viewers));
    l->slots = tg_calloc(SLOTS, sizeof(struct viewer *));
    l->sdp = tg_calloc(1, sizeof(*l->sdp));
    l->join_ms = tg_calloc(SAMPLES_MAX, sizeof(*l->join_ms));
    if (l->viewers == NULL || l->slots == NULL || l->sdp == NULL || l->join_ms == NULL ||
        tg_loop_new(&l->loop) != TG_OK || many_udp_new(&l->udp) != TG_OK ||
        tg_dtls_ctx_new(&l->dtls) != TG_OK ||
        tg_loop_watch(l->loop, &l->watch, many_udp_fd(l->udp), EPOLLIN, on_readable, l) != TG_OK) {
        (void)fprintf(stderr, "whep_load: cannot start\n");
        return 1;
    }
    rc = run(l);
    tg_loop_unwatch(l->loop, &l->watch);
    tg_loop_free(l->loop);
    many_udp_free(l->udp);
    tg_dtls_ctx_free(l->dtls);
    tg_free(l->viewers);
    tg_free(l->slots);
    tg_free(l->sdp);
    tg_free(l->join_ms);
    return rc;
}
