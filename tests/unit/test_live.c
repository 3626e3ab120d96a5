/*
 * test_live.c - the live thread with mailboxes in place of web workers, sale and journal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "live/journal.h"
#include "live/live.h"
#include "msg/sale.h"
#include "msg/web.h"
#include "support/lib/schema.h"

enum { SHOW = 3 };

static struct tg_registry *registry;
static struct tg_mailbox *web;
static struct tg_mailbox *web2;
static struct tg_mailbox *sale;
static struct tg_live *live;
static struct tg_journal *journal;
static char dir[64];
static struct schema_doc *docs;
static int told_state; /* the newest that state_changed told; -1 = none */
static atomic_int told_count;

static void on_state(void *ctx, uint16_t show, enum tg_show_state state)
{
    TG_ASSERT(ctx == &told_state && show == SHOW);
    told_state = (int)state; /* read after an answer of the same input, or a stop */
    atomic_fetch_add(&told_count, 1);
}

/* --- sending -------------------------------------------------------------------------------------
 */

static void post(void *msg)
{
    assert_int_equal(tg_mailbox_post(tg_live_mailbox(live), msg), TG_OK);
}

static void *make(enum tg_msg_kind kind, size_t size)
{
    void *msg = tg_msg_new(kind, size);

    assert_non_null(msg);
    return msg;
}

static struct tg_conn conn(uint32_t slot, uint32_t generation)
{
    return (struct tg_conn){.mb = web, .slot = slot, .generation = generation};
}

static void add_show(enum tg_show_state state)
{
    struct tg_live_show *msg = make(TG_MSG_LIVE_SHOW, sizeof(*msg));

    msg->show = SHOW;
    (void)snprintf(msg->id, sizeof(msg->id), "demo");
    (void)snprintf(msg->title, sizeof(msg->title), "Demo");
    msg->state = (uint8_t)state;
    msg->epoch_us = tg_clock_mono() - 5000000;
    post(msg);
}

static struct tg_person person(const char *id, uint32_t roles)
{
    struct tg_person who = {.roles = roles};

    (void)snprintf(who.id, sizeof(who.id), "%s", id);
    (void)snprintf(who.name, sizeof(who.name), "Name of %s", id);
    return who;
}

static void join_of(uint32_t slot, uint32_t generation, struct tg_person who, int64_t since,
                    const char *epoch)
{
    struct tg_live_join *msg = make(TG_MSG_LIVE_JOIN, sizeof(*msg));

    msg->conn = conn(slot, generation);
    msg->show = SHOW;
    msg->who = who;
    (void)snprintf(msg->resume, sizeof(msg->resume),
                   "tp_0123456789012345678901234567890123456789012");
    msg->since = since;
    (void)snprintf(msg->since_epoch, sizeof(msg->since_epoch), "%s", epoch);
    post(msg);
}

static void join_since(uint32_t slot, uint32_t generation, struct tg_person who, int64_t since)
{
    join_of(slot, generation, who, since, "");
}

static void join(uint32_t slot, struct tg_person who)
{
    join_since(slot, 1, who, -1);
}

static void leave(uint32_t slot, uint32_t generation)
{
    struct tg_live_leave *msg = make(TG_MSG_LIVE_LEAVE, sizeof(*msg));

    msg->conn = conn(slot, generation);
    msg->show = SHOW;
    post(msg);
}

static struct tg_live_op *new_op(uint32_t slot, struct tg_person who, enum tg_op_kind kind,
                                 const char *id)
{
    struct tg_live_op *msg = make(TG_MSG_LIVE_OP, sizeof(*msg));

    msg->conn = conn(slot, 1);
    msg->show = SHOW;
    msg->who = who;
    msg->op.kind = kind;
    (void)snprintf(msg->op.id, sizeof(msg->op.id), "%s", id);
    return msg;
}

static void chat(uint32_t slot, struct tg_person who, const char *id, const char *text)
{
    struct tg_live_op *msg = new_op(slot, who, TG_OP_CHAT, id);

    (void)snprintf(msg->op.u.chat.text, sizeof(msg->op.u.chat.text), "%s", text);
    post(msg);
}

static void pin(uint32_t slot, struct tg_person who, const char *id, const char *sku)
{
    struct tg_live_op *msg = new_op(slot, who, TG_OP_PIN, id);

    (void)snprintf(msg->op.u.pin.sku, sizeof(msg->op.u.pin.sku), "%s", sku);
    post(msg);
}

static void stock(const char *sku, int32_t available, int32_t sold)
{
    struct tg_live_sale *msg = make(TG_MSG_LIVE_SALE, sizeof(*msg));

    (void)snprintf(msg->sku, sizeof(msg->sku), "%s", sku);
    msg->show = SHOW;
    msg->stock_changed = true;
    msg->available = available;
    msg->sold_count = sold;
    post(msg);
}

