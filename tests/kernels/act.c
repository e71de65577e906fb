#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>

static const double e = (double)FLT_EPSILON;

/* Functions of one value err by a few epsilons of x, y or 1, whichever is greatest: x sigmoid(x) of a large negative x is a large
 * number times a difference of 1 and nearly 1. */
TEST("activations of one value meet their twins, from -100 to 100, in place too") {
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

TEST("activations at infinities, NaN, zeros and the ends of the range meet their twins") {
  const float special[] = {INFINITY, -INFINITY, NAN,    0.0f, FLT_MAX, -FLT_MAX, 1e-45f,
                           -1e-45f,  1e20f,     -1e20f, 3.0f, -3.0f,   2.5f,     -2.5f};
  for (int act = PL_LINEAR; act < PL_ACT_COUNT; act++) {
    if (act == PL_SOFTMAX || act == PL_LOG_SOFTMAX) {
      continue;
    }
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
      if (act == PL_GELU_TANH && special[i] < -1e19f) {
        continue; /* Infinity times what rounding leaves of 1 + tanh: NaN or not by the last bit of tanh, as in Keras */
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

TEST("softmax and log-softmax as activations go over the last axis") {
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
