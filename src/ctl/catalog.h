/*
 * catalog.h - imports as an operator sees them: started, watched until they end, and their report.
 */
#ifndef TG_CTL_CATALOG_H
#define TG_CTL_CATALOG_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"

typedef tg_err (*ctl_session_fn)(void *ctx, const char *line, struct tg_buf *out);

/* One request; the answer is the caller's. NULL: told on stderr. */
json_t *ctl_ask(const json_t *request, ctl_session_fn ask, void *ctx);
/* catalog import, undo, export: those that this file runs. */
bool ctl_is_catalog_command(const json_t *request);
/* Makes paths absolute, waits for the end (telling how far it is on stderr, unless quiet), and adds
 * the first faults to the answer. */
json_t *ctl_run_catalog(json_t *request, bool quiet, ctl_session_fn ask, void *ctx);

#endif
