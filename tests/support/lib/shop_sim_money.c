/*
 * shop_sim_money.c - the books of every order, added up anew from what was asked of the provider
 * and from the order's history; see shop_sim.h.
 */
#include <string.h>

#include "base/str.h"
#include "store/read.h"
#include "support/lib/shop_sim.h"

enum { ROWS_MAX = 16384 };

static struct {
    int64_t order_number;
    struct tg_intent in;
} rows[ROWS_MAX];
static size_t row_count;

/* What staff gave back of an order, by its history. */
struct given {
    int64_t returned;
    int64_t goodwill;
};

static tg_err take_row(void *ctx, const struct tg_intent_row *row)
{
    (void)ctx;
    SIM_CHECK(row_count < ROWS_MAX, "too many questions");
    rows[row_count].order_number = row->order_number;
    rows[row_count++].in = row->intent;
    return TG_OK;
}

static tg_err take_event(void *ctx, const struct tg_event_row *row)
{
    struct given *g = ctx;

    if (row->kind == TG_EVENT_RETURNED)
        g->returned += row->amount;
    else if (row->kind == TG_EVENT_NOTE && strcmp(row->reason, SIM_GOODWILL) == 0)
        g->goodwill += row->amount;
    return TG_OK;
}

/* Of one order; of 0 = of every authorisation. */
static int64_t sum(const struct sim_book *b, enum tg_intent_kind kind, enum tg_intent_state state,
                   uint32_t of)
{
    int64_t total = 0;

    for (size_t i = 0; i < row_count; i++)
        if (rows[i].order_number == b->number && rows[i].in.kind == kind &&
            rows[i].in.state == state && (of == 0 || rows[i].in.of == of))
            total += rows[i].in.amount;
    return total;
}

static bool any(const struct sim_book *b, enum tg_intent_kind kind, uint32_t of)
{
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].order_number == b->number && rows[i].in.kind == kind && rows[i].in.of == of)
            return true;
    return false;
}

/* Before the failure line: what was asked of the provider. */
static bool explain(const struct sim_book *b)
{
    for (size_t i = row_count; i-- > 0;)
        if (rows[i].order_number == b->number)
            (void)fprintf(stderr, "  %u: %s of %u, %s, %lld, \"%s\"\n", rows[i].in.number,
                          tg_intent_kind_name(rows[i].in.kind), rows[i].in.of,
                          tg_intent_state_name(rows[i].in.state), (long long)rows[i].in.amount,
                          rows[i].in.reference);
    return false;
}

#define BOOK_CHECK(cond, what)                                                                     \
    SIM_CHECK((cond) || explain(b),                                                                \
              "order %lld (%s, payment %s, paid by %u): " what                                     \
              ": total %lld, captured %lld, refunded %lld, due %lld",                              \
              (long long)b->number, tg_order_state_name(b->state),                                 \
              tg_payment_state_name(b->payment_state), b->paid_by, (long long)b->total,            \
              (long long)b->captured, (long long)b->refunded, (long long)b->due)

/* --- one authorisation --- */

static void check_account(struct sim *s, const struct sim_book *b, const struct tg_intent *auth)
{
    uint32_t of = auth->number;
    int64_t captured = sum(b, TG_INTENT_CAPTURE, TG_INTENT_DONE, of);
    int64_t back = sum(b, TG_INTENT_REFUND, TG_INTENT_DONE, of);
    int64_t open = sum(b, TG_INTENT_REFUND, TG_INTENT_ASKED, of);

    BOOK_CHECK(captured <= auth->amount, "more taken of a promise than was promised");
    BOOK_CHECK(back <= captured, "more paid back of a payment than was taken");
    if (b->paid_by == of)
        return;
    /* Money of others goes back whole, promises are let go of; a refund may have failed, or be on
     * its way while somebody pays back by hand. */
    BOOK_CHECK(captured == 0 || back + open >= captured ||
                   sum(b, TG_INTENT_REFUND, TG_INTENT_FAILED, of) > 0,
               "a payment that pays nothing was kept");
    BOOK_CHECK(captured > 0 || any(b, TG_INTENT_VOID, of), "a promise was forgotten");
    s->t.strays += s->settled && captured > 0;
}

/* --- the order --- */

static void check_sums(const struct sim_book *b)
{
    BOOK_CHECK(b->captured == sum(b, TG_INTENT_CAPTURE, TG_INTENT_DONE, b->paid_by),
               "captured is not what the captures say");
    BOOK_CHECK(b->refunded == sum(b, TG_INTENT_REFUND, TG_INTENT_DONE, b->paid_by),
               "refunded is not what the refunds say");
    BOOK_CHECK(b->refunded <= b->captured, "more went back than came");
    BOOK_CHECK(b->refunded <= b->due, "more went back than was due");
}

static void check_sold_for_money(const struct sim_book *b)
{
    bool sold = b->state == TG_ORDER_PAID || b->state == TG_ORDER_PARTLY ||
                b->state == TG_ORDER_FULFILLED || b->state == TG_ORDER_RETURNED;

    BOOK_CHECK(!sold || b->paid_by > 0 || b->was_free, "sold for nothing");
    BOOK_CHECK(b->state != TG_ORDER_AWAITING || b->paid_by == 0, "paid, and waits for payment");
    BOOK_CHECK(b->fulfilled == 0 || b->total == 0 || b->captured >= b->total,
               "goods left without money");
}

