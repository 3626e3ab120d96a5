/*
 * sale.h - requests to the sale thread (everything that changes shop data goes through it, in
 * arrival order) and to the read threads. Answers go to `conn`: WEB_SEND for sockets, WEB_REPLY for
 * HTTP.
 */
#ifndef TG_MSG_SALE_H
#define TG_MSG_SALE_H

#include "msg/code.h"
#include "msg/frame.h"
#include "msg/live.h"
#include "msg/msg.h"
#include "msg/op.h"
#include "msg/page.h"
#include "msg/role.h"
#include "msg/stock.h"
#include "msg/webhook.h"

enum tg_sale_what {
    TG_SALE_OP,           /* buy cart.set checkout price stock from a socket: `op` */
    TG_SALE_JOIN,         /* a socket joins: `join`; sale adds the cart and posts it on to live */
    TG_SALE_PAY,          /* sandbox provider's verdict: `key` = payment id, `flag` = paid */
    TG_SALE_CANCEL,       /* the buyer (or staff) cancels an order or lines of it: `key` = order id,
                             `order` (NULL = all of it) */
    TG_SALE_NEWS,         /* a payment provider tells: `key` = payment id, `order` */
    TG_SALE_RETRY,        /* staff: ask the provider again: `key` = payment id */
    TG_SALE_ASK_AGAIN,    /* sale's own clock: `key` = payment id with unanswered questions */
    TG_SALE_GIVE_UP,      /* staff: a question will not be answered: `key` = payment id, `order` */
    TG_SALE_FULFIL,       /* staff: goods were sent: `key` = order id, `order` */
    TG_SALE_RETURN,       /* staff: goods came back: `key` = order id, `order` */
    TG_SALE_REFUND,       /* staff: money goes back: `key` = order id, `order` */
    TG_SALE_NOTE,         /* staff: `key` = order id, `order->reason` = the words */
    TG_SALE_SHOW_CREATE,  /* `key` = show id, `text` = title */
    TG_SALE_SHOW_STATE,   /* `show`, `number` = enum tg_show_state; from live, no answer */
    TG_SALE_TOKEN_CREATE, /* roles in `number`, `flag` = publish only, `key` = show id or "",
                             `until_wall_us` or `lasts_s`, `text` = label; the answer carries the
                             token once */
    TG_SALE_TOKEN_REVOKE, /* `key` = token's public id */
    TG_SALE_CART,         /* the person's cart, over HTTP; with codes in `text`, in
                             price.currency */
    TG_SALE_LIST_PRICE,   /* staff: `key` = SKU, `price`; nothing to change = look */
    TG_SALE_CODE_NEW,     /* staff: `code` */
    TG_SALE_CODE_SET,     /* staff: `code`, instead of what it meant */
    TG_SALE_CODE_END,     /* staff: `key` = code */
    TG_SALE_CART_MERGE,   /* `key` = the person id whose cart is taken over */
    TG_SALE_COMMENT,      /* from live: a chat line (`op`) that may buy; answered with a `comment`
                             event when it does, or would */
    TG_SALE_HOOK,         /* `hook`: an admin's change of an endpoint, a replay, a ping */
    TG_SALE_HOOK_WORK,    /* `hook_work`, from outbound; answered with itself */
    TG_SALE_IMPORT,       /* `body` = path of a file that the server can read, NUL at its end;
                             `key` = format or "auto", `text` = name for people, `number` = flags of
                             enum tg_import_flag, `flag` = the file goes with this message, or
                             with the import that takes it; `content` */
    TG_SALE_IMPORT_UNDO,  /* `number` = import, 0 = the last one */
    TG_SALE_IMPORT_CANCEL, /* `number` = import or undo that runs, 0 = whichever does */
    TG_SALE_PRODUCT_NEW,   /* `body` = JSON of feed/; with variants */
    TG_SALE_PRODUCT_SET,   /* `key` = product id, `body` = what changes, `number` = version that it
                              must be, 0 = any */
    TG_SALE_VARIANT_NEW,   /* `key` = product id, `body` */
    TG_SALE_VARIANT_SET,   /* `key` = SKU, `body`, `number` */
    TG_SALE_STOCK_LOOK,    /* staff: `key` = SKU; its stock now */
    TG_SALE_STOCK_ROWS,    /* staff: `stock`; each row is answered */
    TG_SALE_STOCK_RULES,   /* staff: `key` = SKU, `rules` */
    TG_SALE_PLACE,         /* admin: `place` */
    TG_SALE_STOCK_AUDIT,   /* memory against the disk, the SKUs above `key`: {"differences": [...],
                              "ok", "difference_count", "next": the last SKU when more may follow} */
};

