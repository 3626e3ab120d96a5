/* catalog_work_priv.h - requests about the catalogue at hand, as the files that do them share it.
 */
#ifndef TG_SALE_CATALOG_WORK_PRIV_H
#define TG_SALE_CATALOG_WORK_PRIV_H

#include "sale/catalog_priv.h"

enum { TG_CATALOG_FAULTS_SHOWN = 16 };

struct tg_catalog_work {
    struct tg_sale_req *queue[TG_SALE_BATCH_MAX];
    size_t count;
    struct tg_catalog_slice slice; /* of single changes */
    struct tg_catalog_job *job;    /* that runs; NULL = none */
    bool dirty;                    /* open pages do not know yet */
    tg_us announce_at;
    struct tg_feed_fault faults[TG_CATALOG_FAULTS_SHOWN]; /* of the request at hand */
    size_t fault_count;
    struct tg_feed_variants given; /* with its product */
    bool stale;                    /* ... one of them is about If-Match */
    struct tg_claim key;           /* of the request at hand; op "" = it has none */
    uint64_t digest;
    struct tg_buf out;
};

/* catalog_answer.c: under which key this request is remembered, and what is asked under it. */
void tg_catalog_key(struct tg_catalog_work *w, const struct tg_sale_req *req);
/* The first answer again, or why there is none; true = the request is done. */
bool tg_catalog_repeated(struct tg_catalog_work *w, struct tg_shop_now now,
                         const struct tg_sale_req *req);
/* What stands in w->out. */
void tg_catalog_send(struct tg_catalog_work *w, const struct tg_sale_req *req, int status);
/* A success in w->out: remembered with the transaction that made it true, and answered after it.
 * false: nothing is kept. */
bool tg_catalog_succeed(struct tg_catalog_work *w, struct tg_shop_now now,
                        const struct tg_sale_req *req, int status, const char *location);
void tg_catalog_problem(struct tg_catalog_work *w, const struct tg_sale_req *req, int status,
                        const char *code, const char *field, const char *detail);
/* The first of w->faults; missing: what the request names is not there. */
void tg_catalog_answer_faults(struct tg_catalog_work *w, const struct tg_sale_req *req,
                              bool missing);
void tg_catalog_busy(struct tg_catalog_work *w, const struct tg_sale_req *req);

#endif
