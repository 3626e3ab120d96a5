#include "media/demo_sound.h"

#include <math.h>

#define PI2 6.28318530717958647692F

enum {
    NOTE_FRAMES = TG_SOUND_RATE * 2 / 5, /* 150 plucks a minute */
    CHORD_NOTES = 8,
    CHORDS = 4,
    RINGING = 5, /* a pluck is heard over this many notes, then below -50 dB */
};

/* C, a minor, F, G with added tones: no tension, no end. Semitones above middle C. */
static const int chord_tones[CHORDS][4] = {
    {0, 4, 7, 14}, {-3, 4, 7, 12}, {-7, 5, 9, 12}, {-5, 2, 9, 14}};
static const int pattern[CHORD_NOTES] = {0, 2, 1, 3, 2, 1, 3, 2};

static float pitch_hz(int semitones)
{
    return 261.626F * exp2f((float)semitones / 12);
}

/* One pluck, t seconds after it: a soft attack, upper partials die first. */
static float pluck(float hz, float t)
{
    float attack = t < 0.006F ? t / 0.006F : 1;
    float body = sinf(PI2 * hz * t) * expf(-3.2F * t);
    float shine = sinf(PI2 * 2 * hz * t) * expf(-6.5F * t) * 0.35F;
    float knock = sinf(PI2 * 5.4F * hz * t) * expf(-28 * t) * 0.12F;

    return attack * (body + shine + knock);
}

/* The chord held softly; silent at its edges, so that chords join without a click. */
static float pad(const int *tones, float t, float length, float detune)
{
    float swell = sinf(PI2 / 2 * t / length);
    float sum = 0;

    for (int i = 0; i < 3; i++)
        sum += sinf(PI2 * pitch_hz(tones[i] - 12) * (1 + detune) * t);
    return swell * swell * sum;
}

static float note_at(int64_t note, float t)
{
    const int *tones = chord_tones[note / CHORD_NOTES % CHORDS];
    int tone = tones[pattern[note % CHORD_NOTES]];

    return pluck(pitch_hz(tone + 12), t) * (note % 2 == 0 ? 1 : 0.7F);
}

static int16_t sample(float value)
{
    return (int16_t)lrintf(fmaxf(-1, fminf(1, value)) * 32767);
}

void tg_demo_sound(int16_t *out, size_t count, int64_t first)
{
    const float chord_s = (float)NOTE_FRAMES * CHORD_NOTES / TG_SOUND_RATE;

    for (size_t i = 0; i < count; i++) {
        int64_t frame = first + (int64_t)i;
        int64_t note = frame / NOTE_FRAMES;
        int64_t chord = note / CHORD_NOTES;
        float chord_t = (float)(frame - chord * CHORD_NOTES * NOTE_FRAMES) / (float)TG_SOUND_RATE;
        const int *tones = chord_tones[chord % CHORDS];
        float left = 0.018F * pad(tones, chord_t, chord_s, 0.0011F);
        float right = 0.018F * pad(tones, chord_t, chord_s, -0.0011F);

        for (int64_t back = 0; back < RINGING && back <= note; back++) {
            float t = (float)(frame - (note - back) * NOTE_FRAMES) / (float)TG_SOUND_RATE;
            float v = 0.11F * note_at(note - back, t);
            float place = (note - back) % 3 == 0 ? 0.3F : 0.6F;

            left += v * (1 - place);
            right += v * place;
        }
        out[2 * i] = sample(left);
        out[2 * i + 1] = sample(right);
    }
}
