#include "net/rtc_load.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"

#define SAMPLE_US (500 * (tg_us)TG_US_PER_MS)
#define SMOOTH_US (2 * (tg_us)TG_US_PER_S)
#define WINDOW_US (10 * (tg_us)TG_US_PER_S)

static tg_us cpu_time(clockid_t clock)
{
    struct timespec t = {0};

    (void)clock_gettime(clock, &t); /* both clocks exist on Linux */
    return (tg_us)t.tv_sec * TG_US_PER_S + t.tv_nsec / 1000;
}

tg_us tg_rtc_load_cpu(void)
{
    return cpu_time(CLOCK_THREAD_CPUTIME_ID);
}

unsigned tg_rtc_load_smooth(unsigned from, unsigned permille, tg_us dt)
{
    const tg_us diff = (tg_us)permille * 16 - (tg_us)from;

    return (unsigned)((tg_us)from + diff * dt / (dt + SMOOTH_US));
}

static unsigned share(tg_us part, tg_us whole)
{
    return (unsigned)TG_MIN(TG_MAX(part, 0) * 1000 / whole, 1000);
}

static void sample(struct tg_rtc_load *l, tg_us now)
{
    const tg_us thread = tg_rtc_load_cpu();
    const tg_us process = cpu_time(CLOCK_PROCESS_CPUTIME_ID);
    const tg_us dt = now - l->sampled_at;
    const tg_us cores = TG_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);

    if (l->sampled_at != 0) {
        const unsigned mine =
            l->slow_us * 2 > dt ? 1000 : share(thread - l->thread_cpu - l->aside_us, dt);

        l->smooth = tg_rtc_load_smooth(l->smooth, mine, dt);
        l->smooth_all = tg_rtc_load_smooth(
            l->smooth_all, share(process - l->process_cpu - l->aside_us, dt * cores), dt);
        atomic_store(&l->permille, TG_MAX(l->smooth, l->smooth_all) / 16);
        tg_metric_add(TG_M_rtc_load_permille, (int64_t)(l->smooth / 16) - (int64_t)l->told);
        l->told = l->smooth / 16;
    }
    l->sampled_at = now;
    l->thread_cpu = thread;
    l->process_cpu = process;
    l->slow_us = 0;
    l->aside_us = 0;
}

void tg_rtc_load_aside(struct tg_rtc_load *l, tg_us took)
{
    l->aside_us += took;
}

/* The longest turn of any worker in the last ten seconds or so: the last window's stands until this
 * one is longer or over. Workers that race lose a number, not more. */
static void longest(struct tg_rtc_load *l, tg_us now, tg_us took)
{
    if (now - l->window_at >= WINDOW_US) {
        l->window_at = now;
        if (tg_metric_get(TG_M_rtc_turn_max_us) == l->turn_max)
            tg_metric_set(TG_M_rtc_turn_max_us, took);
        l->turn_max = 0;
    }
    if (took <= l->turn_max)
        return;
    l->turn_max = took;
    if (took > tg_metric_get(TG_M_rtc_turn_max_us))
        tg_metric_set(TG_M_rtc_turn_max_us, took);
}

void tg_rtc_load_turn(struct tg_rtc_load *l, tg_us began)
{
    const tg_us now = tg_clock_mono();
    const tg_us took = now - began;

    if (took > TG_RTC_TURN_SLOW_US)
        l->slow_us += took;
    longest(l, now, took);
    if (now - l->sampled_at >= SAMPLE_US)
        sample(l, now);
}

void tg_rtc_load_done(struct tg_rtc_load *l)
{
    tg_metric_add(TG_M_rtc_load_permille, -(int64_t)l->told);
    l->told = 0;
}
