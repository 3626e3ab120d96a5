/*
 * test_nodes_catalogue.c - what one node changes in the catalogue, its places and its shows' rules,
 * and what the other makes of it: in any order, after a gap, and on its pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/sale_priv.h"
#include "support/lib/two_nodes.h"

static const struct tg_shop *shop_of(const struct node *n)
{
    return tg_sale_shop(n->sale);
}

static void make_product(struct pair *p, struct node *n, const char *id, int number)
{
    char body[256];

    tg_str_printf(body, sizeof(body),
                  "{\"id\":\"%s\",\"title\":\"%s\",\"number\":%d,"
                  "\"variants\":[{\"sku\":\"%s-1\",\"price\":100}]}",
                  id, id, number, id);
    (void)node_catalog(p, n, TG_SALE_PRODUCT_NEW, "", body);
    assert_int_equal(n->status, 201);
}

static void renumber(struct pair *p, struct node *n, const char *id, int number)
{
    char body[64];

    tg_str_printf(body, sizeof(body), "{\"number\":%d}", number);
    (void)node_catalog(p, n, TG_SALE_PRODUCT_SET, id, body);
    if (n->status != 200)
        fail_msg("%d %s", n->status, n->text);
}

static void assert_number(const struct node *n, uint32_t number, const char *id)
{
    const struct tg_product *p = tg_shop_product_numbered(shop_of(n), number);

    assert_non_null(p);
    assert_string_equal(p->id, id);
}

/* Makes b and c, known to both, with numbers 2 and 3. */
static struct pair *pair_with_products(void)
{
    struct pair *p = pair_open();

    make_product(p, &p->nodes[0], "b", 2);
    make_product(p, &p->nodes[0], "c", 3);
    assert_true(node_poll(p, &p->nodes[1]));
    return p;
}

static void test_numbers_that_changed_hands_reach_the_other_node(void **state)
{
    struct pair *p = pair_with_products();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    (void)node_catalog(p, a, TG_SALE_PRODUCT_SET, "c", "{\"title\":\"C\"}");
    renumber(p, a, "b", 9);
    renumber(p, a, "c", 2);
    assert_true(node_poll(p, b));
    assert_number(b, 2, "c");
    assert_number(b, 9, "b");
    assert_null(tg_shop_product_numbered(shop_of(b), 3));
    /* A ring of three, by way of a fourth number. */
    renumber(p, a, "p1", 50);
    renumber(p, a, "c", 1);
    renumber(p, a, "b", 2);
    renumber(p, a, "p1", 9);
    assert_true(node_poll(p, b));
    assert_number(b, 1, "c");
    assert_number(b, 2, "b");
    assert_number(b, 9, "p1");
    text_has(node_turn(p, b, node_buy(b, "pA", "1", 0)), "\"ok\":true");
    pair_close(p);
}

static void test_numbers_that_changed_hands_survive_a_gap(void **state)
{
    struct pair *p = pair_with_products();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    renumber(p, a, "b", 9);
    renumber(p, a, "c", 2);
    renumber(p, a, "b", 3);
    assert_true(tg_pg_server_sql(p->url, "DELETE FROM changes"));
    assert_true(node_poll(p, b));
    assert_number(b, 2, "c");
    assert_number(b, 3, "b");
    text_has(node_turn(p, b, node_buy(b, "pA", "1", 0)), "\"ok\":true");
    pair_close(p);
}

static void set_parts(struct pair *p, struct node *n, const char *sku, const char *part)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_STOCK_RULES, "pM");

    req->who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(req->key, sizeof(req->key), sku);
    req->rules = tg_calloc(1, sizeof(*req->rules));
    assert_non_null(req->rules);
    req->rules->set_parts = true;
    req->rules->part_count = part != NULL;
    if (part != NULL)
        tg_str_cut(req->rules->parts[0].sku, sizeof(req->rules->parts[0].sku), part);
    req->rules->parts[0].qty = 2;
    (void)node_turn(p, n, req);
    if (n->status != 200)
        fail_msg("%d %s", n->status, n->text);
}

