/* The pure parts of the web workers: router, rates, origins, networks, ticks, slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/assets.h"
#include "api/ice_link.h"
#include "api/if_match.h"
#include "api/listen.h"
#include "api/origin.h"
#include "api/rate.h"
#include "api/req.h"
#include "api/router.h"
#include "api/slots.h"
#include "api/tick.h"
#include "base/alloc.h"
#include "base/cidr.h"

/* --- router --- */

static void run_none(struct tg_req *q)
{
    (void)q;
}

static const struct tg_route rows[] = {
    {TG_GET, "/", run_none, 0, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/s/{show}", run_none, 0, 0, TG_RATE_PAGE, 0},
    {TG_POST, "/whep/{show}", run_none, 0, 0, TG_RATE_WHEP, 9},
    {TG_PATCH, "/whep/{show}/{session}", run_none, 0, 0, TG_RATE_WHEP, 9},
    {TG_DELETE, "/whep/{show}/{session}", run_none, 0, 0, TG_RATE_WHEP, 9},
    {TG_GET, "/*", run_none, 0, 0, TG_RATE_PAGE, 0},
};

static tg_err find(struct tg_match *m, enum tg_method method, const char *path)
{
    return tg_route_find(m, rows, sizeof(rows) / sizeof(rows[0]), method, path, strlen(path));
}

static void test_route_segments_become_params(void **state)
{
    struct tg_match m;

    (void)state;
    assert_int_equal(find(&m, TG_DELETE, "/whep/demo/0.abc"), TG_OK);
    assert_ptr_equal(m.route, &rows[4]);
    assert_int_equal(m.param_count, 2);
    assert_memory_equal(m.params[0].data, "demo", m.params[0].len);
    assert_memory_equal(m.params[1].data, "0.abc", m.params[1].len);
    assert_int_equal(find(&m, TG_GET, "/"), TG_OK);
    assert_ptr_equal(m.route, &rows[0]);
}

static void test_route_trailing_slash_is_a_path_of_its_own(void **state)
{
    static const struct tg_route slashed[] = {
        {TG_POST, "/whip", run_none, 0, 0, TG_RATE_WHIP, 9},
        {TG_POST, "/whip/{show}", run_none, 0, 0, TG_RATE_WHIP, 9},
        {TG_POST, "/whip/{show}/", run_none, 0, 0, TG_RATE_WHIP, 9},
        {TG_DELETE, "/whip/{show}/{session}", run_none, 0, 0, TG_RATE_WHIP, 9},
    };
    struct tg_match m;

    (void)state;
    assert_int_equal(tg_route_find(&m, slashed, 4, TG_POST, "/whip/demo/", 11), TG_OK);
    assert_ptr_equal(m.route, &slashed[2]);
    assert_int_equal(m.param_count, 1);
    assert_int_equal(m.params[0].len, 4);
    assert_int_equal(tg_route_find(&m, slashed, 4, TG_POST, "/whip/demo", 10), TG_OK);
    assert_ptr_equal(m.route, &slashed[1]);
    assert_int_equal(tg_route_find(&m, slashed, 4, TG_POST, "/whip", 5), TG_OK);
    assert_ptr_equal(m.route, &slashed[0]);
    assert_int_equal(tg_route_find(&m, slashed, 4, TG_POST, "/whip/", 6), TG_ERR_NOTFOUND);
    assert_int_equal(tg_route_find(&m, slashed, 4, TG_POST, "/whip//", 7), TG_ERR_NOTFOUND);
    assert_int_equal(tg_route_find(&m, slashed, 4, TG_DELETE, "/whip/demo/", 11),
                     TG_ERR_UNSUPPORTED);
}

static void test_route_rest_takes_what_no_row_knows(void **state)
{
    struct tg_match m;

    (void)state;
    assert_int_equal(find(&m, TG_HEAD, "/assets/a/b.js"), TG_OK);
    assert_ptr_equal(m.route, &rows[5]);
    assert_memory_equal(m.params[0].data, "assets/a/b.js", m.params[0].len);
    assert_int_equal(find(&m, TG_GET, "/s/"), TG_OK); /* no empty segment: the rest row */
    assert_ptr_equal(m.route, &rows[5]);
}

static void test_route_other_method_lists_what_is_allowed(void **state)
{
    struct tg_match m;
    char allow[64];

    (void)state;
    assert_int_equal(find(&m, TG_PUT, "/whep/demo/x"), TG_ERR_UNSUPPORTED);
    tg_route_allow(allow, sizeof(allow), m.allow);
    assert_string_equal(allow, "GET, HEAD, PATCH, DELETE, OPTIONS");
    assert_int_equal(tg_route_find(&m, rows, 5, TG_GET, "/nope", 5), TG_ERR_NOTFOUND);
    assert_int_equal(tg_route_find(&m, rows, 5, TG_OPTIONS, "/whep/x", 7), TG_OK);
}

/* "12/24", "W31/L32": usual for screws and jeans. */
static void test_route_skus_have_slashes(void **state)
{
    static const struct tg_route skus[] = {
        {TG_GET, "/v/{sku}", run_none, 0, 0, TG_RATE_READ, 0},
        {TG_POST, "/v/all", run_none, 0, 0, TG_RATE_READ, 0},
        {TG_PATCH, "/v/{sku}", run_none, 0, 0, TG_RATE_READ, 0},
        {TG_POST, "/v/{sku}/flash", run_none, 0, 0, TG_RATE_READ, 0},
        {TG_POST, "/s/{show}/items/{sku}/window", run_none, 0, 0, TG_RATE_READ, 0},
        {TG_PUT, "/s/{show}/items/{sku}", run_none, 0, 0, TG_RATE_READ, 0},
    };
    static const struct {
        enum tg_method method;
        const char *path;
        int row; /* -1 = none, -2 = other methods only */
        const char *sku;
    } cases[] = {
        {TG_GET, "/v/A", 0, "A"},
        {TG_GET, "/v/W31/L32", 0, "W31/L32"},
        {TG_HEAD, "/v/1/2/3", 0, "1/2/3"},
        {TG_POST, "/v/A/flash", 3, "A"},
        {TG_POST, "/v/W31/L32/flash", 3, "W31/L32"},
        {TG_POST, "/v/flash/flash", 3, "flash"},
        {TG_GET, "/v/A/flash", -2, NULL}, /* as before: no SKU "A/flash" */
        {TG_PATCH, "/v/W31/L32/flash", -2, NULL},
        {TG_POST, "/v/all", 1, NULL},
        {TG_PATCH, "/v/all", 2, "all"},
        {TG_PUT, "/s/demo/items/W31/L32", 5, "W31/L32"},
        {TG_POST, "/s/demo/items/W31/L32/window", 4, "W31/L32"},
        {TG_POST, "/s/de/mo/items/A/window", -1, NULL}, /* shows have none */
        {TG_GET, "/v/", -1, NULL},
        {TG_POST, "/v/flash", -2, NULL}, /* of no SKU */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tg_match m;
        tg_err err = tg_route_find(&m, skus, sizeof(skus) / sizeof(skus[0]), cases[i].method,
                                   cases[i].path, strlen(cases[i].path));

        if (cases[i].row < 0) {
            assert_int_equal(err, cases[i].row == -1 ? TG_ERR_NOTFOUND : TG_ERR_UNSUPPORTED);
            continue;
        }
        assert_int_equal(err, TG_OK);
        assert_ptr_equal(m.route, &skus[cases[i].row]);
        if (cases[i].sku == NULL)
            continue;
        assert_int_equal(m.params[m.param_count - 1].len, strlen(cases[i].sku));
        assert_memory_equal(m.params[m.param_count - 1].data, cases[i].sku, strlen(cases[i].sku));
    }
}

/* --- rate --- */

/* Else the first request from outside would divide by zero. */
static void test_rate_every_route_has_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < tg_route_count; i++) {
        const struct tg_rate_rule *rule = &tg_address_rates[tg_routes[i].rate];

        if (rule->per_min == 0 || rule->burst == 0)
            fail_msg("%s has no rate", tg_routes[i].pattern);
    }
    assert_true(tg_address_rates[tg_route_files.rate].per_min > 0);
}

