/*
 * req.h - one HTTP request on a web worker: what was asked, and how a handler answers.
 *
 * A handler answers at once (tg_reply_*) or asks another thread and returns (tg_req_ask_*); the
 * answer, or 503 after TG_HTTP_WAIT_S, then comes through the mailbox. Owner: its web worker.
 */
#ifndef TG_API_REQ_H
#define TG_API_REQ_H

#include <jansson.h>

#include "api/if_match.h"
#include "api/web_priv.h"
#include "base/json_out.h"
#include "msg/rtc.h"
#include "msg/sale.h"
#include "msg/web.h"

enum tg_req_state {
    TG_REQ_BODY,    /* the body is coming */
    TG_REQ_WAIT,    /* another thread will answer */
    TG_REQ_SEND,    /* the answer is going out */
    TG_REQ_STREAM,  /* the answer has begun and goes on until the stream's end (h_whep_events.h) */
    TG_REQ_DISCARD, /* refused: the answer went out, the rest of the body is read and dropped */
};

enum { TG_REQ_PATH_MAX = 512, TG_REQ_QUERY_MAX = 256, TG_REQ_ARG_SIZE = 4097 };

struct tg_req {
    struct tg_worker *w;
    struct lws *wsi;
    enum tg_req_state state;
    enum tg_method method;
    struct tg_match match;
    char path[TG_REQ_PATH_MAX];
    char host[TG_HOST_SIZE];
    char origin[TG_HOST_SIZE];
    enum tg_origin origin_class;
    struct tg_addr peer;
    bool addr_certain; /* no proxy between, or one that we trust */
    bool close;        /* the connection ends with this answer */
    bool http10;       /* HTTP/1.0 client */
    bool refused;      /* answered before the body came */
    struct tg_auth auth;
    char idempotency[TG_OP_ID_MAX + 1];
    char content_type[64];              /* without parameters, lower case */
    char if_match[TG_IF_MATCH_MAX + 1]; /* as it came; "" = not there */
    bool if_match_long;                 /* longer than that */
    char ticket[TG_RTC_TICKET_SIZE];    /* Torg-Ticket; "" = not there */
    bool ticket_bad;                    /* there, and of another form */
    char lang[TG_LANG_SIZE];      /* of TG_ROUTE_LANG: what the answer shall be in; "" = any */
    char cursor[TG_CURSOR_SIZE];  /* of TG_ROUTE_LIST */
    uint32_t limit;               /* ... rows a page */
    char query[TG_REQ_QUERY_MAX]; /* of a list: what its next page is asked with, but cursor */
    struct tg_buf body;
    int upload_fd;          /* of TG_ROUTE_UPLOAD while the body comes; -1 = none */
    char upload_path[320];  /* goes with the request unless somebody took it: "" */
    bool upload_failed;     /* the disk is full, or the like */
    uint64_t upload_digest; /* of what came; FNV-1a */
    void *map;              /* a file that is the answer; NULL = none */
    size_t map_len;
    size_t body_left; /* announced and not yet seen */
    size_t discarded;

    /* waiting; finish: what to do with WEB_REPLY instead of passing it on (NULL = pass on) */
    void (*finish)(struct tg_req *q, struct tg_web_reply *reply);
    void (*finish_rtc)(struct tg_req *q, struct tg_rtc_reply *reply); /* of RTC_REPLY, when OK */
    struct tg_dlist in_waiting;
    uint32_t slot;
    uint32_t generation;
    bool has_slot;
    tg_us deadline;

    /* the answer */
    tg_us send_by; /* when it is cut, however slowly it is read; 0 = not begun */
    int status;
    struct tg_buf head;
    struct tg_buf out;
    struct tg_slab *slab;
    struct tg_span content; /* of out, slab or a compiled-in file */
    size_t sent;
    bool head_sent;
    struct tg_events *events; /* STREAM */
};

