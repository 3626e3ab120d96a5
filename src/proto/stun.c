#include "proto/stun.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/macros.h"
#include "base/str.h"

enum {
    STUN_COOKIE = 0x2112A442,
    STUN_FINGERPRINT_XOR = 0x5354554e, /* RFC 8489 s14.7 */
    STUN_MAC_SIZE = 20,
    STUN_INTEGRITY_SIZE = 24,  /* with its attribute header */
    STUN_FINGERPRINT_SIZE = 8, /* likewise */
    STUN_USERNAME_MAX = 513,   /* s14.3: fewer than 513 bytes in UTF-8, RFC 8445 needs 513 */
    STUN_REASON_MAX = 32,
};

enum stun_attr {
    ATTR_MAPPED_ADDRESS = 0x0001,
    ATTR_USERNAME = TG_STUN_ATTR_USERNAME,
    ATTR_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN = 0x000A,
    ATTR_REALM = 0x0014,
    ATTR_NONCE = 0x0015,
    ATTR_INTEGRITY_SHA256 = 0x001C,
    ATTR_XOR_MAPPED = 0x0020,
    ATTR_PRIORITY = 0x0024,
    ATTR_USE_CANDIDATE = 0x0025,
    ATTR_FINGERPRINT = 0x8028,
    ATTR_CONTROLLED = 0x8029,
    ATTR_CONTROLLING = 0x802A,
};

/* CRC-32 of ISO 3309 by half bytes: 64 bytes of table, ~100 bytes of message. */
static uint32_t crc32_of(const uint8_t *bytes, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < len; i++) {
        crc = table[(crc ^ bytes[i]) & 15] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)bytes[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}

bool tg_stun_looks_like(const uint8_t *bytes, size_t len)
{
    struct tg_rd r = tg_rd(bytes, len);
    uint16_t type = tg_rd_u16(&r);
    uint16_t body = tg_rd_u16(&r);
    uint32_t cookie = tg_rd_u32(&r);

    return !r.bad && type < 0x4000 && body % 4 == 0 && cookie == STUN_COOKIE &&
           (size_t)body + TG_STUN_HEADER_SIZE == len;
}

/* s14.2: port and address are XORed with the cookie and the transaction id. */
static void xor_address(uint8_t *ip, size_t len, const uint8_t *id)
{
    uint8_t mask[16] = {0x21, 0x12, 0xA4, 0x42};

    memcpy(mask + 4, id, TG_STUN_ID_SIZE);
    for (size_t i = 0; i < len; i++)
        ip[i] ^= mask[i];
}

static bool read_mapped(struct tg_stun *msg, struct tg_rd *v)
{
    struct tg_addr addr = tg_addr_v4(0, 0, 0, 0, 0);

    tg_rd_skip(v, 1);
    uint8_t family = tg_rd_u8(v);
    addr.port = (uint16_t)(tg_rd_u16(v) ^ STUN_COOKIE >> 16);
    if (family == 1) {
        tg_rd_copy(v, addr.ip + 12, 4);
        xor_address(addr.ip + 12, 4, msg->id);
    } else if (family == 2) {
        tg_rd_copy(v, addr.ip, 16);
        xor_address(addr.ip, 16, msg->id);
    } else {
        return false;
    }
    msg->has_mapped = true;
    msg->mapped = addr;
    return !v->bad;
}

static bool read_error(struct tg_stun *msg, struct tg_rd *v)
{
    uint32_t word = tg_rd_u32(v);
    unsigned class = word >> 8 & 7;
    unsigned number = word & 0xff;

    if (v->bad || class < 3 || class > 6 || number > 99)
        return false;
    msg->error_code = (uint16_t)(class * 100 + number);
    return true;
}

static void add_unknown(struct tg_stun *msg, uint16_t type)
{
    if (msg->unknown_count < TG_STUN_UNKNOWN_MAX)
        msg->unknown[msg->unknown_count++] = type;
}

static bool read_role(struct tg_stun *msg, struct tg_rd *v, bool controlling)
{
    if (tg_rd_left(v) != 8)
        return false;
    if (controlling)
        msg->has_controlling = true;
    else
        msg->has_controlled = true;
    msg->tie_breaker = tg_rd_u64(v);
    return true;
}

