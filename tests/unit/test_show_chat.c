/*
 * test_show_chat.c - the chat of a show: numbering, hygiene, rates, display sample, moderation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "show/people.h"
#include "show/replies.h"
#include "show/show.h"

static struct tg_show *show;
static tg_us now;
static char outs[16][8192];
static enum tg_show_out_kind kinds[16];
static size_t out_count;
static int op_count;
static const struct tg_show_person host = {
    .id = "s1", .name = "Host", .roles_json = "[\"host\"]", .staff = true};
static const struct tg_show_person kari = {
    .id = "pA", .name = "Kari", .roles_json = "[\"viewer\"]", .staff = false};
static const struct tg_show_person ola = {
    .id = "pB", .name = "", .roles_json = "[\"viewer\"]", .staff = false};

static bool sku_known(void *ctx, const char *sku)
{
    (void)ctx;
    (void)sku;
    return true;
}

static int setup_with(int64_t slow_ms, int64_t shown_per_s)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_show_cfg cfg = tg_show_cfg_default();

    now = 1000000;
    op_count = 0;
    cfg.id = "demo";
    cfg.title = "Demo";
    cfg.rng = &rng;
    cfg.slow_ms = slow_ms;
    cfg.shown_per_s = shown_per_s;
    cfg.sku_known = sku_known;
    return tg_show_new(&show, &cfg) == TG_OK ? 0 : -1;
}

static int setup(void **state)
{
    (void)state;
    return setup_with(0, 20);
}

static int teardown(void **state)
{
    (void)state;
    tg_show_free(show);
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
    assert_true(out_count > 0);
}

static void say_id(const struct tg_show_person *who, const char *id, const char *text,
                   const char *reply_to)
{
    const struct tg_show_req rq = {.now = now, .who = who, .id = id};

    drain(tg_show_chat(show, &rq, text, reply_to));
}

/* A new line; its outputs are in outs, the reply last. */
static const char *say(const struct tg_show_person *who, const char *text)
{
    char id[16];

    (void)snprintf(id, sizeof(id), "o%d", op_count++);
    say_id(who, id, text, "");
    return outs[out_count - 1];
}

static void mute(const char *id, const char *person, int32_t seconds)
{
    const struct tg_show_req rq = {.now = now, .who = &host, .id = id};

    drain(tg_show_mute(show, &rq, person, seconds));
}

static const char *recent_of(const struct tg_show_person *who)
{
    static char text[65536];
    const struct tg_show_join in = {.now = now,
                                    .who = who,
                                    .token = "",
                                    .products = "[]",
                                    .products_len = 2,
                                    .cart = "{}",
                                    .cart_len = 2,
                                    .notice = "",
                                    .since = -1};
    struct tg_buf out;
    bool resumed;

    tg_buf_init(&out, sizeof(text) - 1);
    assert_int_equal(tg_show_write_joined(show, &in, &out, &resumed), TG_OK);
    memcpy(text, tg_buf_cstr(&out), out.len + 1);
    tg_buf_done(&out);
    return strstr(text, "\"recent\"");
}

static const char *recent(void)
{
    return recent_of(&kari);
}

static void test_chat_line_reaches_all_and_the_journal(void **state)
{
    (void)state;
    say_id(&kari, "a", "hello", "");
    assert_int_equal(out_count, 3);
    assert_int_equal(kinds[0], TG_SHOW_OUT_ALL);
    assert_string_equal(outs[0], "{\"ev\":\"chat\",\"n\":1,\"at\":1000,\"id\":\"c1\",\"from\":{"
                                 "\"id\":\"pA\",\"name\":\"Kari\",\"roles\":[\"viewer\"]},"
                                 "\"text\":\"hello\"}");
    assert_int_equal(kinds[1], TG_SHOW_OUT_JOURNAL);
    assert_string_equal(outs[1], "{\"chat\":{\"n\":1,\"at\":1000,\"roles\":[\"viewer\"],"
                                 "\"text\":\"hello\",\"shown\":true},\"by\":\"pA\",\"op\":\"a\"}");
    assert_null(strstr(outs[1], "Kari")); /* names are personal data, kept elsewhere */
    assert_string_equal(outs[2], "{\"re\":\"a\",\"ok\":true,\"n\":1}");
    say_id(&ola, "b", "yes", "c1");
    assert_non_null(strstr(outs[0], "\"n\":2"));
    assert_non_null(strstr(outs[0], "\"reply_to\":\"c1\""));
    say_id(&ola, "c", "yes", "c9");
    assert_non_null(strstr(outs[0], "\"code\":\"not_found\""));
    assert_int_equal(tg_show_seq(show), 0); /* chat has a counter of its own */
}

