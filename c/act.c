/* Activations of Keras 3.12, element by element, four at a time; softmax and log-softmax over a row. */
#include "internal.h"
#include "vmath.h"

static inline v4f hard_sigmoid(v4f x, float slope) {
  return v_min(v_max(v_madd(x, v_splat(slope), v_splat(0.5f)), v_splat(0.0f)), v_splat(1.0f));
}

/* max(x, 0) + log(1 + e^-|x|) */
static inline v4f softplus(v4f x) { return v_add(v_max(x, v_splat(0.0f)), v_log1p(v_exp(v_neg(v_abs(x))))); }

/* x > 0 ? scale x : alpha (e^x - 1). Both are computed: e^min(x, 0) does not overflow for a large x. */
static inline v4f elu(v4f x, float scale, float alpha) {
  v4f below = v_mul(v_splat(alpha), v_sub(v_exp(v_min(x, v_splat(0.0f))), v_splat(1.0f)));
  return v_select(v_gt(x, v_splat(0.0f)), v_mul(v_splat(scale), x), below);
}

static inline v4f activate(v4f x, pl_act act) {
  const v4f zero = v_splat(0.0f), one = v_splat(1.0f), half = v_splat(0.5f);
  switch (act) {
  case PL_TANH:
    return v_tanh(x);
  case PL_SIGMOID:
    return v_sigmoid(x);
  case PL_RELU:
    return v_max(x, zero);
  case PL_HARD_SIGMOID:
    return hard_sigmoid(x, 1.0f / 6.0f);
  case PL_HARD_SIGMOID_KERAS2:
    return hard_sigmoid(x, 0.2f);
  case PL_SOFTSIGN:
    return v_div(x, v_add(one, v_abs(x)));
  case PL_ELU:
    return elu(x, 1.0f, 1.0f);
  case PL_SELU: /* Klambauer et al. 2017: scale 1.0507..., alpha 1.6732... */
    return elu(x, 1.05070098735548049342f, 1.05070098735548049342f * 1.67326324235437728481f);
  case PL_SOFTPLUS:
    return softplus(x);
  case PL_SILU:
    return v_div(x, v_add(one, v_exp(v_neg(x)))); /* not v_sigmoid, which does not reach 0: x may be large */
  case PL_GELU:
    return v_mul(v_mul(half, x), v_add(one, v_erf(v_mul(x, v_splat(0.707106781186547524f)))));
  case PL_GELU_TANH: {
    v4f cubic = v_madd(v_mul(v_mul(x, x), x), v_splat(0.044715f), x);
    return v_mul(v_mul(half, x), v_add(one, v_tanh(v_mul(v_splat(0.797884560802865356f), cubic))));
  }
  case PL_EXPONENTIAL:
    return v_exp(x);
  case PL_RELU6:
    return v_min(v_max(x, zero), v_splat(6.0f));
  case PL_LEAKY_RELU:
    return v_select(v_gt(x, zero), x, v_mul(v_splat(0.2f), x));
  case PL_MISH:
    return v_mul(x, v_tanh(softplus(x)));
  case PL_HARD_SILU:
    return v_mul(x, hard_sigmoid(x, 1.0f / 6.0f));
  default:
    return x;
  }
}

/* Sigmoid or tanh of sixteen values: each constant is loaded once for four vectors. */
static inline __attribute__((always_inline)) void activate_sixteen(float *y, const float *x, pl_act act) {
  const v4f one = v_splat(1.0f);
  v4f v[4], num[4], den[4];
  UNROLL
  for (int i = 0; i < 4; i++) {
    v[i] = v_load(x + 4 * i);
    num[i] = one;
  }
  if (act == PL_TANH) {
    v_tanh_parts(num, den, v, 4);
  } else {
    v_exp_neg(den, v, 4);
    UNROLL
    for (int i = 0; i < 4; i++) {
      den[i] = v_add(one, den[i]);
    }
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    v_store(y + 4 * i, v_div(num[i], den[i]));
  }
}

/* Inlined once for each activation, with a constant `act`, so that the loop has no switch. A tail of less than a vector is copied and
 * padded, so that it uses the same code. */
