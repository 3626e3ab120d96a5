#include <string.h>

#include "base/str.h"
#include "show/show_priv.h"

/* The reply that was given then is given again when the same operation comes a second time. */
static void restore_reply(struct tg_show *s, const struct tg_show_record *rec, const char *op,
                          uint64_t content, const char *key, int64_t value)
{
    const struct tg_show_person who = {.id = rec->by, .name = "", .roles_json = "[]"};
    const struct tg_show_req rq = {
        .now = s->clock.epoch_us + rec->at * TG_US_PER_MS, .who = &who, .id = rec->op};
    struct show_call call;

    if (rec->by[0] == '\0' || rec->op[0] == '\0' || strlen(rec->by) >= TG_SHOW_PERSON_ID_SIZE ||
        strlen(rec->op) > TG_OP_ID_MAX)
        return;
    if (!show_begin(&call, s, &rq, op, content))
        return; /* a journal that repeats itself */
    show_ok(&call, key, value);
    if (show_commit(&call) != TG_OK)
        show_clear_out(s); /* not remembering is harmless */
}

static tg_err restore_chat(struct tg_show *s, const struct tg_show_record *rec)
{
    const struct show_chat_event chat = {.n = rec->n,
                                         .at = rec->at,
                                         .person = rec->by,
                                         .name = rec->name,
                                         .roles_json = rec->roles_json,
                                         .text = rec->text,
                                         .reply_to = rec->reply_to};
    struct tg_jo j = tg_jo(&s->event);
    tg_err err = TG_OK;

    if (rec->n <= s->chat_n)
        return TG_ERR_MALFORMED;
    show_clear_out(s);
    show_write_chat(&j, &chat);
    if (s->event.err != TG_OK)
        err = TG_ERR_NOMEM;
    else if (rec->shown)
        err = show_keep_line(s, rec->n, tg_buf_cstr(&s->event), s->event.len);
    if (err != TG_OK)
        return err;
    s->chat_n = rec->n;
    restore_reply(s, rec, "chat", tg_reply_content(tg_reply_content(0, rec->text), rec->reply_to),
                  "n", rec->n);
    return TG_OK;
}

static tg_err restore_mute(struct tg_show *s, const struct tg_show_record *rec)
{
    tg_err err = tg_people_mute(&s->people, rec->person, rec->at, rec->until_ms);
    char seconds[24];

    if (err != TG_OK)
        return err == TG_ERR_LIMIT ? TG_ERR_MALFORMED : err;
    tg_str_printf(seconds, sizeof(seconds), "%lld", (long long)((rec->until_ms - rec->at) / 1000));
    restore_reply(s, rec, "mute", tg_reply_content(tg_reply_content(0, rec->person), seconds), NULL,
                  0);
    return TG_OK;
}

static void apply_pin(struct tg_show *s, const struct tg_show_record *rec)
{
    bool pin = rec->kind == TG_SHOW_RECORD_PIN;

    if (strlen(rec->sku) > TG_SKU_MAX || show_is_pinned(s, rec->sku) == pin ||
        (pin && s->pin_count == TG_PINS_MAX))
        return;
    show_do_pin(s, rec->sku, pin);
}

static tg_err restore_event(struct tg_show *s, const struct tg_show_record *rec)
{
    tg_err err = tg_timeline_restore(&s->timeline, rec->seq, rec->json, rec->json_len);
    int64_t n;

    if (err != TG_OK)
        return err;
    switch (rec->kind) {
    case TG_SHOW_RECORD_PIN:
    case TG_SHOW_RECORD_UNPIN:
        apply_pin(s, rec);
        restore_reply(s, rec, rec->kind == TG_SHOW_RECORD_PIN ? "pin" : "unpin",
                      tg_reply_content(0, rec->sku), "seq", rec->seq);
        break;
    case TG_SHOW_RECORD_HIDE:
        n = show_line_number(s, rec->message);
        if (n > 0)
            show_do_hide(s, n, !rec->undo);
        restore_reply(s, rec, "hide",
                      tg_reply_content(tg_reply_content(0, rec->message), rec->undo ? "undo" : ""),
                      "seq", rec->seq);
        break;
    case TG_SHOW_RECORD_STATE: /* the shop's database has the state */
    case TG_SHOW_RECORD_EVENT:
    case TG_SHOW_RECORD_CHAT:
    case TG_SHOW_RECORD_MUTE:
        break;
    }
    return TG_OK;
}

/* Within what a real show can reach (292,000 years), so that no sum below can overflow. */
static bool is_sane(int64_t value)
{
    return value >= 0 && value <= INT64_MAX / TG_US_PER_S;
}

tg_err tg_show_restore(struct tg_show *show, const struct tg_show_record *rec)
{
    tg_err err;

    if (!is_sane(rec->at) || !is_sane(rec->seq) || !is_sane(rec->n) || !is_sane(rec->until_ms))
        return TG_ERR_MALFORMED;
    if (rec->kind == TG_SHOW_RECORD_CHAT)
        err = restore_chat(show, rec);
    else if (rec->kind == TG_SHOW_RECORD_MUTE)
        err = restore_mute(show, rec);
    else
        err = restore_event(show, rec);
    show_clear_out(show); /* what it made is past */
    return err;
}
