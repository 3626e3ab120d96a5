/*
 * fuzz_channel.c - any bytes as a frame of the show channel. What parses must keep the promises
 * that later rooms rely on: terminated UTF-8 texts and values within their bounds.
 */
#include <stdint.h>
#include <string.h>

#include "api/channel_parse.h"
#include "base/macros.h"
#include "base/str.h"

static void check_text(const char *text, size_t size)
{
    size_t len = strnlen(text, size);

    TG_ASSERT(len < size);
    TG_ASSERT(tg_utf8_chars(text, len) != SIZE_MAX);
}

static void check_op(const struct tg_op *op)
{
    TG_ASSERT(op->kind < TG_OP_COUNT);
    check_text(op->id, sizeof(op->id));
    if (op->kind == TG_OP_CHAT)
        check_text(op->u.chat.text, sizeof(op->u.chat.text));
    if (op->kind == TG_OP_BUY)
        TG_ASSERT(op->u.line.qty >= 1 && op->u.line.qty <= TG_QTY_MAX);
    if (op->kind == TG_OP_CHECKOUT)
        TG_ASSERT(op->u.checkout.price_count <= TG_CART_LINES_MAX);
    if (op->kind == TG_OP_REACT)
        TG_ASSERT(op->u.react.n >= 1 && op->u.react.n <= 50 && op->u.react.kind < TG_REACT_COUNT);
    if (op->kind == TG_OP_PRICE)
        TG_ASSERT(op->u.price.amount >= -1 && op->u.price.until_wall_us >= -1);
    if (op->kind == TG_OP_MUTE)
        TG_ASSERT(op->u.moderate.seconds >= 1 && op->u.moderate.seconds <= 86400);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_op op;
    struct tg_channel_error error;
    tg_err err = tg_channel_parse(&op, (const char *)data, size, &error);

    if (err == TG_OK) {
        check_op(&op);
    } else {
        check_text(error.id, sizeof(error.id));
        check_text(error.message, sizeof(error.message));
        TG_ASSERT(error.message[0] != '\0');
    }
    return 0;
}
