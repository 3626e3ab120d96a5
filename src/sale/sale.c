#include "sale/sale.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "sale/sale_priv.h"

enum {
    REPLY_MAX = 1024 * 1024, /* 1,000 rows of stock, each refused in words, are some 400 KB */
    PURGE_ROWS = 500,        /* a slice of at most a few milliseconds */
    HOLD_DEFAULT_S = 600,
};
/* Pages count down by this machine's clock: so far off, people see it. */
#define CLOCK_TOLD_US ((tg_us)2 * TG_US_PER_S)
#define CLOCK_LOG_US ((tg_us)60 * TG_US_PER_S)
#define PURGE_DEFAULT_US ((tg_us)60 * TG_US_PER_S)

static void defaults(struct tg_sale *sale)
{
    struct tg_sale_cfg *cfg = &sale->cfg;

    sale->rng = tg_rng_os();
    if (cfg->rng == NULL)
        cfg->rng = &sale->rng;
    if (cfg->sandbox_base == NULL)
        cfg->sandbox_base = "/pay/sandbox/";
    if (cfg->batch_max == 0 || cfg->batch_max > TG_SALE_BATCH_MAX)
        cfg->batch_max = TG_SALE_BATCH_MAX;
    if (cfg->hold_us == 0)
        cfg->hold_us = (tg_us)HOLD_DEFAULT_S * TG_US_PER_S;
    if (cfg->purge_us == 0)
        cfg->purge_us = PURGE_DEFAULT_US;
    cfg->stock_band = tg_stock_band(cfg->stock_band);
    if (cfg->currency[0] == '\0')
        memcpy(cfg->currency, "NOK", 4);
}

static tg_err build(struct tg_sale *sale)
{
    struct tg_shop_cfg shop = {.rng = sale->cfg.rng,
                               .hold_us = sale->cfg.hold_us,
                               .person_units_max = sale->cfg.person_units_max,
                               .first_number = sale->cfg.first_number,
                               .stock_owner = sale->cfg.stock_owner};
    tg_err err;

    memcpy(shop.currency, sale->cfg.currency, sizeof(shop.currency));
    shop.taxes = sale->cfg.taxes;
    shop.provider = sale->cfg.provider;
    if (shop.provider == NULL && sale->cfg.allow_sandbox)
        shop.provider = &tg_provider_sandbox;
    err = tg_shop_new(&sale->shop, &shop);
    if (err == TG_OK)
        err = tg_idem_new(&sale->idem, TG_IDEM_CACHED, sale->cfg.rng);
    if (err == TG_OK)
        err = tg_mailbox_new(&sale->mailbox, TG_MB_SALE, tg_msg_free);
    if (err != TG_OK)
        return err;
    sale->items = tg_calloc(TG_SALE_BATCH_MAX, sizeof(*sale->items));
    sale->claims = tg_calloc(TG_SALE_BATCH_MAX, sizeof(*sale->claims));
    sale->refusals = tg_calloc(TG_SALE_BATCH_MAX, sizeof(*sale->refusals));
    sale->taken = tg_calloc(TG_SALE_BATCH_MAX, sizeof(void *));
    sale->langs = tg_calloc(TG_SALE_LANGS, sizeof(*sale->langs));
    if (sale->items == NULL || sale->claims == NULL || sale->refusals == NULL ||
        sale->taken == NULL || sale->langs == NULL)
        return TG_ERR_NOMEM;
    return TG_OK;
}

