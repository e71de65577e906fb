#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>

enum { TILE = 4, REACH = 8 }; /* values lie in [-REACH, REACH) */

typedef void masked_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
typedef void ragged_softmax(float *y, const float *x, const int32_t *splits, int B, int D);
typedef void row_softmax(float *y, const float *x, int M, int D);

typedef struct softmax {
  const char *name;
  masked_softmax *masked, *ref_masked;
  bool logarithm;
} softmax;

#define SOFTMAX(name) #name, pl_masked_##name, pl_ref_masked_##name
static const softmax softmaxes[] = {{SOFTMAX(softmax), false},
                                    {SOFTMAX(log_softmax), true},
                                    {SOFTMAX(feature_softmax), false},
                                    {SOFTMAX(feature_log_softmax), true}};

/* x - max, of size 2 REACH at most, is rounded to half an epsilon of it, which exp turns into a relative error; exp, the sum and the
 * division add an epsilon or so each. A logarithm has the same errors, absolute, and rounds twice more near log(n) + 2 REACH. */
static const double softmax_tolerance = (REACH + 4) * (double)FLT_EPSILON;
static const double log_tolerance = (4 * REACH + 4) * (double)FLT_EPSILON;

static bool check_close(const softmax *f, const float *y, const float *expected, const test_shape *s, const char *what) {
  return CHECK_ARRAY_CLOSE(y, expected, s->B * s->T * s->D, f->logarithm ? log_tolerance : (double)FLT_MIN,
                           f->logarithm ? 0 : softmax_tolerance, "%s, %s, " SHAPE, f->name, what, SHAPE_OF(*s));
}

TEST("softmax over time and over features matches its twin, with any values under the mask, in place, too") {
  for (test_shape s = {0}; test_next_shape(&s, TILE);) {
    int n = s.B * s.T * s.D;
    for (int i = 0; i < 4; i++) {
      const softmax *f = softmaxes + i;
      float *x = test_steps(&s, -REACH, REACH), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
      f->masked(y, x, s.mask, s.B, s.T, s.D);
      f->ref_masked(expected, x, s.mask, s.B, s.T, s.D);
      check_close(f, y, expected, &s, "masked");
      f->masked(x, x, s.mask, s.B, s.T, s.D);
      CHECK_BITS(x, y, n, "%s, in place, " SHAPE, f->name, SHAPE_OF(s));
    }
  }
}

TEST("softmax is 0 at padding and sums to 1 over the steps that count; log-softmax is -Infinity at padding") {
  for (test_shape s = {0}; test_next_shape(&s, 1);) {
    int n = s.B * s.T * s.D;
    float *x = test_steps(&s, -REACH, REACH), *y = TEST_NEW(float, n), *log_y = TEST_NEW(float, n);
    pl_masked_softmax(y, x, s.mask, s.B, s.T, s.D);
    pl_masked_log_softmax(log_y, x, s.mask, s.B, s.T, s.D);
    for (int b = 0; b < s.B; b++) {
      for (int d = 0; d < s.D; d++) {
        double sum = 0;
        bool empty = true;
        for (int t = 0; t < s.T; t++) {
          int i = (b * s.T + t) * s.D + d;
          if (s.mask[b * s.T + t]) {
            empty = false;
            sum += (double)y[i];
          } else {
            CHECK(y[i] == 0 && log_y[i] == -INFINITY, "%g and %g at padding, " SHAPE, (double)y[i], (double)log_y[i], SHAPE_OF(s));
          }
        }
        CHECK_CLOSE(sum, empty ? 0.0 : 1.0, softmax_tolerance, SHAPE, SHAPE_OF(s));
      }
    }
  }
}

