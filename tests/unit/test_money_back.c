/*
 * test_money_back.c - money that goes back, or does not come: what is due then, which goods may
 * leave, and which of several questions the provider means.
 */
#include "base/buf.h"
#include "shop/shop_json.h"
#include "support/lib/order_world.h"

/* --- units given up while their money was on its way --- */

static enum tg_code give_up(struct world *w, uint32_t number)
{
    struct tg_claim c = claim_of(TG_CLAIM_GIVE_UP, "s1", w->payment);

    c.staff = true;
    c.show = UINT16_MAX;
    c.intent = number;
    c.reason = "the bank lost it";
    return decide(w, &c);
}

/* Two for 166.16 in all, whose capture is on its way, and one of them is cancelled. */
static struct world *half_while_it_comes(void)
{
    struct world *w = world_new();

    assert_int_equal(add_variant(w, "HALF", 8308, 10), TG_OK);
    buy(w, "HALF", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    intent_is(w, 2, TG_INTENT_CAPTURE, TG_INTENT_ASKED, 16616);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    number_of_intents(w, 2);
    return w;
}

static void rest_is_paid_once(struct world *w)
{
    money_is(w, 8308, 8308, 0);
    assert_int_equal(order_of(w)->refund_due, 0);
    payment_is(w, TG_PAYMENT_PAID);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    stock_is(w, "HALF", 9, 0, 0);
    world_free(w);
}

static void test_what_did_not_come_does_not_go_back(void **state)
{
    struct world *w = half_while_it_comes();

    (void)state;
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, w->payment, 0), TG_CODE_OK);
    assert_int_equal(order_of(w)->refund_due, 0);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    rest_is_paid_once(w);
    w = half_while_it_comes();
    assert_int_equal(give_up(w, 2), TG_CODE_OK);
    reload(w);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    rest_is_paid_once(w);
    w = half_while_it_comes();
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 8308),
                     TG_CODE_OK); /* what it costs now */
    rest_is_paid_once(w);
}

static void test_what_came_after_all_goes_back(void **state)
{
    struct world *w = half_while_it_comes();

    (void)state;
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, w->payment, 0), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16616), TG_CODE_OK); /* yet it did */
    money_is(w, 8308, 16616, 8308);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
    w = half_while_it_comes();
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 10000), TG_CODE_OK);
    money_is(w, 8308, 10000, 1692);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
    w = half_while_it_comes();
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16616), TG_CODE_OK);
    money_is(w, 8308, 16616, 8308);
    world_free(w);
}

/* --- money that went back without the goods --- */

static void test_goods_stay_when_their_money_went_back(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "dispute", 29800), TG_CODE_OK);
    state_is(w, TG_ORDER_PAID);
    payment_is(w, TG_PAYMENT_REFUNDED);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_CONFLICT); /* nothing failed */
    stock_is(w, "MUG", 100, 0, 2);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    stock_is(w, "MUG", 100, 0, 0);
    money_is(w, 29800, 29800, 29800);
    world_free(w);
}

/* A part is a rebate or worn goods: staff know why. */
static void test_goods_go_when_a_part_of_their_money_went_back(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(refund(w, 5000), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 1), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, "rest", 24800), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    world_free(w);
    w = world_new();
    buy(w, "REFUND-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(refund(w, 16617), TG_CODE_OK); /* on its way */
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_CONFLICT);
    world_free(w);
}

/* --- which question is meant --- */

/* Two alike, each paid back by a question of its own. */
static struct world *two_refunds_alike(void)
{
    struct world *w = world_new();

    buy(w, "REFUND-LATER", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    return w;
}

static void test_news_told_again_answers_no_other_question(void **state)
{
    struct world *w = two_refunds_alike();

    (void)state;
    /* Which of the two? Told twice it would answer both. */
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16617), TG_CODE_CONFLICT);
    assert_string_equal(w->v.field, "intent");
    money_is(w, 16617, 2 * 16617, 0);
    assert_int_equal(news(w, TG_NEWS_REFUND_FAILED, w->payment, 0), TG_CODE_CONFLICT);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 4, 16617), TG_CODE_OK);
    /* The other still waits: one that was done already may be meant. */
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16617), TG_CODE_CONFLICT);
    money_is(w, 16617, 2 * 16617, 16617);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 4, 16617), TG_CODE_OK);
    money_is(w, 16617, 2 * 16617, 16617);
    assert_int_equal(numbered(w, TG_NEWS_REFUND_FAILED, 3, 0), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_FAILED, 16617);
    assert_int_equal(events_of(w, TG_EVENT_REFUND_FAILED), 1);
    world_free(w);
}

static bool says_due(struct world *w)
{
    struct tg_buf buf;
    struct tg_jo j;
    bool says;

    tg_buf_init(&buf, 4096);
    j = tg_jo(&buf);
    tg_order_write(&j, NULL, order_of(w), NULL, TG_ORDER_VIEW_BUYER);
    says = strstr(tg_buf_cstr(&buf), "\"refund_due\"") != NULL;
    tg_buf_done(&buf);
    return says;
}

/* Most of it was given back of goodwill, and then one of the two is cancelled. */
static void test_no_more_goes_back_than_came_and_no_more_is_due(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(refund(w, 20000), TG_CODE_OK);
    money_is(w, 29800, 29800, 20000);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    money_is(w, 14900, 29800, 29800);
    assert_false(says_due(w));
    assert_int_equal(refund(w, 1), TG_CODE_BAD_REQUEST);
    world_free(w);
    w = world_new();
    buy_two(w, "REFUND-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 1, 1), TG_CODE_OK);
    assert_true(says_due(w)); /* it failed */
    world_free(w);
}

static void test_all_alike_done_is_a_repeat(void **state)
{
    struct world *w = two_refunds_alike();

    (void)state;
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 3, 16617), TG_CODE_OK);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 4, 16617), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16617), TG_CODE_OK);
    money_is(w, 16617, 2 * 16617, 2 * 16617);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_did_not_come_does_not_go_back),
        cmocka_unit_test(test_what_came_after_all_goes_back),
        cmocka_unit_test(test_goods_stay_when_their_money_went_back),
        cmocka_unit_test(test_goods_go_when_a_part_of_their_money_went_back),
        cmocka_unit_test(test_news_told_again_answers_no_other_question),
        cmocka_unit_test(test_all_alike_done_is_a_repeat),
        cmocka_unit_test(test_no_more_goes_back_than_came_and_no_more_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
