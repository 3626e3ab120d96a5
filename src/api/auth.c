#include "api/auth.h"

#include <string.h>

#include "base/str.h"

void tg_auth_nobody(struct tg_auth *ret)
{
    *ret = (struct tg_auth){.kind = TG_AUTH_NONE, .expires_wall_us = TG_US_NEVER};
    ret->who.roles = TG_ROLE_VIEWER;
}

static void fill_staff(struct tg_auth *ret, const struct tg_token_info *token)
{
    ret->kind = TG_AUTH_STAFF;
    ret->publish_only = token->publish_only;
    tg_str_printf(ret->token, sizeof(ret->token), "%s", token->id);
    ret->one_show = token->one_show;
    ret->who.one_show = token->one_show;
    ret->show = token->show;
    ret->expires_wall_us = token->expires_wall_us;
    ret->who.roles = token->publish_only ? 0 : token->roles | TG_ROLE_VIEWER;
    tg_str_printf(ret->who.id, sizeof(ret->who.id), "s%u", token->ordinal);
    tg_str_cut(ret->who.name, sizeof(ret->who.name), token->label);
}

tg_err tg_auth_token(struct tg_auth *ret, struct tg_registry *reg, tg_us now_wall_us,
                     const char *text, size_t len)
{
    struct tg_token_info token;
    struct tg_auth auth;

    tg_auth_nobody(&auth);
    if (len > 3 && memcmp(text, "tp_", 3) == 0) {
        if (tg_resume_person(auth.who.id, text, len) != TG_OK)
            return TG_ERR_AUTH;
        auth.kind = TG_AUTH_RESUME;
    } else {
        if (tg_registry_token_check(reg, now_wall_us, text, len, &token) != TG_OK)
            return TG_ERR_AUTH;
        fill_staff(&auth, &token);
    }
    *ret = auth;
    return TG_OK;
}

bool tg_auth_may(const struct tg_auth *auth, uint16_t show, uint32_t roles)
{
    if (auth->publish_only || (auth->one_show && auth->show != show))
        return false;
    return roles == 0 || (auth->who.roles & roles) != 0;
}
