/* sale_priv.h - one request of the running batch, and what the files of this room share. */
#ifndef TG_SALE_SALE_PRIV_H
#define TG_SALE_SALE_PRIV_H

#include "base/buf.h"
#include "base/json_out.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/thread.h"
#include "sale/sale.h"
#include "shop/comment.h"
#include "shop/idem.h"
#include "shop/waiting.h"

enum tg_admin_kind { TG_ADMIN_SHOW, TG_ADMIN_STATE, TG_ADMIN_TOKEN, TG_ADMIN_REVOKE };

/* A change of shows or tokens: decided, written with the batch, told to the registry after it. */
struct tg_admin {
    enum tg_admin_kind kind;
    struct tg_show_info show; /* SHOW; STATE: ord and state */
    struct tg_token_info token;
    char text[TG_TOKEN_SIZE]; /* TOKEN: the secret, given out once */
    char actor[TG_PERSON_SIZE];
};

struct tg_item {
    struct tg_sale_req *req;
    struct tg_claim claim;
    struct tg_price_shown *prices; /* checkout */
    struct tg_line_qty *lines;     /* of an order */
    void *mem;                     /* what a claim of stock points to */
    /* What the claim points to. */
    union {
        struct tg_show_rules rules;
        struct tg_show_item show_item;
        struct tg_comment_wish wish; /* comment: also read by its answer */
        char buyer[TG_PERSON_SIZE];  /* staff sale */
    };
    uint64_t digest;
    struct tg_admin *admin;
    struct tg_hook_change *hook;
    bool silent; /* nobody waits for an answer */
    bool audit;  /* answered after the batch */
    enum tg_code code;
    int status;
    struct tg_slab *reply;
    /* What of the reply the event of this batch says again: the order that the claim made, or the
     * cart that it set. */
    struct {
        struct tg_slab *in; /* owned: the reply is sent before; NULL = the event is written anew */
        const void *of;     /* the order or cart */
        size_t at;
        size_t len;
    } said;
    char location[128];
    char etag[40];
    bool in_lang; /* some text of the answer is in the language that was asked for */
    struct tg_discount *discount; /* code.new, code.set */
};

/* What a request says goes into its digest: the same key with other words is a conflict. */
static inline void tg_item_says(struct tg_item *item, const char *text)
{
    item->digest = tg_idem_digest_str(item->digest, text);
}

static inline void tg_item_says_int(struct tg_item *item, int64_t value)
{
    item->digest = tg_idem_digest_int(item->digest, value);
}

/* One line of goods, as somebody buys it, puts it into the cart, or staff sell it. */
struct tg_line_said {
    const char *sku;
    int32_t qty;
    int64_t price; /* -1 = not given */
    const char *code;
    const char *currency;
    const char *location;
    bool back_order;
};

/* In which language people read: of who joined lately, by a hash of the person. Two who share a
 * place take turns, and one of them reads events as the products were written first. */
enum { TG_SALE_LANGS = 8192 };
struct tg_sale_lang {
    uint64_t person;
    char lang[TG_LANG_SIZE];
};

struct tg_sale {
    struct tg_sale_lang *langs; /* TG_SALE_LANGS */
    struct tg_sale_cfg cfg;
    struct tg_shop *shop;
    struct tg_idem *idem;
    struct tg_mailbox *mailbox;
    struct tg_thread *thread;
    struct tg_rng rng; /* when cfg has none */
    struct tg_buf buf; /* JSON being written */
    struct tg_item *items;
    size_t item_count;
    struct tg_claim *claims;     /* the items' claims in a row, for the store */
    struct tg_verdict *refusals; /* decided while the request was read: shape and roles */
    void **taken;
    struct tg_shop_now now; /* of the running turn */
    tg_err failed;          /* the batch cannot be kept: why */
    struct {                /* of the show asked last in this batch */
        bool known;
        uint16_t show;
        tg_us epoch_us;
    } clock;
    size_t rows;    /* of stock, asked for by this batch */
    tg_us retry_at; /* the clock's work waits until then after a failure */
    tg_us purge_at;
    bool purge_more;     /* the last slice was not all */
    tg_us unanswered_at; /* when to look for questions without an answer; TG_US_NEVER = no need */
    tg_us poll_at;       /* when to ask what other nodes did; TG_US_NEVER = there are none */
    _Atomic bool lost;   /* the database does not answer */
    _Atomic bool behind; /* ... or cannot be followed */
    bool catalog_stale;  /* other nodes changed products: tg_catalog_announce() tells of it */
    /* What other nodes changed of people who are here, to be read and told: orders by id, carts by
     * person. */
    struct tg_sale_heard {
        enum tg_change kind; /* ORDER, CART */
        char key[TG_UUID_SIZE];
    } elsewhere[512];
    size_t elsewhere_count;
    uint32_t next_token;
    uint16_t next_show;
    struct tg_log_burst fail_burst;
    struct tg_log_burst clock_burst;
    struct tg_catalog_work *catalog; /* catalog.c */
    /* Shows whose state could not be written: nobody asks again, so the thread itself tries again.
     */
    struct {
        bool waits;
        uint8_t state; /* enum tg_show_state */
    } unsaved[TG_SHOWS_MAX];
    size_t unsaved_count;
};

