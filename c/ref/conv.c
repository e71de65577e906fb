/* A row [T, D] is extended at both ends by zeros, or not at all; window t begins at step t * stride of the extended row. */
#include "ref.h"

static int span_of(int size, int dilation) { return (size - 1) * dilation + 1; }

int pl_ref_conv_length(int T, int size, int stride, int dilation, pl_padding padding) {
  int count = 0;
  for (int begin = 0; padding == PL_VALID ? begin + span_of(size, dilation) <= T : begin < T; begin += stride) {
    count++;
  }
  return count;
}

int pl_ref_padding_before(int T, int size, int stride, int dilation, pl_padding padding) {
  int span = span_of(size, dilation), count = pl_ref_conv_length(T, size, stride, dilation, padding);
  int total = (count - 1) * stride + span - T;
  return padding == PL_CAUSAL ? span - 1 : padding == PL_SAME && total > 0 ? total / 2 : 0;
}

/* Packed: kernel [size, D, N] unchanged, then the bias [N]. */
size_t pl_ref_conv_packed_size(int size, int D, int N) { return ((size_t)size * D + 1) * (size_t)N; }

void pl_ref_conv_pack(float *packed, const float *kernel, const float *bias, int size, int D, int N) {
  pl_ref_dense_pack(packed, kernel, bias, size * D, N);
}

pl_status pl_ref_ragged_conv(float *y, const float *x, const pl_conv *conv, const int32_t *splits, const int32_t *out_splits, int B,
                             pl_arena *arena) {
  (void)arena;
  const int D = conv->D, N = conv->N;
  const float *bias = conv->packed + (size_t)conv->size * D * N;
  for (int b = 0; b < B; b++) {
    int T = splits[b + 1] - splits[b];
    int before = pl_ref_padding_before(T, conv->size, conv->stride, conv->dilation, (pl_padding)conv->padding);
    for (int t = 0; t < out_splits[b + 1] - out_splits[b]; t++) {
      for (int n = 0; n < N; n++) {
        double sum = (double)bias[n];
        for (int k = 0; k < conv->size; k++) {
          int at = t * conv->stride + k * conv->dilation - before;
          for (int d = 0; 0 <= at && at < T && d < D; d++) {
            sum += (double)x[((size_t)splits[b] + at) * D + d] * (double)conv->packed[((size_t)k * D + d) * N + n];
          }
        }
        y[((size_t)out_splits[b] + t) * N + n] = (float)sum;
      }
    }
  }
  return PL_OK;
}

void pl_ref_ragged_depthwise_conv(float *y, const float *x, const float *kernel, const float *bias, const int32_t *splits,
                                  const int32_t *out_splits, int size, int stride, int dilation, pl_padding padding, int B, int D,
                                  int M) {
  for (int b = 0; b < B; b++) {
    int T = splits[b + 1] - splits[b], before = pl_ref_padding_before(T, size, stride, dilation, padding);
    for (int t = 0; t < out_splits[b + 1] - out_splits[b]; t++) {
      for (int d = 0; d < D; d++) {
        for (int m = 0; m < M; m++) {
          double sum = bias ? (double)bias[d * M + m] : 0;
          for (int k = 0; k < size; k++) {
            int at = t * stride + k * dilation - before;
            if (0 <= at && at < T) {
              sum += (double)x[((size_t)splits[b] + at) * D + d] * (double)kernel[((size_t)k * D + d) * M + m];
            }
          }
          y[(((size_t)out_splits[b] + t) * D + d) * M + m] = (float)sum;
        }
      }
    }
  }
}
