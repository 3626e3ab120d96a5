/* The operator's commands about webhooks. */
#include <stdio.h>
#include <string.h>

#include "api/channel_parse.h"
#include "app/admin_priv.h"
#include "base/alloc.h"
#include "base/str.h"

static struct tg_sale_req *hook_request(struct tg_admin *admin, const json_t *request,
                                        enum tg_hook_do verb)
{
    struct tg_sale_req *req = tg_admin_new_sale(admin, TG_SALE_HOOK);

    if (req == NULL)
        return NULL;
    req->hook = tg_calloc(1, sizeof(*req->hook));
    if (req->hook == NULL) {
        tg_msg_free(req);
        return NULL;
    }
    req->hook->verb = verb;
    req->hook->message = -1;
    tg_str_cut(req->hook->hook.id, sizeof(req->hook->hook.id), tg_admin_text(request, "webhook"));
    return req;
}

static void ask_hook(struct tg_admin *admin, struct tg_sale_req *take_req, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};

    if (take_req == NULL)
        tg_admin_refuse(out, "out of memory");
    else
        tg_admin_pass_on(out, tg_admin_ask(admin, admin->sale, take_req, &a), &a);
}

void tg_admin_hook_create(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    const char *url = tg_admin_text(request, "url");
    const char *topics = tg_admin_text(request, "topics");
    struct tg_sale_req *req;
    char why[128];

    if (strlen(url) >= TG_URL_SIZE || !tg_hook_url_ok(url, &admin->hook_networks, why)) {
        tg_admin_refuse(out, "The address %s.", strlen(url) >= TG_URL_SIZE ? "is too long" : why);
        return;
    }
    if (!tg_hook_topics_ok(topics)) {
        tg_admin_refuse(out, "Topics are words such as order.paid, stock.changed or product.*, "
                             "separated by single blanks.");
        return;
    }
    req = hook_request(admin, request, TG_HOOK_CREATE);
    if (req != NULL) {
        struct tg_hook_req *h = req->hook;

        h->has_url = h->has_topics = h->has_description = true;
        tg_str_cut(h->hook.url, sizeof(h->hook.url), url);
        tg_str_cut(h->hook.topics, sizeof(h->hook.topics), topics);
        tg_str_cut(h->hook.description, sizeof(h->hook.description),
                   tg_admin_text(request, "description"));
    }
    ask_hook(admin, req, out);
}

void tg_admin_hook_list(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    (void)request;
    tg_admin_ask_read(admin, TG_READ_HOOKS, "", "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}

void tg_admin_hook_rotate(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    ask_hook(admin, hook_request(admin, request, TG_HOOK_ROTATE), out);
}

void tg_admin_hook_ping(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    ask_hook(admin, hook_request(admin, request, TG_HOOK_PING), out);
}

void tg_admin_hook_delete(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    ask_hook(admin, hook_request(admin, request, TG_HOOK_DELETE), out);
}

void tg_admin_hook_replay(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    const char *since = tg_admin_text(request, "since");
    tg_us when = since[0] == '\0' ? 0 : tg_time_parse(since);
    struct tg_sale_req *req;

    if (when < 0) {
        tg_admin_refuse(out, "--since must be a time such as 2026-11-22T10:20:30Z.");
        return;
    }
    req = hook_request(admin, request, TG_HOOK_REPLAY_FAILED);
    if (req != NULL)
        req->hook->since_wall = when;
    ask_hook(admin, req, out);
}
