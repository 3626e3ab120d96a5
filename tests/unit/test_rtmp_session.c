/*
 * test_rtmp_session.c - the publish dialogue: by hand, and as ffmpeg 5.1 really speaks it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "proto/amf.h"
#include "proto/flv.h"
#include "proto/rtmp_chunk.h"
#include "proto/rtmp_handshake.h"
#include "proto/rtmp_session.h"

/* Both ends of one dialogue: what the client says is collected, then fed. */
struct talk {
    struct tg_rng rng;
    struct tg_rtmp_session *s;
    struct tg_rtmp_reader answers;
    struct tg_buf say;
    size_t greeted; /* bytes of S0 S1 S2 taken off */
};

static void talk_init(struct talk *t)
{
    memset(t, 0, sizeof(*t));
    t->rng = tg_rng_seeded(1);
    assert_int_equal(tg_rtmp_session_new(&t->s, &t->rng), TG_OK);
    tg_rtmp_reader_init(&t->answers);
    tg_buf_init(&t->say, 1 << 20);
}

static void talk_done(struct talk *t)
{
    tg_rtmp_session_free(t->s);
    tg_rtmp_reader_done(&t->answers);
    tg_buf_done(&t->say);
}

static tg_err feed(struct talk *t, struct tg_rtmp_event *ret)
{
    tg_err err;

    tg_rtmp_session_input(t->s, t->say.data, t->say.len);
    err = tg_rtmp_session_next(t->s, ret);
    if (err == TG_ERR_AGAIN)
        tg_buf_clear(&t->say);
    return err;
}

static void say_hello(struct talk *t)
{
    uint8_t hello[1 + 2 * TG_RTMP_HELLO_LEN] = {3};

    tg_buf_add(&t->say, hello, sizeof(hello));
}

static void say(struct talk *t, uint8_t type, uint32_t timestamp, const struct tg_wr *w)
{
    struct tg_rtmp_msg msg = {.csid = 3,
                              .type = type,
                              .stream_id = 1,
                              .timestamp = timestamp,
                              .payload = tg_span(w->start, tg_wr_len(w))};

    tg_rtmp_write(&t->say, &msg, TG_RTMP_CHUNK_SIZE_DEFAULT);
    assert_int_equal(t->say.err, TG_OK);
}

static void say_command(struct talk *t, const char *name, double txn, const char *arg)
{
    uint8_t bytes[512];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_amf_write_str(&w, name);
    tg_amf_write_number(&w, txn);
    if (strcmp(name, "connect") == 0) {
        tg_amf_write_object(&w);
        tg_amf_write_key(&w, "app");
        tg_amf_write_str(&w, arg);
        tg_amf_write_end(&w);
    } else {
        tg_amf_write_null(&w);
        if (arg != NULL)
            tg_amf_write_str(&w, arg);
    }
    say(t, TG_RTMP_COMMAND_AMF0, 0, &w);
}

/* The next message of the server; false = none. */
static bool answer(struct talk *t, struct tg_rtmp_msg *ret)
{
    struct tg_buf *out = tg_rtmp_session_output(t->s);
    struct tg_rd in;
    tg_err err;

    while (t->greeted < 1 + 2 * TG_RTMP_HELLO_LEN && out->len > 0) {
        size_t take = TG_MIN(out->len, 1 + 2 * TG_RTMP_HELLO_LEN - t->greeted);

        t->greeted += take;
        tg_buf_consume(out, take);
    }
    in = tg_rd(out->data, out->len);
    err = tg_rtmp_reader_next(&t->answers, &in, ret);
    tg_buf_consume(out, out->len - tg_rd_left(&in));
    assert_true(err == TG_OK || err == TG_ERR_AGAIN);
    return err == TG_OK;
}

/* Skips to the server's next command; its code (onStatus, _result of connect) must be this one. */
static void expect_code(struct talk *t, const char *name, const char *code)
{
    struct tg_rtmp_msg msg;
    struct tg_amf_rd r;
    struct tg_amf_token token;
    bool found = false;

    do
        assert_true(answer(t, &msg));
    while (msg.type != TG_RTMP_COMMAND_AMF0);
    r = tg_amf_rd(msg.payload.data, msg.payload.len);
    assert_int_equal(tg_amf_next(&r, &token), TG_OK);
    assert_true(tg_amf_text_is(&token, name));
    while (tg_amf_next(&r, &token) == TG_OK)
        found = found || (tg_amf_key_is(&token, "code") && tg_amf_text_is(&token, code));
    assert_true(found);
}