static inline __attribute__((always_inline)) void activate_all(float *y, const float *x, size_t n, pl_act act) {
  float tail[4] = {0, 0, 0, 0};
  size_t i = 0;
  for (; (act == PL_TANH || act == PL_SIGMOID) && i + 16 <= n; i += 16) {
    activate_sixteen(y + i, x + i, act);
  }
  for (; i < n; i += 4) {
    const size_t left = n - i;
    const float *from = x + i;
    if (left < 4) {
      memcpy(tail, from, left * sizeof *tail);
      from = tail;
    }
    v4f value = activate(v_load(from), act);
    if (left < 4) {
      v_store_partial(y + i, value, left);
    } else {
      v_store(y + i, value);
    }
  }
}

void pl_activate(float *y, const float *x, pl_act act, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)M * (size_t)D);
  size_t n = (size_t)M * (size_t)D;
#define EACH(ACT)                                                                                                                  \
  case ACT:                                                                                                                        \
    activate_all(y, x, n, ACT);                                                                                                    \
    break;
  switch (act) {
    EACH(PL_TANH)
    EACH(PL_SIGMOID)
    EACH(PL_RELU)
    EACH(PL_HARD_SIGMOID)
    EACH(PL_HARD_SIGMOID_KERAS2)
    EACH(PL_SOFTSIGN)
    EACH(PL_ELU)
    EACH(PL_SELU)
    EACH(PL_SOFTPLUS)
    EACH(PL_SILU)
    EACH(PL_GELU)
    EACH(PL_GELU_TANH)
    EACH(PL_EXPONENTIAL)
    EACH(PL_RELU6)
    EACH(PL_LEAKY_RELU)
    EACH(PL_MISH)
    EACH(PL_HARD_SILU)
  case PL_SOFTMAX:
    pl_softmax(y, x, M, D);
    break;
  case PL_LOG_SOFTMAX:
    pl_log_softmax(y, x, M, D);
    break;
  default: /* PL_LINEAR */
    if (y != x && n) {
      memcpy(y, x, n * sizeof *y);
    }
  }
#undef EACH
}

/* ---- activations with parameters --------------------------------------------------------------------------------------------- */

/* With a slope of 0, values below the threshold become max(x - threshold, 0): 0 for -Infinity (0 * Inf would be NaN), and NaN for NaN. */
void pl_relu(float *y, const float *x, float negative_slope, float threshold, float max_value, int n) {
  PL_ASSERT_SIZES(n, 1, 1);
  const size_t count = (size_t)n;
  PL_ASSERT_SAME_OR_APART(y, x, count);
  for (size_t i = 0; i < count; i += 4) {
    v4f v = v_load_partial(x + i, count - i), below = v_sub(v, v_splat(threshold));
    below = negative_slope == 0 ? v_max(below, v_splat(0.0f)) : v_mul(v_splat(negative_slope), below);
    v_store_partial(y + i, v_select(v_gt(v, v_splat(threshold)), v_min(v, v_splat(max_value)), below), count - i);
  }
}

void pl_elu(float *y, const float *x, float alpha, int n) {
  PL_ASSERT_SIZES(n, 1, 1);
  const size_t count = (size_t)n;
  PL_ASSERT_SAME_OR_APART(y, x, count);
  for (size_t i = 0; i < count; i += 4) {
    v_store_partial(y + i, elu(v_load_partial(x + i, count - i), 1.0f, alpha), count - i);
  }
}

void pl_prelu(float *y, const float *x, const float *alpha, int M, int D) {
  PL_ASSERT_SIZES(M, 1, D);
  const size_t width = (size_t)D;
  PL_ASSERT_SAME_OR_APART(y, x, (size_t)M * width);
  for (size_t m = 0; m < (size_t)M; m++, y += width, x += width) {
    for (size_t d = 0; d < width; d += 4) {
      v4f v = v_load_partial(x + d, width - d);
      v4f below = v_mul(v_load_partial(alpha + d, width - d), v);
      v_store_partial(y + d, v_select(v_gt(v, v_splat(0.0f)), v, below), width - d);
    }
  }
}
