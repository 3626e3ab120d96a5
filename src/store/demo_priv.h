/* demo_priv.h - the demo's products in further languages. */
#ifndef TG_STORE_DEMO_PRIV_H
#define TG_STORE_DEMO_PRIV_H

#include <stddef.h>

struct tg_demo_texts {
    const char *product;
    const char *json; /* what torg's own feed format says of it: {"texts": {...}} */
};
/* Static; *ret_count of them, each of a product of tg_demo_catalogue. */
const struct tg_demo_texts *tg_demo_texts(size_t *ret_count);

#endif
