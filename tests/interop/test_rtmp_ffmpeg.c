/*
 * test_rtmp_ffmpeg.c - a real ffmpeg publishes into the real listener over loopback; a recording
 * source stands where the media pipelines are.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "ingest/rtmp.h"
#include "proto/h264.h"

#define KEY "tg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
enum { SHOW = 7 };

struct track_log {
    unsigned configs;
    unsigned frames;
    unsigned keys;
    bool backwards;
    tg_us first_us;
    tg_us last_us;
    tg_us late_us_max; /* arrival - media time */
    tg_us early_us_max;
};

struct recorder {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    tg_us epoch_us;
    unsigned opened;
    unsigned closed;
    unsigned newest; /* generation that owns the show */
    bool first_video_was_key;
    bool revoked;
    struct track_log tracks[TG_TRACK_COUNT];
    char notice[256];
    char publisher[TG_PUBLISHER_SIZE];
    unsigned uplinks;
    struct tg_live_uplink uplink;
};

struct tg_source {
    struct recorder *rec;
    unsigned generation;
};

static tg_err rec_open(void *ctx, const struct tg_source_info *info, struct tg_source **ret)
{
    struct recorder *rec = ctx;
    struct tg_source *source = tg_calloc(1, sizeof(*source));

    if (source == NULL)
        return TG_ERR_NOMEM;
    if (info->show != SHOW || info->kind != TG_SOURCE_RTMP)
        abort();
    (void)pthread_mutex_lock(&rec->lock);
    source->rec = rec;
    source->generation = ++rec->newest;
    rec->opened++;
    memcpy(rec->publisher, info->publisher, sizeof(rec->publisher));
    (void)pthread_cond_broadcast(&rec->changed);
    (void)pthread_mutex_unlock(&rec->lock);
    *ret = source;
    return TG_OK;
}

static void note_frame(struct recorder *rec, const struct tg_au *au)
{
    struct track_log *log = &rec->tracks[au->track];
    tg_us arrival_us = tg_clock_mono() - rec->epoch_us;

    if (au->config) {
        log->configs++;
        return;
    }
    if (log->frames == 0) {
        log->first_us = au->dts_us;
        if (au->track == TG_TRACK_VIDEO)
            rec->first_video_was_key = au->key;
    } else if (au->dts_us <= log->last_us) {
        log->backwards = true;
    }
    log->frames++;
    log->keys += au->key;
    log->last_us = au->dts_us;
    log->late_us_max = TG_MAX(log->late_us_max, arrival_us - au->dts_us);
    log->early_us_max = TG_MAX(log->early_us_max, au->dts_us - arrival_us);
}

static tg_err rec_push(struct tg_source *source, const struct tg_au *take_au,
                       const char **reterr_reason)
{
    struct recorder *rec = source->rec;
    tg_err err = TG_OK;

    (void)reterr_reason;
    (void)pthread_mutex_lock(&rec->lock);
    if (source->generation != rec->newest)
        err = TG_ERR_CLOSED;
    else
        note_frame(rec, take_au);
    (void)pthread_cond_broadcast(&rec->changed);
    (void)pthread_mutex_unlock(&rec->lock);
    tg_slab_unref(take_au->data);
    return err;
}

static tg_err rec_poll(struct tg_source *source, uint32_t *ret_key_layers,
                       const char **reterr_reason)
{
    struct recorder *rec = source->rec;
    bool ours;

    (void)reterr_reason;
    *ret_key_layers = 0;
    (void)pthread_mutex_lock(&rec->lock);
    ours = source->generation == rec->newest;
    (void)pthread_mutex_unlock(&rec->lock);
    return ours ? TG_OK : TG_ERR_CLOSED;
}

static void rec_close(struct tg_source *source)
{
    struct recorder *rec = source->rec;

    (void)pthread_mutex_lock(&rec->lock);
    rec->closed++;
    (void)pthread_cond_broadcast(&rec->changed);
    (void)pthread_mutex_unlock(&rec->lock);
    tg_free(source);
}

