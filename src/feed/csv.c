/* Rows of CSV and TSV (RFC 4180): CRLF or LF, quotes, separators and line ends within quotes. */
#include <string.h>

#include "base/alloc.h"
#include "base/macros.h"
#include "feed/feed_priv.h"

tg_err tg_csv_init(struct tg_csv *c, char separator)
{
    *c = (struct tg_csv){.separator = separator, .line = 1};
    c->cells = tg_calloc(TG_FEED_COLUMNS_MAX, sizeof(*c->cells));
    return c->cells == NULL ? TG_ERR_NOMEM : TG_OK;
}

void tg_csv_done(struct tg_csv *c)
{
    tg_free(c->cells);
    tg_free(c->row);
    *c = (struct tg_csv){0};
}

void tg_csv_next_row(struct tg_csv *c)
{
    c->used = 0;
    c->cell_count = 0;
    c->wrong = NULL;
    c->saw_cr = false;
    c->lone_cr = false;
    c->row_begun = false;
    c->state = TG_CSV_START;
}

static bool put(struct tg_csv *c, uint8_t byte, tg_err *reterr)
{
    if (c->used == c->cap) {
        size_t cap = c->cap == 0 ? 4096 : c->cap * 2;
        uint8_t *grown;

        if (cap > TG_FEED_ROW_MAX) {
            c->wrong = "The row is longer than 512 KiB: probably a quote is never closed.";
            return true;
        }
        grown = tg_realloc(c->row, cap, 1);
        if (grown == NULL) {
            *reterr = TG_ERR_NOMEM;
            return false;
        }
        c->row = grown;
        c->cap = cap;
    }
    c->row[c->used++] = byte;
    return true;
}

static void begin_cell(struct tg_csv *c)
{
    if (c->cell_count == TG_FEED_COLUMNS_MAX) {
        c->wrong = "The row has more than 512 columns.";
        return;
    }
    c->cells[c->cell_count++] = (struct tg_csv_cell){.at = (uint32_t)c->used};
}

static bool end_cell(struct tg_csv *c, tg_err *reterr)
{
    struct tg_csv_cell *cell = &c->cells[c->cell_count - 1];

    cell->len = (uint32_t)c->used - cell->at;
    return put(c, '\0', reterr);
}

static bool end_row(struct tg_csv *c)
{
    c->row_begun = false;
    return true;
}

/* One byte; true = the row is complete. */
static bool feed_byte(struct tg_csv *c, uint8_t b, tg_err *reterr)
{
    if (b == '\n')
        c->line++;
    if (!c->row_begun) {
        if (b == '\n' || b == '\r')
            return false; /* empty lines are no rows */
        c->row_begun = true;
        c->row_line = c->line;
        begin_cell(c);
    }
    if (c->saw_cr && b != '\r') {
        c->lone_cr = c->lone_cr || b != '\n';
        c->saw_cr = false;
    }
    /* Too long, too many: what follows in the line is not kept. */
    if (c->wrong != NULL && c->state != TG_CSV_SKIP)
        c->state = TG_CSV_SKIP;
    switch (c->state) {
    case TG_CSV_SKIP:
        return b == '\n' ? end_row(c) : false;
    case TG_CSV_QUOTED:
        if (b == '"')
            c->state = TG_CSV_QUOTE;
        else
            (void)put(c, b, reterr); /* told by reterr */
        return false;
    case TG_CSV_QUOTE: /* behind a quote within quotes */
        if (b == '"') {
            (void)put(c, b, reterr); /* told by reterr */
            c->state = TG_CSV_QUOTED;
            return false;
        }
        if (b != (uint8_t)c->separator && b != '\r' && b != '\n') {
            c->wrong = "Text follows a closing quote.";
            c->state = TG_CSV_SKIP;
            return false;
        }
        c->state = TG_CSV_PLAIN;
        break;
    case TG_CSV_START:
        c->state = TG_CSV_PLAIN;
        if (b == '"') {
            c->state = TG_CSV_QUOTED;
            return false;
        }
        break;
    case TG_CSV_PLAIN:
        break;
    }
    if (b == '\r') {
        c->saw_cr = true; /* before LF; a lone CR is no content in any of these formats */
        return false;
    }
    if (b == '\n')
        return end_cell(c, reterr) && end_row(c);
    if (b == (uint8_t)c->separator) {
        if (end_cell(c, reterr))
            begin_cell(c);
        c->state = TG_CSV_START;
        return false;
    }
    (void)put(c, b, reterr); /* told by reterr */
    return false;
}

bool tg_csv_input(struct tg_csv *c, const uint8_t *data, size_t len, size_t *ret_used,
                  tg_err *reterr)
{
    size_t i = 0;
    bool done = false;

    while (i < len && !done && *reterr == TG_OK)
        done = feed_byte(c, data[i++], reterr);
    *ret_used = i;
    return done && *reterr == TG_OK;
}

bool tg_csv_runs(const char *text)
{
    text += strspn(text, "'");
    return *text != '\0' && strchr("=+-@\t\r", *text) != NULL;
}

bool tg_csv_end(struct tg_csv *c)
{
    tg_err err = TG_OK;

    if (!c->row_begun)
        return false;
    if (c->state == TG_CSV_QUOTED)
        c->wrong = "A quote is opened here and never closed.";
    else if (c->wrong == NULL && !end_cell(c, &err))
        c->wrong = "There is no memory for the row.";
    return end_row(c);
}
