#include "live/live.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/str.h"
#include "live/journal.h"
#include "live/live_priv.h"
#include "msg/msg.h"

/* How often the numbers of products are told: to thousands less often, for each time costs a frame
 * to every one of them. A price, the last unit and the first one again never wait longer. */
enum {
    BATCH = 256,
    BOARD_EVERY_US = 100 * TG_US_PER_MS,
    BOARD_EVERY_US_MAX = 800 * TG_US_PER_MS,
    BOARD_US_PER_PERSON = 160,
    BOARD_SOLD_MAX = 40, /* SKUs at a time: a shop that sells a thousand would send 100 MB/s */
};

static void mint_epoch(char out[TG_EPOCH_MAX + 1], struct tg_rng *rng)
{
    uint8_t bytes[12];

    tg_rng_bytes(rng, bytes, sizeof(bytes));
    tg_b64url_encode(out, TG_EPOCH_MAX + 1, bytes, sizeof(bytes));
}

tg_err tg_live_new(struct tg_live **ret, const struct tg_live_cfg *cfg)
{
    struct tg_rng rng = tg_rng_os();
    struct tg_live *live;
    tg_err err;

    if (cfg->web_count > TG_LIVE_WEBS_MAX)
        return TG_ERR_LIMIT;
    live = tg_calloc(1, sizeof(*live));
    if (live == NULL)
        return TG_ERR_NOMEM;
    for (size_t i = 0; i < cfg->web_count; i++)
        live->webs[i] = cfg->webs[i];
    live->web_count = cfg->web_count;
    live->journal = cfg->journal;
    live->registry = cfg->registry;
    live->state_changed = cfg->state_changed;
    live->state_ctx = cfg->state_ctx;
    live->chat_slow_ms = cfg->chat_slow_ms;
    mint_epoch(live->epoch, &rng);
    members_init(&live->members, &rng);
    tg_board_init(&live->board, &rng, cfg->stock_band);
    tg_names_init(&live->names, &rng);
    /* joined: the products, 50 chat lines, a cart */
    tg_buf_init(&live->scratch, (size_t)1024 * 1024);
    err = tg_mailbox_new(&live->mb, TG_MB_LIVE, tg_msg_free);
    if (err == TG_OK && cfg->journal_dir != NULL) {
        live->journal_dir = tg_strdup(cfg->journal_dir);
        if (live->journal_dir == NULL)
            err = TG_ERR_NOMEM;
    }
    if (err != TG_OK) {
        tg_live_free(live);
        return err;
    }
    *ret = live;
    return TG_OK;
}

void tg_live_free(struct tg_live *live)
{
    if (live == NULL)
        return;
    for (size_t i = 0; i < live->room_count; i++)
        room_free(live->list[i]);
    members_done(&live->members);
    tg_board_done(&live->board);
    tg_names_done(&live->names);
    tg_buf_done(&live->scratch);
    tg_mailbox_free(live->mb);
    tg_free(live->journal_dir);
    tg_free(live);
}

void tg_live_set_sale(struct tg_live *live, struct tg_mailbox *sale)
{
    live->sale = sale;
}

struct tg_mailbox *tg_live_mailbox(struct tg_live *live)
{
    return live->mb;
}

/* --- shop ----------------------------------------------------------------------------------------
 */

static void cast_variant(struct tg_live *live, const struct room *room,
                         const struct tg_board_variant *v, enum tg_board_what what,
                         enum tg_audience audience)
{
    tg_buf_clear(&live->scratch);
    tg_board_write_event(&live->board, v, what, tg_show_media_ms(room->show, live->now),
                         &live->scratch);
    if (live->scratch.err == TG_OK)
        room_cast(live, room, audience, (const char *)live->scratch.data, live->scratch.len);
}

static void tell_room(struct tg_live *live, const struct room *room,
                      const struct tg_board_variant *v, bool sold_too)
{
    if (room->viewers + room->staff == 0)
        return;
    if (v->price_changed)
        cast_variant(live, room, v, TG_BOARD_PRICE, TG_AUDIENCE_ALL);
    if (v->stock_changed)
        cast_variant(live, room, v, TG_BOARD_STOCK, TG_AUDIENCE_STAFF);
    if (tg_board_viewers_need_stock(&live->board, v))
        cast_variant(live, room, v, TG_BOARD_STOCK_BANDED, TG_AUDIENCE_VIEWERS);
    if (sold_too && v->sold_changed && v->sold_show == room->ord)
        cast_variant(live, room, v, TG_BOARD_SOLD, TG_AUDIENCE_ALL);
}

/* sold_max: of how many SKUs the sales are told; the others' wait for the next time, in turn. */
static void flush_board(struct tg_live *live, size_t sold_max)
{
    struct tg_board_variant *v;

    while ((v = tg_board_next(&live->board)) != NULL) {
        bool sold_too = sold_max > 0;

        if (sold_too && v->sold_changed)
            sold_max--;
        for (size_t i = 0; i < live->room_count; i++)
            tell_room(live, live->list[i], v, sold_too);
        tg_board_told(&live->board, v, sold_too);
    }
    live->board_told = live->now;
}

/* When what waits on the board is told. */
static tg_us board_due(const struct tg_live *live)
{
    size_t people = 0;
    tg_us every;

    for (size_t i = 0; i < live->room_count; i++)
        people += live->list[i]->viewers + live->list[i]->staff;
    every = TG_MIN((tg_us)people * BOARD_US_PER_PERSON, (tg_us)BOARD_EVERY_US_MAX);
    every = TG_MAX(every, (tg_us)BOARD_EVERY_US);
    return live->board_told + (live->board.urgent ? BOARD_EVERY_US : every);
}

