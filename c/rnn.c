/* Recurrent layers: Keras's SimpleRNN, GRU (Cho et al. 2014; reset_after as in cuDNN) and LSTM (Hochreiter and Schmidhuber 1997).
 *
 * A step of a row computes pre = x W + b (for many steps at once) and hU = h U (+ recurrent bias), then the cell. Both products are
 * stored in the layout that the cells read: in blocks of 4 units, which hold 4 values of each gate, gate after gate. Hp is H rounded up to
 * a multiple of 4; units from H on have zero weights, and their values are not used.
 * Rows are sorted by length, longest first. So rows that have ended are the last ones, and the loop over rows ends before them. */
#include "gemm.h"
#include "quant.h"
#include "vmath.h"

/* A chunk is the steps of each row whose x W + b is computed and stored at a time: at least MIN_CHUNK_STEPS, and more as long as the whole
 * batch has at most CHUNK_ROWS of them. */
enum { CHUNK_ROWS = 128, MIN_CHUNK_STEPS = 8 };

typedef struct sizes {
  size_t D, H, Hp, G; /* G gates */
} sizes;

static size_t gates_of(pl_cell cell) { return cell == PL_LSTM ? 4 : cell == PL_SIMPLE_RNN ? 1 : 3; }

static sizes sizes_of(pl_cell cell, int D, int H) {
  return (sizes){(size_t)D, (size_t)H, ((size_t)H + 3) & ~(size_t)3, gates_of(cell)};
}

/* ---- packing: panels of W, then of U; PL_GRU has panels of z and r, then of h ------------------------------------------------ */

/* A kernel or recurrent kernel, float or int8. */
typedef struct matrix {
  const float *w;
  const int8_t *w8;   /* instead of w */
  const float *scale; /* of w8: one per column */
} matrix;

static size_t packed_size(int int8, size_t K, size_t N) { return int8 ? quant_packed_size(K, N) : gemm_packed_size(K, N); }

/* Packs gates first .. first+count-1 of w [K, gates*H], in blocks of 4 units; returns the end. */
static __attribute__((noinline)) float *pack_gates(float *packed, const matrix *from, const float *bias, size_t K, sizes s,
                                                   size_t first, size_t count) {
  const size_t size = packed_size(from->w8 != NULL, K, count * s.Hp);
  memset(packed, 0, size * sizeof *packed);
  for (size_t gate = 0; gate < count; gate++) {
    for (size_t u = 0; u < s.H; u++) {
      const size_t column = (first + gate) * s.H + u, to = u / 4 * 4 * count + gate * 4 + u % 4;
      const float *b = bias ? bias + column : NULL;
      if (from->w8) {
        quant_pack_column(packed, to, from->w8 + column, s.G * s.H, from->scale[column], b, K);
      } else {
        gemm_pack_column(packed, to, from->w + column, s.G * s.H, b, K);
      }
    }
  }
  return packed + size;
}

static __attribute__((noinline)) void pack(float *packed, const matrix *kernel, const matrix *recurrent_kernel, const float *bias,
                                           pl_cell cell, sizes s) {
  float *recurrent = pack_gates(packed, kernel, bias, s.D, s, 0, s.G);
  if (cell == PL_GRU) {
    float *candidate = pack_gates(recurrent, recurrent_kernel, NULL, s.H, s, 0, 2);
    pack_gates(candidate, recurrent_kernel, NULL, s.H, s, 2, 1);
  } else {
    const float *recurrent_bias = cell == PL_GRU_RESET_AFTER && bias ? bias + s.G * s.H : NULL;
    pack_gates(recurrent, recurrent_kernel, recurrent_bias, s.H, s, 0, s.G);
  }
}

static size_t all_packed_size(int int8, pl_cell cell, sizes s) {
  const size_t input = packed_size(int8, s.D, pl_product(s.G, s.Hp));
  return pl_sum(input, cell == PL_GRU ? pl_sum(packed_size(int8, s.H, pl_product(2, s.Hp)), packed_size(int8, s.H, s.Hp))
                                      : packed_size(int8, s.H, pl_product(s.G, s.Hp)));
}

