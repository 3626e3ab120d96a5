#include "outbound/outbound.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "base/thread.h"
#include "msg/sale.h"
#include "outbound/outbound_priv.h"
#include "outbound/retry.h"

enum {
    SLOTS = 32,       /* calls at a time */
    PER_ENDPOINT = 4, /* ... of one endpoint; one while it fails */
    TAKE_MAX = 8,
    LEASE_SLACK_S = 30, /* of a lease, beyond the longest call */
    WAIT_MAX_MS = 1000,
    STOP_GRACE_MS = 1500, /* the whole server stops within 5 s */
};
_Static_assert((int)SLOTS <= (int)TG_HOOK_BATCH, "all slots fit one message");

/* An endpoint, and how it does in this process. */
struct target {
    struct tg_hook hook;
    unsigned active; /* slots that are not free */
    unsigned failures;
    tg_us hold_until; /* monotonic */
};

struct tg_outbound {
    struct tg_outbound_cfg cfg;
    struct tg_rng rng;
    struct tg_mailbox *mailbox;
    struct tg_thread *thread;
    CURLM *multi;
    struct tg_call slots[SLOTS];
    struct target targets[TG_WEBHOOKS_MAX];
    size_t target_count;
    struct tg_hook *fresh; /* while the list is read again: TG_WEBHOOKS_MAX each */
    struct target *kept;
    size_t first; /* whose turn it is */
    bool asked;   /* sale has our message */
    tg_us next_poll;
    struct tg_log_burst read_burst;
};

/* --- life --- */

static void defaults(struct tg_outbound *o)
{
    struct tg_outbound_cfg *cfg = &o->cfg;
    uint8_t bytes[8];

    o->rng = tg_rng_os();
    if (cfg->rng == NULL)
        cfg->rng = &o->rng;
    if (cfg->timeout_us == 0)
        cfg->timeout_us = 15 * (tg_us)TG_US_PER_S;
    if (cfg->poll_us == 0)
        cfg->poll_us = 250 * (tg_us)TG_US_PER_MS;
    if (cfg->failing_us == 0)
        cfg->failing_us = 5 * 86400 * (tg_us)TG_US_PER_S;
    if (cfg->node[0] == '\0') {
        tg_rng_bytes(cfg->rng, bytes, sizeof(bytes));
        tg_hex_encode(cfg->node, sizeof(cfg->node), bytes, sizeof(bytes));
    }
}

tg_err tg_outbound_new(struct tg_outbound **ret, const struct tg_outbound_cfg *cfg)
{
    struct tg_outbound *o = tg_calloc(1, sizeof(*o));
    tg_err err;

    if (o == NULL)
        return TG_ERR_NOMEM;
    o->cfg = *cfg;
    defaults(o);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        tg_free(o);
        return TG_ERR_IO;
    }
    o->fresh = tg_calloc(TG_WEBHOOKS_MAX, sizeof(*o->fresh));
    o->kept = tg_calloc(TG_WEBHOOKS_MAX, sizeof(*o->kept));
    o->multi = curl_multi_init();
    err = o->fresh == NULL || o->kept == NULL || o->multi == NULL ? TG_ERR_NOMEM : TG_OK;
    if (err == TG_OK)
        err = tg_mailbox_new(&o->mailbox, TG_MB_OUTBOUND, tg_msg_free);
    if (err == TG_OK && curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, (long)SLOTS) != CURLM_OK)
        err = TG_ERR_IO;
    if (err != TG_OK) {
        tg_outbound_free(o);
        return err;
    }
    *ret = o;
    return TG_OK;
}

void tg_outbound_free(struct tg_outbound *o)
{
    if (o == NULL)
        return;
    TG_ASSERT(o->thread == NULL);
    for (size_t i = 0; i < SLOTS; i++)
        if (o->slots[i].state == TG_SLOT_CALLING)
            tg_call_end(&o->slots[i], o->multi);
    if (o->multi != NULL)
        (void)curl_multi_cleanup(o->multi); /* no handle is left in it */
    curl_global_cleanup();
    tg_mailbox_free(o->mailbox);
    tg_free(o->fresh);
    tg_free(o->kept);
    tg_free(o);
}

