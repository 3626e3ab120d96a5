/*
 * viewer.h - one WebRTC viewer: which packet it gets next, and how that packet looks for it.
 *
 * Pure: no socket, clock or log. Owner: one rtc worker. Spec: RFC 3550 (RTP, SR), RFC 3611 (DLRR),
 * RFC 4585 (NACK, PLI), RFC 4588 (RTX), RFC 5104 (FIR).
 *
 * A viewer walks the histories of its show with a cursor. What it sends has its own SSRCs, payload
 * types and sequence numbers (consecutive whatever was skipped); the RTP time is the frame's, which
 * is the show's media clock. A track may have a payload type for each of several codecs: when
 * another publisher sends another codec, the viewer goes on with that codec's payload type on the
 * same SSRC with the next numbers; a frame of a codec that was not negotiated is skipped. How
 * packet number and sequence number belong together is kept as runs:
 *
 *   seq    100 101 102 | 103 104 ...        a new run begins where the viewer skipped frames
 *   packet   7   8   9 |  42  43 ...
 *
 * A run also knows its layer. The viewer changes layer where the other layer has a keyframe newer
 * than what was sent last: numbers go on, RTP time is the media clock's for all layers.
 *
 * Everything about a packet's bytes follows from (viewer, sequence number, frame), so that a
 * retransmission without RTX is identical to the original, as SRTP demands (proto/srtp.h). The
 * transport-wide number is the exception, so it is used only with RTX, and only when there are
 * layers to choose from: its feedback costs.
 *
 * Use, once a turn: next() and write() until next() says IDLE or PACED; report() when due.
 */
#ifndef TG_FANOUT_VIEWER_H
#define TG_FANOUT_VIEWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"
#include "fanout/history.h"
#include "fanout/quality.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"
#include "proto/srtp.h"
#include "rtc/bwe.h"

enum {
    TG_VIEWER_RUNS = 16,       /* skips remembered; older ones cannot be asked for again */
    TG_VIEWER_SLOTS = 128,     /* recently answered NACKs, by sequence number */
    TG_VIEWER_CODECS = 2,      /* of one track: H.264 and VP8 */
    TG_VIEWER_RRTRS = 4,       /* reference times waiting for their DLRR */
    TG_VIEWER_CNAME_SIZE = 17, /* 16 characters, NUL */
    TG_VIEWER_PACKET_MAX = TG_RTP_MTU + 48 + TG_SRTP_RTP_TRAILER, /* with extensions and OSN */
    TG_VIEWER_REPORT_MAX = 512,
    TG_VIEWER_START_PACKETS = 256, /* carry playout-delay 0..0; as many more the one below */
    TG_VIEWER_DELAY_MIN_10MS = 4,  /* also in later keyframes */
    TG_VIEWER_DELAY_MAX_10MS = 50,
    TG_VIEWER_LATE_FRAMES = 8, /* this far behind with a newer keyframe there: jump to it */
};

/* A codec that was negotiated for a track. */
struct tg_viewer_codec {
    uint8_t codec; /* enum tg_codec; TG_CODEC_NONE = no such */
    uint8_t pt;
    int16_t rtx_pt; /* -1 = retransmit on the media SSRC */
};

struct tg_viewer_track_cfg {
    bool on;
    struct tg_viewer_codec codecs[TG_VIEWER_CODECS]; /* frames of others are skipped */
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    uint8_t ext_playout_delay; /* header extension ids, 0 = not negotiated */
    uint8_t ext_abs_capture_time;
    uint8_t ext_twcc;   /* used for video when every codec of it has RTX */
    uint16_t seq_first; /* random, < 2^15, so that the first roll-over counter is plain */
    uint16_t rtx_seq_first;
};

struct tg_viewer_cfg {
    struct tg_viewer_track_cfg tracks[TG_TRACK_COUNT];
    tg_us epoch_us;       /* media time = now - epoch */
    tg_us wall_offset_us; /* wall time = now + wall_offset; fixed for the process */
    uint32_t pace_bps;    /* most that one viewer is sent at, 0 = TG_PACE_BPS */
    uint8_t best_allowed; /* no better layer than this (the capacity guard) */
    char cname[TG_VIEWER_CNAME_SIZE];
};

