/*
 * demo_scene.h - what the built-in demo host shows: a presenter behind a desk, the products on
 * cards that glide in one after another, captions and a clock. A pure function of the media time
 * once its drawings are made.
 *
 * new/step/free: media thread. paint: one streaming thread, also while step adds products.
 */
#ifndef TG_MEDIA_DEMO_SCENE_H
#define TG_MEDIA_DEMO_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "media/demo_paint.h"
#include "media/media.h"

enum { TG_DEMO_PRODUCTS_MAX = 24, TG_DEMO_FPS = 25 };

struct tg_demo_scene;

/* products are borrowed until free; more than TG_DEMO_PRODUCTS_MAX are ignored. */
struct tg_demo_scene *tg_demo_scene_new(const struct tg_demo_product *products, size_t count);
/* Prepare the next drawing (some 10 ms); false = all are made. */
bool tg_demo_scene_step(struct tg_demo_scene *scene);
/* Enough is prepared to paint. */
bool tg_demo_scene_ready(const struct tg_demo_scene *scene);
/* The picture (I420, TG_CANVAS_BYTES) at a media time >= 0. Only when ready. */
void tg_demo_scene_paint(const struct tg_demo_scene *scene, uint8_t *out, tg_us media_us);
void tg_demo_scene_free(struct tg_demo_scene *scene);

#endif
