/*
 * tcp.h - listeners and connections on a tg_loop: non-blocking, with a bounded queue out.
 * Owner: the loop's thread.
 */
#ifndef TG_NET_TCP_H
#define TG_NET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/loop.h"

enum {
    TG_TCP_READ = 64 * 1024,   /* bytes of one read */
    TG_TCP_READS_PER_TURN = 4, /* so that one sender cannot starve the others */
    TG_TCP_ACCEPTS_PER_TURN = 64,
    TG_TCP_BACKLOG = 128,
};

/* --- listener --------------------------------------------------------------------------------- */

struct tg_tcp_listener;
/* fd is a non-blocking, close-on-exec socket with TCP_NODELAY; the callee owns it. */
typedef void (*tg_tcp_accept_fn)(void *ctx, int take_fd, const struct tg_addr *from, tg_us now);

/*
 * port 0 = any free one. All-zero address: v6 and v4. Errors: NOMEM, IO (errno tells). When the
 * process is out of descriptors, accepting pauses for 100 ms instead of spinning.
 */
TG_MUST_CHECK tg_err tg_tcp_listen(struct tg_tcp_listener **ret, struct tg_loop *loop,
                                   const struct tg_addr *at, tg_tcp_accept_fn fn, void *ctx);
void tg_tcp_listener_free(struct tg_tcp_listener *l);
struct tg_addr tg_tcp_listener_addr(const struct tg_tcp_listener *l);

/* --- connection ------------------------------------------------------------------------------- */

struct tg_tcp;

/* All run on the loop's thread. Each may call tg_tcp_free on its own connection. */
struct tg_tcp_cfg {
    /* Bytes came; they are valid during the call. */
    void (*on_data)(void *ctx, const uint8_t *bytes, size_t len, tg_us now);
    /*
     * Once, when the other side closed (CLOSED), the connection broke (IO), the queue out was not
     * empty in time after tg_tcp_finish (TIMEOUT), or finish is done (OK). Free it here or later.
     */
    void (*on_closed)(void *ctx, tg_err why, tg_us now);
    void *ctx;
    size_t out_max; /* bytes queued for a peer that does not read */
};

/* Errors: NOMEM, IO. The descriptor is taken in every case. */
TG_MUST_CHECK tg_err tg_tcp_new(struct tg_tcp **ret, struct tg_loop *loop, int take_fd,
                                const struct tg_tcp_cfg *cfg);
/* Closes at once; on_closed is not called. NULL is legal; legal inside its own callbacks. */
void tg_tcp_free(struct tg_tcp *c);
/* Copies into the queue and sends what the socket takes. LIMIT: over out_max, nothing queued;
 * NOMEM; CLOSED after the end or finish. */
TG_MUST_CHECK tg_err tg_tcp_send(struct tg_tcp *c, const void *bytes, size_t len);
/* No more sends; close when the queue is out, within wait_us. Input is ignored from now on. */
void tg_tcp_finish(struct tg_tcp *c, tg_us now, tg_us wait_us);
size_t tg_tcp_queued(const struct tg_tcp *c);

#endif
