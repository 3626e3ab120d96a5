/*
 * webhook.h - an endpoint that is told what happens in the shop, and what outbound and sale say to
 * each other about it.
 *
 * sale is the only writer of the database, outbound reads it for itself. Outbound's one kind of
 * message to sale is a struct tg_hook_work: rows that it asks to lease, and what came of those that
 * it leased before. Sale writes it with a batch and posts the same message back, after the commit
 * (done) or after the disk refused (not done: ask again).
 */
#ifndef TG_MSG_WEBHOOK_H
#define TG_MSG_WEBHOOK_H

#include "base/cidr.h"
#include "base/uuid.h"
#include "msg/msg.h"
#include "msg/role.h"

enum {
    TG_HOOK_TOPICS_SIZE = 257,
    TG_HOOK_OFF_SIZE = 16,
    TG_HOOK_SECRET_SIZE = 64, /* "whsec_" + base64 of 32 bytes, and room */
    TG_HOOK_SECRETS_MAX = 4,  /* valid at a time: rotated thrice within the old one's day */
    TG_HOOK_MESSAGE_ID_SIZE = 24,
    TG_HOOK_ANSWER_SIZE = 129, /* of an endpoint's answer that is kept */
    TG_HOOK_ERROR_SIZE = 80,
    TG_HOOK_NODE_SIZE = 24,
};
/* A rotated secret signs beside the new one for so long. */
#define TG_HOOK_SECRET_OVERLAP_US ((tg_us)24 * 3600 * TG_US_PER_S)

struct tg_hook {
    int64_t ord; /* of the table; 0 = not written yet */
    char id[TG_UUID_SIZE];
    char url[TG_URL_SIZE];
    char
        topics[TG_HOOK_TOPICS_SIZE]; /* "order.paid stock.changed", separated by blanks; "" = all */
    char description[TG_TITLE_SIZE];
    bool enabled;
    char off[TG_HOOK_OFF_SIZE]; /* why the server switched it off: "gone", "failing"; else "" */
    tg_us failing_since_wall;   /* nothing arrived since then; -1 = the last delivery did */
    tg_us created_wall;
};

/* Does an endpoint with these topics want this one? Pings are not asked for: they are sent. */
bool tg_hook_wants(const char *topics, const char *topic);
/* One wanted topic: "order.paid", "order.*" or "*"; false: no message will ever have it. */
bool tg_hook_topic_ok(const char *topic);
/* The same of a list, as tg_hook.topics has it. */
bool tg_hook_topics_ok(const char *topics);
/* Every topic there is; NULL = end. */
const char *tg_hook_topic_at(size_t index);

/*
 * May this address be called at all? https with a host, no user, no fragment; plain http, and IP
 * addresses that are not public, only when `allow` has networks. Where a name leads is looked at
 * when it is called. On false `why` has plain words.
 */
bool tg_hook_url_ok(const char *url, const struct tg_cidr_list *allow, char why[128]);

/*
 * Outbox rows are numbered by their time, (microseconds << TG_MESSAGE_SALT_BITS) + a salt of the
 * process, so that no number comes twice, neither from another node nor after a restored backup.
 */
enum { TG_MESSAGE_SALT_BITS = 11 };
/* webhook-id. */
void tg_hook_message_id(char out[TG_HOOK_MESSAGE_ID_SIZE], int64_t message);
/* MALFORMED. */
TG_MUST_CHECK tg_err tg_hook_message_parse(int64_t *ret_message, const char *text);

/* --- outbound <-> sale --- */

struct tg_hook_key {
    int64_t hook;    /* tg_hook.ord */
    int64_t message; /* the outbox row */
};

/* The values are kept on disk: never renumber. */
enum tg_delivery_state {
    TG_DELIVERY_PENDING = 0,
    TG_DELIVERY_DONE = 1,
    TG_DELIVERY_FAILED = 2, /* given up; a replay starts anew */
};
/* "pending", "delivered", "failed"; NULL beyond. */
const char *tg_delivery_state_name(int state);

/* One attempt, and what follows from it. */
struct tg_hook_result {
    struct tg_hook_key key;
    enum tg_delivery_state state;
    uint32_t attempt; /* 1, 2 ... of this message and endpoint, over all replays */
    tg_us at_wall;
    tg_us due_wall; /* PENDING: the next attempt */
    int status;     /* HTTP; 0 = none came */
    int32_t duration_ms;
    char error[TG_HOOK_ERROR_SIZE];   /* "" = the endpoint took it */
    char answer[TG_HOOK_ANSWER_SIZE]; /* first bytes, printable, without what looks personal */
    char off[TG_HOOK_OFF_SIZE];       /* the endpoint is switched off with this reason; "" = not */
    bool untried;                     /* only give the lease back */
};

enum { TG_HOOK_BATCH = 64 };

struct tg_hook_work {
    struct tg_msg head;           /* TG_MSG_HOOK_WORK */
    struct tg_mailbox *mb;        /* outbound's: the answer goes here; NULL = none wanted */
    char node[TG_HOOK_NODE_SIZE]; /* who leases */
    tg_us until_wall;             /* ... until then */
    bool done;                    /* answer: it is on disk */
    uint32_t lease_count;
    struct tg_hook_key leases[TG_HOOK_BATCH];
    uint32_t result_count;
    struct tg_hook_result results[TG_HOOK_BATCH];
};

/* --- api -> sale --- */

enum tg_hook_do {
    TG_HOOK_CREATE,
    TG_HOOK_CHANGE,
    TG_HOOK_DELETE,
    TG_HOOK_ROTATE,
    TG_HOOK_PING,
    TG_HOOK_REPLAY,        /* one message */
    TG_HOOK_REPLAY_FAILED, /* all that was given up since */
};

/* In a sale request: what an admin wants of an endpoint. Owned by the request; one heap block. */
struct tg_hook_req {
    enum tg_hook_do verb;
    struct tg_hook hook; /* id; for CREATE and CHANGE what is given */
    bool has_url, has_topics, has_description, has_enabled; /* CHANGE: only these */
    int64_t message;                                        /* REPLAY */
    tg_us since_wall;                                       /* REPLAY_FAILED */
};

/* --- sale -> store --- */

/* What sale wants to know before it decides. */
struct tg_hook_look {
    bool found;
    struct tg_hook hook;
    size_t count;  /* endpoints there are */
    bool delivery; /* REPLAY: the endpoint has this message */
    size_t failed; /* REPLAY_FAILED: so many will be started anew */
    int64_t next;  /* PING: the number of its message */
};

/* What it decided: the endpoint as it shall be. */
struct tg_hook_change {
    enum tg_hook_do verb;
    struct tg_hook hook;
    char secret[TG_HOOK_SECRET_SIZE]; /* CREATE, ROTATE */
    int64_t message;                  /* REPLAY, PING */
    tg_us since_wall;                 /* REPLAY_FAILED */
};

#endif
