#include "rtc/bwe.h"

#include <math.h>

#include "base/alloc.h"

enum {
    LOSS_HIGH_PM = 100, /* GCC s6: above 10 % less, below 2 % more */
    LOSS_LOW_PM = 20,
    LOSS_PACKETS_MIN = 20,
    SHORT_BUCKETS = 6,      /* 150 ms: the rate of a way whose queue is not empty */
    APP_FACTOR_PCT = 150,   /* the estimate grows to so much of what is acknowledged */
    DECREASE_PCT = 85,      /* GCC's beta */
    GROWTH_PM_PER_S = 80,   /* 8 % a second, GCC's eta */
    GROWTH_NEAR_PM = 20,    /* ... near the rate that was too much last time */
    FB_JUMP_US = 10000000,  /* arrival times that jump so far belong to another clock */
    CLUSTER_PACKETS_MIN = 5 /* fewer prove nothing */
};
/* Groups: packets that left within so long are one (GCC's burst time). */
#define GROUP_US (5 * (int32_t)TG_US_PER_MS)
/* A queue shorter than this is nobody's problem; ... */
#define QUEUE_FREE_US (30 * (tg_us)TG_US_PER_MS)
/* ... growth is this much from one feedback to the next, ... */
#define QUEUE_STEP_US (8 * (tg_us)TG_US_PER_MS)
#define QUEUE_RISING_US (40 * (tg_us)TG_US_PER_MS)
#define QUEUE_FULL_US (80 * (tg_us)TG_US_PER_MS)
/* ... a longer one leaves no time to make sure ... */
#define QUEUE_LONG_US (150 * (tg_us)TG_US_PER_MS)
#define OVERUSE_US (100 * (tg_us)TG_US_PER_MS)
/* ... and with this one it is urgent. */
#define QUEUE_HARD_US (250 * (tg_us)TG_US_PER_MS)
/* The least delay seen lately is the empty way's; twice this long it is remembered. */
#define BASE_US (3 * (tg_us)TG_US_PER_S)
/* Arrival times are signed; buckets are counted from here, so that none is negative. */
#define ARRIVAL_ZERO ((int64_t)1 << 42)
/* Without feedback for so long the queue is empty again. */
#define SILENCE_US (1000 * (tg_us)TG_US_PER_MS)
#define GAP_US (300 * (tg_us)TG_US_PER_MS)
#define LOSS_US (500 * (tg_us)TG_US_PER_MS)

/* Trendline filter, as in GCC's reference implementation. */
static const double smoothing = 0.9;
static const double gain = 4.0;
static const double threshold_first = 12.5;
static const double threshold_up = 0.0087;
static const double threshold_down = 0.039;

enum sent_state { SENT_NONE, SENT_UNDER_WAY, SENT_LOST, SENT_ARRIVED };

struct sent {
    uint32_t at; /* us, wraps */
    uint16_t size;
    uint8_t state;
    uint8_t cluster; /* 0 = none */
};

struct group {
    bool any;
    uint32_t first_at; /* sent */
    uint32_t last_at;
    int64_t arrival; /* of the last packet */
};

