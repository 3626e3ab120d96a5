/*
 * backup.h - a whole shop as one file, and back.
 *
 * SQLite: a copy of the database, made while others use it. PostgreSQL: pg_dump and pg_restore as
 * child processes (package postgresql-client). A file stands under its name only when it is whole
 * and on the disk; it is its owner's alone (0600). Blocks; any thread.
 */
#ifndef TG_STORE_BACKUP_H
#define TG_STORE_BACKUP_H

#include "store/db.h"

/*
 * Errors, with plain words in reterr: CONFLICT (the file exists; it is left alone), NOTFOUND
 * (pg_dump is not installed), IO, CLOSED (the database is lost, or *stop became true; NULL =
 * never), MALFORMED (what was written does not read back), NOMEM.
 */
TG_MUST_CHECK tg_err tg_backup(const struct tg_db_cfg *cfg, const char *file,
                               const atomic_bool *stop, char reterr[256]);
/*
 * Puts the backup in the place of what is there, which is kept beside it: `ret_kept` says where
 * ("" = there was nothing). No server may run on it: the caller holds the data directory, and on
 * PostgreSQL other sessions of torg are CONFLICT. Other errors: UNSUPPORTED (not a torg backup, or
 * of a newer torg) and those above. An older torg's is taken; the next start of torgd brings it up
 * to date. On failure everything is as before.
 */
TG_MUST_CHECK tg_err tg_restore(const struct tg_db_cfg *cfg, const char *file, char ret_kept[256],
                                char reterr[256]);

/* Is it a shop that this torg can use, or bring up to date? SQLite is read through, which takes a
 * while when it is large. UNSUPPORTED, MALFORMED, IO, CLOSED. */
TG_MUST_CHECK tg_err tg_backup_check(const struct tg_db_cfg *cfg, char reterr[256]);

#endif
