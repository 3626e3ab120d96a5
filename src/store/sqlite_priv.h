/* sqlite_priv.h - the parts of the SQLite store. */
#ifndef TG_STORE_SQLITE_PRIV_H
#define TG_STORE_SQLITE_PRIV_H

#include "base/buf.h"
#include "store/db.h"
#include "store/store.h"

struct tg_store_sqlite {
    struct tg_store head; /* first */
    struct tg_db db;
    struct tg_buf payload; /* of the outbox row being written */
    bool in_transaction;
};

static inline struct tg_store_sqlite *tg_sqlite(struct tg_store *store)
{
    return (struct tg_store_sqlite *)(void *)store;
}

/* store_sqlite.c: one transaction for all reads of a batch; taking the lock for each costs more
 * than the reads. */
TG_MUST_CHECK tg_err tg_sqlite_begin_read(struct tg_store_sqlite *s);
/* sqlite_load.c */
TG_MUST_CHECK tg_err tg_sqlite_load_shop(struct tg_store *store, struct tg_shop_now now,
                                         struct tg_shop *shop);
TG_MUST_CHECK tg_err tg_sqlite_load_registry(struct tg_store *store, struct tg_shop_now now,
                                             struct tg_registry *registry);
TG_MUST_CHECK tg_err tg_sqlite_load(struct tg_store *store, struct tg_shop_now now,
                                    const struct tg_claim *claims, size_t count,
                                    struct tg_shop *shop, struct tg_idem *idem);
TG_MUST_CHECK tg_err tg_sqlite_audit(struct tg_store *store, tg_audit_fn each, void *ctx);
/* sqlite_write.c */
TG_MUST_CHECK tg_err tg_sqlite_write(struct tg_store *store, const struct tg_effect *effect);
TG_MUST_CHECK tg_err tg_sqlite_write_idem(struct tg_store *store, tg_us wall,
                                          const struct tg_idem_entry *entry);
TG_MUST_CHECK tg_err tg_sqlite_write_show(struct tg_store *store, const struct tg_show_info *show,
                                          const char *actor);
TG_MUST_CHECK tg_err tg_sqlite_write_show_state(struct tg_store *store, uint16_t ord,
                                                enum tg_show_state state, tg_us wall);
TG_MUST_CHECK tg_err tg_sqlite_write_token(struct tg_store *store,
                                           const struct tg_token_info *token, tg_us wall,
                                           const char *actor);
TG_MUST_CHECK tg_err tg_sqlite_write_revoke(struct tg_store *store, const char *token_id,
                                            tg_us wall, const char *actor);
TG_MUST_CHECK tg_err tg_sqlite_write_product(struct tg_store *store,
                                             const struct tg_product_import *import, tg_us wall,
                                             const char *actor);

#endif
