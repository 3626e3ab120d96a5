/*
 * store.h - what the sale thread asks of a database, whichever it is.
 *
 * One rule set for every database: lock the batch's keys -> load them -> decide with the pure core
 * -> write -> commit -> answer.
 *
 *     load(claims)                  lock and load what the batch needs (SQLite: this process is the
 *                                   only writer, so lock is nothing and load is what memory lacks)
 *     tg_shop_tick, tg_shop_decide
 *     begin, write..., commit       only when there is something to write
 *     rollback                      after any failure, and after a load with nothing to write
 *                                   (it lets go of what load locked); legal at any time
 *
 * After a failed commit the batch may be on disk all the same (the power went between the write and
 * the answer). Nobody was told so; a repeat under the same key finds it.
 * Owner: one thread, the sale thread. Reading connections are in read.h.
 */
#ifndef TG_STORE_STORE_H
#define TG_STORE_STORE_H

#include "msg/webhook.h"
#include "shop/idem.h"
#include "shop/shop.h"
#include "store/db.h"
#include "store/registry.h"

struct tg_store;

/* A product with its variants and first counts, as an import or the demo brings it. */
struct tg_product_import {
    struct tg_product product;
    const struct tg_variant *variants; /* stock.on_hand is the first count */
    size_t variant_count;
};

/* What nodes tell each other of (changes.h), and the key they name it by. The letters are kept in
 * the database: never give one another meaning. */
enum tg_change {
    TG_CHANGE_CODE = 'c',     /* discount code */
    TG_CHANGE_LOCATION = 'l', /* ordinal */
    TG_CHANGE_NAME = 'a',     /* person: their name was written */
    TG_CHANGE_CART = 'k',     /* person: their cart was; only told */
    TG_CHANGE_GONE = 'g',     /* enum tg_waiter_state, person, SKU: left the line; only told */
    TG_CHANGE_NEW = 'n',      /* order id, space, person: it was placed; only told */
    TG_CHANGE_ORDER = 'o',    /* likewise: it changed since; whoever has it forgets it */
    TG_CHANGE_PRICE = 'm',    /* SKU: its planned, past and further prices */
    TG_CHANGE_PRODUCT = 'p',  /* id */
    TG_CHANGE_RULES = 'r',    /* show ordinal: its rules and what it says of SKUs */
    TG_CHANGE_LINE = 'w',     /* SKU: who waits for it */
    TG_CHANGE_SALES = 's',    /* show ordinal, space, SKU: units sold in the show */
    TG_CHANGE_SHOW = 'h',     /* ordinal; to the watcher: id */
    TG_CHANGE_TOKEN = 't',    /* ordinal; to the watcher: public id */
    TG_CHANGE_VARIANT = 'v',  /* SKU: price, stock, anything of it */
};
/* Reloaded because another node changed it; memory holds the new state already. key NULL =
 * everything was. */
struct tg_store_watch {
    void (*changed)(void *ctx, enum tg_change kind, const char *key);
    void *ctx;
};
/* How often an idle node asks whether others wrote. */
#define TG_STORE_POLL_US ((tg_us)200 * 1000)

typedef tg_err (*tg_audit_fn)(void *ctx, const struct tg_audit_row *row);

/* Errors everywhere: CLOSED (the connection to the database is lost; it is being brought back), IO
 * (disk, library), AGAIN (locked by someone else), NOMEM, MALFORMED (damaged data), CONFLICT (a
 * constraint of the schema said no: a bug of ours, the batch is void), UNSUPPORTED (a newer torg
 * changed the schema while this one ran: nothing is written any more). */
struct tg_store_ops {
    /* The store behind this one: itself, unless it is one that tests put in between. */
    struct tg_store *(*real)(struct tg_store *store);
    /* Closes and frees; an open transaction is lost. */
    void (*end)(struct tg_store *store);

    /* --- start --- */
    /* Products, stock, unpaid orders, the shows' sales and the next order number. */
    tg_err (*load_shop)(struct tg_store *store, struct tg_shop_now now, struct tg_shop *shop);
    /* Shows and valid tokens. epoch_us = now.mono - (now.wall - created). */
    tg_err (*load_registry)(struct tg_store *store, struct tg_shop_now now,
                            struct tg_registry *registry);
    /* The ordinal that the next token gets; > every ordinal ever given. */
    tg_err (*next_token)(struct tg_store *store, uint32_t *ret);

    tg_err (*has_products)(struct tg_store *store, bool *ret);

