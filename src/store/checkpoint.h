/*
 * checkpoint.h - brings SQLite's log of writes (WAL) into the file, off the thread that commits.
 *
 * Who commits only says how long the log is. A thread with a connection of its own copies pages and
 * waits for the disk, pass after pass (PASSIVE: nobody waits for it), until little is left. A log
 * that is written without pause begins anew only when a checkpoint reaches its end while nobody
 * writes, or the file would grow for ever: so the last, short pass is the committing thread's own,
 * right after a commit.
 *
 *     commit: log >= step --ask--> thread: pass, sync, pass, sync --little left--> commit: last
 * pass
 *
 * Should the log grow by `net` frames all the same, a commit waits for the thread and takes over:
 * the file is bounded by step + net + one transaction, whatever the disk does. Only a reader that
 * stays on an old snapshot (a backup, an export) can hold the log back longer.
 *
 * Durability is untouched: a commit returns when the log is on the disk. What cannot be written
 * stays in the log and is tried again. After a failed fsync nobody knows what the file has: then no
 * checkpoint is made until the next start, which copies the whole log again.
 *
 * Owner: started and stopped while no other thread uses the store; after tg_store_new (migrations
 * are done) and before tg_store_free. A restore needs the data directory's lock, so it never runs
 * beside this.
 */
#ifndef TG_STORE_CHECKPOINT_H
#define TG_STORE_CHECKPOINT_H

#include "store/store.h"

struct tg_checkpoint;

/* In frames of the log, a page each. */
struct tg_checkpoint_cfg {
    int step; /* a checkpoint comes every so many, > 0: a page is then written once, however often
                 the log has it */
    int left; /* so few are left to the committing thread, when the disk allows */
    int net;  /* beyond so many it takes over, > 0 */
};

/*
 * cfg NULL = what torgd uses. PostgreSQL: OK, *ret = NULL. Errors: NOMEM; IO (connection, thread),
 * with the reason.
 */
TG_MUST_CHECK tg_err tg_checkpoint_start(struct tg_checkpoint **ret, struct tg_store *store,
                                         const struct tg_checkpoint_cfg *cfg, char reterr[256]);
/* Waits for the pass under way. From then on the store makes its checkpoints itself, as it does
 * without this. NULL is legal. */
void tg_checkpoint_stop(struct tg_checkpoint *c);

#endif
