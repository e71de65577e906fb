#include "ref.h"

#include <math.h>

static double operate(double a, double b, pl_op op) {
  switch (op) {
  case PL_ADD:
    return a + b;
  case PL_SUBTRACT:
    return a - b;
  case PL_MULTIPLY:
    return a * b;
  case PL_MAXIMUM:
    return isnan(a) || isnan(b) ? a + b : fmax(a, b);
  default:
    return isnan(a) || isnan(b) ? a + b : fmin(a, b);
  }
}

void pl_ref_elementwise(float *y, const float *a, const float *b, pl_op op, int n) {
  for (int i = 0; i < n; i++) {
    y[i] = (float)operate((double)a[i], (double)b[i], op);
  }
}

void pl_ref_scale(float *y, const float *x, float scale, float offset, int n) {
  for (int i = 0; i < n; i++) {
    y[i] = (float)((double)x[i] * (double)scale + (double)offset);
  }
}

void pl_ref_repeat_rows(float *y, const float *x, const int32_t *splits, int B, int D) {
  for (int b = 0; b < B; b++) {
    for (int t = splits[b]; t < splits[b + 1]; t++) {
      for (int d = 0; d < D; d++) {
        y[(size_t)t * D + d] = x[(size_t)b * D + d];
      }
    }
  }
}

void pl_ref_repeat_feature(float *y, const float *x, int M, int D) {
  for (int m = 0; m < M; m++) {
    for (int d = 0; d < D; d++) {
      y[(size_t)m * D + d] = x[m];
    }
  }
}

void pl_ref_copy_columns(float *y, const float *x, int ldy, int ldx, int M, int D) {
  for (int m = 0; m < M; m++) {
    for (int d = 0; d < D; d++) {
      y[(size_t)m * ldy + d] = x[(size_t)m * ldx + d];
    }
  }
}

void pl_ref_transpose(float *y, const float *x, int B, int M, int N) {
  for (int b = 0; b < B; b++) {
    for (int m = 0; m < M; m++) {
      for (int n = 0; n < N; n++) {
        y[((size_t)b * N + n) * M + m] = x[((size_t)b * M + m) * N + n];
      }
    }
  }
}

/* Searches the last step that counts again for each step of padding. */
void pl_ref_masked_hold(float *y, const uint8_t *mask, int B, int T, int D) {
  for (int b = 0; b < B; b++) {
    for (int t = T - 1; mask && t >= 0; t--) {
      int from = t;
      while (from >= 0 && !mask[(size_t)b * T + from]) {
        from--;
      }
      for (int d = 0; d < D; d++) {
        y[((size_t)b * T + t) * D + d] = from < 0 ? 0 : y[((size_t)b * T + from) * D + d];
      }
    }
  }
}
