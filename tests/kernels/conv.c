#include "windows.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

enum { PANEL = 8, TILE = 4 };

/* ---- lengths ----------------------------------------------------------------------------------------------------------------- */

TEST("the number of windows matches the twin, and extreme windows do not overflow") {
  for (int T = 0; T < 20; T++) {
    for (int i = 0; i < 5 * 4 * 3 * 3; i++) {
      const windows w = {1 + i % 5, 1 + i / 5 % 4, 1 + i / 20 % 3, (pl_padding)(i / 60)};
      int count = pl_conv_length(T, w.size, w.stride, w.dilation, w.padding);
      int expected = pl_ref_conv_length(T, w.size, w.stride, w.dilation, w.padding);
      CHECK(count == expected, "%d, expected %d, T %d, " WINDOWS, count, expected, T, WINDOWS_OF(w));
    }
  }
  CHECK(pl_conv_length(INT_MAX, INT_MAX, 1, INT_MAX, PL_VALID) == 0, "%d", INT_MAX);
  CHECK(pl_conv_length(INT_MAX, 1, INT_MAX, INT_MAX, PL_VALID) == 1, "%d", INT_MAX);
  CHECK(pl_conv_length(INT_MAX, 3, INT_MAX, INT_MAX, PL_SAME) == 1, "%d", INT_MAX);
  CHECK(pl_conv_length(INT_MAX, 3, 1, INT_MAX, PL_CAUSAL) == INT_MAX, "%d", INT_MAX);
}

/* ---- convolution ------------------------------------------------------------------------------------------------------------- */

/* The same weights for the kernel and for its twin. */
typedef struct convolution {
  pl_conv fast, ref;
} convolution;

static convolution new_convolution(const windows *w, int D, int N, bool has_bias) {
  float *kernel = uniform((size_t)w->size * D * N), *bias = has_bias ? uniform(N) : NULL;
  float *packed = TEST_NEW(float, pl_conv_packed_size(w->size, D, N));
  float *plain = TEST_NEW(float, pl_ref_conv_packed_size(w->size, D, N));
  pl_conv_pack(packed, kernel, bias, w->size, D, N);
  pl_ref_conv_pack(plain, kernel, bias, w->size, D, N);
  return (convolution){{D, N, w->size, w->stride, w->dilation, w->padding, packed},
                       {D, N, w->size, w->stride, w->dilation, w->padding, plain}};
}

static void convolve(float *y, const float *x, const pl_conv *conv, const rows *r) {
  size_t bytes = pl_ragged_conv_scratch(conv);
  pl_arena arena;
  pl_arena_init(&arena, TEST_NEW(uint8_t, bytes), bytes);
  CHECK(pl_ragged_conv(y, x, conv, r->splits, r->out_splits, r->B, &arena) == PL_OK, "%lu bytes", (unsigned long)bytes);
  CHECK(arena.used == 0, "%lu bytes are still taken", (unsigned long)arena.used);
}

static void conv_meets_twin(const windows *w, const rows *r, int D, int N, bool bias) {
  convolution l = new_convolution(w, D, N, bias);
  const int outputs = r->out_splits[r->B] * N;
  float *x = uniform((size_t)r->splits[r->B] * D), *y = TEST_NEW(float, outputs), *expected = TEST_NEW(float, outputs);
  convolve(y, x, &l.fast, r);
  pl_ref_ragged_conv(expected, x, &l.ref, r->splits, r->out_splits, r->B, NULL);
  /* An output is the sum of size * D products and the bias, each of magnitude 1 at most. Each addition rounds once, at a sum of at most size * D. */
  CHECK_ARRAY_CLOSE(y, expected, outputs, (w->size * D + 1) * (double)FLT_EPSILON, 0, "B %d, N %d, D %d, N %d, " WINDOWS, r->B,
                    (int)r->splits[r->B], D, N, WINDOWS_OF(*w));
}

TEST("convolution matches its twin with every padding, stride and dilation, over rows of any length") {
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    for (int j = 0; j < 36; j++) {
      rows r = some_rows(all_windows + i, j);
      conv_meets_twin(all_windows + i, &r, 1 + (j + (int)i) % 5, 1 + j % 9, j % 3 != 0);
      test_free();
    }
  }
}

TEST("convolution matches its twin at every number of features and filters") {
  const int features[] = {0, 1, 2, 3, 4, 5, 8, 13}, lengths[] = {5, 0, 9};
  for (size_t d = 0; d < LENGTH(features); d++) {
    for (int N = 0; N <= 2 * PANEL + 2; N++) {
      const windows *w = all_windows + (d + (size_t)N) % LENGTH(all_windows);
      rows r = new_rows(w, N % 2 ? 3 : 1, lengths, 3);
      conv_meets_twin(w, &r, features[d], N == 2 * PANEL + 2 ? 37 : N, N % 3 != 0);
      test_free();
    }
  }
}

