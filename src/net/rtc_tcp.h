/*
 * rtc_tcp.h - the rtc worker's TCP side: ICE-TCP, passive, for networks that block UDP.
 * Spec: RFC 6544 (passive candidates), RFC 4571 (framing). Owner: the worker's thread.
 *
 * A connection is an address like any other: tg_addr with `tcp` set to the connection's number,
 * which is not used again soon. Everybody may connect, so until a connection is proved (its first
 * frame must be a valid check) it has no queue, cannot be sent to, and is closed after
 * TG_RTC_TCP_WAIT_S or at its first frame that proves nothing. A proved one has a queue out of
 * TG_RTC_TCP_OUT bytes, allocated once; what does not fit is the caller's to drop or to keep. One
 * send and one read a turn and connection; a read of hardly anything but tiny frames ends it.
 *
 *   accepted --valid check: prove--> proved --end of stream, error, close--> on_closed, number free
 *       '--10 s, anything else, too many--> closed
 */
#ifndef TG_NET_RTC_TCP_H
#define TG_NET_RTC_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/loop.h"
#include "net/udp.h"

struct tg_rtc_tcp;

/* Callbacks run on the loop's thread and may send, prove and close. */
struct tg_rtc_tcp_cfg {
    struct tg_loop *loop;
    struct tg_addr listen; /* with the port */
    /* One frame, valid during the call. Unless the connection is proved afterwards it is closed. */
    void (*on_frame)(void *ctx, const struct tg_udp_packet *packet, tg_us now);
    /* A proved connection that refused a packet is half empty again. */
    void (*on_writable)(void *ctx, const struct tg_addr *addr, tg_us now);
    /* A proved connection is gone, for whatever reason. */
    void (*on_closed)(void *ctx, const struct tg_addr *addr, tg_us now);
    void *ctx;
};

/* Errors: NOMEM, IO (the port is in use ...; errno tells). */
TG_MUST_CHECK tg_err tg_rtc_tcp_new(struct tg_rtc_tcp **ret, const struct tg_rtc_tcp_cfg *cfg);
/* Closes all connections; no callbacks. NULL is legal. */
void tg_rtc_tcp_free(struct tg_rtc_tcp *t);

/* A valid check came over it. Again is legal. Without memory for the queue it is closed. */
void tg_rtc_tcp_prove(struct tg_rtc_tcp *t, const struct tg_addr *addr, tg_us now);
/*
 * Room for one packet of at most cap <= TG_UDP_PACKET_MAX bytes; then commit what was written, or
 * nothing. NULL: no such connection, or its queue is full; then on_writable follows.
 */
uint8_t *tg_rtc_tcp_reserve(struct tg_rtc_tcp *t, const struct tg_addr *to, size_t cap);
void tg_rtc_tcp_commit(struct tg_rtc_tcp *t, const struct tg_addr *to, size_t len);
/* Tries to send what is queued, then closes. No such connection is legal. */
void tg_rtc_tcp_close(struct tg_rtc_tcp *t, const struct tg_addr *addr, tg_us now);
/* The end of a turn: sends, closes who waited too long, tells of the closed ones. */
void tg_rtc_tcp_turn(struct tg_rtc_tcp *t, tg_us now);
/* When the next turn must be at the latest; TG_US_NEVER = only with input. */
tg_us tg_rtc_tcp_deadline(const struct tg_rtc_tcp *t);

struct tg_rtc_tcp_stats {
    uint64_t packets_in;
    uint64_t bytes_in; /* payloads, as everywhere below */
    uint64_t packets_out;
    uint64_t bytes_out;
    uint64_t calls_out;
    uint64_t full; /* packets that found no room */
};
const struct tg_rtc_tcp_stats *tg_rtc_tcp_stats(const struct tg_rtc_tcp *t);

#endif