static void test_rate_burst_then_refill(void **state)
{
    const struct tg_rate_rule rule = {.per_min = 60, .burst = 3};
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_rate *rate = NULL;
    uint32_t wait = 0;
    tg_us now = 1000;

    (void)state;
    assert_int_equal(tg_rate_new(&rate, 64, &rng), TG_OK);
    for (int i = 0; i < 3; i++)
        assert_true(tg_rate_take(rate, now, "a", 1, 0, &rule, &wait));
    assert_false(tg_rate_take(rate, now, "a", 1, 0, &rule, &wait));
    assert_int_equal(wait, 1000);
    assert_true(tg_rate_take(rate, now, "b", 1, 0, &rule, &wait)); /* another key */
    assert_true(tg_rate_take(rate, now, "a", 1, 1, &rule, &wait)); /* another thing */
    assert_false(tg_rate_take(rate, now + 999999, "a", 1, 0, &rule, &wait));
    assert_true(tg_rate_take(rate, now + 1000000, "a", 1, 0, &rule, &wait));
    tg_rate_free(rate);
}

static void test_rate_full_table_forgets_the_fullest_bucket(void **state)
{
    const struct tg_rate_rule rule = {.per_min = 1, .burst = 2};
    struct tg_rng rng = tg_rng_seeded(2);
    struct tg_rate *rate = NULL;
    uint32_t wait = 0;

    (void)state;
    assert_int_equal(tg_rate_new(&rate, 8, &rng), TG_OK); /* one set */
    assert_true(tg_rate_take(rate, 1, "bad", 3, 0, &rule, &wait));
    assert_true(tg_rate_take(rate, 1, "bad", 3, 0, &rule, &wait));
    for (int i = 0; i < 1000; i++)
        assert_true(tg_rate_take(rate, 1, &i, sizeof(i), 0, &rule, &wait));
    assert_false(tg_rate_take(rate, 1, "bad", 3, 0, &rule, &wait));
    tg_rate_free(rate);
}

