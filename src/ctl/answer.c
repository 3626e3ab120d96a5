#include "ctl/answer.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/admin.h"

const char *ctl_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

json_t *ctl_refusal(const char *fmt, ...)
{
    char text[512];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args); /* a cut message is fine */
    va_end(args);
    return json_pack("{s:b, s:s}", "ok", 0, "message", text);
}

static int add(const char *data, size_t len, void *ctx)
{
    tg_buf_add(ctx, data, len);
    return 0;
}

void ctl_write(struct tg_buf *out, const json_t *value)
{
    if (json_dump_callback(value, add, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
        tg_buf_add_str(out, "null"); /* it only fails without memory */
}

bool ctl_absolute_file(json_t *request)
{
    const char *file = ctl_text(request, "file");
    char here[PATH_MAX];
    char path[PATH_MAX];

    if (file[0] == '/' || file[0] == '\0')
        return true;
    if (getcwd(here, sizeof(here)) == NULL ||
        snprintf(path, sizeof(path), "%s/%s", here, file) >= (int)sizeof(path))
        return false;
    return json_object_set_new(request, "file", json_string(path)) == 0;
}

/* --- for people: a list of objects as a table, anything else as key and value --- */

static void print_value(const json_t *value)
{
    struct tg_buf text;

    if (json_is_string(value)) {
        (void)printf("%s", json_string_value(value));
        return;
    }
    tg_buf_init(&text, TG_ADMIN_ANSWER_MAX);
    ctl_write(&text, value);
    (void)printf("%s", tg_buf_cstr(&text));
    tg_buf_done(&text);
}

static void print_item(json_t *item)
{
    const char *name;
    json_t *part;

    (void)printf("  -");
    if (!json_is_object(item)) {
        (void)printf(" ");
        print_value(item);
    }
    json_object_foreach(item, name, part)
    {
        (void)printf(" %s=", name);
        print_value(part);
    }
    (void)printf("\n");
}

static void print_object(json_t *object)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        json_t *item;
        size_t i;

        if (strcmp(key, "ok") == 0)
            continue;
        if (!json_is_array(value)) {
            (void)printf("%-14s ", key);
            print_value(value);
            (void)printf("\n");
            continue;
        }
        (void)printf("%s: %zu\n", key, json_array_size(value));
        json_array_foreach(value, i, item)
        {
            print_item(item);
        }
    }
}

/* What `doctor` found: a line each, also when something is wrong. */
static void print_checks(const json_t *checks)
{
    json_t *check;
    size_t i;

    json_array_foreach(checks, i, check)
    {
        (void)printf("%-8s %-15s %s\n", ctl_text(check, "result"), ctl_text(check, "check"),
                     ctl_text(check, "text"));
    }
}

static void print_for_people(const json_t *answer, bool ok)
{
    const json_t *checks = json_object_get(answer, "checks");

    if (checks != NULL)
        print_checks(checks);
    else if (ok)
        print_object((json_t *)(uintptr_t)answer); /* it is only read */
    if (!ok)
        (void)fprintf(stderr, "torgctl: %s\n",
                      ctl_text(answer, "message")[0] != '\0' ? ctl_text(answer, "message")
                                                             : "refused");
}

bool ctl_print(const json_t *answer, bool as_json)
{
    bool ok = json_is_true(json_object_get(answer, "ok"));
    struct tg_buf text;

    if (!as_json) {
        print_for_people(answer, ok);
        return ok;
    }
    tg_buf_init(&text, 2 * TG_ADMIN_ANSWER_MAX);
    ctl_write(&text, answer);
    (void)printf("%s\n", tg_buf_cstr(&text)); /* a closed pipe shows nowhere else */
    tg_buf_done(&text);
    return ok;
}