static tg_err check_key(void *ctx, const char *show, const char *key, uint16_t *ret_show,
                        tg_us *ret_epoch_us)
{
    struct recorder *rec = ctx;
    bool revoked;

    (void)pthread_mutex_lock(&rec->lock);
    revoked = rec->revoked;
    (void)pthread_mutex_unlock(&rec->lock);
    if (revoked || strcmp(key, KEY) != 0)
        return TG_ERR_AUTH;
    if (show[0] != '\0' && strcmp(show, "demo") != 0)
        return TG_ERR_NOTFOUND;
    *ret_show = SHOW;
    *ret_epoch_us = rec->epoch_us;
    return TG_OK;
}

static void on_notice(void *ctx, uint16_t show, const char *text)
{
    struct recorder *rec = ctx;

    (void)pthread_mutex_lock(&rec->lock);
    (void)snprintf(rec->notice, sizeof(rec->notice), "%u %s", show, text);
    (void)pthread_mutex_unlock(&rec->lock);
}

static void on_uplink(void *ctx, const struct tg_live_uplink *uplink)
{
    struct recorder *rec = ctx;

    (void)pthread_mutex_lock(&rec->lock);
    rec->uplink = *uplink;
    rec->uplinks++;
    (void)pthread_cond_broadcast(&rec->changed);
    (void)pthread_mutex_unlock(&rec->lock);
}

struct rig {
    struct recorder rec;
    struct tg_rtmp *rtmp;
    uint16_t port;
};

static void rig_start(struct rig *rig, tg_us start_us_max)
{
    struct tg_rtmp_cfg cfg = {.listen = tg_addr_v4(127, 0, 0, 1, 0),
                              .trust_loopback = true,
                              .start_us_max = start_us_max,
                              .check_key = check_key,
                              .notice = on_notice,
                              .uplink = on_uplink,
                              .ctx = &rig->rec};

    memset(rig, 0, sizeof(*rig));
    (void)pthread_mutex_init(&rig->rec.lock, NULL);
    (void)pthread_cond_init(&rig->rec.changed, NULL);
    rig->rec.epoch_us = tg_clock_mono() - 100 * (tg_us)TG_US_PER_S;
    cfg.ops = (struct tg_source_ops){
        .ctx = &rig->rec, .open = rec_open, .push = rec_push, .poll = rec_poll, .close = rec_close};
    assert_int_equal(tg_rtmp_start(&rig->rtmp, &cfg), TG_OK);
    rig->port = tg_rtmp_addr(rig->rtmp).port;
    assert_int_not_equal(rig->port, 0);
}

static void rig_stop(struct rig *rig)
{
    tg_us began = tg_clock_mono();

    tg_rtmp_stop(rig->rtmp);
    assert_true(tg_clock_mono() - began < TG_US_PER_S);
    assert_int_equal(rig->rec.opened, rig->rec.closed);
    (void)pthread_cond_destroy(&rig->rec.changed);
    (void)pthread_mutex_destroy(&rig->rec.lock);
}

/* Waits until *value reaches want; fails the test after 15 s. */
static void wait_for(struct rig *rig, const unsigned *value, unsigned want)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 15;
    (void)pthread_mutex_lock(&rig->rec.lock);
    while (*value < want && rc == 0)
        rc = pthread_cond_timedwait(&rig->rec.changed, &rig->rec.lock, &until);
    (void)pthread_mutex_unlock(&rig->rec.lock);
    assert_int_equal(rc, 0);
}

struct encoder {
    pid_t pid;
    FILE *log;
};

