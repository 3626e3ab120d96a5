/* test_texts.c - languages as tags and headers say them, and options in another language. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "base/texts.h"

static void test_accept_language_says_what_is_liked_best(void **state)
{
    static const char *const rows[][2] = {
        {"nb-NO,nb;q=0.9,en;q=0.8", "nb-NO"},
        {"en;q=0.8, sv", "sv"},
        {"sv;q=0.5,da;q=0.75,en;q=0.7", "da"},
        {"", ""},
        {"*", ""},
        {"en;q=0", ""},
        {"en;q=x,sv;q=0.1", "sv"},
        {"a-language-with-a-long-name", ""},
        {"<script>", ""},
        {",,;q=1,\t nb ;q=1", "nb"},
        {"en;q=", ""},
        {"sv;q=0.", ""},
    };

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        char lang[TG_LANG_SIZE];

        tg_lang_first(lang, rows[i][0]);
        assert_string_equal(lang, rows[i][1]);
    }
}

static void test_languages_fit(void **state)
{
    (void)state;
    assert_int_equal(tg_lang_fit("nb", "NB"), 3);
    assert_int_equal(tg_lang_fit("sv", "sv-SE"), 2);
    assert_int_equal(tg_lang_fit("sv-SE", "sv-FI"), 2);
    assert_int_equal(tg_lang_fit("nb", "no"), 1);
    assert_int_equal(tg_lang_fit("nn-NO", "nb"), 1);
    assert_int_equal(tg_lang_fit("en", "nb"), 0);
    assert_int_equal(tg_lang_fit("s", "sv"), 0);
    assert_int_equal(tg_lang_fit("", ""), 0);
}

static void test_options_in_a_language(void **state)
{
    static const char options[] = "{\"colour\":\"red\",\"size\":\"M \\\"x\\\"\"}";
    const struct tg_text nb = {.options =
                                   "{\"red\":\"r\xc3\xb8\x64\",\"size\":\"st\xc3\xb8rrelse\"}"};
    const struct tg_text broken = {.options = "{\"red\":"};
    const struct tg_text twice = {.options = "{\"size\":\"mal\",\"width\":\"mal\"}"};
    char out[TG_OPTIONS_IN_SIZE];

    (void)state;
    assert_string_equal(tg_options_in(out, options, &nb),
                        "{\"colour\":\"r\xc3\xb8\x64\",\"st\xc3\xb8rrelse\":\"M \\\"x\\\"\"}");
    assert_ptr_equal(tg_options_in(out, options, NULL), options);
    assert_string_equal(tg_options_in(out, options, &broken), options);
    assert_string_equal(tg_options_in(out, "{}", &nb), "{}");
    /* Two names with one word: an object that says it twice is none. */
    assert_string_equal(tg_options_in(out, "{\"b\":\"1\",\"size\":\"S\",\"width\":\"W\"}", &twice),
                        "{\"b\":\"1\",\"size\":\"S\",\"width\":\"W\"}");
    assert_string_equal(tg_options_in(out, "{\"a\":41}", &nb), "{\"a\":41}");
    assert_string_equal(tg_options_in(out, "{\"a\\", &nb), "{\"a\\");
}

static void test_texts_are_copies_and_counted(void **state)
{
    char title[] = "Kopp";
    const struct tg_text in[] = {{.lang = "nb", .title = title}, {.lang = "sv", .title = "Mugg"}};
    struct tg_langs *t = NULL;

    (void)state;
    assert_int_equal(tg_langs_new(&t, in, 0), TG_OK);
    assert_null(t);
    assert_null(tg_langs_pick(NULL, "nb"));
    assert_int_equal(tg_langs_new(&t, in, 2), TG_OK);
    title[0] = 'X';
    assert_string_equal(tg_langs_pick(t, "nb")->title, "Kopp");
    assert_string_equal(tg_langs_pick(t, "sv-SE")->title, "Mugg");
    assert_string_equal(tg_langs_pick(t, "sv")->description, "");
    assert_null(tg_langs_pick(t, "en"));
    assert_ptr_equal(tg_langs_ref(t), t);
    tg_langs_unref(t);
    tg_langs_unref(t);
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_langs_new(&t, in, 2), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_language_says_what_is_liked_best),
        cmocka_unit_test(test_languages_fit),
        cmocka_unit_test(test_options_in_a_language),
        cmocka_unit_test(test_texts_are_copies_and_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
