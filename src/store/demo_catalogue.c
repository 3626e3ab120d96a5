/*
 * The demo's catalogue: a small Nordic shop. Amounts in hundredths of a Norwegian krone. One SKU
 * has a single unit left, so that the last-one race can be seen; the pictures are in
 * web/images/products.
 */
#include "base/macros.h"
#include "store/store.h"

#define V(sku_, options_, price_, compare_, cost_, count_)                                         \
    {                                                                                              \
        .sku = sku_, .options = options_, .price = (price_), .compare_at = (compare_),             \
        .cost = (cost_), .flash = -1, .flash_until_wall = -1, .stock = {.on_hand = (count_)},      \
    }

static const struct tg_variant wool_sweater[] = {
    V("SWEATER-GREY-S", "{\"size\":\"S\",\"color\":\"grey\"}", 129900, -1, 56000, 14),
    V("SWEATER-GREY-M", "{\"size\":\"M\",\"color\":\"grey\"}", 129900, -1, 56000, 22),
    V("SWEATER-GREY-L", "{\"size\":\"L\",\"color\":\"grey\"}", 129900, -1, 56000, 18),
    V("SWEATER-BLUE-M", "{\"size\":\"M\",\"color\":\"blue\"}", 129900, 149900, 56000, 9),
    V("SWEATER-BLUE-L", "{\"size\":\"L\",\"color\":\"blue\"}", 129900, 149900, 56000, 7),
};

static const struct tg_variant enamel_mug[] = {
    V("MUG-WHITE", "{\"color\":\"white\"}", 14900, -1, 4800, 240),
    V("MUG-GREEN", "{\"color\":\"green\"}", 14900, -1, 4800, 180),
    V("MUG-RED", "{\"color\":\"red\"}", 14900, -1, 4800, 120),
};

static const struct tg_variant sheepskin[] = {
    V("SHEEPSKIN-ONE", "{}", 119000, -1, 61000, 1),
};

static const struct tg_variant beeswax_candle[] = {
    V("CANDLE-PAIR", "{\"pack\":\"2\"}", 18900, -1, 7200, 300),
    V("CANDLE-SIX", "{\"pack\":\"6\"}", 49900, 56700, 20400, 90),
};

static const struct tg_variant headlamp[] = {
    V("HEADLAMP-400", "{}", 69900, -1, 31500, 75),
};

static const struct tg_variant rain_jacket[] = {
    V("JACKET-YELLOW-S", "{\"size\":\"S\",\"color\":\"yellow\"}", 199900, 249900, 98000, 6),
    V("JACKET-YELLOW-M", "{\"size\":\"M\",\"color\":\"yellow\"}", 199900, 249900, 98000, 12),
    V("JACKET-YELLOW-L", "{\"size\":\"L\",\"color\":\"yellow\"}", 199900, 249900, 98000, 11),
    V("JACKET-NAVY-M", "{\"size\":\"M\",\"color\":\"navy\"}", 199900, 249900, 98000, 8),
    V("JACKET-NAVY-XL", "{\"size\":\"XL\",\"color\":\"navy\"}", 199900, 249900, 98000, 4),
};

static const struct tg_variant ski_socks[] = {
    V("SOCKS-36-39", "{\"size\":\"36-39\"}", 24900, -1, 8900, 150),
    V("SOCKS-40-43", "{\"size\":\"40-43\"}", 24900, -1, 8900, 210),
    V("SOCKS-44-47", "{\"size\":\"44-47\"}", 24900, -1, 8900, 130),
};

#define FOOD(sku_, options_, price_, cost_, count_)                                                \
    {                                                                                              \
        .sku = sku_, .options = options_, .price = (price_), .compare_at = -1, .cost = (cost_),    \
        .flash = -1, .flash_until_wall = -1, .stock = {.on_hand = (count_)}, .tax_class = "food",  \
    }

static const struct tg_variant coffee_beans[] = {
    FOOD("COFFEE-WHOLE", "{\"grind\":\"whole bean\"}", 17900, 8200, 500),
    FOOD("COFFEE-FILTER", "{\"grind\":\"filter\"}", 17900, 8200, 260),
};

static const struct tg_variant thermos[] = {
    V("THERMOS-1L-GREEN", "{\"color\":\"green\"}", 44900, -1, 19800, 64),
    V("THERMOS-1L-SAND", "{\"color\":\"sand\"}", 44900, -1, 19800, 40),
};

static const struct tg_variant desk_lamp[] = {
    V("LAMP-WHITE", "{\"color\":\"white\"}", 159000, -1, 72000, 16),
    V("LAMP-BLACK", "{\"color\":\"black\"}", 159000, -1, 72000, 13),
};

static const struct tg_variant carving_knife[] = {
    V("KNIFE-CARVING", "{}", 79900, -1, 37000, 35),
};

static const struct tg_variant wool_blanket[] = {
    V("BLANKET-BLUE", "{\"color\":\"blue\"}", 149900, 179900, 68000, 28),
    V("BLANKET-RED", "{\"color\":\"red\"}", 149900, 179900, 68000, 2),
};

