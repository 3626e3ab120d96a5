/*
 * config_left.h - what torgd leaves in its data directory: the configuration it runs with, so that
 * torgctl finds the same shop when no server runs. DIR/torgd.yaml, mode 0600; no secrets, for the
 * configuration holds none (they come from files). torgd writes it at each start and never reads
 * it.
 */
#ifndef TG_APP_CONFIG_LEFT_H
#define TG_APP_CONFIG_LEFT_H

#include "app/config.h"

/* Paths are made absolute; the demo may use the sandbox. Errors: IO (what an
 * earlier start left is gone, too: it may name another shop), LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_config_leave(const struct tg_config *cfg, const char *data_dir, bool demo);
/* Reads it over what is in cfg. NOTFOUND: no torgd that leaves one ran here. Else: as
 * tg_config_load. */
TG_MUST_CHECK tg_err tg_config_left(struct tg_config *cfg, const char *data_dir,
                                    struct tg_config_error *reterr);
/* Where the shop is: a PostgreSQL URL, or a file's path. LIMIT. */
TG_MUST_CHECK tg_err tg_config_store(const struct tg_config *cfg, const char *data_dir,
                                     char out[TG_CFG_TEXT_SIZE]);

#endif
