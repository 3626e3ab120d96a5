/*
 * load_control.c - a benchmark's remote control: one JSON object a line on stdin, answers on
 * stdout.
 *
 *   {"do":"grow","viewers":800,"per_s":100}  WHEP joins up to that many
 *                              -> {"event":"grown","watching":800,"failed":0,"asked_s":7.9}
 *                              when all are, or have failed; asked_s: first to last join's begin
 *   {"do":"offer","id":7,"began_us":T,"sdp":"..."}   one viewer of a server that offers first; T:
 *                              when it was asked for, CLOCK_MONOTONIC
 *                              -> {"event":"answer","id":7,"sdp":"..."} ("" = refused)
 *   {"do":"await","viewers":8} -> "grown" as above, for offers
 *   {"do":"mark"}              a window begins -> {"event":"marked"}
 *   {"do":"look"}              -> {"event":"look", what came since, of those who watched then}
 *   {"do":"end"}               all leave; end of input is the same
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "support/lib/load.h"

enum { LINE_MAX_BYTES = 256 * 1024 };

struct control {
    struct tg_watch watch;
    struct tg_buf in;
    bool waiting; /* for `wanted` viewers */
    size_t wanted;
    uint64_t failed_before;
};

static struct control the_control;

static size_t watching(const struct load *l)
{
    size_t count = 0;

    for (size_t i = 0; i < l->viewers_max; i++)
        count += l->viewers[i].state == WATCHING;
    return count;
}

static struct json_t *times(const struct histogram *h)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f}", "count", (json_int_t)h->count, "p50",
                     histogram_ms(h, 500), "p95", histogram_ms(h, 950), "p99", histogram_ms(h, 990),
                     "max", histogram_ms(h, 1000));
}

static void say(json_t *take_line)
{
    if (take_line == NULL || json_dumpf(take_line, stdout, JSON_COMPACT) != 0)
        (void)fprintf(stderr, "whep_load: no memory for an answer\n");
    json_decref(take_line);
    (void)putchar('\n');
    (void)fflush(stdout);
}

/* --- commands --------------------------------------------------------------------------------- */

static void wait_for(struct load *l, size_t viewers)
{
    the_control.waiting = true;
    the_control.wanted = viewers;
    the_control.failed_before = l->t.failed;
    memset(&l->joins, 0, sizeof(l->joins));
}

static void grow(struct load *l, size_t viewers, int per_s, tg_us now)
{
    size_t have = 0;

    for (size_t i = 0; i < l->viewers_max; i++)
        have += l->viewers[i].state != IDLE;
    l->viewers_wanted = TG_MIN(viewers, l->viewers_max);
    l->joins_max = l->t.joins + (l->viewers_wanted > have ? l->viewers_wanted - have : 0);
    l->ramp = per_s > 0 ? (unsigned)per_s : 1;
    l->next_join = now;
    wait_for(l, l->viewers_wanted);
}

static struct viewer *idle_viewer(struct load *l)
{
    for (size_t i = 0; i < l->viewers_max; i++)
        if (l->viewers[i].state == IDLE)
            return &l->viewers[i];
    return NULL;
}

static void take_offer(struct load *l, const json_t *line, tg_us now)
{
    const char *sdp = json_string_value(json_object_get(line, "sdp"));
    tg_us began = (tg_us)json_integer_value(json_object_get(line, "began_us"));
    struct viewer *v = idle_viewer(l);
    struct tg_buf answer;
    tg_err err = TG_ERR_LIMIT;

    tg_buf_init(&answer, TG_SDP_MAX);
    if (v != NULL && sdp != NULL)
        err = viewer_answer(l, v, now, sdp, strlen(sdp), &answer);
    if (err == TG_OK && v != NULL && began > 0)
        v->began = began;
    say(json_pack("{s:s, s:O, s:s}", "event", "answer", "id", json_object_get(line, "id"), "sdp",
                  err == TG_OK ? tg_buf_cstr(&answer) : ""));
    tg_buf_done(&answer);
}

static void mark(struct load *l, tg_us now)
{
    for (size_t i = 0; i < l->viewers_max; i++)
        if (l->viewers[i].state == WATCHING)
            rx_meter_mark(&l->viewers[i].meter);
        else
            l->viewers[i].meter.marked = false;
    histogram_clear(&l->window.latency);
    l->window.on = true;
    l->window.began = now;
    l->window.cpu_s = load_cpu_s();
    l->window.overflows = many_udp_overflows(l->udp);
    l->window.totals = l->t;
    say(json_pack("{s:s}", "event", "marked"));
}

struct sums {
    size_t viewers;
    uint64_t packets;
    uint64_t lost;
    uint64_t packets_min;
    uint64_t packets_max;
};

static struct sums sum_window(const struct load *l)
{
    struct sums s = {.packets_min = UINT64_MAX};

