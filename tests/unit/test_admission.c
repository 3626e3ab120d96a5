/* test_admission.c - the capacity guard: budget, layers, and a waiting room without overtaking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "fanout/admission.h"
#include "fanout/waiting.h"

enum { SHOW = 3, MBIT = 1000 * 1000, SLOTS = 12 };

struct world {
    struct tg_admission *a;
    struct tg_rng rng;
    tg_us now;
};

static void world_start(struct world *w, uint64_t egress_bps, unsigned cpu, size_t waiting)
{
    const struct tg_admission_cfg cfg = {
        .workers = 2,
        .waiting_max = waiting,
        .guess_bps = 5 * MBIT / 2,
        .limits = {.egress_bps = egress_bps, .cpu_permille_max = cpu},
    };

    w->rng = tg_rng_seeded(7);
    w->now = 1000 * (tg_us)TG_US_PER_S;
    assert_int_equal(tg_admission_new(&w->a, &cfg), TG_OK);
}

static void world_stop(struct world *w)
{
    tg_admission_free(w->a);
}

static void show_sends(struct world *w, uint32_t bps0, uint32_t bps1, uint32_t bps2)
{
    const uint32_t bps[TG_LAYERS_MAX] = {bps0, bps1, bps2};

    for (int i = 0; i < 4; i++) { /* the fourth second counts */
        tg_admission_show(w->a, w->now, SHOW, true, bps);
        w->now += TG_US_PER_S;
    }
}

/* Three seconds of steady load. */
static void load(struct world *w, unsigned worker, uint64_t egress_bps, unsigned permille)
{
    for (int i = 0; i < SLOTS; i++) {
        w->now += TG_US_PER_S / 4;
        tg_admission_load(w->a, w->now, worker, egress_bps / 8 / 4, permille);
    }
}

static struct tg_admission_answer ask(struct world *w, const char *ticket)
{
    const struct tg_admission_ask q = {.show = SHOW, .worker = 0, .ticket = ticket};
    struct tg_admission_answer ret;

    tg_admission_ask(w->a, w->now, &w->rng, &q, &ret);
    return ret;
}

/* An answer is whole: room, or a place and its ticket, or neither and a long pause. */
static void check_answer(const struct tg_admission_answer *r)
{
    if (r->admitted) {
        assert_true(r->grant.given);
        assert_int_equal(r->position, 0);
    } else if (r->position > 0) {
        assert_int_equal(strlen(r->ticket), 22);
        assert_in_range(r->retry_s, TG_ADMISSION_RETRY_NEAR_S, TG_ADMISSION_RETRY_FAR_S);
    } else {
        assert_string_equal(r->ticket, "");
        assert_int_equal(r->retry_s, TG_ADMISSION_RETRY_FULL_S);
    }
}

/* --- budget ----------------------------------------------------------------------------------- */

static void test_admission_without_limits_takes_everybody(void **state)
{
    struct world w;

    (void)state;
    world_start(&w, 0, 1000, 0);
    show_sends(&w, 5 * MBIT, 0, 0);
    load(&w, 0, 9000ULL * MBIT, 1000);
    for (int i = 0; i < 5000; i++) {
        struct tg_admission_answer r = ask(&w, "");

        assert_true(r.admitted);
        assert_int_equal(r.grant.best, 0);
    }
    world_stop(&w);
}

static void test_admission_herd_takes_exactly_what_fits(void **state)
{
    struct world w;
    unsigned admitted = 0;
    uint32_t position = 0;

    (void)state;
    world_start(&w, 0, 1000, 2000);
    show_sends(&w, 2 * MBIT, 0, 0);
    const uint64_t cost = tg_admission_cost_bps(w.a, SHOW, 0);
    /* Room for 100 within 90 % of the line; 50 bits too little for the next. */
    const struct tg_admission_limits limits = {.egress_bps = (100 * cost + 50) * 10 / 9 + 1,
                                               .cpu_permille_max = 1000};

    tg_admission_set_limits(w.a, &limits);
    for (int i = 0; i < 1000; i++) {
        struct tg_admission_answer r = ask(&w, "");

        check_answer(&r);
        admitted += r.admitted;
        if (!r.admitted)
            assert_int_equal(r.position, ++position);
    }
    assert_int_equal(admitted, 100);
    assert_int_equal(position, 900);
    assert_int_equal(tg_admission_waiting(w.a), 900);
    world_stop(&w);
}

