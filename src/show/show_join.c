#include <string.h>

#include "base/clock.h"
#include "show/show_priv.h"

static void write_you(struct tg_jo *j, const struct tg_show_join *in)
{
    tg_jo_obj(j, "you");
    tg_jo_str(j, "id", in->who->id);
    tg_jo_str(j, "name", in->who->name);
    tg_jo_raw(j, "roles", in->who->roles_json, strlen(in->who->roles_json));
    if (in->token[0] != '\0')
        tg_jo_str(j, "token", in->token);
    tg_jo_end_obj(j);
}

static void write_show(struct tg_jo *j, const struct tg_show *s)
{
    tg_jo_obj(j, "show");
    tg_jo_str(j, "id", s->cfg.id);
    tg_jo_str(j, "title", s->cfg.title);
    tg_jo_str(j, "state", tg_show_phase_name(s->phase));
    tg_jo_bool(j, "on_air", s->on_air);
    tg_jo_end_obj(j);
}

static void write_clock(struct tg_jo *j, const struct tg_show *s, const struct tg_show_join *in)
{
    char wall[TG_RFC3339_SIZE];

    tg_rfc3339(wall, in->wall);
    tg_jo_obj(j, "clock");
    tg_jo_int(j, "media_ms", tg_media_ms(s->clock, in->now));
    tg_jo_str(j, "wall", wall);
    tg_jo_end_obj(j);
}

static void write_pinned(struct tg_jo *j, const struct tg_show *s)
{
    tg_jo_arr(j, "pinned");
    for (size_t i = 0; i < s->pin_count; i++) {
        /* The catalogue may have lost a product since it was pinned. */
        if (s->cfg.sku_known(s->cfg.ctx, s->pins[i]))
            tg_jo_str(j, NULL, s->pins[i]);
    }
    tg_jo_end_arr(j);
}

/* Staff also read what was hidden, marked, so that they can show it again. */
static void write_recent(struct tg_jo *j, const struct tg_show *s, bool staff)
{
    tg_jo_arr(j, "recent");
    for (size_t i = 0; i < TG_CHAT_RECENT; i++) {
        const struct show_line *line = &s->recent[(s->recent_at + i) % TG_CHAT_RECENT];

        if (line->json == NULL || (line->hidden && !staff))
            continue;
        tg_jo_raw(j, NULL, line->json, line->hidden ? line->len - 1 : line->len);
        if (line->hidden)
            tg_buf_add_str(j->buf, ",\"hidden\":true}"); /* in place of the closing brace */
    }
    tg_jo_end_arr(j);
}

static bool in_reach(const struct tg_show *s, const struct tg_show_join *in)
{
    bool other_run = in->since_epoch != NULL && in->since_epoch[0] != '\0' &&
                     s->cfg.epoch != NULL && strcmp(in->since_epoch, s->cfg.epoch) != 0;

    return !other_run && tg_timeline_covers(&s->timeline, in->since);
}

tg_err tg_show_write_joined(const struct tg_show *show, const struct tg_show_join *in,
                            struct tg_buf *out, bool *ret_resumed)
{
    bool resumed = in_reach(show, in);
    struct tg_jo j = tg_jo(out);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "joined");
    tg_jo_int(&j, "seq", resumed ? in->since : show->timeline.last);
    tg_jo_bool(&j, "resumed", resumed);
    if (show->cfg.epoch != NULL && show->cfg.epoch[0] != '\0')
        tg_jo_str(&j, "epoch", show->cfg.epoch);
    write_you(&j, in);
    write_show(&j, show);
    write_clock(&j, show, in);
    tg_jo_raw(&j, "products", in->products, in->products_len);
    if (in->products_more)
        tg_jo_bool(&j, "products_more", true);
    write_pinned(&j, show);
    tg_jo_raw(&j, "cart", in->cart, in->cart_len);
    if (in->waiting != NULL)
        tg_jo_raw(&j, "waiting", in->waiting, in->waiting_len);
    if (in->selling != NULL)
        tg_jo_raw(&j, "selling", in->selling, in->selling_len);
    write_recent(&j, show, in->who->staff);
    tg_jo_int(&j, "viewers", show->viewers);
    if (in->who->staff && in->notice[0] != '\0')
        tg_jo_str(&j, "notice", in->notice);
    tg_jo_end_obj(&j);
    if (out->err == TG_OK)
        *ret_resumed = resumed;
    return out->err;
}

const char *tg_show_missed(const struct tg_show *show, int64_t seq, size_t *ret_len)
{
    const struct tg_timeline_event *event = tg_timeline_at(&show->timeline, seq);

    *ret_len = event->len;
    return event->json;
}
