/* exp, log, tanh, sigmoid and erf of four floats, from + - * /, comparisons and integer operations alone: the fixed-order build
 * gives the same bits on every engine and processor. e is the float epsilon, 2^-23; measured errors are over every float of the
 * range, or every 4096th, by tests/kernels/vmath.c, which also holds the bounds.
 * Polynomials of exp, log and erf: Cephes Mathematical Library 2.2 (Moshier), single precision; tanh: the rational form of Eigen 3. */
#ifndef PADLESS_VMATH_H
#define PADLESS_VMATH_H

#include "simd.h"

/* e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2)/2. Relative error at most 2e where the result is normal; -Infinity gives 0,
 * above 88.73 Infinity, NaN NaN; below -87.33 the results are subnormal, below -104 they are 0. */
static inline v4f v_exp(v4f x) {
  const v4f round = v_splat(12582912.0f); /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
  x = v_min(v_max(x, v_splat(-104.0f)), v_splat(89.0f));
  v4f shifted = v_madd(x, v_splat(1.44269504088896341f), round);
  v4f n = v_sub(shifted, round);
  v4i power = (v4i)shifted - (v4i)round;
  /* ln 2 in two parts: n times the first is exact. */
  v4f r = v_madd(n, v_splat(-0.693359375f), x);
  r = v_madd(n, v_splat(2.12194440e-4f), r);
  v4f p = v_splat(1.9875691500e-4f);
  p = v_madd(p, r, v_splat(1.3981999507e-3f));
  p = v_madd(p, r, v_splat(8.3334519073e-3f));
  p = v_madd(p, r, v_splat(4.1665795894e-2f));
  p = v_madd(p, r, v_splat(1.6666665459e-1f));
  p = v_madd(p, r, v_splat(5.0000001201e-1f));
  p = v_add(v_madd(p, v_mul(r, r), r), v_splat(1.0f));
  /* 2^n in two factors, so that neither leaves the range of exponents. */
  v4i half = power >> 1;
  v4f low = (v4f)((half + 127) << 23);
  v4f high = (v4f)((power - half + 127) << 23);
  return v_mul(v_mul(p, low), high);
}

/* 1 / (1 + e^-x). Error at most max(e, e|y|). */
static inline v4f v_sigmoid(v4f x) { return v_div(v_splat(1.0f), v_add(v_splat(1.0f), v_exp(v_neg(x)))); }

/* Odd polynomial of degree 13 over an even one of degree 6, and 1 beyond 7.905, where tanh is 1 within 2.3e: exactly 1 in both
 * builds, since gelu multiplies what is left of it by x. Error at most max(e, 4e|y|). */
static inline v4f v_tanh(v4f x) {
  const v4f limit = v_splat(7.90531110763549805f);
  v4f s = v_mul(x, x);
  v4f p = v_splat(-2.76076847742355e-16f);
  p = v_madd(p, s, v_splat(2.00018790482477e-13f));
  p = v_madd(p, s, v_splat(-8.60467152213735e-11f));
  p = v_madd(p, s, v_splat(5.12229709037114e-08f));
  p = v_madd(p, s, v_splat(1.48572235717979e-05f));
  p = v_madd(p, s, v_splat(6.37261928875436e-04f));
  p = v_madd(p, s, v_splat(4.89352455891786e-03f));
  v4f q = v_splat(1.19825839466702e-06f);
  q = v_madd(q, s, v_splat(1.18534705686654e-04f));
  q = v_madd(q, s, v_splat(2.26843463243900e-03f));
  q = v_madd(q, s, v_splat(4.89352518554385e-03f));
  return v_select(v_gt(v_abs(x), limit), v_copysign(v_splat(1.0f), x), v_div(v_mul(x, p), q));
}