struct tg_bwe_twcc {
    struct sent ring[TG_BWE_SENT];
    uint16_t next; /* number of the next packet */
    bool any_sent;
    bool any_arrived;
    int64_t arrival; /* newest, the receiver's clock */
    /* delay trend */
    struct group group;
    struct group before;
    double delay_sum;
    double delay_smooth;
    double trend_x[TG_BWE_TREND]; /* arrival and delay of the last groups, ms */
    double trend_y[TG_BWE_TREND];
    uint32_t trend_count;
    double trend_last;
    int64_t trend_origin;
    double threshold;
    tg_us threshold_at;
    tg_us over_us; /* time sent since the trend is above the threshold */
    bool under;    /* the trend is below it */
    enum tg_bwe_state state;
    /* queue */
    int64_t base[2]; /* least one-way delay of this and the last period */
    tg_us base_at;
    tg_us queue_us;
    tg_us step_us;  /* by how much it grew with the last feedback */
    unsigned grown; /* feedbacks in a row that saw the queue grow */
    /* acknowledged */
    uint32_t buckets[TG_BWE_BUCKETS];
    int64_t bucket_now; /* number of the newest one */
    int64_t bucket_first;
    /* loss */
    uint32_t lost;
    uint32_t arrived;
    tg_us loss_at;
    /* rate control */
    tg_us feedback_at;
    uint8_t feedback_next; /* number of the next one */
    tg_us gap_at;          /* one was missing: what it acknowledged is not known; 0 = never */
    tg_us decreased_at;
    uint32_t congested_bps; /* acknowledged when it was too much; 0 = never */
    tg_us tick_at;
    /* probe */
    struct tg_bwe_probe probe;
    bool probing;         /* the cluster is open or not judged yet */
    uint8_t cluster;      /* its number */
    uint32_t probe_count; /* packets sent and arrived in it */
    uint32_t probe_arrived;
    uint32_t probe_bytes; /* arrived, without the first packet */
    uint32_t probe_first_size;
    uint32_t probe_sent_last; /* us, as in the ring */
    int64_t probe_arrival[2]; /* first and last */
};

static uint32_t clamp_bps(uint64_t bps)
{
    return (uint32_t)TG_MIN(TG_MAX(bps, (uint64_t)TG_BWE_MIN_BPS), (uint64_t)TG_BWE_MAX_BPS);
}

void tg_bwe_init(struct tg_bwe *b)
{
    *b = (struct tg_bwe){.rtt_us = -1};
}

void tg_bwe_done(struct tg_bwe *b)
{
    tg_free(b->twcc);
    b->twcc = NULL;
}

tg_err tg_bwe_twcc_on(struct tg_bwe *b, tg_us now, uint32_t start_bps)
{
    struct tg_bwe_twcc *t;

    TG_ASSERT(b->twcc == NULL);
    t = tg_calloc(1, sizeof(*t));
    if (t == NULL)
        return TG_ERR_NOMEM;
    t->threshold = threshold_first;
    t->threshold_at = now;
    t->base[0] = INT64_MAX;
    t->base[1] = INT64_MAX;
    t->base_at = now;
    t->loss_at = now;
    t->tick_at = now;
    b->twcc = t;
    b->estimate_bps = clamp_bps(start_bps);
    b->loss_pm = 0;
    b->limit_bps = 0;
    return TG_OK;
}

enum tg_bwe_state tg_bwe_state(const struct tg_bwe *b)
{
    return b->twcc != NULL ? b->twcc->state : TG_BWE_NORMAL;
}

bool tg_bwe_rising(const struct tg_bwe *b)
{
    return b->twcc != NULL && b->twcc->grown > 0 && b->twcc->step_us >= QUEUE_RISING_US;
}

tg_us tg_bwe_queue_us(const struct tg_bwe *b)
{
    return b->twcc != NULL ? b->twcc->queue_us : 0;
}

/* --- sent ------------------------------------------------------------------------------------- */

void tg_bwe_sent(struct tg_bwe *b, tg_us now, uint16_t seq, size_t size)
{
    struct tg_bwe_twcc *t = b->twcc;
    bool in_cluster = t->probing && now < t->probe.until && t->probe_count < UINT32_MAX;

    t->ring[seq % TG_BWE_SENT] = (struct sent){
        .at = (uint32_t)now,
        .size = (uint16_t)TG_MIN(size, (size_t)UINT16_MAX),
        .state = SENT_UNDER_WAY,
        .cluster = in_cluster ? t->cluster : 0,
    };
    t->next = (uint16_t)(seq + 1);
    t->any_sent = true;
    if (in_cluster) {
        t->probe_count++;
        t->probe.sent += (uint32_t)TG_MIN(size, (size_t)UINT16_MAX);
        t->probe_sent_last = (uint32_t)now;
    }
}

static struct sent *sent_find(struct tg_bwe_twcc *t, uint16_t seq)
{
    uint16_t age = (uint16_t)(t->next - 1 - seq);
    struct sent *s = &t->ring[seq % TG_BWE_SENT];

    return t->any_sent && age < TG_BWE_SENT && s->state != SENT_NONE ? s : NULL;
}

