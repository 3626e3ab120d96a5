/*
 * bwe.h - how much the way to one viewer can carry: the sender's side of congestion control.
 *
 * Pure. Owner: one per viewer, its rtc worker. After draft-ietf-rmcat-gcc-02 (trendline form),
 * draft-holmer-rmcat-transport-wide-cc-extensions-01, draft-alvestrand-rmcat-remb-03.
 *
 *   sent packets ──► ring ──┐
 *   feedback (arrival times) ┴─► groups ─► delay trend ─► overuse? ──┐
 *                             ├─► acknowledged rate ─────────────────┼─► estimate
 *                             ├─► loss ──────────────────────────────┤
 *                             └─► probe cluster ─► proved rate ───────┘
 *
 * Unlike a sender with an encoder, this one cannot send a little more to see what happens: it sends
 * a layer or the next one. So the estimate grows on its own only to one and a half times what is
 * acknowledged, and a probe - packets sent again, at the rate the next layer needs, for a moment -
 * proves more. Two rules differ from GCC because frames come in bursts: a rising delay is overuse
 * only when a queue stands (the least delay of a feedback's packets), and what arrives while no
 * queue stands is a lower bound of the estimate.
 *
 * Without transport-wide feedback (one layer, no RTX, another kind of client) the estimate is the
 * last REMB, bounded by the losses of receiver reports.
 */
#ifndef TG_RTC_BWE_H
#define TG_RTC_BWE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"
#include "proto/rtcp.h"

enum {
    TG_BWE_SENT = 1024,  /* packets remembered: > 1 s at 8 Mbit/s; a power of two */
    TG_BWE_TREND = 20,   /* groups of the regression, as in GCC */
    TG_BWE_BUCKETS = 20, /* of TG_BWE_BUCKET_US: what was acknowledged within half a second */
    TG_BWE_MIN_BPS = 50 * 1000,
    TG_BWE_MAX_BPS = 100 * 1000 * 1000,
    TG_BWE_PROBE_PACKETS_MAX = 400, /* of one cluster: 150 ms at 24 Mbit/s */
};
#define TG_BWE_BUCKET_US (25 * (tg_us)TG_US_PER_MS)
#define TG_BWE_PROBE_US (150 * (tg_us)TG_US_PER_MS)        /* length of a cluster */
#define TG_BWE_PROBE_WAIT_US (2 * (tg_us)TG_US_PER_S)      /* between probes ... */
#define TG_BWE_PROBE_WAIT_MAX_US (5 * (tg_us)TG_US_PER_S)  /* ... after several failures */
#define TG_BWE_PROBE_ANSWER_US (800 * (tg_us)TG_US_PER_MS) /* and a round trip: then it failed */
#define TG_BWE_REMB_AGE_US (10 * (tg_us)TG_US_PER_S)       /* an older one fades */

enum tg_bwe_state { TG_BWE_NORMAL, TG_BWE_UNDERUSE, TG_BWE_OVERUSE };

/* What is only needed with transport-wide feedback: about 9.5 KB. */
struct tg_bwe_twcc;

struct tg_bwe {
    struct tg_bwe_twcc *twcc; /* NULL = off */
    uint32_t estimate_bps;    /* 0 = nothing is known yet */
    uint32_t acked_bps;       /* of half a second; 0 = not known */
    uint32_t through_bps;   /* of the last moment: what a way with a queue carries; 0 = not known */
    uint32_t remb_bps;      /* 0 = none came */
    uint32_t limit_bps;     /* by losses of receiver reports; 0 = none */
    uint16_t loss_pm;       /* smoothed, of 1000 */
    bool overuse;           /* since the last feedback */
    bool hard;              /* ... and the queue is so long that waiting costs pictures */
    uint8_t probe_failures; /* in a row */
    tg_us remb_at;
    tg_us rtt_us; /* the owner's, <= 0 = not known */
    tg_us probe_next_at;
};

struct tg_bwe_probe {
    uint32_t bps;     /* of everything that is sent while it lasts */
    tg_us until;      /* stop then */
    uint32_t sent;    /* bytes of the cluster so far, media included */
    tg_us started_at; /* pad while sent < bps * (now - started_at) */
};

void tg_bwe_init(struct tg_bwe *b);
/* Frees the twcc part. Legal after init at any time, twice too. */
void tg_bwe_done(struct tg_bwe *b);
/* From now on packets are numbered. start_bps: the first, hopeful estimate. Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_bwe_twcc_on(struct tg_bwe *b, tg_us now, uint32_t start_bps);

/* --- with transport-wide feedback (twcc != NULL) -------------------------------------------- */

/* A packet of `size` bytes leaves with that number, one more than the last call's. */
void tg_bwe_sent(struct tg_bwe *b, tg_us now, uint16_t seq, size_t size);
/* One feedback packet, just parsed. */
void tg_bwe_feedback(struct tg_bwe *b, tg_us now, struct tg_twcc *fb);
enum tg_bwe_state tg_bwe_state(const struct tg_bwe *b);
/* How long packets wait in the way's queue, by the newest feedback. */
tg_us tg_bwe_queue_us(const struct tg_bwe *b);
/* The queue grew much with the newest feedback: perhaps overuse, so send no more than arrives. */
bool tg_bwe_rising(const struct tg_bwe *b);

/*
 * True: a probe at `bps` may begin now, and has begun: *ret says what to send. False: the last one
 * failed or ended too lately, or one is under way, or the way is congested.
 */
bool tg_bwe_probe(struct tg_bwe *b, tg_us now, uint32_t bps, const struct tg_bwe_probe **ret);
/* The probe under way whose time is not over; NULL = none. */
const struct tg_bwe_probe *tg_bwe_probing(const struct tg_bwe *b, tg_us now);

/* --- without ---------------------------------------------------------------------------------- */

/* rate_bps = what is sent to the viewer now. */
void tg_bwe_report(struct tg_bwe *b, uint8_t lost_fraction, uint32_t rate_bps);
void tg_bwe_remb(struct tg_bwe *b, tg_us now, uint64_t bps);

/* Every 100 ms or so: growth, fading, probes that were never answered. */
void tg_bwe_tick(struct tg_bwe *b, tg_us now);

#endif
