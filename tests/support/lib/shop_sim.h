/*
 * shop_sim.h - the world of sim_shop: the real shop, sale logic and store under a virtual clock,
 * clients whose requests and answers are lost, doubled, late and reordered, and servers that die at
 * every step of a transaction. One seed is one history; it can be repeated exactly.
 */
#ifndef TESTS_SUPPORT_SHOP_SIM_H
#define TESTS_SUPPORT_SHOP_SIM_H

#include <stdio.h>
#include <stdlib.h>

#include "base/mailbox.h"
#include "msg/sale.h"
#include "sale/sale.h"
#include "support/lib/faulty_store.h"
#include "support/lib/postgres_server.h"

enum {
    SIM_PERSONS = 6,
    SIM_SKUS = 12,
    SIM_PAIR = 4,       /* a bundle */
    SIM_COMBO = 11,     /* ... whose recipe changes */
    SIM_FIRST_PAID = 2, /* this show sells to whoever pays first */
    SIM_LIMITS = 3,     /* ... has limits, a window, comments and goods of its own */
    SIM_SHOWS = 4,
    SIM_ASKS_MAX = 600,  /* requests of people */
    SIM_REQS_MAX = 1800, /* ... and of the provider */
    SIM_STEPS = 260,
    SIM_FLIGHT_MAX = 4096,
    SIM_NODES_MAX = 2,
    SIM_REPLY_MAX = 8192,
};

struct sim_request {
    struct tg_sale_req req; /* as sent, again and again */
    int of;                 /* pay, cancel: index of the buy; -1 = none */
    bool answered;          /* the client got an answer that settles it */
    bool ok;                /* ... and it was a success */
    char *reply;            /* bytes of the first success */
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
    int64_t total; /* as acknowledged */
    bool has_ask;  /* ... of an order: ask */
    struct tg_order_ask ask;
    bool of_provider; /* news: told until they are taken */
    bool has_rules;
    struct tg_stock_rules_def rules;
    bool seen; /* scratch of the check: orders on disk that carry its mark */
    tg_us again_at;
    tg_us sent_wall; /* when it was thought of */
    char undone[TG_UUID_SIZE];
    struct sim_stock_change {
        bool given;
        struct tg_stock_change row;
    } stock;
    int archive;    /* 1 = archive, 2 = sell it again */
    char body[352]; /* of the catalogue; "" = none */
    size_t body_len;
    bool has_place;
    struct tg_place_change place;
    char token[24]; /* that it made, or took away */
    tg_us told_at;  /* when its success was heard */
};

struct sim_flight {
    size_t request;
    unsigned node;
    tg_us at;
};

/* One server. */
struct sim_node {
    struct sim *sim;
    unsigned index;
    bool alive;
    tg_us back_at;    /* when a dead one is started again */
    tg_us poll_at;    /* two nodes: when it looks whether the other wrote */
    tg_us trouble_at; /* the last instant at which it was not at its best: a fault, its start */
    tg_us wrong_us;   /* how far its clock is ahead of the world's, which is the database's */
    struct tg_rng rng;
    struct tg_faulty_store faulty;
    struct tg_store *store;
    struct tg_registry *registry;
    struct tg_sale *sale;
    struct tg_mailbox *live;
    struct tg_mailbox *web;
};

struct sim_totals {
    unsigned long seeds;
    unsigned long crashes;
    unsigned long refusals; /* of the disk */
    unsigned long orders_acked;
    unsigned long duplicates; /* repeats that were answered alike */
    unsigned long sold_out;
    unsigned long expired;
    unsigned long bundles;  /* paid for */
    unsigned long late;     /* requests that came minutes after they were sent */
    unsigned long pairs;    /* seeds with two nodes */
    unsigned long turns;    /* of the waiting list, seen after a batch */
    unsigned long comments; /* that bought */
    unsigned long undone;
    unsigned long staff_sales;
    unsigned long limits;    /* refusals */
    unsigned long windows;   /* ... because they were closed */
    unsigned long late_taps; /* bought after the window was over, but tapped before */
    unsigned long archived;  /* changes of what is sold */
    unsigned long counted;   /* stock rows that were done */
    unsigned long merged;
    unsigned long part_cancelled;
    unsigned long sent;
    unsigned long returned;
    unsigned long refunded;
    unsigned long strays;     /* payments that paid nothing */
    unsigned long first_paid; /* orders of that show that were paid */
    unsigned long combos;     /* sold */
    unsigned long edited;     /* products and variants, by hand */
    unsigned long imports;    /* ... begun or undone */
    unsigned long moved;      /* short numbers that became another product's */
    unsigned long by_number;  /* bought by such a number */
    unsigned long priced;     /* changes of prices, by hand and by import */
    unsigned long places;     /* closed, opened, made */
    unsigned long elsewhere;  /* lines of orders taken from places that opened and closed */
    unsigned long tokens;     /* made, and ... */
    unsigned long revoked;
    unsigned long silences;   /* a node dies, and nothing but the other's clock goes on */
    unsigned long off_clocks; /* batches of nodes whose clock was seconds or minutes off */
};