static void run_conv(float *y, const float *x, const void *layer, const rows *r) { convolve(y, x, layer, r); }

TEST("a convolution gives a row the same bits alone and in a batch, also beside a row of NaN") {
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    const int N = 1 + (int)i % 11;
    convolution l = new_convolution(all_windows + i, 3, N, true);
    same_bits_alone(run_conv, &l.fast, all_windows + i, 3, N, "convolution");
  }
}

TEST("a convolution's output has the same bits wherever its window is in the row") {
  /* Every window reads the same values; 97 windows are several whole groups and a remainder. */
  enum { T = 99, D = 5, N = 11 };
  const windows w = {3, 1, 1, PL_VALID};
  convolution l = new_convolution(&w, D, N, true);
  float *x = uniform((size_t)T * D), *y = TEST_NEW(float, (T - 2) * N);
  for (int t = 1; t < T; t++) {
    memcpy(x + (size_t)t * D, x, D * sizeof *x);
  }
  const int lengths[] = {T};
  rows r = new_rows(&w, 1, lengths, 1);
  convolve(y, x, &l.fast, &r);
  for (int t = 1; t < T - 2; t++) {
    CHECK_BITS(y + (size_t)t * N, y, N, "window %d", t);
  }
}

TEST("a convolution of zeros is exactly zero, also where its window ends outside of the row") {
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    convolution l = new_convolution(all_windows + i, 3, 5, false);
    const int lengths[] = {4, 17};
    rows r = new_rows(all_windows + i, 2, lengths, 2);
    const int outputs = r.out_splits[2] * 5;
    float *x = TEST_NEW(float, 21 * 3), *y = TEST_NEW(float, outputs);
    memset(x, 0, 21 * 3 * sizeof *x);
    convolve(y, x, &l.fast, &r);
    for (int j = 0; j < outputs; j++) {
      CHECK(y[j] == 0, "%g at %d, " WINDOWS, (double)y[j], j, WINDOWS_OF(all_windows[i]));
    }
  }
}

TEST("a convolution with too little scratch returns PL_SCRATCH_TOO_SMALL and writes nothing") {
  const windows w = {3, 1, 1, PL_SAME};
  convolution l = new_convolution(&w, 2, 3, true);
  const int lengths[] = {4};
  rows r = new_rows(&w, 1, lengths, 1);
  float *x = uniform(4 * 2), *y = TEST_NEW(float, 4 * 3), *untouched = TEST_NEW(float, 4 * 3);
  const size_t bytes = pl_ragged_conv_scratch(&l.fast);
  pl_arena arena;
  pl_arena_init(&arena, TEST_NEW(uint8_t, bytes), bytes - 1);
  CHECK(pl_ragged_conv(y, x, &l.fast, r.splits, r.out_splits, 1, &arena) == PL_SCRATCH_TOO_SMALL, "%lu bytes",
        (unsigned long)bytes);
  CHECK_BITS(y, untouched, 4 * 3, "%lu bytes", (unsigned long)bytes);
}

TEST("sums of three steps 1 2 3 4: valid 6 9, same 3 6 9 7, same of stride 2 6 7, causal 1 3 6 9") {
  const struct {
    windows w;
    int count;
    float expected[4];
  } cases[] = {{{3, 1, 1, PL_VALID}, 2, {6, 9}},
               {{3, 1, 1, PL_SAME}, 4, {3, 6, 9, 7}},
               {{3, 2, 1, PL_SAME}, 2, {6, 7}}, /* TensorFlow puts the larger half of the padding after the row */
               {{3, 1, 1, PL_CAUSAL}, 4, {1, 3, 6, 9}}};
  const float x[] = {1, 2, 3, 4}, ones[] = {1, 1, 1};
  const int lengths[] = {4};
  for (size_t i = 0; i < LENGTH(cases); i++) {
    const windows w = cases[i].w;
    rows r = new_rows(&w, 1, lengths, 1);
    CHECK(r.out_splits[1] == cases[i].count, "%d outputs, " WINDOWS, (int)r.out_splits[1], WINDOWS_OF(w));
    float *packed = TEST_NEW(float, pl_conv_packed_size(3, 1, 1)), y[4], depthwise[4];
    pl_conv_pack(packed, ones, NULL, 3, 1, 1);
    pl_conv conv = {1, 1, w.size, w.stride, w.dilation, w.padding, packed};
    convolve(y, x, &conv, &r);
    pl_ragged_depthwise_conv(depthwise, x, ones, NULL, r.splits, r.out_splits, 3, w.stride, 1, w.padding, 1, 1, 1);
    CHECK_BITS(y, cases[i].expected, cases[i].count, WINDOWS, WINDOWS_OF(w));
    CHECK_BITS(depthwise, cases[i].expected, cases[i].count, "depthwise, " WINDOWS, WINDOWS_OF(w));
  }
}

