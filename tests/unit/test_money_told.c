/*
 * test_money_told.c - which question news of the provider answer: by its own id of what it moved,
 * by number, or by amount; more than was asked for; and an order that had too many of them.
 */
#include "shop/payment.h"
#include "support/lib/order_world.h"

/* News under the provider's own id of what it moved. */
static enum tg_code told_of(struct world *w, const char *reference, enum tg_payment_news what,
                            const char *operation, int64_t amount)
{
    struct tg_claim c = claim_of(TG_CLAIM_NEWS, "", w->payment);

    c.news = what;
    c.reference = reference;
    c.operation = operation;
    c.amount = amount;
    return decide(w, &c);
}

static enum tg_code told(struct world *w, enum tg_payment_news what, const char *operation,
                         int64_t amount)
{
    return told_of(w, w->payment, what, operation, amount);
}

/* Two of three for 166.17 are cancelled one by one: the refunds 3 and 4 wait for the same amount.
 */
static struct world *two_refunds_of(const struct tg_provider *provider)
{
    struct world *w = world_of(provider);

    buy(w, "REFUND-LATER", 3);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK);
    number_of_intents(w, 4);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    return w;
}

static struct world *two_refunds(void)
{
    return two_refunds_of(&tg_provider_sandbox);
}

/* --- repeats --- */

static void test_refund_told_again_under_its_id_answers_no_other(void **state)
{
    struct world *w = two_refunds();

    (void)state;
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 16617), TG_CODE_OK);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 16617), TG_CODE_OK);
    money_is(w, 16617, 49851, 16617);
    reload(w);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 16617), TG_CODE_OK);
    money_is(w, 16617, 49851, 16617);
    assert_int_equal(told(w, TG_NEWS_REFUND_FAILED, "re_2", 16617), TG_CODE_OK);
    money_is(w, 16617, 49851, 16617);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    intent_is(w, 5, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    /* Both told once more, and the retry at last. */
    assert_int_equal(told(w, TG_NEWS_REFUND_FAILED, "re_2", 16617), TG_CODE_OK);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 16617), TG_CODE_OK);
    intent_is(w, 5, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_3", 16617), TG_CODE_OK);
    intent_is(w, 5, TG_INTENT_REFUND, TG_INTENT_DONE, 16617);
    money_is(w, 16617, 49851, 33234);
    number_of_intents(w, 5);
    world_free(w);
}

static void test_two_refunds_alike_need_an_id_or_a_number(void **state)
{
    struct world *w = two_refunds();

    (void)state;
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16617), TG_CODE_CONFLICT);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 3, 16617), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_REFUNDED, w->payment, 16617), TG_CODE_CONFLICT);
    /* 3 was told without its id: this may be of either. */
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_2", 16617), TG_CODE_CONFLICT);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 4, 16617), TG_CODE_OK);
    money_is(w, 16617, 49851, 33234);
    world_free(w);
}

static void test_id_of_a_told_refund_is_taken_back_with_its_batch(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "LAST", 1);
    assert_int_equal(told_of(w, "a", TG_NEWS_CAPTURED, "c1", 6617),
                     TG_CODE_CONFLICT); /* too little */
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_ASKED, 6617);
    assert_string_equal(intent(w, 2)->operation, "c1");
    reload(w);
    assert_int_equal(told_of(w, "a", TG_NEWS_REFUNDED, "re_1", 6617), TG_CODE_OK);
    assert_string_equal(intent(w, 3)->operation, "re_1");
    tg_shop_rollback(w->shop);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_ASKED, 6617);
    assert_string_equal(intent(w, 3)->operation, "");
    assert_string_equal(intent(w, 2)->operation, "c1");
    world_free(w);
}

/* Asked again it says under which id of its own it moved the money; "re_1" was the first one. */
static enum tg_intent_state named(const struct tg_order *order, struct tg_intent *in)
{
    enum tg_intent_state state = tg_provider_sandbox.ask(order, in);