/* --- acknowledged rate ------------------------------------------------------------------------ */

static void acked_add(struct tg_bwe_twcc *t, int64_t arrival, uint32_t bytes)
{
    int64_t bucket = arrival / TG_BWE_BUCKET_US;

    if (!t->any_arrived || bucket - t->bucket_now >= TG_BWE_BUCKETS) {
        memset(t->buckets, 0, sizeof(t->buckets));
        t->bucket_now = bucket;
        t->bucket_first = bucket;
    }
    for (; t->bucket_now < bucket; t->bucket_now++)
        t->buckets[(uint64_t)(t->bucket_now + 1) % TG_BWE_BUCKETS] = 0;
    if (t->bucket_now - bucket < TG_BWE_BUCKETS)
        t->buckets[(uint64_t)bucket % TG_BWE_BUCKETS] += bytes;
}

/* Over the last `count` whole buckets, fewer when there are fewer; 0 = too short to tell. */
static uint32_t acked_rate(const struct tg_bwe_twcc *t, int64_t count)
{
    int64_t first = TG_MAX(t->bucket_now - count, t->bucket_first);
    uint64_t bytes = 0;

    if (!t->any_arrived || t->bucket_now - first < TG_MIN(count, 4))
        return 0;
    for (int64_t i = first; i < t->bucket_now; i++)
        bytes += t->buckets[(uint64_t)i % TG_BWE_BUCKETS];
    return (uint32_t)TG_MIN(bytes * 8 * TG_US_PER_S /
                                ((uint64_t)(t->bucket_now - first) * (uint64_t)TG_BWE_BUCKET_US),
                            (uint64_t)TG_BWE_MAX_BPS);
}

/* --- delay trend ------------------------------------------------------------------------------ */

/* Slope of delay over arrival time by least squares; 0 when all arrived at once. */
static double slope(const struct tg_bwe_twcc *t)
{
    uint32_t count = TG_MIN(t->trend_count, (uint32_t)TG_BWE_TREND);
    double x_mean = 0;
    double y_mean = 0;
    double over = 0;
    double under = 0;

    for (uint32_t i = 0; i < count; i++) {
        x_mean += t->trend_x[i] / count;
        y_mean += t->trend_y[i] / count;
    }
    for (uint32_t i = 0; i < count; i++) {
        double x = t->trend_x[i] - x_mean;

        over += x * (t->trend_y[i] - y_mean);
        under += x * x;
    }
    return under > 0 ? over / under : 0;
}

/* GCC s5.4: the threshold follows what is usual on this way, so that others do not starve us. */
static void threshold_adapt(struct tg_bwe_twcc *t, tg_us now, double value)
{
    const double adapt_max = 15;
    double k = fabs(value) < t->threshold ? threshold_down : threshold_up;
    double passed_ms = TG_MIN((double)(now - t->threshold_at) / TG_US_PER_MS, 100.0);

    t->threshold_at = now;
    if (fabs(value) > t->threshold + adapt_max)
        return; /* a sudden step says nothing about what is usual */
    t->threshold += k * (fabs(value) - t->threshold) * passed_ms;
    t->threshold = TG_MIN(TG_MAX(t->threshold, 6.0), 600.0);
}

static void trend_judge(struct tg_bwe_twcc *t, tg_us now, tg_us sent_us)
{
    double trend = t->trend_count >= TG_BWE_TREND / 2 ? slope(t) : t->trend_last;
    double value = TG_MIN(t->trend_count, 60U) * trend * gain;

    if (value > t->threshold)
        t->over_us += sent_us;
    else
        t->over_us = 0;
    t->under = value < -t->threshold;
    t->trend_last = trend;
    threshold_adapt(t, now, value);
}

