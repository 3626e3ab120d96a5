/*
 * receiver_priv.h - between receiver.c (which packet is whose) and receiver_rtcp.c (feedback).
 */
#ifndef TG_RTC_RECEIVER_PRIV_H
#define TG_RTC_RECEIVER_PRIV_H

#include "proto/twcc_rx.h"
#include "rtc/rx_stream.h"

enum tg_receiver_use {
    TG_RECEIVER_FREE,
    TG_RECEIVER_MEDIA,
    TG_RECEIVER_RTX,
    TG_RECEIVER_RETIRED, /* replaced: what still comes of it is late */
};

struct tg_receiver_ssrc {
    uint32_t ssrc;
    uint8_t use; /* enum tg_receiver_use */
    uint8_t encoding;
    tg_us at; /* bound or retired */
};

/* What RTCP told, until poll hands it out. */
struct tg_receiver_news {
    bool clock;
    bool bye;
    uint64_t ntp;
    uint32_t rtp_ts;
    tg_us at;
};

struct tg_receiver {
    struct tg_sdp_whip pick;
    uint32_t ssrc;
    tg_us now;                                         /* of the last input or tick */
    struct tg_rx_stream *streams[TG_RECEIVER_STREAMS]; /* NULL until the first packet */
    struct tg_receiver_news news[TG_RECEIVER_STREAMS];
    bool want[TG_RECEIVER_STREAMS]; /* a keyframe, before the stream came */
    struct tg_receiver_ssrc ssrcs[TG_RECEIVER_SSRCS];

    tg_us rtt_us;     /* what timers go by */
    tg_us rtt_report; /* by DLRR, smoothed; -1 */
    tg_us rtt_repair; /* by answered NACKs, smoothed; -1 */

    bool twcc_on;
    struct tg_twcc_rx twcc;
    bool reduced; /* RFC 5506 negotiated */
    tg_us report_at;
    uint8_t rtcp[TG_RTP_MTU];

    struct tg_h264_unpack unpack; /* where video frames are put together, of all encodings */
};

/* Whose SSRC; NULL = unknown. */
struct tg_receiver_ssrc *tg_receiver_find(struct tg_receiver *r, uint32_t ssrc);
/* A round trip was measured. */
void tg_receiver_rtt_sample(struct tg_receiver *r, tg_us *smoothed, tg_us sample);
/* One compound that is due at r->now, in r->rtcp; false = none. */
bool tg_receiver_feedback(struct tg_receiver *r, struct tg_span *ret);
tg_us tg_receiver_feedback_deadline(const struct tg_receiver *r);

#endif
