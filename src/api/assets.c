#include "api/assets.h"

#include <string.h>

const struct tg_asset *tg_asset_find(const struct tg_assets *assets, const char *name, size_t len)
{
    size_t low = 0;
    size_t high = assets->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct tg_asset *row = &assets->rows[mid];
        int order = strncmp(row->name, name, len);

        if (order == 0 && row->name[len] != '\0')
            order = 1; /* name is only its beginning */
        if (order == 0)
            return row;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
