#include "rnn.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Runs a layer and its twin over rows of `splits`, from initial states, and compares outputs, states and the number of steps. */
static void check_against_twin(const layer *l, const int32_t *splits, int B, pl_order order, int gap, const char *what) {
  const int D = l->fast.D, H = l->fast.H, N = splits[B], ldy = H + gap;
  float *x = uniform((size_t)N * D, -1, 1), *y = TEST_NEW(float, N *ldy), *expected = TEST_NEW(float, N *ldy);
  pl_state init = uniform_state((size_t)B * H), last = new_state((size_t)B * H), expected_last = new_state((size_t)B * H);
  pl_arena arena = new_arena(pl_ragged_rnn_scratch(&l->fast, splits, B)), count = {0};
  float *cells = uniform((size_t)N * H, -1, 1), *expected_cells = TEST_NEW(float, N *H);
  memcpy(expected_cells, cells, (size_t)N * H * sizeof *cells);
  pl_status status = pl_ragged_rnn(y, cells, &last, x, &l->fast, &init, splits, order, ldy, B, &arena);
  pl_ref_ragged_rnn(expected, expected_cells, &expected_last, x, &l->ref, &init, splits, order, ldy, B, &count);
#define WHERE                                                                                                                      \
  "%s, %s, acts %d and %d, D %d, H %d, B %d, N %d, order %d", what, cell_names[l->fast.cell], l->fast.act, l->fast.rec_act, D, H,  \
      B, N, order
  CHECK(status == PL_OK, WHERE);
  CHECK(arena.steps == (uint64_t)N && arena.used == 0, WHERE);
  /* exp turns the absolute error of its argument into a relative one, and the argument is a sum of large products. */
  const bool grows = l->fast.act == PL_EXPONENTIAL || l->fast.rec_act == PL_EXPONENTIAL;
  const double tolerance = rnn_tolerance(D, H) * (grows ? 64 : 1);
  CHECK_ARRAY_CLOSE(y, expected, N * ldy, tolerance, tolerance, WHERE); /* the columns between are NaN in both */
  CHECK_ARRAY_CLOSE(last.h, expected_last.h, B * H, tolerance, tolerance, WHERE);
  CHECK_ARRAY_CLOSE(cells, expected_cells, N * H, tolerance, tolerance, WHERE); /* cells other than LSTM do not write it */
  if (l->fast.cell == PL_LSTM) {
    CHECK_ARRAY_CLOSE(last.c, expected_last.c, B * H, tolerance, tolerance, WHERE);
  }
#undef WHERE
}

TEST("each cell matches its twin at every number of units and features, in each order") {
  const int sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31, 33};
  const int batches[] = {0, 1, 3, 7};
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (size_t h = 0; h < LENGTH(sizes); h++) {
      for (size_t d = 0; d < LENGTH(sizes); d += 1 + h % 3) {
        for (int order = PL_FORWARD; order <= PL_BACKWARD_AS_VISITED; order++) {
          layer l = new_layer((pl_cell)cell, sizes[d], sizes[h], PL_TANH, PL_SIGMOID, (h + d) % 4 != 3);
          const int B = batches[(h + d + order) % 4];
          check_against_twin(&l, new_splits(B, 9), B, (pl_order)order, (int)(d % 3), "sizes");
          test_free();
        }
      }
    }
  }
}

TEST("rows of several chunks match the twin") {
  const int lengths[] = {7, 8, 9, 16, 17, 41, 63, 64, 65, 127, 128, 129, 131, 300};
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (int order = PL_FORWARD; order <= PL_BACKWARD_AS_VISITED; order++) {
      for (size_t i = 0; i < LENGTH(lengths); i++) {
        layer l = default_layer((pl_cell)cell, 3, 5);
        const int32_t one[] = {0, lengths[i]};
        check_against_twin(&l, one, 1, (pl_order)order, 0, "one row");
        int32_t *many = new_splits(18, lengths[i]);
        check_against_twin(&l, many, 18, (pl_order)order, 0, "many rows");
        test_free();
      }
    }
  }
}

