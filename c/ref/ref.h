/* Scalar twins: a second implementation of each function of padless.h that computes something. They follow the formula, in double and with
 * libm, by plain loops and without regard to speed. pl_ref_<name> takes the arguments of pl_<name>. Only tests link them. */
#ifndef PADLESS_REF_H
#define PADLESS_REF_H

#include "padless.h"

/* ---- mask.c ------------------------------------------------------------------------------------------------------------------ */

void pl_ref_mask_from_ids(uint8_t *mask, const int32_t *ids, int32_t pad, int B, int T);
void pl_ref_mask_from_lengths(uint8_t *mask, const int32_t *lengths, int B, int T);
void pl_ref_mask_from_floats(uint8_t *mask, const float *m, int B, int T);
int pl_ref_row_splits(int32_t *splits, const uint8_t *mask, int B, int T);
void pl_ref_apply_mask(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* ---- seq.c ------------------------------------------------------------------------------------------------------------------- */

void pl_ref_pack(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_unpack(float *y, const float *x, const uint8_t *mask, float fill, int B, int T, int D);
void pl_ref_reverse_sequence(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_ragged_reverse(float *y, const float *x, const int32_t *splits, int B, int D);

/* ---- pool.c ------------------------------------------------------------------------------------------------------------------ */

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
void pl_ref_ragged_max_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                            pl_padding padding, int B, int D);
void pl_ref_ragged_average_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                                pl_padding padding, int B, int D);

/* ---- softmax.c --------------------------------------------------------------------------------------------------------------- */

void pl_ref_masked_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_ragged_softmax(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_ragged_log_softmax(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_softmax(float *y, const float *x, int M, int D);
void pl_ref_log_softmax(float *y, const float *x, int M, int D);
void pl_ref_masked_feature_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ref_masked_feature_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* ---- act.c ------------------------------------------------------------------------------------------------------------------- */

void pl_ref_activate(float *y, const float *x, pl_act act, int M, int D);
void pl_ref_relu(float *y, const float *x, float negative_slope, float threshold, float max_value, int n);
void pl_ref_elu(float *y, const float *x, float alpha, int n);
void pl_ref_prelu(float *y, const float *x, const float *alpha, int M, int D);

/* For the cells, in double: an activation of one value, and any activation of a row in place. */
double pl_ref_activation(double x, pl_act act);
void pl_ref_activate_row(double *y, pl_act act, int D);

/* ---- embedding.c ------------------------------------------------------------------------------------------------------------- */

pl_status pl_ref_embedding(float *y, const float *table, const int32_t *ids, int N, int V, int D);
pl_status pl_ref_masked_embedding(float *y, const float *table, const int32_t *ids, const uint8_t *mask, int B, int T, int V,
                                  int D);

/* ---- gemm.c ------------------------------------------------------------------------------------------------------------------ */

/* The packed form of the twins is the arrays, one after the other. */
size_t pl_ref_dense_packed_size(int K, int N);
void pl_ref_dense_pack(float *packed, const float *w, const float *bias, int K, int N);
void pl_ref_dense(float *y, const float *x, const float *packed, int M, int K, int N);
void pl_ref_masked_dense(float *y, const float *x, const float *packed, const uint8_t *mask, int B, int T, int K, int N);

/* ---- quant.c: packed forms are those of the float twins, with w * scale; the arena is not used -------------------------------- */

pl_status pl_ref_quant_embedding(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids, int N,
                                 int V, int D);
pl_status pl_ref_quant_embedding_sum(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids,
                                     const int32_t *splits, int B, int V, int D);
size_t pl_ref_quant_dense_packed_size(int K, int N);
void pl_ref_quant_dense_pack(float *packed, const int8_t *w, const float *scale, const float *bias, int K, int N);
pl_status pl_ref_quant_dense(float *y, const float *x, float scale_floor, const float *packed, int M, int K, int N,
                             pl_arena *arena);
size_t pl_ref_quant_rnn_packed_size(pl_cell cell, int D, int H);
void pl_ref_quant_rnn_pack(float *packed, const int8_t *kernel, const float *kernel_scale, const int8_t *recurrent_kernel,
                           const float *recurrent_scale, const float *bias, pl_cell cell, int D, int H);

/* For the cells: rounds a row to 16 bits, in place. */
void pl_ref_quant_row(double *x, double scale_floor, int K);

/* ---- rnn.c: `packed` in a pl_rnn is from pl_ref_rnn_pack; of the arena only `steps` is used -------------------------- */

size_t pl_ref_rnn_packed_size(pl_cell cell, int D, int H);
void pl_ref_rnn_pack(float *packed, const float *kernel, const float *recurrent_kernel, const float *bias, pl_cell cell, int D,
                     int H);
pl_status pl_ref_ragged_rnn(float *y, float *cells, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                            const int32_t *splits, pl_order order, int ldy, int B, pl_arena *arena);
pl_status pl_ref_masked_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init, const uint8_t *mask,
                            pl_order order, int B, int T, pl_arena *arena);

/* ---- birnn.c ----------------------------------------------------------------------------------------------------------------- */

void pl_ref_merge_outputs(float *y, const float *a, const float *b, pl_merge merge, int M, int Ha, int Hb);
pl_status pl_ref_ragged_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                      const pl_state init[2], const int32_t *splits, pl_merge merge, int B, pl_arena *arena);
pl_status pl_ref_masked_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                      const pl_state init[2], const uint8_t *mask, pl_merge merge, int B, int T, pl_arena *arena);

