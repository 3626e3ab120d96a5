#include "app/admin_socket.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"

enum {
    PATIENCE_S = 2, /* a client that says nothing must not hold up a clean stop (<= 5 s) */
    LANES = 4,      /* commands at a time; more wait to be accepted */
};

struct lane {
    struct tg_admin_socket *socket;
    struct tg_admin admin;
    struct tg_thread *thread;
};

struct tg_admin_socket {
    struct sockaddr_un addr;
    int fd;
    int stop_fd; /* readable when everybody is to stop */
    atomic_bool stop;
    struct lane lanes[LANES];
};

static tg_err path_of(struct sockaddr_un *addr, const char *data_dir)
{
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/torgd.sock", data_dir) >=
        (int)sizeof(addr->sun_path))
        return TG_ERR_LIMIT;
    return TG_OK;
}

static bool read_line(int client, struct tg_buf *line)
{
    char chunk[1024];
    ssize_t got;

    while ((got = recv(client, chunk, sizeof(chunk), 0)) > 0) {
        tg_buf_add(line, chunk, (size_t)got);
        if (line->err != TG_OK)
            return false;
    }
    return got == 0 && line->len > 0;
}

static void send_all(int client, const struct tg_buf *out)
{
    size_t at = 0;

    while (at < out->len) {
        ssize_t sent = send(client, out->data + at, out->len - at, MSG_NOSIGNAL);

        if (sent <= 0)
            return; /* the operator went away */
        at += (size_t)sent;
    }
}

/* One client: one command, its answer, goodbye. */
static void serve(struct lane *lane)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int client = accept4(lane->socket->fd, NULL, NULL, SOCK_CLOEXEC);
    struct tg_buf line;
    struct tg_buf out;

    if (client < 0)
        return; /* another lane was first */
    if (setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0) {
        (void)close(client);
        return;
    }
    tg_buf_init(&line, TG_ADMIN_LINE_MAX);
    tg_buf_init(&out, TG_ADMIN_ANSWER_MAX);
    if (read_line(client, &line))
        tg_admin_run(&lane->admin, (const char *)line.data, line.len, &out);
    else
        tg_log_warn("app", "admin_bad_request", "bytes=%zu", line.len);
    send_all(client, &out);
    (void)close(client);
    tg_buf_done(&line);
    tg_buf_done(&out);
}

static void run(void *ctx)
{
    struct lane *lane = ctx;
    struct pollfd fds[2] = {{.fd = lane->socket->fd, .events = POLLIN},
                            {.fd = lane->socket->stop_fd, .events = POLLIN}};

    while (!atomic_load(&lane->socket->stop)) {
        if (poll(fds, 2, -1) > 0 && fds[1].revents == 0)
            serve(lane);
    }
}

/* --- start and stop --- */

static tg_err listen_on(struct tg_admin_socket *s)
{
    mode_t before;
    int bound;

    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0 || s->stop_fd < 0)
        return TG_ERR_IO;
    (void)unlink(s->addr.sun_path); /* not there is fine; anything else shows at bind */
    before = umask(0177);
    bound = bind(s->fd, (struct sockaddr *)&s->addr, sizeof(s->addr));
    (void)umask(before);
    return bound == 0 && listen(s->fd, LANES) == 0 ? TG_OK : TG_ERR_IO;
}

static tg_err start_lane(struct lane *lane, struct tg_admin_socket *s, struct tg_core *core)
{
    tg_err err = tg_core_admin(core, &lane->admin);

    lane->socket = s;
    lane->admin.stop = &s->stop;
    lane->admin.lane = 1 + (unsigned)(lane - s->lanes);
    return err == TG_OK ? tg_thread_start(&lane->thread, "admin", run, lane) : err;
}

tg_err tg_admin_socket_start(struct tg_admin_socket **ret, const char *data_dir,
                             struct tg_core *core)
{
    struct tg_admin_socket *s = tg_calloc(1, sizeof(*s));
    tg_err err;

    if (s == NULL)
        return TG_ERR_NOMEM;
    s->fd = -1;
    s->stop_fd = -1;
    err = path_of(&s->addr, data_dir);
    if (err == TG_OK)
        err = listen_on(s);
    for (size_t i = 0; err == TG_OK && i < LANES; i++)
        err = start_lane(&s->lanes[i], s, core);
    if (err != TG_OK) {
        const int why = errno;

        tg_admin_socket_stop(s);
        errno = why; /* the caller names it */
        return err;
    }
    *ret = s;
    return TG_OK;
}

void tg_admin_socket_stop(struct tg_admin_socket *socket)
{
    const uint64_t one = 1;

    if (socket == NULL)
        return;
    atomic_store(&socket->stop, true);
    if (socket->stop_fd >= 0 && write(socket->stop_fd, &one, sizeof(one)) != sizeof(one))
        tg_log_error("app", "admin-socket-stop", "errno=%d", errno); /* cannot be: it was 0 */
    for (size_t i = 0; i < LANES; i++) {
        tg_thread_join(socket->lanes[i].thread);
        if (socket->lanes[i].admin.inbox != NULL)
            tg_admin_done(&socket->lanes[i].admin);
    }
    if (socket->fd >= 0) {
        (void)close(socket->fd);
        (void)unlink(socket->addr.sun_path); /* the next start would replace it anyway */
    }
    if (socket->stop_fd >= 0)
        (void)close(socket->stop_fd);
    tg_free(socket);
}
