/*
 * test_shop_waiting.c - the waiting list: order, offers, turns, purchase on a turn, rollback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/rules.h"
#include "shop/waiting.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)
#define TURN_US ((tg_us)60 * TG_US_PER_S)

enum { SHOW = 3 };

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
};

/* CUP: as many as said at 100.00; a show with a waiting list and turns of a minute. */
static tg_err open_world(struct world *w, int32_t cups)
{
    struct tg_shop_cfg cfg = {.rng = &w->rng, .currency = "NOK", .hold_us = 10 * TURN_US};
    struct tg_product p = {.id = "p1", .number = 1, .title = "Cup"};
    struct tg_variant cup = {.sku = "CUP",
                             .options = "{}",
                             .price = 10000,
                             .compare_at = -1,
                             .cost = -1,
                             .flash = -1,
                             .flash_until_wall = -1,
                             .stock = {.on_hand = cups}};
    struct tg_show_rules rules = {.show = SHOW, .waiting = true, .turn_us = TURN_US};
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = tg_shop_load_product(w->shop, &p);
    if (err == TG_OK)
        err = tg_shop_load_variant(w->shop, w->now, "p1", &cup);
    if (err == TG_OK)
        err = tg_shop_put_rules(w->shop, &rules);
    return err;
}

static struct world *world_new(int32_t cups)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w, cups), TG_OK);
    return w;
}

static void world_free(struct world *w)
{
    tg_shop_free(w->shop);
    tg_free(w);
}

static struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, int32_t qty)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "",
                             .source = "",
                             .show = SHOW,
                             .at_ms = -1,
                             .media_ms = 5000,
                             .op = "",
                             .id = "",
                             .by = "",
                             .sku = "CUP",
                             .qty = qty,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = ""};
}

static enum tg_code decide(struct world *w, const struct tg_claim *c)
{
    tg_shop_decide(w->shop, w->now, c, &w->v);
    return w->v.code;
}

static enum tg_code buy(struct world *w, const char *person, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, person, qty);

    return decide(w, &c);
}

static enum tg_code wait_for(struct world *w, const char *person, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_WAIT, person, qty);

    return decide(w, &c);
}

static enum tg_code leave(struct world *w, const char *person)
{
    struct tg_claim c = claim_of(TG_CLAIM_WAIT, person, 1);

    c.leave = true;
    return decide(w, &c);
}

static enum tg_code cancel(struct world *w, const char *person, const char *order)
{
    struct tg_claim c = claim_of(TG_CLAIM_CANCEL, person, 1);

    c.key = order;
    return decide(w, &c);
}

static enum tg_code receive(struct world *w, int32_t more)
{
    struct tg_claim c = claim_of(TG_CLAIM_STOCK, "s1", 1);

    c.value = more;
    return decide(w, &c);
}

static void commit(struct world *w)
{
    const struct tg_effect *effects;
    size_t count;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    tg_shop_commit(w->shop);
}

static void pass_time(struct world *w, tg_us us)
{
    w->now.mono += us;
    w->now.wall += us;
    while (tg_shop_deadline(w->shop) <= w->now.mono)
        assert_true(tg_shop_tick(w->shop, w->now, 100) > 0);
}

static const struct tg_waiter *who(struct world *w, const char *person)
{
    return tg_shop_waiter(w->shop, person, "CUP");
}

static int32_t held(struct world *w)
{
    return tg_shop_variant(w->shop, "CUP")->stock.held;
}

static int32_t available(struct world *w)
{
    return tg_variant_available(tg_shop_variant(w->shop, "CUP"));
}

/* --- coming --- */

static void test_wait_gives_places_in_the_order_of_coming(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(buy(w, "pA", 1), TG_CODE_SOLD_OUT);
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    assert_int_equal(w->v.place, 1);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(w->v.place, 2);
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK); /* asked again: the same place */
    assert_int_equal(w->v.place, 1);
    assert_int_equal(tg_shop_waiting(w->shop, "CUP"), 2);
    assert_int_equal(w->v.waiter->state, TG_WAITER_WAITING);
    commit(w);
    world_free(w);
}