    for (size_t i = 0; i < l->viewers_max; i++) {
        const struct viewer *v = &l->viewers[i];
        uint64_t packets;
        uint64_t lost;

        if (v->state != WATCHING || !v->meter.marked)
            continue;
        rx_meter_window(&v->meter, &packets, &lost);
        s.viewers++;
        s.packets += packets;
        s.lost += lost;
        s.packets_min = TG_MIN(s.packets_min, packets);
        s.packets_max = TG_MAX(s.packets_max, packets);
    }
    if (s.viewers == 0)
        s.packets_min = 0;
    return s;
}

static void look(const struct load *l, tg_us now)
{
    const struct load_window *w = &l->window;
    const struct sums s = sum_window(l);
    json_t *line = json_pack(
        "{s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I}", "event", "look", "seconds",
        (double)(now - w->began) / TG_US_PER_S, "viewers", (json_int_t)s.viewers, "packets",
        (json_int_t)s.packets, "lost", (json_int_t)s.lost, "packets_min", (json_int_t)s.packets_min,
        "packets_max", (json_int_t)s.packets_max, "cpu_s", load_cpu_s() - w->cpu_s, "overflows",
        (json_int_t)(many_udp_overflows(l->udp) - w->overflows), "all_packets",
        (json_int_t)(l->t.packets - w->totals.packets));

    if (line != NULL)
        (void)json_object_update_new(
            line,
            json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "failed",
                      (json_int_t)(l->t.failed - w->totals.failed), "ended_by_server",
                      (json_int_t)(l->t.ended_by_server - w->totals.ended_by_server), "verified",
                      (json_int_t)(l->t.verified - w->totals.verified), "decrypt_errors",
                      (json_int_t)(l->t.decrypt_errors - w->totals.decrypt_errors), "latency_ms",
                      times(&w->latency), "first_packet_ms", times(&l->joins.packet),
                      "first_frame_ms", times(&l->joins.frame), "first_key_ms",
                      times(&l->joins.key)));
    say(line);
}

static void obey(struct load *l, const json_t *line, tg_us now)
{
    const char *what = json_string_value(json_object_get(line, "do"));
    json_int_t viewers = json_integer_value(json_object_get(line, "viewers"));
    json_int_t per_s = json_integer_value(json_object_get(line, "per_s"));

    if (what == NULL)
        what = "";
    if (strcmp(what, "grow") == 0)
        grow(l, (size_t)TG_MAX(viewers, 0), (int)per_s, now);
    else if (strcmp(what, "offer") == 0)
        take_offer(l, line, now);
    else if (strcmp(what, "await") == 0)
        wait_for(l, (size_t)TG_MAX(viewers, 0));
    else if (strcmp(what, "mark") == 0)
        mark(l, now);
    else if (strcmp(what, "look") == 0)
        look(l, now);
    else if (strcmp(what, "end") == 0)
        tg_loop_stop(l->loop);
    else
        (void)fprintf(stderr, "whep_load: unknown command \"%s\"\n", what);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void take_lines(struct load *l, tg_us now)
{
    struct control *c = &the_control;
    const uint8_t *end;

    while (c->in.len > 0 && (end = memchr(c->in.data, '\n', c->in.len)) != NULL) {
        size_t len = (size_t)(end - c->in.data);
        json_t *line = json_loadb((const char *)c->in.data, len, 0, NULL);

        if (line != NULL)
            obey(l, line, now);
        else
            (void)fprintf(stderr, "whep_load: a line is no JSON\n");
        json_decref(line);
        tg_buf_consume(&c->in, len + 1);
    }
}

static void on_stdin(void *ctx, uint32_t events, tg_us now)
{
    struct load *l = ctx;
    char bytes[8192];
    ssize_t got = read(STDIN_FILENO, bytes, sizeof(bytes));

    (void)events;
    if (got > 0) {
        tg_buf_add(&the_control.in, bytes, (size_t)got);
        take_lines(l, now);
    }
    if (got == 0 || the_control.in.err != TG_OK)
        tg_loop_stop(l->loop);
}

tg_err load_control_start(struct load *l)
{
    tg_buf_init(&the_control.in, LINE_MAX_BYTES);
    if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) != 0)
        return TG_ERR_IO;
    return tg_loop_watch(l->loop, &the_control.watch, STDIN_FILENO, EPOLLIN, on_stdin, l);
}

void load_control_stop(struct load *l)
{
    tg_loop_unwatch(l->loop, &the_control.watch);
    tg_buf_done(&the_control.in);
}

void load_control_tick(struct load *l, tg_us now)
{
    struct control *c = &the_control;
    uint64_t failed = l->t.failed - c->failed_before;
    size_t have;

    (void)now;
    if (!c->waiting)
        return;
    have = watching(l);
    if (have + failed < c->wanted)
        return;
    c->waiting = false;
    say(json_pack("{s:s, s:I, s:I, s:f}", "event", "grown", "watching", (json_int_t)have, "failed",
                  (json_int_t)failed, "asked_s",
                  (double)(l->joins.asked_last - l->joins.asked_first) / TG_US_PER_S));
}
