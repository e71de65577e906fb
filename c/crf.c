/* Linear-chain conditional random field (Lafferty et al. 2001): the best tags (Viterbi) and the probability of each tag (forward-backward).
 *
 * Sums are kept as logarithms, in double, so that scores may differ by any amount, and the result is exact to float precision even after a
 * hundred thousand steps. Functions named _x2 compute two tags at a time. The bits of a tag depend only on the steps of its row. */
#include "internal.h"
#include "simd.h"
#include "vmath.h"

#include <math.h>

typedef int64_t v2l __attribute__((vector_size(16))); /* masks */
typedef uint64_t v2u __attribute__((vector_size(16)));

/* For functions with several callers, whose inlined copies would enlarge the module. */
#define OUT_OF_LINE static __attribute__((noinline))

static inline v2d load_x2(const double *p) { return (v2d){p[0], p[1]}; }
static inline void store_x2(double *p, v2d v) { memcpy(p, &v, sizeof v); }
static inline v2d select_x2(v2l mask, v2d a, v2d b) { return (v2d)((mask & (v2l)a) | (~mask & (v2l)b)); }

/* e^x = 2^n e^r for x <= 0, n = round(x / ln 2), |r| <= ln(2)/2: the series up to r^9/9!, relative error below 7e-12. 0 gives exactly 1,
 * and below -700 the result is 0. Tested by "crf marginals and log_z stay close to the twin on long rows". */
static inline v2d exp_x2(v2d x) {
  const v2d round = v_splat_double(6755399441055744.0); /* 1.5 * 2^52: adding it leaves the nearest integer in the low bits */
  v2d shifted = x * v_splat_double(1.44269504088896341) + round;
  v2d r = x - (shifted - round) * v_splat_double(0.693147180559945309);
  v2d p = v_splat_double(1.0 / 362880);
  p = p * r + v_splat_double(1.0 / 40320);
  p = p * r + v_splat_double(1.0 / 5040);
  p = p * r + v_splat_double(1.0 / 720);
  p = p * r + v_splat_double(1.0 / 120);
  p = p * r + v_splat_double(1.0 / 24);
  p = p * r + v_splat_double(1.0 / 6);
  p = p * r + v_splat_double(0.5);
  p = p * r + v_splat_double(1);
  p = p * r + v_splat_double(1);
  v2u power = (v2u)shifted - (v2u)round;
  v2d y = p * (v2d)((power + 1023) << 52);
  return select_x2((v2l)(x < v_splat_double(-700)), v_splat_double(0), y);
}

/* log x for x >= 1: v_log in float, then one step of Newton's method for e^y = x. */
static v2d log_x2(v2d x) {
  v2d y = v_promote_low(v_log(v_demote(x, x)));
  return y + (x * exp_x2(-y) - v_splat_double(1));
}

/* ---- from step to step ------------------------------------------------------------------------------------------------------- */

/* Transitions are stored in rows of K + 2: from tag i to tag j at [i][j], from tag i to the end at [i][K], then a 0, so that two columns
 * can be read from any column on. Rows of values per tag have the same width; their elements from K on are not used. */
static size_t row_width(size_t K) { return K + 2; }

/* w[i][j] = transitions[i*from + j*to], w[i][K] = end[i] */
OUT_OF_LINE void lay_out(double *w, const float *transitions, const float *end, size_t K, size_t from, size_t to) {
  for (size_t i = 0; i < K; i++, w += row_width(K)) {
    for (size_t j = 0; j < K; j++) {
      w[j] = (double)transitions[i * from + j * to];
    }
    w[K] = end ? (double)end[i] : 0;
    w[K + 1] = 0;
  }
}

/* a[j] += x[j]; x NULL: zeros. */
OUT_OF_LINE void add(double *a, const float *x, size_t K) {
  for (size_t j = 0; x && j < K; j++) {
    a[j] += (double)x[j];
  }
}

