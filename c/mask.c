/* Masks from ids, lengths and float masks; row splits; clearing padding. */
#include "internal.h"

void pl_mask_from_ids(uint8_t *mask, const int32_t *ids, int32_t pad, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  const size_t steps = (size_t)B * (size_t)T;
  PL_ASSERT_ARRAY(mask, steps);
  PL_ASSERT_ARRAY(ids, steps);
  for (size_t i = 0; i < steps; i++) {
    mask[i] = ids[i] != pad;
  }
}

void pl_mask_from_lengths(uint8_t *mask, const int32_t *lengths, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  PL_ASSERT_ARRAY(mask, (size_t)B * (size_t)T);
  PL_ASSERT_ARRAY(lengths, B);
  for (size_t b = 0; b < (size_t)B; b++) {
    for (int t = 0; t < T; t++) {
      *mask++ = t < lengths[b]; /* as signed numbers: a length may be negative */
    }
  }
}

void pl_mask_from_floats(uint8_t *mask, const float *m, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  const size_t steps = (size_t)B * (size_t)T;
  PL_ASSERT_ARRAY(mask, steps);
  PL_ASSERT_ARRAY(m, steps);
  for (size_t i = 0; i < steps; i++) {
    mask[i] = m[i] != 0;
  }
}

int pl_row_splits(int32_t *splits, const uint8_t *mask, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  PL_ASSERT(splits, "splits is NULL, expected B+1 = %d elements", B + 1);
  const size_t steps = (size_t)T;
  splits[0] = 0;
  for (size_t b = 0; b < (size_t)B; b++) {
    splits[b + 1] = splits[b] + (int32_t)pl_count_steps(pl_mask_row(mask, b, steps), steps);
  }
  return splits[B];
}

void pl_apply_mask(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t steps = (size_t)B * (size_t)T, width = (size_t)D;
  PL_ASSERT_ARRAY(y, steps * width);
  PL_ASSERT_ARRAY(x, steps * width);
  PL_ASSERT_SAME_OR_APART(y, x, steps * width);
  for (size_t from = 0, to; from < steps; from = to) {
    size_t step = pl_next_step(mask, from, steps);
    to = pl_next_padding(mask, step, steps);
    memset(y + from * width, 0, (step - from) * width * sizeof *y);
    if (y != x) {
      memcpy(y + step * width, x + step * width, (to - step) * width * sizeof *y);
    }
  }
}
