#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "store/catalogue_priv.h"
#include "store/read.h"
#include "store/rows_priv.h"

struct tg_read_db {
    struct tg_db db;
    struct tg_taxes taxes;
};

tg_err tg_read_db_new(struct tg_read_db **ret, const struct tg_db_cfg *cfg, char reterr[256])
{
    struct tg_read_db *r = tg_calloc(1, sizeof(*r));
    tg_err err;

    if (r == NULL) {
        (void)snprintf(reterr, 256, "out of memory");
        return TG_ERR_NOMEM;
    }
    err = tg_db_open(&r->db, cfg, TG_DB_READ, reterr);
    if (err != TG_OK) {
        tg_free(r);
        return err;
    }
    *ret = r;
    return TG_OK;
}

void tg_read_db_taxes(struct tg_read_db *db, const struct tg_taxes *taxes)
{
    db->taxes = *taxes;
}

struct tg_db *tg_read_connection(struct tg_read_db *db)
{
    return &db->db;
}

void tg_read_db_free(struct tg_read_db *db)
{
    if (db == NULL)
        return;
    tg_db_close(&db->db);
    tg_free(db);
}

struct tg_db *tg_read_conn(struct tg_read_db *db)
{
    return &db->db;
}

/* One snapshot for a read of several statements. */
static tg_err begin(struct tg_read_db *db)
{
    tg_err err = tg_db_ready(&db->db, tg_clock_mono());
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_BEGIN_READ);
    return tg_q_run(&q);
}

static tg_err end(struct tg_read_db *db, tg_err err)
{
    tg_db_rollback(&db->db); /* nothing was written */
    return err;
}

static tg_err walk_orders(struct tg_read_db *db, struct tg_q *q, tg_read_order_fn each, void *ctx)
{
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(q)) {
        struct tg_order *order = NULL;

        err = tg_row_order(&db->db, q, &order);
        if (err == TG_OK)
            err = each(ctx, order);
        else
            err = tg_row_damaged(&db->db, tg_clock_mono(), err);
        tg_order_free(order);
    }
    ended = tg_q_end(q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_orders(struct tg_read_db *db, const char *person, int64_t below, uint32_t limit,
                      tg_read_order_fn each, void *ctx)
{
    struct tg_order_filter filter = {.person = person == NULL ? "" : person,
                                     .show = UINT16_MAX,
                                     .state = -1,
                                     .below = below,
                                     .limit = limit};

    return tg_read_orders_by(db, &filter, each, ctx);
}

tg_err tg_read_orders_by(struct tg_read_db *db, const struct tg_order_filter *filter,
                         tg_read_order_fn each, void *ctx)
{
    tg_err err = begin(db);
    enum tg_sql which = TG_SQL_ORDERS_ALL;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    if (filter->person[0] != '\0')
        which = TG_SQL_ORDERS_ALL_OF_PERSON;
    else if (filter->show != UINT16_MAX)
        which = TG_SQL_ORDERS_ALL_OF_SHOW;
    q = tg_q(&db->db, which);
    tg_q_int(&q, filter->below);
    tg_q_int(&q, filter->state);
    tg_q_int(&q, filter->show == UINT16_MAX ? -1 : filter->show);
    tg_q_text(&q, filter->person);
    tg_q_int(&q, filter->since_wall);
    tg_q_int(&q, filter->limit);
    return end(db, walk_orders(db, &q, each, ctx));
}

static tg_err one_order(struct tg_read_db *db, enum tg_sql which, const char *key,
                        struct tg_order **ret)
{
    tg_err err = begin(db);

    return err == TG_OK ? end(db, tg_row_order_by(&db->db, which, key, ret)) : err;
}

static tg_err numbered_order(struct tg_read_db *db, int64_t number, struct tg_order **ret)
{
    struct tg_order *order = NULL;
    tg_err err = begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_ORDER_BY_NUMBER);
    tg_q_int(&q, number);
    err = tg_q_row(&q) ? tg_row_order(&db->db, &q, &order) : TG_ERR_NOTFOUND;
    ended = tg_q_end(&q);
    err = end(db, ended != TG_OK ? ended : err);
    if (err == TG_OK)
        *ret = order;
    else
        tg_order_free(order);
    return err;
}

