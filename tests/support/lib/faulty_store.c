#include "support/lib/faulty_store.h"

static struct tg_faulty_store *self(struct tg_store *store)
{
    return (struct tg_faulty_store *)(void *)store;
}

/* Should this call go through? *ret_after: die once it is done. */
static bool go(struct tg_faulty_store *f, bool *ret_after)
{
    *ret_after = false;
    if (f->crashed)
        return false;
    if (f->fail_in < 0 || f->fail_in-- > 0)
        return true;
    if (f->fault == TG_FAULT_REFUSE) {
        f->refused++;
        return false;
    }
    *ret_after = f->fault == TG_FAULT_CRASH_AFTER;
    if (!*ret_after)
        f->crashed = true;
    return *ret_after;
}

static tg_err done(struct tg_faulty_store *f, bool after, tg_err err)
{
    if (!after)
        return err;
    f->crashed = true;
    return TG_ERR_IO;
}

#define FAULTY(call)                                                                               \
    struct tg_faulty_store *f = self(store);                                                       \
    struct tg_store *inner = f->inner;                                                             \
    bool after;                                                                                    \
    if (!go(f, &after))                                                                            \
        return TG_ERR_IO;                                                                          \
    return done(f, after, inner->ops->call)

static struct tg_store *real(struct tg_store *store)
{
    struct tg_store *inner = self(store)->inner;

    return inner->ops->real(inner);
}

static void free_both(struct tg_store *store)
{
    tg_store_free(self(store)->inner);
    self(store)->inner = NULL;
}

static tg_err load_shop(struct tg_store *store, struct tg_shop_now now, struct tg_shop *shop)
{
    return self(store)->inner->ops->load_shop(self(store)->inner, now, shop);
}

static tg_err load_registry(struct tg_store *store, struct tg_shop_now now,
                            struct tg_registry *registry)
{
    return self(store)->inner->ops->load_registry(self(store)->inner, now, registry);
}

static tg_err next_token(struct tg_store *store, uint32_t *ret)
{
    return self(store)->inner->ops->next_token(self(store)->inner, ret);
}

static tg_err has_products(struct tg_store *store, bool *ret)
{
    return self(store)->inner->ops->has_products(self(store)->inner, ret);
}

static tg_err load(struct tg_store *store, struct tg_shop_now now, const struct tg_claim *claims,
                   size_t count, struct tg_shop *shop, struct tg_idem *idem)
{
    FAULTY(load(inner, now, claims, count, shop, idem));
}

static tg_err begin(struct tg_store *store)
{
    FAULTY(begin(inner));
}

static tg_err write(struct tg_store *store, const struct tg_effect *effect)
{
    FAULTY(write(inner, effect));
}

static tg_err write_idem(struct tg_store *store, tg_us wall, const struct tg_idem_entry *entry)
{
    FAULTY(write_idem(inner, wall, entry));
}

static tg_err write_show(struct tg_store *store, const struct tg_show_info *show, const char *actor)
{
    FAULTY(write_show(inner, show, actor));
}

static tg_err write_show_state(struct tg_store *store, uint16_t ord, enum tg_show_state state,
                               tg_us wall)
{
    FAULTY(write_show_state(inner, ord, state, wall));
}

static tg_err write_token(struct tg_store *store, const struct tg_token_info *token, tg_us wall,
                          const char *actor)
{
    FAULTY(write_token(inner, token, wall, actor));
}

static tg_err write_revoke(struct tg_store *store, const char *token_id, tg_us wall,
                           const char *actor)
{
    FAULTY(write_revoke(inner, token_id, wall, actor));
}

static tg_err hook_look(struct tg_store *store, const struct tg_hook_req *req, tg_us wall,
                        struct tg_hook_look *ret)
{
    return self(store)->inner->ops->hook_look(self(store)->inner, req, wall, ret);
}

static tg_err write_hook(struct tg_store *store, const struct tg_hook_change *change, tg_us wall,
                         const char *actor)
{
    FAULTY(write_hook(inner, change, wall, actor));
}

static tg_err write_hook_work(struct tg_store *store, const struct tg_hook_work *work, tg_us wall)
{
    FAULTY(write_hook_work(inner, work, wall));
}

static tg_err write_product(struct tg_store *store, const struct tg_product_import *import,
                            tg_us wall, const char *actor)
{
    FAULTY(write_product(inner, import, wall, actor));
}

static tg_err commit(struct tg_store *store)
{
    FAULTY(commit(inner));
}

static void rollback(struct tg_store *store)
{
    if (!self(store)->crashed)
        self(store)->inner->ops->rollback(self(store)->inner);
}

static tg_err audit(struct tg_store *store, tg_audit_fn each, void *ctx)
{
    return self(store)->inner->ops->audit(self(store)->inner, each, ctx);
}

static tg_err unanswered(struct tg_store *store, tg_us wall, char (*ret)[TG_PAYMENT_ID_SIZE],
                         size_t max, size_t *ret_count, bool *ret_open)
{
    struct tg_store *inner = self(store)->inner;

    return inner->ops->unanswered(inner, wall, ret, max, ret_count, ret_open);
}

static tg_err purge(struct tg_store *store, tg_us wall, size_t max, bool *ret_more)
{
    return self(store)->inner->ops->purge(self(store)->inner, wall, max, ret_more);
}

static tg_err poll_others(struct tg_store *store, struct tg_shop_now now, bool *ret)
{
    return self(store)->inner->ops->poll(self(store)->inner, now, ret);
}

static void watch(struct tg_store *store, const struct tg_store_watch *watcher)
{
    self(store)->inner->ops->watch(self(store)->inner, watcher);
}

static tg_us wall_off(struct tg_store *store)
{
    return self(store)->inner->ops->wall_off(self(store)->inner);
}

static bool behind(struct tg_store *store)
{
    return self(store)->inner->ops->behind(self(store)->inner);
}

static bool shared(struct tg_store *store)
{
    return self(store)->inner->ops->shared(self(store)->inner);
}

static const char *error_text(struct tg_store *store)
{
    return self(store)->inner->ops->error(self(store)->inner);
}

static const struct tg_store_ops ops = {
    .real = real,
    .end = free_both,
    .load_shop = load_shop,
    .load_registry = load_registry,
    .next_token = next_token,
    .has_products = has_products,
    .load = load,
    .begin = begin,
    .write = write,
    .write_idem = write_idem,
    .write_show = write_show,
    .write_show_state = write_show_state,
    .write_token = write_token,
    .write_revoke = write_revoke,
    .hook_look = hook_look,
    .write_hook = write_hook,
    .write_hook_work = write_hook_work,
    .write_product = write_product,
    .commit = commit,
    .rollback = rollback,
    .audit = audit,
    .unanswered = unanswered,
    .purge = purge,
    .poll = poll_others,
    .watch = watch,
    .shared = shared,
    .wall_off = wall_off,
    .behind = behind,
    .error = error_text,
};

struct tg_store *tg_faulty_store_init(struct tg_faulty_store *faulty, struct tg_store *take_inner)
{
    *faulty = (struct tg_faulty_store){.head = {.ops = &ops}, .inner = take_inner, .fail_in = -1};
    return &faulty->head;
}
