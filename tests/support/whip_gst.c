/*
 * whip_gst.c - GStreamer's webrtcbin as a WHIP publisher: a test picture and a tone.
 *
 *   whip_gst --url http://127.0.0.1:8080/whip/demo --token T [--seconds 30] [--bitrate 2000]
 *            [--width 1280 --height 720] [--candidate-host A] [--candidate-port P]
 *
 * Offer by POST (libcurl), the answer applied as it came, DELETE at the end. --candidate-host
 * and --candidate-port send the media elsewhere than the answer says: through udp_relay. libnice
 * ties each socket to its interface, so a server that listens on loopback alone is out of its
 * reach. Every half second one line "frames WALL_MS COUNT" of what the encoder made; one JSON line
 * at the end. Exit code 0 when the session was made, was connected and was deleted.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#define GST_USE_UNSTABLE_API
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>

enum { ANSWER_MAX = 256 * 1024, ENCODER_FPS = 30 };

struct publisher {
    /* from the command line */
    char *url;
    char *token;
    gint seconds;
    gint bitrate;
    gint width;
    gint height;
    char *candidate_host;
    gint candidate_port;

    GMainLoop *loop;
    GstElement *pipeline;
    GstElement *webrtc;
    GString *answer;
    char *location; /* absolute */
    long post_status;
    long delete_status;
    char *error;
    gint frames;        /* atomic: the encoder's thread */
    gint audio_packets; /* atomic */
    gint connected;     /* atomic: has been */
};

/* --- HTTP ------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    GString *text = ctx;

    if (text->len + size * count > ANSWER_MAX)
        return 0;
    g_string_append_len(text, bytes, (gssize)(size * count));
    return size * count;
}

static void set_common(CURL *curl, const struct publisher *p, struct curl_slist **headers)
{
    if (p->token != NULL) {
        char *line = g_strdup_printf("Authorization: Bearer %s", p->token);

        *headers = curl_slist_append(*headers, line);
        g_free(line);
    }
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L); /* a test server's own certificate */
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
}

/* RFC 9725 s4.2. */
static gboolean post_offer(struct publisher *p, const char *offer)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/sdp");
    struct curl_header *location = NULL;
    char *effective = NULL;
    CURLcode rc;

    (void)curl_easy_setopt(curl, CURLOPT_URL, p->url);
    (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, offer);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(offer));
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L); /* 307 keeps method and body */
    set_common(curl, p, &headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, p->answer);
    rc = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &p->post_status);
    if (rc != CURLE_OK)
        p->error = g_strdup(curl_easy_strerror(rc));
    else if (p->post_status != 201)
        p->error = g_strndup(p->answer->str, 200);
    else if (curl_easy_header(curl, "Location", 0, CURLH_HEADER, -1, &location) == CURLHE_OK &&
             curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &effective) == CURLE_OK)
        p->location = g_uri_resolve_relative(effective, location->value, G_URI_FLAGS_NONE, NULL);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (p->error == NULL && p->location == NULL)
        p->error = g_strdup("201 without Location");
    return p->error == NULL;
}