/* What is asked of one order. */
struct tg_order_ask {
    uint32_t line_count; /* 0 = all that is left */
    struct {
        uint32_t line; /* from 0 */
        int32_t qty;
    } lines[TG_CART_LINES_MAX];
    int64_t amount;   /* -1 = not given */
    char currency[4]; /* ... of it; "" = the order's */
    bool restock;
    char news[24];   /* what a provider tells, in its words: "captured" */
    uint32_t intent; /* 0 = not given */
    char reference[TG_REFERENCE_SIZE];
    char operation[TG_REFERENCE_SIZE]; /* "" = not given */
    char reason[TG_REASON_SIZE];
    char carrier[TG_CARRIER_SIZE];
    char tracking[TG_TRACKING_SIZE];
    char location[TG_SKU_MAX + 1];
};

/*
 * Idempotency: for TG_SALE_OP the key is (who.id, op, op.id); for HTTP it is (who.id, what,
 * idempotency). A success is repeated from disk for 48 h.
 */
struct tg_sale_req {
    struct tg_msg head; /* TG_MSG_SALE_REQ */
    enum tg_sale_what what;
    struct tg_conn conn;
    bool http;     /* answer with WEB_REPLY, else WEB_SEND */
    uint16_t show; /* UINT16_MAX = none; CANCEL: staff may only touch orders of it */
    struct tg_person who;
    char source[TG_SOURCE_MAX * 4 + 1]; /* campaign of the session, kept with the order */
    char idempotency[TG_OP_ID_MAX + 1]; /* HTTP only */
    char key[TG_SKU_MAX + 1];
    char text[TG_TITLE_SIZE];
    int64_t number;
    bool flag;
    tg_us until_wall_us; /* -1 = none */
    int64_t lasts_s;     /* TOKEN_CREATE, instead: seconds from when it is decided; 0 = no */
    struct {
        int64_t amount;               /* -1 = none, -2 = leave it */
        int64_t compare_at;           /* likewise */
        char currency[4];             /* "" = the shop's */
        char if_match[128];           /* tg_if_match_parse's; "" = not conditional */
    } price;                          /* LIST_PRICE */
    struct tg_code_def *code;         /* CODE_NEW, CODE_SET: owned */
    struct tg_stock_changes *stock;   /* STOCK_ROWS: owned */
    struct tg_stock_rules_def *rules; /* STOCK_RULES: owned */
    struct tg_place_change *place;    /* PLACE: owned */
    struct tg_live_join *join;        /* TG_SALE_JOIN: owned */
    struct tg_hook_req *hook;         /* TG_SALE_HOOK: owned */
    struct tg_hook_work *hook_work;   /* TG_SALE_HOOK_WORK: owned */
    struct tg_order_ask *order;       /* owned, tg_calloc; NULL = nothing given */
    struct tg_slab *body;             /* of catalogue requests: owned; NULL = none */
    uint64_t content;                 /* IMPORT: digest of the file, for repeats under its key */
    struct tg_op op;                  /* TG_SALE_OP */
};

/* A zeroed request with an operation, in a block no longer than that needs: most are a tenth of the
 * longest. NULL: no memory. */
TG_MUST_CHECK struct tg_sale_req *tg_sale_req_new(enum tg_sale_what what, const struct tg_op *op);

