/*
 * test_export_job.c - the catalogue as a file, made by a read thread between its other requests:
 * all of one moment, told how far it is, kept until it is fetched, gone with the thread. Both
 * engines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "msg/web.h"
#include "sale/reader.h"
#include "store/datadir.h"
#include "support/lib/import_rig.h"

struct asked {
    struct tg_rig *rig;
    struct tg_reader *reader;
    int status;
    char location[128];
    char text[1024];
    char id[32];
    char path[160];
};

static void open_all(struct asked *a)
{
    struct tg_reader_cfg cfg = {.db = {.fast = true}};
    char why[256] = "";

    *a = (struct asked){.rig = tg_rig_open()};
    cfg.db.url = a->rig->url;
    cfg.data_dir = a->rig->dir;
    assert_int_equal(tg_reader_new(&a->reader, &cfg, why), TG_OK);
}

static void close_all(struct asked *a)
{
    tg_reader_free(a->reader);
    tg_rig_close(a->rig); /* fails when a file is left in the directory */
}

static void ask(struct asked *a, enum tg_read_what what, const char *key, const char *word,
                uint32_t roles)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));
    void *msg;

    assert_non_null(req);
    req->what = what;
    req->conn = (struct tg_conn){.mb = a->rig->web, .slot = 1, .generation = 1};
    req->who.roles = roles;
    req->show = UINT16_MAX;
    tg_str_cut(req->key, sizeof(req->key), key);
    tg_str_cut(req->word, sizeof(req->word), word);
    tg_reader_turn(a->reader, req);
    assert_int_equal(tg_mailbox_take(a->rig->web, &msg, 1), 1);
    a->status = ((struct tg_web_reply *)msg)->status;
    memcpy(a->location, ((struct tg_web_reply *)msg)->location, sizeof(a->location));
    tg_str_printf(a->text, sizeof(a->text), "%.*s", (int)((struct tg_web_reply *)msg)->json->len,
                  (const char *)((struct tg_web_reply *)msg)->json->data);
    tg_msg_free(msg);
}

static void begin(struct asked *a, const char *format)
{
    ask(a, TG_READ_EXPORT, "", format, TG_ROLE_MERCHANDISER);
    assert_int_equal(a->status, 202);
    assert_memory_equal(a->location, "/api/v1/exports/x", 17);
    tg_str_cut(a->id, sizeof(a->id), a->location + 16);
    tg_str_printf(a->path, sizeof(a->path), "%s/export-%s", a->rig->dir, a->id);
}

static char *text_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text;
    long len;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    len = ftell(f);
    rewind(f);
    text = tg_calloc(1, (size_t)len + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)len, f), (size_t)len);
    assert_int_equal(fclose(f), 0);
    return text;
}

/* While it runs products change their numbers, come and go: the file is of the moment it began. */
static void test_export_is_of_one_moment(void **state)
{
    struct asked a;
    struct tg_feeds_made made;
    char *right;
    char *got;
    unsigned steps = 0;

    (void)state;
    open_all(&a);
    tg_rig_make_file(a.rig, TG_FEED_TORG, 4, 3000, 0, &made);
    tg_rig_import(a.rig, 0);
    right = tg_rig_export(a.rig, TG_EXPORT_TORG);
    begin(&a, "torg");
    assert_non_null(strstr(a.text, "\"state\":\"waiting\""));
    assert_true(tg_reader_work(a.reader));
    ask(&a, TG_READ_EXPORT_STATE, a.id, "", TG_ROLE_MERCHANDISER);
    assert_non_null(strstr(a.text, "\"state\":\"running\""));
    assert_null(strstr(a.text, "\"products_done\":0,"));
    ask(&a, TG_READ_EXPORT_FILE, a.id, "", TG_ROLE_MERCHANDISER);
    assert_int_equal(a.status, 409);
    tg_rig_import_text(a.rig,
                       "{\"id\":\"new\",\"number\":999998,\"title\":\"New\",\"variants\":["
                       "{\"sku\":\"NEW\",\"price\":1}]}",
                       TG_IMPORT_ARCHIVE_MISSING);
    while (tg_reader_work(a.reader))
        steps++;
    assert_true(steps > 2);
    ask(&a, TG_READ_EXPORT_FILE, a.id, "", TG_ROLE_MERCHANDISER);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.text, "\"state\":\"done\""));
    got = text_of(a.path);
    assert_string_equal(got, right);
    tg_free(got);
    tg_free(right);
    close_all(&a);
}

