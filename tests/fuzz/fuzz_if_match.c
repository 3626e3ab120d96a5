/* The If-Match header: whatever comes, what is passed on is short, strong and reads as itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/if_match.h"
#include "base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses how much room there is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[128];
    char again[128];
    size_t room;
    char *text;

    if (size == 0)
        return 0;
    room = 3 + data[0] % (sizeof(out) - 2);
    text = malloc(size);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (tg_if_match_parse(out, room, text) != TG_OK) {
        TG_ASSERT(out[0] == '\0');
    } else {
        TG_ASSERT(strlen(out) < room);
        TG_ASSERT(tg_if_match_parse(again, room, out) == TG_OK);
        TG_ASSERT(strcmp(out, again) == 0);
    }
    free(text);
    return 0;
}
