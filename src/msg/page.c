#include "msg/page.h"

#include <string.h>

#include "base/str.h"

tg_err tg_cursor_text(char *ret, size_t size, const char *cursor, char list)
{
    char plain[TG_PAGE_KEY_SIZE + 1];
    size_t len = 0;

    if (cursor[0] == '\0') {
        ret[0] = '\0';
        return TG_OK;
    }
    if (tg_b64url_decode(plain, sizeof(plain), &len, cursor, strlen(cursor)) != TG_OK || len < 2 ||
        plain[0] != list || !tg_utf8_printable(plain, len))
        return TG_ERR_MALFORMED;
    return tg_str_copy(ret, size, plain + 1, len - 1) == TG_OK ? TG_OK : TG_ERR_MALFORMED;
}

tg_err tg_cursor_number(int64_t *ret, const char *cursor, char list, int64_t start)
{
    char text[TG_PAGE_KEY_SIZE];

    if (cursor[0] == '\0') {
        *ret = start;
        return TG_OK;
    }
    if (tg_cursor_text(text, sizeof(text), cursor, list) != TG_OK ||
        tg_parse_i64(ret, text, strlen(text), 0, INT64_MAX) != TG_OK)
        return TG_ERR_MALFORMED;
    return TG_OK;
}

void tg_page_open(struct tg_page *page, struct tg_jo *j, char list, uint32_t limit,
                  const char *name)
{
    *page = (struct tg_page){.j = j, .list = list};
    page->limit = limit < 1 || limit > TG_PAGE_LIMIT_MAX ? TG_PAGE_LIMIT_MAX : limit;
    tg_jo_obj(j, NULL);
    tg_jo_arr(j, name);
}

bool tg_page_row_text(struct tg_page *page, const char *key)
{
    if (page->count == page->limit) {
        page->more = true;
        return false;
    }
    page->count++;
    tg_str_printf(page->last, sizeof(page->last), "%s", key);
    return true;
}

bool tg_page_row(struct tg_page *page, int64_t key)
{
    char text[24];

    tg_str_printf(text, sizeof(text), "%lld", (long long)key);
    return tg_page_row_text(page, text);
}

void tg_page_end_rows(struct tg_page *page)
{
    char plain[TG_PAGE_KEY_SIZE + 1];

    tg_jo_end_arr(page->j);
    if (!page->more) {
        tg_jo_null(page->j, "next");
        return;
    }
    tg_str_printf(plain, sizeof(plain), "%c%s", page->list, page->last);
    tg_b64url_encode(page->next, sizeof(page->next), plain, strlen(plain));
    tg_jo_str(page->j, "next", page->next);
}

void tg_page_close(struct tg_page *page)
{
    tg_page_end_rows(page);
    tg_jo_end_obj(page->j);
}