static void test_exports_wait_for_each_other_and_the_oldest_goes(void **state)
{
    static const char *const formats[] = {"google", "shopify", "woocommerce", "csv"};
    struct asked a;
    char first[160];

    (void)state;
    open_all(&a);
    for (int i = 0; i < 8; i++) {
        begin(&a, formats[i % 4]);
        if (i == 0)
            tg_str_cut(first, sizeof(first), a.path);
    }
    ask(&a, TG_READ_EXPORT, "", "torg", TG_ROLE_MERCHANDISER);
    assert_int_equal(a.status, 503);
    while (tg_reader_work(a.reader))
        ;
    assert_int_equal(access(first, F_OK), 0);
    begin(&a, "torg");
    assert_int_equal(access(first, F_OK), -1);
    close_all(&a);
}

/* Also when nobody begins another one. */
static void test_exports_go_after_an_hour(void **state)
{
    static const tg_us hour = (tg_us)3600 * TG_US_PER_S;
    struct asked a;
    tg_us next;

    (void)state;
    open_all(&a);
    assert_int_equal(tg_reader_tidy(a.reader, tg_clock_mono()), TG_US_NEVER);
    begin(&a, "torg");
    assert_int_equal(tg_reader_tidy(a.reader, tg_clock_mono() + 2 * hour), TG_US_NEVER);
    while (tg_reader_work(a.reader))
        ;
    next = tg_reader_tidy(a.reader, tg_clock_mono());
    assert_in_range(next, tg_clock_mono() + hour - TG_US_PER_S * 60, tg_clock_mono() + hour);
    assert_int_equal(tg_reader_tidy(a.reader, next - 1), next);
    assert_int_equal(access(a.path, F_OK), 0);
    assert_int_equal(tg_reader_tidy(a.reader, next), TG_US_NEVER);
    assert_int_equal(access(a.path, F_OK), -1);
    ask(&a, TG_READ_EXPORT_STATE, a.id, "", TG_ROLE_MERCHANDISER);
    assert_int_equal(a.status, 404);
    close_all(&a);
}

/* An operator's export lies where he wanted it; that is nobody else's to know. */
static void test_export_elsewhere_tells_admins_alone_where(void **state)
{
    struct tg_read_req *req = tg_msg_new(TG_MSG_READ_REQ, sizeof(*req));
    struct asked a;
    void *msg;

    (void)state;
    open_all(&a);
    assert_non_null(req);
    req->what = TG_READ_EXPORT;
    req->conn = (struct tg_conn){.mb = a.rig->web, .slot = 1, .generation = 1};
    req->who.roles = TG_ROLE_ADMIN;
    req->show = UINT16_MAX;
    tg_str_cut(req->word, sizeof(req->word), "torg");
    tg_str_cut(req->path, sizeof(req->path), a.rig->file);
    tg_reader_turn(a.reader, req);
    assert_int_equal(tg_mailbox_take(a.rig->web, &msg, 1), 1);
    tg_str_cut(a.id, sizeof(a.id), ((struct tg_web_reply *)msg)->location + 16);
    tg_msg_free(msg);
    while (tg_reader_work(a.reader))
        ;
    ask(&a, TG_READ_EXPORT_STATE, a.id, "", TG_ROLE_ADMIN);
    assert_non_null(strstr(a.text, a.rig->file));
    ask(&a, TG_READ_EXPORT_STATE, a.id, "", TG_ROLE_MERCHANDISER);
    assert_non_null(strstr(a.text, "\"state\":\"done\""));
    assert_null(strstr(a.text, a.rig->file));
    close_all(&a);
}

