#include "media/media.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/demo_host.h"
#include "media/demo_scene.h"
#include "media/media_priv.h"

struct task {
    enum tg_source_task what;
    struct tg_source *source; /* a reference */
};

tg_err tg_media_init(const char *data_dir)
{
    char path[PATH_MAX];
    GError *error = NULL;

    if (data_dir != NULL) {
        int len = snprintf(path, sizeof(path), "%s/gstreamer-registry.bin", data_dir);

        if (len < 0 || (size_t)len >= sizeof(path))
            return TG_ERR_LIMIT;
        if (!g_setenv("GST_REGISTRY", path, TRUE))
            return TG_ERR_IO;
    }
    gst_segtrap_set_enabled(FALSE); /* a crash must reach the operating system */
    if (!gst_init_check(NULL, NULL, &error)) {
        tg_log_error("media", "gstreamer_init", "err=%s",
                     TG_LOG_Q(error == NULL ? "" : error->message));
        g_clear_error(&error);
        return TG_ERR_IO;
    }
    return TG_OK;
}

/* --- shows --------------------------------------------------------------------------------- */

static void tell(struct tg_media_show *show, bool on, uint32_t generation, const char *notice)
{
    const struct tg_media_cfg *cfg = &show->media->cfg;
    const struct tg_air air = {.show = show->ordinal,
                               .state = on ? TG_AIR_ON : TG_AIR_OFF,
                               .kind = show->playing == NULL ? TG_SOURCE_DEMO : show->playing->kind,
                               .generation = generation,
                               .publisher = show->playing == NULL ? "" : show->playing->publisher,
                               .notice = notice};

    tg_log_info("media", "source", "show=%u on=%d generation=%u", show->ordinal, on, generation);
    if (cfg->on_source != NULL)
        cfg->on_source(cfg->source_ctx, &air);
}

void tg_media_show_on_air(struct tg_media_show *show)
{
    uint32_t generation;

    tg_mutex_lock(&show->media->lock);
    generation = ++show->generation;
    tg_mutex_unlock(&show->media->lock);
    show->demo_generation = generation;
    tell(show, true, generation, "");
}

static struct tg_fanout_out out_of(const struct tg_media_show *show, uint32_t generation)
{
    return (struct tg_fanout_out){.fn = show->media->cfg.frame_out,
                                  .ctx = show->media->cfg.frame_ctx,
                                  .show = show->ordinal,
                                  .generation = generation};
}

struct tg_fanout_out tg_media_show_out(const struct tg_media_show *show)
{
    return out_of(show, show->demo_generation);
}

/* The publisher's pipeline ends; its streaming threads are gone afterwards. */
static void stop_publisher(struct tg_media_show *show)
{
    g_clear_pointer(&show->publisher, tg_publisher_free);
    g_clear_pointer(&show->playing, tg_source_unref);
}

/* The show's publisher is gone (left, refused, failed); who is newer than that stays. */
static void end_playing(struct tg_media_show *show, const char *notice)
{
    struct tg_source *ended = show->playing;
    uint32_t generation = ended->generation;
    bool last;

    tg_mutex_lock(&show->media->lock);
    last = show->source == ended;
    if (last)
        show->source = NULL;
    tg_mutex_unlock(&show->media->lock);
    if (last)
        tg_source_unref(ended); /* the show's; `playing` holds another */
    stop_publisher(show);
    if (!last)
        return; /* the newer one's TG_TASK_OPENED is on its way */
    if (show->demo == NULL || notice[0] != '\0')
        tell(show, false, generation, notice);
    if (show->demo != NULL)
        tg_demo_host_take(show->demo);
}

static void on_publisher_error(void *ctx, const char *notice)
{
    struct tg_media_show *show = ctx;

    tg_source_end(show->playing, "torg could not process this stream and ended it.");
    end_playing(show, notice);
}

static void on_opened(struct tg_media_show *show, struct tg_source *source)
{
    const struct tg_fanout_out out = out_of(show, source->generation);
    const bool taken = show->playing != NULL;
    bool newest;

    tg_mutex_lock(&show->media->lock);
    newest = show->source == source;
    tg_mutex_unlock(&show->media->lock);
    if (!newest)
        return; /* taken over before it began */
    stop_publisher(show);
    if (show->demo != NULL)
        tg_demo_host_leave(show->demo);
    show->playing = tg_source_ref(source);
    show->publisher = tg_publisher_new(show->media->context, &out, on_publisher_error, show);
    if (show->publisher == NULL) {
        on_publisher_error(show, "torg could not start a pipeline for this show.");
        return;
    }
    tell(show, true, source->generation, taken ? "Another encoder has taken over this show." : "");
}

