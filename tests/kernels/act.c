#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>

static const double e = (double)FLT_EPSILON;

/* The error of an elementwise activation is a few epsilon of max(|x|, |y|, 1): for a large negative x, x sigmoid(x) is a large number times the
 * rounded difference of two numbers near 1. */
TEST("elementwise activations match their twins from -100 to 100, in place, too") {
  enum { N = 4001 };
  float *x = TEST_NEW(float, N), *y = TEST_NEW(float, N), *expected = TEST_NEW(float, N);
  for (int act = PL_LINEAR; act < PL_ACT_COUNT; act++) {
    if (act == PL_SOFTMAX || act == PL_LOG_SOFTMAX) {
      continue;
    }
    test_fill(x, N / 2, -100, 100);
    test_fill(x + N / 2, N - N / 2, -4, 4);
    pl_activate(y, x, (pl_act)act, 1, N);
    pl_ref_activate(expected, x, (pl_act)act, 1, N);
    for (int i = 0; i < N; i++) {
      double largest = fmax(1, fmax(fabs((double)x[i]), fabs((double)expected[i])));
      CHECK_CLOSE((double)y[i], (double)expected[i], 4 * e * largest, "act %d of %.9g", act, (double)x[i]);
    }
    pl_activate(x, x, (pl_act)act, 1, N);
    CHECK_BITS(x, y, N, "act %d in place", act);
  }
}

TEST("activations at infinities, NaN, zeros and the ends of the range match their twins") {
  const float special[] = {INFINITY, -INFINITY, NAN,    0.0f, FLT_MAX, -FLT_MAX, 1e-45f,
                           -1e-45f,  1e20f,     -1e20f, 3.0f, -3.0f,   2.5f,     -2.5f};
  for (int act = PL_LINEAR; act < PL_ACT_COUNT; act++) {
    if (act == PL_SOFTMAX || act == PL_LOG_SOFTMAX) {
      continue;
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
      if (act == PL_GELU_TANH && special[i] < -1e19f) {
        continue; /* Infinity * (1 + tanh): NaN or not, depending on the last bit of tanh, as in Keras */
      }
      float y, expected;
      pl_activate(&y, special + i, (pl_act)act, 1, 1);
      pl_ref_activate(&expected, special + i, (pl_act)act, 1, 1);
      double largest = isfinite(special[i]) ? fmax(1, fmin(fabs((double)special[i]), 10)) : 1;
      CHECK_CLOSE((double)y, (double)expected, 4 * e * largest * (1 + fabs((double)expected)), "act %d of %.9g", act,
                  (double)special[i]);
    }
  }
}

TEST("every activation has the same bits in every lane and tail") {
  enum { N = 19 };
  float *x = TEST_NEW(float, N), *y = TEST_NEW(float, N);
  for (int act = PL_LINEAR; act < PL_ACT_COUNT; act++) {
    if (act == PL_SOFTMAX || act == PL_LOG_SOFTMAX) {
      continue;
    }
    test_fill(x, N, -6, 6);
    pl_activate(y, x, (pl_act)act, 1, N);
    for (int i = 0; i < N; i++) {
      float *one = TEST_NEW(float, 1);
      pl_activate(one, x + i, (pl_act)act, 1, 1);
      CHECK_BITS(one, y + i, 1, "act %d, %d", act, i);
    }
    for (int n = 0; n <= N; n++) {
      float *head = TEST_NEW(float, n);
      pl_activate(head, x, (pl_act)act, 1, n);
      CHECK_BITS(head, y, n, "act %d, D %d", act, n);
    }
  }
}

TEST("softmax and log-softmax as activations apply to the last axis") {
  for (int D = 0; D < 12; D++) {
    enum { M = 3 };
    float *x = TEST_NEW(float, M *D), *y = TEST_NEW(float, M *D), *expected = TEST_NEW(float, M *D);
    test_fill(x, (size_t)M * D, -8, 8);
    for (int act = PL_SOFTMAX; act <= PL_LOG_SOFTMAX; act++) {
      pl_activate(y, x, (pl_act)act, M, D);
      pl_ref_activate(expected, x, (pl_act)act, M, D);
      CHECK_ARRAY_CLOSE(y, expected, M * D, act == PL_SOFTMAX ? 0 : 36 * e, 12 * e, "act %d, D %d", act, D);
    }
  }
}

/* ---- with parameters --------------------------------------------------------------------------------------------------------- */

