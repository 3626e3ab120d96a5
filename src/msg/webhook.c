#include "msg/webhook.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* --- topics --- */

static const char *const topics_known[] = {
    "order.created",    "order.paid",           "order.captured",   "order.capture_failed",
    "order.voided",     "order.void_failed",    "order.refunded",   "order.refund_failed",
    "order.cancelled",  "order.part_cancelled", "order.fulfilled",  "order.returned",
    "order.expired",    "order.sold_out",       "order.excess",     "stock.changed",
    "price.changed",    "product.changed",      "product.archived", "location.changed",
    "webhook.disabled", "webhook.ping",
};

const char *tg_hook_topic_at(size_t index)
{
    return index < TG_ARRAY_LEN(topics_known) ? topics_known[index] : NULL;
}

static bool matches(const char *want, size_t len, const char *topic)
{
    if (len == 1 && want[0] == '*')
        return true;
    if (len >= 2 && want[len - 1] == '*')
        return strncmp(want, topic, len - 1) == 0;
    return strlen(topic) == len && memcmp(want, topic, len) == 0;
}

bool tg_hook_topic_ok(const char *topic)
{
    size_t len = strlen(topic);

    /* "order.*" and "*", but no "ord*" */
    if (len == 0 || (topic[len - 1] == '*' && len > 1 && topic[len - 2] != '.'))
        return false;
    for (size_t i = 0; i < TG_ARRAY_LEN(topics_known); i++)
        if (matches(topic, len, topics_known[i]))
            return true;
    return false;
}

bool tg_hook_topics_ok(const char *topics)
{
    char topic[TG_HOOK_TOPICS_SIZE];

    if (strlen(topics) >= sizeof(topic))
        return false;
    for (const char *at = topics; *at != '\0';) {
        size_t len = strcspn(at, " ");

        tg_str_printf(topic, sizeof(topic), "%.*s", (int)len, at);
        if (!tg_hook_topic_ok(topic))
            return false;
        at += len + (at[len] == ' ');
    }
    return true;
}

bool tg_hook_wants(const char *topics, const char *topic)
{
    const char *at = topics;

    if (topics[0] == '\0')
        return true;
    while (*at != '\0') {
        size_t len = strcspn(at, " ");

        if (len > 0 && matches(at, len, topic))
            return true;
        at += len;
        at += strspn(at, " ");
    }
    return false;
}

/* --- addresses --- */

static bool because(char why[128], const char *text)
{
    tg_str_cut(why, 128, text);
    return false;
}

/* The host within "host", "host:port" or "[v6]:port"; false: none of them. */
static bool split_host(const char *text, size_t len, const char **ret_host, size_t *ret_len)
{
    const char *end = memchr(text, text[0] == '[' ? ']' : ':', len);
    const char *port;
    int64_t number;

    if (text[0] == '[') {
        if (end == NULL)
            return false;
        *ret_host = text + 1;
        *ret_len = (size_t)(end - text) - 1;
        port = end + 1;
    } else {
        *ret_host = text;
        *ret_len = end == NULL ? len : (size_t)(end - text);
        port = text + *ret_len;
    }
    if (*ret_len == 0 || *ret_len > 253)
        return false;
    if (port == text + len)
        return true;
    return *port == ':' &&
           tg_parse_i64(&number, port + 1, (size_t)(text + len - port) - 1, 1, 65535) == TG_OK;
}

static bool host_chars_ok(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = host[i];

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' &&
            c != '.' && c != ':' && c != '_')
            return false;
    }
    return true;
}

bool tg_hook_url_ok(const char *url, const struct tg_cidr_list *allow, char why[128])
{
    bool https = strncmp(url, "https://", 8) == 0;
    const char *rest = url + (https ? 8 : 7);
    struct tg_addr addr;
    const char *host;
    size_t len;

    if (!https && strncmp(url, "http://", 7) != 0)
        return because(why, "must begin with https://");
    if (!https && allow->count == 0)
        return because(why, "must begin with https:// (http:// needs webhooks.allow_networks)");
    for (const char *c = url; *c != '\0'; c++)
        if (*c <= ' ' || *c > '~' || *c == '\\' || *c == '"' || *c == '<' || *c == '>')
            return because(why, "holds a character that must be percent-encoded");
    if (strchr(url, '#') != NULL)
        return because(why, "must have no fragment (#)");
    len = strcspn(rest, "/?");
    if (memchr(rest, '@', len) != NULL)
        return because(why, "must have no user name or password");
    if (!split_host(rest, len, &host, &len) || !host_chars_ok(host, len))
        return because(why, "must name a host, as in https://shop.example/hooks");
    if (tg_addr_parse(&addr, host, len, 0) == TG_OK && !tg_addr_is_public(&addr) &&
        !tg_cidr_list_match(allow, &addr))
        return because(why, "is an internal address that webhooks.allow_networks does not name");
    return true;
}

/* --- messages --- */

void tg_hook_message_id(char out[TG_HOOK_MESSAGE_ID_SIZE], int64_t message)
{
    tg_str_printf(out, TG_HOOK_MESSAGE_ID_SIZE, "msg_%llx", (unsigned long long)message);
}

tg_err tg_hook_message_parse(int64_t *ret_message, const char *text)
{
    uint64_t number = 0;
    size_t digits;

    if (strncmp(text, "msg_", 4) != 0)
        return TG_ERR_MALFORMED;
    text += 4;
    digits = strspn(text, "0123456789abcdef");
    if (digits < 1 || digits > 16 || text[digits] != '\0')
        return TG_ERR_MALFORMED;
    for (size_t i = 0; i < digits; i++)
        number = number << 4 | (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    if (number > INT64_MAX)
        return TG_ERR_MALFORMED;
    *ret_message = (int64_t)number;
    return TG_OK;
}

const char *tg_delivery_state_name(int state)
{
    static const char *const names[] = {"pending", "delivered", "failed"};

    return state >= 0 && (size_t)state < TG_ARRAY_LEN(names) ? names[state] : NULL;
}
