/*
 * test_order_money.c - the books of an order's money: news told twice, late, of other amounts and
 * of other payments; questions that nobody answers; and goods that are found when the money comes.
 */
#include "support/lib/order_world.h"

/* --- the same thing told again --- */

static void test_capture_told_again_after_its_retry_is_booked_once(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    number_of_intents(w, 3);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16613), TG_CODE_OK);
    money_is(w, 16613, 16613, 0);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16613), TG_CODE_OK);
    money_is(w, 16613, 16613, 0);
    number_of_intents(w, 3); /* nothing is paid back */
    assert_int_equal(order_of(w)->refund_due, 0);
    world_free(w);
}

static void test_capture_told_of_a_question_that_was_answered_is_a_repeat(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    assert_int_equal(numbered(w, TG_NEWS_CAPTURED, 3, 16613), TG_CODE_OK); /* the retry's answer */
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16613), TG_CODE_OK); /* its webhook */
    money_is(w, 16613, 16613, 0);
    intent_is(w, 2, TG_INTENT_CAPTURE, TG_INTENT_FAILED, 16613);
    /* Even by the number of the failed one: the promise was taken whole. */
    assert_int_equal(numbered(w, TG_NEWS_CAPTURED, 2, 16613), TG_CODE_OK);
    money_is(w, 16613, 16613, 0);
    assert_int_equal(events_of(w, TG_EVENT_EXCESS), 1);
    world_free(w);
}

static void test_refund_told_again_never_passes_what_was_taken(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "REFUND-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_REFUND, 0, 0), TG_CODE_OK); /* fails again */
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16615), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16615), TG_CODE_OK);
    money_is(w, 16615, 16615, 16615);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 3, 16615), TG_CODE_OK);
    money_is(w, 16615, 16615, 16615);
    assert_int_equal(events_of(w, TG_EVENT_EXCESS), 1); /* told, not booked */
    assert_true(tg_payment_adds_up(order_of(w)));
    world_free(w);
}

/* --- several payments --- */

static void test_refund_is_asked_of_the_payment_that_pays(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "a", 100), TG_CODE_CONFLICT); /* too little */
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_DONE, 100);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "b", 14900), TG_CODE_OK);
    money_is(w, 14900, 14900, 0);
    payment_is(w, TG_PAYMENT_PAID);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    number_of_intents(w, 6);
    intent_is(w, 6, TG_INTENT_REFUND, TG_INTENT_DONE, 14900);
    assert_string_equal(intent(w, 6)->reference, "b");
    money_is(w, 14900, 14900, 14900);
    world_free(w);
}

static void test_order_paid_twice_reads_as_paid_once(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "second", 14900), TG_CODE_CLOSED);
    payment_is(w, TG_PAYMENT_PAID);
    money_is(w, 14900, 14900, 0);
    intent_is(w, 5, TG_INTENT_REFUND, TG_INTENT_DONE, 14900);
    assert_string_equal(intent(w, 5)->reference, "second");
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
}

static void test_other_money_pays_what_could_not_be_taken(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r9", 16613), TG_CODE_OK);
    payment_is(w, TG_PAYMENT_PAID);
    money_is(w, 16613, 16613, 0);
    intent_is(w, 5, TG_INTENT_VOID, TG_INTENT_DONE, 16613); /* the first promise */
    assert_int_equal(intent(w, 5)->of, 1);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    assert_int_equal(events_of(w, TG_EVENT_PAID), 1);
    stock_is(w, "CAPTURE-FAILS", 9, 0, 0);
    world_free(w);
}

/* What was sent back must not unlock the goods. */
static void test_too_little_second_money_unlocks_nothing(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r9", 16000), TG_CODE_CLOSED);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    payment_is(w, TG_PAYMENT_VOIDED);
    assert_int_equal(order_of(w)->authorised, 0);
    world_free(w);
}

static void test_promise_of_a_cancelled_order_is_let_go_of_when_its_capture_fails(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, w->payment, 0), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_VOID, TG_INTENT_DONE, 16616);
    payment_is(w, TG_PAYMENT_VOIDED);
    world_free(w);
}

/* --- other amounts than asked --- */

