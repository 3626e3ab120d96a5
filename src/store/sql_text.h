/*
 * sql_text.h - one SQL text for two engines: what PostgreSQL needs is made from the text that
 * SQLite runs. Pure.
 *
 * Texts are torg's own (sql.def, migrations/), never anybody's input. A text that does not have the
 * expected form is MALFORMED; LIMIT and NOMEM come from the buffer.
 */
#ifndef TG_STORE_SQL_TEXT_H
#define TG_STORE_SQL_TEXT_H

#include "base/buf.h"
#include "store/db.h"

enum { TG_SQL_PARAMS_MAX = 64 };

/*
 * A migration as this engine wants it. Lines between --@sqlite, --@postgres and --@all belong to
 * one engine or to both. For PostgreSQL INTEGER becomes BIGINT, INTEGER PRIMARY KEY a number that
 * the database gives when the program does not, BLOB becomes BYTEA, WITHOUT ROWID is dropped.
 */
TG_MUST_CHECK tg_err tg_sql_schema(struct tg_buf *out, const char *migration,
                                   enum tg_db_engine engine);
/* ? and ?2 as $1 and $2; *ret_params of them. */
TG_MUST_CHECK tg_err tg_sql_plain(struct tg_buf *out, const char *sql, int *ret_params);
/*
 * An INSERT ... VALUES, UPDATE or DELETE of one row as a statement over arrays, one a parameter:
 * `types` are the arrays' element types. Of rows with one key (ON CONFLICT, WHERE) the last counts;
 * `once`: there are no such rows.
 */
TG_MUST_CHECK tg_err tg_sql_bulk(struct tg_buf *out, const char *sql, const char *const *types,
                                 int params, bool once);
/*
 * A SELECT for many keys. Its columns come after two others: the key's place, from 1, and the row's
 * place among the key's; ordered by both.
 */
TG_MUST_CHECK tg_err tg_sql_many(struct tg_buf *out, const char *sql, const char *const *types,
                                 int params);

#endif
