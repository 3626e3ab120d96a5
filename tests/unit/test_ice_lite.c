/*
 * test_ice_lite.c - which address media goes to: a lite server against a client and against
 * hand-made checks, under a virtual clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/macros.h"
#include "proto/ice_lite.h"

enum { T0 = TG_US_PER_S };
static const char server_pwd[] = "server-password-is-24-no"; /* '-' is no ice-char, see below */
static const char spwd[] = "serverPasswordOf24chars+";
static const char cpwd[] = "clientPasswordOf24chars/";

struct fixture {
    struct tg_rng rng;
    struct tg_ice ice;
    struct tg_addr a;
    struct tg_addr b;
    unsigned id;
    const char *asks_as; /* USERNAME and password that our own checks must have */
    const char *asks_with;
};

static int setup(void **state)
{
    static struct fixture f;
    const struct tg_ice_cfg cfg = {.local_ufrag = "SERV",
                                   .local_pwd = spwd,
                                   .remote_ufrag = "CLNT",
                                   .remote_pwd = cpwd,
                                   .rng = &f.rng};

    memset(&f, 0, sizeof(f));
    f.rng = tg_rng_seeded(7);
    f.a = tg_addr_v4(192, 0, 2, 1, 1000);
    f.b = tg_addr_v4(198, 51, 100, 2, 2000);
    f.asks_as = "CLNT:SERV";
    f.asks_with = cpwd;
    assert_int_equal(tg_ice_init(&f.ice, &cfg), TG_OK);
    *state = &f;
    return 0;
}

static struct tg_stun check_of(struct fixture *f, bool nominate)
{
    struct tg_stun msg = {.type = TG_STUN_REQUEST,
                          .username = tg_span("SERV:CLNT", 9),
                          .has_priority = true,
                          .priority = 1,
                          .use_candidate = nominate,
                          .has_controlling = true};

    msg.id[0] = (uint8_t)++f->id;
    return msg;
}

static tg_err send_msg(struct fixture *f, tg_us now, const struct tg_addr *from,
                       const struct tg_stun *msg, const char *pwd)
{
    uint8_t bytes[TG_STUN_SIZE_MAX];
    size_t len = 0;

    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, msg, pwd), TG_OK);
    return tg_ice_input(&f->ice, now, from, bytes, len);
}

static tg_err send_check(struct fixture *f, tg_us now, const struct tg_addr *from, bool nominate)
{
    const struct tg_stun msg = check_of(f, nominate);

    return send_msg(f, now, from, &msg, spwd);
}

/* Everything poll gives, by kind. */
struct heard {
    unsigned count[TG_ICE_EXPIRED + 1];
    struct tg_addr selected;
    bool has_request;
    struct tg_addr request_to;
    struct tg_stun request; /* its spans are not kept */
    struct tg_stun answer;
};

static struct heard drain(struct fixture *f)
{
    struct heard h = {0};
    struct tg_ice_out out;

    while (tg_ice_poll(&f->ice, &out)) {
        struct tg_stun msg;

        h.count[out.kind]++;
        if (out.kind == TG_ICE_SELECTED)
            h.selected = out.addr;
        if (out.kind != TG_ICE_SEND)
            continue;
        assert_int_equal(tg_stun_parse(&msg, out.bytes.data, out.bytes.len), TG_OK);
        if (msg.type == TG_STUN_REQUEST) {
            h.has_request = true;
            h.request_to = out.addr;
            h.request = msg;
            assert_true(tg_stun_check_integrity(&msg, out.bytes.data, out.bytes.len, f->asks_with));
            assert_int_equal(msg.username.len, 9);
            assert_memory_equal(msg.username.data, f->asks_as, 9);
            assert_true(msg.has_controlled && !msg.use_candidate);
        } else {
            h.answer = msg;
        }
    }
    return h;
}

static tg_err send_answer(struct fixture *f, tg_us now, const struct tg_addr *from,
                          const struct tg_stun *request, const char *pwd)
{
    struct tg_stun msg = {.type = TG_STUN_SUCCESS, .has_mapped = true, .mapped = f->a};

    memcpy(msg.id, request->id, sizeof(msg.id));
    return send_msg(f, now, from, &msg, pwd);
}

static void test_ice_first_valid_check_is_answered_and_used_at_once(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    assert_int_equal(send_check(f, T0, &f->a, false), TG_OK);
    h = drain(f);
    assert_int_equal(h.answer.type, TG_STUN_SUCCESS);
    assert_true(h.answer.has_mapped && tg_addr_equal(&h.answer.mapped, &f->a));
    assert_int_equal(h.answer.id[0], 1);
    assert_int_equal(h.count[TG_ICE_ADDR], 1);
    assert_int_equal(h.count[TG_ICE_SELECTED], 1);
    assert_true(tg_addr_equal(&h.selected, &f->a));
    assert_false(h.has_request);
}

