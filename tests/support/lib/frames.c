#include "support/lib/frames.h"

static void unref_frame(gpointer frame)
{
    tg_frame_unref(frame);
}

void tg_frames_init(struct tg_frames *frames)
{
    g_mutex_init(&frames->lock);
    g_cond_init(&frames->cond);
    for (int i = 0; i < TG_TRACK_COUNT; i++)
        frames->list[i] = g_ptr_array_new_with_free_func(unref_frame);
}

void tg_frames_done(struct tg_frames *frames)
{
    for (int i = 0; i < TG_TRACK_COUNT; i++)
        g_ptr_array_unref(frames->list[i]);
    g_mutex_clear(&frames->lock);
    g_cond_clear(&frames->cond);
}

void tg_frames_out(void *ctx, struct tg_frame *take_frame)
{
    struct tg_frames *frames = ctx;

    g_mutex_lock(&frames->lock);
    g_ptr_array_add(frames->list[take_frame->track], take_frame);
    g_cond_broadcast(&frames->cond);
    g_mutex_unlock(&frames->lock);
}

bool tg_frames_wait(struct tg_frames *frames, enum tg_track track, size_t count, tg_us wait_us)
{
    const gint64 until = g_get_monotonic_time() + wait_us;
    bool in_time = true;
    bool there;

    g_mutex_lock(&frames->lock);
    while (frames->list[track]->len < count && in_time)
        in_time = g_cond_wait_until(&frames->cond, &frames->lock, until);
    there = frames->list[track]->len >= count;
    g_mutex_unlock(&frames->lock);
    return there;
}

size_t tg_frames_count(struct tg_frames *frames, enum tg_track track)
{
    size_t count;

    g_mutex_lock(&frames->lock);
    count = frames->list[track]->len;
    g_mutex_unlock(&frames->lock);
    return count;
}

struct tg_frame *tg_frames_get(struct tg_frames *frames, enum tg_track track, size_t index)
{
    struct tg_frame *frame;

    g_mutex_lock(&frames->lock);
    TG_ASSERT(index < frames->list[track]->len);
    frame = tg_frame_ref(g_ptr_array_index(frames->list[track], index));
    g_mutex_unlock(&frames->lock);
    return frame;
}

void tg_frames_clear(struct tg_frames *frames)
{
    g_mutex_lock(&frames->lock);
    for (int i = 0; i < TG_TRACK_COUNT; i++)
        g_ptr_array_set_size(frames->list[i], 0);
    g_mutex_unlock(&frames->lock);
}

enum { STAP_A = 24, FU_A = 28 };

static size_t stap_types(struct tg_rd r, unsigned *ret_types, size_t max)
{
    size_t count = 0;

    tg_rd_skip(&r, 1);
    while (tg_rd_left(&r) > 2 && count < max) {
        struct tg_span nal = tg_rd_span(&r, tg_rd_u16(&r));

        TG_ASSERT(!r.bad && nal.len > 0);
        ret_types[count++] = nal.data[0] & 0x1fU;
    }
    return count;
}

size_t tg_frame_nal_types(const struct tg_frame *frame, unsigned *ret_types, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < frame->packet_count && count < max; i++) {
        struct tg_span p = tg_frame_payload(frame, i);
        unsigned type = p.data[0] & 0x1fU;

        if (type == STAP_A)
            count += stap_types(tg_rd(p.data, p.len), ret_types + count, max - count);
        else if (type != FU_A)
            ret_types[count++] = type;
        else if ((p.data[1] & 0x80) != 0)
            ret_types[count++] = p.data[1] & 0x1fU;
    }
    return count;
}
