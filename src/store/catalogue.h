/*
 * catalogue.h - products and variants with all their details, imports and what they changed, and
 * the search. The sale thread writes, inside its batch; reading connections read.
 *
 * A product here is a struct of feed/ in which everything is said ("" and empty lists for what is
 * not there), so that two of them can be compared and one can be put back. Errors: store.h's.
 */
#ifndef TG_STORE_CATALOGUE_H
#define TG_STORE_CATALOGUE_H

#include "feed/product.h"
#include "store/read.h"
#include "store/store.h"

/* --- products and variants: the sale thread, between ops->begin and ops->commit --- */

/* NOTFOUND. Without variants. Texts are in the arena. */
TG_MUST_CHECK tg_err tg_cat_product(struct tg_store *store, struct tg_feed_arena *a, const char *id,
                                    struct tg_feed_product *ret, int64_t *ret_version);

/*
 * A variant that is archived and has no units may not be in memory, when there are many. This
 * brings it there, between decisions; OK without it when there is no room, or when the disk has no
 * such.
 */
TG_MUST_CHECK tg_err tg_store_bring_variant(struct tg_store *store, struct tg_shop_now now,
                                            struct tg_shop *shop, const char *sku);
/*
 * true = memory has every product and variant of the disk (after ops->load, on several nodes): what
 * it lacks is nowhere, and need not be asked for.
 */
bool tg_store_holds_all(struct tg_store *store);
/* What the shop keeps of a product's languages; *ret NULL = none. NOMEM. */
TG_MUST_CHECK tg_err tg_cat_texts_of(struct tg_langs **ret, const struct tg_feed_langs *langs);

struct tg_cat_place {
    char product_id[TG_FEED_ID_SIZE];
    int64_t position; /* among the variants of its product */
    int64_t version;
};
/* With its prices in further currencies and its parts. */
TG_MUST_CHECK tg_err tg_cat_variant(struct tg_store *store, struct tg_feed_arena *a,
                                    const char *sku, struct tg_feed_variant *ret,
                                    struct tg_cat_place *ret_place);
/*
 * The same of many at once. On several nodes each question alone is a round trip, with what was
 * written so far before it. found: the disk has it. left: there was too much text for one arena,
 * ask for this one alone.
 */
struct tg_cat_got_product {
    bool found;
    bool left;
    struct tg_feed_product product;
    int64_t version;
};
struct tg_cat_got_variant {
    bool found;
    bool left;
    bool more; /* it has prices in further currencies, or parts */
    struct tg_feed_variant variant;
    struct tg_cat_place place;
};
TG_MUST_CHECK tg_err tg_cat_products(struct tg_store *store, struct tg_feed_arena *a,
                                     const char *const *ids, size_t count,
                                     struct tg_cat_got_product *ret);
TG_MUST_CHECK tg_err tg_cat_variants(struct tg_store *store, struct tg_feed_arena *a,
                                     const char *const *skus, size_t count,
                                     struct tg_cat_got_variant *ret);
/* The place of a variant that is added to a product. */
TG_MUST_CHECK tg_err tg_cat_next_position(struct tg_store *store, const char *product_id,
                                          int64_t *ret);
/* Was any stock of this SKU ever counted? */
TG_MUST_CHECK tg_err tg_cat_counted(struct tg_store *store, const char *sku, bool *ret);
/* New, or instead of what was there; also categories and the words of the search. */
TG_MUST_CHECK tg_err tg_cat_put_product(struct tg_store *store, const struct tg_feed_product *p,
                                        int64_t version, tg_us wall);
/* The price is written for a new variant only: that of another is a decision of the shop's. */
TG_MUST_CHECK tg_err tg_cat_put_variant(struct tg_store *store, const struct tg_cat_place *place,
                                        const struct tg_feed_variant *v, tg_us wall);

/* The version that a variant ends this batch with, after prices and parts raised it. */
TG_MUST_CHECK tg_err tg_cat_set_version(struct tg_store *store, const char *sku, int64_t version);

