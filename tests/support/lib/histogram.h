/*
 * histogram.h - durations by the million: percentiles to a tenth of a millisecond. Owner: one
 * thread.
 */
#ifndef TESTS_SUPPORT_HISTOGRAM_H
#define TESTS_SUPPORT_HISTOGRAM_H

#include <stdint.h>

#include "base/macros.h"

enum { HISTOGRAM_STEP_US = 100, HISTOGRAM_STEPS = 200001 }; /* up to 20 s; more counts as that */

/* About 800 KB: not for the stack. Zero-initialise. */
struct histogram {
    uint64_t count;
    tg_us max_us;
    uint32_t steps[HISTOGRAM_STEPS];
};

void histogram_clear(struct histogram *h);
/* Negative counts as 0. */
void histogram_add(struct histogram *h, tg_us duration_us);
/* The value that `permille` of all do not exceed, in ms; -1 = there is none. */
double histogram_ms(const struct histogram *h, unsigned permille);

#endif
