/*
 * shop_sim.c - time, servers and their deaths; see shop_sim.h.
 */
#include "support/lib/shop_sim.h"
#include "shop/rules.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"

enum { BATCH_MAX = 64, TURNS_MAX = 100000, SILENCE_LOOKS = 8 };
/* Unanswered questions are asked again within two minutes. */
#define SETTLE_US ((tg_us)200 * TG_US_PER_S)

struct sim *sim_running;

/* With the amounts of some of them the sandbox fails, or answers later. */
const char *const sim_skus[SIM_SKUS] = {"LAST",  "FEW",   "SOME",  "MANY",   "PAIR",   "GIFT",
                                        "CFAIL", "VFAIL", "RFAIL", "CLATER", "RLATER", "COMBO"};
static const int32_t counts[SIM_SKUS] = {1, 5, 25, 400, 0, 30, 40, 6, 40, 40, 40, 0};
/* PAIR is a bundle: one of FEW and two of SOME. COMBO begins as one of SOME. */
enum { FEW = 1, SOME = 2, PAIR = SIM_PAIR, GIFT = 5, CFAIL = 6, COMBO = SIM_COMBO };

int64_t sim_price(size_t sku)
{
    if (sku >= CFAIL && sku < COMBO)
        return 16613 + (int64_t)(sku - CFAIL);
    return sku == GIFT ? 0 : 1000 * ((int64_t)sku + 1);
}

size_t sim_any_sku(struct sim *s)
{
    return tg_rng_below(&s->rng, sim_chance(s, 60) ? SIM_PAIR + 1 : SIM_SKUS);
}

int32_t sim_units(size_t sku)
{
    return counts[sku];
}

int32_t sim_units_in(size_t sku, size_t item)
{
    if (sku != PAIR)
        return sku == item;
    return item == FEW ? 1 : item == SOME ? 2 : 0;
}

bool sim_chance(struct sim *s, unsigned percent)
{
    return tg_rng_below(&s->rng, 100) < percent;
}

/* --- servers --- */

/* Behind main: a store, an allotment of show 1, a promise. What is there, staff bring. */
const char *const sim_places[SIM_PLACES] = {"", "oslo", "spring", "later"};

bool sim_has_places(const struct sim *s)
{
    return s->seed % 2 == 1;
}

static tg_err seed_places(struct sim *s, struct tg_store *store)
{
    static const enum tg_location_kind kinds[SIM_PLACES] = {
        TG_LOCATION_WAREHOUSE, TG_LOCATION_STORE, TG_LOCATION_ALLOTMENT, TG_LOCATION_PROMISE};
    tg_err err = TG_OK;

    for (uint16_t i = 1; err == TG_OK && i < SIM_PLACES; i++) {
        struct tg_location l = {.ord = i,
                                .kind = kinds[i],
                                .name = "Place",
                                .priority = i,
                                .show = kinds[i] == TG_LOCATION_ALLOTMENT ? 1 : UINT16_MAX,
                                .ships_from_wall = -1};
        const struct tg_effect e = {.kind = TG_EFFECT_LOCATION, .at = &l, .wall = s->now.wall};

        tg_str_cut(l.id, sizeof(l.id), sim_places[i]);
        err = store->ops->write(store, &e);
    }
    return err;
}