static void add_catalog(void)
{
    struct tg_live_catalog *msg = make(TG_MSG_LIVE_CATALOG, sizeof(*msg));
    struct tg_catalog *c = tg_catalog_new(1, 2);

    assert_non_null(c);
    (void)snprintf(c->currency, sizeof(c->currency), "NOK");
    c->stock_band = 10;
    (void)snprintf(c->products[0].id, sizeof(c->products[0].id), "prod");
    (void)snprintf(c->products[0].title, sizeof(c->products[0].title), "Mug");
    (void)snprintf(c->products[0].image, sizeof(c->products[0].image), "/img/mug.svg");
    (void)snprintf(c->products[0].image_alt, sizeof(c->products[0].image_alt), "A mug");
    c->products[0].number = 7;
    c->products[0].variant_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        (void)snprintf(c->variants[i].sku, sizeof(c->variants[i].sku), "MUG-%u", i);
        (void)snprintf(c->variants[i].options, sizeof(c->variants[i].options), "{\"size\":\"%u\"}",
                       i);
        c->variants[i].price = 19900;
        c->variants[i].compare_at = i == 0 ? -1 : 24900;
        c->variants[i].available = i == 0 ? 500 : 3;
    }
    msg->catalog = c;
    post(msg);
}

/* --- receiving -----------------------------------------------------------------------------------
 */

struct got {
    enum tg_msg_kind kind;
    enum tg_audience audience;
    uint32_t slot;
    bool joined;
    uint16_t code;
    char json[8192];
};

/* Every message is one that web/api/asyncapi.json allows. */
static void check_schema(const struct tg_slab *json)
{
    char text[8192];
    char why[256];
    int len = snprintf(text, sizeof(text), "[%.*s]", (int)json->len, (const char *)json->data);

    if (!schema_check(docs, "ServerFrame", text, (size_t)len, why))
        fail_msg("asyncapi.json: %s: %s", why, text);
}

/* Valid until the next call. */
static const struct got *next_of(struct tg_mailbox *mb)
{
    static struct got got;
    struct got *const ret = &got;
    const tg_us until = tg_clock_mono() + 5000000;
    const struct tg_slab *json = NULL;
    void *msg;

    while (tg_mailbox_take(mb, &msg, 1) == 0) {
        assert_true(tg_clock_mono() < until); /* nothing came */
        tg_mailbox_wait(mb, 100000);
    }
    *ret = (struct got){.kind = ((const struct tg_msg *)msg)->kind};
    if (ret->kind == TG_MSG_WEB_CAST) {
        ret->audience = ((const struct tg_web_cast *)msg)->audience;
        json = ((const struct tg_web_cast *)msg)->json;
    } else if (ret->kind == TG_MSG_WEB_SEND) {
        ret->slot = ((const struct tg_web_send *)msg)->conn.slot;
        ret->joined = ((const struct tg_web_send *)msg)->joined;
        json = ((const struct tg_web_send *)msg)->json;
    } else if (ret->kind == TG_MSG_WEB_CUT) {
        ret->code = ((const struct tg_web_cut *)msg)->code;
    }
    if (json != NULL && (!ret->joined || ret->slot < 10))
        check_schema(json);
    if (json != NULL)
        (void)snprintf(ret->json, sizeof(ret->json), "%.*s", (int)json->len,
                       (const char *)json->data);
    tg_msg_free(msg);
    return ret;
}

/* The next message whose JSON has `part`; others are skipped. */
static const struct got *await(const char *part)
{
    const struct got *got;

    do {
        got = next_of(web);
    } while (strstr(got->json, part) == NULL);
    return got;
}

/* How many messages with `part` come before the answer to a ping. */
static size_t count_until_ping(const char *part)
{
    static unsigned pings;
    char id[16];
    char answer[32];
    const struct got *got;
    size_t count = 0;

    (void)snprintf(id, sizeof(id), "ping%u", pings);
    (void)snprintf(answer, sizeof(answer), "{\"re\":\"ping%u\"", pings++);
    post(new_op(99, person("pPing", TG_ROLE_VIEWER), TG_OP_PING, id));
    for (;;) {
        got = next_of(web);
        if (strncmp(got->json, answer, strlen(answer)) == 0)
            return count;
        count += strstr(got->json, part) != NULL;
    }
}

/* --- set-up --------------------------------------------------------------------------------------
 */

static int start_live(void)
{
    struct tg_mailbox *webs[] = {web, web2};
    struct tg_live_cfg cfg = {.webs = webs,
                              .web_count = 2,
                              .registry = registry,
                              .journal_dir = dir,
                              .state_changed = on_state,
                              .state_ctx = &told_state};

    if (tg_journal_new(&journal, dir, registry) != TG_OK)
        return -1;
    cfg.journal = tg_journal_mailbox(journal);
    if (tg_live_new(&live, &cfg) != TG_OK)
        return -1;
    tg_live_set_sale(live, sale);
    return tg_journal_start(journal) == TG_OK && tg_live_start(live) == TG_OK ? 0 : -1;
}

