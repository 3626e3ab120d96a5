/* One call of the HTTP API. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "base/str.h"
#include "ctl/answer.h"
#include "ctl/remote_priv.h"

enum { CONNECT_S = 10, SLOW_S = 60, URL_SIZE = 2048, TOKEN_SIZE = 512 };

struct transfer {
    CURL *curl;
    struct curl_slist *headers;
    struct tg_buf body;   /* what is sent */
    struct tg_buf answer; /* JSON, or the problem */
    FILE *upload;
};

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;

    tg_buf_add(&t->answer, data, size * count);
    return t->answer.err == TG_OK ? size * count : 0;
}

static size_t give(char *data, size_t size, size_t count, void *ctx)
{
    return fread(data, size, count, ((struct transfer *)ctx)->upload) * size;
}

static bool add_header(struct transfer *t, const char *name, const char *value)
{
    char line[TOKEN_SIZE + 64];
    struct curl_slist *more;

    if (snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line))
        return false;
    more = curl_slist_append(t->headers, line);
    explicit_bzero(line, sizeof(line));
    if (more != NULL)
        t->headers = more;
    return more != NULL;
}

/* --token @FILE: arguments can be seen by everybody on the machine. */
static bool add_token(struct transfer *t, const char *token)
{
    char value[TOKEN_SIZE] = "Bearer ";
    const size_t len = strlen(value);
    FILE *f = token[0] == '@' ? fopen(token + 1, "re") : NULL;
    bool good = true;

    if (token[0] != '@')
        tg_str_cut(value + len, sizeof(value) - len, token);
    else
        good = f != NULL && fgets(value + len, (int)(sizeof(value) - len), f) != NULL;
    if (f != NULL)
        (void)fclose(f); /* only read */
    value[strcspn(value, "\r\n")] = '\0';
    good = good && add_header(t, "Authorization", value);
    explicit_bzero(value, sizeof(value));
    return good;
}

static bool add_key(struct transfer *t)
{
    unsigned char bytes[16];
    char text[40];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return add_header(t, "Idempotency-Key", text);
}

static bool set_body(struct transfer *t, const struct ctl_call *call)
{
    struct stat st;

    if (call->upload != NULL) {
        t->upload = fopen(call->upload, "re");
        return t->upload != NULL && fstat(fileno(t->upload), &st) == 0 && S_ISREG(st.st_mode) &&
               add_header(t, "Content-Type", "application/octet-stream") &&
               curl_easy_setopt(t->curl, CURLOPT_POST, 1L) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_READFUNCTION, give) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_READDATA, t) == CURLE_OK &&
               curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)st.st_size) ==
                   CURLE_OK;
    }
    if (call->body == NULL)
        return true;
    ctl_write(&t->body, call->body);
    return add_header(t, "Content-Type", "application/json") &&
           curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE, (long)t->body.len) == CURLE_OK &&
           curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, tg_buf_cstr(&t->body)) == CURLE_OK;
}

static bool set_all(struct transfer *t, const struct ctl_where *where, const struct ctl_call *call,
                    const char *url)
{
    CURL *e = t->curl;

    return (where->token == NULL || add_token(t, where->token)) && (!call->keyed || add_key(t)) &&
           add_header(t, "Expect", "") && set_body(t, call) &&
           curl_easy_setopt(e, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

static tg_err perform(struct transfer *t, const struct ctl_where *where, struct ctl_call *call,
                      const char *url, char reterr[256])
{
    char why[CURL_ERROR_SIZE] = "";
    CURLcode code;

    if (curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, why) != CURLE_OK ||
        !set_all(t, where, call, url)) {
        (void)snprintf(reterr, 256, "%.150s: %.60s", call->upload != NULL ? call->upload : url,
                       errno != 0 ? strerrordesc_np(errno) : "cannot be used");
        return TG_ERR_IO;
    }
    code = curl_easy_perform(t->curl);
    if (code != CURLE_OK) {
        (void)snprintf(reterr, 256, "%.100s: %.140s", where->url,
                       why[0] != '\0' ? why : curl_easy_strerror(code));
        return TG_ERR_IO;
    }
    (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &call->status); /* it was performed */
    call->answer = json_loadb((const char *)t->answer.data, t->answer.len, 0, NULL);
    return TG_OK;
}

tg_err ctl_call(const struct ctl_where *where, struct ctl_call *call, char reterr[256])
{
    struct transfer t = {.curl = curl_easy_init()};
    char url[URL_SIZE];
    size_t base = strlen(where->url);
    tg_err err;

    while (base > 0 && where->url[base - 1] == '/')
        base--;
    tg_buf_init(&t.body, TG_ADMIN_ANSWER_MAX);
    tg_buf_init(&t.answer, TG_ADMIN_ANSWER_MAX);
    errno = 0;
    if (snprintf(url, sizeof(url), "%.*s/api/v1%s", (int)base, where->url, call->path) >=
        (int)sizeof(url)) {
        (void)snprintf(reterr, 256, "the address is too long");
        err = TG_ERR_LIMIT;
    } else if (t.curl == NULL) {
        (void)snprintf(reterr, 256, "out of memory");
        err = TG_ERR_NOMEM;
    } else {
        err = perform(&t, where, call, url, reterr);
    }
    if (t.upload != NULL)
        (void)fclose(t.upload); /* only read */
    curl_slist_free_all(t.headers);
    curl_easy_cleanup(t.curl);
    tg_buf_done(&t.body);
    tg_buf_done(&t.answer);
    return err;
}
