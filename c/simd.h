/* Four floats at a time: WebAssembly SIMD128, or the vectors of GCC and Clang natively, with the same results bit for bit.
 * PL_RELAXED: v_madd rounds once (relaxed SIMD, natively fmaf); without it every operation rounds, in the order written. */
#ifndef PADLESS_SIMD_H
#define PADLESS_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#else
#include <math.h>
#endif

/* Unrolls the next loop completely, also in files compiled for size: only then can the compiler keep the loop's array in registers. */
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL
#endif

typedef float v4f __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16))); /* integers, and masks: a lane is all ones or all zeros */
typedef double v2d __attribute__((vector_size(16)));

/* ---- memory: no alignment needed; partial ones read or write exactly n lanes, 0 to 4 ----------------------------------------- */

static inline v4f v_load(const float *p) {
  v4f v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline void v_store(float *p, v4f v) { memcpy(p, &v, sizeof v); }

/* Lanes from n on are 0. */
static inline v4f v_load_partial(const float *p, size_t n) {
  switch (n) {
  case 0:
    return (v4f){0, 0, 0, 0};
  case 1:
    return (v4f){p[0], 0, 0, 0};
  case 2:
    return (v4f){p[0], p[1], 0, 0};
  case 3:
    return (v4f){p[0], p[1], p[2], 0};
  default:
    return v_load(p);
  }
}

static inline void v_store_partial(float *p, v4f v, size_t n) {
  if (n >= 4) {
    v_store(p, v);
    return;
  }
  if (n > 0) {
    p[0] = v[0];
  }
  if (n > 1) {
    p[1] = v[1];
  }
  if (n > 2) {
    p[2] = v[2];
  }
}

/* min(n, 4) lanes. Always inlined up to the test, so that a whole vector costs no call in files compiled for size. */
static inline __attribute__((always_inline)) v4f v_load_some(const float *p, size_t n) {
  return n >= 4 ? v_load(p) : v_load_partial(p, n);
}

static inline __attribute__((always_inline)) void v_store_some(float *p, v4f v, size_t n) {
  if (n >= 4) {
    v_store(p, v);
  } else {
    v_store_partial(p, v, n);
  }
}

/* y = x, n floats, no overlap. For 100 floats seven times as fast as memcpy, of which Emscripten links a version optimised for size. */
static inline void v_copy(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    v_store_some(y + i, v_load_some(x + i, n - i), n - i);
  }
}

static inline v4f v_splat(float x) { return (v4f){x, x, x, x}; }
static inline v4i v_splat_int(int32_t x) { return (v4i){x, x, x, x}; }

/* ---- arithmetic -------------------------------------------------------------------------------------------------------------- */

static inline v4f v_add(v4f a, v4f b) { return a + b; }
static inline v4f v_sub(v4f a, v4f b) { return a - b; }
static inline v4f v_mul(v4f a, v4f b) { return a * b; }
static inline v4f v_div(v4f a, v4f b) { return a / b; }

/* a*b + c */
static inline v4f v_madd(v4f a, v4f b, v4f c) {
#if defined(PL_RELAXED) && defined(__wasm_simd128__)
  return (v4f)wasm_f32x4_relaxed_madd((v128_t)a, (v128_t)b, (v128_t)c);
#elif defined(PL_RELAXED)
  return (v4f){fmaf(a[0], b[0], c[0]), fmaf(a[1], b[1], c[1]), fmaf(a[2], b[2], c[2]), fmaf(a[3], b[3], c[3])};
#else
  return a * b + c;
#endif
}

/* ---- compare and select: a lane of the mask takes a, else b ------------------------------------------------------------------ */

static inline v4i v_lt(v4f a, v4f b) { return (v4i)(a < b); }
static inline v4i v_gt(v4f a, v4f b) { return (v4i)(a > b); }
static inline v4i v_ne(v4f a, v4f b) { return (v4i)(a != b); }
static inline v4f v_select(v4i mask, v4f a, v4f b) { return (v4f)((mask & (v4i)a) | (~mask & (v4i)b)); }

/* NaN in either operand gives NaN; -0 is less than +0. */
static inline v4f v_min(v4f a, v4f b) {
#ifdef __wasm_simd128__
  return (v4f)wasm_f32x4_min((v128_t)a, (v128_t)b);
#else
  v4f lesser = v_select(v_lt(a, b), a, b);
  lesser = v_select((v4i)(a == b), (v4f)((v4i)a | (v4i)b), lesser); /* -0 and +0 are equal: the sign is or-ed */
  return v_select(v_ne(a, a), a, v_select(v_ne(b, b), b, lesser));
#endif
}

static inline v4f v_max(v4f a, v4f b) {
#ifdef __wasm_simd128__
  return (v4f)wasm_f32x4_max((v128_t)a, (v128_t)b);
#else
  v4f greater = v_select(v_gt(a, b), a, b);
  greater = v_select((v4i)(a == b), (v4f)((v4i)a & (v4i)b), greater);
  return v_select(v_ne(a, a), a, v_select(v_ne(b, b), b, greater));
#endif
}

