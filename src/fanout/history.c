#include "fanout/history.h"

#include "base/alloc.h"
#include "base/seq.h"

tg_err tg_history_new(struct tg_history **ret, size_t frames_max)
{
    if (frames_max == 0 || (frames_max & (frames_max - 1)) != 0)
        return TG_ERR_LIMIT;
    struct tg_history *h = tg_calloc(1, sizeof(*h));

    if (h == NULL)
        return TG_ERR_NOMEM;
    h->ring = tg_calloc(frames_max, sizeof(*h->ring));
    if (h->ring == NULL) {
        tg_free(h);
        return TG_ERR_NOMEM;
    }
    h->cap = frames_max;
    *ret = h;
    return TG_OK;
}

static struct tg_history_entry *slot(const struct tg_history *h, uint64_t frame_no)
{
    return &h->ring[frame_no & (h->cap - 1)];
}

static void drop_oldest(struct tg_history *h)
{
    struct tg_history_entry *e = slot(h, h->tail);

    if (h->has_key && h->key == h->tail)
        h->has_key = false;
    tg_frame_unref(e->frame);
    e->frame = NULL;
    h->tail++;
}

void tg_history_free(struct tg_history *h)
{
    if (h == NULL)
        return;
    while (h->tail < h->head)
        drop_oldest(h);
    tg_free(h->ring);
    tg_free(h);
}

static bool stamp_due(struct tg_history *h, const struct tg_frame *f)
{
    /* Of sound every frame is a keyframe: that says nothing. */
    const bool key = f->track == TG_TRACK_VIDEO && (f->flags & TG_FRAME_KEY) != 0;
    const tg_us ahead = h->stamp_next - f->media_us; /* media time may go back: as good as due */

    if (!key && ahead > 0 && ahead <= TG_STAMP_EVERY_US)
        return false;
    h->stamp_next = f->media_us + TG_STAMP_EVERY_US;
    return true;
}

bool tg_history_push(struct tg_history *h, struct tg_frame *take_frame, tg_us now)
{
    struct tg_frame *f = take_frame;

    if (h->has_generation && tg_ts_diff(f->generation, h->generation) < 0) {
        tg_frame_unref(f);
        return false;
    }
    if (!h->has_generation || f->generation != h->generation)
        h->has_key = false; /* the old publisher's keyframe starts nothing any more */
    h->has_generation = true;
    h->generation = f->generation;
    while (h->tail < h->head &&
           (h->head - h->tail == h->cap ||
            h->packet_next + f->packet_count - slot(h, h->tail)->packet_first > TG_HISTORY_PACKETS))
        drop_oldest(h);
    *slot(h, h->head) = (struct tg_history_entry){
        .frame = f, .packet_first = h->packet_next, .stamped = stamp_due(h, f)};
    h->packet_next += f->packet_count;
    h->head_at = now;
    if ((f->flags & TG_FRAME_KEY) != 0) {
        h->key = h->head;
        h->key_at = now;
        h->has_key = true;
    }
    h->head++;
    return true;
}

const struct tg_history_entry *tg_history_at(const struct tg_history *h, uint64_t frame_no)
{
    return frame_no >= h->tail && frame_no < h->head ? slot(h, frame_no) : NULL;
}

const struct tg_history_entry *tg_history_find(const struct tg_history *h, uint64_t packet_no,
                                               uint32_t *ret_index)
{
    uint64_t low = h->tail;
    uint64_t high = h->head;

    /* The last frame that begins at or before packet_no. */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (slot(h, middle)->packet_first <= packet_no)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == h->tail)
        return NULL;
    const struct tg_history_entry *e = slot(h, low - 1);
    uint64_t index = packet_no - e->packet_first;

    if (index >= e->frame->packet_count)
        return NULL;
    *ret_index = (uint32_t)index;
    return e;
}

bool tg_history_startable(const struct tg_history *h, tg_us now)
{
    return h->has_key && now - h->key_at <= TG_START_AGE_US &&
           now - h->head_at <= TG_START_SILENCE_US;
}
