#include "ref.h"

#include <math.h>

/* -log softmax(x)[label] = log(1 + sum over k != label of exp(x[k] - x[label])) */
static double logit_loss(const float *x, int label, int K) {
  double max = (double)x[label], others = 0;
  for (int k = 0; k < K; k++) {
    max = (double)x[k] > max ? (double)x[k] : max;
  }
  for (int k = 0; k < K; k++) {
    others += k == label ? 0 : exp((double)x[k] - max);
  }
  return max > (double)x[label] ? log(others + exp((double)x[label] - max)) + (max - (double)x[label]) : log1p(others);
}

static double probability_loss(double p) { return -log(fmin(fmax(p, 1e-7), 1 - (double)0x1p-23f)); }

static int argmax(const float *x, int K) {
  int best = 0;
  for (int k = 1; k < K; k++) {
    best = x[k] > x[best] ? k : best;
  }
  return best;
}

void pl_ref_cross_entropy(pl_loss *total, float *loss, const float *x, const int32_t *labels, int from_logits, int M, int K) {
  *total = (pl_loss){0, 0, 0};
  for (int m = 0; m < M; m++) {
    const float *row = x + (size_t)m * K;
    double y = 0;
    if (labels[m] >= 0) {
      y = from_logits ? logit_loss(row, labels[m], K) : probability_loss((double)row[labels[m]]);
      total->sum += y;
      total->count++;
      total->correct += argmax(row, K) == labels[m];
    }
    if (loss) {
      loss[m] = (float)y;
    }
  }
}
