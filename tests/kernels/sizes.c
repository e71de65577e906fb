/* Sizes that C computes, against the same formulas in 128 bits: the exact number, or SIZE_MAX where size_t cannot hold it. The wasm builds
 * have a size_t of 32 bits, and so has build/native/size32. */
#include "gemm.h"
#include "quant.h"
#include "test.h"

__extension__ typedef unsigned __int128 big;

enum { CASES = 20000 };

/* From 0 to 2^31 - 1: each number of bits is equally likely, and so are the eight largest numbers together. */
static int random_size(void) {
  const int bits = test_below(33);
  return bits == 32 ? INT32_MAX - test_below(8) : (int)((uint64_t)test_bits() >> (1 + bits));
}

static big smaller(big a, big b) { return a < b ? a : b; }
static big larger(big a, big b) { return a > b ? a : b; }
static big round_up(big n, big step) { return (n + step - 1) / step * step; }

/* Bytes that a block of floats takes in an arena. */
static big floats(big n) { return round_up(4 * n, 16); }

#define CHECK_SIZE(actual, exact, ...) CHECK_SIZE_SAYING(actual, exact, __VA_ARGS__)
#define CHECK_SIZE_SAYING(actual, exact, format, ...)                                                                              \
  CHECK((actual) == smaller((exact), SIZE_MAX), "is %llu, expected %llu: " format, (unsigned long long)(actual),                   \
        (unsigned long long)smaller((exact), SIZE_MAX), __VA_ARGS__)

/* ---- the formulas ------------------------------------------------------------------------------------------------------------ */

static big packed_size(int int8, big K, big N) {
  return int8 ? round_up(N, QUANT_PANEL) / QUANT_PANEL * (2 * QUANT_PANEL + QUANT_PANEL / 2 * ((K + 1) / 2))
              : round_up(N, GEMM_PANEL) * (K + 1);
}

static big quant_bytes(big M, big K) {
  const big rows = smaller(M, QUANT_ROWS);
  return floats(rows) + round_up(2 * rows * round_up(K, 8), 16);
}

static big gates_of(int cell) { return cell == PL_LSTM ? 4 : cell == PL_SIMPLE_RNN ? 1 : 3; }
static big product_width(const pl_rnn *rnn) { return gates_of(rnn->cell) * round_up((big)rnn->H, 4); }

static big rnn_packed_size(int int8, int cell, int D, int H) {
  const big G = gates_of(cell), Hp = round_up((big)H, 4);
  const big recurrent =
      cell == PL_GRU ? packed_size(int8, (big)H, 2 * Hp) + packed_size(int8, (big)H, Hp) : packed_size(int8, (big)H, G * Hp);
  return packed_size(int8, (big)D, G * Hp) + recurrent;
}

static big rnn_scratch(const pl_rnn *rnn, big B, big T) {
  const big Hp = round_up((big)rnn->H, 4), width = product_width(rnn), chunk = smaller(T, larger(B ? 128 / B : 0, 8));
  big bytes = floats(B) + floats(T + 1) + 2 * floats(B * Hp) + floats(B * width) + 2 * floats(Hp);
  if (!rnn->products) {
    bytes += floats(B * chunk * width);
  }
  return bytes + (rnn->int8 ? larger(quant_bytes(chunk, (big)rnn->D), quant_bytes(B, (big)rnn->H)) : 0);
}

static big apart(const pl_rnn rnn[2], pl_merge merge, big N) {
  return merge == PL_CONCAT || merge == PL_NONE ? 0 : floats(N * (big)rnn[1].H);
}

/* ---- the tests --------------------------------------------------------------------------------------------------------------- */

static pl_rnn random_rnn(void) {
  static float something;
  pl_rnn rnn = {.cell = test_below(4), .D = random_size(), .H = random_size(), .int8 = test_below(2)};
  rnn.products = test_below(3) ? NULL : &something;
  return rnn;
}

/* Splits of B rows, at most 2^31 - 1 steps in all. */
static int32_t *random_splits(int B, int *longest) {
  int32_t *splits = TEST_NEW(int32_t, B + 1);
  *longest = splits[0] = 0;
  for (int b = 0; b < B; b++) {
    const int length = (int)smaller((big)random_size(), (big)(INT32_MAX - splits[b]));
    splits[b + 1] = splits[b] + length;
    *longest = length > *longest ? length : *longest;
  }
  return splits;
}

TEST("sizes of packed weights are exact or SIZE_MAX") {
  for (int i = 0; i < CASES; i++) {
    const int K = random_size(), N = random_size(), size = random_size(), cell = test_below(4);
    CHECK_SIZE(pl_dense_packed_size(K, N), packed_size(0, (big)K, (big)N), "dense, K %d, N %d", K, N);
    CHECK_SIZE(pl_quant_dense_packed_size(K, N), packed_size(1, (big)K, (big)N), "int8 dense, K %d, N %d", K, N);
    CHECK_SIZE(pl_rnn_packed_size((pl_cell)cell, K, N), rnn_packed_size(0, cell, K, N), "cell %d, D %d, H %d", cell, K, N);
    CHECK_SIZE(pl_quant_rnn_packed_size((pl_cell)cell, K, N), rnn_packed_size(1, cell, K, N), "int8 cell %d, D %d, H %d", cell, K,
               N);
    CHECK_SIZE(pl_rnn_products_size((pl_cell)cell, N), gates_of(cell) * round_up((big)N, 4), "cell %d, H %d", cell, N);
    CHECK_SIZE(pl_conv_packed_size(size, K, N), packed_size(0, (big)size * (big)K, (big)N), "size %d, D %d, N %d", size, K, N);
  }
}