static void stop_live(void)
{
    tg_live_stop(live);
    tg_live_free(live);
    tg_journal_stop(journal);
    tg_journal_free(journal);
}

static int setup(void **state)
{
    struct tg_show_info info = {.ord = SHOW, .id = "demo", .title = "Demo"};

    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/torg-live-XXXXXX");
    if (mkdtemp(dir) == NULL || tg_registry_new(&registry) != TG_OK ||
        tg_registry_show_put(registry, &info) != TG_OK ||
        tg_mailbox_new(&web, 65536, tg_msg_free) != TG_OK ||
        tg_mailbox_new(&web2, 65536, tg_msg_free) != TG_OK ||
        tg_mailbox_new(&sale, 16, tg_msg_free) != TG_OK)
        return -1;
    told_state = -1;
    atomic_store(&told_count, 0);
    if (start_live() != 0)
        return -1;
    add_show(TG_SHOW_SCHEDULED);
    add_catalog();
    return 0;
}

static int teardown(void **state)
{
    char file[128];

    (void)state;
    stop_live();
    tg_mailbox_free(web);
    tg_mailbox_free(web2);
    tg_mailbox_free(sale);
    tg_registry_free(registry);
    (void)snprintf(file, sizeof(file), "%s/demo.jsonl", dir);
    (void)unlink(file);
    (void)snprintf(file, sizeof(file), "%s/_names.jsonl", dir);
    (void)unlink(file);
    return rmdir(dir);
}

/* --- cases ---------------------------------------------------------------------------------------
 */

static void test_live_joined_comes_first_with_products(void **state)
{
    const struct got *got;

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    got = next_of(web);
    assert_int_equal(got->kind, TG_MSG_WEB_SEND);
    assert_true(got->joined);
    assert_int_equal(got->slot, 1);
    assert_non_null(
        strstr(got->json, "{\"ev\":\"joined\",\"seq\":0,\"resumed\":false,\"epoch\":\""));
    assert_non_null(strstr(
        got->json, "\",\"you\":{\"id\":\"pA\",\"name\":\"Name of pA\",\"roles\":[\"viewer\"],"
                   "\"token\":\"tp_0123456789012345678901234567890123456789012\"}"));
    assert_non_null(
        strstr(got->json, "\"products\":[{\"id\":\"prod\",\"title\":\"Mug\",\"number\":7,"
                          "\"description\":\"\",\"images\":[{\"url\":\"/img/mug.svg\",\"alt\":"
                          "\"A mug\"}],\"variants\":[{\"sku\":\"MUG-0\",\"options\":{\"size\":"
                          "\"0\"},\"price\":{\"amount\":19900,\"currency\":\"NOK\"},\"stock\":"
                          "\"many\"},{\"sku\":\"MUG-1\",\"options\":{\"size\":\"1\"},\"price\":{"
                          "\"amount\":19900,\"currency\":\"NOK\"},\"compare_at\":{\"amount\":24900,"
                          "\"currency\":\"NOK\"},\"stock\":3}]}]"));
    assert_non_null(strstr(got->json, "\"cart\":{\"lines\":[],\"total\":{\"amount\":0,"
                                      "\"currency\":\"NOK\"},\"tax\":{\"amount\":0,"
                                      "\"currency\":\"NOK\"}}"));
    assert_non_null(strstr(got->json, "\"viewers\":1"));
    join(2, person("s1", TG_ROLE_MERCHANDISER));
    got = await("\"ev\":\"joined\"");
    assert_non_null(strstr(got->json, "\"stock\":500"));
    assert_non_null(strstr(got->json, "\"roles\":[\"merchandiser\"]"));
}

static void test_live_chat_reaches_every_worker_and_is_answered(void **state)
{
    const struct got *got;

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    chat(1, person("pA", TG_ROLE_VIEWER), "a", "hello");
    got = await("\"text\":\"hello\"");
    assert_int_equal(got->kind, TG_MSG_WEB_CAST);
    assert_int_equal(got->audience, TG_AUDIENCE_ALL);
    got = await("\"re\":\"a\"");
    assert_int_equal(got->kind, TG_MSG_WEB_SEND);
    assert_int_equal(got->slot, 1);
    assert_non_null(strstr(got->json, "\"ok\":true"));
    got = next_of(web2);
    while (strstr(got->json, "\"text\":\"hello\"") == NULL)
        got = next_of(web2);
}