/* A group is whole: how much later did it come, compared with the one before? */
static void group_end(struct tg_bwe_twcc *t, tg_us now)
{
    if (t->before.any) {
        tg_us sent_us = (int32_t)(t->group.last_at - t->before.last_at);
        double later_ms =
            (double)(t->group.arrival - t->before.arrival - sent_us) / (double)TG_US_PER_MS;
        uint32_t at = t->trend_count % TG_BWE_TREND;

        if (t->trend_count == 0)
            t->trend_origin = t->group.arrival;
        t->delay_sum += TG_MIN(TG_MAX(later_ms, -3000.0), 3000.0);
        t->delay_smooth = smoothing * t->delay_smooth + (1 - smoothing) * t->delay_sum;
        t->trend_x[at] = (double)(t->group.arrival - t->trend_origin) / (double)TG_US_PER_MS;
        t->trend_y[at] = t->delay_smooth;
        t->trend_count++;
        trend_judge(t, now, sent_us);
    }
    t->before = t->group;
}

static void trend_input(struct tg_bwe_twcc *t, tg_us now, uint32_t sent_at, int64_t arrival)
{
    struct group *g = &t->group;

    if (g->any && (int32_t)(sent_at - g->first_at) < 0)
        return; /* overtaken by newer ones: its group is closed */
    if (g->any && (int32_t)(sent_at - g->first_at) > GROUP_US) {
        group_end(t, now);
        g->any = false;
    }
    if (!g->any)
        *g = (struct group){.any = true, .first_at = sent_at, .arrival = arrival};
    g->last_at = sent_at;
    g->arrival = TG_MAX(g->arrival, arrival);
}

/* --- queue ------------------------------------------------------------------------------------ */

/* delay: one way, the two clocks' difference included. */
static void base_note(struct tg_bwe_twcc *t, tg_us now, int64_t delay)
{
    if (now - t->base_at >= BASE_US) {
        t->base[1] = t->base[0];
        t->base[0] = delay;
        t->base_at = now;
    }
    t->base[0] = TG_MIN(t->base[0], delay);
}

/* The least delay of one feedback's packets: bursts within it are no queue that stands. */
static void queue_note(struct tg_bwe_twcc *t, tg_us now, int64_t delay)
{
    const tg_us before = t->queue_us;

    base_note(t, now, delay);
    t->queue_us = delay - TG_MIN(t->base[0], t->base[1]);
    t->step_us = t->queue_us - before;
    t->grown = t->queue_us >= QUEUE_FREE_US && t->step_us >= QUEUE_STEP_US ? t->grown + 1 : 0;
}

/*
 * Overuse: the trend says so for a while and the queue does grow; or the queue alone does, steadily
 * and to a length that matters. The trend is blind for a while where few groups arrive, each late;
 * the queue alone would see a way that became longer, once, as one that fills.
 */
static void state_judge(struct tg_bwe_twcc *t)
{
    const bool trend = t->over_us >= OVERUSE_US && t->grown >= 2;
    const bool queue = (t->grown >= 3 && t->queue_us >= QUEUE_FULL_US) ||
                       (t->grown >= 2 && t->queue_us >= QUEUE_LONG_US);

    t->state = trend || queue ? TG_BWE_OVERUSE : t->under ? TG_BWE_UNDERUSE : TG_BWE_NORMAL;
}

/* --- probes ----------------------------------------------------------------------------------- */

static void probe_end(struct tg_bwe *b, tg_us now, bool good)
{
    struct tg_bwe_twcc *t = b->twcc;
    tg_us wait = TG_BWE_PROBE_WAIT_US;

    t->probing = false;
    b->probe_failures = good ? 0 : (uint8_t)TG_MIN(b->probe_failures + 1, 8);
    for (unsigned i = 1; i < b->probe_failures && wait < TG_BWE_PROBE_WAIT_MAX_US; i++)
        wait = TG_MIN(wait * 2, TG_BWE_PROBE_WAIT_MAX_US);
    b->probe_next_at = now + (good ? TG_US_PER_MS * 500 : wait);
}

