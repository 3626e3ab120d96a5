/* The catalogue's staff side: products and variants with all details, imports, exports. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/req.h"
#include "base/alloc.h"
#include "base/str.h"
#include "feed/feed.h"
#include "store/catalogue.h"

static void read_one(struct tg_req *q, enum tg_read_what what, const char *name)
{
    char key[TG_SKU_MAX + 1];
    struct tg_read_req *msg;

    if (!tg_req_key(q, key, sizeof(key), name))
        return;
    msg = tg_req_read(q, what);
    if (msg == NULL)
        return;
    tg_str_cut(msg->key, sizeof(msg->key), key);
    tg_req_ask_read(q, msg);
}

/* Staff of the whole shop get what they keep; everybody else, and staff with ?view=shop, what
 * shoppers see. */
void tg_h_product(struct tg_req *q)
{
    bool staff = (q->auth.who.roles & TG_ROLE_MAY_PRICE) != 0 && !q->auth.one_show;
    char key[TG_SKU_MAX + 1];
    struct tg_read_req *msg;
    char view[8];

    if (!tg_req_query(q, "view", view, sizeof(view)) || !tg_req_key(q, key, sizeof(key), "product"))
        return;
    msg = tg_req_read(q, TG_READ_PRODUCT);
    if (msg == NULL)
        return;
    msg->flag = staff && strcmp(view, "shop") != 0;
    tg_str_cut(msg->key, sizeof(msg->key), key);
    tg_req_ask_read(q, msg);
}

void tg_h_variants(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_VARIANTS);
    char archived[8];

    if (msg == NULL)
        return;
    if (!tg_req_query(q, "product", msg->filter.product, sizeof(msg->filter.product)) ||
        !tg_req_query(q, "barcode", msg->filter.barcode, sizeof(msg->filter.barcode)) ||
        !tg_req_query(q, "archived", archived, sizeof(archived))) {
        tg_msg_free(msg);
        return;
    }
    msg->filter.archived = archived[0] == '\0' ? -1 : strcmp(archived, "true") == 0 ? 1 : 0;
    if (archived[0] != '\0' && msg->filter.archived == 0 && strcmp(archived, "false") != 0) {
        tg_msg_free(msg);
        tg_reply_problem(q, 400, "archived", "\"archived\" must be true or false.");
        return;
    }
    tg_req_ask_read(q, msg);
}

void tg_h_variant(struct tg_req *q)
{
    read_one(q, TG_READ_VARIANT, "variant");
}

void tg_h_import(struct tg_req *q)
{
    read_one(q, TG_READ_IMPORT, "import");
}

void tg_h_import_faults(struct tg_req *q)
{
    read_one(q, TG_READ_IMPORT_FAULTS, "import");
}

void tg_h_imports(struct tg_req *q)
{
    struct tg_read_req *msg = tg_req_read(q, TG_READ_IMPORTS);

    if (msg != NULL)
        tg_req_ask_read(q, msg);
}

/* --- single changes --- */

/* If-Match: "3" is the version that was seen, * is any. False: a problem was answered. */
static bool version_of(struct tg_req *q, int64_t *ret)
{
    size_t len = strlen(q->if_match);

    *ret = 0;
    if (len == 0 && !q->if_match_long) {
        tg_reply_problem(q, 428, "If-Match",
                         "Send If-Match with the version that you saw, as \"3\", or *.");
        return false;
    }
    if (strcmp(q->if_match, "*") == 0)
        return true;
    if (len > 2 && q->if_match[0] == '"' && q->if_match[len - 1] == '"' &&
        tg_parse_i64(ret, q->if_match + 1, len - 2, 1, INT64_MAX) == TG_OK)
        return true;
    tg_reply_problem(q, 400, "If-Match", "If-Match is * or the version in quotes, as \"3\".");
    return false;
}

