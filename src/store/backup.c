#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/str.h"
#include "store/backup_priv.h"

enum { PATH_SIZE = 600 };

tg_err tg_backup_fail(char reterr[256], tg_err err, const char *what, const char *why)
{
    (void)snprintf(reterr, 256, "%.120s: %.120s", what, why); /* a cut reason is fine */
    return err;
}

/* --- files --- */

/* A name is on the disk when its directory is. */
static tg_err sync_file(const char *file)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0)
        (void)close(fd); /* synced or not is known */
    return good ? TG_OK : TG_ERR_IO;
}

static tg_err sync_directory_of(const char *file)
{
    char dir[PATH_SIZE];
    char *slash;

    tg_str_cut(dir, sizeof(dir), file);
    slash = strrchr(dir, '/');
    if (slash == NULL)
        return sync_file(".");
    slash[slash == dir ? 1 : 0] = '\0';
    return sync_file(dir);
}

/* `part` is whole: its bytes first, then its name, then the directory. */
static tg_err give_name(const char *part, const char *file, bool replace, char reterr[256])
{
    int rc;

    if (sync_file(part) != TG_OK)
        return tg_backup_fail(reterr, TG_ERR_IO, part, strerrordesc_np(errno));
    rc = replace ? rename(part, file) : renameat2(AT_FDCWD, part, AT_FDCWD, file, RENAME_NOREPLACE);
    if (rc != 0 && !replace && errno == EINVAL) /* a file system that cannot */
        rc = rename(part, file);
    if (rc != 0)
        return tg_backup_fail(reterr, errno == EEXIST ? TG_ERR_CONFLICT : TG_ERR_IO, file,
                              strerrordesc_np(errno));
    if (sync_directory_of(file) != TG_OK)
        return tg_backup_fail(reterr, TG_ERR_IO, file, strerrordesc_np(errno));
    return TG_OK;
}

/* --- SQLite --- */

/* Must be a database of ours that this torg can read. */
static tg_err check_sqlite(const char *file, const atomic_bool *stop, char reterr[256])
{
    const struct tg_db_cfg cfg = {.url = file};
    struct tg_db db;
    tg_err err = tg_db_open(&db, &cfg, TG_DB_READ, reterr);

    if (err != TG_OK)
        return err;
    err = tg_db_unhurried(&db, stop);
    if (err == TG_OK)
        err = tg_sqlite_check_whole(&db);
    if (err != TG_OK)
        (void)tg_backup_fail(reterr, err, file, db.error);
    tg_db_close(&db);
    return err;
}

static tg_err copy_sqlite(const char *from, const char *to, const atomic_bool *stop,
                          char reterr[256])
{
    const struct tg_db_cfg cfg = {.url = from};
    struct tg_db db;
    tg_err err = tg_db_open(&db, &cfg, TG_DB_READ, reterr);

    if (err != TG_OK)
        return err;
    err = tg_db_unhurried(&db, stop);
    if (err == TG_OK)
        err = tg_sqlite_copy(&db, to);
    if (err != TG_OK)
        (void)tg_backup_fail(reterr, err, to, db.error);
    tg_db_close(&db);
    return err;
}

static const char *const tails[] = {"-wal", "-shm"};

/* The files themselves, for what cannot be copied: damaged, of a newer torg, or no room for two.
 * Its name stays until the restored one takes it: without, a server would begin a new shop there.
 */