/* x = 2^n m with m in [sqrt(1/2), sqrt(2)); log x = n ln 2 + log m. Error at most max(e, 2e|y|). 0 gives -Infinity, below it NaN. */
static inline v4f v_log(v4f x) {
  const v4f least_normal = v_splat(1.17549435e-38f);
  v4i subnormal = v_lt(x, least_normal);
  v4f scaled = v_select(subnormal, v_mul(x, v_splat(8388608.0f)), x); /* 2^23 */
  v4i bits = (v4i)scaled;
  v4i n = ((bits >> 23) & v_splat_int(255)) - 126;
  v4f m = (v4f)((bits & v_splat_int(0x007fffff)) | v_splat_int(0x3f000000)); /* [1/2, 1) */
  v4i low = v_lt(m, v_splat(0.707106781186547524f));
  n += low; /* a true lane is -1 */
  n -= subnormal & v_splat_int(23);
  m = v_sub(v_add(m, v_select(low, m, v_splat(0.0f))), v_splat(1.0f));
  v4f exponent = __builtin_convertvector(n, v4f);
  v4f z = v_mul(m, m);
  v4f p = v_splat(7.0376836292e-2f);
  p = v_madd(p, m, v_splat(-1.1514610310e-1f));
  p = v_madd(p, m, v_splat(1.1676998740e-1f));
  p = v_madd(p, m, v_splat(-1.2420140846e-1f));
  p = v_madd(p, m, v_splat(1.4249322787e-1f));
  p = v_madd(p, m, v_splat(-1.6668057665e-1f));
  p = v_madd(p, m, v_splat(2.0000714765e-1f));
  p = v_madd(p, m, v_splat(-2.4999993993e-1f));
  p = v_madd(p, m, v_splat(3.3333331174e-1f));
  p = v_mul(v_mul(p, m), z);
  p = v_madd(exponent, v_splat(-2.12194440e-4f), p);
  p = v_madd(z, v_splat(-0.5f), p);
  v4f y = v_madd(exponent, v_splat(0.693359375f), v_add(m, p));
  const v4f infinity = v_splat(__builtin_inff());
  y = v_select((v4i)(x == infinity), infinity, y);
  y = v_select((v4i)(x == v_splat(0.0f)), v_neg(infinity), y);
  return v_select((v4i)(x >= v_splat(0.0f)), y, v_splat(__builtin_nanf("")));
}

/* log(1 + t) for t in [0, 1]: log u plus what the rounding of u = 1 + t lost. */
static inline v4f v_log1p(v4f t) {
  v4f u = v_add(v_splat(1.0f), t);
  v4f lost = v_sub(t, v_sub(u, v_splat(1.0f)));
  return v_add(v_log(u), v_div(lost, u));
}

/* Error at most 2e. Below 1 an odd polynomial, above it 1 - e^(-x^2) / x times a polynomial in 1 / x^2. */
static inline v4f v_erf(v4f x) {
  v4f a = v_abs(x);
  v4f z = v_mul(x, x);
  v4f small = v_splat(7.853861353153693e-5f);
  small = v_madd(small, z, v_splat(-8.010193625184903e-4f));
  small = v_madd(small, z, v_splat(5.188327685732524e-3f));
  small = v_madd(small, z, v_splat(-2.685381193529856e-2f));
  small = v_madd(small, z, v_splat(1.128358514861418e-1f));
  small = v_madd(small, z, v_splat(-3.761262582423300e-1f));
  small = v_madd(small, z, v_splat(1.128379165726710f));
  small = v_mul(small, x);
  /* erf is 1 to the last bit from 4 on; the polynomial is used up to there. */
  v4f held = v_min(v_max(a, v_splat(1.0f)), v_splat(4.0f));
  v4f q = v_div(v_splat(1.0f), held);
  v4f y = v_mul(q, q);
  v4f p = v_splat(2.326819970068386e-2f);
  p = v_madd(p, y, v_splat(-1.387039388740657e-1f));
  p = v_madd(p, y, v_splat(3.687424674597105e-1f));
  p = v_madd(p, y, v_splat(-5.824733027278666e-1f));
  p = v_madd(p, y, v_splat(6.210004621745983e-1f));
  p = v_madd(p, y, v_splat(-4.944515323274145e-1f));
  p = v_madd(p, y, v_splat(3.404879937665872e-1f));
  p = v_madd(p, y, v_splat(-2.741127028184656e-1f));
  p = v_madd(p, y, v_splat(5.638259427386472e-1f));
  v4f tail = v_mul(v_mul(v_exp(v_neg(v_mul(held, held))), q), p);
  v4f large = v_copysign(v_sub(v_splat(1.0f), tail), x);
  return v_select(v_gt(a, v_splat(1.0f)), large, small);
}

#endif