/* The payment page's address in front of the payment id; NULL = there is none. */
static inline const char *tg_sale_pay_base(const struct tg_sale *sale)
{
    return sale->cfg.allow_sandbox ? sale->cfg.sandbox_base : NULL;
}

/* request.c: who asks for what, as a claim; a refusal (false) is in the verdict. */
bool tg_request_claim(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item,
                      struct tg_verdict *out);
bool tg_request_kept_on_disk(const struct tg_item *item);

/* request.c: what an admin's request says, under this operation, for these roles; false = refused.
 */
bool tg_request_admin(struct tg_item *item, struct tg_verdict *out, const char *op, uint32_t may);
bool tg_request_no_memory(struct tg_verdict *out); /* false */
/* code_claim.c: from req->code. */
bool tg_code_claim(struct tg_item *item, struct tg_verdict *out);
/* request.c: into the claim and the digest. */
void tg_item_line(struct tg_item *item, enum tg_claim_kind kind, const struct tg_line_said *said);

/* repeat.c: requests under a key (person, op, id), wherever they are decided. */
enum tg_repeat {
    TG_REPEAT_NONE,   /* decide it */
    TG_REPEAT_SAME,   /* the first answer again */
    TG_REPEAT_OTHER,  /* 422: the key was used for something else */
    TG_REPEAT_RUNNING /* 409, HTTP only: what the first would be told may yet be rolled back */
};
/* c->op "" = it has no key. *ret with SAME: valid until the memory changes. */
enum tg_repeat tg_repeat_look(const struct tg_sale *sale, struct tg_shop_now now,
                              const struct tg_claim *c, uint64_t digest, bool http,
                              const struct tg_idem_entry **ret);
/* Digest, status and reply of `answer` under the claim's key; on_disk: with this batch. A success
 * that cannot be remembered must not happen. Errors: tg_idem_put's. */
TG_MUST_CHECK tg_err tg_repeat_keep(struct tg_sale *sale, struct tg_shop_now now,
                                    const struct tg_claim *c, const struct tg_idem_entry *answer,
                                    bool on_disk);
/* What is to reach the disk with this batch. */
TG_MUST_CHECK tg_err tg_repeat_write(struct tg_sale *sale, tg_us wall);
/* What OTHER and RUNNING say. */
const char *tg_repeat_text(enum tg_repeat repeat);
/* The Location of a remembered answer to `op`; "" = it had none. */
void tg_repeat_location(char out[128], const char *op, const struct tg_idem_entry *entry);
/* ... its ETag. */
void tg_repeat_etag(char out[40], const char *op, const struct tg_idem_entry *entry);

bool tg_request_forbid(struct tg_verdict *out); /* false */
/* stock_claim.c: stock, places and stock rules, as the request says; false = refused. */
bool tg_stock_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out);

/* answer.c: fill status and reply. A failure of memory sets sale->failed. */
void tg_answer_verdict(struct tg_sale *sale, struct tg_item *item, const struct tg_verdict *v);
void tg_answer_refusal(struct tg_sale *sale, struct tg_item *item, const struct tg_verdict *v);
/* The batch was not kept. */
void tg_answer_busy(struct tg_sale *sale, struct tg_item *item);
/* What stands in sale->buf as a slab; NULL sets sale->failed. */
struct tg_slab *tg_answer_slab(struct tg_sale *sale);
/* answer_stock.c: "rows" of the claim, each with its answer; undone = all or nothing, and nothing.
 */
void tg_answer_rows(struct tg_jo *j, const struct tg_item *item, bool undone);
/* "stock" of one item, and its tag. */
void tg_answer_item(struct tg_jo *j, struct tg_item *item, const struct tg_variant *v);
/* Whoever it is for sleeps on until tg_answer_wake. */
void tg_answer_send(struct tg_item *item);
/* Everybody who was told something by this batch, once. */
void tg_answer_wake(struct tg_sale *sale);
int tg_code_status(enum tg_code code);

/* sale.c: what the store's last answer says about the database; logs when that changes. */
void tg_sale_note_database(struct tg_sale *sale, tg_err err);
/* turn.c: a request into the running batch, which has room for it. */
void tg_turn_take(struct tg_sale *sale, struct tg_shop_now now, struct tg_sale_req *take_req);
/* unanswered.c: when it is time, the payments whose provider owes an answer, at most `room`. */
void tg_unanswered_take(struct tg_sale *sale, struct tg_shop_now now, size_t room);
/* An order of a batch that was kept. */
void tg_unanswered_note(struct tg_sale *sale, const struct tg_order *order);
/* The time that all nodes decide by; logs when this machine's clock is far from it. */
struct tg_shop_now tg_sale_shop_time(struct tg_sale *sale, struct tg_shop_now now);
/* ... and whether what others changed could be read. */
void tg_sale_note_behind(struct tg_sale *sale);
/* When it is time: what is old goes, a slice of it. `now` by this machine's clock; idle = nobody
 * waits for anything. */
