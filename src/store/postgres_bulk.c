/* Many rows in one round trip: collected writes, and one query for many keys. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/str.h"
#include "store/postgres_priv.h"

enum {
    ARRAY_MAX = 64 * 1024 * 1024,
    ARRAY_HEADER = 20,
    /* An import of a hundred thousand rows goes in pieces. */
    ROWS_MAX = 20000,
    BYTES_MAX = 16 * 1024 * 1024,
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT4 = 23,
};

/* --- arrays in PostgreSQL's binary form: dimensions, nulls, element type, length, first index;
 *     then each element with its length, -1 for NULL --- */

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static void add_u32(struct tg_buf *b, uint32_t value)
{
    uint8_t bytes[4];

    put_u32(bytes, value);
    tg_buf_add(b, bytes, sizeof(bytes));
}

static void add_int(struct tg_buf *b, Oid type, int64_t value)
{
    uint64_t bits = (uint64_t)value;

    if (type == OID_INT8) {
        add_u32(b, 8);
        add_u32(b, (uint32_t)(bits >> 32));
        add_u32(b, (uint32_t)bits);
    } else if (type == OID_INT4) {
        add_u32(b, 4);
        add_u32(b, (uint32_t)bits);
    } else {
        uint8_t truth = value != 0;

        add_u32(b, 1);
        tg_buf_add(b, &truth, 1);
    }
}

static tg_err add_value(struct tg_buf *b, bool *has_null, Oid type, const struct tg_pg_value *v)
{
    bool number = type == OID_INT8 || type == OID_INT4 || type == OID_BOOL;

    if (b->len == 0) {
        static const uint8_t header[ARRAY_HEADER];

        if (b->max == 0)
            tg_buf_init(b, ARRAY_MAX);
        tg_buf_add(b, header, sizeof(header)); /* filled in when it is sent */
    }
    if (v->kind == TG_DB_NULL) {
        *has_null = true;
        add_u32(b, UINT32_MAX);
        return b->err;
    }
    if (v->is_int != number)
        return TG_ERR_BUG; /* a number for a text, or a text for a number */
    if (v->is_int) {
        add_int(b, type, v->number);
    } else {
        add_u32(b, (uint32_t)v->len);
        tg_buf_add(b, v->data, v->len);
    }
    return b->err;
}

static void finish_array(struct tg_buf *b, bool has_null, Oid type, size_t rows)
{
    put_u32(b->data, 1);
    put_u32(b->data + 4, has_null);
    put_u32(b->data + 8, type);
    put_u32(b->data + 12, (uint32_t)rows);
    put_u32(b->data + 16, 1);
}

static void clear_rows(struct tg_pg_stmt *st)
{
    for (int i = 0; i < st->params; i++) {
        tg_buf_clear(&st->arrays[i]);
        st->has_null[i] = false;
    }
    st->rows = 0;
}

static tg_err add_row(struct tg_db *db, struct tg_pg_stmt *st, enum tg_sql which)
{
    tg_err err = TG_OK;
    size_t before = 0;

    for (int i = 0; err == TG_OK && i < st->params; i++) {
        before = st->arrays[i].len;
        err = add_value(&st->arrays[i], &st->has_null[i], st->types[i], &st->values[i]);
        tg_pg_of(db)->bytes_waiting += st->arrays[i].len - before;
    }
    if (err != TG_OK)
        tg_str_printf(db->error, sizeof(db->error), "%s: a value does not fit its place",
                      tg_sql_texts[which].name);
    st->rows++;
    return err;
}

tg_err tg_pg_collect(struct tg_db *db, enum tg_sql which, struct tg_pg_stmt *st)
{
    struct tg_pg *p = tg_pg_of(db);
    tg_err err = st->prepared[TG_PG_BULK] ? TG_OK : tg_pg_prepare(db, which, TG_PG_BULK);

    if (err == TG_OK)
        err = add_row(db, st, which);
    p->rows_waiting++;
    if (err == TG_OK && (p->rows_waiting >= ROWS_MAX || p->bytes_waiting >= BYTES_MAX))
        err = tg_pg_flush(db, false);
    return err;
}

void tg_pg_drop(struct tg_pg *p)
{
    for (size_t i = 0; i < TG_SQL_COUNT; i++)
        if (p->stmts[i] != NULL && p->stmts[i]->rows > 0)
            clear_rows(p->stmts[i]);
    p->rows_waiting = 0;
    p->bytes_waiting = 0;
}

