/*
 * amf.c - AMF0 values; see amf.h.
 */
#include "proto/amf.h"

/* AMF0 s2.1 markers. */
enum {
    M_NUMBER = 0x00,
    M_BOOL = 0x01,
    M_STRING = 0x02,
    M_OBJECT = 0x03,
    M_NULL = 0x05,
    M_UNDEFINED = 0x06,
    M_REFERENCE = 0x07,
    M_ECMA_ARRAY = 0x08,
    M_OBJECT_END = 0x09,
    M_STRICT_ARRAY = 0x0a,
    M_DATE = 0x0b,
    M_LONG_STRING = 0x0c,
    M_UNSUPPORTED = 0x0d,
    M_XML = 0x0f,
    M_TYPED_OBJECT = 0x10,
    M_AVMPLUS = 0x11
};

static double read_double(struct tg_rd *r)
{
    uint64_t bits = tg_rd_u64(r);
    double value;

    _Static_assert(sizeof(value) == sizeof(bits), "IEEE 754 doubles");
    memcpy(&value, &bits, sizeof(value));
    return value;
}

struct tg_amf_rd tg_amf_rd(const void *data, size_t len)
{
    return (struct tg_amf_rd){.rd = tg_rd(data, len)};
}

static tg_err open_value(struct tg_amf_rd *r, bool array, uint32_t count)
{
    if (r->depth == TG_AMF_DEPTH_MAX)
        return TG_ERR_LIMIT;
    r->open[r->depth].array = array;
    r->open[r->depth].left = count;
    r->depth++;
    return TG_OK;
}

static tg_err read_value(struct tg_amf_rd *r, struct tg_amf_token *t)
{
    uint8_t marker = tg_rd_u8(&r->rd);
    tg_err err = TG_OK;

    if (r->rd.bad)
        return TG_ERR_TRUNCATED;
    switch (marker) {
    case M_NUMBER:
        t->type = TG_AMF_NUMBER;
        t->number = read_double(&r->rd);
        break;
    case M_BOOL:
        t->type = TG_AMF_BOOL;
        t->number = tg_rd_u8(&r->rd) != 0 ? 1 : 0;
        break;
    case M_STRING:
        t->type = TG_AMF_STRING;
        t->text = tg_rd_span(&r->rd, tg_rd_u16(&r->rd));
        break;
    case M_LONG_STRING:
    case M_XML:
        t->type = TG_AMF_STRING;
        t->text = tg_rd_span(&r->rd, tg_rd_u32(&r->rd));
        break;
    case M_NULL:
        t->type = TG_AMF_NULL;
        break;
    case M_REFERENCE:
        tg_rd_skip(&r->rd, 2);
        t->type = TG_AMF_UNDEFINED;
        break;
    case M_UNDEFINED:
    case M_UNSUPPORTED:
        t->type = TG_AMF_UNDEFINED;
        break;
    case M_DATE: /* followed by a time zone that s2.13 reserves */
        t->type = TG_AMF_DATE;
        t->number = read_double(&r->rd);
        tg_rd_skip(&r->rd, 2);
        break;
    case M_TYPED_OBJECT:
        tg_rd_skip(&r->rd, tg_rd_u16(&r->rd));
        t->type = TG_AMF_OBJECT;
        err = open_value(r, false, 0);
        break;
    case M_ECMA_ARRAY: /* the count is a hint only (s2.10) */
        tg_rd_skip(&r->rd, 4);
        t->type = TG_AMF_OBJECT;
        err = open_value(r, false, 0);
        break;
    case M_OBJECT:
        t->type = TG_AMF_OBJECT;
        err = open_value(r, false, 0);
        break;
    case M_STRICT_ARRAY:
        t->type = TG_AMF_ARRAY;
        err = open_value(r, true, tg_rd_u32(&r->rd));
        break;
    case M_AVMPLUS:
        return TG_ERR_UNSUPPORTED;
    default:
        return TG_ERR_MALFORMED;
    }
    return r->rd.bad ? TG_ERR_TRUNCATED : err;
}

/* Inside an object: the name of the next property, or its end (empty name and end marker). */
static tg_err read_key(struct tg_amf_rd *r, struct tg_amf_token *t)
{
    t->key = tg_rd_span(&r->rd, tg_rd_u16(&r->rd));
    if (r->rd.bad)
        return TG_ERR_TRUNCATED;
    if (t->key.len == 0 && tg_rd_left(&r->rd) > 0 && r->rd.at[0] == M_OBJECT_END) {
        tg_rd_skip(&r->rd, 1);
        t->type = TG_AMF_END;
    }
    return TG_OK;
}

