/*
 * channel_parse.h - one text frame of the show channel into an operation (CONTRACT: client ->
 * server).
 *
 * Checks shape only: JSON (RFC 8259; UTF-8, no duplicate keys, no NUL, depth <= 8), the fields'
 * types and lengths. Roles, rates and the shop are decided elsewhere. Fields that no operation
 * knows are ignored, so that newer pages work with an older server; null counts as absent. Pure
 * apart from jansson's memory; any thread.
 */
#ifndef TG_API_CHANNEL_PARSE_H
#define TG_API_CHANNEL_PARSE_H

#include <stddef.h>

#include "base/err.h"
#include "base/limits.h"
#include "msg/op.h"

struct tg_channel_error {
    char code[16];             /* contract code: always "bad_request" */
    char field[32];            /* the field that is wrong; "" when the frame itself is */
    char message[160];         /* plain words for a person */
    char id[TG_OP_ID_MAX + 1]; /* the reply's "re"; "" when it could not be read */
};

/*
 * Errors: LIMIT (longer than TG_WS_FRAME_MAX or nested too deep), MALFORMED (not JSON, or a field
 * is missing or wrong), UNSUPPORTED (unknown op). reterr is filled for each of them. Operations of
 * later parts (ask, vote, poll.open ...) are TG_OP_LATER with their name, once their id is valid.
 */
TG_MUST_CHECK tg_err tg_channel_parse(struct tg_op *ret, const char *text, size_t len,
                                      struct tg_channel_error *reterr);

/* "join", "chat", "cart.set" ... NULL for TG_OP_LATER and beyond. */
const char *tg_op_name(enum tg_op_kind kind);

/* An RFC 3339 time as microseconds since 1970; -1 when it is none. */
int64_t tg_time_parse(const char *text);

#endif
