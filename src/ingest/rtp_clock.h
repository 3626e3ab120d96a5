/*
 * rtp_clock.h - RTP times of a publisher's encodings on the show's media clock.
 * Pure. Owner: one WHIP session; one clock for all its encodings and its audio.
 * Spec: RFC 3550 s6.4.1 (sender reports); CONTRACT, "The show channel": `at`.
 *
 *   RTP time --sender report--> publisher's NTP time --least (arrival - NTP) - RTT/2--> media time
 *
 * Until a stream's first report: its arrival on the fastest path less TG_RTP_CLOCK_CAMERA_US. With
 * reports all streams stand on one NTP line, so lip-sync holds whatever their paths do. Then
 *   - video follows its line by running at most 5 % faster or slower (above 250 ms: a jump);
 *   - audio keeps exact RTP steps and moves only when more than 30 ms off, in one jump; video
 *     stands half way between its own line and the audio's error, so the two differ by < 20 ms;
 *   - a stream's result never goes back, and lies in the future only to keep that promise.
 * RTP time that goes on during a cut of the line maps right without any special case. A new time
 * line (encoder restart) begins at its arrival until its first report. Reports
 * that do not fit the frames around them are not believed.
 */
#ifndef TG_INGEST_RTP_CLOCK_H
#define TG_INGEST_RTP_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "rtc/receiver.h"

/* From the camera to our door where no report tells: capture, encoding, a short way. */
#define TG_RTP_CLOCK_CAMERA_US (40 * (tg_us)TG_US_PER_MS)
/* Two frames of a stream are at least this far apart. */
#define TG_RTP_CLOCK_STEP_US ((tg_us)TG_US_PER_MS)
#define TG_RTP_CLOCK_AUDIO_OFF_US (30 * (tg_us)TG_US_PER_MS)

/* The least value of the last one to two periods. */
struct tg_rtp_clock_least {
    bool started;
    tg_us value[2]; /* this period, the one before */
    tg_us period_end;
};

struct tg_rtp_clock_stream {
    bool based;          /* ts is a reference */
    bool running;        /* a frame came: offset and out stand */
    bool line_ok;        /* a report of this time line came */
    uint8_t reports_bad; /* in a row */
    uint32_t ts;         /* newest RTP time seen, of a frame or a report */
    int64_t ticks;
    int64_t frame_ticks; /* of the newest frame */
    tg_us frame_arrival;
    tg_us offset;                      /* media time - RTP time, as applied */
    tg_us out;                         /* last result, kept over jumps */
    tg_us line;                        /* publisher's NTP - RTP time */
    struct tg_rtp_clock_least arrival; /* arrival - RTP time */
};

struct tg_rtp_clock {
    uint32_t jumps; /* readable: corrections that were not slewed, new time lines */

    unsigned ntp_reports;          /* private from here: since the clock was set, 0 = none */
    tg_us ntp_offset;              /* media time + RTT/2 - NTP, as applied */
    struct tg_rtp_clock_least ntp; /* arrival of reports - NTP */
    struct tg_rtp_clock_least rtt;
    struct tg_rtp_clock_stream streams[TG_RECEIVER_STREAMS];
};

void tg_rtp_clock_init(struct tg_rtp_clock *c);
/*
 * One frame of encoding `stream` (TG_RECEIVER_AUDIO: 48 kHz, the others 90 kHz) in decoding order.
 * arrival_us (of its first packet) and now_us are on the show's media clock. Returns its media
 * time, >= 0; greater than the last one of this stream, unless the RTP time is the same.
 */
tg_us tg_rtp_clock_frame(struct tg_rtp_clock *c, unsigned stream, uint32_t rtp_ts, tg_us arrival_us,
                         tg_us now_us);
/* One sender report. rtt_us: to the publisher, -1 = not known. */
void tg_rtp_clock_report(struct tg_rtp_clock *c, unsigned stream, uint32_t rtp_ts, uint64_t ntp,
                         tg_us arrival_us, tg_us rtt_us);

#endif
