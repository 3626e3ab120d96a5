/* Stock, places and stock rules: what staff, tills and the shop's own system change and read. */
#include <string.h>

#include "api/channel_parse.h"
#include "api/req.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "msg/stock.h"

/* Which changes an address takes: a mask of 1 << enum tg_change_how. */
enum {
    COUNTS = 1 << TG_CHANGE_SET | 1 << TG_CHANGE_ADJUST | 1 << TG_CHANGE_RECEIVE,
    MOVES = 1 << TG_CHANGE_TRANSFER,
    GRANTS = 1 << TG_CHANGE_GRANT | 1 << TG_CHANGE_TAKE_BACK,
};

static const char *const hows[TG_CHANGE_HOW_COUNT] = {"set",      "adjust", "receive",
                                                      "transfer", "grant",  "take_back"};
static const char *const kinds[TG_PLACE_KINDS] = {"warehouse", "store", "allotment", "promise"};

static bool read_int(struct tg_req *q, const json_t *object, const char *field, int64_t min,
                     int64_t max, int64_t *ret)
{
    const json_t *value = json_object_get(object, field);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < min ||
        json_integer_value(value) > max)
        return tg_req_wrong(q, field, "a whole number in its range");
    *ret = json_integer_value(value);
    return true;
}

static bool read_time(struct tg_req *q, const json_t *object, const char *field, int64_t *ret)
{
    const json_t *value = json_object_get(object, field);
    const char *text = json_string_value(value);

    if (value == NULL || json_is_null(value))
        return true;
    *ret = text == NULL ? -1 : tg_time_parse(text);
    return *ret >= 0 || tg_req_wrong(q, field, "a time, like 2026-05-28T20:26:40Z");
}

/* --- one change --- */

/* Exactly one of the members that the address takes. */
static bool read_how(struct tg_req *q, const json_t *object, unsigned takes,
                     struct tg_stock_change *row)
{
    char names[128] = "";
    char detail[192];
    int64_t value = 0;
    unsigned found = 0;

    for (int how = 0; how < TG_CHANGE_HOW_COUNT; how++) {
        const char *name = hows[how];
        const json_t *given = json_object_get(object, name);

        if ((takes & 1U << how) == 0)
            continue;
        if (names[0] != '\0')
            tg_str_printf(names + strlen(names), sizeof(names) - strlen(names), ", ");
        tg_str_printf(names + strlen(names), sizeof(names) - strlen(names), "%s", name);
        if (given == NULL || json_is_null(given))
            continue; /* a till's null is "not counted", never a count of none */
        if (!read_int(q, object, name, -TG_STOCK_MAX, TG_STOCK_MAX, &value))
            return false;
        row->how = (uint8_t)how;
        found++;
    }
    row->value = (int32_t)value;
    if (found == 1)
        return true;
    tg_str_printf(detail, sizeof(detail), "%s: give one of %s.",
                  found == 0 ? "Nothing to change" : "Too much at once", names);
    tg_reply_problem(q, 400, "rows", detail);
    return false;
}

static bool read_change(struct tg_req *q, json_t *object, unsigned takes,
                        struct tg_stock_change *row)
{
    row->counted_wall_us = -1;
    row->if_version = -1;
    return read_how(q, object, takes, row) &&
           tg_req_text(q, object, "location", row->location, sizeof(row->location), false) &&
           tg_req_text(q, object, "to", row->to, sizeof(row->to), row->how == TG_CHANGE_TRANSFER) &&
           tg_req_text(q, object, "cause", row->cause, sizeof(row->cause), false) &&
           read_time(q, object, "counted_at", &row->counted_wall_us);
}

static struct tg_stock_changes *new_changes(struct tg_req *q, size_t count)
{
    struct tg_stock_changes *changes =
        tg_calloc(1, sizeof(*changes) + count * sizeof(changes->rows[0]));

    if (changes == NULL)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    else
        changes->count = (uint32_t)count;
    return changes;
}

static void ask_changes(struct tg_req *q, struct tg_stock_changes *take_changes)
{
    struct tg_sale_req *msg = tg_req_sale(q, TG_SALE_STOCK_ROWS);

    if (msg == NULL) {
        tg_free(take_changes);
        return;
    }
    msg->stock = take_changes;
    tg_req_ask_sale(q, msg);
}

/* --- many changes --- */

static bool read_rows(struct tg_req *q, const json_t *rows, unsigned takes,
                      struct tg_stock_changes *changes)
{
    json_t *object;
    size_t i;

    json_array_foreach(rows, i, object)
    {
        struct tg_stock_change *row = &changes->rows[i];

        if (!json_is_object(object))
            return tg_req_wrong(q, "rows", "a list of objects");
        if (!tg_req_text(q, object, "sku", row->sku, sizeof(row->sku), true) ||
            !read_change(q, object, takes, row) ||
            !read_int(q, object, "if_version", 0, INT64_MAX, &row->if_version))
            return false;
    }
    return true;
}