static void test_wait_is_refused_when_it_cannot_be(void **state)
{
    struct world *w = world_new(3);
    struct tg_claim c = claim_of(TG_CLAIM_WAIT, "pA", 1);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 3), TG_CODE_BAD_REQUEST); /* there to buy */
    assert_int_equal(wait_for(w, "pA", 0), TG_CODE_BAD_REQUEST);
    assert_int_equal(wait_for(w, "pA", TG_QTY_MAX + 1), TG_CODE_BAD_REQUEST);
    assert_int_equal(wait_for(w, "", 5), TG_CODE_UNAUTHORIZED);
    assert_int_equal(leave(w, "pA"), TG_CODE_NOT_FOUND);
    c.qty = 9;
    c.show = 4; /* a show without a waiting list */
    assert_int_equal(decide(w, &c), TG_CODE_CLOSED);
    c.show = SHOW;
    c.sku = "NONE";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    assert_int_equal(tg_shop_waiting(w->shop, "CUP"), 0);
    world_free(w);
}

static void test_fewer_keeps_the_place_and_more_goes_to_the_end(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 3), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    assert_int_equal(w->v.place, 1);
    assert_int_equal(wait_for(w, "pA", 4), TG_CODE_OK);
    assert_int_equal(w->v.place, 2);
    assert_int_equal(who(w, "pB")->ticket, 2);
    assert_int_equal(who(w, "pA")->ticket, 3);
    world_free(w);
}

/* --- turns --- */

static void test_what_comes_free_is_the_heads_before_anybody_can_buy(void **state)
{
    struct world *w = world_new(1);
    char order[TG_UUID_SIZE];

    (void)state;
    assert_int_equal(buy(w, "pX", 1), TG_CODE_OK);
    memcpy(order, w->v.order->id, sizeof(order));
    commit(w);
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(cancel(w, "pX", order), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->state, TG_WAITER_TURN);
    assert_int_equal(who(w, "pA")->offered, 1);
    assert_int_equal(who(w, "pA")->until_wall, w->now.wall + TURN_US);
    assert_int_equal(held(w), 1);
    assert_int_equal(buy(w, "pX", 1), TG_CODE_SOLD_OUT);
    assert_int_equal(buy(w, "pB", 1), TG_CODE_SOLD_OUT); /* the second may not either */
    assert_int_equal(buy(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(w->v.order->channel, TG_CHANNEL_WAITING);
    assert_int_equal(held(w), 1);
    assert_null(who(w, "pA"));
    assert_int_equal(tg_waiter_place(who(w, "pB")), 1);
    commit(w);
    world_free(w);
}

static void test_more_that_comes_free_fills_the_heads_offer_first(void **state)
{
    struct world *w = world_new(0);
    tg_us until;

    (void)state;
    assert_int_equal(wait_for(w, "pA", 3), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 1);
    until = who(w, "pA")->until_wall;
    pass_time(w, TG_US_PER_S);
    assert_int_equal(receive(w, 3), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 3);
    assert_int_equal(who(w, "pA")->until_wall, until); /* the turn is not made longer */
    assert_int_equal(who(w, "pB")->offered, 1);
    assert_int_equal(available(w), 0);
    assert_int_equal(tg_shop_offered(w->shop, "CUP"), 4);
    commit(w);
    world_free(w);
}

static void test_part_of_an_offer_bought_lets_the_rest_go_on(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 3), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 5), TG_CODE_OK);
    assert_int_equal(receive(w, 3), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", 2), TG_CODE_OK);
    assert_null(who(w, "pA"));
    assert_int_equal(who(w, "pB")->offered, 1);
    assert_int_equal(held(w), 3);
    commit(w);
    world_free(w);
}

