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

/* ---- gemm.c ------------------------------------------------------------------------------------------------------------------- */

/* ---- rnn.c -------------------------------------------------------------------------------------------------------------------- */

/* ---- birnn.c ------------------------------------------------------------------------------------------------------------------ */

#endif
