/* An import's file: its products and variants one after the other, and what it does not have. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sale/catalog_job_priv.h"

/* --- what was seen in the file --- */

static tg_err see(struct tg_catalog_job *job, char kind, const char *text, bool *ret_new)
{
    size_t len = strlen(text) + 1;
    char *key;
    tg_err err;

    key = tg_calloc(1, len + 1);
    if (key == NULL)
        return TG_ERR_NOMEM;
    key[0] = kind;
    memcpy(key + 1, text, len);
    err = tg_map_put(&job->seen, key, len, key);
    *ret_new = err == TG_OK;
    if (err != TG_OK)
        tg_free(key);
    return err == TG_ERR_CONFLICT ? TG_OK : err;
}

static bool was_seen(const struct tg_catalog_job *job, char kind, const char *text)
{
    char key[TG_SKU_MAX + 8];

    if (strlen(text) > TG_SKU_MAX)
        return false;
    key[0] = kind;
    memcpy(key + 1, text, strlen(text) + 1);
    return tg_map_get(&job->seen, key, strlen(key)) != NULL;
}

void tg_catalog_file_forget(struct tg_catalog_job *job)
{
    size_t cursor = 0;
    void *text;

    while ((text = tg_map_each(&job->seen, &cursor)) != NULL)
        tg_free(text);
    tg_map_done(&job->seen);
    tg_map_init(&job->seen, &job->rng);
}

/* The lowest number that is free here and in the file so far. */
static int64_t free_number(struct tg_catalog_job *job)
{
    char text[16];

    do {
        job->next_number = tg_shop_free_number(job->sale->shop, job->next_number);
        tg_str_printf(text, sizeof(text), "%u", job->next_number);
        job->next_number++;
    } while (was_seen(job, '#', text));
    return job->next_number - 1;
}

static void see_number(struct tg_catalog_job *job, int64_t number)
{
    char text[24];
    bool fresh;

    tg_str_printf(text, sizeof(text), "%lld", (long long)number);
    if (see(job, '#', text, &fresh) == TG_ERR_NOMEM)
        job->slice.err = TG_ERR_NOMEM;
}

/* A dry run leaves no numbers behind in memory: who moved is remembered. */
static void see_renumbered(struct tg_catalog_job *job, const char *id)
{
    bool fresh;

    if (job->slice.dry && see(job, 'n', id, &fresh) == TG_ERR_NOMEM)
        job->slice.err = TG_ERR_NOMEM;
}

bool tg_catalog_file_knows(void *ctx, enum tg_catalog_known kind, const char *text)
{
    const struct tg_catalog_job *job = ctx;

    if (!job->checking) /* memory knows */
        return false;
    if (kind == TG_CATALOG_KNOWN_NUMBER)
        return was_seen(job, 'n', text);
    if (kind == TG_CATALOG_KNOWN_VARIANT)
        return was_seen(job, 'v', text) && !tg_catalog_has_decided(job, 'x', text);
    return tg_catalog_has_decided(job, (char)kind, text);
}

tg_err tg_catalog_file_again(struct tg_catalog_job *job)
{
    struct tg_feed_cfg cfg = {.format = tg_feed_format_parse(job->import.format),
                              .rng = &job->rng,
                              .wall_us = job->import.started_wall};

    tg_feed_free(job->feed);
    job->feed = NULL;
    job->product = NULL;
    job->eof = false;
    job->got = 0;
    job->next_number = 1;
    job->import.products = (struct tg_import_counts){0};
    job->import.variants = (struct tg_import_counts){0};
    job->import.counted = 0;
    tg_catalog_file_forget(job);
    memcpy(cfg.currency, job->sale->cfg.currency, sizeof(cfg.currency));
    if (fseek(job->file, 0, SEEK_SET) != 0)
        return TG_ERR_IO;
    return tg_feed_new(&job->feed, &cfg);
}

