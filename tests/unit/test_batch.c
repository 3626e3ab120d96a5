/*
 * test_batch.c - batches as full as they get: there is room for every row that their end writes,
 * also when nothing before made the room.
 */
#include "support/lib/order_world.h"

enum { BATCH_MAX = 1024, FEW = 16 };

/* `count` orders that await payment, of small batches: the room they leave is small. */
static struct world *orders_that_wait(uint16_t show, size_t count)
{
    struct world *w = world_new();

    assert_int_equal(add_variant(w, "MANY", 500, 100000), TG_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(buy_in(w, show, "MANY", 1), TG_CODE_OK);
        if (i % FEW == FEW - 1)
            tg_shop_commit(w->shop);
    }
    tg_shop_commit(w->shop);
    return w;
}

static size_t rows_of(struct world *w, enum tg_effect_kind kind)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        found += effects[i].kind == kind;
    return found;
}

static void expire_at_once(uint16_t show, size_t count)
{
    struct world *w = orders_that_wait(show, count);

    w->now.mono += 10 * MINUTE_US;
    w->now.wall += 10 * MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, BATCH_MAX), count);
    assert_int_equal(rows_of(w, TG_EFFECT_ORDER), count);
    tg_shop_commit(w->shop);
    stock_is(w, "MANY", 100000, 0, 0);
    world_free(w);
}

static void test_rush_that_nobody_pays_expires_in_one_batch(void **state)
{
    static const size_t counts[] = {511, 512, 513, 600, 626, 627, 1023, 1024};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(counts); i++) {
        expire_at_once(3, counts[i]);
        expire_at_once(FIRST_PAID_SHOW, counts[i]);
    }
}

static const struct tg_order *next_waiting(const struct world *w, size_t *cursor)
{
    const struct tg_order *order;

    while ((order = tg_shop_order_each(w->shop, cursor)) != NULL)
        if (order->state == TG_ORDER_AWAITING)
            return order;
    return NULL;
}

static void pay_at_once(size_t count)
{
    struct world *w = orders_that_wait(3, count);
    const struct tg_order *order;
    size_t cursor = 0;
    size_t paid = 0;

    while ((order = next_waiting(w, &cursor)) != NULL) {
        memcpy(w->payment, order->payment, sizeof(w->payment));
        assert_int_equal(pay(w), TG_CODE_OK);
        paid++;
    }
    assert_int_equal(paid, count);
    assert_int_equal(rows_of(w, TG_EFFECT_ORDER), count);
    tg_shop_commit(w->shop);
    stock_is(w, "MANY", 100000, 0, (int32_t)count);
    world_free(w);
}

static void test_rush_of_payments_fits_one_batch(void **state)
{
    static const size_t counts[] = {400, 409, 412, 818, 819, 822, 825, 826, 1024};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(counts); i++)
        pay_at_once(counts[i]);
}

static void cancel_at_once(size_t count)
{
    struct world *w = orders_that_wait(3, count);
    const struct tg_order *order;
    size_t cursor = 0;

    while ((order = next_waiting(w, &cursor)) != NULL) {
        memcpy(w->order, order->id, sizeof(w->order));
        assert_int_equal(cancel(w, 0, 0), TG_CODE_OK);
    }
    assert_int_equal(rows_of(w, TG_EFFECT_ORDER), count);
    tg_shop_rollback(w->shop);
    stock_is(w, "MANY", 100000, (int32_t)count, 0);
    world_free(w);
}

static void test_rush_of_cancelling_fits_one_batch(void **state)
{
    (void)state;
    cancel_at_once(600);
    cancel_at_once(1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rush_that_nobody_pays_expires_in_one_batch),
        cmocka_unit_test(test_rush_of_payments_fits_one_batch),
        cmocka_unit_test(test_rush_of_cancelling_fits_one_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
