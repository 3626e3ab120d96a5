/*
 * metrics.h - counters and gauges that /metrics shows. Any thread.
 *
 * Every metric is a row of metrics.def, without labels that carry ids or names. On the packet path
 * count in a local variable and add once per loop turn.
 */
#ifndef TG_BASE_METRICS_H
#define TG_BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

#define TG_COUNTER(id, help) TG_M_##id,
#define TG_GAUGE(id, help) TG_M_##id,
enum tg_metric {
#include "base/metrics.def"
    TG_M_COUNT
};
#undef TG_COUNTER
#undef TG_GAUGE

void tg_metric_add(enum tg_metric m, int64_t n);
void tg_metric_set(enum tg_metric m, int64_t value);
int64_t tg_metric_get(enum tg_metric m);
/* Prometheus text format 0.0.4. */
void tg_metrics_write(struct tg_buf *out);

/* One odd-but-legal or refused thing happened. */
#define TG_COUNT(id) tg_metric_add(TG_M_##id, 1)

#endif
