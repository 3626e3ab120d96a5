/*
 * test_answers.c - what depends on who asks: cost prices are for roles that set prices, texts are
 * in the reader's language and the answer says so when they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/hook_rig.h"

static struct tg_read_req *read_of(struct rig *r, enum tg_read_what what, const char *person,
                                   uint32_t roles)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = r->web};
    req->show = UINT16_MAX;
    req->who.roles = roles;
    req->state = -1;
    req->limit = 100;
    tg_str_cut(req->who.id, sizeof(req->who.id), person);
    return req;
}

static void read_now(struct rig *r, struct tg_read_req *take_req, int status)
{
    tg_reader_turn(r->reader, take_req);
    rig_take_answer(r);
    if (r->status != status)
        fail_msg("%d: %s", r->status, r->text);
}

/* --- cost prices --- */

static void test_cost_prices_are_for_who_sets_prices(void **state)
{
    static const enum tg_read_what reads[] = {TG_READ_ORDERS, TG_READ_ORDER, TG_READ_REPORT};
    struct rig *r = rig_open();
    char order[TG_UUID_SIZE];

    (void)state;
    rig_sql(r, "INSERT INTO shows (ord, id, title, state, demo, created_us, created_by, changed_us)"
               " VALUES (0, 'demo', 'Demo', 1, 0, 1, '', 1)");
    rig_buy(r);
    assert_null(strstr(r->text, "\"cost\""));
    rig_member(order, sizeof(order), r->text, "\"order\":{\"id\":\"");
    rig_sql(r, "UPDATE orders SET show_ord = 0");
    for (uint32_t role = TG_ROLE_VIEWER; role <= TG_ROLE_ADMIN; role <<= 1) {
        for (size_t i = 0; i < TG_ARRAY_LEN(reads); i++) {
            struct tg_read_req *req = read_of(r, reads[i], "s7", role);
            bool staff = (role & TG_ROLE_STAFF) != 0;

            if (reads[i] == TG_READ_ORDER)
                tg_str_cut(req->key, sizeof(req->key), order);
            if (reads[i] == TG_READ_REPORT) {
                tg_str_cut(req->key, sizeof(req->key), "demo");
                req->show = 0;
            }
            read_now(r, req, staff ? 200 : reads[i] == TG_READ_ORDER ? 404 : 403);
            if ((strstr(r->text, "\"cost\":{\"amount\":4800,") != NULL) !=
                ((role & TG_ROLE_MAY_PRICE) != 0))
                fail_msg("role %u, read %d: %s", role, (int)reads[i], r->text);
            assert_int_equal(strstr(r->text, "\"cost\"") != NULL, (role & TG_ROLE_MAY_PRICE) != 0);
        }
    }
    /* Nor does who sets prices see them in what they bought themselves. */
    read_now(r, read_of(r, TG_READ_MY_ORDERS, "pA", TG_ROLE_ADMIN), 200);
    assert_non_null(strstr(r->text, order));
    assert_null(strstr(r->text, "\"cost\""));
    rig_close(r);
}

/* --- languages --- */

static void speaks(struct rig *r, const char *title, bool in_lang)
{
    if (strstr(r->text, title) == NULL || r->in_lang != in_lang)
        fail_msg("no %s, or %d: %s", title, (int)r->in_lang, r->text);
}

static struct tg_sale_req *say(struct rig *r, enum tg_op_kind kind, const char *key,
                               const char *lang)
{
    struct tg_sale_req *req = rig_request(r, TG_SALE_OP, "pA", TG_ROLE_VIEWER);

    req->op.kind = kind;
    tg_str_cut(req->idempotency, sizeof(req->idempotency), key);
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-RED");
    tg_str_cut(req->who.lang, sizeof(req->who.lang), lang);
    req->op.u.line.qty = 1;
    req->op.u.line.price = -1;
    return req;
}

static void read_in(struct rig *r, enum tg_read_what what, const char *key, const char *lang,
                    const char *title, bool in_lang)
{
    struct tg_read_req *req = read_of(r, what, "pA", TG_ROLE_VIEWER);

    tg_str_cut(req->key, sizeof(req->key), key);
    tg_str_cut(req->who.lang, sizeof(req->who.lang), lang);
    read_now(r, req, 200);
    speaks(r, title, in_lang);
}