static void test_live_roles_are_enforced(void **state)
{
    struct tg_person viewer = person("pA", TG_ROLE_VIEWER | TG_ROLE_CUSTOMER);

    (void)state;
    join(1, viewer);
    pin(1, viewer, "a", "MUG-0");
    assert_non_null(strstr(await("\"re\":\"a\"")->json, "\"code\":\"forbidden\""));
    post(new_op(1, viewer, TG_OP_SHOW_START, "b"));
    assert_non_null(strstr(await("\"re\":\"b\"")->json, "forbidden"));
    post(new_op(1, viewer, TG_OP_MUTE, "c"));
    assert_non_null(strstr(await("\"re\":\"c\"")->json, "forbidden"));
    post(new_op(1, person("s2", TG_ROLE_MODERATOR), TG_OP_SHOW_END, "d"));
    assert_non_null(strstr(await("\"re\":\"d\"")->json, "forbidden"));
    post(new_op(1, viewer, TG_OP_BUY, "e"));
    assert_non_null(strstr(await("\"re\":\"e\"")->json, "bad_request"));
    pin(1, person("s1", TG_ROLE_HOST), "f", "NONE");
    assert_non_null(strstr(await("\"re\":\"f\"")->json, "not_found"));
}

static void test_live_start_is_told_to_sale(void **state)
{
    void *msg;
    const struct tg_sale_req *req;

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    post(new_op(1, person("s1", TG_ROLE_HOST), TG_OP_SHOW_START, "a"));
    (void)await("\"ev\":\"show\"");
    (void)await("\"re\":\"a\"");
    tg_mailbox_wait(sale, 5000000);
    assert_int_equal(tg_mailbox_take(sale, &msg, 1), 1);
    req = msg;
    assert_int_equal(req->what, TG_SALE_SHOW_STATE);
    assert_int_equal(req->number, TG_SHOW_LIVE);
    assert_int_equal(req->show, SHOW);
    assert_null(req->conn.mb);
    tg_msg_free(msg);
    add_show(TG_SHOW_LIVE); /* sale's echo changes nothing */
    assert_int_equal(count_until_ping("\"ev\":\"show\""), 0);
    add_show(TG_SHOW_ENDED); /* an operator's change does */
    assert_int_equal(count_until_ping("\"state\":\"ended\""), 1);
}

static void test_live_lone_stock_goes_at_once_many_are_coalesced(void **state)
{
    const struct got *got;
    tg_us first;

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    join(2, person("s1", TG_ROLE_MERCHANDISER));
    assert_int_equal(count_until_ping("joined"), 2);
    stock("MUG-1", 2, 1);
    got = await("\"ev\":\"stock\"");
    assert_int_equal(got->audience, TG_AUDIENCE_STAFF);
    first = tg_clock_mono();
    got = await("\"ev\":\"stock\"");
    assert_int_equal(got->audience, TG_AUDIENCE_VIEWERS);
    assert_non_null(strstr(got->json, "\"sku\":\"MUG-1\",\"value\":2}"));
    assert_non_null(strstr(await("\"ev\":\"sold\"")->json, "\"sku\":\"MUG-1\",\"count\":1}"));
    for (int i = 0; i < 50; i++)
        stock("MUG-1", 1, 2 + i);
    got = await("\"ev\":\"sold\"");
    assert_non_null(strstr(got->json, "\"count\":51}"));
    assert_true(tg_clock_mono() - first > 50000);
    assert_int_equal(count_until_ping("sold"), 0);
}

static void test_live_stock_above_the_band_is_news_for_staff_only(void **state)
{
    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    join(2, person("s1", TG_ROLE_MERCHANDISER));
    stock("MUG-0", 499, 0);
    assert_non_null(strstr(await("\"ev\":\"stock\"")->json, "\"value\":499"));
    assert_int_equal(count_until_ping("\"ev\":\"stock\""), 0);
    stock("MUG-0", 9, 0);
    (void)await("\"value\":9");
    assert_int_equal(await("\"value\":9")->audience, TG_AUDIENCE_VIEWERS);
    stock("MUG-0", 11, 0);
    (void)await("\"value\":11");
    assert_non_null(strstr(await("\"ev\":\"stock\"")->json, "\"value\":\"many\""));
    join(3, person("pB", TG_ROLE_VIEWER));
    assert_non_null(strstr(await("joined")->json, "\"stock\":\"many\""));
    stock("UNKNOWN", 1, 1);
    assert_int_equal(count_until_ping("UNKNOWN"), 0);
}

