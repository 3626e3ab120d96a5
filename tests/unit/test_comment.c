/*
 * test_comment.c - chat lines that buy, what they mean in a show, undo, rules and windows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/comment.h"
#include "shop/shop.h"

#define WALL_US ((tg_us)1780000000 * TG_US_PER_S)

enum { SHOW = 3 };

struct world {
    struct tg_rng rng;
    struct tg_shop *shop;
    struct tg_shop_now now;
    struct tg_verdict v;
    struct tg_comment_wish wish;
};

static tg_err add_product(struct world *w, const char *id, uint32_t number,
                          const char *const (*variants)[2], size_t count)
{
    struct tg_product p = {.number = number};
    tg_err err;

    tg_str_cut(p.id, sizeof(p.id), id);
    tg_str_cut(p.title, sizeof(p.title), id);
    err = tg_shop_load_product(w->shop, &p);
    for (size_t i = 0; err == TG_OK && i < count; i++) {
        struct tg_variant v = {.price = 10000,
                               .compare_at = -1,
                               .cost = -1,
                               .flash = -1,
                               .flash_until_wall = -1,
                               .stock = {.on_hand = 10}};

        tg_str_cut(v.sku, sizeof(v.sku), variants[i][0]);
        tg_str_cut(v.options, sizeof(v.options), variants[i][1]);
        err = tg_shop_load_variant(w->shop, w->now, id, &v);
    }
    return err;
}

/* 7: a mug. 12: shirts in sizes and colours. 20: shoes by number. */
static tg_err open_world(struct world *w)
{
    static const char *const mug[][2] = {{"MUG", "{}"}};
    static const char *const shirts[][2] = {
        {"SH-M-BLACK", "{\"size\":\"M\",\"color\":\"Svart\"}"},
        {"SH-L-BLACK", "{\"size\":\"L\",\"color\":\"Svart\"}"},
        {"SH-L-BLUE", "{\"size\":\"L\",\"color\":\"Bl\\u00e5\"}"},
        {"SH-L-NAVY", "{\"size\":\"L\",\"color\":\"M\xc3\xb8rk bl\xc3\xa5\"}"},
    };
    static const char *const shoes[][2] = {{"SHOE-41", "{\"size\":41}"},
                                           {"SHOE-42", "{\"size\":42}"}};
    struct tg_show_rules rules = {.show = SHOW, .comments = true};
    struct tg_shop_cfg cfg = {.rng = &w->rng, .currency = "NOK", .hold_us = 600 * TG_US_PER_S};
    tg_err err;

    *w = (struct world){.rng = tg_rng_seeded(1), .now = {.mono = 1000, .wall = WALL_US}};
    err = tg_shop_new(&w->shop, &cfg);
    if (err == TG_OK)
        err = add_product(w, "mug", 7, mug, TG_ARRAY_LEN(mug));
    if (err == TG_OK)
        err = add_product(w, "shirt", 12, shirts, TG_ARRAY_LEN(shirts));
    if (err == TG_OK)
        err = add_product(w, "shoe", 20, shoes, TG_ARRAY_LEN(shoes));
    if (err == TG_OK)
        err = tg_shop_put_rules(w->shop, &rules);
    return err;
}

static struct world *world_new(void)
{
    struct world *w = tg_calloc(1, sizeof(*w));

    assert_non_null(w);
    assert_int_equal(open_world(w), TG_OK);
    return w;
}

static void world_free(struct world *w)
{
    tg_shop_free(w->shop);
    tg_free(w);
}

static void set_rules(struct world *w, const char *word, bool bare)
{
    struct tg_show_rules rules = {.show = SHOW, .comments = true, .comment_bare = bare};

    tg_str_cut(rules.comment_word, sizeof(rules.comment_word), word);
    assert_int_equal(tg_shop_put_rules(w->shop, &rules), TG_OK);
}

static struct tg_show_item item_of(const char *sku)
{
    struct tg_show_item item = {.show = SHOW, .from_ms = -1, .until_ms = -1};