static void test_ice_wrong_credentials_get_an_error_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct tg_stun msg = check_of(f, true);
    struct heard h;

    assert_int_equal(send_msg(f, T0, &f->a, &msg, cpwd), TG_ERR_AUTH);
    h = drain(f);
    assert_int_equal(h.answer.error_code, 401);
    assert_int_equal(h.count[TG_ICE_SELECTED], 0);
    msg.username = tg_span("SERV:OTHR", 9);
    assert_int_equal(send_msg(f, T0, &f->a, &msg, spwd), TG_ERR_AUTH);
    assert_int_equal(drain(f).answer.error_code, 401);
    msg.username = tg_span(NULL, 0);
    assert_int_equal(send_msg(f, T0, &f->a, &msg, spwd), TG_ERR_AUTH);
    assert_int_equal(drain(f).answer.error_code, 400);
    assert_false(tg_ice_knows(&f->ice, &f->a));
}

static void test_ice_role_conflict_is_487(void **state)
{
    struct fixture *f = *state;
    struct tg_stun msg = check_of(f, false);

    msg.has_controlling = false;
    msg.has_controlled = true;
    assert_int_equal(send_msg(f, T0, &f->a, &msg, spwd), TG_ERR_CONFLICT);
    assert_int_equal(drain(f).answer.error_code, 487);
}

/* A valid check whose PRIORITY has become a type that nobody knows. */
static size_t foreign_check(struct fixture *f, uint8_t *bytes, size_t cap)
{
    const struct tg_stun msg = check_of(f, false);
    size_t len = 0;

    assert_int_equal(tg_stun_write(bytes, cap, &len, &msg, NULL), TG_OK);
    len -= 8; /* the fingerprint */
    for (size_t i = TG_STUN_HEADER_SIZE; i + 4 < len; i += 4) {
        if (bytes[i] == 0 && bytes[i + 1] == 0x24)
            bytes[i + 1] = 0x77;
    }
    bytes[3] = (uint8_t)(len + 24 - TG_STUN_HEADER_SIZE);
    memcpy(bytes + len, "\x00\x08\x00\x14", 4);
    assert_non_null(HMAC(EVP_sha1(), spwd, (int)strlen(spwd), bytes, len, bytes + len + 4, NULL));
    return len + 24;
}

static void test_ice_unknown_required_attribute_is_420(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[TG_STUN_SIZE_MAX];
    const size_t len = foreign_check(f, bytes, sizeof(bytes));
    struct heard h;

    assert_int_equal(tg_ice_input(&f->ice, T0, &f->a, bytes, len), TG_ERR_UNSUPPORTED);
    h = drain(f);
    assert_int_equal(h.answer.error_code, 420);
    assert_int_equal(h.answer.unknown_count, 1);
    assert_int_equal(h.answer.unknown[0], 0x77);
    assert_int_equal(h.count[TG_ICE_SELECTED], 0);
}

static void test_ice_nominated_new_address_must_answer_our_check_first(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    assert_int_equal(send_check(f, T0, &f->a, false), TG_OK);
    (void)drain(f);
    assert_int_equal(send_check(f, T0 + 10, &f->b, true), TG_OK);
    h = drain(f);
    assert_true(h.has_request && tg_addr_equal(&h.request_to, &f->b));
    assert_int_equal(h.count[TG_ICE_SELECTED], 0);
    /* A wrong source, a wrong password and a wrong id do not move media. */
    assert_int_equal(send_answer(f, T0 + 20, &f->a, &h.request, cpwd), TG_ERR_NOTFOUND);
    assert_int_equal(send_answer(f, T0 + 20, &f->b, &h.request, spwd), TG_ERR_AUTH);
    h.request.id[3] ^= 1;
    assert_int_equal(send_answer(f, T0 + 20, &f->b, &h.request, cpwd), TG_ERR_NOTFOUND);
    h.request.id[3] ^= 1;
    assert_true(tg_addr_equal(&f->ice.selected, &f->a));
    assert_int_equal(send_answer(f, T0 + 30, &f->b, &h.request, cpwd), TG_OK);
    h = drain(f);
    assert_int_equal(h.count[TG_ICE_SELECTED], 1);
    assert_true(tg_addr_equal(&h.selected, &f->b));
}

static void test_ice_checks_of_a_second_pair_without_nomination_move_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    (void)drain(f);
    for (tg_us t = T0; t < T0 + 10 * TG_US_PER_S; t += TG_US_PER_S) {
        assert_int_equal(send_check(f, t, &f->a, true), TG_OK);
        (void)drain(f);
        assert_int_equal(send_check(f, t, &f->b, false), TG_OK);
        assert_false(drain(f).has_request);
    }
    assert_true(tg_ice_knows(&f->ice, &f->b));
    /* But once the selected one is silent, an alive address is better than none. */
    assert_int_equal(send_check(f, T0 + 15 * TG_US_PER_S, &f->b, false), TG_OK);
    assert_true(drain(f).has_request);
}

