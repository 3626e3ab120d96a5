/*
 * sign.h - signatures of webhooks. Pure. Spec: Standard Webhooks 1.0 (standardwebhooks.com).
 *
 * A secret is "whsec_" + base64 of 24 to 64 random bytes. What is signed is
 * "{id}.{timestamp}.{body}", by HMAC-SHA256 under the bytes; the header is "v1,{base64}", several
 * separated by blanks while a secret is being replaced.
 */
#ifndef TG_OUTBOUND_SIGN_H
#define TG_OUTBOUND_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Appends "v1,<base64>" to out, after a blank when out has something already. Errors: MALFORMED
 * (no secret of that form), NOMEM. The secret's bytes are cleansed.
 */
TG_MUST_CHECK tg_err tg_hook_sign(struct tg_buf *out, const char *secret, const char *id,
                                  int64_t timestamp_s, const void *body, size_t body_len);

#endif