static void test_rate_ipv6_subscriber_shares_a_bucket(void **state)
{
    struct tg_addr a;
    struct tg_addr b;
    uint8_t ka[16];
    uint8_t kb[16];

    (void)state;
    assert_int_equal(tg_addr_parse(&a, "2001:db8:1:2::1", 15, 0), TG_OK);
    assert_int_equal(tg_addr_parse(&b, "2001:db8:1:2:ffff::9", 20, 0), TG_OK);
    tg_rate_addr_key(ka, &a);
    tg_rate_addr_key(kb, &b);
    assert_memory_equal(ka, kb, 16);
    a = tg_addr_v4(10, 0, 0, 1, 0);
    b = tg_addr_v4(10, 0, 0, 2, 0);
    tg_rate_addr_key(ka, &a);
    tg_rate_addr_key(kb, &b);
    assert_memory_not_equal(ka, kb, 16);
}

/* --- networks and addresses --- */

static void test_cidr_parse_and_match(void **state)
{
    static const char *const bad[] = {"",         "10.0.0.0/33", "10.0.0.1/8",  "10.0.0.0/",
                                      "10.0.0/8", "::1/129",     "example.com", "1.2.3.4/-1"};
    struct tg_cidr_list list = {.count = 0};
    struct tg_cidr net;
    struct tg_addr addr = tg_addr_v4(10, 9, 8, 7, 0);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tg_cidr_parse(&net, bad[i]), TG_ERR_MALFORMED);
    assert_int_equal(tg_cidr_list_add(&list, "10.0.0.0/8"), TG_OK);
    assert_int_equal(tg_cidr_list_add(&list, "2001:db8::/33"), TG_OK);
    assert_int_equal(tg_cidr_list_add(&list, "loopback"), TG_OK);
    assert_true(tg_cidr_list_match(&list, &addr));
    addr = tg_addr_v4(11, 0, 0, 1, 0);
    assert_false(tg_cidr_list_match(&list, &addr));
    addr = tg_addr_v4(127, 0, 0, 2, 0);
    assert_true(tg_cidr_list_match(&list, &addr));
    assert_int_equal(tg_addr_parse(&addr, "2001:db8:7fff::1", 16, 0), TG_OK);
    assert_true(tg_cidr_list_match(&list, &addr));
    assert_int_equal(tg_addr_parse(&addr, "2001:db8:8000::1", 16, 0), TG_OK);
    assert_false(tg_cidr_list_match(&list, &addr));
    assert_int_equal(tg_cidr_parse(&net, "::/0"), TG_OK);
    assert_true(tg_cidr_match(&net, &addr));
}