TEST("every activation works in every cell, as activation and as recurrent activation") {
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (int act = PL_LINEAR; act < PL_ACT_COUNT; act++) {
      for (int H = 3; H <= 6; H += 3) {
        const int32_t few[] = {0, 3, 3, 5}, single[] = {0, 1, 1, 2};
        /* exp of exp of exp overflows; a gate of -4, which log-softmax gives, grows the state and its error fourfold at each step */
        const int32_t *splits = act == PL_EXPONENTIAL || act == PL_LOG_SOFTMAX ? single : few;
        if (act != PL_EXPONENTIAL) { /* a state that goes through exp at each step grows without limit, and so does its error */
          layer as_act = new_layer((pl_cell)cell, 2, H, (pl_act)act, PL_SIGMOID, true);
          check_against_twin(&as_act, splits, 3, PL_FORWARD, 1, "activation");
        }
        layer as_rec = new_layer((pl_cell)cell, 2, H, PL_TANH, (pl_act)act, true);
        check_against_twin(&as_rec, splits, 3, PL_BACKWARD, 0, "recurrent activation");
        test_free();
      }
    }
  }
}

TEST("a row of a recurrent layer has the same bits alone and in any batch, under any padding; masked matches the twin") {
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (int kind = 0; kind < MASK_KINDS; kind++) {
      for (int order = PL_FORWARD; order <= PL_BACKWARD_AS_VISITED; order++) {
        const int B = 6, T = 23, D = 5, H = 7;
        layer l = default_layer((pl_cell)cell, D, H);
        uint8_t *mask = test_new((size_t)B * T);
        int32_t *splits = TEST_NEW(int32_t, B + 1);
        test_mask(mask, (test_mask_kind)kind, B, T);
        const int N = pl_row_splits(splits, mask, B, T);
        float *packed = uniform((size_t)N * D, -1, 1), *x = TEST_NEW(float, B *T *D), *y = TEST_NEW(float, B *T *H);
        float *expected = TEST_NEW(float, B *T *H), *steps = TEST_NEW(float, N *H);
        test_spread(x, packed, mask, B, T, D);
        pl_state last = new_state(B * H), expected_last = new_state(B * H);
        pl_arena arena = new_arena(pl_masked_rnn_scratch(&l.fast, mask, B, T)), count = {0};
        CHECK(pl_masked_rnn(y, &last, x, &l.fast, NULL, mask, (pl_order)order, B, T, &arena) == PL_OK, "%s", cell_names[cell]);
        CHECK(arena.steps == (uint64_t)N && arena.used == 0, "%s: %d steps of %d", cell_names[cell], (int)arena.steps, N);
        pl_ref_masked_rnn(expected, &expected_last, x, &l.ref, NULL, mask, (pl_order)order, B, T, &count);
        CHECK_ARRAY_CLOSE(y, expected, B * T * H, rnn_tolerance(D, H), 0, "%s, %s", cell_names[cell],
                          test_mask_name((test_mask_kind)kind));
        CHECK_ARRAY_CLOSE(last.h, expected_last.h, B * H, rnn_tolerance(D, H), 0, "%s", cell_names[cell]);
        pl_pack(steps, y, mask, B, T, H);
        for (int b = 0; b < B; b++) {
          const int n = splits[b + 1] - splits[b];
          const int32_t own[] = {0, n};
          float *alone = TEST_NEW(float, n *H);
          pl_state alone_last = new_state(H);
          pl_arena small = new_arena(pl_ragged_rnn_scratch(&l.fast, own, 1));
          pl_ragged_rnn(alone, NULL, &alone_last, packed + splits[b] * D, &l.fast, NULL, own, (pl_order)order, H, 1, &small);
          CHECK_BITS(steps + splits[b] * H, alone, n * H, "%s, row %d", cell_names[cell], b);
          CHECK_BITS(last.h + b * H, alone_last.h, H, "%s, state of row %d", cell_names[cell], b);
          if (cell == PL_LSTM) {
            CHECK_BITS(last.c + b * H, alone_last.c, H, "%s, c of row %d", cell_names[cell], b);
          }
        }
        test_free();
      }
    }
  }
}

