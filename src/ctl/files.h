/*
 * files.h - the commands about the whole database: backup and restore. A backup is made by the
 * server when one runs, a restore only when none does.
 */
#ifndef TG_CTL_FILES_H
#define TG_CTL_FILES_H

#include <stdbool.h>

#include "app/config.h"
#include "base/buf.h"

/* Where the shop is, as torgd with the same data directory and environment (TORG_STORE_URL) sees
 * it. Errors: MALFORMED (printed). */
TG_MUST_CHECK tg_err ctl_config(struct tg_config *ret);

/* As ask_server of torgctl.c: NOTFOUND = no server listens. */
typedef tg_err (*ctl_ask_fn)(const char *data_dir, const char *line, struct tg_buf *out);
/* "backup FILE", "restore FILE"; the exit status. */
bool ctl_is_file_command(const char *word);
int ctl_run_file_command(const char *data_dir, int argc, char **argv, ctl_ask_fn ask);

#endif
