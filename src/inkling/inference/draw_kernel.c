/* From logits to one token a row: what array_sampling.draw_by_numpy does, row by row.
 *
 * Knows: temperature, top-k, top-p, min-p. Does not know: penalties, memory, where random numbers
 * come from.
 * Data: logits (rows, V) + a way and a random number for each -> tokens.
 */

#include <math.h>
#include <stdlib.h>

#include "kernel_vectors.h"

/* The k-th largest of n numbers, 0 < k <= n. `heap` has room for k: the largest so far, the least
 * of them first. */
static float kth_largest(const float *x, int n, int k, float *heap) {
    int size = 0;
    for (int i = 0; i < n; i++) {
        int at;
        if (size < k) {
            for (at = size++; at > 0 && heap[(at - 1) / 2] > x[i]; at = (at - 1) / 2)
                heap[at] = heap[(at - 1) / 2];
        } else if (x[i] > heap[0]) {
            at = 0;
            for (int child = 1; child < k; child = 2 * at + 1) {
                if (child + 1 < k && heap[child + 1] < heap[child]) child++;
                if (heap[child] >= x[i]) break;
                heap[at] = heap[child];
                at = child;
            }
        } else
            continue;
        heap[at] = x[i];
    }
    return heap[0];
}

typedef struct {
    float weight;
    int32_t index;
} Weighed;

static int likelier(const void *a, const void *b) {
    const Weighed *x = a, *y = b;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

/* Keep the fewest likeliest whose mass reaches p; at least one. */
static void keep_top_p(float *weights, int n, double p, Weighed *order) {
    double mass = 0, before = 0;
    for (int i = 0; i < n; i++) {
        order[i] = (Weighed){weights[i], i};
        mass += weights[i];
    }
    qsort(order, n, sizeof(Weighed), likelier);
    for (int i = 0; i < n; before += order[i++].weight)
        if (i && before >= p * mass) weights[order[i].index] = 0;
}

/* One token a row, as array_sampling.draw_by_numpy. A way is temperature, top_k, top_p, min_p and a random
 * number from 0 to below 1. scratch has room for 6 V + 2 LANES. */
void inkling_draw(
    int32_t rows, int32_t V, const float *x, const double *way, int64_t *tokens, float *scratch) {
    float *weights = scratch, *heap = weights + V + LANES;
    int32_t *ids = (int32_t *)(heap + V);
    Weighed *order = (Weighed *)(ids + V + V % 2);
    for (int r = 0; r < rows; r++, x += V, way += 5) {
        int k = (int)way[1], n = 0, best = 0, chosen = -1;
        for (int i = 1; i < V; i++)
            if (x[i] > x[best]) best = i;
        tokens[r] = best;
        if (way[0] == 0) continue;
        float floor = k ? kth_largest(x, V, k, heap) : -INFINITY;
        for (int i = 0; i < V; i++)
            if (x[i] >= floor && x[i] > -INFINITY) {
                weights[n] = x[i] - x[best];
                ids[n++] = i;
            }
        float sharpness = (float)(1 / (way[0] > 1e-8 ? way[0] : 1e-8));
        for (int i = 0; i < n; i += LANES)
            store(weights + i, exponential(load(weights + i) * sharpness));
        if (way[2] < 1) keep_top_p(weights, n, way[2], order);
        double mass = 0, sum = 0;
        for (int i = 0; i < n; i++) {
            if (weights[i] < way[3]) weights[i] = 0;
            mass += weights[i];
        }
        double wanted = way[4] * mass;
        for (int i = 0; i < n && (chosen < 0 || sum <= wanted); i++)
            if (weights[i] > 0) {
                sum += weights[i];
                chosen = i;
            }
        tokens[r] = ids[chosen];
    }
}
