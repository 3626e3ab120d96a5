/* The operator's commands about the catalogue. */
#include <string.h>

#include "app/admin_priv.h"
#include "base/str.h"
#include "feed/feed.h"
#include "msg/web.h"
#include "store/catalogue.h"

/* An import is started, and asked about until it has ended. */

static bool absolute(const char *path, struct tg_buf *out)
{
    if (path[0] == '/' && strlen(path) < 300)
        return true;
    tg_admin_refuse(out, "The file's path must be absolute and have at most 299 bytes.");
    return false;
}

void tg_admin_import(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    const char *path = tg_admin_text(request, "file");
    const char *name = strrchr(path, '/');
    const char *format = tg_admin_text(request, "format");
    struct tg_sale_req *req;
    struct tg_admin_answer a = {0};

    if (!absolute(path, out))
        return;
    if (format[0] != '\0' && strcmp(format, "auto") != 0 &&
        tg_feed_format_parse(format) == TG_FEED_AUTO) {
        tg_admin_refuse(out,
                        "\"%s\" is no format: google, google-xml, google-tsv, shopify, "
                        "woocommerce, torg or auto.",
                        format);
        return;
    }
    req = tg_admin_new_sale(admin, TG_SALE_IMPORT);
    if (req != NULL)
        req->body = tg_slab_copy(path, strlen(path) + 1);
    if (req == NULL || req->body == NULL) {
        tg_msg_free(req);
        tg_admin_refuse(out, "out of memory");
        return;
    }
    tg_str_cut(req->key, sizeof(req->key), format[0] == '\0' ? "auto" : format);
    tg_str_cut(req->text, sizeof(req->text), name == NULL ? path : name + 1);
    if (json_is_true(json_object_get(request, "dry_run")))
        req->number |= TG_IMPORT_DRY;
    if (json_is_true(json_object_get(request, "strict")))
        req->number |= TG_IMPORT_STRICT;
    if (json_is_true(json_object_get(request, "archive_missing")))
        req->number |= TG_IMPORT_ARCHIVE_MISSING;
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->sale, req, &a), &a);
}

/* About the import that is named, else the one that sale chooses. */
static void ask_import(struct tg_admin *admin, enum tg_sale_what what, const json_t *request,
                       struct tg_buf *out)
{
    const char *id = tg_admin_text(request, "import");
    struct tg_sale_req *req;
    struct tg_admin_answer a = {0};
    int64_t number = 0;

    if (id[0] != '\0' && (id[0] != 'i' || tg_parse_i64(&number, id + 1, strlen(id + 1), 1,
                                                       INT64_MAX - 1) != TG_OK)) {
        tg_admin_refuse(out, "\"%s\" is no import. See: torgctl catalog list", id);
        return;
    }
    req = tg_admin_new_sale(admin, what);
    if (req == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    req->number = number;
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->sale, req, &a), &a);
}

void tg_admin_undo(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    ask_import(admin, TG_SALE_IMPORT_UNDO, request, out);
}

void tg_admin_cancel(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    ask_import(admin, TG_SALE_IMPORT_CANCEL, request, out);
}

void tg_admin_imports(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_IMPORTS, "", tg_admin_text(request, "cursor"), &a, &err);
    tg_admin_pass_on(out, err, &a);
}

void tg_admin_import_status(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_IMPORT, tg_admin_text(request, "import"), "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}

void tg_admin_import_faults(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_IMPORT_FAULTS, tg_admin_text(request, "import"),
                      tg_admin_text(request, "cursor"), &a, &err);
    tg_admin_pass_on(out, err, &a);
}

void tg_admin_export(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    const char *path = tg_admin_text(request, "file");
    const char *format = tg_admin_text(request, "format");
    struct tg_read_req *req;
    struct tg_admin_answer a = {0};

    if (!absolute(path, out))
        return;
    req = tg_admin_new_read(admin, TG_READ_EXPORT);
    if (req == NULL) {
        tg_admin_refuse(out, "out of memory");
        return;
    }
    tg_str_cut(req->word, sizeof(req->word), format[0] == '\0' ? "torg" : format);
    tg_str_cut(req->path, sizeof(req->path), path);
    tg_admin_pass_on(out, tg_admin_ask(admin, admin->read, req, &a), &a);
}

void tg_admin_export_status(struct tg_admin *admin, const json_t *request, struct tg_buf *out)
{
    struct tg_admin_answer a = {0};
    tg_err err;

    tg_admin_ask_read(admin, TG_READ_EXPORT_STATE, tg_admin_text(request, "export"), "", &a, &err);
    tg_admin_pass_on(out, err, &a);
}
