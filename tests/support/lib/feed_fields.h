/* feed_fields.h - a small file of each format with every text field that it has, one of which says
 * something odd. Owner: one test. */
#ifndef TG_TESTS_SUPPORT_FEED_FIELDS_H
#define TG_TESTS_SUPPORT_FEED_FIELDS_H

#include "base/buf.h"
#include "feed/feed.h"

/* How many text fields the file has. */
unsigned tg_feed_fields_count(enum tg_feed_format format);
/* The file; field number `at` has `odd` within its text. */
void tg_feed_fields_make(struct tg_buf *out, enum tg_feed_format format, unsigned at,
                         const char *odd);

#endif
