/*
 * assets.h - the pages, compiled in (web/embed.cmake makes the table from web/dist).
 */
#ifndef TG_API_ASSETS_H
#define TG_API_ASSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tg_asset {
    const char *name; /* path below web/dist: "assets/watch-1A2B3C4D.js", "pages/watch.html" */
    const char *type; /* Content-Type */
    const char *etag; /* content hash, without quotes */
    bool immutable;   /* the name carries a hash: may be kept for ever */
    const uint8_t *data;
    size_t len;
    const uint8_t *gzip; /* NULL = none */
    size_t gzip_len;
};

struct tg_assets {
    const struct tg_asset *rows; /* sorted by name */
    size_t count;
};

/* What was compiled in; count 0 when the pages were not built. */
extern const struct tg_assets tg_web_assets;

/* NULL = no such file. */
const struct tg_asset *tg_asset_find(const struct tg_assets *assets, const char *name, size_t len);

#endif
