/*
 * remote.h - the commands that a server's HTTP API can serve, for an operator on another machine:
 * torgctl --url https://live.shop.example --token T. The token's roles say what it may.
 */
#ifndef TG_CTL_REMOTE_H
#define TG_CTL_REMOTE_H

#include "ctl/session.h"

/* The answer in the form of app/admin.h, a new reference; also a refusal of what HTTP does not
 * serve. Blocks. */
json_t *ctl_ask_remote(const struct ctl_where *where, const json_t *request);

#endif
