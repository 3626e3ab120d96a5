#include "api/req.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/h_whep_events.h"
#include "base/alloc.h"
#include "base/metrics.h"
#include "base/str.h"

enum {
    REPLY_MAX = 4 * 1024 * 1024, /* /metrics, lists of shows; pages and slabs are not copied */
    LARGE_BYTES = 128 * 1024,    /* of an answer are one request of its address */
};

struct tg_req *tg_req_new(struct tg_worker *w, struct lws *wsi)
{
    struct tg_req *q = tg_calloc(1, sizeof(*q));

    if (q == NULL)
        return NULL;
    q->w = w;
    q->wsi = wsi;
    q->upload_fd = -1;
    tg_auth_nobody(&q->auth);
    tg_buf_init(&q->head, TG_HTTP_HEADERS_MAX);
    tg_buf_init(&q->out, REPLY_MAX);
    return q;
}

static void release_slot(struct tg_req *q)
{
    tg_dlist_del(&q->in_waiting);
    if (q->has_slot)
        tg_slots_del(&q->w->slots, q->slot);
    q->has_slot = false;
}

void tg_req_free(struct tg_req *q)
{
    if (q == NULL)
        return;
    release_slot(q);
    tg_events_free(q->events);
    tg_buf_done(&q->body);
    tg_buf_done(&q->head);
    tg_buf_done(&q->out);
    tg_slab_unref(q->slab);
    if (q->upload_fd >= 0)
        (void)close(q->upload_fd); /* the file goes anyway */
    if (q->upload_path[0] != '\0')
        (void)unlink(q->upload_path); /* not there is as good */
    if (q->map != NULL)
        (void)munmap(q->map, q->map_len); /* our own mapping */
    tg_free(q);
}

struct tg_span tg_req_param(const struct tg_req *q, size_t index)
{
    TG_ASSERT(index < q->match.param_count);
    return q->match.params[index];
}

bool tg_req_show(struct tg_req *q, struct tg_show_info *ret)
{
    struct tg_span id = tg_req_param(q, 0);

    if (tg_registry_show_get(q->w->web->cfg.registry, (const char *)id.data, id.len, ret) == TG_OK)
        return true;
    tg_reply_problem(q, 404, "show", "There is no show with this id.");
    return false;
}

json_t *tg_req_json(struct tg_req *q)
{
    json_t *root;

    if (strcmp(q->content_type, "application/json") != 0) {
        tg_reply_problem(q, 415, "Content-Type", "Send application/json.");
        return NULL;
    }
    root = json_loadb((const char *)q->body.data, q->body.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(root))
        return root;
    json_decref(root);
    tg_reply_problem(q, 400, NULL, "The body must be one JSON object.");
    return NULL;
}

static void bad_field(struct tg_req *q, const char *field, const char *what)
{
    char detail[128];

    tg_str_printf(detail, sizeof(detail), "\"%.40s\" %s", field, what);
    tg_reply_problem(q, 400, field, detail);
}

bool tg_req_text(struct tg_req *q, json_t *object, const char *field, char *out, size_t size,
                 bool needed)
{
    const json_t *value = json_object_get(object, field);
    size_t len = json_string_length(value);

    out[0] = '\0';
    if (value == NULL || json_is_null(value)) {
        if (needed)
            bad_field(q, field, "is missing.");
        return !needed;
    }
    if (!json_is_string(value) || (needed && len == 0)) {
        bad_field(q, field, "must be text.");
        return false;
    }
    if (!tg_utf8_printable(json_string_value(value), len) ||
        tg_str_copy(out, size, json_string_value(value), len) != TG_OK) {
        bad_field(q, field, "is too long or holds control characters.");
        return false;
    }
    return true;
}

/* Argument `at`, "name=value", decoded; NULL = there are no more. */
static char *next_arg(const struct tg_req *q, int at, char *buf, size_t size)
{
    int len = lws_hdr_fragment_length(q->wsi, WSI_TOKEN_HTTP_URI_ARGS, at);

    buf[0] = '\0';
    if (len <= 0)
        return NULL;
    if ((size_t)len < size)
        (void)lws_hdr_copy_fragment(q->wsi, buf, (int)size, WSI_TOKEN_HTTP_URI_ARGS, at);
    return buf;
}

static bool take_value(const char *value, char *out, size_t size)
{
    return tg_utf8_printable(value, strlen(value)) &&
           tg_str_copy(out, size, value, strlen(value)) == TG_OK;
}

bool tg_req_arg(const struct tg_req *q, const char *name, char *out, size_t size)
{
    char arg[TG_REQ_ARG_SIZE];
    size_t len = strlen(name);

    out[0] = '\0';
    for (int i = 0; next_arg(q, i, arg, sizeof(arg)) != NULL; i++)
        if (strncmp(arg, name, len) == 0 && arg[len] == '=') /* NOLINT: next_arg ended it */
            return take_value(arg + len + 1, out, size);
    return true;
}

