/*
 * demo_art.h - the demo host's drawings, made once with cairo. Media thread.
 * Each returns a sprite that the caller frees.
 */
#ifndef TG_MEDIA_DEMO_ART_H
#define TG_MEDIA_DEMO_ART_H

#include "media/demo_paint.h"
#include "media/media.h"

enum tg_mouth { TG_MOUTH_SMILE, TG_MOUTH_SMALL, TG_MOUTH_WIDE, TG_MOUTH_COUNT };

enum {
    TG_ART_ARM_STEPS = 12, /* the forearm's angles, low to high */
    TG_ART_FIGURE_X = 96,  /* where the presenter's sprites stand when at rest */
    TG_ART_FIGURE_Y = 64,
    TG_ART_FACE_X = 128, /* the face within the figure */
    TG_ART_FACE_Y = 96,
    TG_ART_ARM_X = 236, /* the arm within the figure */
    TG_ART_ARM_Y = 150,
    TG_ART_CARD_W = 468,
    TG_ART_CARD_H = 468,
    TG_ART_BAR_W = 1176,
    TG_ART_BAR_H = 128,
    TG_ART_LINE_W = 760, /* a caption line */
    TG_ART_LINE_H = 44,
    TG_ART_DIGIT_W = 18, /* advance of a clock digit */
};

struct tg_sprite *tg_art_room(void); /* the whole background, opaque */
struct tg_sprite *tg_art_desk(
    void); /* in front of the presenter, at (0, TG_CANVAS_H - its height) */
enum { TG_ART_DESK_Y = 556 };
struct tg_sprite *tg_art_figure(void);
struct tg_sprite *tg_art_face(enum tg_mouth mouth, bool eyes_open);
struct tg_sprite *tg_art_arm(int step);
struct tg_sprite *tg_art_glow(void);  /* a soft spot of light */
struct tg_sprite *tg_art_badge(void); /* "torg demo - live" without the dot */
struct tg_sprite *tg_art_badge_dot(void);
struct tg_sprite *tg_art_clock(void);       /* the clock's plate */
struct tg_sprite *tg_art_digit(char digit); /* 0..9 and ':' */

/* The product on its card; number counts from 1. A drawing that does not decode gives a plain tile.
 */
struct tg_sprite *tg_art_card(const struct tg_demo_product *product, size_t number);
/* The bar below: title, price, and `count` dots of which number is lit. */
struct tg_sprite *tg_art_bar(const struct tg_demo_product *product, size_t number, size_t count);
struct tg_sprite *tg_art_line(const char *text);

/* --- demo_draw.c: shared helpers --- */
typedef struct _cairo cairo_t;
typedef struct _cairo_surface cairo_surface_t;
typedef void (*tg_draw_fn)(cairo_t *cr, const void *arg);
struct tg_sprite *tg_draw_sprite(int width, int height, tg_draw_fn draw, const void *arg);
void tg_draw_color(cairo_t *cr, uint32_t rgb, double alpha);
void tg_draw_round_rect(cairo_t *cr, double x, double y, double w, double h, double radius);
void tg_draw_shadow(cairo_t *cr, double x, double y, double w, double h, double radius,
                    double depth);
/* Left-aligned at (x, baseline y), made smaller until it is at most `room` wide; returns its width.
 */
struct tg_text {
    const char *text;
    double size;
    double room;
    uint32_t rgb;
    bool bold;
};
double tg_draw_text(cairo_t *cr, double x, double y, const struct tg_text *text);
double tg_draw_text_width(cairo_t *cr, const struct tg_text *text);
/* The drawing as cairo pixels, or NULL. Caller destroys. */
cairo_surface_t *tg_draw_svg(const void *svg, size_t len);

#endif
