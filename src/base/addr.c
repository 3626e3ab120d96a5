#include "base/addr.h"

#include <arpa/inet.h>

#include "base/macros.h"
#include "base/str.h"

tg_err tg_addr_parse(struct tg_addr *ret, const char *text, size_t len, uint16_t port)
{
    struct tg_addr addr = tg_addr_v4(0, 0, 0, 0, port);
    char copy[INET6_ADDRSTRLEN];

    if (tg_str_copy(copy, sizeof(copy), text, len) != TG_OK)
        return TG_ERR_MALFORMED;
    if (inet_pton(AF_INET, copy, addr.ip + 12) != 1 && inet_pton(AF_INET6, copy, addr.ip) != 1)
        return TG_ERR_MALFORMED;
    *ret = addr;
    return TG_OK;
}

bool tg_addr_is_any(const struct tg_addr *addr)
{
    static const uint8_t zero[16] = {0};

    return memcmp(addr->ip, zero, 16) == 0 ||
           (tg_addr_is_v4(addr) && memcmp(addr->ip + 12, zero, 4) == 0);
}

bool tg_addr_is_loopback(const struct tg_addr *addr)
{
    static const uint8_t one[16] = {[15] = 1};

    return tg_addr_is_v4(addr) ? addr->ip[12] == 127 : memcmp(addr->ip, one, 16) == 0;
}

struct prefix {
    uint8_t ip[4]; /* no row is longer */
    unsigned bits;
};

static bool in_table(const uint8_t *ip, const struct prefix *rows, size_t count)
{
    uint32_t value = (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];

    for (size_t i = 0; i < count; i++) {
        const uint8_t *r = rows[i].ip;
        uint32_t row =
            (uint32_t)r[0] << 24 | (uint32_t)r[1] << 16 | (uint32_t)r[2] << 8 | (uint32_t)r[3];

        if ((value ^ row) >> (32 - rows[i].bits) == 0)
            return true;
    }
    return false;
}

static bool v4_is_public(const uint8_t ip[4])
{
    static const struct prefix special[] = {
        {{0}, 8},             /* this network */
        {{10}, 8},            /* private */
        {{100, 64}, 10},      /* shared: carriers' NAT */
        {{127}, 8},           /* loopback */
        {{169, 254}, 16},     /* link-local, and clouds' metadata */
        {{172, 16}, 12},      /* private */
        {{192, 0, 0}, 24},    /* protocol assignments */
        {{192, 0, 2}, 24},    /* documentation */
        {{192, 88, 99}, 24},  /* 6to4 relays */
        {{192, 168}, 16},     /* private */
        {{198, 18}, 15},      /* benchmarking */
        {{198, 51, 100}, 24}, /* documentation */
        {{203, 0, 113}, 24},  /* documentation */
        {{224}, 4},           /* multicast */
        {{240}, 4},           /* reserved, broadcast */
    };

    return !in_table(ip, special, TG_ARRAY_LEN(special));
}

static bool v6_is_public(const uint8_t ip[16])
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const struct prefix special[] = {
        {{0x20, 0x01, 0x00}, 23},       /* protocol assignments, Teredo, ORCHID */
        {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
        {{0x20, 0x02}, 16},             /* 6to4 */
        {{0x3f, 0xff, 0x00}, 20},       /* documentation */
    };

    if (memcmp(ip, nat64, sizeof(nat64)) == 0)
        return v4_is_public(ip + 12);
    /* 2000::/3 is all that was ever given out. */
    return ip[0] >> 5 == 1 && !in_table(ip, special, TG_ARRAY_LEN(special));
}

bool tg_addr_is_public(const struct tg_addr *addr)
{
    return tg_addr_is_v4(addr) ? v4_is_public(addr->ip + 12) : v6_is_public(addr->ip);
}
