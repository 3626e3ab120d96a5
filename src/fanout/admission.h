/*
 * admission.h - the capacity guard: who may come in now, who starts small, who waits.
 *
 * Pure; time and randomness are arguments. One for all workers; owner: one at a time
 * (fanout/guard.c holds its lock). Those who are inside are never touched.
 *
 * What counts against the budget of the line (90 % of egress_bps) and of the CPU:
 *
 *   measured egress and load
 * + promised: what was admitted and is not measured yet, each with the rate of its layer, until
 *   TG_ADMISSION_SETTLE_US after it connected - else a crowd would run through the gap at once
 * + held back: what those inside will need when their show is at its full rate again. A slate, a
 *   still picture or a show before its start cost little now and much a minute later.
 *
 * Below 80 % of the budget a newcomer may have layer 0. Above it he starts on the lowest layer that
 * the show has; tg_admission_lift gives more when there is room. When even that does not fit, he
 * waits (waiting.h). The one at position p comes in when there is room for p: nobody overtakes, and
 * nobody has to wait until those before him have asked again.
 */
#ifndef TG_FANOUT_ADMISSION_H
#define TG_FANOUT_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"
#include "base/rng.h"
#include "msg/rtc.h"

struct tg_admission;

enum {
    TG_ADMISSION_WORKERS_MAX = 64,
    TG_ADMISSION_RETRY_NEAR_S = 2, /* near the head */
    TG_ADMISSION_RETRY_FAR_S = 15, /* far back, and the most that a place is told */
    TG_ADMISSION_RETRY_FULL_S = 30,
};
/* The measures follow a new viewer within this time. */
#define TG_ADMISSION_SETTLE_US (3 * (tg_us)TG_US_PER_S)

struct tg_admission_limits {
    uint64_t egress_bps;       /* what the line carries, 0 = no limit */
    unsigned cpu_permille_max; /* 1000 = no limit */
};

struct tg_admission_cfg {
    unsigned workers; /* 1..TG_ADMISSION_WORKERS_MAX */
    size_t waiting_max;
    uint32_t guess_bps; /* video of a show that was never on air */
    struct tg_admission_limits limits;
};

/* Errors: NOMEM, LIMIT (workers, waiting_max). */
TG_MUST_CHECK tg_err tg_admission_new(struct tg_admission **ret,
                                      const struct tg_admission_cfg *cfg);
/* NULL is legal. */
void tg_admission_free(struct tg_admission *a);
/* For those who come from now on. */
void tg_admission_set_limits(struct tg_admission *a, const struct tg_admission_limits *limits);

/* --- what is measured ------------------------------------------------------------------------- */

/*
 * A worker sent so many bytes (with all headers down to IP) since its last report; permille = its
 * CPU load, smoothed by the caller. A few times a second: those who wait and do not ask again fall
 * out here, too.
 */
void tg_admission_load(struct tg_admission *a, tg_us now, unsigned worker, uint64_t bytes,
                       unsigned permille);
/* What the show's layers send now, payload only, 0 = nothing. About once a second. */
void tg_admission_show(struct tg_admission *a, tg_us now, uint16_t show, bool on_air,
                       const uint32_t bps[TG_LAYERS_MAX]);

/* --- viewers ---------------------------------------------------------------------------------- */

struct tg_admission_ask {
    uint16_t show; /* < TG_SHOWS_MAX */
    unsigned worker;
    bool staff;         /* comes in always, but counts */
    bool full;          /* the worker cannot take one more whatever the budget */
    const char *ticket; /* "" = none; unknown ones count as none */
};

/* What an admitted viewer holds; given back with connected and left. All 0 = nothing. */
struct tg_admission_grant {
    uint16_t show;
    uint8_t worker;
    uint8_t best; /* the best layer he may have */
    bool given;
    bool connected;
    uint32_t bps;   /* of that layer, with all headers and the sound */
    uint64_t place; /* where he waited, UINT64_MAX = nowhere */
};

struct tg_admission_answer {
    bool admitted;
    struct tg_admission_grant grant; /* admitted */
    uint32_t position;               /* else: 1 = next; 0 = the waiting room is full */
    uint16_t retry_s;
    char ticket[TG_RTC_TICKET_SIZE]; /* "" with position 0 */
};

void tg_admission_ask(struct tg_admission *a, tg_us now, struct tg_rng *rng,
                      const struct tg_admission_ask *ask, struct tg_admission_answer *ret);
/*
 * It did not work out (no memory, too many handshakes): back to the place, or to the end. The grant
 * may be the one in *ret.
 */
void tg_admission_undo(struct tg_admission *a, tg_us now, struct tg_rng *rng,
                       const struct tg_admission_grant *grant, struct tg_admission_answer *ret);
/* Media flows from now on. */
void tg_admission_connected(struct tg_admission *a, tg_us now, struct tg_admission_grant *inout);
/* The viewer is gone, connected or not. Twice is legal. */
void tg_admission_left(struct tg_admission *a, struct tg_admission_grant *inout);
/* A viewer with best > 0 may have layer 0 from now on: nobody waits and there is room. */
bool tg_admission_lift(struct tg_admission *a, tg_us now, struct tg_admission_grant *inout);

/* --- for metrics and tests -------------------------------------------------------------------- */

uint32_t tg_admission_waiting(const struct tg_admission *a);
/* Measured, of all workers. */
uint64_t tg_admission_egress_bps(const struct tg_admission *a);
/* What one viewer of this layer costs, with all headers and the sound. */
uint32_t tg_admission_cost_bps(const struct tg_admission *a, uint16_t show, unsigned layer);

#endif
