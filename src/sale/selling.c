/* How shows sell and who waits: claims out of requests, and what pages are told of it. */
#include <string.h>

#include "base/slab.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/sale_priv.h"
#include "shop/shop_json.h"

enum { SELLING_ITEMS_MAX = 200 }; /* of `joined`: what a page can show at all */

/* --- claims --- */

/* Where the show's media clock stands; a mutex and a copy, so once for all claims of a show in a
 * row. */
int64_t tg_sale_media_ms(struct tg_sale *sale, struct tg_shop_now now, uint16_t show)
{
    struct tg_show_info info;

    if (show == UINT16_MAX)
        return -1;
    if (sale->clock.show != show || !sale->clock.known) {
        if (tg_registry_show_at(sale->cfg.registry, show, &info) != TG_OK)
            return -1;
        sale->clock.show = show;
        sale->clock.known = true;
        sale->clock.epoch_us = info.epoch_us;
    }
    return TG_MAX((now.mono - sale->clock.epoch_us) / 1000, (tg_us)0);
}

void tg_selling_wait_claim(struct tg_item *item)
{
    const struct tg_op *op = &item->req->op;

    item->claim.kind = TG_CLAIM_WAIT;
    item->claim.sku = op->u.wait.sku;
    item->claim.qty = op->u.wait.qty;
    item->claim.leave = op->u.wait.leave;
    item->claim.at_ms = op->u.wait.at;
    tg_item_says(item, op->u.wait.sku);
    tg_item_says_int(item, op->u.wait.qty);
    tg_item_says_int(item, op->u.wait.leave);
}

void tg_selling_window_claim(struct tg_item *item)
{
    const struct tg_op *op = &item->req->op;

    item->claim.kind = TG_CLAIM_WINDOW;
    item->claim.sku = op->u.window.sku;
    item->claim.open = op->u.window.open;
    item->claim.for_ms = (int64_t)op->u.window.for_s * 1000;
    tg_item_says(item, op->u.window.sku);
    tg_item_says_int(item, op->u.window.open);
    tg_item_says_int(item, op->u.window.for_s);
}

/* For somebody else: the order is theirs, the key is the seller's. */
void tg_selling_sell_claim(struct tg_sale *sale, struct tg_item *item)
{
    const struct tg_op *op = &item->req->op;
    const struct tg_line_said said = {.sku = op->u.sell.sku,
                                      .qty = op->u.sell.qty,
                                      .price = op->u.sell.price,
                                      .code = op->u.sell.code,
                                      .currency = "",
                                      .location = op->u.sell.location,
                                      .back_order = op->u.sell.back_order};
    uint8_t random[16];

    if (op->u.sell.person[0] != '\0') {
        tg_str_cut(item->buyer, sizeof(item->buyer), op->u.sell.person);
    } else {
        /* Nobody can log in as this person: what they get is the link to pay. */
        tg_rng_bytes(sale->cfg.rng, random, sizeof(random));
        item->buyer[0] = 'p';
        tg_b64url_encode(item->buyer + 1, sizeof(item->buyer) - 1, random, sizeof(random));
    }
    item->claim.channel = TG_CHANNEL_STAFF;
    item->claim.by = item->req->who.id;
    item->claim.person = item->buyer;
    item->claim.name = op->u.sell.name;
    tg_item_line(item, TG_CLAIM_BUY, &said);
    tg_item_says(item, op->u.sell.name);
    tg_item_says(item, op->u.sell.person);
}