enum tg_read_what {
    TG_READ_MY_ORDERS, /* orders of who.id, newest first */
    TG_READ_ORDER,     /* one order by id: its owner or staff */
    TG_READ_PAYMENT,   /* what the payment page shows, by payment id */
    TG_READ_ORDERS,    /* all orders (staff), paged by cursor; `show`, `word`, `person`, `since` */
    TG_READ_PRODUCTS,  /* catalogue with stock; `find` */
    TG_READ_PRODUCT,   /* `key` = id, as shoppers see it; `flag`: with all details, as staff keep it
                          (merchandiser, admin), as all below */
    TG_READ_VARIANT,   /* `key` = SKU */
    TG_READ_VARIANTS,  /* all, by SKU; `filter` */
    TG_READ_WAITING,   /* who.id's place in the line for the SKU in `key` */
    TG_READ_SHOW_ITEMS,    /* what `show` says of SKUs, by SKU (who runs it) */
    TG_READ_IMPORTS,       /* newest first */
    TG_READ_IMPORT,        /* `key` = id */
    TG_READ_IMPORT_FAULTS, /* of import `key`, in the order of the file */
    TG_READ_EXPORT, /* begin one as `word` (torg, google, ...), into `path`, "" = for fetching */
    TG_READ_EXPORT_STATE, /* `key` = its id; this and the others: of the first read thread */
    TG_READ_EXPORT_FILE,  /* ... when there is a file to fetch */
    TG_READ_CODES,        /* discount codes that may be used (merchandiser, admin) */
    TG_READ_CODE,         /* ... one, by `key` */
    TG_READ_STOCK,        /* stock of all SKUs, at one place when `key` names it (staff) */
    TG_READ_MOVEMENTS,    /* of the SKU in `key`, newest first (staff) */
    TG_READ_LOCATIONS,    /* staff: all; others: open stores. With stock of the SKU in `key` */
    TG_READ_TOKENS,       /* tokens without their secrets (admin) */
    TG_READ_HOOKS,        /* endpoints (admin) */
    TG_READ_HOOK,         /* one, `key` = its id */
    TG_READ_DELIVERIES,   /* of the endpoint `key`, newest first; `state` */
    TG_READ_DELIVERY,     /* of the endpoint `key`: `message`, with its attempts */
    TG_READ_REPORT,       /* sums of one show: orders, units, GMV (staff) */
    TG_READ_EVENTS,       /* history of an order by id: its owner or staff */
    TG_READ_PAYMENTS,     /* what was asked of payment providers (staff), `word` */
    TG_READ_RETURNS,      /* what came back (staff) */
};

enum { TG_ATTRIBUTE_SIZE = 64 };

/* Answered with WEB_REPLY. */
struct tg_read_req {
    struct tg_msg head; /* TG_MSG_READ_REQ */
    enum tg_read_what what;
    struct tg_conn conn;
    uint16_t show; /* UINT16_MAX = all; READ_ORDER: staff only see orders of it; READ_REPORT */
    struct tg_person who;
    char key[TG_SKU_MAX + 1];
    char cursor[TG_CURSOR_SIZE]; /* page.h; "" = from the start */
    uint32_t limit;              /* 1..TG_PAGE_LIMIT_MAX */
    int state;                   /* READ_DELIVERIES: enum tg_delivery_state; -1 = all */
    int64_t message;             /* READ_DELIVERY */
    int64_t moved_after;         /* STOCK: only what moved after this position; 0 = all */
    char word[24];               /* ORDERS, PAYMENTS: a state; "" = any */
    char person[TG_PERSON_SIZE]; /* "" = anybody's */
    tg_us since_wall_us;         /* made then or later; 0 = any */
    char path[320];              /* EXPORT */
    bool flag;                   /* PRODUCT */
    struct {
        char words[TG_TITLE_SIZE];    /* "" = all */
        char category[TG_TITLE_SIZE]; /* "" = all */
        struct {
            char name[TG_ATTRIBUTE_SIZE]; /* folded (feed/words.h); "" = none */
            char value[TG_ATTRIBUTE_SIZE];
        } attributes[TG_READ_ATTRIBUTES_MAX];
        int64_t price_min; /* minor units; 0 = open */
        int64_t price_max;
        bool by_show;
        uint16_t show; /* what this show says something of */
    } find;            /* PRODUCTS */
    struct {
        char product[TG_SKU_MAX + 1]; /* id; "" = all */
        char barcode[24];
        int archived; /* 1 = only these, 0 = without them, -1 = both */
    } filter;         /* VARIANTS */
};

#endif
