/*
 * whip_meter.c - one second of a publisher's line in figures.
 */
#include "base/metrics.h"
#include "base/str.h"
#include "ingest/whip_priv.h"

/* Differences of the streams' counters since the last call, added up. */
struct second {
    uint64_t packets;
    uint64_t lost;
    uint64_t repaired;
    uint64_t given_up;
    uint64_t nacks;
    uint64_t plis;
    uint64_t video_bytes;
    uint64_t audio_bytes;
};

void tg_whip_meter_init(struct tg_whip_meter *meter, tg_us now)
{
    *meter = (struct tg_whip_meter){.since = now};
    tg_uplink_health_init(&meter->health);
}

static void add(struct second *s, const struct tg_receiver_stats *now,
                const struct tg_receiver_stats *before, bool audio)
{
    s->packets += now->packets - before->packets;
    s->lost += now->lost - before->lost;
    s->repaired += now->repaired - before->repaired;
    s->given_up += now->given_up - before->given_up;
    s->nacks += now->nacks - before->nacks;
    s->plis += now->plis - before->plis;
    *(audio ? &s->audio_bytes : &s->video_bytes) += now->bytes - before->bytes;
}

static void count(const struct second *s)
{
    const struct {
        enum tg_metric metric;
        uint64_t n;
    } rows[] = {
        {TG_M_whip_packets_total, s->packets},
        {TG_M_whip_bytes_total, s->video_bytes + s->audio_bytes},
        {TG_M_whip_lost_total, s->lost},
        {TG_M_whip_repaired_total, s->repaired},
        {TG_M_whip_given_up_total, s->given_up},
        {TG_M_whip_nacks_total, s->nacks},
        {TG_M_whip_plis_total, s->plis},
    };

    for (size_t i = 0; i < TG_ARRAY_LEN(rows); i++) {
        if (rows[i].n > 0)
            tg_metric_add(rows[i].metric, (int64_t)rows[i].n);
    }
}

static uint16_t permille(uint64_t part, uint64_t whole)
{
    return (uint16_t)(whole == 0 ? 0U : TG_MIN(part * 1000U / whole, (uint64_t)1000));
}

static uint32_t rate(uint64_t bytes, tg_us elapsed)
{
    return (uint32_t)TG_MIN(bytes * 8 * TG_US_PER_S / (uint64_t)elapsed, (uint64_t)UINT32_MAX);
}

static int32_t whole_ms(tg_us us)
{
    return us < 0 ? -1 : (int32_t)TG_MIN(us / TG_US_PER_MS, (tg_us)INT32_MAX);
}

/* Audio packets leave one by one on the beat; a frame's packets are paced and tell less. */
static int32_t jitter_ms(const struct tg_receiver_stats stats[TG_RECEIVER_STREAMS],
                         const struct tg_whip_media *media)
{
    int best = tg_layers_best(&media->layers);

    if (stats[TG_RECEIVER_AUDIO].packets > 0)
        return whole_ms(stats[TG_RECEIVER_AUDIO].jitter_us);
    return best >= 0 ? whole_ms(stats[best].jitter_us) : -1;
}

struct tg_live_uplink tg_whip_meter_take(struct tg_whip_meter *meter, struct tg_receiver *receiver,
                                         struct tg_whip_media *media, tg_us now)
{
    struct tg_live_uplink u = {.show = media->info.show, .kind = TG_SOURCE_WHIP};
    struct tg_receiver_stats stats[TG_RECEIVER_STREAMS];
    tg_us elapsed = TG_MAX(now - meter->since, 1);
    struct second s = {0};

    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++) {
        tg_receiver_stats(receiver, i, &stats[i]);
        add(&s, &stats[i], &meter->last[i], i == TG_RECEIVER_AUDIO);
        meter->last[i] = stats[i];
    }
    count(&s);
    tg_str_printf(u.publisher, sizeof(u.publisher), "%s", media->info.publisher);
    u.video_bps = rate(s.video_bytes, elapsed);
    u.audio_bps = rate(s.audio_bytes, elapsed);
    tg_layers_size(&media->layers, &u.width, &u.height);
    u.frames = (uint16_t)TG_MIN(media->best_frames, (uint32_t)UINT16_MAX);
    /* Sent: what came, and what is missing still. `repaired` is among what came. */
    u.loss_permille = permille(s.lost, s.packets + TG_MAX(s.lost, s.repaired) - s.repaired);
    u.unrepaired_permille = permille(s.given_up, s.packets + s.given_up);
    u.jitter_ms = jitter_ms(stats, media);
    u.rtt_ms = whole_ms(tg_receiver_rtt(receiver));
    u.audio_dbov = s.audio_bytes > 0 ? stats[TG_RECEIVER_AUDIO].audio_dbov : 1;
    u.troubles = tg_uplink_health_second(&meter->health, &u, media->has_video);
    media->best_frames = 0;
    meter->since = now;
    return u;
}
