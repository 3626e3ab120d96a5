/*
 * test_orders.c - the life of an order after the claim: payment news in any order, cancelling,
 * sending, coming back, first-paid mode, and that everything can be undone.
 */
#include "support/lib/order_world.h"

/* --- money --- */

static void test_first_number_is_configured(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(order_of(w)->number, 5001);
    world_free(w);
}

static void test_paying_captures_the_total_and_sells(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    payment_is(w, TG_PAYMENT_PAID);
    money_is(w, 29800, 29800, 0);
    assert_int_equal(order_of(w)->intent_count, 2);
    stock_is(w, "MUG", 100, 0, 2);
    assert_int_equal(pay(w), TG_CODE_OK); /* told twice */
    assert_int_equal(order_of(w)->intent_count, 2);
    assert_int_equal(events_of(w, TG_EVENT_PAID), 1);
    assert_int_equal(events_of(w, TG_EVENT_CAPTURED), 0); /* said by `paid` */
    world_free(w);
}

static void test_news_may_come_twice_and_out_of_order(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r1", 14900), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    money_is(w, 14900, 14900, 0);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, "r1", 14900), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r1", 14900), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_DECLINED, "r0", 0), TG_CODE_OK); /* of an earlier attempt */
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, "r1", 0), TG_CODE_OK);
    money_is(w, 14900, 14900, 0);
    payment_is(w, TG_PAYMENT_PAID);
    stock_is(w, "MUG", 100, 0, 1);
    world_free(w);
}

static void test_declined_payment_leaves_the_order_open(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_DECLINED, "r1", 0), TG_CODE_OK);
    state_is(w, TG_ORDER_AWAITING);
    payment_is(w, TG_PAYMENT_DECLINED);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, "r2", 14900), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    assert_int_equal(order_of(w)->payment_tries, 2);
    world_free(w);
}

static void test_second_payment_is_let_go_of(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, "r1", 14900), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, "r2", 14900), TG_CODE_CLOSED);
    money_is(w, 14900, 14900, 0);
    assert_int_equal(order_of(w)->authorised, 14900);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r3", 14900), TG_CODE_CLOSED);
    money_is(w, 14900, 14900, 0); /* the third was taken: it goes back, and is not the order's */
    assert_int_equal(order_of(w)->intents[order_of(w)->intent_count - 1].kind, TG_INTENT_REFUND);
    stock_is(w, "MUG", 100, 0, 1);
    world_free(w);
}

static void test_too_little_money_buys_nothing(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, "r1", 14899), TG_CODE_CONFLICT);
    state_is(w, TG_ORDER_AWAITING);
    payment_is(w, TG_PAYMENT_VOIDED);
    assert_int_equal(order_of(w)->authorised, 0);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r2", 15000), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    money_is(w, 14900, 15000, 100); /* what was too much goes back */
    world_free(w);
}

static void test_late_payment_claims_the_goods_again(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "LAST", 1);
    let_expire(w);
    reload(w);
    stock_is(w, "LAST", 1, 0, 0);
    assert_int_equal(pay(w), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    stock_is(w, "LAST", 1, 0, 1);
    money_is(w, 119000, 119000, 0);
    world_free(w);
}

static void test_late_payment_for_goods_that_are_gone_is_let_go_of(void **state)
{
    struct world *w = world_new();
    char late[TG_PAYMENT_ID_SIZE];
    char order[TG_UUID_SIZE];

    (void)state;
    buy(w, "LAST", 1);
    memcpy(late, w->payment, sizeof(late));
    memcpy(order, w->order, sizeof(order));
    let_expire(w);
    reload(w);
    buy(w, "LAST", 1);
    memcpy(w->payment, late, sizeof(late));
    memcpy(w->order, order, sizeof(order));
    assert_int_equal(pay(w), TG_CODE_SOLD_OUT);
    state_is(w, TG_ORDER_EXPIRED);
    payment_is(w, TG_PAYMENT_VOIDED);
    money_is(w, 119000, 0, 0);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, "r9", 119000), TG_CODE_SOLD_OUT);
    money_is(w, 119000, 119000, 119000); /* taken: it goes back */
    stock_is(w, "LAST", 1, 1, 0);
    assert_int_equal(events_of(w, TG_EVENT_SOLD_OUT), 2);
    world_free(w);
}

