/*
 * Texts of webhooks that come from outside: addresses, topics, message ids, cursors, secrets and
 * answers. The first byte chooses.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "msg/page.h"
#include "msg/webhook.h"
#include "outbound/retry.h"
#include "outbound/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void address(const char *text)
{
    struct tg_cidr_list none = {.count = 0};
    struct tg_cidr_list any = {.count = 0};
    char why[128] = "";

    TG_ASSERT(tg_cidr_list_add(&any, "::/0") == TG_OK);
    if (tg_hook_url_ok(text, &none, why)) {
        TG_ASSERT(tg_hook_url_ok(text, &any, why)); /* more is allowed, never less */
        TG_ASSERT(strncmp(text, "https://", 8) == 0);
    } else {
        TG_ASSERT(why[0] != '\0');
    }
}

static void ids(const char *text)
{
    char again[TG_HOOK_MESSAGE_ID_SIZE];
    char key[TG_PAGE_KEY_SIZE];
    int64_t number = 0;

    if (tg_hook_message_parse(&number, text) == TG_OK) {
        int64_t same = 0;

        tg_hook_message_id(again, number);
        TG_ASSERT(tg_hook_message_parse(&same, again) == TG_OK && same == number);
    }
    if (tg_cursor_number(&number, text, 'o', -1) == TG_OK)
        TG_ASSERT(number >= -1);
    if (tg_cursor_text(key, sizeof(key), text, 'p') == TG_OK)
        TG_ASSERT(tg_utf8_printable(key, strlen(key)));
}

static void answer(const char *text, size_t len)
{
    char out[TG_HOOK_ANSWER_SIZE];

    tg_answer_excerpt(out, sizeof(out), text, len);
    TG_ASSERT(strlen(out) < sizeof(out) && strchr(out, '@') == NULL);
    for (const char *c = out; *c != '\0'; c++)
        TG_ASSERT(*c >= ' ' && *c <= '~');
}

static void secret(const char *text)
{
    struct tg_buf out;

    tg_buf_init(&out, 256);
    if (tg_hook_sign(&out, text, "msg_1", 1, "{}", 2) == TG_OK)
        TG_ASSERT(out.len == 3 + 44);
    tg_buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[1024];
    size_t len = size == 0 ? 0 : TG_MIN(size - 1, sizeof(text) - 1);

    if (size == 0)
        return 0;
    memcpy(text, data + 1, len);
    text[len] = '\0';
    switch (data[0] % 5) {
    case 0:
        address(text);
        break;
    case 1:
        if (tg_hook_topic_ok(text))
            (void)tg_hook_wants(text, "order.paid");
        break;
    case 2:
        ids(text);
        break;
    case 3:
        answer(text, len);
        break;
    default:
        secret(text);
        break;
    }
    return 0;
}
