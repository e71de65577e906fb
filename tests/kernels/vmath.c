/* Tests every 4096th float, from a random one on; natively, with PADLESS_EXHAUSTIVE=1 in the environment, every float (minutes). */
#include "vmath.h"
#include "test.h"

#include <float.h>
#include <stdlib.h>

#include <math.h>

static const double e = (double)FLT_EPSILON;

static uint64_t stride(void) {
#ifndef __wasm__
  if (getenv("PADLESS_EXHAUSTIVE")) {
    return 1;
  }
#endif
  return 4096;
}

static float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* |f(x) - g(x)| <= max(absolute, relative |g(x)|) */
static void sweep(v4f f(v4f x), double g(double x), double absolute, double relative, const char *name) {
  const float special[] = {0.0f,     -0.0f,   INFINITY, -INFINITY, NAN,     1.0f,      -1.0f,      FLT_MIN,
                           -FLT_MIN, FLT_MAX, -FLT_MAX, 1e-45f,    -1e-45f, 88.72283f, 88.722839f, -87.33f,
                           -87.34f,  -103.9f, -104.0f,  0.5f,      7.9f,    -7.9f,     7.91f,      -7.91f};
  const uint64_t by = stride(), count = sizeof special / sizeof *special;
  bool holds = true;
  for (uint64_t i = 0; i < count && holds; i++) {
    const float y = f(v_splat(special[i]))[0];
    const double expected = (double)(float)g((double)special[i]);
    holds = CHECK_CLOSE((double)y, expected, fmax(absolute, relative * fabs(expected)), "%s(%.9g)", name, (double)special[i]);
  }
  for (uint64_t bits = by == 1 ? 0 : (uint64_t)test_below((int)by); bits < 0x100000000 && holds; bits += 4 * by) {
    const v4f x = {float_of((uint32_t)bits), float_of((uint32_t)(bits + by)), float_of((uint32_t)(bits + 2 * by)),
                   float_of((uint32_t)(bits + 3 * by))};
    const v4f y = f(x);
    for (int lane = 0; lane < 4 && holds; lane++) {
      const double expected = g((double)x[lane]), actual = (double)y[lane];
      if (!(fabs(actual - expected) <= absolute + relative * fabs(expected))) {
        holds =
            CHECK_CLOSE(actual, (double)(float)expected, absolute + relative * fabs(expected), "%s(%.9g)", name, (double)x[lane]);
      }
    }
  }
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* The bounds that vmath.h states, in units of e; for exp, tanh and erf they are relative, for all results that are not subnormal. */
TEST("exp keeps its error bound over all floats, NaN gives NaN, and overflow gives Infinity") {
  sweep(v_exp, exp, (double)1e-45f, 2 * e, "exp");
}
TEST("sigmoid keeps its error bound over all floats") { sweep(v_sigmoid, sigmoid, e, 0, "sigmoid"); }
TEST("tanh keeps its error bound over all floats") { sweep(v_tanh, tanh, (double)FLT_MIN, 4 * e, "tanh"); }
TEST("log keeps its error bound over all floats, is -Infinity at 0 and NaN for negative numbers") {
  sweep(v_log, log, e, 2 * e, "log");
}
TEST("erf keeps its error bound over all floats") { sweep(v_erf, erf, (double)FLT_MIN, 2 * e, "erf"); }

TEST("log1p keeps its error bound between 0 and 1") {
  for (int i = 0; i < 100000; i++) {
    const float t = i < 50000 ? test_uniform(0, 1) : ldexpf(test_uniform(0.5f, 1), -test_below(140));
    const double expected = log1p((double)t);
    if (!CHECK_CLOSE((double)v_log1p(v_splat(t))[0], expected, 2 * e * fabs(expected) + (double)1e-45f, "log1p(%.9g)", (double)t)) {
      break;
    }
  }
}

TEST("tanh is exactly 1 from 9 on and -1 from -9 on: gelu multiplies the difference from 1 by x") {
  const float bounds[] = {9.0f, 9.0000010f, 20.0f, 1e6f, FLT_MAX, INFINITY};
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    CHECK(v_tanh(v_splat(bounds[i]))[0] == 1 && v_tanh(v_splat(-bounds[i]))[0] == -1, "tanh(%.9g)", (double)bounds[i]);
  }
}

TEST("v_min and v_max order -0 before +0, and NaN in either operand gives NaN") {
  const float values[] = {-1.0f, -0.0f, 0.0f, 1.0f, INFINITY, -INFINITY};
  const v4f order[] = {v_splat(-INFINITY), v_splat(-1), v_splat(-0.0f), v_splat(0), v_splat(1), v_splat(INFINITY)};
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) {
      const v4f least = v_min(order[i], order[j]), most = v_max(order[i], order[j]);
      CHECK_BITS(&least, &order[i < j ? i : j], 4, "least of %d and %d", i, j);
      CHECK_BITS(&most, &order[i < j ? j : i], 4, "most of %d and %d", i, j);
    }
    const v4f a = v_splat(values[i]), nan = v_splat(NAN);
    CHECK(isnan(v_min(a, nan)[0]) && isnan(v_min(nan, a)[0]), "v_min of NaN and %g", (double)values[i]);
    CHECK(isnan(v_max(a, nan)[0]) && isnan(v_max(nan, a)[0]), "v_max of NaN and %g", (double)values[i]);
  }
}