TEST("softmax over time gives the same bits for closed-up steps and for steps with padding anywhere") {
  static ragged_softmax *const ragged[] = {pl_ragged_softmax, pl_ragged_log_softmax};
  static ragged_softmax *const ref_ragged[] = {pl_ref_ragged_softmax, pl_ref_ragged_log_softmax};
  for (test_shape s = {0}; test_next_shape(&s, TILE);) {
    int32_t *splits = TEST_NEW(int32_t, s.B + 1);
    int n = pl_ref_row_splits(splits, s.mask, s.B, s.T) * s.D;
    float *packed = TEST_NEW(float, n), *x = TEST_NEW(float, s.B *s.T *s.D);
    test_fill(packed, (size_t)n, -REACH, REACH);
    test_spread(x, packed, s.mask, s.B, s.T, s.D);
    for (int i = 0; i < 2; i++) {
      const softmax *f = softmaxes + i;
      float *masked = TEST_NEW(float, s.B *s.T *s.D), *closed = TEST_NEW(float, n), *y = TEST_NEW(float, n),
            *twin = TEST_NEW(float, n);
      f->masked(masked, x, s.mask, s.B, s.T, s.D);
      pl_ref_pack(closed, masked, s.mask, s.B, s.T, s.D);
      ragged[i](y, packed, splits, s.B, s.D);
      ref_ragged[i](twin, packed, splits, s.B, s.D);
      CHECK_BITS(y, closed, n, "%s, " SHAPE, f->name, SHAPE_OF(s));
      CHECK_ARRAY_CLOSE(y, twin, n, f->logarithm ? log_tolerance : 0, f->logarithm ? 0 : softmax_tolerance, "%s, " SHAPE, f->name,
                        SHAPE_OF(s));
      ragged[i](packed, packed, splits, s.B, s.D);
      CHECK_BITS(packed, y, n, "%s, in place, " SHAPE, f->name, SHAPE_OF(s));
      pl_ref_pack(packed, x, s.mask, s.B, s.T, s.D);
    }
  }
}

TEST("softmax over time gives a row and a channel the same bits alone and among others") {
  enum { D = 11, N = 40, FROM = 13 };
  static ragged_softmax *const ragged[] = {pl_ragged_softmax, pl_ragged_log_softmax};
  const int32_t splits[] = {0, FROM, FROM, N}, one[] = {0, N - FROM};
  for (int i = 0; i < 2; i++) {
    float *x = TEST_NEW(float, N *D), *together = TEST_NEW(float, N *D), *alone = TEST_NEW(float, (N - FROM) * D);
    test_fill(x, N * D, -REACH, REACH);
    ragged[i](together, x, splits, 3, D);
    ragged[i](alone, x + FROM * D, one, 1, D);
    CHECK_BITS(together + FROM * D, alone, (N - FROM) * D, "row");
    for (int d = 0; d < D; d++) {
      float channel[N - FROM], expected[N - FROM];
      for (int t = 0; t < N - FROM; t++) {
        channel[t] = x[(FROM + t) * D + d];
        expected[t] = alone[t * D + d];
      }
      ragged[i](channel, channel, one, 1, 1);
      CHECK_BITS(channel, expected, N - FROM, "channel %d", d);
    }
  }
}

TEST("softmax over features gives a row the same bits alone, among rows, and among rows and padding") {
  static row_softmax *const rows[] = {pl_softmax, pl_log_softmax}, *const ref_rows[] = {pl_ref_softmax, pl_ref_log_softmax};
  for (test_shape s = {0}; test_next_shape(&s, TILE);) {
    int steps = s.B * s.T, n = steps * s.D;
    float *x = TEST_NEW(float, n), *y = TEST_NEW(float, n), *masked = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
    test_fill(x, (size_t)n, -REACH, REACH);
    for (int i = 0; i < 2; i++) {
      const softmax *f = softmaxes + 2 + i;
      rows[i](y, x, steps, s.D);
      ref_rows[i](expected, x, steps, s.D);
      check_close(f, y, expected, &s, "rows");
      f->masked(masked, x, s.mask, s.B, s.T, s.D);
      for (int step = 0; step < steps; step++) {
        float *alone = TEST_NEW(float, s.D);
        rows[i](alone, x + step * s.D, 1, s.D);
        CHECK_BITS(alone, y + step * s.D, s.D, "%s, alone, " SHAPE, f->name, SHAPE_OF(s));
        if (s.mask[step]) {
          CHECK_BITS(masked + step * s.D, alone, s.D, "%s, " SHAPE, f->name, SHAPE_OF(s));
        }
      }
      rows[i](masked, x, steps, s.D);
      CHECK_BITS(masked, y, n, "%s, again, " SHAPE, f->name, SHAPE_OF(s));
    }
  }
}

TEST("softmax stays close to its twin for values far apart, and below -1e10") {
  const float x[] = {-2e10f, -2e10f, 100, 0, 3e38f, -3e38f, 0, -103, -87, -88, 0, 5};
  for (int i = 0; i < 4; i++) {
    float y[12], expected[12];
    softmaxes[i].masked(y, x, NULL, 1, 6, 2);
    softmaxes[i].ref_masked(expected, x, NULL, 1, 6, 2);
    bool logarithm = softmaxes[i].logarithm;
    /* x - max is rounded in float: an epsilon of its size where it is subtracted, 103 epsilon where exp does not underflow */
    CHECK_ARRAY_CLOSE(y, expected, 12, (double)(logarithm ? FLT_EPSILON : FLT_MIN), (double)FLT_EPSILON * (logarithm ? 2 : 103),
                      "%s", softmaxes[i].name);
  }
}