    if (in->kind == TG_INTENT_REFUND && state == TG_INTENT_DONE)
        tg_str_cut(in->operation, sizeof(in->operation), in->number == 3 ? "re_1" : "re_2");
    return state;
}

static void test_answer_booked_on_the_question_alike_is_moved(void **state)
{
    const struct tg_provider provider = {.name = "named", .ask = named};
    struct world *w = two_refunds_of(&provider);
    struct tg_claim c = claim_of(TG_CLAIM_ASK_AGAIN, "", w->payment);

    (void)state;
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 16617), TG_CODE_OK); /* 4, for all it says */
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_DONE, 16617);
    reload(w);
    w->now.wall += TG_INTENT_WAIT_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_DONE, 16617);
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    assert_string_equal(intent(w, 4)->operation, "");
    money_is(w, 16617, 49851, 16617); /* it came back once */
    reload(w);
    w->now.wall += TG_INTENT_WAIT_MAX_US;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_DONE, 16617);
    assert_string_equal(intent(w, 4)->operation, "re_2");
    money_is(w, 16617, 49851, 33234);
    assert_true(tg_payment_adds_up(order_of(w)));
    world_free(w);
}

static void test_failure_told_again_does_not_fail_the_retry(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, w->payment, 16616), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_CAPTURE, TG_INTENT_ASKED, 16616);
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, w->payment, 16616), TG_CODE_CONFLICT);
    assert_int_equal(news(w, TG_NEWS_CAPTURE_FAILED, w->payment, 0), TG_CODE_CONFLICT);
    assert_int_equal(numbered(w, TG_NEWS_CAPTURE_FAILED, 2, 16616), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_CAPTURE, TG_INTENT_ASKED, 16616);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 16616), TG_CODE_OK);
    money_is(w, 16616, 16616, 0);
    world_free(w);
}

static void test_failure_of_one_amount_does_not_fail_another(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy_two(w, "REFUND-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(add_variant(w, "LATER", 16617, 9), TG_OK);
    assert_int_equal(refund(w, 6615), TG_CODE_OK);  /* fails at once */
    assert_int_equal(refund(w, 10002), TG_CODE_OK); /* with what failed: 166.17, later */
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_FAILED, 6615);
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    assert_int_equal(news(w, TG_NEWS_REFUND_FAILED, w->payment, 6615), TG_CODE_OK);
    intent_is(w, 4, TG_INTENT_REFUND, TG_INTENT_ASKED, 16617);
    world_free(w);
}

/* --- money that nobody asked for --- */

static void test_refund_by_hand_of_the_same_amount_has_another_id(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 2);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 1), TG_CODE_OK); /* the sandbox pays it back at once */
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 14900), TG_CODE_OK); /* its webhook */
    money_is(w, 14900, 29800, 14900);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "hand", 14900), TG_CODE_OK);
    money_is(w, 14900, 29800, 29800);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "hand", 14900), TG_CODE_OK);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "re_1", 14900), TG_CODE_OK);
    money_is(w, 14900, 29800, 29800);
    number_of_intents(w, 4);
    assert_int_equal(told(w, TG_NEWS_REFUNDED, "more", 1), TG_CODE_CONFLICT);
    world_free(w);
}

static void test_refund_by_hand_is_of_the_payment_that_it_names(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(told_of(w, "b", TG_NEWS_CAPTURED, "c2", 14900),
                     TG_CODE_CLOSED); /* comes back */
    assert_int_equal(told_of(w, "b", TG_NEWS_REFUNDED, "hand", 100), TG_CODE_CONFLICT);
    money_is(w, 14900, 14900, 0);
    assert_int_equal(told_of(w, "elsewhere", TG_NEWS_REFUNDED, "hand", 100), TG_CODE_CONFLICT);
    assert_int_equal(told_of(w, "elsewhere", TG_NEWS_REFUNDED, "", 100), TG_CODE_OK);
    money_is(w, 14900, 14900, 100);
    world_free(w);
}