    tg_str_cut(item.sku, sizeof(item.sku), sku);
    return item;
}

static void look(struct world *w, const char *text)
{
    tg_shop_comment(w->shop, SHOW, text, &w->wish);
}

#define BUYS(w, text, want_sku, want_qty)                                                          \
    do {                                                                                           \
        look(w, text);                                                                             \
        assert_int_equal((w)->wish.kind, TG_COMMENT_BUY);                                          \
        assert_string_equal((w)->wish.message, "");                                                \
        assert_int_equal((w)->wish.code, TG_CODE_OK);                                              \
        assert_string_equal((w)->wish.variant->sku, want_sku);                                     \
        assert_int_equal((w)->wish.qty, want_qty);                                                 \
    } while (0)

#define TALKS(w, text)                                                                             \
    do {                                                                                           \
        look(w, text);                                                                             \
        assert_int_equal((w)->wish.kind, TG_COMMENT_TALK);                                         \
        assert_int_equal((w)->wish.code, TG_CODE_OK);                                              \
    } while (0)

#define ASKS(w, text, want_code, want_choices)                                                     \
    do {                                                                                           \
        look(w, text);                                                                             \
        assert_int_equal((w)->wish.kind, TG_COMMENT_BUY);                                          \
        assert_int_equal((w)->wish.code, want_code);                                               \
        assert_int_equal((w)->wish.choice_count, want_choices);                                    \
    } while (0)

static void test_words_and_numbers_buy(void **state)
{
    struct world *w = world_new();

    (void)state;
    BUYS(w, "shop 7", "MUG", 1);
    BUYS(w, "Shop #7!", "MUG", 1);
    BUYS(w, "KJ\xc3\x98P 7", "MUG", 1);
    BUYS(w, "ko\xcc\x88p 7", "MUG", 1); /* the accent as a character of its own */
    BUYS(w, "buy 7 please", "MUG", 1);
    world_free(w);
}

static void test_quantities_are_read_in_every_form(void **state)
{
    static const char *const forms[] = {"shop 7 x2",
                                        "shop 7 2x",
                                        "shop 7 x 2",
                                        "shop 7 2 x",
                                        "shop 7 2 stk",
                                        "shop 7 2stk.",
                                        "shop 7 2 st",
                                        "shop 7 2pcs",
                                        "shop 2x 7",
                                        "shop x2 7",
                                        "shop 7 2",
                                        "shop 7*2",
                                        "shop 2 stk 7",
                                        "shop 7x2",
                                        "shop nr 7 x2",
                                        "shop no. 7 2",
                                        "shop #7 2",
                                        ("shop 7\xc3\x97"
                                         "2"),
                                        ("shop 7 \xc3\x97"
                                         "2")};
    struct world *w = world_new();

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(forms); i++)
        BUYS(w, forms[i], "MUG", 2);
    BUYS(w, "kj\xc3\xb8p nummer 7", "MUG", 1);
    ASKS(w, "shop 7 x101", TG_CODE_LIMIT, 1);
    ASKS(w, "shop 7x101", TG_CODE_LIMIT, 1);
    ASKS(w, "shop 7 x2 x3", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 7x2 x3", TG_CODE_BAD_REQUEST, 1);
    TALKS(w, "shop 7 x0");
    TALKS(w, "shop 7x0");
    TALKS(w, "shop nr");
    world_free(w);
}

