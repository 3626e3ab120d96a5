/* bwe_sim.h - the state of sim_bwe: the show, the viewer, the network and the model of a browser.
 */
#ifndef TG_SIM_BWE_SIM_H
#define TG_SIM_BWE_SIM_H

#include "fanout/viewer.h"
#include "proto/twcc_rx.h"
#include "sim/lib/bwe_lines.h"
#include "support/lib/link.h"

enum {
    MS = TG_US_PER_MS,
    SEEDS_DEFAULT = 20,
    LAYERS = 3,
    FRAME_US = 33333,
    AUDIO_US = 20 * MS,
    AUDIO_BYTES = 120,
    PAYLOAD = 1150,
    KEY_EVERY = 60,
    KEY_FACTOR = 6,
    LADDER_LATE_US = 70 * MS,
    METAS = 1 << 16,
    FRAMES_MAX = 1 << 13,
    SEQS = 1 << 13,
    NACK_TRIES = 10,
    PHASES = BWE_PHASES,
    EXT_TWCC = 5,
    VIDEO_SSRC = 100,
    RTX_SSRC = 101,
    AUDIO_SSRC = 102,
    SEQ0 = 1000,
    TAG_CROSS = METAS,
    TAG_REPORT
};

static const uint32_t layer_bps[LAYERS] = {2500000, 1000000, 300000};

/* One packet on its way: what the browser would read in it. */
struct meta {
    uint32_t ssrc;
    uint64_t seq; /* the original's */
    uint32_t frame;
    int32_t twcc; /* -1 = none */
    tg_us sent_at;
};

struct sent_frame {
    uint8_t layer;
    bool key;
    uint64_t frame_no;
    tg_us media_us;
    uint32_t packets;
    uint32_t came;
    uint64_t seq_first;
};

struct browser_seq {
    uint64_t seq;
    bool came;
    uint8_t tries;
    tg_us missing_at;
    tg_us asked_at;
};

struct source {
    struct tg_history *history;
    uint32_t frames_to_key;
    tg_us frame_at; /* next one comes */
    uint32_t number;
    bool key_asked;
    tg_us key_due;
    tg_us key_at;
    tg_us key_told_at;
    tg_us rate_since;
    uint64_t rate_bytes;
};

struct sim {
    uint64_t seed;
    const struct line *line;
    struct tg_rng rng;
    tg_us now;
    tg_us begin;
    struct tg_viewer v;
    struct tg_srtp_tx *tx;
    struct source sources[LAYERS];
    struct tg_history *audio;
    struct tg_viewer_source src;
    tg_us audio_at;
    struct link down;
    struct link up;
    tg_us cross_at;
    tg_us stall_at;
    tg_us stall_until;
    struct meta metas[METAS];
    uint32_t meta_next;
    struct sent_frame frames[FRAMES_MAX];
    uint32_t frame_count;
    uint64_t video_next; /* checked: numbers are consecutive */
    /* the browser */
    struct tg_twcc_rx twcc;
    struct browser_seq seqs[SEQS];
    uint64_t seq_max;
    uint64_t nack_from;
    uint32_t shown; /* frames before it are shown or given up */
    uint32_t shown_count;
    bool chain; /* frames[shown - 1] was shown */
    tg_us shown_at;
    tg_us pli_at;
    tg_us nack_at;
    tg_us rr_at;
    uint32_t lsr;
    tg_us lsr_at;
    uint32_t rr_expected;
    uint32_t rr_came;
    uint32_t rr_came_now;
    uint64_t came_bytes; /* since the last REMB */
    double remb;
    tg_us owd_min;
    tg_us owd_low; /* least of the last third of the second */
    uint32_t audio_sent[PHASES];
    uint32_t audio_came[PHASES];
    /* figures of the phase */
    unsigned phase;
    tg_us phase_at;
    tg_us pause_more; /* see phase_begin */
    tg_us pause_us;
    unsigned changes;
    int layer_last;
    unsigned ticks;
    unsigned ticks_right;
};

#endif
