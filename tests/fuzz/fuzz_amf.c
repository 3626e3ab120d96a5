/*
 * fuzz_amf.c - any bytes as AMF0: the walk ends, and END tokens match what they close.
 */
#include <stdlib.h>

#include "proto/amf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_amf_rd r = tg_amf_rd(data, size);
    struct tg_amf_token t;
    unsigned depth = 0;
    unsigned tokens = 0;

    while (tg_amf_next(&r, &t) == TG_OK) {
        if (t.type == TG_AMF_END)
            depth--;
        if (t.depth != depth || ++tokens > 2 * TG_AMF_VALUES_MAX)
            abort();
        if (t.type == TG_AMF_OBJECT || t.type == TG_AMF_ARRAY)
            depth++;
        if (t.text.len > size || t.key.len > size)
            abort();
    }
    r = tg_amf_rd(data, size);
    while (tg_amf_next(&r, &t) == TG_OK && tg_amf_skip(&r, &t) == TG_OK)
        if (t.depth != 0)
            abort();
    return 0;
}
