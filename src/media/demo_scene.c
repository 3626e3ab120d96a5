#include "media/demo_scene.h"

#include <glib.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "media/demo_art.h"

enum {
    SLOT_MS = 7000, /* one product's time on the card */
    GLOWS = 7,
    LINES = 2, /* caption lines a product */
    DIGITS = 11,
};

struct slot {
    struct tg_sprite *card;
    struct tg_sprite *bar;
    struct tg_sprite *lines[LINES];
};

struct tg_demo_scene {
    const struct tg_demo_product *products;
    size_t product_count;
    size_t step;
    uint8_t *room; /* painted picture: what every frame starts from */
    struct tg_sprite *desk;
    struct tg_sprite *figure;
    struct tg_sprite *faces[TG_MOUTH_COUNT][2]; /* eyes shut, eyes open */
    struct tg_sprite *arms[TG_ART_ARM_STEPS];
    struct tg_sprite *glow;
    struct tg_sprite *badge;
    struct tg_sprite *badge_dot;
    struct tg_sprite *clock;
    struct tg_sprite *digits[DIGITS];
    struct slot slots[TG_DEMO_PRODUCTS_MAX];
    atomic_size_t slots_ready; /* released after a slot's sprites */
};

/* --- preparing ----------------------------------------------------------------------------- */

struct tg_demo_scene *tg_demo_scene_new(const struct tg_demo_product *products, size_t count)
{
    static const struct tg_demo_product nothing = {.title = "torg", .price_text = "live"};
    struct tg_demo_scene *scene = g_new0(struct tg_demo_scene, 1);

    scene->products = count == 0 ? &nothing : products;
    scene->product_count = count == 0 ? 1 : MIN(count, (size_t)TG_DEMO_PRODUCTS_MAX);
    return scene;
}

static void make_room(struct tg_demo_scene *scene)
{
    struct tg_sprite *room = tg_art_room();

    scene->room = g_malloc0(TG_CANVAS_BYTES);
    tg_paint(scene->room, room, 0, 0, TG_PAINT_OPAQUE);
    tg_sprite_free(room);
    scene->desk = tg_art_desk();
    scene->glow = tg_art_glow();
}

static void make_presenter(struct tg_demo_scene *scene)
{
    scene->figure = tg_art_figure();
    for (int mouth = 0; mouth < TG_MOUTH_COUNT; mouth++)
        for (int open = 0; open < 2; open++)
            scene->faces[mouth][open] = tg_art_face((enum tg_mouth)mouth, open == 1);
    for (int i = 0; i < TG_ART_ARM_STEPS; i++)
        scene->arms[i] = tg_art_arm(i);
}

static void make_plates(struct tg_demo_scene *scene)
{
    scene->badge = tg_art_badge();
    scene->badge_dot = tg_art_badge_dot();
    scene->clock = tg_art_clock();
    for (int i = 0; i < DIGITS; i++)
        scene->digits[i] = tg_art_digit("0123456789:"[i]);
}

static void make_slot(struct tg_demo_scene *scene, size_t index)
{
    const struct tg_demo_product *product = &scene->products[index];
    struct slot *slot = &scene->slots[index];
    g_autofree char *hello =
        g_strdup_printf("Have a look at number %zu: %s.", index + 1, product->title);
    g_autofree char *offer =
        g_strdup_printf("It is yours for %s \u2013 tap it below to buy.", product->price_text);

    slot->card = tg_art_card(product, index + 1);
    slot->bar = tg_art_bar(product, index + 1, scene->product_count);
    slot->lines[0] = tg_art_line(hello);
    slot->lines[1] = tg_art_line(offer);
    atomic_store_explicit(&scene->slots_ready, index + 1, memory_order_release);
}

bool tg_demo_scene_step(struct tg_demo_scene *scene)
{
    size_t step = scene->step++;

    if (step == 0)
        make_room(scene);
    else if (step == 1)
        make_presenter(scene);
    else if (step == 2)
        make_plates(scene);
    else if (step - 3 < scene->product_count)
        make_slot(scene, step - 3);
    return scene->step < scene->product_count + 3;
}

