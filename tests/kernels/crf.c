#include "rnn.h"

#include <string.h>

typedef struct crf {
  int B, K;
  const int32_t *splits;
  float *x, *transitions, *start, *end;
} crf;

/* Rows of the given splits; `ends`: whether start and end have scores. */
static crf new_crf(const int32_t *splits, int B, int K, bool ends, float reach) {
  return (crf){B,
               K,
               splits,
               uniform((size_t)splits[B] * K, -reach, reach),
               uniform((size_t)K * K, -reach, reach),
               ends ? uniform(K, -reach, reach) : NULL,
               ends ? uniform(K, -reach, reach) : NULL};
}

/* Results of the kernels or of their twins. */
typedef struct answers {
  int32_t *tags;
  float *best, *y, *log_z, *score; /* score: of `tags` */
} answers;

static answers new_answers(const crf *c) {
  const int N = c->splits[c->B];
  return (answers){TEST_NEW(int32_t, N), TEST_NEW(float, c->B), TEST_NEW(float, N * c->K), TEST_NEW(float, c->B),
                   TEST_NEW(float, c->B)};
}

static answers solve(const crf *c) {
  answers a = new_answers(c);
  pl_arena arena = new_arena(pl_ragged_crf_scratch(c->splits, c->B, c->K));
  pl_status status = pl_ragged_crf_viterbi(a.tags, a.best, c->x, c->transitions, c->start, c->end, c->splits, c->B, c->K, &arena);
  CHECK(status == PL_OK && arena.used == 0, "status %d", status);
  arena = new_arena(pl_ragged_crf_scratch(c->splits, c->B, c->K)); /* nothing of the first call is left in it */
  status = pl_ragged_crf_marginals(a.y, a.log_z, c->x, c->transitions, c->start, c->end, c->splits, c->B, c->K, &arena);
  CHECK(status == PL_OK && arena.used == 0, "status %d", status);
  pl_ragged_crf_score(a.score, a.tags, c->x, c->transitions, c->start, c->end, c->splits, c->B, c->K);
  return a;
}

static answers solve_by_twin(const crf *c) {
  answers a = new_answers(c);
  pl_ref_ragged_crf_viterbi(a.tags, a.best, c->x, c->transitions, c->start, c->end, c->splits, c->B, c->K, NULL);
  pl_ref_ragged_crf_marginals(a.y, a.log_z, c->x, c->transitions, c->start, c->end, c->splits, c->B, c->K, NULL);
  pl_ref_ragged_crf_score(a.score, a.tags, c->x, c->transitions, c->start, c->end, c->splits, c->B, c->K);
  return a;
}

/* Everything is computed in double except the last softmax. Its argument log p is rounded to float, which changes p by |p log p| epsilon / 2 at
 * most, less than one epsilon; exp, the sum and the division add a few epsilon. Scores and log_z are rounded once. */
static const double marginal_tolerance = 4 * (double)FLT_EPSILON;

static void check_against_twin(const crf *c, const char *what) {
  const answers a = solve(c), e = solve_by_twin(c);
  const int N = c->splits[c->B];
#define WHERE "%s, K %d, B %d, N %d", what, c->K, c->B, N
  CHECK_BITS(a.tags, e.tags, N, WHERE);
  CHECK_ARRAY_CLOSE(a.best, e.best, c->B, 0, (double)FLT_EPSILON, WHERE);
  CHECK_ARRAY_CLOSE(a.score, e.best, c->B, 0, (double)FLT_EPSILON, WHERE);
  CHECK_ARRAY_CLOSE(e.score, e.best, c->B, 0, (double)FLT_EPSILON, WHERE);
  CHECK_ARRAY_CLOSE(a.y, e.y, N * c->K, marginal_tolerance, 0, WHERE);
  CHECK_ARRAY_CLOSE(a.log_z, e.log_z, c->B, 1e-9, (double)FLT_EPSILON, WHERE);
#undef WHERE
}

