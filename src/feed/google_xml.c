/* Google Merchant as XML: RSS 2.0 items and Atom entries. No DTD, so no entities but XML's five. */
#include <string.h>

#include <expat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed_priv.h"

enum { TEXT_MAX = 64 * 1024, NAME_MAX_BYTES = 64 };

/* What this format has beside the item of google.c, which stands in f->state. */
struct xml {
    XML_Parser parser;
    struct tg_buf text;
    unsigned depth;
    unsigned item_depth; /* 0 = outside */
    bool suspended;
    bool google_id;                       /* the item has a g:id */
    char detail_name[NAME_MAX_BYTES * 3]; /* of a product_detail being read */
    char detail_value[1001];
};

static struct xml *xml_of(struct tg_feed *f)
{
    return f->parser;
}

static const char *local(const char *name, bool *ret_google)
{
    const char *bar = strrchr(name, '|');

    *ret_google = bar != NULL && strstr(name, "base.google.com") != NULL;
    return bar == NULL ? name : bar + 1;
}

static uint32_t line_of(const struct xml *x)
{
    return (uint32_t)XML_GetCurrentLineNumber(x->parser);
}

static void halt(struct xml *x, struct tg_feed *f)
{
    if (f->err != TG_OK)
        (void)XML_StopParser(x->parser, XML_FALSE); /* fails only when it stands already */
    else if (f->ready || f->fault_count > 0)
        (void)XML_StopParser(x->parser, XML_TRUE); /* goes on at the next step */
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct tg_feed *f = ctx;
    struct xml *x = xml_of(f);
    bool google;
    const char *tag = local(name, &google);

    if (++x->depth > TG_FEED_DEPTH_MAX) {
        tg_feed_stop(f, line_of(x), tag, "The elements are nested too deeply.",
                     "Export the feed anew; a closing tag is missing.");
        halt(x, f);
        return;
    }
    tg_buf_clear(&x->text);
    if (x->item_depth == 0 && (strcmp(tag, "item") == 0 || strcmp(tag, "entry") == 0)) {
        x->item_depth = x->depth;
        x->google_id = false;
        if (tg_google_begin(f, line_of(x)) != TG_OK)
            f->err = TG_ERR_NOMEM;
        halt(x, f);
        return;
    }
    if (x->item_depth == 0)
        return;
    if (strcmp(tag, "product_detail") == 0) {
        x->detail_name[0] = '\0';
        x->detail_value[0] = '\0';
    }
    for (; !google && strcmp(tag, "link") == 0 && *attributes != NULL; attributes += 2)
        if (strcmp(attributes[0], "href") == 0) /* Atom */
            tg_google_field(f, "link", attributes[1]);
}

static void on_text(void *ctx, const XML_Char *text, int len)
{
    struct xml *x = xml_of(ctx);

    if (x->item_depth > 0)
        tg_buf_add(&x->text, text, (size_t)len);
}

static const char *trimmed(struct xml *x)
{
    const char *text = tg_buf_cstr(&x->text);

    while (x->text.len > 0 && (unsigned char)text[x->text.len - 1] <= ' ') {
        x->text.data[--x->text.len] = '\0';
        text = (const char *)x->text.data;
    }
    return text + strspn(text, " \t\r\n");
}

static void detail_part(struct xml *x, const char *tag, const char *value)
{
    if (strcmp(tag, "attribute_name") == 0)
        tg_str_cut(x->detail_name, sizeof(x->detail_name), value);
    else if (strcmp(tag, "attribute_value") == 0)
        tg_str_cut(x->detail_value, sizeof(x->detail_value), value);
}

static void field_end(struct tg_feed *f, struct xml *x, const char *tag, bool google)
{
    const char *value = trimmed(x);

    if (x->text.err == TG_ERR_NOMEM) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    if (x->text.err != TG_OK) {
        tg_feed_say(f, line_of(x), tag, "", "The text is longer than 64 KiB.", "Shorten it.");
        f->spoiled = true;
        return;
    }
    if (x->depth == x->item_depth + 2) {
        detail_part(x, tag, value);
        return;
    }
    if (x->depth != x->item_depth + 1)
        return;
    if (strcmp(tag, "product_detail") == 0) {
        char both[sizeof(x->detail_name) + sizeof(x->detail_value) + 2];

        tg_str_printf(both, sizeof(both), "%s: %s", x->detail_name, x->detail_value);
        if (x->detail_name[0] != '\0' && x->detail_value[0] != '\0')
            tg_google_field(f, tag, both);
        return;
    }
    if (!google && strcmp(tag, "summary") == 0)
        tag = "description"; /* Atom */
    /* An Atom entry's own id is an address: Google's counts, wherever it stands. */
    if (google || !x->google_id || strcmp(tag, "id") != 0)
        tg_google_field(f, tag, value);
    x->google_id = x->google_id || (google && strcmp(tag, "id") == 0);
}

