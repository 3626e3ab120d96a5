#include "api/router.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

static const char *const method_names[TG_METHOD_COUNT] = {"GET",   "HEAD",   "POST",   "PUT",
                                                          "PATCH", "DELETE", "OPTIONS"};

static bool add_param(struct tg_match *m, const char *from, size_t len)
{
    TG_ASSERT(m->param_count < TG_ROUTE_PARAMS_MAX);
    m->params[m->param_count++] = tg_span(from, len);
    return true;
}

/* One segment of each side; both end at '/' or at the end. */
static bool match_segment(struct tg_match *m, const char *want, size_t want_len, const char *have,
                          size_t have_len)
{
    if (want_len > 1 && want[0] == '{')
        return have_len > 0 && add_param(m, have, have_len);
    return want_len == have_len && memcmp(want, have, want_len) == 0;
}

static bool match_sku(struct tg_match *m, const char *rest, const char *path, size_t len)
{
    size_t rest_len = strlen(rest);

    TG_ASSERT(strpbrk(rest, "{*") == NULL);
    if (len <= rest_len || memcmp(path + len - rest_len, rest, rest_len) != 0)
        return false;
    for (size_t i = 0; i < len - rest_len; i++)
        m->slashes += path[i] == '/';
    return add_param(m, path, len - rest_len);
}

static bool match_pattern(struct tg_match *m, const char *pattern, const char *path, size_t len)
{
    const char *end = path + len;

    m->param_count = 0;
    m->slashes = 0;
    for (;;) {
        size_t want_len = strcspn(pattern, "/");
        const char *slash = memchr(path, '/', (size_t)(end - path));
        size_t have_len = (size_t)((slash == NULL ? end : slash) - path);

        if (strcmp(pattern, "*") == 0)
            return add_param(m, path, (size_t)(end - path));
        if (strncmp(pattern, "{sku}", 5) == 0)
            return match_sku(m, pattern + 5, path, (size_t)(end - path));
        if (!match_segment(m, pattern, want_len, path, have_len))
            return false;
        pattern += want_len;
        path += have_len;
        if (*pattern == '\0' || path == end)
            return *pattern == '\0' && path == end;
        pattern++; /* both stand on '/' */
        path++;
    }
}

static bool method_fits(enum tg_method row, enum tg_method asked)
{
    return row == asked || (row == TG_GET && asked == TG_HEAD);
}

tg_err tg_route_find(struct tg_match *ret, const struct tg_route *rows, size_t count,
                     enum tg_method method, const char *path, size_t len)
{
    struct tg_match found = {.route = NULL};
    struct tg_match first = {.route = NULL};
    uint32_t allow = 1U << TG_OPTIONS;

    for (size_t i = 0; i < count; i++) {
        struct tg_match m = {.route = &rows[i]};

        if (!match_pattern(&m, rows[i].pattern, path, len))
            continue;
        if (first.route != NULL && m.slashes > first.slashes)
            continue;
        if (first.route != NULL && m.slashes < first.slashes) {
            found.route = first.route = NULL;
            allow = 1U << TG_OPTIONS;
        }
        allow |= 1U << rows[i].method;
        if (rows[i].method == TG_GET)
            allow |= 1U << TG_HEAD;
        if (first.route == NULL)
            first = m;
        if (found.route == NULL && (method_fits(rows[i].method, method) || method == TG_OPTIONS))
            found = m;
    }
    *ret = found.route == NULL ? first : found;
    ret->allow = allow;
    if (first.route == NULL)
        return TG_ERR_NOTFOUND;
    return found.route == NULL ? TG_ERR_UNSUPPORTED : TG_OK;
}

void tg_route_allow(char *out, size_t size, uint32_t allow)
{
    size_t used = 0;

    out[0] = '\0';
    for (unsigned m = 0; m < TG_METHOD_COUNT; m++) {
        if (((allow >> m) & 1) == 0)
            continue;
        tg_str_printf(out + used, size - used, "%s%s", used == 0 ? "" : ", ", method_names[m]);
        used = strlen(out);
    }
}
