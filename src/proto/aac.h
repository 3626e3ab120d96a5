/*
 * aac.h - what an AudioSpecificConfig says. Pure. Spec: ISO 14496-3 s1.6.2.1.
 */
#ifndef TG_PROTO_AAC_H
#define TG_PROTO_AAC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct tg_aac_config {
    uint8_t object_type; /* 2 = AAC LC; of the core when SBR or PS is signalled */
    uint32_t rate_hz;    /* of the core; a decoder doubles it for SBR */
    uint8_t channels;    /* 1..8; 0 = described in the stream (program config element) */
};
/* Errors: TRUNCATED, MALFORMED (reserved rate or channel configuration). */
TG_MUST_CHECK tg_err tg_aac_config_parse(struct tg_aac_config *ret, const void *data, size_t len);

#endif