static void test_all_of_a_small_offer_bought_keeps_the_place_for_the_rest(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 3), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    assert_int_equal(buy(w, "pA", 2), TG_CODE_SOLD_OUT); /* only one is offered */
    assert_int_equal(who(w, "pA")->offered, 1);
    assert_int_equal(held(w), 1);
    assert_int_equal(buy(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->qty, 2);
    assert_int_equal(who(w, "pA")->state, TG_WAITER_WAITING);
    assert_int_equal(tg_waiter_place(who(w, "pA")), 1);
    assert_int_equal(receive(w, 2), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 2);
    assert_int_equal(who(w, "pB")->offered, 0);
    commit(w);
    world_free(w);
}

static void test_lapsed_turn_goes_on_to_the_next(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    commit(w);
    assert_int_equal(tg_shop_deadline(w->shop), w->now.mono + TURN_US);
    pass_time(w, TURN_US);
    assert_null(who(w, "pA"));
    assert_int_equal(who(w, "pB")->state, TG_WAITER_TURN);
    assert_int_equal(held(w), 1);
    assert_int_equal(buy(w, "pA", 1), TG_CODE_SOLD_OUT);
    commit(w);
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK); /* may come again, at the end */
    assert_int_equal(w->v.place, 2);
    world_free(w);
}

static void test_purchase_after_the_turn_and_before_the_tick_is_too_late(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    commit(w);
    w->now.mono += TURN_US;
    w->now.wall += TURN_US;
    assert_int_equal(buy(w, "pB", 1), TG_CODE_OK); /* nobody waits any more */
    assert_int_equal(buy(w, "pA", 1), TG_CODE_SOLD_OUT);
    commit(w);
    world_free(w);
}

static void test_leaving_passes_the_turn_on(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pC", 1), TG_CODE_OK);
    assert_int_equal(leave(w, "pB"), TG_CODE_OK);
    assert_int_equal(w->v.waiter->state, TG_WAITER_LEFT);
    assert_int_equal(receive(w, 2), TG_CODE_OK);
    assert_int_equal(leave(w, "pA"), TG_CODE_OK);
    assert_int_equal(who(w, "pC")->offered, 1);
    assert_int_equal(available(w), 1);
    commit(w);
    assert_int_equal(held(w), 1);
    world_free(w);
}

static void test_checkout_uses_the_turn(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_CART_SET, "pA", 2);

    (void)state;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    assert_int_equal(receive(w, 2), TG_CODE_OK);
    c = claim_of(TG_CLAIM_CHECKOUT, "pA", 0);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_null(who(w, "pA"));
    assert_int_equal(held(w), 2);
    commit(w);
    world_free(w);
}

/* A turn of two units in a show whose window is over, and who pays first gets it. */
static struct world *closed_show_with_a_turn(void)
{
    const struct tg_show_rules rules = {
        .show = SHOW, .waiting = true, .turn_us = TURN_US, .first_paid = true};
    struct tg_show_item item = {.show = SHOW, .sku = "CUP", .from_ms = 0, .until_ms = -1};
    struct world *w = world_new(0);

    assert_int_equal(tg_shop_put_rules(w->shop, &rules), TG_OK);
    assert_int_equal(wait_for(w, "pA", 3), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 3), TG_CODE_OK);
    item.until_ms = 100;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(receive(w, 2), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 2);
    return w;
}

static void test_turn_is_a_promise_by_every_way_to_buy(void **state)
{
    static const enum tg_channel ways[] = {TG_CHANNEL_BUTTON, TG_CHANNEL_COMMENT, TG_CHANNEL_CART};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(ways); i++) {
        struct world *w = closed_show_with_a_turn();
        bool cart = ways[i] == TG_CHANNEL_CART;
        struct tg_claim put = claim_of(TG_CLAIM_CART_SET, "pA", 2);
        struct tg_claim c = claim_of(cart ? TG_CLAIM_CHECKOUT : TG_CLAIM_BUY, "pA", 2);

        c.channel = ways[i];
        if (cart)
            assert_int_equal(decide(w, &put), TG_CODE_OK);
        assert_int_equal(decide(w, &c), TG_CODE_OK);
        assert_false(w->v.order->unheld);
        assert_int_equal(held(w), 2); /* theirs, and not offered to the next in line */
        assert_int_equal(who(w, "pB")->offered, 0);
        commit(w);
        world_free(w);
    }
}

