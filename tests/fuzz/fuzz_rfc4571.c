/*
 * A stream cut anywhere: the same packets, and the same end, as read in one piece.
 * The first byte is the size of the pieces (0 = one piece).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "proto/rfc4571.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    size_t packets;
    size_t bytes;
    uint32_t hash;
    tg_err end;
};

static bool read_piece(struct tg_rfc4571 *r, struct sum *s, const uint8_t *bytes, size_t len)
{
    struct tg_rd in = tg_rd(bytes, len);
    uint8_t *packet = NULL;
    size_t packet_len = 0;

    while ((s->end = tg_rfc4571_next(r, &in, &packet, &packet_len)) == TG_OK) {
        TG_ASSERT(packet_len > 0 && packet_len <= TG_UDP_PACKET_MAX);
        s->packets++;
        s->bytes += packet_len;
        for (size_t i = 0; i < packet_len; i++)
            s->hash = s->hash * 31 + packet[i];
        memset(packet, 0, packet_len); /* it may be written to */
    }
    if (s->end == TG_ERR_AGAIN)
        TG_ASSERT(tg_rd_left(&in) == 0);
    return s->end == TG_ERR_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rfc4571 whole = {0};
    struct tg_rfc4571 cut = {0};
    struct sum a = {0};
    struct sum b = {.end = TG_ERR_AGAIN};
    size_t piece;

    if (size < 2)
        return 0;
    piece = data[0] == 0 ? size : data[0];
    (void)read_piece(&whole, &a, data + 1, size - 1);
    for (size_t at = 1; at < size; at += piece) {
        if (!read_piece(&cut, &b, data + at, TG_MIN(piece, size - at)))
            break;
    }
    TG_ASSERT(a.packets == b.packets && a.bytes == b.bytes && a.hash == b.hash && a.end == b.end);
    return 0;
}