static void test_live_flash_price_is_told_and_kept(void **state)
{
    struct tg_live_sale *msg = make(TG_MSG_LIVE_SALE, sizeof(*msg));

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    (void)snprintf(msg->sku, sizeof(msg->sku), "MUG-0");
    msg->show = UINT16_MAX;
    msg->price_changed = true;
    msg->price = 9900;
    msg->compare_at = 19900;
    msg->price_until_wall_us = INT64_C(1795342830000000);
    post(msg);
    assert_non_null(strstr(await("\"ev\":\"price\"")->json,
                           "\"sku\":\"MUG-0\",\"value\":{\"amount\":9900,\"currency\":\"NOK\"},"
                           "\"compare_at\":{\"amount\":19900,\"currency\":\"NOK\"},"
                           "\"until\":\"2026-11-22T10:20:30.000Z\"}"));
    join(2, person("pB", TG_ROLE_VIEWER));
    assert_non_null(strstr(await("joined")->json, "\"amount\":9900"));
}

/* The registry learns the number at the end of the thread's turn. */
static void expect_viewers(uint32_t viewers)
{
    const tg_us until = tg_clock_mono() + 5000000;
    struct tg_show_info info;

    (void)count_until_ping("");
    do {
        assert_true(tg_clock_mono() < until);
        assert_int_equal(tg_registry_show_at(registry, SHOW, &info), TG_OK);
    } while (info.viewers != viewers);
}

static void test_live_viewers_are_counted_with_lost_and_early_leaves(void **state)
{
    struct tg_person who = person("pA", TG_ROLE_VIEWER);

    (void)state;
    join(1, who);
    join(2, who);
    join(3, person("s1", TG_ROLE_HOST));
    expect_viewers(2);
    leave(2, 1);
    leave(2, 1); /* twice */
    expect_viewers(1);
    leave(4, 1); /* overtakes its join */
    join(4, who);
    assert_int_equal(count_until_ping("joined"), 0);
    expect_viewers(1);
    join_since(1, 2, who, -1); /* the leave of slot 1 got lost */
    assert_int_equal(count_until_ping("joined"), 1);
    expect_viewers(1);
    leave(1, 1); /* and comes late */
    leave(1, 2);
    leave(3, 1);
    expect_viewers(0);
}

static void test_live_thousands_join_and_leave(void **state)
{
    struct tg_person who = person("pA", TG_ROLE_VIEWER);

    (void)state;
    for (uint32_t slot = 0; slot < 5000; slot++)
        join(slot, who);
    assert_int_equal(count_until_ping("\"ev\":\"joined\""), 5000);
    expect_viewers(5000);
    for (uint32_t slot = 0; slot < 5000; slot++)
        leave(slot, 1);
    expect_viewers(0);
}

static void test_live_source_change_tells_all_and_staff_why(void **state)
{
    struct tg_live_source *msg = make(TG_MSG_LIVE_SOURCE, sizeof(*msg));
    struct tg_show_info info;
    const struct got *got;

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    join(2, person("s1", TG_ROLE_HOST));
    msg->show = SHOW;
    msg->change = true;
    msg->state = TG_AIR_ON;
    (void)snprintf(msg->notice, sizeof(msg->notice), "Turn B-frames off");
    post(msg);
    (void)await("\"ev\":\"clock\"");
    assert_non_null(strstr(await("\"ev\":\"show\"")->json, "\"on_air\":true"));
    got = await("\"ev\":\"source\"");
    assert_int_equal(got->audience, TG_AUDIENCE_STAFF);
    assert_non_null(strstr(got->json, "\"publisher\":\"\",\"notice\":\"Turn B-frames off\"}"));
    (void)count_until_ping("");
    assert_int_equal(tg_registry_show_at(registry, SHOW, &info), TG_OK);
    assert_true(info.on_air);
    join(3, person("s1", TG_ROLE_HOST));
    assert_non_null(strstr(await("joined")->json, "\"notice\":\"Turn B-frames off\""));
}

static void rehearse(uint32_t slot, struct tg_person who, const char *id, bool on)
{
    struct tg_live_op *msg = new_op(slot, who, TG_OP_SHOW_REHEARSE, id);

    msg->op.u.rehearse.on = on;
    post(msg);
}

static int64_t state_for_sale(void)
{
    void *msg;
    int64_t number;

    tg_mailbox_wait(sale, 5000000);
    assert_int_equal(tg_mailbox_take(sale, &msg, 1), 1);
    assert_int_equal(((const struct tg_sale_req *)msg)->what, TG_SALE_SHOW_STATE);
    number = ((const struct tg_sale_req *)msg)->number;
    tg_msg_free(msg);
    return number;
}

