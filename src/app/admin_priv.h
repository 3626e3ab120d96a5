/* admin_priv.h - what the files of the operator's commands share. */
#ifndef TG_APP_ADMIN_PRIV_H
#define TG_APP_ADMIN_PRIV_H

#include <jansson.h>

#include "app/admin.h"
#include "base/buf.h"
#include "msg/sale.h"

struct tg_admin_answer {
    int status; /* HTTP status, or 200/400 of a socket reply */
    json_t *body;
};

void tg_admin_answer_done(struct tg_admin_answer *a);
/* The answer as it is; NULL = there was no memory for it. */
void tg_admin_put(struct tg_buf *out, const json_t *answer);
/* A member of the request; "" when it is not there. */
const char *tg_admin_text(const json_t *request, const char *key);
/* The answer: it failed, and why. */
void tg_admin_refuse(struct tg_buf *out, const char *fmt, ...) TG_PRINTF(2, 3);
/* A request to sale in the operator's name; NULL without memory. */
struct tg_sale_req *tg_admin_new_sale(struct tg_admin *admin, enum tg_sale_what what);
/* Posts and waits for the answer. Errors: NOMEM, LIMIT (busy), TIMEOUT. */
tg_err tg_admin_ask(struct tg_admin *admin, struct tg_mailbox *mb, void *take_msg,
                    struct tg_admin_answer *ret);
/* What a thread answered becomes the command's answer; frees it. */
void tg_admin_pass_on(struct tg_buf *out, tg_err err, struct tg_admin_answer *a);
void tg_admin_ask_read(struct tg_admin *admin, enum tg_read_what what, const char *key,
                       const char *cursor, struct tg_admin_answer *ret, tg_err *ret_err);

/* A question to the database in the operator's name; NULL without memory. */
struct tg_read_req *tg_admin_new_read(struct tg_admin *admin, enum tg_read_what what);
/* The show that the request names; false: it was refused. */
bool tg_admin_show(struct tg_admin *admin, const json_t *request, struct tg_show_info *ret,
                   struct tg_buf *out);

/* admin_stock.c */
void tg_admin_stock_set(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_stock_adjust(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_stock_transfer(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_stock_locations(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
/* On a snapshot of the disk, then memory: as long as it takes. */
void tg_admin_stock_audit(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_backup(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
/* admin_orders.c */
void tg_admin_order_list(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_order_show(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
/* order.cancel, order.fulfil, order.refund */
void tg_admin_order_change(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
/* admin_catalog.c */
void tg_admin_import(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_undo(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_cancel(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_imports(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_import_status(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_import_faults(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_export(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_export_status(struct tg_admin *admin, const json_t *request, struct tg_buf *out);

/* admin_hooks.c */
void tg_admin_hook_list(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_hook_create(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_hook_ping(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_hook_rotate(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_hook_delete(struct tg_admin *admin, const json_t *request, struct tg_buf *out);
void tg_admin_hook_replay(struct tg_admin *admin, const json_t *request, struct tg_buf *out);

#endif
