/*
 * amf.h - AMF0, the value format of RTMP commands and FLV metadata.
 * Pure. Spec: Adobe AMF0 (2007). AMF3 values (type 0x11) are refused. Neither reader nor writer
 * owns memory.
 *
 * Reading is a walk over tokens without recursion. An object is TG_AMF_OBJECT, then one token a
 * property (each with its `key`; nested ones open again), then TG_AMF_END of the same depth:
 *
 *     { app: "live", caps: [1] }  ->  OBJECT, STRING key=app, ARRAY key=caps, NUMBER, END, END
 */
#ifndef TG_PROTO_AMF_H
#define TG_PROTO_AMF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"

enum tg_amf_type {
    TG_AMF_NUMBER,
    TG_AMF_BOOL,
    TG_AMF_STRING, /* short and long strings, XML documents */
    TG_AMF_NULL,
    TG_AMF_UNDEFINED, /* also the "unsupported" marker and references */
    TG_AMF_DATE,      /* number = milliseconds since 1970 UTC */
    TG_AMF_OBJECT,    /* also typed objects (the class name is dropped) and ECMA arrays */
    TG_AMF_ARRAY,     /* strict array */
    TG_AMF_END        /* of the object or array that was opened last */
};

struct tg_amf_token {
    enum tg_amf_type type;
    unsigned depth;      /* of the value: 0 = top level; END has its opener's depth */
    struct tg_span key;  /* property name; {NULL, 0} outside objects */
    struct tg_span text; /* STRING; points into the input, any bytes */
    double number;       /* NUMBER, DATE; BOOL 0 or 1 */
};

struct tg_amf_rd {
    struct tg_rd rd;
    unsigned depth;
    unsigned values;
    struct {
        bool array;
        uint32_t left; /* elements of a strict array still to come */
    } open[TG_AMF_DEPTH_MAX];
};

struct tg_amf_rd tg_amf_rd(const void *data, size_t len);
/*
 * The next token. CLOSED: the input ended between two top-level values. TRUNCATED, MALFORMED,
 * UNSUPPORTED (AMF3), LIMIT (depth or number of values, see limits.h). After an error: no more.
 */
TG_MUST_CHECK tg_err tg_amf_next(struct tg_amf_rd *r, struct tg_amf_token *ret);
/* Having got `token`: pass the rest of it when it opened something. */
TG_MUST_CHECK tg_err tg_amf_skip(struct tg_amf_rd *r, const struct tg_amf_token *token);
/* The property has this name. */
bool tg_amf_key_is(const struct tg_amf_token *token, const char *key);
/* A STRING token with exactly this text. */
bool tg_amf_text_is(const struct tg_amf_token *token, const char *text);

/* Writing: out of room sets w->bad. A string beyond 65535 bytes becomes a long string. */
void tg_amf_write_number(struct tg_wr *w, double value);
void tg_amf_write_bool(struct tg_wr *w, bool value);
void tg_amf_write_text(struct tg_wr *w, const void *text, size_t len);
void tg_amf_write_str(struct tg_wr *w, const char *text);
void tg_amf_write_null(struct tg_wr *w);
void tg_amf_write_undefined(struct tg_wr *w);
void tg_amf_write_date(struct tg_wr *w, double ms);
/* Then key + value pairs, closed by tg_amf_write_end. */
void tg_amf_write_object(struct tg_wr *w);
void tg_amf_write_ecma_array(struct tg_wr *w, uint32_t count);
void tg_amf_write_key(struct tg_wr *w, const char *key);
void tg_amf_write_end(struct tg_wr *w);
/* Then exactly count values; no end. */
void tg_amf_write_array(struct tg_wr *w, uint32_t count);

#endif
