/* One HTTP POST through libcurl, to an address that was looked at when its socket was made. */
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/str.h"
#include "outbound/outbound_priv.h"
#include "outbound/retry.h"
#include "outbound/sign.h"

enum { BODY_MAX = 512 * 1024, HEADER_SIZE = 640, CONNECT_MS = 5000, RETRY_AFTER_MAX_S = 36000 };

/* --- addresses --- */

static bool addr_of(struct tg_addr *ret, const struct curl_sockaddr *sa)
{
    if (sa->family == AF_INET && sa->addrlen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in in;

        memcpy(&in, &sa->addr, sizeof(in));
        *ret = tg_addr_v4(0, 0, 0, 0, ntohs(in.sin_port));
        memcpy(ret->ip + 12, &in.sin_addr, 4);
        return true;
    }
    if (sa->family == AF_INET6 && sa->addrlen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 in6;

        /* struct curl_sockaddr ends with a struct sockaddr; libcurl's own storage is longer. */
        memcpy(&in6, (const char *)sa + offsetof(struct curl_sockaddr, addr), sizeof(in6));
        *ret = (struct tg_addr){.port = ntohs(in6.sin6_port)};
        memcpy(ret->ip, &in6.sin6_addr, 16);
        return true;
    }
    return false;
}

/*
 * Every connection passes here with the very address it is made to, after all name look-ups; so no
 * answer of a name server, however late, leads into our own network.
 */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *sa)
{
    struct tg_call *call = ctx;
    struct tg_addr addr;

    if (purpose == CURLSOCKTYPE_IPCXN && addr_of(&addr, sa) &&
        (tg_cidr_list_match(call->allow, &addr) || (!call->plain && tg_addr_is_public(&addr))))
        return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
    call->refused = true;
    return CURL_SOCKET_BAD;
}

/* --- the answer --- */

static size_t take_answer(char *data, size_t one, size_t count, void *ctx)
{
    struct tg_call *call = ctx;
    size_t len = one * count; /* libcurl: one is 1, count at most CURL_MAX_WRITE_SIZE */
    size_t keep = TG_MIN(len, sizeof(call->answer) - call->kept);

    memcpy(call->answer + call->kept, data, keep);
    call->kept += keep;
    call->read += len;
    call->too_long = call->read > TG_CALL_ANSWER_MAX;
    return call->too_long ? 0 : len;
}

/* libcurl's signature. NOLINTNEXTLINE(readability-non-const-parameter) */
static size_t take_header(char *data, size_t one, size_t count, void *ctx)
{
    struct tg_call *call = ctx;

    (void)data;
    call->header_bytes += one * count;
    return call->header_bytes > TG_CALL_HEADERS_MAX ? 0 : one * count;
}

static const char *reason_of(const struct tg_call *call, CURLcode code)
{
    if (call->refused)
        return "the name leads to an internal address";
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the name is not known";
    case CURLE_COULDNT_CONNECT:
        return "no connection";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        return "the certificate or TLS was not accepted";
    default:
        return curl_easy_strerror(code);
    }
}

void tg_call_finish(struct tg_call *call, CURLcode code, tg_us now_mono)
{
    struct tg_hook_result *r = &call->result;
    curl_off_t after = 0;
    long status = 0;

    (void)curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 when it fails */
    (void)curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &after);
    r->status = (int)status;
    r->duration_ms = (int32_t)TG_MIN((now_mono - call->began) / TG_US_PER_MS, (tg_us)INT32_MAX);
    r->error[0] = '\0';
    tg_answer_excerpt(r->answer, sizeof(r->answer), call->answer, call->kept);
    call->retry_after_us =
        after > 0 ? TG_MIN((tg_us)after, (tg_us)RETRY_AFTER_MAX_S) * TG_US_PER_S : -1;
    if (code != CURLE_OK && !call->too_long) {
        r->status = 0;
        tg_str_cut(r->error, sizeof(r->error), reason_of(call, code));
    } else if (status >= 300 && status < 400) {
        tg_str_cut(r->error, sizeof(r->error), "redirects are not followed");
    } else if (status < 200 || status >= 300) {
        tg_str_cut(r->error, sizeof(r->error), "the endpoint refused it");
    }
}

/* --- the request --- */

static tg_err add_header(struct tg_call *call, const char *name, const char *value)
{
    char line[HEADER_SIZE];
    struct curl_slist *list;

    tg_str_printf(line, sizeof(line), "%s: %s", name, value);
    list = curl_slist_append(call->headers, line);
    if (list == NULL)
        return TG_ERR_NOMEM;
    call->headers = list;
    return TG_OK;
}

