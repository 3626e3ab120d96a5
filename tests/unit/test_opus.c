#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/opus.h"

static tg_us duration(unsigned config, unsigned code, unsigned count)
{
    const uint8_t packet[] = {(uint8_t)(config << 3 | code), (uint8_t)count, 0, 0};
    tg_us us = -1;

    return tg_opus_duration(&us, tg_span(packet, sizeof(packet))) == TG_OK ? us : -1;
}

/* RFC 6716 s3.1, table 2: the frame durations of all 32 configurations. */
static void test_duration_of_every_configuration(void **state)
{
    static const tg_us table[32] = {10000, 20000, 40000, 60000, 10000, 20000, 40000, 60000,
                                    10000, 20000, 40000, 60000, 10000, 20000, 10000, 20000,
                                    2500,  5000,  10000, 20000, 2500,  5000,  10000, 20000,
                                    2500,  5000,  10000, 20000, 2500,  5000,  10000, 20000};

    (void)state;
    for (unsigned config = 0; config < 32; config++) {
        assert_int_equal(duration(config, 0, 0), table[config]);
        assert_int_equal(duration(config, 1, 0), 2 * table[config]);
        assert_int_equal(duration(config, 2, 0), 2 * table[config]);
        assert_int_equal(duration(config, 3, 1), table[config]);
    }
}

static void test_duration_up_to_120_ms(void **state)
{
    (void)state;
    assert_int_equal(duration(31, 3, 6), 120000);
    assert_int_equal(duration(31, 3, 7), -1);
    assert_int_equal(duration(16, 3, 48), 120000);
    assert_int_equal(duration(16, 3, 0x80 | 48), 120000); /* VBR bit */
    assert_int_equal(duration(16, 3, 49), -1);
    assert_int_equal(duration(3, 3, 2), 120000);
    assert_int_equal(duration(3, 3, 3), -1);
    assert_int_equal(duration(31, 3, 0), -1);
}

static void test_duration_of_cut_packets(void **state)
{
    const uint8_t packet[] = {0xff};
    tg_us us = 0;

    (void)state;
    assert_int_equal(tg_opus_duration(&us, tg_span(packet, 0)), TG_ERR_TRUNCATED);
    assert_int_equal(tg_opus_duration(&us, tg_span(packet, 1)), TG_ERR_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration_of_every_configuration),
        cmocka_unit_test(test_duration_up_to_120_ms),
        cmocka_unit_test(test_duration_of_cut_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