static void test_ice_own_check_is_repeated_with_backoff_then_given_up(void **state)
{
    struct fixture *f = *state;
    unsigned sent = 1;
    tg_us now = T0;

    assert_int_equal(send_check(f, now, &f->a, false), TG_OK);
    (void)drain(f);
    assert_int_equal(send_check(f, now, &f->b, true), TG_OK);
    assert_true(drain(f).has_request);
    while (f->ice.check.on) {
        assert_int_equal(send_check(f, now, &f->b, false),
                         TG_OK); /* the peer does not rest either */
        assert_false(drain(f).has_request);
        now = tg_ice_deadline(&f->ice);
        tg_ice_tick(&f->ice, now);
        sent += drain(f).has_request ? 1 : 0;
        assert_true(sent <= TG_ICE_TRIES_MAX);
    }
    assert_int_equal(sent, TG_ICE_TRIES_MAX);
    assert_int_equal(now - T0, 6300 * TG_US_PER_MS);
    assert_true(tg_addr_equal(&f->ice.selected, &f->a));
}

/* Bytes that poll has for an address. */
static size_t sent_to(struct fixture *f, const struct tg_addr *addr)
{
    struct tg_ice_out out;
    size_t len = 0;

    while (tg_ice_poll(&f->ice, &out)) {
        if (out.kind == TG_ICE_SEND && tg_addr_equal(&out.addr, addr))
            len += out.bytes.len;
    }
    return len;
}

/* Who saw one check, and forges the source: media stays, and the victim gets little. */
static void replay_towards_a_victim(struct fixture *f, bool nominate, unsigned times)
{
    const struct tg_stun msg = check_of(f, nominate);
    uint8_t bytes[TG_STUN_SIZE_MAX];
    size_t len = 0;
    size_t out = 0;
    tg_us now = T0;

    assert_int_equal(send_check(f, now, &f->a, true), TG_OK);
    (void)drain(f);
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &msg, spwd), TG_OK);
    for (unsigned i = 0; i < times; i++) {
        now += TG_US_PER_MS;
        assert_int_equal(tg_ice_input(&f->ice, now, &f->b, bytes, len), TG_OK);
        out += sent_to(f, &f->b);
    }
    for (; f->ice.check.on; now = tg_ice_deadline(&f->ice)) {
        tg_ice_tick(&f->ice, now);
        out += sent_to(f, &f->b);
    }
    assert_in_range(out, times, TG_ICE_AMPLIFY * len * times);
    assert_true(tg_addr_equal(&f->ice.selected, &f->a));
}

static void test_ice_replayed_check_moves_nothing_and_amplifies_little(void **state)
{
    replay_towards_a_victim(*state, false, 1);
}

static void test_ice_replayed_nomination_moves_nothing_and_amplifies_little(void **state)
{
    replay_towards_a_victim(*state, true, 1);
}

static void test_ice_replayed_nominations_add_up_to_no_more_than_came(void **state)
{
    replay_towards_a_victim(*state, true, 20);
}

static void test_ice_first_address_gets_little_until_it_is_proved(void **state)
{
    struct fixture *f = *state;
    const struct tg_stun msg = check_of(f, true);
    uint8_t bytes[TG_STUN_SIZE_MAX];
    size_t len = 0;
    size_t out;

    assert_false(tg_ice_may_send(&f->ice, 1)); /* nothing came yet */
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &msg, spwd), TG_OK);
    assert_int_equal(tg_ice_input(&f->ice, T0, &f->a, bytes, len), TG_OK);
    out = sent_to(f, &f->a);
    assert_false(tg_ice_may_send(&f->ice, TG_ICE_AMPLIFY * len - out + 1));
    assert_true(tg_ice_may_send(&f->ice, TG_ICE_AMPLIFY * len - out));
    assert_false(tg_ice_may_send(&f->ice, 1));
    tg_ice_heard(&f->ice, &f->b, 1000); /* from elsewhere: no reason */
    assert_false(tg_ice_may_send(&f->ice, 1));
    tg_ice_heard(&f->ice, &f->a, 100);
    assert_true(tg_ice_may_send(&f->ice, TG_ICE_AMPLIFY * 100));
    assert_false(tg_ice_may_send(&f->ice, 1));
    tg_ice_prove(&f->ice);
    assert_true(tg_ice_may_send(&f->ice, 1000000));
}

