/* Shared by the tests of recurrent layers: a layer and its twin, and batches. */
#ifndef PADLESS_TEST_RNN_H
#define PADLESS_TEST_RNN_H

#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>

/* The same weights for the kernel and for its twin. */
typedef struct layer {
  pl_rnn fast, ref;
} layer;

static const char *const cell_names[] = {"SimpleRNN", "GRU", "GRU reset_after", "LSTM"};

static inline int gates_of(int cell) { return cell == PL_LSTM ? 4 : cell == PL_SIMPLE_RNN ? 1 : 3; }

static inline float *uniform(size_t n, float lo, float hi) {
  float *x = TEST_NEW(float, n);
  test_fill(x, n, lo, hi);
  return x;
}

/* Weights of size 1 / sqrt(fan-in) at most: errors do not grow from step to step. */
static inline layer new_layer(pl_cell cell, int D, int H, pl_act act, pl_act rec_act, bool bias) {
  const size_t width = (size_t)gates_of(cell) * H;
  const float w = 1 / sqrtf((float)D + 1), u = 1 / sqrtf((float)H + 1);
  float *kernel = uniform(D * width, -w, w), *recurrent = uniform(H * width, -u, u);
  float *b = bias ? uniform(cell == PL_GRU_RESET_AFTER ? 2 * width : width, -0.5f, 0.5f) : NULL;
  float *packed = TEST_NEW(float, pl_rnn_packed_size(cell, D, H)), *plain = TEST_NEW(float, pl_ref_rnn_packed_size(cell, D, H));
  pl_rnn_pack(packed, kernel, recurrent, b, cell, D, H);
  pl_ref_rnn_pack(plain, kernel, recurrent, b, cell, D, H);
  return (layer){{cell, D, H, act, rec_act, packed, NULL, NULL, 0}, {cell, D, H, act, rec_act, plain, NULL, NULL, 0}};
}

static inline int8_t *uniform_bytes(size_t n) {
  int8_t *w = TEST_NEW(int8_t, n);
  for (size_t i = 0; i < n; i++) {
    w[i] = (int8_t)(test_below(255) - 127);
  }
  return w;
}

/* The same with int8 weights, of the same magnitude. */
static inline layer new_quant_layer(pl_cell cell, int D, int H, pl_act act, pl_act rec_act, bool bias) {
  const size_t width = (size_t)gates_of(cell) * H;
  const float w = 1 / (127 * sqrtf((float)D + 1)), u = 1 / (127 * sqrtf((float)H + 1));
  int8_t *kernel = uniform_bytes(D * width), *recurrent = uniform_bytes(H * width);
  float *kernel_scale = uniform(width, w / 2, w), *recurrent_scale = uniform(width, u / 2, u);
  float *b = bias ? uniform(cell == PL_GRU_RESET_AFTER ? 2 * width : width, -0.5f, 0.5f) : NULL;
  float *packed = TEST_NEW(float, pl_quant_rnn_packed_size(cell, D, H));
  float *plain = TEST_NEW(float, pl_ref_quant_rnn_packed_size(cell, D, H));
  pl_quant_rnn_pack(packed, kernel, kernel_scale, recurrent, recurrent_scale, b, cell, D, H);
  pl_ref_quant_rnn_pack(plain, kernel, kernel_scale, recurrent, recurrent_scale, b, cell, D, H);
  return (layer){{cell, D, H, act, rec_act, packed, NULL, NULL, 1}, {cell, D, H, act, rec_act, plain, NULL, NULL, 1}};
}

/* Keras's defaults. */
static inline layer default_layer(pl_cell cell, int D, int H) { return new_layer(cell, D, H, PL_TANH, PL_SIGMOID, true); }

/* An arena of exactly so many bytes, which are not 0. */
static inline pl_arena new_arena(size_t bytes) {
  pl_arena arena;
  pl_arena_init(&arena, TEST_NEW(uint8_t, bytes), bytes);
  return arena;
}

static inline pl_state new_state(size_t n) { return (pl_state){TEST_NEW(float, n), TEST_NEW(float, n)}; }
static inline pl_state uniform_state(size_t n) { return (pl_state){uniform(n, -1, 1), uniform(n, -1, 1)}; }

/* D + H products of size 1 at most and about 16 roundings in the cell, over the few steps that affect a state. */
static inline double rnn_tolerance(int D, int H) { return 2 * (D + H + 16) * (double)FLT_EPSILON; }

/* splits [B+1], rows of 0 .. most steps. */
static inline int32_t *new_splits(int B, int most) {
  int32_t *splits = TEST_NEW(int32_t, B + 1);
  splits[0] = 0;
  for (int b = 0; b < B; b++) {
    splits[b + 1] = splits[b] + test_below(most + 1);
  }
  return splits;
}

#endif
