/* padless: masked kernels and an aligned bidirectional RNN for texts of different lengths.
 *
 * The one public header. Shape letters: B batch, T time steps (padded length), N steps that count in the whole batch,
 * D input features, H hidden units, K inner length and M rows of a product, V vocabulary. Arrays are row-major float unless stated
 * otherwise; sizes count elements, and what a pl_*_scratch function returns counts bytes. Nothing here allocates, prints or keeps state
 * between calls.
 *
 * A step counts if the mask does not mark it as padding. Most kernels exist in two forms, for two layouts of a batch:
 *   masked   x [B, T, D] with mask [B, T]; bytes, 0 is padding, anything else counts. With a NULL mask every step counts.
 *   ragged   x [N, D]: only the steps that count, one after the other. Row b is x[splits[b]] .. x[splits[b+1]-1]; splits [B+1] starts
 *            at 0 and never decreases (row_splits of TensorFlow's RaggedTensor). Steps in this layout are called closed up.
 *            pl_row_splits, pl_pack and pl_unpack convert.
 *
 * Promises: no result depends on values under the mask (NaN and Inf included); every output element is summed in one order,
 * which depends only on the steps of its own row that count; outputs at padding are 0 (log-softmax: -Infinity); work grows with N,
 * not with B*T. A row without steps that count is valid: it gives zeros, argmax -1, and a recurrent layer gives its initial state.
 *
 * Native builds assert that the caller makes no mistake (NULL, negative sizes, overlap); invalid data gives a pl_status. A size that overflows
 * size_t is returned as SIZE_MAX.
 */
#ifndef PADLESS_H
#define PADLESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pl_status {
  PL_OK = 0,
  PL_SCRATCH_TOO_SMALL = 1, /* the arena has fewer free bytes than pl_*_scratch() returns; nothing was written */
  PL_ID_OUT_OF_RANGE = 2    /* a token id outside [0, V); outputs are unspecified */
} pl_status;

/* ---- build.c: which build this is ---------------------------------------------------------------------------------------------- */

/* 1: relaxed SIMD, in which a multiply-add may round once; 0: fixed order, the same bits everywhere. */
int pl_is_relaxed(void);

/* ---- arena: scratch memory that the caller owns ------------------------------------------------------------------------------ */

typedef struct pl_arena {
  uint8_t *base;  /* 16-byte aligned */
  size_t size;    /* bytes */
  size_t used;    /* bytes; a kernel restores it before it returns */
  uint64_t steps; /* recurrent steps computed since the caller last set it to 0; each row, step and direction is one */
} pl_arena;

void pl_arena_init(pl_arena *arena, void *base, size_t size);

/* ---- mask.c: which steps count ----------------------------------------------------------------------------------------------- */

/* mask[b][t] = ids[b][t] != pad */
void pl_mask_from_ids(uint8_t *mask, const int32_t *ids, int32_t pad, int B, int T);

/* mask[b][t] = t < lengths[b]; a length below 0 counts as 0, above T as T. */
void pl_mask_from_lengths(uint8_t *mask, const int32_t *lengths, int B, int T);

/* mask[b][t] = m[b][t] != 0, for the float masks [B, T, 1] that Keras code passes. NaN counts as a step. */
void pl_mask_from_floats(uint8_t *mask, const float *m, int B, int T);

/* splits[b+1] = splits[b] + number of steps of row b that count; splits [B+1]. Returns N = splits[B]. */
int pl_row_splits(int32_t *splits, const uint8_t *mask, int B, int T);

