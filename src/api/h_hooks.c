/* Webhook endpoints: making, changing, rotating, trying them, and their delivery logs. */
#include <string.h>

#include "api/channel_parse.h"
#include "api/req.h"
#include "base/alloc.h"
#include "base/str.h"

/* The path's endpoint into key; false: 404 was answered. */
static bool hook_id(struct tg_req *q, char *key, size_t size)
{
    struct tg_span id = tg_req_param(q, 0);

    if (id.len == TG_UUID_SIZE - 1 &&
        tg_str_copy(key, size, (const char *)id.data, id.len) == TG_OK &&
        strspn(key, "0123456789abcdef-") == id.len)
        return true;
    tg_reply_problem(q, 404, "webhook", "There is no webhook with this id.");
    return false;
}

static bool message_id(struct tg_req *q, int64_t *ret)
{
    struct tg_span id = tg_req_param(q, 1);
    char text[TG_HOOK_MESSAGE_ID_SIZE];

    if (tg_str_copy(text, sizeof(text), (const char *)id.data, id.len) == TG_OK &&
        tg_hook_message_parse(ret, text) == TG_OK)
        return true;
    tg_reply_problem(q, 404, "message", "There is no message with this id.");
    return false;
}

/* A request of this kind about the path's endpoint; NULL: answered. */
static struct tg_sale_req *hook_request(struct tg_req *q, enum tg_hook_do verb)
{
    struct tg_sale_req *msg = tg_req_sale(q, TG_SALE_HOOK);

    if (msg == NULL)
        return NULL;
    msg->hook = tg_calloc(1, sizeof(*msg->hook));
    if (msg->hook == NULL) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    } else {
        msg->hook->verb = verb;
        msg->hook->message = -1;
        if (verb == TG_HOOK_CREATE || hook_id(q, msg->hook->hook.id, sizeof(msg->hook->hook.id)))
            return msg;
    }
    tg_msg_free(msg);
    return NULL;
}

static bool read_url(struct tg_req *q, json_t *body, struct tg_hook_req *req, bool needed)
{
    char detail[192];
    char why[128];

    if (!tg_req_text(q, body, "url", req->hook.url, sizeof(req->hook.url), needed))
        return false;
    req->has_url = req->hook.url[0] != '\0';
    if (!req->has_url || tg_hook_url_ok(req->hook.url, &q->w->web->hook_networks, why))
        return true;
    tg_str_printf(detail, sizeof(detail), "\"url\" %s.", why);
    tg_reply_problem(q, 400, "url", detail);
    return false;
}

static bool bad_topics(struct tg_req *q)
{
    tg_reply_problem(q, 400, "topics",
                     "\"topics\" must be a list such as [\"order.*\", \"stock.changed\"] of topics "
                     "that there are, at most 255 characters together; an empty list asks for "
                     "everything.");
    return false;
}

static bool read_topics(struct tg_req *q, json_t *body, struct tg_hook_req *req)
{
    const json_t *list = json_object_get(body, "topics");
    size_t at = 0;

    if (list == NULL || json_is_null(list))
        return true;
    if (!json_is_array(list))
        return bad_topics(q);
    req->has_topics = true;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *topic = json_string_value(json_array_get(list, i));
        size_t len = topic == NULL ? 0 : strlen(topic);

        if (len == 0 || !tg_hook_topic_ok(topic) || at + len + 1 >= sizeof(req->hook.topics))
            return bad_topics(q);
        if (at > 0)
            req->hook.topics[at++] = ' ';
        memcpy(req->hook.topics + at, topic, len);
        at += len;
    }
    req->hook.topics[at] = '\0';
    return true;
}

static bool read_rest(struct tg_req *q, json_t *body, struct tg_hook_req *req)
{
    const json_t *enabled = json_object_get(body, "enabled");

    req->has_description = json_is_string(json_object_get(body, "description"));
    if (!tg_req_text(q, body, "description", req->hook.description, sizeof(req->hook.description),
                     false))
        return false;
    if (enabled == NULL || json_is_null(enabled))
        return true;
    if (!json_is_boolean(enabled)) {
        tg_reply_problem(q, 400, "enabled", "\"enabled\" must be true or false.");
        return false;
    }
    req->has_enabled = true;
    req->hook.enabled = json_is_true(enabled);
    return true;
}

