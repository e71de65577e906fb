#include "ref.h"

#include <math.h>

static int counts(const uint8_t *mask, int i) { return !mask || mask[i] != 0; }

/* n elements, `stride` apart: y = exp(x - max) / sum exp(x - max) over those that count, its logarithm where `as_log`. Elsewhere 0 or
 * -Infinity. y may be x: an element is read before it is written. */
static void softmax(float *y, const float *x, const uint8_t *mask, int n, int stride, int as_log) {
  double max = -INFINITY, sum = 0;
  for (int i = 0; i < n; i++) {
    if (counts(mask, i) && (double)x[i * stride] > max) {
      max = (double)x[i * stride];
    }
  }
  for (int i = 0; i < n; i++) {
    if (counts(mask, i)) {
      sum += exp((double)x[i * stride] - max);
    }
  }
  for (int i = 0; i < n; i++) {
    double centred = (double)x[i * stride] - max;
    if (!counts(mask, i)) {
      y[i * stride] = as_log ? -INFINITY : 0;
    } else {
      y[i * stride] = (float)(as_log ? centred - log(sum) : exp(centred) / sum);
    }
  }
}

static void over_time(float *y, const float *x, const uint8_t *mask, int B, int T, int D, int as_log) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      softmax(y + b * T * D + d, x + b * T * D + d, mask ? mask + b * T : NULL, T, D, as_log);
    }
  }
}

static void over_ragged_time(float *y, const float *x, const int32_t *splits, int B, int D, int as_log) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      softmax(y + splits[b] * D + d, x + splits[b] * D + d, NULL, splits[b + 1] - splits[b], D, as_log);
    }
  }
}

static void over_features(float *y, const float *x, const uint8_t *mask, int M, int D, int as_log) {
  for (int m = 0; m < M; m++) {
    if (counts(mask, m)) {
      softmax(y + m * D, x + m * D, NULL, D, 1, as_log);
    } else {
      for (int d = 0; d < D; d++) {
        y[m * D + d] = as_log ? -INFINITY : 0;
      }
    }
  }
}

void pl_ref_masked_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  over_time(y, x, mask, B, T, D, 0);
}

void pl_ref_masked_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  over_time(y, x, mask, B, T, D, 1);
}

void pl_ref_ragged_softmax(float *y, const float *x, const int32_t *splits, int B, int D) {
  over_ragged_time(y, x, splits, B, D, 0);
}

void pl_ref_ragged_log_softmax(float *y, const float *x, const int32_t *splits, int B, int D) {
  over_ragged_time(y, x, splits, B, D, 1);
}

void pl_ref_softmax(float *y, const float *x, int M, int D) { over_features(y, x, NULL, M, D, 0); }

void pl_ref_log_softmax(float *y, const float *x, int M, int D) { over_features(y, x, NULL, M, D, 1); }

void pl_ref_masked_feature_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  over_features(y, x, mask, B * T, D, 0);
}

void pl_ref_masked_feature_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  over_features(y, x, mask, B * T, D, 1);
}
