/*
 * test_repeat.c - a request that comes again under its key gets its first answer, with the headers,
 * from memory and from the disk; nothing is done twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "support/lib/hook_rig.h"

typedef struct tg_sale_req *(*make_fn)(struct rig *r, bool other);

static struct tg_sale_req *keyed(struct rig *r, enum tg_sale_what what)
{
    struct tg_sale_req *req = rig_request(r, what, "s1", TG_ROLE_ADMIN);

    tg_str_cut(req->idempotency, sizeof(req->idempotency), "k1");
    return req;
}

static struct tg_sale_req *make_order(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_OP);

    req->op.kind = TG_OP_BUY;
    tg_str_cut(req->op.u.line.sku, sizeof(req->op.u.line.sku), "MUG-WHITE");
    req->op.u.line.qty = other ? 2 : 1;
    req->op.u.line.price = -1;
    return req;
}

static struct tg_sale_req *make_code(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_CODE_NEW);

    req->code = tg_code_def_new(0, 0);
    assert_non_null(req->code);
    tg_str_cut(req->code->code, sizeof(req->code->code), "TENTH");
    req->code->percent = true;
    req->code->bp = other ? 2000 : 1000;
    req->code->show = UINT16_MAX;
    req->code->from_wall_us = -1;
    req->code->until_wall_us = -1;
    return req;
}

static struct tg_sale_req *make_place(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_PLACE);

    req->place = tg_calloc(1, sizeof(*req->place));
    assert_non_null(req->place);
    req->place->make = true;
    req->place->kind = TG_PLACE_STORE;
    req->place->show = UINT16_MAX;
    req->place->ships_from_wall_us = -1;
    tg_str_cut(req->place->id, sizeof(req->place->id), "oslo");
    tg_str_cut(req->place->name, sizeof(req->place->name), other ? "Bergen" : "Oslo");
    return req;
}

static struct tg_sale_req *make_hook(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_HOOK);
    struct tg_hook_req *h = rig_hook(req, TG_HOOK_CREATE, "");

    tg_str_cut(h->hook.url, sizeof(h->hook.url),
               other ? "https://shop.example/b" : "https://shop.example/a");
    h->has_url = true;
    return req;
}

static struct tg_sale_req *make_token(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_TOKEN_CREATE);

    req->number = TG_ROLE_HOST;
    req->lasts_s = other ? 7200 : 3600;
    return req;
}

static struct tg_sale_req *count_stock(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_STOCK_ROWS);

    req->stock = tg_calloc(1, sizeof(*req->stock) + sizeof(req->stock->rows[0]));
    assert_non_null(req->stock);
    req->stock->count = 1;
    req->stock->all = true;
    tg_str_cut(req->stock->rows[0].sku, sizeof(req->stock->rows[0].sku), "MUG-GREEN");
    req->stock->rows[0].how = TG_CHANGE_RECEIVE;
    req->stock->rows[0].value = other ? 6 : 5;
    req->stock->rows[0].counted_wall_us = -1;
    req->stock->rows[0].if_version = -1;
    return req;
}

static struct tg_sale_req *change_price(struct rig *r, bool other)
{
    struct tg_sale_req *req = keyed(r, TG_SALE_LIST_PRICE);

    tg_str_cut(req->key, sizeof(req->key), "MUG-RED");
    req->price.amount = other ? 15900 : 17900;
    req->price.compare_at = -2;
    return req;
}

/* What is answered once only: null from the second time on. */
static void hide(char *text, const char *member)
{
    char *at = strstr(text, member);
    size_t len;

    if (at == NULL)
        return;
    at += strlen(member);
    len = strcspn(at, ",}");
    memmove(at + 4, at + len, strlen(at + len) + 1);
    memcpy(at, "null", 4);
}

static void again(struct rig *r, make_fn make, int status, const char *begin, const char *etag)
{
    static char first[65536];
    char location[128];

    rig_ask(r, make(r, false), status);
    if (strncmp(r->location, begin, strlen(begin)) != 0)
        fail_msg("%s is not below %s", r->location, begin);
    assert_string_equal(r->etag, etag);
    tg_str_cut(location, sizeof(location), r->location);
    tg_str_cut(first, sizeof(first), r->text);
    hide(first, "\"secret\":");
    hide(first, "\"token\":");
    for (int i = 0; i < 2; i++) {
        rig_ask(r, make(r, false), status);
        assert_string_equal(r->location, location);
        assert_string_equal(r->etag, etag);
        assert_string_equal(r->text, first);
        rig_ask(r, make(r, true), 422);
        if (i == 0)
            rig_restart_sale(r); /* then from the disk */
    }
}

static void test_repeat_of_what_is_made(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    again(r, make_order, 201, "/api/v1/orders/", "");
    again(r, make_code, 201, "/api/v1/codes/TENTH", "");
    again(r, make_place, 201, "/api/v1/locations/oslo", "");
    again(r, make_hook, 201, "/api/v1/webhooks/", "");
    again(r, make_token, 201, "", "");
    rig_close(r);
}

static void test_repeat_of_a_count_has_its_etag(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    again(r, count_stock, 200, "", "\"v2\"");
    rig_close(r);
}

static void test_repeat_of_a_price_has_its_etag(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    again(r, change_price, 200, "", "\"p17900_-1\"");
    rig_close(r);
}

#define CASES                                                                                      \
    cmocka_unit_test(test_repeat_of_what_is_made),                                                 \
        cmocka_unit_test(test_repeat_of_a_count_has_its_etag),                                     \
        cmocka_unit_test(test_repeat_of_a_price_has_its_etag),

int main(void)
{
    static struct tg_pg_server server;
    const struct CMUnitTest on_sqlite[] = {CASES};
    const struct CMUnitTest on_postgres[] = {CASES};
    int failed = cmocka_run_group_tests(on_sqlite, NULL, NULL);

    if (!tg_pg_server_start(&server))
        return 1;
    rig_postgres = &server;
    failed += cmocka_run_group_tests(on_postgres, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
