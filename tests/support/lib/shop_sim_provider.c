/*
 * shop_sim_provider.c - a payment provider beyond the network, with books of its own: it reads what
 * the shop asks once that is on disk, moves money or refuses, and tells of it late, twice and in
 * any order. Now and then somebody pays twice, or pays back by hand. In the end the shop's books
 * must say what it moved; see shop_sim.h.
 */
#include <string.h>

#include "base/str.h"
#include "store/read.h"
#include "support/lib/shop_sim.h"

enum { MOVES_MAX = 4096, ACCOUNTS_MAX = 1024, ROWS_MAX = 8192 };

/* How its news name what they answer. */
enum style { BY_NUMBER, BY_OPERATION, BY_BOTH };

struct account {
    char payment[TG_PAYMENT_ID_SIZE];
    char reference[TG_REFERENCE_SIZE];
    int64_t promised;
    int64_t captured;
    int64_t refunded;
    bool voided;
};

/* One answer, or what was moved unasked (number 0). */
struct move {
    char payment[TG_PAYMENT_ID_SIZE];
    uint32_t number;
    enum tg_intent_kind kind;
    bool done;
    int64_t asked;
    int64_t moved;
    char operation[16];
};

static struct {
    struct account accounts[ACCOUNTS_MAX];
    size_t account_count;
    struct move moves[MOVES_MAX];
    size_t move_count;
    size_t open; /* questions on disk that it has not answered yet */
    struct {
        char payment[TG_PAYMENT_ID_SIZE];
        struct tg_intent in;
    } rows[ROWS_MAX];
    size_t row_count;
} books;

bool sim_provider_on(const struct sim *s)
{
    return s->seed % 5 == 2;
}

static enum style style_of(const struct sim *s)
{
    return (enum style)(s->seed / 5 % 3);
}

static struct move *moved(const char *payment, uint32_t number)
{
    for (size_t i = 0; i < books.move_count; i++)
        if (books.moves[i].number == number && strcmp(books.moves[i].payment, payment) == 0)
            return &books.moves[i];
    return NULL;
}

/* Nothing is moved here: the batch may be undone. */
static enum tg_intent_state ask(const struct tg_order *order, struct tg_intent *in)
{
    const struct move *m = moved(order->payment, in->number);

    if (m == NULL || (m->done && m->moved < m->asked)) /* its news say how much */
        return TG_INTENT_ASKED;
    if (style_of(sim_running) != BY_NUMBER)
        tg_str_cut(in->operation, sizeof(in->operation), m->operation);
    return m->done ? TG_INTENT_DONE : TG_INTENT_FAILED;
}

const struct tg_provider sim_provider = {.name = "far", .ask = ask};

void sim_provider_begin(void)
{
    memset(&books, 0, sizeof(books));
}

static struct account *account_of(const char *payment, const char *reference)
{
    struct account *a;

    for (size_t i = 0; i < books.account_count; i++)
        if (strcmp(books.accounts[i].payment, payment) == 0 &&
            strcmp(books.accounts[i].reference, reference) == 0)
            return &books.accounts[i];
    SIM_CHECK(books.account_count < ACCOUNTS_MAX, "too many payments");
    a = &books.accounts[books.account_count++];
    tg_str_cut(a->payment, sizeof(a->payment), payment);
    tg_str_cut(a->reference, sizeof(a->reference), reference);
    return a;
}

/* --- news --- */

