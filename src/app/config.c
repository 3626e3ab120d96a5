#include "app/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include <yaml.h>

#include "app/config_table.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"

const struct tg_cfg_row *tg_cfg_row_find(const char *key)
{
    for (size_t i = 0; i < tg_cfg_row_count; i++) {
        if (strcmp(tg_cfg_rows[i].key, key) == 0)
            return &tg_cfg_rows[i];
    }
    return NULL;
}

static void *slot(struct tg_config *cfg, const struct tg_cfg_row *row)
{
    return (char *)cfg + row->offset;
}

tg_err tg_config_hostport(const char *text, char *ret_host, size_t host_size, uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    size_t host_len;
    int64_t port;

    if (colon == NULL || tg_parse_i64(&port, colon + 1, strlen(colon + 1), 0, UINT16_MAX) != TG_OK)
        return TG_ERR_MALFORMED;
    host_len = (size_t)(colon - text);
    if (host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    } else if (memchr(text, ':', host_len) != NULL) {
        return TG_ERR_MALFORMED; /* IPv6 needs its brackets */
    }
    if (host_len == 1 && text[0] == '*')
        host_len = 0;
    else if (host_len == 0)
        return TG_ERR_MALFORMED;
    if (tg_str_copy(ret_host, host_size, text, host_len) != TG_OK)
        return TG_ERR_MALFORMED;
    *ret_port = (uint16_t)port;
    return TG_OK;
}

tg_err tg_config_refuse(struct tg_config_error *reterr, const char *key, const char *fmt, ...)
{
    va_list args;

    tg_str_cut(reterr->key, sizeof(reterr->key), key);
    va_start(args, fmt);
    (void)vsnprintf(reterr->reason, sizeof(reterr->reason), fmt, args); /* a cut text is fine */
    va_end(args);
    return TG_ERR_MALFORMED;
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);

    for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
        if (*at == '|')
            at++;
        if (len > 0 && strncmp(at, value, len) == 0 && (at[len] == '|' || at[len] == '\0'))
            return true;
    }
    return false;
}

static tg_err set_text(struct tg_config *cfg, const struct tg_cfg_row *row, const char *value,
                       struct tg_config_error *reterr)
{
    char host[TG_CFG_TEXT_SIZE];
    uint16_t port;

    if (row->type == TG_CFG_CHOICE && !is_choice(row->choices, value))
        return tg_config_refuse(reterr, row->key, "is \"%.100s\"; must be one of %s", value,
                                row->choices);
    if (row->type == TG_CFG_HOSTPORT && strcmp(value, "off") != 0 &&
        tg_config_hostport(value, host, sizeof(host), &port) != TG_OK)
        return tg_config_refuse(
            reterr, row->key,
            "is \"%.100s\"; must be host:port with a port of 0 to 65535, for example "
            "127.0.0.1:8080, [::1]:8080 or *:8080",
            value);
    if (tg_str_copy(slot(cfg, row), TG_CFG_TEXT_SIZE, value, strlen(value)) != TG_OK)
        return tg_config_refuse(reterr, row->key, "is longer than %d bytes", TG_CFG_TEXT_SIZE - 1);
    return TG_OK;
}

static tg_err add_item(struct tg_config *cfg, const struct tg_cfg_row *row, const char *value,
                       size_t len, struct tg_config_error *reterr)
{
    struct tg_cfg_list *list = slot(cfg, row);

    if (list->count == TG_CFG_LIST_MAX)
        return tg_config_refuse(reterr, row->key, "has more than %d entries", TG_CFG_LIST_MAX);
    if (tg_str_copy(list->items[list->count], TG_CFG_ITEM_SIZE, value, len) != TG_OK)
        return tg_config_refuse(reterr, row->key, "has an entry longer than %d bytes",
                                TG_CFG_ITEM_SIZE - 1);
    list->count++;
    return TG_OK;
}

static tg_err set_scalar(struct tg_config *cfg, const struct tg_cfg_row *row, const char *value,
                         struct tg_config_error *reterr)
{
    int64_t number;

