/* Languages of people and of what they bought. */
#include <string.h>

#include "base/str.h"
#include "sale/sale_priv.h"

/* FNV-1a: nobody gains by meeting another's place, for both are told the same things. */
static uint64_t hash_of(const char *person)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (const char *c = person; *c != '\0'; c++)
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
    return hash;
}

void tg_lang_note(struct tg_sale *sale, const struct tg_person *who)
{
    uint64_t hash = hash_of(who->id);
    struct tg_sale_lang *at = &sale->langs[hash % TG_SALE_LANGS];

    if (who->lang[0] == '\0' && at->person != hash)
        return;
    at->person = hash;
    memcpy(at->lang, who->lang, sizeof(at->lang));
}

const char *tg_lang_of(const struct tg_sale *sale, const char *person)
{
    uint64_t hash = hash_of(person);
    const struct tg_sale_lang *at = &sale->langs[hash % TG_SALE_LANGS];

    return at->person == hash ? at->lang : "";
}

const struct tg_text *tg_sale_text_of(void *ctx, const char *sku)
{
    struct tg_sale_texts *in = ctx;
    const struct tg_variant *v = in->lang[0] == '\0' ? NULL : tg_shop_variant(in->sale->shop, sku);
    const struct tg_text *text = v == NULL ? NULL : tg_langs_pick(v->product->texts, in->lang);

    in->found = in->found || text != NULL;
    return text;
}
