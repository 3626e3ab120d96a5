#include <glib.h>

#include "media/media_priv.h"

GSource *tg_timer_start(GMainContext *context, tg_us wait_us, tg_timer_fn fn, void *ctx)
{
    GSource *timer = g_timeout_source_new((guint)(wait_us / TG_US_PER_MS + 1));

    g_source_set_callback(timer, fn, ctx, NULL);
    (void)g_source_attach(timer, context); /* the id is not needed */
    return timer;
}

void tg_timer_stop(GSource **timer)
{
    if (*timer == NULL)
        return;
    g_source_destroy(*timer);
    g_clear_pointer(timer, g_source_unref);
}
