#include "proto/ice_lite.h"

#include <string.h>

#include <openssl/crypto.h>

#include "base/str.h"

enum {
    ICE_PRIORITY = 110 << 24 | 65535 << 8 | 255, /* RFC 8445 s5.1.2.1: peer-reflexive, s7.1.1 */
    ICE_UFRAG_MIN = 4,
    ICE_PWD_MIN = 22,
    ICE_RETRY_US = 100 * TG_US_PER_MS,
    ICE_KEEPALIVE_US = 2500 * TG_US_PER_MS, /* client: as often as Chromium checks a stable pair */
    USERNAME_SIZE = TG_ICE_UFRAG_SIZE + TG_ICE_UFRAG_SIZE,
    ROOM_MAX = 16384, /* what a flood of replayed checks may add up to; a handshake takes 2,000 */
};

/* --- credentials ------------------------------------------------------------------------------ */

static const char ice_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void random_text(struct tg_rng *rng, char *out, size_t len)
{
    tg_rng_bytes(rng, out, len);
    for (size_t i = 0; i < len; i++)
        out[i] = ice_chars[(uint8_t)out[i] & 63]; /* 64 characters: no bias */
    out[len] = '\0';
}

void tg_ice_credentials(struct tg_rng *rng, char ret_ufrag[TG_ICE_LOCAL_UFRAG + 1],
                        char ret_pwd[TG_ICE_LOCAL_PWD + 1])
{
    random_text(rng, ret_ufrag, TG_ICE_LOCAL_UFRAG);
    random_text(rng, ret_pwd, TG_ICE_LOCAL_PWD);
}

static bool fits(const char *text, size_t len_min, size_t len_max)
{
    const size_t len = strlen(text);

    return len >= len_min && len <= len_max && strspn(text, ice_chars) == len;
}

bool tg_ice_credentials_ok(const char *ufrag, const char *pwd)
{
    return fits(ufrag, ICE_UFRAG_MIN, TG_ICE_UFRAG_MAX) && fits(pwd, ICE_PWD_MIN, TG_ICE_PWD_MAX);
}

static tg_err copy_credential(char *out, size_t size, const char *text, size_t len_min)
{
    size_t len = strlen(text);

    if (len < len_min || strspn(text, ice_chars) != len)
        return TG_ERR_LIMIT;
    return tg_str_copy(out, size, text, len);
}

static tg_err copy_secrets(struct tg_ice_secrets *out, const struct tg_ice_creds *in)
{
    tg_err err =
        copy_credential(out->local_ufrag, sizeof(out->local_ufrag), in->local_ufrag, ICE_UFRAG_MIN);

    if (err == TG_OK)
        err = copy_credential(out->local_pwd, sizeof(out->local_pwd), in->local_pwd, ICE_PWD_MIN);
    if (err == TG_OK)
        err = copy_credential(out->remote_ufrag, sizeof(out->remote_ufrag), in->remote_ufrag,
                              ICE_UFRAG_MIN);
    if (err == TG_OK)
        err =
            copy_credential(out->remote_pwd, sizeof(out->remote_pwd), in->remote_pwd, ICE_PWD_MIN);
    return err == TG_OK ? TG_OK : TG_ERR_LIMIT;
}

tg_err tg_ice_init(struct tg_ice *ice, const struct tg_ice_cfg *cfg)
{
    const struct tg_ice_creds creds = {.local_ufrag = cfg->local_ufrag,
                                       .local_pwd = cfg->local_pwd,
                                       .remote_ufrag = cfg->remote_ufrag,
                                       .remote_pwd = cfg->remote_pwd};

    memset(ice, 0, sizeof(*ice));
    if (copy_secrets(&ice->cur, &creds) != TG_OK) {
        tg_ice_done(ice);
        return TG_ERR_LIMIT;
    }
    ice->client = cfg->client;
    ice->consent_us = cfg->consent_us > 0 ? cfg->consent_us : TG_ICE_CONSENT_US;
    ice->rng = cfg->rng;
    ice->tie_breaker = tg_rng_u64(cfg->rng);
    return TG_OK;
}

void tg_ice_done(struct tg_ice *ice)
{
    OPENSSL_cleanse(&ice->cur, sizeof(ice->cur));
    OPENSSL_cleanse(&ice->old, sizeof(ice->old));
}

/* --- outputs ---------------------------------------------------------------------------------- */