static void seed_catalogue(struct sim *s, struct tg_store *store)
{
    struct tg_variant v[SIM_SKUS];
    struct tg_product_import import = {.product = {.id = "p1", .number = 1, .title = "Thing"},
                                       .variants = v,
                                       .variant_count = s->wide ? SIM_P2 : SIM_SKUS};
    const struct tg_show_rules rules = {
        .show = 1, .waiting = true, .turn_us = (tg_us)60 * TG_US_PER_S};
    const struct tg_effect waiting = {
        .kind = TG_EFFECT_RULES, .rules = &rules, .wall = s->now.wall};
    struct tg_discount discount = {.code = SIM_CODE,
                                   .bp = 1000,
                                   .show = UINT16_MAX,
                                   .person_max = SIM_CODE_PERSON,
                                   .uses_max = SIM_CODE_USES,
                                   .from_wall = -1,
                                   .until_wall = -1};
    struct tg_part parts[] = {{.item = &v[FEW], .qty = sim_units_in(PAIR, FEW)},
                              {.item = &v[SOME], .qty = sim_units_in(PAIR, SOME)}};
    struct tg_part one[] = {{.item = &v[SOME], .qty = 1}};
    const struct tg_effect recipe = {
        .kind = TG_EFFECT_PARTS, .variant = &v[PAIR], .wall = s->now.wall};
    const struct tg_effect combo = {
        .kind = TG_EFFECT_PARTS, .variant = &v[COMBO], .wall = s->now.wall};
    const struct tg_show_rules quick = {.show = SIM_FIRST_PAID, .first_paid = true};
    const struct tg_effect first_paid = {
        .kind = TG_EFFECT_RULES, .rules = &quick, .wall = s->now.wall};
    const struct tg_effect code = {
        .kind = TG_EFFECT_CODE, .wall = s->now.wall, .discount = &discount, .qty = 1};
    tg_err err;

    for (size_t i = 0; i < SIM_SKUS; i++) {
        v[i] = (struct tg_variant){.price = sim_price(i),
                                   .compare_at = -1,
                                   .cost = 400,
                                   .flash = -1,
                                   .flash_until_wall = -1,
                                   .stock = {.on_hand = counts[i]},
                                   .options = "{}"};
        tg_str_cut(v[i].sku, sizeof(v[i].sku), sim_skus[i]);
    }
    v[PAIR].parts = parts;
    v[PAIR].part_count = TG_ARRAY_LEN(parts);
    v[COMBO].parts = one;
    v[COMBO].part_count = 1;
    err = store->ops->begin(store);
    if (err == TG_OK)
        err = store->ops->write_product(store, &import, s->now.wall, "sim");
    if (s->wide)
        sim_catalog_seed(s, store, v);
    if (err == TG_OK)
        err = seed_places(s, store);
    if (err == TG_OK)
        err = store->ops->write(store, &waiting);
    if (err == TG_OK)
        err = store->ops->write(store, &first_paid);
    if (err == TG_OK)
        err = store->ops->write(store, &recipe);
    if (err == TG_OK)
        err = store->ops->write(store, &combo);
    if (err == TG_OK)
        err = store->ops->write(store, &code);
    sim_selling_seed(s, store);
    if (err == TG_OK)
        err = store->ops->commit(store);
    SIM_CHECK(err == TG_OK, "seeding: %s", tg_err_name(err));
}

struct tg_pg_server *sim_postgres;

static struct tg_store *open_store(struct sim *s, const struct sim_node *node)
{
    struct tg_db_cfg cfg = {.url = s->path,
                            .fast = true,
                            .shared = s->node_count > 1,
                            .clock_wrong_us = sim_pair_measured(s, node)};
    struct tg_store *store = NULL;
    char why[256] = "";
    tg_err err = tg_store_new(&store, &cfg, why);

    SIM_CHECK(err == TG_OK, "%s", why);
    return store;
}

static void start(struct sim *s, struct sim_node *node)
{
    struct tg_sale_cfg sale = {.live = node->live,
                               .web = &node->web,
                               .web_count = 1,
                               .allow_sandbox = true,
                               .provider = sim_provider_on(s) ? &sim_provider : NULL,
                               .hold_us = s->hold_us,
                               .person_units_max = 60,
                               .taxes = tg_taxes_norway,
                               .rng = &node->rng};
    bool any = true;
    tg_err err;

    sim_pair_clock(s, node);
    node->store = tg_faulty_store_init(&node->faulty, open_store(s, node));
    err = node->store->ops->has_products(node->store, &any);
    SIM_CHECK(err == TG_OK, "%s", tg_err_name(err));
    if (!any)
        seed_catalogue(s, node->store);
    err = tg_registry_new(&node->registry);
    SIM_CHECK(err == TG_OK, "%s", tg_err_name(err));
    sale.store = node->store;
    sale.registry = node->registry;
    err = tg_sale_new(&node->sale, &sale, sim_node_now(node));
    SIM_CHECK(err == TG_OK, "%s", tg_err_name(err));
    node->alive = true;
    node->trouble_at = s->now.mono;
    node->poll_at =
        node->store->ops->shared(node->store) ? s->now.mono + TG_STORE_POLL_US : TG_US_NEVER;
    if (s->wide) /* its first batch answers by what it has read, and may change it */
        sim_selling_prices(s, node);
    sim_check_audit(s, node);
}

