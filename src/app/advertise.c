#include "app/advertise.h"

#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "net/addr.h"

enum { NAME_MAX_LEN = 253, LABEL_MAX = 63 };

/* Letters, digits and hyphens in labels (RFC 1123 s2.1), the last one not all digits. */
static bool is_name(const char *text)
{
    const size_t len = strlen(text);
    size_t label = 0;
    bool digits = true;

    if (len == 0 || len > NAME_MAX_LEN)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        const bool digit = c >= '0' && c <= '9';

        if (c == '.') {
            if (label == 0 || text[i - 1] == '-')
                return false;
            label = 0;
            digits = true;
            continue;
        }
        if (!digit && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            (c != '-' || label == 0))
            return false;
        digits = digits && digit;
        if (++label > LABEL_MAX)
            return false;
    }
    return label > 0 && !digits && text[len - 1] != '-';
}

bool tg_advertise_valid(const char *text)
{
    struct tg_addr addr;

    if (tg_addr_parse(&addr, text, strlen(text), 0) == TG_OK)
        return !tg_addr_is_any(&addr);
    return is_name(text);
}

bool tg_advertise_private(const struct tg_addr *a)
{
    const uint8_t *v4 = a->ip + 12;

    if (tg_addr_is_loopback(a))
        return true;
    if (!tg_addr_is_v4(a)) /* fc00::/7, fe80::/10 */
        return (a->ip[0] & 0xfe) == 0xfc || (a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80);
    return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
           (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254) ||
           (v4[0] == 100 && (v4[1] & 0xc0) == 64); /* carrier-grade NAT */
}

/* LIMIT when it does not fit. */
static tg_err add(const struct tg_addr *addr, struct tg_addr *out, size_t max, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        if (tg_addr_equal(&out[i], addr))
            return TG_OK;
    }
    if (*count == max)
        return TG_ERR_LIMIT;
    out[(*count)++] = *addr;
    return TG_OK;
}

static tg_err resolve(const char *name, struct tg_addr *out, size_t max, size_t *count,
                      const char **reterr_why)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(name, NULL, &hints, &found);
    tg_err err = TG_OK;

    if (failed != 0) {
        *reterr_why = gai_strerror(failed);
        return TG_ERR_NOTFOUND;
    }
    for (const struct addrinfo *f = found; f != NULL && err == TG_OK; f = f->ai_next) {
        struct tg_addr addr;

        if (tg_addr_from_sockaddr(&addr, f->ai_addr, f->ai_addrlen) == TG_OK)
            err = add(&addr, out, max, count);
    }
    freeaddrinfo(found);
    return err;
}

tg_err tg_advertise_resolve(const struct tg_cfg_list *list, struct tg_addr *out, size_t max,
                            size_t *ret_count, const char **reterr_item, const char **reterr_why)
{
    size_t count = 0;
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < list->count; i++) {
        const char *item = list->items[i];
        struct tg_addr addr;

        *reterr_item = item;
        if (tg_addr_parse(&addr, item, strlen(item), 0) == TG_OK)
            err = add(&addr, out, max, &count);
        else
            err = resolve(item, out, max, &count, reterr_why);
    }
    if (err == TG_OK)
        *ret_count = count;
    return err;
}
