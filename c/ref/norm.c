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

void pl_ref_affine(float *y, const float *x, const float *scale, const float *shift, int M, int D) {
  for (int m = 0; m < M; m++, y += D, x += D) {
    for (int d = 0; d < D; d++) {
      y[d] = (float)((double)x[d] * (double)scale[d] + (double)shift[d]);
    }
  }
}