static void test_capture_of_less_is_booked_and_sends_nothing(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 5000), TG_CODE_OK);
    money_is(w, 16616, 5000, 0);
    payment_is(w, TG_PAYMENT_AUTHORISED);
    assert_int_equal(events_of(w, TG_EVENT_CAPTURE_FAILED), 1);
    reload(w);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 5000), TG_CODE_OK); /* told twice */
    money_is(w, 16616, 5000, 0);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0),
                     TG_CODE_OK); /* the rest: the sandbox does it */
    money_is(w, 16616, 16616, 0);
    payment_is(w, TG_PAYMENT_PAID);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
}

static void test_refund_of_less_asks_for_the_rest(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "REFUND-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 6617), TG_CODE_OK);
    assert_int_equal(order_of(w)->refund_due, 16617);
    number_of_intents(w, 4); /* and the sandbox answers a part at once */
    assert_int_equal(order_of(w)->intents[3].amount, 10000);
    money_is(w, 16617, 16617, 16617);
    payment_is(w, TG_PAYMENT_REFUNDED);
    world_free(w);
}

static void test_more_than_was_promised_is_told_and_not_booked(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 20000), TG_CODE_OK);
    money_is(w, 16616, 16616, 0);
    assert_int_equal(events_of(w, TG_EVENT_EXCESS), 1);
    world_free(w);
}

static void test_news_in_another_currency_is_refused(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_NEWS, "", "");

    (void)state;
    buy(w, "MUG", 1);
    c.key = w->payment;
    c.news = TG_NEWS_CAPTURED;
    c.reference = "r1";
    c.amount = 14900;
    c.currency = "SEK";
    assert_int_equal(decide(w, &c), TG_CODE_CONFLICT);
    number_of_intents(w, 0);
    c.currency = "NOK";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    world_free(w);
}

/* A refund by hand at the provider pays what was due: it is not paid twice. */
static void test_refund_by_hand_counts_as_the_one_that_failed(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy_two(w, "REFUND-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 1, 1), TG_CODE_OK);
    assert_int_equal(order_of(w)->refund_due, 16615);
    money_is(w, 14900, 14900 + 16615, 0);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "by-hand", 16615), TG_CODE_OK);
    money_is(w, 14900, 14900 + 16615, 16615);
    assert_int_equal(order_of(w)->refund_due, 16615);
    assert_int_equal(refund(w, -1), TG_CODE_CONFLICT); /* nothing is due */
    world_free(w);
}

/* --- nobody answers --- */

static enum tg_code ask_again(struct world *w)
{
    struct tg_claim c = claim_of(TG_CLAIM_ASK_AGAIN, "", w->payment);

    return decide(w, &c);
}

static void later(struct world *w, tg_us us)
{
    w->now.mono += us;
    w->now.wall += us;
}

static void test_open_question_is_asked_again_after_a_while(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    reload(w);
    assert_int_equal(ask_again(w), TG_CODE_OK);
    intent_is(w, 2, TG_INTENT_CAPTURE, TG_INTENT_ASKED, 16616); /* too early */
    later(w, TG_INTENT_WAIT_US);
    assert_int_equal(ask_again(w), TG_CODE_OK);
    intent_is(w, 2, TG_INTENT_CAPTURE, TG_INTENT_DONE, 16616);
    assert_int_equal(intent(w, 2)->asks, 2);
    money_is(w, 16616, 16616, 0);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
}

/* Somebody paid a part back by hand while the whole was on its way. */
static void test_answer_that_finds_no_room_is_told_of(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "REFUND-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "by-hand", 2821), TG_CODE_OK);
    later(w, TG_INTENT_WAIT_US);
    assert_int_equal(ask_again(w), TG_CODE_OK); /* the sandbox pays all of it back */
    money_is(w, 16617, 16617, 16617);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_DONE, 16617 - 2821);
    assert_int_equal(events_of(w, TG_EVENT_EXCESS), 1);
    world_free(w);
}

static void test_waits_double_and_end(void **state)
{
    struct tg_intent in = {.asked_wall = WALL_US, .changed_wall = WALL_US};
    tg_us now = WALL_US;
    unsigned asks = 0;

    (void)state;
    while (now - WALL_US < 30 * 24 * 60 * MINUTE_US) {
        if (tg_intent_due(&in, now)) {
            assert_true(now - in.changed_wall >= TG_INTENT_WAIT_US);
            in.changed_wall = now;
            asks++;
        }
        now += MINUTE_US;
    }
    assert_true(in.changed_wall - WALL_US < TG_INTENT_GIVE_UP_US);
    assert_in_range(asks, 50, 80); /* 1, 2, 4 ... minutes, then every six hours of two weeks */
    in.state = TG_INTENT_DONE;
    assert_false(tg_intent_due(&in, WALL_US + MINUTE_US));
}

