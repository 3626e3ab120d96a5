/*
 * stream_key.h - what an encoder's "stream key" field holds: "{show}?key={key}", or the key alone.
 * Pure. Keys look like tg_ + 43 characters of base64url (CONTRACT: roles and tokens).
 */
#ifndef TG_INGEST_STREAM_KEY_H
#define TG_INGEST_STREAM_KEY_H

#include "base/err.h"
#include "base/limits.h"

struct tg_stream_key {
    char show[TG_SHOW_ID_MAX + 1]; /* "" = not told */
    char key[TG_TOKEN_SIZE];       /* "" = not told */
};

/*
 * Blanks around the text, a leading "/" and further query parameters are forgiven. Errors:
 * MALFORMED, LIMIT; *ret is untouched then. The key's secrecy is the caller's business.
 */
TG_MUST_CHECK tg_err tg_stream_key_parse(struct tg_stream_key *ret, const char *text);

#endif