/* The money of one order, for the check. */
struct sim_book {
    int64_t number;
    char payment[TG_PAYMENT_ID_SIZE];
    enum tg_order_state state;
    enum tg_payment_state payment_state;
    uint32_t paid_by;
    uint32_t intents;
    int64_t total;
    int64_t captured;
    int64_t refunded;
    int64_t due;
    int64_t fulfilled; /* units */
    bool was_free;
    bool refund_told; /* the provider may have told of refunds that nobody asked for */
};

struct sim {
    uint64_t seed;
    struct tg_rng rng;
    struct tg_rng wide_rng; /* what wide histories draw beyond the others */
    bool wide;              /* two nodes that differ, and change what the other sells */
    char dir[64];
    char path[256]; /* or a URL */
    struct tg_shop_now now;
    struct sim_node nodes[SIM_NODES_MAX];
    unsigned node_count;
    tg_us hold_us;
    struct sim_request *requests;
    size_t request_count;
    struct sim_flight *flights;
    size_t flight_count;
    /* Scratch of the check: living orders with the code, and units at flash prices that run. */
    int32_t code_uses;
    int32_t code_of[SIM_PERSONS];
    int64_t flash_units[SIM_SKUS];
    int64_t sold[SIM_SKUS]; /* of each item, by the lines of paid orders and the recipes */
    int64_t show_units[SIM_SHOWS][SIM_SKUS]; /* ordered in the show, by living orders */
    struct sim_book books[SIM_REQS_MAX];
    size_t book_count;
    struct sim_selling *selling; /* shop_sim_selling.c's */
    bool settled;                /* an hour has passed: nothing may wait any more */
    struct sim_totals t;
};

/* The run that is under way, for the failure line. */
extern struct sim *sim_running;

#define SIM_CHECK(cond, ...)                                                                       \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr,                                                                        \
                    "sim_shop: seed %llu, %.3f s: %s: ", (unsigned long long)sim_running->seed,    \
                    (double)sim_running->now.mono / TG_US_PER_S, #cond);                           \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n  repeat: sim_shop --seed %llu\n",                                  \
                    (unsigned long long)sim_running->seed);                                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* Set before the first run: histories happen in schemas of this server; NULL = in SQLite files. */
extern struct tg_pg_server *sim_postgres;

/* One history from its first to its last instant; ends the process where it is wrong. Adds to
 * *totals. */
void sim_run(uint64_t seed, struct sim_totals *totals);

/* shop_sim.c */
bool sim_chance(struct sim *s, unsigned percent);
extern const char *const sim_skus[SIM_SKUS];
enum { SIM_PLACES = 4 };
extern const char *const sim_places[SIM_PLACES]; /* "" = main */
/* Every other seed has its stock at one place alone: there the waiting list can promise most. */
bool sim_has_places(const struct sim *s);
int64_t sim_price(size_t sku); /* the ordinary one */
int32_t sim_units(size_t sku); /* the first count; 0 = a bundle */
/* Units of the item in one of the SKU: 1 of itself, of a bundle's parts as the recipe says. */
int32_t sim_units_in(size_t sku, size_t item);
/* A code that takes a tenth off: for SIM_CODE_USES orders in all, SIM_CODE_PERSON of one person. */
#define SIM_CODE "TENTH"
enum { SIM_CODE_USES = 12, SIM_CODE_PERSON = 3 };

