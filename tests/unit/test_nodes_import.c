/*
 * test_nodes_import.c - imports with two nodes: one at a time, cancelled and told on the other one,
 * with a wrong clock, and of a node that died.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/slab.h"
#include "base/str.h"
#include "sale/sale_priv.h"
#include "store/catalogue.h"
#include "support/lib/feeds.h"
#include "support/lib/two_nodes.h"

static const struct tg_shop *shop_of(const struct node *n)
{
    return tg_sale_shop(n->sale);
}

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

/* Whoever is asked, the node that is at work stops before its next slice. */
static void test_an_import_is_cancelled_on_the_other_node(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_sale_req *req;
    struct tg_import was;
    struct file f;
    size_t variants;

    (void)state;
    file_make(&f, 2000);
    assert_int_equal(import(p, a, &f), 202);
    req = node_req(b, TG_SALE_IMPORT_CANCEL, "pM");
    req->who.roles = TG_ROLE_MERCHANDISER;
    (void)node_turn(p, b, req);
    assert_int_equal(b->status, 200);
    text_has(b->text, "\"state\":\"cancelled\"");
    was = last_import(p);
    assert_int_equal(was.state, TG_IMPORT_CANCELLED);
    variants = tg_shop_variant_count(shop_of(a));
    work(p, a);
    assert_int_equal(tg_shop_variant_count(shop_of(a)), variants);
    assert_memory_equal(&was, &(struct tg_import[]){last_import(p)}, sizeof(was));
    req = node_req(a, TG_SALE_IMPORT_UNDO, "pM");
    req->who.roles = TG_ROLE_MERCHANDISER;
    (void)node_turn(p, a, req);
    assert_int_equal(a->status, 202);
    req = node_req(b, TG_SALE_IMPORT_CANCEL, "pM");
    req->who.roles = TG_ROLE_MERCHANDISER;
    req->number = was.id + 1;
    (void)node_turn(p, b, req);
    assert_int_equal(b->status, 404);
    work(p, a);
    assert_int_equal(last_import(p).state, TG_IMPORT_UNDONE);
    assert_int_equal(import(p, b, &f), 202);
    work(p, b);
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    assert_int_equal(unlink(f.path), 0);
    pair_close(p);
}

/* Each message holds the whole catalogue, and the pages' thread may be slower than an import. */
static void test_an_import_is_told_on_the_other_node_now_and_then(void **state)
{
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    unsigned before = b->catalogs;
    unsigned heard = 0;
    struct file f;

    (void)state;
    file_make(&f, 4000);
    assert_int_equal(import(p, a, &f), 202);
    for (int i = 0; i < 100000 && tg_sale_deadline(a->sale) <= p->now.mono; i++) {
        (void)node_turn(p, a, NULL);
        heard += node_poll(p, b);
    }
    assert_int_equal(last_import(p).state, TG_IMPORT_DONE);
    assert_true(heard > 3);
    assert_int_equal(b->catalogs, before + 1);
    assert_true(tg_sale_deadline(b->sale) > p->now.mono);
    assert_true(tg_sale_deadline(b->sale) <= p->now.mono + (tg_us)2 * TG_US_PER_S);
    pair_pass(p, (tg_us)2 * TG_US_PER_S);
    (void)node_turn(p, b, NULL);
    assert_int_equal(b->catalogs, before + 2);
    assert_int_equal(b->catalog_variants, tg_shop_variant_count(shop_of(b)));
    assert_true(b->catalog_variants >= 4000);
    assert_int_equal(unlink(f.path), 0);
    pair_close(p);
}

/* Its clock is two minutes ahead: every lease looks as if it were over. */
static void test_a_wrong_clock_ends_nobodys_import(void **state)
{
    static const tg_us ahead = (tg_us)120 * TG_US_PER_S;
    struct pair *p = pair_open();
    struct node *a = &p->nodes[0];
    struct node *b = &p->nodes[1];
    struct tg_shop_now wrong = p->now;
    struct file f;

    (void)state;
    node_close(b);
    wrong.wall += ahead;
    node_open_wrong(b, p->url, wrong, ahead);
    pair_pass(p, (tg_us)61 * TG_US_PER_S);
    file_make(&f, 2000);
    assert_int_equal(import(p, a, &f), 202);
    wrong = p->now;
    wrong.wall += ahead;
    tg_sale_purge(b->sale, wrong, false);
    assert_int_equal(last_import(p).state, TG_IMPORT_RUNNING);
    /* Its own, which waited for a database that was away for longer than the lease, goes on. */
    pair_pass(p, TG_IMPORT_LEASE_US + TG_US_PER_S);
    tg_sale_purge(a->sale, p->now, false);
    assert_int_equal(last_import(p).state, TG_IMPORT_RUNNING);
    work(p, a);
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
        cmocka_unit_test(test_an_import_is_cancelled_on_the_other_node),
        cmocka_unit_test(test_an_import_is_told_on_the_other_node_now_and_then),
        cmocka_unit_test(test_a_wrong_clock_ends_nobodys_import),
        cmocka_unit_test(test_the_import_of_a_dead_node_ends_with_its_lease),
    };

    return nodes_run(tests, TG_ARRAY_LEN(tests));
}
