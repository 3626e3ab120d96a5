/*
 * demo.h - what --demo adds: one live show, the built-in host's pictures, fresh logins.
 */
#ifndef TG_APP_DEMO_H
#define TG_APP_DEMO_H

#include "media/media.h"
#include "sale/sale.h"

struct tg_demo_logins {
    char desk[TG_TOKEN_SIZE];   /* merchandiser, host, moderator */
    char stream[TG_TOKEN_SIZE]; /* publish-only, for the demo show */
    char admin[TG_TOKEN_SIZE];
};

/*
 * Makes the show `demo` unless it exists, starts it, revokes the logins of the last start and mints
 * new ones. On main, before tg_sale_start. Errors: the store's.
 */
TG_MUST_CHECK tg_err tg_demo_boot(struct tg_sale *sale, struct tg_registry *registry,
                                  struct tg_demo_logins *ret);
/*
 * Ends the logins that a demo on this data printed: they hold until the next start, whatever it is.
 * On main, before tg_sale_start. Errors: the store's.
 */
TG_MUST_CHECK tg_err tg_demo_revoke(struct tg_sale *sale);
/* To stdout only: never to a log. rtmp_port 0 = off. */
void tg_demo_print(const struct tg_demo_logins *logins, const char *url, unsigned rtmp_port);
/* The built-in host's products with their drawings, static; *ret_count of them. */
const struct tg_demo_product *tg_demo_products(size_t *ret_count);

#endif