void tg_selling_rules_claim(struct tg_item *item)
{
    const struct tg_op *op = &item->req->op;

    item->rules = (struct tg_show_rules){.show = item->req->show,
                                         .first_paid = op->u.rules.first_paid,
                                         .waiting = op->u.rules.waiting,
                                         .comments = op->u.rules.comments,
                                         .comment_bare = op->u.rules.comment_bare,
                                         .hold_us = op->u.rules.hold_s * TG_US_PER_S,
                                         .turn_us = op->u.rules.turn_s * TG_US_PER_S,
                                         .person_units = op->u.rules.person_units,
                                         .lag_ms = op->u.rules.lag_ms};
    tg_str_cut(item->rules.comment_word, sizeof(item->rules.comment_word),
               op->u.rules.comment_word);
    item->claim.kind = TG_CLAIM_RULES;
    item->claim.rules = &item->rules;
    tg_item_says_int(item, op->u.rules.first_paid);
    tg_item_says_int(item, op->u.rules.waiting);
    tg_item_says_int(item, op->u.rules.comments);
    tg_item_says_int(item, op->u.rules.comment_bare);
    tg_item_says(item, op->u.rules.comment_word);
    tg_item_says_int(item, op->u.rules.hold_s);
    tg_item_says_int(item, op->u.rules.turn_s);
    tg_item_says_int(item, op->u.rules.person_units);
    tg_item_says_int(item, op->u.rules.lag_ms);
}

void tg_selling_item_claim(struct tg_item *item)
{
    const struct tg_op *op = &item->req->op;

    item->show_item = (struct tg_show_item){.show = item->req->show,
                                            .number = op->u.item.number,
                                            .units_max = op->u.item.units_max,
                                            .person_max = op->u.item.person_max,
                                            .from_ms = op->u.item.from_ms,
                                            .until_ms = op->u.item.until_ms,
                                            .show_only = op->u.item.show_only};
    tg_str_cut(item->show_item.sku, sizeof(item->show_item.sku), op->u.item.sku);
    item->claim.kind = TG_CLAIM_SHOW_ITEM;
    item->claim.sku = op->u.item.sku;
    item->claim.item = &item->show_item;
    tg_item_says(item, op->u.item.sku);
    tg_item_says_int(item, op->u.item.number);
    tg_item_says_int(item, op->u.item.units_max);
    tg_item_says_int(item, op->u.item.person_max);
    tg_item_says_int(item, op->u.item.from_ms);
    tg_item_says_int(item, op->u.item.until_ms);
    tg_item_says_int(item, op->u.item.show_only);
}

bool tg_selling_comment_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_op *op = &item->req->op;
    struct tg_comment_wish *wish = &item->wish;

    item->claim.op = "comment";
    item->claim.id = op->id;
    item->claim.at_ms = op->u.chat.at;
    tg_item_says(item, op->u.chat.text);
    tg_shop_comment(sale->shop, item->req->show, op->u.chat.text, wish);
    if (wish->kind == TG_COMMENT_TALK) {
        item->silent = true; /* nobody waits: it is chat */
        return true;
    }
    if (wish->code != TG_CODE_OK) {
        out->code = wish->code;
        tg_str_cut(out->message, sizeof(out->message), wish->message);
        return false;
    }
    if (wish->kind == TG_COMMENT_UNDO) {
        item->claim.kind = TG_CLAIM_UNDO;
        return true;
    }
    item->claim.kind = TG_CLAIM_BUY;
    item->claim.channel = TG_CHANNEL_COMMENT;
    item->claim.sku = wish->variant->sku;
    item->claim.qty = wish->qty;
    return true;
}

/* --- answers --- */