/* video_args: one word each, NULL-terminated, at most 16. */
static void encoder_start(struct encoder *e, const struct rig *rig, const char *stream_key,
                          const char *seconds, const char *const *video_args)
{
    char url[256];
    const char *argv[64] = {"timeout",
                            "30",
                            "ffmpeg",
                            "-hide_banner",
                            "-loglevel",
                            "error",
                            "-nostdin",
                            "-re",
                            "-f",
                            "lavfi",
                            "-i",
                            "testsrc2=size=320x180:rate=25",
                            "-re",
                            "-f",
                            "lavfi",
                            "-i",
                            "sine=frequency=440:sample_rate=48000",
                            "-t",
                            seconds,
                            "-pix_fmt",
                            "yuv420p",
                            "-g",
                            "25",
                            "-c:v",
                            "libx264",
                            "-preset",
                            "ultrafast"};
    size_t n = 0;

    while (argv[n] != NULL)
        n++;
    while (*video_args != NULL)
        argv[n++] = *video_args++;
    (void)snprintf(url, sizeof(url), "rtmp://127.0.0.1:%u/live/%s", rig->port, stream_key);
    for (const char *const *more =
             (const char *const[]){"-c:a", "aac", "-b:a", "64k", "-f", "flv", NULL};
         *more != NULL; more++)
        argv[n++] = *more;
    argv[n++] = url;
    argv[n] = NULL;
    e->log = tmpfile();
    assert_non_null(e->log);
    e->pid = fork();
    assert_true(e->pid >= 0);
    if (e->pid == 0) {
        (void)dup2(fileno(e->log), 2);
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
}

/* Exit status; what ffmpeg printed is in text. */
static int encoder_wait(struct encoder *e, char *text, size_t size)
{
    int status = 0;
    size_t len;

    assert_int_equal(waitpid(e->pid, &status, 0), e->pid);
    rewind(e->log);
    len = fread(text, 1, size - 1, e->log);
    text[len] = '\0';
    (void)fclose(e->log);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 127);
    return WEXITSTATUS(status);
}

static const char *const live_args[] = {"-tune", "zerolatency", NULL};
static const char *const bframe_args[] = {"-bf", "2", NULL};

static void test_ffmpeg_publish_arrives_whole_and_on_time(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];
    const struct track_log *v = &rig.rec.tracks[TG_TRACK_VIDEO];
    const struct track_log *a = &rig.rec.tracks[TG_TRACK_AUDIO];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, "demo?key=" KEY, "4", live_args);
    assert_int_equal(encoder_wait(&e, text, sizeof(text)), 0);
    wait_for(&rig, &rig.rec.closed, 1);
    assert_int_equal(v->configs, 1);
    assert_int_equal(a->configs, 1);
    assert_true(rig.rec.first_video_was_key);
    assert_int_equal(v->frames, 100);
    assert_int_equal(v->keys, 4);
    assert_in_range(a->frames, 186, 192); /* 4 s of 1024 samples at 48 kHz */
    assert_false(v->backwards);
    assert_false(a->backwards);
    assert_in_range(v->last_us - v->first_us, 3000000, 4500000);
    assert_true(llabs(v->last_us - a->last_us) < 200000); /* lip-sync */
    /* The clock: never in the future by more than what ffmpeg hurried at its start, never old. */
    assert_true(v->early_us_max < 250000);
    assert_true(v->late_us_max < 500000);
    rig_stop(&rig);
}

static void test_ffmpeg_key_alone_is_enough(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, KEY, "1", live_args);
    assert_int_equal(encoder_wait(&e, text, sizeof(text)), 0);
    wait_for(&rig, &rig.rec.closed, 1);
    assert_int_equal(rig.rec.tracks[TG_TRACK_VIDEO].frames, 25);
    rig_stop(&rig);
}

static void expect_refused(const char *stream_key, const char *const *args, const char *words)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];

    rig_start(&rig, 0);
    encoder_start(&e, &rig, stream_key, "10", args);
    assert_int_not_equal(encoder_wait(&e, text, sizeof(text)), 0);
    if (strstr(text, words) == NULL)
        fail_msg("ffmpeg said: %s", text);
    assert_int_equal(rig.rec.opened, 0);
    rig_stop(&rig);
}