bool tg_demo_scene_ready(const struct tg_demo_scene *scene)
{
    return atomic_load_explicit(&scene->slots_ready, memory_order_acquire) > 0;
}

static void free_slot(struct slot *slot)
{
    tg_sprite_free(slot->card);
    tg_sprite_free(slot->bar);
    for (int i = 0; i < LINES; i++)
        tg_sprite_free(slot->lines[i]);
}

void tg_demo_scene_free(struct tg_demo_scene *scene)
{
    if (scene == NULL)
        return;
    g_free(scene->room);
    tg_sprite_free(scene->desk);
    tg_sprite_free(scene->figure);
    for (int i = 0; i < TG_MOUTH_COUNT * 2; i++)
        tg_sprite_free(scene->faces[i / 2][i % 2]);
    for (int i = 0; i < TG_ART_ARM_STEPS; i++)
        tg_sprite_free(scene->arms[i]);
    tg_sprite_free(scene->glow);
    tg_sprite_free(scene->badge);
    tg_sprite_free(scene->badge_dot);
    tg_sprite_free(scene->clock);
    for (int i = 0; i < DIGITS; i++)
        tg_sprite_free(scene->digits[i]);
    for (int i = 0; i < TG_DEMO_PRODUCTS_MAX; i++)
        free_slot(&scene->slots[i]);
    g_free(scene);
}

/* --- moving -------------------------------------------------------------------------------- */

/* 0 before `from`, 1 after `to`, gently in between; all in ms. */
static double ease(double at, double from, double to)
{
    double x = CLAMP((at - from) / (to - from), 0, 1);

    return x * x * (3 - 2 * x);
}

/* Fast first, then slowing down: for things that arrive. */
static double arrive(double at, double from, double to)
{
    double left = 1 - CLAMP((at - from) / (to - from), 0, 1);

    return 1 - left * left * left;
}

static double wave(double ms, double period_ms, double size)
{
    return size * sin(2 * G_PI * fmod(ms, period_ms) / period_ms);
}

static void put(uint8_t *out, const struct tg_sprite *sprite, double x, double y, double opacity)
{
    tg_paint(out, sprite, (int)lround(x * TG_PAINT_ONE), (int)lround(y * TG_PAINT_ONE),
             (int)lround(opacity * TG_PAINT_OPAQUE));
}

static void paint_glows(const struct tg_demo_scene *scene, uint8_t *out, double ms)
{
    for (int i = 0; i < GLOWS; i++) {
        double x = 80 + i * 178 + wave(ms + i * 1700, 17000 + i * 1300, 60);
        double y = 60 + (i * 137) % 330 + wave(ms + i * 2900, 13000 + i * 900, 46);

        put(out, scene->glow, x, y, 0.10 + 0.05 * (i % 3));
    }
}

/* A mouth for this moment: talking while a caption is new, smiling in between. */
static enum tg_mouth mouth_at(double in_slot_ms, double ms)
{
    unsigned syllable = (unsigned)fmod(ms / 130, 65536);

    if (in_slot_ms < 500 || in_slot_ms > 5400 || (in_slot_ms > 2900 && in_slot_ms < 3600))
        return TG_MOUTH_SMILE;
    return (enum tg_mouth)((syllable * 2654435761U >> 29) % TG_MOUTH_COUNT);
}