static void test_live_rehearsal_is_told_before_the_event(void **state)
{
    struct tg_person host = person("s1", TG_ROLE_HOST);

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    rehearse(1, person("pA", TG_ROLE_VIEWER), "x", true);
    assert_non_null(strstr(await("\"re\":\"x\"")->json, "forbidden"));
    assert_int_equal(atomic_load(&told_count), 0);
    rehearse(2, host, "a", true);
    assert_int_equal(await("\"state\":\"rehearsal\"")->audience, TG_AUDIENCE_ALL);
    assert_int_equal(atomic_load(&told_count), 1);
    assert_int_equal(told_state, TG_SHOW_REHEARSAL);
    assert_int_equal(state_for_sale(), TG_SHOW_REHEARSAL);
    add_show(TG_SHOW_REHEARSAL); /* sale's echo changes nothing */
    join(3, host);
    assert_non_null(strstr(await("joined")->json, "\"state\":\"rehearsal\""));
    post(new_op(2, host, TG_OP_SHOW_START, "b"));
    (void)await("\"state\":\"live\"");
    assert_int_equal(atomic_load(&told_count), 2);
    assert_int_equal(told_state, TG_SHOW_LIVE);
    rehearse(2, host, "c", true);
    assert_non_null(strstr(await("\"re\":\"c\"")->json, "conflict"));
    add_show(TG_SHOW_ENDED); /* by an operator */
    (void)await("\"state\":\"ended\"");
    assert_int_equal(atomic_load(&told_count), 3);
    assert_int_equal(told_state, TG_SHOW_ENDED);
}

static void test_live_rehearsal_goes_on_after_a_restart(void **state)
{
    (void)state;
    rehearse(1, person("s1", TG_ROLE_HOST), "a", true);
    (void)await("\"re\":\"a\"");
    stop_live();
    assert_int_equal(atomic_load(&told_count), 1);
    assert_int_equal(start_live(), 0);
    add_show(TG_SHOW_REHEARSAL); /* as the shop's database has it */
    add_catalog();
    join(1, person("pA", TG_ROLE_VIEWER));
    assert_non_null(strstr(await("joined")->json, "\"seq\":1,"));
    assert_int_equal(atomic_load(&told_count), 2);
    assert_int_equal(told_state, TG_SHOW_REHEARSAL);
    rehearse(1, person("s1", TG_ROLE_HOST), "b", false);
    (void)await("\"state\":\"scheduled\"");
    assert_int_equal(atomic_load(&told_count), 3);
    stop_live();
    assert_int_equal(start_live(), 0);
    add_show(TG_SHOW_ENDED); /* nobody has to act on that */
    join(1, person("pA", TG_ROLE_VIEWER));
    assert_non_null(strstr(await("joined")->json, "\"state\":\"ended\""));
    assert_int_equal(atomic_load(&told_count), 3);
}

static void source(enum tg_air_state air, const char *publisher, const char *notice, bool change)
{
    struct tg_live_source *msg = make(TG_MSG_LIVE_SOURCE, sizeof(*msg));

    msg->show = SHOW;
    msg->change = change;
    msg->state = air;
    msg->kind = TG_SOURCE_WHIP;
    (void)snprintf(msg->publisher, sizeof(msg->publisher), "%s", publisher);
    (void)snprintf(msg->notice, sizeof(msg->notice), "%s", notice);
    post(msg);
}

/* The message right after the `joined` of this slot. */
static const struct got *after_joined(uint32_t slot, struct tg_person who)
{
    const struct got *got;

    join(slot, who);
    do {
        got = next_of(web);
    } while (!got->joined || got->slot != slot);
    post(new_op(slot, who, TG_OP_PING, "after"));
    return next_of(web);
}

static void test_live_staff_who_come_later_learn_who_is_on_air(void **state)
{
    struct tg_person host = person("s1", TG_ROLE_HOST);
    const struct got *got;
    long long at;
    long long again;

    (void)state;
    assert_non_null(strstr(after_joined(1, host)->json, "\"re\":\"after\"")); /* none yet */
    source(TG_AIR_ON, "w0-7", "", true);
    got = await("\"ev\":\"source\"");
    assert_int_equal(sscanf(got->json, "{\"ev\":\"source\",\"at\":%lld,", &at), 1);
    source(TG_AIR_OFF, "", "Turn B-frames off", false); /* about somebody who was refused */
    got = await("\"ev\":\"source\"");
    assert_null(strstr(got->json, "publisher"));
    got = after_joined(2, host);
    assert_int_equal(got->kind, TG_MSG_WEB_SEND);
    assert_int_equal(got->slot, 2);
    assert_false(got->joined);
    assert_int_equal(sscanf(got->json, "{\"ev\":\"source\",\"at\":%lld,", &again), 1);
    assert_true(again == at); /* since when */
    assert_non_null(strstr(got->json, "\"on_air\":true,\"state\":\"on\",\"kind\":\"whip\","
                                      "\"publisher\":\"w0-7\",\"notice\":\"Turn B-frames off\"}"));
    /* Not for the public. */
    assert_null(strstr(after_joined(3, person("pA", TG_ROLE_VIEWER))->json, "source"));
    source(TG_AIR_STALL, "w0-7", "", true);
    (void)await("\"state\":\"stalled\"");
    got = after_joined(4, host);
    assert_non_null(strstr(got->json, "\"on_air\":false,\"state\":\"stalled\""));
}

