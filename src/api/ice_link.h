/*
 * ice_link.h - STUN and TURN servers as Link headers (RFC 9725 s4.6, RFC 8288), with passwords that
 * a TURN server checks by itself (coturn: use-auth-secret). Pure.
 *
 *   <turn:turn.example:3478?transport=udp>; rel="ice-server"; username="1790000000:torg";
 *       credential="..."; credential-type="password"
 */
#ifndef TG_API_ICE_LINK_H
#define TG_API_ICE_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/macros.h"

enum {
    TG_ICE_SERVERS_MAX = 8, /* headers of one answer; browsers slow down above four or five */
    TG_ICE_URI_MAX = 255,
    TG_TURN_VALID_S = 12 * 3600, /* longer than any show */
    TG_TURN_PASSWORD_SIZE = 29,  /* base64 of 20 bytes, NUL */
    TG_ICE_LINK_SIZE = 512
};

/* stun:, stuns:, turn: or turns: and then only what a URI may hold, TG_ICE_URI_MAX at most. */
bool tg_ice_uri_ok(const char *uri);
/* base64(HMAC-SHA1(secret, username)). Errors: BUG (OpenSSL refuses). */
TG_MUST_CHECK tg_err tg_turn_password(char out[TG_TURN_PASSWORD_SIZE], const char *secret,
                                      const char *username);
/*
 * A Link header's value for a URI that is ok. turn: and turns: get a username and a password of
 * this moment unless secret is NULL. Errors: BUG.
 */
TG_MUST_CHECK tg_err tg_ice_link(char out[TG_ICE_LINK_SIZE], const char *uri, const char *secret,
                                 tg_us now_wall_us);

#endif
