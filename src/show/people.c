#include "show/people.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/str.h"

struct mute {
    int64_t until_ms;
    char id[TG_SHOW_PERSON_ID_SIZE];
};

void tg_people_init(struct tg_people *p, struct tg_rng *rng)
{
    *p = (struct tg_people){0};
    tg_map_init(&p->speakers, rng);
    tg_map_init(&p->mutes, rng);
}

void tg_people_done(struct tg_people *p)
{
    struct mute *mute;
    size_t cursor = 0;

    while (p->newest != NULL) {
        struct tg_speaker *next = p->newest->older;

        tg_free(p->newest);
        p->newest = next;
    }
    while ((mute = tg_map_each(&p->mutes, &cursor)) != NULL)
        tg_free(mute);
    tg_map_done(&p->speakers);
    tg_map_done(&p->mutes);
}

static void unlink_speaker(struct tg_people *p, struct tg_speaker *s)
{
    if (s->newer != NULL)
        s->newer->older = s->older;
    else
        p->newest = s->older;
    if (s->older != NULL)
        s->older->newer = s->newer;
    else
        p->oldest = s->newer;
}

static void link_newest(struct tg_people *p, struct tg_speaker *s)
{
    s->newer = NULL;
    s->older = p->newest;
    if (p->newest != NULL)
        p->newest->newer = s;
    else
        p->oldest = s;
    p->newest = s;
}

struct tg_speaker *tg_people_speaker(struct tg_people *p, const char *id)
{
    struct tg_speaker *s = tg_map_get_str(&p->speakers, id);

    if (s != NULL) {
        unlink_speaker(p, s);
        link_newest(p, s);
        return s;
    }
    s = tg_calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    tg_str_printf(s->id, sizeof(s->id), "%s", id);
    s->spoke_ms = -1;
    s->shown_ms = -1;
    if (tg_map_put(&p->speakers, s->id, strlen(s->id), s) != TG_OK) {
        tg_free(s);
        return NULL;
    }
    link_newest(p, s);
    if (p->speakers.count > TG_SHOW_PEOPLE_MAX) {
        struct tg_speaker *gone = p->oldest;

        unlink_speaker(p, gone);
        (void)tg_map_del(&p->speakers, gone->id, strlen(gone->id));
        tg_free(gone);
    }
    return s;
}

static void unmute(struct tg_people *p, const char *id)
{
    /* `id` may be the record's own: the map compares before the record is freed. */
    tg_free(tg_map_del(&p->mutes, id, strlen(id)));
}

/* Deleting while iterating is not allowed, so one expired mute goes per pass; full is rare. */
static void drop_one_expired(struct tg_people *p, int64_t now_ms)
{
    const struct mute *mute;
    size_t cursor = 0;

    while ((mute = tg_map_each(&p->mutes, &cursor)) != NULL) {
        if (mute->until_ms <= now_ms) {
            unmute(p, mute->id);
            return;
        }
    }
}

tg_err tg_people_mute(struct tg_people *p, const char *id, int64_t now_ms, int64_t until_ms)
{
    struct mute *mute = tg_map_get_str(&p->mutes, id);
    tg_err err;

    if (strlen(id) >= sizeof(mute->id))
        return TG_ERR_MALFORMED;
    if (until_ms <= now_ms) {
        unmute(p, id);
        return TG_OK;
    }
    if (mute != NULL) {
        mute->until_ms = until_ms;
        return TG_OK;
    }
    if (p->mutes.count >= TG_SHOW_MUTES_MAX)
        drop_one_expired(p, now_ms);
    if (p->mutes.count >= TG_SHOW_MUTES_MAX)
        return TG_ERR_LIMIT;
    mute = tg_calloc(1, sizeof(*mute));
    if (mute == NULL)
        return TG_ERR_NOMEM;
    mute->until_ms = until_ms;
    tg_str_printf(mute->id, sizeof(mute->id), "%s", id);
    err = tg_map_put(&p->mutes, mute->id, strlen(mute->id), mute);
    if (err != TG_OK)
        tg_free(mute);
    return err;
}

int64_t tg_people_muted_ms(struct tg_people *p, const char *id, int64_t now_ms)
{
    const struct mute *mute = tg_map_get_str(&p->mutes, id);

    if (mute == NULL)
        return 0;
    if (mute->until_ms > now_ms)
        return mute->until_ms - now_ms;
    unmute(p, id);
    return 0;
}
