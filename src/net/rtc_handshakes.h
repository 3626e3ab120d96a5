/*
 * rtc_handshakes.h - DTLS datagrams of sessions that are not connected yet, put aside so that their
 * public-key work never delays a frame: a flash crowd waits, those who watch do not notice.
 *
 * A bounded queue in one block, and a run that stops when its share of the turn is used up. Full =
 * dropped, as if lost on the way: the peer's timer repairs it. Owner: one rtc worker.
 */
#ifndef TG_NET_RTC_HANDSHAKES_H
#define TG_NET_RTC_HANDSHAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/macros.h"

enum {
    TG_RTC_HANDSHAKE_BUDGET_US = 2000, /* of a turn: a handshake takes two of some 400 us */
};

struct tg_rtc_handshakes;

/* bytes may be changed during the call. owner is whose it was put in as. */
typedef void (*tg_rtc_handshake_fn)(void *ctx, void *owner, const struct tg_addr *from,
                                    uint8_t *bytes, size_t len);
typedef tg_us (*tg_rtc_clock_fn)(void);

/* Errors: NOMEM, LIMIT (capacity 0). */
TG_MUST_CHECK tg_err tg_rtc_handshakes_new(struct tg_rtc_handshakes **ret, size_t capacity);
void tg_rtc_handshakes_free(struct tg_rtc_handshakes *q);
/* Copies it. False: no room, or longer than TG_UDP_PACKET_MAX. */
bool tg_rtc_handshakes_put(struct tg_rtc_handshakes *q, void *owner, const struct tg_addr *from,
                           const uint8_t *bytes, size_t len);
/* The owner is about to go: nothing of its is handed out any more. Looks at the whole queue. */
void tg_rtc_handshakes_forget(struct tg_rtc_handshakes *q, const void *owner);
/*
 * Hands out what waits, oldest first: one at least, then until budget_us have passed by the clock.
 * How many that were. fn may put and forget.
 */
size_t tg_rtc_handshakes_run(struct tg_rtc_handshakes *q, tg_rtc_clock_fn clock, tg_us budget_us,
                             tg_rtc_handshake_fn fn, void *ctx);
size_t tg_rtc_handshakes_count(const struct tg_rtc_handshakes *q);

#endif
