/* Windows along time, for convolution and pooling: where they begin in a row, and how many there are. */
#ifndef PADLESS_WINDOWS_H
#define PADLESS_WINDOWS_H

#include "internal.h"

/* The windows of one row. int64_t, as positions may be negative, and stride * dilation from a model file may exceed 2^31. */
typedef struct row_windows {
  const float *x; /* [T, D] */
  int64_t T, D;
  int64_t count; /* windows */
  int64_t before, stride, dilation;
} row_windows;

/* The windows of row b of x; asserts that row b of out_splits has one step for each window. */
row_windows windows_of_row(const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride, int dilation,
                           pl_padding padding, size_t b, size_t D);

/* The step at which window t begins. */
static inline int64_t window_begin(const row_windows *w, int64_t t) { return t * w->stride - w->before; }

#endif