TEST("crf tags, scores, marginals and log_z match their twins at every number of tags and steps") {
  const int most[] = {1, 2, 3, 9, 17, 61};
  for (int K = 1; K <= 13; K += K < 9 ? 1 : 4) {
    for (int i = 0; i < 6; i++) {
      for (int B = 0; B <= 3; B += 1 + B) {
        crf c = new_crf(new_splits(B, most[i]), B, K, (K + i + B) % 3 != 0, 3);
        check_against_twin(&c, "sizes");
        test_free();
      }
    }
  }
}

/* score of the tags of a row with T steps, from its formula */
static double score_of(const crf *c, const int *tags, int T) {
  double sum = 0;
  for (int t = 0; t < T; t++) {
    sum += (double)c->x[t * c->K + tags[t]] + (t ? (double)c->transitions[tags[t - 1] * c->K + tags[t]] : 0);
  }
  return T && c->start ? sum + (double)c->start[tags[0]] + (double)c->end[tags[T - 1]] : sum;
}

TEST("crf results equal those of enumerating all tag sequences of a row") {
  for (int K = 1; K <= 3; K++) {
    for (int T = 1; T <= 6; T++) {
      for (int kind = 0; kind < 3; kind++) {
        const int32_t splits[] = {0, T};
        crf c = new_crf(splits, 1, K, kind > 0, 2);
        if (kind == 2 && K > 1) {
          c.transitions[1] = -INFINITY; /* 0 to 1 */
          c.start[0] = -INFINITY;
        }
        double best = -INFINITY, z = 0, p[3 * 6] = {0};
        int best_tags[6] = {0}, paths = 1;
        for (int t = 0; t < T; t++) {
          paths *= K;
        }
        for (int path = 0; path < paths; path++) {
          int tags[6];
          for (int t = 0, rest = path; t < T; t++, rest /= K) {
            tags[t] = rest % K;
          }
          const double score = score_of(&c, tags, T);
          z += exp(score);
          for (int t = 0; t < T; t++) {
            p[t * K + tags[t]] += exp(score);
          }
          if (score > best) {
            best = score;
            memcpy(best_tags, tags, sizeof tags);
          }
        }
        const answers a = solve(&c);
#define WHERE "K %d, T %d, kind %d", K, T, kind
        CHECK_CLOSE((double)a.best[0], best, (double)FLT_EPSILON * (1 + fabs(best)), WHERE);
        CHECK_CLOSE((double)a.log_z[0], log(z), (double)FLT_EPSILON * (1 + fabs(log(z))), WHERE);
        CHECK_BITS(a.tags, best_tags, T, WHERE);
        for (int i = 0; i < T * K; i++) {
          CHECK_CLOSE((double)a.y[i], p[i] / z, marginal_tolerance, WHERE);
        }
#undef WHERE
        test_free();
      }
    }
  }
}

TEST("of tag sequences with equal score the crf returns the one with the lowest last tag, then the lowest before it") {
  for (int K = 1; K <= 9; K++) {
    for (int values = 1; values <= 3; values++) {
      crf c = new_crf(new_splits(3, 9), 3, K, true, 1);
      float *const all[] = {c.x, c.transitions, c.start, c.end};
      const int sizes[] = {c.splits[3] * K, K * K, K, K};
      for (int i = 0; i < 4; i++) {
        for (int k = 0; k < sizes[i]; k++) {
          all[i][k] = (float)test_below(values); /* exact in every order, and often equal */
        }
      }
      const answers a = solve(&c), e = solve_by_twin(&c);
      CHECK_BITS(a.tags, e.tags, c.splits[3], "K %d, %d values", K, values);
      CHECK_BITS(a.best, e.best, 3, "K %d, %d values", K, values);
      CHECK_BITS(a.score, a.best, 3, "K %d, %d values", K, values);
      for (int n = 0; values == 1 && n < c.splits[3]; n++) {
        CHECK(a.tags[n] == 0, "K %d: tag %d", K, (int)a.tags[n]);
      }
      test_free();
    }
  }
}

