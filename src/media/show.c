/*
 * A show has at most two publishers: `playing`, who was on air last, and `coming`, the newest,
 * whose first keyframe makes it `playing`. The switch (air.h) decides that in streaming threads;
 * settle() brings this side in line with it, as often as anything happens.
 *
 *   playing flows                    ON     the publisher
 *   playing is silent                STALL  the slate; the publisher's next keyframe ends it
 *   playing left                     STALL  the slate, for grace_us ...
 *   ... nobody came                  OFF    the slate while somebody watches, until the show is
 * over a demo show without a publisher  ON     the demo host
 */
#include "media/show.h"

#include <gst/gst.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "media/demo_host.h"
#include "media/publisher.h"
#include "media/slate.h"

enum {
    TICK_US = 100 * TG_US_PER_MS,      /* a stall is seen at most so much late */
    ASK_AGAIN_US = 500 * TG_US_PER_MS, /* a silent publisher may not have heard it */
    AUDIO_ONLY_US = 3 * TG_US_PER_S,   /* cameras open slower than microphones */
};

static const char reason_taken[] = "Another encoder has taken over this show.";

struct told {
    enum tg_air_state state;
    enum tg_source_kind kind;
    uint32_t generation;
    char publisher[TG_PUBLISHER_SIZE];
};

struct tg_media_show {
    struct tg_media *media;
    uint16_t ordinal;
    tg_us epoch_us;
    char title[TG_TITLE_SIZE];
    struct tg_air_switch *air;
    atomic_bool change_posted; /* any thread: settle() is on its way */
    struct tg_publisher *playing;
    struct tg_publisher *coming;
    struct tg_demo_host *demo; /* NULL = not a demo show */
    struct tg_slate *slate;
    bool slate_allowed; /* somebody was on air, and the show is not over */
    bool slate_broken;  /* GStreamer refused it: no more tries until the next publisher */
    bool silent;        /* playing is, or was until its next frame on air */
    uint32_t watchers;
    unsigned picture; /* as tg_source.picture, of who was on air last */
    bool vp8;
    tg_us asked_us;
    GSource *tick;        /* while somebody is playing */
    GSource *grace;       /* since the publisher left */
    GSource *slate_sleep; /* since the last watcher left */
    struct told told;
};

static void settle(struct tg_media_show *show);

/* --- telling -----------------------------------------------------------------------------------
 */

static bool flows(const struct tg_media_show *show, const struct tg_air_now *now)
{
    return show->playing != NULL && now->current == tg_publisher_feeder(show->playing) &&
           !now->stalled;
}

static struct told what_is(const struct tg_media_show *show)
{
    const struct tg_air_now now = tg_air_now(show->air);
    struct told is = show->told; /* names stay: who was on air until now */

    is.generation = now.generation;
    if (show->playing != NULL) {
        const struct tg_source *source = tg_publisher_source(show->playing);

        is.state = flows(show, &now) ? TG_AIR_ON : TG_AIR_STALL;
        is.kind = source->kind;
        tg_str_cut(is.publisher, sizeof(is.publisher), source->publisher);
    } else if (show->demo != NULL) {
        is.state = TG_AIR_ON;
        is.kind = TG_SOURCE_DEMO;
        is.publisher[0] = '\0';
    } else {
        is.state = show->grace != NULL ? TG_AIR_STALL : TG_AIR_OFF;
    }
    return is;
}

/* Only what is new. */
static void tell(struct tg_media_show *show, const char *notice)
{
    static const char *const names[] = {"off", "on", "stall"};
    const struct tg_media_cfg *cfg = &show->media->cfg;
    const struct told is = what_is(show);
    const struct tg_air air = {.show = show->ordinal,
                               .state = is.state,
                               .kind = is.kind,
                               .generation = is.generation,
                               .publisher = is.publisher,
                               .notice = notice};

    if (notice[0] == '\0' && is.state == show->told.state && is.kind == show->told.kind &&
        is.generation == show->told.generation && strcmp(is.publisher, show->told.publisher) == 0)
        return;
    show->told = is;
    tg_log_info("media", "source", "show=%u state=%s kind=%s generation=%u", show->ordinal,
                names[is.state], tg_source_kind_name(is.kind), is.generation);
    if (cfg->on_source != NULL)
        cfg->on_source(cfg->source_ctx, &air);
}

/* --- the slate ---------------------------------------------------------------------------------
 */

