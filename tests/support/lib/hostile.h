/* hostile.h - what whip_hostile sends: its state, and a function for each way of doing harm. */
#ifndef TG_SUPPORT_HOSTILE_H
#define TG_SUPPORT_HOSTILE_H

#include "base/clock.h"
#include "base/limits.h"
#include "net/loop.h"
#include "proto/ice_lite.h"
#include "proto/sdp.h"
#include "rtc/peer.h"
#include "support/lib/many_udp.h"

enum {
    TICK_US = 5 * TG_US_PER_MS,
    PACKET_MAX = 1400,
    PT_AUDIO = 111,
    PT_VIDEO = 102,
    PT_RTX = 103,
    EXT_MID = 4, /* ids of the offer below */
    EXT_RID = 10,
    EXT_TWCC = 3,
    SSRC_AUDIO = 0x0a0a0a0a,
    SSRC_VIDEO = 0x0b0b0b0b,
    SSRC_RTX = 0x0c0c0c0c,
    JOIN_US_MAX = 10 * TG_US_PER_S,
};

struct attack {
    /* from the command line */
    struct tg_addr http;
    char show[TG_SHOW_ID_MAX + 1];
    char token[128];
    const struct mode *mode;
    tg_us seconds_us;
    unsigned rate;
    unsigned posts;
    bool send_delete;

    struct tg_loop *loop;
    struct tg_watch watch;
    struct tg_timer timer;
    struct many_udp *udp;
    struct tg_dtls_ctx *dtls;
    struct tg_rng rng;
    struct tg_sdp *sdp;
    struct tg_peer *peer;
    char ufrag[TG_ICE_LOCAL_UFRAG + 1];
    char pwd[TG_ICE_LOCAL_PWD + 1];
    char location[256];
    unsigned http_open;
    tg_us began;
    tg_us connected_at; /* 0 = not yet */
    tg_us now;
    uint64_t n; /* packets made: modes count with it */
    uint64_t credit_us;
    uint16_t seq;
    uint16_t twcc;
    uint32_t ts;
    /* the result */
    unsigned posted;
    unsigned created;
    unsigned refused;
    int last_status;
    int deleted;
    uint64_t sent;
    uint64_t not_sent;
    uint64_t rtcp_got;
    const char *closed; /* why the peer ended, "" = it did not */
};

struct mode {
    const char *name;
    void (*make)(struct attack *a); /* one packet; NULL: none is sent */
    bool stop_at_dtls;              /* never a ClientHello */
    bool posts_only;                /* --posts offers, nobody connects */
};

extern const struct mode hostile_modes[];
extern const size_t hostile_mode_count;

#endif