/* Promises end when the measure has them: no double count for ever, no gap in between. */
static void test_admission_promise_becomes_measure(void **state)
{
    struct world w;
    struct tg_admission_answer in[10];

    (void)state;
    world_start(&w, 0, 1000, 10);
    show_sends(&w, 2 * MBIT, 0, 0);
    const uint64_t cost = tg_admission_cost_bps(w.a, SHOW, 0);
    const struct tg_admission_limits limits = {.egress_bps = (11 * cost + cost / 2) * 10 / 9,
                                               .cpu_permille_max = 1000};

    tg_admission_set_limits(w.a, &limits);
    for (int i = 0; i < 10; i++) {
        in[i] = ask(&w, "");
        assert_true(in[i].admitted);
    }
    for (int i = 0; i < 10; i++)
        tg_admission_connected(w.a, w.now, &in[i].grant);
    struct tg_admission_answer last = ask(&w, "");

    assert_true(last.admitted); /* the 11th */
    assert_false(ask(&w, "").admitted);
    tg_admission_left(w.a, &last.grant); /* it never connected */
    tg_admission_left(w.a, &last.grant);
    load(&w, 0, 10 * cost, 100);
    w.now += TG_ADMISSION_SETTLE_US;
    assert_false(ask(&w, "").admitted); /* the other one waits in front */
    w.now += 50 * (tg_us)TG_US_PER_S;   /* and did not come back */
    load(&w, 0, 10 * cost, 100);
    assert_true(ask(&w, "").admitted);
    assert_false(ask(&w, "").admitted);
    world_stop(&w);
}

static void test_admission_above_soft_mark_starts_on_lowest_layer(void **state)
{
    struct world w;
    unsigned high = 0;
    unsigned low = 0;

    (void)state;
    world_start(&w, 100 * MBIT, 1000, 0);
    show_sends(&w, 3 * MBIT, MBIT, MBIT / 4);
    for (;;) {
        struct tg_admission_answer r = ask(&w, "");

        if (!r.admitted)
            break;
        if (r.grant.best == 0) {
            assert_int_equal(low, 0);
            high++;
        } else {
            assert_int_equal(r.grant.best, 2);
            low++;
        }
    }
    /* 90 Mbit/s are the budget, 72 of them for layer 0: 3 Mbit/s + 1/16 + sound. */
    assert_int_equal(high, 72000 / 3287);
    assert_int_equal(low, (90000 - 72000 / 3287 * 3287) / 365);
    world_stop(&w);
}

static void test_admission_lifts_those_who_started_low(void **state)
{
    struct world w;
    struct tg_admission_answer in;

    (void)state;
    world_start(&w, 100 * MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, MBIT, 0);
    load(&w, 1, 80 * MBIT, 100);
    in = ask(&w, "");
    assert_true(in.admitted);
    assert_int_equal(in.grant.best, 1);
    assert_false(tg_admission_lift(w.a, w.now, &in.grant)); /* not connected */
    tg_admission_connected(w.a, w.now, &in.grant);
    assert_false(tg_admission_lift(w.a, w.now, &in.grant)); /* no room */
    load(&w, 1, 40 * MBIT, 100);
    assert_true(tg_admission_lift(w.a, w.now, &in.grant));
    assert_int_equal(in.grant.best, 0);
    assert_false(tg_admission_lift(w.a, w.now, &in.grant));
    world_stop(&w);
}