static void test_a_part_that_became_a_bundle_reaches_the_other_node(void **state)
{
    struct pair *p = pair_with_products();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    set_parts(p, a, "b-1", "c-1"); /* b is of c */
    assert_true(node_poll(p, b));
    (void)node_catalog(p, a, TG_SALE_VARIANT_SET, "c-1", "{\"barcode\":\"96385074\"}");
    set_parts(p, a, "b-1", NULL);
    set_parts(p, a, "c-1", "SKU-0"); /* and c is a bundle: its key comes first */
    assert_true(node_poll(p, b));
    assert_int_equal(tg_shop_variant(shop_of(b), "c-1")->part_count, 1);
    assert_int_equal(tg_shop_variant(shop_of(b), "b-1")->part_count, 0);
    pair_close(p);
}

static void test_a_feed_that_is_too_long_is_a_gap(void **state)
{
    struct pair *p = pair_open();

    (void)state;
    text_has(node_turn(p, &p->nodes[0], node_buy(&p->nodes[0], "pA", "1", 0)), "\"ok\":true");
    /* Nine batches of eight megabytes each, which another node could have written. */
    assert_true(tg_pg_server_sql(
        p->url, "INSERT INTO changes SELECT v.version + n, '', repeat(E'vSKU-1\\n', 1200000), 0"
                " FROM shop_version v, generate_series(1, 9) n;"
                "UPDATE shop_version SET version = version + 9"));
    assert_true(node_poll(p, &p->nodes[1]));
    assert_int_equal(tg_shop_variant(shop_of(&p->nodes[1]), "SKU-0")->stock.held, 1);
    assert_false(node_poll(p, &p->nodes[1]));
    text_has(node_turn(p, &p->nodes[1], node_buy(&p->nodes[1], "pA", "2", 0)), "\"ok\":true");
    pair_close(p);
}

/* What nobody can load: the node says so, tries again, and is there again when it is mended. */
static void test_a_reload_that_fails_is_not_ready(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    assert_true(tg_pg_server_sql(p->url, "UPDATE variants SET cost = -9 WHERE sku = 'SKU-3'"));
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 3)), "\"ok\":true");
    text_has(node_turn(p, b, node_buy(b, "pB", "2", 0)), "\"code\":\"busy\"");
    assert_false(tg_sale_ready(b->sale));
    assert_true(tg_sale_ready(a->sale));
    assert_true(tg_pg_server_sql(p->url, "UPDATE variants SET cost = -1 WHERE sku = 'SKU-3'"));
    pair_pass(p, (tg_us)3 * TG_US_PER_S);
    text_has(node_turn(p, b, node_buy(b, "pB", "2", 0)), "\"ok\":true");
    assert_true(tg_sale_ready(b->sale));
    node_audit(p, b);
    pair_close(p);
}

/* A key that is bad when it is read alone, and good with everything. */
static void test_a_reload_that_fails_reads_everything_once(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];

    (void)state;
    /* Written behind everybody's back: nobody was told of this product. */
    assert_true(tg_pg_server_sql(
        p->url,
        "INSERT INTO products (id, number, title, description, image, image_alt, created_us,"
        " changed_us) VALUES ('x', 7, 'X', '', '', '', 0, 0);"
        "INSERT INTO variants (sku, product_id, position, options, price, compare_at, cost,"
        " flash, flash_until_us, created_us, changed_us) VALUES"
        " ('X-1', 'x', 0, '{}', 500, -1, -1, -1, -1, 0, 0);"
        "INSERT INTO changes SELECT version + 1, '', E'vX-1\\n', 0 FROM shop_version;"
        "UPDATE shop_version SET version = version + 1"));
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    text_has(node_turn(p, b, node_buy(b, "pB", "2", 0)), "\"ok\":true");
    assert_true(tg_sale_ready(b->sale));
    assert_non_null(tg_shop_variant(shop_of(b), "X-1"));
    pair_close(p);
}

