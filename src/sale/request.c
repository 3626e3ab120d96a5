/* Requests as claims: roles are checked again here, whatever the web worker let through. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "sale/sale_priv.h"

bool tg_request_forbid(struct tg_verdict *out)
{
    out->code = TG_CODE_FORBIDDEN;
    tg_str_cut(out->message, sizeof(out->message), "You may not do this.");
    return false;
}

bool tg_request_no_memory(struct tg_verdict *out)
{
    out->code = TG_CODE_INTERNAL;
    tg_str_cut(out->message, sizeof(out->message), "The server is out of memory.");
    return false;
}

static const char *op_name(enum tg_op_kind kind, bool http)
{
    switch (kind) {
    case TG_OP_BUY:
        return http ? "http.buy" : "buy";
    case TG_OP_CART_SET:
        return http ? "http.cart.set" : "cart.set";
    case TG_OP_CHECKOUT:
        return http ? "http.checkout" : "checkout";
    case TG_OP_PRICE:
        return http ? "http.price" : "price";
    case TG_OP_STOCK:
        return http ? "http.stock" : "stock";
    case TG_OP_WAIT:
        return http ? "http.wait" : "wait";
    case TG_OP_WINDOW:
        return http ? "http.window" : "window";
    case TG_OP_SELL:
        return http ? "http.sell" : "sell";
    case TG_OP_RULES:
        return "http.rules";
    case TG_OP_ITEM:
        return "http.item";
    default:
        return "";
    }
}

void tg_item_line(struct tg_item *item, enum tg_claim_kind kind, const struct tg_line_said *said)
{
    item->claim.kind = kind;
    item->claim.sku = said->sku;
    item->claim.qty = said->qty;
    item->claim.price = said->price;
    item->claim.code = said->code;
    item->claim.currency = said->currency;
    item->claim.location = said->location;
    item->claim.back_order = said->back_order;
    tg_item_says(item, said->sku);
    tg_item_says_int(item, said->qty);
    tg_item_says_int(item, said->price);
    tg_item_says(item, said->code);
    tg_item_says(item, said->currency);
    tg_item_says(item, said->location);
    tg_item_says_int(item, said->back_order);
}

/* Said only when it is: a key from before it could be given stays the same. */
static void total_said(struct tg_item *item, bool shown, int64_t total)
{
    if (!shown)
        return;
    item->claim.amount = total;
    tg_item_says_int(item, total);
}

static void line_claim(struct tg_item *item, enum tg_claim_kind kind)
{
    const struct tg_op *op = &item->req->op;
    const struct tg_line_said said = {.sku = op->u.line.sku,
                                      .qty = op->u.line.qty,
                                      .price = op->u.line.price,
                                      .code = op->u.line.code,
                                      .currency = op->u.line.currency,
                                      .location = op->u.line.location,
                                      .back_order = op->u.line.back_order};

    item->claim.at_ms = op->u.line.at;
    tg_item_line(item, kind, &said);
    total_said(item, op->u.line.total_shown, op->u.line.total);
}

static bool checkout_claim(struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_op *op = &item->req->op;
    uint32_t count = op->u.checkout.price_count;

    TG_ASSERT(count <= TG_CART_LINES_MAX);
    item->claim.kind = TG_CLAIM_CHECKOUT;
    item->claim.channel = TG_CHANNEL_CART;
    item->claim.at_ms = op->u.checkout.at;
    item->claim.code = op->u.checkout.code;
    item->claim.currency = op->u.checkout.currency;
    item->claim.location = op->u.checkout.location;
    item->claim.back_order = op->u.checkout.back_order;
    tg_item_says_int(item, op->u.checkout.back_order);
    tg_item_says(item, op->u.checkout.code);
    tg_item_says(item, op->u.checkout.currency);
    tg_item_says(item, op->u.checkout.location);
    total_said(item, op->u.checkout.total_shown, op->u.checkout.total);
    if (count == 0)
        return true;
    item->prices = tg_calloc(count, sizeof(*item->prices));
    if (item->prices == NULL)
        return tg_request_no_memory(out);
    for (uint32_t i = 0; i < count; i++) {
        item->prices[i].sku = op->u.checkout.prices[i].sku;
        item->prices[i].amount = op->u.checkout.prices[i].amount;
        tg_item_says(item, item->prices[i].sku);
        tg_item_says_int(item, item->prices[i].amount);
    }
    item->claim.prices = item->prices;
    item->claim.price_count = count;
    return true;
}