static void test_ffmpeg_wrong_key_or_show_is_told_so(void **state)
{
    int64_t before = tg_metric_get(TG_M_rtmp_auth_failures_total);

    (void)state;
    expect_refused("demo?key=tg_BBBB", live_args, "Wrong show or stream key");
    expect_refused("other?key=" KEY, live_args, "Wrong show or stream key");
    expect_refused("demo", live_args, "Wrong show or stream key");
    assert_int_equal(tg_metric_get(TG_M_rtmp_auth_failures_total), before + 3);
}

static void test_ffmpeg_bframes_are_refused_in_plain_words(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, "demo?key=" KEY, "10", bframe_args);
    assert_int_not_equal(encoder_wait(&e, text, sizeof(text)), 0);
    wait_for(&rig, &rig.rec.closed, 1);
    assert_non_null(strstr(rig.rec.notice, "7 Your encoder sends B-frames"));
    assert_true(rig.rec.tracks[TG_TRACK_VIDEO].frames < 20);
    rig_stop(&rig);
}

static void test_ffmpeg_newest_publisher_takes_over(void **state)
{
    static struct rig rig;
    struct encoder first;
    struct encoder second;
    char text[4096];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&first, &rig, "demo?key=" KEY, "20", live_args);
    wait_for(&rig, &rig.rec.tracks[TG_TRACK_VIDEO].frames, 10);
    encoder_start(&second, &rig, "demo?key=" KEY, "2", live_args);
    assert_int_not_equal(encoder_wait(&first, text, sizeof(text)), 0);
    assert_int_equal(encoder_wait(&second, text, sizeof(text)), 0);
    wait_for(&rig, &rig.rec.closed, 2);
    assert_int_equal(rig.rec.opened, 2);
    assert_int_equal(rig.rec.tracks[TG_TRACK_VIDEO].configs, 2);
    rig_stop(&rig);
}

/* A publisher that sends nothing any more learns by asking that the show is another's. */
static void test_silent_publisher_ends_when_it_is_taken_over(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];
    tg_us began;

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, "demo?key=" KEY, "20", live_args);
    wait_for(&rig, &rig.rec.tracks[TG_TRACK_VIDEO].frames, 10);
    assert_int_equal(kill(-e.pid, SIGSTOP), 0); /* timeout(1) leads a group */
    (void)pthread_mutex_lock(&rig.rec.lock);
    rig.rec.newest++;
    (void)pthread_mutex_unlock(&rig.rec.lock);
    began = tg_clock_mono();
    wait_for(&rig, &rig.rec.closed, 1);
    assert_true(tg_clock_mono() - began < TG_US_PER_S);
    assert_int_equal(kill(-e.pid, SIGCONT), 0);
    assert_int_not_equal(encoder_wait(&e, text, sizeof(text)), 0);
    rig_stop(&rig);
}

static void test_uplink_of_an_encoder_is_told_every_second(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, "demo?key=" KEY, "4", live_args);
    wait_for(&rig, &rig.rec.uplinks, 3);
    (void)pthread_mutex_lock(&rig.rec.lock);
    assert_string_equal(rig.rec.publisher, "r-1");
    assert_string_equal(rig.rec.uplink.publisher, "r-1");
    assert_int_equal(rig.rec.uplink.show, SHOW);
    assert_int_equal(rig.rec.uplink.kind, TG_SOURCE_RTMP);
    assert_in_range(rig.rec.uplink.frames, 15, 35);
    assert_int_equal(rig.rec.uplink.width, 320);
    assert_int_equal(rig.rec.uplink.height, 180);
    assert_in_range(rig.rec.uplink.video_bps, 10000, 10000000);
    assert_in_range(rig.rec.uplink.audio_bps, 1000, 1000000);
    assert_in_range(rig.rec.uplink.jitter_ms, 0, 1000);
    assert_int_equal(rig.rec.uplink.loss_permille, 0);
    (void)pthread_mutex_unlock(&rig.rec.lock);
    (void)encoder_wait(&e, text, sizeof(text));
    rig_stop(&rig);
}

