/*
 * rtp_clock.c - see rtp_clock.h.
 *
 * RTP time in microseconds counts from a base that moves along (rebase), so that hostile time
 * stamps cannot overflow it. What is kept as a difference to it moves with the base.
 */
#include "ingest/rtp_clock.h"

#include <stdlib.h>

#include "base/seq.h"

#define ARRIVAL_PERIOD_US ((tg_us)TG_US_PER_S)
#define NTP_PERIOD_US (12 * (tg_us)TG_US_PER_S) /* reports come every 1 to 5 s */
#define VIDEO_JUMP_US (250 * (tg_us)TG_US_PER_MS)
#define SLEW_PART 20 /* 5 % */
/* A report may be this far from the line before it is a new line; below, it is noise to smooth. */
#define LINE_NOISE_US (100 * (tg_us)TG_US_PER_MS)
#define LINE_SMOOTH 4
/* Frames reach us late after a cut, never this late, and never early. */
#define LATE_MAX_US (30 * (tg_us)TG_US_PER_S)
#define EARLY_MAX_US ((tg_us)TG_US_PER_S)
/* Without reports: RTP time may run ahead of arrival or back by this before it is a new line. */
#define AHEAD_MAX_US (3 * (tg_us)TG_US_PER_S)
#define BACK_MAX_US (500 * (tg_us)TG_US_PER_MS)
/*
 * A report tells the RTP time of its own moment: the newest frame's, and the time since. It is off
 * by what the frame spent in the encoder and the pacer, not by more: webrtcbin adds its whole
 * running time. Such reports are not believed, nor, after so many, what was believed before.
 */
#define REPORT_OFF_MAX_US ((tg_us)TG_US_PER_S)
#define REPORTS_BAD_MAX 5
#define NTP_SLEW_US (2 * (tg_us)TG_US_PER_MS) /* a report; far more than any drift */
#define NTP_SETTLE_REPORTS 6U
#define NTP_STEP_US (10 * (tg_us)TG_US_PER_S) /* late reports are late by less */
#define RTT_MAX_US ((tg_us)TG_US_PER_S)
#define AUDIO_FRESH_US (5 * (tg_us)TG_US_PER_S)
#define REBASE_TICKS (INT64_C(1) << 40)

/* --- the least of a window -------------------------------------------------------------------- */

static void least_reset(struct tg_rtp_clock_least *l, tg_us value, tg_us now, tg_us period)
{
    *l = (struct tg_rtp_clock_least){true, {value, value}, now + period};
}

static void least_note(struct tg_rtp_clock_least *l, tg_us value, tg_us now, tg_us period)
{
    if (!l->started) {
        least_reset(l, value, now, period);
        return;
    }
    if (now >= l->period_end) {
        l->value[1] = l->value[0];
        l->value[0] = value;
        l->period_end = now + period;
    }
    l->value[0] = TG_MIN(l->value[0], value);
}

static tg_us least_get(const struct tg_rtp_clock_least *l)
{
    return TG_MIN(l->value[0], l->value[1]);
}

static void least_shift(struct tg_rtp_clock_least *l, tg_us by)
{
    l->value[0] += by;
    l->value[1] += by;
}

/* --- RTP time --------------------------------------------------------------------------------- */

static tg_us ticks_us(unsigned stream, int64_t ticks)
{
    return stream == TG_RECEIVER_AUDIO ? ticks * 125 / 6 : ticks * 100 / 9;
}

static void rebase(struct tg_rtp_clock_stream *s, unsigned stream)
{
    tg_us by = ticks_us(stream, s->ticks);

    s->frame_ticks -= s->ticks;
    s->ticks = 0;
    s->offset += by;
    s->line += by;
    least_shift(&s->arrival, by);
}

/* A new time line starts at rtp_ts; only `out` is kept. */
static void begin(struct tg_rtp_clock_stream *s, uint32_t rtp_ts)
{
    *s = (struct tg_rtp_clock_stream){.based = true, .ts = rtp_ts, .out = s->out};
}

/* rtp_ts counted from the base; the reference moves on to it. */
static int64_t unwrap(struct tg_rtp_clock_stream *s, unsigned stream, uint32_t rtp_ts)
{
    if (!s->based)
        begin(s, rtp_ts);
    if (s->ticks - s->frame_ticks > REBASE_TICKS || s->frame_ticks - s->ticks > REBASE_TICKS)
        begin(s, rtp_ts); /* reports alone ran months ahead: nobody's clock */
    if (s->ticks > REBASE_TICKS || s->ticks < -REBASE_TICKS)
        rebase(s, stream);
    s->ticks += tg_ts_diff(rtp_ts, s->ts);
    s->ts = rtp_ts;
    return s->ticks;
}

