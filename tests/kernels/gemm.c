#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>

enum { TILE = 8 };

/* Numbers of outputs: 1 to twice a tile plus one, those around the 32 columns that one row computes at a time, and a prime. */
static const int outputs[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 24, 25, 31, 32, 33, 40, 64, 65, 67};
static const int inputs[] = {0, 1, 2, 3, 4, 5, 7, 8, 16, 17, 37};
static const int rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 17};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

typedef struct dense {
  int K, N;
  float *w, *bias, *packed, *ref_packed;
} dense;

static dense new_dense(int K, int N, bool bias) {
  dense d = {K, N, TEST_NEW(float, K *N), bias ? TEST_NEW(float, N) : NULL, NULL, NULL};
  test_fill(d.w, (size_t)K * N, -1, 1);
  if (bias) {
    test_fill(d.bias, N, -1, 1);
  }
  d.packed = TEST_NEW(float, pl_dense_packed_size(K, N));
  d.ref_packed = TEST_NEW(float, pl_ref_dense_packed_size(K, N));
  pl_dense_pack(d.packed, d.w, d.bias, K, N);
  pl_ref_dense_pack(d.ref_packed, d.w, d.bias, K, N);
  return d;
}

/* An output is the sum of K products and the bias, each of magnitude 1 at most: K roundings at sums of at most K. */
static double tolerance(int K) { return (K + 1) * (double)FLT_EPSILON; }

TEST("dense matches its twin in every tile and tail") {
  for (size_t k = 0; k < LENGTH(inputs); k++) {
    for (size_t n = 0; n < LENGTH(outputs); n++) {
      for (size_t m = 0; m < LENGTH(rows); m++) {
        const int M = rows[m], K = inputs[k], N = outputs[n];
        dense d = new_dense(K, N, (m + n) % 3 != 0);
        float *x = TEST_NEW(float, M *K), *y = TEST_NEW(float, M *N), *expected = TEST_NEW(float, M *N);
        test_fill(x, (size_t)M * K, -1, 1);
        pl_dense(y, x, d.packed, M, K, N);
        pl_ref_dense(expected, x, d.ref_packed, M, K, N);
        CHECK_ARRAY_CLOSE(y, expected, M * N, tolerance(K), 0, "M %d, K %d, N %d", M, K, N);
        test_free();
      }
    }
  }
}

TEST("a dense output has the same bits beside any other rows, NaN included, and with any number of columns") {
  for (size_t n = 0; n < LENGTH(outputs); n++) {
    const int M = 11, K = 37, N = outputs[n];
    dense d = new_dense(K, N, true);
    float *x = TEST_NEW(float, M *K), *y = TEST_NEW(float, M *N), *alone = TEST_NEW(float, N);
    test_fill(x, (size_t)M * K, -1, 1);
    pl_dense(y, x, d.packed, M, K, N);
    for (int m = 0; m < M; m++) {
      pl_dense(alone, x + m * K, d.packed, 1, K, N);
      CHECK_BITS(y + m * N, alone, N, "row %d of %d, N %d", m, M, N);
    }
    float *copy = TEST_NEW(float, M *N);
    for (int i = 0; i < K; i++) {
      x[5 * K + i] = i % 2 ? NAN : INFINITY;
    }
    pl_dense(copy, x, d.packed, M, K, N);
    CHECK_BITS(copy, y, 5 * N, "before the row of NaN, N %d", N);
    CHECK_BITS(copy + 6 * N, y + 6 * N, 5 * N, "after the row of NaN, N %d", N);
    /* The last column alone, in a panel of its own. */
    float *column = TEST_NEW(float, K), *packed = TEST_NEW(float, pl_dense_packed_size(K, 1)), *one = TEST_NEW(float, M);
    for (int k = 0; k < K; k++) {
      column[k] = d.w[k * N + N - 1];
    }
    pl_dense_pack(packed, column, d.bias + N - 1, K, 1);
    pl_dense(one, x, packed, 5, K, 1);
    for (int m = 0; m < 5; m++) {
      CHECK_BITS(one + m, y + m * N + N - 1, 1, "last column of %d, row %d", N, m);
    }
    test_free();
  }
}

TEST("masked dense matches its twin, gives 0 at padding, and each row has the same bits alone") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    const int N = 1 + s.next % 13, M = s.B * s.T;
    dense d = new_dense(s.D, N, true);
    float *x = test_steps(&s, -1, 1), *y = TEST_NEW(float, M *N), *expected = TEST_NEW(float, M *N);
    float *alone = TEST_NEW(float, N);
    pl_masked_dense(y, x, d.packed, s.mask, s.B, s.T, s.D, N);
    pl_ref_masked_dense(expected, x, d.ref_packed, s.mask, s.B, s.T, s.D, N);
    CHECK_ARRAY_CLOSE(y, expected, M * N, tolerance(s.D), 0, "N %d, " SHAPE, N, SHAPE_OF(s));
    for (int m = 0; m < M; m++) {
      for (int i = 0; !s.mask[m] && i < N; i++) {
        CHECK(y[m * N + i] == 0, "padding, step %d, " SHAPE, m, SHAPE_OF(s));
      }
      if (s.mask[m]) {
        pl_dense(alone, x + m * s.D, d.packed, 1, s.D, N);
        CHECK_BITS(y + m * N, alone, N, "step %d, " SHAPE, m, SHAPE_OF(s));
      }
    }
  }
}
