/*
 * catalog_priv.h - changes of the catalogue: single ones and imports, in slices between batches.
 *
 * One slice is one transaction: it writes some products and variants with what they were before,
 * puts them into memory, lets the shop decide what is the shop's to decide (prices of what was
 * there, first counts, parts) as ordinary claims, and commits. When anything of it fails nothing
 * of it was, on disk and in memory. Owner: the sale thread.
 */
#ifndef TG_SALE_CATALOG_PRIV_H
#define TG_SALE_CATALOG_PRIV_H

#include "feed/feed.h"
#include "sale/sale_priv.h"
#include "store/catalogue.h"

enum {
    TG_CATALOG_SLICE_ITEMS = 128,  /* products and variants of one transaction */
    TG_CATALOG_SLICE_CLAIMS = 512, /* prices and counts that follow from them */
    TG_CATALOG_SLICE_US = 5000,    /* DESIGN: bulk work gives way after 5 ms */
    TG_CATALOG_AHEAD = 64,         /* products, and variants, that are asked for at once */
    TG_CATALOG_QUEUE_MAX = 64      /* requests that wait for an import to let them through */
};

enum tg_catalog_outcome {
    TG_CATALOG_ADDED,
    TG_CATALOG_CHANGED,
    TG_CATALOG_UNCHANGED,
    TG_CATALOG_ARCHIVED,
    TG_CATALOG_REFUSED /* the fault says why */
};

struct tg_catalog_claim {
    enum tg_claim_kind kind; /* LIST_PRICE, STOCK, STOCK_RULES */
    char sku[TG_SKU_MAX + 1];
    char currency[4];
    int64_t amount;
    int64_t compare_at;
    int32_t value;
    bool absolute;
    const struct tg_part_row *parts; /* in the slice's arena */
    uint32_t part_count;
    uint32_t line;
    int64_t version; /* that the variant has afterwards; 0 = as it is */
    int64_t change;  /* in which the import noted it; 0 = in none */
    bool first;      /* STOCK: the first count, which an undo takes back */
    bool refused;
};

/* What a caller may know beyond memory and the slice. */
enum tg_catalog_known {
    TG_CATALOG_KNOWN_VARIANT = 'v', /* it will be there when the claims are decided */
    /* A dry run's, which leaves nothing in memory: what the file did. */
    TG_CATALOG_KNOWN_NUMBER = 'n',  /* gave this product another number */
    TG_CATALOG_KNOWN_CHANGED = 'c', /* gave this SKU other parts, or none */
    TG_CATALOG_KNOWN_BUNDLE = 'b',  /* ... some */
    TG_CATALOG_KNOWN_PART = 'i'     /* ... made it a part */
};

/* What the disk has, asked for before it is needed; texts in the slice's arena. */
struct tg_catalog_ahead {
    size_t product_count;
    const char *ids[TG_CATALOG_AHEAD];
    struct tg_cat_got_product products[TG_CATALOG_AHEAD];
    size_t variant_count;
    const char *skus[TG_CATALOG_AHEAD];
    struct tg_cat_got_variant variants[TG_CATALOG_AHEAD];
};

/* The transaction that is being put together. */
struct tg_catalog_slice {
    struct tg_sale *sale;
    struct tg_shop_now now;
    bool open; /* ops->begin was called */
    bool dry;
    tg_err err; /* sticky: the slice is void */
    struct tg_feed_arena arena;
    int64_t import; /* whose changes are kept; 0 = nobody's */
    int64_t seq;    /* of the last change */
    char actor[TG_PERSON_ID_SIZE];
    struct tg_product *products; /* with their texts, a reference each until they are in memory */
    size_t product_count;
    struct {
        char product_id[TG_FEED_ID_SIZE];
        struct tg_variant variant;
    } * variants;
    size_t variant_count;
    struct {
        char product_id[TG_FEED_ID_SIZE]; /* "" = none: of the last new variant */
        int64_t position;                 /* of the next one */
    } next;
    struct tg_catalog_ahead *ahead;
    struct tg_catalog_claim *claims;
    size_t claim_count;
    tg_feed_fault_fn on_fault;
    /* NULL = ask memory and the slice alone. */
    bool (*knows)(void *ctx, enum tg_catalog_known kind, const char *text);
    /* A variant gets other parts. unknown: one of them is not there; true = it is asked about once
     * more later, and no fault now. NULL = nobody wants to know. */
    bool (*on_parts)(void *ctx, const struct tg_feed_variant *v, bool unknown);
    void *ctx;
};

/* catalog_slice.c. Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_catalog_slice_init(struct tg_catalog_slice *s, struct tg_sale *sale);
void tg_catalog_slice_done(struct tg_catalog_slice *s);
/* The transaction begins; key: whose first answer is looked up, NULL = nobody's. */
void tg_catalog_slice_begin(struct tg_catalog_slice *s, struct tg_shop_now now,
                            const struct tg_claim *key);
bool tg_catalog_slice_full(const struct tg_catalog_slice *s);
/* Memory and claims; what the shop refuses is a fault. An error is in s->err. */
void tg_catalog_slice_decide(struct tg_catalog_slice *s);
/* The answers to remember, and the commit. On an error nothing is kept. */
TG_MUST_CHECK tg_err tg_catalog_slice_end(struct tg_catalog_slice *s);
/* Nothing is kept. */
void tg_catalog_slice_drop(struct tg_catalog_slice *s);
void tg_catalog_fault(struct tg_catalog_slice *s, uint32_t line, const char *field,
                      const char *value, const char *reason, const char *fix);

