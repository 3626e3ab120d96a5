/*
 * fuzz_show.c - bytes choose a show's inputs and the steps of time. Whatever comes: outputs are
 * JSON, must-arrive events are numbered without gaps, every operation has exactly one reply, and a
 * show restored from the journal says the same to a newcomer.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/macros.h"
#include "live/journal.h"
#include "show/show.h"

enum { LINES_MAX = 512 };

static const char *const skus[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "X"};
static const char *const people[] = {"pA", "pB", "s1", "pD"};

static bool sku_known(void *ctx, const char *sku)
{
    (void)ctx;
    return sku[0] != 'X';
}

static struct tg_show *make_show(void)
{
    struct tg_rng rng = tg_rng_seeded(7);
    struct tg_show_cfg cfg = tg_show_cfg_default();
    struct tg_show *show = NULL;

    cfg.id = "demo";
    cfg.title = "Demo";
    cfg.rng = &rng;
    cfg.sku_known = sku_known;
    if (tg_show_new(&show, &cfg) != TG_OK)
        abort();
    return show;
}

struct run {
    struct tg_show *show;
    struct tg_show *twin; /* restored from the journal's lines */
    tg_us now;
    int64_t seq;
    int replies;
};

static tg_err restore(void *ctx, const struct tg_show_record *rec)
{
    struct tg_show_record named = *rec;

    named.name = "N";
    return tg_show_restore(ctx, &named);
}

static void check_event(struct run *r, json_t *event)
{
    const json_t *seq = json_object_get(event, "seq");

    if (seq == NULL)
        return;
    TG_ASSERT(json_integer_value(seq) == r->seq + 1);
    r->seq++;
}

static void drain(struct run *r)
{
    struct tg_show_out out;

    r->replies = 0;
    while (tg_show_poll(r->show, &out)) {
        json_t *json;

        if (out.kind == TG_SHOW_OUT_PHASE)
            continue;
        json = json_loadb(out.json, out.len, JSON_REJECT_DUPLICATES, NULL);
        TG_ASSERT(json != NULL);
        if (out.kind == TG_SHOW_OUT_ALL)
            check_event(r, json);
        if (out.kind == TG_SHOW_OUT_REPLY && json_object_get(json, "re") != NULL)
            r->replies++;
        if (out.kind == TG_SHOW_OUT_JOURNAL)
            TG_ASSERT(tg_journal_parse(out.json, out.len, restore, r->twin) == TG_OK);
        json_decref(json);
    }
    TG_ASSERT(tg_show_seq(r->show) == r->seq);
}

static void write_joined(const struct tg_show *show, tg_us now, struct tg_buf *out)
{
    const struct tg_show_person who = {.id = "pZ", .name = "", .roles_json = "[]", .staff = true};
    const struct tg_show_join in = {.now = now,
                                    .who = &who,
                                    .token = "",
                                    .products = "[]",
                                    .products_len = 2,
                                    .cart = "{}",
                                    .cart_len = 2,
                                    .notice = "",
                                    .since = 0};
    bool resumed;

    tg_buf_init(out, 1024 * 1024);
    if (tg_show_write_joined(show, &in, out, &resumed) != TG_OK)
        abort();
    if (resumed) {
        size_t len;

        for (int64_t seq = 1; seq <= tg_show_seq(show); seq++)
            TG_ASSERT(tg_show_missed(show, seq, &len) != NULL);
    }
}

/* pinned, recent and seq of both; state and viewers are not the journal's. */
static void compare_twin(struct run *r)
{
    static const char *const parts[] = {"pinned", "recent", "seq"};
    struct tg_buf a;
    struct tg_buf b;
    json_t *one;
    json_t *two;

    write_joined(r->show, r->now, &a);
    write_joined(r->twin, r->now, &b);
    one = json_loadb((const char *)a.data, a.len, JSON_REJECT_DUPLICATES, NULL);
    two = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
    TG_ASSERT(one != NULL && two != NULL);
    for (size_t i = 0; i < TG_ARRAY_LEN(parts); i++)
        TG_ASSERT(json_equal(json_object_get(one, parts[i]), json_object_get(two, parts[i])));
    json_decref(one);
    json_decref(two);
    tg_buf_done(&a);
    tg_buf_done(&b);
}

