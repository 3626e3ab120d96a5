/*
 * live_priv.h - the inside of the live thread, shared by live.c, room.c, room_source.c and
 * members.c.
 */
#ifndef TG_LIVE_LIVE_PRIV_H
#define TG_LIVE_LIVE_PRIV_H

#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "live/board.h"
#include "live/live.h"
#include "live/names.h"
#include "msg/web.h"
#include "show/show.h"

/* A socket that is in, or one that left before its join came (it travels through sale). */
struct member {
    struct {
        struct tg_mailbox *mb;
        uint64_t slot;
    } key; /* no padding: it is hashed as bytes */
    uint32_t generation;
    bool gone; /* left before it joined: the join that still comes is void */
    bool staff;
    uint16_t show;
    tg_us gone_at;
    struct member *next_gone; /* oldest first */
    struct member *prev_gone;
};

struct members {
    struct tg_map map;
    struct member *first_gone;
    struct member *last_gone;
    size_t gone_count;
};

struct room {
    uint16_t ord;
    char id[TG_SHOW_ID_MAX + 1];
    char title[TG_TITLE_SIZE];
    struct tg_show *show;
    uint32_t viewers; /* sockets without a staff role */
    uint32_t staff;
    bool count_changed; /* the registry does not know yet */
    bool on_air;        /* a host's pictures flow */
    char notice[160];   /* the source's trouble, for staff; "" = none */
    bool has_source;    /* one was ever told of: */
    struct {
        enum tg_air_state state;
        enum tg_source_kind kind;
        char publisher[TG_PUBLISHER_SIZE];
        int64_t at_ms; /* media time of the last change */
    } source;
    enum tg_show_state told; /* to state_changed */
    bool comments;           /* chat lines may buy: sale reads them, too */
    struct tg_slab *selling; /* how the show sells, as JSON; NULL = as every show */
};

struct tg_live {
    struct tg_mailbox *mb;
    struct tg_thread *thread;
    struct tg_mailbox *webs[TG_LIVE_WEBS_MAX];
    size_t web_count;
    struct tg_mailbox *journal;
    char *journal_dir;            /* NULL = none */
    char epoch[TG_EPOCH_MAX + 1]; /* random, new at every start; see show.h */
    struct tg_mailbox *sale;
    struct tg_registry *registry;
    void (*state_changed)(void *ctx, uint16_t show, enum tg_show_state state);
    void *state_ctx;
    int64_t chat_slow_ms;
    struct tg_owner owner;

    struct room *rooms[TG_SHOWS_MAX]; /* by ordinal */
    struct room *list[TG_SHOWS_MAX];  /* those that exist */
    size_t room_count;
    struct members members;
    struct tg_board board;
    tg_us board_told; /* when the board was last flushed */
    struct tg_names names;
    struct tg_buf scratch; /* one event while it is written */
    struct tg_log_burst drops;
    tg_us now; /* of this turn of the loop */
    tg_us wall;
};

/* --- members.c --- */
void members_init(struct members *m, struct tg_rng *rng);
void members_done(struct members *m);
/*
 * A socket joins. OK: *ret_old is what was at its place before (a socket whose leave got lost; free
 * it) or NULL. CLOSED: it has left already, forget the join. NOMEM.
 */
TG_MUST_CHECK tg_err members_join(struct members *m, const struct tg_conn *conn, uint16_t show,
                                  bool staff, struct member **ret_old);
/*
 * A socket leaves: the member that was in and is not any more (free it), or NULL. A leave that
 * overtook its join is remembered for a minute.
 */
struct member *members_leave(struct members *m, const struct tg_conn *conn, tg_us now);
/* Forgets early leaves whose join never came. */
void members_expire(struct members *m, tg_us now);

/* --- room.c --- */
TG_MUST_CHECK tg_err room_new(struct tg_live *live, const struct tg_live_show *msg);
void room_free(struct room *room);
void room_join(struct tg_live *live, const struct tg_live_join *msg);
void room_leave(struct tg_live *live, const struct tg_live_leave *msg);
void room_op(struct tg_live *live, const struct tg_live_op *msg);
void room_tick(struct tg_live *live, struct room *room);
/* What the show has to say goes where it belongs. conn and op may be NULL when nobody asked. */
void room_drain(struct tg_live *live, struct room *room, const struct tg_live_op *op);
/* One event or reply for one socket. */
void room_send(const struct tg_conn *conn, const char *json, size_t len, bool joined);
/* One event for the room's sockets; nothing when nobody would read it. */
void room_cast_must(struct tg_live *live, const struct room *room, const char *json, size_t len);
void room_cast(struct tg_live *live, const struct room *room, enum tg_audience audience,
               const char *json, size_t len);

/* --- room_selling.c --- */
void room_rules(struct tg_live *live, const struct tg_live_rules *msg);
/* A line that was taken as chat may buy as well: sale decides. */
void room_comment(struct tg_live *live, const struct room *room, const struct tg_live_op *op);

/* --- room_source.c --- */
void room_source(struct tg_live *live, const struct tg_live_source *msg);
void room_uplink(struct tg_live *live, const struct tg_live_uplink *msg);
/* Who feeds the show now, for a staff member who just joined; nothing before the first source. */
void room_send_source(struct tg_live *live, const struct room *room, const struct tg_conn *conn);

#endif
