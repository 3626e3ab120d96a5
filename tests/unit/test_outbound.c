/*
 * test_outbound.c - webhooks from the outbox to a real receiver on loopback: the sale thread, the
 * store on a real file and the outbound thread together.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "support/lib/hook_rig.h"

static void test_message_arrives_signed(void **state)
{
    struct rig *r = rig_open();
    struct hook_seen seen;
    char when[TG_RFC3339_SIZE];

    (void)state;
    rig_create(r, "http://127.0.0.1", "order.*");
    assert_int_equal(strlen(r->secret), 6 + 44);
    rig_buy(r);
    rig_out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    seen = hook_receiver_at(r->receiver, 0);
    rig_signed_by(&seen, r->secret, true);
    assert_null(strchr(seen.signature, ' '));
    assert_string_equal(seen.agent, "torg-webhooks/1.2");
    assert_int_equal(strncmp(seen.body, "{\"type\":\"order.created\",\"timestamp\":\"", 37), 0);
    tg_rfc3339(when, tg_clock_wall());
    assert_non_null(strstr(seen.body, ",\"data\":{\"id\":\""));
    assert_null(strstr(seen.body, "whsec_"));
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\",\"attempts\":1,\"status\":200");
    assert_non_null(strstr(r->text, seen.id));
    rig_until(r, TG_READ_DELIVERY, seen.id, "\"error\":null,\"answer\":\"\"");
    assert_null(strstr(rig_read(r, TG_READ_HOOKS, ""), "secret"));
    rig_close(r);
}

static void test_only_wanted_topics_and_pings(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    rig_create(r, "http://127.0.0.1", "price.changed");
    rig_buy(r);
    rig_act(r, TG_HOOK_PING, 202);
    assert_non_null(strstr(r->text, "\"message\":\"msg_"));
    rig_out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\"");
    assert_int_equal(hook_receiver_count(r->receiver), 1);
    assert_non_null(strstr(hook_receiver_at(r->receiver, 0).body, "\"type\":\"webhook.ping\""));
    rig_close(r);
}

static void test_rotation_signs_twice_for_a_day(void **state)
{
    struct rig *r = rig_open();
    char old[TG_HOOK_SECRET_SIZE];
    struct hook_seen seen;

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    memcpy(old, r->secret, sizeof(old));
    rig_act(r, TG_HOOK_ROTATE, 200);
    rig_member(r->secret, sizeof(r->secret), r->text, "\"secret\":\"");
    assert_string_not_equal(old, r->secret);
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    seen = hook_receiver_at(r->receiver, 0);
    rig_signed_by(&seen, r->secret, true);
    rig_signed_by(&seen, old, false);
    rig_out_stop(r);
    rig_sql(r, "UPDATE webhook_secrets SET until_us = until_us - 86400000000 WHERE until_us < "
               "9000000000000000000");
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 2));
    seen = hook_receiver_at(r->receiver, 1);
    rig_signed_by(&seen, r->secret, true);
    assert_null(strchr(seen.signature, ' '));
    rig_close(r);
}

static void test_failure_waits_and_replay_brings_the_same_id(void **state)
{
    struct rig *r = rig_open();
    static const char answer[] = "no such user kari@example.com";
    struct tg_sale_req *req;
    struct hook_seen first;

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    hook_receiver_answer(r->receiver, 500, "", answer, sizeof(answer) - 1, 0);
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 1));
    first = hook_receiver_at(r->receiver, 0);
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":500");
    rig_until(r, TG_READ_DELIVERY, first.id, "\"answer\":\"no such user ...\"");
    assert_null(strstr(rig_read(r, TG_READ_HOOK, ""), "\"failing_since\":null"));
    hook_receiver_answer(r->receiver, 204, "", "", 0, 0);
    req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    assert_int_equal(
        tg_hook_message_parse(&rig_hook(req, TG_HOOK_REPLAY, r->hook)->message, first.id), TG_OK);
    rig_ask(r, req, 202);
    assert_true(hook_receiver_wait(r->receiver, 2));
    assert_string_equal(hook_receiver_at(r->receiver, 1).id, first.id);
    assert_string_equal(hook_receiver_at(r->receiver, 1).body, first.body);
    rig_until(r, TG_READ_DELIVERY, first.id, "\"state\":\"delivered\",\"attempts\":2");
    rig_until(r, TG_READ_HOOK, "", "\"failing_since\":null");
    req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    rig_hook(req, TG_HOOK_REPLAY, r->hook)->message = 12345;
    rig_ask(r, req, 404);
    rig_close(r);
}

static void test_replay_of_all_that_failed(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    for (int i = 0; i < 5; i++)
        rig_act(r, TG_HOOK_PING, 202);
    /* Written long ago, and given up after three days of attempts: when it ended counts. */
    rig_sql(r, "UPDATE deliveries SET state = 2, tries = 15, created_us = 500, done_us = 3000");
    rig_sql(r, "UPDATE deliveries SET created_us = 1000, done_us = 1000 WHERE message_id ="
               " (SELECT min(message_id) FROM deliveries)");
    req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    rig_hook(req, TG_HOOK_REPLAY_FAILED, r->hook)->since_wall = 2000;
    rig_ask(r, req, 202);
    assert_string_equal(r->text, "{\"queued\":4}");
    rig_out_start(r, "alone", true);
    assert_true(hook_receiver_wait(r->receiver, 4));
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"failed\"");
    assert_int_equal(hook_receiver_count(r->receiver), 4);
    rig_close(r);
}