static void stop(struct sim_node *node)
{
    tg_sale_free(node->sale);
    tg_registry_free(node->registry);
    tg_store_free(node->store);
    node->sale = NULL;
    node->alive = false;
}

static void dead(struct sim *s, struct sim_node *node)
{
    s->t.crashes++;
    if (s->selling->dead_wall == 0)
        s->selling->dead_wall = s->now.wall;
    sim_lose(s, node);
    stop(node);
    /* Often at once, sometimes only when its holds are over. */
    node->back_at = s->now.mono;
    if (sim_chance(s, 30))
        node->back_at += (tg_us)tg_rng_below(&s->rng, (uint64_t)s->hold_us * 2);
}

static void arm(struct sim *s, struct sim_node *node)
{
    static const enum tg_fault faults[] = {TG_FAULT_REFUSE, TG_FAULT_CRASH, TG_FAULT_CRASH_AFTER};

    if (node->faulty.fail_in >= 0 || s->settled || !sim_chance(s, 25))
        return;
    node->faulty.fault = faults[tg_rng_below(&s->rng, TG_ARRAY_LEN(faults))];
    /* Few calls for a lone refusal, many for a batch: half of the faults hit near the end. */
    node->faulty.fail_in = (long)tg_rng_below(&s->rng, sim_chance(s, 50) ? 12 : 120);
}

/* One batch of a node, and what follows from it. */
static void turn(struct sim *s, struct sim_node *node, void *const *msgs, size_t count)
{
    unsigned long refused = node->faulty.refused;

    arm(s, node);
    s->t.off_clocks += count > 0 && (node->wrong_us > TG_US_PER_S || node->wrong_us < -TG_US_PER_S);
    sim_places_open(s, msgs, count);
    tg_sale_turn(node->sale, sim_node_now(node), msgs, count);
    if (node->faulty.crashed) {
        dead(s, node);
        return;
    }
    if (node->faulty.refused > refused) {
        s->t.refusals++;
        node->trouble_at = s->now.mono;
        if (s->wide && s->selling->dead_wall == 0) /* it may not know what the other did */
            s->selling->dead_wall = s->now.wall;
    }
    node->faulty.fail_in = -1;
    if (count > 0 && node->faulty.refused == refused)
        sim_check_lines(s, node);
    sim_selling_prices(s, node);
    if (!s->wide || node->faulty.refused == refused)
        s->selling->dead_wall = 0;
    sim_receive(s, node);
}

/* --- time --- */

static void set_time(struct sim *s, tg_us mono)
{
    if (mono <= s->now.mono)
        return;
    s->now.wall += mono - s->now.mono;
    s->now.mono = mono;
}

/* The next instant at which the clock wakes somebody. */
static tg_us next_alarm(const struct sim *s, unsigned *ret_node)
{
    tg_us next = TG_US_NEVER;

    for (unsigned i = 0; i < s->node_count; i++) {
        const struct sim_node *node = &s->nodes[i];
        tg_us due = node->back_at;

        if (node->alive)
            due = TG_MIN(tg_sale_deadline(node->sale), node->poll_at);

        if (due < next) {
            next = due;
            *ret_node = i;
        }
    }
    return next;
}

/* What the sale thread does when its clock wakes it. */
static void wake(struct sim *s, struct sim_node *node)
{
    bool due = tg_sale_deadline(node->sale) <= s->now.mono;

    if (node->poll_at <= s->now.mono) {
        struct tg_store *inner = node->faulty.inner;
        bool other = false;
        tg_err err = inner->ops->poll(inner, sim_node_now(node), &other);

        SIM_CHECK(err == TG_OK, "poll: %s", tg_err_name(err));
        node->poll_at = s->now.mono + TG_STORE_POLL_US;
        due = due || other;
    }
    if (due)
        turn(s, node, NULL, 0);
}

