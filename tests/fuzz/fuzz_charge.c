/*
 * fuzz_charge.c - prices and codes of the shop's core: bytes choose calls, amounts and time steps.
 * What must hold: an order's money adds up, nobody pays more than was shown, limits of flash prices
 * and codes are never passed, and a rollback restores every price.
 */
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/str.h"
#include "shop/shop.h"

enum { SKUS = 3, CODES = 3 };

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_rd r;
};

static const char *const skus[SKUS] = {"A", "B", "C"};
static const char *const texts[] = {
    "",   "ten",     "HALF",        "fifty",   "ten,fifty", "TEN,HALF,FIFTY",
    "no", "a,b,c,d", " ,ten,, Ten", "\xc3\xa6"};

static void open_world(struct world *w)
{
    struct tg_shop_cfg cfg = {.rng = &w->rng, .currency = "NOK", .hold_us = 600 * TG_US_PER_S};
    struct tg_product p = {.id = "p", .number = 1, .title = "P"};
    struct tg_discount codes[CODES] = {
        {.code = "TEN", .bp = 1000, .combinable = true, .person_max = 3},
        {.code = "HALF", .bp = 5000, .uses_max = 4},
        {.code = "FIFTY", .kind = TG_DISCOUNT_AMOUNT, .amount = 5000, .combinable = true},
    };

    cfg.taxes = tg_taxes_norway;
    TG_ASSERT(tg_shop_new(&w->shop, &cfg) == TG_OK);
    TG_ASSERT(tg_shop_load_product(w->shop, &p) == TG_OK);
    for (size_t i = 0; i < SKUS; i++) {
        struct tg_variant v = {.price = 9999 * ((int64_t)i + 1),
                               .compare_at = -1,
                               .cost = -1,
                               .flash = -1,
                               .flash_until_wall = -1,
                               .options = "{}",
                               .stock = {.on_hand = 50}};

        tg_str_cut(v.sku, sizeof(v.sku), skus[i]);
        tg_str_cut(v.tax_class, sizeof(v.tax_class), i == 1 ? "food" : "");
        TG_ASSERT(tg_shop_load_variant(w->shop, w->now, "p", &v) == TG_OK);
    }
    for (size_t i = 0; i < CODES; i++) {
        codes[i].show = UINT16_MAX;
        codes[i].from_wall = -1;
        codes[i].until_wall = -1;
        tg_str_cut(codes[i].currency, sizeof(codes[i].currency), "NOK");
        TG_ASSERT(tg_shop_put_discount(w->shop, &codes[i]) == TG_OK);
    }
}

static struct tg_claim claim_of(struct world *w, enum tg_claim_kind kind)
{
    static const char *const people[] = {"pA", "pB"};

    return (struct tg_claim){.kind = kind,
                             .person = people[tg_rd_u8(&w->r) % 2],
                             .name = "",
                             .source = "",
                             .show = 1,
                             .op = "",
                             .id = "",
                             .sku = skus[tg_rd_u8(&w->r) % SKUS],
                             .qty = 1 + tg_rd_u8(&w->r) % 4,
                             .price = -1,
                             .at_ms = -1,
                             .media_ms = 100000,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .from_wall = -1,
                             .until_wall = -1,
                             .compare_at = TG_AS_IS,
                             .key = "",
                             .currency = "",
                             .if_match = ""};
}

static void check_order(const struct tg_order *o, int64_t shown)
{
    int64_t total = 0;
    int64_t discount = 0;
    int64_t tax = 0;

    for (uint32_t i = 0; i < o->line_count; i++) {
        const struct tg_order_line *l = &o->lines[i];
        int64_t sum = l->price * l->qty - l->discount;

        TG_ASSERT(l->price >= 0);
        TG_ASSERT(l->discount >= 0);
        TG_ASSERT(sum >= 0);
        TG_ASSERT(l->tax >= 0 && l->tax <= sum);
        TG_ASSERT(shown < 0 || l->price <= shown);
        total += sum;
        discount += l->discount;
        tax += l->tax;
    }
    TG_ASSERT(total == o->total);
    TG_ASSERT(discount == o->discount);
    TG_ASSERT(tax == o->tax);
}

static void check_shop(const struct world *w)
{
    const struct tg_discount *half = tg_shop_discount(w->shop, "HALF");

    for (size_t i = 0; i < SKUS; i++) {
        const struct tg_variant *v = tg_shop_variant(w->shop, skus[i]);

        TG_ASSERT(tg_variant_price(v) >= 0);
        TG_ASSERT(v->flash_used >= 0);
        TG_ASSERT(v->flash < 0 || v->flash_limit == 0 || v->flash_used < v->flash_limit);
        TG_ASSERT(tg_variant_lowest(v) >= 0);
        TG_ASSERT(tg_variant_lowest(v) == 0 || tg_variant_compare_at(v) >= 0);
    }
    TG_ASSERT(half->uses <= 4);
}

