/* Webhook endpoints and their delivery logs, for admins. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/hook_json.h"
#include "sale/reader_priv.h"
#include "store/hooks.h"

static void hooks(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_hook *rows = tg_calloc(TG_WEBHOOKS_MAX, sizeof(*rows));
    struct tg_reader_list list;
    size_t count = 0;
    int64_t above;
    tg_err err;

    if (rows == NULL || !tg_reader_cursor(r, req, 'h', 0, &above)) {
        if (rows == NULL)
            tg_reader_answer(r, req, TG_ERR_NOMEM, "");
        tg_free(rows);
        return;
    }
    err = tg_read_hooks(r->db, rows, TG_WEBHOOKS_MAX, &count);
    tg_reader_list(&list, r, req, 'h', "webhooks");
    for (size_t i = 0; err == TG_OK && i < count && !list.page.more; i++) {
        if (rows[i].ord <= above || !tg_page_row(&list.page, rows[i].ord))
            continue;
        tg_jo_obj(&list.j, NULL);
        tg_hook_write(&list.j, &rows[i]);
        tg_jo_end_obj(&list.j);
    }
    tg_free(rows);
    tg_reader_list_end(&list, req, err);
}

static void one_hook(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_jo j = tg_jo(&r->buf);
    struct tg_hook hook;
    tg_err err = tg_read_hook(r->db, req->key, &hook);

    if (err == TG_OK) {
        tg_jo_obj(&j, NULL);
        tg_hook_write(&j, &hook);
        tg_jo_end_obj(&j);
    }
    tg_reader_answer(r, req, err, "There is no such webhook.");
}

static void write_delivery(struct tg_jo *j, const struct tg_delivery *d)
{
    char id[TG_HOOK_MESSAGE_ID_SIZE];

    tg_hook_message_id(id, d->message);
    tg_jo_str(j, "message", id);
    tg_jo_str(j, "type", d->topic);
    tg_jo_str(j, "state", tg_delivery_state_name(d->state));
    tg_jo_int(j, "attempts", d->tries);
    if (d->status > 0)
        tg_jo_int(j, "status", d->status);
    else
        tg_jo_null(j, "status");
    tg_reader_when(j, "created", d->created_wall);
    tg_reader_when(j, "next_attempt", d->state == TG_DELIVERY_PENDING ? d->due_wall : -1);
    tg_reader_when(j, "done", d->done_wall);
}

static tg_err add_delivery(void *ctx, const struct tg_delivery *d)
{
    struct tg_reader_list *list = ctx;

    if (!tg_page_row(&list->page, d->message))
        return TG_OK;
    tg_jo_obj(&list->j, NULL);
    write_delivery(&list->j, d);
    tg_jo_end_obj(&list->j);
    return list->reader->buf.err;
}

static void deliveries(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_reader_list list;
    struct tg_hook hook;
    int64_t below;
    tg_err err = tg_read_hook(r->db, req->key, &hook);

    if (err != TG_OK) {
        tg_reader_answer(r, req, err, "There is no such webhook.");
        return;
    }
    if (!tg_reader_cursor(r, req, 'w', INT64_MAX, &below))
        return;
    tg_reader_list(&list, r, req, 'w', "deliveries");
    err = tg_read_deliveries(r->db, hook.ord, req->state, below, tg_reader_rows(&list),
                             add_delivery, &list);
    tg_reader_list_end(&list, req, err);
}

static tg_err add_attempt(void *ctx, const struct tg_attempt *a)
{
    struct tg_jo *j = ctx;

    tg_jo_obj(j, NULL);
    tg_jo_int(j, "n", a->n);
    tg_reader_when(j, "at", a->at_wall);
    if (a->status > 0)
        tg_jo_int(j, "status", a->status);
    else
        tg_jo_null(j, "status");
    tg_jo_int(j, "duration_ms", a->duration_ms);
    tg_jo_str(j, "error", a->error[0] == '\0' ? NULL : a->error);
    tg_jo_str(j, "answer", a->answer);
    tg_jo_end_obj(j);
    return j->buf->err;
}

static void one_delivery(struct tg_reader *r, const struct tg_read_req *req)
{
    struct tg_jo j = tg_jo(&r->buf);
    struct tg_hook hook;
    struct tg_delivery d;
    struct tg_hook_key key = {.message = req->message};
    tg_err err = tg_read_hook(r->db, req->key, &hook);

    if (err == TG_OK) {
        key.hook = hook.ord;
        err = tg_read_delivery(r->db, &key, &d);
    }
    if (err == TG_OK) {
        tg_jo_obj(&j, NULL);
        write_delivery(&j, &d);
        tg_jo_arr(&j, "log");
        err = tg_read_attempts(r->db, &key, add_attempt, &j);
        tg_jo_end_arr(&j);
        tg_jo_end_obj(&j);
    }
    tg_reader_answer(r, req, err, "This webhook has no such message.");
}

void tg_reader_hooks(struct tg_reader *r, const struct tg_read_req *req)
{
    if ((req->who.roles & TG_ROLE_ADMIN) == 0)
        tg_reader_problem(r, req, 403, "forbidden", "Only an admin may see webhooks.");
    else if (req->what == TG_READ_HOOKS)
        hooks(r, req);
    else if (req->what == TG_READ_HOOK)
        one_hook(r, req);
    else if (req->what == TG_READ_DELIVERIES)
        deliveries(r, req);
    else
        one_delivery(r, req);
}
