/* store_priv.h - the parts of the store: one code for both engines. */
#ifndef TG_STORE_STORE_PRIV_H
#define TG_STORE_STORE_PRIV_H

#include "base/buf.h"
#include "feed/product.h"
#include "msg/webhook.h"
#include "store/db.h"
#include "store/store.h"

enum {
    TG_STORE_NAMES = 65536, /* a power of two; 512 KB */
    TG_STORE_WORDS = 16384  /* 128 KB */
};

/* What of a product was written in this transaction and is not yet a message (outbox_shop.c). */
struct tg_outbox_product {
    char id[TG_FEED_ID_SIZE]; /* "" = none */
    bool described;           /* the product's own row was written: the next four hold */
    int64_t number;
    int64_t version;
    bool archived;
    char title[TG_TITLE_SIZE];
    struct tg_buf variants; /* JSON of those that were written, separated by commas */
    tg_us wall;
};

struct tg_cat_place;

/* How far this machine's clock is from the database's. */
struct tg_store_clock {
    tg_us wrong_us; /* tests only */
    tg_us off;      /* the database's clock less this machine's */
    tg_us look_at;  /* monotonic; when to compare them again */
};

struct tg_store_db {
    struct tg_store head; /* first */
    struct tg_db db;
    struct tg_buf payload; /* of the outbox row being written */
    /* Endpoints that are told, as they are in this transaction (outbox.c). */
    struct {
        int64_t hook;
        char topics[TG_HOOK_TOPICS_SIZE];
    } routes[TG_WEBHOOKS_MAX];
    size_t route_count;
    struct tg_outbox_product product;
    int64_t last_message;
    int64_t salt;
    bool in_transaction;
    uint64_t names[TG_STORE_NAMES]; /* by person: digest of (person, name) written lately */
    bool names_open;                /* ... by the running batch, too */
    uint64_t words[TG_STORE_WORDS]; /* digests of words whose letters are in search_grams */
    bool words_open;                /* ... of some, by the running batch */
    bool left_out; /* disk has products or variants that memory lacks, or may have */
    /* Several nodes, see changes.h. */
    bool shared;            /* PostgreSQL: others may write */
    char node[17];          /* this process, for the others: random */
    int64_t version;        /* that memory is of */
    int64_t locked_version; /* ... and the database, read with the lock */
    struct tg_buf keys;     /* that the running batch touched */
    tg_us due_at;           /* monotonic; when to look for orders that are due */
    tg_us due_past;         /* wall; those due up to then are in memory, or damaged: not again */
    tg_us due_again_at;     /* ... until then; monotonic */
    uint64_t damaged;       /* unpaid orders that were passed over, in all */
    struct tg_store_clock clock;
    bool behind;     /* what others changed cannot be read: see changes.h */
    tg_us reload_at; /* ... when to try again */
    bool outdated;   /* the schema is another torg's now */
    struct tg_registry *registry;
    struct tg_store_watch watch;
};

static inline struct tg_store_db *tg_store_db(struct tg_store *store)
{
    return (struct tg_store_db *)(void *)store;
}

/* The place of a person's name among those that were written lately; another person may have it. */
static inline uint64_t *tg_store_name_of(struct tg_store_db *s, const char *person)
{
    return &s->names[tg_idem_digest_str(0, person) % TG_STORE_NAMES];
}

/* store_db.c: one transaction for all reads of a batch; taking the lock for each costs more than
 * the reads. */
TG_MUST_CHECK tg_err tg_store_begin_batch(struct tg_store_db *s);
/* load_shop.c */
TG_MUST_CHECK tg_err tg_store_load_shop(struct tg_store *store, struct tg_shop_now now,
                                        struct tg_shop *shop);
/* load_registry.c */
TG_MUST_CHECK tg_err tg_store_load_registry(struct tg_store *store, struct tg_shop_now now,
                                            struct tg_registry *registry);
/* load.c */
TG_MUST_CHECK tg_err tg_store_load(struct tg_store *store, struct tg_shop_now now,
                                   const struct tg_claim *claims, size_t count,
                                   struct tg_shop *shop, struct tg_idem *idem);
/* One order into memory by a text key; not being there is OK. MALFORMED, NOMEM, IO. */
TG_MUST_CHECK tg_err tg_load_order_by(struct tg_db *db, struct tg_shop_now now, enum tg_sql which,
                                      const char *key, struct tg_shop *shop);
/* load_person.c: how much the claims' people have bought, where a limit asks for it. */
TG_MUST_CHECK tg_err tg_store_load_units(struct tg_db *db, const struct tg_claim *claims,
                                         size_t count, struct tg_shop *shop);
/* ... after the orders: what the people of late payments bought and used of codes, and what an
 * undo may be about. */
TG_MUST_CHECK tg_err tg_store_load_persons(struct tg_db *db, struct tg_shop_now now,
                                           const struct tg_claim *claims, size_t count,
                                           struct tg_shop *shop);
TG_MUST_CHECK tg_err tg_store_unanswered(struct tg_store *store, tg_us wall,
                                         char (*ret)[TG_PAYMENT_ID_SIZE], size_t max,
                                         size_t *ret_count, bool *ret_open);
