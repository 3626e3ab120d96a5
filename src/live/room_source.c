/* Who feeds a show and how well the line carries it: for staff, and for the clock of everybody. */
#include "base/json_out.h"
#include "base/str.h"
#include "live/live_priv.h"

/* Staff learn of every change of the source, and why it failed. into live->scratch. */
static tg_err write_source(struct tg_live *live, const struct room *room, int64_t at_ms,
                           bool with_state)
{
    static const char *const states[] = {
        [TG_AIR_OFF] = "off", [TG_AIR_ON] = "on", [TG_AIR_STALL] = "stalled"};

    struct tg_jo j = tg_jo(&live->scratch);

    tg_buf_clear(&live->scratch);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "source");
    tg_jo_int(&j, "at", at_ms);
    tg_jo_bool(&j, "on_air", room->on_air);
    if (with_state) {
        tg_jo_str(&j, "state", states[room->source.state]);
        tg_jo_str(&j, "kind", tg_source_kind_name(room->source.kind));
        tg_jo_str(&j, "publisher", room->source.publisher);
    }
    if (room->notice[0] != '\0')
        tg_jo_str(&j, "notice", room->notice);
    tg_jo_end_obj(&j);
    return live->scratch.err;
}

void room_send_source(struct tg_live *live, const struct room *room, const struct tg_conn *conn)
{
    if (room->has_source && write_source(live, room, room->source.at_ms, true) == TG_OK)
        room_send(conn, (const char *)live->scratch.data, live->scratch.len, false);
}

static void source_keep(struct tg_live *live, struct room *room, const struct tg_live_source *msg)
{
    room->on_air = msg->state == TG_AIR_ON;
    room->has_source = true;
    room->source.state = msg->state;
    room->source.kind = msg->kind;
    room->source.at_ms = tg_show_media_ms(room->show, live->now);
    tg_str_cut(room->source.publisher, sizeof(room->source.publisher), msg->publisher);
}

void room_source(struct tg_live *live, const struct tg_live_source *msg)
{
    struct room *room = msg->show < TG_SHOWS_MAX ? live->rooms[msg->show] : NULL;

    if (room == NULL)
        return;
    tg_str_cut(room->notice, sizeof(room->notice), msg->notice);
    if (msg->change)
        source_keep(live, room, msg);
    if (tg_show_set_source(room->show, live->now, live->wall, room->on_air) == TG_OK)
        room_drain(live, room, NULL);
    tg_registry_show_set_on_air(live->registry, room->ord, room->on_air);
    if (write_source(live, room, tg_show_media_ms(room->show, live->now), msg->change) == TG_OK)
        room_cast(live, room, TG_AUDIENCE_STAFF, (const char *)live->scratch.data,
                  live->scratch.len);
}

/* Staff see the host's line once a second. */
void room_uplink(struct tg_live *live, const struct tg_live_uplink *msg)
{
    const struct room *room = msg->show < TG_SHOWS_MAX ? live->rooms[msg->show] : NULL;
    struct tg_jo j = tg_jo(&live->scratch);

    if (room == NULL || room->staff == 0)
        return;
    tg_buf_clear(&live->scratch);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "ev", "uplink");
    tg_jo_int(&j, "at", tg_show_media_ms(room->show, live->now));
    tg_jo_str(&j, "kind", tg_source_kind_name(msg->kind));
    tg_jo_str(&j, "publisher", msg->publisher);
    tg_jo_int(&j, "video_bps", msg->video_bps);
    tg_jo_int(&j, "audio_bps", msg->audio_bps);
    tg_jo_int(&j, "width", msg->width);
    tg_jo_int(&j, "height", msg->height);
    tg_jo_int(&j, "frames", msg->frames);
    tg_jo_int(&j, "loss_permille", msg->loss_permille);
    tg_jo_int(&j, "unrepaired_permille", msg->unrepaired_permille);
    if (msg->jitter_ms >= 0)
        tg_jo_int(&j, "jitter_ms", msg->jitter_ms);
    if (msg->rtt_ms >= 0)
        tg_jo_int(&j, "rtt_ms", msg->rtt_ms);
    if (msg->audio_dbov <= 0)
        tg_jo_int(&j, "audio_dbov", msg->audio_dbov);
    tg_jo_arr(&j, "troubles");
    for (unsigned i = 0; i < TG_UPLINK_TROUBLE_COUNT; i++)
        if ((msg->troubles & 1U << i) != 0)
            tg_jo_str(&j, NULL, tg_uplink_trouble_name((enum tg_uplink_trouble)i));
    tg_jo_end_arr(&j);
    tg_jo_end_obj(&j);
    if (live->scratch.err == TG_OK)
        room_cast(live, room, TG_AUDIENCE_STAFF, (const char *)live->scratch.data,
                  live->scratch.len);
}
