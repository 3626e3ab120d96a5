/*
 * router.h - which rule a request falls under: method, path pattern, role, rate class, body limit.
 * Pure.
 *
 * Patterns are literal segments, "{name}" for one non-empty segment, and a last "*" for any rest.
 * "{sku}" takes what the rest of its pattern, which is literal, leaves: SKUs may have slashes, and
 * a path comes with its %2F decoded. Of the rows that fit, those count that leave the fewest
 * slashes to the SKU: "…/A/prices" is the prices of "A". A row for GET serves HEAD, OPTIONS is
 * answered for every known path.
 */
#ifndef TG_API_ROUTER_H
#define TG_API_ROUTER_H

#include <stddef.h>
#include <stdint.h>

#include "api/rate.h"
#include "base/bytes.h"
#include "base/err.h"

enum tg_method {
    TG_GET,
    TG_HEAD,
    TG_POST,
    TG_PUT,
    TG_PATCH,
    TG_DELETE,
    TG_OPTIONS,
    TG_METHOD_COUNT
};

enum tg_route_flag {
    TG_ROUTE_CORS_ANY = 1 << 0,     /* any site may call it (public shows' WHEP) */
    TG_ROUTE_LOGIN = 1 << 1,        /* some credential: a resume secret or a staff token */
    TG_ROUTE_IDEMPOTENT = 1 << 2,   /* moves stock or money, or makes what must not be made twice:
                                       Idempotency-Key required */
    TG_ROUTE_WHOLE_SHOP = 1 << 3,   /* not for tokens bound to one show */
    TG_ROUTE_NO_BODY_TYPE = 1 << 4, /* the handler checks Content-Type itself */
    TG_ROUTE_PUBLISH = 1 << 5,      /* a stream key may do this, whatever its roles */
    TG_ROUTE_VIDEO = 1 << 6,        /* WHIP, WHEP: OPTIONS says what is taken (RFC 9725 s4.2) */
    TG_ROUTE_UPLOAD = 1 << 7,       /* the body goes into a file: q->upload_path */
    TG_ROUTE_LANG = 1 << 8,         /* says texts in the asker's language: ?lang=, q->lang */
    TG_ROUTE_LIST = 1 << 9,         /* a list by pages: ?cursor=, ?limit= */
    TG_ROUTE_KEY_TAKEN = 1 << 10    /* an Idempotency-Key may come; elsewhere it means nothing */
};

/* Rate classes: of addresses, of persons, of both. */
enum tg_rate_class {
    TG_RATE_PAGE,
    TG_RATE_READ,
    TG_RATE_WRITE,
    TG_RATE_LOGIN,
    TG_RATE_WHEP,
    TG_RATE_LAYER,      /* WHEP's extensions: asked often, and must not use up what offers need */
    TG_RATE_WHIP,       /* POST, per address and token: the handler takes it */
    TG_RATE_WHIP_PATCH, /* all of WHIP, per address */
    TG_RATE_SOCKET,
    TG_RATE_CHAT,
    TG_RATE_REACT,
    TG_RATE_BUY,
    TG_RATE_CART,
    TG_RATE_STAFF,
    TG_RATE_COUNT
};

/* For an address; classes of persons alone have none. */
extern const struct tg_rate_rule tg_address_rates[TG_RATE_COUNT];
/* For one person, over all their sockets and requests on a worker; per_min 0 = none. */
extern const struct tg_rate_rule tg_person_rates[TG_RATE_COUNT];

struct tg_req;
typedef void (*tg_route_fn)(struct tg_req *q);

struct tg_route {
    enum tg_method method;
    const char *pattern;
    tg_route_fn run;
    uint32_t roles; /* any of these (enum tg_role); 0 = everybody */
    uint32_t flags; /* enum tg_route_flag */
    enum tg_rate_class rate;
    uint32_t body_max; /* bytes; 0 = a body is refused */
};

enum { TG_ROUTE_PARAMS_MAX = 3 };
struct tg_match {
    const struct tg_route *route;
    struct tg_span params[TG_ROUTE_PARAMS_MAX]; /* into path; a "*" rest is the last one */
    size_t param_count;
    size_t slashes; /* in the SKU */
    uint32_t allow; /* mask of 1 << enum tg_method that the path knows; OPTIONS is always in */
};

/*
 * NOTFOUND: no row knows the path, ret->route is NULL. UNSUPPORTED: another method does; ret->allow
 * says which (also filled on OK), and ret is the path's first route, whose rules for other sites
 * hold for the refusal. OPTIONS is OK with the first route, too.
 */
TG_MUST_CHECK tg_err tg_route_find(struct tg_match *ret, const struct tg_route *rows, size_t count,
                                   enum tg_method method, const char *path, size_t len);
/* "GET, HEAD, OPTIONS" of a mask. */
void tg_route_allow(char *out, size_t size, uint32_t allow);

#endif
