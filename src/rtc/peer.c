#include "rtc/peer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "proto/ice_lite.h"

enum phase { PHASE_ICE, PHASE_DTLS, PHASE_OPEN, PHASE_CLOSED };

/* What poll hands out: first the ICE outputs, then DTLS datagrams, then these. */
struct tg_peer {
    enum phase phase;
    enum tg_peer_reason reason;
    bool told_connected;
    bool told_closed;
    tg_us phase_until; /* ICE and DTLS: when patience ends */
    struct tg_ice ice;
    struct tg_dtls *dtls;
    bool receives;
    struct tg_srtp *srtp; /* when it receives */
    struct tg_srtp_tx *tx;
    struct tg_srtcp_rx *rtcp_rx;
    enum tg_peer_out_kind media_kind; /* of media */
    struct tg_span media;             /* one decrypted packet, data NULL = none */
};

enum tg_peer_class tg_peer_classify(const uint8_t *bytes, size_t len)
{
    struct tg_rd r = tg_rd(bytes, len);
    uint8_t first = tg_rd_u8(&r);
    uint8_t type = tg_rd_u8(&r) & 0x7f;

    if (r.bad)
        return TG_PEER_JUNK;
    if (first <= 3)
        return TG_PEER_STUN;
    if (first >= 20 && first <= 63)
        return TG_PEER_DTLS;
    if (first < 128 || first > 191)
        return TG_PEER_JUNK;
    return type >= 64 && type <= 95 ? TG_PEER_RTCP : TG_PEER_RTP;
}

const char *tg_peer_reason_name(enum tg_peer_reason reason)
{
    static const char *const names[] = {
        [TG_PEER_OPEN] = "open",
        [TG_PEER_ICE_TIMEOUT] = "ice_timeout",
        [TG_PEER_DTLS_TIMEOUT] = "dtls_timeout",
        [TG_PEER_DTLS_FAILED] = "dtls_failed",
        [TG_PEER_CONSENT] = "consent_expired",
        [TG_PEER_REMOTE_CLOSED] = "remote_closed",
        [TG_PEER_LOCAL_CLOSED] = "local_closed",
    };

    return (size_t)reason < TG_ARRAY_LEN(names) ? names[reason] : "unknown";
}

/* --- life ------------------------------------------------------------------------------------- */

tg_err tg_peer_new(struct tg_peer **ret, const struct tg_peer_cfg *cfg, tg_us now)
{
    struct tg_ice_cfg ice = {.client = cfg->client,
                             .local_ufrag = cfg->local_ufrag,
                             .local_pwd = cfg->local_pwd,
                             .remote_ufrag = cfg->remote_ufrag,
                             .remote_pwd = cfg->remote_pwd,
                             .consent_us = cfg->consent_us,
                             .rng = cfg->rng};
    struct tg_dtls_cfg dtls = {.role = cfg->client ? TG_SRTP_CLIENT : TG_SRTP_SERVER};
    struct tg_peer *p = tg_calloc(1, sizeof(*p));
    tg_err err;

    if (p == NULL)
        return TG_ERR_NOMEM;
    memcpy(dtls.peer_sha256, cfg->remote_sha256, sizeof(dtls.peer_sha256));
    p->phase_until = now + TG_PEER_ICE_US;
    p->receives = cfg->receives;
    err = tg_ice_init(&p->ice, &ice);
    if (err == TG_OK)
        err = tg_dtls_new(&p->dtls, cfg->dtls_ctx, &dtls);
    if (err != TG_OK) {
        tg_peer_free(p);
        return err;
    }
    *ret = p;
    return TG_OK;
}

void tg_peer_free(struct tg_peer *p)
{
    if (p == NULL)
        return;
    tg_srtp_tx_free(p->tx);
    tg_srtcp_rx_free(p->rtcp_rx);
    tg_srtp_free(p->srtp);
    tg_dtls_free(p->dtls);
    tg_ice_done(&p->ice);
    tg_free(p);
}

void tg_peer_connect(struct tg_peer *p, tg_us now, const struct tg_addr *to)
{
    tg_ice_connect(&p->ice, now, to);
}

tg_err tg_peer_restart(struct tg_peer *p, tg_us now, const struct tg_ice_creds *creds)
{
    TG_ASSERT(p->media.data == NULL); /* poll was drained */
    return p->phase == PHASE_CLOSED ? TG_ERR_CLOSED : tg_ice_restart(&p->ice, now, creds);
}

static void close_for(struct tg_peer *p, enum tg_peer_reason reason)
{
    if (p->phase == PHASE_CLOSED)
        return;
    p->phase = PHASE_CLOSED;
    p->reason = reason;
}

