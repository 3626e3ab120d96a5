/*
 * rx_stream.h - one encoding of a publisher: its packets become whole frames in order, its holes
 * become requests, its arrivals become reports.
 *
 * Pure. Spec: RFC 3550 s6.4 and A.1, A.3, A.8; RFC 4585; RFC 6184; RFC 7741. Owner: one receiver.
 *
 * What happens to a hole in video, by its age:
 *     0 .. 8 ms        perhaps only overtaken
 *     8 ms ..          asked for (proto/nack.h)
 *     1.25 round trips a newer whole keyframe may go ahead: the first repair had its chance
 *     2.5 round trips, at least 150 ms: a keyframe is asked for, repairs go on
 *     1 s              given up: frames are dropped until the next keyframe
 * A line that was cut for a second is not repaired: a keyframe is asked for at once.
 * Audio waits 80 ms (with NACK 2 round trips), then goes on with a gap.
 */
#ifndef TG_RTC_RX_STREAM_H
#define TG_RTC_RX_STREAM_H

#include "proto/h264_unpack.h"
#include "proto/nack.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "rtc/receiver.h"
#include "rtc/reorder.h"

enum tg_rx_kind { TG_RX_H264, TG_RX_VP8, TG_RX_OPUS };

struct tg_rx_stream_cfg {
    enum tg_rx_kind kind;
    bool nack; /* negotiated */
    bool pli;  /* PLI or FIR negotiated */
    tg_us rtt_us;
};

struct tg_rx_stream {
    struct tg_rx_stream_cfg cfg; /* cfg.rtt_us: keep it fresh with tg_rx_stream_rtt */
    uint32_t ssrc;
    bool live; /* feedback goes to ssrc; not after BYE */
    bool started;
    struct tg_reorder ring;
    struct tg_nack nack;
    struct tg_receiver_stats stats;

    /* reports */
    uint64_t seq_first;
    uint64_t bad_seq;  /* follows a packet far away: twice in a row is a new beginning */
    uint32_t received; /* on the media SSRC */
    uint32_t expected_told;
    uint32_t received_told;
    uint32_t jitter16; /* RTP time units * 16 */
    uint32_t transit;
    uint32_t transit_ts;
    bool has_transit;
    uint32_t lsr;
    tg_us sr_at;

    /* frames */
    bool synced;   /* ring.next begins a frame */
    bool need_key; /* video */
    bool gap;
    bool has_last; /* ring.next - 1 was seen, of time last_ts */
    uint32_t last_ts;
    bool has_drop;
    uint32_t drop_ts; /* of the frame counted as dropped last */
    uint64_t scan;    /* the head frame is looked through up to here */
    bool scan_open;
    uint32_t scan_ts;
    bool has_key; /* key_seq is of a keyframe, the newest such packet held */
    uint64_t key_seq;

    /* keyframe requests */
    tg_us key_due; /* when need_key becomes a request */
    bool want;     /* somebody asked for a keyframe */
    bool want_sent;
    tg_us want_at;
    tg_us pli_at; /* the last one; 0 = none */
    uint8_t fir_seq;
};

/* Errors: NOMEM. Takes all the memory that the stream ever needs. */
TG_MUST_CHECK tg_err tg_rx_stream_new(struct tg_rx_stream **ret,
                                      const struct tg_rx_stream_cfg *cfg);
/* NULL is legal. */
void tg_rx_stream_free(struct tg_rx_stream *s);
/* From now on it comes under that SSRC, with new numbers; statistics go on. */
void tg_rx_stream_begin(struct tg_rx_stream *s, tg_us now, uint32_t ssrc);
void tg_rx_stream_rtt(struct tg_rx_stream *s, tg_us rtt_us);
/*
 * One packet; by_rtx: taken out of an RTX packet. The result is a measured round trip, -1 = none.
 * Payload <= TG_UDP_PACKET_MAX.
 */
tg_us tg_rx_stream_input(struct tg_rx_stream *s, tg_us now, const struct tg_rtp *p, bool by_rtx);
/* A sender report about it. */
void tg_rx_stream_sr(struct tg_rx_stream *s, tg_us now, uint64_t ntp);
void tg_rx_stream_want_key(struct tg_rx_stream *s, tg_us now);

struct tg_rx_frame {
    struct tg_span bytes; /* in u or in the ring, until the next call */
    bool key;
    bool gap;
    bool marker;
    uint32_t ts;
    tg_us arrival;
};
/* The next frame that may leave; false = none yet. u is where video is put together. */
bool tg_rx_stream_frame(struct tg_rx_stream *s, tg_us now, struct tg_h264_unpack *u,
                        struct tg_rx_frame *ret);

/* When a keyframe request is due, TG_US_NEVER = none wanted. */
tg_us tg_rx_stream_key_at(const struct tg_rx_stream *s, tg_us now);
void tg_rx_stream_key_sent(struct tg_rx_stream *s, tg_us now);
/* One report block (RFC 3550 s6.4.1); begins a new interval. */
struct tg_rtcp_report tg_rx_stream_report(struct tg_rx_stream *s, tg_us now);
/* When frame, NACK or keyframe request may have news without a new packet. */
tg_us tg_rx_stream_deadline(const struct tg_rx_stream *s, tg_us now);

#endif
