/* exp, log, tanh, sigmoid and erf of four floats. They use only + - * /, comparisons and integer operations, so the fixed-order build
 * gives the same bits on every engine and processor. e is the float epsilon, 2^-23. tests/kernels/vmath.c measures the errors, over every
 * float of the range or every 4096th, and fails if one exceeds the bound stated here.
 * Polynomials of exp, log and erf: Cephes Mathematical Library 2.2 (Moshier), single precision; those of sigmoid and tanh were fitted
 * for padless. */
#ifndef PADLESS_VMATH_H
#define PADLESS_VMATH_H

#include "simd.h"

/* e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2)/2. Relative error at most 2e where the result is normal; above 88.73
 * the result is Infinity, below -87.33 subnormal, below -104 0; NaN gives NaN. */
static inline v4f v_exp(v4f x) {
  const v4f round = v_splat(12582912.0f); /* 1.5 * 2^23: adding it leaves the nearest integer in the low bits */
  x = v_min(v_max(x, v_splat(-104.0f)), v_splat(89.0f));
  v4f shifted = v_madd(x, v_splat(1.44269504088896341f), round);
  v4f n = v_sub(shifted, round);
  v4i power = (v4i)shifted - (v4i)round;
  /* ln 2 is split into two parts, so that n times the first is exact. */
  v4f r = v_madd(n, v_splat(-0.693359375f), x);
  r = v_madd(n, v_splat(2.12194440e-4f), r);
  v4f p = v_splat(1.9875691500e-4f);
  p = v_madd(p, r, v_splat(1.3981999507e-3f));
  p = v_madd(p, r, v_splat(8.3334519073e-3f));
  p = v_madd(p, r, v_splat(4.1665795894e-2f));
  p = v_madd(p, r, v_splat(1.6666665459e-1f));
  p = v_madd(p, r, v_splat(5.0000001201e-1f));
  p = v_add(v_madd(p, v_mul(r, r), r), v_splat(1.0f));
  /* 2^n as two factors, as 2^n itself may be beyond the range of exponents. */
  v4i half = power >> 1;
  v4f low = (v4f)((half + 127) << 23);
  v4f high = (v4f)((power - half + 127) << 23);
  return v_mul(v_mul(p, low), high);
}

/* Hides the address of the table from the compiler, so that it loads the values. V8 builds a vector constant at each use, in two or three
 * instructions; a load is one. */
static inline const float *v_table(const float *table) {
  __asm__("" : "+r"(table));
  return table;
}

/* -log2 e; the bounds of the exponent; 1.5 * 2^23, which rounds to integers; the polynomial of degree 5 for 2^x over [-1/2, 1/2], highest
 * power first. Its relative error is 0.8e, and 2^0 is exactly 1. */
static const float v_exp_table[] = {
    -1.44269504f,
    -126.0f,
    127.0f,
    12582912.0f,
    1.326472731307149e-3f,
    9.67151299119e-3f,
    5.550733581185e-2f,
    2.4022242426872e-1f,
    6.9314700365067e-1f,
    1.0f,
};

/* e^-x of n vectors together, so that each constant is loaded once. Only for sigmoids, because the relative error grows with |x|: it is below
 * (1 + |x|/4) e. */
static inline __attribute__((always_inline)) void v_exp_neg(v4f *y, const v4f *x, const int n) {
  const float *k = v_table(v_exp_table);
  v4f f[4];
  v4i power[4];
  UNROLL
  for (int i = 0; i < n; i++) {
    v4f z = v_at_most(v_at_least(v_mul(x[i], v_splat(k[0])), v_splat(k[1])), v_splat(k[2]));
    v4f shifted = v_add(z, v_splat(k[3]));
    f[i] = v_sub(z, v_sub(shifted, v_splat(k[3])));
    power[i] = ((v4i)shifted << 23) + v_splat_int(0x3f800000);
    y[i] = v_splat(k[4]);
  }
  UNROLL
  for (int c = 5; c < 10; c++) {
    v4f coefficient = v_splat(k[c]);
    UNROLL
    for (int i = 0; i < n; i++) {
      y[i] = v_madd(y[i], f[i], coefficient);
    }
  }
  UNROLL
  for (int i = 0; i < n; i++) {
    y[i] = v_mul(y[i], (v4f)power[i]); /* 2^z; a NaN stays NaN, whatever power[i] is */
  }
}