/* b where it is less than a (v_at_least: greater), else a; so a NaN in a stays. One x86 instruction; v_min and v_max take about six. */
static inline v4f v_at_most(v4f a, v4f b) {
#ifdef __wasm_simd128__
  return (v4f)wasm_f32x4_pmin((v128_t)a, (v128_t)b);
#else
  return v_select(v_lt(b, a), b, a);
#endif
}

static inline v4f v_at_least(v4f a, v4f b) {
#ifdef __wasm_simd128__
  return (v4f)wasm_f32x4_pmax((v128_t)a, (v128_t)b);
#else
  return v_select(v_lt(a, b), b, a);
#endif
}

static inline v4f v_abs(v4f a) { return (v4f)((v4i)a & v_splat_int(INT32_MAX)); }
static inline v4f v_neg(v4f a) { return -a; }

/* |a| with the sign of b. */
static inline v4f v_copysign(v4f a, v4f b) { return (v4f)(((v4i)a & v_splat_int(INT32_MAX)) | ((v4i)b & v_splat_int(INT32_MIN))); }

/* ---- sums in double: the low and the high two lanes -------------------------------------------------------------------------- */

/* These convert whole vectors: lane by lane, GCC 12 optimises a demotion followed by a promotion away, and with it the rounding. */
typedef float v2f __attribute__((vector_size(8)));
static inline v2d v_promote_low(v4f a) { return __builtin_convertvector(((v2f){a[0], a[1]}), v2d); }
static inline v2d v_promote_high(v4f a) { return __builtin_convertvector(((v2f){a[2], a[3]}), v2d); }
static inline v4f v_demote(v2d low, v2d high) {
  v2f a = __builtin_convertvector(low, v2f), b = __builtin_convertvector(high, v2f);
  return (v4f){a[0], a[1], b[0], b[1]};
}
static inline v2d v_splat_double(double x) { return (v2d){x, x}; }

/* ---- small integers: 16-bit products of neighbours, added in 32 bits --------------------------------------------------------- */

typedef int16_t v8s __attribute__((vector_size(16)));
typedef int16_t v4s __attribute__((vector_size(8)));

/* Eight int8, widened to 16 bits. */
static inline v8s v_load_bytes(const int8_t *p) {
#ifdef __wasm_simd128__
  return (v8s)wasm_i16x8_load8x8(p);
#else
  return (v8s){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
#endif
}

/* The first four and the last four, widened to 32 bits. */
static inline v4i v_widen_low(v8s a) { return __builtin_convertvector(((v4s){a[0], a[1], a[2], a[3]}), v4i); }
static inline v4i v_widen_high(v8s a) { return __builtin_convertvector(((v4s){a[4], a[5], a[6], a[7]}), v4i); }

/* p[0], p[1], p[0], p[1], ... */
static inline v8s v_splat_pair(const int16_t *p) {
#ifdef __wasm_simd128__
  return (v8s)wasm_v128_load32_splat(p);
#else
  return (v8s){p[0], p[1], p[0], p[1], p[0], p[1], p[0], p[1]};
#endif
}

/* a[2i] b[2i] + a[2i+1] b[2i+1] */
static inline v4i v_dot_pairs(v8s a, v8s b) {
#ifdef __wasm_simd128__
  return (v4i)wasm_i32x4_dot_i16x8((v128_t)a, (v128_t)b);
#else
  return (v4i){a[0] * b[0] + a[1] * b[1], a[2] * b[2] + a[3] * b[3], a[4] * b[4] + a[5] * b[5], a[6] * b[6] + a[7] * b[7]};
#endif
}

static inline v4i v_max_int(v4i a, v4i b) {
#ifdef __wasm_simd128__
  return (v4i)wasm_i32x4_max((v128_t)a, (v128_t)b);
#else
  return ((a > b) & a) | (~(a > b) & b);
#endif
}

static inline v4f v_from_int(v4i a) { return __builtin_convertvector(a, v4f); }

/* Stores the nearest integers, halves rounded to even, of numbers from -32768 to 32767. Adding 3 * 2^22 leaves the integer in the low
 * bits. */
static inline void v_store_rounded(int16_t *p, v4f a) {
  v4s low = __builtin_convertvector((v4i)v_add(a, v_splat(12582912.0f)), v4s);
  memcpy(p, &low, sizeof low);
}

/* The greatest of n > 0 floats, in every lane; NaN if one is NaN. */
static inline v4f v_greatest(const float *x, size_t n) {
  v4f max = v_splat(x[0]);
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    max = v_max(max, v_load(x + i));
  }
  for (; i < n; i++) {
    max = v_max(max, v_splat(x[i]));
  }
  return v_max(v_max(v_splat(max[0]), v_splat(max[1])), v_max(v_splat(max[2]), v_splat(max[3])));
}

#endif
