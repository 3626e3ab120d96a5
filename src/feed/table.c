/* Tables: headers and rows of the formats that are CSV or TSV. */
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "feed/feed_priv.h"

static bool same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 0x20) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 0x20) : *b;

        /* Google writes "image link" and "image_link". */
        if (x != y && !((x == ' ' || x == '_') && (y == ' ' || y == '_')))
            return false;
    }
    return *a == *b;
}

bool tg_feed_header(struct tg_feed *f, const char *const *names, size_t count, size_t needed)
{
    TG_ASSERT(count <= TG_ARRAY_LEN(f->columns));
    f->column_count = f->csv.cell_count;
    for (uint32_t c = 0; c < f->column_count; c++) {
        for (size_t i = 0; i < count; i++) {
            if (!same_name(tg_csv_cell(&f->csv, c), names[i]))
                continue;
            if (f->columns[i] >= 0) {
                tg_feed_stop(f, f->csv.row_line, names[i], "The column stands there twice.",
                             "Leave one of them out.");
                return false;
            }
            f->columns[i] = (int16_t)c;
        }
    }
    for (size_t i = 0; i < needed; i++) {
        if (f->columns[i] < 0) {
            tg_feed_stop(f, f->csv.row_line, names[i],
                         "The first row must name the columns, and this one is missing.",
                         "Add the column, or name the right format.");
            return false;
        }
    }
    return true;
}

bool tg_feed_has(const struct tg_feed *f, size_t column)
{
    return f->columns[column] >= 0;
}

const char *tg_feed_cell(struct tg_feed *f, size_t column)
{
    struct tg_csv_cell *cell;
    char *text;

    if (f->columns[column] < 0)
        return "";
    cell = &f->csv.cells[f->columns[column]];
    text = (char *)f->csv.row + cell->at;
    while (cell->len > 0 && strchr(TG_FEED_BLANKS, text[cell->len - 1]) != NULL)
        text[--cell->len] = '\0';
    /* Google's tables are not ours to write, and know no such mark. */
    if (f->format != TG_FEED_GOOGLE_TSV && text[0] == '\'' && tg_csv_runs(text + 1))
        return text + 1;
    return text + strspn(text, TG_FEED_BLANKS);
}

/* Is what is no UTF-8 probably Latin-1? Letters of Nordic languages stand alone then. */
static bool row_utf8(struct tg_feed *f)
{
    const struct tg_csv *c = &f->csv;

    for (uint32_t i = 0; i < c->cell_count; i++) {
        const char *text = tg_csv_cell(c, i);

        if (tg_utf8_chars(text, c->cells[i].len) != SIZE_MAX)
            continue;
        tg_feed_say(f, c->row_line, "", "",
                    memchr(text, '\0', c->cells[i].len) != NULL
                        ? "The row has NUL bytes in it."
                        : "The row is not UTF-8; it looks like Latin-1 or Windows-1252.",
                    "Save the file as UTF-8: in Excel \"CSV UTF-8 (comma delimited)\".");
        return false;
    }
    return true;
}

static bool row_fine(struct tg_feed *f)
{
    const struct tg_csv *c = &f->csv;
    char reason[160];

    if (c->wrong != NULL) {
        tg_feed_say(f, c->row_line, "", "", c->wrong,
                    "Double quotes within quotes, and close each that is opened.");
        return false;
    }
    if (!row_utf8(f))
        return false;
    if (!f->headed || c->cell_count == f->column_count)
        return true;
    tg_str_printf(reason, sizeof(reason), "The row has %u columns, the header has %u.",
                  (unsigned)c->cell_count, (unsigned)f->column_count);
    tg_feed_say(f, c->row_line, "", "", reason,
                "Look for a separator or a quote too many or too few.");
    return false;
}

static void one_row(struct tg_feed *f, void (*row)(struct tg_feed *f))
{
    if (!f->headed && f->csv.lone_cr)
        tg_feed_stop(f, f->csv.row_line, "", "The lines end with CR alone, as old Macs wrote them.",
                     "Save it with LF or CRLF line ends: in Excel \"CSV UTF-8\".");
    else if (row_fine(f))
        row(f);
    else if (!f->headed)
        f->err = TG_ERR_MALFORMED;
    f->headed = true;
    tg_csv_next_row(&f->csv);
}

void tg_feed_rows(struct tg_feed *f, void (*row)(struct tg_feed *f))
{
    while (f->in_len > 0 && !f->ready && f->fault_count == 0 && f->err == TG_OK) {
        tg_err err = TG_OK;
        size_t used;
        bool got = tg_csv_input(&f->csv, f->in, f->in_len, &used, &err);

        f->in += used;
        f->in_len -= used;
        if (err != TG_OK)
            f->err = err;
        else if (got)
            one_row(f, row);
    }
    if (f->in_len > 0 || !f->ended || f->head_at < f->head_len || f->err != TG_OK || f->ready)
        return;
    if (tg_csv_end(&f->csv)) /* the last row may have no line end */
        one_row(f, row);
    else if (!f->headed)
        tg_feed_stop(f, 1, "", "The file ends before its first row, which names the columns.",
                     "It is empty or was cut off: export it anew.");
}
