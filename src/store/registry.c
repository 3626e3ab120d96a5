#include "store/registry.h"

#include <stdatomic.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/str.h"
#include "base/thread.h"
#include "shop/idem.h"

enum {
    PLACES = 1 << 20
}; /* 2 MB, touched where people are; 100,000 of them: one yes in ten wrong */
enum { PREFIX_LEN = 3, SECRET_LEN = 32, PERSON_HASH_LEN = 16, CODE_LEN = 16 };

struct code {
    uint8_t hash[32];
    tg_us ends_wall_us; /* 0 = free */
    struct tg_code_grant grant;
};

struct tg_registry {
    struct tg_mutex lock;
    struct tg_show_info *shows[TG_SHOWS_MAX] TG_GUARDED_BY(lock); /* by ordinal */
    struct tg_map show_by_id TG_GUARDED_BY(lock);
    struct tg_map token_by_id TG_GUARDED_BY(lock); /* owns the tg_token_info */
    struct tg_map token_by_hash TG_GUARDED_BY(lock);
    struct code codes[TG_CODES_MAX] TG_GUARDED_BY(lock);
    uint64_t people_secret;
    _Atomic uint16_t people[PLACES]; /* owners of sockets, counted by digest */
};

/* Where tokens are found; one pair is the registry's, another one is built beside it. */
struct finders {
    struct tg_map *by_id;
    struct tg_map *by_hash;
};

static void swap(struct tg_map *a, struct tg_map *b)
{
    struct tg_map kept = *a;

    *a = *b;
    *b = kept;
}

static tg_err put_token(const struct finders *f, struct tg_token_info *t)
{
    tg_err err;

    if (f->by_id->count >= TG_TOKENS_MAX)
        return TG_ERR_LIMIT;
    err = tg_map_put(f->by_hash, t->hash, sizeof(t->hash), t);
    if (err != TG_OK)
        return err;
    err = tg_map_put(f->by_id, t->id, strlen(t->id), t);
    if (err != TG_OK)
        (void)tg_map_del(f->by_hash, t->hash, sizeof(t->hash)); /* put just above */
    return err;
}

static tg_err put_copy(const struct finders *f, const struct tg_token_info *t)
{
    struct tg_token_info *copy = tg_calloc(1, sizeof(*copy));
    tg_err err;

    if (copy == NULL)
        return TG_ERR_NOMEM;
    *copy = *t;
    err = put_token(f, copy);
    if (err != TG_OK)
        tg_free(copy);
    return err;
}

static void free_tokens(const struct finders *f)
{
    struct tg_token_info *token;
    size_t cursor = 0;

    while ((token = tg_map_each(f->by_id, &cursor)) != NULL)
        tg_free(token);
    tg_map_done(f->by_id);
    tg_map_done(f->by_hash);
}

tg_err tg_registry_new(struct tg_registry **ret)
{
    struct tg_rng rng = tg_rng_os();
    struct tg_registry *reg = tg_calloc(1, sizeof(*reg));

    if (reg == NULL)
        return TG_ERR_NOMEM;
    tg_mutex_init(&reg->lock);
    tg_map_init(&reg->show_by_id, &rng);
    tg_map_init(&reg->token_by_id, &rng);
    tg_map_init(&reg->token_by_hash, &rng);
    reg->people_secret = tg_rng_u64(&rng);
    *ret = reg;
    return TG_OK;
}

void tg_registry_free(struct tg_registry *reg)
{
    if (reg == NULL)
        return;
    tg_mutex_lock(&reg->lock);
    for (size_t i = 0; i < TG_SHOWS_MAX; i++)
        tg_free(reg->shows[i]);
    tg_map_done(&reg->show_by_id);
    free_tokens(&(struct finders){&reg->token_by_id, &reg->token_by_hash});
    tg_mutex_unlock(&reg->lock);
    tg_mutex_done(&reg->lock);
    tg_free(reg);
}

