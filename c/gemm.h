/* Products with packed weights, for the families that have some.
 *
 * A panel holds 8 outputs: [bias 8][k][8]. acc = bias, then acc = x[k] w[k] + acc for k in order, in every tile and every tail: an
 * output's bits depend on its row and its column alone. */
#ifndef PADLESS_GEMM_H
#define PADLESS_GEMM_H

#include "internal.h"

enum { GEMM_PANEL = 8 };

/* Floats of the panels of N outputs. */
static inline size_t gemm_packed_size(size_t K, size_t N) { return (N + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL * (K + 1); }

/* Writes output `n` into zeroed panels: w[k*ldw] and *bias (NULL: 0). */
void gemm_pack_column(float *packed, size_t n, const float *w, size_t ldw, const float *bias, size_t K);

/* y[m*ldy + n] for n < N, from x[m*ldx + k] for k < K. */
void gemm(float *y, size_t ldy, const float *x, size_t ldx, const float *packed, size_t M, size_t K, size_t N);

#endif