/* 1 / (1 + e^-x). Error at most max(e, e|y|). */
static inline v4f v_sigmoid(v4f x) {
  v4f y;
  v_exp_neg(&y, &x, 1);
  return v_div(v_splat(1.0f), v_add(v_splat(1.0f), y));
}

/* The bounds; then the polynomials in x^2 of numerator / x and of the denominator, highest power first, each ending in 1: a minimax
 * fit over [-9, 9] by Lawson's iteration. */
static const float v_tanh_table[] = {
    -9.0f,
    9.0f,
    1.3419826139227098e-8f,
    2.0661265807575546e-5f,
    3.498996142297983e-3f,
    1.3383980095386505e-1f,
    1.0f,
    7.804731012583943e-7f,
    3.2910387380979955e-4f,
    2.5890206918120384e-2f,
    4.671730101108551e-1f,
    1.0f,
};

/* Returns numerator and denominator, tanh x = p / q, so that callers can fold in their own division. n vectors together, so that each
 * constant is loaded once. */
static inline __attribute__((always_inline)) void v_tanh_parts(v4f *p, v4f *q, const v4f *x, const int n) {
  const float *k = v_table(v_tanh_table);
  UNROLL
  for (int i = 0; i < n; i++) {
    v4f clamped = v_at_most(v_at_least(x[i], v_splat(k[0])), v_splat(k[1]));
    v4f s = v_mul(clamped, clamped), a = v_splat(k[2]), b = v_splat(k[7]);
    UNROLL
    for (int c = 1; c < 5; c++) {
      a = v_madd(a, s, v_splat(k[2 + c]));
      b = v_madd(b, s, v_splat(k[7 + c]));
    }
    p[i] = v_mul(clamped, a);
    q[i] = b;
  }
}

/* An odd polynomial of degree 9 divided by an even one of degree 8. From |x| = 9 on it is exactly 1 in both builds, as gelu multiplies the
 * difference from 1 by x. Error at most max(e, 4e|y|). */
static inline v4f v_tanh(v4f x) {
  v4f p, q;
  v_tanh_parts(&p, &q, &x, 1);
  return v_div(p, q);
}

/* x = 2^n m with m in [sqrt(1/2), sqrt(2)); log x = n ln 2 + log m. Error at most max(e, 2e|y|). 0 gives -Infinity, a negative x NaN. */
static inline v4f v_log(v4f x) {
  const v4f smallest_normal = v_splat(1.17549435e-38f);
  v4i subnormal = v_lt(x, smallest_normal);
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

/* log(1 + t) for t in [0, 1]: with u = 1 + t rounded, log u plus the rounding error of u, divided by u. */
static inline v4f v_log1p(v4f t) {
  v4f u = v_add(v_splat(1.0f), t);
  v4f lost = v_sub(t, v_sub(u, v_splat(1.0f)));
  return v_add(v_log(u), v_div(lost, u));
}

/* Error at most 2e. For |x| <= 1 an odd polynomial, above 1 - e^(-x^2) / x times a polynomial in 1 / x^2. */
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
  /* From 4 on erf is 1 in float, so the polynomial is used up to 4. */
  v4f clamped = v_min(v_max(a, v_splat(1.0f)), v_splat(4.0f));
  v4f q = v_div(v_splat(1.0f), clamped);
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
  v4f tail = v_mul(v_mul(v_exp(v_neg(v_mul(clamped, clamped))), q), p);
  v4f large = v_copysign(v_sub(v_splat(1.0f), tail), x);
  return v_select(v_gt(a, v_splat(1.0f)), large, small);
}

#endif
