/*
 * whip_hostile.c - a WHIP publisher that means harm: it gets a session in good order and then sends
 * what no publisher should.
 *
 *   whip_hostile --http 127.0.0.1:8080 --show hostile --token T --mode gaps [--seconds 3]
 *                [--rate 2000] [--posts 100] [--seed 7] [--no-delete]
 *
 * --mode is a name of the table below. --rate is packets a second. One JSON line at the end. Exit
 * code 0 when the attack was made as told: the session came to be (but for the modes that never
 * want one) and packets were sent. What the server did about it is for the caller to judge.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "support/lib/hostile.h"
#include "support/lib/http_once.h"

static struct attack the_attack;

/* --- the session ------------------------------------------------------------------------------ */

static void drain(struct attack *a, tg_us now)
{
    struct tg_peer_out out;

    while (a->peer != NULL && tg_peer_poll(a->peer, &out)) {
        switch (out.kind) {
        case TG_PEER_OUT_SEND:
            if (!a->mode->stop_at_dtls ||
                tg_peer_classify(out.bytes.data, out.bytes.len) != TG_PEER_DTLS)
                (void)many_udp_send(a->udp, 1, &out.addr, out.bytes.data, out.bytes.len);
            break;
        case TG_PEER_OUT_CONNECTED:
            a->connected_at = now;
            break;
        case TG_PEER_OUT_RTCP:
            a->rtcp_got++;
            break;
        case TG_PEER_OUT_CLOSED:
            a->closed = tg_peer_reason_name(out.reason);
            tg_peer_free(a->peer);
            a->peer = NULL;
            return;
        default:
            break;
        }
    }
}

static tg_err connect_peer(struct attack *a, const struct http_reply *reply, tg_us now)
{
    struct tg_peer_cfg cfg = {.client = true,
                              .receives =
                                  true, /* for libsrtp's session: it protects nonsense too */
                              .local_ufrag = a->ufrag,
                              .local_pwd = a->pwd,
                              .dtls_ctx = a->dtls,
                              .rng = &a->rng};
    const struct tg_sdp_media *m = &a->sdp->media[0];
    const char *reason = "";
    struct tg_addr to;
    tg_err err = tg_sdp_parse(a->sdp, reply->body, reply->body_len, &reason);

    if (err != TG_OK)
        return err;
    if (a->sdp->media_count == 0 || m->candidate_count == 0 || !m->has_fingerprint)
        return TG_ERR_MALFORMED;
    cfg.remote_ufrag = m->ice_ufrag;
    cfg.remote_pwd = m->ice_pwd;
    memcpy(cfg.remote_sha256, m->fingerprint, sizeof(cfg.remote_sha256));
    to = tg_addr_v4(127, 0, 0, 1, m->candidates[0].port);
    err = tg_peer_new(&a->peer, &cfg, now);
    if (err == TG_OK)
        tg_peer_connect(a->peer, now, &to);
    return err;
}

static void on_answer(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct attack *a = ctx;

    a->http_open--;
    a->last_status = reply->err == TG_OK ? reply->status : -(int)reply->err;
    if (reply->err != TG_OK || reply->status != 201) {
        a->refused++;
        return;
    }
    a->created++;
    if (a->mode->posts_only)
        return;
    memcpy(a->location, reply->location, sizeof(a->location));
    if (connect_peer(a, reply, now) != TG_OK)
        a->closed = "bad_answer";
    drain(a, now);
}

static void write_media(struct attack *a, struct tg_buf *out, const char *mid)
{
    const uint8_t *sha = tg_dtls_ctx_fingerprint(a->dtls);

    tg_buf_printf(out,
                  "c=IN IP4 0.0.0.0\r\na=mid:%s\r\na=sendonly\r\na=msid:h t%s\r\na=rtcp-mux\r\n"
                  "a=rtcp-rsize\r\na=setup:actpass\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
                  "a=extmap:%d http://www.ietf.org/id/"
                  "draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
                  "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:mid\r\na=fingerprint:sha-256 ",
                  mid, mid, a->ufrag, a->pwd, EXT_TWCC, EXT_MID);
    for (size_t i = 0; i < TG_SDP_FINGERPRINT_SIZE; i++)
        tg_buf_printf(out, "%s%02X", i > 0 ? ":" : "", sha[i]);
    tg_buf_add_str(out, "\r\n");
}

