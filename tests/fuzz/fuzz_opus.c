/*
 * fuzz_opus.c - the duration of an Opus packet: whole steps of 2.5 ms, within bounds, and nothing
 * behind the second byte matters.
 */
#include "base/macros.h"
#include "proto/opus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tg_us whole = 0;
    tg_us head = 0;
    tg_err err = tg_opus_duration(&whole, tg_span(data, size));

    TG_ASSERT(tg_opus_duration(&head, tg_span(data, TG_MIN(size, 2))) == err);
    TG_ASSERT(whole == head);
    if (err == TG_OK)
        TG_ASSERT(whole >= 2500 && whole <= TG_OPUS_PACKET_US_MAX && whole % 2500 == 0);
    return 0;
}
