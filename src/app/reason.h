/*
 * reason.h - why torgd cannot start, in words for the operator.
 */
#ifndef TG_APP_REASON_H
#define TG_APP_REASON_H

#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

/* Writes the text (cut when it is too long) and returns err. */
tg_err tg_because(tg_err err, char *reason, size_t size, const char *fmt, ...) TG_PRINTF(4, 5);

#endif
