/*
 * admin_socket.h - DIR/torgd.sock: where torgctl reaches the running server. Mode 0600, so the file
 * system says who is the operator. Thread: main; one client at a time, at most 2 s each way.
 */
#ifndef TG_APP_ADMIN_SOCKET_H
#define TG_APP_ADMIN_SOCKET_H

#include "app/admin.h"

/* Replaces a socket file that a crash left (the data directory's lock is held). Errors: IO, LIMIT.
 */
TG_MUST_CHECK tg_err tg_admin_socket_open(int *ret_fd, const char *data_dir);
/* Closes and removes the file. */
void tg_admin_socket_close(int fd, const char *data_dir);
/* Accepts one client, runs its one command, answers, hangs up. */
void tg_admin_socket_serve(int fd, struct tg_admin *admin);

#endif
