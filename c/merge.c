/* Combining and rearranging arrays: element by element, repetition, copying columns, transposition, and holding steps over padding. */
#include "internal.h"
#include "simd.h"

/* ---- element by element ------------------------------------------------------------------------------------------------------ */

static inline v4f operate(v4f a, v4f b, pl_op op) {
  switch (op) {
  case PL_ADD:
    return v_add(a, b);
  case PL_SUBTRACT:
    return v_sub(a, b);
  case PL_MULTIPLY:
    return v_mul(a, b);
  case PL_MAXIMUM:
    return v_max(a, b);
  default: /* PL_MINIMUM */
    return v_min(a, b);
  }
}

void pl_elementwise(float *y, const float *a, const float *b, pl_op op, int n) {
  PL_ASSERT_SIZES(n, 1, 1);
  PL_ASSERT(PL_ADD <= op && op <= PL_MINIMUM, "op = %d", (int)op);
  const size_t count = (size_t)n;
  PL_ASSERT_SAME_OR_APART(y, a, count);
  PL_ASSERT_SAME_OR_APART(y, b, count);
  for (size_t i = 0; i < count; i += 4) {
    v_store_some(y + i, operate(v_load_some(a + i, count - i), v_load_some(b + i, count - i), op), count - i);
  }
}

void pl_scale(float *y, const float *x, float scale, float offset, int n) {
  PL_ASSERT_SIZES(n, 1, 1);
  const size_t count = (size_t)n;
  PL_ASSERT_SAME_OR_APART(y, x, count);
  for (size_t i = 0; i < count; i += 4) {
    v_store_some(y + i, v_madd(v_load_some(x + i, count - i), v_splat(scale), v_splat(offset)), count - i);
  }
}

/* ---- repetition, columns, transposition -------------------------------------------------------------------------------------- */

void pl_repeat_rows(float *y, const float *x, const int32_t *splits, int B, int D) {
  PL_ASSERT_SIZES(B, 1, D);
  PL_ASSERT_SPLITS(splits, B);
  const size_t width = (size_t)D;
  PL_ASSERT_APART(y, (size_t)splits[B] * width, x, (size_t)B * width);
  for (size_t b = 0; b < (size_t)B; b++, x += width) {
    for (size_t t = pl_row_length(splits, b); t > 0; t--, y += width) {
      memcpy(y, x, width * sizeof *y);
    }
  }
}

void pl_repeat_feature(float *y, const float *x, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  PL_ASSERT_APART(y, (size_t)M * (size_t)D, x, (size_t)M);
  for (size_t m = 0; m < (size_t)M; m++) {
    for (size_t d = 0; d < (size_t)D; d++) {
      *y++ = x[m];
    }
  }
}

void pl_copy_columns(float *y, const float *x, int ldy, int ldx, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  PL_ASSERT(D <= ldy && D <= ldx, "D = %d, ldy = %d, ldx = %d", D, ldy, ldx);
  const size_t rows = (size_t)M, width = (size_t)D, y_step = (size_t)ldy, x_step = (size_t)ldx;
  PL_ASSERT_APART(y, rows ? (rows - 1) * y_step + width : 0, x, rows ? (rows - 1) * x_step + width : 0);
  for (size_t m = 0; m < rows; m++, y += y_step, x += x_step) {
    memcpy(y, x, width * sizeof *y);
  }
}

void pl_transpose(float *y, const float *x, int B, int M, int N) {
  PL_ASSERT_SIZES(B, M, N);
  const size_t rows = (size_t)M, columns = (size_t)N;
  PL_ASSERT_APART(y, (size_t)B * rows * columns, x, (size_t)B * rows * columns);
  for (size_t b = 0; b < (size_t)B; b++, x += rows * columns) {
    for (size_t n = 0; n < columns; n++) {
      for (size_t m = 0; m < rows; m++) {
        *y++ = x[m * columns + n];
      }
    }
  }
}

/* ---- holding steps over padding ---------------------------------------------------------------------------------------------- */

/* Copies forward from the step before: it counts, or has been filled already. */
void pl_masked_hold(float *y, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t steps = (size_t)T, width = (size_t)D;
  for (size_t b = 0; b < (size_t)B; b++) {
    const uint8_t *row = pl_mask_row(mask, b, steps);
    for (size_t t = 0; t < steps; t++, y += width) {
      if (pl_counts(row, t)) {
        continue;
      }
      if (t > 0) {
        memcpy(y, y - width, width * sizeof *y);
      } else {
        memset(y, 0, width * sizeof *y);
      }
    }
  }
}
