/* Shows from the registry; products, orders, payments and reports from the sale and read threads.
 */
#include <openssl/evp.h>
#include <string.h>

#include "api/req.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"

static bool show_id_ok(const char *id)
{
    for (const char *c = id; *c != '\0'; c++) {
        if ((*c < 'a' || *c > 'z') && (*c < '0' || *c > '9') && *c != '-')
            return false;
    }
    return id[0] != '\0' && id[0] != '-';
}

void tg_h_shows(struct tg_req *q)
{
    struct tg_show_info *shows = tg_calloc(TG_SHOWS_MAX, sizeof(*shows));
    struct tg_jo j = tg_jo(&q->out);
    size_t count;

    if (shows == NULL) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    count = tg_registry_shows(q->w->web->cfg.registry, shows, TG_SHOWS_MAX);
    tg_jo_obj(&j, NULL);
    tg_jo_arr(&j, "shows");
    for (size_t i = 0; i < count; i++)
        tg_show_info_write(&j, NULL, &shows[i]);
    tg_jo_end_arr(&j);
    tg_jo_null(&j, "next");
    tg_jo_end_obj(&j);
    tg_free(shows);
    tg_reply_json(q, 200);
}

void tg_h_show(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_jo j = tg_jo(&q->out);

    if (!tg_req_show(q, &show))
        return;
    tg_show_info_write(&j, NULL, &show);
    tg_reply_json(q, 200);
}

void tg_h_show_create(struct tg_req *q)
{
    char id[TG_SHOW_ID_MAX + 1];
    char title[TG_TITLE_SIZE];
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg;
    bool ok;

    if (body == NULL)
        return;
    ok = tg_req_text(q, body, "id", id, sizeof(id), true) &&
         tg_req_text(q, body, "title", title, sizeof(title), true);
    json_decref(body);
    if (!ok)
        return;
    if (!show_id_ok(id)) {
        tg_reply_problem(q, 400, "id",
                         "\"id\" may hold a-z, 0-9 and -, and begins with neither -.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_SHOW_CREATE);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", id);
    tg_str_printf(msg->text, sizeof(msg->text), "%s", title);
    tg_req_ask_sale(q, msg);
}

void tg_h_products(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_PRODUCTS);

    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

/* Staff see all orders; a buyer (also one who works here, with ?mine=1) sees their own. */
void tg_h_orders(struct tg_req *q)
{
    bool staff = (q->auth.who.roles & TG_ROLE_STAFF) != 0 && !q->auth.one_show;
    struct tg_read_req *msg;
    char mine[4];

    tg_req_query(q, "mine", mine, sizeof(mine));
    msg = tg_req_read(q, staff && mine[0] == '\0' ? TG_READ_ORDERS : TG_READ_MY_ORDERS);
    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

/* The path's object id into key; false: it cannot exist, 404. */
static bool object_id(struct tg_req *q, char *key, size_t size, const char *what)
{
    struct tg_span id = tg_req_param(q, 0);
    char detail[64];
    bool ok = id.len > 0 && id.len <= 40 &&
              tg_str_copy(key, size, (const char *)id.data, id.len) == TG_OK;

    for (size_t i = 0; ok && i < id.len; i++) {
        char c = key[i];

        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    }
    if (ok)
        return true;
    tg_str_printf(detail, sizeof(detail), "There is no %s with this id.", what);
    tg_reply_problem(q, 404, what, detail);
    return false;
}

static void read_object(struct tg_req *q, enum tg_read_what what, const char *name)
{
    char key[TG_SKU_MAX + 1];
    struct tg_read_req *msg;

    if (!object_id(q, key, sizeof(key), name))
        return;
    msg = tg_req_read(q, what);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    tg_req_ask_read(q, msg);
}

void tg_h_order(struct tg_req *q)
{
    read_object(q, TG_READ_ORDER, "order");
}

void tg_h_order_cancel(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;

    if (!object_id(q, key, sizeof(key), "order"))
        return;
    msg = tg_req_sale(q, TG_SALE_CANCEL);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
    tg_req_ask_sale(q, msg);
}

void tg_h_payment(struct tg_req *q)
{
    read_object(q, TG_READ_PAYMENT, "payment");
}

/*
 * A provider's page has no login: the unguessable payment id is the permission. The idempotency key
 * is then scoped to the payment, as if it were a person ("x" + hash).
 */
static void payment_person(struct tg_person *who, const char *payment)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (EVP_Digest(payment, strlen(payment), hash, &len, EVP_sha256(), NULL) != 1)
        memset(hash, 0, sizeof(hash)); /* out of memory: one shared scope */
    who->id[0] = 'x';
    tg_b64url_encode(who->id + 1, sizeof(who->id) - 1, hash, 16);
}

void tg_h_payment_sandbox(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;
    json_t *body;
    json_t *paid;

    if (!q->w->web->cfg.sandbox) {
        tg_reply_problem(q, 404, NULL, "The sandbox payment provider is switched off.");
        return;
    }
    if (!object_id(q, key, sizeof(key), "payment"))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    paid = json_object_get(body, "paid");
    if (!json_is_boolean(paid)) {
        json_decref(body);
        tg_reply_problem(q, 400, "paid", "\"paid\" must be true or false.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_PAY);
    if (msg != NULL) {
        msg->flag = json_is_true(paid);
        tg_str_printf(msg->key, sizeof(msg->key), "%s", key);
        payment_person(&msg->who, key);
    }
    json_decref(body);
    if (msg != NULL)
        tg_req_ask_sale(q, msg);
}

void tg_h_report(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_read_req *msg;

    if (!tg_req_show(q, &show))
        return;
    if (!tg_auth_may(&q->auth, show.ord, TG_ROLE_STAFF)) {
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
        return;
    }
    msg = tg_req_read(q, TG_READ_REPORT);
    if (msg == NULL)
        return;
    msg->show = show.ord;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", show.id);
    tg_req_ask_read(q, msg);
}
