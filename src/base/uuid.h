/*
 * uuid.h - UUIDv7 (RFC 9562 s5.7): ids that sort by the time they were made.
 */
#ifndef TG_BASE_UUID_H
#define TG_BASE_UUID_H

#include "base/macros.h"
#include "base/rng.h"

enum { TG_UUID_SIZE = 37 }; /* 36 characters and the NUL */

/* Lower-case text form; wall_us is the wall clock in microseconds since 1970. */
void tg_uuid7(char out[TG_UUID_SIZE], tg_us wall_us, struct tg_rng *rng);

#endif