/* Enough of the cluster arrived: the slower of how it was sent and how it came is proved. */
static void probe_judge(struct tg_bwe *b, tg_us now)
{
    struct tg_bwe_twcc *t = b->twcc;
    const bool late = now > t->probe.until + TG_BWE_PROBE_ANSWER_US + TG_MAX(b->rtt_us, 0);

    if (!t->probing || now < t->probe.until)
        return;
    if (!late && t->probe_arrived < t->probe_count)
        return;
    if (t->probe_arrived < CLUSTER_PACKETS_MIN || t->probe_arrived * 10 < t->probe_count * 7) {
        probe_end(b, now, false);
        return;
    }
    uint64_t came_us = (uint64_t)TG_MAX(t->probe_arrival[1] - t->probe_arrival[0], (int64_t)1);
    uint64_t sent_us =
        (uint64_t)TG_MAX((int32_t)(t->probe_sent_last - (uint32_t)t->probe.started_at), 1);
    uint64_t came_bps = (uint64_t)t->probe_bytes * 8 * TG_US_PER_S / came_us;
    uint64_t sent_bps = (uint64_t)t->probe.sent * 8 * TG_US_PER_S / sent_us;
    uint32_t proved = clamp_bps(TG_MIN(came_bps, sent_bps));
    bool good = proved >= t->probe.bps - t->probe.bps / 10;

    if (!good && came_bps < sent_bps) /* the way's limit: an estimate may have crept above it */
        b->estimate_bps = clamp_bps(TG_MAX(proved / 100 * 95, b->acked_bps));
    else
        b->estimate_bps = TG_MAX(b->estimate_bps, TG_MIN(proved, t->probe.bps));
    probe_end(b, now, good);
}

static void probe_arrived(struct tg_bwe_twcc *t, const struct sent *s, int64_t arrival)
{
    if (!t->probing || s->cluster != t->cluster)
        return;
    if (t->probe_arrived == 0) {
        t->probe_arrival[0] = arrival;
        t->probe_arrival[1] = arrival;
    } else {
        t->probe_bytes += s->size;
    }
    t->probe_arrived++;
    t->probe_arrival[0] = TG_MIN(t->probe_arrival[0], arrival);
    t->probe_arrival[1] = TG_MAX(t->probe_arrival[1], arrival);
}

bool tg_bwe_probe(struct tg_bwe *b, tg_us now, uint32_t bps, const struct tg_bwe_probe **ret)
{
    struct tg_bwe_twcc *t = b->twcc;

    if (t == NULL || t->probing || now < b->probe_next_at || t->state == TG_BWE_OVERUSE ||
        t->queue_us >= QUEUE_LONG_US)
        return false;
    t->probing = true;
    t->cluster = (uint8_t)(t->cluster == UINT8_MAX ? 1 : t->cluster + 1);
    t->probe = (struct tg_bwe_probe){
        .bps = clamp_bps(bps), .started_at = now, .until = now + TG_BWE_PROBE_US};
    t->probe_count = 0;
    t->probe_arrived = 0;
    t->probe_bytes = 0;
    *ret = &t->probe;
    return true;
}

const struct tg_bwe_probe *tg_bwe_probing(const struct tg_bwe *b, tg_us now)
{
    const struct tg_bwe_twcc *t = b->twcc;

    return t != NULL && t->probing && now < t->probe.until ? &t->probe : NULL;
}

/* --- rate control ----------------------------------------------------------------------------- */

static void decrease(struct tg_bwe *b, tg_us now, uint32_t to_bps)
{
    struct tg_bwe_twcc *t = b->twcc;

    if (to_bps >= b->estimate_bps)
        return;
    b->estimate_bps = clamp_bps(to_bps);
    t->decreased_at = now;
}

/* GCC s5.5: once a round trip, to a little less than what gets through. */
static void overuse_act(struct tg_bwe *b, tg_us now)
{
    struct tg_bwe_twcc *t = b->twcc;
    const tg_us wait = 100 * (tg_us)TG_US_PER_MS + TG_MIN(TG_MAX(b->rtt_us, 0), TG_US_PER_S);
    uint32_t through = b->through_bps;

    if (t->gap_at != 0 && now - t->gap_at < GAP_US)
        through = TG_MAX(through, acked_rate(t, TG_BWE_BUCKETS));
    if (t->decreased_at != 0 && now - t->decreased_at < wait)
        return;
    if (through == 0)
        through = b->estimate_bps / 100 * 80;
    t->congested_bps = through;
    /* What comes out of a full queue is the way's rate: also when an earlier guess was too low. */
    if (t->queue_us >= QUEUE_FULL_US)
        b->estimate_bps = TG_MAX(b->estimate_bps, clamp_bps(through / 100 * DECREASE_PCT));
    decrease(b, now, through / 100 * DECREASE_PCT);
}

