/*
 * export.h - the whole catalogue as a file, from a reading connection, all of it of one moment.
 *
 * The order is that of the short numbers, then of the variants' places, so the same catalogue gives
 * the same bytes. What is archived is not in it. Owner: a read thread, or the caller's.
 */
#ifndef TG_SALE_EXPORT_H
#define TG_SALE_EXPORT_H

#include <stdio.h>

#include "feed/feed.h"
#include "store/read.h"

struct tg_export_run;

/* The connection is the run's until its end; `out` is borrowed. Errors everywhere: IO (also of the
 * file), CLOSED, NOMEM, MALFORMED, LIMIT. */
TG_MUST_CHECK tg_err tg_export_begin(struct tg_export_run **ret, struct tg_read_db *db,
                                     const struct tg_export *x, FILE *out);
/* Some hundred products; *ret_done: the file is complete. */
TG_MUST_CHECK tg_err tg_export_step(struct tg_export_run *run, bool *ret_done);
struct tg_export_progress {
    int64_t products; /* written */
    int64_t products_all;
    int64_t bytes;
};
struct tg_export_progress tg_export_progress(const struct tg_export_run *run);
/* NULL is legal. */
void tg_export_end(struct tg_export_run *run);

/* All of it at once. */
TG_MUST_CHECK tg_err tg_catalog_export(struct tg_read_db *db, const struct tg_export *x, FILE *out);

#endif
