/*
 * test_sdp_frag.c - PATCH bodies: the examples of RFC 9725, what clients really send, and rubbish.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "proto/sdp_whip.h"

/* RFC 9725 s4.3.2 */
static const char rfc_trickle[] =
    "a=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw "
    "network-id 1\r\n"
    "a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw "
    "network-id 2\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag "
    "EsAw network-id 1\r\n"
    "a=candidate:2154773085 1 tcp 1518214911 198.51.100.2 9 typ host tcptype active generation 0 "
    "ufrag EsAw network-id 2\r\n"
    "a=end-of-candidates\r\n";

/* RFC 9725 s4.3.3, the answer */
static const char rfc_restarted[] =
    "a=ice-lite\r\na=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:289b31b754eaa438\r\n"
    "a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49ea13114472a5d10a\r\n"
    "a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\na=end-of-candidates\r\n";

static struct tg_sdp_frag frag;
static const char *reason;

static tg_err parse(const char *text)
{
    reason = "";
    return tg_sdp_frag_parse(&frag, text, strlen(text), &reason);
}

static void assert_malformed(const char *text, const char *want)
{
    assert_int_equal(parse(text), TG_ERR_MALFORMED);
    assert_string_equal(reason, want);
}

static void test_frag_examples_of_the_rfc(void **state)
{
    (void)state;
    assert_int_equal(parse(rfc_trickle), TG_OK);
    assert_string_equal(frag.ice_ufrag, "EsAw");
    assert_string_equal(frag.ice_pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
    assert_int_equal(frag.candidate_count, 4);
    assert_true(frag.end_of_candidates);
    assert_int_equal(frag.kind, TG_SDP_AUDIO);
    assert_string_equal(frag.mid, "0");
    assert_int_equal(parse(rfc_restarted), TG_OK);
    assert_string_equal(frag.ice_ufrag, "289b31b754eaa438");
    assert_int_equal(frag.candidate_count, 1);
}

static void test_frag_what_clients_send(void **state)
{
    (void)state;
    /* Session level only, LF, no m-line. */
    assert_int_equal(parse("a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"), TG_OK);
    assert_int_equal(frag.candidate_count, 0);
    assert_string_equal(frag.mid, "");
    assert_int_equal(frag.kind, TG_SDP_OTHER);
    /* mDNS names, IPv6, both m-lines of a bundle with the same credentials. */
    assert_int_equal(
        parse("a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=video 9 RTP/AVP 0\r\n"
              "a=mid:1\r\na=candidate:1 1 UDP 2113937151 f58a3d83-4dad.local 40030 typ host\r\n"
              "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n"
              "a=candidate:2 1 udp 1 2001:db8::1 40030 typ srflx raddr 10.0.0.1 rport 1\r\n\r\n"),
        TG_OK);
    assert_int_equal(frag.candidate_count, 2);
    assert_int_equal(frag.kind, TG_SDP_VIDEO);
    assert_string_equal(frag.mid, "1");
    /* The end alone, and as an empty candidate. */
    assert_int_equal(parse("a=end-of-candidates\r\n"), TG_OK);
    assert_true(frag.end_of_candidates);
    assert_int_equal(parse("a=ice-ufrag:EsAw\r\na=candidate:\r\n"), TG_OK);
    assert_int_equal(frag.candidate_count, 0);
}

static void test_frag_rubbish_gets_plain_words(void **state)
{
    static char longest[TG_SDP_MAX + 2];

    (void)state;
    assert_malformed("", "the SDP fragment is empty");
    assert_malformed("\r\n\r\n", "the SDP fragment is empty");
    assert_malformed("{\"candidate\":\"x\"}", "an SDP line is not of the form x=value");
    assert_malformed("a=mid:0\r\na", "an SDP line is not of the form x=value");
    assert_malformed("a=x\x01\r\n", "an SDP line has control characters");
    assert_malformed("a=candidate:1 1 udp x 192.0.2.1 1 typ host\r\n",
                     "a candidate is not of the form of RFC 8839");
    assert_malformed("a=candidate:1 1 udp 1 192.0.2.1 1 host\r\n",
                     "a candidate is not of the form of RFC 8839");
    assert_malformed("a=candidate:1 1 udp 1 192.0.2.1 99999 typ host\r\n",
                     "a candidate is not of the form of RFC 8839");
    assert_malformed("a=ice-ufrag:\r\n", "ice-ufrag or ice-pwd is empty or too long");
    assert_malformed("a=ice-ufrag:abcd\r\na=ice-ufrag:abce\r\n",
                     "the fragment has two different ice-ufrags or ice-pwds");
    assert_malformed("a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
                     "the fragment has an ice-pwd, but no ice-ufrag");
    assert_malformed("a=ice-ufrag:abc\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
                     TG_ICE_CREDENTIALS_RULE);
    assert_malformed("a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n", TG_ICE_CREDENTIALS_RULE);
    assert_malformed("a=mid:12345678901234567\r\n", "a mid is empty or longer than 16 characters");
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(tg_sdp_frag_parse(&frag, longest, sizeof(longest), &reason), TG_ERR_LIMIT);
    longest[1] = '=';
    assert_int_equal(tg_sdp_frag_parse(&frag, longest, TG_SDP_LINE_MAX + 1, &reason), TG_ERR_LIMIT);
}

static void test_frag_candidates_beyond_counting_are_fine(void **state)
{
    static char text[300 * 50];
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 300; i++) {
        static const char line[] = "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n";

        memcpy(text + len, line, sizeof(line) - 1);
        len += sizeof(line) - 1;
    }
    assert_int_equal(tg_sdp_frag_parse(&frag, text, len, &reason), TG_OK);
    assert_int_equal(frag.candidate_count, 255);
}

