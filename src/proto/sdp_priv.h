/*
 * sdp_priv.h - what the parser, WHEP, WHIP and fragments share: cutting text (sdp_text.c), choosing
 * from an offer and writing the lines that every description of ours has (sdp_common.c).
 */
#ifndef TG_PROTO_SDP_PRIV_H
#define TG_PROTO_SDP_PRIV_H

#include "base/bytes.h"
#include "proto/sdp.h"

/* --- text ------------------------------------------------------------------------------------- */

/* Up to the next sep (which is eaten) or the end. */
struct tg_span tg_sdp_until(struct tg_rd *r, char sep);
/* The next word; blanks in front are skipped. Empty = end. */
struct tg_span tg_sdp_word(struct tg_rd *r);
/* The next line without its CR LF or LF. */
struct tg_span tg_sdp_line(struct tg_rd *r);
/* Both ignore case. */
bool tg_sdp_is(struct tg_span s, const char *text);
bool tg_sdp_starts(struct tg_span s, const char *text);
/* Decimal, 0..max. */
bool tg_sdp_number(struct tg_span s, int64_t max, int64_t *ret);
/* Copy with a NUL; false: empty or too long, out is "" or as before then. */
bool tg_sdp_keep(char *out, size_t size, struct tg_span s);
/* Only the characters of alphabet. */
bool tg_sdp_only(struct tg_span s, const char *alphabet);
/* NULL = "x=..." of a fitting length without control characters; LIMIT or MALFORMED in *ret. */
const char *tg_sdp_line_fault(struct tg_span line, tg_err *ret);

/* --- choosing --------------------------------------------------------------------------------- */

/* Neither rejected nor switched off: it can carry media. */
bool tg_sdp_alive(const struct tg_sdp_media *m);
/* The first codec of that name and clock, NULL = none. */
const struct tg_sdp_codec *tg_sdp_find_codec(const struct tg_sdp_media *m, const char *name,
                                             uint32_t clock);
/* Payload type of the retransmissions of pt, -1 = none. */
int16_t tg_sdp_find_rtx(const struct tg_sdp_media *m, uint8_t pt);
/* Baseline, main or high: what browsers and our pipelines read. Constrained baseline ranks 4,
 * baseline 3, main 2, high 1, others 0 = not at all. */
int tg_sdp_h264_rank(uint32_t profile_level_id);
/* A one-byte header extension has ids of 1..14 (RFC 8285 s4.2); 0 = not offered or not usable. */
uint8_t tg_sdp_ext_of(const struct tg_sdp_media *m, enum tg_sdp_ext ext);
const char *tg_sdp_ext_uri(enum tg_sdp_ext ext);
/*
 * The m-line whose transport carries the picked m-lines (indexes, -1 = none; one is there at
 * least): with BUNDLE the first of them (RFC 9143 s7.1). MALFORMED when one has a fault.
 */
TG_MUST_CHECK tg_err tg_sdp_pick_transport(const struct tg_sdp_media **ret,
                                           const struct tg_sdp *offer, int8_t video, int8_t audio,
                                           const char **reterr_reason);

/* --- writing ---------------------------------------------------------------------------------- */

/* v= to t=. */
void tg_sdp_write_session(struct tg_buf *out, const struct tg_sdp_local *local);
/* Session lines that an answer and the fragment of a restart must share (RFC 9725 s4.3.3). */
void tg_sdp_write_ice_session(struct tg_buf *out);
void tg_sdp_write_credentials(struct tg_buf *out, const struct tg_sdp_local *local);
/* Credentials, fingerprint and setup. */
void tg_sdp_write_transport(struct tg_buf *out, const struct tg_sdp_local *local,
                            const char *setup);
/* Ours, best first, and their end. */
void tg_sdp_write_candidates(struct tg_buf *out, const struct tg_sdp_local *local);
/* a=rtcp-fb of each bit. */
void tg_sdp_write_fb(struct tg_buf *out, uint8_t pt, uint8_t fb);
/* Nothing when id is 0. */
void tg_sdp_write_ext(struct tg_buf *out, uint8_t id, enum tg_sdp_ext ext);
/* Nothing when rtx_pt is -1. */
void tg_sdp_write_rtx(struct tg_buf *out, int16_t rtx_pt, int16_t pt);
/* a=group:BUNDLE of the accepted m-lines (indexes, -1 = none). */
void tg_sdp_write_bundle(struct tg_buf *out, const struct tg_sdp *offer, int8_t video,
                         int8_t audio);
/* An m-line with port 0. */
void tg_sdp_write_rejected(struct tg_buf *out, const struct tg_sdp_media *m);
/* "m=video 9 PROTO pt pt\r\n" of the payload types >= 0, then c=, a=rtcp and the mid. */
void tg_sdp_write_m_line(struct tg_buf *out, const struct tg_sdp_media *m, const int16_t *pts,
                         size_t count);

#endif