bool tg_req_query(struct tg_req *q, const char *name, char *out, size_t size)
{
    if (tg_req_arg(q, name, out, size))
        return true;
    bad_field(q, name, "is too long or no text.");
    return false;
}

bool tg_req_query_flag(struct tg_req *q, const char *name, bool *ret)
{
    char text[8];

    *ret = false;
    if (!tg_req_query(q, name, text, sizeof(text)))
        return false;
    *ret = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    return true;
}

int tg_req_query_each(struct tg_req *q, const char *prefix, int *at, char *name, char *out,
                      size_t size)
{
    char arg[TG_REQ_ARG_SIZE];
    size_t skip = strlen(prefix);

    while (next_arg(q, (*at)++, arg, sizeof(arg)) != NULL) {
        char *equals = strchr(arg, '=');

        if (strncmp(arg, prefix, skip) != 0 || equals == NULL)
            continue;
        *equals = '\0';
        if (take_value(arg + skip, name, size) && take_value(equals + 1, out, size))
            return 1;
        bad_field(q, prefix, "is too long or no text.");
        return -1;
    }
    return 0;
}

/* Before the message is posted: the answer may come at once. */
static bool wait_for_answer(struct tg_req *q, struct tg_conn *ret_conn)
{
    if (tg_slots_put(&q->w->slots, TG_SLOT_REQ, q, &q->slot, &q->generation) != TG_OK) {
        tg_reply_retry(q, 503, 1000, "The server is full. Try again.");
        return false;
    }
    q->has_slot = true;
    q->state = TG_REQ_WAIT;
    q->deadline = q->w->now + (tg_us)TG_HTTP_WAIT_S * TG_US_PER_S;
    tg_dlist_add(&q->w->waiting, &q->in_waiting);
    lws_set_timeout(q->wsi, NO_PENDING_TIMEOUT, 0);
    /* A pipelined request must wait: libwebsockets would spin on it or take it for our body. */
    (void)lws_rx_flow_control(q->wsi, 0);
    *ret_conn = (struct tg_conn){.mb = q->w->mb, .slot = q->slot, .generation = q->generation};
    return true;
}

static void answer_comes(struct tg_req *q)
{
    release_slot(q);
    (void)lws_rx_flow_control(q->wsi, 1); /* fails only for a dead socket, which closes itself */
}

static void post_failed(struct tg_req *q)
{
    answer_comes(q);
    TG_COUNT(web_busy_total);
    tg_reply_retry(q, 503, 1000, "The server is busy. Try again in a second.");
}

void tg_req_ask_sale(struct tg_req *q, struct tg_sale_req *take_msg)
{
    if (!wait_for_answer(q, &take_msg->conn))
        tg_msg_free(take_msg);
    else if (tg_mailbox_post(q->w->web->peers.sale, take_msg) != TG_OK)
        post_failed(q);
}

void tg_req_ask_read(struct tg_req *q, struct tg_read_req *take_msg)
{
    const struct tg_web_peers *peers = &q->w->web->peers;
    bool export = take_msg->what == TG_READ_EXPORT || take_msg->what == TG_READ_EXPORT_STATE ||
                  take_msg->what == TG_READ_EXPORT_FILE;
    size_t reader = export || peers->read_count == 0 ? 0 : q->w->next_read++ % peers->read_count;

    if (peers->read_count == 0) {
        tg_msg_free(take_msg);
        tg_reply_problem(q, 503, NULL, "The database is not there yet. Try again.");
        return;
    }
    if (!wait_for_answer(q, &take_msg->conn))
        tg_msg_free(take_msg);
    else if (tg_mailbox_post(peers->read[reader], take_msg) != TG_OK)
        post_failed(q);
}

void tg_req_ask_rtc(struct tg_req *q, unsigned worker, struct tg_rtc_req *take_msg)
{
    TG_ASSERT(worker < q->w->web->peers.rtc_count);
    if (!wait_for_answer(q, &take_msg->conn))
        tg_msg_free(take_msg);
    else if (tg_mailbox_post(q->w->web->peers.rtc[worker], take_msg) != TG_OK)
        post_failed(q);
}

struct tg_sale_req *tg_req_sale(struct tg_req *q, enum tg_sale_what what)
{
    struct tg_sale_req *msg = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*msg));

    if (msg == NULL) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return NULL;
    }
    msg->what = what;
    msg->http = true;
    /* A token of one show is staff of that show only. */
    msg->show = q->auth.one_show ? q->auth.show : UINT16_MAX;
    msg->who = q->auth.who;
    msg->until_wall_us = -1;
    tg_str_printf(msg->idempotency, sizeof(msg->idempotency), "%s", q->idempotency);
    memcpy(msg->who.lang, q->lang, sizeof(msg->who.lang));
    return msg;
}

/* As it may stand in an address; libwebsockets has decoded it. */
static void add_escaped(struct tg_buf *out, const char *text, const char *plain)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
            strchr(plain, *c) != NULL)
            tg_buf_add(out, c, 1);
        else
            tg_buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