static void test_turn_opens_the_window_for_its_units_alone(void **state)
{
    struct world *w = closed_show_with_a_turn();

    (void)state;
    assert_int_equal(buy(w, "pA", 3), TG_CODE_CLOSED);
    assert_string_equal(w->v.message, "Only 2 of Cup are yours now: the time to buy is over.");
    assert_int_equal(buy(w, "pC", 1), TG_CODE_CLOSED);
    assert_int_equal(buy(w, "pA", 2), TG_CODE_OK);
    commit(w);
    world_free(w);
}

static void test_nobody_gets_a_turn_of_what_is_no_longer_sold(void **state)
{
    struct world *w = world_new(0);
    struct tg_variant cup = *tg_shop_variant(w->shop, "CUP");

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    commit(w);
    cup.archived = true;
    assert_int_equal(tg_shop_describe(w->shop, &cup), TG_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 0);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_NOT_FOUND);
    assert_int_equal(buy(w, "pA", 1), TG_CODE_NOT_FOUND);
    commit(w);
    cup.archived = false;
    assert_int_equal(tg_shop_describe(w->shop, &cup), TG_OK);
    assert_int_equal(tg_shop_deadline(w->shop), 0);
    (void)tg_shop_tick(w->shop, w->now, 100);
    assert_int_equal(who(w, "pA")->offered, 1); /* sold again: the line goes on */
    assert_int_equal(leave(w, "pA"), TG_CODE_OK);
    commit(w);
    world_free(w);
}

static void test_what_people_wait_for_becomes_no_bundle(void **state)
{
    struct world *w = world_new(0);
    const struct tg_rules_change change = {.sku = "CUP", .set_parts = true, .part_count = 0};
    const struct tg_part_row part = {.sku = "CUP", .qty = 1};
    struct tg_rules_change bundle = change;
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_RULES, "s1", 1);

    (void)state;
    bundle.parts = &part;
    bundle.part_count = 1;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    c.rules_change = &bundle;
    assert_int_equal(decide(w, &c), TG_CODE_CONFLICT);
    c.rules_change = &change;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    commit(w);
    world_free(w);
}

static void test_first_units_short_of_the_wish_are_offered_at_once(void **state)
{
    struct world *w = world_new(2);

    (void)state;
    assert_int_equal(buy(w, "pA", 5), TG_CODE_SOLD_OUT);
    assert_int_equal(wait_for(w, "pA", 5), TG_CODE_OK);
    assert_int_equal(w->v.waiter->state, TG_WAITER_TURN);
    assert_int_equal(w->v.waiter->offered, 2);
    world_free(w);
}

static void test_units_of_a_place_that_opens_are_the_heads(void **state)
{
    struct world *w = world_new(0);
    struct tg_location_change oslo = {.location = {.ord = 1,
                                                   .id = "oslo",
                                                   .name = "Oslo",
                                                   .kind = TG_LOCATION_STORE,
                                                   .show = UINT16_MAX,
                                                   .ships_from_wall = -1,
                                                   .closed = true}};
    const struct tg_place_row row = {.sku = "CUP", .location = 1, .on_hand = 3};
    struct tg_claim c = claim_of(TG_CLAIM_LOCATION, "s1", 1);

    (void)state;
    assert_int_equal(tg_shop_put_location(w->shop, &oslo.location), TG_OK);
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_OK);
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 0);
    oslo.location.closed = false;
    c.location_change = &oslo;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 2);
    assert_int_equal(buy(w, "pB", 2), TG_CODE_SOLD_OUT);
    commit(w);
    world_free(w);
}

static void test_units_that_staff_kept_back_are_the_heads(void **state)
{
    struct world *w = world_new(3);
    struct tg_rules_change change = {.sku = "CUP", .rules = {.safety = 3}};
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_RULES, "s1", 1);

    (void)state;
    c.rules_change = &change;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 0);
    change.rules.safety = 0;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(who(w, "pA")->offered, 2);
    assert_int_equal(available(w), 1);
    commit(w);
    world_free(w);
}

