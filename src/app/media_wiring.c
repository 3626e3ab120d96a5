#include "app/media_wiring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/advertise.h"
#include "app/demo.h"
#include "app/publish_wiring.h"
#include "app/reason.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "fanout/fanout.h"
#include "media/media.h"
#include "msg/live.h"
#include "net/rtc_worker.h"
#include "plugins/plugins.h"

struct tg_wiring {
    struct tg_wiring_cfg cfg;
    struct tg_registry *registry;
    struct tg_mailbox *live;
    struct tg_media *media;
    struct tg_fanout *fanout;
    struct tg_publish *publish;
    struct tg_rendition renditions[TG_RENDITIONS_MAX];
    unsigned worker_count;
    struct tg_rtc_worker *workers[TG_FANOUT_WORKERS_MAX];
    struct tg_mailbox *worker_boxes[TG_FANOUT_WORKERS_MAX];
};

/* --- what the services tell each other
 * ------------------------------------------------------------- */

static void post_media(struct tg_wiring *w, enum tg_media_what what, uint16_t show, uint32_t count)
{
    struct tg_media_msg *msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));

    if (msg == NULL)
        return; /* the next request asks again */
    msg->what = what;
    msg->show = show;
    msg->count = count;
    /*
     * A keyframe is asked for again. Nobody repeats the last count of viewers, and without it the
     * host would sleep before an audience, so it goes in even when the box is full; as does the
     * end of a show.
     */
    if (what == TG_MEDIA_WATCHERS || what == TG_MEDIA_SHOW_END)
        (void)tg_mailbox_post_reply(tg_media_mailbox(w->media), msg); /* closed: stopping */
    else
        (void)tg_mailbox_post(tg_media_mailbox(w->media), msg);
}

static void on_keyframe(void *ctx, uint16_t show, unsigned layer)
{
    post_media(ctx, TG_MEDIA_KEYFRAME, show, layer);
}

static void on_viewers(void *ctx, uint16_t show, uint32_t count)
{
    post_media(ctx, TG_MEDIA_WATCHERS, show, count);
}

static void on_source(void *ctx, const struct tg_air *air)
{
    struct tg_wiring *w = ctx;

    tg_registry_show_set_on_air(w->registry, air->show, air->state == TG_AIR_ON);
    tg_fanout_show_on_air(w->fanout, air->show, air->state == TG_AIR_ON);
    tg_publish_tell_live(w->live, air, true);
}

void tg_wiring_show_added(struct tg_wiring *w, const struct tg_show_info *show)
{
    struct tg_media_msg *msg;
    tg_err err = tg_fanout_show_add(w->fanout, show->ord, show->epoch_us);

    if (err != TG_OK && err != TG_ERR_CONFLICT)
        tg_log_error("app", "show_without_video", "show=%u err=%s", show->ord, tg_err_name(err));
    if (err == TG_OK)
        tg_fanout_show_on_air(w->fanout, show->ord, false); /* until media says otherwise */
    msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));
    if (msg == NULL)
        return;
    msg->what = TG_MEDIA_SHOW_ADD;
    msg->show = show->ord;
    msg->demo = show->demo && w->cfg.demo;
    msg->epoch_us = show->epoch_us;
    tg_str_cut(msg->title, sizeof(msg->title), show->title);
    (void)tg_mailbox_post_reply(tg_media_mailbox(w->media), msg); /* at most TG_SHOWS_MAX */
}

static void post_rehearse(struct tg_mailbox *worker, uint16_t show, bool on)
{
    struct tg_rtc_req *req = tg_msg_new(TG_MSG_RTC_REQ, sizeof(*req));

    if (req == NULL) {
        tg_log_error("app", "rehearsal_not_told", "show=%u on=%d", show, on);
        return;
    }
    req->what = TG_RTC_REHEARSE;
    req->show = show;
    req->on = on;
    (void)tg_mailbox_post_reply(worker, req); /* few; closed: stopping */
}

void tg_wiring_show_state(struct tg_wiring *w, uint16_t show, enum tg_show_state state)
{
    for (unsigned i = 0; i < w->worker_count; i++)
        post_rehearse(w->worker_boxes[i], show, state == TG_SHOW_REHEARSAL);
    if (state == TG_SHOW_ENDED)
        post_media(w, TG_MEDIA_SHOW_END, show, 0);
}

