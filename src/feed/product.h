/*
 * product.h - a product as feeds, the API and exports speak of it, and its canonical text.
 *
 * A value says only what its source says: text NULL, a list not `given` or a number TG_FEED_KEEP
 * means "as it was". So a feed without a column erases nothing, a PATCH is a product with few
 * fields, and merging is one function. "" and an empty list that is given mean "none".
 *
 * All memory belongs to an arena. Pure. Owner: whoever has the arena.
 */
#ifndef TG_FEED_PRODUCT_H
#define TG_FEED_PRODUCT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json_out.h"
#include "base/limits.h"

#define TG_FEED_KEEP INT64_MIN /* a number that the source does not give */

enum {
    TG_FEED_TITLE_MAX = 200,          /* bytes of titles, names, values: TG_TITLE_SIZE */
    TG_FEED_VALUE_MAX = 1000,         /* bytes of an attribute's value */
    TG_FEED_DESCRIPTION_MAX = 16384,  /* bytes: three pages of text */
    TG_FEED_ID_SIZE = 40,             /* of a product id with NUL */
    TG_FEED_TEXTS_MAX = 16,           /* further languages */
    TG_FEED_WORDS_MAX = 64,           /* option words of one language */
    TG_FEED_PICTURES_MAX = 50,        /* of one product or variant; Shopify has up to 250 */
    TG_FEED_CATEGORIES_MAX = 16,      /* paths that one product stands in */
    TG_FEED_CATEGORY_DEPTH = 8,       /* steps of one path */
    TG_FEED_ATTRIBUTES_MAX = 100,     /* of one product */
    TG_FEED_LINKS_MAX = 50,           /* accessories, related: of one product */
    TG_FEED_OPTIONS_MAX = 3,          /* of one variant: what fits TG_OPTIONS_SIZE */
    TG_FEED_OPTIONS_SIZE = 96,        /* of the options' JSON with NUL: TG_OPTIONS_SIZE of shop/ */
    TG_FEED_PRICES_MAX = 16,          /* further currencies of one variant */
    TG_FEED_NUMBER_MAX = 999999,      /* short numbers */
    TG_FEED_VARIANTS_MAX = 2048,      /* of one product: Shopify's largest */
    TG_FEED_PRODUCT_MAX = 4 << 20,    /* bytes of memory for one product */
    TG_FEED_PRICE_MAX = 1000000000,   /* minor units: TG_PRICE_MAX_MINOR of shop/ */
    TG_FEED_WEIGHT_MAX_G = 100000000, /* a hundred tonnes */
};

/* --- memory --- */

struct tg_feed_block;
struct tg_feed_arena {
    struct tg_feed_block *blocks;
    size_t used; /* bytes handed out */
    tg_err err;  /* sticky: NOMEM, or LIMIT above TG_FEED_PRODUCT_MAX */
};
/* Empty again; frees all but one block. A zeroed arena is ready to use. */
void tg_feed_arena_clear(struct tg_feed_arena *a);
void tg_feed_arena_done(struct tg_feed_arena *a);
/* Zeroed. NULL with a->err set. */
void *tg_feed_alloc(struct tg_feed_arena *a, size_t size);
/* A copy with NUL; "" with a->err set when there is no memory. Never NULL. */
const char *tg_feed_text(struct tg_feed_arena *a, const char *text, size_t len);

/* --- the model --- */

struct tg_feed_picture {
    const char *url;
    const char *alt;
};
struct tg_feed_pair {
    const char *name;
    const char *value;
};
struct tg_feed_price {
    char currency[4];
    int64_t price;
};
struct tg_feed_part {
    const char *sku;
    int64_t qty;
};

#define TG_FEED_LIST(name, type)                                                                   \
    struct name {                                                                                  \
        type *at;                                                                                  \
        uint32_t count;                                                                            \
        bool given;                                                                                \
    }
TG_FEED_LIST(tg_feed_pictures, struct tg_feed_picture);
TG_FEED_LIST(tg_feed_pairs, struct tg_feed_pair);

struct tg_feed_lang {
    const char *lang; /* BCP 47: "nb", "sv-SE" */
    const char *title;
    const char *description;
    struct tg_feed_pairs options; /* words of the options, and what they are in this language */
};
TG_FEED_LIST(tg_feed_langs, struct tg_feed_lang);
TG_FEED_LIST(tg_feed_prices, struct tg_feed_price);
TG_FEED_LIST(tg_feed_parts, struct tg_feed_part);
TG_FEED_LIST(tg_feed_names, const char *);

