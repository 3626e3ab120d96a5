#include "msg/msg.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "msg/live.h"
#include "msg/media.h"
#include "msg/rtc.h"
#include "msg/sale.h"
#include "msg/web.h"

void *tg_msg_new(enum tg_msg_kind kind, size_t size)
{
    struct tg_msg *msg;

    TG_ASSERT(size >= sizeof(*msg));
    msg = tg_calloc(1, size);
    if (msg != NULL)
        msg->kind = kind;
    return msg;
}

/* A file that nobody took goes with its message. */
static void drop_upload(const struct tg_sale_req *req)
{
    if (req->what == TG_SALE_IMPORT && req->flag && req->body != NULL)
        (void)remove((const char *)req->body->data); /* not there is as good */
}

#define UP_TO(member) offsetof(struct tg_op, u) + sizeof(((struct tg_op *)NULL)->u.member)

size_t tg_op_size(const struct tg_op *op)
{
    switch (op->kind) {
    case TG_OP_BUY:
    case TG_OP_CART_SET:
        return UP_TO(line);
    case TG_OP_CHAT:
        return UP_TO(chat);
    case TG_OP_REACT:
        return UP_TO(react);
    case TG_OP_STOCK:
        return UP_TO(stock);
    default:
        return sizeof(*op); /* rare, or as long as that */
    }
}

struct tg_sale_req *tg_sale_req_new(enum tg_sale_what what, const struct tg_op *op)
{
    size_t size = tg_op_size(op);
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, offsetof(struct tg_sale_req, op) + size);

    if (req == NULL)
        return NULL;
    req->what = what;
    req->until_wall_us = -1;
    memcpy(&req->op, op, size);
    return req;
}

/* One level deep: what is inside a sale request. */
void tg_msg_free(void *msg) /* NOLINT(misc-no-recursion) */
{
    struct tg_msg *head = msg;

    if (head == NULL)
        return;
    switch (head->kind) {
    case TG_MSG_LIVE_JOIN:
        tg_slab_unref(((struct tg_live_join *)msg)->cart_json);
        tg_slab_unref(((struct tg_live_join *)msg)->waiting_json);
        break;
    case TG_MSG_LIVE_RULES:
        tg_slab_unref(((struct tg_live_rules *)msg)->json);
        tg_slab_unref(((struct tg_live_rules *)msg)->event);
        break;
    case TG_MSG_LIVE_CATALOG:
        tg_catalog_unref(((struct tg_live_catalog *)msg)->catalog);
        break;
    case TG_MSG_JOURNAL:
        tg_slab_unref(((struct tg_journal_append *)msg)->line);
        break;
    case TG_MSG_SALE_REQ:
        tg_msg_free(((struct tg_sale_req *)msg)->join);
        tg_free(((struct tg_sale_req *)msg)->code);
        tg_msg_free(((struct tg_sale_req *)msg)->hook_work);
        tg_free(((struct tg_sale_req *)msg)->hook);
        tg_free(((struct tg_sale_req *)msg)->order);
        drop_upload(msg);
        tg_slab_unref(((struct tg_sale_req *)msg)->body);
        tg_free(((struct tg_sale_req *)msg)->stock);
        tg_free(((struct tg_sale_req *)msg)->rules);
        tg_free(((struct tg_sale_req *)msg)->place);
        break;
    case TG_MSG_WEB_CAST:
        tg_slab_unref(((struct tg_web_cast *)msg)->json);
        break;
    case TG_MSG_WEB_SEND:
        tg_slab_unref(((struct tg_web_send *)msg)->json);
        break;
    case TG_MSG_WEB_PERSON:
        tg_slab_unref(((struct tg_web_person *)msg)->json);
        break;
    case TG_MSG_WEB_REPLY:
        tg_slab_unref(((struct tg_web_reply *)msg)->json);
        break;
    case TG_MSG_RTC_REQ:
        tg_slab_unref(((struct tg_rtc_req *)msg)->sdp);
        break;
    case TG_MSG_RTC_REPLY:
        tg_slab_unref(((struct tg_rtc_reply *)msg)->sdp);
        break;
    case TG_MSG_LIVE_LEAVE:
    case TG_MSG_LIVE_OP:
    case TG_MSG_LIVE_SALE:
    case TG_MSG_LIVE_SHOW:
    case TG_MSG_LIVE_SOURCE:
    case TG_MSG_LIVE_UPLINK:
    case TG_MSG_READ_REQ:
    case TG_MSG_WEB_CUT:
    case TG_MSG_WEB_EVENTS_END:
    case TG_MSG_MEDIA:
    case TG_MSG_HOOK_WORK:
        break;
    }
    tg_free(msg);
}
