#include "msg/frame.h"

#include "base/alloc.h"

struct tg_frame *tg_frame_new(size_t packet_count, size_t bytes_cap)
{
    size_t head = sizeof(struct tg_frame) + packet_count * sizeof(struct tg_frame_packet);
    struct tg_frame *frame;

    if (packet_count > TG_FRAME_PACKETS_MAX || bytes_cap > TG_FRAME_SIZE_MAX)
        return NULL;
    frame = tg_calloc(1, head + bytes_cap);
    if (frame == NULL)
        return NULL;
    atomic_init(&frame->refs, 1);
    frame->packet_count = (uint32_t)packet_count;
    frame->bytes = (uint8_t *)frame + head;
    return frame;
}

struct tg_frame *tg_frame_ref(struct tg_frame *frame)
{
    TG_ASSERT(atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed) > 0);
    return frame;
}

void tg_frame_unref(struct tg_frame *frame)
{
    unsigned before;

    if (frame == NULL)
        return;
    before = atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel);
    TG_ASSERT(before > 0);
    if (before == 1)
        tg_free(frame);
}
