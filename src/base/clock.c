#include "base/clock.h"

#include <string.h>
#include <time.h>

static tg_us read_clock(clockid_t id)
{
    struct timespec ts;

    TG_ASSERT(clock_gettime(id, &ts) == 0);
    return (tg_us)ts.tv_sec * TG_US_PER_S + ts.tv_nsec / 1000;
}

tg_us tg_clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC) + 1;
}

tg_us tg_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

static void digits(char *out, unsigned value, size_t count)
{
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

/*
 * Every order says three times; gmtime and strftime, with their locks and locales, take ten times
 * as long as this. The year begins in March here, so that the leap day is its last: then the
 * lengths of the months are 153 days in five, and 400 years are 146097 days.
 */
void tg_rfc3339(char out[TG_RFC3339_SIZE], tg_us wall_us)
{
    static const char model[] = "0000-00-00T00:00:00.000Z";
    const tg_us end = INT64_C(253402300800) * TG_US_PER_S; /* the year 10000 */
    tg_us wall = TG_MIN(TG_MAX(wall_us, (tg_us)0), end - 1);
    unsigned ms = (unsigned)(wall % TG_US_PER_S / TG_US_PER_MS);
    unsigned second = (unsigned)(wall / TG_US_PER_S % 86400);
    unsigned day = (unsigned)(wall / TG_US_PER_S / 86400) + 719468; /* since 0000-03-01 */
    unsigned era = day / 146097;
    unsigned of_era = day % 146097;
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* 0 = March */

    memcpy(out, model, sizeof(model));
    digits(out + 8, of_year - (153 * month + 2) / 5 + 1, 2);
    year += era * 400 + (month >= 10 ? 1 : 0);
    month = month < 10 ? month + 3 : month - 9;
    digits(out, year, 4);
    digits(out + 5, month, 2);
    digits(out + 11, second / 3600, 2);
    digits(out + 14, second / 60 % 60, 2);
    digits(out + 17, second % 60, 2);
    digits(out + 20, ms, 3);
}

bool tg_date_days(int64_t *ret, int year, int month, int day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int of_march = (month + 9) % 12;
    int64_t y = month <= 2 ? year - 1 : year;

    if (year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > lengths[month - 1] + (leap && month == 2 ? 1 : 0))
        return false;
    *ret = 365 * y + y / 4 - y / 100 + y / 400 + (153 * of_march + 2) / 5 + day - 1 - 719468;
    return true;
}
