/*
 * test_show.c - one show as a state machine: pins, state, reactions, the clock, joining, restoring.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "show/media_clock.h"
#include "show/show.h"

static struct tg_show *show;
static tg_us now;
static const tg_us wall = 1795342830000000; /* 2026-11-22T10:20:30Z */
static char outs[16][4096];
static enum tg_show_out_kind kinds[16];
static size_t out_count;
static const struct tg_show_person host = {
    .id = "s1", .name = "Host", .roles_json = "[\"host\"]", .staff = true};
static const struct tg_show_person viewer = {
    .id = "pA", .name = "Kari", .roles_json = "[\"viewer\"]", .staff = false};

static bool sku_known(void *ctx, const char *sku)
{
    (void)ctx;
    return sku[0] != 'X';
}

static struct tg_show_cfg config(struct tg_rng *rng)
{
    struct tg_show_cfg cfg = tg_show_cfg_default();

    cfg.id = "demo";
    cfg.title = "Demo";
    cfg.epoch_us = 1000000;
    cfg.rng = rng;
    cfg.sku_known = sku_known;
    return cfg;
}

static int setup(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_show_cfg cfg = config(&rng);

    (void)state;
    now = 2000000; /* media time 1 s */
    return tg_show_new(&show, &cfg) == TG_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tg_show_free(show);
    show = NULL;
    return 0;
}

static void drain(tg_err err)
{
    struct tg_show_out out;

    assert_int_equal(err, TG_OK);
    for (out_count = 0; tg_show_poll(show, &out); out_count++) {
        assert_true(out_count < 16 && out.len < sizeof(outs[0]));
        memcpy(outs[out_count], out.json, out.len);
        outs[out_count][out.len] = '\0';
        kinds[out_count] = out.kind;
    }
}

static void expect(size_t i, enum tg_show_out_kind kind, const char *json)
{
    assert_true(i < out_count);
    assert_int_equal(kinds[i], kind);
    assert_string_equal(outs[i], json);
}

static struct tg_show_req req(const struct tg_show_person *who, const char *id)
{
    return (struct tg_show_req){.now = now, .who = who, .id = id};
}

static void pin(const char *id, const char *sku)
{
    struct tg_show_req rq = req(&host, id);

    drain(tg_show_pin(show, &rq, sku));
}

static void unpin(const char *id, const char *sku)
{
    struct tg_show_req rq = req(&host, id);

    drain(tg_show_unpin(show, &rq, sku));
}

static const char *joined(const struct tg_show_person *who, int64_t since, bool *ret_resumed)
{
    static char text[16384];
    struct tg_buf out;
    const struct tg_show_join in = {.now = now,
                                    .wall = wall,
                                    .who = who,
                                    .token = "tp_x",
                                    .products = "[]",
                                    .products_len = 2,
                                    .cart = "{}",
                                    .cart_len = 2,
                                    .notice = "B-frames",
                                    .since = since};

    tg_buf_init(&out, sizeof(text) - 1);
    assert_int_equal(tg_show_write_joined(show, &in, &out, ret_resumed), TG_OK);
    memcpy(text, tg_buf_cstr(&out), out.len + 1);
    tg_buf_done(&out);
    return text;
}

static void test_media_clock_counts_from_the_epoch(void **state)
{
    const struct tg_media_clock clock = {.epoch_us = -5000};

    (void)state;
    assert_int_equal(tg_media_ms(clock, 1999), 6);
    assert_int_equal(tg_media_us(clock, -6000), 0);
}

static void test_show_pin_counts_and_journals(void **state)
{
    (void)state;
    pin("1", "MUG");
    assert_int_equal(out_count, 3);
    expect(0, TG_SHOW_OUT_ALL, "{\"ev\":\"pin\",\"seq\":1,\"at\":1000,\"sku\":\"MUG\"}");
    expect(1, TG_SHOW_OUT_JOURNAL,
           "{\"event\":{\"ev\":\"pin\",\"seq\":1,\"at\":1000,\"sku\":\"MUG\"},"
           "\"by\":\"s1\",\"op\":\"1\"}");
    expect(2, TG_SHOW_OUT_REPLY, "{\"re\":\"1\",\"ok\":true,\"seq\":1}");
    unpin("2", "MUG");
    expect(0, TG_SHOW_OUT_ALL, "{\"ev\":\"unpin\",\"seq\":2,\"at\":1000,\"sku\":\"MUG\"}");
}