static void tell(struct sim *s, const struct account *a, const struct move *m)
{
    static const enum tg_payment_news of_done[] = {[TG_INTENT_CAPTURE] = TG_NEWS_CAPTURED,
                                                   [TG_INTENT_VOID] = TG_NEWS_VOIDED,
                                                   [TG_INTENT_REFUND] = TG_NEWS_REFUNDED};
    static const enum tg_payment_news of_failed[] = {[TG_INTENT_CAPTURE] = TG_NEWS_CAPTURE_FAILED,
                                                     [TG_INTENT_VOID] = TG_NEWS_VOID_FAILED,
                                                     [TG_INTENT_REFUND] = TG_NEWS_REFUND_FAILED};
    struct sim_request *r = sim_add_request(s);
    enum style style = style_of(s);

    r->of_provider = true;
    r->req.what = TG_SALE_NEWS;
    r->req.http = true;
    r->req.show = UINT16_MAX;
    tg_str_cut(r->req.key, sizeof(r->req.key), m->payment);
    r->has_ask = true;
    r->ask = (struct tg_order_ask){.amount = m->done ? m->moved : m->asked};
    tg_str_cut(r->ask.news, sizeof(r->ask.news),
               tg_payment_news_name(m->done ? of_done[m->kind] : of_failed[m->kind]));
    tg_str_cut(r->ask.reference, sizeof(r->ask.reference), a->reference);
    if (style != BY_NUMBER)
        tg_str_cut(r->ask.operation, sizeof(r->ask.operation), m->operation);
    else if (m->number == 0 && m->kind == TG_INTENT_REFUND)
        tg_str_cut(r->ask.reference, sizeof(r->ask.reference), m->operation);
    if (style != BY_OPERATION)
        r->ask.intent = m->number;
}

static struct move *add_move(const char *payment, uint32_t number, enum tg_intent_kind kind,
                             int64_t asked)
{
    struct move *m;

    SIM_CHECK(books.move_count < MOVES_MAX, "too many moves");
    m = &books.moves[books.move_count++];
    *m = (struct move){.number = number, .kind = kind, .asked = asked};
    tg_str_cut(m->payment, sizeof(m->payment), payment);
    tg_str_printf(m->operation, sizeof(m->operation), "m-%zu", books.move_count);
    return m;
}

/* --- what it is asked --- */

static int64_t room(const struct account *a, enum tg_intent_kind kind)
{
    if (kind == TG_INTENT_REFUND)
        return a->captured - a->refunded;
    return a->voided ? 0 : a->promised - a->captured;
}

static void answer(struct sim *s, const char *payment, const struct tg_intent *in)
{
    struct account *a = account_of(payment, in->reference);
    struct move *m = add_move(payment, in->number, in->kind, in->amount);

    m->done = room(a, in->kind) >= in->amount && !sim_chance(s, 15);
    m->moved = m->done ? in->amount : 0;
    /* Who knows the question may answer a part of it. */
    if (m->done && in->kind != TG_INTENT_VOID && in->amount > 1 && style_of(s) != BY_OPERATION &&
        sim_chance(s, 10))
        m->moved = 1 + (int64_t)tg_rng_below(&s->rng, (uint64_t)in->amount - 1);
    if (in->kind == TG_INTENT_CAPTURE)
        a->captured += m->moved;
    else if (in->kind == TG_INTENT_REFUND)
        a->refunded += m->moved;
    else
        a->voided = a->voided || m->done;
    tell(s, a, m);
}

static tg_err take_row(void *ctx, const struct tg_intent_row *row)
{
    (void)ctx;
    SIM_CHECK(books.row_count < ROWS_MAX, "too many questions");
    tg_str_cut(books.rows[books.row_count].payment, sizeof(books.rows[0].payment), row->payment);
    books.rows[books.row_count++].in = row->intent;
    return TG_OK;
}

static void read_rows(const struct sim *s)
{
    const struct tg_history_page page = {
        .order_number = INT64_MAX, .state = -1, .show = UINT16_MAX, .limit = ROWS_MAX};
    struct tg_read_db *db = NULL;
    char why[256] = "";
    int64_t left;

    books.row_count = 0;
    SIM_CHECK(tg_read_db_new(&db, &(struct tg_db_cfg){.url = s->path}, why) == TG_OK, "%s", why);
    SIM_CHECK(tg_read_intents(db, &page, take_row, NULL, &left) == TG_OK, "reading questions");
    tg_read_db_free(db);
}

