/*
 * hook_receiver.h - a webhook endpoint on loopback: a thread a connection, answers as told, keeps
 * what came.
 */
#ifndef TESTS_SUPPORT_HOOK_RECEIVER_H
#define TESTS_SUPPORT_HOOK_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOOK_KEPT_MAX = 4096, HOOK_TEXT_SIZE = 4096 };

struct hook_seen {
    char id[64];
    char timestamp[32];
    char signature[512];
    char agent[64];
    char *body; /* NUL-terminated */
};

struct hook_receiver;

/* NULL = no. */
struct hook_receiver *hook_receiver_new(void);
/* No call may be under way. */
void hook_receiver_free(struct hook_receiver *r);
uint16_t hook_receiver_port(const struct hook_receiver *r);
/* For what comes from now on: status, extra header lines ("A: b\r\n" or ""), answer's body of so
 * many bytes, after so long. */
void hook_receiver_answer(struct hook_receiver *r, int status, const char *headers,
                          const char *body, size_t body_len, int delay_ms);
size_t hook_receiver_count(struct hook_receiver *r);
/* Waits until `count` requests came; false after 10 s. */
bool hook_receiver_wait(struct hook_receiver *r, size_t count);
/* The index-th request; its strings live as long as the receiver. */
struct hook_seen hook_receiver_at(struct hook_receiver *r, size_t index);
/* The most that were answered at a time. */
int hook_receiver_peak(struct hook_receiver *r);

#endif