static void test_staff_give_up_a_question(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_GIVE_UP, "s1", "");

    (void)state;
    buy(w, "REFUND-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    c.key = w->payment;
    c.intent = 3;
    c.reason = "the bank lost it";
    c.show = UINT16_MAX;
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND); /* not staff */
    c.staff = true;
    c.intent = 2;
    assert_int_equal(decide(w, &c), TG_CODE_CONFLICT); /* it was answered */
    c.intent = 3;
    c.reason = "";
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.reason = "the bank lost it";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_FAILED, 16617);
    assert_int_equal(refund(w, -1), TG_CODE_OK); /* due again, by another question */
    number_of_intents(w, 4);
    world_free(w);
}

/* --- goods found when the money comes --- */

/* The buyer of a mug and a gift in a first-paid show gives the mug up. */
static void gift_only(struct world *w)
{
    struct tg_claim c = claim_of(TG_CLAIM_CART_SET, "pA", "");
    struct tg_claim checkout = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    c.sku = "MUG";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    c.sku = "FREE";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    checkout.show = FIRST_PAID_SHOW;
    assert_int_equal(decide(w, &checkout), TG_CODE_OK);
    memcpy(w->order, w->v.order->id, sizeof(w->order));
    memcpy(w->payment, w->v.order->payment, sizeof(w->payment));
    assert_int_equal(w->v.order->total, 14900);
}

static void test_first_paid_order_cancelled_down_to_a_gift_takes_it(void **state)
{
    struct world *w = world_new();

    (void)state;
    gift_only(w);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    stock_is(w, "FREE", 10, 0, 1);
    stock_is(w, "MUG", 100, 0, 0);
    reload(w);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    stock_is(w, "FREE", 9, 0, 0);
    world_free(w);
}

static void test_first_paid_gift_that_is_gone_cancels_the_rest(void **state)
{
    struct world *w = world_new();
    char order[TG_UUID_SIZE];

    (void)state;
    gift_only(w);
    memcpy(order, w->order, sizeof(order));
    buy(w, "FREE", 10);
    memcpy(w->order, order, sizeof(order));
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    state_is(w, TG_ORDER_CANCELLED);
    assert_int_equal(events_of(w, TG_EVENT_SOLD_OUT), 1);
    stock_is(w, "FREE", 10, 0, 10);
    world_free(w);
}

/* A store in Oslo with some mugs; main has 100. */
static void open_oslo(struct world *w, int32_t units)
{
    struct tg_location oslo = {.ord = 1,
                               .kind = TG_LOCATION_STORE,
                               .name = "Oslo",
                               .priority = 1,
                               .show = UINT16_MAX,
                               .ships_from_wall = -1};
    struct tg_place_row row = {.sku = "MUG", .location = 1, .on_hand = units};

    tg_str_cut(oslo.id, sizeof(oslo.id), "oslo");
    assert_int_equal(tg_shop_put_location(w->shop, &oslo), TG_OK);
    assert_int_equal(tg_shop_put_place(w->shop, &row), TG_OK);
}

static int32_t sold_in_oslo(struct world *w)
{
    return tg_variant_place(tg_shop_variant(w->shop, "MUG"), 1)->count.sold;
}

static void test_late_and_first_paid_orders_remember_the_place(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "");

    (void)state;
    open_oslo(w, 2);
    c.sku = "MUG";
    c.location = "oslo";
    c.show = FIRST_PAID_SHOW;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    memcpy(w->order, w->v.order->id, sizeof(w->order));
    memcpy(w->payment, w->v.order->payment, sizeof(w->payment));
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(sold_in_oslo(w), 1);
    c.show = 3;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    memcpy(w->order, w->v.order->id, sizeof(w->order));
    memcpy(w->payment, w->v.order->payment, sizeof(w->payment));
    tg_shop_commit(w->shop);
    let_expire(w);
    reload(w);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(sold_in_oslo(w), 2);
    world_free(w);
}

/* --- whose deed --- */

