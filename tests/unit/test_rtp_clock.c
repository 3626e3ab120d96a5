/*
 * test_rtp_clock.c - RTP times on the media clock: reports, drift, jitter, wrap, cuts, restarts.
 *
 * A model publisher: true capture time t gives RTP times with random bases, reports carry the
 * publisher's own wall clock, a path adds delay and jitter. What comes out is compared with t.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "ingest/rtp_clock.h"

#define MS (tg_us) TG_US_PER_MS
#define S (tg_us) TG_US_PER_S
#define A TG_RECEIVER_AUDIO
#define NEVER INT64_MAX

struct model {
    struct tg_rtp_clock clock;
    struct tg_rng rng;
    uint32_t base[TG_RECEIVER_STREAMS];
    tg_us now;
    tg_us wall;     /* the publisher's wall clock when t = 0 */
    double rate;    /* of its clocks: 1.0001 = 100 ppm fast */
    tg_us delay;    /* one way */
    tg_us jitter;   /* up to this much more */
    tg_us extra[2]; /* of video, of audio: encoder, pacing */
    tg_us out[TG_RECEIVER_STREAMS];
    tg_us worst[2]; /* |out - t| of video, of audio */
    tg_us lip;      /* worst difference of the two errors */
    tg_us error[2];
    tg_us audio_step_min;
    tg_us audio_step_max;
    bool reports;
};

static void model_new(struct model *m, uint64_t seed)
{
    *m = (struct model){.rng = tg_rng_seeded(seed),
                        .wall = 1790000000 * S,
                        .rate = 1,
                        .delay = 25 * MS,
                        .audio_step_min = NEVER,
                        .reports = true};
    tg_rtp_clock_init(&m->clock);
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++) {
        m->base[i] = tg_rng_u32(&m->rng);
        m->out[i] = -1;
    }
}

static uint32_t rtp_of(const struct model *m, unsigned stream, tg_us t)
{
    double own = (double)t * m->rate;
    double ticks = stream == A ? own * 0.048 : own * 0.09;

    return m->base[stream] + (uint32_t)(int64_t)ticks;
}

static uint64_t ntp_of(const struct model *m, tg_us t)
{
    uint64_t us = (uint64_t)(m->wall + (tg_us)((double)t * m->rate));

    return ((us / TG_US_PER_S + 2208988800U) << 32) | (((us % TG_US_PER_S) << 32) / TG_US_PER_S);
}

static tg_us path(struct model *m)
{
    return m->delay + (m->jitter > 0 ? (tg_us)tg_rng_below(&m->rng, (uint32_t)m->jitter) : 0);
}

static void model_frame(struct model *m, unsigned stream, tg_us t)
{
    unsigned track = stream == A ? 1 : 0;
    tg_us arrival = t + m->extra[track] + path(m);
    tg_us out;

    m->now = TG_MAX(m->now, arrival);
    out = tg_rtp_clock_frame(&m->clock, stream, rtp_of(m, stream, t), arrival, m->now);

    assert_true(out > m->out[stream]);
    assert_true(out <= TG_MAX(m->now, m->out[stream] + TG_RTP_CLOCK_STEP_US));
    if (track == 1 && m->out[stream] >= 0) {
        m->audio_step_min = TG_MIN(m->audio_step_min, out - m->out[stream]);
        m->audio_step_max = TG_MAX(m->audio_step_max, out - m->out[stream]);
    }
    m->out[stream] = out;
    m->error[track] = out - t;
    m->worst[track] = TG_MAX(m->worst[track], llabs(out - t));
    m->lip = TG_MAX(m->lip, llabs(m->error[0] - m->error[1]));
}

static void model_report(struct model *m, unsigned stream, tg_us t)
{
    tg_rtp_clock_report(&m->clock, stream, rtp_of(m, stream, t), ntp_of(m, t), t + path(m),
                        2 * m->delay);
}

/* Video of 30 fps, audio of 20 ms, reports every second and every five, as Chromium. */
static void model_run(struct model *m, tg_us from, tg_us to)
{
    for (tg_us t = from; t < to; t += 10 * MS) {
        if (m->reports && t % S == 0)
            model_report(m, 0, t);
        if (m->reports && t % (5 * S) == 0)
            model_report(m, A, t);
        if (t % (30 * MS) == 0)
            model_frame(m, 0, t);
        if (t % (20 * MS) == 0)
            model_frame(m, A, t);
    }
}

static void model_forget(struct model *m)
{
    m->worst[0] = m->worst[1] = m->lip = m->audio_step_max = 0;
    m->audio_step_min = NEVER;
}

static void test_rtp_clock_without_reports_is_arrival_less_a_constant(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 1);
    m.reports = false;
    model_run(&m, 1 * S, 5 * S);
    assert_int_equal(m.error[0], m.delay - TG_RTP_CLOCK_CAMERA_US);
    assert_int_equal(m.audio_step_min, 20 * MS);
    assert_int_equal(m.audio_step_max, 20 * MS);
    assert_int_equal(m.clock.jumps, 0);
}