static void on_chain(struct tg_media_show *show, struct tg_source *source, enum tg_track track)
{
    if (show->playing != source || show->publisher == NULL)
        return;
    if (tg_publisher_add_chain(show->publisher, track, source->ingest[track]) != TG_OK) {
        TG_COUNT(media_pipeline_errors_total);
        on_publisher_error(show, "torg lacks a GStreamer element for this stream; run torgctl "
                                 "doctor on the server.");
    }
}

/* A publisher that never got as far as playing may still be the show's newest. */
static void forget(struct tg_media_show *show, struct tg_source *source)
{
    bool mine;

    tg_mutex_lock(&show->media->lock);
    mine = show->source == source;
    if (mine)
        show->source = NULL;
    tg_mutex_unlock(&show->media->lock);
    if (mine)
        tg_source_unref(source);
}

static void on_ended(struct tg_media_show *show, struct tg_source *source, const char *notice)
{
    if (show->playing == source)
        end_playing(show, notice);
    else
        forget(show, source);
}

/* --- tasks from publishers' threads ---------------------------------------------------------- */

static gboolean run_task(gpointer ctx)
{
    struct task *task = ctx;
    struct tg_source *source = task->source;
    struct tg_media_show *show = source->media->shows[source->show];
    const char *reason;

    if (show == NULL)
        return G_SOURCE_REMOVE;
    switch (task->what) {
    case TG_TASK_OPENED:
        on_opened(show, source);
        break;
    case TG_TASK_CHAIN_VIDEO:
        on_chain(show, source, TG_TRACK_VIDEO);
        break;
    case TG_TASK_CHAIN_AUDIO:
        on_chain(show, source, TG_TRACK_AUDIO);
        break;
    case TG_TASK_CLOSED:
        on_ended(show, source, "");
        break;
    case TG_TASK_REFUSED:
        reason = atomic_load(&source->closed_reason);
        on_ended(show, source, reason == NULL ? "" : reason);
        break;
    }
    return G_SOURCE_REMOVE;
}

static void free_task(gpointer ctx)
{
    struct task *task = ctx;

    tg_source_unref(task->source);
    g_free(task);
}

void tg_media_post_task(struct tg_media *media, enum tg_source_task what, struct tg_source *source)
{
    struct task *task = g_new0(struct task, 1);
    GSource *idle = g_idle_source_new();

    task->what = what;
    task->source = tg_source_ref(source);
    /* One priority for all: tasks of one source must run in the order they were posted. */
    g_source_set_priority(idle, G_PRIORITY_DEFAULT);
    g_source_set_callback(idle, run_task, task, free_task);
    (void)g_source_attach(idle, media->context); /* the id is not needed */
    g_source_unref(idle);
}

/* --- messages ------------------------------------------------------------------------------ */

static gboolean prepare_scene(gpointer ctx)
{
    struct tg_media *media = ctx;

    if (tg_demo_scene_step(media->scene))
        return G_SOURCE_CONTINUE;
    g_clear_pointer(&media->scene_idle, g_source_unref);
    return G_SOURCE_REMOVE;
}

/* The drawings are made piece by piece while the thread has nothing better to do. */
static void need_scene(struct tg_media *media)
{
    if (media->scene != NULL)
        return;
    media->scene = tg_demo_scene_new(media->cfg.products, media->cfg.product_count);
    media->scene_idle = g_idle_source_new();
    g_source_set_callback(media->scene_idle, prepare_scene, media, NULL);
    (void)g_source_attach(media->scene_idle, media->context); /* the id is not needed */
}

static void add_show(struct tg_media *media, const struct tg_media_msg *msg)
{
    struct tg_media_show *show;

    if (media->shows[msg->show] != NULL)
        return;
    show = g_new0(struct tg_media_show, 1);
    show->media = media;
    show->ordinal = msg->show;
    show->epoch_us = msg->epoch_us;
    if (msg->demo) {
        const struct tg_demo_host_cfg cfg = {.show = show,
                                             .scene = (need_scene(media), media->scene),
                                             .sleep_us = media->cfg.demo_sleep_us};
        show->demo = tg_demo_host_new(&cfg);
    }
    tg_mutex_lock(&media->lock);
    media->shows[msg->show] = show;
    tg_mutex_unlock(&media->lock);
    if (show->demo != NULL)
        tg_demo_host_take(show->demo);
}

