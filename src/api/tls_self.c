#include "api/tls_self.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
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
#include "base/str.h"

enum { VALID_DAYS = 397, RENEW_DAYS = 30, NAMES_MAX = 4096, NAME_SIZE = 128 };

static X509 *read_cert(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *cert = NULL;

    if (file == NULL)
        return NULL;
    cert = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file); /* was only read */
    return cert;
}

/*
 * "IP:192.168.1.20" or "DNS:shop-pc". IPv6 addresses do not count: privacy extensions change them
 * every day, and each new certificate is one more warning to tap away on a phone.
 */
static bool covers_name(X509 *cert, const char *name)
{
    if (strncmp(name, "DNS:", 4) == 0)
        return X509_check_host(cert, name + 4, 0, 0, NULL) == 1;
    return strchr(name + 3, ':') != NULL || X509_check_ip_asc(cert, name + 3, 0) == 1;
}

static bool covers(X509 *cert, const char *names)
{
    char name[NAME_SIZE];

    while (*names != '\0') {
        size_t len = strcspn(names, ",");

        if (tg_str_copy(name, sizeof(name), names, len) != TG_OK || !covers_name(cert, name))
            return false;
        names += len + (names[len] == ',');
    }
    return true;
}

static bool still_good(const char *cert_path, const char *key_path, const char *names)
{
    X509 *cert = read_cert(cert_path);
    int days = 0;
    int seconds = 0;
    bool good = cert != NULL &&
                ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) == 1 &&
                days >= RENEW_DAYS && access(key_path, R_OK) == 0 && covers(cert, names);

    ERR_clear_error();
    X509_free(cert);
    return good;
}

static void add_address(struct tg_buf *out, const struct sockaddr *sa)
{
    char text[INET6_ADDRSTRLEN] = "";

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)sa;

        (void)inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text)); /* "" stays when it fails */
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)sa;

        /* Link-local ones need a zone, which no URL of a browser can say. */
        if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
            (void)inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text)); /* likewise */
    }
    if (text[0] != '\0' && strcmp(text, "127.0.0.1") != 0 && strcmp(text, "::1") != 0 &&
        out->len + NAME_SIZE < NAMES_MAX)
        tg_buf_printf(out, ",IP:%s", text);
}

/* The machine's name, and the one that it has on a LAN with mDNS. */
static void add_host_name(struct tg_buf *out)
{
    char name[HOST_NAME_MAX + 1] = "";

    if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
        return;
    for (const char *c = name; *c != '\0'; c++) {
        if ((*c < 'a' || *c > 'z') && (*c < 'A' || *c > 'Z') && (*c < '0' || *c > '9') &&
            *c != '-' && *c != '.')
            return; /* no name for a certificate */
    }
    if (strcmp(name, "localhost") != 0)
        tg_buf_printf(out, ",DNS:%s", name);
    if (strchr(name, '.') == NULL && strcmp(name, "localhost") != 0)
        tg_buf_printf(out, ",DNS:%s.local", name);
}

/* "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:shop-pc,IP:192.0.2.7,..." */
static void list_names(struct tg_buf *out)
{
    struct ifaddrs *all = NULL;

    tg_buf_add_str(out, "DNS:localhost,IP:127.0.0.1,IP:::1");
    add_host_name(out);
    if (getifaddrs(&all) != 0)
        return; /* localhost is enough to begin with */
    for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
        if (at->ifa_addr != NULL)
            add_address(out, at->ifa_addr);
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

static tg_err make(const char *cert_path, const char *key_path, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    tg_err err = TG_ERR_BUG;

    if (key != NULL && cert != NULL && fill(cert, key, names)) {
        err = write_pem(key_path, 0600, NULL, key);
        if (err == TG_OK)
            err = write_pem(cert_path, 0644, cert, NULL);
    }
    ERR_clear_error();
    X509_free(cert);
    EVP_PKEY_free(key);
    return err;
}

tg_err tg_tls_self_for(char *ret_cert, char *ret_key, size_t path_size, const char *dir,
                       const char *names)
{
    if (snprintf(ret_cert, path_size, "%s/tls-self.crt", dir) >= (int)path_size ||
        snprintf(ret_key, path_size, "%s/tls-self.key", dir) >= (int)path_size)
        return TG_ERR_LIMIT;
    if (still_good(ret_cert, ret_key, names))
        return TG_OK;
    return make(ret_cert, ret_key, names);
}

tg_err tg_tls_self(char *ret_cert, char *ret_key, size_t path_size, const char *dir)
{
    struct tg_buf names;
    tg_err err;

    tg_buf_init(&names, NAMES_MAX + 2 * (HOST_NAME_MAX + NAME_SIZE));
    list_names(&names);
    err = names.err != TG_OK
              ? names.err
              : tg_tls_self_for(ret_cert, ret_key, path_size, dir, tg_buf_cstr(&names));
    tg_buf_done(&names);
    return err;
}
