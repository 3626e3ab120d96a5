/* The node's directory of shows and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "store/registry.h"

static struct tg_registry *reg_new(void)
{
    struct tg_registry *reg = NULL;

    assert_int_equal(tg_registry_new(&reg), TG_OK);
    return reg;
}

static struct tg_show_info show_of(uint16_t ord, const char *id)
{
    struct tg_show_info show = {.ord = ord};

    tg_str_cut(show.id, sizeof(show.id), id);
    return show;
}

static void test_show_put_twice_conflicts(void **state)
{
    struct tg_registry *reg = reg_new();
    struct tg_show_info a = show_of(0, "demo");
    struct tg_show_info same_id = show_of(1, "demo");
    struct tg_show_info same_ord = show_of(0, "other");
    struct tg_show_info beyond = show_of(TG_SHOWS_MAX, "beyond");
    struct tg_show_info got;

    (void)state;
    assert_int_equal(tg_registry_show_put(reg, &a), TG_OK);
    assert_int_equal(tg_registry_show_put(reg, &same_id), TG_ERR_CONFLICT);
    assert_int_equal(tg_registry_show_put(reg, &same_ord), TG_ERR_CONFLICT);
    assert_int_equal(tg_registry_show_put(reg, &beyond), TG_ERR_LIMIT);
    assert_int_equal(tg_registry_show_get(reg, "demox", 4, &got), TG_OK);
    assert_string_equal(got.id, "demo");
    assert_int_equal(tg_registry_show_get(reg, "demox", 5, &got), TG_ERR_NOTFOUND);
    assert_int_equal(tg_registry_show_at(reg, 1, &got), TG_ERR_NOTFOUND);
    assert_int_equal(tg_registry_show_at(reg, UINT16_MAX, &got), TG_ERR_NOTFOUND);
    tg_registry_free(reg);
}

static void test_show_states_are_seen_by_readers(void **state)
{
    struct tg_registry *reg = reg_new();
    struct tg_show_info a = show_of(7, "winter");
    struct tg_show_info got[2];

    (void)state;
    assert_int_equal(tg_registry_show_put(reg, &a), TG_OK);
    tg_registry_show_set_state(reg, 7, TG_SHOW_LIVE);
    tg_registry_show_set_on_air(reg, 7, true);
    tg_registry_show_set_viewers(reg, 7, 12);
    tg_registry_show_set_viewers(reg, 8, 12); /* unknown: ignored */
    assert_int_equal(tg_registry_shows(reg, got, 2), 1);
    assert_int_equal(got[0].state, TG_SHOW_LIVE);
    assert_true(got[0].on_air);
    assert_int_equal(got[0].viewers, 12);
    tg_registry_free(reg);
}

static void test_token_check_accepts_until_expiry_or_revocation(void **state)
{
    struct tg_registry *reg = reg_new();
    struct tg_token_info token = {.id = "t1", .roles = TG_ROLE_HOST, .expires_wall_us = 1000};
    struct tg_token_info got;
    char text[TG_TOKEN_SIZE];

    (void)state;
    tg_token_mint(text, token.hash);
    assert_int_equal(strlen(text), TG_TOKEN_SIZE - 1);
    assert_int_equal(tg_registry_token_put(reg, &token), TG_OK);
    assert_int_equal(tg_registry_token_put(reg, &token), TG_ERR_CONFLICT);
    assert_int_equal(tg_registry_token_check(reg, 999, text, strlen(text), &got), TG_OK);
    assert_int_equal(got.roles, TG_ROLE_HOST);
    assert_int_equal(tg_registry_token_check(reg, 1000, text, strlen(text), &got), TG_ERR_AUTH);
    text[10] = text[10] == 'A' ? 'B' : 'A';
    assert_int_equal(tg_registry_token_check(reg, 999, text, strlen(text), &got), TG_ERR_AUTH);
    assert_int_equal(tg_registry_token_check(reg, 999, "tg_", 3, &got), TG_ERR_AUTH);
    assert_int_equal(tg_registry_token_del(reg, "t1"), TG_OK);
    assert_int_equal(tg_registry_token_del(reg, "t1"), TG_ERR_NOTFOUND);
    assert_int_equal(tg_registry_token_put(reg, &token), TG_OK);
    tg_registry_free(reg);
}

