#include "rnn.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Sizes around the limits of the kernel: tiles of 8 and 32 outputs, tiles of 4 rows, 32 rows rounded at a time, vectors of 4 and 8, blocks of 512 k. */
static const int outputs[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 63, 64, 65, 67};
static const int inputs[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 37, 511, 512, 513, 515, 1024, 1027};
static const int rows[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 37};

typedef struct dense {
  int8_t *w;
  float *scale, *bias, *packed, *ref_packed;
} dense;

static dense new_dense(int K, int N, bool bias) {
  dense d = {uniform_bytes((size_t)K * N), uniform(N, 0.001f, 0.01f), bias ? uniform(N, -1, 1) : NULL,
             TEST_NEW(float, pl_quant_dense_packed_size(K, N)), TEST_NEW(float, pl_ref_quant_dense_packed_size(K, N))};
  pl_quant_dense_pack(d.packed, d.w, d.scale, d.bias, K, N);
  pl_ref_quant_dense_pack(d.ref_packed, d.w, d.scale, d.bias, K, N);
  return d;
}

/* Runs the kernel in an arena of exactly the size that it needs. */
static void run_dense(float *y, const float *x, float scale_floor, const dense *d, int M, int K, int N) {
  pl_arena arena = new_arena(pl_quant_dense_scratch(M, K));
  CHECK(pl_quant_dense(y, x, scale_floor, d->packed, M, K, N, &arena) == PL_OK, "M %d, K %d, N %d", M, K, N);
  CHECK(arena.used == 0, "used %d", (int)arena.used);
}

/* Sums are exact; the scales, each block of 512 and the bias are rounded, and products are 1.27 times `most` at most. */
static double tolerance(int K, float most) { return (K + 1) * 1.27 * (double)most * (4 + K / 512.0) * (double)FLT_EPSILON; }

TEST("int8 dense matches its twin in every tile and tail") {
  for (size_t k = 0; k < LENGTH(inputs); k++) {
    for (size_t n = 0; n < LENGTH(outputs); n++) {
      for (size_t m = k % 2; m < LENGTH(rows); m += 1 + (inputs[k] > 40)) {
        const int M = rows[m], K = inputs[k], N = outputs[n];
        const float most = (m + n) % 2 ? 1 : 1000, scale_floor = (k + n) % 3 == 0;
        dense d = new_dense(K, N, (m + n) % 3 != 0);
        float *x = uniform((size_t)M * K, -most, most), *y = TEST_NEW(float, M *N), *expected = TEST_NEW(float, M *N);
        run_dense(y, x, scale_floor, &d, M, K, N);
        pl_ref_quant_dense(expected, x, scale_floor, d.ref_packed, M, K, N, NULL);
        CHECK_ARRAY_CLOSE(y, expected, M * N, tolerance(K, most), 0, "M %d, K %d, N %d, least %g", M, K, N, (double)scale_floor);
        test_free();
      }
    }
  }
}

TEST("sums of the largest weights and inputs do not overflow") {
  const int K = 2051, N = 33, M = 5;
  dense d = new_dense(K, N, false);
  memset(d.w, 127, (size_t)K * N);
  for (int n = 0; n < N; n++) {
    d.scale[n] = 1;
  }
  pl_quant_dense_pack(d.packed, d.w, d.scale, NULL, K, N);
  float *x = TEST_NEW(float, M *K), *y = TEST_NEW(float, M *N);
  for (int i = 0; i < M * K; i++) {
    x[i] = i / K % 2 ? 32767.0f : -32767.0f;
  }
  run_dense(y, x, 0, &d, M, K, N);
  for (int i = 0; i < M * N; i++) {
    const double expected = 127.0 * 32767 * K * (i / N % 2 ? 1 : -1);
    CHECK_CLOSE((double)y[i], expected, 1e-6 * fabs(expected), "row %d, column %d", i / N, i % N);
  }
}

