#include "ctl/catalog.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "ctl/answer.h"

enum { LOOK_EVERY_MS = 200 };

bool ctl_is_catalog_command(const json_t *request)
{
    const char *name = ctl_text(request, "cmd");

    return strcmp(name, "catalog.import") == 0 || strcmp(name, "catalog.undo") == 0 ||
           strcmp(name, "catalog.export") == 0;
}

static json_t *ask_about(struct ctl_session *session, const char *cmd, const char *kind,
                         const char *id)
{
    json_t *request = json_pack("{s:s, s:s}", "cmd", cmd, kind, id);
    json_t *answer = ctl_ask(session, request);

    json_decref(request);
    return answer;
}

static void tell_progress(const json_t *job, bool export)
{
    json_int_t all = json_integer_value(json_object_get(job, export ? "products" : "bytes"));
    json_int_t done =
        json_integer_value(json_object_get(job, export ? "products_done" : "bytes_done"));

    if (isatty(STDERR_FILENO) == 1 && all > 0)
        (void)fprintf(stderr, "\r%s %3lld %%", ctl_text(job, "state"),
                      (long long)(done * 100 / all));
}

static bool at_work(const json_t *import)
{
    const char *state = ctl_text(import, "state");

    return strcmp(state, "running") == 0 || strcmp(state, "undoing") == 0 ||
           strcmp(state, "waiting") == 0;
}

/* Until the import or export has ended: its last status. NULL: nobody answers any more. */
static json_t *watch(struct ctl_session *session, const char *id, bool export, bool quiet)
{
    const char *kind = export ? "export" : "import";

    for (;;) {
        json_t *answer =
            ask_about(session, export ? "catalog.export.status" : "catalog.status", kind, id);
        const json_t *job = json_object_get(answer, kind);

        if (job == NULL || !at_work(job)) {
            if (!quiet && isatty(STDERR_FILENO) == 1)
                (void)fprintf(stderr, "\r                    \r");
            return answer;
        }
        if (!quiet)
            tell_progress(job, export);
        json_decref(answer);
        (void)poll(NULL, 0, LOOK_EVERY_MS); /* interrupted: it looks sooner */
    }
}

static void add_faults(struct ctl_session *session, json_t *answer, const char *id)
{
    json_t *faults = ask_about(session, "catalog.faults", "import", id);
    json_t *list = json_object_get(faults, "faults");

    if (list != NULL)
        (void)json_object_set(answer, "report", list); /* NOMEM: `catalog faults` shows them */
    json_decref(faults);
}

json_t *ctl_run_catalog(struct ctl_session *session, json_t *request, bool quiet)
{
    bool export = strcmp(ctl_text(request, "cmd"), "catalog.export") == 0;
    const char *kind = export ? "export" : "import";
    json_t *answer;
    json_t *job;
    char id[32];

    if (!ctl_absolute_file(request)) {
        (void)fprintf(stderr, "torgctl: the file's path is too long\n");
        return NULL;
    }
    answer = ctl_ask(session, request);
    job = json_object_get(answer, kind);
    if (job == NULL)
        return answer; /* refused */
    tg_str_cut(id, sizeof(id), ctl_text(job, "id"));
    json_decref(answer);
    answer = watch(session, id, export, quiet);
    job = json_object_get(answer, kind);
    if (json_integer_value(json_object_get(job, "faults")) > 0)
        add_faults(session, answer, id);
    if (strcmp(ctl_text(job, "state"), "failed") == 0 ||
        strcmp(ctl_text(job, "state"), "cancelled") == 0) {
        (void)json_object_set_new(answer, "ok", json_false());
        (void)json_object_set(answer, "message", json_object_get(job, "reason"));
    }
    return answer;
}