TEST("crf never chooses a tag or transition with score -Infinity, and gives it probability 0, not NaN") {
  for (int K = 2; K <= 9; K++) {
    for (int again = 0; again < 8; again++) {
      crf c = new_crf(new_splits(3, 12), 3, K, true, 3);
      for (int i = 0; i < K * K; i++) {
        /* At least the transition from each tag to the next one is allowed. */
        if (i % K != (i / K + 1) % K && test_below(4) != 0) {
          c.transitions[i] = -INFINITY;
        }
      }
      c.start[test_below(K)] = -INFINITY;
      for (int i = 0; i < c.splits[3] * K; i += 1 + test_below(8 * K)) {
        c.x[i] = -INFINITY;
      }
      check_against_twin(&c, "forbidden");
      const answers a = solve(&c);
      for (int b = 0; b < 3; b++) {
        const bool possible = a.log_z[b] > -INFINITY;
        CHECK(possible == (a.best[b] > -INFINITY), "K %d: log_z %g, best %g", K, (double)a.log_z[b], (double)a.best[b]);
        for (int t = c.splits[b]; t < c.splits[b + 1]; t++) {
          CHECK(0 <= a.tags[t] && a.tags[t] < K, "K %d: tag %d", K, (int)a.tags[t]);
          double sum = 0;
          for (int j = 0; j < K; j++) {
            CHECK(c.x[t * K + j] > -INFINITY || a.y[t * K + j] == 0, "K %d: %g", K, (double)a.y[t * K + j]);
            sum += (double)a.y[t * K + j];
          }
          CHECK_CLOSE(sum, possible ? 1.0 : 0.0, marginal_tolerance, "K %d", K);
        }
      }
      test_free();
    }
  }
}

TEST("crf rows with every sequence forbidden: score and log_z -Infinity, y zeros; rows without steps: score and log_z 0") {
  const int32_t splits[] = {0, 0, 3, 5, 5};
  crf c = new_crf(splits, 4, 3, true, 1);
  for (int j = 0; j < 3; j++) {
    c.x[1 * 3 + j] = -INFINITY;
  }
  check_against_twin(&c, "impossible");
  const answers a = solve(&c);
  CHECK(a.log_z[0] == 0 && a.best[0] == 0 && a.score[0] == 0, "empty: %g, %g", (double)a.log_z[0], (double)a.best[0]);
  CHECK(a.log_z[3] == 0 && a.best[3] == 0 && a.score[3] == 0, "empty: %g, %g", (double)a.log_z[3], (double)a.best[3]);
  CHECK(a.log_z[1] == -INFINITY && a.best[1] == -INFINITY, "none: %g, %g", (double)a.log_z[1], (double)a.best[1]);
  for (int i = 0; i < 9; i++) {
    CHECK(a.y[i] == 0, "[%d] is %g", i, (double)a.y[i]);
  }
  CHECK(a.log_z[2] > a.best[2], "a row beside them: %g, %g", (double)a.log_z[2], (double)a.best[2]);
}

TEST("crf chooses a transition of -10000 if there is no other, and handles scores that are far apart") {
  const int32_t splits[] = {0, 4, 7};
  for (int K = 2; K <= 5; K++) {
    crf c = new_crf(splits, 2, K, true, 1);
    for (int i = 0; i < K * K; i++) {
      c.transitions[i] -= 10000;
    }
    check_against_twin(&c, "-10000");
    for (int i = 0; i < 7 * K; i++) {
      c.x[i] *= 3000;
    }
    check_against_twin(&c, "far apart");
    test_free();
  }
}

/* The hardest case: two blocks of tags without transitions between them and with equal probability. The errors of each block's sum accumulate
 * over the steps and appear in the marginals. They are largest if every step is the same and needs exp(-0.34), where exp_2 has its largest error. */
