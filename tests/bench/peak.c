/* Measures the highest multiply-add rate of an engine: accumulators stay in registers, and nothing is loaded. BUILD_N(repeat, 0.5) does
 * repeat * N * 2 multiply-adds of four lanes. The factor is an argument, because V8 builds a constant again at each use. */
#include <wasm_simd128.h>

static inline v128_t madd_baseline(v128_t a, v128_t b, v128_t c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
static inline v128_t madd_relaxed(v128_t a, v128_t b, v128_t c) { return wasm_f32x4_relaxed_madd(a, b, c); }

#define UNROLL _Pragma("clang loop unroll(full)")
#define LOOP(BUILD, N)                                                                                                             \
  __attribute__((export_name(#BUILD "_" #N))) float BUILD##_##N(int repeat, float decay);                                          \
  float BUILD##_##N(int repeat, float decay) {                                                                                     \
    v128_t acc[N], x = wasm_f32x4_splat(1.0f / (float)repeat), w = wasm_f32x4_splat(decay);                                        \
    UNROLL for (int n = 0; n < N; n++) { acc[n] = wasm_f32x4_splat((float)n); }                                                    \
    for (int i = 0; i < repeat; i++) {                                                                                             \
      UNROLL for (int k = 0; k < 2; k++) {                                                                                         \
        UNROLL for (int n = 0; n < N; n++) { acc[n] = madd_##BUILD(acc[n], w, x); }                                                \
      }                                                                                                                            \
    }                                                                                                                              \
    UNROLL for (int n = 1; n < N; n++) { acc[0] = wasm_f32x4_add(acc[0], acc[n]); }                                                \
    return wasm_f32x4_extract_lane(acc[0], 0);                                                                                     \
  }

#define LOOPS(BUILD) LOOP(BUILD, 6) LOOP(BUILD, 8) LOOP(BUILD, 10) LOOP(BUILD, 12)
LOOPS(baseline)
LOOPS(relaxed)
