#include "base/alloc.h"
#include "live/live_priv.h"

enum { GONE_MAX = 65536, GONE_US = 60 * TG_US_PER_S };

void members_init(struct members *m, struct tg_rng *rng)
{
    *m = (struct members){0};
    tg_map_init(&m->map, rng);
}

void members_done(struct members *m)
{
    struct member *member;
    size_t cursor = 0;

    while ((member = tg_map_each(&m->map, &cursor)) != NULL)
        tg_free(member);
    tg_map_done(&m->map);
}

static struct member *find(const struct members *m, const struct tg_conn *conn)
{
    struct member probe = {.key = {.mb = conn->mb, .slot = conn->slot}};

    _Static_assert(sizeof(probe.key) == sizeof(void *) + sizeof(uint64_t), "hashed as bytes");
    return tg_map_get(&m->map, &probe.key, sizeof(probe.key));
}

static struct member *add(struct members *m, const struct tg_conn *conn)
{
    struct member *member = tg_calloc(1, sizeof(*member));

    if (member == NULL)
        return NULL;
    member->key.mb = conn->mb;
    member->key.slot = conn->slot;
    member->generation = conn->generation;
    if (tg_map_put(&m->map, &member->key, sizeof(member->key), member) != TG_OK) {
        tg_free(member);
        return NULL;
    }
    return member;
}

static void take_out(struct members *m, struct member *member)
{
    (void)tg_map_del(&m->map, &member->key, sizeof(member->key));
    if (!member->gone)
        return;
    if (member->prev_gone != NULL)
        member->prev_gone->next_gone = member->next_gone;
    else
        m->first_gone = member->next_gone;
    if (member->next_gone != NULL)
        member->next_gone->prev_gone = member->prev_gone;
    else
        m->last_gone = member->prev_gone;
    m->gone_count--;
}

tg_err members_join(struct members *m, const struct tg_conn *conn, uint16_t show, bool staff,
                    struct member **ret_old)
{
    struct member *old = find(m, conn);
    struct member *member;

    if (old != NULL) {
        bool void_join = old->gone && old->generation == conn->generation;

        take_out(m, old);
        if (old->gone) {
            tg_free(old);
            old = NULL;
        }
        if (void_join)
            return TG_ERR_CLOSED;
    }
    member = add(m, conn);
    *ret_old = old;
    if (member == NULL)
        return TG_ERR_NOMEM;
    member->show = show;
    member->staff = staff;
    return TG_OK;
}

static void remember_gone(struct members *m, const struct tg_conn *conn, tg_us now)
{
    struct member *member = add(m, conn);

    if (member == NULL)
        return; /* the count of viewers will be one too high */
    member->gone = true;
    member->gone_at = now;
    member->prev_gone = m->last_gone;
    if (m->last_gone != NULL)
        m->last_gone->next_gone = member;
    else
        m->first_gone = member;
    m->last_gone = member;
    m->gone_count++;
    if (m->gone_count > GONE_MAX) {
        struct member *oldest = m->first_gone;

        take_out(m, oldest);
        tg_free(oldest);
    }
}

struct member *members_leave(struct members *m, const struct tg_conn *conn, tg_us now)
{
    struct member *member = find(m, conn);

    if (member != NULL && !member->gone && member->generation == conn->generation) {
        take_out(m, member);
        return member;
    }
    /* A slot's generations grow: an older one has nothing to do with who is in now. */
    if (member != NULL && (int32_t)(conn->generation - member->generation) <= 0)
        return NULL;
    if (member != NULL)
        take_out(m, member);
    remember_gone(m, conn, now);
    if (member != NULL && member->gone) {
        tg_free(member);
        member = NULL;
    }
    return member;
}

void members_expire(struct members *m, tg_us now)
{
    while (m->first_gone != NULL && now - m->first_gone->gone_at >= GONE_US) {
        struct member *oldest = m->first_gone;

        take_out(m, oldest);
        tg_free(oldest);
    }
}
