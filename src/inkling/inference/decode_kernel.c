/* One step of a small `modern` model, all rows and layers in one call.
 *
 * Knows: prepared weights (array_weights.py), the store of keys and values (array_decoder.py), which
 * slot and position each row is. Does not know: sampling, threads, Python.
 * Data: ids -> rows of hidden states -> logits.
 *
 * Between two products of a small model there is less arithmetic than a call into a library costs.
 * A row reads and writes nothing but its own slot, so rows are slots that are decoded, or
 * neighbouring positions of a prompt that is read, or both.
 *
 * Names: C channels, H heads, D head_dim, E = H*D, F hidden channels of the MLP, V vocabulary, T
 * positions a slot has room for, P positions filled. C, D and F are multiples of LANES.
 */

#include <math.h>
#include <string.h>

#include "kernel_vectors.h"

#define PANEL 16 /* columns of a packed matrix that stand together */
#define ROWS 6   /* 6 rows x 2 vectors of sums, 2 of weights and 1 of input fill 16 registers */
/* Sums that are not unrolled are kept in memory, which takes five times as long. */
#define EACH_ROW _Pragma("GCC unroll 6") for (int r = 0; r < rows; r++)

typedef struct {
    const float *qkv, *head_scale, *out, *gate_up, *down;
} Layer;

typedef struct {
    int32_t layers, channels, heads, head_dim, hidden, vocabulary, capacity, slots;
    float eps_channels, eps_head;
    const float *embedding, *head, *rotation;
    const Layer *layer;
} Model;

static inline float sum(vec v) {
    return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

static inline float dot(const float *a, const float *b, int n) {
    vec s = {0};
    for (int i = 0; i < n; i += LANES) s += load(a + i) * load(b + i);
    return sum(s);
}

/* x / sqrt(|x|^2 + eps) */
static inline void normalise(const float *x, int n, float eps, float *y) {
    float scale = 1.0f / sqrtf(dot(x, x, n) + eps);
    for (int i = 0; i < n; i += LANES) store(y + i, load(x + i) * scale);
}

/* `rows` rows times one panel of a packed matrix. `rows` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) void panel(
    int rows, const float *x, int K, const float *w, float *y, int N, int columns, int add) {
    vec a[ROWS][2], b[ROWS][2];
    EACH_ROW a[r][0] = a[r][1] = b[r][0] = b[r][1] = splat(0);
    int k = 0;
    if (rows <= 2) /* so few sums would wait for each other: two sets take turns */
        for (; k + 2 <= K; k += 2, w += 2 * PANEL)
            EACH_ROW {
                a[r][0] += x[r * K + k] * load(w);
                a[r][1] += x[r * K + k] * load(w + LANES);
                b[r][0] += x[r * K + k + 1] * load(w + PANEL);
                b[r][1] += x[r * K + k + 1] * load(w + PANEL + LANES);
            }
    for (; k < K; k++, w += PANEL) {
        vec w0 = load(w), w1 = load(w + LANES);
        EACH_ROW {
            a[r][0] += x[r * K + k] * w0;
            a[r][1] += x[r * K + k] * w1;
        }
    }
    EACH_ROW {
        float *out = y + (int64_t)r * N, kept[PANEL] = {0};
        float *to = columns == PANEL ? out : kept;
        if (add && to == kept) memcpy(kept, out, columns * sizeof(float));
        vec s0 = a[r][0], s1 = a[r][1];
        if (rows <= 2) s0 += b[r][0], s1 += b[r][1];
        if (add) s0 += load(to), s1 += load(to + LANES);
        store(to, s0);
        store(to + LANES, s1);
        if (to == kept) memcpy(out, kept, columns * sizeof(float));
    }
}

/* y = x w, or y += x w. w is packed: panels of (K, PANEL), the last filled up with zeros. */
static void product(const float *x, int rows, int K, const float *w, float *y, int N, int add) {
    int blocks = (rows + ROWS - 1) / ROWS;
    for (int n = 0; n < N; n += PANEL, w += (int64_t)K * PANEL) {
        int columns = N - n < PANEL ? N - n : PANEL;
        for (int block = 0; block < blocks; block++) {
            /* even shares: 4 + 4 rather than 6 + 2 */
            int from = rows * block / blocks, to = rows * (block + 1) / blocks;
            const float *xs = x + (int64_t)from * K;
            float *ys = y + (int64_t)from * N + n;
            switch (to - from) {
                case 1: panel(1, xs, K, w, ys, N, columns, add); break;
                case 2: panel(2, xs, K, w, ys, N, columns, add); break;
                case 3: panel(3, xs, K, w, ys, N, columns, add); break;
                case 4: panel(4, xs, K, w, ys, N, columns, add); break;
                case 5: panel(5, xs, K, w, ys, N, columns, add); break;
                default: panel(6, xs, K, w, ys, N, columns, add);
            }
        }
    }
}

/* Normalised, scaled, turned queries and keys of one row, in place. Pairs are adjacent. */
static void turn_heads(const Model *m, const float *scale, int position, float *heads) {
    int D = m->head_dim;
    const float *angle = m->rotation + (int64_t)position * D;
    for (int h = 0; h < 2 * m->heads; h++, heads += D, scale += D) {
        float length = 1.0f / sqrtf(dot(heads, heads, D) + m->eps_head);
        for (int d = 0; d < D; d += 2) {
            float x = heads[d] * length * scale[d], y = heads[d + 1] * length * scale[d + 1];
            heads[d] = x * angle[d] - y * angle[d + 1];
            heads[d + 1] = x * angle[d + 1] + y * angle[d];
        }
    }
}

