/*
 * ws_many.c - see ws_many.h.
 *
 *  0                   1                   2                   3
 *  F RSV opcode  M  length   (126: 16 bits follow, 127: 64 bits)   mask key when M, then payload
 */
#include "support/lib/ws_many.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"

enum {
    READ_MAX = 256 * 1024,
    MESSAGE_MAX = 4 * 1024 * 1024,
    OUT_MAX = 1024 * 1024,
    EVENTS = 512,
    OP_TEXT = 1,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
};

/* epoll's data of the caller's own descriptor; sockets have their index. */
#define WATCHED UINT64_MAX

struct ws_many {
    struct ws_many_cfg cfg;
    struct tg_rng rng;
    int epoll;
    struct ws *all;
    void (*ready)(void *ctx);
    uint8_t scratch[READ_MAX];
};

tg_err ws_many_new(struct ws_many **ret, const struct ws_many_cfg *cfg)
{
    struct ws_many *m = tg_calloc(1, sizeof(*m));

    if (m == NULL)
        return TG_ERR_NOMEM;
    m->cfg = *cfg;
    m->rng = tg_rng_seeded(cfg->seed);
    m->all = tg_calloc(cfg->count, sizeof(*m->all));
    m->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (m->all == NULL || m->epoll < 0) {
        ws_many_free(m);
        return TG_ERR_IO;
    }
    for (size_t i = 0; i < cfg->count; i++) {
        m->all[i] = (struct ws){.fd = -1, .index = (uint32_t)i};
        tg_buf_init(&m->all[i].in, MESSAGE_MAX);
        tg_buf_init(&m->all[i].out, OUT_MAX);
    }
    *ret = m;
    return TG_OK;
}

static void drop(struct ws *w)
{
    if (w->fd >= 0)
        (void)close(w->fd); /* epoll forgets it with that */
    w->fd = -1;
    tg_buf_done(&w->in);
    tg_buf_done(&w->out);
}

void ws_many_free(struct ws_many *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; m->all != NULL && i < m->cfg.count; i++)
        drop(&m->all[i]);
    if (m->epoll >= 0)
        (void)close(m->epoll);
    tg_free(m->all);
    tg_free(m);
}

struct ws *ws_many_at(struct ws_many *m, size_t index)
{
    return &m->all[index];
}

static void closed(struct ws_many *m, struct ws *w)
{
    if (w->state == WS_CLOSED)
        return;
    w->state = WS_CLOSED;
    drop(w);
    m->cfg.on_closed(m->cfg.ctx, w);
}

static void want_write(struct ws_many *m, struct ws *w, bool on)
{
    struct epoll_event ev = {.events = EPOLLIN | (on ? EPOLLOUT : 0), .data.u64 = w->index};

    if (w->writing == on)
        return;
    w->writing = on;
    if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, w->fd, &ev) != 0)
        closed(m, w);
}

/* Send now what the kernel takes, keep the rest. */
static void put(struct ws_many *m, struct ws *w, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    ssize_t sent = 0;

    if (w->out.len == 0 && w->state != WS_CONNECTING) {
        sent = send(w->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) {
            closed(m, w);
            return;
        }
        sent = sent < 0 ? 0 : sent;
    }
    if ((size_t)sent == len)
        return;
    tg_buf_add(&w->out, bytes + sent, len - (size_t)sent);
    if (w->out.err != TG_OK)
        closed(m, w);
    else
        want_write(m, w, true);
}

static void flush(struct ws_many *m, struct ws *w)
{
    ssize_t sent;

    if (w->out.len == 0) {
        want_write(m, w, false);
        return;
    }
    sent = send(w->fd, w->out.data, w->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (errno != EAGAIN)
            closed(m, w);
        return;
    }
    tg_buf_consume(&w->out, (size_t)sent);
    if (w->out.len == 0)
        want_write(m, w, false);
}

static void frame(struct ws_many *m, struct ws *w, unsigned opcode, const char *text, size_t len)
{
    uint8_t head[14];
    uint8_t out[2048];
    struct tg_wr wr = tg_wr(head, sizeof(head));
    uint32_t key = tg_rng_u32(&m->rng);
    uint8_t mask[4];
    size_t head_len;

    TG_ASSERT(len <= sizeof(out) - sizeof(head));
    memcpy(mask, &key, sizeof(mask));
    tg_wr_u8(&wr, (uint8_t)(0x80 | opcode));
    if (len < 126) {
        tg_wr_u8(&wr, (uint8_t)(0x80 | len));
    } else {
        tg_wr_u8(&wr, 0x80 | 126);
        tg_wr_u16(&wr, (uint16_t)len);
    }
    tg_wr_bytes(&wr, mask, sizeof(mask));
    head_len = tg_wr_len(&wr);
    memcpy(out, head, head_len);
    for (size_t i = 0; i < len; i++)
        out[head_len + i] = (uint8_t)text[i] ^ mask[i & 3];
    put(m, w, out, head_len + len);
}

void ws_many_send(struct ws_many *m, struct ws *w, const char *text, size_t len)
{
    if (w->state == WS_OPEN)
        frame(m, w, OP_TEXT, text, len);
}

