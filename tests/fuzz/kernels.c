/* libFuzzer over the kernels, under AddressSanitizer and UndefinedBehaviorSanitizer: `make fuzz-kernels`. The bytes of a case choose a kernel, its
 * sizes, its options, the mask and every value, so floats have all bit patterns. Arrays have exact sizes; AddressSanitizer aligns them to 16
 * bytes. Each case computes twice: as a padded batch, and as the same rows without padding or alone. A different bit ends the run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "padless.h"

static const uint8_t *bytes;
static size_t left;

static uint8_t next_byte(void) {
  if (!left)
    return 0;
  left--;
  return *bytes++;
}
static int below(int n) { return next_byte() % n; }

enum { ARRAYS = 64 };
static void *arrays[ARRAYS];
static int count;

static void *array(size_t size) {
  if (count == ARRAYS)
    abort();
  void *p = malloc(size ? size : 1);
  if (!p)
    abort();
  memset(p, 0xff, size);
  return arrays[count++] = p;
}

static float *floats(size_t n) { return array(n * sizeof(float)); }
static int32_t *ints(size_t n) { return array(n * sizeof(int32_t)); }

/* Values from the bytes of the case; after its end, small numbers. */
static float *values(size_t n) {
  float *x = floats(n);
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = 0;
    if (left >= 4 && next_byte() & 1) {
      for (int k = 0; k < 4; k++)
        bits = bits << 8 | next_byte();
      memcpy(&x[i], &bits, 4);
    } else {
      x[i] = (float)(next_byte() - 128) / 64;
    }
  }
  return x;
}

/* A batch: mask [B, T], splits [B + 1], and the steps that count, N. */
typedef struct batch {
  int B, T, N;
  uint8_t *mask;
  int32_t *splits;
} batch;

static batch new_batch(void) {
  batch s = {.B = below(4), .T = below(20)};
  size_t n = (size_t)s.B * (size_t)s.T;
  s.mask = array(n);
  int kind = below(3);
  for (int b = 0; b < s.B; b++) {
    int length = below(s.T + 1);
    for (int t = 0; t < s.T; t++)
      s.mask[b * s.T + t] = kind == 0 ? t < length : kind == 1 ? t >= length : next_byte() & 1;
  }
  s.splits = ints((size_t)s.B + 1);
  s.N = pl_row_splits(s.splits, s.mask, s.B, s.T);
  return s;
}

/* The same batch, spread over its padded form with `fill` under the mask. */
static float *spread(const batch *s, const float *x, int D, float fill) {
  float *y = floats((size_t)s->B * (size_t)s->T * (size_t)D);
  pl_unpack(y, x, s->mask, fill, s->B, s->T, D);
  return y;
}

static pl_arena scratch(size_t size) {
  pl_arena arena;
  if (size > (1u << 26))
    abort();
  pl_arena_init(&arena, array(size), size);
  return arena;
}

/* True if n floats have the same bits. Two NaNs count as equal, because their payload and sign depend on the processor. */
static void same(const float *a, const float *b, size_t n, const char *what) {
  for (size_t i = 0; i < n; i++) {
    uint32_t one, two;
    memcpy(&one, a + i, sizeof one);
    memcpy(&two, b + i, sizeof two);
    if (one != two && !(a[i] != a[i] && b[i] != b[i])) {
      fprintf(stderr, "%s: bits of value %zu differ\n", what, i);
      abort();
    }
  }
}
static void check(pl_status status, const char *what) {
  if (status == PL_OK)
    return;
  fprintf(stderr, "%s: status %d\n", what, (int)status);
  abort();
}

/* ---- kernels, each masked and ragged -------------------------------------------------------------------------------------------- */