size_t pl_rnn_packed_size(pl_cell cell, int D, int H) { return all_packed_size(0, cell, sizes_of(cell, D, H)); }
size_t pl_quant_rnn_packed_size(pl_cell cell, int D, int H) { return all_packed_size(1, cell, sizes_of(cell, D, H)); }

void pl_rnn_pack(float *packed, const float *kernel, const float *recurrent_kernel, const float *bias, pl_cell cell, int D, int H) {
  PL_ASSERT_SIZES(1, D, H);
  pack(packed, &(matrix){.w = kernel}, &(matrix){.w = recurrent_kernel}, bias, cell, sizes_of(cell, D, H));
}

void pl_quant_rnn_pack(float *packed, const int8_t *kernel, const float *kernel_scale, const int8_t *recurrent_kernel,
                       const float *recurrent_scale, const float *bias, pl_cell cell, int D, int H) {
  PL_ASSERT_SIZES(1, D, H);
  const matrix recurrent = {.w8 = recurrent_kernel, .scale = recurrent_scale};
  pack(packed, &(matrix){.w8 = kernel, .scale = kernel_scale}, &recurrent, bias, cell, sizes_of(cell, D, H));
}

/* ---- products: x W + b and h U, float or int8 -------------------------------------------------------------------------------- */

static size_t product_scratch(const pl_rnn *rnn, size_t M, size_t K) { return rnn->int8 ? quant_scratch(M, K) : 0; }

/* scale_floor: see pl_quant_dense. */
static void product(const pl_rnn *rnn, float *y, size_t ldy, const float *x, size_t ldx, float scale_floor, const float *panels,
                    size_t M, size_t K, size_t N, void *scratch) {
  if (rnn->int8) {
    quant(y, ldy, x, ldx, scale_floor, panels, M, K, N, scratch);
  } else {
    gemm(y, ldy, x, ldx, panels, M, K, N);
  }
}

size_t pl_rnn_products_size(pl_cell cell, int H) {
  const sizes s = sizes_of(cell, 1, H);
  return pl_product(s.G, s.Hp);
}

size_t pl_rnn_products_scratch(const pl_rnn *rnn, int N) { return product_scratch(rnn, (size_t)N, (size_t)rnn->D); }

pl_status pl_rnn_products(float *products, const float *x, const pl_rnn *rnn, int N, pl_arena *arena) {
  PL_ASSERT_SIZES(N, rnn->D, rnn->H);
  const sizes s = sizes_of((pl_cell)rnn->cell, rnn->D, rnn->H);
  const size_t width = s.G * s.Hp, used = arena->used;
  if (!pl_arena_has(arena, pl_rnn_products_scratch(rnn, N))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  void *scratch = pl_arena_take(arena, pl_rnn_products_scratch(rnn, N));
  product(rnn, products, width, x, s.D, 0.0f, rnn->packed, (size_t)N, s.D, width, scratch);
  arena->used = used;
  return PL_OK;
}

/* ---- one call ---------------------------------------------------------------------------------------------------------------- */

/* The data of the loop over time. Rows are numbered from the longest to the shortest: row m is row sorted[m] of the batch. */
typedef struct run {
  const pl_rnn *rnn;
  sizes s;
  pl_order order;
  const int32_t *splits, *sorted;
  const float *W, *U, *Uh; /* panels of x W + b, of h U, and of (r*h) Uh for PL_GRU */
  const float *x;          /* [N, D] */
  size_t B, T, chunk;      /* rows, steps of the longest row, steps whose x W + b is computed at a time */
  float *h, *c;            /* [B, Hp] states */
  float *pre;              /* [B, chunk, G Hp] x W + b; NULL if rnn->products has it */
  float *hU;               /* [B, G Hp] */
  float *rh, *units;       /* [Hp] r*h; values of one gate */
  void *scratch;           /* of the int8 products */
} run;

/* ---- cells: the gates of a row from pre = x W + b and gates = h U, which is overwritten, then its next state ----------------- */

/* Nearly every model has these activations, for which the cells have a faster path. */
static int has_default_activations(const pl_rnn *rnn) { return rnn->act == PL_TANH && rnn->rec_act == PL_SIGMOID; }

/* y += x */
static void add(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i += 4) {
    v_store(y + i, v_add(v_load(x + i), v_load(y + i)));
  }
}

