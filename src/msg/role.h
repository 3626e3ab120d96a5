/*
 * role.h - who may do what: roles as a bit mask, and the person behind a connection or request.
 */
#ifndef TG_MSG_ROLE_H
#define TG_MSG_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lang.h"
#include "base/limits.h"

enum tg_role {
    TG_ROLE_VIEWER = 1 << 0, /* everybody */
    TG_ROLE_CUSTOMER = 1 << 1,
    TG_ROLE_ADVISOR = 1 << 2,
    TG_ROLE_MODERATOR = 1 << 3,
    TG_ROLE_HOST = 1 << 4,
    TG_ROLE_MERCHANDISER = 1 << 5,
    TG_ROLE_ADMIN = 1 << 6,
    TG_ROLE_ALL = (1 << 7) - 1,
    TG_ROLE_STAFF =
        TG_ROLE_ADVISOR | TG_ROLE_MODERATOR | TG_ROLE_HOST | TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN,
    /* Who may pin, and who may moderate: "merchandiser, host" and "moderator and up". */
    TG_ROLE_MAY_PIN = TG_ROLE_HOST | TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN,
    TG_ROLE_MAY_PRICE = TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN,
    TG_ROLE_MAY_MODERATE = TG_ROLE_MODERATOR | TG_ROLE_HOST | TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN,
    TG_ROLE_MAY_RUN = TG_ROLE_HOST | TG_ROLE_MERCHANDISER | TG_ROLE_ADMIN,
};

/* "viewer" ... "admin"; NULL for a value that is not exactly one role. */
const char *tg_role_name(uint32_t role);
/* 0 when the name is none. */
uint32_t tg_role_parse(const char *name, size_t len);

/*
 * A person's public id: "p" + base64url of the first 16 bytes of SHA-256("torg person" + secret).
 * It follows from the resume secret, so an anonymous viewer needs no row anywhere to be the same
 * person after a restart, and the id proves nothing. Staff are "s" + their token's ordinal.
 */
enum { TG_PERSON_SIZE = 24 };

struct tg_person {
    char id[TG_PERSON_SIZE];
    char name[TG_NAME_SIZE]; /* display name; "" = none given */
    uint32_t roles;          /* mask of enum tg_role */
    char lang[TG_LANG_SIZE]; /* texts are read in it where there are such; "" = as they were written
                              */
    bool one_show;           /* staff of one show: what concerns the whole shop is not theirs */
};

#endif