struct tg_catalog_want {
    bool whole;         /* what is not said is emptied, not kept */
    bool must_be_new;   /* else: CONFLICT faults */
    int64_t if_version; /* 0 = whatever it is */
    uint64_t if_digest; /* of its text, as tg_catalog_digest() has it; 0 = whatever it is */
    bool known;         /* variant: its product is there, though not on disk (dry run) */
    int64_t number;     /* product: the number for a new one that names none; 0 = none needed */
};
/* catalog_apply.c: one product without its variants, or one variant. Version after it in
 * *ret_version. */
enum tg_catalog_outcome tg_catalog_product(struct tg_catalog_slice *s,
                                           const struct tg_feed_product *given,
                                           const struct tg_catalog_want *want,
                                           int64_t *ret_version);
enum tg_catalog_outcome tg_catalog_variant(struct tg_catalog_slice *s, const char *product_id,
                                           const struct tg_feed_variant *given,
                                           const struct tg_catalog_want *want, bool *ret_counted,
                                           int64_t *ret_version);
/*
 * catalog_known.c: what the disk has, without asking for what is known to be nowhere. NOTFOUND; the
 * store's errors.
 */
TG_MUST_CHECK tg_err tg_catalog_old_product(struct tg_catalog_slice *s, const char *id,
                                            struct tg_feed_product *ret, int64_t *ret_version);
TG_MUST_CHECK tg_err tg_catalog_old_variant(struct tg_catalog_slice *s, const char *sku,
                                            struct tg_feed_variant *ret,
                                            struct tg_cat_place *ret_place);
/* These will be needed, in this slice. Fill ahead->ids and skus with their counts before. */
void tg_catalog_ask_ahead(struct tg_catalog_slice *s);
/* The place behind the other variants of a product. */
TG_MUST_CHECK tg_err tg_catalog_next_position(struct tg_catalog_slice *s, const char *product_id,
                                              int64_t *ret);
/* Is there room for one that memory lacks? False: the fault says so. */
bool tg_catalog_product_fits(struct tg_catalog_slice *s, const char *id, uint32_t line);
bool tg_catalog_variant_fits(struct tg_catalog_slice *s, const char *sku, uint32_t line);
/* ... and is the product's number nobody else's? What is archived gives its own up. */
bool tg_catalog_number_free(struct tg_catalog_slice *s, const struct tg_feed_product *p);
/* Is there such a variant? One that only the disk has (archived) is brought into memory. */
bool tg_catalog_knows_variant(struct tg_catalog_slice *s, const char *sku);
/* Did this slice write the variant? Its prices and parts are only claimed until the slice ends. */
bool tg_catalog_wrote_variant(const struct tg_catalog_slice *s, const char *sku);
/*
 * catalog_parts.c: the parts that v wants stay in it when it may have them by the shop's rules, as
 * they are when all claims before are decided; else it has those of before (NULL = it is new), and
 * that is a fault. False: s->err, or it did not get them.
 */
bool tg_catalog_settle_parts(struct tg_catalog_slice *s, const struct tg_feed_parts *was,
                             struct tg_feed_variant *v);
bool tg_catalog_same_parts(const struct tg_feed_parts *a, const struct tg_feed_parts *b);
void tg_catalog_claim_parts(struct tg_catalog_slice *s, const struct tg_feed_variant *v);
struct tg_catalog_claim *tg_catalog_add_claim(struct tg_catalog_slice *s, enum tg_claim_kind kind,
                                              const struct tg_feed_variant *v);
/* Set an item's flag; UNCHANGED when it is archived or not there. */
enum tg_catalog_outcome tg_catalog_archive_product(struct tg_catalog_slice *s, const char *id);
enum tg_catalog_outcome tg_catalog_archive_variant(struct tg_catalog_slice *s, const char *sku);

uint64_t tg_catalog_digest(const char *text);
/* The whole of it: equal texts, equal variants. NULL: s->err is set. */
const char *tg_catalog_variant_text(struct tg_catalog_slice *s, const struct tg_feed_variant *v);

/* reader_catalog.c: all that is told of an import. */
void tg_import_write(struct tg_jo *j, const char *key, const struct tg_import *i);

/* catalog_job.c: an import, or undoing one, a slice at a time. Both begin inside a transaction of
 * the caller's, who commits; their row is written then. */
struct tg_catalog_job;
TG_MUST_CHECK tg_err tg_catalog_job_import(struct tg_catalog_job **ret, struct tg_sale *sale,
                                           struct tg_shop_now now, struct tg_sale_req *req,
                                           char why[160]);
TG_MUST_CHECK tg_err tg_catalog_job_undo(struct tg_catalog_job **ret, struct tg_sale *sale,
                                         struct tg_shop_now now, const struct tg_sale_req *req,
                                         char why[160]);
/* true = it has ended. */
bool tg_catalog_job_step(struct tg_catalog_job *job, struct tg_shop_now now);
/* When to step next, monotonic: later than now while the database does not answer. */
tg_us tg_catalog_job_deadline(const struct tg_catalog_job *job);
/* It ends where it is, and its row is still to be written by tg_catalog_job_step; what it is then.
 */
const struct tg_import *tg_catalog_job_cancel(struct tg_catalog_job *job, struct tg_shop_now now);
int64_t tg_catalog_job_id(const struct tg_catalog_job *job);
void tg_catalog_job_free(struct tg_catalog_job *job);

#endif