tg_err ws_many_connect(struct ws_many *m, size_t index)
{
    struct ws *w = &m->all[index];
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT, .data.u64 = index};
    uint8_t nonce[16];
    char key[32];
    static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int one = 1;

    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->fd < 0)
        return TG_ERR_IO;
    (void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* or a little later */
    if ((connect(w->fd, (const struct sockaddr *)&m->cfg.server, sizeof(m->cfg.server)) != 0 &&
         errno != EINPROGRESS) ||
        epoll_ctl(m->epoll, EPOLL_CTL_ADD, w->fd, &ev) != 0) {
        drop(w);
        return TG_ERR_IO;
    }
    w->state = WS_CONNECTING;
    w->writing = true;
    /* 16 random bytes in base64: 21 free characters, one of which the last two bits are zero, "=="
     */
    tg_rng_bytes(&m->rng, nonce, sizeof(nonce));
    for (size_t i = 0; i < 21; i++)
        key[i] = abc[(nonce[i % 16] + i) & 63];
    memcpy(key + 21, "A==", 4);
    tg_buf_printf(&w->out,
                  "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  "Origin: http://%s\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Protocol: torg.v1\r\n\r\n",
                  m->cfg.path, m->cfg.host, m->cfg.host, key);
    return w->out.err;
}

/* Bytes of `data` that were a whole message; 0 = more must come. */
static size_t take_frame(struct ws_many *m, struct ws *w, const uint8_t *data, size_t len)
{
    struct tg_rd r = tg_rd(data, len);
    unsigned opcode = tg_rd_u8(&r) & 0x0f;
    uint64_t size = tg_rd_u8(&r) & 0x7f;
    const char *text;

    if (size == 126)
        size = tg_rd_u16(&r);
    else if (size == 127)
        size = tg_rd_u64(&r);
    if (r.bad || tg_rd_left(&r) < size)
        return 0;
    text = (const char *)data + (len - tg_rd_left(&r));
    if (opcode == OP_TEXT)
        m->cfg.on_text(m->cfg.ctx, w, text, (size_t)size);
    else if (opcode == OP_PING && size < 126)
        frame(m, w, OP_PONG, text, (size_t)size);
    else if (opcode == OP_CLOSE && size >= 2)
        w->close_by = (uint16_t)((uint8_t)text[0] << 8 | (uint8_t)text[1]);
    return len - tg_rd_left(&r) + (size_t)size;
}

static size_t take_upgrade(struct ws_many *m, struct ws *w, const uint8_t *data, size_t len)
{
    const uint8_t *end = memmem(data, len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (len < 12 || memcmp(data, "HTTP/1.1 101", 12) != 0) {
        (void)fprintf(stderr, "upgrade refused: %.*s\n", (int)TG_MIN(len, (size_t)300), data);
        closed(m, w);
        return 0;
    }
    w->state = WS_OPEN;
    m->cfg.on_open(m->cfg.ctx, w);
    return (size_t)(end - data) + 4;
}

static size_t take_one(struct ws_many *m, struct ws *w, const uint8_t *data, size_t len)
{
    if (len == 0 || w->state == WS_CLOSED)
        return 0;
    return w->state == WS_CONNECTING ? take_upgrade(m, w, data, len) : take_frame(m, w, data, len);
}

static void receive(struct ws_many *m, struct ws *w)
{
    ssize_t got = recv(w->fd, m->scratch, sizeof(m->scratch), MSG_DONTWAIT);
    const uint8_t *data = m->scratch;
    size_t len = got > 0 ? (size_t)got : 0;
    size_t used;

    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        closed(m, w);
        return;
    }
    if (w->in.len > 0) {
        tg_buf_add(&w->in, data, len);
        if (w->in.err != TG_OK) {
            closed(m, w);
            return;
        }
        data = w->in.data;
        len = w->in.len;
    }
    for (size_t at = 0;; at += used) {
        used = take_one(m, w, data + at, len - at);
        if (w->state == WS_CLOSED)
            return;
        if (used > 0)
            continue;
        if (data == w->in.data)
            tg_buf_consume(&w->in, at);
        else
            tg_buf_add(&w->in, data + at, len - at);
        break;
    }
    if (w->in.len == 0 && w->in.cap > 4096)
        tg_buf_done(&w->in); /* `joined` may be large, and there are thousands */
}

static void event(struct ws_many *m, const struct epoll_event *ev)
{
    struct ws *w;

    if (ev->data.u64 == WATCHED) {
        m->ready(m->cfg.ctx);
        return;
    }
    w = &m->all[ev->data.u64];
    if (w->fd >= 0 && (ev->events & EPOLLOUT) != 0)
        flush(m, w);
    if (w->fd >= 0 && (ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        receive(m, w);
}

void ws_many_serve(struct ws_many *m, tg_us wait_us)
{
    struct epoll_event events[EVENTS];
    int wait_ms = (int)((wait_us + TG_US_PER_MS - 1) / TG_US_PER_MS);
    int count = epoll_wait(m->epoll, events, EVENTS, wait_ms);

    for (int i = 0; i < count; i++)
        event(m, &events[i]);
}

tg_err ws_many_watch(struct ws_many *m, int fd, void (*ready)(void *ctx))
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WATCHED};

    m->ready = ready;
    return epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? TG_OK : TG_ERR_IO;
}