/* Applies act to gate `gate` of the `count` that are interleaved in gates: to all H units together, because softmax needs all of them. */
static void activate_gate(const run *r, float *gates, size_t gate, size_t count, int act) {
  float *first = gates + gate * 4, *units = r->units;
  for (size_t u = 0; u < r->s.Hp; u += 4) {
    v_store(units + u, v_load(first + u * count));
  }
  pl_activate(units, units, (pl_act)act, 1, (int)r->s.H);
  for (size_t u = 0; u < r->s.Hp; u += 4) {
    v_store(first + u * count, v_load(units + u));
  }
}

/* h = act(pre + h U) */
static void simple_rnn(const run *r, const float *pre, float *gates, float *h) {
  add(gates, pre, r->s.Hp);
  activate_gate(r, gates, 0, 1, r->rnn->act);
  memcpy(h, gates, r->s.Hp * sizeof *h);
}

/* h = tanh(c) / divisors, for n blocks of 4 units; the divisors of a block are in every fourth block from `divisors` on. */
static inline __attribute__((always_inline)) void lstm_output(float *h, const float *c, const float *divisors, const int n) {
  v4f x[4], num[4], den[4];
  UNROLL
  for (int i = 0; i < n; i++) {
    x[i] = v_load(c + 4 * i);
  }
  v_tanh_parts(num, den, x, n);
  UNROLL
  for (int i = 0; i < n; i++) {
    v_store(h + 4 * i, v_div(num[i], v_mul(den[i], v_load(divisors + 16 * i))));
  }
}

/* The LSTM with sigmoid and tanh. i*g = tanh(..) / (1 + e^-..) takes one division, and so does o*tanh(c): the first loop leaves 1 + e^-..
 * of o in its gate. Two short loops are faster than one, in which each iteration would be a long chain of operations. */
static void lstm_default_activations(const run *r, const float *pre, float *gates, float *h, float *c) {
  const v4f one = v_splat(1.0f);
  const size_t Hp = r->s.Hp;
  for (size_t u = 0; u < Hp; u += 4) {
    float *g = gates + 4 * u;
    const float *p = pre + 4 * u;
    v4f x[3] = {v_add(v_load(p), v_load(g)), v_add(v_load(p + 4), v_load(g + 4)), v_add(v_load(p + 12), v_load(g + 12))};
    v4f e[3], num, den, candidate = v_add(v_load(p + 8), v_load(g + 8));
    v_exp_neg(e, x, 3);
    v_tanh_parts(&num, &den, &candidate, 1);
    v4f in = v_div(num, v_mul(den, v_add(one, e[0])));
    v4f forget = v_div(one, v_add(one, e[1]));
    v_store(c + u, v_madd(forget, v_load(c + u), in));
    v_store(g + 12, v_add(one, e[2]));
  }
  size_t u = 0;
  for (; u + 16 <= Hp; u += 16) {
    lstm_output(h + u, c + u, gates + 4 * u + 12, 4);
  }
  for (; u < Hp; u += 4) {
    lstm_output(h + u, c + u, gates + 4 * u + 12, 1);
  }
}

/* i, f, o = rec_act(pre + h U); g = act(pre + h U); c = f*c + i*g; h = o * act(c) */
static void lstm(const run *r, const float *pre, float *gates, float *h, float *c) {
  if (has_default_activations(r->rnn)) {
    lstm_default_activations(r, pre, gates, h, c);
    return;
  }
  const size_t Hp = r->s.Hp;
  add(gates, pre, 4 * Hp);
  activate_gate(r, gates, 0, 4, r->rnn->rec_act);
  activate_gate(r, gates, 1, 4, r->rnn->rec_act);
  activate_gate(r, gates, 2, 4, r->rnn->act);
  activate_gate(r, gates, 3, 4, r->rnn->rec_act);
  for (size_t u = 0; u < Hp; u += 4) {
    const float *g = gates + 4 * u;
    v4f next = v_madd(v_load(g + 4), v_load(c + u), v_mul(v_load(g), v_load(g + 8)));
    v_store(c + u, next);
    v_store(r->units + u, next);
  }
  pl_activate(r->units, r->units, (pl_act)r->rnn->act, 1, (int)r->s.H);
  for (size_t u = 0; u < Hp; u += 4) {
    v_store(h + u, v_mul(v_load(gates + 4 * u + 12), v_load(r->units + u)));
  }
}

