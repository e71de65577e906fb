/* Reductions over the steps that count: one vector per row, or one per window of a row.
 *
 * 16 channels of a row are reduced at a time, in registers, then 4 at a time. Both loops visit the steps in order of t and
 * apply the same operations to each channel, so the bits of a channel depend only on its own steps, not on D. */
#include "simd.h"
#include "windows.h"

/* One row: y [D] from T steps of x [T, D]. */
typedef void pool_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D);

static void pool_masked(pool_row *pool, float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t rows = (size_t)B, steps = (size_t)T, width = (size_t)D, row = steps * width;
  PL_ASSERT_ARRAY(y, rows * width);
  PL_ASSERT_ARRAY(x, rows * row);
  PL_ASSERT_APART(y, rows * width, x, rows * row);
  for (size_t b = 0; b < rows; b++) {
    pool(y + b * width, x + b * row, pl_mask_row(mask, b, steps), steps, width);
  }
}

static void pool_ragged(pool_row *pool, float *y, const float *x, const int32_t *splits, int B, int D) {
  PL_ASSERT_SIZES(B, 0, D);
  PL_ASSERT_SPLITS(splits, B);
  const size_t rows = (size_t)B, width = (size_t)D;
  PL_ASSERT_ARRAY(y, rows * width);
  PL_ASSERT_APART(y, rows * width, x, (size_t)splits[B] * width);
  for (size_t b = 0; b < rows; b++) {
    pool(y + b * width, x + (size_t)splits[b] * width, NULL, pl_row_length(splits, b), width);
  }
}

/* ---- sum and mean ------------------------------------------------------------------------------------------------------------ */

/* y[d] = (sum_t x[t][d]) / divisor in double, rounded once. */

static void sum_16(float *y, const float *x, const uint8_t *mask, size_t T, size_t D, double divisor) {
  v2d sum[8] = {{0, 0}};
  for (size_t t = pl_next_step(mask, 0, T); t < T; t = pl_next_step(mask, t + 1, T)) {
    for (size_t i = 0; i < 4; i++) {
      v4f v = v_load(x + t * D + 4 * i);
      sum[2 * i] += v_promote_low(v);
      sum[2 * i + 1] += v_promote_high(v);
    }
  }
  v2d n = v_splat_double(divisor);
  for (size_t i = 0; i < 4; i++) {
    v_store(y + 4 * i, v_demote(sum[2 * i] / n, sum[2 * i + 1] / n));
  }
}

/* The same for channels 0 .. n-1, n from 1 to 4. */
static void sum_4(float *y, const float *x, const uint8_t *mask, size_t T, size_t D, double divisor, size_t n) {
  v2d low = {0, 0}, high = {0, 0};
  for (size_t t = pl_next_step(mask, 0, T); t < T; t = pl_next_step(mask, t + 1, T)) {
    v4f v = n == 4 ? v_load(x + t * D) : v_load_partial(x + t * D, n);
    low += v_promote_low(v);
    high += v_promote_high(v);
  }
  v_store_partial(y, v_demote(low / v_splat_double(divisor), high / v_splat_double(divisor)), n);
}

static void divided_sum(float *y, const float *x, const uint8_t *mask, size_t T, size_t D, double divisor) {
  size_t d = 0;
  for (; d + 16 <= D; d += 16) {
    sum_16(y + d, x + d, mask, T, D, divisor);
  }
  for (; d < D; d += 4) {
    sum_4(y + d, x + d, mask, T, D, divisor, pl_smaller(D - d, 4));
  }
}

static void sum_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) { divided_sum(y, x, mask, T, D, 1); }

static void mean_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) {
  size_t n = pl_count_steps(mask, T);
  divided_sum(y, x, mask, T, D, n > 0 ? (double)n : 1);
}

/* ---- max and min ------------------------------------------------------------------------------------------------------------- */

/* The maximum starts with the first step that counts, so it needs no initial value. v_max and v_min keep a NaN. `minimum`, a constant in each
 * caller, selects the minimum. */

static inline v4f extreme_of(v4f a, v4f b, int minimum) { return minimum ? v_min(a, b) : v_max(a, b); }

