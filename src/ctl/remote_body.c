/* The API's bodies, made of what stands on the command line. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/remote_priv.h"

/* NOLINTBEGIN(readability-non-const-parameter): one signature for all */

json_t *ctl_body_none(const json_t *request, char reterr[256])
{
    (void)request;
    (void)reterr;
    return json_object();
}

/* A copy of the request's text, unless it is not there. */
static void copy_text(json_t *body, const json_t *request, const char *name)
{
    if (ctl_text(request, name)[0] != '\0')
        (void)json_object_set(body, name,
                              json_object_get(request, name)); /* NOMEM: refused there */
}

/* "a,b" or "a b" as a list. */
static json_t *list_of(const char *text, const char *between)
{
    json_t *list = json_array();

    while (*text != '\0') {
        size_t len = strcspn(text, between);

        if (len > 0)
            (void)json_array_append_new(list, json_stringn(text, len));
        text += len + (text[len] == '\0' ? 0 : 1);
    }
    return list;
}

json_t *ctl_body_show(const json_t *request, char reterr[256])
{
    const char *id = ctl_text(request, "show");
    const char *title = ctl_text(request, "title");

    (void)reterr;
    return json_pack("{s:s, s:s}", "id", id, "title", title[0] == '\0' ? id : title);
}

json_t *ctl_body_token(const json_t *request, char reterr[256])
{
    json_t *body = json_object();
    json_t *expires = json_object_get(request, "expires_s");

    (void)reterr;
    copy_text(body, request, "show");
    copy_text(body, request, "label");
    if (ctl_text(request, "roles")[0] != '\0')
        (void)json_object_set_new(body, "roles", list_of(ctl_text(request, "roles"), ","));
    if (json_is_true(json_object_get(request, "publish_only")))
        (void)json_object_set_new(body, "publish_only", json_true());
    if (expires != NULL)
        (void)json_object_set(body, "expires", expires);
    return body;
}

static json_t *stock_body(const json_t *request, const char *deed)
{
    json_t *row = json_object();

    copy_text(row, request, "sku");
    copy_text(row, request, "location");
    copy_text(row, request, "to");
    copy_text(row, request, "cause");
    if (ctl_text(request, "from")[0] != '\0')
        (void)json_object_set(row, "location", json_object_get(request, "from"));
    (void)json_object_set(row, deed, json_object_get(request, "value"));
    return json_pack("{s:[o]}", "rows", row);
}

json_t *ctl_body_set(const json_t *request, char reterr[256])
{
    (void)reterr;
    return stock_body(request, "set");
}

json_t *ctl_body_adjust(const json_t *request, char reterr[256])
{
    (void)reterr;
    return stock_body(request, "adjust");
}

json_t *ctl_body_transfer(const json_t *request, char reterr[256])
{
    (void)reterr;
    return stock_body(request, "transfer");
}

json_t *ctl_body_webhook(const json_t *request, char reterr[256])
{
    json_t *body = json_object();

    (void)reterr;
    copy_text(body, request, "url");
    copy_text(body, request, "description");
    if (ctl_text(request, "topics")[0] != '\0')
        (void)json_object_set_new(body, "topics", list_of(ctl_text(request, "topics"), " "));
    return body;
}

json_t *ctl_body_since(const json_t *request, char reterr[256])
{
    json_t *body = json_object();

    (void)reterr;
    copy_text(body, request, "since");
    if (json_object_size(body) == 0)
        (void)json_object_set_new(body, "since", json_string("1970-01-01T00:00:00Z"));
    return body;
}

/* "1x2,3": two units of the first line and one of the third. */
static json_t *lines_of(const char *text)
{
    json_t *lines = json_array();

    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        size_t digits = strcspn(text, "x,");
        int64_t line = 0;
        int64_t qty = 1;

        if (tg_parse_i64(&line, text, digits, 1, INT32_MAX) != TG_OK ||
            (digits < len &&
             tg_parse_i64(&qty, text + digits + 1, len - digits - 1, 1, INT32_MAX) != TG_OK)) {
            json_decref(lines);
            return NULL;
        }
        (void)json_array_append_new(
            lines, json_pack("{s:I, s:I}", "line", (json_int_t)line, "qty", (json_int_t)qty));
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return lines;
}

json_t *ctl_body_order(const json_t *request, char reterr[256])
{
    const char *amount = ctl_text(request, "amount");
    json_t *body = json_object();
    json_t *lines = lines_of(ctl_text(request, "lines"));
    int64_t minor = 0;

    copy_text(body, request, "reason");
    copy_text(body, request, "carrier");
    copy_text(body, request, "tracking");
    if (amount[0] != '\0' &&
        tg_parse_i64(&minor, amount, strlen(amount), 1, INT64_C(1000000000000)) != TG_OK)
        (void)snprintf(reterr, 256, "--amount takes minor units, such as 14900 for 149.00");
    else if (amount[0] != '\0')
        (void)json_object_set_new(body, "amount", json_integer(minor));
    if (lines == NULL)
        (void)snprintf(reterr, 256, "--lines takes lines with quantities, such as 1x2,3");
    else if (json_array_size(lines) > 0)
        (void)json_object_set(body, "lines", lines);
    json_decref(lines);
    if (reterr[0] == '\0')
        return body;
    json_decref(body);
    return NULL;
}

/* NOLINTEND(readability-non-const-parameter) */
