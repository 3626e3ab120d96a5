/* One batch: load, decide, write, commit, answer. */
#include <string.h>

#include <openssl/crypto.h>

#include "base/alloc.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "base/str.h"
#include "sale/sale_priv.h"
#include "shop/shop_json.h"

enum { RETRY_US = TG_US_PER_S, LOG_EVERY_US = 10 * TG_US_PER_S };

/* --- decide --- */

static void cart_for_join(struct tg_sale *sale, struct tg_item *item, const struct tg_cart *cart)
{
    struct tg_jo j = tg_jo(&sale->buf);

    if (cart == NULL || cart->line_count == 0 || item->req->join == NULL)
        return;
    tg_buf_clear(&sale->buf);
    (void)tg_cart_write(&j, NULL, sale->shop, cart, item->claim.show, item->req->who.lang);
    item->req->join->cart_json = tg_answer_slab(sale);
}

static void remember(struct tg_sale *sale, struct tg_shop_now now, const struct tg_item *item)
{
    const struct tg_claim *c = &item->claim;
    bool success = item->code == TG_CODE_OK;
    const struct tg_idem_entry answer = {
        .digest = item->digest, .status = item->status, .reply = item->reply};
    tg_err err;

    if (item->code == TG_CODE_BUSY || item->code == TG_CODE_INTERNAL)
        return;
    err = tg_repeat_keep(sale, now, c, &answer, success && tg_request_kept_on_disk(item));
    /* A sale that could not be repeated under its key must not happen. A forgotten refusal may. */
    if (err != TG_OK && success)
        sale->failed = err;
}

static void refuse_key(struct tg_sale *sale, struct tg_item *item, enum tg_code code, int status,
                       const char *why)
{
    struct tg_verdict v = {.code = code};

    tg_str_cut(v.message, sizeof(v.message), why);
    item->status = status;
    tg_answer_refusal(sale, item, &v);
}

/*
 * true = this request was answered before, or its key was used for something else. A repeat that
 * overtakes its first request's commit is told to come back (409): this way it makes no difference
 * which of the two was first.
 */
static bool repeated(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item)
{
    const struct tg_idem_entry *entry = NULL;
    enum tg_repeat repeat =
        tg_repeat_look(sale, now, &item->claim, item->digest, item->req->http, &entry);

    if (repeat == TG_REPEAT_NONE)
        return false;
    if (repeat == TG_REPEAT_OTHER) {
        refuse_key(sale, item, TG_CODE_CONFLICT, 422, tg_repeat_text(repeat));
        return true;
    }
    if (repeat == TG_REPEAT_RUNNING) {
        refuse_key(sale, item, TG_CODE_BUSY, 409, tg_repeat_text(repeat));
        return true;
    }
    item->status = entry->status;
    item->reply = entry->reply == NULL ? NULL : tg_slab_ref(entry->reply);
    tg_repeat_location(item->location, item->claim.op, entry);
    tg_repeat_etag(item->etag, item->claim.op, entry);
    TG_COUNT(sale_repeats_total);
    return true;
}

static void count_verdict(const struct tg_item *item)
{
    if (item->code == TG_CODE_SOLD_OUT)
        TG_COUNT(sale_sold_out_total);
    else if (item->code != TG_CODE_OK)
        TG_COUNT(sale_refusals_total);
}

static void decide(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item,
                   const struct tg_verdict *refused)
{
    struct tg_verdict v;

    if (repeated(sale, now, item))
        return;
    if (refused->code != TG_CODE_OK) {
        tg_answer_refusal(sale, item, refused);
    } else if (item->claim.kind == TG_CLAIM_NONE) {
        tg_admin_decide(sale, now, item);
    } else {
        tg_shop_decide(sale->shop, now, &item->claim, &v);
        if (item->req->what == TG_SALE_ASK_AGAIN)
            return; /* what it did is in the order's history */
        if (item->req->what == TG_SALE_JOIN) {
            tg_lang_note(sale, &item->req->who);
            cart_for_join(sale, item, v.cart);
            if (item->req->join != NULL)
                item->req->join->waiting_json = tg_selling_waiting(sale, item->req->join->who.id);
            return;
        }
        tg_answer_verdict(sale, item, &v);
    }
    if (!item->silent && !item->audit) {
        remember(sale, now, item);
        count_verdict(item);
    }
}

