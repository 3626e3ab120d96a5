#include "proto/dtls_park.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/alloc.h"

enum {
    TYPE_ALERT = 21,
    TYPE_HANDSHAKE = 22,
    VERSION = 0xfefd, /* DTLS 1.2 */
    EPOCH = 1,
    NONCE_LEN = 8, /* the explicit part */
    IV_LEN = TG_DTLS_PARK_SALT_LEN + NONCE_LEN,
    TAG_LEN = 16,
    AAD_LEN = 13,
    ALERT_LEN = 2,
    ALERT_WARNING = 1,
    ALERT_FATAL = 2,
    CLOSE_NOTIFY = 0,
    FINISHED = 20,
    PLAIN_MAX = 64,   /* an alert has 2 bytes, a Finished 24 */
    WINDOW = 64,      /* RFC 6347 s4.1.2.6 */
    RECORDS_MAX = 16, /* of a datagram; a client's last flight is five records, or some fragments */
    OPENS_MAX = 2,    /* ... of them decrypted: a Finished and an alert */
};

struct tg_dtls_park {
    size_t key_len;
    struct tg_dtls_park_dir read;
    struct tg_dtls_park_dir write;
    uint64_t next_seq;
    uint64_t next_nonce;
    uint64_t read_top;  /* the highest sequence number of an alert, when seen != 0 */
    uint64_t read_seen; /* bit i: read_top - i came */
    tg_us resent_at;
    unsigned resends;
    size_t flight_len;
    uint8_t flight[TG_DTLS_PARK_FLIGHT_MAX];
};

/* A record as it came; its body is inside the datagram. */
struct record {
    uint8_t type;
    uint64_t epoch_seq; /* 16 bits of epoch, 48 of sequence number: as they are authenticated */
    struct tg_span nonce;
    struct tg_span text; /* ciphertext */
    struct tg_span tag;
};

tg_err tg_dtls_park_new(struct tg_dtls_park **ret, const struct tg_dtls_park_cfg *cfg)
{
    struct tg_dtls_park *p;

    if ((cfg->key_len != 16 && cfg->key_len != TG_DTLS_PARK_KEY_MAX) || cfg->flight.len == 0 ||
        cfg->flight.len > TG_DTLS_PARK_FLIGHT_MAX)
        return TG_ERR_LIMIT;
    p = tg_calloc(1, sizeof(*p));
    if (p == NULL)
        return TG_ERR_NOMEM;
    p->key_len = cfg->key_len;
    p->read = cfg->read;
    p->write = cfg->write;
    p->next_seq = cfg->next_seq;
    p->next_nonce = cfg->next_nonce;
    p->flight_len = cfg->flight.len;
    memcpy(p->flight, cfg->flight.data, cfg->flight.len);
    *ret = p;
    return TG_OK;
}

void tg_dtls_park_free(struct tg_dtls_park *p)
{
    if (p == NULL)
        return;
    OPENSSL_cleanse(p, sizeof(*p));
    tg_free(p);
}

struct tg_span tg_dtls_park_flight(const struct tg_dtls_park *p)
{
    return tg_span(p->flight, p->flight_len);
}

/* --- AES-GCM ---------------------------------------------------------------------------------- */

static bool cipher_begin(EVP_CIPHER_CTX *evp, const struct tg_dtls_park *p,
                         const struct tg_dtls_park_dir *dir, const uint8_t *nonce, int encrypt)
{
    uint8_t iv[IV_LEN];

    memcpy(iv, dir->salt, TG_DTLS_PARK_SALT_LEN);
    memcpy(iv + TG_DTLS_PARK_SALT_LEN, nonce, NONCE_LEN);
    return EVP_CipherInit_ex(evp, p->key_len == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), NULL,
                             dir->key, iv, encrypt) == 1;
}

