/* How a show sells: what its pages must know, and chat lines that may buy. */
#include <string.h>

#include "base/json_out.h"
#include "base/metrics.h"
#include "base/str.h"
#include "live/live_priv.h"
#include "msg/sale.h"

void room_rules(struct tg_live *live, const struct tg_live_rules *msg)
{
    struct room *room = msg->show < TG_SHOWS_MAX ? live->rooms[msg->show] : NULL;

    if (room == NULL)
        return;
    room->comments = msg->comments;
    tg_slab_unref(room->selling);
    room->selling = msg->json == NULL ? NULL : tg_slab_ref(msg->json);
    if (msg->event != NULL)
        room_cast_must(live, room, (const char *)msg->event->data, msg->event->len);
}

/* The line stands in the chat; that it bought nothing must be said. */
static void say_busy(struct tg_live *live, const struct tg_live_op *op)
{
    struct tg_jo j = tg_jo(&live->scratch);

    tg_buf_clear(&live->scratch);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "comment");
    tg_jo_str(&j, "id", op->op.id);
    tg_jo_bool(&j, "ok", false);
    tg_jo_str(&j, "code", "busy");
    tg_jo_str(&j, "message", "The shop is busy and nothing was bought. Try again in a moment.");
    tg_jo_end_obj(&j);
    if (live->scratch.err == TG_OK)
        room_send(&op->conn, (const char *)live->scratch.data, live->scratch.len, false);
}

/* Can it be a purchase ("shop 12") or its undoing ("angre")? Sale knows; most talk is neither. */
static bool may_buy(const char *text)
{
    enum { UNDO_LEN_MAX = 24 };

    return strchr(text, '?') == NULL &&
           (strpbrk(text, "0123456789") != NULL || strlen(text) <= UNDO_LEN_MAX);
}

void room_comment(struct tg_live *live, const struct room *room, const struct tg_live_op *op)
{
    struct tg_sale_req *msg;

    /* Staff show how it is written; they do not buy by it. */
    if (live->sale == NULL || (op->who.roles & TG_ROLE_STAFF) != 0 || !may_buy(op->op.u.chat.text))
        return;
    msg = tg_sale_req_new(TG_SALE_COMMENT, &op->op);
    if (msg != NULL) {
        msg->conn = op->conn;
        msg->show = room->ord;
        msg->who = op->who;
    }
    if (msg == NULL || tg_mailbox_post(live->sale, msg) != TG_OK)
        say_busy(live, op);
    else
        TG_COUNT(live_comments_total);
}