/* Every SKU now and then, the scarce ones more often. */
size_t sim_any_sku(struct sim *s);

/* shop_sim_life.c: what becomes of orders. true = the request is one of these. */
bool sim_life_request(struct sim *s, struct sim_request *r);
/* What the request owns, for a copy of it. */
void sim_life_copy(const struct sim_request *r, struct tg_sale_req *copy);
#define SIM_GOODWILL "goodwill"
/* shop_sim_provider.c: in some seeds the provider is beyond the network, with books of its own. */
extern const struct tg_provider sim_provider;
bool sim_provider_on(const struct sim *s);
void sim_provider_begin(void);
/* It reads what was asked, and answers some of it; all when the run settles. */
void sim_provider_work(struct sim *s);
/* All is answered and told. */
bool sim_provider_idle(const struct sim *s);
struct sim_book;
/* What the shop has booked of an order is what was moved. */
void sim_provider_check(const struct sim *s, const struct sim_book *b, int64_t captured,
                        int64_t refunded);
/* shop_sim_money.c: remember an order; then all of their books. */
struct tg_read_db;
void sim_book_note(struct sim *s, const struct tg_order *order);
void sim_check_books(struct sim *s, struct tg_read_db *db);

/* shop_sim_clients.c: what people want, the network, and what they make of the answers. */
void sim_new_request(struct sim *s);
/* An empty one, which will be sent until it is answered. */
struct sim_request *sim_add_request(struct sim *s);
/* What staff ask of the whole shop, with these roles besides the merchandiser's. */
void sim_by_staff(struct sim_request *r, uint32_t roles, enum tg_sale_what what, const char *key);
/* The index of one whose order was acknowledged; -1 = found none. */
int sim_acked_buy(struct sim *s);
/* Who has no answer asks again. */
void sim_retry(struct sim *s);
/* All of the provider's news that were not taken yet. */
void sim_tell_again(struct sim *s);
/* Messages that have arrived at the node by now, as many as fit. */
size_t sim_arrivals(struct sim *s, const struct sim_node *node, void **out, size_t max);
/* Answers that the node gave. */
void sim_receive(struct sim *s, struct sim_node *node);
/* What was under way to a node that died is lost, and mostly what it wanted to say. */
void sim_lose(struct sim *s, struct sim_node *node);

/*
 * shop_sim_selling.c: the ways to buy and the rules of show SIM_LIMITS: comments and their undo,
 * windows and taps in media time, limits, staff sale, merged carts, stock rows, archived variants.
 */
/* true = the request is one of these. */
bool sim_selling_request(struct sim *s, struct sim_request *r);
/* Media time of a tap that somebody makes now, more or less late; -1 = the page does not say. */
int64_t sim_tap(struct sim *s);
/* What the request owns, for a copy of it. */
void sim_selling_copy(struct sim *s, const struct sim_request *r, struct tg_sale_req *copy);
void sim_selling_seed(struct sim *s, struct tg_store *store);
/* Whose order it becomes. */
const char *sim_buyer(const struct sim_request *r);
bool sim_buys(const struct sim_request *r);
void sim_selling_answer(struct sim *s, struct sim_request *r, const char *json, bool ok);
/* After a turn, also one that failed: what the node knows now is what the next one begins with. */
void sim_selling_prices(struct sim *s, const struct sim_node *node);
/* shop_sim_limits.c: counted from the orders on disk. */
void sim_limits_begin(struct sim *s);
void sim_limits_note(struct sim *s, const struct tg_order *order, const struct sim_request *r);
void sim_limits_check(struct sim *s);
/* Of SIM_LIMITS: what its rules say of a SKU. */
const struct tg_show_item *sim_rule(size_t sku);
enum { SIM_PERSON_UNITS = 10, SIM_LAG_MS = 20000, SIM_PRICES_MAX = 512 };
/*
 * Prices of a SKU, each from a moment on. A price that was written before a crash and seen after it
 * began some time in between.
 */