static void paint_presenter(const struct tg_demo_scene *scene, uint8_t *out, double ms)
{
    double in_slot = fmod(ms, SLOT_MS);
    double x = TG_ART_FIGURE_X + wave(ms, 5200, 3.5);
    double y = TG_ART_FIGURE_Y + wave(ms, 3100, 2.5);
    double head = wave(ms, 2300, 1.5);
    bool open = fmod(ms, 3700) > 130;
    double lift = ease(in_slot, 100, 800) * (1 - ease(in_slot, 5600, 6600));
    double step = lift * (TG_ART_ARM_STEPS - 3) + (lift > 0.9 ? wave(ms, 1500, 1.6) : 0);
    int arm = (int)CLAMP(lround(step), 0, TG_ART_ARM_STEPS - 1);

    put(out, scene->figure, x, y, 1);
    put(out, scene->faces[mouth_at(in_slot, ms)][open ? 1 : 0], x + TG_ART_FACE_X,
        y + TG_ART_FACE_Y + head, 1);
    put(out, scene->arms[arm], x + TG_ART_ARM_X, y + TG_ART_ARM_Y, 1);
    put(out, scene->desk, 0, TG_ART_DESK_Y, 1);
}

/* The product that leaves and the one that comes. */
static void paint_cards(const struct tg_demo_scene *scene, uint8_t *out, double ms, size_t ready)
{
    size_t turn = (size_t)(ms / SLOT_MS);
    double in_slot = fmod(ms, SLOT_MS);
    double x = 690;
    double y = 74 + wave(ms, 4300, 5);

    if (turn > 0 && in_slot < 700)
        put(out, scene->slots[(turn - 1) % ready].card, x - 120 * ease(in_slot, 0, 700), y,
            1 - ease(in_slot, 0, 600));
    put(out, scene->slots[turn % ready].card, x + 600 * (1 - arrive(in_slot, 150, 1100)), y,
        ease(in_slot, 150, 500));
}

static void paint_captions(const struct tg_demo_scene *scene, uint8_t *out, double ms, size_t ready)
{
    const struct slot *slot = &scene->slots[(size_t)(ms / SLOT_MS) % ready];
    double in_slot = fmod(ms, SLOT_MS);
    double shown = ease(in_slot, 250, 700) * (1 - ease(in_slot, 6700, 7000));
    double y = 570 + 40 * (1 - arrive(in_slot, 250, 900));
    double first = 1 - ease(in_slot, 3100, 3300);
    double second = ease(in_slot, 3350, 3600);

    put(out, slot->bar, (TG_CANVAS_W - TG_ART_BAR_W) / 2.0, y, shown);
    put(out, slot->lines[0], 110, y + 63, shown * first);
    put(out, slot->lines[1], 110, y + 63, shown * second);
}

static void paint_plates(const struct tg_demo_scene *scene, uint8_t *out, tg_us media_us)
{
    const int64_t s = media_us / TG_US_PER_S;
    const int x = TG_CANVAS_W - 8 * TG_ART_DIGIT_W - 72;
    double pulse = 0.55 + 0.45 * cos(2 * G_PI * (double)(media_us % 1600000) / 1600000);
    char text[16];

    (void)g_snprintf(text, sizeof(text), "%02d:%02d:%02d", (int)(s / 3600 % 100),
                     (int)(s / 60 % 60), (int)(s % 60));
    put(out, scene->badge, 32, 28, 1);
    put(out, scene->badge_dot, 46, 40, pulse);
    put(out, scene->clock, x, 28, 1);
    for (int i = 0; text[i] != '\0'; i++)
        put(out, scene->digits[text[i] == ':' ? 10 : text[i] - '0'], x + 18 + i * TG_ART_DIGIT_W,
            34, 1);
}

void tg_demo_scene_paint(const struct tg_demo_scene *scene, uint8_t *out, tg_us media_us)
{
    size_t ready = atomic_load_explicit(&scene->slots_ready, memory_order_acquire);
    double ms = (double)media_us / TG_US_PER_MS;

    TG_ASSERT(ready > 0);
    memcpy(out, scene->room, TG_CANVAS_BYTES);
    paint_glows(scene, out, ms);
    paint_presenter(scene, out, ms);
    paint_cards(scene, out, ms, ready);
    paint_captions(scene, out, ms, ready);
    paint_plates(scene, out, media_us);
}
