/* doc_priv.h - reading the canonical JSON: one member after the other, all that is wrong is told.
 */
#ifndef TG_FEED_DOC_PRIV_H
#define TG_FEED_DOC_PRIV_H

#include <jansson.h>

#include "feed/feed_priv.h"

struct tg_doc_reader {
    struct tg_feed_arena *arena;
    tg_feed_fault_fn fault;
    void *ctx;
    uint32_t line;
    size_t faults;
    char where[40]; /* "variants[2]." */
    char currency[4];
};

/* --- doc_fields.c: one value; NULL or false: told --- */

/* A fault about this member. value NULL = none to show. */
void tg_doc_bad(struct tg_doc_reader *r, const char *key, const json_t *value, const char *reason,
                const char *fix);
/* At most `max` bytes without control characters (newlines where `lines`); null is "". */
const char *tg_doc_text(struct tg_doc_reader *r, const char *key, const json_t *value, size_t max,
                        bool lines);
/* A member's name that is a word of the shop's: no control characters either. */
bool tg_doc_name_ok(struct tg_doc_reader *r, const char *key, const json_t *value,
                    const char *name);
bool tg_doc_number(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t min,
                   int64_t max, int64_t *ret);
bool tg_doc_currency_ok(const char *c);
/* {"amount", "currency"}, or a whole number (currency stays ""). */
bool tg_doc_money(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t *ret,
                  char currency[4]);
/* ... of the shop's own currency; null is -1, none. */
bool tg_doc_own_money(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t *ret);
bool tg_doc_flag(struct tg_doc_reader *r, const char *key, const json_t *value, int64_t *ret);
bool tg_doc_list_ok(struct tg_doc_reader *r, const char *key, const json_t *value, size_t max);
const char *tg_doc_sku(struct tg_doc_reader *r, const char *key, const json_t *value);

/* --- doc_lists.c: faults are told, what is right is added --- */

void tg_doc_pictures(struct tg_doc_reader *r, const json_t *value, struct tg_feed_pictures *ret);
void tg_doc_names(struct tg_doc_reader *r, const char *key, const json_t *value, size_t max,
                  bool ids, struct tg_feed_names *ret);
void tg_doc_attributes(struct tg_doc_reader *r, const json_t *value, struct tg_feed_pairs *ret);
void tg_doc_langs(struct tg_doc_reader *r, json_t *value, struct tg_feed_langs *ret);
void tg_doc_options(struct tg_doc_reader *r, json_t *value, struct tg_feed_pairs *ret);
void tg_doc_prices(struct tg_doc_reader *r, json_t *value, struct tg_feed_prices *ret);
void tg_doc_parts(struct tg_doc_reader *r, json_t *value, struct tg_feed_parts *ret);

#endif
