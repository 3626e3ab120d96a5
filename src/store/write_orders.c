/* What becomes of orders, as rows. */
#include <string.h>

#include "shop/shop_json.h"
#include "store/store_priv.h"

static tg_err set_lines(struct tg_db *db, const struct tg_order *o)
{
    tg_err err = TG_OK;

    for (uint32_t i = 0; err == TG_OK && i < o->line_count; i++) {
        struct tg_q q = tg_q(db, TG_SQL_SET_LINE);

        tg_q_int(&q, o->lines[i].cancelled);
        tg_q_int(&q, o->lines[i].fulfilled);
        tg_q_int(&q, o->lines[i].returned);
        tg_q_int(&q, o->number);
        tg_q_int(&q, i);
        err = tg_q_run(&q);
    }
    return err;
}

tg_err tg_store_write_order(struct tg_store_db *s, const struct tg_effect *e)
{
    const struct tg_order *o = e->order;
    struct tg_q q = tg_q(&s->db, TG_SQL_SET_ORDER);
    tg_err err;

    tg_q_int(&q, o->state);
    tg_q_int(&q, o->total);
    tg_q_int(&q, o->discount);
    tg_q_int(&q, o->tax);
    tg_q_int(&q, o->changed_wall);
    tg_q_int(&q, o->unheld);
    tg_q_int(&q, o->payment_state);
    tg_q_int(&q, o->payment_tries);
    tg_q_int(&q, o->authorised);
    tg_q_int(&q, o->captured);
    tg_q_int(&q, o->refunded);
    tg_q_int(&q, o->refund_due);
    tg_q_int(&q, o->events);
    tg_q_int(&q, o->paid_by);
    tg_q_int(&q, o->number);
    err = tg_q_run(&q);
    if (err == TG_OK && o->lines_dirty)
        err = set_lines(&s->db, o);
    return err;
}

tg_err tg_store_write_event(struct tg_store_db *s, const struct tg_effect *e)
{
    const char *topic = tg_order_event_topic(e->event);
    struct tg_jo j = tg_jo(&s->payload);
    struct tg_q q;
    tg_err err;

    tg_buf_clear(&s->payload);
    if (e->detail != NULL)
        tg_event_data_write(&j, e->detail);
    if (s->payload.err != TG_OK)
        return s->payload.err;
    q = tg_q(&s->db, TG_SQL_ADD_EVENT);
    tg_q_int(&q, e->order->number);
    tg_q_int(&q, e->seq);
    tg_q_int(&q, e->event);
    tg_q_text(&q, e->actor);
    tg_q_int(&q, e->amount);
    tg_q_text(&q, e->detail == NULL ? "" : tg_buf_cstr(&s->payload));
    tg_q_text(&q, e->detail == NULL ? "" : e->detail->reason);
    tg_q_int(&q, e->wall);
    err = tg_q_run(&q);
    return err != TG_OK || topic == NULL ? err : tg_outbox_order(s, topic, e);
}

tg_err tg_store_write_intent(struct tg_store_db *s, const struct tg_effect *e)
{
    const struct tg_intent *in = &e->order->intents[e->intent];
    struct tg_q q = tg_q(&s->db, TG_SQL_PUT_INTENT);

    tg_q_int(&q, e->order->number);
    tg_q_int(&q, in->number);
    tg_q_int(&q, in->kind);
    tg_q_int(&q, in->state);
    tg_q_int(&q, in->of);
    tg_q_text(&q, in->provider);
    tg_q_text(&q, in->reference);
    tg_q_text(&q, in->operation);
    tg_q_int(&q, in->amount);
    tg_q_text(&q, e->order->currency);
    tg_q_int(&q, in->asked_wall);
    tg_q_int(&q, in->changed_wall);
    tg_q_int(&q, in->asks);
    return tg_q_run(&q);
}
