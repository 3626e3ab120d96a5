/* Changes of stock, places and stock rules as claims. */
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "msg/stock.h"
#include "sale/sale_priv.h"

_Static_assert((int)TG_CHANGE_TAKE_BACK == (int)TG_STOCK_TAKE_BACK &&
                   (int)TG_CHANGE_HOW_COUNT == (int)TG_STOCK_HOW_COUNT,
               "the message names changes as the shop does");
_Static_assert((int)TG_PLACE_PROMISE == (int)TG_LOCATION_PROMISE,
               "the message names kinds of places as the shop does");

/* What the claim points to; one block, freed with the item. */
struct place_mem {
    struct tg_location_change change;
};

struct rules_mem {
    struct tg_rules_change change;
    struct tg_part_row parts[TG_BUNDLE_PARTS_MAX];
};

static void fill_row(struct tg_stock_row *row, const struct tg_stock_change *from)
{
    row->how = (enum tg_stock_how)from->how;
    tg_str_cut(row->sku, sizeof(row->sku), from->sku);
    tg_str_cut(row->location, sizeof(row->location), from->location);
    tg_str_cut(row->to, sizeof(row->to), from->to);
    row->value = from->value;
    row->counted_wall = from->counted_wall_us;
    row->if_version = from->if_version;
    row->newest_count_wall = -1;
    tg_str_cut(row->cause, sizeof(row->cause), from->cause);
}

static uint64_t digest_row(uint64_t digest, const struct tg_stock_row *row)
{
    digest = tg_idem_digest_int(digest, row->how);
    digest = tg_idem_digest_str(digest, row->sku);
    digest = tg_idem_digest_str(digest, row->location);
    digest = tg_idem_digest_str(digest, row->to);
    digest = tg_idem_digest_int(digest, row->value);
    digest = tg_idem_digest_int(digest, row->counted_wall);
    digest = tg_idem_digest_int(digest, row->if_version);
    return tg_idem_digest_str(digest, row->cause);
}

static bool rows_claim(struct tg_item *item)
{
    const struct tg_stock_changes *changes = item->req->stock;
    struct tg_stock_row *rows = tg_calloc(changes->count, sizeof(*rows));

    if (rows == NULL)
        return false;
    item->mem = rows;
    item->claim.kind = TG_CLAIM_STOCK_ROWS;
    item->claim.op = "http.stock.rows";
    item->claim.rows = rows;
    item->claim.row_count = changes->count;
    item->claim.all_or_nothing = changes->all;
    item->digest = tg_idem_digest_int(item->digest, changes->all);
    for (uint32_t i = 0; i < changes->count; i++) {
        fill_row(&rows[i], &changes->rows[i]);
        item->digest = digest_row(item->digest, &rows[i]);
    }
    return true;
}

static bool place_claim(struct tg_item *item)
{
    const struct tg_place_change *p = item->req->place;
    struct place_mem *mem = tg_calloc(1, sizeof(*mem));
    struct tg_location *l;

    if (mem == NULL)
        return false;
    item->mem = mem;
    l = &mem->change.location;
    mem->change.make = p->make;
    *l = (struct tg_location){.kind = (enum tg_location_kind)p->kind,
                              .priority = p->priority,
                              .closed = p->closed,
                              .show = p->show,
                              .ships_from_wall = p->ships_from_wall_us};
    tg_str_cut(l->id, sizeof(l->id), p->id);
    tg_str_cut(l->name, sizeof(l->name), p->name);
    tg_str_cut(l->address, sizeof(l->address), p->address);
    tg_str_cut(l->hours, sizeof(l->hours), p->hours);
    item->claim.kind = TG_CLAIM_LOCATION;
    item->claim.op = "http.location";
    item->claim.location_change = &mem->change;
    item->digest = tg_idem_digest(item->digest, p, sizeof(*p)); /* zeroed when it was made */
    return true;
}

static bool rules_claim(struct tg_item *item)
{
    const struct tg_stock_rules_def *def = item->req->rules;
    struct rules_mem *mem = tg_calloc(1, sizeof(*mem));

    if (mem == NULL)
        return false;
    item->mem = mem;
    mem->change = (struct tg_rules_change){.sku = item->req->key,
                                           .rules = {.safety = def->safety,
                                                     .order_max = def->order_max,
                                                     .person_max = def->person_max},
                                           .set_parts = def->set_parts,
                                           .parts = mem->parts,
                                           .part_count = def->part_count};
    for (uint32_t i = 0; i < def->part_count; i++) {
        tg_str_cut(mem->parts[i].sku, sizeof(mem->parts[i].sku), def->parts[i].sku);
        mem->parts[i].qty = def->parts[i].qty;
    }
    item->claim.kind = TG_CLAIM_STOCK_RULES;
    item->claim.op = "http.stock.rules";
    item->claim.rules_change = &mem->change;
    item->digest = tg_idem_digest_str(item->digest, item->req->key);
    item->digest = tg_idem_digest(item->digest, def, sizeof(*def));
    return true;
}

/* A batch keeps two effects a row in memory, and a count looks at all of them. */
static bool rows_fit(struct tg_sale *sale, const struct tg_item *item, struct tg_verdict *out)
{
    sale->rows += item->claim.row_count;
    if (sale->rows <= TG_SALE_ROWS_MAX)
        return true;
    out->code = TG_CODE_BUSY;
    tg_str_cut(out->message, sizeof(out->message), "Much stock is changing; ask again.");
    return false;
}

bool tg_stock_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out)
{
    const struct tg_sale_req *req = item->req;
    bool ok = false;

    if ((req->who.roles & (req->what == TG_SALE_PLACE ? TG_ROLE_ADMIN : TG_ROLE_MAY_PRICE)) == 0)
        return tg_request_forbid(out);
    if (req->what == TG_SALE_STOCK_LOOK) {
        item->claim.kind = TG_CLAIM_STOCK_ROWS;
        item->claim.sku = req->key;
        item->claim.id = ""; /* looking is not remembered */
        return true;
    }
    if (req->what == TG_SALE_STOCK_ROWS)
        ok = rows_claim(item);
    else if (req->what == TG_SALE_PLACE)
        ok = place_claim(item);
    else
        ok = rules_claim(item);
    return ok ? rows_fit(sale, item, out) : tg_request_no_memory(out);
}