/* h = z*h + (1-z)*hh */
static inline v4f gru_state(v4f z, v4f h, v4f hh) { return v_madd(z, h, v_mul(v_sub(v_splat(1.0f), z), hh)); }

/* z, r = sigmoid(pre + h U), for a block of 4 units. */
static inline __attribute__((always_inline)) void update_and_reset(v4f *z, v4f *r, const float *pre, const float *g) {
  const v4f one = v_splat(1.0f);
  v4f x[2] = {v_add(v_load(pre), v_load(g)), v_add(v_load(pre + 4), v_load(g + 4))}, e[2];
  v_exp_neg(e, x, 2);
  *z = v_div(one, v_add(one, e[0]));
  *r = v_div(one, v_add(one, e[1]));
}

static void gru_reset_after_default_activations(const run *r, const float *pre, const float *gates, float *h) {
  for (size_t u = 0; u < r->s.Hp; u += 4) {
    const float *g = gates + 3 * u, *p = pre + 3 * u;
    v4f update, reset;
    update_and_reset(&update, &reset, p, g);
    v4f hh = v_tanh(v_madd(reset, v_load(g + 8), v_load(p + 8)));
    v_store(h + u, gru_state(update, v_load(h + u), hh));
  }
}

/* z, r = rec_act(pre + h U), in blocks of `count` gates, of which z and r are the first two. */
static void activate_update_and_reset(const run *r, const float *pre, float *gates, size_t count) {
  for (size_t u = 0; u < r->s.Hp; u += 4) {
    add(gates + count * u, pre + 3 * u, 8);
  }
  activate_gate(r, gates, 0, count, r->rnn->rec_act);
  activate_gate(r, gates, 1, count, r->rnn->rec_act);
}

/* h = z*h + (1-z)*act(units), z in every block of `count` gates. */
static void update_state(const run *r, const float *gates, size_t count, float *h) {
  pl_activate(r->units, r->units, (pl_act)r->rnn->act, 1, (int)r->s.H);
  for (size_t u = 0; u < r->s.Hp; u += 4) {
    v_store(h + u, gru_state(v_load(gates + count * u), v_load(h + u), v_load(r->units + u)));
  }
}

/* z, r = rec_act(pre + h U); hh = act(pre_h + r * (h Uh + rh)) */
static void gru_reset_after(const run *r, const float *pre, float *gates, float *h) {
  if (has_default_activations(r->rnn)) {
    gru_reset_after_default_activations(r, pre, gates, h);
    return;
  }
  activate_update_and_reset(r, pre, gates, 3);
  for (size_t u = 0; u < r->s.Hp; u += 4) {
    const float *g = gates + 3 * u;
    v_store(r->units + u, v_madd(v_load(g + 4), v_load(g + 8), v_load(pre + 3 * u + 8)));
  }
  update_state(r, gates, 3, h);
}

/* z, r = rec_act(pre + h U); hh = act(pre_h + (r*h) Uh) */
static void gru_reset_before(const run *r, const float *pre, float *gates, float *h) {
  const size_t Hp = r->s.Hp;
  activate_update_and_reset(r, pre, gates, 2);
  for (size_t u = 0; u < Hp; u += 4) {
    v_store(r->rh + u, v_mul(v_load(gates + 2 * u + 4), v_load(h + u)));
  }
  product(r->rnn, r->units, Hp, r->rh, Hp, 1.0f, r->Uh, 1, r->s.H, Hp, r->scratch);
  for (size_t u = 0; u < Hp; u += 4) {
    v_store(r->units + u, v_add(v_load(pre + 3 * u + 8), v_load(r->units + u)));
  }
  update_state(r, gates, 2, h);
}

