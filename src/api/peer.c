/* Who calls: the address behind our proxies, and how often it, or a person, may. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "api/req.h"
#include "base/metrics.h"

static struct tg_addr socket_addr(struct lws *wsi)
{
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(sa);
    struct tg_addr addr = {.port = 0};

    if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&sa, &len) != 0)
        return addr;
    if (sa.ss_family == AF_INET6) {
        memcpy(addr.ip, &((struct sockaddr_in6 *)(void *)&sa)->sin6_addr, 16);
    } else if (sa.ss_family == AF_INET) {
        addr = tg_addr_v4(0, 0, 0, 0, 0);
        memcpy(addr.ip + 12, &((struct sockaddr_in *)(void *)&sa)->sin_addr, 4);
    }
    return addr;
}

/*
 * From the right: each trusted proxy's word counts until the first address that is not one. What
 * cannot be read is nobody's address: never the proxy's own, which may be trusted with more.
 */
static struct tg_addr forwarded_addr(struct tg_worker *w, const char *list, struct tg_addr addr)
{
    size_t end = strlen(list);

    while (end > 0 && tg_cidr_list_match(&w->web->proxies, &addr)) {
        size_t start = end;
        struct tg_addr next;

        while (start > 0 && list[start - 1] != ',')
            start--;
        while (start < end && list[start] == ' ')
            start++;
        if (tg_addr_parse(&next, list + start, end - start, 0) != TG_OK)
            return (struct tg_addr){.port = 0};
        addr = next;
        while (start > 0 && (list[start - 1] == ' ' || list[start - 1] == ','))
            start--;
        end = start;
    }
    return addr;
}

struct tg_addr tg_peer_addr(struct tg_worker *w, struct lws *wsi, bool *ret_certain)
{
    char forwarded[512];
    struct tg_addr addr = socket_addr(wsi);
    bool told = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0;

    *ret_certain = !told || tg_cidr_list_match(&w->web->proxies, &addr);
    if (!told || !*ret_certain)
        return addr;
    tg_header(wsi, WSI_TOKEN_X_FORWARDED_FOR, forwarded, sizeof(forwarded));
    if (forwarded[0] == '\0') /* longer than any honest chain */
        return (struct tg_addr){.port = 0};
    return forwarded_addr(w, forwarded, addr);
}

static bool take_rate(struct tg_worker *w, const struct tg_addr *peer, const void *key, size_t len,
                      enum tg_rate_class what, uint32_t *ret_wait_ms)
{
    if (tg_cidr_list_match(&w->web->trusted, peer) ||
        tg_rate_take(w->rate, w->now, key, len, what, &tg_address_rates[what], ret_wait_ms))
        return true;
    TG_COUNT(http_rate_limited_total);
    return false;
}

bool tg_rate_addr(struct tg_worker *w, const struct tg_addr *peer, enum tg_rate_class what,
                  uint32_t *ret_wait_ms)
{
    uint8_t key[16];

    tg_rate_addr_key(key, peer);
    return take_rate(w, peer, key, sizeof(key), what, ret_wait_ms);
}

void tg_rate_addr_more(struct tg_worker *w, const struct tg_addr *peer, enum tg_rate_class what,
                       size_t count)
{
    const struct tg_rate_rule *rule = &tg_address_rates[what];
    uint8_t key[16];
    uint32_t wait_ms;

    if (tg_cidr_list_match(&w->web->trusted, peer))
        return;
    tg_rate_addr_key(key, peer);
    while (count > 0 && tg_rate_take(w->rate, w->now, key, sizeof(key), what, rule, &wait_ms))
        count--;
}

bool tg_rate_addr_token(struct tg_worker *w, const struct tg_addr *peer, const char *token,
                        enum tg_rate_class what, uint32_t *ret_wait_ms)
{
    uint8_t key[16 + 24] = {0};

    tg_rate_addr_key(key, peer);
    memcpy(key + 16, token, TG_MIN(strlen(token), sizeof(key) - 16));
    return take_rate(w, peer, key, sizeof(key), what, ret_wait_ms);
}

bool tg_rate_person(struct tg_worker *w, const struct tg_addr *peer, const char *person,
                    enum tg_rate_class what, uint32_t *ret_wait_ms)
{
    if (tg_person_rates[what].per_min == 0 || tg_cidr_list_match(&w->web->trusted, peer) ||
        tg_rate_take(w->rate, w->now, person, strlen(person), what, &tg_person_rates[what],
                     ret_wait_ms))
        return true;
    TG_COUNT(http_rate_limited_total);
    return false;
}