tg_err tg_read_order(struct tg_read_db *db, const char *id, struct tg_order **ret)
{
    int64_t number;

    if (tg_parse_i64(&number, id, strlen(id), 1, INT64_MAX) == TG_OK)
        return numbered_order(db, number, ret);
    return one_order(db, TG_SQL_ORDER_BY_ID, id, ret);
}

tg_err tg_read_payment(struct tg_read_db *db, const char *payment, struct tg_order **ret)
{
    return one_order(db, TG_SQL_ORDER_BY_PAYMENT, payment, ret);
}

/* --- what happened to orders --- */

static tg_err walk_events(struct tg_q *q, int first, int64_t order_number, tg_read_event_fn each,
                          void *ctx)
{
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(q)) {
        bool all = first > 0;
        struct tg_event_row row = {
            .order_number = all ? tg_q_get_int(q, 0) : order_number,
            .seq = (uint32_t)tg_q_get_int(q, first),
            .kind = (enum tg_order_event)tg_q_get_int(q, first + 1),
            .actor = tg_q_get_text(q, first + 2),
            .amount = tg_q_get_int(q, first + 3),
            .data = tg_q_get_text(q, first + 4),
            .reason = tg_q_get_text(q, first + 5),
            .at_wall = tg_q_get_int(q, first + 6),
            .order_id = all ? tg_q_get_text(q, first + 7) : "",
            .currency = all ? tg_q_get_text(q, first + 8) : "",
        };

        err = tg_order_event_name(row.kind) == NULL ? TG_ERR_MALFORMED : each(ctx, &row);
    }
    ended = tg_q_end(q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_events(struct tg_read_db *db, int64_t order_number, tg_read_event_fn each, void *ctx)
{
    tg_err err = begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_ORDER_EVENTS);
    tg_q_int(&q, order_number);
    return end(db, walk_events(&q, 0, order_number, each, ctx));
}

tg_err tg_read_returns(struct tg_read_db *db, const struct tg_history_page *page,
                       tg_read_event_fn each, void *ctx)
{
    tg_err err = begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_ALL_RETURNS);
    tg_q_int(&q, page->order_number);
    tg_q_int(&q, page->number);
    tg_q_int(&q, page->show == UINT16_MAX ? -1 : page->show);
    tg_q_int(&q, page->limit);
    return end(db, walk_events(&q, 1, 0, each, ctx));
}

static tg_err walk_intents(struct tg_q *q, tg_read_intent_fn each, void *ctx)
{
    tg_err err = TG_OK;
    tg_err ended;

    while (err == TG_OK && tg_q_row(q)) {
        struct tg_intent_row row = {
            .order_number = tg_q_get_int(q, 0),
            .currency = tg_q_get_text(q, 7),
            .order_id = tg_q_get_text(q, 10),
            .payment = tg_q_get_text(q, 11),
            .intent = {.number = (uint32_t)tg_q_get_int(q, 1),
                       .kind = (enum tg_intent_kind)tg_q_get_int(q, 2),
                       .state = (enum tg_intent_state)tg_q_get_int(q, 3),
                       .amount = tg_q_get_int(q, 6),
                       .asked_wall = tg_q_get_int(q, 8),
                       .changed_wall = tg_q_get_int(q, 9),
                       .asks = (uint32_t)tg_q_get_int(q, 12)},
        };

        tg_q_copy_text(q, 4, row.intent.provider, sizeof(row.intent.provider));
        tg_q_copy_text(q, 5, row.intent.reference, sizeof(row.intent.reference));
        err = tg_intent_kind_name(row.intent.kind) == NULL ||
                      tg_intent_state_name(row.intent.state) == NULL
                  ? TG_ERR_MALFORMED
                  : each(ctx, &row);
    }
    ended = tg_q_end(q);
    return err != TG_OK ? err : ended;
}

tg_err tg_read_intents(struct tg_read_db *db, const struct tg_history_page *page,
                       tg_read_intent_fn each, void *ctx)
{
    tg_err err = begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_ALL_INTENTS);
    tg_q_int(&q, page->order_number);
    tg_q_int(&q, page->number);
    tg_q_int(&q, page->state);
    tg_q_int(&q, page->show == UINT16_MAX ? -1 : page->show);
    tg_q_int(&q, page->limit);
    return end(db, walk_intents(&q, each, ctx));
}