TEST("crf marginals and log_z stay close to the twin on long rows") {
  enum { N = 100000, K = 5, BLOCK = 2 };
  const char *const kinds[] = {"one block", "two blocks", "equal steps"};
  const int32_t splits[] = {0, N};
  for (int kind = 0; kind < 3; kind++) {
    crf c = new_crf(splits, 1, K, true, 2);
    if (kind == 2) {
      memset(c.x, 0, N * K * sizeof *c.x);
    }
    for (int i = 0; kind > 0 && i < K * K; i++) {
      const int from = i / K, to = i % K;
      const float value = kind == 1 ? c.transitions[i] : to == 1 ? -0.34f : 0;
      c.transitions[i] = (from < BLOCK) == (to < BLOCK) ? value : -INFINITY;
    }
    float log_z[2];
    for (int block = 0; kind > 0 && block < 2; block++) {
      for (int j = 0; j < K; j++) {
        c.start[j] = (j < BLOCK) == (block == 0) ? 0 : -INFINITY;
      }
      pl_ref_ragged_crf_marginals(NULL, log_z + block, c.x, c.transitions, c.start, c.end, splits, 1, K, NULL);
    }
    for (int j = 0; kind > 0 && j < K; j++) {
      c.start[j] = j < BLOCK ? log_z[1] - log_z[0] : 0;
    }
    const answers a = solve(&c), e = solve_by_twin(&c);
    CHECK(kind == 0 || fabs((double)(e.y[0] + e.y[1]) - 0.5) < 0.1, "%g in the first block", (double)(e.y[0] + e.y[1]));
    CHECK_BITS(a.tags, e.tags, N, "%s", kinds[kind]);
    CHECK_CLOSE((double)a.log_z[0], (double)e.log_z[0], (double)FLT_EPSILON * fabs((double)e.log_z[0]), "%s", kinds[kind]);
    CHECK_CLOSE((double)a.best[0], (double)e.best[0], (double)FLT_EPSILON * fabs((double)e.best[0]), "%s", kinds[kind]);
    CHECK_ARRAY_CLOSE(a.y, e.y, N * K, 2 * marginal_tolerance, 0, "%s", kinds[kind]);
    test_free();
  }
}

TEST("a crf row has the same bits alone and beside rows of NaN and infinities") {
  for (int K = 1; K <= 9; K += 2) {
    for (int again = 0; again < 4; again++) {
      const int B = 5;
      crf c = new_crf(new_splits(B, 20), B, K, again % 2, 3);
      for (int b = 0; b < B; b += 2) {
        for (int i = c.splits[b] * K; i < c.splits[b + 1] * K; i++) {
          const float poison[] = {NAN, INFINITY, -INFINITY, 3e38f};
          c.x[i] = poison[test_below(4)];
        }
      }
      const answers a = solve(&c);
      for (int n = 0; n < c.splits[B]; n++) {
        CHECK(0 <= a.tags[n] && a.tags[n] < K, "K %d: tag %d", K, (int)a.tags[n]);
      }
      for (int b = 1; b < B; b += 2) {
        const int first = c.splits[b], T = c.splits[b + 1] - first;
        const int32_t alone_splits[] = {0, T};
        crf own = c;
        own.B = 1;
        own.splits = alone_splits;
        own.x = c.x + (size_t)first * K;
        const answers alone = solve(&own);
        CHECK_BITS(a.tags + first, alone.tags, T, "K %d, row %d", K, b);
        CHECK_BITS(a.y + first * K, alone.y, T * K, "K %d, row %d", K, b);
        CHECK_BITS(a.best + b, alone.best, 1, "K %d, row %d", K, b);
        CHECK_BITS(a.log_z + b, alone.log_z, 1, "K %d, row %d", K, b);
        CHECK_BITS(a.score + b, alone.score, 1, "K %d, row %d", K, b);
        CHECK(isfinite(alone.log_z[0]), "K %d, row %d: %g", K, b, (double)alone.log_z[0]);
      }
      test_free();
    }
  }
}

