#include "base/cidr.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

/* The bits right of the prefix must be zero: "10.1.0.0/8" is most likely a mistake. */
static bool tail_is_zero(const struct tg_cidr *net)
{
    for (unsigned bit = net->bits; bit < 128; bit++) {
        if ((net->ip[bit / 8] >> (7 - bit % 8)) & 1)
            return false;
    }
    return true;
}

tg_err tg_cidr_parse(struct tg_cidr *ret, const char *text)
{
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    struct tg_cidr net = {.bits = 128};
    struct tg_addr addr;
    unsigned base;

    if (tg_addr_parse(&addr, text, len, 0) != TG_OK)
        return TG_ERR_MALFORMED;
    memcpy(net.ip, addr.ip, sizeof(net.ip));
    base = tg_addr_is_v4(&addr) && memchr(text, ':', len) == NULL ? 96 : 0;
    if (slash != NULL) {
        int64_t bits;

        if (tg_parse_i64(&bits, slash + 1, strlen(slash + 1), 0, 128 - (int64_t)base) != TG_OK)
            return TG_ERR_MALFORMED;
        net.bits = base + (unsigned)bits;
    }
    if (!tail_is_zero(&net))
        return TG_ERR_MALFORMED;
    *ret = net;
    return TG_OK;
}

bool tg_cidr_match(const struct tg_cidr *net, const struct tg_addr *addr)
{
    unsigned whole = net->bits / 8;
    unsigned rest = net->bits % 8;

    if (memcmp(net->ip, addr->ip, whole) != 0)
        return false;
    return rest == 0 || ((net->ip[whole] ^ addr->ip[whole]) >> (8 - rest)) == 0;
}

static tg_err list_add(struct tg_cidr_list *list, const char *text)
{
    tg_err err;

    if (list->count == TG_ARRAY_LEN(list->nets))
        return TG_ERR_LIMIT;
    err = tg_cidr_parse(&list->nets[list->count], text);
    if (err == TG_OK)
        list->count++;
    return err;
}

tg_err tg_cidr_list_add(struct tg_cidr_list *list, const char *text)
{
    tg_err err;

    if (strcmp(text, "loopback") != 0)
        return list_add(list, text);
    err = list_add(list, "127.0.0.0/8");
    return err != TG_OK ? err : list_add(list, "::1");
}

bool tg_cidr_list_match(const struct tg_cidr_list *list, const struct tg_addr *addr)
{
    for (size_t i = 0; i < list->count; i++) {
        if (tg_cidr_match(&list->nets[i], addr))
            return true;
    }
    return false;
}
