#include "ctl/remote.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/remote_priv.h"

enum { PATH_SIZE = 1024 };

struct route {
    const char *cmd;
    const char *method;
    const char *path;  /* {member} is the request's */
    const char *query; /* members that become parameters, blank-separated */
    ctl_body_fn body;  /* NULL = none */
    bool keyed;
};

static const struct route routes[] = {
    {"show.create", "POST", "/shows", "", ctl_body_show, false},
    {"show.list", "GET", "/shows", "", NULL, false},
    {"show.status", "GET", "/shows/{show}", "", NULL, false},
    {"token.create", "POST", "/tokens", "", ctl_body_token, true},
    {"token.list", "GET", "/tokens", "", NULL, false},
    {"token.revoke", "DELETE", "/tokens/{token}", "", NULL, false},
    {"stock.set", "POST", "/stock", "", ctl_body_set, true},
    {"stock.adjust", "POST", "/stock", "", ctl_body_adjust, true},
    {"stock.transfer", "POST", "/stock/transfers", "", ctl_body_transfer, true},
    {"stock.locations", "GET", "/locations", "sku", NULL, false},
    {"webhook.list", "GET", "/webhooks", "", NULL, false},
    {"webhook.create", "POST", "/webhooks", "", ctl_body_webhook, true},
    {"webhook.rotate", "POST", "/webhooks/{webhook}/rotate", "", ctl_body_none, true},
    {"webhook.ping", "POST", "/webhooks/{webhook}/ping", "", ctl_body_none, true},
    {"webhook.replay", "POST", "/webhooks/{webhook}/replay", "", ctl_body_since, true},
    {"webhook.delete", "DELETE", "/webhooks/{webhook}", "", NULL, false},
    {"catalog.import", "POST", "/imports", "format name dry_run strict archive_missing", NULL,
     true},
    {"catalog.undo", "POST", "/imports/{import}/undo", "", ctl_body_none, true},
    {"catalog.cancel", "DELETE", "/imports/{import}", "", NULL, false},
    {"catalog.list", "GET", "/imports", "cursor", NULL, false},
    {"catalog.status", "GET", "/imports/{import}", "", NULL, false},
    {"catalog.faults", "GET", "/imports/{import}/faults", "cursor", NULL, false},
    {"order.list", "GET", "/orders", "cursor state show person", NULL, false},
    {"order.show", "GET", "/orders/{order}", "", NULL, false},
    {"order.cancel", "POST", "/orders/{order}/cancel", "", ctl_body_order, true},
    {"order.fulfil", "POST", "/orders/{order}/fulfil", "", ctl_body_order, true},
    {"order.refund", "POST", "/orders/{order}/refund", "", ctl_body_order, true},
};

static const struct route *find(const char *cmd)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].cmd, cmd) == 0)
            return &routes[i];
    return NULL;
}

/* --- the address --- */

/* What RFC 3986 reserves, as %XX. */
static void add_escaped(struct tg_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x80 && (isalnum(c) || strchr("-._~", c) != NULL))
            tg_buf_add(out, text, 1);
        else
            tg_buf_printf(out, "%%%02X", (unsigned)c);
    }
}

static void add_member(struct tg_buf *out, const json_t *request, const char *name)
{
    add_escaped(out,
                json_is_true(json_object_get(request, name)) ? "true" : ctl_text(request, name));
}

static tg_err make_path(struct tg_buf *out, const struct route *r, const json_t *request)
{
    char name[32];
    char between = '?';

    for (const char *at = r->path; *at != '\0'; at++) {
        size_t len = strcspn(at, "}");

        if (*at != '{') {
            tg_buf_add(out, at, 1);
            continue;
        }
        if (tg_str_copy(name, sizeof(name), at + 1, len - 1) != TG_OK)
            return TG_ERR_BUG;
        add_member(out, request, name);
        at += len;
    }
    for (const char *at = r->query; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        if (tg_str_copy(name, sizeof(name), at, strcspn(at, " ")) != TG_OK)
            return TG_ERR_BUG;
        if (json_object_get(request, name) == NULL)
            continue;
        tg_buf_printf(out, "%c%s=", between, name);
        add_member(out, request, name);
        between = '&';
    }
    return out->err;
}

/* --- the answer --- */

