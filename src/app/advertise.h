/*
 * advertise.h - rtc.advertise: what viewers are told to send to, as addresses.
 */
#ifndef TG_APP_ADVERTISE_H
#define TG_APP_ADVERTISE_H

#include <stdbool.h>
#include <stddef.h>

#include "app/config.h"

/* An IP address that can be reached, or a host name by its form. Looks nothing up. */
bool tg_advertise_valid(const char *text);
/*
 * Addresses of all items, names looked up (blocks: at start only), at most max, each once. Errors:
 * NOTFOUND (*reterr_item cannot be resolved; why: *reterr_why, static text), LIMIT (more than max).
 */
TG_MUST_CHECK tg_err tg_advertise_resolve(const struct tg_cfg_list *list, struct tg_addr *out,
                                          size_t max, size_t *ret_count, const char **reterr_item,
                                          const char **reterr_why);
/* Nobody outside can send there: private, link-local, unique local or loopback. */
bool tg_advertise_private(const struct tg_addr *addr);

#endif
