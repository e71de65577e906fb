#include "rnn.h"

static const char *const merge_names[] = {"concat", "sum", "mul", "ave", "none"};

TEST("merges match their twin, in place where that is allowed") {
  for (int H = 0; H < 10; H++) {
    for (int M = 0; M < 4; M++) {
      for (int merge = PL_CONCAT; merge <= PL_AVE; merge++) {
        const int Hb = merge == PL_CONCAT ? (3 * H + M) % 7 : H; /* only PL_CONCAT may have unequal units */
        const int n = M * (merge == PL_CONCAT ? H + Hb : H);
        float *a = uniform((size_t)M * H, -1, 1), *b = uniform((size_t)M * Hb, -1, 1);
        float *y = TEST_NEW(float, n), *expected = TEST_NEW(float, n);
        pl_merge_outputs(y, a, b, (pl_merge)merge, M, H, Hb);
        pl_ref_merge_outputs(expected, a, b, (pl_merge)merge, M, H, Hb);
        CHECK_BITS(y, expected, n, "%s, M %d, H %d", merge_names[merge], M, H);
        if (merge != PL_CONCAT) {
          pl_merge_outputs(b, a, b, (pl_merge)merge, M, H, Hb);
          CHECK_BITS(b, y, n, "%s in place, M %d, H %d", merge_names[merge], M, H);
        }
        test_free();
      }
    }
  }
}

/* h = act(x + h): with linear units an output is the sum of the steps read so far. */
static pl_rnn running_sum(float *packed) {
  const float one = 1;
  pl_rnn_pack(packed, &one, &one, NULL, PL_SIMPLE_RNN, 1, 1);
  return (pl_rnn){PL_SIMPLE_RNN, 1, 1, PL_LINEAR, PL_LINEAR, packed, NULL, NULL, 0};
}

TEST("forward reads 1 2 3, backward reads 3 2 1, and each output is at its own token, wherever the padding is") {
  float *packed = TEST_NEW(float, pl_rnn_packed_size(PL_SIMPLE_RNN, 1, 1));
  const pl_rnn sum = running_sum(packed), both[] = {sum, sum};
  const uint8_t masks[][6] = {{1, 1, 1, 0, 0, 0}, {0, 0, 0, 1, 1, 1}, {0, 1, 0, 1, 1, 0}, {1, 0, 0, 0, 1, 1}};
  const float forward[] = {1, 3, 6}, backward[] = {6, 5, 3};
  for (int i = 0; i < 4; i++) {
    float x[6], y[12], h[2];
    for (int t = 0, token = 1; t < 6; t++) {
      x[t] = masks[i][t] ? (float)token++ : NAN;
    }
    pl_state last[] = {{h, NULL}, {h + 1, NULL}};
    pl_arena arena = new_arena(pl_masked_bidirectional_scratch(both, masks[i], PL_CONCAT, 1, 6));
    pl_masked_bidirectional(y, NULL, last, x, both, NULL, masks[i], PL_CONCAT, 1, 6, &arena);
    for (int t = 0, token = 0; t < 6; t++) {
      CHECK(y[2 * t] == (masks[i][t] ? forward[token] : 0), "mask %d, step %d: forward %g", i, t, (double)y[2 * t]);
      CHECK(y[2 * t + 1] == (masks[i][t] ? backward[token] : 0), "mask %d, step %d: backward %g", i, t, (double)y[2 * t + 1]);
      token += masks[i][t];
    }
    CHECK(h[0] == 6 && h[1] == 6, "final states %g, %g", (double)h[0], (double)h[1]);
  }
}

TEST("outputs in visiting order begin with the last token") {
  float *packed = TEST_NEW(float, pl_rnn_packed_size(PL_SIMPLE_RNN, 1, 1));
  const pl_rnn sum = running_sum(packed);
  const float x[] = {1, 2, 3, 10, 20}, expected[] = {3, 5, 6, 20, 30};
  const int32_t splits[] = {0, 3, 5};
  float y[5];
  pl_arena arena = new_arena(pl_ragged_rnn_scratch(&sum, splits, 2));
  pl_ragged_rnn(y, NULL, NULL, x, &sum, NULL, splits, PL_BACKWARD_AS_VISITED, 1, 2, &arena);
  CHECK_BITS(y, expected, 5, "%s", "y");
}

