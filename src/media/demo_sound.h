/*
 * demo_sound.h - the demo host's music: a soft plucked pattern over a slow pad, computed. Pure.
 */
#ifndef TG_MEDIA_DEMO_SOUND_H
#define TG_MEDIA_DEMO_SOUND_H

#include <stddef.h>
#include <stdint.h>

enum { TG_SOUND_RATE = 48000, TG_SOUND_CHANNELS = 2 };

/* `count` interleaved stereo frames from frame number `first` (>= 0) on. The same for the same
 * time. */
void tg_demo_sound(int16_t *out, size_t count, int64_t first);

#endif
