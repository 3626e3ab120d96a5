/*
 * udp_relay.c - a bad network on one machine: relays UDP with seeded loss, delay, jitter,
 * reordering, duplicates and a rate limit, both ways (support/lib/link.h).
 *
 *   udp_relay --listen 0 --to 127.0.0.1:8189 --loss 3 --delay-ms 40 --jitter-ms 10 --reorder 1
 *             --dup 0.5 --rate 5000 --seed 7 [--loss-up 3] [--loss-down 0]
 *             [--cut-after S --cut-for S [--cut-every S]] [--commands]
 *
 * Percentages for loss, reorder and dup; rate in kbit/s each way. --loss-up (client to target) and
 * --loss-down overrule --loss. Prints "listening PORT" first and one JSON line of counts at the end
 * (SIGINT, SIGTERM). Each client gets a socket of its own towards the target, so the server sees as
 * many addresses as there are clients.
 *
 * With --commands, lines on stdin change the rate limits while it runs: "up KBIT", "down KBIT"
 * (0 = no limit); each is answered by "rate MONO WALL".
 *
 * The line can be cut: --cut-after seconds after the first packet for --cut-for seconds, again
 * every --cut-every; and SIGUSR1 cuts a line that is up and mends one that is cut. A cut line
 * carries nothing either way, and what was under way is lost. Said on stdout, times in milliseconds
 * on the monotonic and on the wall clock:
 *
 *   cut MONO WALL             the line is cut
 *   mended MONO WALL          the line is up again
 *   first-up MONO WALL        the first packet from a client that was forwarded after that
 *   first-rtp-up MONO WALL    ... the first that is RTP
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "support/lib/link.h"

enum { CLIENTS_MAX = 1000, SOCKBUF = 4 * 1024 * 1024 };

struct client {
    struct sockaddr_in addr;
    int fd; /* connected to the target */
};

struct relay {
    int fd;
    struct sockaddr_in to;
    size_t client_count;
    struct client clients[CLIENTS_MAX];
    struct pollfd polls[CLIENTS_MAX + 2]; /* ours, the clients', and stdin after them */
    bool commands;
    struct link up;        /* client to target */
    struct link down_link; /* target to client */
    uint64_t refused;      /* packets of clients beyond CLIENTS_MAX */
    /* The cut: all 0 = never by the clock. */
    tg_us cut_after;
    tg_us cut_for;
    tg_us cut_every;
    tg_us cut_next; /* when the line changes next by the clock; TG_US_NEVER = no more */
    bool started;   /* the first packet has come: cut_next counts from there */
    bool down;      /* the line is cut */
    bool await_any; /* first-up was not said yet */
    bool await_rtp;
    unsigned cuts;
    uint64_t cut_drops;
    unsigned toggles_done;
};

static volatile sig_atomic_t stop_asked;
static volatile sig_atomic_t toggles_asked;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        toggles_asked++;
    else
        stop_asked = 1;
}

_Noreturn static void usage(const char *why)
{
    (void)fprintf(stderr,
                  "udp_relay: %s\nusage: udp_relay --listen PORT --to HOST:PORT [--loss %%] "
                  "[--delay-ms N] [--jitter-ms N] [--reorder %%] [--dup %%] [--rate KBIT] "
                  "[--seed N] [--loss-up %%] [--loss-down %%] [--commands] "
                  "[--cut-after S --cut-for S [--cut-every S]]\n",
                  why);
    exit(2);
}

static int64_t number(const char *text, int64_t max)
{
    int64_t value = 0;

    if (tg_parse_i64(&value, text, strlen(text), 0, max) != TG_OK)
        usage("a number is missing or out of range");
    return value;
}

static double percent(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= 0 && value <= 100))
        usage("a percentage must lie in 0..100");
    return value / 100;
}

static tg_us seconds(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value > 0 && value <= 86400))
        usage("a time must lie in 0..86400 seconds");
    return (tg_us)(value * TG_US_PER_S);
}

static struct sockaddr_in target(const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[64];

    if (colon == NULL || tg_str_copy(host, sizeof(host), text, (size_t)(colon - text)) != TG_OK ||
        inet_pton(AF_INET, host, &to.sin_addr) != 1)
        usage("--to needs an IPv4 address and a port");
    to.sin_port = htons((uint16_t)number(colon + 1, UINT16_MAX));
    return to;
}

