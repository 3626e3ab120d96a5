#include "show/show.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "show/show_priv.h"

static const int64_t never_ms = INT64_MIN / 2; /* far back, and safe to subtract from */
static const struct tg_bucket_rule react_rule = {.interval_ms = 50, .burst = 100};

struct tg_show_cfg tg_show_cfg_default(void)
{
    return (struct tg_show_cfg){.chat_burst = 5, .chat_every_ms = 2000, .shown_per_s = 20};
}

tg_err tg_show_new(struct tg_show **ret, const struct tg_show_cfg *cfg)
{
    struct tg_show *s;

    if (cfg->chat_burst <= 0 || cfg->chat_every_ms <= 0 || cfg->slow_ms < 0 ||
        cfg->shown_per_s < 1 || cfg->shown_per_s > 1000)
        return TG_ERR_LIMIT;
    s = tg_calloc(1, sizeof(*s));
    if (s == NULL)
        return TG_ERR_NOMEM;
    s->cfg = *cfg;
    s->cfg.rng = NULL;
    s->clock.epoch_us = cfg->epoch_us;
    s->phase = cfg->phase;
    tg_replies_init(&s->replies, cfg->rng);
    tg_people_init(&s->people, cfg->rng);
    tg_buf_init(&s->event, SHOW_TEXT_MAX);
    tg_buf_init(&s->text, SHOW_TEXT_MAX);
    s->reactions_out.sent_ms = never_ms;
    s->viewers_out.sent_ms = never_ms;
    s->clock_sent_ms = never_ms;
    *ret = s;
    return TG_OK;
}

void tg_show_free(struct tg_show *show)
{
    if (show == NULL)
        return;
    for (size_t i = 0; i < TG_CHAT_RECENT; i++)
        tg_free(show->recent[i].json);
    tg_timeline_done(&show->timeline);
    tg_replies_done(&show->replies);
    tg_people_done(&show->people);
    tg_buf_done(&show->event);
    tg_buf_done(&show->text);
    tg_free(show);
}

/* --- output --------------------------------------------------------------------------------------
 */

void show_clear_out(struct tg_show *s)
{
    tg_buf_clear(&s->event);
    tg_buf_clear(&s->text);
    s->out_count = 0;
    s->out_next = 0;
}

struct tg_jo show_out_begin(struct tg_show *s, enum tg_show_out_kind kind)
{
    TG_ASSERT(s->out_count < SHOW_OUTS_MAX);
    s->outs[s->out_count] = (struct show_out){.kind = kind, .offset = s->text.len};
    return tg_jo(&s->text);
}

void show_out_end(struct tg_show *s)
{
    struct show_out *out = &s->outs[s->out_count++];

    out->len = s->text.len - out->offset;
}

void show_out_copy(struct tg_show *s, enum tg_show_out_kind kind, const char *json, size_t len)
{
    (void)show_out_begin(s, kind); /* json is complete: no writer needed */
    tg_buf_add(&s->text, json, len);
    show_out_end(s);
}

tg_err show_finish(struct tg_show *s)
{
    if (s->text.err == TG_OK && s->event.err == TG_OK)
        return TG_OK;
    show_clear_out(s);
    return TG_ERR_NOMEM; /* SHOW_TEXT_MAX is far above what one input can write */
}

bool tg_show_poll(struct tg_show *show, struct tg_show_out *ret)
{
    const struct show_out *out = &show->outs[show->out_next];

    if (show->out_next == show->out_count)
        return false;
    *ret = (struct tg_show_out){.kind = out->kind,
                                .json = tg_buf_cstr(&show->text) + out->offset,
                                .len = out->len,
                                .must = out->must};
    show->out_next++;
    return true;
}

/* --- replies -------------------------------------------------------------------------------------
 */

static void write_refusal(struct tg_show *s, const char *id, const char *code, const char *field,
                          int64_t retry_ms, const char *message)
{
    struct tg_jo j = show_out_begin(s, TG_SHOW_OUT_REPLY);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "re", id);
    tg_jo_bool(&j, "ok", false);
    tg_jo_str(&j, "code", code);
    if (field != NULL)
        tg_jo_str(&j, "field", field);
    tg_jo_str(&j, "message", message);
    if (retry_ms >= 0)
        tg_jo_int(&j, "retry_ms", retry_ms);
    tg_jo_end_obj(&j);
    show_out_end(s);
}

struct show_call show_begin_own(struct tg_show *s, tg_us now)
{
    show_clear_out(s);
    return (struct show_call){.s = s, .at = tg_media_ms(s->clock, now)};
}