/* A list of numbers, another size, a price: nobody wants that many. */
static void test_plain_number_that_may_be_something_else_is_asked(void **state)
{
    static const char *const kids[][2] = {{"KID-1", "{\"size\":\"1\"}"},
                                          {"KID-2", "{\"size\":\"2\"}"}};
    const struct tg_show_item only = {
        .show = SHOW, .sku = "SHOE-42", .number = 5, .from_ms = -1, .until_ms = -1};
    struct world *w = world_new();

    (void)state;
    ASKS(w, "shop 7, 8", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 7 + 8", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 7-8", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 7 & 8", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 7 12", TG_CODE_BAD_REQUEST, 1);
    BUYS(w, "shop 7 9", "MUG", 9);
    BUYS(w, "shop 7 x12", "MUG", 12);
    ASKS(w, "shop 20 40 42", TG_CODE_BAD_REQUEST, 2);
    BUYS(w, "shop 20 42 3", "SHOE-42", 3);
    assert_int_equal(tg_shop_put_show_item(w->shop, &only), TG_OK);
    ASKS(w, "shop 5 44", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 5 4", TG_CODE_BAD_REQUEST, 1);
    BUYS(w, "shop 5 x4", "SHOE-42", 4);
    assert_int_equal(add_product(w, "kid", 30, kids, TG_ARRAY_LEN(kids)), TG_OK);
    BUYS(w, "shop 30 2", "KID-2", 1);
    ASKS(w, "shop 30 3", TG_CODE_BAD_REQUEST, 2);
    ASKS(w, "shop 30 2 1", TG_CODE_BAD_REQUEST, 2); /* both sizes */
    BUYS(w, "shop 30 2 3", "KID-2", 3);
    world_free(w);
}

static void test_options_choose_the_variant(void **state)
{
    struct world *w = world_new();

    (void)state;
    BUYS(w, "shop 12 M", "SH-M-BLACK", 1);
    BUYS(w, "shop 12 x2 svart L", "SH-L-BLACK", 2);
    BUYS(w, "shop 12 l bla", "SH-L-BLUE", 1); /* wholly named before partly */
    BUYS(w, "shop 12 L m\xc3\xb8rk bl\xc3\xa5 3", "SH-L-NAVY", 3);
    BUYS(w, "shop 20 42", "SHOE-42", 1); /* the size, not the number */
    BUYS(w, "shop 20 42 2", "SHOE-42", 2);
    world_free(w);
}

static void test_what_is_open_is_asked(void **state)
{
    struct world *w = world_new();

    (void)state;
    ASKS(w, "shop 12", TG_CODE_BAD_REQUEST, 4);
    ASKS(w, "shop 12 L", TG_CODE_BAD_REQUEST, 3);
    assert_non_null(strstr(w->wish.message, "L, Svart"));
    ASKS(w, "shop 12 XS", TG_CODE_BAD_REQUEST, 4); /* there is none */
    ASKS(w, "shop 12 M og L", TG_CODE_BAD_REQUEST, 4);
    ASKS(w, "shop 7 red", TG_CODE_BAD_REQUEST, 1);
    ASKS(w, "shop 99", TG_CODE_NOT_FOUND, 0);
    world_free(w);
}

static void test_talk_stays_talk(void **state)
{
    struct world *w = world_new();
    char long_line[TG_CHAT_SIZE];

    (void)state;
    TALKS(w, "");
    TALKS(w, "7");
    TALKS(w, "hello shop 7");
    TALKS(w, "shop til you drop");
    TALKS(w, "shop 7?");
    TALKS(w, "buy 12% off");
    TALKS(w, "buy 1.5 l");
    TALKS(w, "shop 12:30");
    TALKS(w, "shop 1/2");
    TALKS(w, "shop 1234567890");
    TALKS(w, "shop 7 I want to give one to my mother and one to my two sisters");
    TALKS(w, "\xf0\x9f\x98\x80 \xff\xfe");
    memset(long_line, 'a', sizeof(long_line) - 1);
    long_line[sizeof(long_line) - 1] = '\0';
    TALKS(w, long_line);
    tg_shop_comment(w->shop, SHOW + 1, "shop 7", &w->wish); /* a show without comments */
    assert_int_equal(w->wish.kind, TG_COMMENT_TALK);
    world_free(w);
}

static void test_a_shows_own_word_replaces_the_usual_ones(void **state)
{
    struct world *w = world_new();

    (void)state;
    set_rules(w, "Meg\xc3\xa5", false);
    BUYS(w, "mega 7", "MUG", 1);
    TALKS(w, "shop 7");
    assert_false(tg_comment_word_ok("two words"));
    assert_false(tg_comment_word_ok("7up"));
    assert_false(tg_comment_word_ok("undo"));
    assert_false(tg_comment_word_ok(""));
    assert_true(tg_comment_word_ok("K\xc3\xb8p!"));
    world_free(w);
}

static void test_bare_lines_buy_only_when_everything_fits(void **state)
{
    struct world *w = world_new();

    (void)state;
    set_rules(w, "", true);
    BUYS(w, "7", "MUG", 1);
    BUYS(w, "12 M x2", "SH-M-BLACK", 2);
    TALKS(w, "12");
    TALKS(w, "99 red balloons");
    TALKS(w, "7 is my lucky number");
    world_free(w);
}

static void test_what_is_archived_is_not_sold(void **state)
{
    struct world *w = world_new();
    struct tg_variant shirt = *tg_shop_variant(w->shop, "SH-M-BLACK");
    struct tg_product mug = *tg_shop_variant(w->shop, "MUG")->product;
    struct tg_claim buy = {.kind = TG_CLAIM_BUY,
                           .person = "pA",
                           .name = "",
                           .source = "",
                           .by = "",
                           .show = SHOW,
                           .op = "",
                           .id = "",
                           .sku = "MUG",
                           .qty = 1,
                           .price = -1,
                           .at_ms = -1,
                           .media_ms = -1,
                           .code = "",
                           .location = "",
                           .currency = "",
                           .key = ""};

    (void)state;
    BUYS(w, "shop 12 M svart", "SH-M-BLACK", 1);
    shirt.archived = true;
    assert_int_equal(tg_shop_describe(w->shop, &shirt), TG_OK);
    ASKS(w, "shop 12 M svart", TG_CODE_BAD_REQUEST, 3);
    BUYS(w, "shop 7", "MUG", 1);
    mug.archived = true;
    assert_int_equal(tg_shop_put_product(w->shop, &mug), TG_OK);
    ASKS(w, "shop 7", TG_CODE_NOT_FOUND, 0);
    tg_shop_decide(w->shop, w->now, &buy, &w->v);
    assert_int_equal(w->v.code, TG_CODE_NOT_FOUND);
    world_free(w);
}

/* Who watches in Swedish writes so; both languages go on being understood. */
static void test_options_in_any_language_of_the_product(void **state)
{
    struct world *w = world_new();
    const struct tg_text sv[] = {
        {.lang = "sv", .options = "{\"Svart\":\"Becksvart\",\"color\":\"f\xc3\xa4rg\"}"},
        {.lang = "en", .options = "{\"Svart\":\"Black\",\"Bl\\u00e5\":\"Blue\"}"}};
    struct tg_langs *texts = NULL;

    (void)state;
    ASKS(w, "shop 12 M black", TG_CODE_BAD_REQUEST, 4);
    assert_int_equal(tg_langs_new(&texts, sv, 2), TG_OK);
    tg_shop_put_texts(w->shop, "shirt", texts);
    BUYS(w, "shop 12 M black", "SH-M-BLACK", 1);
    BUYS(w, "shop 12 becksvart L x2", "SH-L-BLACK", 2);
    BUYS(w, "shop 12 l blue", "SH-L-BLUE", 1);
    BUYS(w, "shop 12 M svart", "SH-M-BLACK", 1);
    world_free(w);
}

static void test_undo_words(void **state)
{
    static const char *const lines[] = {"angre", "\xc3\x85ngra!", "UNDO", "shop undo"};
    struct world *w = world_new();

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(lines); i++) {
        look(w, lines[i]);
        assert_int_equal(w->wish.kind, TG_COMMENT_UNDO);
    }
    TALKS(w, "angre det");
    world_free(w);
}