static tg_err load(struct tg_sale *sale, struct tg_shop_now now)
{
    const struct tg_store_watch watch = {.changed = tg_announce_elsewhere, .ctx = sale};
    struct tg_store *store = sale->cfg.store;
    struct tg_show_info *shows;
    size_t count;
    tg_err err = store->ops->load_shop(store, now, sale->shop);

    if (err == TG_OK)
        err = store->ops->load_registry(store, now, sale->cfg.registry);
    if (err == TG_OK)
        err = store->ops->next_token(store, &sale->next_token);
    if (err != TG_OK)
        return err;
    store->ops->watch(store, &watch);
    sale->poll_at = store->ops->shared(store) ? now.mono : TG_US_NEVER;
    shows = tg_calloc(TG_SHOWS_MAX, sizeof(*shows));
    if (shows == NULL)
        return TG_ERR_NOMEM;
    count = tg_registry_shows(sale->cfg.registry, shows, TG_SHOWS_MAX);
    if (count > 0)
        sale->next_show = (uint16_t)(shows[count - 1].ord + 1);
    tg_free(shows);
    return TG_OK;
}

tg_err tg_sale_new(struct tg_sale **ret, const struct tg_sale_cfg *cfg, struct tg_shop_now now)
{
    struct tg_sale *sale = tg_calloc(1, sizeof(*sale));
    tg_err err;

    if (sale == NULL)
        return TG_ERR_NOMEM;
    sale->cfg = *cfg;
    now = tg_sale_shop_time(sale, now);
    tg_buf_init(&sale->buf, REPLY_MAX);
    defaults(sale);
    err = build(sale);
    if (err == TG_OK)
        err = load(sale, now);
    if (err == TG_OK)
        err = tg_catalog_work_new(sale, now);
    if (err != TG_OK) {
        tg_sale_free(sale);
        return err;
    }
    sale->purge_at = now.mono + sale->cfg.purge_us;
    sale->unanswered_at = tg_shop_config(sale->shop)->provider == NULL ? TG_US_NEVER : now.mono;
    tg_metric_set(TG_M_store_up, 1);
    *ret = sale;
    return TG_OK;
}

void tg_sale_free(struct tg_sale *sale)
{
    if (sale == NULL)
        return;
    TG_ASSERT(sale->thread == NULL);
    tg_mailbox_free(sale->mailbox);
    tg_catalog_work_free(sale);
    tg_idem_free(sale->idem);
    tg_shop_free(sale->shop);
    tg_buf_done(&sale->buf);
    tg_free(sale->items);
    tg_free(sale->claims);
    tg_free(sale->refusals);
    tg_free(sale->taken);
    tg_free(sale->langs);
    tg_free(sale);
}

struct tg_mailbox *tg_sale_mailbox(struct tg_sale *sale)
{
    return sale->mailbox;
}

const struct tg_shop *tg_sale_shop(const struct tg_sale *sale)
{
    return sale->shop;
}

tg_us tg_sale_deadline(const struct tg_sale *sale)
{
    tg_us due = TG_MIN(tg_shop_deadline(sale->shop), sale->unanswered_at);

    if (sale->elsewhere_count > 0)
        return 0;
    if (sale->unsaved_count > 0)
        return TG_MIN(sale->retry_at, tg_catalog_deadline(sale));
    if (tg_catalog_deadline(sale) < due)
        return tg_catalog_deadline(sale);
    return due == TG_US_NEVER ? due : TG_MAX(due, sale->retry_at);
}

bool tg_sale_ready(const struct tg_sale *sale)
{
    return !sale->lost && !sale->behind;
}

void tg_sale_note_database(struct tg_sale *sale, tg_err err)
{
    bool lost = err == TG_ERR_CLOSED;

    if (!sale->cfg.store->ops->shared(sale->cfg.store) || sale->lost == lost)
        return;
    sale->lost = lost;
    if (lost) {
        TG_COUNT(store_lost_total);
        tg_log_error("sale", "database-lost", "reason=%s",
                     TG_LOG_Q(sale->cfg.store->ops->error(sale->cfg.store)));
    } else {
        tg_log_info("sale", "database-back", "%s", "");
    }
    tg_metric_set(TG_M_store_up, !lost);
}

struct tg_shop_now tg_sale_shop_time(struct tg_sale *sale, struct tg_shop_now now)
{
    tg_us off = sale->cfg.store->ops->wall_off(sale->cfg.store);