static int new_socket(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int size = SOCKBUF;

    if (fd >= 0) { /* smaller buffers than asked only mean honest extra loss */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    return fd;
}

static uint16_t bind_to(int fd, uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(at);

    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("udp_relay: bind");
        exit(1);
    }
    return ntohs(at.sin_port);
}

static void say(const char *what, tg_us now)
{
    (void)printf("%s %.3f %.3f\n", what, (double)now / TG_US_PER_MS,
                 (double)tg_clock_wall() / TG_US_PER_MS);
    (void)fflush(stdout);
}

/* --- the cut ---------------------------------------------------------------------------------- */

static void lose(struct relay *r, struct link *l, tg_us until)
{
    struct link_packet *p;

    while ((p = link_pop(l, until)) != NULL) {
        r->cut_drops++;
        link_packet_free(p);
    }
}

static void toggle(struct relay *r, tg_us now)
{
    r->down = !r->down;
    if (r->down) {
        r->cuts++;
        lose(r, &r->up, TG_US_NEVER); /* what was under way */
        lose(r, &r->down_link, TG_US_NEVER);
    } else {
        r->await_any = true;
        r->await_rtp = true;
    }
    say(r->down ? "cut" : "mended", now);
}

static void tick_cut(struct relay *r, tg_us now)
{
    unsigned asked = (unsigned)toggles_asked;

    for (; r->toggles_done != asked; r->toggles_done++)
        toggle(r, now);
    if (!r->started || now < r->cut_next)
        return;
    toggle(r, now);
    if (r->down)
        r->cut_next += r->cut_for;
    else
        r->cut_next = r->cut_every > 0 ? r->cut_next + r->cut_every - r->cut_for : TG_US_NEVER;
}

/* RFC 7983: 128..191 is RTP or RTCP; RFC 5761: the latter has 64..95 as its payload type. */
static bool is_rtp(const struct link_packet *p)
{
    uint8_t pt = p->len > 1 ? p->bytes[1] & 0x7f : 0;

    return p->len >= 12 && p->bytes[0] >= 128 && p->bytes[0] <= 191 && !(pt >= 64 && pt <= 95);
}

static void note_first(struct relay *r, const struct link_packet *p, tg_us now)
{
    if (r->await_any)
        say("first-up", now);
    r->await_any = false;
    if (r->await_rtp && is_rtp(p)) {
        say("first-rtp-up", now);
        r->await_rtp = false;
    }
}

/* --- the clients ------------------------------------------------------------------------------ */

/* Index of the client; -1 = no room. */
static int find_client(struct relay *r, const struct sockaddr_in *from)
{
    struct client *c;

    for (size_t i = 0; i < r->client_count; i++)
        if (r->clients[i].addr.sin_port == from->sin_port &&
            r->clients[i].addr.sin_addr.s_addr == from->sin_addr.s_addr)
            return (int)i;
    if (r->client_count == CLIENTS_MAX)
        return -1;
    c = &r->clients[r->client_count];
    c->addr = *from;
    c->fd = new_socket();
    if (c->fd < 0)
        return -1;
    if (connect(c->fd, (struct sockaddr *)&r->to, sizeof(r->to)) != 0) {
        (void)close(c->fd);
        return -1;
    }
    r->polls[r->client_count + 1] = (struct pollfd){.fd = c->fd, .events = POLLIN};
    return (int)r->client_count++;
}

static void from_clients(struct relay *r, tg_us now)
{
    uint8_t bytes[LINK_PACKET_MAX];
    struct sockaddr_in from;

    for (;;) {
        socklen_t from_len = sizeof(from);
        ssize_t len = recvfrom(r->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &from_len);
        int client;

        if (len < 0)
            return;
        client = find_client(r, &from);
        if (!r->started) {
            r->started = true;
            r->cut_next = r->cut_for > 0 ? now + r->cut_after : TG_US_NEVER;
        }
        if (client < 0)
            r->refused++;
        else if (r->down)
            r->cut_drops++;
        else
            link_push(&r->up, now, (uint32_t)client, bytes, (size_t)len);
    }
}

