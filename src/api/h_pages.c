/* Pages and their files, from the table that was compiled in. */
#include <string.h>

#include "api/req.h"

#include "base/str.h"

static const struct {
    const char *pattern;
    const char *file;
} pages[] = {
    {"/", "pages/shows.html"},
    {"/s/{show}", "pages/watch.html"},
    {"/studio/{show}", "pages/studio.html"},
    {"/desk/{show}", "pages/desk.html"},
    {"/account", "pages/account.html"},
    {"/pay/sandbox/{payment}", "pages/pay.html"},
};

static bool etag_matches(const char *header, const char *etag)
{
    char quoted[80];

    tg_str_printf(quoted, sizeof(quoted), "\"%s\"", etag);
    return strcmp(header, "*") == 0 || strstr(header, quoted) != NULL;
}

static bool takes_gzip(const struct tg_req *q)
{
    char accept[128];

    tg_header(q->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, accept, sizeof(accept));
    return strstr(accept, "gzip") != NULL && strstr(accept, "gzip;q=0") == NULL;
}

static void send_asset(struct tg_req *q, const struct tg_asset *asset, const char *csp)
{
    bool gzip = asset->gzip != NULL && takes_gzip(q);
    char etag[64];
    char known[256];

    tg_str_printf(etag, sizeof(etag), "%.40s%s", asset->etag, gzip ? "-gz" : "");
    tg_header(q->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known));
    tg_reply_start(q, etag_matches(known, etag) ? 304 : 200);
    tg_reply_header(q, "ETag", "\"%s\"", etag);
    tg_reply_header(q, "Cache-Control",
                    asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (asset->gzip != NULL)
        tg_reply_header(q, "Vary", "Accept-Encoding");
    if (gzip)
        tg_reply_header(q, "Content-Encoding", "gzip");
    if (csp != NULL) {
        tg_reply_header(q, "Content-Security-Policy", "%s", csp);
        tg_reply_header(q, "Referrer-Policy", "strict-origin-when-cross-origin");
        tg_reply_header(q, "Permissions-Policy",
                        "camera=(self), microphone=(self), geolocation=()");
    } else {
        /* Embedding shops load scripts and pictures; these hold nothing of a person. */
        tg_reply_header(q, "Cross-Origin-Resource-Policy", "cross-origin");
        tg_reply_header(q, "Content-Security-Policy", "default-src 'none'; style-src 'self'");
    }
    tg_reply_send(q, asset->type,
                  gzip ? tg_span(asset->gzip, asset->gzip_len) : tg_span(asset->data, asset->len));
}

void tg_h_page(struct tg_req *q)
{
    const struct tg_web *web = q->w->web;
    const struct tg_asset *asset = NULL;
    bool embeddable = strcmp(q->match.route->pattern, "/s/{show}") == 0;

    for (size_t i = 0; i < TG_ARRAY_LEN(pages); i++) {
        if (strcmp(pages[i].pattern, q->match.route->pattern) == 0)
            asset = tg_asset_find(web->assets, pages[i].file, strlen(pages[i].file));
    }
    if (asset == NULL) {
        tg_reply_problem(q, 501, NULL, "This page is not built into this torgd.");
        return;
    }
    send_asset(q, asset, embeddable ? web->csp_embed : web->csp_page);
}

void tg_h_asset(struct tg_req *q)
{
    struct tg_span name = tg_req_param(q, 0);
    const struct tg_asset *asset =
        tg_asset_find(q->w->web->assets, (const char *)name.data, name.len);

    /* Shells and API descriptions have addresses of their own. */
    if (asset == NULL || strncmp(asset->name, "pages/", 6) == 0 ||
        strncmp(asset->name, "api/", 4) == 0) {
        tg_reply_problem(q, 404, NULL, "There is nothing at this address.");
        return;
    }
    send_asset(q, asset, NULL);
}

static void send_description(struct tg_req *q, const char *name)
{
    const struct tg_asset *asset = tg_asset_find(q->w->web->assets, name, strlen(name));

    if (asset == NULL)
        tg_reply_problem(q, 501, NULL, "The description is not built into this torgd.");
    else
        send_asset(q, asset, NULL);
}

void tg_h_openapi(struct tg_req *q)
{
    send_description(q, "api/openapi.json");
}

void tg_h_asyncapi(struct tg_req *q)
{
    send_description(q, "api/asyncapi.json");
}

void tg_h_later(struct tg_req *q)
{
    bool whip = q->match.route->method == TG_POST;

    tg_reply_problem(q, 501, NULL,
                     whip ? "WHIP is not built yet (part 2). Publish by RTMP."
                          : "LL-HLS is not built yet. Watch by WHEP.");
}