static void test_gone_and_long_failing_switch_off(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req;

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    hook_receiver_answer(r->receiver, 410, "", "", 0, 0);
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    rig_until(r, TG_READ_HOOK, "", "\"enabled\":false,\"off\":\"gone\"");
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"failed\"");
    rig_act(r, TG_HOOK_PING, 409);
    req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    rig_hook(req, TG_HOOK_CHANGE, r->hook)->has_enabled = true;
    req->hook->hook.enabled = true;
    rig_ask(r, req, 200);
    assert_non_null(strstr(r->text, "\"enabled\":true,\"off\":null,\"failing_since\":null"));
    hook_receiver_answer(r->receiver, 500, "", "", 0, 0);
    rig_out_stop(r);
    rig_sql(r, "UPDATE webhooks SET failing_since_us = 1000");
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    rig_until(r, TG_READ_HOOK, "", "\"enabled\":false,\"off\":\"failing\"");
    rig_close(r);
}

static void test_redirects_long_answers_and_silence(void **state)
{
    struct rig *r = rig_open();
    char *long_answer = calloc(1, 100000);
    char header[96];

    (void)state;
    assert_non_null(long_answer);
    memset(long_answer, 'x', 100000);
    rig_create(r, "http://127.0.0.1", "");
    hook_receiver_answer(r->receiver, 200, "", long_answer, 100000, 0);
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\",\"attempts\":1,\"status\":200");
    (void)snprintf(header, sizeof(header), "Location: http://127.0.0.1:%u/else\r\n",
                   hook_receiver_port(r->receiver));
    hook_receiver_answer(r->receiver, 302, header, "", 0, 0);
    rig_act(r, TG_HOOK_PING, 202);
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":302");
    assert_int_equal(hook_receiver_count(r->receiver), 2);
    hook_receiver_answer(r->receiver, 200, "", "", 0, 1500);
    rig_sql(r, "DELETE FROM deliveries");
    rig_act(r, TG_HOOK_PING, 202);
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":null");
    rig_close(r);
    free(long_answer);
}

static atomic_bool names_hang;
static atomic_int looking_up;

