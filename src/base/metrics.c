#include "base/metrics.h"

#include <stdatomic.h>

struct row {
    const char *name;
    const char *help;
    const char *type;
};

#define TG_COUNTER(id, help) {"torg_" #id, help, "counter"},
#define TG_GAUGE(id, help) {"torg_" #id, help, "gauge"},
static const struct row rows[] = {
#include "base/metrics.def"
};
#undef TG_COUNTER
#undef TG_GAUGE

static _Atomic int64_t values[TG_M_COUNT];

void tg_metric_add(enum tg_metric m, int64_t n)
{
    (void)atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

void tg_metric_set(enum tg_metric m, int64_t value)
{
    atomic_store_explicit(&values[m], value, memory_order_relaxed);
}

int64_t tg_metric_get(enum tg_metric m)
{
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

void tg_metrics_write(struct tg_buf *out)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++)
        tg_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", rows[i].name, rows[i].help,
                      rows[i].name, rows[i].type, rows[i].name,
                      (long long)tg_metric_get((enum tg_metric)i));
}