/* The headers are gone when the answer comes. What is too long has no Link; `next` stays. */
static void keep_query(struct tg_req *q)
{
    struct tg_buf out;
    char arg[TG_REQ_QUERY_MAX];
    bool whole = true;

    tg_buf_init(&out, sizeof(q->query) - 1);
    for (int i = 0; lws_hdr_fragment_length(q->wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        if (lws_hdr_copy_fragment(q->wsi, arg, sizeof(arg), WSI_TOKEN_HTTP_URI_ARGS, i) <= 0)
            whole = false; /* too long: a Link without it would lead to another list */
        else if (strncmp(arg, "cursor=", 7) != 0) {
            add_escaped(&out, arg, "-._~=");
            tg_buf_add_str(&out, "&");
        }
    }
    tg_str_cut(q->query, sizeof(q->query), whole && out.err == TG_OK ? tg_buf_cstr(&out) : "!");
    tg_buf_done(&out);
}

struct tg_read_req *tg_req_read(struct tg_req *q, enum tg_read_what what)
{
    struct tg_read_req *msg = tg_msg_new(TG_MSG_READ_REQ, sizeof(*msg));

    if (msg == NULL) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return NULL;
    }
    msg->what = what;
    /* A token of one show is staff of that show only. */
    msg->show = q->auth.one_show ? q->auth.show : UINT16_MAX;
    msg->who = q->auth.who;
    memcpy(msg->who.lang, q->lang, sizeof(msg->who.lang));
    memcpy(msg->cursor, q->cursor, sizeof(msg->cursor));
    msg->limit = q->limit;
    keep_query(q);
    return msg;
}

/* RFC 8288: the list's next page. */
static void link_next(struct tg_req *q, const char *next)
{
    struct tg_buf path;

    if (next[0] == '\0' || q->query[0] == '!')
        return;
    tg_buf_init(&path, TG_REQ_PATH_MAX * 3);
    add_escaped(&path, q->path, "-._~/");
    if (path.err == TG_OK)
        tg_reply_header(q, "Link", "<%s?%scursor=%s>; rel=\"next\"", tg_buf_cstr(&path), q->query,
                        next);
    tg_buf_done(&path);
}

/* Memory and bandwidth: a large answer is as many requests as it has parts of some size. */
static void charge(struct tg_req *q, const struct tg_slab *answer)
{
    if (answer != NULL && answer->len > (size_t)LARGE_BYTES)
        tg_rate_addr_more(q->w, &q->peer, q->match.route->rate,
                          (answer->len - 1) / (size_t)LARGE_BYTES);
}

static void on_reply(struct tg_worker *w, struct tg_web_reply *msg)
{
    struct tg_req *q = tg_slots_get(&w->slots, TG_SLOT_REQ, msg->conn.slot, msg->conn.generation);

    if (q == NULL)
        return;
    answer_comes(q);
    if (q->finish != NULL) {
        q->finish(q, msg);
        return;
    }
    tg_reply_start(q, msg->status);
    tg_reply_header(q, "Cache-Control", "no-store");
    if (msg->location[0] != '\0')
        tg_reply_header(q, "Location", "%s", msg->location);
    if (msg->etag[0] != '\0')
        tg_reply_header(q, "ETag", "%s", msg->etag);
    if (msg->in_lang)
        tg_reply_header(q, "Content-Language", "%s", q->lang);
    link_next(q, msg->next);
    tg_reply_again(q, msg->json);
    charge(q, msg->json);
    tg_reply_slab(q, msg->status >= 400 ? "application/problem+json" : "application/json",
                  msg->json);
    msg->json = NULL;
}

static void on_rtc_reply(struct tg_worker *w, struct tg_rtc_reply *msg)
{
    struct tg_req *q = tg_slots_get(&w->slots, TG_SLOT_REQ, msg->conn.slot, msg->conn.generation);

    if (q == NULL) {
        if (!tg_events_reply(w, msg))
            tg_reply_orphan(w, msg);
        return;
    }
    answer_comes(q);
    tg_rtc_answer(q, msg);
}

bool tg_req_message(struct tg_worker *w, void *msg)
{
    const struct tg_msg *head = msg;

    if (head->kind == TG_MSG_WEB_REPLY)
        on_reply(w, msg);
    else if (head->kind == TG_MSG_RTC_REPLY)
        on_rtc_reply(w, msg);
    else if (head->kind == TG_MSG_WEB_EVENTS_END)
        tg_events_ended(w, ((const struct tg_web_events_end *)msg)->stream);
    else
        return false;
    return true;
}

void tg_req_second(struct tg_worker *w)
{
    TG_DLIST_EACH(node, &w->waiting)
    {
        struct tg_req *q = TG_CONTAINER_OF(node, struct tg_req, in_waiting);

        if (q->deadline > w->now)
            break; /* the list is in order of arrival, and all wait equally long */
        TG_COUNT(http_timeouts_total);
        answer_comes(q);
        tg_reply_retry(q, 503, 1000, "The server did not answer in time. Try again.");
    }
}
