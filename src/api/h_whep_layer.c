/*
 * WHEP's video layer selection (draft-ietf-wish-whep's extensions): what a show's layers are, and
 * which one this viewer asks for. One m-line has video; its index travels in the link's query.
 */
#include <string.h>

#include "api/h_rtc.h"
#include "base/str.h"

enum { LINES_MAX = 16 };

unsigned tg_whep_video_line(const void *sdp, size_t len)
{
    const char *text = sdp;
    unsigned line = 0;

    for (size_t i = 0; i + 8 <= len && line < LINES_MAX; i++) {
        if ((i > 0 && text[i - 1] != '\n') || text[i] != 'm' || text[i + 1] != '=')
            continue;
        if (memcmp(text + i, "m=video ", 8) == 0)
            return line;
        line++;
    }
    return 0;
}

unsigned tg_whep_video_of(const struct tg_req *q)
{
    char text[8];
    int64_t line;

    return tg_req_arg(q, "video", text, sizeof(text)) &&
                   tg_parse_i64(&line, text, strlen(text), 0, LINES_MAX - 1) == TG_OK
               ? (unsigned)line
               : 0;
}

void tg_whep_links(struct tg_req *q, const char *session, unsigned video)
{
    struct tg_span show = tg_req_param(q, 0);
    char path[160];
    char query[16] = "";

    tg_str_printf(path, sizeof(path), "/whep/%.*s/%s", (int)show.len, (const char *)show.data,
                  session);
    if (video > 0)
        tg_str_printf(query, sizeof(query), "?video=%u", video);
    tg_reply_header(q, "Link", "<%s/layer%s>; rel=\"urn:ietf:params:whep:ext:core:layer\"", path,
                    query);
    tg_reply_header(q, "Link",
                    "<%s/sse%s>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; "
                    "events=\"" TG_WHEP_EVENTS "\"",
                    path, query);
}

/* A layer without bitrate is inactive; `current` and `pinned` are ours. */
static void write_layer(struct tg_jo *j, const struct tg_rtc_reply *r, int index)
{
    const struct tg_rtc_layer *layer = &r->layers[index];
    char rid[4];

    tg_str_printf(rid, sizeof(rid), "%d", index);
    tg_jo_obj(j, NULL);
    tg_jo_str(j, "rid", rid);
    if (layer->width > 0) {
        tg_jo_int(j, "width", layer->width);
        tg_jo_int(j, "height", layer->height);
    }
    if (layer->on)
        tg_jo_int(j, "bitrate", layer->bps == 0 ? 1 : layer->bps); /* 0 would say inactive */
    if (r->layer == index)
        tg_jo_bool(j, "current", true);
    if (r->layer_pin == index)
        tg_jo_bool(j, "pinned", true);
    tg_jo_end_obj(j);
}

void tg_whep_layers_write(struct tg_buf *out, const struct tg_rtc_reply *r, unsigned video)
{
    struct tg_jo j = tg_jo(out);
    char line[4];

    tg_str_printf(line, sizeof(line), "%u", video);
    tg_jo_obj(&j, NULL);
    tg_jo_arr(&j, line);
    for (int i = 0; i < TG_LAYERS_MAX; i++) {
        const struct tg_rtc_layer *layer = &r->layers[i];

        if (layer->on || layer->width > 0 || r->layer == i || r->layer_pin == i)
            write_layer(&j, r, i);
    }
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
}

static void answer(struct tg_req *q, struct tg_rtc_reply *reply)
{
    tg_whep_layers_write(&q->out, reply, tg_whep_video_of(q));
    tg_reply_json(q, 200);
}

void tg_h_whep_layer_get(struct tg_req *q)
{
    struct tg_show_info show;

    q->finish_rtc = answer;
    if (tg_req_show(q, &show))
        tg_rtc_ask_layer(q, &show, TG_RTC_LAYER_ASK);
}

/* "0".."3", or automatic when absent, null or "auto". `rid`, and as older drafts call it. */
static bool read_layer(struct tg_req *q, json_t *body, int8_t *ret)
{
    const char *field = json_object_get(body, "rid") != NULL ? "rid" : "encodingId";
    const char *text = json_string_value(json_object_get(body, field));
    int64_t layer;

    *ret = TG_RTC_LAYER_AUTO;
    if (json_is_null(json_object_get(body, field)) || json_object_get(body, field) == NULL ||
        (text != NULL && (text[0] == '\0' || strcmp(text, "auto") == 0)))
        return true;
    if (text == NULL || tg_parse_i64(&layer, text, strlen(text), 0, TG_LAYERS_MAX - 1) != TG_OK) {
        tg_reply_problem(q, 422, field,
                         "Name a layer by its rid from the layers event, or \"auto\".");
        return false;
    }
    *ret = (int8_t)layer;
    return true;
}

/* What would choose something else than asked must not look as if it worked. */
static bool only_layers(struct tg_req *q, json_t *body)
{
    static const char *const others[] = {"spatialLayerId",    "temporalLayerId",
                                         "maxSpatialLayerId", "maxTemporalLayerId",
                                         "maxWidth",          "maxHeight"};
    const json_t *media = json_object_get(body, "mediaId");
    char line[4];

    for (size_t i = 0; i < TG_ARRAY_LEN(others); i++) {
        const json_t *value = json_object_get(body, others[i]);

        if (value == NULL || json_is_null(value))
            continue;
        tg_reply_problem(q, 422, others[i], "torg's layers are chosen by rid only.");
        return false;
    }
    tg_str_printf(line, sizeof(line), "%u", tg_whep_video_of(q));
    if (media == NULL || json_is_null(media) ||
        (json_is_string(media) && strcmp(json_string_value(media), line) == 0))
        return true;
    tg_reply_problem(q, 422, "mediaId", "mediaId is the index of the video's m-line, as a text.");
    return false;
}

void tg_h_whep_layer(struct tg_req *q)
{
    struct tg_show_info show;
    json_t *body;
    int8_t layer = TG_RTC_LAYER_AUTO;
    bool ok;

    q->finish_rtc = answer;
    if (!tg_req_show(q, &show))
        return;
    body = tg_req_json(q);
    if (body == NULL)
        return;
    ok = only_layers(q, body) && read_layer(q, body, &layer);
    json_decref(body);
    if (ok)
        tg_rtc_ask_layer(q, &show, layer);
}