TEST("a row of int8 dense has the same bits beside any other rows and columns; NaN and Inf make their own "
     "row NaN") {
  for (size_t n = 0; n < LENGTH(outputs); n++) {
    const int M = 39, K = n % 2 ? 37 : 1027, N = outputs[n];
    dense d = new_dense(K, N, true);
    float *x = uniform((size_t)M * K, -1, 1), *y = TEST_NEW(float, M *N), *alone = TEST_NEW(float, N);
    for (int k = 0; k < K; k++) {
      x[7 * K + k] *= 1e6f; /* gives this row another scale */
    }
    x[5 * K + K / 2] = NAN;
    x[33 * K] = -INFINITY;
    run_dense(y, x, 0, &d, M, K, N);
    for (int m = 0; m < M; m++) {
      run_dense(alone, x + m * K, 0, &d, 1, K, N);
      for (int i = 0; i < N; i++) {
        CHECK(isnan(y[m * N + i]) == (m == 5 || m == 33), "row %d: %g", m, (double)y[m * N + i]);
      }
      if (m != 5 && m != 33) {
        CHECK_BITS(y + m * N, alone, N, "row %d of %d, N %d", m, M, N);
      }
    }
    /* The last column alone. */
    int8_t *column = TEST_NEW(int8_t, K);
    for (int k = 0; k < K; k++) {
      column[k] = d.w[k * N + N - 1];
    }
    dense one = {column, d.scale + N - 1, d.bias + N - 1, TEST_NEW(float, pl_quant_dense_packed_size(K, 1)), NULL};
    pl_quant_dense_pack(one.packed, one.w, one.scale, one.bias, K, 1);
    run_dense(alone, x, 0, &one, 1, K, 1);
    CHECK_BITS(alone, y + N - 1, 1, "last column of %d", N);
    test_free();
  }
}

TEST("rows of zeros and of nearly 0 give the bias; with a scale floor of 1, small numbers have the scale of 1") {
  const int K = 9, N = 5;
  dense d = new_dense(K, N, true);
  float *x = uniform(K, -1e-36f, 1e-36f), *zeros = TEST_NEW(float, K), *y = TEST_NEW(float, N);
  memset(zeros, 0, K * sizeof *zeros);
  for (int scale_floor = 0; scale_floor < 2; scale_floor++) {
    run_dense(y, x, (float)scale_floor, &d, 1, K, N);
    CHECK_BITS(y, d.bias, N, "least %d", scale_floor);
    run_dense(y, zeros, (float)scale_floor, &d, 1, K, N);
    CHECK_BITS(y, d.bias, N, "zeros, least %d", scale_floor);
  }
}

TEST("inputs are rounded to the nearest integer, halves to the even one") {
  const float x[] = {0.4f, 0.6f, -0.4f, -0.6f, 0.5f, 1.5f, -2.5f, -3.5f, 32767}, q[] = {0, 1, 0, -1, 0, 2, -2, -4, 32767};
  const int8_t w[] = {1};
  const float scale[] = {1};
  for (int k = 0; k < 9; k++) {
    dense d = {NULL, NULL, NULL, TEST_NEW(float, pl_quant_dense_packed_size(1, 1)), NULL};
    pl_quant_dense_pack(d.packed, w, scale, NULL, 1, 1);
    float y;
    run_dense(&y, x + k, 32767, &d, 1, 1, 1); /* the scale is 1 */
    CHECK(y == q[k], "%g gives %g", (double)x[k], (double)y);
  }
}

TEST("int8 embedding matches its twin and refuses an id outside the vocabulary") {
  for (int D = 0; D < 19; D++) {
    const int V = 7, N = 11;
    const int8_t *table = uniform_bytes((size_t)V * D);
    const float *scale = uniform(D, 0.001f, 0.1f);
    uint8_t *of_rows = TEST_NEW(uint8_t, V);
    for (int v = 0; v < V; v++) {
      of_rows[v] = (uint8_t)test_below(256);
    }
    int32_t *ids = TEST_NEW(int32_t, N);
    for (int n = 0; n < N; n++) {
      ids[n] = test_below(V);
    }
    float *y = TEST_NEW(float, N *D), *expected = TEST_NEW(float, N *D);
    CHECK(pl_quant_embedding(y, table, of_rows, scale, ids, N, V, D) == PL_OK, "D %d", D);
    pl_ref_quant_embedding(expected, table, of_rows, scale, ids, N, V, D);
    CHECK_BITS(y, expected, N * D, "D %d", D);
    ids[D % N] = D % 2 ? V : -1;
    CHECK(pl_quant_embedding(y, table, of_rows, scale, ids, N, V, D) == PL_ID_OUT_OF_RANGE, "D %d", D);
  }
}