TEST("outputs and states that are not wanted may be NULL, and the final state may overwrite the initial one") {
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    const int B = 4, D = 3, H = 6;
    layer l = default_layer((pl_cell)cell, D, H);
    const int32_t splits[] = {0, 2, 2, 7, 8};
    const int N = splits[B];
    float *x = uniform(N * D, -1, 1), *y = TEST_NEW(float, N *H), *again = TEST_NEW(float, N *H);
    pl_state init = uniform_state(B * H), last = new_state(B * H), only_h = {TEST_NEW(float, B *H), NULL};
    pl_arena arena = new_arena(pl_ragged_rnn_scratch(&l.fast, splits, B));
    pl_ragged_rnn(y, NULL, &last, x, &l.fast, &init, splits, PL_FORWARD, H, B, &arena);
    CHECK_BITS(last.h + H, init.h + H, H, "%s: a row without steps gives its initial state", cell_names[cell]);
    pl_ragged_rnn(again, NULL, NULL, x, &l.fast, &init, splits, PL_FORWARD, H, B, &arena);
    CHECK_BITS(again, y, N * H, "%s: last NULL", cell_names[cell]);
    pl_ragged_rnn(NULL, NULL, &only_h, x, &l.fast, &init, splits, PL_FORWARD, H, B, &arena);
    CHECK_BITS(only_h.h, last.h, B * H, "%s: y and c NULL", cell_names[cell]);
    pl_ragged_rnn(again, NULL, &init, x, &l.fast, &init, splits, PL_FORWARD, H, B, &arena);
    CHECK_BITS(again, y, N * H, "%s: init is last", cell_names[cell]);
    CHECK_BITS(init.h, last.h, B * H, "%s: init is last", cell_names[cell]);
    if (cell == PL_LSTM) {
      CHECK_BITS(init.c, last.c, B * H, "%s: init is last", cell_names[cell]);
    }
    test_free();
  }
}

TEST("a recurrent layer without initial state starts from zeros, and a text in two pieces gives the bits of the whole text") {
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    const int D = 3, H = 6;
    layer l = default_layer((pl_cell)cell, D, H);
    const int32_t whole[] = {0, 11}, first[] = {0, 4}, rest[] = {0, 7};
    float *x = uniform(11 * D, -1, 1), *y = TEST_NEW(float, 11 * H), *pieces = TEST_NEW(float, 11 * H);
    pl_state zeros = {TEST_NEW(float, H), TEST_NEW(float, H)}, state = new_state(H);
    memset(zeros.h, 0, H * sizeof(float));
    memset(zeros.c, 0, H * sizeof(float));
    pl_arena arena = new_arena(pl_ragged_rnn_scratch(&l.fast, whole, 1));
    pl_ragged_rnn(y, NULL, NULL, x, &l.fast, NULL, whole, PL_FORWARD, H, 1, &arena);
    pl_ragged_rnn(pieces, NULL, &state, x, &l.fast, &zeros, first, PL_FORWARD, H, 1, &arena);
    pl_ragged_rnn(pieces + 4 * H, NULL, &state, x + 4 * D, &l.fast, &state, rest, PL_FORWARD, H, 1, &arena);
    CHECK_BITS(pieces, y, 11 * H, "%s", cell_names[cell]);
    test_free();
  }
}

TEST("an arena one byte too small is refused before anything is written; one in use is unchanged") {
  const int32_t splits[] = {0, 5, 9};
  const uint8_t mask[] = {1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1};
  layer l = default_layer(PL_LSTM, 3, 6);
  float *x = uniform(12 * 3, -1, 1), *y = TEST_NEW(float, 12 * 6), *untouched = TEST_NEW(float, 12 * 6);
  const size_t ragged = pl_ragged_rnn_scratch(&l.fast, splits, 2), masked = pl_masked_rnn_scratch(&l.fast, mask, 2, 6);
  pl_arena arena = new_arena(ragged - 1);
  CHECK(pl_ragged_rnn(y, NULL, NULL, x, &l.fast, NULL, splits, PL_FORWARD, 6, 2, &arena) == PL_SCRATCH_TOO_SMALL, "%d", 1);
  CHECK(arena.used == 0 && arena.steps == 0, "used %d", (int)arena.used);
  arena = new_arena(masked - 1);
  CHECK(pl_masked_rnn(y, NULL, x, &l.fast, NULL, mask, PL_FORWARD, 2, 6, &arena) == PL_SCRATCH_TOO_SMALL, "%d", 2);
  CHECK_BITS(y, untouched, 12 * 6, "%s", "y");
  arena = new_arena(16 + masked);
  arena.used = 5;
  CHECK(pl_masked_rnn(y, NULL, x, &l.fast, NULL, mask, PL_FORWARD, 2, 6, &arena) == PL_OK, "%d", 3);
  CHECK(arena.used == 5 && arena.steps == 9, "used %d, steps %d", (int)arena.used, (int)arena.steps);
}

