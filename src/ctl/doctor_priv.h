/* doctor_priv.h - the parts of the doctor. */
#ifndef TG_CTL_DOCTOR_PRIV_H
#define TG_CTL_DOCTOR_PRIV_H

#include "ctl/doctor.h"

enum finding { GOOD, WARNING, BAD };

struct doctor {
    const struct ctl_where *where;
    const struct tg_config *config;
    bool running; /* a torgd answers on the data directory */
    json_t *checks;
    unsigned bad;
};

void ctl_found(struct doctor *d, const char *check, enum finding finding, const char *fmt, ...)
    TG_PRINTF(4, 5);

/* doctor_net.c */
void ctl_check_ports(struct doctor *d);
void ctl_check_certificate(struct doctor *d);

#endif
