#include "outbound/sign.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/str.h"

enum { KEY_MIN = 24, KEY_MAX = 64, TEXT_MAX = (KEY_MAX + 2) / 3 * 4, MAC_SIZE = 32 };

static int value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? -1 : (int)(at - alphabet);
}

/* Strict base64 with padding; 0 = it is not. */
static size_t decode(uint8_t out[KEY_MAX], const char *text)
{
    size_t len = strlen(text);
    size_t count = 0;

    if (len == 0 || len % 4 != 0 || len > TEXT_MAX)
        return 0;
    for (size_t i = 0; i < len; i += 4) {
        size_t pads = text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t word = 0;

        if (pads > 0 && i + 4 != len)
            return 0;
        for (size_t k = 0; k < 4; k++) {
            int v = k + pads >= 4 ? 0 : value_of(text[i + k]);

            if (v < 0)
                return 0;
            word = word << 6 | (uint32_t)v;
        }
        for (size_t k = 0; k < 3 - pads; k++) {
            if (count == KEY_MAX)
                return 0;
            out[count++] = (uint8_t)(word >> (16 - 8 * k));
        }
    }
    return count;
}

static tg_err mac_of(uint8_t out[MAC_SIZE], const uint8_t *key, size_t key_len, struct tg_buf *text)
{
    unsigned len = 0;

    if (text->err != TG_OK)
        return text->err;
    if (HMAC(EVP_sha256(), key, (int)key_len, text->data, text->len, out, &len) == NULL ||
        len != MAC_SIZE)
        return TG_ERR_NOMEM;
    return TG_OK;
}

tg_err tg_hook_sign(struct tg_buf *out, const char *secret, const char *id, int64_t timestamp_s,
                    const void *body, size_t body_len)
{
    uint8_t key[KEY_MAX];
    uint8_t mac[MAC_SIZE];
    unsigned char text[(MAC_SIZE + 2) / 3 * 4 + 1];
    struct tg_buf content;
    size_t key_len;
    tg_err err;

    if (strncmp(secret, "whsec_", 6) != 0)
        return TG_ERR_MALFORMED;
    key_len = decode(key, secret + 6);
    if (key_len < KEY_MIN) {
        OPENSSL_cleanse(key, sizeof(key));
        return TG_ERR_MALFORMED;
    }
    tg_buf_init(&content, body_len + 128);
    tg_buf_printf(&content, "%s.%lld.", id, (long long)timestamp_s);
    tg_buf_add(&content, body, body_len);
    err = mac_of(mac, key, key_len, &content);
    OPENSSL_cleanse(key, sizeof(key));
    tg_buf_done(&content);
    if (err != TG_OK)
        return err;
    (void)EVP_EncodeBlock(text, mac, MAC_SIZE); /* cannot fail */
    tg_buf_printf(out, "%sv1,%s", out->len > 0 ? " " : "", (const char *)text);
    return out->err;
}