TEST("a bag of int8 rows matches its twin, whatever the order of its ids") {
  for (int D = 1; D < 50; D++) {
    const int V = 7, B = 4, N = 23;
    const int8_t *table = uniform_bytes((size_t)V * D);
    const float *scale = uniform(D, 0.001f, 0.1f);
    const int32_t splits[] = {0, 1, 1, 18, N};
    uint8_t *of_rows = TEST_NEW(uint8_t, V);
    for (int v = 0; v < V; v++) {
      of_rows[v] = (uint8_t)test_below(256);
    }
    int32_t *ids = TEST_NEW(int32_t, N), *turned = TEST_NEW(int32_t, N);
    for (int n = 0; n < N; n++) {
      ids[n] = test_below(V);
    }
    for (int b = 0; b < B; b++) {
      for (int n = splits[b]; n < splits[b + 1]; n++) {
        turned[n] = ids[splits[b] + splits[b + 1] - 1 - n];
      }
    }
    float *y = TEST_NEW(float, B *D), *expected = TEST_NEW(float, B *D);
    CHECK(pl_quant_embedding_sum(y, table, of_rows, scale, ids, splits, B, V, D) == PL_OK, "D %d", D);
    pl_ref_quant_embedding_sum(expected, table, of_rows, scale, ids, splits, B, V, D);
    CHECK_BITS(y, expected, B * D, "D %d", D);
    CHECK(pl_quant_embedding_sum(y, table, of_rows, scale, turned, splits, B, V, D) == PL_OK, "D %d", D);
    CHECK_BITS(y, expected, B * D, "D %d, turned round", D);
    ids[D % N] = D % 2 ? V : -1;
    CHECK(pl_quant_embedding_sum(y, table, of_rows, scale, ids, splits, B, V, D) == PL_ID_OUT_OF_RANGE, "D %d", D);
  }
}

TEST("a bag of 150,000 of the largest int8 rows overflows nothing") {
  enum { N = 150000, D = 17 };
  int8_t *table = TEST_NEW(int8_t, D);
  memset(table, -127, D);
  const uint8_t row = 255;
  float scale[D], y[D];
  for (int d = 0; d < D; d++) {
    scale[d] = 1;
  }
  int32_t *ids = TEST_NEW(int32_t, N);
  memset(ids, 0, N * sizeof *ids);
  const int32_t splits[] = {0, N};
  CHECK(pl_quant_embedding_sum(y, table, &row, scale, ids, splits, 1, 1, D) == PL_OK, "%d rows", N);
  for (int d = 0; d < D; d++) {
    CHECK(y[d] == (float)(-127.0 * 255 * (double)N), "column %d: %g", d, (double)y[d]);
  }
}

TEST("an arena one byte too small for int8 products is refused") {
  const int M = 6, K = 9, N = 5, H = 7;
  dense d = new_dense(K, N, true);
  float *x = uniform((size_t)M * K, -1, 1), *y = TEST_NEW(float, M * 4 * 8);
  pl_arena arena = new_arena(pl_quant_dense_scratch(M, K) - 1);
  CHECK(pl_quant_dense(y, x, 0, d.packed, M, K, N, &arena) == PL_SCRATCH_TOO_SMALL, "%s", "dense");
  const layer l = new_quant_layer(PL_LSTM, K, H, PL_TANH, PL_SIGMOID, true);
  const int32_t splits[] = {0, 2, 6};
  arena = new_arena(pl_ragged_rnn_scratch(&l.fast, splits, 2) - 1);
  CHECK(pl_ragged_rnn(y, NULL, NULL, x, &l.fast, NULL, splits, PL_FORWARD, H, 2, &arena) == PL_SCRATCH_TOO_SMALL, "%s", "rnn");
  arena = new_arena(pl_rnn_products_scratch(&l.fast, M) - 1);
  CHECK(pl_rnn_products(y, x, &l.fast, M, &arena) == PL_SCRATCH_TOO_SMALL, "%s", "products");
  CHECK(arena.used == 0, "used %d", (int)arena.used);
}

/* Kernel and twin may round a state near the midpoint of two integers to different ones, so up to H states differ by 1. */
static double state_tolerance(int D, int H) { return rnn_tolerance(D, H) + sqrt((double)H + D) / 32767 * 2; }

