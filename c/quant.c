/* Embedding and dense layers with int8 weights and a scale for each output. */
#include "quant.h"
#include "simd.h"

/* ---- packing ----------------------------------------------------------------------------------------------------------------- */

/* Elements of a panel: QUANT_PANEL biases, as many scales, then weights, four in an element. */
static inline size_t panel_size(size_t K) { return 2 * QUANT_PANEL + QUANT_PANEL / 2 * ((K + 1) / 2); }

size_t quant_packed_size(size_t K, size_t N) {
  const size_t panels = pl_round_up(N, QUANT_PANEL) / QUANT_PANEL;
  return pl_product(panels, pl_sum(2 * QUANT_PANEL, pl_product(QUANT_PANEL / 2, (K + 1) / 2)));
}

/* The first element of the panel of output n. */
static inline size_t quant_at(size_t n, size_t K) { return n / QUANT_PANEL * panel_size(K); }

void quant_pack_column(float *packed, size_t n, const int8_t *w, size_t ldw, float scale, const float *bias, size_t K) {
  float *panel = packed + quant_at(n, K) + n % QUANT_PANEL;
  panel[0] = bias ? *bias : 0.0f;
  panel[QUANT_PANEL] = scale;
  int8_t *column = (int8_t *)(packed + quant_at(n, K) + 2 * QUANT_PANEL) + 2 * (n % QUANT_PANEL);
  for (size_t k = 0; k < K; k++) {
    column[k / 2 * 2 * QUANT_PANEL + k % 2] = w[k * ldw];
  }
}

size_t pl_quant_dense_packed_size(int K, int N) { return quant_packed_size((size_t)K, (size_t)N); }

void pl_quant_dense_pack(float *packed, const int8_t *w, const float *scale, const float *bias, int K, int N) {
  PL_ASSERT_SIZES(1, K, N);
  memset(packed, 0, pl_quant_dense_packed_size(K, N) * sizeof *packed);
  for (size_t n = 0; n < (size_t)N; n++) {
    quant_pack_column(packed, n, w + n, (size_t)N, scale[n], bias ? bias + n : NULL, (size_t)K);
  }
}

/* ---- rows in 16 bits --------------------------------------------------------------------------------------------------------- */

/* Number of elements of a rounded row, padded to whole vectors; number of rows that are rounded at a time if M are left. */
static inline size_t row_size(size_t K) { return (K + 7) & ~(size_t)7; }
static inline size_t rows_at_a_time(size_t M) { return pl_smaller(M, QUANT_ROWS); }

size_t quant_scratch(size_t M, size_t K) {
  const size_t rows = rows_at_a_time(M);
  return pl_sum(pl_arena_floats(rows, 1), pl_arena_bytes(pl_product(pl_product(rows, row_size(K)), sizeof(int16_t))));
}

/* q[k] = x[k] / scale, rounded; returns the scale. A row with NaN or Inf gets the scale NaN or Inf, so all its outputs become NaN. If
 * all of x is below 1e-34, q is 0. */
static float round_row(int16_t *q, const float *x, float scale_floor, size_t K) {
  /* The bits of non-negative floats, read as integers, have the order of the floats, with Inf and NaN above all numbers. */
  v4i bits = (v4i)v_splat(scale_floor);
  for (size_t k = 0; k < K; k += 4) {
    bits = v_max_int(bits, (v4i)v_abs(v_load_some(x + k, K - k)));
  }
  bits = v_max_int(bits, (v4i){bits[2], bits[3], bits[0], bits[1]});
  bits = v_max_int(bits, (v4i){bits[1], bits[0], bits[3], bits[2]});
  const float largest = ((v4f)bits)[0];
  const v4f inverse = v_splat(largest > 0 ? 32767.0f / largest : 0.0f);
  for (size_t k = 0; k < K; k += 4) {
    v_store_rounded(q + k, v_mul(v_load_some(x + k, K - k), inverse));
  }
  return largest / 32767.0f;
}

/* ---- the product ------------------------------------------------------------------------------------------------------------- */

/* The data that a tile reads: rows that begin at q and scales, outputs that begin at bias and w, and at most one QUANT_BLOCK of k of each. */
typedef struct operands {
  const int16_t *q;
  const float *scales, *bias;
  const int8_t *w;
  size_t ldq, pairs; /* pairs of k */
  int first;         /* this is the first block of k: sums start with the bias, not with y */
} operands;

