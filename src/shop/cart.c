#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

const struct tg_cart *tg_shop_cart(const struct tg_shop *shop, const char *person)
{
    return tg_map_get_str(&shop->cart_by_person, person);
}

bool tg_shop_needs_cart(const struct tg_shop *shop, const struct tg_claim *c)
{
    switch (c->kind) {
    case TG_CLAIM_CART_SET:
    case TG_CLAIM_CHECKOUT:
    case TG_CLAIM_CART:
    case TG_CLAIM_CART_MERGE:
        return c->person[0] != '\0' && tg_shop_cart(shop, c->person) == NULL;
    case TG_CLAIM_NONE:
    case TG_CLAIM_BUY:
    case TG_CLAIM_PRICE:
    case TG_CLAIM_STOCK:
    case TG_CLAIM_STOCK_ROWS:
    case TG_CLAIM_LOCATION:
    case TG_CLAIM_STOCK_RULES:
    case TG_CLAIM_PAY:
    case TG_CLAIM_CANCEL:
    case TG_CLAIM_LIST_PRICE:
    case TG_CLAIM_CODE_NEW:
    case TG_CLAIM_CODE_SET:
    case TG_CLAIM_CODE_END:
    case TG_CLAIM_WAIT:
    case TG_CLAIM_UNDO:
    case TG_CLAIM_RULES:
    case TG_CLAIM_SHOW_ITEM:
    case TG_CLAIM_SHOW_LOOK:
    case TG_CLAIM_WINDOW:
    case TG_CLAIM_NEWS:
    case TG_CLAIM_RETRY:
    case TG_CLAIM_ASK_AGAIN:
    case TG_CLAIM_GIVE_UP:
    case TG_CLAIM_FULFIL:
    case TG_CLAIM_RETURN:
    case TG_CLAIM_REFUND:
    case TG_CLAIM_NOTE:
        break;
    }
    return false;
}

bool tg_shop_needs_other_cart(const struct tg_shop *shop, const struct tg_claim *c)
{
    return c->kind == TG_CLAIM_CART_MERGE && c->key[0] != '\0' &&
           tg_shop_cart(shop, c->key) == NULL;
}

static tg_err add_cart(struct tg_shop *shop, struct tg_cart *take)
{
    tg_err err = tg_map_put(&shop->cart_by_person, take->person, strlen(take->person), take);

    if (err != TG_OK)
        tg_free(take);
    return err;
}

tg_err tg_shop_load_cart(struct tg_shop *shop, const struct tg_cart *cart)
{
    struct tg_cart *copy;

    if (cart->line_count > TG_CART_LINES_MAX || cart->person[0] == '\0')
        return TG_ERR_LIMIT;
    copy = tg_calloc(1, sizeof(*copy));
    if (copy == NULL)
        return TG_ERR_NOMEM;
    *copy = *cart;
    copy->batch_next = NULL;
    copy->in_batch = false;
    return add_cart(shop, copy);
}

static struct tg_cart *cart_of(struct tg_shop *shop, const char *person)
{
    struct tg_cart *cart = tg_map_get_str(&shop->cart_by_person, person);

    if (cart != NULL)
        return cart;
    cart = tg_calloc(1, sizeof(*cart));
    if (cart == NULL)
        return NULL;
    tg_str_cut(cart->person, sizeof(cart->person), person);
    return add_cart(shop, cart) == TG_OK ? cart : NULL;
}

static struct tg_cart_line *line_of(struct tg_cart *cart, const char *sku)
{
    for (uint32_t i = 0; i < cart->line_count; i++)
        if (strcmp(cart->lines[i].sku, sku) == 0)
            return &cart->lines[i];
    return NULL;
}

static void drop_line(struct tg_cart *cart, const struct tg_cart_line *line)
{
    size_t at = (size_t)(line - cart->lines);

    memmove(&cart->lines[at], &cart->lines[at + 1],
            (cart->line_count - at - 1) * sizeof(cart->lines[0]));
    cart->line_count--;
}

