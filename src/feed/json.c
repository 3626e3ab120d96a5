/*
 * torg's own format: JSON objects, one product each, in a row (JSON Lines) or in one array, also in
 * {"products": [...]}. Cut apart by counting brackets, so the file may be of any length.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed_priv.h"

enum { OBJECT_MAX = 2 * 1024 * 1024 };

struct torg {
    struct tg_buf object;
    unsigned depth;
    unsigned base; /* 1 within {"products": [ ... ]}: that object's own bracket */
    bool in_string;
    bool escaped;
    bool too_long;
    uint32_t line; /* where the object began */
};

static struct torg *torg_of(struct tg_feed *f)
{
    struct torg *t = f->state;

    if (t != NULL)
        return t;
    t = tg_calloc(1, sizeof(*t));
    if (t == NULL) {
        f->err = TG_ERR_NOMEM;
        return NULL;
    }
    tg_buf_init(&t->object, OBJECT_MAX);
    f->state = t;
    return t;
}

/* Bytes between objects: brackets and commas; anything else is no JSON of ours. */
static void outside(struct tg_feed *f, struct torg *t, uint8_t b)
{
    if (b <= ' ' || b == ',' || b == '[' || b == ']')
        return;
    if (b == '{') {
        t->depth = 1;
        t->line = f->line;
        tg_buf_clear(&t->object);
        tg_buf_add(&t->object, &b, 1);
        t->too_long = false;
        return;
    }
    if (b == '}' && t->base == 1) {
        t->base = 2; /* the wrapper has ended */
        return;
    }
    tg_feed_stop(f, f->line, "", "This is no JSON of products.",
                 "One object a line, or one array of objects.");
}

/* {"products": [ is a wrapper, not a product. */
static bool wrapper(struct torg *t)
{
    const char *at = tg_buf_cstr(&t->object);

    if (t->base != 0 || t->depth != 1 || *at != '{')
        return false;
    at++;
    at += strspn(at, " \t\r\n");
    if (strncmp(at, "\"products\"", 10) != 0)
        return false;
    at += 10;
    at += strspn(at, " \t\r\n");
    if (*at != ':')
        return false;
    at++;
    at += strspn(at, " \t\r\n");
    return *at == '[';
}

static void object_end(struct tg_feed *f, struct torg *t)
{
    if (t->object.err == TG_ERR_NOMEM) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    if (t->too_long || t->object.err != TG_OK) {
        tg_feed_say(f, t->line, "", "", "The product has more than 2 MiB.", "Split it.");
        return;
    }
    if (tg_feed_take_json(f, (const char *)t->object.data, t->object.len, t->line) == TG_ERR_NOMEM)
        f->err = TG_ERR_NOMEM;
}

static void inside(struct tg_feed *f, struct torg *t, uint8_t b)
{
    tg_buf_add(&t->object, &b, 1);
    t->too_long = t->too_long || t->object.err == TG_ERR_LIMIT;
    if (t->in_string) {
        if (t->escaped)
            t->escaped = false;
        else if (b == '\\')
            t->escaped = true;
        else if (b == '"')
            t->in_string = false;
        return;
    }
    if (b == '"') {
        t->in_string = true;
    } else if (b == '{') {
        if (++t->depth > TG_FEED_DEPTH_MAX)
            tg_feed_stop(f, f->line, "", "The objects are nested too deeply.",
                         "Look for a bracket that is not closed.");
    } else if (b == '[' && wrapper(t)) {
        t->base = 1;
        t->depth = 0;
    } else if (b == '}' && --t->depth == 0) {
        object_end(f, t);
    }
}

static void step(struct tg_feed *f)
{
    struct torg *t = torg_of(f);

    while (t != NULL && f->in_len > 0 && !f->ready && f->fault_count == 0 && f->err == TG_OK) {
        uint8_t b = *f->in++;

        f->in_len--;
        if (b == '\n')
            f->line++;
        if (t->depth == 0)
            outside(f, t, b);
        else
            inside(f, t, b);
    }
}

static void end(struct tg_feed *f)
{
    struct torg *t = torg_of(f);

    if (t == NULL || t->depth == 0)
        return;
    t->depth = 0;
    tg_feed_stop(f, t->line, "", "The file ends within this product.",
                 "It was cut off, or a bracket or quote is not closed.");
}

static void done(struct tg_feed *f)
{
    struct torg *t = f->state;

    if (t != NULL)
        tg_buf_done(&t->object);
    tg_free(t);
    f->state = NULL;
}

const struct tg_feed_ops tg_feed_torg = {.step = step, .end = end, .done = done};