/* --- shows --- */

tg_err tg_registry_show_put(struct tg_registry *reg, const struct tg_show_info *show)
{
    struct tg_show_info *copy;
    tg_err err = TG_OK;

    if (show->ord >= TG_SHOWS_MAX)
        return TG_ERR_LIMIT;
    copy = tg_calloc(1, sizeof(*copy));
    if (copy == NULL)
        return TG_ERR_NOMEM;
    *copy = *show;
    tg_mutex_lock(&reg->lock);
    if (reg->shows[show->ord] != NULL)
        err = TG_ERR_CONFLICT;
    else
        err = tg_map_put(&reg->show_by_id, copy->id, strlen(copy->id), copy);
    if (err == TG_OK)
        reg->shows[show->ord] = copy;
    tg_mutex_unlock(&reg->lock);
    if (err != TG_OK)
        tg_free(copy);
    return err;
}

tg_err tg_registry_show_get(struct tg_registry *reg, const char *id, size_t len,
                            struct tg_show_info *ret)
{
    const struct tg_show_info *found;

    tg_mutex_lock(&reg->lock);
    found = tg_map_get(&reg->show_by_id, id, len);
    if (found != NULL)
        *ret = *found;
    tg_mutex_unlock(&reg->lock);
    return found != NULL ? TG_OK : TG_ERR_NOTFOUND;
}

tg_err tg_registry_show_at(struct tg_registry *reg, uint16_t ord, struct tg_show_info *ret)
{
    const struct tg_show_info *found;

    if (ord >= TG_SHOWS_MAX)
        return TG_ERR_NOTFOUND;
    tg_mutex_lock(&reg->lock);
    found = reg->shows[ord];
    if (found != NULL)
        *ret = *found;
    tg_mutex_unlock(&reg->lock);
    return found != NULL ? TG_OK : TG_ERR_NOTFOUND;
}

size_t tg_registry_shows(struct tg_registry *reg, struct tg_show_info *out, size_t max)
{
    size_t count = 0;

    tg_mutex_lock(&reg->lock);
    for (size_t i = 0; i < TG_SHOWS_MAX && count < max; i++)
        if (reg->shows[i] != NULL)
            out[count++] = *reg->shows[i];
    tg_mutex_unlock(&reg->lock);
    return count;
}

void tg_registry_show_set_state(struct tg_registry *reg, uint16_t ord, enum tg_show_state state)
{
    TG_ASSERT(ord < TG_SHOWS_MAX);
    tg_mutex_lock(&reg->lock);
    if (reg->shows[ord] != NULL)
        reg->shows[ord]->state = state;
    tg_mutex_unlock(&reg->lock);
}

void tg_registry_show_set_on_air(struct tg_registry *reg, uint16_t ord, bool on_air)
{
    TG_ASSERT(ord < TG_SHOWS_MAX);
    tg_mutex_lock(&reg->lock);
    if (reg->shows[ord] != NULL)
        reg->shows[ord]->on_air = on_air;
    tg_mutex_unlock(&reg->lock);
}

void tg_registry_show_set_viewers(struct tg_registry *reg, uint16_t ord, uint32_t viewers)
{
    TG_ASSERT(ord < TG_SHOWS_MAX);
    tg_mutex_lock(&reg->lock);
    if (reg->shows[ord] != NULL)
        reg->shows[ord]->viewers = viewers;
    tg_mutex_unlock(&reg->lock);
}

/* --- tokens --- */

tg_err tg_registry_token_put(struct tg_registry *reg, const struct tg_token_info *t)
{
    tg_err err;

    tg_mutex_lock(&reg->lock);
    err = put_copy(&(struct finders){&reg->token_by_id, &reg->token_by_hash}, t);
    tg_mutex_unlock(&reg->lock);
    return err;
}