/* h, c = cell(pre, h U, h, c) */
static void next_state(const run *r, const float *pre, float *gates, float *h, float *c) {
  switch (r->rnn->cell) {
  case PL_LSTM:
    lstm(r, pre, gates, h, c);
    break;
  case PL_GRU_RESET_AFTER:
    gru_reset_after(r, pre, gates, h);
    break;
  case PL_GRU:
    gru_reset_before(r, pre, gates, h);
    break;
  default:
    simple_rnn(r, pre, gates, h);
  }
}

/* ---- scratch ----------------------------------------------------------------------------------------------------------------- */

static size_t chunk_steps(size_t B, size_t T) {
  const size_t steps = pl_larger(B ? CHUNK_ROWS / B : 0, MIN_CHUNK_STEPS);
  return pl_smaller(steps, T);
}

/* Scratch of the larger of the two products, which never run together: of the inputs of one row, and of the states of all rows. */
static size_t products_bytes(const pl_rnn *rnn, size_t B, size_t T) {
  return pl_larger(product_scratch(rnn, chunk_steps(B, T), (size_t)rnn->D), product_scratch(rnn, B, (size_t)rnn->H));
}

static size_t scratch_bytes(const pl_rnn *rnn, size_t B, size_t T) {
  const sizes s = sizes_of((pl_cell)rnn->cell, rnn->D, rnn->H);
  const size_t width = pl_product(s.G, s.Hp);
  size_t bytes = pl_sum(pl_arena_floats(B, 1), pl_arena_floats(T + 1, 1)); /* sorted, rows of each length */
  bytes = pl_sum(bytes, pl_product(2, pl_arena_floats(B, s.Hp)));          /* h, c */
  bytes = pl_sum(bytes, pl_arena_floats(B, width));                        /* hU */
  bytes = pl_sum(bytes, pl_product(2, pl_arena_floats(s.Hp, 1)));          /* rh, units */
  if (!rnn->products) {
    bytes = pl_sum(bytes, pl_arena_floats(pl_product(B, chunk_steps(B, T)), width)); /* pre */
  }
  return pl_sum(bytes, products_bytes(rnn, B, T));
}

size_t pl_ragged_rnn_scratch(const pl_rnn *rnn, const int32_t *splits, int B) {
  return scratch_bytes(rnn, (size_t)B, pl_longest_row(splits, B));
}

/* sorted: the rows from the longest to the shortest; rows of one length keep their order. rows_of [T+1] is scratch. */
static void sort_by_length(int32_t *sorted, int32_t *rows_of, const int32_t *splits, int B, size_t T) {
  memset(rows_of, 0, (T + 1) * sizeof *rows_of);
  for (size_t b = 0; b < (size_t)B; b++) {
    rows_of[pl_row_length(splits, b)]++;
  }
  int32_t place = 0; /* index of the first row of each length */
  for (size_t n = T + 1; n-- > 0;) {
    int32_t rows = rows_of[n];
    rows_of[n] = place;
    place += rows;
  }
  for (size_t b = 0; b < (size_t)B; b++) {
    sorted[rows_of[pl_row_length(splits, b)]++] = (int32_t)b;
  }
}

/* Copies the initial states to `state`; NULL: zeros. */
static void load_state(float *state, const float *init, const run *r) {
  memset(state, 0, r->B * r->s.Hp * sizeof *state);
  for (size_t m = 0; init && m < r->B; m++) {
    memcpy(state + m * r->s.Hp, init + (size_t)r->sorted[m] * r->s.H, r->s.H * sizeof *state);
  }
}

static void save_state(float *last, const float *state, const run *r) {
  for (size_t m = 0; last && m < r->B; m++) {
    memcpy(last + (size_t)r->sorted[m] * r->s.H, state + m * r->s.Hp, r->s.H * sizeof *last);
  }
}