static void test_payment_in_the_batch_of_the_expiry_is_asked_to_come_again(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "LAST", 1);
    tg_shop_commit(w->shop);
    let_expire(w);
    assert_int_equal(pay(w), TG_CODE_BUSY);
    tg_shop_rollback(w->shop);
    state_is(w, TG_ORDER_AWAITING);
    stock_is(w, "LAST", 1, 1, 0);
    assert_int_equal(pay(w), TG_CODE_OK); /* beyond its time, but the goods are still held */
    stock_is(w, "LAST", 1, 0, 1);
    world_free(w);
}

static void test_failed_capture_sends_nothing_until_it_is_tried_again(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    payment_is(w, TG_PAYMENT_AUTHORISED);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK); /* fails again */
    assert_int_equal(order_of(w)->intent_count, 3);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16613), TG_CODE_OK);
    payment_is(w, TG_PAYMENT_PAID);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    state_is(w, TG_ORDER_FULFILLED);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_CONFLICT);
    world_free(w);
}

static void test_capture_that_comes_after_cancelling_goes_back(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    payment_is(w, TG_PAYMENT_AUTHORISED);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    state_is(w, TG_ORDER_CANCELLED);
    money_is(w, 16616, 0, 0);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16616), TG_CODE_OK);
    money_is(w, 16616, 16616, 16616);
    payment_is(w, TG_PAYMENT_REFUNDED);
    world_free(w);
}

static void test_failed_capture_then_cancelling_lets_the_promise_go(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    payment_is(w, TG_PAYMENT_VOIDED);
    assert_int_equal(order_of(w)->authorised, 0);
    world_free(w);
}

static void test_failed_void_is_tried_again(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(buy_in(w, FIRST_PAID_SHOW, "VOID-FAILS", 1), TG_CODE_OK);
    {
        char order[TG_UUID_SIZE];
        char payment[TG_PAYMENT_ID_SIZE];

        memcpy(order, w->order, sizeof(order));
        memcpy(payment, w->payment, sizeof(payment));
        buy(w, "VOID-FAILS", 1); /* takes the only one */
        memcpy(w->order, order, sizeof(order));
        memcpy(w->payment, payment, sizeof(payment));
    }
    assert_int_equal(pay(w), TG_CODE_SOLD_OUT);
    state_is(w, TG_ORDER_CANCELLED);
    assert_int_equal(order_of(w)->authorised, 16614);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_VOIDED, w->payment, 0), TG_CODE_OK);
    assert_int_equal(order_of(w)->authorised, 0);
    payment_is(w, TG_PAYMENT_VOIDED);
    world_free(w);
}

static void test_order_for_nothing_is_paid_at_once(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "FREE", 2);
    state_is(w, TG_ORDER_PAID);
    stock_is(w, "FREE", 10, 0, 2);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
}

/* --- first paid --- */

static void test_first_paid_order_holds_nothing(void **state)
{
    struct world *w = world_new();
    char first[TG_PAYMENT_ID_SIZE];
    char order[TG_UUID_SIZE];

    (void)state;
    assert_int_equal(buy_in(w, FIRST_PAID_SHOW, "LAST", 1), TG_CODE_OK);
    memcpy(first, w->payment, sizeof(first));
    memcpy(order, w->order, sizeof(order));
    assert_int_equal(buy_in(w, FIRST_PAID_SHOW, "LAST", 1), TG_CODE_OK);
    stock_is(w, "LAST", 1, 0, 0);
    assert_int_equal(pay(w), TG_CODE_OK); /* the second one was faster */
    stock_is(w, "LAST", 1, 0, 1);
    memcpy(w->payment, first, sizeof(first));
    memcpy(w->order, order, sizeof(order));
    assert_int_equal(pay(w), TG_CODE_SOLD_OUT);
    state_is(w, TG_ORDER_CANCELLED);
    payment_is(w, TG_PAYMENT_VOIDED);
    money_is(w, 119000, 0, 0);
    assert_int_equal(pay(w), TG_CODE_CLOSED); /* told twice: no money is taken */
    stock_is(w, "LAST", 1, 0, 1);
    world_free(w);
}