static tg_err write_body(struct tg_call *call, const struct tg_hook_message *m)
{
    struct tg_jo j = tg_jo(&call->body);
    char when[TG_RFC3339_SIZE];

    tg_rfc3339(when, m->created_wall);
    tg_jo_obj(&j, NULL);
    tg_jo_str(&j, "type", m->topic);
    tg_jo_str(&j, "timestamp", when);
    tg_jo_raw(&j, "data", m->payload, strlen(m->payload));
    tg_jo_end_obj(&j);
    return call->body.err;
}

static tg_err sign_all(struct tg_call *call, const struct tg_hook_message *m, const char *id,
                       tg_us wall)
{
    struct tg_buf header;
    tg_err err = m->secret_count == 0 ? TG_ERR_MALFORMED : TG_OK;

    tg_buf_init(&header, HEADER_SIZE - 32);
    for (size_t i = 0; err == TG_OK && i < m->secret_count; i++)
        err = tg_hook_sign(&header, m->secrets[i], id, wall / TG_US_PER_S, call->body.data,
                           call->body.len);
    if (err == TG_OK)
        err = add_header(call, "webhook-signature", tg_buf_cstr(&header));
    tg_buf_done(&header);
    return err;
}

static tg_err write_headers(struct tg_call *call, const struct tg_outbound_cfg *cfg,
                            const struct tg_hook_message *m, tg_us wall)
{
    char id[TG_HOOK_MESSAGE_ID_SIZE];
    char text[64];
    tg_err err;

    tg_hook_message_id(id, call->result.key.message);
    err = add_header(call, "Content-Type", "application/json");
    if (err == TG_OK)
        err = add_header(call, "Expect", "");
    if (err == TG_OK)
        err = add_header(call, "webhook-id", id);
    tg_str_printf(text, sizeof(text), "%lld", (long long)(wall / TG_US_PER_S));
    if (err == TG_OK)
        err = add_header(call, "webhook-timestamp", text);
    if (err == TG_OK)
        err = sign_all(call, m, id, wall);
    tg_str_printf(text, sizeof(text), "torg-webhooks%s%.40s", cfg->version == NULL ? "" : "/",
                  cfg->version == NULL ? "" : cfg->version);
    return err == TG_OK ? add_header(call, "User-Agent", text) : err;
}

/* Every option's result counts: one that libcurl does not know would leave a door open. */
static bool set_options(struct tg_call *call, const struct tg_outbound_cfg *cfg, const char *url)
{
    CURL *e = call->easy;

    return curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, call->plain ? "http" : "https") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK && /* nor one of the environment */
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           /* A look-up that hangs is let go of when its time is over, not waited for. */
           curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(cfg->timeout_us / TG_US_PER_MS)) ==
               CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, call) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, call) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERDATA, call) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_ERRORBUFFER, call->why) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PRIVATE, call) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)call->body.len) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDS, (const char *)call->body.data) == CURLE_OK;
}

tg_err tg_call_begin(struct tg_call *call, CURLM *multi, const struct tg_outbound_cfg *cfg,
                     const struct tg_hook *hook, const struct tg_hook_message *message, tg_us wall)
{
    tg_err err;

    tg_buf_init(&call->body, BODY_MAX);
    call->headers = NULL;
    call->allow = &cfg->allow;
    call->plain = strncmp(hook->url, "http://", 7) == 0;
    call->refused = false;
    call->too_long = false;
    call->read = 0;
    call->kept = 0;
    call->header_bytes = 0;
    call->retry_after_us = -1;
    call->easy = curl_easy_init();
    err = call->easy == NULL ? TG_ERR_NOMEM : write_body(call, message);
    if (err == TG_OK)
        err = write_headers(call, cfg, message, wall);
    if (err == TG_OK && (!set_options(call, cfg, hook->url) ||
                         curl_multi_add_handle(multi, call->easy) != CURLM_OK))
        err = TG_ERR_IO;
    if (err != TG_OK)
        tg_call_end(call, NULL);
    return err;
}

void tg_call_end(struct tg_call *call, CURLM *multi)
{
    if (multi != NULL && call->easy != NULL)
        (void)curl_multi_remove_handle(multi, call->easy); /* it is in, so it comes out */
    curl_easy_cleanup(call->easy);
    call->easy = NULL;
    curl_slist_free_all(call->headers);
    call->headers = NULL;
    tg_buf_done(&call->body);
}