static void test_chat_same_id_is_one_line(void **state)
{
    (void)state;
    say_id(&kari, "a", "hello", "");
    say_id(&kari, "a", "  hello ", "");
    assert_int_equal(out_count, 1);
    assert_string_equal(outs[0], "{\"re\":\"a\",\"ok\":true,\"n\":1}");
    say_id(&ola, "a", "hello", ""); /* another person's id */
    assert_non_null(strstr(outs[out_count - 1], "\"n\":2"));
    say_id(&kari, "a", "other", "");
    assert_non_null(strstr(outs[0], "conflict"));
}

static void test_chat_text_is_cleaned_or_refused(void **state)
{
    (void)state;
    (void)say(&host, " \t\xc2\xa0hi  there\xe3\x80\x80\n");
    assert_non_null(strstr(outs[0], "\"text\":\"hi  there\""));
    assert_non_null(strstr(say(&host, " \xe2\x80\x8b "), "\"field\":\"text\""));
    assert_non_null(strstr(say(&host, "a\nb"), "bad_request"));
    assert_non_null(strstr(say(&host, "a\x1b[31m"), "bad_request"));
    assert_non_null(strstr(say(&host, "a\xe2\x80\xae"
                                      "cba"),
                           "bad_request"));
    assert_non_null(strstr(say(&host, "\xff"), "bad_request"));
    (void)say(&host, "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xa7"); /* joined emoji */
    assert_int_equal(kinds[0], TG_SHOW_OUT_ALL);
}

static void test_chat_rate_is_five_in_ten_seconds(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_non_null(strstr(say(&kari, "x"), "\"ok\":true"));
    assert_non_null(strstr(say(&kari, "x"), "\"code\":\"rate\""));
    assert_non_null(strstr(outs[0], "\"retry_ms\":2000"));
    assert_non_null(strstr(say(&ola, "x"), "\"ok\":true")); /* others are not touched */
    now += 1999000;
    assert_non_null(strstr(say(&kari, "x"), "\"retry_ms\":1}"));
    now += 1000;
    assert_non_null(strstr(say(&kari, "x"), "\"ok\":true"));
    for (int i = 0; i < 30; i++)
        assert_non_null(strstr(say(&host, "x"), "\"ok\":true"));
}

static void test_chat_slow_mode(void **state)
{
    (void)state;
    tg_show_free(show);
    assert_int_equal(setup_with(30000, 20), 0);
    assert_non_null(strstr(say(&kari, "x"), "\"ok\":true"));
    now += 10000000;
    assert_non_null(strstr(say(&kari, "x"), "\"code\":\"slow_mode\""));
    assert_non_null(strstr(outs[0], "\"retry_ms\":20000"));
    assert_non_null(strstr(say(&host, "x"), "\"ok\":true"));
    now += 20000000;
    assert_non_null(strstr(say(&kari, "x"), "\"ok\":true"));
}

static void test_chat_crowd_is_sampled_fairly_for_viewers(void **state)
{
    int shown = 0;
    int of_kari = 0;

    (void)state;
    tg_show_free(show);
    assert_int_equal(setup_with(0, 10), 0);
    /* In one instant kari writes five lines among 40 others' single ones. */
    for (int i = 0; i < 45; i++) {
        char id[16];
        struct tg_show_person other = ola;

        (void)snprintf(id, sizeof(id), "p%d", i);
        other.id = id;
        (void)say(i % 9 == 8 ? &kari : &other, "x");
        if (kinds[0] == TG_SHOW_OUT_ALL) {
            shown++;
            of_kari += i % 9 == 8;
        } else {
            assert_int_equal(kinds[0], TG_SHOW_OUT_STAFF);
            assert_int_equal(kinds[1], TG_SHOW_OUT_REPLY); /* its author sees it */
            assert_non_null(strstr(outs[2], "\"shown\":false"));
        }
    }
    assert_int_equal(shown, 20); /* two seconds' worth */
    assert_int_equal(of_kari, 1);
    now += 5000000;
    (void)say(&kari, "x");
    assert_int_equal(kinds[0], TG_SHOW_OUT_ALL);
}

