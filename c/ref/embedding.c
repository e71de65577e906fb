#include "ref.h"

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
