#include "api/ice_link.h"

#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/str.h"

enum { SHA1_LEN = 20 };

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_turn(const char *uri)
{
    return begins(uri, "turn:") || begins(uri, "turns:");
}

bool tg_ice_uri_ok(const char *uri)
{
    size_t len = strlen(uri);

    if (!is_turn(uri) && !begins(uri, "stun:") && !begins(uri, "stuns:"))
        return false;
    for (const char *c = uri; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~' || strchr("<>\"\\,;", *c) != NULL)
            return false;
    }
    return len <= TG_ICE_URI_MAX && uri[len - 1] != ':';
}

tg_err tg_turn_password(char out[TG_TURN_PASSWORD_SIZE], const char *secret, const char *username)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned char text[TG_TURN_PASSWORD_SIZE];
    unsigned len = 0;

    if (HMAC(EVP_sha1(), secret, (int)strlen(secret), (const unsigned char *)username,
             strlen(username), mac, &len) == NULL ||
        len != SHA1_LEN) {
        ERR_clear_error();
        return TG_ERR_BUG;
    }
    (void)EVP_EncodeBlock(text, mac, SHA1_LEN); /* 28 characters and a NUL, always */
    memcpy(out, text, TG_TURN_PASSWORD_SIZE);
    return TG_OK;
}

tg_err tg_ice_link(char out[TG_ICE_LINK_SIZE], const char *uri, const char *secret,
                   tg_us now_wall_us)
{
    char username[40];
    char password[TG_TURN_PASSWORD_SIZE];
    tg_err err;

    if (secret == NULL || !is_turn(uri)) {
        tg_str_printf(out, TG_ICE_LINK_SIZE, "<%s>; rel=\"ice-server\"", uri);
        return TG_OK;
    }
    tg_str_printf(username, sizeof(username), "%" PRId64 ":torg",
                  now_wall_us / TG_US_PER_S + TG_TURN_VALID_S);
    err = tg_turn_password(password, secret, username);
    if (err != TG_OK)
        return err;
    tg_str_printf(out, TG_ICE_LINK_SIZE,
                  "<%s>; rel=\"ice-server\"; username=\"%s\"; credential=\"%s\"; "
                  "credential-type=\"password\"",
                  uri, username, password);
    return TG_OK;
}