void tg_selling_choices(struct tg_jo *j, const struct tg_item *item)
{
    char text[TG_OPTION_TEXT_SIZE];
    char buf[TG_OPTIONS_IN_SIZE];

    if (item->req->what != TG_SALE_COMMENT || item->wish.choice_count < 2 ||
        item->code != TG_CODE_BAD_REQUEST)
        return;
    tg_jo_arr(j, "choices");
    for (uint32_t i = 0; i < item->wish.choice_count; i++) {
        const struct tg_variant *v = item->wish.choices[i];

        tg_option_text(text, tg_options_in(buf, v->options,
                                           tg_langs_pick(v->product->texts, item->req->who.lang)));
        tg_jo_obj(j, NULL);
        tg_jo_str(j, "sku", item->wish.choices[i]->sku);
        tg_jo_str(j, "options", text);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
}

static void look_facts(struct tg_jo *j, const struct tg_sale *sale, const struct tg_item *item,
                       const struct tg_verdict *v)
{
    struct tg_show_item plain = {.from_ms = -1, .until_ms = -1};
    const struct tg_show_item *one;

    if (item->claim.sku[0] == '\0') {
        tg_rules_write(j, v->rules);
        return;
    }
    one = tg_shop_show_item(sale->shop, item->claim.show, item->claim.sku);
    tg_str_cut(plain.sku, sizeof(plain.sku), item->claim.sku);
    tg_show_item_write(j, one == NULL ? &plain : one);
}

void tg_selling_facts(struct tg_jo *j, const struct tg_sale *sale, const struct tg_item *item,
                      const struct tg_verdict *v)
{
    switch (item->claim.kind) {
    case TG_CLAIM_WAIT:
        tg_jo_obj(j, "waiting");
        tg_waiter_write(j, v->waiter, v->place);
        tg_jo_end_obj(j);
        break;
    case TG_CLAIM_RULES:
        tg_rules_write(j, v->rules);
        break;
    case TG_CLAIM_SHOW_ITEM:
    case TG_CLAIM_WINDOW:
        if (!item->req->http)
            tg_jo_obj(j, "item");
        tg_show_item_write(j, v->item);
        if (!item->req->http)
            tg_jo_end_obj(j);
        break;
    case TG_CLAIM_SHOW_LOOK:
        look_facts(j, sale, item, v);
        break;
    default:
        break;
    }
}

/* --- telling --- */

struct tg_slab *tg_selling_waiting(struct tg_sale *sale, const char *person)
{
    struct tg_jo j = tg_jo(&sale->buf);
    const struct tg_waiter *cursor = NULL;
    const struct tg_waiter *w = tg_shop_each_waiting(sale->shop, person, &cursor);

    if (w == NULL)
        return NULL;
    tg_buf_clear(&sale->buf);
    tg_jo_arr(&j, NULL);
    for (; w != NULL; w = tg_shop_each_waiting(sale->shop, person, &cursor)) {
        tg_jo_obj(&j, NULL);
        tg_waiter_write(&j, w, tg_waiter_place(w));
        tg_jo_end_obj(&j);
    }
    tg_jo_end_arr(&j);
    /* Without memory a page just does not know that it waits; the events go on. */
    return sale->buf.err == TG_OK ? tg_slab_copy(sale->buf.data, sale->buf.len) : NULL;
}

static struct tg_slab *selling_json(struct tg_sale *sale, uint16_t show, const char *event)
{
    const struct tg_show_rules *r = tg_shop_rules(sale->shop, show);
    struct tg_jo j = tg_jo(&sale->buf);
    const struct tg_show_item *item;
    size_t cursor = 0;
    size_t count = 0;

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    if (event != NULL)
        tg_jo_str(&j, "ev", event);
    tg_jo_bool(&j, "waiting", r->waiting);
    tg_jo_bool(&j, "comments", r->comments);
    tg_jo_bool(&j, "comment_bare", r->comment_bare);
    tg_jo_str(&j, "comment_word", r->comment_word);
    tg_jo_arr(&j, "items");
    while (count < SELLING_ITEMS_MAX &&
           (item = tg_shop_show_item_each(sale->shop, show, &cursor)) != NULL) {
        if (item->number == 0 && item->from_ms < 0 && item->until_ms < 0)
            continue;
        tg_jo_obj(&j, NULL);
        tg_show_item_window_write(&j, item);
        tg_jo_end_obj(&j);
        count++;
    }
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
    return sale->buf.err == TG_OK ? tg_slab_copy(sale->buf.data, sale->buf.len) : NULL;
}

static struct tg_slab *window_json(struct tg_sale *sale, const struct tg_show_item *item)
{
    struct tg_jo j = tg_jo(&sale->buf);

    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "window");
    tg_show_item_window_write(&j, item);
    tg_jo_end_obj(&j);
    return sale->buf.err == TG_OK ? tg_slab_copy(sale->buf.data, sale->buf.len) : NULL;
}

