/* Stock, places and rules as JSON, from memory as it is after the decision. */
#include <string.h>

#include "base/str.h"
#include "sale/sale_priv.h"
#include "shop/stock_json.h"

static void row_write(struct tg_jo *j, const struct tg_stock_row *row, bool undone)
{
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "sku", row->sku);
    tg_jo_str(j, "location", row->location[0] == '\0' ? TG_LOCATION_MAIN : row->location);
    tg_jo_bool(j, "ok", row->code == TG_CODE_OK && !undone);
    if (row->code != TG_CODE_OK) {
        tg_jo_str(j, "code", tg_code_name(row->code));
        tg_jo_str(j, "message", row->message);
    } else if (undone) {
        tg_jo_str(j, "code", tg_code_name(TG_CODE_CONFLICT));
        tg_jo_str(j, "message", "Not done: another row was refused.");
    } else {
        tg_jo_int(j, "done", row->done);
        tg_jo_int(j, "on_hand", row->on_hand);
        tg_jo_int(j, "held", row->held);
        tg_jo_int(j, "sold", row->sold);
        tg_jo_int(j, "available", row->available);
        tg_jo_int(j, "version", row->version);
    }
    tg_jo_end_obj(j);
}

void tg_answer_rows(struct tg_jo *j, const struct tg_item *item, bool undone)
{
    const struct tg_claim *c = &item->claim;

    tg_jo_arr(j, "rows");
    for (uint32_t i = 0; i < c->row_count; i++)
        row_write(j, &c->rows[i], undone);
    tg_jo_end_arr(j);
}

void tg_answer_item(struct tg_jo *j, struct tg_item *item, const struct tg_variant *v)
{
    tg_stock_write(j, "stock", v);
    tg_str_printf(item->etag, sizeof(item->etag), "\"v%lld\"", (long long)tg_variant_version(v));
}
