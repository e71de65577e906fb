/* Products with packed weights.
 *
 * A panel holds GEMM_PANEL outputs: [bias][k][outputs]. acc = bias, then acc = x[k] w[k] + acc in order of k, in every tile and every tail:
 * the bits of an output depend only on its row of x and its column of w. */
#ifndef PADLESS_GEMM_H
#define PADLESS_GEMM_H

#include "internal.h"

/* One row computes 32 outputs at a time, from four panels of 8 or from one of 32. Measured in V8 14: with fused multiply-add, panels
 * of 8 are 2 to 3 % faster (8 % if the weights exceed the second-level cache); without it, panels of 32 are 5 to 7 % faster, because they
 * leave more registers for the products. */
#ifdef PL_RELAXED
enum { GEMM_PANEL = 8 };
#else
enum { GEMM_PANEL = 32 };
#endif

/* Number of floats of the panels of N outputs. */
size_t gemm_packed_size(size_t K, size_t N);

/* Writes the weights w[k*ldw] and *bias (NULL: 0) of output n into panels that are zero. */
void gemm_pack_column(float *packed, size_t n, const float *w, size_t ldw, const float *bias, size_t K);

/* y[m*ldy + n] for n < N, from x[m*ldx + k] for k < K. */
void gemm(float *y, size_t ldy, const float *x, size_t ldx, const float *packed, size_t M, size_t K, size_t N);

#endif