static void test_show_pin_again_or_unknown_makes_no_event(void **state)
{
    (void)state;
    pin("1", "MUG");
    pin("2", "MUG");
    assert_int_equal(out_count, 1);
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"2\",\"ok\":true}");
    pin("3", "X-1");
    assert_int_equal(out_count, 1);
    assert_non_null(strstr(outs[0], "\"code\":\"not_found\""));
    unpin("4", "HAT");
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"4\",\"ok\":true}");
    assert_int_equal(tg_show_seq(show), 1);
}

static void test_show_same_id_same_reply_other_content_conflict(void **state)
{
    (void)state;
    pin("1", "MUG");
    unpin("2", "MUG");
    pin("1", "MUG");
    assert_int_equal(out_count, 1);
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"1\",\"ok\":true,\"seq\":1}");
    assert_int_equal(tg_show_seq(show), 2);
    pin("1", "HAT");
    assert_int_equal(out_count, 1);
    assert_non_null(strstr(outs[0], "\"code\":\"conflict\""));
    unpin("1", "MUG"); /* another operation has ids of its own */
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"1\",\"ok\":true}");
}

static void test_show_refusal_is_remembered_ten_minutes(void **state)
{
    (void)state;
    pin("1", "X");
    assert_non_null(strstr(outs[0], "not_found"));
    now += 599 * (tg_us)TG_US_PER_S;
    pin("1", "MUG");
    assert_non_null(strstr(outs[0], "conflict"));
    now += 2 * (tg_us)TG_US_PER_S;
    pin("1", "MUG");
    assert_int_equal(out_count, 3);
}

static void test_show_pins_have_a_maximum(void **state)
{
    char sku[16];

    (void)state;
    for (int i = 0; i < TG_PINS_MAX; i++) {
        (void)snprintf(sku, sizeof(sku), "S%d", i);
        pin(sku, sku);
        assert_int_equal(out_count, 3);
    }
    pin("more", "MORE");
    assert_int_equal(out_count, 1);
    assert_non_null(strstr(outs[0], "\"code\":\"limit\""));
    unpin("u", "S3");
    pin("again", "MORE");
    assert_int_equal(out_count, 3);
}

static void test_show_start_and_end(void **state)
{
    struct tg_show_req rq = req(&host, "e");

    (void)state;
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_ENDED));
    assert_non_null(strstr(outs[0], "\"code\":\"closed\""));
    rq.id = "s";
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_LIVE));
    assert_int_equal(out_count, 4);
    expect(0, TG_SHOW_OUT_ALL,
           "{\"ev\":\"show\",\"seq\":1,\"at\":1000,\"state\":\"live\",\"on_air\":false}");
    assert_int_equal(kinds[2], TG_SHOW_OUT_PHASE);
    expect(3, TG_SHOW_OUT_REPLY, "{\"re\":\"s\",\"ok\":true,\"seq\":1}");
    rq.id = "s2";
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_LIVE));
    assert_int_equal(out_count, 1);
    rq.id = "e2";
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_ENDED));
    assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_ENDED);
    drain(tg_show_set_phase(show, now, TG_SHOW_PHASE_ENDED));
    assert_int_equal(out_count, 0);
    drain(tg_show_set_phase(show, now, TG_SHOW_PHASE_LIVE));
    assert_int_equal(out_count, 2); /* no PHASE: the shop knows */
}

static void rehearse(const char *id, bool on)
{
    struct tg_show_req rq = req(&host, id);

    drain(tg_show_rehearse(show, &rq, on));
}

