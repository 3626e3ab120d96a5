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
    PER_ENDPOINT = 4, /* ... of one endpoint; one while it fails */
    TAKE_MAX = 8,
    LEASE_SLACK_S = 30, /* of a lease, beyond the longest call */
    WAIT_MAX_MS = 1000,
    STOP_GRACE_MS = 1500, /* the whole server stops within 5 s */
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
    if (err == TG_OK &&
        curl_multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, (long)TG_OUTBOUND_SLOTS) != CURLM_OK)
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
    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++)
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

struct tg_target *tg_outbound_target(struct tg_outbound *o, int64_t ord)
{
    for (size_t i = 0; i < o->target_count; i++)
        if (o->targets[i].hook.ord == ord)
            return &o->targets[i];
    return NULL;
}

void tg_outbound_release(struct tg_outbound *o, struct tg_call *slot)
{
    struct tg_target *t = tg_outbound_target(o, slot->result.key.hook);

    if (t != NULL && t->active > 0)
        t->active--;
    slot->state = TG_SLOT_FREE;
    slot->in_work = false;
}

static bool in_hand(const struct tg_outbound *o, const struct tg_hook_key *key)
{
    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++)
        if (o->slots[i].state != TG_SLOT_FREE && o->slots[i].result.key.hook == key->hook &&
            o->slots[i].result.key.message == key->message)
            return true;
    return false;
}

static struct tg_call *free_slot(struct tg_outbound *o)
{
    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++)
        if (o->slots[i].state == TG_SLOT_FREE)
            return &o->slots[i];
    return NULL;
}

size_t tg_outbound_count(const struct tg_outbound *o, enum tg_slot_state state)
{
    size_t count = 0;

    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++)
        count += o->slots[i].state == state;
    return count;
}

/* --- looking into the database --- */

void tg_outbound_read_failed(struct tg_outbound *o, tg_us now, tg_err err)
{
    uint64_t times = tg_log_burst(&o->read_burst, now, 10 * (tg_us)TG_US_PER_S);

    if (times > 0)
        tg_log_error("outbound", "read-failed", "err=%s times=%llu", tg_err_name(err),
                     (unsigned long long)times);
}

/* The list anew; who is still there keeps what this process knows of it. */
static tg_err read_targets(struct tg_outbound *o)
{
    struct tg_target *kept = o->kept;
    size_t count = 0;
    tg_err err = tg_read_hooks(o->cfg.db, o->fresh, TG_WEBHOOKS_MAX, &count);

    if (err != TG_OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        const struct tg_target *old = tg_outbound_target(o, o->fresh[i].ord);

        kept[i] = old == NULL ? (struct tg_target){0} : *old;
        if (!kept[i].hook.enabled && o->fresh[i].enabled)
            kept[i].hold_until = 0; /* an admin switched it on: try at once */
        kept[i].hook = o->fresh[i];
    }
    memcpy(o->targets, kept, count * sizeof(kept[0]));
    o->target_count = count;
    return TG_OK;
}

static unsigned room_of(const struct tg_target *t, tg_us now)
{
    unsigned max = t->failures > 0 ? 1 : PER_ENDPOINT;

    if (!t->hook.enabled || t->hold_until > now || t->active >= max)
        return 0;
    return max - t->active;
}

/* Rows of ours in hand are due, too, in the database's eyes: ask for as many more. */
static tg_err plan_target(struct tg_outbound *o, struct tg_target *t, tg_us now, tg_us wall)
{
    int64_t due[TG_OUTBOUND_SLOTS + PER_ENDPOINT];
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

static void plan(struct tg_outbound *o, tg_us now)
{
    tg_us wall;
    tg_err err;

    tg_read_look_at_clock(o->cfg.db); /* all nodes lease by one clock */
    wall = tg_read_wall(o->cfg.db);
    err = read_targets(o);
    o->next_poll = now + o->cfg.poll_us;
    for (size_t i = 0; err == TG_OK && i < o->target_count; i++)
        err = plan_target(o, &o->targets[(o->first + i) % o->target_count], now, wall);
    o->first++;
    if (err != TG_OK)
        tg_outbound_read_failed(o, now, err);
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
    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++) {
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

    if (o->asked || tg_outbound_count(o, TG_SLOT_ASKED) + tg_outbound_count(o, TG_SLOT_RESULT) == 0)
        return;
    work = work_new(o, o->mailbox, wall);
    sent = work != NULL && post(o, work);
    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++) {
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

/* --- the thread --- */

static void on_work(struct tg_outbound *o, const struct tg_hook_work *work, tg_us now, tg_us wall)
{
    o->asked = false;
    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++) {
        struct tg_call *slot = &o->slots[i];

        if (!slot->in_work)
            continue;
        if (slot->state == TG_SLOT_ASKED && work->done)
            tg_outbound_begin(o, slot, now, wall);
        else if (slot->state == TG_SLOT_TOLD && !work->done) {
            slot->state = TG_SLOT_RESULT;
            slot->in_work = false;
        } else
            tg_outbound_release(o, slot);
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

    while (tg_outbound_count(o, TG_SLOT_CALLING) > 0 && now < end) {
        tg_outbound_run_calls(o);
        if (tg_outbound_count(o, TG_SLOT_CALLING) > 0)
            (void)curl_multi_poll(o->multi, NULL, 0, (int)((end - now) / TG_US_PER_MS) + 1, NULL);
        now = tg_clock_mono();
    }
}

/* Calls that still run are broken off: nobody can say whether they arrived. */
static void give_back(struct tg_outbound *o, tg_us wall)
{
    struct tg_hook_work *work;

    for (size_t i = 0; i < TG_OUTBOUND_SLOTS; i++) {
        struct tg_call *slot = &o->slots[i];

        if (slot->state == TG_SLOT_CALLING) {
            tg_call_end(slot, o->multi);
            slot->state = TG_SLOT_RESULT;
            slot->result.untried = true;
        }
    }
    if (tg_outbound_count(o, TG_SLOT_RESULT) == 0)
        return;
    work = work_new(o, NULL, wall);
    if (work == NULL || !post(o, work))
        tg_log_warn("outbound", "leases-kept", "until=%s", "their end");
}

static void run(void *ctx)
{
    struct tg_outbound *o = ctx;

    while (!tg_mailbox_ended(o->mailbox)) {
        tg_us now;

        take_mail(o, tg_clock_mono(), tg_read_wall(o->cfg.db));
        tg_outbound_run_calls(o);
        now = tg_clock_mono();
        if (now >= o->next_poll && !o->asked)
            plan(o, now);
        tell(o, tg_read_wall(o->cfg.db));
        wait(o, now);
    }
    let_calls_end(o);
    give_back(o, tg_read_wall(o->cfg.db));
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
