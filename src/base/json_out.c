#include "base/json_out.h"

#include <string.h>

#include "base/str.h"

struct tg_jo tg_jo(struct tg_buf *buf)
{
    return (struct tg_jo){.buf = buf};
}

/* Bytes that stand in JSON as they are: printable ASCII but for ", \\ and <. */
static bool is_plain(unsigned char c)
{
    static const bool special[256] = {['"'] = true, ['\\'] = true, ['<'] = true};

    return c >= 0x20 && c < 0x80 && !special[c];
}

static size_t plain_len(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && is_plain((unsigned char)text[at]))
        at++;
    return at;
}

static void add_escaped(struct tg_buf *b, const char *text, size_t len)
{
    size_t at = 0;

    tg_buf_add(b, "\"", 1);
    while (at < len) {
        size_t run = at + plain_len(text + at, len - at);
        unsigned char c;
        size_t width;

        tg_buf_add(b, text + at, run - at);
        at = run;
        if (at == len)
            break;
        c = (unsigned char)text[at];
        if (c < 0x80) {
            if (c == '"' || c == '\\')
                tg_buf_printf(b, "\\%c", c);
            else if (c == '\n')
                tg_buf_add(b, "\\n", 2);
            else
                tg_buf_printf(b, "\\u%04x", (unsigned)c);
            at++;
            continue;
        }
        width = tg_utf8_len(text + at, len - at);
        if (width == 0) {
            tg_buf_add(b, "\\ufffd", 6);
            at++;
        } else if (width == 3 && memcmp(text + at, "\xe2\x80\xa8", 2) == 0 &&
                   ((unsigned char)text[at + 2] & 0xfe) == 0xa8) {
            tg_buf_add_str(b, (unsigned char)text[at + 2] == 0xa8 ? "\\u2028" : "\\u2029");
            at += width;
        } else {
            tg_buf_add(b, text + at, width);
            at += width;
        }
    }
    tg_buf_add(b, "\"", 1);
}

/* Nearly all texts need no escapes: one look at the room, one copy. `mark` follows the quotes; 0 =
 * nothing does. */
static void add_text(struct tg_buf *b, const char *text, size_t len, char mark)
{
    uint8_t *room;

    if (plain_len(text, len) < len) {
        add_escaped(b, text, len);
        if (mark != 0)
            tg_buf_add(b, &mark, 1);
        return;
    }
    room = tg_buf_room(b, len + 2 + (mark != 0)); /* behind it stays a byte for the NUL */
    if (room == NULL)
        return;
    room[0] = '"';
    memcpy(room + 1, text, len);
    room[len + 1] = '"';
    room[len + 2] = (uint8_t)mark;
    b->len += len + 2 + (mark != 0);
}

static void lead(struct tg_jo *j, const char *key)
{
    if (j->comma)
        tg_buf_add(j->buf, ",", 1);
    j->comma = true;
    if (key != NULL)
        add_text(j->buf, key, strlen(key), ':');
}

static void open_with(struct tg_jo *j, const char *key, const char *mark)
{
    lead(j, key);
    tg_buf_add(j->buf, mark, 1);
    j->comma = false;
}

static void close_with(struct tg_jo *j, const char *mark)
{
    tg_buf_add(j->buf, mark, 1);
    j->comma = true;
}

void tg_jo_obj(struct tg_jo *j, const char *key)
{
    open_with(j, key, "{");
}

void tg_jo_end_obj(struct tg_jo *j)
{
    close_with(j, "}");
}

void tg_jo_arr(struct tg_jo *j, const char *key)
{
    open_with(j, key, "[");
}

void tg_jo_end_arr(struct tg_jo *j)
{
    close_with(j, "]");
}

void tg_jo_str(struct tg_jo *j, const char *key, const char *text)
{
    if (text == NULL)
        tg_jo_null(j, key);
    else
        tg_jo_strn(j, key, text, strlen(text));
}

void tg_jo_strn(struct tg_jo *j, const char *key, const char *text, size_t len)
{
    lead(j, key);
    add_text(j->buf, text, len, 0);
}

void tg_jo_int(struct tg_jo *j, const char *key, int64_t value)
{
    char digits[20]; /* of 2^64 at most */
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    lead(j, key);
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        tg_buf_add(j->buf, "-", 1);
    tg_buf_add(j->buf, digits + at, sizeof(digits) - at);
}

void tg_jo_bool(struct tg_jo *j, const char *key, bool value)
{
    lead(j, key);
    tg_buf_add_str(j->buf, value ? "true" : "false");
}

void tg_jo_null(struct tg_jo *j, const char *key)
{
    lead(j, key);
    tg_buf_add(j->buf, "null", 4);
}

void tg_jo_raw(struct tg_jo *j, const char *key, const char *json, size_t len)
{
    lead(j, key);
    tg_buf_add(j->buf, json, len);
}
