#include "media/media.h"

#include <glib-unix.h>
#include <gst/gst.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "media/demo_scene.h"
#include "media/media_priv.h"
#include "media/show.h"

enum {
    SLEEP_US = 10 * TG_US_PER_S,
    GRACE_US = 60 * TG_US_PER_S,
    STALL_US = TG_US_PER_S,
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

/* --- tasks from publishers' threads ---------------------------------------------------------- */

struct queued_task {
    struct tg_media *media;
    struct tg_media_task task; /* with a reference of its source */
};

static gboolean run_task(gpointer ctx)
{
    const struct queued_task *queued = ctx;
    struct tg_media_show *show = queued->media->shows[queued->task.source->show];

    if (show != NULL)
        tg_media_show_task(show, &queued->task);
    return G_SOURCE_REMOVE;
}

static void free_task(gpointer ctx)
{
    struct queued_task *queued = ctx;

    tg_source_unref(queued->task.source);
    g_free(queued);
}

void tg_media_post_task(struct tg_media *media, const struct tg_media_task *task)
{
    struct queued_task *queued = g_new0(struct queued_task, 1);
    GSource *idle = g_idle_source_new();

    queued->media = media;
    queued->task = *task;
    (void)tg_source_ref(task->source); /* the queue's */
    /* One priority for all: tasks of one source must run in the order they were posted. */
    g_source_set_priority(idle, G_PRIORITY_DEFAULT);
    g_source_set_callback(idle, run_task, queued, free_task);
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
    struct tg_media_show *show = media->shows[msg->show];

    if (show != NULL) {
        tg_media_show_title(show, msg->title);
        return;
    }
    if (msg->demo)
        need_scene(media);
    show = tg_media_show_new(media, msg);
    tg_mutex_lock(&media->lock);
    media->shows[msg->show] = show;
    tg_mutex_unlock(&media->lock);
    tg_media_show_begin(show);
}

static void handle(struct tg_media *media, const struct tg_media_msg *msg)
{
    struct tg_media_show *show;

    if (msg->head.kind != TG_MSG_MEDIA || msg->show >= TG_SHOWS_MAX)
        return;
    show = media->shows[msg->show];
    if (msg->what == TG_MEDIA_SHOW_ADD) {
        add_show(media, msg);
        return;
    }
    if (show == NULL)
        return;
    switch (msg->what) {
    case TG_MEDIA_SHOW_ADD:
        break;
    case TG_MEDIA_SHOW_END:
        tg_media_show_over(show);
        break;
    case TG_MEDIA_WATCHERS:
        tg_media_show_watchers(show, msg->count);
        break;
    case TG_MEDIA_KEYFRAME:
        tg_media_show_keyframe(show, msg->count);
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

static void run(void *ctx)
{
    struct tg_media *media = ctx;

    g_main_context_push_thread_default(media->context);
    g_main_loop_run(media->loop);
    tg_mutex_lock(&media->lock);
    media->stopping = true; /* opens are refused from here on */
    tg_mutex_unlock(&media->lock);
    atomic_store(&media->stopped, true);
    for (size_t i = 0; i < TG_SHOWS_MAX; i++)
        if (media->shows[i] != NULL)
            tg_media_show_free(media->shows[i]);
    tg_mutex_lock(&media->lock);
    memset(media->shows, 0, sizeof(media->shows));
    tg_mutex_unlock(&media->lock);
    if (media->scene_idle != NULL) {
        g_source_destroy(media->scene_idle);
        g_clear_pointer(&media->scene_idle, g_source_unref);
    }
    g_main_context_pop_thread_default(media->context);
}

static tg_us or_default(tg_us value, tg_us when_zero)
{
    return value == 0 ? when_zero : value;
}

tg_err tg_media_new(struct tg_media **ret, const struct tg_media_cfg *cfg)
{
    struct tg_media *media = g_new0(struct tg_media, 1);
    tg_err err;

    TG_ASSERT(cfg->rendition_count <= TG_RENDITIONS_MAX);
    media->cfg = *cfg;
    media->cfg.demo_sleep_us = or_default(cfg->demo_sleep_us, SLEEP_US);
    media->cfg.grace_us = or_default(cfg->grace_us, GRACE_US);
    media->cfg.stall_us = or_default(cfg->stall_us, STALL_US);
    media->slate_text = g_strdup(cfg->slate_text == NULL ? "Back in a moment" : cfg->slate_text);
    media->cfg.slate_text = media->slate_text;
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
    g_free(media->slate_text);
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
