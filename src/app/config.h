/*
 * config.h - the configuration: one YAML file, environment overrides, a table of rows.
 *
 * A row says key, type, default, range and help; the table makes the parser, the checks, `torgd
 * --help` and the reference in configs/torg.yaml (a test compares the two). Unknown key or bad
 * value = refuse to start, naming file, line, key and reason. TORG_SECTION_KEY overrides the file.
 * Owner: main thread; read-only after loading.
 */
#ifndef TG_APP_CONFIG_H
#define TG_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"
#include "msg/media.h"
#include "shop/money.h"

enum {
    TG_CFG_TEXT_SIZE = 512,
    TG_CFG_LIST_MAX = 32,
    TG_CFG_ITEM_SIZE = 128,
    TG_CFG_ROWS_MAX = 64,
    TG_CFG_SECRET_SIZE = 257,     /* coturn's static-auth-secret and a NUL */
    TG_CFG_FILE_MAX = 256 * 1024, /* a configuration larger than this is a mistake */
};

struct tg_cfg_list {
    size_t count;
    char items[TG_CFG_LIST_MAX][TG_CFG_ITEM_SIZE];
};

struct tg_config {
    char store_url[TG_CFG_TEXT_SIZE];
    char store_password_file[TG_CFG_TEXT_SIZE];
    char bus_url[TG_CFG_TEXT_SIZE];
    char http_listen[TG_CFG_TEXT_SIZE];
    char http_tls[TG_CFG_TEXT_SIZE]; /* off, self-signed, files */
    char http_base_url[TG_CFG_TEXT_SIZE];
    char http_cert[TG_CFG_TEXT_SIZE];
    char http_key[TG_CFG_TEXT_SIZE];
    int64_t http_workers;
    char rtc_listen[TG_CFG_TEXT_SIZE];
    struct tg_cfg_list rtc_advertise;
    bool rtc_tcp;
    int64_t rtc_workers;
    int64_t rtc_egress_mbps;
    int64_t rtc_cpu_max_percent;
    int64_t rtc_pace_mbps;
    int64_t rtc_queue_max;
    struct tg_cfg_list rtc_ice_servers;
    char rtc_turn_secret_file[TG_CFG_TEXT_SIZE];
    char rtmp_listen[TG_CFG_TEXT_SIZE];
    int64_t ingest_latency_ms;
    int64_t ingest_publishers_max;
    int64_t ingest_grace_s;
    int64_t ingest_start_kbps;
    int64_t ingest_stall_ms;
    char ingest_slate_text[TG_CFG_TEXT_SIZE];
    struct tg_cfg_list media_renditions;
    struct tg_cfg_list trusted_networks;
    struct tg_cfg_list trusted_proxies;
    struct tg_cfg_list embed_origins;
    struct tg_cfg_list metrics_allow;
    struct tg_cfg_list webhooks_allow_networks;
    char log_level[TG_CFG_TEXT_SIZE];
    char shop_currency[TG_CFG_TEXT_SIZE];
    char shop_tax[TG_CFG_TEXT_SIZE];
    char shop_tax_default[TG_CFG_TEXT_SIZE];
    int64_t shop_first_number;
    int64_t shop_hold_s;
    int64_t shop_stock_band;
    char shop_stock_owner[TG_CFG_TEXT_SIZE];
    int64_t shop_person_max;
    int64_t shop_batch_max;
    bool payments_allow_sandbox;
    /* Where the values came from, for tg_config_check's refusals. */
    struct {
        char file[TG_CFG_TEXT_SIZE];
        unsigned lines[TG_CFG_ROWS_MAX]; /* by row of the table; 0 = not from the file */
    } from;
};

/* Why a configuration was refused; line 0 = not from a line of the file. */
struct tg_config_error {
    char file[TG_CFG_TEXT_SIZE];
    unsigned line;
    char key[64];
    char reason[256];
};

void tg_config_defaults(struct tg_config *ret);
/*
 * Reads `text` (the content of `file`, which is only named in errors) over what is in cfg.
 * MALFORMED with reterr filled; cfg may be half changed then.
 */
TG_MUST_CHECK tg_err tg_config_parse(struct tg_config *cfg, const char *file, const char *text,
                                     size_t len, struct tg_config_error *reterr);
/* The same from a file. IO when it cannot be read. */
TG_MUST_CHECK tg_err tg_config_load(struct tg_config *cfg, const char *file,
                                    struct tg_config_error *reterr);
/* TORG_... variables; env is a NULL-terminated list of "NAME=value". An unknown TORG_ name is
 * refused. */
TG_MUST_CHECK tg_err tg_config_env(struct tg_config *cfg, const char *const *env,
                                   struct tg_config_error *reterr);
/* Rules between keys; demo lifts the ban on the sandbox payment provider. */
TG_MUST_CHECK tg_err tg_config_check(const struct tg_config *cfg, struct tg_config_error *reterr);
/* shop.tax and shop.tax_default as the shop wants them; no error after a tg_config_check. */
TG_MUST_CHECK tg_err tg_config_taxes(const struct tg_config *cfg, struct tg_taxes *ret);
/* The part of it about rtc.ice_servers and rtc.turn_secret_file (config_ice.c). */
TG_MUST_CHECK tg_err tg_config_check_ice(const struct tg_config *cfg,
                                         struct tg_config_error *reterr);
/*
 * What rtc.turn_secret_file holds, without white space around it; "" when the key is not set.
 * MALFORMED with the reason. The caller cleanses out.
 */
TG_MUST_CHECK tg_err tg_config_turn_secret(const struct tg_config *cfg,
                                           char out[TG_CFG_SECRET_SIZE],
                                           struct tg_config_error *reterr);
/* What media.renditions says (config_renditions.c). MALFORMED with the reason. */
TG_MUST_CHECK tg_err tg_config_renditions(const struct tg_config *cfg,
                                          struct tg_rendition ret[TG_RENDITIONS_MAX],
                                          size_t *ret_count, struct tg_config_error *reterr);
/* The annotated reference: configs/torg.yaml is this text. */
void tg_config_reference(FILE *out);

/* "host:port" or "*:port"; host gets "" for all addresses. [::1]:80 is IPv6. MALFORMED otherwise.
 */
TG_MUST_CHECK tg_err tg_config_hostport(const char *text, char *ret_host, size_t host_size,
                                        uint16_t *ret_port);
/* The same as an address to bind: the host must be an IP address or *. */
TG_MUST_CHECK tg_err tg_config_addr(const char *text, struct tg_addr *ret);

#endif
