#include "app/admin_socket.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

enum { PATIENCE_S = 2 }; /* a client that says nothing must not hold up a clean stop (<= 5 s) */

static tg_err path_of(struct sockaddr_un *addr, const char *data_dir)
{
    *addr = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/torgd.sock", data_dir) >=
        (int)sizeof(addr->sun_path))
        return TG_ERR_LIMIT;
    return TG_OK;
}

tg_err tg_admin_socket_open(int *ret_fd, const char *data_dir)
{
    struct sockaddr_un addr;
    mode_t before;
    int bound;
    int fd;

    if (path_of(&addr, data_dir) != TG_OK)
        return TG_ERR_LIMIT;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return TG_ERR_IO;
    (void)unlink(addr.sun_path); /* not there is fine; anything else shows at bind */
    before = umask(0177);
    bound = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
    (void)umask(before);
    if (bound != 0 || listen(fd, 4) != 0) {
        (void)close(fd);
        return TG_ERR_IO;
    }
    *ret_fd = fd;
    return TG_OK;
}

void tg_admin_socket_close(int fd, const char *data_dir)
{
    struct sockaddr_un addr;

    if (fd < 0)
        return;
    (void)close(fd);
    if (path_of(&addr, data_dir) == TG_OK)
        (void)unlink(addr.sun_path); /* the next start would replace it anyway */
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

void tg_admin_socket_serve(int fd, struct tg_admin *admin)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    struct tg_buf line;
    struct tg_buf out;

    if (client < 0)
        return;
    if (setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ||
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0) {
        (void)close(client);
        return;
    }
    tg_buf_init(&line, TG_ADMIN_LINE_MAX);
    tg_buf_init(&out, TG_ADMIN_ANSWER_MAX);
    if (read_line(client, &line))
        tg_admin_run(admin, (const char *)line.data, line.len, &out);
    else
        tg_log_warn("app", "admin_bad_request", "bytes=%zu", line.len);
    send_all(client, &out);
    (void)close(client);
    tg_buf_done(&line);
    tg_buf_done(&out);
}
