/* An import, or undoing one: the file's products one after the other, a slice at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "sale/catalog_priv.h"

enum {
    CHUNK = 16 * 1024,
    FAULTS_PENDING = 256, /* told since the last slice; more are only counted */
    STEPS_MAX = 4096      /* of one slice, whatever the clock says */
};

enum phase { CHECK, APPLY, ARCHIVE, UNDO, FINISH, ENDED };

struct tg_catalog_job {
    struct tg_sale *sale;
    struct tg_catalog_slice slice;
    struct tg_import import;
    enum phase phase;

    FILE *file;
    char path[512];
    bool own_file; /* it was uploaded: it goes when the import ends */
    struct tg_feed *feed;
    struct tg_rng rng;
    uint8_t chunk[CHUNK];
    bool eof;
    const struct tg_feed_product *product; /* being imported; the feed's */
    uint32_t variant;                      /* the next of it */
    bool skip;                             /* the product was refused, and its variants with it */
    struct tg_map seen;                    /* "p" id, "v" SKU, "#" number: owned texts */
    uint32_t next_number;

    size_t archive_at; /* index of the shop's products */
    const struct tg_variant *archive_variant;
    bool archive_began;
    int64_t below; /* undo: the change before which to go on */

    struct tg_feed_fault *pending;
    size_t pending_count;
    int64_t fault_seq;
};

static void keep_fault(void *ctx, const struct tg_feed_fault *fault)
{
    struct tg_catalog_job *job = ctx;

    job->import.faults++;
    if (job->pending_count < FAULTS_PENDING)
        job->pending[job->pending_count++] = *fault;
}

static void flush_faults(struct tg_catalog_job *job)
{
    struct tg_catalog_slice *s = &job->slice;
    size_t i = 0;

    for (; s->err == TG_OK && i < job->pending_count && job->fault_seq < TG_IMPORT_FAULTS_MAX; i++)
        s->err = tg_cat_add_fault(job->sale->cfg.store, job->import.id, ++job->fault_seq,
                                  &job->pending[i]);
    if (s->err == TG_OK)
        job->pending_count = 0;
}

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

static void forget_seen(struct tg_catalog_job *job)
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

/* --- life --- */

static tg_err open_feed(struct tg_catalog_job *job)
{
    struct tg_feed_cfg cfg = {.format = tg_feed_format_parse(job->import.format), .rng = &job->rng};

    tg_feed_free(job->feed);
    job->feed = NULL;
    job->product = NULL;
    job->eof = false;
    job->next_number = 1;
    job->import.products = (struct tg_import_counts){0};
    job->import.variants = (struct tg_import_counts){0};
    job->import.counted = 0;
    forget_seen(job);
    memcpy(cfg.currency, job->sale->cfg.currency, sizeof(cfg.currency));
    if (fseek(job->file, 0, SEEK_SET) != 0)
        return TG_ERR_IO;
    return tg_feed_new(&job->feed, &cfg);
}

static tg_err job_new(struct tg_catalog_job **ret, struct tg_sale *sale,
                      const struct tg_sale_req *req)
{
    struct tg_catalog_job *job = tg_calloc(1, sizeof(*job));
    tg_err err;

    if (job == NULL)
        return TG_ERR_NOMEM;
    job->sale = sale;
    job->rng = tg_rng_os();
    tg_map_init(&job->seen, &job->rng);
    job->pending = tg_calloc(FAULTS_PENDING, sizeof(*job->pending));
    err = job->pending == NULL ? TG_ERR_NOMEM : tg_catalog_slice_init(&job->slice, sale);
    if (err != TG_OK) {
        tg_catalog_job_free(job);
        return err;
    }
    job->slice.on_fault = keep_fault;
    job->slice.ctx = job;
    tg_str_cut(job->slice.actor, sizeof(job->slice.actor), req->who.id);
    *ret = job;
    return TG_OK;
}

/* The import's row in a transaction of its own. */
static tg_err save(struct tg_catalog_job *job, bool fresh)
{
    struct tg_store *store = job->sale->cfg.store;
    tg_err err = store->ops->begin(store);

    if (err == TG_OK && fresh)
        err = tg_cat_next_import(store, &job->import.id);
    if (err == TG_OK)
        err = tg_cat_put_import(store, &job->import);
    if (err == TG_OK)
        err = store->ops->commit(store);
    if (err != TG_OK)
        store->ops->rollback(store);
    return err;
}

