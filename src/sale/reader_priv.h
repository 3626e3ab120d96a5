/* reader_priv.h - what the files of a read thread share. */
#ifndef TG_SALE_READER_PRIV_H
#define TG_SALE_READER_PRIV_H

#include "base/buf.h"
#include "base/json_out.h"
#include "sale/reader.h"
#include "shop/shop_json.h"
#include "store/catalogue.h"
#include "store/read.h"

struct tg_reader {
    struct tg_reader_cfg cfg;
    struct tg_read_db *db;
    struct tg_mailbox *mailbox;
    struct tg_thread *thread;
    struct tg_buf buf;
    char next[TG_CURSOR_SIZE];         /* of the list being answered; "" = none */
    char location[64];                 /* of the answer; "" = none */
    bool in_lang;                      /* some text of the answer is in the asker's language */
    struct tg_reader_exports *exports; /* reader_export.c's; NULL = never asked */
};

/* reader.c: what these staff see of orders; cost prices are for who may price. */
enum tg_order_view tg_reader_staff_view(const struct tg_read_req *req);

static inline const char *tg_reader_pay_base(const struct tg_reader *r)
{
    return r->cfg.allow_sandbox ? r->cfg.sandbox_base : NULL;
}

/* Order lines in the language of whoever asks: give `texts` to tg_order_write_in, then end. */
struct tg_reader_texts {
    struct tg_reader *reader;
    const char *lang;
    struct tg_langs *langs; /* of the last line */
    struct tg_line_texts texts;
};

/* A list being written. The database is asked for one row more than the page holds. */
struct tg_reader_list {
    struct tg_reader *reader;
    struct tg_jo j;
    struct tg_page page;
    enum tg_order_view view;
    const char *view_lang;
    struct tg_reader_texts in; /* of orders */
};

/* What stands in r->buf. */
void tg_reader_send(struct tg_reader *r, const struct tg_read_req *req, int status);
/* RFC 9457; field NULL = none. */
void tg_reader_problem_at(struct tg_reader *r, const struct tg_read_req *req, int status,
                          const char *code, const char *field, const char *detail);
void tg_reader_problem(struct tg_reader *r, const struct tg_read_req *req, int status,
                       const char *code, const char *detail);
/* What stands in r->buf, or the problem that err is; missing: what 404 says. */
void tg_reader_answer(struct tg_reader *r, const struct tg_read_req *req, tg_err err,
                      const char *missing);
/* RFC 3339, null for times below 0 and for never. */
void tg_reader_when(struct tg_jo *j, const char *key, tg_us wall);
/* msg/page.h; 400 was answered when false: the cursor is not this list's. */
bool tg_reader_cursor(struct tg_reader *r, const struct tg_read_req *req, char list, int64_t start,
                      int64_t *ret);
/* Answers that 400; false. */
bool tg_reader_bad_cursor(struct tg_reader *r, const struct tg_read_req *req);
/* The same of a text. */
bool tg_reader_cursor_text(struct tg_reader *r, const struct tg_read_req *req, char list,
                           char ret[TG_PAGE_KEY_SIZE]);
/* The list goes on behind `next`, whether the page is full or not. */
void tg_reader_more(struct tg_reader_list *list, int64_t next);
void tg_reader_list(struct tg_reader_list *list, struct tg_reader *r, const struct tg_read_req *req,
                    char letter, const char *name);
/* Rows to ask the database for. */
uint32_t tg_reader_rows(const struct tg_reader_list *list);
/* Closes the list and answers. */
void tg_reader_list_end(struct tg_reader_list *list, const struct tg_read_req *req, tg_err err);

/* Answers with a list that is closed already. */
void tg_reader_list_said(struct tg_reader_list *list, const struct tg_read_req *req, tg_err err);

/* reader_hooks.c: TG_READ_HOOKS and its like. */
void tg_reader_hooks(struct tg_reader *r, const struct tg_read_req *req);

/* reader_stock.c: TG_READ_STOCK, TG_READ_MOVEMENTS, TG_READ_LOCATIONS. */
void tg_reader_stock(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_movements(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_locations(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_texts(struct tg_reader_texts *t, struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_texts_end(struct tg_reader_texts *t);

/* reader_products.c: the catalogue as shoppers see it; staff's list of variants. */
void tg_reader_products(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_product(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_variants(struct tg_reader *r, const struct tg_read_req *req);
/* reader_show.c: reports, items of shows, tokens, discount codes. */
void tg_reader_report(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_show_items(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_waiting(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_tokens(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_codes(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_code(struct tg_reader *r, const struct tg_read_req *req);
/* reader_catalog.c: products and variants with all details, imports. */
void tg_reader_catalog(struct tg_reader *r, const struct tg_read_req *req);
/* reader_export.c: TG_READ_EXPORT and its like. */
void tg_reader_export(struct tg_reader *r, const struct tg_read_req *req);
void tg_reader_exports_free(struct tg_reader *r);

/* reader_orders.c */
/* The order state that is asked for, -1 = any; false: a 400 problem was answered. */
bool tg_reader_order_state(struct tg_reader *r, const struct tg_read_req *req, int *ret);
void tg_read_one_order(struct tg_reader *r, const struct tg_read_req *req);
void tg_read_order_events(struct tg_reader *r, const struct tg_read_req *req);
void tg_read_payment_page(struct tg_reader *r, const struct tg_read_req *req);
void tg_read_payment_list(struct tg_reader *r, const struct tg_read_req *req);
void tg_read_return_list(struct tg_reader *r, const struct tg_read_req *req);

#endif
