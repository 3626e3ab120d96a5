#include "shop/idem.h"

#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"

enum { KEY_SIZE = TG_PERSON_ID_SIZE + TG_IDEM_OP_SIZE + TG_OP_ID_MAX + 1 };

struct node {
    struct tg_idem_entry entry; /* first: each_pending walks back from it */
    char key[KEY_SIZE];
    size_t key_len;
    tg_us until;
    bool pending;
    struct node *prev; /* older */
    struct node *next; /* newer */
};

struct tg_idem {
    struct tg_map map;
    struct node *oldest;
    struct node *newest;
    struct node *batch; /* first node of the running batch; NULL = none yet */
    size_t max;
};

tg_err tg_idem_new(struct tg_idem **ret, size_t max, struct tg_rng *rng)
{
    struct tg_idem *idem;

    if (max < 16 || max > TG_IDEM_CACHED)
        return TG_ERR_LIMIT;
    idem = tg_calloc(1, sizeof(*idem));
    if (idem == NULL)
        return TG_ERR_NOMEM;
    tg_map_init(&idem->map, rng);
    idem->max = max;
    *ret = idem;
    return TG_OK;
}

static void drop(struct tg_idem *idem, struct node *n)
{
    if (n->prev == NULL)
        idem->oldest = n->next;
    else
        n->prev->next = n->next;
    if (n->next == NULL)
        idem->newest = n->prev;
    else
        n->next->prev = n->prev;
    (void)tg_map_del(&idem->map, n->key, n->key_len); /* every node is in the map */
    tg_slab_unref(n->entry.reply);
    tg_free(n);
}

void tg_idem_free(struct tg_idem *idem)
{
    if (idem == NULL)
        return;
    while (idem->oldest != NULL)
        drop(idem, idem->oldest);
    tg_map_done(&idem->map);
    tg_free(idem);
}

/* The parts with a NUL between them; 0 = too long. */
static size_t key_of(char out[KEY_SIZE], const char *person, const char *op, const char *id)
{
    size_t person_len = strlen(person) + 1;
    size_t op_len = strlen(op) + 1;
    size_t id_len = strlen(id);

    if (person_len > TG_PERSON_ID_SIZE || op_len > TG_IDEM_OP_SIZE || id_len > TG_OP_ID_MAX)
        return 0;
    memcpy(out, person, person_len);
    memcpy(out + person_len, op, op_len);
    memcpy(out + person_len + op_len, id, id_len);
    return person_len + op_len + id_len;
}

const struct tg_idem_entry *tg_idem_find(const struct tg_idem *idem, tg_us now, const char *person,
                                         const char *op, const char *id)
{
    char key[KEY_SIZE];
    size_t len = key_of(key, person, op, id);
    const struct node *n = len == 0 ? NULL : tg_map_get(&idem->map, key, len);

    return n == NULL || n->until <= now ? NULL : &n->entry;
}

/* Make room: what is over first, else the oldest; never an entry of the running batch. */
static tg_err make_room(struct tg_idem *idem, tg_us now)
{
    while (idem->oldest != NULL && idem->oldest != idem->batch &&
           (idem->map.count >= idem->max || idem->oldest->until <= now))
        drop(idem, idem->oldest);
    return idem->map.count < idem->max ? TG_OK : TG_ERR_LIMIT;
}

static void append(struct tg_idem *idem, struct node *n)
{
    n->prev = idem->newest;
    if (idem->newest == NULL)
        idem->oldest = n;
    else
        idem->newest->next = n;
    idem->newest = n;
    if (idem->batch == NULL)
        idem->batch = n;
}

tg_err tg_idem_put(struct tg_idem *idem, tg_us now, const struct tg_idem_entry *entry, bool pending)
{
    struct node *n;
    tg_err err = make_room(idem, now);

    if (err != TG_OK)
        return err;
    n = tg_calloc(1, sizeof(*n));
    if (n == NULL)
        return TG_ERR_NOMEM;
    n->key_len = key_of(n->key, entry->person, entry->op, entry->id);
    err = n->key_len == 0 ? TG_ERR_LIMIT : tg_map_put(&idem->map, n->key, n->key_len, n);
    if (err != TG_OK) {
        tg_free(n);
        return err;
    }
    n->entry = *entry;
    if (entry->reply != NULL)
        n->entry.reply = tg_slab_ref(entry->reply);
    n->until = now + TG_IDEM_MEMORY_US;
    n->pending = pending;
    append(idem, n);
    return TG_OK;
}

void tg_idem_forget(struct tg_idem *idem, const char *person, const char *op, const char *id)
{
    char key[KEY_SIZE];
    size_t len = key_of(key, person, op, id);
    struct node *n = len == 0 ? NULL : tg_map_get(&idem->map, key, len);

    if (n == NULL)
        return;
    if (idem->batch == n)
        idem->batch = n->next;
    drop(idem, n);
}

const struct tg_idem_entry *tg_idem_each_pending(const struct tg_idem *idem,
                                                 const struct tg_idem_entry **cursor)
{
    const struct node *n = idem->batch;

    if (*cursor != NULL)
        n = ((const struct node *)(const void *)*cursor)->next;
    while (n != NULL && !n->pending)
        n = n->next;
    *cursor = n == NULL ? NULL : &n->entry;
    return *cursor;
}

void tg_idem_commit(struct tg_idem *idem)
{
    for (struct node *n = idem->batch; n != NULL; n = n->next) {
        n->pending = false;
        n->entry.fresh = false;
    }
    idem->batch = NULL;
}

void tg_idem_rollback(struct tg_idem *idem)
{
    struct node *next;

    for (struct node *n = idem->batch; n != NULL; n = next) {
        next = n->next;
        drop(idem, n);
    }
    idem->batch = NULL;
}

size_t tg_idem_count(const struct tg_idem *idem)
{
    return idem->map.count;
}

/* FNV-1a, 64 bits, with the length mixed in so that neighbouring fields cannot run together. */
uint64_t tg_idem_digest(uint64_t digest, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    uint64_t h = digest == 0 ? UINT64_C(0xcbf29ce484222325) : digest;

    for (size_t i = 0; i < sizeof(len); i++)
        h = (h ^ (len >> (8 * i) & 0xff)) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < len; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t tg_idem_digest_int(uint64_t digest, int64_t value)
{
    return tg_idem_digest(digest, &value, sizeof(value));
}

uint64_t tg_idem_digest_str(uint64_t digest, const char *text)
{
    return tg_idem_digest(digest, text, strlen(text));
}
