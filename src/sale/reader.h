/*
 * reader.h - a read thread: answers what pages ask (tg_read_req) from its own read-only connection,
 * so that a report never stands in front of a purchase. Start as many as you like; each has its own
 * mailbox.
 *
 * Answers are WEB_REPLY. Lists are {"orders": [...], "next": cursor or null} (products, tokens
 * likewise); errors are RFC 9457 problems. Roles are checked here too.
 */
#ifndef TG_SALE_READER_H
#define TG_SALE_READER_H

#include "msg/sale.h"
#include "shop/money.h"
#include "store/read.h"

struct tg_reader;

struct tg_reader_cfg {
    struct tg_db_cfg db;      /* its texts are kept: exports open connections of their own */
    const char *sandbox_base; /* as in tg_sale_cfg; NULL = "/pay/sandbox/" */
    bool allow_sandbox;
    const char *currency; /* NULL = NOK; kept */
    int32_t stock_band;   /* 0 = 10, -1 = never a number but 0 */
    const char *data_dir; /* where exports lie until they are fetched; NULL = nowhere; kept */
    const char *base_url; /* of links in exports; NULL, "" = only paths are known; kept */
    const struct tg_taxes *taxes; /* NULL = no tax; used in new */
};

/* The database must exist already. Errors: as tg_store_new; reterr in plain words. */
TG_MUST_CHECK tg_err tg_reader_new(struct tg_reader **ret, const struct tg_reader_cfg *cfg,
                                   char reterr[256]);
void tg_reader_free(struct tg_reader *reader);
/* tg_read_req goes here. Capacity TG_MB_READ. */
struct tg_mailbox *tg_reader_mailbox(struct tg_reader *reader);
/* Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_reader_start(struct tg_reader *reader);
/* Answers what is in the mailbox, then ends and joins. Legal without a start. */
void tg_reader_stop(struct tg_reader *reader);

/* One request on the calling thread, for tests; the message is taken. */
void tg_reader_turn(struct tg_reader *reader, void *take_msg);
/* A page of the export that runs; false = there is none. */
bool tg_reader_work(struct tg_reader *reader);
/* Exports that ended an hour ago go, with their files; monotonic time of the next one. */
tg_us tg_reader_tidy(struct tg_reader *reader, tg_us mono);

#endif