static void pooling(void) {
  static void (*const masked[])(float *, const float *, const uint8_t *, int, int, int) = {
      pl_masked_sum, pl_masked_mean, pl_masked_max, pl_masked_min, pl_masked_first, pl_masked_last};
  static void (*const ragged[])(float *, const float *, const int32_t *, int, int) = {
      pl_ragged_sum, pl_ragged_mean, pl_ragged_max, pl_ragged_min, pl_ragged_first, pl_ragged_last};
  batch s = new_batch();
  int D = below(40), kind = below(6);
  size_t n = (size_t)s.B * (size_t)D;
  float *x = values((size_t)s.N * (size_t)D), *a = floats(n), *b = floats(n);
  masked[kind](a, spread(&s, x, D, values(1)[0]), s.mask, s.B, s.T, D);
  ragged[kind](b, x, s.splits, s.B, D);
  same(a, b, n, "pooling");
}

static void softmax(void) {
  static void (*const masked[])(float *, const float *, const uint8_t *, int, int, int) = {
      pl_masked_softmax, pl_masked_log_softmax, pl_masked_feature_softmax, pl_masked_feature_log_softmax};
  static void (*const ragged[])(float *, const float *, const int32_t *, int, int) = {pl_ragged_softmax, pl_ragged_log_softmax};
  batch s = new_batch();
  int D = below(24), kind = below(4);
  size_t n = (size_t)s.N * (size_t)D;
  float *x = values(n), *padded = spread(&s, x, D, values(1)[0]), *a = floats(n), *b = floats(n);
  masked[kind](padded, padded, s.mask, s.B, s.T, D);
  pl_pack(a, padded, s.mask, s.B, s.T, D);
  if (kind < 2)
    ragged[kind](b, x, s.splits, s.B, D);
  else
    (kind == 2 ? pl_softmax : pl_log_softmax)(b, x, s.N, D);
  same(a, b, n, "softmax");
}

static void dense(void) {
  batch s = new_batch();
  int K = below(40), N = below(40);
  size_t n = (size_t)s.N * (size_t)N;
  float *w = values((size_t)K * (size_t)N), *bias = below(2) ? values((size_t)N) : NULL;
  float *packed = floats(pl_dense_packed_size(K, N));
  pl_dense_pack(packed, w, bias, K, N);
  float *x = values((size_t)s.N * (size_t)K), *padded = floats((size_t)s.B * (size_t)s.T * (size_t)N);
  float *a = floats(n), *b = floats(n);
  pl_masked_dense(padded, spread(&s, x, K, values(1)[0]), packed, s.mask, s.B, s.T, K, N);
  pl_pack(a, padded, s.mask, s.B, s.T, N);
  pl_dense(b, x, packed, s.N, K, N);
  same(a, b, n, "dense");
}

static int8_t *bytes8(size_t n) {
  int8_t *w = array(n);
  for (size_t i = 0; i < n; i++)
    w[i] = (int8_t)(next_byte() % 255 - 127);
  return w;
}

/* Each row of a product alone. */
static void quant_dense(void) {
  int M = below(9), K = below(200) * (below(4) ? 1 : 8), N = below(24);
  float *packed = floats(pl_quant_dense_packed_size(K, N));
  int8_t *w = bytes8((size_t)K * (size_t)N);
  float *scale = values((size_t)N);
  pl_quant_dense_pack(packed, w, scale, below(2) ? values((size_t)N) : NULL, K, N);
  float *x = values((size_t)M * (size_t)K), *a = floats((size_t)M * (size_t)N), *b = floats((size_t)M * (size_t)N);
  float floor = below(2) ? 1.0f : 0.0f;
  pl_arena arena = scratch(pl_quant_dense_scratch(M, K));
  check(pl_quant_dense(a, x, floor, packed, M, K, N, &arena), "quant_dense");
  for (int m = 0; m < M; m++)
    check(pl_quant_dense(b + m * N, x + m * K, floor, packed, 1, K, N, &arena), "quant_dense");
  same(a, b, (size_t)M * (size_t)N, "quant_dense");
}

