#include "rnn.h"

#include <string.h>

/* A batch for both kinds of attention; the additive kind has one head, and a scale for each feature or none. */
typedef struct batch {
  bool additive;
  int causal, B, heads, Dk, Dv;
  const int32_t *query_splits, *key_splits;
  float scale;
  float *scales, *q, *k, *v;
} batch;

static batch new_batch(bool additive, int causal, const int32_t *query_splits, const int32_t *key_splits, int B, int heads, int Dk,
                       int Dv) {
  const size_t Nq = (size_t)query_splits[B], Nk = (size_t)key_splits[B];
  batch a = {additive, causal, B, heads, Dk, Dv, query_splits, key_splits, 0.5f, NULL, NULL, NULL, NULL};
  a.scales = additive && Dk % 2 ? uniform(Dk, -1, 1) : NULL;
  a.q = uniform(Nq * heads * Dk, -1, 1);
  a.k = uniform(Nk * heads * Dk, -1, 1);
  a.v = uniform(Nk * heads * Dv, -1, 1);
  return a;
}

/* Results: y [Nq, heads*Dv], weights [sum_b heads*Tq*Tk]. */
typedef struct attended {
  int y_size, weights_size;
  float *y, *weights;
} attended;

static attended new_attended(const batch *a) {
  attended out = {a->query_splits[a->B] * a->heads * a->Dv, 0, NULL, NULL};
  for (int b = 0; b < a->B; b++) {
    out.weights_size += a->heads * (a->query_splits[b + 1] - a->query_splits[b]) * (a->key_splits[b + 1] - a->key_splits[b]);
  }
  out.y = TEST_NEW(float, out.y_size);
  out.weights = TEST_NEW(float, out.weights_size);
  return out;
}

static pl_status run(const attended *out, const batch *a, pl_arena *arena) {
  return a->additive ? pl_ragged_additive_attention(out->y, out->weights, a->q, a->k, a->v, a->scales, a->query_splits,
                                                    a->key_splits, a->causal, a->B, a->Dk, a->Dv, arena)
                     : pl_ragged_attention(out->y, out->weights, a->q, a->k, a->v, a->query_splits, a->key_splits, a->scale,
                                           a->causal, a->B, a->heads, a->Dk, a->Dv, arena);
}

static attended attend(const batch *a) {
  attended out = new_attended(a);
  pl_arena arena = new_arena(pl_ragged_attention_scratch(a->key_splits, a->B));
  CHECK(run(&out, a, &arena) == PL_OK && arena.used == 0, "used %d", (int)arena.used);
  return out;
}

static attended attend_by_twin(const batch *a) {
  attended out = new_attended(a);
  if (a->additive) {
    pl_ref_ragged_additive_attention(out.y, out.weights, a->q, a->k, a->v, a->scales, a->query_splits, a->key_splits, a->causal,
                                     a->B, a->Dk, a->Dv, NULL);
  } else {
    pl_ref_ragged_attention(out.y, out.weights, a->q, a->k, a->v, a->query_splits, a->key_splits, a->scale, a->causal, a->B,
                            a->heads, a->Dk, a->Dv, NULL);
  }
  return out;
}

#define WHERE "%s, causal %d, B %d, heads %d, Dk %d, Dv %d"
#define WHERE_OF(a) (a).additive ? "additive" : "dot", (a).causal, (a).B, (a).heads, (a).Dk, (a).Dv

/* A score is a sum of Dk terms of magnitude 1 at most; a term that is a tanh is off by 8 epsilon at most. exp turns the error of a score into a
 * relative error of its weight. y is a weighted mean of values of magnitude 1 at most. */
static double weight_tolerance(const batch *a) { return ((a->additive ? 9 : 1) * a->Dk + 8) * (double)FLT_EPSILON; }

static void check_against_twin(const batch *a) {
  const attended out = attend(a), expected = attend_by_twin(a);
  const double tolerance = weight_tolerance(a);
  CHECK_ARRAY_CLOSE(out.weights, expected.weights, out.weights_size, 0, tolerance, WHERE, WHERE_OF(*a));
  CHECK_ARRAY_CLOSE(out.y, expected.y, out.y_size, 2 * tolerance, 0, WHERE, WHERE_OF(*a));
}

