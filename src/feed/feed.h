/*
 * feed.h - a catalogue file as a row of products: Google Merchant (RSS or Atom XML, TSV), Shopify
 * CSV, WooCommerce CSV and torg's own JSON.
 *
 * Sans-IO and streaming: bytes go in as they come, one product at a time comes out, memory is
 * bounded by TG_FEED_PRODUCT_MAX and the row limits whatever the file's length. Everything wrong is
 * named with line, field, value, reason and fix; the row (or the variant of the row) is left out
 * and reading goes on. Specs: RFC 4180 (CSV), RFC 8259 (JSON), RSS 2.0, RFC 4287 (Atom), Google's
 * product data specification, Shopify's and WooCommerce's import schemas.
 * Owner: one thread.
 */
#ifndef TG_FEED_FEED_H
#define TG_FEED_FEED_H

#include "base/rng.h"
#include "feed/product.h"

enum tg_feed_format {
    TG_FEED_AUTO,   /* by the first line */
    TG_FEED_GOOGLE, /* XML when the first byte is '<', else TSV */
    TG_FEED_GOOGLE_XML,
    TG_FEED_GOOGLE_TSV,
    TG_FEED_SHOPIFY,
    TG_FEED_WOOCOMMERCE,
    TG_FEED_TORG,
    TG_FEED_FORMAT_COUNT
};
/* AUTO for text that names none. */
enum tg_feed_format tg_feed_format_parse(const char *name);
const char *tg_feed_format_name(enum tg_feed_format format);

struct tg_feed;

struct tg_feed_cfg {
    enum tg_feed_format format;
    char currency[4];   /* the shop's, ISO 4217; other currencies become `prices` */
    struct tg_rng *rng; /* for the hash of what was seen; kept, must outlive the feed */
    tg_us wall_us;      /* when the import began: a sale price counts within its window only */
};

enum tg_feed_got {
    TG_FEED_NONE,    /* more bytes, please; or the end, after tg_feed_end() */
    TG_FEED_PRODUCT, /* tg_feed_product() has it until the next call */
    TG_FEED_FAULT    /* tg_feed_fault() has it until the next call */
};

/* Errors: NOMEM, LIMIT (no such format, no currency). */
TG_MUST_CHECK tg_err tg_feed_new(struct tg_feed **ret, const struct tg_feed_cfg *cfg);
void tg_feed_free(struct tg_feed *f);
/* Only after tg_feed_next() said NONE. The bytes are borrowed until it says so again. */
void tg_feed_input(struct tg_feed *f, const void *data, size_t len);
/* No more bytes will come. */
void tg_feed_end(struct tg_feed *f);
enum tg_feed_got tg_feed_next(struct tg_feed *f);
const struct tg_feed_product *tg_feed_product(const struct tg_feed *f);
const struct tg_feed_fault *tg_feed_fault(const struct tg_feed *f);
/* What AUTO and GOOGLE found out; AUTO = not yet. */
enum tg_feed_format tg_feed_format_of(const struct tg_feed *f);
/* OK; MALFORMED: reading stopped for good (the fault said why); NOMEM. */
tg_err tg_feed_error(const struct tg_feed *f);

/* --- values, as people and feeds write them --- */

/* "349.00 NOK", "NOK 349", "349,00", "1 299.50": minor units; the currency named, or "" in
 * ret_currency. MALFORMED, LIMIT. */
TG_MUST_CHECK tg_err tg_feed_money(int64_t *ret, char ret_currency[4], const char *text,
                                   const char *default_currency);
/* 349.00 without a currency. */
void tg_feed_money_text(char out[32], int64_t amount, const char *currency);
/* Decimals of a currency's minor unit: 2, or 0 and 3 for those that differ (ISO 4217). */
unsigned tg_feed_decimals(const char *currency);
/* 1 to TG_SKU_MAX bytes that can be printed and stand in an address: no blank or / at either end,
 * no part between slashes that is empty, . or .. */
bool tg_feed_sku_ok(const char *text, size_t len);
/* 8, 12, 13 or 14 digits with a right check digit (GS1). */
bool tg_feed_gtin_ok(const char *text);
/* "1.5 kg", "500 g", "12 oz", "2 lb", "0.4" in `unit` -> grams. What stands behind the third
 * decimal is rounded. MALFORMED, LIMIT. */
TG_MUST_CHECK tg_err tg_feed_weight(int64_t *ret_g, const char *text, const char *unit);
/* "2027-11-26T08:00+0100", "2027-11-26 08:00:00", "2027-11-26": UTC where no zone stands. A day
 * alone is its first moment, or as `end` the first after it. MALFORMED. */
TG_MUST_CHECK tg_err tg_feed_time(tg_us *ret, const char *text, bool end);
/* An absolute http(s) address or a path of our own, at most TG_URL_SIZE - 1 bytes. */
bool tg_feed_url_ok(const char *text);
/* A product id from any text: itself when it may be one, else what may stay and a hash. */
void tg_feed_id(char out[TG_FEED_ID_SIZE], const char *text);
/* HTML to plain text: tags go, blocks become newlines, common entities are read. */
const char *tg_feed_plain(struct tg_feed_arena *a, const char *html);

/* --- writing the other formats --- */

enum tg_export_format {
    TG_EXPORT_TORG,
    TG_EXPORT_GOOGLE,
    TG_EXPORT_SHOPIFY,
    TG_EXPORT_WOOCOMMERCE,
    TG_EXPORT_FORMAT_COUNT
};
/* COUNT for a name that is none: torg, google, shopify (also csv), woocommerce. */
enum tg_export_format tg_export_format_parse(const char *name);

struct tg_export {
    enum tg_export_format format;
    char currency[4];
    char base_url[256]; /* in front of paths, "" = as they are */
};
/* Head, each product (with all its variants; `available` tells units per variant), tail. */
void tg_export_head(const struct tg_export *x, struct tg_buf *out);
void tg_export_product(const struct tg_export *x, struct tg_buf *out,
                       const struct tg_feed_product *p, const int64_t *available);
void tg_export_tail(const struct tg_export *x, struct tg_buf *out);

#endif
