#include "windows.h"

#include <math.h>
#include <string.h>

enum { TILE = 16 };

typedef void masked_pool(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
typedef void ragged_pool(float *y, const float *x, const int32_t *splits, int B, int D);

/* argmax, too, is called through this type: its int32 results are stored in the floats. */
#define AS_FLOATS(name)                                                                                                            \
  static void masked_##name(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {                                  \
    pl_masked_##name((int32_t *)y, x, mask, B, T, D);                                                                              \
  }                                                                                                                                \
  static void ragged_##name(float *y, const float *x, const int32_t *splits, int B, int D) {                                       \
    pl_ragged_##name((int32_t *)y, x, splits, B, D);                                                                               \
  }                                                                                                                                \
  static void ref_masked_##name(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {                              \
    pl_ref_masked_##name((int32_t *)y, x, mask, B, T, D);                                                                          \
  }                                                                                                                                \
  static void ref_ragged_##name(float *y, const float *x, const int32_t *splits, int B, int D) {                                   \
    pl_ref_ragged_##name((int32_t *)y, x, splits, B, D);                                                                           \
  }
AS_FLOATS(argmax)

typedef struct pool {
  const char *name;
  masked_pool *masked, *ref_masked;
  ragged_pool *ragged, *ref_ragged;
  bool integers;
} pool;

#define POOL(name) #name, pl_masked_##name, pl_ref_masked_##name, pl_ragged_##name, pl_ref_ragged_##name, false
static const pool pools[] = {{POOL(sum)},
                             {POOL(mean)},
                             {POOL(max)},
                             {POOL(min)},
                             {POOL(first)},
                             {POOL(last)},
                             {"argmax", masked_argmax, ref_masked_argmax, ragged_argmax, ref_ragged_argmax, true}};
enum { POOLS = sizeof pools / sizeof *pools };

/* Sums are added in double in the order of t and rounded once, by kernel and twin; the others only select a value. So there is no
 * tolerance. A zero may have either sign and a NaN any payload. */
static void check_equal(const pool *p, const float *y, const float *expected, const test_shape *s, const char *what) {
  if (p->integers) {
    CHECK_BITS(y, expected, s->B * s->D, "%s, %s, " SHAPE, p->name, what, SHAPE_OF(*s));
  } else {
    CHECK_ARRAY_CLOSE(y, expected, s->B * s->D, 0, 0, "%s, %s, " SHAPE, p->name, what, SHAPE_OF(*s));
  }
}

static void check_masked(const test_shape *s, const float *x, const char *what) {
  for (int i = 0; i < POOLS; i++) {
    float *y = TEST_NEW(float, s->B * s->D), *expected = TEST_NEW(float, s->B * s->D);
    pools[i].masked(y, x, s->mask, s->B, s->T, s->D);
    pools[i].ref_masked(expected, x, s->mask, s->B, s->T, s->D);
    check_equal(pools + i, y, expected, s, what);
  }
}

TEST("masked pooling matches its twin, with any values under the mask") {
  for (test_shape s = {0}; test_next_shape(&s, TILE);) {
    check_masked(&s, test_steps(&s, -3, 3), "masked");
  }
}

TEST("masked pooling matches its twin for NaN, infinities and zeros at steps that count") {
  static const float wild[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-42f, -2e10f, 3e38f, -3e38f, 1};
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    float *x = test_steps(&s, -3, 3);
    for (int i = 0; i < s.B * s.T * s.D; i++) {
      x[i] = test_below(3) ? x[i] : wild[test_below(10)];
    }
    check_masked(&s, x, "wild");
  }
}

TEST("pooling without a mask counts every step") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    float *x = TEST_NEW(float, s.B *s.T *s.D);
    test_fill(x, s.B * s.T * s.D, -3, 3);
    s.mask = NULL;
    check_masked(&s, x, "no mask");
  }
}

TEST("pooling gives the same bits for closed-up steps and for steps with padding anywhere") {
  for (test_shape s = {0}; test_next_shape(&s, TILE);) {
    int32_t *splits = TEST_NEW(int32_t, s.B + 1);
    int n = pl_ref_row_splits(splits, s.mask, s.B, s.T);
    float *packed = TEST_NEW(float, n *s.D), *x = TEST_NEW(float, s.B *s.T *s.D);
    test_fill(packed, n * s.D, -3, 3);
    test_spread(x, packed, s.mask, s.B, s.T, s.D);
    for (int i = 0; i < POOLS; i++) {
      const pool *p = pools + i;
      float *ragged = TEST_NEW(float, s.B *s.D), *masked = TEST_NEW(float, s.B *s.D), *twin = TEST_NEW(float, s.B *s.D);
      p->ragged(ragged, packed, splits, s.B, s.D);
      p->ref_ragged(twin, packed, splits, s.B, s.D);
      check_equal(p, ragged, twin, &s, "ragged");
      if (!p->integers) { /* positions differ, as they count padding */
        p->masked(masked, x, s.mask, s.B, s.T, s.D);
        CHECK_BITS(masked, ragged, s.B * s.D, "%s, " SHAPE, p->name, SHAPE_OF(s));
      }
    }
  }
}