tg_err tg_catalog_file_open(struct tg_catalog_job *job, const char *path, char why[160])
{
    struct stat st = {0};
    int fd;

    if (tg_str_copy(job->path, sizeof(job->path), path, strlen(path)) != TG_OK) {
        tg_str_cut(why, 160, "The file's path is too long.");
        return TG_ERR_LIMIT;
    }
    /* A pipe must not make the shop wait for its other end. */
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        job->file = fdopen(fd, "rb");
    if (job->file == NULL) {
        if (fd >= 0)
            (void)close(fd); /* it was only looked at */
        tg_str_cut(why, 160,
                   "The server cannot read this file. It must be a file that the "
                   "server's user may read.");
        return TG_ERR_IO;
    }
    if (st.st_size > TG_IMPORT_SIZE_MAX) {
        tg_str_cut(why, 160, "The file has more than 256 MiB. Split it.");
        return TG_ERR_LIMIT;
    }
    job->import.bytes = st.st_size;
    return TG_OK;
}

/* --- import --- */

static void count(struct tg_import_counts *c, enum tg_catalog_outcome outcome)
{
    switch (outcome) {
    case TG_CATALOG_ADDED:
        c->added++;
        break;
    case TG_CATALOG_CHANGED:
        c->changed++;
        break;
    case TG_CATALOG_UNCHANGED:
        c->unchanged++;
        break;
    case TG_CATALOG_ARCHIVED:
        c->archived++;
        break;
    case TG_CATALOG_REFUSED:
        break;
    }
}

static bool number_stands_once(struct tg_catalog_job *job, const struct tg_feed_product *p)
{
    char text[24];

    if (p->number == TG_FEED_KEEP)
        return true;
    tg_str_printf(text, sizeof(text), "%lld", (long long)p->number);
    if (was_seen(job, '#', text)) {
        tg_catalog_fault(&job->slice, p->line, "number", text,
                         "Another product of this file has this short number.",
                         "Give another number, or none: then torg gives the lowest free one.");
        return false;
    }
    see_number(job, p->number);
    return true;
}

/* Variants that are there already, together: from job->variant on. */
static void ask_variants(struct tg_catalog_job *job)
{
    const struct tg_feed_product *p = job->product;
    struct tg_catalog_ahead *a = job->slice.ahead;
    uint32_t end = TG_MIN(p->variants.count, job->variant + TG_CATALOG_AHEAD);

    a->product_count = 0;
    a->variant_count = 0;
    for (uint32_t i = job->variant; i < end; i++)
        if (tg_shop_variant(job->sale->shop, p->variants.at[i].sku) != NULL)
            a->skus[a->variant_count++] = p->variants.at[i].sku;
    job->asked_to = end;
    tg_catalog_ask_ahead(&job->slice);
}

/* The product's own fields; its variants follow one by one. */
static void begin_product(struct tg_catalog_job *job, const struct tg_feed_product *p)
{
    struct tg_catalog_want want = {0};
    enum tg_catalog_outcome outcome;
    int64_t version;
    bool fresh = false;

    job->product = p;
    job->variant = 0;
    job->asked_to = 0;
    job->skip = false;
    tg_str_cut(job->import.format, sizeof(job->import.format),
               tg_feed_format_name(tg_feed_format_of(job->feed)));
    if (p->partial)
        return;
    if (see(job, 'p', p->id, &fresh) != TG_OK) {
        job->slice.err = TG_ERR_NOMEM;
        return;
    }
    job->skip = !fresh;
    if (!fresh) {
        tg_catalog_fault(&job->slice, p->line, "id", p->id,
                         "This product stands in the file twice.", "Leave one of them out.");
        return;
    }
    if (!number_stands_once(job, p)) {
        job->skip = true;
        return;
    }
    if (p->number == TG_FEED_KEEP && tg_shop_product(job->sale->shop, p->id) == NULL) {
        want.number = free_number(job);
        see_number(job, want.number);
    }
    outcome = tg_catalog_product(&job->slice, p, &want, &version);
    count(&job->import.products, outcome);
    job->skip = outcome == TG_CATALOG_REFUSED;
    if (!job->skip && p->number != TG_FEED_KEEP)
        see_renumbered(job, p->id);
}

