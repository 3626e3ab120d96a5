/* What all formats share: the life of a feed, its format, faults and products. */
#include "feed/feed.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed_priv.h"

static const char *const format_names[TG_FEED_FORMAT_COUNT] = {
    "auto", "google", "google-xml", "google-tsv", "shopify", "woocommerce", "torg"};

enum tg_feed_format tg_feed_format_parse(const char *name)
{
    for (int i = 1; i < TG_FEED_FORMAT_COUNT; i++)
        if (strcmp(name, format_names[i]) == 0)
            return (enum tg_feed_format)i;
    return TG_FEED_AUTO;
}

const char *tg_feed_format_name(enum tg_feed_format format)
{
    return (size_t)format < TG_ARRAY_LEN(format_names) ? format_names[format] : "auto";
}

static const struct tg_feed_ops *ops_of(enum tg_feed_format format)
{
    switch (format) {
    case TG_FEED_GOOGLE_XML:
        return &tg_feed_google_xml;
    case TG_FEED_GOOGLE_TSV:
        return &tg_feed_google_tsv;
    case TG_FEED_SHOPIFY:
        return &tg_feed_shopify;
    case TG_FEED_WOOCOMMERCE:
        return &tg_feed_woo;
    case TG_FEED_TORG:
        return &tg_feed_torg;
    case TG_FEED_AUTO:
    case TG_FEED_GOOGLE:
    case TG_FEED_FORMAT_COUNT:
        break;
    }
    return NULL;
}

static tg_err start_format(struct tg_feed *f, enum tg_feed_format format)
{
    f->format = format;
    f->ops = ops_of(format);
    if (format == TG_FEED_GOOGLE_XML || format == TG_FEED_TORG)
        return TG_OK;
    f->csv_ready = true;
    return tg_csv_init(&f->csv, format == TG_FEED_GOOGLE_TSV ? '\t' : ',');
}

tg_err tg_feed_new(struct tg_feed **ret, const struct tg_feed_cfg *cfg)
{
    struct tg_feed *f;
    tg_err err = TG_OK;

    if ((unsigned)cfg->format >= TG_FEED_FORMAT_COUNT || cfg->currency[0] == '\0' ||
        cfg->currency[3] != '\0')
        return TG_ERR_LIMIT;
    f = tg_calloc(1, sizeof(*f));
    if (f == NULL)
        return TG_ERR_NOMEM;
    f->cfg = *cfg;
    f->line = 1;
    f->building = &f->arenas[0];
    for (size_t i = 0; i < TG_ARRAY_LEN(f->columns); i++)
        f->columns[i] = -1;
    tg_map_init(&f->seen, cfg->rng);
    if (ops_of(cfg->format) != NULL)
        err = start_format(f, cfg->format);
    if (err != TG_OK) {
        tg_feed_free(f);
        return err;
    }
    *ret = f;
    return TG_OK;
}

void tg_feed_free(struct tg_feed *f)
{
    size_t cursor = 0;
    void *value;

    if (f == NULL)
        return;
    if (f->ops != NULL && f->ops->done != NULL)
        f->ops->done(f);
    if (f->csv_ready)
        tg_csv_done(&f->csv);
    while ((value = tg_map_each(&f->seen, &cursor)) != NULL)
        tg_free(value);
    tg_map_done(&f->seen);
    tg_feed_arena_done(&f->arenas[0]);
    tg_feed_arena_done(&f->arenas[1]);
    tg_free(f);
}

/* --- what AUTO looks at --- */

static bool has(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (; *text != '\0'; text++) {
        size_t i = 0;

        while (i < len && (text[i] | 0x20) == word[i])
            i++;
        if (i == len)
            return true;
    }
    return false;
}

/* AUTO = not clear. Looks at the first line, or the beginning of one that is long. */
static enum tg_feed_format detect(const char *head, bool google)
{
    char line[1024];
    size_t len;

    len = strcspn(head, "\r\n");
    len = TG_MIN(len, sizeof(line) - 1);
    memcpy(line, head, len);
    line[len] = '\0';
    if (line[0] == '<')
        return TG_FEED_GOOGLE_XML;
    if (google)
        return TG_FEED_GOOGLE_TSV;
    if (line[0] == '{' || line[0] == '[')
        return TG_FEED_TORG;
    if (has(line, "handle") && has(line, ",") && has(line, "title"))
        return TG_FEED_SHOPIFY;
    if (has(line, "sku") && has(line, ",") && has(line, "type"))
        return TG_FEED_WOOCOMMERCE;
    if (strchr(line, '\t') != NULL && has(line, "id") && has(line, "title"))
        return TG_FEED_GOOGLE_TSV;
    return TG_FEED_AUTO;
}