static void test_listen_texts(void **state)
{
    static const char *const bad[] = {"",        "127.0.0.1", "127.0.0.1:",      "::1:8080",
                                      "[::1:80", "a:80",      "127.0.0.1:65536", "[::1]80"};
    struct tg_listen at;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(tg_listen_parse(&at, bad[i]), TG_ERR_MALFORMED);
    assert_int_equal(tg_listen_parse(&at, "127.0.0.1:8080"), TG_OK);
    assert_false(at.any);
    assert_int_equal(at.addr.port, 8080);
    assert_true(tg_addr_is_loopback(&at.addr));
    assert_int_equal(tg_listen_parse(&at, "[::1]:0"), TG_OK);
    assert_true(tg_addr_is_loopback(&at.addr));
    assert_int_equal(tg_listen_parse(&at, ":81"), TG_OK);
    assert_true(at.any);
    assert_int_equal(tg_listen_parse(&at, "82"), TG_OK);
    assert_true(at.any && at.addr.port == 82);
}

/* --- origin --- */

static void test_origin_classes(void **state)
{
    static const char *const embed[] = {"https://shop.example"};
    const struct tg_origin_cfg cfg = {
        .own = "https://torg.example", .embed = embed, .embed_count = 1};

    (void)state;
    assert_int_equal(tg_origin_class(&cfg, "", "h:1"), TG_ORIGIN_NONE);
    assert_int_equal(tg_origin_class(&cfg, "http://h:1", "h:1"), TG_ORIGIN_OWN);
    assert_int_equal(tg_origin_class(&cfg, "http://H", "h"), TG_ORIGIN_OWN);
    assert_int_equal(tg_origin_class(&cfg, "https://h", "h:443"), TG_ORIGIN_OWN);
    assert_int_equal(tg_origin_class(&cfg, "http://[::1]:8080", "[::1]:8080"), TG_ORIGIN_OWN);
    assert_int_equal(tg_origin_class(&cfg, "https://torg.example", "inner:8080"), TG_ORIGIN_OWN);
    assert_int_equal(tg_origin_class(&cfg, "https://SHOP.example", "h:1"), TG_ORIGIN_EMBED);
    assert_int_equal(tg_origin_class(&cfg, "http://shop.example", "h:1"), TG_ORIGIN_FOREIGN);
    assert_int_equal(tg_origin_class(&cfg, "http://h:2", "h:1"), TG_ORIGIN_FOREIGN);
    assert_int_equal(tg_origin_class(&cfg, "http://h:1.evil", "h:1"), TG_ORIGIN_FOREIGN);
    assert_int_equal(tg_origin_class(&cfg, "null", "null"), TG_ORIGIN_FOREIGN);
    assert_int_equal(tg_origin_class(&cfg, "http://", ""), TG_ORIGIN_FOREIGN);
}

static void test_cookie_is_found_by_its_whole_name(void **state)
{
    char out[16];

    (void)state;
    assert_int_equal(tg_cookie_get(out, sizeof(out), "a=1; x_s=2;s=3 ; s=4", "s"), TG_OK);
    assert_string_equal(out, "3");
    assert_int_equal(tg_cookie_get(out, sizeof(out), "as=1; sa=2; =; ;s", "s"), TG_ERR_NOTFOUND);
    assert_int_equal(tg_cookie_get(out, sizeof(out), "s=0123456789abcdef", "s"), TG_ERR_LIMIT);
}