static void next_variant(struct tg_catalog_job *job)
{
    const struct tg_feed_product *p = job->product;
    const struct tg_feed_variant *v;
    struct tg_catalog_want want = {.known = was_seen(job, 'p', p->id)};
    struct tg_catalog_later *last = job->last;
    enum tg_catalog_outcome outcome;
    int64_t version;
    bool counted = false;
    bool fresh = false;

    if (job->skip || job->variant == p->variants.count) {
        job->product = NULL;
        return;
    }
    if (job->variant >= job->asked_to) {
        ask_variants(job);
        if (job->slice.err != TG_OK)
            return;
    }
    v = &p->variants.at[job->variant++];
    if (see(job, 'v', v->sku, &fresh) != TG_OK) {
        job->slice.err = TG_ERR_NOMEM;
        return;
    }
    if (!fresh) {
        tg_catalog_fault(&job->slice, v->line, "sku", v->sku, "This SKU stands in the file twice.",
                         "Each variant needs a SKU of its own; leave one of them out.");
        return;
    }
    outcome = tg_catalog_variant(&job->slice, p->id, v, &want, &counted, &version);
    tg_catalog_later_outcome(job, last, outcome);
    if (outcome == TG_CATALOG_REFUSED && job->checking)
        tg_catalog_decided(job, 'x', v->sku);
    count(&job->import.variants, outcome);
    job->import.counted += counted ? 1 : 0;
}

static void unreadable(struct tg_catalog_job *job)
{
    tg_str_cut(job->import.reason, sizeof(job->import.reason),
               "The file could not be read to its end: its disk failed.");
    job->phase = TG_CATALOG_FINISH;
}

static void read_more(struct tg_catalog_job *job)
{
    size_t got = fread(job->chunk, 1, sizeof(job->chunk), job->file);

    if (got > 0) {
        job->import.bytes_done += (int64_t)got;
        tg_feed_input(job->feed, job->chunk, got);
        return;
    }
    job->eof = true;
    if (ferror(job->file) != 0)
        unreadable(job);
    else
        tg_feed_end(job->feed);
}

static void begin_archive(struct tg_catalog_job *job)
{
    job->phase = TG_CATALOG_ARCHIVE;
    job->archived_to = 0;
    job->archive_moves = tg_shop_product_moves(job->sale->shop);
}

/* An exporter that failed leaves such a file: it does not mean that nothing is sold any more. */
static void check_not_empty(struct tg_catalog_job *job)
{
    const struct tg_import_counts *c = &job->import.products;

    /* Without a fault each product counts as something. */
    if ((job->import.flags & TG_IMPORT_ARCHIVE_MISSING) == 0 || job->import.faults > 0 ||
        c->added + c->changed + c->unchanged + c->archived > 0)
        return;
    tg_catalog_fault(&job->slice, 0, "", "", "The file has no product.",
                     "Export it again. To take everything off sale, archive the products.");
    tg_str_cut(job->import.reason, sizeof(job->import.reason),
               "The file has no product: nothing was archived.");
}

static void file_ended(struct tg_catalog_job *job)
{
    bool broken = tg_feed_error(job->feed) != TG_OK;

    if (tg_feed_error(job->feed) == TG_ERR_NOMEM) {
        job->slice.err = TG_ERR_NOMEM;
        return;
    }
    if (broken)
        tg_str_cut(job->import.reason, sizeof(job->import.reason),
                   "The file could not be read to its end; the report says where and why.");
    check_not_empty(job);
    job->later_at = job->first;
    job->phase = TG_CATALOG_PARTS;
}

/* What the check found is forgotten, and the file is read again. */
static void begin_apply(struct tg_catalog_job *job)
{
    job->import.bytes_done = 0;
    job->checking = false;
    job->phase = TG_CATALOG_APPLY;
    job->slice.err = tg_catalog_file_again(job);
    if (job->slice.err == TG_ERR_IO) {
        job->slice.err = TG_OK;
        unreadable(job);
    }
}

void tg_catalog_file_read(struct tg_catalog_job *job)
{
    if (job->checking && (job->import.flags & TG_IMPORT_DRY) == 0) {
        if (job->import.faults == 0) {
            begin_apply(job);
            return;
        }
        tg_str_cut(job->import.reason, sizeof(job->import.reason),
                   "The file has faults, and strict was asked for: nothing was written.");
        job->import.products = (struct tg_import_counts){0};
        job->import.variants = (struct tg_import_counts){0};
        job->import.counted = 0;
    }
    /* What is at fault is not missing: with faults nothing is archived. */
    if ((job->import.flags & TG_IMPORT_ARCHIVE_MISSING) != 0 && job->import.faults == 0)
        begin_archive(job);
    else
        job->phase = TG_CATALOG_FINISH;
}