/* libcurl's look-ups, in its own threads: of "slow.example" they end when the test lets them. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (node == NULL || strcmp(node, "slow.example") != 0) {
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(node, service, hints, ret);
    }
    atomic_fetch_add(&looking_up, 1);
    while (atomic_load(&names_hang))
        (void)usleep(1000);
    atomic_fetch_sub(&looking_up, 1);
    return EAI_AGAIN;
}

static void wait_for_lookups(int count)
{
    for (int ms = 0; ms < 5000 && atomic_load(&looking_up) != count; ms++)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&looking_up), count);
}

/* A name server that says nothing is one endpoint's misfortune, not everybody's. */
static void test_hanging_name_server_holds_up_nobody(void **state)
{
    struct rig *r = rig_open();
    char slow[TG_UUID_SIZE];

    (void)state;
    atomic_store(&names_hang, true);
    rig_create(r, "http://slow.example", "webhook.ping");
    rig_act(r, TG_HOOK_PING, 202);
    memcpy(slow, r->hook, sizeof(slow));
    rig_out_start(r, "alone", true);
    wait_for_lookups(1);
    (void)usleep(900000); /* its call's time is over, and the look-up goes on */
    rig_create(r, "http://127.0.0.1", "webhook.ping");
    rig_act(r, TG_HOOK_PING, 202);
    assert_true(hook_receiver_wait(r->receiver, 1));
    assert_int_equal(atomic_load(&looking_up), 1);
    memcpy(r->hook, slow, sizeof(slow));
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"pending\",\"attempts\":1,\"status\":null");
    rig_out_stop(r); /* nor the stop */
    assert_int_equal(atomic_load(&looking_up), 1);
    atomic_store(&names_hang, false);
    wait_for_lookups(0);
    (void)usleep(50000); /* libcurl's thread ends */
    rig_close(r);
}

/* Whatever the name: the address that the connection would be made to decides. */
static void test_internal_addresses_are_never_called(void **state)
{
    static const char *const hosts[] = {
        "https://localhost",  "https://127.0.0.1", "https://[::1]",  "https://[::ffff:127.0.0.1]",
        "https://2130706433", "https://127.1",     "https://0x7f.1", "https://0.0.0.0",
        "http://127.0.0.1",
    };
    struct rig *r = rig_open();

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(hosts); i++) {
        rig_create(r, hosts[i], "");
        rig_act(r, TG_HOOK_PING, 202);
        rig_out_start(r, "alone", false);
        rig_until(r, TG_READ_DELIVERIES, "",
                  "\"state\":\"pending\",\"attempts\":1,\"status\":null");
        rig_out_stop(r);
        rig_act(r, TG_HOOK_DELETE, 204);
    }
    assert_int_equal(hook_receiver_count(r->receiver), 0);
    rig_close(r);
}

static void test_leases_of_an_earlier_life_and_of_others(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    rig_act(r, TG_HOOK_PING, 202);
    rig_sql(r, "UPDATE deliveries SET leased_by = 'alone', leased_until_us = 9000000000000000");
    rig_out_start(r, "alone", true); /* killed with the lease in hand */
    assert_true(hook_receiver_wait(r->receiver, 1));
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\"");
    rig_out_stop(r);
    rig_act(r, TG_HOOK_PING, 202);
    rig_act(r, TG_HOOK_PING, 202);
    rig_sql(r, "UPDATE deliveries SET leased_by = 'other', leased_until_us = 9000000000000000"
               " WHERE state = 0");
    rig_sql(r, "UPDATE deliveries SET leased_until_us = 1000 WHERE message_id ="
               " (SELECT max(message_id) FROM deliveries)");
    rig_out_start(r, "", true);
    assert_true(hook_receiver_wait(r->receiver, 2));
    (void)usleep(200000); /* the other's must not come */
    assert_int_equal(hook_receiver_count(r->receiver), 2);
    rig_close(r);
}

enum { MANY = 300 };

