/* One attempt after the other: a leased message is read and called for, and what came of it judged.
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "outbound/outbound_priv.h"
#include "outbound/retry.h"

static void judge(struct tg_outbound *o, struct tg_call *slot, struct tg_target *t, tg_us now,
                  tg_us wall)
{
    struct tg_hook_result *r = &slot->result;
    tg_us wait;

    TG_COUNT(outbound_attempts_total);
    if (r->error[0] == '\0') {
        r->state = TG_DELIVERY_DONE;
        t->failures = 0;
        t->hold_until = 0;
        TG_COUNT(outbound_delivered_total);
        return;
    }
    TG_COUNT(outbound_failed_attempts_total);
    if (slot->refused)
        TG_COUNT(outbound_refused_addresses_total);
    t->failures++;
    t->hold_until = now + tg_retry_pause(t->failures, o->cfg.rng);
    wait = r->status == 410 ? -1 : tg_retry_wait(slot->tries + 1, o->cfg.rng);
    if (r->status == 410)
        tg_str_cut(r->off, sizeof(r->off), "gone");
    else if (t->hook.failing_since_wall >= 0 &&
             wall - t->hook.failing_since_wall > o->cfg.failing_us)
        tg_str_cut(r->off, sizeof(r->off), "failing");
    if (r->off[0] != '\0') {
        t->hook.enabled = false; /* until the list is read again, with the same */
        tg_log_warn("outbound", "endpoint-off", "hook=%s reason=%s", t->hook.id, r->off);
    }
    r->state = wait < 0 ? TG_DELIVERY_FAILED : TG_DELIVERY_PENDING;
    r->due_wall = wall + TG_MAX(wait, slot->retry_after_us);
    if (wait < 0)
        TG_COUNT(outbound_given_up_total);
}

static void begin_failed(struct tg_outbound *o, struct tg_call *slot, struct tg_target *t,
                         tg_err err, tg_us now, tg_us wall)
{
    slot->state = TG_SLOT_RESULT;
    if (err != TG_ERR_MALFORMED && err != TG_ERR_IO && err != TG_ERR_LIMIT) {
        slot->result.untried = true; /* no memory: later */
        t->hold_until = now + TG_US_PER_S;
        return;
    }
    tg_str_cut(slot->result.error, sizeof(slot->result.error),
               err == TG_ERR_LIMIT ? "the message is too long" : "the address or secret is broken");
    judge(o, slot, t, now, wall);
}

void tg_outbound_begin(struct tg_outbound *o, struct tg_call *slot, tg_us now, tg_us wall)
{
    struct tg_target *t = tg_outbound_target(o, slot->result.key.hook);
    struct tg_hook_message m;
    tg_err err = t == NULL || !t->hook.enabled
                     ? TG_ERR_CLOSED
                     : tg_read_hook_message(o->cfg.db, &slot->result.key, o->cfg.node, wall, &m);

    if (err == TG_ERR_NOTFOUND) {
        tg_outbound_release(o, slot); /* another node has it, or it is done */
        return;
    }
    slot->in_work = false;
    slot->refused = false;
    slot->result = (struct tg_hook_result){.key = slot->result.key, .at_wall = wall};
    if (err != TG_OK) {
        slot->state = TG_SLOT_RESULT;
        slot->result.untried = true;
        if (err != TG_ERR_CLOSED)
            tg_outbound_read_failed(o, now, err);
        return;
    }
    slot->tries = m.tries - TG_MIN(m.base, m.tries);
    slot->result.attempt = m.tries + 1;
    slot->began = now;
    err = tg_call_begin(slot, o->multi, &o->cfg, &t->hook, &m, wall);
    tg_hook_message_done(&m);
    slot->state = TG_SLOT_CALLING;
    if (err != TG_OK)
        begin_failed(o, slot, t, err, now, wall);
}

static void finish(struct tg_outbound *o, CURL *easy, CURLcode code, tg_us now, tg_us wall)
{
    struct tg_call *slot = NULL;
    struct tg_target *t;

    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++)
        if (o->slots[i].easy == easy)
            slot = &o->slots[i];
    TG_ASSERT(slot != NULL && slot->state == TG_SLOT_CALLING);
    tg_call_finish(slot, code, now);
    tg_call_end(slot, o->multi);
    slot->state = TG_SLOT_RESULT;
    t = tg_outbound_target(o, slot->result.key.hook);
    if (t != NULL)
        judge(o, slot, t, now, wall);
    else
        slot->result.untried = true; /* deleted meanwhile */
}

void tg_outbound_run_calls(struct tg_outbound *o)
{
    CURLMsg *msg;
    int running;
    int left;
    tg_us now;
    tg_us wall;

    (void)curl_multi_perform(o->multi, &running); /* what fails shows at its handle */
    now = tg_clock_mono();                        /* handshakes take their time */
    wall = tg_read_wall(o->cfg.db);
    while ((msg = curl_multi_info_read(o->multi, &left)) != NULL) {
        CURL *easy = msg->easy_handle;
        CURLcode code = msg->data.result;

        if (msg->msg == CURLMSG_DONE)
            finish(o, easy, code, now, wall); /* msg is gone with its handle */
    }
    tg_metric_set(TG_M_outbound_calls, (int64_t)tg_outbound_count(o, TG_SLOT_CALLING));
}
