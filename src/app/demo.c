#include "app/demo.h"

#include <stdio.h>
#include <string.h>

#include "api/assets.h"
#include "base/clock.h"
#include "base/str.h"

#define DEMO_SHOW "demo"
#define DEMO_TITLE "Autumn at the market square"
#define DEMO_LABEL "torg demo" /* nobody else's tokens are revoked by it */

static struct tg_shop_now now_both(void)
{
    return (struct tg_shop_now){.mono = tg_clock_mono(), .wall = tg_clock_wall()};
}

static tg_err mint(struct tg_sale *sale, uint32_t roles, bool publish_only, uint16_t show,
                   char ret_text[TG_TOKEN_SIZE])
{
    const struct tg_boot_token token = {
        .roles = roles,
        .publish_only = publish_only,
        .show = show,
        .expires_wall_us = TG_US_NEVER,
        .label = DEMO_LABEL,
    };

    return tg_sale_boot_token(sale, now_both(), &token, ret_text);
}

tg_err tg_demo_revoke(struct tg_sale *sale)
{
    return tg_sale_boot_revoke(sale, now_both(), DEMO_LABEL);
}

/* With everything a show can do switched on. */
static tg_err make_show(struct tg_sale *sale, struct tg_show_info *ret)
{
    struct tg_show_rules rules = {.waiting = true, .comments = true};
    tg_err err = tg_sale_boot_show(sale, now_both(), DEMO_SHOW, DEMO_TITLE, true, ret);

    if (err != TG_OK)
        return err;
    rules.show = ret->ord;
    return tg_sale_boot_rules(sale, now_both(), &rules);
}

tg_err tg_demo_boot(struct tg_sale *sale, struct tg_registry *registry, struct tg_demo_logins *ret)
{
    struct tg_show_info show;
    tg_err err = tg_registry_show_get(registry, DEMO_SHOW, strlen(DEMO_SHOW), &show);

    if (err == TG_ERR_NOTFOUND)
        err = make_show(sale, &show);
    if (err == TG_OK)
        err = tg_demo_revoke(sale);
    if (err == TG_OK)
        err = mint(sale, TG_ROLE_MERCHANDISER | TG_ROLE_HOST | TG_ROLE_MODERATOR, false, UINT16_MAX,
                   ret->desk);
    if (err == TG_OK)
        err = mint(sale, TG_ROLE_HOST, true, show.ord, ret->stream);
    if (err == TG_OK)
        err = mint(sale, TG_ROLE_ADMIN, false, UINT16_MAX, ret->admin);
    return err;
}

void tg_demo_print(const struct tg_demo_logins *logins, const char *url, unsigned rtmp_port)
{
    (void)printf("\ntorg demo\n\n"
                 "  Shows        %s/\n"
                 "  Watch        %s/s/demo\n"
                 "  Desk         %s/desk/demo#token=%s\n"
                 "  Studio       %s/studio/demo#token=%s\n",
                 url, url, url, logins->desk, url, logins->desk);
    if (rtmp_port != 0)
        (void)printf("\n  RTMP server  rtmp://127.0.0.1:%u/live\n"
                     "  Stream key   demo?key=%s\n",
                     rtmp_port, logins->stream);
    (void)printf("\n  Desk token   %s\n"
                 "  Admin token  %s\n"
                 "\n  These logins work until the next start.\n",
                 logins->desk, logins->admin);
}

enum { PRODUCTS_MAX = 32, PRICE_SIZE = 32 };

static int64_t lowest_price(const struct tg_product_import *import)
{
    int64_t lowest = INT64_MAX;

    for (size_t i = 0; i < import->variant_count; i++)
        lowest = TG_MIN(lowest, import->variants[i].price);
    return lowest;
}

const struct tg_demo_product *tg_demo_products(size_t *ret_count)
{
    static struct tg_demo_product products[PRODUCTS_MAX];
    static char prices[PRODUCTS_MAX][PRICE_SIZE];
    size_t count;
    const struct tg_product_import *imports = tg_demo_catalogue(&count);

    count = TG_MIN(count, (size_t)PRODUCTS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *path =
            imports[i].product.image + 1; /* "/images/..." is web/dist's images/... */
        const struct tg_asset *svg = tg_asset_find(&tg_web_assets, path, strlen(path));

        tg_str_printf(prices[i], PRICE_SIZE, "%lld kr",
                      (long long)(lowest_price(&imports[i]) / 100));
        products[i] = (struct tg_demo_product){
            .title = imports[i].product.title,
            .price_text = prices[i],
            .svg = svg != NULL ? svg->data : NULL,
            .svg_len = svg != NULL ? svg->len : 0,
        };
    }
    *ret_count = count;
    return products;
}
