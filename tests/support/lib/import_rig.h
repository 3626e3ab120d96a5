/*
 * import_rig.h - a shop on disk with its sale, for tests of the catalogue: files in, exports out,
 * turn by turn, with a store that can fail. Failures are cmocka's. Owner: one test.
 */
#ifndef TG_TESTS_SUPPORT_IMPORT_RIG_H
#define TG_TESTS_SUPPORT_IMPORT_RIG_H

#include "feed/feed.h"
#include "sale/sale.h"
#include "store/catalogue.h"
#include "support/lib/faulty_store.h"
#include "support/lib/feeds.h"
#include "support/lib/postgres_server.h"

#define TG_RIG_WALL_US ((tg_us)1780000000 * TG_US_PER_S)

struct tg_rig {
    char dir[64];
    char path[96];
    char file[96];
    char url[512]; /* of the database */
    struct tg_faulty_store faulty;
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *live;
    struct tg_mailbox *web;
    struct tg_sale *sale;
    struct tg_read_db *db;
    struct tg_shop_now now;
    struct tg_import import; /* the last one */
    int status;              /* of the last answer */
    char location[128];
    char text[4096];
};

/* Running (pid != 0): each rig gets a schema of its own there instead of an SQLite file. */
extern struct tg_pg_server tg_rig_postgres;

struct tg_rig *tg_rig_open(void);
void tg_rig_close(struct tg_rig *r);
/* As after a crash: what was in memory alone is lost. */
void tg_rig_restart(struct tg_rig *r);
/* A merchandiser's request; body NULL = none. */
struct tg_sale_req *tg_rig_req(struct tg_rig *r, enum tg_sale_what what, const char *body,
                               size_t len);
/* One turn with it; the answer is in status, location and text. */
void tg_rig_ask(struct tg_rig *r, struct tg_sale_req *take_req);
/* Turns until the catalogue has nothing more to do, the clock moving on when it waits; how many. */
unsigned tg_rig_settle(struct tg_rig *r);
/* The newest import into r->import. */
void tg_rig_look(struct tg_rig *r);
void tg_rig_file(struct tg_rig *r, const void *data, size_t len);
void tg_rig_make_file(struct tg_rig *r, enum tg_feed_format format, uint64_t seed,
                      uint32_t variants, uint32_t faulty, struct tg_feeds_made *ret);
/* The file, to its end; flags of enum tg_import_flag. */
void tg_rig_import(struct tg_rig *r, uint32_t flags);
void tg_rig_import_text(struct tg_rig *r, const char *text, uint32_t flags);
/* 0 = the last one. */
void tg_rig_undo(struct tg_rig *r, int64_t id);
/* The export as one text; the caller frees. */
char *tg_rig_export(struct tg_rig *r, enum tg_export_format format);
void tg_rig_counts(const struct tg_import *i, int64_t added, int64_t changed, int64_t unchanged,
                   int64_t archived);
/* The report of r->import: a line each; tg_buf_done by the caller. */
void tg_rig_faults(struct tg_rig *r, struct tg_buf *out);

struct CMUnitTest; /* of cmocka.h */
/* A program's tests on both engines; how many failed. */
int tg_rig_on_both(const struct CMUnitTest *tests, size_t count);

#endif