static void loss_act(struct tg_bwe *b, tg_us now)
{
    struct tg_bwe_twcc *t = b->twcc;
    uint32_t total = t->lost + t->arrived;

    if (now - t->loss_at < LOSS_US || total < LOSS_PACKETS_MIN)
        return;
    b->loss_pm = (uint16_t)((b->loss_pm + t->lost * 1000 / total) / 2);
    t->lost = 0;
    t->arrived = 0;
    t->loss_at = now;
    if (b->loss_pm <= LOSS_HIGH_PM)
        return;
    /* Never below what does arrive: losing a tenth is not losing half. */
    uint32_t less = b->estimate_bps / 2000 * (2000U - b->loss_pm);

    decrease(b, now, TG_MAX(less, acked_rate(t, TG_BWE_BUCKETS) / 100 * DECREASE_PCT));
}

static void increase(struct tg_bwe *b, tg_us passed)
{
    struct tg_bwe_twcc *t = b->twcc;
    uint64_t most = (uint64_t)b->acked_bps * APP_FACTOR_PCT / 100 + 10000;
    bool near = t->congested_bps != 0 && b->estimate_bps > t->congested_bps / 10 * 8 &&
                b->estimate_bps < t->congested_bps / 10 * 12;
    uint64_t grown = b->estimate_bps + (uint64_t)b->estimate_bps *
                                           (near ? GROWTH_NEAR_PM : GROWTH_PM_PER_S) *
                                           (uint64_t)passed / 1000 / TG_US_PER_S;

    if (b->acked_bps != 0 && b->estimate_bps < most)
        b->estimate_bps = clamp_bps(TG_MIN(grown, most));
}

static void twcc_tick(struct tg_bwe *b, tg_us now)
{
    struct tg_bwe_twcc *t = b->twcc;
    tg_us passed = TG_MIN(now - t->tick_at, (tg_us)TG_US_PER_S);

    t->tick_at = now;
    probe_judge(b, now);
    if (now - t->feedback_at > SILENCE_US) { /* nothing was sent, or nothing is told */
        t->queue_us = 0;
        t->grown = 0;
        t->over_us = 0;
        t->state = TG_BWE_NORMAL;
    }
    if (t->state == TG_BWE_NORMAL && t->queue_us < QUEUE_LONG_US && b->loss_pm < LOSS_LOW_PM)
        increase(b, passed);
    /* It gets through and nothing waits: at least so much there is. */
    if (t->state != TG_BWE_OVERUSE && t->queue_us < QUEUE_FREE_US && b->loss_pm <= LOSS_HIGH_PM &&
        b->acked_bps > b->estimate_bps)
        b->estimate_bps = clamp_bps(b->acked_bps);
}

/* --- feedback --------------------------------------------------------------------------------- */

static void clock_jump(struct tg_bwe_twcc *t)
{
    t->any_arrived = false;
    t->group = (struct group){0};
    t->before = (struct group){0};
    t->trend_count = 0;
    t->trend_last = 0;
    t->delay_sum = 0;
    t->delay_smooth = 0;
    t->base[0] = INT64_MAX;
    t->base[1] = INT64_MAX;
    t->queue_us = 0;
    t->grown = 0;
}

/* Returns the packet's one-way delay. */
static int64_t arrived(struct tg_bwe_twcc *t, tg_us now, struct sent *s, int64_t arrival)
{
    arrival += ARRIVAL_ZERO;
    if (t->any_arrived && (arrival - t->arrival > FB_JUMP_US || t->arrival - arrival > FB_JUMP_US))
        clock_jump(t);
    acked_add(t, arrival, s->size);
    t->arrival = t->any_arrived ? TG_MAX(t->arrival, arrival) : arrival;
    t->any_arrived = true;
    if (s->state == SENT_LOST && t->lost > 0)
        t->lost--; /* only late */
    t->arrived++;
    s->state = SENT_ARRIVED;
    probe_arrived(t, s, arrival);
    trend_input(t, now, s->at, arrival);
    /* The full time it was sent: it is less than an hour ago. */
    return arrival - (now - (tg_us)(uint32_t)((uint32_t)now - s->at));
}

