#include "net/rtc_tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "net/tcp.h"
#include "proto/rfc4571.h"

enum {
    READ_SIZE = 16 * 1024, /* one read of one connection a turn */
    /*
     * Packets of one read: 32 bytes each with their head. The smallest of ours have 24, alone; who
     * sends many such is after our time: a turn must not be longer for it.
     */
    READ_FRAMES_MAX = READ_SIZE / 32,
    /*
     * What the kernel keeps beside our queue: 128 KiB on their way are 10 Mbit/s at 100 ms, and of
     * what it has not sent yet only a little, so that a slow line is late by our queue, not by
     * both.
     */
    KERNEL_OUT = 128 * 1024,
    KERNEL_UNSENT = 32 * 1024,
    GENERATIONS = 16, /* of a slot: how often it is used before a number comes again */
};
#define WAIT_US (TG_RTC_TCP_WAIT_S * (tg_us)TG_US_PER_S)
_Static_assert(TG_RTC_TCP_MAX *GENERATIONS <= 65536, "a connection's number has 16 bits");

struct conn {
    struct tg_rtc_tcp *t;
    int fd;
    struct tg_watch watch;
    struct tg_addr addr;
    tg_us since;
    struct conn *prev; /* in the list of those that wait */
    struct conn *next; /* there, or in the list of the dead */
    struct conn *next_dirty;
    bool proved;
    bool dead;     /* closed; freed at the end of the turn */
    bool dirty;    /* in the list of those with something to send */
    bool want_out; /* the kernel took no more: EPOLLOUT is asked for */
    bool starved;  /* a packet found no room since */
    uint8_t *out;  /* TG_RTC_TCP_OUT bytes; those from head to tail are queued */
    size_t head;
    size_t tail;
    struct tg_rfc4571 in;
};

struct tg_rtc_tcp {
    struct tg_rtc_tcp_cfg cfg;
    struct tg_tcp_listener *listener;
    size_t count;
    size_t waiting;
    struct conn *oldest; /* of those that wait */
    struct conn *newest;
    struct conn *dirty;
    struct conn *dead;
    size_t next_slot; /* slots are used in turn */
    struct tg_rtc_tcp_stats stats;
    struct conn *conns[TG_RTC_TCP_MAX];
    uint64_t from[TG_RTC_TCP_MAX]; /* from_key of each, 0 = free */
    uint8_t generation[TG_RTC_TCP_MAX];
    uint8_t bytes[READ_SIZE];
};

/* --- the table -------------------------------------------------------------------------------- */

/* Who counts as one: an IPv4 address, or what one IPv6 customer has, a /64. Not 0. */
static uint64_t from_key(const struct tg_addr *addr)
{
    struct tg_rd r = tg_rd(addr->ip + (tg_addr_is_v4(addr) ? 8 : 0), 8);
    const uint64_t key = tg_rd_u64(&r);

    return key == 0 ? 1 : key; /* ::1 */
}

static struct conn *find(const struct tg_rtc_tcp *t, const struct tg_addr *addr)
{
    struct conn *c = t->conns[addr->tcp % TG_RTC_TCP_MAX];

    return c != NULL && !c->dead && tg_addr_equal(&c->addr, addr) ? c : NULL;
}

static size_t count_from(const struct tg_rtc_tcp *t, uint64_t key)
{
    size_t n = 0;

    for (size_t i = 0; i < TG_RTC_TCP_MAX; i++)
        n += t->from[i] == key ? 1 : 0;
    return n;
}

static size_t count_waiting_from(const struct tg_rtc_tcp *t, uint64_t key)
{
    size_t n = 0;

    for (const struct conn *c = t->oldest; c != NULL; c = c->next)
        n += t->from[c->addr.tcp % TG_RTC_TCP_MAX] == key ? 1 : 0;
    return n;
}

