/*
 * aac.c - AudioSpecificConfig; see aac.h.
 */
#include "proto/aac.h"

#include <stdbool.h>

#include "base/bytes.h"
#include "base/macros.h"

enum { OBJECT_ESCAPE = 31, OBJECT_SBR = 5, OBJECT_PS = 29, RATE_ESCAPE = 15 };

struct bits {
    struct tg_rd rd;
    uint8_t byte;
    unsigned left;
};

static uint32_t take(struct bits *b, unsigned count)
{
    uint32_t value = 0;

    for (; count > 0; count--) {
        if (b->left == 0) {
            b->byte = tg_rd_u8(&b->rd);
            b->left = 8;
        }
        b->left--;
        value = value << 1 | ((uint32_t)b->byte >> b->left & 1U);
    }
    return value;
}

static uint32_t take_object_type(struct bits *b)
{
    uint32_t type = take(b, 5);

    return type == OBJECT_ESCAPE ? 32 + take(b, 6) : type;
}

/* 0 = reserved. */
static uint32_t take_rate(struct bits *b)
{
    static const uint32_t rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                     22050, 16000, 12000, 11025, 8000,  7350};
    uint32_t index = take(b, 4);

    if (index == RATE_ESCAPE)
        return take(b, 24);
    return index < TG_ARRAY_LEN(rates) ? rates[index] : 0;
}

tg_err tg_aac_config_parse(struct tg_aac_config *ret, const void *data, size_t len)
{
    static const uint8_t channels[] = {0, 1, 2, 3, 4, 5, 6, 8};
    struct bits b = {.rd = tg_rd(data, len)};
    uint32_t type = take_object_type(&b);
    uint32_t rate = take_rate(&b);
    uint32_t layout = take(&b, 4);

    if (type == OBJECT_SBR || type == OBJECT_PS) {
        (void)take_rate(&b); /* of the extension */
        type = take_object_type(&b);
    }
    if (b.rd.bad)
        return TG_ERR_TRUNCATED;
    if (rate == 0 || layout >= TG_ARRAY_LEN(channels) || type == 0)
        return TG_ERR_MALFORMED;
    *ret = (struct tg_aac_config){
        .object_type = (uint8_t)type, .rate_hz = rate, .channels = channels[layout]};
    return TG_OK;
}
