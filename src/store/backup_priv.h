/* backup_priv.h - what backup.c needs of the engines. */
#ifndef TG_STORE_BACKUP_PRIV_H
#define TG_STORE_BACKUP_PRIV_H

#include "store/db.h"

/* "what: why" as the reason; returns err. */
tg_err tg_backup_fail(char reterr[256], tg_err err, const char *what, const char *why);

/* --- backup_tools.c --- */

/* As tg_backup and tg_restore, for PostgreSQL; the file must not be there, and may be left half. */
TG_MUST_CHECK tg_err tg_pg_dump(const struct tg_db_cfg *cfg, const char *file,
                                const atomic_bool *stop, char reterr[256]);
TG_MUST_CHECK tg_err tg_pg_restore(const struct tg_db_cfg *cfg, const char *file,
                                   char ret_kept[256], char reterr[256]);

/* --- sqlite_open.c; the reason is in db->error --- */

/* The whole database into a new file (mode 0600), while others use it. CONFLICT: the file is there.
 * Can be broken off: tg_db_unhurried. */
TG_MUST_CHECK tg_err tg_sqlite_copy(struct tg_db *db, const char *file);
/* A shop of ours, read through: UNSUPPORTED = another program's or none, MALFORMED = damaged. */
TG_MUST_CHECK tg_err tg_sqlite_check_whole(struct tg_db *db);

/* --- postgres_move.c --- */

/* The first line of the file. IO, LIMIT. The caller cleanses it. (postgres_open.c) */
TG_MUST_CHECK tg_err tg_pg_password(const char *file, char *out, size_t size);

enum { TG_PG_NAME_SIZE = 64 }; /* PostgreSQL cuts names at 63 bytes */
/* The schema that the URL leads to. */
TG_MUST_CHECK tg_err tg_pg_schema(const struct tg_db_cfg *cfg, char out[TG_PG_NAME_SIZE],
                                  char reterr[256]);
/* Gives the schema another name (`ret_kept`) and puts an empty one in its place, for a restore.
 * CONFLICT: other sessions of torg use the database. */
TG_MUST_CHECK tg_err tg_pg_set_aside(const struct tg_db_cfg *cfg, char ret_kept[TG_PG_NAME_SIZE],
                                     char reterr[256]);
/* The same back; what a restore left in `schema` is thrown away. */
TG_MUST_CHECK tg_err tg_pg_put_back(const struct tg_db_cfg *cfg, const char *schema,
                                    const char *kept, char reterr[256]);
/* Is it a shop that this torg can read or migrate? UNSUPPORTED. */
TG_MUST_CHECK tg_err tg_pg_check_whole(const struct tg_db_cfg *cfg, char reterr[256]);

#endif