tg_err tg_registry_token_del(struct tg_registry *reg, const char *id)
{
    struct tg_token_info *token;

    tg_mutex_lock(&reg->lock);
    token = tg_map_del(&reg->token_by_id, id, strlen(id));
    if (token != NULL)
        (void)tg_map_del(&reg->token_by_hash, token->hash, sizeof(token->hash)); /* same token */
    tg_mutex_unlock(&reg->lock);
    tg_free(token);
    return token != NULL ? TG_OK : TG_ERR_NOTFOUND;
}

tg_err tg_registry_tokens_replace(struct tg_registry *reg, const struct tg_token_info *tokens,
                                  size_t count)
{
    struct tg_rng rng = tg_rng_os();
    struct tg_map by_id;
    struct tg_map by_hash;
    const struct finders fresh = {&by_id, &by_hash};
    tg_err err = TG_OK;

    tg_map_init(&by_id, &rng);
    tg_map_init(&by_hash, &rng);
    for (size_t i = 0; err == TG_OK && i < count; i++)
        err = put_copy(&fresh, &tokens[i]);
    if (err == TG_OK) {
        tg_mutex_lock(&reg->lock);
        swap(&reg->token_by_id, &by_id);
        swap(&reg->token_by_hash, &by_hash);
        tg_mutex_unlock(&reg->lock);
    }
    free_tokens(&fresh);
    return err;
}

/* Deleting while a map is walked is not allowed: the valid ones into new maps. */
static void drop_expired(struct tg_registry *reg, tg_us now_wall_us) TG_REQUIRES(reg->lock)
{
    struct tg_rng rng = tg_rng_os();
    struct tg_token_info *token;
    struct tg_map by_id;
    struct tg_map by_hash;
    size_t cursor = 0;
    tg_err err = TG_OK;

    tg_map_init(&by_id, &rng);
    tg_map_init(&by_hash, &rng);
    while (err == TG_OK && (token = tg_map_each(&reg->token_by_id, &cursor)) != NULL)
        if (token->expires_wall_us > now_wall_us)
            err = put_token(&(struct finders){&by_id, &by_hash}, token);
    cursor = 0;
    while (err == TG_OK && (token = tg_map_each(&reg->token_by_id, &cursor)) != NULL)
        if (token->expires_wall_us <= now_wall_us)
            tg_free(token);
    if (err == TG_OK) { /* without memory they stay, and there is no room */
        swap(&reg->token_by_id, &by_id);
        swap(&reg->token_by_hash, &by_hash);
    }
    tg_map_done(&by_id);
    tg_map_done(&by_hash);
}

size_t tg_registry_token_room(struct tg_registry *reg, tg_us now_wall_us)
{
    size_t room;

    tg_mutex_lock(&reg->lock);
    if (reg->token_by_id.count >= TG_TOKENS_MAX)
        drop_expired(reg, now_wall_us);
    room = TG_TOKENS_MAX - reg->token_by_id.count;
    tg_mutex_unlock(&reg->lock);
    return room;
}

tg_err tg_registry_token_get(struct tg_registry *reg, const char *id, struct tg_token_info *ret)
{
    const struct tg_token_info *found;

    tg_mutex_lock(&reg->lock);
    found = tg_map_get_str(&reg->token_by_id, id);
    if (found != NULL)
        *ret = *found;
    tg_mutex_unlock(&reg->lock);
    return found != NULL ? TG_OK : TG_ERR_NOTFOUND;
}

size_t tg_registry_tokens(struct tg_registry *reg, struct tg_token_info *out, size_t max)
{
    const struct tg_token_info *token;
    size_t cursor = 0;
    size_t count = 0;

    tg_mutex_lock(&reg->lock);
    while (count < max && (token = tg_map_each(&reg->token_by_id, &cursor)) != NULL)
        out[count++] = *token;
    tg_mutex_unlock(&reg->lock);
    return count;
}

/* --- who is here --- */