/* There is one: count < TG_RTC_TCP_MAX. */
static size_t free_slot(struct tg_rtc_tcp *t)
{
    size_t slot;

    do {
        slot = t->next_slot;
        t->next_slot = (slot + 1) % TG_RTC_TCP_MAX;
    } while (t->conns[slot] != NULL);
    return slot;
}

static uint16_t new_number(struct tg_rtc_tcp *t, size_t slot)
{
    size_t number;

    do {
        number = slot + TG_RTC_TCP_MAX * (size_t)t->generation[slot];
        t->generation[slot] = (uint8_t)((t->generation[slot] + 1) % GENERATIONS);
    } while (number == 0); /* 0 means UDP */
    return (uint16_t)number;
}

static void waiting_add(struct tg_rtc_tcp *t, struct conn *c)
{
    c->prev = t->newest;
    c->next = NULL;
    if (t->newest != NULL)
        t->newest->next = c;
    else
        t->oldest = c;
    t->newest = c;
    t->waiting++;
}

static void waiting_remove(struct tg_rtc_tcp *t, struct conn *c)
{
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        t->oldest = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        t->newest = c->prev;
    c->prev = NULL;
    c->next = NULL;
    t->waiting--;
}

/* --- the end of a connection ------------------------------------------------------------------ */

/* Its memory and its number stay until the end of the turn: callers are still using it. */
static void kill_conn(struct conn *c)
{
    struct tg_rtc_tcp *t = c->t;

    if (c->dead)
        return;
    if (!c->proved)
        waiting_remove(t, c);
    c->dead = true;
    tg_loop_unwatch(t->cfg.loop, &c->watch);
    (void)close(c->fd);
    c->next = t->dead;
    t->dead = c;
}

/* --- out -------------------------------------------------------------------------------------- */

static void want_out(struct conn *c, bool want)
{
    if (c->want_out == want)
        return;
    c->want_out = want;
    tg_loop_rewatch(c->t->cfg.loop, &c->watch, EPOLLIN | (want ? EPOLLOUT : 0u));
}

static void write_some(struct conn *c)
{
    const size_t len = c->tail - c->head;
    ssize_t n;

    if (c->dead || len == 0)
        return;
    n = send(c->fd, c->out + c->head, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    c->t->stats.calls_out++;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        kill_conn(c);
        return;
    }
    c->head += n > 0 ? (size_t)n : 0;
    if (c->head == c->tail) {
        c->head = 0;
        c->tail = 0;
    }
    want_out(c, c->tail > 0);
}

/* Room for `size` bytes in a row, made by moving what is queued to the front. */
static bool has_room(struct conn *c, size_t size)
{
    if (size <= TG_RTC_TCP_OUT - c->tail)
        return true;
    if (c->head > 0) {
        memmove(c->out, c->out + c->head, c->tail - c->head);
        c->tail -= c->head;
        c->head = 0;
    }
    return size <= TG_RTC_TCP_OUT - c->tail;
}

uint8_t *tg_rtc_tcp_reserve(struct tg_rtc_tcp *t, const struct tg_addr *to, size_t cap)
{
    struct conn *c = find(t, to);
    const size_t size = TG_RFC4571_HEAD + cap;

    TG_ASSERT(cap <= TG_UDP_PACKET_MAX);
    if (c == NULL || !c->proved)
        return NULL;
    if (!has_room(c, size) && !c->want_out)
        write_some(c); /* within the turn, and only while the kernel takes some */
    if (c->dead)
        return NULL;
    if (!has_room(c, size)) {
        c->starved = true; /* something is queued, so EPOLLOUT is asked for and will come */
        t->stats.full++;
        return NULL;
    }
    return c->out + c->tail + TG_RFC4571_HEAD;
}

