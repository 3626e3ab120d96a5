/* Webhook endpoints: an admin's changes, and what outbound leases and has done. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/uuid.h"
#include "sale/hook_json.h"
#include "sale/sale_priv.h"

enum { SECRET_BYTES = 32 };

static void refuse(struct tg_sale *sale, struct tg_item *item, enum tg_code code, const char *text)
{
    struct tg_verdict v = {.code = code};

    tg_str_cut(v.message, sizeof(v.message), text);
    tg_answer_refusal(sale, item, &v);
}

/* Digest of what was asked, for the idempotency key. */
uint64_t tg_hooks_digest(uint64_t digest, const struct tg_hook_req *req)
{
    digest = tg_idem_digest_int(digest, req->verb);
    digest = tg_idem_digest_str(digest, req->hook.id);
    digest = tg_idem_digest_str(digest, req->hook.url);
    digest = tg_idem_digest_str(digest, req->hook.topics);
    digest = tg_idem_digest_str(digest, req->hook.description);
    digest = tg_idem_digest_int(digest, req->hook.enabled);
    digest = tg_idem_digest_int(digest, req->message);
    return tg_idem_digest_int(digest, req->since_wall);
}

static void mint(struct tg_sale *sale, char out[TG_HOOK_SECRET_SIZE])
{
    uint8_t bytes[SECRET_BYTES];
    unsigned char text[(SECRET_BYTES + 2) / 3 * 4 + 1];

    tg_rng_bytes(sale->cfg.rng, bytes, sizeof(bytes));
    (void)EVP_EncodeBlock(text, bytes, SECRET_BYTES); /* cannot fail */
    tg_str_printf(out, TG_HOOK_SECRET_SIZE, "whsec_%s", (const char *)text);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    OPENSSL_cleanse(text, sizeof(text));
}

/* What the disk says of an endpoint is of before this batch. */
static bool changed_in_batch(const struct tg_sale *sale, const struct tg_item *item)
{
    for (const struct tg_item *i = sale->items; i < item; i++)
        if (i->hook != NULL &&
            (strcmp(i->hook->hook.id, item->req->hook->hook.id) == 0 ||
             (i->hook->verb == TG_HOOK_CREATE && item->req->hook->verb == TG_HOOK_CREATE)))
            return true;
    return false;
}

static void write_topics(struct tg_jo *j, const char *topics)
{
    tg_jo_arr(j, "topics");
    while (*topics != '\0') {
        size_t len = strcspn(topics, " ");

        tg_jo_strn(j, NULL, topics, len);
        topics += len;
        topics += strspn(topics, " ");
    }
    tg_jo_end_arr(j);
}

void tg_hook_write(struct tg_jo *j, const struct tg_hook *hook)
{
    char when[TG_RFC3339_SIZE];

    tg_jo_str(j, "id", hook->id);
    tg_jo_str(j, "url", hook->url);
    write_topics(j, hook->topics);
    tg_jo_str(j, "description", hook->description);
    tg_jo_bool(j, "enabled", hook->enabled);
    tg_jo_str(j, "off", hook->off[0] == '\0' ? NULL : hook->off);
    tg_rfc3339(when, hook->failing_since_wall);
    tg_jo_str(j, "failing_since", hook->failing_since_wall < 0 ? NULL : when);
    tg_rfc3339(when, hook->created_wall);
    tg_jo_str(j, "created", when);
}

static void answer_hook(struct tg_sale *sale, struct tg_item *item, int status)
{
    const struct tg_hook_change *c = item->hook;
    struct tg_jo j = tg_jo(&sale->buf);

    item->code = TG_CODE_OK;
    item->status = status;
    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_hook_write(&j, &c->hook);
    if (c->secret[0] != '\0')
        tg_jo_null(&j, "secret"); /* put in after the commit, see turn.c */
    tg_jo_end_obj(&j);
    if (status == 201)
        tg_str_printf(item->location, sizeof(item->location), "/api/v1/webhooks/%s", c->hook.id);
    item->reply = tg_answer_slab(sale);
}

static void answer_queued(struct tg_sale *sale, struct tg_item *item, const char *message,
                          size_t count)
{
    struct tg_jo j = tg_jo(&sale->buf);

    item->code = TG_CODE_OK;
    item->status = 202;
    tg_buf_clear(&sale->buf);
    tg_jo_obj(&j, NULL);
    tg_jo_int(&j, "queued", (int64_t)count);
    if (message != NULL)
        tg_jo_str(&j, "message", message);
    tg_jo_end_obj(&j);
    item->reply = tg_answer_slab(sale);
}

static void take_fields(struct tg_hook *hook, const struct tg_hook_req *req)
{
    if (req->has_url)
        memcpy(hook->url, req->hook.url, sizeof(hook->url));
    if (req->has_topics)
        memcpy(hook->topics, req->hook.topics, sizeof(hook->topics));
    if (req->has_description)
        memcpy(hook->description, req->hook.description, sizeof(hook->description));
    if (!req->has_enabled)
        return;
    if (req->hook.enabled && !hook->enabled)
        hook->failing_since_wall = -1; /* a new start, with all its days */
    hook->enabled = req->hook.enabled;
    hook->off[0] = '\0';
}