void tg_catalog_file_step(struct tg_catalog_job *job)
{
    if (job->product != NULL) {
        next_variant(job);
        return;
    }
    switch (tg_feed_next(job->feed)) {
    case TG_FEED_PRODUCT:
        job->got++;
        begin_product(job, tg_feed_product(job->feed));
        break;
    case TG_FEED_FAULT:
        job->got++;
        tg_catalog_job_fault(job, tg_feed_fault(job->feed));
        break;
    case TG_FEED_NONE:
        if (job->eof || tg_feed_error(job->feed) != TG_OK)
            file_ended(job);
        else
            read_more(job);
        break;
    }
}

/* --- the same file again, up to where the database refused --- */

/* What had been seen of this product. */
static void see_again(struct tg_catalog_job *job, const struct tg_feed_product *p)
{
    bool last = job->got == job->mark.got;
    uint32_t count = last && job->mark.in_product ? job->mark.variant : p->variants.count;
    bool fresh = true;
    tg_err err = p->partial ? TG_OK : see(job, 'p', p->id, &fresh);

    if (p->number != TG_FEED_KEEP) {
        see_number(job, p->number);
        see_renumbered(job, p->id);
    } else if (!p->partial && fresh && tg_shop_product(job->sale->shop, p->id) == NULL) {
        see_number(job, free_number(job));
    }
    for (uint32_t i = 0; err == TG_OK && !(last && job->mark.skip) && i < count; i++)
        err = see(job, 'v', p->variants.at[i].sku, &fresh);
    job->slice.err = err;
    if (last && job->mark.in_product) {
        job->product = p;
        job->variant = job->mark.variant;
        job->skip = job->mark.skip;
    }
}

tg_err tg_catalog_file_to_mark(struct tg_catalog_job *job)
{
    tg_us until = tg_clock_mono() + TG_CATALOG_SLICE_US;

    job->slice.err = TG_OK;
    while (job->got < job->mark.got && job->slice.err == TG_OK && tg_clock_mono() < until) {
        enum tg_feed_got got = tg_feed_next(job->feed);

        job->got += got != TG_FEED_NONE;
        if (got == TG_FEED_PRODUCT)
            see_again(job, tg_feed_product(job->feed));
        if (got == TG_FEED_NONE && (job->eof || tg_feed_error(job->feed) != TG_OK))
            return TG_ERR_MALFORMED;
        if (got == TG_FEED_NONE)
            read_more(job);
    }
    job->again = job->got < job->mark.got;
    return job->slice.err;
}

/* --- what the file does not have --- */

static const struct tg_product *first_above(const struct tg_shop *shop, uint32_t number)
{
    size_t low = 0;
    size_t high = tg_shop_product_count(shop);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tg_shop_product_at(shop, middle)->number <= number)
            low = middle + 1;
        else
            high = middle;
    }
    return tg_shop_product_at(shop, low);
}

void tg_catalog_archive_step(struct tg_catalog_job *job)
{
    const struct tg_shop *shop = job->sale->shop;
    const struct tg_product *p = job->archive_began ? tg_shop_product(shop, job->archive_id)
                                                    : first_above(shop, job->archived_to);
    const struct tg_variant *v;

    if (p == NULL) {
        if (job->archive_moves == tg_shop_product_moves(shop))
            job->phase = TG_CATALOG_FINISH;
        else
            begin_archive(job);
        return;
    }
    if (!job->archive_began) {
        job->archive_began = true;
        job->archived_to = p->number;
        tg_str_cut(job->archive_id, sizeof(job->archive_id), p->id);
        job->archive_variant = p->first;
        if (!p->archived && !was_seen(job, 'p', p->id))
            count(&job->import.products, tg_catalog_archive_product(&job->slice, p->id));
        return;
    }
    v = job->archive_variant;
    if (v == NULL) {
        job->archive_began = false;
        return;
    }
    job->archive_variant = v->next;
    if (!v->archived && !was_seen(job, 'v', v->sku))
        count(&job->import.variants, tg_catalog_archive_variant(&job->slice, v->sku));
}
