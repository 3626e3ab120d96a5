/*
 * str.h - text in fixed arrays, number parsing, UTF-8, base64url, hex and comparing secrets.
 */
#ifndef TG_BASE_STR_H
#define TG_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/macros.h"

/* Copy len bytes of text into out[size] with a NUL. LIMIT when it does not fit: out is "" then. */
TG_MUST_CHECK tg_err tg_str_copy(char *out, size_t size, const char *text, size_t len);
/* Like snprintf, for texts that are known to fit: a cut is a bug (asserts). */
void tg_str_printf(char *out, size_t size, const char *fmt, ...) TG_PRINTF(3, 4);
/* Like snprintf, but a text too long is cut at a whole UTF-8 character. */
void tg_str_cut(char *out, size_t size, const char *text);

/* Whole text must be a decimal number within [min, max]; MALFORMED or LIMIT otherwise. */
TG_MUST_CHECK tg_err tg_parse_i64(int64_t *ret, const char *text, size_t len, int64_t min,
                                  int64_t max);

/* Bytes of the well-formed UTF-8 character at text (1..4), 0 when it is not one. */
size_t tg_utf8_len(const char *text, size_t len);
/* Characters in text when all of it is UTF-8 without NUL; SIZE_MAX otherwise. */
size_t tg_utf8_chars(const char *text, size_t len);
/* All bytes printable UTF-8: no C0/C1 control characters. */
bool tg_utf8_printable(const char *text, size_t len);

/* Base64url without padding (RFC 4648 s5). Encoded length is (len * 4 + 2) / 3. */
enum { TG_B64_32_BYTES = 43 }; /* encoded length of a 256-bit secret */
void tg_b64url_encode(char *out, size_t out_size, const void *data, size_t len);
/* *ret_len <= cap; MALFORMED on foreign characters, LIMIT when it does not fit. */
TG_MUST_CHECK tg_err tg_b64url_decode(void *out, size_t cap, size_t *ret_len, const char *text,
                                      size_t len);
void tg_hex_encode(char *out, size_t out_size, const void *data, size_t len);

/* Constant time in the content; false at once when the lengths differ. */
bool tg_secret_equal(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
