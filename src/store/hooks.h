/*
 * hooks.h - webhooks in the database: what outbound and the pages read of them. What sale writes is
 * in store.h (write_hook, write_hook_work), and deliveries come into being with their outbox row.
 */
#ifndef TG_STORE_HOOKS_H
#define TG_STORE_HOOKS_H

#include "msg/webhook.h"
#include "store/read.h"

/* --- outbound --- */

/* A message to deliver, with what it is signed with. */
struct tg_hook_message {
    char topic[64];
    char *payload; /* JSON */
    tg_us created_wall;
    uint32_t tries; /* attempts so far, over all replays */
    uint32_t base;  /* ... before the last replay */
    size_t secret_count;
    char secrets[TG_HOOK_SECRETS_MAX][TG_HOOK_SECRET_SIZE]; /* the newest first */
};
/* Frees the payload and cleanses the secrets; legal on a zeroed one. */
void tg_hook_message_done(struct tg_hook_message *m);

/* Every endpoint that is not deleted, in the order of their making, at most cap. */
TG_MUST_CHECK tg_err tg_read_hooks(struct tg_read_db *db, struct tg_hook *ret, size_t cap,
                                   size_t *ret_count);
/* Messages of an endpoint that are due and free to lease by `node`; the longest due first. */
TG_MUST_CHECK tg_err tg_read_hook_due(struct tg_read_db *db, int64_t hook, const char *node,
                                      tg_us wall, int64_t *ret, size_t cap, size_t *ret_count);
/* NOTFOUND: not pending, or not leased by `node`. The caller ends *ret with done. */
TG_MUST_CHECK tg_err tg_read_hook_message(struct tg_read_db *db, const struct tg_hook_key *key,
                                          const char *node, tg_us wall,
                                          struct tg_hook_message *ret);

/* --- pages --- */

/* By public id; NOTFOUND. */
TG_MUST_CHECK tg_err tg_read_hook(struct tg_read_db *db, const char *id, struct tg_hook *ret);

struct tg_delivery {
    int64_t message;
    char topic[64];
    tg_us created_wall;
    int state; /* enum tg_delivery_state */
    uint32_t tries;
    tg_us due_wall;  /* pending: the next attempt */
    tg_us done_wall; /* -1 = not delivered or given up yet */
    int status;      /* of the last attempt; 0 = none */
};
typedef tg_err (*tg_read_delivery_fn)(void *ctx, const struct tg_delivery *d);
/* Newest first, messages below `below`; state -1 = all. */
TG_MUST_CHECK tg_err tg_read_deliveries(struct tg_read_db *db, int64_t hook, int state,
                                        int64_t below, uint32_t limit, tg_read_delivery_fn each,
                                        void *ctx);
/* NOTFOUND. */
TG_MUST_CHECK tg_err tg_read_delivery(struct tg_read_db *db, const struct tg_hook_key *key,
                                      struct tg_delivery *ret);
struct tg_attempt {
    uint32_t n;
    tg_us at_wall;
    int status;
    int32_t duration_ms;
    char error[TG_HOOK_ERROR_SIZE];
    char answer[TG_HOOK_ANSWER_SIZE];
};
typedef tg_err (*tg_read_attempt_fn)(void *ctx, const struct tg_attempt *a);
/* The last TG_HOOK_ATTEMPTS_SHOWN, newest first. */
enum { TG_HOOK_ATTEMPTS_SHOWN = 50 };
TG_MUST_CHECK tg_err tg_read_attempts(struct tg_read_db *db, const struct tg_hook_key *key,
                                      tg_read_attempt_fn each, void *ctx);

#endif