static void look(struct tg_feed *f)
{
    size_t take = TG_MIN(f->in_len, sizeof(f->head) - 1 - f->head_len);
    const char *text = (const char *)f->head;
    enum tg_feed_format format;
    bool line;

    if (take > 0) { /* at the end there may be nothing, not even an address */
        memcpy(f->head + f->head_len, f->in, take);
        f->in += take;
    }
    f->head_len += take;
    f->in_len -= take;
    f->head[f->head_len] = '\0';
    line = f->head_len == sizeof(f->head) - 1 || f->ended;
    for (size_t i = 0; i < f->head_len; i++)
        line = line || (f->head[i] == '\n' && i > 0 && f->head[i - 1] > ' ') || f->head[i] == '<' ||
               f->head[i] == '{';
    if (!line)
        return;
    text += strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    text += strspn(text, TG_FEED_BLANKS);
    if (*text == '\0' && f->ended) {
        tg_feed_stop(f, 1, "", "The file is empty.", "Export it anew.");
        return;
    }
    format = detect(text, f->cfg.format == TG_FEED_GOOGLE);
    if (format == TG_FEED_AUTO)
        tg_feed_stop(f, 1, "", "The format of this file is not one that torg knows.",
                     "Name it: --format google, shopify, woocommerce or torg.");
    else if (start_format(f, format) != TG_OK)
        f->err = TG_ERR_NOMEM;
}

/* --- life --- */

void tg_feed_input(struct tg_feed *f, const void *data, size_t len)
{
    TG_ASSERT(f->in_len == 0);
    f->in = data;
    f->in_len = len;
}

void tg_feed_end(struct tg_feed *f)
{
    f->ended = true;
}

/* Bytes kept for the look come first; a byte order mark is nobody's content. */
static void step(struct tg_feed *f)
{
    const uint8_t *in = f->in;
    size_t in_len = f->in_len;

    if (f->head_at < f->head_len || !f->bom_done) {
        if (f->head_len == 0) { /* the format was given: there was no look */
            size_t take = TG_MIN(in_len, (size_t)3);

            memcpy(f->head, in, take);
            f->head_len = take;
            f->in += take;
            f->in_len -= take;
            in = f->in;
            in_len = f->in_len;
        }
        if (!f->bom_done && f->head_len < 3 && !f->ended && in_len > 0) {
            f->head[f->head_len++] = *in;
            f->in++;
            f->in_len--;
            return;
        }
        if (!f->bom_done && f->head_len < 3 && !f->ended)
            return;
        if (!f->bom_done && f->head_len >= 3 && memcmp(f->head, "\xef\xbb\xbf", 3) == 0)
            f->head_at = 3;
        if (!f->bom_done && f->head_len >= 2 &&
            (memcmp(f->head, "\xff\xfe", 2) == 0 || memcmp(f->head, "\xfe\xff", 2) == 0)) {
            tg_feed_stop(f, 1, "", "The file is in UTF-16.",
                         "Save it as UTF-8: in Excel \"CSV UTF-8\", in Google Sheets as it is.");
            return;
        }
        f->bom_done = true;
        f->in = f->head + f->head_at;
        f->in_len = f->head_len - f->head_at;
        f->ops->step(f);
        f->head_at = f->head_len - f->in_len;
        f->in = in;
        f->in_len = in_len;
        return;
    }
    f->ops->step(f);
}

static bool waits(const struct tg_feed *f)
{
    return f->in_len > 0 || f->head_at < f->head_len;
}

enum tg_feed_got tg_feed_next(struct tg_feed *f)
{
    /* A product that is ready waits behind the faults that came with it. */
    if (f->given)
        f->ready = false;
    f->given = false;
    for (;;) {
        if (f->fault_next < f->fault_count) {
            f->fault_next++;
            return TG_FEED_FAULT;
        }
        f->fault_count = 0;
        f->fault_next = 0;
        f->fault_more = 0;
        if (f->ready) {
            f->given = true;
            return TG_FEED_PRODUCT;
        }
        if (f->err != TG_OK) {
            f->in_len = 0;
            return TG_FEED_NONE;
        }
        if (f->ops == NULL) {
            if (f->in_len == 0 && !f->ended)
                return TG_FEED_NONE;
            look(f);
        } else if (waits(f)) {
            size_t before = f->in_len + (f->head_len - f->head_at);

            step(f);
            if (before == f->in_len + (f->head_len - f->head_at) && !f->ready &&
                f->fault_count == 0 && f->err == TG_OK && !f->ended)
                return TG_FEED_NONE; /* fewer than three bytes so far */
        } else if (!f->ended || f->finished) {
            return TG_FEED_NONE;
        } else {
            f->ops->end(f);
            f->finished = !f->ready && f->fault_count == 0;
        }
    }
}

