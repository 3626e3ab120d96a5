/*
 * test_udp_full.c - what the UDP arena does when the socket takes no more. A loopback socket always
 * takes more, so sendmmsg is this file's own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/macros.h"
#include "net/udp.h"

enum { PACKET = 1200, HOLDS = TG_UDP_ARENA / PACKET };

static unsigned window; /* messages that the socket takes */
static unsigned calls;
static unsigned sent;
static unsigned seen; /* the number that the next packet must have */
static bool in_order; /* are they looked at? */

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
    const unsigned take = TG_MIN(n, window);

    (void)fd;
    (void)flags;
    calls++;
    for (unsigned i = 0; in_order && i < take; i++) {
        const struct iovec *iov = msgs[i].msg_hdr.msg_iov;

        for (size_t at = 0; at < iov->iov_len; at += PACKET, seen++) {
            unsigned number;

            memcpy(&number, (const uint8_t *)iov->iov_base + at, sizeof(number));
            assert_int_equal(number, seen);
        }
    }
    window -= take;
    sent += take;
    errno = EAGAIN;
    return take > 0 ? (int)take : -1;
}

/* To as many destinations as there are packets; each carries its number. How many found room. */
static unsigned put(struct tg_udp *u, unsigned *next, unsigned count)
{
    unsigned done = 0;

    for (unsigned i = 0; i < count; i++) {
        const struct tg_addr to = tg_addr_v4(127, 0, 0, 1, (uint16_t)(1000 + i));
        uint8_t *out = tg_udp_reserve(u, PACKET);

        if (out == NULL)
            continue;
        memcpy(out, next, sizeof(*next));
        tg_udp_commit(u, &to, PACKET);
        ++*next;
        done++;
    }
    return done;
}

static struct tg_udp *udp_new(void)
{
    const struct tg_addr any_port = tg_addr_v4(127, 0, 0, 1, 0);
    struct tg_udp *u = NULL;

    assert_int_equal(tg_udp_new(&u, &any_port), TG_OK);
    window = 0;
    calls = 0;
    sent = 0;
    seen = 0;
    in_order = true;
    return u;
}

static void test_udp_what_is_sent_makes_room_for_what_comes(void **state)
{
    struct tg_udp *u = udp_new();
    unsigned next = 0;

    (void)state;
    assert_int_equal(put(u, &next, HOLDS + 10), HOLDS);
    for (int i = 0; i < 3; i++) {
        window = HOLDS / 2; /* a link that is too slow for all of it */
        assert_false(tg_udp_flush(u));
        assert_int_equal(put(u, &next, HOLDS), HOLDS / 2);
    }
    window = UINT32_MAX;
    assert_true(tg_udp_flush(u));
    assert_int_equal(sent, next); /* all that found room, in its order */
    assert_int_equal(seen, next);
    assert_int_equal(put(u, &next, HOLDS), HOLDS);
    tg_udp_free(u);
}

static void test_udp_a_full_socket_is_not_tried_at_every_packet(void **state)
{
    struct tg_udp *u = udp_new();
    unsigned next = 0;

    (void)state;
    (void)put(u, &next, HOLDS);
    calls = 0;
    assert_int_equal(put(u, &next, 3200), 0);
    assert_in_range(calls, 1, 101);
    assert_int_equal(tg_udp_stats(u)->dropped_out, 3200);
    window = HOLDS; /* it goes on by itself, without a flush from outside */
    assert_true(put(u, &next, 3200) >= 3200 - 32);
    tg_udp_free(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_udp_what_is_sent_makes_room_for_what_comes),
        cmocka_unit_test(test_udp_a_full_socket_is_not_tried_at_every_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
