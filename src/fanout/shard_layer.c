/* A viewer's wish for a quality, and the answer: which layers there are and which one it gets. */
#include "fanout/fanout_priv.h"

static void layers_fill(struct tg_rtc_layers *ret, const struct tg_viewer_source *src)
{
    for (size_t i = 0; i < TG_LAYERS_MAX; i++) {
        const struct tg_viewer_layer *l = &src->video[i];

        ret->layers[i] = (struct tg_rtc_layer){
            .on = l->bps > 0, .width = l->width, .height = l->height, .bps = l->bps};
    }
}

/*
 * The show has or had it: one that pauses can be waited for, a number that never was cannot. The
 * first one is there with the first picture.
 */
static bool layer_known(const struct tg_viewer_source *src, int8_t layer)
{
    return layer <= 0 || src->video[layer].width > 0 || src->video[layer].bps > 0;
}

void tg_shard_layer(struct tg_shard *s, const struct tg_rtc_req *req)
{
    struct tg_rtc_session *session =
        tg_rtc_find(atomic_load_explicit(&s->worker, memory_order_relaxed), req->session);
    struct tg_rtc_layers now = {.pin = TG_RTC_LAYER_AUTO};

    if (session == NULL || session->handler != &s->handler || session->user == NULL ||
        session->show != req->show) {
        tg_rtc_reply(req, TG_ERR_NOTFOUND, "no such session", NULL, NULL);
        return;
    }
    struct tg_shard_viewer *v = session->user;

    const struct tg_viewer_source *src = &s->shows[v->show]->source;

    if (req->layer >= TG_LAYERS_MAX || req->layer < TG_RTC_LAYER_ASK ||
        !layer_known(src, req->layer)) {
        tg_rtc_reply(req, TG_ERR_UNSUPPORTED,
                     "This show has no such layer. Ask for the layers, and name one of those.",
                     NULL, NULL);
        return;
    }
    if (req->layer != TG_RTC_LAYER_ASK)
        tg_viewer_pin(&v->core, req->layer);
    layers_fill(&now, src);
    now.layer = (int8_t)tg_viewer_layer(&v->core);
    now.pin = v->core.quality.pin;
    tg_rtc_reply_layers(req, session, &now);
}