/* One attribute in front of MESSAGE-INTEGRITY. False = malformed. */
static bool read_attr(struct tg_stun *msg, uint16_t type, struct tg_span value)
{
    struct tg_rd v = tg_rd(value.data, value.len);

    switch (type) {
    case ATTR_USERNAME:
        if (msg->username.data != NULL || value.len > STUN_USERNAME_MAX)
            return false;
        msg->username = value;
        return true;
    case ATTR_PRIORITY:
        msg->has_priority = true;
        msg->priority = tg_rd_u32(&v);
        return value.len == 4;
    case ATTR_USE_CANDIDATE:
        msg->use_candidate = true;
        return value.len == 0;
    case ATTR_CONTROLLED:
        return read_role(msg, &v, false);
    case ATTR_CONTROLLING:
        return read_role(msg, &v, true);
    case ATTR_XOR_MAPPED:
        return read_mapped(msg, &v);
    case ATTR_ERROR_CODE:
        return read_error(msg, &v);
    case ATTR_UNKNOWN:
        for (; msg->type == TG_STUN_ERROR && tg_rd_left(&v) >= 2;)
            add_unknown(msg, tg_rd_u16(&v));
        return true;
    case ATTR_MAPPED_ADDRESS:
    case ATTR_REALM:
    case ATTR_NONCE:
    case ATTR_INTEGRITY_SHA256:
        return true; /* understood, of no use to ICE */
    default:
        if (type < 0x8000 && msg->type != TG_STUN_ERROR)
            add_unknown(msg, type);
        return true;
    }
}

/* s14.7: the last attribute; covers everything in front of itself. */
static bool check_fingerprint(struct tg_span value, const uint8_t *bytes, size_t at, size_t left)
{
    struct tg_rd v = tg_rd(value.data, value.len);
    uint32_t claimed = tg_rd_u32(&v);

    return value.len == 4 && left == 0 && claimed == (crc32_of(bytes, at) ^ STUN_FINGERPRINT_XOR);
}

static bool read_attrs(struct tg_stun *msg, struct tg_rd *r, const uint8_t *bytes)
{
    while (tg_rd_left(r) > 0) {
        size_t at = (size_t)(r->at - bytes);
        uint16_t type = tg_rd_u16(r);
        uint16_t len = tg_rd_u16(r);
        struct tg_span value = tg_rd_span(r, len);

        tg_rd_skip(r, (4u - len % 4u) % 4u);
        if (r->bad)
            return false;
        if (type == ATTR_FINGERPRINT) {
            if (!check_fingerprint(value, bytes, at, tg_rd_left(r)))
                return false;
            msg->has_fingerprint = true;
        } else if (msg->integrity_at != 0) {
            continue;
        } else if (type == ATTR_INTEGRITY) {
            if (len != STUN_MAC_SIZE)
                return false;
            msg->integrity_at = (uint16_t)at;
        } else if (!read_attr(msg, type, value)) {
            return false;
        }
    }
    return true;
}

tg_err tg_stun_parse(struct tg_stun *ret, const uint8_t *bytes, size_t len)
{
    struct tg_rd r = tg_rd(bytes, len);
    struct tg_stun msg = {0};

    if (len < TG_STUN_HEADER_SIZE)
        return TG_ERR_TRUNCATED;
    if (!tg_stun_looks_like(bytes, len) || len > TG_STUN_SIZE_MAX)
        return TG_ERR_MALFORMED;
    msg.type = tg_rd_u16(&r);
    tg_rd_skip(&r, 6);
    tg_rd_copy(&r, msg.id, sizeof(msg.id));
    if ((msg.type & ~0x0110u) != 0x0001)
        return TG_ERR_UNSUPPORTED;
    if (!read_attrs(&msg, &r, bytes))
        return TG_ERR_MALFORMED;
    *ret = msg;
    return TG_OK;
}

/* s14.5: over the message in front of the attribute, with a length that ends behind it. */
static bool integrity_mac(uint8_t mac[STUN_MAC_SIZE], const uint8_t *bytes, size_t at,
                          const char *password)
{
    uint8_t copy[TG_STUN_SIZE_MAX];
    unsigned mac_len = 0;
    size_t body = at + STUN_INTEGRITY_SIZE - TG_STUN_HEADER_SIZE;

    TG_ASSERT(at >= TG_STUN_HEADER_SIZE && at <= sizeof(copy));
    memcpy(copy, bytes, at);
    copy[2] = (uint8_t)(body >> 8);
    copy[3] = (uint8_t)body;
    return HMAC(EVP_sha1(), password, (int)strlen(password), copy, at, mac, &mac_len) != NULL &&
           mac_len == STUN_MAC_SIZE;
}

bool tg_stun_check_integrity(const struct tg_stun *msg, const uint8_t *bytes, size_t len,
                             const char *password)
{
    uint8_t mac[STUN_MAC_SIZE];
    size_t at = msg->integrity_at;

    if (at == 0 || at + STUN_INTEGRITY_SIZE > len || !integrity_mac(mac, bytes, at, password))
        return false;
    return tg_secret_equal(mac, sizeof(mac), bytes + at + 4, STUN_MAC_SIZE);
}

static void write_attr(struct tg_wr *w, uint16_t type, const void *value, size_t len)
{
    static const uint8_t zero[3] = {0};

    tg_wr_u16(w, type);
    tg_wr_u16(w, (uint16_t)len);
    tg_wr_bytes(w, value, len);
    tg_wr_bytes(w, zero, (4 - len % 4) % 4);
}