static void tell_live(struct tg_sale *sale, uint16_t show, struct tg_slab *take_event,
                      struct tg_slab *json)
{
    struct tg_live_rules *msg = tg_msg_new(TG_MSG_LIVE_RULES, sizeof(*msg));

    if (msg == NULL) {
        tg_slab_unref(take_event);
        return; /* pages learn it when they join after the next change */
    }
    msg->show = show;
    msg->comments = tg_shop_rules(sale->shop, show)->comments;
    msg->event = take_event;
    msg->json = json == NULL ? NULL : tg_slab_ref(json);
    (void)tg_mailbox_post_reply(sale->cfg.live, msg); /* closed: live is stopping */
}

static void tell_show(struct tg_sale *sale, uint16_t show, struct tg_slab *take_event)
{
    struct tg_slab *json = selling_json(sale, show, NULL);

    tell_live(sale, show, take_event, json);
    tg_slab_unref(json);
}

void tg_selling_announce_show(struct tg_sale *sale, uint16_t show)
{
    size_t cursor = 0;

    if (sale->cfg.live == NULL)
        return;
    if (tg_shop_rules(sale->shop, show)->show != UINT16_MAX ||
        tg_shop_show_item_each(sale->shop, show, &cursor) != NULL)
        tell_show(sale, show, NULL);
}

void tg_selling_announce_ord(struct tg_sale *sale, uint16_t show)
{
    if (sale->cfg.live != NULL)
        tell_show(sale, show, selling_json(sale, show, "selling"));
}

void tg_selling_announce_key(struct tg_sale *sale, const char *ordinal)
{
    int64_t show = 0;

    if (tg_parse_i64(&show, ordinal, strlen(ordinal), 0, TG_SHOWS_MAX - 1) == TG_OK)
        tg_selling_announce_ord(sale, (uint16_t)show);
}

static void tell_waiters(struct tg_sale *sale)
{
    const struct tg_waiter *w;
    uint32_t place;

    while (tg_shop_tell_waiter(sale->shop, &w, &place)) {
        struct tg_jo j = tg_jo(&sale->buf);

        tg_buf_clear(&sale->buf);
        tg_jo_obj(&j, NULL);
        tg_jo_str(&j, "ev", "waiting");
        tg_waiter_write(&j, w, place);
        tg_jo_end_obj(&j);
        tg_announce_person(sale, w->person);
    }
}

/* Made once a show and batch: it is a walk over the items of all shows. */
static struct tg_slab *json_of(struct tg_sale *sale, struct tg_slab *of_show[TG_SHOWS_MAX],
                               uint16_t show)
{
    TG_ASSERT(show < TG_SHOWS_MAX); /* what changed was asked for in a show of the registry */
    if (of_show[show] == NULL)
        of_show[show] = selling_json(sale, show, NULL);
    return of_show[show];
}

void tg_selling_announce(struct tg_sale *sale)
{
    struct tg_slab *of_show[TG_SHOWS_MAX] = {NULL};
    const struct tg_show_rules *rules_cursor = NULL;
    const struct tg_show_item *item_cursor = NULL;
    const struct tg_show_rules *r;
    const struct tg_show_item *item;

    tell_waiters(sale);
    if (sale->cfg.live == NULL)
        return;
    while ((item = tg_shop_each_show_item(sale->shop, &item_cursor)) != NULL)
        tell_live(sale, item->show, window_json(sale, item), json_of(sale, of_show, item->show));
    while ((r = tg_shop_each_rules(sale->shop, &rules_cursor)) != NULL)
        tell_live(sale, r->show, selling_json(sale, r->show, "selling"),
                  json_of(sale, of_show, r->show));
    for (size_t show = 0; show < TG_SHOWS_MAX; show++)
        tg_slab_unref(of_show[show]);
}
