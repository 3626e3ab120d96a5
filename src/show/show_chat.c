#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "show/show_priv.h"

enum { FAIR_MS = 5000 }; /* a person shown within it waits while the chat is crowded */

void show_write_chat(struct tg_jo *j, const struct show_chat_event *chat)
{
    char id[24];

    tg_str_printf(id, sizeof(id), "c%lld", (long long)chat->n);
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "ev", "chat");
    tg_jo_int(j, "n", chat->n);
    tg_jo_int(j, "at", chat->at);
    tg_jo_str(j, "id", id);
    tg_jo_obj(j, "from");
    tg_jo_str(j, "id", chat->person);
    tg_jo_str(j, "name", chat->name);
    tg_jo_raw(j, "roles", chat->roles_json, strlen(chat->roles_json));
    tg_jo_end_obj(j);
    tg_jo_str(j, "text", chat->text);
    if (chat->reply_to[0] != '\0')
        tg_jo_str(j, "reply_to", chat->reply_to);
    tg_jo_end_obj(j);
}

int64_t show_line_number(const struct tg_show *s, const char *text)
{
    int64_t n;

    if (text[0] != 'c' || text[1] == '0' ||
        tg_parse_i64(&n, text + 1, strlen(text + 1), 1, s->chat_n) != TG_OK)
        return 0;
    return n;
}

tg_err show_keep_line(struct tg_show *s, int64_t n, const char *json, size_t len)
{
    struct show_line *line = &s->recent[s->recent_at];
    char *copy = tg_strndup(json, len);

    if (copy == NULL)
        return TG_ERR_NOMEM;
    tg_free(line->json);
    *line = (struct show_line){.n = n, .json = copy, .len = len};
    s->recent_at = (s->recent_at + 1) % TG_CHAT_RECENT;
    return TG_OK;
}

void show_do_hide(struct tg_show *s, int64_t n, bool hidden)
{
    for (size_t i = 0; i < TG_CHAT_RECENT; i++) {
        if (s->recent[i].json != NULL && s->recent[i].n == n)
            s->recent[i].hidden = hidden;
    }
}

/* --- what may stand in a line --------------------------------------------------------------------
 */

/* The character at text as a code point; text is valid UTF-8. */
static uint32_t code_point(const char *text, size_t width)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t code = width == 1 ? s[0] : s[0] & (0xffU >> (width + 1));

    for (size_t i = 1; i < width; i++)
        code = code << 6 | (s[i] & 0x3fU);
    return code;
}

static bool is_blank(uint32_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200d) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x2060 || c == 0x3000 || c == 0xfeff || c == 0xad || c == 0x115f ||
           c == 0x1160 || c == 0x3164 || c == 0x2800;
}

/* Characters that turn the direction of what follows: they let one line pose as another. */
static bool is_direction(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/*
 * Copies text without blanks at its ends. False: control characters, or not UTF-8. An out of "" is
 * a line with nothing to see.
 */
static bool clean_line(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);
    size_t begin = SIZE_MAX;
    size_t end = 0;

    for (size_t at = 0; at < len;) {
        size_t width = tg_utf8_len(text + at, len - at);
        uint32_t c;

        if (width == 0)
            return false;
        c = code_point(text + at, width);
        if (is_direction(c))
            return false;
        if (!is_blank(c)) {
            begin = TG_MIN(begin, at);
            end = at + width;
        }
        at += width;
    }
    if (begin == SIZE_MAX)
        begin = end;
    if (!tg_utf8_printable(text + begin, end - begin))
        return false;
    return tg_str_copy(out, size, text + begin, end - begin) == TG_OK;
}

/* --- chat ----------------------------------------------------------------------------------------
 */

/* Above the display rate viewers see a sample: whoever was not shown lately goes first. */
static bool is_shown(struct tg_show *s, const struct tg_speaker *speaker, int64_t at)
{
    struct tg_bucket_rule rule = {.interval_ms = TG_MAX(1, 1000 / s->cfg.shown_per_s),
                                  .burst = s->cfg.shown_per_s * 2};
    bool crowded = tg_bucket_used_ms(&s->shown, at) > rule.burst * rule.interval_ms / 2;

    if (crowded && speaker->shown_ms >= 0 && at - speaker->shown_ms < FAIR_MS)
        return false;
    return tg_bucket_take(&s->shown, rule, at, 1) == 0;
}

