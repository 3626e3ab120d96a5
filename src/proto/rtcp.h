/*
 * rtcp.h - RTCP: walk a compound packet, write the packets torg sends. Pure, stateless.
 *
 * Spec: RFC 3550 s6 (SR RR SDES BYE APP), RFC 4585 s6 (NACK PLI), RFC 5104 s4.3.1 (FIR),
 * RFC 5506 (reduced size), RFC 3611 s4.4, s4.5 (XR RRTR, DLRR), draft-alvestrand-rmcat-remb-03,
 * draft-holmer-rmcat-transport-wide-cc-extensions-01.
 *
 *   |V=2|P| count/FMT |      PT       |  length in 32-bit words - 1   |
 *   |  SSRC of the sender                                             |
 *   |  PT 205/206: SSRC of the media source                           |
 */
#ifndef TG_PROTO_RTCP_H
#define TG_PROTO_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"

enum {
    TG_RTCP_REPORTS_MAX = 31, /* the count field has 5 bits */
    TG_RTCP_CNAME_MAX = 255,
    TG_RTCP_TWCC_PACKETS_MAX = 1024, /* statuses of one feedback: > 100 ms at 8000 packets/s */
};

enum tg_rtcp_kind {
    TG_RTCP_SR,
    TG_RTCP_RR,
    TG_RTCP_SDES,
    TG_RTCP_BYE,
    TG_RTCP_NACK,
    TG_RTCP_TWCC,
    TG_RTCP_PLI,
    TG_RTCP_FIR,
    TG_RTCP_REMB,
    TG_RTCP_XR,
    TG_RTCP_OTHER, /* well formed, of no use here */
};

/* One reception report block (RFC 3550 s6.4.1). */
struct tg_rtcp_report {
    uint32_t ssrc;
    uint8_t lost_fraction; /* of 256 */
    int32_t lost_total;    /* 24 bits signed */
    uint32_t seq_max;      /* extended highest sequence number */
    uint32_t jitter;       /* RTP time units */
    uint32_t lsr;          /* middle 32 bits of the NTP time of the last SR; 0 = none */
    uint32_t dlsr;         /* delay since then, 1/65536 s */
};

struct tg_rtcp_sr {
    uint64_t ntp; /* 32.32 fixed point since 1900 */
    uint32_t rtp_ts;
    uint32_t packets;
    uint32_t bytes; /* payload bytes */
};

/* One DLRR sub-block: the answer to a receiver's RRTR. */
struct tg_rtcp_dlrr {
    uint32_t ssrc; /* of the receiver that sent the RRTR */
    uint32_t lrr;  /* middle 32 bits of its NTP time */
    uint32_t dlrr; /* delay since then, 1/65536 s */
};

struct tg_rtcp {
    enum tg_rtcp_kind kind;
    uint8_t pt;
    uint8_t count;        /* count or FMT field */
    uint32_t ssrc;        /* sender; BYE: the first one; SDES: the first chunk's */
    uint32_t media_ssrc;  /* NACK PLI FIR REMB TWCC; 0 for FIR and REMB mostly */
    struct tg_span fci;   /* NACK FIR REMB TWCC SDES BYE XR: what the iterators below read */
    struct tg_rtcp_sr sr; /* SR */
    uint8_t report_count; /* SR RR */
    struct tg_span reports;
    uint64_t remb_bps; /* REMB */
};

/*
 * Next packet of a compound (plain, after SRTCP); start with tg_rd over the datagram. Reduced-size
 * compounds (RFC 5506) are accepted. OK; AGAIN at the end; MALFORMED or TRUNCATED: stop, what came
 * before stands. Spans point into the input.
 */
TG_MUST_CHECK tg_err tg_rtcp_next(struct tg_rd *r, struct tg_rtcp *ret);

/* i < report_count. */
struct tg_rtcp_report tg_rtcp_report_at(const struct tg_rtcp *p, size_t i);

/* NACK: next (PID, BLP) pair; start with tg_rd over fci. false at the end. */
bool tg_rtcp_nack_next(struct tg_rd *r, uint16_t *ret_pid, uint16_t *ret_blp);
/* FIR: next (SSRC, sequence) entry. */
bool tg_rtcp_fir_next(struct tg_rd *r, uint32_t *ret_ssrc, uint8_t *ret_seq);
/* BYE: next SSRC. */
bool tg_rtcp_bye_next(struct tg_rd *r, uint32_t *ret_ssrc);

