/* Dense layers. */
#include "gemm.h"
#include "simd.h"

/* ---- packing ----------------------------------------------------------------------------------------------------------------- */

void gemm_pack_column(float *packed, size_t n, const float *w, size_t ldw, const float *bias, size_t K) {
  float *column = packed + n / GEMM_PANEL * GEMM_PANEL * (K + 1) + n % GEMM_PANEL;
  *column = bias ? *bias : 0.0f;
  for (size_t k = 0; k < K; k++) {
    column[(k + 1) * GEMM_PANEL] = w[k * ldw];
  }
}

size_t gemm_packed_size(size_t K, size_t N) { return pl_product(pl_round_up(N, GEMM_PANEL), pl_sum(K, 1)); }

size_t pl_dense_packed_size(int K, int N) { return gemm_packed_size((size_t)K, (size_t)N); }

void pl_dense_pack(float *packed, const float *w, const float *bias, int K, int N) {
  PL_ASSERT_SIZES(1, K, N);
  memset(packed, 0, pl_dense_packed_size(K, N) * sizeof *packed);
  for (size_t n = 0; n < (size_t)N; n++) {
    gemm_pack_column(packed, n, w + n, (size_t)N, bias ? bias + n : NULL, (size_t)K);
  }
}

/* ---- the product ------------------------------------------------------------------------------------------------------------- */

/* Offset of output n, a multiple of 8, and the distance from there to the next 8 outputs, of the same 32. */
static inline size_t gemm_at(size_t n, size_t K) { return n / GEMM_PANEL * GEMM_PANEL * (K + 1) + n % GEMM_PANEL; }
static inline size_t gemm_step(size_t K) { return GEMM_PANEL == 8 ? GEMM_PANEL * (K + 1) : 8; }

/* Computes `rows` by 8*`eights` outputs in registers; callers pass constants for both. Only the first N columns are stored. */
static inline __attribute__((always_inline)) void gemm_tile(float *y, size_t ldy, const float *x, size_t ldx, const float *packed,
                                                            size_t K, size_t N, const size_t rows, const size_t eights) {
  const size_t step = gemm_step(K);
  v4f acc[8];
  UNROLL
  for (size_t i = 0; i < eights; i++) {
    UNROLL
    for (size_t r = 0; r < rows; r++) {
      acc[2 * (r * eights + i)] = v_load(packed + i * step);
      acc[2 * (r * eights + i) + 1] = v_load(packed + i * step + 4);
    }
  }
  for (size_t k = 0; k < K; k++) {
    packed += GEMM_PANEL;
    UNROLL
    for (size_t i = 0; i < eights; i++) {
      v4f low = v_load(packed + i * step), high = v_load(packed + i * step + 4);
      UNROLL
      for (size_t r = 0; r < rows; r++) {
        v4f a = v_splat(x[r * ldx + k]);
        v4f *sum = acc + 2 * (r * eights + i);
        sum[0] = v_madd(a, low, sum[0]);
        sum[1] = v_madd(a, high, sum[1]);
      }
    }
  }
  UNROLL
  for (size_t r = 0; r < rows; r++) {
    UNROLL
    for (size_t i = 0; i < eights; i++) {
      float *out = y + r * ldy + 8 * i;
      const v4f *sum = acc + 2 * (r * eights + i);
      size_t left = N - 8 * i;
      if (left >= 8) {
        v_store(out, sum[0]);
        v_store(out + 4, sum[1]);
      } else {
        v_store_partial(out, sum[0], pl_smaller(left, 4));
        v_store_partial(out + 4, sum[1], left < 4 ? 0 : left - 4);
      }
    }
  }
}

void gemm(float *y, size_t ldy, const float *x, size_t ldx, const float *packed, size_t M, size_t K, size_t N) {
  const size_t fours = M - M % 4;
  /* 4x8: a panel stays in the first-level cache for all rows. */
  for (size_t n = 0; fours && n < N; n += 8) {
    for (size_t m = 0; m < fours; m += 4) {
      gemm_tile(y + m * ldy + n, ldy, x + m * ldx, ldx, packed + gemm_at(n, K), K, N - n, 4, 1);
    }
  }
  /* 1x32: each weight is read once. */
  for (size_t m = fours; m < M; m++) {
    size_t n = 0;
    for (; n + 32 <= N; n += 32) {
      gemm_tile(y + m * ldy + n, ldy, x + m * ldx, ldx, packed + gemm_at(n, K), K, N - n, 1, 4);
    }
    for (; n < N; n += 8) {
      gemm_tile(y + m * ldy + n, ldy, x + m * ldx, ldx, packed + gemm_at(n, K), K, N - n, 1, 1);
    }
  }
}

void pl_dense(float *y, const float *x, const float *packed, int M, int K, int N) {
  PL_ASSERT_SIZES(M, K, N);
  PL_ASSERT_APART(y, (size_t)M * (size_t)N, x, (size_t)M * (size_t)K);
  gemm(y, (size_t)N, x, (size_t)K, packed, (size_t)M, (size_t)K, (size_t)N);
}

/* Computes one product for each run of steps that count, and clears the padding between runs. */
void pl_masked_dense(float *y, const float *x, const float *packed, const uint8_t *mask, int B, int T, int K, int N) {
  PL_ASSERT_SIZES(B, T, K);
  PL_ASSERT_SIZES(B, T, N);
  const size_t total = (size_t)B * (size_t)T, in = (size_t)K, out = (size_t)N;
  PL_ASSERT_APART(y, total * out, x, total * in);
  for (size_t t = 0; t < total;) {
    size_t begin = pl_next_step(mask, t, total);
    size_t end = pl_next_padding(mask, begin, total);
    if (out) {
      memset(y + t * out, 0, (begin - t) * out * sizeof *y);
    }
    gemm(y + begin * out, out, x + begin * in, in, packed, end - begin, in, out);
    t = end;
  }
}
