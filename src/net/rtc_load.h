/*
 * rtc_load.h - how busy an rtc worker is: its thread's CPU time against the wall.
 *
 * Half a second a sample, smoothed over about two seconds. Handshakes take what time is left over
 * (net/rtc_handshakes.h), so they are no load. A worker whose turns take longer than a frame
 * interval half of the time is overloaded whatever its clock says: it is kept from the CPU, or
 * blocked. The process as a whole counts too: workers share the cores with encoders and web
 * workers.
 *
 * Owner: the worker, but for `permille`.
 */
#ifndef TG_NET_RTC_LOAD_H
#define TG_NET_RTC_LOAD_H

#include <stdatomic.h>

#include "base/macros.h"

enum { TG_RTC_TURN_SLOW_US = 33 * TG_US_PER_MS };

struct tg_rtc_load {
    atomic_uint permille; /* 0..1000, any thread reads it */
    unsigned told;        /* what the metric has of it */
    unsigned smooth;      /* permille * 16, of this thread */
    unsigned smooth_all;  /* ... of the process, of all cores */
    tg_us sampled_at;     /* 0 = never */
    tg_us thread_cpu;
    tg_us process_cpu;
    tg_us slow_us;  /* spent in slow turns since the sample */
    tg_us aside_us; /* ... in work that can wait */
    tg_us turn_max; /* longest turn since window_at */
    tg_us window_at;
};

/* The end of a turn that began at `began`; reads the clocks. */
void tg_rtc_load_turn(struct tg_rtc_load *l, tg_us began);
/* CPU time of this thread. */
tg_us tg_rtc_load_cpu(void);
/* So much of it went into work that can wait. */
void tg_rtc_load_aside(struct tg_rtc_load *l, tg_us took);
/* The thread ends: its load is off the metric. */
void tg_rtc_load_done(struct tg_rtc_load *l);
/* One step of the smoothing: from (in sixteenths) towards a sample of 0..1000 that spans dt. */
unsigned tg_rtc_load_smooth(unsigned from, unsigned permille, tg_us dt);

#endif