struct tg_viewer_run {
    uint64_t seq_first;
    uint64_t packet_first;
    uint8_t layer;
};

struct tg_viewer_track {
    struct tg_viewer_track_cfg cfg;
    bool need_key;
    bool started; /* the first packet is out */
    bool has_generation;
    bool foreign;  /* the newest frame looked at is of a codec that was not negotiated */
    uint8_t codec; /* enum tg_codec of the frames that are sent now */
    uint32_t generation;
    uint64_t frame_no;  /* cursor into the history */
    uint32_t packet_at; /* next packet of that frame */
    uint64_t seq_first; /* of the whole session */
    uint64_t seq_next;
    uint64_t rtx_seq_next;
    uint64_t run_count; /* all runs ever; the last TG_VIEWER_RUNS are kept */
    struct tg_viewer_run runs[TG_VIEWER_RUNS];
    uint32_t packets; /* for SR */
    uint32_t bytes;
    uint32_t rtx_packets;
    uint32_t rtx_bytes;
};

struct tg_viewer_rrtr {
    uint32_t ssrc; /* 0 = free */
    uint32_t ntp_mid;
    tg_us at;
};

/* What the service counts; the caller reads and clears. */
struct tg_viewer_counts {
    uint32_t packets;
    uint32_t bytes;
    uint32_t resent;
    uint32_t nacked;    /* sequence numbers asked for */
    uint32_t nack_held; /* asked again within a round trip, or above the rate: not answered */
    uint32_t nack_gone; /* not in the history any more */
    uint32_t plis;      /* PLI and FIR */
    uint32_t feedback;  /* REMB and transport-wide CC */
    uint32_t sync_lost; /* fell behind the history */
    uint32_t skipped;   /* frames passed over: waiting for a keyframe, late, other codec */
    uint32_t rtcp_bad;
    uint32_t switches; /* of layer */
    uint32_t probes;   /* clusters begun */
    uint32_t probed;   /* packets sent again only to probe */
    int32_t starved;   /* +1 video paused, -1 goes on */
};

/* By TCP: what its connection takes. Whoever sends keeps bytes and full. */
struct tg_viewer_stream {
    bool on;
    bool full;      /* there was no room, since `since` */
    uint64_t bytes; /* sent since then */
    tg_us since;
    uint32_t last_bps;     /* of the second before, 0 = it was not full */
    uint32_t estimate_bps; /* 0 = more than is sent */
};

struct tg_viewer {
    struct tg_viewer_track tracks[TG_TRACK_COUNT];
    tg_us epoch_us;
    tg_us wall_offset_us;
    char cname[TG_VIEWER_CNAME_SIZE];
    bool running;
    uint8_t wants_key; /* bit mask of layers: the service asks upstream and clears it */
    bool bye;          /* the viewer said BYE: end the session */
    tg_us key_sent_at;
    tg_us rtt_us; /* -1 = not known yet */
    /* quality: what to send (wanted), and what is sent */
    struct tg_bwe bwe;
    struct tg_quality quality;
    uint8_t layer;    /* the video cursor's */
    uint8_t layer_to; /* wanted: taken at its next keyframe */
    bool probing;
    struct tg_viewer_stream stream;
    bool twcc_on; /* video packets carry a transport-wide number and are told to bwe */
    uint16_t twcc_next;
    uint16_t probe_at; /* which packet is sent again next */
    /* During a pause the history forgets what was sent: the last frame of it stays for probes. */
    struct tg_history_entry probe_frame; /* frame NULL = none */
    uint64_t probe_seq;                  /* of its first packet */
    uint32_t probe_count;                /* of its packets, those that were sent */
    uint8_t probe_layer;
    tg_us quality_at;     /* look again then */
    tg_us video_media_us; /* of the newest video frame begun */
    tg_us key_asked_at;   /* for layer_to */
    tg_us hold_at;        /* a frame waits for the other layer's since; 0 = none */
    tg_us behind_at;      /* far behind since; 0 = not */
    /* pacing, bytes */
    uint32_t pace_max_bps;
    uint32_t pace_bps;
    int32_t pace_burst;
    int32_t credit;
    tg_us credit_at;
    /* retransmission */
    uint32_t rate_bps; /* of the layer that is sent, 0 = not known */
    uint32_t resend_bps;
    int32_t resend_credit; /* bytes */
    int32_t resend_burst;
    tg_us resend_credit_at;
    uint32_t resend_head;
    uint32_t resend_tail;
    uint32_t resends[TG_RESEND_QUEUE]; /* see tg_viewer_nack */
    struct {
        uint32_t key; /* as in resends */
        uint32_t at;  /* ms, 0 = never */
    } slots[TG_VIEWER_SLOTS];
    /* reports */
    tg_us report_at;
    uint32_t report_count;
    struct tg_viewer_rrtr rrtrs[TG_VIEWER_RRTRS];
    struct tg_viewer_counts counts;
};