static void write_offer(struct attack *a, struct tg_buf *out)
{
    tg_buf_printf(out,
                  "v=0\r\no=- %llu 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n",
                  (unsigned long long)(tg_rng_u64(&a->rng) >> 2));
    tg_buf_printf(out, "m=audio 9 UDP/TLS/RTP/SAVPF %d\r\n", PT_AUDIO);
    write_media(a, out, "0");
    tg_buf_printf(out, "a=rtpmap:%d opus/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF %d %d\r\n",
                  PT_AUDIO, PT_VIDEO, PT_RTX);
    write_media(a, out, "1");
    tg_buf_printf(out,
                  "a=extmap:%d urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                  "a=rtpmap:%d H264/90000\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\n"
                  "a=rtcp-fb:%d transport-cc\r\na=fmtp:%d level-asymmetry-allowed=1;"
                  "packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:%d rtx/90000\r\n"
                  "a=fmtp:%d apt=%d\r\n",
                  EXT_RID, PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_VIDEO, PT_RTX, PT_RTX,
                  PT_VIDEO);
    if (strcmp(a->mode->name, "rids") == 0)
        tg_buf_add_str(out, "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\n"
                            "a=simulcast:send q;h;f\r\n");
    else
        tg_buf_printf(out, "a=ssrc-group:FID %u %u\r\na=ssrc:%u cname:h\r\na=ssrc:%u cname:h\r\n",
                      (unsigned)SSRC_VIDEO, (unsigned)SSRC_RTX, (unsigned)SSRC_VIDEO,
                      (unsigned)SSRC_RTX);
}

static void request(struct attack *a, const char *method, const char *path,
                    const struct tg_buf *body, http_once_fn fn)
{
    struct tg_buf text;
    struct http_once *h;

    tg_buf_init(&text, 2 * TG_SDP_MAX);
    tg_buf_printf(&text,
                  "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                  "Authorization: Bearer %s\r\n%sContent-Length: %zu\r\n\r\n",
                  method, path, a->token, body != NULL ? "Content-Type: application/sdp\r\n" : "",
                  body != NULL ? body->len : 0);
    if (body != NULL)
        tg_buf_add(&text, body->data, body->len);
    if (text.err == TG_OK && http_once_start(&h, a->loop, &a->http, &text, fn, a) == TG_OK)
        a->http_open++;
    tg_buf_done(&text);
}

static void post(struct attack *a)
{
    char path[TG_SHOW_ID_MAX + 16];
    struct tg_buf offer;

    tg_buf_init(&offer, TG_SDP_MAX);
    tg_ice_credentials(&a->rng, a->ufrag, a->pwd);
    write_offer(a, &offer);
    tg_str_printf(path, sizeof(path), "/whip/%s", a->show);
    a->posted++;
    if (offer.err == TG_OK)
        request(a, "POST", path, &offer, on_answer);
    tg_buf_done(&offer);
}

static void on_deleted(void *ctx, const struct http_reply *reply, tg_us now)
{
    struct attack *a = ctx;

    (void)now;
    a->http_open--;
    a->deleted = reply->err == TG_OK ? reply->status : -(int)reply->err;
}

/* --- the run ---------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

static void on_datagram(void *ctx, uint32_t endpoint, const struct tg_addr *from, uint8_t *bytes,
                        size_t len, tg_us wall_us)
{
    struct attack *a = ctx;

    (void)endpoint;
    (void)wall_us;
    if (a->peer == NULL)
        return;
    (void)tg_peer_input(a->peer, a->now, from, bytes, len); /* of no use: nothing follows */
    drain(a, a->now);
}

