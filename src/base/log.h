/*
 * log.h - one line an event: `ts level mod event key=value...` on stderr. Thread-safe.
 *
 * Service rooms log, once, where the decision is taken; base, proto, rtc, show and shop never do.
 * `event` is a fixed token. `fields` is a printf format of key=value pairs separated by blanks;
 * foreign text goes through TG_LOG_Q, which quotes it and removes control characters.
 * Never an IP address, a name, a token or an SDP above debug.
 */
#ifndef TG_BASE_LOG_H
#define TG_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum tg_log_level { TG_LOG_ERROR, TG_LOG_WARN, TG_LOG_INFO, TG_LOG_DEBUG };

/* Any thread; takes effect at once. Default: info. */
void tg_log_set_level(enum tg_log_level level);
/* error, warn, info or debug; false for anything else. */
_Bool tg_log_parse_level(enum tg_log_level *ret, const char *text);

#define tg_log_error(mod, event, ...) tg_log(TG_LOG_ERROR, mod, event, __VA_ARGS__)
#define tg_log_warn(mod, event, ...) tg_log(TG_LOG_WARN, mod, event, __VA_ARGS__)
#define tg_log_info(mod, event, ...) tg_log(TG_LOG_INFO, mod, event, __VA_ARGS__)
#define tg_log_debug(mod, event, ...) tg_log(TG_LOG_DEBUG, mod, event, __VA_ARGS__)

/* `fields` may be "%s" with "" when there are none. */
void tg_log(enum tg_log_level level, const char *mod, const char *event, const char *fields, ...)
    TG_PRINTF(4, 5);

enum { TG_LOG_Q_SIZE = 128 };
struct tg_log_q {
    char text[TG_LOG_Q_SIZE];
};
/* "\"...\"" safe to print, cut when long. Use: tg_log_info("api", "x", "name=%s", TG_LOG_Q(t)). */
struct tg_log_q tg_log_quote(const char *text, size_t len);
#define TG_LOG_Q(cstr) (tg_log_quote((cstr), strlen(cstr)).text)

/*
 * For events that repeat: counts, and lets one line through per interval with the count since.
 * Zero-initialise; one owner thread. Returns how often it happened since the last line, 0 = stay
 * silent now.
 */
struct tg_log_burst {
    tg_us next;
    uint64_t count;
};
uint64_t tg_log_burst(struct tg_log_burst *burst, tg_us now, tg_us interval_us);

#endif