/* best[j] = max_i (a[i] + w[i][j]) of two columns j; from[j] is the first i that gives the maximum. */
OUT_OF_LINE void best_x2(double *best, int32_t *from, const double *a, const double *w, size_t K) {
  v2d max = v_splat_double(a[0]) + load_x2(w), first = {0, 0};
  for (size_t i = 1; i < K; i++) {
    v2d sum = v_splat_double(a[i]) + load_x2(w + i * row_width(K));
    v2l greater = (v2l)(sum > max);
    max = select_x2(greater, sum, max);
    first = select_x2(greater, v_splat_double((double)i), first);
  }
  store_x2(best, max);
  from[0] = (int32_t)first[0];
  from[1] = (int32_t)first[1];
}

/* y[j] = log sum_i exp(a[i] + w[i][j]) of two columns j: the maximum m, plus the logarithm of sum_i exp(a[i] + w[i][j] - m), which is
 * at least 1. If no tag leads to j, m is -Infinity, and so is y. */
OUT_OF_LINE void sum_x2(double *y, const double *a, const double *w, size_t K) {
  int32_t from[2];
  best_x2(y, from, a, w, K);
  v2d max = load_x2(y), base = select_x2((v2l)(max == v_splat_double(-INFINITY)), v_splat_double(0), max), sum = {0, 0};
  for (size_t i = 0; i < K; i++) {
    sum += exp_x2(v_splat_double(a[i]) + load_x2(w + i * row_width(K)) - base);
  }
  sum = select_x2((v2l)(sum < v_splat_double(1)), v_splat_double(1), sum);
  store_x2(y, max + log_x2(sum));
}

/* sum_x2 of all K columns. */
static void sum_all(double *y, const double *a, const double *w, size_t K) {
  for (size_t j = 0; j < K; j += 2) {
    sum_x2(y + j, a, w + j, K);
  }
}

/* ---- rows -------------------------------------------------------------------------------------------------------------------- */

/* The transitions by row and transposed, two rows of values per tag, and one such row for each step. */
typedef struct scratch {
  double *w, *transposed, *now, *next, *steps;
} scratch;

static size_t scratch_doubles(const int32_t *splits, int B, size_t K) {
  return pl_product(pl_sum(pl_product(2, K + 1), pl_longest_row(splits, B)), row_width(K));
}

size_t pl_ragged_crf_scratch(const int32_t *splits, int B, int K) {
  return pl_arena_bytes(pl_product(scratch_doubles(splits, B, (size_t)K), sizeof(double)));
}

static scratch take_scratch(pl_arena *arena, const int32_t *splits, int B, size_t K) {
  const size_t width = row_width(K);
  double *w = pl_arena_take(arena, scratch_doubles(splits, B, K) * sizeof *w), *now = w + 2 * K * width;
  return (scratch){w, w + K * width, now, now + width, now + 2 * width};
}

/* a[j] = start[j] + x[j] */
static void begin(double *a, const float *start, const float *x, size_t K) {
  memset(a, 0, K * sizeof *a);
  add(a, start, K);
  add(a, x, K);
}

/* Viterbi over T > 0 steps; returns the score. */
static double best_tags(int32_t *tags, const float *x, const float *start, const scratch *s, size_t T, size_t K) {
  int32_t *from = (int32_t *)s->steps; /* [t][j]: the tag before tag j of step t */
  double *now = s->now, *next = s->next;
  begin(now, start, x, K);
  for (size_t t = 1; t < T; t++) {
    for (size_t j = 0; j < K; j += 2) {
      best_x2(next + j, from + t * row_width(K) + j, now, s->w + j, K);
    }
    add(next, x + t * K, K);
    double *last = now;
    now = next;
    next = last;
  }
  double best[2];
  int32_t tag[2];
  best_x2(best, tag, now, s->w + K, K); /* the column of the end */
  tags[T - 1] = tag[0];
  for (size_t t = T - 1; t > 0; t--) {
    tags[t - 1] = from[t * row_width(K) + (size_t)tags[t]];
  }
  return best[0];
}

/* Forward-backward over T > 0 steps; returns log_z. a[t][j] is the logarithm of the sum over all tags before step t, with tag j and
 * x[t]; b[j] is that of the sum over all tags after step t. p(tag j at t) = exp(a[t][j] + b[j] - log_z) is computed as a softmax, so
 * that it sums to 1. */
