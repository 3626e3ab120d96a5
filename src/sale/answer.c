/* Answers as the contract's JSON: replies on the show channel, bodies or problems on HTTP. */
#include <string.h>

#include "base/clock.h"
#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale_priv.h"
#include "shop/shop_json.h"
#include "shop/stock_json.h"

enum { RETRY_MS = 1000 };

int tg_code_status(enum tg_code code)
{
    switch (code) {
    case TG_CODE_OK:
        return 200;
    case TG_CODE_BAD_REQUEST:
        return 400;
    case TG_CODE_UNAUTHORIZED:
        return 401;
    case TG_CODE_FORBIDDEN:
        return 403;
    case TG_CODE_NOT_FOUND:
        return 404;
    case TG_CODE_SOLD_OUT:
    case TG_CODE_PRICE_CHANGED:
    case TG_CODE_LIMIT:
    case TG_CODE_CLOSED:
    case TG_CODE_CONFLICT:
        return 409;
    case TG_CODE_BUSY:
        return 503;
    case TG_CODE_STALE:
        return 412;
    case TG_CODE_INTERNAL:
        break;
    }
    return 500;
}

struct tg_slab *tg_answer_slab(struct tg_sale *sale)
{
    struct tg_slab *slab = NULL;

    if (sale->buf.err == TG_OK)
        slab = tg_slab_copy(sale->buf.data, sale->buf.len);
    if (slab == NULL)
        sale->failed = sale->buf.err != TG_OK ? sale->buf.err : TG_ERR_NOMEM;
    return slab;
}

static const char *const titles[] = {
    "OK",       "Bad request",    "Unauthorized",     "Forbidden", "Not found",
    "Sold out", "Price changed",  "Limit reached",    "Conflict",  "Closed",
    "Busy",     "Internal error", "Changed meanwhile"};

