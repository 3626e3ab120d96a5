/* Which engine protects: chosen once by the CPU, then a pointer. */
#include <stdatomic.h>

#include "base/macros.h"
#include "proto/srtp_priv.h"

static _Atomic(const struct tg_srtp_engine *) forced; /* tests and measurements */

/* The best one of this machine. Whoever comes first looks for it, the others wait (1 ms, once). */
static const struct tg_srtp_engine *best(void)
{
    enum { COLD, WARMING, READY };
    static atomic_int state = COLD;
    static const struct tg_srtp_engine *engine; /* published by READY */
    int seen = atomic_load_explicit(&state, memory_order_acquire);

    if (TG_LIKELY(seen == READY))
        return engine;
    seen = COLD;
    if (atomic_compare_exchange_strong(&state, &seen, WARMING)) {
        engine = tg_srtp_engine_imb();
        if (engine == NULL)
            engine = &tg_srtp_engine_evp;
        atomic_store(&state, READY);
        seen = READY;
    }
    while (seen != READY)
        seen = atomic_load(&state);
    return engine;
}

const struct tg_srtp_engine *tg_srtp_engine(void)
{
    const struct tg_srtp_engine *engine = atomic_load(&forced);

    return engine == NULL ? best() : engine;
}

const char *tg_srtp_tx_engine_name(void)
{
    return tg_srtp_engine()->name;
}

tg_err tg_srtp_tx_engine(enum tg_srtp_tx_engine which)
{
    if (which == TG_SRTP_TX_EVP) {
        atomic_store(&forced, &tg_srtp_engine_evp);
        return TG_OK;
    }
    if (which == TG_SRTP_TX_IPSEC_MB && best() == &tg_srtp_engine_evp)
        return TG_ERR_UNSUPPORTED;
    atomic_store(&forced, NULL);
    return TG_OK;
}

const struct tg_srtp_suite *tg_srtp_suite_of(enum tg_srtp_profile profile, bool rtcp)
{
    if (profile == TG_SRTP_AES128_CM_SHA1_80)
        return &tg_srtp_suite_cm;
    return rtcp ? tg_srtp_engine()->gcm_rtcp : tg_srtp_engine()->gcm_rtp;
}
