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
    TG_CATALOG_ARCHIVE,
    TG_CATALOG_UNDO,
    TG_CATALOG_FINISH,
    TG_CATALOG_SAVE, /* it failed; that must still be written */
    TG_CATALOG_ENDED
};

/* Where a slice began: what the database refused is done again from there. */
struct tg_catalog_mark {
    struct tg_import import;
    enum tg_catalog_phase phase;
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
/* A tg_catalog_slice.renumbered; ctx is the job. */
bool tg_catalog_file_renumbered(void *ctx, const char *id);
/* One product, variant or fault of the file; one of what it does not have. */
void tg_catalog_file_step(struct tg_catalog_job *job);
void tg_catalog_archive_step(struct tg_catalog_job *job);
/* Reads on towards the mark, for one slice's time; nothing is written. MALFORMED: the file is
 * another one now. */
TG_MUST_CHECK tg_err tg_catalog_file_to_mark(struct tg_catalog_job *job);

/* catalog_undo.c: one change back, the newest first. */
void tg_catalog_undo_step(struct tg_catalog_job *job);

#endif