static void embedding(void) {
  batch s = new_batch();
  int V = 1 + below(9), D = below(24);
  size_t all = (size_t)s.B * (size_t)s.T, n = (size_t)s.N * (size_t)D;
  float *table = values((size_t)V * (size_t)D);
  int32_t *ids = ints((size_t)s.N), *padded = ints(all);
  for (int i = 0; i < s.N; i++)
    ids[i] = below(V + 1) - (below(9) == 8);
  pl_unpack((float *)padded, (const float *)ids, s.mask, values(1)[0], s.B, s.T, 1);
  float *wide = floats(all * (size_t)D), *a = floats(n), *b = floats(n);
  pl_status one = pl_masked_embedding(wide, table, padded, s.mask, s.B, s.T, V, D);
  pl_status two = pl_embedding(b, table, ids, s.N, V, D);
  if (one != two)
    abort();
  if (one != PL_OK)
    return;
  pl_pack(a, wide, s.mask, s.B, s.T, D);
  same(a, b, n, "embedding");
}

static pl_rnn new_rnn(int D, int H) {
  pl_rnn rnn = {.cell = below(4), .D = D, .H = H, .act = below(PL_ACT_COUNT), .rec_act = below(PL_ACT_COUNT), .int8 = below(2)};
  size_t gates = rnn.cell == PL_SIMPLE_RNN ? 1 : rnn.cell == PL_LSTM ? 4 : 3, width = gates * (size_t)H;
  float *bias = below(3) ? values(width * (rnn.cell == PL_GRU_RESET_AFTER ? 2 : 1)) : NULL;
  float *packed;
  if (rnn.int8) {
    packed = floats(pl_quant_rnn_packed_size((pl_cell)rnn.cell, D, H));
    int8_t *kernel = bytes8((size_t)D * width), *recurrent = bytes8((size_t)H * width);
    pl_quant_rnn_pack(packed, kernel, values(width), recurrent, values(width), bias, (pl_cell)rnn.cell, D, H);
  } else {
    packed = floats(pl_rnn_packed_size((pl_cell)rnn.cell, D, H));
    float *kernel = values((size_t)D * width);
    pl_rnn_pack(packed, kernel, values((size_t)H * width), bias, (pl_cell)rnn.cell, D, H);
  }
  rnn.packed = packed;
  return rnn;
}

static pl_state new_state(size_t n) { return (pl_state){.h = floats(n), .c = floats(n)}; }
static pl_state given_state(size_t n) { return (pl_state){.h = below(2) ? values(n) : NULL, .c = below(2) ? values(n) : NULL}; }

/* A padded batch, and each row alone. */
static void recurrent(void) {
  batch s = new_batch();
  int D = below(18), H = 1 + below(18);
  pl_rnn rnn = new_rnn(D, H);
  pl_order order = (pl_order)below(3);
  size_t states = (size_t)s.B * (size_t)H, n = (size_t)s.N * (size_t)H;
  pl_state init = given_state(states), one = new_state(states), two = new_state(states);
  float *x = values((size_t)s.N * (size_t)D), *wide = floats((size_t)s.B * (size_t)s.T * (size_t)H), *a = floats(n), *b = floats(n);
  pl_arena arena = scratch(pl_masked_rnn_scratch(&rnn, s.mask, s.B, s.T));
  check(pl_masked_rnn(wide, &one, spread(&s, x, D, values(1)[0]), &rnn, &init, s.mask, order, s.B, s.T, &arena), "rnn");
  if (arena.steps != (uint64_t)s.N)
    abort();
  pl_pack(a, wide, s.mask, s.B, s.T, H);
  for (int row = 0; row < s.B; row++) {
    int32_t splits[] = {0, s.splits[row + 1] - s.splits[row]};
    pl_arena small = scratch(pl_ragged_rnn_scratch(&rnn, splits, 1));
    size_t at = (size_t)row * (size_t)H, from = (size_t)s.splits[row];
    pl_state from_state = {.h = init.h ? init.h + at : NULL, .c = init.c ? init.c + at : NULL},
             to = {.h = two.h + at, .c = two.c + at};
    check(pl_ragged_rnn(b + from * (size_t)H, NULL, &to, x + from * (size_t)D, &rnn, &from_state, splits, order, H, 1, &small),
          "rnn");
  }
  same(a, b, n, "rnn");
  same(one.h, two.h, states, "rnn, states");
  if (rnn.cell == PL_LSTM)
    same(one.c, two.c, states, "rnn, cells");
}

