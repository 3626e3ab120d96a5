/*
 * What a worker waits for. libwebsockets' poll() looks at every socket it has: some 200 ns each,
 * and thousands of them are silent. So joined sockets and the mailbox are in an epoll set as well,
 * which costs only what is ready, and libwebsockets looks at all (new connections, requests, writes
 * that wait, closes, timers) now and then while there is work, and blocks when there is none.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "api/web_priv.h"

#include "base/clock.h"

enum {
    READY_MAX = 256, /* events taken at once */
    /* A look at all takes about a fiftieth of a core, however many there are. */
    LOOK_APART_NS = 10000,
    LOOK_APART_US_MAX = 50000,
    LOOK_APART_US_MIN = 500, /* fewer sockets than that: poll() alone is as good */
    /* What comes meanwhile is served together: one wake of sale and one commit for many. */
    READY_APART_NS = 2000,
    READY_APART_US_MAX = 2000,
};

tg_err tg_look_open(struct tg_worker *w)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = tg_mailbox_fd(w->mb)};

    w->tick_at = TG_US_NEVER;
    w->ready_fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->ready_fd < 0 || epoll_ctl(w->ready_fd, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
        return TG_ERR_IO;
    return TG_OK;
}

void tg_look_close(struct tg_worker *w)
{
    if (w->ready_fd >= 0)
        (void)close(w->ready_fd); /* nothing of it is kept */
    w->ready_fd = -1;
}

void tg_look_add(struct tg_worker *w, int fd)
{
    /* Each arrival once: what libwebsockets leaves unread, its own look finds. Closing the socket
     * takes it out. Without memory for it that look is all it gets. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

    (void)epoll_ctl(w->ready_fd, EPOLL_CTL_ADD, fd, &event);
}

static void serve(struct tg_worker *w, const struct epoll_event *event)
{
    struct lws_pollfd pfd = {.fd = event->data.fd, .events = LWS_POLLIN, .revents = LWS_POLLIN};

    if (pfd.fd == tg_mailbox_fd(w->mb)) {
        tg_worker_messages(w);
        return;
    }
    if ((event->events & (EPOLLHUP | EPOLLERR)) != 0)
        pfd.revents |= LWS_POLLHUP;
    /* A socket that was closed a moment ago is not known any more: nothing happens. New ones come
     * only with a look at all. Errors are its callbacks'. */
    (void)lws_service_fd(w->lws, &pfd);
}

/* So long as what waits must wait, in whole milliseconds as epoll has it; 0 = not at all. */
static int wait_ms(tg_us until, tg_us now)
{
    return until <= now ? 0 : (int)((until - now + TG_US_PER_MS - 1) / TG_US_PER_MS);
}

/* Serves what is ready until then; true = nothing was. */
static bool serve_ready(struct tg_worker *w, tg_us until)
{
    tg_us apart = TG_MIN((tg_us)(w->conns * READY_APART_NS / 1000), (tg_us)READY_APART_US_MAX);
    struct epoll_event events[READY_MAX];
    bool quiet = true;

    for (;;) {
        tg_us now = tg_clock_mono();
        int count;

        if (w->tick_at <= now) {
            tg_worker_clock(w);
            tg_worker_flush(w);
        }
        if (now >= until)
            return quiet;
        count = epoll_wait(w->ready_fd, events, READY_MAX, wait_ms(TG_MIN(until, w->tick_at), now));
        for (int i = 0; i < count; i++)
            serve(w, &events[i]);
        tg_worker_turn_ends(w);
        quiet = quiet && count <= 0;
        now = tg_clock_mono() - now;
        if (count > 0 && count < READY_MAX && now < apart)
            tg_thread_pause(apart - now);
    }
}

bool tg_look(struct tg_worker *w)
{
    tg_us apart = TG_MIN((tg_us)(w->conns * LOOK_APART_NS / 1000), (tg_us)LOOK_APART_US_MAX);
    bool quiet = apart < LOOK_APART_US_MIN || serve_ready(w, w->looked_at + apart);
    int err = lws_service(w->lws, quiet ? 0 : -1); /* 0 = until something happens */

    w->looked_at = tg_clock_mono();
    tg_worker_turn_ends(w);
    return err >= 0;
}
