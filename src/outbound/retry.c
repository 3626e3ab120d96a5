#include "outbound/retry.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

static const int waits_s[] = {5,     30,    120,   600,   1800,  3600,  7200,
                              18000, 36000, 36000, 36000, 36000, 36000, 36000};

/* 80 % to 120 %. */
static tg_us jitter(tg_us wait, struct tg_rng *rng)
{
    return wait * 4 / 5 + (tg_us)tg_rng_below(rng, (uint64_t)wait * 2 / 5 + 1);
}

tg_us tg_retry_wait(unsigned failed, struct tg_rng *rng)
{
    if (failed < 1 || failed > TG_ARRAY_LEN(waits_s))
        return -1;
    return jitter((tg_us)waits_s[failed - 1] * TG_US_PER_S, rng);
}

unsigned tg_retry_attempts(void)
{
    return TG_ARRAY_LEN(waits_s) + 1;
}

tg_us tg_retry_span(void)
{
    tg_us sum = 0;

    for (size_t i = 0; i < TG_ARRAY_LEN(waits_s); i++)
        sum += (tg_us)waits_s[i] * TG_US_PER_S;
    return sum;
}

tg_us tg_retry_pause(unsigned failures, struct tg_rng *rng)
{
    tg_us wait = TG_US_PER_S;

    if (failures == 0)
        return 0;
    while (--failures > 0 && wait < 300 * (tg_us)TG_US_PER_S)
        wait *= 2;
    return jitter(TG_MIN(wait, 300 * (tg_us)TG_US_PER_S), rng);
}

static bool personal(const char *word, size_t len)
{
    size_t digits = 0;

    if (memchr(word, '@', len) != NULL)
        return true;
    for (size_t i = 0; i < len; i++)
        digits += word[i] >= '0' && word[i] <= '9';
    return digits >= 6;
}

void tg_answer_excerpt(char *out, size_t size, const void *data, size_t len)
{
    const char *text = data;
    size_t at = 0;
    size_t i = 0;

    while (i < len) {
        size_t word = i;
        bool hide;

        while (i < len && text[i] > ' ' && text[i] <= '~')
            i++;
        hide = personal(text + word, i - word);
        if (i > word) {
            const char *from = hide ? "..." : text + word;
            size_t have = hide ? 3 : i - word;

            if (at + 1 + (at > 0) >= size)
                break;
            if (at > 0)
                out[at++] = ' ';
            have = TG_MIN(have, size - 1 - at); /* judged whole, so its begin may stand */
            memcpy(out + at, from, have);
            at += have;
        }
        while (i < len && (text[i] <= ' ' || text[i] > '~'))
            i++;
    }
    out[at] = '\0';
}
