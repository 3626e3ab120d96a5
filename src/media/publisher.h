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
/*
 * Of one video layer, or of layer 0 when there is none of that number. Nothing happens when the
 * publisher cannot be asked (RTMP); a rendition's encoder always can.
 */
void tg_publisher_wish_keyframe(struct tg_publisher *publisher, unsigned layer);
/* Of all layers that the publisher sends. */
void tg_publisher_wish_keyframes(struct tg_publisher *publisher);
/*
 * Renditions of its video, when it sends one layer: made while `run`. To be called again after
 * every change of that, of the generation, and from time to time: the publisher's picture may get
 * another size.
 */
void tg_publisher_renditions(struct tg_publisher *publisher, bool run, uint32_t generation);
/* Leaves the air. Streaming threads have ended when it returns. NULL is legal. */
void tg_publisher_free(struct tg_publisher *publisher);

#endif