static void test_capture_beyond_the_promise_is_told_of_once(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, w->payment, 20000), TG_CODE_OK);
    assert_int_equal(told(w, TG_NEWS_CAPTURED, "c1", 14900), TG_CODE_OK); /* what was asked */
    assert_int_equal(told(w, TG_NEWS_CAPTURED, "c2", 6000), TG_CODE_OK);
    money_is(w, 14900, 20000, 5100); /* what the promise had room for went back */
    assert_int_equal(told(w, TG_NEWS_CAPTURED, "c2", 6000), TG_CODE_OK);
    assert_int_equal(told(w, TG_NEWS_CAPTURED, "c3", 10), TG_CODE_OK);
    assert_int_equal(told(w, TG_NEWS_CAPTURED, "c3", 10), TG_CODE_OK);
    money_is(w, 14900, 20000, 5100);
    assert_true(tg_payment_adds_up(order_of(w)));
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    assert_int_equal(events_of(w, TG_EVENT_EXCESS), 2);
    world_free(w);
}

static void test_answer_without_room_is_told_of_once(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-FAILS", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    assert_int_equal(numbered(w, TG_NEWS_CAPTURED, 3, 16613), TG_CODE_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(numbered(w, TG_NEWS_CAPTURED, 2, 16613), TG_CODE_OK);
    assert_int_equal(events_of(w, TG_EVENT_EXCESS), 1);
    money_is(w, 16613, 16613, 0);
    world_free(w);
}

static void test_rest_of_a_refund_is_no_failure(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "REFUND-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 3, 9999), TG_CODE_OK);
    money_is(w, 16617, 16617, 16617); /* the rest was asked for, and came */
    assert_int_equal(events_of(w, TG_EVENT_REFUND_FAILED), 0);
    assert_int_equal(events_of(w, TG_EVENT_REFUNDED), 2);
    world_free(w);
}

/* --- numbers --- */

static void test_wrong_number_books_nothing(void **state)
{
    struct world *w = world_new();
    struct tg_claim c;

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    c = claim_of(TG_CLAIM_NEWS, "", w->payment);
    c.news = TG_NEWS_CAPTURED;
    c.reference = "unknown";
    c.amount = 16616;
    c.intent = 9;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    assert_string_equal(w->v.field, "intent");
    c.intent = 1; /* the authorisation */
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    number_of_intents(w, 2);
    assert_int_equal(numbered(w, TG_NEWS_REFUND_FAILED, 2, 1), TG_CODE_BAD_REQUEST);
    assert_int_equal(numbered(w, TG_NEWS_VOIDED, 2, 1), TG_CODE_BAD_REQUEST);
    c.intent = 2;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    money_is(w, 16616, 16616, 0);
    world_free(w);
}

/* Paid twice, and the second is paid back by hand before anybody told that it came. */
static void test_refund_of_a_payment_not_yet_told_waits_for_it(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(told_of(w, "second", TG_NEWS_REFUNDED, "re_1", 14900), TG_CODE_CONFLICT);
    assert_string_equal(w->v.field, "reference");
    money_is(w, 14900, 14900, 0);
    world_free(w);
}

/* --- the rest of a promise --- */

static void test_rest_of_a_promise_is_let_go_of(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "CAPTURE-LATER", 1);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(news(w, TG_NEWS_CAPTURED, w->payment, 6616), TG_CODE_OK);
    number_of_intents(w, 2); /* the rest may still be taken */
    assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    number_of_intents(w, 4);
    intent_is(w, 3, TG_INTENT_REFUND, TG_INTENT_DONE, 6616);
    intent_is(w, 4, TG_INTENT_VOID, TG_INTENT_DONE, 10000);
    assert_int_equal(events_of(w, TG_EVENT_VOIDED), 0); /* it is no voided payment */
    payment_is(w, TG_PAYMENT_REFUNDED);
    world_free(w);
}

