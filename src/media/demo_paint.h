/*
 * demo_paint.h - painting I420 pictures from prepared sprites, cheaply enough for a demo host.
 *
 * A sprite is premultiplied Y, U, V with alpha, at full and at half resolution, so that one row is
 * a few multiply-adds a pixel which compilers turn into vector code. BT.709, limited range.
 * Positions are in 1/256 pixel, for slow movements without steps. Owner: whoever made it; a sprite
 * is immutable, so any thread may paint with it.
 */
#ifndef TG_MEDIA_DEMO_PAINT_H
#define TG_MEDIA_DEMO_PAINT_H

#include <stddef.h>
#include <stdint.h>

enum {
    TG_CANVAS_W = 1280,
    TG_CANVAS_H = 720,
    TG_CANVAS_BYTES = TG_CANVAS_W * TG_CANVAS_H * 3 / 2,
    TG_SPRITE_SIDE_MAX = 1280,
    TG_PAINT_OPAQUE = 256, /* full opacity */
    TG_PAINT_ONE = 256,    /* one pixel */
};

struct tg_sprite;

/*
 * From cairo's ARGB32: native-endian premultiplied pixels, stride in bytes. Width and height even,
 * 2..TG_SPRITE_SIDE_MAX. Its outermost two pixels should be transparent when it is to be moved by
 * fractions. GLib aborts without memory.
 */
struct tg_sprite *tg_sprite_new(const uint8_t *argb, size_t stride, int width, int height);
void tg_sprite_free(struct tg_sprite *sprite);

/* An opaque sprite as a picture of its own size: I420 without padding, 3/2 byte a pixel. */
void tg_sprite_i420(const struct tg_sprite *sprite, uint8_t *out);

/*
 * Blend the sprite over the picture (TG_CANVAS_BYTES, planes without padding), its top left corner
 * at (x, y) in 1/256 pixel; what lies outside is cut. opacity 0..TG_PAINT_OPAQUE.
 */
void tg_paint(uint8_t *canvas, const struct tg_sprite *sprite, int x, int y, int opacity);

#endif
