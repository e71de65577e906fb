#include "ref.h"

#include <math.h>

static double mean_of(const float *x, int D) {
  double sum = 0;
  for (int d = 0; d < D; d++) {
    sum += (double)x[d];
  }
  return sum / D;
}

/* sum_d (x[d] - about)^2 */
static double squares_of(const float *x, double about, int D) {
  double sum = 0;
  for (int d = 0; d < D; d++) {
    sum += ((double)x[d] - about) * ((double)x[d] - about);
  }
  return sum;
}

void pl_ref_layer_norm(float *y, const float *x, const float *gamma, const float *beta, float epsilon, int M, int D) {
  for (int m = 0; m < M; m++, y += D, x += D) {
    double mean = mean_of(x, D), deviation = sqrt(squares_of(x, mean, D) / D + (double)epsilon);
    for (int d = 0; d < D; d++) {
      y[d] = (float)(((double)x[d] - mean) / deviation * (gamma ? (double)gamma[d] : 1) + (beta ? (double)beta[d] : 0));
    }
  }
}

void pl_ref_rms_norm(float *y, const float *x, const float *gamma, float epsilon, int M, int D) {
  for (int m = 0; m < M; m++, y += D, x += D) {
    double root = sqrt(squares_of(x, 0, D) / D + (double)epsilon);
    for (int d = 0; d < D; d++) {
      y[d] = (float)((double)x[d] / root * (gamma ? (double)gamma[d] : 1));
    }
  }
}

void pl_ref_unit_norm(float *y, const float *x, int M, int D) {
  for (int m = 0; m < M; m++, y += D, x += D) {
    double length = sqrt(squares_of(x, 0, D));
    for (int d = 0; d < D; d++) {
      y[d] = (float)((double)x[d] / (length < 1e-12 ? 1e-12 : length));
    }
  }
}

void pl_ref_ragged_group_norm(float *y, const float *x, const float *gamma, const float *beta, const int32_t *splits, int groups,
                              float epsilon, int B, int D) {
  const int w = D / groups;
  for (int b = 0; b < B; b++) {
    const int from = splits[b], to = splits[b + 1];
    for (int g = 0; g < groups; g++) {
      double sum = 0, squares = 0, count = (double)(to - from) * w;
      for (int t = from; t < to; t++) {
        sum += mean_of(x + (ptrdiff_t)t * D + g * w, w) * w;
      }
      for (int t = from; t < to; t++) {
        squares += squares_of(x + (ptrdiff_t)t * D + g * w, sum / count, w);
      }
      for (int t = from; t < to; t++) {
        for (int d = g * w; d < (g + 1) * w; d++) {
          const ptrdiff_t i = (ptrdiff_t)t * D + d;
          double z = ((double)x[i] - sum / count) / sqrt(squares / count + (double)epsilon);
          y[i] = (float)(z * (gamma ? (double)gamma[d] : 1) + (beta ? (double)beta[d] : 0));
        }
      }
    }
  }
}

void pl_ref_affine(float *y, const float *x, const float *scale, const float *shift, int M, int D) {
  for (int m = 0; m < M; m++, y += D, x += D) {
    for (int d = 0; d < D; d++) {
      y[d] = (float)((double)x[d] * (double)scale[d] + (double)shift[d]);
    }
  }
}