static void reach_publish(struct talk *t, struct tg_rtmp_event *ret)
{
    talk_init(t);
    say_hello(t);
    say_command(t, "connect", 1, "live/");
    say_command(t, "releaseStream", 2, "demo");
    say_command(t, "FCPublish", 3, "demo");
    say_command(t, "createStream", 4, NULL);
    say_command(t, "publish", 5, "demo?key=tg_x");
    assert_int_equal(feed(t, ret), TG_OK);
    assert_int_equal(ret->kind, TG_RTMP_EV_PUBLISH);
}

static void test_session_publish_dialogue(void **state)
{
    struct tg_rtmp_event ev;
    struct tg_rtmp_msg msg;
    struct talk t;

    (void)state;
    reach_publish(&t, &ev);
    assert_string_equal(ev.app, "live");
    assert_string_equal(ev.key, "demo?key=tg_x");
    assert_int_equal(tg_rtmp_session_phase(t.s), TG_RTMP_ASKED);
    assert_int_equal(tg_rtmp_session_accept(t.s), TG_OK);
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_ERR_AGAIN);
    assert_true(answer(&t, &msg));
    assert_int_equal(msg.type, TG_RTMP_WINDOW_ACK_SIZE);
    assert_true(answer(&t, &msg));
    assert_int_equal(msg.type, TG_RTMP_SET_PEER_BANDWIDTH);
    expect_code(&t, "_result", "NetConnection.Connect.Success");
    assert_true(answer(&t, &msg)); /* createStream's _result */
    assert_true(answer(&t, &msg));
    assert_int_equal(msg.type, TG_RTMP_USER_CONTROL);
    expect_code(&t, "onStatus", "NetStream.Publish.Start");
    assert_false(answer(&t, &msg));
    talk_done(&t);
}

static void test_session_media_and_end_after_accept(void **state)
{
    uint8_t tag[] = {0x17, 0, 0, 0, 0, 1};
    struct tg_wr w = tg_wr(tag, sizeof(tag));
    struct tg_rtmp_event ev;
    struct talk t;

    (void)state;
    (void)tg_wr_skip(&w, sizeof(tag));
    reach_publish(&t, &ev);
    assert_int_equal(tg_rtmp_session_accept(t.s), TG_OK);
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_ERR_AGAIN);
    tg_buf_clear(&t.say);
    say(&t, TG_RTMP_VIDEO, 40, &w);
    say(&t, TG_RTMP_AUDIO, 50, &w);
    say_command(&t, "FCUnpublish", 6, "demo");
    assert_int_equal(feed(&t, &ev), TG_OK);
    assert_int_equal(ev.kind, TG_RTMP_EV_VIDEO);
    assert_int_equal(ev.timestamp, 40);
    assert_memory_equal(ev.body.data, tag, sizeof(tag));
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_OK);
    assert_int_equal(ev.kind, TG_RTMP_EV_AUDIO);
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_OK);
    assert_int_equal(ev.kind, TG_RTMP_EV_CLOSED);
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_ERR_AGAIN);
    talk_done(&t);
}

static void test_session_metadata_is_bounded(void **state)
{
    uint8_t bytes[512];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));
    struct tg_rtmp_event ev;
    struct talk t;

    (void)state;
    reach_publish(&t, &ev);
    assert_int_equal(tg_rtmp_session_accept(t.s), TG_OK);
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_ERR_AGAIN);
    tg_buf_clear(&t.say);
    tg_amf_write_str(&w, "@setDataFrame");
    tg_amf_write_str(&w, "onMetaData");
    tg_amf_write_ecma_array(&w, 4);
    tg_amf_write_key(&w, "width");
    tg_amf_write_number(&w, 1280);
    tg_amf_write_key(&w, "framerate");
    tg_amf_write_number(&w, 29.97);
    tg_amf_write_key(&w, "height");
    tg_amf_write_number(&w, -1e300);
    tg_amf_write_key(&w, "encoder");
    tg_amf_write_str(&w, "obs \x1b[31m");
    tg_amf_write_end(&w);
    say(&t, TG_RTMP_DATA_AMF0, 0, &w);
    assert_int_equal(feed(&t, &ev), TG_OK);
    assert_int_equal(ev.kind, TG_RTMP_EV_META);
    assert_int_equal(ev.meta->width, 1280);
    assert_int_equal(ev.meta->height, 0);
    assert_int_equal(ev.meta->fps_milli, 29970);
    assert_string_equal(ev.meta->encoder, ""); /* control characters */
    talk_done(&t);
}