/* A flight was lost and its repetition is too much: one check of each side, and it may go. */
static void test_ice_what_is_held_back_is_freed_by_a_check_of_our_own(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    assert_false(drain(f).has_request); /* nobody has waited yet */
    assert_false(tg_ice_may_send(&f->ice, 1200));
    assert_int_equal(send_check(f, T0 + 50, &f->a, true), TG_OK);
    h = drain(f);
    assert_true(h.has_request && tg_addr_equal(&h.request_to, &f->a));
    assert_false(tg_ice_may_send(&f->ice, 1200));
    assert_int_equal(send_answer(f, T0 + 60, &f->a, &h.request, cpwd), TG_OK);
    assert_int_equal(drain(f).count[TG_ICE_SELECTED], 0); /* it was already */
    assert_true(f->ice.nominated);
    assert_true(tg_ice_may_send(&f->ice, 1200));
}

static void test_ice_proof_is_the_addresss_own(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    (void)drain(f);
    assert_int_equal(send_check(f, T0, &f->b, true), TG_OK);
    h = drain(f);
    assert_int_equal(send_answer(f, T0 + 30, &f->b, &h.request, cpwd), TG_OK);
    (void)drain(f);
    assert_true(tg_ice_may_send(&f->ice, 1000000)); /* it answered */
    f->a.tcp = 5;
    assert_int_equal(send_check(f, T0 + 40, &f->a, true), TG_OK);
    h = drain(f);
    assert_true(h.has_request); /* the same port by TCP is another address */
    assert_int_equal(h.request_to.tcp, 5);
    assert_true(tg_addr_equal(&f->ice.selected, &f->b));
}

static void test_ice_tcp_needs_no_proof(void **state)
{
    struct fixture *f = *state;

    f->a.tcp = 5;
    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    (void)drain(f);
    assert_true(tg_ice_may_send(&f->ice, 1000000));
}

/* Answers to those who do not know the password are bounded as well. */
static void test_ice_refusals_amplify_little(void **state)
{
    struct fixture *f = *state;
    struct tg_stun msg = check_of(f, true);
    uint8_t bytes[TG_STUN_SIZE_MAX];
    size_t len = 0;

    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &msg, cpwd), TG_OK);
    assert_int_equal(tg_ice_input(&f->ice, T0, &f->b, bytes, len), TG_ERR_AUTH);
    assert_in_range(sent_to(f, &f->b), 1, TG_ICE_AMPLIFY * len);
    /* The shortest request that finds a session: a USERNAME and nothing else. */
    msg = (struct tg_stun){.type = TG_STUN_REQUEST, .username = tg_span("SERV:", 5)};
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &msg, NULL), TG_OK);
    assert_int_equal(tg_ice_input(&f->ice, T0, &f->b, bytes, len), TG_ERR_AUTH);
    assert_in_range(sent_to(f, &f->b), 1, TG_ICE_AMPLIFY * len);
    assert_false(f->ice.has_selected);
}

static void test_ice_consent_runs_out_after_30_s_of_silence(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    (void)drain(f);
    assert_int_equal(send_check(f, T0 + 20 * TG_US_PER_S, &f->a, true), TG_OK);
    (void)drain(f);
    assert_int_equal(tg_ice_deadline(&f->ice), T0 + 50 * TG_US_PER_S);
    tg_ice_tick(&f->ice, T0 + 50 * TG_US_PER_S - 1);
    assert_int_equal(drain(f).count[TG_ICE_EXPIRED], 0);
    tg_ice_tick(&f->ice, T0 + 50 * TG_US_PER_S);
    h = drain(f);
    assert_int_equal(h.count[TG_ICE_EXPIRED], 1);
    assert_int_equal(send_check(f, T0 + 51 * TG_US_PER_S, &f->a, true), TG_ERR_CLOSED);
    assert_int_equal(tg_ice_deadline(&f->ice), TG_US_NEVER);
}

static void test_ice_addresses_beyond_four_push_out_the_oldest_unused(void **state)
{
    struct fixture *f = *state;
    struct tg_addr addr = f->b;

    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    (void)drain(f);
    for (uint16_t i = 0; i < 3; i++) {
        addr.port = (uint16_t)(3000 + i);
        assert_int_equal(send_check(f, T0, &addr, false), TG_OK);
        assert_int_equal(drain(f).count[TG_ICE_ADDR_OFF], 0);
    }
    addr.port = 3003;
    assert_int_equal(send_check(f, T0, &addr, false), TG_OK);
    assert_int_equal(drain(f).count[TG_ICE_ADDR_OFF], 1);
    assert_true(tg_ice_knows(&f->ice, &f->a)); /* the selected one stays */
    addr.port = 3000;
    assert_false(tg_ice_knows(&f->ice, &addr));
}

static void test_ice_nomination_over_another_own_address_changes_via_only(void **state)
{
    struct fixture *f = *state;
    struct tg_addr other = f->a;
    struct heard h;

    f->a.via = 1;
    other.via = 2;
    assert_int_equal(send_check(f, T0, &f->a, false), TG_OK);
    (void)drain(f);
    assert_int_equal(send_check(f, T0, &other, false), TG_OK);
    assert_int_equal(drain(f).count[TG_ICE_SELECTED], 0);
    assert_int_equal(send_check(f, T0, &other, true), TG_OK);
    h = drain(f);
    assert_int_equal(h.count[TG_ICE_SELECTED], 1);
    assert_int_equal(h.selected.via, 2);
}