/* ---- attn.c ------------------------------------------------------------------------------------------------------------------ */

pl_status pl_ref_ragged_attention(float *y, float *weights, const float *q, const float *k, const float *v,
                                  const int32_t *query_splits, const int32_t *key_splits, float scale, int causal, int B, int heads,
                                  int Dk, int Dv, pl_arena *arena);
pl_status pl_ref_ragged_additive_attention(float *y, float *weights, const float *q, const float *k, const float *v,
                                           const float *scale, const int32_t *query_splits, const int32_t *key_splits, int causal,
                                           int B, int D, int Dv, pl_arena *arena);
void pl_ref_batch_product(float *y, const float *a, const float *w, int B, int M, int K, int N);

/* ---- crf.c ------------------------------------------------------------------------------------------------------------------- */

pl_status pl_ref_ragged_crf_viterbi(int32_t *tags, float *score, const float *x, const float *transitions, const float *start,
                                    const float *end, const int32_t *splits, int B, int K, pl_arena *arena);
pl_status pl_ref_ragged_crf_marginals(float *y, float *log_z, const float *x, const float *transitions, const float *start,
                                      const float *end, const int32_t *splits, int B, int K, pl_arena *arena);
void pl_ref_ragged_crf_score(float *score, const int32_t *tags, const float *x, const float *transitions, const float *start,
                             const float *end, const int32_t *splits, int B, int K);

/* ---- loss.c ------------------------------------------------------------------------------------------------------------------ */

void pl_ref_cross_entropy(pl_loss *total, float *loss, const float *x, const int32_t *labels, int from_logits, int M, int K);

/* ---- conv.c: `packed` in a pl_conv is from pl_ref_conv_pack; the arena is not used ---------------------------------------- */

int pl_ref_conv_length(int T, int size, int stride, int dilation, pl_padding padding);
size_t pl_ref_conv_packed_size(int size, int D, int N);
void pl_ref_conv_pack(float *packed, const float *kernel, const float *bias, int size, int D, int N);
pl_status pl_ref_ragged_conv(float *y, const float *x, const pl_conv *conv, const int32_t *splits, const int32_t *out_splits, int B,
                             pl_arena *arena);
void pl_ref_ragged_depthwise_conv(float *y, const float *x, const float *kernel, const float *bias, const int32_t *splits,
                                  const int32_t *out_splits, int size, int stride, int dilation, pl_padding padding, int B, int D,
                                  int M);

/* Number of padding steps before the first step of a row. */
int pl_ref_padding_before(int T, int size, int stride, int dilation, pl_padding padding);

/* ---- norm.c ------------------------------------------------------------------------------------------------------------------ */

void pl_ref_layer_norm(float *y, const float *x, const float *gamma, const float *beta, float epsilon, int M, int D);
void pl_ref_rms_norm(float *y, const float *x, const float *gamma, float epsilon, int M, int D);
void pl_ref_ragged_group_norm(float *y, const float *x, const float *gamma, const float *beta, const int32_t *splits, int groups,
                              float epsilon, int B, int D);
void pl_ref_unit_norm(float *y, const float *x, int M, int D);
void pl_ref_affine(float *y, const float *x, const float *scale, const float *shift, int M, int D);

/* ---- merge.c ----------------------------------------------------------------------------------------------------------------- */

void pl_ref_elementwise(float *y, const float *a, const float *b, pl_op op, int n);
void pl_ref_scale(float *y, const float *x, float scale, float offset, int n);
void pl_ref_repeat_rows(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ref_repeat_feature(float *y, const float *x, int M, int D);
void pl_ref_copy_columns(float *y, const float *x, int ldy, int ldx, int M, int D);
void pl_ref_transpose(float *y, const float *x, int B, int M, int N);
void pl_ref_masked_hold(float *y, const uint8_t *mask, int B, int T, int D);

#endif