/* Two nodes on one database: every message once, and no endpoint is flooded. */
static void test_two_nodes_share_a_backlog(void **state)
{
    struct rig *r = rig_open();
    struct tg_outbound *first;
    struct tg_read_db *db2 = NULL;
    struct tg_read_db *db1;
    struct tg_db_cfg db = {.url = r->path, .fast = true};
    char why[256];

    (void)state;
    rig_stock(r, 100000);
    rig_create(r, "http://127.0.0.1", "order.created");
    for (int i = 0; i < MANY; i++)
        rig_buy(r);
    assert_int_equal(tg_read_db_new(&db2, &db, why), TG_OK);
    hook_receiver_answer(r->receiver, 200, "", "", 0, 2);
    rig_out_start(r, "", true);
    first = r->out;
    db1 = r->db;
    r->db = db2;
    rig_out_start(r, "", true);
    assert_true(hook_receiver_wait(r->receiver, MANY));
    tg_outbound_stop(first);
    rig_out_stop(r);
    tg_outbound_free(first);
    assert_int_equal(hook_receiver_count(r->receiver), MANY);
    assert_true(hook_receiver_peak(r->receiver) <= 8);
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(hook_receiver_at(r->receiver, (size_t)i).id,
                                    hook_receiver_at(r->receiver, (size_t)k).id);
    tg_read_db_free(db1);
    rig_close(r);
}

static void test_only_admins_and_at_most_32(void **state)
{
    struct rig *r = rig_open();
    struct tg_sale_req *req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_MERCHANDISER);

    (void)state;
    (void)rig_hook(req, TG_HOOK_CREATE, "");
    rig_ask(r, req, 403);
    for (int i = 0; i < TG_WEBHOOKS_MAX; i++)
        rig_create(r, "http://127.0.0.1", "");
    req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
    (void)rig_hook(req, TG_HOOK_CREATE, "");
    rig_ask(r, req, 409);
    rig_act(r, TG_HOOK_DELETE, 204);
    rig_act(r, TG_HOOK_DELETE, 404);
    rig_act(r, TG_HOOK_PING, 404);
    rig_create(r, "http://127.0.0.1", "");
    rig_close(r);
}

static void test_old_messages_are_cut_off(void **state)
{
    bool more = true;
    struct rig *r = rig_open();
    tg_us day = 86400 * (tg_us)TG_US_PER_S;

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    rig_act(r, TG_HOOK_PING, 202);
    rig_out_start(r, "alone", true);
    rig_until(r, TG_READ_DELIVERIES, "", "\"state\":\"delivered\"");
    rig_out_stop(r);
    tg_sale_stop(r->sale); /* the store is ours now */
    assert_int_equal(r->store->ops->purge(r->store, tg_clock_wall() + 29 * day, 100, &more), TG_OK);
    assert_non_null(strstr(rig_read(r, TG_READ_DELIVERIES, ""), "\"state\":\"delivered\""));
    assert_int_equal(r->store->ops->purge(r->store, tg_clock_wall() + 31 * day, 100, &more), TG_OK);
    assert_string_equal(rig_read(r, TG_READ_DELIVERIES, ""), "{\"deliveries\":[],\"next\":null}");
    rig_close(r);
}

