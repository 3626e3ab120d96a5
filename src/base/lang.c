#include "base/lang.h"

#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/str.h"

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool tg_lang_ok(const char *tag, size_t len)
{
    bool ok = len >= 2 && len < TG_LANG_SIZE && letter(tag[0]) && letter(tag[1]);

    for (size_t i = 0; ok && i < len; i++)
        ok = letter(tag[i]) || (tag[i] >= '0' && tag[i] <= '9') || tag[i] == '-';
    return ok;
}

/* ";q=0.8" in thousandths; 1000 when it is not there, 0 when it cannot be read. */
static int weight(const char *text, size_t len)
{
    const char *q = memchr(text, '=', len);
    int sum = 0;
    int unit = 100;

    if (q == NULL)
        return 1000;
    q++;
    if (q < text + len && *q == '1')
        return 1000;
    if (q >= text + len || *q != '0')
        return 0;
    for (q += 2; q < text + len && *q >= '0' && *q <= '9' && unit > 0; q++, unit /= 10)
        sum += (*q - '0') * unit;
    return sum;
}

void tg_lang_first(char ret[TG_LANG_SIZE], const char *accept)
{
    int best = 0;

    ret[0] = '\0';
    while (*accept != '\0') {
        size_t len = strcspn(accept, ",");
        size_t skip = strspn(accept, " \t");
        const char *tag = accept + (skip < len ? skip : len);
        size_t tag_len = strcspn(tag, ",; \t");
        int liked = weight(tag + tag_len, (size_t)(accept + len - (tag + tag_len)));

        if (tag_len > 0 && liked > best) {
            best = liked;
            ret[0] = '\0'; /* what is liked best may be one that nobody can have: "*" */
            if (tg_lang_ok(tag, tag_len))
                tg_str_printf(ret, TG_LANG_SIZE, "%.*s", (int)tag_len, tag);
        }
        accept += len + (accept[len] == ',' ? 1 : 0);
    }
}

static size_t primary(const char *tag)
{
    return strcspn(tag, "-");
}

static bool norwegian(const char *tag, size_t len)
{
    return len == 2 && (strncasecmp(tag, "no", 2) == 0 || strncasecmp(tag, "nb", 2) == 0 ||
                        strncasecmp(tag, "nn", 2) == 0);
}

int tg_lang_fit(const char *have, const char *want)
{
    size_t a = primary(have);
    size_t b = primary(want);

    if (have[0] == '\0' || want[0] == '\0')
        return 0;
    if (strcasecmp(have, want) == 0)
        return 3;
    if (a == b && strncasecmp(have, want, a) == 0)
        return 2;
    return norwegian(have, a) && norwegian(want, b) ? 1 : 0;
}