/* --- the line --------------------------------------------------------------------------------- */

static bool on_line(const struct tg_rtp_clock *c, const struct tg_rtp_clock_stream *s)
{
    return c->ntp_reports > 0 && s->line_ok;
}

/* media time - RTP time by the reports. */
static tg_us line_offset(const struct tg_rtp_clock *c, const struct tg_rtp_clock_stream *s)
{
    return s->line + c->ntp_offset - (c->rtt.started ? least_get(&c->rtt) / 2 : 0);
}

/* How far the audio that is heard stands from its line: < TG_RTP_CLOCK_AUDIO_OFF_US either way. */
static tg_us audio_error(const struct tg_rtp_clock *c, tg_us arrival_us)
{
    const struct tg_rtp_clock_stream *a = &c->streams[TG_RECEIVER_AUDIO];

    if (!a->running || !on_line(c, a) || arrival_us - a->frame_arrival > AUDIO_FRESH_US)
        return 0;
    tg_us error = a->offset - line_offset(c, a);

    return TG_MAX(-TG_RTP_CLOCK_AUDIO_OFF_US, TG_MIN(error, TG_RTP_CLOCK_AUDIO_OFF_US));
}

static tg_us target(const struct tg_rtp_clock *c, unsigned stream, tg_us arrival_us)
{
    const struct tg_rtp_clock_stream *s = &c->streams[stream];

    if (!on_line(c, s))
        return least_get(&s->arrival) - TG_RTP_CLOCK_CAMERA_US;
    if (stream == TG_RECEIVER_AUDIO)
        return line_offset(c, s);
    return line_offset(c, s) + audio_error(c, arrival_us) / 2;
}

/* This RTP time cannot belong to the line that the stream was on. */
static bool is_new_line(const struct tg_rtp_clock *c, unsigned stream, int64_t ticks,
                        tg_us arrival_us)
{
    const struct tg_rtp_clock_stream *s = &c->streams[stream];
    tg_us step = ticks_us(stream, ticks) - ticks_us(stream, s->frame_ticks);

    if (on_line(c, s)) {
        tg_us media = ticks_us(stream, ticks) + line_offset(c, s);

        return media > arrival_us + EARLY_MAX_US || media < arrival_us - LATE_MAX_US;
    }
    if (!s->running)
        return false;
    return step < -BACK_MAX_US || step > arrival_us - s->frame_arrival + AHEAD_MAX_US;
}

/* Moves the applied offset towards the target; step is the RTP time since the last frame. */
static void correct(struct tg_rtp_clock *c, unsigned stream, tg_us step, tg_us arrival_us)
{
    struct tg_rtp_clock_stream *s = &c->streams[stream];
    tg_us error = target(c, stream, arrival_us) - s->offset;
    bool audio = stream == TG_RECEIVER_AUDIO;
    tg_us jump = audio ? TG_RTP_CLOCK_AUDIO_OFF_US : VIDEO_JUMP_US;
    tg_us slew = TG_MAX(step, 0) / SLEW_PART;

    if (error > jump || error < -jump) {
        s->offset += error;
        c->jumps++;
    } else if (!audio) {
        s->offset += TG_MAX(-slew, TG_MIN(error, slew));
    }
}

void tg_rtp_clock_init(struct tg_rtp_clock *c)
{
    *c = (struct tg_rtp_clock){0};
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        c->streams[i].out = -1;
}

tg_us tg_rtp_clock_frame(struct tg_rtp_clock *c, unsigned stream, uint32_t rtp_ts, tg_us arrival_us,
                         tg_us now_us)
{
    TG_ASSERT(stream < TG_RECEIVER_STREAMS);
    struct tg_rtp_clock_stream *s = &c->streams[stream];
    tg_us arrived = TG_MAX(arrival_us, 0);
    int64_t ticks = unwrap(s, stream, rtp_ts);
    tg_us out;

    if (is_new_line(c, stream, ticks, arrived)) {
        c->jumps += s->running ? 1 : 0;
        begin(s, rtp_ts);
        ticks = 0;
    }
    least_note(&s->arrival, arrived - ticks_us(stream, ticks), arrived, ARRIVAL_PERIOD_US);
    if (!s->running)
        s->offset = target(c, stream, arrived);
    else if (ticks == s->frame_ticks)
        return s->out;
    else
        correct(c, stream, ticks_us(stream, ticks) - ticks_us(stream, s->frame_ticks), arrived);
    out = TG_MIN(ticks_us(stream, ticks) + s->offset, now_us);
    if (s->out >= 0)
        out = TG_MAX(out, s->out + TG_RTP_CLOCK_STEP_US);
    s->running = true;
    s->frame_ticks = ticks;
    s->frame_arrival = arrived;
    s->out = TG_MAX(out, 0);
    return s->out;
}