/* Limits of every kind; the values include each limit and its neighbours. */
static const struct {
  float slope, threshold, max;
} relus[] = {{0, 0, INFINITY}, {0, 0, 6}, {0.3f, 0, INFINITY}, {0.3f, 0, 2}, {0, 1, INFINITY}, {0.1f, 1, 4}, {-0.5f, 2, 2.5f}};
enum { RELUS = sizeof relus / sizeof *relus };

TEST("ReLU with slope, threshold and limit matches its twin at every length, in place, too") {
  static const float special[] = {0, -0.0f, 1, 2, 2.5f, 4, 6, 1.0000001f, 0.99999994f, NAN, INFINITY, -INFINITY, -FLT_MAX, 1e-45f};
  enum { N = 61, SPECIAL = sizeof special / sizeof *special };
  for (int i = 0; i < RELUS; i++) {
    for (int n = 0; n <= N; n += n < 9 ? 1 : 13) {
      float *x = TEST_NEW(float, n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n), one;
      test_fill(x, (size_t)n, -8, 8);
      for (int k = 0; k < n / 2; k++) {
        x[k] = special[(k + n) % SPECIAL];
      }
      pl_relu(y, x, relus[i].slope, relus[i].threshold, relus[i].max, n);
      pl_ref_relu(expected, x, relus[i].slope, relus[i].threshold, relus[i].max, n);
      CHECK_ARRAY_CLOSE(y, expected, n, 0, 2 * e, "ReLU %d, n %d", i, n);
      for (int k = 0; k < n; k++) {
        pl_relu(&one, x + k, relus[i].slope, relus[i].threshold, relus[i].max, 1);
        CHECK_CLOSE((double)one, (double)y[k], 0, "ReLU %d, [%d] of %d", i, k, n);
      }
      pl_relu(x, x, relus[i].slope, relus[i].threshold, relus[i].max, n);
      CHECK_ARRAY_CLOSE(x, y, n, 0, 0, "ReLU %d in place, n %d", i, n);
      test_free();
    }
  }
}

TEST("ReLU with threshold 5 gives 0 at 5, as Keras does, and with a slope of 0 gives 0 for -Infinity") {
  const float x[] = {-10, -5, 0, 5, 10, -INFINITY};
  float y[6];
  pl_relu(y, x, 0, 5, INFINITY, 6);
  for (int i = 0; i < 6; i++) {
    CHECK(y[i] == (i == 4 ? 10 : 0), "%g of %g", (double)y[i], (double)x[i]);
  }
}

TEST("ELU of any alpha and PReLU match their twins at every length, in place, too") {
  const float alphas[] = {1, 0.5f, 0, -1.25f};
  for (int D = 0; D <= 13; D++) {
    for (int i = 0; i < 4; i++) {
      const int M = i % 2 ? 3 : 1, n = M * D;
      float *x = TEST_NEW(float, n), *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n), *alpha = TEST_NEW(float, D);
      test_fill(x, (size_t)n, -8, 8);
      test_fill(alpha, (size_t)D, -1, 1);
      if (n > 3) {
        x[0] = NAN, x[1] = INFINITY, x[2] = -INFINITY, x[3] = -0.0f;
      }
      pl_elu(y, x, alphas[i], n);
      pl_ref_elu(expected, x, alphas[i], n);
      CHECK_ARRAY_CLOSE(y, expected, n, 4 * e, 0, "ELU of %g, n %d", (double)alphas[i], n);
      float *in_place = TEST_NEW(float, n);
      pl_prelu(y, x, alpha, M, D);
      pl_ref_prelu(expected, x, alpha, M, D);
      CHECK_ARRAY_CLOSE(y, expected, n, 0, e, "PReLU, M %d, D %d", M, D);
      for (int k = 0; k < n; k++) {
        in_place[k] = x[k];
      }
      pl_prelu(in_place, in_place, alpha, M, D);
      CHECK_ARRAY_CLOSE(in_place, y, n, 0, 0, "PReLU in place, M %d, D %d", M, D);
      pl_elu(y, x, alphas[i], n);
      pl_elu(x, x, alphas[i], n);
      CHECK_ARRAY_CLOSE(x, y, n, 0, 0, "ELU of %g in place, n %d", (double)alphas[i], n);
      test_free();
    }
  }
}

TEST("gelu of a large negative number is 0") {
  const float x[] = {-10, -1000, -1e6f, -1e20f};
  float y[4];
  const int acts[] = {PL_GELU, PL_GELU_TANH};
  for (int i = 0; i < 2; i++) {
    pl_activate(y, x, (pl_act)acts[i], 1, 4);
    for (int n = 0; n < 4; n++) {
      CHECK(y[n] == 0, "act %d of %g is %g", acts[i], (double)x[n], (double)y[n]);
    }
  }
}
