/*
 * The demo host's studio and presenter. Shapes are plain numbers on purpose: this file is a
 * drawing, to be read with the picture beside it.
 */
#include "media/demo_art.h"

#include <cairo.h>
#include <glib.h>
#include <math.h>

#include "base/macros.h"

enum {
    WALL_TOP = 0xfdf3e6,
    WALL_LOW = 0xf4d3ae,
    ARCH = 0xe89a72,
    SKIN = 0xf2c6a2,
    SKIN_SHADE = 0xdfa983,
    HAIR = 0x5b3423,
    HAIR_LIGHT = 0x7a4a31,
    WOOL = 0x1f5f63,
    WOOL_DARK = 0x184c50,
    WOOL_LIGHT = 0xf6ead8,
    WOOD = 0xb77f4e,
    WOOD_DARK = 0x8f5e36,
    LEAF = 0x5d8a5a,
    LEAF_DARK = 0x477048,
    POT = 0xd9795d,
    INK = 0x2b211c,
};

static void fill_ellipse(cairo_t *cr, double x, double y, double rx, double ry)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, rx, ry);
    cairo_new_path(cr);
    cairo_arc(cr, 0, 0, 1, 0, 2 * G_PI);
    cairo_restore(cr);
    cairo_fill(cr);
}

static void add_stop(cairo_pattern_t *pattern, double at, uint32_t rgb, double alpha)
{
    cairo_pattern_add_color_stop_rgba(pattern, at, (double)(rgb >> 16 & 0xff) / 255,
                                      (double)(rgb >> 8 & 0xff) / 255, (double)(rgb & 0xff) / 255,
                                      alpha);
}