static void test_first_paid_order_expires_without_a_release(void **state)
{
    struct world *w = world_new();

    (void)state;
    assert_int_equal(buy_in(w, FIRST_PAID_SHOW, "LAST", 1), TG_CODE_OK);
    tg_shop_commit(w->shop);
    let_expire(w);
    stock_is(w, "LAST", 1, 0, 0);
    tg_shop_commit(w->shop);
    assert_int_equal(buy_in(w, FIRST_PAID_SHOW, "LAST", 1), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    stock_is(w, "LAST", 1, 0, 0);
    world_free(w);
}

/* --- cancelling --- */

static void test_buyer_cancels_part_of_an_unpaid_order(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy_two(w, "LAST", 3);
    assert_int_equal(cancel(w, 0, 4), TG_CODE_CONFLICT);
    assert_int_equal(cancel(w, 2, 1), TG_CODE_BAD_REQUEST);
    assert_int_equal(cancel(w, 0, 2), TG_CODE_OK);
    state_is(w, TG_ORDER_AWAITING);
    money_is(w, 14900 + 119000, 0, 0);
    stock_is(w, "MUG", 100, 1, 0);
    assert_int_equal(cancel(w, 0, 2), TG_CODE_CONFLICT);
    assert_int_equal(pay(w), TG_CODE_OK);
    money_is(w, 14900 + 119000, 14900 + 119000, 0);
    stock_is(w, "MUG", 100, 0, 1);
    assert_int_equal(events_of(w, TG_EVENT_PART_CANCELLED), 1);
    world_free(w);
}

static void test_buyer_cancels_what_is_paid_and_not_sent(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy_two(w, "LAST", 3);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 1), TG_CODE_OK);
    state_is(w, TG_ORDER_PARTLY);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    money_is(w, 2 * 14900 + 119000, 3 * 14900 + 119000, 14900);
    payment_is(w, TG_PAYMENT_PARTLY_REFUNDED);
    stock_is(w, "MUG", 99, 0, 1);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK); /* the rest */
    state_is(w, TG_ORDER_FULFILLED);
    money_is(w, 14900, 3 * 14900 + 119000, 2 * 14900 + 119000);
    stock_is(w, "MUG", 99, 0, 0);
    stock_is(w, "LAST", 1, 0, 0);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_CLOSED);
    world_free(w);
}

static void test_paid_order_cancelled_whole_is_paid_back_whole(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 2), TG_CODE_OK); /* all of it by naming it */
    state_is(w, TG_ORDER_CANCELLED);
    money_is(w, 29800, 29800, 29800);
    stock_is(w, "MUG", 100, 0, 0);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK); /* told twice */
    money_is(w, 29800, 29800, 29800);
    world_free(w);
}

static void test_staff_say_why_they_cancel_what_is_paid(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_CANCEL, "s1", w->order);

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    c.staff = true;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.show = 4; /* of another show */
    c.reason = "damaged";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    c.show = 3;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    c.staff = false;
    c.person = "pB";
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    world_free(w);
}

static void test_parts_of_a_discount_add_up(void **state)
{
    struct tg_order_line line = {.qty = 3, .price = 1000, .discount = 100, .tax = 580};
    int64_t worth = 0;
    int64_t tax = 0;

    (void)state;
    for (int32_t left = 3; left > 0; left--) {
        worth += tg_line_worth(&line, left) - tg_line_worth(&line, left - 1);
        tax += tg_line_tax(&line, left) - tg_line_tax(&line, left - 1);
    }
    assert_int_equal(worth, 2900);
    assert_int_equal(tax, 580);
    assert_int_equal(tg_line_worth(&line, 1), 967);
}

/* --- sending and coming back --- */

