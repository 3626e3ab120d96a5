/*
 * idem.h - remembered answers, so that a repeated request is answered and not done again.
 *
 * The key is (person, operation, id). Here lives the bounded memory: refusals and answers not worth
 * a disk write for TG_IDEM_MEMORY_US, successes of the running batch until they are committed (and
 * a while longer, as a cache of the disk, which keeps them for TG_IDEM_DISK_US). Full = the oldest
 * entries go first. Pure. Owner: the sale thread.
 */
#ifndef TG_SHOP_IDEM_H
#define TG_SHOP_IDEM_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/macros.h"
#include "base/rng.h"
#include "base/slab.h"
#include "shop/order.h"

#define TG_IDEM_MEMORY_US ((tg_us)600 * TG_US_PER_S)
#define TG_IDEM_DISK_US ((tg_us)48 * 3600 * TG_US_PER_S)

enum { TG_IDEM_OP_SIZE = 24 };

struct tg_idem_entry {
    char person[TG_PERSON_ID_SIZE];
    char op[TG_IDEM_OP_SIZE];
    char id[TG_OP_ID_MAX + 1];
    uint64_t digest;       /* of the request's content */
    int status;            /* HTTP status of the answer */
    struct tg_slab *reply; /* the answer's bytes; the entry holds a reference; NULL = no body */
    bool fresh;            /* put in by the running batch: not committed yet */
};

struct tg_idem;

/* Errors: NOMEM, LIMIT (max 16..TG_IDEM_CACHED). rng is used once. */
TG_MUST_CHECK tg_err tg_idem_new(struct tg_idem **ret, size_t max, struct tg_rng *rng);
void tg_idem_free(struct tg_idem *idem);
/* NULL = not remembered. Valid until the next call that changes the memory. */
const struct tg_idem_entry *tg_idem_find(const struct tg_idem *idem, tg_us now, const char *person,
                                         const char *op, const char *id);
/*
 * Remember (a reference to the reply is taken). pending = a success that must reach the disk with
 * this batch. CONFLICT: the key is remembered already. LIMIT: a key part is too long, or all
 * entries belong to this batch. NOMEM.
 */
TG_MUST_CHECK tg_err tg_idem_put(struct tg_idem *idem, tg_us now, const struct tg_idem_entry *entry,
                                 bool pending);
/* The disk knows better than a refusal of this node: another one did it meanwhile. */
void tg_idem_forget(struct tg_idem *idem, const char *person, const char *op, const char *id);
/* The batch's pending entries; start with *cursor = NULL, NULL = end. */
const struct tg_idem_entry *tg_idem_each_pending(const struct tg_idem *idem,
                                                 const struct tg_idem_entry **cursor);
/* The batch is on disk. */
void tg_idem_commit(struct tg_idem *idem);
/* It is not: everything remembered since the last commit or rollback is forgotten. */
void tg_idem_rollback(struct tg_idem *idem);
size_t tg_idem_count(const struct tg_idem *idem);

/* Digest of a request's content: chain the fields, start with 0. Not for secrets. */
uint64_t tg_idem_digest(uint64_t digest, const void *data, size_t len);
uint64_t tg_idem_digest_int(uint64_t digest, int64_t value);
uint64_t tg_idem_digest_str(uint64_t digest, const char *text);

#endif
