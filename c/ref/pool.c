/* A ragged row is a masked row in which every step counts. */
#include "ref.h"

#include <math.h>

static int counts(const uint8_t *mask, int t) { return !mask || mask[t] != 0; }

/* One channel of one row: x[t * D] for t in [0, T). */

static double channel_sum(const float *x, const uint8_t *mask, int T, int D) {
  double sum = 0;
  for (int t = 0; t < T; t++) {
    if (counts(mask, t)) {
      sum += (double)x[t * D];
    }
  }
  return sum;
}

static double channel_mean(const float *x, const uint8_t *mask, int T, int D) {
  int n = 0;
  for (int t = 0; t < T; t++) {
    n += counts(mask, t);
  }
  return n == 0 ? 0 : channel_sum(x, mask, T, D) / n;
}

static int channel_argmax(const float *x, const uint8_t *mask, int T, int D) {
  int best = -1;
  for (int t = 0; t < T; t++) {
    if (counts(mask, t)) {
      if (best < 0 || x[t * D] > x[best * D] || (isnan(x[t * D]) && !isnan(x[best * D]))) {
        best = t;
      }
    }
  }
  return best;
}

static double channel_max(const float *x, const uint8_t *mask, int T, int D) {
  int best = channel_argmax(x, mask, T, D);
  return best < 0 ? 0 : (double)x[best * D];
}

static double channel_min(const float *x, const uint8_t *mask, int T, int D) {
  double min = INFINITY;
  int n = 0;
  for (int t = 0; t < T; t++) {
    if (counts(mask, t)) {
      n++;
      if ((double)x[t * D] < min || isnan(x[t * D])) {
        min = isnan(min) ? min : (double)x[t * D];
      }
    }
  }
  return n == 0 ? 0 : min;
}

static double channel_first(const float *x, const uint8_t *mask, int T, int D) {
  for (int t = 0; t < T; t++) {
    if (counts(mask, t)) {
      return (double)x[t * D];
    }
  }
  return 0;
}

static double channel_last(const float *x, const uint8_t *mask, int T, int D) {
  for (int t = T - 1; t >= 0; t--) {
    if (counts(mask, t)) {
      return (double)x[t * D];
    }
  }
  return 0;
}

typedef double channel_pool(const float *x, const uint8_t *mask, int T, int D);

static void masked_pool(channel_pool *pool, float *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      y[b * D + d] = (float)pool(x + b * T * D + d, mask ? mask + b * T : NULL, T, D);
    }
  }
}

static void ragged_pool(channel_pool *pool, float *y, const float *x, const int32_t *splits, int B, int D) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      y[b * D + d] = (float)pool(x + splits[b] * D + d, NULL, splits[b + 1] - splits[b], D);
    }
  }
}

#define POOL(name)                                                                                                                 \
  void pl_ref_masked_##name(float *y, const float *x, const uint8_t *mask, int B, int T, int D) {                                  \
    masked_pool(channel_##name, y, x, mask, B, T, D);                                                                              \
  }                                                                                                                                \
  void pl_ref_ragged_##name(float *y, const float *x, const int32_t *splits, int B, int D) {                                       \
    ragged_pool(channel_##name, y, x, splits, B, D);                                                                               \
  }

POOL(sum)
POOL(mean)
POOL(max)
POOL(min)
POOL(first)
POOL(last)

void pl_ref_masked_argmax(int32_t *y, const float *x, const uint8_t *mask, int B, int T, int D) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      y[b * D + d] = channel_argmax(x + b * T * D + d, mask ? mask + b * T : NULL, T, D);
    }
  }
}

void pl_ref_ragged_argmax(int32_t *y, const float *x, const int32_t *splits, int B, int D) {
  for (int b = 0; b < B; b++) {
    for (int d = 0; d < D; d++) {
      y[b * D + d] = channel_argmax(x + splits[b] * D + d, NULL, splits[b + 1] - splits[b], D);
    }
  }
}

void pl_ref_ragged_max_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                            pl_padding padding, int B, int D) {
  for (int b = 0; b < B; b++) {
    int T = splits[b + 1] - splits[b], before = pl_ref_padding_before(T, size, stride, 1, padding);
    for (int t = 0; t < out_splits[b + 1] - out_splits[b]; t++) {
      for (int d = 0; d < D; d++) {
        float max = -INFINITY;
        for (int at = t * stride - before; at < t * stride - before + size; at++) {
          if (0 <= at && at < T) {
            float value = x[((size_t)splits[b] + at) * D + d];
            max = isnan(value) || value > max ? value : max; /* a NaN stays: value > NaN is false */
          }
        }
        y[((size_t)out_splits[b] + t) * D + d] = max;
      }
    }
  }
}

void pl_ref_ragged_average_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                                pl_padding padding, int B, int D) {
  for (int b = 0; b < B; b++) {
    int T = splits[b + 1] - splits[b], before = pl_ref_padding_before(T, size, stride, 1, padding);
    for (int t = 0; t < out_splits[b + 1] - out_splits[b]; t++) {
      for (int d = 0; d < D; d++) {
        double sum = 0;
        int n = 0;
        for (int at = t * stride - before; at < t * stride - before + size; at++) {
          if (0 <= at && at < T) {
            sum += (double)x[((size_t)splits[b] + at) * D + d];
            n++;
          }
        }
        y[((size_t)out_splits[b] + t) * D + d] = (float)(sum / n);
      }
    }
  }
}