static void test_ffmpeg_revoked_key_ends_the_stream(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, "demo?key=" KEY, "20", live_args);
    wait_for(&rig, &rig.rec.tracks[TG_TRACK_VIDEO].frames, 10);
    (void)pthread_mutex_lock(&rig.rec.lock);
    rig.rec.revoked = true;
    (void)pthread_mutex_unlock(&rig.rec.lock);
    assert_int_not_equal(encoder_wait(&e, text, sizeof(text)), 0);
    wait_for(&rig, &rig.rec.closed, 1);
    assert_true(rig.rec.tracks[TG_TRACK_VIDEO].frames < 200);
    rig_stop(&rig);
}

static void test_stop_while_on_air_is_quick_and_tells(void **state)
{
    static struct rig rig;
    struct encoder e;
    char text[4096];

    (void)state;
    rig_start(&rig, 0);
    encoder_start(&e, &rig, "demo?key=" KEY, "20", live_args);
    wait_for(&rig, &rig.rec.tracks[TG_TRACK_VIDEO].frames, 10);
    rig_stop(&rig);
    assert_int_not_equal(encoder_wait(&e, text, sizeof(text)), 0);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void test_silent_and_foreign_clients_are_closed(void **state)
{
    static struct rig rig;
    char byte;
    int silent;
    int http;
    tg_us began = tg_clock_mono();

    (void)state;
    rig_start(&rig, 300 * (tg_us)TG_US_PER_MS);
    silent = connect_to(rig.port);
    http = connect_to(rig.port);
    assert_int_equal(send(http, "GET / HTTP/1.1\r\n\r\n", 18, MSG_NOSIGNAL), 18);
    assert_true(recv(http, &byte, 1, 0) <= 0);
    assert_true(tg_clock_mono() - began < 250 * TG_US_PER_MS);
    assert_true(recv(silent, &byte, 1, 0) <= 0);
    assert_true(tg_clock_mono() - began >= 250 * TG_US_PER_MS);
    (void)close(http);
    (void)close(silent);
    rig_stop(&rig);
}

static void test_places_are_limited_and_come_back(void **state)
{
    static struct rig rig;
    int fds[TG_RTMP_SESSIONS_MAX];
    int64_t before = tg_metric_get(TG_M_rtmp_limited_total);
    char byte;
    int more;

    (void)state;
    rig_start(&rig, 2 * (tg_us)TG_US_PER_S);
    for (unsigned i = 0; i < TG_RTMP_SESSIONS_MAX; i++)
        fds[i] = connect_to(rig.port);
    more = connect_to(rig.port);
    assert_true(recv(more, &byte, 1, 0) <= 0);
    assert_int_equal(tg_metric_get(TG_M_rtmp_limited_total), before + 1);
    (void)close(more);
    assert_true(recv(fds[TG_RTMP_SESSIONS_MAX - 1], &byte, 1, 0) <= 0); /* their deadline */
    for (unsigned i = 0; i < TG_RTMP_SESSIONS_MAX; i++)
        (void)close(fds[i]);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silent_and_foreign_clients_are_closed),
        cmocka_unit_test(test_places_are_limited_and_come_back),
        cmocka_unit_test(test_ffmpeg_publish_arrives_whole_and_on_time),
        cmocka_unit_test(test_ffmpeg_key_alone_is_enough),
        cmocka_unit_test(test_ffmpeg_wrong_key_or_show_is_told_so),
        cmocka_unit_test(test_ffmpeg_bframes_are_refused_in_plain_words),
        cmocka_unit_test(test_ffmpeg_newest_publisher_takes_over),
        cmocka_unit_test(test_silent_publisher_ends_when_it_is_taken_over),
        cmocka_unit_test(test_uplink_of_an_encoder_is_told_every_second),
        cmocka_unit_test(test_ffmpeg_revoked_key_ends_the_stream),
        cmocka_unit_test(test_stop_while_on_air_is_quick_and_tells),
    };

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