/* --- what pages see --- */

static void test_new_and_archived_variants_reach_the_pages_of_the_other_node(void **state)
{
    struct pair *p = pair_with_products();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    unsigned before = b->catalogs;

    (void)state;
    pair_pass(p, (tg_us)2 * TG_US_PER_S); /* so often pages get a whole catalogue */
    (void)node_catalog(p, a, TG_SALE_VARIANT_NEW, "b", "{\"sku\":\"B-2\",\"price\":100}");
    assert_int_equal(a->status, 201);
    assert_true(node_poll(p, b));
    assert_int_equal(b->catalogs, before + 1);
    assert_int_equal(b->catalog_variants, HOT_SKUS + 3);
    (void)node_catalog(p, a, TG_SALE_VARIANT_SET, "B-2", "{\"archived\":true}");
    pair_pass(p, (tg_us)2 * TG_US_PER_S);
    assert_true(node_poll(p, b));
    assert_int_equal(b->catalogs, before + 2);
    assert_int_equal(b->catalog_variants, HOT_SKUS + 2);
    (void)node_catalog(p, a, TG_SALE_VARIANT_SET, "c-1", "{\"options\":{\"size\":\"L\"}}");
    pair_pass(p, (tg_us)2 * TG_US_PER_S);
    assert_true(node_poll(p, b));
    assert_int_equal(b->catalogs, before + 3);
    /* A sale is told by itself; nobody gets a whole catalogue for it. */
    (void)node_turn(p, a, node_buy(a, "pA", "1", 0));
    assert_true(node_poll(p, b));
    assert_int_equal(b->catalogs, before + 3);
    pair_close(p);
}

static struct tg_sale_req *host_op(struct node *n, enum tg_op_kind kind)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_OP, "s1");
    static unsigned ids;

    req->http = true;
    req->who.roles = TG_ROLE_MERCHANDISER;
    req->op.kind = kind;
    tg_str_printf(req->op.id, sizeof(req->op.id), "h%u", ++ids);
    return req;
}

static void set_rules(struct pair *p, struct node *n, bool comments, bool waiting)
{
    struct tg_sale_req *req = host_op(n, TG_OP_RULES);

    req->op.u.rules.comments = comments;
    req->op.u.rules.waiting = waiting;
    req->op.u.rules.turn_s = 60;
    (void)node_turn(p, n, req);
    assert_int_equal(n->status, 200);
}

static void test_rules_and_windows_reach_the_pages_of_the_other_node(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_show_info show;
    struct tg_sale_req *req;

    (void)state;
    for (int i = 0; i < 3; i++) { /* node_req speaks of show 2 */
        char id[8];

        tg_str_printf(id, sizeof(id), "s%d", i);
        assert_int_equal(tg_sale_boot_show(a->sale, p->now, id, id, false, &show), TG_OK);
    }
    assert_true(node_poll(p, b));
    set_rules(p, a, true, false);
    assert_true(node_poll(p, b));
    assert_int_equal(b->rules_told, 1);
    assert_true(b->comments);
    text_has(b->selling, "{\"ev\":\"selling\",\"waiting\":false,\"comments\":true");
    req = host_op(a, TG_OP_ITEM);
    tg_str_cut(req->op.u.item.sku, sizeof(req->op.u.item.sku), "SKU-2");
    req->op.u.item.number = 77;
    req->op.u.item.from_ms = -1;
    req->op.u.item.until_ms = 5000;
    (void)node_turn(p, a, req);
    assert_true(node_poll(p, b));
    assert_int_equal(b->rules_told, 2);
    text_has(b->selling, "{\"sku\":\"SKU-2\",\"number\":77,\"from\":null,\"until\":5000");
    set_rules(p, a, false, false);
    assert_true(tg_pg_server_sql(p->url, "DELETE FROM changes"));
    assert_true(node_poll(p, b)); /* after a gap: all shows */
    assert_false(b->comments);
    pair_close(p);
}

