/*
 * datadir.h - one server a data directory: a lock that the kernel drops when the process dies.
 */
#ifndef TG_STORE_DATADIR_H
#define TG_STORE_DATADIR_H

#include "base/err.h"

/*
 * Makes `dir` (mode 0700) when it is not there and locks dir/lock. *ret_fd keeps the lock until it
 * is closed. Errors: CONFLICT (another process has it), IO (errno says why), LIMIT (path too long).
 */
TG_MUST_CHECK tg_err tg_datadir_lock(int *ret_fd, const char *dir);

/*
 * Removes the uploads and exports that a server left behind when it died, by the names that it
 * gives them: "upload-" and 16 hexadecimal digits, "export-x" and some, both with ".part" or
 * without. What the operator keeps here stays. Under the lock.
 */
void tg_datadir_clean(const char *dir);

#endif
