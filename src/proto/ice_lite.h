/*
 * ice_lite.h - which address a peer's media goes to, and whether it still wants it.
 * Pure. Spec: RFC 8445 (lite implementation, s2.5, s6.2, s7.3), RFC 7675 consent. Owner: a tg_peer.
 *
 * One component. A server is lite and controlled: it answers checks, uses the address of the first
 * valid one at once, and later moves only to an address that the peer nominates (USE-CANDIDATE, or
 * any check once the selected address has been silent for a while) and that has answered a check of
 * our own. Until the peer has nominated one, any check by UDP moves media away from TCP in that
 * way. A client (the load generator) is full enough to be controlling towards a lite server.
 *
 * Whoever saw one check can send it again with a forged source. So an address that only checks came
 * from is not proved: at most TG_ICE_AMPLIFY times what came from it goes there, own checks
 * included. Proved is who answered a check of ours (its id is random), who finished the DTLS
 * handshake (tg_ice_prove), or who came by TCP.
 *
 * A restart (RFC 8445 s9) brings new credentials. Media stays on the selected address until an
 * address has been proved with them; checks with the old ones are answered until then.
 *
 * After each call drain poll. Outputs stay valid until the next input or tick.
 */
#ifndef TG_PROTO_ICE_LITE_H
#define TG_PROTO_ICE_LITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"
#include "base/rng.h"
#include "proto/stun.h"

enum {
    TG_ICE_UFRAG_MAX = 256, /* RFC 8839 s5.4 */
    TG_ICE_PWD_MAX = 256,
    TG_ICE_UFRAG_SIZE = TG_ICE_UFRAG_MAX + 1,
    TG_ICE_PWD_SIZE = TG_ICE_PWD_MAX + 1,
    TG_ICE_ADDRS_MAX = 4, /* addresses of one peer that sent valid checks: v4, v6, a new network */
    TG_ICE_OUT_MAX = 6,   /* outputs of one input or tick */
    TG_ICE_TRIES_MAX = 6, /* requests of one own check: 100, 200, ... 3200 ms apart */
    TG_ICE_AMPLIFY = 3,   /* as RFC 9000 s8.1 has it */
    TG_ICE_LOCAL_UFRAG = 8, /* characters that tg_ice_credentials makes: 48 and 144 random bits */
    TG_ICE_LOCAL_PWD = 24,
};
#define TG_ICE_CONSENT_US (30 * (tg_us)TG_US_PER_S) /* RFC 7675 s5.1 */
#define TG_ICE_RESTART_US (30 * (tg_us)TG_US_PER_S) /* old credentials live so long at most */
#define TG_ICE_SILENT_US (5 * (tg_us)TG_US_PER_S)   /* two of Chromium's check intervals */

/* Texts are NUL-terminated and copied. */
struct tg_ice_cfg {
    bool client; /* controlling; a server (false) is lite and controlled */
    const char *local_ufrag;
    const char *local_pwd;
    const char *remote_ufrag;
    const char *remote_pwd;
    tg_us consent_us;   /* patience with a silent peer; 0 = TG_ICE_CONSENT_US */
    struct tg_rng *rng; /* borrowed: transaction ids, tie breaker */
};

/* Of a restart; copied. */
struct tg_ice_creds {
    const char *local_ufrag;
    const char *local_pwd;
    const char *remote_ufrag;
    const char *remote_pwd;
};

enum tg_ice_out_kind {
    TG_ICE_SEND,     /* bytes to addr */
    TG_ICE_ADDR,     /* a valid check came from addr for the first time: it belongs to this peer */
    TG_ICE_ADDR_OFF, /* the oldest such address was dropped for a new one */
    TG_ICE_SELECTED, /* media goes to addr from now on (the first time: ICE is connected) */
    TG_ICE_RETIRED,  /* the credentials from before the restart are no longer answered */
    TG_ICE_EXPIRED,  /* consent is gone: stop sending; nothing follows */
};

struct tg_ice_out {
    enum tg_ice_out_kind kind;
    struct tg_addr addr;
    struct tg_span bytes;
};

/* The credentials of one ICE session; private. */
struct tg_ice_secrets {
    char local_ufrag[TG_ICE_UFRAG_SIZE];
    char local_pwd[TG_ICE_PWD_SIZE];
    char remote_ufrag[TG_ICE_UFRAG_SIZE];
    char remote_pwd[TG_ICE_PWD_SIZE];
};

