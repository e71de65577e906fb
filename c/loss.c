/* Cross-entropy and accuracy over the steps that have a label. */
#include "internal.h"
#include "simd.h"
#include "vmath.h"

#include <math.h>

/* sum_k exp(x[k] - max). Class k is added to lane k mod 4, in double, then the lanes in order. */
static double sum_exp(const float *x, float max, size_t K) {
  v2d low = {0, 0}, high = {0, 0};
  for (size_t k = 0; k < K; k += 4) {
    v4i valid = (v4i){0, 1, 2, 3} < v_splat_int((int32_t)pl_smaller(K - k, 4));
    v4f e = v_exp(v_select(valid, v_sub(v_load_partial(x + k, K - k), v_splat(max)), v_splat(-INFINITY)));
    low += v_promote_low(e);
    high += v_promote_high(e);
  }
  return low[0] + low[1] + high[0] + high[1];
}

/* log x = log u + (x - u) / u with u = x rounded to float. If x is a little above 1, this keeps the digits that u loses. */
static double log_of(double x) {
  const float u = (float)x;
  return (double)v_log(v_splat(u))[0] + (x - (double)u) / (double)u;
}

/* Clips to [epsilon, 1 - epsilon], where epsilon is Keras's backend.epsilon() = 1e-7. */
static float clip(float p) { return v_max(v_min(v_splat(p), v_splat(0.9999999f)), v_splat(1e-7f))[0]; }

void pl_cross_entropy(pl_loss *total, float *loss, const float *x, const int32_t *labels, int from_logits, int M, int K) {
  PL_ASSERT_SIZES(1, M, K);
  *total = (pl_loss){0, 0, 0};
  for (size_t m = 0; m < (size_t)M; m++) {
    const int32_t label = labels[m];
    PL_ASSERT(label < K, "labels[%zu] = %d, K = %d", m, label, K);
    float y = 0;
    if (label >= 0) {
      const float *row = x + m * (size_t)K, max = v_greatest(row, (size_t)K)[0], own = row[label];
      const double log = log_of(from_logits ? sum_exp(row, max, (size_t)K) : (double)clip(own));
      y = (float)(from_logits ? log + ((double)max - (double)own) : -log);
      int32_t first = 0;
      while (first < label && row[first] < max) {
        first++;
      }
      total->sum += (double)y;
      total->count++;
      total->correct += first == label && own == max;
    }
    if (loss) {
      loss[m] = y;
    }
  }
}
