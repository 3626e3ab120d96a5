/*
 * Two peers joined by a wire that the input mistreats: deliver, lose, repeat, reorder, damage, put
 * raw bytes in, let time pass, restart ICE (both or one side), close. Nothing may crash, and both
 * must end once told to.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/macros.h"
#include "rtc/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WIRE_MAX = 32, STEPS_MAX = 200 };

struct datagram {
    unsigned to;
    uint16_t len;
    uint8_t bytes[TG_UDP_PACKET_MAX];
};

struct world {
    struct tg_rng rng;
    struct tg_peer *peers[2]; /* server, client */
    struct tg_addr addrs[2];
    bool closed[2];
    tg_us now;
    char generation; /* of ICE credentials: 'a', then up */
    struct datagram wire[WIRE_MAX];
    size_t count;
};

static struct tg_dtls_ctx *contexts[2]; /* made once: a certificate is slow */

static void put(struct world *w, unsigned to, struct tg_span bytes)
{
    struct datagram *d;

    if (w->count == WIRE_MAX || bytes.len > TG_UDP_PACKET_MAX)
        return;
    d = &w->wire[w->count++];
    d->to = to;
    d->len = (uint16_t)bytes.len;
    if (bytes.len > 0)
        memcpy(d->bytes, bytes.data, bytes.len);
}

static void drain(struct world *w, unsigned side)
{
    struct tg_peer_out out;
    unsigned count = 0;

    while (tg_peer_poll(w->peers[side], &out)) {
        TG_ASSERT(++count < 100 && !w->closed[side]); /* nothing follows CLOSED */
        if (out.kind == TG_PEER_OUT_SEND)
            put(w, !side, out.bytes);
        w->closed[side] = out.kind == TG_PEER_OUT_CLOSED;
    }
}

static void deliver(struct world *w, size_t at, bool keep)
{
    struct datagram d = w->wire[at];

    if (!keep) {
        w->count--;
        memmove(w->wire + at, w->wire + at + 1, (w->count - at) * sizeof(w->wire[0]));
    }
    (void)tg_peer_input(w->peers[d.to], w->now, &w->addrs[!d.to], d.bytes, d.len);
    drain(w, d.to);
}

static void pass_time(struct world *w, tg_us us)
{
    w->now += us;
    for (unsigned i = 0; i < 2; i++) {
        tg_peer_tick(w->peers[i], w->now);
        drain(w, i);
        TG_ASSERT(tg_peer_deadline(w->peers[i], w->now) > 0);
    }
}

static void restart(struct world *w, unsigned sides)
{
    char ufrag[2][5] = {"SRVx", "CLNx"};
    char pwd[2][25] = {"xserverPasswordOf24char+", "xclientPasswordOf24char/"};

    w->generation = w->generation == 'z' ? 'a' : (char)(w->generation + 1);
    for (unsigned i = 0; i < 2; i++) {
        ufrag[i][3] = w->generation;
        pwd[i][0] = w->generation;
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct tg_ice_creds creds = {.local_ufrag = ufrag[i],
                                           .local_pwd = pwd[i],
                                           .remote_ufrag = ufrag[!i],
                                           .remote_pwd = pwd[!i]};

        if ((sides >> i & 1) != 0)
            TG_ASSERT((tg_peer_restart(w->peers[i], w->now, &creds) == TG_OK) != w->closed[i]);
        drain(w, i);
    }
}

static void step(struct world *w, uint8_t op, uint8_t arg, struct tg_rd *r)
{
    const size_t at = w->count == 0 ? 0 : arg % w->count;

    if ((op & 7) < 6 && w->count == 0)
        op = 6;
    switch (op & 7) {
    case 0:
    case 1:
        deliver(w, 0, false);
        break;
    case 2:
        deliver(w, at, false);
        break;
    case 3:
        deliver(w, at, true);
        break;
    case 4:
        w->wire[at].bytes[tg_rd_u8(r) % TG_MAX(w->wire[at].len, 1)] ^= tg_rd_u8(r);
        break;
    case 5:
        put(w, arg & 1, tg_rd_span(r, TG_MIN((size_t)(arg >> 1), tg_rd_left(r))));
        break;
    case 6:
        pass_time(w, (tg_us)arg * arg * 500);
        break;
    default:
        if (arg > 250)
            tg_peer_close(w->peers[arg & 1], w->now);
        if (arg >= 240 && arg < 250)
            restart(w, arg < 244 ? 3 : arg & 3);
        w->addrs[1].port ^= arg == 250;
        drain(w, arg & 1);
        break;
    }
}

static void open_world(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        if (contexts[i] == NULL)
            TG_ASSERT(tg_dtls_ctx_new(&contexts[i]) == TG_OK);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct tg_peer_cfg cfg = {
            .client = i == 1,
            .receives = true,
            .local_ufrag = i == 1 ? "CLNT" : "SERV",
            .local_pwd = i == 1 ? "clientPasswordOf24chars/" : "serverPasswordOf24chars+",
            .remote_ufrag = i == 1 ? "SERV" : "CLNT",
            .remote_pwd = i == 1 ? "serverPasswordOf24chars+" : "clientPasswordOf24chars/",
            .dtls_ctx = contexts[i],
            .rng = &w->rng};

        memcpy(cfg.remote_sha256, tg_dtls_ctx_fingerprint(contexts[!i]), TG_FINGERPRINT_LEN);
        TG_ASSERT(tg_peer_new(&w->peers[i], &cfg, w->now) == TG_OK);
        w->addrs[i] = tg_addr_v4(10, 0, 0, (uint8_t)(i + 1), (uint16_t)(5000 + i));
    }
    tg_peer_connect(w->peers[1], w->now, &w->addrs[0]);
    drain(w, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct tg_rd r = tg_rd(data, size);

    memset(&w, 0, sizeof(w));
    w.rng = tg_rng_seeded(1);
    w.now = 1;
    w.generation = 'a';
    open_world(&w);
    for (int i = 0; i < STEPS_MAX && tg_rd_left(&r) >= 2; i++) {
        const uint8_t op = tg_rd_u8(&r);

        step(&w, op, tg_rd_u8(&r), &r);
    }
    for (unsigned i = 0; i < 2; i++) {
        tg_peer_close(w.peers[i], w.now);
        drain(&w, i);
        TG_ASSERT(w.closed[i]);
        tg_peer_free(w.peers[i]);
    }
    return 0;
}
