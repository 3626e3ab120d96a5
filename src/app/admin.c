#include "app/admin.h"
#include "app/admin_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/str.h"
#include "msg/live.h"
#include "msg/sale.h"
#include "msg/web.h"

enum {
    ANSWER_WAIT_US = 10 * TG_US_PER_S,
    LOOK_EVERY_US = TG_US_PER_S / 5, /* at the stop flag */
    ADMIN_SLOT = UINT16_MAX,
};

tg_err tg_admin_init(struct tg_admin *admin, struct tg_registry *registry, struct tg_mailbox *sale,
                     struct tg_mailbox *live, struct tg_mailbox *read)
{
    *admin = (struct tg_admin){
        .registry = registry, .sale = sale, .live = live, .read = read, .next = 1};
    return tg_mailbox_new(&admin->inbox, 64, tg_msg_free);
}

void tg_admin_done(struct tg_admin *admin)
{
    tg_mailbox_free(admin->inbox);
    *admin = (struct tg_admin){0};
}

/* --- asking the threads
 * ----------------------------------------------------------------------------- */

void tg_admin_answer_done(struct tg_admin_answer *a)
{
    json_decref(a->body);
    a->body = NULL;
}

static struct tg_conn my_conn(struct tg_admin *admin)
{
    return (struct tg_conn){.mb = admin->inbox, .slot = ADMIN_SLOT, .generation = admin->next};
}

static json_t *parse_slab(const struct tg_slab *slab)
{
    return slab == NULL ? NULL : json_loadb((const char *)slab->data, slab->len, 0, NULL);
}

/* Takes what a message says when it answers the request in flight. */
static bool take_answer(struct tg_admin *admin, const void *msg, struct tg_admin_answer *ret)
{
    const struct tg_msg *head = msg;

    if (head->kind == TG_MSG_WEB_REPLY) {
        const struct tg_web_reply *reply = msg;

        if (reply->conn.generation != admin->next)
            return false;
        *ret = (struct tg_admin_answer){.status = reply->status, .body = parse_slab(reply->json)};
        return true;
    }
    if (head->kind == TG_MSG_WEB_SEND) {
        const struct tg_web_send *send = msg;

        if (send->conn.generation != admin->next)
            return false;
        ret->body = parse_slab(send->json);
        ret->status = json_is_true(json_object_get(ret->body, "ok")) ? 200 : 400;
        return true;
    }
    return false;
}

static tg_err wait_answer(struct tg_admin *admin, struct tg_admin_answer *ret)
{
    tg_us deadline = tg_clock_mono() + ANSWER_WAIT_US;
    bool got = false;

    while (!got) {
        tg_us now = tg_clock_mono();
        void *msg;

        if (now >= deadline || (admin->stop != NULL && atomic_load(admin->stop)))
            break;
        tg_mailbox_wait(admin->inbox, TG_MIN(deadline - now, LOOK_EVERY_US));
        while (!got && tg_mailbox_take(admin->inbox, &msg, 1) == 1) {
            got = take_answer(admin, msg, ret);
            tg_msg_free(msg);
        }
    }
    admin->next++;
    return got ? TG_OK : TG_ERR_TIMEOUT;
}

/* The operator, for the threads' own role checks. */
static struct tg_person operator_person(void)
{
    return (struct tg_person){.id = "operator", .name = "operator", .roles = TG_ROLE_ALL};
}

struct tg_sale_req *tg_admin_new_sale(struct tg_admin *admin, enum tg_sale_what what)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    if (req == NULL)
        return NULL;
    req->what = what;
    req->conn = my_conn(admin);
    req->http = true;
    req->show = UINT16_MAX;
    req->who = operator_person();
    req->until_wall_us = -1;
    /* Every operator's command is a new one: the key only has to be fresh. */
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "op%u-%lld-%u", admin->lane,
                  (long long)tg_clock_wall(), admin->next);
    return req;
}