static void test_admission_by_cpu_of_the_worker(void **state)
{
    struct world w;
    const struct tg_admission_ask other = {.show = SHOW, .worker = 1, .ticket = ""};
    struct tg_admission_answer r;

    (void)state;
    world_start(&w, 0, 850, 0);
    show_sends(&w, 3 * MBIT, MBIT, 0);
    load(&w, 0, 1000 * MBIT, 600);
    assert_int_equal(ask(&w, "").grant.best, 0);
    load(&w, 0, 1000 * MBIT, 750); /* above 80 % of 85 % */
    r = ask(&w, "");
    assert_true(r.admitted);
    assert_int_equal(r.grant.best, 1);
    load(&w, 0, 1000 * MBIT, 860);
    r = ask(&w, "");
    check_answer(&r);
    assert_false(r.admitted);
    tg_admission_ask(w.a, w.now, &w.rng, &other, &r); /* the other worker has time */
    assert_true(r.admitted);
    assert_int_equal(r.grant.best, 0);
    world_stop(&w);
}

/* A worker at 50 % that sends 500 Mbit/s has room for 350 Mbit/s more, not for everybody. */
static void test_admission_herd_is_bounded_by_cpu(void **state)
{
    struct world w;
    unsigned admitted = 0;

    (void)state;
    world_start(&w, 0, 850, 0);
    show_sends(&w, 3 * MBIT, 0, 0);
    load(&w, 0, 500 * MBIT, 500);
    while (ask(&w, "").admitted)
        admitted++;
    assert_in_range(admitted, 100, 110); /* 350 / 3.29 */
    world_stop(&w);
}

/* Before the show everybody gets a slate of 50 kbit/s; then the host comes with 2.5 Mbit/s. */
static void test_admission_slate_is_not_what_the_show_costs(void **state)
{
    struct world w;
    const uint32_t slate[TG_LAYERS_MAX] = {50 * 1000};
    unsigned admitted = 0;

    (void)state;
    world_start(&w, 100 * MBIT, 1000, 0);
    tg_admission_show(w.a, w.now, SHOW, false, slate);
    for (;;) {
        struct tg_admission_answer r = ask(&w, "");

        if (!r.admitted)
            break;
        admitted++;
        tg_admission_connected(w.a, w.now, &r.grant);
        load(&w, 0, admitted * 150000ULL, 10);
        w.now += TG_ADMISSION_SETTLE_US;
    }
    assert_in_range(admitted, 30, 33); /* 90 / 2.76 */
    /* The host turns out to send 1 Mbit/s only: there is more room. */
    show_sends(&w, MBIT, 0, 0);
    assert_true(ask(&w, "").admitted);
    world_stop(&w);
}

/* The first measure may have a batch too much in it. */
static void test_admission_first_burst_is_no_peak(void **state)
{
    struct world w;
    const uint32_t burst[TG_LAYERS_MAX] = {4 * MBIT};

    (void)state;
    world_start(&w, 0, 1000, 0);
    for (int i = 0; i < 8; i++) { /* the same value until the next second's */
        tg_admission_show(w.a, w.now, SHOW, true, burst);
        w.now += TG_US_PER_S / 4;
    }
    assert_int_equal(tg_admission_cost_bps(w.a, SHOW, 0), 4350000); /* careful for now */
    show_sends(&w, 2 * MBIT, 0, 0);
    assert_int_equal(tg_admission_cost_bps(w.a, SHOW, 0), 2225000);
    world_stop(&w);
}

static void test_admission_quiet_picture_keeps_the_peak(void **state)
{
    struct world w;

    (void)state;
    world_start(&w, 0, 1000, 0);
    for (int i = 0; i < 15; i++)
        show_sends(&w, 3 * MBIT, 0, 0);
    for (int i = 0; i < 15; i++)
        show_sends(&w, MBIT / 10, 0, 0);
    assert_true(tg_admission_cost_bps(w.a, SHOW, 0) > 5 * MBIT / 2);
    for (int i = 0; i < 900; i++)
        show_sends(&w, MBIT / 10, 0, 0);
    assert_true(tg_admission_cost_bps(w.a, SHOW, 0) < MBIT / 2);
    world_stop(&w);
}

