#include <string.h>

#include "base/str.h"
#include "show/show_priv.h"

bool show_is_pinned(const struct tg_show *s, const char *sku)
{
    for (size_t i = 0; i < s->pin_count; i++) {
        if (strcmp(s->pins[i], sku) == 0)
            return true;
    }
    return false;
}

/* The caller has checked that there is room and that it changes something. */
void show_do_pin(struct tg_show *s, const char *sku, bool pin)
{
    size_t kept = 0;

    if (pin) {
        TG_ASSERT(s->pin_count < TG_PINS_MAX);
        tg_str_printf(s->pins[s->pin_count++], sizeof(s->pins[0]), "%s", sku);
        return;
    }
    for (size_t i = 0; i < s->pin_count; i++) {
        if (strcmp(s->pins[i], sku) == 0)
            continue;
        if (kept != i)
            memcpy(s->pins[kept], s->pins[i], sizeof(s->pins[0]));
        kept++;
    }
    s->pin_count = kept;
}

static tg_err change_pin(struct show_call *call, const char *sku, bool pin)
{
    struct tg_jo j = show_event_begin(call, pin ? "pin" : "unpin");
    tg_err err;

    tg_jo_str(&j, "sku", sku);
    show_event_end(call, &j);
    show_ok(call, "seq", show_event_seq(call));
    err = show_commit(call);
    if (err == TG_OK)
        show_do_pin(call->s, sku, pin);
    return err;
}

tg_err tg_show_pin(struct tg_show *show, const struct tg_show_req *rq, const char *sku)
{
    struct show_call call;

    if (!show_begin(&call, show, rq, "pin", tg_reply_content(0, sku)))
        return show_finish(show);
    if (strlen(sku) > TG_SKU_MAX || !show->cfg.sku_known(show->cfg.ctx, sku))
        return show_refuse(&call, "not_found", "sku", -1, "There is no product with this SKU.");
    if (show_is_pinned(show, sku)) {
        show_ok(&call, NULL, 0);
        return show_commit(&call);
    }
    if (show->pin_count == TG_PINS_MAX)
        return show_refuse(&call, "limit", NULL, -1,
                           "Ten products are pinned already. Unpin one first.");
    return change_pin(&call, sku, true);
}

tg_err tg_show_unpin(struct tg_show *show, const struct tg_show_req *rq, const char *sku)
{
    struct show_call call;

    if (!show_begin(&call, show, rq, "unpin", tg_reply_content(0, sku)))
        return show_finish(show);
    if (!show_is_pinned(show, sku)) {
        show_ok(&call, NULL, 0);
        return show_commit(&call);
    }
    return change_pin(&call, sku, false);
}