static void emit(struct tg_ice *ice, enum tg_ice_out_kind kind, const struct tg_addr *addr,
                 struct tg_span bytes)
{
    TG_ASSERT(ice->out_count < TG_ICE_OUT_MAX); /* one input makes at most five */
    ice->out[ice->out_count++] = (struct tg_ice_out){.kind = kind, .addr = *addr, .bytes = bytes};
}

bool tg_ice_poll(struct tg_ice *ice, struct tg_ice_out *ret)
{
    if (ice->out_next == ice->out_count) {
        ice->out_next = 0;
        ice->out_count = 0;
        return false;
    }
    *ret = ice->out[ice->out_next++];
    return true;
}

/* --- addresses -------------------------------------------------------------------------------- */

bool tg_ice_knows(const struct tg_ice *ice, const struct tg_addr *addr)
{
    for (size_t i = 0; i < ice->addr_count; i++) {
        if (tg_addr_equal(&ice->addrs[i], addr))
            return true;
    }
    return false;
}

static bool in_use(const struct tg_ice *ice, const struct tg_addr *addr)
{
    return (ice->has_selected && tg_addr_equal(&ice->selected, addr)) ||
           (ice->check.on && tg_addr_equal(&ice->check.addr, addr));
}

static void forget_oldest(struct tg_ice *ice)
{
    size_t at = 0;

    while (in_use(ice, &ice->addrs[at]))
        at++; /* at most two of the four are in use */
    TG_ASSERT(at < ice->addr_count);
    emit(ice, TG_ICE_ADDR_OFF, &ice->addrs[at], tg_span(NULL, 0));
    ice->addr_count--;
    for (size_t i = at; i < ice->addr_count; i++)
        ice->addrs[i] = ice->addrs[i + 1];
}

static void learn(struct tg_ice *ice, const struct tg_addr *addr)
{
    if (tg_ice_knows(ice, addr))
        return;
    if (ice->addr_count == TG_ICE_ADDRS_MAX)
        forget_oldest(ice);
    ice->addrs[ice->addr_count++] = *addr;
    emit(ice, TG_ICE_ADDR, addr, tg_span(NULL, 0));
}

/* nominated: also take over which address of ours the peer talks to (tg_addr.via). */
static void select_addr(struct tg_ice *ice, tg_us now, const struct tg_addr *addr, bool nominated)
{
    ice->heard_at = now;
    if (ice->has_selected && tg_addr_equal(&ice->selected, addr) &&
        (!nominated || ice->selected.via == addr->via))
        return;
    ice->has_selected = true;
    if (!tg_addr_equal(&ice->selected, addr)) {
        ice->proved = addr->tcp != 0; /* the connection could not be made with a forged source */
        ice->room = 0;
        ice->held = false;
    }
    ice->selected = *addr;
    emit(ice, TG_ICE_SELECTED, addr, tg_span(NULL, 0));
}

/* --- what may go to an address that is not proved ----------------------------------------------
 */

static void add_room(size_t *inout, size_t received)
{
    *inout = TG_MIN(*inout + TG_ICE_AMPLIFY * received, (size_t)ROOM_MAX);
}

static bool take_room(size_t *inout, size_t len)
{
    if (len > *inout)
        return false;
    *inout -= len;
    return true;
}

void tg_ice_heard(struct tg_ice *ice, const struct tg_addr *from, size_t len)
{
    if (ice->has_selected && !ice->proved && tg_addr_equal(&ice->selected, from))
        add_room(&ice->room, len);
}

bool tg_ice_may_send(struct tg_ice *ice, size_t len)
{
    if (ice->client || ice->proved || take_room(&ice->room, len))
        return true;
    ice->held = true;
    return false;
}

void tg_ice_prove(struct tg_ice *ice)
{
    ice->proved = ice->has_selected;
}

/* --- restart ---------------------------------------------------------------------------------- */

/* The new credentials carry the session now, or the time for them is up. */
static void retire_old(struct tg_ice *ice)
{
    if (ice->old_until == 0)
        return;
    ice->old_until = 0;
    OPENSSL_cleanse(&ice->old, sizeof(ice->old));
    if (ice->check.old)
        ice->check.on = false;
    emit(ice, TG_ICE_RETIRED, &ice->selected, tg_span(NULL, 0));
}

/* --- our own checks --------------------------------------------------------------------------- */

