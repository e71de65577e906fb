#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double e = (double)FLT_EPSILON;

/* Up to twice the four lanes plus one, then primes. */
static const int widths[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 61};
#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Calls one of the four normalizations; rms and unit ignore some of the arguments. */
typedef struct arguments {
  const float *gamma, *beta; /* scale and shift of affine */
  float epsilon;
} arguments;
typedef void norm(float *y, const float *x, const arguments *a, int M, int D);

#define NORM(prefix)                                                                                                               \
  static void prefix##layer(float *y, const float *x, const arguments *a, int M, int D) {                                          \
    prefix##layer_norm(y, x, a->gamma, a->beta, a->epsilon, M, D);                                                                 \
  }                                                                                                                                \
  static void prefix##rms(float *y, const float *x, const arguments *a, int M, int D) {                                            \
    prefix##rms_norm(y, x, a->gamma, a->epsilon, M, D);                                                                            \
  }                                                                                                                                \
  static void prefix##unit(float *y, const float *x, const arguments *a, int M, int D) {                                           \
    (void)a;                                                                                                                       \
    prefix##unit_norm(y, x, M, D);                                                                                                 \
  }                                                                                                                                \
  static void prefix##scaled(float *y, const float *x, const arguments *a, int M, int D) {                                         \
    prefix##affine(y, x, a->gamma, a->beta, M, D);                                                                                 \
  }
NORM(pl_)
NORM(pl_ref_)

static const struct {
  const char *name;
  norm *fast, *ref;
} norms[] = {{"layer", pl_layer, pl_ref_layer},
             {"rms", pl_rms, pl_ref_rms},
             {"unit", pl_unit, pl_ref_unit},
             {"affine", pl_scaled, pl_ref_scaled}};
enum { NORMS = LENGTH(norms), AFFINE = NORMS - 1 };

static float *uniform(size_t n, float lo, float hi) {
  float *x = TEST_NEW(float, n);
  test_fill(x, n, lo, hi);
  return x;
}

/* A normalized value is at most sqrt(D) and rounded once; gamma and beta of size 1 add two roundings. affine: x is at most 3. */
static double tolerance(int D) { return 2 * e * (fmax(3, sqrt(D)) + 1); }

TEST("normalization matches its twin at every number of features, with and without gamma and beta, in place, too") {
  for (size_t i = 0; i < LENGTH(widths); i++) {
    for (int M = 0; M <= 3; M++) {
      for (int with = 0; with < 4; with++) {
        const int D = widths[i];
        const size_t n = (size_t)M * D;
        const arguments a = {with & 1 ? uniform(D, -1, 1) : NULL, with & 2 ? uniform(D, -1, 1) : NULL, 1e-3f};
        float *x = uniform(n, -3, 3), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n), *in_place = TEST_NEW(float, n);
        for (int k = 0; k < (with == 3 ? NORMS : AFFINE); k++) {
          norms[k].fast(y, x, &a, M, D);
          norms[k].ref(expected, x, &a, M, D);
          CHECK_ARRAY_CLOSE(y, expected, n, tolerance(D), 0, "%s, M %d, D %d", norms[k].name, M, D);
          memcpy(in_place, x, n * sizeof *x);
          norms[k].fast(in_place, in_place, &a, M, D);
          CHECK_BITS(in_place, y, n, "%s in place, M %d, D %d", norms[k].name, M, D);
        }
        test_free();
      }
    }
  }
}

TEST("normalization gives a row the same bits alone and among other rows, NaN included") {
  enum { M = 5 };
  for (size_t i = 1; i < LENGTH(widths); i++) {
    const int D = widths[i];
    const arguments a = {uniform(D, -1, 1), uniform(D, -1, 1), 1e-6f};
    float *x = uniform((size_t)M * D, -3, 3), *y = TEST_NEW(float, M *D), *alone = TEST_NEW(float, D);
    for (int d = 0; d < D; d++) {
      x[2 * D + d] = d % 2 ? NAN : INFINITY;
    }
    for (int k = 0; k < NORMS; k++) {
      norms[k].fast(y, x, &a, M, D);
      for (int m = 0; m < M; m++) {
        norms[k].fast(alone, x + (size_t)m * D, &a, 1, D);
        for (int d = 0; d < D && m != 2; d++) {
          CHECK(isfinite(alone[d]), "%s, row %d, D %d", norms[k].name, m, D);
        }
        if (m != 2) { /* a NaN may have any payload */
          CHECK_BITS(y + (size_t)m * D, alone, D, "%s, row %d, D %d", norms[k].name, m, D);
        }
      }
    }
    test_free();
  }
}