static void test_show_rehearsal_goes_on_and_off(void **state)
{
    (void)state;
    rehearse("a", false); /* nothing to take back */
    assert_int_equal(out_count, 1);
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"a\",\"ok\":true}");
    rehearse("b", true);
    assert_int_equal(out_count, 4);
    expect(0, TG_SHOW_OUT_ALL,
           "{\"ev\":\"show\",\"seq\":1,\"at\":1000,\"state\":\"rehearsal\",\"on_air\":false}");
    assert_int_equal(kinds[1], TG_SHOW_OUT_JOURNAL);
    assert_int_equal(kinds[2], TG_SHOW_OUT_PHASE);
    expect(3, TG_SHOW_OUT_REPLY, "{\"re\":\"b\",\"ok\":true,\"seq\":1}");
    assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_REHEARSAL);
    rehearse("b", true); /* the same again */
    assert_int_equal(out_count, 1);
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"b\",\"ok\":true,\"seq\":1}");
    rehearse("b", false); /* the same id, another wish */
    assert_non_null(strstr(outs[0], "\"code\":\"conflict\""));
    assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_REHEARSAL);
    rehearse("c", true);
    assert_int_equal(out_count, 1);
    rehearse("d", false);
    assert_int_equal(out_count, 4);
    assert_non_null(strstr(outs[0], "\"state\":\"scheduled\""));
    assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_SCHEDULED);
}

static void test_show_rehearsal_before_live_and_after_the_end(void **state)
{
    struct tg_show_req rq = req(&host, "e");

    (void)state;
    rehearse("a", true);
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_ENDED));
    assert_int_equal(out_count, 1);
    assert_non_null(strstr(outs[0], "\"code\":\"closed\""));
    assert_non_null(strstr(outs[0], "End the rehearsal"));
    rq.id = "s";
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_LIVE));
    assert_non_null(strstr(outs[0], "\"state\":\"live\""));
    for (int on = 0; on < 2; on++) {
        rehearse(on != 0 ? "l1" : "l0", on != 0);
        assert_int_equal(out_count, 1);
        assert_non_null(strstr(outs[0], "\"code\":\"conflict\",\"message\":\"The show is live"));
        assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_LIVE);
    }
    rq.id = "e2";
    drain(tg_show_run(show, &rq, TG_SHOW_PHASE_ENDED));
    rehearse("off", false); /* an ended show stays ended */
    assert_int_equal(out_count, 1);
    assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_ENDED);
    rehearse("again", true);
    assert_int_equal(out_count, 4);
    assert_int_equal(tg_show_phase(show), TG_SHOW_PHASE_REHEARSAL);
}

static void test_show_source_change_sends_clock_and_state(void **state)
{
    (void)state;
    drain(tg_show_set_source(show, now, wall, true));
    assert_int_equal(out_count, 3);
    expect(0, TG_SHOW_OUT_ALL,
           "{\"ev\":\"clock\",\"media_ms\":1000,\"wall\":\"2026-11-22T10:20:30.000Z\"}");
    expect(1, TG_SHOW_OUT_ALL,
           "{\"ev\":\"show\",\"seq\":1,\"at\":1000,\"state\":\"scheduled\",\"on_air\":true}");
    drain(tg_show_set_source(show, now, wall, true)); /* another publisher takes over */
    assert_int_equal(out_count, 1);
}

static void test_show_reactions_are_summed_per_interval(void **state)
{
    (void)state;
    drain(tg_show_react(show, now, &viewer, 0, 3));
    drain(tg_show_react(show, now, &host, 1, 1));
    assert_true(tg_show_deadline(show) <= now);
    drain(tg_show_tick(show, now, wall));
    expect(0, TG_SHOW_OUT_ALL,
           "{\"ev\":\"reactions\",\"at\":1000,\"value\":{\"heart\":3,\"fire\":1}}");
    drain(tg_show_react(show, now, &viewer, 0, 2));
    assert_int_equal(tg_show_deadline(show), now + 250000);
    drain(tg_show_tick(show, now + 249000, wall));
    assert_int_equal(out_count, 0);
    drain(tg_show_tick(show, now + 250000, wall));
    expect(0, TG_SHOW_OUT_ALL, "{\"ev\":\"reactions\",\"at\":1250,\"value\":{\"heart\":2}}");
    assert_int_equal(tg_show_deadline(show), TG_US_NEVER);
}

static void test_show_reactions_of_one_person_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        drain(tg_show_react(show, now, &viewer, 0, 50));
    drain(tg_show_tick(show, now, wall));
    expect(0, TG_SHOW_OUT_ALL, "{\"ev\":\"reactions\",\"at\":1000,\"value\":{\"heart\":100}}");
}