static void test_a_shows_numbers_come_before_the_products_own(void **state)
{
    struct world *w = world_new();
    struct tg_show_item item = item_of("SH-L-BLUE");

    (void)state;
    item.number = 7;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    BUYS(w, "shop 7", "SH-L-BLUE", 1);
    BUYS(w, "shop 7 L", "SH-L-BLUE", 1);
    ASKS(w, "shop 7 M", TG_CODE_BAD_REQUEST, 1);
    item = item_of("SH-M-BLACK"); /* the same product: options choose among the two */
    item.number = 7;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    ASKS(w, "shop 7", TG_CODE_BAD_REQUEST, 2);
    BUYS(w, "shop 7 M", "SH-M-BLACK", 1);
    item = item_of("MUG"); /* another product may not have it */
    item.number = 7;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_ERR_CONFLICT);
    item.number = 8;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    BUYS(w, "shop 8", "MUG", 1);
    world_free(w);
}

static void test_option_text_reads_what_json_says(void **state)
{
    char text[TG_OPTION_TEXT_SIZE];

    (void)state;
    tg_option_text(text, "{\"a\":\"x\\\"y\",\"b\":12,\"c\":\"\\u00e5\"}");
    assert_string_equal(text, "x\"y, 12, \xc3\xa5");
    tg_option_text(text, "{}");
    assert_string_equal(text, "");
    tg_option_text(text, "{\"a\":\"\\u12");
    assert_string_equal(text, "");
}

