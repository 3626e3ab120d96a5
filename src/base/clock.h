/*
 * clock.h - the only place that reads clocks. Service rooms call it once per loop turn and pass the
 * value down; pure rooms (proto, rtc, show, shop) never do.
 */
#ifndef TG_BASE_CLOCK_H
#define TG_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* Monotonic microseconds, > 0, shared by all threads of the process. */
tg_us tg_clock_mono(void);
/* Microseconds since 1970-01-01 UTC. May jump; for people and other machines only. */
tg_us tg_clock_wall(void);

enum { TG_RFC3339_SIZE = 32 };
/* "2026-11-22T10:20:30.123Z" of wall_us; years 1970 to 9999. Always NUL-terminated. */
void tg_rfc3339(char out[TG_RFC3339_SIZE], tg_us wall_us);
/* Days from 1970-01-01 to a date of the Gregorian calendar; false = there is no such date, or it is
 * before. */
bool tg_date_days(int64_t *ret, int year, int month, int day);

#endif
