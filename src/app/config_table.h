/*
 * config_table.h - the rows of the configuration. See config.h.
 */
#ifndef TG_APP_CONFIG_TABLE_H
#define TG_APP_CONFIG_TABLE_H

#include "app/config.h"
#include "base/macros.h"

enum tg_cfg_type {
    TG_CFG_TEXT,     /* any text shorter than TG_CFG_TEXT_SIZE */
    TG_CFG_CHOICE,   /* one of `choices` */
    TG_CFG_HOSTPORT, /* host:port, *:port, or off */
    TG_CFG_INT,      /* min..max */
    TG_CFG_BOOL,     /* true or false */
    TG_CFG_LIST,     /* a YAML list of texts; in the environment separated by commas */
    TG_CFG_LATER,    /* known, but its part of torg is not built yet: refused in those words */
};

struct tg_cfg_row {
    const char *key; /* section.name */
    enum tg_cfg_type type;
    bool reload; /* SIGHUP applies a new value */
    size_t offset;
    const char *def;  /* as it would stand in YAML */
    const char *unit; /* "" = none */
    int64_t min;
    int64_t max;
    const char *choices; /* "a|b|c" */
    const char *help;
};

extern const struct tg_cfg_row tg_cfg_rows[];
extern const size_t tg_cfg_row_count; /* <= TG_CFG_ROWS_MAX */

/* NULL = no such key. */
const struct tg_cfg_row *tg_cfg_row_find(const char *key);
/* Fills key and reason (cut when too long) and returns MALFORMED. */
tg_err tg_config_refuse(struct tg_config_error *reterr, const char *key, const char *fmt, ...)
    TG_PRINTF(3, 4);

#endif
