/* Both directions of a recurrent layer (Schuster and Paliwal 1997), aligned: the backward layer starts at the last step that counts,
 * and its output for a step is written at that step. */
#include "internal.h"
#include "simd.h"

void pl_merge_outputs(float *y, const float *a, const float *b, pl_merge merge, int M, int Ha, int Hb) {
  PL_ASSERT_SIZES(M, Ha, Hb);
  PL_ASSERT(merge == PL_CONCAT || Ha == Hb, "H = %d and %d", Ha, Hb);
  const size_t left_width = (size_t)Ha, right_width = (size_t)Hb, n = (size_t)M * left_width;
  if (merge == PL_CONCAT) {
    for (size_t m = 0; m < (size_t)M; m++) {
      float *row = y + m * (left_width + right_width);
      v_copy(row, a + m * left_width, left_width);
      v_copy(row + left_width, b + m * right_width, right_width);
    }
    return;
  }
  for (size_t i = 0; i < n; i += 4) {
    const size_t left = n - i;
    v4f p = left < 4 ? v_load_partial(a + i, left) : v_load(a + i);
    v4f q = left < 4 ? v_load_partial(b + i, left) : v_load(b + i);
    v4f r = merge == PL_MUL ? v_mul(p, q) : v_add(p, q);
    r = merge == PL_AVE ? v_mul(r, v_splat(0.5f)) : r;
    if (left < 4) {
      v_store_partial(y + i, r, left);
    } else {
      v_store(y + i, r);
    }
  }
}

/* Bytes of a buffer for the backward sequence, which is needed if the sequences are merged element by element. */
static size_t backward_bytes(const pl_rnn rnn[2], pl_merge merge, size_t N) {
  return merge == PL_CONCAT || merge == PL_NONE ? 0 : pl_arena_floats(N, (size_t)rnn[1].H);
}

size_t pl_ragged_bidirectional_scratch(const pl_rnn rnn[2], const int32_t *splits, pl_merge merge, int B) {
  return pl_sum(backward_bytes(rnn, merge, (size_t)splits[B]),
                pl_larger(pl_ragged_rnn_scratch(&rnn[0], splits, B), pl_ragged_rnn_scratch(&rnn[1], splits, B)));
}

/* Number of columns of the merged sequence. */
static size_t merged_width(const pl_rnn rnn[2], pl_merge merge) {
  return (size_t)rnn[0].H + (merge == PL_CONCAT ? (size_t)rnn[1].H : 0);
}

pl_status pl_ragged_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                  const pl_state init[2], const int32_t *splits, pl_merge merge, int B, pl_arena *arena) {
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT(rnn[0].D == rnn[1].D, "D = %d forward, %d backward", rnn[0].D, rnn[1].D);
  PL_ASSERT(merge == PL_CONCAT || merge == PL_NONE || rnn[0].H == rnn[1].H, "H = %d forward, %d backward", rnn[0].H, rnn[1].H);
  if (!pl_arena_has(arena, pl_ragged_bidirectional_scratch(rnn, splits, merge, B))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used, N = (size_t)splits[B];
  float *backward = merge == PL_NONE ? y_back : NULL;
  if (y && merge != PL_NONE) {
    backward = merge == PL_CONCAT ? y + rnn[0].H : pl_arena_take(arena, N * (size_t)rnn[1].H * sizeof *backward);
  }
  const int ldy = (int)merged_width(rnn, merge);
  const int ldy_back = merge == PL_CONCAT ? ldy : rnn[1].H;
  pl_status status =
      pl_ragged_rnn(y, NULL, last ? &last[0] : NULL, x, &rnn[0], init ? &init[0] : NULL, splits, PL_FORWARD, ldy, B, arena);
  if (status == PL_OK) {
    status = pl_ragged_rnn(backward, NULL, last ? &last[1] : NULL, x, &rnn[1], init ? &init[1] : NULL, splits, PL_BACKWARD,
                           ldy_back, B, arena);
  }
  if (status == PL_OK && y && merge != PL_CONCAT && merge != PL_NONE) {
    pl_merge_outputs(y, y, backward, merge, (int)N, rnn[0].H, rnn[1].H);
  }
  arena->used = used;
  return status;
}

/* ---- with a mask: pack, run, unpack ------------------------------------------------------------------------------------------ */

/* Bytes before the scratch of the ragged function: splits, packed input and outputs. */
static size_t masked_bytes(const pl_rnn rnn[2], pl_merge merge, size_t B, size_t N) {
  const size_t steps = pl_sum(pl_arena_floats(N, (size_t)rnn[0].D), pl_arena_floats(N, merged_width(rnn, merge)));
  return pl_sum(pl_sum(pl_arena_floats(B + 1, 1), steps), merge == PL_NONE ? pl_arena_floats(N, (size_t)rnn[1].H) : 0);
}

size_t pl_masked_bidirectional_scratch(const pl_rnn rnn[2], const uint8_t *mask, pl_merge merge, int B, int T) {
  const size_t N = pl_count_steps(mask, pl_product((size_t)B, (size_t)T));
  /* The scratch of one direction with a mask includes the scratch without. */
  return pl_sum(pl_sum(masked_bytes(rnn, merge, (size_t)B, N), backward_bytes(rnn, merge, N)),
                pl_larger(pl_masked_rnn_scratch(&rnn[0], mask, B, T), pl_masked_rnn_scratch(&rnn[1], mask, B, T)));
}

pl_status pl_masked_bidirectional(float *y, float *y_back, pl_state last[2], const float *x, const pl_rnn rnn[2],
                                  const pl_state init[2], const uint8_t *mask, pl_merge merge, int B, int T, pl_arena *arena) {
  if (!pl_arena_has(arena, pl_masked_bidirectional_scratch(rnn, mask, merge, B, T))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  const size_t width = merged_width(rnn, merge);
  int32_t *splits = pl_arena_take(arena, ((size_t)B + 1) * sizeof *splits);
  const size_t N = (size_t)pl_row_splits(splits, mask, B, T);
  float *packed = pl_arena_take(arena, N * (size_t)rnn[0].D * sizeof *packed);
  float *merged = y ? pl_arena_take(arena, N * width * sizeof *merged) : NULL;
  float *backward = merge == PL_NONE && y_back ? pl_arena_take(arena, N * (size_t)rnn[1].H * sizeof *backward) : NULL;
  pl_pack(packed, x, mask, B, T, rnn[0].D);
  pl_status status = pl_ragged_bidirectional(merged, backward, last, packed, rnn, init, splits, merge, B, arena);
  if (status == PL_OK && merged) {
    pl_unpack(y, merged, mask, 0.0f, B, T, (int)width);
  }
  if (status == PL_OK && backward) {
    pl_unpack(y_back, backward, mask, 0.0f, B, T, rnn[1].H);
  }
  arena->used = used;
  return status;
}
