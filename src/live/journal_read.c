#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/str.h"
#include "live/journal.h"

enum { CHUNK = 64 * 1024, PATH_SIZE = 4096, JSON_FLAGS = JSON_REJECT_DUPLICATES };

/* --- one line ------------------------------------------------------------------------------------
 */

/* The text of a key; *ok turns false when it is missing or no text. */
static const char *text_of(const json_t *obj, const char *key, bool *ok)
{
    const json_t *value = json_object_get(obj, key);

    if (!json_is_string(value)) {
        *ok = false;
        return "";
    }
    return json_string_value(value);
}

static const char *text_or_none(const json_t *obj, const char *key, bool *ok)
{
    return json_object_get(obj, key) == NULL ? "" : text_of(obj, key, ok);
}

static int64_t int_of(const json_t *obj, const char *key, bool *ok)
{
    const json_t *value = json_object_get(obj, key);

    if (!json_is_integer(value)) {
        *ok = false;
        return 0;
    }
    return json_integer_value(value);
}

/* The value as compact JSON in memory of ours; NULL: NOMEM. */
static char *dump(const json_t *value)
{
    size_t len = json_dumpb(value, NULL, 0, JSON_COMPACT);
    char *text = tg_calloc(1, len + 1);

    if (text == NULL || json_dumpb(value, text, len, JSON_COMPACT) != len) {
        tg_free(text);
        return NULL;
    }
    return text;
}

static tg_err give_chat(const json_t *chat, struct tg_show_record *rec, tg_journal_record_fn fn,
                        void *ctx)
{
    const json_t *roles = json_object_get(chat, "roles");
    char *roles_json;
    bool ok = json_is_array(roles);
    tg_err err;

    rec->kind = TG_SHOW_RECORD_CHAT;
    rec->n = int_of(chat, "n", &ok);
    rec->at = int_of(chat, "at", &ok);
    rec->text = text_of(chat, "text", &ok);
    rec->reply_to = text_or_none(chat, "reply_to", &ok);
    rec->shown = json_is_true(json_object_get(chat, "shown"));
    rec->name = "";
    if (!ok)
        return TG_ERR_MALFORMED;
    roles_json = dump(roles);
    if (roles_json == NULL)
        return TG_ERR_NOMEM;
    rec->roles_json = roles_json;
    err = fn(ctx, rec);
    tg_free(roles_json);
    return err;
}

static tg_err give_mute(const json_t *mute, struct tg_show_record *rec, tg_journal_record_fn fn,
                        void *ctx)
{
    bool ok = true;

    rec->kind = TG_SHOW_RECORD_MUTE;
    rec->at = int_of(mute, "at", &ok);
    rec->person = text_of(mute, "person", &ok);
    rec->until_ms = int_of(mute, "until_ms", &ok);
    return ok ? fn(ctx, rec) : TG_ERR_MALFORMED;
}

static void read_event_fields(const json_t *event, const char *ev, struct tg_show_record *rec,
                              bool *ok)
{
    rec->kind = TG_SHOW_RECORD_EVENT;
    if (strcmp(ev, "pin") == 0 || strcmp(ev, "unpin") == 0) {
        rec->kind = ev[0] == 'p' ? TG_SHOW_RECORD_PIN : TG_SHOW_RECORD_UNPIN;
        rec->sku = text_of(event, "sku", ok);
    } else if (strcmp(ev, "chat.hidden") == 0) {
        rec->kind = TG_SHOW_RECORD_HIDE;
        rec->message = text_of(event, "id", ok);
        rec->undo = json_is_true(json_object_get(event, "undo"));
    } else if (strcmp(ev, "show") == 0) {
        rec->kind = TG_SHOW_RECORD_STATE;
    }
}

static tg_err give_event(const json_t *event, struct tg_show_record *rec, tg_journal_record_fn fn,
                         void *ctx)
{
    bool ok = true;
    const char *ev = text_of(event, "ev", &ok);
    char *json;
    tg_err err;

    rec->seq = int_of(event, "seq", &ok);
    rec->at = int_of(event, "at", &ok);
    read_event_fields(event, ev, rec, &ok);
    if (!ok)
        return TG_ERR_MALFORMED;
    json = dump(event);
    if (json == NULL)
        return TG_ERR_NOMEM;
    rec->json = json;
    rec->json_len = strlen(json);
    err = fn(ctx, rec);
    tg_free(json);
    return err;
}

tg_err tg_journal_parse(const char *line, size_t len, tg_journal_record_fn fn, void *ctx)
{
    json_t *root = json_loadb(line, len, JSON_FLAGS, NULL);
    struct tg_show_record rec = {0};
    bool ok = json_is_object(root);
    tg_err err = TG_ERR_MALFORMED;

    rec.by = text_or_none(root, "by", &ok);
    rec.op = text_or_none(root, "op", &ok);
    if (ok && json_is_object(json_object_get(root, "chat")))
        err = give_chat(json_object_get(root, "chat"), &rec, fn, ctx);
    else if (ok && json_is_object(json_object_get(root, "mute")))
        err = give_mute(json_object_get(root, "mute"), &rec, fn, ctx);
    else if (ok && json_is_object(json_object_get(root, "event")))
        err = give_event(json_object_get(root, "event"), &rec, fn, ctx);
    json_decref(root);
    return err;
}

