/*
 * rtc_worker_priv.h - the worker's inside: rtc_worker.c runs the thread and the turns and answers
 * requests, rtc_sessions.c keeps the table of sessions and speaks with their peers, rtc_io.c moves
 * packets by UDP and TCP.
 */
#ifndef TG_NET_RTC_WORKER_PRIV_H
#define TG_NET_RTC_WORKER_PRIV_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/heap.h"
#include "base/map.h"
#include "base/thread.h"
#include "net/loop.h"
#include "net/rtc_handshakes.h"
#include "net/rtc_load.h"
#include "net/rtc_tcp.h"
#include "net/rtc_worker.h"
#include "proto/ice_lite.h"

/* One session; handlers see `pub`. */
struct session {
    struct tg_rtc_session pub;
    struct tg_heap_node timer;
    struct tg_addr addrs[TG_ICE_ADDRS_MAX]; /* keys of by_addr */
    bool addr_used[TG_ICE_ADDRS_MAX];
    uint64_t sdp_id;
    char remote_ufrag[TG_ICE_UFRAG_SIZE]; /* another one in a PATCH is an ICE restart */
    /*
     * Keys of by_ufrag, "" = free: ours now, the one before a restart until the peer retires it
     * (key_old, -1 = none), and room for the next.
     */
    char keys[3][TG_ICE_LOCAL_UFRAG + 1];
    int key_now;
    int key_old;
    bool parked;             /* counted in the metric */
    uint8_t handshake_waits; /* datagrams of its in the worker's handshakes */
    bool doomed;             /* in the doomed list: ends later in this turn */
    bool closed;             /* the peer said CLOSED */
    bool lost;               /* its TCP connection broke and it did not come back */
    tg_us lost_until;        /* until then it may, 0 = all is well */
    enum tg_peer_reason reason;
    struct session *next_doomed;
};

/* Counted on the way, added to the metrics once a turn. */
struct counts {
    int64_t unknown;
    int64_t malformed;
    int64_t auth;
    int64_t refused;
};

struct tg_rtc_worker {
    struct tg_rtc_worker_cfg cfg;
    struct tg_loop *loop;
    struct tg_udp *udp;
    struct tg_watch udp_watch;
    bool udp_wants_out;
    struct tg_mailbox *mailbox;
    struct tg_mailbox *started; /* one tg_err from the thread, then gone */
    struct tg_thread *thread;
    struct tg_dtls_ctx *dtls;
    struct tg_rng rng;
    struct tg_addr candidates[TG_RTC_ADVERTISE_MAX + 1];
    size_t candidate_count;
    struct tg_map by_id;
    struct tg_map by_ufrag;
    struct tg_map by_addr;
    struct tg_heap timers;
    size_t handshakes;
    struct tg_rtc_handshakes *waiting; /* datagrams of theirs */
    int64_t waiting_reported;
    uint32_t ordinal;
    struct session *doomed;
    struct counts counts;
    struct tg_rtc_load load;
    struct tg_rtc_tcp *tcp;       /* NULL = UDP only */
    struct tg_udp_stats reported; /* what the metrics have of udp's stats */
    struct tg_rtc_tcp_stats tcp_reported;
    atomic_bool stopping;
};

/* Handlers hold the public part, which is a member. */
static inline const struct session *session_of(const struct tg_rtc_session *s)
{
    return (const struct session *)(const void *)((const char *)s - offsetof(struct session, pub));
}

void tg_rtc_sessions_init(struct tg_rtc_worker *w);
void tg_rtc_sessions_done(struct tg_rtc_worker *w);
/* End it later in this turn (tg_rtc_reap). Twice is legal. */
void tg_rtc_doom(struct tg_rtc_worker *w, struct session *s);
/*
 * New ICE credentials of the client's (ufrag and pwd) and of ours: pub's ufrag, pwd and etag
 * change. Errors: NOMEM, LIMIT (theirs are not usable), CLOSED; the session is as before.
 */
TG_MUST_CHECK tg_err tg_rtc_restart(struct tg_rtc_worker *w, struct session *s,
                                    const char *remote_ufrag, const char *remote_pwd, tg_us now);
void tg_rtc_doom_all(struct tg_rtc_worker *w);
void tg_rtc_reap(struct tg_rtc_worker *w, tg_us now);
void tg_rtc_input(struct tg_rtc_worker *w, const struct tg_udp_packet *p, tg_us now);
void tg_rtc_run_deadlines(struct tg_rtc_worker *w, tg_us now);
/* After the frames of this turn left: some of the joins' public-key work. True: there was any. */
bool tg_rtc_run_handshakes(struct tg_rtc_worker *w, tg_us now);
/* A TCP connection is gone: its address is nobody's, and whose media it carried may come back. */
void tg_rtc_lost(struct tg_rtc_worker *w, const struct tg_addr *addr, tg_us now);
/* A session that was stalled is not any more, because there is room or another address. */
void tg_rtc_writable(struct session *s, tg_us now);
struct session *tg_rtc_by_addr(const struct tg_rtc_worker *w, const struct tg_addr *addr);

/* --- rtc_io.c: the two ways in and out -------------------------------------------------------- */

/* Opens and watches the ports. Errors: NOMEM, IO (errno tells). */
TG_MUST_CHECK tg_err tg_rtc_io_open(struct tg_rtc_worker *w);
void tg_rtc_io_close(struct tg_rtc_worker *w);
/* One packet to an address, whichever way it goes. False: dropped. */
bool tg_rtc_io_send(struct tg_rtc_worker *w, const struct tg_addr *to, struct tg_span packet);
/* The end of a turn: everything goes out. */
void tg_rtc_io_flush(struct tg_rtc_worker *w, tg_us now);
/* What happened since the last time goes into the metrics. */
void tg_rtc_io_report(struct tg_rtc_worker *w);

#endif
