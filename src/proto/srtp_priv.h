/*
 * srtp_priv.h - inner steps of srtp_tx.c that the RFCs' test vectors speak about.
 */
#ifndef TG_PROTO_SRTP_PRIV_H
#define TG_PROTO_SRTP_PRIV_H

#include "proto/srtp.h"

enum tg_srtp_label { TG_SRTP_LABEL_CIPHER, TG_SRTP_LABEL_AUTH, TG_SRTP_LABEL_SALT };
enum { TG_SRTP_AUTH_KEY_LEN = 20 };

/* RFC 3711 s4.3.1: len bytes of session key from the master key and its 14-byte (padded) salt. */
TG_MUST_CHECK tg_err tg_srtp_derive(uint8_t *out, size_t len, enum tg_srtp_label label,
                                    const uint8_t key[TG_SRTP_KEY_LEN],
                                    const uint8_t salt[TG_SRTP_SALT_MAX]);

/* Session keys, as they come out of derive; auth is unused for GCM. */
struct tg_srtp_session_keys {
    enum tg_srtp_profile profile;
    uint8_t cipher[TG_SRTP_KEY_LEN];
    uint8_t auth[TG_SRTP_AUTH_KEY_LEN];
    uint8_t salt[TG_SRTP_SALT_MAX];
};
TG_MUST_CHECK tg_err tg_srtp_tx_new_session(struct tg_srtp_tx **ret,
                                            const struct tg_srtp_session_keys *keys);

#endif
