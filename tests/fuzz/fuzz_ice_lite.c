/*
 * The ICE engine: bytes choose who sends what when. Each step is op, arg; ops: a good or spoilt
 * check from one of eight addresses, the answer to our last own check, raw bytes, restarts, time
 * passing. Restarts make generations of credentials; a check names one of the last four.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "proto/ice_lite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GENERATIONS = 10 };

struct creds {
    char text[4][25]; /* local and remote ufrag, local and remote password */
};

static void creds_of(struct creds *c, int generation)
{
    static const char *const texts[] = {"SRV0", "CLN0", "0serverPasswordOf24char+",
                                        "0clientPasswordOf24char/"};
    static const unsigned at[] = {3, 3, 0, 0};

    for (size_t i = 0; i < 4; i++) {
        memcpy(c->text[i], texts[i], strlen(texts[i]) + 1);
        c->text[i][at[i]] = (char)('0' + generation);
    }
}

struct world {
    struct tg_rng rng;
    struct tg_ice ice;
    tg_us now;
    struct tg_addr asked; /* where our last own check went */
    uint8_t asked_id[TG_STUN_ID_SIZE];
    bool proved[8]; /* answered an own check, or was the first */
    bool any_valid;
    int cur;        /* generation of the credentials */
    int old;        /* the one still answered, -1 = none */
    int asked_with; /* generation of our last own check */
    bool answered;  /* a success came out of the last input */
};

static struct tg_addr addr_of(unsigned n)
{
    return tg_addr_v4(10, 0, 0, (uint8_t)(n & 7), 1000);
}

static void drain(struct world *w)
{
    struct tg_ice_out out;
    unsigned count = 0;

    w->answered = false;
    while (tg_ice_poll(&w->ice, &out)) {
        struct tg_stun msg;

        TG_ASSERT(++count <= TG_ICE_OUT_MAX);
        if (out.kind == TG_ICE_SELECTED)
            TG_ASSERT(w->proved[out.addr.ip[15] & 7]); /* the property that matters */
        if (out.kind == TG_ICE_RETIRED) {
            TG_ASSERT(w->old >= 0);
            w->old = -1;
        }
        if (out.kind != TG_ICE_SEND)
            continue;
        TG_ASSERT(tg_stun_parse(&msg, out.bytes.data, out.bytes.len) == TG_OK);
        w->answered = w->answered || msg.type == TG_STUN_SUCCESS;
        if (msg.type == TG_STUN_REQUEST) {
            TG_ASSERT(msg.username.len == 9 && msg.username.data[3] == msg.username.data[8]);
            w->asked_with = msg.username.data[3] - '0';
            TG_ASSERT(w->asked_with == w->cur || w->asked_with == w->old);
            w->asked = out.addr;
            memcpy(w->asked_id, msg.id, sizeof(w->asked_id));
        }
    }
    TG_ASSERT(w->ice.addr_count <= TG_ICE_ADDRS_MAX);
    TG_ASSERT(tg_ice_deadline(&w->ice) > 0);
}

static void input(struct world *w, const struct tg_addr *from, const struct tg_stun *msg,
                  const char *pwd)
{
    uint8_t bytes[TG_STUN_SIZE_MAX];
    size_t len = 0;

    if (tg_stun_write(bytes, sizeof(bytes), &len, msg, pwd) == TG_OK)
        (void)tg_ice_input(&w->ice, w->now, from, bytes, len);
    drain(w);
}

static void step_check(struct world *w, uint8_t arg)
{
    const struct tg_addr from = addr_of(arg);
    const bool spoilt = (arg & 0x10) != 0;
    const int generation = TG_MAX(w->cur - (arg >> 6), 0);
    const bool known = generation == w->cur || generation == w->old;
    struct creds c;
    char name[10];
    struct tg_stun msg = {.type = TG_STUN_REQUEST,
                          .username = tg_span(name, 9),
                          .use_candidate = (arg & 0x08) != 0,
                          .has_controlling = (arg & 0x20) == 0,
                          .has_controlled = (arg & 0x20) != 0};

    creds_of(&c, generation);
    memcpy(name, c.text[0], 4);
    name[4] = ':';
    memcpy(name + 5, c.text[1], 5);
    if (known && !spoilt && msg.has_controlling && !w->any_valid && !w->ice.expired) {
        w->any_valid = true;
        w->proved[arg & 7] = true;
    }
    const bool good = known && !spoilt && msg.has_controlling && !w->ice.expired;
    input(w, &from, &msg, c.text[spoilt ? 3 : 2]);
    TG_ASSERT(w->answered == good);
}

static void step_answer(struct world *w, uint8_t arg)
{
    const bool spoilt = (arg & 0x10) != 0;
    struct tg_stun msg = {.type = TG_STUN_SUCCESS};
    const struct tg_addr from = (arg & 0x20) != 0 ? addr_of(arg) : w->asked;
    struct creds c;

    creds_of(&c, w->asked_with);
    memcpy(msg.id, w->asked_id, sizeof(msg.id));
    if (!spoilt && tg_addr_equal(&from, &w->asked))
        w->proved[from.ip[15] & 7] = true;
    input(w, &from, &msg, c.text[spoilt ? 2 : 3]);
}

static void step_restart(struct world *w)
{
    struct creds c;
    const struct tg_ice_creds creds = {.local_ufrag = c.text[0],
                                       .local_pwd = c.text[2],
                                       .remote_ufrag = c.text[1],
                                       .remote_pwd = c.text[3]};

    if (w->cur + 1 == GENERATIONS)
        return;
    creds_of(&c, w->cur + 1);
    if (tg_ice_restart(&w->ice, w->now, &creds) == TG_OK) {
        if (w->old < 0)
            w->old = w->cur;
        w->cur++;
    }
    drain(w);
}

static void step(struct world *w, uint8_t op, uint8_t arg, struct tg_rd *r)
{
    const struct tg_addr from = addr_of(arg);
    struct tg_span raw;

    switch (op & 7) {
    case 0:
    case 1:
        step_check(w, arg);
        break;
    case 2:
        step_answer(w, arg);
        break;
    case 3:
        raw = tg_rd_span(r, TG_MIN((size_t)arg, tg_rd_left(r)));
        (void)tg_ice_input(&w->ice, w->now, &from, raw.data, raw.len);
        drain(w);
        break;
    case 4:
        step_restart(w);
        break;
    default:
        w->now += (tg_us)arg * arg * 1000;
        tg_ice_tick(&w->ice, w->now);
        drain(w);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    struct tg_rd r = tg_rd(data, size);
    struct creds c;
    struct tg_ice_cfg cfg = {.local_ufrag = c.text[0],
                             .local_pwd = c.text[2],
                             .remote_ufrag = c.text[1],
                             .remote_pwd = c.text[3],
                             .rng = &w.rng};

    creds_of(&c, 0);
    memset(&w, 0, sizeof(w));
    w.old = -1;
    w.rng = tg_rng_seeded(1);
    w.now = 1;
    TG_ASSERT(tg_ice_init(&w.ice, &cfg) == TG_OK);
    while (tg_rd_left(&r) >= 2) {
        const uint8_t op = tg_rd_u8(&r);

        step(&w, op, tg_rd_u8(&r), &r);
    }
    tg_ice_done(&w.ice);
    return 0;
}