static bool staff_claim(const struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_op *op = &item->req->op;

    if ((item->req->who.roles & TG_ROLE_MAY_PRICE) == 0)
        return tg_request_forbid(out);
    if (op->kind == TG_OP_PRICE) {
        if (item->req->price.currency[0] != '\0' &&
            strcmp(item->req->price.currency, sale->cfg.currency) != 0) {
            out->code = TG_CODE_BAD_REQUEST;
            out->field = "price";
            tg_str_cut(out->message, sizeof(out->message),
                       "Flash prices are in the shop's own currency.");
            return false;
        }
        item->claim.kind = TG_CLAIM_PRICE;
        item->claim.sku = op->u.price.sku;
        item->claim.amount = op->u.price.amount;
        item->claim.from_wall = op->u.price.from_wall_us;
        item->claim.until_wall = op->u.price.until_wall_us;
        item->claim.limit = op->u.price.limit;
        tg_item_says(item, op->u.price.sku);
        tg_item_says_int(item, op->u.price.amount);
        tg_item_says_int(item, op->u.price.from_wall_us);
        tg_item_says_int(item, op->u.price.until_wall_us);
        tg_item_says_int(item, op->u.price.limit);
        return true;
    }
    item->claim.kind = TG_CLAIM_STOCK;
    item->claim.sku = op->u.stock.sku;
    item->claim.location = op->u.stock.location;
    item->claim.absolute = op->u.stock.absolute;
    item->claim.value = op->u.stock.value;
    tg_item_says(item, op->u.stock.sku);
    tg_item_says(item, op->u.stock.location);
    tg_item_says_int(item, op->u.stock.absolute);
    tg_item_says_int(item, op->u.stock.value);
    return true;
}

static void look_claim(struct tg_item *item)
{
    item->claim.kind = TG_CLAIM_SHOW_LOOK;
    item->claim.sku = item->req->op.u.item.sku;
}

/* What staff of a show do; true = it was one of these and is done. */
static bool show_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out)
{
    enum tg_op_kind kind = item->req->op.kind;
    uint32_t may = kind == TG_OP_SELL ? TG_ROLE_MAY_PRICE : TG_ROLE_MAY_RUN;

    if (kind != TG_OP_SELL && kind != TG_OP_WINDOW && kind != TG_OP_RULES && kind != TG_OP_ITEM &&
        kind != TG_OP_SHOW_LOOK)
        return false;
    if ((item->req->who.roles & may) == 0)
        (void)tg_request_forbid(out);
    else if (kind == TG_OP_SELL)
        tg_selling_sell_claim(sale, item);
    else if (kind == TG_OP_WINDOW)
        tg_selling_window_claim(item);
    else if (kind == TG_OP_RULES)
        tg_selling_rules_claim(item);
    else if (kind == TG_OP_ITEM)
        tg_selling_item_claim(item);
    else
        look_claim(item);
    return true;
}

static bool op_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_sale_req *req = item->req;

    item->claim.op = op_name(req->op.kind, req->http);
    item->claim.id = req->http ? req->idempotency : req->op.id;
    if (show_claim(sale, item, out))
        return out->code == TG_CODE_OK;
    switch (req->op.kind) {
    case TG_OP_BUY:
        line_claim(item, TG_CLAIM_BUY);
        return true;
    case TG_OP_CART_SET:
        line_claim(item, TG_CLAIM_CART_SET);
        return true;
    case TG_OP_WAIT:
        tg_selling_wait_claim(item);
        return true;
    case TG_OP_CHECKOUT:
        return checkout_claim(item, out);
    case TG_OP_PRICE:
    case TG_OP_STOCK:
        return staff_claim(sale, item, out);
    default:
        out->code = TG_CODE_BAD_REQUEST;
        tg_str_cut(out->message, sizeof(out->message), "The shop does not know this operation.");
        return false;
    }
}

