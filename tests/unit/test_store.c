/*
 * test_store.c - the store's contract on a real SQLite file and on a PostgreSQL server: schema,
 * effects, idempotency, reading, audit; bad files, the data directory's lock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/rules.h"
#include "store/backup.h"
#include "store/datadir.h"
#include "store/read.h"
#include "store/store.h"
#include "support/lib/store_box.h"

static void test_demo_catalogue_loads_and_is_seeded_once(void **state)
{
    struct box *b = box_new();
    size_t ones = 0;

    (void)state;
    open_all(b);
    assert_true(tg_shop_product_count(b->shop) >= 12);
    for (size_t i = 0; i < tg_shop_product_count(b->shop); i++) {
        const struct tg_product *p = tg_shop_product_at(b->shop, i);
        char image[TG_URL_SIZE];

        tg_str_printf(image, sizeof(image), "/images/products/%s.svg", p->id);
        assert_string_equal(p->image, image);
        assert_int_equal(p->number, i + 1);
        assert_true(p->variant_count > 0);
        for (const struct tg_variant *v = p->first; v != NULL; v = v->next) {
            ones += v->stock.on_hand == 1;
            assert_true(v->cost > 0 && v->cost < v->price);
            assert_true(v->options[0] == '{');
        }
    }
    assert_int_equal(ones, 1);
    assert_int_equal(tg_demo_seed(b->store, b->now.wall), TG_OK); /* again: nothing happens */
    audit(b);
    close_all(b);
    box_free(b);
}

/* Every word of a variant's options that is one of English has one in the language. */
static void options_are_in(const struct tg_variant *v, const struct tg_text *text)
{
    static const char *const english[] = {"\"color\"", "\"size\"",       "\"pack\"",  "\"grind\"",
                                          "\"grey\"",  "\"blue\"",       "\"white\"", "\"green\"",
                                          "\"red\"",   "\"yellow\"",     "\"navy\"",  "\"black\"",
                                          "\"sand\"",  "\"whole bean\"", "\"filter\""};
    char buf[TG_OPTIONS_IN_SIZE];
    const char *options = tg_options_in(buf, v->options, text);

    for (size_t i = 0; i < TG_ARRAY_LEN(english); i++)
        if (strstr(options, english[i]) != NULL)
            fail_msg("%s in %s: %s", v->sku, text->lang, options);
}

static void test_demo_catalogue_speaks_the_languages_of_the_pages(void **state)
{
    static const char *const langs[] = {"nb", "sv"};
    struct box *b = box_new();
    const struct tg_langs *sweater;

    (void)state;
    open_all(b);
    for (size_t i = 0; i < tg_shop_product_count(b->shop); i++) {
        const struct tg_product *p = tg_shop_product_at(b->shop, i);

        for (size_t k = 0; k < TG_ARRAY_LEN(langs); k++) {
            const struct tg_text *text = tg_langs_pick(p->texts, langs[k]);

            if (text == NULL)
                fail_msg("%s has nothing in %s", p->id, langs[k]);
            assert_string_equal(text->lang, langs[k]);
            assert_true(text->title[0] != '\0' && strcmp(text->title, p->title) != 0);
            assert_true(text->description[0] != '\0' &&
                        strcmp(text->description, p->description) != 0);
            for (const struct tg_variant *v = p->first; v != NULL; v = v->next)
                options_are_in(v, text);
        }
    }
    sweater = tg_shop_product_at(b->shop, 0)->texts;
    assert_string_equal(tg_langs_pick(sweater, "nb-NO")->title, "Ullgenser Varde");
    assert_string_equal(tg_langs_pick(sweater, "sv")->title, "Ylletröja Varde");
    close_all(b);
    box_free(b);
}

