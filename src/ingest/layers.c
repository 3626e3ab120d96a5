/*
 * layers.c - see layers.h.
 */
#include "ingest/layers.h"

void tg_layers_init(struct tg_layers *l)
{
    *l = (struct tg_layers){0};
    for (unsigned i = 0; i < TG_WHIP_RIDS_MAX; i++) {
        l->encodings[i].layer = -1;
        l->encodings[i].wait_key = true;
        l->owner[i] = -1;
    }
}

static bool flows(const struct tg_layers *l, unsigned e)
{
    return l->encodings[e].seen && l->newest - l->encodings[e].last <= TG_LAYERS_PAUSE_US;
}

static uint32_t pixels(const struct tg_layers *l, unsigned e)
{
    return (uint32_t)l->encodings[e].width * l->encodings[e].height;
}

/* Where an encoding belongs: behind all that were seen and are better. */
static int place(const struct tg_layers *l, unsigned e)
{
    int better = 0;

    for (unsigned i = 0; i < TG_WHIP_RIDS_MAX; i++) {
        if (i == e || !l->encodings[i].seen)
            continue;
        if (pixels(l, i) > pixels(l, e) || (pixels(l, i) == pixels(l, e) && i < e))
            better++;
    }
    return better;
}

static void leave(struct tg_layers *l, unsigned e)
{
    if (l->encodings[e].layer >= 0)
        l->owner[l->encodings[e].layer] = -1;
    l->encodings[e].layer = -1;
}

static void take(struct tg_layers *l, unsigned e, int layer)
{
    int before = l->owner[layer];

    if (before >= 0) {
        leave(l, (unsigned)before); /* it comes back at its own place with a keyframe */
        l->changes++;
    }
    leave(l, e);
    l->owner[layer] = (int)e;
    l->encodings[e].layer = layer;
}

/*
 * Up at a keyframe only, and never down: an encoding that is not the best any more keeps its layer
 * until the better one takes it, so that the layer does not stand still in between.
 */
static bool moves_up(const struct tg_layers *l, unsigned e)
{
    return l->encodings[e].layer < 0 || place(l, e) < l->encodings[e].layer;
}

int tg_layers_frame(struct tg_layers *l, unsigned encoding, bool key, unsigned width,
                    unsigned height, tg_us now)
{
    TG_ASSERT(encoding < TG_WHIP_RIDS_MAX);
    l->encodings[encoding].seen = true;
    l->encodings[encoding].last = now;
    l->newest = TG_MAX(l->newest, now);
    if (key) {
        if (width > 0 && height > 0) {
            l->encodings[encoding].width = (uint16_t)TG_MIN(width, (unsigned)UINT16_MAX);
            l->encodings[encoding].height = (uint16_t)TG_MIN(height, (unsigned)UINT16_MAX);
        }
        l->encodings[encoding].wait_key = false;
        if (moves_up(l, encoding))
            take(l, encoding, place(l, encoding));
    }
    return l->encodings[encoding].wait_key ? -1 : l->encodings[encoding].layer;
}

void tg_layers_lost(struct tg_layers *l, unsigned encoding)
{
    TG_ASSERT(encoding < TG_WHIP_RIDS_MAX);
    l->encodings[encoding].wait_key = true;
}

void tg_layers_end(struct tg_layers *l, unsigned encoding)
{
    TG_ASSERT(encoding < TG_WHIP_RIDS_MAX);
    leave(l, encoding);
    l->encodings[encoding].seen = false;
    l->encodings[encoding].wait_key = true;
}

uint32_t tg_layers_wanted(const struct tg_layers *l)
{
    uint32_t wanted = 0;

    for (unsigned e = 0; e < TG_WHIP_RIDS_MAX; e++) {
        if (flows(l, e) && (l->encodings[e].wait_key || moves_up(l, e)))
            wanted |= 1U << e;
    }
    return wanted;
}

int tg_layers_encoding(const struct tg_layers *l, unsigned layer)
{
    return layer < TG_WHIP_RIDS_MAX ? l->owner[layer] : -1;
}

int tg_layers_best(const struct tg_layers *l)
{
    for (unsigned layer = 0; layer < TG_WHIP_RIDS_MAX; layer++) {
        int e = l->owner[layer];

        if (e >= 0 && flows(l, (unsigned)e))
            return e;
    }
    return -1;
}

void tg_layers_size(const struct tg_layers *l, uint16_t *ret_width, uint16_t *ret_height)
{
    int e = tg_layers_best(l);

    *ret_width = e < 0 ? 0 : l->encodings[e].width;
    *ret_height = e < 0 ? 0 : l->encodings[e].height;
}