TEST("attention matches its twin at every number of features and keys, for each kind") {
  const int sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31};
  for (int kind = 0; kind < 4; kind++) {
    for (int d = 0; d < 12; d++) {
      for (int e = d % 2; e < 12; e += 2) {
        const int B = (d + e) % 4, heads = kind < 2 ? 1 : 1 + (d + e) % 3;
        batch a = new_batch(kind < 2, kind % 2, new_splits(B, 9), new_splits(B, 9), B, heads, sizes[d], sizes[e]);
        check_against_twin(&a);
        test_free();
      }
    }
    for (int Tq = 0; Tq <= 9; Tq++) {
      for (int Tk = 0; Tk <= 17; Tk++) {
        const int32_t query_splits[] = {0, Tq}, key_splits[] = {0, Tk};
        batch a = new_batch(kind < 2, kind % 2, query_splits, key_splits, 1, kind < 2 ? 1 : 2, 5, 6);
        check_against_twin(&a);
        test_free();
      }
    }
  }
}

TEST("attention over 0 features gives all keys the same weight; without keys it gives zeros") {
  const int32_t query_splits[] = {0, 3, 5}, key_splits[] = {0, 4, 4};
  for (int kind = 0; kind < 4; kind++) {
    batch a = new_batch(kind < 2, kind % 2, query_splits, key_splits, 2, 1, 0, 7);
    check_against_twin(&a);
    const attended out = attend(&a);
    for (int i = 3 * 7; i < 5 * 7; i++) {
      CHECK(out.y[i] == 0, "[%d] is %g", i, (double)out.y[i]);
    }
    CHECK(out.weights[0] == (a.causal ? 1.0f : 0.25f), "%g", (double)out.weights[0]);
  }
}

TEST("a query's attention has the same bits alone, in any batch, and beside rows of NaN") {
  for (int kind = 0; kind < 4; kind++) {
    for (int again = 0; again < 6; again++) {
      const int B = 5, heads = kind < 2 ? 1 : 3, Dk = 6 + again, Dv = 21 - again;
      batch a = new_batch(kind < 2, kind % 2, new_splits(B, 9), new_splits(B, 90), B, heads, Dk, Dv);
      for (int b = 0; b < B; b += 2) {
        for (int i = a.query_splits[b] * heads * Dk; i < a.query_splits[b + 1] * heads * Dk; i++) {
          a.q[i] = NAN;
        }
        for (int i = a.key_splits[b] * heads * Dk; i < a.key_splits[b + 1] * heads * Dk; i++) {
          a.k[i] = INFINITY;
        }
        for (int i = a.key_splits[b] * heads * Dv; i < a.key_splits[b + 1] * heads * Dv; i++) {
          a.v[i] = NAN;
        }
      }
      const attended out = attend(&a);
      const float *weights = out.weights;
      for (int b = 0; b < B; b++) {
        const int Tq = a.query_splits[b + 1] - a.query_splits[b], Tk = a.key_splits[b + 1] - a.key_splits[b];
        for (int i = 0; b % 2 && i < Tq; i++) {
          /* Causal: only with the keys that query i sees. */
          const int seen = a.causal && i < Tk ? i + 1 : Tk, query = (a.query_splits[b] + i) * heads;
          const int32_t query_splits[] = {0, 1}, key_splits[] = {0, seen};
          batch own = a;
          own.B = 1;
          own.causal = 0;
          own.query_splits = query_splits;
          own.key_splits = key_splits;
          own.q += query * Dk;
          own.k += a.key_splits[b] * heads * Dk;
          own.v += a.key_splits[b] * heads * Dv;
          const attended alone = attend(&own);
          CHECK_BITS(out.y + query * Dv, alone.y, heads * Dv, WHERE ", query %d of row %d", WHERE_OF(a), i, b);
          for (int h = 0; h < heads; h++) {
            const float *w = weights + (h * Tq + i) * Tk;
            CHECK_BITS(w, alone.weights + h * seen, seen, WHERE ", query %d of row %d", WHERE_OF(a), i, b);
            for (int j = seen; j < Tk; j++) {
              CHECK(w[j] == 0, WHERE ", weight %d of query %d is %g", WHERE_OF(a), j, i, (double)w[j]);
            }
          }
        }
        weights += heads * Tq * Tk;
      }
      test_free();
    }
  }
}

TEST("a head of attention has the same bits alone and among others") {
  const int32_t query_splits[] = {0, 3, 4}, key_splits[] = {0, 70, 77};
  const int heads = 3, Dk = 5, Dv = 18;
  batch a = new_batch(false, 0, query_splits, key_splits, 2, heads, Dk, Dv);
  const attended out = attend(&a);
  for (int h = 0; h < heads; h++) {
    batch one = new_batch(false, 0, query_splits, key_splits, 2, 1, Dk, Dv);
    for (int n = 0; n < 77; n++) {
      memcpy(one.k + n * Dk, a.k + (n * heads + h) * Dk, Dk * sizeof(float));
      memcpy(one.v + n * Dv, a.v + (n * heads + h) * Dv, Dv * sizeof(float));
    }
    for (int n = 0; n < 4; n++) {
      memcpy(one.q + n * Dk, a.q + (n * heads + h) * Dk, Dk * sizeof(float));
    }
    const attended alone = attend(&one);
    for (int n = 0; n < 4; n++) {
      CHECK_BITS(out.y + (n * heads + h) * Dv, alone.y + n * Dv, Dv, "head %d, query %d", h, n);
    }
  }
}