static void test_orders_and_stock_survive_a_restart(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    struct tg_claim pay = claim_of(TG_CLAIM_PAY, "x", "");
    struct tg_claim set = claim_of(TG_CLAIM_CART_SET, "pA", "THERMOS-1L-SAND");
    char orders[2][TG_UUID_SIZE];
    char payments[2][TG_PAYMENT_ID_SIZE];

    (void)state;
    open_all(b);
    buy.qty = 3;
    assert_int_equal(one(b, &buy, orders[0], payments[0]).code, TG_CODE_OK);
    assert_int_equal(one(b, &buy, orders[1], payments[1]).code, TG_CODE_OK);
    pay.key = payments[0];
    pay.paid = true;
    assert_int_equal(one(b, &pay, NULL, NULL).code, TG_CODE_OK);
    set.qty = 2;
    assert_int_equal(one(b, &set, NULL, NULL).code, TG_CODE_OK);
    audit(b);
    close_all(b);

    b->now = (struct tg_shop_now){.mono = 5, .wall = WALL_US + (tg_us)599 * TG_US_PER_S};
    open_all(b);
    audit(b);
    assert_int_equal(tg_shop_variant(b->shop, "MUG-RED")->stock.held, 3);
    assert_int_equal(tg_shop_variant(b->shop, "MUG-RED")->stock.sold, 3);
    assert_int_equal(tg_shop_order_count(b->shop), 1);
    assert_int_equal(tg_shop_deadline(b->shop), 5 + TG_US_PER_S); /* what is left of the hold */
    load(b, &set);
    assert_int_equal(tg_shop_cart(b->shop, "pA")->lines[0].qty, 2);
    assert_int_equal(one(b, &pay, NULL, NULL).code, TG_CODE_OK); /* paid long ago: told again */
    assert_int_equal(one(b, &buy, orders[1], payments[1]).code, TG_CODE_OK);
    close_all(b);
    box_free(b);
}

static tg_err count_event(void *ctx, const struct tg_event_row *row)
{
    uint32_t *kinds = ctx;

    kinds[row->kind]++;
    return TG_OK;
}

static enum tg_code change(struct box *b, enum tg_claim_kind kind, const char *order, int32_t qty)
{
    struct tg_claim c = claim_of(kind, "s1", "");
    struct tg_line_qty line = {.line = 0, .qty = qty};

    c.key = order;
    c.staff = true;
    c.show = UINT16_MAX;
    c.reason = "as agreed";
    c.restock = true;
    c.lines = &line;
    c.line_count = qty > 0 ? 1 : 0;
    return one(b, &c, NULL, NULL).code;
}

static void reopen(struct box *b)
{
    audit(b);
    close_all(b);
    open_all(b);
    audit(b);
}

/* Every step after a restart: what memory forgot comes from the disk. */
static void test_an_orders_life_survives_restarts(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    struct tg_claim news = claim_of(TG_CLAIM_NEWS, "", "");
    struct tg_claim late = claim_of(TG_CLAIM_PAY, "", "");
    char orders[2][TG_UUID_SIZE];
    char payments[2][TG_PAYMENT_ID_SIZE];
    uint32_t kinds[TG_EVENT_COUNT] = {0};
    struct tg_order *order = NULL;
    struct tg_read_db *db = NULL;
    char why[256] = "";
    int32_t before;

    (void)state;
    open_all(b);
    before = tg_shop_variant(b->shop, "MUG-RED")->stock.on_hand;
    buy.qty = 4;
    assert_int_equal(one(b, &buy, orders[0], payments[0]).code, TG_CODE_OK);
    assert_int_equal(one(b, &buy, orders[1], payments[1]).code, TG_CODE_OK);
    assert_int_equal(change(b, TG_CLAIM_CANCEL, orders[0], 1), TG_CODE_OK);
    reopen(b);
    news.key = payments[0];
    news.news = TG_NEWS_AUTHORISED;
    news.reference = "ref-1";
    news.amount = 3 * tg_shop_variant(b->shop, "MUG-RED")->price;
    assert_int_equal(one(b, &news, NULL, NULL).code, TG_CODE_OK);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_FULFIL, orders[0], 1), TG_CODE_CONFLICT); /* no money yet */
    news.news = TG_NEWS_CAPTURED;
    assert_int_equal(one(b, &news, NULL, NULL).code, TG_CODE_OK);
    reopen(b);
    assert_int_equal(one(b, &news, NULL, NULL).code, TG_CODE_OK); /* told again */
    assert_int_equal(change(b, TG_CLAIM_FULFIL, orders[0], 2), TG_CODE_OK);
    reopen(b);
    assert_int_equal(change(b, TG_CLAIM_RETURN, orders[0], 1), TG_CODE_OK);
    reopen(b);
    assert_int_equal(tg_shop_variant(b->shop, "MUG-RED")->stock.on_hand, before - 1);
    assert_int_equal(tg_shop_variant(b->shop, "MUG-RED")->stock.sold, 1);
    b->now.mono += (tg_us)3600 * TG_US_PER_S;
    b->now.wall += (tg_us)3600 * TG_US_PER_S;
    late.key = payments[1];
    late.paid = false; /* a batch for the clock: the other order expires in it, or is open still */
    (void)one(b, &late, NULL, NULL);
    assert_int_equal(tg_read_db_new(&db, &(struct tg_db_cfg){.url = b->url}, why), TG_OK);
    assert_int_equal(tg_read_order(db, orders[0], &order), TG_OK);
    assert_int_equal(order->state, TG_ORDER_PARTLY);
    assert_int_equal(order->lines[0].cancelled, 1);
    assert_int_equal(order->lines[0].fulfilled, 2);
    assert_int_equal(order->lines[0].returned, 1);
    assert_int_equal(order->total, 3 * order->lines[0].price);
    assert_int_equal(order->refund_due, order->lines[0].price);
    assert_int_equal(tg_read_events(db, order->number, count_event, kinds), TG_OK);
    assert_int_equal(kinds[TG_EVENT_PART_CANCELLED], 1);
    assert_int_equal(kinds[TG_EVENT_PAID], 1);
    assert_int_equal(kinds[TG_EVENT_CAPTURED], 1);
    assert_int_equal(kinds[TG_EVENT_FULFILLED], 1);
    assert_int_equal(kinds[TG_EVENT_RETURNED], 1);
    tg_order_free(order);
    tg_read_db_free(db);
    audit(b);
    close_all(b);
    box_free(b);
}

