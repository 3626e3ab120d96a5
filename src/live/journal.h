/*
 * journal.h - the shows' timelines on disk: append-only JSON lines, one file a show, written by a
 * thread of its own so that neither talk nor trade waits for the other's disk.
 *
 *   DIR/<show>.jsonl    chat, pins, moderation, state; people only by their ids
 *   DIR/_names.jsonl    display names by person id (personal data apart; erasing a person rewrites
 *                       this file and no other). "_" cannot stand in a show's id.
 *
 *   {"chat":{"n":1,"at":12,"roles":["viewer"],"text":"hi","reply_to":"c0","shown":true},
 *    "by":"pX","op":"a1"}
 *   {"event":{"ev":"pin","seq":1,"at":12,"sku":"MUG"},"by":"s1","op":"a2"}
 *   {"mute":{"at":12,"person":"pX","until_ms":60012},"by":"s1","op":"a3"}
 *   {"person":"pX","name":"Kari"}                                        (_names.jsonl)
 *
 * Every batch is written and fdatasync'ed; what was not synced when the power went is lost, at most
 * the last batch (milliseconds). When the disk refuses, lines wait in bounded memory and are tried
 * again every second. A last line without its newline was torn by a crash: reading cuts it off.
 */
#ifndef TG_LIVE_JOURNAL_H
#define TG_LIVE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "msg/live.h"
#include "show/show.h"
#include "store/registry.h"

enum { TG_JOURNAL_NAMES = UINT16_MAX }; /* tg_journal_append.show of a names line */

struct tg_journal;

/*
 * Makes DIR (0700) when it is missing. dir is copied, registry is borrowed (a show's ordinal
 * becomes its file name). Errors: NOMEM, IO (DIR cannot be made or is no directory).
 */
TG_MUST_CHECK tg_err tg_journal_new(struct tg_journal **ret, const char *dir,
                                    struct tg_registry *registry);
/* Receives TG_MSG_JOURNAL. */
struct tg_mailbox *tg_journal_mailbox(struct tg_journal *journal);
TG_MUST_CHECK tg_err tg_journal_start(struct tg_journal *journal);
/* Writes what was posted before, then ends the thread. Stop the live thread first. */
void tg_journal_stop(struct tg_journal *journal);
void tg_journal_free(struct tg_journal *journal);

/* --- reading back; any thread, but not while the journal thread writes the same show
 * -------------- */

struct tg_journal_report {
    uint64_t lines;     /* read */
    uint64_t bad;       /* skipped: not ours, or too long */
    int64_t torn_bytes; /* cut off the end */
};

/* One record; borrowed for the call. MALFORMED counts as a bad line; NOMEM stops the reading. */
typedef tg_err (*tg_journal_record_fn)(void *ctx, const struct tg_show_record *rec);
typedef void (*tg_journal_name_fn)(void *ctx, const char *person, const char *name);

/* A file that does not exist is an empty one. Errors: NOMEM, IO. */
TG_MUST_CHECK tg_err tg_journal_read(const char *dir, const char *show_id,
                                     struct tg_journal_report *ret, tg_journal_record_fn fn,
                                     void *ctx);
TG_MUST_CHECK tg_err tg_journal_read_names(const char *dir, struct tg_journal_report *ret,
                                           tg_journal_name_fn fn, void *ctx);
/* One line of a show's file, without newline, given to fn. MALFORMED, or what fn returned. */
TG_MUST_CHECK tg_err tg_journal_parse(const char *line, size_t len, tg_journal_record_fn fn,
                                      void *ctx);
/* DIR/<name>.jsonl; LIMIT when it is too long or not a name of [a-z0-9_-]. */
TG_MUST_CHECK tg_err tg_journal_path(char *out, size_t size, const char *dir, const char *name);

#endif