bool tg_request_admin(struct tg_item *item, struct tg_verdict *out, const char *op, uint32_t may)
{
    const struct tg_sale_req *req = item->req;

    item->claim.op = op;
    tg_item_says(item, req->key);
    tg_item_says(item, req->text);
    tg_item_says_int(item, req->number);
    tg_item_says_int(item, req->flag);
    tg_item_says_int(item, req->until_wall_us);
    return (req->who.roles & may) != 0 || tg_request_forbid(out);
}

/* Looking, when there is nothing to change. */
static bool list_price_claim(struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_sale_req *req = item->req;

    item->claim.kind = TG_CLAIM_LIST_PRICE;
    item->claim.sku = req->key;
    item->claim.amount = req->price.amount;
    item->claim.compare_at = req->price.compare_at;
    item->claim.currency = req->price.currency;
    item->claim.if_match = req->price.if_match;
    tg_item_says_int(item, req->price.amount);
    tg_item_says_int(item, req->price.compare_at);
    tg_item_says(item, req->price.currency);
    tg_item_says(item, req->price.if_match);
    return tg_request_admin(item, out, "http.price.list", TG_ROLE_MAY_PRICE);
}

static bool read_news(struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_order_ask *ask = item->req->order;

    for (int news = 0; ask != NULL && news <= TG_NEWS_REFUND_FAILED; news++) {
        item->claim.news = (enum tg_payment_news)news;
        if (strcmp(ask->news, tg_payment_news_name(item->claim.news)) == 0)
            return true;
    }
    out->code = TG_CODE_BAD_REQUEST;
    out->field = "news";
    tg_str_cut(out->message, sizeof(out->message),
               "news must be authorised, declined, captured, capture_failed, voided, void_failed, "
               "refunded or refund_failed.");
    return false;
}

/* What is asked of an order, into the claim; its roles are the op's. */
static bool order_claim(struct tg_item *item, struct tg_verdict *out, const char *op, uint32_t may)
{
    const struct tg_order_ask *ask = item->req->order;

    if (!tg_request_admin(item, out, op, may))
        return false;
    if (ask == NULL)
        return true;
    item->claim.reason = ask->reason;
    item->claim.carrier = ask->carrier;
    item->claim.tracking = ask->tracking;
    item->claim.location = ask->location;
    item->claim.reference = ask->reference;
    item->claim.operation = ask->operation;
    item->claim.amount = ask->amount;
    item->claim.currency = ask->currency;
    item->claim.restock = ask->restock;
    item->claim.intent = ask->intent;
    item->digest = tg_idem_digest(item->digest, ask, sizeof(*ask)); /* made zeroed */
    if (ask->line_count == 0)
        return true;
    TG_ASSERT(ask->line_count <= TG_CART_LINES_MAX);
    item->lines = tg_calloc(ask->line_count, sizeof(*item->lines));
    if (item->lines == NULL)
        return tg_request_no_memory(out);
    for (uint32_t i = 0; i < ask->line_count; i++)
        item->lines[i] = (struct tg_line_qty){.line = ask->lines[i].line, .qty = ask->lines[i].qty};
    item->claim.lines = item->lines;
    item->claim.line_count = ask->line_count;
    return true;
}