struct sim_prices {
    size_t count;
    struct {
        tg_us first_wall;
        tg_us last_wall;
        int64_t amount;
    } from[SIM_PRICES_MAX];
};
/* Wide histories: oslo, spring and later close and open, bergen is made. */
enum { SIM_ALL_PLACES = SIM_PLACES + 1 };
/* Wide histories: the product's number is what people write; p2 has one SKU, p3 another. */
enum { SIM_NUMBERS = 2, SIM_FIRST_NUMBER = 2, SIM_P2 = 9, SIM_P3 = 10 };
struct sim_selling {
    tg_us epoch_wall; /* media time 0 */
    tg_us dead_wall;  /* nobody saw a whole batch since; 0 = somebody did */
    struct sim_prices prices[SIM_SKUS];
    struct sim_prices listed[SIM_SKUS];     /* wide: ordinary prices */
    struct sim_prices sold[SIM_SKUS];       /* wide: 1 = it is sold, 0 = archived */
    struct sim_prices open[SIM_ALL_PLACES]; /* wide: 1 = it sells, 0 = closed or not there */
    struct sim_prices numbers[SIM_NUMBERS]; /* wide: the SKU that it means; -1 = none */
    int64_t of_show[SIM_SKUS];
    int64_t of_person[SIM_PERSONS][SIM_SKUS]; /* in the show */
    int64_t everywhere[SIM_PERSONS][SIM_SKUS];
};

/* shop_sim_pair.c: two nodes with clocks of their own. */
void sim_pair_begin(struct sim *s);
/* The machine was started: its clock is whatever it is. */
void sim_pair_clock(struct sim *s, struct sim_node *node);
/* How the node knows its clock to be off: never exactly. */
tg_us sim_pair_measured(struct sim *s, const struct sim_node *node);
/* What the node's machine takes for now. */
struct tg_shop_now sim_node_now(const struct sim_node *node);
/* What a node may decide too early or too late. */
tg_us sim_slack(const struct sim *s);
/* After everything: both nodes have the same prices, and judge by the same rules. */
void sim_pair_agree(struct sim *s);

/* shop_sim_catalog.c: in wide histories, the catalogue changes while it is sold. */
void sim_catalog_begin(struct sim *s);
void sim_catalog_end(const struct sim *s);
void sim_catalog_seed(struct sim *s, struct tg_store *store, const struct tg_variant *variants);
/* true = the request is one of these. */
bool sim_catalog_request(struct sim *s, struct sim_request *r);
void sim_catalog_answer(struct sim *s, const struct sim_request *r);
/* It is answered with the last state, and may be refused after it was done once. */
bool sim_tells_last(const struct sim_request *r);
/* After a turn: what is sold, and which numbers mean what. */
void sim_catalog_look(struct sim *s, const struct tg_shop *shop);
/* What was bought was sold then, and was what its number meant. */
void sim_catalog_check(struct sim *s, const struct tg_order *order, const struct sim_request *r);
/* shop_sim_selling.c: from this moment on it is `amount`. true = it was another before. */
bool sim_track(struct sim *s, struct sim_prices *p, int64_t amount);

/* Was it so at some time in between, or may it have been? */
bool sim_was(const struct sim *s, const struct sim_prices *p, tg_us from, tg_us to, int64_t amount);

/* shop_sim_places.c: in wide histories, places close and open, tokens come and go. */
bool sim_places_request(struct sim *s, struct sim_request *r);
void sim_places_copy(const struct sim_request *r, struct tg_sale_req *copy);
void sim_places_answer(struct sim *s, struct sim_request *r, const char *json);
/* What may open in this batch: before the turn. */
void sim_places_open(struct sim *s, void *const *msgs, size_t count);
void sim_places_look(struct sim *s, const struct tg_shop *shop);
/* Nothing is taken from a place that is closed. */
void sim_places_check(struct sim *s, const struct tg_order *order);
/* Soon after it was said that a token is made, or taken away, every node knows. */
void sim_tokens_check(struct sim *s);
bool sim_is_token(const struct sim_request *r);

/* shop_sim_check.c: what must hold. */
/* Every number derived anew, against memory and disk. */
void sim_check_audit(struct sim *s, struct sim_node *node);
/* The waiting list: whoever is in front has all that was offered, and nothing lies free behind. */
void sim_check_lines(struct sim *s, const struct sim_node *node);
/* Orders on disk against what was acknowledged, and against the clock. */
void sim_check_disk(struct sim *s);

#endif