static void decide_new(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item,
                       const struct tg_hook_look *look)
{
    struct tg_hook *hook = &item->hook->hook;

    if (look->count >= TG_WEBHOOKS_MAX) {
        tg_free(item->hook);
        item->hook = NULL;
        refuse(sale, item, TG_CODE_LIMIT, "There are as many webhooks as there can be.");
        return;
    }
    hook->enabled = true;
    hook->failing_since_wall = -1;
    hook->created_wall = now.wall;
    take_fields(hook, item->req->hook);
    tg_uuid7(hook->id, now.wall, sale->cfg.rng);
    mint(sale, item->hook->secret);
    answer_hook(sale, item, 201);
}

static void decide_found(struct tg_sale *sale, struct tg_item *item,
                         const struct tg_hook_look *look)
{
    struct tg_hook_change *c = item->hook;
    char id[TG_HOOK_MESSAGE_ID_SIZE];

    switch (c->verb) {
    case TG_HOOK_CREATE:
        break;
    case TG_HOOK_CHANGE:
        take_fields(&c->hook, item->req->hook);
        answer_hook(sale, item, 200);
        break;
    case TG_HOOK_DELETE:
        item->code = TG_CODE_OK;
        item->status = 204;
        break;
    case TG_HOOK_ROTATE:
        mint(sale, c->secret);
        answer_hook(sale, item, 200);
        break;
    case TG_HOOK_PING:
        c->message = look->next;
        tg_hook_message_id(id, c->message);
        answer_queued(sale, item, id, 1);
        break;
    case TG_HOOK_REPLAY:
        tg_hook_message_id(id, c->message);
        answer_queued(sale, item, id, 1);
        break;
    case TG_HOOK_REPLAY_FAILED:
        answer_queued(sale, item, NULL, look->failed);
        break;
    }
}

/* false = refused. */
static bool may_proceed(struct tg_sale *sale, struct tg_item *item, const struct tg_hook_look *look)
{
    const struct tg_hook_req *req = item->req->hook;
    bool calls = req->verb == TG_HOOK_PING || req->verb == TG_HOOK_REPLAY ||
                 req->verb == TG_HOOK_REPLAY_FAILED;

    if (!look->found && req->verb != TG_HOOK_CREATE)
        refuse(sale, item, TG_CODE_NOT_FOUND, "There is no such webhook.");
    else if (req->verb == TG_HOOK_REPLAY && !look->delivery)
        refuse(sale, item, TG_CODE_NOT_FOUND, "This webhook has no such message.");
    else if (calls && !look->hook.enabled)
        refuse(sale, item, TG_CODE_CONFLICT, "The webhook is switched off; enable it first.");
    else
        return true;
    return false;
}

void tg_hooks_decide(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item)
{
    struct tg_store *store = sale->cfg.store;
    const struct tg_hook_req *req = item->req->hook;
    struct tg_hook_look look;
    tg_err err;

    if (req == NULL || changed_in_batch(sale, item)) {
        refuse(sale, item, TG_CODE_BUSY, "Webhooks are being changed. Try again.");
        return;
    }
    err = store->ops->hook_look(store, req, now.wall, &look);
    if (err != TG_OK) {
        sale->failed = err;
        return;
    }
    if (!may_proceed(sale, item, &look))
        return;
    item->hook = tg_calloc(1, sizeof(*item->hook));
    if (item->hook == NULL) {
        sale->failed = TG_ERR_NOMEM;
        return;
    }
    *item->hook = (struct tg_hook_change){.verb = req->verb,
                                          .hook = look.hook,
                                          .message = req->message,
                                          .since_wall = req->since_wall};
    if (req->verb == TG_HOOK_CREATE)
        decide_new(sale, now, item, &look);
    else
        decide_found(sale, item, &look);
}

tg_err tg_hooks_write(struct tg_sale *sale, tg_us wall)
{
    struct tg_store *store = sale->cfg.store;
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < sale->item_count; i++) {
        const struct tg_item *item = &sale->items[i];

        if (item->hook != NULL)
            err = store->ops->write_hook(store, item->hook, wall, item->req->who.id);
        else if (item->req->hook_work != NULL)
            err = store->ops->write_hook_work(store, item->req->hook_work, wall);
    }
    return err;
}

bool tg_hooks_any(const struct tg_sale *sale)
{
    for (size_t i = 0; i < sale->item_count; i++)
        if (sale->items[i].hook != NULL || sale->items[i].req->hook_work != NULL)
            return true;
    return false;
}

/* Outbound learns what became of its message: it goes back to where it came from. */
void tg_hooks_return(struct tg_item *item, bool done)
{
    struct tg_hook_work *work = item->req->hook_work;

    if (work == NULL || work->mb == NULL)
        return;
    item->req->hook_work = NULL;
    work->done = done;
    (void)tg_mailbox_post_reply(work->mb, work); /* closed: outbound is stopping */
}

void tg_hooks_free(struct tg_item *item)
{
    if (item->hook != NULL)
        OPENSSL_cleanse(item->hook->secret, sizeof(item->hook->secret));
    tg_free(item->hook);
    item->hook = NULL;
}
