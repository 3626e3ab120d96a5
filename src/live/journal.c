#include "live/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "base/thread.h"
#include "msg/msg.h"

enum {
    BATCH = 1024,
    WAITING_MAX = 4 * 1024 * 1024, /* bytes a file's lines may wait in memory for a full disk */
    RETRY_US = TG_US_PER_S,
    PATH_SIZE = 4096,
};

struct journal_file {
    int fd;     /* -1 = not open */
    off_t good; /* length up to the last whole batch */
    struct tg_buf waiting;
    uint64_t lines; /* in waiting */
};

struct tg_journal {
    char *dir;
    struct tg_registry *registry;
    struct tg_mailbox *mb;
    struct tg_thread *thread;
    struct journal_file *files[TG_SHOWS_MAX + 1]; /* by ordinal; the last one is names */
    struct tg_log_burst burst;
};

tg_err tg_journal_path(char *out, size_t size, const char *dir, const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > TG_SHOW_ID_MAX ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != len ||
        strlen(dir) + len + sizeof("/.jsonl") > size)
        return TG_ERR_LIMIT;
    tg_str_printf(out, size, "%s/%s.jsonl", dir, name);
    return TG_OK;
}

tg_err tg_journal_new(struct tg_journal **ret, const char *dir, struct tg_registry *registry)
{
    struct tg_journal *journal;
    struct stat st;
    tg_err err = TG_ERR_NOMEM;

    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
        return TG_ERR_IO;
    journal = tg_calloc(1, sizeof(*journal));
    if (journal == NULL)
        return TG_ERR_NOMEM;
    journal->registry = registry;
    journal->dir = tg_strdup(dir);
    if (journal->dir != NULL)
        err = tg_mailbox_new(&journal->mb, TG_MB_JOURNAL, tg_msg_free);
    if (err != TG_OK) {
        tg_free(journal->dir);
        tg_free(journal);
        return err;
    }
    *ret = journal;
    return TG_OK;
}

struct tg_mailbox *tg_journal_mailbox(struct tg_journal *journal)
{
    return journal->mb;
}

/* --- writing -------------------------------------------------------------------------------------
 */

static tg_err file_name(const struct tg_journal *journal, size_t at, char out[PATH_SIZE])
{
    struct tg_show_info info;
    tg_err err;

    if (at == TG_SHOWS_MAX)
        return tg_journal_path(out, PATH_SIZE, journal->dir, "_names");
    err = tg_registry_show_at(journal->registry, (uint16_t)at, &info);
    return err == TG_OK ? tg_journal_path(out, PATH_SIZE, journal->dir, info.id) : err;
}

/* A new file's name is on disk only once its folder is. */
static void sync_folder(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return;
    if (fsync(fd) != 0)
        TG_COUNT(journal_write_errors_total);
    (void)close(fd); /* opened for reading */
}

static tg_err file_open(struct tg_journal *journal, size_t at, struct journal_file *file)
{
    char path[PATH_SIZE];
    struct stat st;
    tg_err err = file_name(journal, at, path);

    if (err != TG_OK)
        return err;
    file->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return TG_ERR_IO;
    if (fstat(file->fd, &st) != 0) {
        (void)close(file->fd); /* nothing was written */
        file->fd = -1;
        return TG_ERR_IO;
    }
    file->good = st.st_size;
    if (st.st_size == 0)
        sync_folder(journal->dir);
    return TG_OK;
}

static tg_err write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return TG_ERR_IO;
        data += n;
        len -= (size_t)n;
    }
    return TG_OK;
}

/* All waiting lines of one file, or none of them: half a batch is cut off again. */
static tg_err file_flush(struct tg_journal *journal, size_t at, struct journal_file *file)
{
    tg_err err = file->fd < 0 ? file_open(journal, at, file) : TG_OK;

    if (err != TG_OK)
        return err;
    err = write_all(file->fd, file->waiting.data, file->waiting.len);
    if (err == TG_OK && fdatasync(file->fd) != 0)
        err = TG_ERR_IO;
    if (err != TG_OK) {
        if (ftruncate(file->fd, file->good) != 0) {
            (void)close(file->fd); /* opened afresh at the next try, from what is there then */
            file->fd = -1;
        }
        return err;
    }
    file->good += (off_t)file->waiting.len;
    tg_metric_add(TG_M_journal_lines_total, (int64_t)file->lines);
    file->lines = 0;
    tg_buf_clear(&file->waiting);
    return TG_OK;
}