/* Feed what one side says to the other. Returns how many datagrams went over. */
static unsigned pump(struct tg_ice *from, const struct tg_addr *from_addr, struct tg_ice *to,
                     tg_us now)
{
    struct tg_ice_out out;
    uint8_t copies[TG_ICE_OUT_MAX][TG_STUN_SIZE_MAX];
    size_t lens[TG_ICE_OUT_MAX];
    unsigned n = 0;

    while (tg_ice_poll(from, &out)) {
        if (out.kind != TG_ICE_SEND)
            continue;
        memcpy(copies[n], out.bytes.data, out.bytes.len);
        lens[n++] = out.bytes.len;
    }
    for (unsigned i = 0; i < n; i++) {
        (void)tg_ice_input(to, now, from_addr, copies[i], lens[i]);
        struct tg_ice_out sent;
        /* Answers are taken by the next pump; one datagram at a time is enough here. */
        if (i + 1 < n)
            while (tg_ice_poll(to, &sent)) {
            }
    }
    return n;
}

static void test_ice_client_connects_keeps_alive_and_expires(void **state)
{
    struct fixture *f = *state;
    struct tg_rng rng = tg_rng_seeded(9);
    static struct tg_ice client;
    const struct tg_ice_cfg cfg = {.client = true,
                                   .local_ufrag = "CLNT",
                                   .local_pwd = cpwd,
                                   .remote_ufrag = "SERV",
                                   .remote_pwd = spwd,
                                   .rng = &rng};
    tg_us now = T0;

    assert_int_equal(tg_ice_init(&client, &cfg), TG_OK);
    tg_ice_connect(&client, now, &f->b);
    assert_int_equal(pump(&client, &f->a, &f->ice, now), 1);
    assert_int_equal(pump(&f->ice, &f->b, &client, now), 1);
    (void)pump(&client, &f->a, &f->ice, now);
    assert_true(client.has_selected && tg_addr_equal(&client.selected, &f->b));
    for (unsigned checks = 0; now < T0 + 60 * (tg_us)TG_US_PER_S; checks++) {
        now = tg_ice_deadline(&client);
        tg_ice_tick(&client, now);
        assert_int_equal(pump(&client, &f->a, &f->ice, now), 1);
        assert_int_equal(pump(&f->ice, &f->b, &client, now), 1);
        (void)pump(&client, &f->a, &f->ice, now);
    }
    assert_false(client.expired || f->ice.expired);
    while (!client.expired) { /* the server is gone */
        now = tg_ice_deadline(&client);
        tg_ice_tick(&client, now);
        (void)pump(&client, &f->a, &f->ice, 0 * now);
        struct tg_ice_out out;
        while (tg_ice_poll(&f->ice, &out)) {
        }
    }
    assert_true(now < T0 + 95 * (tg_us)TG_US_PER_S);
}

static void test_ice_init_refuses_bad_credentials(void **state)
{
    struct fixture *f = *state;
    struct tg_ice_cfg cfg = {.local_ufrag = "SERV",
                             .local_pwd = server_pwd,
                             .remote_ufrag = "CLNT",
                             .remote_pwd = cpwd,
                             .rng = &f->rng};
    static struct tg_ice ice;
    static char longest[TG_ICE_UFRAG_MAX + 2];

    assert_int_equal(tg_ice_init(&ice, &cfg), TG_ERR_LIMIT); /* '-' */
    cfg.local_pwd = spwd;
    cfg.remote_ufrag = "abc";
    assert_int_equal(tg_ice_init(&ice, &cfg), TG_ERR_LIMIT);
    memset(longest, 'x', sizeof(longest) - 1);
    cfg.remote_ufrag = longest;
    assert_int_equal(tg_ice_init(&ice, &cfg), TG_ERR_LIMIT);
    longest[TG_ICE_UFRAG_MAX] = '\0';
    assert_int_equal(tg_ice_init(&ice, &cfg), TG_OK);
}

static void test_ice_peek_finds_the_local_ufrag_only_in_requests(void **state)
{
    struct fixture *f = *state;
    struct tg_stun msg = check_of(f, false);
    struct tg_span ufrag;
    uint8_t bytes[256];
    size_t len = 0;

    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &msg, spwd), TG_OK);
    assert_true(tg_ice_peek_ufrag(bytes, len, &ufrag));
    assert_int_equal(ufrag.len, 4);
    assert_memory_equal(ufrag.data, "SERV", 4);
    msg.type = TG_STUN_SUCCESS;
    assert_int_equal(tg_stun_write(bytes, sizeof(bytes), &len, &msg, spwd), TG_OK);
    assert_false(tg_ice_peek_ufrag(bytes, len, &ufrag));
}