static bool other_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_sale_req *req = item->req;
    bool allow_sandbox = sale->cfg.allow_sandbox;

    item->claim.id = req->idempotency;
    switch (req->what) {
    case TG_SALE_JOIN:
        item->claim.kind = TG_CLAIM_CART;
        item->silent = true; /* live answers with `joined`, also when the cart cannot be had */
        return true;
    case TG_SALE_PAY:
        item->claim.kind = TG_CLAIM_PAY;
        item->claim.paid = req->flag;
        /* The payment id is the permission, so anybody who knows it may tell the verdict. */
        return tg_request_admin(item, out, "http.pay", UINT32_MAX) &&
               (allow_sandbox || tg_request_forbid(out));
    case TG_SALE_CANCEL:
        item->claim.kind = TG_CLAIM_CANCEL;
        return order_claim(item, out, "http.cancel", UINT32_MAX);
    case TG_SALE_NEWS:
        item->claim.kind = TG_CLAIM_NEWS;
        return order_claim(item, out, "http.news", UINT32_MAX) &&
               (allow_sandbox || tg_request_forbid(out)) && read_news(item, out);
    case TG_SALE_RETRY:
        item->claim.kind = TG_CLAIM_RETRY;
        return order_claim(item, out, "http.retry", TG_ROLE_MAY_PRICE);
    case TG_SALE_ASK_AGAIN:
        item->claim.kind = TG_CLAIM_ASK_AGAIN;
        item->silent = true;
        return true;
    case TG_SALE_GIVE_UP:
        item->claim.kind = TG_CLAIM_GIVE_UP;
        return order_claim(item, out, "http.give_up", TG_ROLE_MAY_PRICE);
    case TG_SALE_FULFIL:
        item->claim.kind = TG_CLAIM_FULFIL;
        return order_claim(item, out, "http.fulfil", TG_ROLE_MAY_PRICE);
    case TG_SALE_RETURN:
        item->claim.kind = TG_CLAIM_RETURN;
        return order_claim(item, out, "http.return", TG_ROLE_MAY_PRICE);
    case TG_SALE_REFUND:
        item->claim.kind = TG_CLAIM_REFUND;
        return order_claim(item, out, "http.refund", TG_ROLE_MAY_PRICE);
    case TG_SALE_NOTE:
        item->claim.kind = TG_CLAIM_NOTE;
        return order_claim(item, out, "http.note", TG_ROLE_MAY_PRICE);
    case TG_SALE_SHOW_CREATE:
        return tg_request_admin(item, out, "http.show", TG_ROLE_MAY_RUN);
    case TG_SALE_TOKEN_CREATE:
        tg_item_says_int(item, req->lasts_s);
        return tg_request_admin(item, out, "http.token", TG_ROLE_ADMIN);
    case TG_SALE_TOKEN_REVOKE:
        return tg_request_admin(item, out, "http.revoke", TG_ROLE_ADMIN);
    case TG_SALE_LIST_PRICE:
        return list_price_claim(item, out);
    case TG_SALE_CODE_NEW:
    case TG_SALE_CODE_SET:
        return tg_code_claim(item, out);
    case TG_SALE_CODE_END:
        item->claim.kind = TG_CLAIM_CODE_END;
        return tg_request_admin(item, out, "http.code.end", TG_ROLE_MAY_PRICE);
    case TG_SALE_HOOK:
        if (req->hook != NULL)
            item->digest = tg_hooks_digest(item->digest, req->hook);
        return tg_request_admin(item, out, "http.webhook", TG_ROLE_ADMIN);
    case TG_SALE_HOOK_WORK:
        item->silent = true; /* answered with itself */
        return true;
    case TG_SALE_CART:
        item->claim.kind = TG_CLAIM_CART;
        item->claim.code = req->text;
        item->claim.currency = req->price.currency;
        item->claim.id = ""; /* looking is not remembered */
        return true;
    case TG_SALE_CART_MERGE:
        item->claim.kind = TG_CLAIM_CART_MERGE;
        return tg_request_admin(item, out, "http.cart.merge", UINT32_MAX);
    case TG_SALE_IMPORT: /* catalog.c takes them before they come here */
    case TG_SALE_IMPORT_UNDO:
    case TG_SALE_IMPORT_CANCEL:
    case TG_SALE_PRODUCT_NEW:
    case TG_SALE_PRODUCT_SET:
    case TG_SALE_VARIANT_NEW:
    case TG_SALE_VARIANT_SET:
        return tg_request_forbid(out);
    case TG_SALE_STOCK_LOOK:
    case TG_SALE_STOCK_ROWS:
    case TG_SALE_STOCK_RULES:
    case TG_SALE_PLACE:
        return tg_stock_claim(sale, item, out);
    case TG_SALE_COMMENT:
        break; /* below */
    case TG_SALE_STOCK_AUDIT:
        item->audit = true;
        return (req->who.roles & TG_ROLE_MAY_PRICE) != 0 || tg_request_forbid(out);
    case TG_SALE_SHOW_STATE:
        item->silent = true;
        return true;
    case TG_SALE_OP:
        break;
    }
    return false;
}