static void test_person_limit_is_summed_from_disk(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "COFFEE-WHOLE");

    (void)state;
    open_all(b);
    buy.qty = 48;
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_OK);
    close_all(b);
    open_all(b);
    buy.qty = 3;
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_LIMIT);
    buy.qty = 2;
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_OK);
    close_all(b);
    box_free(b);
}

static void write_answer(struct box *b, const char *id, uint64_t digest)
{
    struct tg_idem_entry e = {.person = "pA", .op = "buy", .digest = digest, .status = 201};

    tg_str_cut(e.id, sizeof(e.id), id);
    e.reply = tg_slab_copy("{\"re\":1}", 8);
    assert_non_null(e.reply);
    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    assert_int_equal(b->store->ops->write_idem(b->store, b->now.wall, &e), TG_OK);
    assert_int_equal(b->store->ops->commit(b->store), TG_OK);
    tg_slab_unref(e.reply);
}

static void test_answers_are_kept_48_hours(void **state)
{
    bool more = true;
    struct box *b = box_new();
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    const struct tg_idem_entry *e;

    (void)state;
    open_all(b);
    c.id = "k1";
    write_answer(b, "k1", UINT64_MAX - 3);
    b->now.wall += TG_IDEM_DISK_US - 1;
    load(b, &c);
    e = tg_idem_find(b->idem, b->now.mono, "pA", "buy", "k1");
    assert_non_null(e);
    assert_true(e->digest == UINT64_MAX - 3);
    assert_int_equal(e->status, 201);
    assert_memory_equal(e->reply->data, "{\"re\":1}", 8);
    close_all(b);
    open_all(b);
    b->now.wall += 1;
    load(b, &c);
    assert_null(tg_idem_find(b->idem, b->now.mono, "pA", "buy", "k1"));
    write_answer(b, "k1", 5); /* decided anew: replaces the old row */
    b->now.wall += TG_IDEM_DISK_US;
    assert_int_equal(b->store->ops->purge(b->store, b->now.wall, 10, &more), TG_OK);
    assert_false(more);
    close_all(b);
    box_free(b);
}

static tg_err find_person(void *ctx, const struct tg_order *order)
{
    int *count = ctx;

    assert_string_equal(order->person, "pA");
    assert_string_equal(order->source, "instagram");
    assert_int_equal(order->show, 2);
    assert_int_equal(order->lines[0].cost, 4800);
    (*count)++;
    return TG_OK;
}