static void put(struct tg_req *q, enum tg_hook_do verb)
{
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg = body == NULL ? NULL : hook_request(q, verb);
    bool ok = msg != NULL && read_url(q, body, msg->hook, verb == TG_HOOK_CREATE) &&
              read_topics(q, body, msg->hook) && read_rest(q, body, msg->hook);

    json_decref(body);
    if (ok)
        tg_req_ask_sale(q, msg);
    else
        tg_msg_free(msg);
}

void tg_h_hook_create(struct tg_req *q)
{
    put(q, TG_HOOK_CREATE);
}

void tg_h_hook_change(struct tg_req *q)
{
    put(q, TG_HOOK_CHANGE);
}

static void act(struct tg_req *q, enum tg_hook_do verb)
{
    struct tg_sale_req *msg = hook_request(q, verb);

    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}

void tg_h_hook_delete(struct tg_req *q)
{
    act(q, TG_HOOK_DELETE);
}

void tg_h_hook_rotate(struct tg_req *q)
{
    act(q, TG_HOOK_ROTATE);
}

void tg_h_hook_ping(struct tg_req *q)
{
    act(q, TG_HOOK_PING);
}

void tg_h_delivery_replay(struct tg_req *q)
{
    struct tg_sale_req *msg;
    int64_t message;

    if (!message_id(q, &message))
        return;
    msg = hook_request(q, TG_HOOK_REPLAY);
    if (msg == NULL)
        return;
    msg->hook->message = message;
    tg_req_ask_sale(q, msg);
}

/* {"since": RFC 3339}: everything that was given up from then on. */
void tg_h_hook_replay(struct tg_req *q)
{
    char since[40];
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg;
    int64_t when;
    bool ok;

    if (body == NULL)
        return;
    ok = tg_req_text(q, body, "since", since, sizeof(since), true);
    json_decref(body);
    if (!ok)
        return;
    when = tg_time_parse(since);
    if (when < 0) {
        tg_reply_problem(q, 400, "since", "\"since\" must be a time such as 2026-11-22T10:20:30Z.");
        return;
    }
    msg = hook_request(q, TG_HOOK_REPLAY_FAILED);
    if (msg == NULL)
        return;
    msg->hook->since_wall = when;
    tg_req_ask_sale(q, msg);
}

/* --- reading --- */

static struct tg_read_req *read_request(struct tg_req *q, enum tg_read_what what)
{
    char key[TG_UUID_SIZE];
    struct tg_read_req *msg;

    if (what != TG_READ_HOOKS && !hook_id(q, key, sizeof(key)))
        return NULL;
    msg = tg_req_read(q, what);
    if (msg != NULL && what != TG_READ_HOOKS)
        tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    return msg;
}

void tg_h_hooks(struct tg_req *q)
{
    struct tg_read_req *msg = read_request(q, TG_READ_HOOKS);

    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

void tg_h_hook(struct tg_req *q)
{
    struct tg_read_req *msg = read_request(q, TG_READ_HOOK);

    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

void tg_h_hook_deliveries(struct tg_req *q)
{
    struct tg_read_req *msg = read_request(q, TG_READ_DELIVERIES);
    char state[16];

    if (msg == NULL)
        return;
    if (!tg_req_query(q, "state", state, sizeof(state))) {
        tg_msg_free(msg);
        return;
    }
    msg->state = -1;
    for (int i = 0; tg_delivery_state_name(i) != NULL; i++)
        if (strcmp(state, tg_delivery_state_name(i)) == 0)
            msg->state = i;
    if (state[0] != '\0' && msg->state < 0) {
        tg_msg_free(msg);
        tg_reply_problem(q, 400, "state", "\"state\" must be pending, delivered or failed.");
        return;
    }
    tg_req_ask_read(q, msg);
}

void tg_h_hook_delivery(struct tg_req *q)
{
    struct tg_read_req *msg;
    int64_t message;

    if (!message_id(q, &message))
        return;
    msg = read_request(q, TG_READ_DELIVERY);
    if (msg == NULL)
        return;
    msg->message = message;
    tg_req_ask_read(q, msg);
}
