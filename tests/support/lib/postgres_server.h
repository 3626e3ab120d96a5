/*
 * postgres_server.h - a PostgreSQL server of a test's own: made with initdb in a temporary
 * directory, on a Unix socket, with fsync; run as the user postgres when the test is root.
 *
 * Owner: one thread.
 */
#ifndef TG_TESTS_SUPPORT_POSTGRES_SERVER_H
#define TG_TESTS_SUPPORT_POSTGRES_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tg_pg_server {
    char bin[256]; /* folder of the programs */
    char dir[64];  /* socket and data */
    pid_t pid;     /* 0 = not running */
    unsigned schemas;
};

/* false with a line on stderr: no PostgreSQL, or it does not start. */
bool tg_pg_server_start(struct tg_pg_server *s);
/* kill -9 of the whole server, as when the power goes. */
void tg_pg_server_kill(struct tg_pg_server *s);
/* The same from a process of its own, so many microseconds from now: in the middle of something.
 * Wait for it, then kill (which takes note) and restart. */
pid_t tg_pg_server_kill_later(const struct tg_pg_server *s, unsigned us);
/* After a kill. */
bool tg_pg_server_restart(struct tg_pg_server *s);
/* Ends it and takes its directory away. */
void tg_pg_server_stop(struct tg_pg_server *s);
/* A URL of a new, empty schema. */
bool tg_pg_server_url(struct tg_pg_server *s, char *out, size_t size);
/* SQL as the server's owner, in the URL's schema; false = it failed (printed). */
bool tg_pg_server_sql(const char *url, const char *sql);

#endif