static void bidirectional(void) {
  batch s = new_batch();
  int D = below(10), H = 1 + below(10);
  pl_merge merge = (pl_merge)below(5);
  pl_rnn rnn[2];
  rnn[0] = new_rnn(D, H);
  rnn[1] = new_rnn(D, merge == PL_CONCAT || merge == PL_NONE ? 1 + below(10) : H);
  int width = merge == PL_CONCAT ? H + rnn[1].H : H, back = rnn[1].H;
  size_t n = (size_t)s.N * (size_t)width, m = (size_t)s.N * (size_t)back, all = (size_t)s.B * (size_t)s.T;
  float *x = values((size_t)s.N * (size_t)D), *a = floats(n), *b = floats(n), *c = floats(m), *d = floats(m);
  float *wide = floats(all * (size_t)width), *wide_back = merge == PL_NONE ? floats(all * (size_t)back) : NULL;
  pl_arena arena = scratch(pl_masked_bidirectional_scratch(rnn, s.mask, merge, s.B, s.T));
  check(pl_masked_bidirectional(wide, wide_back, NULL, spread(&s, x, D, values(1)[0]), rnn, NULL, s.mask, merge, s.B, s.T, &arena),
        "bidirectional");
  pl_pack(a, wide, s.mask, s.B, s.T, width);
  pl_arena other = scratch(pl_ragged_bidirectional_scratch(rnn, s.splits, merge, s.B));
  check(pl_ragged_bidirectional(b, wide_back ? d : NULL, NULL, x, rnn, NULL, s.splits, merge, s.B, &other), "bidirectional");
  same(a, b, n, "bidirectional");
  if (!wide_back)
    return;
  pl_pack(c, wide_back, s.mask, s.B, s.T, back);
  same(c, d, m, "bidirectional, backward");
}

/* ---- kernels over rows, each row of the batch alone ------------------------------------------------------------------------------ */

static void windows(void) {
  batch s = new_batch();
  int D = below(12), F = below(12), size = 1 + below(5), stride = 1 + below(4), kind = below(4);
  int dilation = kind < 2 ? 1 + below(3) : 1;
  pl_padding padding = (pl_padding)below(3);
  int32_t *out = ints((size_t)s.B + 1);
  out[0] = 0;
  for (int b = 0; b < s.B; b++)
    out[b + 1] = out[b] + pl_conv_length(s.splits[b + 1] - s.splits[b], size, stride, dilation, padding);
  int width = kind == 0 ? F : kind == 1 ? D * F : D;
  size_t n = (size_t)out[s.B] * (size_t)width, weights = (size_t)size * (size_t)D * (size_t)F;
  float *x = values((size_t)s.N * (size_t)D), *kernel = values(weights), *bias = values((size_t)(kind == 1 ? D * F : F));
  float *a = floats(n), *b = floats(n);
  pl_conv conv = {.D = D, .N = F, .size = size, .stride = stride, .dilation = dilation, .padding = (int32_t)padding};
  float *packed = floats(pl_conv_packed_size(size, D, F));
  pl_conv_pack(packed, kernel, kind == 1 ? NULL : bias, size, D, F);
  conv.packed = packed;
  for (int row = -1; row < s.B; row++) {
    int first = row < 0 ? 0 : row, rows = row < 0 ? s.B : 1;
    float *y = row < 0 ? a : b + (size_t)out[first] * (size_t)width, *from = x + (size_t)s.splits[first] * (size_t)D;
    int32_t own[2] = {0, s.splits[first + (rows > 0)] - s.splits[first]}, made[2] = {0, out[first + (rows > 0)] - out[first]};
    const int32_t *splits = row < 0 ? s.splits : own, *to = row < 0 ? out : made;
    pl_arena arena = scratch(pl_ragged_conv_scratch(&conv));
    if (kind == 0)
      check(pl_ragged_conv(y, from, &conv, splits, to, rows, &arena), "conv");
    if (kind == 1)
      pl_ragged_depthwise_conv(y, from, kernel, bias, splits, to, size, stride, dilation, padding, rows, D, F);
    if (kind == 2)
      pl_ragged_max_pool(y, from, splits, to, size, stride, padding, rows, D);
    if (kind == 3)
      pl_ragged_average_pool(y, from, splits, to, size, stride, padding, rows, D);
  }
  same(a, b, n, "windows");
}

