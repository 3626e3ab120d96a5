/*
 * web_client.h - a plain blocking client for HTTP/1.1 and WebSocket, that can also misbehave.
 */
#ifndef TG_TESTS_WEB_CLIENT_H
#define TG_TESTS_WEB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct web_client {
    int fd; /* -1 = closed */
    char *data;
    size_t len;
    size_t cap;
};

struct web_answer {
    int status;       /* 0 = the connection ended before an answer */
    const char *head; /* status line and headers */
    const char *body; /* NUL-terminated; both are good until the next answer or frame */
    size_t body_len;
};

/* 127.0.0.1; aborts the test when it cannot. rcvbuf 0 = the kernel's choice. */
struct web_client web_open(uint16_t port, int rcvbuf);
void web_close(struct web_client *c);
void web_send(struct web_client *c, const void *data, size_t len);
void web_send_text(struct web_client *c, const char *text);
/* Waits up to 5 s. HEAD answers have no body: no_body. */
struct web_answer web_read_answer(struct web_client *c, bool no_body);
/* "GET /x" or "POST /x", extra headers each ending in \r\n, body may be NULL. */
struct web_answer web_ask(struct web_client *c, const char *line, const char *headers,
                          const char *body);
/* Does the header stand in the head, with this beginning of its value? */
bool web_has(const struct web_answer *a, const char *header, const char *value);
/* True when the peer ends the connection within 5 s; what it sent before is dropped. */
bool web_ended(struct web_client *c);

/* WebSocket: handshake answer (101 expected by the caller), then masked frames. */
struct web_answer web_ws_open(struct web_client *c, const char *path, const char *headers);
void web_ws_send(struct web_client *c, const char *text);
void web_ws_send_frame(struct web_client *c, uint8_t first, const void *data, size_t len);
/*
 * The next data frame as NUL-terminated text (good until the next answer or frame); NULL: the
 * connection ended or 5 s passed. A close frame gives "" and *ret_close. Pings are answered.
 */
const char *web_ws_read(struct web_client *c, int *ret_close);

#endif
