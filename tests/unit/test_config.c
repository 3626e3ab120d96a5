/*
 * test_config.c - the configuration file and environment: what is taken, and how refusals read.
 */
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
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/advertise.h"
#include "app/config.h"
#include "app/config_left.h"

static tg_err parse(struct tg_config *cfg, const char *text, struct tg_config_error *reterr)
{
    tg_config_defaults(cfg);
    return tg_config_parse(cfg, "t.yaml", text, strlen(text), reterr);
}

static void test_what_torgd_leaves_is_what_it_ran_with(void **state)
{
    static struct tg_config cfg;
    static struct tg_config again;
    struct tg_config_error err;
    char dir[] = "/tmp/torg-left-XXXXXX";
    char path[64];
    struct stat st;
    mode_t before = umask(0);

    (void)state;
    assert_non_null(mkdtemp(dir));
    tg_config_defaults(&again);
    assert_int_equal(tg_config_left(&again, dir, &err), TG_ERR_NOTFOUND);
    assert_int_equal(parse(&cfg,
                           "store:\n  url: 'sqlite:shop.db'\ningest:\n  slate_text: \"a \\\"b\\\" "
                           "\\\\ \\t # c\"\nembed:\n  origins: [https://a.example]\n"
                           "shop:\n  currency: SEK\n  hold_s: 77\n",
                           &err),
                     TG_OK);
    for (int i = 0; i < 2; i++) /* over what the last start left */
        assert_int_equal(tg_config_leave(&cfg, dir, true), TG_OK);
    (void)umask(before);
    (void)snprintf(path, sizeof(path), "%s/torgd.yaml", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(tg_config_left(&again, dir, &err), TG_OK);
    assert_string_equal(again.ingest_slate_text, "a \"b\" \\ \t # c");
    assert_string_equal(again.embed_origins.items[0], "https://a.example");
    assert_string_equal(again.shop_currency, "SEK");
    assert_int_equal(again.shop_hold_s, 77);
    assert_true(again.payments_allow_sandbox);
    assert_int_equal(strncmp(again.store_url, "sqlite:/", 8), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

/* What was put on the disk, and whether the file had its name by then: in place of libc's. */
static unsigned synced;
static bool named_before_synced;
static const char *left_path;

int fsync(int fd)
{
    synced++;
    named_before_synced = left_path != NULL && access(left_path, F_OK) == 0;
    return (int)syscall(SYS_fsync, fd);
}

/* A write of more than so many bytes fails, as on a full disk. */
static void disk_has(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_what_cannot_be_left_says_nothing_old(void **state)
{
    static struct tg_config cfg;
    static struct tg_config again;
    struct tg_config_error err;
    char dir[] = "/tmp/torg-left-XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/torgd.yaml", dir);
    left_path = path;
    synced = 0;
    assert_int_equal(parse(&cfg, "shop:\n  currency: SEK\n", &err), TG_OK);
    assert_int_equal(tg_config_leave(&cfg, dir, false), TG_OK);
    assert_int_equal(synced, 1);
    assert_false(named_before_synced);
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    disk_has(100);
    assert_int_equal(tg_config_leave(&cfg, dir, false), TG_OK); /* it stands there already */
    assert_int_equal(tg_config_left(&again, dir, &err), TG_OK);
    assert_int_equal(parse(&cfg, "store:\n  url: 'sqlite:other.db'\n", &err), TG_OK);
    assert_int_equal(tg_config_leave(&cfg, dir, false), TG_ERR_IO);
    assert_int_equal(tg_config_left(&again, dir, &err), TG_ERR_NOTFOUND);
    disk_has(RLIM_INFINITY);
    assert_int_equal(tg_config_leave(&cfg, dir, false), TG_OK);
    assert_int_equal(tg_config_left(&again, dir, &err), TG_OK);
    left_path = NULL;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void test_config_values_of_each_type_are_taken(void **state)
{
    static struct tg_config cfg;
    struct tg_config_error err;

    (void)state;
    assert_int_equal(parse(&cfg,
                           "http:\n  listen: '127.0.0.1:0'\n  workers: 3\n"
                           "embed:\n  origins: [https://a.example, https://b.example]\n"
                           "payments:\n  allow_sandbox: true\nlog:\n",
                           &err),
                     TG_OK);
    assert_string_equal(cfg.http_listen, "127.0.0.1:0");
    assert_int_equal(cfg.http_workers, 3);
    assert_int_equal(cfg.embed_origins.count, 2);
    assert_string_equal(cfg.embed_origins.items[1], "https://b.example");
    assert_true(cfg.payments_allow_sandbox);
    assert_string_equal(cfg.rtmp_listen, "*:1935");
    assert_int_equal(tg_config_check(&cfg, &err), TG_OK);
}

static void expect_refusal(const char *text, unsigned line, const char *key, const char *reason)
{
    static struct tg_config cfg;
    struct tg_config_error err;

    assert_int_equal(parse(&cfg, text, &err), TG_ERR_MALFORMED);
    assert_int_equal(err.line, line);
    assert_string_equal(err.key, key);
    assert_non_null(strstr(err.reason, reason));
}

static void test_config_bad_input_names_line_key_and_reason(void **state)
{
    (void)state;
    expect_refusal("http:\n  lisen: x\n", 2, "http.lisen", "not a key");
    expect_refusal("htp:\n  listen: x\n", 1, "htp", "no section");
    expect_refusal("http:\n  workers: 65\n", 2, "http.workers", "0 to 64");
    expect_refusal("rtc:\n  cpu_max_percent: 9\n", 2, "rtc.cpu_max_percent", "10 to 100");
    expect_refusal("rtc:\n  egress_mbps: -1\n", 2, "rtc.egress_mbps", "0 to 1000000");
    expect_refusal("rtc:\n  queue_max: 65537\n", 2, "rtc.queue_max", "0 to 65536");
    expect_refusal("http:\n  listen: localhost\n", 2, "http.listen", "host:port");
    expect_refusal("http:\n  listen: \"::1:80\"\n", 2, "http.listen", "host:port");
    expect_refusal("log:\n  level: loud\n", 2, "log.level", "error|warn|info|debug");
    expect_refusal("payments:\n  allow_sandbox: yes\n", 2, "payments.allow_sandbox",
                   "true or false");
    expect_refusal("embed:\n  origins: x\n", 2, "embed.origins", "list");
    expect_refusal("http:\n  listen: [a]\n", 2, "http.listen", "must not be a list");
    expect_refusal("http:\n  workers: 1\n  workers: 2\n", 3, "http.workers", "twice");
    expect_refusal("srt:\n  listen: x\n", 2, "srt.listen", "not built yet");
    expect_refusal("http: 5\n", 1, "http", "section");
    expect_refusal("- a\n", 1, "", "list");
    expect_refusal("http: {listen: *x}\n", 1, "http.listen", "alias");
    expect_refusal("http:\n\tlisten: x\n", 2, "", "not YAML");
}

static void test_config_environment_overrides_and_refuses(void **state)
{
    static struct tg_config cfg;
    struct tg_config_error err;
    const char *good[] = {"PATH=/bin", "TORG_HTTP_LISTEN=[::1]:81",
                          "TORG_LIMITS_TRUSTED_NETWORKS=10.0.0.0/8,192.168.0.0/16", NULL};
    const char *unknown[] = {"TORG_HTTP_LISTN=x", NULL};
    const char *bad[] = {"TORG_SHOP_HOLD_S=9", NULL};

    (void)state;
    tg_config_defaults(&cfg);
    assert_int_equal(tg_config_env(&cfg, good, &err), TG_OK);
    assert_string_equal(cfg.http_listen, "[::1]:81");
    assert_int_equal(cfg.trusted_networks.count, 2);
    assert_int_equal(tg_config_env(&cfg, unknown, &err), TG_ERR_MALFORMED);
    assert_string_equal(err.key, "TORG_HTTP_LISTN");
    assert_int_equal(tg_config_env(&cfg, bad, &err), TG_ERR_MALFORMED);
    assert_string_equal(err.key, "shop.hold_s");
}

static void test_config_check_finds_what_does_not_fit_together(void **state)
{
    static struct tg_config cfg;
    struct tg_config_error err = {0};

    (void)state;
    assert_int_equal(parse(&cfg, "http: {tls: files, cert: a.pem}", &err), TG_OK);
    assert_int_equal(tg_config_check(&cfg, &err), TG_ERR_MALFORMED);
    assert_string_equal(err.key, "http.tls");
    assert_int_equal(parse(&cfg, "store: {url: 'postgresql://torg@db/shop'}", &err), TG_OK);
    assert_int_equal(tg_config_check(&cfg, &err), TG_OK);
    assert_int_equal(parse(&cfg, "store: {url: 'postgresql://torg:secret@db/shop'}", &err), TG_OK);
    assert_int_equal(tg_config_check(&cfg, &err), TG_ERR_MALFORMED);
    assert_non_null(strstr(err.reason, "store.password_file"));
    assert_null(strstr(err.reason, "secret"));
    assert_int_equal(parse(&cfg, "store: {url: 'postgresql://[x'}", &err), TG_OK);
    assert_int_equal(tg_config_check(&cfg, &err), TG_ERR_MALFORMED);
    assert_int_equal(parse(&cfg, "log:\n  level: info\nstore:\n  url: 'mysql://x'\n", &err), TG_OK);
    assert_int_equal(tg_config_check(&cfg, &err), TG_ERR_MALFORMED);
    assert_string_equal(err.file, "t.yaml");
    assert_int_equal(err.line, 4);
}

static void expect_checked(const char *text, const char *key, const char *reason)
{
    static struct tg_config cfg;
    struct tg_config_error err = {0};

    assert_int_equal(parse(&cfg, text, &err), TG_OK);
    assert_int_equal(tg_config_check(&cfg, &err), key == NULL ? TG_OK : TG_ERR_MALFORMED);
    assert_string_equal(err.key, key == NULL ? "" : key);
    if (key != NULL)
        assert_non_null(strstr(err.reason, reason));
}

static void check_renditions(const char *list, size_t count, const char *reason)
{
    static struct tg_config cfg;
    struct tg_rendition r[TG_RENDITIONS_MAX];
    struct tg_config_error err;
    char text[256];
    size_t n = SIZE_MAX;

    (void)snprintf(text, sizeof(text), "media:\n  renditions: %s\n", list);
    assert_int_equal(parse(&cfg, text, &err), TG_OK);
    if (reason == NULL) {
        assert_int_equal(tg_config_check(&cfg, &err), TG_OK);
        assert_int_equal(tg_config_renditions(&cfg, r, &n, &err), TG_OK);
        assert_int_equal(n, count);
        assert_true(count == 0 || (r[0].lines == 480 && r[0].kbps == 1200));
        return;
    }
    assert_int_equal(tg_config_check(&cfg, &err), TG_ERR_MALFORMED);
    assert_string_equal(err.key, "media.renditions");
    assert_non_null(strstr(err.reason, reason));
}

static void test_config_renditions_are_sizes_that_fall(void **state)
{
    (void)state;
    check_renditions("[]", 0, NULL);
    check_renditions("[\"480p:1200\"]", 1, NULL);
    check_renditions("[480p:1200, 240p:400, 144p:150]", 3, NULL);
    check_renditions("[480p:1200, 360p:800, 240p:400, 144p:150]", 0, "more than 3");
    check_renditions("[240p:400, 480p:1200]", 0, "not smaller");
    check_renditions("[480p:1200, 480p:400]", 0, "not smaller");
    check_renditions("[\"480:1200\"]", 0, "480p:1200");
    check_renditions("[\"480p\"]", 0, "no rendition");
    check_renditions("[\"p:1200\"]", 0, "no rendition");
    check_renditions("[\"480p:\"]", 0, "no rendition");
    check_renditions("[\"480p:1200k\"]", 0, "no rendition");
    check_renditions("[\"100p:1200\"]", 0, "120 to 1080");
    check_renditions("[\"480p:99999\"]", 0, "50 to 10000");
    check_renditions("[\"-480p:100\"]", 0, "no rendition");
}

static void test_config_ice_servers_are_uris_that_fit_a_header(void **state)
{
    static const char *const bad[] = {"http://x",     "stun:",      "stun:a:0",
                                      "stun:a:70000", "stun:a b",   "stun:a?transport=udp",
                                      "stun:[::1",    "stun:[x]:1", "stun:a\\\";b",
                                      "turn"};
    char text[128];

    (void)state;
    expect_checked("rtc: {ice_servers: ['stun:stun.shop.example:3478', 'stuns:[::1]:5349', "
                   "'stun:[::1]', 'stun:10.0.0.1']}",
                   NULL, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "rtc: {ice_servers: [\"%s\"]}", bad[i]);
        expect_checked(text, "rtc.ice_servers", "must be like");
    }
}

static void test_config_advertise_takes_addresses_and_names(void **state)
{
    static const char *const bad[] = {"0.0.0.0", "::",    "1.2.3",      "1.2.3.400", "[::1]",
                                      "a b",     "-a.no", "a..no",      "a.no:80",   "a_b.no",
                                      "a.1",     "",      "https://a.b"};
    char text[128];

    (void)state;
    expect_checked("rtc: {advertise: [203.0.113.7, '2001:db8::7', live.shop.example, localhost]}",
                   NULL, NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void)snprintf(text, sizeof(text), "rtc: {advertise: [\"%s\"]}", bad[i]);
        expect_checked(text, "rtc.advertise", "is not an IP address or a host name");
    }
    expect_checked("rtc: {advertise: [a, b, c, d, e, f, g, h, i]}", "rtc.advertise", "more than 8");
}

static void test_advertise_looks_names_up(void **state)
{
    struct tg_cfg_list list = {.count = 3, .items = {"127.0.0.1", "localhost", "127.0.0.1"}};
    struct tg_addr out[2];
    const char *item = NULL;
    const char *why = NULL;
    size_t count = 0;

    (void)state;
    assert_int_equal(tg_advertise_resolve(&list, out, 2, &count, &item, &why), TG_OK);
    assert_in_range(count, 1, 2); /* ::1 perhaps; nothing twice */
    assert_true(tg_addr_is_loopback(&out[0]));
    list = (struct tg_cfg_list){.count = 3, .items = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}};
    assert_int_equal(tg_advertise_resolve(&list, out, 2, &count, &item, &why), TG_ERR_LIMIT);
    list = (struct tg_cfg_list){.count = 2, .items = {"192.0.2.1", "no.such.host.invalid"}};
    assert_int_equal(tg_advertise_resolve(&list, out, 2, &count, &item, &why), TG_ERR_NOTFOUND);
    assert_string_equal(item, "no.such.host.invalid");
    assert_non_null(why);
}

static void test_advertise_knows_what_is_private(void **state)
{
    static const struct {
        const char *text;
        bool is_private;
    } rows[] = {{"10.1.2.3", true},     {"172.16.0.1", true},  {"172.32.0.1", false},
                {"192.168.1.1", true},  {"169.254.0.1", true}, {"100.64.0.1", true},
                {"100.128.0.1", false}, {"127.0.0.1", true},   {"203.0.113.7", false},
                {"fd00::1", true},      {"fe80::1", true},     {"2001:db8::1", false},
                {"::1", true}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tg_addr addr;

        assert_int_equal(tg_addr_parse(&addr, rows[i].text, strlen(rows[i].text), 0), TG_OK);
        assert_int_equal(tg_advertise_private(&addr), rows[i].is_private);
    }
}

static void test_config_turn_needs_a_readable_secret(void **state)
{
    static const char *const bad[] = {"\n", "two words\n"};
    static struct tg_config cfg;
    struct tg_config_error err;
    char path[] = "/tmp/torg-config-XXXXXX";
    char text[256];
    char secret[TG_CFG_SECRET_SIZE];
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    expect_checked("rtc: {ice_servers: ['turn:turn.shop.example?transport=tcp']}",
                   "rtc.ice_servers", "turn_secret_file");
    expect_checked("rtc: {turn_secret_file: /nowhere}", "rtc.turn_secret_file", "does not exist");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pwrite(fd, bad[i], strlen(bad[i]), 0), strlen(bad[i]));
        (void)snprintf(text, sizeof(text), "rtc: {turn_secret_file: '%s'}", path);
        expect_checked(text, "rtc.turn_secret_file", i == 0 ? "empty" : "more than one");
    }
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "s3cret\n", 7, 0), 7);
    (void)snprintf(text, sizeof(text),
                   "rtc: {turn_secret_file: '%s', ice_servers: ['turns:t.example:5349']}", path);
    expect_checked(text, NULL, NULL);
    assert_int_equal(parse(&cfg, text, &err), TG_OK);
    assert_int_equal(tg_config_turn_secret(&cfg, secret, &err), TG_OK);
    assert_string_equal(secret, "s3cret");
    (void)close(fd);
    (void)unlink(path);
}