static void attention(void) {
  int B = below(4), heads = 1 + below(3), Dk = below(9), Dv = below(9), causal = below(2), additive = below(2);
  if (additive)
    heads = 1;
  int32_t *queries = ints((size_t)B + 1), *keys = ints((size_t)B + 1);
  queries[0] = keys[0] = 0;
  for (int b = 0; b < B; b++) {
    queries[b + 1] = queries[b] + below(9);
    keys[b + 1] = keys[b] + below(below(8) ? 9 : 150);
  }
  size_t Nq = (size_t)queries[B], Nk = (size_t)keys[B], k_width = (size_t)heads * (size_t)Dk, v_width = (size_t)heads * (size_t)Dv;
  float *q = values(Nq * k_width), *k = values(Nk * k_width), *v = values(Nk * v_width), *scale = values((size_t)Dk);
  float *a = floats(Nq * v_width), *b = floats(Nq * v_width);
  for (int row = -1; row < B; row++) {
    int first = row < 0 ? 0 : row, rows = row < 0 ? B : 1;
    int32_t own[2] = {0, queries[first + (rows > 0)] - queries[first]}, seen[2] = {0, keys[first + (rows > 0)] - keys[first]};
    const int32_t *query_splits = row < 0 ? queries : own, *key_splits = row < 0 ? keys : seen;
    size_t at = (size_t)queries[first], from = (size_t)keys[first];
    float *y = row < 0 ? a : b + at * v_width;
    pl_arena arena = scratch(pl_ragged_attention_scratch(key_splits, rows));
    check(additive ? pl_ragged_additive_attention(y, NULL, q + at * k_width, k + from * k_width, v + from * v_width, scale,
                                                  query_splits, key_splits, causal, rows, Dk, Dv, &arena)
                   : pl_ragged_attention(y, NULL, q + at * k_width, k + from * k_width, v + from * v_width, query_splits,
                                         key_splits, 0.5f, causal, rows, heads, Dk, Dv, &arena),
          "attention");
  }
  same(a, b, Nq * v_width, "attention");
}

static void crf(void) {
  batch s = new_batch();
  int K = 1 + below(7);
  size_t n = (size_t)s.N * (size_t)K;
  float *x = values(n), *transitions = values((size_t)K * (size_t)K), *start = below(2) ? values((size_t)K) : NULL,
        *end = below(2) ? values((size_t)K) : NULL;
  int32_t *tags = ints((size_t)s.N), *alone = ints((size_t)s.N);
  float *a = floats(n), *b = floats(n), *score = floats((size_t)s.B), *log_z = floats((size_t)s.B);
  pl_arena arena = scratch(pl_ragged_crf_scratch(s.splits, s.B, K));
  check(pl_ragged_crf_viterbi(tags, score, x, transitions, start, end, s.splits, s.B, K, &arena), "crf");
  check(pl_ragged_crf_marginals(a, log_z, x, transitions, start, end, s.splits, s.B, K, &arena), "crf");
  for (int i = 0; i < s.N; i++)
    if (tags[i] < 0 || tags[i] >= K)
      abort();
  for (int row = 0; row < s.B; row++) {
    int32_t own[2] = {0, s.splits[row + 1] - s.splits[row]};
    size_t from = (size_t)s.splits[row];
    float one;
    check(pl_ragged_crf_viterbi(alone + from, &one, x + from * (size_t)K, transitions, start, end, own, 1, K, &arena), "crf");
    same(&one, score + row, 1, "crf, score");
    check(pl_ragged_crf_marginals(b + from * (size_t)K, &one, x + from * (size_t)K, transitions, start, end, own, 1, K, &arena),
          "crf");
    same(&one, log_z + row, 1, "crf, log_z");
  }
  if (s.N && memcmp(tags, alone, (size_t)s.N * sizeof *tags) != 0)
    abort();
  same(a, b, n, "crf, marginals");
}