static void test_session_refusal_tells_why(void **state)
{
    struct tg_rtmp_event ev;
    struct talk t;

    (void)state;
    reach_publish(&t, &ev);
    tg_rtmp_session_refuse(t.s, TG_RTMP_BAD_NAME, "Wrong key.");
    assert_int_equal(tg_rtmp_session_next(t.s, &ev), TG_ERR_AGAIN);
    expect_code(&t, "_result", "NetConnection.Connect.Success");
    {
        struct tg_rtmp_msg msg;
        struct tg_amf_rd r;
        struct tg_amf_token token;
        bool told = false;

        assert_true(answer(&t, &msg)); /* createStream */
        assert_true(answer(&t, &msg));
        r = tg_amf_rd(msg.payload.data, msg.payload.len);
        while (tg_amf_next(&r, &token) == TG_OK)
            told = told || tg_amf_text_is(&token, "Wrong key.");
        assert_true(told);
    }
    talk_done(&t);
}

static void test_session_ping_and_acknowledgement(void **state)
{
    uint8_t ping[] = {0, 6, 1, 2, 3, 4};
    uint8_t window[] = {0, 0, 0x10, 0};
    struct tg_wr w = tg_wr(ping, sizeof(ping));
    struct tg_wr w2 = tg_wr(window, sizeof(window));
    static uint8_t tag[5000];
    struct tg_wr w3 = tg_wr(tag, sizeof(tag));
    struct tg_rtmp_event ev;
    struct tg_rtmp_msg msg;
    struct talk t;

    (void)state;
    (void)tg_wr_skip(&w, sizeof(ping));
    (void)tg_wr_skip(&w2, sizeof(window));
    (void)tg_wr_skip(&w3, sizeof(tag));
    talk_init(&t);
    say_hello(&t);
    say(&t, TG_RTMP_USER_CONTROL, 0, &w);
    say(&t, TG_RTMP_WINDOW_ACK_SIZE, 0, &w2);
    say(&t, TG_RTMP_VIDEO, 0, &w3); /* before publish: counted, not given out */
    assert_int_equal(feed(&t, &ev), TG_ERR_AGAIN);
    assert_true(answer(&t, &msg));
    assert_int_equal(msg.type, TG_RTMP_USER_CONTROL);
    assert_memory_equal(msg.payload.data, ((const uint8_t[]){0, 7, 1, 2, 3, 4}), 6);
    assert_true(answer(&t, &msg));
    assert_int_equal(msg.type, TG_RTMP_ACK);
    talk_done(&t);
}

static void expect_bad(const char *name, const char *arg, tg_err want)
{
    struct tg_rtmp_event ev;
    struct talk t;

    talk_init(&t);
    say_hello(&t);
    if (strcmp(name, "publish") != 0 || arg == NULL)
        say_command(&t, "connect", 1, "live");
    say_command(&t, name, 2, arg);
    assert_int_equal(feed(&t, &ev), want);
    assert_int_equal(tg_rtmp_session_phase(t.s), TG_RTMP_OVER);
    talk_done(&t);
}

static void test_session_bad_dialogues_end(void **state)
{
    uint8_t http[] = "GET / HTTP/1.1\r\n\r\n";
    struct tg_rtmp_event ev;
    struct talk t;

    (void)state;
    talk_init(&t);
    tg_buf_add(&t.say, http, sizeof(http));
    assert_int_equal(feed(&t, &ev), TG_ERR_UNSUPPORTED);
    talk_done(&t);
    expect_bad("publish", "x", TG_ERR_MALFORMED);  /* before connect */
    expect_bad("publish", NULL, TG_ERR_MALFORMED); /* without a name */
    expect_bad("connect", "twice", TG_ERR_MALFORMED);
    expect_bad("play", "demo", TG_ERR_UNSUPPORTED);
}