    tg_metric_set(TG_M_store_clock_off_ms, off / 1000);
    if ((off > CLOCK_TOLD_US || off < -CLOCK_TOLD_US) &&
        tg_log_burst(&sale->clock_burst, now.mono, CLOCK_LOG_US) > 0)
        tg_log_error("sale", "clock-wrong", "database_ahead_ms=%lld", (long long)(off / 1000));
    now.wall += off;
    return now;
}

void tg_sale_note_behind(struct tg_sale *sale)
{
    bool behind = sale->cfg.store->ops->behind(sale->cfg.store);

    if (sale->behind == behind)
        return;
    sale->behind = behind;
    tg_metric_set(TG_M_store_behind, behind);
    if (behind)
        tg_log_error("sale", "database-not-followed", "reason=%s",
                     TG_LOG_Q(sale->cfg.store->ops->error(sale->cfg.store)));
    else
        tg_log_info("sale", "database-followed", "%s", "");
}

/* true = other nodes did something that this one must take over. */
static bool poll_others(struct tg_sale *sale, struct tg_shop_now now)
{
    struct tg_store *store = sale->cfg.store;
    bool something = false;

    if (now.mono < sale->poll_at)
        return false;
    sale->poll_at = now.mono + TG_STORE_POLL_US;
    tg_sale_note_database(sale, store->ops->poll(store, now, &something));
    tg_sale_note_behind(sale);
    return something;
}

/* A slice each minute; where that was not all, one a second, and one after the other while nobody
 * waits for anything. */
void tg_sale_purge(struct tg_sale *sale, struct tg_shop_now now, bool idle)
{
    struct tg_store *store = sale->cfg.store;
    tg_err err;

    if (now.mono < sale->purge_at && !(idle && sale->purge_more))
        return;
    sale->purge_more = false;
    err =
        store->ops->purge(store, tg_sale_shop_time(sale, now).wall, PURGE_ROWS, &sale->purge_more);
    sale->purge_at = now.mono + (sale->purge_more ? (tg_us)TG_US_PER_S : sale->cfg.purge_us);
    if (err != TG_OK)
        tg_log_warn("sale", "purge-failed", "err=%s reason=%s", tg_err_name(err),
                    TG_LOG_Q(store->ops->error(store)));
}

static void run(void *ctx)
{
    struct tg_sale *sale = ctx;

    while (!tg_mailbox_ended(sale->mailbox)) {
        size_t count = tg_mailbox_take(sale->mailbox, sale->taken, sale->cfg.batch_max);
        struct tg_shop_now now = {.mono = tg_clock_mono(), .wall = tg_clock_wall()};
        tg_us due = tg_sale_deadline(sale);

        tg_sale_purge(sale, now, count == 0 && due > now.mono);
        if (count > 0 || due <= now.mono || poll_others(sale, now))
            tg_sale_turn(sale, now, sale->taken, count);
        else if (!sale->purge_more)
            tg_mailbox_wait(sale->mailbox,
                            TG_MIN(TG_MIN(due, sale->poll_at), sale->purge_at) - now.mono);
    }
}

static void tell_shows(struct tg_sale *sale)
{
    struct tg_show_info *shows = tg_calloc(TG_SHOWS_MAX, sizeof(*shows));
    size_t count;

    if (shows == NULL)
        return;
    count = tg_registry_shows(sale->cfg.registry, shows, TG_SHOWS_MAX);
    for (size_t i = 0; i < count; i++)
        tg_admin_tell_show(sale, &shows[i]);
    tg_free(shows);
}

tg_err tg_sale_start(struct tg_sale *sale)
{
    tg_announce_catalog(sale);
    tell_shows(sale);
    return tg_thread_start(&sale->thread, "sale", run, sale);
}

void tg_sale_stop(struct tg_sale *sale)
{
    tg_mailbox_close(sale->mailbox);
    tg_thread_join(sale->thread);
    sale->thread = NULL;
}