static tg_err next_token(struct tg_amf_rd *r, struct tg_amf_token *t)
{
    tg_err err;

    if (r->depth == 0) {
        if (tg_rd_left(&r->rd) == 0)
            return TG_ERR_CLOSED;
    } else if (r->open[r->depth - 1].array) {
        if (r->open[r->depth - 1].left == 0)
            t->type = TG_AMF_END;
        else
            r->open[r->depth - 1].left--;
    } else {
        err = read_key(r, t);
        if (err != TG_OK)
            return err;
    }
    if (t->type == TG_AMF_END) {
        t->key = tg_span(NULL, 0);
        r->depth--;
        t->depth = r->depth;
        return TG_OK;
    }
    if (++r->values > TG_AMF_VALUES_MAX)
        return TG_ERR_LIMIT;
    t->depth = r->depth;
    return read_value(r, t);
}

tg_err tg_amf_next(struct tg_amf_rd *r, struct tg_amf_token *ret)
{
    struct tg_amf_token t = {.type = TG_AMF_UNDEFINED};
    tg_err err = r->rd.bad ? TG_ERR_TRUNCATED : next_token(r, &t);

    if (err != TG_OK) {
        if (err != TG_ERR_CLOSED)
            r->rd.bad = true;
        return err;
    }
    *ret = t;
    return TG_OK;
}

tg_err tg_amf_skip(struct tg_amf_rd *r, const struct tg_amf_token *token)
{
    struct tg_amf_token t;

    if (token->type != TG_AMF_OBJECT && token->type != TG_AMF_ARRAY)
        return TG_OK;
    do {
        tg_err err = tg_amf_next(r, &t);

        if (err != TG_OK)
            return err;
    } while (t.type != TG_AMF_END || t.depth != token->depth);
    return TG_OK;
}

static bool span_is(struct tg_span span, const char *text)
{
    size_t len = strlen(text);

    return span.len == len && (len == 0 || memcmp(span.data, text, len) == 0);
}

bool tg_amf_key_is(const struct tg_amf_token *token, const char *key)
{
    return token->key.data != NULL && span_is(token->key, key);
}

bool tg_amf_text_is(const struct tg_amf_token *token, const char *text)
{
    return token->type == TG_AMF_STRING && span_is(token->text, text);
}

static void write_double(struct tg_wr *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    tg_wr_u64(w, bits);
}

void tg_amf_write_number(struct tg_wr *w, double value)
{
    tg_wr_u8(w, M_NUMBER);
    write_double(w, value);
}

void tg_amf_write_bool(struct tg_wr *w, bool value)
{
    tg_wr_u8(w, M_BOOL);
    tg_wr_u8(w, value ? 1 : 0);
}

void tg_amf_write_text(struct tg_wr *w, const void *text, size_t len)
{
    if (len > UINT32_MAX) {
        w->bad = true;
        return;
    }
    if (len <= UINT16_MAX) {
        tg_wr_u8(w, M_STRING);
        tg_wr_u16(w, (uint16_t)len);
    } else {
        tg_wr_u8(w, M_LONG_STRING);
        tg_wr_u32(w, (uint32_t)len);
    }
    tg_wr_bytes(w, text, len);
}

void tg_amf_write_str(struct tg_wr *w, const char *text)
{
    tg_amf_write_text(w, text, strlen(text));
}

void tg_amf_write_null(struct tg_wr *w)
{
    tg_wr_u8(w, M_NULL);
}

void tg_amf_write_undefined(struct tg_wr *w)
{
    tg_wr_u8(w, M_UNDEFINED);
}

void tg_amf_write_date(struct tg_wr *w, double ms)
{
    tg_wr_u8(w, M_DATE);
    write_double(w, ms);
    tg_wr_u16(w, 0);
}

void tg_amf_write_object(struct tg_wr *w)
{
    tg_wr_u8(w, M_OBJECT);
}

void tg_amf_write_ecma_array(struct tg_wr *w, uint32_t count)
{
    tg_wr_u8(w, M_ECMA_ARRAY);
    tg_wr_u32(w, count);
}

void tg_amf_write_key(struct tg_wr *w, const char *key)
{
    size_t len = strlen(key);

    if (len > UINT16_MAX) {
        w->bad = true;
        return;
    }
    tg_wr_u16(w, (uint16_t)len);
    tg_wr_bytes(w, key, len);
}

void tg_amf_write_end(struct tg_wr *w)
{
    tg_wr_u16(w, 0);
    tg_wr_u8(w, M_OBJECT_END);
}

void tg_amf_write_array(struct tg_wr *w, uint32_t count)
{
    tg_wr_u8(w, M_STRICT_ARRAY);
    tg_wr_u32(w, count);
}
