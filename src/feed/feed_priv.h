/* feed_priv.h - what the files of this room share. */
#ifndef TG_FEED_FEED_PRIV_H
#define TG_FEED_FEED_PRIV_H

#include "base/map.h"
#include "feed/feed.h"

struct json_t;

#define TG_FEED_BLANKS " \t\r\n" /* around what a cell or element says */

enum {
    TG_FEED_ROW_MAX = 512 * 1024,      /* bytes of one CSV row */
    TG_FEED_COLUMNS_MAX = 512,         /* Shopify with metafields has a hundred or two */
    TG_FEED_FAULTS_MAX = 64,           /* kept of one product; the last says how many more */
    TG_FEED_DEPTH_MAX = 32,            /* of XML elements and JSON objects */
    TG_FEED_SEEN_MAX = TG_VARIANTS_MAX /* handles and parents remembered */
};

/* --- CSV and TSV --- */

struct tg_csv_cell {
    uint32_t at; /* into the row's bytes */
    uint32_t len;
};

struct tg_csv {
    char separator;
    uint32_t line;     /* that is being read */
    uint32_t row_line; /* where the row began */
    enum { TG_CSV_START, TG_CSV_PLAIN, TG_CSV_QUOTED, TG_CSV_QUOTE, TG_CSV_SKIP } state;
    bool row_begun;
    bool saw_cr;
    bool lone_cr; /* within the row a CR stood that no LF followed */
    uint8_t *row; /* the cells' bytes, each with its NUL; TG_FEED_ROW_MAX */
    size_t used;
    size_t cap;
    struct tg_csv_cell *cells; /* TG_FEED_COLUMNS_MAX */
    uint32_t cell_count;
    const char *wrong; /* why the row cannot be read; NULL = fine */
};

/* Errors: NOMEM. */
tg_err tg_csv_init(struct tg_csv *c, char separator);
void tg_csv_done(struct tg_csv *c);
/* Eats bytes until a row is complete (true) or they are used up. Call tg_csv_next_row() after a
 * row. NOMEM is told by *reterr. */
bool tg_csv_input(struct tg_csv *c, const uint8_t *data, size_t len, size_t *ret_used,
                  tg_err *reterr);
/* The file has ended: true = there was a last row without a line end. */
bool tg_csv_end(struct tg_csv *c);
void tg_csv_next_row(struct tg_csv *c);
/* Would a spreadsheet run this cell? Ours go out with a ' in front, as WooCommerce's do, and come
 * in without it; so do those that begin with a ' before such a character. */
bool tg_csv_runs(const char *text);
static inline const char *tg_csv_cell(const struct tg_csv *c, uint32_t index)
{
    return (const char *)c->row + c->cells[index].at;
}

/* --- the feed --- */

struct tg_feed_ops {
    /* Eats from f->in; returns with something ready, or with all eaten. */
    void (*step)(struct tg_feed *f);
    /* The bytes have ended: the last product. May be called until nothing is ready. */
    void (*end)(struct tg_feed *f);
    void (*done)(struct tg_feed *f);
};

struct tg_feed {
    struct tg_feed_cfg cfg;
    enum tg_feed_format format;
    const struct tg_feed_ops *ops;
    const uint8_t *in;
    size_t in_len;
    bool ended;
    bool finished; /* ops->end has nothing more */
    tg_err err;
    uint32_t line;      /* of formats without struct tg_csv */
    uint8_t head[4096]; /* AUTO: what came until the format is clear */
    size_t head_len;
    size_t head_at; /* given on already */
    bool bom_done;

    struct tg_feed_arena arenas[2];
    struct tg_feed_arena *building;
    struct tg_feed_product product; /* in building */
    bool open;                      /* product has begun */
    bool spoiled;                   /* a fault makes the whole product void */
    bool ready;
    bool given;                 /* ... and the caller has it */
    struct tg_feed_product out; /* in the other arena */
    struct tg_feed_fault faults[TG_FEED_FAULTS_MAX];
    size_t fault_count;
    size_t fault_next;
    size_t fault_more; /* not kept */

    struct tg_csv csv;
    bool csv_ready;
    bool headed; /* the header row was read */
    uint32_t column_count;
    int16_t columns[96]; /* the format's own numbers -> index of the cell, -1 = none */
    struct tg_map seen;  /* owns what the format remembers */
    void *state;         /* the format's own */
    void *parser;        /* ... of google_xml.c */
};

/* A fault about the product or row at hand. */
void tg_feed_say(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                 const char *reason, const char *fix);
/* ... and reading stops. */
void tg_feed_stop(struct tg_feed *f, uint32_t line, const char *field, const char *reason,
                  const char *fix);
