/* Embedding: looking up rows of a table. */
#include "internal.h"

pl_status pl_embedding(float *y, const float *table, const int32_t *ids, int N, int V, int D) {
  return pl_masked_embedding(y, table, ids, NULL, 1, N, V, D);
}

pl_status pl_masked_embedding(float *y, const float *table, const int32_t *ids, const uint8_t *mask, int B, int T, int V, int D) {
  PL_ASSERT_SIZES(B, T, D);
  const size_t width = (size_t)D;
  for (size_t t = 0; t < (size_t)B * (size_t)T; t++) {
    if (!pl_counts(mask, t)) {
      if (width) {
        memset(y + t * width, 0, width * sizeof *y);
      }
      continue;
    }
    if (ids[t] < 0 || ids[t] >= V) {
      return PL_ID_OUT_OF_RANGE;
    }
    if (width) {
      memcpy(y + t * width, table + (size_t)ids[t] * width, width * sizeof *y);
    }
  }
  return PL_OK;
}