TEST("an offset common to all values changes no bit of softmax") {
  for (test_shape s = {0}; test_next_shape(&s, TILE);) {
    int n = s.B * s.T * s.D;
    float *x = TEST_NEW(float, n), *far = TEST_NEW(float, n), *y = TEST_NEW(float, n), *far_y = TEST_NEW(float, n);
    for (int i = 0; i < n; i++) {
      x[i] = (float)test_below(2048) / 256.0f; /* so that x - 4096 is exact */
      far[i] = x[i] - 4096;
    }
    for (int i = 0; i < 4; i++) {
      softmaxes[i].masked(y, x, s.mask, s.B, s.T, s.D);
      softmaxes[i].masked(far_y, far, s.mask, s.B, s.T, s.D);
      CHECK_BITS(far_y, y, n, "%s, " SHAPE, softmaxes[i].name, SHAPE_OF(s));
    }
  }
}

TEST("softmax is 1 at a value that is greater than all others by 200, at any position") {
  for (int n = 1; n <= 2 * TILE + 1; n++) {
    for (int spike = 0; spike < n; spike++) {
      float x[2 * TILE + 1] = {0}, y[2 * TILE + 1];
      x[spike] = 200;
      for (int i = 0; i < 4; i++) {
        bool features = i >= 2;
        softmaxes[i].masked(y, x, NULL, 1, features ? 1 : n, features ? n : 1);
        for (int k = 0; k < n; k++) {
          float expected = softmaxes[i].logarithm ? (k == spike ? 0.0f : -200.0f) : k == spike ? 1.0f : 0.0f;
          CHECK(y[k] == expected, "%s, spike at %d of %d: [%d] is %g", softmaxes[i].name, spike, n, k, (double)y[k]);
        }
      }
    }
  }
}

TEST("softmax of -Infinity among numbers is 0, its logarithm -Infinity") {
  const float x[] = {1, -INFINITY, 1, -INFINITY};
  for (int i = 0; i < 4; i++) {
    float y[4];
    bool features = i >= 2;
    softmaxes[i].masked(y, x, NULL, 1, features ? 1 : 4, features ? 4 : 1);
    float none = softmaxes[i].logarithm ? -INFINITY : 0, half = softmaxes[i].logarithm ? logf(0.5f) : 0.5f;
    CHECK(y[1] == none && y[3] == none, "%s: %g, %g", softmaxes[i].name, (double)y[1], (double)y[3]);
    CHECK_CLOSE((double)y[0], (double)half, (double)FLT_EPSILON, "%s", softmaxes[i].name);
    CHECK_CLOSE((double)y[2], (double)half, (double)FLT_EPSILON, "%s", softmaxes[i].name);
  }
}

TEST("softmax gives NaN at every step that counts if all are -Infinity or one is +Infinity or NaN") {
  const float rows[3][3] = {{-INFINITY, -INFINITY, -INFINITY}, {0, INFINITY, 1}, {0, 2, NAN}};
  const uint8_t mask[] = {1, 0, 1, 1};
  for (int i = 0; i < 2; i++) {
    for (int row = 0; row < 3; row++) {
      const float x[] = {rows[row][0], 7, rows[row][1], rows[row][2]};
      float y[4], z[3];
      softmaxes[i].masked(y, x, mask, 1, 4, 1);
      CHECK(isnan(y[0]) && isnan(y[2]) && isnan(y[3]), "over time, row %d: %g %g %g", row, (double)y[0], (double)y[2],
            (double)y[3]);
      CHECK(y[1] == (softmaxes[i].logarithm ? -INFINITY : 0), "padding is %g", (double)y[1]);
      softmaxes[2 + i].masked(z, rows[row], NULL, 1, 1, 3);
      CHECK(isnan(z[0]) && isnan(z[1]) && isnan(z[2]), "over features, row %d: %g %g %g", row, (double)z[0], (double)z[1],
            (double)z[2]);
    }
  }
}

TEST("softmax over 100,000 steps sums to 1") {
  enum { T = 100000 };
  float *x = TEST_NEW(float, T), *y = TEST_NEW(float, T);
  test_fill(x, T, -1, 1);
  pl_masked_softmax(y, x, NULL, 1, T, 1);
  double sum = 0;
  for (int t = 0; t < T; t++) {
    sum += (double)y[t];
  }
  CHECK_CLOSE(sum, 1.0, 4 * (double)FLT_EPSILON, "T %d", T);
}
