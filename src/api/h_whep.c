/* WHEP (draft-ietf-wish-whep): viewers' offers, trickle, ICE restarts and the end. */
#include "api/h_rtc.h"

#include <string.h>

void tg_h_whep(struct tg_req *q)
{
    struct tg_show_info show;
    struct tg_rtc_req *msg;

    if (!tg_req_show(q, &show) || !tg_rtc_body(q, TG_TYPE_SDP, "a recvonly SDP offer"))
        return;
    if (q->ticket_bad) {
        tg_reply_problem(q, 400, "Torg-Ticket",
                         "Torg-Ticket is the ticket of an earlier 503 as it came: 22 characters.");
        return;
    }
    msg = tg_rtc_offer(q, TG_RTC_WHEP_OFFER, &show);
    if (msg == NULL)
        return;
    msg->staff = tg_auth_may(&q->auth, show.ord, TG_ROLE_STAFF);
    memcpy(msg->ticket, q->ticket, sizeof(msg->ticket));
    tg_rtc_ask_any(q, msg);
}

void tg_h_whep_patch(struct tg_req *q)
{
    struct tg_show_info show;

    if (tg_req_show(q, &show) && tg_rtc_body(q, TG_TYPE_SDPFRAG, "the SDP fragment"))
        tg_rtc_ask_session(q, TG_RTC_PATCH, &show, false);
}

void tg_h_whep_delete(struct tg_req *q)
{
    struct tg_show_info show;

    if (tg_req_show(q, &show))
        tg_rtc_ask_session(q, TG_RTC_DELETE, &show, false);
}

/* The content type is how players find out that an address is WHEP's. */
void tg_h_whep_get(struct tg_req *q)
{
    struct tg_show_info show;

    if (!tg_req_show(q, &show))
        return;
    tg_reply_start(q, 200);
    tg_reply_header(q, "Accept-Post", TG_TYPE_SDP);
    tg_reply_send(q, TG_TYPE_SDP, tg_span(NULL, 0));
}

void tg_h_whep_slash(struct tg_req *q)
{
    struct tg_show_info show;

    if (tg_req_show(q, &show))
        tg_rtc_redirect(q, "whep", show.id);
}