static void test_only_what_is_left_is_sent(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 3);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 1), TG_CODE_CLOSED); /* unpaid */
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 2), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 2), TG_CODE_CONFLICT);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    state_is(w, TG_ORDER_FULFILLED);
    stock_is(w, "MUG", 97, 0, 0);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CLOSED);
    assert_int_equal(events_of(w, TG_EVENT_FULFILLED), 2);
    world_free(w);
}

static void test_goods_come_back_with_and_without_a_refund(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_RETURN, "s1", w->order);
    const struct tg_line_qty one[] = {{.line = 0, .qty = 1}};

    (void)state;
    buy(w, "MUG", 3);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_RETURN, 0, 1), TG_CODE_CLOSED); /* nothing was sent */
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    c.staff = true;
    c.lines = one;
    c.line_count = 1;
    c.amount = 3 * 14900 + 1;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.amount = 10000; /* worn: not all of its price, and not back on the shelf */
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    money_is(w, 3 * 14900, 3 * 14900, 10000);
    stock_is(w, "MUG", 97, 0, 0);
    c.location = "nowhere";
    c.restock = true;
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    assert_int_equal(staff(w, TG_CLAIM_RETURN, 0, 3), TG_CODE_CONFLICT);
    assert_int_equal(staff(w, TG_CLAIM_RETURN, 0, 2), TG_CODE_OK);
    money_is(w, 3 * 14900, 3 * 14900, 10000 + 2 * 14900);
    stock_is(w, "MUG", 99, 0, 0);
    state_is(w, TG_ORDER_RETURNED);
    assert_int_equal(staff(w, TG_CLAIM_RETURN, 0, 1), TG_CODE_CONFLICT);
    world_free(w);
}

static void test_refund_by_hand_is_bounded_by_what_was_taken(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_REFUND, "s1", w->order);

    (void)state;
    buy(w, "MUG", 1);
    c.staff = true;
    c.amount = 100;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST); /* nothing was taken yet */
    assert_int_equal(pay(w), TG_CODE_OK);
    c.amount = 14901;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.amount = 0;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c.amount = -1;
    assert_int_equal(decide(w, &c), TG_CODE_CONFLICT); /* nothing is due */
    c.amount = 4900;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    money_is(w, 14900, 14900, 4900);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    money_is(w, 14900, 14900, 14900); /* never more than was taken */
    c.amount = 1;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static void test_failed_refund_is_still_due(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "REFUND-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    money_is(w, 16615, 16615, 0);
    assert_int_equal(order_of(w)->refund_due, 16615);
    assert_int_equal(staff(w, TG_CLAIM_REFUND, 0, 0), TG_CODE_OK); /* asked again, fails again */
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16615), TG_CODE_OK);
    money_is(w, 16615, 16615, 16615);
    assert_int_equal(staff(w, TG_CLAIM_REFUND, 0, 0), TG_CODE_CONFLICT);
    world_free(w);
}

static void test_refund_on_its_way_is_not_asked_twice(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "REFUND-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    money_is(w, 16617, 16617, 0);
    assert_int_equal(staff(w, TG_CLAIM_REFUND, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(news(w, TG_NEWS_REFUND_FAILED, w->payment, 0), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 0), TG_CODE_OK); /* worked after all */
    assert_int_equal(news(w, TG_NEWS_REFUND_FAILED, w->payment, 0), TG_CODE_OK);
    money_is(w, 16617, 16617, 16617);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "by-hand", 1), TG_CODE_CONFLICT);
    world_free(w);
}

static void test_refund_made_at_the_provider_is_counted_once(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "by-hand", 5000), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "by-hand", 5000), TG_CODE_OK);
    money_is(w, 14900, 14900, 5000);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    money_is(w, 14900, 14900, 14900);
    world_free(w);
}

static void test_note_is_written_and_changes_nothing(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(staff(w, TG_CLAIM_NOTE, 0, 0), TG_CODE_OK);
    state_is(w, TG_ORDER_AWAITING);
    assert_int_equal(events_of(w, TG_EVENT_NOTE), 1);
    world_free(w);
}

/* --- every transition there is, and none else --- */

enum { DEEDS = 7 };