/* --- undo --- */

static struct tg_claim claim_of(enum tg_claim_kind kind, const char *person)
{
    return (struct tg_claim){.kind = kind,
                             .person = person,
                             .name = "",
                             .source = "",
                             .show = SHOW,
                             .at_ms = -1,
                             .media_ms = 100000,
                             .op = "",
                             .id = "",
                             .by = "",
                             .sku = "MUG",
                             .qty = 1,
                             .price = -1,
                             .code = "",
                             .location = "",
                             .amount = -1,
                             .until_wall = -1,
                             .key = ""};
}

static enum tg_code decide(struct world *w, const struct tg_claim *c)
{
    tg_shop_decide(w->shop, w->now, c, &w->v);
    return w->v.code;
}

static enum tg_code comment_buy(struct world *w, const char *person)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, person);

    c.channel = TG_CHANNEL_COMMENT;
    return decide(w, &c);
}

static void test_undo_takes_back_the_last_order_by_comment(void **state)
{
    struct world *w = world_new();
    struct tg_claim undo = claim_of(TG_CLAIM_UNDO, "pA");
    struct tg_claim button = claim_of(TG_CLAIM_BUY, "pA");
    int64_t first;

    (void)state;
    assert_int_equal(decide(w, &undo), TG_CODE_NOT_FOUND);
    assert_int_equal(comment_buy(w, "pA"), TG_CODE_OK);
    first = w->v.order->number;
    assert_int_equal(comment_buy(w, "pA"), TG_CODE_OK);
    assert_int_equal(comment_buy(w, "pB"), TG_CODE_OK);
    assert_int_equal(decide(w, &button), TG_CODE_OK); /* not by comment: not undone */
    assert_int_equal(decide(w, &undo), TG_CODE_OK);
    assert_int_equal(w->v.order->number, first + 1);
    assert_int_equal(w->v.order->state, TG_ORDER_CANCELLED);
    assert_int_equal(decide(w, &undo), TG_CODE_OK);
    assert_int_equal(w->v.order->number, first);
    assert_int_equal(decide(w, &undo), TG_CODE_NOT_FOUND);
    tg_shop_rollback(w->shop); /* none of it happened */
    assert_int_equal(decide(w, &undo), TG_CODE_NOT_FOUND);
    world_free(w);
}

/* --- rules and windows --- */

