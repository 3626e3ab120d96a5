#include "ctl/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "store/backup.h"
#include "store/datadir.h"

enum { PATH_SIZE = 1024 };

extern char **environ;

tg_err ctl_config(struct tg_config *ret)
{
    struct tg_config_error why = {0};
    tg_err err;

    tg_config_defaults(ret);
    err = tg_config_env(ret, (const char *const *)environ, &why);
    if (err == TG_OK)
        err = tg_config_check(ret, &why);
    if (err != TG_OK)
        (void)fprintf(stderr, "torgctl: %s %s\n", why.key, why.reason);
    return err;
}

bool ctl_is_file_command(const char *word)
{
    return strcmp(word, "backup") == 0 || strcmp(word, "restore") == 0;
}

/* The server has another working directory. */
static bool absolute(char out[PATH_SIZE], const char *file)
{
    char dir[PATH_SIZE] = "";
    int len;

    if (file[0] != '/' && getcwd(dir, sizeof(dir)) == NULL)
        return false;
    len = snprintf(out, PATH_SIZE, "%s%s%s", file[0] == '/' ? "" : dir, file[0] == '/' ? "" : "/",
                   file);
    return len > 0 && len < PATH_SIZE;
}

static tg_err ask_backup(const char *data_dir, const char *file, ctl_ask_fn ask, char reason[256])
{
    json_t *request = json_pack("{s:s,s:s}", "cmd", "backup", "file", file);
    char *line = json_dumps(request, JSON_COMPACT);
    struct tg_buf out;
    json_t *answer;
    json_malloc_t alloc_fn;
    json_free_t free_fn;
    tg_err err;

    tg_buf_init(&out, 64 * 1024);
    err = line == NULL ? TG_ERR_NOMEM : ask(data_dir, line, &out);
    if (err == TG_OK) {
        answer = json_loadb((const char *)out.data, out.len, 0, NULL);
        if (!json_is_true(json_object_get(answer, "ok"))) {
            const char *text = json_string_value(json_object_get(answer, "message"));

            (void)snprintf(reason, 256, "%.250s", text == NULL ? "the server refused" : text);
            err = TG_ERR_IO;
        }
        json_decref(answer);
    } else if (err != TG_ERR_NOTFOUND) {
        (void)snprintf(reason, 256, "the server did not answer (%s)", tg_err_name(err));
    }
    tg_buf_done(&out);
    json_decref(request);
    json_get_alloc_funcs(&alloc_fn, &free_fn);
    free_fn(line);
    return err;
}

static tg_err back_up(const char *data_dir, const struct tg_db_cfg *db, const char *file,
                      ctl_ask_fn ask, char reason[256])
{
    tg_err err = ask_backup(data_dir, file, ask, reason);

    if (err != TG_ERR_NOTFOUND)
        return err;
    if (!tg_db_is_postgres(db->url) && access(db->url, F_OK) != 0) {
        (void)snprintf(reason, 256, "no server runs on %.100s and there is no database in it",
                       data_dir);
        return TG_ERR_NOTFOUND;
    }
    return tg_backup(db, file, NULL, reason);
}

static tg_err put_back(const char *data_dir, const struct tg_db_cfg *db, const char *file,
                       char reason[256])
{
    char kept[256] = "";
    int lock = -1;
    tg_err err = tg_datadir_lock(&lock, data_dir);

    if (err != TG_OK) {
        (void)snprintf(reason, 256,
                       err == TG_ERR_CONFLICT ? "a server runs on %.100s; stop it first"
                                              : "cannot use %.100s",
                       data_dir);
        return err;
    }
    err = tg_restore(db, file, kept, reason);
    if (err == TG_OK && kept[0] != '\0')
        (void)printf("what was there before is kept as %s\n", kept);
    (void)close(lock); /* gives the lock back */
    return err;
}

int ctl_run_file_command(const char *data_dir, int argc, char **argv, ctl_ask_fn ask)
{
    static struct tg_config config;
    char path[PATH_SIZE];
    char file[PATH_SIZE];
    char reason[256] = "";
    struct tg_db_cfg db = {.url = path};
    tg_err err;

    if (argc != 2 || !absolute(file, argv[1])) {
        (void)fprintf(stderr, "torgctl: %s needs: file\n", argv[0]);
        return 2;
    }
    if (ctl_config(&config) != TG_OK)
        return 1;
    db.password_file = config.store_password_file;
    if (tg_db_is_postgres(config.store_url))
        db.url = config.store_url;
    else if (config.store_url[strlen("sqlite:")] != '\0')
        db.url = config.store_url + strlen("sqlite:");
    else if (snprintf(path, sizeof(path), "%s/torg.db", data_dir) >= (int)sizeof(path))
        return 1;
    err = strcmp(argv[0], "backup") == 0 ? back_up(data_dir, &db, file, ask, reason)
                                         : put_back(data_dir, &db, file, reason);
    if (err != TG_OK) {
        (void)fprintf(stderr, "torgctl: %s\n", reason);
        return 1;
    }
    (void)printf("%s %s\n", strcmp(argv[0], "backup") == 0 ? "saved in" : "restored from", file);
    return 0;
}