/* --- who is told --- */

static size_t tell_all(struct world *w, const char *person, uint32_t *ret_place)
{
    const struct tg_waiter *t;
    uint32_t place;
    size_t count = 0;

    while (tg_shop_tell_waiter(w->shop, &t, &place)) {
        count++;
        if (strcmp(t->person, person) == 0)
            *ret_place = place;
    }
    return count;
}

static void test_each_step_of_the_line_is_told_once(void **state)
{
    struct world *w = world_new(0);
    uint32_t place = 99;

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pC", 1), TG_CODE_OK);
    assert_int_equal(tell_all(w, "pA", &place), 0); /* the answers said it */
    commit(w);
    assert_int_equal(leave(w, "pA"), TG_CODE_OK);
    assert_int_equal(tell_all(w, "pC", &place), 3);
    assert_int_equal(place, 2);
    commit(w);
    assert_int_equal(tell_all(w, "pC", &place), 0);
    world_free(w);
}

/* --- the batch --- */

static size_t effects_of(struct world *w, enum tg_effect_kind kind)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        found += effects[i].kind == kind;
    return found;
}

static void test_refused_purchase_on_a_turn_writes_nothing(void **state)
{
    struct world *w = world_new(0);
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", 1);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    commit(w);
    c.price = 1; /* the page showed less */
    assert_int_equal(decide(w, &c), TG_CODE_PRICE_CHANGED);
    assert_int_equal(who(w, "pA")->offered, 1);
    assert_int_equal(held(w), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_MOVEMENT), 0);
    world_free(w);
}

