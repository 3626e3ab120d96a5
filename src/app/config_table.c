#include "app/config_table.h"

#include "base/limits.h"
#include "base/macros.h"

#define AT(member) offsetof(struct tg_config, member)

const struct tg_cfg_row tg_cfg_rows[] = {
    {"store.url", TG_CFG_TEXT, false, AT(store_url), "\"sqlite:\"", "", 0, 0, NULL,
     "Where shop data lives. sqlite:PATH, or sqlite: alone for torg.db in the data directory; or "
     "postgresql://user@host/database, which several nodes may share. A database is one shop."},
    {"store.password_file", TG_CFG_TEXT, false, AT(store_password_file), "\"\"", "", 0, 0, NULL,
     "File with PostgreSQL's password; without it libpq looks where PGPASSFILE points. Never in "
     "the URL."},
    {"bus.url", TG_CFG_CHOICE, false, AT(bus_url), "\"local:\"", "", 0, 0,
     "local:", "How nodes talk to each other. nats:// is not built yet."},
    {"http.listen", TG_CFG_HOSTPORT, false, AT(http_listen), "\"*:8080\"", "", 0, 0, NULL,
     "Address and port of pages, API, WebSocket, WHIP and WHEP. * is every address."},
    {"http.tls", TG_CFG_CHOICE, false, AT(http_tls), "off", "", 0, 0, "off|self-signed|files",
     "HTTPS: off (a proxy in front does it), self-signed (development; made in the data "
     "directory), or files (http.cert and http.key)."},
    {"http.cert", TG_CFG_TEXT, true, AT(http_cert), "\"\"", "", 0, 0, NULL,
     "PEM file of the certificate chain; with http.tls: files."},
    {"http.key", TG_CFG_TEXT, true, AT(http_key), "\"\"", "", 0, 0, NULL,
     "PEM file of the private key; with http.tls: files."},
    {"http.base_url", TG_CFG_TEXT, false, AT(http_base_url), "\"\"", "", 0, 0, NULL,
     "How browsers reach this server, e.g. https://live.shop.example; needed behind a proxy that "
     "changes the Host header, or its pages cannot log in. The Google export's links begin with "
     "it."},
    {"http.workers", TG_CFG_INT, false, AT(http_workers), "0", "threads", 0, 64, NULL,
     "Web worker threads; 0 = one a core."},
    {"rtc.listen", TG_CFG_HOSTPORT, false, AT(rtc_listen), "\"*:8189\"", "", 0, 0, NULL,
     "UDP address and first port of WebRTC media; every worker takes one port, counted up."},
    {"rtc.advertise", TG_CFG_LIST, false, AT(rtc_advertise), "[]", "", 0, 0, NULL,
     "Addresses that viewers are told to send to, e.g. the public one behind NAT: IPv4, IPv6, or "
     "host names, which are looked up once at the start. At most 8. Empty = the addresses of this "
     "machine's interfaces."},
    {"rtc.tcp", TG_CFG_BOOL, false, AT(rtc_tcp), "true", "", 0, 0, NULL,
     "Offer media by TCP too, on the TCP ports of the same numbers, for viewers and hosts whose "
     "network blocks UDP."},
    {"rtc.workers", TG_CFG_INT, false, AT(rtc_workers), "0", "threads", 0, 64, NULL,
     "Media worker threads; 0 = one a core."},
    {"rtc.egress_mbps", TG_CFG_INT, true, AT(rtc_egress_mbps), "0", "Mbit/s", 0, 1000000, NULL,
     "What this machine's line to the internet carries; 0 = no limit. Viewers fill at most 90 % of "
     "it; those who come then wait in line, and nobody inside is disturbed."},
    {"rtc.cpu_max_percent", TG_CFG_INT, true, AT(rtc_cpu_max_percent), "85", "%", 10, 100, NULL,
     "Above this load of a media worker's core, or of all cores together, new viewers wait in "
     "line; 100 = no limit."},
    {"rtc.pace_mbps", TG_CFG_INT, false, AT(rtc_pace_mbps), "50", "Mbit/s", 1, 1000, NULL,
     "The most that one viewer is sent at, so that a large keyframe does not flood a home line."},
    {"rtc.queue_max", TG_CFG_INT, false, AT(rtc_queue_max), "65536", "viewers", 0, TG_WAITING_MAX,
     NULL,
     "Places in the line of those who wait; 44 bytes each. Who finds it full is asked to come back "
     "in 30 s."},
    {"rtc.ice_servers", TG_CFG_LIST, false, AT(rtc_ice_servers), "[]", "", 0, 0, NULL,
     "STUN and TURN servers that browsers are told of, e.g. stun:stun.shop.example:3478 or "
     "turn:turn.shop.example:3478?transport=tcp. Only networks that block everything else need "
     "them."},
    {"rtc.turn_secret_file", TG_CFG_TEXT, false, AT(rtc_turn_secret_file), "\"\"", "", 0, 0, NULL,
     "File with the secret shared with the TURN servers (coturn: use-auth-secret); credentials "
     "for a few hours are made from it for every session."},
    {"rtmp.listen", TG_CFG_HOSTPORT, false, AT(rtmp_listen), "\"*:1935\"", "", 0, 0, NULL,
     "TCP address and port for RTMP publishers; off = no RTMP."},
    {"ingest.latency_ms", TG_CFG_INT, false, AT(ingest_latency_ms), "100", "ms", 0, 10000, NULL,
     "From camera to arrival at torg, for RTMP: capture time = arrival minus this."},
    {"ingest.publishers_max", TG_CFG_INT, false, AT(ingest_publishers_max), "64", "connections", 1,
     TG_RTMP_SESSIONS_MAX, NULL,
     "Publishers at a time, on air or not: so many over RTMP, and as many over WHIP."},
    {"ingest.grace_s", TG_CFG_INT, false, AT(ingest_grace_s), "60", "s", 5, 600, NULL,
     "How long a publisher's line may be gone before its session ends; viewers see the slate "
     "meanwhile."},
    {"ingest.start_kbps", TG_CFG_INT, false, AT(ingest_start_kbps), "2500", "kbit/s", 300, 20000,
     NULL,
     "Video bitrate that browsers begin to publish with, before they have measured the line."},
    {"ingest.stall_ms", TG_CFG_INT, false, AT(ingest_stall_ms), "1000", "ms", 500, 10000, NULL,
     "A publisher on air that sends no picture for so long gets the slate shown in its place."},
    {"ingest.slate_text", TG_CFG_TEXT, false, AT(ingest_slate_text), "\"Back in a moment\"", "", 0,
     0, NULL, "What the slate says below the show's title while nobody sends."},
    {"media.renditions", TG_CFG_LIST, false, AT(media_renditions), "[]", "", 0, 0, NULL,
     "Smaller pictures to make for viewers on thin lines when a publisher sends one size only: up "
     "to three, the largest first, as lines of the shorter side, p, and kbit/s: [\"480p:1200\", "
     "\"240p:400\"]. Those that are not smaller than the publisher's picture are left out. A 720p "
     "source with these two takes a fifth to a third of a core while watched."},
    {"limits.trusted_networks", TG_CFG_LIST, false, AT(trusted_networks), "[]", "", 0, 0, NULL,
     "Networks (CIDR) without rate limits per address, e.g. the shop's own office."},
    {"limits.trusted_proxies", TG_CFG_LIST, false, AT(trusted_proxies), "[]", "", 0, 0, NULL,
     "Networks (CIDR) of reverse proxies whose X-Forwarded-For is believed."},
    {"embed.origins", TG_CFG_LIST, false, AT(embed_origins), "[]", "", 0, 0, NULL,
     "Other sites (https://shop.example) whose pages may embed shows and open the show channel."},
    {"metrics.allow", TG_CFG_LIST, false, AT(metrics_allow), "[]", "", 0, 0, NULL,
     "Networks (CIDR) that may read /metrics without a token, besides loopback."},
    {"webhooks.allow_networks", TG_CFG_LIST, false, AT(webhooks_allow_networks), "[]", "", 0, 0,
     NULL,
     "Internal networks (CIDR) that webhooks may lead to, also with http://, e.g. the shop's own "
     "ERP. Everything else must be https:// to a public address."},
    {"log.level", TG_CFG_CHOICE, true, AT(log_level), "info", "", 0, 0, "error|warn|info|debug",
     "The least important lines that are still written."},
    {"shop.currency", TG_CFG_CHOICE, false, AT(shop_currency), "NOK", "", 0, 0, "NOK|SEK|DKK|EUR",
     "ISO 4217 code of all prices."},
    {"shop.tax", TG_CFG_TEXT, false, AT(shop_tax), "\"standard=2500 food=1500 low=1200 zero=0\"",
     "hundredths of a percent", 0, 0, NULL,
     "The classes of VAT that products may name, and their rates; at most 8. Prices include it."},
    {"shop.tax_default", TG_CFG_TEXT, false, AT(shop_tax_default), "standard", "", 0, 0, NULL,
     "The class of products that name none; one of shop.tax."},
    {"shop.first_number", TG_CFG_INT, false, AT(shop_first_number), "1001", "number", 1, 1000000000,
     NULL,
     "Number of the first order ever; those after it count up. With an order in the database it "
     "changes nothing."},
    {"shop.hold_s", TG_CFG_INT, false, AT(shop_hold_s), "600", "s", 10, 86400, NULL,
     "How long an unpaid order keeps its units before it expires."},
    {"shop.stock_band", TG_CFG_INT, false, AT(shop_stock_band), "20", "units", 0, 1000000, NULL,
     "Viewers see the exact stock up to this number, and \"many\" above it."},
    {"shop.stock_owner", TG_CFG_CHOICE, false, AT(shop_stock_owner), "torg", "", 0, 0,
     "torg|allotment",
     "Who counts the stock. torg: staff count, receive and correct it here. allotment: the shop's "
     "own "
     "system grants units to torg and takes them back over the API; nobody else changes counts."},
    {"shop.person_max", TG_CFG_INT, false, AT(shop_person_max), "10", "units", 1, 100, NULL,
     "Units of one SKU that one person may hold and have bought, all orders together."},
    {"shop.batch_max", TG_CFG_INT, false, AT(shop_batch_max), "1024", "requests", 1,
     TG_SALE_BATCH_MAX, NULL,
     "Requests that are decided and committed together. 1 = a transaction for each order: only to "
     "measure what batches are worth."},
    {"payments.allow_sandbox", TG_CFG_BOOL, false, AT(payments_allow_sandbox), "false", "", 0, 0,
     NULL,
     "Allow the sandbox payment provider, with which nobody pays real money, outside --demo. "
     "Without any provider orders are made without pay_url and expire after shop.hold_s."},
    /* Known to the contract, owned by later parts. */
    {"srt.listen", TG_CFG_LATER, false, 0, "", "", 0, 0, NULL, "SRT publishers."},
    {"srt.passphrase", TG_CFG_LATER, false, 0, "", "", 0, 0, NULL, "SRT encryption."},
    {"hls.enabled", TG_CFG_LATER, false, 0, "", "", 0, 0, NULL, "LL-HLS."},
    {"record.enabled", TG_CFG_LATER, false, 0, "", "", 0, 0, NULL, "Recording and replay."},
};
const size_t tg_cfg_row_count = TG_ARRAY_LEN(tg_cfg_rows);
_Static_assert(TG_ARRAY_LEN(tg_cfg_rows) <= TG_CFG_ROWS_MAX, "tg_config.from has a line a row");