/* What the shop keeps is what the order costs, less what staff gave back of it. */
static void check_owed(const struct sim_book *b, const struct given *g)
{
    int64_t asked = sum(b, TG_INTENT_REFUND, TG_INTENT_ASKED, b->paid_by);
    bool failed = sum(b, TG_INTENT_REFUND, TG_INTENT_FAILED, b->paid_by) > 0;
    int64_t kept;
    int64_t left;

    if (b->state == TG_ORDER_CANCELLED || b->state == TG_ORDER_EXPIRED || b->paid_by == 0) {
        left = b->captured - b->refunded - asked;
        /* ... and while ours is on its way somebody may pay back by hand, too. */
        BOOK_CHECK(left == 0 || failed || (b->refund_told && left < 0),
                   "money for nothing does not go back");
        return;
    }
    if (b->captured < b->total)
        return; /* the rest has not come; nothing was sent, see above */
    /* No more can go back than came: some may be cancelled after more was given back. */
    kept = TG_MAX(b->total - g->returned - g->goodwill, (int64_t)0);
    left = TG_MAX(b->captured - b->due, (int64_t)0);
    BOOK_CHECK(left <= kept, "the buyer pays more than the order costs");
    /* Somebody at the provider may pay back what nobody here knows of. */
    BOOK_CHECK(b->refund_told || left >= kept, "the buyer pays less than the order costs");
}

static void check_state(const struct sim_book *b)
{
    enum tg_payment_state want = TG_PAYMENT_AUTHORISED;

    if (b->intents == 0 || b->payment_state == TG_PAYMENT_DECLINED ||
        (b->paid_by == 0 && b->total == 0))
        return;
    if (b->refunded > 0)
        want = b->refunded >= b->captured ? TG_PAYMENT_REFUNDED : TG_PAYMENT_PARTLY_REFUNDED;
    else if (b->captured > 0 && (b->paid_by == 0 || b->captured >= b->total))
        want = TG_PAYMENT_PAID;
    BOOK_CHECK(b->payment_state == want ||
                   (want == TG_PAYMENT_AUTHORISED && b->payment_state == TG_PAYMENT_VOIDED),
               "the payment's state is another");
}

static void check_book(struct sim *s, struct tg_read_db *db, const struct sim_book *b)
{
    struct given g = {0};

    SIM_CHECK(tg_read_events(db, b->number, take_event, &g) == TG_OK, "events");
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].order_number != b->number)
            continue;
        if (rows[i].in.kind == TG_INTENT_AUTHORISE)
            check_account(s, b, &rows[i].in);
        SIM_CHECK(!s->settled || rows[i].in.state != TG_INTENT_ASKED,
                  "order %lld: question %u was never answered", (long long)b->number,
                  rows[i].in.number);
    }
    sim_provider_check(s, b, sum(b, TG_INTENT_CAPTURE, TG_INTENT_DONE, 0),
                       sum(b, TG_INTENT_REFUND, TG_INTENT_DONE, 0));
    check_sums(b);
    check_sold_for_money(b);
    check_owed(b, &g);
    check_state(b);
    if (!s->settled)
        return;
    s->t.sent += b->fulfilled > 0;
    s->t.returned += g.returned > 0;
    s->t.refunded += b->refunded > 0;
}

static bool refund_told(const struct sim *s, const struct tg_order *order)
{
    for (size_t i = 0; i < s->request_count; i++) {
        const struct sim_request *r = &s->requests[i];

        if (r->req.what == TG_SALE_NEWS && strcmp(r->ask.news, "refunded") == 0 &&
            strcmp(r->req.key, order->payment) == 0)
            return true;
    }
    return false;
}

void sim_book_note(struct sim *s, const struct tg_order *order)
{
    struct sim_book *b = &s->books[s->book_count++];

    *b = (struct sim_book){.number = order->number,
                           .state = order->state,
                           .payment_state = order->payment_state,
                           .paid_by = order->paid_by,
                           .total = order->total,
                           .captured = order->captured,
                           .refunded = order->refunded,
                           .due = order->refund_due,
                           .was_free = true,
                           .refund_told = refund_told(s, order)};
    tg_str_cut(b->payment, sizeof(b->payment), order->payment);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct tg_order_line *line = &order->lines[i];

        b->fulfilled += line->fulfilled;
        /* A gift, or what was left when the rest was cancelled. */
        b->was_free = b->was_free && tg_line_worth(line, line->qty - line->cancelled) == 0;
        s->t.part_cancelled += s->settled && line->cancelled > 0;
    }
    s->t.first_paid += s->settled && order->show == SIM_FIRST_PAID && order->paid_by > 0;
}

void sim_check_books(struct sim *s, struct tg_read_db *db)
{
    const struct tg_history_page page = {
        .order_number = INT64_MAX, .state = -1, .show = UINT16_MAX, .limit = ROWS_MAX};

    int64_t left;

    row_count = 0;
    SIM_CHECK(tg_read_intents(db, &page, take_row, NULL, &left) == TG_OK, "reading questions");
    for (size_t i = 0; i < s->book_count; i++) {
        for (size_t k = 0; k < row_count; k++)
            s->books[i].intents += rows[k].order_number == s->books[i].number;
        check_book(s, db, &s->books[i]);
    }
}
