#include "show/replies.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/str.h"

enum { REFUSAL_MS = 10 * 60 * 1000, KEY_SIZE = 128 };

struct tg_reply {
    struct tg_reply *next;
    int64_t at_ms;
    uint64_t content;
    size_t key_len;
    size_t json_len;
    char bytes[]; /* key, then json */
};

void tg_replies_init(struct tg_replies *r, struct tg_rng *rng)
{
    *r = (struct tg_replies){0};
    tg_map_init(&r->map, rng);
}

static void drop_first(struct tg_replies *r, struct tg_reply_list *list)
{
    struct tg_reply *old = list->first;

    TG_ASSERT(old != NULL);
    list->first = old->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    (void)tg_map_del(&r->map, old->bytes, old->key_len);
    tg_free(old);
}

void tg_replies_done(struct tg_replies *r)
{
    while (r->done.first != NULL)
        drop_first(r, &r->done);
    while (r->refused.first != NULL)
        drop_first(r, &r->refused);
    tg_map_done(&r->map);
}

/* 23 characters of person, 10 of operation and 64 of id: always fits. */
static size_t write_key(char out[KEY_SIZE], const struct tg_reply_key *key)
{
    tg_str_printf(out, KEY_SIZE, "%s %s %s", key->person, key->op, key->id);
    return strlen(out);
}

static void forget_old_refusals(struct tg_replies *r, int64_t now_ms)
{
    while (r->refused.first != NULL && now_ms - r->refused.first->at_ms >= REFUSAL_MS)
        drop_first(r, &r->refused);
}

tg_err tg_replies_find(struct tg_replies *r, int64_t now_ms, const struct tg_reply_key *key,
                       const char **ret_json, size_t *ret_len)
{
    char name[KEY_SIZE];
    size_t len = write_key(name, key);
    const struct tg_reply *old;

    forget_old_refusals(r, now_ms);
    old = tg_map_get(&r->map, name, len);
    if (old == NULL)
        return TG_ERR_NOTFOUND;
    if (old->content != key->content)
        return TG_ERR_CONFLICT;
    *ret_json = old->bytes + old->key_len;
    *ret_len = old->json_len;
    return TG_OK;
}

void tg_replies_put(struct tg_replies *r, int64_t now_ms, const struct tg_reply_key *key,
                    bool refused, const char *json, size_t len)
{
    struct tg_reply_list *list = refused ? &r->refused : &r->done;
    size_t max = refused ? TG_SHOW_REFUSALS_MAX : TG_SHOW_REPLIES_MAX;
    char name[KEY_SIZE];
    size_t key_len = write_key(name, key);
    struct tg_reply *reply = tg_calloc(1, sizeof(*reply) + key_len + len);

    if (reply == NULL)
        return;
    reply->at_ms = now_ms;
    reply->content = key->content;
    reply->key_len = key_len;
    reply->json_len = len;
    memcpy(reply->bytes, name, key_len);
    memcpy(reply->bytes + key_len, json, len);
    if (tg_map_put(&r->map, reply->bytes, key_len, reply) != TG_OK) {
        tg_free(reply); /* no memory, or known already (a journal that repeats itself) */
        return;
    }
    if (list->last != NULL)
        list->last->next = reply;
    else
        list->first = reply;
    list->last = reply;
    list->count++;
    if (list->count > max)
        drop_first(r, list);
}

/* FNV-1a with the terminating NUL, so that ("ab", "c") and ("a", "bc") differ. */
uint64_t tg_reply_content(uint64_t content, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    if (content == 0)
        content = UINT64_C(0xcbf29ce484222325);
    for (;; s++) {
        content = (content ^ *s) * UINT64_C(0x100000001b3);
        if (*s == '\0')
            return content;
    }
}