static enum tg_code deed(struct world *w, int which)
{
    switch (which) {
    case 0:
        return pay(w);
    case 1:
        return news(w, TG_NEWS_DECLINED, "no", 0);
    case 2:
        return cancel(w, 0, 0);
    case 3:
        return cancel(w, 0, 1);
    case 4:
        return staff(w, TG_CLAIM_FULFIL, 0, 1);
    case 5:
        return staff(w, TG_CLAIM_FULFIL, 0, 0);
    default:
        return staff(w, TG_CLAIM_RETURN, 0, 0);
    }
}

/* An order of two mugs in the state. */
static void bring_to(struct world *w, enum tg_order_state state)
{
    buy(w, "MUG", 2);
    tg_shop_commit(w->shop);
    switch (state) {
    case TG_ORDER_AWAITING:
        return;
    case TG_ORDER_EXPIRED:
        let_expire(w);
        break;
    case TG_ORDER_CANCELLED:
        assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
        break;
    default:
        assert_int_equal(pay(w), TG_CODE_OK);
        if (state == TG_ORDER_PARTLY)
            assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 1), TG_CODE_OK);
        if (state == TG_ORDER_FULFILLED || state == TG_ORDER_RETURNED)
            assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
        if (state == TG_ORDER_RETURNED)
            assert_int_equal(staff(w, TG_CLAIM_RETURN, 0, 0), TG_CODE_OK);
        break;
    }
    reload(w);
}

static void test_every_transition(void **state)
{
    /* pay, declined, cancel all, cancel one, send one, send all, all back; -1 = refused */
    static const int to[TG_ORDER_STATE_COUNT][DEEDS] = {
        [TG_ORDER_AWAITING] = {TG_ORDER_PAID, TG_ORDER_AWAITING, TG_ORDER_CANCELLED,
                               TG_ORDER_AWAITING, -1, -1, -1},
        [TG_ORDER_PAID] = {TG_ORDER_PAID, TG_ORDER_PAID, TG_ORDER_CANCELLED, TG_ORDER_PAID,
                           TG_ORDER_PARTLY, TG_ORDER_FULFILLED, -1},
        [TG_ORDER_PARTLY] = {TG_ORDER_PARTLY, TG_ORDER_PARTLY, TG_ORDER_FULFILLED,
                             TG_ORDER_FULFILLED, TG_ORDER_FULFILLED, TG_ORDER_FULFILLED,
                             TG_ORDER_PARTLY},
        [TG_ORDER_FULFILLED] = {TG_ORDER_FULFILLED, TG_ORDER_FULFILLED, -1, -1, -1, -1,
                                TG_ORDER_RETURNED},
        [TG_ORDER_EXPIRED] = {TG_ORDER_PAID, TG_ORDER_EXPIRED, -1, -1, -1, -1, -1},
        [TG_ORDER_CANCELLED] = {-1, TG_ORDER_CANCELLED, TG_ORDER_CANCELLED, -1, -1, -1, -1},
        [TG_ORDER_RETURNED] = {TG_ORDER_RETURNED, TG_ORDER_RETURNED, -1, -1, -1, -1, -1},
    };

    (void)state;
    for (int from = 0; from < TG_ORDER_STATE_COUNT; from++) {
        for (int which = 0; which < DEEDS; which++) {
            struct world *w = world_new();
            int want = to[from][which];
            enum tg_code code;

            bring_to(w, (enum tg_order_state)from);
            code = deed(w, which);
            if ((code == TG_CODE_OK) != (want >= 0))
                fail_msg("state %d, deed %d: %s %s", from, which, tg_code_name(code), w->v.message);
            state_is(w, (enum tg_order_state)(want >= 0 ? want : from));
            world_free(w);
        }
    }
}

/* --- undoing --- */