static void uplink(int32_t jitter_ms, int16_t audio_dbov)
{
    struct tg_live_uplink *msg = make(TG_MSG_LIVE_UPLINK, sizeof(*msg));

    msg->show = SHOW;
    msg->kind = TG_SOURCE_WHIP;
    (void)snprintf(msg->publisher, sizeof(msg->publisher), "w0-7");
    msg->video_bps = 1500000;
    msg->audio_bps = 96000;
    msg->width = 1280;
    msg->height = 720;
    msg->frames = 30;
    msg->loss_permille = 31;
    msg->unrepaired_permille = 1;
    msg->jitter_ms = jitter_ms;
    msg->rtt_ms = jitter_ms;
    msg->audio_dbov = audio_dbov;
    msg->troubles = 1U << TG_UPLINK_LOSS | 1U << TG_UPLINK_CLIPPED;
    post(msg);
}

static void test_live_uplink_reaches_staff_only(void **state)
{
    const struct got *got;

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    uplink(12, -20); /* no staff: to nobody */
    assert_int_equal(count_until_ping("uplink"), 0);
    join(2, person("s1", TG_ROLE_MODERATOR));
    uplink(12, -20);
    got = await("\"ev\":\"uplink\"");
    assert_int_equal(got->kind, TG_MSG_WEB_CAST);
    assert_int_equal(got->audience, TG_AUDIENCE_STAFF);
    assert_non_null(strstr(got->json, "\"publisher\":\"w0-7\",\"video_bps\":1500000,"
                                      "\"audio_bps\":96000,\"width\":1280,\"height\":720,"
                                      "\"frames\":30,\"loss_permille\":31,"
                                      "\"unrepaired_permille\":1,\"jitter_ms\":12,\"rtt_ms\":12,"
                                      "\"audio_dbov\":-20,\"troubles\":[\"loss\",\"clipped\"]}"));
    uplink(-1, 1); /* what is not known is not said */
    got = await("\"ev\":\"uplink\"");
    assert_null(strstr(got->json, "jitter"));
    assert_null(strstr(got->json, "rtt"));
    assert_null(strstr(got->json, "dbov"));
}

static void test_live_reactions_are_cast(void **state)
{
    struct tg_live_op *msg = new_op(1, person("pA", TG_ROLE_VIEWER), TG_OP_REACT, "");

    (void)state;
    join(1, person("pA", TG_ROLE_VIEWER));
    msg->op.u.react.kind = TG_REACT_FIRE;
    msg->op.u.react.n = 4;
    post(msg);
    assert_non_null(strstr(await("\"ev\":\"reactions\"")->json, "\"value\":{\"fire\":4}"));
}

static void test_live_unknown_show_is_cut_or_refused(void **state)
{
    struct tg_live_join *msg = make(TG_MSG_LIVE_JOIN, sizeof(*msg));
    struct tg_live_op *op = new_op(1, person("pA", TG_ROLE_VIEWER), TG_OP_CHAT, "a");
    const struct got *got;

    (void)state;
    msg->conn = conn(1, 1);
    msg->show = 9;
    post(msg);
    got = next_of(web);
    assert_int_equal(got->kind, TG_MSG_WEB_CUT);
    assert_int_equal(got->code, 1011);
    op->show = UINT16_MAX;
    post(op);
    assert_non_null(strstr(await("\"re\":\"a\"")->json, "not_found"));
}

static void test_live_everything_comes_back_after_a_restart(void **state)
{
    struct tg_person kari = person("pA", TG_ROLE_VIEWER);
    struct tg_person host = person("s1", TG_ROLE_HOST);
    struct tg_live_op *mute = new_op(1, host, TG_OP_MUTE, "m");
    const int64_t lines = tg_metric_get(TG_M_live_chat_lines_total);
    const struct got *got;

    (void)state;
    join(1, kari);
    chat(1, kari, "a", "hello there");
    pin(1, host, "p", "MUG-0");
    pin(1, host, "q", "MUG-1");
    (void)snprintf(mute->op.u.moderate.person, sizeof(mute->op.u.moderate.person), "pB");
    mute->op.u.moderate.seconds = 600;
    post(mute);
    (void)await("\"re\":\"m\"");
    stop_live();
    assert_int_equal(tg_metric_get(TG_M_live_chat_lines_total), lines + 1);
    assert_int_equal(start_live(), 0);
    add_show(TG_SHOW_SCHEDULED);
    add_catalog();
    join_since(1, 2, kari, 1);
    got = await("\"ev\":\"joined\"");
    assert_non_null(strstr(got->json, "\"seq\":1,\"resumed\":true"));
    assert_non_null(strstr(got->json, "\"pinned\":[\"MUG-0\",\"MUG-1\"]"));
    assert_non_null(strstr(got->json, "\"from\":{\"id\":\"pA\",\"name\":\"Name of pA\",\"roles\":["
                                      "\"viewer\"]},\"text\":\"hello there\""));
    got = next_of(web);
    assert_int_equal(got->kind, TG_MSG_WEB_SEND);
    assert_false(got->joined);
    assert_non_null(strstr(got->json, "\"ev\":\"pin\",\"seq\":2,"));
    chat(1, kari, "a", "hello there"); /* sent again, because the answer was lost */
    assert_non_null(strstr(await("\"re\":\"a\"")->json, "\"n\":1}"));
    chat(1, person("pB", TG_ROLE_VIEWER), "b", "hi");
    assert_non_null(strstr(await("\"re\":\"b\"")->json, "muted"));
    join_since(2, 1, kari, 77); /* ahead of us: fresh */
    assert_non_null(strstr(await("joined")->json, "\"seq\":2,\"resumed\":false"));
    /* Neither read back, nor sent again, nor refused lines count. */
    assert_int_equal(tg_metric_get(TG_M_live_chat_lines_total), lines + 1);
}

