/*
 * if_match.h - the If-Match header: which tags does the client take for good? Pure.
 * Spec: RFC 9110 s13.1.1, s8.8.3, s5.6.1.
 */
#ifndef TG_API_IF_MATCH_H
#define TG_API_IF_MATCH_H

#include <stddef.h>

#include "base/err.h"

enum {
    TG_IF_MATCH_MAX = 512,   /* a header's value longer than this is refused */
    TG_IF_MATCH_TAG_MAX = 31 /* characters of a tag of ours, without quotes (msg/rtc.h) */
};

/*
 * The header's value in its plainest form: "" for nothing, "*", or the strong tags, quoted, with
 * ", " between them. Weak tags are left out, since If-Match compares strongly, and so is every tag
 * that is longer than ours are, or that does not fit any more; when none is left, out is a pair of
 * quotes, which is nobody's tag. MALFORMED: neither "*" nor a list of tags.
 */
TG_MUST_CHECK tg_err tg_if_match_parse(char *out, size_t size, const char *text);

#endif
