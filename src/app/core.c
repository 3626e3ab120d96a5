#include "app/core.h"
#include "app/config_left.h"
#include "app/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "live/journal.h"
#include "live/live.h"
#include "sale/reader.h"
#include "store/checkpoint.h"
#include "store/datadir.h"

enum { READERS = 2 };

struct tg_core {
    struct tg_core_cfg cfg;
    struct tg_config defaults; /* when cfg.config is NULL */
    const struct tg_config *config;
    char db_path[TG_CFG_TEXT_SIZE]; /* or the URL of a PostgreSQL database */
    char journal_dir[TG_CFG_TEXT_SIZE];
    int lock_fd;
    struct tg_registry *registry;
    struct tg_store *store;
    struct tg_checkpoint *checkpoint; /* NULL: PostgreSQL, or not running */
    struct tg_journal *journal;
    struct tg_live *live;
    struct tg_sale *sale;
    struct tg_reader *readers[READERS];
    struct tg_mailbox *reader_boxes[READERS];
};

static struct tg_shop_now now_both(void)
{
    return (struct tg_shop_now){.mono = tg_clock_mono(), .wall = tg_clock_wall()};
}

static tg_err paths(struct tg_core *core)
{
    const char *dir = core->cfg.data_dir;
    tg_err err = tg_config_store(core->config, dir, core->db_path);

    if (err == TG_OK && snprintf(core->journal_dir, sizeof(core->journal_dir), "%s/journal", dir) >=
                            (int)sizeof(core->journal_dir))
        err = TG_ERR_LIMIT;
    return err;
}

/* People, payments and secrets of webhooks are in there. What torg makes is its own alone, but not
 * what an older torg or somebody else made. */
