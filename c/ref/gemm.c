#include "ref.h"

/* Packed: w [K, N] as it comes, then the bias [N]. */
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

pl_status pl_ref_masked_embedding(float *y, const float *table, const int32_t *ids, const uint8_t *mask, int B, int T, int V,
                                  int D) {
  for (size_t m = 0; m < (size_t)B * T; m++) {
    int counts = !mask || mask[m];
    if (counts && (ids[m] < 0 || ids[m] >= V)) {
      return PL_ID_OUT_OF_RANGE;
    }
    for (int d = 0; d < D; d++) {
      y[m * D + d] = counts ? table[(size_t)ids[m] * D + d] : 0;
    }
  }
  return PL_OK;
}

pl_status pl_ref_embedding(float *y, const float *table, const int32_t *ids, int N, int V, int D) {
  return pl_ref_masked_embedding(y, table, ids, NULL, 1, N, V, D);
}