TEST("a causal query does not depend on the keys after it") {
  const int32_t splits[] = {0, 9};
  for (int kind = 0; kind < 2; kind++) {
    batch a = new_batch(kind, 1, splits, splits, 1, 1, 7, 5);
    const attended out = attend(&a);
    for (int seen = 1; seen < 9; seen++) {
      batch poisoned = a;
      poisoned.k = TEST_NEW(float, 9 * 7); /* NaN */
      poisoned.v = TEST_NEW(float, 9 * 5);
      memcpy(poisoned.k, a.k, seen * 7 * sizeof(float));
      memcpy(poisoned.v, a.v, seen * 5 * sizeof(float));
      CHECK_BITS(attend(&poisoned).y, out.y, seen * 5, "kind %d, %d keys", kind, seen);
    }
  }
}

TEST("attention over 100,000 keys stays close to its twin, for any scores") {
  enum { T = 100000 };
  const int32_t query_splits[] = {0, 1}, key_splits[] = {0, T};
  for (int kind = 0; kind < 2; kind++) {
    batch a = new_batch(kind, 0, query_splits, key_splits, 1, 1, 4, 5);
    for (int i = 0; i < T * 5; i++) {
      a.v[i] = 1 + a.v[i] / 4; /* so that nothing cancels */
    }
    check_against_twin(&a);
    const float large[] = {1000, -1000, 1000, 0};
    for (int i = 0; i < T * 4; i++) {
      a.k[i] = (float)test_below(3) - 1; /* exact */
      a.q[i % 4] = large[i % 4];
    }
    check_against_twin(&a);
    test_free();
  }
}

TEST("additive attention without a scale is attention with a scale of ones") {
  const int32_t splits[] = {0, 3, 9};
  for (int D = 1; D <= 9; D++) {
    batch a = new_batch(true, 0, splits, splits, 2, 1, D, 3);
    a.scales = NULL;
    const attended none = attend(&a);
    a.scales = TEST_NEW(float, D);
    for (int d = 0; d < D; d++) {
      a.scales[d] = 1;
    }
    CHECK_BITS(attend(&a).y, none.y, none.y_size, "D %d", D);
  }
}

TEST("attention's weights may be NULL; an arena one byte too small is refused, and one in use is unchanged") {
  const int32_t query_splits[] = {0, 2, 3}, key_splits[] = {0, 5, 12};
  const size_t bytes = pl_ragged_attention_scratch(key_splits, 2);
  for (int kind = 0; kind < 4; kind++) {
    batch a = new_batch(kind < 2, kind % 2, query_splits, key_splits, 2, 1, 6, 7);
    const attended out = attend(&a), untouched = new_attended(&a), fresh = new_attended(&a);
    attended only_y = new_attended(&a);
    only_y.weights = NULL;
    pl_arena arena = new_arena(16 + bytes);
    arena.used = 5;
    CHECK(run(&only_y, &a, &arena) == PL_OK && arena.used == 5 && arena.steps == 0, "used %d", (int)arena.used);
    CHECK_BITS(only_y.y, out.y, out.y_size, "kind %d, weights NULL", kind);
    arena = new_arena(bytes - 1);
    CHECK(run(&untouched, &a, &arena) == PL_SCRATCH_TOO_SMALL && arena.used == 0, "kind %d", kind);
    CHECK_BITS(untouched.y, fresh.y, out.y_size, "kind %d", kind);
    CHECK_BITS(untouched.weights, fresh.weights, out.weights_size, "kind %d", kind);
  }
}

TEST("attention by hand: one query, two keys") {
  const int32_t query_splits[] = {0, 1}, key_splits[] = {0, 2};
  float q[] = {1, 2}, k[] = {1, 0, 0, 1}, v[] = {10, 20, 30, 40}, scales[] = {2, -1};
  batch a = {false, 0, 1, 1, 2, 2, query_splits, key_splits, 0.5f, scales, q, k, v};
  const attended dot = attend(&a); /* scores 0.5 and 1 */
  const double w = 1 / (1 + exp(0.5));
  CHECK_CLOSE((double)dot.weights[0], w, 1e-7, "%s", "dot");
  CHECK_CLOSE((double)dot.y[1], 20 * w + 40 * (1 - w), 1e-5, "%s", "dot");
  a.additive = true;
  const attended additive = attend(&a);
  const double first = 2 * tanh(2.0) - tanh(2.0), second = 2 * tanh(1.0) - tanh(3.0);
  CHECK_CLOSE((double)additive.weights[0], 1 / (1 + exp(second - first)), 1e-6, "%s", "additive");
}