static void handle(struct tg_media *media, const struct tg_media_msg *msg)
{
    struct tg_media_show *show;

    if (msg->head.kind != TG_MSG_MEDIA || msg->show >= TG_SHOWS_MAX)
        return;
    show = media->shows[msg->show];
    switch (msg->what) {
    case TG_MEDIA_SHOW_ADD:
        add_show(media, msg);
        break;
    case TG_MEDIA_SHOW_END:
        break;
    case TG_MEDIA_WATCHERS:
        if (show != NULL && show->demo != NULL)
            tg_demo_host_watchers(show->demo, msg->count);
        break;
    case TG_MEDIA_KEYFRAME: /* a publisher over RTMP cannot be asked */
        if (show != NULL && show->demo != NULL)
            tg_demo_host_keyframe(show->demo);
        break;
    }
}

static gboolean on_mail(gint fd TG_UNUSED, GIOCondition condition TG_UNUSED, gpointer ctx)
{
    enum { BATCH = 32 };
    struct tg_media *media = ctx;
    void *batch[BATCH];
    size_t count = tg_mailbox_take(media->mailbox, batch, BATCH);

    for (size_t i = 0; i < count; i++) {
        handle(media, batch[i]);
        tg_msg_free(batch[i]);
    }
    if (tg_mailbox_ended(media->mailbox)) {
        g_main_loop_quit(media->loop);
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

/* --- the thread ---------------------------------------------------------------------------- */

static void free_show(struct tg_media_show *show)
{
    struct tg_source *newest;

    stop_publisher(show);
    tg_demo_host_free(show->demo);
    tg_mutex_lock(&show->media->lock);
    newest = show->source;
    show->source = NULL;
    tg_mutex_unlock(&show->media->lock);
    if (newest != NULL)
        tg_source_end(newest, "The server is stopping.");
    tg_source_unref(newest);
    g_free(show);
}

static void run(void *ctx)
{
    struct tg_media *media = ctx;

    g_main_context_push_thread_default(media->context);
    g_main_loop_run(media->loop);
    tg_mutex_lock(&media->lock);
    media->stopping = true; /* opens are refused from here on */
    tg_mutex_unlock(&media->lock);
    for (size_t i = 0; i < TG_SHOWS_MAX; i++)
        if (media->shows[i] != NULL)
            free_show(media->shows[i]);
    tg_mutex_lock(&media->lock);
    memset(media->shows, 0, sizeof(media->shows));
    tg_mutex_unlock(&media->lock);
    if (media->scene_idle != NULL) {
        g_source_destroy(media->scene_idle);
        g_clear_pointer(&media->scene_idle, g_source_unref);
    }
    g_main_context_pop_thread_default(media->context);
}

tg_err tg_media_new(struct tg_media **ret, const struct tg_media_cfg *cfg)
{
    struct tg_media *media = g_new0(struct tg_media, 1);
    tg_err err;

    media->cfg = *cfg;
    tg_mutex_init(&media->lock);
    media->context = g_main_context_new();
    media->loop = g_main_loop_new(media->context, FALSE);
    err = tg_mailbox_new(&media->mailbox, TG_MB_MEDIA, tg_msg_free);
    if (err != TG_OK) {
        tg_media_free(media);
        return err;
    }
    media->mail = g_unix_fd_source_new(tg_mailbox_fd(media->mailbox), G_IO_IN);
    g_source_set_callback(media->mail, G_SOURCE_FUNC(on_mail), media, NULL);
    (void)g_source_attach(media->mail, media->context); /* the id is not needed */
    *ret = media;
    return TG_OK;
}

tg_err tg_media_start(struct tg_media *media)
{
    return tg_thread_start(&media->thread, "media", run, media);
}

void tg_media_stop(struct tg_media *media)
{
    tg_mailbox_close(media->mailbox);
    tg_thread_join(media->thread);
    media->thread = NULL;
}

void tg_media_free(struct tg_media *media)
{
    if (media == NULL)
        return;
    if (media->mail != NULL) {
        g_source_destroy(media->mail);
        g_source_unref(media->mail);
    }
    g_main_loop_unref(media->loop);
    g_main_context_unref(media->context); /* frees the tasks nobody ran */
    tg_mailbox_free(media->mailbox);
    tg_demo_scene_free(media->scene);
    tg_mutex_done(&media->lock);
    g_free(media);
}

struct tg_mailbox *tg_media_mailbox(struct tg_media *media)
{
    return media->mailbox;
}

struct tg_source_ops tg_media_source_ops(struct tg_media *media)
{
    return (struct tg_source_ops){.ctx = media,
                                  .open = tg_source_open,
                                  .push = tg_source_push,
                                  .poll = tg_source_poll,
                                  .close = tg_source_close};
}