/* True when lines are left that the disk refused. */
static bool flush(struct tg_journal *journal, tg_us now)
{
    bool left = false;

    for (size_t at = 0; at <= TG_SHOWS_MAX; at++) {
        struct journal_file *file = journal->files[at];
        uint64_t count;

        if (file == NULL || file->waiting.len == 0 || file_flush(journal, at, file) == TG_OK)
            continue;
        left = true;
        TG_COUNT(journal_write_errors_total);
        count = tg_log_burst(&journal->burst, now, 10 * (tg_us)TG_US_PER_S);
        if (count > 0)
            tg_log_error("journal", "write-failed", "show=%zu tries=%llu waiting_bytes=%zu", at,
                         (unsigned long long)count, file->waiting.len);
    }
    return left;
}

static struct journal_file *file_of(struct tg_journal *journal, uint16_t show)
{
    size_t at = show == TG_JOURNAL_NAMES ? TG_SHOWS_MAX : show;

    if (at > TG_SHOWS_MAX)
        return NULL;
    if (journal->files[at] == NULL) {
        struct journal_file *file = tg_calloc(1, sizeof(*file));

        if (file == NULL)
            return NULL;
        file->fd = -1;
        tg_buf_init(&file->waiting, WAITING_MAX);
        journal->files[at] = file;
    }
    return journal->files[at];
}

static void append(struct tg_journal *journal, const struct tg_journal_append *msg)
{
    struct journal_file *file = file_of(journal, msg->show);
    size_t before;

    if (file == NULL || msg->line->len > TG_JOURNAL_LINE_MAX) {
        TG_COUNT(journal_lost_lines_total);
        return;
    }
    before = file->waiting.len;
    tg_buf_add(&file->waiting, msg->line->data, msg->line->len);
    tg_buf_add(&file->waiting, "\n", 1);
    if (file->waiting.err != TG_OK) {
        file->waiting.len = before; /* no half lines */
        file->waiting.err = TG_OK;
        TG_COUNT(journal_lost_lines_total);
        return;
    }
    file->lines++;
}

static void run(void *ctx)
{
    struct tg_journal *journal = ctx;
    bool left = false;
    tg_us next_try = 0;

    while (!tg_mailbox_ended(journal->mb)) {
        void *msgs[BATCH];
        size_t count;
        tg_us now;

        tg_mailbox_wait(journal->mb, left ? RETRY_US : TG_US_NEVER);
        count = tg_mailbox_take(journal->mb, msgs, BATCH);
        for (size_t i = 0; i < count; i++) {
            TG_ASSERT(((const struct tg_msg *)msgs[i])->kind == TG_MSG_JOURNAL);
            append(journal, msgs[i]);
            tg_msg_free(msgs[i]);
        }
        now = tg_clock_mono();
        /* A disk that refused is not asked again for every line. */
        if (!left || now >= next_try) {
            left = flush(journal, now);
            next_try = now + RETRY_US;
        }
    }
    if (left)
        (void)flush(journal, tg_clock_mono()); /* the last try; what failed was counted */
}

tg_err tg_journal_start(struct tg_journal *journal)
{
    return tg_thread_start(&journal->thread, "journal", run, journal);
}

void tg_journal_stop(struct tg_journal *journal)
{
    tg_mailbox_close(journal->mb);
    tg_thread_join(journal->thread);
    journal->thread = NULL;
}

void tg_journal_free(struct tg_journal *journal)
{
    if (journal == NULL)
        return;
    for (size_t at = 0; at <= TG_SHOWS_MAX; at++) {
        struct journal_file *file = journal->files[at];

        if (file == NULL)
            continue;
        if (file->fd >= 0)
            (void)close(file->fd); /* synced after every batch */
        tg_buf_done(&file->waiting);
        tg_free(file);
    }
    tg_mailbox_free(journal->mb);
    tg_free(journal->dir);
    tg_free(journal);
}