static inline void extreme_16(float *y, const float *x, const uint8_t *mask, size_t first, size_t T, size_t D, int minimum) {
  v4f extreme[4];
  for (size_t i = 0; i < 4; i++) {
    extreme[i] = v_load(x + first * D + 4 * i);
  }
  for (size_t t = pl_next_step(mask, first + 1, T); t < T; t = pl_next_step(mask, t + 1, T)) {
    for (size_t i = 0; i < 4; i++) {
      extreme[i] = extreme_of(extreme[i], v_load(x + t * D + 4 * i), minimum);
    }
  }
  for (size_t i = 0; i < 4; i++) {
    v_store(y + 4 * i, extreme[i]);
  }
}

/* The same for channels 0 .. n-1, n from 1 to 4. */
static inline void extreme_4(float *y, const float *x, const uint8_t *mask, size_t first, size_t T, size_t D, int minimum,
                             size_t n) {
  v4f extreme = v_load_partial(x + first * D, n);
  for (size_t t = pl_next_step(mask, first + 1, T); t < T; t = pl_next_step(mask, t + 1, T)) {
    v4f v = n == 4 ? v_load(x + t * D) : v_load_partial(x + t * D, n);
    extreme = extreme_of(extreme, v, minimum);
  }
  v_store_partial(y, extreme, n);
}

static inline void extreme_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D, int minimum) {
  size_t first = pl_next_step(mask, 0, T), d = 0;
  if (first == T) {
    memset(y, 0, D * sizeof *y);
    return;
  }
  for (; d + 16 <= D; d += 16) {
    extreme_16(y + d, x + d, mask, first, T, D, minimum);
  }
  for (; d < D; d += 4) {
    extreme_4(y + d, x + d, mask, first, T, D, minimum, pl_smaller(D - d, 4));
  }
}

static void max_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) { extreme_row(y, x, mask, T, D, 0); }
static void min_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) { extreme_row(y, x, mask, T, D, 1); }

/* ---- argmax ------------------------------------------------------------------------------------------------------------------ */

/* Channels 0 .. n-1, n from 1 to 4. A later step replaces the best one if it is greater, or if it is the first NaN. */
static void argmax_4(int32_t *y, const float *x, const uint8_t *mask, size_t first, size_t T, size_t D, size_t n) {
  v4f best = v_load_partial(x + first * D, n);
  v4i at = v_splat_int((int32_t)first);
  for (size_t t = pl_next_step(mask, first + 1, T); t < T; t = pl_next_step(mask, t + 1, T)) {
    v4f v = n == 4 ? v_load(x + t * D) : v_load_partial(x + t * D, n);
    v4i greater = v_gt(v, best) | (v_ne(v, v) & ~v_ne(best, best));
    best = v_select(greater, v, best);
    at = (greater & v_splat_int((int32_t)t)) | (~greater & at);
  }
  for (size_t i = 0; i < n; i++) {
    y[i] = at[i];
  }
}

static void argmax_row(int32_t *y, const float *x, const uint8_t *mask, size_t T, size_t D) {
  size_t first = pl_next_step(mask, 0, T);
  for (size_t d = 0; d < D; d += 4) {
    size_t n = pl_smaller(D - d, 4);
    if (first < T) {
      argmax_4(y + d, x + d, mask, first, T, D, n);
    } else {
      memset(y + d, -1, n * sizeof *y);
    }
  }
}

/* ---- first and last ---------------------------------------------------------------------------------------------------------- */

static void step_row(float *y, const float *x, size_t t, size_t T, size_t D) {
  if (t < T) {
    memcpy(y, x + t * D, D * sizeof *x);
  } else {
    memset(y, 0, D * sizeof *y);
  }
}

static void first_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) {
  step_row(y, x, pl_next_step(mask, 0, T), T, D);
}

static void last_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) {
  size_t t = T;
  while (t > 0 && !pl_counts(mask, t - 1)) {
    t--;
  }
  step_row(y, x, t > 0 ? t - 1 : T, T, D);
}

