/*
 * catalog.h - imports as an operator sees them: started, watched until they end, and their report.
 */
#ifndef TG_CTL_CATALOG_H
#define TG_CTL_CATALOG_H

#include <stdbool.h>

#include "ctl/session.h"

/* catalog import, undo, export: those that this file runs. */
bool ctl_is_catalog_command(const json_t *request);
/* Makes paths absolute, waits for the end (telling how far it is on stderr, unless quiet), and adds
 * the first faults to the answer. */
json_t *ctl_run_catalog(struct ctl_session *session, json_t *request, bool quiet);

#endif
