#include "api/req.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"
#include "base/str.h"

const char *tg_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        if (rows[i].status == status)
            return rows[i].text;
    }
    return "Status";
}

static void count_status(int status)
{
    if (status >= 500)
        TG_COUNT(http_responses_5xx_total);
    else if (status >= 400)
        TG_COUNT(http_responses_4xx_total);
}

void tg_reply_start(struct tg_req *q, int status)
{
    const struct tg_route *route = q->match.route;

    TG_ASSERT(q->state != TG_REQ_SEND && q->state != TG_REQ_STREAM && q->head.len == 0);
    q->status = status;
    count_status(status);
    tg_buf_printf(&q->head, "HTTP/1.1 %d %s\r\n", status, tg_status_text(status));
    tg_reply_header(q, "X-Content-Type-Options", "nosniff");
    if (q->origin_class == TG_ORIGIN_NONE || q->origin_class == TG_ORIGIN_OWN || route == NULL)
        return;
    if ((route->flags & TG_ROUTE_CORS_ANY) != 0) {
        tg_reply_header(q, "Access-Control-Allow-Origin", "*");
    } else if (q->origin_class == TG_ORIGIN_EMBED) {
        tg_reply_header(q, "Access-Control-Allow-Origin", "%s", q->origin);
        tg_reply_header(q, "Vary", "Origin");
    } else {
        return;
    }
    tg_reply_header(q, "Access-Control-Expose-Headers",
                    "Location, ETag, Link, Allow, Accept-Post, Accept-Patch, Retry-After, "
                    "Torg-Publisher, Torg-Ticket, WWW-Authenticate");
}

void tg_reply_header(struct tg_req *q, const char *name, const char *fmt, ...)
{
    char value[2048];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(value, sizeof(value), fmt, args);
    va_end(args);
    TG_ASSERT(len >= 0 && (size_t)len < sizeof(value));
    /* Values come from other rooms and from headers: nothing may open a second line. */
    for (char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            *c = ' ';
    }
    tg_buf_printf(&q->head, "%s: %s\r\n", name, value);
}

void tg_reply_send(struct tg_req *q, const char *type, struct tg_span content)
{
    if (type != NULL)
        tg_reply_header(q, "Content-Type", "%s", type);
    if (q->status != 204 && q->status != 304)
        tg_reply_header(q, "Content-Length", "%zu", content.len);
    if (q->close)
        tg_reply_header(q, "Connection", "close");
    else if (q->http10)
        tg_reply_header(q, "Connection", "keep-alive");
    tg_buf_add_str(&q->head, "\r\n");
    q->content =
        q->method == TG_HEAD || q->status == 204 || q->status == 304 ? tg_span(NULL, 0) : content;
    q->state = TG_REQ_SEND;
    lws_callback_on_writable(q->wsi);
}

void tg_reply_stream(struct tg_req *q, const char *type)
{
    q->close = true;
    tg_reply_header(q, "Content-Type", "%s", type);
    tg_reply_header(q, "Connection", "close");
    tg_buf_add_str(&q->head, "\r\n");
    q->state = TG_REQ_STREAM;
    lws_set_timeout(q->wsi, NO_PENDING_TIMEOUT, 0);
    lws_callback_on_writable(q->wsi);
}

void tg_reply_slab(struct tg_req *q, const char *type, struct tg_slab *take_slab)
{
    tg_slab_unref(q->slab);
    q->slab = take_slab;
    if (take_slab == NULL)
        tg_reply_send(q, NULL, tg_span(NULL, 0));
    else
        tg_reply_send(q, type, tg_span(take_slab->data, take_slab->len));
}

void tg_reply_json(struct tg_req *q, int status)
{
    if (q->out.err != TG_OK) {
        tg_buf_clear(&q->out);
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    tg_reply_start(q, status);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, "application/json", tg_span(q->out.data, q->out.len));
}

void tg_reply_empty(struct tg_req *q, int status)
{
    tg_reply_start(q, status);
    tg_reply_send(q, NULL, tg_span(NULL, 0));
}

static void write_problem(struct tg_buf *out, int status, const char *field, const char *detail)
{
    struct tg_jo j = tg_jo(out);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "type", "about:blank");
    tg_jo_str(&j, "title", tg_status_text(status));
    tg_jo_int(&j, "status", status);
    if (field != NULL)
        tg_jo_str(&j, "field", field);
    tg_jo_str(&j, "detail", detail);
    tg_jo_end_obj(&j);
}

void tg_problem_text(struct tg_buf *out, int status, const char *detail)
{
    write_problem(out, status, NULL, detail);
}

void tg_reply_again(struct tg_req *q, const struct tg_slab *problem)
{
    static const char busy[] = "\"code\":\"busy\""; /* within a text its quotes are escaped */

    if (q->status == 503 || (q->status == 409 && problem != NULL &&
                             memmem(problem->data, problem->len, busy, strlen(busy)) != NULL))
        tg_reply_header(q, "Retry-After", "1");
}

void tg_reply_problem(struct tg_req *q, int status, const char *field, const char *detail)
{
    write_problem(&q->out, status, field, detail);
    tg_reply_start(q, status);
    tg_reply_again(q, NULL);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
}

void tg_reply_retry(struct tg_req *q, int status, uint32_t wait_ms, const char *detail)
{
    write_problem(&q->out, status, NULL, detail);
    tg_reply_start(q, status);
    tg_reply_header(q, "Retry-After", "%u", (wait_ms + 999) / 1000);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, "application/problem+json", tg_span(q->out.data, q->out.len));
}

int tg_reply_write(struct tg_req *q)
{
    uint8_t *at = q->w->scratch + LWS_PRE;
    size_t used = 0;
    size_t part;

    if (q->head.err != TG_OK || q->out.err != TG_OK)
        return -1; /* out of memory: an answer cut in half must not look whole */
    if (!q->head_sent) {
        TG_ASSERT(q->head.len <= TG_WEB_CHUNK);
        memcpy(at, q->head.data, q->head.len);
        used = q->head.len;
        q->head_sent = true;
    }
    part = TG_MIN(q->content.len - q->sent, (size_t)TG_WEB_CHUNK - used);
    if (part > 0)
        memcpy(at + used, q->content.data + q->sent, part);
    q->sent += part;
    used += part;
    if (used == 0)
        return 0;
    return lws_write(q->wsi, at, used, LWS_WRITE_HTTP) < 0 ? -1 : 0;
}

bool tg_req_wrong(struct tg_req *q, const char *field, const char *what)
{
    char detail[160];

    tg_str_printf(detail, sizeof(detail), "\"%.40s\" must be %s.", field, what);
    tg_reply_problem(q, 400, field, detail);
    return false;
}

bool tg_req_key(struct tg_req *q, char *key, size_t size, const char *what)
{
    struct tg_span text = tg_req_param(q, 0);
    char detail[64];

    if (text.len > 0 && text.len < size && tg_utf8_printable((const char *)text.data, text.len) &&
        tg_str_copy(key, size, (const char *)text.data, text.len) == TG_OK)
        return true;
    tg_str_printf(detail, sizeof(detail), "There is no such %s.", what);
    tg_reply_problem(q, 404, what, detail);
    return false;
}
