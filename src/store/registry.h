/*
 * registry.h - the node's directory of shows and tokens, in memory. Thread-safe (one mutex, held
 * for a lookup and a copy).
 *
 * Filled from the database at start; sale changes it right after the commit that made the change,
 * so a revoked token stops working at once. Web workers check bearer tokens here, rtmp (through a
 * callback of app/) stream keys. Tokens are looked up by the SHA-256 of their text; the text is
 * never kept.
 */
#ifndef TG_STORE_REGISTRY_H
#define TG_STORE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_out.h"
#include "msg/frame.h"
#include "msg/live.h"
#include "msg/role.h"

struct tg_registry;

struct tg_show_info {
    uint16_t ord; /* < TG_SHOWS_MAX, fixed for the life of the database */
    char id[TG_SHOW_ID_MAX + 1];
    char title[TG_TITLE_SIZE];
    enum tg_show_state state;
    bool demo;
    bool on_air;      /* a publisher sends now */
    uint32_t viewers; /* sockets joined now */
    tg_us epoch_us;   /* media time = mono now - epoch; follows from created_wall_us at start */
    tg_us created_wall_us;
};

struct tg_token_info {
    char id[24]; /* public, e.g. "t17"; what revoke takes */
    uint32_t ordinal;
    uint32_t roles;
    bool publish_only; /* a stream key: sends video to its show and nothing else */
    bool one_show;
    uint16_t show;         /* when one_show */
    tg_us expires_wall_us; /* TG_US_NEVER = never */
    char label[TG_TITLE_SIZE];
    uint8_t hash[32]; /* SHA-256 of the token text */
};

TG_MUST_CHECK tg_err tg_registry_new(struct tg_registry **ret);
void tg_registry_free(struct tg_registry *reg);

/* Shows. put: CONFLICT when the id or ordinal is taken, LIMIT beyond TG_SHOWS_MAX, NOMEM. */
TG_MUST_CHECK tg_err tg_registry_show_put(struct tg_registry *reg, const struct tg_show_info *show);
TG_MUST_CHECK tg_err tg_registry_show_get(struct tg_registry *reg, const char *id, size_t len,
                                          struct tg_show_info *ret);
TG_MUST_CHECK tg_err tg_registry_show_at(struct tg_registry *reg, uint16_t ord,
                                         struct tg_show_info *ret);
size_t tg_registry_shows(struct tg_registry *reg, struct tg_show_info *out, size_t max);
void tg_registry_show_set_state(struct tg_registry *reg, uint16_t ord, enum tg_show_state state);
void tg_registry_show_set_on_air(struct tg_registry *reg, uint16_t ord, bool on_air);
void tg_registry_show_set_viewers(struct tg_registry *reg, uint16_t ord, uint32_t viewers);

/* A show as JSON, as the API and the operator see it. */
void tg_show_info_write(struct tg_jo *j, const char *key, const struct tg_show_info *show);

/* Tokens. check: AUTH when unknown, expired or not of the form tg_ + 43 base64url characters. */
TG_MUST_CHECK tg_err tg_registry_token_put(struct tg_registry *reg, const struct tg_token_info *t);
TG_MUST_CHECK tg_err tg_registry_token_del(struct tg_registry *reg, const char *id);
/* These instead of all that were there, at once; codes stay. CONFLICT: two are alike. LIMIT, NOMEM:
 * nothing changed. */
TG_MUST_CHECK tg_err tg_registry_tokens_replace(struct tg_registry *reg,
                                                const struct tg_token_info *tokens, size_t count);
/* How many more fit (TG_TOKENS_MAX in all); when none does, expired ones are dropped first. */
size_t tg_registry_token_room(struct tg_registry *reg, tg_us now_wall_us);
/* By public id. NOTFOUND. */
TG_MUST_CHECK tg_err tg_registry_token_get(struct tg_registry *reg, const char *id,
                                           struct tg_token_info *ret);
size_t tg_registry_tokens(struct tg_registry *reg, struct tg_token_info *out, size_t max);
TG_MUST_CHECK tg_err tg_registry_token_check(struct tg_registry *reg, tg_us now_wall_us,
                                             const char *text, size_t len,
                                             struct tg_token_info *ret);

/*
 * Who has a socket open here: web workers tell when a person's first one comes and the last one
 * goes, the sale thread asks before it reads an order that another node changed. No lock. A yes may
 * be another person's; a no is sure.
 */
void tg_registry_person_came(struct tg_registry *reg, const char *person);
void tg_registry_person_left(struct tg_registry *reg, const char *person);
bool tg_registry_person_here(const struct tg_registry *reg, const char *person);

/*
 * One-time codes, in memory only and as hashes: what a phone may become once within five minutes.
 */
enum { TG_CODE_SIZE = 26 }; /* "tc_" + 22 characters of base64url (128 random bits) + NUL */
#define TG_CODE_VALID_US (5 * 60 * TG_US_PER_S)

struct tg_code_grant {
    char maker[24]; /* public id of the token that asked; the code ends with it */
    uint32_t roles;
    uint16_t show;
    tg_us until_wall_us; /* when the login that comes of it ends */
};

/*
 * A maker's fifth open code ends its first. LIMIT: TG_CODES_MAX are open.
 */
TG_MUST_CHECK tg_err tg_registry_code_make(struct tg_registry *reg, tg_us now_wall_us,
                                           const struct tg_code_grant *grant,
                                           char ret_code[TG_CODE_SIZE]);
/* Uses the code up. AUTH: unknown, used, expired, or its maker was revoked or has expired. */
TG_MUST_CHECK tg_err tg_registry_code_take(struct tg_registry *reg, tg_us now_wall_us,
                                           const char *text, size_t len, struct tg_code_grant *ret);

/* "tg_" + 43 characters into out[TG_TOKEN_SIZE], from the kernel's generator, and its hash. */
void tg_token_mint(char out[TG_TOKEN_SIZE], uint8_t ret_hash[32]);
void tg_token_hash(uint8_t ret_hash[32], const char *text, size_t len);
/* A resume secret "tp_" + 43 characters, and the person id that follows from it (msg/role.h). */
void tg_resume_mint(char out[TG_TOKEN_SIZE]);
/* MALFORMED unless text is "tp_" + 43 base64url characters. */
TG_MUST_CHECK tg_err tg_resume_person(char ret_id[TG_PERSON_SIZE], const char *text, size_t len);

#endif
