/*
 * config_renditions.c - media.renditions: "480p:1200" is 480 lines of the shorter side at 1200
 * kbit/s. The largest comes first, because its place in the list is its layer.
 */
#include <string.h>

#include "app/config_table.h"
#include "base/str.h"

enum { LINES_MIN = 120, LINES_MAX = 1080, KBPS_MIN = 50, KBPS_MAX = 10000 };

static const char key[] = "media.renditions";

static tg_err parse(struct tg_rendition *ret, const char *text)
{
    const char *p = strstr(text, "p:");
    int64_t lines = 0;
    int64_t kbps = 0;
    tg_err err = TG_ERR_MALFORMED;

    if (p != NULL)
        err = tg_parse_i64(&lines, text, (size_t)(p - text), LINES_MIN, LINES_MAX);
    if (err == TG_OK)
        err = tg_parse_i64(&kbps, p + 2, strlen(p + 2), KBPS_MIN, KBPS_MAX);
    if (err != TG_OK)
        return err;
    *ret = (struct tg_rendition){.lines = (uint16_t)lines, .kbps = (uint16_t)kbps};
    return TG_OK;
}

tg_err tg_config_renditions(const struct tg_config *cfg, struct tg_rendition ret[TG_RENDITIONS_MAX],
                            size_t *ret_count, struct tg_config_error *reterr)
{
    const struct tg_cfg_list *list = &cfg->media_renditions;

    if (list->count > TG_RENDITIONS_MAX)
        return tg_config_refuse(reterr, key, "has more than %d entries", TG_RENDITIONS_MAX);
    for (size_t i = 0; i < list->count; i++) {
        if (parse(&ret[i], list->items[i]) != TG_OK)
            return tg_config_refuse(
                reterr, key,
                "\"%.40s\" is no rendition such as 480p:1200 (%d to %d p, %d to %d "
                "kbit/s)",
                list->items[i], LINES_MIN, LINES_MAX, KBPS_MIN, KBPS_MAX);
        if (i > 0 && ret[i].lines >= ret[i - 1].lines)
            return tg_config_refuse(reterr, key,
                                    "\"%.40s\" is not smaller than \"%.40s\" before it",
                                    list->items[i], list->items[i - 1]);
    }
    *ret_count = list->count;
    return TG_OK;
}