/* The backlog of a long busy time, of an endpoint that is long gone, too: a slice is 500 rows. */
static void test_cutting_off_keeps_pace(void **state)
{
    static const char numbers[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                                  " WHERE i < 1700) ";
    struct rig *r;
    char text[1024];

    (void)state;
    rig_purge_us = 3600 * (tg_us)TG_US_PER_S;
    r = rig_open();
    for (int i = 0; i < 300; i++) {
        (void)snprintf(text, sizeof(text),
                       "INSERT INTO webhooks (public_id, url, topics, description, enabled,"
                       " off_reason, failing_since_us, created_us, created_by, changed_us,"
                       " deleted_us) VALUES ('gone%d', '', '', '', 0, '', -1, 1, 's1', 1, 1)",
                       i);
        rig_sql(r, text);
    }
    rig_create(r, "http://127.0.0.1", "");
    (void)snprintf(text, sizeof(text),
                   "%sINSERT INTO outbox (id, topic, payload, created_us) SELECT i,"
                   " 'order.paid', '{}', 1 FROM n",
                   numbers);
    rig_sql(r, text);
    (void)snprintf(text, sizeof(text),
                   "%sINSERT INTO deliveries (webhook_id, message_id, state, tries, base,"
                   " created_us, due_us, leased_by, leased_until_us, done_us, status)"
                   " SELECT (SELECT max(id) FROM webhooks), i, 1, 1, 0, 1, 1, '', 0, 1, 200 FROM n",
                   numbers);
    rig_sql(r, text);
    assert_non_null(strstr(rig_read(r, TG_READ_DELIVERIES, ""), "delivered"));
    rig_purge_us = 20 * TG_US_PER_MS;
    rig_restart_sale(r);
    rig_until(r, TG_READ_DELIVERIES, "", "{\"deliveries\":[],\"next\":null}");
    rig_purge_us = 0;
    rig_close(r);
}

static void test_secret_is_told_once(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct tg_sale_req *req = rig_request(r, TG_SALE_HOOK, "s1", TG_ROLE_ADMIN);
        struct tg_hook_req *h = rig_hook(req, TG_HOOK_CREATE, "");

        tg_str_cut(h->hook.url, sizeof(h->hook.url), "https://shop.example/x");
        h->has_url = true;
        tg_str_cut(req->idempotency, sizeof(req->idempotency), "k1");
        rig_ask(r, req, 201);
        assert_non_null(strstr(r->text, i == 0 ? "\"secret\":\"whsec_" : "\"secret\":null"));
    }
    rig_close(r);
}

static void test_starts_and_stops_many_times(void **state)
{
    struct rig *r = rig_open();

    (void)state;
    rig_create(r, "http://127.0.0.1", "");
    rig_act(r, TG_HOOK_PING, 202);
    hook_receiver_answer(r->receiver, 500, "", "", 0, 30);
    for (int i = 0; i < 20; i++) {
        rig_out_start(r, "alone", true);
        rig_out_stop(r);
    }
    rig_close(r);
}

static void test_new_without_memory(void **state)
{
    struct rig *r = rig_open();
    struct tg_outbound_cfg cfg = {.db = r->db, .sale = tg_sale_mailbox(r->sale)};

    (void)state;
    for (long nth = 0;; nth++) {
        struct tg_outbound *o = NULL;
        bool failed;
        tg_err err;

        tg_alloc_fail_nth(nth);
        err = tg_outbound_new(&o, &cfg);
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        tg_outbound_free(o);
        assert_int_equal(err, failed ? TG_ERR_NOMEM : TG_OK);
        if (!failed)
            break;
    }
    rig_close(r);
}

#define CASES                                                                                      \
    cmocka_unit_test(test_message_arrives_signed),                                                 \
        cmocka_unit_test(test_only_wanted_topics_and_pings),                                       \
        cmocka_unit_test(test_rotation_signs_twice_for_a_day),                                     \
        cmocka_unit_test(test_failure_waits_and_replay_brings_the_same_id),                        \
        cmocka_unit_test(test_replay_of_all_that_failed),                                          \
        cmocka_unit_test(test_gone_and_long_failing_switch_off),                                   \
        cmocka_unit_test(test_redirects_long_answers_and_silence),                                 \
        cmocka_unit_test(test_hanging_name_server_holds_up_nobody),                                \
        cmocka_unit_test(test_internal_addresses_are_never_called),                                \
        cmocka_unit_test(test_leases_of_an_earlier_life_and_of_others),                            \
        cmocka_unit_test(test_two_nodes_share_a_backlog),                                          \
        cmocka_unit_test(test_only_admins_and_at_most_32),                                         \
        cmocka_unit_test(test_secret_is_told_once),                                                \
        cmocka_unit_test(test_old_messages_are_cut_off),                                           \
        cmocka_unit_test(test_cutting_off_keeps_pace),                                             \
        cmocka_unit_test(test_starts_and_stops_many_times),                                        \
        cmocka_unit_test(test_new_without_memory),

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