/* ---- masked and ragged ------------------------------------------------------------------------------------------------------- */

void pl_masked_sum(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  pool_masked(sum_row, y, x, mask, B, T, D);
}
void pl_masked_mean(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  pool_masked(mean_row, y, x, mask, B, T, D);
}
void pl_masked_max(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  pool_masked(max_row, y, x, mask, B, T, D);
}
void pl_masked_min(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  pool_masked(min_row, y, x, mask, B, T, D);
}
void pl_masked_first(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  pool_masked(first_row, y, x, mask, B, T, D);
}
void pl_masked_last(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  pool_masked(last_row, y, x, mask, B, T, D);
}

void pl_ragged_sum(float *y, const float *x, const int32_t *splits, int B, int D) { pool_ragged(sum_row, y, x, splits, B, D); }
void pl_ragged_mean(float *y, const float *x, const int32_t *splits, int B, int D) { pool_ragged(mean_row, y, x, splits, B, D); }
void pl_ragged_max(float *y, const float *x, const int32_t *splits, int B, int D) { pool_ragged(max_row, y, x, splits, B, D); }
void pl_ragged_min(float *y, const float *x, const int32_t *splits, int B, int D) { pool_ragged(min_row, y, x, splits, B, D); }
void pl_ragged_first(float *y, const float *x, const int32_t *splits, int B, int D) { pool_ragged(first_row, y, x, splits, B, D); }
void pl_ragged_last(float *y, const float *x, const int32_t *splits, int B, int D) { pool_ragged(last_row, y, x, splits, B, D); }

void pl_masked_argmax(int32_t *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t rows = (size_t)B, steps = (size_t)T, width = (size_t)D, row = steps * width;
  PL_ASSERT_ARRAY(y, rows * width);
  PL_ASSERT_ARRAY(x, rows * row);
  PL_ASSERT_APART(y, rows * width, x, rows * row);
  for (size_t b = 0; b < rows; b++) {
    argmax_row(y + b * width, x + b * row, pl_mask_row(mask, b, steps), steps, width);
  }
}

void pl_ragged_argmax(int32_t *y, const float *x, const int32_t *splits, int B, int D) {
  PL_ASSERT_SIZES(B, 0, D);
  PL_ASSERT_SPLITS(splits, B);
  const size_t rows = (size_t)B, width = (size_t)D;
  PL_ASSERT_ARRAY(y, rows * width);
  PL_ASSERT_APART(y, rows * width, x, (size_t)splits[B] * width);
  for (size_t b = 0; b < rows; b++) {
    argmax_row(y + b * width, x + (size_t)splits[b] * width, NULL, pl_row_length(splits, b), width);
  }
}

/* ---- windows ----------------------------------------------------------------------------------------------------------------- */

/* Pools the part of each window that is inside the row. It is never empty, because `same` and `causal` padding is shorter than
 * the window. */
static void pool_windows(pool_row *pool, float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size,
                         int stride, pl_padding padding, int B, int D) {
  PL_ASSERT_SIZES(B, size, D);
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT_SPLITS(out_splits, B);
  PL_ASSERT_APART(y, (size_t)out_splits[B] * (size_t)D, x, (size_t)splits[B] * (size_t)D);
  for (size_t b = 0; b < (size_t)B; b++) {
    const row_windows w = windows_of_row(x, splits, out_splits, size, stride, 1, padding, b, (size_t)D);
    for (int64_t t = 0; t < w.count; t++, y += D) {
      const int64_t begin = window_begin(&w, t), end = begin + size, from = begin > 0 ? begin : 0, to = end < w.T ? end : w.T;
      const int32_t inside[] = {0, (int32_t)(to - from)};
      pool_ragged(pool, y, w.x + from * D, inside, 1, D);
    }
  }
}

void pl_ragged_max_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                        pl_padding padding, int B, int D) {
  pool_windows(max_row, y, x, splits, out_splits, size, stride, padding, B, D);
}

void pl_ragged_average_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                            pl_padding padding, int B, int D) {
  pool_windows(mean_row, y, x, splits, out_splits, size, stride, padding, B, D);
}
