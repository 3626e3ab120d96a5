/*
 * test_turn_stock.c - the units that are held for a turn of the waiting list are the buyer's,
 * whatever became of the shelf meanwhile.
 */
#include "support/lib/order_world.h"

static void held_is(const struct world *w, int32_t held)
{
    const struct tg_place *oslo = tg_variant_place(tg_shop_variant(w->shop, "CUP"), 1);

    assert_non_null(oslo);
    assert_int_equal(oslo->count.on_hand, 1);
    assert_int_equal(oslo->count.held, held);
}

/* The only CUP lies in Oslo. pB's order of it is cancelled while pA waits: pA has the turn. */
static struct world *turn_of_one(void)
{
    const struct tg_show_rules rules = {.show = 3, .waiting = true, .turn_us = MINUTE_US};
    const struct tg_location oslo = {.ord = 1,
                                     .kind = TG_LOCATION_STORE,
                                     .id = "oslo",
                                     .name = "Oslo",
                                     .priority = 1,
                                     .show = UINT16_MAX,
                                     .ships_from_wall = -1};
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_STOCK, "s1", "");

    assert_int_equal(tg_shop_put_rules(w->shop, &rules), TG_OK);
    assert_int_equal(tg_shop_put_location(w->shop, &oslo), TG_OK);
    assert_int_equal(add_variant(w, "CUP", 10000, 0), TG_OK);
    c.sku = "CUP";
    c.staff = true;
    c.absolute = true;
    c.value = 1;
    c.location = "oslo";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    c = claim_of(TG_CLAIM_BUY, "pB", "");
    c.sku = "CUP";
    c.at_ms = -1;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    memcpy(w->order, w->v.order->id, sizeof(w->order));
    c = claim_of(TG_CLAIM_WAIT, "pA", "");
    c.sku = "CUP";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.place, 1);
    c = claim_of(TG_CLAIM_CANCEL, "pB", w->order);
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    tg_shop_commit(w->shop);
    held_is(w, 1);
    return w;
}

static enum tg_code buy_cups(struct world *w, const char *person, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, person, "");

    c.sku = "CUP";
    c.qty = qty;
    return decide(w, &c);
}

static void test_safety_stock_raised_after_the_offer_leaves_the_turn(void **state)
{
    const struct tg_rules_change change = {.sku = "CUP", .rules = {.safety = 5}};
    struct world *w = turn_of_one();
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_RULES, "s1", "");

    (void)state;
    c.staff = true;
    c.rules_change = &change;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(buy_cups(w, "pC", 1), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_cups(w, "pA", 2), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_cups(w, "pA", 1), TG_CODE_OK);
    held_is(w, 1);
    world_free(w);
}

static void close_place(struct world *w, const char *id, bool closed)
{
    struct tg_location_change change = {.location = *tg_shop_location(w->shop, id)};
    struct tg_claim c = claim_of(TG_CLAIM_LOCATION, "s1", "");

    change.location.closed = closed;
    c.staff = true;
    c.location_change = &change;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
}

static void test_place_closed_after_the_offer_leaves_the_turn(void **state)
{
    struct world *w = turn_of_one();

    (void)state;
    close_place(w, "oslo", true);
    assert_int_equal(buy_cups(w, "pC", 1), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_cups(w, "pA", 2), TG_CODE_SOLD_OUT);
    assert_int_equal(buy_cups(w, "pA", 1), TG_CODE_OK);
    held_is(w, 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safety_stock_raised_after_the_offer_leaves_the_turn),
        cmocka_unit_test(test_place_closed_after_the_offer_leaves_the_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
