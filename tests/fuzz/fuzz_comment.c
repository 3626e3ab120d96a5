/* Chat lines that may buy: whatever is written and whatever options a variant has, the answer is
 * whole, and what buys names a variant that the line's words fit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "shop/comment.h"
#include "shop/shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tg_rng rng;
static struct tg_shop *shop;

static void add(const char *id, uint32_t number, const char *sku, const char *options, bool first)
{
    struct tg_product p = {.number = number, .title = "x"};
    struct tg_variant v = {
        .price = 1, .compare_at = -1, .cost = -1, .flash = -1, .flash_until_wall = -1};

    tg_str_cut(p.id, sizeof(p.id), id);
    tg_str_cut(v.sku, sizeof(v.sku), sku);
    tg_str_cut(v.options, sizeof(v.options), options);
    TG_ASSERT(!first || tg_shop_load_product(shop, &p) == TG_OK);
    TG_ASSERT(tg_shop_load_variant(shop, (struct tg_shop_now){.mono = 1, .wall = 1}, id, &v) ==
              TG_OK);
}

static void set_up(void)
{
    struct tg_shop_cfg cfg = {.rng = &rng, .currency = "NOK", .hold_us = TG_US_PER_S};

    rng = tg_rng_seeded(1);
    TG_ASSERT(tg_shop_new(&shop, &cfg) == TG_OK);
    add("a", 7, "MUG", "{}", true);
    add("b", 12, "M", "{\"size\":\"M\",\"color\":\"Svart\"}", true);
    add("b", 12, "L", "{\"size\":\"L\",\"color\":\"M\xc3\xb8rk bl\xc3\xa5\"}", false);
    add("b", 12, "XL", "{\"size\":\"XL\",\"color\":\"\\u00e5\\\"\"}", false);
    add("c", 20, "41", "{\"size\":41}", true);
    add("c", 20, "42", "{\"size\":42}", false);
}

static void check(const struct tg_comment_wish *wish)
{
    TG_ASSERT(wish->choice_count <= TG_COMMENT_CHOICES_MAX);
    TG_ASSERT((wish->code == TG_CODE_OK) == (wish->message[0] == '\0'));
    TG_ASSERT(tg_utf8_chars(wish->message, strlen(wish->message)) != SIZE_MAX);
    if (wish->kind == TG_COMMENT_TALK)
        TG_ASSERT(wish->code == TG_CODE_OK);
    if (wish->kind == TG_COMMENT_BUY && wish->code == TG_CODE_OK) {
        TG_ASSERT(wish->variant != NULL);
        TG_ASSERT(wish->qty >= 1);
        TG_ASSERT(wish->qty <= TG_QTY_MAX);
    }
}

/* The first byte chooses the rules; options of a variant are read as JSON, too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_show_rules rules = {.show = 1, .comments = true};
    struct tg_comment_wish wish;
    char options[TG_OPTION_TEXT_SIZE];
    char *text;

    if (shop == NULL)
        set_up();
    if (size == 0)
        return 0;
    text = malloc(size);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    rules.comment_bare = (data[0] & 2) != 0;
    if ((data[0] & 1) != 0)
        tg_str_cut(rules.comment_word, sizeof(rules.comment_word), "Meg\xc3\xa5");
    TG_ASSERT(tg_shop_put_rules(shop, &rules) == TG_OK);
    tg_shop_comment(shop, 1, text, &wish);
    check(&wish);
    tg_option_text(options, text);
    (void)tg_comment_word_ok(text);
    free(text);
    return 0;
}
