/*
 * fuzz_dtls_parked.c - datagrams (two length bytes each) to a parked session with known keys. First
 * byte: bit 0 the key size, bit 1 lets time pass. A datagram that begins with 0xff is sealed: its
 * rest (type, then plaintext) becomes a valid record, so that what is inside is tried, too.
 */
#include <openssl/evp.h>
#include <string.h>

#include "base/macros.h"
#include "proto/dtls_park.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEALED_MAX = 256 };

static const struct tg_dtls_park_dir theirs = {.key = "client key of thirty-two bytes..",
                                               .salt = "cli"};

/* AES-256 only: what is sealed for the other key size fails to authenticate, which is a test, too.
 */
static size_t seal(uint8_t out[SEALED_MAX], uint64_t seq, struct tg_span in)
{
    EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
    struct tg_rd r = tg_rd(in.data, in.len);
    struct tg_wr w = tg_wr(out, SEALED_MAX);
    uint8_t aad[13];
    struct tg_wr a = tg_wr(aad, sizeof(aad));
    uint8_t iv[12] = {0};
    const uint8_t type = tg_rd_u8(&r);
    const size_t len = TG_MIN(tg_rd_left(&r), (size_t)80);
    const struct tg_span text = tg_rd_span(&r, len);
    int done = 0;

    tg_wr_u8(&w, type);
    tg_wr_u16(&w, 0xfefd);
    tg_wr_u64(&w, (uint64_t)1 << 48 | seq);
    tg_wr_u16(&w, (uint16_t)(8 + len + 16));
    tg_wr_u64(&w, seq);
    tg_wr_u64(&a, (uint64_t)1 << 48 | seq);
    tg_wr_u8(&a, type);
    tg_wr_u16(&a, 0xfefd);
    tg_wr_u16(&a, (uint16_t)len);
    memcpy(iv, theirs.salt, sizeof(theirs.salt));
    memcpy(iv + 4, out + 13, 8);
    uint8_t *cipher = tg_wr_skip(&w, len + 16);

    TG_ASSERT(evp != NULL && cipher != NULL);
    TG_ASSERT(EVP_EncryptInit_ex(evp, EVP_aes_256_gcm(), NULL, theirs.key, iv) == 1);
    TG_ASSERT(EVP_EncryptUpdate(evp, NULL, &done, aad, sizeof(aad)) == 1);
    if (len > 0)
        TG_ASSERT(EVP_EncryptUpdate(evp, cipher, &done, text.data, (int)len) == 1);
    TG_ASSERT(EVP_EncryptFinal_ex(evp, cipher + len, &done) == 1);
    TG_ASSERT(EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_GCM_GET_TAG, 16, cipher + len) == 1);
    EVP_CIPHER_CTX_free(evp);
    return tg_wr_len(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd r = tg_rd(data, size);
    const uint8_t flags = tg_rd_u8(&r);
    const struct tg_dtls_park_cfg cfg = {.key_len = (flags & 1) != 0 ? 16 : 32,
                                         .read = theirs,
                                         .write = {.key = "server key", .salt = "srv"},
                                         .next_seq = 1,
                                         .flight = tg_span("flight", 6)};
    struct tg_dtls_park *p = NULL;
    uint8_t alert[TG_DTLS_PARK_CLOSE_LEN];
    unsigned resends = 0;
    tg_us now = TG_US_PER_S;

    TG_ASSERT(tg_dtls_park_new(&p, &cfg) == TG_OK);
    for (unsigned i = 0; !r.bad && tg_rd_left(&r) > 0 && i < 64; i++) {
        const uint16_t len = tg_rd_u16(&r);
        struct tg_span g = tg_rd_span(&r, TG_MIN((size_t)len, tg_rd_left(&r)));
        uint8_t sealed[SEALED_MAX];
        enum tg_dtls_park_event event;

        if (g.len > 1 && g.data[0] == 0xff)
            g = tg_span(sealed, seal(sealed, i * (flags >> 4), tg_span(g.data + 1, g.len - 1)));
        event = tg_dtls_park_input(p, now, g.data, g.len);
        TG_ASSERT(cfg.key_len == 32 || event == TG_DTLS_PARK_NOTHING); /* no key, no effect */
        resends += event == TG_DTLS_PARK_RESEND;
        /* The same bytes again: an alert counts once. */
        event = tg_dtls_park_input(p, now, g.data, g.len);
        TG_ASSERT(event == TG_DTLS_PARK_NOTHING);
        now += (flags & 2) != 0 ? TG_DTLS_PARK_RESEND_US : 1;
    }
    TG_ASSERT(resends <= TG_DTLS_PARK_RESENDS_MAX);
    TG_ASSERT(tg_dtls_park_close(p, alert) == TG_OK);
    tg_dtls_park_free(p);
    return 0;
}