static void place(struct pair *p, struct node *n, const char *id, bool make, bool closed)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_PLACE, "pM");

    req->who.roles = TG_ROLE_ADMIN;
    req->place = tg_calloc(1, sizeof(*req->place));
    assert_non_null(req->place);
    tg_str_cut(req->place->id, sizeof(req->place->id), id);
    tg_str_cut(req->place->name, sizeof(req->place->name), id);
    req->place->kind = TG_PLACE_STORE;
    req->place->make = make;
    req->place->closed = closed;
    req->place->show = UINT16_MAX;
    req->place->ships_from_wall_us = -1;
    (void)node_turn(p, n, req);
    if (n->status >= 300)
        fail_msg("%d %s", n->status, n->text);
}

static void test_places_that_close_reach_the_pages_of_the_other_node(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_sale_req *req;

    (void)state;
    place(p, a, "oslo", true, false);
    req = node_req(a, TG_SALE_OP, "s1");
    req->who.roles = TG_ROLE_MERCHANDISER;
    req->op.kind = TG_OP_STOCK;
    tg_str_cut(req->op.id, sizeof(req->op.id), "x");
    tg_str_cut(req->op.u.stock.sku, sizeof(req->op.u.stock.sku), "SKU-5");
    tg_str_cut(req->op.u.stock.location, sizeof(req->op.u.stock.location), "oslo");
    req->op.u.stock.absolute = true;
    req->op.u.stock.value = 3;
    text_has(node_turn(p, a, req), "\"ok\":true");
    assert_true(node_poll(p, b));
    assert_int_equal(b->last_available, UNITS + 3);
    place(p, a, "oslo", false, true);
    assert_int_equal(a->last_available, UNITS);
    assert_true(node_poll(p, b));
    assert_string_equal(b->last_sku, "SKU-5");
    assert_int_equal(b->last_available, UNITS);
    place(p, a, "oslo", false, false);
    assert_true(node_poll(p, b));
    assert_int_equal(b->last_available, UNITS + 3);
    pair_close(p);
}

/* --- bounds of memory --- */

static void test_what_finds_no_room_is_refused_before_it_is_written(void **state)
{
    struct pair *p = pair_open();
    struct node *b = &p->nodes[1];
    char sql[700];

    (void)state;
    node_close(b);
    tg_str_printf(sql, sizeof(sql),
                  "INSERT INTO variants (sku, product_id, position, options, price, compare_at,"
                  " cost, flash, flash_until_us, created_us, changed_us)"
                  " SELECT 'M' || n, 'p1', n + 100, '{}', 500, -1, -1, -1, -1, 0, 0"
                  " FROM generate_series(1, %d) n",
                  (int)TG_VARIANTS_MAX - HOT_SKUS);
    assert_true(tg_pg_server_sql(p->url, sql));
    node_open(b, p->url, p->now);
    assert_int_equal(tg_shop_variant_count(shop_of(b)), TG_VARIANTS_MAX);
    (void)node_catalog(p, b, TG_SALE_VARIANT_NEW, "p1", "{\"sku\":\"NEW\",\"price\":100}");
    assert_int_equal(b->status, 422);
    text_has(b->text, "can hold no more");
    /* Archived ones without units stay on the disk from the next start on. */
    assert_true(tg_pg_server_sql(p->url, "UPDATE variants SET archived = 1 WHERE sku LIKE 'M1%'"));
    node_close(b);
    node_open(b, p->url, p->now);
    assert_null(tg_shop_variant(shop_of(b), "M17"));
    (void)node_catalog(p, b, TG_SALE_VARIANT_NEW, "p1", "{\"sku\":\"NEW\",\"price\":100}");
    assert_int_equal(b->status, 201);
    (void)node_catalog(p, b, TG_SALE_VARIANT_SET, "M17", "{\"archived\":false}");
    assert_int_equal(b->status, 200);
    assert_false(tg_shop_variant(shop_of(b), "M17")->archived);
    text_has(node_turn(p, b, node_buy(b, "pA", "1", 0)), "\"ok\":true");
    /* What another node archived, and this one hears of by reading everything, is not sold. */
    assert_true(tg_pg_server_sql(p->url, "UPDATE variants SET archived = 1 WHERE sku = 'M17'"));
    assert_true(tg_pg_server_sql(p->url, "UPDATE shop_version SET version = version + 5"));
    assert_true(node_poll(p, b));
    assert_true(tg_shop_variant(shop_of(b), "M17")->archived);
    assert_null(tg_shop_variant(shop_of(b), "M18"));
    pair_close(p);
}

