/*
 * json_out.h - writing JSON (RFC 8259) into a tg_buf.
 *
 * Commas are put in by the writer. Text must be UTF-8; bytes that are not become U+FFFD, and "<",
 * U+2028 and U+2029 are escaped so that the result may stand in a script element. Errors are the
 * buffer's sticky `err`.
 *
 *     tg_jo_obj(&j, NULL);                 {
 *     tg_jo_str(&j, "ev", "pin");           "ev":"pin"
 *     tg_jo_arr(&j, "skus");                ,"skus":[
 *     tg_jo_str(&j, NULL, "A-1");            "A-1"
 *     tg_jo_end_arr(&j); tg_jo_end_obj(&j); ]}
 */
#ifndef TG_BASE_JSON_OUT_H
#define TG_BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct tg_jo {
    struct tg_buf *buf;
    bool comma; /* the next value needs one in front */
};

struct tg_jo tg_jo(struct tg_buf *buf);
/* key is NULL inside arrays and at the top. */
void tg_jo_obj(struct tg_jo *j, const char *key);
void tg_jo_end_obj(struct tg_jo *j);
void tg_jo_arr(struct tg_jo *j, const char *key);
void tg_jo_end_arr(struct tg_jo *j);
/* text NULL writes null. */
void tg_jo_str(struct tg_jo *j, const char *key, const char *text);
void tg_jo_strn(struct tg_jo *j, const char *key, const char *text, size_t len);
void tg_jo_int(struct tg_jo *j, const char *key, int64_t value);
void tg_jo_bool(struct tg_jo *j, const char *key, bool value);
void tg_jo_null(struct tg_jo *j, const char *key);
/* One value that is JSON already. */
void tg_jo_raw(struct tg_jo *j, const char *key, const char *json, size_t len);

#endif