    switch (row->type) {
    case TG_CFG_TEXT:
    case TG_CFG_CHOICE:
    case TG_CFG_HOSTPORT:
        return set_text(cfg, row, value, reterr);
    case TG_CFG_INT:
        if (tg_parse_i64(&number, value, strlen(value), row->min, row->max) != TG_OK)
            return tg_config_refuse(reterr, row->key,
                                    "is \"%.100s\"; must be a whole number from %lld to %lld",
                                    value, (long long)row->min, (long long)row->max);
        *(int64_t *)slot(cfg, row) = number;
        return TG_OK;
    case TG_CFG_BOOL:
        if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
            return tg_config_refuse(reterr, row->key, "is \"%.100s\"; must be true or false",
                                    value);
        *(bool *)slot(cfg, row) = value[0] == 't';
        return TG_OK;
    case TG_CFG_LIST:
        return tg_config_refuse(reterr, row->key, "must be a list, for example [\"10.0.0.0/8\"]");
    case TG_CFG_LATER:
        break;
    }
    return tg_config_refuse(reterr, row->key, "is not built yet: %s Remove the key.", row->help);
}

void tg_config_defaults(struct tg_config *ret)
{
    struct tg_config_error err;

    memset(ret, 0, sizeof(*ret)); /* an initialiser would be built on the stack first */
    for (size_t i = 0; i < tg_cfg_row_count; i++) {
        const struct tg_cfg_row *row = &tg_cfg_rows[i];
        char value[TG_CFG_TEXT_SIZE];
        size_t len = strlen(row->def);

        if (row->type == TG_CFG_LATER || row->type == TG_CFG_LIST)
            continue;
        /* The default stands as YAML: take the quotes off. */
        if (len >= 2 && row->def[0] == '"')
            TG_ASSERT(tg_str_copy(value, sizeof(value), row->def + 1, len - 2) == TG_OK);
        else
            TG_ASSERT(tg_str_copy(value, sizeof(value), row->def, len) == TG_OK);
        TG_ASSERT(set_scalar(ret, row, value, &err) == TG_OK);
    }
}

/* --- YAML: a map of sections, each a map of keys, each a scalar or a list of scalars
 * ---------------- */

enum walk_state { WANT_TOP, WANT_SECTION, WANT_SECTION_MAP, WANT_KEY, WANT_VALUE, IN_LIST, ENDED };

struct walk {
    struct tg_config *cfg;
    struct tg_config_error *reterr;
    enum walk_state state;
    char section[32];
    char key[64];
    const struct tg_cfg_row *row;
    uint64_t seen; /* bit per row: a key given twice is a mistake */
};

static tg_err take_section(struct walk *w, const char *value, size_t len)
{
    if (tg_str_copy(w->section, sizeof(w->section), value, len) != TG_OK)
        return tg_config_refuse(w->reterr, "", "has an unknown section with a very long name");
    for (size_t i = 0; i < tg_cfg_row_count; i++) {
        if (strncmp(tg_cfg_rows[i].key, w->section, len) == 0 && tg_cfg_rows[i].key[len] == '.') {
            w->state = WANT_SECTION_MAP;
            return TG_OK;
        }
    }
    return tg_config_refuse(w->reterr, w->section, "is no section of torg's configuration");
}

static tg_err take_key(struct walk *w, const char *value)
{
    uint64_t bit;

    (void)snprintf(w->key, sizeof(w->key), "%s.%s", w->section,
                   value); /* a cut key is unknown too */
    w->row = tg_cfg_row_find(w->key);
    if (w->row == NULL)
        return tg_config_refuse(w->reterr, w->key, "is not a key of torg's configuration");
    bit = UINT64_C(1) << (w->row - tg_cfg_rows);
    if ((w->seen & bit) != 0)
        return tg_config_refuse(w->reterr, w->key, "is given twice");
    w->seen |= bit;
    w->state = WANT_VALUE;
    return TG_OK;
}

static tg_err take_scalar(struct walk *w, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    tg_err err;

    if (strlen(value) != len)
        return tg_config_refuse(w->reterr, w->key, "contains a NUL character");
    switch (w->state) {
    case WANT_SECTION:
        return take_section(w, value, len);
    case WANT_KEY:
        err = take_key(w, value);
        if (err == TG_OK)
            w->cfg->from.lines[w->row - tg_cfg_rows] = (unsigned)event->start_mark.line + 1;
        return err;
    case WANT_VALUE:
        err = set_scalar(w->cfg, w->row, value, w->reterr);
        w->state = WANT_KEY;
        return err;
    case IN_LIST:
        return add_item(w->cfg, w->row, value, len, w->reterr);
    case WANT_SECTION_MAP:
        if (len == 0) { /* "section:" with nothing below it */
            w->state = WANT_SECTION;
            return TG_OK;
        }
        return tg_config_refuse(w->reterr, w->section,
                                "is a section; its keys stand indented below it");
    case WANT_TOP:
        if (len == 0) {
            w->state = ENDED;
            return TG_OK;
        }
        break;
    case ENDED:
        break;
    }
    return tg_config_refuse(w->reterr, "",
                            "must be a map of sections, for example \"http:\" and below it "
                            "\"  listen: ...\"");
}