static void test_reading_sees_orders_products_and_the_report(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    struct tg_read_db *db = NULL;
    static struct tg_report report;
    struct tg_order *order = NULL;
    char id[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
    char why[256] = "";
    int count = 0;

    (void)state;
    open_all(b);
    assert_int_equal(one(b, &buy, id, payment).code, TG_CODE_OK);
    assert_int_equal(one(b, &buy, id, payment).code, TG_CODE_OK);
    assert_int_equal(tg_read_db_new(&db, &(struct tg_db_cfg){.url = b->url}, why), TG_OK);
    assert_int_equal(tg_read_orders(db, "pA", INT64_MAX, 10, find_person, &count), TG_OK);
    assert_int_equal(count, 2);
    assert_int_equal(tg_read_orders(db, "pA", 1002, 10, find_person, &count), TG_OK);
    assert_int_equal(count, 3);
    assert_int_equal(tg_read_orders(db, "pB", INT64_MAX, 10, find_person, &count), TG_OK);
    assert_int_equal(tg_read_orders(db, NULL, INT64_MAX, 1, find_person, &count), TG_OK);
    assert_int_equal(count, 4);
    assert_int_equal(tg_read_payment(db, payment, &order), TG_OK);
    assert_string_equal(order->id, id);
    tg_order_free(order);
    assert_int_equal(tg_read_order(db, "none", &order), TG_ERR_NOTFOUND);
    assert_int_equal(tg_read_report(db, 2, &report), TG_OK);
    assert_int_equal(report.by_state[TG_ORDER_AWAITING].orders, 2);
    assert_int_equal(report.by_state[TG_ORDER_AWAITING].sums[0].amount, 2 * 14900);
    assert_int_equal(report.by_state[TG_ORDER_AWAITING].buyers, 1);
    tg_read_db_free(db);
    close_all(b);
    box_free(b);
}

static void test_shows_and_tokens_fill_the_registry(void **state)
{
    struct box *b = box_new();
    struct tg_show_info show = {.ord = 3, .id = "winter", .title = "Winter"};
    struct tg_token_info token = {.ordinal = 1,
                                  .id = "t1",
                                  .roles = TG_ROLE_HOST,
                                  .one_show = true,
                                  .show = 3,
                                  .expires_wall_us = TG_US_NEVER};
    struct tg_token_info got;
    struct tg_registry *reg = NULL;
    char text[TG_TOKEN_SIZE];
    uint32_t next = 0;

    (void)state;
    open_all(b);
    show.created_wall_us = WALL_US - 1000;
    tg_token_mint(text, token.hash);
    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    assert_int_equal(b->store->ops->write_show(b->store, &show, "s1"), TG_OK);
    assert_int_equal(b->store->ops->write_token(b->store, &token, WALL_US, "s1"), TG_OK);
    assert_int_equal(b->store->ops->write_show_state(b->store, 3, TG_SHOW_REHEARSAL, WALL_US),
                     TG_OK);
    assert_int_equal(b->store->ops->commit(b->store), TG_OK);
    assert_int_equal(tg_registry_new(&reg), TG_OK);
    assert_int_equal(b->store->ops->load_registry(b->store, b->now, reg), TG_OK);
    assert_int_equal(tg_registry_show_get(reg, "winter", 6, &show), TG_OK);
    assert_int_equal(show.state, TG_SHOW_REHEARSAL);
    assert_int_equal(show.epoch_us, b->now.mono - 1000);
    assert_int_equal(tg_registry_token_check(reg, WALL_US, text, strlen(text), &got), TG_OK);
    assert_int_equal(got.show, 3);
    tg_registry_free(reg);

    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    assert_int_equal(b->store->ops->write_revoke(b->store, "t1", WALL_US, "s1"), TG_OK);
    assert_int_equal(b->store->ops->commit(b->store), TG_OK);
    assert_int_equal(tg_registry_new(&reg), TG_OK);
    assert_int_equal(b->store->ops->load_registry(b->store, b->now, reg), TG_OK);
    assert_int_equal(tg_registry_token_check(reg, WALL_US, text, strlen(text), &got), TG_ERR_AUTH);
    tg_registry_free(reg);
    assert_int_equal(b->store->ops->next_token(b->store, &next), TG_OK);
    assert_int_equal(next, 2);

    /* A row that torg did not write. */
    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    assert_int_equal(b->store->ops->write_show_state(b->store, 3, (enum tg_show_state)4, WALL_US),
                     TG_OK);
    assert_int_equal(b->store->ops->commit(b->store), TG_OK);
    assert_int_equal(tg_registry_new(&reg), TG_OK);
    assert_int_equal(b->store->ops->load_registry(b->store, b->now, reg), TG_ERR_MALFORMED);
    tg_registry_free(reg);
    close_all(b);
    box_free(b);
}

static void test_rollback_leaves_nothing(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    const struct tg_effect *effects = NULL;
    struct tg_verdict v;
    size_t count = 0;

    (void)state;
    open_all(b);
    load(b, &buy);
    tg_shop_decide(b->shop, b->now, &buy, &v);
    assert_int_equal(tg_shop_effects(b->shop, b->now.wall, &effects, &count), TG_OK);
    assert_int_equal(b->store->ops->begin(b->store), TG_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(b->store->ops->write(b->store, &effects[i]), TG_OK);
    b->store->ops->rollback(b->store);
    tg_shop_rollback(b->shop);
    audit(b);
    close_all(b);
    open_all(b);
    audit(b);
    assert_int_equal(tg_shop_order_count(b->shop), 0);
    close_all(b);
    box_free(b);
}

/* --- what the schema itself forbids --- */

static void test_schema_refuses_overselling_and_rewriting_history(void **state)
{
    struct box *b = box_new();

    (void)state;
    open_all(b);
    close_all(b);
    assert_int_equal(sql(b, "UPDATE stock SET held = on_hand + 1"), SQLITE_CONSTRAINT);
    assert_int_equal(sql(b, "UPDATE movements SET qty = 1"), SQLITE_CONSTRAINT);
    assert_int_equal(sql(b, "DELETE FROM movements"), SQLITE_CONSTRAINT);
    assert_int_equal(sql(b, "UPDATE stock SET held = 1 WHERE sku = 'MUG-RED'"), SQLITE_OK);
    box_free(b);
}

static void test_both_engines_take_every_statement(void **state)
{
    struct box *b = box_new();
    struct tg_db db;
    char why[256] = "";

    (void)state;
    assert_int_equal(tg_db_open(&db, &(struct tg_db_cfg){.url = b->url}, TG_DB_WRITE, why), TG_OK);
    if (tg_db_check_statements(&db) != TG_OK)
        fail_msg("%s", db.error);
    tg_db_close(&db);
    box_free(b);
}

static tg_err count_differences(void *ctx, const struct tg_audit_row *row)
{
    struct box *b = ((void **)ctx)[0];
    int *count = ((void **)ctx)[1];
    char why[160];

    *count += !tg_shop_audit(b->shop, row, why);
    return TG_OK;
}

static void test_audit_finds_a_row_that_was_meddled_with(void **state)
{
    struct box *b = box_new();
    int count = 0;
    void *ctx[2] = {b, &count};

    (void)state;
    open_all(b);
    close_all(b);
    assert_int_equal(sql(b, "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'MUG-RED'"),
                     SQLITE_OK);
    open_all(b);
    assert_int_equal(b->store->ops->audit(b->store, count_differences, ctx), TG_OK);
    assert_int_equal(count, 1);
    close_all(b);
    box_free(b);
}

/* --- places, bundles, takes --- */

static enum tg_code make_place(struct box *b, const char *id, enum tg_location_kind kind,
                               uint16_t show)
{
    struct tg_location_change ch = {
        .location = {.kind = kind, .show = show, .ships_from_wall = -1, .priority = 10},
        .make = true};
    struct tg_claim c = claim_of(TG_CLAIM_LOCATION, "s1", "");

    tg_str_cut(ch.location.id, sizeof(ch.location.id), id);
    tg_str_cut(ch.location.name, sizeof(ch.location.name), id);
    if (kind == TG_LOCATION_PROMISE)
        ch.location.ships_from_wall = WALL_US + TG_US_PER_S;
    c.location_change = &ch;
    return one(b, &c, NULL, NULL).code;
}

static struct tg_stock_row stock_row(struct box *b, enum tg_stock_how how, const char *sku,
                                     const char *location, int32_t value, tg_us counted)
{
    struct tg_stock_row row = {
        .how = how, .value = value, .counted_wall = counted, .if_version = -1};
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_ROWS, "s1", "");

    tg_str_cut(row.sku, sizeof(row.sku), sku);
    tg_str_cut(row.location, sizeof(row.location), location);
    tg_str_cut(row.cause, sizeof(row.cause), "spring count");
    c.rows = &row;
    c.row_count = 1;
    c.all_or_nothing = true;
    assert_int_equal(one(b, &c, NULL, NULL).code, TG_CODE_OK);
    return row;
}

static void make_bundle(struct box *b)
{
    const struct tg_part_row parts[] = {{.sku = "MUG-RED", .qty = 2},
                                        {.sku = "THERMOS-1L-SAND", .qty = 1}};
    struct tg_rules_change rules = {.sku = "SHEEPSKIN-ONE",
                                    .rules = {.order_max = 3},
                                    .set_parts = true,
                                    .parts = parts,
                                    .part_count = 2};
    struct tg_claim c = claim_of(TG_CLAIM_STOCK_RULES, "s1", "");

    (void)stock_row(b, TG_STOCK_SET, "SHEEPSKIN-ONE", "", 0, -1);
    c.rules_change = &rules;
    assert_int_equal(one(b, &c, NULL, NULL).code, TG_CODE_OK);
}

static struct tg_stock_count at(struct box *b, const char *sku, uint16_t location)
{
    const struct tg_place *p = tg_variant_place(tg_shop_variant(b->shop, sku), location);

    return p == NULL ? (struct tg_stock_count){0} : p->count;
}

static void test_places_bundles_and_takes_survive_a_restart(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "SHEEPSKIN-ONE");
    struct tg_claim pay = claim_of(TG_CLAIM_PAY, "x", "");
    char order[TG_UUID_SIZE];
    char payment[TG_PAYMENT_ID_SIZE];
    int64_t version;
    int64_t ticket;

    (void)state;
    open_all(b);
    assert_int_equal(make_place(b, "oslo", TG_LOCATION_STORE, UINT16_MAX), TG_CODE_OK);
    assert_int_equal(make_place(b, "later", TG_LOCATION_PROMISE, UINT16_MAX), TG_CODE_OK);
    make_bundle(b);
    (void)stock_row(b, TG_STOCK_SET, "MUG-RED", "", 3, -1);
    (void)stock_row(b, TG_STOCK_RECEIVE, "MUG-RED", "oslo", 1, -1);
    version = stock_row(b, TG_STOCK_SET, "MUG-RED", "later", 5, -1).version;
    buy.back_order = true;
    buy.qty = 3; /* 6 mugs: 3 here, 1 in the store, 2 promised */
    ticket = one(b, &buy, order, payment).ticket;
    assert_true(ticket > 0);
    audit(b);
    close_all(b);

    b->now.mono = 5;
    open_all(b);
    audit(b);
    assert_int_equal(at(b, "MUG-RED", 0).held, 3);
    assert_int_equal(at(b, "MUG-RED", 1).held, 1);
    assert_int_equal(at(b, "MUG-RED", 2).held, 2);
    assert_int_equal(tg_variant_version(tg_shop_variant(b->shop, "MUG-RED")), version + 3);
    assert_int_equal(tg_shop_variant(b->shop, "SHEEPSKIN-ONE")->part_count, 2);
    assert_int_equal(tg_shop_variant(b->shop, "SHEEPSKIN-ONE")->rules.order_max, 3);
    assert_int_equal(tg_shop_location(b->shop, "later")->ships_from_wall, WALL_US + TG_US_PER_S);
    pay.key = payment;
    pay.paid = true;
    assert_int_equal(one(b, &pay, NULL, NULL).code, TG_CODE_OK);
    assert_int_equal(at(b, "MUG-RED", 2).sold, 2);
    assert_int_equal(at(b, "THERMOS-1L-SAND", 0).sold, 3);
    buy.qty = 1;
    assert_true(one(b, &buy, order, payment).ticket > ticket);
    audit(b);
    close_all(b);
    open_all(b);
    audit(b);
    assert_int_equal(at(b, "MUG-RED", 2).held, 2);
    close_all(b);
    box_free(b);
}