void tg_sale_purge(struct tg_sale *sale, struct tg_shop_now now, bool idle);
/* turn.c: the show's state is on disk. */
void tg_sale_state_saved(struct tg_sale *sale, uint16_t show);

/* admin.c */
void tg_admin_decide(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item);
TG_MUST_CHECK tg_err tg_admin_write(struct tg_sale *sale, tg_us wall, const struct tg_admin *a);
/* After the commit: registry, live, callbacks. */
void tg_admin_apply(struct tg_sale *sale, const struct tg_admin *a);
void tg_admin_tell_show(struct tg_sale *sale, const struct tg_show_info *show);
void tg_admin_audit(struct tg_sale *sale, struct tg_item *item);

/* selling.c: shows' rules, waiting list, comments, staff sale. */
int64_t tg_sale_media_ms(struct tg_sale *sale, struct tg_shop_now now, uint16_t show);
void tg_selling_wait_claim(struct tg_item *item);
void tg_selling_window_claim(struct tg_item *item);
void tg_selling_sell_claim(struct tg_sale *sale, struct tg_item *item);
void tg_selling_rules_claim(struct tg_item *item);
void tg_selling_item_claim(struct tg_item *item);
/* A chat line; what is no purchase becomes silent. */
bool tg_selling_comment_claim(struct tg_sale *sale, struct tg_item *item, struct tg_verdict *out);
void tg_selling_facts(struct tg_jo *j, const struct tg_sale *sale, const struct tg_item *item,
                      const struct tg_verdict *v);
/* Which one a comment may mean. */
void tg_selling_choices(struct tg_jo *j, const struct tg_item *item);
/* What a person waits for, as JSON; NULL = nothing. */
struct tg_slab *tg_selling_waiting(struct tg_sale *sale, const char *person);
/* The batch's changes of rules and lines; at the start one show's rules. */
void tg_selling_announce(struct tg_sale *sale);
void tg_selling_announce_show(struct tg_sale *sale, uint16_t show);
/* Another node changed the rules of the show with this ordinal. */
void tg_selling_announce_key(struct tg_sale *sale, const char *ordinal);
void tg_selling_announce_ord(struct tg_sale *sale, uint16_t show);
/* hooks.c: webhooks. */
uint64_t tg_hooks_digest(uint64_t digest, const struct tg_hook_req *req);
void tg_hooks_decide(struct tg_sale *sale, struct tg_shop_now now, struct tg_item *item);
bool tg_hooks_any(const struct tg_sale *sale);
TG_MUST_CHECK tg_err tg_hooks_write(struct tg_sale *sale, tg_us wall);
/* After the batch, kept or not. */
void tg_hooks_return(struct tg_item *item, bool done);
void tg_hooks_free(struct tg_item *item);
/* catalog.c: changes of the catalogue, apart from the batches. */
TG_MUST_CHECK tg_err tg_catalog_work_new(struct tg_sale *sale, struct tg_shop_now now);
void tg_catalog_work_free(struct tg_sale *sale);
bool tg_catalog_takes(const struct tg_sale_req *req);
/* Takes a request of this kind; it is answered by the next tg_catalog_work(). */
void tg_catalog_take(struct tg_sale *sale, struct tg_sale_req *take_req);
/* At the end of a turn: what was taken, then one slice of what runs. */
void tg_catalog_work(struct tg_sale *sale, struct tg_shop_now now);
/* Every turn: what changed, here or on another node, is told to open pages, every 2 s at most. */
void tg_catalog_announce(struct tg_sale *sale, struct tg_shop_now now);
/* Monotonic time when there is something to do; TG_US_NEVER. */
tg_us tg_catalog_deadline(const struct tg_sale *sale);

/* announce.c: after the commit, from what the batch changed. */
void tg_announce_batch(struct tg_sale *sale);
/* The event in sale->buf to every socket of a person, wherever it is. */
void tg_announce_person(struct tg_sale *sale, const char *person);
/* Of no show, in the language that the person reads in. */
void tg_announce_cart(struct tg_sale *sale, const struct tg_cart *cart);
void tg_announce_catalog(struct tg_sale *sale);
/* What a variant costs now, into an event. */
void tg_announce_price(struct tg_live_sale *msg, const struct tg_variant *v);
/* elsewhere.c: what another node changed and the store has reloaded; a tg_store_watch. */
void tg_announce_elsewhere(void *ctx, enum tg_change kind, const char *key);

/* After the batch: orders and carts of people who are here, some of them. */
void tg_announce_people_elsewhere(struct tg_sale *sale);
/* langs.c */
void tg_lang_note(struct tg_sale *sale, const struct tg_person *who);
const char *tg_lang_of(const struct tg_sale *sale, const char *person);
/* ctx of tg_line_texts. */
struct tg_sale_texts {
    const struct tg_sale *sale;
    const char *lang;
    bool found; /* some text is there in it */
};
const struct tg_text *tg_sale_text_of(void *ctx, const char *sku);

#endif
