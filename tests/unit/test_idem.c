/* test_idem.c - remembered answers: bounded, timed, undone with their batch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/idem.h"

static struct tg_idem *idem_new(size_t max)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_idem *idem = NULL;

    assert_int_equal(tg_idem_new(&idem, max, &rng), TG_OK);
    return idem;
}

static tg_err put(struct tg_idem *idem, tg_us now, unsigned id, bool pending)
{
    struct tg_idem_entry e = {.person = "pA", .op = "buy", .digest = id, .status = 200};
    tg_err err;

    tg_str_printf(e.id, sizeof(e.id), "i%u", id);
    e.reply = tg_slab_copy("{}", 2);
    if (e.reply == NULL)
        return TG_ERR_NOMEM;
    err = tg_idem_put(idem, now, &e, pending);
    tg_slab_unref(e.reply);
    return err;
}

static void test_find_returns_the_answer_until_it_is_old(void **state)
{
    struct tg_idem *idem = idem_new(16);
    const struct tg_idem_entry *e;

    (void)state;
    assert_int_equal(put(idem, 5, 1, false), TG_OK);
    assert_int_equal(put(idem, 5, 1, false), TG_ERR_CONFLICT);
    e = tg_idem_find(idem, 5 + TG_IDEM_MEMORY_US - 1, "pA", "buy", "i1");
    assert_non_null(e);
    assert_int_equal(e->digest, 1);
    assert_memory_equal(e->reply->data, "{}", 2);
    assert_null(tg_idem_find(idem, 5 + TG_IDEM_MEMORY_US, "pA", "buy", "i1"));
    assert_null(tg_idem_find(idem, 5, "pB", "buy", "i1"));
    assert_null(tg_idem_find(idem, 5, "pA", "checkout", "i1"));
    tg_idem_commit(idem);
    assert_int_equal(put(idem, 5 + TG_IDEM_MEMORY_US, 1, false), TG_OK); /* decided anew */
    tg_idem_free(idem);
}

static void test_forgotten_entries_make_room_for_others(void **state)
{
    struct tg_idem *idem = idem_new(16);

    (void)state;
    assert_int_equal(put(idem, 5, 1, false), TG_OK);
    assert_int_equal(put(idem, 5, 2, true), TG_OK);
    tg_idem_forget(idem, "pA", "buy", "i1"); /* the first of the running batch */
    tg_idem_forget(idem, "pA", "buy", "i3");
    assert_null(tg_idem_find(idem, 6, "pA", "buy", "i1"));
    assert_int_equal(put(idem, 6, 1, false), TG_OK);
    tg_idem_rollback(idem);
    assert_int_equal(tg_idem_count(idem), 0);
    tg_idem_free(idem);
}

static void test_key_parts_cannot_run_together(void **state)
{
    struct tg_idem *idem = idem_new(16);
    struct tg_idem_entry e = {.person = "p", .op = "ab", .id = "c"};

    (void)state;
    assert_int_equal(tg_idem_put(idem, 1, &e, false), TG_OK);
    assert_null(tg_idem_find(idem, 1, "pa", "b", "c"));
    assert_null(tg_idem_find(idem, 1, "p", "a", "bc"));
    tg_idem_free(idem);
}

static void test_full_memory_forgets_the_oldest_but_not_the_batch(void **state)
{
    struct tg_idem *idem = idem_new(16);

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(put(idem, 1, i, true), TG_OK);
        tg_idem_commit(idem);
    }
    assert_int_equal(tg_idem_count(idem), 16);
    assert_null(tg_idem_find(idem, 1, "pA", "buy", "i3"));
    assert_non_null(tg_idem_find(idem, 1, "pA", "buy", "i4"));
    for (unsigned i = 100; i < 116; i++)
        assert_int_equal(put(idem, 1, i, true), TG_OK);
    assert_int_equal(put(idem, 1, 116, true), TG_ERR_LIMIT);
    tg_idem_free(idem);
}

static void test_rollback_forgets_what_the_batch_remembered(void **state)
{
    struct tg_idem *idem = idem_new(16);
    const struct tg_idem_entry *cursor = NULL;

    (void)state;
    assert_int_equal(put(idem, 1, 1, true), TG_OK);
    tg_idem_commit(idem);
    assert_int_equal(put(idem, 1, 2, false), TG_OK);
    assert_int_equal(put(idem, 1, 3, true), TG_OK);
    assert_int_equal(put(idem, 1, 4, false), TG_OK);
    assert_string_equal(tg_idem_each_pending(idem, &cursor)->id, "i3");
    assert_null(tg_idem_each_pending(idem, &cursor));
    tg_idem_rollback(idem);
    assert_int_equal(tg_idem_count(idem), 1);
    assert_non_null(tg_idem_find(idem, 1, "pA", "buy", "i1"));
    assert_null(tg_idem_find(idem, 1, "pA", "buy", "i3"));
    tg_idem_free(idem);
}

static void test_digest_tells_fields_apart(void **state)
{
    uint64_t a = tg_idem_digest_str(tg_idem_digest_str(0, "ab"), "c");
    uint64_t b = tg_idem_digest_str(tg_idem_digest_str(0, "a"), "bc");

    (void)state;
    assert_true(a != b);
    assert_true(tg_idem_digest_int(0, 1) != tg_idem_digest_int(0, 2));
}

static tg_err everything(void)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_idem *idem = NULL;
    tg_err err = tg_idem_new(&idem, 16, &rng);

    for (unsigned i = 0; err == TG_OK && i < 20; i++) {
        err = put(idem, 1, i, true);
        if (err == TG_OK)
            tg_idem_commit(idem);
    }
    tg_idem_free(idem);
    return err;
}

static void test_idem_without_memory_answers_nomem(void **state)
{
    (void)state;
    for (long n = 0;; n++) {
        tg_err err;

        tg_alloc_fail_nth(n);
        err = everything();
        if (!tg_alloc_failed())
            break;
        assert_int_equal(err, TG_ERR_NOMEM);
    }
    tg_alloc_fail_nth(-1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_returns_the_answer_until_it_is_old),
        cmocka_unit_test(test_forgotten_entries_make_room_for_others),
        cmocka_unit_test(test_key_parts_cannot_run_together),
        cmocka_unit_test(test_full_memory_forgets_the_oldest_but_not_the_batch),
        cmocka_unit_test(test_rollback_forgets_what_the_batch_remembered),
        cmocka_unit_test(test_digest_tells_fields_apart),
        cmocka_unit_test(test_idem_without_memory_answers_nomem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
