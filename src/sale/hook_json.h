/* hook_json.h - a webhook endpoint as JSON, the same from the sale thread and the read threads. */
#ifndef TG_SALE_HOOK_JSON_H
#define TG_SALE_HOOK_JSON_H

#include "base/json_out.h"
#include "msg/webhook.h"

/* The members of an open object: id, url, topics ... created. Never a secret. */
void tg_hook_write(struct tg_jo *j, const struct tg_hook *hook);

#endif