/* Members are private; the struct is here so that a peer is one block. */
struct tg_ice {
    bool client;
    bool expired;
    bool has_selected;
    bool nominated; /* the peer wants media at the selected address, not only we */
    bool proved;    /* the selected address; until then, room is left for it */
    size_t room;
    bool held; /* something did not fit into it: ask for a proof at the next check */
    struct tg_addr selected;
    tg_us heard_at;      /* last valid check from (client: answer of) the selected address */
    tg_us next_check_at; /* client: the next keepalive check */
    tg_us consent_us;
    tg_us rearmed_at; /* the last restart: consent counts from there at least */
    tg_us old_until;  /* when `old` is forgotten, 0 = there is none */
    struct {
        bool on;
        bool old; /* with the credentials from before the restart */
        bool nominated;
        unsigned tries;
        size_t room; /* bytes that may go to addr */
        tg_us next_at;
        struct tg_addr addr;
        uint8_t id[TG_STUN_ID_SIZE];
    } check; /* our own check of an address, one at a time */
    size_t addr_count;
    struct tg_addr addrs[TG_ICE_ADDRS_MAX]; /* newest last */
    uint64_t tie_breaker;
    struct tg_rng *rng;
    struct tg_ice_secrets cur;
    struct tg_ice_secrets old; /* the last ones that were used, while a restart is under way */
    size_t out_count;
    size_t out_next;
    struct tg_ice_out out[TG_ICE_OUT_MAX];
    /* An input makes at most one answer and one own check; a tick at most one check. */
    uint8_t answer[TG_STUN_SIZE_MAX];
    uint8_t request[TG_STUN_SIZE_MAX];
};

/* Fresh local credentials of characters that RFC 8839 allows. */
void tg_ice_credentials(struct tg_rng *rng, char ret_ufrag[TG_ICE_LOCAL_UFRAG + 1],
                        char ret_pwd[TG_ICE_LOCAL_PWD + 1]);
/* Can a peer have these? 4..256 and 22..256 ice-chars (RFC 8839 s5.4). */
bool tg_ice_credentials_ok(const char *ufrag, const char *pwd);
#define TG_ICE_CREDENTIALS_RULE                                                                    \
    "ice-ufrag or ice-pwd is not of 4 (22) to 256 letters, digits, + and /"
/* LIMIT: a ufrag not of 4..256 or a password not of 22..256 ice-chars. */
TG_MUST_CHECK tg_err tg_ice_init(struct tg_ice *ice, const struct tg_ice_cfg *cfg);
/* Wipes the passwords. */
void tg_ice_done(struct tg_ice *ice);
/*
 * New credentials for both sides. A server waits for a check with them; a client checks the
 * selected address (or the one it was checking) at once. Again before the new ones were used: those
 * are dropped, the old ones stay. Re-arms consent. LIMIT: as tg_ice_init, nothing changed; CLOSED:
 * expired.
 */
TG_MUST_CHECK tg_err tg_ice_restart(struct tg_ice *ice, tg_us now,
                                    const struct tg_ice_creds *creds);
/* Client only: begin checking this address. */
void tg_ice_connect(struct tg_ice *ice, tg_us now, const struct tg_addr *to);
/*
 * One STUN datagram. OK: it was valid and acted on. Otherwise it changed nothing but for an error
 * answer that may be in poll: MALFORMED, TRUNCATED, UNSUPPORTED (unknown attribute: 420), AUTH
 * (401: wrong username or integrity), CONFLICT (487: role), NOTFOUND (an answer nobody asked for),
 * CLOSED (expired).
 */
tg_err tg_ice_input(struct tg_ice *ice, tg_us now, const struct tg_addr *from, const uint8_t *bytes,
                    size_t len);
void tg_ice_tick(struct tg_ice *ice, tg_us now);
bool tg_ice_poll(struct tg_ice *ice, struct tg_ice_out *ret);
/* When to tick next; TG_US_NEVER = not before an input. */
tg_us tg_ice_deadline(const struct tg_ice *ice);
/* A datagram other than STUN came from there, as good as a check for what may be sent back. */
void tg_ice_heard(struct tg_ice *ice, const struct tg_addr *from, size_t len);
/*
 * May len bytes go to the selected address now? True takes them from what may. False: keep them; a
 * check of our own follows the peer's next one, so that the answer proves the address.
 */
bool tg_ice_may_send(struct tg_ice *ice, size_t len);
/* The peer behind the selected address has read what we sent there: the handshake is done. */
void tg_ice_prove(struct tg_ice *ice);
/* Has a valid check come from this address (and is it among the newest)? */
bool tg_ice_knows(const struct tg_ice *ice, const struct tg_addr *addr);
/*
 * The local ufrag of a check's USERNAME ("local:remote"), for finding the peer before any peer has
 * seen the datagram. False: not a Binding request with such a name.
 */
bool tg_ice_peek_ufrag(const uint8_t *bytes, size_t len, struct tg_span *ret_ufrag);

#endif
