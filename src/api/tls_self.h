/*
 * tls_self.h - a certificate for development: ECDSA P-256, self-signed, kept in the data directory.
 */
#ifndef TG_API_TLS_SELF_H
#define TG_API_TLS_SELF_H

#include <stddef.h>

#include "base/err.h"

/*
 * Makes dir/tls-self.crt and dir/tls-self.key (mode 0600) unless they are there, valid for 30 more
 * days and for all names of now: localhost, the machine's name, and every address of it that a
 * phone could type (IPv6 addresses are in the certificate, but a new one makes no new certificate).
 * Paths go to ret_cert and ret_key. Errors: IO (files), LIMIT (paths too long), BUG (OpenSSL),
 * NOMEM.
 */
TG_MUST_CHECK tg_err tg_tls_self(char *ret_cert, char *ret_key, size_t path_size, const char *dir);
/* The same for names given: "DNS:localhost,IP:192.0.2.7,..." */
TG_MUST_CHECK tg_err tg_tls_self_for(char *ret_cert, char *ret_key, size_t path_size,
                                     const char *dir, const char *names);

#endif
