/*
 * srtp_priv.h - inner steps of SRTP that the RFCs' test vectors speak about, and the engines.
 *
 * A suite protects and opens single packets under one key; what a packet is, its nonce and its
 * numbers are srtp_tx.c's and srtcp_rx.c's business. Engines differ in their GCM only:
 *
 *   evp        OpenSSL, everywhere
 *   ipsec-mb   Intel's library on x86-64: one call a packet on a key expanded once
 *
 * AES-CM with HMAC-SHA1 is OpenSSL's in both: a single packet's hash is faster there.
 */
#ifndef TG_PROTO_SRTP_PRIV_H
#define TG_PROTO_SRTP_PRIV_H

#include "proto/srtp.h"

enum tg_srtp_label { /* RFC 3711 s4.3.2: RTCP's follow RTP's */
                     TG_SRTP_LABEL_CIPHER,
                     TG_SRTP_LABEL_AUTH,
                     TG_SRTP_LABEL_SALT,
                     TG_SRTP_LABEL_RTCP_CIPHER,
                     TG_SRTP_LABEL_RTCP_AUTH,
                     TG_SRTP_LABEL_RTCP_SALT,
};
enum {
    TG_SRTP_AUTH_KEY_LEN = 20,
    TG_SRTP_IV_LEN_GCM = 12,
    TG_SRTP_IV_LEN = 16, /* CM's; the longer one */
    TG_SRTP_RTCP_CLEAR = 8,
    TG_SRTP_RTCP_INDEX_LEN = 4,
};

/* RFC 3711 s4.3.1: len bytes of session key from the master key and its 14-byte (padded) salt. */
TG_MUST_CHECK tg_err tg_srtp_derive(uint8_t *out, size_t len, enum tg_srtp_label label,
                                    const uint8_t key[TG_SRTP_KEY_LEN],
                                    const uint8_t salt[TG_SRTP_SALT_MAX]);

/* Session keys of RTP or of RTCP, as they come out of derive; auth is unused for GCM. */
struct tg_srtp_session_keys {
    enum tg_srtp_profile profile;
    uint8_t cipher[TG_SRTP_KEY_LEN];
    uint8_t auth[TG_SRTP_AUTH_KEY_LEN];
    uint8_t salt[TG_SRTP_SALT_MAX];
};
/*
 * Those that the client (or the server) sends with; `first` is TG_SRTP_LABEL_CIPHER or
 * TG_SRTP_LABEL_RTCP_CIPHER. Errors: UNSUPPORTED (profile), NOMEM, IO. Wipe them after use.
 */
TG_MUST_CHECK tg_err tg_srtp_session_keys(struct tg_srtp_session_keys *ret,
                                          const struct tg_srtp_keys *keys, bool client,
                                          enum tg_srtp_label first);
TG_MUST_CHECK tg_err tg_srtp_tx_new_session(struct tg_srtp_tx **ret,
                                            const struct tg_srtp_session_keys *rtp,
                                            const struct tg_srtp_session_keys *rtcp);
TG_MUST_CHECK tg_err tg_srtcp_rx_new_session(struct tg_srtcp_rx **ret,
                                             const struct tg_srtp_session_keys *rtcp);

/* One packet for a suite. */
struct tg_srtp_box {
    struct tg_span clear; /* authenticated in front of the body */
    const uint8_t *in;    /* the body: in == out or no overlap */
    uint8_t *out;
    size_t len;
    uint8_t *tag;               /* unseal: compared; seal: written */
    uint8_t iv[TG_SRTP_IV_LEN]; /* tg_srtp_iv() */
    uint32_t tail; /* CM: authenticated after the body: ROC, or E bit and SRTCP index */
};

struct tg_srtp_suite {
    bool gcm;
    uint8_t tag_len;
    size_t state_size; /* to be aligned to TG_SRTP_STATE_ALIGN, zeroed */
    tg_err (*init)(void *state, const struct tg_srtp_session_keys *keys); /* NOMEM, IO */
    void (*done)(void *state); /* a zeroed or half-made state is legal; the caller wipes it */
    bool (*seal)(void *state, const struct tg_srtp_box *box);   /* false: the library refused */
    bool (*unseal)(void *state, const struct tg_srtp_box *box); /* false: wrong tag */
};
enum { TG_SRTP_STATE_ALIGN = 64 };

struct tg_srtp_engine {
    const char *name;
    const struct tg_srtp_suite *gcm_rtp;  /* fast packets */
    const struct tg_srtp_suite *gcm_rtcp; /* few packets: less memory a peer */
};

extern const struct tg_srtp_suite tg_srtp_suite_cm;
extern const struct tg_srtp_engine tg_srtp_engine_evp;
/* NULL where the CPU or the build has none. Not thread-safe: srtp_engine.c calls it once. */
const struct tg_srtp_engine *tg_srtp_engine_imb(void);
/* The engine for new objects. Thread-safe. */
const struct tg_srtp_engine *tg_srtp_engine(void);
const struct tg_srtp_suite *tg_srtp_suite_of(enum tg_srtp_profile profile, bool rtcp);

/* A salt as the two halves of 16 bytes, big-endian: made once, so that a nonce is two xors. */
struct tg_srtp_salt {
    uint64_t high;
    uint64_t low;
};
struct tg_srtp_salt tg_srtp_salt(const uint8_t salt[TG_SRTP_SALT_MAX]);

static inline void tg_srtp_be64(uint8_t out[8], uint64_t value)
{
    /* One swapped store on every compiler of ours. */
    out[0] = (uint8_t)(value >> 56);
    out[1] = (uint8_t)(value >> 48);
    out[2] = (uint8_t)(value >> 40);
    out[3] = (uint8_t)(value >> 32);
    out[4] = (uint8_t)(value >> 24);
    out[5] = (uint8_t)(value >> 16);
    out[6] = (uint8_t)(value >> 8);
    out[7] = (uint8_t)value;
}

/*
 * A nonce: the salt xor the big-endian SSRC and 48-bit index at fixed places. The index is
 * ROC || SEQ of RTP (RFC 3711 s4.1.1, RFC 7714 s8.1) or the 31 bits of SRTCP (s9.1).
 *
 *   GCM: 00 00 | SSRC 4 | index 6 (| 4 unused)     CM: 4 zero bytes | SSRC 4 | index 6 | counter 2
 */
static inline void tg_srtp_iv(uint8_t iv[TG_SRTP_IV_LEN], bool gcm, const struct tg_srtp_salt *salt,
                              uint32_t ssrc, uint64_t index)
{
    const uint64_t high = gcm ? (uint64_t)ssrc << 16 | (index >> 32 & 0xffff) : ssrc;
    const uint64_t low = gcm ? index << 32 : index << 16;

    tg_srtp_be64(iv, salt->high ^ high);
    tg_srtp_be64(iv + 8, salt->low ^ low);
}

#endif