/* On to `target`, waking everybody at their own time. */
static void advance(struct sim *s, tg_us target)
{
    unsigned node = 0;
    tg_us alarm;

    for (int turns = 0; (alarm = next_alarm(s, &node)) <= target; turns++) {
        SIM_CHECK(turns < TURNS_MAX, "node %u's clock never comes to rest", node);
        set_time(s, alarm);
        if (s->nodes[node].alive)
            wake(s, &s->nodes[node]);
        else
            start(s, &s->nodes[node]);
    }
    set_time(s, target);
}

/* Each node takes what has arrived. */
static void arrive(struct sim *s)
{
    for (unsigned i = 0; i < s->node_count; i++) {
        struct sim_node *node = &s->nodes[i];
        void *msgs[BATCH_MAX];
        size_t count;

        if (!node->alive)
            continue;
        count = sim_arrivals(s, node, msgs, 1 + tg_rng_below(&s->rng, BATCH_MAX));
        if (count > 0)
            turn(s, node, msgs, count);
    }
}

/* One node dies and stays away, nobody asks for anything: the other ends what it left. */
static void fall_silent(struct sim *s)
{
    struct sim_node *node = &s->nodes[tg_rng_below(&s->wide_rng, s->node_count)];
    tg_us spell = (tg_us)tg_rng_below(&s->wide_rng, (uint64_t)s->hold_us * 3 / 2);

    if (!s->nodes[0].alive || !s->nodes[1].alive)
        return;
    dead(s, node);
    node->back_at = s->now.mono + spell + 1;
    for (int i = 0; i < SILENCE_LOOKS; i++) {
        advance(s, s->now.mono + spell / SILENCE_LOOKS);
        sim_check_disk(s);
    }
    s->t.silences++;
}

static void step(struct sim *s)
{
    uint64_t far = sim_chance(s, 3) ? (uint64_t)(s->hold_us / TG_US_PER_S) + 100 : 2;
    tg_us jump =
        (tg_us)tg_rng_below(&s->rng, far) * TG_US_PER_S + (tg_us)tg_rng_below(&s->rng, 500000);

    advance(s, s->now.mono + jump);
    if (s->wide && tg_rng_below(&s->wide_rng, 100) < 2)
        fall_silent(s);
    if (s->wide && tg_rng_below(&s->wide_rng, 100) < (far > 2 ? 60 : 3))
        sim_check_disk(s); /* what the clocks alone did, before anybody asks for anything */
    for (uint64_t n = tg_rng_below(&s->rng, 5); n > 0; n--)
        sim_new_request(s);
    sim_retry(s);
    sim_provider_work(s);
    arrive(s);
    if (sim_chance(s, 4))
        sim_check_disk(s);
}

/* Until the provider has answered all, and all of it was taken. */
static void settle_money(struct sim *s)
{
    advance(s, s->now.mono); /* dead nodes start */
    sim_provider_work(s);
    for (int tries = 0; !sim_provider_idle(s); tries++) {
        SIM_CHECK(tries < 1000, "the provider's news are never taken");
        sim_tell_again(s);
        advance(s, s->now.mono + 3 * TG_US_PER_S);
        arrive(s);
        sim_provider_work(s);
    }
}

/* Everybody lives, every term goes by, and nothing may be left open. */
static void settle(struct sim *s)
{
    s->settled = true;
    for (unsigned i = 0; i < s->node_count; i++) {
        s->nodes[i].faulty.fail_in = -1;
        s->nodes[i].back_at = s->now.mono;
    }
    settle_money(s);
    advance(s, s->now.mono + s->hold_us + SETTLE_US);
    for (unsigned i = 0; i < s->node_count; i++) {
        turn(s, &s->nodes[i], NULL, 0);
        SIM_CHECK(tg_shop_order_count(tg_sale_shop(s->nodes[i].sale)) == 0,
                  "holds outlived their time");
        sim_check_audit(s, &s->nodes[i]);
    }
    if (s->wide) {
        turn(s, &s->nodes[0], NULL, 0); /* what the other did last */
        sim_pair_agree(s);
        stop(&s->nodes[1]);
        start(s, &s->nodes[1]); /* who knows nothing but the disk */
        sim_pair_agree(s);
    }
    sim_check_disk(s);
}