static tg_err open_file(struct tg_catalog_job *job, const char *path, char why[160])
{
    struct stat st;

    if (tg_str_copy(job->path, sizeof(job->path), path, strlen(path)) != TG_OK) {
        tg_str_cut(why, 160, "The file's path is too long.");
        return TG_ERR_LIMIT;
    }
    job->file = fopen(path, "rbe");
    if (job->file == NULL || fstat(fileno(job->file), &st) != 0 || !S_ISREG(st.st_mode)) {
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

tg_err tg_catalog_job_import(struct tg_catalog_job **ret, struct tg_sale *sale,
                             struct tg_shop_now now, const struct tg_sale_req *req, char why[160])
{
    struct tg_catalog_job *job = NULL;
    tg_err err = job_new(&job, sale, req);

    if (err != TG_OK)
        return err;
    job->import.flags = (uint32_t)req->number;
    job->import.state = TG_IMPORT_RUNNING;
    job->import.started_wall = now.wall;
    tg_str_cut(job->import.format, sizeof(job->import.format), req->key);
    tg_str_cut(job->import.file, sizeof(job->import.file), req->text);
    tg_str_cut(job->import.actor, sizeof(job->import.actor), req->who.id);
    job->own_file = req->flag;
    job->phase = (job->import.flags & (TG_IMPORT_DRY | TG_IMPORT_STRICT)) != 0 ? CHECK : APPLY;
    err = open_file(job, req->body == NULL ? "" : (const char *)req->body->data, why);
    if (err == TG_OK)
        err = open_feed(job);
    if (err == TG_OK)
        err = save(job, true);
    if (err != TG_OK) {
        tg_catalog_job_free(job);
        return err;
    }
    job->slice.import = job->import.id;
    *ret = job;
    return TG_OK;
}

tg_err tg_catalog_job_undo(struct tg_catalog_job **ret, struct tg_sale *sale,
                           struct tg_shop_now now, const struct tg_sale_req *req, char why[160])
{
    struct tg_store *store = sale->cfg.store;
    struct tg_catalog_job *job = NULL;
    int64_t id = req->number;
    int64_t newest = 0;
    tg_err err = job_new(&job, sale, req);

    (void)now;
    if (err != TG_OK)
        return err;
    err = store->ops->begin(store);
    if (err == TG_OK && id == 0)
        err = tg_cat_last_import(store, &id);
    if (err == TG_OK)
        err = tg_cat_next_import(store, &newest);
    if (err == TG_OK)
        err = tg_cat_import(store, id, &job->import);
    store->ops->rollback(store);
    if (err == TG_ERR_NOTFOUND)
        tg_str_cut(why, 160,
                   id == 0 ? "There is no import that could be undone."
                           : "There is no such import.");
    if (err == TG_OK && (job->import.flags & TG_IMPORT_DRY) != 0) {
        tg_str_cut(why, 160, "That was a dry run: it changed nothing.");
        err = TG_ERR_CONFLICT;
    } else if (err == TG_OK && job->import.state == TG_IMPORT_UNDONE) {
        tg_str_cut(why, 160, "That import is undone already.");
        err = TG_ERR_CONFLICT;
    } else if (err == TG_OK && newest - id > TG_IMPORTS_KEPT) {
        tg_str_cut(why, 160, "That import is too old: only the last 20 can be undone.");
        err = TG_ERR_CONFLICT;
    }
    job->import.state = TG_IMPORT_UNDOING;
    job->below = INT64_MAX;
    job->phase = UNDO;
    job->fault_seq = TG_MIN(job->import.faults, (int64_t)TG_IMPORT_FAULTS_MAX);
    if (err == TG_OK)
        err = save(job, false);
    if (err != TG_OK) {
        tg_catalog_job_free(job);
        return err;
    }
    *ret = job;
    return TG_OK;
}

int64_t tg_catalog_job_id(const struct tg_catalog_job *job)
{
    return job->import.id;
}

void tg_catalog_job_free(struct tg_catalog_job *job)
{
    if (job == NULL)
        return;
    tg_feed_free(job->feed);
    forget_seen(job);
    tg_map_done(&job->seen);
    if (job->file != NULL)
        (void)fclose(job->file); /* it was only read */
    if (job->own_file)
        (void)unlink(job->path); /* not there is as good */
    tg_catalog_slice_done(&job->slice);
    tg_free(job->pending);
    tg_free(job);
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

/* The product's own fields; its variants follow one by one. */
static void begin_product(struct tg_catalog_job *job, const struct tg_feed_product *p)
{
    struct tg_catalog_want want = {0};
    enum tg_catalog_outcome outcome;
    int64_t version;
    bool fresh = false;

    job->product = p;
    job->variant = 0;
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
}

static void next_variant(struct tg_catalog_job *job)
{
    const struct tg_feed_product *p = job->product;
    const struct tg_feed_variant *v;
    struct tg_catalog_want want = {.known = was_seen(job, 'p', p->id)};
    int64_t version;
    bool counted = false;
    bool fresh = false;

    if (job->skip || job->variant == p->variants.count) {
        job->product = NULL;
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
    count(&job->import.variants,
          tg_catalog_variant(&job->slice, p->id, v, &want, &counted, &version));
    job->import.counted += counted ? 1 : 0;
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
        job->slice.err = TG_ERR_IO;
    else
        tg_feed_end(job->feed);
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
    if (job->phase == CHECK && (job->import.flags & TG_IMPORT_DRY) == 0) {
        if (job->import.faults == 0) {
            job->import.bytes_done = 0;
            job->slice.err = open_feed(job);
            job->phase = APPLY;
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
        job->phase = ARCHIVE;
    else
        job->phase = FINISH;
}

static void import_step(struct tg_catalog_job *job)
{
    if (job->product != NULL) {
        next_variant(job);
        return;
    }
    switch (tg_feed_next(job->feed)) {
    case TG_FEED_PRODUCT:
        begin_product(job, tg_feed_product(job->feed));
        break;
    case TG_FEED_FAULT:
        keep_fault(job, tg_feed_fault(job->feed));
        break;
    case TG_FEED_NONE:
        if (job->eof || tg_feed_error(job->feed) != TG_OK)
            file_ended(job);
        else
            read_more(job);
        break;
    }
}

/* --- what the file does not have --- */

static void archive_step(struct tg_catalog_job *job)
{
    const struct tg_product *p = tg_shop_product_at(job->sale->shop, job->archive_at);
    const struct tg_variant *v;

    if (p == NULL) {
        job->phase = FINISH;
        return;
    }
    if (!job->archive_began) {
        job->archive_began = true;
        job->archive_variant = p->first;
        if (!p->archived && !was_seen(job, 'p', p->id))
            count(&job->import.products, tg_catalog_archive_product(&job->slice, p->id));
        return;
    }
    v = job->archive_variant;
    if (v == NULL) {
        job->archive_at++;
        job->archive_began = false;
        return;
    }
    job->archive_variant = v->next;
    if (!v->archived && !was_seen(job, 'v', v->sku))
        count(&job->import.variants, tg_catalog_archive_variant(&job->slice, v->sku));
}

/* --- undo --- */

static void undo_count(struct tg_catalog_job *job, const struct tg_import_change *change)
{
    struct tg_catalog_slice *s = &job->slice;
    const struct tg_variant *v = tg_shop_variant(job->sale->shop, change->item);
    const struct tg_place *main = v == NULL ? NULL : tg_variant_place(v, 0);
    int64_t free_units =
        main == NULL ? 0 : main->count.on_hand - main->count.held - main->count.sold;
    int64_t back = TG_MIN(change->qty, free_units);
    struct tg_catalog_claim *c;

    if (back < change->qty)
        tg_catalog_fault(s, 0, "stock", change->item,
                         "Not all units of the first count can be taken back: some are gone.",
                         "Correct the stock by hand if it is wrong.");
    if (back <= 0)
        return;
    c = &s->claims[s->claim_count++];
    *c = (struct tg_catalog_claim){.kind = TG_CLAIM_STOCK, .value = (int32_t)-back};
    tg_str_cut(c->sku, sizeof(c->sku), change->item);
}

static void undo_product(struct tg_catalog_job *job, const struct tg_import_change *change)
{
    struct tg_catalog_want want = {.whole = change->before[0] != '\0',
                                   .if_version = change->version};
    struct tg_feed_product p;
    int64_t version;

    if (change->before[0] == '\0') {
        tg_feed_product_init(&p);
        p.archived = 1;
    } else if (tg_feed_product_read(&job->slice.arena, &p, change->before, strlen(change->before),
                                    NULL, NULL) != TG_OK) {
        job->slice.err = TG_ERR_MALFORMED;
        return;
    }
    p.id = change->item;
    (void)tg_catalog_product(&job->slice, &p, &want, &version); /* a refusal is a fault */
}

static void undo_variant(struct tg_catalog_job *job, const struct tg_import_change *change)
{
    struct tg_catalog_want want = {.whole = change->before[0] != '\0',
                                   .if_version = change->version};
    struct tg_feed_variant v;
    int64_t version;
    bool counted;

    if (change->before[0] == '\0') {
        tg_feed_variant_init(&v);
        v.archived = 1;
    } else if (tg_feed_variant_read(&job->slice.arena, &v, change->before, strlen(change->before),
                                    NULL, NULL) != TG_OK) {
        job->slice.err = TG_ERR_MALFORMED;
        return;
    }
    v.sku = change->item;
    (void)tg_catalog_variant(&job->slice, "", &v, &want, &counted, &version); /* as above */
}

static void undo_step(struct tg_catalog_job *job)
{
    struct tg_import_change change;
    tg_err err = tg_cat_change_below(job->sale->cfg.store, &job->slice.arena, job->import.id,
                                     job->below, &change);

    if (err == TG_ERR_NOTFOUND) {
        job->phase = FINISH;
        return;
    }
    if (err != TG_OK) {
        job->slice.err = err;
        return;
    }
    job->below = change.seq;
    switch (change.kind) {
    case TG_IMPORT_PRODUCT:
        undo_product(job, &change);
        break;
    case TG_IMPORT_VARIANT:
        undo_variant(job, &change);
        break;
    case TG_IMPORT_COUNT:
        undo_count(job, &change);
        break;
    }
}

/* --- the slices --- */

static void finish(struct tg_catalog_job *job, struct tg_shop_now now)
{
    if (job->import.state == TG_IMPORT_UNDOING) {
        job->import.state = TG_IMPORT_UNDONE;
        job->import.undone_wall = now.wall;
    } else {
        job->import.state = job->import.reason[0] == '\0' ? TG_IMPORT_DONE : TG_IMPORT_FAILED;
        job->import.ended_wall = now.wall;
    }
    job->phase = ENDED;
}

static void one_step(struct tg_catalog_job *job, struct tg_shop_now now)
{
    switch (job->phase) {
    case CHECK:
    case APPLY:
        import_step(job);
        break;
    case ARCHIVE:
        archive_step(job);
        break;
    case UNDO:
        undo_step(job);
        break;
    case FINISH:
        finish(job, now);
        break;
    case ENDED:
        break;
    }
}

static void fail(struct tg_catalog_job *job, struct tg_shop_now now, tg_err err)
{
    tg_log_error("sale", "import-lost", "import=%lld err=%s reason=%s", (long long)job->import.id,
                 tg_err_name(err),
                 TG_LOG_Q(job->sale->cfg.store->ops->error(job->sale->cfg.store)));
    job->import.state = TG_IMPORT_FAILED;
    job->import.ended_wall = now.wall;
    tg_str_cut(job->import.reason, sizeof(job->import.reason),
               "The database refused. Do it again: what is there already counts as unchanged.");
    (void)save(job, false); /* if that fails too, the next start says that it was cut off */
    job->phase = ENDED;
}

bool tg_catalog_job_step(struct tg_catalog_job *job, struct tg_shop_now now)
{
    struct tg_catalog_slice *s = &job->slice;
    tg_us until = tg_clock_mono() + TG_CATALOG_SLICE_US;
    enum phase began = job->phase;
    tg_err err;

    s->dry = job->phase == CHECK || (job->import.flags & TG_IMPORT_DRY) != 0;
    tg_catalog_slice_begin(s, now);
    /* A phase ends with its slice: what it left to decide comes first. */
    for (int i = 0; s->err == TG_OK && i < STEPS_MAX && job->phase == began && began != ENDED &&
                    !tg_catalog_slice_full(s);
         i++) {
        one_step(job, now);
        if ((i & 7) == 7 && tg_clock_mono() >= until)
            break;
    }
    flush_faults(job);
    if (s->err == TG_OK)
        s->err = tg_cat_put_import(job->sale->cfg.store, &job->import);
    err = tg_catalog_slice_end(s);
    if (err != TG_OK)
        fail(job, now, err);
    return job->phase == ENDED;
}