/* What was sold of it in a show counts again when it comes back from the disk, on every node. */
static void test_what_was_left_on_the_disk_brings_its_sales(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    char sql[700];

    (void)state;
    tg_str_printf(sql, sizeof(sql),
                  "INSERT INTO variants (sku, product_id, position, options, price, compare_at,"
                  " cost, flash, flash_until_us, created_us, changed_us, archived)"
                  " SELECT 'M' || n, 'p1', n + 100, '{}', 500, -1, -1, -1, -1, 0, 0, 1"
                  " FROM generate_series(1, %d) n;"
                  "INSERT INTO show_sales (show_ord, sku, units) VALUES (0, 'M17', 4),"
                  " (0, 'M18', 5)",
                  (int)TG_VARIANTS_MAX - HOT_SKUS);
    assert_true(tg_pg_server_sql(p->url, "INSERT INTO shows (ord, id, title, state, demo,"
                                         " created_us, created_by, changed_us)"
                                         " VALUES (0, 's0', 'S', 0, 0, 0, '', 0)"
                                         " ON CONFLICT DO NOTHING"));
    assert_true(tg_pg_server_sql(p->url, sql));
    for (size_t i = 0; i < 2; i++) {
        node_close(&p->nodes[i]);
        node_open(&p->nodes[i], p->url, p->now);
    }
    assert_null(tg_shop_variant(shop_of(a), "M17"));
    assert_int_equal(tg_shop_show_units(shop_of(a), 0, "M17"), 0);
    (void)node_catalog(p, a, TG_SALE_VARIANT_SET, "M17", "{\"archived\":false}");
    assert_int_equal(a->status, 200);
    assert_int_equal(tg_shop_show_units(shop_of(a), 0, "M17"), 4);
    assert_true(node_poll(p, b));
    assert_non_null(tg_shop_variant(shop_of(b), "M17"));
    assert_int_equal(tg_shop_show_units(shop_of(b), 0, "M17"), 4);
    assert_int_equal(tg_shop_show_units(shop_of(b), 0, "M18"), 0);
    pair_close(p);
}

/* Its goods are archived and find no place in a memory that is full: that claim alone fails. */
static void test_an_order_without_room_fails_nobody_else(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_sale_req *req;
    char payment[TG_PAYMENT_ID_SIZE];
    char order[TG_UUID_SIZE];
    char sql[700];
    void *msgs[2];

    (void)state;
    text_has(node_turn(p, a, node_buy(a, "pA", "1", 0)), "\"ok\":true");
    text_member(order, sizeof(order), a->text, "\"order\":{\"id\":\"");
    text_member(payment, sizeof(payment), a->text, "/pay/sandbox/");
    req = node_req(a, TG_SALE_PAY, "");
    tg_str_cut(req->key, sizeof(req->key), payment);
    req->flag = true;
    text_has(node_turn(p, a, req), "\"state\":\"paid\"");
    node_close(b);
    assert_true(tg_pg_server_sql(p->url, "UPDATE variants SET archived = 1 WHERE sku = 'SKU-0';"
                                         "DELETE FROM stock WHERE sku = 'SKU-0'"));
    tg_str_printf(sql, sizeof(sql),
                  "INSERT INTO variants (sku, product_id, position, options, price, compare_at,"
                  " cost, flash, flash_until_us, created_us, changed_us)"
                  " SELECT 'M' || n, 'p1', n + 100, '{}', 500, -1, -1, -1, -1, 0, 0"
                  " FROM generate_series(1, %d) n",
                  (int)TG_VARIANTS_MAX - HOT_SKUS + 1);
    assert_true(tg_pg_server_sql(p->url, sql));
    node_open(b, p->url, p->now);
    assert_null(tg_shop_variant(shop_of(b), "SKU-0"));
    assert_int_equal(tg_shop_variant_count(shop_of(b)), TG_VARIANTS_MAX);
    req = node_req(b, TG_SALE_CANCEL, "pA");
    tg_str_cut(req->key, sizeof(req->key), order);
    msgs[0] = req;
    msgs[1] = node_buy(b, "pB", "2", 1);
    tg_sale_turn(b->sale, p->now, msgs, 2);
    node_take(b);
    text_has(b->text, "\"ok\":true"); /* the second's answer */
    req = node_req(b, TG_SALE_CANCEL, "pA");
    tg_str_cut(req->key, sizeof(req->key), order);
    text_has(node_turn(p, b, req), "no room");
    assert_int_equal(tg_shop_order_count(shop_of(b)), 1);
    pair_close(p);
}