/* Runs a layer and its twin over rows of `splits`, with initial states up to `size`. */
static void check_against_twin(const layer *l, const int32_t *splits, int B, pl_order order, float state, const char *what) {
  const int D = l->fast.D, H = l->fast.H, N = splits[B];
  float *x = uniform((size_t)N * D, -1, 1), *y = TEST_NEW(float, N *H), *expected = TEST_NEW(float, N *H);
  pl_state init = {uniform((size_t)B * H, -state, state), uniform((size_t)B * H, -1, 1)};
  pl_state last = new_state((size_t)B * H), expected_last = new_state((size_t)B * H);
  pl_arena arena = new_arena(pl_ragged_rnn_scratch(&l->fast, splits, B)), count = {0};
  CHECK(pl_ragged_rnn(y, NULL, &last, x, &l->fast, &init, splits, order, H, B, &arena) == PL_OK, "%s", what);
  pl_ref_ragged_rnn(expected, NULL, &expected_last, x, &l->ref, &init, splits, order, H, B, &count);
  CHECK(arena.steps == (uint64_t)N && arena.used == 0, "%s: %d steps of %d", what, (int)arena.steps, N);
  /* The error of rounding grows with the state, and an error of a gate changes the state in proportion to it, too. */
  const double absolute = state_tolerance(D, H) * (state > 1 ? 4 * (double)state : 1), relative = rnn_tolerance(D, H);
  CHECK_ARRAY_CLOSE(y, expected, N * H, absolute, relative, "%s, %s, D %d, H %d, N %d", what, cell_names[l->fast.cell], D, H, N);
  CHECK_ARRAY_CLOSE(last.h, expected_last.h, B * H, absolute, relative, "%s, %s, D %d, H %d", what, cell_names[l->fast.cell], D, H);
}

TEST("each cell with int8 weights matches its twin at every number of units and features, in each order, and from a large state") {
  const int sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33}, batches[] = {0, 1, 3, 7};
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (size_t h = 0; h < LENGTH(sizes); h++) {
      for (size_t d = 0; d < LENGTH(sizes); d += 1 + h % 3) {
        for (int order = PL_FORWARD; order <= PL_BACKWARD_AS_VISITED; order++) {
          layer l = new_quant_layer((pl_cell)cell, sizes[d], sizes[h], PL_TANH, PL_SIGMOID, (h + d) % 4 != 3);
          const int B = batches[(h + d + order) % 4];
          check_against_twin(&l, new_splits(B, 9), B, (pl_order)order, (h + d) % 2 ? 1 : 50, "sizes");
          test_free();
        }
      }
    }
  }
}

/* A layer whose weights are w and u, each times 1, without a bias. x is 0 and h starts at `state`, so h U alone could change the result. */
static float after_one_step(pl_cell cell, int act, const int8_t *w, const int8_t *u, float state) {
  const float ones[] = {1, 1, 1, 1}, x = 0;
  const int32_t splits[] = {0, 1};
  float *packed = TEST_NEW(float, pl_quant_rnn_packed_size(cell, 1, 1)), y = NAN;
  pl_quant_rnn_pack(packed, w, ones, u, ones, NULL, cell, 1, 1);
  const pl_rnn rnn = {cell, 1, 1, act, PL_SIGMOID, packed, NULL, NULL, 1};
  pl_state init = {&state, NULL};
  pl_arena arena = new_arena(pl_ragged_rnn_scratch(&rnn, splits, 1));
  CHECK(pl_ragged_rnn(&y, NULL, NULL, &x, &rnn, &init, splits, PL_FORWARD, 1, 1, &arena) == PL_OK, "%s", cell_names[cell]);
  return y;
}

TEST("a state that is much smaller than 1 has the scale of 1, so its int8 products are 0") {
  const int8_t zeros[4] = {0}, u[] = {127, 127, 127, 127}, candidate[] = {0, 0, 127};
  const float tiny = 1e-5f; /* less than half of 1/32767 */
  CHECK(after_one_step(PL_SIMPLE_RNN, PL_LINEAR, zeros, u, tiny) == 0, "%s", "h U");
  /* (r*h) Uh, with z = 1/2. */
  CHECK(after_one_step(PL_GRU, PL_LINEAR, zeros, candidate, tiny) == tiny / 2, "%s", "(r*h) Uh");
  CHECK(after_one_step(PL_SIMPLE_RNN, PL_LINEAR, zeros, u, 1) == 127, "%s", "h U of 1");
  CHECK(after_one_step(PL_GRU, PL_LINEAR, zeros, candidate, 1) > 30, "%s", "(r*h) Uh of 1");
}