static void decide_all(struct tg_sale *sale, struct tg_shop_now now)
{
    if (sale->retry_at <= now.mono)
        (void)tg_shop_tick(sale->shop, now, TG_SALE_BATCH_MAX); /* the rest: next turn */
    for (size_t i = 0; i < sale->item_count && sale->failed == TG_OK; i++)
        decide(sale, now, &sale->items[i], &sale->refusals[i]);
}

/* --- write --- */

static tg_err write_effects(struct tg_sale *sale, const struct tg_effect *effects, size_t count)
{
    struct tg_store *store = sale->cfg.store;
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = store->ops->write(store, &effects[i]);
    return err;
}

static tg_err write_admin(struct tg_sale *sale, tg_us wall)
{
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < sale->item_count; i++)
        if (sale->items[i].admin != NULL)
            err = tg_admin_write(sale, wall, sale->items[i].admin);
    return err;
}

static bool any_admin(const struct tg_sale *sale)
{
    for (size_t i = 0; i < sale->item_count; i++)
        if (sale->items[i].admin != NULL)
            return true;
    return false;
}

static tg_err write_all(struct tg_sale *sale, tg_us wall)
{
    struct tg_store *store = sale->cfg.store;
    const struct tg_idem_entry *cursor = NULL;
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    tg_err err = tg_shop_effects(sale->shop, wall, &effects, &count);

    if (err != TG_OK)
        return err;
    if (count == 0 && tg_idem_each_pending(sale->idem, &cursor) == NULL && !any_admin(sale) &&
        !tg_hooks_any(sale)) {
        store->ops->rollback(store); /* only refusals and looking: no disk write */
        return TG_OK;
    }
    err = store->ops->begin(store);
    if (err == TG_OK)
        err = write_effects(sale, effects, count);
    if (err == TG_OK)
        err = tg_repeat_write(sale, wall);
    if (err == TG_OK)
        err = write_admin(sale, wall);
    if (err == TG_OK)
        err = tg_hooks_write(sale, wall);
    if (err == TG_OK)
        err = store->ops->commit(store);
    if (err == TG_OK)
        TG_COUNT(sale_commits_total);
    return err;
}

/* --- after --- */

static void count_orders(struct tg_sale *sale)
{
    const struct tg_order *cursor = NULL;
    const struct tg_order *order;

    while ((order = tg_shop_each_order(sale->shop, &cursor)) != NULL) {
        tg_unanswered_note(sale, order);
        if (order->fresh)
            TG_COUNT(sale_orders_total);
        if (order->changed && order->state == TG_ORDER_PAID)
            TG_COUNT(sale_orders_paid_total);
        if (order->changed && order->state == TG_ORDER_EXPIRED)
            TG_COUNT(sale_orders_expired_total);
    }
}

/* A join goes on to live whatever happened: somebody stands before an empty page. */
static void pass_join(struct tg_sale *sale, struct tg_item *item)
{
    struct tg_live_join *join = item->req->join;

    if (join == NULL)
        return;
    item->req->join = NULL;
    if (sale->cfg.live != NULL)
        (void)tg_mailbox_post_reply(sale->cfg.live, join); /* closed: live is stopping */
    else
        tg_msg_free(join);
}

