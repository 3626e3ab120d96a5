/*
 * fuzz_rtmp_session.c - any bytes as a publisher. The first byte chooses: bit 0 a ready-made
 * handshake in front, bit 1 refuse instead of accept, bit 2 read the answers, the rest the size of
 * the pieces.
 */
#include <stdlib.h>

#include "base/macros.h"
#include "proto/aac.h"
#include "proto/flv.h"
#include "proto/h264.h"
#include "proto/rtmp_handshake.h"
#include "proto/rtmp_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_event(struct tg_rtmp_session *s, const struct tg_rtmp_event *ev, unsigned mode)
{
    const char *reason = NULL;
    struct tg_flv_video v;
    struct tg_flv_audio a;

    switch (ev->kind) {
    case TG_RTMP_EV_PUBLISH:
        if ((mode & 2) != 0)
            tg_rtmp_session_refuse(s, TG_RTMP_BAD_NAME, ev->key);
        else if (tg_rtmp_session_accept(s) != TG_OK)
            tg_rtmp_session_refuse(s, TG_RTMP_DENIED, "full");
        break;
    case TG_RTMP_EV_VIDEO:
        if (tg_flv_video_parse(&v, ev->body, &reason) == TG_ERR_UNSUPPORTED && reason == NULL)
            abort();
        break;
    case TG_RTMP_EV_AUDIO:
        if (tg_flv_audio_parse(&a, ev->body, &reason) == TG_ERR_UNSUPPORTED && reason == NULL)
            abort();
        break;
    case TG_RTMP_EV_META:
    case TG_RTMP_EV_CLOSED:
    default:
        break;
    }
}

/* False: the session is over. */
static bool feed(struct tg_rtmp_session *s, const uint8_t *data, size_t size, unsigned mode)
{
    struct tg_rtmp_event ev;
    tg_err err;

    tg_rtmp_session_input(s, data, size);
    while ((err = tg_rtmp_session_next(s, &ev)) == TG_OK)
        use_event(s, &ev, mode);
    if ((mode & 4) != 0)
        tg_buf_clear(tg_rtmp_session_output(s));
    return err == TG_ERR_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t hello[1 + 2 * TG_RTMP_HELLO_LEN] = {3};
    struct tg_rng rng = tg_rng_seeded(1);
    struct tg_rtmp_session *s;
    bool going = true;
    unsigned mode;
    size_t piece;

    if (size == 0 || tg_rtmp_session_new(&s, &rng) != TG_OK)
        return 0;
    mode = data[0];
    piece = 1 + (mode >> 3) * 40;
    if ((mode & 1) != 0)
        going = feed(s, hello, sizeof(hello), mode);
    for (size_t at = 1; at < size && going; at += piece)
        going = feed(s, data + at, TG_MIN(piece, size - at), mode);
    tg_rtmp_session_free(s);
    return 0;
}
