#include "padless.h"
#include "ref/ref.h"
#include "test.h"

#include <float.h>
#include <math.h>

enum { REACH = 8 }; /* logits lie in [-REACH, REACH) */

/* Logits: x - max has a magnitude of at most 2 REACH and is rounded by half an epsilon of it; exp is off by two epsilon. This relative error of the
 * sum is an absolute error of its logarithm. With logits and with probabilities, log is off by two epsilon, and the loss is rounded once. */
static double tolerance(bool logits) { return (logits ? REACH + 4 : 2) * (double)FLT_EPSILON; }

static float *new_rows(int M, int K, bool logits) {
  float *x = TEST_NEW(float, M *K);
  test_fill(x, (size_t)M * K, logits ? -REACH : 0, logits ? REACH : 1);
  return x;
}

/* Labels 0 .. K-1, and one in three below 0, whose rows are NaN. */
static int32_t *new_labels(float *x, int M, int K) {
  int32_t *labels = TEST_NEW(int32_t, M);
  for (int m = 0; m < M; m++) {
    labels[m] = K > 0 && test_below(3) ? test_below(K) : -1 - test_below(100);
    for (int k = 0; labels[m] < 0 && k < K; k++) {
      x[m * K + k] = NAN;
    }
  }
  return labels;
}

TEST("cross-entropy matches its twin at every number of classes and steps, and does not read steps without a label") {
  const int sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 61};
  for (int logits = 0; logits < 2; logits++) {
    for (int k = 0; k < 12; k++) {
      for (int i = 0; i < 12; i++) {
        const int M = sizes[i], K = sizes[k];
        float *x = new_rows(M, K, logits), *loss = TEST_NEW(float, M), *expected = TEST_NEW(float, M);
        const int32_t *labels = new_labels(x, M, K);
        pl_loss total, expected_total, only;
        pl_cross_entropy(&total, loss, x, labels, logits, M, K);
        pl_ref_cross_entropy(&expected_total, expected, x, labels, logits, M, K);
#define WHERE "%s, M %d, K %d", logits ? "logits" : "probabilities", M, K
        CHECK_ARRAY_CLOSE(loss, expected, M, tolerance(logits), 2 * (double)FLT_EPSILON, WHERE);
        CHECK_CLOSE(total.sum, expected_total.sum, M * tolerance(logits) + 2 * (double)FLT_EPSILON * expected_total.sum, WHERE);
        CHECK(total.count == expected_total.count && total.correct == expected_total.correct, WHERE);
        pl_cross_entropy(&only, NULL, x, labels, logits, M, K);
        CHECK(only.sum == total.sum && only.count == total.count && only.correct == total.correct, WHERE);
        double sum = 0;
        for (int m = 0; m < M; m++) {
          float alone;
          pl_cross_entropy(&only, &alone, x + m * K, labels + m, logits, 1, K);
          CHECK_BITS(loss + m, &alone, 1, WHERE);
          CHECK(labels[m] >= 0 || loss[m] == 0, WHERE);
          sum += (double)loss[m];
        }
        CHECK(total.sum == sum, WHERE);
#undef WHERE
        test_free();
      }
    }
  }
}

TEST("a step is correct if the first index of the greatest value is the label, and never if a value is NaN") {
  for (int K = 1; K <= 9; K++) {
    float x[9];
    for (int first = 0; first < K; first++) {
      for (int32_t label = 0; label < K; label++) {
        for (int k = 0; k < K; k++) {
          x[k] = k == first || (k > first && k % 2) ? 0.5f : 0.25f;
        }
        for (int logits = 0; logits < 2; logits++) {
          pl_loss total;
          pl_cross_entropy(&total, NULL, x, &label, logits, 1, K);
          CHECK(total.correct == (label == first), "K %d, first %d, label %d", K, first, (int)label);
          x[first] = NAN;
          pl_cross_entropy(&total, NULL, x, &label, logits, 1, K);
          CHECK(total.correct == 0 && total.count == 1, "K %d, NaN at %d, label %d", K, first, (int)label);
          CHECK(!logits || isnan(total.sum), "K %d, NaN at %d, label %d: %g", K, first, (int)label, total.sum);
          x[first] = 0.5f;
        }
      }
    }
  }
}

TEST("cross-entropy clips probabilities as Keras does, and keeps a NaN") {
  const float x[] = {0, 1, 1e-9f, 2, -1, NAN};
  const double expected[] = {-log(1e-7), 1.1920929e-7, -log(1e-7), 1.1920929e-7, -log(1e-7), (double)NAN};
  const int32_t labels[] = {0, 0, 0, 0, 0, 0};
  float loss[6];
  pl_loss total;
  pl_cross_entropy(&total, loss, x, labels, 0, 6, 1);
  for (int m = 0; m < 6; m++) {
    CHECK_CLOSE((double)loss[m], expected[m], 2 * (double)FLT_EPSILON * expected[m], "p = %g", (double)x[m]);
  }
}

TEST("the loss of an almost certain class is precise, and logits that are far apart do not overflow") {
  for (int far = 1; far <= 80; far++) {
    const float x[] = {0, (float)-far, (float)-far}, y[] = {(float)-far, 0, 0};
    const int32_t label = 0;
    float loss;
    pl_loss total;
    pl_cross_entropy(&total, &loss, x, &label, 1, 1, 3);
    CHECK_CLOSE((double)loss, log1p(2 * exp(-far)), 1e-6 * log1p(2 * exp(-far)) + 1e-15, "%d apart", far);
    pl_cross_entropy(&total, &loss, y, &label, 1, 1, 3);
    CHECK_CLOSE((double)loss, log(2 + exp(-far)) + far, 2 * (double)FLT_EPSILON * (far + 1), "%d apart", far);
  }
  const float x[] = {3e38f, -3e38f, -INFINITY, 3e38f};
  const double expected[] = {log(2.0), INFINITY, INFINITY, log(2.0)};
  for (int32_t label = 0; label < 4; label++) {
    float loss;
    pl_loss total;
    pl_cross_entropy(&total, &loss, x, &label, 1, 1, 4);
    CHECK_CLOSE((double)loss, expected[label], 1e-6, "label %d", (int)label);
  }
}

TEST("the loss of many classes that are about as likely is precise") {
  enum { K = 1000 };
  float *x = TEST_NEW(float, K);
  for (int times = 0; times < 20; times++) {
    test_fill(x, K, -0.01f, 0.01f);
    double sum = 0;
    for (int k = 0; k < K; k++) {
      sum += exp((double)x[k]);
    }
    const int32_t label = test_below(K);
    float loss;
    pl_loss total;
    pl_cross_entropy(&total, &loss, x, &label, 1, 1, K);
    CHECK_CLOSE((double)loss, log(sum) - (double)x[label], 2 * (double)FLT_EPSILON * log(sum), "label %d", (int)label);
  }
}

TEST("cross-entropy adds up a million steps in double") {
  enum { M = 1000000 };
  float *x = TEST_NEW(float, M);
  int32_t *labels = TEST_NEW(int32_t, M);
  for (int m = 0; m < M; m++) {
    x[m] = 0.9f;
    labels[m] = 0;
  }
  pl_loss total;
  pl_cross_entropy(&total, NULL, x, labels, 0, M, 1);
  CHECK_CLOSE(total.sum, -(double)M * log((double)0.9f), 1e-6 * (double)M * 0.105, "%d steps", M);
  CHECK(total.count == M && total.correct == M, "%d and %d", (int)total.count, (int)total.correct);
}