/* 0 = may speak now (a token is taken); else a refusal is out and *ret_err is the result. */
static bool may_speak(struct show_call *call, struct tg_speaker *speaker, tg_err *ret_err)
{
    struct tg_show *s = call->s;
    struct tg_bucket_rule rule = {.interval_ms = s->cfg.chat_every_ms, .burst = s->cfg.chat_burst};
    int64_t wait;

    if (s->phase == TG_SHOW_PHASE_ENDED) {
        *ret_err = show_refuse(call, "closed", NULL, -1, "The show has ended.");
        return false;
    }
    wait = tg_people_muted_ms(&s->people, call->rq->who->id, call->at);
    if (wait > 0) {
        *ret_err = show_refuse(call, "muted", NULL, wait, "You cannot write for a while.");
        return false;
    }
    if (call->rq->who->staff)
        return true;
    wait = speaker->spoke_ms >= 0 ? speaker->spoke_ms + s->cfg.slow_ms - call->at : 0;
    if (s->cfg.slow_ms > 0 && wait > 0) {
        *ret_err = show_refuse(call, "slow_mode", NULL, wait, "The chat is in slow mode.");
        return false;
    }
    wait = tg_bucket_take(&speaker->chat, rule, call->at, 1);
    if (wait > 0) {
        *ret_err = show_refuse(call, "rate", NULL, wait, "You are writing too fast.");
        return false;
    }
    return true;
}

static void write_chat_journal(const struct show_call *call, const struct show_chat_event *chat,
                               bool shown)
{
    struct tg_jo j = show_out_begin(call->s, TG_SHOW_OUT_JOURNAL);

    tg_jo_obj(&j, NULL);
    tg_jo_obj(&j, "chat");
    tg_jo_int(&j, "n", chat->n);
    tg_jo_int(&j, "at", chat->at);
    tg_jo_raw(&j, "roles", chat->roles_json, strlen(chat->roles_json));
    tg_jo_str(&j, "text", chat->text);
    if (chat->reply_to[0] != '\0')
        tg_jo_str(&j, "reply_to", chat->reply_to);
    tg_jo_bool(&j, "shown", shown);
    tg_jo_end_obj(&j);
    tg_jo_str(&j, "by", chat->person);
    tg_jo_str(&j, "op", call->rq->id);
    tg_jo_end_obj(&j);
    show_out_end(call->s);
}

/* The line for all, or for staff and its author; the text stays in s->event for `recent`. */
static void write_line(struct show_call *call, const struct show_chat_event *chat, bool shown)
{
    struct tg_show *s = call->s;
    struct tg_jo j = tg_jo(&s->event);

    show_write_chat(&j, chat);
    if (shown) {
        show_out_copy(s, TG_SHOW_OUT_ALL, tg_buf_cstr(&s->event), s->event.len);
    } else {
        show_out_copy(s, TG_SHOW_OUT_STAFF, tg_buf_cstr(&s->event), s->event.len);
        show_out_copy(s, TG_SHOW_OUT_REPLY, tg_buf_cstr(&s->event), s->event.len);
    }
    write_chat_journal(call, chat, shown);
    show_ok(call, "n", chat->n);
}

static tg_err speak(struct show_call *call, const char *text, const char *reply_to)
{
    struct tg_show *s = call->s;
    const struct tg_show_person *who = call->rq->who;
    const struct show_chat_event chat = {.n = s->chat_n + 1,
                                         .at = call->at,
                                         .person = who->id,
                                         .name = who->name,
                                         .roles_json = who->roles_json,
                                         .text = text,
                                         .reply_to = reply_to};
    struct tg_speaker *speaker = tg_people_speaker(&s->people, who->id);
    bool shown;
    tg_err err;

    if (speaker == NULL)
        return TG_ERR_NOMEM;
    if (!may_speak(call, speaker, &err))
        return err;
    shown = who->staff || is_shown(s, speaker, call->at);
    write_line(call, &chat, shown);
    err = show_finish(s);
    if (err == TG_OK && shown)
        err = show_keep_line(s, chat.n, tg_buf_cstr(&s->event), s->event.len);
    if (err != TG_OK) {
        show_clear_out(s);
        return err;
    }
    s->chat_n = chat.n;
    speaker->spoke_ms = call->at;
    if (shown)
        speaker->shown_ms = call->at;
    return show_commit(call);
}