static void test_cookie_counts_only_for_our_pages(void **state)
{
    (void)state;
    assert_true(tg_cookie_allowed(TG_ORIGIN_OWN, "cross-site"));
    assert_true(tg_cookie_allowed(TG_ORIGIN_NONE, "same-origin"));
    assert_false(tg_cookie_allowed(TG_ORIGIN_NONE, ""));
    assert_false(tg_cookie_allowed(TG_ORIGIN_NONE, "same-site"));
    assert_false(tg_cookie_allowed(TG_ORIGIN_EMBED, "same-origin"));
    assert_false(tg_cookie_allowed(TG_ORIGIN_FOREIGN, "same-origin"));
}

/* --- ticks --- */

struct rig {
    struct tg_tick tick;
    struct tg_tick_group group;
    struct tg_tick_member a;
    struct tg_tick_member b;
    unsigned wakes;
};

static void count_wake(void *ctx, struct tg_tick_member *member)
{
    (void)member;
    (*(unsigned *)ctx)++;
}

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    tg_tick_init(&r->tick, count_wake, &r->wakes);
    tg_tick_group_init(&r->group);
    tg_tick_join(&r->group, &r->a);
    tg_tick_join(&r->group, &r->b);
}

static void rig_done(struct rig *r)
{
    tg_tick_leave(&r->a);
    tg_tick_leave(&r->b);
    tg_tick_group_done(&r->group);
}

static void cast(struct rig *r, tg_us now, const char *json)
{
    tg_tick_cast(&r->tick, &r->group, now, json, strlen(json));
}

static void send_one(struct rig *r, struct tg_tick_member *m, const char *json)
{
    tg_tick_send(&r->tick, m, json, strlen(json));
}

static void expect_frame(struct tg_tick_member *m, const char *text)
{
    struct tg_wire *wire = tg_outq_pop(&m->q);

    if (text == NULL) {
        assert_null(wire);
        return;
    }
    assert_non_null(wire);
    assert_int_equal(wire->len, strlen(text));
    assert_memory_equal(wire->bytes + TG_WIRE_HEAD, text, wire->len);
    tg_wire_unref(wire);
}

static void test_tick_lone_cast_goes_at_once_and_is_shared(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    cast(&r, 1000000, "{1}");
    assert_int_equal(tg_tick_run(&r.tick, 1000000), TG_US_NEVER);
    assert_ptr_equal(r.a.q.ring[0], r.b.q.ring[0]);
    assert_int_equal(r.wakes, 2);
    expect_frame(&r.a, "[{1}]");
    expect_frame(&r.b, "[{1}]");
    expect_frame(&r.a, NULL);
    rig_done(&r);
}

static void test_tick_casts_within_a_tick_share_a_frame(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    cast(&r, 1000000, "{1}");
    (void)tg_tick_run(&r.tick, 1000000);
    cast(&r, 1001000, "{2}");
    assert_int_equal(tg_tick_run(&r.tick, 1001000), 1020000);
    cast(&r, 1005000, "{3}");
    assert_int_equal(tg_tick_run(&r.tick, 1005000), 1020000);
    expect_frame(&r.a, "[{1}]");
    expect_frame(&r.a, NULL);
    assert_int_equal(tg_tick_run(&r.tick, 1020000), TG_US_NEVER);
    expect_frame(&r.a, "[{2},{3}]");
    rig_done(&r);
}

static void test_tick_answer_keeps_its_place_among_casts(void **state)
{
    struct rig r;

    (void)state;
    rig_init(&r);
    cast(&r, 1000000, "{1}");
    (void)tg_tick_run(&r.tick, 1000000);
    send_one(&r, &r.b, "{re1}"); /* nothing of the group before it: at once */
    (void)tg_tick_run(&r.tick, 1000500);
    cast(&r, 1001000, "{2}");
    send_one(&r, &r.b, "{re2}");
    cast(&r, 1002000, "{3}");
    send_one(&r, &r.b, "{re3}");
    (void)tg_tick_run(&r.tick, 1002000);
    (void)tg_tick_run(&r.tick, 1020000);
    expect_frame(&r.a, "[{1}]");
    expect_frame(&r.a, "[{2},{3}]");
    expect_frame(&r.a, NULL);
    expect_frame(&r.b, "[{1}]");
    expect_frame(&r.b, "[{re1}]");
    expect_frame(&r.b, "[{2},{re2},{3},{re3}]");
    rig_done(&r);
}