static void stop_slate(struct tg_media_show *show)
{
    tg_timer_stop(&show->slate_sleep);
    g_clear_pointer(&show->slate, tg_slate_free);
}

static void on_slate_error(void *ctx)
{
    struct tg_media_show *show = ctx;

    show->slate_broken = true;
    stop_slate(show);
}

static void remember_picture(struct tg_media_show *show)
{
    struct tg_source *source = tg_publisher_source(show->playing);

    show->picture = atomic_load(&source->picture);
    show->vp8 = atomic_load(&source->video_codec) == TG_CODEC_VP8;
}

/* false: nobody watches, or there is none. */
static bool make_slate(struct tg_media_show *show)
{
    const struct tg_slate_cfg cfg = {.air = show->air,
                                     .context = show->media->context,
                                     .epoch_us = show->epoch_us,
                                     .title = show->title,
                                     .text = show->media->slate_text,
                                     .width = show->picture >> 16,
                                     .height = show->picture & 0xffff,
                                     .vp8 = show->vp8,
                                     .on_error = on_slate_error,
                                     .ctx = show};

    if (show->watchers == 0 || !show->slate_allowed || show->slate_broken)
        return false;
    show->slate = tg_slate_new(&cfg);
    show->slate_broken = show->slate == NULL;
    return show->slate != NULL;
}

static void play_slate(struct tg_media_show *show)
{
    if (tg_slate_play(show->slate) == TG_OK)
        return;
    TG_COUNT(media_pipeline_errors_total);
    tg_log_error("media", "slate_play", "show=%u", show->ordinal);
    on_slate_error(show);
}

/* Nobody feeds the show: the slate has the air before its first frame. */
static void put_slate_on(struct tg_media_show *show, const char *notice)
{
    const bool made = show->slate == NULL && make_slate(show);

    if (show->slate != NULL)
        tg_feeder_take(tg_slate_feeder(show->slate));
    tell(show, notice); /* before the first frame of the new generation */
    if (made)
        play_slate(show);
}

/* The publisher on air is silent: it may still come back before the slate's first keyframe. */
static void send_slate_to_rescue(struct tg_media_show *show)
{
    if (show->slate != NULL || !make_slate(show))
        return;
    tg_feeder_rescue(tg_slate_feeder(show->slate));
    play_slate(show);
}

static gboolean on_slate_sleep(gpointer ctx)
{
    struct tg_media_show *show = ctx;

    stop_slate(show); /* takes this timer too */
    return G_SOURCE_REMOVE;
}

static gboolean on_grace_over(gpointer ctx)
{
    struct tg_media_show *show = ctx;

    tg_timer_stop(&show->grace);
    tell(show, "");
    return G_SOURCE_REMOVE;
}

/* --- while a publisher is on air -----------------------------------------------------------------
 */

static void ask_again(struct tg_media_show *show, tg_us now)
{
    if (now - show->asked_us < ASK_AGAIN_US)
        return;
    show->asked_us = now;
    tg_publisher_wish_keyframes(show->playing);
}

/* Renditions are made while somebody watches a publisher. */
static void tend_renditions(struct tg_media_show *show)
{
    const struct tg_air_now now = tg_air_now(show->air);

    if (show->playing != NULL)
        tg_publisher_renditions(
            show->playing, now.current == tg_publisher_feeder(show->playing) && show->watchers > 0,
            now.generation);
}

static gboolean on_tick(gpointer ctx)
{
    struct tg_media_show *show = ctx;
    const tg_us now = tg_clock_mono();
    bool stalled;

    settle(show);
    stalled = tg_air_check_stall(show->air, tg_publisher_feeder(show->playing), now,
                                 show->media->cfg.stall_us);
    if (stalled && !show->silent) {
        TG_COUNT(media_stalls_total);
        remember_picture(show);
    }
    show->silent = stalled || show->told.state == TG_AIR_STALL;
    if (stalled)
        send_slate_to_rescue(show);
    else if (tg_air_now(show->air).current == NULL)
        put_slate_on(show, ""); /* it slept, and somebody came to watch */
    if (show->silent)
        ask_again(show, now);
    tend_renditions(show);
    tell(show, "");
    return G_SOURCE_CONTINUE;
}