static void buy(struct world *w)
{
    struct tg_claim c = claim_of(w, TG_CLAIM_BUY);
    struct tg_verdict v;
    uint8_t how = tg_rd_u8(&w->r);

    c.code = texts[tg_rd_u8(&w->r) % TG_ARRAY_LEN(texts)];
    if ((how & 1) != 0)
        c.price = tg_rd_u16(&w->r);
    if ((how & 2) != 0)
        c.at_ms = c.media_ms - (int64_t)tg_rd_u16(&w->r);
    if ((how & 4) != 0)
        c.currency = "EUR";
    tg_shop_decide(w->shop, w->now, &c, &v);
    if (v.code == TG_CODE_OK)
        check_order(v.order, c.price);
    else
        TG_ASSERT(v.message[0] != '\0');
}

static void staff(struct world *w, enum tg_claim_kind kind)
{
    struct tg_claim c = claim_of(w, kind);
    struct tg_verdict v;
    uint8_t how = tg_rd_u8(&w->r);

    c.amount = (how & 1) != 0 ? -1 : tg_rd_u16(&w->r);
    c.limit = (how & 2) != 0 ? tg_rd_u8(&w->r) % 8 : 0;
    if ((how & 4) != 0)
        c.from_wall = w->now.wall + (tg_us)tg_rd_u8(&w->r) * TG_US_PER_S;
    if ((how & 8) != 0)
        c.until_wall = w->now.wall + (tg_us)tg_rd_u16(&w->r) * TG_US_PER_S;
    if ((how & 16) != 0)
        c.compare_at = tg_rd_u16(&w->r);
    if ((how & 32) != 0)
        c.currency = "EUR";
    tg_shop_decide(w->shop, w->now, &c, &v);
}

static void cancel(struct world *w)
{
    struct tg_claim c = claim_of(w, TG_CLAIM_CANCEL);
    struct tg_verdict v;
    size_t cursor = 0;
    const struct tg_order *o = tg_shop_order_each(w->shop, &cursor);

    if (o == NULL)
        return;
    c.key = o->id;
    c.staff = true;
    c.show = UINT16_MAX;
    tg_shop_decide(w->shop, w->now, &c, &v);
}

/* Undo, and see that nothing of the batch stays. */
static void undo(struct world *w, const struct tg_variant before[SKUS], const int32_t uses[CODES])
{
    static const char *const names[CODES] = {"TEN", "HALF", "FIFTY"};

    tg_shop_rollback(w->shop);
    for (size_t i = 0; i < SKUS; i++) {
        const struct tg_variant *v = tg_shop_variant(w->shop, skus[i]);

        TG_ASSERT(v->price == before[i].price);
        TG_ASSERT(v->compare_at == before[i].compare_at);
        TG_ASSERT(v->flash == before[i].flash);
        TG_ASSERT(v->flash_used == before[i].flash_used);
        TG_ASSERT(v->lowest == before[i].lowest);
        TG_ASSERT(v->stock.held == before[i].stock.held);
    }
    for (size_t i = 0; i < CODES; i++)
        TG_ASSERT(tg_shop_discount(w->shop, names[i])->uses == uses[i]);
}

static void remember(const struct world *w, struct tg_variant before[SKUS], int32_t uses[CODES])
{
    for (size_t i = 0; i < SKUS; i++)
        before[i] = *tg_shop_variant(w->shop, skus[i]);
    uses[0] = tg_shop_discount(w->shop, "TEN")->uses;
    uses[1] = tg_shop_discount(w->shop, "HALF")->uses;
    uses[2] = tg_shop_discount(w->shop, "FIFTY")->uses;
}

static void texts_of(const uint8_t *data, size_t size)
{
    char codes[TG_ORDER_CODES_MAX][TG_DISCOUNT_CODE_SIZE];
    struct tg_taxes taxes;
    char text[256];
    size_t len = TG_MIN(size, sizeof(text) - 1);

    if (len > 0)
        memcpy(text, data, len);
    text[len] = '\0';
    TG_ASSERT(tg_codes_split(codes, text) <= TG_ORDER_CODES_MAX);
    if (tg_taxes_parse(&taxes, text, "") == TG_OK)
        TG_ASSERT(taxes.count >= 1 && taxes.count <= TG_TAX_CLASSES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.rng = tg_rng_seeded(1),
                      .now = {.mono = 1, .wall = (tg_us)1780000000 * TG_US_PER_S}};
    struct tg_variant before[SKUS];
    int32_t uses[CODES];

    texts_of(data, size);
    w.r = tg_rd(data, size);
    open_world(&w);
    remember(&w, before, uses);
    while (!w.r.bad && tg_rd_left(&w.r) > 0) {
        tg_us step;

        switch (tg_rd_u8(&w.r) % 8) {
        case 0:
        case 1:
            buy(&w);
            break;
        case 2:
            staff(&w, TG_CLAIM_PRICE);
            break;
        case 3:
            staff(&w, TG_CLAIM_LIST_PRICE);
            break;
        case 4:
            cancel(&w);
            break;
        case 5:
            step = (tg_us)tg_rd_u16(&w.r) * TG_US_PER_S / 16;
            w.now.mono += step;
            w.now.wall += step;
            (void)tg_shop_tick(w.shop, w.now, 100);
            break;
        case 6:
            tg_shop_commit(w.shop);
            remember(&w, before, uses);
            break;
        default:
            undo(&w, before, uses);
            break;
        }
        check_shop(&w);
    }
    undo(&w, before, uses);
    tg_shop_free(w.shop);
    return 0;
}