static void test_show_viewers_latest_wins_once_a_second(void **state)
{
    (void)state;
    tg_show_set_viewers(show, now, 1);
    drain(tg_show_tick(show, now, wall));
    expect(0, TG_SHOW_OUT_ALL, "{\"ev\":\"viewers\",\"at\":1000,\"value\":1}");
    tg_show_set_viewers(show, now, 2);
    tg_show_set_viewers(show, now, 3);
    drain(tg_show_tick(show, now + 999000, wall));
    assert_int_equal(out_count, 0);
    drain(tg_show_tick(show, now + 1000000, wall));
    expect(0, TG_SHOW_OUT_ALL, "{\"ev\":\"viewers\",\"at\":2000,\"value\":3}");
}

static void test_show_clock_every_ten_seconds_while_watched(void **state)
{
    (void)state;
    assert_int_equal(tg_show_deadline(show), TG_US_NEVER);
    tg_show_set_audience(show, now, true);
    assert_int_equal(tg_show_deadline(show), now + 10000000);
    drain(tg_show_tick(show, now + 10000000, wall));
    expect(0, TG_SHOW_OUT_ALL,
           "{\"ev\":\"clock\",\"media_ms\":11000,\"wall\":\"2026-11-22T10:20:30.000Z\"}");
    tg_show_set_audience(show, now, false);
    assert_int_equal(tg_show_deadline(show), TG_US_NEVER);
}

static void test_show_joined_is_complete(void **state)
{
    bool resumed = true;

    (void)state;
    pin("1", "MUG");
    tg_show_set_viewers(show, now, 7);
    assert_string_equal(
        joined(&viewer, -1, &resumed),
        "{\"ev\":\"joined\",\"seq\":1,\"resumed\":false,\"you\":{\"id\":\"pA\",\"name\":\"Kari\","
        "\"roles\":[\"viewer\"],\"token\":\"tp_x\"},\"show\":{\"id\":\"demo\",\"title\":\"Demo\","
        "\"state\":\"scheduled\",\"on_air\":false},\"clock\":{\"media_ms\":1000,"
        "\"wall\":\"2026-11-22T10:20:30.000Z\"},\"products\":[],\"pinned\":[\"MUG\"],\"cart\":{},"
        "\"recent\":[],\"viewers\":7}");
    assert_false(resumed);
    assert_non_null(strstr(joined(&host, -1, &resumed), "\"notice\":\"B-frames\""));
}

static void test_show_since_in_reach_resumes(void **state)
{
    bool resumed = false;
    size_t len;

    (void)state;
    pin("1", "MUG");
    pin("2", "HAT");
    assert_non_null(strstr(joined(&viewer, 1, &resumed), "\"seq\":1,\"resumed\":true"));
    assert_true(resumed);
    assert_memory_equal(tg_show_missed(show, 2, &len), "{\"ev\":\"pin\",\"seq\":2,", 20);
    assert_non_null(strstr(joined(&viewer, 2, &resumed), "\"seq\":2,\"resumed\":true"));
    assert_non_null(strstr(joined(&viewer, 3, &resumed), "\"seq\":2,\"resumed\":false"));
    assert_false(resumed);
    for (int i = 0; i < TG_TIMELINE_MAX; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "u%d", i);
        if (i % 2 == 0)
            unpin(id, "MUG");
        else
            pin(id, "MUG");
    }
    (void)joined(&viewer, 1, &resumed);
    assert_false(resumed); /* too long away */
    (void)joined(&viewer, 2, &resumed);
    assert_true(resumed);
}

static struct tg_show_record record(enum tg_show_record_kind kind, int64_t seq, const char *json)
{
    return (struct tg_show_record){.kind = kind,
                                   .by = "s1",
                                   .op = "1",
                                   .at = 500,
                                   .seq = seq,
                                   .json = json,
                                   .json_len = strlen(json),
                                   .sku = "MUG",
                                   .message = "c1",
                                   .name = "",
                                   .roles_json = "[]",
                                   .text = "hi",
                                   .reply_to = "",
                                   .person = "pA"};
}