/* tests/fuzz/corpus: one mode byte, then what ffmpeg 5.1.9 sent (testsrc2 and sine, 1.5 s). */
static size_t load_capture(uint8_t *out, size_t size)
{
    static const char here[] = __FILE__;
    char path[1024];
    FILE *file;
    size_t len;

    (void)snprintf(path, sizeof(path), "%.*s/../fuzz/corpus/rtmp_session/ffmpeg",
                   (int)(strrchr(here, '/') - here), here);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(out, 1, size, file);
    (void)fclose(file);
    assert_in_range(len, 10000, size - 1);
    return len;
}

static void test_session_takes_what_ffmpeg_sends_in_any_pieces(void **state)
{
    static uint8_t bytes[65536];
    size_t len = load_capture(bytes, sizeof(bytes));

    (void)state;
    for (size_t piece = 1; piece < 5000; piece = piece * 3 + 1) {
        unsigned counts[TG_RTMP_EV_CLOSED + 1] = {0};
        unsigned keys = 0;
        struct talk t;

        talk_init(&t);
        for (size_t at = 1; at < len; at += piece) {
            struct tg_rtmp_event ev;
            tg_err err;

            tg_rtmp_session_input(t.s, bytes + at, TG_MIN(piece, len - at));
            while ((err = tg_rtmp_session_next(t.s, &ev)) == TG_OK) {
                struct tg_flv_video v;
                const char *reason = NULL;

                counts[ev.kind]++;
                if (ev.kind == TG_RTMP_EV_PUBLISH)
                    assert_int_equal(tg_rtmp_session_accept(t.s), TG_OK);
                if (ev.kind == TG_RTMP_EV_VIDEO) {
                    assert_int_equal(tg_flv_video_parse(&v, ev.body, &reason), TG_OK);
                    keys += v.key && v.what == TG_FLV_FRAME;
                }
            }
            assert_int_equal(err, TG_ERR_AGAIN);
        }
        assert_int_equal(counts[TG_RTMP_EV_PUBLISH], 1);
        assert_int_equal(counts[TG_RTMP_EV_META], 1);
        assert_in_range(counts[TG_RTMP_EV_VIDEO], 23, 25); /* 15/s for 1.5 s, set-up, end */
        assert_in_range(counts[TG_RTMP_EV_AUDIO], 60, 70);
        assert_int_equal(keys, 2);
        assert_int_equal(counts[TG_RTMP_EV_CLOSED], 1);
        talk_done(&t);
    }
}

static void test_session_out_of_memory_is_nomem(void **state)
{
    static uint8_t bytes[65536];
    size_t len = load_capture(bytes, sizeof(bytes));
    long nth = 0;
    bool failed;

    (void)state;
    do {
        struct tg_rng rng = tg_rng_seeded(1);
        struct tg_rtmp_session *s = NULL;
        struct tg_rtmp_event ev;
        tg_err err;

        tg_alloc_fail_nth(nth++);
        err = tg_rtmp_session_new(&s, &rng);
        if (err == TG_OK) {
            tg_rtmp_session_input(s, bytes + 1, len - 1);
            while ((err = tg_rtmp_session_next(s, &ev)) == TG_OK) {
                if (ev.kind != TG_RTMP_EV_PUBLISH)
                    continue;
                err = tg_rtmp_session_accept(s);
                if (err != TG_OK)
                    break;
            }
        }
        failed = tg_alloc_failed();
        tg_alloc_fail_nth(-1);
        assert_int_equal(err, failed ? TG_ERR_NOMEM : TG_ERR_AGAIN);
        tg_rtmp_session_free(s);
    } while (failed);
    assert_true(nth > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_publish_dialogue),
        cmocka_unit_test(test_session_media_and_end_after_accept),
        cmocka_unit_test(test_session_metadata_is_bounded),
        cmocka_unit_test(test_session_refusal_tells_why),
        cmocka_unit_test(test_session_ping_and_acknowledgement),
        cmocka_unit_test(test_session_bad_dialogues_end),
        cmocka_unit_test(test_session_takes_what_ffmpeg_sends_in_any_pieces),
        cmocka_unit_test(test_session_out_of_memory_is_nomem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