static int make_token(struct pair *p, struct node *n)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_TOKEN_CREATE, "pM");

    req->who.roles = TG_ROLE_ADMIN;
    req->number = TG_ROLE_HOST;
    (void)node_turn(p, n, req);
    return n->status;
}

static void test_tokens_beyond_the_limit_are_refused_before_they_are_written(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    char sql[600];

    (void)state;
    /* A thousand of them end in a minute, the others never. */
    tg_str_printf(
        sql, sizeof(sql),
        "INSERT INTO tokens (ordinal, hash, roles, publish_only, show_ord, expires_us,"
        " label, created_us, created_by) SELECT n, sha256(n::text::bytea), 16, 0, NULL,"
        " CASE WHEN n <= 1000 THEN %lld ELSE %lld END, 't', 0, '' FROM generate_series(1, %d) n",
        (long long)(p->now.wall + 60 * TG_US_PER_S), (long long)INT64_MAX, (int)TG_TOKENS_MAX);
    assert_true(tg_pg_server_sql(p->url, sql));
    assert_true(tg_pg_server_sql(p->url, "UPDATE shop_version SET version = version + 5"));
    assert_true(node_poll(p, a));
    assert_true(node_poll(p, b));
    assert_int_equal(make_token(p, a), 409);
    text_has(a->text, "as many tokens");
    assert_int_equal(make_token(p, b), 409);
    pair_pass(p, (tg_us)61 * TG_US_PER_S);
    assert_int_equal(make_token(p, a), 201);
    assert_true(node_poll(p, b));
    text_has(node_turn(p, b, node_buy(b, "pA", "1", 0)), "\"ok\":true");
    node_close(b);
    node_open(b, p->url, p->now);
    pair_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_finds_no_room_is_refused_before_it_is_written),
        cmocka_unit_test(test_what_was_left_on_the_disk_brings_its_sales),
        cmocka_unit_test(test_an_order_without_room_fails_nobody_else),
        cmocka_unit_test(test_tokens_beyond_the_limit_are_refused_before_they_are_written),
        cmocka_unit_test(test_numbers_that_changed_hands_reach_the_other_node),
        cmocka_unit_test(test_numbers_that_changed_hands_survive_a_gap),
        cmocka_unit_test(test_a_part_that_became_a_bundle_reaches_the_other_node),
        cmocka_unit_test(test_a_feed_that_is_too_long_is_a_gap),
        cmocka_unit_test(test_a_reload_that_fails_is_not_ready),
        cmocka_unit_test(test_a_reload_that_fails_reads_everything_once),
        cmocka_unit_test(test_new_and_archived_variants_reach_the_pages_of_the_other_node),
        cmocka_unit_test(test_rules_and_windows_reach_the_pages_of_the_other_node),
        cmocka_unit_test(test_places_that_close_reach_the_pages_of_the_other_node),
    };

    return nodes_run(tests, TG_ARRAY_LEN(tests));
}