static tg_err put_aside(const char *path, const char *kept, char reterr[256])
{
    (void)unlink(kept); /* what there is of the copy */
    for (size_t i = 0; i < TG_ARRAY_LEN(tails); i++) {
        char from[PATH_SIZE + 8];
        char to[PATH_SIZE + 8];

        (void)snprintf(from, sizeof(from), "%s%s", path, tails[i]);
        (void)snprintf(to, sizeof(to), "%s%s", kept, tails[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return tg_backup_fail(reterr, TG_ERR_IO, from, strerrordesc_np(errno));
    }
    if (link(path, kept) != 0 && rename(path, kept) != 0) /* not every file system has links */
        return tg_backup_fail(reterr, TG_ERR_IO, kept, strerrordesc_np(errno));
    reterr[0] = '\0';
    return TG_OK;
}

/* What is there, as one file beside it: what still stands in the log of writes goes with it. */
static tg_err keep_sqlite(const char *path, char ret_kept[256], char reterr[256])
{
    char kept[PATH_SIZE];
    tg_err err;

    ret_kept[0] = '\0';
    if (access(path, F_OK) != 0)
        return TG_OK;
    if (snprintf(kept, sizeof(kept), "%s.before-restore-%lld", path,
                 (long long)(tg_clock_wall() / TG_US_PER_S)) >= (int)sizeof(kept))
        return tg_backup_fail(reterr, TG_ERR_LIMIT, path, "the path is too long");
    err = copy_sqlite(path, kept, NULL, reterr);
    if (err == TG_OK && sync_file(kept) != TG_OK)
        err = tg_backup_fail(reterr, TG_ERR_IO, kept, strerrordesc_np(errno));
    if (err != TG_OK && err != TG_ERR_CONFLICT) /* what a restore of this very second kept stays */
        err = put_aside(path, kept, reterr);
    if (err == TG_OK)
        tg_str_cut(ret_kept, 256, kept);
    return err;
}

static tg_err restore_sqlite(const char *path, const char *file, char ret_kept[256],
                             char reterr[256])
{
    char part[PATH_SIZE];
    tg_err err = check_sqlite(file, NULL, reterr);

    if (err != TG_OK)
        return err;
    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
        return tg_backup_fail(reterr, TG_ERR_LIMIT, path, "the path is too long");
    (void)unlink(part); /* of a restore that was interrupted */
    err = copy_sqlite(file, part, NULL, reterr);
    if (err == TG_OK)
        err = keep_sqlite(path, ret_kept, reterr);
    for (size_t i = 0; err == TG_OK && i < TG_ARRAY_LEN(tails); i++) {
        char tail[PATH_SIZE + 8];

        (void)snprintf(tail, sizeof(tail), "%s%s", path, tails[i]);
        (void)unlink(tail); /* of the database that goes; may not be there */
    }
    if (err == TG_OK)
        err = give_name(part, path, true, reterr);
    if (err != TG_OK)
        (void)unlink(part);
    return err;
}

/* --- both --- */

static tg_err make(const struct tg_db_cfg *cfg, const char *part, const atomic_bool *stop,
                   char reterr[256])
{
    tg_err err;

    if (tg_db_is_postgres(cfg->url))
        return tg_pg_dump(cfg, part, stop, reterr);
    err = copy_sqlite(cfg->url, part, stop, reterr);
    return err == TG_OK ? check_sqlite(part, stop, reterr) : err;
}

tg_err tg_backup(const struct tg_db_cfg *cfg, const char *file, const atomic_bool *stop,
                 char reterr[256])
{
    char part[PATH_SIZE];
    tg_err err;

    if (snprintf(part, sizeof(part), "%s.part", file) >= (int)sizeof(part))
        return tg_backup_fail(reterr, TG_ERR_LIMIT, file, "the path is too long");
    if (access(file, F_OK) == 0)
        return tg_backup_fail(reterr, TG_ERR_CONFLICT, file, "exists already");
    (void)unlink(part); /* of a backup that was interrupted */
    err = make(cfg, part, stop, reterr);
    if (err == TG_OK)
        err = give_name(part, file, false, reterr);
    if (err != TG_OK)
        (void)unlink(part);
    return err;
}

tg_err tg_restore(const struct tg_db_cfg *cfg, const char *file, char ret_kept[256],
                  char reterr[256])
{
    ret_kept[0] = '\0';
    if (access(file, R_OK) != 0)
        return tg_backup_fail(reterr, TG_ERR_IO, file, strerrordesc_np(errno));
    return tg_db_is_postgres(cfg->url) ? tg_pg_restore(cfg, file, ret_kept, reterr)
                                       : restore_sqlite(cfg->url, file, ret_kept, reterr);
}

tg_err tg_backup_check(const struct tg_db_cfg *cfg, char reterr[256])
{
    return tg_db_is_postgres(cfg->url) ? tg_pg_check_whole(cfg, reterr)
                                       : check_sqlite(cfg->url, NULL, reterr);
}
