#include "ctl/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/core.h"
#include "base/log.h"
#include "ctl/answer.h"
#include "ctl/remote.h"

enum { PATIENCE_S = 3600 }; /* a backup or an audit may take minutes */

/* --- the running server --- */

static tg_err connect_to(const char *data_dir, int *ret_fd)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd;

    if (snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/torgd.sock", data_dir) >=
        (int)sizeof(addr.sun_path))
        return TG_ERR_LIMIT;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return TG_ERR_IO;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
                     sizeof(patience)); /* worst: it waits */
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        tg_err err = errno == EACCES ? TG_ERR_AUTH : TG_ERR_NOTFOUND;

        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return TG_OK;
}

static tg_err talk(int fd, const struct tg_buf *line, struct tg_buf *out)
{
    char chunk[4096];
    ssize_t got;

    if (send(fd, line->data, line->len, MSG_NOSIGNAL) == (ssize_t)line->len)
        (void)shutdown(fd, SHUT_WR); /* the end of the request; an error shows at recv */
    while ((got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        tg_buf_add(out, chunk, (size_t)got);
    return got < 0 || out->len == 0 ? TG_ERR_IO : out->err;
}

tg_err ctl_ask_server(const struct ctl_where *where, const json_t *request, json_t **ret,
                      char reterr[256])
{
    struct tg_buf line;
    struct tg_buf out;
    int fd = -1;
    tg_err err = connect_to(where->data_dir, &fd);

    if (err == TG_ERR_AUTH)
        (void)snprintf(reterr, 256, "%.160s/torgd.sock belongs to another user", where->data_dir);
    if (err != TG_OK)
        return err;
    tg_buf_init(&line, TG_ADMIN_LINE_MAX);
    tg_buf_init(&out, TG_ADMIN_ANSWER_MAX);
    ctl_write(&line, request);
    err = line.err == TG_OK ? talk(fd, &line, &out) : line.err;
    (void)close(fd);
    *ret = err == TG_OK ? json_loadb((const char *)out.data, out.len, 0, NULL) : NULL;
    if (err == TG_OK && *ret == NULL)
        err = TG_ERR_MALFORMED;
    if (err != TG_OK)
        (void)snprintf(reterr, 256, "the server did not answer (%s)", tg_err_name(err));
    tg_buf_done(&line);
    tg_buf_done(&out);
    return err;
}

/* --- the shop in this process --- */

/* The database is never made here: a mistyped --data must not leave a new shop. */
static tg_err find_database(const struct tg_config *config, const struct ctl_where *where)
{
    char url[TG_CFG_TEXT_SIZE];
    struct tg_db_cfg db;
    tg_err err = ctl_database(config, where, url, &db);

    if (err != TG_OK || tg_db_is_postgres(url) || access(url, F_OK) == 0)
        return err;
    (void)fprintf(stderr, "torgctl: no server runs on %s and there is no %s\n", where->data_dir,
                  url);
    return TG_ERR_NOTFOUND;
}

static tg_err open_shop(struct ctl_session *s)
{
    static struct tg_config config;
    const struct tg_core_cfg cfg = {.data_dir = s->where->data_dir, .config = &config};
    const struct tg_core_peers nobody = {0};
    char source[600];
    char reason[800] = "";
    tg_err err = ctl_settings(&config, s->where, source, reason);

    if (err == TG_OK) {
        err = find_database(&config, s->where);
        if (err != TG_OK)
            return err;
    }
    tg_log_set_level(TG_LOG_WARN); /* the answer is what the operator wants to see */
    if (err == TG_OK)
        err = tg_core_open(&s->core, &cfg, reason, sizeof(reason));
    if (err == TG_OK)
        err = tg_core_prepare(s->core, &nobody, reason, sizeof(reason));
    if (err == TG_OK)
        err = tg_core_run(s->core, reason, sizeof(reason));
    if (err == TG_OK)
        err = tg_core_admin(s->core, &s->admin);
    if (err != TG_OK)
        (void)fprintf(stderr, "torgctl: %s\n", reason[0] != '\0' ? reason : tg_err_name(err));
    return err;
}

static json_t *ask_shop(struct ctl_session *s, const json_t *request)
{
    struct tg_buf line;
    struct tg_buf out;
    json_t *answer = NULL;

    if (s->core == NULL && open_shop(s) != TG_OK)
        return NULL;
    tg_buf_init(&line, TG_ADMIN_LINE_MAX);
    tg_buf_init(&out, TG_ADMIN_ANSWER_MAX);
    ctl_write(&line, request);
    tg_admin_run(&s->admin, tg_buf_cstr(&line), line.len, &out);
    answer = json_loadb((const char *)out.data, out.len, 0, NULL);
    if (answer == NULL)
        (void)fprintf(stderr, "torgctl: the answer is too large\n");
    tg_buf_done(&line);
    tg_buf_done(&out);
    return answer;
}

json_t *ctl_ask(struct ctl_session *session, const json_t *request)
{
    char reason[256] = "";
    json_t *answer = NULL;
    tg_err err = TG_ERR_NOTFOUND;

    if (session->where->url != NULL)
        return ctl_ask_remote(session->where, request);
    if (session->core == NULL)
        err = ctl_ask_server(session->where, request, &answer, reason);
    if (err == TG_ERR_NOTFOUND)
        return ask_shop(session, request);
    if (err != TG_OK)
        (void)fprintf(stderr, "torgctl: %s\n", reason[0] != '\0' ? reason : tg_err_name(err));
    return answer;
}

void ctl_session_end(struct ctl_session *session)
{
    tg_core_halt(session->core); /* its threads post to the admin's mailbox until here */
    tg_admin_done(&session->admin);
    tg_core_free(session->core);
}
