/*
 * fuzz_flv.c - any bytes as FLV tag bodies and as an AudioSpecificConfig.
 */
#include <stdlib.h>

#include "proto/aac.h"
#include "proto/flv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *reason = NULL;
    struct tg_flv_video v;
    struct tg_flv_audio a;
    struct tg_aac_config c;
    tg_err err = tg_flv_video_parse(&v, tg_span(data, size), &reason);

    if ((err == TG_ERR_UNSUPPORTED) != (reason != NULL))
        abort();
    if (err == TG_OK && (v.data.len > size || v.cts_ms < -0x800000 || v.cts_ms > 0x7fffff))
        abort();
    reason = NULL;
    err = tg_flv_audio_parse(&a, tg_span(data, size), &reason);
    if ((err == TG_ERR_UNSUPPORTED) != (reason != NULL) || (err == TG_OK && a.data.len > size))
        abort();
    if (tg_aac_config_parse(&c, data, size) == TG_OK && (c.rate_hz == 0 || c.channels > 8))
        abort();
    return 0;
}