TEST("a NaN in the emissions of a row makes its log_z and marginals NaN") {
  for (int K = 1; K <= 5; K++) {
    for (int at = 0; at < 3 * K; at++) {
      const int32_t splits[] = {0, 3};
      crf c = new_crf(splits, 1, K, false, 1);
      c.x[at] = NAN;
      const answers a = solve(&c);
      CHECK(isnan(a.log_z[0]), "K %d, NaN at %d: %g", K, at, (double)a.log_z[0]);
      for (int i = 0; i < 3 * K; i++) {
        CHECK(isnan(a.y[i]), "K %d, NaN at %d: [%d] is %g", K, at, i, (double)a.y[i]);
      }
      test_free();
    }
  }
}

TEST("crf outputs that are not wanted may be NULL; an arena one byte too small is refused, and one in use is unchanged") {
  const int32_t splits[] = {0, 4, 4, 9};
  const int B = 3, K = 5, N = 9;
  crf c = new_crf(splits, B, K, true, 2);
  const answers a = solve(&c);
  answers some = new_answers(&c), untouched = new_answers(&c);
  const size_t bytes = pl_ragged_crf_scratch(splits, B, K);
  pl_arena arena = new_arena(16 + bytes);
  arena.used = 5;
  CHECK(pl_ragged_crf_viterbi(some.tags, NULL, c.x, c.transitions, c.start, c.end, splits, B, K, &arena) == PL_OK, "%s", "viterbi");
  CHECK(pl_ragged_crf_marginals(some.y, NULL, c.x, c.transitions, c.start, c.end, splits, B, K, &arena) == PL_OK, "%s", "y");
  CHECK(pl_ragged_crf_marginals(NULL, some.log_z, c.x, c.transitions, c.start, c.end, splits, B, K, &arena) == PL_OK, "%s", "z");
  CHECK(arena.used == 5 && arena.steps == 0, "used %d", (int)arena.used);
  CHECK_BITS(some.tags, a.tags, N, "%s", "score NULL");
  CHECK_BITS(some.y, a.y, N * K, "%s", "log_z NULL");
  CHECK_BITS(some.log_z, a.log_z, B, "%s", "y NULL");
  arena = new_arena(bytes - 1);
  CHECK(pl_ragged_crf_viterbi(untouched.tags, untouched.best, c.x, c.transitions, c.start, c.end, splits, B, K, &arena) ==
            PL_SCRATCH_TOO_SMALL,
        "%s", "viterbi");
  CHECK(pl_ragged_crf_marginals(untouched.y, untouched.log_z, c.x, c.transitions, c.start, c.end, splits, B, K, &arena) ==
            PL_SCRATCH_TOO_SMALL,
        "%s", "marginals");
  const answers fresh = new_answers(&c);
  CHECK_BITS(untouched.tags, fresh.tags, N, "%s", "tags");
  CHECK_BITS(untouched.y, fresh.y, N * K, "%s", "y");
  CHECK_BITS(untouched.log_z, fresh.log_z, B, "%s", "log_z");
}

TEST("crf by hand: two tags, two steps") {
  const int32_t splits[] = {0, 2};
  /* Scores of 00, 01, 10, 11: 1+0.5+2+0+0.25, 1+0.5-1+1+0, 0+1+0.5+0+0.25, 0+1+3+1+0 */
  float x[] = {0.5f, 1, 0, 1}, transitions[] = {2, -1, 0.5f, 3}, start[] = {1, 0}, end[] = {0.25f, 0};
  crf c = {1, 2, splits, x, transitions, start, end};
  const answers a = solve(&c);
  const double scores[] = {3.75, 1.5, 1.75, 5}, z = exp(3.75) + exp(1.5) + exp(1.75) + exp(5.0);
  CHECK(a.tags[0] == 1 && a.tags[1] == 1 && a.best[0] == 5, "%d %d %g", (int)a.tags[0], (int)a.tags[1], (double)a.best[0]);
  CHECK_CLOSE((double)a.log_z[0], log(z), 1e-6, "%s", "log_z");
  CHECK_CLOSE((double)a.y[0], (exp(scores[0]) + exp(scores[1])) / z, 1e-6, "%s", "tag 0 first");
  CHECK_CLOSE((double)a.y[3], (exp(scores[1]) + exp(scores[3])) / z, 1e-6, "%s", "tag 1 last");
}