/* --- codes --- */

static tg_err walk_codes(struct tg_read_db *db, struct tg_q *q, tg_read_code_fn each, void *ctx,
                         tg_err none)
{
    tg_err err = none;
    bool any = false;
    tg_err ended;

    while ((err == TG_OK || !any) && tg_q_row(q)) {
        char show[TG_SHOW_ID_MAX + 1];
        struct tg_discount *d = NULL;

        any = true;
        err = tg_row_discount(&db->db, q, &d, show);
        if (err == TG_OK)
            err = each(ctx, d, show);
        tg_discount_free(d);
    }
    ended = tg_q_end(q);
    return ended != TG_OK ? ended : err;
}

tg_err tg_read_codes(struct tg_read_db *db, const char *above, uint32_t limit, tg_read_code_fn each,
                     void *ctx)
{
    tg_err err = begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_CODES_AFTER);
    tg_q_text(&q, above);
    tg_q_int(&q, limit);
    return end(db, walk_codes(db, &q, each, ctx, TG_OK));
}

tg_err tg_read_code(struct tg_read_db *db, const char *code, tg_read_code_fn each, void *ctx)
{
    tg_err err = begin(db);
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_CODE);
    tg_q_text(&q, code);
    return end(db, walk_codes(db, &q, each, ctx, TG_ERR_NOTFOUND));
}

/* --- stock --- */

tg_err tg_read_stock(struct tg_read_db *db, const char *above, uint32_t limit,
                     tg_read_stock_fn each, void *ctx)
{
    tg_err err = begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_STOCK_PAGE);
    tg_q_text(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        char sku[TG_SKU_MAX + 1];
        char location[TG_LOCATION_SIZE];
        const struct tg_stock_read row = {.sku = sku,
                                          .available = (int32_t)tg_q_get_int(&q, 1),
                                          .rules = {.safety = (int32_t)tg_q_get_int(&q, 2),
                                                    .order_max = (int32_t)tg_q_get_int(&q, 3),
                                                    .person_max = (int32_t)tg_q_get_int(&q, 4)},
                                          .location = location,
                                          .count = {.on_hand = (int32_t)tg_q_get_int(&q, 6),
                                                    .held = (int32_t)tg_q_get_int(&q, 7),
                                                    .sold = (int32_t)tg_q_get_int(&q, 8)},
                                          .version = tg_q_get_int(&q, 9)};

        tg_q_copy_text(&q, 0, sku, sizeof(sku));
        tg_q_copy_text(&q, 5, location, sizeof(location));
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return end(db, err != TG_OK ? err : ended);
}

tg_err tg_read_movements(struct tg_read_db *db, const char *sku, int64_t below, uint32_t limit,
                         tg_read_movement_fn each, void *ctx)
{
    tg_err err = begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_MOVEMENTS_OF);
    tg_q_text(&q, sku);
    tg_q_int(&q, below);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        char location[TG_LOCATION_SIZE];
        char actor[TG_PERSON_ID_SIZE];
        char cause[TG_CAUSE_SIZE];
        const struct tg_movement_read row = {.id = tg_q_get_int(&q, 0),
                                             .location = location,
                                             .movement = (enum tg_movement)tg_q_get_int(&q, 2),
                                             .qty = (int32_t)tg_q_get_int(&q, 3),
                                             .order = tg_q_get_int(&q, 4),
                                             .actor = actor,
                                             .cause = cause,
                                             .at_wall = tg_q_get_int(&q, 7),
                                             .as_of_wall = tg_q_get_int(&q, 8)};

        tg_q_copy_text(&q, 1, location, sizeof(location));
        tg_q_copy_text(&q, 5, actor, sizeof(actor));
        tg_q_copy_text(&q, 6, cause, sizeof(cause));
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return end(db, err != TG_OK ? err : ended);
}