/* RFC 5246 s6.2.3.3: sequence number (with the epoch), type, version, length of the plaintext. */
static bool cipher_aad(EVP_CIPHER_CTX *evp, uint64_t epoch_seq, uint8_t type, size_t plain_len)
{
    uint8_t aad[AAD_LEN];
    struct tg_wr w = tg_wr(aad, sizeof(aad));
    int len = 0;

    tg_wr_u64(&w, epoch_seq);
    tg_wr_u8(&w, type);
    tg_wr_u16(&w, VERSION);
    tg_wr_u16(&w, (uint16_t)plain_len);
    return EVP_CipherUpdate(evp, NULL, &len, aad, AAD_LEN) == 1;
}

/* Does the record authenticate? Its plaintext in out then. */
static bool open_record(const struct tg_dtls_park *p, const struct record *rec,
                        uint8_t out[PLAIN_MAX])
{
    EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
    uint8_t tag[TAG_LEN];
    int len = 0;
    bool ok;

    memcpy(tag, rec->tag.data, sizeof(tag)); /* the library wants it writable */
    ERR_clear_error();
    ok = evp != NULL && cipher_begin(evp, p, &p->read, rec->nonce.data, 0) &&
         cipher_aad(evp, rec->epoch_seq, rec->type, rec->text.len) &&
         EVP_CipherUpdate(evp, out, &len, rec->text.data, (int)rec->text.len) == 1 &&
         EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
         EVP_CipherFinal_ex(evp, out + len, &len) == 1;
    EVP_CIPHER_CTX_free(evp);
    return ok;
}

tg_err tg_dtls_park_close(struct tg_dtls_park *p, uint8_t ret[TG_DTLS_PARK_CLOSE_LEN])
{
    static const uint8_t alert[ALERT_LEN] = {ALERT_WARNING, CLOSE_NOTIFY};
    const uint64_t epoch_seq = (uint64_t)EPOCH << 48 | p->next_seq;
    EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
    uint8_t record[TG_DTLS_PARK_CLOSE_LEN];
    struct tg_wr w = tg_wr(record, sizeof(record));
    uint8_t *nonce;
    uint8_t *text;
    int len = 0;
    bool ok;

    tg_wr_u8(&w, TYPE_ALERT);
    tg_wr_u16(&w, VERSION);
    tg_wr_u64(&w, epoch_seq);
    tg_wr_u16(&w, NONCE_LEN + ALERT_LEN + TAG_LEN);
    nonce = record + tg_wr_len(&w);
    tg_wr_u64(&w, p->next_nonce);
    text = tg_wr_skip(&w, ALERT_LEN);
    ERR_clear_error();
    ok = evp != NULL && !w.bad && cipher_begin(evp, p, &p->write, nonce, 1) &&
         cipher_aad(evp, epoch_seq, TYPE_ALERT, ALERT_LEN) &&
         EVP_CipherUpdate(evp, text, &len, alert, ALERT_LEN) == 1 &&
         EVP_CipherFinal_ex(evp, text + len, &len) == 1 &&
         EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + ALERT_LEN) == 1;
    EVP_CIPHER_CTX_free(evp);
    p->next_seq++;
    p->next_nonce++;
    memcpy(ret, record, sizeof(record));
    return ok ? TG_OK : TG_ERR_IO;
}

/* --- input ------------------------------------------------------------------------------------ */

/* False: that was the datagram's last one, or it is broken. */
static bool next_record(struct tg_rd *r, struct record *ret)
{
    struct record rec;
    struct tg_rd body;

    if (tg_rd_left(r) == 0)
        return false;
    rec.type = tg_rd_u8(r);
    const uint16_t version = tg_rd_u16(r);

    rec.epoch_seq = tg_rd_u64(r);
    const uint16_t body_len = tg_rd_u16(r);

    body = tg_rd_sub(r, body_len);
    if (r->bad || version >> 8 != VERSION >> 8)
        return false;
    rec.nonce = tg_rd_span(&body, NONCE_LEN);
    rec.text = tg_rd_span(&body, tg_rd_left(&body) < TAG_LEN ? 0 : tg_rd_left(&body) - TAG_LEN);
    rec.tag = tg_rd_span(&body, TAG_LEN);
    if (body.bad) /* too short for us, as is a ChangeCipherSpec: the next may be better */
        rec.type = 0;
    if (version != VERSION)
        rec.type = 0;
    *ret = rec;
    return true;
}

