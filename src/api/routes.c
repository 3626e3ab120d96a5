/* Every address that the server answers to, and what it takes to be answered. */
#include "api/req.h"

#include "base/macros.h"

enum {
    OPEN = 0,
    BODY = TG_HTTP_BODY_MAX,
    WHOLE = TG_ROUTE_WHOLE_SHOP,
    LOGIN = TG_ROUTE_LOGIN,
    CORS = TG_ROUTE_CORS_ANY,
    KEYED = TG_ROUTE_IDEMPOTENT,
    WATCH = TG_ROUTE_CORS_ANY | TG_ROUTE_VIDEO,
    WHIP = WATCH | TG_ROUTE_PUBLISH,
    SEND = WHIP | TG_ROUTE_LOGIN,
    SENDER = TG_ROLE_HOST | TG_ROLE_ADMIN,
};

const struct tg_route tg_routes[] = {
    /* pages */
    {TG_GET, "/", tg_h_page, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/s/{show}", tg_h_page, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/studio/{show}", tg_h_page, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/desk/{show}", tg_h_page, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/account", tg_h_page, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/pay/sandbox/{payment}", tg_h_page, OPEN, 0, TG_RATE_PAGE, 0},
    /* operators */
    {TG_GET, "/healthz", tg_h_healthz, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/readyz", tg_h_readyz, OPEN, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/metrics", tg_h_metrics, OPEN, 0, TG_RATE_READ, 0},
    /* API */
    {TG_GET, "/api/v1/openapi.json", tg_h_openapi, OPEN, CORS, TG_RATE_READ, 0},
    {TG_GET, "/api/v1/asyncapi.json", tg_h_asyncapi, OPEN, CORS, TG_RATE_READ, 0},
    {TG_GET, "/api/v1/session", tg_h_session_get, OPEN, 0, TG_RATE_READ, 0},
    {TG_POST, "/api/v1/session", tg_h_session_post, OPEN, 0, TG_RATE_LOGIN, BODY},
    {TG_DELETE, "/api/v1/session", tg_h_session_delete, OPEN, 0, TG_RATE_WRITE, 0},
    {TG_POST, "/api/v1/session/code", tg_h_session_code, TG_ROLE_MAY_RUN, 0, TG_RATE_WRITE, BODY},
    {TG_GET, "/api/v1/shows", tg_h_shows, OPEN, 0, TG_RATE_READ, 0},
    {TG_POST, "/api/v1/shows", tg_h_show_create, TG_ROLE_ADMIN, WHOLE, TG_RATE_WRITE, BODY},
    {TG_GET, "/api/v1/shows/{show}", tg_h_show, OPEN, 0, TG_RATE_READ, 0},
    {TG_GET, "/api/v1/products", tg_h_products, OPEN, 0, TG_RATE_READ, 0},
    {TG_GET, "/api/v1/orders", tg_h_orders, OPEN, LOGIN, TG_RATE_READ, 0},
    {TG_POST, "/api/v1/orders", tg_h_order_buy, OPEN, LOGIN | KEYED, TG_RATE_BUY, BODY},
    {TG_GET, "/api/v1/carts/mine", tg_h_cart, OPEN, LOGIN, TG_RATE_READ, 0},
    {TG_PUT, "/api/v1/carts/mine/lines/{sku}", tg_h_cart_line_put, OPEN, LOGIN, TG_RATE_CART, BODY},
    {TG_DELETE, "/api/v1/carts/mine/lines/{sku}", tg_h_cart_line_delete, OPEN, LOGIN, TG_RATE_CART,
     0},
    {TG_POST, "/api/v1/carts/mine/merge", tg_h_cart_merge, OPEN, LOGIN, TG_RATE_CART, BODY},
    {TG_POST, "/api/v1/carts/mine/checkout", tg_h_cart_checkout, OPEN, LOGIN | KEYED, TG_RATE_BUY,
     BODY},
    {TG_GET, "/api/v1/orders/{order}", tg_h_order, OPEN, LOGIN, TG_RATE_READ, 0},
    {TG_POST, "/api/v1/orders/{order}/cancel", tg_h_order_cancel, OPEN, LOGIN | KEYED,
     TG_RATE_WRITE, BODY},
    {TG_GET, "/api/v1/payments/{payment}", tg_h_payment, OPEN, 0, TG_RATE_READ, 0},
    {TG_POST, "/api/v1/payments/{payment}/sandbox", tg_h_payment_sandbox, OPEN, KEYED,
     TG_RATE_WRITE, BODY},
    {TG_GET, "/api/v1/tokens", tg_h_tokens, TG_ROLE_ADMIN, WHOLE, TG_RATE_READ, 0},
    {TG_POST, "/api/v1/tokens", tg_h_token_create, TG_ROLE_ADMIN, WHOLE, TG_RATE_WRITE, BODY},
    {TG_DELETE, "/api/v1/tokens/{token}", tg_h_token_revoke, TG_ROLE_ADMIN, WHOLE, TG_RATE_WRITE,
     0},
    {TG_GET, "/api/v1/reports/{show}", tg_h_report, TG_ROLE_STAFF, 0, TG_RATE_READ, 0},
    /* video; the first row of a path also rules its OPTIONS */
    {TG_POST, "/whep/{show}", tg_h_whep, OPEN, WATCH, TG_RATE_WHEP, TG_SDP_MAX},
    {TG_GET, "/whep/{show}", tg_h_whep_get, OPEN, WATCH, TG_RATE_WHEP, 0},
    {TG_POST, "/whep/{show}/", tg_h_whep_slash, OPEN, WATCH, TG_RATE_WHEP, TG_SDP_MAX},
    {TG_PATCH, "/whep/{show}/{session}", tg_h_whep_patch, OPEN, WATCH, TG_RATE_WHEP, TG_SDP_MAX},
    {TG_DELETE, "/whep/{show}/{session}", tg_h_whep_delete, OPEN, WATCH, TG_RATE_WHEP, 0},
    {TG_GET, "/whep/{show}/{session}", tg_h_rtc_empty, OPEN, WATCH, TG_RATE_WHEP, 0},
    {TG_GET, "/whep/{show}/{session}/layer", tg_h_whep_layer_get, OPEN, CORS, TG_RATE_LAYER, 0},
    {TG_POST, "/whep/{show}/{session}/layer", tg_h_whep_layer, OPEN, CORS, TG_RATE_LAYER, BODY},
    {TG_POST, "/whep/{show}/{session}/sse", tg_h_whep_events, OPEN, CORS, TG_RATE_LAYER, BODY},
    {TG_GET, "/whep/{show}/{session}/sse/{stream}", tg_h_whep_events_get, OPEN, CORS, TG_RATE_LAYER,
     0},
    {TG_DELETE, "/whep/{show}/{session}/sse/{stream}", tg_h_whep_events_end, OPEN, CORS,
     TG_RATE_LAYER, 0},
    {TG_POST, "/whip", tg_h_whip_no_show, SENDER, SEND, TG_RATE_WHIP_PATCH, TG_SDP_MAX},
    {TG_POST, "/whip/", tg_h_whip_no_show, SENDER, SEND, TG_RATE_WHIP_PATCH, TG_SDP_MAX},
    {TG_POST, "/whip/{show}", tg_h_whip, SENDER, SEND, TG_RATE_WHIP_PATCH, TG_SDP_MAX},
    {TG_GET, "/whip/{show}", tg_h_rtc_empty, OPEN, WHIP, TG_RATE_WHIP_PATCH, 0},
    {TG_POST, "/whip/{show}/", tg_h_whip_slash, OPEN, WHIP, TG_RATE_WHIP_PATCH, TG_SDP_MAX},
    {TG_PATCH, "/whip/{show}/{session}", tg_h_whip_patch, SENDER, SEND, TG_RATE_WHIP_PATCH,
     TG_SDP_MAX},
    {TG_DELETE, "/whip/{show}/{session}", tg_h_whip_delete, SENDER, SEND, TG_RATE_WHIP_PATCH, 0},
    {TG_GET, "/whip/{show}/{session}", tg_h_rtc_empty, OPEN, WHIP, TG_RATE_WHIP_PATCH, 0},
    {TG_GET, "/hls/*", tg_h_later, OPEN, CORS, TG_RATE_PAGE, 0},
};
const size_t tg_route_count = TG_ARRAY_LEN(tg_routes);

/* The files of the pages: what no row knows. */
const struct tg_route tg_route_files = {TG_GET, "/*", tg_h_asset, OPEN, 0, TG_RATE_PAGE, 0};