static void test_rtp_clock_reports_give_capture_time_and_lip_sync(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 2);
    m.extra[0] = 120 * MS; /* a slow video encoder: arrival alone would be off by it */
    m.extra[1] = 5 * MS;
    model_run(&m, 0, 5 * S);
    model_forget(&m);
    model_run(&m, 5 * S, 20 * S);
    assert_in_range(m.worst[0], 0, 2 * MS);
    assert_in_range(m.worst[1], 0, 2 * MS);
    assert_int_equal(m.audio_step_min, 20 * MS);
    assert_int_equal(m.audio_step_max, 20 * MS);
}

static void test_rtp_clock_first_report_slews_video_and_jumps_audio_once(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 3);
    m.extra[0] = 120 * MS;
    m.extra[1] = 60 * MS;
    m.reports = false;
    model_run(&m, 0, 2 * S);
    assert_int_equal(m.error[0], 105 * MS);
    m.reports = true;
    model_forget(&m);
    model_run(&m, 2 * S, 3 * S);                   /* only video has a report yet */
    assert_in_range(m.error[0], 50 * MS, 60 * MS); /* 5 % of a second nearer */
    model_run(&m, 3 * S, 10 * S);
    assert_in_range(llabs(m.error[0]), 0, 2 * MS);
    assert_in_range(llabs(m.error[1]), 0, 2 * MS);
    assert_int_equal(m.clock.jumps, 1);
}

static void test_rtp_clock_drift_and_jitter_keep_lip_sync(void **state)
{
    struct model m;

    (void)state;
    for (uint64_t seed = 10; seed < 14; seed++) {
        model_new(&m, seed);
        m.rate = seed % 2 == 0 ? 1.0003 : 0.9997;
        m.jitter = 60 * MS;
        m.extra[0] = 30 * MS;
        model_run(&m, 0, 10 * S);
        model_forget(&m);
        model_run(&m, 10 * S, 600 * S); /* 180 ms of drift: several re-anchors of audio */
        assert_in_range(m.worst[0], 0, 60 * MS);
        assert_in_range(m.worst[1], 0, 70 * MS);
        assert_in_range(m.lip, 0, 20 * MS);
        assert_in_range(m.clock.jumps, 2, 12);
    }
}

static void test_rtp_clock_wraps_without_a_jump(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 20);
    m.base[0] = UINT32_MAX - 90000 * 7;
    m.base[A] = UINT32_MAX - 48000 * 8;
    model_run(&m, 0, 12 * S);
    assert_in_range(m.worst[0], 0, 20 * MS);
    assert_int_equal(m.clock.jumps, 0);
}

/* The line is gone for 20 s, RTP time goes on: what comes then is dated right at once. */
static void test_rtp_clock_line_cut_needs_no_jump(void **state)
{
    struct model m;

    (void)state;
    for (int reports = 0; reports < 2; reports++) {
        model_new(&m, 30);
        m.reports = reports == 1;
        m.base[A] = UINT32_MAX - 48000 * 12;
        model_run(&m, 0, 10 * S);
        model_forget(&m);
        model_run(&m, 30 * S, 40 * S);
        assert_in_range(m.worst[0], 0, 20 * MS);
        assert_in_range(m.worst[1], 0, 20 * MS);
        assert_int_equal(m.clock.jumps, 0);
    }
}

/* A camera that was off for eight hours: longer than half of RTP time's range. */
static void test_rtp_clock_very_long_pause_is_a_new_line(void **state)
{
    struct model m;
    const tg_us later = 8 * 3600 * S;

    (void)state;
    model_new(&m, 31);
    model_run(&m, 0, 3 * S);
    model_run(&m, later, later + 3 * S);
    model_forget(&m);
    model_run(&m, later + 3 * S, later + 6 * S);
    assert_in_range(m.worst[0], 0, 20 * MS);
    assert_in_range(m.worst[1], 0, 20 * MS);
}

static void test_rtp_clock_encoder_restart_begins_at_arrival(void **state)
{
    struct model m;

    (void)state;
    for (int forward = 0; forward < 2; forward++) {
        model_new(&m, 40);
        model_run(&m, 0, 10 * S);
        m.base[0] += forward == 1 ? 90000 * 400U : 0U - 90000 * 400U;
        model_forget(&m);
        model_frame(&m, 0, 10 * S + 1 * MS);
        assert_in_range(m.worst[0], 0, TG_RTP_CLOCK_CAMERA_US);
        model_run(&m, 10 * S + 30 * MS, 16 * S);
        assert_in_range(m.worst[0], 0, TG_RTP_CLOCK_CAMERA_US);
        assert_in_range(llabs(m.error[0]), 0, 2 * MS);
    }
}

