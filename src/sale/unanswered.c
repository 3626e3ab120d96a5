/*
 * Questions to the payment provider that nobody answered: looked for after a start, and every
 * minute while there are any, and asked again, a few at a time. Which of them have waited long
 * enough the shop says (tg_intent_due); another node may have asked in between, so it is decided
 * with the order loaded.
 */
#include "base/log.h"
#include "base/str.h"
#include "sale/sale_priv.h"

enum { AT_ONCE = 32 };
#define EVERY_US ((tg_us)60 * TG_US_PER_S)

static bool take(struct tg_sale *sale, struct tg_shop_now now, const char *payment)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    if (req == NULL)
        return false; /* next time */
    req->what = TG_SALE_ASK_AGAIN;
    req->show = UINT16_MAX;
    req->until_wall_us = -1;
    tg_str_cut(req->key, sizeof(req->key), payment);
    tg_turn_take(sale, now, req);
    return true;
}

void tg_unanswered_take(struct tg_sale *sale, struct tg_shop_now now, size_t room)
{
    struct tg_store *store = sale->cfg.store;
    char payments[AT_ONCE][TG_PAYMENT_ID_SIZE];
    size_t count = 0;
    bool open = true;
    tg_err err;

    if (now.mono < sale->unanswered_at || room < AT_ONCE)
        return;
    err = store->ops->unanswered(store, now.wall, payments, AT_ONCE, &count, &open);
    /* Those of other nodes, which may be dead, are looked for, too. */
    sale->unanswered_at = open || store->ops->shared(store) ? now.mono + EVERY_US : TG_US_NEVER;
    if (err != TG_OK)
        tg_log_warn("sale", "unanswered", "err=%s reason=%s", tg_err_name(err),
                    TG_LOG_Q(store->ops->error(store)));
    for (size_t i = 0; err == TG_OK && i < count; i++)
        if (!take(sale, now, payments[i]))
            break;
}

void tg_unanswered_note(struct tg_sale *sale, const struct tg_order *order)
{
    if (tg_shop_config(sale->shop)->provider == NULL)
        return;
    for (uint32_t i = 0; i < order->intent_count; i++)
        if (order->intents[i].state == TG_INTENT_ASKED)
            sale->unanswered_at = TG_MIN(sale->unanswered_at, sale->now.mono + EVERY_US);
}