static int send_arrays(struct tg_pg *p, enum tg_sql which, struct tg_pg_stmt *st,
                       enum tg_pg_form form)
{
    const char *data[TG_SQL_PARAMS_MAX];
    int lens[TG_SQL_PARAMS_MAX];
    int formats[TG_SQL_PARAMS_MAX];
    char name[16];

    for (int i = 0; i < st->params; i++) {
        finish_array(&st->arrays[i], st->has_null[i], st->types[i], st->rows);
        data[i] = (const char *)st->arrays[i].data;
        lens[i] = (int)st->arrays[i].len;
        formats[i] = 1;
    }
    tg_pg_name(name, which, form);
    return PQsendQueryPrepared(p->conn, name, st->params, data, lens, formats, 0);
}

/* --- sending what was collected --- */

/* The answers of a pipeline: one result and an end for each statement, then the sync's own. */
static tg_err take_answers(struct tg_db *db, size_t statements)
{
    struct tg_pg *p = tg_pg_of(db);
    tg_err err = TG_OK;

    for (size_t i = 0; i < statements && p->phase == TG_PG_UP; i++) {
        PGresult *result = tg_pg_result(db);
        ExecStatusType status = PQresultStatus(result);
        bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;

        if (err == TG_OK && !good && status != PGRES_PIPELINE_ABORTED)
            err = tg_pg_failed(db, result);
        else
            PQclear(result);
        while (p->phase == TG_PG_UP && (result = tg_pg_result(db)) != NULL)
            PQclear(result);
    }
    if (p->phase != TG_PG_UP)
        return TG_ERR_CLOSED;
    PQclear(tg_pg_result(db)); /* PGRES_PIPELINE_SYNC */
    return p->phase == TG_PG_UP ? err : TG_ERR_CLOSED;
}

static tg_err send_all(struct tg_db *db, bool commit, size_t *ret_count)
{
    struct tg_pg *p = tg_pg_of(db);
    size_t count = 0;
    int sent = 1;

    for (int which = 0; sent == 1 && which < TG_SQL_COUNT; which++) {
        struct tg_pg_stmt *st = p->stmts[which];

        if (st == NULL || st->rows == 0)
            continue;
        sent = send_arrays(p, (enum tg_sql)which, st, TG_PG_BULK);
        count++;
    }
    /* After an error the server skips the rest, and so the COMMIT. */
    if (sent == 1 && commit) {
        sent = PQsendQueryParams(p->conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 0);
        count++;
    }
    if (sent == 1)
        sent = PQpipelineSync(p->conn);
    *ret_count = count;
    return sent == 1 ? TG_OK : tg_pg_failed(db, NULL);
}

tg_err tg_pg_flush(struct tg_db *db, bool commit)
{
    struct tg_pg *p = tg_pg_of(db);
    size_t count = 0;
    tg_err err;

    if (p->phase != TG_PG_UP)
        return TG_ERR_CLOSED;
    if (p->rows_waiting == 0)
        return commit ? tg_pg_simple(db, "COMMIT", NULL) : TG_OK;
    if (PQenterPipelineMode(p->conn) == 0)
        return tg_pg_failed(db, NULL);
    err = send_all(db, commit, &count);
    if (err == TG_OK)
        err = take_answers(db, count);
    if (p->phase == TG_PG_UP)
        (void)PQexitPipelineMode(p->conn); /* nothing is left to take */
    tg_pg_drop(p);
    return err;
}

/* --- one query for many keys --- */

/* What is asked: which key stands in which place, and each key's bytes, so that equal ones are
 * asked once. */
struct asked {
    struct tg_map seen; /* key bytes -> themselves, owned */
    size_t *index;      /* by place */
    size_t count;
    size_t cap;
    struct tg_buf key;
};

static void asked_done(struct asked *a)
{
    size_t cursor = 0;
    void *key;

    while ((key = tg_map_each(&a->seen, &cursor)) != NULL)
        tg_free(key);
    tg_map_done(&a->seen);
    tg_free(a->index);
    tg_buf_done(&a->key);
}

static void write_key(struct tg_buf *key, const struct tg_pg_stmt *st)
{
    tg_buf_clear(key);
    for (int i = 0; i < st->params; i++) {
        const struct tg_pg_value *v = &st->values[i];

        add_u32(key, (uint32_t)v->len | (v->is_int ? 1U << 31 : 0));
        if (v->is_int)
            tg_buf_add(key, &v->number, sizeof(v->number));
        else if (v->len > 0)
            tg_buf_add(key, v->data, v->len);
    }
}

