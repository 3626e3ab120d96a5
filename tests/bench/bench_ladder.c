/*
 * bench_ladder.c - what renditions cost: the share of a core that one show takes with them, less
 * what it takes without, in real time.
 *
 *     bench_ladder [--seconds N] [--pattern NAME] [--vp8]
 *
 * Source: 1280x720 at 30 pictures a second, 2 Mbit/s, of a videotestsrc pattern ("smpte": bars and
 * a corner of noise; "snow": noise only, the worst there is). Renditions as the rows say.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "media/media.h"
#include "plugins/plugins.h"
#include "support/lib/clip.h"

enum { SHOW = 0, FRAMES = 150, FRAME_US = 33333, RUNS = 5 };

static const struct tg_rendition ladders[][TG_RENDITIONS_MAX] = {
    {{.lines = 480, .kbps = 1200}},
    {{.lines = 480, .kbps = 1200}, {.lines = 240, .kbps = 400}},
    {{.lines = 480, .kbps = 1200}, {.lines = 360, .kbps = 800}, {.lines = 240, .kbps = 400}},
};
static const size_t counts[] = {1, 2, 3};

static struct tg_clip clip;
static unsigned seconds = 10;
static bool vp8;
static tg_us epoch_us;
static atomic_uint got[TG_LAYERS_MAX];

#define MUST(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "bench_ladder: %s failed (line %d)\n", #cond, __LINE__);               \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void frame_out(void *ctx, struct tg_frame *take_frame)
{
    (void)ctx;
    atomic_fetch_add(&got[take_frame->layer], 1);
    tg_frame_unref(take_frame);
}

/* CPU time of the process, in microseconds. */
static tg_us cpu_us(void)
{
    struct rusage u;

    MUST(getrusage(RUSAGE_SELF, &u) == 0);
    return (tg_us)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * TG_US_PER_S + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void post(struct tg_media *media, enum tg_media_what what, uint32_t count)
{
    struct tg_media_msg *msg = tg_msg_new(TG_MSG_MEDIA, sizeof(*msg));

    MUST(msg != NULL);
    msg->what = what;
    msg->show = SHOW;
    msg->count = count;
    msg->epoch_us = epoch_us;
    MUST(tg_mailbox_post(tg_media_mailbox(media), msg) == TG_OK);
}

static void push(struct tg_source_ops *ops, struct tg_source *source, size_t index)
{
    struct tg_au au = tg_clip_au(&clip, TG_TRACK_VIDEO, index == SIZE_MAX ? index : index % FRAMES);
    const char *reason = "";

    au.pts_us = au.dts_us = index == SIZE_MAX ? 0 : (tg_us)index * FRAME_US;
    MUST(ops->push(source, &au, &reason) == TG_OK);
}

/* Permille of a core while frames come at their pace. */
static unsigned play(struct tg_source_ops *ops, struct tg_source *source, size_t *at, unsigned s)
{
    const size_t end = *at + (size_t)s * 30;
    const tg_us from = tg_clock_mono();
    const tg_us cpu = cpu_us();

    for (size_t i = 0; *at < end; i++) {
        const tg_us wait = from + (tg_us)i * FRAME_US - tg_clock_mono();

        if (wait > 0)
            g_usleep((gulong)wait);
        push(ops, source, (*at)++);
    }
    return (unsigned)((cpu_us() - cpu) * 1000 / (tg_clock_mono() - from));
}

static int by_value(const void *a, const void *b)
{
    return (int)*(const unsigned *)a - (int)*(const unsigned *)b;
}

static void measure(const struct tg_rendition *renditions, size_t count)
{
    const struct tg_media_cfg cfg = {
        .frame_out = frame_out, .renditions = renditions, .rendition_count = count};
    const struct tg_source_info info = {
        .show = SHOW, .kind = vp8 ? TG_SOURCE_WHIP : TG_SOURCE_RTMP, .publisher = "bench"};
    struct tg_source *source = NULL;
    unsigned with[RUNS];
    unsigned without;
    struct tg_media *media;
    struct tg_source_ops ops;
    size_t at = 0;

    epoch_us = tg_clock_mono() - (tg_us)3600 * TG_US_PER_S;
    MUST(tg_media_new(&media, &cfg) == TG_OK && tg_media_start(media) == TG_OK);
    ops = tg_media_source_ops(media);
    post(media, TG_MEDIA_SHOW_ADD, 0);
    while (ops.open(ops.ctx, &info, &source) != TG_OK)
        g_usleep(1000);
    if (!vp8)
        push(&ops, source, SIZE_MAX);
    (void)play(&ops, source, &at, 1);
    without = play(&ops, source, &at, seconds);
    post(media, TG_MEDIA_WATCHERS, 1);
    (void)play(&ops, source, &at, 2); /* its first keyframe is behind us */
    MUST(tg_metric_get(TG_M_media_renditions) == (int64_t)count);
    for (size_t i = 0; i < RUNS; i++)
        with[i] = play(&ops, source, &at, seconds);
    qsort(with, RUNS, sizeof(with[0]), by_value);
    for (size_t i = 0; i < count; i++)
        printf("%up:%u ", renditions[i].lines, renditions[i].kbps);
    printf("\t%4.1f %% of a core (%.1f to %.1f; without %.1f), dropped %lld\n",
           (double)(with[RUNS / 2] - without) / 10, (double)(with[0] - without) / 10,
           (double)(with[RUNS - 1] - without) / 10, (double)without / 10,
           (long long)tg_metric_get(TG_M_media_rendition_dropped_total));
    ops.close(source);
    tg_media_stop(media);
    tg_media_free(media);
}

int main(int argc, char **argv)
{
    struct tg_clip_cfg cfg = {.width = 1280, .height = 720, .frames = FRAMES, .pattern = "smpte"};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--vp8") == 0)
            vp8 = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--pattern") == 0 && i + 1 < argc)
            cfg.pattern = argv[++i];
        else
            MUST(false && "known option");
    }
    MUST(tg_media_init(NULL) == TG_OK && tg_plugins_register() == TG_OK);
    cfg.vp8 = vp8;
    tg_clip_make(&clip, &cfg);
    for (size_t i = 0; i < TG_ARRAY_LEN(counts); i++)
        measure(ladders[i], counts[i]);
    for (size_t l = 0; l < TG_LAYERS_MAX; l++)
        printf("layer %zu: %u frames\n", l, atomic_load(&got[l]));
    tg_clip_done(&clip);
    return 0;
}
