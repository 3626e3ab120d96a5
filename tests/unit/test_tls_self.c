/* The development certificate: the names that it holds, and when it is made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "api/tls_self.h"
#include "base/str.h"

static char dir[64];
static char cert_path[128];
static char key_path[128];

static int set_up(void **state)
{
    (void)state;
    tg_str_printf(dir, sizeof(dir), "/tmp/torg-tls-XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(cert_path);
    (void)unlink(key_path);
    return rmdir(dir);
}

static X509 *cert_of_names(const char *names)
{
    FILE *file;
    X509 *cert;

    assert_int_equal(tg_tls_self_for(cert_path, key_path, sizeof(cert_path), dir, names), TG_OK);
    file = fopen(cert_path, "re");
    assert_non_null(file);
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    assert_non_null(cert);
    return cert;
}

static void test_certificate_holds_the_names(void **state)
{
    X509 *cert = cert_of_names("DNS:localhost,IP:127.0.0.1,DNS:shop-pc.local,IP:192.168.1.20,"
                               "IP:2001:db8::7");
    struct stat st;

    (void)state;
    assert_int_equal(X509_check_ip_asc(cert, "192.168.1.20", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "2001:db8::7", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "192.168.1.21", 0), 0);
    assert_int_equal(X509_check_host(cert, "shop-pc.local", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "other.local", 0, 0, NULL), 0);
    assert_int_equal(stat(key_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    X509_free(cert);
}

static void test_certificate_is_made_anew_when_a_name_is_missing(void **state)
{
    static const struct {
        const char *names;
        bool same; /* as the one before */
    } steps[] = {
        {"DNS:localhost,IP:192.168.1.20", false},
        {"DNS:localhost,IP:192.168.1.20", true},
        {"DNS:localhost,IP:192.168.1.20,IP:2001:db8::7", true}, /* IPv6 alone is no reason */
        {"DNS:localhost", true},                                /* less is no reason either */
        {"DNS:localhost,IP:10.0.0.9", false},
        {"DNS:localhost,IP:10.0.0.9,DNS:shop-pc", false},
        {"DNS:localhost,IP:10.0.0.9,DNS:shop-pc", true},
    };
    X509 *before = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        X509 *cert = cert_of_names(steps[i].names);

        if (before != NULL)
            assert_int_equal(X509_cmp(before, cert) == 0, steps[i].same);
        X509_free(before);
        before = cert;
    }
    X509_free(before);
}

static void test_certificate_is_made_anew_without_its_key(void **state)
{
    X509 *before = cert_of_names("DNS:localhost");
    X509 *cert;

    (void)state;
    assert_int_equal(unlink(key_path), 0);
    cert = cert_of_names("DNS:localhost");
    assert_int_not_equal(X509_cmp(before, cert), 0);
    assert_int_equal(access(key_path, R_OK), 0);
    X509_free(before);
    X509_free(cert);
}

static void test_certificate_names_this_machine(void **state)
{
    char host[256] = "";
    FILE *file;
    X509 *cert;

    (void)state;
    assert_int_equal(tg_tls_self(cert_path, key_path, sizeof(cert_path), dir), TG_OK);
    file = fopen(cert_path, "re");
    assert_non_null(file);
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    assert_int_equal(fclose(file), 0);
    assert_non_null(cert);
    assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    if (strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(host) && host[0] != '\0')
        assert_int_equal(X509_check_host(cert, host, 0, 0, NULL), 1);
    X509_free(cert);
}

static void test_directory_that_is_not_there_is_io(void **state)
{
    (void)state;
    assert_int_equal(
        tg_tls_self_for(cert_path, key_path, sizeof(cert_path), "/nonexistent", "DNS:localhost"),
        TG_ERR_IO);
    assert_int_equal(tg_tls_self_for(cert_path, key_path, 10, dir, "DNS:localhost"), TG_ERR_LIMIT);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_certificate_holds_the_names),
        CASE(test_certificate_is_made_anew_when_a_name_is_missing),
        CASE(test_certificate_is_made_anew_without_its_key),
        CASE(test_certificate_names_this_machine),
        CASE(test_directory_that_is_not_there_is_io),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
