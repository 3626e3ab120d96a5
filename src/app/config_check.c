/*
 * config_check.c - what no single row of the table can say: values that only their users
 * understand, and keys that must fit together. What passes here is not refused at the start.
 */
#include <stdio.h>
#include <string.h>

#include "api/origin.h"
#include "app/advertise.h"
#include "app/config_table.h"
#include "base/addr.h"
#include "base/cidr.h"
#include "base/str.h"
#include "net/rtc_worker.h"
#include "store/db.h"

static tg_err check_networks(const struct tg_cfg_list *list, const char *key,
                             struct tg_config_error *reterr)
{
    struct tg_cidr net;

    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], "loopback") != 0 && tg_cidr_parse(&net, list->items[i]) != TG_OK)
            return tg_config_refuse(reterr, key, "\"%.80s\" is no network such as 10.0.0.0/8",
                                    list->items[i]);
    }
    return TG_OK;
}

static tg_err check_origins(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    char origin[TG_CFG_TEXT_SIZE];

    for (size_t i = 0; i < cfg->embed_origins.count; i++) {
        if (!tg_origin_listable(cfg->embed_origins.items[i]))
            return tg_config_refuse(reterr, "embed.origins", "\"%.80s\" is no origin such as %s",
                                    cfg->embed_origins.items[i], "https://shop.example");
    }
    if (cfg->http_base_url[0] != '\0' &&
        tg_origin_of_url(origin, sizeof(origin), cfg->http_base_url) != TG_OK)
        return tg_config_refuse(reterr, "http.base_url", "must be an address such as %s",
                                "https://live.shop.example");
    return TG_OK;
}

/* Media ports are bound by address; nobody resolves names for them. */
tg_err tg_config_addr(const char *text, struct tg_addr *ret)
{
    char host[TG_CFG_TEXT_SIZE];
    uint16_t port;
    tg_err err = tg_config_hostport(text, host, sizeof(host), &port);

    if (err != TG_OK)
        return err;
    *ret = (struct tg_addr){0}; /* every address of both families */
    if (host[0] != '\0')
        err = tg_addr_parse(ret, host, strlen(host), port);
    ret->port = port;
    return err;
}

static tg_err check_listen(const char *text, const char *key, struct tg_config_error *reterr)
{
    struct tg_addr addr;

    if (tg_config_addr(text, &addr) != TG_OK)
        return tg_config_refuse(reterr, key, "%.80s must be host:port, the host an IP address or *",
                                text);
    return TG_OK;
}

static tg_err check_media(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    const struct tg_cfg_list *list = &cfg->rtc_advertise;
    tg_err err;

    if (strcmp(cfg->rtc_listen, "off") == 0)
        return tg_config_refuse(reterr, "rtc.listen", "cannot be off: viewers need it");
    err = check_listen(cfg->rtc_listen, "rtc.listen", reterr);
    if (err == TG_OK && strcmp(cfg->rtmp_listen, "off") != 0)
        err = check_listen(cfg->rtmp_listen, "rtmp.listen", reterr);
    if (err == TG_OK && list->count > TG_RTC_ADVERTISE_MAX)
        err = tg_config_refuse(reterr, "rtc.advertise", "has more than %d addresses",
                               TG_RTC_ADVERTISE_MAX);
    for (size_t i = 0; err == TG_OK && i < list->count; i++) {
        if (!tg_advertise_valid(list->items[i]))
            err = tg_config_refuse(reterr, "rtc.advertise",
                                   "\"%.80s\" is not an IP address or a host name", list->items[i]);
    }
    return err;
}

static tg_err check_store(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    char why[128];

    if (strncmp(cfg->store_url, "sqlite:", 7) == 0)
        return TG_OK;
    if (!tg_db_is_postgres(cfg->store_url))
        return tg_config_refuse(reterr, "store.url", "must begin with sqlite: or postgresql://");
    if (tg_db_check_url(cfg->store_url, why) != TG_OK)
        return tg_config_refuse(reterr, "store.url", "%s", why);
    return TG_OK;
}

static tg_err check_http(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    if (strcmp(cfg->http_listen, "off") == 0)
        return tg_config_refuse(reterr, "http.listen",
                                "cannot be off: it is how everything is reached");
    if (strcmp(cfg->http_tls, "files") == 0 &&
        (cfg->http_cert[0] == '\0' || cfg->http_key[0] == '\0'))
        return tg_config_refuse(reterr, "http.tls",
                                "is files, but http.cert or http.key is missing");
    return TG_OK;
}

tg_err tg_config_taxes(const struct tg_config *cfg, struct tg_taxes *ret)
{
    return tg_taxes_parse(ret, cfg->shop_tax, cfg->shop_tax_default);
}

static tg_err check_shop(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    struct tg_taxes taxes;
    tg_err err = tg_config_taxes(cfg, &taxes);

    if (err == TG_ERR_NOTFOUND)
        return tg_config_refuse(reterr, "shop.tax_default", "\"%.80s\" is no class of shop.tax",
                                cfg->shop_tax_default);
    if (err != TG_OK)
        return tg_config_refuse(reterr, "shop.tax",
                                "must be at most %d classes such as standard=2500",
                                TG_TAX_CLASSES_MAX);
    return TG_OK;
}

static tg_err check_all(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    struct tg_rendition renditions[TG_RENDITIONS_MAX];
    size_t count;
    tg_err err;

    err = check_store(cfg, reterr);
    if (err == TG_OK)
        err = check_http(cfg, reterr);
    if (err == TG_OK)
        err = check_media(cfg, reterr);
    if (err == TG_OK)
        err = tg_config_check_ice(cfg, reterr);
    if (err == TG_OK)
        err = tg_config_renditions(cfg, renditions, &count, reterr);
    if (err == TG_OK)
        err = check_origins(cfg, reterr);
    if (err == TG_OK)
        err = check_networks(&cfg->trusted_networks, "limits.trusted_networks", reterr);
    if (err == TG_OK)
        err = check_networks(&cfg->trusted_proxies, "limits.trusted_proxies", reterr);
    if (err == TG_OK)
        err = check_networks(&cfg->metrics_allow, "metrics.allow", reterr);
    if (err == TG_OK)
        err = check_networks(&cfg->webhooks_allow_networks, "webhooks.allow_networks", reterr);
    if (err == TG_OK)
        err = check_shop(cfg, reterr);
    return err;
}

tg_err tg_config_check(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    const struct tg_cfg_row *row;
    tg_err err;

    *reterr = (struct tg_config_error){0};
    err = check_all(cfg, reterr);
    row = err == TG_OK ? NULL : tg_cfg_row_find(reterr->key);
    if (row != NULL && cfg->from.lines[row - tg_cfg_rows] > 0) {
        tg_str_cut(reterr->file, sizeof(reterr->file), cfg->from.file);
        reterr->line = cfg->from.lines[row - tg_cfg_rows];
    }
    return err;
}