static const struct tg_product_import catalogue[] = {
    {
        .product = {.id = "wool-sweater",
                    .number = 1,
                    .title = "Wool sweater Varde",
                    .description = "Warm crew-neck in untreated Norwegian wool, knitted in one "
                                   "piece so that no seam rubs.",
                    .image = "/images/products/wool-sweater.svg",
                    .image_alt = "A grey knitted wool sweater with a patterned yoke"},
        .variants = wool_sweater,
        .variant_count = TG_ARRAY_LEN(wool_sweater),
    },
    {
        .product =
            {.id = "enamel-mug",
             .number = 2,
             .title = "Enamel mug Bål",
             .description =
                 "Steel mug with thick enamel, 3.5 dl. Takes the camp fire and the dishwasher.",
             .image = "/images/products/enamel-mug.svg",
             .image_alt = "A white enamel mug with a blue rim"},
        .variants = enamel_mug,
        .variant_count = TG_ARRAY_LEN(enamel_mug),
    },
    {
        .product = {.id = "sheepskin",
                    .number = 3,
                    .title = "Sheepskin Saue",
                    .description = "Soft long-haired skin from a Gotland sheep. Every one is "
                                   "different; this is the last one.",
                    .image = "/images/products/sheepskin.svg",
                    .image_alt = "A grey curly sheepskin"},
        .variants = sheepskin,
        .variant_count = TG_ARRAY_LEN(sheepskin),
    },
    {
        .product = {.id = "beeswax-candle",
                    .number = 4,
                    .title = "Beeswax candle",
                    .description =
                        "Hand-dipped pair of pure beeswax, burns nine hours without dripping.",
                    .image = "/images/products/beeswax-candle.svg",
                    .image_alt = "Two yellow beeswax candles"},
        .variants = beeswax_candle,
        .variant_count = TG_ARRAY_LEN(beeswax_candle),
    },
    {
        .product = {.id = "headlamp",
                    .number = 5,
                    .title = "Headlamp Nattur",
                    .description =
                        "400 lumen, USB-C, red light for the cabin. 92 grams with its battery.",
                    .image = "/images/products/headlamp.svg",
                    .image_alt = "A small black headlamp with an orange strap"},
        .variants = headlamp,
        .variant_count = TG_ARRAY_LEN(headlamp),
    },
    {
        .product = {.id = "rain-jacket",
                    .number = 6,
                    .title = "Rain jacket Skodde",
                    .description =
                        "Three-layer shell with taped seams and pit zips, made of recycled nylon.",
                    .image = "/images/products/rain-jacket.svg",
                    .image_alt = "A yellow rain jacket with a hood"},
        .variants = rain_jacket,
        .variant_count = TG_ARRAY_LEN(rain_jacket),
    },
    {
        .product = {.id = "ski-socks",
                    .number = 7,
                    .title = "Ski socks Spor",
                    .description = "Merino with a padded shin; dry again by the morning.",
                    .image = "/images/products/ski-socks.svg",
                    .image_alt = "A pair of striped wool ski socks"},
        .variants = ski_socks,
        .variant_count = TG_ARRAY_LEN(ski_socks),
    },
    {
        .product =
            {.id = "coffee-beans",
             .number = 8,
             .title = "Coffee Fjord roast",
             .description =
                 "Light Nordic roast from Ethiopia: bergamot, apricot. 500 g, roasted this week.",
             .image = "/images/products/coffee-beans.svg",
             .image_alt = "A paper bag of coffee beans"},
        .variants = coffee_beans,
        .variant_count = TG_ARRAY_LEN(coffee_beans),
    },
    {
        .product = {.id = "thermos",
                    .number = 9,
                    .title = "Thermos Varm",
                    .description = "One litre of steel that keeps coffee hot for 24 hours.",
                    .image = "/images/products/thermos.svg",
                    .image_alt = "A dark green steel thermos"},
        .variants = thermos,
        .variant_count = TG_ARRAY_LEN(thermos),
    },
    {
        .product = {.id = "desk-lamp",
                    .number = 10,
                    .title = "Desk lamp Lykt",
                    .description =
                        "Oak and spun steel with a warm, dimmable light. Drawn in Bergen.",
                    .image = "/images/products/desk-lamp.svg",
                    .image_alt = "A desk lamp with an oak arm and a white shade"},
        .variants = desk_lamp,
        .variant_count = TG_ARRAY_LEN(desk_lamp),
    },
    {
        .product =
            {.id = "carving-knife",
             .number = 11,
             .title = "Carving knife Spikke",
             .description =
                 "Laminated steel, curly birch handle and leather sheath. Sharp from the box.",
             .image = "/images/products/carving-knife.svg",
             .image_alt = "A carving knife with a birch handle beside its sheath"},
        .variants = carving_knife,
        .variant_count = TG_ARRAY_LEN(carving_knife),
    },
    {
        .product = {.id = "wool-blanket",
                    .number = 12,
                    .title = "Wool blanket Ro",
                    .description =
                        "130 x 200 cm of brushed lambswool, woven on old looms in Innvik.",
                    .image = "/images/products/wool-blanket.svg",
                    .image_alt = "A folded blue and white wool blanket"},
        .variants = wool_blanket,
        .variant_count = TG_ARRAY_LEN(wool_blanket),
    },
};

const struct tg_product_import *tg_demo_catalogue(size_t *ret_count)
{
    *ret_count = TG_ARRAY_LEN(catalogue);
    return catalogue;
}
