#include "ref.h"

#include <math.h>
#include <stdlib.h>

/* scale * q . k of Dk features, or sum_d scales[d] tanh(q[d] + k[d]). */
static double score_of(const float *q, const float *k, float scale, const float *scales, int additive, int Dk) {
  double sum = 0;
  for (int d = 0; d < Dk; d++) {
    const double a = (double)q[d], b = (double)k[d];
    sum += additive ? (scales ? (double)scales[d] : 1) * tanh(a + b) : (double)scale * a * b;
  }
  return sum;
}

/* Query i with n keys of head h; w becomes its n weights. */
static void attend_query(float *y, double *w, const float *q, const float *k, const float *v, float scale, const float *scales,
                         int additive, int n, int heads, int Dk, int Dv) {
  double max = -INFINITY, sum = 0;
  for (int j = 0; j < n; j++) {
    w[j] = score_of(q, k + (size_t)j * heads * Dk, scale, scales, additive, Dk);
    max = w[j] > max ? w[j] : max;
  }
  for (int j = 0; j < n; j++) {
    w[j] = exp(w[j] - max);
    sum += w[j];
  }
  for (int j = 0; j < n; j++) {
    w[j] /= sum;
  }
  for (int d = 0; d < Dv; d++) {
    double total = 0;
    for (int j = 0; j < n; j++) {
      total += w[j] * (double)v[(size_t)j * heads * Dv + d];
    }
    y[d] = (float)total;
  }
}

static pl_status attend(float *y, float *weights, const float *q, const float *k, const float *v, float scale, const float *scales,
                        int additive, const int32_t *query_splits, const int32_t *key_splits, int causal, int B, int heads, int Dk,
                        int Dv) {
  for (int b = 0; b < B; b++) {
    const int Tk = key_splits[b + 1] - key_splits[b];
    const size_t keys = (size_t)key_splits[b] * heads;
    double *w = calloc((size_t)Tk + 1, sizeof *w);
    for (int h = 0; h < heads; h++) {
      for (int i = query_splits[b]; i < query_splits[b + 1]; i++) {
        const int seen = i - query_splits[b] + 1, n = causal && seen < Tk ? seen : Tk;
        const size_t query = (size_t)i * heads + h;
        attend_query(y + query * Dv, w, q + query * Dk, k + (keys + h) * Dk, v + (keys + h) * Dv, scale, scales, additive, n, heads,
                     Dk, Dv);
        for (int j = 0; weights && j < Tk; j++) {
          *weights++ = j < n ? (float)w[j] : 0;
        }
      }
    }
    free(w);
  }
  return PL_OK;
}

pl_status pl_ref_ragged_attention(float *y, float *weights, const float *q, const float *k, const float *v,
                                  const int32_t *query_splits, const int32_t *key_splits, float scale, int causal, int B, int heads,
                                  int Dk, int Dv, pl_arena *arena) {
  (void)arena;
  return attend(y, weights, q, k, v, scale, NULL, 0, query_splits, key_splits, causal, B, heads, Dk, Dv);
}

pl_status pl_ref_ragged_additive_attention(float *y, float *weights, const float *q, const float *k, const float *v,
                                           const float *scale, const int32_t *query_splits, const int32_t *key_splits, int causal,
                                           int B, int D, int Dv, pl_arena *arena) {
  (void)arena;
  return attend(y, weights, q, k, v, 1, scale, 1, query_splits, key_splits, causal, B, 1, D, Dv);
}

void pl_ref_batch_product(float *y, const float *a, const float *w, int B, int M, int K, int N) {
  for (int b = 0; b < B; b++) {
    for (int m = 0; m < M; m++) {
      for (int n = 0; n < N; n++) {
        double sum = 0;
        for (int k = 0; k < K; k++) {
          sum += (double)a[((size_t)b * M + m) * K + k] * (double)w[((size_t)b * N + n) * K + k];
        }
        y[((size_t)b * M + m) * N + n] = (float)sum;
      }
    }
  }
}