static void on_readable(void *ctx, uint32_t events, tg_us now)
{
    struct attack *a = ctx;

    (void)events;
    a->now = now;
    many_udp_receive(a->udp, on_datagram, a);
}

/* As many as the rate owes since the last tick. */
static void make_packets(struct attack *a)
{
    a->credit_us += TICK_US;
    while (a->peer != NULL && a->credit_us * a->rate >= TG_US_PER_S) {
        a->credit_us -= TG_US_PER_S / a->rate;
        a->mode->make(a);
        a->n++;
    }
}

static bool over(const struct attack *a, tg_us now)
{
    tg_us from = a->mode->posts_only || a->mode->stop_at_dtls ? a->began : a->connected_at;

    if (stop_asked != 0 || (a->closed[0] != '\0' && a->peer == NULL))
        return true;
    if (a->mode->posts_only && a->posted >= a->posts && a->http_open == 0)
        return true;
    if (from == 0)
        return now - a->began > JOIN_US_MAX || (a->refused > 0 && !a->mode->posts_only);
    return now - from >= a->seconds_us;
}

static void on_tick(void *ctx, tg_us now)
{
    struct attack *a = ctx;

    a->now = now;
    if (over(a, now)) {
        tg_loop_stop(a->loop);
        return;
    }
    if (a->mode->posts_only && a->posted < a->posts && a->http_open < 4)
        post(a);
    if (a->peer != NULL && tg_peer_deadline(a->peer, now) <= now) {
        tg_peer_tick(a->peer, now);
        drain(a, now);
    }
    if (a->peer != NULL && a->connected_at != 0 && a->mode->make != NULL)
        make_packets(a);
    if (tg_loop_timer_set(a->loop, &a->timer, now + TICK_US, on_tick, a) != TG_OK)
        tg_loop_stop(a->loop);
}

static int run(struct attack *a)
{
    tg_us now;

    a->began = tg_clock_mono();
    a->now = a->began;
    if (!a->mode->posts_only)
        post(a);
    on_tick(a, a->began);
    tg_loop_run(a->loop);
    if (a->send_delete && a->location[0] != '\0')
        request(a, "DELETE", a->location, NULL, on_deleted);
    for (now = tg_clock_mono(); a->http_open > 0 && tg_clock_mono() - now < 5 * TG_US_PER_S;)
        tg_loop_once(a->loop, 100 * TG_US_PER_MS);
    (void)printf("{\"mode\":\"%s\",\"posted\":%u,\"created\":%u,\"refused\":%u,\"status\":%d,"
                 "\"connected\":%s,\"sent\":%llu,\"not_sent\":%llu,\"rtcp_got\":%llu,"
                 "\"closed\":\"%s\",\"deleted\":%d}\n",
                 a->mode->name, a->posted, a->created, a->refused, a->last_status,
                 a->connected_at != 0 ? "true" : "false", (unsigned long long)a->sent,
                 (unsigned long long)a->not_sent, (unsigned long long)a->rtcp_got, a->closed,
                 a->deleted);
    if (a->mode->posts_only)
        return a->created > 0 ? 0 : 1;
    if (a->mode->stop_at_dtls)
        return a->created == 1 && a->connected_at == 0 ? 0 : 1;
    return a->connected_at != 0 && (a->mode->make == NULL || a->sent > 0) ? 0 : 1;
}

_Noreturn static void usage(const char *why)
{
    (void)fprintf(
        stderr,
        "whip_hostile: %s\nusage: whip_hostile --http HOST:PORT --show ID --token T "
        "--mode NAME [--seconds S] [--rate N] [--posts N] [--seed N] [--no-delete]\nmodes:",
        why);
    for (size_t i = 0; i < hostile_mode_count; i++)
        (void)fprintf(stderr, " %s", hostile_modes[i].name);
    (void)fprintf(stderr, "\n");
    exit(2);
}

