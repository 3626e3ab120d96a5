#include "ctl/catalog.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/admin.h"
#include "base/str.h"

enum { LOOK_EVERY_MS = 200 };

static void drop_text(char *text)
{
    json_malloc_t alloc_fn;
    json_free_t free_fn;

    json_get_alloc_funcs(&alloc_fn, &free_fn);
    if (text != NULL)
        free_fn(text);
}

json_t *ctl_ask(const json_t *request, ctl_session_fn ask, void *ctx)
{
    char *line = json_dumps(request, JSON_COMPACT);
    json_t *answer = NULL;
    struct tg_buf out;

    if (line == NULL)
        return NULL;
    tg_buf_init(&out, TG_ADMIN_ANSWER_MAX);
    if (ask(ctx, line, &out) == TG_OK)
        answer = json_loadb((const char *)out.data, out.len, 0, NULL);
    tg_buf_done(&out);
    drop_text(line);
    return answer;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

bool ctl_is_catalog_command(const json_t *request)
{
    const char *name = text_of(request, "cmd");

    return strcmp(name, "catalog.import") == 0 || strcmp(name, "catalog.undo") == 0 ||
           strcmp(name, "catalog.export") == 0;
}

/* The server stands in another directory. */
static bool absolute_file(json_t *request)
{
    const char *file = text_of(request, "file");
    char here[PATH_MAX];
    char path[PATH_MAX * 2];

    if (file[0] == '/' || json_object_get(request, "file") == NULL)
        return true;
    if (getcwd(here, sizeof(here)) == NULL)
        return false;
    if (snprintf(path, sizeof(path), "%s/%s", here, file) >= (int)sizeof(path))
        return false;
    return json_object_set_new(request, "file", json_string(path)) == 0;
}

static json_t *ask_about(const char *cmd, const char *import, ctl_session_fn ask, void *ctx)
{
    json_t *request = json_pack("{s:s, s:s}", "cmd", cmd, "import", import);
    json_t *answer = ctl_ask(request, ask, ctx);

    json_decref(request);
    return answer;
}

static void tell_progress(const json_t *import)
{
    json_int_t all = json_integer_value(json_object_get(import, "bytes"));
    json_int_t done = json_integer_value(json_object_get(import, "bytes_done"));

    if (isatty(STDERR_FILENO) == 1 && all > 0)
        (void)fprintf(stderr, "\r%s %3lld %%", text_of(import, "state"),
                      (long long)(done * 100 / all));
}

static bool at_work(const json_t *import)
{
    const char *state = text_of(import, "state");

    return strcmp(state, "running") == 0 || strcmp(state, "undoing") == 0 ||
           strcmp(state, "waiting") == 0;
}

/* Until the import has ended: its last status. NULL: nobody answers any more. */
static json_t *watch(const char *id, bool quiet, ctl_session_fn ask, void *ctx)
{
    for (;;) {
        json_t *answer = ask_about("catalog.status", id, ask, ctx);
        const json_t *import = json_object_get(answer, "import");

        if (import == NULL || !at_work(import)) {
            if (!quiet && isatty(STDERR_FILENO) == 1)
                (void)fprintf(stderr, "\r                    \r");
            return answer;
        }
        if (!quiet)
            tell_progress(import);
        json_decref(answer);
        (void)poll(NULL, 0, LOOK_EVERY_MS); /* interrupted: it looks sooner */
    }
}

static void add_faults(json_t *answer, const char *id, ctl_session_fn ask, void *ctx)
{
    json_t *faults = ask_about("catalog.faults", id, ask, ctx);
    json_t *list = json_object_get(faults, "faults");

    if (list != NULL)
        (void)json_object_set(answer, "report", list); /* NOMEM: `catalog faults` shows them */
    json_decref(faults);
}

json_t *ctl_run_catalog(json_t *request, bool quiet, ctl_session_fn ask, void *ctx)
{
    json_t *answer;
    json_t *import;
    char id[32];

    if (!absolute_file(request)) {
        (void)fprintf(stderr, "torgctl: the file's path is too long\n");
        return NULL;
    }
    answer = ctl_ask(request, ask, ctx);
    import = json_object_get(answer, "import");
    if (import == NULL)
        return answer; /* refused, or an export */
    tg_str_cut(id, sizeof(id), text_of(import, "id"));
    json_decref(answer);
    answer = watch(id, quiet, ask, ctx);
    import = json_object_get(answer, "import");
    if (json_integer_value(json_object_get(import, "faults")) > 0)
        add_faults(answer, id, ask, ctx);
    if (strcmp(text_of(import, "state"), "failed") == 0) {
        (void)json_object_set_new(answer, "ok", json_false());
        (void)json_object_set(answer, "message", json_object_get(import, "reason"));
    }
    return answer;
}
