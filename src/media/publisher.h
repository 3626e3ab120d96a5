/*
 * publisher.h - one publisher's pipeline: a chain for each (track, layer) from its source to the
 * on-air switch. Media thread.
 */
#ifndef TG_MEDIA_PUBLISHER_H
#define TG_MEDIA_PUBLISHER_H

#include "media/media_priv.h"

struct tg_publisher;

/* The pipeline failed; what of is logged. notice: plain words, static. It may free the publisher.
 */
typedef void (*tg_publisher_error_fn)(void *ctx, struct tg_publisher *publisher,
                                      const char *notice);

/* Takes a reference of source. NULL: GStreamer refused. */
struct tg_publisher *tg_publisher_new(struct tg_air_switch *air, struct tg_source *source,
                                      tg_publisher_error_fn on_error, void *ctx);
/* Errors: IO (an element is missing or refused). */
TG_MUST_CHECK tg_err tg_publisher_add_chain(struct tg_publisher *publisher, enum tg_track track,
                                            enum tg_codec codec, uint8_t layer);
struct tg_source *tg_publisher_source(const struct tg_publisher *publisher);
struct tg_feeder *tg_publisher_feeder(const struct tg_publisher *publisher);
/* All its video layers; nothing happens when the publisher cannot be asked (RTMP). */
void tg_publisher_wish_keyframe(struct tg_publisher *publisher);
/* Leaves the air. Streaming threads have ended when it returns. NULL is legal. */
void tg_publisher_free(struct tg_publisher *publisher);

#endif
