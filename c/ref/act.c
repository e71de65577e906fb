#include "ref.h"

#include <math.h>
#include <stdlib.h>

static double clip(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

double pl_ref_activation(double x, pl_act act) {
  switch (act) {
  case PL_TANH:
    return tanh(x);
  case PL_SIGMOID:
    return sigmoid(x);
  case PL_RELU:
    return x < 0 ? 0 : x;
  case PL_HARD_SIGMOID:
    return clip(x / 6 + 0.5, 0, 1);
  case PL_HARD_SIGMOID_KERAS2:
    return clip(0.2 * x + 0.5, 0, 1);
  case PL_SOFTSIGN:
    return x / (1 + fabs(x));
  case PL_ELU:
    return x > 0 ? x : expm1(x);
  case PL_SELU:
    return 1.05070098735548049342 * (x > 0 ? x : 1.67326324235437728481 * expm1(x));
  case PL_SOFTPLUS:
    return softplus(x);
  case PL_SILU:
    return x * sigmoid(x);
  case PL_GELU:
    return 0.5 * x * (1 + erf(x / sqrt(2)));
  case PL_GELU_TANH:
    return 0.5 * x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
  case PL_EXPONENTIAL:
    return exp(x);
  case PL_RELU6:
    return clip(x, 0, 6);
  case PL_LEAKY_RELU:
    return x > 0 ? x : 0.2 * x;
  case PL_MISH:
    return x * tanh(softplus(x));
  case PL_HARD_SILU:
    return x * clip(x / 6 + 0.5, 0, 1);
  default:
    return x;
  }
}

void pl_ref_activate_row(double *y, pl_act act, int D) {
  if (act != PL_SOFTMAX && act != PL_LOG_SOFTMAX) {
    for (int d = 0; d < D; d++) {
      y[d] = pl_ref_activation(y[d], act);
    }
    return;
  }
  double max = -INFINITY, sum = 0;
  for (int d = 0; d < D; d++) {
    max = y[d] > max ? y[d] : max;
  }
  for (int d = 0; d < D; d++) {
    sum += exp(y[d] - max);
  }
  for (int d = 0; d < D; d++) {
    y[d] = act == PL_SOFTMAX ? exp(y[d] - max) / sum : y[d] - max - log(sum);
  }
}

void pl_ref_activate(float *y, const float *x, pl_act act, int M, int D) {
  double *row = calloc((size_t)D + 1, sizeof *row);
  for (int m = 0; m < M; m++) {
    for (int d = 0; d < D; d++) {
      row[d] = (double)x[(size_t)m * D + d];
    }
    pl_ref_activate_row(row, act, D);
    for (int d = 0; d < D; d++) {
      y[(size_t)m * D + d] = (float)row[d];
    }
  }
  free(row);
}

void pl_ref_relu(float *y, const float *x, float negative_slope, float threshold, float max_value, int n) {
  for (int i = 0; i < n; i++) {
    double below = negative_slope == 0 && !isnan(x[i]) ? 0 : (double)negative_slope * ((double)x[i] - (double)threshold);
    y[i] = x[i] > threshold ? (x[i] < max_value ? x[i] : max_value) : (float)below;
  }
}

void pl_ref_elu(float *y, const float *x, float alpha, int n) {
  for (int i = 0; i < n; i++) {
    y[i] = x[i] > 0 ? x[i] : (float)((double)alpha * expm1((double)x[i]));
  }
}

void pl_ref_prelu(float *y, const float *x, const float *alpha, int M, int D) {
  for (size_t m = 0; m < (size_t)M; m++) {
    for (int d = 0; d < D; d++) {
      double v = (double)x[m * D + d];
      y[m * D + d] = (float)(v > 0 ? v : (double)alpha[d] * v);
    }
  }
}
