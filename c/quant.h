/* Products with int8 weights.
 *
 * A panel holds QUANT_PANEL outputs: [bias][scale][k pair][outputs x 2]. Each row of x is rounded to 16 bits with its own scale. One
 * instruction multiplies two neighbours of the row by two weights of an output. Sums are integers, so they are exact in any tile. They are added
 * to a float after each QUANT_BLOCK of k, before 32 bits could overflow: 127 * 32767 * 512 < 2^31. */
#ifndef PADLESS_QUANT_H
#define PADLESS_QUANT_H

#include "internal.h"

enum { QUANT_PANEL = 32, QUANT_BLOCK = 512, QUANT_ROWS = 32 /* rows that are rounded at a time */ };

/* Elements of 4 bytes in the panels of N outputs. */
size_t quant_packed_size(size_t K, size_t N);

/* Writes the weights w[k*ldw], the scale and *bias (NULL: 0) of output n into panels that are zero. */
void quant_pack_column(float *packed, size_t n, const int8_t *w, size_t ldw, float scale, const float *bias, size_t K);

/* Bytes of scratch that quant() needs for M rows. */
size_t quant_scratch(size_t M, size_t K);

/* y[m*ldy + n] for n < N, from x[m*ldx + k] for k < K; `scale_floor`: see pl_quant_dense. */
void quant(float *y, size_t ldy, const float *x, size_t ldx, float scale_floor, const float *packed, size_t M, size_t K, size_t N,
           void *scratch);

#endif