static void send_check(struct tg_ice *ice, tg_us now)
{
    const struct tg_ice_secrets *with = ice->check.old ? &ice->old : &ice->cur;
    char name[USERNAME_SIZE];
    size_t len = 0;
    struct tg_stun msg = {.type = TG_STUN_REQUEST,
                          .has_priority = true,
                          .priority = ICE_PRIORITY,
                          .use_candidate = ice->client,
                          .has_controlling = ice->client,
                          .has_controlled = !ice->client,
                          .tie_breaker = ice->tie_breaker};

    tg_str_printf(name, sizeof(name), "%s:%s", with->remote_ufrag, with->local_ufrag);
    msg.username = tg_span(name, strlen(name));
    memcpy(msg.id, ice->check.id, sizeof(msg.id));
    ice->check.next_at = now + ((tg_us)ICE_RETRY_US << ice->check.tries);
    ice->check.tries++;
    if (tg_stun_write(ice->request, sizeof(ice->request), &len, &msg, with->remote_pwd) != TG_OK)
        return;
    if (ice->client || ice->check.addr.tcp != 0 || take_room(&ice->check.room, len))
        emit(ice, TG_ICE_SEND, &ice->check.addr, tg_span(ice->request, len));
}

/* room: what may go to that address. */
static void start_check(struct tg_ice *ice, tg_us now, const struct tg_addr *to, bool old,
                        size_t room)
{
    ice->check.on = true;
    ice->check.room = room;
    ice->check.old = old;
    ice->check.nominated = false;
    ice->check.tries = 0;
    ice->check.addr = *to;
    tg_rng_bytes(ice->rng, ice->check.id, sizeof(ice->check.id));
    send_check(ice, now);
}

void tg_ice_connect(struct tg_ice *ice, tg_us now, const struct tg_addr *to)
{
    TG_ASSERT(ice->client);
    learn(ice, to);
    start_check(ice, now, to, false, 0);
}

tg_err tg_ice_restart(struct tg_ice *ice, tg_us now, const struct tg_ice_creds *creds)
{
    struct tg_ice_secrets fresh = {0};
    tg_err err = ice->expired ? TG_ERR_CLOSED : copy_secrets(&fresh, creds);

    TG_ASSERT(ice->out_next == ice->out_count);
    if (err == TG_OK) {
        if (ice->old_until == 0)
            ice->old = ice->cur;
        ice->cur = fresh;
        ice->old_until = now + TG_ICE_RESTART_US;
        ice->rearmed_at = now;
        ice->nominated = false;
        if (ice->client && (ice->has_selected || ice->check.on)) {
            const struct tg_addr to = ice->has_selected ? ice->selected : ice->check.addr;

            start_check(ice, now, &to, false, 0);
        } else {
            ice->check.on = false; /* the peer will say again where it wants media */
        }
    }
    OPENSSL_cleanse(&fresh, sizeof(fresh));
    return err;
}

/* --- input ------------------------------------------------------------------------------------ */

/* How long it is. */
static size_t answer(struct tg_ice *ice, const struct tg_addr *to, struct tg_stun *msg,
                     const char *password)
{
    size_t len = 0;

    if (tg_stun_write(ice->answer, sizeof(ice->answer), &len, msg, password) == TG_OK)
        emit(ice, TG_ICE_SEND, to, tg_span(ice->answer, len));
    return len;
}

/* Without integrity while the peer has not proved that it knows the password (RFC 8489 s9.1.3). */
static void answer_error(struct tg_ice *ice, const struct tg_addr *to, const struct tg_stun *in,
                         uint16_t code, const char *password)
{
    struct tg_stun msg = {.type = TG_STUN_ERROR, .error_code = code};

    memcpy(msg.id, in->id, sizeof(msg.id));
    if (code == 420) {
        msg.unknown_count = in->unknown_count;
        memcpy(msg.unknown, in->unknown, sizeof(msg.unknown));
    }
    (void)answer(ice, to, &msg, password);
}

static bool names(const struct tg_ice_secrets *s, struct tg_span username)
{
    char want[USERNAME_SIZE];

    tg_str_printf(want, sizeof(want), "%s:%s", s->local_ufrag, s->remote_ufrag);
    return username.len == strlen(want) && memcmp(username.data, want, username.len) == 0;
}

/* Whose credentials a check was made with, NULL = nobody's. */
static const struct tg_ice_secrets *secrets_of(const struct tg_ice *ice, const struct tg_stun *in,
                                               const uint8_t *bytes, size_t len)
{
    const struct tg_ice_secrets *s = &ice->cur;

    if (ice->old_until != 0 && !names(s, in->username))
        s = &ice->old;
    if (!names(s, in->username) || !tg_stun_check_integrity(in, bytes, len, s->local_pwd))
        return NULL;
    return s;
}