/* req.c */
TG_MUST_CHECK struct tg_req *tg_req_new(struct tg_worker *w, struct lws *wsi);
/* NULL is legal. */
void tg_req_free(struct tg_req *q);
/* A path parameter; index < match.param_count. */
struct tg_span tg_req_param(const struct tg_req *q, size_t index);
/* 400 that names the field and the fix: "field" must be `what`. Always false. */
bool tg_req_wrong(struct tg_req *q, const char *field, const char *what);
/* The path's first text into key; false: 404 "There is no such `what`." was answered. */
bool tg_req_key(struct tg_req *q, char *key, size_t size, const char *what);
/* The show named by the first parameter; false: a 404 problem was answered. */
TG_MUST_CHECK bool tg_req_show(struct tg_req *q, struct tg_show_info *ret);
/* The body as a JSON object (caller: json_decref); NULL: a 400 problem was answered. */
TG_MUST_CHECK json_t *tg_req_json(struct tg_req *q);
/* A text member of at most size - 1 bytes into out; false: a 400 problem was answered. Absent and
 * not needed: "". */
TG_MUST_CHECK bool tg_req_text(struct tg_req *q, json_t *object, const char *field, char *out,
                               size_t size, bool needed);
/* A query argument, URL-decoded; "" when absent. False: it is too long or no UTF-8 text. */
TG_MUST_CHECK bool tg_req_arg(const struct tg_req *q, const char *name, char *out, size_t size);
/* A query argument, URL-decoded; "" when absent. False: it is too long or no UTF-8 text, and a 400
 * problem that names it was answered. */
TG_MUST_CHECK bool tg_req_query(struct tg_req *q, const char *name, char *out, size_t size);
/* "1" or "true"; absent: false. False: as above. */
TG_MUST_CHECK bool tg_req_query_flag(struct tg_req *q, const char *name, bool *ret);
/* Arguments that begin with `prefix`, one after the other from *at = 0 on: what stands behind it,
 * and the value. 1 = one more, 0 = no more, -1 = as above. */
TG_MUST_CHECK int tg_req_query_each(struct tg_req *q, const char *prefix, int *at, char *name,
                                    char *out, size_t size);
/* Ask another thread. They take the message; on a full mailbox a 503 is answered. */
void tg_req_ask_sale(struct tg_req *q, struct tg_sale_req *take_msg);
void tg_req_ask_read(struct tg_req *q, struct tg_read_req *take_msg);
void tg_req_ask_rtc(struct tg_req *q, unsigned worker, struct tg_rtc_req *take_msg);
/* New messages, with who filled in; NULL: a 503 was answered. */
TG_MUST_CHECK struct tg_sale_req *tg_req_sale(struct tg_req *q, enum tg_sale_what what);
TG_MUST_CHECK struct tg_read_req *tg_req_read(struct tg_req *q, enum tg_read_what what);

/* h_cart.c: the body read as the show channel's operation of this name, so that both ways check
 * alike. NULL: a problem was answered. The body stays the caller's. */
TG_MUST_CHECK struct tg_sale_req *tg_req_op(struct tg_req *q, json_t *body, const char *op);
/* Its "show": where it was bought; a token of one show buys there. False: a problem was answered.
 */
TG_MUST_CHECK bool tg_req_body_show(struct tg_req *q, json_t *body, uint16_t *ret);

/* http_in.c: the request's line and headers are in; checks what holds for every route. */
int tg_req_begin(struct tg_req *q, const char *path, size_t path_len);
/* The body is complete: run the handler. */
void tg_req_run(struct tg_req *q);

