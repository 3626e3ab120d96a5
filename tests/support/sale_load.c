/*
 * sale_load.c - buyers by the thousand: WebSocket frames as scheduled, and what came of each.
 *
 *   sale_load --http 127.0.0.1:8080 --show demo --skus FILE --sockets 5000 --intents 50000
 *             --within 2 [--mix 70,20,10 --staff 4 --token T] [--pay 10] [--prefix r1] [--wait 30]
 *
 * Connects and joins all sockets, prints {"event":"ready"}, waits for a line on stdin, sends the
 * intents evenly over --within seconds (0 = as fast as it can), waits for the answers (at most
 * --wait seconds after the last was sent) and prints one line of JSON. --mix: percent of buys, cart
 * changes and stock changes; the last are sent by --staff sockets that join with --token. --pay:
 * percent of the orders that are paid at once, by HTTP. An answer's time counts from the instant at
 * which the frame was due, so that a late generator makes the figures worse, never better.
 * Exit 1 when a socket could not join or was closed.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "support/lib/histogram.h"
#include "support/lib/http_many.h"
#include "support/lib/ws_many.h"

enum { CONNECTING_MAX = 100, CODES_MAX = 16, CODE_SIZE = 24, BURST = 64, SKUS_MAX = 4096 };
enum { PAYERS = 16, JOIN_S_MAX = 120 };

enum kind { BUY, CART, STOCK, KINDS };
static const char *const kind_names[KINDS] = {"buy", "cart", "stock"};

struct load {
    /* from the command line */
    const char *host;
    const char *show;
    const char *token;
    const char *prefix;
    size_t sockets;
    size_t staff;
    size_t intents;
    tg_us within_us;
    tg_us wait_us;
    unsigned mix[KINDS]; /* percent */
    unsigned pay;        /* percent */
    char (*skus)[80];
    size_t sku_count;

    struct ws_many *ws;
    struct http_many *http;
    size_t begun;
    size_t joined;
    size_t closed;
    uint8_t *done; /* by intent: answered */
    bool running;
    tg_us start;
    size_t sent;
    tg_us sent_last;
    size_t answered;
    size_t doubled;
    tg_us last_answer;
    tg_us last_order;
    uint64_t orders;
    uint64_t units;
    uint64_t paid;
    uint64_t pay_failed;
    uint64_t frames;
    uint64_t bytes;
    char codes[CODES_MAX][CODE_SIZE];
    uint64_t code_counts[KINDS][CODES_MAX];
    struct histogram took[KINDS];
};

static struct load the_load = {.host = "127.0.0.1:8080",
                               .show = "demo",
                               .prefix = "b",
                               .sockets = 100,
                               .intents = 1000,
                               .wait_us = 30 * TG_US_PER_S,
                               .mix = {100, 0, 0}};

/* --- what an intent is: all of it follows from its number --- */

