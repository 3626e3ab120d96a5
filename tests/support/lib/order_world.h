/*
 * order_world.h - a shop with a few products in memory, one order in hand, and short words for what
 * can be done to it: the world of the tests of an order's life. Amounts whose last four digits make
 * the sandbox fail are in the SKUs' names.
 */
#ifndef TESTS_SUPPORT_ORDER_WORLD_H
#define TESTS_SUPPORT_ORDER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/rules.h"
#include "shop/shop.h"

#define MINUTE_US ((tg_us)60 * TG_US_PER_S)
#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

enum { FIRST_PAID_SHOW = 7 };

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
};

static inline tg_err add_variant(struct world *w, const char *sku, int64_t price, int32_t on_hand)
{
    struct tg_variant v = {.price = price,
                           .compare_at = -1,
                           .cost = -1,
                           .flash = -1,
                           .flash_until_wall = -1,
                           .options = "{}",
                           .stock = {.on_hand = on_hand}};

    tg_str_cut(v.sku, sizeof(v.sku), sku);
    return tg_shop_load_variant(w->shop, w->now, "p1", &v);
}

static inline tg_err open_world(struct world *w, const struct tg_provider *provider)
{
    struct tg_shop_cfg cfg = {.rng = &w->rng,
                              .currency = "NOK",
                              .hold_us = 10 * MINUTE_US,
                              .first_number = 5001,
                              .provider = provider};
    struct tg_product p = {.id = "p1", .number = 1, .title = "Mug"};
    struct tg_show_rules rules = {.show = FIRST_PAID_SHOW, .first_paid = true};
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = tg_shop_load_product(w->shop, &p);
    if (err == TG_OK)
        err = add_variant(w, "MUG", 14900, 100);
    if (err == TG_OK)
        err = add_variant(w, "LAST", 119000, 1);
    if (err == TG_OK)
        err = add_variant(w, "CAPTURE-FAILS", 16613, 10);
    if (err == TG_OK)
        err = add_variant(w, "VOID-FAILS", 16614, 1);
    if (err == TG_OK)
        err = add_variant(w, "REFUND-FAILS", 16615, 10);
    if (err == TG_OK)
        err = add_variant(w, "CAPTURE-LATER", 16616, 10);
    if (err == TG_OK)
        err = add_variant(w, "REFUND-LATER", 16617, 10);
    if (err == TG_OK)
        err = add_variant(w, "FREE", 0, 10);
    return err == TG_OK ? tg_shop_put_rules(w->shop, &rules) : err;
}

static inline struct world *world_of(const struct tg_provider *provider)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w, provider), TG_OK);
    return w;
}

static inline struct world *world_new(void)
{
    return world_of(&tg_provider_sandbox);
}

static inline void world_free(struct world *w)
{
    tg_shop_free(w->shop);
    tg_free(w);
}

static inline struct tg_claim claim_of(enum tg_claim_kind kind, const char *person, const char *key)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "",
                             .source = "",
                             .show = 3,
                             .op = "",
                             .id = "",
                             .sku = "",
                             .qty = 1,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = key,
                             .reference = "",
                             .reason = "",
                             .carrier = "",
                             .tracking = ""};
}

static inline enum tg_code decide(struct world *w, const struct tg_claim *c)
{
    tg_shop_decide(w->shop, w->now, c, &w->v);
    return w->v.code;
}

static inline enum tg_code buy_in(struct world *w, uint16_t show, const char *sku, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "");
    enum tg_code code;

    c.show = show;
    c.sku = sku;
    c.qty = qty;
    code = decide(w, &c);
    if (code == TG_CODE_OK) {
        memcpy(w->order, w->v.order->id, sizeof(w->order));
        memcpy(w->payment, w->v.order->payment, sizeof(w->payment));
    }
    return code;
}

/* The order to go on with. */
static inline void buy(struct world *w, const char *sku, int32_t qty)
{
    assert_int_equal(buy_in(w, 3, sku, qty), TG_CODE_OK);
}

/* Two lines: `mugs` and one of another SKU. */
static inline void buy_two(struct world *w, const char *sku, int32_t mugs)
{
    struct tg_claim c = claim_of(TG_CLAIM_CART_SET, "pA", "");
    struct tg_claim checkout = claim_of(TG_CLAIM_CHECKOUT, "pA", "");

    c.sku = "MUG";
    c.qty = mugs;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    c.sku = sku;
    c.qty = 1;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(decide(w, &checkout), TG_CODE_OK);
    memcpy(w->order, w->v.order->id, sizeof(w->order));
    memcpy(w->payment, w->v.order->payment, sizeof(w->payment));
}

static inline enum tg_code news(struct world *w, enum tg_payment_news what, const char *reference,
                                int64_t amount)
{
    struct tg_claim c = claim_of(TG_CLAIM_NEWS, "", w->payment);

    c.news = what;
    c.reference = reference;
    c.amount = amount;
    return decide(w, &c);
}

static inline enum tg_code pay(struct world *w)
{
    struct tg_claim c = claim_of(TG_CLAIM_PAY, "", w->payment);

    c.paid = true;
    return decide(w, &c);
}