struct tg_mailbox *tg_outbound_mailbox(struct tg_outbound *o)
{
    return o->mailbox;
}

/* --- slots and targets --- */

static struct target *target_of(struct tg_outbound *o, int64_t ord)
{
    for (size_t i = 0; i < o->target_count; i++)
        if (o->targets[i].hook.ord == ord)
            return &o->targets[i];
    return NULL;
}

static void release(struct tg_outbound *o, struct tg_call *slot)
{
    struct target *t = target_of(o, slot->result.key.hook);

    if (t != NULL && t->active > 0)
        t->active--;
    slot->state = TG_SLOT_FREE;
    slot->in_work = false;
}

static bool in_hand(const struct tg_outbound *o, const struct tg_hook_key *key)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (o->slots[i].state != TG_SLOT_FREE && o->slots[i].result.key.hook == key->hook &&
            o->slots[i].result.key.message == key->message)
            return true;
    return false;
}

static struct tg_call *free_slot(struct tg_outbound *o)
{
    for (size_t i = 0; i < SLOTS; i++)
        if (o->slots[i].state == TG_SLOT_FREE)
            return &o->slots[i];
    return NULL;
}

static size_t count_slots(const struct tg_outbound *o, enum tg_slot_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < SLOTS; i++)
        count += o->slots[i].state == state;
    return count;
}

/* --- looking into the database --- */

static void read_failed(struct tg_outbound *o, tg_us now, tg_err err)
{
    uint64_t times = tg_log_burst(&o->read_burst, now, 10 * (tg_us)TG_US_PER_S);

    if (times > 0)
        tg_log_error("outbound", "read-failed", "err=%s times=%llu", tg_err_name(err),
                     (unsigned long long)times);
}

/* The list anew; who is still there keeps what this process knows of it. */
static tg_err read_targets(struct tg_outbound *o)
{
    struct target *kept = o->kept;
    size_t count = 0;
    tg_err err = tg_read_hooks(o->cfg.db, o->fresh, TG_WEBHOOKS_MAX, &count);

    if (err != TG_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        const struct target *old = target_of(o, o->fresh[i].ord);

        kept[i] = old == NULL ? (struct target){0} : *old;
        if (!kept[i].hook.enabled && o->fresh[i].enabled)
            kept[i].hold_until = 0; /* an admin switched it on: try at once */
        kept[i].hook = o->fresh[i];
    }
    memcpy(o->targets, kept, count * sizeof(kept[0]));
    o->target_count = count;
    return TG_OK;
}

static unsigned room_of(const struct target *t, tg_us now)
{
    unsigned max = t->failures > 0 ? 1 : PER_ENDPOINT;

    if (!t->hook.enabled || t->hold_until > now || t->active >= max)
        return 0;
    return max - t->active;
}

/* Rows of ours in hand are due, too, in the database's eyes: ask for as many more. */
static tg_err plan_target(struct tg_outbound *o, struct target *t, tg_us now, tg_us wall)
{
    int64_t due[SLOTS + PER_ENDPOINT];
    unsigned room = room_of(t, now);
    size_t count = 0;
    tg_err err;

    if (room == 0)
        return TG_OK;
    err =
        tg_read_hook_due(o->cfg.db, t->hook.ord, o->cfg.node, wall, due, room + t->active, &count);
    for (size_t i = 0; err == TG_OK && i < count && room > 0; i++) {
        struct tg_hook_key key = {.hook = t->hook.ord, .message = due[i]};
        struct tg_call *slot = in_hand(o, &key) ? NULL : free_slot(o);

        if (slot == NULL)
            continue;
        slot->state = TG_SLOT_ASKED;
        slot->in_work = false;
        slot->result = (struct tg_hook_result){.key = key};
        t->active++;
        room--;
    }
    return err;
}

static void plan(struct tg_outbound *o, tg_us now, tg_us wall)
{
    tg_err err = read_targets(o);

    o->next_poll = now + o->cfg.poll_us;
    for (size_t i = 0; err == TG_OK && i < o->target_count; i++)
        err = plan_target(o, &o->targets[(o->first + i) % o->target_count], now, wall);
    o->first++;
    if (err != TG_OK)
        read_failed(o, now, err);
}

/* --- telling sale --- */