/* --- the run --- */

static void files_gone(const struct sim *s)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    char path[sizeof(s->path) + 8];

    for (size_t i = 0; sim_postgres == NULL && i < TG_ARRAY_LEN(tails); i++) {
        tg_str_printf(path, sizeof(path), "%s%s", s->path, tails[i]);
        (void)unlink(path); /* some of them may not exist */
    }
    (void)rmdir(s->dir);
}

static void begin(struct sim *s)
{
    /* In memory where that is to be had: 2,000 restarts would otherwise wait for the disk. */
    tg_str_printf(s->dir, sizeof(s->dir), "%s/torg-sim-XXXXXX",
                  access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    SIM_CHECK(mkdtemp(s->dir) != NULL, "no directory");
    tg_str_printf(s->path, sizeof(s->path), "%s/shop.db", s->dir);
    if (sim_postgres != NULL)
        SIM_CHECK(tg_pg_server_url(sim_postgres, s->path, sizeof(s->path)), "no schema");
    s->requests = tg_calloc(SIM_REQS_MAX, sizeof(*s->requests));
    s->flights = tg_calloc(SIM_FLIGHT_MAX, sizeof(*s->flights));
    s->selling = tg_calloc(1, sizeof(*s->selling));
    SIM_CHECK(s->requests != NULL && s->flights != NULL && s->selling != NULL, "memory");
    s->selling->epoch_wall = s->now.wall;
    sim_catalog_begin(s);
    for (unsigned i = 0; i < s->node_count; i++) {
        struct sim_node *node = &s->nodes[i];

        node->sim = s;
        node->index = i;
        node->rng = tg_rng_seeded(s->seed ^ (UINT64_C(0x5a5a5a5a) + i));
        SIM_CHECK(tg_mailbox_new(&node->live, TG_MB_LIVE, tg_msg_free) == TG_OK, "mailbox");
        SIM_CHECK(tg_mailbox_new(&node->web, TG_MB_WEB, tg_msg_free) == TG_OK, "mailbox");
        start(s, node);
    }
}

static void end(struct sim *s)
{
    for (unsigned i = 0; i < s->node_count; i++) {
        stop(&s->nodes[i]);
        tg_mailbox_free(s->nodes[i].live);
        tg_mailbox_free(s->nodes[i].web);
    }
    sim_catalog_end(s);
    files_gone(s);
    for (size_t i = 0; i < s->request_count; i++)
        tg_free(s->requests[i].reply);
    tg_free(s->requests);
    tg_free(s->flights);
    tg_free(s->selling);
}

static void add(struct sim_totals *to, const struct sim_totals *t)
{
    const unsigned long *from = (const unsigned long *)t;
    unsigned long *sums = (unsigned long *)to;

    to->seeds++;
    for (size_t i = 0; i < sizeof(*t) / sizeof(*from); i++) /* t's own seeds are 0 */
        sums[i] += from[i];
}

void sim_run(uint64_t seed, struct sim_totals *totals)
{
    static struct sim s;
    /* Two nodes look at each other all the time: short terms, or a history takes minutes. */
    static const int holds_s[] = {30, 120, 600};

    memset(&s, 0, sizeof(s));
    s.seed = seed;
    s.rng = tg_rng_seeded(seed);
    s.now = (struct tg_shop_now){.mono = 1, .wall = (tg_us)1780000000 * TG_US_PER_S};
    sim_running = &s;
    s.node_count = sim_chance(&s, 40) ? 2 : 1;
    s.t.pairs = s.node_count - 1;
    sim_pair_begin(&s);
    s.hold_us = holds_s[tg_rng_below(&s.rng, s.node_count > 1 ? 2 : 3)] * (tg_us)TG_US_PER_S;
    sim_provider_begin();
    begin(&s);
    for (int i = 0; i < SIM_STEPS; i++)
        step(&s);
    settle(&s);
    end(&s);
    add(totals, &s.t);
    sim_running = NULL;
}