static double tag_probabilities(float *y, const float *x, const float *start, const float *end, const scratch *s, size_t T,
                                size_t K) {
  const size_t width = row_width(K);
  double *a = s->steps, *b = s->now, *next = s->next, log_z[2];
  begin(a, start, x, K);
  for (size_t t = 1; t < T; t++) {
    sum_all(a + t * width, a + (t - 1) * width, s->w, K);
    add(a + t * width, x + t * K, K);
  }
  sum_x2(log_z, a + (T - 1) * width, s->w + K, K); /* the column of the end */
  if (y && log_z[0] == -INFINITY) {
    memset(y, 0, T * K * sizeof *y);
  } else if (y) {
    begin(b, NULL, end, K);
    for (size_t t = T; t-- > 0;) {
      for (size_t j = 0; j < K; j++) {
        y[t * K + j] = (float)(a[t * width + j] + b[j] - log_z[0]);
      }
      add(b, x + t * K, K);
      sum_all(next, b, s->transposed, K);
      double *last = b;
      b = next;
      next = last;
    }
    pl_softmax(y, y, (int)T, (int)K);
  }
  return log_z[0];
}

pl_status pl_ragged_crf_viterbi(int32_t *tags, float *score, const float *x, const float *transitions, const float *start,
                                const float *end, const int32_t *splits, int B, int K, pl_arena *arena) {
  PL_ASSERT(K > 0, "K = %d", K);
  PL_ASSERT_SPLITS(splits, B);
  if (!pl_arena_has(arena, pl_ragged_crf_scratch(splits, B, K))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used, width = (size_t)K;
  const scratch s = take_scratch(arena, splits, B, width);
  lay_out(s.w, transitions, end, width, width, 1);
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t T = pl_row_length(splits, b), first = (size_t)splits[b];
    const double best = T ? best_tags(tags + first, x + first * width, start, &s, T, width) : 0;
    if (score) {
      score[b] = (float)best;
    }
  }
  arena->used = used;
  return PL_OK;
}

pl_status pl_ragged_crf_marginals(float *y, float *log_z, const float *x, const float *transitions, const float *start,
                                  const float *end, const int32_t *splits, int B, int K, pl_arena *arena) {
  PL_ASSERT(K > 0, "K = %d", K);
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT_APART(y, y ? (size_t)splits[B] * (size_t)K : 0, x, (size_t)splits[B] * (size_t)K);
  if (!pl_arena_has(arena, pl_ragged_crf_scratch(splits, B, K))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used, width = (size_t)K;
  const scratch s = take_scratch(arena, splits, B, width);
  lay_out(s.w, transitions, end, width, width, 1);
  lay_out(s.transposed, transitions, NULL, width, 1, width);
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t T = pl_row_length(splits, b), first = (size_t)splits[b] * width;
    const double sum = T ? tag_probabilities(y ? y + first : NULL, x + first, start, end, &s, T, width) : 0;
    if (log_z) {
      log_z[b] = (float)sum;
    }
  }
  arena->used = used;
  return PL_OK;
}

void pl_ragged_crf_score(float *score, const int32_t *tags, const float *x, const float *transitions, const float *start,
                         const float *end, const int32_t *splits, int B, int K) {
  PL_ASSERT(K > 0, "K = %d", K);
  PL_ASSERT_SPLITS(splits, B);
  const size_t width = (size_t)K;
  for (size_t b = 0; b < (size_t)B; b++) {
    const size_t T = pl_row_length(splits, b), first = (size_t)splits[b];
    double sum = 0;
    for (size_t t = first; t < first + T; t++) {
      PL_ASSERT(0 <= tags[t] && tags[t] < K, "tags[%zu] = %d, K = %d", t, tags[t], K);
      const float *to = t > first ? transitions + (size_t)tags[t - 1] * width : start;
      sum += (double)x[t * width + (size_t)tags[t]] + (to ? (double)to[tags[t]] : 0);
    }
    if (T && end) {
      sum += (double)end[tags[first + T - 1]];
    }
    score[b] = (float)sum;
  }
}
