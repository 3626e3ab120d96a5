/* GCM on Intel's multi-buffer library, by its direct calls: no job, no queue, no manager. */
#include "proto/srtp_priv.h"

#if TG_IPSEC_MB
#define NO_COMPAT_IMB_API_053 /* its old macros would rename OpenSSL's functions */
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>

enum { TAG_LEN = 16 };

/*
 * The calls for this CPU, set once before the engine is published. They keep nothing between calls
 * but the library's error number: one global word, which every call clears. That store is shared by
 * all workers and nobody reads it; arguments are checked here. Measured: 0.10 us instead of 0.075
 * when two cores do nothing else.
 */
static aes_gcm_pre_t expand;
static aes_gcm_enc_dec_t encrypt;
static aes_gcm_enc_dec_t decrypt;

static void seal_with(const struct gcm_key_data *key, const struct tg_srtp_box *box)
{
    struct gcm_context_data ctx; /* the call fills it */

    encrypt(key, &ctx, box->out, box->in, box->len, box->iv, box->clear.data, box->clear.len,
            box->tag, TAG_LEN);
}

static bool open_with(const struct gcm_key_data *key, const struct tg_srtp_box *box)
{
    struct gcm_context_data ctx;
    uint8_t tag[TAG_LEN];

    decrypt(key, &ctx, box->out, box->in, box->len, box->iv, box->clear.data, box->clear.len, tag,
            TAG_LEN);
    return CRYPTO_memcmp(tag, box->tag, TAG_LEN) == 0;
}

/* --- RTP: the expanded key is kept, 1 KB ------------------------------------------------------ */

static tg_err kept_init(void *state, const struct tg_srtp_session_keys *keys)
{
    expand(keys->cipher, state);
    return TG_OK;
}

static void kept_done(void *state)
{
    (void)state; /* the caller wipes it */
}

static bool kept_seal(void *state, const struct tg_srtp_box *box)
{
    seal_with(state, box);
    return true;
}

static bool kept_open(void *state, const struct tg_srtp_box *box)
{
    return open_with(state, box);
}

static const struct tg_srtp_suite suite_kept = {
    .gcm = true,
    .tag_len = TAG_LEN,
    .state_size = sizeof(struct gcm_key_data),
    .init = kept_init,
    .done = kept_done,
    .seal = kept_seal,
    .unseal = kept_open,
};

/* --- RTCP: the key is expanded for each packet, 0.1 us ---------------------------------------- */

struct lean {
    uint8_t key[TG_SRTP_KEY_LEN];
};

static tg_err lean_init(void *state, const struct tg_srtp_session_keys *keys)
{
    struct lean *l = state;

    memcpy(l->key, keys->cipher, sizeof(l->key));
    return TG_OK;
}

static bool lean_seal(void *state, const struct tg_srtp_box *box)
{
    const struct lean *l = state;
    _Alignas(TG_SRTP_STATE_ALIGN) struct gcm_key_data key;

    expand(l->key, &key);
    seal_with(&key, box);
    OPENSSL_cleanse(&key, sizeof(key));
    return true;
}

static bool lean_open(void *state, const struct tg_srtp_box *box)
{
    const struct lean *l = state;
    _Alignas(TG_SRTP_STATE_ALIGN) struct gcm_key_data key;

    expand(l->key, &key);
    bool ok = open_with(&key, box);

    OPENSSL_cleanse(&key, sizeof(key));
    return ok;
}

static const struct tg_srtp_suite suite_lean = {
    .gcm = true,
    .tag_len = TAG_LEN,
    .state_size = sizeof(struct lean),
    .init = lean_init,
    .done = kept_done,
    .seal = lean_seal,
    .unseal = lean_open,
};

static const struct tg_srtp_engine engine_sse = {
    .name = "ipsec-mb", .gcm_rtp = &suite_kept, .gcm_rtcp = &suite_lean};
static const struct tg_srtp_engine engine_vaes = {
    .name = "ipsec-mb-vaes", .gcm_rtp = &suite_kept, .gcm_rtcp = &suite_lean};

static bool usable(IMB_MGR *mgr)
{
    const uint64_t need = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ;

    if (imb_get_errno(mgr) != 0 || (mgr->features & need) != need)
        return false;
    return (mgr->features & IMB_FEATURE_SELF_TEST) == 0 ||
           (mgr->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
}

const struct tg_srtp_engine *tg_srtp_engine_imb(void)
{
    const uint64_t vaes = IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ;
    const struct tg_srtp_engine *engine = NULL;
    IMB_MGR *mgr = alloc_mb_mgr(0);

    if (mgr == NULL)
        return NULL;
    init_mb_mgr_auto(mgr, NULL);
    if (usable(mgr)) {
        /* 200 KB of queues go again: the direct calls need none of it. */
        expand = mgr->gcm128_pre;
        encrypt = mgr->gcm128_enc;
        decrypt = mgr->gcm128_dec;
        engine = (mgr->features & vaes) == vaes ? &engine_vaes : &engine_sse;
    }
    free_mb_mgr(mgr);
    return engine;
}
#else
const struct tg_srtp_engine *tg_srtp_engine_imb(void)
{
    return NULL;
}
#endif