/* What one head of one row sees in P positions. `scores` has room for P rounded up to LANES. */
static void attend(
    const float *q, const float *keys, const float *values, int P, int D, float *scores, float *y) {
    float peak = -INFINITY;
    for (int p = 0; p < P; p++) {
        scores[p] = dot(q, keys + (int64_t)p * D, D);
        if (scores[p] > peak) peak = scores[p];
    }
    for (int p = P; p % LANES; p++) scores[p] = -INFINITY;
    vec mass = {0};
    for (int p = 0; p < P; p += LANES) {
        vec e = exponential(load(scores + p) - peak);
        store(scores + p, e);
        mass += e;
    }
    float scale = 1.0f / sum(mass);
    int d = 0;
    for (; d + 4 * LANES <= D; d += 4 * LANES) {
        vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
        for (int p = 0; p < P; p++) {
            const float *v = values + (int64_t)p * D + d;
            s0 += scores[p] * load(v);
            s1 += scores[p] * load(v + LANES);
            s2 += scores[p] * load(v + 2 * LANES);
            s3 += scores[p] * load(v + 3 * LANES);
        }
        store(y + d, s0 * scale);
        store(y + d + LANES, s1 * scale);
        store(y + d + 2 * LANES, s2 * scale);
        store(y + d + 3 * LANES, s3 * scale);
    }
    for (; d < D; d += LANES) {
        vec s = {0};
        for (int p = 0; p < P; p++) s += scores[p] * load(values + (int64_t)p * D + d);
        store(y + d, s * scale);
    }
}

/* Read one id into each row's slot at its position; final normalised hidden states (rows, C).
 *
 * kv is (layers, slots, 2H, T, D). Rows of one slot stand in the order of their positions, which
 * are the next ones of the slot. scratch has room for rows * (C + max(C, E) + 3E + 3F) + T + LANES. */
void inkling_hidden(
    const Model *m, int32_t rows, const int64_t *ids, const int64_t *slots,
    const int64_t *positions, float *kv, float *scratch, float *hidden) {
    const int C = m->channels, H = m->heads, D = m->head_dim, E = H * D, F = m->hidden;
    const int64_t head_size = (int64_t)m->capacity * D, slot_size = 2 * H * head_size;
    float *x = scratch, *y = x + (int64_t)rows * C, *qkv = y + (int64_t)rows * (C > E ? C : E);
    float *gate_up = qkv + (int64_t)rows * 3 * E, *gated = gate_up + (int64_t)rows * 2 * F;
    float *scores = gated + (int64_t)rows * F;
    for (int r = 0; r < rows; r++)
        memcpy(x + (int64_t)r * C, m->embedding + ids[r] * C, C * sizeof(float));
    for (int l = 0; l < m->layers; l++) {
        const Layer *w = m->layer + l;
        for (int r = 0; r < rows; r++)
            normalise(x + (int64_t)r * C, C, m->eps_channels, y + (int64_t)r * C);
        product(y, rows, C, w->qkv, qkv, 3 * E, 0);
        for (int r = 0; r < rows; r++) {
            float *row = qkv + (int64_t)r * 3 * E;
            float *slot = kv + (l * (int64_t)m->slots + slots[r]) * slot_size;
            turn_heads(m, w->head_scale, (int)positions[r], row);
            for (int h = 0; h < 2 * H; h++)
                memcpy(slot + h * head_size + positions[r] * D, row + E + h * D,
                       D * sizeof(float));
        }
        for (int r = 0; r < rows; r++) {
            const float *slot = kv + (l * (int64_t)m->slots + slots[r]) * slot_size;
            for (int h = 0; h < H; h++)
                attend(qkv + (int64_t)r * 3 * E + h * D, slot + h * head_size,
                       slot + (H + h) * head_size, (int)positions[r] + 1, D, scores,
                       y + (int64_t)r * E + h * D);
        }
        product(y, rows, E, w->out, x, C, 1);
        for (int r = 0; r < rows; r++)
            normalise(x + (int64_t)r * C, C, m->eps_channels, y + (int64_t)r * C);
        product(y, rows, C, w->gate_up, gate_up, 2 * F, 0);
        for (int r = 0; r < rows; r++) {
            const float *gate = gate_up + (int64_t)r * 2 * F;
            for (int i = 0; i < F; i += LANES) {
                vec g = load(gate + i);
                store(gated + (int64_t)r * F + i,
                      g / (1.0f + exponential(g)) * load(gate + F + i));
            }
        }
        product(gated, rows, F, w->down, x, C, 1);
    }
    for (int r = 0; r < rows; r++)
        normalise(x + (int64_t)r * C, C, m->eps_channels, hidden + (int64_t)r * C);
}

/* Logits (rows, V) of hidden states (rows, C). */
void inkling_logits(const Model *m, int32_t rows, const float *hidden, float *logits) {
    product(hidden, rows, m->channels, m->head, logits, m->vocabulary, 0);
}
