/* Requests under a key: was it answered before, and what is remembered of this one. */
#include <string.h>

#include "base/slab.h"
#include "base/str.h"
#include "sale/sale_priv.h"

enum tg_repeat tg_repeat_look(const struct tg_sale *sale, struct tg_shop_now now,
                              const struct tg_claim *c, uint64_t digest, bool http,
                              const struct tg_idem_entry **ret)
{
    const struct tg_idem_entry *entry = NULL;

    if (c->op[0] != '\0')
        entry = tg_idem_find(sale->idem, now.mono, tg_claim_key_person(c), c->op, c->id);
    if (entry == NULL)
        return TG_REPEAT_NONE;
    if (entry->digest != digest)
        return TG_REPEAT_OTHER;
    if (entry->fresh && http)
        return TG_REPEAT_RUNNING;
    *ret = entry;
    return TG_REPEAT_SAME;
}

tg_err tg_repeat_keep(struct tg_sale *sale, struct tg_shop_now now, const struct tg_claim *c,
                      const struct tg_idem_entry *answer, bool on_disk)
{
    struct tg_idem_entry entry = *answer;

    if (c->op[0] == '\0')
        return TG_OK;
    tg_str_cut(entry.person, sizeof(entry.person), tg_claim_key_person(c));
    tg_str_cut(entry.op, sizeof(entry.op), c->op);
    tg_str_cut(entry.id, sizeof(entry.id), c->id);
    entry.fresh = true;
    return tg_idem_put(sale->idem, now.mono, &entry, on_disk);
}

tg_err tg_repeat_write(struct tg_sale *sale, tg_us wall)
{
    struct tg_store *store = sale->cfg.store;
    const struct tg_idem_entry *cursor = NULL;
    const struct tg_idem_entry *entry;
    tg_err err = TG_OK;

    while (err == TG_OK && (entry = tg_idem_each_pending(sale->idem, &cursor)) != NULL)
        err = store->ops->write_idem(store, wall, entry);
    return err;
}

const char *tg_repeat_text(enum tg_repeat repeat)
{
    return repeat == TG_REPEAT_OTHER
               ? "This id was used for another request already."
               : "The first request with this key is being decided; ask again.";
}

/* What is made has its id in the answer, so the header need not be kept. */
void tg_repeat_location(char out[128], const char *op, const struct tg_idem_entry *entry)
{
    static const struct {
        const char *op;
        const char *path;
        const char *member;
    } made[] = {
        {"http.buy", "orders", "\"id\":\""},         {"http.checkout", "orders", "\"id\":\""},
        {"http.sell", "orders", "\"id\":\""},        {"http.show", "shows", "\"id\":\""},
        {"http.token", "tokens", "\"id\":\""},       {"http.code.new", "codes", "\"code\":\""},
        {"http.webhook", "webhooks", "\"id\":\""},   {"http.import", "imports", "\"id\":\""},
        {"http.product", "products", "\"id\":\""},   {"http.variant", "products", "\"id\":\""},
        {"http.location", "locations", "\"id\":\""}, {"http.undo", "imports", "\"id\":\""}};
    const struct tg_slab *reply = entry->reply;
    const char *id;
    const char *end;

    out[0] = '\0';
    if (reply == NULL || (entry->status != 201 && entry->status != 202))
        return;
    for (size_t i = 0; i < TG_ARRAY_LEN(made); i++) {
        if (strcmp(made[i].op, op) != 0)
            continue;
        id = memmem(reply->data, reply->len, made[i].member, strlen(made[i].member));
        if (id == NULL)
            return;
        id += strlen(made[i].member);
        end = memchr(id, '"', reply->len - (size_t)(id - (const char *)reply->data));
        if (end != NULL && end - id < 64) /* ids have no characters that JSON or a path escapes */
            tg_str_printf(out, 128, "/api/v1/%s/%.*s", made[i].path, (int)(end - id), id);
    }
}

/* Of a price: as it stands in the answer, with its quotes escaped. */
static void price_tag(char out[40], const struct tg_slab *reply)
{
    static const char member[] = "\"etag\":\"\\\"";
    const char *at = memmem(reply->data, reply->len, member, strlen(member));
    const char *end =
        at == NULL ? NULL
                   : memchr(at + strlen(member), '\\',
                            (size_t)((const char *)reply->data + reply->len - at) - strlen(member));

    if (end == NULL)
        return;
    at += strlen(member);
    tg_str_printf(out, 40, "\"%.*s\"", (int)(end - at), at);
}

void tg_repeat_etag(char out[40], const char *op, const struct tg_idem_entry *entry)
{
    static const char begin[] = "{\"stock\":{";
    static const char member[] = "\"version\":";
    const struct tg_slab *reply = entry->reply;
    const char *at;
    const char *end;
    size_t len = 0;

    out[0] = '\0';
    if (reply != NULL && entry->status == 200 && strcmp(op, "http.price.list") == 0)
        price_tag(out, reply);
    if (reply == NULL || strncmp(op, "http.stock.", strlen("http.stock.")) != 0 ||
        reply->len < strlen(begin) || memcmp(reply->data, begin, strlen(begin)) != 0)
        return;
    at = memmem(reply->data, reply->len, member, strlen(member));
    if (at == NULL)
        return;
    at += strlen(member);
    end = (const char *)reply->data + reply->len;
    while (at + len < end && at[len] >= '0' && at[len] <= '9')
        len++;
    tg_str_printf(out, 40, "\"v%.*s\"", (int)len, at);
}