void tg_bwe_feedback(struct tg_bwe *b, tg_us now, struct tg_twcc *fb)
{
    struct tg_bwe_twcc *t = b->twcc;
    struct tg_twcc_status status;
    int64_t delay_min = INT64_MAX;

    if (t == NULL)
        return;
    while (tg_twcc_next(fb, &status)) {
        struct sent *s = sent_find(t, status.seq);

        if (s == NULL || s->state == SENT_ARRIVED)
            continue;
        if (status.received) {
            int64_t delay = arrived(t, now, s, status.arrival_us);

            delay_min = TG_MIN(delay_min, delay);
        } else if (s->state == SENT_UNDER_WAY) {
            s->state = SENT_LOST;
            t->lost++;
        }
    }
    if (t->feedback_at != 0 && fb->fb_count != t->feedback_next)
        t->gap_at = now;
    t->feedback_next = (uint8_t)(fb->fb_count + 1);
    t->feedback_at = now;
    if (delay_min != INT64_MAX) {
        queue_note(t, now, delay_min);
        state_judge(t);
    }
    b->acked_bps = acked_rate(t, TG_BWE_BUCKETS);
    b->through_bps = acked_rate(t, SHORT_BUCKETS);
    b->overuse = t->state == TG_BWE_OVERUSE;
    if (b->overuse)
        overuse_act(b, now);
    b->hard = b->overuse && t->queue_us >= QUEUE_HARD_US;
    loss_act(b, now);
    probe_judge(b, now);
}

/* --- without transport-wide feedback ---------------------------------------------------------- */

static void plain_update(struct tg_bwe *b)
{
    uint32_t least = b->remb_bps;

    if (b->limit_bps != 0 && (least == 0 || b->limit_bps < least))
        least = b->limit_bps;
    b->estimate_bps = least;
}

void tg_bwe_report(struct tg_bwe *b, uint8_t lost_fraction, uint32_t rate_bps)
{
    uint32_t loss_pm = lost_fraction * 1000U / 256;

    if (b->twcc != NULL)
        return; /* that one knows better */
    b->loss_pm = (uint16_t)((b->loss_pm + loss_pm) / 2);
    if (b->loss_pm > LOSS_HIGH_PM && rate_bps > 0) {
        uint32_t now_bps = b->limit_bps != 0 ? b->limit_bps : rate_bps;
        uint32_t less = now_bps / 2000 * (2000U - b->loss_pm);

        /* What arrives is a lower bound. */
        b->limit_bps = clamp_bps(TG_MAX(less, rate_bps / 1000 * (1000U - b->loss_pm)));
    } else if (b->loss_pm < LOSS_LOW_PM && b->limit_bps != 0) {
        b->limit_bps = clamp_bps(b->limit_bps + b->limit_bps / 100 * 8);
        if (b->limit_bps > rate_bps / 2 * 3 && rate_bps > 0)
            b->limit_bps = 0; /* it limits nothing any more */
    }
    plain_update(b);
}

void tg_bwe_remb(struct tg_bwe *b, tg_us now, uint64_t bps)
{
    b->remb_bps = clamp_bps(bps);
    b->remb_at = now;
    if (b->twcc == NULL)
        plain_update(b);
}

void tg_bwe_tick(struct tg_bwe *b, tg_us now)
{
    if (b->twcc != NULL) {
        twcc_tick(b, now);
        return;
    }
    /* A client that stopped telling may have changed its way: an old number binds less and less. */
    if (b->remb_bps != 0 && now - b->remb_at > TG_BWE_REMB_AGE_US) {
        b->remb_bps = b->remb_bps < TG_BWE_MAX_BPS / 2 ? b->remb_bps + b->remb_bps / 100 : 0;
        plain_update(b);
    }
}
