/* Attention: scaled dot-product (Vaswani et al. 2017) and additive (Bahdanau et al. 2015); batch products.
 *
 * One query at a time: its scores over the keys that it sees, their softmax, the weighted sum of the values. The order of every sum depends
 * only on its length, so the bits of an output do not depend on other queries. */
#include "internal.h"
#include "simd.h"
#include "vmath.h"

/* Number of terms that a lane adds in float before the result is added to a sum in double. */
enum { BLOCK = 64 };

/* ---- products of rows -------------------------------------------------------------------------------------------------------- */

/* n lanes; a constant n = 4 costs no test. Loops over four sums are unrolled by hand, here and in sum_16: compiled for size, they
 * would keep the sums in memory (-Oz, Node, D = 64: scores 3.4 times as fast, all of attention 1.7 times). */
static inline __attribute__((always_inline)) v4f load_n(const float *p, size_t n) {
  return n == 4 ? v_load(p) : v_load_partial(p, n);
}

/* sum[r] += a[k] w[r][k], lane by lane, for n of 1 to 4 terms from k on. */
static inline __attribute__((always_inline)) void add_products(v4f sum[4], const float *a, const float *const w[4], size_t k,
                                                               size_t n) {
  const v4f x = load_n(a + k, n);
  sum[0] = v_madd(x, load_n(w[0] + k, n), sum[0]);
  sum[1] = v_madd(x, load_n(w[1] + k, n), sum[1]);
  sum[2] = v_madd(x, load_n(w[2] + k, n), sum[2]);
  sum[3] = v_madd(x, load_n(w[3] + k, n), sum[3]);
}

/* sum_k a[k] w[r][k] for n rows of w, 1 to 4; lanes from n on repeat the last row. In a block, term k is added to lane k mod 4, then the
 * lanes in order; blocks are added in double. */
static v4f dot_1x4(const float *a, const float *w, size_t ldw, size_t n, size_t K) {
  const size_t last = (n - 1) * ldw;
  const float *const rows[] = {w, n > 1 ? w + ldw : w, n > 2 ? w + 2 * ldw : w + last, w + last};
  v2d low = {0, 0}, high = {0, 0};
  for (size_t k = 0; k < K;) {
    const size_t end = k + pl_smaller(K - k, 4 * BLOCK);
    v4f sum[4] = {{0}};
    for (; k + 4 <= end; k += 4) {
      add_products(sum, a, rows, k, 4);
    }
    if (k < end) {
      add_products(sum, a, rows, k, end - k);
      k = end;
    }
    v4f lanes = {sum[0][0], sum[1][0], sum[2][0], sum[3][0]};
    lanes = v_add(lanes, (v4f){sum[0][1], sum[1][1], sum[2][1], sum[3][1]});
    lanes = v_add(lanes, (v4f){sum[0][2], sum[1][2], sum[2][2], sum[3][2]});
    lanes = v_add(lanes, (v4f){sum[0][3], sum[1][3], sum[2][3], sum[3][3]});
    low += v_promote_low(lanes);
    high += v_promote_high(lanes);
  }
  return v_demote(low, high);
}

/* y[n] = scale * sum_k a[k] w[n][k] for n < N. */
static void dot_row(float *y, const float *a, const float *w, size_t ldw, float scale, size_t K, size_t N) {
  for (size_t n = 0; n < N; n += 4) {
    v_store_partial(y + n, v_mul(v_splat(scale), dot_1x4(a, w + n * ldw, ldw, pl_smaller(N - n, 4), K)), N - n);
  }
}

void pl_batch_product(float *y, const float *a, const float *w, int B, int M, int K, int N) {
  PL_ASSERT_SIZES(B, M, K);
  PL_ASSERT_SIZES(B, M, N);
  const size_t width = (size_t)N, inner = (size_t)K, rows = (size_t)B * (size_t)M;
  PL_ASSERT_APART(y, rows * width, a, rows * inner);
  PL_ASSERT_APART(y, rows * width, w, (size_t)B * width * inner);
  for (size_t row = 0; row < rows; row++) {
    dot_row(y + row * width, a + row * inner, w + row / (size_t)M * width * inner, inner, 1.0f, inner, width);
  }
}

/* ---- attention --------------------------------------------------------------------------------------------------------------- */

typedef struct attention attention;
struct attention {
  void (*score)(float *scores, const float *q, const float *k, const attention *a, size_t n); /* of query q with n keys */
  const float *scale; /* dot: one number; additive: [Dk] or NULL */
  int causal;
  size_t heads, Dk, Dv;
};

static void score_dot(float *scores, const float *q, const float *k, const attention *a, size_t n) {
  dot_row(scores, q, k, a->heads * a->Dk, *a->scale, a->Dk, n);
}

/* Lanes beyond the last feature add tanh(0) = 0. */
static void score_additive(float *scores, const float *q, const float *k, const attention *a, size_t n) {
  const size_t D = a->Dk;
  for (size_t j = 0; j < n; j++) {
    v4f sum = {0, 0, 0, 0};
    for (size_t d = 0; d < D; d += 4) {
      v4f y = v_tanh(v_add(v_load_partial(q + d, D - d), v_load_partial(k + j * D + d, D - d)));
      sum = v_madd(y, a->scale ? v_load_partial(a->scale + d, D - d) : v_splat(1), sum);
    }
    scores[j] = sum[0] + sum[1] + sum[2] + sum[3];
  }
}

/* y[d] = sum_j w[j] v[j][d], of 16 features; sum_4: of n features, 1 to 4. */