TEST("pooling gives a row and a channel the same bits alone and among others") {
  enum { B = 3, D = 2 * TILE + 7, N = 40 };
  const int32_t splits[B + 1] = {0, 13, 13, N}, one[2] = {0, N - 13};
  float *x = TEST_NEW(float, N *D), *channel = TEST_NEW(float, N);
  test_fill(x, N * D, -3, 3);
  for (int i = 0; i < POOLS; i++) {
    float *together = TEST_NEW(float, B *D), *alone = TEST_NEW(float, D), y;
    pools[i].ragged(together, x, splits, B, D);
    pools[i].ragged(alone, x + 13 * D, one, 1, D);
    CHECK_BITS(together + 2 * D, alone, D, "%s, row", pools[i].name);
    for (int d = 0; d < D; d++) {
      for (int t = 0; t < N - 13; t++) {
        channel[t] = x[(13 + t) * D + d];
      }
      pools[i].ragged(&y, channel, one, 1, 1);
      CHECK_BITS(&y, alone + d, 1, "%s, channel %d", pools[i].name, d);
    }
  }
}

TEST("1 0 3 4 5 with three steps of padding has mean 2.6, a real 0 included") {
  const float x[] = {1, 0, 3, 4, 5, 0, 0, 0};
  const uint8_t mask[] = {1, 1, 1, 1, 1, 0, 0, 0};
  float y;
  pl_masked_mean(&y, x, mask, 1, 8, 1);
  CHECK(y == 2.6f, "mean %.9g", (double)y);
}

TEST("-1 -2 -3 -4 -5 with three zeros of padding has maximum -1 and argmax 0") {
  const float x[] = {-1, -2, -3, -4, -5, 0, 0, 0};
  const uint8_t mask[] = {1, 1, 1, 1, 1, 0, 0, 0};
  float max, min;
  int32_t at;
  pl_masked_max(&max, x, mask, 1, 8, 1);
  pl_masked_min(&min, x, mask, 1, 8, 1);
  pl_masked_argmax(&at, x, mask, 1, 8, 1);
  CHECK(max == -1 && min == -5 && at == 0, "max %g, min %g, argmax %d", (double)max, (double)min, (int)at);
}

TEST("masked max ignores +Inf at padding, and masked sum does not compute 0 * Inf") {
  const float x[] = {INFINITY, 2, NAN, 3, -INFINITY};
  const uint8_t mask[] = {0, 1, 0, 1, 0};
  float max, min, sum;
  pl_masked_max(&max, x, mask, 1, 5, 1);
  pl_masked_min(&min, x, mask, 1, 5, 1);
  pl_masked_sum(&sum, x, mask, 1, 5, 1);
  CHECK(max == 3 && min == 2 && sum == 5, "max %g, min %g, sum %g", (double)max, (double)min, (double)sum);
}

TEST("masked max is right for values below -1e10 and for rows of -Infinity alone") {
  const float x[] = {-2e10f, -INFINITY, -3e10f, -INFINITY, 0, 0};
  const uint8_t mask[] = {1, 1, 0};
  float max[2];
  int32_t at[2];
  pl_masked_max(max, x, mask, 1, 3, 2);
  pl_masked_argmax(at, x, mask, 1, 3, 2);
  CHECK(max[0] == -2e10f && max[1] == -INFINITY, "max %g, %g", (double)max[0], (double)max[1]);
  CHECK(at[0] == 0 && at[1] == 0, "argmax %d, %d", (int)at[0], (int)at[1]);
}

TEST("argmax gives the first of equal values, counts padding, and ranks NaN as the greatest") {
  const float x[] = {9, 1, 4, 4, NAN, NAN, 5};
  const uint8_t equals[] = {0, 1, 1, 1, 0, 0, 0}, nans[] = {1, 1, 1, 1, 1, 1, 1};
  int32_t at;
  pl_masked_argmax(&at, x, equals, 1, 7, 1);
  CHECK(at == 2, "equals: %d", (int)at);
  pl_masked_argmax(&at, x, nans, 1, 7, 1);
  CHECK(at == 4, "NaN: %d", (int)at);
}