static void test_tick_joined_in_the_middle_sees_only_what_follows(void **state)
{
    struct tg_tick_member late = {.group = NULL};
    struct rig r;

    (void)state;
    rig_init(&r);
    cast(&r, 1000000, "{1}");
    (void)tg_tick_run(&r.tick, 1000000);
    cast(&r, 1001000, "{2}");
    tg_tick_join(&r.group, &late);
    send_one(&r, &late, "{joined}");
    (void)tg_tick_run(&r.tick, 1001500);
    expect_frame(&late, "[{joined}]");
    cast(&r, 1002000, "{3}");
    (void)tg_tick_run(&r.tick, 1020000);
    expect_frame(&late, "[{3}]");
    expect_frame(&r.a, "[{1}]");
    expect_frame(&r.a, "[{2},{3}]");
    cast(&r, 1050000, "{4}");
    (void)tg_tick_run(&r.tick, 1050000);
    expect_frame(&late, "[{4}]");
    tg_tick_leave(&late);
    rig_done(&r);
}

static void test_tick_reader_that_stops_is_marked_and_disturbs_nobody(void **state)
{
    static char big[2000];
    struct rig r;
    tg_us now = 1000000;

    (void)state;
    memset(big, 'x', sizeof(big) - 1);
    rig_init(&r);
    for (int i = 0; i < 400 && !r.b.overflow; i++, now += 20000) {
        struct tg_wire *wire;

        cast(&r, now, big);
        (void)tg_tick_run(&r.tick, now);
        wire = tg_outq_pop(&r.a.q);
        assert_non_null(wire);
        tg_wire_unref(wire);
    }
    assert_true(r.b.overflow);
    assert_false(r.a.overflow);
    assert_int_equal(r.b.q.count, 0); /* what it had is dropped: memory stays bounded */
    rig_done(&r);
}

static void test_tick_flood_within_a_tick_is_flushed_early(void **state)
{
    static char big[60000];
    struct rig r;

    (void)state;
    memset(big, 'y', sizeof(big) - 1);
    rig_init(&r);
    cast(&r, 1000000, "{1}");
    (void)tg_tick_run(&r.tick, 1000000);
    for (int i = 0; i < 5; i++)
        cast(&r, 1000001, big); /* 300 KB, more than a queue */
    assert_false(r.a.overflow);
    (void)tg_tick_run(&r.tick, 1020001);
    rig_done(&r);
}

static void test_tick_without_memory_cuts_instead_of_losing_events(void **state)
{
    (void)state;
    for (long nth = 0; nth < 4; nth++) {
        struct rig r;
        bool failed;

        rig_init(&r);
        tg_alloc_fail_nth(nth);
        cast(&r, 1000000, "{1}");
        send_one(&r, &r.a, "{re}");
        (void)tg_tick_run(&r.tick, 1000000);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        if (failed)
            assert_true(r.a.overflow || r.b.overflow);
        if (!r.a.overflow)
            expect_frame(&r.a, "[{1},{re}]");
        if (!r.b.overflow)
            expect_frame(&r.b, "[{1}]");
        rig_done(&r);
    }
}

/* --- slots, assets --- */

static void test_slots_late_answer_finds_nobody(void **state)
{
    struct tg_slots s = {.slots = NULL};
    int thing = 0;
    uint32_t slot;
    uint32_t generation;
    uint32_t again;
    uint32_t later;

    (void)state;
    assert_int_equal(tg_slots_put(&s, TG_SLOT_REQ, &thing, &slot, &generation), TG_OK);
    assert_ptr_equal(tg_slots_get(&s, TG_SLOT_REQ, slot, generation), &thing);
    assert_null(tg_slots_get(&s, TG_SLOT_SOCK, slot, generation));
    tg_slots_del(&s, slot);
    assert_null(tg_slots_get(&s, TG_SLOT_REQ, slot, generation));
    assert_int_equal(tg_slots_put(&s, TG_SLOT_REQ, &thing, &again, &later), TG_OK);
    assert_int_equal(again, slot);
    assert_null(tg_slots_get(&s, TG_SLOT_REQ, slot, generation));
    assert_null(tg_slots_get(&s, TG_SLOT_REQ, 1U << 30, 1));
    for (int i = 0; i < 200; i++)
        assert_int_equal(tg_slots_put(&s, TG_SLOT_SOCK, &thing, &again, &later), TG_OK);
    assert_int_equal(s.count, 201);
    tg_slots_done(&s);
}

