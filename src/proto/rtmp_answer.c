/*
 * rtmp_answer.c - what the server says to a publisher; see rtmp_session_priv.h.
 */
#include <string.h>

#include "base/macros.h"
#include "proto/amf.h"
#include "proto/rtmp_chunk.h"
#include "proto/rtmp_session_priv.h"

enum { CSID_CONTROL = 2, CSID_COMMAND = 3, CSID_STREAM = 5, STREAM_ID = 1, LIMIT_DYNAMIC = 2 };
enum { TEXT_MAX = 512 };

static void send_msg(struct tg_buf *out, uint32_t csid, uint8_t type, uint32_t stream_id,
                     const struct tg_wr *w)
{
    struct tg_rtmp_msg msg = {
        .csid = csid, .type = type, .stream_id = stream_id, .payload = {w->start, tg_wr_len(w)}};

    TG_ASSERT(!w->bad); /* every message here has a known largest size */
    tg_rtmp_write(out, &msg, TG_RTMP_CHUNK_SIZE_OUT);
}

static void write_u32(struct tg_buf *out, uint8_t type, uint32_t value)
{
    uint8_t bytes[4];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_wr_u32(&w, value);
    send_msg(out, CSID_CONTROL, type, 0, &w);
}

static void write_bandwidth(struct tg_buf *out)
{
    uint8_t bytes[5];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_wr_u32(&w, TG_RTMP_WINDOW);
    tg_wr_u8(&w, LIMIT_DYNAMIC);
    send_msg(out, CSID_CONTROL, TG_RTMP_SET_PEER_BANDWIDTH, 0, &w);
}

static void prop_str(struct tg_wr *w, const char *key, const char *value)
{
    tg_amf_write_key(w, key);
    tg_amf_write_str(w, value);
}

static void prop_number(struct tg_wr *w, const char *key, double value)
{
    tg_amf_write_key(w, key);
    tg_amf_write_number(w, value);
}

void tg_rtmp_write_connected(struct tg_buf *out, double txn, bool enhanced)
{
    uint8_t bytes[512];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    write_u32(out, TG_RTMP_WINDOW_ACK_SIZE, TG_RTMP_WINDOW);
    write_bandwidth(out);
    /* Old chunk size first: this message itself is shorter than either. */
    write_u32(out, TG_RTMP_SET_CHUNK_SIZE, TG_RTMP_CHUNK_SIZE_OUT);
    tg_amf_write_str(&w, "_result");
    tg_amf_write_number(&w, txn);
    tg_amf_write_object(&w);
    prop_str(&w, "fmsVer", "FMS/3,0,1,123"); /* what encoders look for */
    prop_number(&w, "capabilities", 31);
    tg_amf_write_end(&w);
    tg_amf_write_object(&w);
    prop_str(&w, "level", "status");
    prop_str(&w, "code", "NetConnection.Connect.Success");
    prop_str(&w, "description", "Connection succeeded.");
    prop_number(&w, "objectEncoding", 0);
    if (enhanced) { /* Enhanced RTMP: what we can take */
        tg_amf_write_key(&w, "fourCcList");
        tg_amf_write_array(&w, 1);
        tg_amf_write_str(&w, "avc1");
    }
    tg_amf_write_end(&w);
    send_msg(out, CSID_COMMAND, TG_RTMP_COMMAND_AMF0, 0, &w);
}

void tg_rtmp_write_created(struct tg_buf *out, double txn)
{
    uint8_t bytes[64];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_amf_write_str(&w, "_result");
    tg_amf_write_number(&w, txn);
    tg_amf_write_null(&w);
    tg_amf_write_number(&w, STREAM_ID);
    send_msg(out, CSID_COMMAND, TG_RTMP_COMMAND_AMF0, 0, &w);
}

void tg_rtmp_write_status(struct tg_buf *out, uint32_t stream_id, const char *level,
                          const char *code, const char *description)
{
    uint8_t bytes[TEXT_MAX + 256];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_amf_write_str(&w, "onStatus");
    tg_amf_write_number(&w, 0);
    tg_amf_write_null(&w);
    tg_amf_write_object(&w);
    prop_str(&w, "level", level);
    prop_str(&w, "code", code);
    tg_amf_write_key(&w, "description");
    tg_amf_write_text(&w, description, TG_MIN(strlen(description), (size_t)TEXT_MAX));
    tg_amf_write_end(&w);
    send_msg(out, CSID_STREAM, TG_RTMP_COMMAND_AMF0, stream_id, &w);
}

void tg_rtmp_write_user_control(struct tg_buf *out, uint16_t event, uint32_t value)
{
    uint8_t bytes[6];
    struct tg_wr w = tg_wr(bytes, sizeof(bytes));

    tg_wr_u16(&w, event);
    tg_wr_u32(&w, value);
    send_msg(out, CSID_CONTROL, TG_RTMP_USER_CONTROL, 0, &w);
}

void tg_rtmp_write_ack(struct tg_buf *out, uint32_t bytes)
{
    write_u32(out, TG_RTMP_ACK, bytes);
}