TEST("cells with int8 weights and unbounded states match their twin") {
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (int H = 3; H <= 6; H += 3) {
      const int acts[] = {PL_LINEAR, PL_RELU, PL_SOFTPLUS};
      for (size_t i = 0; i < LENGTH(acts); i++) {
        layer l = new_quant_layer((pl_cell)cell, 2, H, (pl_act)acts[i], PL_SIGMOID, true);
        check_against_twin(&l, new_splits(3, 4), 3, PL_FORWARD, 20, "no bound");
        test_free();
      }
    }
  }
}

TEST("a row of a recurrent layer with int8 weights has the same bits alone and in any batch, under any padding") {
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (int kind = 0; kind < MASK_KINDS; kind++) {
      for (int order = PL_FORWARD; order <= PL_BACKWARD_AS_VISITED; order++) {
        const int B = 6, T = 23, D = 5, H = 7;
        layer l = new_quant_layer((pl_cell)cell, D, H, order ? PL_TANH : PL_LINEAR, PL_SIGMOID, true);
        uint8_t *mask = test_new((size_t)B * T);
        int32_t *splits = TEST_NEW(int32_t, B + 1);
        test_mask(mask, (test_mask_kind)kind, B, T);
        const int N = pl_row_splits(splits, mask, B, T);
        float *packed = uniform((size_t)N * D, -1, 1), *x = TEST_NEW(float, B *T *D), *y = TEST_NEW(float, B *T *H);
        float *steps = TEST_NEW(float, N *H);
        test_spread(x, packed, mask, B, T, D);
        pl_arena arena = new_arena(pl_masked_rnn_scratch(&l.fast, mask, B, T));
        CHECK(pl_masked_rnn(y, NULL, x, &l.fast, NULL, mask, (pl_order)order, B, T, &arena) == PL_OK, "%s", cell_names[cell]);
        pl_pack(steps, y, mask, B, T, H);
        for (int b = 0; b < B; b++) {
          const int n = splits[b + 1] - splits[b];
          const int32_t own[] = {0, n};
          float *alone = TEST_NEW(float, n *H);
          pl_arena small = new_arena(pl_ragged_rnn_scratch(&l.fast, own, 1));
          pl_ragged_rnn(alone, NULL, NULL, packed + splits[b] * D, &l.fast, NULL, own, (pl_order)order, H, 1, &small);
          CHECK_BITS(steps + splits[b] * H, alone, n * H, "%s, row %d", cell_names[cell], b);
        }
        test_free();
      }
    }
  }
}

TEST("looked-up int8 products have the bits of products computed from x") {
  const int V = 5, D = 6, H = 7;
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    const layer l = new_quant_layer((pl_cell)cell, D, H, PL_TANH, PL_SIGMOID, true);
    const int32_t *splits = new_splits(4, 11);
    const int N = splits[4];
    const float *table = uniform((size_t)V * D, -1, 1);
    float *x = TEST_NEW(float, N *D), *y = TEST_NEW(float, N *H), *expected = TEST_NEW(float, N *H);
    int32_t *from = TEST_NEW(int32_t, N);
    for (int n = 0; n < N; n++) {
      from[n] = test_below(V);
      memcpy(x + n * D, table + from[n] * D, (size_t)D * sizeof *x);
    }
    float *products = TEST_NEW(float, V *(int)pl_rnn_products_size((pl_cell)cell, H));
    pl_arena arena = new_arena(pl_rnn_products_scratch(&l.fast, V));
    CHECK(pl_rnn_products(products, table, &l.fast, V, &arena) == PL_OK, "%s", cell_names[cell]);
    pl_rnn looked = l.fast;
    looked.products = products;
    looked.rows = from;
    arena = new_arena(pl_ragged_rnn_scratch(&l.fast, splits, 4));
    pl_ragged_rnn(expected, NULL, NULL, x, &l.fast, NULL, splits, PL_FORWARD, H, 4, &arena);
    arena = new_arena(pl_ragged_rnn_scratch(&looked, splits, 4));
    CHECK(pl_ragged_rnn(y, NULL, NULL, NULL, &looked, NULL, splits, PL_FORWARD, H, 4, &arena) == PL_OK, "%s", cell_names[cell]);
    CHECK_BITS(y, expected, N * H, "%s", cell_names[cell]);
    test_free();
  }
}