TEST("weighted sums add 64 keys at a time in float, and these sums in double") {
  enum { T = 256, D = 20 }; /* features as 16 and as 4 */
  const int32_t query_splits[] = {0, 1}, key_splits[] = {0, T};
  batch a = new_batch(false, 0, query_splits, key_splits, 1, 1, 1, D);
  a.q[0] = 0; /* all weights are 1/256 */
  for (int t = 0; t < T; t++) {
    for (int d = 0; d < D; d++) {
      a.v[t * D + d] = t == 0 ? 4294967296.0f : t < 128 ? 256 : t == 128 ? -4294967296.0f : 0;
    }
  }
  /* 2^24 + 1 is 2^24 in float, so the ones of the first 64 keys are lost, and those of the next 64 are not. */
  const attended out = attend(&a);
  for (int d = 0; d < D; d++) {
    CHECK(out.y[d] == 64, "[%d] is %g", d, (double)out.y[d]);
  }
}

TEST("products of rows add 64 terms of a lane in float, and these sums in double") {
  enum { K = 4 * 129 };
  float a[K] = {0}, w[K] = {0}, y;
  for (int k = 0; k < K; k += 4) {
    a[k] = 1;
    w[k] = k == 0 ? 16777216.0f : k < 512 ? 1 : -16777216.0f;
  }
  pl_batch_product(&y, a, w, 1, 1, K, 1);
  CHECK(y == 64, "y is %g", (double)y);
}

/* ---- rows with rows ---------------------------------------------------------------------------------------------------------- */

TEST("batch product matches its twin at every tail, and a row has the same bits alone") {
  const int sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13};
  for (int n = 0; n < 11; n++) {
    for (int k = 0; k < 11; k++) {
      const int B = (n + k) % 4, M = sizes[(3 * n + k) % 11], K = sizes[k], N = sizes[n];
      float *a = uniform((size_t)B * M * K, -1, 1), *w = uniform((size_t)B * N * K, -1, 1);
      float *y = TEST_NEW(float, B *M *N), *expected = TEST_NEW(float, B *M *N);
      pl_batch_product(y, a, w, B, M, K, N);
      pl_ref_batch_product(expected, a, w, B, M, K, N);
      CHECK_ARRAY_CLOSE(y, expected, B * M * N, (K + 1) * (double)FLT_EPSILON, 0, "B %d, M %d, K %d, N %d", B, M, K, N);
      for (int row = 0; row < B * M; row++) {
        for (int column = 0; column < N; column++) {
          float alone;
          pl_batch_product(&alone, a + row * K, w + (row / M * N + column) * K, 1, 1, K, 1);
          CHECK_BITS(y + row * N + column, &alone, 1, "row %d, column %d of B %d, M %d, K %d, N %d", row, column, B, M, K, N);
        }
      }
      test_free();
    }
  }
}

TEST("batch product over 100,000 steps is exact to about one float; further zeros change no bit") {
  const int lengths[] = {1, 3, 4, 255, 256, 257, 1030, 100000};
  for (int i = 0; i < 8; i++) {
    const int K = lengths[i], longer = K + 1 + test_below(600);
    float *a = uniform((size_t)K, 0, 1), *w = uniform(3 * (size_t)K, 0, 1), y[3], expected[3], padded[3];
    pl_batch_product(y, a, w, 1, 1, K, 3);
    pl_ref_batch_product(expected, a, w, 1, 1, K, 3);
    CHECK_ARRAY_CLOSE(y, expected, 3, 0, 4 * (double)FLT_EPSILON, "K %d", K);
    float *padded_a = TEST_NEW(float, longer), *padded_w = TEST_NEW(float, 3 * longer);
    memset(padded_a, 0, longer * sizeof(float));
    memset(padded_w, 0, 3 * longer * sizeof(float));
    memcpy(padded_a, a, K * sizeof(float));
    for (int n = 0; n < 3; n++) {
      memcpy(padded_w + n * longer, w + n * K, K * sizeof(float));
    }
    pl_batch_product(padded, padded_a, padded_w, 1, 1, longer, 3);
    CHECK_BITS(padded, y, 3, "K %d in %d", K, longer);
    test_free();
  }
}