static void test_asset_names_match_whole(void **state)
{
    static const struct tg_asset files[] = {
        {.name = "a.js"}, {.name = "a.js.map"}, {.name = "b/c.css"}};
    const struct tg_assets table = {files, 3};

    (void)state;
    assert_ptr_equal(tg_asset_find(&table, "a.js", 4), &files[0]);
    assert_ptr_equal(tg_asset_find(&table, "a.js.map", 8), &files[1]);
    assert_ptr_equal(tg_asset_find(&table, "b/c.cssx", 7), &files[2]);
    assert_null(tg_asset_find(&table, "a.j", 3));
    assert_null(tg_asset_find(&table, "", 0));
    assert_null(tg_asset_find(&table, "zz", 2));
}

static void test_compiled_in_table_is_sorted(void **state)
{
    (void)state;
    for (size_t i = 1; i < tg_web_assets.count; i++)
        assert_true(strcmp(tg_web_assets.rows[i - 1].name, tg_web_assets.rows[i].name) < 0);
}

/* --- If-Match, Link --- */

static void test_if_match_keeps_strong_tags_only(void **state)
{
    static const struct {
        const char *text;
        const char *out; /* NULL = MALFORMED */
    } texts[] = {
        {"", ""},
        {"  ", ""},
        {"*", "*"},
        {" * ", "*"},
        {"\"a\"", "\"a\""},
        {"\"a\",\"b\" , \"c\"", "\"a\", \"b\", \"c\""},
        {", ,\"a\",,", "\"a\""}, /* empty elements, RFC 9110 s5.6.1.2 */
        {"W/\"a\"", "\"\""},
        {"W/\"a\", \"b\"", "\"b\""},
        {"\"a,b\"", "\"a,b\""}, /* a comma is a tag's character */
        {"\"\"", "\"\""},
        {"\"\", \"a\"", "\"a\""},
        {"\"0123456789012345678901234567890\"", "\"0123456789012345678901234567890\""},
        {"\"01234567890123456789012345678901\"", "\"\""}, /* longer than any of ours */
        {"a", NULL},
        {"\"a", NULL},
        {"\"a b\"", NULL},
        {"\"a\" \"b\"", NULL},
        {"\"a\"x", NULL},
        {"w/\"a\"", NULL},
        {"W/a", NULL},
        {"*, \"a\"", NULL},
        {"\"a\", *", NULL},
    };
    char out[96];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tg_err err = tg_if_match_parse(out, sizeof(out), texts[i].text);

        if (err != (texts[i].out == NULL ? TG_ERR_MALFORMED : TG_OK))
            fail_msg("%s: %s", texts[i].text, tg_err_name(err));
        assert_string_equal(out, texts[i].out == NULL ? "" : texts[i].out);
    }
}

static void test_if_match_that_does_not_fit_keeps_the_first(void **state)
{
    char out[12];

    (void)state;
    assert_int_equal(tg_if_match_parse(out, sizeof(out), "\"aaaa\", \"bbbb\", \"c\""), TG_OK);
    assert_string_equal(out, "\"aaaa\", \"c\"");
}

static void test_turn_password_matches_rfc_2202(void **state)
{
    char password[TG_TURN_PASSWORD_SIZE];

    (void)state;
    /* Test case 2 of HMAC-SHA-1, in base64. */
    assert_int_equal(tg_turn_password(password, "Jefe", "what do ya want for nothing?"), TG_OK);
    assert_string_equal(password, "7/zfauXrL6LSdBbV8YTfnCWafHk=");
}

