/* A request's line and headers: what holds for every route is decided here. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "api/h_rtc.h"

#include "base/metrics.h"
#include "base/str.h"

enum { IGNORED_BODY_MAX = 1024 }; /* some clients send "{}" where nothing is expected */

void tg_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
    if (lws_hdr_copy(wsi, out, (int)size, token) <= 0)
        out[0] = '\0';
}

void tg_header_custom(struct lws *wsi, const char *name, char *out, size_t size)
{
    if (lws_hdr_custom_copy(wsi, out, (int)size, name, (int)strlen(name)) <= 0)
        out[0] = '\0';
}

static bool read_method(struct tg_req *q)
{
    static const enum tg_method methods[] = {TG_GET,   TG_POST,   TG_OPTIONS, TG_PUT,
                                             TG_PATCH, TG_DELETE, TG_GET,     TG_HEAD};
    char *uri = NULL;
    int uri_len = 0;
    int method = lws_http_get_uri_and_method(q->wsi, &uri, &uri_len);

    if (method < 0 || (size_t)method >= TG_ARRAY_LEN(methods) || method == LWSHUMETH_CONNECT)
        return false;
    q->method = methods[method];
    return true;
}

/* How long is the body? False: refused (411, 400), and the connection cannot go on after that. */
static bool read_length(struct tg_req *q)
{
    char text[24];
    int64_t length;
    bool given = lws_hdr_total_length(q->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    bool wants = q->method == TG_POST || q->method == TG_PUT || q->method == TG_PATCH;

    q->close = true;
    q->body_left = 1; /* unknown: read some before the close */
    if (lws_hdr_total_length(q->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 || (wants && !given)) {
        tg_reply_problem(q, 411, NULL, "Send the body with a Content-Length header.");
        return false;
    }
    tg_header(q->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
    if (!given) {
        length = 0;
    } else if (lws_hdr_fragment_length(q->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, 1) > 0 ||
               text[0] < '0' || text[0] > '9' ||
               tg_parse_i64(&length, text, strlen(text), 0, INT64_MAX) != TG_OK) {
        tg_reply_problem(q, 400, NULL, "Content-Length must be one decimal number.");
        return false;
    }
    q->body_left = (size_t)length;
    q->close = false;
    return true;
}

static void read_connection(struct tg_req *q)
{
    char text[64];

    tg_header(q->wsi, WSI_TOKEN_HTTP, text, sizeof(text));
    q->http10 = strcmp(text, "HTTP/1.1") != 0;
    tg_header(q->wsi, WSI_TOKEN_CONNECTION, text, sizeof(text));
    /* The same rule as libwebsockets', which acts on it. */
    q->close = strcasecmp(text, "close") == 0 || (q->http10 && strcasecmp(text, "keep-alive") != 0);
}

static void read_content_type(struct tg_req *q)
{
    tg_header(q->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, q->content_type, sizeof(q->content_type));
    q->content_type[strcspn(q->content_type, "; \t")] = '\0';
    for (char *c = q->content_type; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
}

/* A place in the waiting room: 128 random bits as base64url. */
static void read_ticket(struct tg_req *q)
{
    static const char name[] = "torg-ticket:";
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    if (lws_hdr_custom_length(q->wsi, name, sizeof(name) - 1) < 0)
        return;
    tg_header_custom(q->wsi, name, q->ticket, sizeof(q->ticket));
    q->ticket_bad = strlen(q->ticket) != 22 || strspn(q->ticket, letters) != 22;
}

static bool refuse_method(struct tg_req *q)
{
    char allow[64];

    tg_route_allow(allow, sizeof(allow), q->match.allow);
    tg_reply_start(q, 405);
    tg_reply_header(q, "Allow", "%s", allow);
    tg_problem_text(&q->out, 405, "This address does not know this method; see Allow.");
    tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
    return false;
}

/* Before anything is refused: what other sites may read of a refusal is the route's, too. */
static tg_err find_route(struct tg_req *q)
{
    tg_err err =
        tg_route_find(&q->match, tg_routes, tg_route_count, q->method, q->path, strlen(q->path));

    if (err == TG_ERR_NOTFOUND &&
        tg_route_find(&q->match, &tg_route_files, 1, q->method, q->path, strlen(q->path)) == TG_OK)
        err = TG_OK;
    return err;
}

static bool check_route(struct tg_req *q, tg_err found)
{
    if (found == TG_ERR_UNSUPPORTED)
        return refuse_method(q);
    if (found == TG_OK)
        return true;
    tg_reply_problem(q, 404, NULL, "There is nothing at this address.");
    return false;
}

static bool check_rate(struct tg_req *q)
{
    uint32_t wait_ms = 0;

    if (tg_rate_addr(q->w, &q->peer, q->match.route->rate, &wait_ms))
        return true;
    tg_reply_retry(q, 429, wait_ms, "Too many requests from this address. Wait and try again.");
    return false;
}

/* Of who is known by name, too: as on the show channel, and out of the same buckets. */
static bool check_person_rate(struct tg_req *q)
{
    uint32_t wait_ms = 0;

    if (q->auth.kind == TG_AUTH_NONE ||
        tg_rate_person(q->w, &q->peer, q->auth.who.id, q->match.route->rate, &wait_ms))
        return true;
    tg_reply_retry(q, 429, wait_ms, "Too fast. Wait a moment and try again.");
    return false;
}

static void refuse_token(struct tg_req *q)
{
    uint32_t wait_ms = 0;

    /* Guessing is hopeless at 256 bits, but it must not be free either. */
    if (!tg_rate_addr(q->w, &q->peer, TG_RATE_LOGIN, &wait_ms)) {
        tg_reply_retry(q, 429, wait_ms, "Too many refused tokens from this address.");
        return;
    }
    TG_COUNT(http_auth_refused_total);
    tg_reply_start(q, 401);
    tg_reply_header(q, "WWW-Authenticate", "Bearer error=\"invalid_token\""); /* RFC 6750 s3.1 */
    tg_problem_text(&q->out, 401, "The token is unknown, revoked or expired. Log in again.");
    tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
}

/* Bearer token, else the session cookie when our own page asks. False: refused. */
static bool read_auth(struct tg_req *q)
{
    char header[256];
    char fetch_site[24];
    char cookies[2048];
    char token[TG_TOKEN_SIZE];

    tg_header(q->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, header, sizeof(header));
    if (strncasecmp(header, "Bearer ", 7) == 0) {
        const char *text = header + 7 + strspn(header + 7, " ");

        if (tg_auth_token(&q->auth, q->w->web->cfg.registry, q->w->now_wall, text, strlen(text)) ==
            TG_OK)
            return true;
        refuse_token(q);
        return false;
    }
    if (header[0] == '\0' && lws_hdr_total_length(q->wsi, WSI_TOKEN_HTTP_AUTHORIZATION) > 0) {
        refuse_token(q); /* longer than any token of ours: not to be taken for nobody */
        return false;
    }
    tg_header_custom(q->wsi, "sec-fetch-site:", fetch_site, sizeof(fetch_site));
    if (!tg_cookie_allowed(q->origin_class, fetch_site))
        return true;
    tg_header(q->wsi, WSI_TOKEN_HTTP_COOKIE, cookies, sizeof(cookies));
    /* A stale cookie is no error: the page asks for a login. */
    if (tg_cookie_get(token, sizeof(token), cookies, "torg_session") == TG_OK &&
        tg_auth_token(&q->auth, q->w->web->cfg.registry, q->w->now_wall, token, strlen(token)) !=
            TG_OK)
        tg_auth_nobody(&q->auth);
    return true;
}

/*
 * RFC 9725 s4.2 and s4.6: 200 with Accept-Post, and the ICE servers for who has a token, unless a
 * browser asks for itself (preflights carry no token). False: the token was refused.
 */
static bool options_of_video(struct tg_req *q)
{
    static const char method[] = "access-control-request-method:";

    return lws_hdr_custom_length(q->wsi, method, sizeof(method) - 1) > 0 || read_auth(q);
}

static void answer_options(struct tg_req *q)
{
    bool video = (q->match.route->flags & TG_ROUTE_VIDEO) != 0;
    char allow[64];

    if (video && !options_of_video(q))
        return;
    tg_route_allow(allow, sizeof(allow), q->match.allow);
    tg_reply_start(q, video ? 200 : 204);
    tg_reply_header(q, "Allow", "%s", allow);
    if (q->origin_class == TG_ORIGIN_EMBED ||
        (q->origin_class != TG_ORIGIN_NONE && (q->match.route->flags & TG_ROUTE_CORS_ANY) != 0)) {
        tg_reply_header(q, "Access-Control-Allow-Methods", "%s", allow);
        tg_reply_header(q, "Access-Control-Allow-Headers",
                        "Authorization, Content-Type, Idempotency-Key, If-Match, Last-Event-ID, "
                        "Torg-Ticket");
        tg_reply_header(q, "Access-Control-Max-Age", "86400");
    }
    if (video) {
        tg_reply_header(q, "Accept-Post", TG_TYPE_SDP);
        if ((q->match.allow & 1U << TG_PATCH) != 0)
            tg_reply_header(q, "Accept-Patch", TG_TYPE_SDPFRAG);
        if (q->auth.kind == TG_AUTH_STAFF)
            tg_rtc_links(q);
    }
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

static bool check_origin(struct tg_req *q)
{
    bool safe = q->method == TG_GET || q->method == TG_HEAD;

    if (safe || q->origin_class != TG_ORIGIN_FOREIGN ||
        (q->match.route->flags & TG_ROUTE_CORS_ANY) != 0)
        return true;
    TG_COUNT(http_origin_refused_total);
    tg_reply_problem(q, 403, "Origin",
                     "This site may not call torg. Its operator can list it in embed.origins.");
    return false;
}

static bool check_role(struct tg_req *q)
{
    const struct tg_route *route = q->match.route;
    bool needs = route->roles != 0 || (route->flags & TG_ROUTE_LOGIN) != 0;

    if (q->auth.publish_only && (route->flags & TG_ROUTE_PUBLISH) == 0) {
        tg_reply_problem(q, 403, NULL, "A stream key sends video and does nothing else.");
        return false;
    }
    if (!needs || q->auth.publish_only)
        return true;
    if (q->auth.kind == TG_AUTH_NONE) {
        tg_reply_start(q, 401);
        tg_reply_header(q, "WWW-Authenticate", "Bearer");
        tg_problem_text(&q->out, 401, "Log in, or send Authorization: Bearer with your token.");
        tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
        return false;
    }
    if (route->roles != 0 && (q->auth.who.roles & route->roles) == 0) {
        tg_reply_problem(q, 403, NULL, "Your token does not have the role that this needs.");
        return false;
    }
    if (q->auth.one_show && (route->flags & TG_ROUTE_WHOLE_SHOP) != 0) {
        tg_reply_problem(q, 403, NULL, "Your token is for one show; this concerns the whole shop.");
        return false;
    }
    return true;
}

static bool is_key(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((*c < 'a' || *c > 'z') && (*c < 'A' || *c > 'Z') && (*c < '0' || *c > '9') &&
            *c != '-' && *c != '_')
            return false;
    }
    return text[0] != '\0';
}

static bool read_idempotency(struct tg_req *q)
{
    static const char name[] = "idempotency-key:";
    bool given = lws_hdr_custom_length(q->wsi, name, sizeof(name) - 1) > 0;
    uint32_t flags = q->match.route->flags;

    if ((flags & TG_ROUTE_IDEMPOTENT) == 0 && !(given && (flags & TG_ROUTE_KEY_TAKEN) != 0))
        return true;
    tg_header_custom(q->wsi, name, q->idempotency, sizeof(q->idempotency));
    if (is_key(q->idempotency))
        return true;
    tg_reply_problem(q, 400, "Idempotency-Key",
                     "Send Idempotency-Key: 1-64 characters of A-Z a-z 0-9 _ -, new for each "
                     "intent and the same when you repeat it.");
    return false;
}

/* ?lang=, else what the browser likes best. */
static bool read_lang(struct tg_req *q)
{
    char *accept = (char *)q->w->scratch; /* as long as all headers may be, and more */

    if ((q->match.route->flags & TG_ROUTE_LANG) == 0)
        return true;
    if (tg_req_arg(q, "lang", q->lang, sizeof(q->lang)) &&
        (q->lang[0] == '\0' || tg_lang_ok(q->lang, strlen(q->lang)))) {
        if (q->lang[0] == '\0' &&
            lws_hdr_copy(q->wsi, accept, sizeof(q->w->scratch), WSI_TOKEN_HTTP_ACCEPT_LANGUAGE) > 0)
            tg_lang_first(q->lang, accept);
        return true;
    }
    return tg_req_wrong(q, "lang", "a language, as nb or sv-SE");
}

static bool read_page(struct tg_req *q)
{
    int64_t number = TG_PAGE_LIMIT;
    char limit[8];

    if ((q->match.route->flags & TG_ROUTE_LIST) == 0)
        return true;
    if (!tg_req_arg(q, "cursor", q->cursor, sizeof(q->cursor)))
        return tg_req_wrong(q, "cursor", "the \"next\" of the page before, of the same list");
    if (!tg_req_arg(q, "limit", limit, sizeof(limit)) ||
        (limit[0] != '\0' &&
         tg_parse_i64(&number, limit, strlen(limit), 1, TG_PAGE_LIMIT_MAX) != TG_OK))
        return tg_req_wrong(q, "limit", "a number from 1 to 100");
    q->limit = (uint32_t)number;
    return true;
}

static bool check_size(struct tg_req *q)
{
    size_t max = TG_MAX(q->match.route->body_max, (uint32_t)IGNORED_BODY_MAX);
    char detail[64];

    if (q->body_left <= max)
        return true;
    q->close = true;
    tg_str_printf(detail, sizeof(detail), "The body may have at most %zu bytes here.", max);
    tg_reply_problem(q, 413, NULL, detail);
    return false;
}

/* A large body goes straight into a file: into the page cache, so the loop hardly waits. */
static void open_upload(struct tg_req *q)
{
    const char *dir = q->w->web->cfg.data_dir;
    char name[48];

    tg_buf_init(&q->body, 1);
    q->upload_digest = UINT64_C(0xcbf29ce484222325);
    tg_str_printf(name, sizeof(name), "upload-%016llx", (unsigned long long)tg_rng_u64(&q->w->rng));
    if (dir != NULL && snprintf(q->upload_path, sizeof(q->upload_path), "%s/%s", dir, name) <
                           (int)sizeof(q->upload_path))
        q->upload_fd = open(q->upload_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    q->upload_failed = q->upload_fd < 0;
}

static void expect_body(struct tg_req *q)
{
    static unsigned char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char expect[24];

    if ((q->match.route->flags & TG_ROUTE_UPLOAD) != 0)
        open_upload(q);
    else
        tg_buf_init(&q->body, q->body_left + 1);
    tg_header(q->wsi, WSI_TOKEN_HTTP_EXPECT, expect, sizeof(expect));
    if (strcasecmp(expect, "100-continue") == 0)
        (void)lws_write(q->wsi, go_on, sizeof(go_on) - 1, LWS_WRITE_HTTP); /* the read shows it */
}

static bool checks(struct tg_req *q, tg_err found)
{
    bool page;

    if (!check_route(q, found))
        return false;
    page = q->match.route->rate == TG_RATE_PAGE;
    if (!check_rate(q))
        return false;
    if (q->method == TG_OPTIONS) {
        answer_options(q);
        return false;
    }
    return check_size(q) &&
           (page || (check_origin(q) && read_auth(q) && check_role(q) && check_person_rate(q) &&
                     read_idempotency(q) && read_lang(q) && read_page(q)));
}

int tg_req_begin(struct tg_req *q, const char *path, size_t path_len)
{
    bool close;
    tg_err found;

    if (!read_method(q))
        return -1;
    q->peer = tg_peer_addr(q->w, q->wsi, &q->addr_certain);
    tg_header(q->wsi, WSI_TOKEN_HOST, q->host, sizeof(q->host));
    tg_header(q->wsi, WSI_TOKEN_ORIGIN, q->origin, sizeof(q->origin));
    q->origin_class = tg_origin_class(&q->w->web->origins, q->origin, q->host);
    tg_header(q->wsi, WSI_TOKEN_HTTP_IF_MATCH, q->if_match, sizeof(q->if_match));
    q->if_match_long =
        q->if_match[0] == '\0' && lws_hdr_total_length(q->wsi, WSI_TOKEN_HTTP_IF_MATCH) > 0;
    read_ticket(q);
    read_content_type(q);
    read_connection(q);
    close = q->close;
    if (tg_str_copy(q->path, sizeof(q->path), path, path_len) != TG_OK) {
        q->close = true;
        tg_reply_problem(q, 414, NULL, "The address is too long.");
        return 0;
    }
    found = find_route(q);
    if (!read_length(q))
        return 0;
    q->close = close;
    if (!checks(q, found))
        return 0;
    if (q->body_left > 0)
        expect_body(q);
    else if (q->method != TG_POST) /* an empty POST gets its completion callback */
        tg_req_run(q);
    return 0;
}

void tg_req_run(struct tg_req *q)
{
    if (q->body.err != TG_OK) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    q->match.route->run(q);
}
