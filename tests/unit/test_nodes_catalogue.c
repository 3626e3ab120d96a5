/*
 * test_nodes_catalogue.c - what one node does to the catalogue, and what the other makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/slab.h"
#include "base/str.h"
#include "store/catalogue.h"
#include "support/lib/feeds.h"
#include "support/lib/two_nodes.h"

static struct tg_pg_server server;

/* --- imports --- */

struct file {
    char path[64];
};

static void file_make(struct file *f, uint32_t variants)
{
    struct tg_feeds_cfg cfg = {.format = TG_FEED_TORG, .seed = 5, .variants = variants};
    struct tg_feeds_made made;
    struct tg_buf out;
    int fd;

    tg_buf_init(&out, 64 << 20);
    tg_feeds_make(&out, &cfg, &made);
    assert_int_equal(out.err, TG_OK);
    tg_str_printf(f->path, sizeof(f->path), "/tmp/torg-nodes-XXXXXX");
    fd = mkstemp(f->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, out.data, out.len), (ssize_t)out.len);
    assert_int_equal(close(fd), 0);
    tg_buf_done(&out);
}

static int import(struct pair *p, struct node *n, const struct file *f)
{
    struct tg_sale_req *req = node_req(n, TG_SALE_IMPORT, "pM");

    req->who.roles = TG_ROLE_MERCHANDISER;
    tg_str_cut(req->key, sizeof(req->key), "auto");
    tg_str_cut(req->text, sizeof(req->text), "feed");
    req->body = tg_slab_copy(f->path, strlen(f->path) + 1);
    (void)node_turn(p, n, req);
    return n->status;
}

static void work(struct pair *p, struct node *n)
{
    for (int i = 0; i < 100000 && tg_sale_deadline(n->sale) <= p->now.mono; i++)
        (void)node_turn(p, n, NULL);
}

static tg_err first_import(void *ctx, const struct tg_import *import)
{
    *(struct tg_import *)ctx = *import;
    return TG_ERR_CLOSED;
}

static struct tg_import last_import(struct pair *p)
{
    const struct tg_db_cfg cfg = {.url = p->url};
    struct tg_import found = {.id = 0};
    struct tg_read_db *db = NULL;
    char why[256] = "";

    assert_int_equal(tg_read_db_new(&db, &cfg, why), TG_OK);
    /* It is stopped after the first. */
    assert_int_equal(tg_read_imports(db, INT64_MAX, 1, first_import, &found), TG_ERR_CLOSED);
    tg_read_db_free(db);
    return found;
}

static void test_one_import_at_a_time_on_all_nodes(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_sale_req *req;
    struct file f;

    (void)state;
    file_make(&f, 2000);
    assert_int_equal(import(p, a, &f), 202);
    assert_int_equal(import(p, b, &f), 409);
    text_has(b->text, "Another server");
    req = node_req(b, TG_SALE_IMPORT_UNDO, "pM");
    req->who.roles = TG_ROLE_MERCHANDISER;
    req->number = 1;
    (void)node_turn(p, b, req);
    assert_int_equal(b->status, 409);
    node_close(b); /* whoever starts meanwhile does not take it for dead */
    node_open(b, p->url, p->now);
    assert_int_equal(last_import(p).state, TG_IMPORT_RUNNING);
    work(p, a);
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    assert_int_equal(import(p, b, &f), 202);
    work(p, b);
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    assert_int_equal(unlink(f.path), 0);
    pair_close(p);
}

static void test_the_import_of_a_dead_node_ends_with_its_lease(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct file f;

    (void)state;
    file_make(&f, 2000);
    assert_int_equal(import(p, a, &f), 202);
    pair_pass(p, TG_IMPORT_LEASE_US / 2);
    assert_int_equal(import(p, b, &f), 409);
    pair_pass(p, TG_IMPORT_LEASE_US);
    assert_int_equal(import(p, b, &f), 202); /* a did nothing for a minute and a half */
    work(p, b);
    assert_int_equal(last_import(p).id, 2);
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    work(p, a); /* it comes to, finds that it was taken for dead, and lets go */
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    assert_int_equal(import(p, a, &f), 202);
    work(p, a);
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    assert_int_equal(unlink(f.path), 0);
    pair_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_import_at_a_time_on_all_nodes),
        cmocka_unit_test(test_the_import_of_a_dead_node_ends_with_its_lease),
    };
    int failed;

    if (!tg_pg_server_start(&server))
        return 1;
    nodes_server = &server;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
