/*
 * rtmp_session_priv.h - the server's messages to a publisher. All append to out; its sticky err
 * tells of trouble. Spec: Adobe RTMP 1.0 s5.4, s7.1.7, s7.2.
 */
#ifndef TG_PROTO_RTMP_SESSION_PRIV_H
#define TG_PROTO_RTMP_SESSION_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    TG_RTMP_WINDOW = 2500000,     /* acknowledgement window both ways, as common servers use */
    TG_RTMP_CHUNK_SIZE_OUT = 4096 /* one chunk for every answer */
};

/* Window, bandwidth, chunk size and the _result of connect. */
void tg_rtmp_write_connected(struct tg_buf *out, double txn, bool enhanced);
/* _result of createStream: stream 1. */
void tg_rtmp_write_created(struct tg_buf *out, double txn);
void tg_rtmp_write_status(struct tg_buf *out, uint32_t stream_id, const char *level,
                          const char *code, const char *description);
void tg_rtmp_write_user_control(struct tg_buf *out, uint16_t event, uint32_t value);
void tg_rtmp_write_ack(struct tg_buf *out, uint32_t bytes);

#endif
