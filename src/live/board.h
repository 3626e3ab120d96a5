/*
 * board.h - the products as this node shows them: the catalogue's snapshot with the prices and
 * stock of now, the JSON that newcomers get, and which SKUs changed since the last flush.
 *
 * Viewers read stock above the band as "many", staff read numbers. Owner: the live thread. No I/O.
 */
#ifndef TG_LIVE_BOARD_H
#define TG_LIVE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "msg/catalog.h"
#include "msg/live.h"

struct tg_board_variant {
    const struct tg_variant_view *view; /* sku and options; its numbers may be old */
    int64_t price;
    int64_t compare_at;
    int64_t price_until_wall_us; /* -1 = open */
    int64_t lowest;              /* as in tg_live_sale */
    int32_t price_left;
    int32_t available;
    int32_t told_viewers; /* the stock that viewers were told last, banded; see board_banded */
    int32_t sold_count;
    uint16_t sold_show;
    bool queued; /* in the board's queue */
    bool price_changed;
    bool stock_changed;
    bool sold_changed;
};

/* JSON of `products`, kept until something in it changes. */
struct tg_board_json {
    struct tg_buf text;
    bool fresh;
    bool more; /* the catalogue has more than fits */
};

/* Languages of the catalogue in which `products` is kept, besides as it was written first. */
enum { TG_BOARD_LANGS = 8 };
struct tg_board_lang {
    char lang[TG_LANG_SIZE];
    struct tg_board_json viewers;
    struct tg_board_json staff;
};

struct tg_board {
    struct tg_catalog *catalog;        /* NULL until the first */
    struct tg_board_variant *variants; /* catalog->variant_count */
    struct tg_board_variant **queue;   /* changed since the last flush */
    size_t queue_count;
    size_t queue_at;   /* of a flush under way: the next to be told */
    size_t queue_kept; /* ... so many stay for the next one */
    bool urgent;       /* among them a price, a last unit or the first one again */
    struct tg_map by_sku;
    int32_t band;
    int32_t band_fixed; /* > 0 overrides the catalogue's */
    struct tg_board_json viewers;
    struct tg_board_json staff;
    struct tg_board_lang langs[TG_BOARD_LANGS];
    uint32_t lang_count;
};

/* band 0 = the catalogue's own. */
void tg_board_init(struct tg_board *b, struct tg_rng *rng, int32_t band);
void tg_board_done(struct tg_board *b);
/* Takes the snapshot; forgets what was queued. NOMEM leaves the old one (and frees the new). */
TG_MUST_CHECK tg_err tg_board_set_catalog(struct tg_board *b, struct tg_catalog *take_catalog);
bool tg_board_has(const struct tg_board *b, const char *sku);
/*
 * What the sale thread committed. False: unknown SKU. *ret_must_flush: units of this SKU sold in
 * another show wait in the queue: flush, then apply again.
 */
TG_MUST_CHECK bool tg_board_apply(struct tg_board *b, const struct tg_live_sale *sale,
                                  bool *ret_must_flush);
/* The next changed variant, NULL = that was all for this time; its flags are the caller's to read,
 * then call _told. sold_too: else its sales stay in the queue, before what comes later. */
struct tg_board_variant *tg_board_next(struct tg_board *b);
void tg_board_told(struct tg_board *b, struct tg_board_variant *v, bool sold_too);

/* JSON of `products` in a language, where the catalogue has it; borrowed until the next call on the
 * board. NOMEM. */
TG_MUST_CHECK tg_err tg_board_products(struct tg_board *b, bool staff, const char *lang,
                                       const char **ret_json, size_t *ret_len, bool *ret_more);

enum tg_board_what { TG_BOARD_PRICE, TG_BOARD_STOCK, TG_BOARD_STOCK_BANDED, TG_BOARD_SOLD };
/* One event about a variant, at a media time. */
void tg_board_write_event(const struct tg_board *b, const struct tg_board_variant *v,
                          enum tg_board_what what, int64_t at, struct tg_buf *out);
/* Whether viewers must be told the stock: "many" that stays "many" is no news. */
bool tg_board_viewers_need_stock(const struct tg_board *b, const struct tg_board_variant *v);
/* "NOK"; "XTS" (ISO 4217: no real money) before the first catalogue. */
const char *tg_board_currency(const struct tg_board *b);

#endif