static void test_ice_credentials_are_ice_chars_and_differ(void **state)
{
    struct fixture *f = *state;
    char ufrag[2][TG_ICE_LOCAL_UFRAG + 1];
    char pwd[2][TG_ICE_LOCAL_PWD + 1];

    for (int i = 0; i < 2; i++) {
        tg_ice_credentials(&f->rng, ufrag[i], pwd[i]);
        assert_int_equal(strlen(ufrag[i]), TG_ICE_LOCAL_UFRAG);
        assert_int_equal(strlen(pwd[i]), TG_ICE_LOCAL_PWD);
    }
    assert_string_not_equal(ufrag[0], ufrag[1]);
    assert_string_not_equal(pwd[0], pwd[1]);
}

/* --- restarts --------------------------------------------------------------------------------- */

static const char spwd2[] = "serverPasswordNumberTwo+";
static const char cpwd2[] = "clientPasswordNumberTwo/";

static void restart(struct fixture *f, tg_us now)
{
    const struct tg_ice_creds creds = {
        .local_ufrag = "SRV2", .local_pwd = spwd2, .remote_ufrag = "CLN2", .remote_pwd = cpwd2};

    assert_int_equal(tg_ice_restart(&f->ice, now, &creds), TG_OK);
    assert_int_equal(drain(f).count[TG_ICE_SEND], 0);
    f->asks_as = "CLN2:SRV2";
    f->asks_with = cpwd2;
}

static tg_err send_check2(struct fixture *f, tg_us now, const struct tg_addr *from, bool nominate)
{
    struct tg_stun msg = check_of(f, nominate);

    msg.username = tg_span("SRV2:CLN2", 9);
    return send_msg(f, now, from, &msg, spwd2);
}

static void connect_at_a(struct fixture *f)
{
    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    (void)drain(f);
}

static void test_ice_restart_answers_both_until_the_new_ones_are_proved(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    connect_at_a(f);
    restart(f, T0);
    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK); /* the old ones */
    h = drain(f);
    assert_int_equal(h.answer.type, TG_STUN_SUCCESS);
    assert_int_equal(h.count[TG_ICE_RETIRED], 0);
    /* A new address with the new ones is tried at once, nominated or not. */
    assert_int_equal(send_check2(f, T0, &f->b, false), TG_OK);
    h = drain(f);
    assert_int_equal(h.answer.type, TG_STUN_SUCCESS);
    assert_true(h.has_request && tg_addr_equal(&h.request_to, &f->b));
    assert_true(tg_addr_equal(&f->ice.selected, &f->a)); /* media stays meanwhile */
    assert_int_equal(send_answer(f, T0, &f->b, &h.request, cpwd), TG_ERR_AUTH);
    assert_int_equal(send_answer(f, T0, &f->b, &h.request, cpwd2), TG_OK);
    h = drain(f);
    assert_int_equal(h.count[TG_ICE_SELECTED], 1);
    assert_int_equal(h.count[TG_ICE_RETIRED], 1);
    assert_true(tg_addr_equal(&f->ice.selected, &f->b));
    assert_int_equal(send_check(f, T0, &f->a, true), TG_ERR_AUTH);
    assert_int_equal(drain(f).answer.error_code, 401);
}

static void test_ice_restart_on_the_same_address_retires_at_once(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    connect_at_a(f);
    restart(f, T0);
    assert_int_equal(send_check2(f, T0, &f->a, false), TG_OK);
    h = drain(f);
    assert_int_equal(h.count[TG_ICE_RETIRED], 1);
    assert_int_equal(h.count[TG_ICE_SELECTED], 0);
    assert_false(h.has_request);
    assert_int_equal(send_check2(f, T0, &f->b, false), TG_OK);
    assert_false(drain(f).has_request); /* ordinary times again */
}

/* Names and passwords must belong together. */
static void test_ice_restart_mixed_credentials_are_refused(void **state)
{
    struct fixture *f = *state;
    struct tg_stun msg = check_of(f, true);

    connect_at_a(f);
    restart(f, T0);
    assert_int_equal(send_msg(f, T0, &f->a, &msg, spwd2), TG_ERR_AUTH);
    (void)drain(f);
    msg.username = tg_span("SRV2:CLN2", 9);
    assert_int_equal(send_msg(f, T0, &f->a, &msg, spwd), TG_ERR_AUTH);
    (void)drain(f);
    msg.username = tg_span("SRV2:CLNT", 9);
    assert_int_equal(send_msg(f, T0, &f->a, &msg, spwd2), TG_ERR_AUTH);
    assert_int_equal(drain(f).count[TG_ICE_RETIRED], 0);
}