static int64_t number(const char *text, int64_t min, int64_t max)
{
    int64_t value = 0;

    if (tg_parse_i64(&value, text, strlen(text), min, max) != TG_OK)
        usage("a number is missing or out of range");
    return value;
}

static void parse_http(struct attack *a, const char *text)
{
    const char *colon = strrchr(text, ':');
    uint8_t ip[4];
    char host[64];

    if (colon == NULL || tg_str_copy(host, sizeof(host), text, (size_t)(colon - text)) != TG_OK ||
        inet_pton(AF_INET, host, ip) != 1)
        usage("--http needs an IPv4 address and a port");
    a->http = tg_addr_v4(ip[0], ip[1], ip[2], ip[3], (uint16_t)number(colon + 1, 1, UINT16_MAX));
}

static const struct mode *find_mode(const char *name)
{
    for (size_t i = 0; i < hostile_mode_count; i++)
        if (strcmp(hostile_modes[i].name, name) == 0)
            return &hostile_modes[i];
    usage("no such mode");
}

static void parse_args(int argc, char **argv, struct attack *a)
{
    static const struct option options[] = {{"http", 1, NULL, 'h'},      {"show", 1, NULL, 's'},
                                            {"token", 1, NULL, 'k'},     {"mode", 1, NULL, 'm'},
                                            {"rate", 1, NULL, 'r'},      {"posts", 1, NULL, 'p'},
                                            {"seconds", 1, NULL, 't'},   {"seed", 1, NULL, 'e'},
                                            {"no-delete", 0, NULL, 'n'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'h':
            parse_http(a, optarg);
            break;
        case 's':
            if (tg_str_copy(a->show, sizeof(a->show), optarg, strlen(optarg)) != TG_OK)
                usage("--show is too long");
            break;
        case 'k':
            if (tg_str_copy(a->token, sizeof(a->token), optarg, strlen(optarg)) != TG_OK)
                usage("--token is too long");
            break;
        case 'm':
            a->mode = find_mode(optarg);
            break;
        case 'r':
            a->rate = (unsigned)number(optarg, 1, 100000);
            break;
        case 'p':
            a->posts = (unsigned)number(optarg, 1, 100000);
            break;
        case 't':
            a->seconds_us = number(optarg, 1, 3600) * TG_US_PER_S;
            break;
        case 'e':
            a->rng = tg_rng_seeded((uint64_t)number(optarg, 0, INT64_MAX));
            break;
        case 'n':
            a->send_delete = false;
            break;
        default:
            usage("unknown option");
        }
    }
    if (a->http.port == 0 || a->show[0] == '\0' || a->mode == NULL)
        usage("--http, --show and --mode are needed");
}

int main(int argc, char **argv)
{
    struct attack *a = &the_attack;
    struct sigaction act = {.sa_handler = on_signal};
    int rc;

    *a = (struct attack){.seconds_us = 3 * (tg_us)TG_US_PER_S,
                         .rate = 2000,
                         .posts = 100,
                         .send_delete = true,
                         .closed = "",
                         .rng = tg_rng_os()};
    parse_args(argc, argv, a);
    (void)sigaction(SIGINT, &act, NULL);
    (void)sigaction(SIGTERM, &act, NULL);
    a->sdp = tg_calloc(1, sizeof(*a->sdp));
    if (a->sdp == NULL || tg_loop_new(&a->loop) != TG_OK ||
        many_udp_new(&a->udp, 0, true) != TG_OK || tg_dtls_ctx_new(&a->dtls) != TG_OK ||
        tg_loop_watch(a->loop, &a->watch, many_udp_fd(a->udp), EPOLLIN, on_readable, a) != TG_OK) {
        (void)fprintf(stderr, "whip_hostile: cannot start\n");
        return 1;
    }
    rc = run(a);
    tg_peer_free(a->peer);
    tg_loop_unwatch(a->loop, &a->watch);
    tg_loop_free(a->loop);
    many_udp_free(a->udp);
    tg_dtls_ctx_free(a->dtls);
    tg_free(a->sdp);
    return rc;
}
