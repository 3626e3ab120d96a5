#include "app/publish_wiring.h"

#include <errno.h>
#include <string.h>

#include "app/reason.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "ingest/rtmp.h"
#include "ingest/whip.h"

struct tg_publish {
    struct tg_publish_cfg cfg;
    struct tg_whip *whip;
    struct tg_rtmp *rtmp;
};

/* --- who may ---------------------------------------------------------------------------------- */

static bool may_publish(const struct tg_token_info *token)
{
    return token->publish_only || (token->roles & (TG_ROLE_HOST | TG_ROLE_ADMIN)) != 0;
}

static tg_err show_of_key(struct tg_publish *p, const struct tg_token_info *token, const char *show,
                          struct tg_show_info *ret)
{
    tg_err err;

    if (show[0] != '\0') {
        err = tg_registry_show_get(p->cfg.registry, show, strlen(show), ret);
        if (err != TG_OK)
            return TG_ERR_NOTFOUND;
        return token->one_show && token->show != ret->ord ? TG_ERR_AUTH : TG_OK;
    }
    if (!token->one_show)
        return TG_ERR_NOTFOUND; /* a key for every show must say which one */
    return tg_registry_show_at(p->cfg.registry, token->show, ret);
}

static tg_err check_key(void *ctx, const char *show, const char *key, uint16_t *ret_show,
                        tg_us *ret_epoch_us)
{
    struct tg_publish *p = ctx;
    struct tg_token_info token;
    struct tg_show_info info;
    tg_err err =
        tg_registry_token_check(p->cfg.registry, tg_clock_wall(), key, strlen(key), &token);

    if (err != TG_OK || !may_publish(&token))
        return TG_ERR_AUTH;
    err = show_of_key(p, &token, show, &info);
    if (err != TG_OK)
        return err;
    *ret_show = info.ord;
    *ret_epoch_us = info.epoch_us;
    return TG_OK;
}

/* The web worker checked the token's text; here it is known by its public id. */
static bool still_valid(void *ctx, const char *id, uint16_t show)
{
    struct tg_publish *p = ctx;
    struct tg_token_info token;

    return tg_registry_token_get(p->cfg.registry, id, &token) == TG_OK &&
           token.expires_wall_us > tg_clock_wall() && may_publish(&token) &&
           (!token.one_show || token.show == show);
}

/* --- what publishers tell --------------------------------------------------------------------- */

void tg_publish_tell_live(struct tg_mailbox *live, const struct tg_air *air, bool change)
{
    struct tg_live_source *msg = tg_msg_new(TG_MSG_LIVE_SOURCE, sizeof(*msg));

    if (msg == NULL)
        return;
    msg->show = air->show;
    msg->change = change;
    msg->state = air->state;
    msg->kind = air->kind;
    msg->generation = air->generation;
    tg_str_cut(msg->publisher, sizeof(msg->publisher), air->publisher);
    tg_str_cut(msg->notice, sizeof(msg->notice), air->notice);
    (void)tg_mailbox_post_reply(live, msg); /* few a minute; must not be lost */
}

static void on_notice(void *ctx, uint16_t show, const char *text)
{
    const struct tg_publish *p = ctx;
    const struct tg_air air = {.show = show, .publisher = "", .notice = text};

    tg_publish_tell_live(p->cfg.live, &air, false);
}

static void on_uplink(void *ctx, const struct tg_live_uplink *uplink)
{
    const struct tg_publish *p = ctx;
    struct tg_live_uplink *msg = tg_msg_new(TG_MSG_LIVE_UPLINK, sizeof(*msg));
    struct tg_msg head;

    if (msg == NULL)
        return;
    head = msg->head;
    *msg = *uplink;
    msg->head = head;
    (void)tg_mailbox_post(p->cfg.live, msg); /* a full box: the next one comes in a second */
}

/* --- life ------------------------------------------------------------------------------------- */

static tg_err start_whip(struct tg_publish *p)
{
    const struct tg_whip_cfg cfg = {
        .workers = p->cfg.workers,
        .publishers_max = (unsigned)p->cfg.config->ingest_publishers_max,
        .grace_us = p->cfg.config->ingest_grace_s * TG_US_PER_S,
        .start_kbps = (unsigned)p->cfg.config->ingest_start_kbps,
        .ops = p->cfg.ops,
        .still_valid = still_valid,
        .uplink = on_uplink,
        .notice = on_notice,
        .ctx = p,
    };

    return tg_whip_new(&p->whip, &cfg);
}

tg_err tg_publish_new(struct tg_publish **ret, const struct tg_publish_cfg *cfg, char *reason,
                      size_t reason_size)
{
    struct tg_publish *p = tg_calloc(1, sizeof(*p));
    tg_err err = TG_ERR_NOMEM;

    if (p != NULL) {
        p->cfg = *cfg;
        err = start_whip(p);
    }
    if (err == TG_OK) {
        *ret = p;
        return TG_OK;
    }
    tg_publish_free(p);
    return tg_because(err, reason, reason_size, "publishing by WHIP cannot be set up (%s)",
                      tg_err_name(err));
}

const struct tg_rtc_handler *tg_publish_handler(struct tg_publish *p, unsigned index)
{
    return tg_whip_handler(p->whip, index);
}

tg_err tg_publish_listen(struct tg_publish *p, char *reason, size_t reason_size)
{
    const struct tg_config *config = p->cfg.config;
    struct tg_rtmp_cfg cfg = {
        .sessions_max = (unsigned)config->ingest_publishers_max,
        .trust_loopback = p->cfg.demo,
        .latency_us = config->ingest_latency_ms * TG_US_PER_MS,
        .idle_us_max = config->ingest_grace_s * TG_US_PER_S,
        .ops = p->cfg.ops,
        .check_key = check_key,
        .notice = on_notice,
        .uplink = on_uplink,
        .ctx = p,
    };
    tg_err err;

    if (strcmp(config->rtmp_listen, "off") == 0)
        return TG_OK;
    err = tg_config_addr(config->rtmp_listen, &cfg.listen);
    if (err != TG_OK)
        return tg_because(err, reason, reason_size,
                          "rtmp.listen: the host of %s must be an IP address or *",
                          config->rtmp_listen);
    err = tg_rtmp_start(&p->rtmp, &cfg);
    return err == TG_OK
               ? TG_OK
               : tg_because(err, reason, reason_size, "rtmp.listen: cannot listen on %s (%s, %s)",
                            config->rtmp_listen, tg_err_name(err), strerror(errno));
}

void tg_publish_unlisten(struct tg_publish *p)
{
    if (p == NULL)
        return;
    tg_rtmp_stop(p->rtmp);
    p->rtmp = NULL;
}

void tg_publish_free(struct tg_publish *p)
{
    if (p == NULL)
        return;
    tg_publish_unlisten(p);
    tg_whip_free(p->whip);
    tg_free(p);
}

unsigned tg_publish_rtmp_port(const struct tg_publish *p)
{
    return p->rtmp == NULL ? 0 : tg_rtmp_addr(p->rtmp).port;
}