static bool seen_before(const struct tg_dtls_park *p, uint64_t seq)
{
    if (p->read_seen == 0 || seq > p->read_top)
        return false;
    return p->read_top - seq >= WINDOW || (p->read_seen >> (p->read_top - seq) & 1) != 0;
}

static void note_seen(struct tg_dtls_park *p, uint64_t seq)
{
    if (p->read_seen == 0 || seq > p->read_top) {
        const uint64_t step = p->read_seen == 0 ? WINDOW : seq - p->read_top;

        p->read_seen = (step >= WINDOW ? 0 : p->read_seen << step) | 1;
        p->read_top = seq;
    } else {
        p->read_seen |= (uint64_t)1 << (p->read_top - seq); /* < WINDOW: it was not seen before */
    }
}

static enum tg_dtls_park_event on_alert(struct tg_dtls_park *p, uint64_t seq,
                                        const uint8_t alert[ALERT_LEN])
{
    if (seen_before(p, seq))
        return TG_DTLS_PARK_NOTHING;
    note_seen(p, seq);
    if (alert[1] == CLOSE_NOTIFY)
        return TG_DTLS_PARK_CLOSED;
    return alert[0] == ALERT_FATAL ? TG_DTLS_PARK_FATAL : TG_DTLS_PARK_NOTHING;
}

/*
 * Also when it is the very record that came before: some peers retransmit byte by byte. Who replays
 * it gets a few datagrams of about its size.
 */
static enum tg_dtls_park_event on_finished(struct tg_dtls_park *p, tg_us now)
{
    if (p->resends == TG_DTLS_PARK_RESENDS_MAX ||
        (p->resends > 0 && now - p->resent_at < TG_DTLS_PARK_RESEND_US))
        return TG_DTLS_PARK_NOTHING;
    p->resends++;
    p->resent_at = now;
    return TG_DTLS_PARK_RESEND;
}

/* Only those are decrypted. */
static bool is_of_interest(const struct record *rec)
{
    return rec->epoch_seq >> 48 == EPOCH && rec->text.len > 0 && rec->text.len <= PLAIN_MAX &&
           (rec->type == TYPE_ALERT || rec->type == TYPE_HANDSHAKE);
}

static enum tg_dtls_park_event on_record(struct tg_dtls_park *p, tg_us now,
                                         const struct record *rec)
{
    const uint64_t seq = rec->epoch_seq & 0xffffffffffffU;
    uint8_t plain[PLAIN_MAX];

    if (!open_record(p, rec, plain))
        return TG_DTLS_PARK_NOTHING;
    if (rec->type == TYPE_HANDSHAKE)
        return plain[0] == FINISHED ? on_finished(p, now) : TG_DTLS_PARK_NOTHING;
    return rec->text.len == ALERT_LEN ? on_alert(p, seq, plain) : TG_DTLS_PARK_NOTHING;
}

enum tg_dtls_park_event tg_dtls_park_input(struct tg_dtls_park *p, tg_us now, const void *datagram,
                                           size_t len)
{
    struct tg_rd r = tg_rd(datagram, len);
    enum tg_dtls_park_event event = TG_DTLS_PARK_NOTHING;
    struct record rec;
    int opens = 0;

    for (int i = 0; i < RECORDS_MAX && opens < OPENS_MAX && event < TG_DTLS_PARK_CLOSED &&
                    next_record(&r, &rec);
         i++) {
        if (!is_of_interest(&rec))
            continue;
        const enum tg_dtls_park_event one = on_record(p, now, &rec);

        opens++;
        event = one == TG_DTLS_PARK_NOTHING ? event : one;
    }
    return event;
}
