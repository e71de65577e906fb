/* Which steps count: masks from ids, lengths and float masks; row splits; clearing what is padding. */
#include "internal.h"

void pl_mask_from_ids(uint8_t *mask, const int32_t *ids, int32_t pad, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  size_t steps = (size_t)B * T;
  PL_ASSERT_ARRAY(mask, steps);
  PL_ASSERT_ARRAY(ids, steps);
  for (size_t i = 0; i < steps; i++) {
    mask[i] = ids[i] != pad;
  }
}

void pl_mask_from_lengths(uint8_t *mask, const int32_t *lengths, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  PL_ASSERT_ARRAY(mask, (size_t)B * T);
  PL_ASSERT_ARRAY(lengths, B);
  for (int b = 0; b < B; b++) {
    for (int t = 0; t < T; t++) {
      *mask++ = t < lengths[b];
    }
  }
}

void pl_mask_from_floats(uint8_t *mask, const float *m, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  size_t steps = (size_t)B * T;
  PL_ASSERT_ARRAY(mask, steps);
  PL_ASSERT_ARRAY(m, steps);
  for (size_t i = 0; i < steps; i++) {
    mask[i] = m[i] != 0;
  }
}

int pl_row_splits(int32_t *splits, const uint8_t *mask, int B, int T) {
  PL_ASSERT_SIZES(B, T, 1);
  PL_ASSERT(splits, "splits is NULL, expected B+1 = %d elements", B + 1);
  splits[0] = 0;
  for (int b = 0; b < B; b++) {
    splits[b + 1] = splits[b] + (int32_t)pl_count_steps(pl_mask_row(mask, b, T), T);
  }
  return splits[B];
}

void pl_apply_mask(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  PL_ASSERT_SIZES(B, T, D);
  size_t steps = (size_t)B * T, step_bytes = (size_t)D * sizeof *x;
  PL_ASSERT_ARRAY(y, steps * D);
  PL_ASSERT_ARRAY(x, steps * D);
  PL_ASSERT_SAME_OR_APART(y, x, steps * D);
  for (size_t from = 0, to; from < steps; from = to) {
    size_t step = pl_next_step(mask, from, steps);
    to = pl_next_padding(mask, step, steps);
    memset(y + from * D, 0, (step - from) * step_bytes);
    if (y != x) {
      memcpy(y + step * D, x + step * D, (to - step) * step_bytes);
    }
  }
}