static void test_rules_are_checked_and_undone(void **state)
{
    struct world *w = world_new();
    struct tg_show_rules rules = {.show = SHOW, .waiting = true, .hold_us = 60 * TG_US_PER_S};
    struct tg_show_item item = item_of("MUG");
    struct tg_claim c = claim_of(TG_CLAIM_RULES, "s1");

    (void)state;
    c.rules = &rules;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_true(w->v.rules->waiting);
    rules.hold_us = 5;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    rules.hold_us = 0;
    tg_str_cut(rules.comment_word, sizeof(rules.comment_word), "7up");
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    c = claim_of(TG_CLAIM_SHOW_ITEM, "s1");
    c.item = &item;
    item.number = 5;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(tg_shop_show_item(w->shop, SHOW, "MUG")->number, 5);
    tg_shop_rollback(w->shop);
    assert_false(tg_shop_rules(w->shop, SHOW)->waiting);
    assert_true(tg_shop_rules(w->shop, SHOW)->comments);
    assert_null(tg_shop_show_item(w->shop, SHOW, "MUG"));
    look(w, "shop 5");
    assert_int_equal(w->wish.code, TG_CODE_NOT_FOUND);
    tg_str_cut(item.sku, sizeof(item.sku), "NONE");
    assert_int_equal(decide(w, &c), TG_CODE_NOT_FOUND);
    world_free(w);
}

static void test_plain_item_is_kept_nowhere(void **state)
{
    struct world *w = world_new();
    struct tg_show_item item = item_of("MUG");
    struct tg_claim c = claim_of(TG_CLAIM_SHOW_ITEM, "s1");
    size_t cursor = 0;

    (void)state;
    c.item = &item;
    item.number = 5;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    tg_shop_commit(w->shop);
    assert_ptr_equal(tg_shop_show_item_each(w->shop, SHOW, &cursor),
                     tg_shop_show_item(w->shop, SHOW, "MUG"));
    item.number = 0;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    tg_shop_commit(w->shop);
    cursor = 0;
    assert_null(tg_shop_show_item_each(w->shop, SHOW, &cursor));
    world_free(w);
}

static enum tg_code buy_at(struct world *w, int64_t media_ms, int64_t at_ms)
{
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA");

    c.media_ms = media_ms;
    c.at_ms = at_ms;
    return decide(w, &c);
}

static void test_window_counts_the_tap_within_the_lag(void **state)
{
    struct world *w = world_new();
    struct tg_show_item item = item_of("MUG");

    (void)state;
    item.from_ms = 100000;
    item.until_ms = 130000;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(buy_at(w, 99999, -1), TG_CODE_CLOSED);
    assert_int_equal(buy_at(w, 99999, 100001), TG_CODE_CLOSED); /* nobody taps in the future */
    assert_int_equal(buy_at(w, 100000, 100000), TG_CODE_OK);
    assert_int_equal(buy_at(w, 129999, -1), TG_CODE_OK);
    assert_int_equal(buy_at(w, 130000, -1), TG_CODE_CLOSED);
    assert_int_equal(buy_at(w, 140000, 129000), TG_CODE_OK);     /* 11 s behind: not too late */
    assert_int_equal(buy_at(w, 144999, 1), TG_CODE_OK);          /* as far back as the lag */
    assert_int_equal(buy_at(w, 145000, 100000), TG_CODE_CLOSED); /* no further */
    assert_int_equal(buy_at(w, 110000, 99000), TG_CODE_CLOSED);  /* tapped before it opened */
    world_free(w);
}

static void test_staff_and_turns_ignore_the_window(void **state)
{
    struct world *w = world_new();
    struct tg_show_item item = item_of("MUG");
    struct tg_claim c = claim_of(TG_CLAIM_BUY, "pA");

    (void)state;
    item.until_ms = 10;
    assert_int_equal(tg_shop_put_show_item(w->shop, &item), TG_OK);
    assert_int_equal(decide(w, &c), TG_CODE_CLOSED);
    assert_string_equal(w->v.message, "The time to buy mug is over.");
    c.channel = TG_CHANNEL_STAFF;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    world_free(w);
}