static void delete_session(struct publisher *p)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    GString *text = g_string_new(NULL);

    (void)curl_easy_setopt(curl, CURLOPT_URL, p->location);
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    set_common(curl, p, &headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
    if (curl_easy_perform(curl) == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &p->delete_status);
    (void)g_string_free(text, TRUE);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

/* --- offer and answer ------------------------------------------------------------------------- */

/* With a port of the command line's there is no way around it. */
static char *without_tcp(const struct publisher *p)
{
    GRegex *regex;
    char *text;

    if (p->candidate_port <= 0)
        return g_strdup(p->answer->str);
    regex = g_regex_new("a=candidate:\\S+ \\d+ tcp [^\r\n]*\r?\n", G_REGEX_CASELESS, 0, NULL);
    text = g_regex_replace_literal(regex, p->answer->str, -1, 0, "", 0, NULL);
    g_regex_unref(regex);
    return text;
}

/* "a=candidate:1 1 udp PRIO ADDRESS PORT typ host": with what the command line says. */
static char *moved(const struct publisher *p)
{
    char *host = p->candidate_host != NULL ? g_strdup(p->candidate_host) : g_strdup("\\g<2>");
    char *port =
        p->candidate_port > 0 ? g_strdup_printf("%d", p->candidate_port) : g_strdup("\\g<3>");
    char *with = g_strdup_printf("\\g<1>%s %s\\g<4>", host, port);
    GRegex *regex = g_regex_new("(a=candidate:\\S+ \\d+ udp \\d+ )(\\S+) (\\d+)( typ)",
                                G_REGEX_CASELESS, 0, NULL);
    char *answer = without_tcp(p);
    char *text = g_regex_replace(regex, answer, -1, 0, with, 0, NULL);

    g_regex_unref(regex);
    g_free(answer);
    g_free(with);
    g_free(port);
    g_free(host);
    return text;
}

static void apply_answer(struct publisher *p)
{
    char *text = moved(p);
    GstSDPMessage *sdp = NULL;
    GstWebRTCSessionDescription *answer;

    if (gst_sdp_message_new_from_text(text, &sdp) != GST_SDP_OK) {
        p->error = g_strdup("GStreamer cannot parse the answer");
        g_main_loop_quit(p->loop);
    } else {
        answer = gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
        g_signal_emit_by_name(p->webrtc, "set-remote-description", answer, NULL);
        gst_webrtc_session_description_free(answer);
    }
    g_free(text);
}

/* The main loop's thread: a promise's callback must not block on HTTP. */
static gboolean exchange(gpointer ctx)
{
    struct publisher *p = ctx;
    GstWebRTCSessionDescription *local = NULL;
    char *offer;

    g_object_get(p->webrtc, "local-description", &local, NULL);
    offer = gst_sdp_message_as_text(local->sdp);
    if (post_offer(p, offer))
        apply_answer(p);
    else
        g_main_loop_quit(p->loop);
    g_free(offer);
    gst_webrtc_session_description_free(local);
    return G_SOURCE_REMOVE;
}

static void on_local_set(GstPromise *promise, gpointer ctx)
{
    gst_promise_unref(promise);
    (void)g_idle_add(exchange, ctx);
}

static void on_offer(GstPromise *promise, gpointer ctx)
{
    struct publisher *p = ctx;
    const GstStructure *reply = gst_promise_get_reply(promise);
    GstWebRTCSessionDescription *offer = NULL;

    (void)gst_structure_get(reply, "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
    gst_promise_unref(promise);
    g_signal_emit_by_name(p->webrtc, "set-local-description", offer,
                          gst_promise_new_with_change_func(on_local_set, p, NULL));
    gst_webrtc_session_description_free(offer);
}

static void on_negotiation_needed(GstElement *webrtc, gpointer ctx)
{
    g_signal_emit_by_name(webrtc, "create-offer", NULL,
                          gst_promise_new_with_change_func(on_offer, ctx, NULL));
}

/* Publishers send only, and repair what is lost. */
static void set_transceivers(struct publisher *p)
{
    GArray *all = NULL;

    g_signal_emit_by_name(p->webrtc, "get-transceivers", &all);
    for (guint i = 0; i < all->len; i++) {
        GstWebRTCRTPTransceiver *one = g_array_index(all, GstWebRTCRTPTransceiver *, i);

        g_object_set(one, "direction", GST_WEBRTC_RTP_TRANSCEIVER_DIRECTION_SENDONLY, "do-nack",
                     TRUE, NULL);
    }
    g_array_unref(all);
}

static void on_state(GObject *webrtc, GParamSpec *spec, gpointer ctx)
{
    struct publisher *p = ctx;
    GstWebRTCPeerConnectionState state;

    (void)spec;
    g_object_get(webrtc, "connection-state", &state, NULL);
    if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED)
        g_atomic_int_set(&p->connected, 1);
}

/* --- the run ---------------------------------------------------------------------------------- */

static GstPadProbeReturn count(GstPad *pad, GstPadProbeInfo *info, gpointer counter)
{
    (void)pad;
    (void)info;
    (void)g_atomic_int_add((gint *)counter, 1);
    return GST_PAD_PROBE_OK;
}

static void count_at(struct publisher *p, const char *element, gint *counter)
{
    GstElement *e = gst_bin_get_by_name(GST_BIN(p->pipeline), element);
    GstPad *pad = gst_element_get_static_pad(e, "src");

    (void)gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count, counter, NULL);
    gst_object_unref(pad);
    gst_object_unref(e);
}

static gboolean on_tick(gpointer ctx)
{
    struct publisher *p = ctx;

    (void)printf("frames %lld %d\n", (long long)(g_get_real_time() / 1000),
                 g_atomic_int_get(&p->frames));
    (void)fflush(stdout);
    return G_SOURCE_CONTINUE;
}