static void norms(void) {
  batch s = new_batch();
  int groups = 1 + below(3), D = groups * below(9), kind = below(4);
  size_t n = (size_t)s.N * (size_t)D;
  float *x = values(n), *gamma = below(2) ? values((size_t)D) : NULL, *beta = below(2) ? values((size_t)D) : NULL;
  float *a = floats(n), *b = floats(n), epsilon = below(2) ? 1e-3f : 0;
  for (int row = -1; row < s.B; row++) {
    int first = row < 0 ? 0 : row, rows = row < 0 ? s.B : 1;
    size_t from = (size_t)s.splits[first] * (size_t)D;
    int32_t own[2] = {0, s.splits[first + (rows > 0)] - s.splits[first]};
    const int32_t *splits = row < 0 ? s.splits : own;
    float *y = (row < 0 ? a : b) + from, *in = x + from;
    if (kind == 0)
      pl_layer_norm(y, in, gamma, beta, epsilon, splits[rows], D);
    if (kind == 1)
      pl_rms_norm(y, in, gamma, epsilon, splits[rows], D);
    if (kind == 2)
      pl_unit_norm(y, in, splits[rows], D);
    if (kind == 3)
      pl_ragged_group_norm(y, in, gamma, beta, splits, groups, epsilon, rows, D);
  }
  same(a, b, n, "norms");
}

static void activations(void) {
  int M = below(6), D = below(70), kind = below(3);
  pl_act act = (pl_act)below(PL_ACT_COUNT);
  size_t n = (size_t)M * (size_t)D;
  float *x = values(n), *a = floats(n), *b = floats(n), *alpha = values((size_t)D);
  if (kind == 0)
    pl_activate(a, x, act, M, D);
  if (kind == 1)
    pl_prelu(a, x, alpha, M, D);
  if (kind == 2)
    pl_relu(a, x, 0.1f, D ? alpha[0] : 0, 6, M * D);
  for (int m = 0; m < M; m++) {
    size_t at = (size_t)m * (size_t)D;
    if (kind == 0)
      pl_activate(b + at, x + at, act, 1, D);
    if (kind == 1)
      pl_prelu(b + at, x + at, alpha, 1, D);
    if (kind == 2)
      pl_relu(b + at, x + at, 0.1f, D ? alpha[0] : 0, 6, D);
  }
  same(a, b, n, "activations");
}

static void losses(void) {
  int M = below(9), K = 1 + below(9);
  float *x = values((size_t)M * (size_t)K), *loss = floats((size_t)M);
  int32_t *labels = ints((size_t)M);
  for (int m = 0; m < M; m++)
    labels[m] = below(K + 1) - 1;
  pl_loss total;
  pl_cross_entropy(&total, loss, x, labels, below(2), M, K);
  if (total.correct > total.count || total.count > M)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const kernels[])(void) = {pooling, softmax,   dense, quant_dense, embedding,   recurrent, bidirectional,
                                          windows, attention, crf,   norms,       activations, losses};
  bytes = data;
  left = size;
  kernels[below(sizeof kernels / sizeof *kernels)]();
  while (count)
    free(arrays[--count]);
  return 0;
}