static void test_admission_staff_comes_in_and_counts(void **state)
{
    struct world w;
    const struct tg_admission_ask staff = {
        .show = SHOW, .worker = 0, .staff = true, .full = true, .ticket = ""};
    struct tg_admission_answer r;

    (void)state;
    world_start(&w, 4 * MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, 0, 0);
    tg_admission_ask(w.a, w.now, &w.rng, &staff, &r);
    assert_true(r.admitted);
    assert_int_equal(r.grant.best, 0);
    assert_int_equal(ask(&w, "").position, 1);
    tg_admission_ask(w.a, w.now, &w.rng, &staff, &r);
    assert_true(r.admitted);
    world_stop(&w);
}

/* --- waiting room ----------------------------------------------------------------------------- */

static void test_admission_nobody_overtakes(void **state)
{
    struct world w;
    struct tg_admission_answer in;
    struct tg_admission_answer first;
    struct tg_admission_answer second;

    (void)state;
    world_start(&w, 4 * MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, 0, 0);
    in = ask(&w, "");
    assert_true(in.admitted);
    first = ask(&w, "");
    second = ask(&w, "");
    assert_int_equal(first.position, 1);
    assert_int_equal(second.position, 2);
    assert_string_not_equal(first.ticket, second.ticket);
    tg_admission_left(w.a, &in.grant);
    assert_int_equal(ask(&w, second.ticket).position, 2); /* the room is the first one's */
    assert_int_equal(ask(&w, "").position, 3);
    in = ask(&w, first.ticket);
    assert_true(in.admitted);
    assert_int_equal(ask(&w, second.ticket).position, 1);
    assert_int_equal(ask(&w, first.ticket).position, 3); /* used: a newcomer */
    world_stop(&w);
}

/* Room for two: the second need not wait until the first has asked. */
static void test_admission_room_for_two_admits_the_second(void **state)
{
    struct world w;
    struct tg_admission_answer in[2];
    struct tg_admission_answer wait[3];

    (void)state;
    world_start(&w, 8 * MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, 0, 0);
    for (int i = 0; i < 2; i++) {
        in[i] = ask(&w, "");
        assert_true(in[i].admitted);
    }
    for (int i = 0; i < 3; i++)
        wait[i] = ask(&w, "");
    for (int i = 0; i < 2; i++)
        tg_admission_left(w.a, &in[i].grant);
    assert_int_equal(ask(&w, wait[2].ticket).position, 3);
    assert_true(ask(&w, wait[1].ticket).admitted);
    assert_int_equal(ask(&w, wait[2].ticket).position, 2);
    assert_true(ask(&w, wait[0].ticket).admitted);
    assert_int_equal(ask(&w, wait[2].ticket).position, 1);
    world_stop(&w);
}

static void test_admission_full_waiting_room_says_so(void **state)
{
    struct world w;
    struct tg_admission_answer r[3];

    (void)state;
    world_start(&w, MBIT, 1000, 3);
    show_sends(&w, 3 * MBIT, 0, 0);
    for (int i = 0; i < 3; i++) {
        r[i] = ask(&w, "");
        assert_int_equal(r[i].position, i + 1);
    }
    struct tg_admission_answer full = ask(&w, "");

    assert_int_equal(full.position, 0);
    check_answer(&full);
    assert_int_equal(ask(&w, r[2].ticket).position, 3); /* who has a place keeps it */
    world_stop(&w);
}

static void test_admission_who_does_not_come_back_loses_the_place(void **state)
{
    struct world w;
    struct tg_admission_answer first;
    struct tg_admission_answer second;

    (void)state;
    world_start(&w, MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, 0, 0);
    first = ask(&w, "");
    second = ask(&w, "");
    const tg_us patience = 3 * (tg_us)first.retry_s * TG_US_PER_S;

    w.now += patience;
    assert_int_equal(ask(&w, first.ticket).position, 1); /* in time */
    second = ask(&w, second.ticket); /* may have been late; has a place now in any case */
    w.now += (3 * (tg_us)TG_ADMISSION_RETRY_FAR_S + 2) * TG_US_PER_S;
    assert_int_equal(ask(&w, "").position, 1); /* both are gone */
    assert_int_equal(ask(&w, first.ticket).position, 2);
    assert_int_equal(ask(&w, second.ticket).position, 3);
    assert_int_equal(tg_admission_waiting(w.a), 3);
    world_stop(&w);
}

