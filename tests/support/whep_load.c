/*
 * whep_load.c - many WHEP viewers in one process: POST, ICE, DTLS, then counting packets.
 *
 *   whep_load --http 127.0.0.1:8080 --show demo --viewers 200 --seconds 30 --ramp 50
 *             [--verify-every 10] [--hold-s 5 --joins 1000] [--no-delete] [--cpu 0] [--gro]
 * [--twcc] whep_load --control --viewers 4000 ...   a benchmark says on stdin what to do
 * (load_control.c)
 *
 * Every viewer is a real peer (rtc/peer.h as client): it answers nothing less than a browser needs
 * to stay connected, sends receiver reports each second (--twcc: also transport-wide feedback), and
 * closes with DTLS close_notify and DELETE. Every --verify-every-th viewer decrypts everything; the
 * others count by the clear RTP header, which is cheap. --hold-s makes viewers leave and new ones
 * come (churn), --joins ends after that many joins. --gro: receive runs of packets in one piece,
 * see many_udp.h. --from: the first viewer's address, the others' follow. One JSON line at the end.
 * Exit 1 when a join failed, a packet did not decrypt or a verified viewer lost packets while
 * nothing overflowed here.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "support/lib/load.h"

static struct load the_load;
static struct tg_watch udp_watch;
static struct tg_timer tick_timer;

/* --- the run ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void start_viewers(struct load *l, tg_us now)
{
    for (size_t i = 0; i < l->viewers_wanted && now >= l->next_join; i++) {
        if (l->viewers[i].state != IDLE || l->t.joins >= l->joins_max)
            continue;
        viewer_join(l, &l->viewers[i], now);
        l->next_join = TG_MAX(l->next_join, now - TG_US_PER_S) + TG_US_PER_S / l->ramp;
    }
}

static bool all_idle(const struct load *l)
{
    for (size_t i = 0; i < l->viewers_max; i++)
        if (l->viewers[i].state != IDLE)
            return false;
    return l->http_open == 0;
}

static void on_tick(void *ctx, tg_us now)
{
    struct load *l = ctx;

    for (size_t i = 0; i < l->viewers_max; i++)
        viewer_tick(l, &l->viewers[i], now);
    if (stop_asked != 0 || now - l->began >= l->seconds_us ||
        (!l->controlled && l->t.joins >= l->joins_max && all_idle(l))) {
        tg_loop_stop(l->loop);
        return;
    }
    start_viewers(l, now);
    load_control_tick(l, now);
    if (tg_loop_timer_set(l->loop, &tick_timer, now + LOAD_TICK_US, on_tick, l) != TG_OK)
        tg_loop_stop(l->loop);
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

    for (size_t i = 0; i < l->viewers_max; i++) {
        const struct viewer *v = &l->viewers[i];

        if (v->state != WATCHING)
            continue;
        e.watching++;
        e.stalled += now - v->last_packet > TG_US_PER_S;
        e.packets_min = TG_MIN(e.packets_min, rx_meter_packets(&v->meter));
    }
    if (e.watching == 0)
        e.packets_min = 0;
    return e;
}

static void print_result(struct load *l, const struct at_end *e)
{
    (void)printf(
        "{\"viewers\":%zu,\"joins\":%llu,\"joined\":%llu,\"failed\":%llu,\"leaves\":%llu,"
        "\"ended_by_server\":%llu,\"watching\":%zu,\"stalled\":%zu,\"packets\":%llu,\"bytes\":%llu,"
        "\"lost\":%llu,\"packets_min\":%llu,\"verified\":%llu,\"verified_lost\":%llu,"
        "\"decrypt_errors\":%llu,\"http_errors\":%llu,\"overflows\":%llu,\"join_ms_p50\":%.0f,"
        "\"join_ms_p99\":%.0f,\"join_ms_max\":%.0f,\"seconds\":%.2f,\"packets_per_s\":%.0f,"
        "\"mbit_per_s\":%.1f,\"cpu_s\":%.2f}\n",
        l->viewers_wanted, (unsigned long long)l->t.joins, (unsigned long long)l->t.joined,
        (unsigned long long)l->t.failed, (unsigned long long)l->t.leaves,
        (unsigned long long)l->t.ended_by_server, e->watching, e->stalled,
        (unsigned long long)l->t.packets, (unsigned long long)l->t.bytes,
        (unsigned long long)l->t.lost, (unsigned long long)e->packets_min,
        (unsigned long long)l->t.verified, (unsigned long long)l->t.verified_lost,
        (unsigned long long)l->t.decrypt_errors, (unsigned long long)l->t.http_errors,
        (unsigned long long)many_udp_overflows(l->udp), histogram_ms(&l->join, 500),
        histogram_ms(&l->join, 990), histogram_ms(&l->join, 1000), e->seconds,
        (double)l->t.packets / e->seconds, (double)l->t.bytes * 8 / 1e6 / e->seconds, load_cpu_s());
}

static void on_readable(void *ctx, uint32_t events, tg_us now)
{
    struct load *l = ctx;

    (void)events;
    load_receive(l, now);
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
    for (size_t i = 0; i < l->viewers_max; i++)
        if (l->viewers[i].state != IDLE)
            viewer_leave(l, &l->viewers[i], tg_clock_mono());
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
                  "[--no-delete] [--cpu N] [--gro] [--twcc] [--control] [--from IPV4]\n",
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

/* Host byte order. */
static uint32_t parse_ip(const char *text, size_t len)
{
    struct in_addr ip;
    char host[64];

    if (tg_str_copy(host, sizeof(host), text, len) != TG_OK || inet_pton(AF_INET, host, &ip) != 1)
        usage("an IPv4 address is missing");
    return ntohl(ip.s_addr);
}

