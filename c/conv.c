/* Convolution and depthwise convolution: windows along time. Rows are separate sequences: a window that reaches beyond the ends of its row
 * reads padding, never the next row. */
#include "gemm.h"
#include "simd.h"
#include "windows.h"

/* ---- windows ----------------------------------------------------------------------------------------------------------------- */

static int64_t span_of(int size, int dilation) { return ((int64_t)size - 1) * dilation + 1; }

int pl_conv_length(int T, int size, int stride, int dilation, pl_padding padding) {
  PL_ASSERT(T >= 0 && size > 0 && stride > 0 && dilation > 0, "T = %d, size %d, stride %d, dilation %d", T, size, stride, dilation);
  int64_t begins = padding == PL_VALID ? T - span_of(size, dilation) + 1 : T;
  return begins > 0 ? (int)((begins - 1) / stride + 1) : 0;
}

row_windows windows_of_row(const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride, int dilation,
                           pl_padding padding, size_t b, size_t D) {
  const int T = (int)pl_row_length(splits, b), count = (int)pl_row_length(out_splits, b);
  PL_ASSERT(count == pl_conv_length(T, size, stride, dilation, padding), "row %zu of %d steps has %d outputs, expected %d", b, T,
            count, pl_conv_length(T, size, stride, dilation, padding));
  const int64_t span = span_of(size, dilation);
  int64_t before = padding == PL_CAUSAL ? span - 1 : 0;
  if (padding == PL_SAME) {
    int64_t total = ((int64_t)count - 1) * stride + span - T;
    before = total > 0 ? total / 2 : 0;
  }
  return (row_windows){x + (size_t)splits[b] * D, T, (int64_t)D, count, before, stride, dilation};
}

/* ---- convolution ------------------------------------------------------------------------------------------------------------- */

/* The outputs of a window [size, D], stored as one row, are its product with the kernel [size D, N]. WINDOWS of them are copied and multiplied
 * together, even across rows, so that short texts fill the tiles. Windows that are completely inside a row need no copy if the dilation is 1,
 * because x holds each of them as one block. They are multiplied in place if there are at least DIRECT of them (Node 20, fixed-order: 16 filters
 * of [3, 16] over 8 rows of 100 steps take 32 us instead of 56, 128 filters of [5, 128] over 4 rows of 200 steps 3.3 ms instead of 3.4). */
enum { WINDOWS = 32, DIRECT = 8 };

/* The first window that is completely inside the row, and the number of such windows, rounded down to whole tiles of 4 rows. */
static int64_t first_inside(const row_windows *w) { return (w->before + w->stride - 1) / w->stride; }
static int64_t count_inside(const row_windows *w, int size) {
  int64_t count = w->dilation == 1 && w->T >= size ? (w->T - size + w->before) / w->stride + 1 - first_inside(w) : 0;
  return count >= DIRECT ? count - count % 4 : 0;
}

size_t pl_conv_packed_size(int size, int D, int N) { return gemm_packed_size(pl_product((size_t)size, (size_t)D), (size_t)N); }

void pl_conv_pack(float *packed, const float *kernel, const float *bias, int size, int D, int N) {
  PL_ASSERT_SIZES(size, D, N);
  pl_dense_pack(packed, kernel, bias, size * D, N);
}

size_t pl_ragged_conv_scratch(const pl_conv *conv) {
  return pl_arena_floats(WINDOWS, pl_product((size_t)conv->size, (size_t)conv->D));
}

