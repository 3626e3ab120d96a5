/* Times as feeds write them (ISO 8601, and with a blank for the T as shops' exports have it). */
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "feed/feed.h"

/* Exactly `digits` digits, at most `max`; -1 = they are not there. */
static int number(const char **at, size_t digits, int max)
{
    int value = 0;

    for (size_t i = 0; i < digits; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9')
            return -1;
        value = value * 10 + ((*at)[i] - '0');
    }
    if (value > max)
        return -1;
    *at += digits;
    return value;
}

static bool skip(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static bool date(const char **at, int64_t *ret_days)
{
    int year = number(at, 4, 9998);
    int month = year >= 1970 && skip(at, '-') ? number(at, 2, 12) : -1;
    int day = month > 0 && skip(at, '-') ? number(at, 2, 31) : -1;

    return tg_date_days(ret_days, year, month, day);
}

/* hh:mm, hh:mm:ss and hh:mm:ss.fff: seconds of the day. */
static bool clock_time(const char **at, int64_t *ret)
{
    int hour = number(at, 2, 24);
    int minute = hour >= 0 && skip(at, ':') ? number(at, 2, 59) : -1;
    int second = 0;

    if (minute < 0 || (hour == 24 && minute > 0))
        return false;
    if (skip(at, ':')) {
        second = number(at, 2, 60);
        if (second >= 0 && skip(at, '.'))
            *at += strspn(*at, "0123456789");
    }
    *ret = hour * INT64_C(3600) + minute * INT64_C(60) + second;
    return second >= 0;
}

/* Z, +01, +0100, +01:00 or nothing: seconds to take off. */
static bool zone(const char **at, int64_t *ret)
{
    bool west;
    int hour;
    int minute = 0;

    *ret = 0;
    if (**at == '\0' || skip(at, 'Z') || skip(at, 'z'))
        return true;
    west = **at == '-';
    if (!skip(at, '+') && !skip(at, '-'))
        return false;
    hour = number(at, 2, 14);
    if (skip(at, ':') || **at != '\0')
        minute = number(at, 2, 59);
    *ret = (west ? -1 : 1) * (hour * INT64_C(3600) + minute * INT64_C(60));
    return hour >= 0 && minute >= 0;
}

tg_err tg_feed_time(tg_us *ret, const char *text, bool end)
{
    int64_t days;
    int64_t second = end ? 86400 : 0;
    int64_t east = 0;

    text += strspn(text, " ");
    if (!date(&text, &days))
        return TG_ERR_MALFORMED;
    if (skip(&text, 'T') || skip(&text, 't') ||
        (*text == ' ' && text[1] >= '0' && skip(&text, ' '))) {
        if (!clock_time(&text, &second))
            return TG_ERR_MALFORMED;
        text += strspn(text, " ");
        if (!zone(&text, &east))
            return TG_ERR_MALFORMED;
    }
    text += strspn(text, " ");
    if (*text != '\0')
        return TG_ERR_MALFORMED;
    *ret = (days * 86400 + second - east) * TG_US_PER_S;
    return TG_OK;
}