static void change(struct tg_req *q, enum tg_sale_what what, const char *key, int64_t version,
                   const void *body, size_t len)
{
    struct tg_sale_req *msg = tg_req_sale(q, what);

    if (msg == NULL)
        return;
    msg->body = tg_slab_copy(body, len);
    if (msg->body == NULL) {
        tg_msg_free(msg);
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    tg_str_cut(msg->key, sizeof(msg->key), key);
    msg->number = version;
    tg_req_ask_sale(q, msg);
}

/* The sale reads the body; here it only has to be one JSON object. */
static bool json_ok(struct tg_req *q)
{
    json_t *body = tg_req_json(q);

    json_decref(body);
    return body != NULL;
}

static void create(struct tg_req *q, enum tg_sale_what what, const char *key)
{
    if (json_ok(q))
        change(q, what, key, 0, q->body.data, q->body.len);
}

static void patch(struct tg_req *q, enum tg_sale_what what, const char *name)
{
    char key[TG_SKU_MAX + 1];
    int64_t version;

    if (tg_req_key(q, key, sizeof(key), name) && version_of(q, &version) && json_ok(q))
        change(q, what, key, version, q->body.data, q->body.len);
}

void tg_h_product_create(struct tg_req *q)
{
    create(q, TG_SALE_PRODUCT_NEW, "");
}

void tg_h_product_patch(struct tg_req *q)
{
    patch(q, TG_SALE_PRODUCT_SET, "product");
}

void tg_h_product_archive(struct tg_req *q)
{
    static const char body[] = "{\"archived\":true}";
    char key[TG_SKU_MAX + 1];

    if (tg_req_key(q, key, sizeof(key), "product"))
        change(q, TG_SALE_PRODUCT_SET, key, 0, body, sizeof(body) - 1);
}

void tg_h_variant_create(struct tg_req *q)
{
    char key[TG_SKU_MAX + 1];

    if (tg_req_key(q, key, sizeof(key), "product"))
        create(q, TG_SALE_VARIANT_NEW, key);
}

/* A body with nothing but prices is h_price.c's, whose If-Match is the prices' own tag. */
void tg_h_variant_patch(struct tg_req *q)
{
    json_t *body = tg_req_json(q);
    bool prices = true;
    const char *member;
    json_t *value;

    if (body == NULL)
        return;
    json_object_foreach(body, member, value)
    {
        prices = prices && (strcmp(member, "price") == 0 || strcmp(member, "compare_at") == 0 ||
                            strcmp(member, "currency") == 0);
    }
    json_decref(body);
    if (prices)
        tg_h_prices_patch(q);
    else
        patch(q, TG_SALE_VARIANT_SET, "variant");
}

/* --- imports --- */

static bool query_format(struct tg_req *q, char format[24])
{
    if (!tg_req_query(q, "format", format, 24))
        return false;
    if (format[0] == '\0')
        tg_str_cut(format, 24, "auto");
    if (strcmp(format, "auto") == 0 || tg_feed_format_parse(format) != TG_FEED_AUTO)
        return true;
    tg_reply_problem(
        q, 400, "format",
        "format is google, google-xml, google-tsv, shopify, woocommerce, torg or auto.");
    return false;
}

static bool import_flags(struct tg_req *q, int64_t *ret)
{
    bool dry;
    bool strict;
    bool archive;

    if (!tg_req_query_flag(q, "dry_run", &dry) || !tg_req_query_flag(q, "strict", &strict) ||
        !tg_req_query_flag(q, "archive_missing", &archive))
        return false;
    *ret = (dry ? TG_IMPORT_DRY : 0) | (strict ? TG_IMPORT_STRICT : 0) |
           (archive ? TG_IMPORT_ARCHIVE_MISSING : 0);
    return true;
}

void tg_h_import_create(struct tg_req *q)
{
    struct tg_sale_req *msg;
    char name[TG_TITLE_SIZE];
    char format[24];
    int64_t flags;

    if (q->upload_path[0] == '\0') {
        tg_reply_problem(q, 400, NULL, "Send the file as the body.");
        return;
    }
    if (q->upload_failed) {
        tg_reply_problem(q, 503, NULL, "The server could not keep the file. Its disk may be full.");
        return;
    }
    if (!query_format(q, format) || !import_flags(q, &flags) ||
        !tg_req_query(q, "name", name, sizeof(name)))
        return;
    msg = tg_req_sale(q, TG_SALE_IMPORT);
    if (msg == NULL)
        return;
    msg->body = tg_slab_copy(q->upload_path, strlen(q->upload_path) + 1);
    if (msg->body == NULL) {
        tg_msg_free(msg);
        tg_reply_problem(q, 503, NULL, "Out of memory. Try again.");
        return;
    }
    tg_str_cut(msg->key, sizeof(msg->key), format);
    tg_str_cut(msg->text, sizeof(msg->text), name);
    msg->number = flags;
    msg->flag = true;
    msg->content = q->upload_digest;
    q->upload_path[0] = '\0'; /* the message has it now, then the import */
    tg_req_ask_sale(q, msg);
}

/* A request about one import by its id, "i12". */
static void ask_import(struct tg_req *q, enum tg_sale_what what)
{
    struct tg_sale_req *msg;
    char key[TG_SKU_MAX + 1];
    int64_t id = 0;

    if (!tg_req_key(q, key, sizeof(key), "import"))
        return;
    if (key[0] != 'i' || tg_parse_i64(&id, key + 1, strlen(key + 1), 1, INT64_MAX - 1) != TG_OK) {
        tg_reply_problem(q, 404, "import", "There is no such import.");
        return;
    }
    msg = tg_req_sale(q, what);
    if (msg == NULL)
        return;
    msg->number = id;
    tg_req_ask_sale(q, msg);
}

void tg_h_import_undo(struct tg_req *q)
{
    ask_import(q, TG_SALE_IMPORT_UNDO);
}

void tg_h_import_cancel(struct tg_req *q)
{
    ask_import(q, TG_SALE_IMPORT_CANCEL);
}

/* --- exports --- */

/* What the file is called where it is saved, and what it is, by the job's own words. */
static void head_file(struct tg_req *q, const json_t *job, const char **ret_type)
{
    static const struct {
        const char *format;
        const char *ending;
        const char *type;
    } known[] = {{"torg", "jsonl", "application/jsonl"},
                 {"google", "xml", "application/xml"},
                 {"shopify", "csv", "text/csv; charset=utf-8; header=present"},
                 {"csv", "csv", "text/csv; charset=utf-8; header=present"},
                 {"woocommerce", "csv", "text/csv; charset=utf-8; header=present"}};
    const char *format = json_string_value(json_object_get(job, "format"));
    const char *ended = json_string_value(json_object_get(job, "ended"));
    char name[96];

    *ret_type = "application/octet-stream";
    tg_reply_start(q, 200);
    tg_reply_header(q, "Cache-Control", "no-store");
    for (size_t i = 0; format != NULL && ended != NULL && i < TG_ARRAY_LEN(known); i++) {
        if (strcmp(known[i].format, format) != 0)
            continue;
        tg_str_printf(name, sizeof(name), "attachment; filename=\"catalogue-%s-%.10s.%s\"", format,
                      ended, known[i].ending);
        tg_reply_header(q, "Content-Disposition", "%s", name);
        *ret_type = known[i].type;
    }
}

static void send_file(struct tg_req *q, int fd, const json_t *job)
{
    const char *type;
    struct stat st;

    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        q->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (q->map == MAP_FAILED)
            q->map = NULL;
        else
            q->map_len = (size_t)st.st_size;
    } else if (st.st_size == 0) {
        head_file(q, job, &type);
        tg_reply_send(q, type, tg_span(NULL, 0));
        return;
    }
    if (q->map == NULL) {
        tg_reply_problem(q, 503, NULL, "The export could not be read.");
        return;
    }
    head_file(q, job, &type);
    tg_reply_send(q, type, tg_span(q->map, q->map_len));
}

