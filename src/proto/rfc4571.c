#include "proto/rfc4571.h"

#include "base/macros.h"

/*
 * Moves bytes from the input until the frame has `size`; its byte `begin` belongs at out[0].
 * False: there were not enough.
 */
static bool fill(struct tg_rfc4571 *r, struct tg_rd *in, uint8_t *out, size_t begin, size_t size)
{
    const size_t n = TG_MIN(tg_rd_left(in), size - r->have);

    tg_rd_copy(in, out + (r->have - begin), n);
    r->have = (uint16_t)(r->have + n); /* <= size <= 1502 */
    return r->have == size;
}

tg_err tg_rfc4571_next(struct tg_rfc4571 *r, struct tg_rd *in, uint8_t **ret_packet,
                       size_t *ret_len)
{
    struct tg_rd head = tg_rd(r->head, sizeof(r->head));
    size_t len;

    if (r->have < TG_RFC4571_HEAD && !fill(r, in, r->head, 0, TG_RFC4571_HEAD))
        return TG_ERR_AGAIN;
    len = tg_rd_u16(&head);
    if (len == 0)
        return TG_ERR_MALFORMED;
    if (len > TG_UDP_PACKET_MAX)
        return TG_ERR_LIMIT;
    if (!fill(r, in, r->packet, TG_RFC4571_HEAD, TG_RFC4571_HEAD + len))
        return TG_ERR_AGAIN;
    r->have = 0;
    *ret_packet = r->packet;
    *ret_len = len;
    return TG_OK;
}

void tg_rfc4571_head(uint8_t out[TG_RFC4571_HEAD], size_t len)
{
    struct tg_wr w = tg_wr(out, TG_RFC4571_HEAD);

    TG_ASSERT(len <= UINT16_MAX);
    tg_wr_u16(&w, (uint16_t)len);
}