static void test_rollback_restores_the_line(void **state)
{
    struct world *w = world_new(0);
    tg_us until;

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 2), TG_CODE_OK);
    assert_int_equal(receive(w, 1), TG_CODE_OK);
    commit(w);
    until = who(w, "pA")->until_wall;
    assert_int_equal(buy(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 3), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pC", 1), TG_CODE_OK);
    assert_int_equal(receive(w, 9), TG_CODE_OK);
    assert_int_equal(leave(w, "pC"), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pA", 99), TG_CODE_OK); /* came again in the same batch */
    tg_shop_rollback(w->shop);
    assert_int_equal(who(w, "pA")->state, TG_WAITER_TURN);
    assert_int_equal(who(w, "pA")->until_wall, until);
    assert_int_equal(tg_waiter_place(who(w, "pA")), 1);
    assert_int_equal(who(w, "pB")->qty, 2);
    assert_int_equal(who(w, "pB")->offered, 0);
    assert_int_equal(who(w, "pB")->ticket, 2);
    assert_null(who(w, "pC"));
    assert_int_equal(held(w), 1);
    pass_time(w, TURN_US); /* its clock runs on */
    assert_int_equal(who(w, "pB")->offered, 1);
    commit(w);
    world_free(w);
}

/* It was read that the product is sold again; only the turn is undone, not that. */
static void test_turn_that_a_rollback_undid_is_given_again(void **state)
{
    struct world *w = world_new(0);
    struct tg_variant cup = *tg_shop_variant(w->shop, "CUP");

    (void)state;
    assert_int_equal(wait_for(w, "pA", 2), TG_CODE_OK);
    commit(w);
    cup.archived = true;
    assert_int_equal(tg_shop_describe(w->shop, &cup), TG_OK);
    assert_int_equal(receive(w, 3), TG_CODE_OK);
    commit(w);
    assert_int_not_equal(tg_shop_deadline(w->shop), 0);
    cup.archived = false;
    assert_int_equal(tg_shop_describe(w->shop, &cup), TG_OK);
    (void)tg_shop_tick(w->shop, w->now, 100);
    assert_int_equal(who(w, "pA")->offered, 2);
    tg_shop_rollback(w->shop);
    assert_int_equal(who(w, "pA")->offered, 0);
    assert_int_equal(tg_shop_deadline(w->shop), 0);
    (void)tg_shop_tick(w->shop, w->now, 100);
    assert_int_equal(who(w, "pA")->offered, 2);
    commit(w);
    world_free(w);
}

static void test_effects_say_who_is_in_line_and_who_left(void **state)
{
    struct world *w = world_new(0);

    (void)state;
    assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pB", 1), TG_CODE_OK);
    assert_int_equal(leave(w, "pB"), TG_CODE_OK); /* came and went: nothing to write */
    assert_int_equal(effects_of(w, TG_EFFECT_WAITER), 1);
    assert_int_equal(effects_of(w, TG_EFFECT_WAITER_GONE), 0);
    tg_shop_commit(w->shop);
    assert_int_equal(leave(w, "pA"), TG_CODE_OK);
    assert_int_equal(effects_of(w, TG_EFFECT_WAITER_GONE), 1);
    tg_shop_commit(w->shop);
    for (int i = 0; i < 3; i++) { /* in and out, over and over in one batch */
        assert_int_equal(wait_for(w, "pA", 1), TG_CODE_OK);
        assert_int_equal(leave(w, "pA"), TG_CODE_OK);
    }
    commit(w);
    assert_null(who(w, "pA"));
    world_free(w);
}

/* --- loading --- */

static void test_load_brings_line_and_turns_back(void **state)
{
    struct world *w = world_new(1);
    struct tg_waiter a = {.person = "pA",
                          .sku = "CUP",
                          .show = SHOW,
                          .ticket = 7,
                          .qty = 1,
                          .until_wall = WALL_US + TURN_US / 2};
    struct tg_waiter b = {
        .person = "pB", .sku = "CUP", .show = SHOW, .ticket = 4, .qty = 2, .until_wall = -1};

    (void)state;
    a.offered = 1;
    b.until_wall = -1;
    assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &a), TG_OK);
    assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &b), TG_OK);
    assert_int_equal(tg_waiter_place(who(w, "pB")), 1);
    b.ticket = 9; /* read again: changed by somebody else */
    assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &b), TG_OK);
    assert_int_equal(tg_waiter_place(who(w, "pB")), 2);
    b.person[1] = 'C';
    assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &b), TG_ERR_CONFLICT); /* its ticket */
    b.qty = 0;
    assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &b), TG_ERR_LIMIT);
    b.qty = 1;
    b.sku[0] = 'X';
    assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &b), TG_ERR_NOTFOUND);
    assert_int_equal(tg_shop_offered(w->shop, "CUP"), 1);
    tg_shop_forget_line(w->shop, "CUP");
    assert_int_equal(tg_shop_waiting(w->shop, "CUP"), 0);
    assert_null(who(w, "pA"));
    world_free(w);
}

static void test_line_and_person_are_bounded(void **state)
{
    struct world *w = world_new(0);
    struct tg_waiter one = {.sku = "CUP", .show = SHOW, .qty = 1, .until_wall = -1};

    (void)state;
    for (int64_t i = 1; i <= TG_WAITERS_SKU_MAX; i++) {
        tg_str_printf(one.person, sizeof(one.person), "p%lld", (long long)i);
        one.ticket = i;
        assert_int_equal(tg_shop_load_waiter(w->shop, w->now, &one), TG_OK);
    }
    assert_int_equal(wait_for(w, "pLate", 1), TG_CODE_LIMIT);
    assert_int_equal(leave(w, "p77"), TG_CODE_OK);
    assert_int_equal(wait_for(w, "pLate", 1), TG_CODE_OK);
    assert_int_equal(w->v.place, TG_WAITERS_SKU_MAX);
    commit(w);
    world_free(w);
}

static void test_a_person_stands_in_few_lines(void **state)
{
    struct world *w = world_new(0);
    struct tg_variant v = *tg_shop_variant(w->shop, "CUP");
    struct tg_claim c = claim_of(TG_CLAIM_WAIT, "pA", 1);

    (void)state;
    for (int i = 0; i <= TG_WAITERS_PERSON_MAX; i++) {
        tg_str_printf(v.sku, sizeof(v.sku), "S%d", i);
        assert_int_equal(tg_shop_load_variant(w->shop, w->now, "p1", &v), TG_OK);
        c.sku = v.sku;
        assert_int_equal(decide(w, &c), i < TG_WAITERS_PERSON_MAX ? TG_CODE_OK : TG_CODE_LIMIT);
    }
    commit(w);
    world_free(w);
}

