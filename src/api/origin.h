/*
 * origin.h - whose page is asking? Origin, Host and Cookie headers (RFC 6454, RFC 6265). Pure.
 */
#ifndef TG_API_ORIGIN_H
#define TG_API_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum tg_origin {
    TG_ORIGIN_NONE,    /* no Origin header: not a page of another site (browsers send it there) */
    TG_ORIGIN_OWN,     /* the server's own pages */
    TG_ORIGIN_EMBED,   /* listed in embed.origins: bearer tokens only */
    TG_ORIGIN_FOREIGN, /* anybody else's */
};

enum { TG_HOST_SIZE = 262 }; /* a DNS name, a colon and a port */

struct tg_origin_cfg {
    const char *own; /* scheme://host[:port] of base_url, or NULL; besides the Host header */
    const char *const *embed;
    size_t embed_count;
};

/* origin and host are header values, "" = absent. "null" is foreign. */
enum tg_origin tg_origin_class(const struct tg_origin_cfg *cfg, const char *origin,
                               const char *host);
/* "scheme://host[:port]" of a URL into out; MALFORMED when it is none. */
TG_MUST_CHECK tg_err tg_origin_of_url(char *out, size_t size, const char *url);
/* Is this an origin as browsers write it (embed.origins): no path, no slash at the end? */
bool tg_origin_listable(const char *text);
/* The value of one cookie in a Cookie header; NOTFOUND, LIMIT (does not fit). First one wins. */
TG_MUST_CHECK tg_err tg_cookie_get(char *out, size_t size, const char *header, const char *name);
/*
 * Cookies count only for our own pages: their Origin is ours, or (same-origin GETs carry none) the
 * browser itself says same-origin.
 */
bool tg_cookie_allowed(enum tg_origin origin, const char *sec_fetch_site);

#endif