/* A registry with the tokens t1 and t2, the second good until 2000. */
static struct tg_registry *reg_with_makers(void)
{
    struct tg_registry *reg = reg_new();
    struct tg_token_info t1 = {.id = "t1", .hash = {1}, .expires_wall_us = TG_US_NEVER};
    struct tg_token_info t2 = {.id = "t2", .hash = {2}, .expires_wall_us = 2000};

    assert_int_equal(tg_registry_token_put(reg, &t1), TG_OK);
    assert_int_equal(tg_registry_token_put(reg, &t2), TG_OK);
    return reg;
}

static void test_code_is_taken_once_and_in_time(void **state)
{
    struct tg_registry *reg = reg_with_makers();
    const struct tg_code_grant grant = {
        .maker = "t1", .roles = TG_ROLE_HOST, .show = 7, .until_wall_us = 99};
    struct tg_code_grant got = {.show = 0};
    char code[TG_CODE_SIZE];
    char wrong[TG_CODE_SIZE];

    (void)state;
    assert_int_equal(tg_registry_code_make(reg, 1000, &grant, code), TG_OK);
    assert_int_equal(strlen(code), TG_CODE_SIZE - 1);
    assert_memory_equal(code, "tc_", 3);
    memcpy(wrong, code, sizeof(wrong));
    wrong[5] = wrong[5] == 'A' ? 'B' : 'A';
    assert_int_equal(tg_registry_code_take(reg, 1000, wrong, strlen(wrong), &got), TG_ERR_AUTH);
    assert_int_equal(tg_registry_code_take(reg, 1000, code, strlen(code) - 1, &got), TG_ERR_AUTH);
    assert_int_equal(tg_registry_code_take(reg, 1000, code, strlen(code), &got), TG_OK);
    assert_int_equal(got.show, 7);
    assert_int_equal(got.roles, TG_ROLE_HOST);
    assert_int_equal(got.until_wall_us, 99);
    assert_string_equal(got.maker, "t1");
    assert_int_equal(tg_registry_code_take(reg, 1000, code, strlen(code), &got), TG_ERR_AUTH);
    assert_int_equal(tg_registry_code_make(reg, 1000, &grant, code), TG_OK);
    assert_int_equal(tg_registry_code_take(reg, 1000 + TG_CODE_VALID_US, code, strlen(code), &got),
                     TG_ERR_AUTH);
    tg_registry_free(reg);
}

static void test_code_ends_with_its_maker(void **state)
{
    struct tg_registry *reg = reg_with_makers();
    struct tg_code_grant grant = {.maker = "t2"};
    struct tg_code_grant got;
    char code[TG_CODE_SIZE];

    (void)state;
    assert_int_equal(tg_registry_code_make(reg, 1000, &grant, code), TG_OK);
    assert_int_equal(tg_registry_code_take(reg, 2000, code, strlen(code), &got), TG_ERR_AUTH);
    memcpy(grant.maker, "t1", 3);
    assert_int_equal(tg_registry_code_make(reg, 1000, &grant, code), TG_OK);
    assert_int_equal(tg_registry_token_del(reg, "t1"), TG_OK);
    assert_int_equal(tg_registry_code_take(reg, 1000, code, strlen(code), &got), TG_ERR_AUTH);
    tg_registry_free(reg);
}

