/* The operator's commands about orders. */
#include <string.h>

#include "app/admin_priv.h"
#include "base/alloc.h"
#include "base/str.h"

void tg_admin_order_list(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_show_info show = {.ord = UINT16_MAX};
    struct tg_read_req *req;
    struct tg_admin_answer a = {0};

    if (tg_admin_text(request, "show")[0] != '\0' && !tg_admin_show(admin, request, &show, out))
        return;
    req = tg_admin_new_read(admin, TG_READ_ORDERS);
    if (req == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    req->show = show.ord;
    tg_str_cut(req->cursor, sizeof(req->cursor), tg_admin_text(request, "cursor"));
    tg_str_cut(req->word, sizeof(req->word), tg_admin_text(request, "state"));
    tg_str_cut(req->person, sizeof(req->person), tg_admin_text(request, "person"));
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->read, req, &a), &a);
}

void tg_admin_order_show(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_ORDER, tg_admin_text(request, "order"), "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}

/* "1x2,3": two units of the first line and one of the third. */
static bool parse_lines(const char *text, struct tg_order_ask *ask)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        size_t digits = strcspn(text, "x,");
        int64_t line;
        int64_t qty = 1;

        if (ask->line_count == TG_CART_LINES_MAX ||
            tg_parse_i64(&line, text, digits, 1, TG_CART_LINES_MAX) != TG_OK ||
            (digits < len &&
             tg_parse_i64(&qty, text + digits + 1, len - digits - 1, 1, TG_QTY_MAX) != TG_OK))
            return false;
        ask->lines[ask->line_count].line = (uint32_t)line - 1;
        ask->lines[ask->line_count++].qty = (int32_t)qty;
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return true;
}

static struct tg_order_ask *order_ask(const json_t *request, struct tg_buf *out)
{
    const char *amount = tg_admin_text(request, "amount");
    struct tg_order_ask *order = tg_calloc(1, sizeof(*order));

    if (order == NULL) {
        tg_admin_refuse(out, "out of memory");
        return NULL;
    }
    order->amount = -1;
    tg_str_cut(order->reason, sizeof(order->reason), tg_admin_text(request, "reason"));
    tg_str_cut(order->carrier, sizeof(order->carrier), tg_admin_text(request, "carrier"));
    tg_str_cut(order->tracking, sizeof(order->tracking), tg_admin_text(request, "tracking"));
    if (!parse_lines(tg_admin_text(request, "lines"), order))
        tg_admin_refuse(out, "--lines takes lines with quantities, such as 1x2,3");
    else if (amount[0] != '\0' && tg_parse_i64(&order->amount, amount, strlen(amount), 1,
                                               INT64_C(1000000000000)) != TG_OK)
        tg_admin_refuse(out, "--amount takes minor units, such as 14900 for 149.00");
    else
        return order;
    tg_free(order);
    return NULL;
}

/* People say numbers, the sale thread knows ids. */
static bool order_id(struct tg_admin *admin, const json_t *request, char id[TG_SKU_MAX + 1],
                     struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_ORDER, tg_admin_text(request, "order"), "", &a, &err);
    if (err != TG_OK || a.status != 200) {
        tg_admin_pass_on(out, err, &a);
        return false;
    }
    tg_str_cut(id, TG_SKU_MAX + 1, tg_admin_text(json_object_get(a.body, "order"), "id"));
    json_decref(a.body);
    return true;
}

/* order.cancel, order.fulfil, order.refund */
void tg_admin_order_change(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    const char *deed = tg_admin_text(request, "cmd") + strlen("order.");
    enum tg_sale_what what = deed[0] == 'c' ? TG_SALE_CANCEL : TG_SALE_REFUND;
    char id[TG_SKU_MAX + 1];
    struct tg_order_ask *order;
    struct tg_sale_req *req;
    struct tg_admin_answer a = {0};

    if (deed[0] == 'f')
        what = TG_SALE_FULFIL;
    if (!order_id(admin, request, id, out))
        return;
    order = order_ask(request, out);
    req = order == NULL ? NULL : tg_admin_new_sale(admin, what);
    if (req == NULL) {
        if (order != NULL)
            tg_admin_refuse(out, "out of memory");
        tg_free(order);
        return;
    }
    req->order = order;
    tg_str_cut(req->key, sizeof(req->key), id);
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->sale, req, &a), &a);
}
