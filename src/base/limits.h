/*
 * limits.h - every bound of torg in one place, each with its reason. Sizes in bytes unless said.
 */
#ifndef TG_BASE_LIMITS_H
#define TG_BASE_LIMITS_H

enum {
    /* --- names and texts (without the NUL) --- */
    TG_SHOW_ID_MAX = 64,    /* a path segment and a stream-key part: [a-z0-9-] */
    TG_SKU_MAX = 64,        /* the longest SKU of common shop platforms */
    TG_OP_ID_MAX = 64,      /* contract: 1-64 characters of [A-Za-z0-9_-] */
    TG_NAME_MAX = 40,       /* display name in the chat, characters */
    TG_NAME_SIZE = 161,     /* TG_NAME_MAX characters of up to 4 bytes, NUL */
    TG_CHAT_MAX = 500,      /* contract: characters of one chat line */
    TG_CHAT_SIZE = 2001,    /* TG_CHAT_MAX characters of up to 4 bytes, NUL */
    TG_SOURCE_MAX = 64,     /* contract: campaign source */
    TG_TITLE_SIZE = 201,    /* product and show titles, bytes with NUL */
    TG_EPOCH_MAX = 24,      /* joined.epoch: 16 of today, and room */
    TG_TOKEN_SIZE = 47,     /* "tg_" + 43 characters of base64url + NUL */
    TG_URL_SIZE = 513,      /* a payment page, an image path */
    TG_REASON_SIZE = 401,   /* why an order was changed, a note: 100 characters of 4 bytes */
    TG_CARRIER_SIZE = 65,   /* "PostNord" */
    TG_TRACKING_SIZE = 65,  /* a parcel's number */
    TG_PROVIDER_SIZE = 24,  /* name of a payment provider */
    TG_REFERENCE_SIZE = 65, /* ... its id of a payment, and of what it moved */

    /* --- media --- */
    TG_RTP_MTU = 1200,           /* RTP packet before protection: fits every path (RFC 8854 s5) */
    TG_FRAME_PACKETS_MAX = 4096, /* one frame of 4.8 MB: far above any live keyframe */
    TG_FRAME_SIZE_MAX = 4 * 1024 * 1024,
    TG_HISTORY_PACKETS = 2048,  /* per layer: > 4 s at 4 Mbit/s, longer than any useful NACK */
    TG_FRAME_RING = 256,        /* frames between a source and a worker: > 4 s at 60 fps */
    TG_INGEST_FRAMES_MAX = 128, /* a track's queue into its pipeline: > 4 s at 30 fps, 2.7 s AAC */
    TG_INGEST_BYTES_MAX = 16 * 1024 * 1024, /* ... 4 s at 30 Mbit/s, and four largest frames */
    TG_UDP_PACKET_MAX = 1500, /* received datagrams longer than an Ethernet frame are dropped */

    /* --- RTMP, for each connection unless said --- */
    TG_AMF_DEPTH_MAX = 8,                 /* objects within objects: encoders use 2 */
    TG_AMF_VALUES_MAX = 512,              /* values of one command or metadata message */
    TG_RTMP_CSIDS_MAX = 16,               /* chunk streams: encoders use 2 to 6 */
    TG_RTMP_MSG_MAX = 4 * 1024 * 1024,    /* one message = one frame: TG_FRAME_SIZE_MAX */
    TG_RTMP_COMMAND_MAX = 64 * 1024,      /* one command or metadata message */
    TG_RTMP_BUFFER_MAX = 6 * 1024 * 1024, /* all half-read messages together */
    TG_RTMP_OUT_MAX = 64 * 1024,          /* answers queued for a peer that does not read */
    TG_RTMP_KEY_SIZE = 256,               /* publish name: show, "?key=" and key */
    TG_RTMP_SESSIONS_MAX = 64,            /* publishers of one listener, most of them waiting */
    TG_RTMP_FAILURES_MAX = 10,            /* wrong keys an address may send within a minute */
    TG_RTMP_FAILURE_ADDRS = 256,          /* addresses remembered for that; the oldest goes */

    /* --- WebRTC viewers --- */
    TG_VIEWERS_MAX = 5000,          /* of one rtc worker: above what a core can send (PEERS.md) */
    TG_LAYERS_MAX = 4,              /* simulcast layers or renditions of one show */
    TG_HISTORY_AUDIO = 64,          /* audio frames kept: > 1 s; Opus is rarely asked for again */
    TG_PACE_BPS = 50 * 1000 * 1000, /* one viewer's catch-up: a 2-s GOP of 2.5 Mbit/s in 100 ms */
    TG_PACE_BURST = 12 * 1024, /* bytes at once: a frame of 3 Mbit/s whole, a keyframe in parts */
    TG_PACE_BURST_MIN = 4 * 1024, /* ... on a way that is known to be narrow */
    TG_RESEND_PCT = 30, /* one viewer's retransmissions, of its stream: more is an attack or a lost
                           cause */
    TG_RESEND_BURST = 96 * 1024, /* ... bytes at once: a third of a second of 2.5 Mbit/s */
    TG_RESEND_QUEUE = 128,       /* answers waiting for their turn: one NACK names 17 a word */
    TG_WAITING_MAX = 65536,      /* places of the waiting room, 44 bytes each: 3 MB */

