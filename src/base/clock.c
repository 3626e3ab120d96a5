#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static tg_us read_clock(clockid_t id)
{
    struct timespec ts;

    TG_ASSERT(clock_gettime(id, &ts) == 0);
    return (tg_us)ts.tv_sec * TG_US_PER_S + ts.tv_nsec / 1000;
}

tg_us tg_clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC) + 1;
}

tg_us tg_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

void tg_rfc3339(char out[TG_RFC3339_SIZE], tg_us wall_us)
{
    time_t seconds = (time_t)(wall_us / TG_US_PER_S);
    int ms = (int)(wall_us % TG_US_PER_S / TG_US_PER_MS);
    struct tm tm;
    char date[24];

    if (wall_us < 0 || gmtime_r(&seconds, &tm) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        (void)snprintf(out, TG_RFC3339_SIZE, "1970-01-01T00:00:00.000Z");
        return;
    }
    (void)snprintf(out, TG_RFC3339_SIZE, "%s.%03dZ", date, ms);
}