/*
 * Not for staff of one show, by whatever way it comes (over HTTP: TG_ROUTE_WHOLE_SHOP). A flash
 * price is: it is what a running show sells with, it says who made it, and it ends.
 */
static bool of_whole_shop(const struct tg_sale_req *req)
{
    switch (req->what) {
    case TG_SALE_OP:
        return req->op.kind == TG_OP_STOCK;
    case TG_SALE_SHOW_CREATE:
    case TG_SALE_TOKEN_CREATE:
    case TG_SALE_TOKEN_REVOKE:
    case TG_SALE_LIST_PRICE:
    case TG_SALE_CODE_NEW:
    case TG_SALE_CODE_SET:
    case TG_SALE_CODE_END:
    case TG_SALE_HOOK:
    case TG_SALE_STOCK_LOOK:
    case TG_SALE_STOCK_ROWS:
    case TG_SALE_STOCK_RULES:
    case TG_SALE_PLACE:
    case TG_SALE_STOCK_AUDIT:
        return true;
    default:
        return false;
    }
}

bool tg_request_claim(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item,
                      struct tg_verdict *out)
{
    const struct tg_sale_req *req = item->req;
    bool ok;

    item->claim = (struct tg_claim){.kind = TG_CLAIM_NONE,
                                    .person = req->who.id,
                                    .name = req->who.name,
                                    .source = req->source,
                                    .show = req->show,
                                    .staff = (req->who.roles & TG_ROLE_MAY_PRICE) != 0,
                                    .op = "",
                                    .id = "",
                                    .sku = "",
                                    .price = -1,
                                    .at_ms = -1,
                                    .media_ms = tg_sale_media_ms(sale, now, req->show),
                                    .by = "",
                                    .code = "",
                                    .location = "",
                                    .amount = -1,
                                    .from_wall = -1,
                                    .until_wall = -1,
                                    .currency = "",
                                    .if_match = "",
                                    .compare_at = TG_AS_IS,
                                    .key = req->key,
                                    .reference = "",
                                    .reason = "",
                                    .carrier = "",
                                    .tracking = ""};
    /* The show, too: a page counts its ids anew in each. */
    item->digest = tg_idem_digest_int(tg_idem_digest_int(0, req->what), req->show);
    if (req->who.one_show && of_whole_shop(req))
        ok = tg_request_forbid(out);
    else if (req->what == TG_SALE_OP)
        ok = op_claim(sale, item, out);
    else if (req->what == TG_SALE_COMMENT)
        ok = tg_selling_comment_claim(sale, item, out);
    else
        ok = other_claim(sale, item, out);
    /* Without a key there is nothing to repeat under. */
    if (item->claim.id[0] == '\0')
        item->claim.op = "";
    if (!ok)
        item->claim.kind = TG_CLAIM_NONE;
    return ok;
}

bool tg_request_kept_on_disk(const struct tg_item *item)
{
    /* Setting a cart line twice harms nobody; memory is enough for that. */
    return item->claim.kind != TG_CLAIM_CART_SET;
}