static void from_target(struct relay *r, size_t client, tg_us now)
{
    uint8_t bytes[LINK_PACKET_MAX];

    for (;;) {
        ssize_t len = recv(r->clients[client].fd, bytes, sizeof(bytes), 0);

        if (len < 0)
            return;
        if (r->down)
            r->cut_drops++;
        else
            link_push(&r->down_link, now, (uint32_t)client, bytes, (size_t)len);
    }
}

/* --- commands --------------------------------------------------------------------------------- */

static void on_command(struct relay *r, char *line, tg_us now)
{
    const bool up = strncmp(line, "up ", 3) == 0;
    char *value = strchr(line, ' ');

    if (value == NULL || (!up && strncmp(line, "down ", 5) != 0))
        usage("a command is \"up KBIT\" or \"down KBIT\"");
    (up ? &r->up : &r->down_link)->cfg.rate_kbit = (uint32_t)number(value + 1, 100000000);
    say("rate", now);
}

/* False: nobody commands any more. */
static bool from_stdin(struct relay *r, tg_us now)
{
    static char text[256];
    static size_t have;
    ssize_t got = read(STDIN_FILENO, text + have, sizeof(text) - 1 - have);
    char *end;

    if (got <= 0)
        return false;
    have += (size_t)got;
    text[have] = '\0';
    while ((end = strchr(text, '\n')) != NULL) {
        *end = '\0';
        on_command(r, text, now);
        have -= (size_t)(end + 1 - text);
        memmove(text, end + 1, have + 1);
    }
    return have < sizeof(text) - 1;
}

/* A packet that the kernel does not take is lost, as on any network. */
static void deliver(struct relay *r, tg_us now)
{
    struct link_packet *p;

    while ((p = link_pop(&r->up, now)) != NULL) {
        note_first(r, p, now);
        (void)!send(r->clients[p->tag].fd, p->bytes, p->len, 0);
        link_packet_free(p);
    }
    while ((p = link_pop(&r->down_link, now)) != NULL) {
        const struct client *c = &r->clients[p->tag];

        (void)!sendto(r->fd, p->bytes, p->len, 0, (const struct sockaddr *)&c->addr,
                      sizeof(c->addr));
        link_packet_free(p);
    }
}

static void run(struct relay *r)
{
    r->polls[0] = (struct pollfd){.fd = r->fd, .events = POLLIN};
    while (stop_asked == 0) {
        tg_us now = tg_clock_mono();
        tg_us due = TG_MIN(link_deadline(&r->up), link_deadline(&r->down_link));
        tg_us wait_us = TG_MAX(TG_MIN(due - now, (tg_us)100 * TG_US_PER_MS), 0);
        struct timespec wait = {.tv_nsec = (long)wait_us * 1000};

        struct pollfd *commands = &r->polls[r->client_count + 1];

        if (r->commands)
            *commands = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        if (ppoll(r->polls, r->client_count + (r->commands ? 2 : 1), &wait, NULL) < 0 &&
            errno != EINTR)
            return;
        now = tg_clock_mono();
        tick_cut(r, now);
        if (r->commands && commands->revents != 0)
            r->commands = from_stdin(r, now);
        for (size_t i = r->client_count; i > 0; i--)
            if (r->polls[i].revents != 0)
                from_target(r, i - 1, now);
        if (r->polls[0].revents != 0)
            from_clients(r, now);
        deliver(r, now);
    }
}

static void print_link(const char *name, const struct link_stats *s)
{
    (void)printf("\"%s\":{\"in\":%llu,\"out\":%llu,\"lost\":%llu,\"queue_drops\":%llu,"
                 "\"duplicated\":%llu,\"reordered\":%llu}",
                 name, (unsigned long long)s->in, (unsigned long long)s->out,
                 (unsigned long long)s->lost, (unsigned long long)s->queue_drops,
                 (unsigned long long)s->duplicated, (unsigned long long)s->reordered);
}

struct args {
    struct link_cfg cfg;
    double loss_up; /* < 0: as cfg says */
    double loss_down;
    uint16_t port;
};

