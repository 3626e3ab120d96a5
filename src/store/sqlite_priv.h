/* sqlite_priv.h - the parts of the SQLite engine. */
#ifndef TG_STORE_SQLITE_PRIV_H
#define TG_STORE_SQLITE_PRIV_H

#include <sqlite3.h>

#include "store/db_priv.h"

/* A checkpoint comes every 16 MB of log: a page is then written once, however often the log has it,
 * and none takes long. */
enum { TG_LITE_CHECKPOINT_FRAMES = 4000 };

struct tg_lite {
    sqlite3 *raw;
    sqlite3_stmt *stmts[TG_SQL_COUNT];
    bool fast;               /* tests only: no fsync */
    const atomic_bool *stop; /* NULL = nobody breaks anything off */
};

static inline struct tg_lite *tg_lite_of(const struct tg_db *db)
{
    return db->conn;
}

/* --- db_sqlite.c --- */

extern const struct tg_db_ops tg_lite_ops;

tg_err tg_lite_err(int rc);
/* Notes why in db->error. */
tg_err tg_lite_failed(struct tg_db *db, int rc);
TG_MUST_CHECK tg_err tg_lite_exec(struct tg_db *db, const char *sql);
void tg_lite_rollback(struct tg_db *db);

#endif