/* Computes y of `rows` by 8*`eights` outputs in registers; callers pass constants for both. Only the first `left` columns are read or
 * stored. */
static inline __attribute__((always_inline)) void quant_tile(float *y, size_t ldy, size_t left, operands from, const size_t rows,
                                                             const size_t eights) {
  const size_t width = 8 * eights;
  v4i sum[8];
  UNROLL for (size_t i = 0; i < 8; i++) { sum[i] = v_splat_int(0); }
  for (size_t k = 0; k < from.pairs; k++) {
    UNROLL for (size_t i = 0; i < eights; i++) {
      const v8s low = v_load_bytes(from.w + 16 * i), high = v_load_bytes(from.w + 16 * i + 8);
      UNROLL for (size_t r = 0; r < rows; r++) {
        const v8s pair = v_splat_pair(from.q + r * from.ldq);
        v4i *to = sum + 2 * (r * eights + i);
        to[0] += v_dot_pairs(low, pair);
        to[1] += v_dot_pairs(high, pair);
      }
    }
    from.w += 2 * QUANT_PANEL;
    from.q += 2;
  }
  float edge[32], *out = y;
  size_t ldout = ldy;
  if (left < width) {
    for (size_t r = 0; !from.first && r < rows; r++) {
      memcpy(edge + r * width, y + r * ldy, left * sizeof *y);
    }
    out = edge;
    ldout = width;
  }
  const float *start = from.first ? from.bias : out;
  const size_t ldstart = from.first ? 0 : ldout;
  UNROLL for (size_t r = 0; r < rows; r++) {
    const v4f scale = v_splat(from.scales[r]);
    UNROLL for (size_t i = 0; i < width; i += 4) {
      v4f s = v_mul(scale, v_load(from.bias + QUANT_PANEL + i));
      v_store(out + r * ldout + i, v_madd(v_from_int(sum[(r * width + i) / 4]), s, v_load(start + r * ldstart + i)));
    }
  }
  for (size_t r = 0; left < width && r < rows; r++) {
    memcpy(y + r * ldy, edge + r * width, left * sizeof *y);
  }
}

void quant(float *y, size_t ldy, const float *x, size_t ldx, float scale_floor, const float *packed, size_t M, size_t K, size_t N,
           void *scratch) {
  float *scales = scratch;
  int16_t *q = (int16_t *)((uint8_t *)scratch + pl_arena_bytes(rows_at_a_time(M) * sizeof *scales));
  const size_t ldq = row_size(K), pairs = (K + 1) / 2;
  for (size_t done = 0; done < M; done += QUANT_ROWS) {
    const size_t count = rows_at_a_time(M - done), fours = count - count % 4;
    for (size_t m = 0; m < count; m++) {
      scales[m] = round_row(q + m * ldq, x + (done + m) * ldx, scale_floor, K);
    }
    /* For each block of k: 4x8 tiles, for which a panel stays in the first-level cache; then 1x32 for the rows left over. */
    size_t k = 0;
    do {
      operands from = {.ldq = ldq, .pairs = pl_smaller(pairs - k, QUANT_BLOCK / 2), .first = k == 0};
      for (size_t n = 0; n < N; n += 8) {
        const float *panel = packed + quant_at(n, K);
        from.bias = panel + n % QUANT_PANEL;
        from.w = (const int8_t *)(panel + 2 * QUANT_PANEL) + 2 * (k * QUANT_PANEL + n % QUANT_PANEL);
        for (size_t m = 0; m < count; m += m < fours ? 4 : 1) {
          from.q = q + m * ldq + 2 * k;
          from.scales = scales + m;
          float *out = y + (done + m) * ldy + n;
          if (m < fours) {
            quant_tile(out, ldy, N - n, from, 4, 1);
          } else if (n % QUANT_PANEL == 0) {
            quant_tile(out, ldy, N - n, from, 1, 4);
          }
        }
      }
      k += from.pairs;
    } while (k < pairs);
  }
}

size_t pl_quant_dense_scratch(int M, int K) { return quant_scratch((size_t)M, (size_t)K); }