static void test_window_opens_and_closes_now(void **state)
{
    struct world *w = world_new();
    struct tg_claim c = claim_of(TG_CLAIM_WINDOW, "s1");
    struct tg_claim closed = claim_of(TG_CLAIM_WINDOW, "s1");

    (void)state;
    c.open = true;
    c.for_ms = 30000;
    assert_int_equal(decide(w, &c), TG_CODE_OK);
    assert_int_equal(w->v.item->from_ms, 100000);
    assert_int_equal(w->v.item->until_ms, 130000);
    closed.media_ms = 120000;
    assert_int_equal(decide(w, &closed), TG_CODE_OK);
    assert_int_equal(w->v.item->from_ms, 100000);
    assert_int_equal(w->v.item->until_ms, 120000);
    assert_int_equal(buy_at(w, 120000, -1), TG_CODE_CLOSED);
    assert_int_equal(buy_at(w, 121000, 119000), TG_CODE_OK);
    c.media_ms = -1;
    assert_int_equal(decide(w, &c), TG_CODE_BAD_REQUEST);
    world_free(w);
}

static void everything(struct world *w, tg_err *ret_err)
{
    struct tg_show_item item = item_of("MUG");
    struct tg_show_rules rules = {.show = SHOW + 1, .comments = true};
    struct tg_claim c = claim_of(TG_CLAIM_RULES, "s1");
    const struct tg_effect *effects;
    size_t count;

    *ret_err = open_world(w);
    if (*ret_err == TG_OK) {
        c.rules = &rules;
        (void)decide(w, &c);
        c.kind = TG_CLAIM_SHOW_ITEM;
        c.item = &item;
        item.number = 9;
        (void)decide(w, &c);
        (void)comment_buy(w, "pA");
        c = claim_of(TG_CLAIM_UNDO, "pA");
        (void)decide(w, &c);
        *ret_err = tg_shop_effects(w->shop, w->now.wall, &effects, &count);
        tg_shop_rollback(w->shop);
    }
    tg_shop_free(w->shop);
}

static void test_every_failing_allocation_is_survived(void **state)
{
    struct world w;
    tg_err err;
    long n;

    (void)state;
    for (n = 0;; n++) {
        tg_alloc_fail_nth(n);
        everything(&w, &err);
        if (!tg_alloc_failed())
            break;
        assert_true(err == TG_OK || err == TG_ERR_NOMEM);
    }
    tg_alloc_fail_nth(-1);
    assert_int_equal(err, TG_OK);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_and_numbers_buy),
        cmocka_unit_test(test_quantities_are_read_in_every_form),
        cmocka_unit_test(test_plain_number_that_may_be_something_else_is_asked),
        cmocka_unit_test(test_options_choose_the_variant),
        cmocka_unit_test(test_what_is_open_is_asked),
        cmocka_unit_test(test_talk_stays_talk),
        cmocka_unit_test(test_a_shows_own_word_replaces_the_usual_ones),
        cmocka_unit_test(test_bare_lines_buy_only_when_everything_fits),
        cmocka_unit_test(test_what_is_archived_is_not_sold),
        cmocka_unit_test(test_options_in_any_language_of_the_product),
        cmocka_unit_test(test_undo_words),
        cmocka_unit_test(test_a_shows_numbers_come_before_the_products_own),
        cmocka_unit_test(test_option_text_reads_what_json_says),
        cmocka_unit_test(test_undo_takes_back_the_last_order_by_comment),
        cmocka_unit_test(test_rules_are_checked_and_undone),
        cmocka_unit_test(test_plain_item_is_kept_nowhere),
        cmocka_unit_test(test_window_counts_the_tap_within_the_lag),
        cmocka_unit_test(test_staff_and_turns_ignore_the_window),
        cmocka_unit_test(test_window_opens_and_closes_now),
        cmocka_unit_test(test_every_failing_allocation_is_survived),
    };

    return cmocka_run_group_tests_name("comment", tests, NULL, NULL);
}
