/*
 * auth.h - who is behind a token (CONTRACT: roles and tokens).
 */
#ifndef TG_API_AUTH_H
#define TG_API_AUTH_H

#include <stdbool.h>

#include "msg/role.h"
#include "store/registry.h"

enum tg_auth_kind {
    TG_AUTH_NONE,   /* nobody said who they are */
    TG_AUTH_RESUME, /* "tp_...": an anonymous viewer, the same person as before */
    TG_AUTH_STAFF,  /* "tg_...": a token of the registry */
};

struct tg_auth {
    enum tg_auth_kind kind;
    struct tg_person who; /* roles always hold TG_ROLE_VIEWER */
    bool publish_only;
    char token[24]; /* STAFF: the token's public id; else "" */
    bool one_show;
    uint16_t show; /* when one_show */
    tg_us expires_wall_us;
};

/* AUTH: the token is unknown, revoked, expired or of no known form. */
TG_MUST_CHECK tg_err tg_auth_token(struct tg_auth *ret, struct tg_registry *reg, tg_us now_wall_us,
                                   const char *text, size_t len);
/* Nobody: a viewer without an id. */
void tg_auth_nobody(struct tg_auth *ret);
/*
 * May this token act in the show with one of `roles` (0 = anyone)? False for stream keys and for
 * tokens of another show.
 */
bool tg_auth_may(const struct tg_auth *auth, uint16_t show, uint32_t roles);

#endif