/* Text of the input's next bytes, without NUL. */
static void take_text(struct tg_rd *rd, char *out, size_t size)
{
    size_t want = tg_rd_u8(rd) % size;
    struct tg_span bytes = tg_rd_span(rd, TG_MIN(want, tg_rd_left(rd)));

    for (size_t i = 0; i < bytes.len; i++)
        out[i] = bytes.data[i] == 0 ? ' ' : (char)bytes.data[i];
    out[bytes.len] = '\0';
}

/* Start, end, rehearse; what is live never turns into a rehearsal. */
static tg_err run_show(struct run *r, const struct tg_show_req *rq, uint8_t arg)
{
    const bool live = tg_show_phase(r->show) == TG_SHOW_PHASE_LIVE;
    tg_err err;

    if (arg % 4 < 2)
        return tg_show_run(r->show, rq, arg % 2 == 0 ? TG_SHOW_PHASE_LIVE : TG_SHOW_PHASE_ENDED);
    err = tg_show_rehearse(r->show, rq, arg % 2 == 0);
    TG_ASSERT(live == (tg_show_phase(r->show) == TG_SHOW_PHASE_LIVE));
    return err;
}

static void step(struct run *r, struct tg_rd *rd)
{
    uint8_t what = tg_rd_u8(rd);
    uint8_t arg = tg_rd_u8(rd);
    const char *sku = skus[arg % TG_ARRAY_LEN(skus)];
    char id[16];
    char text[64];
    char message[24];
    const struct tg_show_person who = {.id = people[(what >> 4) % TG_ARRAY_LEN(people)],
                                       .name = "N",
                                       .roles_json = "[\"viewer\"]",
                                       .staff = (what >> 4) % 4 == 2};
    const struct tg_show_req rq = {.now = r->now, .who = &who, .id = id};
    bool has_reply = true;
    tg_err err = TG_OK;

    (void)snprintf(id, sizeof(id), "i%u", tg_rd_u8(rd) % 64U);
    (void)snprintf(message, sizeof(message), "c%u", arg % 40U);
    r->now += (tg_us)(tg_rd_u8(rd)) * tg_rd_u8(rd) * 1000;
    switch (what & 15) {
    case 0:
    case 1:
        take_text(rd, text, sizeof(text));
        err = tg_show_chat(r->show, &rq, text, arg % 4 == 0 ? message : "");
        break;
    case 2:
        err = tg_show_react(r->show, r->now, &who, arg % 6U, arg % 60);
        has_reply = false;
        break;
    case 3:
    case 4:
        err = tg_show_pin(r->show, &rq, sku);
        break;
    case 5:
        err = tg_show_unpin(r->show, &rq, sku);
        break;
    case 6:
        err = tg_show_hide(r->show, &rq, message, arg > 200);
        break;
    case 7:
        err = tg_show_mute(r->show, &rq, people[arg % 4U], arg % 30);
        break;
    case 8:
        err = run_show(r, &rq, arg);
        break;
    case 9:
        err = tg_show_set_phase(r->show, r->now, (enum tg_show_phase)(arg % TG_SHOW_PHASE_COUNT));
        has_reply = false;
        break;
    case 10:
        err = tg_show_set_source(r->show, r->now, r->now, arg % 2 == 0);
        has_reply = false;
        break;
    default:
        tg_show_set_viewers(r->show, r->now, arg);
        tg_show_set_audience(r->show, r->now, arg > 0);
        err = tg_show_tick(r->show, r->now, r->now);
        has_reply = false;
        TG_ASSERT(err != TG_OK || tg_show_deadline(r->show) > r->now);
        break;
    }
    TG_ASSERT(err == TG_OK);
    drain(r);
    TG_ASSERT(r->replies == (has_reply ? 1 : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_rd rd = tg_rd(data, size);
    struct run r = {.show = make_show(), .twin = make_show(), .now = 1};

    for (int i = 0; i < LINES_MAX && tg_rd_left(&rd) > 0; i++)
        step(&r, &rd);
    compare_twin(&r);
    tg_show_free(r.show);
    tg_show_free(r.twin);
    return 0;
}
