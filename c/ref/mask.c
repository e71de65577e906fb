#include "ref.h"

void pl_ref_mask_from_ids(uint8_t *mask, const int32_t *ids, int32_t pad, int B, int T) {
  for (int b = 0; b < B; b++) {
    for (int t = 0; t < T; t++) {
      mask[b * T + t] = ids[b * T + t] == pad ? 0 : 1;
    }
  }
}

void pl_ref_mask_from_lengths(uint8_t *mask, const int32_t *lengths, int B, int T) {
  for (int b = 0; b < B; b++) {
    for (int t = 0; t < T; t++) {
      mask[b * T + t] = t < lengths[b] ? 1 : 0;
    }
  }
}

void pl_ref_mask_from_floats(uint8_t *mask, const float *m, int B, int T) {
  for (int b = 0; b < B; b++) {
    for (int t = 0; t < T; t++) {
      mask[b * T + t] = (double)m[b * T + t] == 0.0 ? 0 : 1;
    }
  }
}

int pl_ref_row_splits(int32_t *splits, const uint8_t *mask, int B, int T) {
  int n = 0;
  splits[0] = 0;
  for (int b = 0; b < B; b++) {
    for (int t = 0; t < T; t++) {
      if (!mask || mask[b * T + t] != 0) {
        n++;
      }
    }
    splits[b + 1] = n;
  }
  return n;
}

void pl_ref_apply_mask(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  for (int b = 0; b < B; b++) {
    for (int t = 0; t < T; t++) {
      for (int d = 0; d < D; d++) {
        int i = (b * T + t) * D + d;
        y[i] = !mask || mask[b * T + t] != 0 ? x[i] : 0;
      }
    }
  }
}