/* reply.c: start, headers, content, send - in this order. */
void tg_reply_start(struct tg_req *q, int status);
void tg_reply_header(struct tg_req *q, const char *name, const char *fmt, ...) TG_PRINTF(3, 4);
void tg_reply_send(struct tg_req *q, const char *type, struct tg_span content);
/* The head of an answer whose length nobody knows; the connection ends with it. */
void tg_reply_stream(struct tg_req *q, const char *type);
/* Takes the slab. */
void tg_reply_slab(struct tg_req *q, const char *type, struct tg_slab *take_slab);
/* What was written into q->out, as JSON. */
void tg_reply_json(struct tg_req *q, int status);
void tg_reply_empty(struct tg_req *q, int status);
/* RFC 9457. field NULL = none; detail says what to do. */
void tg_reply_problem(struct tg_req *q, int status, const char *field, const char *detail);
/* Retry-After, when the status that was begun with, or the problem that comes, asks for it. */
void tg_reply_again(struct tg_req *q, const struct tg_slab *problem);
void tg_reply_retry(struct tg_req *q, int status, uint32_t wait_ms, const char *detail);
/* The next bytes; 0 = go on, -1 = close the connection. */
int tg_reply_write(struct tg_req *q);
const char *tg_status_text(int status);
/* A whole problem answer as text, for places without a request (WebSocket upgrades). */
void tg_problem_text(struct tg_buf *out, int status, const char *detail);

/* routes.c */
extern const struct tg_route tg_routes[];
extern const size_t tg_route_count;
extern const struct tg_route tg_route_files;