/* ---- depthwise convolution --------------------------------------------------------------------------------------------------- */

typedef struct depthwise {
  windows w;
  int D, M;
  const float *kernel, *bias;
} depthwise;

static depthwise new_depthwise(const windows *w, int D, int M, bool bias) {
  return (depthwise){*w, D, M, uniform((size_t)w->size * D * M), bias ? uniform((size_t)D * M) : NULL};
}

static void run_depthwise(float *y, const float *x, const void *layer, const rows *r) {
  const depthwise *l = layer;
  pl_ragged_depthwise_conv(y, x, l->kernel, l->bias, r->splits, r->out_splits, l->w.size, l->w.stride, l->w.dilation, l->w.padding,
                           r->B, l->D, l->M);
}

static void depthwise_meets_twin(const windows *w, const rows *r, int D, int M, bool bias) {
  depthwise l = new_depthwise(w, D, M, bias);
  const int outputs = r->out_splits[r->B] * D * M;
  float *x = uniform((size_t)r->splits[r->B] * D), *y = TEST_NEW(float, outputs), *expected = TEST_NEW(float, outputs);
  run_depthwise(y, x, &l, r);
  pl_ref_ragged_depthwise_conv(expected, x, l.kernel, l.bias, r->splits, r->out_splits, w->size, w->stride, w->dilation, w->padding,
                               r->B, D, M);
  CHECK_ARRAY_CLOSE(y, expected, outputs, (w->size + 1) * (double)FLT_EPSILON, 0, "B %d, N %d, D %d, M %d, " WINDOWS, r->B,
                    (int)r->splits[r->B], D, M, WINDOWS_OF(*w));
}

TEST("depthwise convolution matches its twin with every padding, stride and dilation, over rows of any length") {
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    for (int j = 0; j < 36; j++) {
      rows r = some_rows(all_windows + i, j);
      depthwise_meets_twin(all_windows + i, &r, 1 + j % 7, 1 + j % 2, j % 3 != 0);
      test_free();
    }
  }
}

TEST("depthwise convolution matches its twin at every number of features and multipliers") {
  const int lengths[] = {5, 0, 9};
  for (int D = 0; D <= 2 * TILE + 2; D++) {
    for (int M = 0; M <= 5; M++) {
      const windows *w = all_windows + (size_t)(D * 6 + M) % LENGTH(all_windows);
      rows r = new_rows(w, M % 2 ? 3 : 1, lengths, 3);
      depthwise_meets_twin(w, &r, D == 2 * TILE + 2 ? 13 : D, M, D % 3 != 0);
      test_free();
    }
  }
}

TEST("a depthwise convolution gives a row the same bits alone and in a batch, also beside a row of NaN") {
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    const int D = 1 + (int)i % 9, M = 1 + (int)i % 3;
    depthwise l = new_depthwise(all_windows + i, D, M, true);
    same_bits_alone(run_depthwise, &l, all_windows + i, D, D * M, "depthwise");
  }
}

TEST("a depthwise channel has the same bits beside any other channels") {
  enum { D = 11, T = 23, SIZE = 3 };
  const windows w = {SIZE, 1, 1, PL_SAME};
  const int lengths[] = {T};
  rows r = new_rows(&w, 1, lengths, 1);
  depthwise l = new_depthwise(&w, D, 1, true);
  float *x = uniform((size_t)T * D), *y = TEST_NEW(float, T *D);
  run_depthwise(y, x, &l, &r);
  for (int d = 0; d < D; d++) {
    float channel[T], kernel[SIZE], alone[T], expected[T];
    for (int t = 0; t < T; t++) {
      channel[t] = x[t * D + d];
      expected[t] = y[t * D + d];
    }
    for (int k = 0; k < SIZE; k++) {
      kernel[k] = l.kernel[k * D + d];
    }
    depthwise one = {w, 1, 1, kernel, l.bias + d};
    run_depthwise(alone, channel, &one, &r);
    CHECK_BITS(alone, expected, T, "channel %d", d);
  }
}
