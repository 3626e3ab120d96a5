/* "angre": which order by comment was the person's last. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "shop/shop_priv.h"

enum { REMEMBERED = 4 }; /* orders of one person and show that can be undone one after another */

struct commenter {
    struct {
        char person[TG_PERSON_ID_SIZE]; /* zero-padded: the key is these bytes */
        uint16_t show;
    } key;
    uint32_t at; /* where the next one goes */
    char orders[REMEMBERED][TG_UUID_SIZE];
};

static struct commenter *find(const struct tg_shop *shop, const char *person, uint16_t show)
{
    struct commenter probe;

    memset(&probe, 0, sizeof(probe));
    tg_str_cut(probe.key.person, sizeof(probe.key.person), person);
    probe.key.show = show;
    return tg_map_get(&shop->commenters, &probe.key, sizeof(probe.key));
}

static bool can_be_undone(const struct tg_shop *shop, const char *id)
{
    const struct tg_order *order = id[0] == '\0' ? NULL : tg_map_get_str(&shop->order_by_id, id);

    return order != NULL && order->state == TG_ORDER_AWAITING;
}

/* Those who have nothing left to undo make room. */
static void sweep(struct tg_shop *shop)
{
    struct tg_map kept;
    size_t cursor = 0;
    struct commenter *c;

    tg_map_init(&kept, shop->cfg.rng);
    while ((c = tg_map_each(&shop->commenters, &cursor)) != NULL) {
        bool any = false;

        for (size_t i = 0; i < REMEMBERED; i++)
            any = any || can_be_undone(shop, c->orders[i]);
        if (!any || tg_map_put(&kept, &c->key, sizeof(c->key), c) != TG_OK)
            tg_free(c);
    }
    tg_map_done(&shop->commenters);
    shop->commenters = kept;
}

tg_err tg_comment_ready(struct tg_shop *shop, const char *person, uint16_t show)
{
    struct commenter *c;
    tg_err err;

    if (find(shop, person, show) != NULL)
        return TG_OK;
    if (shop->commenters.count >= TG_COMMENTERS_MAX)
        sweep(shop);
    if (shop->commenters.count >= TG_COMMENTERS_MAX)
        return TG_ERR_LIMIT;
    c = tg_calloc(1, sizeof(*c));
    if (c == NULL)
        return TG_ERR_NOMEM;
    tg_str_cut(c->key.person, sizeof(c->key.person), person);
    c->key.show = show;
    err = tg_map_put(&shop->commenters, &c->key, sizeof(c->key), c);
    if (err != TG_OK)
        tg_free(c);
    return err;
}

void tg_comment_note(struct tg_shop *shop, const struct tg_order *order)
{
    struct commenter *c;

    if (order->channel != TG_CHANNEL_COMMENT ||
        tg_comment_ready(shop, order->person, order->show) != TG_OK)
        return;
    c = find(shop, order->person, order->show);
    for (size_t i = 0; i < REMEMBERED; i++)
        if (strcmp(c->orders[i], order->id) == 0)
            return; /* read again */
    /* One that a rollback undoes later is just not found any more. */
    memcpy(c->orders[c->at], order->id, sizeof(c->orders[0]));
    c->at = (c->at + 1) % REMEMBERED;
}

void tg_decide_undo(struct tg_shop *shop, struct tg_shop_now now, const struct tg_claim *c,
                    struct tg_verdict *out)
{
    const struct commenter *who = find(shop, c->person, c->show);

    for (uint32_t back = 1; who != NULL && back <= REMEMBERED; back++) {
        const char *id = who->orders[(who->at + REMEMBERED - back) % REMEMBERED];
        struct tg_claim cancel = *c;

        if (!can_be_undone(shop, id))
            continue;
        cancel.kind = TG_CLAIM_CANCEL;
        cancel.key = id;
        cancel.staff = false;
        tg_decide_cancel(shop, now, &cancel, out);
        return;
    }
    tg_refuse(out, TG_CODE_NOT_FOUND, "There is no order by comment that can be undone.");
}
