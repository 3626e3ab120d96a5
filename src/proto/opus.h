/*
 * opus.h - how long an Opus packet sounds, read from its first bytes. Pure, stateless.
 * Spec: RFC 6716 s3.1 (TOC byte), s3.2 (frames of a packet).
 *
 *   | config (5) | s | c (2) |   config: mode and frame duration, c: number of frames
 */
#ifndef TG_PROTO_OPUS_H
#define TG_PROTO_OPUS_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/macros.h"

enum { TG_OPUS_PACKET_US_MAX = 120 * TG_US_PER_MS }; /* RFC 6716 s3.2.5, R5 */

/* 2500 .. TG_OPUS_PACKET_US_MAX. Errors: TRUNCATED, MALFORMED (no frame, or more than 120 ms). */
TG_MUST_CHECK tg_err tg_opus_duration(tg_us *ret, struct tg_span packet);

#endif