/* --- without memory --- */

static void everything(struct world *w, tg_err *ret_err, bool *ret_internal)
{
    const struct tg_effect *effects;
    size_t count;

    *ret_internal = false;
    *ret_err = open_world(w, 0);
    if (*ret_err == TG_OK) {
        *ret_internal |= wait_for(w, "pA", 2) == TG_CODE_INTERNAL;
        *ret_internal |= wait_for(w, "pB", 1) == TG_CODE_INTERNAL;
        *ret_internal |= receive(w, 1) == TG_CODE_INTERNAL;
        *ret_internal |= buy(w, "pA", 1) == TG_CODE_INTERNAL;
        w->now.mono += TURN_US;
        (void)tg_shop_tick(w->shop, w->now, 10);
        *ret_err = tg_shop_effects(w->shop, w->now.wall, &effects, &count);
        if (*ret_err == TG_OK)
            tg_shop_commit(w->shop);
        else
            tg_shop_rollback(w->shop);
    }
    tg_shop_free(w->shop);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    struct world w;
    bool internal;
    tg_err err;
    long n;

    (void)state;
    for (n = 0;; n++) {
        tg_alloc_fail_nth(n);
        everything(&w, &err, &internal);
        if (!tg_alloc_failed())
            break;
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
    }
    tg_alloc_fail_nth(-1);
    assert_int_equal(err, TG_OK);
    assert_false(internal);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_gives_places_in_the_order_of_coming),
        cmocka_unit_test(test_wait_is_refused_when_it_cannot_be),
        cmocka_unit_test(test_fewer_keeps_the_place_and_more_goes_to_the_end),
        cmocka_unit_test(test_what_comes_free_is_the_heads_before_anybody_can_buy),
        cmocka_unit_test(test_more_that_comes_free_fills_the_heads_offer_first),
        cmocka_unit_test(test_part_of_an_offer_bought_lets_the_rest_go_on),
        cmocka_unit_test(test_all_of_a_small_offer_bought_keeps_the_place_for_the_rest),
        cmocka_unit_test(test_lapsed_turn_goes_on_to_the_next),
        cmocka_unit_test(test_purchase_after_the_turn_and_before_the_tick_is_too_late),
        cmocka_unit_test(test_leaving_passes_the_turn_on),
        cmocka_unit_test(test_checkout_uses_the_turn),
        cmocka_unit_test(test_turn_is_a_promise_by_every_way_to_buy),
        cmocka_unit_test(test_turn_opens_the_window_for_its_units_alone),
        cmocka_unit_test(test_nobody_gets_a_turn_of_what_is_no_longer_sold),
        cmocka_unit_test(test_what_people_wait_for_becomes_no_bundle),
        cmocka_unit_test(test_first_units_short_of_the_wish_are_offered_at_once),
        cmocka_unit_test(test_units_of_a_place_that_opens_are_the_heads),
        cmocka_unit_test(test_units_that_staff_kept_back_are_the_heads),
        cmocka_unit_test(test_each_step_of_the_line_is_told_once),
        cmocka_unit_test(test_refused_purchase_on_a_turn_writes_nothing),
        cmocka_unit_test(test_rollback_restores_the_line),
        cmocka_unit_test(test_turn_that_a_rollback_undid_is_given_again),
        cmocka_unit_test(test_effects_say_who_is_in_line_and_who_left),
        cmocka_unit_test(test_load_brings_line_and_turns_back),
        cmocka_unit_test(test_line_and_person_are_bounded),
        cmocka_unit_test(test_a_person_stands_in_few_lines),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };

    return cmocka_run_group_tests_name("shop_waiting", tests, NULL, NULL);
}