static struct tg_cart_line *new_line(struct tg_cart *cart, const char *sku)
{
    struct tg_cart_line *line = &cart->lines[cart->line_count++];

    *line = (struct tg_cart_line){.price = -1};
    tg_str_cut(line->sku, sizeof(line->sku), sku);
    return line;
}

static bool cart_claim_ok(const struct tg_claim *c, const struct tg_variant *v,
                          struct tg_verdict *out)
{
    if (c->person[0] == '\0')
        tg_refuse(out, TG_CODE_UNAUTHORIZED, "Join first.");
    else if (c->qty < 0 || c->qty > TG_QTY_MAX)
        tg_refuse(out, TG_CODE_BAD_REQUEST, "qty must be 0 to %d.", (int)TG_QTY_MAX);
    else if ((v == NULL || !tg_variant_sold(v)) && c->qty > 0) /* removing it must work */
        tg_refuse(out, TG_CODE_NOT_FOUND, "There is no such product.");
    return out->code == TG_CODE_OK;
}

void tg_decide_cart_set(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    struct tg_cart *cart;
    struct tg_cart_line *line;

    out->variant = tg_shop_find(shop, c->sku);
    if (!cart_claim_ok(c, out->variant, out))
        return;
    cart = cart_of(shop, c->person);
    if (cart == NULL) {
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
        return;
    }
    out->cart = cart;
    line = line_of(cart, c->sku);
    if (line == NULL && c->qty > 0 && cart->line_count == TG_CART_LINES_MAX) {
        tg_refuse(out, TG_CODE_LIMIT, "A cart holds at most %d lines.", (int)TG_CART_LINES_MAX);
        return;
    }
    if (c->qty == (line == NULL ? 0 : line->qty))
        return; /* as it is already: nothing to write */
    /* What stands behind a line that goes moves up. */
    tg_shop_touch_cart(shop, cart, c,
                       c->qty == 0 ? (uint32_t)(line - cart->lines) : cart->line_count);
    if (c->qty == 0) {
        drop_line(cart, line);
        return;
    }
    if (line == NULL)
        line = new_line(cart, c->sku);
    cart->changed |= UINT64_C(1) << (line - cart->lines);
    line->qty = c->qty;
    line->price = tg_variant_price(out->variant);
}

/*
 * The larger quantity of the two, never the sum: the same tap may stand in both. Own lines stay;
 * what finds no room is moved to the front of the other cart's lines for the answer.
 */
static uint32_t merge_lines(struct tg_cart *mine, struct tg_cart *other)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < other->line_count; i++) {
        const struct tg_cart_line *from = &other->lines[i];
        struct tg_cart_line *line = line_of(mine, from->sku);

        if (line != NULL) {
            if (from->qty > line->qty)
                *line = *from;
        } else if (mine->line_count < TG_CART_LINES_MAX) {
            mine->lines[mine->line_count++] = *from;
        } else {
            other->lines[left++] = *from; /* left <= i */
        }
    }
    return left;
}

void tg_decide_cart_merge(struct tg_shop *shop, const struct tg_claim *c, struct tg_verdict *out)
{
    struct tg_cart *other = tg_map_get_str(&shop->cart_by_person, c->key);
    struct tg_cart *mine;

    if (c->person[0] == '\0') {
        tg_refuse(out, TG_CODE_UNAUTHORIZED, "Join first.");
        return;
    }
    out->cart = tg_map_get_str(&shop->cart_by_person, c->person);
    if (strcmp(c->person, c->key) == 0 || other == NULL || other->line_count == 0)
        return; /* done before, or never anything in it */
    mine = cart_of(shop, c->person);
    if (mine == NULL) {
        tg_refuse(out, TG_CODE_INTERNAL, "The server is out of memory.");
        return;
    }
    tg_shop_touch_cart(shop, mine, c, 0);
    tg_shop_touch_cart(shop, other, c, 0);
    mine->changed = UINT64_MAX;
    out->left_out_count = merge_lines(mine, other);
    out->left_out = other->lines;
    out->cart = mine;
    other->line_count = 0;
}