pl_status pl_quant_dense(float *y, const float *x, float scale_floor, const float *packed, int M, int K, int N, pl_arena *arena) {
  PL_ASSERT_SIZES(M, K, N);
  PL_ASSERT_APART(y, (size_t)M * (size_t)N, x, (size_t)M * (size_t)K);
  if (!pl_arena_has(arena, pl_quant_dense_scratch(M, K))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  void *scratch = pl_arena_take(arena, pl_quant_dense_scratch(M, K));
  quant(y, (size_t)N, x, (size_t)K, scale_floor, packed, (size_t)M, (size_t)K, (size_t)N, scratch);
  arena->used = used;
  return PL_OK;
}

/* ---- embedding --------------------------------------------------------------------------------------------------------------- */

pl_status pl_quant_embedding(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids, int N,
                             int V, int D) {
  PL_ASSERT_SIZES(N, V, D);
  const size_t width = (size_t)D;
  for (size_t n = 0; n < (size_t)N; n++) {
    if (ids[n] < 0 || ids[n] >= V) {
      return PL_ID_OUT_OF_RANGE;
    }
    const int8_t *row = table + (size_t)ids[n] * width;
    for (size_t d = 0; d < width; d++) {
      *y++ = (float)(row[d] * rows[ids[n]]) * scale[d];
    }
  }
  return PL_OK;
}

/* Sums of 16-bit products that an int32 holds: 65536 * 127 * 255 < 2^31. */
enum { EXACT_SUMS = 65536 };

/* sum[i] += sum_n table[ids[n]][i] rows[ids[n]] of 16 columns, over n rows. */
static void add_rows_16(double *sum, const int8_t *table, const uint8_t *rows, const int32_t *ids, size_t n, size_t D) {
  v4i part[4] = {{0, 0, 0, 0}};
  for (size_t i = 0; i < n; i++) {
    const int8_t *row = table + (size_t)ids[i] * D;
    const int16_t r = rows[ids[i]];
    const v8s factor = {r, r, r, r, r, r, r, r};
    const v8s low = v_load_bytes(row) * factor, high = v_load_bytes(row + 8) * factor;
    part[0] += v_widen_low(low);
    part[1] += v_widen_high(low);
    part[2] += v_widen_low(high);
    part[3] += v_widen_high(high);
  }
  for (size_t i = 0; i < 4; i++) {
    for (size_t lane = 0; lane < 4; lane++) {
      sum[4 * i + lane] += part[i][lane];
    }
  }
}

/* The sums of `width` columns. */
static void add_rows(double *sum, const int8_t *table, const uint8_t *rows, const int32_t *ids, size_t n, size_t D, size_t width) {
  for (size_t d = 0; d < width; d++) {
    int32_t part = 0;
    for (size_t i = 0; i < n; i++) {
      part += table[(size_t)ids[i] * D + d] * rows[ids[i]];
    }
    sum[d] += part;
  }
}

pl_status pl_quant_embedding_sum(float *y, const int8_t *table, const uint8_t *rows, const float *scale, const int32_t *ids,
                                 const int32_t *splits, int B, int V, int D) {
  PL_ASSERT_SIZES(B, V, D);
  PL_ASSERT_SPLITS(splits, B);
  const size_t width = (size_t)D;
  for (int32_t n = 0; n < splits[B]; n++) {
    if (ids[n] < 0 || ids[n] >= V) {
      return PL_ID_OUT_OF_RANGE;
    }
  }
  for (size_t b = 0; b < (size_t)B; b++, y += width) {
    const int32_t *own = ids + splits[b];
    const size_t N = pl_row_length(splits, b);
    for (size_t d = 0; d < width; d += 16) {
      /* The last tile begins early enough to be whole, so some columns are computed twice, with the same result. */
      const size_t at = d + 16 <= width || width < 16 ? d : width - 16, tile = pl_smaller(width, 16);
      double sum[16] = {0};
      for (size_t n = 0; n < N; n += EXACT_SUMS) {
        const size_t count = pl_smaller(N - n, EXACT_SUMS);
        if (tile == 16) {
          add_rows_16(sum, table + at, rows, own + n, count, width);
        } else {
          add_rows(sum, table + at, rows, own + n, count, width, tile);
        }
      }
      for (size_t i = 0; i < tile; i++) {
        y[at + i] = (float)sum[i] * scale[at + i];
      }
    }
  }
  return PL_OK;
}