static void epoch_of(char out[TG_EPOCH_MAX + 1], const char *joined)
{
    const char *at = strstr(joined, "\"epoch\":\"");

    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"epoch\":\"%24[^\"]", out), 1);
}

/* What the last run told and the journal lost must not be taken for what this run tells. */
static void test_live_since_of_a_lost_future_starts_afresh(void **state)
{
    struct tg_person host = person("s1", TG_ROLE_HOST);
    char before[TG_EPOCH_MAX + 1];
    char after[TG_EPOCH_MAX + 1];

    (void)state;
    join(1, host);
    epoch_of(before, await("\"ev\":\"joined\"")->json);
    stop_live(); /* as if two pins had been seen, seq 1 and 2, and neither written */
    assert_int_equal(start_live(), 0);
    add_show(TG_SHOW_LIVE);
    add_catalog();
    pin(9, host, "p", "MUG-0");
    pin(9, host, "q", "MUG-1");
    pin(9, host, "r", "MUG-0");
    join_of(1, 2, host, 2, before);
    epoch_of(after, await("\"seq\":2,\"resumed\":false")->json);
    assert_string_not_equal(before, after);
    join_of(1, 3, host, 1, after);
    (void)await("\"seq\":1,\"resumed\":true");
}

static void test_live_starts_and_stops_a_hundred_times(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        join(1, person("pA", TG_ROLE_VIEWER));
        stop_live();
        assert_int_equal(start_live(), 0);
        add_show(TG_SHOW_LIVE);
    }
}

static void test_live_new_survives_failing_allocations(void **state)
{
    struct tg_live_cfg cfg = {.registry = registry, .journal_dir = "/tmp"};
    struct tg_live *other = NULL;

    (void)state;
    for (long nth = 0;; nth++) {
        tg_err err;

        tg_alloc_fail_nth(nth);
        err = tg_live_new(&other, &cfg);
        tg_alloc_fail_nth(-1);
        if (err == TG_OK)
            break;
        assert_int_equal(err, TG_ERR_NOMEM);
        assert_true(nth < 20);
    }
    tg_live_free(other);
    cfg.web_count = TG_LIVE_WEBS_MAX + 1;
    assert_int_equal(tg_live_new(&other, &cfg), TG_ERR_LIMIT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    int failed;
    const struct CMUnitTest tests[] = {
        CASE(test_live_joined_comes_first_with_products),
        CASE(test_live_chat_reaches_every_worker_and_is_answered),
        CASE(test_live_roles_are_enforced),
        CASE(test_live_start_is_told_to_sale),
        CASE(test_live_lone_stock_goes_at_once_many_are_coalesced),
        CASE(test_live_stock_above_the_band_is_news_for_staff_only),
        CASE(test_live_flash_price_is_told_and_kept),
        CASE(test_live_viewers_are_counted_with_lost_and_early_leaves),
        CASE(test_live_thousands_join_and_leave),
        CASE(test_live_source_change_tells_all_and_staff_why),
        CASE(test_live_rehearsal_is_told_before_the_event),
        CASE(test_live_rehearsal_goes_on_after_a_restart),
        CASE(test_live_staff_who_come_later_learn_who_is_on_air),
        CASE(test_live_uplink_reaches_staff_only),
        CASE(test_live_reactions_are_cast),
        CASE(test_live_unknown_show_is_cut_or_refused),
        CASE(test_live_everything_comes_back_after_a_restart),
        CASE(test_live_since_of_a_lost_future_starts_afresh),
        CASE(test_live_starts_and_stops_a_hundred_times),
        CASE(test_live_new_survives_failing_allocations),
    };

    tg_log_set_level(TG_LOG_ERROR);
    docs = schema_load("asyncapi");
    if (docs == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    schema_free(docs);
    return failed;
}
