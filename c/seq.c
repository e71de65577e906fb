/* Moving steps: packing those that count, unpacking, and reversing. Values are copied bit by bit. */
#include "internal.h"

void pl_pack(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t steps = (size_t)B * (size_t)T, width = (size_t)D;
  PL_ASSERT_ARRAY(x, steps * width);
  PL_ASSERT_ARRAY(y, pl_count_steps(mask, steps) * width);
  PL_ASSERT(y == x || pl_apart(y, pl_count_steps(mask, steps) * width, x, steps * width), "y %p and x %p overlap in part",
            (void *)y, (const void *)x);
  /* In place, steps only move to the front, so they overwrite steps that have been read. */
  for (size_t to, from = pl_next_step(mask, 0, steps); from < steps; from = pl_next_step(mask, to, steps)) {
    to = pl_next_padding(mask, from, steps);
    memmove(y, x + from * width, (to - from) * width * sizeof *y);
    y += (to - from) * width;
  }
}

void pl_unpack(float *y, const float *x, const uint8_t *mask, float fill, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t steps = (size_t)B * (size_t)T, width = (size_t)D;
  PL_ASSERT_ARRAY(y, steps * width);
  PL_ASSERT_ARRAY(x, pl_count_steps(mask, steps) * width);
  PL_ASSERT_APART(y, steps * width, x, pl_count_steps(mask, steps) * width);
  for (size_t from = 0, to; from < steps; from = to) {
    size_t step = pl_next_step(mask, from, steps);
    to = pl_next_padding(mask, step, steps);
    for (size_t i = from * width; i < step * width; i++) {
      y[i] = fill;
    }
    memcpy(y + step * width, x, (to - step) * width * sizeof *y);
    x += (to - step) * width;
  }
}

static void reverse_row(float *y, const float *x, const uint8_t *mask, size_t T, size_t D) {
  size_t mirror = T; /* the step after which as many steps count as before t */
  for (size_t t = 0; t < T; t++) {
    size_t from = t;
    if (pl_counts(mask, t)) {
      do {
        mirror--;
      } while (!pl_counts(mask, mirror));
      from = mirror;
    }
    memcpy(y + t * D, x + from * D, D * sizeof *x);
  }
}

void pl_reverse_sequence(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t rows = (size_t)B, steps = (size_t)T, width = (size_t)D, row = steps * width;
  PL_ASSERT_ARRAY(y, rows * row);
  PL_ASSERT_ARRAY(x, rows * row);
  PL_ASSERT_APART(y, rows * row, x, rows * row);
  for (size_t b = 0; b < rows; b++) {
    reverse_row(y + b * row, x + b * row, pl_mask_row(mask, b, steps), steps, width);
  }
}

void pl_ragged_reverse(float *y, const float *x, const int32_t *splits, int B, int D) {
  PL_ASSERT_SIZES(B, 0, D);
  PL_ASSERT_SPLITS(splits, B);
  const size_t width = (size_t)D;
  PL_ASSERT_APART(y, (size_t)splits[B] * width, x, (size_t)splits[B] * width);
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t first = (size_t)splits[b] * width;
    reverse_row(y + first, x + first, NULL, pl_row_length(splits, b), width);
  }
}