static void sum_16(float *y, const float *w, const float *v, size_t ldv, size_t keys) {
  v2d sum[8] = {{0, 0}};
  for (size_t j = 0; j < keys;) {
    const size_t end = j + pl_smaller(keys - j, BLOCK);
    v4f block[4] = {{0}};
    for (; j < end; j++) {
      const v4f weight = v_splat(w[j]);
      const float *value = v + j * ldv;
      block[0] = v_madd(weight, v_load(value), block[0]);
      block[1] = v_madd(weight, v_load(value + 4), block[1]);
      block[2] = v_madd(weight, v_load(value + 8), block[2]);
      block[3] = v_madd(weight, v_load(value + 12), block[3]);
    }
    sum[0] += v_promote_low(block[0]);
    sum[1] += v_promote_high(block[0]);
    sum[2] += v_promote_low(block[1]);
    sum[3] += v_promote_high(block[1]);
    sum[4] += v_promote_low(block[2]);
    sum[5] += v_promote_high(block[2]);
    sum[6] += v_promote_low(block[3]);
    sum[7] += v_promote_high(block[3]);
  }
  for (size_t i = 0; i < 4; i++) {
    v_store(y + 4 * i, v_demote(sum[2 * i], sum[2 * i + 1]));
  }
}

static void sum_4(float *y, const float *w, const float *v, size_t ldv, size_t keys, size_t n) {
  v2d low = {0, 0}, high = {0, 0};
  for (size_t j = 0; j < keys;) {
    const size_t end = j + pl_smaller(keys - j, BLOCK);
    v4f block = {0, 0, 0, 0};
    for (; j < end; j++) {
      block = v_madd(v_splat(w[j]), v_load_partial(v + j * ldv, n), block);
    }
    low += v_promote_low(block);
    high += v_promote_high(block);
  }
  v_store_partial(y, v_demote(low, high), n);
}

/* One query with n keys: w [n] becomes its weights, y [Dv] its output. */
static void attend_query(float *y, float *w, const float *q, const float *k, const float *v, const attention *a, size_t n) {
  const size_t Dv = a->Dv, ldv = a->heads * Dv;
  a->score(w, q, k, a, n);
  pl_softmax(w, w, 1, (int)n);
  size_t d = 0;
  for (; d + 16 <= Dv; d += 16) {
    sum_16(y + d, w, v + d, ldv, n);
  }
  for (; d < Dv; d += 4) {
    sum_4(y + d, w, v + d, ldv, n, pl_smaller(Dv - d, 4));
  }
}

size_t pl_ragged_attention_scratch(const int32_t *key_splits, int B) { return pl_arena_floats(pl_longest_row(key_splits, B), 1); }

static pl_status attend(float *y, float *weights, const float *q, const float *k, const float *v, const int32_t *query_splits,
                        const int32_t *key_splits, int B, const attention *a, pl_arena *arena) {
  PL_ASSERT_SPLITS(query_splits, B);
  PL_ASSERT_SPLITS(key_splits, B);
  const size_t ldk = a->heads * a->Dk, ldv = a->heads * a->Dv, bytes = pl_ragged_attention_scratch(key_splits, B);
  PL_ASSERT_APART(y, (size_t)query_splits[B] * ldv, q, (size_t)query_splits[B] * ldk);
  PL_ASSERT_APART(y, (size_t)query_splits[B] * ldv, k, (size_t)key_splits[B] * ldk);
  PL_ASSERT_APART(y, (size_t)query_splits[B] * ldv, v, (size_t)key_splits[B] * ldv);
  if (!pl_arena_has(arena, bytes)) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  float *w = pl_arena_take(arena, bytes);
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t Tq = pl_row_length(query_splits, b), Tk = pl_row_length(key_splits, b);
    const size_t first_query = (size_t)query_splits[b], first_key = (size_t)key_splits[b];
    for (size_t h = 0; h < a->heads; h++) {
      for (size_t i = 0; i < Tq; i++) {
        const size_t query = first_query + i, n = a->causal && i < Tk ? i + 1 : Tk;
        attend_query(y + query * ldv + h * a->Dv, w, q + query * ldk + h * a->Dk, k + first_key * ldk + h * a->Dk,
                     v + first_key * ldv + h * a->Dv, a, n);
        for (size_t j = 0; weights && j < Tk; j++) {
          *weights++ = j < n ? w[j] : 0;
        }
      }
    }
  }
  arena->used = used;
  return PL_OK;
}

pl_status pl_ragged_attention(float *y, float *weights, const float *q, const float *k, const float *v, const int32_t *query_splits,
                              const int32_t *key_splits, float scale, int causal, int B, int heads, int Dk, int Dv,
                              pl_arena *arena) {
  PL_ASSERT_SIZES(heads, Dk, Dv);
  const attention a = {score_dot, &scale, causal, (size_t)heads, (size_t)Dk, (size_t)Dv};
  return attend(y, weights, q, k, v, query_splits, key_splits, B, &a, arena);
}

pl_status pl_ragged_additive_attention(float *y, float *weights, const float *q, const float *k, const float *v, const float *scale,
                                       const int32_t *query_splits, const int32_t *key_splits, int causal, int B, int D, int Dv,
                                       pl_arena *arena) {
  PL_ASSERT_SIZES(1, D, Dv);
  const attention a = {score_additive, scale, causal, 1, (size_t)D, (size_t)Dv};
  return attend(y, weights, q, k, v, query_splits, key_splits, B, &a, arena);
}
