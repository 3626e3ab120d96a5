/*
 * two_nodes.h - two sale threads' worth of server on one PostgreSQL database, driven turn by turn
 * from one thread: what a test of several nodes asks them, and what they told live and the pages.
 * For cmocka tests; everything that fails ends the test.
 */
#ifndef TESTS_SUPPORT_TWO_NODES_H
#define TESTS_SUPPORT_TWO_NODES_H

#include "sale/sale.h"
#include "support/lib/postgres_server.h"

#define NODES_WALL_US ((tg_us)1780000000 * TG_US_PER_S)

/* The first node finds an empty database and makes product p1, number 1, with SKU-0 to SKU-19. */
enum { HOT_SKUS = 20, UNITS = 37 };

/* Where pair_open() makes its schema, while nodes_run() runs. */
extern struct tg_pg_server nodes_server;
struct CMUnitTest;
/* Runs the tests on a server of their own; how many failed, for main to return. */
int nodes_run(const struct CMUnitTest *tests, size_t count);

struct node {
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_mailbox *live;
    struct tg_mailbox *web;
    struct tg_sale *sale;
    char text[8192]; /* of the last answer */
    int status;      /* ... over HTTP */
    unsigned sold;   /* answers that were a success */
    unsigned stock_told;
    int32_t last_available; /* as live was told last */
    char last_sku[TG_SKU_MAX + 1];
    unsigned catalogs; /* that live was given */
    uint32_t catalog_variants;
    unsigned rules_told;
    bool comments; /* of the show told of last */
    char selling[4096];
    unsigned persons_told;
    char person[TG_PERSON_SIZE]; /* told last, and what */
    char event[8192];
};

struct pair {
    char url[256];
    struct tg_shop_now now;
    struct node nodes[2];
};

struct pair *pair_open(void);
void pair_close(struct pair *p);
void pair_pass(struct pair *p, tg_us us);
void node_open(struct node *n, const char *url, struct tg_shop_now now);
/* One whose machine's clock is ahead by so much: its turns must be given such a time. */
void node_open_wrong(struct node *n, const char *url, struct tg_shop_now now, tg_us ahead);
void node_close(struct node *n);
/* A request; http for all but TG_SALE_OP. */
struct tg_sale_req *node_req(struct node *n, enum tg_sale_what what, const char *person);
struct tg_sale_req *node_buy(struct node *n, const char *person, const char *id, int sku);
/* One turn with one request, NULL = none; the answer's text. */
const char *node_turn(struct pair *p, struct node *n, struct tg_sale_req *take_req);
/* The same with a request about the catalogue: JSON, and the product or SKU that it is about. */
const char *node_catalog(struct pair *p, struct node *n, enum tg_sale_what what, const char *key,
                         const char *body);
/* Empties the mailboxes into the node's tellings. */
void node_take(struct node *n);
/* Is there something of the other node's to take over? Then a turn takes it. */
bool node_poll(struct pair *p, struct node *n);
/* `torgctl stock audit` here must find nothing. */
void node_audit(struct pair *p, struct node *n);
/* Time goes by until the database answers this node again. */
void node_come_back(struct pair *p, struct node *n);
void text_has(const char *text, const char *part);
/* What stands between `start` and the next quote. */
void text_member(char *out, size_t size, const char *text, const char *start);

#endif
