#include "base/addr.h"

#include <arpa/inet.h>

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