/* --- start and stop
 * ---------------------------------------------------------------------------------- */

static tg_err start_media(struct tg_wiring *w, char *reason, size_t size)
{
    struct tg_media_cfg cfg = {
        .frame_out = tg_fanout_emit,
        .frame_ctx = w->fanout,
        .on_source = on_source,
        .source_ctx = w,
        .slate_text = w->cfg.config->ingest_slate_text,
        .grace_us = w->cfg.config->ingest_grace_s * TG_US_PER_S,
        .stall_us = w->cfg.config->ingest_stall_ms * TG_US_PER_MS,
    };
    struct tg_config_error refused;
    tg_err err = tg_config_renditions(w->cfg.config, w->renditions, &cfg.rendition_count, &refused);

    if (err != TG_OK) /* tg_config_check would have said so */
        return tg_because(err, reason, size, "%s: %s", refused.key, refused.reason);
    cfg.renditions = w->renditions;
    err = tg_media_init(w->cfg.data_dir);
    if (err != TG_OK)
        return tg_because(err, reason, size,
                          "GStreamer cannot start; is it installed whole? See "
                          "deploy/packages/run");
    err = tg_plugins_register();
    if (err != TG_OK)
        return tg_because(err, reason, size, "GStreamer refuses torg's elements");
    if (w->cfg.demo)
        cfg.products = tg_demo_products(&cfg.product_count);
    err = tg_media_new(&w->media, &cfg);
    if (err == TG_OK)
        err = tg_media_start(w->media);
    return err == TG_OK ? TG_OK
                        : tg_because(err, reason, size, "the media thread cannot start (%s)",
                                     tg_err_name(err));
}

static tg_err start_publish(struct tg_wiring *w, char *reason, size_t size)
{
    const struct tg_publish_cfg cfg = {
        .config = w->cfg.config,
        .demo = w->cfg.demo,
        .workers = w->worker_count,
        .ops = tg_media_source_ops(w->media),
        .registry = w->registry,
        .live = w->live,
    };

    return tg_publish_new(&w->publish, &cfg, reason, size);
}

/* Candidates of which none is of use to the public are an easy mistake behind NAT. */
static void warn_private(const struct tg_wiring *w, const struct tg_rtc_worker_cfg *cfg)
{
    if (w->cfg.demo || w->cfg.config->http_base_url[0] == '\0')
        return;
    for (size_t i = 0; i < cfg->advertise_count; i++) {
        if (!tg_advertise_private(&cfg->advertise[i]))
            return;
    }
    tg_log_warn("app", "advertise_private", "hint=%s",
                TG_LOG_Q("viewers outside cannot reach these addresses; set rtc.advertise"));
}

static tg_err advertise(struct tg_wiring *w, struct tg_rtc_worker_cfg *cfg, char *reason,
                        size_t size)
{
    const struct tg_cfg_list *list = &w->cfg.config->rtc_advertise;
    const char *item = "";
    const char *why = "";
    tg_err err = tg_advertise_resolve(list, cfg->advertise, TG_RTC_ADVERTISE_MAX,
                                      &cfg->advertise_count, &item, &why);

    if (err == TG_ERR_LIMIT)
        return tg_because(TG_ERR_MALFORMED, reason, size,
                          "rtc.advertise: its names have more than %d addresses together; name "
                          "fewer, or addresses",
                          TG_RTC_ADVERTISE_MAX);
    if (err != TG_OK)
        return tg_because(err, reason, size, "rtc.advertise: \"%s\" cannot be looked up (%s)", item,
                          why);
    if (list->count == 0)
        cfg->advertise_count = tg_rtc_advertise_default(cfg->advertise, TG_RTC_ADVERTISE_MAX,
                                                        &cfg->listen, w->cfg.demo);
    warn_private(w, cfg);
    return TG_OK;
}