/* --- imports --- */

/* The values are kept on disk: never renumber. */
enum tg_import_state {
    TG_IMPORT_WAITING,
    TG_IMPORT_RUNNING,
    TG_IMPORT_DONE,
    TG_IMPORT_FAILED, /* ended early: reason. What it did until then can be undone */
    TG_IMPORT_UNDOING,
    TG_IMPORT_UNDONE,
    TG_IMPORT_CANCELLED /* an import or an undo: either can be undone (again) */
};
const char *tg_import_state_name(enum tg_import_state state);

enum tg_import_flag {
    TG_IMPORT_DRY = 1,            /* look and report; write nothing */
    TG_IMPORT_STRICT = 2,         /* one fault, and nothing is written */
    TG_IMPORT_ARCHIVE_MISSING = 4 /* the file is the whole catalogue; not when it has faults */
};
enum tg_import_kind { TG_IMPORT_PRODUCT, TG_IMPORT_VARIANT, TG_IMPORT_COUNT };

struct tg_import_counts {
    int64_t added;
    int64_t changed;
    int64_t unchanged;
    int64_t archived;
};

struct tg_import {
    int64_t id;
    enum tg_import_state state;
    char format[16]; /* "auto" until it is known */
    uint32_t flags;
    char file[128];
    char actor[TG_PERSON_ID_SIZE];
    int64_t bytes;
    int64_t bytes_done;
    struct tg_import_counts products;
    struct tg_import_counts variants;
    int64_t counted;
    int64_t faults; /* also those beyond TG_IMPORT_FAULTS_MAX */
    char reason[160];
    tg_us started_wall;
    tg_us ended_wall;
    tg_us undone_wall;
    tg_us lease_wall; /* until then no other node takes it for dead */
};
#define TG_IMPORT_LEASE_US ((tg_us)60 * TG_US_PER_S)

enum {
    TG_IMPORT_FAULTS_MAX = 10000, /* kept of one import */
    TG_IMPORTS_KEPT = 20,         /* that can be undone; of older ones only the sums stay */
};

struct tg_import_change {
    int64_t seq; /* from 1 */
    enum tg_import_kind kind;
    const char *item;
    const char *before;
    uint64_t after; /* digest of what it made */
    int64_t qty;
};

/* The id that the next import gets. */
TG_MUST_CHECK tg_err tg_cat_next_import(struct tg_store *store, int64_t *ret);
/* While it runs it is this node's, as long as lease_wall says. */
TG_MUST_CHECK tg_err tg_cat_put_import(struct tg_store *store, const struct tg_import *import);
/* May this node begin one? CONFLICT: another node is at work. One whose node died has failed. */
TG_MUST_CHECK tg_err tg_cat_may_import(struct tg_store *store, tg_us wall);
/* CONFLICT: it is not this node's (any more). */
TG_MUST_CHECK tg_err tg_cat_import_mine(struct tg_store *store, int64_t id);
TG_MUST_CHECK tg_err tg_cat_import(struct tg_store *store, int64_t id, struct tg_import *ret);
TG_MUST_CHECK tg_err tg_cat_last_import(struct tg_store *store, int64_t *ret);
/* It ends where it is (0: the one that is at work), whichever node is at work on it; that one finds
 * out by tg_cat_import_mine. *ret: what it is now, also with CONFLICT: it was over already.
 * NOTFOUND. */
TG_MUST_CHECK tg_err tg_cat_cancel(struct tg_store *store, int64_t id, tg_us wall,
                                   struct tg_import *ret);
/* What that makes of it, without the store. */
void tg_import_cancel(struct tg_import *import, tg_us wall);
TG_MUST_CHECK tg_err tg_cat_add_change(struct tg_store *store, int64_t import,
                                       const struct tg_import_change *change);
/* The newest with seq < below, at most `max` and not too much text, newest first; texts in the
 * arena. *ret_count 0: none is left. */
