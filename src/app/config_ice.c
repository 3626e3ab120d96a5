/*
 * config_ice.c - rtc.ice_servers and rtc.turn_secret_file: what browsers may be told of.
 * Spec: RFC 7064 (stun:), RFC 7065 (turn:). The texts end up in HTTP headers, so only characters of
 * host names and addresses pass.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "app/config_table.h"
#include "base/addr.h"
#include "base/str.h"

static bool is_host(const char *host, size_t len)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    struct tg_addr addr;

    if (len >= 2 && host[0] == '[')
        return host[len - 1] == ']' && tg_addr_parse(&addr, host + 1, len - 2, 0) == TG_OK;
    for (size_t i = 0; i < len; i++) {
        if (memchr(allowed, host[i], sizeof(allowed) - 1) == NULL)
            return false;
    }
    return len > 0;
}

/* host[:port], without a query. */
static bool is_authority(const char *text, size_t len)
{
    const char *colon = NULL;
    int64_t port;

    for (size_t i = len; i > 0 && text[i - 1] != ']'; i--) {
        if (text[i - 1] == ':') {
            colon = text + i - 1;
            break;
        }
    }
    if (colon == NULL)
        return is_host(text, len);
    size_t host_len = (size_t)(colon - text);

    return is_host(text, host_len) &&
           tg_parse_i64(&port, colon + 1, len - host_len - 1, 1, UINT16_MAX) == TG_OK;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_turn(const char *uri)
{
    return begins(uri, "turn:") || begins(uri, "turns:");
}

static bool is_uri(const char *uri)
{
    const char *rest = strchr(uri, ':');
    size_t len;

    if (rest == NULL || (!is_turn(uri) && !begins(uri, "stun:") && !begins(uri, "stuns:")))
        return false;
    rest++;
    len = strcspn(rest, "?");
    if (rest[len] == '?' && (!is_turn(uri) || (strcmp(rest + len, "?transport=udp") != 0 &&
                                               strcmp(rest + len, "?transport=tcp") != 0)))
        return false;
    return is_authority(rest, len);
}

static tg_err secret_refuse(struct tg_config_error *reterr, const char *path, const char *why)
{
    return tg_config_refuse(reterr, "rtc.turn_secret_file", "%.100s %s", path, why);
}

tg_err tg_config_turn_secret(const struct tg_config *cfg, char out[TG_CFG_SECRET_SIZE],
                             struct tg_config_error *reterr)
{
    static const char blanks[] = " \t\r\n";
    const char *path = cfg->rtc_turn_secret_file;
    char text[TG_CFG_SECRET_SIZE + 8]; /* room for a line's end, and to notice a text too long */
    tg_err err = TG_OK;
    FILE *in;
    size_t len;
    size_t from;

    out[0] = '\0';
    if (path[0] == '\0')
        return TG_OK;
    in = fopen(path, "re");
    if (in == NULL)
        return secret_refuse(reterr, path, errno == ENOENT ? "does not exist" : "cannot be read");
    (void)setvbuf(in, NULL, _IONBF, 0); /* no copy of the secret in a buffer that nobody cleanses */
    len = fread(text, 1, sizeof(text) - 1, in);
    if (ferror(in) != 0)
        err = secret_refuse(reterr, path, "cannot be read");
    (void)fclose(in); /* only read */
    text[len] = '\0';
    while (len > 0 && strchr(blanks, text[len - 1]) != NULL)
        len--;
    from = strspn(text, blanks);
    if (err == TG_OK && from >= len)
        err = secret_refuse(reterr, path, "is empty; it must hold the secret of the TURN server");
    if (err == TG_OK && (tg_str_copy(out, TG_CFG_SECRET_SIZE, text + from, len - from) != TG_OK ||
                         strlen(out) != len - from || strpbrk(out, blanks) != NULL))
        err = secret_refuse(reterr, path, "holds more than one secret of at most 256 characters");
    OPENSSL_cleanse(text, sizeof(text));
    return err;
}

tg_err tg_config_check_ice(const struct tg_config *cfg, struct tg_config_error *reterr)
{
    char secret[TG_CFG_SECRET_SIZE];
    tg_err err = tg_config_turn_secret(cfg, secret, reterr);
    bool has_secret = secret[0] != '\0';

    OPENSSL_cleanse(secret, sizeof(secret));
    for (size_t i = 0; err == TG_OK && i < cfg->rtc_ice_servers.count; i++) {
        const char *uri = cfg->rtc_ice_servers.items[i];

        if (!is_uri(uri))
            err = tg_config_refuse(reterr, "rtc.ice_servers",
                                   "\"%.100s\" must be like stun:host:3478 or "
                                   "turn:host:3478?transport=udp",
                                   uri);
        else if (is_turn(uri) && !has_secret)
            err = tg_config_refuse(reterr, "rtc.ice_servers",
                                   "\"%.100s\" needs rtc.turn_secret_file, with the secret that "
                                   "the TURN server knows too",
                                   uri);
    }
    return err;
}