/* Nobody asks any more, so only the reports of the workers can see that the line is empty. */
static void test_admission_line_that_all_left_empties_by_itself(void **state)
{
    struct world w;
    struct tg_admission_answer in;

    (void)state;
    world_start(&w, 100 * MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, MBIT, 0);
    load(&w, 1, 80 * MBIT, 100);
    in = ask(&w, "");
    assert_int_equal(in.grant.best, 1);
    tg_admission_connected(w.a, w.now, &in.grant);
    load(&w, 1, 100 * MBIT, 100);
    assert_int_equal(ask(&w, "").position, 1);
    load(&w, 1, 20 * MBIT, 100);
    assert_int_equal(tg_admission_waiting(w.a), 1); /* may still ask again */
    assert_false(tg_admission_lift(w.a, w.now, &in.grant));
    for (int i = 0; i < TG_ADMISSION_RETRY_FAR_S; i++)
        load(&w, 1, 20 * MBIT, 100);
    assert_int_equal(tg_admission_waiting(w.a), 0);
    assert_true(tg_admission_lift(w.a, w.now, &in.grant));
    world_stop(&w);
}

static void test_admission_retry_grows_with_the_position(void **state)
{
    struct world w;
    unsigned near[TG_ADMISSION_RETRY_FAR_S + 1] = {0};
    unsigned far[TG_ADMISSION_RETRY_FAR_S + 1] = {0};

    (void)state;
    world_start(&w, MBIT, 1000, 4000);
    show_sends(&w, 3 * MBIT, 0, 0);
    for (int i = 0; i < 4000; i++) {
        struct tg_admission_answer r = ask(&w, "");

        check_answer(&r);
        if (r.position < 50)
            near[r.retry_s]++;
        else if (r.position > 3000)
            far[r.retry_s]++;
    }
    assert_int_equal(near[2] + near[3], 49);
    assert_true(near[2] > 5 && near[3] > 5);
    for (unsigned s = 12; s <= TG_ADMISSION_RETRY_FAR_S; s++)
        assert_true(far[s] > 100); /* spread */
    world_stop(&w);
}

static void test_admission_foreign_tickets_are_newcomers(void **state)
{
    struct world w;
    const char *const bad[] = {"x",
                               "!!!!!!!!!!!!!!!!!!!!!!",
                               "AAAAAAAAAAAAAAAAAAAAAA",
                               "_____________________w",
                               "AAAA",
                               "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

    (void)state;
    world_start(&w, MBIT, 1000, 100);
    show_sends(&w, 3 * MBIT, 0, 0);
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++) {
        struct tg_admission_answer r = ask(&w, bad[i]);

        assert_int_equal(r.position, i + 1);
        r.ticket[21] = r.ticket[21] == 'A' ? 'Q' : 'A'; /* a guess next to a true one */
        assert_int_equal(tg_admission_waiting(w.a), i + 1);
    }
    world_stop(&w);
}

static void test_admission_undo_gives_the_place_back(void **state)
{
    struct world w;
    struct tg_admission_answer in;
    struct tg_admission_answer first;
    struct tg_admission_answer second;

    (void)state;
    world_start(&w, 4 * MBIT, 1000, 10);
    show_sends(&w, 3 * MBIT, 0, 0);
    in = ask(&w, "");
    first = ask(&w, "");
    second = ask(&w, "");
    tg_admission_left(w.a, &in.grant);
    in = ask(&w, first.ticket);
    assert_true(in.admitted);
    tg_admission_undo(w.a, w.now, &w.rng, &in.grant, &in); /* one and the same */
    assert_false(in.admitted);
    assert_int_equal(in.position, 1);
    assert_string_equal(in.ticket, first.ticket);
    assert_int_equal(ask(&w, second.ticket).position, 2);
    in = ask(&w, first.ticket);
    assert_true(in.admitted); /* the promise was given back too */
    assert_int_equal(ask(&w, second.ticket).position, 1);
    tg_admission_left(w.a, &in.grant);
    in = ask(&w, second.ticket);
    assert_true(in.admitted);
    const struct tg_admission_grant none = {.show = SHOW, .place = UINT64_MAX};

    tg_admission_undo(w.a, w.now, &w.rng, &none, &first); /* a newcomer's: to the end */
    assert_int_equal(first.position, 1);
    world_stop(&w);
}

