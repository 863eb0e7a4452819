/* Eight floats at a time, by the vector extension of GCC and Clang. */

#ifndef INKLING_VECTORS
#define INKLING_VECTORS

#include <stdint.h>

#define LANES 8

typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));

static inline vec load(const float *x) { return *(const vec *)x; }
static inline void store(float *x, vec v) { *(vec *)x = v; }

static inline vec splat(float x) { return x - (vec){0}; }

static inline vec choose(ints where, vec a, vec b) {
    return (vec)((where & (ints)a) | (~where & (ints)b));
}

/* e^x = 2^n e^r, |r| <= ln(2)/2, by Taylor's series to r^7: relative error below 1e-7. What would
 * leave the range of floats stays at its ends. */
static inline vec exponential(vec x) {
    x = choose((ints)(x < -87.0f), splat(-87.0f), x);
    x = choose((ints)(x > 88.0f), splat(88.0f), x);
    const vec shift = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to whole numbers */
    vec t = x * 1.44269504f + shift;
    vec n = t - shift;
    vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    vec p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * (vec)(((ints)t - 0x4B400000 + 127) << 23);
}

#endif
