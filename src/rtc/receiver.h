/*
 * receiver.h - what a publisher's packets become: repaired, ordered, whole frames; and the feedback
 * that the publisher gets for them. Pure: time is an argument. Owner: one WHIP session (rtc
 * worker).
 *
 * Spec: RFC 3550 (reports), RFC 4585 (NACK, PLI), RFC 4588 (RTX), RFC 8852 (rid), RFC 6184 and
 * RFC 7741 (payloads), draft-holmer-rmcat-transport-wide-cc-extensions-01, RFC 3611 (RRTR, DLRR).
 *
 *   RTP -> stream by SSRC | rid | payload type -> RTX unwrapped -> reorder ring -> frames in order
 *             |                                        |  holes: NACK, again after a round trip
 *             +-> transport-wide arrival times         |  too old, or a newer whole keyframe: skip
 *
 * A frame leaves when it is whole and everything before it left or was given up. After a skip video
 * waits for a keyframe and asks for it: PLI at most every 500 ms a stream. Memory is taken at a
 * stream's first packet, never a packet.
 *
 * After every input and tick drain poll; what it hands out is valid until the next call.
 */
#ifndef TG_RTC_RECEIVER_H
#define TG_RTC_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"
#include "proto/sdp_whip.h"

#define TG_RECEIVER_PLI_US (500 * (tg_us)TG_US_PER_MS)
/* Encoding index of audio; video encodings count from 0: the rids' order, 0 without simulcast. */
enum { TG_RECEIVER_AUDIO = TG_WHIP_RIDS_MAX, TG_RECEIVER_STREAMS = TG_WHIP_RIDS_MAX + 1 };

struct tg_receiver;

struct tg_receiver_cfg {
    const struct tg_sdp_whip *pick; /* copied */
    uint32_t ssrc;                  /* ours, in feedback */
    tg_us rtt_us;                   /* assumed until measured; 0 = 100 ms */
};
/* Errors: NOMEM. */
TG_MUST_CHECK tg_err tg_receiver_new(struct tg_receiver **ret, const struct tg_receiver_cfg *cfg,
                                     tg_us now);
/* NULL is legal. */
void tg_receiver_free(struct tg_receiver *r);

/* One plaintext RTP packet. MALFORMED, NOTFOUND (of no stream of ours), LIMIT, NOMEM: counted,
 * nothing changed. */
tg_err tg_receiver_rtp(struct tg_receiver *r, tg_us now, struct tg_span packet);
/* One plaintext compound: SR, BYE, XR. MALFORMED: what came before stands. */
tg_err tg_receiver_rtcp(struct tg_receiver *r, tg_us now, struct tg_span packet);
void tg_receiver_tick(struct tg_receiver *r, tg_us now);
/* When to tick next: feedback, repair, reports. */
tg_us tg_receiver_deadline(const struct tg_receiver *r);
/* A viewer needs a keyframe of that video encoding: PLI now, or when the interval is over. */
void tg_receiver_want_key(struct tg_receiver *r, tg_us now, unsigned encoding);

enum tg_receiver_out_kind {
    TG_RECEIVER_FRAME, /* a whole video frame or an audio packet */
    TG_RECEIVER_RTCP,  /* bytes: a compound to protect and send */
    TG_RECEIVER_CLOCK, /* the publisher's clock: from a sender report */
    TG_RECEIVER_BYE,   /* the publisher says that the encoding ends */
};

struct tg_receiver_out {
    enum tg_receiver_out_kind kind;
    unsigned encoding; /* FRAME, CLOCK, BYE */
    /*
     * FRAME: H.264 as 4-byte length-prefixed NAL units, one VP8 frame, one Opus packet. RTCP: the
     * compound.
     */
    struct tg_span bytes;
    bool key;        /* FRAME: an IDR picture or VP8 keyframe; audio: true */
    bool gap;        /* FRAME: something before it was given up */
    bool marker;     /* audio: first after a silence */
    uint32_t rtp_ts; /* FRAME, CLOCK */
    tg_us arrival;   /* FRAME: of its first packet; CLOCK: of the report */
    uint64_t ntp;    /* CLOCK: the publisher's wall clock at rtp_ts */
};
bool tg_receiver_poll(struct tg_receiver *r, struct tg_receiver_out *ret);

/* Since the stream began; differences give rates. */
struct tg_receiver_stats {
    uint64_t packets;  /* media packets that came, repaired ones included */
    uint64_t bytes;    /* their payload */
    uint64_t lost;     /* sequence numbers that were missing when a later one came */
    uint64_t repaired; /* ... and came late or by RTX */
    uint64_t given_up;
    uint64_t frames;
    uint64_t frames_dropped; /* incomplete, or waiting for a keyframe */
    uint64_t nacks;          /* sequence numbers asked for, repeats included */
    uint64_t plis;
    tg_us jitter_us;      /* RFC 3550 s6.4.1 */
    tg_us last_packet_at; /* 0 = none yet */
    int16_t audio_dbov;   /* audio: loudest level since the last call, -127..0; 1 = not told */
};
/* encoding < TG_RECEIVER_STREAMS; all zero for a stream that never came. */
void tg_receiver_stats(struct tg_receiver *r, unsigned encoding, struct tg_receiver_stats *ret);
/* Round trip to the publisher: by DLRR or by answered NACKs; -1 = not measured yet. */
tg_us tg_receiver_rtt(const struct tg_receiver *r);

#endif