TEST("bidirectional layers match their twin: every merge, different cells, every kind of mask, states, ragged and masked") {
  for (int merge = PL_CONCAT; merge <= PL_NONE; merge++) {
    for (int cells = 0; cells < 16; cells++) {
      for (int kind = 0; kind < MASK_KINDS; kind++) {
        const bool apart = merge == PL_CONCAT || merge == PL_NONE, states = (cells + kind) % 2 == 0;
        const int B = 3, T = 12, D = 3, Hf = 5, Hb = apart ? 6 : 5, width = merge == PL_CONCAT ? Hf + Hb : Hf;
        layer f = default_layer((pl_cell)(cells / 4), D, Hf), b = default_layer((pl_cell)(cells % 4), D, Hb);
        const pl_rnn fast[] = {f.fast, b.fast}, ref[] = {f.ref, b.ref};
        uint8_t *mask = test_new((size_t)B * T);
        test_mask(mask, (test_mask_kind)kind, B, T);
        int32_t *splits = TEST_NEW(int32_t, B + 1);
        const int N = pl_row_splits(splits, mask, B, T);
        float *packed = uniform((size_t)N * D, -1, 1), *x = TEST_NEW(float, B *T *D);
        test_spread(x, packed, mask, B, T, D);
        float *y = TEST_NEW(float, B *T *width), *expected = TEST_NEW(float, B *T *width), *steps = TEST_NEW(float, N *width);
        float *closed = TEST_NEW(float, N *width);
        float *back = merge == PL_NONE ? TEST_NEW(float, B *T *Hb) : NULL;
        float *expected_back = merge == PL_NONE ? TEST_NEW(float, B *T *Hb) : NULL;
        float *closed_back = merge == PL_NONE ? TEST_NEW(float, N *Hb) : NULL;
        const pl_state some[] = {uniform_state(B * Hf), uniform_state(B * Hb)}, *init = states ? some : NULL;
        pl_state last[] = {new_state(B * Hf), new_state(B * Hb)}, expected_last[] = {new_state(B * Hf), new_state(B * Hb)};
        pl_arena arena = new_arena(pl_masked_bidirectional_scratch(fast, mask, (pl_merge)merge, B, T)), count = {0};
#define WHERE                                                                                                                      \
  "%s, %s and %s, %s", merge_names[merge], cell_names[cells / 4], cell_names[cells % 4], test_mask_name((test_mask_kind)kind)
        CHECK(pl_masked_bidirectional(y, back, last, x, fast, init, mask, (pl_merge)merge, B, T, &arena) == PL_OK, WHERE);
        CHECK(arena.steps == 2 * (uint64_t)N && arena.used == 0, WHERE);
        pl_ref_masked_bidirectional(expected, expected_back, expected_last, x, ref, init, mask, (pl_merge)merge, B, T, &count);
        const double tolerance = 2 * rnn_tolerance(D, Hb);
        CHECK_ARRAY_CLOSE(y, expected, B * T * width, tolerance, 0, WHERE);
        CHECK_ARRAY_CLOSE(last[0].h, expected_last[0].h, B * Hf, tolerance, 0, WHERE);
        CHECK_ARRAY_CLOSE(last[1].h, expected_last[1].h, B * Hb, tolerance, 0, WHERE);
        /* Ragged rows give the same bits, without padding between them. */
        pl_arena ragged = new_arena(pl_ragged_bidirectional_scratch(fast, splits, (pl_merge)merge, B));
        CHECK(pl_ragged_bidirectional(closed, closed_back, last, packed, fast, init, splits, (pl_merge)merge, B, &ragged) == PL_OK,
              WHERE);
        pl_pack(steps, y, mask, B, T, width);
        CHECK_BITS(closed, steps, N * width, WHERE);
        if (merge == PL_NONE) {
          CHECK_ARRAY_CLOSE(back, expected_back, B * T * Hb, tolerance, 0, WHERE);
          float *back_steps = TEST_NEW(float, N *Hb);
          pl_pack(back_steps, back, mask, B, T, Hb);
          CHECK_BITS(closed_back, back_steps, N * Hb, WHERE);
        }
        /* If the sequences are not wanted, the states are the same. */
        pl_state again[] = {new_state(B * Hf), new_state(B * Hb)};
        pl_masked_bidirectional(NULL, NULL, again, x, fast, init, mask, (pl_merge)merge, B, T, &arena);
        CHECK_BITS(again[0].h, last[0].h, B * Hf, WHERE);
        CHECK_BITS(again[1].h, last[1].h, B * Hb, WHERE);
#undef WHERE
        test_free();
      }
    }
  }
}

TEST("a bidirectional layer refuses an arena one byte too small before it writes") {
  layer f = default_layer(PL_GRU, 3, 6), b = default_layer(PL_LSTM, 3, 6);
  const pl_rnn fast[] = {f.fast, b.fast};
  const int32_t splits[] = {0, 4, 9};
  const uint8_t mask[] = {1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1};
  for (int merge = PL_CONCAT; merge <= PL_NONE; merge++) {
    float *x = uniform(12 * 3, -1, 1), *y = TEST_NEW(float, 12 * 12), *untouched = TEST_NEW(float, 12 * 12);
    float *back = merge == PL_NONE ? TEST_NEW(float, 12 * 6) : NULL;
    pl_arena ragged = new_arena(pl_ragged_bidirectional_scratch(fast, splits, (pl_merge)merge, 2) - 1);
    CHECK(pl_ragged_bidirectional(y, back, NULL, x, fast, NULL, splits, (pl_merge)merge, 2, &ragged) == PL_SCRATCH_TOO_SMALL, "%s",
          merge_names[merge]);
    pl_arena masked = new_arena(pl_masked_bidirectional_scratch(fast, mask, (pl_merge)merge, 2, 6) - 1);
    CHECK(pl_masked_bidirectional(y, back, NULL, x, fast, NULL, mask, (pl_merge)merge, 2, 6, &masked) == PL_SCRATCH_TOO_SMALL, "%s",
          merge_names[merge]);
    CHECK_BITS(y, untouched, 12 * 12, "%s", merge_names[merge]);
    CHECK(masked.used == 0 && ragged.used == 0, "%s", merge_names[merge]);
  }
}