/* --- what nobody asked of it --- */

static size_t accounts_of(const char *payment)
{
    size_t count = 0;

    for (size_t i = 0; i < books.account_count; i++)
        count += strcmp(books.accounts[i].payment, payment) == 0;
    return count;
}

static void pay_back_by_hand(struct sim *s)
{
    struct account *a;
    struct move *m;
    int64_t left;

    if (books.account_count == 0)
        return;
    a = &books.accounts[tg_rng_below(&s->rng, books.account_count)];
    left = a->captured - a->refunded;
    /* Without a word of which payment it is about only one may be meant. */
    if (left == 0 || (style_of(s) == BY_NUMBER && accounts_of(a->payment) > 1))
        return;
    m = add_move(a->payment, 0, TG_INTENT_REFUND, left);
    m->done = true;
    m->moved = sim_chance(s, 30) ? left : 1 + (int64_t)tg_rng_below(&s->rng, (uint64_t)left);
    a->refunded += m->moved;
    tell(s, a, m);
}

static void pay_again(struct sim *s)
{
    int buy = sim_acked_buy(s);
    char reference[16];
    struct account *a;
    struct move *m;

    if (buy < 0 || s->requests[buy].payment[0] == '\0' || s->requests[buy].total == 0 ||
        style_of(s) == BY_NUMBER)
        return;
    m = add_move(s->requests[buy].payment, 0, TG_INTENT_CAPTURE, s->requests[buy].total);
    m->done = true;
    m->moved = m->asked + (sim_chance(s, 30) ? 100 : 0);
    tg_str_printf(reference, sizeof(reference), "alt-%zu", books.move_count);
    a = account_of(m->payment, reference);
    a->promised = m->moved;
    a->captured = m->moved;
    tell(s, a, m);
}

void sim_provider_work(struct sim *s)
{
    if (!sim_provider_on(s) || !sim_chance(s, s->settled ? 100 : 30))
        return;
    read_rows(s);
    books.open = 0;
    for (size_t i = books.row_count; i-- > 0;)
        if (books.rows[i].in.kind == TG_INTENT_AUTHORISE)
            account_of(books.rows[i].payment, books.rows[i].in.reference)->promised =
                books.rows[i].in.amount;
    for (size_t i = books.row_count; i-- > 0;) {
        const struct tg_intent *in = &books.rows[i].in;

        if (in->kind == TG_INTENT_AUTHORISE || in->state != TG_INTENT_ASKED)
            continue;
        books.open++;
        if (moved(books.rows[i].payment, in->number) == NULL && sim_chance(s, 70))
            answer(s, books.rows[i].payment, in);
    }
    if (!s->settled && sim_chance(s, 15))
        pay_back_by_hand(s);
    if (!s->settled && sim_chance(s, 8))
        pay_again(s);
}

bool sim_provider_idle(const struct sim *s)
{
    if (!sim_provider_on(s))
        return true;
    for (size_t i = 0; i < s->request_count; i++)
        if (s->requests[i].of_provider && !s->requests[i].answered)
            return false;
    return books.open == 0;
}

/* --- the check --- */

void sim_provider_check(const struct sim *s, const struct sim_book *b, int64_t captured,
                        int64_t refunded)
{
    int64_t came = 0;
    int64_t back = 0;

    if (!sim_provider_on(s))
        return;
    for (size_t i = 0; i < books.account_count; i++)
        if (strcmp(books.accounts[i].payment, b->payment) == 0) {
            came += books.accounts[i].captured;
            back += books.accounts[i].refunded;
        }
    SIM_CHECK(captured <= came && refunded <= back && (!s->settled || captured == came) &&
                  (!s->settled || refunded == back),
              "order %lld: the provider took %lld and paid back %lld, the books say %lld and %lld",
              (long long)b->number, (long long)came, (long long)back, (long long)captured,
              (long long)refunded);
}
