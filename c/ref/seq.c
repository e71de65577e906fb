#include "ref.h"

void pl_ref_pack(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  int n = 0;
  for (int step = 0; step < B * T; step++) {
    if (!mask || mask[step] != 0) {
      for (int d = 0; d < D; d++) {
        y[n * D + d] = x[step * D + d];
      }
      n++;
    }
  }
}

void pl_ref_unpack(float *y, const float *x, const uint8_t *mask, float fill, int B, int T, int D) {
  int n = 0;
  for (int step = 0; step < B * T; step++) {
    int counts = !mask || mask[step] != 0;
    for (int d = 0; d < D; d++) {
      y[step * D + d] = counts ? x[n * D + d] : fill;
    }
    n += counts;
  }
}

/* Swaps the k-th step that counts, from the start of a row, with the k-th from its end. */
void pl_ref_reverse_sequence(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  for (int b = 0; b < B; b++) {
    int length = 0;
    for (int t = 0; t < T; t++) {
      length += !mask || mask[b * T + t] != 0;
    }
    for (int t = 0, k = 0; t < T; t++) {
      int from = t;
      if (!mask || mask[b * T + t] != 0) {
        int steps_before = 0;
        for (int s = 0; s < T; s++) {
          if (!mask || mask[b * T + s] != 0) {
            if (steps_before == length - 1 - k) {
              from = s;
            }
            steps_before++;
          }
        }
        k++;
      }
      for (int d = 0; d < D; d++) {
        y[(b * T + t) * D + d] = x[(b * T + from) * D + d];
      }
    }
  }
}

void pl_ref_ragged_reverse(float *y, const float *x, const int32_t *splits, int B, int D) {
  for (int b = 0; b < B; b++) {
    for (int n = splits[b]; n < splits[b + 1]; n++) {
      for (int d = 0; d < D; d++) {
        y[n * D + d] = x[(splits[b + 1] - 1 - (n - splits[b])) * D + d];
      }
    }
  }
}