static void test_answers_say_when_they_are_in_a_language(void **state)
{
    static const char own[] = "\"title\":\"Enamel";
    static const char nb[] = "\"title\":\"Emaljekrus\"";
    struct rig *r = rig_open();
    struct tg_sale_req *cart;
    char order[TG_UUID_SIZE];
    char product[64];

    (void)state;
    rig_sql(r, "DELETE FROM product_texts");
    rig_sql(r, "INSERT INTO product_texts (product_id, lang, title, description, options)"
               " SELECT id, 'nb', 'Emaljekrus', '', '{}' FROM products");
    rig_sql(r, "UPDATE products SET doc = "
               "'{\"title\":\"Enamel\",\"texts\":{\"nb\":{\"title\":\"Emaljekrus\"}}}'");
    rig_restart_sale(r);
    rig_ask(r, say(r, TG_OP_CART_SET, "c1", "nn"), 200);
    speaks(r, nb, true);
    for (int i = 0; i < 2; i++) {
        cart = rig_request(r, TG_SALE_CART, "pA", TG_ROLE_VIEWER);
        tg_str_cut(cart->who.lang, sizeof(cart->who.lang), i == 0 ? "nb" : "sv");
        rig_ask(r, cart, 200);
        speaks(r, i == 0 ? nb : own, i == 0);
    }
    rig_ask(r, say(r, TG_OP_BUY, "b1", "nb"), 201);
    speaks(r, nb, true);
    rig_member(order, sizeof(order), r->text, "\"order\":{\"id\":\"");
    rig_ask(r, say(r, TG_OP_BUY, "b1", "sv"), 201); /* the first answer, as it was */
    speaks(r, nb, false);
    rig_ask(r, say(r, TG_OP_BUY, "b2", "sv"), 201);
    speaks(r, own, false);
    read_in(r, TG_READ_ORDER, order, "nb", nb, true);
    read_in(r, TG_READ_ORDER, order, "sv", own, false);
    read_in(r, TG_READ_MY_ORDERS, "", "nb", nb, true);
    read_in(r, TG_READ_MY_ORDERS, "", "", own, false);
    read_in(r, TG_READ_PRODUCTS, "", "sv", own, false);
    read_in(r, TG_READ_PRODUCTS, "", "nn", nb, true);
    rig_member(product, sizeof(product), r->text, "\"products\":[{\"id\":\"");
    read_in(r, TG_READ_PRODUCT, product, "nb", nb, true);
    read_in(r, TG_READ_PRODUCT, product, "sv", "\"title\":", false);
    rig_close(r);
}

/* --- what a list shows --- */

static void test_one_damaged_product_is_left_out(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    rig_sql(r, "UPDATE products SET doc = '{' WHERE id = 'wool-sweater'");
    read_now(r, read_of(r, TG_READ_PRODUCTS, "pA", TG_ROLE_VIEWER), 200);
    assert_null(strstr(r->text, "wool-sweater"));
    assert_non_null(strstr(r->text, "MUG-RED"));
    rig_close(r);
}

static void test_stock_band_of_nothing_tells_no_number(void **state)
{
    struct rig *r = rig_open();
    const struct tg_reader_cfg cfg = {.db = {.url = r->path}, .stock_band = -1};
    char why[256];

    (void)state;
    read_now(r, read_of(r, TG_READ_PRODUCTS, "pA", TG_ROLE_VIEWER), 200);
    assert_non_null(strstr(r->text, "\"stock\":1}")); /* the sheepskin */
    tg_reader_free(r->reader);
    assert_int_equal(tg_reader_new(&r->reader, &cfg, why), TG_OK);
    rig_sql(r, "UPDATE stock SET on_hand = 0 WHERE sku = 'MUG-RED'");
    read_now(r, read_of(r, TG_READ_PRODUCTS, "pA", TG_ROLE_VIEWER), 200);
    assert_null(strstr(r->text, "\"stock\":1}"));
    assert_non_null(strstr(r->text, "\"stock\":\"many\""));
    assert_non_null(strstr(r->text, "\"stock\":0"));
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cost_prices_are_for_who_sets_prices),
        cmocka_unit_test(test_answers_say_when_they_are_in_a_language),
        cmocka_unit_test(test_one_damaged_product_is_left_out),
        cmocka_unit_test(test_stock_band_of_nothing_tells_no_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
