#include "support/lib/hook_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct hook_receiver {
    int fd;
    uint16_t port;
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int connections; /* threads */
    int busy;
    int peak;
    bool stop;
    int status;
    char headers[256];
    char *body;
    size_t body_len;
    int delay_ms;
    struct hook_seen seen[HOOK_KEPT_MAX];
    size_t count;
};

struct conn {
    struct hook_receiver *r;
    int fd;
};

static void header(const char *head, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (const char *line = head; line != NULL && *line != '\0'; line = strstr(line, "\r\n")) {
        if (line != head)
            line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            (void)snprintf(out, size, "%.*s", (int)strcspn(line + len + 2, "\r\n"), line + len + 2);
            return;
        }
    }
}

/* One request; the body is malloc'd. False: the connection ended. */
static bool read_request(int fd, struct hook_seen *ret)
{
    size_t cap = 1024 * 1024;
    char *text = calloc(1, cap + 1);
    size_t len = 0;
    char *end = NULL;
    char number[32];

    while (text != NULL && len < cap) {
        ssize_t n = recv(fd, text + len, cap - len, 0);

        if (n <= 0)
            break;
        len += (size_t)n;
        end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        header(text, "content-length", number, sizeof(number));
        if (len - (size_t)(end + 4 - text) < strtoul(number, NULL, 10))
            continue;
        *end = '\0';
        header(text, "webhook-id", ret->id, sizeof(ret->id));
        header(text, "webhook-timestamp", ret->timestamp, sizeof(ret->timestamp));
        header(text, "webhook-signature", ret->signature, sizeof(ret->signature));
        header(text, "user-agent", ret->agent, sizeof(ret->agent));
        ret->body = strdup(end + 4);
        free(text);
        return true;
    }
    free(text);
    return false;
}

static void answer(struct hook_receiver *r, int fd)
{
    char head[512];
    char *body;
    size_t len;
    struct timespec delay;
    int n;

    pthread_mutex_lock(&r->lock);
    len = r->body_len;
    body = malloc(len + 1);
    if (body != NULL && len > 0)
        memcpy(body, r->body, len);
    delay = (struct timespec){.tv_sec = r->delay_ms / 1000,
                              .tv_nsec = (long)(r->delay_ms % 1000) * 1000000};
    n = snprintf(head, sizeof(head), "HTTP/1.1 %d Told\r\n%sContent-Length: %zu\r\n\r\n", r->status,
                 r->headers, len);
    pthread_mutex_unlock(&r->lock);
    (void)nanosleep(&delay, NULL);
    (void)send(fd, head, (size_t)n, MSG_NOSIGNAL);
    if (body != NULL)
        (void)send(fd, body, len, MSG_NOSIGNAL);
    free(body);
}

static void *serve(void *ctx)
{
    struct conn *c = ctx;
    struct hook_receiver *r = c->r;
    struct hook_seen seen;

    memset(&seen, 0, sizeof(seen));
    while (read_request(c->fd, &seen)) {
        pthread_mutex_lock(&r->lock);
        if (r->count < HOOK_KEPT_MAX)
            r->seen[r->count++] = seen;
        else
            free(seen.body);
        r->busy++;
        r->peak = r->busy > r->peak ? r->busy : r->peak;
        pthread_cond_broadcast(&r->changed);
        pthread_mutex_unlock(&r->lock);
        answer(r, c->fd);
        pthread_mutex_lock(&r->lock);
        r->busy--;
        pthread_mutex_unlock(&r->lock);
        memset(&seen, 0, sizeof(seen));
    }
    (void)close(c->fd);
    free(c);
    pthread_mutex_lock(&r->lock);
    r->connections--;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static void *accept_all(void *ctx)
{
    struct hook_receiver *r = ctx;

    for (;;) {
        int fd = accept(r->fd, NULL, NULL);
        struct conn *c = fd < 0 ? NULL : malloc(sizeof(*c));
        pthread_t thread;

        if (c == NULL)
            return NULL;
        *c = (struct conn){.r = r, .fd = fd};
        pthread_mutex_lock(&r->lock);
        r->connections++;
        pthread_mutex_unlock(&r->lock);
        if (pthread_create(&thread, NULL, serve, c) != 0)
            abort();
        pthread_detach(thread);
    }
}

struct hook_receiver *hook_receiver_new(void)
{
    struct hook_receiver *r = calloc(1, sizeof(*r));
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);

    if (r == NULL)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->status = 200;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->fd < 0 || bind(r->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(r->fd, 64) != 0 || getsockname(r->fd, (struct sockaddr *)&addr, &len) != 0)
        abort();
    r->port = ntohs(addr.sin_port);
    if (pthread_create(&r->acceptor, NULL, accept_all, r) != 0)
        abort();
    return r;
}

void hook_receiver_free(struct hook_receiver *r)
{
    (void)shutdown(r->fd, SHUT_RDWR);
    (void)close(r->fd);
    (void)pthread_join(r->acceptor, NULL);
    pthread_mutex_lock(&r->lock);
    while (r->connections > 0)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->count; i++)
        free(r->seen[i].body);
    free(r->body);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r);
}

uint16_t hook_receiver_port(const struct hook_receiver *r)
{
    return r->port;
}

void hook_receiver_answer(struct hook_receiver *r, int status, const char *headers,
                          const char *body, size_t body_len, int delay_ms)
{
    pthread_mutex_lock(&r->lock);
    r->status = status;
    (void)snprintf(r->headers, sizeof(r->headers), "%s", headers);
    free(r->body);
    r->body = malloc(body_len + 1);
    if (r->body != NULL)
        memcpy(r->body, body, body_len);
    r->body_len = body_len;
    r->delay_ms = delay_ms;
    pthread_mutex_unlock(&r->lock);
}

size_t hook_receiver_count(struct hook_receiver *r)
{
    size_t count;

    pthread_mutex_lock(&r->lock);
    count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}

bool hook_receiver_wait(struct hook_receiver *r, size_t count)
{
    struct timespec until;
    bool enough;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&r->lock);
    while (r->count < count)
        if (pthread_cond_timedwait(&r->changed, &r->lock, &until) != 0)
            break;
    enough = r->count >= count;
    pthread_mutex_unlock(&r->lock);
    return enough;
}

struct hook_seen hook_receiver_at(struct hook_receiver *r, size_t index)
{
    struct hook_seen seen;

    pthread_mutex_lock(&r->lock);
    seen = r->seen[index];
    pthread_mutex_unlock(&r->lock);
    return seen;
}

int hook_receiver_peak(struct hook_receiver *r)
{
    int peak;

    pthread_mutex_lock(&r->lock);
    peak = r->peak;
    pthread_mutex_unlock(&r->lock);
    return peak;
}