/* The read thread says that it is there; it stays for whoever asks again. */
static void found(struct tg_req *q, struct tg_web_reply *reply)
{
    const char *dir = q->w->web->cfg.data_dir;
    struct tg_span id = tg_req_param(q, 0); /* of an export that is there: nothing else in it */
    char path[320];
    int fd = -1;

    if (reply->status == 200 && dir != NULL &&
        snprintf(path, sizeof(path), "%s/export-%.*s", dir, (int)id.len, (const char *)id.data) <
            (int)sizeof(path))
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        json_t *job = json_loadb((const char *)reply->json->data, reply->json->len, 0, NULL);

        send_file(q, fd, json_object_get(job, "export"));
        json_decref(job);
        (void)close(fd); /* the mapping stays */
        return;
    }
    if (reply->status == 200) {
        tg_reply_problem(q, 503, NULL, "The export could not be read.");
        return;
    }
    tg_reply_start(q, reply->status);
    tg_reply_again(q, reply->json);
    tg_reply_slab(q, "application/problem+json", reply->json);
    reply->json = NULL;
}

void tg_h_export_create(struct tg_req *q)
{
    struct tg_read_req *msg;
    char format[24];

    if (!tg_req_query(q, "format", format, sizeof(format)))
        return;
    if (format[0] == '\0')
        tg_str_cut(format, sizeof(format), "torg");
    if (tg_export_format_parse(format) == TG_EXPORT_FORMAT_COUNT) {
        tg_reply_problem(q, 400, "format", "format is torg, google, shopify or woocommerce.");
        return;
    }
    msg = tg_req_read(q, TG_READ_EXPORT);
    if (msg == NULL)
        return;
    tg_str_cut(msg->word, sizeof(msg->word), format);
    tg_req_ask_read(q, msg);
}

void tg_h_export(struct tg_req *q)
{
    read_one(q, TG_READ_EXPORT_STATE, "export");
}

void tg_h_export_file(struct tg_req *q)
{
    q->finish = found;
    read_one(q, TG_READ_EXPORT_FILE, "export");
}
