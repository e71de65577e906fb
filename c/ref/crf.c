#include "ref.h"

#include <math.h>
#include <stdlib.h>

static double at(const float *x, size_t i) { return x ? (double)x[i] : 0; }

/* log(exp(a) + exp(b)) */
static double log_add(double a, double b) {
  const double max = a > b ? a : b;
  return max == -INFINITY ? max : max + log(exp(a - max) + exp(b - max));
}

static double greater(double a, double b) { return a > b ? a : b; }

/* a[t][j]: over all tags before step t, the sum or maximum (`combine`) of the scores of sequences that end in tag j at t. */
static void forward(double *a, double (*combine)(double, double), const float *x, const float *transitions, const float *start,
                    int T, int K) {
  for (int t = 0; t < T; t++) {
    for (int j = 0; j < K; j++) {
      double before = t ? -INFINITY : at(start, j);
      for (int i = 0; t && i < K; i++) {
        before = combine(before, a[(t - 1) * K + i] + (double)transitions[i * K + j]);
      }
      a[t * K + j] = before + (double)x[t * K + j];
    }
  }
}

/* b[t][i]: over all tags after step t, the sum of the scores of what follows tag i at t. */
static void backward(double *b, const float *x, const float *transitions, const float *end, int T, int K) {
  for (int t = T - 1; t >= 0; t--) {
    for (int i = 0; i < K; i++) {
      double after = t < T - 1 ? -INFINITY : at(end, i);
      for (int j = 0; t < T - 1 && j < K; j++) {
        after = log_add(after, (double)transitions[i * K + j] + (double)x[(t + 1) * K + j] + b[(t + 1) * K + j]);
      }
      b[t * K + i] = after;
    }
  }
}

/* From the last step to the first: the lowest tag with the greatest score, given the tags after it. */
pl_status pl_ref_ragged_crf_viterbi(int32_t *tags, float *score, const float *x, const float *transitions, const float *start,
                                    const float *end, const int32_t *splits, int B, int K, pl_arena *arena) {
  (void)arena;
  for (int b = 0; b < B; b++) {
    const int T = splits[b + 1] - splits[b];
    double *a = calloc((size_t)T * K + 1, sizeof *a), best = 0;
    forward(a, greater, x + splits[b] * K, transitions, start, T, K);
    for (int t = T - 1; t >= 0; t--) {
      int32_t *tag = tags + splits[b] + t;
      double found = -INFINITY;
      *tag = 0;
      for (int i = 0; i < K; i++) {
        const double with = a[t * K + i] + (t < T - 1 ? (double)transitions[i * K + tag[1]] : at(end, i));
        if (with > found) {
          found = with;
          *tag = i;
        }
      }
      best = t == T - 1 ? found : best;
    }
    if (score) {
      score[b] = (float)best;
    }
    free(a);
  }
  return PL_OK;
}

pl_status pl_ref_ragged_crf_marginals(float *y, float *log_z, const float *x, const float *transitions, const float *start,
                                      const float *end, const int32_t *splits, int B, int K, pl_arena *arena) {
  (void)arena;
  for (int row = 0; row < B; row++) {
    const int T = splits[row + 1] - splits[row];
    const float *own = x + splits[row] * K;
    double *a = calloc(2 * (size_t)T * K + 1, sizeof *a), *b = a + T * K, z = T ? -INFINITY : 0;
    forward(a, log_add, own, transitions, start, T, K);
    backward(b, own, transitions, end, T, K);
    for (int i = 0; T && i < K; i++) {
      z = log_add(z, a[(T - 1) * K + i] + at(end, i));
    }
    for (int i = 0; y && i < T * K; i++) {
      y[splits[row] * K + i] = z == -INFINITY ? 0 : (float)exp(a[i] + b[i] - z);
    }
    if (log_z) {
      log_z[row] = (float)z;
    }
    free(a);
  }
  return PL_OK;
}

void pl_ref_ragged_crf_score(float *score, const int32_t *tags, const float *x, const float *transitions, const float *start,
                             const float *end, const int32_t *splits, int B, int K) {
  for (int b = 0; b < B; b++) {
    double sum = 0;
    for (int t = splits[b]; t < splits[b + 1]; t++) {
      sum += (double)x[t * K + tags[t]];
      sum += t > splits[b] ? (double)transitions[tags[t - 1] * K + tags[t]] : at(start, tags[t]);
      sum += t + 1 < splits[b + 1] ? 0 : at(end, tags[t]);
    }
    score[b] = (float)sum;
  }
}