/* --- files ---------------------------------------------------------------------------------------
 */

/* One whole line; MALFORMED is counted and skipped, any other error ends the reading. */
typedef tg_err (*line_fn)(void *ctx, const char *line, size_t len);

struct line_reader {
    struct tg_journal_report report;
    int64_t offset; /* of the file's bytes read so far */
    int64_t whole;  /* offset after the last newline */
    char *line;     /* TG_JOURNAL_LINE_MAX + 1 */
    size_t len;
    bool too_long; /* the line under way does not fit: skip to its end */
    line_fn fn;
    void *ctx;
};

static tg_err line_done(struct line_reader *r)
{
    tg_err err = TG_ERR_MALFORMED;

    if (!r->too_long)
        err = r->fn(r->ctx, r->line, r->len);
    r->len = 0;
    r->too_long = false;
    r->report.lines++;
    if (err == TG_ERR_MALFORMED) {
        r->report.bad++;
        TG_COUNT(journal_bad_lines_total);
        return TG_OK;
    }
    return err;
}

static tg_err feed(struct line_reader *r, const char *data, size_t len)
{
    while (len > 0) {
        const char *newline = memchr(data, '\n', len);
        size_t part = newline == NULL ? len : (size_t)(newline - data);
        tg_err err;

        if (part > TG_JOURNAL_LINE_MAX - r->len)
            r->too_long = true;
        else
            memcpy(r->line + r->len, data, part);
        if (!r->too_long)
            r->len += part;
        r->offset += (int64_t)part;
        if (newline == NULL)
            return TG_OK;
        r->offset++;
        r->whole = r->offset;
        err = line_done(r);
        if (err != TG_OK)
            return err;
        data += part + 1;
        len -= part + 1;
    }
    return TG_OK;
}

static tg_err read_fd(struct line_reader *r, int fd)
{
    char *chunk = tg_calloc(1, CHUNK);
    tg_err err = TG_OK;

    if (chunk == NULL)
        return TG_ERR_NOMEM;
    while (err == TG_OK) {
        ssize_t n = read(fd, chunk, CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            err = n == 0 ? TG_OK : TG_ERR_IO;
            break;
        }
        err = feed(r, chunk, (size_t)n);
    }
    tg_free(chunk);
    if (err == TG_OK && r->offset > r->whole) {
        r->report.torn_bytes = r->offset - r->whole;
        if (ftruncate(fd, r->whole) != 0)
            err = TG_ERR_IO;
    }
    return err;
}

static tg_err read_file(const char *dir, const char *name, struct line_reader *r)
{
    char path[PATH_SIZE];
    tg_err err = tg_journal_path(path, sizeof(path), dir, name);
    int fd;

    if (err != TG_OK)
        return err;
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? TG_OK : TG_ERR_IO;
    r->line = tg_calloc(1, TG_JOURNAL_LINE_MAX + 1);
    err = r->line == NULL ? TG_ERR_NOMEM : read_fd(r, fd);
    tg_free(r->line);
    if (close(fd) != 0 && err == TG_OK)
        err = TG_ERR_IO;
    return err;
}

struct record_sink {
    tg_journal_record_fn fn;
    void *ctx;
};

static tg_err on_record_line(void *ctx, const char *line, size_t len)
{
    const struct record_sink *sink = ctx;

    return tg_journal_parse(line, len, sink->fn, sink->ctx);
}

tg_err tg_journal_read(const char *dir, const char *show_id, struct tg_journal_report *ret,
                       tg_journal_record_fn fn, void *ctx)
{
    struct record_sink sink = {.fn = fn, .ctx = ctx};
    struct line_reader r = {.fn = on_record_line, .ctx = &sink};
    tg_err err = read_file(dir, show_id, &r);

    if (err == TG_OK)
        *ret = r.report;
    return err;
}

struct name_sink {
    tg_journal_name_fn fn;
    void *ctx;
};

static tg_err on_name_line(void *ctx, const char *line, size_t len)
{
    const struct name_sink *sink = ctx;
    json_t *root = json_loadb(line, len, JSON_FLAGS, NULL);
    bool ok = json_is_object(root);
    const char *person = text_of(root, "person", &ok);
    const char *name = text_of(root, "name", &ok);

    if (ok)
        sink->fn(sink->ctx, person, name);
    json_decref(root);
    return ok ? TG_OK : TG_ERR_MALFORMED;
}

tg_err tg_journal_read_names(const char *dir, struct tg_journal_report *ret, tg_journal_name_fn fn,
                             void *ctx)
{
    struct name_sink sink = {.fn = fn, .ctx = ctx};
    struct line_reader r = {.fn = on_name_line, .ctx = &sink};
    tg_err err = read_file(dir, "_names", &r);

    if (err == TG_OK)
        *ret = r.report;
    return err;
}
