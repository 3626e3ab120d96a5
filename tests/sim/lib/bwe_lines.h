/* bwe_lines.h - the networks of sim_bwe, and what must hold on each. */
#ifndef TG_SIM_BWE_LINES_H
#define TG_SIM_BWE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum { BWE_PHASES = 4 };

/* What must hold in a phase, `settle` after it began. */
struct phase {
    unsigned seconds;
    uint32_t rate_kbit;
    uint32_t cross_kbit;
    tg_us delay_us;
    int layer;          /* nearly always this one; PAUSED, ANY */
    unsigned settle_s;  /* ... from then on */
    unsigned pause_ms;  /* longest pause of the picture in the whole phase; 0 = not checked */
    unsigned changes;   /* most changes of layer after settling */
    unsigned share_pct; /* "nearly always" */
};

enum { PAUSED = -1, ANY = -2 };

struct line {
    const char *name;
    double loss;
    tg_us jitter_us;
    tg_us stall_us;    /* every two to six seconds nothing comes for so long, then all at once */
    bool ladder;       /* the lower layers are made of the best, later; that one obeys nobody */
    bool remb;         /* that is all the browser sends, with RR and NACK */
    unsigned whole_pm; /* of 1000 frames; 0 = not checked */
    struct phase phases[BWE_PHASES];
};

static const struct line lines[] = {
    {"steady 4 Mbit/s",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     990,
     {{90, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 250, 1, 100}}},
    {"stalls of 150 ms",
     0,
     4 * TG_US_PER_MS,
     150 * TG_US_PER_MS,
     false,
     false,
     0,
     {{90, 4000, 0, 20 * TG_US_PER_MS, 0, 5, 500, 0, 100}}},
    {"4 - 0.8 - 4",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     0,
     {{20, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 250, 1, 100},
      {25, 800, 0, 20 * TG_US_PER_MS, 2, 3, 500, 1, 97},
      {30, 4000, 0, 20 * TG_US_PER_MS, 0, 15, 250, 1, 97}}},
    {"4 - 0.8 - 4, ladder",
     0,
     4 * TG_US_PER_MS,
     0,
     true,
     false,
     0,
     {{20, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 250, 1, 100},
      {25, 800, 0, 20 * TG_US_PER_MS, 2, 3, 500, 1, 97},
      {30, 4000, 0, 20 * TG_US_PER_MS, 0, 15, 250, 1, 97}}},
    {"5 % loss",
     0.05,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     980,
     {{60, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 700, 1, 100}}},
    {"cross traffic",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     0,
     {{20, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 250, 1, 100},
      {30, 4000, 2400, 20 * TG_US_PER_MS, 1, 4, 600, 2, 90},
      {30, 4000, 0, 20 * TG_US_PER_MS, 0, 15, 250, 1, 97}}},
    {"200 kbit/s",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     0,
     {{10, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 250, 1, 100},
      {40, 200, 0, 20 * TG_US_PER_MS, PAUSED, 4, 0, 2, 90},
      {40, 4000, 0, 20 * TG_US_PER_MS, 0, 25, 0, 1, 97}}},
    {"delay 20 - 200 - 20 ms",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     0,
     {{20, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 250, 1, 100},
      {30, 4000, 0, 200 * TG_US_PER_MS, 0, 20, 500, 1, 97},
      {30, 4000, 0, 20 * TG_US_PER_MS, 0, 20, 500, 1, 97}}},
    {"joins at 0.8",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     0,
     {{40, 800, 0, 40 * TG_US_PER_MS, 2, 5, 0, 1, 97}}},
    {"between two layers",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     false,
     0,
     {{120, 1150, 0, 40 * TG_US_PER_MS, ANY, 5, 0, 16, 0}}},
    {"REMB only",
     0,
     4 * TG_US_PER_MS,
     0,
     false,
     true,
     0,
     {{30, 4000, 0, 20 * TG_US_PER_MS, 0, 0, 1500, 1, 100},
      {30, 800, 0, 20 * TG_US_PER_MS, 2, 10, 0, 4, 70},
      {90, 4000, 0, 20 * TG_US_PER_MS, 0, 75, 0, 1, 95}}},
};

#endif