static void test_show_restore_brings_everything_back(void **state)
{
    struct tg_show_record rec = record(TG_SHOW_RECORD_PIN, 1, "{\"ev\":\"pin\"}");
    bool resumed;

    (void)state;
    assert_int_equal(tg_show_restore(show, &rec), TG_OK);
    assert_int_equal(tg_show_restore(show, &rec), TG_ERR_MALFORMED); /* seq is not newer */
    assert_int_equal(tg_show_seq(show), 1);
    assert_non_null(strstr(joined(&viewer, 0, &resumed), "\"pinned\":[\"MUG\"]"));
    assert_true(resumed);
    pin("1", "MUG"); /* the same operation again after the restart */
    expect(0, TG_SHOW_OUT_REPLY, "{\"re\":\"1\",\"ok\":true,\"seq\":1}");
    rec = record(TG_SHOW_RECORD_UNPIN, 5, "{\"ev\":\"unpin\"}"); /* 2 to 4 were lost */
    assert_int_equal(tg_show_restore(show, &rec), TG_OK);
    assert_non_null(strstr(joined(&viewer, 1, &resumed), "\"pinned\":[]"));
    assert_false(resumed);
    (void)joined(&viewer, 4, &resumed);
    assert_true(resumed);
    rec.at = -1;
    rec.seq = 6;
    assert_int_equal(tg_show_restore(show, &rec), TG_ERR_MALFORMED);
}

static void test_show_config_is_checked(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_show_cfg cfg = config(&rng);
    struct tg_show *other = NULL;

    (void)state;
    cfg.chat_burst = 0;
    assert_int_equal(tg_show_new(&other, &cfg), TG_ERR_LIMIT);
    assert_null(other);
}

/* One input per kind; true when an allocation failed in it, and then nothing must have changed. */
static bool failing_round(long nth)
{
    struct tg_show_req rq = req(&viewer, "c");
    int64_t seq = tg_show_seq(show);
    tg_err err;

    tg_alloc_fail_nth(nth);
    err = tg_show_chat(show, &rq, "hello", "");
    if (err == TG_OK) {
        rq = req(&host, "p");
        err = tg_show_pin(show, &rq, "MUG");
    }
    if (err == TG_OK) {
        rq.id = "m";
        err = tg_show_mute(show, &rq, "pB", 60);
    }
    if (err == TG_OK) {
        rq.id = "r";
        err = tg_show_rehearse(show, &rq, true);
    }
    if (err == TG_OK) {
        rq.id = "h";
        err = tg_show_hide(show, &rq, "c1", false);
    }
    if (err == TG_OK)
        err = tg_show_tick(show, now, wall);
    tg_alloc_fail_nth(-1);
    assert_true(err == TG_OK || err == TG_ERR_NOMEM);
    if (err == TG_ERR_NOMEM) {
        struct tg_show_out out;

        assert_false(tg_show_poll(show, &out));
        assert_true(tg_show_seq(show) - seq <= 1);
    }
    return err == TG_ERR_NOMEM;
}

static void test_show_survives_failing_allocations(void **state)
{
    long nth = 0;
    bool failed = true;

    (void)state;
    for (; failed && nth < 200; nth++) {
        teardown(NULL);
        assert_int_equal(setup(NULL), 0);
        failed = failing_round(nth) || tg_alloc_failed();
    }
    assert_true(nth > 5 && nth < 200);
    for (nth = 0; nth < 10; nth++) {
        struct tg_rng rng = tg_rng_seeded(1);
        struct tg_show_cfg cfg = config(&rng);
        struct tg_show *other = NULL;

        tg_alloc_fail_nth(nth);
        if (tg_show_new(&other, &cfg) == TG_OK)
            nth = 10;
        tg_alloc_fail_nth(-1);
        tg_show_free(other);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_media_clock_counts_from_the_epoch),
        CASE(test_show_pin_counts_and_journals),
        CASE(test_show_pin_again_or_unknown_makes_no_event),
        CASE(test_show_same_id_same_reply_other_content_conflict),
        CASE(test_show_refusal_is_remembered_ten_minutes),
        CASE(test_show_pins_have_a_maximum),
        CASE(test_show_start_and_end),
        CASE(test_show_rehearsal_goes_on_and_off),
        CASE(test_show_rehearsal_before_live_and_after_the_end),
        CASE(test_show_source_change_sends_clock_and_state),
        CASE(test_show_reactions_are_summed_per_interval),
        CASE(test_show_reactions_of_one_person_are_bounded),
        CASE(test_show_viewers_latest_wins_once_a_second),
        CASE(test_show_clock_every_ten_seconds_while_watched),
        CASE(test_show_joined_is_complete),
        CASE(test_show_since_in_reach_resumes),
        CASE(test_show_restore_brings_everything_back),
        CASE(test_show_config_is_checked),
        CASE(test_show_survives_failing_allocations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
