/* Texts of requests that we read ourselves: paths, Origin, Host, Cookie, addresses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/listen.h"
#include "api/origin.h"
#include "api/router.h"
#include "base/cidr.h"
#include "base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tg_route rows[] = {
    {TG_GET, "/", NULL, 0, 0, TG_RATE_PAGE, 0},
    {TG_GET, "/s/{show}", NULL, 0, 0, TG_RATE_PAGE, 0},
    {TG_POST, "/api/v1/orders/{order}/cancel", NULL, 0, 0, TG_RATE_WRITE, 0},
    {TG_PATCH, "/whep/{show}/{session}", NULL, 0, 0, TG_RATE_WHEP, 0},
    {TG_GET, "/hls/*", NULL, 0, 0, TG_RATE_PAGE, 0},
};

static void check_route(const char *text, size_t len)
{
    for (unsigned method = 0; method < TG_METHOD_COUNT; method++) {
        struct tg_match m;
        char allow[64];
        tg_err err = tg_route_find(&m, rows, TG_ARRAY_LEN(rows), (enum tg_method)method, text, len);

        tg_route_allow(allow, sizeof(allow), m.allow);
        if (err != TG_OK)
            continue;
        for (size_t i = 0; i < m.param_count; i++) {
            const char *from = (const char *)m.params[i].data;

            /* Inside the path, and one whole segment unless it is the rest. */
            TG_ASSERT(from >= text && from + m.params[i].len <= text + len);
            TG_ASSERT(strchr(m.route->pattern, '*') != NULL ||
                      memchr(from, '/', m.params[i].len) == NULL);
        }
    }
}

/* Lines: path, origin, host, cookie header, cookie name, address, network, listen address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const embed[] = {"https://shop.example"};
    const struct tg_origin_cfg cfg = {.own = "https://torg", .embed = embed, .embed_count = 1};
    char *text = malloc(size + 1);
    const char *lines[8] = {"", "", "", "", "", "", "", ""};
    char *at = text;
    char out[48];
    char big[TG_HOST_SIZE];
    struct tg_addr addr;
    struct tg_cidr net;
    struct tg_listen listen;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < TG_ARRAY_LEN(lines) && at != NULL; i++) {
        lines[i] = at;
        at = strchr(at, '\n');
        if (at != NULL)
            *at++ = '\0';
    }
    check_route(lines[0], strlen(lines[0]));
    if (tg_origin_class(&cfg, lines[1], lines[2]) == TG_ORIGIN_OWN)
        TG_ASSERT(strncasecmp(lines[1], "http", 4) == 0);
    if (tg_origin_of_url(big, sizeof(big), lines[1]) == TG_OK)
        TG_ASSERT(strncmp(big, lines[1], strlen(big)) == 0);
    if (tg_cookie_get(out, sizeof(out), lines[3], lines[4]) == TG_OK)
        TG_ASSERT(strlen(out) < sizeof(out));
    if (tg_cidr_parse(&net, lines[6]) == TG_OK) {
        TG_ASSERT(net.bits <= 128);
        if (tg_addr_parse(&addr, lines[5], strlen(lines[5]), 0) == TG_OK)
            (void)tg_cidr_match(&net, &addr); /* only that it stays inside */
    }
    if (tg_listen_parse(&listen, lines[7]) == TG_OK && listen.any)
        TG_ASSERT(strchr(lines[7], '.') == NULL);
    free(text);
    return 0;
}
