/*
 * admin_socket.h - DIR/torgd.sock: where torgctl reaches the running server. Mode 0600, so the file
 * system says who is the operator.
 *
 * A few threads of its own, one client each: a backup or an audit may take minutes, and neither
 * another command nor a signal to the server waits for it.
 */
#ifndef TG_APP_ADMIN_SOCKET_H
#define TG_APP_ADMIN_SOCKET_H

#include "app/core.h"

struct tg_admin_socket;

/* Replaces a socket file that a crash left (the data directory's lock is held). The core must run,
 * and longer than this. Errors: IO, LIMIT, NOMEM. */
TG_MUST_CHECK tg_err tg_admin_socket_start(struct tg_admin_socket **ret, const char *data_dir,
                                           struct tg_core *core);
/* Breaks off what is under way, joins, removes the file. NULL is legal. */
void tg_admin_socket_stop(struct tg_admin_socket *socket);

#endif