tg_err tg_admin_ask(struct tg_admin *admin, struct tg_mailbox *mb, void *take_msg,
                    struct tg_admin_answer *ret)
{
    tg_err err = tg_mailbox_post(mb, take_msg);

    return err != TG_OK ? err : wait_answer(admin, ret);
}

static tg_err ask_live(struct tg_admin *admin, uint16_t show, enum tg_op_kind kind,
                       struct tg_admin_answer *ret)
{
    struct tg_live_op *op = tg_msg_new(TG_MSG_LIVE_OP, sizeof(*op));

    if (op == NULL)
        return TG_ERR_NOMEM;
    op->conn = my_conn(admin);
    op->show = show;
    op->who = operator_person();
    op->op.kind = kind;
    tg_str_printf(op->op.id, sizeof(op->op.id), "op%u-%lld-%u", admin->lane,
                  (long long)tg_clock_wall(), admin->next);
    return tg_admin_ask(admin, admin->live, op, ret);
}

/* --- answers
 * ---------------------------------------------------------------------------------------- */

void tg_admin_refuse(struct tg_buf *out, const char *fmt, ...)
{
    struct tg_jo j = tg_jo(out);
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a cut message is fine */
    va_end(args);
    tg_jo_obj(&j, NULL);
    tg_jo_bool(&j, "ok", false);
    tg_jo_str(&j, "message", text);
    tg_jo_end_obj(&j);
}

void tg_admin_put(struct tg_buf *out, const json_t *answer)
{
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    json_free_t free_fn;
    json_malloc_t malloc_fn;

    json_get_alloc_funcs(&malloc_fn, &free_fn);
    tg_buf_add_str(out, text != NULL ? text : "{\"ok\":false,\"message\":\"out of memory\"}");
    if (text != NULL)
        free_fn(text);
}

/* {"ok":true, and the members of the thread's answer}; or its problem in plain words. */
void tg_admin_pass_on(struct tg_buf *out, tg_err err, struct tg_admin_answer *a)
{
    if (err == TG_ERR_TIMEOUT) {
        tg_admin_refuse(out, "The server did not answer within 10 s; see its log.");
    } else if (err != TG_OK) {
        tg_admin_refuse(out, "The server is too busy (%s); try again.", tg_err_name(err));
    } else if (a->status >= 400) {
        const char *detail = json_string_value(json_object_get(a->body, "detail"));

        if (detail == NULL)
            detail = json_string_value(json_object_get(a->body, "message"));
        tg_admin_refuse(out, "%s", detail != NULL ? detail : "refused");
    } else {
        if (!json_is_object(a->body)) {
            json_t *wrapped = json_object();

            if (a->body != NULL)
                (void)json_object_set_new(wrapped, "result", a->body); /* NOMEM: an empty answer */
            a->body = wrapped;
        }
        (void)json_object_set_new(a->body, "ok", json_true());
        tg_admin_put(out, a->body);
    }
    tg_admin_answer_done(a);
}

/* --- commands
 * ---------------------------------------------------------------------------------------- */

const char *tg_admin_text(const json_t *request, const char *key)
{
    const char *text = json_string_value(json_object_get(request, key));

    return text != NULL ? text : "";
}

bool tg_admin_show(struct tg_admin *admin, const json_t *request, struct tg_show_info *ret,
                   struct tg_buf *out)
{
    const char *id = tg_admin_text(request, "show");

    if (tg_registry_show_get(admin->registry, id, strlen(id), ret) == TG_OK)
        return true;
    tg_admin_refuse(out, "There is no show \"%s\". See: torgctl show list", id);
    return false;
}