/* Every line that is dearer now; the first one is named alone, too. */
static void changes_write(struct tg_jo *j, const struct tg_verdict *v)
{
    tg_jo_str(j, "sku", v->changes[0].variant->sku);
    tg_money_write(j, "price", v->changes[0].price, v->currency);
    tg_jo_arr(j, "prices");
    for (uint32_t i = 0; i < v->change_count; i++) {
        tg_jo_obj(j, NULL);
        tg_jo_str(j, "sku", v->changes[i].variant->sku);
        tg_money_write(j, "price", v->changes[i].price, v->currency);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
}

static void when(struct tg_jo *j, const char *key, tg_us wall)
{
    char text[TG_RFC3339_SIZE];

    if (wall < 0) {
        tg_jo_null(j, key);
        return;
    }
    tg_rfc3339(text, wall);
    tg_jo_str(j, key, text);
}

/* What a page needs to put the refusal right by itself. */
static void refusal_facts(struct tg_jo *j, const struct tg_item *item, const struct tg_verdict *v)
{
    if (item->claim.kind == TG_CLAIM_STOCK_ROWS && item->claim.row_count > 1)
        tg_answer_rows(j, item, true);
    if (v->code == TG_CODE_BUSY)
        tg_jo_int(j, "retry_ms", RETRY_MS);
    if (v->total > 0)
        tg_money_write(j, "total", v->total, v->currency);
    if (v->variant == NULL)
        return;
    if (v->code == TG_CODE_PRICE_CHANGED && v->change_count > 0) {
        changes_write(j, v);
    } else if (v->code == TG_CODE_SOLD_OUT) {
        tg_jo_str(j, "sku", v->variant->sku);
        tg_jo_int(j, "available", tg_variant_here_in(v->variant, item->claim.show));
        if (v->back_order > 0) {
            tg_jo_int(j, "back_order", v->back_order);
            when(j, "ships_from", v->ships_from_wall);
        }
    }
}

/* A comment was answered as chat already; that it bought is an event. */
static void reply_head(struct tg_jo *j, const struct tg_item *item, bool ok)
{
    if (item->req->what == TG_SALE_COMMENT)
        tg_jo_str(j, "ev", "comment");
    tg_jo_str(j, item->req->what == TG_SALE_COMMENT ? "id" : "re", item->req->op.id);
    tg_jo_bool(j, "ok", ok);
}

/*
 * What stands in the buffer is this item's answer. One that is too long is that item's own
 * misfortune, not the batch's: what it asked for is decided and kept, and it is told so in short.
 */
static void take_answer(struct tg_sale *sale, struct tg_item *item)
{
    struct tg_jo j = tg_jo(&sale->buf);

    if (sale->buf.err == TG_ERR_LIMIT) {
        item->said.len = 0;
        tg_buf_clear(&sale->buf);
        tg_jo_obj(&j, NULL);
        if (!item->req->http)
            reply_head(&j, item, item->code == TG_CODE_OK);
        if (item->code != TG_CODE_OK)
            tg_jo_str(&j, "code", tg_code_name(item->code));
        tg_jo_bool(&j, "cut", true);
        tg_jo_end_obj(&j);
    }
    item->reply = tg_answer_slab(sale);
}

void tg_answer_refusal(struct tg_sale *sale, struct tg_item *item, const struct tg_verdict *v)
{
    struct tg_jo j = tg_jo(&sale->buf);

    item->code = v->code;
    if (item->status == 0)
        item->status = tg_code_status(v->code);
    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    if (item->req->http) {
        tg_jo_str(&j, "type", "about:blank");
        tg_jo_str(&j, "title", titles[v->code]);
        tg_jo_int(&j, "status", item->status);
        tg_jo_str(&j, "detail", v->message);
        if (v->field != NULL)
            tg_jo_str(&j, "field", v->field);
        tg_jo_str(&j, "code", tg_code_name(v->code));
    } else {
        reply_head(&j, item, false);
        tg_jo_str(&j, "code", tg_code_name(v->code));
        tg_jo_str(&j, "message", v->message);
    }
    tg_selling_choices(&j, item);
    refusal_facts(&j, item, v);
    if (v->ticket > 0)
        tg_jo_int(&j, "ticket", v->ticket);
    tg_jo_end_obj(&j);
    take_answer(sale, item);
}

static void price_facts(struct tg_jo *j, const struct tg_sale *sale, const struct tg_variant *v)
{
    struct tg_flash_plan plan = tg_shop_flash_plan(sale->shop, v->sku);

    tg_jo_str(j, "sku", v->sku);
    tg_money_write(j, "price", tg_variant_price(v), sale->cfg.currency);
    if (tg_variant_compare_at(v) >= 0)
        tg_money_write(j, "compare_at", tg_variant_compare_at(v), sale->cfg.currency);
    else
        tg_jo_null(j, "compare_at");
    when(j, "until", v->flash >= 0 ? v->flash_until_wall : -1);
    if (tg_variant_flash_left(v) >= 0)
        tg_jo_int(j, "left", tg_variant_flash_left(v));
    if (tg_variant_lowest(v) > 0)
        tg_money_write(j, "lowest_30d", tg_variant_lowest(v), sale->cfg.currency);
    if (plan.amount < 0)
        return;
    tg_jo_obj(j, "planned");
    tg_money_write(j, "price", plan.amount, sale->cfg.currency);
    when(j, "from", plan.from_wall);
    when(j, "until", plan.until_wall);
    if (plan.limit > 0)
        tg_jo_int(j, "limit", plan.limit);
    tg_jo_end_obj(j);
}

/* What PATCH of a variant's price answers, in the currency that it changed. */
static void list_price_facts(struct tg_jo *j, const struct tg_sale *sale,
                             const struct tg_item *item, const struct tg_variant *v)
{
    const char *currency = item->claim.currency;
    char tag[TG_PRICE_TAG_SIZE];
    int64_t price;

    tg_variant_price_tag(tag, v);
    tg_jo_str(j, "etag", tag);
    if (currency[0] == '\0' || strcmp(currency, sale->cfg.currency) == 0) {
        price_facts(j, sale, v);
        tg_money_write(j, "ordinary", v->price, sale->cfg.currency);
        return;
    }
    price = tg_shop_price_in(sale->shop, v, currency);
    tg_jo_str(j, "sku", v->sku);
    if (price >= 0)
        tg_money_write(j, "price", price, currency);
    else
        tg_jo_null(j, "price");
}

static void stock_facts(struct tg_jo *j, const struct tg_variant *v)
{
    tg_jo_str(j, "sku", v->sku);
    tg_jo_int(j, "available", tg_variant_available(v));
    tg_jo_int(j, "on_hand", v->stock.on_hand);
    tg_jo_int(j, "held", v->stock.held);
    tg_jo_int(j, "sold", v->stock.sold);
}

static void cart_facts(struct tg_jo *j, const struct tg_sale *sale, struct tg_item *item,
                       const struct tg_verdict *v)
{
    item->in_lang =
        tg_cart_write(j, "cart", sale->shop, v->cart, item->claim.show, item->req->who.lang);
}

static void merge_facts(struct tg_jo *j, const struct tg_sale *sale, struct tg_item *item,
                        const struct tg_verdict *v)
{
    cart_facts(j, sale, item, v);
    tg_jo_arr(j, "left_out");
    for (uint32_t i = 0; i < v->left_out_count; i++) {
        tg_jo_obj(j, NULL);
        tg_jo_str(j, "sku", v->left_out[i].sku);
        tg_jo_int(j, "qty", v->left_out[i].qty);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
}

static void code_facts(struct tg_jo *j, const struct tg_item *item, const struct tg_discount *d)
{
    const char *show = item->req->code->show_id;

    tg_discount_write(j, "code", d, show[0] == '\0' ? NULL : show);
}

/* The cart as it would be charged, with the codes or in the currency that were asked for. */
static void quote_facts(struct tg_jo *j, const struct tg_sale *sale, struct tg_item *item)
{
    struct tg_quote quote;

    tg_shop_quote(sale->shop, sale->now, &item->claim, &quote);
    item->in_lang = tg_quote_write(j, "cart", &quote, item->req->who.lang);
}

/* Whoever asked is whose it is: the answer's words are fit for the event, too. */
static bool own(const struct tg_item *item)
{
    return item->claim.channel != TG_CHANNEL_STAFF &&
           strcmp(item->claim.person, item->req->who.id) == 0;
}

/* What was written since `from`, a key and its object, is what its event will say. */
static void note_said(const struct tg_jo *j, struct tg_item *item, size_t from, const void *of)
{
    const uint8_t *value;

    item->said.of = of;
    if (j->buf->err != TG_OK || !own(item))
        return;
    value = memchr(j->buf->data + from, '{', j->buf->len - from);
    TG_ASSERT(value != NULL);
    item->said.at = (size_t)(value - j->buf->data);
    item->said.len = j->buf->len - item->said.at;
}

/* In the language of whoever asks. */
static void order_facts(struct tg_jo *j, const struct tg_sale *sale, struct tg_item *item,
                        const struct tg_order *order)
{
    struct tg_sale_texts in = {.sale = sale, .lang = item->req->who.lang};
    const struct tg_line_texts texts = {.of = tg_sale_text_of, .ctx = &in};

    tg_order_write_in(j, "order", order, tg_sale_pay_base(sale), TG_ORDER_VIEW_BUYER, &texts);
    item->in_lang = in.found;
}

static void success_facts(struct tg_jo *j, const struct tg_sale *sale, struct tg_item *item,
                          const struct tg_verdict *v)
{
    size_t from = j->buf->len;

    switch (item->claim.kind) {
    case TG_CLAIM_BUY:
    case TG_CLAIM_CHECKOUT:
        order_facts(j, sale, item, v->order);
        note_said(j, item, from, v->order);
        break;
    case TG_CLAIM_CANCEL:
    case TG_CLAIM_UNDO:
        order_facts(j, sale, item, v->order);
        break;
    case TG_CLAIM_FULFIL:
    case TG_CLAIM_RETURN:
    case TG_CLAIM_REFUND:
    case TG_CLAIM_NOTE:
        tg_order_write(j, "order", v->order, tg_sale_pay_base(sale), TG_ORDER_VIEW_STAFF);
        break;
    case TG_CLAIM_PAY:
    case TG_CLAIM_NEWS:
    case TG_CLAIM_RETRY:
    case TG_CLAIM_ASK_AGAIN:
    case TG_CLAIM_GIVE_UP:
        order_facts(j, sale, item, v->order);
        tg_jo_obj(j, "payment");
        tg_jo_str(j, "id", v->order->payment);
        tg_jo_str(j, "state", tg_payment_state_name(v->order->payment_state));
        tg_jo_end_obj(j);
        break;
    case TG_CLAIM_CART:
        if (item->claim.code[0] != '\0' || item->claim.currency[0] != '\0') {
            quote_facts(j, sale, item);
            break;
        }
        cart_facts(j, sale, item, v);
        break;
    case TG_CLAIM_CART_SET:
        cart_facts(j, sale, item, v);
        if (item->claim.show == UINT16_MAX) /* else it says what holds in that show alone */
            note_said(j, item, from, v->cart);
        break;
    case TG_CLAIM_CART_MERGE:
        merge_facts(j, sale, item, v);
        break;
    case TG_CLAIM_PRICE:
        price_facts(j, sale, v->variant);
        break;
    case TG_CLAIM_STOCK:
        stock_facts(j, v->variant);
        break;
    case TG_CLAIM_WAIT:
    case TG_CLAIM_RULES:
    case TG_CLAIM_SHOW_ITEM:
    case TG_CLAIM_SHOW_LOOK:
    case TG_CLAIM_WINDOW:
        tg_selling_facts(j, sale, item, v);
        break;
    case TG_CLAIM_STOCK_ROWS:
        if (v->variant != NULL)
            tg_answer_item(j, item, v->variant);
        if (item->claim.row_count > 0)
            tg_answer_rows(j, item, false);
        break;
    case TG_CLAIM_LOCATION:
        tg_location_write(j, "location", v->location, true);
        break;
    case TG_CLAIM_STOCK_RULES:
        tg_answer_item(j, item, v->variant);
        break;
    case TG_CLAIM_LIST_PRICE:
        list_price_facts(j, sale, item, v->variant);
        break;
    case TG_CLAIM_CODE_NEW:
    case TG_CLAIM_CODE_SET:
        code_facts(j, item, v->discount);
        break;
    case TG_CLAIM_CODE_END:
    case TG_CLAIM_NONE:
        break;
    }
}

/* The address of what the request made; false: it made nothing. */
static bool made(struct tg_item *item, const struct tg_verdict *v)
{
    char *out = item->location;
    size_t size = sizeof(item->location);

    switch (item->claim.kind) {
    case TG_CLAIM_BUY:
    case TG_CLAIM_CHECKOUT:
        if (item->req->http)
            tg_str_printf(out, size, "/api/v1/orders/%s", v->order->id);
        return true;
    case TG_CLAIM_CODE_NEW:
        tg_str_printf(out, size, "/api/v1/codes/%s", v->discount->code);
        return true;
    case TG_CLAIM_LOCATION:
        if (!item->claim.location_change->make)
            return false;
        tg_str_printf(out, size, "/api/v1/locations/%s", v->location->id);
        return true;
    default:
        return false;
    }
}

void tg_answer_verdict(struct tg_sale *sale, struct tg_item *item, const struct tg_verdict *v)
{
    struct tg_jo j = tg_jo(&sale->buf);

    if (v->code != TG_CODE_OK) {
        tg_answer_refusal(sale, item, v);
        return;
    }
    item->code = TG_CODE_OK;
    item->status = made(item, v) ? 201 : 200;
    if (item->claim.kind == TG_CLAIM_LIST_PRICE)
        tg_variant_price_tag(item->etag, v->variant);
    if (item->claim.kind == TG_CLAIM_CODE_END) {
        item->status = 204;
        return;
    }
    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    if (!item->req->http)
        reply_head(&j, item, true);
    success_facts(&j, sale, item, v);
    if (v->ticket > 0)
        tg_jo_int(&j, "ticket", v->ticket);
    tg_jo_end_obj(&j);
    take_answer(sale, item);
    if (item->reply != NULL && item->said.len > 0)
        item->said.in = tg_slab_ref(item->reply);
}

void tg_answer_busy(struct tg_sale *sale, struct tg_item *item)
{
    struct tg_verdict v = {.code = TG_CODE_BUSY};

    tg_str_cut(v.message, sizeof(v.message),
               "The shop cannot save anything right now. Nothing was done; try again.");
    tg_slab_unref(item->reply);
    item->reply = NULL;
    item->status = 0;
    item->location[0] = '\0';
    item->in_lang = false;
    tg_answer_refusal(sale, item, &v);
}

static void *reply_msg(struct tg_item *item)
{
    struct tg_web_send *send;
    struct tg_web_reply *reply;

    if (!item->req->http) {
        send = tg_msg_new(TG_MSG_WEB_SEND, sizeof(*send));
        if (send == NULL)
            return NULL;
        send->conn = item->req->conn;
        send->json = item->reply;
        return send;
    }
    reply = tg_msg_new(TG_MSG_WEB_REPLY, sizeof(*reply));
    if (reply == NULL)
        return NULL;
    reply->conn = item->req->conn;
    reply->status = item->status;
    memcpy(reply->location, item->location, sizeof(reply->location));
    memcpy(reply->etag, item->etag, sizeof(reply->etag));
    reply->in_lang = item->in_lang;
    reply->json = item->reply;
    return reply;
}

void tg_answer_send(struct tg_item *item)
{
    void *msg;

    if (item->silent || item->req->conn.mb == NULL || (item->reply == NULL && !item->req->http))
        return;
    msg = reply_msg(item);
    if (msg == NULL)
        return; /* without memory nobody can be told; the client repeats under its key */
    item->reply = NULL;
    /* Closed: the worker is stopping. */
    (void)tg_mailbox_post_reply_quiet(item->req->conn.mb, msg);
}

void tg_answer_wake(struct tg_sale *sale)
{
    struct tg_mailbox *woken = NULL;

    for (size_t i = 0; i < sale->item_count; i++) {
        struct tg_mailbox *mb = sale->items[i].req->conn.mb;

        if (mb != NULL && mb != woken)
            tg_mailbox_wake(mb);
        woken = mb;
    }
    for (size_t i = 0; i < sale->cfg.web_count; i++)
        tg_mailbox_wake(sale->cfg.web[i]);
    if (sale->cfg.live != NULL)
        tg_mailbox_wake(sale->cfg.live);
}