static size_t place_of(const struct tg_registry *reg, const char *person)
{
    return tg_idem_digest_str(reg->people_secret, person) % PLACES;
}

void tg_registry_person_came(struct tg_registry *reg, const char *person)
{
    atomic_fetch_add_explicit(&reg->people[place_of(reg, person)], 1, memory_order_relaxed);
}

void tg_registry_person_left(struct tg_registry *reg, const char *person)
{
    TG_ASSERT(atomic_fetch_sub_explicit(&reg->people[place_of(reg, person)], 1,
                                        memory_order_relaxed) > 0);
}

bool tg_registry_person_here(const struct tg_registry *reg, const char *person)
{
    return atomic_load_explicit(&reg->people[place_of(reg, person)], memory_order_relaxed) > 0;
}

/* prefix + base64url that decodes to exactly `bytes` bytes. */
static bool secret_shaped(const char *prefix, size_t bytes, const char *text, size_t len)
{
    uint8_t secret[SECRET_LEN];
    size_t got = 0;
    bool good;

    if (len != PREFIX_LEN + (bytes * 4 + 2) / 3 || memcmp(text, prefix, PREFIX_LEN) != 0)
        return false;
    good = tg_b64url_decode(secret, sizeof(secret), &got, text + PREFIX_LEN, len - PREFIX_LEN) ==
               TG_OK &&
           got == bytes;
    OPENSSL_cleanse(secret, sizeof(secret));
    return good;
}

tg_err tg_registry_token_check(struct tg_registry *reg, tg_us now_wall_us, const char *text,
                               size_t len, struct tg_token_info *ret)
{
    const struct tg_token_info *found;
    uint8_t hash[32];
    bool good;

    if (!secret_shaped("tg_", SECRET_LEN, text, len))
        return TG_ERR_AUTH;
    tg_token_hash(hash, text, len);
    tg_mutex_lock(&reg->lock);
    found = tg_map_get(&reg->token_by_hash, hash, sizeof(hash));
    good = found != NULL && found->expires_wall_us > now_wall_us;
    if (good)
        *ret = *found;
    tg_mutex_unlock(&reg->lock);
    return good ? TG_OK : TG_ERR_AUTH;
}

void tg_token_hash(uint8_t ret_hash[32], const char *text, size_t len)
{
    /* Fails only without memory or without a provider: nobody may log in then, and nobody is
     * told why in a way that helps an attacker. */
    TG_ASSERT(EVP_Digest(text, len, ret_hash, NULL, EVP_sha256(), NULL) == 1);
}

static void mint(char *out, size_t size, const char *prefix, size_t bytes)
{
    struct tg_rng rng = tg_rng_os();
    uint8_t secret[SECRET_LEN];

    TG_ASSERT(bytes <= sizeof(secret));
    tg_rng_bytes(&rng, secret, bytes);
    memcpy(out, prefix, PREFIX_LEN);
    tg_b64url_encode(out + PREFIX_LEN, size - PREFIX_LEN, secret, bytes);
    OPENSSL_cleanse(secret, sizeof(secret));
}

void tg_token_mint(char out[TG_TOKEN_SIZE], uint8_t ret_hash[32])
{
    mint(out, TG_TOKEN_SIZE, "tg_", SECRET_LEN);
    tg_token_hash(ret_hash, out, strlen(out));
}

void tg_resume_mint(char out[TG_TOKEN_SIZE])
{
    mint(out, TG_TOKEN_SIZE, "tp_", SECRET_LEN);
}

/* --- one-time codes --- */

/* A free place: an unused or expired one, else the oldest of a maker who has many; NULL: none. */
static struct code *place_for(struct tg_registry *reg, tg_us now_wall_us, const char *maker)
    TG_REQUIRES(reg->lock)
{
    struct code *empty = NULL;
    struct code *oldest = NULL;
    size_t own = 0;

    for (size_t i = 0; i < TG_CODES_MAX; i++) {
        struct code *c = &reg->codes[i];

        if (c->ends_wall_us <= now_wall_us) {
            empty = c;
        } else if (strcmp(c->grant.maker, maker) == 0) {
            own++;
            if (oldest == NULL || c->ends_wall_us < oldest->ends_wall_us)
                oldest = c;
        }
    }
    return own >= TG_CODES_OF_MAKER ? oldest : empty;
}