bool show_begin(struct show_call *call, struct tg_show *s, const struct tg_show_req *rq,
                const char *op, uint64_t content)
{
    const char *json;
    size_t len;
    tg_err err;

    *call = show_begin_own(s, rq->now);
    call->rq = rq;
    call->key =
        (struct tg_reply_key){.person = rq->who->id, .op = op, .id = rq->id, .content = content};
    err = tg_replies_find(&s->replies, call->at, &call->key, &json, &len);
    if (err == TG_OK)
        show_out_copy(s, TG_SHOW_OUT_REPLY, json, len);
    else if (err == TG_ERR_CONFLICT)
        write_refusal(s, rq->id, "conflict", NULL, -1,
                      "This id was already used for something else. Use a new id.");
    return err == TG_ERR_NOTFOUND;
}

void show_ok(struct show_call *call, const char *key, int64_t value)
{
    struct tg_jo j = show_out_begin(call->s, TG_SHOW_OUT_REPLY);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "re", call->rq->id);
    tg_jo_bool(&j, "ok", true);
    if (key != NULL)
        tg_jo_int(&j, key, value);
    tg_jo_end_obj(&j);
    show_out_end(call->s);
    call->has_reply = true;
}

void show_no(struct show_call *call, const char *code, const char *field, int64_t retry_ms,
             const char *message)
{
    write_refusal(call->s, call->rq->id, code, field, retry_ms, message);
    call->has_reply = true;
    call->refused = true;
}

tg_err show_refuse(struct show_call *call, const char *code, const char *field, int64_t retry_ms,
                   const char *message)
{
    show_no(call, code, field, retry_ms, message);
    return show_commit(call);
}

tg_err show_commit(struct show_call *call)
{
    struct tg_show *s = call->s;
    tg_err err = show_finish(s);

    if (err == TG_OK && call->has_event)
        err = tg_timeline_add(&s->timeline, tg_buf_cstr(&s->event), s->event.len);
    if (err != TG_OK) {
        show_clear_out(s);
        return err;
    }
    if (call->has_reply) {
        const struct show_out *reply = &s->outs[s->out_count - 1];

        tg_replies_put(&s->replies, call->at, &call->key, call->refused,
                       (const char *)s->text.data + reply->offset, reply->len);
    }
    return TG_OK;
}

tg_err tg_show_refuse(struct tg_show *show, const struct tg_show_req *rq, const char *code,
                      const char *message)
{
    show_clear_out(show);
    write_refusal(show, rq->id, code, NULL, -1, message);
    return show_finish(show);
}

tg_err tg_show_accept(struct tg_show *show, const struct tg_show_req *rq)
{
    struct tg_jo j;

    show_clear_out(show);
    j = show_out_begin(show, TG_SHOW_OUT_REPLY);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "re", rq->id);
    tg_jo_bool(&j, "ok", true);
    tg_jo_end_obj(&j);
    show_out_end(show);
    return show_finish(show);
}

/* --- public events -------------------------------------------------------------------------------
 */

int64_t show_event_seq(const struct show_call *call)
{
    return call->s->timeline.last + 1;
}

struct tg_jo show_event_begin(struct show_call *call, const char *ev)
{
    struct tg_jo j = tg_jo(&call->s->event);

    TG_ASSERT(!call->has_event);
    call->has_event = true;
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", ev);
    tg_jo_int(&j, "seq", show_event_seq(call));
    tg_jo_int(&j, "at", call->at);
    return j;
}

void show_event_end(struct show_call *call, struct tg_jo *j)
{
    struct tg_show *s = call->s;
    struct tg_jo line;

    tg_jo_end_obj(j);
    show_out_copy(s, TG_SHOW_OUT_ALL, tg_buf_cstr(&s->event), s->event.len);
    s->outs[s->out_count - 1].must = true;
    line = show_out_begin(s, TG_SHOW_OUT_JOURNAL);
    tg_jo_obj(&line, NULL);
    tg_jo_raw(&line, "event", tg_buf_cstr(&s->event), s->event.len);
    if (call->rq != NULL) {
        tg_jo_str(&line, "by", call->rq->who->id);
        tg_jo_str(&line, "op", call->rq->id);
    }
    tg_jo_end_obj(&line);
    show_out_end(s);
}

/* --- reactions, viewers, clock -------------------------------------------------------------------
 */

const char *tg_show_reaction_name(unsigned kind)
{
    static const char *const names[SHOW_REACTIONS] = {"heart", "fire", "clap", "laugh", "wow"};

    return kind < SHOW_REACTIONS ? names[kind] : NULL;
}