static void test_export_refusals(void **state)
{
    struct asked a;

    (void)state;
    open_all(&a);
    ask(&a, TG_READ_EXPORT, "", "torg", TG_ROLE_HOST);
    assert_int_equal(a.status, 403);
    ask(&a, TG_READ_EXPORT, "", "excel", TG_ROLE_MERCHANDISER);
    assert_int_equal(a.status, 400);
    ask(&a, TG_READ_EXPORT_STATE, "x1", "", TG_ROLE_MERCHANDISER);
    assert_int_equal(a.status, 404);
    begin(&a, "torg");
    ask(&a, TG_READ_EXPORT_STATE, a.id, "", TG_ROLE_HOST);
    assert_int_equal(a.status, 403);
    assert_true(tg_reader_work(a.reader)); /* it is freed in the middle */
    close_all(&a);
}

/* What a server that died left behind goes when the next one starts. */
static void test_left_behind_files_go_at_the_start(void **state)
{
    static const char *const names[] = {"upload-00000000000000ff", "upload-0123456789abcdef.part",
                                        "export-x2", "export-x2.part"};
    /* An operator's own: nothing else is writable where systemd keeps torgd. */
    static const char *const kept[] = {"export-2026-11.json", "export-x.csv",   "export-xmas.json",
                                       "export-x2.json",      "upload-2026",    "shop.keep",
                                       "export-x2.part.bak",  "upload-feed.csv"};
    char dir[] = "/tmp/torg-clean-XXXXXX";
    char path[96];

    (void)state;
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < TG_ARRAY_LEN(names) + TG_ARRAY_LEN(kept); i++) {
        FILE *f;

        tg_str_printf(path, sizeof(path), "%s/%s", dir,
                      i < TG_ARRAY_LEN(names) ? names[i] : kept[i - TG_ARRAY_LEN(names)]);
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
    }
    tg_datadir_clean(dir);
    for (size_t i = 0; i < TG_ARRAY_LEN(kept); i++) {
        tg_str_printf(path, sizeof(path), "%s/%s", dir, kept[i]);
        if (unlink(path) != 0)
            fail_msg("%s is gone", kept[i]);
    }
    assert_int_equal(rmdir(dir), 0); /* nothing else is left */
}

/* Whoever reads it elsewhere needs whole addresses. */
static void test_google_export_has_whole_addresses(void **state)
{
    static const char *const bases[] = {"https://live.shop.example", "https://live.shop.example/",
                                        NULL};

    (void)state;
    for (size_t i = 0; i < TG_ARRAY_LEN(bases); i++) {
        struct tg_reader_cfg cfg = {.db = {.fast = true}, .base_url = bases[i]};
        struct asked a = {.rig = tg_rig_open()};
        char why[256] = "";
        char *got;

        cfg.db.url = a.rig->url;
        cfg.data_dir = a.rig->dir;
        assert_int_equal(tg_reader_new(&a.reader, &cfg, why), TG_OK);
        tg_rig_import_text(
            a.rig,
            "{\"id\":\"x\",\"title\":\"X\",\"pictures\":[{\"url\":\"/assets/x.png\"},"
            "{\"url\":\"https://cdn.example/y.png\"}],\"variants\":[{\"sku\":\"X\","
            "\"price\":100}]}",
            0);
        begin(&a, "google");
        while (tg_reader_work(a.reader))
            ;
        got = text_of(a.path);
        assert_non_null(strstr(got, ">https://cdn.example/y.png<"));
        if (bases[i] == NULL) {
            assert_non_null(strstr(got, "<g:image_link>/assets/x.png<"));
        } else {
            assert_non_null(strstr(got, "<g:link>https://live.shop.example/<"));
            assert_non_null(strstr(got, "<g:image_link>https://live.shop.example/assets/x.png<"));
        }
        tg_free(got);
        close_all(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_is_of_one_moment),
        cmocka_unit_test(test_exports_wait_for_each_other_and_the_oldest_goes),
        cmocka_unit_test(test_exports_go_after_an_hour),
        cmocka_unit_test(test_export_elsewhere_tells_admins_alone_where),
        cmocka_unit_test(test_google_export_has_whole_addresses),
        cmocka_unit_test(test_export_refusals),
        cmocka_unit_test(test_left_behind_files_go_at_the_start),
    };

    return tg_rig_on_both(tests, TG_ARRAY_LEN(tests));
}
