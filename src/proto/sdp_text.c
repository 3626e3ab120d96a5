/* Cutting the text of session descriptions. */
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "proto/sdp_priv.h"

struct tg_span tg_sdp_until(struct tg_rd *r, char sep)
{
    const uint8_t *hit = tg_rd_left(r) == 0 ? NULL : memchr(r->at, sep, tg_rd_left(r));
    struct tg_span part;

    if (hit == NULL)
        return tg_rd_span(r, tg_rd_left(r));
    part = tg_rd_span(r, (size_t)(hit - r->at));
    tg_rd_skip(r, 1);
    return part;
}

struct tg_span tg_sdp_word(struct tg_rd *r)
{
    while (tg_rd_left(r) > 0 && *r->at == ' ')
        tg_rd_skip(r, 1);
    return tg_sdp_until(r, ' ');
}

bool tg_sdp_is(struct tg_span s, const char *text)
{
    return s.len == strlen(text) && strncasecmp((const char *)s.data, text, s.len) == 0;
}

bool tg_sdp_starts(struct tg_span s, const char *text)
{
    size_t len = strlen(text);

    return s.len >= len && strncasecmp((const char *)s.data, text, len) == 0;
}

bool tg_sdp_number(struct tg_span s, int64_t max, int64_t *ret)
{
    return s.len > 0 && tg_parse_i64(ret, (const char *)s.data, s.len, 0, max) == TG_OK;
}

bool tg_sdp_keep(char *out, size_t size, struct tg_span s)
{
    return s.len > 0 && tg_str_copy(out, size, (const char *)s.data, s.len) == TG_OK;
}

bool tg_sdp_only(struct tg_span s, const char *alphabet)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\0' || strchr(alphabet, s.data[i]) == NULL)
            return false;
    }
    return true;
}

struct tg_span tg_sdp_line(struct tg_rd *r)
{
    struct tg_span line = tg_sdp_until(r, '\n');

    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

const char *tg_sdp_line_fault(struct tg_span line, tg_err *ret)
{
    if (line.len > TG_SDP_LINE_MAX) {
        *ret = TG_ERR_LIMIT;
        return "an SDP line is longer than 2048 bytes";
    }
    *ret = TG_ERR_MALFORMED;
    if (line.len < 2 || line.data[1] != '=')
        return "an SDP line is not of the form x=value";
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] < 0x20 && line.data[i] != '\t')
            return "an SDP line has control characters";
    }
    return NULL;
}