tg_err tg_show_react(struct tg_show *show, tg_us now, const struct tg_show_person *who,
                     unsigned kind, int n)
{
    int64_t at = tg_media_ms(show->clock, now);
    struct tg_speaker *speaker;

    show_clear_out(show);
    if (kind >= SHOW_REACTIONS || n < 1 || n > 50 || show->phase == TG_SHOW_PHASE_ENDED ||
        tg_people_muted_ms(&show->people, who->id, at) > 0)
        return TG_OK;
    speaker = tg_people_speaker(&show->people, who->id);
    if (speaker == NULL)
        return TG_ERR_NOMEM;
    if (tg_bucket_take(&speaker->react, react_rule, at, n) > 0)
        return TG_OK;
    show->reactions[kind] += n;
    show->reactions_out.pending = true;
    return TG_OK;
}

void tg_show_set_viewers(struct tg_show *show, tg_us now, uint32_t viewers)
{
    (void)now; /* the tick decides when it goes out */
    if (show->viewers == viewers)
        return;
    show->viewers = viewers;
    show->viewers_out.pending = true;
}

void tg_show_set_audience(struct tg_show *show, tg_us now, bool anybody)
{
    /* Whoever came first has the clock in `joined`; the next one is due an interval later. */
    if (anybody && !show->anybody)
        show->clock_sent_ms = tg_media_ms(show->clock, now);
    show->anybody = anybody;
}

static int64_t due_ms(const struct show_latest *latest, int64_t every_ms)
{
    return latest->pending ? latest->sent_ms + every_ms : INT64_MAX;
}

tg_us tg_show_deadline(const struct tg_show *show)
{
    int64_t due = TG_MIN(due_ms(&show->reactions_out, SHOW_REACTIONS_EVERY_MS),
                         due_ms(&show->viewers_out, SHOW_VIEWERS_EVERY_MS));

    if (show->anybody)
        due = TG_MIN(due, show->clock_sent_ms + SHOW_CLOCK_EVERY_MS);
    if (due == INT64_MAX)
        return TG_US_NEVER;
    return show->clock.epoch_us + TG_MAX(due, 0) * TG_US_PER_MS;
}

static void send_reactions(struct tg_show *s, int64_t at)
{
    struct tg_jo j = show_out_begin(s, TG_SHOW_OUT_ALL);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "reactions");
    tg_jo_int(&j, "at", at);
    tg_jo_obj(&j, "value");
    for (unsigned kind = 0; kind < SHOW_REACTIONS; kind++) {
        if (s->reactions[kind] > 0)
            tg_jo_int(&j, tg_show_reaction_name(kind), s->reactions[kind]);
    }
    tg_jo_end_obj(&j);
    tg_jo_end_obj(&j);
    show_out_end(s);
}

static void send_viewers(struct tg_show *s, int64_t at)
{
    struct tg_jo j = show_out_begin(s, TG_SHOW_OUT_ALL);

    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "viewers");
    tg_jo_int(&j, "at", at);
    tg_jo_int(&j, "value", s->viewers);
    tg_jo_end_obj(&j);
    show_out_end(s);
}

static void send_clock(struct tg_show *s, int64_t at, tg_us wall)
{
    struct tg_jo j = show_out_begin(s, TG_SHOW_OUT_ALL);
    char text[TG_RFC3339_SIZE];

    tg_rfc3339(text, wall);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "clock");
    tg_jo_int(&j, "media_ms", at);
    tg_jo_str(&j, "wall", text);
    tg_jo_end_obj(&j);
    show_out_end(s);
}

tg_err tg_show_tick(struct tg_show *show, tg_us now, tg_us wall)
{
    int64_t at = tg_media_ms(show->clock, now);
    bool reactions = due_ms(&show->reactions_out, SHOW_REACTIONS_EVERY_MS) <= at;
    bool viewers = due_ms(&show->viewers_out, SHOW_VIEWERS_EVERY_MS) <= at;
    bool clock = show->anybody && show->clock_sent_ms + SHOW_CLOCK_EVERY_MS <= at;

    show_clear_out(show);
    if (reactions)
        send_reactions(show, at);
    if (viewers)
        send_viewers(show, at);
    if (clock)
        send_clock(show, at, wall);
    if (show_finish(show) != TG_OK)
        return TG_ERR_NOMEM;
    if (reactions) {
        memset(show->reactions, 0, sizeof(show->reactions));
        show->reactions_out = (struct show_latest){.sent_ms = at};
    }
    if (viewers)
        show->viewers_out = (struct show_latest){.sent_ms = at};
    if (clock)
        show->clock_sent_ms = at;
    return TG_OK;
}