static void test_codes_are_bounded_by_maker_and_in_all(void **state)
{
    struct tg_registry *reg = reg_with_makers();
    struct tg_code_grant grant = {.maker = "t1"};
    struct tg_code_grant got;
    char first[TG_CODE_SIZE];
    char code[TG_CODE_SIZE];

    (void)state;
    assert_int_equal(tg_registry_code_make(reg, 1000, &grant, first), TG_OK);
    for (tg_us now = 1001; now <= 1000 + TG_CODES_OF_MAKER; now++)
        assert_int_equal(tg_registry_code_make(reg, now, &grant, code), TG_OK);
    assert_int_equal(tg_registry_code_take(reg, 1100, first, strlen(first), &got), TG_ERR_AUTH);
    assert_int_equal(tg_registry_code_take(reg, 1100, code, strlen(code), &got), TG_OK);
    for (unsigned i = 0; i < TG_CODES_MAX - TG_CODES_OF_MAKER + 1; i++) {
        tg_str_printf(grant.maker, sizeof(grant.maker), "t%u", 100 + i);
        assert_int_equal(tg_registry_code_make(reg, 1100, &grant, code), TG_OK);
    }
    memcpy(grant.maker, "t9", 3);
    assert_int_equal(tg_registry_code_make(reg, 1100, &grant, code), TG_ERR_LIMIT);
    assert_int_equal(tg_registry_code_make(reg, 1004 + TG_CODE_VALID_US, &grant, code), TG_OK);
    tg_registry_free(reg);
}

static void test_resume_person_follows_from_the_secret(void **state)
{
    /* base64url(SHA-256("torg person" + text)[0..16]), worked out with sha256sum. */
    static const char text[] = "tp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    char id[TG_PERSON_SIZE];
    char again[TG_PERSON_SIZE];
    char fresh[TG_TOKEN_SIZE];

    (void)state;
    assert_int_equal(tg_resume_person(id, text, strlen(text)), TG_OK);
    assert_string_equal(id, "pAVQuzxQPEPBiwAV4g9uyRw");
    tg_resume_mint(fresh);
    assert_int_equal(tg_resume_person(again, fresh, strlen(fresh)), TG_OK);
    assert_string_not_equal(id, again);
    assert_int_equal(tg_resume_person(id, text, strlen(text) - 1), TG_ERR_MALFORMED);
    fresh[1] = 'g';
    assert_int_equal(tg_resume_person(id, fresh, strlen(fresh)), TG_ERR_MALFORMED);
}

static void test_hash_matches_fips_180_vector(void **state)
{
    static const uint8_t abc[4] = {0xba, 0x78, 0x16, 0xbf};
    uint8_t hash[32];

    (void)state;
    tg_token_hash(hash, "abc", 3);
    assert_memory_equal(hash, abc, sizeof(abc));
}

static tg_err everything(void)
{
    struct tg_registry *reg = NULL;
    struct tg_show_info show = show_of(1, "demo");
    struct tg_token_info token = {.id = "t1", .expires_wall_us = TG_US_NEVER};
    tg_err err = tg_registry_new(&reg);

    if (err == TG_OK)
        err = tg_registry_show_put(reg, &show);
    if (err == TG_OK)
        err = tg_registry_token_put(reg, &token);
    tg_registry_free(reg);
    return err;
}

static void test_registry_without_memory_answers_nomem(void **state)
{
    long n = 0;

    (void)state;
    for (;; n++) {
        tg_err err;

        tg_alloc_fail_nth(n);
        err = everything();
        if (!tg_alloc_failed()) {
            assert_int_equal(err, TG_OK);
            break;
        }
        assert_int_equal(err, TG_ERR_NOMEM);
    }
    tg_alloc_fail_nth(-1);
    assert_true(n > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_show_put_twice_conflicts),
        cmocka_unit_test(test_show_states_are_seen_by_readers),
        cmocka_unit_test(test_token_check_accepts_until_expiry_or_revocation),
        cmocka_unit_test(test_code_is_taken_once_and_in_time),
        cmocka_unit_test(test_code_ends_with_its_maker),
        cmocka_unit_test(test_codes_are_bounded_by_maker_and_in_all),
        cmocka_unit_test(test_resume_person_follows_from_the_secret),
        cmocka_unit_test(test_hash_matches_fips_180_vector),
        cmocka_unit_test(test_registry_without_memory_answers_nomem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
