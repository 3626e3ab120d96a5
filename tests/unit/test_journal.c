/*
 * test_journal.c - the shows' timelines on disk: what is written is read back; what a crash or a
 * bad disk left is cut off or skipped.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "live/journal.h"
#include "msg/msg.h"

static char dir[64];
static char path[128];
static struct tg_registry *registry;
static struct tg_journal *journal;

/* What the last reading gave. */
static char seen[64][256];
static size_t seen_count;
static struct tg_journal_report report;

static tg_err on_record(void *ctx, const struct tg_show_record *rec)
{
    (void)ctx;
    assert_true(seen_count < 64);
    (void)snprintf(seen[seen_count++], sizeof(seen[0]), "%d %lld %lld %s", (int)rec->kind,
                   (long long)rec->seq, (long long)rec->n,
                   rec->kind == TG_SHOW_RECORD_CHAT ? rec->text : rec->by);
    return TG_OK;
}

static void read_back(void)
{
    seen_count = 0;
    memset(&report, 0, sizeof(report));
    assert_int_equal(tg_journal_read(dir, "demo", &report, on_record, NULL), TG_OK);
}

static int setup(void **state)
{
    struct tg_show_info info = {.ord = 3, .id = "demo", .title = "Demo"};

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/torg-journal-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/demo.jsonl", dir);
    if (tg_registry_new(&registry) != TG_OK || tg_registry_show_put(registry, &info) != TG_OK)
        return -1;
    return tg_journal_new(&journal, dir, registry) == TG_OK ? 0 : -1;
}

static int teardown(void **state)
{
    char names[128];

    (void)state;
    tg_journal_free(journal);
    tg_registry_free(registry);
    (void)snprintf(names, sizeof(names), "%s/_names.jsonl", dir);
    (void)unlink(path);
    (void)unlink(names);
    return rmdir(dir);
}

static void post(uint16_t show, const char *line)
{
    struct tg_journal_append *msg = tg_msg_new(TG_MSG_JOURNAL, sizeof(*msg));

    assert_non_null(msg);
    msg->show = show;
    msg->line = tg_slab_copy(line, strlen(line));
    assert_non_null(msg->line);
    assert_int_equal(tg_mailbox_post(tg_journal_mailbox(journal), msg), TG_OK);
}

static void write_file(const char *text, size_t len)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static off_t file_size(void)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static const char chat_line[] =
    "{\"chat\":{\"n\":7,\"at\":12,\"roles\":[\"viewer\"],\"text\":"
    "\"h\\u00e5 \\\"x\\\"\",\"shown\":true},\"by\":\"pX\",\"op\":\"a\"}";
static const char pin_line[] =
    "{\"event\":{\"ev\":\"pin\",\"seq\":1,\"at\":12,\"sku\":\"MUG\"},\"by\":\"s1\",\"op\":\"b\"}";

static void test_journal_written_lines_are_read_back(void **state)
{
    (void)state;
    read_back(); /* no file yet: empty */
    assert_int_equal(report.lines, 0);
    assert_int_equal(tg_journal_start(journal), TG_OK);
    post(3, chat_line);
    post(3, pin_line);
    post(3, "{\"mute\":{\"at\":1,\"person\":\"pX\",\"until_ms\":5},\"by\":\"s1\",\"op\":\"c\"}");
    post(3, "{\"event\":{\"ev\":\"show\",\"seq\":2,\"at\":13,\"state\":\"live\"}}");
    tg_journal_stop(journal);
    read_back();
    assert_int_equal(report.lines, 4);
    assert_int_equal(report.bad, 0);
    assert_int_equal(seen_count, 4);
    assert_string_equal(seen[0], "0 0 7 h\xc3\xa5 \"x\"");
    assert_string_equal(seen[1], "1 1 0 s1");
    assert_string_equal(seen[2], "4 0 0 s1");
    assert_string_equal(seen[3], "5 2 0 ");
}

static size_t names;
static void on_name(void *ctx, const char *person, const char *name)
{
    (void)ctx;
    names++;
    assert_string_equal(person, "pX");
    assert_string_equal(name, "Kari");
}

static void test_journal_names_have_their_own_file(void **state)
{
    (void)state;
    assert_int_equal(tg_journal_start(journal), TG_OK);
    post(TG_JOURNAL_NAMES, "{\"person\":\"pX\",\"name\":\"Kari\"}");
    post(TG_JOURNAL_NAMES, "{\"person\":5}");
    tg_journal_stop(journal);
    assert_int_equal(access(path, F_OK), -1);
    names = 0;
    assert_int_equal(tg_journal_read_names(dir, &report, on_name, NULL), TG_OK);
    assert_int_equal(names, 1);
    assert_int_equal(report.bad, 1);
}

static void test_journal_torn_line_is_cut_off(void **state)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "%s\n%s\n%.30s", chat_line, pin_line, chat_line);

    (void)state;
    write_file(text, (size_t)len);
    read_back();
    assert_int_equal(seen_count, 2);
    assert_int_equal(report.torn_bytes, 30);
    assert_int_equal(file_size(), len - 30);
    /* What is written now stands on a line of its own. */
    assert_int_equal(tg_journal_start(journal), TG_OK);
    post(3, "{\"event\":{\"ev\":\"x\",\"seq\":2,\"at\":12}}");
    tg_journal_stop(journal);
    read_back();
    assert_int_equal(seen_count, 3);
    assert_int_equal(report.bad, 0);
}

