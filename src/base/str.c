#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tg_err tg_str_copy(char *out, size_t size, const char *text, size_t len)
{
    TG_ASSERT(size > 0);
    out[0] = '\0';
    if (len >= size)
        return TG_ERR_LIMIT;
    if (len > 0)
        memcpy(out, text, len);
    out[len] = '\0';
    return TG_OK;
}

void tg_str_printf(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(out, size, fmt, args);
    va_end(args);
    TG_ASSERT(len >= 0 && (size_t)len < size);
}

void tg_str_cut(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    size_t at = 0;

    TG_ASSERT(size > 0);
    if (len < size) {
        memcpy(out, text, len + 1);
        return;
    }
    while (at < len) {
        size_t width = tg_utf8_len(text + at, len - at);

        if (width == 0)
            width = 1;
        if (at + width >= size)
            break;
        at += width;
    }
    memcpy(out, text, at);
    out[at] = '\0';
}

tg_err tg_parse_i64(int64_t *ret, const char *text, size_t len, int64_t min, int64_t max)
{
    bool negative = len > 0 && text[0] == '-';
    size_t at = negative ? 1 : 0;
    int64_t value = 0;

    if (at == len)
        return TG_ERR_MALFORMED;
    for (; at < len; at++) {
        int digit = text[at] - '0';

        if (digit < 0 || digit > 9)
            return TG_ERR_MALFORMED;
        /* Built downwards from zero so that INT64_MIN is reachable. */
        if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value))
            return TG_ERR_LIMIT;
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value))
        return TG_ERR_LIMIT;
    if (value < min || value > max)
        return TG_ERR_LIMIT;
    *ret = value;
    return TG_OK;
}

size_t tg_utf8_len(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t code;
    size_t width;

    if (len == 0)
        return 0;
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        width = 2;
        code = s[0] & 0x1fU;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        width = 3;
        code = s[0] & 0x0fU;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        width = 4;
        code = s[0] & 0x07U;
    } else {
        return 0;
    }
    if (width > len)
        return 0;
    for (size_t i = 1; i < width; i++) {
        if ((s[i] & 0xc0U) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3fU);
    }
    if (width == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
        return 0;
    if (width == 4 && (code < 0x10000 || code > 0x10ffff))
        return 0;
    return width;
}

size_t tg_utf8_chars(const char *text, size_t len)
{
    size_t chars = 0;

    for (size_t at = 0; at < len; chars++) {
        size_t width = tg_utf8_len(text + at, len - at);

        if (width == 0 || text[at] == '\0')
            return SIZE_MAX;
        at += width;
    }
    return chars;
}

bool tg_utf8_printable(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        size_t width = tg_utf8_len(text + at, len - at);
        unsigned char c = (unsigned char)text[at];

        if (width == 0 || c < 0x20 || c == 0x7f)
            return false;
        if (width == 2 && c == 0xc2 && (unsigned char)text[at + 1] < 0xa0)
            return false;
        at += width;
    }
    return true;
}

void tg_b64url_encode(char *out, size_t out_size, const void *data, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const uint8_t *in = data;
    size_t at = 0;

    TG_ASSERT(out_size > (len * 4 + 2) / 3);
    for (size_t i = 0; i < len; i += 3) {
        size_t have = TG_MIN(len - i, (size_t)3);
        uint32_t word = (uint32_t)in[i] << 16;

        if (have > 1)
            word |= (uint32_t)in[i + 1] << 8;
        if (have > 2)
            word |= in[i + 2];
        for (size_t k = 0; k <= have; k++)
            out[at++] = alphabet[word >> (18 - 6 * k) & 63];
    }
    out[at] = '\0';
}

static int b64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

tg_err tg_b64url_decode(void *out, size_t cap, size_t *ret_len, const char *text, size_t len)
{
    uint8_t *bytes = out;
    uint32_t word = 0;
    unsigned bits = 0;
    size_t at = 0;

    if (len % 4 == 1)
        return TG_ERR_MALFORMED;
    for (size_t i = 0; i < len; i++) {
        int value = b64_value(text[i]);

        if (value < 0)
            return TG_ERR_MALFORMED;
        word = word << 6 | (uint32_t)value;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (at == cap)
            return TG_ERR_LIMIT;
        bytes[at++] = (uint8_t)(word >> bits);
        word &= (1U << bits) - 1;
    }
    if (word != 0)
        return TG_ERR_MALFORMED;
    *ret_len = at;
    return TG_OK;
}

void tg_hex_encode(char *out, size_t out_size, const void *data, size_t len)
{
    const uint8_t *in = data;

    TG_ASSERT(out_size > len * 2);
    for (size_t i = 0; i < len; i++) {
        out[i * 2] = "0123456789abcdef"[in[i] >> 4];
        out[i * 2 + 1] = "0123456789abcdef"[in[i] & 15];
    }
    out[len * 2] = '\0';
}

bool tg_secret_equal(const void *a, size_t a_len, const void *b, size_t b_len)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    unsigned diff = 0;

    if (a_len != b_len)
        return false;
    for (size_t i = 0; i < a_len; i++)
        diff |= (unsigned)x[i] ^ y[i];
    return diff == 0;
}
