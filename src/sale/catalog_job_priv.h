/* catalog_job_priv.h - the running import or undo, as the files that do it share it. */
#ifndef TG_SALE_CATALOG_JOB_PRIV_H
#define TG_SALE_CATALOG_JOB_PRIV_H

#include <stdio.h>

#include "sale/catalog_priv.h"

enum {
    TG_CATALOG_CHUNK = 16 * 1024,
    TG_CATALOG_ITEMS_MIN = 32, /* of a slice, however slow the database is */
    /* A slice ends with so many faults of its rows; each of its claims may be one more, and the
     * last step a few. */
    TG_CATALOG_FAULTS_SLICE = 256,
    TG_CATALOG_FAULTS_PENDING = TG_CATALOG_FAULTS_SLICE + TG_CATALOG_SLICE_CLAIMS + 16
};

enum tg_catalog_phase {
    TG_CATALOG_CHECK,
    TG_CATALOG_APPLY,
    TG_CATALOG_PARTS, /* bundles that stood above their parts */
    TG_CATALOG_READ,  /* all of the file is done: what now */
    TG_CATALOG_ARCHIVE,
    TG_CATALOG_UNDO,
    TG_CATALOG_FINISH,
    TG_CATALOG_SAVE, /* it failed; that must still be written */
    TG_CATALOG_ENDED
};

/* A bundle with parts that were not known where it stood; texts in the job's arena. */
struct tg_catalog_later {
    struct tg_catalog_later *next;
    struct tg_feed_variant v; /* SKU, line, archived, parts */
    bool unchanged;           /* but for its parts */
};

/* Where a slice began: what the database refused is done again from there. */
struct tg_catalog_mark {
    struct tg_import import;
    enum tg_catalog_phase phase;
    bool checking;
    uint64_t got;
    bool in_product;
    uint32_t variant;
    bool skip;
    uint32_t archived_to;
    char archive_id[TG_FEED_ID_SIZE];
    const struct tg_variant *archive_variant;
    bool archive_began;
    int64_t below;
    int64_t fault_seq;
    int64_t seq; /* of the slice */
    struct tg_catalog_later *last;
    struct tg_catalog_later *later_at;
};

struct tg_catalog_job {
    struct tg_sale *sale;
    struct tg_catalog_slice slice;
    struct tg_import import;
    enum tg_catalog_phase phase;

    FILE *file;
    char path[512];
    bool own_file; /* it was uploaded: it goes when the import ends */
    struct tg_feed *feed;
    struct tg_rng rng;
    uint8_t chunk[TG_CATALOG_CHUNK];
    bool eof;
    uint64_t got; /* products and faults that the feed has given since its start */
    const struct tg_feed_product *product; /* being imported; the feed's */
    uint32_t variant;                      /* the next of it */
    bool skip;                             /* the product was refused, and its variants with it */
    size_t items_max;                      /* of a slice: see learn() */
    uint32_t asked_to;                     /* variants before this were asked for in this slice */
    struct tg_map seen;                    /* "p" id, "v" SKU, "#" number: owned texts */
    uint32_t next_number;
    bool checking; /* nothing is written */
    /* What a dry run decided: "c", "b", "i" as in tg_catalog_known, "x" a SKU that was refused;
     * owned texts. A slice that is done again decides the same. */
    struct tg_map decided;

    /* Bundles above their parts, as they stood. */
    struct tg_feed_arena later_arena;
    struct tg_catalog_later *first;
    struct tg_catalog_later *last;
    struct tg_catalog_later *later_at; /* the next one, at the file's end */
    bool cut;                          /* the slice ends here */

    /* By number: others may change the catalogue between two slices. When they gave out other
     * numbers meanwhile, once more: one may have moved to where the walk has been. */
    uint64_t archive_moves;           /* tg_shop_product_moves() when the walk began */
    uint32_t archived_to;             /* number of the last product that was looked at */
    char archive_id[TG_FEED_ID_SIZE]; /* the one that is being looked at */
    const struct tg_variant *archive_variant;
    bool archive_began;
    int64_t below;                                   /* undo: the change before which to go on */
    struct tg_import_change ahead[TG_CATALOG_AHEAD]; /* the next ones; texts in the slice's */
    size_t ahead_count;
    size_t ahead_at;

    struct tg_feed_fault *pending;
    size_t pending_count;
    int64_t fault_seq;

    struct tg_catalog_mark mark;
    bool again;     /* the file is being read up to the mark */
    tg_us retry_at; /* the database did not answer: not before */
    struct tg_log_burst burst;
};

/* catalog_job.c: a tg_feed_fault_fn; ctx is the job. */
void tg_catalog_job_fault(void *ctx, const struct tg_feed_fault *fault);

/* catalog_file.c. Errors: LIMIT, IO, with the reason for people in `why`. */
TG_MUST_CHECK tg_err tg_catalog_file_open(struct tg_catalog_job *job, const char *path,
                                          char why[160]);
/* From the file's first byte. */
TG_MUST_CHECK tg_err tg_catalog_file_again(struct tg_catalog_job *job);
void tg_catalog_file_forget(struct tg_catalog_job *job);
/* A tg_catalog_slice.knows; ctx is the job. */
bool tg_catalog_file_knows(void *ctx, enum tg_catalog_known kind, const char *text);
/* One product, variant or fault of the file; one of what it does not have. */
void tg_catalog_file_step(struct tg_catalog_job *job);
/* All of it is done. */
void tg_catalog_file_read(struct tg_catalog_job *job);
void tg_catalog_archive_step(struct tg_catalog_job *job);
/* Reads on towards the mark, for one slice's time; nothing is written. MALFORMED: the file is
 * another one now. */
TG_MUST_CHECK tg_err tg_catalog_file_to_mark(struct tg_catalog_job *job);

/* catalog_later.c. A dry run decided so about this SKU. */
void tg_catalog_decided(struct tg_catalog_job *job, char kind, const char *sku);
bool tg_catalog_has_decided(const struct tg_catalog_job *job, char kind, const char *sku);
/* A tg_catalog_slice.on_parts; ctx is the job. */
bool tg_catalog_later_parts(void *ctx, const struct tg_feed_variant *v, bool unknown);
/* What became of the variant but for its parts; `last` is job->last of before. */
void tg_catalog_later_outcome(struct tg_catalog_job *job, struct tg_catalog_later *last,
                              enum tg_catalog_outcome outcome);
/* One of them once more; there is none: READ. */
void tg_catalog_later_step(struct tg_catalog_job *job);
/* Those behind `last` were not (NULL = all). */
void tg_catalog_later_cut(struct tg_catalog_job *job, struct tg_catalog_later *last);
void tg_catalog_later_done(struct tg_catalog_job *job);

/* catalog_undo.c: one change back, the newest first. */
void tg_catalog_undo_step(struct tg_catalog_job *job);

#endif
