#include "media/demo_paint.h"

#include <glib.h>
#include <string.h>

#include "base/macros.h"

/* Rows are worked on in blocks of this many pixels: a constant count is what -O2 vectorises. */
enum { BLOCK = 64, ROW_MAX = TG_SPRITE_SIDE_MAX + BLOCK };

struct plane {
    uint8_t *value; /* premultiplied */
    uint8_t *alpha;
    int width;
    int height;
    int stride; /* a multiple of BLOCK, zeros behind width */
};

struct tg_sprite {
    struct plane y;
    struct plane u;
    struct plane v; /* shares u's alpha */
    uint8_t *bytes;
};

/* --- making -------------------------------------------------------------------------------- */

struct premul {
    int a;
    int r;
    int g;
    int b;
};

static struct premul pixel_at(const uint8_t *argb, size_t stride, int x, int y)
{
    uint32_t p;

    memcpy(&p, argb + (size_t)y * stride + (size_t)x * 4, sizeof(p));
    return (struct premul){.a = (int)(p >> 24),
                           .r = (int)(p >> 16 & 0xff),
                           .g = (int)(p >> 8 & 0xff),
                           .b = (int)(p & 0xff)};
}

/* BT.709 (Rec. ITU-R BT.709-6 s3) in limited range, 16 fractional bits; linear, so premultiplied
 * colours stay premultiplied when the offset is scaled by alpha too. */
static uint8_t luma(struct premul p)
{
    int sum = 11966 * p.r + 40254 * p.g + 4064 * p.b + 16 * 65536 / 255 * p.a + 32768;

    return (uint8_t)(sum >> 16);
}

static uint8_t chroma_u(struct premul p)
{
    int sum = -6596 * p.r - 22189 * p.g + 28785 * p.b + 128 * 65536 / 255 * p.a + 32768;

    return (uint8_t)CLAMP(sum >> 16, 0, 255);
}

static uint8_t chroma_v(struct premul p)
{
    int sum = 28785 * p.r - 26145 * p.g - 2640 * p.b + 128 * 65536 / 255 * p.a + 32768;

    return (uint8_t)CLAMP(sum >> 16, 0, 255);
}

static struct premul quad_at(const uint8_t *argb, size_t stride, int x, int y)
{
    struct premul sum = {0};

    for (int i = 0; i < 4; i++) {
        struct premul p = pixel_at(argb, stride, 2 * x + (i & 1), 2 * y + (i >> 1));

        sum.a += p.a;
        sum.r += p.r;
        sum.g += p.g;
        sum.b += p.b;
    }
    return (struct premul){
        .a = (sum.a + 2) / 4, .r = (sum.r + 2) / 4, .g = (sum.g + 2) / 4, .b = (sum.b + 2) / 4};
}

static struct plane plane_of(int width, int height)
{
    return (struct plane){
        .width = width, .height = height, .stride = (width + 1 + BLOCK - 1) / BLOCK * BLOCK};
}

static void fill_planes(struct tg_sprite *s, const uint8_t *argb, size_t stride)
{
    for (int y = 0; y < s->y.height; y++)
        for (int x = 0; x < s->y.width; x++) {
            struct premul p = pixel_at(argb, stride, x, y);

            s->y.value[y * s->y.stride + x] = luma(p);
            s->y.alpha[y * s->y.stride + x] = (uint8_t)p.a;
        }
    for (int y = 0; y < s->u.height; y++)
        for (int x = 0; x < s->u.width; x++) {
            struct premul p = quad_at(argb, stride, x, y);

            s->u.value[y * s->u.stride + x] = chroma_u(p);
            s->v.value[y * s->v.stride + x] = chroma_v(p);
            s->u.alpha[y * s->u.stride + x] = (uint8_t)p.a;
        }
}

struct tg_sprite *tg_sprite_new(const uint8_t *argb, size_t stride, int width, int height)
{
    struct tg_sprite *s = g_new0(struct tg_sprite, 1);
    gsize full;
    gsize half;

    TG_ASSERT(width >= 2 && width <= TG_SPRITE_SIDE_MAX && width % 2 == 0);
    TG_ASSERT(height >= 2 && height <= TG_SPRITE_SIDE_MAX && height % 2 == 0);
    s->y = plane_of(width, height);
    s->u = plane_of(width / 2, height / 2);
    s->v = s->u;
    full = (gsize)s->y.stride * (gsize)height;
    half = (gsize)s->u.stride * (gsize)(height / 2);
    s->bytes = g_malloc0(2 * full + 3 * half);
    s->y.value = s->bytes;
    s->y.alpha = s->y.value + full;
    s->u.value = s->y.alpha + full;
    s->v.value = s->u.value + half;
    s->u.alpha = s->v.value + half;
    s->v.alpha = s->u.alpha;
    fill_planes(s, argb, stride);
    return s;
}

void tg_sprite_free(struct tg_sprite *sprite)
{
    if (sprite == NULL)
        return;
    g_free(sprite->bytes);
    g_free(sprite);
}

static uint8_t *copy_plane(const struct plane *p, uint8_t *out)
{
    for (int y = 0; y < p->height; y++) {
        memcpy(out, p->value + (ptrdiff_t)y * p->stride, (size_t)p->width);
        out += p->width;
    }
    return out;
}

void tg_sprite_i420(const struct tg_sprite *sprite, uint8_t *out)
{
    out = copy_plane(&sprite->y, out);
    out = copy_plane(&sprite->u, out);
    (void)copy_plane(&sprite->v, out); /* the end */
}