static void cmd_show_create(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_sale_req *req = tg_admin_new_sale(admin, TG_SALE_SHOW_CREATE);
    const char *id = tg_admin_text(request, "show");
    const char *title = tg_admin_text(request, "title");
    struct tg_admin_answer a = {0};

    if (req == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    if (tg_str_copy(req->key, sizeof(req->key), id, strlen(id)) != TG_OK ||
        tg_str_copy(req->text, sizeof(req->text), title[0] != '\0' ? title : id,
                    strlen(title[0] != '\0' ? title : id)) != TG_OK) {
        tg_msg_free(req);
        tg_admin_refuse(out, "The id may have %d bytes and the title %d.", TG_SHOW_ID_MAX,
                        TG_TITLE_SIZE - 1);
        return;
    }
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->sale, req, &a), &a);
}

static void cmd_show_list(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_show_info *shows = tg_calloc(TG_SHOWS_MAX, sizeof(*shows));
    size_t count = shows == NULL ? 0 : tg_registry_shows(admin->registry, shows, TG_SHOWS_MAX);
    struct tg_jo j = tg_jo(out);

    (void)request;
    if (shows == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    tg_jo_obj(&j, NULL);
    tg_jo_bool(&j, "ok", true);
    tg_jo_arr(&j, "shows");
    for (size_t i = 0; i < count; i++)
        tg_show_info_write(&j, NULL, &shows[i]);
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
    tg_free(shows);
}

static void cmd_show_status(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_show_info show;
    struct tg_jo j = tg_jo(out);

    if (!tg_admin_show(admin, request, &show, out))
        return;
    tg_jo_obj(&j, NULL);
    tg_jo_bool(&j, "ok", true);
    tg_show_info_write(&j, "show", &show);
    tg_jo_end_obj(&j);
}

static void run_show(struct tg_admin *admin, const json_t *request, enum tg_op_kind kind,
                     struct tg_buf *out)
{
    struct tg_show_info show;
    struct tg_admin_answer a = {0};

    if (tg_admin_show(admin, request, &show, out))
        tg_admin_pass_on(out, ask_live(admin, show.ord, kind, &a), &a);
}

static void cmd_show_start(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    run_show(admin, request, TG_OP_SHOW_START, out);
}

static void cmd_show_stop(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    run_show(admin, request, TG_OP_SHOW_END, out);
}

/* "host,merchandiser" to a mask; 0 with a message when a name is none. */
static uint32_t parse_roles(const char *text, struct tg_buf *out)
{
    uint32_t roles = 0;

    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        uint32_t role = tg_role_parse(text, len);

        if (role == 0) {
            tg_admin_refuse(
                out,
                "\"%.*s\" is no role. Roles: viewer, customer, advisor, moderator, host, "
                "merchandiser, admin.",
                (int)len, text);
            return 0;
        }
        roles |= role;
        text += len + (text[len] == ',' ? 1 : 0);
    }
    if (roles == 0)
        tg_admin_refuse(out, "A token needs at least one role: --role R[,R...]");
    return roles;
}

static struct tg_sale_req *token_request(struct tg_admin *admin, uint32_t roles, bool publish_only,
                                         const char *show, const char *label, tg_us expires)
{
    struct tg_sale_req *req = tg_admin_new_sale(admin, TG_SALE_TOKEN_CREATE);

    if (req == NULL)
        return NULL;
    req->number = roles;
    req->flag = publish_only;
    req->until_wall_us = expires == TG_US_NEVER ? -1 : expires;
    if (tg_str_copy(req->key, sizeof(req->key), show, strlen(show)) != TG_OK)
        req->key[0] = '?'; /* no show has this id, so sale names the field */
    tg_str_cut(req->text, sizeof(req->text), label);
    return req;
}

static void cmd_token_create(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    uint32_t roles = parse_roles(tg_admin_text(request, "roles"), out);
    json_int_t seconds = json_integer_value(json_object_get(request, "expires_s"));
    tg_us expires = seconds > 0 ? tg_clock_wall() + (tg_us)seconds * TG_US_PER_S : TG_US_NEVER;
    struct tg_admin_answer a = {0};
    struct tg_sale_req *req;

    if (roles == 0)
        return;
    req = token_request(admin, roles, json_is_true(json_object_get(request, "publish_only")),
                        tg_admin_text(request, "show"), tg_admin_text(request, "label"), expires);
    if (req == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->sale, req, &a), &a);
}