/* Handlers: h_pages.c */
void tg_h_page(struct tg_req *q);
void tg_h_asset(struct tg_req *q);
void tg_h_openapi(struct tg_req *q);
void tg_h_asyncapi(struct tg_req *q);
void tg_h_later(struct tg_req *q);
/* h_ops.c */
void tg_h_healthz(struct tg_req *q);
void tg_h_readyz(struct tg_req *q);
void tg_h_metrics(struct tg_req *q);
/* h_shop.c */
void tg_h_shows(struct tg_req *q);
void tg_h_show(struct tg_req *q);
void tg_h_show_create(struct tg_req *q);
void tg_h_products(struct tg_req *q);
void tg_h_report(struct tg_req *q);
/* h_orders.c */
void tg_h_orders(struct tg_req *q);
void tg_h_order(struct tg_req *q);
void tg_h_order_events(struct tg_req *q);
void tg_h_order_cancel(struct tg_req *q);
void tg_h_order_fulfil(struct tg_req *q);
void tg_h_order_return(struct tg_req *q);
void tg_h_order_refund(struct tg_req *q);
void tg_h_order_note(struct tg_req *q);
void tg_h_payments(struct tg_req *q);
void tg_h_payment(struct tg_req *q);
void tg_h_payment_retry(struct tg_req *q);
void tg_h_payment_give_up(struct tg_req *q);
void tg_h_payment_sandbox(struct tg_req *q);
void tg_h_returns(struct tg_req *q);
/* h_cart.c */
void tg_h_order_buy(struct tg_req *q);
void tg_h_cart(struct tg_req *q);
void tg_h_cart_line_put(struct tg_req *q);
void tg_h_cart_line_delete(struct tg_req *q);
void tg_h_cart_merge(struct tg_req *q);
void tg_h_cart_checkout(struct tg_req *q);
/* h_selling.c */
void tg_h_show_rules(struct tg_req *q);
void tg_h_show_rules_put(struct tg_req *q);
void tg_h_show_items(struct tg_req *q);
void tg_h_show_item(struct tg_req *q);
void tg_h_show_item_put(struct tg_req *q);
void tg_h_show_item_delete(struct tg_req *q);
void tg_h_show_window(struct tg_req *q);
void tg_h_show_sale(struct tg_req *q);
/* h_price.c */
void tg_h_prices(struct tg_req *q);
void tg_h_prices_patch(struct tg_req *q);
void tg_h_codes(struct tg_req *q);
void tg_h_code(struct tg_req *q);
void tg_h_code_create(struct tg_req *q);
void tg_h_code_put(struct tg_req *q);
void tg_h_code_end(struct tg_req *q);
/* h_hooks.c */
void tg_h_hooks(struct tg_req *q);
void tg_h_hook(struct tg_req *q);
void tg_h_hook_create(struct tg_req *q);
void tg_h_hook_change(struct tg_req *q);
void tg_h_hook_delete(struct tg_req *q);
void tg_h_hook_rotate(struct tg_req *q);
void tg_h_hook_ping(struct tg_req *q);
void tg_h_hook_replay(struct tg_req *q);
void tg_h_hook_deliveries(struct tg_req *q);
void tg_h_hook_delivery(struct tg_req *q);
void tg_h_delivery_replay(struct tg_req *q);
/* h_stock.c */
void tg_h_stock(struct tg_req *q);
void tg_h_stock_post(struct tg_req *q);
void tg_h_stock_transfers(struct tg_req *q);
void tg_h_stock_grants(struct tg_req *q);
void tg_h_stock_item(struct tg_req *q);
void tg_h_stock_patch(struct tg_req *q);
void tg_h_stock_rules(struct tg_req *q);
void tg_h_stock_movements(struct tg_req *q);
void tg_h_locations(struct tg_req *q);
void tg_h_location_create(struct tg_req *q);
void tg_h_location_put(struct tg_req *q);
/* h_catalog.c */
void tg_h_product(struct tg_req *q);
void tg_h_product_create(struct tg_req *q);
void tg_h_product_patch(struct tg_req *q);
void tg_h_product_archive(struct tg_req *q);
void tg_h_variant(struct tg_req *q);
void tg_h_variants(struct tg_req *q);
void tg_h_flash(struct tg_req *q);
void tg_h_flash_end(struct tg_req *q);
void tg_h_waiting(struct tg_req *q);
void tg_h_waiting_come(struct tg_req *q);
void tg_h_waiting_leave(struct tg_req *q);
void tg_h_variant_create(struct tg_req *q);
void tg_h_variant_patch(struct tg_req *q);
void tg_h_imports(struct tg_req *q);
void tg_h_import(struct tg_req *q);
void tg_h_import_create(struct tg_req *q);
void tg_h_import_faults(struct tg_req *q);
void tg_h_import_undo(struct tg_req *q);
void tg_h_import_cancel(struct tg_req *q);
void tg_h_export_create(struct tg_req *q);
void tg_h_export(struct tg_req *q);
void tg_h_export_file(struct tg_req *q);
/* h_session.c */
void tg_h_session_post(struct tg_req *q);
void tg_h_session_get(struct tg_req *q);
void tg_h_session_delete(struct tg_req *q);
void tg_h_tokens(struct tg_req *q);
void tg_h_token_create(struct tg_req *q);
void tg_h_token_revoke(struct tg_req *q);
/* h_code.c */
void tg_h_session_code(struct tg_req *q);
/* h_rtc.c */
void tg_rtc_answer(struct tg_req *q, struct tg_rtc_reply *reply);
/* h_whep.c */
void tg_h_whep(struct tg_req *q);
void tg_h_whep_patch(struct tg_req *q);
void tg_h_whep_delete(struct tg_req *q);
void tg_h_whep_get(struct tg_req *q);
void tg_h_whep_slash(struct tg_req *q);
/* h_whep_layer.c */
void tg_h_whep_layer_get(struct tg_req *q);
void tg_h_whep_layer(struct tg_req *q);
/* h_whep_events.c */
void tg_h_whep_events(struct tg_req *q);
void tg_h_whep_events_get(struct tg_req *q);
void tg_h_whep_events_end(struct tg_req *q);
/* h_whip.c */
void tg_h_whip(struct tg_req *q);
void tg_h_whip_patch(struct tg_req *q);
void tg_h_whip_delete(struct tg_req *q);
void tg_h_whip_slash(struct tg_req *q);
void tg_h_whip_no_show(struct tg_req *q);
void tg_h_rtc_empty(struct tg_req *q);

#endif
