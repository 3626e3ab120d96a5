/*
 * histogram.c - see histogram.h.
 */
#include "support/lib/histogram.h"

#include <string.h>

void histogram_clear(struct histogram *h)
{
    memset(h, 0, sizeof(*h));
}

void histogram_add(struct histogram *h, tg_us duration_us)
{
    tg_us step = TG_MAX(duration_us, 0) / HISTOGRAM_STEP_US;

    h->steps[TG_MIN(step, HISTOGRAM_STEPS - 1)]++;
    h->max_us = TG_MAX(h->max_us, duration_us);
    h->count++;
}

double histogram_ms(const struct histogram *h, unsigned permille)
{
    uint64_t want = (h->count * permille + 999) / 1000;
    uint64_t seen = 0;

    if (h->count == 0)
        return -1;
    if (permille >= 1000)
        return (double)h->max_us / TG_US_PER_MS;
    for (size_t i = 0; i < HISTOGRAM_STEPS; i++) {
        seen += h->steps[i];
        if (seen >= want && seen > 0)
            return (double)i * HISTOGRAM_STEP_US / TG_US_PER_MS;
    }
    return (double)h->max_us / TG_US_PER_MS;
}