const struct tg_feed_product *tg_feed_product(const struct tg_feed *f)
{
    return &f->out;
}

const struct tg_feed_fault *tg_feed_fault(const struct tg_feed *f)
{
    TG_ASSERT(f->fault_next > 0);
    return &f->faults[f->fault_next - 1];
}

enum tg_feed_format tg_feed_format_of(const struct tg_feed *f)
{
    return f->format;
}

tg_err tg_feed_error(const struct tg_feed *f)
{
    return f->err;
}

/* --- faults and products --- */

void tg_feed_say(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                 const char *reason, const char *fix)
{
    struct tg_feed_fault *fault;

    if (f->fault_count == TG_FEED_FAULTS_MAX) {
        fault = &f->faults[TG_FEED_FAULTS_MAX - 1];
        f->fault_more++;
        fault->field[0] = '\0';
        fault->value[0] = '\0';
        fault->fix[0] = '\0';
        tg_str_printf(fault->reason, sizeof(fault->reason),
                      "There are %zu more faults in this product.", f->fault_more + 1);
        return;
    }
    fault = &f->faults[f->fault_count++];
    *fault = (struct tg_feed_fault){.line = line};
    tg_str_cut(fault->field, sizeof(fault->field), field);
    tg_str_cut(fault->value, sizeof(fault->value), value);
    tg_str_cut(fault->reason, sizeof(fault->reason), reason);
    tg_str_cut(fault->fix, sizeof(fault->fix), fix);
}

void tg_feed_stop(struct tg_feed *f, uint32_t line, const char *field, const char *reason,
                  const char *fix)
{
    tg_feed_say(f, line, field, "", reason, fix);
    f->err = TG_ERR_MALFORMED;
    f->open = false;
}

struct tg_feed_product *tg_feed_open(struct tg_feed *f, uint32_t line)
{
    tg_feed_arena_clear(f->building);
    tg_feed_product_init(&f->product);
    f->product.line = line;
    f->open = true;
    f->spoiled = false;
    return &f->product;
}

void tg_feed_close(struct tg_feed *f)
{
    const struct tg_feed_product *p = &f->product;

    f->open = false;
    if (f->building->err == TG_ERR_NOMEM) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    if (f->building->err == TG_ERR_LIMIT && !f->spoiled) {
        tg_feed_say(f, p->line, "", "", "The product is too big.", "Split it.");
        f->spoiled = true;
    }
    if (f->spoiled || p->id == NULL || (p->partial && p->variants.count == 0))
        return;
    f->out = f->product;
    f->ready = true;
    f->building = f->building == &f->arenas[0] ? &f->arenas[1] : &f->arenas[0];
}

struct seen {
    uint32_t key_len;
    char text[]; /* key, NUL, value, NUL */
};

tg_err tg_feed_see(struct tg_feed *f, const char *key, const char *value, bool *ret_new)
{
    size_t key_len = strlen(key);
    size_t value_len = value == NULL ? 0 : strlen(value);
    struct seen *s;
    tg_err err;

    *ret_new = false;
    if (tg_map_get(&f->seen, key, key_len) != NULL)
        return TG_OK;
    if (f->seen.count >= TG_FEED_SEEN_MAX)
        return TG_ERR_LIMIT;
    s = tg_calloc(1, sizeof(*s) + key_len + value_len + 2);
    if (s == NULL)
        return TG_ERR_NOMEM;
    s->key_len = (uint32_t)key_len;
    memcpy(s->text, key, key_len);
    if (value_len > 0)
        memcpy(s->text + key_len + 1, value, value_len);
    err = tg_map_put(&f->seen, s->text, key_len, s);
    if (err != TG_OK) {
        tg_free(s);
        return err;
    }
    *ret_new = true;
    return TG_OK;
}

const char *tg_feed_seen(const struct tg_feed *f, const char *key)
{
    const struct seen *s = tg_map_get(&f->seen, key, strlen(key));

    return s == NULL ? NULL : s->text + s->key_len + 1;
}