/* --- reports ---------------------------------------------------------------------------------- */

static tg_us ntp_us(uint64_t ntp)
{
    return (tg_us)(ntp >> 32) * TG_US_PER_S + (tg_us)(((ntp & UINT32_MAX) * TG_US_PER_S) >> 32);
}

/* The publisher's wall clock was set: what other streams know of it is worth nothing now. */
static void forget_lines(struct tg_rtp_clock *c)
{
    for (unsigned i = 0; i < TG_RECEIVER_STREAMS; i++)
        c->streams[i].line_ok = false;
}

/* The window's noise is worked off in small steps, so that audio is not pushed over its edge. */
static void note_offset(struct tg_rtp_clock *c, tg_us offset, tg_us arrival_us)
{
    least_note(&c->ntp, offset, arrival_us, NTP_PERIOD_US);
    tg_us off = least_get(&c->ntp) - c->ntp_offset;

    if (c->ntp_reports >= NTP_SETTLE_REPORTS && llabs(off) <= LINE_NOISE_US)
        off = TG_MAX(-NTP_SLEW_US, TG_MIN(off, NTP_SLEW_US));
    c->ntp_offset += off;
    c->ntp_reports = TG_MIN(c->ntp_reports + 1, NTP_SETTLE_REPORTS);
}

/*
 * A clock that is set moves NTP against RTP time and against arrival by the same amount. A report
 * that is merely late moves against arrival alone, and only the window forgets what was better.
 */
static bool clock_was_set(const struct tg_rtp_clock *c, const struct tg_rtp_clock_stream *s,
                          tg_us line, tg_us offset)
{
    tg_us late = offset - least_get(&c->ntp);
    tg_us moved = line - s->line;

    if (!s->line_ok)
        return late > NTP_STEP_US || late < -NTP_STEP_US;
    return llabs(moved) > LINE_NOISE_US && llabs(moved + late) < llabs(moved) / 2;
}

static bool is_plausible(const struct tg_rtp_clock_stream *s, unsigned stream, uint32_t rtp_ts,
                         tg_us arrival_us)
{
    int64_t ticks = s->ticks + tg_ts_diff(rtp_ts, s->ts) - s->frame_ticks;
    tg_us since = arrival_us - s->frame_arrival;

    return !s->running || llabs(ticks_us(stream, ticks) - since) <= REPORT_OFF_MAX_US;
}

static void distrust(struct tg_rtp_clock_stream *s)
{
    if (s->reports_bad < REPORTS_BAD_MAX)
        s->reports_bad++;
    else
        s->line_ok = false;
}

void tg_rtp_clock_report(struct tg_rtp_clock *c, unsigned stream, uint32_t rtp_ts, uint64_t ntp,
                         tg_us arrival_us, tg_us rtt_us)
{
    TG_ASSERT(stream < TG_RECEIVER_STREAMS);
    struct tg_rtp_clock_stream *s = &c->streams[stream];

    if (ntp == 0)
        return; /* RFC 3550 s6.4.1: a sender without a clock */
    if (!is_plausible(s, stream, rtp_ts, arrival_us)) {
        distrust(s);
        return;
    }
    s->reports_bad = 0;
    int64_t ticks = unwrap(s, stream, rtp_ts);
    tg_us line = ntp_us(ntp) - ticks_us(stream, ticks);
    tg_us offset = arrival_us - ntp_us(ntp);

    if (rtt_us >= 0)
        least_note(&c->rtt, TG_MIN(rtt_us, RTT_MAX_US), arrival_us, NTP_PERIOD_US);
    if (c->ntp_reports > 0 && clock_was_set(c, s, line, offset)) {
        forget_lines(c);
        c->ntp.started = false;
        c->ntp_reports = 0;
    }
    note_offset(c, offset, arrival_us);
    if (!s->line_ok || llabs(line - s->line) > LINE_NOISE_US)
        s->line = line;
    else
        s->line += (line - s->line) / LINE_SMOOTH;
    s->line_ok = true;
}
