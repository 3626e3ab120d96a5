/*
 * limits.h - every bound of torg in one place, each with its reason. Sizes in bytes unless said.
 */
#ifndef TG_BASE_LIMITS_H
#define TG_BASE_LIMITS_H

enum {
    /* --- names and texts (without the NUL) --- */
    TG_SHOW_ID_MAX = 64, /* a path segment and a stream-key part: [a-z0-9-] */
    TG_SKU_MAX = 64,     /* the longest SKU of common shop platforms */
    TG_OP_ID_MAX = 64,   /* contract: 1-64 characters of [A-Za-z0-9_-] */
    TG_NAME_MAX = 40,    /* display name in the chat, characters */
    TG_NAME_SIZE = 161,  /* TG_NAME_MAX characters of up to 4 bytes, NUL */
    TG_CHAT_MAX = 500,   /* contract: characters of one chat line */
    TG_CHAT_SIZE = 2001, /* TG_CHAT_MAX characters of up to 4 bytes, NUL */
    TG_SOURCE_MAX = 64,  /* contract: campaign source */
    TG_TITLE_SIZE = 201, /* product and show titles, bytes with NUL */
    TG_TOKEN_SIZE = 47,  /* "tg_" + 43 characters of base64url + NUL */
    TG_URL_SIZE = 513,   /* a payment page, an image path */

    /* --- media --- */
    TG_RTP_MTU = 1200,           /* RTP packet before protection: fits every path (RFC 8854 s5) */
    TG_FRAME_PACKETS_MAX = 4096, /* one frame of 4.8 MB: far above any live keyframe */
    TG_FRAME_SIZE_MAX = 4 * 1024 * 1024,
    TG_HISTORY_PACKETS = 2048,  /* per layer: > 4 s at 4 Mbit/s, longer than any useful NACK */
    TG_FRAME_RING = 256,        /* frames between a source and a worker: > 4 s at 60 fps */
    TG_INGEST_FRAMES_MAX = 128, /* a track's queue into its pipeline: > 4 s at 30 fps, 2.7 s AAC */
    TG_INGEST_BYTES_MAX = 16 * 1024 * 1024, /* ... 4 s at 30 Mbit/s, and four largest frames */
    TG_UDP_PACKET_MAX = 1500, /* received datagrams longer than an Ethernet frame are dropped */

    /* --- WebSocket and HTTP --- */
    TG_WS_FRAME_MAX = 16 * 1024,  /* contract */
    TG_HTTP_BODY_MAX = 64 * 1024, /* SDP and API bodies; imports have a limit of their own */
    TG_SDP_MAX = 64 * 1024,
    TG_WS_QUEUE_MAX = 256 * 1024, /* bytes queued for one client that does not read, then 1013 */

    /* --- shop --- */
    TG_QTY_MAX = 100,            /* units of one line: hoarding guard */
    TG_CART_LINES_MAX = 50,      /* lines of one cart or order */
    TG_VARIANTS_MAX = 200000,    /* in memory at ~300 bytes each: 60 MB */
    TG_SALE_BATCH_MAX = 1024,    /* claims of one transaction: PEERS.md, the knee of the curve */
    TG_TOKENS_MAX = 10000,       /* staff, stream keys and old demo logins of one node */
    TG_STOCK_MAX = 100000000,    /* units of one SKU: far above any shelf, far below overflow */
    TG_OPEN_ORDERS_MAX = 200000, /* unpaid orders in memory, ~1 KB each: 200 MB, then busy */
    TG_CARTS_CACHED = 4096,      /* carts kept in memory between batches; the rest is on disk */
    TG_LIMITS_CACHED = 65536,    /* (person, SKU) sums kept for the per-person limit */
    TG_IDEM_CACHED = 65536,      /* remembered answers, ~400 bytes each: 26 MB */
    TG_SHOW_SALES_MAX = 100000,  /* (show, SKU) counters of `sold`; beyond it no `sold` event */

    /* --- mailboxes (messages) --- */
    TG_MB_SALE = 65536, /* 50,000 intents at once (PEERS.md) and some room */
    TG_MB_LIVE = 65536,
    TG_MB_WEB = 65536,
    TG_MB_RTC = 8192,
    TG_MB_MEDIA = 1024,
    TG_MB_JOURNAL = 65536,
    TG_MB_READ = 4096,
};

#endif
