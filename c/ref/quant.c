#include "ref.h"

#include <math.h>
#include <stdlib.h>

/* w [K, N] as floats. */
static float *whole(const int8_t *w, const float *scale, int K, int N) {
  float *values = calloc((size_t)K * N + 1, sizeof *values);
  for (size_t i = 0; i < (size_t)K * N; i++) {
    values[i] = (float)w[i] * scale[i % N];
  }
  return values;
}

pl_status pl_ref_quant_embedding(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids, int N,
                                 int V, int D) {
  float *values = calloc((size_t)V * D + 1, sizeof *values);
  for (size_t i = 0; i < (size_t)V * D; i++) {
    const int row = rows[i / D];
    values[i] = (float)(table[i] * row * (double)scale[i % D]);
  }
  pl_status status = pl_ref_embedding(y, values, ids, N, V, D);
  free(values);
  return status;
}

pl_status pl_ref_quant_embedding_sum(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids,
                                     const int32_t *splits, int B, int V, int D) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      double sum = 0;
      for (int n = splits[b]; n < splits[b + 1]; n++) {
        if (ids[n] < 0 || ids[n] >= V) {
          return PL_ID_OUT_OF_RANGE;
        }
        const int row = rows[ids[n]];
        sum += table[(size_t)ids[n] * D + d] * row;
      }
      y[(size_t)b * D + d] = (float)sum * scale[d];
    }
  }
  return PL_OK;
}

size_t pl_ref_quant_dense_packed_size(int K, int N) { return pl_ref_dense_packed_size(K, N); }

void pl_ref_quant_dense_pack(float *packed, const int8_t *w, const float *scale, const float *bias, int K, int N) {
  float *values = whole(w, scale, K, N);
  pl_ref_dense_pack(packed, values, bias, K, N);
  free(values);
}

/* x / scale is rounded to float like in the kernel, because it decides between two integers; everything else is in double. */
void pl_ref_quant_row(double *x, double scale_floor, int K) {
  double most = scale_floor;
  for (int k = 0; k < K; k++) {
    most = isnan(x[k]) || fabs(x[k]) > most ? fabs(x[k]) : most;
    if (isnan(most)) {
      break;
    }
  }
  const float inverse = 32767.0f / (float)most;
  for (int k = 0; k < K; k++) {
    if (!isfinite(most)) {
      x[k] = NAN;
    } else if (most > 0) {
      x[k] = nearbyint((double)((float)x[k] * inverse)) * (most / 32767);
    }
  }
}

pl_status pl_ref_quant_dense(float *y, const float *x, float scale_floor, const float *packed, int M, int K, int N,
                             pl_arena *arena) {
  (void)arena;
  double *row = calloc((size_t)K + 1, sizeof *row);
  for (int m = 0; m < M; m++) {
    for (int k = 0; k < K; k++) {
      row[k] = (double)x[(size_t)m * K + k];
    }
    pl_ref_quant_row(row, (double)scale_floor, K);
    for (int n = 0; n < N; n++) {
      double sum = (double)packed[(size_t)K * N + n];
      for (int k = 0; k < K; k++) {
        sum += row[k] * (double)packed[(size_t)k * N + n];
      }
      y[(size_t)m * N + n] = (float)sum;
    }
  }
  free(row);
  return PL_OK;
}

size_t pl_ref_quant_rnn_packed_size(pl_cell cell, int D, int H) { return pl_ref_rnn_packed_size(cell, D, H); }

void pl_ref_quant_rnn_pack(float *packed, const int8_t *kernel, const float *kernel_scale, const int8_t *recurrent_kernel,
                           const float *recurrent_scale, const float *bias, pl_cell cell, int D, int H) {
  const int width = (cell == PL_LSTM ? 4 : cell == PL_SIMPLE_RNN ? 1 : 3) * H;
  float *w = whole(kernel, kernel_scale, D, width), *u = whole(recurrent_kernel, recurrent_scale, H, width);
  pl_ref_rnn_pack(packed, w, u, bias, cell, D, H);
  free(w);
  free(u);
}
