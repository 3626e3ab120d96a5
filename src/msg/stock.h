/*
 * stock.h - changes of stock, places and stock rules, as staff or the shop's own system asked for
 * them: checked for shape and types only.
 */
#ifndef TG_MSG_STOCK_H
#define TG_MSG_STOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

enum {
    TG_PLACE_ID_SIZE = 33,
    TG_PLACE_ADDRESS_SIZE = 256,
    TG_PLACE_HOURS_SIZE = 512,
    TG_STOCK_CAUSE_SIZE = 81
};

/* The same numbers as enum tg_stock_how and enum tg_location_kind of shop/stock.h. */
enum tg_change_how {
    TG_CHANGE_SET,
    TG_CHANGE_ADJUST,
    TG_CHANGE_RECEIVE,
    TG_CHANGE_TRANSFER,
    TG_CHANGE_GRANT,
    TG_CHANGE_TAKE_BACK,
    TG_CHANGE_HOW_COUNT
};
enum { TG_PLACE_WAREHOUSE, TG_PLACE_STORE, TG_PLACE_ALLOTMENT, TG_PLACE_PROMISE, TG_PLACE_KINDS };

struct tg_stock_change {
    uint8_t how; /* enum tg_change_how */
    char sku[TG_SKU_MAX + 1];
    char location[TG_PLACE_ID_SIZE]; /* "" = main */
    char to[TG_PLACE_ID_SIZE];       /* transfer */
    int32_t value;
    int64_t counted_wall_us; /* set: when it was counted; -1 = now */
    int64_t if_version;      /* -1 = whatever it is */
    char cause[TG_STOCK_CAUSE_SIZE];
};

struct tg_stock_changes {
    uint32_t count;
    bool all; /* all or nothing */
    struct tg_stock_change rows[];
};

struct tg_place_change {
    char id[TG_PLACE_ID_SIZE];
    uint8_t kind; /* TG_PLACE_* */
    char name[TG_TITLE_SIZE];
    char address[TG_PLACE_ADDRESS_SIZE];
    char hours[TG_PLACE_HOURS_SIZE];
    int32_t priority;
    bool closed;
    bool make;                  /* it must not be there yet */
    uint16_t show;              /* of an allotment; UINT16_MAX = none */
    int64_t ships_from_wall_us; /* -1 = none */
};

/* All of a SKU's rules; parts make it a bundle. */
struct tg_stock_rules_def {
    int32_t safety;
    int32_t order_max;
    int32_t person_max;
    bool set_parts;
    uint32_t part_count;
    struct {
        char sku[TG_SKU_MAX + 1];
        int32_t qty;
    } parts[TG_BUNDLE_PARTS_MAX];
};

#endif
