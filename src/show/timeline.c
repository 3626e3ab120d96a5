#include "show/timeline.h"

#include "base/alloc.h"
#include "base/macros.h"

void tg_timeline_done(struct tg_timeline *t)
{
    for (size_t i = 0; i < TG_TIMELINE_MAX; i++) {
        tg_free(t->ring[i].json);
        t->ring[i] = (struct tg_timeline_event){0};
    }
    t->count = 0;
}

tg_err tg_timeline_add(struct tg_timeline *t, const char *json, size_t len)
{
    struct tg_timeline_event *slot = &t->ring[(t->last + 1) % TG_TIMELINE_MAX];
    char *copy = tg_strndup(json, len);

    if (copy == NULL)
        return TG_ERR_NOMEM;
    tg_free(slot->json);
    *slot = (struct tg_timeline_event){.json = copy, .len = len};
    t->last++;
    if (t->count < TG_TIMELINE_MAX)
        t->count++;
    return TG_OK;
}

tg_err tg_timeline_restore(struct tg_timeline *t, int64_t seq, const char *json, size_t len)
{
    tg_err err;
    int64_t before = t->last;
    size_t count = t->count;

    if (seq <= t->last || seq == INT64_MAX)
        return TG_ERR_MALFORMED;
    if (seq != t->last + 1) {
        t->count = 0;
        t->last = seq - 1;
    }
    err = tg_timeline_add(t, json, len);
    if (err != TG_OK) {
        t->last = before;
        t->count = count;
    }
    return err;
}

bool tg_timeline_covers(const struct tg_timeline *t, int64_t since)
{
    return since >= 0 && since <= t->last && t->last - since <= (int64_t)t->count;
}

const struct tg_timeline_event *tg_timeline_at(const struct tg_timeline *t, int64_t seq)
{
    TG_ASSERT(seq <= t->last);
    TG_ASSERT(seq > t->last - (int64_t)t->count);
    return &t->ring[seq % TG_TIMELINE_MAX];
}
