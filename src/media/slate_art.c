/*
 * The slate's picture: dark where the demo host's studio is light, with its arch and its
 * terracotta. Everything is measured in hundredths of the picture's shorter side.
 */
#include <cairo.h>
#include <glib.h>
#include <string.h>

#include "base/str.h"
#include "media/demo_art.h"
#include "media/slate.h"

enum {
    NIGHT_TOP = 0x1b2a2c,
    NIGHT_LOW = 0x14100f,
    ARCH = 0xe89a72,
    CREAM = 0xfdf3e6,
    SAND = 0xd9c3a8,
    LINES_MAX = 3,
    LINE_SIZE = TG_TITLE_SIZE,
};

struct slate_art {
    int width;
    int height;
    const char *title;
    const char *text;
};

static void add_stop(cairo_pattern_t *pattern, double at, uint32_t rgb, double alpha)
{
    cairo_pattern_add_color_stop_rgba(pattern, at, (double)(rgb >> 16 & 0xff) / 255,
                                      (double)(rgb >> 8 & 0xff) / 255, (double)(rgb & 0xff) / 255,
                                      alpha);
}

static void draw_background(cairo_t *cr, const struct slate_art *art, double unit)
{
    const double cx = art->width * 0.82;
    const double cy = art->height * 1.02;
    cairo_pattern_t *night = cairo_pattern_create_linear(0, 0, art->width * 0.3, art->height);
    cairo_pattern_t *glow = cairo_pattern_create_radial(cx, cy, 5 * unit, cx, cy, 105 * unit);

    add_stop(night, 0, NIGHT_TOP, 1);
    add_stop(night, 1, NIGHT_LOW, 1);
    cairo_set_source(cr, night);
    cairo_paint(cr);
    add_stop(glow, 0, ARCH, 0.26);
    add_stop(glow, 1, ARCH, 0);
    cairo_set_source(cr, glow);
    cairo_paint(cr);
    cairo_pattern_destroy(night);
    cairo_pattern_destroy(glow);
    for (int i = 0; i < 3; i++) { /* the studio's painted arch, with the lights off */
        tg_draw_color(cr, ARCH, 0.05 + 0.025 * i);
        cairo_new_path(cr);
        cairo_arc(cr, cx, cy, (62 - 14 * i) * unit, G_PI, 0);
        cairo_close_path(cr);
        cairo_fill(cr);
    }
}

/* --- the title in lines ------------------------------------------------------------------------
 */

/* How many bytes of text make the longest line of whole words within `room`; at least one word. */
static size_t line_len(cairo_t *cr, const char *text, double size, double room)
{
    char line[LINE_SIZE];
    size_t best = 0;

    for (size_t end = 1;; end++) {
        struct tg_text measured = {.text = line, .size = size, .bold = true};

        if (text[end] != ' ' && text[end] != '\0')
            continue;
        if (tg_str_copy(line, sizeof(line), text, end) != TG_OK)
            return best == 0 ? end : best;
        if (best > 0 && tg_draw_text_width(cr, &measured) > room)
            return best;
        best = end;
        if (text[end] == '\0')
            return best;
    }
}

/* Whole words only; what does not fit into the last line is told by an ellipsis. */
static size_t wrap(cairo_t *cr, const char *text, double size, double room,
                   char out[LINES_MAX][LINE_SIZE + 4])
{
    size_t count = 0;

    while (*text == ' ')
        text++;
    while (*text != '\0' && count < LINES_MAX) {
        size_t len = line_len(cr, text, size, room);

        if (tg_str_copy(out[count], LINE_SIZE, text, len) != TG_OK)
            return count;
        text += len;
        while (*text == ' ')
            text++;
        count++;
    }
    if (*text != '\0')
        (void)g_strlcat(out[LINES_MAX - 1], "\xe2\x80\xa6", LINE_SIZE + 4); /* fits: 3 bytes */
    return count;
}

static void draw_words(cairo_t *cr, const struct slate_art *art, double unit)
{
    const double left = art->width * 0.09;
    const double room = art->width - 2 * left;
    const double size = 9.5 * unit;
    char lines[LINES_MAX][LINE_SIZE + 4];
    const size_t count = wrap(cr, art->title, size, room, lines);
    const double step = size * 1.22;
    double y = art->height * 0.5 - (double)count * step / 2;
    struct tg_text text = {.size = size, .room = room, .rgb = CREAM, .bold = true};

    for (size_t i = 0; i < count; i++) {
        y += step;
        text.text = lines[i];
        (void)tg_draw_text(cr, left, y - size * 0.25, &text); /* its width: not needed */
    }
    y += 3.2 * unit;
    tg_draw_color(cr, ARCH, 1);
    tg_draw_round_rect(cr, left, y, 16 * unit, 1.1 * unit, 0.55 * unit);
    cairo_fill(cr);
    text = (struct tg_text){.text = art->text, .size = 5.2 * unit, .room = room, .rgb = SAND};
    (void)tg_draw_text(cr, left, y + 9 * unit, &text); /* its width: not needed */
}

static void draw(cairo_t *cr, const void *arg)
{
    const struct slate_art *art = arg;
    const double unit = TG_MIN(art->width, art->height) / 100.0;

    draw_background(cr, art, unit);
    draw_words(cr, art, unit);
}

uint8_t *tg_slate_picture(int width, int height, const char *title, const char *text)
{
    /* Cairo refuses what is not UTF-8, and the configuration may hold anything. */
    g_autofree char *good_title = g_utf8_make_valid(title, -1);
    g_autofree char *good_text = g_utf8_make_valid(text, -1);
    const struct slate_art art = {
        .width = width, .height = height, .title = good_title, .text = good_text};
    struct tg_sprite *sprite = tg_draw_sprite(width, height, draw, &art);
    uint8_t *picture = g_malloc((gsize)width * (gsize)height * 3 / 2);

    tg_sprite_i420(sprite, picture);
    tg_sprite_free(sprite);
    return picture;
}