static void test_promise_of_more_than_the_order_costs_is_let_go_of_when_it_is_paid(void **state)
{
    struct world *w = world_new();

    (void)state;
    buy(w, "MUG", 1);
    assert_int_equal(news(w, TG_NEWS_AUTHORISED, w->payment, 31514), TG_CODE_OK);
    intent_is(w, 3, TG_INTENT_VOID, TG_INTENT_FAILED, 16614); /* the sandbox's own failure */
    payment_is(w, TG_PAYMENT_PAID);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_OK);
    intent_is(w, 4, TG_INTENT_VOID, TG_INTENT_FAILED, 16614);
    assert_int_equal(numbered(w, TG_NEWS_VOIDED, 4, 16614), TG_CODE_OK);
    assert_int_equal(order_of(w)->authorised, 14900);
    assert_int_equal(staff(w, TG_CLAIM_RETRY, 0, 0), TG_CODE_CONFLICT);
    assert_int_equal(staff(w, TG_CLAIM_FULFIL, 0, 0), TG_CODE_OK);
    world_free(w);
}

/* --- too many --- */

static void test_what_the_provider_tells_is_booked_after_the_last_question(void **state)
{
    struct world *w = world_new();
    enum tg_code code = TG_CODE_OK;
    int staff_asked = 0;
    int told_of_it = 0;
    char hand[16];

    (void)state;
    buy(w, "MUG", 3);
    assert_int_equal(pay(w), TG_CODE_OK);
    assert_int_equal(refund(w, 16617), TG_CODE_OK); /* answered later */
    while ((code = refund(w, 1)) == TG_CODE_OK) {
        staff_asked++;
        reload(w);
    }
    assert_int_equal(code, TG_CODE_LIMIT);
    for (code = TG_CODE_OK; code == TG_CODE_OK; told_of_it += code == TG_CODE_OK) {
        tg_str_printf(hand, sizeof(hand), "hand-%d", told_of_it);
        code = told(w, TG_NEWS_REFUNDED, hand, 2);
        reload(w);
    }
    assert_int_equal(code, TG_CODE_LIMIT);
    assert_int_equal(told_of_it, TG_INTENTS_TOLD);
    /* An answer needs no room. */
    assert_int_equal(numbered(w, TG_NEWS_REFUNDED, 3, 10000), TG_CODE_OK);
    money_is(w, 44700, 44700, 10000 + staff_asked + 2 * told_of_it);
    assert_true(order_of(w)->intent_count <= TG_INTENTS_MAX);
    reload(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refund_told_again_under_its_id_answers_no_other),
        cmocka_unit_test(test_two_refunds_alike_need_an_id_or_a_number),
        cmocka_unit_test(test_id_of_a_told_refund_is_taken_back_with_its_batch),
        cmocka_unit_test(test_answer_booked_on_the_question_alike_is_moved),
        cmocka_unit_test(test_failure_told_again_does_not_fail_the_retry),
        cmocka_unit_test(test_failure_of_one_amount_does_not_fail_another),
        cmocka_unit_test(test_refund_by_hand_of_the_same_amount_has_another_id),
        cmocka_unit_test(test_refund_by_hand_is_of_the_payment_that_it_names),
        cmocka_unit_test(test_capture_beyond_the_promise_is_told_of_once),
        cmocka_unit_test(test_answer_without_room_is_told_of_once),
        cmocka_unit_test(test_rest_of_a_refund_is_no_failure),
        cmocka_unit_test(test_wrong_number_books_nothing),
        cmocka_unit_test(test_refund_of_a_payment_not_yet_told_waits_for_it),
        cmocka_unit_test(test_rest_of_a_promise_is_let_go_of),
        cmocka_unit_test(test_promise_of_more_than_the_order_costs_is_let_go_of_when_it_is_paid),
        cmocka_unit_test(test_what_the_provider_tells_is_booked_after_the_last_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