/* The one answer that carries the secret; what is remembered has null in its place. */
static void give_secret(struct tg_sale *sale, struct tg_item *item, const char *key,
                        const char *secret)
{
    char hole[24];
    size_t hole_len;
    struct tg_slab *plain = item->reply;
    const char *text = (const char *)plain->data;
    const char *at;

    tg_str_printf(hole, sizeof(hole), "\"%s\":null", key);
    hole_len = strlen(hole);
    at = memmem(text, plain->len, hole, hole_len);
    TG_ASSERT(at != NULL); /* written just before */
    tg_buf_clear(&sale->buf);
    tg_buf_add(&sale->buf, text, (size_t)(at - text));
    tg_buf_printf(&sale->buf, "\"%s\":\"%s\"", key, secret);
    at += hole_len;
    tg_buf_add(&sale->buf, at, plain->len - (size_t)(at - text));
    item->reply = sale->buf.err == TG_OK ? tg_slab_copy(sale->buf.data, sale->buf.len) : NULL;
    OPENSSL_cleanse(sale->buf.data, sale->buf.len);
    if (item->reply == NULL)
        item->reply = plain; /* it can be revoked and made again */
    else
        tg_slab_unref(plain);
}

static void finish_batch(struct tg_sale *sale)
{
    for (size_t i = 0; i < sale->item_count; i++) {
        struct tg_item *item = &sale->items[i];

        pass_join(sale, item);
        if (item->admin != NULL) {
            tg_admin_apply(sale, item->admin);
            if (item->admin->kind == TG_ADMIN_TOKEN)
                give_secret(sale, item, "token", item->admin->text);
        }
        if (item->hook != NULL && item->hook->secret[0] != '\0')
            give_secret(sale, item, "secret", item->hook->secret);
        tg_hooks_return(item, true);
        if (!item->audit || item->reply != NULL)
            tg_answer_send(item);
    }
    count_orders(sale);
    tg_announce_batch(sale);
    tg_answer_wake(sale);
    tg_idem_commit(sale->idem);
    tg_shop_commit(sale->shop);
    for (size_t i = 0; i < sale->item_count; i++)
        if (sale->items[i].audit && sale->items[i].status == 0) {
            tg_admin_audit(sale, &sale->items[i]);
            tg_answer_send(&sale->items[i]);
            tg_answer_wake(sale);
        }
}

/* --- show states that the disk refused --- */

static void keep_state(struct tg_sale *sale, const struct tg_sale_req *req)
{
    if (req->what != TG_SALE_SHOW_STATE || req->show >= TG_SHOWS_MAX)
        return;
    if (!sale->unsaved[req->show].waits)
        sale->unsaved_count++;
    sale->unsaved[req->show].waits = true;
    sale->unsaved[req->show].state = (uint8_t)req->number;
}

void tg_sale_state_saved(struct tg_sale *sale, uint16_t show)
{
    if (!sale->unsaved[show].waits)
        return;
    sale->unsaved[show].waits = false;
    sale->unsaved_count--;
}

static void fail_batch(struct tg_sale *sale, struct tg_shop_now now, tg_err err)
{
    struct tg_store *store = sale->cfg.store;
    uint64_t times = tg_log_burst(&sale->fail_burst, now.mono, LOG_EVERY_US);

    if (times > 0)
        tg_log_error("sale", "batch-lost", "err=%s reason=%s batch=%zu times=%llu",
                     tg_err_name(err), TG_LOG_Q(store->ops->error(store)), sale->item_count,
                     (unsigned long long)times);
    TG_COUNT(sale_failures_total);
    store->ops->rollback(store);
    tg_shop_rollback(sale->shop);
    tg_idem_rollback(sale->idem);
    sale->retry_at = now.mono + RETRY_US;
    for (size_t i = 0; i < sale->item_count; i++) {
        struct tg_item *item = &sale->items[i];

        if (item->admin != NULL && item->admin->kind == TG_ADMIN_SHOW)
            sale->next_show--;
        pass_join(sale, item);
        tg_hooks_return(item, false);
        keep_state(sale, item->req); /* in order: the last one counts */
        if (item->silent)
            continue;
        tg_answer_busy(sale, item);
        tg_answer_send(item);
    }
    tg_answer_wake(sale);
}