/*
 * Browsers check several pairs side by side; only the nominated one is meant to carry media. After
 * a restart the selected address is probably dead, so the first one with the new credentials may
 * try, and the old credentials must not get in its way.
 */
static bool may_move(const struct tg_ice *ice, tg_us now, const struct tg_addr *to, bool nominated,
                     bool old)
{
    const bool restarting = ice->old_until != 0;

    if (restarting && old && ice->check.on && !ice->check.old)
        return false;
    if (restarting && !old && (!ice->check.on || ice->check.old))
        return true;
    if (!ice->nominated && ice->selected.tcp != 0 && to->tcp == 0)
        return true; /* RFC 6544 s4.2: UDP is better, and the peer has not said otherwise */
    return nominated || now - ice->heard_at >= TG_ICE_SILENT_US;
}

/* A check from the selected address lets more go there, or pays for a check of our own. */
static void welcome(struct tg_ice *ice, tg_us now, const struct tg_addr *from, bool old,
                    size_t room)
{
    if (ice->proved)
        return;
    if (!ice->held || ice->check.on) {
        ice->room = TG_MIN(ice->room + room, (size_t)ROOM_MAX);
        return;
    }
    ice->held = false;
    start_check(ice, now, from, old, room);
    ice->check.nominated = ice->nominated;
}

/*
 * A valid check: decides whether media should go where it came from. room: what it allows to be
 * sent there.
 */
static void consider(struct tg_ice *ice, tg_us now, const struct tg_addr *from, bool nominated,
                     bool old, size_t room)
{
    learn(ice, from);
    if (ice->client)
        return;
    if (!ice->has_selected || tg_addr_equal(&ice->selected, from)) {
        select_addr(ice, now, from, nominated);
        ice->nominated = ice->nominated || nominated;
        welcome(ice, now, from, old, room);
        if (nominated && !ice->check.nominated && ice->check.old == old)
            ice->check.on = false; /* that address was our idea */
        if (!old)
            retire_old(ice);
        return;
    }
    if (ice->check.on && tg_addr_equal(&ice->check.addr, from))
        ice->check.room = TG_MIN(ice->check.room + room, (size_t)ROOM_MAX);
    if (!may_move(ice, now, from, nominated, old))
        return;
    if (!ice->check.on || ice->check.old != old || !tg_addr_equal(&ice->check.addr, from))
        start_check(ice, now, from, old, room);
    ice->check.nominated = ice->check.nominated || nominated;
}

static tg_err input_request(struct tg_ice *ice, tg_us now, const struct tg_addr *from,
                            const struct tg_stun *in, const uint8_t *bytes, size_t len)
{
    struct tg_stun out = {.type = TG_STUN_SUCCESS, .has_mapped = true, .mapped = *from};
    const struct tg_ice_secrets *with;

    if (in->username.data == NULL || in->integrity_at == 0) {
        answer_error(ice, from, in, 400, NULL);
        return TG_ERR_AUTH;
    }
    with = secrets_of(ice, in, bytes, len);
    if (with == NULL) {
        answer_error(ice, from, in, 401, NULL);
        return TG_ERR_AUTH;
    }
    if (in->unknown_count > 0) {
        answer_error(ice, from, in, 420, with->local_pwd);
        return TG_ERR_UNSUPPORTED;
    }
    /* A lite agent facing a full one never becomes controlling (RFC 8445 s6.1.1). */
    if (ice->client ? in->has_controlling : in->has_controlled) {
        answer_error(ice, from, in, 487, with->local_pwd);
        return TG_ERR_CONFLICT;
    }
    memcpy(out.id, in->id, sizeof(out.id));
    size_t room = TG_ICE_AMPLIFY * len;

    (void)take_room(&room, answer(ice, from, &out, with->local_pwd));
    consider(ice, now, from, in->use_candidate, with == &ice->old, room);
    return TG_OK;
}

