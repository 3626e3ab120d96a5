#include "msg/role.h"

#include <string.h>

#include "base/macros.h"
#include "msg/live.h"

static const char *const names[] = {"viewer", "customer",     "advisor", "moderator",
                                    "host",   "merchandiser", "admin"};

const char *tg_role_name(uint32_t role)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(names); i++) {
        if (role == 1U << i)
            return names[i];
    }
    return NULL;
}

uint32_t tg_role_parse(const char *name, size_t len)
{
    for (size_t i = 0; i < TG_ARRAY_LEN(names); i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return 1U << i;
    }
    return 0;
}
