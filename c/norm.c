/* Normalization of features. Sums are in double, in an order that depends only on D: feature d is added to lane d mod 4, then the
 * lanes in order, then the features after the last group of four. */
#include "internal.h"
#include "simd.h"

#include <math.h>

/* sum_d (x[d] - shift), or sum_d (x[d] - shift)^2 if `square`; callers pass a constant for it. */
static inline double sum_of(const float *x, double shift, size_t D, const int square) {
  const v2d shifts = v_splat_double(shift);
  v2d low = {0, 0}, high = {0, 0};
  size_t d = 0;
  for (; d + 4 <= D; d += 4) {
    v4f v = v_load(x + d);
    v2d a = v_promote_low(v) - shifts, b = v_promote_high(v) - shifts;
    low += square ? a * a : a;
    high += square ? b * b : b;
  }
  double sum = low[0] + low[1] + high[0] + high[1];
  for (; d < D; d++) {
    double a = (double)x[d] - shift;
    sum += square ? a * a : a;
  }
  return sum;
}

/* y = (x - mean) / divisor gamma + beta */
static void normalize(float *y, const float *x, const float *gamma, const float *beta, double mean, double divisor, size_t D) {
  const v2d means = v_splat_double(mean), factors = v_splat_double(1 / divisor);
  for (size_t d = 0; d < D; d += 4) {
    size_t n = D - d;
    v4f v = v_load_some(x + d, n);
    v = v_demote((v_promote_low(v) - means) * factors, (v_promote_high(v) - means) * factors);
    v4f scale = gamma ? v_load_some(gamma + d, n) : v_splat(1.0f);
    v4f shift = beta ? v_load_some(beta + d, n) : v_splat(0.0f);
    v_store_some(y + d, v_madd(v, scale, shift), n);
  }
}

void pl_layer_norm(float *y, const float *x, const float *gamma, const float *beta, float epsilon, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  const size_t width = (size_t)D;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)M * width);
  for (size_t m = 0; m < (size_t)M; m++, y += width, x += width) {
    double mean = sum_of(x, 0, width, 0) / D;
    double variance = sum_of(x, mean, width, 1) / D;
    normalize(y, x, gamma, beta, mean, sqrt(variance + (double)epsilon), width);
  }
}

void pl_rms_norm(float *y, const float *x, const float *gamma, float epsilon, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  const size_t width = (size_t)D;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)M * width);
  for (size_t m = 0; m < (size_t)M; m++, y += width, x += width) {
    normalize(y, x, gamma, NULL, 0, sqrt(sum_of(x, 0, width, 1) / D + (double)epsilon), width);
  }
}

void pl_unit_norm(float *y, const float *x, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  const size_t width = (size_t)D;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)M * width);
  for (size_t m = 0; m < (size_t)M; m++, y += width, x += width) {
    double length = sqrt(sum_of(x, 0, width, 1));
    normalize(y, x, NULL, NULL, 0, length < 1e-12 ? 1e-12 : length, width);
  }
}

/* Applies sum_of to w features of each of `steps` steps of D features, and adds the results. */
static double sum_of_steps(const float *x, double shift, size_t steps, size_t w, size_t D, const int square) {
  double sum = 0;
  for (size_t t = 0; t < steps; t++) {
    sum += sum_of(x + t * D, shift, w, square);
  }
  return sum;
}

void pl_ragged_group_norm(float *y, const float *x, const float *gamma, const float *beta, const int32_t *splits, int groups,
                          float epsilon, int B, int D) {
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT(groups > 0 && D % groups == 0, "%d groups of D = %d features", groups, D);
  const size_t width = (size_t)D, w = width / (size_t)groups;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)splits[B] * width);
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t steps = pl_row_length(splits, b), first = (size_t)splits[b] * width;
    const double count = (double)(steps * w);
    for (size_t d = 0; d < width; d += w) {
      const float *in = x + first + d;
      const double mean = sum_of_steps(in, 0, steps, w, width, 0) / count;
      const double variance = sum_of_steps(in, mean, steps, w, width, 1) / count;
      const double divisor = sqrt(variance + (double)epsilon);
      for (size_t t = 0; t < steps; t++) {
        normalize(y + first + d + t * width, in + t * width, gamma ? gamma + d : NULL, beta ? beta + d : NULL, mean, divisor, w);
      }
    }
  }
}

void pl_affine(float *y, const float *x, const float *scale, const float *shift, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  const size_t width = (size_t)D;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)M * width);
  for (size_t m = 0; m < (size_t)M; m++, y += width, x += width) {
    for (size_t d = 0; d < width; d += 4) {
      size_t n = width - d;
      v4f v = v_madd(v_load_some(x + d, n), v_load_some(scale + d, n), v_load_some(shift + d, n));
      v_store_some(y + d, v, n);
    }
  }
}
