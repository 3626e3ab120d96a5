/* backup_priv.h - what backup.c needs of the engines. */
#ifndef TG_STORE_BACKUP_PRIV_H
#define TG_STORE_BACKUP_PRIV_H

#include "store/db.h"

/* --- db_sqlite.c; the reason is in db->error --- */

/* The whole database into a new file, while others use it. CONFLICT: the file is there. */
TG_MUST_CHECK tg_err tg_sqlite_copy(struct tg_db *db, const char *file);
/* Reads it through: MALFORMED = damaged. */
TG_MUST_CHECK tg_err tg_sqlite_check(struct tg_db *db);

/* --- postgres_open.c --- */

/* The first line of the file. IO, LIMIT. The caller cleanses it. */
TG_MUST_CHECK tg_err tg_pg_password(const char *file, char *out, size_t size);
/* The schema that the URL leads to. */
TG_MUST_CHECK tg_err tg_pg_schema(const struct tg_db_cfg *cfg, char out[64], char reterr[256]);
/* Gives the schema another name (`ret_kept`), so that a restore finds its place free. CONFLICT:
 * other sessions of torg use the database. */
TG_MUST_CHECK tg_err tg_pg_set_aside(const struct tg_db_cfg *cfg, char ret_kept[80],
                                     char reterr[256]);
TG_MUST_CHECK tg_err tg_pg_put_back(const struct tg_db_cfg *cfg, const char *kept,
                                    char reterr[256]);

#endif
