/* Softmax and log-softmax, over time and over features. */
#include "internal.h"
#include "simd.h"
#include "vmath.h"

#include <math.h>

/* Four sums in double. */
typedef struct sum4 {
  v2d low, high;
} sum4;

static inline sum4 sum4_add(sum4 sum, v4f v) { return (sum4){sum.low + v_promote_low(v), sum.high + v_promote_high(v)}; }

static void fill(float *y, float value, size_t n) {
  for (size_t i = 0; i < n; i++) {
    y[i] = value;
  }
}

/* Output at padding: exp(-Infinity) or its logarithm. */
static float at_padding(int logarithm) { return logarithm ? -INFINITY : 0; }

/* ---- over time --------------------------------------------------------------------------------------------------------------- */

/* Channels 0 .. n-1, n from 1 to 4, at the steps that count; `first` is the first of these. Lanes from n on hold zeros. */
static void time_softmax_4(float *y, const float *x, const uint8_t *mask, size_t first, size_t T, size_t D, int logarithm,
                           size_t n) {
  v4f max = v_load_some(x + first * D, n);
  for (size_t t = first; t < T; t = pl_next_step(mask, t + 1, T)) {
    max = v_max(max, v_load_some(x + t * D, n));
  }
  /* sum_t exp(x - max). y stores exp(x - max), except for a logarithm: that needs x again, and y may be x. */
  sum4 sum = {{0, 0}, {0, 0}};
  for (size_t t = first; t < T; t = pl_next_step(mask, t + 1, T)) {
    v4f e = v_exp(v_sub(v_load_some(x + t * D, n), max));
    sum = sum4_add(sum, e);
    if (!logarithm) {
      v_store_some(y + t * D, e, n);
    }
  }
  v4f total = v_demote(sum.low, sum.high), log_total = logarithm ? v_log(total) : total;
  for (size_t t = first; t < T; t = pl_next_step(mask, t + 1, T)) {
    v4f v = logarithm ? v_sub(v_sub(v_load_some(x + t * D, n), max), log_total) : v_div(v_load_some(y + t * D, n), total);
    v_store_some(y + t * D, v, n);
  }
}

static void time_softmax_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D, int logarithm) {
  size_t first = pl_next_step(mask, 0, T);
  for (size_t d = 0; first < T && d < D; d += 4) {
    time_softmax_4(y + d, x + d, mask, first, T, D, logarithm, pl_smaller(D - d, 4));
  }
  for (size_t t = 0; t < T; t++) {
    if (!pl_counts(mask, t)) {
      fill(y + t * D, at_padding(logarithm), D);
    }
  }
}

static void time_softmax_masked(float *y, const float *x, const uint8_t *mask, int B, int T, int D, int logarithm) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t rows = (size_t)B, steps = (size_t)T, width = (size_t)D, row = steps * width;
  PL_ASSERT_ARRAY(y, rows * row);
  PL_ASSERT_ARRAY(x, rows * row);
  PL_ASSERT_SAME_OR_APART(y, x, rows * row);
  for (size_t b = 0; b < rows; b++) {
    time_softmax_row(y + b * row, x + b * row, pl_mask_row(mask, b, steps), steps, width, logarithm);
  }
}

static void time_softmax_ragged(float *y, const float *x, const int32_t *splits, int B, int D, int logarithm) {
  PL_ASSERT_SIZES(B, 0, D);
  PL_ASSERT_SPLITS(splits, B);
  const size_t width = (size_t)D;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)splits[B] * width);
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t first = (size_t)splits[b] * width;
    time_softmax_row(y + first, x + first, NULL, pl_row_length(splits, b), width, logarithm);
  }
}

void pl_masked_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  time_softmax_masked(y, x, mask, B, T, D, 0);
}

void pl_masked_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  time_softmax_masked(y, x, mask, B, T, D, 1);
}

void pl_ragged_softmax(float *y, const float *x, const int32_t *splits, int B, int D) {
  time_softmax_ragged(y, x, splits, B, D, 0);
}

void pl_ragged_log_softmax(float *y, const float *x, const int32_t *splits, int B, int D) {
  time_softmax_ragged(y, x, splits, B, D, 1);
}

/* ---- over features ----------------------------------------------------------------------------------------------------------- */

/* v with lanes from n on set to 0. */
static inline v4f first_lanes(v4f v, size_t n) { return v_select((v4i){0, 1, 2, 3} < v_splat_int((int32_t)n), v, v_splat(0)); }

/* One row of D > 0 features. Feature d is added to lane d mod 4, then the lanes in order, so the order depends only on D. */
static void feature_softmax_row(float *y, const float *x, size_t D, int logarithm) {
  v4f max = v_greatest(x, D);
  sum4 sum = {{0, 0}, {0, 0}};
  for (size_t d = 0; d < D; d += 4) {
    size_t n = pl_smaller(D - d, 4);
    v4f e = v_exp(v_sub(v_load_some(x + d, n), max));
    sum = sum4_add(sum, n == 4 ? e : first_lanes(e, n));
    if (!logarithm) {
      v_store_some(y + d, e, n);
    }
  }
  v4f total = v_splat((float)(sum.low[0] + sum.low[1] + sum.high[0] + sum.high[1]));
  v4f log_total = logarithm ? v_log(total) : total;
  for (size_t d = 0; d < D; d += 4) {
    size_t n = pl_smaller(D - d, 4);
    v4f v = logarithm ? v_sub(v_sub(v_load_some(x + d, n), max), log_total) : v_div(v_load_some(y + d, n), total);
    v_store_some(y + d, v, n);
  }
}

static void feature_softmax(float *y, const float *x, const uint8_t *mask, size_t steps, size_t D, int logarithm) {
  PL_ASSERT_ARRAY(y, steps * D);
  PL_ASSERT_ARRAY(x, steps * D);
  PL_ASSERT_SAME_OR_APART(y, x, steps * D);
  for (size_t step = 0; D > 0 && step < steps; step++) {
    if (pl_counts(mask, step)) {
      feature_softmax_row(y + step * D, x + step * D, D, logarithm);
    } else {
      fill(y + step * D, at_padding(logarithm), D);
    }
  }
}

void pl_softmax(float *y, const float *x, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  feature_softmax(y, x, NULL, (size_t)M, (size_t)D, 0);
}

void pl_log_softmax(float *y, const float *x, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  feature_softmax(y, x, NULL, (size_t)M, (size_t)D, 1);
}

void pl_masked_feature_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  feature_softmax(y, x, mask, (size_t)B * (size_t)T, (size_t)D, 0);
}

void pl_masked_feature_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  feature_softmax(y, x, mask, (size_t)B * (size_t)T, (size_t)D, 1);
}