/* show_rules.c: rules of shows and who waits. */
TG_MUST_CHECK tg_err tg_store_write_rule(struct tg_db *db, const struct tg_effect *effect);
TG_MUST_CHECK tg_err tg_store_audit(struct tg_store *store, tg_audit_fn each, void *ctx);
/* load_price.c: past and further prices, planned flash prices, codes. */
TG_MUST_CHECK tg_err tg_store_load_prices(struct tg_db *db, struct tg_shop_now now,
                                          struct tg_shop *shop);
/* ... what people used of the codes that these claims name. */
TG_MUST_CHECK tg_err tg_store_load_code_uses(struct tg_db *db, const struct tg_claim *claims,
                                             size_t count, struct tg_shop *shop);
/* write_price.c */
TG_MUST_CHECK tg_err tg_store_write_price(struct tg_db *db, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_price_left(struct tg_db *db, const struct tg_effect *e);
/* Prices and parts are part of what If-Match of a variant looks at. */
TG_MUST_CHECK tg_err tg_store_raise_version(struct tg_db *db, const char *sku);
TG_MUST_CHECK tg_err tg_store_write_currency_price(struct tg_db *db, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_plan(struct tg_db *db, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_flash_used(struct tg_db *db, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_code(struct tg_db *db, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_code_use(struct tg_db *db, const struct tg_effect *e);
/* outbox.c: at the begin of a writing transaction; and every message to the world. The payload is
 * JSON without personal data; order_number 0 = none. What no endpoint wants is not written: only
 * through its deliveries could anybody ever read it. Ask before making a payload. */
TG_MUST_CHECK tg_err tg_outbox_begin(struct tg_store_db *s);
bool tg_outbox_wanted(const struct tg_store_db *s, const char *topic);
TG_MUST_CHECK tg_err tg_outbox_add(struct tg_store_db *s, const char *topic, int64_t order_number,
                                   const char *payload, tg_us wall);
/* outbox_shop.c: an order as it is now and, of an EVENT, what happened; a TELL; a price in another
 * currency; a place; a product and its variants, which one message tells of when they come one
 * after the other. What is not told yet is at the end of the transaction, or undone with it. */
TG_MUST_CHECK tg_err tg_outbox_order(struct tg_store_db *s, const char *topic,
                                     const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_outbox_variant(struct tg_store_db *s, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_outbox_currency_price(struct tg_store_db *s, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_outbox_location(struct tg_store_db *s, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_outbox_product(struct tg_store_db *s, const struct tg_feed_product *found,
                                       int64_t version, tg_us wall);
TG_MUST_CHECK tg_err tg_outbox_product_variant(struct tg_store_db *s,
                                               const struct tg_cat_place *place,
                                               const struct tg_feed_variant *v, tg_us wall);
TG_MUST_CHECK tg_err tg_outbox_end(struct tg_store_db *s);
void tg_outbox_undo(struct tg_store_db *s);
/* Its parts: the number of the next message, its row, one endpoint's delivery. */
int64_t tg_outbox_next(struct tg_store_db *s, tg_us wall);
int64_t tg_outbox_first(tg_us wall); /* no message since then has a lower one */
TG_MUST_CHECK tg_err tg_outbox_row(struct tg_store_db *s, int64_t id, const char *topic,
                                   int64_t order_number, const char *payload, tg_us wall);
TG_MUST_CHECK tg_err tg_outbox_delivery(struct tg_store_db *s, int64_t hook, int64_t message,
                                        tg_us wall);
TG_MUST_CHECK tg_err tg_store_write_hook_work(struct tg_store *store,
                                              const struct tg_hook_work *work, tg_us wall);
/* purge.c */
TG_MUST_CHECK tg_err tg_store_purge(struct tg_store *store, tg_us wall, size_t max, bool *ret_more);
/* hooks_write.c */
TG_MUST_CHECK tg_err tg_store_hook_look(struct tg_store *store, const struct tg_hook_req *req,
                                        tg_us wall, struct tg_hook_look *ret);
TG_MUST_CHECK tg_err tg_store_write_hook(struct tg_store *store,
                                         const struct tg_hook_change *change, tg_us wall,
                                         const char *actor);
/* write_orders.c */
TG_MUST_CHECK tg_err tg_store_write_order(struct tg_store_db *s, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_event(struct tg_store_db *s, const struct tg_effect *e);
TG_MUST_CHECK tg_err tg_store_write_intent(struct tg_store_db *s, const struct tg_effect *e);
/* write.c */
TG_MUST_CHECK tg_err tg_store_write(struct tg_store *store, const struct tg_effect *effect);
TG_MUST_CHECK tg_err tg_store_write_idem(struct tg_store *store, tg_us wall,
                                         const struct tg_idem_entry *entry);
TG_MUST_CHECK tg_err tg_store_write_show(struct tg_store *store, const struct tg_show_info *show,
                                         const char *actor);
TG_MUST_CHECK tg_err tg_store_write_show_state(struct tg_store *store, uint16_t ord,
                                               enum tg_show_state state, tg_us wall);
TG_MUST_CHECK tg_err tg_store_write_token(struct tg_store *store, const struct tg_token_info *token,
                                          tg_us wall, const char *actor);
TG_MUST_CHECK tg_err tg_store_write_revoke(struct tg_store *store, const char *token_id, tg_us wall,
                                           const char *actor);
TG_MUST_CHECK tg_err tg_store_write_product(struct tg_store *store,
                                            const struct tg_product_import *import, tg_us wall,
                                            const char *actor);

#endif