/* As app/admin.h has it: the members of the answer and "ok", or the problem in plain words. */
static json_t *admin_form(const struct ctl_call *call)
{
    json_t *row = json_array_get(json_object_get(call->answer, "rows"), 0);
    const char *detail = ctl_text(call->answer, "detail");
    json_t *out;

    if (call->status < 200 || call->status >= 300)
        return detail[0] != '\0' ? ctl_refusal("%s", detail)
                                 : ctl_refusal("the server answers %ld", call->status);
    out = row != NULL ? json_copy(row) /* stock: what was changed, as it is now */
          : json_is_object(call->answer) ? json_copy(call->answer)
                                         : json_object();
    (void)json_object_set_new(out, "ok", json_true());
    return out;
}

static json_t *send(const struct ctl_where *where, const struct route *r, const json_t *request,
                    const json_t *body)
{
    struct ctl_call call = {.method = r->method, .body = body, .keyed = r->keyed};
    struct tg_buf path;
    char why[256] = "";
    json_t *out;
    tg_err err;

    if (strcmp(r->cmd, "catalog.import") == 0)
        call.upload = ctl_text(request, "file");
    tg_buf_init(&path, PATH_SIZE);
    err = make_path(&path, r, request);
    call.path = tg_buf_cstr(&path);
    if (err == TG_OK)
        err = ctl_call(where, &call, why);
    out = err == TG_OK ? admin_form(&call)
                       : ctl_refusal("%s", why[0] != '\0' ? why : "the words are too long");
    json_decref(call.answer);
    tg_buf_done(&path);
    return out;
}

/* --- what the API knows by other names --- */

/* People say numbers, changes want ids. A refusal, or NULL with the request mended. */
static json_t *name_order(const struct ctl_where *where, json_t *request)
{
    const char *order = ctl_text(request, "order");
    json_t *answer;
    const char *id;

    if (order[0] == '\0' || order[strspn(order, "0123456789")] != '\0' ||
        strcmp(ctl_text(request, "cmd"), "order.show") == 0)
        return NULL;
    answer = send(where, find("order.show"), request, NULL);
    id = ctl_text(json_object_get(answer, "order"), "id");
    if (id[0] == '\0')
        return answer;
    (void)json_object_set_new(request, "order", json_string(id));
    json_decref(answer);
    return NULL;
}

/* One that runs can be cancelled, one that has ended and was no dry run undone. */
static bool fits(const json_t *import, bool cancel)
{
    const char *state = ctl_text(import, "state");

    if (strcmp(state, "waiting") == 0 || strcmp(state, "running") == 0 ||
        strcmp(state, "undoing") == 0)
        return cancel;
    return !cancel && strcmp(state, "undone") != 0 &&
           !json_is_true(json_object_get(import, "dry_run"));
}

/* `catalog undo` or `catalog cancel` without a name: the newest that it fits. */
static json_t *name_import(const struct ctl_where *where, json_t *request)
{
    bool cancel = strcmp(ctl_text(request, "cmd"), "catalog.cancel") == 0;
    json_t *answer;
    json_t *each;
    size_t i;

    if ((!cancel && strcmp(ctl_text(request, "cmd"), "catalog.undo") != 0) ||
        ctl_text(request, "import")[0] != '\0')
        return NULL;
    answer = send(where, find("catalog.list"), request, NULL);
    if (!json_is_true(json_object_get(answer, "ok")))
        return answer;
    json_array_foreach(json_object_get(answer, "imports"), i, each)
    {
        if (fits(each, cancel)) {
            (void)json_object_set_new(request, "import", json_string(ctl_text(each, "id")));
            break;
        }
    }
    json_decref(answer);
    if (ctl_text(request, "import")[0] != '\0')
        return NULL;
    return cancel ? ctl_refusal("No import is running.")
                  : ctl_refusal("There is no import that could be undone.");
}

static json_t *prepare(const struct ctl_where *where, json_t *request)
{
    const char *file = strrchr(ctl_text(request, "file"), '/');
    json_t *refusal = name_order(where, request);

    if (file != NULL)
        (void)json_object_set_new(request, "name", json_string(file + 1));
    return refusal != NULL ? refusal : name_import(where, request);
}

json_t *ctl_ask_remote(const struct ctl_where *where, const json_t *request)
{
    const struct route *r = find(ctl_text(request, "cmd"));
    json_t *named;
    json_t *answer;
    json_t *body = NULL;
    char why[256] = "";

    if (r == NULL)
        return ctl_refusal("this is not done over HTTP; use --data DIR where the server runs");
    named = json_copy((json_t *)(uintptr_t)request); /* it is only read */
    answer = prepare(where, named);
    if (answer == NULL && r->body != NULL) {
        body = r->body(named, why);
        if (body == NULL)
            answer = ctl_refusal("%s", why);
    }
    if (answer == NULL)
        answer = send(where, r, named, body);
    json_decref(body);
    json_decref(named);
    return answer;
}
