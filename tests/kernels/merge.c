#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double e = (double)FLT_EPSILON;

static const int sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 61};
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static float *uniform(size_t n) {
  float *x = TEST_NEW(float, n);
  test_fill(x, n, -3, 3);
  return x;
}

static float *copy_of(const float *x, size_t n) {
  float *copy = TEST_NEW(float, n);
  memcpy(copy, x, n * sizeof *x);
  return copy;
}

TEST("elementwise operations match their twins at every length, in place of either operand, too") {
  static const float wild[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-42f, 3e38f, -3e38f};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    for (int op = PL_ADD; op <= PL_MINIMUM; op++) {
      for (int special = 0; special < 2; special++) {
        const int n = sizes[i];
        float *a = uniform(n), *b = uniform(n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
        for (int k = 0; special && k < n; k++) {
          a[k] = wild[test_below(LENGTH(wild))];
          b[k] = wild[test_below(LENGTH(wild))];
        }
        pl_elementwise(y, a, b, (pl_op)op, n);
        pl_ref_elementwise(expected, a, b, (pl_op)op, n);
        CHECK_ARRAY_CLOSE(y, expected, n, 0, 0, "op %d, n %d", op, n); /* one rounding, of the exact result */
        float *first = copy_of(a, n), *second = copy_of(b, n), *both = copy_of(a, n), *squared = TEST_NEW(float, n);
        pl_elementwise(first, first, b, (pl_op)op, n);
        pl_elementwise(second, a, second, (pl_op)op, n);
        pl_elementwise(both, both, both, (pl_op)op, n);
        pl_elementwise(squared, a, a, (pl_op)op, n);
        CHECK_ARRAY_CLOSE(first, expected, n, 0, 0, "in place of a, op %d, n %d", op, n);
        CHECK_ARRAY_CLOSE(second, expected, n, 0, 0, "in place of b, op %d, n %d", op, n);
        CHECK_ARRAY_CLOSE(both, squared, n, 0, 0, "in place of both, op %d, n %d", op, n);
        test_free();
      }
    }
  }
}

TEST("scaling matches its twin at every length, in place too, with the same bits in every lane") {
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    const int n = sizes[i];
    float *x = uniform(n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n), one;
    pl_scale(y, x, 0.7f, -1.3f, n);
    pl_ref_scale(expected, x, 0.7f, -1.3f, n);
    CHECK_ARRAY_CLOSE(y, expected, n, 4 * e, 0, "n %d", n); /* a product below 2.1 and a sum below 3.4, each rounded to e/2 of it */
    for (int k = 0; k < n; k++) {
      pl_scale(&one, x + k, 0.7f, -1.3f, 1);
      CHECK_BITS(&one, y + k, 1, "[%d] of %d", k, n);
    }
    pl_scale(x, x, 0.7f, -1.3f, n);
    CHECK_BITS(x, y, n, "in place, n %d", n);
    test_free();
  }
}

TEST("repeating rows and features gives the bits of the twins") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    int32_t *splits = TEST_NEW(int32_t, s.B + 1);
    const int N = pl_row_splits(splits, s.mask, s.B, s.T);
    float *x = test_steps(&s, -3, 3); /* poison is copied like any values: first as B rows, then as B T features */
    float *y = TEST_NEW(float, N *s.D), *expected = TEST_NEW(float, N *s.D);
    if (s.T > 0) {
      pl_repeat_rows(y, x, splits, s.B, s.D);
      pl_ref_repeat_rows(expected, x, splits, s.B, s.D);
      CHECK_BITS(y, expected, N * s.D, SHAPE, SHAPE_OF(s));
    }
    const int M = s.D > 0 ? s.B * s.T : 0, n = M * (s.D + 2);
    y = TEST_NEW(float, n), expected = TEST_NEW(float, n);
    pl_repeat_feature(y, x, M, s.D + 2);
    pl_ref_repeat_feature(expected, x, M, s.D + 2);
    CHECK_BITS(y, expected, n, SHAPE, SHAPE_OF(s));
  }
}