static void test_chat_recent_keeps_the_newest_fifty(void **state)
{
    (void)state;
    for (int i = 0; i < TG_CHAT_RECENT + 2; i++)
        (void)say(&host, "x");
    assert_null(strstr(recent(), "\"id\":\"c2\""));
    assert_non_null(strstr(recent(), "\"recent\":[{\"ev\":\"chat\",\"n\":3,"));
    assert_non_null(strstr(recent(), "\"id\":\"c52\""));
}

static void test_chat_hide_and_show_again(void **state)
{
    const struct tg_show_req hide = {.now = now, .who = &host, .id = "h"};
    const struct tg_show_req undo = {.now = now, .who = &host, .id = "u"};
    const struct tg_show_req none = {.now = now, .who = &host, .id = "n"};

    (void)state;
    (void)say(&kari, "rude");
    drain(tg_show_hide(show, &hide, "c1", false));
    assert_string_equal(outs[0], "{\"ev\":\"chat.hidden\",\"seq\":1,\"at\":1000,\"id\":\"c1\"}");
    assert_string_equal(outs[2], "{\"re\":\"h\",\"ok\":true,\"seq\":1}");
    assert_null(strstr(recent(), "rude"));
    assert_non_null(strstr(recent_of(&host), "\"text\":\"rude\",\"hidden\":true}]"));
    drain(tg_show_hide(show, &undo, "c1", true));
    assert_non_null(strstr(outs[0], "\"undo\":true"));
    assert_non_null(strstr(recent(), "rude"));
    drain(tg_show_hide(show, &none, "c2", false));
    assert_non_null(strstr(outs[0], "\"code\":\"not_found\""));
}

static void test_chat_mute_expires_or_is_lifted(void **state)
{
    (void)state;
    mute("m", "pA", 60);
    assert_int_equal(kinds[0], TG_SHOW_OUT_STAFF);
    assert_string_equal(outs[0], "{\"ev\":\"mute\",\"at\":1000,\"person\":\"pA\","
                                 "\"until_ms\":61000,\"by\":\"s1\"}");
    assert_string_equal(outs[1], "{\"mute\":{\"at\":1000,\"person\":\"pA\",\"until_ms\":61000},"
                                 "\"by\":\"s1\",\"op\":\"m\"}");
    assert_non_null(strstr(say(&kari, "x"), "\"code\":\"muted\""));
    assert_non_null(strstr(outs[0], "\"retry_ms\":60000"));
    now += 60000000;
    assert_non_null(strstr(say(&kari, "x"), "\"ok\":true"));
    mute("m2", "pA", 60);
    assert_non_null(strstr(say(&kari, "x"), "muted"));
    mute("m3", "pA", 0);
    assert_non_null(strstr(say(&kari, "x"), "\"ok\":true"));
    mute("m4", "s1", 60);
    assert_non_null(strstr(outs[0], "forbidden"));
}

static void test_chat_closed_after_the_end(void **state)
{
    (void)state;
    assert_int_equal(tg_show_set_phase(show, now, TG_SHOW_PHASE_ENDED), TG_OK);
    assert_non_null(strstr(say(&kari, "x"), "\"code\":\"closed\""));
}

static void test_chat_and_mutes_come_back_from_the_journal(void **state)
{
    struct tg_show_record rec = {.kind = TG_SHOW_RECORD_CHAT,
                                 .by = "pA",
                                 .op = "a",
                                 .at = 500,
                                 .n = 7,
                                 .name = "Kari",
                                 .roles_json = "[\"viewer\"]",
                                 .text = "hello",
                                 .reply_to = "",
                                 .shown = true};

    (void)state;
    assert_int_equal(tg_show_restore(show, &rec), TG_OK);
    assert_int_equal(tg_show_restore(show, &rec), TG_ERR_MALFORMED);
    assert_non_null(strstr(recent(), "\"n\":7"));
    say_id(&kari, "a", "hello", "");
    assert_int_equal(out_count, 1);
    assert_string_equal(outs[0], "{\"re\":\"a\",\"ok\":true,\"n\":7}");
    assert_non_null(strstr(say(&kari, "next"), "\"n\":8"));
    rec = (struct tg_show_record){.kind = TG_SHOW_RECORD_MUTE,
                                  .by = "s1",
                                  .op = "m",
                                  .at = 900,
                                  .person = "pA",
                                  .until_ms = 60900};
    assert_int_equal(tg_show_restore(show, &rec), TG_OK);
    assert_non_null(strstr(say(&kari, "x"), "muted"));
}