static void many(struct tg_req *q, unsigned takes)
{
    json_t *body = tg_req_json(q);
    const json_t *rows = json_object_get(body, "rows");
    const json_t *all = json_object_get(body, "all_or_nothing");
    struct tg_stock_changes *changes = NULL;

    if (body == NULL)
        return;
    if (!json_is_array(rows) || json_array_size(rows) < 1 ||
        json_array_size(rows) > TG_STOCK_ROWS_MAX)
        (void)tg_req_wrong(q, "rows", "a list of 1 to 1000 changes");
    else if (all != NULL && !json_is_boolean(all))
        (void)tg_req_wrong(q, "all_or_nothing", "true or false");
    else
        changes = new_changes(q, json_array_size(rows));
    if (changes != NULL) {
        changes->all = !json_is_false(all);
        if (read_rows(q, rows, takes, changes))
            ask_changes(q, changes);
        else
            tg_free(changes);
    }
    json_decref(body);
}

void tg_h_stock_post(struct tg_req *q)
{
    many(q, COUNTS);
}

void tg_h_stock_transfers(struct tg_req *q)
{
    many(q, MOVES);
}

void tg_h_stock_grants(struct tg_req *q)
{
    many(q, GRANTS);
}

/* --- one item --- */

/* The version in If-Match; -1 = none was sent, or "*". */
static bool read_if_match(struct tg_req *q, int64_t *ret)
{
    char tags[TG_IF_MATCH_MAX + 1];
    size_t len;

    *ret = -1;
    if (q->if_match[0] == '\0' && !q->if_match_long)
        return true;
    if (!q->if_match_long && tg_if_match_parse(tags, sizeof(tags), q->if_match) == TG_OK) {
        len = strlen(tags);
        if (strcmp(tags, "*") == 0)
            return true;
        if (len > 3 && tags[0] == '"' && tags[1] == 'v' && tags[len - 1] == '"' &&
            tg_parse_i64(ret, tags + 2, len - 3, 0, INT64_MAX) == TG_OK)
            return true;
        *ret = INT64_MAX; /* a tag, but none that an item ever has */
        return true;
    }
    tg_reply_problem(q, 400, "If-Match", "If-Match is * or the ETag as it came.");
    return false;
}

void tg_h_stock_patch(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_stock_changes *changes;
    json_t *body;
    int64_t version;

    if (!tg_req_key(q, sku, sizeof(sku), "product") || !read_if_match(q, &version))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    changes = new_changes(q, 1);
    if (changes != NULL && read_change(q, body, COUNTS, &changes->rows[0])) {
        changes->all = true;
        changes->rows[0].if_version = version;
        tg_str_cut(changes->rows[0].sku, sizeof(changes->rows[0].sku), sku);
        ask_changes(q, changes);
    } else {
        tg_free(changes);
    }
    json_decref(body);
}

void tg_h_stock_item(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_sale_req *msg;

    if (!tg_req_key(q, sku, sizeof(sku), "product"))
        return;
    msg = tg_req_sale(q, TG_SALE_STOCK_LOOK);
    if (msg == NULL)
        return;
    tg_str_cut(msg->key, sizeof(msg->key), sku);
    tg_req_ask_sale(q, msg);
}

static bool read_parts(struct tg_req *q, const json_t *body, struct tg_stock_rules_def *def)
{
    const json_t *parts = json_object_get(body, "parts");
    json_t *object;
    size_t i;

    if (parts == NULL)
        return true;
    if (!json_is_array(parts) || json_array_size(parts) > TG_BUNDLE_PARTS_MAX)
        return tg_req_wrong(q, "parts", "a list of at most 16 parts");
    def->set_parts = true;
    json_array_foreach(parts, i, object)
    {
        int64_t qty = 0;

        if (!json_is_object(object) ||
            !tg_req_text(q, object, "sku", def->parts[i].sku, sizeof(def->parts[i].sku), true) ||
            !read_int(q, object, "qty", 1, TG_QTY_MAX, &qty))
            return json_is_object(object) ? false : tg_req_wrong(q, "parts", "a list of objects");
        if (qty == 0)
            return tg_req_wrong(q, "qty", "given for each part");
        def->parts[i].qty = (int32_t)qty;
        def->part_count++;
    }
    return true;
}

static bool read_rules(struct tg_req *q, const json_t *body, struct tg_stock_rules_def *def)
{
    int64_t safety = 0;
    int64_t order_max = 0;
    int64_t person_max = 0;

    if (!read_int(q, body, "safety", 0, TG_STOCK_MAX, &safety) ||
        !read_int(q, body, "order_max", 0, TG_QTY_MAX, &order_max) ||
        !read_int(q, body, "person_max", 0, TG_STOCK_MAX, &person_max) || !read_parts(q, body, def))
        return false;
    def->safety = (int32_t)safety;
    def->order_max = (int32_t)order_max;
    def->person_max = (int32_t)person_max;
    return true;
}