/* Lays out the scratch, in the order of scratch_bytes. */
static run start(const float *x, const pl_rnn *rnn, const int32_t *splits, pl_order order, int B, size_t T, pl_arena *arena) {
  run r = {.rnn = rnn, .s = sizes_of((pl_cell)rnn->cell, rnn->D, rnn->H), .order = order, .splits = splits, .x = x};
  const size_t Hp = r.s.Hp, width = r.s.G * Hp;
  r.B = (size_t)B;
  r.T = T;
  r.chunk = chunk_steps(r.B, T);
  int32_t *sorted = pl_arena_take(arena, r.B * sizeof *sorted);
  sort_by_length(sorted, pl_arena_take(arena, (T + 1) * sizeof(int32_t)), splits, B, T);
  r.sorted = sorted;
  r.h = pl_arena_take(arena, r.B * Hp * sizeof *r.h);
  r.c = pl_arena_take(arena, r.B * Hp * sizeof *r.c);
  r.hU = pl_arena_take(arena, r.B * width * sizeof *r.hU);
  r.rh = pl_arena_take(arena, Hp * sizeof *r.rh);
  r.units = pl_arena_take(arena, Hp * sizeof *r.units);
  r.pre = rnn->products ? NULL : pl_arena_take(arena, r.B * r.chunk * width * sizeof *r.pre);
  r.scratch = pl_arena_take(arena, products_bytes(rnn, r.B, T));
  r.W = rnn->packed;
  r.U = r.W + packed_size(rnn->int8, r.s.D, width);
  r.Uh = rnn->cell == PL_GRU ? r.U + packed_size(rnn->int8, r.s.H, 2 * Hp) : NULL;
  return r;
}

/* ---- the loop over time ------------------------------------------------------------------------------------------------------ */

static size_t length_of(const run *r, size_t m) { return pl_row_length(r->splits, (size_t)r->sorted[m]); }

/* The step of x that row m visits at time t. */
static size_t visited(const run *r, size_t m, size_t t) {
  return (size_t)r->splits[r->sorted[m]] + (r->order == PL_FORWARD ? t : length_of(r, m) - 1 - t);
}

/* The step of y that the output of row m at time t belongs to. */
static size_t written(const run *r, size_t m, size_t t) {
  return r->order == PL_BACKWARD_AS_VISITED ? (size_t)r->splits[r->sorted[m]] + t : visited(r, m, t);
}

/* x W + b of row m at time t. Steps of a chunk have the order that they have in x. */
static float *chunk_at(const run *r, size_t m, size_t t) {
  const size_t at = r->order == PL_FORWARD ? t % r->chunk : r->chunk - 1 - t % r->chunk;
  return r->pre + (m * r->chunk + at) * r->s.G * r->s.Hp;
}

/* pre = x W + b of the first rows, for the chunk of steps that begins at time t. */
static void multiply_inputs(const run *r, size_t rows, size_t t) {
  for (size_t m = 0; m < rows; m++) {
    const size_t n = pl_smaller(length_of(r, m) - t, r->chunk), first = r->order == PL_FORWARD ? t : t + n - 1;
    product(r->rnn, chunk_at(r, m, first), r->s.G * r->s.Hp, r->x + visited(r, m, first) * r->s.D, r->s.D, 0.0f, r->W, n, r->s.D,
            r->s.G * r->s.Hp, r->scratch);
  }
}

/* hU = h U + recurrent bias of the first rows. For a GRU that resets before its product, only z and r. */
static void multiply_states(const run *r, size_t rows) {
  const size_t gates = r->rnn->cell == PL_GRU ? 2 : r->s.G;
  product(r->rnn, r->hU, r->s.G * r->s.Hp, r->h, r->s.Hp, 1.0f, r->U, rows, r->s.H, gates * r->s.Hp, r->scratch);
}

