#include "ctl/files.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "ctl/answer.h"
#include "store/backup.h"
#include "store/datadir.h"

/* The database that the operator means; otherwise the refusal. */
static json_t *find(const struct ctl_where *where, char url[TG_CFG_TEXT_SIZE],
                    struct tg_db_cfg *ret)
{
    static struct tg_config config; /* ret borrows its texts */
    char source[600];
    char reason[800] = "";
    tg_err err = ctl_settings(&config, where, source, reason);

    if (err != TG_OK)
        return ctl_refusal("%s", reason);
    if (ctl_database(&config, where, url, ret) != TG_OK)
        return ctl_refusal("the data directory's path is too long");
    return NULL;
}

json_t *ctl_backup(const struct ctl_where *where, json_t *request)
{
    char url[TG_CFG_TEXT_SIZE];
    char reason[256] = "";
    struct tg_db_cfg db;
    json_t *answer = NULL;
    tg_err err;

    if (!ctl_absolute_file(request))
        return ctl_refusal("the file's path is too long");
    err = ctl_ask_server(where, request, &answer, reason);
    if (err != TG_ERR_NOTFOUND)
        return err == TG_OK ? answer : ctl_refusal("%s", reason);
    answer = find(where, url, &db);
    if (answer != NULL)
        return answer;
    if (!tg_db_is_postgres(url) && access(url, F_OK) != 0)
        return ctl_refusal("no server runs on %.200s and there is no %.200s", where->data_dir, url);
    err = tg_backup(&db, ctl_text(request, "file"), NULL, reason);
    if (err != TG_OK)
        return ctl_refusal("%s", reason);
    return json_pack("{s:b, s:s}", "ok", 1, "file", ctl_text(request, "file"));
}

json_t *ctl_restore(const struct ctl_where *where, json_t *request)
{
    char url[TG_CFG_TEXT_SIZE];
    char kept[256] = "";
    char reason[256] = "";
    struct tg_db_cfg db;
    json_t *answer = find(where, url, &db);
    int lock = -1;
    tg_err err;

    if (answer != NULL)
        return answer;
    if (!ctl_absolute_file(request))
        return ctl_refusal("the file's path is too long");
    err = tg_datadir_lock(&lock, where->data_dir);
    if (err != TG_OK)
        return ctl_refusal(err == TG_ERR_CONFLICT ? "a server runs on %.200s; stop it first"
                                                  : "cannot use %.200s",
                           where->data_dir);
    err = tg_restore(&db, ctl_text(request, "file"), kept, reason);
    (void)close(lock); /* gives the lock back */
    if (err != TG_OK)
        return ctl_refusal("%s", reason);
    answer = json_pack("{s:b, s:s, s:s}", "ok", 1, "file", ctl_text(request, "file"), "into", url);
    if (kept[0] != '\0')
        (void)json_object_set_new(answer, "kept", json_string(kept)); /* what was there before */
    return answer;
}
