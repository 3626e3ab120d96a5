#include "api/if_match.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

static const char no_tag[] = "\"\"";

/* etagc of RFC 9110 s8.8.3: no blanks, quotes or control characters. */
static bool is_tag_char(char c)
{
    unsigned char u = (unsigned char)c;

    return u == 0x21 || (u >= 0x23 && u <= 0x7e) || u >= 0x80;
}

/* One tag without its quotes from *at, which moves behind it. */
static bool read_tag(const char **at, bool *ret_weak, const char **ret_tag, size_t *ret_len)
{
    const char *c = *at;
    const char *start;

    *ret_weak = c[0] == 'W' && c[1] == '/';
    if (*ret_weak)
        c += 2;
    if (*c != '"')
        return false;
    start = ++c;
    while (is_tag_char(*c))
        c++;
    if (*c != '"')
        return false;
    *ret_tag = start;
    *ret_len = (size_t)(c - start);
    *at = c + 1;
    return true;
}

static void add_tag(char *out, size_t size, const char *tag, size_t len)
{
    size_t used = strlen(out);
    const char *between = used == 0 ? "" : ", ";
    size_t needed = strlen(between) + len + 2;

    if (len == 0 || len > TG_IF_MATCH_TAG_MAX || used + needed >= size)
        return;
    memcpy(out + used, between, strlen(between));
    used += strlen(between);
    out[used++] = '"';
    memcpy(out + used, tag, len);
    out[used + len] = '"';
    out[used + len + 1] = '\0';
}

static tg_err read_list(char *out, size_t size, const char *at)
{
    for (;;) {
        const char *tag;
        size_t len;
        bool weak;

        at += strspn(at, " \t,"); /* empty elements are legal */
        if (*at == '\0')
            return TG_OK;
        if (!read_tag(&at, &weak, &tag, &len))
            return TG_ERR_MALFORMED;
        if (!weak)
            add_tag(out, size, tag, len);
        at += strspn(at, " \t");
        if (*at != '\0' && *at != ',')
            return TG_ERR_MALFORMED;
    }
}

tg_err tg_if_match_parse(char *out, size_t size, const char *text)
{
    TG_ASSERT(size >= sizeof(no_tag));
    out[0] = '\0';
    text += strspn(text, " \t");
    if (*text == '\0')
        return TG_OK;
    if (*text == '*') {
        if (text[1 + strspn(text + 1, " \t")] != '\0')
            return TG_ERR_MALFORMED;
        memcpy(out, "*", 2);
        return TG_OK;
    }
    if (read_list(out, size, text) != TG_OK) {
        out[0] = '\0';
        return TG_ERR_MALFORMED;
    }
    if (out[0] == '\0')
        memcpy(out, no_tag, sizeof(no_tag));
    return TG_OK;
}