/* XR: next report block; type and its content without the 4-byte head. */
enum { TG_RTCP_XR_RRTR = 4, TG_RTCP_XR_DLRR = 5 };
bool tg_rtcp_xr_next(struct tg_rd *r, uint8_t *ret_type, struct tg_span *ret_body);
/* MALFORMED when the length is not 8. */
TG_MUST_CHECK tg_err tg_rtcp_rrtr_parse(uint64_t *ret_ntp, struct tg_span body);
bool tg_rtcp_dlrr_next(struct tg_rd *r, struct tg_rtcp_dlrr *ret);

/* SDES: the CNAME of the first chunk; MALFORMED, NOTFOUND. *ret points into the input. */
TG_MUST_CHECK tg_err tg_rtcp_cname(const struct tg_rtcp *p, struct tg_span *ret);

/*
 * Transport-wide congestion control feedback, the FCI:
 *
 *   | base sequence number          | packet status count           |
 *   | reference time (64 ms)                        | fb pkt. count |
 *   | packet chunk                  | packet chunk ...              |
 *   | recv delta (250 us)  ...                                      |
 */
struct tg_twcc {
    uint16_t base_seq;
    uint16_t status_count; /* 1..TG_RTCP_TWCC_PACKETS_MAX */
    uint8_t fb_count;
    int32_t ref_64ms;    /* 24 bits signed */
    struct tg_rd chunks; /* iteration state */
    struct tg_rd deltas;
    uint16_t seq_index;
    uint16_t chunk; /* current chunk and what is left of it */
    uint16_t chunk_left;
    int64_t time_us; /* arrival time so far, receiver's clock */
};
struct tg_twcc_status {
    uint16_t seq;
    bool received;
    int64_t arrival_us; /* receiver's clock, 0 = lost */
};
/* Checks the chunks against the count. MALFORMED, TRUNCATED, LIMIT. */
TG_MUST_CHECK tg_err tg_twcc_parse(struct tg_twcc *ret, struct tg_span fci);
/* Next status; false at the end (t->deltas.bad: deltas were cut off). */
bool tg_twcc_next(struct tg_twcc *t, struct tg_twcc_status *ret);

/* --- writing: each appends one packet; no room or a field out of range: w->bad -------------- */

void tg_rtcp_write_sr(struct tg_wr *w, uint32_t ssrc, const struct tg_rtcp_sr *sr,
                      const struct tg_rtcp_report *reports, size_t count);
void tg_rtcp_write_rr(struct tg_wr *w, uint32_t ssrc, const struct tg_rtcp_report *reports,
                      size_t count);
void tg_rtcp_write_cname(struct tg_wr *w, uint32_t ssrc, const char *cname);
/* count 1..31. */
void tg_rtcp_write_bye(struct tg_wr *w, const uint32_t *ssrcs, size_t count);
/* Packs ascending-by-wrap sequence numbers into PID/BLP pairs; count >= 1. */
void tg_rtcp_write_nack(struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc, const uint16_t *seqs,
                        size_t count);
void tg_rtcp_write_pli(struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc);
void tg_rtcp_write_fir(struct tg_wr *w, uint32_t ssrc, uint32_t media_ssrc, uint8_t seq);
void tg_rtcp_write_remb(struct tg_wr *w, uint32_t ssrc, uint64_t bps, const uint32_t *ssrcs,
                        size_t count);
void tg_rtcp_write_rrtr(struct tg_wr *w, uint32_t ssrc, uint64_t ntp);
void tg_rtcp_write_dlrr(struct tg_wr *w, uint32_t ssrc, const struct tg_rtcp_dlrr *blocks,
                        size_t count);

/* --- NTP time ------------------------------------------------------------------------------- */

/* Wall microseconds since 1970 -> 32.32 fixed point since 1900. wall_us >= 0. */
uint64_t tg_ntp_from_wall(tg_us wall_us);
/* Middle 32 bits. */
static inline uint32_t tg_ntp_mid(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}
/* A duration as 1/65536 s and back; negative counts as 0, saturates. */
uint32_t tg_ntp_delay(tg_us delay_us);
tg_us tg_ntp_delay_us(uint32_t delay);
/*
 * Round trip from an answer (LSR/DLSR or LRR/DLRR): now - lsr - dlsr, all middle 32 bits. -1 when
 * lsr is 0 or the result is negative or above 10 s (a lie or a clock step).
 */
tg_us tg_rtcp_rtt(uint32_t now_mid, uint32_t lsr, uint32_t dlsr);

#endif
