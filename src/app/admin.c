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
#include "shop/stock.h"
#include "store/backup.h"

enum { ANSWER_WAIT_US = 10 * TG_US_PER_S, ADMIN_SLOT = UINT16_MAX };

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

static void answer_done(struct tg_admin_answer *a)
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

        if (now >= deadline)
            break;
        tg_mailbox_wait(admin->inbox, deadline - now);
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
    tg_str_printf(req->idempotency, sizeof(req->idempotency), "op-%lld-%u",
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
    tg_str_printf(op->op.id, sizeof(op->op.id), "op-%lld-%u", (long long)tg_clock_wall(),
                  admin->next);
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

/* {"ok":true, and the members of the thread's answer}; or its problem in plain words. */
void tg_admin_pass_on(struct tg_buf *out, tg_err err, struct tg_admin_answer *a)
{
    char *text;

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
        text = json_dumps(a->body, JSON_COMPACT);
        tg_buf_add_str(out, text != NULL ? text : "{\"ok\":true}");
        json_free_t json_free_fn;
        json_malloc_t json_malloc_fn;
        json_get_alloc_funcs(&json_malloc_fn, &json_free_fn);
        if (text != NULL)
            json_free_fn(text);
    }
    answer_done(a);
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
    static struct tg_show_info shows[TG_SHOWS_MAX];
    size_t count = tg_registry_shows(admin->registry, shows, TG_SHOWS_MAX);
    struct tg_jo j = tg_jo(out);

    (void)request;
    tg_jo_obj(&j, NULL);
    tg_jo_bool(&j, "ok", true);
    tg_jo_arr(&j, "shows");
    for (size_t i = 0; i < count; i++)
        tg_show_info_write(&j, NULL, &shows[i]);
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
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

/* The one row of the answer in place of the answer: what was changed, as it is now. */
static void flatten(struct tg_admin_answer *a)
{
    json_t *row = json_array_get(json_object_get(a->body, "rows"), 0);

    if (a->status >= 400 || row == NULL)
        return;
    json_incref(row);
    json_decref(a->body);
    a->body = row;
}

static void change_stock(struct tg_admin *admin, const json_t *request, enum tg_stock_how how,
                         struct tg_buf *out)
{
    json_t *value = json_object_get(request, "value");
    struct tg_stock_changes *changes;
    struct tg_stock_change *row;
    struct tg_sale_req *req;
    struct tg_admin_answer a = {0};
    tg_err err;

    if (!json_is_integer(value) || json_integer_value(value) > INT32_MAX ||
        json_integer_value(value) < INT32_MIN) {
        tg_admin_refuse(out, "The number of units must be a whole number.");
        return;
    }
    req = tg_admin_new_sale(admin, TG_SALE_STOCK_ROWS);
    changes = tg_calloc(1, sizeof(*changes) + sizeof(changes->rows[0]));
    if (req == NULL || changes == NULL) {
        tg_msg_free(req);
        tg_free(changes);
        tg_admin_refuse(out, "out of memory");
        return;
    }
    changes->count = 1;
    changes->all = true;
    row = &changes->rows[0];
    row->how = (uint8_t)how;
    row->value = (int32_t)json_integer_value(value);
    row->counted_wall_us = -1;
    row->if_version = -1;
    tg_str_cut(row->sku, sizeof(row->sku), tg_admin_text(request, "sku"));
    tg_str_cut(row->location, sizeof(row->location),
               tg_admin_text(request, how == TG_STOCK_TRANSFER ? "from" : "location"));
    tg_str_cut(row->to, sizeof(row->to), tg_admin_text(request, "to"));
    tg_str_cut(row->cause, sizeof(row->cause), tg_admin_text(request, "cause"));
    req->stock = changes;
    err = tg_admin_ask(admin, admin->sale, req, &a);
    flatten(&a);
    tg_admin_pass_on(out, err, &a);
}

static void cmd_stock_set(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    change_stock(admin, request, TG_STOCK_SET, out);
}

static void cmd_stock_adjust(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    change_stock(admin, request, TG_STOCK_ADJUST, out);
}

static void cmd_stock_transfer(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    change_stock(admin, request, TG_STOCK_TRANSFER, out);
}

static void cmd_stock_locations(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_LOCATIONS, tg_admin_text(request, "sku"), "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}

/* What is wrong, as far as a line of text can say it. */
static void refuse_audit(const struct tg_admin_answer *a, struct tg_buf *out)
{
    const json_t *first = json_array_get(json_object_get(a->body, "differences"), 0);
    const char *sku = json_string_value(json_object_get(first, "sku"));
    const char *problem = json_string_value(json_object_get(first, "problem"));

    tg_admin_refuse(out, "The stock does not add up: %lld differences; the first is %s, %s.",
                    (long long)json_integer_value(json_object_get(a->body, "difference_count")),
                    sku == NULL ? "?" : sku, problem == NULL ? "?" : problem);
}

static void cmd_stock_audit(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_sale_req *req = tg_admin_new_sale(admin, TG_SALE_STOCK_AUDIT);
    struct tg_admin_answer a = {0};
    tg_err err;

    (void)request;
    if (req == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    err = tg_admin_ask(admin, admin->sale, req, &a);
    if (err == TG_OK && a.status == 200 && !json_is_true(json_object_get(a.body, "ok"))) {
        refuse_audit(&a, out);
        answer_done(&a);
        return;
    }
    tg_admin_pass_on(out, err, &a);
}

/* Made here, on the caller's thread: neither the sale nor the pages wait for it. */
static void cmd_backup(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    const char *file = tg_admin_text(request, "file");
    char why[256] = "there is no database";
    tg_err err = TG_ERR_NOTFOUND;
    struct tg_jo j = tg_jo(out);

    if (file[0] != '/') {
        tg_admin_refuse(out, "The file must be an absolute path.");
        return;
    }
    if (admin->db.url != NULL)
        err = tg_backup(&admin->db, file, NULL, why);
    if (err != TG_OK) {
        tg_admin_refuse(out, "%s", why);
        return;
    }
    tg_jo_obj(&j, NULL);
    tg_jo_bool(&j, "ok", true);
    tg_jo_str(&j, "file", file);
    tg_jo_end_obj(&j);
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
    {"stock.set", cmd_stock_set},
    {"stock.adjust", cmd_stock_adjust},
    {"stock.transfer", cmd_stock_transfer},
    {"stock.locations", cmd_stock_locations},
    {"stock.audit", cmd_stock_audit},
    {"order.list", tg_admin_order_list},
    {"order.show", tg_admin_order_show},
    {"order.cancel", tg_admin_order_change},
    {"order.fulfil", tg_admin_order_change},
    {"order.refund", tg_admin_order_change},
    {"backup", cmd_backup},
    {"catalog.import", tg_admin_import},
    {"catalog.undo", tg_admin_undo},
    {"catalog.list", tg_admin_imports},
    {"catalog.status", tg_admin_import_status},
    {"catalog.faults", tg_admin_import_faults},
    {"catalog.export", tg_admin_export},
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