TEST("an affine feature has the same bits in every lane and tail") {
  enum { D = 19 };
  float *x = uniform(D, -3, 3), *scale = uniform(D, -1, 1), *shift = uniform(D, -1, 1), *y = TEST_NEW(float, D);
  pl_affine(y, x, scale, shift, 1, D);
  for (int d = 0; d < D; d++) {
    float one;
    pl_affine(&one, x + d, scale + d, shift + d, 1, 1);
    CHECK_BITS(&one, y + d, 1, "feature %d", d);
  }
}

TEST("normalization is exact on rows far from zero, huge, tiny and constant") {
  enum { D = 7 };
  const float rows[][D] = {{4000000, 4000000.25f, 4000000.75f, 4000001, 4000001.5f, 4000002, 4000003.25f},
                           {1e38f, -2e38f, 3e38f, 1e38f, 0, -1e38f, 2e38f},
                           {1e-30f, 2e-30f, 3e-30f, 0, 0, 1e-30f, -1e-30f},
                           {0, 0, 0, 0, 0, 0, 0},
                           {4, 4, 4, 4, 4, 4, 4}};
  const arguments a = {NULL, NULL, 1e-12f};
  for (size_t i = 0; i < LENGTH(rows); i++) {
    for (int k = 0; k < AFFINE; k++) {
      float y[D], expected[D];
      norms[k].fast(y, rows[i], &a, 1, D);
      norms[k].ref(expected, rows[i], &a, 1, D);
      CHECK_ARRAY_CLOSE(y, expected, D, 0, e, "%s, row %d", norms[k].name, (int)i);
    }
  }
}

TEST("unit norm of 3 4 is 0.6 0.8, and of a vector shorter than 1e-12 the vector times 1e12") {
  const float x[] = {3, 4, 0, 1e-20f};
  float y[4];
  pl_unit_norm(y, x, 2, 2);
  CHECK(y[0] == 0.6f && y[1] == 0.8f, "%.9g, %.9g", (double)y[0], (double)y[1]);
  CHECK(y[2] == 0, "%g", (double)y[2]);
  CHECK_CLOSE((double)y[3], 1e-8, 1e-15, "%g", (double)x[3]);
}

TEST("group normalization matches its twin at every width of a group, in rows of several lengths, in place, too") {
  const int32_t splits[] = {0, 3, 3, 4, 11};
  enum { B = LENGTH(splits) - 1 };
  const int N = splits[B];
  for (size_t i = 1; i < LENGTH(widths); i++) {
    for (int groups = 1; groups <= 3; groups++) {
      for (int with = 0; with < 4; with++) {
        const int D = widths[i] * groups;
        const size_t n = (size_t)N * D;
        const float *gamma = with & 1 ? uniform(D, -1, 1) : NULL, *beta = with & 2 ? uniform(D, -1, 1) : NULL;
        float *x = uniform(n, -3, 3), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n), *in_place = TEST_NEW(float, n);
        pl_ragged_group_norm(y, x, gamma, beta, splits, groups, 1e-3f, B, D);
        pl_ref_ragged_group_norm(expected, x, gamma, beta, splits, groups, 1e-3f, B, D);
        CHECK_ARRAY_CLOSE(y, expected, n, tolerance(D * 7), 0, "%d groups, D %d", groups, D);
        memcpy(in_place, x, n * sizeof *x);
        pl_ragged_group_norm(in_place, in_place, gamma, beta, splits, groups, 1e-3f, B, D);
        CHECK_BITS(in_place, y, n, "in place, %d groups, D %d", groups, D);
        test_free();
      }
    }
  }
}

TEST("group normalization gives a row the same bits alone and beside rows of NaN; with one step and one group it is a layer norm") {
  const int32_t splits[] = {0, 4, 6, 9}, alone[] = {0, 3}, step[] = {0, 1};
  enum { D = 12, N = 9, B = 3 };
  float *x = uniform((size_t)N * D, -3, 3), *y = TEST_NEW(float, N *D), *one = TEST_NEW(float, 3 * D);
  for (int i = 4 * D; i < 6 * D; i++) {
    x[i] = i % 2 ? NAN : INFINITY;
  }
  pl_ragged_group_norm(y, x, NULL, NULL, splits, 3, 1e-6f, B, D);
  pl_ragged_group_norm(one, x + (size_t)6 * D, NULL, NULL, alone, 3, 1e-6f, 1, D);
  CHECK_BITS(one, y + (size_t)6 * D, 3 * D, "the last row");
  pl_ragged_group_norm(one, x, NULL, NULL, step, 1, 1e-6f, 1, D);
  pl_layer_norm(y, x, NULL, NULL, 1e-6f, 1, D);
  CHECK_BITS(one, y, D, "one step");
}
