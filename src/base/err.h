/*
 * err.h - the one error type of torg. 0 is success; everything else says what kind of wrong it was.
 *
 * Input that is wrong (network, user, config, database) and an environment that fails (memory,
 * disk, peer gone) are returned as tg_err. A broken invariant is TG_ASSERT's, never an error code.
 */
#ifndef TG_BASE_ERR_H
#define TG_BASE_ERR_H

typedef enum tg_err {
    TG_OK = 0,
    TG_ERR_NOMEM,       /* an allocation failed */
    TG_ERR_LIMIT,       /* a queue, table or size bound was reached */
    TG_ERR_TRUNCATED,   /* the input ended too early; more bytes may help a stream parser */
    TG_ERR_MALFORMED,   /* the input breaks its format */
    TG_ERR_UNSUPPORTED, /* well formed, but not something torg does */
    TG_ERR_AUTH,        /* wrong key, signature, fingerprint or role */
    TG_ERR_AGAIN,       /* not now: would block, or nothing to do yet */
    TG_ERR_TIMEOUT,     /* the deadline passed */
    TG_ERR_CLOSED,      /* the other side ended it, or the object is stopping */
    TG_ERR_NOTFOUND,    /* no such object */
    TG_ERR_CONFLICT,    /* exists already with other content */
    TG_ERR_IO,          /* the operating system, the disk or a library refused */
    TG_ERR_BUG,         /* a library said we called it wrongly */
    TG_ERR_COUNT
} tg_err;

#define TG_MUST_CHECK __attribute__((warn_unused_result))

/* A fixed lower-case token such as "truncated"; "unknown" beyond the enum. */
const char *tg_err_name(tg_err err);

#endif