static void test_journal_every_cut_keeps_the_lines_before(void **state)
{
    char text[1024];
    int len = snprintf(text, sizeof(text), "%s\n%s\n", chat_line, pin_line);

    (void)state;
    for (int cut = 0; cut <= len; cut++) {
        size_t whole = (size_t)(cut > (int)strlen(chat_line)) + (size_t)(cut == len);

        write_file(text, (size_t)cut);
        read_back();
        assert_int_equal(seen_count, whole);
        assert_int_equal(report.bad, 0);
    }
}

static void test_journal_bad_lines_are_skipped(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "{}",
        "{\"chat\":{}}",
        "{\"chat\":{\"n\":1,\"at\":1,\"roles\":5,\"text\":\"x\"}}",
        "{\"event\":{\"ev\":\"pin\",\"seq\":1,\"at\":12}}",
        "{\"event\":{\"ev\":\"pin\",\"seq\":\"1\",\"at\":12,\"sku\":\"A\"}}",
        "{\"mute\":{\"at\":1,\"person\":\"pX\"}}",
        "{\"event\":{\"ev\":\"x\",\"seq\":1,\"at\":1},\"by\":5}",
        "{\"event\":{\"ev\":\"x\",\"seq\":1,\"at\":1",
        "\xff\xfe",
    };
    char *text = calloc(1, (size_t)4 * TG_JOURNAL_LINE_MAX);
    size_t len = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        len += (size_t)sprintf(text + len, "%s\n", bad[i]);
    memset(text + len, 'x', (size_t)2 * TG_JOURNAL_LINE_MAX); /* too long */
    len += (size_t)2 * TG_JOURNAL_LINE_MAX;
    len += (size_t)sprintf(text + len, "\n%s\n", pin_line);
    write_file(text, len);
    free(text);
    read_back();
    assert_int_equal(seen_count, 1);
    assert_int_equal(report.bad, sizeof(bad) / sizeof(bad[0]) + 1);
    assert_int_equal(report.torn_bytes, 0);
}

static void test_journal_survives_kill_nine(void **state)
{
    const int64_t before = tg_metric_get(TG_M_journal_lines_total);
    int ready[2];
    int status;
    char go;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (tg_journal_start(journal) != TG_OK)
            _exit(1);
        post(3, chat_line);
        post(3, pin_line);
        while (tg_metric_get(TG_M_journal_lines_total) < before + 2)
            (void)sched_yield();
        (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &go, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(ready[0]);
    (void)close(ready[1]);
    read_back();
    assert_int_equal(seen_count, 2);
    assert_int_equal(report.torn_bytes, 0);
}

/* A file size limit is a disk that is full in the middle of a line. */
static void test_journal_full_disk_waits_and_leaves_no_half_line(void **state)
{
    const int64_t before = tg_metric_get(TG_M_journal_write_errors_total);
    struct rlimit old;
    struct rlimit small;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = strlen(chat_line) + 20, .rlim_max = old.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(tg_journal_start(journal), TG_OK);
    post(3, chat_line);
    post(3, pin_line);
    post(3, pin_line);
    while (tg_metric_get(TG_M_journal_write_errors_total) < before + 1)
        (void)sched_yield();
    read_back();
    assert_int_equal(report.torn_bytes, 0);
    assert_true(seen_count <= 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    tg_journal_stop(journal); /* the last try succeeds */
    read_back();
    assert_int_equal(seen_count, 3);
    assert_int_equal(report.bad, 0);
}

static void test_journal_path_stays_in_its_folder(void **state)
{
    char out[64];

    (void)state;
    assert_int_equal(tg_journal_path(out, sizeof(out), "/d", "demo-1"), TG_OK);
    assert_string_equal(out, "/d/demo-1.jsonl");
    assert_int_equal(tg_journal_path(out, sizeof(out), "/d", "../x"), TG_ERR_LIMIT);
    assert_int_equal(tg_journal_path(out, sizeof(out), "/d", ""), TG_ERR_LIMIT);
    assert_int_equal(tg_journal_path(out, 10, "/d", "demo"), TG_ERR_LIMIT);
}

static void test_journal_new_refuses_what_is_no_folder(void **state)
{
    struct tg_journal *other = NULL;

    (void)state;
    write_file("", 0);
    assert_int_equal(tg_journal_new(&other, path, registry), TG_ERR_IO);
    assert_int_equal(tg_journal_new(&other, "/tmp/torg/not/there", registry), TG_ERR_IO);
    for (long nth = 0;; nth++) {
        tg_err err;

        tg_alloc_fail_nth(nth);
        err = tg_journal_new(&other, dir, registry);
        tg_alloc_fail_nth(-1);
        if (err == TG_OK)
            break;
        assert_int_equal(err, TG_ERR_NOMEM);
        assert_true(nth < 20);
    }
    tg_journal_free(other);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_journal_written_lines_are_read_back),
        CASE(test_journal_names_have_their_own_file),
        CASE(test_journal_torn_line_is_cut_off),
        CASE(test_journal_every_cut_keeps_the_lines_before),
        CASE(test_journal_bad_lines_are_skipped),
        CASE(test_journal_survives_kill_nine),
        CASE(test_journal_full_disk_waits_and_leaves_no_half_line),
        CASE(test_journal_path_stays_in_its_folder),
        CASE(test_journal_new_refuses_what_is_no_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