/* One video layer of the show, highest quality first. */
struct tg_viewer_layer {
    const struct tg_history *history; /* NULL = nothing came yet */
    uint32_t bps;                     /* of the last second, 0 = nothing comes now */
    uint16_t width;                   /* 0 = not known */
    uint16_t height;
};

/* What the viewer's show sends. Owner: the worker, one for all viewers of a show. */
struct tg_viewer_source {
    struct tg_viewer_layer video[TG_LAYERS_MAX];
    const struct tg_history *audio; /* NULL = nothing came yet */
};

_Static_assert(sizeof(struct tg_viewer) <= 8 * 1024, "20,000 of them are 160 MB");

void tg_viewer_init(struct tg_viewer *v, const struct tg_viewer_cfg *cfg);
/* Frees what it allocated; counts.starved is settled. */
void tg_viewer_done(struct tg_viewer *v);
/*
 * Keys are there: begin, with the best layer allowed. Video from its kept keyframe when the history
 * is startable, else from the next keyframe (wants_key); audio from the live edge. Calling it twice
 * is a bug.
 */
void tg_viewer_start(struct tg_viewer *v, const struct tg_viewer_source *src, tg_us now);

/* Its packets go by TCP from now on, or by UDP (again). */
void tg_viewer_stream_set(struct tg_viewer *v, tg_us now, bool on);

enum tg_viewer_step {
    TG_VIEWER_IDLE,  /* nothing to send */
    TG_VIEWER_PACED, /* more, but not in this millisecond */
    TG_VIEWER_SEND,
};

struct tg_viewer_packet {
    enum tg_track track;
    bool resend;
    bool probe; /* resend: nobody asked for it */
    uint8_t layer;
    uint64_t seq; /* resend: of the original */
    uint32_t index;
    const struct tg_history_entry *entry;
};

/*
 * The next packet: audio, then retransmissions, then video, then packets of a probe. Nothing is
 * consumed until write. A viewer that fell behind the history, or far behind with a newer keyframe
 * there, goes on at the next keyframe. About ten times a second it also thinks about quality.
 */
enum tg_viewer_step tg_viewer_next(struct tg_viewer *v, const struct tg_viewer_source *src,
                                   tg_us now, struct tg_viewer_packet *ret);
/*
 * Writes it protected into out (cap >= TG_VIEWER_PACKET_MAX) and moves on, also on an error, so
 * that one bad packet cannot stop a viewer. Errors: tg_srtp_tx_protect's, LIMIT.
 */
TG_MUST_CHECK tg_err tg_viewer_write(struct tg_viewer *v, const struct tg_viewer_packet *p,
                                     struct tg_srtp_tx *tx, tg_us now, uint8_t *out, size_t cap,
                                     size_t *ret_len);

/* Asks the cache for what next and write will read, one viewer ahead. */
void tg_viewer_warm(const struct tg_viewer *v);

/* One plaintext compound from the viewer; look at wants_key and bye afterwards. */
void tg_viewer_rtcp(struct tg_viewer *v, tg_us now, struct tg_span compound);
/* A plaintext compound (SR, SDES, DLRR) into out when one is due; 0 = none. cap as the enum says.
 */
size_t tg_viewer_report(struct tg_viewer *v, tg_us now, uint8_t *out, size_t cap);
/* TG_US_NEVER before the first packet. */
tg_us tg_viewer_report_at(const struct tg_viewer *v);

/* The layer sent now; -1 = no picture (yet). */
int tg_viewer_layer(const struct tg_viewer *v);
/* The user's wish, -1 = automatic. Taken at the next call of next(). */
void tg_viewer_pin(struct tg_viewer *v, int layer);

#endif
