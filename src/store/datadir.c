#include "store/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UPLOAD_DIGITS = 16 };

tg_err tg_datadir_lock(int *ret_fd, const char *dir)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/lock", dir);
    int fd;

    if (len < 0 || (size_t)len >= sizeof(path))
        return TG_ERR_LIMIT;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return TG_ERR_IO;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return TG_ERR_IO;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        tg_err err = errno == EWOULDBLOCK ? TG_ERR_CONFLICT : TG_ERR_IO;

        (void)close(fd); /* nothing was written */
        return err;
    }
    *ret_fd = fd;
    return TG_OK;
}

/* `start`, hexadecimal digits (0 = any number of them), and perhaps ".part". */
static bool is_left(const char *name, const char *start, size_t digits)
{
    size_t len = strlen(start);
    size_t found;

    if (strncmp(name, start, len) != 0)
        return false;
    found = strspn(name + len, "0123456789abcdef");
    if (found == 0 || (digits != 0 && found != digits))
        return false;
    name += len + found;
    return *name == '\0' || strcmp(name, ".part") == 0;
}

void tg_datadir_clean(const char *dir)
{
    DIR *list = opendir(dir);
    const struct dirent *each;

    /* One thread has the directory: this is before the others start. */
    while (list != NULL && (each = readdir(list)) != NULL) /* NOLINT(concurrency-mt-unsafe) */
        if (is_left(each->d_name, "upload-", UPLOAD_DIGITS) || is_left(each->d_name, "export-x", 0))
            (void)unlinkat(dirfd(list), each->d_name, 0); /* the next start tries again */
    if (list != NULL)
        (void)closedir(list);
}