static inline enum tg_code staff(struct world *w, enum tg_claim_kind kind, uint32_t line,
                                 int32_t qty)
{
    struct tg_claim c = claim_of(kind, "s1", w->order);
    const struct tg_line_qty lines[] = {{.line = line, .qty = qty}};

    c.staff = true;
    c.show = UINT16_MAX;
    c.reason = "as agreed";
    c.restock = true;
    if (kind == TG_CLAIM_RETRY)
        c.key = w->payment;
    if (qty > 0) {
        c.lines = lines;
        c.line_count = 1;
    }
    return decide(w, &c);
}

static inline enum tg_code cancel(struct world *w, uint32_t line, int32_t qty)
{
    struct tg_claim c = claim_of(TG_CLAIM_CANCEL, "pA", w->order);
    const struct tg_line_qty lines[] = {{.line = line, .qty = qty}};

    if (qty > 0) {
        c.lines = lines;
        c.line_count = 1;
    }
    return decide(w, &c);
}

static inline const struct tg_order *order_of(const struct world *w)
{
    size_t cursor = 0;
    const struct tg_order *order;

    while ((order = tg_shop_order_each(w->shop, &cursor)) != NULL)
        if (strcmp(order->id, w->order) == 0)
            return order;
    return NULL;
}

static inline void stock_is(struct world *w, const char *sku, int32_t on_hand, int32_t held,
                            int32_t sold)
{
    const struct tg_stock_count *s = &tg_shop_variant(w->shop, sku)->stock;

    assert_int_equal(s->on_hand, on_hand);
    assert_int_equal(s->held, held);
    assert_int_equal(s->sold, sold);
}

static inline void money_is(struct world *w, int64_t total, int64_t captured, int64_t refunded)
{
    assert_int_equal(order_of(w)->total, total);
    assert_int_equal(order_of(w)->captured, captured);
    assert_int_equal(order_of(w)->refunded, refunded);
}

static inline size_t events_of(struct world *w, enum tg_order_event event)
{
    const struct tg_effect *effects = NULL;
    size_t count = 0;
    size_t found = 0;

    assert_int_equal(tg_shop_effects(w->shop, w->now.wall, &effects, &count), TG_OK);
    for (size_t i = 0; i < count; i++)
        found += effects[i].kind == TG_EFFECT_EVENT && effects[i].event == event;
    return found;
}

static inline void state_is(struct world *w, enum tg_order_state state)
{
    assert_non_null(order_of(w));
    assert_string_equal(tg_order_state_name(order_of(w)->state), tg_order_state_name(state));
}

static inline void payment_is(struct world *w, enum tg_payment_state state)
{
    assert_string_equal(tg_payment_state_name(order_of(w)->payment_state),
                        tg_payment_state_name(state));
}

static inline void let_expire(struct world *w)
{
    w->now.mono += 10 * MINUTE_US;
    w->now.wall += 10 * MINUTE_US;
    assert_int_equal(tg_shop_tick(w->shop, w->now, 10), 1);
}

static inline const struct tg_intent *intent(const struct world *w, uint32_t number)
{
    assert_true(number <= order_of(w)->intent_count);
    return &order_of(w)->intents[number - 1];
}

static inline void intent_is(const struct world *w, uint32_t number, enum tg_intent_kind kind,
                             enum tg_intent_state state, int64_t amount)
{
    assert_string_equal(tg_intent_kind_name(intent(w, number)->kind), tg_intent_kind_name(kind));
    assert_string_equal(tg_intent_state_name(intent(w, number)->state),
                        tg_intent_state_name(state));
    assert_int_equal(intent(w, number)->amount, amount);
}

static inline void number_of_intents(const struct world *w, uint32_t count)
{
    assert_int_equal(order_of(w)->intent_count, count);
}

static inline enum tg_code refund(struct world *w, int64_t amount)
{
    struct tg_claim c = claim_of(TG_CLAIM_REFUND, "s1", w->order);

    c.staff = true;
    c.show = UINT16_MAX;
    c.amount = amount;
    return decide(w, &c);
}

static inline enum tg_code numbered(struct world *w, enum tg_payment_news what, uint32_t number,
                                    int64_t amount)
{
    struct tg_claim c = claim_of(TG_CLAIM_NEWS, "", w->payment);

    c.news = what;
    c.reference = w->payment;
    c.intent = number;
    c.amount = amount;
    return decide(w, &c);
}

/* What the store does with an order that left memory: bring it again. */
static inline void reload(struct world *w)
{
    const struct tg_order *order = order_of(w);
    struct tg_order *copy = NULL;

    assert_int_equal(tg_order_new(&copy, order->line_count, order->take_count), TG_OK);
    {
        struct tg_order_take *takes = copy->takes;
        struct tg_intent *intents = NULL;

        for (uint32_t i = 0; i < order->line_count; i++)
            copy->lines[i] = order->lines[i];
        for (uint32_t i = 0; i < order->take_count; i++)
            takes[i] = order->takes[i];
        memcpy(copy, order, offsetof(struct tg_order, intent_count));
        copy->intents = intents;
        for (uint32_t i = 0; i < order->intent_count; i++)
            assert_int_equal(tg_order_add_intent(copy, &order->intents[i]), TG_OK);
    }
    tg_shop_commit(w->shop);
    if (order_of(w) == NULL)
        assert_int_equal(tg_shop_load_order(w->shop, w->now, copy), TG_OK);
    else
        tg_order_free(copy);
}

#endif