static void write_mapped(struct tg_wr *w, const struct tg_stun *msg)
{
    struct tg_addr addr = msg->mapped;
    bool v4 = tg_addr_is_v4(&addr);
    uint8_t *ip = v4 ? addr.ip + 12 : addr.ip;
    size_t len = v4 ? 4 : 16;

    xor_address(ip, len, msg->id);
    tg_wr_u16(w, ATTR_XOR_MAPPED);
    tg_wr_u16(w, (uint16_t)(4 + len));
    tg_wr_u16(w, v4 ? 1 : 2);
    tg_wr_u16(w, (uint16_t)(addr.port ^ STUN_COOKIE >> 16));
    tg_wr_bytes(w, ip, len);
}

static const char *error_text(uint16_t code)
{
    switch (code) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthenticated";
    case 420:
        return "Unknown Attribute";
    case 487:
        return "Role Conflict";
    default:
        return "Error";
    }
}

static void write_error(struct tg_wr *w, const struct tg_stun *msg)
{
    const char *text = error_text(msg->error_code);
    uint8_t value[4 + STUN_REASON_MAX] = {0, 0, (uint8_t)(msg->error_code / 100),
                                          (uint8_t)(msg->error_code % 100)};
    size_t len = strlen(text);

    TG_ASSERT(len <= STUN_REASON_MAX);
    memcpy(value + 4, text, len);
    write_attr(w, ATTR_ERROR_CODE, value, 4 + len);
    if (msg->error_code != 420)
        return;
    tg_wr_u16(w, ATTR_UNKNOWN);
    tg_wr_u16(w, (uint16_t)(msg->unknown_count * 2));
    for (size_t i = 0; i < msg->unknown_count; i++)
        tg_wr_u16(w, msg->unknown[i]);
    if (msg->unknown_count % 2 != 0)
        tg_wr_u16(w, 0);
}

static void write_u64_attr(struct tg_wr *w, uint16_t type, uint64_t value)
{
    tg_wr_u16(w, type);
    tg_wr_u16(w, 8);
    tg_wr_u64(w, value);
}

static void write_attrs(struct tg_wr *w, const struct tg_stun *msg)
{
    if (msg->username.data != NULL)
        write_attr(w, ATTR_USERNAME, msg->username.data, msg->username.len);
    if (msg->has_priority) {
        tg_wr_u16(w, ATTR_PRIORITY);
        tg_wr_u16(w, 4);
        tg_wr_u32(w, msg->priority);
    }
    if (msg->use_candidate)
        write_attr(w, ATTR_USE_CANDIDATE, NULL, 0);
    if (msg->has_controlling)
        write_u64_attr(w, ATTR_CONTROLLING, msg->tie_breaker);
    if (msg->has_controlled)
        write_u64_attr(w, ATTR_CONTROLLED, msg->tie_breaker);
    if (msg->has_mapped)
        write_mapped(w, msg);
    if (msg->error_code != 0)
        write_error(w, msg);
}

/* The header's length as if the message ended where w is, plus more. */
static void patch_length(struct tg_wr *w, size_t more)
{
    tg_wr_patch_u16(w, 2, (uint16_t)(tg_wr_len(w) + more - TG_STUN_HEADER_SIZE));
}

tg_err tg_stun_write(uint8_t *out, size_t cap, size_t *ret_len, const struct tg_stun *msg,
                     const char *password)
{
    struct tg_wr w = tg_wr(out, TG_MIN(cap, (size_t)TG_STUN_SIZE_MAX));
    uint8_t mac[STUN_MAC_SIZE];

    if (msg->username.len > STUN_USERNAME_MAX || msg->error_code > 699 ||
        msg->unknown_count > TG_STUN_UNKNOWN_MAX)
        return TG_ERR_LIMIT;
    tg_wr_u16(&w, msg->type);
    tg_wr_u16(&w, 0);
    tg_wr_u32(&w, STUN_COOKIE);
    tg_wr_bytes(&w, msg->id, sizeof(msg->id));
    write_attrs(&w, msg);
    if (password != NULL && !w.bad && tg_wr_left(&w) >= STUN_INTEGRITY_SIZE) {
        if (!integrity_mac(mac, out, tg_wr_len(&w), password))
            return TG_ERR_LIMIT;
        write_attr(&w, ATTR_INTEGRITY, mac, sizeof(mac));
    } else if (password != NULL) {
        return TG_ERR_LIMIT;
    }
    patch_length(&w, STUN_FINGERPRINT_SIZE);
    if (w.bad)
        return TG_ERR_LIMIT;
    uint32_t crc = crc32_of(out, tg_wr_len(&w)) ^ STUN_FINGERPRINT_XOR;
    tg_wr_u16(&w, ATTR_FINGERPRINT);
    tg_wr_u16(&w, 4);
    tg_wr_u32(&w, crc);
    if (w.bad)
        return TG_ERR_LIMIT;
    *ret_len = tg_wr_len(&w);
    return TG_OK;
}