TEST("copying columns matches the twin and writes nothing between them") {
  for (int D = 0; D < 10; D++) {
    for (int M = 0; M < 4; M++) {
      for (int gap = 0; gap < 3; gap++) {
        /* The arrays end with the last column copied, so that ASan sees an access beyond it. */
        const int ldy = D + 2 * gap, ldx = D + (gap + M) % 3, ny = M ? (M - 1) * ldy + D : 0, nx = M ? (M - 1) * ldx + D : 0;
        float *x = uniform(nx), *y = uniform(ny), *expected = copy_of(y, ny);
        pl_copy_columns(y, x, ldy, ldx, M, D);
        pl_ref_copy_columns(expected, x, ldy, ldx, M, D);
        CHECK_BITS(y, expected, ny, "M %d, D %d, ldy %d, ldx %d", M, D, ldy, ldx);
        test_free();
      }
    }
  }
}

TEST("copying columns concatenates two arrays and slices them again") {
  enum { M = 3, A = 5, B = 2 };
  float *a = uniform((size_t)M * A), *b = uniform((size_t)M * B), *y = TEST_NEW(float, M *(A + B)), *back = TEST_NEW(float, M *B);
  pl_copy_columns(y, a, A + B, A, M, A);
  pl_copy_columns(y + A, b, A + B, B, M, B);
  for (int m = 0; m < M; m++) {
    CHECK_BITS(y + (size_t)m * (A + B), a + (size_t)m * A, A, "row %d", m);
    CHECK_BITS(y + (size_t)m * (A + B) + A, b + (size_t)m * B, B, "row %d", m);
  }
  pl_copy_columns(back, y + A, B, A + B, M, B);
  CHECK_BITS(back, b, M * B, "%s", "sliced");
}

TEST("transposing matches its twin, and transposing twice restores the array") {
  for (size_t m = 0; m < LENGTH(sizes); m++) {
    for (size_t n = 0; n < LENGTH(sizes); n++) {
      const int M = sizes[m], N = sizes[n], B = (m + n) % 2 ? 3 : 1;
      const size_t count = (size_t)B * M * N;
      float *x = uniform(count), *y = TEST_NEW(float, count), *expected = TEST_NEW(float, count), *back = TEST_NEW(float, count);
      pl_transpose(y, x, B, M, N);
      pl_ref_transpose(expected, x, B, M, N);
      CHECK_BITS(y, expected, count, "B %d, M %d, N %d", B, M, N);
      pl_transpose(back, y, B, N, M);
      CHECK_BITS(back, x, count, "back, B %d, M %d, N %d", B, M, N);
      test_free();
    }
  }
}

TEST("holding gives padding the values of the last step before it that counts, as the twin does") {
  for (test_shape s = {0}; test_next_shape(&s, 4);) {
    const size_t n = (size_t)s.B * s.T * s.D;
    float *y = test_steps(&s, -3, 3), *x = copy_of(y, n), *expected = copy_of(y, n);
    pl_masked_hold(y, s.mask, s.B, s.T, s.D);
    pl_ref_masked_hold(expected, s.mask, s.B, s.T, s.D);
    CHECK_BITS(y, expected, n, SHAPE, SHAPE_OF(s));
    pl_masked_hold(x, NULL, s.B, s.T, s.D);
    test_poison(x, s.mask, s.B, s.T, s.D);
    pl_masked_hold(x, s.mask, s.B, s.T, s.D);
    CHECK_BITS(x, y, n, "other poison, " SHAPE, SHAPE_OF(s));
  }
}

TEST("5 held over 1 0 0 1 0 after two steps of padding: 0 0 5 5 5 7 7") {
  const uint8_t mask[] = {0, 0, 1, 0, 0, 1, 0};
  const float expected[] = {0, 0, 5, 5, 5, 7, 7};
  float y[] = {NAN, 9, 5, INFINITY, 9, 7, NAN};
  pl_masked_hold(y, mask, 1, 7, 1);
  CHECK_BITS(y, expected, 7, "%s", "held");
}
