/*
 * session.h - who answers torgctl's commands: the running server (DIR/torgd.sock), or, when none
 * holds the data directory, the shop itself in this process.
 */
#ifndef TG_CTL_SESSION_H
#define TG_CTL_SESSION_H

#include <jansson.h>

#include "app/admin.h"
#include "app/config.h"

/* What stands before the command. */
struct ctl_where {
    const char *data_dir;
    const char *config; /* NULL = what torgd left in the data directory */
    const char *url;    /* a server elsewhere; NULL = the data directory's */
    const char *token;  /* ... or @FILE; NULL = none */
};

/*
 * The configuration that torgd has on this data directory: --config FILE, else what it left there,
 * else the defaults; then the environment. MALFORMED with the reason, also when the environment
 * leads to another database than the one that was in use: then --config must say which.
 * ret_source: in words where it comes from.
 */
TG_MUST_CHECK tg_err ctl_settings(struct tg_config *ret, const struct ctl_where *where,
                                  char ret_source[600], char reterr[800]);
/* Where the shop is; text holds the URL. */
TG_MUST_CHECK tg_err ctl_database(const struct tg_config *config, const struct ctl_where *where,
                                  char text[TG_CFG_TEXT_SIZE], struct tg_db_cfg *ret);

/* The running server's answer, a new reference. NOTFOUND: none listens there; else the reason. */
TG_MUST_CHECK tg_err ctl_ask_server(const struct ctl_where *where, const json_t *request,
                                    json_t **ret, char reterr[256]);

struct ctl_session {
    const struct ctl_where *where;
    struct tg_core *core; /* open: no server holds the directory */
    struct tg_admin admin;
};

/* One request; the answer is the caller's. NULL: told on stderr. */
json_t *ctl_ask(struct ctl_session *session, const json_t *request);
void ctl_session_end(struct ctl_session *session);

#endif