static void stroke_line(cairo_t *cr, double x0, double y0, double x1, double y1, double width)
{
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(cr, width);
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

/* --- the room ------------------------------------------------------------------------------ */

static void draw_wall(cairo_t *cr)
{
    cairo_pattern_t *wall = cairo_pattern_create_linear(0, 0, 420, TG_CANVAS_H);
    cairo_pattern_t *light = cairo_pattern_create_radial(900, 250, 60, 900, 250, 620);

    add_stop(wall, 0, WALL_TOP, 1);
    add_stop(wall, 1, WALL_LOW, 1);
    cairo_set_source(cr, wall);
    cairo_paint(cr);
    add_stop(light, 0, 0xffffff, 0.55);
    add_stop(light, 1, 0xffffff, 0);
    cairo_set_source(cr, light);
    cairo_paint(cr);
    cairo_pattern_destroy(wall);
    cairo_pattern_destroy(light);
}

/* A painted arch behind the presenter. */
static void draw_arch(cairo_t *cr)
{
    static const struct {
        double radius;
        double alpha;
    } bands[] = {{250, 0.30}, {205, 0.45}, {160, 0.62}};

    for (size_t i = 0; i < TG_ARRAY_LEN(bands); i++) {
        double r = bands[i].radius;

        tg_draw_color(cr, ARCH, bands[i].alpha);
        cairo_new_path(cr);
        cairo_arc(cr, 296, 300, r, G_PI, 0);
        cairo_line_to(cr, 296 + r, 600);
        cairo_line_to(cr, 296 - r, 600);
        cairo_close_path(cr);
        cairo_fill(cr);
    }
}

static void draw_lamp(cairo_t *cr)
{
    cairo_pattern_t *glow = cairo_pattern_create_radial(596, 178, 8, 596, 178, 170);

    add_stop(glow, 0, 0xfff3c9, 0.75);
    add_stop(glow, 1, 0xfff3c9, 0);
    cairo_set_source(cr, glow);
    cairo_paint(cr);
    cairo_pattern_destroy(glow);
    tg_draw_color(cr, INK, 0.85);
    stroke_line(cr, 596, 0, 596, 112, 3);
    tg_draw_color(cr, 0xfffbe9, 1);
    fill_ellipse(cr, 596, 172, 24, 18);
    tg_draw_color(cr, WOOL, 1);
    cairo_move_to(cr, 580, 110);
    cairo_curve_to(cr, 580, 130, 540, 140, 536, 172);
    cairo_line_to(cr, 656, 172);
    cairo_curve_to(cr, 652, 140, 612, 130, 612, 110);
    cairo_close_path(cr);
    cairo_fill(cr);
}

static void draw_leaf(cairo_t *cr, double angle, double length, uint32_t rgb)
{
    cairo_save(cr);
    cairo_translate(cr, 1212, 470);
    cairo_rotate(cr, angle);
    cairo_move_to(cr, 0, 0);
    cairo_curve_to(cr, length * 0.35, -length * 0.26, length * 0.8, -length * 0.2, length, 0);
    cairo_curve_to(cr, length * 0.8, length * 0.2, length * 0.35, length * 0.26, 0, 0);
    tg_draw_color(cr, rgb, 1);
    cairo_fill(cr);
    tg_draw_color(cr, 0xffffff, 0.18);
    stroke_line(cr, 8, 0, length * 0.86, 0, 2.5);
    cairo_restore(cr);
}

static void draw_plant(cairo_t *cr)
{
    static const struct {
        double angle;
        double length;
    } leaves[] = {{-2.75, 128}, {-0.4, 128},  {-2.3, 168}, {-0.85, 160},
                  {-1.95, 196}, {-1.25, 204}, {-1.6, 226}};

    for (size_t i = 0; i < TG_ARRAY_LEN(leaves); i++)
        draw_leaf(cr, leaves[i].angle, leaves[i].length, i % 2 == 0 ? LEAF_DARK : LEAF);
    tg_draw_color(cr, POT, 1);
    cairo_move_to(cr, 1160, 462);
    cairo_line_to(cr, 1264, 462);
    cairo_line_to(cr, 1248, 570);
    cairo_line_to(cr, 1176, 570);
    cairo_close_path(cr);
    cairo_fill(cr);
    tg_draw_color(cr, 0xffffff, 0.2);
    tg_draw_round_rect(cr, 1154, 456, 116, 22, 8);
    cairo_fill(cr);
}

static void draw_room(cairo_t *cr, const void *arg TG_UNUSED)
{
    draw_wall(cr);
    draw_arch(cr);
    draw_lamp(cr);
    draw_plant(cr);
}

struct tg_sprite *tg_art_room(void)
{
    return tg_draw_sprite(TG_CANVAS_W, TG_CANVAS_H, draw_room, NULL);
}

static void draw_desk(cairo_t *cr, const void *arg TG_UNUSED)
{
    const double h = TG_CANVAS_H - TG_ART_DESK_Y;
    cairo_pattern_t *wood = cairo_pattern_create_linear(0, 0, 0, h);

    add_stop(wood, 0, WOOD, 1);
    add_stop(wood, 1, WOOD_DARK, 1);
    cairo_set_source(cr, wood);
    cairo_paint(cr);
    cairo_pattern_destroy(wood);
    for (int i = 0; i < 9; i++) { /* grain */
        double y = 26 + i * 16;

        tg_draw_color(cr, 0x5a3519, 0.10);
        cairo_set_line_width(cr, 2);
        cairo_move_to(cr, 0, y);
        cairo_curve_to(cr, 360, y + (i % 3 - 1) * 10, 820, y - (i % 4 - 1) * 9, TG_CANVAS_W, y);
        cairo_stroke(cr);
    }
    tg_draw_color(cr, 0xe0b080, 1);
    cairo_rectangle(cr, 0, 0, TG_CANVAS_W, 7);
    cairo_fill(cr);
}

struct tg_sprite *tg_art_desk(void)
{
    return tg_draw_sprite(TG_CANVAS_W, TG_CANVAS_H - TG_ART_DESK_Y, draw_desk, NULL);
}

static void draw_glow(cairo_t *cr, const void *arg TG_UNUSED)
{
    cairo_pattern_t *spot = cairo_pattern_create_radial(64, 64, 4, 64, 64, 60);

    add_stop(spot, 0, 0xffffff, 0.8); /* flat: a slow gradient would show 8-bit steps */
    add_stop(spot, 0.9, 0xffffff, 0.8);
    add_stop(spot, 1, 0xffffff, 0);
    cairo_set_source(cr, spot);
    cairo_paint(cr);
    cairo_pattern_destroy(spot);
}

struct tg_sprite *tg_art_glow(void)
{
    return tg_draw_sprite(128, 128, draw_glow, NULL);
}

/* --- the presenter ------------------------------------------------------------------------- */

static void draw_hair_back(cairo_t *cr)
{
    tg_draw_color(cr, HAIR, 1);
    fill_ellipse(cr, 200, 88, 44, 40); /* the bun */
    cairo_move_to(cr, 108, 300);
    cairo_curve_to(cr, 88, 200, 92, 92, 200, 88);
    cairo_curve_to(cr, 308, 92, 312, 200, 292, 300);
    cairo_curve_to(cr, 268, 322, 132, 322, 108, 300);
    cairo_fill(cr);
}

static void body_path(cairo_t *cr)
{
    cairo_move_to(cr, 40, 560);
    cairo_curve_to(cr, 46, 420, 60, 350, 148, 326);
    cairo_curve_to(cr, 176, 340, 224, 340, 252, 326);
    cairo_curve_to(cr, 340, 350, 354, 420, 360, 560);
    cairo_close_path(cr);
}

static void draw_body(cairo_t *cr)
{
    tg_draw_color(cr, WOOL, 1);
    body_path(cr);
    cairo_fill(cr);
    tg_draw_color(cr, WOOL_DARK, 1);
    stroke_line(cr, 92, 430, 100, 556, 5);
    tg_draw_color(cr, WOOL, 1); /* the upper arm, towards the elbow of tg_art_arm */
    stroke_line(cr, 306, 392, 336, 440, 78);
}

/* Rows of knitted diamonds around the neck. */
static void draw_yoke(cairo_t *cr)
{
    cairo_save(cr);
    body_path(cr);
    cairo_clip(cr);
    for (int ring = 0; ring < 3; ring++) {
        double radius = 84 + ring * 27;
        double size = ring == 1 ? 5.5 : 8;
        int count = 9 + ring * 4;

        tg_draw_color(cr, ring == 1 ? 0xe89a72 : WOOL_LIGHT, 0.95);
        for (int i = 0; i <= count; i++) {
            double angle = G_PI * (0.12 + 0.76 * i / count);
            double x = 200 + radius * 1.12 * cos(angle);
            double y = 300 + radius * sin(angle) * 0.92;

            cairo_move_to(cr, x, y - size);
            cairo_line_to(cr, x + size, y);
            cairo_line_to(cr, x, y + size);
            cairo_line_to(cr, x - size, y);
            cairo_close_path(cr);
            cairo_fill(cr);
        }
    }
    cairo_restore(cr);
}

static void draw_head(cairo_t *cr)
{
    tg_draw_color(cr, SKIN_SHADE, 1);
    tg_draw_round_rect(cr, 166, 250, 68, 96, 32);
    cairo_fill(cr);
    tg_draw_color(cr, WOOL_DARK, 1); /* collar */
    cairo_set_line_width(cr, 22);
    cairo_new_path(cr);
    cairo_arc(cr, 200, 306, 50, 0.15 * G_PI, 0.85 * G_PI);
    cairo_stroke(cr);
    tg_draw_color(cr, SKIN, 1);
    fill_ellipse(cr, 120, 198, 15, 20);
    fill_ellipse(cr, 280, 198, 15, 20);
    fill_ellipse(cr, 200, 190, 80, 96);
    tg_draw_color(cr, 0xf7c948, 1); /* earrings */
    fill_ellipse(cr, 117, 226, 6, 6);
    fill_ellipse(cr, 283, 226, 6, 6);
}

static void draw_fringe(cairo_t *cr)
{
    tg_draw_color(cr, HAIR, 1);
    cairo_move_to(cr, 112, 196);
    cairo_curve_to(cr, 112, 60, 288, 60, 290, 196);
    cairo_curve_to(cr, 282, 150, 256, 130, 232, 122);
    cairo_curve_to(cr, 206, 152, 144, 148, 112, 196);
    cairo_fill(cr);
    tg_draw_color(cr, HAIR_LIGHT, 0.8);
    cairo_set_line_width(cr, 5);
    cairo_move_to(cr, 140, 126);
    cairo_curve_to(cr, 160, 96, 210, 88, 242, 106);
    cairo_stroke(cr);
}

static void draw_figure(cairo_t *cr, const void *arg TG_UNUSED)
{
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    draw_hair_back(cr);
    draw_body(cr);
    draw_yoke(cr);
    draw_head(cr);
    draw_fringe(cr);
}

struct tg_sprite *tg_art_figure(void)
{
    return tg_draw_sprite(440, 560, draw_figure, NULL);
}

struct face {
    enum tg_mouth mouth;
    bool eyes_open;
};

static void draw_eye(cairo_t *cr, double x, bool open)
{
    tg_draw_color(cr, INK, 1);
    if (!open) {
        cairo_set_line_width(cr, 4.5);
        cairo_new_path(cr);
        cairo_arc(cr, x, 86, 10, 0.15 * G_PI, 0.85 * G_PI);
        cairo_stroke(cr);
        return;
    }
    fill_ellipse(cr, x, 92, 8.5, 11);
    tg_draw_color(cr, 0xffffff, 1);
    fill_ellipse(cr, x + 3, 87.5, 3, 3.6);
}

static void draw_mouth(cairo_t *cr, enum tg_mouth mouth)
{
    static const double heights[TG_MOUTH_COUNT] = {0, 9, 17};
    double h = heights[mouth];

    if (mouth == TG_MOUTH_SMILE) {
        tg_draw_color(cr, 0xa8443c, 1);
        cairo_set_line_width(cr, 5.5);
        cairo_new_path(cr);
        cairo_arc(cr, 72, 128, 24, 0.16 * G_PI, 0.84 * G_PI);
        cairo_stroke(cr);
        return;
    }
    tg_draw_color(cr, 0x8c2f2b, 1);
    cairo_move_to(cr, 48, 140);
    cairo_curve_to(cr, 58, 136, 86, 136, 96, 140);
    cairo_curve_to(cr, 92, 142 + h * 1.3, 52, 142 + h * 1.3, 48, 140);
    cairo_fill(cr);
    tg_draw_color(cr, 0xffffff, 1);
    tg_draw_round_rect(cr, 56, 138.5, 32, 5, 2.5);
    cairo_fill(cr);
}

static void draw_face(cairo_t *cr, const void *arg)
{
    const struct face *face = arg;

    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    tg_draw_color(cr, 0xe9896d, 0.38);
    fill_ellipse(cr, 26, 118, 15, 10);
    fill_ellipse(cr, 118, 118, 15, 10);
    draw_eye(cr, 42, face->eyes_open);
    draw_eye(cr, 102, face->eyes_open);
    tg_draw_color(cr, HAIR, 1);
    cairo_set_line_width(cr, 4.5);
    cairo_new_path(cr);
    cairo_arc(cr, 42, 88, 24, 1.28 * G_PI, 1.72 * G_PI);
    cairo_stroke(cr);
    cairo_arc(cr, 102, 88, 24, 1.28 * G_PI, 1.72 * G_PI);
    cairo_stroke(cr);
    tg_draw_color(cr, SKIN_SHADE, 1);
    cairo_move_to(cr, 73, 98);
    cairo_curve_to(cr, 82, 114, 80, 118, 68, 117);
    cairo_stroke(cr);
    draw_mouth(cr, face->mouth);
}

struct tg_sprite *tg_art_face(enum tg_mouth mouth, bool eyes_open)
{
    const struct face face = {.mouth = mouth, .eyes_open = eyes_open};

    return tg_draw_sprite(144, 180, draw_face, &face);
}

/* The forearm about its elbow at (100, 290), the hand showing towards the card. */
static void draw_arm(cairo_t *cr, const void *arg)
{
    const int *step = arg;

    cairo_translate(cr, 100, 290);
    cairo_rotate(cr, -0.25 - 0.62 * *step / (TG_ART_ARM_STEPS - 1));
    tg_draw_color(cr, SKIN, 1);
    fill_ellipse(cr, 156, 0, 28, 25);
    stroke_line(cr, 168, -6, 200, -10, 15);
    stroke_line(cr, 150, -18, 160, -38, 14);
    tg_draw_color(cr, SKIN_SHADE, 0.7);
    cairo_set_line_width(cr, 3);
    cairo_move_to(cr, 166, 6);
    cairo_line_to(cr, 180, 5);
    cairo_move_to(cr, 164, 15);
    cairo_line_to(cr, 176, 14);
    cairo_stroke(cr);
    tg_draw_color(cr, WOOL, 1);
    stroke_line(cr, 0, 0, 100, 0, 70);
    tg_draw_color(cr, WOOL_DARK, 1);
    stroke_line(cr, 128, -25, 128, 25, 13);
}

struct tg_sprite *tg_art_arm(int step)
{
    return tg_draw_sprite(330, 350, draw_arm, &step);
}