void tg_rtc_tcp_commit(struct tg_rtc_tcp *t, const struct tg_addr *to, size_t len)
{
    struct conn *c = find(t, to);

    TG_ASSERT(c != NULL && c->proved); /* reserve said so, in this turn */
    TG_ASSERT(TG_RFC4571_HEAD + len <= TG_RTC_TCP_OUT - c->tail);
    tg_rfc4571_head(c->out + c->tail, len);
    c->tail += TG_RFC4571_HEAD + len;
    t->stats.packets_out++;
    t->stats.bytes_out += len;
    if (c->dirty)
        return;
    c->dirty = true;
    c->next_dirty = t->dirty;
    t->dirty = c;
}

static void flush(struct tg_rtc_tcp *t)
{
    while (t->dirty != NULL) {
        struct conn *c = t->dirty;

        t->dirty = c->next_dirty;
        c->dirty = false;
        if (!c->want_out) /* else the kernel will say when */
            write_some(c);
    }
}

static void free_conn(struct tg_rtc_tcp *t, struct conn *c)
{
    const size_t slot = c->addr.tcp % TG_RTC_TCP_MAX;

    t->conns[slot] = NULL;
    t->from[slot] = 0;
    t->count--;
    tg_metric_add(TG_M_rtc_tcp_connections, -1);
    tg_free(c->out);
    tg_free(c);
}

/* on_closed may send, which may kill more. */
static void reap(struct tg_rtc_tcp *t, tg_us now)
{
    while (t->dead != NULL) {
        struct conn *c = t->dead;

        t->dead = c->next;
        if (c->proved)
            t->cfg.on_closed(t->cfg.ctx, &c->addr, now);
        if (c->dirty)
            flush(t); /* takes it out of that list */
        free_conn(t, c);
    }
}

static void on_out(struct conn *c, tg_us now)
{
    write_some(c);
    if (c->dead || !c->starved || c->tail - c->head > TG_RTC_TCP_OUT / 2)
        return;
    c->starved = false;
    c->t->cfg.on_writable(c->t->cfg.ctx, &c->addr, now);
}

/* --- in --------------------------------------------------------------------------------------- */

static void on_in(struct conn *c, tg_us now)
{
    struct tg_rtc_tcp *t = c->t;
    const ssize_t n = recv(c->fd, t->bytes, sizeof(t->bytes), MSG_DONTWAIT);
    struct tg_udp_packet packet = {.from = c->addr};
    struct tg_rd in = tg_rd(t->bytes, n > 0 ? (size_t)n : 0);
    tg_err err = TG_OK;
    int frames = 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        kill_conn(c);
    while (!c->dead && (err = tg_rfc4571_next(&c->in, &in, &packet.bytes, &packet.len)) == TG_OK) {
        if (++frames > READ_FRAMES_MAX)
            break;
        t->stats.packets_in++;
        t->stats.bytes_in += packet.len;
        t->cfg.on_frame(t->cfg.ctx, &packet, now);
        if (!c->proved)
            break;
    }
    if (!c->dead && err != TG_ERR_AGAIN) { /* not this protocol, or nobody we know */
        TG_COUNT(rtc_tcp_refused_total);
        kill_conn(c);
    }
}

static void on_event(void *ctx, uint32_t events, tg_us now)
{
    struct conn *c = ctx;

    if ((events & EPOLLOUT) != 0)
        on_out(c, now);
    if (!c->dead && (events & ~(uint32_t)EPOLLOUT) != 0)
        on_in(c, now);
}

/* --- new connections -------------------------------------------------------------------------- */

