/*
 * tcp_relay.c - a TCP line that a test can stall or break. It buffers next to nothing itself, so a
 * stalled line is full as soon as a real one would be.
 *
 *   tcp_relay --to 127.0.0.1:8189
 *
 * Prints "listening PORT" first. Commands are lines on stdin, each answered by its own name and
 * the bytes that clients were sent so far ("stall 12345"): "stall": nothing is read from either
 * side; "go": it is again; "cut": every connection is closed; "say". Ends with stdin.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 64, PIECE = 8 * 1024, SOCKBUF = 16 * 1024 };

/* One way: what was read and is not written yet. */
struct way {
    int from;
    int to;
    size_t head;
    size_t tail;
    uint8_t bytes[PIECE];
};

struct pair {
    struct way up;
    struct way down;
};

struct relay {
    int fd;
    struct sockaddr_in to;
    bool stalled;
    uint64_t down_bytes;
    size_t count;
    struct pair pairs[PAIRS_MAX];
};

static int small_socket(void)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int size = SOCKBUF;
    const int on = 1;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        perror("tcp_relay: socket");
        exit(1);
    }
    return fd;
}

static void drop_pair(struct relay *r, size_t i)
{
    (void)close(r->pairs[i].up.from);
    (void)close(r->pairs[i].up.to);
    r->pairs[i] = r->pairs[--r->count];
}

static void accept_one(struct relay *r)
{
    const int client = accept(r->fd, NULL, NULL); /* inherits the small buffers */
    const int server = client < 0 ? -1 : small_socket();
    struct pair *p = &r->pairs[r->count];

    if (client < 0)
        return;
    if (r->count == PAIRS_MAX ||
        connect(server, (const struct sockaddr *)&r->to, sizeof(r->to)) != 0) {
        (void)close(client);
        (void)close(server);
        return;
    }
    memset(p, 0, sizeof(*p));
    p->up.from = p->down.to = client;
    p->up.to = p->down.from = server;
    r->count++;
}

/* What a way waits for: to read into an empty buffer, or to write a full one. */
static struct pollfd wish(const struct way *w)
{
    if (w->head < w->tail)
        return (struct pollfd){.fd = w->to, .events = POLLOUT};
    return (struct pollfd){.fd = w->from, .events = POLLIN};
}

/* False: an end is gone. */
static bool move_bytes(struct way *w, uint64_t *count)
{
    ssize_t n;

    if (w->head < w->tail) {
        n = send(w->to, w->bytes + w->head, w->tail - w->head, MSG_NOSIGNAL | MSG_DONTWAIT);
        w->head += n > 0 ? (size_t)n : 0;
        *count += n > 0 ? (uint64_t)n : 0;
        return n > 0;
    }
    n = recv(w->from, w->bytes, sizeof(w->bytes), MSG_DONTWAIT);
    w->head = 0;
    w->tail = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void run_pairs(struct relay *r, const struct pollfd *polls)
{
    uint64_t up_bytes = 0;

    for (size_t i = r->count; i > 0; i--) {
        const struct pollfd *p = &polls[2 * (i - 1)];
        struct pair *pair = &r->pairs[i - 1];

        if ((p[0].revents != 0 && !move_bytes(&pair->up, &up_bytes)) ||
            (p[1].revents != 0 && !move_bytes(&pair->down, &r->down_bytes)))
            drop_pair(r, i - 1);
    }
}

/* False: stdin has ended. */
static bool command(struct relay *r)
{
    char line[64];

    if (fgets(line, sizeof(line), stdin) == NULL)
        return false;
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "stall") == 0)
        r->stalled = true;
    else if (strcmp(line, "go") == 0)
        r->stalled = false;
    else if (strcmp(line, "cut") == 0)
        while (r->count > 0)
            drop_pair(r, r->count - 1);
    (void)printf("%s %llu\n", line, (unsigned long long)r->down_bytes);
    (void)fflush(stdout);
    return true;
}

static void run(struct relay *r)
{
    struct pollfd polls[2 + 2 * PAIRS_MAX];

    for (;;) {
        nfds_t n = 2;

        polls[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = r->fd, .events = POLLIN};
        for (size_t i = 0; i < r->count && !r->stalled; i++) {
            polls[n++] = wish(&r->pairs[i].up);
            polls[n++] = wish(&r->pairs[i].down);
        }
        if (poll(polls, n, -1) < 0)
            return;
        if (n > 2)
            run_pairs(r, polls + 2);
        if (polls[0].revents != 0 && !command(r))
            return;
        if (polls[1].revents != 0)
            accept_one(r);
    }
}

static void set_target(struct relay *r, char *text)
{
    char *colon = strrchr(text, ':');

    if (colon != NULL)
        *colon = '\0';
    r->to = (struct sockaddr_in){.sin_family = AF_INET};
    if (colon == NULL || inet_pton(AF_INET, text, &r->to.sin_addr) != 1) {
        (void)fprintf(stderr, "tcp_relay: --to takes ADDRESS:PORT\n");
        exit(2);
    }
    r->to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"to", required_argument, NULL, 't'}, {0}};
    static struct relay r;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 't')
            return 2;
        set_target(&r, optarg);
    }
    r.fd = small_socket();
    if (r.to.sin_port == 0 || bind(r.fd, (struct sockaddr *)&at, len) != 0 ||
        listen(r.fd, 16) != 0 || getsockname(r.fd, (struct sockaddr *)&at, &len) != 0) {
        perror("tcp_relay: listen");
        return 1;
    }
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* poll must see what fgets has not taken */
    (void)printf("listening %u\n", (unsigned)ntohs(at.sin_port));
    (void)fflush(stdout);
    run(&r);
    return 0;
}
