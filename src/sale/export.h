/*
 * export.h - the whole catalogue as a file, from a reading connection.
 *
 * The order is that of the short numbers, then of the variants' places, so the same catalogue gives
 * the same bytes. What is archived is not in it. Owner: a read thread, or the caller's.
 */
#ifndef TG_SALE_EXPORT_H
#define TG_SALE_EXPORT_H

#include <stdio.h>

#include "feed/feed.h"
#include "store/read.h"

/* Errors: IO (also of the file), NOMEM, MALFORMED, LIMIT. */
TG_MUST_CHECK tg_err tg_catalog_export(struct tg_read_db *db, const struct tg_export *x, FILE *out);

#endif