struct tg_feed_variant {
    uint32_t line;         /* of the file; 0 = no file */
    const char *sku;       /* never NULL in what a parser gives */
    const char *barcode;   /* GTIN-8, -12, -13 or -14 */
    const char *tax_class; /* [a-z0-9_-]; "" = the shop's standard */
    int64_t price;         /* minor units of the shop's currency */
    int64_t compare_at;    /* -1 = none */
    int64_t cost;          /* -1 = unknown */
    int64_t weight_g;      /* -1 = unknown */
    int64_t stock;         /* first count; never stored here */
    int64_t archived;      /* 0, 1 */
    struct tg_feed_pairs options;
    struct tg_feed_prices prices; /* further currencies, sorted by currency */
    struct tg_feed_pictures pictures;
    struct tg_feed_parts parts; /* of a bundle, sorted by SKU */
    char currency[4];           /* as a product's */
};
TG_FEED_LIST(tg_feed_variants, struct tg_feed_variant);

struct tg_feed_product {
    uint32_t line;
    bool partial;     /* only variants, for a product that was given before */
    const char *id;   /* [A-Za-z0-9_-], never NULL in what a parser gives */
    char currency[4]; /* that torg's own JSON names beside its amounts; "" = none did */
    int64_t number;   /* the short number, 1..TG_FEED_NUMBER_MAX */
    int64_t archived;
    const char *title;
    const char *description;
    const char *brand;
    struct tg_feed_langs texts; /* sorted by lang */
    struct tg_feed_pictures pictures;
    struct tg_feed_names categories; /* "Clothes > Sweaters" */
    struct tg_feed_pairs attributes;
    struct tg_feed_names accessories; /* product ids */
    struct tg_feed_names related;
    struct tg_feed_variants variants;
};

/* Everything KEEP. */
void tg_feed_product_init(struct tg_feed_product *p);
void tg_feed_variant_init(struct tg_feed_variant *v);

/*
 * Room for one more element at the end of a list, zeroed; NULL: the list has `max`, or no memory
 * (then a->err). Use: struct tg_feed_pair *x = TG_FEED_ADD(a, &p->attributes, MAX);
 */
void *tg_feed_grow(struct tg_feed_arena *a, void *at, uint32_t *count, size_t size, uint32_t max);
#define TG_FEED_ADD(arena, list, max)                                                              \
    ((list)->given = true,                                                                         \
     tg_feed_grow(arena, &(list)->at, &(list)->count, sizeof(*(list)->at), max))

/* --- merging and the canonical text --- */

/* What `given` says replaces what `base` says; variants are not touched. Memory is shared. */
void tg_feed_merge_product(struct tg_feed_product *base, const struct tg_feed_product *given);
void tg_feed_merge_variant(struct tg_feed_variant *base, const struct tg_feed_variant *given);

/*
 * The details that live in a document: of a product all but id, number, archived and variants; of a
 * variant barcode, weight and pictures. One order of members, nothing that is empty, so
 * two documents say the same when their bytes are equal.
 */
void tg_feed_product_doc(struct tg_buf *out, const struct tg_feed_product *p);
void tg_feed_variant_doc(struct tg_buf *out, const struct tg_feed_variant *v);
/* {"size":"M"}; "{}" = none. */
void tg_feed_options_json(struct tg_buf *out, const struct tg_feed_pairs *options);
/* The members of those documents into an open object. */
void tg_feed_write_details(struct tg_jo *j, const struct tg_feed_product *p);
void tg_feed_write_variant_details(struct tg_jo *j, const struct tg_feed_variant *v);
/* The whole product, or a variant, as torg's own format has it: one JSON object. */
void tg_feed_write_variant(struct tg_jo *j, const struct tg_feed_variant *v, const char *currency);
void tg_feed_write_torg(struct tg_jo *j, const struct tg_feed_product *p, const char *currency);

/* What can be wrong with a field. */
struct tg_feed_fault {
    uint32_t line;  /* of the file; 0 = no file */
    char field[64]; /* column, element or member */
    char value[96]; /* as it came, cut */
    char reason[160];
    char fix[160]; /* what to do about it */
};
typedef void (*tg_feed_fault_fn)(void *ctx, const struct tg_feed_fault *fault);

/*
 * JSON text to a product or variant: documents, API bodies, lines of the export. All that is wrong
 * is told to fault (NULL = nobody asks); MALFORMED then, and *ret holds what could be read: a
 * product without the variants in which something is wrong. LIMIT, NOMEM. Amounts are whole numbers
 * of minor units, or {"amount", "currency"}.
 */
TG_MUST_CHECK tg_err tg_feed_product_read(struct tg_feed_arena *a, struct tg_feed_product *ret,
                                          const char *json, size_t len, tg_feed_fault_fn fault,
                                          void *ctx);
TG_MUST_CHECK tg_err tg_feed_variant_read(struct tg_feed_arena *a, struct tg_feed_variant *ret,
                                          const char *json, size_t len, tg_feed_fault_fn fault,
                                          void *ctx);
/* A JSON object of texts as pairs (a variant's options). */
TG_MUST_CHECK tg_err tg_feed_options_read(struct tg_feed_arena *a, struct tg_feed_pairs *ret,
                                          const char *json);

#endif
