/*
 * media_wiring.h - joins the media side: publishers (publish_wiring.h) -> media -> fan-out -> rtc
 * workers, and tells live who is on air. These services never include each other.
 *
 * Thread: main, except tg_wiring_show_added and tg_wiring_show_state (any).
 */
#ifndef TG_APP_MEDIA_WIRING_H
#define TG_APP_MEDIA_WIRING_H

#include "app/config.h"
#include "store/registry.h"

struct tg_wiring;

struct tg_wiring_cfg {
    const struct tg_config *config; /* borrowed */
    const char *data_dir;
    bool demo;
};

/* Number of worker threads for a configured count; 0 = one a core. */
unsigned tg_worker_count(int64_t configured);

/*
 * GStreamer, the media thread and the rtc workers run afterwards. registry and live are borrowed
 * until tg_wiring_stop. Errors: IO, NOMEM, MALFORMED (a key of the configuration; see reason).
 */
TG_MUST_CHECK tg_err tg_wiring_start(struct tg_wiring **ret, const struct tg_wiring_cfg *cfg,
                                     struct tg_registry *registry, struct tg_mailbox *live,
                                     char *reason, size_t reason_size);
/* A show exists now: fan-out, workers and media learn of it. */
void tg_wiring_show_added(struct tg_wiring *w, const struct tg_show_info *show);
/*
 * A show's state is another now, or it is in rehearsal from the start: rtc workers keep the public
 * out of a rehearsal, media ends the slate of a show that ended.
 */
void tg_wiring_show_state(struct tg_wiring *w, uint16_t show, enum tg_show_state state);
/* SIGHUP: the keys of the capacity guard may be others now. */
void tg_wiring_reload(struct tg_wiring *w, const struct tg_config *fresh);
/* Opens the RTMP port. */
TG_MUST_CHECK tg_err tg_wiring_listen(struct tg_wiring *w, char *reason, size_t reason_size);
void tg_wiring_unlisten(struct tg_wiring *w);
/* Joins all threads and frees. NULL is legal. */
void tg_wiring_stop(struct tg_wiring *w);

struct tg_mailbox *const *tg_wiring_rtc_mailboxes(struct tg_wiring *w, size_t *ret_count);
/* 0 = RTMP is off. */
unsigned tg_wiring_rtmp_port(const struct tg_wiring *w);

#endif