TG_MUST_CHECK tg_err tg_cat_changes_below(struct tg_store *store, struct tg_feed_arena *a,
                                          int64_t import, int64_t below,
                                          struct tg_import_change *ret, size_t max,
                                          size_t *ret_count);
/* What it made is something else than was noted: the text's digest. */
TG_MUST_CHECK tg_err tg_cat_set_change(struct tg_store *store, int64_t import, int64_t seq,
                                       uint64_t after);
/* It is undone. */
TG_MUST_CHECK tg_err tg_cat_drop_change(struct tg_store *store, int64_t import, int64_t seq);
TG_MUST_CHECK tg_err tg_cat_add_fault(struct tg_store *store, int64_t import, int64_t seq,
                                      const struct tg_feed_fault *fault);
/* Imports that a crash cut off have failed (of another node: when its lease is over); what old
 * imports changed is forgotten. At the start, in a transaction of its own. */
TG_MUST_CHECK tg_err tg_cat_tidy(struct tg_store *store, tg_us wall);
enum tg_cat_cut {
    TG_CAT_CUT_ALL,    /* whatever is at work */
    TG_CAT_CUT_LATE,   /* whose lease is over */
    TG_CAT_CUT_OTHERS, /* ... of other nodes: ours may be waiting for the database */
};
/* Only the former; a statement. */
TG_MUST_CHECK tg_err tg_cat_cut_off(struct tg_store *store, tg_us wall, enum tg_cat_cut which);

/* --- reading --- */

struct tg_cat_view {
    struct tg_feed_product product; /* with its variants that are not archived */
    int64_t version;
    const int64_t *versions;  /* of the variants */
    const int64_t *available; /* units of the variants */
    const int64_t *prices;    /* what they cost now: the flash price when one runs */
};
/* Return anything but TG_OK to stop; that is the answer then. Borrowed for the call. */
typedef tg_err (*tg_cat_view_fn)(void *ctx, const struct tg_cat_view *view);

/*
 * Exports: everything between snapshot and snapshot_end is of one moment. A page is products that
 * are not archived, number > above, in the order of their numbers, with the variants that are not,
 * by four queries however many they are; a view's versions and prices are NULL. *ret_count < limit:
 * maybe fewer fitted; 0: that was all.
 */
TG_MUST_CHECK tg_err tg_read_snapshot(struct tg_read_db *db);
TG_MUST_CHECK tg_err tg_read_snapshot_end(struct tg_read_db *db);
TG_MUST_CHECK tg_err tg_read_product_count(struct tg_read_db *db, int64_t *ret);
TG_MUST_CHECK tg_err tg_read_page(struct tg_read_db *db, int64_t above, uint32_t limit,
                                  tg_cat_view_fn each, void *ctx, uint32_t *ret_count);
/* One, archived or not, with all its variants. NOTFOUND. */
TG_MUST_CHECK tg_err tg_read_product(struct tg_read_db *db, const char *id, tg_cat_view_fn each,
                                     void *ctx);
/* ... without them: one statement, however many it has. */
TG_MUST_CHECK tg_err tg_read_product_alone(struct tg_read_db *db, const char *id,
                                           tg_cat_view_fn each, void *ctx);
/* The product id of a SKU. NOTFOUND. */
TG_MUST_CHECK tg_err tg_read_product_of(struct tg_read_db *db, const char *sku,
                                        char ret[TG_FEED_ID_SIZE]);

enum { TG_CAT_SLUG_SIZE = 64, TG_CAT_FOUND_MAX = 1000 };

struct tg_cat_filter {
    char words[201];    /* "" = all; folded and forgiven as feed/words.h does */
    char category[201]; /* "" = all; a path, with what lies in it */
    struct {
        char name[TG_CAT_SLUG_SIZE]; /* tg_words_slug's; "" = none */
        char value[TG_CAT_SLUG_SIZE];
    } attributes[TG_READ_ATTRIBUTES_MAX]; /* all of them, of the product or of one of its variants
                                           */
    int64_t price_min;                    /* minor units of what a variant costs now; -1 = open */
    int64_t price_max;
    int64_t show;  /* products that a show has rules for; -1 = all */
    int64_t above; /* without words: number of the last one seen; with: how many were seen */
    uint32_t limit;
};

