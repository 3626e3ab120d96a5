/* Which configuration and database the operator means. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/config_left.h"
#include "base/str.h"
#include "ctl/session.h"

/* "FILE:LINE: KEY REASON", without the parts that are not known. */
static tg_err refused(const struct tg_config_error *why, tg_err err, char reterr[800])
{
    const char *blank = why->key[0] != '\0' ? " " : "";

    if (why->line > 0)
        (void)snprintf(reterr, 800, "%.400s:%u: %s%s%s", why->file, why->line, why->key, blank,
                       why->reason);
    else
        (void)snprintf(reterr, 800, "%.400s%s%s%s%s", why->file, why->file[0] != '\0' ? ": " : "",
                       why->key, blank, why->reason);
    return err;
}

static tg_err base_of(struct tg_config *ret, const struct ctl_where *where, char ret_source[600],
                      struct tg_config_error *why)
{
    tg_err err;

    tg_config_defaults(ret);
    if (where->config != NULL) {
        (void)snprintf(ret_source, 600, "%.500s", where->config);
        return tg_config_load(ret, where->config, why);
    }
    err = tg_config_left(ret, where->data_dir, why);
    if (err == TG_ERR_NOTFOUND) {
        (void)snprintf(ret_source, 600, "the defaults (no torgd has run on %.500s)",
                       where->data_dir);
        return TG_OK;
    }
    (void)snprintf(ret_source, 600, "what torgd last ran with (%.500s/torgd.yaml)",
                   where->data_dir);
    return err;
}

/* The environment must not lead elsewhere unseen: a restore there would be of no use. */
static tg_err same_store(const struct tg_config *config, const struct ctl_where *where,
                         const char *before, char reterr[800])
{
    char now[TG_CFG_TEXT_SIZE];
    char left[600];

    if (where->config != NULL || tg_config_store(config, where->data_dir, now) != TG_OK)
        return TG_OK;
    (void)snprintf(left, sizeof(left), "%.500s/torgd.yaml", where->data_dir);
    if (strcmp(before, now) == 0 || access(left, F_OK) != 0)
        return TG_OK;
    (void)snprintf(reterr, 800,
                   "the shop of %.200s was last in %.200s, but TORG_STORE_URL says %.200s; say "
                   "which with --config FILE",
                   where->data_dir, before, now);
    return TG_ERR_MALFORMED;
}

tg_err ctl_settings(struct tg_config *ret, const struct ctl_where *where, char ret_source[600],
                    char reterr[800])
{
    struct tg_config_error why = {0};
    char before[TG_CFG_TEXT_SIZE] = "";
    tg_err err = base_of(ret, where, ret_source, &why);

    if (err == TG_OK)
        err = tg_config_store(ret, where->data_dir, before);
    if (err == TG_OK)
        err = tg_config_env(ret, (const char *const *)environ, &why);
    if (err == TG_OK)
        err = tg_config_check(ret, &why);
    if (err != TG_OK)
        return refused(&why, err, reterr);
    return same_store(ret, where, before, reterr);
}

tg_err ctl_database(const struct tg_config *config, const struct ctl_where *where,
                    char text[TG_CFG_TEXT_SIZE], struct tg_db_cfg *ret)
{
    tg_err err = tg_config_store(config, where->data_dir, text);

    *ret = (struct tg_db_cfg){.url = text, .password_file = config->store_password_file};
    return err;
}
