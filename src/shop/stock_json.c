#include "shop/stock_json.h"

#include "base/clock.h"

void tg_stock_write_open(struct tg_jo *j, const char *key, const struct tg_stock_view *view)
{
    tg_jo_obj(j, key);
    tg_jo_str(j, "sku", view->sku);
    tg_jo_int(j, "available", view->available);
    tg_jo_int(j, "safety", view->rules.safety);
    tg_jo_int(j, "order_max", view->rules.order_max);
    tg_jo_int(j, "person_max", view->rules.person_max);
}

void tg_stock_write_place(struct tg_jo *j, const char *location, const struct tg_stock_count *count)
{
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "location", location);
    tg_jo_int(j, "on_hand", count->on_hand);
    tg_jo_int(j, "held", count->held);
    tg_jo_int(j, "sold", count->sold);
    tg_jo_end_obj(j);
}

void tg_stock_write(struct tg_jo *j, const char *key, const struct tg_variant *v)
{
    const struct tg_stock_view view = {.sku = v->sku,
                                       .available = tg_variant_available(v),
                                       .version = tg_variant_version(v),
                                       .rules = v->rules};

    tg_stock_write_open(j, key, &view);
    tg_jo_arr(j, "places");
    for (uint32_t i = 0; i < v->place_count; i++)
        tg_stock_write_place(j, v->places[i].at->id, &v->places[i].count);
    tg_jo_end_arr(j);
    tg_jo_arr(j, "parts");
    for (uint32_t i = 0; i < v->part_count; i++) {
        tg_jo_obj(j, NULL);
        tg_jo_str(j, "sku", v->parts[i].item->sku);
        tg_jo_int(j, "qty", v->parts[i].qty);
        tg_jo_end_obj(j);
    }
    tg_jo_end_arr(j);
    tg_jo_int(j, "version", view.version);
    tg_jo_end_obj(j);
}

void tg_location_write_open(struct tg_jo *j, const struct tg_location *l, bool staff)
{
    char text[TG_RFC3339_SIZE];

    tg_jo_str(j, "id", l->id);
    tg_jo_str(j, "kind", tg_location_kind_name(l->kind));
    tg_jo_str(j, "name", l->name);
    tg_jo_str(j, "address", l->address);
    tg_jo_str(j, "hours", l->hours);
    if (!staff)
        return;
    tg_jo_int(j, "priority", l->priority);
    tg_jo_bool(j, "closed", l->closed);
    if (l->ships_from_wall >= 0) {
        tg_rfc3339(text, l->ships_from_wall);
        tg_jo_str(j, "ships_from", text);
    } else {
        tg_jo_null(j, "ships_from");
    }
}

void tg_location_write(struct tg_jo *j, const char *key, const struct tg_location *l, bool staff)
{
    tg_jo_obj(j, key);
    tg_location_write_open(j, l, staff);
    tg_jo_end_obj(j);
}