static void free_items(struct tg_sale *sale)
{
    for (size_t i = 0; i < sale->item_count; i++) {
        struct tg_item *item = &sale->items[i];

        if (item->admin != NULL)
            OPENSSL_cleanse(item->admin->text, sizeof(item->admin->text));
        tg_free(item->admin);
        tg_hooks_free(item);
        tg_free(item->prices);
        tg_free(item->mem);
        tg_discount_free(item->discount);
        tg_free(item->lines);
        tg_slab_unref(item->reply);
        tg_slab_unref(item->said.in);
        tg_msg_free(item->req);
    }
    sale->item_count = 0;
}

void tg_turn_take(struct tg_sale *sale, struct tg_shop_now now, struct tg_sale_req *take_req)
{
    size_t i = sale->item_count++;
    struct tg_item *item = &sale->items[i];

    TG_ASSERT(i < TG_SALE_BATCH_MAX);
    *item = (struct tg_item){.req = take_req};
    TG_ASSERT(item->req->head.kind == TG_MSG_SALE_REQ);
    sale->refusals[i] = (struct tg_verdict){.code = TG_CODE_OK};
    if (!tg_request_claim(sale, now, item, &sale->refusals[i]))
        TG_ASSERT(sale->refusals[i].code != TG_CODE_OK);
    item->claim.ref = (uint32_t)i;
    sale->claims[i] = item->claim;
}

/* In front of what came since, which may say something newer of the same show. */
static void take_unsaved(struct tg_sale *sale, struct tg_shop_now now, size_t room)
{
    if (sale->unsaved_count == 0 || sale->retry_at > now.mono)
        return;
    for (uint16_t show = 0; show < TG_SHOWS_MAX && room > 0; show++) {
        struct tg_sale_req *req;

        if (!sale->unsaved[show].waits)
            continue;
        req = tg_msg_new(TG_MSG_SALE_REQ, sizeof(*req));
        if (req == NULL)
            return; /* next turn */
        req->what = TG_SALE_SHOW_STATE;
        req->show = show;
        req->number = sale->unsaved[show].state;
        req->until_wall_us = -1;
        tg_turn_take(sale, now, req);
        room--;
    }
}

void tg_sale_turn(struct tg_sale *sale, struct tg_shop_now now, void *const *take_msgs,
                  size_t count)
{
    struct tg_store *store = sale->cfg.store;
    tg_err err;

    TG_ASSERT(count <= TG_SALE_BATCH_MAX);
    now = tg_sale_shop_time(sale, now);
    sale->clock.known = false;
    sale->rows = 0;
    take_unsaved(sale, now, TG_SALE_BATCH_MAX - count);
    for (size_t i = 0; i < count; i++)
        if (tg_catalog_takes(take_msgs[i]))
            tg_catalog_take(sale, take_msgs[i]);
        else
            tg_turn_take(sale, now, take_msgs[i]);
    tg_unanswered_take(sale, now, TG_SALE_BATCH_MAX - sale->item_count);
    count = sale->item_count;
    tg_metric_add(TG_M_sale_requests_total, (int64_t)count);
    sale->failed = TG_OK;
    sale->now = now;
    /* Loading comes before the clock's work: per-person sums on disk must be of the same moment as
     * the orders in memory. */
    err = store->ops->load(store, now, sale->claims, count, sale->shop, sale->idem);
    tg_sale_note_behind(sale);
    if (err == TG_OK) {
        decide_all(sale, now);
        err = sale->failed;
    }
    if (err == TG_OK)
        err = write_all(sale, now.wall);
    tg_sale_note_database(sale, err);
    if (sale->poll_at != TG_US_NEVER)
        sale->poll_at = now.mono + TG_STORE_POLL_US; /* it has just heard of the others */
    if (err == TG_OK)
        finish_batch(sale);
    else
        fail_batch(sale, now, err);
    free_items(sale);
    tg_catalog_work(sale, now);
    tg_announce_people_elsewhere(sale);
    tg_catalog_announce(sale, now); /* also when it was the catalogue's work that heard of it */
    tg_answer_wake(sale);           /* what that and other nodes had to tell */
    tg_metric_set(TG_M_sale_open_orders, (int64_t)tg_shop_order_count(sale->shop));
}
