#include "ref.h"

#include <stdlib.h>

/* a [M, Ha] and b [M, Hb] */
static void merge_rows(float *y, const float *a, const float *b, pl_merge merge, size_t M, int Ha, int Hb) {
  for (size_t m = 0; m < M; m++) {
    for (int u = 0; merge == PL_CONCAT && u < Ha + Hb; u++) {
      y[m * (Ha + Hb) + u] = u < Ha ? a[m * Ha + u] : b[m * Hb + u - Ha];
    }
    for (int u = 0; merge != PL_CONCAT && u < Ha; u++) {
      const double p = (double)a[m * Ha + u], q = (double)b[m * Ha + u];
      y[m * Ha + u] = (float)(merge == PL_MUL ? p * q : merge == PL_AVE ? (p + q) / 2 : p + q);
    }
  }
}

void pl_ref_merge_outputs(float *y, const float *a, const float *b, pl_merge merge, int M, int Ha, int Hb) {
  merge_rows(y, a, b, merge, (size_t)M, Ha, Hb);
}

/* Writes the two sequences [M, H] to y, merged, or to y and y_back. */
static void finish(float *y, float *y_back, const float *forward, const float *backward, const pl_rnn rnn[2], pl_merge merge,
                   size_t M) {
  if (y && merge != PL_NONE) {
    merge_rows(y, forward, backward, merge, M, rnn[0].H, rnn[1].H);
  }
  for (size_t i = 0; y && merge == PL_NONE && i < M * rnn[0].H; i++) {
    y[i] = forward[i];
  }
  for (size_t i = 0; y_back && i < M * rnn[1].H; i++) {
    y_back[i] = backward[i];
  }
}

pl_status pl_ref_ragged_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                      const pl_state init[2], const int32_t *splits, pl_merge merge, int B, pl_arena *arena) {
  const size_t N = (size_t)splits[B];
  float *forward = calloc(N * rnn[0].H + 1, sizeof *forward), *backward = calloc(N * rnn[1].H + 1, sizeof *backward);
  pl_ref_ragged_rnn(forward, NULL, last, x, rnn, init, splits, PL_FORWARD, rnn[0].H, B, arena);
  pl_ref_ragged_rnn(backward, NULL, last ? last + 1 : NULL, x, rnn + 1, init ? init + 1 : NULL, splits, PL_BACKWARD, rnn[1].H, B,
                    arena);
  finish(y, y_back, forward, backward, rnn, merge, N);
  free(forward);
  free(backward);
  return PL_OK;
}

pl_status pl_ref_masked_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                      const pl_state init[2], const uint8_t *mask, pl_merge merge, int B, int T, pl_arena *arena) {
  const size_t M = (size_t)B * T;
  float *forward = calloc(M * rnn[0].H + 1, sizeof *forward), *backward = calloc(M * rnn[1].H + 1, sizeof *backward);
  pl_ref_masked_rnn(forward, last, x, rnn, init, mask, PL_FORWARD, B, T, arena);
  pl_ref_masked_rnn(backward, last ? last + 1 : NULL, x, rnn + 1, init ? init + 1 : NULL, mask, PL_BACKWARD, B, T, arena);
  finish(y, y_back, forward, backward, rnn, merge, M);
  free(forward);
  free(backward);
  return PL_OK;
}
