#include "api/origin.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

/* Host and port of "host[:port]"; *ret_port is the text after the colon or the scheme's default. */
struct host {
    const char *name;
    size_t len;
    const char *port;
    size_t port_len;
};

static struct host split_host(const char *text, size_t len)
{
    struct host h = {.name = text, .len = len, .port = "", .port_len = 0};

    for (size_t i = len; i > 0 && text[i - 1] != ']'; i--) {
        if (text[i - 1] == ':') {
            h.len = i - 1;
            h.port = text + i;
            h.port_len = len - i;
            break;
        }
    }
    return h;
}

static bool same_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

/* Length of "scheme://" when the origin is http or https; 0 otherwise. */
static size_t scheme_len(const char *origin, const char **ret_default_port)
{
    if (strncasecmp(origin, "https://", 8) == 0) {
        *ret_default_port = "443";
        return 8;
    }
    if (strncasecmp(origin, "http://", 7) == 0) {
        *ret_default_port = "80";
        return 7;
    }
    return 0;
}

/*
 * Host headers leave the default port out; behind a proxy that ends TLS the page's scheme is https
 * while ours is http, so only host and port are compared.
 */
static bool is_host(const char *origin, const char *host)
{
    const char *default_port = "";
    size_t skip = scheme_len(origin, &default_port);
    struct host a = split_host(origin + skip, strlen(origin + skip));
    struct host b = split_host(host, strlen(host));

    if (skip == 0 || a.len == 0)
        return false;
    if (a.port_len == 0)
        a = (struct host){a.name, a.len, default_port, strlen(default_port)};
    if (b.port_len == 0)
        b = (struct host){b.name, b.len, default_port, strlen(default_port)};
    return same_text(a.name, a.len, b.name, b.len) &&
           same_text(a.port, a.port_len, b.port, b.port_len);
}

enum tg_origin tg_origin_class(const struct tg_origin_cfg *cfg, const char *origin,
                               const char *host)
{
    if (origin[0] == '\0')
        return TG_ORIGIN_NONE;
    if (host[0] != '\0' && is_host(origin, host))
        return TG_ORIGIN_OWN;
    if (cfg->own != NULL && strcasecmp(cfg->own, origin) == 0)
        return TG_ORIGIN_OWN;
    for (size_t i = 0; i < cfg->embed_count; i++) {
        if (strcasecmp(cfg->embed[i], origin) == 0)
            return TG_ORIGIN_EMBED;
    }
    return TG_ORIGIN_FOREIGN;
}

tg_err tg_origin_of_url(char *out, size_t size, const char *url)
{
    const char *default_port;
    size_t skip = scheme_len(url, &default_port);
    size_t host = skip == 0 ? 0 : strcspn(url + skip, "/?#");

    if (host == 0)
        return TG_ERR_MALFORMED;
    return tg_str_copy(out, size, url, skip + host) == TG_OK ? TG_OK : TG_ERR_MALFORMED;
}

bool tg_origin_listable(const char *text)
{
    char origin[256];

    return tg_origin_of_url(origin, sizeof(origin), text) == TG_OK && strcmp(origin, text) == 0 &&
           strpbrk(text, " ;,'\"") == NULL;
}

tg_err tg_cookie_get(char *out, size_t size, const char *header, const char *name)
{
    size_t name_len = strlen(name);
    const char *at = header;

    while (*at != '\0') {
        size_t len;

        at += strspn(at, "; \t");
        len = strcspn(at, ";");
        if (len > name_len && at[name_len] == '=' && strncmp(at, name, name_len) == 0) {
            size_t value_len = len - name_len - 1;

            while (value_len > 0 && strchr(" \t", at[name_len + value_len]) != NULL)
                value_len--;
            return tg_str_copy(out, size, at + name_len + 1, value_len);
        }
        at += len;
    }
    return TG_ERR_NOTFOUND;
}

bool tg_cookie_allowed(enum tg_origin origin, const char *sec_fetch_site)
{
    if (origin == TG_ORIGIN_OWN)
        return true;
    return origin == TG_ORIGIN_NONE && strcmp(sec_fetch_site, "same-origin") == 0;
}
