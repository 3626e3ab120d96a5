#include "net/addr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/str.h"

socklen_t tg_addr_to_sockaddr(struct sockaddr_storage *ret, const struct tg_addr *addr, bool as_v6)
{
    if (tg_addr_is_v4(addr) && !as_v6) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};

        memcpy(&in.sin_addr, addr->ip + 12, 4);
        memcpy(ret, &in, sizeof(in));
        return sizeof(in);
    }
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};

    memcpy(&in6.sin6_addr, addr->ip, 16);
    memcpy(ret, &in6, sizeof(in6));
    return sizeof(in6);
}

tg_err tg_addr_from_sockaddr(struct tg_addr *ret, const void *sa, socklen_t len)
{
    sa_family_t family = AF_UNSPEC;

    if (len >= sizeof(family))
        memcpy(&family, sa, sizeof(family)); /* the first member of both */
    if (family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof(in));
        *ret = tg_addr_v4(0, 0, 0, 0, ntohs(in.sin_port));
        memcpy(ret->ip + 12, &in.sin_addr, 4);
        return TG_OK;
    }
    if (family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof(in6));
        *ret = (struct tg_addr){.port = ntohs(in6.sin6_port)};
        memcpy(ret->ip, &in6.sin6_addr, 16);
        return TG_OK;
    }
    return TG_ERR_MALFORMED;
}

static bool usable(const struct ifaddrs *i, struct tg_addr *ret, uint16_t port)
{
    socklen_t len;

    if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 || (i->ifa_flags & IFF_LOOPBACK) != 0)
        return false;
    len = i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                            : sizeof(struct sockaddr_in6);
    if (tg_addr_from_sockaddr(ret, i->ifa_addr, len) != TG_OK)
        return false;
    ret->port = port;
    /* fe80::/10 and 169.254/16 reach nobody from outside. */
    if (tg_addr_is_v4(ret))
        return !(ret->ip[12] == 169 && ret->ip[13] == 254);
    return !(ret->ip[0] == 0xfe && (ret->ip[1] & 0xc0) == 0x80);
}

size_t tg_addr_local(struct tg_addr *out, size_t max, uint16_t port)
{
    struct ifaddrs *list = NULL;
    size_t count = 0;

    if (getifaddrs(&list) != 0)
        return 0;
    for (int pass = 0; pass < 2; pass++) {
        for (const struct ifaddrs *i = list; i != NULL && count < max; i = i->ifa_next) {
            struct tg_addr addr;

            if (usable(i, &addr, port) && tg_addr_is_v4(&addr) == (pass == 0))
                out[count++] = addr;
        }
    }
    freeifaddrs(list);
    return count;
}
