/*
 * test_backup.c - a shop as one file and back, and what is done before and after its schema
 * changes; the same on SQLite and PostgreSQL.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <sqlite3.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/migrations.h"
#include "store/sql_text.h"
#include "store/store.h"
#include "support/lib/postgres_server.h"

static struct tg_pg_server *postgres; /* NULL = the tests run on SQLite */

struct box {
    char dir[64];
    char url[256]; /* the file's path on SQLite */
    char file[96]; /* where a backup goes */
    struct tg_db_cfg cfg;
};

/* Static: a test that fails half way leaves nothing that would look like a leak of the store's. */
static struct box *box_new(void)
{
    static struct box boxes[2];
    static unsigned next;
    struct box *b = &boxes[next++ % TG_ARRAY_LEN(boxes)];

    memset(b, 0, sizeof(*b));
    tg_str_printf(b->dir, sizeof(b->dir), "/tmp/torg-backup-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    tg_str_printf(b->file, sizeof(b->file), "%s/saved", b->dir);
    if (postgres == NULL)
        tg_str_printf(b->url, sizeof(b->url), "%s/shop.db", b->dir);
    else
        assert_true(tg_pg_server_url(postgres, b->url, sizeof(b->url)));
    b->cfg = (struct tg_db_cfg){.url = b->url, .fast = true, .keep_dir = b->dir};
    return b;
}

/* Files whose name holds `part`; removes them when asked to. The last one's path. */
static int files(const struct box *b, const char *part, bool remove, char ret[400])
{
    DIR *dir = opendir(b->dir);
    const struct dirent *e;
    char path[400];
    int count = 0;

    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) { // NOLINT(concurrency-mt-unsafe): one thread
        if (e->d_name[0] == '.' || strstr(e->d_name, part) == NULL)
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", b->dir, e->d_name);
        count++;
        if (ret != NULL)
            tg_str_cut(ret, 400, path);
        if (remove)
            assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(closedir(dir), 0);
    return count;
}

static void box_free(struct box *b)
{
    (void)files(b, "", true, NULL);
    assert_int_equal(rmdir(b->dir), 0);
}

static void sql(const struct box *b, const char *text)
{
    sqlite3 *raw = NULL;
    char *why = NULL;

    if (postgres != NULL) {
        assert_true(tg_pg_server_sql(b->url, text));
        return;
    }
    assert_int_equal(sqlite3_open(b->url, &raw), SQLITE_OK);
    if (sqlite3_exec(raw, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

static long number(const struct box *b, const char *text)
{
    sqlite3 *raw = NULL;
    sqlite3_stmt *st = NULL;
    long out;

    if (postgres != NULL) {
        PGconn *conn = PQconnectdb(b->url);
        PGresult *result = PQexec(conn, text);

        if (PQntuples(result) != 1)
            fail_msg("%s: %s", text, PQerrorMessage(conn));
        out = strtol(PQgetvalue(result, 0, 0), NULL, 10);
        PQclear(result);
        PQfinish(conn);
        return out;
    }
    assert_int_equal(sqlite3_open(b->url, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(raw, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    out = (long)sqlite3_column_int64(st, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
    return out;
}

static long version(const struct box *b)
{
    return number(b, postgres == NULL ? "PRAGMA user_version" : "SELECT version FROM torg_schema");
}

#define LINE_OF(order, qty)                                                                        \
    "INSERT INTO order_lines (order_number, line, person, sku, title, options, qty, price, cost)"  \
    " VALUES (" order ", 1, 'pA', 'A', 'Mug', '{}', " qty ", 100, -1);"

/* The shop as the first version of the schema had it: one paid order of two units. */
static void old_shop(const struct box *b)
{
    struct tg_buf text;

    tg_buf_init(&text, TG_MIGRATION_MAX);
    assert_int_equal(
        tg_sql_schema(&text, tg_migrations[0], postgres == NULL ? TG_DB_SQLITE : TG_DB_POSTGRES),
        TG_OK);
    sql(b, tg_buf_cstr(&text));
    tg_buf_done(&text);
    sql(b, postgres == NULL ? "PRAGMA application_id = 1953460839; PRAGMA user_version = 1"
                            : "CREATE TABLE torg_schema (version BIGINT NOT NULL);"
                              "INSERT INTO torg_schema VALUES (1)");
    sql(b,
        "INSERT INTO products VALUES ('p1', 1, 'Mug', '', '', '', 1, 1);"
        "INSERT INTO variants (sku, product_id, position, options, price, compare_at, cost,"
        " flash, flash_until_us, created_us, changed_us)"
        " VALUES ('A', 'p1', 0, '{}', 100, -1, -1, -1, -1, 1, 1);"
        "INSERT INTO people (id, name, created_us, changed_us) VALUES ('pA', 'Kari', 1, 1);"
        "INSERT INTO orders (number, id, state, person, source, currency, total, created_us,"
        " changed_us, pay_by_us)"
        " VALUES (1001, '0190a000-0000-7000-8000-000000000001', 1, 'pA', '', 'NOK', 200, 1, 1,"
        " 1);" LINE_OF(
            "1001", "2") "INSERT INTO movements (sku, location, kind, qty,"
                         " order_number, actor, at_us) VALUES ('A', 'main', 1, 10, NULL, 's1', 1),"
                         " ('A', 'main', 3, 2, 1001, '', 2), ('A', 'main', 5, 2, 1001, '', 3);"
                         "INSERT INTO stock (sku, location, on_hand, held, sold) VALUES ('A', "
                         "'main', 10, 0, 2)");
}

static void new_shop(struct box *b)
{
    struct tg_store *store = NULL;
    char why[256] = "";

    if (tg_store_new(&store, &b->cfg, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(tg_demo_seed(store, 1), TG_OK);
    tg_store_free(store);
}

/* Opens the shop as torgd does; why = what it says when it cannot. */
static tg_err start(const struct box *b, char why[256])
{
    struct tg_store *store = NULL;
    tg_err err = tg_store_new(&store, &b->cfg, why);

    if (err == TG_OK)
        tg_store_free(store);
    return err;
}

static void save(const struct box *b, const char *file)
{
    char why[256] = "";

    if (tg_backup(&b->cfg, file, NULL, why) != TG_OK)
        fail_msg("%s", why);
}

static void bring_back(const struct box *b, const char *file)
{
    char kept[256] = "";
    char why[256] = "";

    if (tg_restore(&b->cfg, file, kept, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_not_equal(kept[0], '\0');
}

static mode_t mode_of(const char *file)
{
    struct stat st;

    assert_int_equal(stat(file, &st), 0);
    return st.st_mode & 0777;
}

/* --- backup and restore --- */

static void test_a_backup_is_its_owners_alone(void **state)
{
    struct box *b = box_new();
    mode_t before = umask(0);
    char kept[400] = "";

    (void)state;
    new_shop(b);
    save(b, b->file);
    assert_int_equal(mode_of(b->file), 0600);
    if (postgres == NULL) {
        bring_back(b, b->file);
        assert_int_equal(files(b, "before-restore", false, kept), 1);
        assert_int_equal(mode_of(kept), 0600);
        assert_int_equal(mode_of(b->url), 0600);
    }
    (void)umask(before);
    box_free(b);
}

static void test_what_an_interrupted_backup_or_restore_left_is_in_nobodys_way(void **state)
{
    struct box *b = box_new();
    char left[300];
    FILE *f;

    (void)state;
    new_shop(b);
    tg_str_printf(left, sizeof(left), "%s.part", b->file);
    f = fopen(left, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    save(b, b->file);
    assert_int_equal(access(left, F_OK), -1);
    if (postgres == NULL) {
        tg_str_printf(left, sizeof(left), "%s.part", b->url);
        f = fopen(left, "w");
        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
    }
    bring_back(b, b->file);
    assert_int_equal(files(b, ".part", false, NULL), 0);
    box_free(b);
}

/* Although what stands there cannot be read. */
static void restores_over(const struct box *b, const char *what, char copy[256])
{
    char why[256] = "";

    if (tg_restore(&b->cfg, b->file, copy, why) != TG_OK)
        fail_msg("%s: %s", what, why);
    assert_string_equal(why, "");
    assert_int_equal(access(copy, R_OK), 0);
    assert_int_equal(files(b, ".part", false, NULL), 0);
    assert_true(number(b, "SELECT count(*) FROM products") > 0);
    assert_int_equal(start(b, why), TG_OK);
}

static void test_a_damaged_database_is_restored_over(void **state)
{
    struct box *b = box_new();
    unsigned char noise[4096];
    char kept[256] = "";
    struct stat st;
    FILE *f;

    (void)state;
    new_shop(b);
    save(b, b->file);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (unsigned char)(i * 37 + 11);
    f = fopen(b->url, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(noise, 1, sizeof(noise), f), sizeof(noise));
    assert_int_equal(fclose(f), 0);
    restores_over(b, "noise", kept);
    assert_int_equal(stat(kept, &st), 0); /* the very file, for who can save something of it */
    assert_int_equal(st.st_size, sizeof(noise));
    box_free(b);
}

/* The way back to the older torg: its own backup over the newer one's database. */
static void test_a_newer_database_is_restored_over(void **state)
{
    struct box *b = box_new();
    char kept[256] = "";
    char why[256] = "";

    (void)state;
    new_shop(b);
    save(b, b->file);
    sql(b, "PRAGMA user_version = 99");
    assert_int_equal(start(b, why), TG_ERR_UNSUPPORTED);
    restores_over(b, "newer", kept);
    box_free(b);
}

/* Killed between the two: the shop stands aside, and nobody may begin a new one in its place. */
static void test_a_restore_that_was_cut_off_begins_no_new_shop(void **state)
{
    struct box *b = box_new();
    const char *schema = strstr(b->url, "search_path%3D") + strlen("search_path%3D");
    char text[300];
    char why[256] = "";

    (void)state;
    new_shop(b);
    save(b, b->file);
    tg_str_printf(text, sizeof(text),
                  "ALTER SCHEMA \"%s\" RENAME TO \"%s_before_17\"; CREATE SCHEMA \"%s\"", schema,
                  schema, schema);
    sql(b, text);
    assert_int_equal(start(b, why), TG_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "cut off"));
    assert_non_null(strstr(why, "_before_17"));
    assert_int_equal(number(b, "SELECT count(*) FROM pg_tables WHERE schemaname ="
                               " current_schema()"),
                     0);
    bring_back(b, b->file);
    assert_int_equal(start(b, why), TG_OK);
    assert_true(number(b, "SELECT count(*) FROM products") > 0);
    box_free(b);
}

static void test_a_backup_can_be_broken_off(void **state)
{
    struct box *b = box_new();
    atomic_bool stop = true;
    char why[256] = "";

    (void)state;
    new_shop(b);
    assert_int_equal(tg_backup(&b->cfg, b->file, &stop, why), TG_ERR_CLOSED);
    assert_int_equal(files(b, "saved", false, NULL), 0);
    box_free(b);
}

/* A copy is read again before it gets its name: from then on the stop flag is up. */
static atomic_bool stop_at_check;
static int parts_opened;

static int on_open(sqlite3 *raw, const char **why, const struct sqlite3_api_routines *api)
{
    const char *name = sqlite3_db_filename(raw, "main");

    (void)why;
    (void)api;
    if (name != NULL && strstr(name, ".part") != NULL && ++parts_opened == 2)
        atomic_store(&stop_at_check, true);
    return SQLITE_OK;
}

static void test_the_look_at_a_backup_can_be_broken_off(void **state)
{
    struct box *b = box_new();
    char why[256] = "";

    (void)state;
    new_shop(b);
    atomic_store(&stop_at_check, false);
    parts_opened = 0;
    assert_int_equal(sqlite3_auto_extension((void (*)(void))on_open), SQLITE_OK);
    assert_int_equal(tg_backup(&b->cfg, b->file, &stop_at_check, why), TG_ERR_CLOSED);
    assert_int_equal(sqlite3_cancel_auto_extension((void (*)(void))on_open), 1);
    assert_int_equal(parts_opened, 2);
    assert_int_equal(files(b, "saved", false, NULL), 0);
    box_free(b);
}

/* Two within one second: neither takes the other's place. */
static void test_what_two_restores_replace_is_kept_twice(void **state)
{
    struct box *b = box_new();
    char kept[256] = "";
    char why[256] = "";
    int done = 0;

    (void)state;
    new_shop(b);
    save(b, b->file);
    for (int i = 0; i < 3; i++) {
        tg_err err = tg_restore(&b->cfg, b->file, kept, why);

        done += err == TG_OK;
        assert_true(err == TG_OK || (err == TG_ERR_CONFLICT && why[0] != '\0'));
    }
    assert_int_equal(files(b, "before-restore", false, NULL), done);
    assert_int_equal(files(b, ".part", false, NULL), 0);
    assert_true(number(b, "SELECT count(*) FROM products") > 0);
    box_free(b);
}

static void test_a_file_without_a_shop_is_refused(void **state)
{
    struct box *b = box_new();
    struct box *other = box_new();
    char kept[256] = "";
    char why[256] = "";

    (void)state;
    new_shop(b);
    if (postgres == NULL) {
        FILE *f = fopen(other->file, "w"); /* SQLite takes an empty file for an empty database */

        assert_non_null(f);
        assert_int_equal(fclose(f), 0);
    } else {
        save(other, other->file); /* an empty schema, and of another name */
    }
    assert_int_equal(tg_restore(&b->cfg, other->file, kept, why), TG_ERR_UNSUPPORTED);
    assert_true(number(b, "SELECT count(*) FROM products") > 0);
    box_free(other);
    box_free(b);
}

static void test_a_backup_of_an_older_schema_is_restored_and_brought_up_to_date(void **state)
{
    struct box *b = box_new();
    char why[256] = "";

    (void)state;
    old_shop(b);
    save(b, b->file);
    assert_int_equal(start(b, why), TG_OK);
    assert_int_equal(version(b), tg_migration_count);
    bring_back(b, b->file);
    assert_int_equal(version(b), 1);
    if (start(b, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(version(b), tg_migration_count);
    assert_int_equal(number(b, "SELECT sold FROM stock WHERE sku = 'A'"), 2);
    box_free(b);
}

/* --- the schema changes --- */

static void test_before_the_schema_changes_a_copy_is_made(void **state)
{
    struct box *b = box_new();
    mode_t before = umask(0);
    char copy[400] = "";
    char why[256] = "";

    (void)state;
    old_shop(b);
    if (start(b, why) != TG_OK)
        fail_msg("%s", why);
    assert_int_equal(files(b, ".schema1-", false, copy), 1);
    assert_int_equal(mode_of(copy), 0600);
    bring_back(b, copy);
    assert_int_equal(version(b), 1);
    assert_int_equal(number(b, "SELECT count(*) FROM orders"), 1);
    (void)umask(before);
    box_free(b);
}

static void test_a_new_or_a_current_shop_gets_no_copy(void **state)
{
    struct box *b = box_new();
    char why[256] = "";

    (void)state;
    new_shop(b);
    assert_int_equal(start(b, why), TG_OK);
    assert_int_equal(files(b, ".schema", false, NULL), 0);
    box_free(b);
}

static void refused(const char *meddle, const char *because)
{
    struct box *b = box_new();
    char why[256] = "";

    old_shop(b);
    sql(b, meddle);
    assert_int_equal(start(b, why), TG_ERR_MALFORMED);
    if (strstr(why, because) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", because, why);
    assert_int_equal(version(b), 1);
    assert_int_equal(number(b, "SELECT qty FROM movements WHERE kind = 1"), 10);
    assert_int_equal(files(b, ".schema", false, NULL), 0); /* each try would leave another */
    box_free(b);
}

static void test_a_new_schema_that_does_not_add_up_changes_nothing(void **state)
{
    (void)state;
    refused("UPDATE stock SET on_hand = 11", "does not add up");
    refused(LINE_OF("1002", "1"), "order_lines name what is not there");
}

static void test_what_is_lost_is_noticed(void **state)
{
    struct box *b = box_new();
    struct tg_tally before = {0};
    struct tg_db db;
    char why[256] = "";

    (void)state;
    new_shop(b);
    assert_int_equal(tg_db_open(&db, &b->cfg, TG_DB_READ, why), TG_OK);
    assert_int_equal(tg_db_tally(&db, &before), TG_OK);
    assert_int_equal(tg_db_verify(&db, &before), TG_OK);
    before.rows[2]++; /* products */
    assert_int_equal(tg_db_verify(&db, &before), TG_ERR_MALFORMED);
    assert_non_null(strstr(db.error, "products"));
    tg_db_close(&db);
    box_free(b);
}

static void test_without_pg_dump_it_says_what_to_do(void **state)
{
    struct box *b = box_new();
    char *path = strdup(getenv("PATH")); // NOLINT(concurrency-mt-unsafe): one thread
    char why[256] = "";

    (void)state;
    old_shop(b);
    assert_int_equal(setenv("PATH", "/nonexistent", 1), 0); // NOLINT(concurrency-mt-unsafe)
    assert_int_equal(start(b, why), TG_ERR_NOTFOUND);
    assert_non_null(strstr(why, "pg_dump"));
    assert_non_null(strstr(why, "--no-backup"));
    assert_int_equal(version(b), 1);
    b->cfg.keep_dir = NULL; /* torgctl and its like leave it to torgd */
    assert_int_equal(start(b, why), TG_ERR_UNSUPPORTED);
    b->cfg.no_backup = true;
    assert_int_equal(start(b, why), TG_OK);
    assert_int_equal(version(b), tg_migration_count);
    assert_int_equal(setenv("PATH", path, 1), 0); // NOLINT(concurrency-mt-unsafe)
    free(path);
    box_free(b);
}

/* --- names --- */

static void use_schema(struct box *b, const char *schema)
{
    char create[160];

    tg_str_printf(create, sizeof(create), "CREATE SCHEMA \"%s\"", schema);
    sql(b, create);
    tg_str_printf(strstr(b->url, "search_path") + strlen("search_path%3D"), 128, "%s", schema);
}

static void comes_back_under_its_name(struct box *b)
{
    char kept[256] = "";
    char why[256] = "";
    FILE *f = fopen(b->file, "w");

    assert_non_null(f);
    assert_true(fputs("no backup", f) >= 0);
    assert_int_equal(fclose(f), 0);
    new_shop(b);
    assert_int_equal(tg_restore(&b->cfg, b->file, kept, why), TG_ERR_IO);
    assert_true(number(b, "SELECT count(*) FROM products") > 0);
    assert_int_equal(unlink(b->file), 0);
    save(b, b->file);
    sql(b, "DELETE FROM search_words");
    bring_back(b, b->file);
    assert_true(number(b, "SELECT count(*) FROM search_words") > 0);
}

static void test_a_schema_with_a_long_name_keeps_it(void **state)
{
    struct box *b = box_new();

    (void)state;
    use_schema(b, "a_shop_with_a_name_of_fifty_nine_bytes_which_is_rather_long");
    comes_back_under_its_name(b);
    box_free(b);
}

static void test_the_schema_public_is_restored_too(void **state)
{
    struct box *b = box_new();
    char *options = strstr(b->url, "&options");
    char *database = strstr(b->url, "/postgres?");

    (void)state;
    sql(b, "CREATE DATABASE publicly");
    assert_non_null(options);
    assert_non_null(database);
    *options = '\0';
    memcpy(database, "/publicly?", strlen("/publicly?"));
    comes_back_under_its_name(b);
    box_free(b);
}

/* --- the audit of a snapshot --- */

static tg_err count_bad(void *ctx, const struct tg_audit_row *row)
{
    char why[160];

    *(int *)ctx += !tg_audit_row_ok(row, why);
    return TG_OK;
}

static void test_the_audit_of_the_disk_finds_what_was_meddled_with(void **state)
{
    struct box *b = box_new();
    atomic_bool stop = false;
    char why[256] = "";
    int bad = 0;

    (void)state;
    new_shop(b);
    assert_int_equal(tg_audit_snapshot(&b->cfg, &stop, count_bad, &bad, why), TG_OK);
    assert_int_equal(bad, 0);
    sql(b, "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = 'MUG-RED'");
    assert_int_equal(tg_audit_snapshot(&b->cfg, &stop, count_bad, &bad, why), TG_OK);
    assert_int_equal(bad, 1);
    box_free(b);
}

/* What the two engines have in common. */
#define CONTRACT                                                                                   \
    cmocka_unit_test(test_a_backup_is_its_owners_alone),                                           \
        cmocka_unit_test(test_what_an_interrupted_backup_or_restore_left_is_in_nobodys_way),       \
        cmocka_unit_test(test_a_backup_can_be_broken_off),                                         \
        cmocka_unit_test(test_a_file_without_a_shop_is_refused),                                   \
        cmocka_unit_test(test_a_backup_of_an_older_schema_is_restored_and_brought_up_to_date),     \
        cmocka_unit_test(test_before_the_schema_changes_a_copy_is_made),                           \
        cmocka_unit_test(test_a_new_or_a_current_shop_gets_no_copy),                               \
        cmocka_unit_test(test_a_new_schema_that_does_not_add_up_changes_nothing),                  \
        cmocka_unit_test(test_what_is_lost_is_noticed),                                            \
        cmocka_unit_test(test_the_audit_of_the_disk_finds_what_was_meddled_with)

int main(void)
{
    static struct tg_pg_server server;
    const struct CMUnitTest sqlite[] = {
        CONTRACT,
        cmocka_unit_test(test_the_look_at_a_backup_can_be_broken_off),
        cmocka_unit_test(test_what_two_restores_replace_is_kept_twice),
        cmocka_unit_test(test_a_damaged_database_is_restored_over),
        cmocka_unit_test(test_a_newer_database_is_restored_over),
    };
    const struct CMUnitTest on_postgres[] = {
        CONTRACT,
        cmocka_unit_test(test_a_restore_that_was_cut_off_begins_no_new_shop),
        cmocka_unit_test(test_without_pg_dump_it_says_what_to_do),
        cmocka_unit_test(test_a_schema_with_a_long_name_keeps_it),
        cmocka_unit_test(test_the_schema_public_is_restored_too),
    };
    int failed = cmocka_run_group_tests(sqlite, NULL, NULL);

    if (!tg_pg_server_start(&server))
        return 1;
    postgres = &server;
    failed += cmocka_run_group_tests(on_postgres, NULL, NULL);
    tg_pg_server_stop(&server);
    return failed;
}