static void parse_http(struct load *l, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint32_t ip;

    if (colon == NULL)
        usage("--http needs an IPv4 address and a port");
    ip = parse_ip(text, (size_t)(colon - text));
    l->http = tg_addr_v4((uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip,
                         (uint16_t)number(colon + 1, 1, UINT16_MAX));
}

static void parse_args(int argc, char **argv, struct load *l)
{
    static const struct option options[] = {
        {"http", 1, NULL, 'h'},    {"show", 1, NULL, 's'},  {"viewers", 1, NULL, 'v'},
        {"seconds", 1, NULL, 't'}, {"ramp", 1, NULL, 'r'},  {"verify-every", 1, NULL, 'k'},
        {"hold-s", 1, NULL, 'o'},  {"joins", 1, NULL, 'j'}, {"no-delete", 0, NULL, 'n'},
        {"cpu", 1, NULL, 'c'},     {"gro", 0, NULL, 'g'},   {"twcc", 0, NULL, 'w'},
        {"control", 0, NULL, 'x'}, {"from", 1, NULL, 'f'},  {NULL, 0, NULL, 0}};
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
            l->viewers_max = (size_t)number(optarg, 1, LOAD_SLOTS / 2);
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
            l->joins_max = (uint64_t)number(optarg, 1, 100000000);
            break;
        case 'n':
            l->send_delete = false;
            break;
        case 'c':
            pin((unsigned)number(optarg, 0, CPU_SETSIZE - 1));
            break;
        case 'g':
            l->gro = true;
            break;
        case 'w':
            l->twcc = true;
            break;
        case 'f':
            l->first_ip = parse_ip(optarg, strlen(optarg));
            break;
        case 'x':
            l->controlled = true;
            break;
        default:
            usage("unknown option");
        }
    }
    if (!l->controlled && (l->http.port == 0 || l->show[0] == '\0'))
        usage("--http and --show are needed");
    if (l->controlled)
        l->joins_max = 0; /* until it is told */
    l->viewers_wanted = l->viewers_max;
}

int main(int argc, char **argv)
{
    struct load *l = &the_load;
    struct sigaction act = {.sa_handler = on_signal};
    int rc;

    l->viewers_max = 10;
    l->seconds_us = 10 * (tg_us)TG_US_PER_S;
    l->ramp = 50;
    l->verify_every = 10;
    l->joins_max = UINT64_MAX;
    l->send_delete = true;
    l->rng = tg_rng_os();
    parse_args(argc, argv, l);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    if (load_init(l) != TG_OK || (l->controlled && load_control_start(l) != TG_OK) ||
        tg_loop_watch(l->loop, &udp_watch, many_udp_fd(l->udp), EPOLLIN, on_readable, l) != TG_OK) {
        (void)fprintf(stderr, "whep_load: cannot start\n");
        return 1;
    }
    rc = run(l);
    tg_loop_unwatch(l->loop, &udp_watch);
    load_control_stop(l);
    load_done(l);
    return rc;
}