struct tg_read_req *tg_admin_new_read(struct tg_admin *admin, enum tg_read_what what)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));

    if (req == NULL)
        return NULL;
    req->what = what;
    req->conn = my_conn(admin);
    req->show = UINT16_MAX;
    req->who = operator_person();
    req->limit = 100;
    return req;
}

void tg_admin_ask_read(struct tg_admin *admin, enum tg_read_what what, const char *key,
                       const char *cursor, struct tg_admin_answer *ret, tg_err *ret_err)
{
    struct tg_read_req *req = tg_admin_new_read(admin, what);

    if (req == NULL) {
        *ret_err = TG_ERR_NOMEM;
        return;
    }
    tg_str_cut(req->key, sizeof(req->key), key);
    tg_str_cut(req->cursor, sizeof(req->cursor), cursor);
    *ret_err = tg_admin_ask(admin, admin->read, req, ret);
}

static void cmd_token_list(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    (void)request;
    tg_admin_ask_read(admin, TG_READ_TOKENS, "", "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}

static tg_err revoke(struct tg_admin *admin, const char *id, struct tg_admin_answer *ret)
{
    struct tg_sale_req *req = tg_admin_new_sale(admin, TG_SALE_TOKEN_REVOKE);

    if (req == NULL)
        return TG_ERR_NOMEM;
    tg_str_cut(req->key, sizeof(req->key), id);
    return tg_admin_ask(admin, admin->sale, req, ret);
}

static void cmd_token_revoke(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};

    tg_admin_pass_on(out, revoke(admin, tg_admin_text(request, "token"), &a), &a);
}

static const struct {
    const char *name;
    void (*run)(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
} commands[] = {
    {"show.create", cmd_show_create},
    {"show.list", cmd_show_list},
    {"show.status", cmd_show_status},
    {"show.start", cmd_show_start},
    {"show.stop", cmd_show_stop},
    {"token.create", cmd_token_create},
    {"token.list", cmd_token_list},
    {"token.revoke", cmd_token_revoke},
    {"webhook.list", tg_admin_hook_list},
    {"webhook.create", tg_admin_hook_create},
    {"webhook.ping", tg_admin_hook_ping},
    {"webhook.rotate", tg_admin_hook_rotate},
    {"webhook.delete", tg_admin_hook_delete},
    {"webhook.replay", tg_admin_hook_replay},
    {"stock.set", tg_admin_stock_set},
    {"stock.adjust", tg_admin_stock_adjust},
    {"stock.transfer", tg_admin_stock_transfer},
    {"stock.locations", tg_admin_stock_locations},
    {"stock.audit", tg_admin_stock_audit},
    {"order.list", tg_admin_order_list},
    {"order.show", tg_admin_order_show},
    {"order.cancel", tg_admin_order_change},
    {"order.fulfil", tg_admin_order_change},
    {"order.refund", tg_admin_order_change},
    {"backup", tg_admin_backup},
    {"catalog.import", tg_admin_import},
    {"catalog.undo", tg_admin_undo},
    {"catalog.cancel", tg_admin_cancel},
    {"catalog.list", tg_admin_imports},
    {"catalog.status", tg_admin_import_status},
    {"catalog.faults", tg_admin_import_faults},
    {"catalog.export", tg_admin_export},
    {"catalog.export.status", tg_admin_export_status},
};

void tg_admin_run(struct tg_admin *admin, const char *line, size_t len, struct tg_buf *out)
{
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *name = tg_admin_text(request, "cmd");
    bool found = false;

    for (size_t i = 0; i < TG_ARRAY_LEN(commands) && !found; i++) {
        found = strcmp(commands[i].name, name) == 0;
        if (found)
            commands[i].run(admin, request, out);
    }
    if (!found)
        tg_admin_refuse(out, "There is no command \"%s\".", name);
    json_decref(request);
}