/* configs/torg.yaml is the reference that the table writes, and it parses to the defaults. */
static void test_config_reference_is_the_file_in_configs(void **state)
{
    static struct tg_config cfg;
    static struct tg_config defaults;
    struct tg_config_error err;
    char *written = NULL;
    size_t written_len = 0;
    FILE *out = open_memstream(&written, &written_len);
    static char kept[64 * 1024];
    FILE *in = fopen(TG_SOURCE_DIR "/configs/torg.yaml", "r");
    size_t kept_len;

    (void)state;
    assert_non_null(out);
    assert_non_null(in);
    kept_len = fread(kept, 1, sizeof(kept) - 1, in);
    (void)fclose(in);
    tg_config_reference(out);
    (void)fclose(out);
    assert_string_equal(kept,
                        written); /* write it anew: torgd --print-config > configs/torg.yaml */
    assert_int_equal(kept_len, written_len);
    assert_int_equal(parse(&cfg, written, &err), TG_OK);
    tg_config_defaults(&defaults);
    memset(&cfg.from, 0, sizeof(cfg.from)); /* the defaults stand in no file */
    assert_memory_equal(&cfg, &defaults, sizeof(cfg));
    free(written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_values_of_each_type_are_taken),
        cmocka_unit_test(test_what_torgd_leaves_is_what_it_ran_with),
        cmocka_unit_test(test_what_cannot_be_left_says_nothing_old),
        cmocka_unit_test(test_config_bad_input_names_line_key_and_reason),
        cmocka_unit_test(test_config_environment_overrides_and_refuses),
        cmocka_unit_test(test_config_check_finds_what_does_not_fit_together),
        cmocka_unit_test(test_config_renditions_are_sizes_that_fall),
        cmocka_unit_test(test_config_ice_servers_are_uris_that_fit_a_header),
        cmocka_unit_test(test_config_turn_needs_a_readable_secret),
        cmocka_unit_test(test_config_advertise_takes_addresses_and_names),
        cmocka_unit_test(test_advertise_looks_names_up),
        cmocka_unit_test(test_advertise_knows_what_is_private),
        cmocka_unit_test(test_config_reference_is_the_file_in_configs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
