/*
 * rx_meter.h - what one player receives: packets, losses, first frame, first keyframe, capture
 * times. Most of it from the clear part of SRTP packets, so that thousands can be watched at once.
 * Pure. Owner: one per viewer of a load generator.
 */
#ifndef TESTS_SUPPORT_RX_METER_H
#define TESTS_SUPPORT_RX_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum { RX_STREAMS = 4 }; /* SSRCs of one viewer: video, its rtx, audio, one to spare */

struct rx_stream {
    uint32_t ssrc;
    bool on;
    uint64_t first; /* sequence numbers, unwrapped */
    uint64_t newest;
    uint64_t packets;
    uint64_t mark_newest; /* at the begin of the window */
    uint64_t mark_packets;
};

/* A frame of which every packet must come: from a known first one to its marker. */
struct rx_frame {
    bool on;
    bool done;
    uint32_t ts;
    uint64_t seq_first;
    uint64_t seq_marker; /* 0 = has not come */
    uint64_t packets;
};

/* Zero-initialise, then set what the descriptions said. */
struct rx_meter {
    uint8_t video_pt;
    uint8_t ext_capture; /* header extension ids, 0 = none */
    uint8_t ext_twcc;
    bool marked; /* was watching when the window began */
    struct rx_stream streams[RX_STREAMS];
    struct rx_frame frame; /* the first that came */
    struct rx_frame key;   /* the first keyframe, see rx_meter_plain */
};

/* What one packet told. */
struct rx_seen {
    bool video;      /* of the video itself, no retransmission */
    bool frame_done; /* the first frame is complete with it */
    bool has_capture;
    bool has_twcc;
    uint16_t twcc;
    uint32_t ssrc;
    tg_us capture_wall_us;
};

/* One RTP packet as it came, protected. False: it is none. */
bool rx_meter_packet(struct rx_meter *m, const uint8_t *bytes, size_t len, struct rx_seen *ret);
/*
 * The same packet decrypted, after rx_meter_packet. *ret_key: the first H.264 keyframe is complete
 * with it. *ret_sent_us: when rtp_source sent it (its clock in the padding), 0 = it does not say.
 */
void rx_meter_plain(struct rx_meter *m, const uint8_t *bytes, size_t len, bool *ret_key,
                    tg_us *ret_sent_us);
/* Over the whole time. */
uint64_t rx_meter_lost(const struct rx_meter *m);
uint64_t rx_meter_packets(const struct rx_meter *m);
/* A window begins. */
void rx_meter_mark(struct rx_meter *m);
/* Since then: how many came, how many are missing among them. */
void rx_meter_window(const struct rx_meter *m, uint64_t *ret_packets, uint64_t *ret_lost);

/*
 * The clock that rtp_source puts into the RTP padding of a frame's first packet: a player never
 * sees it, and a server that relays packets as they are passes it on.
 *   | wall clock, us, 8 bytes | 't' 'g' 'C' | 12 |
 */
enum { RX_CLOCK_LEN = 12 };

#endif