static void test_ice_restart_old_credentials_end_after_30_s(void **state)
{
    struct fixture *f = *state;

    connect_at_a(f);
    restart(f, T0 + 10);
    assert_int_equal(send_check(f, T0 + 20 * TG_US_PER_S, &f->a, true), TG_OK);
    (void)drain(f);
    assert_int_equal(tg_ice_deadline(&f->ice), T0 + 10 + TG_ICE_RESTART_US);
    tg_ice_tick(&f->ice, T0 + 10 + TG_ICE_RESTART_US);
    assert_int_equal(drain(f).count[TG_ICE_RETIRED], 1);
    assert_int_equal(send_check(f, T0 + 31 * TG_US_PER_S, &f->a, true), TG_ERR_AUTH);
    (void)drain(f);
    /* The client may still come with the new ones, until consent is gone. */
    assert_int_equal(send_check2(f, T0 + 49 * TG_US_PER_S, &f->a, true), TG_OK);
    assert_int_equal(drain(f).answer.type, TG_STUN_SUCCESS);
}

static void test_ice_restart_again_keeps_what_is_in_use(void **state)
{
    struct fixture *f = *state;
    const struct tg_ice_creds third = {
        .local_ufrag = "SRV3", .local_pwd = spwd, .remote_ufrag = "CLN3", .remote_pwd = cpwd};

    connect_at_a(f);
    restart(f, T0);
    assert_int_equal(tg_ice_restart(&f->ice, T0, &third), TG_OK);
    assert_int_equal(send_check2(f, T0, &f->a, true), TG_ERR_AUTH); /* never used: dropped */
    (void)drain(f);
    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    assert_int_equal(drain(f).count[TG_ICE_RETIRED], 0);
}

static void test_ice_restart_rearms_consent(void **state)
{
    struct fixture *f = *state;

    connect_at_a(f);
    restart(f, T0 + 29 * TG_US_PER_S);
    tg_ice_tick(&f->ice, T0 + 40 * TG_US_PER_S);
    assert_int_equal(drain(f).count[TG_ICE_EXPIRED], 0);
    tg_ice_tick(&f->ice, T0 + 59 * TG_US_PER_S);
    assert_int_equal(drain(f).count[TG_ICE_EXPIRED], 1);
}

static void test_ice_restart_refusals_change_nothing(void **state)
{
    struct fixture *f = *state;
    struct tg_ice_creds creds = {
        .local_ufrag = "SRV2", .local_pwd = spwd2, .remote_ufrag = "CLN-", .remote_pwd = cpwd2};

    connect_at_a(f);
    assert_int_equal(tg_ice_restart(&f->ice, T0, &creds), TG_ERR_LIMIT);
    assert_int_equal(send_check(f, T0, &f->a, true), TG_OK);
    assert_int_equal(drain(f).answer.type, TG_STUN_SUCCESS);
    creds.remote_ufrag = "CLN2";
    tg_ice_tick(&f->ice, T0 + TG_ICE_CONSENT_US);
    (void)drain(f);
    assert_int_equal(tg_ice_restart(&f->ice, T0 + TG_ICE_CONSENT_US, &creds), TG_ERR_CLOSED);
}

static void test_ice_credentials_ok_by_length_and_alphabet(void **state)
{
    char longest[TG_ICE_UFRAG_MAX + 2];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    longest[TG_ICE_UFRAG_MAX] = '\0';
    assert_true(tg_ice_credentials_ok("abcd", cpwd));
    assert_true(tg_ice_credentials_ok(longest, longest));
    assert_false(tg_ice_credentials_ok("abc", cpwd));
    assert_false(tg_ice_credentials_ok("abcd", "abcdefghijklmnopqrstu"));
    assert_false(tg_ice_credentials_ok("ab:d", cpwd));
    assert_false(tg_ice_credentials_ok("abcd", server_pwd));
    longest[TG_ICE_UFRAG_MAX] = 'a';
    longest[TG_ICE_UFRAG_MAX + 1] = '\0';
    assert_false(tg_ice_credentials_ok(longest, cpwd));
}

/* --- TCP beside UDP ----------------------------------------------------------------------------
 */

/* a is a TCP connection and selected, because its check came first. */
static void start_on_tcp(struct fixture *f, bool nominate)
{
    f->a.tcp = 77;
    assert_int_equal(send_check(f, T0, &f->a, nominate), TG_OK);
    assert_int_equal(drain(f).count[TG_ICE_SELECTED], 1);
}