static void movements_are_of(struct world *w, enum tg_movement kind, const char *actor,
                             const char *cause)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        if (effects[i].kind == TG_EFFECT_MOVEMENT && effects[i].movement == kind) {
            assert_string_equal(effects[i].actor, actor);
            assert_string_equal(effects[i].cause, cause);
            found++;
        }
    assert_int_equal(found, 1);
}

static void test_movements_name_staff_and_their_reason(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "");

    (void)state;
    c.sku = "MUG";
    c.channel = TG_CHANNEL_STAFF;
    c.by = "s7";
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    memcpy(w->order, w->v.order->id, sizeof(w->order));
    memcpy(w->payment, w->v.order->payment, sizeof(w->payment));
    movements_are_of(w, TG_MOVE_HOLD, "s7", "");
    tg_shop_commit(w->shop);
    assert_int_equal(pay(w), TG_CODE_OK);
    movements_are_of(w, TG_MOVE_SELL, "", "");
    reload(w);
    assert_int_equal(staff(w, TG_CLAIM_CANCEL, 0, 0), TG_CODE_OK);
    movements_are_of(w, TG_MOVE_UNSELL, "s1", "as agreed");
    world_free(w);
}

/* --- undone --- */

static void test_rollback_of_paid_and_sent_brings_the_lines_back(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    tg_shop_commit(w->shop);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_RETURN, 0, 1), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    assert_int_equal(order_of(w)->lines[0].fulfilled, 0);
    assert_int_equal(order_of(w)->lines[0].returned, 0);
    assert_int_equal(order_of(w)->paid_by, 0);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    stock_is(w, "MUG", 100, 0, 0);
    world_free(w);
}

static void test_damaged_order_refuses_its_own_claim(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CANCEL, "pA", "damaged");

    (void)state;
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    assert_int_equal(tg_shop_note_damaged(w->shop, "damaged"), TG_OK);
    assert_int_equal(decide(w, &c), TG_CODE_INTERNAL);
    buy(w, "MUG", 1);
    tg_shop_commit(w->shop);
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    world_free(w);
}

/* Every allocation of a paid order is given back with a full reload. */
static void test_forgetting_all_orders_frees_what_they_own(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, "little", 1), TG_CODE_CONFLICT);
    tg_shop_commit(w->shop);
    assert_non_null(order_of(w)->intents);
    tg_shop_forget_order(w->shop, NULL); /* the leak checker looks on */
    assert_null(order_of(w));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_told_again_after_its_retry_is_booked_once),
        cmocka_unit_test(test_capture_told_of_a_question_that_was_answered_is_a_repeat),
        cmocka_unit_test(test_refund_told_again_never_passes_what_was_taken),
        cmocka_unit_test(test_refund_is_asked_of_the_payment_that_pays),
        cmocka_unit_test(test_order_paid_twice_reads_as_paid_once),
        cmocka_unit_test(test_other_money_pays_what_could_not_be_taken),
        cmocka_unit_test(test_too_little_second_money_unlocks_nothing),
        cmocka_unit_test(test_promise_of_a_cancelled_order_is_let_go_of_when_its_capture_fails),
        cmocka_unit_test(test_capture_of_less_is_booked_and_sends_nothing),
        cmocka_unit_test(test_refund_of_less_asks_for_the_rest),
        cmocka_unit_test(test_more_than_was_promised_is_told_and_not_booked),
        cmocka_unit_test(test_news_in_another_currency_is_refused),
        cmocka_unit_test(test_refund_by_hand_counts_as_the_one_that_failed),
        cmocka_unit_test(test_open_question_is_asked_again_after_a_while),
        cmocka_unit_test(test_answer_that_finds_no_room_is_told_of),
        cmocka_unit_test(test_waits_double_and_end),
        cmocka_unit_test(test_staff_give_up_a_question),
        cmocka_unit_test(test_first_paid_order_cancelled_down_to_a_gift_takes_it),
        cmocka_unit_test(test_first_paid_gift_that_is_gone_cancels_the_rest),
        cmocka_unit_test(test_late_and_first_paid_orders_remember_the_place),
        cmocka_unit_test(test_movements_name_staff_and_their_reason),
        cmocka_unit_test(test_rollback_of_paid_and_sent_brings_the_lines_back),
        cmocka_unit_test(test_damaged_order_refuses_its_own_claim),
        cmocka_unit_test(test_forgetting_all_orders_frees_what_they_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