static void test_late_count_is_told_what_moved_since(void **state)
{
    struct box *b = box_new();
    struct tg_stock_row row;

    (void)state;
    open_all(b);
    (void)stock_row(b, TG_STOCK_SET, "MUG-RED", "", 10, -1);
    b->now.wall += 100;
    (void)stock_row(b, TG_STOCK_RECEIVE, "MUG-RED", "", 5, -1);
    b->now.wall += 100;
    /* Counted before the delivery came: 8, so there are 13. */
    row = stock_row(b, TG_STOCK_SET, "MUG-RED", "", 8, WALL_US + 50);
    assert_int_equal(row.done, -2);
    assert_int_equal(row.on_hand, 13);
    row = stock_row(b, TG_STOCK_SET, "MUG-RED", "", 8, WALL_US + 50); /* told twice */
    assert_int_equal(row.on_hand, 13);
    row = stock_row(b, TG_STOCK_SET, "MUG-RED", "", 12, WALL_US + 150);
    assert_int_equal(row.on_hand, 12);
    row = stock_row(b, TG_STOCK_SET, "MUG-RED", "", 1, WALL_US + 60); /* older than the last one */
    assert_int_equal(row.on_hand, 12);
    audit(b);
    close_all(b);
    box_free(b);
}

static void test_limits_in_a_show_are_summed_from_disk(void **state)
{
    struct box *b = box_new();
    struct tg_claim buy = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    const struct tg_show_rules rules = {.show = 2, .person_units = 4};
    const struct tg_show_item item = {
        .show = 2, .sku = "MUG-RED", .person_max = 3, .from_ms = -1, .until_ms = -1};

    (void)state;
    open_all(b);
    buy.qty = 2;
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_OK);
    close_all(b);
    open_all(b);
    assert_int_equal(tg_shop_put_rules(b->shop, &rules), TG_OK);
    assert_int_equal(tg_shop_put_show_item(b->shop, &item), TG_OK);
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_LIMIT);
    buy.qty = 1;
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_OK);
    buy.sku = "THERMOS-1L-SAND";
    buy.qty = 2;
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_LIMIT);
    buy.show = 1; /* another show */
    assert_int_equal(one(b, &buy, NULL, NULL).code, TG_CODE_OK);
    close_all(b);
    box_free(b);
}