/* `coming` has taken the air. */
static void promote(struct tg_media_show *show)
{
    struct tg_publisher *before = show->playing;

    show->playing = show->coming;
    show->coming = NULL;
    if (before != NULL) {
        TG_COUNT(media_takeovers_total);
        tg_source_end(tg_publisher_source(before), reason_taken);
        tg_publisher_free(before);
    }
    stop_slate(show);
    tg_timer_stop(&show->grace);
    if (show->demo != NULL)
        tg_demo_host_leave(show->demo);
    show->slate_allowed = true;
    show->slate_broken = false;
    show->silent = false;
    if (show->tick == NULL)
        show->tick = tg_timer_start(show->media->context, TICK_US, on_tick, show);
    tell(show, before == NULL ? "" : reason_taken);
}

/* What the switch did meanwhile. */
static void settle(struct tg_media_show *show)
{
    const struct tg_air_now now = tg_air_now(show->air);

    if (show->coming != NULL && now.current == tg_publisher_feeder(show->coming)) {
        promote(show);
        return;
    }
    if (flows(show, &now)) {
        stop_slate(show);
        show->silent = false;
    }
    tell(show, "");
}

static gboolean on_change_posted(gpointer ctx)
{
    struct tg_media_show *show = ctx;

    atomic_store(&show->change_posted, false);
    settle(show);
    return G_SOURCE_REMOVE;
}

/* Any thread. */
static void on_air_change(void *ctx)
{
    struct tg_media_show *show = ctx;
    GSource *idle;

    if (atomic_exchange(&show->change_posted, true))
        return;
    idle = g_idle_source_new();
    g_source_set_priority(idle, G_PRIORITY_HIGH);
    g_source_set_callback(idle, on_change_posted, show, NULL);
    (void)g_source_attach(idle, show->media->context); /* the id is not needed */
    g_source_unref(idle);
}

/* --- publishers come and go ----------------------------------------------------------------------
 */

/* The publisher on air is gone (left, refused, failed). */
static void lose_playing(struct tg_media_show *show, const char *notice)
{
    const struct tg_media *media = show->media;

    remember_picture(show);
    g_clear_pointer(&show->playing, tg_publisher_free);
    tg_timer_stop(&show->tick);
    show->silent = false;
    if (show->demo != NULL) {
        stop_slate(show);
        tg_demo_host_take(show->demo);
        tell(show, notice);
        return;
    }
    if (show->slate_allowed)
        show->grace = tg_timer_start(media->context, media->cfg.grace_us, on_grace_over, show);
    put_slate_on(show, notice);
}

/* Its source answers CLOSED already. */
static void drop(struct tg_media_show *show, struct tg_publisher *publisher, const char *notice)
{
    if (publisher == show->playing) {
        lose_playing(show, notice);
    } else if (publisher == show->coming) {
        g_clear_pointer(&show->coming, tg_publisher_free);
        tell(show, notice);
    }
}

static void on_publisher_error(void *ctx, struct tg_publisher *publisher, const char *notice)
{
    struct tg_media_show *show = ctx;

    tg_source_end(tg_publisher_source(publisher),
                  "torg could not process this stream and ended it.");
    settle(show); /* may free it, and then it is neither */
    drop(show, publisher, notice);
}

static void on_opened(struct tg_media_show *show, struct tg_source *source)
{
    if (atomic_load(&source->closed))
        return; /* gone before it began */
    if (show->coming != NULL) {
        tg_source_end(tg_publisher_source(show->coming), reason_taken);
        g_clear_pointer(&show->coming, tg_publisher_free);
    }
    show->coming = tg_publisher_new(show->air, source, on_publisher_error, show);
    if (show->coming == NULL) {
        TG_COUNT(media_pipeline_errors_total);
        tg_source_end(source, "torg could not process this stream and ended it.");
        tell(show, "torg could not start a pipeline for this show.");
        return;
    }
    tg_feeder_arm(tg_publisher_feeder(show->coming));
}

static struct tg_publisher *find(struct tg_media_show *show, const struct tg_source *source)
{
    if (show->playing != NULL && tg_publisher_source(show->playing) == source)
        return show->playing;
    if (show->coming != NULL && tg_publisher_source(show->coming) == source)
        return show->coming;
    return NULL;
}

static void on_chain(struct tg_media_show *show, struct tg_publisher *publisher,
                     const struct tg_media_task *task)
{
    if (tg_publisher_add_chain(publisher, task->track, task->codec, task->layer) == TG_OK)
        return;
    TG_COUNT(media_pipeline_errors_total);
    on_publisher_error(show, publisher,
                       "torg lacks a GStreamer element for this stream; run torgctl doctor on "
                       "the server.");
}

