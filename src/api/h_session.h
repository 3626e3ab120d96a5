/*
 * h_session.h - logging in: what a token and a one-time code share. Owner: a web worker.
 */
#ifndef TG_API_H_SESSION_H
#define TG_API_H_SESSION_H

#include "api/req.h"

/* 200 with `you` and the cookie that holds the token. */
void tg_session_answer(struct tg_req *q, const struct tg_auth *auth, const char *token);
/* Exchanges a one-time code for a token of its own, then answers as with a token. */
void tg_session_with_code(struct tg_req *q, const char *code);

#endif