static void test_rollback_brings_everything_back(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy_two(w, "LAST", 3);
    tg_shop_commit(w->shop);
    assert_int_equal(cancel(w, 0, 2), TG_CODE_OK);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    tg_shop_rollback(w->shop);
    state_is(w, TG_ORDER_AWAITING);
    payment_is(w, TG_PAYMENT_PENDING);
    money_is(w, 3 * 14900 + 119000, 0, 0);
    assert_int_equal(order_of(w)->intent_count, 0);
    assert_int_equal(order_of(w)->lines[0].cancelled, 0);
    stock_is(w, "MUG", 100, 3, 0);
    stock_is(w, "LAST", 1, 1, 0);
    w->now.mono += 10 * MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1); /* its timer is back, too */
    world_free(w);
}

static enum tg_code whole_life(struct world *w)
{
    enum tg_code code = buy_in(w, 3, "MUG", 3);

    if (code == TG_CODE_OK)
        code = cancel(w, 0, 1);
    if (code == TG_CODE_OK)
        code = pay(w);
    if (code == TG_CODE_OK)
        code = staff(w, TG_CLAIM_FULFIL, 0, 1);
    if (code == TG_CODE_OK)
        code = staff(w, TG_CLAIM_RETURN, 0, 1);
    return code;
}

static void test_without_memory_nothing_is_half_done(void **state)
{
    (void)state;
    for (unsigned n = 0;; n++) {
        struct world *w = world_new();
        const struct tg_effect *effects = NULL;
        size_t count = 0;
        enum tg_code code;
        tg_err err;

        tg_alloc_fail_nth(n);
        code = whole_life(w);
        err = tg_shop_effects(w->shop, w->now.wall, &effects, &count);
        tg_alloc_fail_nth(-1);
        if (code != TG_CODE_OK)
            assert_int_equal(code, TG_CODE_INTERNAL);
        tg_shop_rollback(w->shop);
        stock_is(w, "MUG", 100, 0, 0);
        world_free(w);
        if (code == TG_CODE_OK && err == TG_OK)
            break;
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_number_is_configured),
        cmocka_unit_test(test_paying_captures_the_total_and_sells),
        cmocka_unit_test(test_news_may_come_twice_and_out_of_order),
        cmocka_unit_test(test_declined_payment_leaves_the_order_open),
        cmocka_unit_test(test_second_payment_is_let_go_of),
        cmocka_unit_test(test_too_little_money_buys_nothing),
        cmocka_unit_test(test_late_payment_claims_the_goods_again),
        cmocka_unit_test(test_late_payment_for_goods_that_are_gone_is_let_go_of),
        cmocka_unit_test(test_payment_in_the_batch_of_the_expiry_is_asked_to_come_again),
        cmocka_unit_test(test_failed_capture_sends_nothing_until_it_is_tried_again),
        cmocka_unit_test(test_capture_that_comes_after_cancelling_goes_back),
        cmocka_unit_test(test_failed_capture_then_cancelling_lets_the_promise_go),
        cmocka_unit_test(test_failed_void_is_tried_again),
        cmocka_unit_test(test_order_for_nothing_is_paid_at_once),
        cmocka_unit_test(test_first_paid_order_holds_nothing),
        cmocka_unit_test(test_first_paid_order_expires_without_a_release),
        cmocka_unit_test(test_buyer_cancels_part_of_an_unpaid_order),
        cmocka_unit_test(test_buyer_cancels_what_is_paid_and_not_sent),
        cmocka_unit_test(test_paid_order_cancelled_whole_is_paid_back_whole),
        cmocka_unit_test(test_staff_say_why_they_cancel_what_is_paid),
        cmocka_unit_test(test_parts_of_a_discount_add_up),
        cmocka_unit_test(test_only_what_is_left_is_sent),
        cmocka_unit_test(test_goods_come_back_with_and_without_a_refund),
        cmocka_unit_test(test_refund_by_hand_is_bounded_by_what_was_taken),
        cmocka_unit_test(test_failed_refund_is_still_due),
        cmocka_unit_test(test_refund_on_its_way_is_not_asked_twice),
        cmocka_unit_test(test_refund_made_at_the_provider_is_counted_once),
        cmocka_unit_test(test_note_is_written_and_changes_nothing),
        cmocka_unit_test(test_every_transition),
        cmocka_unit_test(test_rollback_brings_everything_back),
        cmocka_unit_test(test_without_memory_nothing_is_half_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