static void warn_when_open(const char *dir)
{
    struct stat st;

    if (stat(dir, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        tg_log_warn("app", "data-directory-open-to-others", "mode=%03o fix=%s",
                    (unsigned)(st.st_mode & 0777), TG_LOG_Q("chmod 700"));
}

static tg_err lock_dir(struct tg_core *core, char *reason, size_t size)
{
    tg_err err = tg_datadir_lock(&core->lock_fd, core->cfg.data_dir);

    if (err == TG_ERR_CONFLICT)
        return tg_because(
            err, reason, size,
            "the data directory %s is in use by another torgd; stop that one or choose "
            "another with --data",
            core->cfg.data_dir);
    if (err != TG_OK)
        return tg_because(err, reason, size, "cannot use the data directory %s (%s)",
                          core->cfg.data_dir, strerror(errno));
    warn_when_open(core->cfg.data_dir);
    tg_datadir_clean(core->cfg.data_dir);
    return TG_OK;
}

struct tg_db_cfg tg_core_database(const struct tg_core *core)
{
    return (struct tg_db_cfg){.url = core->db_path,
                              .password_file = core->config->store_password_file,
                              .keep_dir = core->cfg.data_dir,
                              .no_backup = core->cfg.no_backup};
}

static tg_err open_store(struct tg_core *core, char *reason, size_t size)
{
    const struct tg_db_cfg cfg = tg_core_database(core);
    char why[256] = "";
    tg_err err = tg_store_new(&core->store, &cfg, why);

    if (err != TG_OK)
        return tg_because(err, reason, size, "%s", why);
    if (!core->cfg.demo)
        return TG_OK;
    err = tg_demo_seed(core->store, tg_clock_wall());
    return err == TG_OK ? TG_OK
                        : tg_because(err, reason, size, "cannot write the demo catalogue: %s",
                                     core->store->ops->error(core->store));
}

tg_err tg_core_open(struct tg_core **ret, const struct tg_core_cfg *cfg, char *reason, size_t size)
{
    struct tg_core *core = tg_calloc(1, sizeof(*core));
    tg_err err;

    if (core == NULL)
        return tg_because(TG_ERR_NOMEM, reason, size, "out of memory");
    core->cfg = *cfg;
    core->lock_fd = -1;
    tg_config_defaults(&core->defaults);
    core->config = cfg->config != NULL ? cfg->config : &core->defaults;
    err = paths(core);
    if (err != TG_OK)
        (void)tg_because(err, reason, size, "the data directory's path is too long");
    if (err == TG_OK)
        err = lock_dir(core, reason, size);
    if (err == TG_OK)
        err = open_store(core, reason, size);
    if (err == TG_OK) {
        err = tg_registry_new(&core->registry);
        if (err != TG_OK)
            (void)tg_because(err, reason, size, "out of memory");
    }
    if (err == TG_OK)
        *ret = core;
    else
        tg_core_free(core);
    return err;
}

struct tg_registry *tg_core_registry(struct tg_core *core)
{
    return core->registry;
}

/* To the sale 0 is no choice. */
static int32_t stock_band(const struct tg_config *config)
{
    return config->shop_stock_band == 0 ? -1 : (int32_t)config->shop_stock_band;
}

static tg_err new_live(struct tg_core *core, const struct tg_core_peers *peers)
{
    struct tg_live_cfg cfg = {
        .webs = peers->webs,
        .web_count = peers->web_count,
        .journal_dir = core->journal_dir,
        .registry = core->registry,
        .stock_band = (int32_t)core->config->shop_stock_band,
        .state_changed = peers->on_show_state,
        .state_ctx = peers->ctx,
    };
    tg_err err = tg_journal_new(&core->journal, core->journal_dir, core->registry);

    if (err != TG_OK)
        return err;
    cfg.journal = tg_journal_mailbox(core->journal);
    return tg_live_new(&core->live, &cfg);
}

static tg_err new_sale(struct tg_core *core, const struct tg_core_peers *peers)
{
    struct tg_sale_cfg cfg = {
        .store = core->store,
        .registry = core->registry,
        .live = tg_live_mailbox(core->live),
        .web = peers->webs,
        .web_count = peers->web_count,
        .allow_sandbox = core->cfg.demo || core->config->payments_allow_sandbox,
        .hold_us = core->config->shop_hold_s * TG_US_PER_S,
        .person_units_max = (int32_t)core->config->shop_person_max,
        .first_number = core->config->shop_first_number,
        .batch_max = (size_t)core->config->shop_batch_max,
        .stock_band = stock_band(core->config),
        .on_show_added = peers->on_show_added,
        .ctx = peers->ctx,
    };
    tg_err err = tg_config_taxes(core->config, &cfg.taxes);

    if (err != TG_OK)
        return err;
    if (strcmp(core->config->shop_stock_owner, "allotment") == 0)
        cfg.stock_owner = TG_STOCK_ALLOTMENT;
    tg_str_cut(cfg.currency, sizeof(cfg.currency), core->config->shop_currency);
    err = tg_sale_new(&core->sale, &cfg, now_both());
    if (err == TG_OK)
        tg_live_set_sale(core->live, tg_sale_mailbox(core->sale));
    return err;
}

static tg_err new_readers(struct tg_core *core, char reterr[256])
{
    struct tg_taxes taxes;
    const struct tg_reader_cfg cfg = {
        .db = tg_core_database(core),
        .allow_sandbox = core->cfg.demo || core->config->payments_allow_sandbox,
        .currency = core->config->shop_currency,
        .stock_band = stock_band(core->config),
        .taxes = &taxes,
        .data_dir = core->cfg.data_dir,
        .base_url = core->config->http_base_url,
    };
    tg_err err = tg_config_taxes(core->config, &taxes);

    for (size_t i = 0; i < READERS && err == TG_OK; i++) {
        err = tg_reader_new(&core->readers[i], &cfg, reterr);
        if (err == TG_OK)
            core->reader_boxes[i] = tg_reader_mailbox(core->readers[i]);
    }
    return err;
}

tg_err tg_core_prepare(struct tg_core *core, const struct tg_core_peers *peers, char *reason,
                       size_t size)
{
    char why[256] = "";
    tg_err err = new_live(core, peers);

    if (err != TG_OK)
        return tg_because(err, reason, size, "cannot prepare the show rooms in %s (%s)",
                          core->journal_dir, tg_err_name(err));
    err = new_sale(core, peers);
    if (err != TG_OK)
        return tg_because(err, reason, size, "cannot load the shop from %s: %s (%s)", core->db_path,
                          core->store->ops->error(core->store), tg_err_name(err));
    err = new_readers(core, why);
    if (err != TG_OK)
        return tg_because(err, reason, size, "%s", why);
    return TG_OK;
}

struct tg_sale *tg_core_sale(struct tg_core *core)
{
    return core->sale;
}

struct tg_mailbox *tg_core_live_mailbox(struct tg_core *core)
{
    return tg_live_mailbox(core->live);
}

struct tg_mailbox *const *tg_core_read_mailboxes(struct tg_core *core, size_t *ret_count)
{
    *ret_count = READERS;
    return core->reader_boxes;
}

tg_err tg_core_run(struct tg_core *core, char *reason, size_t size)
{
    char why[256];
    tg_err err = tg_checkpoint_start(&core->checkpoint, core->store, NULL, why);

    if (err != TG_OK)
        return tg_because(err, reason, size, "%s", why);
    err = tg_journal_start(core->journal);
    if (err == TG_OK)
        err = tg_live_start(core->live);
    for (size_t i = 0; i < READERS && err == TG_OK; i++)
        err = tg_reader_start(core->readers[i]);
    if (err == TG_OK)
        err = tg_sale_start(core->sale);
    return err == TG_OK
               ? TG_OK
               : tg_because(err, reason, size, "cannot start a thread (%s)", tg_err_name(err));
}

void tg_core_halt(struct tg_core *core)
{
    if (core == NULL)
        return;
    if (core->sale != NULL)
        tg_sale_stop(core->sale);
    tg_checkpoint_stop(core->checkpoint);
    core->checkpoint = NULL;
    for (size_t i = 0; i < READERS; i++) {
        if (core->readers[i] != NULL)
            tg_reader_stop(core->readers[i]);
    }
    if (core->live != NULL)
        tg_live_stop(core->live);
    if (core->journal != NULL)
        tg_journal_stop(core->journal);
}

void tg_core_free(struct tg_core *core)
{
    if (core == NULL)
        return;
    tg_sale_free(core->sale);
    for (size_t i = 0; i < READERS; i++)
        tg_reader_free(core->readers[i]);
    tg_live_free(core->live);
    tg_journal_free(core->journal);
    tg_store_free(core->store);
    tg_registry_free(core->registry);
    if (core->lock_fd >= 0)
        (void)close(core->lock_fd); /* gives the lock back */
    tg_free(core);
}

tg_err tg_core_admin(struct tg_core *core, struct tg_admin *ret)
{
    tg_err err = tg_admin_init(ret, core->registry, tg_sale_mailbox(core->sale),
                               tg_live_mailbox(core->live), core->reader_boxes[0]);

    const struct tg_cfg_list *allow = &core->config->webhooks_allow_networks;

    ret->db = tg_core_database(core);
    for (size_t i = 0; err == TG_OK && i < allow->count; i++)
        err = tg_cidr_list_add(&ret->hook_networks, allow->items[i]);
    return err;
}