TEST("a row without steps that count gives zeros, argmax -1") {
  float x[8], y[4];
  int32_t at[4];
  memset(x, 0xFF, sizeof x);
  const uint8_t mask[2] = {0, 0};
  for (int i = 0; i < POOLS - 1; i++) {
    pools[i].masked(y, x, mask, 1, 2, 4);
    for (int d = 0; d < 4; d++) {
      CHECK(y[d] == 0, "%s: %g", pools[i].name, (double)y[d]);
    }
  }
  pl_masked_argmax(at, x, mask, 1, 2, 4);
  for (int d = 0; d < 4; d++) {
    CHECK(at[d] == -1, "argmax %d", (int)at[d]);
  }
}

TEST("sums over a million steps stay within 1e-6") {
  enum { T = 1000000, D = 3 };
  float *x = TEST_NEW(float, T *D), sum[D], mean[D];
  for (int i = 0; i < T * D; i++) {
    x[i] = i % D == 0 ? 0.1f : i % D == 1 ? test_uniform(0, 1) : 1e-3f + 1e3f * (float)(i < D);
  }
  double expected[D] = {0};
  for (int i = T * D - 1; i >= 0; i--) {
    expected[i % D] += (double)x[i];
  }
  pl_masked_sum(sum, x, NULL, 1, T, D);
  pl_masked_mean(mean, x, NULL, 1, T, D);
  for (int d = 0; d < D; d++) {
    CHECK_CLOSE((double)sum[d], expected[d], 1e-6 * expected[d], "channel %d", d);
    CHECK_CLOSE((double)mean[d], expected[d] / (double)T, 1e-6 * expected[d] / (double)T, "channel %d", d);
  }
}

/* ---- windows ----------------------------------------------------------------------------------------------------------------- */

typedef void pool_kernel(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                         pl_padding padding, int B, int D);

static const struct {
  const char *name;
  pool_kernel *fast, *ref;
} window_pools[] = {{"max", pl_ragged_max_pool, pl_ref_ragged_max_pool},
                    {"average", pl_ragged_average_pool, pl_ref_ragged_average_pool}};

TEST("pooling windows match their twins, NaN and infinities included") {
  static const float wild[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-42f, 3e38f};
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    windows w = all_windows[i];
    w.dilation = 1;
    for (int j = 0; j < 72; j++) {
      const int D = j % 18 == 17 ? 37 : 1 + j % 18;
      rows r = some_rows(&w, j);
      const int outputs = r.out_splits[r.B] * D;
      float *x = uniform((size_t)r.splits[r.B] * D);
      for (int at = 0; j % 4 == 3 && at < r.splits[r.B] * D; at++) {
        x[at] = test_below(5) ? x[at] : wild[test_below(LENGTH(wild))];
      }
      for (size_t p = 0; p < LENGTH(window_pools); p++) {
        float *y = TEST_NEW(float, outputs), *expected = TEST_NEW(float, outputs);
        window_pools[p].fast(y, x, r.splits, r.out_splits, w.size, w.stride, w.padding, r.B, D);
        window_pools[p].ref(expected, x, r.splits, r.out_splits, w.size, w.stride, w.padding, r.B, D);
        /* Both select a value, or add in double in the same order and round once. */
        CHECK_ARRAY_CLOSE(y, expected, outputs, 0, 0, "%s, B %d, D %d, " WINDOWS, window_pools[p].name, r.B, D, WINDOWS_OF(w));
      }
      test_free();
    }
  }
}

static void run_max(float *y, const float *x, const void *layer, const rows *r) {
  const windows *w = layer;
  pl_ragged_max_pool(y, x, r->splits, r->out_splits, w->size, w->stride, w->padding, r->B, 7);
}

static void run_average(float *y, const float *x, const void *layer, const rows *r) {
  const windows *w = layer;
  pl_ragged_average_pool(y, x, r->splits, r->out_splits, w->size, w->stride, w->padding, r->B, 7);
}

TEST("pooling windows give a row the same bits alone and in a batch, also beside a row of NaN") {
  for (size_t i = 0; i < LENGTH(all_windows); i++) {
    windows w = all_windows[i];
    w.dilation = 1;
    same_bits_alone(run_max, &w, &w, 7, 7, "max");
    same_bits_alone(run_average, &w, &w, 7, 7, "average");
  }
}

TEST("the padding of a pooling window is neither a 0 in the maximum nor a step in the mean") {
  const float x[] = {-1, -2, -3};
  const int32_t splits[] = {0, 3}, out_splits[] = {0, 2};
  float max[2], mean[2];
  pl_ragged_max_pool(max, x, splits, out_splits, 2, 2, PL_SAME, 1, 1);
  pl_ragged_average_pool(mean, x, splits, out_splits, 2, 2, PL_SAME, 1, 1);
  CHECK(max[0] == -1 && max[1] == -3, "max %g, %g", (double)max[0], (double)max[1]);
  CHECK(mean[0] == -1.5f && mean[1] == -3, "mean %g, %g", (double)mean[0], (double)mean[1]);
}
