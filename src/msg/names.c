/* The words for enums that go over the wire and into logs. */
#include "base/macros.h"
#include "msg/live.h"

const char *tg_show_state_name(enum tg_show_state state)
{
    static const char *const names[] = {"scheduled", "live", "ended", "rehearsal"};

    TG_ASSERT((unsigned)state < TG_ARRAY_LEN(names));
    return names[state];
}

const char *tg_source_kind_name(enum tg_source_kind kind)
{
    static const char *const names[] = {"rtmp", "srt", "whip", "demo"};

    TG_ASSERT((unsigned)kind < TG_ARRAY_LEN(names));
    return names[kind];
}

const char *tg_uplink_trouble_name(enum tg_uplink_trouble trouble)
{
    static const char *const names[] = {"low",    "falling", "loss",   "jitter",
                                        "frozen", "silent",  "clipped"};

    _Static_assert(TG_ARRAY_LEN(names) == TG_UPLINK_TROUBLE_COUNT, "one name each");
    TG_ASSERT((unsigned)trouble < TG_ARRAY_LEN(names));
    return names[trouble];
}
