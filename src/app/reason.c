#include "app/reason.h"

#include <stdarg.h>
#include <stdio.h>

tg_err tg_because(tg_err err, char *reason, size_t size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(reason, size, fmt, args); /* a cut reason is still one */
    va_end(args);
    return err;
}