/* --- painting ------------------------------------------------------------------------------ */

/* out = a + (b - a) * f / 256, over whole blocks. */
static void mix_rows(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
                     int count, int f)
{
    const uint16_t fb = (uint16_t)f;
    const uint16_t fa = (uint16_t)(256 - f);

    for (int at = 0; at < count; at += BLOCK)
        for (int i = 0; i < BLOCK; i++)
            out[at + i] = (uint8_t)((uint16_t)(a[at + i] * fa + b[at + i] * fb) >> 8);
}

/* v * o / 256 */
static void scale_row(uint8_t *restrict row, int count, int opacity)
{
    const uint16_t o = (uint16_t)opacity;

    for (int at = 0; at < count; at += BLOCK)
        for (int i = 0; i < BLOCK; i++)
            row[at + i] = (uint8_t)((uint16_t)(row[at + i] * o) >> 8);
}

static uint8_t blend(uint8_t below, uint8_t value, uint8_t alpha)
{
    /* below * (255 - alpha) / 255, rounded; at most 65407: fits 16 bits. */
    uint16_t t = (uint16_t)(below * (uint16_t)(255 - alpha) + 128);

    return (uint8_t)(value + (uint8_t)((uint16_t)(t + (t >> 8)) >> 8));
}

static void blend_row(uint8_t *restrict dst, const uint8_t *restrict value,
                      const uint8_t *restrict alpha, int count)
{
    int at = 0;

    for (; at + BLOCK <= count; at += BLOCK)
        for (int i = 0; i < BLOCK; i++)
            dst[at + i] = blend(dst[at + i], value[at + i], alpha[at + i]);
    for (; at < count; at++)
        dst[at] = blend(dst[at], value[at], alpha[at]);
}

struct blit {
    int fx; /* fractions to move right and down, 0..255 */
    int fy;
    int opacity;
};

/*
 * One row of `data` moved by the fractions and faded: a pointer to it, into data itself when there
 * is nothing to do. scratch has two rows with one byte in front.
 */
static const uint8_t *moved_row(const uint8_t *data, const struct plane *p, int y,
                                const struct blit *b, uint8_t scratch[2][1 + ROW_MAX])
{
    static const uint8_t nothing[ROW_MAX];
    const uint8_t *here = y < p->height ? data + (ptrdiff_t)y * p->stride : nothing;
    const uint8_t *above = y > 0 ? data + (ptrdiff_t)(y - 1) * p->stride : nothing;
    const uint8_t *row = here;

    if (b->fy != 0) {
        mix_rows(scratch[0] + 1, here, above, p->stride, b->fy);
        row = scratch[0] + 1;
    }
    if (b->fx != 0) {
        if (row == here) { /* needs the zero in front */
            memcpy(scratch[0] + 1, here, (size_t)p->stride);
            row = scratch[0] + 1;
        }
        scratch[0][0] = 0;
        mix_rows(scratch[1] + 1, row, row - 1, p->stride, b->fx);
        row = scratch[1] + 1;
    }
    if (b->opacity < TG_PAINT_OPAQUE) {
        uint8_t *out = scratch[row == scratch[1] + 1 ? 1 : 0] + 1;

        if (row == here)
            memcpy(out, here, (size_t)p->stride);
        scale_row(out, p->stride, b->opacity);
        row = out;
    }
    return row;
}

static int floor_256(int v)
{
    return v >= 0 ? v / 256 : -((-v + 255) / 256);
}

static void paint_plane(uint8_t *dst, int dst_w, int dst_h, const struct plane *p, int x, int y,
                        int opacity)
{
    uint8_t values[2][1 + ROW_MAX];
    uint8_t alphas[2][1 + ROW_MAX];
    const int px = floor_256(x);
    const int py = floor_256(y);
    const struct blit b = {.fx = x - px * 256, .fy = y - py * 256, .opacity = opacity};
    const int width = p->width + (b.fx != 0 ? 1 : 0);
    const int left = MAX(0, -px);
    const int right = MIN(width, dst_w - px);

    if (left >= right)
        return;
    for (int row = MAX(0, -py); row < p->height + (b.fy != 0 ? 1 : 0) && row + py < dst_h; row++) {
        const uint8_t *value = moved_row(p->value, p, row, &b, values);
        const uint8_t *alpha = moved_row(p->alpha, p, row, &b, alphas);

        blend_row(dst + (ptrdiff_t)(row + py) * dst_w + px + left, value + left, alpha + left,
                  right - left);
    }
}

void tg_paint(uint8_t *canvas, const struct tg_sprite *sprite, int x, int y, int opacity)
{
    enum { LUMA = TG_CANVAS_W * TG_CANVAS_H };

    if (opacity <= 0)
        return;
    paint_plane(canvas, TG_CANVAS_W, TG_CANVAS_H, &sprite->y, x, y, opacity);
    /* Half the pixels, half the way; an odd 1/256 is below what anybody sees. */
    paint_plane(canvas + LUMA, TG_CANVAS_W / 2, TG_CANVAS_H / 2, &sprite->u, x / 2, y / 2, opacity);
    paint_plane(canvas + LUMA + LUMA / 4, TG_CANVAS_W / 2, TG_CANVAS_H / 2, &sprite->v, x / 2,
                y / 2, opacity);
}
