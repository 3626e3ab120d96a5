#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static atomic_int level_max = TG_LOG_INFO;

void tg_log_set_level(enum tg_log_level level)
{
    atomic_store(&level_max, (int)level);
}

_Bool tg_log_parse_level(enum tg_log_level *ret, const char *text)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum tg_log_level)i;
            return 1;
        }
    }
    return 0;
}

void tg_log(enum tg_log_level level, const char *mod, const char *event, const char *fields, ...)
{
    char line[1024];
    char ts[TG_RFC3339_SIZE];
    va_list args;
    size_t len;
    int more;

    if ((int)level > atomic_load_explicit(&level_max, memory_order_relaxed))
        return;
    tg_rfc3339(ts, tg_clock_wall());
    len = (size_t)snprintf(line, 256, "%s %s %s %s ", ts, level_names[level], mod, event);
    len = TG_MIN(len, (size_t)255);
    va_start(args, fields);
    more = vsnprintf(line + len, sizeof(line) - len - 1, fields, args);
    va_end(args);
    if (more > 0)
        len += TG_MIN((size_t)more, sizeof(line) - len - 2);
    while (len > 0 && line[len - 1] == ' ')
        len--;
    line[len++] = '\n';
    /* One write a line keeps lines of several threads whole; a lost log line is not worth failing.
     */
    (void)!write(STDERR_FILENO, line, len);
}

struct tg_log_q tg_log_quote(const char *text, size_t len)
{
    struct tg_log_q q;
    size_t out = 0;

    q.text[out++] = '"';
    for (size_t at = 0; at < len;) {
        size_t width = tg_utf8_len(text + at, len - at);
        bool plain =
            width > 0 && tg_utf8_printable(text + at, width) && text[at] != '"' && text[at] != '\\';

        if (out + (plain ? width : 1) + 2 > sizeof(q.text))
            break;
        if (plain)
            memcpy(q.text + out, text + at, width);
        else
            q.text[out] = '?';
        out += plain ? width : 1;
        at += TG_MAX(width, (size_t)1);
    }
    q.text[out++] = '"';
    q.text[out] = '\0';
    return q;
}

uint64_t tg_log_burst(struct tg_log_burst *burst, tg_us now, tg_us interval_us)
{
    uint64_t count;

    burst->count++;
    if (now < burst->next)
        return 0;
    count = burst->count;
    burst->count = 0;
    burst->next = now + interval_us;
    return count;
}