static tg_err start_workers(struct tg_wiring *w, char *reason, size_t size)
{
    struct tg_rtc_worker_cfg cfg = {.handler_count = 2, .tcp = w->cfg.config->rtc_tcp};
    tg_err err = tg_config_addr(w->cfg.config->rtc_listen, &cfg.listen);
    uint16_t port = cfg.listen.port;

    if (err != TG_OK)
        return tg_because(err, reason, size,
                          "rtc.listen: the host of %s must be an IP address or *",
                          w->cfg.config->rtc_listen);
    err = advertise(w, &cfg, reason, size);
    for (unsigned i = 0; i < w->worker_count && err == TG_OK; i++) {
        cfg.index = i;
        cfg.listen.port = (uint16_t)(port == 0 ? 0 : port + i);
        cfg.handlers[0] = tg_fanout_handler(w->fanout, i);
        cfg.handlers[1] = tg_publish_handler(w->publish, i);
        err = tg_rtc_worker_start(&w->workers[i], &cfg);
        if (err != TG_OK)
            (void)tg_because(err, reason, size,
                             "rtc.listen: %s port %u cannot be used (%s, %s); %u workers take "
                             "%u ports counted up from it",
                             cfg.tcp ? "UDP or TCP" : "UDP", cfg.listen.port, tg_err_name(err),
                             strerror(errno), w->worker_count, w->worker_count);
        else
            w->worker_boxes[i] = tg_rtc_worker_mailbox(w->workers[i]);
    }
    return err;
}

static struct tg_fanout_limits limits_of(const struct tg_config *config)
{
    return (struct tg_fanout_limits){
        .egress_bps = (uint64_t)config->rtc_egress_mbps * 1000 * 1000,
        .cpu_permille_max = (unsigned)config->rtc_cpu_max_percent * 10,
    };
}

void tg_wiring_reload(struct tg_wiring *w, const struct tg_config *fresh)
{
    const struct tg_fanout_limits limits = limits_of(fresh);

    tg_fanout_set_limits(w->fanout, &limits);
}

tg_err tg_wiring_start(struct tg_wiring **ret, const struct tg_wiring_cfg *cfg,
                       struct tg_registry *registry, struct tg_mailbox *live, char *reason,
                       size_t size)
{
    struct tg_wiring *w = tg_calloc(1, sizeof(*w));
    struct tg_fanout_cfg fanout = {
        .limits = limits_of(cfg->config),
        .waiting_max = (size_t)cfg->config->rtc_queue_max,
        .guess_bps = (uint32_t)cfg->config->ingest_start_kbps * 1000,
        .pace_bps = (uint32_t)cfg->config->rtc_pace_mbps * 1000 * 1000,
        .request_keyframe = on_keyframe,
        .viewers = on_viewers,
    };
    tg_err err;

    if (w == NULL)
        return tg_because(TG_ERR_NOMEM, reason, size, "out of memory");
    w->cfg = *cfg;
    w->registry = registry;
    w->live = live;
    w->worker_count = tg_worker_count(cfg->config->rtc_workers);
    fanout.workers = w->worker_count;
    fanout.ctx = w;
    err = tg_fanout_new(&w->fanout, &fanout);
    if (err != TG_OK)
        (void)tg_because(err, reason, size, "the fan-out cannot be set up (%s)", tg_err_name(err));
    else
        err = start_media(w, reason, size);
    if (err == TG_OK)
        err = start_publish(w, reason, size);
    if (err == TG_OK)
        err = start_workers(w, reason, size);
    if (err == TG_OK)
        *ret = w;
    else
        tg_wiring_stop(w);
    return err;
}

tg_err tg_wiring_listen(struct tg_wiring *w, char *reason, size_t size)
{
    return tg_publish_listen(w->publish, reason, size);
}

void tg_wiring_unlisten(struct tg_wiring *w)
{
    if (w != NULL)
        tg_publish_unlisten(w->publish);
}

void tg_wiring_stop(struct tg_wiring *w)
{
    if (w == NULL)
        return;
    tg_wiring_unlisten(w);
    if (w->media != NULL)
        tg_media_stop(w->media); /* no frame comes after this */
    for (unsigned i = 0; i < w->worker_count; i++)
        tg_rtc_worker_stop(w->workers[i]); /* WHIP sessions close their sources */
    tg_publish_free(w->publish);
    tg_fanout_free(w->fanout);
    tg_media_free(w->media);
    tg_free(w);
}

struct tg_mailbox *const *tg_wiring_rtc_mailboxes(struct tg_wiring *w, size_t *ret_count)
{
    *ret_count = w->worker_count;
    return w->worker_boxes;
}

unsigned tg_wiring_rtmp_port(const struct tg_wiring *w)
{
    return tg_publish_rtmp_port(w->publish);
}