struct tg_feed_product *tg_feed_open(struct tg_feed *f, uint32_t line);
/* The product is complete: it is `ready` unless spoiled or without use. */
void tg_feed_close(struct tg_feed *f);
/* Remember a text; *ret_new false when it was there. The value is a copy of `value` (may be NULL).
 */
tg_err tg_feed_see(struct tg_feed *f, const char *key, const char *value, bool *ret_new);
const char *tg_feed_seen(const struct tg_feed *f, const char *key);

/* --- fields, with their faults; NULL or false: told already --- */

/* One line: each run of blanks with a tab or line end in it becomes one blank. Stored documents
 * have no line ends in titles, names and the like. */
const char *tg_feed_f_text(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                           size_t max);
/* ... as it is, where line ends are allowed. */
const char *tg_feed_f_lines(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                            size_t max);
const char *tg_feed_f_sku(struct tg_feed *f, uint32_t line, const char *field, const char *value);
const char *tg_feed_f_gtin(struct tg_feed *f, uint32_t line, const char *field, const char *value);
/* In the shop's currency: one that is named must be it. */
bool tg_feed_f_money(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                     int64_t *ret);
bool tg_feed_f_count(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                     int64_t *ret);
/* A picture into a list; false: told. */
bool tg_feed_f_picture(struct tg_feed *f, uint32_t line, const char *field, const char *url,
                       const char *alt, struct tg_feed_pictures *list);
/* "A > B": trimmed steps, joined by " > ". */
bool tg_feed_f_category(struct tg_feed *f, uint32_t line, const char *field, const char *value,
                        struct tg_feed_names *list);
bool tg_feed_f_attribute(struct tg_feed *f, uint32_t line, const char *field, const char *name,
                         const char *value, struct tg_feed_pairs *list);
bool tg_feed_f_option(struct tg_feed *f, uint32_t line, const char *field, const char *name,
                      const char *value, struct tg_feed_pairs *list);
/* Are the options what a variant can hold, each name once? Told when not. */
bool tg_feed_f_options_ok(struct tg_feed *f, uint32_t line, const struct tg_feed_pairs *options);

/* A sale price and when it holds, as the row says it; "" = no price, no bound. */
struct tg_feed_sale {
    const char *field;
    const char *price;
    const char *from_field;
    const char *from;
    const char *to_field;
    const char *to;
};
/* Price and, when lower and now, sale price into v. sale NULL = the file has no such column:
 * compare_at stays as it was. */
bool tg_feed_f_prices(struct tg_feed *f, struct tg_feed_variant *v, const char *field,
                      const char *price, const struct tg_feed_sale *sale);

/* --- table.c --- */

/* Fill f->columns from the header row by these names (case is ignored); false: a needed one is
 * missing, reading has stopped. The first `needed` of names are needed. */
bool tg_feed_header(struct tg_feed *f, const char *const *names, size_t count, size_t needed);
/* The cell of a column, trimmed; "" when the file does not have it. */
const char *tg_feed_cell(struct tg_feed *f, size_t column);
bool tg_feed_has(const struct tg_feed *f, size_t column);
/* Feeds rows to `row` until one made something ready. The step of CSV formats. */
void tg_feed_rows(struct tg_feed *f, void (*row)(struct tg_feed *f));

/* --- doc.c: one parsed JSON product for json.c --- */
tg_err tg_feed_take_json(struct tg_feed *f, const char *json, size_t len, uint32_t line);

/* --- export_csv.c --- */

/* NULL = the product has no attribute of this name. */
const char *tg_export_attribute(const struct tg_feed_product *p, const char *name);
void tg_export_shopify_head(struct tg_buf *out);
void tg_export_shopify(const struct tg_export *x, struct tg_buf *out,
                       const struct tg_feed_product *p, const int64_t *available);
void tg_export_woo_head(struct tg_buf *out);
void tg_export_woo(const struct tg_export *x, struct tg_buf *out, const struct tg_feed_product *p,
                   const int64_t *available);

extern const struct tg_feed_ops tg_feed_google_xml;
extern const struct tg_feed_ops tg_feed_google_tsv;
extern const struct tg_feed_ops tg_feed_shopify;
extern const struct tg_feed_ops tg_feed_woo;
extern const struct tg_feed_ops tg_feed_torg;

/* google.c: an item's attributes in any order, then the item. */
struct tg_google_item;
tg_err tg_google_begin(struct tg_feed *f, uint32_t line);
void tg_google_field(struct tg_feed *f, const char *name, const char *value);
void tg_google_end(struct tg_feed *f);

#endif
