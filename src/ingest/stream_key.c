/*
 * stream_key.c - see stream_key.h.
 */
#include "ingest/stream_key.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool only_of(const char *text, const char *allowed)
{
    return strspn(text, allowed) == strlen(text);
}

/* The value of "key" in a query string: key=...[&...] */
static tg_err find_key(char out[TG_TOKEN_SIZE], const char *query, size_t len)
{
    static const char name[] = "key=";
    const size_t name_len = sizeof(name) - 1;

    for (size_t at = 0; at < len;) {
        size_t part = 0;

        while (at + part < len && query[at + part] != '&')
            part++;
        if (part >= name_len && memcmp(query + at, name, name_len) == 0)
            return tg_str_copy(out, TG_TOKEN_SIZE, query + at + name_len, part - name_len);
        at += part + 1;
    }
    return TG_OK;
}

tg_err tg_stream_key_parse(struct tg_stream_key *ret, const char *text)
{
    static const char show_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    static const char key_chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct tg_stream_key parsed = {.show = ""};
    size_t len = strlen(text);
    size_t name_len;
    tg_err err;

    while (len > 0 && is_blank(text[len - 1]))
        len--;
    while (len > 0 && (is_blank(*text) || *text == '/')) {
        text++;
        len--;
    }
    if (len > 3 && memcmp(text, "tg_", 3) == 0) {
        err = tg_str_copy(parsed.key, sizeof(parsed.key), text, len);
    } else {
        for (name_len = 0; name_len < len && text[name_len] != '?';)
            name_len++;
        err = tg_str_copy(parsed.show, sizeof(parsed.show), text, name_len);
        if (err == TG_OK && name_len < len)
            err = find_key(parsed.key, text + name_len + 1, len - name_len - 1);
    }
    if (err != TG_OK)
        return err;
    if (!only_of(parsed.show, show_chars) || !only_of(parsed.key, key_chars))
        return TG_ERR_MALFORMED;
    *ret = parsed;
    return TG_OK;
}