static gboolean on_end(gpointer ctx)
{
    g_main_loop_quit(((struct publisher *)ctx)->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean on_message(GstBus *bus, GstMessage *message, gpointer ctx)
{
    struct publisher *p = ctx;
    GError *error = NULL;

    (void)bus;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        gst_message_parse_error(message, &error, NULL);
        if (p->error == NULL)
            p->error = g_strdup(error->message);
        g_clear_error(&error);
        g_main_loop_quit(p->loop);
    }
    return G_SOURCE_CONTINUE;
}

static gboolean build(struct publisher *p)
{
    GError *error = NULL;
    char *text = g_strdup_printf(
        "webrtcbin name=webrtc bundle-policy=max-bundle "
        "videotestsrc is-live=true pattern=ball ! "
        "video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1 ! queue ! "
        "x264enc name=video tune=zerolatency speed-preset=ultrafast key-int-max=60 bframes=0 "
        "threads=1 bitrate=%d ! video/x-h264,profile=constrained-baseline ! "
        "rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=96 ! "
        "application/x-rtp,media=video,encoding-name=H264,payload=96 ! webrtc. "
        "audiotestsrc is-live=true wave=sine freq=440 samplesperbuffer=960 ! "
        "audio/x-raw,rate=48000,channels=2 ! queue ! opusenc name=audio ! rtpopuspay pt=97 ! "
        "application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! webrtc.",
        p->width, p->height, ENCODER_FPS, p->bitrate);

    p->pipeline = gst_parse_launch(text, &error);
    g_free(text);
    if (error != NULL) {
        (void)fprintf(stderr, "whip_gst: %s\n", error->message);
        g_clear_error(&error);
        return FALSE;
    }
    p->webrtc = gst_bin_get_by_name(GST_BIN(p->pipeline), "webrtc");
    set_transceivers(p);
    count_at(p, "video", &p->frames);
    count_at(p, "audio", &p->audio_packets);
    (void)g_signal_connect(p->webrtc, "on-negotiation-needed", G_CALLBACK(on_negotiation_needed),
                           p);
    (void)g_signal_connect(p->webrtc, "notify::connection-state", G_CALLBACK(on_state), p);
    return TRUE;
}

static void run(struct publisher *p)
{
    GstBus *bus = gst_element_get_bus(p->pipeline);
    guint watch = gst_bus_add_watch(bus, on_message, p);
    guint tick = g_timeout_add(500, on_tick, p);
    guint end = g_timeout_add_seconds((guint)p->seconds, on_end, p);
    guint term = g_unix_signal_add(SIGTERM, on_end, p);
    guint interrupt = g_unix_signal_add(SIGINT, on_end, p);

    (void)gst_element_set_state(p->pipeline, GST_STATE_PLAYING);
    g_main_loop_run(p->loop);
    if (p->location != NULL)
        delete_session(p);
    (void)gst_element_set_state(p->pipeline, GST_STATE_NULL);
    (void)g_source_remove(interrupt);
    (void)g_source_remove(term);
    (void)g_source_remove(end);
    (void)g_source_remove(tick);
    (void)g_source_remove(watch);
    gst_object_unref(bus);
}

static gboolean parse(int *argc, char ***argv, struct publisher *p)
{
    const GOptionEntry entries[] = {
        {"url", 0, 0, G_OPTION_ARG_STRING, &p->url, "WHIP endpoint", "URL"},
        {"token", 0, 0, G_OPTION_ARG_STRING, &p->token, "bearer token", "TOKEN"},
        {"seconds", 0, 0, G_OPTION_ARG_INT, &p->seconds, "how long", "N"},
        {"bitrate", 0, 0, G_OPTION_ARG_INT, &p->bitrate, "video, kbit/s", "N"},
        {"width", 0, 0, G_OPTION_ARG_INT, &p->width, "of the picture", "N"},
        {"height", 0, 0, G_OPTION_ARG_INT, &p->height, "of the picture", "N"},
        {"candidate-host", 0, 0, G_OPTION_ARG_STRING, &p->candidate_host, "send media there", "IP"},
        {"candidate-port", 0, 0, G_OPTION_ARG_INT, &p->candidate_port, "send media there", "PORT"},
        {NULL, 0, 0, 0, NULL, NULL, NULL}};
    GOptionContext *context = g_option_context_new("- publish by WHIP");
    GError *error = NULL;
    gboolean ok;

    g_option_context_add_main_entries(context, entries, NULL);
    ok = g_option_context_parse(context, argc, argv, &error) && p->url != NULL;
    if (!ok)
        (void)fprintf(stderr, "whip_gst: %s\n", error != NULL ? error->message : "--url is needed");
    g_clear_error(&error);
    g_option_context_free(context);
    return ok;
}

int main(int argc, char **argv)
{
    struct publisher p = {.seconds = 30, .bitrate = 2000, .width = 1280, .height = 720};
    char *error;
    int rc;

    gst_init(&argc, &argv);
    if (!parse(&argc, &argv, &p))
        return 2;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !build(&p))
        return 1;
    p.loop = g_main_loop_new(NULL, FALSE);
    p.answer = g_string_new(NULL);
    run(&p);
    error = g_strescape(p.error != NULL ? p.error : "", NULL);
    (void)printf("{\"framesEncoded\":%d,\"audioPackets\":%d,\"post\":%ld,\"delete\":%ld,"
                 "\"connected\":%s,\"error\":\"%s\"}\n",
                 p.frames, p.audio_packets, p.post_status, p.delete_status,
                 p.connected != 0 ? "true" : "false", error);
    rc = p.error == NULL && p.connected != 0 && p.delete_status == 200 ? 0 : 1;
    g_free(error);
    gst_object_unref(p.webrtc);
    gst_object_unref(p.pipeline);
    g_main_loop_unref(p.loop);
    (void)g_string_free(p.answer, TRUE);
    g_free(p.location);
    g_free(p.error);
    g_free(p.candidate_host);
    g_free(p.url);
    g_free(p.token);
    curl_global_cleanup();
    return rc;
}
