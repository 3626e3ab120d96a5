/*
 * fuzz_config.c - any bytes as a configuration file: a tg_config or a refusal with a reason.
 */
#include <stdint.h>
#include <stdlib.h>

#include "app/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_config cfg;
    struct tg_config_error err;

    tg_config_defaults(&cfg);
    if (tg_config_parse(&cfg, "fuzz", (const char *)data, size, &err) != TG_OK &&
        err.reason[0] == '\0')
        abort();
    return 0;
}
