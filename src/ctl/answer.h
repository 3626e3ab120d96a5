/*
 * answer.h - torgctl's requests and answers as JSON: the same object whether the server, its HTTP
 * API or this process answered. {"ok": true, ...} or {"ok": false, "message": "..."}.
 */
#ifndef TG_CTL_ANSWER_H
#define TG_CTL_ANSWER_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"

/* A member; "" when it is not there. */
const char *ctl_text(const json_t *object, const char *key);
/* A new refusal. */
json_t *ctl_refusal(const char *fmt, ...) TG_PRINTF(1, 2);
/* Adds it as one line of JSON. */
void ctl_write(struct tg_buf *out, const json_t *value);
/* The path under "file", from here; false: it is too long. (The server stands in another
 * directory.) */
bool ctl_absolute_file(json_t *request);
/* The answer for people, or as JSON; false = it was an error (people see it on stderr). */
bool ctl_print(const json_t *answer, bool as_json);

#endif
