#include "app/config_left.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/config_table.h"
#include "base/buf.h"
#include "base/str.h"
#include "store/db.h"

static const char scheme[] = "sqlite:";

static tg_err path_of(const char *data_dir, const char *tail, char out[PATH_MAX])
{
    return snprintf(out, PATH_MAX, "%s/torgd.yaml%s", data_dir, tail) < PATH_MAX ? TG_OK
                                                                                 : TG_ERR_LIMIT;
}

/* A path that does not depend on where we stand; "" stays. */
static tg_err absolute(char out[PATH_MAX], const char *path)
{
    char here[PATH_MAX] = "";
    bool from_here = path[0] != '/' && path[0] != '\0';

    if (from_here && getcwd(here, sizeof(here)) == NULL)
        return TG_ERR_IO;
    return snprintf(out, PATH_MAX, "%s%s%s", here, from_here ? "/" : "", path) < PATH_MAX
               ? TG_OK
               : TG_ERR_LIMIT;
}

tg_err tg_config_store(const struct tg_config *cfg, const char *data_dir,
                       char out[TG_CFG_TEXT_SIZE])
{
    const char *file = cfg->store_url + sizeof(scheme) - 1;
    char path[PATH_MAX];
    int len;

    if (tg_db_is_postgres(cfg->store_url)) {
        tg_str_cut(out, TG_CFG_TEXT_SIZE, cfg->store_url);
        return TG_OK;
    }
    if (file[0] == '\0')
        len = snprintf(out, TG_CFG_TEXT_SIZE, "%s/torg.db", data_dir);
    else if (absolute(path, file) != TG_OK)
        return TG_ERR_LIMIT;
    else
        len = snprintf(out, TG_CFG_TEXT_SIZE, "%s", path);
    return len < TG_CFG_TEXT_SIZE ? TG_OK : TG_ERR_LIMIT;
}

/* --- writing --- */

/* A double-quoted YAML scalar. */
static void add_quoted(struct tg_buf *out, const char *text)
{
    tg_buf_add_str(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            tg_buf_printf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            tg_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            tg_buf_add(out, text, 1);
    }
    tg_buf_add_str(out, "\"");
}

static bool names_a_file(const char *key)
{
    static const char *const keys[] = {"store.password_file", "http.cert", "http.key",
                                       "rtc.turn_secret_file"};

    for (size_t i = 0; i < TG_ARRAY_LEN(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static tg_err add_text(struct tg_buf *out, const struct tg_cfg_row *row, const char *value)
{
    const size_t skip = sizeof(scheme) - 1;
    const bool file = strcmp(row->key, "store.url") == 0 && strncmp(value, scheme, skip) == 0;
    char path[PATH_MAX];
    char url[PATH_MAX + sizeof(scheme)];
    tg_err err;

    if (!file && !names_a_file(row->key)) {
        add_quoted(out, value);
        return TG_OK;
    }
    err = absolute(path, file ? value + skip : value);
    if (err != TG_OK)
        return err;
    (void)snprintf(url, sizeof(url), "%s%s", file ? scheme : "", path); /* has room for both */
    add_quoted(out, url);
    return TG_OK;
}

static tg_err add_value(struct tg_buf *out, const struct tg_cfg_row *row, const void *at)
{
    const struct tg_cfg_list *list = at;

    switch (row->type) {
    case TG_CFG_INT:
        tg_buf_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case TG_CFG_BOOL:
        tg_buf_add_str(out, *(const bool *)at ? "true" : "false");
        break;
    case TG_CFG_LIST:
        tg_buf_add_str(out, "[");
        for (size_t i = 0; i < list->count; i++) {
            tg_buf_add_str(out, i == 0 ? "" : ", ");
            add_quoted(out, list->items[i]);
        }
        tg_buf_add_str(out, "]");
        break;
    default:
        return add_text(out, row, at);
    }
    return TG_OK;
}

static tg_err write_all(struct tg_buf *out, const struct tg_config *cfg)
{
    const char *section = "";
    size_t section_len = 0;
    tg_err err = TG_OK;

    tg_buf_add_str(out,
                   "# Written by torgd at each start: what it runs with, for torgctl. Changing "
                   "it changes nothing.\n");
    for (size_t i = 0; err == TG_OK && i < tg_cfg_row_count; i++) {
        const struct tg_cfg_row *row = &tg_cfg_rows[i];
        size_t len = strcspn(row->key, ".");

        if (row->type == TG_CFG_LATER)
            continue;
        if (len != section_len || strncmp(section, row->key, len) != 0)
            tg_buf_printf(out, "%.*s:\n", (int)len, row->key);
        section = row->key;
        section_len = len;
        tg_buf_printf(out, "  %s: ", row->key + len + 1);
        err = add_value(out, row, (const char *)cfg + row->offset);
        tg_buf_add_str(out, "\n");
    }
    return err != TG_OK ? err : out->err;
}

/* Then there is nothing to write, and a full disk is nothing to be afraid of. */
static bool says_it(const char *path, const struct tg_buf *text)
{
    char chunk[512];
    size_t at = 0;
    ssize_t got = 0;
    bool same = true;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return false;
    while (same && (got = read(fd, chunk, sizeof(chunk))) > 0) {
        same = text->len - at >= (size_t)got && memcmp(text->data + at, chunk, (size_t)got) == 0;
        at += (size_t)got;
    }
    (void)close(fd); /* only read */
    return same && got == 0 && at == text->len;
}

static bool write_part(const char *part, const struct tg_buf *text)
{
    bool good;
    int fd;

    (void)unlink(part); /* of a start that was interrupted */
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    /* On the disk before it has the name: an empty file would say "the shop beside me". */
    good = write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;
    return close(fd) == 0 && good;
}

static tg_err put_file(const char *data_dir, const struct tg_buf *text)
{
    char part[PATH_MAX];
    char path[PATH_MAX];

    if (path_of(data_dir, ".part", part) != TG_OK || path_of(data_dir, "", path) != TG_OK)
        return TG_ERR_LIMIT;
    if (says_it(path, text))
        return TG_OK;
    if (write_part(part, text) && rename(part, path) == 0)
        return TG_OK;
    (void)unlink(part);
    (void)unlink(path); /* it may name another shop */
    return TG_ERR_IO;
}

tg_err tg_config_leave(const struct tg_config *cfg, const char *data_dir, bool demo)
{
    static struct tg_config left; /* too large for a stack; main alone starts servers */
    struct tg_buf text;
    tg_err err;

    left = *cfg;
    left.payments_allow_sandbox = demo || cfg->payments_allow_sandbox;
    tg_buf_init(&text, TG_CFG_FILE_MAX);
    err = write_all(&text, &left);
    if (err == TG_OK)
        err = put_file(data_dir, &text);
    tg_buf_done(&text);
    return err;
}

tg_err tg_config_left(struct tg_config *cfg, const char *data_dir, struct tg_config_error *reterr)
{
    char path[PATH_MAX];

    *reterr = (struct tg_config_error){0};
    if (path_of(data_dir, "", path) != TG_OK)
        return tg_config_refuse(reterr, "", "the data directory's path is too long");
    if (access(path, F_OK) != 0)
        return TG_ERR_NOTFOUND;
    return tg_config_load(cfg, path, reterr);
}
