#include "api/tls_self.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macros.h"

enum { VALID_DAYS = 397, RENEW_DAYS = 30, NAMES_MAX = 4096 };

static bool still_good(const char *cert_path, const char *key_path)
{
    FILE *file = fopen(cert_path, "re");
    X509 *cert = NULL;
    int days = 0;
    int seconds = 0;
    bool good = false;

    if (file == NULL)
        return false;
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file); /* was only read */
    if (cert != NULL && ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1)
        good = days >= RENEW_DAYS && access(key_path, R_OK) == 0;
    X509_free(cert);
    return good;
}

/* "DNS:localhost,IP:127.0.0.1,IP:192.0.2.7,..." */
static void list_names(struct tg_buf *out)
{
    struct ifaddrs *all = NULL;

    tg_buf_add_str(out, "DNS:localhost,IP:127.0.0.1,IP:::1");
    if (getifaddrs(&all) != 0)
        return; /* localhost is enough to begin with */
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        char text[INET6_ADDRSTRLEN] = "";

        if (at->ifa_addr == NULL)
            continue;
        if (at->ifa_addr->sa_family == AF_INET)
            (void)inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)at->ifa_addr)->sin_addr, text,
                            sizeof(text)); /* "" stays when it fails */
        else if (at->ifa_addr->sa_family == AF_INET6)
            (void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)at->ifa_addr)->sin6_addr,
                            text, sizeof(text)); /* likewise */
        if (text[0] != '\0' && strcmp(text, "127.0.0.1") != 0 && strcmp(text, "::1") != 0 &&
            out->len + 64 < NAMES_MAX)
            tg_buf_printf(out, ",IP:%s", text);
    }
    freeifaddrs(all);
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool ok;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *names)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    uint8_t serial[8];

    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    serial[0] &= 0x7f;
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
                                   (uint64_t)serial[0] << 56 | (uint64_t)serial[1] << 48 |
                                       (uint64_t)serial[2] << 40 | (uint64_t)serial[3] << 32 |
                                       (uint64_t)serial[4] << 24 | (uint64_t)serial[5] << 16 |
                                       (uint64_t)serial[6] << 8 | serial[7]) == 1 &&
           X509_set_version(cert, X509_VERSION_3) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(cert), (long)VALID_DAYS * 86400) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"torg development", -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1 && X509_set_pubkey(cert, key) == 1 &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, NID_ext_key_usage, "serverAuth") &&
           add_extension(cert, NID_subject_alt_name, names) &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

/* Write beside, then rename: a crash leaves the old file or the new one. */
static tg_err write_pem(const char *path, mode_t mode, X509 *cert, EVP_PKEY *key)
{
    char part[600];
    int fd;
    FILE *file;
    bool ok;

    if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
        return TG_ERR_LIMIT;
    (void)unlink(part); /* left by a crash, or not there */
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return TG_ERR_IO;
    file = fdopen(fd, "w");
    if (file == NULL) {
        (void)close(fd); /* nothing was written */
        return TG_ERR_IO;
    }
    ok = cert != NULL ? PEM_write_X509(file, cert) == 1
                      : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    ok = fflush(file) == 0 && fsync(fd) == 0 && ok;
    ok = fclose(file) == 0 && ok;
    return ok && rename(part, path) == 0 ? TG_OK : TG_ERR_IO;
}

static tg_err make(const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    struct tg_buf names;
    tg_err err = TG_ERR_BUG;

    tg_buf_init(&names, NAMES_MAX + 64);
    list_names(&names);
    if (key != NULL && cert != NULL && names.err == TG_OK && fill(cert, key, tg_buf_cstr(&names))) {
        err = write_pem(key_path, 0600, NULL, key);
        if (err == TG_OK)
            err = write_pem(cert_path, 0644, cert, NULL);
    }
    ERR_clear_error();
    tg_buf_done(&names);
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

tg_err tg_tls_self(char *ret_cert, char *ret_key, size_t path_size, const char *dir)
{
    if (snprintf(ret_cert, path_size, "%s/tls-self.crt", dir) >= (int)path_size ||
        snprintf(ret_key, path_size, "%s/tls-self.key", dir) >= (int)path_size)
        return TG_ERR_LIMIT;
    if (still_good(ret_cert, ret_key))
        return TG_OK;
    return make(ret_cert, ret_key);
}
