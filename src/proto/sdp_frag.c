/* SDP fragments: a PATCH of a WHIP or WHEP session and its answer (RFC 8840 s9, RFC 9725 s4.3). */
#include <string.h>

#include "base/limits.h"
#include "proto/sdp_priv.h"
#include "proto/sdp_whip.h"

struct frag {
    struct tg_sdp_frag *f;
    tg_err err;
    const char *reason;
};

static void fail(struct frag *p, tg_err err, const char *reason)
{
    if (p->err == TG_OK) {
        p->err = err;
        p->reason = reason;
    }
}

/* All m-lines of a bundle have the same credentials: said again they must be equal. */
static void take_text(struct frag *p, char *out, size_t size, struct tg_span value)
{
    if (out[0] == '\0') {
        if (!tg_sdp_keep(out, size, value))
            fail(p, TG_ERR_MALFORMED, "ice-ufrag or ice-pwd is empty or too long");
    } else if (strlen(out) != value.len || memcmp(out, value.data, value.len) != 0) {
        fail(p, TG_ERR_MALFORMED, "the fragment has two different ice-ufrags or ice-pwds");
    }
}

/* "1 1 udp 2130706431 192.0.2.1 8189 typ host": RFC 8839 s5.1. Names and TCP are fine. */
static void on_candidate(struct frag *p, struct tg_rd *r)
{
    struct tg_span part[8];
    int64_t number;

    for (size_t i = 0; i < TG_ARRAY_LEN(part); i++)
        part[i] = tg_sdp_word(r);
    if (part[0].len == 0) /* "a=candidate:" is how some clients say that there are no more */
        return;
    if (!tg_sdp_number(part[1], 256, &number) || !tg_sdp_number(part[3], UINT32_MAX, &number) ||
        !tg_sdp_number(part[5], UINT16_MAX, &number) || !tg_sdp_is(part[6], "typ") ||
        part[7].len == 0)
        fail(p, TG_ERR_MALFORMED, "a candidate is not of the form of RFC 8839");
    else if (p->f->candidate_count < UINT8_MAX)
        p->f->candidate_count++;
}

static void on_attribute(struct frag *p, struct tg_rd *r)
{
    struct tg_span name = tg_sdp_until(r, ':');
    struct tg_rd rest = *r;

    if (tg_sdp_is(name, "ice-ufrag"))
        take_text(p, p->f->ice_ufrag, sizeof(p->f->ice_ufrag), tg_sdp_word(&rest));
    else if (tg_sdp_is(name, "ice-pwd"))
        take_text(p, p->f->ice_pwd, sizeof(p->f->ice_pwd), tg_sdp_word(&rest));
    else if (tg_sdp_is(name, "candidate"))
        on_candidate(p, &rest);
    else if (tg_sdp_is(name, "end-of-candidates"))
        p->f->end_of_candidates = true;
    else if (tg_sdp_is(name, "mid") && p->f->mid[0] == '\0' &&
             !tg_sdp_keep(p->f->mid, sizeof(p->f->mid), tg_sdp_word(&rest)))
        fail(p, TG_ERR_MALFORMED, "a mid is empty or longer than 16 characters");
}

static void on_line(struct frag *p, struct tg_span line)
{
    struct tg_rd r = tg_rd(line.data, line.len);
    tg_err err;
    const char *fault = tg_sdp_line_fault(line, &err);

    if (fault != NULL) {
        fail(p, err, fault);
        return;
    }
    tg_rd_skip(&r, 2);
    if (line.data[0] == 'a')
        on_attribute(p, &r);
    else if (line.data[0] == 'm' && p->f->kind == TG_SDP_OTHER)
        p->f->kind = tg_sdp_is(tg_sdp_word(&r), "audio") ? TG_SDP_AUDIO : TG_SDP_VIDEO;
}

static void check(struct frag *p)
{
    const struct tg_sdp_frag *f = p->f;

    if (f->ice_ufrag[0] == '\0' && f->ice_pwd[0] != '\0')
        fail(p, TG_ERR_MALFORMED, "the fragment has an ice-pwd, but no ice-ufrag");
    /* A trickle may name the ufrag alone: it only says which session is meant. */
    else if (f->ice_pwd[0] != '\0' && !tg_ice_credentials_ok(f->ice_ufrag, f->ice_pwd))
        fail(p, TG_ERR_MALFORMED, TG_ICE_CREDENTIALS_RULE);
}

tg_err tg_sdp_frag_parse(struct tg_sdp_frag *ret, const char *text, size_t len,
                         const char **reterr_reason)
{
    struct tg_sdp_frag frag = {0};
    struct frag p = {.f = &frag};
    struct tg_rd r = tg_rd(text, len);
    bool any = false;

    if (len > TG_SDP_MAX) {
        *reterr_reason = "the SDP fragment is longer than 64 KiB";
        return TG_ERR_LIMIT;
    }
    while (tg_rd_left(&r) > 0 && p.err == TG_OK) {
        struct tg_span line = tg_sdp_line(&r);

        if (line.len == 0) /* a blank line at the end is common and harmless */
            continue;
        any = true;
        on_line(&p, line);
    }
    if (!any)
        fail(&p, TG_ERR_MALFORMED, "the SDP fragment is empty");
    check(&p);
    if (p.err != TG_OK) {
        *reterr_reason = p.reason;
        return p.err;
    }
    *ret = frag;
    return TG_OK;
}

tg_err tg_sdp_frag_write(struct tg_buf *out, const struct tg_sdp_local *local,
                         const struct tg_sdp_frag *in)
{
    tg_sdp_write_ice_session(out);
    /* The m-line only holds what follows; its format means nothing here (RFC 8840 s9.2). */
    tg_buf_printf(out, "m=%s 9 UDP/TLS/RTP/SAVPF 0\r\n",
                  in->kind == TG_SDP_AUDIO ? "audio" : "video");
    if (in->mid[0] != '\0')
        tg_buf_printf(out, "a=mid:%s\r\n", in->mid);
    tg_sdp_write_credentials(out, local);
    tg_sdp_write_candidates(out, local);
    return out->err;
}