tg_err tg_show_chat(struct tg_show *show, const struct tg_show_req *rq, const char *text,
                    const char *reply_to)
{
    struct show_call call;
    char line[TG_CHAT_SIZE];
    bool clean = clean_line(line, sizeof(line), text);
    /* The content is what the journal keeps, so that a retry after a restart is recognised. */
    uint64_t content = tg_reply_content(tg_reply_content(0, clean ? line : text), reply_to);

    if (!show_begin(&call, show, rq, "chat", content))
        return show_finish(show);
    if (!clean)
        return show_refuse(&call, "bad_request", "text", -1,
                           "The text must not contain control characters or line breaks.");
    if (line[0] == '\0')
        return show_refuse(&call, "bad_request", "text", -1, "The text is empty.");
    if (reply_to[0] != '\0' && show_line_number(show, reply_to) == 0)
        return show_refuse(&call, "not_found", "reply_to", -1,
                           "The message you answer does not exist.");
    return speak(&call, line, reply_to);
}

/* --- moderation ----------------------------------------------------------------------------------
 */

tg_err tg_show_hide(struct tg_show *show, const struct tg_show_req *rq, const char *message,
                    bool undo)
{
    struct show_call call;
    struct tg_jo j;
    int64_t n;
    tg_err err;

    if (!show_begin(&call, show, rq, "hide",
                    tg_reply_content(tg_reply_content(0, message), undo ? "undo" : "")))
        return show_finish(show);
    n = show_line_number(show, message);
    if (n == 0)
        return show_refuse(&call, "not_found", "message", -1, "There is no such chat message.");
    j = show_event_begin(&call, "chat.hidden");
    tg_jo_str(&j, "id", message);
    if (undo)
        tg_jo_bool(&j, "undo", true);
    show_event_end(&call, &j);
    show_ok(&call, "seq", show_event_seq(&call));
    err = show_commit(&call);
    if (err == TG_OK)
        show_do_hide(show, n, !undo);
    return err;
}

static void write_mute(const struct show_call *call, enum tg_show_out_kind kind, const char *person,
                       int64_t until_ms)
{
    struct tg_jo j = show_out_begin(call->s, kind);

    tg_jo_obj(&j, NULL);
    if (kind == TG_SHOW_OUT_STAFF)
        tg_jo_str(&j, "ev", "mute");
    else
        tg_jo_obj(&j, "mute");
    tg_jo_int(&j, "at", call->at);
    tg_jo_str(&j, "person", person);
    tg_jo_int(&j, "until_ms", until_ms);
    if (kind == TG_SHOW_OUT_JOURNAL)
        tg_jo_end_obj(&j);
    tg_jo_str(&j, "by", call->rq->who->id);
    if (kind == TG_SHOW_OUT_JOURNAL)
        tg_jo_str(&j, "op", call->rq->id);
    tg_jo_end_obj(&j);
    show_out_end(call->s);
}

tg_err tg_show_mute(struct tg_show *show, const struct tg_show_req *rq, const char *person,
                    int32_t seconds)
{
    struct show_call call;
    char number[16];
    int64_t until_ms;
    tg_err err;

    tg_str_printf(number, sizeof(number), "%d", seconds);
    if (!show_begin(&call, show, rq, "mute", tg_reply_content(tg_reply_content(0, person), number)))
        return show_finish(show);
    if (person[0] == 's')
        return show_refuse(&call, "forbidden", "person", -1, "Staff cannot be muted.");
    until_ms = call.at + (int64_t)TG_MAX(seconds, 0) * 1000;
    write_mute(&call, TG_SHOW_OUT_STAFF, person, until_ms);
    write_mute(&call, TG_SHOW_OUT_JOURNAL, person, until_ms);
    show_ok(&call, NULL, 0);
    err = show_finish(show);
    if (err == TG_OK)
        err = tg_people_mute(&show->people, person, call.at, until_ms);
    if (err == TG_ERR_LIMIT || err == TG_ERR_MALFORMED) {
        show_clear_out(show);
        call.has_reply = false;
        return show_refuse(&call, err == TG_ERR_LIMIT ? "limit" : "not_found", "person", -1,
                           err == TG_ERR_LIMIT ? "Too many people are muted at once."
                                               : "There is no such person.");
    }
    if (err != TG_OK) {
        show_clear_out(show);
        return err;
    }
    return show_commit(&call);
}