/* --- the show's state ----------------------------------------------------------------------------
 */

const char *tg_show_phase_name(enum tg_show_phase phase)
{
    static const char *const names[] = {"scheduled", "live", "ended", "rehearsal"};

    _Static_assert(TG_ARRAY_LEN(names) == TG_SHOW_PHASE_COUNT, "one name each");
    TG_ASSERT((unsigned)phase < TG_ARRAY_LEN(names));
    return names[phase];
}

static void send_state(struct show_call *call, enum tg_show_phase phase, bool on_air)
{
    struct tg_jo j = show_event_begin(call, "show");

    tg_jo_str(&j, "state", tg_show_phase_name(phase));
    tg_jo_bool(&j, "on_air", on_air);
    show_event_end(call, &j);
}

tg_err tg_show_set_phase(struct tg_show *show, tg_us now, enum tg_show_phase phase)
{
    struct show_call call = show_begin_own(show, now);
    tg_err err;

    if (show->phase == phase)
        return TG_OK;
    send_state(&call, phase, show->on_air);
    err = show_commit(&call);
    if (err == TG_OK)
        show->phase = phase;
    return err;
}

tg_err tg_show_set_source(struct tg_show *show, tg_us now, tg_us wall, bool on_air)
{
    struct show_call call = show_begin_own(show, now);
    tg_err err;

    send_clock(show, call.at, wall);
    if (show->on_air != on_air)
        send_state(&call, show->phase, on_air);
    err = show_commit(&call);
    if (err != TG_OK)
        return err;
    show->on_air = on_air;
    show->clock_sent_ms = call.at;
    return TG_OK;
}

/* A person changes the state; to what it is already: a plain yes. */
static tg_err go_to(struct show_call *call, enum tg_show_phase to)
{
    struct tg_show *s = call->s;
    tg_err err;

    if (s->phase == to) {
        show_ok(call, NULL, 0);
        return show_commit(call);
    }
    send_state(call, to, s->on_air);
    (void)show_out_begin(s, TG_SHOW_OUT_PHASE); /* no text */
    show_out_end(s);
    show_ok(call, "seq", show_event_seq(call));
    err = show_commit(call);
    if (err == TG_OK)
        s->phase = to;
    return err;
}

tg_err tg_show_run(struct tg_show *show, const struct tg_show_req *rq, enum tg_show_phase to)
{
    struct show_call call;
    const char *op = to == TG_SHOW_PHASE_LIVE ? "show.start" : "show.end";

    TG_ASSERT(to == TG_SHOW_PHASE_LIVE || to == TG_SHOW_PHASE_ENDED);
    if (!show_begin(&call, show, rq, op, 0))
        return show_finish(show);
    if (to == TG_SHOW_PHASE_ENDED && show->phase == TG_SHOW_PHASE_SCHEDULED)
        return show_refuse(&call, "closed", NULL, -1, "The show has not started yet.");
    if (to == TG_SHOW_PHASE_ENDED && show->phase == TG_SHOW_PHASE_REHEARSAL)
        return show_refuse(&call, "closed", NULL, -1,
                           "The show has not started yet. End the rehearsal instead.");
    return go_to(&call, to);
}

tg_err tg_show_rehearse(struct tg_show *show, const struct tg_show_req *rq, bool on)
{
    struct show_call call;

    if (!show_begin(&call, show, rq, "show.rehearse", on ? 1 : 0))
        return show_finish(show);
    if (show->phase == TG_SHOW_PHASE_LIVE)
        return show_refuse(&call, "conflict", NULL, -1,
                           on ? "The show is live, everybody sees it. End it before you rehearse."
                              : "The show is live. The rehearsal is over.");
    if (on)
        return go_to(&call, TG_SHOW_PHASE_REHEARSAL);
    /* Without a rehearsal there is nothing to take back: an ended show stays ended. */
    return go_to(&call,
                 show->phase == TG_SHOW_PHASE_REHEARSAL ? TG_SHOW_PHASE_SCHEDULED : show->phase);
}

enum tg_show_phase tg_show_phase(const struct tg_show *show)
{
    return show->phase;
}

int64_t tg_show_seq(const struct tg_show *show)
{
    return show->timeline.last;
}

int64_t tg_show_media_ms(const struct tg_show *show, tg_us now)
{
    return tg_media_ms(show->clock, now);
}
