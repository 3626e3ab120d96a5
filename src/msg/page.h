/*
 * page.h - one page of a list, the same for every list of the API: {"orders": [...], "next": ...}.
 *
 * `next` is a cursor for the next page or null. To clients it is opaque; inside it is base64url of
 * one letter, which says of what list it is, and the key of the last row shown. Ask the database
 * for limit + 1 rows behind the cursor: the one too many says that there is a next page.
 *
 *     tg_cursor_number(&above, req->cursor, 't', 0)          MALFORMED: 400, field "cursor"
 *     tg_page_open(&page, &j, 't', req->limit, "tokens");
 *     for each of limit + 1 rows, until false: tg_page_row(&page, ordinal) && write the row
 *     tg_page_close(&page);                                  page.next for the Link header
 *
 * Pure.
 */
#ifndef TG_MSG_PAGE_H
#define TG_MSG_PAGE_H

#include "base/json_out.h"

enum {
    TG_PAGE_LIMIT = 50, /* rows when nobody says how many */
    TG_PAGE_LIMIT_MAX = 100,
    TG_PAGE_KEY_SIZE = 80, /* a SKU and a little */
    TG_CURSOR_SIZE = 112,  /* of the longest key */
};

struct tg_page {
    struct tg_jo *j;
    char list;
    uint32_t limit;
    uint32_t count;
    char last[TG_PAGE_KEY_SIZE];
    char next[TG_CURSOR_SIZE]; /* after close; "" = this is the last page */
    bool more;
};

/* What the cursor holds; `start` (or "") for an empty one. MALFORMED: not ours, or another list's.
 */
TG_MUST_CHECK tg_err tg_cursor_number(int64_t *ret, const char *cursor, char list, int64_t start);
TG_MUST_CHECK tg_err tg_cursor_text(char *ret, size_t size, const char *cursor, char list);

/* Opens the object and its array. A limit out of range becomes TG_PAGE_LIMIT_MAX. */
void tg_page_open(struct tg_page *page, struct tg_jo *j, char list, uint32_t limit,
                  const char *name);
/* Before each row is written; false: the page is full, do not write it. */
TG_MUST_CHECK bool tg_page_row(struct tg_page *page, int64_t key);
/* The key must be shorter than TG_PAGE_KEY_SIZE. */
TG_MUST_CHECK bool tg_page_row_text(struct tg_page *page, const char *key);
/* Closes the array, writes `next`, closes the object. */
void tg_page_close(struct tg_page *page);
/* The same without closing the object, for lists with more members. */
void tg_page_end_rows(struct tg_page *page);

#endif