static tg_err left_at(struct tg_read_db *db, const char *sku, uint16_t location, int32_t *ret)
{
    struct tg_q q;

    *ret = sku[0] == '\0' ? -1 : 0;
    if (sku[0] == '\0')
        return TG_OK;
    q = tg_q(&db->db, TG_SQL_STOCK_AT);
    tg_q_text(&q, sku);
    tg_q_int(&q, location);
    if (tg_q_row(&q))
        *ret = (int32_t)tg_q_get_int(&q, 0);
    return tg_q_end(&q);
}

tg_err tg_read_locations(struct tg_read_db *db, const char *sku, tg_read_location_fn each,
                         void *ctx)
{
    tg_err err = begin(db);
    tg_err ended;
    struct tg_q q;

    if (err != TG_OK)
        return err;
    q = tg_q(&db->db, TG_SQL_LOCATIONS);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_location l;
        int32_t left;

        tg_row_location(&q, &l);
        err = left_at(db, sku, l.ord, &left);
        if (err == TG_OK)
            err = each(ctx, &l, left);
    }
    ended = tg_q_end(&q);
    return end(db, err != TG_OK ? err : ended);
}

/* --- catalogue --- */

static tg_err count_rows(struct tg_read_db *db, enum tg_sql which, size_t *ret)
{
    struct tg_q q = tg_q(&db->db, which);
    size_t count = 0;
    tg_err err;

    while (tg_q_row(&q))
        count++;
    err = tg_q_end(&q);
    if (err == TG_OK)
        *ret = count;
    return err;
}

static void fill_product(struct tg_product_view *view, const struct tg_q *q)
{
    struct tg_product p;

    tg_row_product(q, &p);
    tg_str_cut(view->id, sizeof(view->id), p.id);
    tg_str_cut(view->title, sizeof(view->title), p.title);
    tg_str_cut(view->description, sizeof(view->description), p.description);
    tg_str_cut(view->image, sizeof(view->image), p.image);
    tg_str_cut(view->image_alt, sizeof(view->image_alt), p.image_alt);
    view->number = p.number;
}

static void fill_variant(struct tg_variant_view *view, const struct tg_q *q,
                         const struct tg_taxes *taxes)
{
    struct tg_variant v;

    tg_row_variant(q, 1, &v);
    tg_str_cut(view->sku, sizeof(view->sku), v.sku);
    tg_str_cut(view->options, sizeof(view->options), v.options);
    view->price = tg_variant_price(&v);
    view->compare_at = tg_variant_compare_at(&v);
    view->price_until_wall_us = v.flash >= 0 ? v.flash_until_wall : -1;
    view->lowest = tg_variant_lowest(&v);
    view->price_left = tg_variant_flash_left(&v);
    view->tax_bp = tg_tax_rate(taxes, v.tax_class);
    view->available = (int32_t)tg_q_get_int(q, 19);
}

static tg_err fill_products(struct tg_read_db *db, struct tg_catalog *catalog)
{
    struct tg_q q = tg_q(&db->db, TG_SQL_SHOP_PRODUCTS);

    for (uint32_t i = 0; i < catalog->product_count && tg_q_row(&q); i++)
        fill_product(&catalog->products[i], &q);
    return tg_q_end(&q);
}

/* Variants come in the order of their products' numbers, which is that of the products. */
static tg_err fill_variants(struct tg_read_db *db, struct tg_catalog *catalog)
{
    struct tg_q q = tg_q(&db->db, TG_SQL_SHOP_VARIANTS);
    uint32_t product = 0;

    for (uint32_t i = 0; i < catalog->variant_count && tg_q_row(&q); i++) {
        const char *id = tg_q_get_text(&q, 0);

        while (product < catalog->product_count && strcmp(catalog->products[product].id, id) != 0)
            product++;
        if (product == catalog->product_count)
            break;
        if (catalog->products[product].variant_count++ == 0)
            catalog->products[product].variant_first = i;
        fill_variant(&catalog->variants[i], &q, &db->taxes);
    }
    return tg_q_end(&q);
}

