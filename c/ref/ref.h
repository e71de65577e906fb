/* Scalar twins: each function of padless.h that computes something, written once more from its formula in double and libm, with plain
 * loops and no regard to speed. pl_ref_<name> takes the arguments of pl_<name>. Only tests link them. */
#ifndef PADLESS_REF_H
#define PADLESS_REF_H

#include "padless.h"

/* ---- mask.c ------------------------------------------------------------------------------------------------------------------- */

void pl_ref_mask_from_ids(uint8_t *mask, const int32_t *ids, int32_t pad, int B, int T);
void pl_ref_mask_from_lengths(uint8_t *mask, const int32_t *lengths, int B, int T);
void pl_ref_mask_from_floats(uint8_t *mask, const float *m, int B, int T);
int pl_ref_row_splits(int32_t *splits, const uint8_t *mask, int B, int T);
void pl_ref_apply_mask(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* ---- seq.c -------------------------------------------------------------------------------------------------------------------- */

void pl_ref_pack(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_unpack(float *y, const float *x, const uint8_t *mask, float fill, int B, int T, int D);
void pl_ref_reverse_sequence(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_ragged_reverse(float *y, const float *x, const int32_t *splits, int B, int D);

/* ---- pool.c ------------------------------------------------------------------------------------------------------------------- */

void pl_ref_masked_sum(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_mean(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_max(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_min(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_first(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_last(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_argmax(int32_t *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_ragged_sum(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_mean(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_max(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_min(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_first(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_last(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_argmax(int32_t *y, const float *x, const int32_t *splits, int B, int D);

/* ---- softmax.c ---------------------------------------------------------------------------------------------------------------- */

void pl_ref_masked_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_ragged_softmax(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_log_softmax(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_softmax(float *y, const float *x, int M, int D);
void pl_ref_log_softmax(float *y, const float *x, int M, int D);
void pl_ref_masked_feature_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_feature_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* ---- act.c -------------------------------------------------------------------------------------------------------------------- */

void pl_ref_activate(float *y, const float *x, pl_act act, int M, int D);

/* For the cells, in double: one value by a function of one value, and a row in place. */
double pl_ref_activation(double x, pl_act act);
void pl_ref_activate_row(double *y, pl_act act, int D);

/* ---- gemm.c ------------------------------------------------------------------------------------------------------------------- */

/* The twins have a packed form of their own: the arrays one behind the other. */
size_t pl_ref_dense_packed_size(int K, int N);
void pl_ref_dense_pack(float *packed, const float *w, const float *bias, int K, int N);
void pl_ref_dense(float *y, const float *x, const float *packed, int M, int K, int N);
void pl_ref_masked_dense(float *y, const float *x, const float *packed, const uint8_t *mask, int B, int T, int K, int N);
pl_status pl_ref_embedding(float *y, const float *table, const int32_t *ids, int N, int V, int D);
pl_status pl_ref_masked_embedding(float *y, const float *table, const int32_t *ids, const uint8_t *mask, int B, int T, int V,
                                  int D);

/* ---- rnn.c: `packed` in a pl_rnn comes from pl_ref_rnn_pack, of an arena only the steps are counted ------------------------------ */

size_t pl_ref_rnn_packed_size(pl_cell cell, int D, int H);
void pl_ref_rnn_pack(float *packed, const float *kernel, const float *recurrent_kernel, const float *bias, pl_cell cell, int D,
                     int H);
pl_status pl_ref_ragged_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                            const int32_t *splits, pl_order order, int ldy, int B, pl_arena *arena);
pl_status pl_ref_masked_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init, const uint8_t *mask,
                            pl_order order, int B, int T, pl_arena *arena);

/* ---- birnn.c ------------------------------------------------------------------------------------------------------------------ */

void pl_ref_merge_outputs(float *y, const float *a, const float *b, pl_merge merge, int M, int Ha, int Hb);
pl_status pl_ref_ragged_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                      const pl_state init[2], const int32_t *splits, pl_merge merge, int B, pl_arena *arena);
pl_status pl_ref_masked_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                      const pl_state init[2], const uint8_t *mask, pl_merge merge, int B, int T, pl_arena *arena);

#endif
