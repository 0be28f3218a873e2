/* embeddings.h: rows that resemble embeddings, from a generator, so that no size needs a data set.
 *
 * Embeddings have as many dimensions as the model writes and as few as its texts need. A row is a
 * point of a cloud in LATENT dimensions, turned into DIM by one fixed random matrix, plus a little
 * noise in all of them, at unit length. There are as many clouds as thousands of rows, so that a
 * neighbourhood holds as many rows at every size, and they overlap: nearest rows are of several. */
#ifndef EMBEDDINGS_H
#define EMBEDDINGS_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

enum { LATENT = 24, CLOUD = 1000 };

struct embeddings {
    uint64_t dim, centres;
    float *matrix; /* LATENT rows of `dim` */
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* About normal, of variance 1: the sum of four 16-bit parts of one random number. */
static inline float normal(uint64_t *state) {
    uint64_t bits = next_random(state);
    uint64_t sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
    return ((float)sum / 65536.0f - 2.0f) * 1.7320508f;
}

static inline struct embeddings embeddings_new(uint64_t dim, uint64_t rows) {
    struct embeddings e = {dim, rows / CLOUD > 0 ? rows / CLOUD : 1, (float *)malloc(LATENT * dim * sizeof(float))};
    uint64_t state = 7;
    if (!e.matrix) exit(1);
    for (uint64_t i = 0; i < LATENT * dim; i++) e.matrix[i] = normal(&state);
    return e;
}

/* The row of a number. Numbers that differ give rows that differ. */
static inline void embedding(const struct embeddings *e, uint64_t number, float *row) {
    uint64_t state = number * 2 + 1, cloud = next_random(&state) % e->centres;
    float length = 0;
    for (uint64_t i = 0; i < e->dim; i++) row[i] = 0.3f * normal(&state);
    for (int l = 0; l < LATENT; l++) {
        float at = normal(&cloud) + 0.7f * normal(&state);
        const float *axis = e->matrix + (uint64_t)l * e->dim;
        for (uint64_t i = 0; i < e->dim; i++) row[i] += at * axis[i];
    }
    for (uint64_t i = 0; i < e->dim; i++) length += row[i] * row[i];
    for (uint64_t i = 0; i < e->dim; i++) row[i] /= sqrtf(length);
}

#endif
