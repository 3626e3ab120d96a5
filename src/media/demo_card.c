/* The demo host's cards, captions and plates: everything with text on it. */
#include <cairo.h>
#include <glib.h>

#include "base/macros.h"
#include "media/demo_art.h"

enum { INK = 0x2b211c, SOFT = 0x7b6a5d, TEAL = 0x1f5f63, CORAL = 0xd9594a, PAPER = 0xfffdf9 };

/* --- the product card ------------------------------------------------------------------------ */

struct card {
    const struct tg_demo_product *product;
    size_t number;
};

/* Clip to the picture's rounded square and draw the SVG, or a plain tile, into it. */
static void draw_picture(cairo_t *cr, const struct tg_demo_product *product, double x, double y,
                         double side)
{
    cairo_surface_t *picture =
        product->svg == NULL ? NULL : tg_draw_svg(product->svg, product->svg_len);

    cairo_save(cr);
    tg_draw_round_rect(cr, x, y, side, side, 22);
    cairo_clip(cr);
    tg_draw_color(cr, 0xf3e6d6, 1);
    cairo_paint(cr);
    if (picture != NULL) {
        double scale = side / MAX(cairo_image_surface_get_width(picture), 1);

        cairo_translate(cr, x, y);
        cairo_scale(cr, scale, scale);
        cairo_set_source_surface(cr, picture, 0, 0);
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_BEST);
        cairo_paint(cr);
        cairo_surface_destroy(picture);
    }
    cairo_restore(cr);
}

static void draw_card(cairo_t *cr, const void *arg)
{
    enum { EDGE = 26, RIM = 12 };
    const struct card *card = arg;
    const double side = TG_ART_CARD_W - 2 * EDGE;
    char number[24];
    struct tg_text text = {.text = number, .size = 24, .rgb = 0xffffff, .bold = true};
    double width;

    tg_draw_shadow(cr, EDGE, EDGE - 6, side, side, 30, 20);
    tg_draw_color(cr, PAPER, 1);
    tg_draw_round_rect(cr, EDGE, EDGE - 6, side, side, 30);
    cairo_fill(cr);
    draw_picture(cr, card->product, EDGE + RIM, EDGE - 6 + RIM, side - 2 * RIM);
    (void)g_snprintf(number, sizeof(number), "No. %zu", card->number);
    width = tg_draw_text_width(cr, &text) + 36;
    tg_draw_color(cr, TEAL, 1);
    tg_draw_round_rect(cr, EDGE + RIM + 14, EDGE + RIM + 8, width, 42, 21);
    cairo_fill(cr);
    (void)tg_draw_text(cr, EDGE + RIM + 32, EDGE + RIM + 38, &text);
}

struct tg_sprite *tg_art_card(const struct tg_demo_product *product, size_t number)
{
    const struct card card = {.product = product, .number = number};

    return tg_draw_sprite(TG_ART_CARD_W, TG_ART_CARD_H, draw_card, &card);
}

/* --- the bar --------------------------------------------------------------------------------- */

struct bar {
    const struct tg_demo_product *product;
    size_t number;
    size_t count;
};

static void draw_dots(cairo_t *cr, const struct bar *bar, double right, double y)
{
    double x = right - (double)bar->count * 16;

    for (size_t i = 0; i < bar->count; i++) {
        bool lit = i + 1 == bar->number;

        tg_draw_color(cr, lit ? CORAL : 0xd8c9b8, 1);
        cairo_new_path(cr);
        cairo_arc(cr, x + (double)i * 16 + 8, y, lit ? 5 : 3.6, 0, 2 * G_PI);
        cairo_fill(cr);
    }
}