static void test_rtp_clock_paused_encoder_jumps_to_now(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 41);
    m.reports = false;
    model_run(&m, 0, 10 * S);
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++) /* its RTP time stood still for 5 s */
        m.base[i] -= i == A ? 48000 * 5 : 90000 * 5;
    model_run(&m, 15 * S, 20 * S);
    assert_in_range(llabs(m.error[0]), 0, 20 * MS);
    assert_in_range(llabs(m.error[1]), 0, 20 * MS);
}

static void test_rtp_clock_publishers_wall_clock_may_be_set(void **state)
{
    static const tg_us by[] = {3600 * S, -3600 * S, 2 * S, -2 * S};
    struct model m;

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(by); i++) {
        model_new(&m, 50);
        model_run(&m, 0, 12 * S);
        m.wall += by[i];
        model_forget(&m);
        model_run(&m, 12 * S, 40 * S);
        assert_in_range(m.worst[0], 0, TG_RTP_CLOCK_CAMERA_US);
        assert_in_range(m.worst[1], 0, TG_RTP_CLOCK_CAMERA_US);
    }
}

/* Two seconds of bufferbloat: reports and frames late, capture time as before. */
static void test_rtp_clock_late_reports_move_nothing(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 51);
    model_run(&m, 0, 12 * S);
    m.extra[0] = m.extra[1] = 2 * S;
    model_forget(&m);
    for (tg_us t = 12 * S; t < 17 * S; t += 30 * MS) {
        model_frame(&m, 0, t);
        if (t % S == 0)
            tg_rtp_clock_report(&m.clock, 0, rtp_of(&m, 0, t), ntp_of(&m, t), t + 2 * S, 4 * S);
    }
    assert_in_range(m.worst[0], 0, 2 * MS);
}

/* GStreamer's webrtcbin: the RTP time of its reports runs ahead by all the time it has run. */
static void test_rtp_clock_reports_that_run_ahead_are_not_believed(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 52);
    m.reports = false;
    for (tg_us t = 0; t < 20 * S; t += 20 * MS) {
        model_frame(&m, 0, t);
        model_frame(&m, A, t);
        if (t % S == 500 * MS) /* the first one is near enough to be taken */
            for (unsigned track = 0; track < 2; track++)
                tg_rtp_clock_report(&m.clock, track * A, rtp_of(&m, track * A, 2 * t),
                                    ntp_of(&m, t), t + m.delay, 2 * m.delay);
    }
    assert_in_range(llabs(m.error[0]), 0, TG_RTP_CLOCK_CAMERA_US);
    assert_in_range(llabs(m.error[1]), 0, TG_RTP_CLOCK_CAMERA_US);
}

static void test_rtp_clock_simulcast_layers_share_one_line(void **state)
{
    struct model m;

    (void)state;
    model_new(&m, 60);
    for (tg_us t = 0; t < 10 * S; t += 40 * MS) {
        for (unsigned e = 0; e < 3; e++) {
            if (t % S == 0)
                model_report(&m, e, t);
            m.extra[0] = (tg_us)e * 15 * MS;
            model_frame(&m, e, t);
        }
        if (t > 3 * S)
            assert_true(llabs(m.out[0] - m.out[2]) < 2 * MS && llabs(m.out[0] - m.out[1]) < 2 * MS);
    }
}

static void test_rtp_clock_same_rtp_time_is_the_same_time(void **state)
{
    struct tg_rtp_clock c;
    tg_us out;

    (void)state;
    tg_rtp_clock_init(&c);
    out = tg_rtp_clock_frame(&c, 0, 1000, 500 * MS, 500 * MS);
    assert_int_equal(tg_rtp_clock_frame(&c, 0, 1000, 510 * MS, 510 * MS), out);
    tg_rtp_clock_report(&c, 0, 1000, 0, 520 * MS, -1); /* no clock: ignored */
    assert_int_equal(c.ntp_reports, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rtp_clock_without_reports_is_arrival_less_a_constant),
        cmocka_unit_test(test_rtp_clock_reports_give_capture_time_and_lip_sync),
        cmocka_unit_test(test_rtp_clock_first_report_slews_video_and_jumps_audio_once),
        cmocka_unit_test(test_rtp_clock_drift_and_jitter_keep_lip_sync),
        cmocka_unit_test(test_rtp_clock_wraps_without_a_jump),
        cmocka_unit_test(test_rtp_clock_line_cut_needs_no_jump),
        cmocka_unit_test(test_rtp_clock_very_long_pause_is_a_new_line),
        cmocka_unit_test(test_rtp_clock_encoder_restart_begins_at_arrival),
        cmocka_unit_test(test_rtp_clock_paused_encoder_jumps_to_now),
        cmocka_unit_test(test_rtp_clock_publishers_wall_clock_may_be_set),
        cmocka_unit_test(test_rtp_clock_late_reports_move_nothing),
        cmocka_unit_test(test_rtp_clock_reports_that_run_ahead_are_not_believed),
        cmocka_unit_test(test_rtp_clock_simulcast_layers_share_one_line),
        cmocka_unit_test(test_rtp_clock_same_rtp_time_is_the_same_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