TEST("looked-up products give the bits of computed ones, in each cell and order") {
  const int V = 5, D = 6, H = 7;
  for (int cell = PL_SIMPLE_RNN; cell <= PL_LSTM; cell++) {
    for (int order = PL_FORWARD; order <= PL_BACKWARD_AS_VISITED; order++) {
      const layer l = default_layer((pl_cell)cell, D, H);
      const int32_t *splits = new_splits(4, 11);
      const int N = splits[4];
      const float *table = uniform((size_t)V * D, -1, 1);
      float *x = TEST_NEW(float, N *D), *y = TEST_NEW(float, N *H), *expected = TEST_NEW(float, N *H);
      int32_t *rows = TEST_NEW(int32_t, N);
      for (int n = 0; n < N; n++) {
        rows[n] = test_below(V);
        memcpy(x + n * D, table + rows[n] * D, (size_t)D * sizeof *x);
      }
      float *products = TEST_NEW(float, V *(int)pl_rnn_products_size((pl_cell)cell, H));
      pl_arena arena = new_arena(pl_rnn_products_scratch(&l.fast, V));
      CHECK(pl_rnn_products(products, table, &l.fast, V, &arena) == PL_OK, "%s", cell_names[cell]);
      pl_rnn lookup = l.fast;
      lookup.products = products;
      lookup.rows = rows;
      arena = new_arena(pl_ragged_rnn_scratch(&l.fast, splits, 4));
      pl_ragged_rnn(expected, NULL, NULL, x, &l.fast, NULL, splits, (pl_order)order, H, 4, &arena);
      arena = new_arena(pl_ragged_rnn_scratch(&lookup, splits, 4));
      CHECK(pl_ragged_rnn(y, NULL, NULL, NULL, &lookup, NULL, splits, (pl_order)order, H, 4, &arena) == PL_OK, "%s",
            cell_names[cell]);
      CHECK_BITS(y, expected, N * H, "%s, order %d", cell_names[cell], order);
      CHECK(arena.steps == (uint64_t)N, "%d steps of %d", (int)arena.steps, N);
      test_free();
    }
  }
}

TEST("an LSTM's gates are i, f, c, o: one step by hand") {
  /* All weights are 0, so the gates depend only on b = (i, f, c, o): c = f c0 + i g, h = o tanh(c). */
  const float b[] = {0.5f, -1, 2, 0.25f}, zeros[4] = {0};
  float packed[128], y;
  pl_rnn rnn = {PL_LSTM, 1, 1, PL_TANH, PL_SIGMOID, packed, NULL, NULL, 0};
  CHECK(pl_rnn_packed_size(PL_LSTM, 1, 1) <= 128, "%d floats", (int)pl_rnn_packed_size(PL_LSTM, 1, 1));
  pl_rnn_pack(packed, zeros, zeros, b, PL_LSTM, 1, 1);
  float h0 = 0.3f, c0 = 0.7f, h, c, x = 1;
  const int32_t splits[] = {0, 1};
  pl_state init = {&h0, &c0}, last = {&h, &c};
  pl_arena arena = new_arena(pl_ragged_rnn_scratch(&rnn, splits, 1));
  pl_ragged_rnn(&y, NULL, &last, &x, &rnn, &init, splits, PL_FORWARD, 1, 1, &arena);
  CHECK_CLOSE((double)c, 0.7 * 0.2689414214 + 0.6224593312 * 0.9640275801, 1e-6, "%s", "c");
  CHECK_CLOSE((double)y, 0.5621765009 * tanh((double)c), 1e-6, "%s", "h");
}