struct tg_cat_found {
    uint32_t count;
    struct {
        char id[TG_FEED_ID_SIZE];
        int64_t cursor; /* `above` of the page behind it */
    } at[TG_CAT_FOUND_MAX];
    int64_t next; /* `above` of the next page; -1 = that was all */
};
/*
 * Ids of at most filter->limit products, best first (by number without words). What it costs is
 * bounded: a rare filter may give a short or empty page with a `next`.
 */
TG_MUST_CHECK tg_err tg_read_find(struct tg_read_db *db, const struct tg_cat_filter *filter,
                                  struct tg_cat_found *ret);

struct tg_list_price {
    uint32_t variant; /* of the product, from 0 */
    char currency[4];
    int64_t price;
};
/* A product as shoppers see it in a list. */
struct tg_list_view {
    const struct tg_product_view *product; /* in the language that was asked for, where it has it */
    const struct tg_variant_view *variants; /* product->variant_count */
    const struct tg_list_price *prices;     /* in further currencies, by variant */
    uint32_t price_count;
    bool in_lang; /* it has texts in that language */
    int64_t cursor;
};
/* AGAIN: enough, this one stays for the next page. Borrowed for the call. */
typedef tg_err (*tg_list_fn)(void *ctx, const struct tg_list_view *view);
/* What tg_read_find finds. The cost is that of the page. *ret_next: -1 = that was all. */
TG_MUST_CHECK tg_err tg_read_list(struct tg_read_db *db, const struct tg_cat_filter *filter,
                                  const char *lang, tg_list_fn each, void *ctx, int64_t *ret_next);
/* One that is not archived. NOTFOUND. */
TG_MUST_CHECK tg_err tg_read_list_one(struct tg_read_db *db, const char *id, const char *lang,
                                      tg_list_fn each, void *ctx);

/* The texts that serve a language best; NULL = what the product has of its own. */
const struct tg_feed_lang *tg_cat_lang(const struct tg_feed_langs *texts, const char *lang);

/* What the product of a SKU is called in further languages; *ret NULL = none; one reference. */
TG_MUST_CHECK tg_err tg_read_texts(struct tg_read_db *db, const char *sku, struct tg_langs **ret);

struct tg_variant_filter {
    const char *product; /* id; "" = all, so the others */
    const char *barcode;
    int archived; /* 1 = only these, 0 = without them, -1 = both */
};
struct tg_variant_row {
    const struct tg_feed_variant *variant;
    struct tg_cat_place place;
    int64_t available;
};
/* AGAIN: enough. Borrowed for the call. */
typedef tg_err (*tg_variant_fn)(void *ctx, const struct tg_variant_row *row);
/* Variants above `above` by SKU, at most limit. ret_next = `above` of the next page, "" = that was
 * all; the page may be short as tg_read_find's. */
TG_MUST_CHECK tg_err tg_read_variants(struct tg_read_db *db, const struct tg_variant_filter *filter,
                                      const char *above, uint32_t limit, tg_variant_fn each,
                                      void *ctx, char ret_next[TG_SKU_MAX + 1]);

typedef tg_err (*tg_import_fn)(void *ctx, const struct tg_import *import);
typedef tg_err (*tg_import_fault_fn)(void *ctx, int64_t seq, const struct tg_feed_fault *fault);
/* Newest first, id < below. */
TG_MUST_CHECK tg_err tg_read_imports(struct tg_read_db *db, int64_t below, uint32_t limit,
                                     tg_import_fn each, void *ctx);
TG_MUST_CHECK tg_err tg_read_import(struct tg_read_db *db, int64_t id, struct tg_import *ret);
TG_MUST_CHECK tg_err tg_read_import_faults(struct tg_read_db *db, int64_t id, int64_t above,
                                           uint32_t limit, tg_import_fault_fn each, void *ctx);

#endif
