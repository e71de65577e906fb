#include "ref.h"

/* Packed: w [K, N] unchanged, then the bias [N]. */
size_t pl_ref_dense_packed_size(int K, int N) { return ((size_t)K + 1) * (size_t)N; }

void pl_ref_dense_pack(float *packed, const float *w, const float *bias, int K, int N) {
  for (size_t i = 0; i < (size_t)K * N; i++) {
    packed[i] = w[i];
  }
  for (int n = 0; n < N; n++) {
    packed[(size_t)K * N + n] = bias ? bias[n] : 0;
  }
}

void pl_ref_masked_dense(float *y, const float *x, const float *packed, const uint8_t *mask, int B, int T, int K, int N) {
  for (size_t m = 0; m < (size_t)B * T; m++) {
    for (int n = 0; n < N; n++) {
      double sum = (double)packed[(size_t)K * N + n];
      for (int k = 0; k < K; k++) {
        sum += (double)x[m * K + k] * (double)packed[(size_t)k * N + n];
      }
      y[m * N + n] = !mask || mask[m] ? (float)sum : 0;
    }
  }
}

void pl_ref_dense(float *y, const float *x, const float *packed, int M, int K, int N) {
  pl_ref_masked_dense(y, x, packed, NULL, 1, M, K, N);
}