static void test_people_forget_the_least_recent(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_people p;
    char id[16];

    (void)state;
    tg_people_init(&p, &rng);
    for (int i = 0; i < TG_SHOW_PEOPLE_MAX; i++) {
        (void)snprintf(id, sizeof(id), "p%d", i);
        tg_people_speaker(&p, id)->spoke_ms = i;
    }
    assert_int_equal(tg_people_speaker(&p, "p0")->spoke_ms, 0);
    assert_int_equal(tg_people_speaker(&p, "new")->spoke_ms, -1);
    assert_int_equal(p.speakers.count, TG_SHOW_PEOPLE_MAX);
    assert_int_equal(tg_people_speaker(&p, "p0")->spoke_ms, 0);  /* was used lately */
    assert_int_equal(tg_people_speaker(&p, "p1")->spoke_ms, -1); /* was the oldest */
    tg_people_done(&p);
}

static void test_people_mutes_are_bounded(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_people p;
    char id[16];

    (void)state;
    tg_people_init(&p, &rng);
    for (int i = 0; i < TG_SHOW_MUTES_MAX; i++) {
        (void)snprintf(id, sizeof(id), "p%d", i);
        assert_int_equal(tg_people_mute(&p, id, 0, 1000 + i), TG_OK);
    }
    assert_int_equal(tg_people_mute(&p, "one", 0, 9000), TG_ERR_LIMIT);
    assert_int_equal(tg_people_mute(&p, "p5", 0, 90000), TG_OK);    /* longer */
    assert_int_equal(tg_people_mute(&p, "one", 1000, 9000), TG_OK); /* the first has expired */
    assert_int_equal(tg_people_muted_ms(&p, "one", 1000), 8000);
    assert_int_equal(tg_people_mute(&p, "0123456789012345678901234", 0, 1), TG_ERR_MALFORMED);
    tg_people_done(&p);
}

static void test_replies_refusals_do_not_push_out_answers(void **state)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_replies r;
    const char *json;
    size_t len;
    char id[16];
    struct tg_reply_key key = {.person = "pA", .op = "chat", .id = "keep", .content = 5};

    (void)state;
    tg_replies_init(&r, &rng);
    tg_replies_put(&r, 0, &key, false, "yes", 3);
    for (int i = 0; i < TG_SHOW_REFUSALS_MAX * 2; i++) {
        (void)snprintf(id, sizeof(id), "r%d", i);
        tg_replies_put(&r, 0, &(struct tg_reply_key){.person = "pB", .op = "chat", .id = id}, true,
                       "no", 2);
    }
    assert_int_equal(r.refused.count, TG_SHOW_REFUSALS_MAX);
    assert_int_equal(tg_replies_find(&r, 0, &key, &json, &len), TG_OK);
    assert_memory_equal(json, "yes", len);
    key.content = 6;
    assert_int_equal(tg_replies_find(&r, 0, &key, &json, &len), TG_ERR_CONFLICT);
    key.op = "pin";
    assert_int_equal(tg_replies_find(&r, 0, &key, &json, &len), TG_ERR_NOTFOUND);
    for (int i = 0; i <= TG_SHOW_REPLIES_MAX; i++) {
        (void)snprintf(id, sizeof(id), "d%d", i);
        tg_replies_put(&r, 0, &(struct tg_reply_key){.person = "pB", .op = "chat", .id = id}, false,
                       "ok", 2);
    }
    assert_int_equal(r.done.count, TG_SHOW_REPLIES_MAX);
    tg_replies_done(&r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_chat_line_reaches_all_and_the_journal),
        CASE(test_chat_same_id_is_one_line),
        CASE(test_chat_text_is_cleaned_or_refused),
        CASE(test_chat_rate_is_five_in_ten_seconds),
        CASE(test_chat_slow_mode),
        CASE(test_chat_crowd_is_sampled_fairly_for_viewers),
        CASE(test_chat_recent_keeps_the_newest_fifty),
        CASE(test_chat_hide_and_show_again),
        CASE(test_chat_mute_expires_or_is_lifted),
        CASE(test_chat_closed_after_the_end),
        CASE(test_chat_and_mutes_come_back_from_the_journal),
        cmocka_unit_test(test_people_forget_the_least_recent),
        cmocka_unit_test(test_people_mutes_are_bounded),
        cmocka_unit_test(test_replies_refusals_do_not_push_out_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
