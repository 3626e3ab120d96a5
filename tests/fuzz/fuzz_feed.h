/* What the feeds' fuzzers share: a file in chunks of a size that its first byte chooses. */
#ifndef TESTS_FUZZ_FEED_H
#define TESTS_FUZZ_FEED_H

#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "feed/feed.h"

static void check_product(const struct tg_feed_product *p, struct tg_feed_arena *a)
{
    struct tg_feed_product again;
    struct tg_buf text;
    struct tg_buf twice;
    struct tg_jo j;

    TG_ASSERT(p->id != NULL && strlen(p->id) < TG_FEED_ID_SIZE);
    for (uint32_t i = 0; i < p->variants.count; i++)
        TG_ASSERT(p->variants.at[i].sku != NULL && strlen(p->variants.at[i].sku) <= TG_SKU_MAX);
    /* Canonical text is what it says of itself: reading and writing it changes nothing. */
    tg_buf_init(&text, 8 << 20);
    tg_buf_init(&twice, 8 << 20);
    tg_feed_product_doc(&text, p);
    TG_ASSERT(text.err == TG_OK);
    tg_feed_arena_clear(a);
    TG_ASSERT(tg_feed_product_read(a, &again, (const char *)text.data, text.len, NULL, NULL) ==
              TG_OK);
    tg_feed_product_doc(&twice, &again);
    TG_ASSERT(twice.len == text.len && memcmp(twice.data, text.data, text.len) == 0);
    for (uint32_t i = 0; i < p->variants.count; i++) {
        struct tg_feed_pairs options = {0};
        struct tg_feed_variant variant;

        tg_buf_clear(&text);
        tg_feed_variant_doc(&text, &p->variants.at[i]);
        tg_feed_arena_clear(a);
        TG_ASSERT(tg_feed_variant_read(a, &variant, tg_buf_cstr(&text), text.len, NULL, NULL) ==
                  TG_OK);
        tg_buf_clear(&text);
        tg_feed_options_json(&text, &p->variants.at[i].options);
        TG_ASSERT(tg_feed_options_read(a, &options, tg_buf_cstr(&text)) == TG_OK);
    }
    tg_buf_clear(&text);
    j = tg_jo(&text);
    tg_feed_write_torg(&j, p, "NOK");
    TG_ASSERT(text.err == TG_OK);
    tg_buf_done(&text);
    tg_buf_done(&twice);
}

static int fuzz_feed(enum tg_feed_format format, const uint8_t *data, size_t size)
{
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_feed_cfg cfg = {.format = format, .currency = "NOK", .rng = &rng};
    struct tg_feed_arena arena = {0};
    struct tg_feed *f = NULL;
    enum tg_feed_got got;
    size_t chunk;

    if (size == 0 || tg_feed_new(&f, &cfg) != TG_OK)
        return 0;
    chunk = 1 + (size_t)(data[0] & 0x3f) * 16;
    for (size_t at = 1;; at += chunk) {
        if (at < size)
            tg_feed_input(f, data + at, TG_MIN(chunk, size - at));
        else
            tg_feed_end(f);
        while ((got = tg_feed_next(f)) != TG_FEED_NONE) {
            if (got == TG_FEED_PRODUCT)
                check_product(tg_feed_product(f), &arena);
            else
                TG_ASSERT(tg_feed_fault(f)->reason[0] != '\0');
        }
        if (at >= size)
            break;
    }
    tg_feed_arena_done(&arena);
    tg_feed_free(f);
    return 0;
}

#endif