static tg_err build(struct tg_read_db *db, struct tg_catalog **ret)
{
    struct tg_catalog *catalog;
    size_t products = 0;
    size_t variants = 0;
    tg_err err = count_rows(db, TG_SQL_SHOP_PRODUCTS, &products);

    if (err == TG_OK)
        err = count_rows(db, TG_SQL_SHOP_VARIANTS, &variants);
    if (err != TG_OK)
        return err;
    catalog = tg_catalog_new(products, variants);
    if (catalog == NULL)
        return TG_ERR_NOMEM;
    err = fill_products(db, catalog);
    if (err == TG_OK)
        err = fill_variants(db, catalog);
    if (err != TG_OK) {
        tg_catalog_unref(catalog);
        return err;
    }
    *ret = catalog;
    return TG_OK;
}

tg_err tg_read_catalog(struct tg_read_db *db, const char *currency, int32_t stock_band,
                       struct tg_catalog **ret)
{
    struct tg_catalog *catalog = NULL;
    tg_err err = begin(db);

    if (err != TG_OK)
        return err;
    err = end(db, build(db, &catalog));
    if (err != TG_OK) {
        tg_catalog_unref(catalog);
        return err;
    }
    tg_str_cut(catalog->currency, sizeof(catalog->currency), currency);
    catalog->stock_band = stock_band;
    *ret = catalog;
    return TG_OK;
}

/* --- tokens and reports --- */

tg_err tg_read_tokens(struct tg_read_db *db, uint32_t above, uint32_t limit, tg_read_token_fn each,
                      void *ctx)
{
    struct tg_q q = tg_q(&db->db, TG_SQL_ALL_TOKENS);
    tg_err err = TG_OK;
    tg_err ended;

    tg_q_int(&q, above);
    tg_q_int(&q, limit);
    while (err == TG_OK && tg_q_row(&q)) {
        struct tg_token_row row = {.ordinal = (uint32_t)tg_q_get_int(&q, 0),
                                   .roles = (uint32_t)tg_q_get_int(&q, 1),
                                   .publish_only = tg_q_get_int(&q, 2) != 0,
                                   .expires_wall = tg_q_get_int(&q, 4),
                                   .created_wall = tg_q_get_int(&q, 6),
                                   .revoked_wall = -1};

        tg_q_copy_text(&q, 3, row.show, sizeof(row.show));
        tg_q_copy_text(&q, 5, row.label, sizeof(row.label));
        if (!tg_q_is_null(&q, 7))
            row.revoked_wall = tg_q_get_int(&q, 7);
        err = each(ctx, &row);
    }
    ended = tg_q_end(&q);
    return err != TG_OK ? err : ended;
}

static tg_err report_sources(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    struct tg_q q = tg_q(&db->db, TG_SQL_REPORT_SOURCES);

    tg_q_int(&q, show);
    while (ret->source_count < TG_ARRAY_LEN(ret->sources) && tg_q_row(&q)) {
        uint32_t i = ret->source_count++;

        tg_q_copy_text(&q, 0, ret->sources[i].source, sizeof(ret->sources[i].source));
        ret->sources[i].orders = tg_q_get_int(&q, 1);
        ret->sources[i].amount = tg_q_get_int(&q, 2);
    }
    return tg_q_end(&q);
}

static tg_err report_states(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    struct tg_q q = tg_q(&db->db, TG_SQL_REPORT);

    tg_q_int(&q, show);
    while (tg_q_row(&q)) {
        int64_t state = tg_q_get_int(&q, 0);

        if (state < 0 || state >= TG_ORDER_STATE_COUNT)
            continue;
        ret->by_state[state] = (struct tg_report_part){.orders = tg_q_get_int(&q, 1),
                                                       .units = tg_q_get_int(&q, 2),
                                                       .amount = tg_q_get_int(&q, 3),
                                                       .cost = tg_q_get_int(&q, 4),
                                                       .buyers = tg_q_get_int(&q, 5)};
    }
    return tg_q_end(&q);
}

tg_err tg_read_report(struct tg_read_db *db, uint16_t show, struct tg_report *ret)
{
    struct tg_report report = {.source_count = 0};
    tg_err err = begin(db);

    if (err != TG_OK)
        return err;
    err = report_states(db, show, &report);
    if (err == TG_OK)
        err = report_sources(db, show, &report);
    err = end(db, err);
    if (err == TG_OK)
        *ret = report;
    return err;
}