void tg_peer_close(struct tg_peer *p, tg_us now)
{
    (void)now; /* every engine's close takes the time; this one needs none today */
    if (p->phase == PHASE_CLOSED)
        return;
    tg_dtls_close(p->dtls);
    close_for(p, TG_PEER_LOCAL_CLOSED);
}

/* --- after DTLS moved ------------------------------------------------------------------------- */

static void open_media(struct tg_peer *p)
{
    struct tg_srtp_keys keys;
    enum tg_srtp_side side = p->ice.client ? TG_SRTP_CLIENT : TG_SRTP_SERVER;
    tg_err err = tg_dtls_export(p->dtls, &keys);

    if (err == TG_OK) {
        err = tg_srtp_tx_new(&p->tx, &keys, side);
        if (err == TG_OK)
            err = tg_srtcp_rx_new(&p->rtcp_rx, &keys, side);
        if (err == TG_OK && p->receives)
            err = tg_srtp_new(&p->srtp, &keys, side);
        tg_srtp_keys_wipe(&keys);
    }
    if (err != TG_OK) {
        close_for(p, TG_PEER_DTLS_FAILED);
        return;
    }
    p->phase = PHASE_OPEN;
    tg_ice_prove(&p->ice);
    if (!p->ice.client)
        (void)!tg_dtls_park(p->dtls); /* else it goes on as it is, with more memory */
}

static void check_dtls(struct tg_peer *p)
{
    if (p->phase == PHASE_CLOSED)
        return;
    switch (tg_dtls_state(p->dtls)) {
    case TG_DTLS_HANDSHAKE:
        break;
    case TG_DTLS_CONNECTED:
        if (p->phase == PHASE_DTLS)
            open_media(p);
        break;
    case TG_DTLS_CLOSED:
        close_for(p, TG_PEER_REMOTE_CLOSED);
        break;
    case TG_DTLS_FAILED:
        close_for(p, TG_PEER_DTLS_FAILED);
        break;
    }
}

/* --- input ------------------------------------------------------------------------------------ */

static void begin_dtls(struct tg_peer *p, tg_us now)
{
    if (p->phase != PHASE_ICE || !p->ice.has_selected)
        return;
    p->phase = PHASE_DTLS;
    p->phase_until = now + TG_PEER_DTLS_US;
    if (p->ice.client && tg_dtls_start(p->dtls) != TG_OK)
        close_for(p, TG_PEER_DTLS_FAILED);
}

static tg_err input_dtls(struct tg_peer *p, tg_us now, const uint8_t *bytes, size_t len)
{
    tg_err err;

    if (!tg_dtls_is_record(bytes, len))
        return TG_ERR_MALFORMED;
    err = tg_dtls_input(p->dtls, now, bytes, len);
    check_dtls(p);
    return err;
}

static tg_err input_media(struct tg_peer *p, uint8_t *bytes, size_t len, enum tg_peer_class class)
{
    size_t plain_len = 0;
    tg_err err;

    if (p->phase != PHASE_OPEN)
        return TG_ERR_NOTFOUND;
    if (class == TG_PEER_RTP && !p->receives)
        return TG_ERR_UNSUPPORTED;
    if (class == TG_PEER_RTP)
        err = tg_srtp_unprotect_rtp(p->srtp, bytes, len, &plain_len);
    else
        err = tg_srtcp_rx_unprotect(p->rtcp_rx, bytes, len, &plain_len);
    if (err != TG_OK)
        return err;
    p->media_kind = class == TG_PEER_RTP ? TG_PEER_OUT_RTP : TG_PEER_OUT_RTCP;
    p->media = tg_span(bytes, plain_len);
    return TG_OK;
}

tg_err tg_peer_input(struct tg_peer *p, tg_us now, const struct tg_addr *from, uint8_t *bytes,
                     size_t len)
{
    enum tg_peer_class class = tg_peer_classify(bytes, len);
    tg_err err;

    TG_ASSERT(p->media.data == NULL); /* poll was drained */
    if (p->phase == PHASE_CLOSED)
        return TG_ERR_CLOSED;
    if (len > TG_UDP_PACKET_MAX)
        return TG_ERR_LIMIT;
    if (class == TG_PEER_STUN) {
        err = tg_ice_input(&p->ice, now, from, bytes, len);
        begin_dtls(p, now);
        return err;
    }
    /* Only an address that has proved the password may speak DTLS or media. */
    if (class == TG_PEER_JUNK)
        return TG_ERR_MALFORMED;
    if (p->phase == PHASE_ICE || !tg_ice_knows(&p->ice, from))
        return TG_ERR_NOTFOUND;
    tg_ice_heard(&p->ice, from, len);
    if (class == TG_PEER_DTLS)
        return input_dtls(p, now, bytes, len);
    return input_media(p, bytes, len, class);
}

/* --- time ------------------------------------------------------------------------------------- */