/* The options of the cut, of commands and of each direction's loss; false = not one of them. */
static bool parse_cut(struct relay *r, struct args *a, int option)
{
    switch (option) {
    case 'A':
        r->cut_after = seconds(optarg);
        return true;
    case 'F':
        r->cut_for = seconds(optarg);
        return true;
    case 'E':
        r->cut_every = seconds(optarg);
        return true;
    case 'C':
        r->commands = true;
        return true;
    case 'U':
        a->loss_up = percent(optarg);
        return true;
    case 'D':
        a->loss_down = percent(optarg);
        return true;
    default:
        return false;
    }
}

static void parse_args(int argc, char **argv, struct relay *r, struct args *a)
{
    static const struct option options[] = {
        {"listen", 1, NULL, 'l'},   {"to", 1, NULL, 't'},        {"loss", 1, NULL, 'x'},
        {"delay-ms", 1, NULL, 'd'}, {"jitter-ms", 1, NULL, 'j'}, {"reorder", 1, NULL, 'o'},
        {"dup", 1, NULL, 'u'},      {"rate", 1, NULL, 'r'},      {"seed", 1, NULL, 's'},
        {"loss-up", 1, NULL, 'U'},  {"loss-down", 1, NULL, 'D'}, {"cut-after", 1, NULL, 'A'},
        {"cut-for", 1, NULL, 'F'},  {"cut-every", 1, NULL, 'E'}, {"commands", 0, NULL, 'C'},
        {NULL, 0, NULL, 0}};
    struct link_cfg *cfg = &a->cfg;
    bool have_to = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            a->port = (uint16_t)number(optarg, UINT16_MAX);
            break;
        case 't':
            r->to = target(optarg);
            have_to = true;
            break;
        case 'x':
            cfg->loss = percent(optarg);
            break;
        case 'd':
            cfg->delay_us = number(optarg, 60000) * TG_US_PER_MS;
            break;
        case 'j':
            cfg->jitter_us = number(optarg, 60000) * TG_US_PER_MS;
            break;
        case 'o':
            cfg->reorder = percent(optarg);
            break;
        case 'u':
            cfg->dup = percent(optarg);
            break;
        case 'r':
            cfg->rate_kbit = (uint32_t)number(optarg, 100000000);
            break;
        case 's':
            cfg->seed = (uint64_t)number(optarg, INT64_MAX);
            break;
        default:
            if (!parse_cut(r, a, option))
                usage("unknown option");
        }
    }
    if (!have_to)
        usage("--to is missing");
    if ((r->cut_after > 0) != (r->cut_for > 0) || (r->cut_every > 0 && r->cut_every <= r->cut_for))
        usage("--cut-after and --cut-for go together, and --cut-every is longer than --cut-for");
}

int main(int argc, char **argv)
{
    static struct relay r;
    struct args args = {.cfg.seed = 1, .loss_up = -1, .loss_down = -1};
    struct link_cfg cfg;
    struct sigaction act = {.sa_handler = on_signal};

    parse_args(argc, argv, &r, &args);
    cfg = args.cfg;
    cfg.loss = args.loss_up >= 0 ? args.loss_up : args.cfg.loss;
    link_init(&r.up, &cfg);
    cfg.loss = args.loss_down >= 0 ? args.loss_down : args.cfg.loss;
    cfg.seed ^= 0x9e3779b97f4a7c15U; /* the two directions lose different packets */
    link_init(&r.down_link, &cfg);
    r.fd = new_socket();
    args.port = bind_to(r.fd, args.port);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    (void)sigaction(SIGUSR1, &act, NULL);
    (void)printf("listening %u\n", args.port);
    (void)fflush(stdout);
    run(&r);
    (void)printf("{\"clients\":%zu,\"refused\":%llu,\"cuts\":%u,\"cut_drops\":%llu,",
                 r.client_count, (unsigned long long)r.refused, r.cuts,
                 (unsigned long long)r.cut_drops);
    print_link("up", &r.up.stats);
    (void)printf(",");
    print_link("down", &r.down_link.stats);
    (void)printf("}\n");
    for (size_t i = 0; i < r.client_count; i++)
        (void)close(r.clients[i].fd);
    (void)close(r.fd);
    link_done(&r.up);
    link_done(&r.down_link);
    return 0;
}
