/* remote_priv.h - one call, and the bodies of the requests. */
#ifndef TG_CTL_REMOTE_PRIV_H
#define TG_CTL_REMOTE_PRIV_H

#include "ctl/remote.h"

struct ctl_call {
    const char *method;
    const char *path;   /* behind /api/v1, with its query */
    const json_t *body; /* NULL = none */
    const char *upload; /* this file is the body; NULL = none */
    bool keyed;         /* with a fresh Idempotency-Key */
    long status;        /* the answer's */
    json_t *answer;     /* a new reference; NULL = no JSON */
};
/* http.c. LIMIT: the URL is too long; IO with the reason in words. */
TG_MUST_CHECK tg_err ctl_call(const struct ctl_where *where, struct ctl_call *call,
                              char reterr[256]);

/* remote_body.c: from a command's members to the API's body. A new reference; NULL = reterr says
 * what is wrong. */
typedef json_t *(*ctl_body_fn)(const json_t *request, char reterr[256]);
json_t *ctl_body_none(const json_t *request, char reterr[256]);
json_t *ctl_body_show(const json_t *request, char reterr[256]);
json_t *ctl_body_token(const json_t *request, char reterr[256]);
json_t *ctl_body_set(const json_t *request, char reterr[256]);
json_t *ctl_body_adjust(const json_t *request, char reterr[256]);
json_t *ctl_body_transfer(const json_t *request, char reterr[256]);
json_t *ctl_body_webhook(const json_t *request, char reterr[256]);
json_t *ctl_body_since(const json_t *request, char reterr[256]);
json_t *ctl_body_order(const json_t *request, char reterr[256]);

#endif