void tg_h_stock_rules(struct tg_req *q)
{
    struct tg_stock_rules_def *def = NULL;
    struct tg_sale_req *msg = NULL;
    char sku[TG_SKU_MAX + 1];
    json_t *body;

    if (!tg_req_key(q, sku, sizeof(sku), "product"))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    def = tg_calloc(1, sizeof(*def));
    if (def == NULL)
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
    else if (read_rules(q, body, def))
        msg = tg_req_sale(q, TG_SALE_STOCK_RULES);
    json_decref(body);
    if (msg == NULL) {
        tg_free(def);
        return;
    }
    msg->rules = def;
    tg_str_cut(msg->key, sizeof(msg->key), sku);
    tg_req_ask_sale(q, msg);
}

/* --- lists --- */

static void read_list(struct tg_req *q, enum tg_read_what what, const char *query)
{
    struct tg_read_req *msg = tg_req_read(q, what);

    if (msg == NULL)
        return;
    if (tg_req_query(q, query, msg->key, sizeof(msg->key)))
        tg_req_ask_read(q, msg);
    else
        tg_msg_free(msg);
}

void tg_h_stock(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_STOCK);
    char since[24];

    if (msg == NULL)
        return;
    if (!tg_req_query(q, "location", msg->key, sizeof(msg->key)) ||
        !tg_req_query(q, "changed_since", since, sizeof(since))) {
        tg_msg_free(msg);
    } else if (since[0] != '\0' &&
               tg_parse_i64(&msg->moved_after, since, strlen(since), 0, INT64_MAX) != TG_OK) {
        tg_msg_free(msg);
        tg_reply_problem(q, 400, "changed_since",
                         "\"changed_since\" must be the \"position\" of an earlier answer.");
    } else {
        tg_req_ask_read(q, msg);
    }
}

void tg_h_locations(struct tg_req *q)
{
    read_list(q, TG_READ_LOCATIONS, "sku");
}

void tg_h_stock_movements(struct tg_req *q)
{
    char sku[TG_SKU_MAX + 1];
    struct tg_read_req *msg;

    if (!tg_req_key(q, sku, sizeof(sku), "product"))
        return;
    msg = tg_req_read(q, TG_READ_MOVEMENTS);
    if (msg == NULL)
        return;
    tg_str_cut(msg->key, sizeof(msg->key), sku);
    tg_req_ask_read(q, msg);
}

/* --- places --- */

static bool read_kind(struct tg_req *q, json_t *body, struct tg_place_change *place)
{
    char text[16];

    if (!tg_req_text(q, body, "kind", text, sizeof(text), false))
        return false;
    for (size_t kind = 0; kind < TG_PLACE_KINDS; kind++)
        if (strcmp(text, kinds[kind]) == 0) {
            place->kind = (uint8_t)kind;
            return true;
        }
    return tg_req_wrong(q, "kind", "warehouse, store, allotment or promise");
}

static bool read_show(struct tg_req *q, json_t *body, struct tg_place_change *place)
{
    char id[TG_SHOW_ID_MAX + 1];
    struct tg_show_info show;

    place->show = UINT16_MAX;
    if (!tg_req_text(q, body, "show", id, sizeof(id), false))
        return false;
    if (id[0] == '\0')
        return true;
    if (tg_registry_show_get(q->w->web->cfg.registry, id, strlen(id), &show) != TG_OK)
        return tg_req_wrong(q, "show", "a show of this server");
    place->show = show.ord;
    return true;
}

static bool read_place(struct tg_req *q, json_t *body, struct tg_place_change *place)
{
    const json_t *closed = json_object_get(body, "closed");
    int64_t priority = 100;

    place->ships_from_wall_us = -1;
    if (closed != NULL && !json_is_boolean(closed))
        return tg_req_wrong(q, "closed", "true or false");
    place->closed = json_is_true(closed);
    if (!read_kind(q, body, place) || !read_show(q, body, place) ||
        !tg_req_text(q, body, "name", place->name, sizeof(place->name), true) ||
        !tg_req_text(q, body, "address", place->address, sizeof(place->address), false) ||
        !tg_req_text(q, body, "hours", place->hours, sizeof(place->hours), false) ||
        !read_int(q, body, "priority", 0, 1000, &priority) ||
        !read_time(q, body, "ships_from", &place->ships_from_wall_us))
        return false;
    place->priority = (int32_t)priority;
    return true;
}

static void put_place(struct tg_req *q, bool make)
{
    struct tg_place_change *place = tg_calloc(1, sizeof(*place));
    struct tg_sale_req *msg = NULL;
    json_t *body = NULL;

    if (place == NULL) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    place->make = make;
    if (make || tg_req_key(q, place->id, sizeof(place->id), "location"))
        body = tg_req_json(q);
    if (body != NULL && (!make || tg_req_text(q, body, "id", place->id, sizeof(place->id), true)) &&
        read_place(q, body, place))
        msg = tg_req_sale(q, TG_SALE_PLACE);
    json_decref(body);
    if (msg == NULL) {
        tg_free(place);
        return;
    }
    msg->place = place;
    tg_req_ask_sale(q, msg);
}

void tg_h_location_create(struct tg_req *q)
{
    put_place(q, true);
}

void tg_h_location_put(struct tg_req *q)
{
    put_place(q, false);
}