static struct tg_hook_work *work_new(struct tg_outbound *o, struct tg_mailbox *mb, tg_us wall)
{
    struct tg_hook_work *work = tg_msg_new(TG_MSG_HOOK_WORK, sizeof(*work));

    if (work == NULL)
        return NULL;
    work->mb = mb;
    memcpy(work->node, o->cfg.node, sizeof(work->node));
    work->until_wall = wall + o->cfg.timeout_us + LEASE_SLACK_S * (tg_us)TG_US_PER_S;
    for (size_t i = 0; i < SLOTS; i++) {
        struct tg_call *slot = &o->slots[i];

        if (slot->state == TG_SLOT_ASKED && mb != NULL)
            work->leases[work->lease_count++] = slot->result.key;
        else if (slot->state == TG_SLOT_RESULT)
            work->results[work->result_count++] = slot->result;
        else
            continue;
        slot->in_work = true;
    }
    return work;
}

static bool post(struct tg_outbound *o, struct tg_hook_work *take_work)
{
    struct tg_sale_req *req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));

    if (req == NULL) {
        tg_msg_free(take_work);
        return false;
    }
    req->what = TG_SALE_HOOK_WORK;
    req->show = UINT16_MAX;
    req->until_wall_us = -1;
    req->hook_work = take_work;
    return tg_mailbox_post(o->cfg.sale, req) == TG_OK;
}

static void tell(struct tg_outbound *o, tg_us wall)
{
    struct tg_hook_work *work;
    bool sent;

    if (o->asked || count_slots(o, TG_SLOT_ASKED) + count_slots(o, TG_SLOT_RESULT) == 0)
        return;
    work = work_new(o, o->mailbox, wall);
    sent = work != NULL && post(o, work);
    for (size_t i = 0; i < SLOTS; i++) {
        struct tg_call *slot = &o->slots[i];

        if (!slot->in_work)
            continue;
        if (!sent)
            slot->in_work = false;
        else if (slot->state == TG_SLOT_RESULT)
            slot->state = TG_SLOT_TOLD;
    }
    o->asked = sent;
}

/* --- calls --- */