/* A number of a number; splitmix64's last steps. */
static uint64_t scatter(uint64_t x)
{
    x = (x + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static enum kind kind_of(const struct load *l, size_t i)
{
    unsigned dice = (unsigned)(scatter(i) % 100);

    if (dice < l->mix[BUY])
        return BUY;
    return dice < l->mix[BUY] + l->mix[CART] ? CART : STOCK;
}

static struct ws *socket_of(const struct load *l, size_t i, enum kind kind)
{
    size_t buyers = l->sockets - l->staff;

    if (kind == STOCK)
        return ws_many_at(l->ws, buyers + i % l->staff);
    return ws_many_at(l->ws, i % buyers);
}

static tg_us due(const struct load *l, size_t i)
{
    return l->start + (tg_us)((double)l->within_us * (double)i / (double)l->intents);
}

static void send_intent(struct load *l, size_t i)
{
    enum kind kind = kind_of(l, i);
    const char *sku = l->skus[scatter(i ^ UINT64_C(0xabcdef)) % l->sku_count];
    char text[256];

    if (kind == BUY)
        tg_str_printf(text, sizeof(text),
                      "{\"op\":\"buy\",\"id\":\"%s-%zu\",\"sku\":\"%s\",\"qty\":1}", l->prefix, i,
                      sku);
    else if (kind == CART)
        tg_str_printf(text, sizeof(text),
                      "{\"op\":\"cart.set\",\"id\":\"%s-%zu\",\"sku\":\"%s\",\"qty\":%u}",
                      l->prefix, i, sku, (unsigned)(scatter(i + 7) % 4));
    else
        tg_str_printf(text, sizeof(text),
                      "{\"op\":\"stock\",\"id\":\"%s-%zu\",\"sku\":\"%s\",\"delta\":1}", l->prefix,
                      i, sku);
    ws_many_send(l->ws, socket_of(l, i, kind), text, strlen(text));
}

/* --- answers --- */

static void count_code(struct load *l, enum kind kind, const char *code, size_t len)
{
    for (size_t i = 0; i < CODES_MAX; i++) {
        if (l->codes[i][0] == '\0' && tg_str_copy(l->codes[i], CODE_SIZE, code, len) != TG_OK)
            return;
        if (strlen(l->codes[i]) == len && memcmp(l->codes[i], code, len) == 0) {
            l->code_counts[kind][i]++;
            return;
        }
    }
}

static const char *find(const char *text, const char *end, const char *what)
{
    const char *at = memmem(text, (size_t)(end - text), what, strlen(what));

    return at == NULL ? NULL : at + strlen(what);
}

static void pay(struct load *l, size_t i, const char *text, const char *end)
{
    const char *id = find(text, end, "/pay/sandbox/");
    const char *stop = id == NULL ? NULL : memchr(id, '"', (size_t)(end - id));
    char path[128];
    char key[96];

    if (stop == NULL || stop - id > 40)
        return;
    tg_str_printf(path, sizeof(path), "/api/v1/payments/%.*s/sandbox", (int)(stop - id), id);
    tg_str_printf(key, sizeof(key), "%s-%zu", l->prefix, i);
    if (http_many_post(l->http, (uint32_t)i, path, key, "{\"paid\":true}") != TG_OK)
        l->pay_failed++;
}

static void on_paid(void *ctx, uint32_t tag, int status, const char *body, size_t len)
{
    struct load *l = ctx;

    if (status == 200 && memmem(body, len, "\"paid\"", 6) != NULL) {
        l->paid++;
        return;
    }
    if (l->pay_failed++ < 5)
        fprintf(stderr, "payment %u: %d %.*s\n", tag, status, (int)TG_MIN(len, (size_t)300), body);
}

/* One reply, from behind {"re":" on. */
static void on_reply(struct load *l, const char *text, const char *end)
{
    size_t prefix = strlen(l->prefix);
    tg_us now = tg_clock_mono();
    const char *code = NULL;
    const char *id;
    char *id_end;
    size_t i;
    enum kind kind;

    if ((size_t)(end - text) < prefix + 2 || memcmp(text, l->prefix, prefix) != 0 ||
        text[prefix] != '-')
        return; /* another run's */
    id = text + prefix + 1;
    i = (size_t)strtoul(id, &id_end, 10);
    if (*id_end != '"' || i >= l->sent)
        return;
    if (l->done[i] != 0) {
        l->doubled++;
        return;
    }
    l->done[i] = 1;
    l->answered++;
    l->last_answer = now;
    kind = kind_of(l, i);
    histogram_add(&l->took[kind], now - due(l, i));
    if ((size_t)(end - id_end) > 11 && memcmp(id_end, "\",\"ok\":true", 11) == 0) {
        count_code(l, kind, "ok", 2);
        if (kind != BUY)
            return;
        l->orders++;
        l->last_order = now;
        if (l->pay > 0 && scatter(i + 99) % 100 < l->pay)
            pay(l, i, id_end, end);
        return;
    }
    code = find(id_end, end, "\"code\":\"");
    if (code != NULL)
        count_code(l, kind, code, strcspn(code, "\""));
}

static void on_text(void *ctx, struct ws *w, const char *text, size_t len)
{
    struct load *l = ctx;
    const char *end = text + len;
    const char *next = find(text, end, "{\"re\":\"");

    l->frames++;
    l->bytes += len;
    if (!l->running) {
        if (find(text, end, "\"ev\":\"joined\"") != NULL)
            l->joined++;
        else if (next != NULL)
            (void)fprintf(stderr, "join of socket %u refused: %.*s\n", w->index,
                          (int)TG_MIN(len, (size_t)300), text);
        return;
    }
    while (next != NULL) {
        const char *reply = next;

        next = find(reply, end, "{\"re\":\"");
        on_reply(l, reply, next == NULL ? end : next);
    }
}

/* --- sockets --- */

static void on_open(void *ctx, struct ws *w)
{
    struct load *l = ctx;
    char text[256];

    if (w->index >= l->sockets - l->staff)
        tg_str_printf(text, sizeof(text), "{\"op\":\"join\",\"token\":\"%s\"}", l->token);
    else
        tg_str_printf(text, sizeof(text), "{\"op\":\"join\",\"name\":\"Buyer %u\"}", w->index);
    ws_many_send(l->ws, w, text, strlen(text));
}

static void on_closed(void *ctx, struct ws *w)
{
    struct load *l = ctx;

    if (l->closed++ < 3)
        (void)fprintf(stderr, "socket %u closed by the server (%u)\n", w->index, w->close_by);
}

static bool connect_all(struct load *l)
{
    tg_us until = tg_clock_mono() + (tg_us)JOIN_S_MAX * TG_US_PER_S;

    while (l->joined < l->sockets && l->closed == 0 && tg_clock_mono() < until) {
        while (l->begun < l->sockets && l->begun - l->joined < CONNECTING_MAX) {
            if (ws_many_connect(l->ws, l->begun) != TG_OK) {
                (void)fprintf(stderr, "no socket %zu: ulimit -n?\n", l->begun);
                return false;
            }
            l->begun++;
        }
        ws_many_serve(l->ws, 10 * TG_US_PER_MS);
    }
    return l->joined == l->sockets && l->closed == 0;
}

static void on_http(void *ctx)
{
    struct load *l = ctx;

    http_many_serve(l->http);
}

/* Quiet company until the caller says go. */
static void await_go(struct load *l)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[64];

    (void)printf("{\"event\":\"ready\",\"sockets\":%zu}\n", l->joined);
    (void)fflush(stdout);
    while (poll(&in, 1, 0) == 0)
        ws_many_serve(l->ws, 10 * TG_US_PER_MS);
    if (read(STDIN_FILENO, line, sizeof(line)) < 0)
        (void)fprintf(stderr, "stdin cannot be read: beginning\n");
}

static void run(struct load *l)
{
    l->frames = 0;
    l->bytes = 0;
    l->running = true;
    l->start = tg_clock_mono();
    while (l->answered < l->intents || http_many_open(l->http) > 0) {
        tg_us now = tg_clock_mono();
        tg_us wait = TG_US_PER_S / 10;

        for (int n = 0; n < BURST && l->sent < l->intents && due(l, l->sent) <= now; n++) {
            l->sent_last = now;
            l->sent++; /* before the answer can come */
            send_intent(l, l->sent - 1);
        }
        if (l->sent < l->intents)
            wait = TG_MAX(due(l, l->sent) - now, (tg_us)0);
        else if (now - l->sent_last > l->wait_us)
            break;
        ws_many_serve(l->ws, wait);
    }
}

/* --- the result --- */

static void print_kind(const struct load *l, enum kind kind, bool *comma)
{
    const struct histogram *h = &l->took[kind];

    if (l->mix[kind] == 0)
        return;
    (void)printf("%s\"%s\":{\"answered\":%llu,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,"
                 "\"p999_ms\":%.2f,\"max_ms\":%.2f,\"codes\":{",
                 *comma ? "," : "", kind_names[kind], (unsigned long long)h->count,
                 histogram_ms(h, 500), histogram_ms(h, 900), histogram_ms(h, 990),
                 histogram_ms(h, 999), histogram_ms(h, 1000));
    *comma = false;
    for (size_t i = 0; i < CODES_MAX && l->codes[i][0] != '\0'; i++) {
        if (l->code_counts[kind][i] == 0)
            continue;
        (void)printf("%s\"%s\":%llu", *comma ? "," : "", l->codes[i],
                     (unsigned long long)l->code_counts[kind][i]);
        *comma = true;
    }
    (void)printf("}}");
    *comma = true;
}

static void print_result(const struct load *l)
{
    struct rusage use;
    bool comma = false;

    (void)getrusage(RUSAGE_SELF, &use); /* cannot fail */
    (void)printf("{\"event\":\"done\",\"sockets\":%zu,\"sent\":%zu,\"sent_s\":%.4f,\"answered\":%zu"
                 ",\"doubled\":%zu,\"closed\":%zu,\"last_answer_s\":%.4f,\"orders\":%llu,"
                 "\"last_order_s\":%.4f,\"paid\":%llu,\"pay_failed\":%llu,\"frames_in\":%llu,"
                 "\"bytes_in\":%llu,\"cpu_s\":%.2f,\"kinds\":{",
                 l->joined, l->sent, (double)(l->sent_last - l->start) / 1e6, l->answered,
                 l->doubled, l->closed, (double)(l->last_answer - l->start) / 1e6,
                 (unsigned long long)l->orders, (double)(l->last_order - l->start) / 1e6,
                 (unsigned long long)l->paid, (unsigned long long)l->pay_failed,
                 (unsigned long long)l->frames, (unsigned long long)l->bytes,
                 (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
                     (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
    for (int kind = 0; kind < KINDS; kind++)
        print_kind(l, (enum kind)kind, &comma);
    (void)printf("}}\n");
    (void)fflush(stdout);
}

/* --- the command line --- */

static int usage(const char *why)
{
    (void)fprintf(stderr, "sale_load: %s; see the head of sale_load.c\n", why);
    return 2;
}

static bool read_skus(struct load *l, const char *path)
{
    FILE *f = fopen(path, "re");
    char line[80];

    l->skus = tg_calloc(SKUS_MAX, sizeof(*l->skus));
    while (f != NULL && l->skus != NULL && l->sku_count < SKUS_MAX &&
           fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0')
            tg_str_cut(l->skus[l->sku_count++], sizeof(l->skus[0]), line);
    }
    if (f != NULL)
        (void)fclose(f);
    return l->sku_count > 0;
}

static bool option(struct load *l, int opt, const char *value)
{
    double number = strtod(value, NULL);

    switch (opt) {
    case 'h':
        l->host = value;
        return true;
    case 's':
        l->show = value;
        return true;
    case 't':
        l->token = value;
        return true;
    case 'x':
        l->prefix = value;
        return true;
    case 'k':
        return read_skus(l, value);
    case 'n':
        l->sockets = (size_t)number;
        return number >= 1;
    case 'f':
        l->staff = (size_t)number;
        return true;
    case 'i':
        l->intents = (size_t)number;
        return number >= 1;
    case 'w':
        l->within_us = (tg_us)(number * 1e6);
        return number >= 0;
    case 'a':
        l->wait_us = (tg_us)(number * 1e6);
        return number >= 0;
    case 'p':
        l->pay = (unsigned)number;
        return number >= 0 && number <= 100;
    case 'm':
        return sscanf(value, "%u,%u,%u", &l->mix[BUY], &l->mix[CART], &l->mix[STOCK]) == 3 &&
               l->mix[BUY] + l->mix[CART] + l->mix[STOCK] == 100;
    default:
        return false;
    }
}

static bool address(const struct load *l, struct sockaddr_in *ret)
{
    const char *colon = strrchr(l->host, ':');
    char ip[16];
    int64_t port;

    *ret = (struct sockaddr_in){.sin_family = AF_INET};
    if (colon == NULL || tg_str_copy(ip, sizeof(ip), l->host, (size_t)(colon - l->host)) != TG_OK ||
        tg_parse_i64(&port, colon + 1, strlen(colon + 1), 1, UINT16_MAX) != TG_OK)
        return false;
    ret->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, ip, &ret->sin_addr) == 1;
}

static bool prepare(struct load *l)
{
    static char path[128];
    struct rlimit files;
    struct ws_many_cfg ws = {.host = l->host,
                             .path = path,
                             .count = l->sockets,
                             .seed = 1,
                             .on_open = on_open,
                             .on_text = on_text,
                             .on_closed = on_closed,
                             .ctx = l};
    struct http_many_cfg http = {
        .host = l->host, .connections = PAYERS, .on_reply = on_paid, .ctx = l};

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* connect says when it was not enough */
    }
    tg_str_printf(path, sizeof(path), "/ws/%s", l->show);
    l->done = tg_calloc(l->intents, 1);
    if (!address(l, &ws.server) || l->done == NULL)
        return false;
    http.server = ws.server;
    return ws_many_new(&l->ws, &ws) == TG_OK && http_many_new(&l->http, &http) == TG_OK &&
           ws_many_watch(l->ws, http_many_fd(l->http), on_http) == TG_OK;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"http", 1, NULL, 'h'},  {"show", 1, NULL, 's'},    {"skus", 1, NULL, 'k'},
        {"token", 1, NULL, 't'}, {"prefix", 1, NULL, 'x'},  {"sockets", 1, NULL, 'n'},
        {"staff", 1, NULL, 'f'}, {"intents", 1, NULL, 'i'}, {"within", 1, NULL, 'w'},
        {"wait", 1, NULL, 'a'},  {"mix", 1, NULL, 'm'},     {"pay", 1, NULL, 'p'},
        {NULL, 0, NULL, 0}};
    struct load *l = &the_load;
    int failed;
    int opt;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!option(l, opt, optarg == NULL ? "" : optarg))
            return usage("a bad option");
    if (l->sku_count == 0)
        return usage("--skus names a file of SKUs");
    if (l->staff >= l->sockets || (l->mix[STOCK] > 0 && (l->staff == 0 || l->token == NULL)))
        return usage("stock changes need --staff and --token, and buyers beside them");
    if (!prepare(l))
        return usage("cannot begin");
    if (connect_all(l)) {
        await_go(l);
        run(l);
    } else {
        (void)fprintf(stderr, "%zu of %zu joined\n", l->joined, l->sockets);
    }
    print_result(l);
    failed = l->joined < l->sockets || l->closed > 0;
    http_many_free(l->http);
    ws_many_free(l->ws);
    tg_free(l->done);
    tg_free(l->skus);
    return failed;
}
