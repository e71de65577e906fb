/* Products with packed weights, for the families that have some.
 *
 * A panel holds GEMM_PANEL outputs: [bias][k][outputs]. acc = bias, then acc = x[k] w[k] + acc for k in order, in every tile and every tail:
 * an output's bits depend on its row and its column alone. */
#ifndef PADLESS_GEMM_H
#define PADLESS_GEMM_H

#include "internal.h"

/* A row takes 32 outputs at a time: as four streams of 8, or as one of 32. Measured in V8 14: fused, the four are 2 to 3 % faster (8 % where
 * the weights leave the second cache); unfused, the one is 5 to 7 % faster, as it leaves more registers to the products. */
#ifdef PL_RELAXED
enum { GEMM_PANEL = 8 };
#else
enum { GEMM_PANEL = 32 };
#endif

/* Floats of the panels of N outputs. */
size_t gemm_packed_size(size_t K, size_t N);

/* Writes output `n` into zeroed panels: w[k*ldw] and *bias (NULL: 0). */
void gemm_pack_column(float *packed, size_t n, const float *w, size_t ldw, const float *bias, size_t K);

/* y[m*ldy + n] for n < N, from x[m*ldx + k] for k < K. */
void gemm(float *y, size_t ldy, const float *x, size_t ldx, const float *packed, size_t M, size_t K, size_t N);

#endif