static tg_err take_event(struct walk *w, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(w, event);
    case YAML_MAPPING_START_EVENT:
        if (w->state == WANT_TOP)
            w->state = WANT_SECTION;
        else if (w->state == WANT_SECTION_MAP)
            w->state = WANT_KEY;
        else
            return tg_config_refuse(w->reterr, w->key, "must not be a map");
        return TG_OK;
    case YAML_MAPPING_END_EVENT:
        w->state = w->state == WANT_KEY ? WANT_SECTION : ENDED;
        return TG_OK;
    case YAML_SEQUENCE_START_EVENT:
        if (w->state != WANT_VALUE || w->row->type != TG_CFG_LIST)
            return tg_config_refuse(w->reterr, w->key, "must not be a list");
        ((struct tg_cfg_list *)slot(w->cfg, w->row))->count = 0;
        w->state = IN_LIST;
        return TG_OK;
    case YAML_SEQUENCE_END_EVENT:
        w->state = WANT_KEY;
        return TG_OK;
    case YAML_ALIAS_EVENT:
        return tg_config_refuse(w->reterr, w->key,
                                "uses a YAML alias, which torg's configuration does not");
    default:
        return TG_OK;
    }
}

tg_err tg_config_parse(struct tg_config *cfg, const char *file, const char *text, size_t len,
                       struct tg_config_error *reterr)
{
    struct walk w = {.cfg = cfg, .reterr = reterr, .state = WANT_TOP};
    yaml_parser_t parser;
    tg_err err = TG_OK;
    bool end = false;

