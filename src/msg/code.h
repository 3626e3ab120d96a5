/*
 * code.h - what a discount code should mean, as staff asked for it: checked for shape and types
 * only. Times are -1 when open.
 */
#ifndef TG_MSG_CODE_H
#define TG_MSG_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/macros.h"

struct tg_code_def {
    char code[33];
    bool percent;   /* percent_bp was given, else amount */
    int32_t bp;     /* hundredths of a percent */
    int64_t amount; /* minor units */
    char currency[4];
    int64_t minimum;
    uint16_t show; /* UINT16_MAX = every show */
    char show_id[TG_SHOW_ID_MAX + 1];
    int32_t person_max; /* 0 = no limit */
    int32_t uses_max;
    tg_us from_wall_us;
    tg_us until_wall_us;
    bool combinable;
    uint32_t sku_count;
    uint32_t person_count;
    char (*skus)[TG_SKU_MAX + 1]; /* both in its own block */
    char (*persons)[24];
};

/* Zeroed; tg_free frees. NULL: NOMEM, or more than TG_CODE_LIST_MAX. */
TG_MUST_CHECK struct tg_code_def *tg_code_def_new(size_t skus, size_t persons);

#endif
