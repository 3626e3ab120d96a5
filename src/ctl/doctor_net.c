/* The doctor's look at what the network sees: ports and the certificate. */
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "app/media_wiring.h"
#include "ctl/doctor_priv.h"

enum { CERT_DAYS_LOW = 14 };

/* --- ports --- */

struct port {
    const char *key; /* of the configuration */
    char host[TG_CFG_TEXT_SIZE];
    uint16_t number;
    bool udp;
};

/* 0 = it can be had, else errno. */
static int try_bind(const struct port *p)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = p->udp ? SOCK_DGRAM : SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const int one = 1;
    char service[8];
    int why = 0;
    int fd;

    (void)snprintf(service, sizeof(service), "%u", (unsigned)p->number);
    if (getaddrinfo(p->host[0] == '\0' ? NULL : p->host, service, &hints, &found) != 0)
        return EADDRNOTAVAIL;
    fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
    /* What a closed connection left behind is in nobody's way. */
    if (fd >= 0 && !p->udp)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0)
        why = errno;
    if (fd >= 0)
        (void)close(fd);
    freeaddrinfo(found);
    return why;
}

static void check_port(struct doctor *d, const struct port *p)
{
    const char *kind = p->udp ? "UDP" : "TCP";
    int why;

    if (p->number == 0)
        return; /* any free one */
    why = try_bind(p);
    if (why == 0 && !d->running)
        ctl_found(d, "ports", GOOD, "%s: %s port %u is free", p->key, kind, (unsigned)p->number);
    else if (why == 0)
        ctl_found(d, "ports", WARNING,
                  "%s: %s port %u is free although torgd runs; it was started with another "
                  "configuration",
                  p->key, kind, (unsigned)p->number);
    else if (why == EADDRINUSE && d->running)
        ctl_found(d, "ports", GOOD, "%s: %s port %u is in use, and torgd runs", p->key, kind,
                  (unsigned)p->number);
    else if (why == EADDRINUSE)
        ctl_found(d, "ports", BAD, "%s: %s port %u is in use by another program", p->key, kind,
                  (unsigned)p->number);
    else if (why == EACCES)
        ctl_found(d, "ports", BAD,
                  "%s: %s port %u may not be used by you (below 1024: CAP_NET_BIND_SERVICE)",
                  p->key, kind, (unsigned)p->number);
    else
        ctl_found(d, "ports", BAD, "%s: %s port %u: %s", p->key, kind, (unsigned)p->number,
                  strerrordesc_np(why));
}

static bool port_of(struct port *ret, const char *key, const char *text, bool udp)
{
    *ret = (struct port){.key = key, .udp = udp};
    return strcmp(text, "off") != 0 &&
           tg_config_hostport(text, ret->host, sizeof(ret->host), &ret->number) == TG_OK;
}

void ctl_check_ports(struct doctor *d)
{
    const struct tg_config *c = d->config;
    const unsigned workers = tg_worker_count(c->rtc_workers);
    struct port p;

    if (port_of(&p, "http.listen", c->http_listen, false))
        check_port(d, &p);
    if (port_of(&p, "rtmp.listen", c->rtmp_listen, false))
        check_port(d, &p);
    for (unsigned i = 0; i < workers; i++) {
        if (!port_of(&p, "rtc.listen", c->rtc_listen, true) || p.number == 0 ||
            p.number + i > UINT16_MAX)
            break;
        p.number = (uint16_t)(p.number + i);
        check_port(d, &p);
        p.udp = false;
        if (c->rtc_tcp)
            check_port(d, &p);
    }
}

/* --- certificate --- */

static FILE *open_pem(struct doctor *d, const char *key, const char *path)
{
    FILE *f = fopen(path, "re");

    if (f == NULL)
        ctl_found(d, "certificate", BAD, "%s: %s: %s", key, path, strerrordesc_np(errno));
    return f;
}

static X509 *read_certificate(struct doctor *d, const char *path)
{
    FILE *f = open_pem(d, "http.cert", path);
    X509 *cert = f == NULL ? NULL : PEM_read_X509(f, NULL, NULL, NULL);

    if (f != NULL && cert == NULL)
        ctl_found(d, "certificate", BAD, "http.cert: %s holds no PEM certificate", path);
    if (f != NULL)
        (void)fclose(f); /* only read */
    return cert;
}

static void check_key(struct doctor *d, X509 *cert, const char *path)
{
    FILE *f = open_pem(d, "http.key", path);
    EVP_PKEY *key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);
    struct stat st;

    if (f != NULL && key == NULL)
        ctl_found(d, "certificate", BAD, "http.key: %s holds no PEM key", path);
    else if (key != NULL && X509_check_private_key(cert, key) != 1)
        ctl_found(d, "certificate", BAD, "http.key: %s is not the certificate's key", path);
    if (f != NULL && fstat(fileno(f), &st) == 0 && (st.st_mode & S_IRWXO) != 0)
        ctl_found(d, "certificate", WARNING, "http.key: %s can be read by everybody", path);
    EVP_PKEY_free(key);
    if (f != NULL)
        (void)fclose(f); /* only read */
}

static void check_term(struct doctor *d, const X509 *cert)
{
    int days = 0;
    int seconds = 0;

    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0) {
        ctl_found(d, "certificate", BAD, "it is not valid yet; is the clock right?");
    } else if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(cert)) != 1) {
        ctl_found(d, "certificate", BAD, "it has no end that can be read");
    } else if (days < 0 || seconds < 0) {
        ctl_found(d, "certificate", BAD, "it ended %d days ago", -days);
    } else {
        ctl_found(d, "certificate", days < CERT_DAYS_LOW ? WARNING : GOOD,
                  "valid for %d more days%s", days,
                  days < CERT_DAYS_LOW ? "; torgd reads a new one when it is restarted" : "");
    }
}

/* The host of https://host:port/..., without brackets. */
static void check_name(struct doctor *d, X509 *cert)
{
    const char *url = strstr(d->config->http_base_url, "://");
    char host[256] = "";
    size_t len;

    if (url == NULL)
        return;
    url += strlen("://");
    url += *url == '[';
    len = strcspn(url, url[-1] == '[' ? "]" : ":/");
    if (len == 0 || len >= sizeof(host))
        return;
    (void)snprintf(host, sizeof(host), "%.*s", (int)len, url);
    if (X509_check_host(cert, host, 0, 0, NULL) != 1 && X509_check_ip_asc(cert, host, 0) != 1)
        ctl_found(d, "certificate", BAD, "it is not for %s (http.base_url)", host);
}

void ctl_check_certificate(struct doctor *d)
{
    const struct tg_config *c = d->config;
    X509 *cert;

    if (strcmp(c->http_tls, "off") == 0) {
        if (strncmp(c->http_base_url, "https://", 8) == 0)
            ctl_found(d, "certificate", GOOD, "a proxy has it: http.tls is off");
        else
            ctl_found(d, "certificate", WARNING,
                      "http.tls is off and http.base_url is not https://: browsers give camera "
                      "and microphone to https:// and localhost only");
        return;
    }
    if (strcmp(c->http_tls, "self-signed") == 0) {
        ctl_found(d, "certificate", WARNING,
                  "self-signed: browsers warn of it; for development only");
        return;
    }
    ERR_clear_error();
    cert = read_certificate(d, c->http_cert);
    if (cert == NULL)
        return;
    check_term(d, cert);
    check_key(d, cert, c->http_key);
    check_name(d, cert);
    X509_free(cert);
    ERR_clear_error();
}
