#include "proto/opus.h"

/* RFC 6716 s3.1, table 2. */
static tg_us frame_us(unsigned config)
{
    static const tg_us silk[] = {10000, 20000, 40000, 60000};
    static const tg_us celt[] = {2500, 5000, 10000, 20000};

    if (config < 12)
        return silk[config & 3];
    if (config < 16) /* hybrid */
        return (config & 1) == 0 ? 10000 : 20000;
    return celt[config & 3];
}

tg_err tg_opus_duration(tg_us *ret, struct tg_span packet)
{
    struct tg_rd r = tg_rd(packet.data, packet.len);
    unsigned toc = tg_rd_u8(&r);
    unsigned code = toc & 3;
    unsigned frames = code == 0 ? 1 : 2;
    tg_us total;

    if (code == 3)
        frames = tg_rd_u8(&r) & 0x3f; /* s3.2.5: v, p, M */
    if (r.bad)
        return TG_ERR_TRUNCATED;
    total = frame_us(toc >> 3) * frames;
    if (total == 0 || total > TG_OPUS_PACKET_US_MAX)
        return TG_ERR_MALFORMED;
    *ret = total;
    return TG_OK;
}