/* --- the line against a plain list ------------------------------------------------------------ */

enum { MODEL_MAX = 300, PEOPLE = 600 };

struct model {
    size_t count;
    struct {
        char ticket[TG_RTC_TICKET_SIZE];
        uint64_t place;
        int64_t until_s; /* gone when this second begins */
    } line[MODEL_MAX];
};

static void model_remove(struct model *m, size_t at)
{
    m->count--;
    memmove(&m->line[at], &m->line[at + 1], (m->count - at) * sizeof(m->line[0]));
}

static void model_expire(struct model *m, tg_us now)
{
    for (size_t i = m->count; i > 0; i--) {
        if (m->line[i - 1].until_s <= now / TG_US_PER_S)
            model_remove(m, i - 1);
    }
}

static void model_check(const struct model *m, const struct tg_waiting *w)
{
    assert_int_equal(tg_waiting_count(w), m->count);
    for (size_t i = 0; i < m->count; i++) {
        uint64_t place = 0;

        assert_true(tg_waiting_find(w, m->line[i].ticket, &place));
        assert_int_equal(place, m->line[i].place);
        assert_int_equal(tg_waiting_position(w, place), i + 1);
    }
}

static void seen(struct model *m, struct tg_waiting *w, struct tg_rng *rng, tg_us now, size_t at)
{
    const unsigned retry = 1 + (unsigned)tg_rng_below(rng, 40);

    tg_waiting_seen(w, now, m->line[at].place, retry);
    m->line[at].until_s = now / TG_US_PER_S + 1 + 3 * (int64_t)retry;
}

static void push(struct model *m, struct tg_waiting *w, struct tg_rng *rng, tg_us now)
{
    char ticket[TG_RTC_TICKET_SIZE];
    uint64_t place;

    /* The room may also refuse because its first and last are far apart. */
    if (!tg_waiting_push(w, rng, ticket, &place)) {
        assert_true(m->count == MODEL_MAX || m->count > 0);
        return;
    }
    assert_true(m->count < MODEL_MAX);
    memcpy(m->line[m->count].ticket, ticket, sizeof(ticket));
    m->line[m->count++].place = place;
    seen(m, w, rng, now, m->count - 1);
}

/* Out and, half of the time, back to the same place. */
static void leave(struct model *m, struct tg_waiting *w, struct tg_rng *rng, tg_us now, size_t at)
{
    const uint64_t place = m->line[at].place;
    uint64_t found;

    tg_waiting_remove(w, place);
    assert_false(tg_waiting_find(w, m->line[at].ticket, &found));
    if (tg_rng_below(rng, 2) == 0) {
        assert_true(tg_waiting_restore(w, place));
        seen(m, w, rng, now, at);
    } else {
        model_remove(m, at);
    }
}

static void test_waiting_is_a_plain_list(void **state)
{
    static struct model m;

    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct tg_rng rng = tg_rng_seeded(seed);
        struct tg_waiting *w = NULL;
        tg_us now = (tg_us)tg_rng_below(&rng, 1000 * (uint64_t)TG_US_PER_S);

        m.count = 0;
        assert_int_equal(tg_waiting_new(&w, MODEL_MAX), TG_OK);
        for (int step = 0; step < 4000; step++) {
            const uint64_t what = tg_rng_below(&rng, 100);

            now += (tg_us)tg_rng_below(&rng, what == 0 ? 200000000 : 300000);
            tg_waiting_expire(w, now);
            model_expire(&m, now);
            if (what < 55 || m.count == 0)
                push(&m, w, &rng, now);
            else if (what < 80)
                seen(&m, w, &rng, now, (size_t)tg_rng_below(&rng, m.count));
            else
                leave(&m, w, &rng, now, (size_t)tg_rng_below(&rng, m.count));
            if (step % 16 == 0)
                model_check(&m, w);
        }
        model_check(&m, w);
        tg_waiting_free(w);
    }
}

