/*
 * fuzz_journal.c - any bytes as a show's file and as the names file: reading them back never fails
 * for what they say, leaves a show that works, and what it cut off stays cut off.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/macros.h"
#include "live/journal.h"
#include "show/show.h"

static char dir[64];

static bool sku_known(void *ctx, const char *sku)
{
    (void)ctx;
    (void)sku;
    return true;
}

static void write_file(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s.jsonl", dir, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void remove_files(void)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/demo.jsonl", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/_names.jsonl", dir);
    (void)unlink(path);
    (void)rmdir(dir);
}

static tg_err on_record(void *ctx, const struct tg_show_record *rec)
{
    return tg_show_restore(ctx, rec);
}

static void on_name(void *ctx, const char *person, const char *name)
{
    (void)ctx;
    TG_ASSERT(person != NULL && name != NULL);
}

static struct tg_show *make_show(void)
{
    struct tg_rng rng = tg_rng_seeded(7);
    struct tg_show_cfg cfg = tg_show_cfg_default();
    struct tg_show *show = NULL;

    cfg.id = "demo";
    cfg.title = "Demo";
    cfg.rng = &rng;
    cfg.sku_known = sku_known;
    if (tg_show_new(&show, &cfg) != TG_OK)
        abort();
    return show;
}

/* Still alive: a newcomer gets valid JSON, a line and a pin are accepted. */
static void use_show(struct tg_show *show)
{
    const struct tg_show_person who = {.id = "s9", .name = "", .roles_json = "[]", .staff = true};
    const struct tg_show_req rq = {.now = 1, .who = &who, .id = "new"};
    const struct tg_show_join in = {.now = 1,
                                    .who = &who,
                                    .token = "",
                                    .products = "[]",
                                    .products_len = 2,
                                    .cart = "{}",
                                    .cart_len = 2,
                                    .notice = "",
                                    .since = -1};
    struct tg_buf out;
    json_t *json;
    bool resumed;

    tg_buf_init(&out, 4 * 1024 * 1024);
    TG_ASSERT(tg_show_write_joined(show, &in, &out, &resumed) == TG_OK);
    json = json_loadb((const char *)out.data, out.len, 0, NULL);
    TG_ASSERT(json != NULL);
    json_decref(json);
    tg_buf_done(&out);
    TG_ASSERT(tg_show_chat(show, &rq, "hello", "") == TG_OK);
    TG_ASSERT(tg_show_pin(show, &rq, "NEW") == TG_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_journal_report first;
    struct tg_journal_report again;
    struct tg_show *show = make_show();
    struct tg_show *other = make_show();

    if (dir[0] == '\0') {
        /* Memory when there is some: a disk makes it twenty times slower. */
        (void)snprintf(dir, sizeof(dir), "/dev/shm/torg-fuzz-XXXXXX");
        if (mkdtemp(dir) == NULL) {
            (void)snprintf(dir, sizeof(dir), "/tmp/torg-fuzz-XXXXXX");
            if (mkdtemp(dir) == NULL)
                abort();
        }
        if (atexit(remove_files) != 0)
            abort();
    }
    write_file("demo", data, size);
    write_file("_names", data, size);
    TG_ASSERT(tg_journal_read(dir, "demo", &first, on_record, show) == TG_OK);
    TG_ASSERT(tg_journal_read(dir, "demo", &again, on_record, other) == TG_OK);
    TG_ASSERT(again.torn_bytes == 0 && again.lines == first.lines && again.bad == first.bad);
    TG_ASSERT(tg_show_seq(show) == tg_show_seq(other));
    use_show(show);
    TG_ASSERT(tg_journal_read_names(dir, &again, on_name, NULL) == TG_OK);
    tg_show_free(show);
    tg_show_free(other);
    return 0;
}