static void test_ice_udp_takes_over_from_tcp_that_was_only_first(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    start_on_tcp(f, false);
    assert_int_equal(send_check(f, T0 + 1, &f->b, false), TG_OK);
    h = drain(f);
    assert_true(h.has_request && tg_addr_equal(&h.request_to, &f->b));
    assert_int_equal(h.count[TG_ICE_SELECTED], 0); /* it must answer first, as always */
    assert_int_equal(send_answer(f, T0 + 2, &f->b, &h.request, cpwd), TG_OK);
    h = drain(f);
    assert_int_equal(h.count[TG_ICE_SELECTED], 1);
    assert_true(tg_addr_equal(&h.selected, &f->b));
    /* And TCP does not win it back by another check ... */
    assert_int_equal(send_check(f, T0 + 3, &f->a, false), TG_OK);
    assert_false(drain(f).has_request);
    /* ... only by nomination: the client's word counts. */
    assert_int_equal(send_check(f, T0 + 4, &f->a, true), TG_OK);
    assert_true(drain(f).has_request);
}

static void test_ice_nominated_tcp_stays_until_udp_is_nominated(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    start_on_tcp(f, true);
    assert_int_equal(send_check(f, T0 + 1, &f->b, false), TG_OK);
    assert_false(drain(f).has_request);
    assert_int_equal(send_check(f, T0 + 2, &f->b, true), TG_OK);
    h = drain(f);
    assert_true(h.has_request);
    assert_int_equal(send_answer(f, T0 + 3, &f->b, &h.request, cpwd), TG_OK);
    h = drain(f);
    assert_true(tg_addr_equal(&h.selected, &f->b));
}

/* The nomination comes while our own check of the better-looking address is under way. */
static void test_ice_nomination_of_tcp_ends_our_own_wish_for_udp(void **state)
{
    struct fixture *f = *state;
    struct heard h;

    start_on_tcp(f, false);
    assert_int_equal(send_check(f, T0 + 1, &f->b, false), TG_OK);
    h = drain(f);
    assert_true(h.has_request);
    assert_int_equal(send_check(f, T0 + 2, &f->a, true), TG_OK);
    (void)drain(f);
    assert_int_equal(send_answer(f, T0 + 3, &f->b, &h.request, cpwd), TG_ERR_NOTFOUND);
    assert_int_equal(drain(f).count[TG_ICE_SELECTED], 0);
}

/* Two connections of one address and port are two addresses. */
static void test_ice_connections_differ_by_number(void **state)
{
    struct fixture *f = *state;
    struct tg_addr again;
    struct heard h;

    start_on_tcp(f, true);
    again = f->a;
    again.tcp = 78;
    assert_false(tg_ice_knows(&f->ice, &again));
    assert_int_equal(send_check(f, T0 + 1, &again, true), TG_OK);
    h = drain(f);
    assert_true(tg_addr_equal(&h.request_to, &again));
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ice_first_valid_check_is_answered_and_used_at_once),
        CASE(test_ice_wrong_credentials_get_an_error_and_change_nothing),
        CASE(test_ice_role_conflict_is_487),
        CASE(test_ice_unknown_required_attribute_is_420),
        CASE(test_ice_nominated_new_address_must_answer_our_check_first),
        CASE(test_ice_checks_of_a_second_pair_without_nomination_move_nothing),
        CASE(test_ice_own_check_is_repeated_with_backoff_then_given_up),
        CASE(test_ice_replayed_check_moves_nothing_and_amplifies_little),
        CASE(test_ice_replayed_nomination_moves_nothing_and_amplifies_little),
        CASE(test_ice_replayed_nominations_add_up_to_no_more_than_came),
        CASE(test_ice_first_address_gets_little_until_it_is_proved),
        CASE(test_ice_what_is_held_back_is_freed_by_a_check_of_our_own),
        CASE(test_ice_proof_is_the_addresss_own),
        CASE(test_ice_tcp_needs_no_proof),
        CASE(test_ice_refusals_amplify_little),
        CASE(test_ice_consent_runs_out_after_30_s_of_silence),
        CASE(test_ice_addresses_beyond_four_push_out_the_oldest_unused),
        CASE(test_ice_nomination_over_another_own_address_changes_via_only),
        CASE(test_ice_client_connects_keeps_alive_and_expires),
        CASE(test_ice_init_refuses_bad_credentials),
        CASE(test_ice_peek_finds_the_local_ufrag_only_in_requests),
        CASE(test_ice_credentials_are_ice_chars_and_differ),
        CASE(test_ice_restart_answers_both_until_the_new_ones_are_proved),
        CASE(test_ice_restart_on_the_same_address_retires_at_once),
        CASE(test_ice_restart_mixed_credentials_are_refused),
        CASE(test_ice_restart_old_credentials_end_after_30_s),
        CASE(test_ice_restart_again_keeps_what_is_in_use),
        CASE(test_ice_restart_rearms_consent),
        CASE(test_ice_restart_refusals_change_nothing),
        CASE(test_ice_credentials_ok_by_length_and_alphabet),
        CASE(test_ice_udp_takes_over_from_tcp_that_was_only_first),
        CASE(test_ice_nominated_tcp_stays_until_udp_is_nominated),
        CASE(test_ice_nomination_of_tcp_ends_our_own_wish_for_udp),
        CASE(test_ice_connections_differ_by_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