/* --- backup and restore --- */

static tg_err count_order(void *ctx, const struct tg_order *order)
{
    (void)order;
    (*(int *)ctx)++;
    return TG_OK;
}

static int orders_in(struct box *b)
{
    struct tg_read_db *db = NULL;
    int count = 0;
    char why[256] = "";

    assert_int_equal(tg_read_db_new(&db, &(struct tg_db_cfg){.url = b->url}, why), TG_OK);
    assert_int_equal(tg_read_orders(db, NULL, INT64_MAX, 100, count_order, &count), TG_OK);
    tg_read_db_free(db);
    return count;
}

static void test_a_backup_made_while_running_brings_everything_back(void **state)
{
    struct box *b = box_new();
    const struct tg_db_cfg cfg = {.url = b->url};
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    char file[128];
    char kept[256] = "";
    char why[256] = "";

    (void)state;
    tg_str_printf(file, sizeof(file), "%s/backup", b->dir);
    open_all(b);
    c.id = "1";
    assert_int_equal(one(b, &c, NULL, NULL).code, TG_CODE_OK);
    if (tg_backup(&cfg, file, NULL, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(tg_backup(&cfg, file, NULL, why), TG_ERR_CONFLICT);
    c.id = "2";
    assert_int_equal(one(b, &c, NULL, NULL).code, TG_CODE_OK);
    assert_int_equal(orders_in(b), 2);
    if (postgres != NULL) /* its sessions are seen; of a file the data directory's lock tells */
        assert_int_equal(tg_restore(&cfg, file, kept, why), TG_ERR_CONFLICT);
    close_all(b);
    if (tg_restore(&cfg, file, kept, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_not_equal(kept[0], '\0');
    assert_int_equal(orders_in(b), 1);
    open_all(b);
    audit(b);
    close_all(b);
    if (postgres == NULL)
        assert_int_equal(unlink(kept), 0);
    assert_int_equal(unlink(file), 0);
    box_free(b);
}

static void test_what_is_no_backup_changes_nothing(void **state)
{
    struct box *b = box_new();
    const struct tg_db_cfg cfg = {.url = b->url};
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA", "MUG-RED");
    char file[128];
    char kept[256] = "";
    char why[256] = "";
    FILE *f;

    (void)state;
    tg_str_printf(file, sizeof(file), "%s/backup", b->dir);
    open_all(b);
    assert_int_equal(one(b, &c, NULL, NULL).code, TG_CODE_OK);
    close_all(b);
    assert_int_equal(tg_restore(&cfg, file, kept, why), TG_ERR_IO);
    f = fopen(file, "w");
    assert_non_null(f);
    assert_true(fputs("a letter to my aunt, and nothing else at all\n", f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_not_equal(tg_restore(&cfg, file, kept, why), TG_OK);
    assert_int_not_equal(why[0], '\0');
    assert_int_equal(orders_in(b), 1);
    assert_int_equal(unlink(file), 0);
    box_free(b);
}

/* --- files that cannot be used --- */

static tg_err try_open(struct box *b, char why[256])
{
    struct tg_db_cfg cfg = {.url = b->url, .fast = true};
    tg_err err = tg_store_new(&b->store, &cfg, why);

    if (err == TG_OK)
        tg_store_free(b->store);
    return err;
}

static void test_newer_schema_is_refused_in_plain_words(void **state)
{
    struct box *b = box_new();
    char why[256] = "";

    (void)state;
    open_all(b);
    close_all(b);
    assert_int_equal(sql(b, postgres == NULL ? "PRAGMA user_version = 9999"
                                             : "UPDATE torg_schema SET version = 9999"),
                     SQLITE_OK);
    assert_int_equal(try_open(b, why), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "newer torg"));
    box_free(b);
}

static void test_foreign_database_is_not_touched(void **state)
{
    struct box *b = box_new();
    char why[256] = "";

    (void)state;
    assert_int_equal(sql(b, "CREATE TABLE bookmarks (id INTEGER)"), SQLITE_OK);
    assert_int_equal(try_open(b, why), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "another program"));
    box_free(b);
}

static void overwrite(struct box *b, long from, size_t len)
{
    FILE *f = fopen(b->path, "r+b");

    if (f == NULL)
        f = fopen(b->path, "wb");
    assert_non_null(f);
    assert_int_equal(fseek(f, from, SEEK_SET), 0);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(fputc((int)(i * 7 + 13) & 0xff, f), (int)(i * 7 + 13) & 0xff);
    assert_int_equal(fclose(f), 0);
}

static void test_damaged_file_is_refused_in_plain_words(void **state)
{
    struct box *b = box_new();
    char why[256] = "";

    (void)state;
    overwrite(b, 0, 8192);
    assert_int_equal(try_open(b, why), TG_ERR_MALFORMED);
    assert_non_null(strstr(why, b->path));
    assert_int_equal(unlink(b->path), 0);
    open_all(b);
    close_all(b);
    overwrite(b, 4096 * 4, 4096 * 6);
    assert_int_equal(try_open(b, why), TG_ERR_MALFORMED);
    box_free(b);
}

static void test_directory_that_is_not_there_is_io(void **state)
{
    struct tg_db_cfg cfg = {.url = "/nonexistent/torg/shop.db"};
    struct tg_store *store = NULL;
    struct tg_read_db *db = NULL;
    char why[256] = "";

    (void)state;
    assert_int_equal(tg_store_new(&store, &cfg, why), TG_ERR_IO);
    assert_int_equal(tg_read_db_new(&db, &cfg, why), TG_ERR_IO);
}

static void test_data_directory_has_one_owner(void **state)
{
    struct box *b = box_new();
    int first = -1;
    int second = -1;

    (void)state;
    assert_int_equal(tg_datadir_lock(&first, b->dir), TG_OK);
    assert_int_equal(tg_datadir_lock(&second, b->dir), TG_ERR_CONFLICT);
    assert_int_equal(close(first), 0);
    assert_int_equal(tg_datadir_lock(&second, b->dir), TG_OK);
    assert_int_equal(close(second), 0);
    assert_int_equal(tg_datadir_lock(&second, "/nonexistent/a/b"), TG_ERR_IO);
    box_free(b);
}

static void test_loading_without_memory_answers_nomem(void **state)
{
    struct box *b = box_new();
    struct tg_shop_cfg cfg = {.rng = &b->rng, .currency = "NOK", .hold_us = 1};
    tg_err err = TG_OK;

    (void)state;
    open_all(b);
    for (long n = 0;; n++) {
        struct tg_shop *shop = NULL;

        tg_alloc_fail_nth(n);
        err = tg_shop_new(&shop, &cfg);
        if (err == TG_OK)
            err = b->store->ops->load_shop(b->store, b->now, shop);
        tg_shop_free(shop);
        if (!tg_alloc_failed())
            break;
        assert_int_equal(err, TG_ERR_NOMEM);
    }
    tg_alloc_fail_nth(-1);
    assert_int_equal(err, TG_OK);
    close_all(b);
    box_free(b);
}

/* What the two engines have in common. */
#define CONTRACT                                                                                   \
    cmocka_unit_test(test_demo_catalogue_loads_and_is_seeded_once),                                \
        cmocka_unit_test(test_demo_catalogue_speaks_the_languages_of_the_pages),                   \
        cmocka_unit_test(test_orders_and_stock_survive_a_restart),                                 \
        cmocka_unit_test(test_an_orders_life_survives_restarts),                                   \
        cmocka_unit_test(test_person_limit_is_summed_from_disk),                                   \
        cmocka_unit_test(test_places_bundles_and_takes_survive_a_restart),                         \
        cmocka_unit_test(test_late_count_is_told_what_moved_since),                                \
        cmocka_unit_test(test_limits_in_a_show_are_summed_from_disk),                              \
        cmocka_unit_test(test_answers_are_kept_48_hours),                                          \
        cmocka_unit_test(test_reading_sees_orders_products_and_the_report),                        \
        cmocka_unit_test(test_shows_and_tokens_fill_the_registry),                                 \
        cmocka_unit_test(test_rollback_leaves_nothing),                                            \
        cmocka_unit_test(test_both_engines_take_every_statement),                                  \
        cmocka_unit_test(test_schema_refuses_overselling_and_rewriting_history),                   \
        cmocka_unit_test(test_audit_finds_a_row_that_was_meddled_with),                            \
        cmocka_unit_test(test_newer_schema_is_refused_in_plain_words),                             \
        cmocka_unit_test(test_foreign_database_is_not_touched),                                    \
        cmocka_unit_test(test_a_backup_made_while_running_brings_everything_back),                 \
        cmocka_unit_test(test_what_is_no_backup_changes_nothing)

int main(void)
{
    static struct tg_pg_server server;
    const struct CMUnitTest sqlite[] = {
        CONTRACT,
        cmocka_unit_test(test_damaged_file_is_refused_in_plain_words),
        cmocka_unit_test(test_directory_that_is_not_there_is_io),
        cmocka_unit_test(test_data_directory_has_one_owner),
        cmocka_unit_test(test_loading_without_memory_answers_nomem),
    };
    const struct CMUnitTest on_postgres[] = {CONTRACT};
    int failed = cmocka_run_group_tests(sqlite, NULL, NULL);

    if (!tg_pg_server_start(&server))
        return 1;
    postgres = &server;
    failed += cmocka_run_group_tests(on_postgres, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