static const struct tg_addr here = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 7}, .port = 8189};
static const struct tg_sdp_local local = {.ice_ufrag = "abcdefgh",
                                          .ice_pwd = "abcdefghijklmnopqrstuvwx",
                                          .candidates = &here,
                                          .candidate_count = 1};

static void test_frag_answer_reads_back_in_the_clients_m_line(void **state)
{
    struct tg_buf out;

    (void)state;
    assert_int_equal(parse(rfc_trickle), TG_OK);
    tg_buf_init(&out, TG_SDP_MAX);
    assert_int_equal(tg_sdp_frag_write(&out, &local, &frag), TG_OK);
    assert_memory_equal(tg_buf_cstr(&out), "a=ice-lite\r\n", 12);
    assert_int_equal(parse(tg_buf_cstr(&out)), TG_OK);
    assert_string_equal(frag.ice_ufrag, "abcdefgh");
    assert_string_equal(frag.ice_pwd, "abcdefghijklmnopqrstuvwx");
    assert_string_equal(frag.mid, "0");
    assert_int_equal(frag.kind, TG_SDP_AUDIO);
    assert_int_equal(frag.candidate_count, 1);
    assert_true(frag.end_of_candidates);
    tg_buf_done(&out);
}

static void test_frag_answer_without_memory_says_so(void **state)
{
    struct tg_buf out;

    (void)state;
    assert_int_equal(parse(rfc_trickle), TG_OK);
    tg_buf_init(&out, TG_SDP_MAX);
    tg_alloc_fail_nth(0);
    assert_int_equal(tg_sdp_frag_write(&out, &local, &frag), TG_ERR_NOMEM);
    tg_alloc_fail_nth(-1);
    tg_buf_done(&out);
    tg_buf_init(&out, 64);
    assert_int_equal(tg_sdp_frag_write(&out, &local, &frag), TG_ERR_LIMIT);
    tg_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frag_examples_of_the_rfc),
        cmocka_unit_test(test_frag_what_clients_send),
        cmocka_unit_test(test_frag_rubbish_gets_plain_words),
        cmocka_unit_test(test_frag_candidates_beyond_counting_are_fine),
        cmocka_unit_test(test_frag_answer_reads_back_in_the_clients_m_line),
        cmocka_unit_test(test_frag_answer_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