pl_status pl_ragged_rnn(float *y, float *cells, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init,
                        const int32_t *splits, pl_order order, int ldy, int B, pl_arena *arena) {
  PL_ASSERT_SPLITS(splits, B);
  PL_ASSERT(!y || ldy >= rnn->H, "ldy = %d, H = %d", ldy, rnn->H);
  PL_ASSERT(!rnn->products == !rnn->rows, "products %p, rows %p", (const void *)rnn->products, (const void *)rnn->rows);
  if (!pl_arena_has(arena, pl_ragged_rnn_scratch(rnn, splits, B))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  const run r = start(x, rnn, splits, order, B, pl_longest_row(splits, B), arena);
  const size_t H = r.s.H, Hp = r.s.Hp, width = r.s.G * Hp;
  load_state(r.h, init ? init->h : NULL, &r);
  load_state(r.c, init ? init->c : NULL, &r);

  size_t rows = r.B; /* number of rows longer than t */
  for (size_t t = 0; t < r.T; t++) {
    while (length_of(&r, rows - 1) <= t) {
      rows--;
    }
    if (r.pre && t % r.chunk == 0) {
      multiply_inputs(&r, rows, t);
    }
    multiply_states(&r, rows);
    for (size_t m = 0; m < rows; m++) {
      const float *pre = r.pre ? chunk_at(&r, m, t) : rnn->products + (size_t)rnn->rows[visited(&r, m, t)] * width;
      float *h = r.h + m * Hp, *c = r.c + m * Hp;
      next_state(&r, pre, r.hU + m * width, h, c);
      if (y) {
        v_copy(y + written(&r, m, t) * (size_t)ldy, h, H);
      }
      if (cells && rnn->cell == PL_LSTM) {
        v_copy(cells + written(&r, m, t) * H, c, H);
      }
    }
    arena->steps += rows;
  }
  if (last) {
    save_state(last->h, r.h, &r);
    save_state(rnn->cell == PL_LSTM ? last->c : NULL, r.c, &r);
  }
  arena->used = used;
  return PL_OK;
}

/* ---- with a mask: pack, run, unpack ------------------------------------------------------------------------------------------ */

static size_t longest_masked(const uint8_t *mask, int B, int T, size_t *N) {
  size_t longest = 0;
  *N = 0;
  for (size_t b = 0; b < (size_t)B; b++) {
    size_t n = pl_count_steps(pl_mask_row(mask, b, (size_t)T), (size_t)T);
    *N = pl_sum(*N, n);
    longest = pl_larger(longest, n);
  }
  return longest;
}

size_t pl_masked_rnn_scratch(const pl_rnn *rnn, const uint8_t *mask, int B, int T) {
  size_t N, longest = longest_masked(mask, B, T, &N);
  const size_t steps = pl_sum(pl_arena_floats(N, (size_t)rnn->D), pl_arena_floats(N, (size_t)rnn->H));
  return pl_sum(pl_sum(pl_arena_floats((size_t)B + 1, 1), steps), scratch_bytes(rnn, (size_t)B, longest));
}

pl_status pl_masked_rnn(float *y, pl_state *last, const float *x, const pl_rnn *rnn, const pl_state *init, const uint8_t *mask,
                        pl_order order, int B, int T, pl_arena *arena) {
  PL_ASSERT(!rnn->products, "products is %p, expected NULL: only the ragged functions look products up",
            (const void *)rnn->products);
  if (!pl_arena_has(arena, pl_masked_rnn_scratch(rnn, mask, B, T))) {
    return PL_SCRATCH_TOO_SMALL;
  }
  const size_t used = arena->used;
  int32_t *splits = pl_arena_take(arena, ((size_t)B + 1) * sizeof *splits);
  const size_t N = (size_t)pl_row_splits(splits, mask, B, T);
  float *packed = pl_arena_take(arena, N * (size_t)rnn->D * sizeof *packed);
  float *output = y ? pl_arena_take(arena, N * (size_t)rnn->H * sizeof *output) : NULL;
  pl_pack(packed, x, mask, B, T, rnn->D);
  pl_status status = pl_ragged_rnn(output, NULL, last, packed, rnn, init, splits, order, rnn->H, B, arena);
  if (y && status == PL_OK) {
    pl_unpack(y, output, mask, 0.0f, B, T, rnn->H);
  }
  arena->used = used;
  return status;
}