/* A place whose slot has another owner cannot come back; a lone first one bounds the line. */
static void test_waiting_line_spans_one_ring(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_waiting *w = NULL;
    char ticket[TG_RTC_TICKET_SIZE];
    uint64_t first = 0;
    uint64_t place = 0;

    (void)state;
    assert_int_equal(tg_waiting_new(&w, 4), TG_OK);
    assert_true(tg_waiting_push(w, &rng, ticket, &first));
    tg_waiting_seen(w, 0, first, 1);
    for (int i = 0; i < 3; i++) {
        assert_true(tg_waiting_push(w, &rng, ticket, &place));
        tg_waiting_remove(w, place);
    }
    assert_int_equal(tg_waiting_count(w), 1);
    assert_false(tg_waiting_push(w, &rng, ticket, &place));
    tg_waiting_remove(w, first);
    assert_true(tg_waiting_push(w, &rng, ticket, &place));
    assert_false(tg_waiting_restore(w, first));
    assert_int_equal(tg_waiting_position(w, place), 1);
    tg_waiting_free(w);
}

static void test_admission_survives_every_failed_allocation(void **state)
{
    const struct tg_admission_cfg cfg = {.workers = 1, .waiting_max = 10};
    const struct tg_admission_cfg bad[] = {
        {.workers = 0}, {.workers = 65}, {.workers = 1, .waiting_max = TG_WAITING_MAX + 1}};
    struct tg_admission *a = NULL;
    tg_err err = TG_ERR_NOMEM;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bad); i++)
        assert_int_equal(tg_admission_new(&a, &bad[i]), TG_ERR_LIMIT);
    for (long n = 0; err != TG_OK; n++) {
        tg_alloc_fail_nth(n);
        err = tg_admission_new(&a, &cfg);
        tg_alloc_fail_nth(-1);
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
        assert_true(n < 10);
    }
    tg_admission_free(a);
    tg_admission_free(NULL);
    tg_waiting_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admission_without_limits_takes_everybody),
        cmocka_unit_test(test_admission_herd_takes_exactly_what_fits),
        cmocka_unit_test(test_admission_promise_becomes_measure),
        cmocka_unit_test(test_admission_above_soft_mark_starts_on_lowest_layer),
        cmocka_unit_test(test_admission_lifts_those_who_started_low),
        cmocka_unit_test(test_admission_by_cpu_of_the_worker),
        cmocka_unit_test(test_admission_herd_is_bounded_by_cpu),
        cmocka_unit_test(test_admission_slate_is_not_what_the_show_costs),
        cmocka_unit_test(test_admission_first_burst_is_no_peak),
        cmocka_unit_test(test_admission_quiet_picture_keeps_the_peak),
        cmocka_unit_test(test_admission_staff_comes_in_and_counts),
        cmocka_unit_test(test_admission_nobody_overtakes),
        cmocka_unit_test(test_admission_room_for_two_admits_the_second),
        cmocka_unit_test(test_admission_full_waiting_room_says_so),
        cmocka_unit_test(test_admission_who_does_not_come_back_loses_the_place),
        cmocka_unit_test(test_admission_line_that_all_left_empties_by_itself),
        cmocka_unit_test(test_admission_retry_grows_with_the_position),
        cmocka_unit_test(test_admission_foreign_tickets_are_newcomers),
        cmocka_unit_test(test_admission_undo_gives_the_place_back),
        cmocka_unit_test(test_waiting_is_a_plain_list),
        cmocka_unit_test(test_waiting_line_spans_one_ring),
        cmocka_unit_test(test_admission_survives_every_failed_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