void tg_media_show_task(struct tg_media_show *show, const struct tg_media_task *task)
{
    struct tg_publisher *publisher;
    const char *notice = "";

    settle(show);
    publisher = find(show, task->source);
    switch (task->what) {
    case TG_TASK_OPENED:
        on_opened(show, task->source);
        break;
    case TG_TASK_CHAIN:
        if (publisher != NULL)
            on_chain(show, publisher, task);
        break;
    case TG_TASK_REFUSED:
        notice = atomic_load(&task->source->closed_reason); /* set before the task was posted */
        if (publisher == NULL)                              /* refused before it began */
            tell(show, notice);
        else
            drop(show, publisher, notice);
        break;
    case TG_TASK_CLOSED:
        if (publisher != NULL)
            drop(show, publisher, "");
        break;
    }
}

/* --- messages ------------------------------------------------------------------------------------
 */

void tg_media_show_watchers(struct tg_media_show *show, uint32_t count)
{
    show->watchers = count;
    tend_renditions(show);
    if (show->demo != NULL)
        tg_demo_host_watchers(show->demo, count);
    if (count > 0) {
        tg_timer_stop(&show->slate_sleep);
        if (show->playing == NULL && show->demo == NULL && show->slate == NULL)
            put_slate_on(show, "");
    } else if (show->slate != NULL && show->slate_sleep == NULL) {
        show->slate_sleep = tg_timer_start(show->media->context, show->media->cfg.demo_sleep_us,
                                           on_slate_sleep, show);
    }
}

void tg_media_show_keyframe(struct tg_media_show *show, unsigned layer)
{
    struct tg_air_now now;

    settle(show);
    now = tg_air_now(show->air);
    if (show->playing != NULL && now.current == tg_publisher_feeder(show->playing))
        tg_publisher_wish_keyframe(show->playing, layer);
    else if (show->slate != NULL && now.current == tg_slate_feeder(show->slate))
        tg_slate_keyframe(show->slate);
    else if (show->demo != NULL)
        tg_demo_host_keyframe(show->demo);
}

void tg_media_show_title(struct tg_media_show *show, const char *title)
{
    tg_str_cut(show->title, sizeof(show->title), title);
}

void tg_media_show_over(struct tg_media_show *show)
{
    show->slate_allowed = false;
    stop_slate(show);
    tg_timer_stop(&show->grace);
    settle(show);
}

static void on_demo_awake(void *ctx)
{
    tell(ctx, "");
}

struct tg_media_show *tg_media_show_new(struct tg_media *media, const struct tg_media_msg *add)
{
    struct tg_media_show *show = g_new0(struct tg_media_show, 1);
    const struct tg_air_cfg air = {.frame_out = media->cfg.frame_out,
                                   .frame_ctx = media->cfg.frame_ctx,
                                   .show = add->show,
                                   .epoch_us = add->epoch_us,
                                   .audio_only_us = AUDIO_ONLY_US,
                                   .on_change = on_air_change,
                                   .ctx = show};

    show->media = media;
    show->ordinal = add->show;
    show->epoch_us = add->epoch_us;
    tg_media_show_title(show, add->title);
    show->air = tg_air_switch_new(&air);
    if (add->demo) {
        const struct tg_demo_host_cfg demo = {.air = show->air,
                                              .context = media->context,
                                              .ordinal = add->show,
                                              .epoch_us = add->epoch_us,
                                              .scene = media->scene,
                                              .sleep_us = media->cfg.demo_sleep_us,
                                              .on_awake = on_demo_awake,
                                              .ctx = show};

        show->demo = tg_demo_host_new(&demo);
    }
    return show;
}

void tg_media_show_begin(struct tg_media_show *show)
{
    if (show->demo == NULL)
        return;
    tg_demo_host_take(show->demo);
    tell(show, "");
}

void tg_media_show_free(struct tg_media_show *show)
{
    tg_timer_stop(&show->tick);
    tg_timer_stop(&show->grace);
    stop_slate(show);
    tg_demo_host_free(show->demo);
    tg_publisher_free(show->coming);
    tg_publisher_free(show->playing);
    tg_air_switch_free(show->air);
    g_free(show);
}