    /* --- the batch --- */
    tg_err (*load)(struct tg_store *store, struct tg_shop_now now, const struct tg_claim *claims,
                   size_t count, struct tg_shop *shop, struct tg_idem *idem);
    tg_err (*begin)(struct tg_store *store);
    tg_err (*write)(struct tg_store *store, const struct tg_effect *effect);
    tg_err (*write_idem)(struct tg_store *store, tg_us wall, const struct tg_idem_entry *entry);
    tg_err (*write_show)(struct tg_store *store, const struct tg_show_info *show,
                         const char *actor);
    tg_err (*write_show_state)(struct tg_store *store, uint16_t ord, enum tg_show_state state,
                               tg_us wall);
    tg_err (*write_token)(struct tg_store *store, const struct tg_token_info *token, tg_us wall,
                          const char *actor);
    tg_err (*write_revoke)(struct tg_store *store, const char *token_id, tg_us wall,
                           const char *actor);
    /* Webhooks: what sale must know before it decides, inside the batch; what it decided; and what
     * outbound leases and has done. */
    tg_err (*hook_look)(struct tg_store *store, const struct tg_hook_req *req, tg_us wall,
                        struct tg_hook_look *ret);
    tg_err (*write_hook)(struct tg_store *store, const struct tg_hook_change *change, tg_us wall,
                         const char *actor);
    tg_err (*write_hook_work)(struct tg_store *store, const struct tg_hook_work *work, tg_us wall);
    /* CONFLICT: its id, number or a SKU exists. */
    tg_err (*write_product)(struct tg_store *store, const struct tg_product_import *import,
                            tg_us wall, const char *actor);
    tg_err (*commit)(struct tg_store *store);
    void (*rollback)(struct tg_store *store);

    /* --- between batches --- */
    /* Every item and place with its numbers derived from movements and orders. */
    tg_err (*audit)(struct tg_store *store, tg_audit_fn each, void *ctx);
    /*
     * Payments with questions to the provider that have waited long enough (tg_intent_due) at
     * `wall`, the longest first. *ret_open: there are questions without an answer, these or others.
     * Between batches.
     */
    tg_err (*unanswered)(struct tg_store *store, tg_us wall, char (*ret)[TG_PAYMENT_ID_SIZE],
                         size_t max, size_t *ret_count, bool *ret_open);
    /* Forget what is old (answers after TG_IDEM_DISK_US, messages, what imports changed): at most
     * `max` rows of a kind, each kind in a transaction of its own. *ret_more: there is more. */
    tg_err (*purge)(struct tg_store *store, tg_us wall, size_t max, bool *ret_more);
    /*
     * Several nodes on one database: *ret = there is something to take over, so a batch must run
     * (an empty one will do). Also brings a lost connection back: CLOSED until then. To be called
     * every TG_STORE_POLL_US when no batch runs; with SQLite there is never anything.
     */
    tg_err (*poll)(struct tg_store *store, struct tg_shop_now now, bool *ret);
    /* Who wants to know what other nodes changed. */
    void (*watch)(struct tg_store *store, const struct tg_store_watch *watch);
    /* Others may write, so poll is needed. */
    bool (*shared)(struct tg_store *store);
    /* The database's clock less this machine's: what nodes must agree on (until when an order is
     * held, since when a price runs) is judged by the former. 0 below 50 ms, and with SQLite. */
    tg_us (*wall_off)(struct tg_store *store);
    /* What other nodes wrote cannot be read into memory, or the schema is not this torg's any more:
     * nothing is decided here. */
    bool (*behind)(struct tg_store *store);
    /* What went wrong last, for the log: no personal data. */
    const char *(*error)(struct tg_store *store);
};

struct tg_store {
    const struct tg_store_ops *ops;
};

/* An order as it is on the disk, between batches; the caller frees it. NOTFOUND. MALFORMED: it does
 * not add up. */
TG_MUST_CHECK tg_err tg_store_order(struct tg_store *store, const char *id, struct tg_order **ret);
/* Likewise a person's cart; one that is not there has no lines. */
TG_MUST_CHECK tg_err tg_store_cart(struct tg_store *store, const char *person, struct tg_cart *ret);

/* NULL is legal. */
void tg_store_free(struct tg_store *store);

/*
 * Opens, checks and migrates. On error `reterr` says in plain words what is wrong and with which
 * database: MALFORMED (not a database, or damaged), UNSUPPORTED (made by a newer torg, or by
 * another program), IO, AGAIN (another program writes to it), NOMEM.
 */
TG_MUST_CHECK tg_err tg_store_new(struct tg_store **ret, const struct tg_db_cfg *cfg,
                                  char reterr[256]);

/* The demo catalogue into a database that has no product yet; does nothing otherwise. */
TG_MUST_CHECK tg_err tg_demo_seed(struct tg_store *store, tg_us wall);
/* The demo's products; *ret_count of them. Static. */
const struct tg_product_import *tg_demo_catalogue(size_t *ret_count);

#endif