tg_err tg_registry_code_make(struct tg_registry *reg, tg_us now_wall_us,
                             const struct tg_code_grant *grant, char ret_code[TG_CODE_SIZE])
{
    struct code made = {.ends_wall_us = now_wall_us + TG_CODE_VALID_US, .grant = *grant};
    char text[TG_CODE_SIZE];
    struct code *place;

    mint(text, sizeof(text), "tc_", CODE_LEN);
    tg_token_hash(made.hash, text, strlen(text));
    tg_mutex_lock(&reg->lock);
    place = place_for(reg, now_wall_us, grant->maker);
    if (place != NULL)
        *place = made;
    tg_mutex_unlock(&reg->lock);
    if (place != NULL)
        memcpy(ret_code, text, sizeof(text));
    OPENSSL_cleanse(text, sizeof(text));
    return place != NULL ? TG_OK : TG_ERR_LIMIT;
}

tg_err tg_registry_code_take(struct tg_registry *reg, tg_us now_wall_us, const char *text,
                             size_t len, struct tg_code_grant *ret)
{
    uint8_t hash[32];
    bool good = false;

    if (!secret_shaped("tc_", CODE_LEN, text, len))
        return TG_ERR_AUTH;
    tg_token_hash(hash, text, len);
    tg_mutex_lock(&reg->lock);
    for (size_t i = 0; i < TG_CODES_MAX; i++) {
        struct code *c = &reg->codes[i];
        const struct tg_token_info *maker;

        if (c->ends_wall_us <= now_wall_us || memcmp(c->hash, hash, sizeof(hash)) != 0)
            continue;
        maker = tg_map_get_str(&reg->token_by_id, c->grant.maker);
        good = maker != NULL && maker->expires_wall_us > now_wall_us;
        if (good)
            *ret = c->grant;
        *c = (struct code){.ends_wall_us = 0};
        break;
    }
    tg_mutex_unlock(&reg->lock);
    return good ? TG_OK : TG_ERR_AUTH;
}

tg_err tg_resume_person(char ret_id[TG_PERSON_SIZE], const char *text, size_t len)
{
    static const char salt[] = "torg person";
    char input[sizeof(salt) - 1 + TG_TOKEN_SIZE];
    uint8_t hash[32];

    if (!secret_shaped("tp_", SECRET_LEN, text, len))
        return TG_ERR_MALFORMED;
    memcpy(input, salt, sizeof(salt) - 1);
    memcpy(input + sizeof(salt) - 1, text, len);
    tg_token_hash(hash, input, sizeof(salt) - 1 + len);
    OPENSSL_cleanse(input, sizeof(input));
    ret_id[0] = 'p';
    tg_b64url_encode(ret_id + 1, TG_PERSON_SIZE - 1, hash, PERSON_HASH_LEN);
    return TG_OK;
}

void tg_show_info_write(struct tg_jo *j, const char *key, const struct tg_show_info *show)
{
    char created[TG_RFC3339_SIZE];

    tg_rfc3339(created, show->created_wall_us);
    tg_jo_obj(j, key);
    tg_jo_str(j, "id", show->id);
    tg_jo_str(j, "title", show->title);
    tg_jo_str(j, "state", tg_show_state_name(show->state));
    tg_jo_bool(j, "on_air", show->on_air);
    tg_jo_int(j, "viewers", show->viewers);
    tg_jo_bool(j, "demo", show->demo);
    tg_jo_str(j, "created", created);
    tg_jo_end_obj(j);
}