/* y = x where a step counts, 0 elsewhere; y, x [B, T, D]; y may be x. Copies bits, NaN payloads included. */
void pl_apply_mask(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* ---- seq.c: moving steps ----------------------------------------------------------------------------------------------------- */

/* y = the steps of x that count, closed up. y [N, D], x [B, T, D]; y may be x. Copies bits: int32 data may be passed as float. */
void pl_pack(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* The inverse of pl_pack: steps return to their positions, padding becomes `fill`. y [B, T, D], x [N, D]; must not overlap. */
void pl_unpack(float *y, const float *x, const uint8_t *mask, float fill, int B, int T, int D);

/* Reverses the order of the steps that count; padding is copied and keeps its positions. y, x [B, T, D], no overlap.
 * Matches: tf.reverse_sequence(x, lengths) where the mask is a prefix. */
void pl_reverse_sequence(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* Reverses closed-up steps. y, x [N, D], no overlap. */
void pl_ragged_reverse(float *y, const float *x, const int32_t *splits, int B, int D);

/* ---- pool.c: one vector per row ---------------------------------------------------------------------------------------------- */

/* Over the steps t of row b that count:
 *   sum   y[b][d] = sum_t x[b][t][d]          added in double, in order of t, rounded once
 *   mean  y[b][d] = sum_t x[b][t][d] / n_b    n_b the number of steps that count; divided in double, rounded once
 *   max   y[b][d] = max_t x[b][t][d]          min likewise; NaN at a step that counts gives NaN
 *   first, last    the step that counts with the lowest, highest t
 * y [B, D], must not overlap x. A row without steps that count gives zeros. T may be 0. */
void pl_masked_sum(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_mean(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_max(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_min(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_first(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_last(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* y[b][d] = the first t (position in the padded row) at which x[b][t][d] is greatest; -1 for a row without steps that count.
 * A NaN is greater than every number, as in NumPy. y int32 [B, D]. */
void pl_masked_argmax(int32_t *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* The pools over closed-up steps: x [N, D], y [B, D]; argmax counts from the start of its row. */
void pl_ragged_sum(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_mean(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_max(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_min(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_first(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_last(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_argmax(int32_t *y, const float *x, const int32_t *splits, int B, int D);

/* ---- softmax.c --------------------------------------------------------------------------------------------------------------- */

/* Over time, separately for each b and d: y = exp(x - max) / sum_t exp(x - max) over the steps that count; 0 at padding.
 * log: y = x - max - log(sum_t exp(x - max)); -Infinity at padding. y, x [B, T, D]; y may be x. Sums in double.
 * Where every step that counts is -Infinity, or one is +Infinity or NaN, those steps give NaN, as in Keras. */
void pl_masked_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_ragged_softmax(float *y, const float *x, const int32_t *splits, int B, int D);
void pl_ragged_log_softmax(float *y, const float *x, const int32_t *splits, int B, int D);

/* Over features, for each row of x [M, D]; with a mask, for each step that counts of x [B, T, D]. y may be x. */
void pl_softmax(float *y, const float *x, int M, int D);
void pl_log_softmax(float *y, const float *x, int M, int D);
void pl_masked_feature_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);
void pl_masked_feature_log_softmax(float *y, const float *x, const uint8_t *mask, int B, int T, int D);

/* ---- act.c: activations ------------------------------------------------------------------------------------------------------ */

/* Names and definitions of Keras 3.12 (keras.activations); *_KERAS2: as in Keras 2, which differed. The numbers are part of the ABI. */
typedef enum pl_act {
  PL_LINEAR = 0,
  PL_TANH = 1,
  PL_SIGMOID = 2,
  PL_RELU = 3,
  PL_HARD_SIGMOID = 4,        /* clip(x/6 + 0.5, 0, 1), Keras 3 */
  PL_HARD_SIGMOID_KERAS2 = 5, /* clip(0.2 x + 0.5, 0, 1) */
  PL_SOFTSIGN = 6,            /* x / (1 + |x|) */
  PL_ELU = 7,                 /* x > 0 ? x : exp(x) - 1 */
  PL_SELU = 8,
  PL_SOFTPLUS = 9,     /* log(1 + exp(x)) */
  PL_SILU = 10,        /* x sigmoid(x), also called swish */
  PL_GELU = 11,        /* x (1 + erf(x / sqrt 2)) / 2 */
  PL_GELU_TANH = 12,   /* x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 */
  PL_EXPONENTIAL = 13, /* exp(x) */
  PL_SOFTMAX = 14,     /* over the last axis */
  PL_LOG_SOFTMAX = 15,
  PL_RELU6 = 16,
  PL_LEAKY_RELU = 17, /* x > 0 ? x : 0.2 x, Keras 3 */
  PL_MISH = 18,       /* x tanh(softplus(x)) */
  PL_HARD_SILU = 19,  /* x hard_sigmoid(x), also called hard_swish */
  PL_ACT_COUNT = 20
} pl_act;

/* y = act(x), row by row of x [M, D]; y may be x. */
void pl_activate(float *y, const float *x, pl_act act, int M, int D);

/* Activations with parameters; y may be x. Matches: Keras 3.12 layers ReLU, ELU, PReLU.
 *   relu   y = x > threshold ? min(x, max_value) : negative_slope (x - threshold)    max_value Infinity: no limit
 *   elu    y = x > 0 ? x : alpha (exp(x) - 1)
 *   prelu  y[m][d] = x[m][d] > 0 ? x[m][d] : alpha[d] x[m][d]                        x [M, D], alpha [D] */
void pl_relu(float *y, const float *x, float negative_slope, float threshold, float max_value, int n);
void pl_elu(float *y, const float *x, float alpha, int n);
void pl_prelu(float *y, const float *x, const float *alpha, int M, int D);

/* ---- embedding.c: rows of a table -------------------------------------------------------------------------------------------- */

/* y[n] = table[ids[n]]; table [V, D], ids [N], y [N, D]. */
pl_status pl_embedding(float *y, const float *table, const int32_t *ids, int N, int V, int D);

/* pl_embedding for ids [B, T], y [B, T, D], with zeros at padding; an id under the mask may have any value. */
pl_status pl_masked_embedding(float *y, const float *table, const int32_t *ids, const uint8_t *mask, int B, int T, int V, int D);

/* ---- gemm.c: dense ----------------------------------------------------------------------------------------------------------- */

/* Packs weights w [K, N] and bias [N] (NULL: zeros), once at load. A panel holds several outputs, bias first; the last panel is padded with
 * zeros.
 * packed: 16-byte aligned, pl_dense_packed_size(K, N) floats. */
size_t pl_dense_packed_size(int K, int N);
void pl_dense_pack(float *packed, const float *w, const float *bias, int K, int N);

/* y[m][n] = bias[n] + sum_k x[m][k] w[k][n], added in order of k, starting with the bias, whatever M and N are.
 * y [M, N], x [M, K], no overlap. Matches: Keras Dense without its activation. */
void pl_dense(float *y, const float *x, const float *packed, int M, int K, int N);

/* pl_dense at the steps of x [B, T, K] that count; y [B, T, N] is 0 at padding. */
void pl_masked_dense(float *y, const float *x, const float *packed, const uint8_t *mask, int B, int T, int K, int N);

/* ---- quant.c: embedding and dense with int8 weights -------------------------------------------------------------------------- */

/* Weights are int8 from -127 to 127, and each output has a scale: w[k][n] scale[n]. Inputs are rounded to 16 bits, each row of x with
 * a scale s = max(scale_floor, max_k |x[k]|) / 32767: q[k] = x[k] (1 / s), rounded to the nearest integer, halves to the even one. So
 * all rows whose values lie within scale_floor share one scale. If a row of x has NaN or Inf, its row of y is NaN. Rounding changes an
 * input by at most s / 2. */

/* y[n][d] = table[i][d] rows[i] scale[d], i = ids[n]; table [V, D], rows [V], scale [D], ids [N], y [N, D]. A table also has a factor for
 * each row, because its rows differ in magnitude. */
pl_status pl_quant_embedding(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids, int N,
                             int V, int D);

/* The sum of the embeddings of a row: y[b][d] = scale[d] sum_n table[i][d] rows[i], i = ids[n], for n from splits[b] to
 * splits[b + 1] - 1; y [B, D], splits [B + 1]. The sum of integers is exact, so it does not depend on the order of the ids; y is rounded
 * twice. */
pl_status pl_quant_embedding_sum(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids,
                                 const int32_t *splits, int B, int V, int D);

/* w [K, N], scale [N] and bias [N] (NULL: zeros); packed: 16-byte aligned, pl_quant_dense_packed_size(K, N) elements of 4 bytes. */
size_t pl_quant_dense_packed_size(int K, int N);
void pl_quant_dense_pack(float *packed, const int8_t *w, const float *scale, const float *bias, int K, int N);

/* y[m][n] = bias[n] + s[m] scale[n] sum_k q[m][k] w[k][n]: each block of 512 k is summed exactly, as integers; the blocks are added in
 * order, as floats.
 * y [M, N], x [M, K], no overlap; scale_floor: 0, or 1 where |x| <= 1. scratch: pl_quant_dense_scratch() bytes. Fails only with
 * PL_SCRATCH_TOO_SMALL. */
size_t pl_quant_dense_scratch(int M, int K);
pl_status pl_quant_dense(float *y, const float *x, float scale_floor, const float *packed, int M, int K, int N, pl_arena *arena);

/* ---- rnn.c: recurrent layers ------------------------------------------------------------------------------------------------- */

/* Names, formulas and the order of gates are Keras's; `*` is elementwise, x W and h U are matrix products.
 *   SimpleRNN            h = act(x W + b + h U)                                       W [D, H],  U [H, H],  b [H]
 *   GRU (z, r, h)        z, r = rec_act(x W + b + h U)                                W [D, 3H], U [H, 3H], b [3H]
 *     reset_after=false  hh = act(x Wh + bh + (r*h) Uh);     h = z*h + (1-z)*hh
 *   GRU reset_after      hh = act(x Wh + bh + r*(h Uh + rh)); z, r add both biases    b [2, 3H]: input, recurrent
 *   LSTM (i, f, c, o)    i, f, o = rec_act(x W + b + h U); g = act(...);              W [D, 4H], U [H, 4H], b [4H]
 *                        c = f*c + i*g; h = o * act(c) */
typedef enum pl_cell { PL_SIMPLE_RNN = 0, PL_GRU = 1, PL_GRU_RESET_AFTER = 2, PL_LSTM = 3 } pl_cell;

typedef struct pl_rnn {
  int32_t cell;        /* pl_cell */
  int32_t D, H;        /* input features, units */
  int32_t act;         /* pl_act: Keras `activation` */
  int32_t rec_act;     /* pl_act: Keras `recurrent_activation`; unused by SimpleRNN */
  const float *packed; /* from pl_rnn_pack, or pl_quant_rnn_pack */
  /* If the inputs are rows of a table, x W + b can be looked up: step n uses products[rows[n]], from pl_rnn_products, and x is not
   * read. NULL: x W + b is computed. Only for the ragged functions. */
  const float *products;
  const int32_t *rows;
  int32_t int8; /* not 0: packed is from pl_quant_rnn_pack */
} pl_rnn;

/* Floats of the packed form, 16-byte aligned. bias may be NULL (use_bias=False). */
size_t pl_rnn_packed_size(pl_cell cell, int D, int H);
void pl_rnn_pack(float *packed, const float *kernel, const float *recurrent_kernel, const float *bias, pl_cell cell, int D, int H);

/* Packs int8 weights, with a scale for each column. Products are computed as in pl_quant_dense: x W with scale_floor 0, h U and (r*h) Uh
 * with scale_floor 1. So all states within [-1, 1] share one scale; any other state gets its own scale at each step. */
size_t pl_quant_rnn_packed_size(pl_cell cell, int D, int H);
void pl_quant_rnn_pack(float *packed, const int8_t *kernel, const float *kernel_scale, const int8_t *recurrent_kernel,
                       const float *recurrent_scale, const float *bias, pl_cell cell, int D, int H);

/* products [N, pl_rnn_products_size] = x W + b, x [N, D], in the layout that the cells read. scratch: pl_rnn_products_scratch() bytes.
 * Fails only with PL_SCRATCH_TOO_SMALL. */
size_t pl_rnn_products_size(pl_cell cell, int H);
size_t pl_rnn_products_scratch(const pl_rnn *rnn, int N);
pl_status pl_rnn_products(float *products, const float *x, const pl_rnn *rnn, int N, pl_arena *arena);

/* States of a batch, [B, H] each; only an LSTM uses c. A NULL pointer means zeros in an initial state, and is not written in a final one. */
typedef struct pl_state {
  float *h, *c;
} pl_state;

/* PL_BACKWARD visits the steps of a row from the last to the first and writes each output at its own step (aligned).
 * PL_BACKWARD_AS_VISITED writes the outputs in the order of the visits, as Keras's go_backwards does. */
typedef enum pl_order { PL_FORWARD = 0, PL_BACKWARD = 1, PL_BACKWARD_AS_VISITED = 2 } pl_order;

/* One direction, ragged.
 *   y     [N, ldy]  output of each step in its first H columns, ldy >= H; NULL: not wanted
 *   cells [N, H]    c of an LSTM after each step, in the order of y; NULL: not wanted. Other cells do not write it
 *   last  state after the last visited step; a row without steps gives its initial state; NULL: not wanted
 *   x     [N, D]    init  initial state; NULL: zeros; may be the same arrays as last
 * Exactly N steps are computed, and arena->steps grows by N.
 * scratch: pl_ragged_rnn_scratch() bytes. Fails only with PL_SCRATCH_TOO_SMALL. */
size_t pl_ragged_rnn_scratch(const pl_rnn *rnn, const int32_t *splits, int B);
pl_status pl_ragged_rnn(float *y, float *cells, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                        const int32_t *splits, pl_order order, int ldy, int B, pl_arena *arena);

/* One direction over x [B, T, D] with a mask; y [B, T, H] is 0 at padding. */
size_t pl_masked_rnn_scratch(const pl_rnn *rnn, const uint8_t *mask, int B, int T);
pl_status pl_masked_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init, const uint8_t *mask,
                        pl_order order, int B, int T, pl_arena *arena);

/* ---- birnn.c: both directions, aligned --------------------------------------------------------------------------------------- */

typedef enum pl_merge { PL_CONCAT = 0, PL_SUM = 1, PL_MUL = 2, PL_AVE = 3, PL_NONE = 4 } pl_merge;

/* y = a and b merged, row by row; a [M, Ha], b [M, Hb]. PL_CONCAT: y [M, Ha+Hb], no overlap; else Ha = Hb, y [M, Ha] may be a or b.
 * PL_NONE is invalid here. */
void pl_merge_outputs(float *y, const float *a, const float *b, pl_merge merge, int M, int Ha, int Hb);

/* The forward layer reads the steps of a row that count from the first to the last, the backward layer from the last to the first. The
 * backward output of a step is written at that step. rnn[0] is forward, rnn[1] backward: same D, and same H unless PL_CONCAT or PL_NONE;
 * their cells may differ.
 *   y        merged sequence [N, Hf+Hb] (PL_CONCAT) or [N, H]; for PL_NONE the forward one [N, Hf]; NULL: not wanted
 *   y_back   for PL_NONE the backward sequence [N, Hb], aligned; otherwise NULL
 *   last     two states: after the last step (forward), after the first (backward); NULL: not wanted
 *   init     two states; NULL: zeros
 * The layer's output without sequences is pl_merge_outputs(last[0].h, last[1].h), B rows. */
size_t pl_ragged_bidirectional_scratch(const pl_rnn rnn[2], const int32_t *splits, pl_merge merge, int B);
pl_status pl_ragged_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                  const pl_state init[2], const int32_t *splits, pl_merge merge, int B, pl_arena *arena);

/* Both directions over x [B, T, D] with a mask; y [B, T, ...] and y_back are 0 at padding. */
size_t pl_masked_bidirectional_scratch(const pl_rnn rnn[2], const uint8_t *mask, pl_merge merge, int B, int T);
pl_status pl_masked_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                  const pl_state init[2], const uint8_t *mask, pl_merge merge, int B, int T, pl_arena *arena);

/* ---- attn.c: attention, and products of rows with rows ----------------------------------------------------------------------- */

/* Scaled dot-product attention of each row's queries over the same row's keys (Vaswani et al. 2017). For head h and query i of row b:
 *   y[i] = sum_j w[j] v[j],  w = softmax_j(scale * q[i] . k[j])
 *   y        [Nq, heads*Dv]   no overlap
 *   weights  row after row, head after head: [Tq_b, Tk_b], the softmax itself; NULL: not wanted
 *   q        [Nq, heads*Dk]   k [Nk, heads*Dk], v [Nk, heads*Dv]
 *   causal   query i sees only the keys j <= i of its row
 * A query without keys gives zeros. Sums over keys are computed in blocks, which are added in double. The bits of an output depend only
 * on its query and on the keys and values that the query sees. scratch: pl_ragged_attention_scratch() bytes, for both kinds. Fails
 * only with PL_SCRATCH_TOO_SMALL.
 * Matches: Keras Attention, MultiHeadAttention between its projections (scale = 1 / sqrt(Dk)). */
size_t pl_ragged_attention_scratch(const int32_t *key_splits, int B);
pl_status pl_ragged_attention(float *y, float *weights, const float *q, const float *k, const float *v, const int32_t *query_splits,
                              const int32_t *key_splits, float scale, int causal, int B, int heads, int Dk, int Dv,
                              pl_arena *arena);

/* Attention with Bahdanau's scores: w = softmax_j(sum_d scale[d] tanh(q[i][d] + k[j][d])), one head; scale [D], NULL: ones.
 * Matches: Keras AdditiveAttention. */
pl_status pl_ragged_additive_attention(float *y, float *weights, const float *q, const float *k, const float *v, const float *scale,
                                       const int32_t *query_splits, const int32_t *key_splits, int causal, int B, int D, int Dv,
                                       pl_arena *arena);

/* y[b][m][n] = sum_k a[b][m][k] w[b][n][k], in blocks that are added in double; y [B, M, N], a [B, M, K], w [B, N, K], no overlap.
 * If k is time, further steps whose values are 0 in both change no bit. Matches: Keras Dot, with the summed axes moved to the end. */
void pl_batch_product(float *y, const float *a, const float *w, int B, int M, int K, int N);

/* ---- crf.c: linear-chain conditional random field (Lafferty et al. 2001) ----------------------------------------------------- */

/* Each step has one of K tags. The score of a row's tags is
 *   start[tags[0]] + sum_t x[t][tags[t]] + sum_(t>0) transitions[tags[t-1]][tags[t]] + end[tags[last]]
 *   tags   [N]    the tags with the maximum score; of several, those with the lowest last tag, then the lowest tag before it, ...
 *   score  [B]    the score of those tags, or of the tags given to pl_ragged_crf_score, which are in [0, K); NULL (viterbi): not wanted
 *   y      [N, K] probability of each tag at each step, where p(tags) = exp(score - log_z); NULL: not wanted
 *   log_z  [B]    log sum exp(score) over all tags of the row; NULL: not wanted
 *   x      [N, K] emissions (logits); transitions [K, K], from i to j at [i*K + j]; start, end [K], NULL: zeros
 * -Infinity forbids an emission, a transition, a start or an end. If every sequence of a row is forbidden: score and log_z are -Infinity,
 * y is 0, tags are any in [0, K). A row without steps has score and log_z 0. Computed in double.
 * scratch: pl_ragged_crf_scratch() bytes, enough for each function. Fails only with PL_SCRATCH_TOO_SMALL. */
size_t pl_ragged_crf_scratch(const int32_t *splits, int B, int K);
pl_status pl_ragged_crf_viterbi(int32_t *tags, float *score, const float *x, const float *transitions, const float *start,
                                const float *end, const int32_t *splits, int B, int K, pl_arena *arena);
pl_status pl_ragged_crf_marginals(float *y, float *log_z, const float *x, const float *transitions, const float *start,
                                  const float *end, const int32_t *splits, int B, int K, pl_arena *arena);
void pl_ragged_crf_score(float *score, const int32_t *tags, const float *x, const float *transitions, const float *start,
                         const float *end, const int32_t *splits, int B, int K);

/* ---- loss.c ------------------------------------------------------------------------------------------------------------------ */

/* Totals over the steps that have a label. */
typedef struct pl_loss {
  double sum;      /* of the losses */
  int32_t count;   /* steps that have a label */
  int32_t correct; /* steps at which the first index of the greatest x is the label; a step whose x has NaN is not correct */
} pl_loss;

/* loss[m] = -log p[m][labels[m]]; p = softmax(x[m]) where from_logits, otherwise x[m] clipped to [1e-7, 1 - 1e-7] as in Keras.
 * total is overwritten; loss [M], NULL: not wanted; x [M, K]; labels [M], below K; a step with a label below 0 is skipped: its loss is
 * 0 and its x is not read. */
void pl_cross_entropy(pl_loss *total, float *loss, const float *x, const int32_t *labels, int from_logits, int M, int K);

/* ---- conv.c: windows along time ---------------------------------------------------------------------------------------------- */

/* A window of `size` steps, `dilation` apart, spans e = (size-1) dilation + 1 of them; windows begin `stride` steps apart. The row of T
 * steps that count is first extended by steps that add nothing to a window:
 *   valid   none:                                    T' = max(0, floor((T - e) / stride) + 1) windows
 *   same    max((T'-1) stride + e - T, 0), the smaller half before, the rest after:   T' = ceil(T / stride)
 *   causal  e-1 before:                                                               T' = ceil(T / stride)
 * Matches: TensorFlow's VALID and SAME, Keras's "causal", on each row by itself. size, stride and dilation are at least 1. */
typedef enum pl_padding { PL_VALID = 0, PL_SAME = 1, PL_CAUSAL = 2 } pl_padding;

/* T', the number of windows of a row of T steps. */
int pl_conv_length(int T, int size, int stride, int dilation, pl_padding padding);

typedef struct pl_conv {
  int32_t D, N;                   /* input features, filters */
  int32_t size, stride, dilation; /* steps */
  int32_t padding;                /* pl_padding */
  const float *packed;            /* from pl_conv_pack */
} pl_conv;

/* Floats of the packed form, 16-byte aligned. kernel [size, D, N], bias [N] or NULL: zeros. */
size_t pl_conv_packed_size(int size, int D, int N);
void pl_conv_pack(float *packed, const float *kernel, const float *bias, int size, int D, int N);

/* y[t][n] = bias[n] + sum_k sum_d x[t stride + k dilation - before][d] kernel[k][d][n], added in order of k, then d, starting with
 * the bias; steps outside the row are 0.
 *   y  [N', conv->N]  x [N, D]; must not overlap
 *   splits, out_splits [B+1]  rows of x and of y; a row of y is as long as pl_conv_length says (asserted)
 * scratch: pl_ragged_conv_scratch() bytes. Fails only with PL_SCRATCH_TOO_SMALL. Matches: Keras 3.12 Conv1D without activation. */
size_t pl_ragged_conv_scratch(const pl_conv *conv);
pl_status pl_ragged_conv(float *y, const float *x, const pl_conv *conv, const int32_t *splits, const int32_t *out_splits, int B,
                         pl_arena *arena);

/* y[t][d M + m] = bias[d M + m] + sum_k x[t stride + k dilation - before][d] kernel[k][d][m] over the k whose step is inside the row,
 * in order.
 * y [N', D M], x [N, D], no overlap; kernel [size, D, M], bias [D M] or NULL: zeros. Matches: Keras 3.12 DepthwiseConv1D. */
void pl_ragged_depthwise_conv(float *y, const float *x, const float *kernel, const float *bias, const int32_t *splits,
                              const int32_t *out_splits, int size, int stride, int dilation, pl_padding padding, int B, int D,
                              int M);

/* ---- pool.c: pooling over windows -------------------------------------------------------------------------------------------- */

/* Maximum, or mean in double, of the steps of each window that are inside the row; padding does not count. y [N', D], x [N, D], no
 * overlap. NaN in a window gives NaN. Matches: Keras 3.12 MaxPooling1D, AveragePooling1D. */
void pl_ragged_max_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                        pl_padding padding, int B, int D);
void pl_ragged_average_pool(float *y, const float *x, const int32_t *splits, const int32_t *out_splits, int size, int stride,
                            pl_padding padding, int B, int D);

/* ---- norm.c: normalization of features --------------------------------------------------------------------------------------- */

/* Normalizes each row of x [M, D]; sums and quotients in double, rounded once before gamma and beta; y may be x. gamma, beta [D]; NULL:
 * ones, zeros.
 *   layer  y = (x - mean(x)) / sqrt(var(x) + epsilon) gamma + beta    var(x) = mean((x - mean(x))^2)
 *   rms    y = x / sqrt(mean(x^2) + epsilon) gamma
 *   unit   y = x / max(sqrt(sum(x^2)), 1e-12)
 * Matches: Keras 3.12 LayerNormalization, RMSNormalization, UnitNormalization. */
void pl_layer_norm(float *y, const float *x, const float *gamma, const float *beta, float epsilon, int M, int D);
void pl_rms_norm(float *y, const float *x, const float *gamma, float epsilon, int M, int D);
void pl_unit_norm(float *y, const float *x, int M, int D);

/* Normalizes the features of each group over all steps of a row together. Group g holds the D / groups features of x [N, D] that begin at
 * feature g D / groups.
 *   y = (x - mean) / sqrt(var + epsilon) gamma + beta    mean and var over all steps of the row and the features of the group
 * y may be x; gamma, beta [D]; NULL: ones, zeros. groups divides D. Sums of the steps are added in order, in double.
 * Matches: Keras 3.15 GroupNormalization over the last axis. */
void pl_ragged_group_norm(float *y, const float *x, const float *gamma, const float *beta, const int32_t *splits, int groups,
                          float epsilon, int B, int D);

/* y[m][d] = x[m][d] scale[d] + shift[d], to which batch normalization reduces after training. y, x [M, D]; y may be x. */
void pl_affine(float *y, const float *x, const float *scale, const float *shift, int M, int D);

/* ---- merge.c: combining and rearranging arrays ------------------------------------------------------------------------------- */

typedef enum pl_op { PL_ADD = 0, PL_SUBTRACT = 1, PL_MULTIPLY = 2, PL_MAXIMUM = 3, PL_MINIMUM = 4 } pl_op;

/* y[i] = a[i] op b[i]; y may be a or b. NaN in either gives NaN. */
void pl_elementwise(float *y, const float *a, const float *b, pl_op op, int n);

/* y[i] = x[i] scale + offset; y may be x. */
void pl_scale(float *y, const float *x, float scale, float offset, int n);

/* y = x[b] at each step of row b; y [N, D], x [B, D], no overlap. */
void pl_repeat_rows(float *y, const float *x, const int32_t *splits, int B, int D);

/* y[m][d] = x[m]; y [M, D], x [M], no overlap. */
void pl_repeat_feature(float *y, const float *x, int M, int D);

/* y[m ldy + d] = x[m ldx + d] for d < D: concatenates or slices features. Columns of y from D on are not written; no overlap. */
void pl_copy_columns(float *y, const float *x, int ldy, int ldx, int M, int D);

/* y[b][n][m] = x[b][m][n]; y [B, N, M], x [B, M, N], no overlap. */
void pl_transpose(float *y, const float *x, int B, int M, int N);

/* In place: padding of y [B, T, D] gets the values of the last step before it that counts; zeros if there is none.
 * Matches: what Keras's recurrent layers return at masked steps. */
void pl_masked_hold(float *y, const uint8_t *mask, int B, int T, int D);

#ifdef __cplusplus
}
#endif

#endif
