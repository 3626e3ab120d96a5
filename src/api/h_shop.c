/* Shows from the registry; products, orders, payments and reports from the sale and read threads.
 */
#include <string.h>

#include "api/req.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "feed/product.h"
#include "feed/words.h"

static bool show_id_ok(const char *id)
{
    for (const char *c = id; *c != '\0'; c++) {
        if ((*c < 'a' || *c > 'z') && (*c < '0' || *c > '9') && *c != '-')
            return false;
    }
    return id[0] != '\0' && id[0] != '-';
}

void tg_h_shows(struct tg_req *q)
{
    struct tg_show_info *shows = tg_calloc(TG_SHOWS_MAX, sizeof(*shows));
    struct tg_jo j = tg_jo(&q->out);
    size_t count;

    if (shows == NULL) {
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    count = tg_registry_shows(q->w->web->cfg.registry, shows, TG_SHOWS_MAX);
    tg_jo_obj(&j, NULL);
    tg_jo_arr(&j, "shows");
    for (size_t i = 0; i < count; i++)
        tg_show_info_write(&j, NULL, &shows[i]);
    tg_jo_end_arr(&j);
    tg_jo_null(&j, "next");
    tg_jo_end_obj(&j);
    tg_free(shows);
    tg_reply_json(q, 200);
}

void tg_h_show(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_jo j = tg_jo(&q->out);

    if (!tg_req_show(q, &show))
        return;
    tg_show_info_write(&j, NULL, &show);
    tg_reply_json(q, 200);
}

void tg_h_show_create(struct tg_req *q)
{
    char id[TG_SHOW_ID_MAX + 1];
    char title[TG_TITLE_SIZE];
    json_t *body = tg_req_json(q);
    struct tg_sale_req *msg;
    bool ok;

    if (body == NULL)
        return;
    ok = tg_req_text(q, body, "id", id, sizeof(id), true) &&
         tg_req_text(q, body, "title", title, sizeof(title), true);
    json_decref(body);
    if (!ok)
        return;
    if (!show_id_ok(id)) {
        tg_reply_problem(q, 400, "id",
                         "\"id\" may hold a-z, 0-9 and -, and begins with neither -.");
        return;
    }
    msg = tg_req_sale(q, TG_SALE_SHOW_CREATE);
    if (msg == NULL)
        return;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", id);
    tg_str_printf(msg->text, sizeof(msg->text), "%s", title);
    tg_req_ask_sale(q, msg);
}

/* Minor units, 0 = not given; false: 400 was answered. */
static bool query_amount(struct tg_req *q, const char *name, int64_t *ret)
{
    char detail[96];
    char text[24];

    *ret = 0;
    if (!tg_req_query(q, name, text, sizeof(text)))
        return false;
    if (text[0] == '\0' || tg_parse_i64(ret, text, strlen(text), 0, TG_FEED_PRICE_MAX) == TG_OK)
        return true;
    tg_str_printf(detail, sizeof(detail), "\"%s\" must be minor units from 0 to %d.", name,
                  TG_FEED_PRICE_MAX);
    tg_reply_problem(q, 400, name, detail);
    return false;
}

/* attr.colour=red: of the product itself or one of its variants. */
static bool query_attributes(struct tg_req *q, struct tg_read_req *msg)
{
    char name[TG_TITLE_SIZE];
    char value[TG_TITLE_SIZE];
    uint32_t count = 0;
    int at = 0;
    int one;

    while ((one = tg_req_query_each(q, "attr.", &at, name, value, sizeof(name))) > 0) {
        if (count == TG_READ_ATTRIBUTES_MAX) {
            tg_reply_problem(q, 400, "attr.", "Filter by three attributes at most.");
            return false;
        }
        tg_words_slug(msg->find.attributes[count].name, TG_ATTRIBUTE_SIZE, name);
        tg_words_slug(msg->find.attributes[count].value, TG_ATTRIBUTE_SIZE, value);
        if (msg->find.attributes[count].name[0] == '\0' ||
            msg->find.attributes[count].value[0] == '\0') {
            tg_reply_problem(q, 400, "attr.", "Write a name and a value, as attr.colour=red.");
            return false;
        }
        count++;
    }
    return one == 0;
}

static bool query_show(struct tg_req *q, struct tg_read_req *msg)
{
    char id[TG_SHOW_ID_MAX + 1];
    struct tg_show_info show;

    if (!tg_req_query(q, "show", id, sizeof(id)))
        return false;
    if (id[0] == '\0')
        return true;
    if (tg_registry_show_get(q->w->web->cfg.registry, id, strlen(id), &show) == TG_OK) {
        msg->find.by_show = true;
        msg->find.show = show.ord;
        return true;
    }
    tg_reply_problem(q, 404, "show", "There is no show with this id.");
    return false;
}

void tg_h_products(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_PRODUCTS);

    if (msg == NULL)
        return;
    if (tg_req_query(q, "q", msg->find.words, sizeof(msg->find.words)) &&
        tg_req_query(q, "category", msg->find.category, sizeof(msg->find.category)) &&
        query_amount(q, "price_min", &msg->find.price_min) &&
        query_amount(q, "price_max", &msg->find.price_max) && query_attributes(q, msg) &&
        query_show(q, msg))
        tg_req_ask_read(q, msg);
    else
        tg_msg_free(msg);
}

void tg_h_report(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_read_req *msg;

    if (!tg_req_show(q, &show))
        return;
    if (!tg_auth_may(&q->auth, show.ord, TG_ROLE_STAFF)) {
        tg_reply_problem(q, 403, "show", "Your token is for another show.");
        return;
    }
    msg = tg_req_read(q, TG_READ_REPORT);
    if (msg == NULL)
        return;
    msg->show = show.ord;
    tg_str_printf(msg->key, sizeof(msg->key), "%s", show.id);
    tg_req_ask_read(q, msg);
}