pl_status pl_ragged_conv(float *y, const float *x, const pl_conv *conv, const int32_t *splits, const int32_t *out_splits, int B,
                         pl_arena *arena) {
  PL_ASSERT_SIZES(B, conv->D, conv->N);
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT_SPLITS(out_splits, B);
  const size_t D = (size_t)conv->D, N = (size_t)conv->N, K = (size_t)conv->size * D;
  PL_ASSERT_APART(y, (size_t)out_splits[B] * N, x, (size_t)splits[B] * D);
  if (!pl_arena_has(arena, pl_ragged_conv_scratch(conv))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  float *windows = pl_arena_take(arena, WINDOWS * K * sizeof *windows);
  size_t held = 0;
  for (size_t b = 0; b < (size_t)B; b++) {
    row_windows w =
        windows_of_row(x, splits, out_splits, conv->size, conv->stride, conv->dilation, (pl_padding)conv->padding, b, D);
    const int64_t inside = count_inside(&w, conv->size), first = inside ? first_inside(&w) : w.count;
    for (int64_t t = 0; t < w.count; t++) {
      if (t == first) {
        gemm(y, N, windows, K, conv->packed, held, K, N);
        y += held * N;
        held = 0;
        gemm(y, N, w.x + window_begin(&w, t) * w.D, (size_t)w.stride * D, conv->packed, (size_t)inside, K, N);
        y += (size_t)inside * N;
        t += inside - 1;
        continue;
      }
      float *to = windows + held * K;
      for (int64_t k = 0, at = window_begin(&w, t); k < conv->size; k++, at += w.dilation, to += D) {
        if (at >= 0 && at < w.T) {
          memcpy(to, w.x + at * w.D, D * sizeof *to);
        } else {
          memset(to, 0, D * sizeof *to);
        }
      }
      if (++held == WINDOWS) {
        gemm(y, N, windows, K, conv->packed, held, K, N);
        y += held * N;
        held = 0;
      }
    }
  }
  gemm(y, N, windows, K, conv->packed, held, K, N);
  arena->used = used;
  return PL_OK;
}

/* ---- depthwise convolution --------------------------------------------------------------------------------------------------- */

/* Output channels c .. c+n-1, n from 1 to 4, for one row of D M = C channels; channel c reads feature c / M. */
static void depthwise_4(float *y, const float *kernel, const float *bias, const row_windows *w, int size, size_t M, size_t C,
                        size_t c, size_t n) {
  size_t feature[4];
  for (size_t i = 0; i < 4; i++) {
    feature[i] = (c + (i < n ? i : 0)) / M;
  }
  const int contiguous = M == 1 && n == 4;
  const v4f first = bias ? v_load_partial(bias + c, n) : v_splat(0.0f);
  for (int64_t t = 0; t < w->count; t++) {
    v4f sum = first;
    for (int64_t k = 0, at = window_begin(w, t); k < size; k++, at += w->dilation) {
      if (at >= 0 && at < w->T) {
        const float *x = w->x + at * w->D, *weights = kernel + (size_t)k * C + c;
        v4f v = contiguous ? v_load(x + c) : (v4f){x[feature[0]], x[feature[1]], x[feature[2]], x[feature[3]]};
        sum = v_madd(v, n == 4 ? v_load(weights) : v_load_partial(weights, n), sum);
      }
    }
    v_store_partial(y + (size_t)t * C + c, sum, n);
  }
}

void pl_ragged_depthwise_conv(float *y, const float *x, const float *kernel, const float *bias, const int32_t *splits,
                              const int32_t *out_splits, int size, int stride, int dilation, pl_padding padding, int B, int D,
                              int M) {
  PL_ASSERT_SIZES(B, D, M);
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT_SPLITS(out_splits, B);
  const size_t C = (size_t)D * (size_t)M;
  PL_ASSERT_ARRAY(kernel, (size_t)size * C);
  PL_ASSERT_APART(y, (size_t)out_splits[B] * C, x, (size_t)splits[B] * (size_t)D);
  for (size_t b = 0; b < (size_t)B; b++) {
    const row_windows w = windows_of_row(x, splits, out_splits, size, stride, dilation, padding, b, (size_t)D);
    for (size_t c = 0; c < C; c += 4) {
      depthwise_4(y + (size_t)out_splits[b] * C, kernel, bias, &w, size, (size_t)M, C, c, pl_smaller(C - c, 4));
    }
  }
}