static void judge(struct tg_outbound *o, struct tg_call *slot, struct target *t, tg_us now,
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

static void begin_failed(struct tg_outbound *o, struct tg_call *slot, struct target *t, tg_err err,
                         tg_us now, tg_us wall)
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

static void begin(struct tg_outbound *o, struct tg_call *slot, tg_us now, tg_us wall)
{
    struct target *t = target_of(o, slot->result.key.hook);
    struct tg_hook_message m;
    tg_err err = t == NULL || !t->hook.enabled
                     ? TG_ERR_CLOSED
                     : tg_read_hook_message(o->cfg.db, &slot->result.key, o->cfg.node, wall, &m);

    if (err == TG_ERR_NOTFOUND) {
        release(o, slot); /* another node has it, or it is done */
        return;
    }
    slot->in_work = false;
    slot->refused = false;
    slot->result = (struct tg_hook_result){.key = slot->result.key, .at_wall = wall};
    if (err != TG_OK) {
        slot->state = TG_SLOT_RESULT;
        slot->result.untried = true;
        if (err != TG_ERR_CLOSED)
            read_failed(o, now, err);
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
    struct target *t;

    for (size_t i = 0; i < SLOTS; i++)
        if (o->slots[i].easy == easy)
            slot = &o->slots[i];
    TG_ASSERT(slot != NULL && slot->state == TG_SLOT_CALLING);
    tg_call_finish(slot, code, now);
    tg_call_end(slot, o->multi);
    slot->state = TG_SLOT_RESULT;
    t = target_of(o, slot->result.key.hook);
    if (t != NULL)
        judge(o, slot, t, now, wall);
    else
        slot->result.untried = true; /* deleted meanwhile */
}

static void run_calls(struct tg_outbound *o, tg_us now, tg_us wall)
{
    CURLMsg *msg;
    int running;
    int left;

    (void)curl_multi_perform(o->multi, &running); /* what fails shows at its handle */
    while ((msg = curl_multi_info_read(o->multi, &left)) != NULL) {
        CURL *easy = msg->easy_handle;
        CURLcode code = msg->data.result;

        if (msg->msg == CURLMSG_DONE)
            finish(o, easy, code, now, wall); /* msg is gone with its handle */
    }
    tg_metric_set(TG_M_outbound_calls, (int64_t)count_slots(o, TG_SLOT_CALLING));
}

/* --- the thread --- */

static void on_work(struct tg_outbound *o, const struct tg_hook_work *work, tg_us now, tg_us wall)
{
    o->asked = false;
    for (size_t i = 0; i < SLOTS; i++) {
        struct tg_call *slot = &o->slots[i];

        if (!slot->in_work)
            continue;
        if (slot->state == TG_SLOT_ASKED && work->done)
            begin(o, slot, now, wall);
        else if (slot->state == TG_SLOT_TOLD && !work->done) {
            slot->state = TG_SLOT_RESULT;
            slot->in_work = false;
        } else
            release(o, slot);
    }
    if (work->done)
        o->next_poll = now; /* there may be more */
    else
        o->next_poll = now + TG_US_PER_S;
}

static void take_mail(struct tg_outbound *o, tg_us now, tg_us wall)
{
    void *msgs[TAKE_MAX];
    size_t count = tg_mailbox_take(o->mailbox, msgs, TAKE_MAX);

    for (size_t i = 0; i < count; i++) {
        const struct tg_msg *head = msgs[i];

        if (head->kind == TG_MSG_HOOK_WORK)
            on_work(o, msgs[i], now, wall);
        tg_msg_free(msgs[i]);
    }
}

static void wait(struct tg_outbound *o, tg_us now)
{
    struct curl_waitfd fd = {.fd = tg_mailbox_fd(o->mailbox), .events = CURL_WAIT_POLLIN};
    tg_us left = TG_MAX((o->next_poll - now) / TG_US_PER_MS, (tg_us)1);

    (void)curl_multi_poll(o->multi, &fd, 1, (int)TG_MIN(left, (tg_us)WAIT_MAX_MS), NULL);
}

/* Most calls end within this; one that is broken off is made again, and may have arrived. */
static void let_calls_end(struct tg_outbound *o)
{
    tg_us end = tg_clock_mono() + STOP_GRACE_MS * (tg_us)TG_US_PER_MS;
    tg_us now = tg_clock_mono();

    while (count_slots(o, TG_SLOT_CALLING) > 0 && now < end) {
        run_calls(o, now, tg_clock_wall());
        if (count_slots(o, TG_SLOT_CALLING) > 0)
            (void)curl_multi_poll(o->multi, NULL, 0, (int)((end - now) / TG_US_PER_MS) + 1, NULL);
        now = tg_clock_mono();
    }
}

/* Calls that still run are broken off: nobody can say whether they arrived. */
static void give_back(struct tg_outbound *o, tg_us wall)
{
    struct tg_hook_work *work;

    for (size_t i = 0; i < SLOTS; i++) {
        struct tg_call *slot = &o->slots[i];

        if (slot->state == TG_SLOT_CALLING) {
            tg_call_end(slot, o->multi);
            slot->state = TG_SLOT_RESULT;
            slot->result.untried = true;
        }
    }
    if (count_slots(o, TG_SLOT_RESULT) == 0)
        return;
    work = work_new(o, NULL, wall);
    if (work == NULL || !post(o, work))
        tg_log_warn("outbound", "leases-kept", "until=%s", "their end");
}

static void run(void *ctx)
{
    struct tg_outbound *o = ctx;

    while (!tg_mailbox_ended(o->mailbox)) {
        tg_us now = tg_clock_mono();
        tg_us wall = tg_clock_wall();

        take_mail(o, now, wall);
        run_calls(o, now, wall);
        if (now >= o->next_poll && !o->asked)
            plan(o, now, wall);
        tell(o, wall);
        wait(o, now);
    }
    let_calls_end(o);
    give_back(o, tg_clock_wall());
}

tg_err tg_outbound_start(struct tg_outbound *o)
{
    return tg_thread_start(&o->thread, "outbound", run, o);
}

void tg_outbound_stop(struct tg_outbound *o)
{
    tg_mailbox_close(o->mailbox);
    tg_thread_join(o->thread);
    o->thread = NULL;
}