static void on_sale(struct tg_live *live, const struct tg_live_sale *msg)
{
    bool must_flush;

    if (!tg_board_apply(&live->board, msg, &must_flush)) {
        /* Its product came with an import whose snapshot is still on the way, and tells the same.
         */
        tg_log_debug("live", "sku-unknown", "show=%u", msg->show);
        return;
    }
    if (!must_flush)
        return;
    flush_board(live, SIZE_MAX);
    /* The queue is empty: nothing can be in the way of this one now. */
    if (!tg_board_apply(&live->board, msg, &must_flush) || must_flush)
        tg_log_error("live", "sale-not-shown", "show=%u", msg->show);
}

static void on_catalog(struct tg_live *live, struct tg_live_catalog *msg)
{
    struct tg_catalog *catalog = msg->catalog;
    tg_err err;

    msg->catalog = NULL;
    flush_board(live, SIZE_MAX);
    err = tg_board_set_catalog(&live->board, catalog);
    if (err != TG_OK)
        tg_log_error("live", "catalog-not-taken", "err=%s", tg_err_name(err));
}

/* --- the loop ------------------------------------------------------------------------------------
 */

static void on_show(struct tg_live *live, const struct tg_live_show *msg)
{
    struct room *room;
    tg_err err = TG_ERR_LIMIT;

    if (msg->show < TG_SHOWS_MAX && msg->state <= TG_SHOW_REHEARSAL) {
        room = live->rooms[msg->show];
        err = room == NULL
                  ? room_new(live, msg)
                  : tg_show_set_phase(room->show, live->now, (enum tg_show_phase)msg->state);
        if (err == TG_OK && room != NULL)
            room_drain(live, room, NULL);
    }
    if (err != TG_OK)
        tg_log_error("live", "show-not-added", "show=%u err=%s", msg->show, tg_err_name(err));
}

static void handle(struct tg_live *live, void *msg)
{
    switch (((const struct tg_msg *)msg)->kind) {
    case TG_MSG_LIVE_JOIN:
        room_join(live, msg);
        break;
    case TG_MSG_LIVE_LEAVE:
        room_leave(live, msg);
        break;
    case TG_MSG_LIVE_OP:
        room_op(live, msg);
        break;
    case TG_MSG_LIVE_CATALOG:
        on_catalog(live, msg);
        break;
    case TG_MSG_LIVE_SALE:
        on_sale(live, msg);
        break;
    case TG_MSG_LIVE_SHOW:
        on_show(live, msg);
        break;
    case TG_MSG_LIVE_SOURCE:
        room_source(live, msg);
        break;
    case TG_MSG_LIVE_UPLINK:
        room_uplink(live, msg);
        break;
    case TG_MSG_LIVE_RULES:
        room_rules(live, msg);
        break;
    default:
        TG_ASSERT(false); /* posted to the wrong thread */
    }
    tg_msg_free(msg);
}

/* Everything that is due; returns how long nothing will be. */
static tg_us tick(struct tg_live *live)
{
    tg_us next = TG_US_NEVER;

    if (tg_board_next(&live->board) != NULL && live->now >= board_due(live))
        flush_board(live, BOARD_SOLD_MAX);
    if (tg_board_next(&live->board) != NULL)
        next = board_due(live);
    for (size_t i = 0; i < live->room_count; i++) {
        room_tick(live, live->list[i]);
        next = TG_MIN(next, tg_show_deadline(live->list[i]->show));
    }
    members_expire(&live->members, live->now);
    return next == TG_US_NEVER ? TG_US_NEVER : TG_MAX(next - live->now, 0);
}

static void on_name(void *ctx, const char *person, const char *name)
{
    struct tg_live *live = ctx;

    (void)tg_names_note(&live->names, person, name); /* it is on disk already */
}

static void read_names(struct tg_live *live)
{
    struct tg_journal_report report = {0};
    tg_err err;

    if (live->journal_dir == NULL)
        return;
    err = tg_journal_read_names(live->journal_dir, &report, on_name, live);
    if (err != TG_OK)
        tg_log_error("live", "names-unreadable", "err=%s", tg_err_name(err));
    else if (report.bad > 0 || report.torn_bytes > 0)
        tg_log_warn("live", "names-damaged", "lines=%llu bad=%llu torn_bytes=%lld",
                    (unsigned long long)report.lines, (unsigned long long)report.bad,
                    (long long)report.torn_bytes);
}

static void run(void *ctx)
{
    struct tg_live *live = ctx;
    tg_us wait = 0;

    tg_owner_check(&live->owner);
    read_names(live);
    while (!tg_mailbox_ended(live->mb)) {
        void *msgs[BATCH];
        size_t count;

        tg_mailbox_wait(live->mb, wait);
        live->now = tg_clock_mono();
        live->wall = tg_clock_wall();
        count = tg_mailbox_take(live->mb, msgs, BATCH);
        for (size_t i = 0; i < count; i++)
            handle(live, msgs[i]);
        wait = tick(live);
    }
}

tg_err tg_live_start(struct tg_live *live)
{
    return tg_thread_start(&live->thread, "live", run, live);
}

void tg_live_stop(struct tg_live *live)
{
    tg_mailbox_close(live->mb);
    tg_thread_join(live->thread);
    live->thread = NULL;
}