static void draw_bar(cairo_t *cr, const void *arg)
{
    enum { EDGE = 20 };
    const struct bar *bar = arg;
    const double w = TG_ART_BAR_W - 2 * EDGE;
    const double h = TG_ART_BAR_H - 2 * EDGE + 8;
    struct tg_text price = {
        .text = bar->product->price_text, .size = 34, .room = 300, .rgb = 0xffffff, .bold = true};
    double price_w = MIN(tg_draw_text_width(cr, &price), price.room) + 56;
    struct tg_text title = {.text = bar->product->title,
                            .size = 38,
                            .room = w - price_w - 90,
                            .rgb = INK,
                            .bold = true};

    tg_draw_shadow(cr, EDGE, EDGE - 10, w, h, 24, 16);
    tg_draw_color(cr, PAPER, 0.97);
    tg_draw_round_rect(cr, EDGE, EDGE - 10, w, h, 24);
    cairo_fill(cr);
    tg_draw_color(cr, CORAL, 1);
    tg_draw_round_rect(cr, EDGE + 16, EDGE + 8, 8, h - 36, 4);
    cairo_fill(cr);
    (void)tg_draw_text(cr, EDGE + 42, EDGE + 37, &title);
    tg_draw_color(cr, TEAL, 1);
    tg_draw_round_rect(cr, EDGE + w - price_w - 18, EDGE + 4, price_w, 52, 26);
    cairo_fill(cr);
    (void)tg_draw_text(cr, EDGE + w - price_w + 10, EDGE + 42, &price);
    draw_dots(cr, bar, EDGE + w - 22, EDGE + 71);
}

struct tg_sprite *tg_art_bar(const struct tg_demo_product *product, size_t number, size_t count)
{
    const struct bar bar = {.product = product, .number = number, .count = count};

    return tg_draw_sprite(TG_ART_BAR_W, TG_ART_BAR_H, draw_bar, &bar);
}

static void draw_line(cairo_t *cr, const void *arg)
{
    const struct tg_text text = {
        .text = arg, .size = 25, .room = TG_ART_LINE_W - 8, .rgb = SOFT, .bold = false};

    (void)tg_draw_text(cr, 4, 31, &text);
}

struct tg_sprite *tg_art_line(const char *text)
{
    return tg_draw_sprite(TG_ART_LINE_W, TG_ART_LINE_H, draw_line, text);
}

/* --- plates ---------------------------------------------------------------------------------- */

static void draw_badge(cairo_t *cr, const void *arg TG_UNUSED)
{
    const struct tg_text text = {
        .text = "torg demo \u00b7 live", .size = 24, .rgb = 0xffffff, .bold = true};
    double width = tg_draw_text_width(cr, &text) + 64;

    tg_draw_color(cr, INK, 0.72);
    tg_draw_round_rect(cr, 2, 2, width, 48, 24);
    cairo_fill(cr);
    (void)tg_draw_text(cr, 46, 35, &text);
}

struct tg_sprite *tg_art_badge(void)
{
    return tg_draw_sprite(330, 52, draw_badge, NULL);
}

static void draw_badge_dot(cairo_t *cr, const void *arg TG_UNUSED)
{
    tg_draw_color(cr, 0xff4d42, 1);
    cairo_arc(cr, 14, 14, 8.5, 0, 2 * G_PI);
    cairo_fill(cr);
}

struct tg_sprite *tg_art_badge_dot(void)
{
    return tg_draw_sprite(28, 28, draw_badge_dot, NULL);
}

static void draw_clock(cairo_t *cr, const void *arg TG_UNUSED)
{
    tg_draw_color(cr, INK, 0.72);
    tg_draw_round_rect(cr, 2, 2, 8 * TG_ART_DIGIT_W + 36, 48, 24);
    cairo_fill(cr);
}

struct tg_sprite *tg_art_clock(void)
{
    return tg_draw_sprite(8 * TG_ART_DIGIT_W + 40, 52, draw_clock, NULL);
}

static void draw_digit(cairo_t *cr, const void *arg)
{
    const struct tg_text text = {.text = arg, .size = 24, .rgb = 0xffffff, .bold = true};
    double width = tg_draw_text_width(cr, &text);

    (void)tg_draw_text(cr, (TG_ART_DIGIT_W - width) / 2 + 2, 29, &text);
}

struct tg_sprite *tg_art_digit(char digit)
{
    const char text[2] = {digit, '\0'};

    return tg_draw_sprite(TG_ART_DIGIT_W + 4, 40, draw_digit, text);
}