    /* --- WebRTC by TCP, connections of one rtc worker unless said --- */
    TG_RTC_TCP_MAX = 4096,            /* only those whose networks block UDP: few in a hundred */
    TG_RTC_TCP_FROM_MAX = 1024,       /* ... of one IPv4 address or IPv6 /64: a whole office */
    TG_RTC_TCP_WAITING_MAX = 512,     /* without a valid check yet; one more closes the oldest */
    TG_RTC_TCP_WAITING_FROM_MAX = 64, /* ... of one address: honest ones wait a round trip */
    TG_RTC_TCP_WAIT_S = 10,           /* for the first valid check */
    TG_RTC_TCP_LOST_S = 10,           /* a viewer whose connection broke may come back so long */
    TG_RTC_TCP_OUT = 64 * 1024,       /* a connection's queue: 0.2 s of 2.5 Mbit/s */

    /* --- WebRTC handshakes --- */
    TG_RTC_HANDSHAKE_WAIT_MAX = 2048, /* datagrams of one rtc worker: 3 MiB, a crowd of 1,000 */
    TG_RTC_HANDSHAKE_SHARE = 16, /* ... of one session: a whole flight, fragmented, and again */

    /* --- WebRTC publishers --- */
    TG_REORDER_VIDEO = 1024,   /* packets kept for a hole: > 1 s at 8 Mbit/s; a power of two */
    TG_REORDER_AUDIO = 64,     /* ... > 1 s of 20 ms packets; a power of two */
    TG_NACK_PENDING_MAX = 512, /* missing packets asked for: half a second of 8 Mbit/s */
    TG_NACK_TRIES_MAX = 20,    /* requests for one packet; by then its hole was given up */
    TG_TWCC_RX_WINDOW = 2048,  /* arrivals kept: > 250 ms at 8000 packets/s */
    TG_RECEIVER_SSRCS = 16,    /* media and RTX of 3 encodings, audio, and replaced ones */

    /* --- WebSocket and HTTP --- */
    TG_WS_FRAME_MAX = 16 * 1024,   /* contract */
    TG_HTTP_BODY_MAX = 64 * 1024,  /* SDP and API bodies; imports have a limit of their own */
    TG_HTTP_ROWS_MAX = 512 * 1024, /* TG_STOCK_ROWS_MAX changes of 500 bytes */
    TG_SDP_MAX = 64 * 1024,
    TG_WS_QUEUE_MAX = 256 * 1024,  /* bytes queued for one client that does not read, then 1013 */
    TG_WS_QUEUE_FRAMES_MAX = 1024, /* ... and frames: 20 s of ticks */
    TG_WS_TICK_MS = 20,            /* events within it share a frame: half a video frame */
    TG_WS_BAD_MAX = 5,             /* contract: the fifth bad frame within a minute closes */
    TG_WS_JOIN_S = 10,             /* contract: time for the first frame */
    TG_WS_PING_S = 25,             /* quiet time before a ping: below common proxies' 30 s */
    TG_WS_DEAD_S = 60,             /* nothing heard for so long: cut */
    TG_WS_SKIP_MAX = 1024 * 1024,  /* bytes of one oversized frame read before the close */
    TG_HTTP_WAIT_S = 10,           /* for another thread's answer, then 503 */
    TG_HTTP_HEADERS_MAX = 8192,    /* request line and headers; a session cookie is 47 */
    TG_HTTP_DISCARD_MAX = 1024 * 1024, /* bytes of a refused body read before the close */
    TG_WEB_WORKERS_MAX = 64,
    TG_WHEP_EVENTS_MAX = 1024,       /* event streams of one worker: an ask each 2 s and stream */
    TG_WHEP_EVENTS_SESSION_MAX = 4,  /* ... of one session */
    TG_WHEP_EVENTS_ENDED_MAX = 1024, /* streams that players ended and a worker remembers */
    TG_WEB_SLOTS_MAX = 262144,       /* sockets and waiting requests of one worker */
    TG_WEB_RATE_ENTRIES = 32768,     /* token buckets of one worker: 512 KB */

