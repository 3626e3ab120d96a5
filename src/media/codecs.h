/*
 * codecs.h - the GStreamer elements that media's pipelines are made of, and which are missing here.
 * For an operator's question; a pipeline finds out by itself. Any thread, after tg_media_init.
 */
#ifndef TG_MEDIA_CODECS_H
#define TG_MEDIA_CODECS_H

#include <stdbool.h>
#include <stddef.h>

struct tg_element {
    const char *factory;
    const char *package; /* Debian's */
    const char *what;    /* what does not work without it */
};

/* The next one from *at that is not here; *at becomes the place after it. false = no more. */
bool tg_element_missing(size_t *at, struct tg_element *ret);

#endif