static void on_end(void *ctx, const XML_Char *name)
{
    struct tg_feed *f = ctx;
    struct xml *x = xml_of(f);
    bool google;
    const char *tag = local(name, &google);

    if (x->item_depth > 0 && x->depth == x->item_depth) {
        x->item_depth = 0;
        tg_google_end(f);
    } else if (x->item_depth > 0) {
        field_end(f, x, tag, google);
        tg_buf_clear(&x->text);
    }
    x->depth--;
    f->line = line_of(x);
    /* Faults of fields wait for their item's end. */
    if (x->item_depth == 0 || f->err != TG_OK)
        halt(x, f);
}

static void on_doctype(void *ctx, const XML_Char *name, const XML_Char *sysid,
                       const XML_Char *pubid, int has_subset)
{
    struct tg_feed *f = ctx;

    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_subset;
    tg_feed_stop(f, line_of(xml_of(f)), "DOCTYPE", "A document type is not allowed in a feed.",
                 "Remove the DOCTYPE line.");
    halt(xml_of(f), f);
}

static void *mem_alloc(size_t size)
{
    return tg_calloc(1, size);
}

static void *mem_realloc(void *old, size_t size)
{
    return tg_realloc(old, size, 1);
}

static bool ready(struct tg_feed *f)
{
    static const XML_Memory_Handling_Suite memory = {mem_alloc, mem_realloc, tg_free};
    struct xml *x;

    if (f->parser != NULL)
        return true;
    x = tg_calloc(1, sizeof(*x));
    if (x == NULL)
        return false;
    tg_buf_init(&x->text, TEXT_MAX);
    f->parser = x;
    x->parser = XML_ParserCreate_MM(NULL, &memory, "|");
    if (x->parser == NULL)
        return false;
    /* The salt of expat's tables: without it the library would ask the kernel. */
    (void)XML_SetHashSalt(x->parser,
                          (unsigned long)tg_rng_u64(f->cfg.rng) | 1); /* before parsing */
    XML_SetUserData(x->parser, f);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    return true;
}

static void broken(struct tg_feed *f, struct xml *x)
{
    enum XML_Error code = XML_GetErrorCode(x->parser);
    char reason[160];

    if (f->err != TG_OK)
        return; /* stopped by us */
    if (code == XML_ERROR_NO_MEMORY) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    tg_str_printf(reason, sizeof(reason), "The XML is broken: %.100s.", XML_ErrorString(code));
    tg_feed_stop(f, line_of(x), "", reason,
                 code == XML_ERROR_INVALID_TOKEN || code == XML_ERROR_UNKNOWN_ENCODING
                     ? "Save it as UTF-8, and write & as &amp; and < as &lt;."
                     : "Export the feed anew; what comes behind this line was not read.");
}

static void after(struct tg_feed *f, struct xml *x, enum XML_Status status)
{
    x->suspended = status == XML_STATUS_SUSPENDED;
    if (status == XML_STATUS_ERROR)
        broken(f, x);
    if (!x->suspended && f->in_len > 0) { /* an empty file has not even an address */
        f->in += f->in_len;
        f->in_len = 0;
    }
    f->line = line_of(x);
}

static void step(struct tg_feed *f)
{
    struct xml *x;

    if (!ready(f)) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    x = f->parser;
    if (x->suspended)
        after(f, x, XML_ResumeParser(x->parser));
    else
        after(f, x, XML_Parse(x->parser, (const char *)f->in, (int)f->in_len, XML_FALSE));
}

static void end(struct tg_feed *f)
{
    struct xml *x;
    XML_ParsingStatus status;

    if (!ready(f)) {
        f->err = TG_ERR_NOMEM;
        return;
    }
    x = f->parser;
    XML_GetParsingStatus(x->parser, &status);
    if (status.parsing == XML_FINISHED)
        return;
    after(f, x, XML_Parse(x->parser, "", 0, XML_TRUE));
}

static void done(struct tg_feed *f)
{
    struct xml *x = f->parser;

    if (x != NULL) {
        if (x->parser != NULL)
            XML_ParserFree(x->parser);
        tg_buf_done(&x->text);
        tg_free(x);
        f->parser = NULL;
    }
    tg_free(f->state);
    f->state = NULL;
}

const struct tg_feed_ops tg_feed_google_xml = {.step = step, .end = end, .done = done};