void tg_peer_tick(struct tg_peer *p, tg_us now)
{
    if (p->phase == PHASE_CLOSED)
        return;
    tg_ice_tick(&p->ice, now);
    if (p->phase == PHASE_ICE) {
        if (now >= p->phase_until)
            close_for(p, TG_PEER_ICE_TIMEOUT);
        return;
    }
    if (p->phase == PHASE_DTLS && now >= p->phase_until) {
        close_for(p, TG_PEER_DTLS_TIMEOUT);
        return;
    }
    if (tg_dtls_deadline(p->dtls, now) <= now && tg_dtls_tick(p->dtls, now) != TG_OK)
        close_for(p, TG_PEER_DTLS_FAILED);
    check_dtls(p);
}

tg_us tg_peer_deadline(const struct tg_peer *p, tg_us now)
{
    tg_us at;

    if (p->phase == PHASE_CLOSED)
        return TG_US_NEVER;
    at = tg_ice_deadline(&p->ice);
    if (p->phase != PHASE_OPEN)
        at = TG_MIN(at, p->phase_until);
    if (p->phase != PHASE_ICE)
        at = TG_MIN(at, tg_dtls_deadline(p->dtls, now));
    return at;
}

/* --- output ----------------------------------------------------------------------------------- */

/* False: that ICE output means nothing outside. */
static bool from_ice(struct tg_peer *p, const struct tg_ice_out *in, struct tg_peer_out *ret)
{
    static const enum tg_peer_out_kind kinds[] = {[TG_ICE_SEND] = TG_PEER_OUT_SEND,
                                                  [TG_ICE_ADDR] = TG_PEER_OUT_ADDR,
                                                  [TG_ICE_ADDR_OFF] = TG_PEER_OUT_ADDR_OFF,
                                                  [TG_ICE_SELECTED] = TG_PEER_OUT_MOVED,
                                                  [TG_ICE_RETIRED] = TG_PEER_OUT_RETIRED};

    if (in->kind == TG_ICE_EXPIRED) {
        close_for(p, TG_PEER_CONSENT);
        return false;
    }
    *ret = (struct tg_peer_out){.kind = kinds[in->kind], .addr = in->addr, .bytes = in->bytes};
    return true;
}

static bool poll_dtls(struct tg_peer *p, struct tg_peer_out *ret)
{
    const size_t len = tg_dtls_next_len(p->dtls);
    struct tg_span datagram;

    if (!p->ice.has_selected || p->reason == TG_PEER_CONSENT || len == 0)
        return false;
    if (!tg_ice_may_send(&p->ice, len))
        return false; /* it waits: more will come from there, or a proof */
    datagram = tg_dtls_poll(p->dtls);
    *ret =
        (struct tg_peer_out){.kind = TG_PEER_OUT_SEND, .addr = p->ice.selected, .bytes = datagram};
    return true;
}

bool tg_peer_poll(struct tg_peer *p, struct tg_peer_out *ret)
{
    struct tg_ice_out ice;

    while (tg_ice_poll(&p->ice, &ice)) {
        if (from_ice(p, &ice, ret))
            return true;
    }
    if (poll_dtls(p, ret))
        return true;
    if (p->phase == PHASE_OPEN && !p->told_connected) {
        p->told_connected = true;
        *ret = (struct tg_peer_out){.kind = TG_PEER_OUT_CONNECTED, .addr = p->ice.selected};
        return true;
    }
    if (p->media.data != NULL) {
        *ret = (struct tg_peer_out){.kind = p->media_kind, .bytes = p->media};
        p->media = tg_span(NULL, 0);
        return true;
    }
    if (p->phase == PHASE_CLOSED && !p->told_closed) {
        p->told_closed = true;
        *ret = (struct tg_peer_out){.kind = TG_PEER_OUT_CLOSED, .reason = p->reason};
        return true;
    }
    return false;
}

/* --- looking ---------------------------------------------------------------------------------- */

bool tg_peer_connected(const struct tg_peer *p)
{
    return p->phase == PHASE_OPEN;
}

bool tg_peer_parked(const struct tg_peer *p)
{
    return tg_dtls_parked(p->dtls);
}

const struct tg_addr *tg_peer_remote(const struct tg_peer *p)
{
    return p->ice.has_selected ? &p->ice.selected : NULL;
}

bool tg_peer_knows(const struct tg_peer *p, const struct tg_addr *addr)
{
    return tg_ice_knows(&p->ice, addr);
}

struct tg_srtp_tx *tg_peer_tx(struct tg_peer *p)
{
    return p->phase == PHASE_OPEN ? p->tx : NULL;
}

struct tg_srtp *tg_peer_srtp(struct tg_peer *p)
{
    return p->phase == PHASE_OPEN ? p->srtp : NULL;
}
