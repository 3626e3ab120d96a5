/*
 * show.h - one show on the media thread: who feeds it, and what its viewers see meanwhile. All
 * functions on the media thread; a show lives until that thread ends.
 */
#ifndef TG_MEDIA_SHOW_H
#define TG_MEDIA_SHOW_H

#include "media/media_priv.h"

struct tg_media_show;

struct tg_media_show *tg_media_show_new(struct tg_media *media, const struct tg_media_msg *add);
/* All its publishers are told that the server stops. After the main loop. */
void tg_media_show_free(struct tg_media_show *show);
/* The begin of a demo show, when others can find it. */
void tg_media_show_begin(struct tg_media_show *show);
void tg_media_show_title(struct tg_media_show *show, const char *title);
/* It ended: no slate until the next publisher. */
void tg_media_show_over(struct tg_media_show *show);
void tg_media_show_watchers(struct tg_media_show *show, uint32_t count);
/* A viewer needs a keyframe of this layer of whoever is on air; of layer 0 when it has no such. */
void tg_media_show_keyframe(struct tg_media_show *show, unsigned layer);
/* What a publisher's session asked for. */
void tg_media_show_task(struct tg_media_show *show, const struct tg_media_task *task);

#endif
