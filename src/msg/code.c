#include "msg/code.h"

#include "base/alloc.h"

struct tg_code_def *tg_code_def_new(size_t skus, size_t persons)
{
    struct tg_code_def *def;

    if (skus > TG_CODE_LIST_MAX || persons > TG_CODE_LIST_MAX)
        return NULL;
    def = tg_calloc(1,
                    sizeof(*def) + skus * sizeof(def->skus[0]) + persons * sizeof(def->persons[0]));
    if (def == NULL)
        return NULL;
    def->show = UINT16_MAX;
    def->from_wall_us = -1;
    def->until_wall_us = -1;
    def->sku_count = (uint32_t)skus;
    def->person_count = (uint32_t)persons;
    def->skus = (char(*)[TG_SKU_MAX + 1])(void *)&def[1];
    def->persons = (char(*)[24])(void *)&def->skus[skus];
    return def;
}
