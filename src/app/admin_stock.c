/* The operator's commands about stock, and the backup. */
#include <stdio.h>
#include <string.h>

#include "app/admin_priv.h"
#include "base/alloc.h"
#include "base/json_out.h"
#include "base/str.h"
#include "shop/stock.h"
#include "store/audit.h"
#include "store/backup.h"

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

void tg_admin_stock_set(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    change_stock(admin, request, TG_STOCK_SET, out);
}

void tg_admin_stock_adjust(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    change_stock(admin, request, TG_STOCK_ADJUST, out);
}

void tg_admin_stock_transfer(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    change_stock(admin, request, TG_STOCK_TRANSFER, out);
}

void tg_admin_stock_locations(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_LOCATIONS, tg_admin_text(request, "sku"), "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}

/* --- audit --- */

enum { DIFFERENCES_SHOWN_MAX = 100 };

struct audit {
    json_t *differences;
    long long checked;
    long long count;
};

static void differs(struct audit *a, json_t *take_difference)
{
    if (a->count++ < DIFFERENCES_SHOWN_MAX)
        (void)json_array_append_new(a->differences, take_difference); /* NOMEM: it is counted */
    else
        json_decref(take_difference);
}

static tg_err audit_row(void *ctx, const struct tg_audit_row *row)
{
    struct audit *a = ctx;
    char why[160];

    a->checked++;
    if (!tg_audit_row_ok(row, why))
        differs(a, json_pack("{s:s, s:i, s:s}", "sku", row->sku, "location", (int)row->location,
                             "problem", why));
    return TG_OK;
}

/* The sale thread compares its memory with the disk, some SKUs a turn: nobody waits long. */
static tg_err audit_memory(struct tg_admin *admin, struct audit *a, struct tg_admin_answer *ret)
{
    char above[TG_SKU_MAX + 1] = "";

    for (;;) {
        struct tg_sale_req *req = tg_admin_new_sale(admin, TG_SALE_STOCK_AUDIT);
        const char *next;
        json_t *row;
        size_t i;
        tg_err err;

        if (req == NULL)
            return TG_ERR_NOMEM;
        tg_str_cut(req->key, sizeof(req->key), above);
        err = tg_admin_ask(admin, admin->sale, req, ret);
        if (err != TG_OK || ret->status != 200)
            return err;
        json_array_foreach(json_object_get(ret->body, "differences"), i, row)
        {
            differs(a, json_incref(row));
        }
        next = json_string_value(json_object_get(ret->body, "next"));
        if (next == NULL)
            return TG_OK;
        tg_str_cut(above, sizeof(above), next);
        tg_admin_answer_done(ret);
    }
}

/* What is wrong, as far as a line of text can say it, and in full. */
static json_t *audit_answer(const struct audit *a)
{
    json_t *answer =
        json_pack("{s:b, s:O, s:I, s:I}", "ok", a->count == 0, "differences", a->differences,
                  "checked", (json_int_t)a->checked, "difference_count", (json_int_t)a->count);
    const json_t *first = json_array_get(a->differences, 0);
    char text[400];

    if (answer == NULL || first == NULL)
        return answer;
    (void)snprintf(text, sizeof(text),
                   "The stock does not add up: %lld differences; the first is %s, %s.", a->count,
                   json_string_value(json_object_get(first, "sku")),
                   json_string_value(json_object_get(first, "problem")));
    (void)json_object_set_new(answer, "message", json_string(text)); /* NOMEM: the list says it */
    return answer;
}

void tg_admin_stock_audit(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct audit a = {.differences = json_array()};
    struct tg_admin_answer answer = {0};
    char why[256] = "there is no database";
    tg_err err = TG_ERR_NOTFOUND;

    (void)request;
    if (admin->db.url != NULL)
        err = tg_audit_snapshot(&admin->db, admin->stop, audit_row, &a, why);
    if (err != TG_OK) {
        tg_admin_refuse(out, "%s", why);
        json_decref(a.differences);
        return;
    }
    err = audit_memory(admin, &a, &answer);
    if (err == TG_OK && answer.status == 200) {
        json_decref(answer.body);
        answer.body = audit_answer(&a);
        tg_admin_put(out, answer.body);
        tg_admin_answer_done(&answer);
    } else {
        tg_admin_pass_on(out, err, &answer);
    }
    json_decref(a.differences);
}

/* --- backup --- */

/* Made here, on the operator's own thread: neither the sale nor the pages wait for it. */
void tg_admin_backup(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
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
        err = tg_backup(&admin->db, file, admin->stop, why);
    if (err != TG_OK) {
        tg_admin_refuse(out, "%s", why);
        return;
    }
    tg_jo_obj(&j, NULL);
    tg_jo_bool(&j, "ok", true);
    tg_jo_str(&j, "file", file);
    tg_jo_end_obj(&j);
}