static void test_ice_link_texts(void **state)
{
    const tg_us now = (tg_us)1790000000 * TG_US_PER_S;
    char link[TG_ICE_LINK_SIZE];

    (void)state;
    assert_int_equal(tg_ice_link(link, "stun:a.example:3478", "north", now), TG_OK);
    assert_string_equal(link, "<stun:a.example:3478>; rel=\"ice-server\"");
    assert_int_equal(tg_ice_link(link, "turns:a.example?transport=tcp", NULL, now), TG_OK);
    assert_string_equal(link, "<turns:a.example?transport=tcp>; rel=\"ice-server\"");
    /* The password worked out with Python's hmac. */
    assert_int_equal(tg_ice_link(link, "turn:a.example", "north", now), TG_OK);
    assert_string_equal(link, "<turn:a.example>; rel=\"ice-server\"; "
                              "username=\"1790043200:torg\"; "
                              "credential=\"8uJLjWBPW68j2u1H82yC3Rt4kn4=\"; "
                              "credential-type=\"password\"");
}

static void test_ice_uris(void **state)
{
    char longest[TG_ICE_URI_MAX + 2];
    char link[TG_ICE_LINK_SIZE];

    (void)state;
    assert_true(tg_ice_uri_ok("stun:a"));
    assert_true(tg_ice_uri_ok("turn:[2001:db8::1]:3478?transport=udp"));
    assert_false(tg_ice_uri_ok(""));
    assert_false(tg_ice_uri_ok("stun:"));
    assert_false(tg_ice_uri_ok("http://a"));
    assert_false(tg_ice_uri_ok("stun:a b"));
    assert_false(tg_ice_uri_ok("stun:a>;x"));
    assert_false(tg_ice_uri_ok("stun:\xc3\xa5"));
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "turn:", 5);
    longest[TG_ICE_URI_MAX] = '\0';
    assert_true(tg_ice_uri_ok(longest));
    assert_int_equal(tg_ice_link(link, longest, "secret", 0), TG_OK); /* fits */
    longest[TG_ICE_URI_MAX] = 'a';
    longest[TG_ICE_URI_MAX + 1] = '\0';
    assert_false(tg_ice_uri_ok(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route_segments_become_params),
        cmocka_unit_test(test_route_trailing_slash_is_a_path_of_its_own),
        cmocka_unit_test(test_route_rest_takes_what_no_row_knows),
        cmocka_unit_test(test_route_other_method_lists_what_is_allowed),
        cmocka_unit_test(test_route_skus_have_slashes),
        cmocka_unit_test(test_rate_every_route_has_one),
        cmocka_unit_test(test_rate_burst_then_refill),
        cmocka_unit_test(test_rate_full_table_forgets_the_fullest_bucket),
        cmocka_unit_test(test_rate_ipv6_subscriber_shares_a_bucket),
        cmocka_unit_test(test_cidr_parse_and_match),
        cmocka_unit_test(test_listen_texts),
        cmocka_unit_test(test_origin_classes),
        cmocka_unit_test(test_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(test_cookie_counts_only_for_our_pages),
        cmocka_unit_test(test_tick_lone_cast_goes_at_once_and_is_shared),
        cmocka_unit_test(test_tick_casts_within_a_tick_share_a_frame),
        cmocka_unit_test(test_tick_answer_keeps_its_place_among_casts),
        cmocka_unit_test(test_tick_joined_in_the_middle_sees_only_what_follows),
        cmocka_unit_test(test_tick_reader_that_stops_is_marked_and_disturbs_nobody),
        cmocka_unit_test(test_tick_flood_within_a_tick_is_flushed_early),
        cmocka_unit_test(test_tick_without_memory_cuts_instead_of_losing_events),
        cmocka_unit_test(test_slots_late_answer_finds_nobody),
        cmocka_unit_test(test_asset_names_match_whole),
        cmocka_unit_test(test_if_match_keeps_strong_tags_only),
        cmocka_unit_test(test_if_match_that_does_not_fit_keeps_the_first),
        cmocka_unit_test(test_turn_password_matches_rfc_2202),
        cmocka_unit_test(test_ice_link_texts),
        cmocka_unit_test(test_ice_uris),
        cmocka_unit_test(test_compiled_in_table_is_sorted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