static tg_err input_success(struct tg_ice *ice, tg_us now, const struct tg_addr *from,
                            const struct tg_stun *in, const uint8_t *bytes, size_t len)
{
    if (!ice->check.on || memcmp(in->id, ice->check.id, sizeof(in->id)) != 0 ||
        !tg_addr_equal(from, &ice->check.addr))
        return TG_ERR_NOTFOUND;
    const struct tg_ice_secrets *with = ice->check.old ? &ice->old : &ice->cur;

    if (!tg_stun_check_integrity(in, bytes, len, with->remote_pwd))
        return TG_ERR_AUTH;
    ice->check.on = false;
    ice->next_check_at = now + ICE_KEEPALIVE_US;
    select_addr(ice, now, from, true);
    ice->proved = true;
    ice->nominated = ice->check.nominated;
    if (!ice->check.old)
        retire_old(ice);
    return TG_OK;
}

tg_err tg_ice_input(struct tg_ice *ice, tg_us now, const struct tg_addr *from, const uint8_t *bytes,
                    size_t len)
{
    struct tg_stun in;
    tg_err err = tg_stun_parse(&in, bytes, len);

    TG_ASSERT(ice->out_next == ice->out_count);
    ice->out_next = 0;
    ice->out_count = 0;
    if (err != TG_OK)
        return err;
    if (ice->expired)
        return TG_ERR_CLOSED;
    switch (in.type) {
    case TG_STUN_REQUEST:
        return input_request(ice, now, from, &in, bytes, len);
    case TG_STUN_SUCCESS:
        return input_success(ice, now, from, &in, bytes, len);
    case TG_STUN_INDICATION:
        return TG_OK; /* a keepalive without meaning for us (RFC 8445 s11) */
    default:
        return TG_ERR_NOTFOUND; /* an error answer is as good as none: the check runs out */
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static void tick_check(struct tg_ice *ice, tg_us now)
{
    if (ice->check.on && now >= ice->check.next_at) {
        if (ice->check.tries < TG_ICE_TRIES_MAX)
            send_check(ice, now);
        else if (ice->client)
            start_check(ice, now, &ice->check.addr, false, 0);
        else
            ice->check.on = false;
    } else if (ice->client && ice->has_selected && !ice->check.on && now >= ice->next_check_at) {
        start_check(ice, now, &ice->selected, false, 0);
    }
}

static tg_us consent_until(const struct tg_ice *ice)
{
    return TG_MAX(ice->heard_at, ice->rearmed_at) + ice->consent_us;
}

void tg_ice_tick(struct tg_ice *ice, tg_us now)
{
    TG_ASSERT(ice->out_next == ice->out_count);
    ice->out_next = 0;
    ice->out_count = 0;
    if (ice->expired)
        return;
    if (ice->has_selected && now >= consent_until(ice)) {
        ice->expired = true;
        emit(ice, TG_ICE_EXPIRED, &ice->selected, tg_span(NULL, 0));
        return;
    }
    if (ice->old_until != 0 && now >= ice->old_until)
        retire_old(ice);
    tick_check(ice, now);
}

tg_us tg_ice_deadline(const struct tg_ice *ice)
{
    tg_us at = TG_US_NEVER;

    if (ice->expired)
        return at;
    if (ice->has_selected)
        at = consent_until(ice);
    if (ice->old_until != 0)
        at = TG_MIN(at, ice->old_until);
    if (ice->check.on)
        at = TG_MIN(at, ice->check.next_at);
    else if (ice->client && ice->has_selected)
        at = TG_MIN(at, ice->next_check_at);
    return at;
}

/* --- finding the peer ------------------------------------------------------------------------- */

bool tg_ice_peek_ufrag(const uint8_t *bytes, size_t len, struct tg_span *ret_ufrag)
{
    struct tg_rd r = tg_rd(bytes, len);

    if (!tg_stun_looks_like(bytes, len) || tg_rd_u16(&r) != TG_STUN_REQUEST)
        return false;
    tg_rd_skip(&r, TG_STUN_HEADER_SIZE - 2);
    while (tg_rd_left(&r) >= 4) {
        uint16_t type = tg_rd_u16(&r);
        uint16_t attr_len = tg_rd_u16(&r);
        struct tg_span value = tg_rd_span(&r, attr_len);
        const uint8_t *colon;

        tg_rd_skip(&r, (4u - attr_len % 4u) % 4u);
        if (r.bad)
            return false;
        if (type != TG_STUN_ATTR_USERNAME)
            continue;
        colon = value.len == 0 ? NULL : memchr(value.data, ':', value.len);
        if (colon == NULL)
            return false;
        *ret_ufrag = tg_span(value.data, (size_t)(colon - value.data));
        return true;
    }
    return false;
}
