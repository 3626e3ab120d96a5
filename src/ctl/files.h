/*
 * files.h - the commands about the whole database: backup and restore. A backup is made by the
 * server when one runs, a restore only when none does.
 */
#ifndef TG_CTL_FILES_H
#define TG_CTL_FILES_H

#include "ctl/session.h"

/* request: {"cmd": "backup", "file": ...}. The answer, a new reference. */
json_t *ctl_backup(const struct ctl_where *where, json_t *request);
json_t *ctl_restore(const struct ctl_where *where, json_t *request);

#endif