/* CONFLICT: an equal key was asked before. */
static tg_err asked_add(struct asked *a, const struct tg_pg_stmt *st, size_t i)
{
    void *copy;
    tg_err err;

    write_key(&a->key, st);
    if (a->key.err != TG_OK)
        return a->key.err;
    if (tg_map_get(&a->seen, a->key.data, a->key.len) != NULL)
        return TG_ERR_CONFLICT;
    if (a->count == a->cap) {
        size_t cap = a->cap == 0 ? 64 : a->cap * 2;
        size_t *grown = tg_realloc(a->index, cap, sizeof(*grown));

        if (grown == NULL)
            return TG_ERR_NOMEM;
        a->index = grown;
        a->cap = cap;
    }
    copy = tg_calloc(1, a->key.len);
    if (copy == NULL)
        return TG_ERR_NOMEM;
    memcpy(copy, a->key.data, a->key.len);
    err = tg_map_put(&a->seen, copy, a->key.len, copy);
    if (err != TG_OK) {
        tg_free(copy);
        return err;
    }
    a->index[a->count++] = i;
    return TG_OK;
}

static tg_err bind_all(struct tg_q *q, size_t count, const struct tg_q_many *many, struct asked *a)
{
    struct tg_pg_stmt *st = q->st;
    tg_err err = TG_OK;

    for (size_t i = 0; err == TG_OK && i < count; i++) {
        q->bound = 0;
        if (!many->bind(many->ctx, i, q))
            continue;
        if (q->bound != st->params)
            return TG_ERR_BUG;
        err = asked_add(a, st, i);
        if (err == TG_OK)
            err = add_row(q->db, st, q->which);
        else if (err == TG_ERR_CONFLICT)
            err = TG_OK;
    }
    return err;
}

static tg_err end_keys(const struct tg_q_many *many, const struct asked *a, size_t from, size_t to)
{
    tg_err err = TG_OK;

    for (size_t k = from; many->end != NULL && err == TG_OK && k < to; k++)
        err = many->end(many->ctx, a->index[k]);
    return err;
}

static tg_err walk(struct tg_q *q, const struct tg_q_many *many, const struct asked *a)
{
    const struct tg_pg_stmt *st = q->st;
    size_t ended = 0; /* keys whose end was told */
    tg_err err = TG_OK;

    for (q->row = 0; err == TG_OK && q->row < PQntuples(st->result); q->row++) {
        const char *text = PQgetvalue(st->result, q->row, 0);
        int64_t number = 0;
        size_t place;

        if (tg_parse_i64(&number, text, strlen(text), (int64_t)ended + 1, (int64_t)a->count) !=
            TG_OK)
            return TG_ERR_BUG;
        place = (size_t)number - 1;
        err = end_keys(many, a, ended, place);
        ended = place;
        if (err == TG_OK)
            err = many->row(many->ctx, a->index[place], q);
    }
    return err == TG_OK ? end_keys(many, a, ended, a->count) : err;
}

static tg_err ask_all(struct tg_q *q, size_t count, const struct tg_q_many *many, struct asked *a)
{
    struct tg_pg *p = tg_pg_of(q->db);
    struct tg_pg_stmt *st = q->st;
    size_t waiting = p->bytes_waiting;
    tg_err err = p->rows_waiting > 0 ? tg_pg_flush(q->db, false) : TG_OK;

    if (err == TG_OK)
        err = tg_pg_prepare(q->db, q->which, TG_PG_MANY);
    if (err == TG_OK)
        err = bind_all(q, count, many, a);
    if (err == TG_OK && a->count > 0)
        err = tg_pg_finish(q->db, send_arrays(p, q->which, st, TG_PG_MANY), &st->result);
    clear_rows(st);
    p->bytes_waiting = waiting;
    return err;
}

tg_err tg_pg_each(struct tg_db *db, enum tg_sql which, size_t count, const struct tg_q_many *many)
{
    struct tg_rng rng = tg_rng_os();
    struct asked a = {.count = 0};
    struct tg_q q = tg_q(db, which);
    struct tg_pg_stmt *st = q.st;
    tg_err err = q.err;

    tg_map_init(&a.seen, &rng);
    tg_buf_init(&a.key, 64 * 1024);
    if (err == TG_OK)
        err = ask_all(&q, count, many, &a);
    if (err == TG_OK && a.count > 0) {
        st->first_column = 2;
        err = walk(&q, many, &a);
    }
    asked_done(&a);
    db->ops->end(&q);
    return err;
}
