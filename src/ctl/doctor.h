/*
 * doctor.h - what would keep torgd from working here, before a show finds out: configuration, data
 * directory, disk, database, clock, ports, certificates, codecs. Looks only; changes nothing.
 *
 * Each finding is good, a warning (it works, but see to it) or bad (it does not work).
 */
#ifndef TG_CTL_DOCTOR_H
#define TG_CTL_DOCTOR_H

#include "ctl/session.h"

/* {"ok": nothing is bad, "checks": [{"check", "result", "text"}]}, a new reference. */
json_t *ctl_doctor(const struct ctl_where *where);

#endif
