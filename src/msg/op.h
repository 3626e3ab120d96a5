/*
 * op.h - one operation of the show channel, parsed and checked for shape (CONTRACT: client ->
 * server).
 *
 * Texts are NUL-terminated UTF-8 within their limits; nothing here was checked against roles, rates
 * or the shop.
 */
#ifndef TG_MSG_OP_H
#define TG_MSG_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lang.h"
#include "base/limits.h"

enum tg_op_kind {
    TG_OP_JOIN,
    TG_OP_CHAT,
    TG_OP_REACT,
    TG_OP_BUY,
    TG_OP_CART_SET,
    TG_OP_CHECKOUT,
    TG_OP_PIN,
    TG_OP_UNPIN,
    TG_OP_PRICE,
    TG_OP_STOCK,
    TG_OP_HIDE,
    TG_OP_MUTE,
    TG_OP_SHOW_START,
    TG_OP_SHOW_END,
    TG_OP_SHOW_REHEARSE, /* live to staff only, before show.start */
    TG_OP_WAIT,          /* a place in the waiting list, or out of it */
    TG_OP_WINDOW,        /* open or close a purchase window now */
    TG_OP_SELL,          /* staff sale */
    TG_OP_PING,
    TG_OP_LATER, /* known to the contract, built in a later part: ask vote poll.* answer ban ... */
    TG_OP_RULES, /* HTTP only: a show's rules, ... */
    TG_OP_ITEM,  /* ... and what it says of one SKU */
    TG_OP_SHOW_LOOK, /* HTTP only: read them */
    TG_OP_COUNT
};

enum tg_react {
    TG_REACT_HEART,
    TG_REACT_FIRE,
    TG_REACT_CLAP,
    TG_REACT_LAUGH,
    TG_REACT_WOW,
    TG_REACT_COUNT
};

/* Chat message ids are public: "c" + decimal n. */
enum { TG_CHAT_ID_SIZE = 24, TG_PERSON_REF_SIZE = 24 };

enum { TG_OP_CODES_SIZE = 105 }; /* three codes of 32, a comma and a blank between */

struct tg_op {
    enum tg_op_kind kind;
    char id[TG_OP_ID_MAX + 1]; /* "" for join and react */
    union {
        struct {
            char name[TG_NAME_SIZE];            /* "" = none */
            char token[TG_TOKEN_SIZE];          /* "" = none; tg_... (role) or tp_... (resume) */
            char source[TG_SOURCE_MAX * 4 + 1]; /* campaign; "" = none */
            int64_t since;                      /* last seq seen; -1 = none */
            char since_epoch[TG_EPOCH_MAX + 1]; /* joined.epoch that it belongs to; "" = not said */
            char lang[TG_LANG_SIZE];            /* of the page; "" = not said */
        } join;
        struct {
            char text[TG_CHAT_SIZE];
            char reply_to[TG_CHAT_ID_SIZE]; /* "" = none */
            int64_t at;                     /* media ms of what its writer saw; -1 = not given */
        } chat;
        struct {
            enum tg_react kind;
            uint8_t n; /* 1..50 */
        } react;
        struct {
            char sku[TG_SKU_MAX + 1];
            int32_t qty;                 /* 1..TG_QTY_MAX for buy, 0..TG_QTY_MAX for cart.set */
            int64_t price;               /* minor units shown at the tap; -1 = not given */
            bool total_shown;            /* buy: `total` is what the page showed for all */
            int64_t total;               /* ... less discounts */
            int64_t at;                  /* media ms of the tap; -1 = not given */
            char code[TG_OP_CODES_SIZE]; /* up to three, with commas; "" = none */
            char currency[4];            /* "" = the shop's */
            char location[33];           /* "" = none */
            bool back_order;             /* may take what is promised beyond the shelves */
        } line;                          /* buy, cart.set */
        struct {
            int64_t at;       /* as above */
            bool total_shown; /* as above */
            int64_t total;
            char code[TG_OP_CODES_SIZE];
            char currency[4];
            char location[33];
            bool back_order;
            uint32_t price_count; /* `prices`: what the page showed, checked per line */
            struct {
                char sku[TG_SKU_MAX + 1];
                int64_t amount;
            } prices[TG_CART_LINES_MAX];
        } checkout;
        struct {
            char sku[TG_SKU_MAX + 1];
        } pin; /* pin, unpin */
        struct {
            char sku[TG_SKU_MAX + 1];
            int64_t amount;        /* minor units; -1 = end the flash price */
            int64_t from_wall_us;  /* -1 = now */
            int64_t until_wall_us; /* -1 = until ended */
            int32_t limit;         /* units at that price; 0 = all there are */
        } price;
        struct {
            char sku[TG_SKU_MAX + 1];
            char location[33];
            bool absolute; /* true: set = value; false: delta = value */
            int32_t value;
        } stock;
        struct {
            char message[TG_CHAT_ID_SIZE];   /* hide: chat message id */
            bool undo;                       /* hide: show it again; mute: unmute */
            char person[TG_PERSON_REF_SIZE]; /* mute */
            int32_t seconds;                 /* mute: 1..86400, default 600 */
        } moderate;                          /* hide, mute */
        struct {
            bool on; /* false: back to scheduled */
        } rehearse;
        struct {
            char sku[TG_SKU_MAX + 1];
            int32_t qty; /* 1..TG_QTY_MAX */
            bool leave;
            int64_t at; /* as line.at */
        } wait;
        struct {
            char sku[TG_SKU_MAX + 1];
            bool open;
            int32_t for_s; /* 0 = until it is closed */
        } window;
        struct {
            char sku[TG_SKU_MAX + 1];
            int32_t qty;
            int64_t price; /* -1 = not given */
            char code[33];
            char location[33];
            bool back_order;
            char name[TG_NAME_SIZE];         /* of the buyer */
            char person[TG_PERSON_REF_SIZE]; /* "" = somebody new */
        } sell;
        struct {
            bool first_paid;
            bool waiting;
            bool comments;
            bool comment_bare;
            char comment_word[17];
            int64_t hold_s; /* 0 = the shop's own; so with the others */
            int64_t turn_s;
            int32_t person_units;
            int32_t lag_ms;
        } rules;
        struct {
            char sku[TG_SKU_MAX + 1]; /* SHOW_LOOK: "" = the rules */
            uint32_t number;          /* 0 = the product's own */
            int32_t units_max;        /* 0 = no limit */
            int32_t person_max;
            int64_t from_ms; /* -1 = open */
            int64_t until_ms;
            bool show_only; /* sold in this show and nowhere else */
        } item;             /* item, show_look */
        char later[24];     /* the op's name, for "not built yet" */
    } u;
};

/* So much of it is used: the rest of the union belongs to longer operations and may not be there.
 */
size_t tg_op_size(const struct tg_op *op);

#endif