TEST("scratch of dense, convolution, attention and CRF is exact or SIZE_MAX") {
  for (int i = 0; i < CASES; i++) {
    const int K = random_size(), M = random_size(), B = test_below(20);
    int longest;
    const int32_t *splits = random_splits(B, &longest);
    const pl_conv conv = {.D = K, .size = M};
    CHECK_SIZE(pl_quant_dense_scratch(M, K), quant_bytes((big)M, (big)K), "M %d, K %d", M, K);
    CHECK_SIZE(pl_ragged_conv_scratch(&conv), floats(32 * (big)M * (big)K), "size %d, D %d", M, K);
    CHECK_SIZE(pl_ragged_attention_scratch(splits, B), floats((big)longest), "%d keys", longest);
    CHECK_SIZE(pl_ragged_crf_scratch(splits, B, K), round_up(8 * (2 * (big)K + 2 + (big)longest) * ((big)K + 2), 16),
               "%d steps, K %d", longest, K);
    test_free();
  }
}

TEST("scratch of recurrent layers is exact or SIZE_MAX") {
  for (int i = 0; i < CASES; i++) {
    const int B = test_below(100), rows = 1 + test_below(9), T = random_size();
    const pl_merge merge = (pl_merge)test_below(5);
    const pl_rnn rnn[2] = {random_rnn(), random_rnn()};
    int longest;
    const int32_t *splits = random_splits(B, &longest);
    const big steps = (big)splits[B], width = (big)rnn[0].H + (merge == PL_CONCAT ? (big)rnn[1].H : 0);
    CHECK_SIZE(pl_rnn_products_scratch(rnn, T), rnn->int8 ? quant_bytes((big)T, (big)rnn->D) : 0, "N %d, D %d", T, rnn->D);
#define WHERE "cells %d and %d, D %d, H %d and %d, B %d, T %d", rnn[0].cell, rnn[1].cell, rnn->D, rnn->H, rnn[1].H, B, longest
    const big one = rnn_scratch(rnn, (big)B, (big)longest), other = rnn_scratch(rnn + 1, (big)B, (big)longest);
    CHECK_SIZE(pl_ragged_rnn_scratch(rnn, splits, B), one, WHERE);
    CHECK_SIZE(pl_ragged_bidirectional_scratch(rnn, splits, merge, B), apart(rnn, merge, steps) + larger(one, other), WHERE);
    /* Without a mask every step counts. */
    const big N = (big)rows * (big)T, output = floats(N * width) + (merge == PL_NONE ? floats(N * (big)rnn[1].H) : 0);
    big masked[2];
    for (int d = 0; d < 2; d++) {
      masked[d] =
          floats((big)rows + 1) + floats(N * (big)rnn[d].D) + floats(N * (big)rnn[d].H) + rnn_scratch(rnn + d, (big)rows, (big)T);
    }
    /* Otherwise N saturates, too. */
    if (N <= SIZE_MAX) {
      CHECK_SIZE(pl_masked_rnn_scratch(rnn, NULL, rows, T), masked[0], WHERE);
      CHECK_SIZE(pl_masked_bidirectional_scratch(rnn, NULL, merge, rows, T),
                 floats((big)rows + 1) + floats(N * (big)rnn->D) + output + apart(rnn, merge, N) + larger(masked[0], masked[1]),
                 WHERE);
    }
#undef WHERE
    test_free();
  }
}

TEST("a kernel whose scratch is more than size_t holds refuses every arena and writes nothing") {
  /* One row of 2^31 - 1 units takes about 2^36 bytes: more than 32 bits hold. With 64 bits, the arena is just too small. */
  const pl_rnn rnn[2] = {{.cell = PL_LSTM, .D = 1, .H = INT32_MAX}, {.cell = PL_LSTM, .D = 1, .H = INT32_MAX}};
  const int32_t splits[] = {0, 1};
  float x = 1;
  _Alignas(16) uint8_t base[16];
  const size_t most = sizeof(size_t) == 4 ? SIZE_MAX : UINT32_MAX;
  pl_arena arena = {.base = base, .size = most};
  CHECK(pl_ragged_rnn(NULL, NULL, NULL, &x, rnn, NULL, splits, PL_FORWARD, INT32_MAX, 1, &arena) == PL_SCRATCH_TOO_SMALL, "%s",
        "ragged");
  CHECK(pl_masked_rnn(NULL, NULL, &x, rnn, NULL, NULL, PL_FORWARD, 1, 1, &arena) == PL_SCRATCH_TOO_SMALL, "%s", "masked");
  CHECK(pl_ragged_bidirectional(NULL, NULL, NULL, &x, rnn, NULL, splits, PL_SUM, 1, &arena) == PL_SCRATCH_TOO_SMALL, "%s", "both");
  CHECK(pl_masked_bidirectional(NULL, NULL, NULL, &x, rnn, NULL, NULL, PL_SUM, 1, 1, &arena) == PL_SCRATCH_TOO_SMALL, "%s",
        "both masked");
  CHECK(arena.used == 0 && arena.steps == 0, "used %d", (int)arena.used);
}
