/*
 * hook_rig.h - the sale thread, a store (a file, or PostgreSQL), outbound and a receiver on
 * loopback together, for tests of webhooks. Every function fails the running cmocka test by itself.
 */
#ifndef TESTS_SUPPORT_HOOK_RIG_H
#define TESTS_SUPPORT_HOOK_RIG_H

#include "outbound/outbound.h"
#include "sale/reader.h"
#include "sale/sale.h"
#include "support/lib/hook_receiver.h"
#include "support/lib/postgres_server.h"

extern struct tg_pg_server *rig_postgres; /* NULL = the tests run on SQLite */

struct rig {
    char dir[64];
    char path[512]; /* or PostgreSQL's URL */
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *web;
    struct tg_mailbox *webs[1];
    struct tg_sale *sale;
    struct tg_reader *reader;
    struct tg_read_db *db;
    struct tg_outbound *out;
    struct hook_receiver *receiver;
    char hook[TG_UUID_SIZE];
    char secret[TG_HOOK_SECRET_SIZE];
    int status; /* the last answer */
    char location[128];
    char etag[40];
    bool in_lang;
    char text[65536];
    unsigned buys;
};

extern tg_us rig_purge_us; /* tg_sale_cfg.purge_us of what is opened or restarted */

struct rig *rig_open(void);
void rig_restart_sale(struct rig *r);
void rig_close(struct rig *r);
void rig_out_start(struct rig *r, const char *node, bool allow);
void rig_out_stop(struct rig *r);

/* A request to sale, and one about a webhook (verb, id). */
struct tg_sale_req *rig_request(struct rig *r, enum tg_sale_what what, const char *person,
                                uint32_t roles);
struct tg_hook_req *rig_hook(struct tg_sale_req *req, enum tg_hook_do verb, const char *id);
/* Posts it, takes the answer into r->text; another status fails. */
void rig_ask(struct rig *r, struct tg_sale_req *take_req, int status);
void rig_take_answer(struct rig *r); /* the next one; events to persons are dropped */
/* ... about the rig's own webhook. */
void rig_act(struct rig *r, enum tg_hook_do verb, int status);
/* The text behind `key`, up to the next quotation mark. */
void rig_member(char *out, size_t size, const char *text, const char *key);
/* A webhook at the receiver: r->hook, r->secret. */
void rig_create(struct rig *r, const char *scheme_host, const char *topics);
void rig_buy(struct rig *r);                  /* one MUG-WHITE */
void rig_stock(struct rig *r, int32_t units); /* of MUG-WHITE */
const char *rig_read(struct rig *r, enum tg_read_what what, const char *message);
/* Until the text of this read holds `part`; the outbound thread is at work meanwhile. */
void rig_until(struct rig *r, enum tg_read_what what, const char *message, const char *part);
void rig_sql(struct rig *r, const char *text);
void rig_signed_by(const struct hook_seen *seen, const char *secret, bool first);

#endif
