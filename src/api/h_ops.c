/* For operators: is it alive, is it ready, what does it count. */
#include "api/req.h"

#include "base/metrics.h"

static void send_text(struct tg_req *q, int status, const char *text)
{
    tg_buf_add_str(&q->out, text);
    tg_reply_start(q, status);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, "text/plain; charset=utf-8", tg_span(q->out.data, q->out.len));
}

void tg_h_healthz(struct tg_req *q)
{
    send_text(q, 200, "ok\n");
}

void tg_h_readyz(struct tg_req *q)
{
    const struct tg_web_cfg *cfg = &q->w->web->cfg;

    if (q->w->stopping || (cfg->ready != NULL && !cfg->ready(cfg->ready_ctx)))
        send_text(q, 503, "not ready\n");
    else
        send_text(q, 200, "ready\n");
}

/*
 * A request that came through a proxy which we were not told to trust stands on loopback only
 * because the proxy does.
 */
static bool may_scrape(const struct tg_req *q)
{
    if (tg_auth_may(&q->auth, UINT16_MAX, TG_ROLE_ADMIN))
        return true;
    if (!q->addr_certain)
        return false;
    return tg_addr_is_loopback(&q->peer) || tg_cidr_list_match(&q->w->web->metrics, &q->peer);
}

void tg_h_metrics(struct tg_req *q)
{
    if (!may_scrape(q)) {
        tg_reply_problem(q, 403, NULL,
                         "Metrics are for loopback, metrics.allow networks and admin tokens.");
        return;
    }
    tg_metrics_write(&q->out);
    tg_reply_start(q, 200);
    tg_reply_header(q, "Cache-Control", "no-store");
    tg_reply_send(q, "text/plain; version=0.0.4; charset=utf-8", tg_span(q->out.data, q->out.len));
}
