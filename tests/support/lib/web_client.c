#include "support/lib/web_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 5000 };

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

struct web_client web_open(uint16_t port, int rcvbuf)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct web_client c = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int on = 1;

    need(c.fd >= 0, "socket");
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (rcvbuf > 0)
        need(setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)) == 0, "SO_RCVBUF");
    need(connect(c.fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
    need(setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, "TCP_NODELAY");
    return c;
}

void web_close(struct web_client *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c->data);
    *c = (struct web_client){.fd = -1};
}

void web_send(struct web_client *c, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = send(c->fd, at, len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return; /* the peer ended it; the read shows */
        at += sent;
        len -= (size_t)sent;
    }
}

void web_send_text(struct web_client *c, const char *text)
{
    web_send(c, text, strlen(text));
}

/* Some more bytes; false: end, error or nothing for WAIT_MS. */
static bool fill(struct web_client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    ssize_t got;

    if (c->len + 65536 > c->cap) {
        c->cap = c->cap * 2 + 131072;
        c->data = realloc(c->data, c->cap);
        need(c->data != NULL, "realloc");
    }
    if (poll(&p, 1, WAIT_MS) != 1)
        return false;
    got = recv(c->fd, c->data + c->len, c->cap - c->len - 1, 0);
    if (got <= 0)
        return false;
    c->len += (size_t)got;
    c->data[c->len] = '\0';
    return true;
}

static void consume(struct web_client *c, size_t len)
{
    c->len -= len;
    memmove(c->data, c->data + len, c->len);
    if (c->data != NULL)
        c->data[c->len] = '\0';
}

static char head_copy[4096];
static char body_copy[8 * 1024 * 1024];

struct web_answer web_read_answer(struct web_client *c, bool no_body)
{
    struct web_answer a = {.status = 0, .head = head_copy, .body = body_copy};
    const char *length;
    char *end;
    size_t head;

    head_copy[0] = '\0';
    body_copy[0] = '\0';
    while (c->len == 0 || (end = strstr(c->data, "\r\n\r\n")) == NULL) {
        if (!fill(c))
            return a;
    }
    head = (size_t)(end - c->data) + 4;
    need(head < sizeof(head_copy), "head too long");
    memcpy(head_copy, c->data, head);
    head_copy[head] = '\0';
    a.status = (int)strtol(a.head + 9, NULL, 10);
    length = strcasestr(a.head, "\r\nContent-Length: ");
    if (!no_body && length != NULL)
        a.body_len = strtoul(length + 18, NULL, 10);
    need(a.body_len < sizeof(body_copy), "body too long");
    while (c->len < head + a.body_len) {
        if (!fill(c)) {
            a.status = 0;
            return a;
        }
    }
    memcpy(body_copy, c->data + head, a.body_len);
    body_copy[a.body_len] = '\0';
    consume(c, head + a.body_len);
    return a;
}

struct web_answer web_ask(struct web_client *c, const char *line, const char *headers,
                          const char *body)
{
    char text[8192];
    size_t len = body == NULL ? 0 : strlen(body);
    int used = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: torg.test\r\n%s", line, headers);

    if (body != NULL)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "Content-Length: %zu\r\n", len);
    need(used + 2 < (int)sizeof(text), "request too long");
    memcpy(text + used, "\r\n", 3);
    web_send_text(c, text);
    if (body != NULL)
        web_send(c, body, len);
    return web_read_answer(c, strncmp(line, "HEAD ", 5) == 0);
}

bool web_has(const struct web_answer *a, const char *header, const char *value)
{
    char start[512];

    need(snprintf(start, sizeof(start), "\r\n%s: %s", header, value) < (int)sizeof(start), "long");
    return strcasestr(a->head, start) != NULL;
}

bool web_ended(struct web_client *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    char drop[8192];

    for (;;) {
        ssize_t got;

        if (poll(&p, 1, WAIT_MS) != 1)
            return false;
        got = recv(c->fd, drop, sizeof(drop), 0);
        if (got <= 0)
            return true;
    }
}

struct web_answer web_ws_open(struct web_client *c, const char *path, const char *headers)
{
    char line[256];
    char all[2048];

    need(snprintf(line, sizeof(line), "GET %s", path) < (int)sizeof(line), "long");
    need(snprintf(all, sizeof(all),
                  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s",
                  headers) < (int)sizeof(all),
         "long");
    return web_ask(c, line, all, NULL);
}

void web_ws_send_frame(struct web_client *c, uint8_t first, const void *data, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    const uint8_t *text = data;
    uint8_t *frame = malloc(len + 14);
    size_t at = 0;

    need(frame != NULL, "malloc");
    frame[at++] = first;
    if (len < 126) {
        frame[at++] = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        frame[at++] = 0x80 | 126;
        frame[at++] = (uint8_t)(len >> 8);
        frame[at++] = (uint8_t)len;
    } else {
        frame[at++] = 0x80 | 127;
        for (int shift = 56; shift >= 0; shift -= 8)
            frame[at++] = (uint8_t)((uint64_t)len >> shift);
    }
    memcpy(frame + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        frame[at++] = text[i] ^ mask[i & 3];
    web_send(c, frame, at);
    free(frame);
}

void web_ws_send(struct web_client *c, const char *text)
{
    web_ws_send_frame(c, 0x81, text, strlen(text));
}

static bool have(struct web_client *c, size_t len)
{
    while (c->len < len) {
        if (!fill(c))
            return false;
    }
    return true;
}

const char *web_ws_read(struct web_client *c, int *ret_close)
{
    for (;;) {
        const uint8_t *d;
        size_t len;
        size_t head = 2;
        uint8_t op;

        *ret_close = 0;
        if (!have(c, 2))
            return NULL;
        d = (const uint8_t *)c->data;
        op = d[0] & 0x0f;
        len = d[1] & 0x7f;
        head += len == 126 ? 2 : len == 127 ? 8 : 0;
        if (!have(c, head))
            return NULL;
        d = (const uint8_t *)c->data;
        for (size_t i = 2; i < head; i++)
            len = i == 2 ? d[i] : len << 8 | d[i];
        if (!have(c, head + len))
            return NULL;
        need(len < sizeof(body_copy), "frame too long");
        memcpy(body_copy, c->data + head, len);
        body_copy[len] = '\0';
        consume(c, head + len);
        if (op == 9)
            web_ws_send_frame(c, 0x8a, body_copy, len);
        if (op == 9 || op == 10)
            continue;
        if (op != 8)
            return body_copy;
        *ret_close = len >= 2 ? (uint8_t)body_copy[0] << 8 | (uint8_t)body_copy[1] : 1005;
        return "";
    }
}