    /* --- shop --- */
    TG_IMPORT_SIZE_MAX = 256 * 1024 * 1024, /* a catalogue file: 100,000 variants are 70 MB */
    TG_QTY_MAX = 100,                       /* units of one line: hoarding guard */
    TG_CART_LINES_MAX = 50,                 /* lines of one cart or order */
    TG_INTENTS_MAX = 128,        /* questions to the payment provider about one order, in all */
    TG_INTENTS_TOLD = 32,        /* ... the last of them are kept for what the provider tells of */
    TG_PAYMENT_TRIES_MAX = 50,   /* declined payments of one order: cards and patience end before */
    TG_TAKES_MAX = 256,          /* item and place pairs of one order: bundles of few parts */
    TG_BUNDLE_PARTS_MAX = 16,    /* different items of one bundle */
    TG_STOCK_ROWS_MAX = 1000,    /* changes of stock in one request: a second of writing at most */
    TG_LOCATIONS_MAX = 256,      /* warehouses, shops, shows' allotments of one shop */
    TG_SHOW_ITEMS_MAX = 100000,  /* (show, SKU) rules in memory, ~150 bytes each */
    TG_VARIANTS_MAX = 200000,    /* in memory at ~300 bytes each: 60 MB */
    TG_SALE_BATCH_MAX = 1024,    /* claims of one transaction: PEERS.md, the knee of the curve */
    TG_TOKENS_MAX = 10000,       /* staff, stream keys and old demo logins of one node */
    TG_CODES_MAX = 256,          /* one-time codes open at once: each lives five minutes */
    TG_CODES_OF_MAKER = 4,       /* ... of one token: a desk shows one at a time */
    TG_STOCK_MAX = 100000000,    /* units of one SKU: far above any shelf, far below overflow */
    TG_OPEN_ORDERS_MAX = 200000, /* unpaid orders in memory, ~1 KB each: 200 MB, then busy */
    TG_SALE_ROWS_MAX = 4096,     /* stock rows of one batch: two effects each, counts look at all */
    TG_CARTS_CACHED = 4096,      /* carts kept in memory between batches; the rest is on disk */
    TG_LIMITS_CACHED = 65536,    /* (person, SKU) sums kept for the per-person limit */
    TG_IDEM_CACHED = 65536,      /* remembered answers, ~400 bytes each: 26 MB */
    TG_WAITERS_PERSON_MAX = 20,  /* lines one person stands in */
    TG_WAITERS_SKU_MAX = 10000,  /* people in one line: the last would wait for days */
    TG_WAITERS_MAX = 200000,     /* ... in all, ~400 bytes each: 80 MB */
    TG_WAITERS_TOLD = 32,        /* from the head on who hears of each step of the line */
    TG_SHOW_SALES_MAX = 100000,  /* (show, SKU) counters of `sold`; beyond it no `sold` event */
    TG_CURRENCY_PRICES_MAX = 400000, /* ... prices of variants in further currencies, ~130 bytes */
    TG_DISCOUNTS_MAX = 100000,       /* discount codes in memory, ~300 bytes each without lists */
    TG_CODE_LIST_MAX = 500,          /* SKUs, or people, of one code: 32 KB, half an HTTP body */

    TG_READ_ATTRIBUTES_MAX = 3,     /* filters of one list: as sql.def has places for */
    TG_FURTHER_CURRENCIES_MAX = 16, /* beside the shop's own: TG_FEED_PRICES_MAX */

    TG_WEBHOOKS_MAX = 32,      /* endpoints of one shop: ERP, mail, analytics and room */
    TG_HOOK_REPLAY_MAX = 1000, /* messages that one replay starts anew: a slice of the batch */

    /* --- show rooms --- */
    TG_CHAT_RECENT = 50,         /* chat lines that a newcomer reads: one phone screen and a half */
    TG_TIMELINE_MAX = 2000,      /* public events kept for `since`: hours of a busy show, ~0.5 MB */
    TG_PINS_MAX = 10,            /* products pinned at once: more is a list, not a pin */
    TG_SHOW_PEOPLE_MAX = 16384,  /* whose rates are remembered; the least recent goes first */
    TG_SHOW_MUTES_MAX = 4096,    /* muted people of one show */
    TG_SHOW_REPLIES_MAX = 8192,  /* remembered answers: > 10 minutes of 10 changes a second */
    TG_SHOW_REFUSALS_MAX = 1024, /* remembered refusals, apart: spam must not push answers out */
    TG_JOINED_PRODUCTS_MAX = 128 * 1024, /* JSON of `products` in joined: half a client's queue */
    TG_JOURNAL_LINE_MAX = 32 * 1024, /* a chat line of 500 escaped characters, four times over */
    TG_NAMES_MAX = 65536,            /* display names known to the live thread: ~10 MB */

    /* --- mailboxes (messages) --- */
    TG_MB_SALE = 65536, /* 50,000 intents at once (PEERS.md) and some room */
    TG_MB_LIVE = 65536,
    TG_MB_WEB = 65536,
    TG_MB_RTC = 8192,
    TG_MB_MEDIA = 1024,
    TG_MB_JOURNAL = 65536,
    TG_MB_READ = 4096,
    TG_MB_OUTBOUND = 16, /* one message is under way at a time */
};

#endif