static void set_options(int fd)
{
    const int size = KERNEL_OUT / 2; /* the kernel doubles it */
    const int unsent = KERNEL_UNSENT;

    /* Refused: the kernel's own sizes are larger, the queue of ours is what it is. */
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

static bool may_enter(struct tg_rtc_tcp *t, const struct tg_addr *from)
{
    const uint64_t key = from_key(from);

    if (t->count == TG_RTC_TCP_MAX || count_from(t, key) >= TG_RTC_TCP_FROM_MAX ||
        count_waiting_from(t, key) >= TG_RTC_TCP_WAITING_FROM_MAX)
        return false;
    if (t->waiting == TG_RTC_TCP_WAITING_MAX) {
        TG_COUNT(rtc_tcp_refused_total);
        kill_conn(t->oldest);
    }
    return true;
}

static void add_conn(struct tg_rtc_tcp *t, struct conn *c, int fd, const struct tg_addr *from,
                     tg_us now)
{
    const size_t slot = free_slot(t);

    c->t = t;
    c->fd = fd;
    c->since = now;
    c->addr = *from;
    c->addr.tcp = new_number(t, slot);
    t->conns[slot] = c;
    t->from[slot] = from_key(from);
    t->count++;
    waiting_add(t, c);
    tg_metric_add(TG_M_rtc_tcp_connections, 1);
    TG_COUNT(rtc_tcp_accepted_total);
}

static void on_accept(void *ctx, int take_fd, const struct tg_addr *from, tg_us now)
{
    struct tg_rtc_tcp *t = ctx;
    struct conn *c = may_enter(t, from) ? tg_calloc(1, sizeof(*c)) : NULL;

    if (c == NULL) {
        TG_COUNT(rtc_tcp_refused_total);
        (void)close(take_fd);
        return;
    }
    set_options(take_fd);
    add_conn(t, c, take_fd, from, now);
    if (tg_loop_watch(t->cfg.loop, &c->watch, take_fd, EPOLLIN, on_event, c) != TG_OK)
        kill_conn(c);
}

/* --- for the worker --------------------------------------------------------------------------- */

tg_err tg_rtc_tcp_new(struct tg_rtc_tcp **ret, const struct tg_rtc_tcp_cfg *cfg)
{
    struct tg_rtc_tcp *t = tg_calloc(1, sizeof(*t));
    tg_err err;

    if (t == NULL)
        return TG_ERR_NOMEM;
    t->cfg = *cfg;
    err = tg_tcp_listen(&t->listener, cfg->loop, &cfg->listen, on_accept, t);
    if (err != TG_OK) {
        const int saved = errno;

        tg_free(t);
        errno = saved;
        return err;
    }
    *ret = t;
    return TG_OK;
}

void tg_rtc_tcp_free(struct tg_rtc_tcp *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < TG_RTC_TCP_MAX; i++) {
        struct conn *c = t->conns[i];

        if (c == NULL)
            continue;
        kill_conn(c);
        free_conn(t, c);
    }
    tg_tcp_listener_free(t->listener);
    tg_free(t);
}

void tg_rtc_tcp_prove(struct tg_rtc_tcp *t, const struct tg_addr *addr, tg_us now)
{
    struct conn *c = find(t, addr);

    (void)now;
    if (c == NULL || c->proved)
        return;
    c->out = tg_calloc(1, TG_RTC_TCP_OUT);
    if (c->out == NULL) {
        kill_conn(c);
        return;
    }
    waiting_remove(t, c);
    c->proved = true;
}

void tg_rtc_tcp_close(struct tg_rtc_tcp *t, const struct tg_addr *addr, tg_us now)
{
    struct conn *c = find(t, addr);

    (void)now;
    if (c == NULL)
        return;
    if (!c->want_out)
        write_some(c); /* a close_notify, most of the time */
    kill_conn(c);
}

void tg_rtc_tcp_turn(struct tg_rtc_tcp *t, tg_us now)
{
    while (t->oldest != NULL && now - t->oldest->since >= WAIT_US) {
        TG_COUNT(rtc_tcp_refused_total);
        kill_conn(t->oldest);
    }
    flush(t);
    reap(t, now);
}

tg_us tg_rtc_tcp_deadline(const struct tg_rtc_tcp *t)
{
    return t->oldest == NULL ? TG_US_NEVER : t->oldest->since + WAIT_US;
}

const struct tg_rtc_tcp_stats *tg_rtc_tcp_stats(const struct tg_rtc_tcp *t)
{
    return &t->stats;
}
