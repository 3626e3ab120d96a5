#include "base/err.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"

const char *tg_err_name(tg_err err)
{
    static const char *const names[TG_ERR_COUNT] = {
        [TG_OK] = "ok",
        [TG_ERR_NOMEM] = "nomem",
        [TG_ERR_LIMIT] = "limit",
        [TG_ERR_TRUNCATED] = "truncated",
        [TG_ERR_MALFORMED] = "malformed",
        [TG_ERR_UNSUPPORTED] = "unsupported",
        [TG_ERR_AUTH] = "auth",
        [TG_ERR_AGAIN] = "again",
        [TG_ERR_TIMEOUT] = "timeout",
        [TG_ERR_CLOSED] = "closed",
        [TG_ERR_NOTFOUND] = "notfound",
        [TG_ERR_CONFLICT] = "conflict",
        [TG_ERR_IO] = "io",
        [TG_ERR_BUG] = "bug",
    };

    return (unsigned)err < TG_ERR_COUNT ? names[err] : "unknown";
}

_Noreturn void tg_assert_failed(const char *cond, const char *file, int line)
{
    void *frames[32];
    int depth;

    (void)fprintf(stderr, "torg: assertion failed: %s (%s:%d)\n", cond, file, line);
    depth = backtrace(frames, (int)TG_ARRAY_LEN(frames));
    backtrace_symbols_fd(frames, depth, STDERR_FILENO);
    abort();
}