    *reterr = (struct tg_config_error){0};
    tg_str_cut(reterr->file, sizeof(reterr->file), file);
    tg_str_cut(cfg->from.file, sizeof(cfg->from.file), file);
    if (yaml_parser_initialize(&parser) == 0)
        return TG_ERR_NOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    while (err == TG_OK && !end) {
        yaml_event_t event;

        if (yaml_parser_parse(&parser, &event) == 0) {
            reterr->line = (unsigned)parser.problem_mark.line + 1;
            err = tg_config_refuse(reterr, "", "is not YAML: %s",
                                   parser.problem != NULL ? parser.problem : "unreadable");
            break;
        }
        err = take_event(&w, &event);
        if (err != TG_OK)
            reterr->line = (unsigned)event.start_mark.line + 1;

        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return err;
}

tg_err tg_config_load(struct tg_config *cfg, const char *file, struct tg_config_error *reterr)
{
    FILE *in = fopen(file, "re");
    struct tg_buf text;
    char chunk[4096];
    size_t got;
    tg_err err;

    *reterr = (struct tg_config_error){0};
    tg_str_cut(reterr->file, sizeof(reterr->file), file);
    if (in == NULL) {
        (void)tg_config_refuse(reterr, "", "cannot be opened: %s", strerror(errno));
        return TG_ERR_IO;
    }
    tg_buf_init(&text, TG_CFG_FILE_MAX);
    while ((got = fread(chunk, 1, sizeof(chunk), in)) > 0)
        tg_buf_add(&text, chunk, got);
    if (ferror(in) != 0) {
        (void)tg_config_refuse(reterr, "", "cannot be read");
        err = TG_ERR_IO;
    } else if (text.err != TG_OK) {
        err = tg_config_refuse(reterr, "", "is larger than %d bytes", TG_CFG_FILE_MAX);
    } else {
        err = tg_config_parse(cfg, file, tg_buf_cstr(&text), text.len, reterr);
    }
    (void)fclose(in); /* only read */
    tg_buf_done(&text);
    return err;
}

/* --- environment
 * ------------------------------------------------------------------------------------ */

static const struct tg_cfg_row *row_of_variable(const char *name, size_t len)
{
    for (size_t i = 0; i < tg_cfg_row_count; i++) {
        const char *key = tg_cfg_rows[i].key;
        size_t at = 0;

        if (strlen(key) != len)
            continue;
        while (at < len && (key[at] == '.' ? '_' : toupper((unsigned char)key[at])) == name[at])
            at++;
        if (at == len)
            return &tg_cfg_rows[i];
    }
    return NULL;
}

static tg_err set_list(struct tg_config *cfg, const struct tg_cfg_row *row, const char *value,
                       struct tg_config_error *reterr)
{
    ((struct tg_cfg_list *)slot(cfg, row))->count = 0;
    while (*value != '\0') {
        size_t len = strcspn(value, ",");
        tg_err err = len == 0 ? TG_OK : add_item(cfg, row, value, len, reterr);

        if (err != TG_OK)
            return err;
        value += len + (value[len] == ',' ? 1 : 0);
    }
    return TG_OK;
}

tg_err tg_config_env(struct tg_config *cfg, const char *const *env, struct tg_config_error *reterr)
{
    static const char prefix[] = "TORG_";

    *reterr = (struct tg_config_error){.file = "environment"};
    for (; *env != NULL; env++) {
        const char *name = *env;
        const char *equals = strchr(name, '=');
        const struct tg_cfg_row *row;
        tg_err err;

        if (equals == NULL || strncmp(name, prefix, sizeof(prefix) - 1) != 0)
            continue;
        name += sizeof(prefix) - 1;
        row = row_of_variable(name, (size_t)(equals - name));
        if (row == NULL) {
            char shown[48];

            (void)snprintf(shown, sizeof(shown), "%.*s", (int)(equals - *env), *env);
            return tg_config_refuse(reterr, shown, "names no key of torg's configuration");
        }
        err = row->type == TG_CFG_LIST ? set_list(cfg, row, equals + 1, reterr)
                                       : set_scalar(cfg, row, equals + 1, reterr);
        if (err != TG_OK)
            return err;
        cfg->from.lines[row - tg_cfg_rows] = 0;
    }
    return TG_OK;
}

/* --- reference
 * -------------------------------------------------------------------------------------- */

static void wrap_comment(FILE *out, const char *text)
{
    enum { WIDTH = 92 };

    while (*text != '\0') {
        size_t len = strlen(text);

        if (len > WIDTH) {
            len = WIDTH;
            while (len > 0 && text[len] != ' ')
                len--;
        }
        (void)fprintf(out, "  # %.*s\n", (int)len, text);
        text += len;
        while (*text == ' ')
            text++;
    }
}

static void write_row(FILE *out, const struct tg_cfg_row *row)
{
    wrap_comment(out, row->help);
    if (row->type == TG_CFG_INT)
        (void)fprintf(out, "  # %s, %lld to %lld", row->unit, (long long)row->min,
                      (long long)row->max);
    else if (row->type == TG_CFG_CHOICE)
        (void)fprintf(out, "  # one of %s", row->choices);
    else if (row->type == TG_CFG_BOOL)
        (void)fprintf(out, "  # true or false");
    else if (row->type == TG_CFG_LIST)
        (void)fprintf(out, "  # a list of at most %d", TG_CFG_LIST_MAX);
    else if (row->type == TG_CFG_HOSTPORT)
        (void)fprintf(out, "  # host:port");
    else
        (void)fprintf(out, "  # text");
    (void)fprintf(out, "%s\n", row->reload ? "; SIGHUP applies a change" : "");
    (void)fprintf(out, "  %s: %s\n", strchr(row->key, '.') + 1, row->def);
}

void tg_config_reference(FILE *out)
{
    const char *section = "";
    size_t section_len = 0;

    (void)fprintf(out,
                  "# torg's configuration: every key with its default. A key left out keeps its "
                  "default.\n# TORG_SECTION_KEY in the environment overrides the file, for "
                  "example TORG_HTTP_LISTEN.\n");
    for (size_t i = 0; i < tg_cfg_row_count; i++) {
        const struct tg_cfg_row *row = &tg_cfg_rows[i];
        size_t len = strcspn(row->key, ".");

        if (row->type == TG_CFG_LATER)
            continue;
        if (len != section_len || strncmp(section, row->key, len) != 0)
            (void)fprintf(out, "\n%.*s:\n", (int)len, row->key);
        section = row->key;
        section_len = len;
        write_row(out, row);
    }
    (void)fprintf(out, "\n# Not built yet (refused when set):");
    for (size_t i = 0; i < tg_cfg_row_count; i++) {
        if (tg_cfg_rows[i].type == TG_CFG_LATER)
            (void)fprintf(out, " %s", tg_cfg_rows[i].key);
    }
    (void)fprintf(out, "\n");
}
